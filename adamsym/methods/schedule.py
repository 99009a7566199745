"""Step sizes gamma_n as expressions in the step number n."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import real_array, shown
from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.expressions.errors import InputError
from adamsym.expressions.parser import parse_expression

_STEP = sp.Symbol("n", positive=True)


@dataclass(frozen=True)
class StepSizeSchedule:
    """Step sizes gamma_n, n = 1, 2, ..., from an expression in n.

    Parameters
    ----------
    text
        Text of the whitelist grammar such as ``"0.1/n**0.7"``, or a number for constant steps.

    Raises
    ------
    InputError
        If the text is no expression in n, or gamma_1 is not positive.

    Examples
    --------
    >>> StepSizeSchedule("0.1/n**0.5")([1, 4])
    array([0.1 , 0.05])
    """

    text: str | int | float
    expression: sp.Expr = field(init=False, repr=False, compare=False)

    @classmethod
    def from_plain(cls, value: object) -> "StepSizeSchedule | None":
        """Return the schedule that text or a number stands for; None for anything else."""
        plain = isinstance(value, (str, int, float, np.integer, np.floating)) and not isinstance(value, bool)
        return cls(value if isinstance(value, (str, int)) else float(value)) if plain else None  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        if isinstance(self.text, bool) or not isinstance(self.text, (str, int, float)):
            raise InputError(
                f"step size: {shown(self.text)} is not allowed; allowed are text such as '0.1/n**0.7' and numbers"
            )
        expression = parse_expression(str(self.text), {"n": _STEP}, "step size")
        object.__setattr__(self, "expression", expression)
        self([1])

    def __reduce__(self) -> tuple[type, tuple[str | int | float]]:
        """What is compiled cannot be pickled: the text travels."""
        return type(self), (self.text,)

    @cached_property
    def _evaluate(self) -> Callable[..., FloatArray]:
        return compile_float([_STEP], [self.expression])

    def __call__(self, n: ArrayLike) -> FloatArray:
        """Return gamma_n for step numbers n >= 1 of any shape, as float64 of that shape.

        Raises
        ------
        InputError
            If a step size is not positive and finite.
        """
        numbers = real_array(n, "step size: n")
        sizes = np.asarray(self._evaluate(numbers)[..., 0])
        wrong = ~(np.isfinite(sizes) & (sizes > 0))
        if wrong.any():
            raise InputError(
                f"step size: {sizes[wrong].flat[0]} at n = {numbers[wrong].flat[0]:g}; step sizes must be positive"
            )
        return sizes

    @property
    def vanishes(self) -> bool | None:
        """Whether gamma_n tends to 0, by SymPy's limit; None if it cannot tell."""
        try:
            limit = sp.limit(self.expression, _STEP, sp.oo)
        except (NotImplementedError, ValueError, ArithmeticError, TypeError):
            return None
        return bool(limit == 0) if limit.is_number and not limit.has(sp.AccumBounds, sp.nan) else None
