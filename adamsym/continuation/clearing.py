"""Boxes without zeros, for all values of a parameter: parts that fill a box by halving, each with a direction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.certify.box_function import Undefined, values_in_middle
from adamsym.certify.boxes import box_of, halves, lies_in, middle
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.krawczyk import along_box, direction_without_zero
from adamsym.continuation.tube_proofs import TOLERANCE
from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.enclosure import hulls

MOST_LEAVES = 3000
"""Into how many boxes X, or its border, is divided at most."""


@dataclass(frozen=True)
class Cleared:
    """A box in which the ``direction`` times f is not 0; or that lies in the box of the zero of this number."""

    box: FloatArray
    direction: tuple[float, ...] | None = None
    zero: int | None = None


def faces(box: FloatArray) -> Iterator[FloatArray]:
    """Yield the faces of a box (d, 2): for each coordinate that where it is least, and that where it is largest."""
    for axis in range(len(box)):
        for end in range(2):
            face = box.copy()
            face[axis] = box[axis, end]
            yield face


def cleared(
    functions: Sequence[FieldFunction], whole: FloatArray, zeros: tuple[FloatArray, ...]
) -> tuple[Cleared, ...] | None:
    """Return boxes that fill a box by halving; None if they are too many.

    Each is without zeros of any function, or within the box of one that is known.
    """
    found, stack = list[Cleared](), [whole]
    while stack:
        box = stack.pop()
        held = next((k for k, zero in enumerate(zeros) if lies_in(box, zero)), None)
        direction = None if held is not None else direction_over(functions, box)
        if held is not None or direction is not None:
            found.append(Cleared(box, direction, held))
            continue
        part = halves_of(box, whole)
        if part is None or len(found) + len(stack) > MOST_LEAVES:
            return None
        stack += part
    return tuple(found)


def halves_of(box: FloatArray, whole: FloatArray) -> list[FloatArray] | None:
    """Return the two halves across the side that is the largest share of the first box's; None if none can be cut."""
    width = np.ptp(whole, axis=1)
    cut = middle(box)
    can = (box[:, 0] < cut) & (cut < box[:, 1])
    if not can.any():
        return None
    shares = np.where(can, np.ptp(box, axis=1) / np.where(width > 0, width, 1.0), -1.0)
    return [np.array(half) for half in halves(box_of(box), int(np.argmax(shares)))]


def direction_over(functions: Sequence[FieldFunction], box: FloatArray) -> tuple[float, ...] | None:
    """Return a direction along which no function vanishes in the box; None if none is proven."""
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
