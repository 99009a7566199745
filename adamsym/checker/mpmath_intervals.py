"""The arithmetic of mpmath's intervals: about 30 times slower than balls, and other code from the ground up."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mpmath import iv

from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.checker.scaled_erfc import error_function_of
from adamsym.expressions.precision import interval_bits

_HALVINGS = 5
"""How often an angle is halved before its arctangent is summed up."""


@dataclass(frozen=True)
class MpmathIntervals(Arithmetic):
    """Intervals between two floats of mpmath's."""

    def working(self) -> AbstractContextManager[None]:
        """Compute with this precision; another thread waits until that is left."""
        return interval_bits(self.bits)

    def number(self, value: int | float) -> Interval:
        """Return a number, or what holds it."""
        return iv.mpf(value)

    def between(self, low: Any, high: Any) -> Interval:
        """Return the interval from one point or number to another."""
        return iv.mpf([low, high])

    def lower(self, x: Interval) -> Interval:
        """Return the lower end."""
        return x.a

    def upper(self, x: Interval) -> Interval:
        """Return the upper end."""
        return x.b

    def middle(self, x: Interval) -> Interval:
        """Return the midpoint."""
        return iv.mpf(x.mid)

    def width(self, x: Interval) -> float:
        """Return the width."""
        return float(x.delta.b)

    def is_bounded(self, x: Interval) -> bool:
        """Return whether both ends are numbers."""
        return bool(x.a > -iv.inf) and bool(x.b < iv.inf)

    def overlap(self, x: Interval, y: Interval) -> Interval:
        """Return what is in both."""
        if not (self.is_bounded(x) and self.is_bounded(y)):
            return x if self.is_bounded(x) else y
        return iv.mpf([max(x.a, y.a), min(x.b, y.b)])

    def magnitude(self, x: Interval) -> Interval:
        """Return the largest |x|."""
        return abs(x).b

    @property
    def pi(self) -> Interval:
        """Pi."""
        return +iv.pi

    def _power(self, x: Interval, exponent: int) -> Interval:
        return x**exponent

    def _root(self, x: Interval) -> Interval:
        return iv.sqrt(x)

    def _exponential(self, x: Interval) -> Interval:
        return _outward(iv.exp(x))

    def logarithm(self, x: Interval) -> Interval:
        """Return log(x) for x > 0."""
        return _outward(iv.log(x))

    def _sine(self, x: Interval) -> Interval:
        return _outward(iv.sin(x))

    def _cosine(self, x: Interval) -> Interval:
        return _outward(iv.cos(x))

    def arctangent(self, x: Interval) -> Interval:
        """Return atan(x), by its series after the angle has been halved."""
        return self.by_ends(self._arctangent_of, x)

    def error_function(self, x: Interval) -> Interval:
        """Return erf(x), by its series or that of the tail."""
        return self.by_ends(lambda end: error_function_of(self, end), x)

    def of_users_function(self, bounds: Callable[..., Any], arguments: list[Interval]) -> Interval:
        """Return the bounds of a user's function."""
        return bounds(*arguments)

    def _arctangent_of(self, x: Interval) -> Interval:
        """atan of a point: pi/2 - atan(1/x) beyond 1, atan(x) = 2 atan(x/(1 + sqrt(1 + x^2)))."""
        size = abs(x)
        if size > 1:
            value = self.pi / 2 - self._arctangent_of(1 / size)
            return value if x > 0 else -value
        for _ in range(_HALVINGS):
            x = x / (1 + iv.sqrt(1 + x**2))
        # The series alternates and its terms fall: the rest is between 0 and the next one.
        square, power, value, k = x**2, x, iv.mpf(0), 0
        while not abs(power) <= iv.mpf(2) ** -self.bits * abs(x):
            value += power / (2 * k + 1) * (-1) ** k
            power, k = power * square, k + 1
        return 2**_HALVINGS * (value + self.around_zero(abs(power)))


def _outward(found: Interval) -> Interval:
    """The values of one of mpmath's functions, wider by some units in the last place.

    Such a function rounds outward only what it has computed with a few more bits: an end may be inside by a small share
    of a unit. Sums, products, quotients and roots are exact before they are rounded.
    """
    return found * _some_units(iv.prec)


@lru_cache(maxsize=8)
def _some_units(bits: int) -> Interval:
    share = iv.mpf(2) ** (3 - bits)
    return iv.mpf([(1 - share).a, (1 + share).b])
