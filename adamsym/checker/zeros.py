"""Re-checks of certified zeros: exclusions, Krawczyk's operator, stability."""

from collections.abc import Sequence

from mpmath import iv

from adamsym.checker.field import FieldOver, field_over
from adamsym.checker.form import Box, Matrix, ZeroEntry, ZerosCertificate, ZerosLeaf
from adamsym.checker.intervals import Interval, between, total
from adamsym.checker.law import gradient_laws, sign_factor
from adamsym.optimizer import Adam
from adamsym.problem import Problem

COARSE = 1e-11
"""Truncations that are enough to exclude zeros from boxes."""

DEPTH = 3
"""A box that this arithmetic does not settle whole may be halved so many times."""


def sides(box: Box) -> list[Interval]:
    """Return the intervals of a box."""
    return [between(low, high) for low, high in box]


def middle(box: Box) -> list[float]:
    """Return the midpoint of a box, in the same rounding as certificates."""
    return [low + (high - low) / 2 for low, high in box]


def halves(box: Box) -> tuple[Box, Box]:
    """Return the halves of a box along its widest side."""
    axis = max(range(len(box)), key=lambda j: box[j][1] - box[j][0])
    cut = middle(box)[axis]
    low, high = box[axis]
    return [*box[:axis], [low, cut], *box[axis + 1 :]], [*box[:axis], [cut, high], *box[axis + 1 :]]


def leaf_fault(certificate: ZerosCertificate, problem: Problem, adam: Adam, leaf: ZerosLeaf) -> str | None:
    """Return what is wrong with the proof that a leaf holds no zero but those listed, or None."""
    if leaf.by == "undecided":
        return None
    if leaf.by == "zero":
        if leaf.zero is None or leaf.region is None or leaf.zero >= len(certificate.zeros):
            return "names no zero"
        regions = certificate.zeros[leaf.zero].regions
        if leaf.region >= len(regions) or not contains(regions[leaf.region].box, leaf.box):
            return "is not within the region of its zero"
        return None
    if leaf.by == "sign":
        if leaf.coordinate is None or leaf.coordinate >= problem.dimension:
            return "names no coordinate"
        return None if _sign_holds(problem, adam, leaf.box, leaf.coordinate, DEPTH) else "the sign lemma does not hold"
    if leaf.direction is None or len(leaf.direction) != problem.dimension or not any(leaf.direction):
        return "names no direction"
    holds = _direction_holds(problem, adam, leaf.box, leaf.direction, DEPTH)
    return None if holds else "the field may vanish along its direction"


def contains(outer: Box, inner: Box) -> bool:
    """Whether one box holds another."""
    return len(outer) == len(inner) and all(a <= b and c <= d for (a, d), (b, c) in zip(outer, inner, strict=True))


def _sign_holds(problem: Problem, adam: Adam, box: Box, coordinate: int, depth: int) -> bool:
    law = gradient_laws(problem, sides(box), slopes=False)[coordinate]
    if abs(law.mean) > sign_factor(law, adam) * iv.sqrt(law.variance.b):
        return True
    return depth > 0 and all(_sign_holds(problem, adam, half, coordinate, depth - 1) for half in halves(box))


def _direction_holds(problem: Problem, adam: Adam, box: Box, direction: Sequence[float], depth: int) -> bool:
    """y f(m) + (y Df(X)) (X - m) does not hold 0."""
    points = [iv.mpf(x) for x in middle(box)]
    over = field_over(problem, adam, sides(box), slopes=True, tolerance=COARSE)
    plain = total(y * f for y, f in zip(direction, over.value, strict=True))
    center = field_over(problem, adam, points, slopes=False, tolerance=COARSE).value
    found = total(y * f for y, f in zip(direction, center, strict=True))
    for j, (side, point) in enumerate(zip(sides(box), points, strict=True)):
        found += total(y * row[j] for y, row in zip(direction, over.jacobian, strict=True)) * (side - point)
    if 0 not in plain or 0 not in found:
        return True
    return depth > 0 and all(_direction_holds(problem, adam, half, direction, depth - 1) for half in halves(box))


def zero_fault(problem: Problem, adam: Adam, zero: ZeroEntry) -> str | None:
    """Return what is wrong with a zero: its existence, its uniqueness in each region, its stability; or None."""
    if zero.midpoint != middle(zero.box):
        return "its midpoint is not that of its box"
    over = field_over(problem, adam, sides(zero.box), slopes=True)
    if not _maps_inside(problem, adam, zero.box, zero.preconditioner, over):
        return "Krawczyk's operator does not prove it"
    for k, region in enumerate(zero.regions):
        if not contains(region.box, zero.box):
            return f"its region {k} does not hold it"
        if not _maps_inside(problem, adam, region.box, region.preconditioner):
            return f"Krawczyk's operator does not prove that it is alone in its region {k}"
    if zero.stability != "undecided" and _stability(over.jacobian, zero.stability_matrix) != zero.stability:
        return "its stability is not proven"
    if zero.critical_point == "no":
        laws = gradient_laws(problem, sides(zero.box), slopes=False)
        if all(0 in law.mean for law in laws):
            return "it may be a critical point of the loss"
    return None


def _maps_inside(problem: Problem, adam: Adam, box: Box, preconditioner: Matrix, over: FieldOver | None = None) -> bool:
    """Whether m - Y f(m) + (1 - Y Df(X)) (X - m) lies inside X: X then holds exactly one zero."""
    d = problem.dimension
    if len(preconditioner) != d or any(len(row) != d for row in preconditioner) or len(box) != d:
        return False
    theta, points = sides(box), [iv.mpf(x) for x in middle(box)]
    over = over or field_over(problem, adam, theta, slopes=True)
    value = field_over(problem, adam, points, slopes=False).value
    for i, row in enumerate(preconditioner):
        entry = points[i] - total(y * f for y, f in zip(row, value, strict=True))
        for j in range(d):
            product = total(y * line[j] for y, line in zip(row, over.jacobian, strict=True))
            entry += (int(i == j) - product) * (theta[j] - points[j])
        if not (theta[i].a < entry.a and entry.b < theta[i].b):
            return False
    return True


def _stability(jacobian: list[list[Interval]], matrix: Matrix) -> str | None:
    """The stability that P = ``matrix`` proves: J^T P + P J negative definite gives J the inertia of -P."""
    d = len(jacobian)
    if len(matrix) != d or any(len(row) != d for row in matrix):
        return None
    p = [[iv.mpf(x) for x in row] for row in matrix]
    if any(matrix[i][j] != matrix[j][i] for i in range(d) for j in range(d)):
        return None
    form = [
        [-total(jacobian[k][i] * p[k][j] + p[i][k] * jacobian[k][j] for k in range(d)) for j in range(d)]
        for i in range(d)
    ]
    definite, inertia = _pivots(form), _pivots(p)
    if definite is None or inertia is None or not all(definite):
        return None
    return "attracting" if all(inertia) else "saddle" if any(inertia) else "repelling"


def _pivots(matrix: list[list[Interval]]) -> list[bool] | None:
    """Whether each pivot of a symmetric matrix is positive (Sylvester); None if one may be 0."""
    rows, found = [list(row) for row in matrix], []
    for k in range(len(rows)):
        pivot = rows[k][k]
        if 0 in pivot:
            return None
        found.append(bool(pivot > 0))
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return found
