"""The law of a minibatch's mean, without a list of the minibatches (theory T5, means of minibatches).

The mean of B draws has E exp(z mean) = phi(z/B)^B, phi(z) = E exp(z g) of one row: its power series gives the moments,
and so those of A and B about t = 0. For larger t, with Z standard normal, exp(-t y^2) = E exp(i sqrt(2 t) y Z): an
integral of an entire function, for which the trapezoidal rule has a proven error.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import MOST_TERMS, larger, smaller, square, symmetric
from adamsym.field.ball.law import CIRCLE, BallLaw, CircleBounds, Law

_ORDER = 2 * MOST_TERMS + 4
"""Moments up to this order: twice the terms of the series, and those that the derivatives take."""

_DEVIATION = 0.6
"""|B(t) - 1| on the circle, at most."""

_STEP, _END = 0.6, 10.5
"""The step in z to begin with, where t E y^2 is small; and where the nodes end: exp(-z^2/2) is below 1e-23 there."""

_ERROR = 1e-22
"""The rule's error, at most."""

_LARGEST_EXPONENT = 1e4
"""Exponential moments beyond that are not tried: of rare rows far larger than the others they are of no use."""

MOST_NODES = 2_000
"""Nodes of the rule at most; where that is not enough, the transforms are only known to be bounded."""


@dataclass(frozen=True)
class _Table:
    """The rule's nodes w = sqrt(2 t) z, multiples of ``step``, for all t from some t on up to twice that.

    ``values`` has a row for each: Re E exp(iwy), Re E y exp(iwy), and for each parameter, with v the mean of the
    slopes, w^2 Re E v exp(iwy) and w Im E v exp(iwy). exp(shift^2/(4 t)) ``edge`` bounds the rule's error for B.
    """

    step: flint.arb
    squares: list[flint.arb]
    values: flint.arb_mat
    shift: flint.arb
    edge: flint.arb


class MeanLaw(Law):
    """The law of the mean of ``size`` rows, drawn independently with the probabilities given.

    Parameters
    ----------
    rows
        Balls around one coordinate of the rows' gradients; not all are 0.
    probabilities
        Balls around their probabilities.
    size
        The number B of draws.
    slopes
        For each parameter, balls around the rows' derivatives; may be empty.
    listed
        Returns the same law as a list of all minibatches, for where the rule has too many nodes; or None.
    """

    def __init__(
        self,
        rows: Sequence[flint.arb],
        probabilities: Sequence[flint.arb],
        size: int,
        slopes: Sequence[Sequence[flint.arb]] = (),
        listed: Callable[[], BallLaw] | None = None,
    ) -> None:
        self.rows, self.probabilities, self.size = list(rows), list(probabilities), size
        self.slopes = [list(column) for column in slopes]
        spend(len(self.rows) * (20 + 4 * len(self.slopes)))
        self.squares = [square(g) for g in self.rows]
        self.mean = self._expect(self.rows)
        self.mean_slopes = [self._expect(column) for column in self.slopes]
        self.mean_square = (self._expect(self.squares) + (size - 1) * square(self.mean)) / size
        self.min_square = flint.arb(0)
        self.max_abs = _largest(self.rows)
        self.max_abs_slopes = [_largest(column) for column in self.slopes]
        self.center = flint.arb(0)
        self._tables: dict[int, _Table | None] = {}
        self._list = listed

    def _expect(self, values: Sequence[flint.arb]) -> flint.arb:
        """E v of one row."""
        return sum((p * v for p, v in zip(self.probabilities, values, strict=True)), flint.arb(0))

    def without_slopes(self) -> "MeanLaw":
        """Return the law of the mean alone."""
        return MeanLaw(self.rows, self.probabilities, self.size, (), self._list)

    # --- moments ------------------------------------------------------------------------------------------------

    @property
    def mean_magnitude(self) -> flint.arb:
        """A bound of E|y|: the root of E y^2, or E|g| of one row."""
        return smaller(self._expect([abs(g) for g in self.rows]).upper(), self.mean_square.upper().sqrt().upper())

    @property
    def mean_cube(self) -> flint.arb:
        """A bound of E|y|^3."""
        return self.max_abs * self.mean_square

    @cached_property
    def _deviations(self) -> list[flint.arb]:
        """(g - Eg)^2 of the rows."""
        return [square(g - self.mean) for g in self.rows]

    @cached_property
    def variance(self) -> flint.arb:
        """That of one row over B."""
        return self._expect(self._deviations) / self.size

    @property
    def max_square_deviation(self) -> flint.arb:
        """No mean deviates by more than some row."""
        return _largest(self._deviations)

    @property
    def mean_fourth_deviation(self) -> flint.arb:
        """By the fourth cumulant: (E(g - Eg)^4 + 3 (B - 1) (Var g)^2)/B^3."""
        fourth = self._expect([one**2 for one in self._deviations])
        return (fourth + 3 * (self.size - 1) * self._expect(self._deviations) ** 2) / self.size**3

    @property
    def spread(self) -> float:
        """The rows' mean radius, which no mean's exceeds on average."""
        return float(self._radius)

    @property
    def vanishes(self) -> bool:
        """Whether all rows are 0."""
        return all(g == 0 for g in self.rows)

    @cached_property
    def _moments(self) -> list[list[flint.arb]]:
        """E y^k for k up to the order; then, for each parameter, E v y^k, v the mean of the slopes."""
        count, spread = len(self.rows), len(self.slopes)
        spend(_ORDER * (count * (2 + spread) + 4 * _ORDER * (1 + spread)))
        powers = []
        for g, q in zip(self.rows, self.squares, strict=True):
            row, even = [], flint.arb(1)
            for k in range(0, _ORDER, 2):
                row += [even, even * g / ((k + 1) * self.size)]
                even = even * q / ((k + 1) * (k + 2) * self.size**2)
            powers.append(row)
        weights = [self.probabilities] + [
            [p * h for p, h in zip(self.probabilities, column, strict=True)] for column in self.slopes
        ]
        of_row, *of_slopes = (flint.arb_poly(row) for row in (flint.arb_mat(weights) * flint.arb_mat(powers)).tolist())
        rest = _power(of_row, self.size - 1)
        found = []
        for series in (of_row, *of_slopes):
            entries, factorial, whole = (rest * series).coeffs(), flint.arb(1), []
            for k in range(_ORDER):
                factorial *= max(1, k)
                whole.append(factorial * entries[k] if k < len(entries) else flint.arb(0))
            found.append(whole)
        found[0][0] = flint.arb(1)
        return found

    def moment_series(self, terms: int) -> list[list[flint.arb]]:
        """Return coefficients of E[v exp(-t y^2)] for v = 1, y, and for each parameter 2 y y', y', 2 y^2 y'."""
        moments, *sloped = self._moments

        def series(own: list[flint.arb], power: int, factor: int) -> list[flint.arb]:
            found, scale = [], flint.arb(factor)
            for j in range(terms):
                found.append(scale * own[2 * j + power])
                scale = -scale / (j + 1)
            return found

        found = [series(moments, 0, 1), series(moments, 1, 1)]
        for own in sloped:
            found += [series(own, 1, 2), series(own, 0, 1), series(own, 2, 2)]
        return found

    @cached_property
    def _radius_in_t(self) -> flint.arb:
        """A radius r with E exp(r y^2) - 1 at most 0.6."""
        square = float(self.max_abs**2)
        r, least = min(0.4 / float(self.mean_square.upper()), _LARGEST_EXPONENT / square), 0.45 / square
        while r > least:
            radius = flint.arb(r)
            if self._exponential_moment(radius, 0) - 1 <= _DEVIATION:
                return radius
            r *= 0.75
        return flint.arb(least)

    def _exponential_moment(self, r: flint.arb, power: int) -> flint.arb:
        """An upper bound of E y^power exp(r y^2), power 0 or 2.

        E y^(2 k) <= G^(2 k - 2 n) E y^(2 n) for k >= n, and k! >= n! (k - n)!.
        """
        last, total, scale = _ORDER // 2 - 2, flint.arb(0), flint.arb(1)
        for k in range(last):
            total += scale * self._moments[0][2 * k + power].upper()
            scale = scale * r / (k + 1)
        rest = scale * self._moments[0][2 * last + power].upper() * (r * self.max_abs**2).exp()
        return (total + rest).upper()

    @cached_property
    def width(self) -> flint.arb:  # type: ignore[override]
        """Such that |t| width <= 1.4 where |B(t) - 1| <= E exp(|t| y^2) - 1 is at most 0.6."""
        return (flint.arb(CIRCLE) / self._radius_in_t).upper()

    def circle_bounds(self) -> CircleBounds:
        """Return bounds on |t| = r: |B - 1| <= e = E exp(r y^2) - 1, and |A| <= E|y| exp(r y^2)."""
        r = CIRCLE / self.width
        whole, square_part = (self._exponential_moment(r, power) for power in (0, 2))
        least = 2 - whole
        assert least > 0
        first = (square_part * whole).sqrt()  # bounds E|y| exp(r y^2)
        ratio = first / least
        slopes = [
            (2 * r * h * ratio, h * (whole + 2 * r * square_part) / least + ratio * 2 * r * h * ratio)
            for h in self.max_abs_slopes
        ]
        return CircleBounds(-least.log(), ratio, slopes)

    # --- transforms ---------------------------------------------------------------------------------------------

    @property
    def lag_operations(self) -> int:
        """A few dozen nodes, and what their table costs over several lags."""
        return 60 * (3 + 2 * len(self.slopes))

    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        """Return balls around A, B and, for each parameter, the derivatives of A and B at t > 0."""
        level = math.floor(math.log2(float(t) * float(self.mean_square.upper())))
        if level not in self._tables:
            self._tables[level] = self._table(math.ldexp(1 / float(self.mean_square.upper()), level))
        table = self._tables[level]
        if table is None or not table.squares[-1] > 8 * t:
            return self._only_bounded(t)
        weights = [(-q / (4 * t)).exp() for q in table.squares]
        b, a, *others = (flint.arb_mat([weights]) * table.values).tolist()[0]
        scale = table.step / (4 * flint.arb.pi() * t).sqrt()
        errors, moved = self._rule_errors(t, table), self._moved(t)
        derivatives = []
        for k, h in enumerate(self.max_abs_slopes):
            da, db = others[2 * k : 2 * k + 2]
            derivatives.append(
                (
                    scale * da / t + symmetric(errors[2] * h + moved[2][k]),
                    -2 * scale * db + symmetric(errors[3] * h + moved[3][k]),
                )
            )
        value_a = scale * (self._middle_mean + 2 * a) + symmetric(errors[1] * self.max_abs + moved[1][0])
        return value_a, scale * (1 + 2 * b) + symmetric(errors[0] + moved[0][0]), derivatives

    def _only_bounded(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        """By the list; or 0 <= B <= 1, |A| <= E|y|, |A'| <= sup|y'| and |B'| <= sup|y'| sqrt(2 t/e), always true."""
        if self._list is not None:
            return self._by_list(t)
        steep = (2 * t / flint.arb(1).exp()).sqrt()
        slopes = [(symmetric(h), symmetric(h * steep)) for h in self.max_abs_slopes]
        return symmetric(self.mean_magnitude), flint.arb("0.5", "0.5"), slopes

    def _by_list(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        listed = self._listed
        a, b, derivatives = listed.transforms(t)
        factor = (-t * listed.min_square).exp()
        pairs = derivatives[: len(self.slopes)]
        return factor * a, factor * b, [(factor * da, factor * db) for da, db in pairs]

    @cached_property
    def _listed(self) -> BallLaw:
        assert self._list is not None
        return self._list()

    def _table(self, t: float) -> _Table | None:
        """The nodes for t up to 2 t: multiples of a step that is fine enough for a proven error at t, and so later."""
        variance = float(self.mean_square.upper())
        step = _STEP * math.sqrt(2 * t / (1 + 2 * t * variance))
        while True:
            count = math.ceil(_END * math.sqrt(4 * t) / step)
            if not count <= MOST_NODES:
                return None
            shift = flint.arb(2 * math.pi / step / (1 / (2 * t) + variance))
            if not shift * self.max_abs / self.size < _LARGEST_EXPONENT:
                return None
            spend(2 * len(self.rows) * 4)
            growth = larger(*(self._exponential(sign * shift).upper() for sign in (1, -1)))
            edge = 2 * growth / (2 * flint.arb.pi() * shift / flint.arb(step)).expm1()
            if edge * (shift**2 / (4 * flint.arb(t))).exp() < _ERROR:
                nodes = [flint.arb(step) * k for k in range(1, count + 1)]
                return _Table(flint.arb(step), [w**2 for w in nodes], self._at(nodes), shift, edge)
            step *= 0.8

    @cached_property
    def _middles(self) -> list[flint.arb]:
        return [g.mid() for g in self.rows]

    @cached_property
    def _middle_mean(self) -> flint.arb:
        return self._expect(self._middles)

    def _exponential(self, z: flint.arb) -> flint.arb:
        """E exp(z y) of the rows' midpoints."""
        return self._expect([(z * g / self.size).exp() for g in self._middles]) ** self.size

    def _at(self, nodes: list[flint.arb]) -> flint.arb_mat:
        """The rows of a table, of the rows' midpoints."""
        spend(len(nodes) * (len(self.rows) * (12 + 2 * len(self.slopes)) + 100))
        weights = [self.probabilities] + [
            [p * v.mid() for p, v in zip(self.probabilities, column, strict=True)]
            for column in (self.rows, *self.slopes)
        ]
        pairs = [[(w * g / self.size).sin_cos() for w in nodes] for g in self._middles]
        sines, cosines = (
            (flint.arb_mat(weights) * flint.arb_mat([[pair[k] for pair in row] for row in pairs])).tolist()
            for k in (0, 1)
        )
        found = []
        for k, w in enumerate(nodes):
            of_row, of_value, *of_slopes = (flint.acb(x[k], y[k]) for x, y in zip(cosines, sines, strict=True))
            others = of_row ** (self.size - 1)
            entry = [(others * of_row).real, (others * of_value).real]
            for one in of_slopes:
                product = others * one
                entry += [w**2 * product.real, w * product.imag]
            found.append(entry)
        return flint.arb_mat(found)

    def _rule_errors(self, t: flint.arb, table: _Table) -> list[flint.arb]:
        """Bounds of the rule's errors for B, for A over max|g|, and for A' and B' over max|g'|.

        On Im z = a, a = shift/sqrt(2 t), the normal density is exp(a^2/2) times as large, and E|Z + i a|^2 = 1 + a^2.
        Beyond the last node z > 2 the bounds of the integrands fall, so that the nodes' sum is at most the integral.
        """
        edge = table.edge * (table.shift**2 / (4 * t)).exp()
        wide = 1 + table.shift**2 / (2 * t)
        last = (table.squares[-1] / (2 * t)).sqrt()
        tail = (last / flint.arb(2).sqrt()).erfc()
        density = (-(last**2) / 2).exp() / (2 * flint.arb.pi()).sqrt()
        steep = (2 * t).sqrt()
        return [
            edge + tail,
            edge + tail,
            edge * wide + tail + 2 * last * density,
            steep * (edge * wide.sqrt() + 2 * density),
        ]

    @cached_property
    def _radii(self) -> list[flint.arb]:
        return [flint.arb(g.rad()) for g in self.rows]

    @cached_property
    def _radius(self) -> flint.arb:
        """E of the rows' radii: a bound of E|d|, d what the mean differs by from that of the midpoints."""
        return self._expect(self._radii).upper()

    @cached_property
    def _radius_square(self) -> flint.arb:
        """A bound of E d^2."""
        return (self._expect([x**2 for x in self._radii]) + (self.size - 1) * self._radius**2) / self.size

    @cached_property
    def _sloped_radii(self) -> list[tuple[flint.arb, flint.arb]]:
        """For each parameter, bounds of E|v'|, v' what the mean slope differs by, and of E|v||d|."""
        found = []
        for column in self.slopes:
            own = self._expect([flint.arb(h.rad()) for h in column]).upper()
            sizes = [h.abs_upper() for h in column]
            both = self._expect([x * y for x, y in zip(sizes, self._radii, strict=True)])
            found.append((own, (both + (self.size - 1) * self._expect(sizes) * self._radius) / self.size))
        return found

    def _moved(self, t: flint.arb) -> list[list[flint.arb]]:
        """What B, A, and for each parameter A' and B', differ by at most from those of the rows' midpoints.

        With x = sqrt(t) y: exp(-x^2) has a slope of at most sqrt(2/e) and 2|x|, x exp(-x^2) of at most 1,
        (1 - 2 x^2) exp(-x^2) of at most 2; |x| exp(-x^2) < 0.43.
        """
        root = t.sqrt()
        by_size = 2 * t * ((self.mean_square.upper() * self._radius_square).sqrt() + self._radius_square)
        b = smaller((root * (2 / flint.arb(1).exp()).sqrt() * self._radius).upper(), by_size.upper())
        slopes = self._sloped_radii
        return [
            [b],
            [self._radius],
            [own + 2 * root * both for own, both in slopes],
            [2 * root * flint.arb("0.43") * own + 2 * t * both for own, both in slopes],
        ]


def _largest(values: Sequence[flint.arb]) -> flint.arb:
    """The largest magnitude."""
    found = flint.arb(0)
    for value in values:
        if not value.is_finite():
            return flint.arb("inf")
        found = larger(found, value.abs_upper())
    return found


def _power(series: flint.arb_poly, exponent: int) -> flint.arb_poly:
    """A power of a power series, by squaring."""
    found = flint.arb_poly([1])
    for digit in bin(exponent)[2:]:
        found = (found * found).truncate(_ORDER)
        if digit == "1":
            found = (found * series).truncate(_ORDER)
    return found
