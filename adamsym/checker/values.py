"""The values of expressions over intervals: the functions of the grammar by the checker's own formulas."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable, is_not_zero
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.work import spend

T = TypeVar("T")

_SMALL = 2.0**-40
"""Below, a difference of exponentials would cancel: but 1 <= sinh(x)/x <= 1 + x^2, and 1 - x^2 <= tanh(x)/x <= 1."""


def value_of(using: Arithmetic, expression: sp.Expr, values: Mapping[sp.Symbol, Interval]) -> Interval:
    """Return an interval that holds an expression's value for all arguments in the given intervals; it is bounded.

    Raises
    ------
    NotCheckable
        For a function without bounds here, outside of a function's domain, and where no bounds are found.
    """
    return values_of(using, [expression], values)[0]


def values_of(
    using: Arithmetic, expressions: Sequence[sp.Expr], values: Mapping[sp.Symbol, Interval]
) -> list[Interval]:
    """Return the same for several expressions, whose common parts are evaluated once; errors as ``value_of``."""
    known: dict[sp.Expr, Interval] = {}
    found = [folded(one, lambda node, arguments: _value(using, node, arguments, values), known) for one in expressions]
    for expression, value in zip(expressions, found, strict=True):
        if not using.is_bounded(value):
            raise NotCheckable(f"no bounds are found of {str(expression)[:60]}")
    return found


def folded(expression: sp.Expr, value: Callable[[sp.Expr, list[T]], T], known: dict[sp.Expr, T] | None = None) -> T:
    """Return what ``value`` makes of an expression and of its arguments' values, each part once; it counts the work.

    Parts that are ``known`` are not evaluated again.
    """
    known = {} if known is None else known

    def visit(node: sp.Expr) -> T:
        if node not in known:
            spend(2 + len(node.args))
            known[node] = value(node, [visit(argument) for argument in node.args])
        return known[node]

    return visit(expression)


def _value(
    using: Arithmetic, node: sp.Expr, arguments: list[Interval], values: Mapping[sp.Symbol, Interval]
) -> Interval:
    if node.is_Symbol:
        return values[node]
    if node.is_Rational:
        return using.number(int(node.p)) / int(node.q)
    if node == sp.pi:
        return using.pi
    if node == sp.E:
        return using.exponential(using.number(1))
    if node.is_Add:
        return using.total(arguments)
    if node.is_Mul:
        result = using.number(1)
        for argument in arguments:
            result = result * argument
        return result
    if node.is_Pow:
        return _power(using, arguments[0], node.exp, arguments[1])
    name = type(node).__name__
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](using, *arguments)
    bounds = getattr(FUNCTIONS.get(name), "interval", None)
    if bounds is None:
        raise NotCheckable(f"the function {name} has no interval bounds in the checker")
    return using.of_users_function(bounds, arguments)


def _power(using: Arithmetic, base: Interval, exponent: sp.Expr, over: Interval) -> Interval:
    if exponent.is_Integer:
        power = using.power(base, abs(int(exponent)))
        if exponent > 0:
            return power
        if not is_not_zero(base):
            raise NotCheckable("a quotient by an interval that contains 0")
        return 1 / power
    low = using.lower(base)
    if exponent.is_Rational and exponent.q == 2 and (low > 0 or (low >= 0 and exponent > 0)):
        power = using.power(using.root(base), abs(int(exponent.p)))
        return power if exponent > 0 else 1 / power
    if low > 0:
        return using.exponential(over * using.logarithm(base))
    if low >= 0 and over > 0:
        # Between 0 and what the upper end gives, whatever the exponent: x**p <= max(1, b)**p.
        largest = using.exponential(over * using.logarithm(using.largest([base, using.number(1)])))
        return using.between(0, using.upper(largest))
    raise NotCheckable("a power that is neither of an integer nor a square root of what is positive")


Function = Callable[..., Interval]


def _increasing(function: Function) -> Function:
    """The values of an increasing function between those at the ends."""
    return lambda using, x: using.by_ends(lambda end: function(using, end), x)


def _logarithm(using: Arithmetic, x: Interval) -> Interval:
    if not x > 0:
        raise NotCheckable("a logarithm of what may not be positive")
    return using.logarithm(x)


def _log_sum_of_exponentials(using: Arithmetic, *points: Interval) -> Interval:
    """log(sum exp) of points, by the largest of them."""
    largest = using.largest(points)
    return largest + using.logarithm(using.total(using.exponential(x - largest) for x in points))


def _logsumexp(using: Arithmetic, *arguments: Interval) -> Interval:
    """It increases in each argument."""
    low = _log_sum_of_exponentials(using, *map(using.lower, arguments))
    return using.hull(low, _log_sum_of_exponentials(using, *map(using.upper, arguments)))


# With exp(-|x|) nothing overflows, and no quotient is one of two large numbers.
def _tanh(using: Arithmetic, x: Interval) -> Interval:
    if using.magnitude(x) < _SMALL:
        return x * using.between(using.lower(1 - using.square(x)), 1)
    decay = using.exponential(-2 * abs(x))
    size = (1 - decay) / (1 + decay)
    return size if x >= 0 else -size


def _sinh(using: Arithmetic, x: Interval) -> Interval:
    if using.magnitude(x) < _SMALL:
        return x * using.between(1, using.upper(1 + using.square(x)))
    return (using.exponential(x) - using.exponential(-x)) / 2


def _cosh(using: Arithmetic, x: Interval) -> Interval:
    """It increases in |x|."""
    ends = using.least_magnitude(x), using.magnitude(x)
    return using.hull(*((using.exponential(y) + using.exponential(-y)) / 2 for y in ends))


def _sigmoid(using: Arithmetic, x: Interval) -> Interval:
    decay = using.exponential(-abs(x))
    return 1 / (1 + decay) if x >= 0 else decay / (1 + decay)


def _absolute(using: Arithmetic, x: Interval) -> Interval:
    return using.between(using.least_magnitude(x), using.magnitude(x))


def _maximum(using: Arithmetic, *arguments: Interval) -> Interval:
    return -_minimum(using, *(-x for x in arguments))


def _minimum(using: Arithmetic, *arguments: Interval) -> Interval:
    return using.between(using.least(arguments), using.least_bound(arguments))


def _sign(using: Arithmetic, x: Interval) -> Interval:
    """All from -1 to 1 where x may be 0."""
    return using.number(1 if x > 0 else -1) if is_not_zero(x) else using.between(-1, 1)


_FUNCTIONS: dict[str, Function] = {
    "exp": lambda using, x: using.exponential(x),
    "log": _logarithm,
    "sin": lambda using, x: using.sine(x),
    "cos": lambda using, x: using.cosine(x),
    "tanh": _increasing(_tanh),
    "sinh": _increasing(_sinh),
    "cosh": _cosh,
    "atan": lambda using, x: using.arctangent(x),
    "erf": lambda using, x: using.error_function(x),
    "sigmoid": _increasing(_sigmoid),
    "softplus": _increasing(lambda using, x: _log_sum_of_exponentials(using, x, using.number(0))),
    "logsumexp": _logsumexp,
    "log1p": lambda using, x: _logarithm(using, 1 + x),
    "Abs": _absolute,
    "Max": _maximum,
    "Min": _minimum,
    "sign": _sign,
    "Heaviside": lambda using, x, *_: (1 + _sign(using, x)) / 2,
}
"""Interval bounds of the grammar's functions."""
