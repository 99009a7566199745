"""Products over all lags where beta is in a range: what is known of a lag serves all nodes.

The nodes are e^h apart, h = -L log b with the b in the middle of the range. At node j the lag k has
t = (1-beta) (beta/b)^k s_0 b^(k-jL): where the *place* k - jL is the same these are about the same numbers, and A/B and
the derivatives are enclosed once, over all of them. log B is taken at beta = b, t_k = (1-b) s b^k; from there it
changes by -M (t - t_k), where M = -(log B)' falls with t: bounds of M are slopes of secants beside. As the t of all
lags sum up to s for every beta, M - y will do, with any number y: that where t hardly depends on beta.
"""

import math
from dataclasses import replace
from fractions import Fraction

from adamsym.checker.arithmetic import Interval
from adamsym.checker.batch_law import BatchLaw
from adamsym.checker.coordinate_law import Law
from adamsym.checker.form import Form
from adamsym.checker.products import LARGEST_STEP, Products, lag_of, middle_of, step_of
from adamsym.expressions.ranges import Range
from adamsym.expressions.work import spend

_WIDEST = 3.0
"""Where t may be larger, or smaller, by more than this factor, M is bounded by its values for t = 0 and infinity."""

_CLASS = 4
"""The lags k of the first class end before 2 memories 1/(1-b); those of each other class so many times as far."""


class _Unbounded(Exception):
    """B may be 0: what is divided by it is not known."""


class SharedLags(Products):
    """P(s) and G(s), G'(s) for a range of beta. B is without its factor exp(-t least)."""

    @staticmethod
    def suits(form: Form, largest: Fraction = LARGEST_STEP) -> bool:
        """Return whether beta is in a range in which a step has some lags."""
        return isinstance(form.beta, Range) and step_of(form.using, form.beta, largest)[0] > 0

    def __init__(self, law: Law, form: Form, largest: Fraction = LARGEST_STEP) -> None:
        super().__init__(law, form, largest)
        using, between, self.form = self.using, middle_of(form.beta), form
        # Where lags are multiplied out after all each node has its own ones.
        self.shift, self.lags_per_step = self.lags_per_step, 0
        self.plain = law if isinstance(law, BatchLaw) else replace(law, slopes=[])
        self.base, self.newest = using.exact(between), using.exact(1 - between)
        self.log_base, self.lag = using.logarithm(self.base), lag_of(between)
        self.turn = math.ceil(1 / self.lag)
        self.number, self.first = -1, using.number(0)
        self.classes = [_Class(self, 0, 2 * self.turn)]
        self.logs, self.slopes = dict[int, tuple[Interval, Interval | None]](), dict[int, Interval | None]()
        self.amounts, self.moves = list[Interval](), list[Interval]()

    def at(self, s: Interval, lags: int) -> tuple[Interval, list[Interval]]:
        """Return P(s), and G(s) with its derivatives. Call with nodes in order, and with what ``lags_at`` says."""
        using, count = self.using, len(self.law.slopes)
        spend(lags * (1 + count))
        self.number += 1
        if self.number == 0:
            self.first = s
        try:
            known = self._known(lags)
        except _Unbounded:
            return super().at(s, lags)
        logs, falls, ratios, *changes = known or [()] * (3 + 2 * count)
        y = using.middle(falls[min(self.turn, lags - 1)]) if falls else self.about - self.least
        log, ratio, *others = self._by_series(s, lags, y)
        log += using.total(logs) + s * (using.dot(self.moves, [y - fall for fall in falls]) - self.least)
        ratio += using.dot(self.amounts, ratios)
        product, found = using.exponential(log), [ratio]
        for k in range(0, 2 * count, 2):
            of_log, of_ratio = using.total(changes[k]), using.dot(self.amounts, changes[k + 1])
            found.append((of_log + others[k]) * ratio + of_ratio + others[k + 1])
        return product, [product * x for x in found]

    def _known(self, lags: int) -> list[tuple[Interval, ...]]:
        """What is known of the lags from the newest one on: a column for each number that a class knows at a place."""
        for k in range(len(self.amounts), lags):
            self.amounts.append(self._amount(k))
            self.moves.append(self.weight_of_square(k) - self.newest * self.using.power(self.base, k))
        while self.classes[-1].end < lags:
            end = self.classes[-1].end
            self.classes.append(_Class(self, end, _CLASS * end))
        newest, rows = -self.number * self.shift, list[list[Interval]]()
        for one in self.classes:
            rows += one.of(range(newest + one.begin, newest + min(one.end, lags)))
        return list(zip(*rows, strict=True))

    def _by_series(self, s: Interval, lags: int, y: Interval) -> list[Interval]:
        """What all lags from a number on add, by the series: to log P, to G/P, and to the derivatives of both."""
        using, power, head = self.using, self._power_of_beta(lags), len(self.form.head)
        shares = [(lags, using.number(1))]
        if lags >= head:
            ratios = [(amount, using.power(using.exact(ratio), lags)) for amount, ratio in self.form.terms]
            shares = [(head + i, using.exact(amount) * ratio) for i, (amount, ratio) in enumerate(ratios)]
        found = []
        for log, *parts in self._series_at((1 - self.beta) * s * power, s * power):
            found += [log, using.total(share * parts[k] for k, share in shares)]
        found[0] -= s * (power * (self.about - self.least - y) + using.power(self.base, lags) * y)
        return found

    def _amount(self, k: int) -> Interval:
        """c_k."""
        using, form = self.using, self.form
        if k < len(form.head):
            return using.exact(form.weight(k))
        return using.total(using.exact(amount) * using.power(using.exact(ratio), k) for amount, ratio in form.terms)

    def at_place(self, place: int) -> Interval:
        """Return s_0 b^place."""
        return self.first * self.using.exponential(self.log_base * place)

    def log_at(self, place: int) -> tuple[Interval, Interval | None]:
        """Return t and log B at beta = b; None if B may be 0."""
        if place not in self.logs:
            spend(10 + self.plain.lag_operations)
            t = self.newest * self.at_place(place)
            b = self.plain.transforms(t)[1]
            self.logs[place] = t, self.using.logarithm(b) if b > 0 else None
        return self.logs[place]

    def slope_at(self, place: int) -> Interval | None:
        """Return the slope of -log B from a place to that one step before, of larger t; None if it is not known."""
        if place not in self.slopes:
            (t, log), (u, other) = self.log_at(place), self.log_at(place - self.shift)
            self.slopes[place] = None if log is None or other is None else (log - other) / (u - t)
        return self.slopes[place]


class _Class:
    """The lags from number ``begin`` to before ``end``: what is known at all of their t of a place."""

    def __init__(self, products: SharedLags, begin: int, end: int) -> None:
        self.products, self.begin, self.end = products, begin, end
        self.known: dict[int, list[Interval]] = {}
        using = self.using = products.using
        # (1-beta) (beta/b)^k, which for any beta falls or rises with k.
        ends = ((k, products.weight_of_square(k)) for k in (begin, end - 1))
        self.share = using.hull(*(weight / using.power(products.base, k) for k, weight in ends))
        # By so many lags, and one more than it takes, t may be larger or smaller than at beta = b, k = 0.
        changes = [float(using.upper(x)) for x in (self.share / products.newest, products.newest / self.share)]
        self.reaches = [
            2 + max(0, math.floor(math.log(x) / products.lag)) if 0 < x < _WIDEST else None for x in changes
        ]

    def of(self, places: range) -> list[list[Interval]]:
        """Return log B at beta = b, M, A/B, and for each parameter the derivatives of log B and of A/B."""
        for place in places:
            if place not in self.known:
                self.known[place] = self._evaluated(place)
        return [self.known[place] for place in places]

    def _evaluated(self, place: int) -> list[Interval]:
        law, products = self.products.law, self.products
        spend(20 + law.lag_operations)
        a, b, bent = law.transforms(self.share * products.at_place(place))
        _, log = products.log_at(place)
        if log is None or not b > 0:
            raise _Unbounded
        ratio = a / b
        found = [log, self._fall(place), ratio]
        for da, db in bent:
            change = db / b
            found += [change, da / b - ratio * change]
        return found

    def _fall(self, place: int) -> Interval:
        """M, by secants in which t is larger, or smaller."""
        using, products, (more, less) = self.using, self.products, self.reaches
        after = None if more is None else products.slope_at(place - more)
        before = None if less is None else products.slope_at(place + less + products.shift)
        largest = products.law.mean_square - products.least
        return using.between(
            using.number(0) if after is None else using.nonnegative(after),
            using.upper(largest if before is None else before),
        )
