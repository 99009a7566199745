"""The arithmetic of balls: flint's arb. A ball's radius has 30 bits, so that ends are rounded outward by as much."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import mpmath
from flint import arb, arb_mat
from mpmath import iv

from adamsym.checker.arithmetic import LARGEST_EXPONENT, Arithmetic, Interval
from adamsym.expressions.precision import ball_bits, interval_bits
from adamsym.expressions.work import spend

_NARROW = 2.0**-7
"""Of balls of a smaller radius r flint's exponential is wider by a share of about r/2 than that of both ends."""

_ACCURATE = 20
"""The same for roots, in bits relative to the ball."""

_AT_ONCE = 10
"""Products and sums of flint's matrices that take as long as one of balls at most."""


@dataclass(frozen=True)
class Balls(Arithmetic):
    """Balls, which may be nan or have an infinite radius: of these nothing is ever proven."""

    def working(self) -> AbstractContextManager[None]:
        """Compute with this precision; another thread waits until that is left."""
        return ball_bits(self.bits)

    def number(self, value: int | float) -> Interval:
        """Return a number, exactly."""
        return arb(value)

    def between(self, low: Any, high: Any) -> Interval:
        """Return a ball that holds all from one point or number to another."""
        first, last = arb(low), arb(high)
        if first == last:
            return first
        return first.union(last) if first.is_finite() and last.is_finite() else arb(0, arb("inf"))

    def lower(self, x: Interval) -> Interval:
        """Return the lower end."""
        return x.lower()

    def upper(self, x: Interval) -> Interval:
        """Return the upper end."""
        return x.upper()

    def middle(self, x: Interval) -> Interval:
        """Return the midpoint."""
        return x.mid()

    def width(self, x: Interval) -> float:
        """Return about twice the radius."""
        return 2 * float(x.rad())

    def is_bounded(self, x: Interval) -> bool:
        """Return whether both ends are numbers."""
        return bool(x.is_finite())

    def hull(self, *intervals: Interval) -> Interval:
        """Return a ball that holds all of some."""
        return reduce(arb.union, intervals)

    def overlap(self, x: Interval, y: Interval) -> Interval:
        """Return what is in both balls."""
        if not (x.is_finite() and y.is_finite()):
            return x if x.is_finite() else y
        return x.intersection(y)

    def matrix_product(
        self, left: Sequence[Sequence[Interval]], right: Sequence[Sequence[Interval]]
    ) -> list[list[Interval]]:
        """Return the product of two matrices: by flint, twenty times as fast as entry by entry."""
        rows, inner, columns = len(left), len(right), len(right[0])
        spend(rows * inner * columns // _AT_ONCE + rows * inner + inner * columns + rows * columns)
        product: list[list[Interval]] = (arb_mat(left) * arb_mat(right)).tolist()
        return product

    def magnitude(self, x: Interval) -> Interval:
        """Return a point that no |x| exceeds."""
        return abs(x).upper()

    @property
    def pi(self) -> Interval:
        """Pi."""
        return arb.pi()

    def _power(self, x: Interval, exponent: int) -> Interval:
        # Of a ball around 0 flint's own power is nan: those are no points.
        return x**exponent

    def power(self, x: Interval, exponent: int) -> Interval:
        """Return x^exponent, exponent >= 0."""
        narrow = x.rel_accuracy_bits() > _ACCURATE and exponent > 0
        return x**exponent if narrow else super().power(x, exponent)

    def _root(self, x: Interval) -> Interval:
        return x.sqrt()

    def root(self, x: Interval) -> Interval:
        """Return the square root of what is known not to be negative."""
        return x.sqrt() if x > 0 and x.rel_accuracy_bits() > _ACCURATE else super().root(x)

    def exponential(self, x: Interval) -> Interval:
        """Return exp(x); OutOfWork if it may be larger than e^(2^30)."""
        small = x.rad() < _NARROW and x < LARGEST_EXPONENT and x > -LARGEST_EXPONENT
        return x.exp() if small else super().exponential(x)

    def _exponential(self, x: Interval) -> Interval:
        # Of a wide ball flint's own is wide below: e^m (2 - e^r) for e^(m-r).
        return x.exp() if x.rad() < _NARROW else x.lower().exp().union(x.upper().exp())

    def logarithm(self, x: Interval) -> Interval:
        """Return log(x) for x > 0."""
        return x.log() if x.rel_accuracy_bits() > _ACCURATE else self.hull(x.lower().log(), x.upper().log())

    def _sine(self, x: Interval) -> Interval:
        return self._periodic(arb.sin, arb.cos, x)

    def _cosine(self, x: Interval) -> Interval:
        return self._periodic(arb.cos, arb.sin, x)

    def _periodic(self, function: Callable[[arb], arb], slope: Callable[[arb], arb], x: Interval) -> Interval:
        """A sine or cosine; the magnitude of its derivative is that of ``slope``."""
        whole = function(x)
        if x.rel_accuracy_bits() > _ACCURATE or slope(x).contains(0):
            return whole
        # Of a wide ball flint's own has the radius of x, however flat the function is there.
        return whole.intersection(function(x.lower()).union(function(x.upper())))

    def arctangent(self, x: Interval) -> Interval:
        """Return atan(x)."""
        return self.by_ends(lambda end: end.atan(), x)

    def error_function(self, x: Interval) -> Interval:
        """Return erf(x)."""
        return self.by_ends(lambda end: end.erf(), x)

    def of_users_function(self, bounds: Callable[..., Any], arguments: list[Interval]) -> Interval:
        """Return the bounds of a user's function, by mpmath."""
        with interval_bits(self.bits):
            found = bounds(*(iv.mpf([_as_mpf(x.lower()), _as_mpf(x.upper())]) for x in arguments))
            low, high = (mpmath.make_mpf(end) for end in found._mpi_)
        return self.between(low, high)


def _as_mpf(point: arb) -> Any:
    """The same number, exactly; of what is not finite, nan."""
    if not point.is_finite():
        return mpmath.nan
    mantissa, exponent = point.man_exp()
    return mpmath.make_mpf(mpmath.libmp.from_man_exp(int(mantissa), int(exponent)))
