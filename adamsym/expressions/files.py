"""Files from strangers: regular ones of bounded size, opened without waiting for anybody; errors are one line."""

import gzip
import json
import os
import stat
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from adamsym.expressions.errors import InputError

DEEPEST_JSON = 40
"""Lists and objects within each other in a JSON file."""


def open_regular(path: Path, largest: int, place: str) -> BinaryIO:
    """Return a regular file of at most ``largest`` bytes, open for reading; messages begin with ``place``.

    Raises
    ------
    InputError
        If there is no such file, it is a folder, pipe, device or socket, too large, or not readable.
    """
    try:
        # A pipe without a writer would block, and so would some devices.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InputError(f"{place}: cannot read: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: cannot read: {getattr(error, 'strerror', None) or error}") from None
    file = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if file is None:
        os.close(descriptor)
        raise InputError(f"{place}: not a regular file; pipes, devices and folders are not read")
    if os.fstat(descriptor).st_size > largest:
        file.close()
        raise _too_large(largest, place)
    return file


def read_bytes(path: Path, largest: int, place: str) -> bytes:
    """Return the content of a regular file of at most ``largest`` bytes; errors as :func:`open_regular`."""
    try:
        with open_regular(path, largest, place) as file:
            # It may grow while it is read.
            content = file.read(largest + 1)
    except OSError as error:
        raise InputError(f"{place}: cannot read: {error.strerror}") from None
    if len(content) > largest:
        raise _too_large(largest, place)
    return content


def _unpacked(path: Path, largest: int, place: str) -> bytes:
    """The content of a gzip file, which is unpacked to at most one byte more than is allowed."""
    try:
        with open_regular(path, largest, place) as packed, gzip.GzipFile(fileobj=packed) as file:
            content = file.read(largest + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{place}: no gzip file, or damaged") from None
    except OSError as error:
        raise InputError(f"{place}: cannot read: {error.strerror}") from None
    if len(content) > largest:
        raise InputError(f"{place}: unpacked it is larger than {largest // 2**20} MB, which is the most allowed")
    return content


def read_text(path: Path, largest: int) -> str:
    """Return the text of a regular UTF-8 file, line ends as they are; errors as :func:`open_regular`.

    A file whose name ends in ``.gz`` is unpacked, to at most ``largest`` bytes.

    Raises
    ------
    InputError
        If the file holds anything else than UTF-8 text.
    """
    read = _unpacked if path.suffix == ".gz" else read_bytes
    try:
        text = read(path, largest, str(path)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; save the file as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path}: not UTF-8 text, for it holds a NUL character; save the file as UTF-8")
    return text


def _too_large(largest: int, place: str) -> InputError:
    return InputError(f"{place}: larger than {largest // 2**20} MB, which is the most allowed")


def json_value(text: bytes, place: str) -> Any:
    """Return what JSON text holds, read strictly: UTF-8, no key twice, no NaN or Infinity, no deep nesting.

    Raises
    ------
    InputError
        If the text is anything else.
    """
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{place}: no JSON: it is not UTF-8 text") from None
    try:
        value = json.loads(decoded, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: no JSON: {error.msg} in line {error.lineno}") from None
    except ValueError as error:
        raise InputError(f"{place}: no JSON as it is allowed here: {str(error)[:120]}") from None
    except RecursionError:
        value, deep = None, True
    else:
        deep = _is_deep(value)
    if deep:
        raise InputError(f"{place}: nested too deeply; at most {DEEPEST_JSON} levels are allowed")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:40]!r} stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST_JSON):
        level = [
            entry
            for part in level
            if isinstance(part, (list, dict))
            for entry in (part.values() if isinstance(part, dict) else part)
            if isinstance(entry, (list, dict))
        ]
        if not level:
            return False
    return True
