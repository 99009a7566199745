"""Interval arithmetic (mpmath's iv) and the values of expressions over intervals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

import sympy as sp
from mpmath import iv

from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.precision import interval_bits
from adamsym.expressions.work import OutOfWork, spend

T = TypeVar("T")

Interval = Any
"""An ``mpmath.iv.mpf``; its ends ``.a`` and ``.b`` are points."""

BITS = 90
MORE_BITS = 200
"""Precision for what is not proven with ``BITS``: values near 0 may be differences of large ones."""


LARGEST_EXPONENT = 2**30
"""Numbers beyond e to this power are not computed with: mpmath's time and memory grow with the bits of an exponent."""

_LARGEST = iv.mpf(LARGEST_EXPONENT)
_BOTH_SIGNS = iv.mpf([-1, 1])


LARGEST_ANGLE = 2**1100
"""Sine and cosine are reduced by pi up to there."""


_SMALL = 2.0**-40
"""Below, a difference of exponentials would cancel: but 1 <= sinh(x)/x <= 1 + x^2, and 1 - x^2 <= tanh(x)/x <= 1."""


class NotCheckable(Exception):
    """Something in a certificate that this checker has no bounds for."""


def working_precision(bits: int = BITS) -> AbstractContextManager[None]:
    """Compute with so many bits; another thread waits until that is left."""
    return interval_bits(bits)


def exact(value: Fraction) -> Interval:
    """Return an interval around a fraction."""
    return iv.mpf(value.numerator) / value.denominator


def between(low: Any, high: Any) -> Interval:
    """Return the interval between two numbers."""
    return iv.mpf([low, high])


def hull(left: Interval, right: Interval) -> Interval:
    """Return the smallest interval that holds both."""
    return iv.mpf([min(left.a, right.a), max(left.b, right.b)])


def around_zero(size: Interval) -> Interval:
    """Return an interval that holds all numbers of magnitude at most ``size``."""
    return _BOTH_SIGNS * size.b


def magnitude(x: Interval) -> Interval:
    """Return the largest |x|, as a point."""
    return abs(x).b


def least_magnitude(x: Interval) -> Interval:
    """Return the least |x|, as a point; 0 if x may be 0."""
    return abs(x).a


def square(x: Interval) -> Interval:
    """Return x^2; never negative."""
    return x**2


def _outward(found: Interval) -> Interval:
    """Return the values of one of mpmath's functions, wider by some units in the last place.

    Such a function rounds outward only what it has computed with a few more bits: an end may be inside by a small share
    of a unit. Sums, products, quotients and roots are exact before they are rounded.
    """
    return found * _some_units(iv.prec)


@lru_cache(maxsize=8)
def _some_units(bits: int) -> Interval:
    share = iv.mpf(2) ** (3 - bits)
    return iv.mpf([(1 - share).a, (1 + share).b])


def logarithm(x: Interval) -> Interval:
    """Return log(x) for x > 0."""
    return _outward(iv.log(x))


def cosine(x: Interval) -> Interval:
    """Return cos(x)."""
    return _outward(iv.cos(x))


def _sine(x: Interval) -> Interval:
    return _outward(iv.sin(x))


def exponential(x: Interval) -> Interval:
    """Return exp(x), at the lower end possibly 0.

    Raises
    ------
    OutOfWork
        If it may be larger than e^(2^30).
    """
    if -_LARGEST < x <= _LARGEST:
        return _outward(iv.exp(x))
    if x.b > _LARGEST:
        raise OutOfWork("a number is too large to compute with")
    return iv.mpf([0, _outward(iv.exp(max(x.b, -_LARGEST))).b])


def total(values: "Iterator[Interval] | Sequence[Interval]") -> Interval:
    """Return the sum."""
    return sum(values, iv.zero)


def value_of(expression: sp.Expr, values: Mapping[sp.Symbol, Interval]) -> Interval:
    """Return an interval that holds an expression's value for all arguments in the given intervals.

    Raises
    ------
    NotCheckable
        For a function without bounds here, or outside of a function's domain.
    """
    return folded(expression, lambda node, arguments: _value(node, arguments, values))


def folded(expression: sp.Expr, value: Callable[[sp.Expr, list[T]], T]) -> T:
    """Return what ``value`` makes of an expression and of its arguments' values, each part once; it counts the work."""
    known: dict[sp.Expr, T] = {}

    def visit(node: sp.Expr) -> T:
        if node not in known:
            spend(2 + len(node.args))
            known[node] = value(node, [visit(argument) for argument in node.args])
        return known[node]

    return visit(expression)


def _value(node: sp.Expr, arguments: list[Interval], values: Mapping[sp.Symbol, Interval]) -> Interval:
    if node.is_Symbol:
        return values[node]
    if node.is_Rational:
        return iv.mpf(int(node.p)) / int(node.q)
    if node == sp.pi:
        return iv.pi
    if node == sp.E:
        return iv.e
    if node.is_Add:
        return total(arguments)
    if node.is_Mul:
        result = iv.mpf(1)
        for argument in arguments:
            result *= argument
        return result
    if node.is_Pow:
        return _power(arguments[0], node.exp, arguments[1])
    name = type(node).__name__
    known = _FUNCTIONS.get(name) or getattr(FUNCTIONS.get(name), "interval", None)
    if known is None:
        raise NotCheckable(f"the function {name} has no interval bounds in the checker")
    return known(*arguments)


def _power(base: Interval, exponent: sp.Expr, over: Interval) -> Interval:
    if exponent.is_Integer:
        power = base ** abs(int(exponent))
        if exponent > 0:
            return power
        if 0 in power:
            raise NotCheckable("a quotient by an interval that contains 0")
        return 1 / power
    if exponent.is_Rational and base.a >= 0:
        root = iv.sqrt(base) if exponent.q == 2 else None
        if root is not None and (exponent > 0 or base.a > 0):
            return root ** int(exponent.p) if exponent > 0 else 1 / root ** int(-exponent.p)
    if base.a > 0:
        return exponential(over * logarithm(base))
    if base.a == 0 and over.a > 0:
        # Between 0 and what the upper end gives, whatever the exponent: x**p <= max(1, b)**p.
        largest = exponential(over * logarithm(iv.mpf(max(base.b, iv.mpf(1).b))))
        return hull(iv.mpf(0), largest)
    raise NotCheckable("a power that is neither of an integer nor a square root of what is positive")


def _increasing(function: Any) -> Any:
    """The values of an increasing function between those at the ends."""
    return lambda x: hull(function(iv.mpf(x.a)), function(iv.mpf(x.b)))


def _logarithm(x: Interval) -> Interval:
    if not x.a > 0:
        raise NotCheckable("a logarithm of what may not be positive")
    return logarithm(x)


def _log_sum_of_exponentials(*points: Interval) -> Interval:
    """log(sum exp) of points, by the largest of them."""
    largest = max(points, key=lambda x: x.a)
    return largest + logarithm(total(exponential(x - largest) for x in points))


def _oscillating(function: Any) -> Any:
    """The values of sine or cosine; all that there are, of arguments beyond all floats, which take long to reduce."""
    return lambda x: function(x) if magnitude(x) < LARGEST_ANGLE else iv.mpf([-1, 1])


# With exp(-|x|) nothing overflows, and no quotient is one of two large numbers.
def _tanh(x: Interval) -> Interval:
    if magnitude(x) < _SMALL:
        return x * iv.mpf([(1 - square(x)).a, 1])
    decay = exponential(-2 * abs(x))
    size = (1 - decay) / (1 + decay)
    return size if x.a >= 0 else -size


def _sinh(x: Interval) -> Interval:
    if magnitude(x) < _SMALL:
        return x * iv.mpf([1, (1 + square(x)).b])
    return (exponential(x) - exponential(-x)) / 2


def _sigmoid(x: Interval) -> Interval:
    decay = exponential(-abs(x))
    return 1 / (1 + decay) if x.a >= 0 else decay / (1 + decay)


_FUNCTIONS: dict[str, Any] = {
    "exp": exponential,
    "log": _logarithm,
    "sin": _oscillating(_sine),
    "cos": _oscillating(cosine),
    "tanh": _increasing(_tanh),
    "sinh": _increasing(_sinh),
    "cosh": lambda x: _increasing(lambda y: (exponential(y) + exponential(-y)) / 2)(abs(x)),
    "sigmoid": _increasing(_sigmoid),
    "softplus": _increasing(lambda x: _log_sum_of_exponentials(x, iv.mpf(0))),
    "logsumexp": lambda *x: hull(
        _log_sum_of_exponentials(*(iv.mpf(z.a) for z in x)), _log_sum_of_exponentials(*(iv.mpf(z.b) for z in x))
    ),
    "log1p": lambda x: _logarithm(1 + x),
}
"""Interval bounds of the grammar's functions; atan and erf have none here."""
