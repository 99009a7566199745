"""Expressions as text for Coq, over the real and over the rational numbers; exact values of rational ones."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from adamsym.expressions.functions import log1p
from adamsym.formal.elementary import LOGARITHMS, TOTAL, is_root


def value(expression: sp.Expr, values: Mapping[str, Fraction]) -> Fraction:
    """Return the exact value of a rational expression; ``values`` has a number for each symbol's name.

    Raises
    ------
    ZeroDivisionError
        If a denominator vanishes.
    """
    if isinstance(expression, sp.Symbol):
        return values[expression.name]
    if isinstance(expression, sp.Rational):
        return Fraction(int(expression.p), int(expression.q))
    parts = [value(part, values) for part in expression.args if not isinstance(expression, sp.Pow)]
    if isinstance(expression, sp.Add):
        return sum(parts, Fraction(0))
    if isinstance(expression, sp.Mul):
        product = Fraction(1)
        for part in parts:
            product *= part
        return product
    base, exponent = expression.args
    return value(base, values) ** int(exponent)


def is_smooth_everywhere(expression: sp.Expr) -> bool:
    """Return whether no quotient, logarithm or root is in the expression, which could be undefined somewhere."""
    return not any(
        is_root(part) or type(part) in LOGARITHMS or (isinstance(part, sp.Pow) and part.exp < 0)
        for part in sp.preorder_traversal(expression)
    )


def real_text(expression: sp.Expr, names: Callable[[str], str]) -> str:
    """Return the expression as a term of type R; ``names`` says what stands for a symbol of a name."""
    return _text(expression, names, _real_number, "/ ")


def rational_text(expression: sp.Expr, names: Callable[[str], str]) -> str:
    """Return the expression as a term of type Q, for the scope Q_scope."""
    return _text(expression, names, rational_number, "/ ")


def rational_number(number: Fraction) -> str:
    """Return a constant of type Q."""
    return f"({number.numerator} # {number.denominator})"


def _real_number(number: Fraction) -> str:
    top = str(number.numerator) if number >= 0 else f"({number.numerator})"
    return top if number.denominator == 1 else f"({number.numerator} / {number.denominator})"


def _text(expression: sp.Expr, names: Callable[[str], str], number: Callable[[Fraction], str], inverse: str) -> str:
    def shown(part: sp.Expr) -> str:
        if isinstance(part, sp.Symbol):
            return names(part.name)
        if isinstance(part, sp.Rational):
            return number(Fraction(int(part.p), int(part.q)))
        if is_root(part):
            return f"({inverse if part.exp < 0 else ''}(sqrt {shown(part.base)}))"
        if type(part) in TOTAL:
            return f"({TOTAL[type(part)]} {shown(part.args[0])})"
        if type(part) in LOGARITHMS:
            argument = shown(part.args[0])
            return f"(ln (1 + {argument}))" if isinstance(part, log1p) else f"(ln {argument})"
        if isinstance(part, sp.Pow):
            # Products and not powers: they are the same in R and in Q.
            product = " * ".join([shown(part.base)] * abs(int(part.exp)))
            return f"({product})" if part.exp > 0 else f"({inverse}({product}))"
        join = " + " if isinstance(part, sp.Add) else " * "
        return f"({join.join(shown(piece) for piece in part.args)})"

    return shown(expression)
