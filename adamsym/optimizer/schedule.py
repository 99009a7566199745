"""Step sizes gamma_n as expressions in n."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.expressions.errors import InputError
from adamsym.expressions.parser import parse_expression

_N = sp.Symbol("n", real=True)


@dataclass(frozen=True)
class StepSizeSchedule:
    """Step sizes gamma_n, n = 1, 2, ..., from text such as ``"0.1/n**0.7"`` or a number.

    Raises
    ------
    InputError
        If the text is no expression in n.

    Examples
    --------
    >>> StepSizeSchedule("0.1/n**0.5")([1, 4])
    array([0.1 , 0.05])
    """

    text: str | int | float
    expression: sp.Expr = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", parse_expression(str(self.text), {"n": _N}, "step size"))

    @cached_property
    def _evaluate(self):  # type: ignore[no-untyped-def]
        return compile_float([_N], [self.expression])

    def __call__(self, n: ArrayLike) -> FloatArray:
        """Return gamma_n for step numbers n >= 1 of any shape, as float64."""
        numbers = np.asarray(n, dtype=np.float64)
        sizes = np.asarray(self._evaluate(numbers)[..., 0])
        wrong = ~(np.isfinite(sizes) & (sizes > 0))
        if wrong.any():
            raise InputError(f"step size: {sizes[wrong].flat[0]} at n = {numbers[wrong].flat[0]:g}; step sizes must be positive")
        return sizes
