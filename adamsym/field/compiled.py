"""Compilation of numerical loops."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile a function with Numba on its first call; the machine code is kept on disk beside the module.

    Callers and callees must stand in one module: the kept code is renewed when the caller's file changes. IEEE
    arithmetic in the order written, so that results do not depend on the machine's vector width.
    """
    return cast("Callable[Arguments, Result]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
