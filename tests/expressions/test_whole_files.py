"""Files are replaced whole or stay as they were."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.expressions.whole_files import write_whole


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 200))
def test_a_write_that_fails_leaves_what_was_there(before, after, fails_at):
    def write(file):
        file.write(after[:fails_at])
        if fails_at < len(after):
            raise OSError(28, "No space left on device")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(before)
        if fails_at < len(after):
            with pytest.raises(InputError, match=r"-o: cannot write .*file'?: No space"):
                write_whole(path, write, "-o")
        else:
            write_whole(path, write, "-o")
        assert path.read_bytes() == (before if fails_at < len(after) else after)
        assert os.listdir(folder) == ["file"]


def test_other_errors_leave_nothing_behind(tmp_path):
    def write(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", write, "-o")
    assert os.listdir(tmp_path) == []


def test_a_file_is_as_readable_as_others(tmp_path):
    write_whole(tmp_path / "file", lambda file: file.write(b"x"), "-o")
    (tmp_path / "other").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"checkpoint: cannot write to .*: No such file"):
        write_whole(tmp_path / "none" / "file", lambda file: None, "checkpoint")
