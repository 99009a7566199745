"""Losses that are squares: l_j = c_j r_j^2 with c_j > 0, written as R_j^2/2 with residuals R_j = sqrt(2 c_j) r_j."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import cast

import flint
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_ball, compile_float
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.sizes import first_derivatives, second_derivatives
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.gradients import Empirical, Problem

Balls = list[flint.arb]

_STEPS = 200
"""Steps of Newton's method at most; some ten are usual."""

_PATIENCE = 10
"""Steps without a smaller residual after which the best point so far is taken."""

_LARGEST_STEP = 0.5
"""Of one parameter, as a share of 1 + the largest: far from the point the residuals are not linear."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """The residuals R_j of a problem's rows, and their derivatives.

    Attributes
    ----------
    problem
        What they are of.
    factor
        c, without parameters, so that the loss is c r^2.
    root
        r.
    probabilities
        Of the rows; all are positive.
    rows
        The data, exactly.
    """

    problem: Problem
    factor: sp.Expr
    root: sp.Expr
    probabilities: tuple[Fraction, ...]
    rows: tuple[tuple[Fraction, ...], ...]

    @property
    def count(self) -> int:
        """N."""
        return len(self.probabilities)

    @cached_property
    def factors(self) -> Balls:
        """The c_j; ask first within ``ball_arithmetic()``."""
        values = compile_ball(self.problem.columns, [self.factor])
        return [values(*(flint.arb(x.numerator) / x.denominator for x in row))[0] for row in self.rows]

    @cached_property
    def slopes(self) -> tuple[sp.Expr, ...]:
        """The derivatives of r in the parameters."""
        return first_derivatives(self.root, self.problem.parameters, self.problem.place)

    @property
    def are_linear(self) -> bool:
        """Whether r is linear in the parameters."""
        parameters = set(self.problem.parameters)
        return not any(slope.free_symbols & parameters for slope in self.slopes)

    @cached_property
    def _curvatures(self) -> dict[tuple[int, int], sp.Expr]:
        """The second derivatives of r that are not 0."""
        problem = self.problem
        entries = second_derivatives(self.root, self.slopes, problem.parameters, problem.place)
        return {pair: entry for pair, entry in zip(problem.jacobian_places, entries, strict=True) if entry != 0}

    @property
    def _symbols(self) -> tuple[sp.Symbol, ...]:
        return (*self.problem.parameters, *self.problem.columns)

    @cached_property
    def _ball_values(self) -> Callable[..., Balls]:
        return compile_ball(self._symbols, [self.factor, self.root, *self.slopes])

    @cached_property
    def _ball_curvatures(self) -> Callable[..., Balls]:
        return compile_ball(self._symbols, [self.factor, *self._curvatures.values()])

    @cached_property
    def _float_values(self) -> Callable[..., FloatArray]:
        return compile_float(self._symbols, [self.factor, self.root, *self.slopes])

    def _scaled(self, values: Callable[..., Balls], theta: Sequence[flint.arb]) -> list[Balls]:
        """For each row the values after the first, c, times sqrt(2 c)."""
        self.problem.require_domain(theta)
        found = []
        for row in self.rows:
            factor, *others = values(*theta, *(flint.arb(x.numerator) / x.denominator for x in row))
            scale = (2 * factor).sqrt()
            found.append([scale * entry for entry in others])
        return found

    def over(self, theta: Sequence[flint.arb]) -> tuple[Balls, list[Balls]]:
        """Return enclosures of the R_j and of their gradients a_j over balls; DomainError as ``row_gradients_ball``."""
        rows = self._scaled(self._ball_values, theta)
        return [row[0] for row in rows], [row[1:] for row in rows]

    def curvatures_over(self, theta: Sequence[flint.arb]) -> list[dict[tuple[int, int], flint.arb]]:
        """Return enclosures of the second derivatives of each R_j that are not 0 identically, i <= j."""
        rows = self._scaled(self._ball_curvatures, theta)
        return [dict(zip(self._curvatures, row, strict=True)) for row in rows]

    def at(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the R_j and the a_j at a point, shapes (N,) and (N, d), in float64."""
        columns = np.array([[float(x) for x in row] for row in self.rows]).reshape(self.count, -1).T
        values = self._float_values(*(np.full(self.count, x) for x in theta), *columns)
        with np.errstate(invalid="ignore"):
            scaled = np.sqrt(2 * values[:, :1]) * values[:, 1:]
        return scaled[:, 0], scaled[:, 1:]

    def interpolating_point(self, start: FloatArray) -> FloatArray | None:
        """Return a point near which all residuals vanish, in floats, by Newton's method with least steps."""
        return newton_point(self.at, start)


def newton_point(
    function: Callable[[FloatArray], tuple[FloatArray, FloatArray]], start: FloatArray
) -> FloatArray | None:
    """Return where Newton's method with least steps finds the smallest values of a function; None if nowhere.

    ``function`` returns values (n,) and Jacobian (n, d) at a point (d,), in float64.
    """
    theta, found, best, since = start.astype(float), None, math.inf, 0
    for _ in range(_STEPS):
        values, slopes = function(theta)
        size = float(np.abs(values).max())
        if not (math.isfinite(size) and np.isfinite(slopes).all()):
            break
        since = 0 if size < best else since + 1
        if size < best:
            best, found = size, theta
        if since == _PATIENCE:
            break
        step = np.linalg.pinv(slopes) @ -values
        longest = _LARGEST_STEP * (1 + float(np.abs(theta).max()))
        theta = theta + step * min(1.0, longest / max(float(np.abs(step).max()), math.ulp(0.0)))
    return found


def squared_residuals(problem: Problem) -> Residuals:
    """Return the residuals of a loss that is written as a square, with a factor without parameters.

    Raises
    ------
    NotApplicable
        If the loss is none, the law is continuous, or a factor is not proved positive at a row.
    """
    parts = squared(problem.loss, set(problem.parameters))
    if parts is None or not isinstance(problem.law, Empirical):
        raise NotApplicable(f"{problem.place}: the loss is not written as a square, or the law is continuous")
    return residuals_of(problem, *parts)


def residuals_of(problem: Problem, factor: sp.Expr, root: sp.Expr) -> Residuals:
    """Return the residuals of a square of a problem's loss; NotApplicable if its factor is not positive at a row."""
    law = cast(Empirical, problem.law)
    found = Residuals(problem, factor, root, tuple(law.exact_probabilities), tuple(law.exact_rows))
    with ball_arithmetic():
        for k, own in enumerate(found.factors):
            if not own > 0:
                raise NotApplicable(f"{problem.place}: the square's factor is not proved positive at data row {k}")
    return found


def squared(loss: sp.Expr, parameters: set[sp.Basic]) -> tuple[sp.Expr, sp.Expr] | None:
    """Return c and r with a loss c r^2; None if it is no such product."""
    factor, root = sp.S.One, sp.S.One
    for part in sp.Mul.make_args(loss):
        if not part.free_symbols & parameters:
            factor *= part
        elif part.is_Pow and part.exp.is_Integer and part.exp > 0 and part.exp % 2 == 0:
            root *= part.base ** (part.exp // 2)
        else:
            return None
    return factor, root
