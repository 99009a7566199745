"""Values of expressions at rational points: exact where they are rational, else an interval around them.

Only a value that is exact can be proven to be 0: an interval that contains 0 proves nothing.
"""

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.continuous_rows import affine_gradient, require_domain
from adamsym.checker.values import folded, value_of
from adamsym.expressions.work import OutOfWork, spend
from adamsym.gradients import Empirical, Independent, Problem, SymbolicGradient

MOST_BITS = 100_000
"""Longest numerator or denominator of an exact value."""

_RATIONAL_VALUES: dict[str, dict[Fraction, Fraction]] = {
    "exp": {Fraction(0): Fraction(1)},
    "log": {Fraction(1): Fraction(0)},
    "sin": {Fraction(0): Fraction(0)},
    "cos": {Fraction(0): Fraction(1)},
    "tanh": {Fraction(0): Fraction(0)},
    "sinh": {Fraction(0): Fraction(0)},
    "cosh": {Fraction(0): Fraction(1)},
    "atan": {Fraction(0): Fraction(0)},
    "erf": {Fraction(0): Fraction(0)},
    "sigmoid": {Fraction(0): Fraction(1, 2)},
}

Value = Fraction | Interval


def value_at(using: Arithmetic, expression: sp.Expr, values: Mapping[sp.Symbol, Fraction]) -> Value:
    """Return an expression's value at a rational point: a fraction where it is known exactly, else an interval.

    Raises
    ------
    NotCheckable
        Where the expression is not defined, has no bounds here, or its exact value is too long.
    """
    return folded(expression, lambda node, arguments: _value(using, node, arguments, values))


def vanishes(using: Arithmetic, problem: SymbolicGradient, point: tuple[Fraction, ...]) -> bool:
    """Whether the gradient of every row is proven to be exactly 0 at a rational point."""
    if isinstance(problem.law, Independent):
        at = dict(zip(problem.parameters, point, strict=True))
        require_domain(using, problem, [using.exact(x) for x in point])
        parts = (value_at(using, part, at) for one in affine_gradient(problem) for part in (one.start, *one.factors))
        return all(isinstance(value, Fraction) and value == 0 for value in parts)
    rows = _rows_at(using, problem, point)
    entries = (value_at(using, entry, row) for row in rows for entry in problem.gradient_expressions)
    return all(isinstance(entry, Fraction) and entry == 0 for entry in entries)


def loss_is_at_most_zero(using: Arithmetic, problem: Problem, point: tuple[Fraction, ...]) -> bool:
    """Whether the mean loss is proven to be 0 or negative at a rational point."""
    assert isinstance(problem.law, Empirical)
    losses = [value_at(using, problem.loss, values) for values in _rows_at(using, problem, point)]
    weights = problem.law.exact_probabilities
    if all(isinstance(loss, Fraction) for loss in losses):
        return bool(sum(p * loss for p, loss in zip(weights, losses, strict=True)) <= 0)
    mean = using.total(using.exact(p) * _interval(using, loss) for p, loss in zip(weights, losses, strict=True))
    return bool(mean <= 0)


def _rows_at(
    using: Arithmetic, problem: SymbolicGradient, point: tuple[Fraction, ...]
) -> list[dict[sp.Symbol, Fraction]]:
    """The values of parameters and columns for every row, where the loss as written is proven real and finite."""
    if not isinstance(problem.law, Empirical):
        raise NotCheckable("this needs the rows of an empirical law")
    at = dict(zip(problem.parameters, point, strict=True))
    rows = [at | dict(zip(problem.columns, row, strict=True)) for row in problem.law.exact_rows]
    for row in rows:
        for condition in problem.domain:
            value = value_at(using, condition.expression, row)
            exact = isinstance(value, Fraction)
            low, high = (value, value) if exact else (using.lower(value), using.upper(value))
            if not condition.proved(low, high):
                raise NotCheckable(f"{problem.place}: not proven real and finite at the point: {condition}")
    return rows


def _interval(using: Arithmetic, value: Value) -> Interval:
    return using.exact(value) if isinstance(value, Fraction) else value


def _value(using: Arithmetic, node: sp.Expr, arguments: list[Value], values: Mapping[sp.Symbol, Fraction]) -> Value:
    if node.is_Symbol:
        return values[node]
    if node.is_Rational:
        return Fraction(int(node.p), int(node.q))
    if node.is_Add or node.is_Mul:
        return _sum(using, arguments) if node.is_Add else _product(using, arguments)
    if node.is_Pow:
        return _power(using, arguments[0], arguments[1])
    known = _RATIONAL_VALUES.get(type(node).__name__, {})
    if len(arguments) == 1 and isinstance(arguments[0], Fraction) and arguments[0] in known:
        return known[arguments[0]]
    exact = _of_kinks(using, type(node).__name__, arguments)
    if exact is not None:
        return exact
    symbols = [sp.Dummy(real=True) for _ in arguments]
    intervals = [_interval(using, value) for value in arguments]
    return value_of(using, node.func(*symbols) if symbols else node, dict(zip(symbols, intervals, strict=True)))


def _of_kinks(using: Arithmetic, name: str, arguments: list[Value]) -> Fraction | None:
    """The exact value of a function with a kink, or of its derivative, where it is known though others are not."""
    if name in ("sign", "Heaviside"):
        below = Fraction(-1 if name == "sign" else 0)
        return Fraction(1) if arguments[0] > 0 else below if arguments[0] < 0 else None
    fractions = [x for x in arguments if isinstance(x, Fraction)]
    if not fractions or name not in ("Abs", "Max", "Min"):
        return None
    if name == "Abs":
        return abs(fractions[0])
    found = max(fractions) if name == "Max" else min(fractions)
    bound = using.exact(found)
    others = [x for x in arguments if not isinstance(x, Fraction)]
    return found if all(x <= bound if name == "Max" else x >= bound for x in others) else None


def _sum(using: Arithmetic, arguments: list[Value]) -> Value:
    fractions = _bounded(operator.add, arguments, Fraction(0))
    others = [value for value in arguments if not isinstance(value, Fraction)]
    return using.total([using.exact(fractions), *others]) if others else fractions


def _bounded(combine: Callable[[Fraction, Fraction], Fraction], arguments: list[Value], start: Fraction) -> Fraction:
    """The sum or product of the fractions among the arguments."""
    result = start
    for value in arguments:
        if isinstance(value, Fraction):
            result = combine(result, value)
            size = _bits(result)
            spend(size // 1000)
            if size > MOST_BITS:
                raise OutOfWork("an exact value is too long")
    return result


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _product(using: Arithmetic, arguments: list[Value]) -> Value:
    fractions = _bounded(operator.mul, arguments, Fraction(1))
    others = [value for value in arguments if not isinstance(value, Fraction)]
    if not all(using.is_bounded(value) for value in others):
        raise NotCheckable("a product with a factor that is not bounded")
    if not others or fractions == 0:
        return fractions
    return math.prod(others, start=using.exact(fractions))


def _power(using: Arithmetic, base: Value, exponent: Value) -> Value:
    if not isinstance(base, Fraction) or not isinstance(exponent, Fraction):
        return _interval_power(using, base, exponent)
    if base == 0:
        if exponent < 0:
            raise NotCheckable("a quotient by 0")
        return Fraction(int(exponent == 0))
    root = base if exponent.denominator == 1 else _square_root(base) if exponent.denominator == 2 else None
    if root is None:
        return _interval_power(using, base, exponent)
    if _bits(root) * abs(exponent.numerator) > MOST_BITS:
        raise OutOfWork("an exact value is too long")
    return root**exponent.numerator


def _interval_power(using: Arithmetic, base: Value, exponent: Value) -> Interval:
    symbol, other = sp.symbols("base exponent", real=True)
    # How a power is taken depends on an exponent that is known exactly.
    power = sp.Rational(exponent.numerator, exponent.denominator) if isinstance(exponent, Fraction) else other
    values = {symbol: _interval(using, base), other: _interval(using, exponent)}
    return value_of(using, sp.Pow(symbol, power, evaluate=False), values)


def _square_root(value: Fraction) -> Fraction | None:
    """The exact square root; None if it is not rational."""
    if value < 0:
        raise NotCheckable("a root of what is negative")
    parts = math.isqrt(value.numerator), math.isqrt(value.denominator)
    root = Fraction(*parts)
    return root if root * root == value else None
