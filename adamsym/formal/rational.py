"""Rational expressions: their exact values, and their text in Coq over the real and over the rational numbers."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from adamsym.expressions.errors import NotApplicable


def require_rational(expression: sp.Expr, place: str) -> None:
    """Raise NotApplicable unless only sums, products, whole powers and rational numbers stand in the expression."""
    for part in sp.preorder_traversal(expression):
        whole_power = isinstance(part, sp.Pow) and isinstance(part.exp, sp.Integer)
        if not (isinstance(part, (sp.Symbol, sp.Rational, sp.Add, sp.Mul)) or whole_power):
            raise NotApplicable(
                f"{place}: {str(part)[:60]} is no rational expression; statements for Coq are made of polynomials and "
                "quotients of polynomials"
            )


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


def denominators(expression: sp.Expr) -> list[sp.Expr]:
    """Return the bases of all negative powers: where none of them is 0, the expression is finite and smooth."""
    found = [part.base for part in sp.preorder_traversal(expression) if isinstance(part, sp.Pow) and part.exp < 0]
    return list(dict.fromkeys(found))


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
        if isinstance(part, sp.Pow):
            # Products and not powers: they are the same in R and in Q.
            product = " * ".join([shown(part.base)] * abs(int(part.exp)))
            return f"({product})" if part.exp > 0 else f"({inverse}({product}))"
        join = " + " if isinstance(part, sp.Add) else " * "
        return f"({join.join(shown(piece) for piece in part.args)})"

    return shown(expression)
