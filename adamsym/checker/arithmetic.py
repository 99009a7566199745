"""The operations on intervals of which the checker's evaluation consists; two arithmetics do them.

An interval supports ``+``, ``-``, ``*``, ``/`` and ``abs``, with intervals, ints and floats. ``x < y``, ``<=``, ``>``
and ``>=`` are true only if that is proven for all numbers in the two; they are never true of nan. All else is asked of
an :class:`Arithmetic`, powers too. A *point* is an interval of one number. A ball may be a little wider than the
interval that it stands for: what is asserted of a box is asked of the box's own ends.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Any

from adamsym.expressions.ranges import Range
from adamsym.expressions.work import OutOfWork, spend

Interval = Any
"""A ``flint.arb`` or an ``mpmath.iv.mpf``; the two are never mixed."""

BITS = 90
MORE_BITS = 200
"""Precision for what is not proven with ``BITS``: values near 0 may be differences of large ones."""

LARGEST_EXPONENT = 2**30
"""Numbers beyond e to this power are not computed with: time and memory grow with the bits of an exponent."""

LARGEST_ANGLE = 2.0**1000
"""Sine and cosine are reduced by pi up to there."""


class NotCheckable(Exception):
    """Something in a certificate that this checker has no bounds for."""


def is_not_zero(x: Interval) -> bool:
    """Return whether x is proven not to be 0."""
    return bool(x > 0) or bool(x < 0)


def _is_zero(x: Interval) -> bool:
    """Whether x is the number 0: of balls ``x != 0`` says more than that it is not."""
    return bool(x == 0)


@dataclass(frozen=True)
class Arithmetic(ABC):
    """Intervals with so many bits.

    Every result holds the exact result for all numbers in the arguments. Compute within :meth:`working`: flint and
    mpmath have one precision each for the whole process, and no argument for it.
    """

    bits: int = BITS

    @abstractmethod
    def working(self) -> AbstractContextManager[None]:
        """Compute with this arithmetic's precision; another thread waits until that is left."""

    @abstractmethod
    def number(self, value: int | float) -> Interval:
        """Return a number: exactly, but for integers of more bits than this arithmetic's."""

    @abstractmethod
    def between(self, low: Any, high: Any) -> Interval:
        """Return an interval that holds all from one point or number to another."""

    @abstractmethod
    def lower(self, x: Interval) -> Interval:
        """Return a point below which nothing of x is."""

    @abstractmethod
    def upper(self, x: Interval) -> Interval:
        """Return a point above which nothing of x is."""

    @abstractmethod
    def middle(self, x: Interval) -> Interval:
        """Return a point near the middle."""

    @abstractmethod
    def width(self, x: Interval) -> float:
        """Return about how wide x is."""

    @abstractmethod
    def is_bounded(self, x: Interval) -> bool:
        """Return whether both ends are numbers."""

    @abstractmethod
    def overlap(self, x: Interval, y: Interval) -> Interval:
        """Return an interval that holds what is in both, if either holds the same number."""

    @property
    @abstractmethod
    def pi(self) -> Interval:
        """Pi."""

    @abstractmethod
    def _power(self, x: Interval, exponent: int) -> Interval:
        """x^exponent for a point x, exponent > 0."""

    @abstractmethod
    def _root(self, x: Interval) -> Interval:
        """The square root of a point x >= 0."""

    @abstractmethod
    def _exponential(self, x: Interval) -> Interval:
        """exp(x) for -2^30 <= x <= 2^30."""

    @abstractmethod
    def logarithm(self, x: Interval) -> Interval:
        """Return log(x) for x > 0."""

    @abstractmethod
    def _sine(self, x: Interval) -> Interval:
        """sin(x) for |x| up to the largest angle."""

    @abstractmethod
    def _cosine(self, x: Interval) -> Interval:
        """cos(x) for |x| up to the largest angle."""

    @abstractmethod
    def arctangent(self, x: Interval) -> Interval:
        """Return atan(x)."""

    @abstractmethod
    def error_function(self, x: Interval) -> Interval:
        """Return erf(x)."""

    @abstractmethod
    def of_users_function(self, bounds: Callable[..., Any], arguments: list[Interval]) -> Interval:
        """Return the bounds of a user's function, which are those of mpmath's intervals."""

    def exact(self, value: Fraction | Range) -> Interval:
        """Return an interval around a fraction, or around all of a range."""
        if isinstance(value, Range):
            return self.hull(self.exact(value.low), self.exact(value.high))
        return self.number(value.numerator) / value.denominator

    def hull(self, *intervals: Interval) -> Interval:
        """Return an interval that holds all of some."""
        return self.between(self.least(intervals), self.largest(intervals))

    def largest(self, intervals: Iterable[Interval]) -> Interval:
        """Return a point that nothing in any of them exceeds."""
        uppers = [self.upper(x) for x in intervals]
        return next((x for x in uppers if all(y <= x for y in uppers)), self.number(math.inf))

    def least(self, intervals: Iterable[Interval]) -> Interval:
        """Return a point that everything in all of them exceeds or is."""
        lowers = [self.lower(x) for x in intervals]
        return next((x for x in lowers if all(x <= y for y in lowers)), self.number(-math.inf))

    def least_bound(self, bounds: Iterable[Interval]) -> Interval:
        """Return the least of several upper bounds of one number, as a point; those that are nan are none."""
        uppers = [self.upper(x) for x in bounds]
        known = [x for x in uppers if x <= math.inf]
        return next((x for x in known if all(x <= y for y in known)), self.number(math.inf))

    def total(self, values: Iterable[Interval]) -> Interval:
        """Return the sum."""
        return sum(values, self.number(0))

    def dot(self, xs: Iterable[Interval], ys: Iterable[Interval]) -> Interval:
        """Return the sum of the products of pairs."""
        return sum(map(mul, xs, ys), self.number(0))

    def matrix_product(
        self, left: Sequence[Sequence[Interval]], right: Sequence[Sequence[Interval]]
    ) -> list[list[Interval]]:
        """Return the product of two matrices; entries of the first that are exactly 0 are passed over."""
        found = []
        for row in left:
            entries = [(x, y) for x, y in zip(row, right, strict=True) if not _is_zero(x)]
            spend(2 * len(entries) * len(right[0]))
            found.append([self.total(x * y[m] for x, y in entries) for m in range(len(right[0]))])
        return found

    def magnitude(self, x: Interval) -> Interval:
        """Return a point that no |x| exceeds."""
        return self.largest([x, -x])

    def least_magnitude(self, x: Interval) -> Interval:
        """Return a point that every |x| is or exceeds; 0 if x may be 0."""
        return self.lower(x) if x > 0 else self.lower(-x) if x < 0 else self.number(0)

    def nonnegative(self, x: Interval) -> Interval:
        """Return a lower bound of what is known not to be negative, as a point: the lower end, or 0."""
        low = self.lower(x)
        return low if low >= 0 else self.number(0)

    def around_zero(self, size: Interval) -> Interval:
        """Return an interval that holds all numbers of magnitude at most ``size``."""
        bound = self.upper(size)
        return self.between(-bound, bound)

    def by_ends(self, increasing: Callable[[Interval], Interval], x: Interval) -> Interval:
        """Return the values of an increasing function from those at the ends: tight for wide intervals too."""
        low, high = self.lower(x), self.upper(x)
        return increasing(low) if low == high else self.hull(increasing(low), increasing(high))

    def power(self, x: Interval, exponent: int) -> Interval:
        """Return x^exponent, exponent >= 0."""
        if exponent == 0:
            return self.number(1)
        if exponent % 2:
            return self.by_ends(lambda end: self._power(end, exponent), x)
        if is_not_zero(x):
            return self.by_ends(lambda end: self._power(end, exponent), self._size(x))
        return self.between(self.number(0), self.upper(self._power(self.magnitude(x), exponent)))

    def _size(self, x: Interval) -> Interval:
        """|x| for an interval without 0."""
        return x if x > 0 else -x

    def square(self, x: Interval) -> Interval:
        """Return x^2."""
        return self.power(x, 2)

    def root(self, x: Interval) -> Interval:
        """Return the square root of what is known not to be negative, though x may reach below 0."""
        low, high = self.nonnegative(x), self.upper(x)
        return self._root(low) if low == high else self.hull(self._root(low), self._root(high))

    def exponential(self, x: Interval) -> Interval:
        """Return exp(x), at the lower end possibly 0.

        Raises
        ------
        OutOfWork
            If it may be larger than e^(2^30).
        """
        if x > -LARGEST_EXPONENT and x <= LARGEST_EXPONENT:
            return self._exponential(x)
        if not x <= LARGEST_EXPONENT:
            raise OutOfWork("a number is too large to compute with")
        high = self.largest([x, self.number(-LARGEST_EXPONENT)])
        return self.between(self.number(0), self.upper(self._exponential(high)))

    def sine(self, x: Interval) -> Interval:
        """Return sin(x); beyond all floats, where it takes long to reduce x, all values that there are."""
        return self._sine(x) if self.magnitude(x) < LARGEST_ANGLE else self.between(-1, 1)

    def cosine(self, x: Interval) -> Interval:
        """Return cos(x), likewise."""
        return self._cosine(x) if self.magnitude(x) < LARGEST_ANGLE else self.between(-1, 1)
