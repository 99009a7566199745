"""Re-checks of certified zeros: exclusions, Krawczyk's operator, stability; and what is said of undecided boxes."""

import math
import sys
from collections.abc import Sequence
from fractions import Fraction

from adamsym.certificates.form import Cluster, ZeroEntry, ZerosCertificate, ZerosLeaf
from adamsym.certificates.parts import Box, Matrix
from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable, is_not_zero
from adamsym.checker.exact_values import vanishes
from adamsym.checker.field import TOLERANCE, FieldOver, field_over, form_over
from adamsym.checker.form import Form
from adamsym.checker.law import Law, gradient_laws, mean_laws, noise_bound, require_continuous
from adamsym.checker.mean_gradient import sign_beyond_noise
from adamsym.checker.pieces import MayJump
from adamsym.checker.winding import winds
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import is_cut_short, spend
from adamsym.gradients import Problem, SymbolicGradient

COARSE = 1e-11
"""Truncations that are enough to exclude zeros from boxes."""

DEPTH = 3
"""A box that this arithmetic does not settle whole may be halved so many times."""

DIRECTION_DEPTH = 10
"""The same for proofs by direction: next to points where an atom vanishes enclosures are wide but for narrow parts."""

FINER, ROUGH = 1e-20, 1e-10
"""Truncations for the boxes around zeros that the usual ones are too coarse for."""

FACE_DEPTH = 6
"""A face of a cluster may be halved so many times."""

_PROOFS = {
    "sign": {"coordinate"},
    "gradient": {"direction"},
    "direction": {"direction"},
    "zero": {"zero", "region"},
    "beyond": {"zero", "region"},
    "minima": {"set", "inverse"},
}
"""What each kind of leaf names."""


def sides(using: Arithmetic, box: Box) -> list[Interval]:
    """Return intervals that hold the sides of a box; they may be a little wider."""
    return [using.between(low, high) for low, high in box]


def middle(box: Box) -> list[float]:
    """Return the midpoint of a box, in the same rounding as certificates."""
    # The difference of two large numbers may be out of range.
    return [low + (high - low) / 2 if math.isfinite(high - low) else low / 2 + high / 2 for low, high in box]


def halves(box: Box) -> tuple[Box, Box]:
    """Return the halves of a box along its widest side."""
    axis = max(range(len(box)), key=lambda j: box[j][1] / 2 - box[j][0] / 2)
    cut = middle(box)[axis]
    low, high = box[axis]
    return [*box[:axis], [low, cut], *box[axis + 1 :]], [*box[:axis], [cut, high], *box[axis + 1 :]]


def leaf_form_fault(certificate: ZerosCertificate, leaf: ZerosLeaf) -> str | None:
    """Return what is wrong with what a leaf names, or with where it lies, before any analysis; or None."""
    named = {key for key in set().union(*_PROOFS.values()) if getattr(leaf, key) is not None}
    if named != _PROOFS.get(leaf.by, set()):
        return "does not name what its proof needs, and nothing else"
    if leaf.by in ("zero", "beyond"):
        return _region_fault(certificate.zeros if leaf.by == "zero" else certificate.beyond, leaf)
    if leaf.coordinate is not None and leaf.coordinate >= len(leaf.box):
        return "names no coordinate"
    if leaf.set is not None and leaf.set >= len(certificate.sets):
        return "names no set of minima"
    if leaf.direction is not None and (len(leaf.direction) != len(leaf.box) or not any(leaf.direction)):
        return "names no direction"
    return None


def leaf_fault(problem: SymbolicGradient, form: Form, leaf: ZerosLeaf) -> str | None:
    """Return what is wrong with the proof that a leaf of good form holds no zero but those listed, or None."""
    if leaf.coordinate is not None:
        # Signs cost little. What found a leaf may have had narrower bounds over wide boxes.
        holds = _sign_holds(problem, form, leaf.box, leaf.coordinate, DEPTH + 2 * len(leaf.box))
        return None if holds else "the sign lemma does not hold"
    if leaf.by == "gradient" and leaf.direction is not None:
        holds = _gradient_holds(problem, form, leaf.box, leaf.direction, DEPTH + 2 * len(leaf.box))
        return None if holds else "the mean gradient may be within the sign lemma's bounds"
    if leaf.direction is not None:
        holds = direction_holds(problem, form, leaf.box, leaf.direction, DIRECTION_DEPTH, None)
        return None if holds else "the field may vanish along its direction"
    return None


def _region_fault(listed: list[ZeroEntry], leaf: ZerosLeaf) -> str | None:
    """What is wrong with a leaf in which one listed zero is the only one that there may be."""
    if leaf.zero is None or leaf.region is None:
        return "names no zero"
    if leaf.zero >= len(listed) or leaf.region >= len(listed[leaf.zero].regions):
        return "names no zero"
    zero = listed[leaf.zero]
    if not contains(zero.regions[leaf.region].box, leaf.box):
        return "is not within the region of its zero"
    if leaf.by == "beyond" and meet(zero.box, leaf.box):
        return "may hold a zero that is not said to be in the box"
    return None


def meet(one: Box, other: Box) -> bool:
    """Whether two closed boxes have a point in common."""
    return all(a <= d and c <= b for (a, b), (c, d) in zip(one, other, strict=True))


def contains(outer: Box, inner: Box) -> bool:
    """Whether one box holds another."""
    return len(outer) == len(inner) and all(a <= b and c <= d for (a, d), (b, c) in zip(outer, inner, strict=True))


def _sign_holds(problem: SymbolicGradient, form: Form, box: Box, coordinate: int, depth: int) -> bool:
    using = form.using
    law = gradient_laws(using, problem, sides(using, box), slopes=False)[coordinate]
    if drift_agrees(law, form, box[coordinate]) and using.least_magnitude(law.mean) > noise_bound(law, law, form):
        return True
    return depth > 0 and all(_sign_holds(problem, form, half, coordinate, depth - 1) for half in halves(box))


def _gradient_holds(problem: SymbolicGradient, form: Form, box: Box, direction: Sequence[float], depth: int) -> bool:
    using = form.using
    sign = sign_beyond_noise(problem, form, sides(using, box), [using.number(x) for x in middle(box)], direction)
    if sign and form.decay != 0:
        # -decay theta_i must not pull against any y_i m_i.
        ends = [(low if y * sign > 0 else -high) for y, (low, high) in zip(direction, box, strict=True) if y != 0]
        return all(end >= 0 for end in ends)
    if sign or sign is None or depth == 0:
        return bool(sign)
    return all(_gradient_holds(problem, form, half, direction, depth - 1) for half in halves(box))


def drift_agrees(law: Law, form: Form, side: Sequence[float]) -> bool:
    """Whether -decay theta_i has nowhere the sign of d_i L: f_i has then strictly that of -d_i L if F_i has d_i L's."""
    low, high = side
    return form.decay == 0 or (bool(law.mean >= 0) and low >= 0) or (bool(law.mean <= 0) and high <= 0)


def direction_holds(
    problem: SymbolicGradient,
    form: Form,
    box: Box,
    direction: Sequence[float],
    depth: int,
    positive: bool | None,
) -> bool:
    """y f(m) + (y Df(X)) (X - m) excludes 0, or does so in parts, where y f is ``positive`` in all or in none."""
    using = form.using
    points, theta = [using.number(x) for x in middle(box)], sides(using, box)
    point = [[x, x] for x in middle(box)]
    found = _along(problem, form, point, direction)
    if not is_not_zero(found):
        # Very near a zero, or a jump, the usual truncation may hide the sign.
        found = _along(problem, form, point, direction, FINER)
    above = bool(found > 0)
    if not is_not_zero(found) or positive not in (None, above):
        # No halving helps against a value at a point, or where the sign changes.
        return False
    try:
        plain, *slopes = form_over(problem, form, theta, direction, slopes=True, tolerance=COARSE)
    except MayJump:
        # Across a jump there is no mean-value form, but what holds for all values between both sides.
        plain = found = _along(problem, form, box, direction)
    else:
        found += using.total(slope * (side - point) for slope, side, point in zip(slopes, theta, points, strict=True))
    if is_not_zero(plain) or is_not_zero(found):
        return True
    if depth == 0 or is_cut_short():
        return False
    return all(direction_holds(problem, form, half, direction, depth - 1, above) for half in halves(box))


def zero_fault(problem: SymbolicGradient, form: Form, zero: ZeroEntry) -> str | None:
    """Return what is wrong with a zero: its existence, its uniqueness in each region, its stability; or None."""
    if zero.midpoint != middle(zero.box):
        return "its midpoint is not that of its box"
    if isinstance(problem, Problem) != (zero.critical_point is not None):
        return "it is said to be a critical point of a loss, or not, where there is none, or the reverse"
    if zero.critical_point is not None and (zero.critical_point == "yes") != (zero.point is not None):
        return "it is said to be a critical point of the loss, but not which, or the reverse"
    if zero.point is not None and not vanish_at(problem, form, zero.point, zero.box):
        return NO_POINT.format("its box")
    using = form.using
    over = field_over(problem, form, sides(using, zero.box), slopes=True)
    if not maps_inside(problem, form, zero.box, zero.preconditioner, over):
        return "Krawczyk's operator does not prove it"
    for k, region in enumerate(zero.regions):
        if not contains(region.box, zero.box):
            return f"its region {k} does not hold it"
        if not maps_inside(problem, form, region.box, region.preconditioner):
            return f"Krawczyk's operator does not prove that it is alone in its region {k}"
    if zero.stability != "undecided" and stability_by(using, over.jacobian, zero.stability_matrix) != zero.stability:
        return "its stability is not proven"
    laws = mean_laws(using, problem, sides(using, zero.box), slopes=False)
    if zero.critical_point == "no" and not any(is_not_zero(law.mean) for law in laws):
        return "it may be a critical point of the loss"
    return None


NO_POINT = "its point is not in {}, or not one where all rows' gradients and the weight decay are proven to be 0"
"""What is wrong with a point that is to be a zero."""


def vanish_at(problem: SymbolicGradient, form: Form, texts: list[str], box: Box) -> bool:
    """Return whether a rational point is in a box, and all rows' gradients and the drift are exactly 0 there."""
    point = rational_point(problem, texts, "point")
    if form.decay != 0 and any(point):
        return False
    return all(low <= x <= high for x, (low, high) in zip(point, box, strict=True)) and vanishes(
        form.using, problem, point
    )


def rational_point(problem: SymbolicGradient, texts: list[str], place: str) -> tuple[Fraction, ...]:
    """Return a point of as many fractions as there are parameters."""
    if len(texts) != problem.dimension:
        raise NotCheckable(f"a {place} with another number of parameters")
    return tuple(exact_rational(text, place) for text in texts)


def cluster_fault(certificate: ZerosCertificate, problem: SymbolicGradient, form: Form, cluster: Cluster) -> str | None:
    """Return what is wrong with a box around undecided leaves, or None."""
    if (cluster.point is not None) != (cluster.by == "point") or (cluster.preconditioner is not None) != (
        cluster.by == "faces"
    ):
        return "does not name what its proof needs, and nothing else"
    if cluster.by == "undecided":
        return None
    spend(len(certificate.zeros) + len(certificate.beyond))
    if any(meet(zero.box, cluster.box) for zero in (*certificate.zeros, *certificate.beyond)):
        return "its zero may be one that is listed"
    if cluster.point is not None:
        return None if vanish_at(problem, form, cluster.point, cluster.box) else NO_POINT.format("it")
    if cluster.preconditioner is None:
        return None if _turns(problem, form, cluster.box) else "f is not proven to turn around 0 along its edges"
    holds = signs_on_faces(problem, form, cluster.box, cluster.preconditioner)
    return None if holds else "the signs of f on its faces are not proven"


def signs_on_faces(problem: SymbolicGradient, form: Form, box: Box, preconditioner: Matrix) -> bool:
    """Return whether (Y f)_i < 0 where x_i is least and > 0 where it is largest: f then has a zero in the box.

    For Y f - v has one, for every v near 0, and so Y is invertible too. But f must be continuous in all of the box: at
    a pole it changes sign without a zero.
    """
    d = problem.dimension
    if len(preconditioner) != d or any(len(row) != d for row in preconditioner):
        return False
    # The loss is real, and its gradients bounded and continuous, in all of the box.
    require_continuous(form.using, problem, sides(form.using, box))
    for i, row in enumerate(preconditioner):
        for end, sign in ((box[i][0], -1), (box[i][1], 1)):
            face = [*box[:i], [end, end], *box[i + 1 :]]
            if not _sign_along(problem, form, face, [sign * y for y in row], FACE_DEPTH):
                return False
    return True


def _turns(problem: SymbolicGradient, form: Form, box: Box) -> bool:
    """Whether f is continuous in a box of two parameters, and turns around 0 along its edges."""
    if problem.dimension != 2:
        return False
    require_continuous(form.using, problem, sides(form.using, box))

    def values(part: Box) -> list[Interval]:
        return field_over(problem, form, sides(form.using, part), slopes=False, tolerance=COARSE).value

    return winds(values, box)


def _sign_along(problem: SymbolicGradient, form: Form, box: Box, direction: Sequence[float], depth: int) -> bool:
    """Whether y f > 0 over a box."""
    if not _along(problem, form, [[x, x] for x in middle(box)], direction) > 0:
        return False
    if _along(problem, form, box, direction) > 0:
        return True
    if depth == 0 or is_cut_short() or all(low == high for low, high in box):
        return False
    return all(_sign_along(problem, form, half, direction, depth - 1) for half in halves(box))


def _along(
    problem: SymbolicGradient, form: Form, box: Box, direction: Sequence[float], tolerance: float = COARSE
) -> Interval:
    """The interval of y f over a box."""
    return form_over(problem, form, sides(form.using, box), direction, slopes=False, tolerance=tolerance)[0]


def maps_inside(
    problem: SymbolicGradient, form: Form, box: Box, preconditioner: Matrix, over: FieldOver | None = None
) -> bool:
    """Return whether m - Y f(m) + (1 - Y Df(X)) (X - m) lies inside X: X then holds exactly one zero."""
    d = problem.dimension
    if len(preconditioner) != d or any(len(row) != d for row in preconditioner) or len(box) != d:
        return False
    for tolerance, of_slopes in ((known_well_enough(box, preconditioner), ROUGH), (FINER, TOLERANCE)):
        own = over or field_over(problem, form, sides(form.using, box), slopes=True, tolerance=of_slopes)
        if _image_inside(problem, form, box, preconditioner, own, tolerance):
            return True
    return False


def known_well_enough(box: Box, preconditioner: Matrix) -> float:
    """Return a share of the scale that f may be off at a point: Y f is then off by a hundredth of a box, about."""
    rows = zip(box, preconditioner, strict=True)
    rooms = [(high - low) / 200 / max(sum(map(abs, row)), sys.float_info.min) for (low, high), row in rows]
    return min(ROUGH, max(TOLERANCE, min(rooms)))


def _image_inside(
    problem: SymbolicGradient, form: Form, box: Box, preconditioner: Matrix, over: FieldOver, tolerance: float
) -> bool:
    using = form.using
    theta, points = sides(using, box), [using.number(x) for x in middle(box)]
    spend(2 * len(box) ** 3)
    value = field_over(problem, form, points, slopes=False, tolerance=tolerance).value
    for i, row in enumerate(preconditioner):
        entry = points[i] - using.total(y * f for y, f in zip(row, value, strict=True))
        for j in range(len(box)):
            product = using.total(y * line[j] for y, line in zip(row, over.jacobian, strict=True))
            entry += (int(i == j) - product) * (theta[j] - points[j])
        # The box itself, for its interval may be wider.
        if not (entry > box[i][0] and entry < box[i][1]):
            return False
    return True


def stability_by(using: Arithmetic, jacobian: list[list[Interval]], matrix: Matrix) -> str | None:
    """Return the stability that P = ``matrix`` proves: J^T P + P J negative definite gives J the inertia of -P."""
    d = len(jacobian)
    spend(6 * d**3)
    if len(matrix) != d or any(len(row) != d for row in matrix):
        return None
    p = [[using.number(x) for x in row] for row in matrix]
    if any(matrix[i][j] != matrix[j][i] for i in range(d) for j in range(d)):
        return None
    form = [
        [-using.total(jacobian[k][i] * p[k][j] + p[i][k] * jacobian[k][j] for k in range(d)) for j in range(d)]
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
        if not is_not_zero(pivot):
            return None
        found.append(bool(pivot > 0))
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return found
