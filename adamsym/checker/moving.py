"""The derivatives of E[M phi(V)] in beta and in the ratio of the lag weights, in intervals (theory N-Proposition 8).

They are int w(s) D(s) dx, s = e^x, with D(s) the derivative of G(s) = E[M exp(-s V)]. Lags are multiplied out with
values and derivatives in pairs, from the power series of log B and A/B on, which are differentiated term by term.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Literal

from adamsym.checker.arithmetic import Interval, NotCheckable
from adamsym.checker.coordinate_law import CIRCLE, Law
from adamsym.checker.form import Form
from adamsym.checker.products import LARGEST_STEP, divided, logarithm, numerators_of
from adamsym.expressions.ranges import ends_of
from adamsym.expressions.work import spend

Moving = Literal["beta", "ratio"]
"""What the derivative is in."""

TOLERANCE = 1e-12
_TERMS = 24
_SERIES = 0.25
"""t w at most this in the series."""
_MOST_NODES, _MOST_LAGS = 1500, 100_000


@dataclass(frozen=True)
class Pair:
    """An interval around a function of the number that moves, and one around its derivative."""

    value: Interval
    slope: Interval

    def __add__(self, other: "Pair") -> "Pair":
        return Pair(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: "Pair") -> "Pair":
        return Pair(self.value * other.value, self.value * other.slope + self.slope * other.value)


@dataclass(frozen=True)
class _Rest:
    """Bounds of what a series leaves out: of its value, and of its derivative."""

    value: Interval
    slope: Interval


class _Walk:
    """P and the derivative of G at nodes, each with its own lags."""

    def __init__(self, law: Law, form: Form, moving: Moving) -> None:
        self.law, self.form, self.moving, self.using = law, form, moving, form.using
        using = form.using
        self.least_beta, self.largest_beta = ends_of(form.beta)
        self.beta, self.rest = using.exact(form.beta), 1 - using.exact(form.beta)
        self.numerators, self.made_of = numerators_of(form)
        self.ratio = using.exact(form.terms[0][1]) if form.terms else using.number(0)
        self.unit = using.middle(self.rest)
        self._powers, self._weights = list[Interval](), list[Interval]()
        spend(2 * _TERMS**2 + _TERMS * len(law.atoms) * 8)
        series, circle = law.series(_TERMS), law.circle_bounds()
        b = [using.number(1), *series.b[1:]]
        logs, self.ratios = logarithm(b), divided(series.a, b)
        # All t_k add up to s for every beta: the first term is E g^2 s.
        self.square, self.logs = law.center - logs[1], [using.number(0), using.number(0), *logs[2:]]
        self.log_bound, self.ratio_bound = circle.log, circle.ratio

    def power(self, k: int) -> Interval:
        """beta^k."""
        while len(self._powers) <= k:
            self._powers.append(self.using.power(self.beta, len(self._powers)))
        return self._powers[k]

    def weight(self, k: int) -> Interval:
        """(1 - beta) beta^k, whose largest value is at k/(k + 1)."""
        using = self.using
        while len(self._weights) <= k:
            n = len(self._weights)
            places = [self.least_beta, min(max(self.least_beta, Fraction(n, n + 1)), self.largest_beta)]
            values = [using.exact(1 - x) * using.power(using.exact(x), n) for x in (*places, self.largest_beta)]
            self._weights.append(using.hull(*values))
        return self._weights[k]

    def lags_at(self, s: Interval) -> int:
        """Return how many lags are multiplied out at s."""
        reach = float(self.using.upper(self.rest * s * self.law.width))
        if not reach < math.inf:
            raise NotCheckable("a number is too large")
        if reach <= _SERIES:
            return 0
        lag = -math.log1p(-float(1 - self.largest_beta))
        return math.ceil(math.log(reach / _SERIES) / lag) + 1

    def at(self, s: Interval, lags: int) -> tuple[Interval, Interval]:
        """Return P(s) and D(s)."""
        using, zero, law = self.using, self.using.number(0), self.law
        spend(lags * (30 + 14 * len(law.atoms)) + 12 * _TERMS * (1 + len(self.numerators)))
        moves = self.moving == "beta"
        product, values = self._beyond(s * self.power(lags), lags)
        for k in reversed(range(lags)):
            t = s * self.weight(k)
            sizes = [p * using.exponential(-t * q) for p, q in zip(law.probabilities, law.squares, strict=True)]
            signed = [x * g for x, g in zip(sizes, law.atoms, strict=True)]
            speed = s * ((k * self.weight(k - 1) if k else zero) - self.power(k)) if moves else zero
            b = Pair(using.total(sizes), -using.dot(sizes, law.squares) * speed if moves else zero)
            a = Pair(using.total(signed), -using.dot(signed, law.squares) * speed if moves else zero)
            newest, product = a * product, b * product
            values = self._earlier(newest, b, values) if moves else [self._averaged(newest, b * values[0])]
        if not moves:
            return product.value, values[0].slope
        return product.value, using.total(share * values[number].slope for number, share in self.made_of)

    def _earlier(self, newest: Pair, b: Pair, values: list[Pair]) -> list[Pair]:
        """The numerators with one lag more."""
        zero, found = self.using.number(0), []
        for part in self.numerators:
            factors = (Pair(factor, zero) * values[k] for k, factor in part.older)
            found.append(Pair(part.newest, zero) * newest + b * reduce(Pair.__add__, factors, Pair(zero, zero)))
        return found

    def _averaged(self, newest: Pair, older: Pair) -> Pair:
        """(1 - r) newest + r older, so that a range of r widens it little."""
        change = older.value - newest.value
        return Pair(newest.value + self.ratio * change, change + self.ratio * older.slope)

    def _beyond(self, x: Interval, lags: int) -> tuple[Pair, list[Pair]]:
        """The products over all lags from ``lags`` on: x = s beta^lags."""
        using, zero = self.using, self.using.number(0)
        z = using.magnitude(self.rest * x * self.law.width / using.exact(CIRCLE))
        if not z < 1:
            raise NotCheckable("a power series beyond its circle")
        rate = lags / self.beta if lags and self.moving == "beta" else zero
        powers = [using.power(x * self.unit, j) for j in range(_TERMS)]
        last = using.upper(self.power(_TERMS - 1))
        rest = self._rest(self.log_bound / (1 - last), z, rate)
        log = self._sum(self.logs, [self._log_sum(j) for j in range(_TERMS)], powers, rate, rest)
        log += Pair(-x * self.square, -x * self.square * rate)
        whole = using.exponential(log.value)
        product, found = Pair(whole, whole * log.slope), list[Pair]()
        for sums, size in self._ratio_sums(last) if self.moving == "beta" else [self._average_sums(last)]:
            rest = self._rest(self.ratio_bound * size, z, rate, size)
            found.append(product * self._sum(self.ratios, sums, powers, rate, rest))
        return product, found

    def _rest(self, bound: Interval, z: Interval, rate: Interval, size: Interval = 0) -> _Rest:
        """Of terms of at most ``bound`` z^j, whose derivatives are at most 2 j/(1 - beta), or ``size``, and j ``rate``.

        For k beta^(jk-1) (1 - beta) is at most beta^((j-1) k), and the bounds have beta^(j-1) in place of beta^j.
        """
        using = self.using
        first = using.power(z, _TERMS)
        plain = first / (1 - z)
        by_number = first * (_TERMS - (_TERMS - 1) * z) / using.square(1 - z)
        slope = by_number * (2 / self.rest + abs(rate)) if self.moving == "beta" else plain * size
        return _Rest(using.upper(bound * plain), using.upper(bound * slope))

    def _sum(
        self, series: Sequence[Interval], sums: Sequence[Pair], powers: Sequence[Interval], rate: Interval, rest: _Rest
    ) -> Pair:
        using = self.using
        terms = [c * power for c, power in zip(series, powers, strict=True)]
        products = [x * one.value for x, one in zip(terms, sums, strict=True)]
        slope = using.dot(terms, (one.slope for one in sums)) + rate * using.total(
            j * y for j, y in enumerate(products)
        )
        return Pair(using.total(products) + using.around_zero(rest.value), slope + using.around_zero(rest.slope))

    def _scaled(self, j: int) -> Interval:
        """((1 - beta)/unit)^j."""
        return self.using.power(self.rest / self.unit, j)

    def _log_sum(self, j: int) -> Pair:
        """(1 - beta)^j/(1 - beta^j), over unit^j; of j < 2 it is not needed."""
        if j < 2:
            return Pair(self.using.number(0), self.using.number(0))
        value = self._scaled(j) / (1 - self.power(j))
        if self.moving == "ratio":
            return Pair(value, self.using.number(0))
        left = (1 - self.power(j - 1)) / self.using.square(1 - self.power(j))
        return Pair(value, -j * self._scaled(j - 1) / self.unit * left)

    def _ratio_sums(self, last: Interval) -> list[tuple[list[Pair], Interval]]:
        """For each numerator (1 - beta)^j sum_k n_k beta^(jk), over unit^j; later sums of |n_k| beta^(jk)."""
        using, zero = self.using, self.using.number(0)
        found: dict[int, tuple[list[Pair], Interval]] = {}
        for number, part in reversed(list(enumerate(self.numerators))):
            # beta^j with their derivatives.
            steps = [Pair(self.power(j), j * self.power(j - 1) if j else zero) for j in range(_TERMS)]
            own = [factor for k, factor in part.older if k == number]
            if own:
                [ratio] = own
                left = [1 - ratio * step.value for step in steps]
                sums = [Pair(1 / x, ratio * y.slope / using.square(x)) for x, y in zip(left, steps, strict=True)]
                size = 1 / (1 - abs(ratio) * last)
            else:
                factors = [(Pair(factor, zero), *found[k]) for k, factor in part.older]
                older = [
                    reduce(Pair.__add__, (x * y[j] for x, y, _ in factors), Pair(zero, zero)) for j in range(_TERMS)
                ]
                sums = [Pair(part.newest, zero) + step * y for step, y in zip(steps, older, strict=True)]
                size = abs(part.newest) + last * using.total(abs(x.value) * z for x, _, z in factors)
            found[number] = sums, using.upper(size)
        return [([self._with_unit(j, one) for j, one in enumerate(found[n][0])], found[n][1]) for n in sorted(found)]

    def _average_sums(self, last: Interval) -> tuple[list[Pair], Interval]:
        """(1 - beta)^j (1 - r)/(1 - r beta^j), over unit^j, and a bound of 1/(1 - r beta^j) later."""
        using, found = self.using, [Pair(self.using.number(1), self.using.number(0))]
        for j in range(1, _TERMS):
            left, scaled = 1 - self.ratio * self.power(j), self._scaled(j)
            found.append(Pair(scaled * (1 - self.ratio) / left, -scaled * (1 - self.power(j)) / using.square(left)))
        return found, using.upper(1 / (1 - self.ratio * last))

    def _with_unit(self, j: int, one: Pair) -> Pair:
        """A sum over lags times (1 - beta)^j over unit^j."""
        slope = -j * self._scaled(j - 1) / self.unit if j else self.using.number(0)
        return Pair(self._scaled(j), slope) * one


def slope_in_beta(law: Law, form: Form) -> Interval:
    """Return an interval around dF/dbeta for every law within ``law``, where no lag weight depends on beta.

    Raises
    ------
    NotCheckable
        Where no bound is known.
    """
    using, kernel, rest = form.using, form.kernel, 1 - form.using.exact(form.beta)
    if not using.exact(form.beta) > 0:
        raise NotCheckable("a derivative in beta where it may be 0")
    cube = 2 * form.size * using.power(law.max_abs, 3) / rest
    return _Integral(law, form, "beta", _bound_in_beta(law, form), cube, kernel.root_slope).value()


def slope_in_ratio(law: Law, form: Form) -> Interval:
    """Return an interval around dF/dr where the lag weights are (1 - r) r^k; otherwise as :func:`slope_in_beta`."""
    using = form.using
    if form.head or len(form.terms) > 1:
        raise NotCheckable("a derivative in the ratio of other lag weights")
    ratio, beta = using.exact(form.terms[0][1] if form.terms else Fraction(0)), using.exact(form.beta)
    share = using.square(ratio) / beta
    if not share < 1:
        raise NotCheckable("a numerator that the root of the second moment does not bound")
    # The weights' derivatives are k (1 - r) r^(k-1) - r^k; of each the squares of both parts, twice.
    squares = 2 / (1 - share) + 2 * using.square(1 - ratio) / beta * (1 + share) / using.power(1 - share, 3)
    bound = using.root(using.upper(squares / (1 - beta))) * form.kernel.rooted(law.max_abs)
    cube = 2 / (1 - ratio) * using.power(law.max_abs, 3)
    return _Integral(law, form, "ratio", using.upper(bound), cube, form.kernel.root_slope).value()


def _bound_in_beta(law: Law, form: Form) -> Interval:
    """A bound of E|M V' phi'(V)|, |V'| <= V/(1 - beta) + sum_j u_j/beta, u_j <= V and u_j <= beta^j G^2.

    With |M| <= C sqrt V, -v phi'(v) <= phi(v): C [r/(1 - beta) + sum_j r_j/beta], r a bound of sqrt(v) phi(v) and
    r_j of that up to G beta^(j/2), which is at most G phi(0) beta^(j/2).
    """
    using, kernel, beta = form.using, form.kernel, form.using.exact(form.beta)
    root, most = using.upper(using.root(beta)), kernel.rooted(law.max_abs)
    few = max(
        0, math.ceil(math.log(max(1.0, float(using.upper(law.max_abs * kernel.largest / most)))) * 2 / _lag(form))
    )
    rest = law.max_abs * kernel.largest * using.power(root, few + 1) / (1 - root)
    return using.upper(form.step_bound * (most / (1 - beta) + (most * few + rest) / beta))


def _lag(form: Form) -> float:
    """-log of the largest beta."""
    return -math.log1p(-float(1 - ends_of(form.beta)[1]))


@dataclass(frozen=True)
class _Integral:
    """Int w(s) D(s) dx, its absolute value at most ``bound``; |D(s)| <= s ``cube``; phi falls by ``fall`` sqrt v."""

    law: Law
    form: Form
    moving: Moving
    bound: Interval
    cube: Interval
    fall: Interval | None

    def value(self) -> Interval:
        """Return an interval around it."""
        law, using, kernel = self.law, self.form.using, self.form.kernel
        if law.is_zero:
            return using.number(0)
        if self.fall is None or not (using.is_bounded(self.bound) and using.is_bounded(self.cube)):
            raise NotCheckable("a derivative of which no bound is known")
        step = using.exact(LARGEST_STEP)
        width, allowed = float(LARGEST_STEP), using.upper(self.bound * TOLERANCE)
        first = math.floor(math.log(float(allowed) / float(using.upper(self.cube))) * 2 / 3 / width)
        s = using.exponential(step * first)
        # Left of s: h u w(u) <= h u phi(1/s).
        total = using.around_zero(self.cube * step * s * kernel.of(1 / s) / (using.exponential(step) - 1))
        walk, lags, half, earlier = _Walk(law, self.form, self.moving), 0, math.ceil(math.log(2) / width) + 1, []
        for number in range(first, first + _MOST_NODES):
            s = using.exponential(step * number)
            needed = walk.lags_at(s)
            lags += needed
            if lags > _MOST_LAGS:
                break
            product, slope = walk.at(s, needed)
            total += step * kernel.weight(s) * slope
            earlier.append(using.upper(product))
            if number % 4 == 0 and len(earlier) > half:
                tail = self._beyond(s, earlier[-1], earlier[-1 - half])
                if tail < allowed or tail < using.width(total) / 100:
                    return using.overlap(
                        total + using.around_zero(tail + self._rule(step)), using.around_zero(self.bound)
                    )
        return using.around_zero(self.bound)

    def _rule(self, step: Interval) -> Interval:
        """What the trapezoidal rule errs by: on Im x = a the integrand is at most the bound over cos(a)^2 (T5)."""
        using = self.form.using
        a = using.number(1.5)
        return 2 * self.bound / using.square(using.cosine(a)) / (using.exponential(2 * using.pi * a / step) - 1)

    def _beyond(self, s: Interval, product: Interval, earlier: Interval) -> Interval:
        """A bound of the nodes u right of s, P(s) and a bound of P(s/2) given."""
        using, form, law = self.form.using, self.form, self.law
        weights = using.upper(self._weights_beyond(s))
        if self.moving == "ratio":
            ratio = using.exact(form.terms[0][1] if form.terms else Fraction(0))
            return using.upper(2 / (1 - ratio) * law.max_abs * product * weights)
        # |D(u)| <= |c|_1 G (E u V exp(-uV)/(1 - beta) + E u U exp(-uV)/beta), each u u_j exp(-uV) at most
        # exp(-uV/2) min(2/e, u G^2 beta^j): these grow by at most 2/(e (1 - beta)) log(u/s).
        beta = using.exact(form.beta)
        part, high = 2 * using.exponential(using.number(-1)), using.upper(beta)
        rest = using.lower(1 - beta)
        most = using.upper(s * using.square(law.max_abs))
        few = max(0, math.ceil(math.log(max(1.0, float(most))) / _lag(form)))
        at_s = part * few + most * using.power(high, few + 1) / rest
        own = (part / rest + at_s / beta) * weights + part / rest / beta * self._growing(s)
        return using.upper(form.size * law.max_abs * earlier * own)

    def _weights_beyond(self, s: Interval) -> Interval:
        """The sum of h w(u) over the nodes u > s, or above: rho falls, and its integral beyond s is at most a drop."""
        using = self.form.using
        step = using.exact(LARGEST_STEP)
        return step / (1 - using.exponential(-step)) * self.form.kernel.drop(1 / s)

    def _growing(self, s: Interval) -> Interval:
        """The same with the factor log(u/s): the sums beyond s, e s, e^2 s, ... added up.

        Each is at most h/(1 - e^-h) times phi(0), or ``fall``/sqrt(u).
        """
        using = self.form.using
        step = using.exact(LARGEST_STEP)
        factor, most = step / (1 - using.exponential(-step)), self.form.kernel.largest
        falling = self.fall / using.root(s)
        few = max(0, math.ceil(2 * math.log(max(1.0, float(using.upper(falling / most))))))
        half = using.number(1) / 2
        return factor * (most * few + falling * using.exponential(-half * few) / (1 - using.exponential(-half)))
