"""Where zeros begin to be followed: at a point, or all those of a box."""

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball.enclosure import checked_boxes


def start_or_box(
    field: AdamField, start: ArrayLike | None, box: ArrayLike | None, within: str, flat: bool
) -> tuple[FloatArray | None, FloatArray | None]:
    """Return a point (d,) or a box (d, 2), the other being None; a box may be ``flat`` in a side.

    Raises
    ------
    InputError
        If not exactly one is given, or it has another shape; ``within`` says what a box is for.
    """
    if (start is None) == (box is None):
        raise InputError(f"start, box: give one of them: a point near a zero, or a box {within}")
    if box is not None:
        sides = checked_boxes(field.problem, box)
        if sides.ndim != 2 or not (flat or (np.ptp(sides, axis=1) > 0).all()):
            raise InputError("box: give one box, shape (d, 2)" + ("" if flat else ", whose sides have a length"))
        return None, sides
    point = field.problem.points(real_array(start, "start"))
    if point.ndim != 1:
        raise InputError(f"start: shape {point.shape} is not allowed; give one point, shape (d,)")
    return point, None
