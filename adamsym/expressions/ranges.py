"""Ranges of exact numbers: what is known of a hyper-parameter that varies, in place of one fraction."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Union

from adamsym.expressions.errors import NotApplicable

Exact = Union[int, Fraction, "Range"]


@dataclass(frozen=True, eq=False)
class Range:
    """All numbers from ``low`` to ``high``, two fractions; it stands where a formula has one fraction.

    Sums, differences, products, quotients and powers by integers are ranges that hold the results for all numbers in
    their arguments: wider than need be where a number stands twice. A comparison that holds for some of them and not
    for others raises NotApplicable, for no branch of a formula is that of all; ``==`` does so with a number between the
    ends, and an end is not the range. A range of one number is that number as a fraction: see :func:`range_of`.
    """

    low: Fraction
    high: Fraction

    def __add__(self, other: Exact) -> Exact:
        return _result(lambda x, y: x + y, self, other)

    def __sub__(self, other: Exact) -> Exact:
        return _result(lambda x, y: x - y, self, other)

    def __rsub__(self, other: Exact) -> Exact:
        return _result(lambda x, y: y - x, self, other)

    def __mul__(self, other: Exact) -> Exact:
        return _result(lambda x, y: x * y, self, other)

    def __truediv__(self, other: Exact) -> Exact:
        return self * _reciprocal(other)

    def __rtruediv__(self, other: Exact) -> Exact:
        return _reciprocal(self) * other

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Exact:
        return range_of(-self.high, -self.low)

    def __abs__(self) -> Exact:
        if self.low >= 0:
            return self
        return -self if self.high <= 0 else range_of(Fraction(0), max(-self.low, self.high))

    def __pow__(self, exponent: int) -> Exact:
        if exponent < 0:
            return _reciprocal(self) ** -exponent
        ends = [self.low**exponent, self.high**exponent]
        if exponent % 2 == 0 and self.low < 0 < self.high:
            ends.append(Fraction(0))
        return range_of(min(ends), max(ends))

    def __lt__(self, other: Exact) -> bool:
        low, high = _ends(other)
        return _of_all(self, other, self.high < low, self.low >= high)

    def __le__(self, other: Exact) -> bool:
        low, high = _ends(other)
        return _of_all(self, other, self.high <= low, self.low > high)

    def __gt__(self, other: Exact) -> bool:
        return not self <= other

    def __ge__(self, other: Exact) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Range):
            return (self.low, self.high) == (other.low, other.high)
        if not isinstance(other, (int, Fraction)):
            return NotImplemented
        return _of_all(self, other, False, not self.low < other < self.high)

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def __bool__(self) -> bool:
        return self != 0


def range_of(low: Fraction, high: Fraction) -> Fraction | Range:
    """Return the numbers from one fraction to another, the lower first: a fraction if there is one alone."""
    assert low <= high
    return low if low == high else Range(low, high)


def ends_of(value: Exact) -> list[Fraction]:
    """Return the ends of a range, or a number twice."""
    return list(_ends(value))


def holds(outer: Exact, inner: Exact) -> bool:
    """Return whether all of one is in the other."""
    (low, high), (least, largest) = _ends(outer), _ends(inner)
    return low <= least and largest <= high


def _of_all(left: Exact, right: Exact, holds_for_all: bool, holds_for_none: bool) -> bool:
    if not (holds_for_all or holds_for_none):
        raise NotApplicable(f"{_text(left)} is compared to {_text(right)}: the answer is not the same for all")
    return holds_for_all


def _text(value: Exact) -> str:
    low, high = _ends(value)
    return f"{float(low):g}" if low == high else f"a range from {float(low):g} to {float(high):g}"


def _ends(value: Exact) -> tuple[Fraction, Fraction]:
    return (value.low, value.high) if isinstance(value, Range) else (Fraction(value), Fraction(value))


def _result(of: Callable[[Fraction, Fraction], Fraction], left: Exact, right: Exact) -> Exact:
    """All results of what is extremal where its arguments are."""
    ends = [of(x, y) for x, y in product(_ends(left), _ends(right))]
    return range_of(min(ends), max(ends))


def _reciprocal(value: Exact) -> Exact:
    low, high = _ends(value)
    if low <= 0 <= high:
        raise ZeroDivisionError("a range that holds 0")
    return range_of(1 / high, 1 / low)
