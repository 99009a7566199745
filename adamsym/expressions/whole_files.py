"""Writing of files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from adamsym.expressions.errors import InputError


def write_whole(path: Path, write: Callable[[IO[bytes]], object], place: str) -> None:
    """Replace a file by what ``write`` writes; if that fails, what was there stays.

    Raises
    ------
    InputError
        If the file cannot be written; the message begins with ``place``.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{place}: cannot write to {str(path.parent)[:80]!r}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp's files are private; an output is as readable as the user's other files.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{place}: cannot write {str(path)[:80]!r}: {error.strerror}") from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
