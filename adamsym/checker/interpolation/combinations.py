"""Residuals r_j of rows as combinations of those of some rows, with rational numbers, found by exact elimination."""

from fractions import Fraction

import sympy as sp

from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.interpolation.squares import Squares
from adamsym.expressions.work import spend
from adamsym.gradients import Empirical

_Combination = dict[sp.Expr, Fraction]


def combinations(squares: Squares, rows: list[int]) -> list[list[Fraction]]:
    """Return for every row the numbers t_k with r_j = sum_k t_k r_k over the given rows, whatever the parameters.

    Raises
    ------
    NotCheckable
        If there are none, or the given rows are no different rows.
    """
    assert isinstance(squares.problem.law, Empirical)
    count = len(squares.problem.law.exact_rows)
    if len(set(rows)) != len(rows) or not all(0 <= row < count for row in rows):
        raise NotCheckable("rows that are not different rows of the data")
    unit = [[Fraction(int(k == m)) for m in range(len(rows))] for k in range(len(rows))]
    if len(rows) == count:
        return [unit[rows.index(j)] for j in range(count)]
    expanded = [_terms(squares, j) for j in range(count)]
    reduced: list[tuple[sp.Expr, _Combination, list[Fraction]]] = []
    for row, numbers in zip(rows, unit, strict=True):
        left, used = _without(expanded[row], numbers, reduced)
        if not left:
            raise NotCheckable(f"row {row} is a combination of others that are named")
        reduced.append((next(iter(left)), left, used))
    found = []
    for j in range(count):
        left, used = _without(expanded[j], [Fraction(0)] * len(rows), reduced)
        if left:
            raise NotCheckable(f"row {j} is no combination of the rows named")
        found.append([-x for x in used])
    return found


def _terms(squares: Squares, row: int) -> _Combination:
    """r of one row as a sum of terms without numerical factors; not all of them need be independent."""
    assert isinstance(squares.problem.law, Empirical)
    data = {
        column: sp.Rational(x.numerator, x.denominator)
        for column, x in zip(squares.problem.columns, squares.problem.law.exact_rows[row], strict=True)
    }
    terms: _Combination = {}
    parts = sp.Add.make_args(sp.expand(squares.base.subs(data)))
    spend(100 * len(parts))
    for part in parts:
        number, term = part.as_coeff_Mul()
        if not number.is_Rational:
            raise NotCheckable("a residual with a number that is not rational")
        terms[term] = terms.get(term, Fraction(0)) + Fraction(int(number.p), int(number.q))
    return {term: number for term, number in terms.items() if number}


def _without(
    terms: _Combination, numbers: list[Fraction], reduced: list[tuple[sp.Expr, _Combination, list[Fraction]]]
) -> tuple[_Combination, list[Fraction]]:
    """A combination less multiples of others, so that it has none of their leading terms; the same of its numbers."""
    left, used = dict(terms), list(numbers)
    for lead, other, other_numbers in reduced:
        share = left.get(lead, Fraction(0)) / other[lead]
        if not share:
            continue
        spend(len(other) + len(used))
        for term, number in other.items():
            left[term] = left.get(term, Fraction(0)) - share * number
        left = {term: number for term, number in left.items() if number}
        used = [x - share * y for x, y in zip(used, other_numbers, strict=True)]
    return left, used
