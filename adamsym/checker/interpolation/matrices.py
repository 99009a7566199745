"""Systems of matrices of intervals, and a bound of their spectral norms."""

import math
from collections.abc import Sequence

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.expressions.work import spend

Matrix = list[list[Interval]]
Rows = Sequence[Sequence[Interval]]

_SMALL = 2.0**-30
"""Norms below this hardly count beside 1: rows and columns bound them well enough."""

_FIRST, _SQUARINGS = 4, 10
_GAIN = 1 - 2.0**-30
"""A squaring after the first few that lowers the bound by less than this is the last: all others together would too."""


def solved(using: Arithmetic, matrix: Rows, right: Rows) -> Matrix:
    """Return the X with ``matrix`` X = ``right`` for a symmetric positive definite matrix, by elimination.

    Raises
    ------
    NotCheckable
        If a pivot is not proven positive.
    """
    count = len(matrix)
    spend(2 * count * count * (count + len(right[0])))
    rows = [[*line, *other] for line, other in zip(matrix, right, strict=True)]
    for k in range(count):
        if not rows[k][k] > 0:
            raise NotCheckable("a matrix that is not proven positive definite")
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(count):
            if i != k:
                factor = rows[i][k]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[count:] for row in rows]


def spectral_bound(using: Arithmetic, matrix: Rows) -> Interval:
    """Return a bound of a matrix's spectral norm.

    |X|^2 is at most the largest sum of magnitudes of a row times that of a column. And |X|^2 = |G|, G = X^T X, where
    |G|^m is at most the Frobenius norm of G^m, m = 1, 2, 4, ... 2^10.
    """
    columns = [list(column) for column in zip(*matrix, strict=True)]
    by_sums = using.upper(using.root(_largest_sum(using, matrix) * _largest_sum(using, columns)))
    if by_sums <= _SMALL:
        return by_sums
    gram, scale, before = using.matrix_product(columns, matrix), using.number(1), using.number(math.inf)
    for k in range(_SQUARINGS + 1):
        # Kept near 1: so that all entries stay in the range of the arithmetic.
        size = using.largest(gram[i][i] for i in range(len(gram)))
        if not size > 0:
            return using.number(0)
        gram, scale = [[x / size for x in row] for row in gram], scale * size
        bound = using.upper(scale * using.root(using.total(using.square(x) for row in gram for x in row)))
        for _ in range(k + 1):
            bound = using.upper(using.root(bound))
        if k == _SQUARINGS or (k >= _FIRST and bound >= before * _GAIN):
            break
        gram, scale, before = using.matrix_product(gram, gram), using.square(scale), bound
    return using.least_bound([by_sums, before, bound])


def _largest_sum(using: Arithmetic, rows: Rows) -> Interval:
    return using.largest(using.total(using.magnitude(x) for x in row) for row in rows)
