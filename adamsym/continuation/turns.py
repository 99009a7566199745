"""Folds, proven: two zeros of a box, at one value of a parameter, that have met and vanished at another.

On the border of a box X f is not 0 for any value from p to q. At p exactly two zeros are in X, each regular; at q none.
Then the degree of f in X is 0, a connected set of zeros joins the two, and on it Df is singular at some value between.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from adamsym.certify.box_function import Undefined
from adamsym.certify.boxes import lies_in
from adamsym.continuation.clearing import Cleared, cleared, faces
from adamsym.continuation.curves import Point
from adamsym.continuation.families import field_at
from adamsym.continuation.nondegenerate import Nondegenerate, proven_nondegenerate
from adamsym.continuation.paths import jacobian
from adamsym.continuation.tube_proofs import Joint, Prover, Tube, equal_parts
from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.enclosure import hulls

_AROUND = 4.0
"""How far X reaches, where half the way between the two zeros is 1."""

_ASIDE = 0.5
"""How far at least in a coordinate in which they hardly differ."""

_PARTS = (1, 8, 64, 512)
"""Into how many parts the values at a fold are cut, one choice after the other."""

_NEAR = 1e-3
"""Step of the differences that say how the two zeros part, for parameters of size 1."""


@dataclass(frozen=True)
class Fold:
    """In ``box`` are exactly two zeros at the value ``present``, those of ``zeros``, and none at ``absent``.

    They are those of the tubes before and after it, and a connected set of zeros joins them. On it there is one with a
    singular Df, at a value between. ``at_present`` and ``at_absent`` fill the box, and ``border`` its faces; on these f
    is not 0 for any value between, as ``parts`` equal parts of the values show. ``nondegenerate`` proves that there is
    no other singular zero in the box, and that it is a nondegenerate fold; None where that is not proven.
    """

    present: Fraction
    absent: Fraction
    box: FloatArray
    zeros: tuple[Joint, Joint]
    at_present: tuple[Cleared, ...]
    at_absent: tuple[Cleared, ...]
    border: tuple[Cleared, ...]
    parts: int
    nondegenerate: Nondegenerate | None = None

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
    # Of slopes, since of a fold at 0 the step is short: there second differences of f would be those of its roundings.
    slopes = [float(y @ jacobian(at, turn.theta + sign * step * v) @ v) for sign in (-1, 1)]
    curvature = (slopes[1] - slopes[0]) / (2 * step)
    offset = float(y @ (beside(turn.theta) - at(turn.theta)))
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
    at_absent = cleared([prover.at(absent)], box, ())
    at_present = cleared([prover.at(present)], box, (one.box, other.box))
    if at_absent is None or at_present is None:
        return None
    nondegenerate = proven_nondegenerate(prover, box, present, absent)
    return Fold(present, absent, box, (one, other), at_present, at_absent, *border, nondegenerate)


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
            found = cleared(functions, face, ())
            if found is None:
                break
            leaves += found
        else:
            return tuple(leaves), parts
    return None
