"""Re-checks of what certificates of zeros say of sets of minima: of each leaf, and of a point in each set."""

from fractions import Fraction

from adamsym.certificates.form import ZerosCertificate, ZerosLeaf
from adamsym.certificates.minima_form import MinimaInBox, PointOfSet
from adamsym.certificates.parts import Box, Matrix
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.form import Form
from adamsym.checker.interpolation.bounds import Place
from adamsym.checker.interpolation.minima import fitted_rows, minima_fault
from adamsym.checker.interpolation.region import point_fault
from adamsym.checker.zeros import middle, sides
from adamsym.gradients import Problem, SymbolicGradient


def form_fault(certificate: ZerosCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis: dimensions, and where the points of sets lie; or None."""
    if certificate.sets and not (isinstance(problem, Problem) and problem.is_smooth):
        return "there are sets of minima, but no loss without kinks"
    own: list[list[ZerosLeaf]] = [[] for _ in certificate.sets]
    for leaf in certificate.leaves:
        if leaf.set is not None and leaf.inverse is not None:
            own[leaf.set].append(leaf)
            if not _fits(leaf.inverse, problem.dimension, len(certificate.sets[leaf.set].rows)):
                return "the inverse of a leaf does not fit the problem"
    for k, (one, leaves) in enumerate(zip(certificate.sets, own, strict=True)):
        point, d = one.point, problem.dimension
        if one.dimension != d - len(one.rows):
            return f"set {k}: the dimension is not the number of parameters less that of the rows"
        if point is not None and not (len(point.center) == d and _fits(point.inverse, d, len(one.rows))):
            return f"set {k}: the center or the inverse does not fit the problem"
        if not leaves or not (point is None or any(_holds(leaf.box, point) for leaf in leaves)):
            return f"set {k}: the point may lie in none of its leaves"
    return None


def _fits(matrix: Matrix, rows: int, columns: int) -> bool:
    return len(matrix) == rows and all(len(row) == columns for row in matrix)


def _holds(box: Box, point: PointOfSet) -> bool:
    """Whether a box holds all that is so near to the center."""
    near, center = Fraction(point.near), map(Fraction, point.center)
    return all(low <= x - near and x + near <= high for x, (low, high) in zip(center, box, strict=True))


def statement_fault(
    certificate: ZerosCertificate, problem: SymbolicGradient, form: Form, statement: MinimaInBox | ZerosLeaf
) -> str | None:
    """Return what is wrong with a set's point, or with a leaf of a set; or None."""
    if not isinstance(problem, Problem):
        raise NotCheckable("there is no loss")
    if form.decay != 0:
        return "with weight decay f does not vanish where L does"
    if isinstance(statement, MinimaInBox):
        if statement.point is None:
            return None
        basis = fitted_rows(form.using, problem, tuple(statement.rows)).basis
        place = Place(form.using, basis, statement.point.center, statement.point.inverse)
        return point_fault(place, statement.point.near)
    assert statement.set is not None
    assert statement.inverse is not None
    fitted = fitted_rows(form.using, problem, tuple(certificate.sets[statement.set].rows))
    center = middle(statement.box)
    # Above the true distances, for the differences are rounded.
    reaches = [max(x - low, high - x) * (1 + 2.0**-50) for x, (low, high) in zip(center, statement.box, strict=True)]
    place = Place(form.using, fitted.basis, center, statement.inverse)
    return minima_fault(fitted, form, place, sides(form.using, statement.box), reaches, only=True)
