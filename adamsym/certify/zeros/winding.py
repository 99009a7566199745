"""How often f turns around 0 along the edges of a box in the plane: if at all, there is a zero in it (Kronecker)."""

from collections.abc import Iterator

import flint

from adamsym.certify.box_function import BoxFunction, Undefined
from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.arithmetic import ball_arithmetic, hull
from adamsym.field.ball.enclosure import hulls

_DEPTH = 6
"""An edge is halved so many times at most, until f keeps to a half-plane on each part."""

_Side = tuple[float, float]


def winding_number(function: BoxFunction, box: FloatArray, tolerance: float) -> int:
    """Return the winding number of f along the edges of a box, counterclockwise; 0 if none is proven.

    f is proven to be continuous in all of the box. On each part of the edges a coordinate of f has one sign, so that f
    is in one of the half-planes f_0 > 0, f_1 > 0, f_0 < 0, f_1 < 0. No two that follow each other are opposite, since f
    is in both at the point between.
    """
    if len(box) != 2 or not (box[:, 0] < box[:, 1]).all():
        return 0
    try:
        with ball_arithmetic():
            function.enclose(hulls(box), False, tolerance)
            planes = [plane for part in _edges(box) for plane in _planes(function, part, tolerance, _DEPTH)]
    except Undefined:
        return 0
    if None in planes:
        return 0
    quarters = 0
    for before, after in zip(planes, [*planes[1:], planes[0]], strict=True):
        assert before is not None
        assert after is not None
        turn = (after - before) % 4
        if turn == 2:
            return 0
        quarters += turn if turn < 2 else -1
    return quarters // 4


def _edges(box: FloatArray) -> Iterator[tuple[_Side, _Side]]:
    """The edges, each from its beginning to its end."""
    (left, right), (low, high) = box.tolist()
    yield (left, right), (low, low)
    yield (right, right), (low, high)
    yield (right, left), (high, high)
    yield (left, left), (high, low)


def _planes(function: BoxFunction, part: tuple[_Side, _Side], tolerance: float, depth: int) -> Iterator[int | None]:
    """The half-planes that f is in, part by part; None where none is found."""
    theta = [hull(*side) for side in part]
    plane = _plane(function.enclose(theta, False, tolerance).value)
    (a, b), (c, d) = part
    middle = (a + (b - a) / 2, c + (d - c) / 2)
    if plane is not None or depth == 0:
        yield plane
        return
    # Where f is hardly told from 0 at a point, no halving helps.
    if _plane(function.enclose([flint.arb(x) for x in middle], False, tolerance).value) is None:
        yield None
        return
    yield from _planes(function, ((a, middle[0]), (c, middle[1])), tolerance, depth - 1)
    yield from _planes(function, ((middle[0], b), (middle[1], d)), tolerance, depth - 1)


def _plane(value: list[flint.arb]) -> int | None:
    first, second = value
    return 0 if first > 0 else 2 if first < 0 else 1 if second > 0 else 3 if second < 0 else None
