"""How f bends along a direction in which Df vanishes, in intervals.

Second derivatives are difference quotients of first ones with Cauchy's estimate of the rest (theory N-Lemma 5): with
atoms g + z u, |z u| <= 3/8 |g|, F is analytic in |z| <= R, and at most K = C (32/23)^(1/2) sup sqrt(v) phi(v) there.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from adamsym.checker.arithmetic import Interval, NotCheckable
from adamsym.checker.coordinate_law import Law
from adamsym.checker.field import quotient
from adamsym.checker.form import Form
from adamsym.checker.law import gradient_laws, laws_of_rows, row_values
from adamsym.checker.pushes import FINEST
from adamsym.expressions.sizes import FORMING, derivative_sizes
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient

_SECTOR = Fraction(3, 8)
_STEPS = 2.0**-30, 2.0**-3


def bend(law: Law, form: Form, bends: Sequence[Interval]) -> Interval:
    """Return an interval around d^2F/dz^2 at z = 0 for atoms g + z u + z^2/2 b, u the law's one column of slopes.

    Raises
    ------
    NotCheckable
        If an atom that moves may be 0.
    """
    using, (speeds,) = law.using, law.slopes
    _, slope, by_bends = quotient(replace(law, slopes=[speeds, list(bends)]), form, FINEST)
    reach = radius_of_disc(law)
    if reach is None:
        raise NotCheckable("a second derivative where a gradient may be 0")
    if not reach < math.inf:
        return by_bends
    bound = bound_in_disc(law, form)
    # Where what is open of the slopes and Cauchy's estimate are about the same.
    share = (using.width(slope) * float(using.upper(reach / bound)) / 8) ** (1 / 3)
    step = using.lower(reach * min(max(share, _STEPS[0]), _STEPS[1]))
    ends = []
    for way in (step, -step):
        moved = [g + way * u for g, u in zip(law.atoms, speeds, strict=True)]
        ends.append(quotient(replace(law, atoms=moved), form, FINEST)[1])
    left = 1 - using.square(step / reach)
    rest = 2 * bound / using.square(reach) * (1 / using.square(left) - 1)
    return by_bends + (ends[0] - ends[1]) / (2 * step) + using.around_zero(using.upper(rest))


def radius_of_disc(law: Law) -> Interval | None:
    """Return R for atoms g + z u, u the law's one column of slopes.

    It is infinity if none moves, and None if one that moves may be 0, or where not all values of the law are listed:
    means of rows of both signs may be 0 though no row is.
    """
    if not law.is_listed:
        return None
    using, (speeds,) = law.using, law.slopes
    moving = [(g, u) for g, u in zip(law.atoms, speeds, strict=True) if not (g == 0 and u == 0)]
    if not all(using.least_magnitude(g) > 0 for g, _ in moving):
        return None
    fast = [(g, u) for g, u in moving if using.magnitude(u) > 0]
    if not fast:
        return using.number(math.inf)
    return using.least(using.exact(_SECTOR) * using.least_magnitude(g) / using.magnitude(u) for g, u in fast)


def bound_in_disc(law: Law, form: Form) -> Interval:
    """Return K: with W the second moment of |g|, |phi(V)| <= phi(23/32 W), |M| <= C sqrt W and |M| <= |c|_1 max|g|."""
    using, kernel = form.using, form.kernel
    largest = (1 + using.exact(_SECTOR)) * law.max_abs
    anywhere = kernel.rooted_anywhere()
    rooted = using.least_bound([kernel.rooted(largest), *([] if anywhere is None else [anywhere])])
    in_sector = form.step_bound * rooted * using.root(using.exact(Fraction(32, 23)))
    return using.least_bound([in_sector, form.size * largest * kernel.largest])


@lru_cache(maxsize=4)
def _second_derivatives(gradient: tuple[sp.Expr, ...], names: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, ...]:
    pairs = [(j, k) for j in range(len(names)) for k in range(j, len(names))]
    return tuple(sp.diff(entry, names[j], names[k]) for entry in gradient for j, k in pairs)


def bent(problem: SymbolicGradient, form: Form, theta: Sequence[Interval], r: Sequence[Interval]) -> list[Interval]:
    """Return intervals around D^2f_i[r, r] over a box; NotCheckable as :func:`bend`, and for too many minibatches."""
    using, d = form.using, len(theta)
    # Counted before they are formed, for each part anew.
    spend(FORMING * d * (d + 1) * sum(derivative_sizes(g, problem.parameters)[2] for g in problem.gradient_expressions))
    expressions = _second_derivatives(problem.gradient_expressions, problem.parameters)
    pairs, rows = [(j, k) for j in range(d) for k in range(j, d)], []
    for values in row_values(using, problem, expressions, theta):
        entries = iter(values)
        rows.append([using.total((1 + (j < k)) * r[j] * r[k] * next(entries) for j, k in pairs) for _ in range(d)])
    found = []
    for law, other in zip(
        gradient_laws(using, problem, theta, slopes=True), laws_of_rows(using, problem, rows), strict=True
    ):
        if not (law.is_listed and other.is_listed):
            raise NotCheckable("a second derivative over minibatches that are not listed")
        speeds = [using.dot(r, column) for column in zip(*law.slopes, strict=True)]
        found.append(-bend(replace(law, slopes=[speeds]), form, other.atoms))
    return found
