"""Journals of searches: a line for each finished box, so that a search can go on after an interruption.

A line is there whole or not at all, and ends with a digest of its own: damage is seen. A journal is one's own file, as
the program is; what another person found is shown by a certificate, which the checker proves anew.
"""

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adamsym.certify.boxes import Box
from adamsym.expressions.errors import InputError
from adamsym.expressions.files import json_value, read_bytes

Data = dict[str, Any]

Journal = tuple[dict[Box, Data], Callable[[Box, Data], None]]
"""What is known already, and a function that appends."""

LARGEST_FILE = 2**28
"""Bytes of a journal that is gone on from."""


def check_journal(path: Path) -> None:
    """Raise InputError if there is something at ``path`` that is no regular file."""
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise InputError(f"{_named(path)}: cannot read: {getattr(error, 'strerror', None) or error}") from None
    if not regular:
        raise InputError(f"{_named(path)}: not a regular file; pipes, devices and folders cannot keep a journal")


@contextmanager
def journal_of(owner: str, path: Path | None) -> Iterator[Journal]:
    """What a journal of the task ``owner`` holds already, and a function that appends to it.

    Raises
    ------
    InputError
        If the file is no journal, belongs to another task, or cannot be written to, as on a full disk; lines that were
        whole before stay.
    """
    if path is None:
        yield {}, lambda box, outcome: None
        return
    check_journal(path)
    is_new = not path.exists()
    known, length = ({}, 0) if is_new else _read(owner, path)
    try:
        # O_NONBLOCK: what has become a pipe meanwhile must not block.
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
    except OSError as error:
        raise InputError(f"{_named(path)}: cannot write: {error.strerror}") from None
    try:
        # An unfinished last line, as a crash leaves it, goes.
        os.ftruncate(file, length)
        if length == 0:
            try:
                _append(file, path, {"task": owner})
            except InputError:
                if is_new:
                    path.unlink(missing_ok=True)
                raise

        def record(box: Box, outcome: Data) -> None:
            entry = {"box": box, "outcome": outcome}
            _append(file, path, entry | {"digest": _digest(owner, entry)})

        yield known, record
    finally:
        os.close(file)


def _append(file: int, path: Path, entry: dict[str, Any]) -> None:
    """Append one line, whole or not at all."""
    line = json.dumps(entry, allow_nan=False).encode() + b"\n"
    end = os.lseek(file, 0, os.SEEK_END)
    try:
        written = 0
        while written < len(line):
            written += os.write(file, line[written:])
    except OSError as error:
        os.ftruncate(file, end)
        raise InputError(f"{_named(path)}: cannot write: {error.strerror}; lines written before are kept") from None


def _read(owner: str, path: Path) -> tuple[dict[Box, Data], int]:
    """The finished boxes of a journal, and the length of its whole lines."""
    content = read_bytes(path, LARGEST_FILE, _named(path))
    length = content.rfind(b"\n") + 1
    known: dict[Box, Data] = {}
    for number, line in enumerate(content[:length].split(b"\n")[:-1]):
        try:
            entry = json_value(line, "journal")
            if number == 0:
                if set(entry) != {"task"} or not isinstance(entry["task"], str):
                    raise ValueError
                task = entry["task"]
                continue
            box = _box(entry["box"])
            if not isinstance(entry["outcome"], dict) or not isinstance(entry["outcome"].get("by"), str):
                raise ValueError
            if task == owner and entry.pop("digest") != _digest(owner, entry):
                raise ValueError
            known[box] = entry["outcome"]
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{_named(path)}: line {number + 1} is damaged, or this is no journal; give another file"
            ) from None
    if content and not length:
        raise InputError(f"{_named(path)}: is no journal of adamsym; give another file")
    if length and task != owner:
        raise InputError(f"{_named(path)}: belongs to another problem, box or setting; give another file")
    return known, length


def _box(value: Any) -> Box:
    box = tuple((low, high) for low, high in value)
    if not all(isinstance(end, float) and math.isfinite(end) for side in box for end in side):
        raise ValueError
    return box


def _digest(owner: str, entry: dict[str, Any]) -> str:
    return hashlib.sha256(f"{owner}\n{json.dumps(entry, sort_keys=True)}".encode()).hexdigest()[:16]


def _named(path: Path) -> str:
    return f"journal {str(path)[:80]!r}"
