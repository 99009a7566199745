"""The law of a minibatch's mean, without a list of the minibatches (theory T5, means of minibatches).

The mean of B draws has E exp(z mean) = phi(z/B)^B, phi(z) = E exp(z g) of one row: its power series gives the moments,
and so those of A and B about t = 0. For larger t see :mod:`adamsym.field.batches.ball_rule`.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import MOST_TERMS, larger, smaller, square, symmetric
from adamsym.field.ball.law import CIRCLE, BallLaw, CircleBounds, Law
from adamsym.field.batches.ball_rule import LARGEST_EXPONENT, MeanRule, Transforms

_ORDER = 2 * MOST_TERMS + 4
"""Moments up to this order: twice the terms of the series, and those that the derivatives take."""

_DEVIATION = 0.6
"""|B(t) - 1| on the circle, at most."""


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
        return float(self._expect([flint.arb(g.rad()) for g in self.rows]))

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
        r, least = min(0.4 / float(self.mean_square.upper()), LARGEST_EXPONENT / square), 0.45 / square
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
        """An exponential for each of a few dozen nodes; products of matrices take a tenth of so many operations."""
        return 200 + 12 * len(self.slopes)

    def transforms(self, t: flint.arb) -> Transforms:
        """Return balls around A, B and, for each parameter, the derivatives of A and B at t > 0."""
        return self._rule.transforms(t) or self._only_bounded(t)

    @cached_property
    def _rule(self) -> MeanRule:
        return MeanRule(
            self.rows,
            self.probabilities,
            self.size,
            self.slopes,
            self.mean_square,
            self.max_abs,
            self.max_abs_slopes,
        )

    def _only_bounded(self, t: flint.arb) -> Transforms:
        """Return them by the list; or bounds, by exp(-t y^2) = exp(-t y^2/2)^2, of which one in the mean is B(t/2).

        With x = sqrt(t) y, |x| exp(-x^2/2) < 0.61 and |1 - 2 x^2| exp(-x^2/2) < 1.15.
        """
        if self._list is not None:
            return self._by_list(t)
        bound, root = self._rule.bound_of_half(t), t.sqrt()
        a = smaller(self.mean_magnitude.upper(), (bound * flint.arb("0.61") / root).upper())
        slopes = [
            (symmetric(h * bound * flint.arb("1.15")), symmetric(h * bound * root * flint.arb("1.22")))
            for h in self.max_abs_slopes
        ]
        return symmetric(a), flint.arb(0).union(bound), slopes

    def _by_list(self, t: flint.arb) -> Transforms:
        listed = self._listed
        a, b, derivatives = listed.transforms(t)
        factor = (-t * listed.min_square).exp()
        pairs = derivatives[: len(self.slopes)]
        return factor * a, factor * b, [(factor * da, factor * db) for da, db in pairs]

    @cached_property
    def _listed(self) -> BallLaw:
        assert self._list is not None
        return self._list()


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
