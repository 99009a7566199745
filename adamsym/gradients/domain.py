"""Tests and proofs that expressions are real and finite as written: in floats at points, in balls over boxes."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import flint
import mpmath
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_ball, compile_float, compile_mpmath
from adamsym.expressions.domain import Condition, DomainError


class Domain:
    """The conditions under which expressions are real and finite, as functions of parameters and data columns.

    Messages begin with ``place``. ``ends`` are rows at the ends of a continuous law's support, near which there are
    rows with positive probability.
    """

    def __init__(
        self,
        conditions: tuple[Condition, ...],
        parameters: Sequence[sp.Symbol],
        columns: Sequence[sp.Symbol],
        place: str,
        ends: FloatArray | None = None,
    ) -> None:
        self.conditions = conditions
        self._place = place
        self._ends = ends
        self._parameters, self._columns = tuple(parameters), tuple(columns)
        self._symbols = (*self._parameters, *self._columns)
        self._expressions = [condition.expression for condition in conditions]

    def check(self, arguments: Sequence[FloatArray], named: Callable[[int], str]) -> None:
        """Require the conditions for arrays of arguments whose last axis are rows, which ``named`` names."""
        if not self.conditions:
            return
        values = self._float(*arguments)
        for k, condition in enumerate(self.conditions):
            holds = condition.holds(values[..., k])
            if not holds.all():
                row = named(int(np.argwhere(~holds)[0][-1]))
                raise DomainError(
                    f"{self._place}: not real and finite at {row} and the given parameters, where {condition}"
                )

        if self._ends is not None:
            self._check_ends([*arguments[: len(self._parameters)], *self._ends.T])

    def _check_ends(self, arguments: Sequence[FloatArray]) -> None:
        """Require that no condition fails strictly at the ends: it would fail near them."""
        values = self._float(*arguments)
        for k, condition in enumerate(self.conditions):
            if condition.relation != "nonzero" and (values[..., k] < 0).any():
                raise DomainError(
                    f"{self._place}: not real and finite with positive probability at the given parameters, "
                    f"where {condition}"
                )

    def check_data(self, rows: FloatArray, named: Callable[[int], str]) -> None:
        """Require the conditions that hold no parameter, at rows of data."""
        for condition in self.conditions:
            if condition.expression.free_symbols & set(self._parameters):
                continue
            holds = condition.holds(compile_float(self._columns, [condition.expression])(*rows.T)[..., 0])
            if not np.all(holds):
                row = named(int(np.argmin(np.broadcast_to(holds, len(rows)))))
                raise DomainError(f"{self._place}: not real and finite at {row}, where {condition}")

    def check_mpmath(self, theta: Sequence[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Require the conditions for mpmath numbers."""
        for number, row in enumerate(rows if self.conditions else ()):
            try:
                values = self._mpmath(*theta, *row)
            except (ArithmeticError, ValueError):
                raise DomainError(f"{self._place}: not real and finite at data row {number}") from None
            for condition, value in zip(self.conditions, values, strict=True):
                if isinstance(value, mpmath.mpc) or not condition.proved(value, value):
                    raise DomainError(f"{self._place}: not real and finite at data row {number}, where {condition}")

    def require(self, theta: Sequence[flint.arb], rows: Sequence[Sequence[flint.arb]]) -> None:
        """Prove the conditions for all rows over balls, or raise DomainError."""
        for row, condition, value in self._over(theta, rows):
            if not (value.is_finite() and condition.proved(value.lower(), value.upper())):
                raise DomainError(
                    f"{self._place}: not proved real and finite over the box at data row {row}, where {condition}"
                )

    def refuted(self, theta: Sequence[flint.arb], rows: Sequence[Sequence[flint.arb]]) -> str | None:
        """Return a condition and a row for which it is proved to hold nowhere over balls, or None."""
        for row, condition, value in self._over(theta, rows):
            if value.is_finite() and condition.refuted(value.lower(), value.upper()):
                return f"at data row {row} {condition}"
        return None

    def _over(
        self, theta: Sequence[flint.arb], rows: Sequence[Sequence[flint.arb]]
    ) -> Iterator[tuple[int, Condition, flint.arb]]:
        for number, row in enumerate(rows if self.conditions else ()):
            for condition, value in zip(self.conditions, self._ball(*theta, *row), strict=True):
                yield number, condition, value

    @cached_property
    def _float(self) -> Callable[..., FloatArray]:
        return compile_float(self._symbols, self._expressions)

    @cached_property
    def _mpmath(self) -> Callable[..., list[Any]]:
        return compile_mpmath(self._symbols, self._expressions)

    @cached_property
    def _ball(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, self._expressions)
