"""The loss and its gradient at each data row, as expressions in the parameters alone."""

import sympy as sp

from adamsym.expressions.constants import bounded_substitution
from adamsym.gradients.laws import Empirical
from adamsym.gradients.problem import Problem


def substituted_rows(problem: Problem) -> list[list[sp.Expr]]:
    """Return for each row of an empirical law the loss and the entries of its gradient, with exact numbers.

    Raises
    ------
    InputError
        If a number in them would be too large or too long.
    """
    assert isinstance(problem.law, Empirical)
    found = []
    for k, row in enumerate(problem.law.exact_rows):
        values = {c: sp.Rational(x.numerator, x.denominator) for c, x in zip(problem.columns, row, strict=True)}
        place = f"problem.loss at data row {k}"
        entries = (problem.loss, *problem.gradient_expressions)
        found.append([bounded_substitution(entry, values, place) for entry in entries])
    return found
