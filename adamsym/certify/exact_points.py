"""What is proven exactly at rational points: all rows' gradients are 0 there, or the loss is no more than 0.

An expression's value is a fraction as long as it is one, and a ball otherwise. A ball that contains 0 proves nothing
about being 0; one of radius 0 is a number.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint
import sympy as sp

from adamsym.certify.boxes import Point
from adamsym.expressions.ball_functions import BALL_NAMESPACE
from adamsym.expressions.domain import DomainError
from adamsym.expressions.functions import implementations
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.continuous_gradients import continuous_gradients
from adamsym.gradients import Empirical, Independent, Problem, SymbolicGradient

MOST_BITS = 50_000
"""Longest numerator or denominator of an exact power; beyond, a value counts as unknown."""


class _Undefined(Exception):
    """An expression has no finite value, or none that is known."""


def vanishes(problem: SymbolicGradient, point: Point) -> bool:
    """Whether every row's gradient is proven to be exactly 0 at a rational point."""
    if not _is_in_domain(problem, point):
        return False
    if isinstance(problem.law, Independent):
        # Affine in the data: the start and the factors are 0.
        known: dict[sp.Expr, Any] = dict(zip(problem.parameters, point, strict=True))
        with ball_arithmetic():
            values = [_value_or_none(entry, known) for entry in continuous_gradients(problem).coefficients]
        return all(isinstance(x, Fraction) and x == 0 for x in values)
    rows = _rows(problem, point, problem.gradient_expressions)
    return all(isinstance(x, Fraction) and x == 0 for row in rows for x in row)


def loss_is_at_most_zero(problem: Problem, point: Point) -> bool:
    """Whether the mean loss is proven to be 0 or negative at a rational point."""
    assert isinstance(problem.law, Empirical)
    if not _is_in_domain(problem, point):
        return False
    exact, rest = Fraction(0), flint.arb(0)
    with ball_arithmetic():
        for p, (loss,) in zip(problem.law.exact_probabilities, _rows(problem, point, (problem.loss,)), strict=True):
            if loss is None:
                return False
            if isinstance(loss, Fraction):
                exact += p * loss
            else:
                rest += ball(p) * loss
        return exact <= 0 if rest == 0 else bool(ball(exact) + rest <= 0)


def _is_in_domain(problem: SymbolicGradient, point: Point) -> bool:
    """Whether the loss as written is proven to be real and finite at a point, for every row."""
    try:
        with ball_arithmetic():
            theta = [ball(x) for x in point]
            if isinstance(problem.law, Independent):
                continuous_gradients(problem).require_domain(theta)
            else:
                problem.require_domain(theta)
    except DomainError:
        return False
    return True


def _rows(problem: SymbolicGradient, point: Point, expressions: Sequence[sp.Expr]) -> Iterator[list[Any]]:
    """Every row's values of some expressions at a point; None for what is not defined, or not known."""
    assert isinstance(problem.law, Empirical)
    at: dict[sp.Expr, Any] = dict(zip(problem.parameters, point, strict=True))
    for row in problem.law.exact_rows:
        known = at | dict(zip(problem.columns, row, strict=True))
        with ball_arithmetic():
            yield [_value_or_none(entry, known) for entry in expressions]


def _value_or_none(expression: sp.Expr, known: dict[sp.Expr, Any]) -> Any:
    try:
        return _value(expression, known)
    except _Undefined:
        return None


def _value(node: sp.Expr, known: dict[sp.Expr, Any]) -> Any:
    """A fraction or a ball that holds an expression's value; ``known`` keeps those of its parts."""
    if node not in known:
        known[node] = _exactly(_evaluated(node, [_value(argument, known) for argument in node.args]))
    return known[node]


def _evaluated(node: sp.Expr, arguments: list[Any]) -> Any:
    if node.is_Rational:
        return Fraction(int(node.p), int(node.q))
    if node in _CONSTANTS:
        return _CONSTANTS[node]()
    if node.is_Pow:
        return _power(arguments[0], arguments[1])
    fractions = [x for x in arguments if isinstance(x, Fraction)]
    balls = [x for x in arguments if not isinstance(x, Fraction)]
    if node.is_Add:
        exact = sum(fractions, Fraction(0))
        return sum(balls, ball(exact)) if balls else exact
    if node.is_Mul:
        exact = math.prod(fractions, start=Fraction(1))
        return math.prod(balls, start=ball(exact)) if balls and exact else exact
    name = type(node).__name__
    functions = implementations("ball", BALL_NAMESPACE)
    if name not in functions or not arguments:
        raise _Undefined
    return functions[name](*(ball(x) if isinstance(x, Fraction) else x for x in arguments))


_CONSTANTS: Mapping[sp.Expr, Callable[[], flint.arb]] = {sp.pi: flint.arb.pi, sp.E: lambda: flint.arb(1).exp()}


def _exactly(value: Any) -> Any:
    """A ball of radius 0 as the fraction that it is."""
    if isinstance(value, Fraction):
        return value
    if not value.is_finite():
        raise _Undefined
    if value.rad() != 0:
        return value
    mantissa, exponent = (int(part) for part in value.mid().man_exp())
    if abs(exponent) > MOST_BITS:
        return value
    return Fraction(mantissa) * Fraction(2) ** exponent


def _power(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, Fraction):
        raise _Undefined
    numerator, denominator = exponent.numerator, exponent.denominator
    if isinstance(base, Fraction) and denominator == 1:
        if base == 0 and numerator < 0:
            raise _Undefined
        if max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(numerator) > MOST_BITS:
            raise _Undefined
        return base**numerator
    value = ball(base) if isinstance(base, Fraction) else base
    if denominator == 2:
        value = value.sqrt()
    elif denominator != 1:
        raise _Undefined
    power = BALL_NAMESPACE["integer_power"](value, abs(numerator))
    return power if numerator > 0 else 1 / power
