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
from adamsym.expressions.pickling import WithoutCached


class Domain(WithoutCached):
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


def data_terms(expressions: Sequence[sp.Expr], parameters: Sequence[sp.Symbol]) -> tuple[sp.Expr, ...]:
    """Return the largest subexpressions in the data columns alone: they must be finite at every row."""
    terms: set[sp.Expr] = set()
    seen: set[sp.Expr] = set()
    stack = list(expressions)
    while stack:
        expression = stack.pop()
        if expression in seen:
            continue
        seen.add(expression)
        if not expression.free_symbols or expression.is_Symbol:
            continue
        if expression.free_symbols & set(parameters):
            stack.extend(expression.args)
        else:
            terms.add(expression)
    return tuple(sorted(terms, key=sp.default_sort_key))


def finite_forms(expressions: Sequence[sp.Expr]) -> str:
    """Return how to write what overflows or is 0/0, itself or its gradient, by the functions that it holds."""
    written = sp.Tuple(*expressions)
    if written.has(sp.exp):
        return (
            "write 1/(1 + exp(-z)) as sigmoid(z), log(1 + exp(z)) as softplus(z), log(exp(a) + exp(b)) as "
            "logsumexp(a, b), or take smaller parameters"
        )
    if written.has(sp.cosh, sp.sinh):
        return "write log(cosh(z)) as logsumexp(z, -z) - log(2) and sinh(z)/cosh(z) as tanh(z)"
    if any(power.exp.is_negative or not power.exp.is_Integer for power in written.atoms(sp.Pow)):
        return "a root or quotient is at the edge of its domain: add a positive number, as in sqrt(z**2 + 1e-12)"
    return "take smaller parameters"
