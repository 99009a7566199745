"""Re-checks of Lyapunov regions: <grad L, f> < 0 over boxes (N-Lemma 4, N-Theorems 1, 2, 6, enclosures); witnesses."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import cast

import mpmath
import sympy as sp

from adamsym.certificates.form import LyapunovCertificate, LyapunovLeaf, Witness
from adamsym.certificates.parts import Box
from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.exact_values import loss_is_at_most_zero, vanishes
from adamsym.checker.field import TOLERANCE, field_over
from adamsym.checker.form import Form
from adamsym.checker.interpolation.constants import Draws, best_share
from adamsym.checker.law import (
    Law,
    gradient_laws,
    laws_of_rows,
    noise_bound,
    require_continuous,
    row_jacobians,
    row_values,
    sign_factor,
)
from adamsym.checker.pieces import MayJump
from adamsym.checker.values import value_of
from adamsym.checker.zeros import COARSE, DEPTH, DIRECTION_DEPTH, drift_agrees, halves, middle, rational_point, sides
from adamsym.expressions.parser import parse_expression
from adamsym.expressions.polynomials import bounded_polynomial
from adamsym.expressions.work import OutOfWork, is_cut_short, spend
from adamsym.gradients import Empirical, Problem, SymbolicGradient
from adamsym.gradients.rows import substituted_rows

Point = tuple[Fraction, ...]

NEVER = -math.inf
"""No rate, nor one of any part: for no halving helps against a value at a point."""

_MOST_STEPS = 1_000_000
"""Steps of one division of polynomials."""


@dataclass(frozen=True)
class LeafCheck:
    """What is wrong with a leaf, or None; and the rate -<grad L, f>/L that this checker proves for it."""

    fault: str | None
    rate: float | None = None


def check_leaf(certificate: LyapunovCertificate, problem: Problem, form: Form, leaf: LyapunovLeaf) -> LeafCheck:
    """Check one leaf."""
    if leaf.by in ("undecided", "witness"):
        return LeafCheck(None)
    minima: tuple[Point, ...] = ()
    if leaf.by == "minimum":
        # There may be many of both: what reads them again for each leaf counts.
        spend(len(certificate.minima) * problem.dimension)
        minima = tuple(rational_point(problem, texts, "minimum") for texts in certificate.minima)

    def proof(box: Box) -> float | None:
        return _proven_rate(problem, form, box, leaf.by, certificate.factor, minima)

    depth = DIRECTION_DEPTH if leaf.by == "enclosure" else DEPTH + 2 * len(leaf.box)
    rate = proven_in_parts(proof, leaf.box, certificate.rate or 0.0, depth)
    return LeafCheck("<grad L, f> < 0 is not proven there") if rate is None else LeafCheck(None, rate)


def witness_fault(certificate: LyapunovCertificate, problem: Problem, form: Form) -> str | None:
    """Return what is wrong with the witness, or None."""
    witness = certificate.witness
    if witness is None or len(witness.point) != problem.dimension:
        return "there is no witness"
    return bounds_fault(witness, witnessed_product(problem, problem, form, witness.point), "L")


def bounds_fault(witness: Witness, value: Interval, function: str) -> str | None:
    """Return what is wrong with a witness at which <grad ``function``, f> has the given value, or None."""
    low, high = witness.bounds
    if not value > 0:
        return f"<grad {function}, f> is not proven positive at the witness"
    holds = low > 0 and value >= low and value <= high
    return None if holds else "the witness's bounds are not proven to hold the value"


def statement_fault(certificate: LyapunovCertificate, problem: Problem, form: Form) -> str | None:
    """Return what is wrong with the factor and the minima, whether or not a leaf rests on them; or None."""
    for k, texts in enumerate(certificate.minima):
        if not vanishes(form.using, problem, rational_point(problem, texts, "minimum")):
            return f"minimum {k}: the rows' gradients are not all proven to vanish there"
    if certificate.factor is not None:
        if not isinstance(problem.law, Empirical):
            raise NotCheckable("a factor of every row's gradient needs the rows of an empirical law")
        spend(100 * len(problem.law.exact_rows) * (1 + problem.dimension))
        _divided(problem, certificate.factor)
    return None


def witnessed_product(function: Problem, problem: SymbolicGradient, form: Form, point: Sequence[float]) -> Interval:
    """Return <grad V, f> at a point where no gradient jumps: else there is no f there that a witness could be about."""
    require_continuous(form.using, problem, [form.using.number(x) for x in point])
    return at_point(function, problem, form, point).product


def proven_in_parts(proof: Callable[[Box], float | None], box: Box, wanted: float, depth: int) -> float | None:
    """Return the least rate that ``proof`` gives for the parts of a box, which is halved up to ``depth`` times.

    It is halved where there is no proof, and ``DEPTH`` times where the rate is less than ``wanted``; not at ``NEVER``.
    """
    rate = proof(box)
    if rate == NEVER:
        return None
    if (rate is not None and rate >= wanted) or depth == 0 or is_cut_short():
        return rate
    parts = []
    for half in halves(box):
        part = proven_in_parts(proof, half, wanted, (depth if rate is None else min(depth, DEPTH)) - 1)
        if part is None:
            return rate
        parts.append(part)
    return min(parts) if rate is None else max(rate, min(parts))


@dataclass(frozen=True)
class AtPoint:
    """At a point, grad V (``means``), f (``field``), and <grad V, f> (``product``)."""

    means: list[Interval]
    field: list[Interval]
    product: Interval


def at_point(
    function: Problem, problem: SymbolicGradient, form: Form, point: Sequence[float], tolerance: float = TOLERANCE
) -> AtPoint:
    """Return <grad V, f> at a point: V is the loss of ``function``, and f the field of ``problem``."""
    using = form.using
    points = [using.number(x) for x in point]
    field = field_over(problem, form, points, slopes=False, tolerance=tolerance).value
    means = [law.mean for law in gradient_laws(using, function, points, slopes=False)]
    return AtPoint(means, field, using.dot(means, field))


def _proven_rate(
    problem: Problem, form: Form, box: Box, by: str, factor: str | None, minima: tuple[Point, ...]
) -> float | None:
    """A proven lower bound of -<grad L, f>/L over a box but where all rows' gradients vanish; None without proof."""
    using = form.using
    theta = sides(using, box)
    if by == "sign":
        laws = gradient_laws(using, problem, theta, slopes=False)
        agree = all(drift_agrees(law, form, side) for law, side in zip(laws, box, strict=True))
        return _by_signs(laws, laws, form, _mean_loss(using, problem, theta)) if agree else None
    if by in ("factor", "minimum") and not isinstance(problem.law, Empirical):
        raise NotCheckable(f"without rows nothing is proven by {by}")
    if by in ("factor", "minimum") and form.decay != 0:
        raise NotCheckable(f"with weight decay nothing is proven by {by}")
    if by == "factor":
        return _by_factor(problem, form, theta, factor)
    if by == "minimum":
        rates = [_by_minimum(problem, form, theta, point) for point in minima]
        return max((r for r in rates if r is not None), default=None)
    center = at_point(problem, problem, form, middle(box), COARSE)
    if not center.product < 0:
        return NEVER
    largest = largest_product(problem, problem, form, box, center)
    return _rate(using, -largest, _mean_loss(using, problem, theta)) if largest < 0 else None


def _rate(using: Arithmetic, decrease: Interval, loss: Interval | None) -> float:
    """A float below decrease/loss; 0 where L has no known bound."""
    if loss is None or not using.upper(loss) > 0:
        return 0.0
    # One step down: float() rounds to nearest, and among the smallest floats that is no small share.
    return max(0.0, math.nextafter(float(using.lower(decrease / using.upper(loss))), -math.inf))


def _mean_loss(using: Arithmetic, problem: Problem, theta: list[Interval]) -> Interval | None:
    if not isinstance(problem.law, Empirical):
        return None
    values = row_values(using, problem, [problem.loss], theta)
    return using.total(using.exact(p) * row[0] for p, row in zip(problem.law.exact_probabilities, values, strict=True))


def _by_signs(laws: list[Law], over: list[Law], form: Form, loss: Interval | None) -> float | None:
    """N-Lemma 4 in every coordinate, for gradients rho h with h within ``laws``, grad l within ``over``."""
    using = form.using
    decrease = using.number(0)
    for h, g in zip(laws, over, strict=True):
        if h.is_zero:
            continue
        mean = using.least_magnitude(h.mean)
        excess = mean - noise_bound(h, g, form)
        if not excess > 0:
            return None
        decrease += form.sum * mean * excess * form.kernel.at(using.upper(g.mean_square))
    return _rate(using, decrease, loss) if decrease > 0 else None


def _by_spread(
    mean_square: Interval,
    variance: Interval,
    over: list[Law],
    form: Form,
    loss: Interval | None,
    problem: Problem | None = None,
) -> float | None:
    """N-Theorem 1: Q = 1 - q sqrt(eta) - q^2 eta x/4 > 0, where 1 + x = phi(0)/phi(E|g|^2).

    With the rows' probabilities, of ``problem``, q may be smaller, and N-Theorems 2(b) and 6 may give another c_0 in
    the place of Q: their phi((1 + eta) D^2) comes from phi(E|g|^2), which is less.
    """
    if not mean_square > 0:
        return None
    using = form.using
    noise = using.upper(using.total(g.mean_square for g in over))
    eta, x = using.upper(variance / mean_square), form.kernel.drop(noise) / form.kernel.at(noise)
    q = using.largest(sign_factor(g, form) for g in over)
    share = using.lower(1 - q * using.root(eta) - using.square(q) * eta * x / 4)
    if problem is not None:
        assert isinstance(problem.law, Empirical)
        draws = Draws(min(problem.law.exact_probabilities), problem.batch_size, len(over))
        best = best_share(form, form.laplace, draws, eta, using.largest(g.max_abs for g in over), noise)
        if best is not None and not share >= best.c_0:
            share = best.c_0
    return _rate(using, form.sum * mean_square * share * form.kernel.at(noise), loss) if share > 0 else None


@lru_cache(maxsize=4)
def _divided(problem: Problem, factor: str) -> tuple[list[list[sp.Expr]], list[sp.Expr] | None]:
    """Every row's gradient over the factor, and every row's loss over its square if that divides it; exactly."""
    assert isinstance(problem.law, Empirical)
    symbols = {parameter.name: parameter for parameter in problem.parameters}
    divisor = _polynomial(parse_expression(factor, symbols, "certificate.factor"), problem)
    if divisor.is_zero:
        raise NotCheckable("the factor is 0")
    rows = substituted_rows(problem)
    gradients: list[list[sp.Expr]] = []
    losses: list[sp.Expr] | None = []
    for loss, *entries in rows:
        parts = []
        for entry in entries:
            quotient, rest = _quotient(_polynomial(entry, problem), divisor)
            if not rest.is_zero:
                raise NotCheckable("the factor does not divide every gradient")
            parts.append(quotient.as_expr())
        gradients.append(parts)
        quotient, rest = _quotient(_polynomial(loss, problem), divisor**2)
        losses = None if losses is None or not rest.is_zero else [*losses, quotient.as_expr()]
    return gradients, losses


def _quotient(polynomial: sp.Poly, divisor: sp.Poly) -> tuple[sp.Poly, sp.Poly]:
    """Quotient and remainder; OutOfWork where they may take long."""
    bits = max(int(x.p).bit_length() + int(x.q).bit_length() for x in (*divisor.coeffs(), *polynomial.coeffs()))
    # With each step the coefficients may grow by as many bits.
    # Of the polynomial 0 SymPy has the degree -inf.
    steps = math.comb(max(0, polynomial.total_degree()) + len(polynomial.gens), len(polynomial.gens))
    if steps * len(divisor.terms()) * (1 + steps * bits / 10_000) > _MOST_STEPS:
        raise OutOfWork("a division of polynomials takes too long")
    return cast(tuple[sp.Poly, sp.Poly], sp.div(polynomial, divisor))


def _polynomial(expression: sp.Expr, problem: Problem) -> sp.Poly:
    polynomial = bounded_polynomial(expression, problem.parameters)
    if polynomial is None:
        raise NotCheckable("a factor needs polynomials of moderate degree")
    return polynomial


def _by_factor(problem: Problem, form: Form, theta: list[Interval], factor: str | None) -> float | None:
    if factor is None:
        return None
    gradients, losses = _divided(problem, factor)
    using = form.using
    values = dict(zip(problem.parameters, theta, strict=True))
    laws = laws_of_rows(using, problem, [[value_of(using, entry, values) for entry in row] for row in gradients])
    loss = None
    if losses is not None:
        assert isinstance(problem.law, Empirical)
        quotients = [value_of(using, entry, values) for entry in losses]
        if all(x >= 0 for x in quotients):
            weights = map(using.exact, problem.law.exact_probabilities)
            loss = using.total(p * x for p, x in zip(weights, quotients, strict=True))
    over = gradient_laws(using, problem, theta, slopes=False)
    rate = _by_signs(laws, over, form, loss)
    if rate is not None:
        return rate
    mean_square = using.total(using.square(using.least_magnitude(law.mean)) for law in laws)
    return _by_spread(mean_square, using.total(law.variance for law in laws), over, form, loss, problem)


def _by_minimum(problem: Problem, form: Form, theta: list[Interval], star: Point) -> float | None:
    """Around a point where every row's gradient is exactly 0: g = A (theta - theta*), A within the Hessians."""
    using = form.using
    if not vanishes(using, problem, star):
        return None
    d = problem.dimension
    joint = [using.hull(side, using.exact(x)) for side, x in zip(theta, star, strict=True)]
    place = {pair: k for k, pair in enumerate((i, j) for i in range(d) for j in range(i, d))}
    triangles = row_jacobians(using, problem, joint)
    pairs = [(min(i, j), max(i, j)) for i in range(d) for j in range(d)]
    entries = laws_of_rows(using, problem, [[triangle[place[pair]] for pair in pairs] for triangle in triangles])
    half_norm = using.root(using.total(using.square(using.magnitude(law.mean)) for law in entries)) / 2
    # L <= |A| |theta - theta*|^2/2 only if L(theta*) <= 0: an interval that contains 0 does not prove that.
    loss = half_norm if loss_is_at_most_zero(using, problem, star) else None
    over = gradient_laws(using, problem, theta, slopes=False)
    if d == 1:
        rate = _by_signs(entries, over, form, loss)
        if rate is not None:
            return rate
    least = _least_singular(using, [[entries[i * d + j].mean for j in range(d)] for i in range(d)])
    return _by_spread(using.square(least), using.total(law.variance for law in entries), over, form, loss, problem)


def _least_singular(using: Arithmetic, matrix: list[list[Interval]]) -> Interval:
    """A lower bound of |A v| for |v| = 1: (1 - |1 - Y A|)/|Y| with Y near the inverse, in Frobenius norms."""
    d = len(matrix)
    try:
        inverse = mpmath.matrix([[float(using.middle(x)) for x in row] for row in matrix]) ** -1
    except ZeroDivisionError:
        return using.number(0)
    y = [[using.number(float(inverse[i, j])) for j in range(d)] for i in range(d)]
    defect = using.total(
        using.square(int(i == j) - using.total(y[i][k] * matrix[k][j] for k in range(d)))
        for i in range(d)
        for j in range(d)
    )
    norm = using.root(using.total(using.square(x) for row in y for x in row))
    return using.nonnegative((1 - using.root(using.upper(defect))) / norm)


def largest_product(function: Problem, problem: SymbolicGradient, form: Form, box: Box, center: AtPoint) -> Interval:
    """Return an upper bound of <grad V, f> over a box, as a point: plain or in mean-value form around ``center``.

    Where gradients may jump it is of grad V times f for any choice of both between the values on both sides.

    V is the loss of ``function``, f the field of ``problem``, and ``center`` what they are at the box's midpoint.
    """
    using, theta = form.using, sides(form.using, box)
    shifts = [side - using.number(x) for side, x in zip(theta, middle(box), strict=True)]
    try:
        laws = gradient_laws(using, function, theta, slopes=True)
        over = field_over(problem, form, theta, slopes=True, tolerance=COARSE)
    except MayJump:
        laws = gradient_laws(using, function, theta, slopes=False)
        over = field_over(problem, form, theta, slopes=False, tolerance=COARSE)
        return using.upper(using.dot([law.mean for law in laws], over.value))
    # Each of the factors may itself be narrower in mean-value form.
    means = [
        using.overlap(law.mean, at + using.dot(law.mean_slopes, shifts))
        for law, at in zip(laws, center.means, strict=True)
    ]
    values = [
        using.overlap(f, at + using.dot(row, shifts))
        for f, at, row in zip(over.value, center.field, over.jacobian, strict=True)
    ]
    linear = center.product
    for j, shift in enumerate(shifts):
        slope = using.total(
            law.mean_slopes[j] * f + mean * row[j]
            for law, mean, f, row in zip(laws, means, values, over.jacobian, strict=True)
        )
        linear += slope * shift
    return using.least_bound([using.dot(means, values), linear])
