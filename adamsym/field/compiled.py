"""Compilation of numerical loops."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))
"""Numba sees when a function's own file changes, but not the files of the functions that it calls."""


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a function with Numba on its first call; the machine code is kept on disk.

    The code kept is that of this state of all modules of this folder. IEEE arithmetic in the order written, so that
    results do not depend on the machine's vector width.
    """
    function.__qualname__ += "_" + _SOURCES.hexdigest()[:16]
    return cast("Callable[Arguments, Result]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
