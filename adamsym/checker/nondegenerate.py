"""Re-checks that a fold is the only one in its box, and nondegenerate (theory N-Proposition 10(iii)).

With B = (Df, w; v', 0), B (r, g) = (0, 1) and (l, g) B = (0, 1): Df is singular iff g = 0, and r and l span its
kernels then. Wherever f and g may vanish, l D^2f[r, r] times l df/dp has the sign with which p turns back.
"""

from collections.abc import Sequence

from adamsym.certificates.branch_form import FoldEntry, FoldLeaf, NondegenerateEntry
from adamsym.checker.arithmetic import Arithmetic, Interval, is_not_zero
from adamsym.checker.bends import bent
from adamsym.checker.field import field_over
from adamsym.checker.form import Form
from adamsym.checker.pushes import FINEST, Parameter, pushed
from adamsym.checker.tiling import fills
from adamsym.checker.zeros import direction_holds, sides
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient

DEPTH = 10
"""The values of a part of the box may be halved so many times."""

_REFINEMENTS = 4


def form_fault(fold: FoldEntry, entry: NondegenerateEntry) -> str | None:
    """Return what is wrong before any analysis, or None."""
    d = len(fold.box)
    if len(entry.right) != d or len(entry.left) != d or [len(row) for row in entry.inverse] != [d + 1] * (d + 1):
        return "vectors or the matrix do not fit the problem"
    if any(leaf.zero is not None for leaf in entry.leaves):
        return "a zero is named where curves of zeros are meant"
    if any(leaf.direction is not None and len(leaf.direction) != d for leaf in entry.leaves):
        return "a direction does not fit the problem"
    if not fills(fold.box, [leaf.box for leaf in entry.leaves]):
        return "the boxes do not fill that of the fold by halving"
    return None


def holds(
    entry: NondegenerateEntry,
    leaf: FoldLeaf,
    problem: SymbolicGradient,
    form: Form,
    parameter: Parameter,
    side: int,
) -> bool:
    """Return whether for all values in the problem and the form no curve of zeros in a leaf turns but to the ``side``.

    1 is where the parameter has its largest value, -1 where it has the least.
    """
    using, box = form.using, leaf.box
    if direction_holds(problem, form, box, entry.left, 1, None):
        return True
    theta = sides(using, box)
    slopes = field_over(problem, form, theta, slopes=True, tolerance=FINEST).jacobian
    right = _solved(using, slopes, entry.right, entry.left, entry.inverse)
    if right is None:
        return False
    if is_not_zero(right[-1]):
        return True
    transposed, inverse = ([list(column) for column in zip(*rows, strict=True)] for rows in (slopes, entry.inverse))
    left = _solved(using, transposed, entry.left, entry.right, inverse)
    if left is None:
        return False
    kernel = left[:-1]
    curvature = using.dot(kernel, bent(problem, form, theta, right[:-1]))
    push = using.dot(kernel, pushed(problem, form, theta, parameter))
    return bool(side * curvature * push > 0)


def _solved(
    using: Arithmetic,
    slopes: Sequence[Sequence[Interval]],
    border: Sequence[float],
    column: Sequence[float],
    inverse: Sequence[Sequence[float]],
) -> list[Interval] | None:
    """The solution of (Df, column; border', 0) x = (0, 1), x = Y e + (1 - Y B) x; None if B may be singular."""
    d = len(border)
    spend(4 * (d + 1) ** 3)
    matrix = [[*row, using.number(w)] for row, w in zip(slopes, column, strict=True)]
    matrix.append([*map(using.number, border), using.number(0)])
    product = using.matrix_product([list(map(using.number, row)) for row in inverse], matrix)
    defect = [[int(i == j) - x for j, x in enumerate(row)] for i, row in enumerate(product)]
    norm = using.largest(using.total(map(using.magnitude, row)) for row in defect)
    if not norm < 1:
        return None
    first = [using.number(row[d]) for row in inverse]
    reach = using.upper(using.largest(map(using.magnitude, first)) / (1 - norm))
    found = [using.around_zero(reach)] * (d + 1)
    for _ in range(_REFINEMENTS):
        found = [using.overlap(x, y + using.dot(row, found)) for x, y, row in zip(found, first, defect, strict=True)]
    return found
