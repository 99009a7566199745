"""Files from strangers: only regular ones of bounded size, and JSON read strictly."""

import json
import os

import pytest

from adamsym.expressions.errors import InputError
from adamsym.expressions.files import json_value, open_regular, read_bytes


def test_a_regular_file_is_read(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_bytes(file, 5, "here") == b"12345"
    with open_regular(file, 5, "here") as opened:
        assert opened.read() == b"12345"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"123456"), "here: larger than"),
        (lambda path: path.mkdir(), "here: not a regular file"),
        (lambda path: os.mkfifo(path), "here: not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "here: not a regular file"),
        (lambda path: path.symlink_to(path), "here: cannot read"),
        (lambda path: None, "here: cannot read: no such file"),
    ],
)
def test_others_are_refused_at_once(make, message, tmp_path):
    path = tmp_path / "file"
    make(path)
    with pytest.raises(InputError, match=message):
        read_bytes(path, 5, "here")


def test_a_name_with_a_zero_byte_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_bytes(tmp_path / "a\0b", 5, "here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ("{}".encode("utf-16"), "no JSON"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' stands twice"),
        (b'[{"a": {"b": 1, "b": 2}}]', "'b' stands twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[" + b"1" * 10_000 + b"]", "no JSON"),
        (b"[" * 50 + b"]" * 50, "nested too deeply"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply|no JSON"),
    ],
)
def test_json_is_read_strictly(text, message):
    with pytest.raises(InputError, match=message):
        json_value(text, "here")


def test_what_is_strict_json_is_read():
    value = {"a": [1, 2.5, None, True, {"b": "x"}], "c": {"a": 0}}
    assert json_value(json.dumps(value).encode(), "here") == value
    assert json_value(b"[" * 40 + b"]" * 40, "here") is not None
