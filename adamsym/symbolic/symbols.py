"""The paper's symbols, as SymPy symbols that no symbol of a problem can equal."""

from functools import cache
from typing import Any

import sympy as sp

from adamsym.methods import Adam

# A problem's own symbols are real and nothing more: "positive" and "integer" keep these apart from them.
alpha, beta, epsilon, eta = sp.symbols("alpha beta epsilon eta", positive=True)
s, t, v = sp.symbols("s t v", positive=True)
k, j = sp.symbols("k j", integer=True, nonnegative=True)
r = sp.Symbol("r", integer=True, positive=True)

EXPECTATION: Any = sp.Function(r"\mathbb{E}")
"""The expectation, as an operator that SymPy does not expand."""

RESERVED = frozenset("stvkjrgmpqyABDEFGKLMNPSVC") | {
    *("alpha", "beta", "epsilon", "eta", "mu", "sigma", "rho", "phi", "varphi", "kappa", "delta", "pi", "chi", "omega"),
    *("sigma_4", "sigma4", "c_12", "c12", "kappa_3", "kappa3"),
}
"""Names that mean something in a derivation: a parameter or column of this name is printed in another face."""


def phi(value: sp.Expr) -> sp.Expr:
    """Return Adam's denominator kernel 1/(sqrt(value) + epsilon)."""
    return 1 / (sp.sqrt(value) + epsilon)


def adam_values(adam: Adam) -> dict[sp.Symbol, sp.Rational]:
    """Return the exact values of alpha, beta, epsilon and eta = 1 - beta."""
    exact = {alpha: adam.alpha, beta: adam.beta, epsilon: adam.epsilon, eta: 1 - adam.beta}
    return {letter: sp.Rational(value.numerator, value.denominator) for letter, value in exact.items()}


def geometric_sum(ratio: sp.Expr) -> sp.Expr:
    """Return the sum of ratio**k over k >= 0, for |ratio| < 1, as SymPy finds it."""
    base, value = _geometric_series()
    return value.subs(base, ratio)


@cache
def _geometric_series() -> tuple[sp.Dummy, sp.Expr]:
    base = sp.Dummy("x", positive=True)
    value = sp.Sum(base**k, (k, 0, sp.oo)).doit()
    if not isinstance(value, sp.Piecewise) or value.args[0].cond != (base < 1):
        raise ArithmeticError("SymPy did not sum the geometric series")
    return base, value.args[0].expr
