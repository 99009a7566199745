"""Journals of searches: whole lines or none, on full disks too; nothing but a journal is gone on from or changed."""

import errno
import json
import os

import pytest

from adamsym.certify import find_zeros
from adamsym.certify.journal import journal_of
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

BOX = ((0.0, 1.0),)
THREE_POINTS = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())


def written(path, owner="mine", boxes=(BOX,)):
    with journal_of(owner, path) as (known, record):
        for box in boxes:
            record(box, {"by": "sign", "coordinate": 0})
    return known


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "journal"
    assert written(path) == {}
    assert written(path, boxes=()) == {BOX: {"by": "sign", "coordinate": 0}}


def full_disk(monkeypatch, room):
    """From now on ``room`` bytes can be written."""
    left = [room]

    def write(file, content, original=os.write):
        count = min(left[0], len(content))
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= count
        return original(file, content[:count])

    monkeypatch.setattr(os, "write", write)


@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_full_disk_is_one_line_and_keeps_the_older_lines(room, tmp_path, monkeypatch):
    path = tmp_path / "journal"
    written(path)
    before = path.read_bytes()
    full_disk(monkeypatch, room)
    with pytest.raises(InputError, match="cannot write: No space left"):
        written(path, boxes=[((1.0, 2.0),)])
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="cannot write: No space left"):
        written(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_search_on_a_full_disk_ends_in_one_line(tmp_path, monkeypatch):
    path = tmp_path / "journal"
    full_disk(monkeypatch, 500)
    with pytest.raises(InputError, match="cannot write: No space left"):
        find_zeros(THREE_POINTS, [[-5, 5]], journal=path)
    monkeypatch.undo()
    lines = path.read_bytes().splitlines()
    assert len(lines) >= 2
    again = find_zeros(THREE_POINTS, [[-5, 5]], journal=path)
    assert again.leaves == find_zeros(THREE_POINTS, [[-5, 5]]).leaves
    assert path.read_bytes().splitlines()[: len(lines)] == lines


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_only_regular_files_are_journals(make, tmp_path):
    make(tmp_path / "journal")
    with pytest.raises(InputError, match="not a regular file"):
        written(tmp_path / "journal")


@pytest.mark.parametrize(
    "content",
    [
        b"notes of mine",
        b"notes of mine\nand more",
        b"\n",
        b"{}\n",
        b'{"task": 3}\n',
        b'{"task": "mine", "task": "mine"}\n',
        b"[" * 100_000 + b"\n",
        b'{"task": "mine"}\n[]\n',
        b'{"task": "mine"}\n{"box": [[0.0, NaN]], "outcome": {"by": "sign"}}\n',
        b'{"task": "mine"}\n{"box": [[0.0, "1"]], "outcome": {"by": "sign"}}\n',
        b'{"task": "mine"}\n{"box": [[0.0, 1.0]], "outcome": []}\n',
        b'{"task": "mine"}\n{"box": [[0.0, 1.0]], "outcome": {"by": "sign", "coordinate": 0}}\n',
        b'{"task": "other"}\n',
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_journal_is_refused_and_not_touched(content, tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(InputError, match="journal"):
        written(path)
    assert path.read_bytes() == content


def test_damage_within_a_line_is_seen(tmp_path):
    path = tmp_path / "journal"
    written(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"coordinate": 0', b'"coordinate": 1'))
    with pytest.raises(InputError, match="line 2"):
        written(path)
    path.write_bytes(content + b'{"box": [[1.0')
    assert len(written(path, boxes=())) == 1
    assert path.read_bytes() == content
    assert json.loads(content.splitlines()[0]) == {"task": "mine"}
