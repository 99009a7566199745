"""Expressions with exp, tanh and their like: what Coq calls these functions, and rational bounds of their values."""

from collections.abc import Mapping
from fractions import Fraction

import mpmath as mp
import sympy as sp

from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.functions import log1p, sigmoid, softplus

TOTAL: dict[type[sp.Expr], str] = {
    sp.exp: "exp",
    sp.tanh: "tanh",
    sp.sin: "sin",
    sp.cos: "cos",
    sigmoid: "sigmoid",
    softplus: "softplus",
}
"""Smooth functions of every real number, and their names in Coq."""

LOGARITHMS: dict[type[sp.Expr], str] = {sp.log: "ln", log1p: "ln"}

_WORKING_BITS = 400
_COQ_BITS = 110
"""Ten fewer than Coq's intervals have here."""

_BITS = 50
"""The bounds of a value are some 2^-50 of it apart, and never closer than 2^-100."""

Bounds = tuple[Fraction, Fraction]


def is_root(part: sp.Expr) -> bool:
    """Return whether the expression is a square root or one over it."""
    return isinstance(part, sp.Pow) and abs(part.exp) == sp.Rational(1, 2)


def is_function(part: sp.Expr) -> bool:
    """Return whether the expression is a function's value that Coq's library has, and no rational expression."""
    return type(part) in TOTAL or type(part) in LOGARITHMS or is_root(part)


def functions(expression: sp.Expr) -> list[sp.Expr]:
    """Return all functions' values in the expression."""
    return [part for part in sp.preorder_traversal(expression) if is_function(part)]


def require_elementary(expression: sp.Expr, place: str) -> None:
    """Raise NotApplicable if anything stands in the expression that has no text in Coq."""
    for part in sp.preorder_traversal(expression):
        whole_power = isinstance(part, sp.Pow) and isinstance(part.exp, sp.Integer)
        plain = isinstance(part, (sp.Symbol, sp.Rational, sp.Add, sp.Mul)) or whole_power
        if not (plain or is_function(part)):
            raise NotApplicable(
                f"{place}: {str(part)[:60]} has no text for Coq; statements are made of polynomials, quotients, and "
                "exp, log, sqrt, tanh, sigmoid, softplus, sin, cos"
            )


def require_comparable(loss: sp.Expr, gradient: sp.Expr, place: str) -> None:
    """Raise NotApplicable unless Coq's derivative of the loss has the functions' values of the gradient in it.

    Coq compares the two as rational expressions in these values, and knows no law such as that of exp's powers.
    """
    known = {sp.expand(_argument(part)) for part in functions(loss)}
    for part in functions(gradient):
        argument = sp.expand(_argument(part))
        # The derivative of sigmoid(z) is sigmoid(z) sigmoid(-z).
        if argument not in known and not (isinstance(part, sigmoid) and sp.expand(-argument) in known):
            raise NotApplicable(
                f"{place}: {str(part)[:60]} stands in the gradient and has no like in the loss; Coq would not see that "
                "the one is the derivative of the other"
            )


def _argument(part: sp.Expr) -> sp.Expr:
    return part.base if isinstance(part, sp.Pow) else part.args[0]


def value_bounds(expression: sp.Expr, values: Mapping[str, Fraction]) -> Bounds:
    """Return rational numbers that the expression's value lies between; Coq proves it again.

    Raises
    ------
    ZeroDivisionError
        If the expression is not defined there.
    NotApplicable
        If so many figures cancel that Coq would not see the bounds.
    """
    with mp.workprec(_COQ_BITS):
        rough = _value(expression, values)
    with mp.workprec(_WORKING_BITS):
        number = _value(expression, values)
        if not isinstance(number, mp.mpf) or not mp.isfinite(number):
            raise ZeroDivisionError(str(expression)[:60])
        spacing = Fraction(2) ** (max(int(mp.frexp(number)[1]), -_BITS) - _BITS)
        in_spacings = number * spacing.denominator / spacing.numerator
        if not abs(rough * spacing.denominator / spacing.numerator - in_spacings) < 2**-10:
            raise NotApplicable(f"--at: too many figures cancel in {str(expression)[:60]} for Coq to bound it there")
        whole = int(mp.floor(in_spacings))
    return (whole - 1) * spacing, (whole + 2) * spacing


def _value(expression: sp.Expr, values: Mapping[str, Fraction]) -> mp.mpf:
    if isinstance(expression, sp.Symbol):
        exact = values[expression.name]
        return mp.mpf(exact.numerator) / exact.denominator
    if isinstance(expression, sp.Rational):
        return mp.mpf(int(expression.p)) / int(expression.q)
    parts = [_value(part, values) for part in expression.args]
    if isinstance(expression, sp.Add):
        return sum(parts, mp.mpf(0))
    if isinstance(expression, sp.Mul):
        return mp.fprod(parts)
    if isinstance(expression, sp.Pow):
        return mp.power(*parts)
    return _FUNCTIONS[type(expression)](*parts)


_FUNCTIONS = {
    sp.exp: mp.exp,
    sp.tanh: mp.tanh,
    sp.sin: mp.sin,
    sp.cos: mp.cos,
    sp.log: mp.log,
    log1p: mp.log1p,
    sigmoid: lambda z: 1 / (1 + mp.exp(-z)),
    softplus: lambda z: mp.log1p(mp.exp(z)),
}
