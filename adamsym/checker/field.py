"""F = E[M/(sqrt V + eps)] and its derivatives over a box, in interval arithmetic, by this module's own means.

F = mu/(sqrt c + eps) + int w(s) [G(s) - mu exp(-c s)] dx, s = e^x, w(s) = s rho(s), G(s) = E[M exp(-s V)] (theory T4).
Node by node, the first lags are multiplied out until t = (1-beta) beta^K s is small; the rest is summed up from the
power series of log B and A/B. Bounds: |g| <= G, |g'| <= H, C the step bound; for u right of the last s
|G(u)| <= G P(u), |G'(u)| <= H (P(u) + (4/e) C P(u/2)); left of the first one the integrand is at most w(s) s k, k
from third moments; the trapezoidal rule errs by at most 2 K/(cos a (exp(2 pi a/h) - 1)), K = E|M|/(sqrt V + eps), for
every a < pi/2 (theory T5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from mpmath import iv

from adamsym.checker.intervals import Interval, around_zero, exact, magnitude, total
from adamsym.checker.law import Law, gradient_laws
from adamsym.optimizer import Adam
from adamsym.problem import Problem

STEP = Fraction(1, 5)
MOST_TERMS = 20
_SERIES = 0.25
"""t w at most this in the series; they converge for t w < pi/2."""
_CIRCLE = Fraction(7, 5)
_TOLERANCE = 1e-15
_MOST_NODES = 1200
_MOST_LAGS = 40_000


@dataclass(frozen=True)
class FieldOver:
    """Intervals around f_i and df_i/dtheta_j."""

    value: list[Interval]
    jacobian: list[list[Interval]]


def field_over(problem: Problem, adam: Adam, theta: Sequence[Interval], slopes: bool) -> FieldOver:
    """Return f, and Df if ``slopes``, over a box."""
    found = [quotient(law, adam) for law in gradient_laws(problem, theta, slopes)]
    return FieldOver([-one[0] for one in found], [[-slope for slope in one[1:]] for one in found])


def step_bound(adam: Adam) -> Interval:
    """Return C = (1-alpha)/sqrt((1-beta)(1-alpha^2/beta)) (theory T1)."""
    rest = exact(adam.alpha**2 / adam.beta) if adam.alpha else iv.mpf(0)
    return (1 - exact(adam.alpha)) / iv.sqrt((1 - exact(adam.beta)) * (1 - rest))


def quotient(law: Law, adam: Adam) -> list[Interval]:
    """Return intervals around F and its derivatives for every law within ``law``."""
    eps, bound = exact(adam.epsilon), step_bound(adam)
    means = [law.mean, *law.mean_slopes]
    # Next to interpolation: |F - mu/eps| <= E g^2/eps^2, |F' - mu'/eps| <= 2 G H/eps^2.
    errors = [magnitude(law.mean_square), *(2 * law.largest * h for h in law.largest_slopes)]
    crude = [mean / eps + around_zero(error / eps**2) for mean, error in zip(means, errors, strict=True)]
    crude[0] = _both(crude[0], around_zero(bound))
    center = iv.mpf(law.mean_square.mid)
    if law.largest.b < 1e-14 * eps.a or not center.a > 1e-250:
        return crude
    return [_both(x, y) for x, y in zip(_by_quadrature(law, adam, center, means), crude, strict=True)]


def _both(left: Interval, right: Interval) -> Interval:
    if not (left.a >= right.a or left.a < right.a):
        return right
    return iv.mpf([max(left.a, right.a), min(left.b, right.b)])


def _by_quadrature(law: Law, adam: Adam, center: Interval, means: list[Interval]) -> list[Interval]:
    eps, bound, step = exact(adam.epsilon), step_bound(adam), exact(STEP)
    products = _Products(law, adam)
    cubes = [law.mean_of([magnitude(g) * q for g, q in zip(law.atoms, law.squares, strict=True)])]
    cubes[0] += abs(law.mean) * center
    cubes += [3 * h * law.largest**2 + abs(m) * center for h, m in zip(law.largest_slopes, means[1:], strict=True)]
    size, cube = float(center.mid) ** 0.5, max(float(x.b) for x in cubes)
    j = math.floor(math.log((_TOLERANCE * min(1.0, size / float(eps.mid)) / cube) ** (2 / 3)) / float(STEP))
    first = iv.exp(step * j)
    sums, earlier, lags = [iv.mpf(0)] * len(means), [], 0
    half = math.ceil(math.log(2) / float(STEP))
    while True:
        s, weight = _node(adam.epsilon, j)
        product, values, spent = products.at(s)
        decay = iv.exp(-center * s)
        sums = [x + weight * (g - m * decay) for x, g, m in zip(sums, values, means, strict=True)]
        earlier.append(product.b)
        lags += spent
        if len(earlier) > half:
            weights = _weights_beyond(s, eps)
            lows = [
                law.largest * product.b,
                *(h * (product.b + 4 / iv.e * bound * earlier[-1 - half]) for h in law.largest_slopes),
            ]
            tails = [(low + abs(m) * decay) * weights for low, m in zip(lows, means, strict=True)]
            enough = [max(_TOLERANCE, 0.01 * float(x.delta.b)) for x in sums]
            if all(t.b < e for t, e in zip(tails, enough, strict=True)):
                break
            if len(earlier) > _MOST_NODES or lags > _MOST_LAGS:
                break
        j += 1
    ratio = iv.exp(-step * 3 / 2)
    left = step * first * iv.sqrt(first / iv.pi) * ratio / (1 - ratio)
    rule = _trapezoidal_errors(law, eps, bound, center, means)
    control = 1 / (iv.sqrt(center) + eps)
    return [
        m * control + x + around_zero(magnitude(t) + magnitude(k * left) + magnitude(e))
        for m, x, t, k, e in zip(means, sums, tails, cubes, rule, strict=True)
    ]


def _trapezoidal_errors(
    law: Law, eps: Interval, bound: Interval, center: Interval, means: list[Interval]
) -> list[Interval]:
    """The rule's errors; a derivative's integrand on the line Im x = a is at most H/eps (1/cos a + C/(4 cos^2 a))."""
    a = iv.mpf(1.5)
    cosine, decay = iv.cos(a), 2 / (iv.exp(2 * iv.pi * a / exact(STEP)) - 1)
    control = 1 / (iv.sqrt(center) + eps)
    errors = [decay * (bound + abs(law.mean) * control) / cosine]
    for h, mean in zip(law.largest_slopes, means[1:], strict=True):
        errors.append(decay * (h / eps * (1 + bound / (4 * cosine)) + abs(mean) * control) / cosine)
    return errors


def _weights_beyond(s: Interval, eps: Interval) -> Interval:
    """The sum of h w(u) over the nodes u > s: w(u) <= u^(-1/2)/(2 sqrt(pi) eps^2), and at most 1/eps in all."""
    ratio = iv.exp(-exact(STEP) / 2)
    geometric = exact(STEP) * ratio / (1 - ratio) / (2 * iv.sqrt(iv.pi * s) * eps**2)
    return iv.mpf(min(geometric.b, (iv.mpf("1.001") / eps).b))


@lru_cache(maxsize=20_000)
def _node(epsilon: Fraction, j: int) -> tuple[Interval, Interval]:
    """s = e^(j h) and the weight h w(s), w(s) = sqrt(s/pi) (1 - sqrt(pi) e erfcx(e)), e = eps sqrt(s)."""
    s = iv.exp(exact(STEP) * j)
    e = exact(epsilon) * iv.sqrt(s)
    return s, exact(STEP) * iv.sqrt(s / iv.pi) * _complement(e)


def _complement(e: Interval) -> Interval:
    """1 - sqrt(pi) e erfcx(e), e > 0."""
    if e.b < 2:
        # exp(e^2) erf(e) = (2/sqrt(pi)) sum 2^k e^(2k+1)/(2k+1)!!; from term 40 on a ratio below 1/5.
        term, series = e, iv.mpf(0)
        for k in range(40):
            series += term
            term = term * 2 * e**2 / (2 * k + 3)
        series += iv.mpf([0, (term * 5 / 4).b])
        return 1 - e * (iv.sqrt(iv.pi) * iv.exp(e**2) - 2 * series)
    # sqrt(pi) erfcx(e) = 1/(e + (1/2)/(e + 1/(e + (3/2)/(e + ...)))): convergents lie on alternate sides.
    tails = []
    for depth in (120, 121):
        tail = e
        for k in range(depth, 1, -1):
            tail = e + iv.mpf(k) / 2 / tail
        tails.append(iv.mpf(1) / 2 / tail)
    tail = iv.mpf([min(t.a for t in tails), max(t.b for t in tails)])
    return tail / (e + tail)


class _Products:
    """P(s) = prod B(t_k) and G(s), G'(s), t_k = (1-beta) beta^k s."""

    def __init__(self, law: Law, adam: Adam) -> None:
        self.columns: list[tuple[list[Interval], Interval]] = []
        self.law, self.alpha, self.beta = law, exact(adam.alpha), exact(adam.beta)
        self.memory = float(adam.beta)
        low, high = min(q.a for q in law.squares), max(q.b for q in law.squares)
        self.least, self.center = iv.mpf(low), iv.mpf(((low + high) / 2).mid)
        self.width = iv.mpf(max(magnitude(q - self.center).b for q in law.squares))
        # Enough terms for s up to 100/E g^2; beyond, the remainder is larger but counted.
        farthest = float(((1 - self.beta) * self.width * 100 / iv.mpf(law.mean_square.mid)).b)
        ratio = max(min(_SERIES, farthest) / float(_CIRCLE), 1e-12)
        self.terms = max(3, min(MOST_TERMS, math.ceil(math.log(1e-16) / math.log(ratio))))
        self._series()

    def at(self, s: Interval) -> tuple[Interval, list[Interval], int]:
        """Return P(s); G(s) and its derivatives; and how many lags were multiplied out."""
        t = (1 - self.beta) * s
        reach = float((t * self.width).b)
        lags = (
            0
            if reach <= _SERIES
            else 1
            if self.memory == 0
            else math.ceil(math.log(_SERIES / reach) / math.log(self.memory)) + 1
        )
        tail = t * self.beta**lags if lags else t
        # Without the factor exp(-s least), which comes last: s_tail of s (1 - beta^lags) is still to come.
        product, numerator, slopes = self._beyond(tail, s * self.beta**lags if lags else s)
        for k in reversed(range(lags)):
            now = t * self.beta**k
            weights = [
                p * iv.exp(-now * (q - self.least))
                for p, q in zip(self.law.probabilities, self.law.squares, strict=True)
            ]
            a, b = total(w * g for w, g in zip(weights, self.law.atoms, strict=True)), total(weights)
            derivatives = []
            for column, (old_product, old_numerator) in zip(self.law.slopes, slopes, strict=True):
                da, db = iv.mpf(0), iv.mpf(0)
                for w, g, q, h in zip(weights, self.law.atoms, self.law.squares, column, strict=True):
                    da += w * h * (1 - 2 * now * q)
                    db -= 2 * now * w * g * h
                derivatives.append(
                    (
                        db * product + b * old_product,
                        da * product + a * old_product + self.alpha * (db * numerator + b * old_numerator),
                    )
                )
            product, numerator, slopes = b * product, a * product + self.alpha * b * numerator, derivatives
        factor = iv.exp(-s * self.least)
        share = (1 - self.alpha) * factor
        return factor * product, [share * numerator, *(share * slope for _, slope in slopes)], lags

    def _beyond(self, t: Interval, s: Interval) -> tuple[Interval, Interval, list[tuple[Interval, Interval]]]:
        """The products over all lags from t on, by the series; s = t/(1-beta)."""
        if self.memory == 0 and t.b == 0:
            return iv.mpf(1), iv.mpf(0), [(iv.mpf(0), iv.mpf(0)) for _ in self.law.slopes]
        z = t * self.width / exact(_CIRCLE)
        rest = magnitude(z) ** self.terms / (1 - magnitude(z))
        values = []
        for coefficients, top in self.columns:
            value = iv.mpf(0)
            for coefficient in reversed(coefficients):
                value = value * t + coefficient
            values.append(value + around_zero(top * rest))
        log_product, ratio, *others = values
        product = iv.exp(log_product - s * (self.center - self.least))
        slopes = [(product * x, product * (x * ratio + y)) for x, y in zip(others[::2], others[1::2], strict=True)]
        return product, product * ratio, slopes

    def _series(self) -> None:
        """Coefficients of log P, Q and their derivatives, summed over the lags, each with its bound on the circle."""
        law = self.law
        b, a = self._moments([iv.mpf(1)] * len(law.atoms)), self._moments(law.atoms)
        b[0] = iv.mpf(1)
        ratio = _divided(a, b)
        columns = [(_logarithm(b), ratio)]
        circle = exact(_CIRCLE)
        growth = iv.exp(2 * circle) / iv.cos(circle)
        tops = [circle - iv.log(iv.cos(circle)) + iv.pi / 2, law.largest * growth]
        for column, h in zip(law.slopes, law.largest_slopes, strict=True):
            double = _divided(self._moments([2 * g * x for g, x in zip(law.atoms, column, strict=True)]), b)
            plain = _divided(self._moments(column), b)
            cube = _divided(self._moments([2 * q * x for q, x in zip(law.squares, column, strict=True)]), b)
            mixed = _times(ratio, double)
            columns.append(
                (
                    _shifted([-x for x in double]),
                    [
                        x + y
                        for x, y in zip(plain, _shifted([v - u for u, v in zip(cube, mixed, strict=True)]), strict=True)
                    ],
                )
            )
            t = circle / self.width if self.width.b > 0 else iv.mpf(0)
            tops += [2 * t * law.largest * h * growth, h * growth * (1 + 2 * t * law.largest**2 * (1 + growth))]
        powers = [self.beta**k for k in range(self.terms + 1)]
        for k, (log_part, ratio_part) in enumerate(columns):
            first = [iv.mpf(0), *(x / (1 - p) for x, p in zip(log_part[1:], powers[1 : self.terms], strict=True))]
            second = [x / (1 - self.alpha * p) for x, p in zip(ratio_part, powers[: self.terms], strict=True)]
            self.columns.append((first, tops[2 * k] / (1 - powers[self.terms])))
            self.columns.append((second, tops[2 * k + 1] / (1 - self.alpha * powers[self.terms])))

    def _moments(self, values: Sequence[Interval]) -> list[Interval]:
        """Coefficients of E[v exp(-t u)], u = g^2 - center."""
        power, found = [p * v for p, v in zip(self.law.probabilities, values, strict=True)], []
        for order in range(self.terms):
            found.append(total(power))
            power = [x * (self.center - q) / (order + 1) for x, q in zip(power, self.law.squares, strict=True)]
        return found


def _times(x: list[Interval], y: list[Interval]) -> list[Interval]:
    return [total(x[i] * y[k - i] for i in range(k + 1)) for k in range(len(x))]


def _divided(x: list[Interval], y: list[Interval]) -> list[Interval]:
    """x/y for a series y that begins with 1."""
    found: list[Interval] = []
    for k in range(len(x)):
        found.append(x[k] - total(found[i] * y[k - i] for i in range(k)))
    return found


def _logarithm(y: list[Interval]) -> list[Interval]:
    """log y for a series y that begins with 1: k c_k = k y_k - sum i c_i y_(k-i)."""
    found = [iv.mpf(0)]
    for k in range(1, len(y)):
        found.append(y[k] - total(i * found[i] * y[k - i] for i in range(1, k)) / k)
    return found


def _shifted(x: list[Interval]) -> list[Interval]:
    """t x."""
    return [iv.mpf(0), *x[:-1]]
