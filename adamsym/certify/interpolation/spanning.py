"""Rows whose residuals span those of all rows: where they vanish, all do."""

from dataclasses import dataclass, replace
from fractions import Fraction

import flint
import numpy as np
import sympy as sp

from adamsym.certify.interpolation.residuals import Residuals
from adamsym.expressions.work import spend

_MOST_ENTRIES = 200_000
"""Coefficients of all rows' residuals beyond which no combinations are looked for."""

_INDEPENDENT = 1e-9
"""Ratio of singular values above which floats show that residuals are linearly independent."""

_SEED = 0


@dataclass(frozen=True, eq=False)
class SpannedRows:
    """Residuals R_j = sqrt(2 c_j) r_j of all rows, with r_j = sum_k ``coefficients``[j][k] r_{rows[k]}, exactly.

    ``basis`` are the residuals of the ``rows`` alone. For all rows the coefficients are those of the unit matrix.
    """

    all: Residuals
    rows: tuple[int, ...]
    coefficients: tuple[tuple[Fraction, ...], ...]
    basis: Residuals

    @property
    def dimension(self) -> int:
        """How many dimensions are left where the gradients of the basis are linearly independent."""
        return self.all.problem.dimension - len(self.rows)


def spanned(residuals: Residuals) -> SpannedRows | None:
    """Return the rows that span all; all of them where no combination with rational numbers is found.

    None if floats show at least as many independent residuals as there are parameters.
    """
    count, rank = residuals.count, _rank(residuals)
    if rank >= residuals.problem.dimension:
        return None
    found = None if rank == count else _combinations(residuals)
    if found is None or len(found[0]) == count:
        unit = tuple(tuple(Fraction(int(j == k)) for k in range(count)) for j in range(count))
        return SpannedRows(residuals, tuple(range(count)), unit, residuals)
    rows, coefficients = found
    data = tuple(residuals.rows[k] for k in rows)
    weights = tuple(residuals.probabilities[k] for k in rows)
    return SpannedRows(residuals, rows, coefficients, replace(residuals, rows=data, probabilities=weights))


def _rank(residuals: Residuals) -> int:
    """How many residuals are linearly independent as functions, by their values at some points; 0 if unknown."""
    d = residuals.problem.dimension
    draws = np.random.default_rng(_SEED).normal(size=(min(residuals.count, d) + 4, d))
    values = np.array([residuals.at(theta)[0] for theta in draws])
    if not np.isfinite(values).all():
        return 0
    values /= np.maximum(np.linalg.norm(values, axis=0), np.finfo(float).tiny)
    sizes = np.linalg.svd(values, compute_uv=False)
    return int((sizes > _INDEPENDENT * sizes[0]).sum())


def _combinations(residuals: Residuals) -> tuple[tuple[int, ...], tuple[tuple[Fraction, ...], ...]] | None:
    """The first rows that are no combinations of those before them, and every row as a combination of these."""
    columns = residuals.problem.columns
    expanded = []
    for row in residuals.rows:
        values = {column: sp.Rational(x.numerator, x.denominator) for column, x in zip(columns, row, strict=True)}
        terms = sp.expand(residuals.root.xreplace(values)).as_coefficients_dict()
        expanded.append({term: number for term, number in terms.items() if number != 0})
    terms = list(dict.fromkeys(term for row in expanded for term in row))
    if len(terms) * residuals.count > _MOST_ENTRIES or not all(
        number.is_Rational for row in expanded for number in row.values()
    ):
        return None
    spend(len(terms) * residuals.count * min(len(terms), residuals.count))
    zero = sp.Integer(0)
    matrix = flint.fmpq_mat(
        [[flint.fmpq(int(row.get(term, zero).p), int(row.get(term, zero).q)) for row in expanded] for term in terms]
    )
    reduced, rank = matrix.rref()
    lines = [[Fraction(int(x.p), int(x.q)) for x in line] for line in reduced.tolist()[:rank]]
    rows = tuple(next(j for j, x in enumerate(line) if x) for line in lines)
    return rows, tuple(tuple(line[j] for line in lines) for j in range(residuals.count))
