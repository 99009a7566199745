"""The products over all lags: P(s) = prod B(t_k), G(s) = E[M exp(-s V)], t_k = (1-beta) beta^k s, in intervals.

Where t w is small, u = g^2 - c, |u| <= w, log B and A/B are power series in t that sum up over the lags in closed form:
Re E exp(-t u) > 0 for |t| w < pi/2, so that Cauchy's estimate on |t| w = 7/5 bounds the remainders. Elsewhere the first
lags are multiplied out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from adamsym.checker.arithmetic import BITS, Arithmetic, Interval, NotCheckable
from adamsym.checker.coordinate_law import CIRCLE, Law
from adamsym.checker.form import Form
from adamsym.expressions.ranges import Range
from adamsym.expressions.work import spend

LARGEST_STEP = Fraction(1, 5)
"""Of the nodes in log s; where less is known of the gradients twice as much will do."""
LEAST_TERMS, MOST_TERMS = 3, 20
SERIES, FINER_SERIES = 0.25, 0.06
"""t w at most this in the series, with few bits and with more."""
FAR_TOO_MANY = 10**9
"""Lags that nobody multiplies out."""

State = tuple[Interval, list[Interval], list[tuple[Interval, list[Interval]]]]
"""P and the numerators without exp(-s least), and the derivatives of all in each parameter."""


@dataclass(frozen=True)
class Numerator:
    """N(s) = E[sum n_k g_k exp(-s V)], of which G(s) = E[M exp(-s V)] is made up.

    With t = (1-beta) s, N(s) = n_0 A(t) P(beta s) + B(t) sum factor N'(beta s) over pairs (number of N', factor): the
    weights n_1, n_2, ... of N are those n'_0, n'_1, ... times the factors. A geometric term is the one N' of itself.
    """

    newest: Interval
    older: tuple[tuple[int, Interval], ...]


def numerators_of(form: Form) -> tuple[list[Numerator], tuple[tuple[int, Interval], ...]]:
    """Return numerators, and which of them, times which factors, add up to G.

    The first have the weights c_k from lag 0, 1, ... on, up to where ``head`` ends: what cancels at one lag does so
    exactly. Then come the geometric terms.
    """
    using, lags = form.using, len(form.head)
    one, exact = using.number(1), using.exact
    terms = [Numerator(one, ((lags + i, exact(ratio)),)) for i, (_, ratio) in enumerate(form.terms)]
    made_of = tuple((lags + i, exact(amount * ratio**lags)) for i, (amount, ratio) in enumerate(form.terms))
    first: list[Numerator] = []
    for lag in reversed(range(lags)):
        first.append(Numerator(exact(form.weight(lag)), made_of))
        made_of = ((lag, one),)
    return [*reversed(first), *terms], made_of


def sums_over_lags(parts: Sequence[Numerator], power: Interval) -> list[Interval]:
    """Return sum n_k power^k of each numerator, for power = beta^j."""
    found: dict[int, Interval] = {}
    for number, part in reversed(list(enumerate(parts))):
        if any(source == number for source, _ in part.older):
            [(_, ratio)] = part.older
            found[number] = 1 / (1 - ratio * power)
        else:
            found[number] = part.newest + power * sum(factor * found[source] for source, factor in part.older)
    return [found[number] for number in range(len(parts))]


def sized(using: Arithmetic, part: Numerator) -> Numerator:
    """Return the numerator with |n_k| in place of n_k."""
    return Numerator(using.magnitude(part.newest), tuple((k, using.magnitude(factor)) for k, factor in part.older))


@lru_cache(maxsize=64)
def step_of(using: Arithmetic, beta: Fraction, largest: Fraction) -> tuple[int, Interval]:
    """Return how many lags -log beta the nodes' step h in log s has, and h: the largest multiple up to ``largest``.

    Where a lag is longer, 0 and ``largest``. Of a range, with the beta in its middle.
    """
    about = middle_of(beta)
    lag = lag_of(about)
    if lag > largest:
        return 0, using.exact(largest)
    lags = int(float(largest) / lag)
    return lags, -lags * using.logarithm(using.exact(about))


def middle_of(beta: Fraction | Range) -> Fraction:
    """Return beta, or the middle of its range."""
    return (beta.low + beta.high) / 2 if isinstance(beta, Range) else beta


def lag_of(beta: Fraction) -> float:
    """Return -log beta: next to 1 the float of beta would be 1."""
    return -math.log1p(-float(1 - beta)) if beta > Fraction(1, 2) else -math.log(float(beta)) if beta else math.inf


class Products:
    """P(s) = prod B(t_k) and G(s), G'(s), t_k = (1-beta) beta^k s."""

    def __init__(self, law: Law, form: Form, largest: Fraction = LARGEST_STEP) -> None:
        self.columns: list[tuple[list[Interval], list[Interval]]] = []
        self.using = using = form.using
        self.lags_per_step, _ = step_of(using, form.beta, largest)
        self.previous: State | None = None
        self.law, self.beta = law, using.exact(form.beta)
        self.numerators, self.made_of = numerators_of(form)
        self.given_beta = form.beta
        # Of a range the largest: with it most lags are needed.
        self.exact_beta = form.beta.high if isinstance(form.beta, Range) else form.beta
        self.memory = float(self.exact_beta)
        self.powers: dict[int, Interval] = {}
        self.weights: dict[int, Interval] = {}
        self.least, self.center, self.width = law.least, law.center, law.width
        # The series are in powers of s unit, and P = exp(S - s about). All t_k add up to s for every beta, so the first
        # coefficient of S with c = about is near 0, and that of s is 1: a range of beta widens neither.
        self.unit = using.middle(1 - self.beta) if isinstance(form.beta, Range) else 1 - self.beta
        self.about = using.middle(law.mean_square)
        self.scaled_width = self.width / using.exact(CIRCLE)
        # Enough terms for s up to 100/E g^2; beyond, the remainder is larger but counted.
        farthest = float(using.upper((1 - self.beta) * self.width * 100 / using.middle(law.mean_square)))
        # With more bits a remainder of 1e-16 may be too large: a rare atom makes w far larger than E g^2.
        self.reach, remainder = (SERIES, 1e-16) if using.bits <= BITS else (FINER_SERIES, 1e-26)
        ratio = max(min(self.reach, farthest) / float(CIRCLE), 1e-12)
        self.terms = max(LEAST_TERMS, min(MOST_TERMS, math.ceil(math.log(remainder) / math.log(ratio))))
        # What a node's remainders may be, as shares of what they are added to.
        self.log_remainder = math.log(remainder / 10)
        self._series()

    def lags_at(self, s: Interval) -> int:
        """Return how many lags :meth:`at` multiplies out at the next node."""
        reach = float(self.using.upper((1 - self.beta) * s * self.width))
        if reach <= self.reach:
            return 0
        if self.lags_per_step and self.previous is not None:
            return self.lags_per_step
        if reach == math.inf:
            return FAR_TOO_MANY
        return 1 if self.memory == 0 else math.ceil(math.log(reach / self.reach) / lag_of(self.exact_beta)) + 1

    def at(self, s: Interval, lags: int) -> tuple[Interval, list[Interval]]:
        """Return P(s), and G(s) with its derivatives. Call with nodes in order, and with what ``lags_at`` says."""
        count, parts = len(self.law.slopes), len(self.numerators)
        each = 20 + self.law.lag_operations + 4 * (parts - 1) * (1 + count)
        spend(lags * each)
        t = (1 - self.beta) * s
        if lags and self.lags_per_step and self.previous is not None:
            state = self.previous
        elif lags:
            power = self._power_of_beta(lags)
            state = self._beyond(t * power, s * power)
        else:
            state = self._beyond(t, s)
        for k in reversed(range(lags)):
            state = self._one_lag_more(s * self.weight_of_square(k), state)
        self.previous = state
        product, numerators, slopes = state
        # The factor exp(-s least) comes last: over all lags it is left out exactly.
        factor = self.using.exponential(-s * self.least)
        shares = [(number, factor * share) for number, share in self.made_of]
        columns = [numerators, *(slope for _, slope in slopes)]
        return factor * product, [
            self.using.total(share * column[number] for number, share in shares) for column in columns
        ]

    def _power_of_beta(self, k: int) -> Interval:
        if k not in self.powers:
            self.powers[k] = self.using.power(self.beta, k)
        return self.powers[k]

    def weight_of_square(self, k: int) -> Interval:
        """Return (1 - beta) beta^k, which has its maximum at beta = k/(k + 1)."""
        beta, using = self.given_beta, self.using
        if k not in self.weights:
            values = [(1 - self.beta) * self._power_of_beta(k)]
            if isinstance(beta, Range):
                peak = min(max(beta.low, Fraction(k, k + 1)), beta.high)
                values = [(1 - using.exact(x)) * using.power(using.exact(x), k) for x in (beta.low, peak, beta.high)]
            self.weights[k] = using.hull(*values) if len(values) > 1 else values[0]
        return self.weights[k]

    def _one_lag_more(self, t: Interval, state: State) -> State:
        """P(s) = B(t) P(beta s), the numerators by what :class:`Numerator` says, and their derivatives."""
        product, numerators, slopes = state
        a, b, bent = self.law.transforms(t)
        older, derivatives = self._older(numerators), []
        for (da, db), (old_product, old_numerators) in zip(bent, slopes, strict=True):
            newest = da * product + a * old_product
            changes = [
                part.newest * newest + db * x + b * y
                for part, x, y in zip(self.numerators, older, self._older(old_numerators), strict=True)
            ]
            derivatives.append((db * product + b * old_product, changes))
        values = [part.newest * a * product + b * x for part, x in zip(self.numerators, older, strict=True)]
        return b * product, values, derivatives

    def _older(self, numerators: list[Interval]) -> list[Interval]:
        """What the numerators take of those one lag further back."""
        return [
            self.using.total(factor * numerators[source] for source, factor in part.older) for part in self.numerators
        ]

    def _beyond(self, t: Interval, s: Interval) -> State:
        """The products over all lags from t on, by the series; s = t/(1-beta)."""
        using, zero = self.using, self.using.number(0)
        if self.memory == 0 and t == 0:
            zeros = [zero] * len(self.numerators)
            return using.number(1), zeros, [(zero, zeros) for _ in self.law.slopes]
        (log_product, *ratios), *others = self._series_at(t, s)
        product = using.exponential(log_product - s * (self.about - self.least))
        slopes = [
            (product * x, [product * (x * ratio + y) for ratio, y in zip(ratios, ys, strict=True)]) for x, *ys in others
        ]
        return product, [product * ratio for ratio in ratios], slopes

    def _series_at(self, t: Interval, s: Interval) -> list[list[Interval]]:
        """log P + s about and the N/P, and the derivatives of all of these in each parameter."""
        using = self.using
        z = using.magnitude(t * self.scaled_width)
        if not z < 1:
            raise NotCheckable("a power series beyond its circle")
        terms, place = self._terms_at(float(z)), s * self.unit
        spend(2 * terms * len(self.columns))
        rest = using.power(z, terms) / (1 - z)
        values = []
        for coefficients, tops in self.columns:
            value = coefficients[terms - 1]
            for coefficient in reversed(coefficients[: terms - 1]):
                value = value * place + coefficient
            values.append(value + using.around_zero(tops[terms] * rest))
        parts = 1 + len(self.numerators)
        return [values[k : k + parts] for k in range(0, len(values), parts)]

    def _terms_at(self, ratio: float) -> int:
        """How many terms of the series count where each is about ``ratio`` of the one before: most nodes need few."""
        needed = self.log_remainder / math.log(ratio) if ratio > 0 else 0
        return max(LEAST_TERMS, min(self.terms, math.ceil(needed)))

    def _series(self) -> None:
        """Coefficients of log P, the N/P and their derivatives, summed over lags, each with its bounds on the circle.

        The bounds are those of the terms from a number on: the sums over lags fall with the power of t.
        """
        law, using = self.law, self.using
        spend(self.terms**2 * (2 + 4 * len(law.slopes)))
        series, on_circle = law.series(self.terms), law.circle_bounds()
        b = [using.number(1), *series.b[1:]]
        ratio = divided(series.a, b)
        columns = [(logarithm(b), ratio)]
        self.log_remainder -= float(using.upper(using.logarithm(on_circle.growth)))
        tops = [on_circle.log, on_circle.ratio, *(bound for pair in on_circle.slopes for bound in pair)]
        for one in series.slopes:
            double, plain, cube = (divided(x, b) for x in one)
            mixed = times(ratio, double)
            columns.append(
                (
                    _shifted([-x for x in double]),
                    [
                        x + y
                        for x, y in zip(plain, _shifted([v - u for u, v in zip(cube, mixed, strict=True)]), strict=True)
                    ],
                )
            )
        powers = [using.power(self.beta, k) for k in range(self.terms + 1)]
        scale = (1 - self.beta) / self.unit if isinstance(self.given_beta, Range) else using.number(1)
        scales = [using.power(scale, k) for k in range(self.terms)]
        # Sums of weights of both signs need not fall with the power; those of their sizes do.
        sums, sizes = (
            list(zip(*(sums_over_lags(parts, p) for p in powers), strict=True))
            for parts in (self.numerators, [sized(using, part) for part in self.numerators])
        )
        for k, (log_part, ratio_part) in enumerate(columns):
            log_sums = [1 / (1 - p) for p in powers[1:]]
            linear = log_part[1] + (self.about - self.center if k == 0 else 0)
            later = (x * y * z for x, y, z in zip(log_part[2:], log_sums[1:-1], scales[2:], strict=True))
            first = [using.number(0), linear / self.unit, *later]
            self.columns.append((first, [using.number(math.inf), *(tops[2 * k] * y for y in log_sums)]))
            for own, bounds in zip(sums, sizes, strict=True):
                values = [x * y * z for x, y, z in zip(ratio_part, own[: self.terms], scales, strict=True)]
                self.columns.append((values, [tops[2 * k + 1] * y for y in bounds]))


def times(x: list[Interval], y: list[Interval]) -> list[Interval]:
    """Return the product of two series."""
    return [sum(x[i] * y[k - i] for i in range(k + 1)) for k in range(len(x))]


def divided(x: list[Interval], y: list[Interval]) -> list[Interval]:
    """Return x/y for a series y that begins with 1."""
    found: list[Interval] = []
    for k in range(len(x)):
        found.append(x[k] - sum(found[i] * y[k - i] for i in range(k)))
    return found


def logarithm(y: list[Interval]) -> list[Interval]:
    """Return log y for a series y that begins with 1: k c_k = k y_k - sum i c_i y_(k-i)."""
    found = [0 * y[0]]
    for k in range(1, len(y)):
        found.append(y[k] - sum(i * found[i] * y[k - i] for i in range(1, k)) / k)
    return found


def _shifted(x: list[Interval]) -> list[Interval]:
    """t x."""
    return [0 * x[0], *x[:-1]]
