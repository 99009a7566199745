"""The law of the mean of a minibatch, of which there are too many to list (theory T5, means of minibatches).

Its moments are those of sums of independent rows. A and B at larger t come from Taylor polynomials, with a remainder
from the next moment; where that is too large, from the characteristic function chi of the mean y:
exp(-t y^2) = E exp(i sqrt(2 t) y Z), Z standard normal, by the midpoint rule in w = sqrt(2 t) Z. Its error is at most
(e^(a^2/2) E e^(c y) + e^(a^2/2) E e^(-c y))/(e^(2 pi c/h) - 1) for every c > 0 and steps h in w, a = c/sqrt(2 t).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from adamsym.checker.arithmetic import BITS, Interval
from adamsym.checker.coordinate_law import CIRCLE, CircleBounds, Coefficients, Law, Transforms
from adamsym.expressions.work import spend

_TERMS = 22
"""Terms of the Taylor polynomials; the power series have up to 20."""

_ORDERS = 2 * _TERMS + 3
_ERROR, _FINER_ERROR = 1e-21, 1e-29
_LAST_NODE, _FINER_LAST_NODE = 10.5, 12.5
"""The normal density is below the error there."""

_STEP = 6.0
"""The step in units of Z, times the last node, where t E y^2 is small."""

_MOST_NODES = 1_000

_LARGEST_EXPONENT = 1e4
"""Exponential moments beyond that are not tried: of rare rows far larger than the others they are of no use."""


@dataclass(frozen=True)
class _Nodes:
    """The midpoint rule's nodes w^2, and for each the real numbers that are to be summed; see ``_node``."""

    step: Interval
    squares: list[Interval]
    rows: list[list[Interval]]
    shift: Interval
    edge: Interval


@dataclass(frozen=True)
class BatchLaw(Law):
    """The law of the mean y of ``size`` independent draws of rows; ``atoms`` and ``slopes`` are those of the rows."""

    size: int
    _known: dict[int, _Nodes | None] = field(default_factory=dict, compare=False)
    _bounds: dict[int, tuple[Interval, Interval]] = field(default_factory=dict, compare=False)

    @property
    def is_listed(self) -> bool:
        """No: the atoms are those of the rows, and means of them lie between."""
        return False

    # What lies between the rows' least and largest values, as G and H do, is that of the rows.

    @cached_property
    def mean_square(self) -> Interval:
        """E y^2."""
        return (self.mean_of(self.squares) + (self.size - 1) * self.using.square(self.mean)) / self.size

    @cached_property
    def variance(self) -> Interval:
        """Var y."""
        return self.mean_of(self.deviations) / self.size

    @property
    def fourth_deviation(self) -> Interval:
        """E(y - E y)^4, from the fourth cumulant of a row."""
        square = self.using.square(self.mean_of(self.deviations))
        return (super().fourth_deviation + 3 * (self.size - 1) * square) / self.size**3

    @cached_property
    def least(self) -> Interval:
        """A bound below y^2."""
        return self.using.number(0)

    @property
    def lowest(self) -> Interval:
        """A bound below all y^2: means lie between the rows."""
        return self.using.nonnegative(self.using.square(self.using.hull(*self.atoms)))

    @cached_property
    def center(self) -> Interval:
        """u = y^2."""
        return self.using.number(0)

    @cached_property
    def _raw(self) -> list[list[Interval]]:
        """E y^k/k!; then, for each parameter, E v y^k/k!, v the mean of the slopes."""
        using, n = self.using, self.size
        spend(_ORDERS * len(self.atoms) * (2 + 2 * len(self.slopes)))
        powers = [[using.number(1)] * len(self.atoms), [g / n for g in self.atoms]]
        squares = [q / n**2 for q in self.squares]
        for k in range(2, _ORDERS):
            powers.append([x * q / (k * (k - 1)) for x, q in zip(powers[k - 2], squares, strict=True)])
        one = [using.dot(self.probabilities, row) for row in powers]
        others = _of_sum(using.number(1), one, n - 1)
        found = [_added(one, others)]
        for column in self.slopes:
            weights = [p * x for p, x in zip(self.probabilities, column, strict=True)]
            found.append(_added([using.dot(weights, row) for row in powers], others))
        return found

    def _even(self, k: int) -> Interval:
        """A bound of E y^(2 k)/k!, as a point."""
        return self.using.upper(self._raw[0][2 * k] * (math.factorial(2 * k) // math.factorial(k)))

    def series(self, terms: int) -> Coefficients:
        """Return the power series of E[v exp(-t y^2)]: sum (-t)^j/j! E v y^(2 j)."""

        def of(moments: list[Interval], power: int, factor: int) -> list[Interval]:
            sign = [factor, -factor]
            return [
                moments[2 * j + power] * (sign[j % 2] * math.factorial(2 * j + power) // math.factorial(j))
                for j in range(terms)
            ]

        own, *sloped = self._raw
        return Coefficients(of(own, 0, 1), of(own, 1, 1), [(of(x, 1, 2), of(x, 0, 1), of(x, 2, 2)) for x in sloped])

    @cached_property
    def _circle(self) -> tuple[Interval, Interval, Interval]:
        """r, and bounds of E exp(r y^2) and E y^2 exp(r y^2), the former below 1.7: so B has no zero up to |t| = r."""
        using, largest = self.using, self.using.square(self.max_abs)
        square = float(using.upper(largest))
        surely = 0.5 / square
        r = min(0.4 / float(using.upper(self.mean_square)), _LARGEST_EXPONENT / square)
        while r > surely:
            bounds = [self._exponential(using.number(r), power) for power in (0, 1)]
            if bounds[0] <= 1.7:
                return using.number(r), bounds[0], bounds[1]
            r *= 0.8
        whole = using.upper(using.exponential(using.number(surely) * largest))
        return using.number(surely), whole, using.upper(whole * self.mean_square)

    def _exponential(self, r: Interval, power: int) -> Interval:
        """A bound of E y^(2 power) exp(r y^2): the terms from k on are at most exp(r G^2) times the k-th."""
        using, total, factor = self.using, self.using.number(0), self.using.number(1)
        for k in range(_TERMS):
            total += factor * self._even(k + power) * (math.factorial(k + power) // math.factorial(k))
            factor *= r
        last = factor * self._even(_TERMS + power) * (math.factorial(_TERMS + power) // math.factorial(_TERMS))
        return using.upper(total + last * using.exponential(r * using.square(self.max_abs)))

    @cached_property
    def width(self) -> Interval:
        """7/5 over the radius r."""
        return self.using.upper(self.using.exact(CIRCLE) / self._circle[0])

    def circle_bounds(self) -> CircleBounds:
        """|B - 1| <= e := E exp(r y^2) - 1 there, |A| <= E|y| exp(r y^2), |B'| <= 2 r H E|y| exp(r y^2), and so on."""
        using, (r, whole, second) = self.using, self._circle
        inverse = 1 / (2 - whole)
        ratio = using.root(using.upper(whole * second)) * inverse
        log_slope = 2 * r * ratio
        ratio_slope = (whole + 2 * r * second) * inverse + ratio * log_slope
        slopes = [(h * log_slope, h * ratio_slope) for h in self.max_abs_slopes]
        return CircleBounds(using.logarithm(inverse), ratio, slopes, (1 + ratio_slope) * (1 + inverse))

    @property
    def lag_operations(self) -> int:
        """Those of the products alone: nodes are counted where they are summed over."""
        return 20 + 8 * len(self.slopes)

    def transforms(self, t: Interval) -> Transforms:
        """Return A, B and their derivatives at t."""
        using = self.using
        error = _ERROR if using.bits <= BITS else _FINER_ERROR
        rest = using.upper(using.power(t, _TERMS) * self._even(_TERMS))
        if rest <= error:
            return self._by_moments(t, rest)
        root = float(using.upper(self.mean_square))
        level = math.floor(math.log2(float(using.upper(t)) * root))
        # For t a little below the level's first one, as a ball may be, the error is stated for t itself.
        if level not in self._known:
            self._known[level] = self._nodes(math.ldexp(1 / root, level), error)
        nodes = self._known[level]
        return self._only_bounded(t) if nodes is None else self._by_nodes(t, nodes)

    def _by_moments(self, t: Interval, rest: Interval) -> Transforms:
        """Taylor's polynomials of exp(-t y^2) = sum (-t y^2)^k/k!: what is left out is at most the next term.

        With H a bound of |v| and G of |y|: E|v y^j| (t y^2)^n/n! <= H G^j rest, if ``rest`` bounds E(t y^2)^n/n!.
        """
        using, series = self.using, self._taylor
        spend(_TERMS * (2 + 3 * len(self.slopes)))
        a, b = (self._value(x, t) for x in (series.a, series.b))
        g = self.max_abs
        slopes = []
        for (double, plain, cube), h in zip(series.slopes, self.max_abs_slopes, strict=True):
            error = using.around_zero(h * rest)
            da = self._value(plain, t) - t * self._value(cube, t) + error * (1 + 2 * t * using.square(g))
            slopes.append((da, -t * (self._value(double, t) + 2 * g * error)))
        return a + using.around_zero(g * rest), b + using.around_zero(rest), slopes

    @cached_property
    def _taylor(self) -> Coefficients:
        return self.series(_TERMS)

    def _value(self, coefficients: list[Interval], t: Interval) -> Interval:
        value = self.using.number(0)
        for coefficient in reversed(coefficients):
            value = value * t + coefficient
        return value

    def _only_bounded(self, t: Interval) -> Transforms:
        """Bounds from exp(-t y^2) = exp(-t y^2/2)^2, one of them in the mean at most B(t/2), and that at most B before.

        |y| exp(-t y^2/2) < 2/(3 sqrt(t)), and |1 - 2 t y^2| exp(-t y^2/2) < 6/5.
        """
        using, root, (first, known) = self.using, self.using.root(t), self._last
        bound = known if 2 * first <= t else using.number(1)
        slopes = [
            (using.around_zero(6 * h * bound / 5), using.around_zero(4 * h * bound * root / 3))
            for h in self.max_abs_slopes
        ]
        size = using.least_bound([using.root(using.upper(self.mean_square)), 2 * bound / (3 * root)])
        return using.around_zero(size), using.between(0, bound), slopes

    @property
    def _last(self) -> tuple[Interval, Interval]:
        """Where the last nodes begin, and a bound of B there."""
        using = self.using
        level = max((k for k, one in self._known.items() if one is not None), default=None)
        nodes = None if level is None else self._known[level]
        if level is None or nodes is None:
            return using.number(0), using.number(1)
        if level not in self._bounds:
            first = using.number(math.ldexp(1 / float(using.upper(self.mean_square)), level))
            self._bounds[level] = first, using.least_bound([using.number(1), self._by_nodes(first, nodes)[1]])
        return self._bounds[level]

    def _nodes(self, t: float, error: float) -> _Nodes | None:
        """Nodes that are enough for t and up to 2 t."""
        using, variance = self.using, float(self.using.upper(self.mean_square))
        end = _LAST_NODE if using.bits <= BITS else _FINER_LAST_NODE
        step = _STEP / end * math.sqrt(2 * t / (1 + 2 * t * variance))
        while math.ceil(end * math.sqrt(4 * t) / step) + 1 <= _MOST_NODES:
            h, shift = using.number(step), using.number(2 * math.pi / step / (1 / (2 * t) + variance))
            if not shift * self.max_abs / self.size < _LARGEST_EXPONENT:
                return None
            spend(40 * len(self.atoms))
            growth = using.total(self._transform(sign * shift) for sign in (1, -1))
            edge = using.upper(growth / (using.exponential(2 * using.pi * shift / h) - 1))
            if edge * using.exponential(using.square(shift) / (4 * using.number(t))) < error:
                count = math.ceil(end * math.sqrt(4 * t) / step) + 1
                places = [h * (2 * k + 1) / 2 for k in range(count)]
                squares = [using.square(w) for w in places]
                return _Nodes(h, squares, list(map(self._node, places, squares)), shift, edge)
            step *= 0.8
        return None

    @cached_property
    def _middles(self) -> list[Interval]:
        return [self.using.middle(g) / self.size for g in self.atoms]

    def _transform(self, z: Interval) -> Interval:
        """A bound of E exp(z y), of the rows' midpoints."""
        return self.using.upper(
            self.using.power(self.mean_of([self.using.exponential(z * g) for g in self._middles]), self.size)
        )

    @cached_property
    def _weights(self) -> list[list[Interval]]:
        """The probabilities, times 1, the rows' midpoints, and those of their slopes."""
        middle = self.using.middle
        columns = [self.atoms, *self.slopes]
        weighted = [[p * middle(x) for p, x in zip(self.probabilities, column, strict=True)] for column in columns]
        return [self.probabilities, *weighted]

    def _node(self, w: Interval, square: Interval) -> list[Interval]:
        """Re E e^(iwy), Re E y e^(iwy), and for each parameter w^2 Re E v e^(iwy) and w Im E v e^(iwy)."""
        using = self.using
        spend(len(self.atoms) * (10 + 2 * len(self._weights)) + 8 * self.size.bit_length())
        angles = [w * g for g in self._middles]
        cosines, sines = list(map(using.cosine, angles)), list(map(using.sine, angles))
        (x, y), *values = ((using.dot(row, cosines), using.dot(row, sines)) for row in self._weights)
        # The product of the other rows' characteristic functions.
        others_x, others_y = using.number(1), using.number(0)
        for digit in bin(self.size - 1)[2:]:
            others_x, others_y = (others_x - others_y) * (others_x + others_y), 2 * others_x * others_y
            if digit == "1":
                others_x, others_y = others_x * x - others_y * y, others_x * y + others_y * x
        found = [others_x * x - others_y * y, others_x * values[0][0] - others_y * values[0][1]]
        for c, s in values[1:]:
            found += [square * (others_x * c - others_y * s), w * (others_x * s + others_y * c)]
        return found

    def _by_nodes(self, t: Interval, nodes: _Nodes) -> Transforms:
        using = self.using
        spend(len(nodes.squares) * (3 + 2 * len(self.slopes)))
        weights = [using.exponential(-square / (4 * t)) for square in nodes.squares]
        scale = nodes.step / using.root(using.pi * t)
        b, a, *others = (scale * using.dot(weights, column) for column in zip(*nodes.rows, strict=True))
        # The last node but one in units of Z: beyond, the nodes' sum is at most the integral.
        step = nodes.step / using.root(2 * t)
        last = using.lower(using.root(nodes.squares[-1] / (2 * t)) - step)
        if not last > 2:
            return self._only_bounded(t)
        density = using.exponential(-using.square(last) / 2)
        edge = nodes.edge * using.exponential(using.square(nodes.shift) / (4 * t))
        wide = 1 + using.square(nodes.shift) / (2 * t)
        plain = using.upper(edge + density)
        bent = using.upper(edge * wide + density * (last + 1))
        steep = using.upper(using.root(2 * t) * (edge * wide + density))
        moved_b, moved_a, *moved = self._moved(t)
        slopes = []
        for k, (h, (by_a, by_b)) in enumerate(zip(self.max_abs_slopes, moved, strict=True)):
            da, db = others[2 * k] / (2 * t), -others[2 * k + 1]
            slopes.append((da + using.around_zero(bent * h + by_a), db + using.around_zero(steep * h + by_b)))
        a += using.around_zero(plain * self.max_abs + moved_a[0])
        return a, b + using.around_zero(plain + moved_b[0]), slopes

    @cached_property
    def _distances(self) -> tuple[Interval, list[tuple[Interval, Interval]]]:
        """E of how far rows are from their midpoints; of slopes from theirs; and E|v||d|, d what y moves by at most."""
        using = self.using

        def far(x: Interval) -> Interval:
            return using.magnitude(x - using.middle(x))

        radii = list(map(far, self.atoms))
        mean, found = using.upper(self.mean_of(radii)), []
        for column in self.slopes:
            sizes = list(map(using.magnitude, column))
            same = self.mean_of([x * y for x, y in zip(sizes, radii, strict=True)])
            both = (same + (self.size - 1) * self.mean_of(sizes) * mean) / self.size
            found.append((using.upper(self.mean_of(list(map(far, column)))), using.upper(both)))
        return mean, found

    def _moved(self, t: Interval) -> list[tuple[Interval, ...]]:
        """What B, A, and both derivatives are off at most, since nodes know the rows' midpoints alone.

        exp(-t y^2) changes by at most sqrt(t) per y, y exp(-t y^2) by 1, its derivative in y by 2 sqrt(t), and
        2 t y exp(-t y^2), which is at most sqrt(t), by 2 t.
        """
        mean, slopes = self._distances
        root = self.using.root(t)
        return [
            (root * mean,),
            (mean,),
            *((own + 2 * root * both, root * own + 2 * t * both) for own, both in slopes),
        ]


def _added(x: Sequence[Interval], y: Sequence[Interval]) -> list[Interval]:
    """Moments over factorials of a sum of independent numbers; of x weighted by what only x depends on."""
    spend(len(x) ** 2)
    return [sum(x[j] * y[k - j] for j in range(1, k + 1)) + x[0] * y[k] for k in range(len(x))]


def _of_sum(unit: Interval, x: Sequence[Interval], number: int) -> list[Interval]:
    """Those of a sum of so many independent ones that are alike."""
    if number == 0:
        return [unit, *(0 * entry for entry in x[1:])]
    half = _of_sum(unit, x, number // 2)
    whole = _added(half, half)
    return _added(x, whole) if number % 2 else whole
