"""Compilation of numerical loops."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
from numba.extending import register_jitable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@lru_cache
def _sources(folder: Path) -> str:
    """A digest of a folder and of this file: of what a function calls, Numba sees no change in other files."""
    read = [path.read_bytes() for path in [*sorted(folder.glob("*.py")), Path(__file__)]]
    return hashlib.sha256(b"".join(read)).hexdigest()[:16]


def compiled(function: Callable[Arguments, Result], **options: bool | str) -> Callable[Arguments, Result]:
    """Compile a function with Numba on its first call; the machine code is kept on disk.

    The code kept is that of this state of all modules of the function's folder, so that a compiled function calls those
    of its own folder alone, and reads no constant of another. IEEE arithmetic in the order written,
    so that results do not depend on the machine's vector width. Further options are Numba's.
    """
    function.__qualname__ += "_" + _sources(Path(function.__code__.co_filename).parent)
    kept = numba.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
    return cast("Callable[Arguments, Result]", kept)


def inlined(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a function into those that call it: a call costs some nanoseconds for each array that it hands over."""
    return compiled(function, inline="always")


def inner(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a function within those compiled ones that call it; Python's own calls of it are not compiled.

    Numba makes no entry points for Python or C and keeps no machine code of its own for it, which together take longer
    to compile than a small function itself, and are carried along into every function that calls it.
    """
    within = register_jitable(error_model="numpy", no_cfunc_wrapper=True)(function)
    return cast("Callable[Arguments, Result]", within)
