"""Expectations over the data of a problem, as SymPy expressions in its parameters."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from adamsym.gradients import Empirical, Independent, Problem
from adamsym.gradients.batches import batch_numbers
from adamsym.gradients.sampling import require_replacement
from adamsym.symbolic.symbols import EXPECTATION, j, r

MOST_ATOMS = 12
"""Laws with more atoms keep a sum over rows, or the letter E, in place of the terms."""


def rational(value: Fraction) -> sp.Rational:
    """Return a fraction as a SymPy number."""
    return sp.Rational(value.numerator, value.denominator)


def expectation(problem: Problem, coordinate: int, of: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """Return E[of(g)] for one coordinate g of the stochastic gradient.

    An exact finite sum for at most MOST_ATOMS gradient atoms; beyond, a sum over rows (batch size 1). For a continuous
    law polynomials of g (up to the square for minibatches) are averaged by the exact moments of the columns in which
    they are polynomials, and an integral is left over the other columns; an integral for other functions of g.
    Otherwise an unevaluated expectation of the mean over a minibatch.
    """
    gradient = problem.gradient_expressions[coordinate]
    atoms = gradient_atoms(problem, coordinate)
    if atoms is not None:
        return sp.Add(*(rational(probability) * of(value) for value, probability in atoms.items()))
    if isinstance(problem.law, Independent) and (powers := _powers(of)) is not None:
        highest = max(power for power, _ in powers)
        # Higher moments of a mean over a batch have more terms than anyone would read.
        if problem.batch_size == 1 or highest <= 2:
            raw = [_integral(problem, problem.law, gradient**n) for n in range(highest + 1)]
            moments = batch_moments(raw, problem.batch_size)
            found = sp.Add(*(coefficient * moments[power] for power, coefficient in powers))
            return found if found.has(sp.Integral) or highest > 2 else sp.expand(found)
    if problem.batch_size > 1:
        rows = {column: sp.IndexedBase(column)[j] for column in problem.columns}
        batch = sp.Sum(gradient.xreplace(rows), (j, 1, problem.batch_size)) / problem.batch_size
        return EXPECTATION(of(batch))
    if isinstance(problem.law, Empirical):
        return _sum_over_rows(problem, problem.law, of(gradient))
    if isinstance(problem.law, Independent):
        return _integral(problem, problem.law, of(gradient))
    return EXPECTATION(of(gradient))


# A derivation asks for the same few coordinates again and again; putting the data in takes long.
@lru_cache(maxsize=32)
def gradient_atoms(problem: Problem, coordinate: int) -> Mapping[sp.Expr, Fraction] | None:
    """Return the atoms of one coordinate of the stochastic gradient with their probabilities, equal atoms merged.

    None if the law is continuous or has more than MOST_ATOMS atoms.
    """
    require_replacement(problem.sampling, "a law of one minibatch")
    if not isinstance(problem.law, Empirical):
        return None
    law: Counter[tuple[Fraction, ...]] = Counter()
    for row, probability in zip(problem.law.exact_rows, problem.law.exact_probabilities, strict=True):
        law[row] += probability  # type: ignore[assignment]
    if math.comb(problem.batch_size + len(law) - 1, len(law) - 1) > MOST_ATOMS:
        return None
    gradient = problem.gradient_expressions[coordinate]
    values = [_at_row(gradient, problem.columns, row) for row in law]
    atoms: dict[sp.Expr, Fraction] = {}
    for counts in batch_numbers(len(law), problem.batch_size).astype(int).tolist():
        value = sp.Add(*(sp.Rational(n, problem.batch_size) * g for n, g in zip(counts, values, strict=True)))
        atoms[value] = atoms.get(value, Fraction(0)) + _multinomial(counts, [Fraction(p) for p in law.values()])
    return atoms


def _at_row(gradient: sp.Expr, columns: tuple[sp.Symbol, ...], row: tuple[Fraction, ...]) -> sp.Expr:
    return _put_in(gradient, _row_values(columns, row))


# The coordinates of a gradient have long subexpressions in common, and the small law of the checks rows of the problem.
@lru_cache(maxsize=64)
def _row_values(columns: tuple[sp.Symbol, ...], row: tuple[Fraction, ...]) -> dict[sp.Basic, sp.Basic]:
    return dict(zip(columns, map(rational, row), strict=True))


def _put_in(expression: Any, known: dict[sp.Basic, sp.Basic]) -> Any:
    """What ``xreplace`` returns, each distinct subexpression made once and added to what is ``known``."""
    if expression not in known:
        parts = [_put_in(part, known) for part in expression.args]
        kept = all(new is old for new, old in zip(parts, expression.args, strict=True))
        known[expression] = expression if kept else expression.func(*parts)
    return known[expression]


def _multinomial(counts: list[int], probabilities: list[Fraction]) -> Fraction:
    result = Fraction(math.factorial(sum(counts)))
    for n, probability in zip(counts, probabilities, strict=True):
        result *= probability**n / math.factorial(n)
    return result


def _sum_over_rows(problem: Problem, law: Empirical, term: sp.Expr) -> sp.Expr:
    size = len(law.exact_rows)
    equal = len(set(law.exact_probabilities)) == 1
    weight = sp.Rational(1, size) if equal else sp.IndexedBase(sp.Symbol("p", positive=True))[r]
    indexed = {column: sp.IndexedBase(column)[r] for column in problem.columns}
    summand = term.xreplace(indexed)
    return weight * sp.Sum(summand, (r, 1, size)) if equal else sp.Sum(weight * summand, (r, 1, size))


def _powers(of: Callable[[sp.Expr], sp.Expr]) -> list[tuple[int, sp.Expr]] | None:
    """The powers of g in a polynomial of g, with their coefficients; None if ``of`` is none."""
    g = sp.Dummy(real=True)
    term = of(g)
    return [(power, c) for (power,), c in sp.Poly(term, g).terms()] if term.is_polynomial(g) else None


def batch_moments(raw: Sequence[Any], batch_size: int) -> list[Any]:
    """Return the raw moments of the mean of ``batch_size`` independent draws: its n-th cumulant is kappa_n/B**(n-1)."""
    if batch_size == 1:
        return list(raw)
    cumulants: list[Any] = [0]
    for n in range(1, len(raw)):
        cumulants.append(raw[n] - sum(int(sp.binomial(n - 1, i - 1)) * cumulants[i] * raw[n - i] for i in range(1, n)))
    result: list[Any] = [raw[0]]
    for n in range(1, len(raw)):
        result.append(
            sum(
                int(sp.binomial(n - 1, i - 1)) * cumulants[i] / batch_size ** (i - 1) * result[n - i]
                for i in range(1, n + 1)
            )
        )
    return result


def _averaged(law: Independent, term: sp.Expr, columns: Sequence[sp.Symbol]) -> sp.Expr:
    """The mean of a polynomial in some columns over these columns, by their exact moments."""
    laws = dict(zip(law.names, law.columns, strict=True))
    return sp.Add(
        *(
            coefficient * sp.Mul(*(rational(laws[x.name].moment(n)) for x, n in zip(columns, powers, strict=True)))
            for powers, coefficient in sp.Poly(term, *columns).terms()
        )
    )


def _integral(problem: Problem, law: Independent, term: sp.Expr) -> sp.Expr:
    # Few laws come here, and it takes a tenth of a second to import.
    from sympy.stats import density as density_of

    polynomial = [column for column in problem.columns if term.is_polynomial(column)]
    integrand, limits = _averaged(law, term, polynomial) if polynomial else term, []
    for column in problem.columns:
        if column not in integrand.free_symbols:
            continue
        variable = law.symbolic[column.name]
        support = variable.pspace.domain.set
        # On the support the density is smooth; SymPy writes Uniform's as a case distinction.
        density = density_of(variable)(column)
        if isinstance(density, sp.Piecewise):
            density = density.args[0].expr
        integrand *= density
        limits.append((column, support.inf, support.sup))
    return sp.Integral(integrand, *limits) if limits else integrand
