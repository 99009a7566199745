"""Re-checks that f turns around 0 along the edges of a box in the plane: then it has a zero there (Kronecker)."""

from collections.abc import Callable

from adamsym.certificates.parts import Box
from adamsym.checker.arithmetic import Interval
from adamsym.expressions.work import is_cut_short

EDGE_DEPTH = 8
"""An edge may be halved so many times."""

_Values = Callable[[Box], list[Interval]]
"""f over a box."""

_Point = tuple[float, float]


def winds(values: _Values, box: Box) -> bool:
    """Return whether f, continuous in the box, is proven to turn around 0 along its edges, on the whole.

    The edges are cut into parts in which f stays on one side of a line through 0, one of the axes. Two such half-planes
    that follow each other have the point between in common; so it is known which way f turns from one to the next.
    """
    (left, right), (low, high) = box
    corners = [(left, low), (right, low), (right, high), (left, high)]
    sides: list[int] = []
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        if not _followed(values, start, end, EDGE_DEPTH, sides):
            return False
    turned = 0
    for k, side in enumerate(sides):
        change = side - sides[k - 1]
        if change % 4 == 2:
            return False
        turned += {0: 0, 1: 1, 3: -1}[change % 4]
    return turned != 0


def _followed(values: _Values, start: _Point, end: _Point, depth: int, sides: list[int]) -> bool:
    """Whether f is followed from one point to another: the sides that it is on, in order, are appended."""
    part = [sorted(pair) for pair in zip(start, end, strict=True)]
    side = _side(values(part))
    if side is not None:
        sides.append(side)
        return True
    if depth == 0 or is_cut_short():
        return False
    middle = (start[0] / 2 + end[0] / 2, start[1] / 2 + end[1] / 2)
    if middle in (start, end) or _side(values([[x, x] for x in middle])) is None:
        return False
    return _followed(values, start, middle, depth - 1, sides) and _followed(values, middle, end, depth - 1, sides)


def _side(value: list[Interval]) -> int | None:
    """Which of f_0 > 0, f_1 > 0, f_0 < 0 and f_1 < 0 is proven, in this order around 0; None if none is."""
    signs = [value[0] > 0, value[1] > 0, value[0] < 0, value[1] < 0]
    return next((k for k, sign in enumerate(signs) if sign), None)
