"""Matrices of intervals, and a bound of their spectral norms."""

from collections.abc import Sequence

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.expressions.work import spend

Matrix = list[list[Interval]]
Rows = Sequence[Sequence[Interval]]

_SQUARINGS = 10


def product(using: Arithmetic, left: Rows, right: Rows) -> Matrix:
    """Return the product of two matrices; entries of the first that are exactly 0 are passed over."""
    found = []
    for row in left:
        entries = [(x, y) for x, y in zip(row, right, strict=True) if not _is_zero(x)]
        spend(2 * len(entries) * len(right[0]))
        found.append([using.total(x * y[m] for x, y in entries) for m in range(len(right[0]))])
    return found


def _is_zero(x: Interval) -> bool:
    """Whether x is the number 0: of balls ``x != 0`` says more than that it is not."""
    return bool(x == 0)


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

    |X|^2 = |G|, G = X^T X, and |G|^m is at most the Frobenius norm of G^m, m = 2^10.
    """
    gram = product(using, [list(column) for column in zip(*matrix, strict=True)], matrix)
    scale = using.number(1)
    for _ in range(_SQUARINGS):
        # Kept near 1: so that all entries stay in the range of the arithmetic.
        size = using.largest(gram[i][i] for i in range(len(gram)))
        if not size > 0:
            return using.number(0)
        gram = [[x / size for x in row] for row in gram]
        gram, scale = product(using, gram, gram), using.square(scale * size)
    bound = using.upper(scale * using.root(using.total(using.square(x) for row in gram for x in row)))
    for _ in range(_SQUARINGS + 1):
        bound = using.upper(using.root(bound))
    return bound
