"""Re-checks of one zero: that it is in its box, alone in a region; its stability; the loss's critical point beside it.

With R = |1 - Y Df(X)| over a region X, r the lengths of its sides, R r < r proves that Y A is regular for every matrix
A of Df(X): between two zeros in X the mean of Df would be such an A, and would map their difference to 0. For a box B
in X with the midpoint c, c - Y f(c) + (1 - Y Df(X)) (B - c) in the inside of B proves, by Brouwer, that B holds a zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

from adamsym.certificates.form import IsolatedZero, NearbyCriticalPoint, OneZeroCertificate
from adamsym.certificates.parts import Box, Matrix
from adamsym.checker.arithmetic import Arithmetic, Interval, is_not_zero
from adamsym.checker.field import TOLERANCE, FieldOver, field_over
from adamsym.checker.form import Form
from adamsym.checker.law import mean_laws
from adamsym.checker.zeros import FINER, NO_POINT, contains, middle, sides, stability_by, vanish_at
from adamsym.expressions.work import spend
from adamsym.gradients import Problem, SymbolicGradient

_KINDS = {"attracting": "minimum", "repelling": "maximum", "saddle": "saddle"}
"""What a critical point is by the stability of -grad L there."""

Enclosure = Callable[[list[Interval], bool, float], FieldOver]
"""A function over a box, with its Jacobian or without, and the share of its scale that may be left out."""


@dataclass(frozen=True)
class _Claim:
    """Exactly one zero is in ``box``, and no other one in ``region``."""

    box: Box
    region: Box
    preconditioner: Matrix


def one_zero_form_fault(certificate: OneZeroCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis: with where the boxes lie, or with what is said of a loss; or None."""
    zero, critical, has_loss = certificate.zero, certificate.critical, isinstance(problem, Problem)
    if zero.midpoint != middle(zero.box):
        return "the zero's midpoint is not that of its box"
    if not contains(certificate.box, zero.box):
        return "the zero is not proven to lie in the region where it is alone"
    if has_loss != (zero.critical_point is not None) or (critical is not None and not has_loss):
        return "the zero is said to be a critical point of a loss, or not, where there is none, or the reverse"
    if zero.critical_point is not None and (zero.critical_point == "yes") != (zero.point is not None):
        return "the zero is said to be a critical point of the loss, but not which, or the reverse"
    if critical is not None and not contains(critical.unique_in, critical.box):
        return "the critical point is not proven to lie in the region where it is alone"
    return None


def one_zero_fault(
    certificate: OneZeroCertificate,
    problem: SymbolicGradient,
    form: Form,
    statement: IsolatedZero | NearbyCriticalPoint,
) -> str | None:
    """Return what is wrong with the zero, or with the critical point beside it; or None."""
    if isinstance(statement, NearbyCriticalPoint):
        return _critical_fault(certificate.zero, problem, form, statement)
    return _zero_fault(certificate, problem, form)


def _zero_fault(certificate: OneZeroCertificate, problem: SymbolicGradient, form: Form) -> str | None:
    zero, using = certificate.zero, form.using
    if zero.point is not None and not vanish_at(problem, form, zero.point, zero.box):
        return NO_POINT.format("its box")
    laws = mean_laws(using, problem, sides(using, zero.box), slopes=False)
    if zero.critical_point == "no" and not any(is_not_zero(law.mean) for law in laws):
        return "it may be a critical point of the loss"

    def enclosed(theta: list[Interval], slopes: bool, tolerance: float) -> FieldOver:
        return field_over(problem, form, theta, slopes, tolerance)

    claim = _Claim(zero.box, certificate.box, certificate.preconditioner)
    fault, over = _isolation_fault(using, enclosed, claim)
    if fault is not None:
        return fault
    holds = _signature_holds(using, enclosed, over, claim, zero.stability_matrix, zero.stability, 1)
    return None if zero.stability == "undecided" or holds else "its stability is not proven"


def _critical_fault(
    zero: IsolatedZero, problem: SymbolicGradient, form: Form, critical: NearbyCriticalPoint
) -> str | None:
    using = form.using
    fault = _distance_fault(using, zero.box, critical)
    if fault is not None:
        return fault

    def enclosed(theta: list[Interval], slopes: bool, tolerance: float) -> FieldOver:
        laws = mean_laws(using, problem, theta, slopes)
        return FieldOver([law.mean for law in laws], [law.mean_slopes for law in laws])

    claim = _Claim(critical.box, critical.unique_in, critical.preconditioner)
    fault, over = _isolation_fault(using, enclosed, claim)
    if fault is not None:
        return fault
    stability = next((key for key, kind in _KINDS.items() if kind == critical.kind), "undecided")
    holds = _signature_holds(using, enclosed, over, claim, critical.kind_matrix, stability, -1)
    return None if stability == "undecided" or holds else "it is not proven to be a minimum, a maximum or a saddle"


def _distance_fault(using: Arithmetic, zero: Box, critical: NearbyCriticalPoint) -> str | None:
    """What is wrong with the bounds of the distance, or with what is said to be nearest."""
    low, high = critical.distance
    differences = [x - y for x, y in zip(sides(using, zero), sides(using, critical.box), strict=True)]
    least = using.total(using.square(using.least_magnitude(x)) for x in differences)
    most = using.total(using.square(using.magnitude(x)) for x in differences)
    if not (0 <= low <= high and (low == 0 or using.square(using.number(low)) <= least)):
        return "its distance from the zero may be less than is said"
    if not using.square(using.number(high)) >= most:
        return "its distance from the zero may be more than is said"
    if critical.nearest:
        reach = [(using.number(a) - high, using.number(b) + high) for a, b in zero]
        if not all(low >= a and high <= b for (low, high), (a, b) in zip(reach, critical.unique_in, strict=True)):
            return "another critical point may be nearer"
    return None


def _isolation_fault(using: Arithmetic, enclosed: Enclosure, claim: _Claim) -> tuple[str | None, FieldOver]:
    """What is wrong with existence in the box, or uniqueness in the region; and the function over the region."""
    d, y = len(claim.box), claim.preconditioner
    over = enclosed(sides(using, claim.region), True, TOLERANCE)
    if len(y) != d or any(len(row) != d for row in y):
        return "its preconditioner is of another size", over
    spend(2 * d**3)
    rest = [
        [int(i == j) - using.total(x * line[j] for x, line in zip(row, over.jacobian, strict=True)) for j in range(d)]
        for i, row in enumerate(y)
    ]
    lengths = [using.number(high) - using.number(low) for low, high in claim.region]
    for row, length in zip(rest, lengths, strict=True):
        if not using.total(using.magnitude(x) * side for x, side in zip(row, lengths, strict=True)) < length:
            return "it is not proven to be alone in its region", over
    points = [using.number(x) for x in middle(claim.box)]
    shifts = [side - point for side, point in zip(sides(using, claim.box), points, strict=True)]
    for tolerance in (TOLERANCE, FINER):
        value = enclosed(points, False, tolerance).value
        image = [
            point - using.total(x * f for x, f in zip(line, value, strict=True)) + using.total(map(_times, row, shifts))
            for point, line, row in zip(points, y, rest, strict=True)
        ]
        if all(x > low and x < high for x, (low, high) in zip(image, claim.box, strict=True)):
            return None, over
    return "Krawczyk's operator does not prove it", over


def _times(x: Interval, y: Interval) -> Interval:
    return x * y


def _signature_holds(
    using: Arithmetic,
    enclosed: Enclosure,
    over: FieldOver,
    claim: _Claim,
    matrix: Matrix,
    stability: str,
    sign: int,
) -> bool:
    """Whether the stability is proven by the Jacobian over the region, or else over the box."""
    if stability == "undecided":
        return True

    def proven(jacobian: list[list[Interval]]) -> bool:
        return stability_by(using, [[sign * x for x in row] for row in jacobian], matrix) == stability

    return proven(over.jacobian) or proven(enclosed(sides(using, claim.box), True, TOLERANCE).jacobian)
