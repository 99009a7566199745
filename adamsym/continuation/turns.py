"""Folds, proven: two zeros of a box, at one value of a parameter, that have met and vanished at another.

On the border of a box X f is not 0 for any value from p to q. At p exactly two zeros are in X, each regular; at q none.
Then the degree of f in X is 0, a connected set of zeros joins the two, and on it Df is singular at some value between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from adamsym.certify.box_function import Undefined, values_in_middle
from adamsym.certify.boxes import box_of, halves, lies_in, middle
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.krawczyk import along_box, direction_without_zero
from adamsym.continuation.curves import Point
from adamsym.continuation.families import field_at
from adamsym.continuation.tube_proofs import TOLERANCE, Joint, Prover, Tube, equal_parts
from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.enclosure import hulls

MOST_LEAVES = 3000
"""Into how many boxes X, or its border, is divided at most."""

_AROUND = 4.0
"""How far X reaches, where half the way between the two zeros is 1."""

_ASIDE = 0.5
"""How far at least in a coordinate in which they hardly differ."""

_PARTS = (1, 8, 64, 512)
"""Into how many parts the values at a fold are cut, one choice after the other."""

_NEAR = 1e-3
"""Step of the differences that say how the two zeros part, for parameters of size 1."""


@dataclass(frozen=True)
class Cleared:
    """A box in which the ``direction`` times f is not 0; or that lies in the box of the zero of this number."""

    box: FloatArray
    direction: tuple[float, ...] | None = None
    zero: int | None = None


@dataclass(frozen=True)
class Fold:
    """In ``box`` are exactly two zeros at the value ``present``, those of ``zeros``, and none at ``absent``.

    They are those of the tubes before and after it, and a connected set of zeros joins them. On it there is one with a
    singular Df, at a value between. ``at_present`` and ``at_absent`` fill the box, and ``border`` its faces; on these f
    is not 0 for any value between, as ``parts`` equal parts of the values show.
    """

    present: Fraction
    absent: Fraction
    box: FloatArray
    zeros: tuple[Joint, Joint]
    at_present: tuple[Cleared, ...]
    at_absent: tuple[Cleared, ...]
    border: tuple[Cleared, ...]
    parts: int

    @property
    def ends(self) -> tuple[Fraction, Fraction]:
        """Between which values the zeros meet, the lower first."""
        return min(self.present, self.absent), max(self.present, self.absent)


def near_fold(
    prover: Prover, turn: Point, present: Fraction, ahead: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Return the two zeros beside a fold, by number, the second one in the direction ``ahead``; None if not found."""
    left, _, right = np.linalg.svd(turn.jacobian)
    y, v = left[:, -1], right[-1]
    v = v if v @ ahead > 0 else -v
    at = field_at(prover.field, {prover.axis: Fraction(repr(prover.axis.value(turn.u)))})
    beside = field_at(prover.field, {prover.axis: present})
    step = _NEAR * max(float(np.abs(turn.theta).max()), 1e-6)
    values = [float(y @ at(turn.theta + sign * step * v)) for sign in (-1, 0, 1)]
    curvature = (values[0] - 2 * values[1] + values[2]) / step**2
    offset = float(y @ beside(turn.theta)) - values[1]
    if curvature == 0 or not offset / curvature < 0:
        return None
    way = float(np.sqrt(-2 * offset / curvature))
    found = [prover.zero(present, turn.theta + sign * way * v) for sign in (-1, 1)]
    first, second = found
    if first is None or second is None or not (second - first) @ v > way:
        return None
    return first, second


def proven_fold(
    prover: Prover, before: Tube, after: Tube, present: Fraction, absent: Fraction, zeros: tuple[FloatArray, FloatArray]
) -> Fold | None:
    """Return the fold between two tubes that end at ``present``, around their zeros there; None if not proven."""
    way = np.abs(zeros[1] - zeros[0]) / 2
    reach = np.maximum(_AROUND * way, _ASIDE * way.max())
    center = (zeros[0] + zeros[1]) / 2
    box = np.stack([center - reach, center + reach], axis=1)
    found = [_alone(prover, present, zero, tube, way.max()) for zero, tube in zip(zeros, (before, after), strict=True)]
    one, other = found
    if one is None or other is None or not (lies_in(one.box, box) and lies_in(other.box, box)):
        return None
    if (np.maximum(one.box[:, 0], other.box[:, 0]) <= np.minimum(one.box[:, 1], other.box[:, 1])).all():
        return None
    border = _border(prover, box, present, absent)
    if border is None or not _is_continuous(prover, box, present, absent, border[1]):
        return None
    at_absent = _cleared([prover.at(absent)], box, ())
    at_present = _cleared([prover.at(present)], box, (one.box, other.box))
    if at_absent is None or at_present is None:
        return None
    return Fold(present, absent, box, (one, other), at_present, at_absent, *border)


def _is_continuous(prover: Prover, box: FloatArray, present: Fraction, absent: Fraction, parts: int) -> bool:
    """Whether f is proven to be continuous in a box for all values: data that are varied may put a pole there."""
    low, high = sorted((present, absent))
    try:
        return all(prover.over(*piece).at(hulls(box)).is_continuous for piece in equal_parts(low, high, parts))
    except Undefined:
        return False


def _alone(prover: Prover, value: Fraction, zero: FloatArray, tube: Tube, way: float) -> Joint | None:
    """A box around a zero in the tube's, as wide as it can be proven; None if none is."""
    room = np.minimum(zero - tube.box[:, 0], tube.box[:, 1] - zero)
    if not (room > 0).all():
        return None
    for share in (0.9, 0.3, 0.1, 0.03):
        found = prover.isolated(value, zero, np.minimum(share * room, 0.5 * way))
        if found is not None and lies_in(found.box, tube.box):
            return found
    return None


def _border(
    prover: Prover, box: FloatArray, present: Fraction, absent: Fraction
) -> tuple[tuple[Cleared, ...], int] | None:
    """Boxes that fill the faces one after the other, on which f is not 0, and the parts of the values that show it."""
    low, high = sorted((present, absent))
    for parts in _PARTS:
        functions = [prover.over(*piece) for piece in equal_parts(low, high, parts)]
        leaves = list[Cleared]()
        for face in faces(box):
            found = _cleared(functions, face, ())
            if found is None:
                break
            leaves += found
        else:
            return tuple(leaves), parts
    return None


def faces(box: FloatArray) -> Iterator[FloatArray]:
    """The faces of a box (d, 2): for each coordinate that where it is least, and that where it is largest."""
    for axis in range(len(box)):
        for end in range(2):
            face = box.copy()
            face[axis] = box[axis, end]
            yield face


def _cleared(
    functions: list[FieldFunction], whole: FloatArray, zeros: tuple[FloatArray, ...]
) -> tuple[Cleared, ...] | None:
    """Boxes that fill a box by halving, each without zeros of any function or within the box of one that is known."""
    found, stack = list[Cleared](), [whole]
    while stack:
        box = stack.pop()
        held = next((k for k, zero in enumerate(zeros) if lies_in(box, zero)), None)
        direction = None if held is not None else _direction(functions, box)
        if held is not None or direction is not None:
            found.append(Cleared(box, direction, held))
            continue
        part = _halves(box, whole)
        if part is None or len(found) + len(stack) > MOST_LEAVES:
            return None
        stack += part
    return tuple(found)


def _halves(box: FloatArray, whole: FloatArray) -> list[FloatArray] | None:
    """The two halves across the side that is the largest share of the first box's; None if no side can be cut."""
    width = np.ptp(whole, axis=1)
    cut = middle(box)
    can = (box[:, 0] < cut) & (cut < box[:, 1])
    if not can.any():
        return None
    shares = np.where(can, np.ptp(box, axis=1) / np.where(width > 0, width, 1.0), -1.0)
    return [np.array(half) for half in halves(box_of(box), int(np.argmax(shares)))]


def _direction(functions: list[FieldFunction], box: FloatArray) -> tuple[float, ...] | None:
    """A direction along which no function vanishes in the box; None if none is proven."""
    theta = hulls(box)
    direction = None
    for function in [functions[len(functions) // 2], *functions]:
        try:
            over, center = function.enclose(theta, True, TOLERANCE), values_in_middle(function, box, TOLERANCE)
        except Undefined:
            return None
        if direction is None:
            direction = direction_without_zero(over, center, box)
            if direction is None:
                return None
        elif along_box(direction, over, center, box).contains(0):
            return None
    return None if direction is None else tuple(direction)
