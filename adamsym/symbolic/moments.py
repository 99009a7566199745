"""Moments of a problem's stochastic gradient: as SymPy expressions, and as numbers at a point."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import mpmath
import sympy as sp

from adamsym.gradients import Empirical, Problem
from adamsym.symbolic.expansion import mean, moment_letters, second_moment
from adamsym.symbolic.expectation import batch_moments, expectation


def moment_expressions(problem: Problem, coordinate: int, order: int) -> dict[sp.Symbol, sp.Expr]:
    """Return the moments that the expansion of this order needs, by letter; all but m and S in terms of m and S."""
    found = {
        mean: expectation(problem, coordinate, lambda g: g),
        second_moment: expectation(problem, coordinate, lambda g: g**2),
    }
    for letter, (i, n) in moment_letters(order).items():
        found[letter] = expectation(problem, coordinate, _power(i, n))
    return found


def _power(i: int, n: int) -> Any:
    return lambda g: (g - mean) ** i * (g**2 - second_moment) ** n


def moment_numbers(problem: Problem, theta: Sequence[Any], order: int) -> list[dict[sp.Symbol, Any]]:
    """Return the same moments as mpmath numbers at ``theta``, one dictionary per coordinate.

    At mpmath's working precision for an empirical law; from the law's float64 quadrature rule for a continuous one.
    """
    return [_by_letter(raw, order) for raw in raw_moments(problem, theta, max(2, 4 * order + 1))]


def raw_moments(problem: Problem, theta: Sequence[Any], highest: int) -> list[list[Any]]:
    """Return E[g**n], n = 0, ..., ``highest``, of the stochastic gradient at ``theta``: a list per coordinate."""
    if isinstance(problem.law, Empirical):
        gradients = problem.row_gradients_mpmath([mpmath.mpf(x) for x in theta])
        weights = [mpmath.mpf(p.numerator) / p.denominator for p in problem.law.exact_probabilities]
    else:
        rows, rule = problem.law.discretise(problem.law.levels - 1)
        gradients = problem.row_gradients([float(x) for x in theta], rows).tolist()
        weights = [mpmath.mpf(float(w)) for w in rule]
    result = []
    for i in range(problem.dimension):
        column = [mpmath.mpf(gradient[i]) for gradient in gradients]
        powers, rows_moments = list(weights), [mpmath.fsum(weights)]
        for _ in range(highest):
            powers = [power * value for power, value in zip(powers, column, strict=True)]
            rows_moments.append(mpmath.fsum(powers))
        result.append(batch_moments(rows_moments, problem.batch_size))
    return result


def _by_letter(raw: Sequence[Any], order: int) -> dict[sp.Symbol, Any]:
    found = {mean: raw[1], second_moment: raw[2]}
    for letter, (i, n) in moment_letters(order).items():
        found[letter] = sum(_number(coefficient, raw) * raw[power] for power, coefficient in _coefficients(i, n))
    return found


@cache
def _coefficients(i: int, n: int) -> tuple[tuple[int, Any], ...]:
    """Powers of g in (g - m)**i (g**2 - S)**n with their coefficients in m and S, as functions."""
    g = sp.Symbol("g", real=True)
    polynomial = sp.Poly(sp.expand((g - mean) ** i * (g**2 - second_moment) ** n), g)
    return tuple((power, coefficient) for (power,), coefficient in polynomial.terms())


def _number(coefficient: sp.Expr, raw: Sequence[Any]) -> Any:
    return sum(int(c) * raw[1] ** a * raw[2] ** b for (a, b), c in sp.Poly(coefficient, mean, second_moment).terms())
