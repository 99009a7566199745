"""Next to minima where every row's gradient vanishes: the gradients with the common zero divided out.

Near such points grad l_j = rho h_j, and the sign lemma or N-Theorem 1 need only the ratio of the h_j's spread to their
mean, which stays away from 0/0. Two cases: a common polynomial factor rho of all gradients, as where the rows' minima
are one curve; and a single point theta* with grad l_j(theta*) = 0 exactly, where h_j is a mean Hessian and rho is the
distance from theta*.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np
import scipy.optimize
import sympy as sp

from adamsym.certify.boxes import Point
from adamsym.certify.exact_points import vanishes
from adamsym.expressions.compilation import FloatArray, compile_ball
from adamsym.expressions.errors import InputError
from adamsym.expressions.polynomials import bounded_polynomial
from adamsym.expressions.writing import expression_text
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.rows import substituted_rows

MOST_ENTRIES = 400
"""Rows times parameters, up to which a common factor is looked for."""


@dataclass(frozen=True)
class Quotients:
    """Balls around h_j (rows lists of d) over a box, and an upper bound of L/rho^2 (None if unknown)."""

    gradients: list[list[flint.arb]]
    loss: flint.arb | None


@dataclass(frozen=True)
class CommonFactor:
    """A polynomial rho that divides every row's gradient; where it vanishes all of them do."""

    factor: sp.Expr
    _gradients: Callable[..., list[flint.arb]]
    _losses: Callable[..., list[flint.arb]] | None
    _probabilities: tuple[Fraction, ...]

    def over(self, theta: Sequence[flint.arb]) -> Quotients:
        """Return the quotients over a box of balls."""
        entries, d = self._gradients(*theta), len(theta)
        gradients = [entries[k : k + d] for k in range(0, len(entries), d)]
        if self._losses is None:
            return Quotients(gradients, None)
        losses = self._losses(*theta)
        mean = sum(
            (flint.arb(p.numerator) / p.denominator * x for p, x in zip(self._probabilities, losses, strict=True)),
            flint.arb(0),
        )
        # Only if no l_j/rho^2 is negative are the zeros of rho minima.
        return Quotients(gradients, mean.upper() if all(x >= 0 for x in losses) else None)


def common_factor(problem: Problem) -> CommonFactor | None:
    """Return the greatest common divisor of all rows' gradients, if these are polynomials and it is not constant."""
    if not isinstance(problem.law, Empirical):
        return None
    if len(problem.law.exact_rows) * problem.dimension > MOST_ENTRIES:
        return None
    gradients, losses = row_expressions(problem)
    entries = [entry for row in gradients for entry in row]
    polynomials = [bounded_polynomial(entry, problem.parameters) for entry in entries]
    loss_polynomials = [bounded_polynomial(loss, problem.parameters) for loss in losses]
    if None in polynomials or None in loss_polynomials:
        return None
    divisor = sp.Poly(0, *problem.parameters, domain="QQ")
    for polynomial in polynomials:
        divisor = sp.gcd(divisor, polynomial)
    if divisor.is_zero or divisor.total_degree() == 0 or not _can_be_written(divisor.as_expr()):
        return None
    quotients = [sp.div(polynomial, divisor)[0].as_expr() for polynomial in polynomials]
    divided = [sp.div(polynomial, divisor**2) for polynomial in loss_polynomials]
    exact = all(rest.is_zero for _, rest in divided)
    return CommonFactor(
        divisor.as_expr(),
        compile_ball(problem.parameters, [sp.horner(entry) for entry in quotients]),
        compile_ball(problem.parameters, [quotient.as_expr() for quotient, _ in divided]) if exact else None,
        problem.law.exact_probabilities,
    )


def _can_be_written(factor: sp.Expr) -> bool:
    """Whether a certificate can name the factor."""
    try:
        expression_text(factor, "factor")
    except InputError:
        return False
    return True


def row_expressions(problem: Problem) -> tuple[list[list[sp.Expr]], list[sp.Expr]]:
    """Return the gradient and the loss of every row, as expressions in the parameters with exact numbers."""
    rows = substituted_rows(problem)
    return [entries for _, *entries in rows], [loss for loss, *_ in rows]


def common_minima(problem: Problem, region: FloatArray) -> list[Point]:
    """Return points in a region, with simple fractions, where every row's gradient vanishes exactly.

    Found by minimising L in float64 from a few points; kept only if the exact gradients are 0. There may be others. Of
    continuous data none is looked for.
    """
    if not isinstance(problem.law, Empirical):
        return []
    starts = [region.mean(axis=1), *(region[:, 0] + share * np.ptp(region, axis=1) for share in (0.25, 0.75))]
    found: list[Point] = []
    for start in starts:
        near = _minimiser(problem, np.asarray(start, dtype=np.float64))
        if near is None:
            continue
        point = tuple(Fraction(float(x)).limit_denominator(1000) for x in near)
        inside = all(low <= x <= high for x, (low, high) in zip(point, region, strict=True))
        if inside and point not in found and vanishes(problem, point):
            found.append(point)
    return found


def _minimiser(problem: Problem, start: FloatArray) -> FloatArray | None:
    """Where BFGS ends; None if it leaves the loss's domain."""
    try:
        with np.errstate(all="ignore"):
            near = scipy.optimize.minimize(_loss(problem), start, jac=True, method="BFGS").x
    except InputError:
        return None
    return near if np.isfinite(near).all() else None


def _loss(problem: Problem) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    return lambda theta: (float(problem.mean_loss(theta)), problem.gradient(theta))
