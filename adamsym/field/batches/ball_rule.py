"""A and B of a minibatch's mean by its characteristic function, in ball arithmetic (theory T5, means of minibatches).

With Z standard normal, exp(-t y^2) = E exp(i sqrt(2 t) y Z): an integral of an entire function, for which the
trapezoidal rule has a proven error. The characteristic function of the mean of B rows is a power of that of one row.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import larger, smaller, symmetric

_STEP, _END = 0.6, 10.5
"""The step in z to begin with, where t E y^2 is small; and where the nodes end: exp(-z^2/2) is below 1e-23 there."""

_ERROR = 1e-22
"""The rule's error, at most."""

LARGEST_EXPONENT = 1e4
"""Exponential moments beyond that are not tried: of rare rows far larger than the others they are of no use."""

MOST_NODES, MOST_EXPONENTIALS = 2_000, 1_000_000
"""Nodes of a rule at most, and of all rules for one law; beyond, the transforms are only known to be bounded."""


Transforms = tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]
"""A, B and, for each parameter, their derivatives."""


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


class MeanRule:
    """The rule for the mean y of ``size`` rows, of which balls are given, with the slopes of each parameter.

    ``mean_square`` holds E y^2; ``largest`` and ``largest_slopes`` bound the rows and the slopes.
    """

    def __init__(
        self,
        rows: Sequence[flint.arb],
        probabilities: Sequence[flint.arb],
        size: int,
        slopes: Sequence[Sequence[flint.arb]],
        mean_square: flint.arb,
        largest: flint.arb,
        largest_slopes: Sequence[flint.arb],
    ) -> None:
        self.rows, self.probabilities, self.size, self.slopes = rows, probabilities, size, slopes
        self.mean_square, self.max_abs, self.max_abs_slopes = mean_square, largest, largest_slopes
        self._tables: dict[int, _Table | None] = {}
        self._bounds: dict[int, flint.arb] = {}
        self._left = MOST_EXPONENTIALS

    def _expect(self, values: Sequence[flint.arb]) -> flint.arb:
        """E v of one row."""
        return sum((p * v for p, v in zip(self.probabilities, values, strict=True)), flint.arb(0))

    def transforms(self, t: flint.arb) -> Transforms | None:
        """Return balls around A, B and their derivatives at t > 0; None where that takes too many nodes."""
        level = math.floor(math.log2(float(t) * float(self.mean_square.upper())))
        if level not in self._tables:
            self._tables[level] = self._table(math.ldexp(1 / float(self.mean_square.upper()), level))
        table = self._tables[level]
        if table is None or self._left < len(table.squares) or not table.squares[-1] > 8 * t:
            return None
        self._left -= len(table.squares)
        return self._by_rule(t, table)

    def _by_rule(self, t: flint.arb, table: _Table) -> Transforms:
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

    def bound_of_half(self, t: flint.arb) -> flint.arb:
        """Return an upper bound of B(t/2): that of B where the last table begins, or 1 if that is later."""
        known = [level for level, table in self._tables.items() if table is not None]
        if not known:
            return flint.arb(1)
        start = flint.arb(math.ldexp(1 / float(self.mean_square.upper()), max(known)))
        if max(known) not in self._bounds:
            table = self._tables[max(known)]
            assert table is not None
            self._bounds[max(known)] = smaller(self._by_rule(start, table)[1].upper(), flint.arb(1))
        return self._bounds[max(known)] if 2 * start <= t else flint.arb(1)

    def _table(self, t: float) -> _Table | None:
        """The nodes for t up to 2 t: multiples of a step that is fine enough for a proven error at t, and so later."""
        variance = float(self.mean_square.upper())
        step = _STEP * math.sqrt(2 * t / (1 + 2 * t * variance))
        while True:
            count = math.ceil(_END * math.sqrt(4 * t) / step)
            if not count <= MOST_NODES:
                return None
            shift = flint.arb(2 * math.pi / step / (1 / (2 * t) + variance))
            if not shift * self.max_abs / self.size < LARGEST_EXPONENT:
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
