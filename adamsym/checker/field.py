"""F = E[M/(sqrt V + eps)] and its derivatives over a box, in interval arithmetic, by this module's own means.

F = mu/(sqrt c + eps) + int w(s) [G(s) - mu exp(-c s)] dx, s = e^x, w(s) = s rho(s), G(s) = E[M exp(-s V)] (theory T4);
the sum of mu w(s) exp(-c s) is taken together with mu/(sqrt c + eps).
Node by node, the first lags are multiplied out until t = (1-beta) beta^K s is small; the rest is summed up from the
power series of log B and A/B. Bounds: |g| <= G, |g'| <= H, C the step bound; for u right of the last s
|G(u)| <= G P(u), |G'(u)| <= H (P(u) + (4/e) C P(u/2)); left of the first one the integrand is at most w(s) s k, k
from third moments; the trapezoidal rule errs by at most 2 K/(cos a (exp(2 pi a/h) - 1)), K = E|M|/(sqrt V + eps), for
every a < pi/2 (theory T5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mpmath import iv

from adamsym.checker.intervals import Interval, around_zero, cosine, exact, exponential, magnitude
from adamsym.checker.law import Law, gradient_laws
from adamsym.checker.products import Products, step_of
from adamsym.checker.work import cut_short, spend
from adamsym.gradients import Problem
from adamsym.methods import Adam

TOLERANCE = 1e-15
"""Share of the scale that a truncation may have."""
_MOST_NODES = 1200
_MOST_LAGS = 40_000


@dataclass(frozen=True)
class FieldOver:
    """Intervals around f_i and df_i/dtheta_j."""

    value: list[Interval]
    jacobian: list[list[Interval]]


def field_over(
    problem: Problem, adam: Adam, theta: Sequence[Interval], slopes: bool, tolerance: float = TOLERANCE
) -> FieldOver:
    """Return f, and Df if ``slopes``, over a box."""
    found = [quotient(law, adam, tolerance) for law in gradient_laws(problem, theta, slopes)]
    return FieldOver([-one[0] for one in found], [[-slope for slope in one[1:]] for one in found])


def step_bound(adam: Adam) -> Interval:
    """Return C = (1-alpha)/sqrt((1-beta)(1-alpha^2/beta)) (theory T1)."""
    rest = exact(adam.alpha**2 / adam.beta) if adam.alpha else iv.mpf(0)
    return (1 - exact(adam.alpha)) / iv.sqrt((1 - exact(adam.beta)) * (1 - rest))


def quotient(law: Law, adam: Adam, tolerance: float) -> list[Interval]:
    """Return intervals around F and its derivatives for every law within ``law``."""
    spend(len(law.atoms) * (8 + 6 * len(law.slopes)))
    eps, bound = exact(adam.epsilon), step_bound(adam)
    means = [law.mean, *law.mean_slopes]
    # Next to interpolation: |F - mu/eps| <= E g^2/eps^2, |F' - mu'/eps| <= 2 G H/eps^2.
    errors = [magnitude(law.mean_square), *(2 * law.max_abs * h for h in law.max_abs_slopes)]
    crude = [mean / eps + around_zero(error / eps**2) for mean, error in zip(means, errors, strict=True)]
    crude[0] = _both(crude[0], around_zero(bound))
    center = iv.mpf(law.mean_square.mid)
    if law.max_abs.b < 1e-14 * eps.a or not center.a > 1e-250:
        return crude
    found = _by_quadrature(law, adam, center, means, tolerance)
    return crude if found is None else [_both(x, y) for x, y in zip(found, crude, strict=True)]


def _both(left: Interval, right: Interval) -> Interval:
    if not (left.a >= right.a or left.a < right.a):
        return right
    return iv.mpf([max(left.a, right.a), min(left.b, right.b)])


def _by_quadrature(
    law: Law, adam: Adam, center: Interval, means: list[Interval], tolerance: float
) -> list[Interval] | None:
    """F and its derivatives by the quadrature; None if already its first node would take too much work."""
    eps, bound, (_, step) = exact(adam.epsilon), step_bound(adam), step_of(adam.beta)
    products, width = Products(law, adam), float(step.mid)
    cubes = [law.mean_of([magnitude(g) * q for g, q in zip(law.atoms, law.squares, strict=True)])]
    cubes[0] += abs(law.mean) * center
    cubes += [3 * h * law.max_abs**2 + abs(m) * center for h, m in zip(law.max_abs_slopes, means[1:], strict=True)]
    size, cube = float(center.mid) ** 0.5, max(float(x.b) for x in cubes)
    j = math.floor(math.log((tolerance * min(1.0, size / float(eps.mid)) / cube) ** (2 / 3)) / width)
    first = exponential(step * j)
    # The means are taken out of the sums: so their widths hardly count.
    sums, control, lags = [iv.mpf(0)] * len(means), 1 / (iv.sqrt(center) + eps), 0
    earlier: list[Interval] = []
    half = math.ceil(math.log(2) / width) + 1

    def tails(s: Interval, product: Interval, decay: Interval) -> list[Interval]:
        """Bounds of what the nodes right of s add."""
        weights, before = _weights_beyond(s, eps, step), earlier[-1 - half] if len(earlier) > half else iv.mpf(1).b
        lows = [
            law.max_abs * product.b,
            *(h * (product.b + 4 / iv.e * bound * before) for h in law.max_abs_slopes),
        ]
        return [(low + abs(m) * decay) * weights for low, m in zip(lows, means, strict=True)]

    while True:
        s, weight = _node(adam, j, iv.prec)
        needed = products.lags_at(s)
        if lags + needed > _MOST_LAGS or len(earlier) > _MOST_NODES:
            cut_short()
            if not earlier:
                return None
            break
        product, values = products.at(s, needed)
        decay = exponential(-center * s)
        sums, control = [x + weight * g for x, g in zip(sums, values, strict=True)], control - weight * decay
        earlier.append(product.b)
        lags += needed
        last = s, product, decay
        if len(earlier) > half and _negligible(tails(*last), sums, tolerance):
            break
        j += 1
    left = _weights_before(first, step)
    rule = _trapezoidal_errors(law, eps, bound, step, center, means)
    return [
        m * control + x + around_zero(magnitude(t) + magnitude(k * left) + magnitude(e))
        for m, x, t, k, e in zip(means, sums, tails(*last), cubes, rule, strict=True)
    ]


def _negligible(tails: list[Interval], sums: list[Interval], tolerance: float) -> bool:
    return all(t.b < max(tolerance, 0.01 * float(x.delta.b)) for t, x in zip(tails, sums, strict=True))


def _trapezoidal_errors(
    law: Law, eps: Interval, bound: Interval, step: Interval, center: Interval, means: list[Interval]
) -> list[Interval]:
    """The rule's errors; a derivative's integrand on the line Im x = a is at most H/eps (1/cos a + C/(4 cos^2 a))."""
    a = iv.mpf(1.5)
    along, decay = cosine(a), 2 / (exponential(2 * iv.pi * a / step) - 1)
    control = 1 / (iv.sqrt(center) + eps)
    errors = [decay * (bound + abs(law.mean) * control) / along]
    for h, mean in zip(law.max_abs_slopes, means[1:], strict=True):
        errors.append(decay * (h / eps * (1 + bound / (4 * along)) + abs(mean) * control) / along)
    return errors


def _weights_before(first: Interval, step: Interval) -> Interval:
    """The sum of h w(u) u over the nodes u < ``first``, where w(u) <= sqrt(u/pi)."""
    ratio = exponential(-step * 3 / 2)
    return step * first * iv.sqrt(first / iv.pi) * ratio / (1 - ratio)


def _weights_beyond(s: Interval, eps: Interval, step: Interval) -> Interval:
    """The sum of h w(u) over the nodes u > s: w(u) <= u^(-1/2)/(2 sqrt(pi) eps^2), and at most 1/eps in all."""
    ratio = exponential(-step / 2)
    geometric = step * ratio / (1 - ratio) / (2 * iv.sqrt(iv.pi * s) * eps**2)
    return iv.mpf(min(geometric.b, (iv.mpf("1.001") / eps).b))


@lru_cache(maxsize=20_000)
def _node(adam: Adam, j: int, _bits: int) -> tuple[Interval, Interval]:
    """s = e^(j h) and the weight h w(s), w(s) = sqrt(s/pi) (1 - sqrt(pi) e erfcx(e)), e = eps sqrt(s)."""
    _, step = step_of(adam.beta)
    s = exponential(step * j)
    e = exact(adam.epsilon) * iv.sqrt(s)
    return s, step * iv.sqrt(s / iv.pi) * _complement(e)


def _complement(e: Interval) -> Interval:
    """1 - sqrt(pi) e erfcx(e), e > 0."""
    if e.b < 2:
        # exp(e^2) erf(e) = (2/sqrt(pi)) sum 2^k e^(2k+1)/(2k+1)!!; from term 40 on a ratio below 1/5.
        term, series = e, iv.mpf(0)
        for k in range(40):
            series += term
            term = term * 2 * e**2 / (2 * k + 3)
        series += iv.mpf([0, (term * 5 / 4).b])
        return 1 - e * (iv.sqrt(iv.pi) * exponential(e**2) - 2 * series)
    # sqrt(pi) erfcx(e) = 1/(e + (1/2)/(e + 1/(e + (3/2)/(e + ...)))): convergents lie on alternate sides.
    tails = []
    for depth in (120, 121):
        tail = e
        for k in range(depth, 1, -1):
            tail = e + iv.mpf(k) / 2 / tail
        tails.append(iv.mpf(1) / 2 / tail)
    tail = iv.mpf([min(t.a for t in tails), max(t.b for t in tails)])
    return tail / (e + tail)
