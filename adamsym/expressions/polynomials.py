"""Polynomials of bounded size: expressions come from strangers, and (a + b)**10000 must not be multiplied out."""

import math
from collections.abc import Sequence

import sympy as sp

MOST_TERMS = 5_000


def bounded_polynomial(expression: sp.Expr, symbols: Sequence[sp.Symbol]) -> sp.Poly | None:
    """Return an expression as a polynomial over the rationals; None if it is none or may be too large."""
    degree = _degree(expression, set(symbols))
    if degree is None or math.comb(degree + len(symbols), len(symbols)) > MOST_TERMS:
        return None
    try:
        return sp.Poly(expression, *symbols, domain="QQ")
    except sp.PolynomialError:
        return None


def _degree(expression: sp.Expr, symbols: set[sp.Symbol]) -> int | None:
    """A bound of the total degree, without multiplying out; None if the expression is no polynomial."""
    if expression in symbols:
        return 1
    if expression.is_Rational:
        return 0
    degrees = [_degree(argument, symbols) for argument in expression.args]
    if expression.is_Add and None not in degrees:
        return max(degree for degree in degrees if degree is not None)
    if expression.is_Mul and None not in degrees:
        return sum(degree for degree in degrees if degree is not None)
    if expression.is_Pow and degrees[0] is not None and expression.exp.is_Integer and expression.exp > 0:
        return degrees[0] * int(expression.exp)
    return None
