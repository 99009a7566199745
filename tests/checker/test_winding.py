"""Half-planes that f is in, part by part: what no continuous function does proves nothing."""

import flint

from adamsym.checker.winding import winds

BOX = [[-1.0, 1.0], [-1.0, 1.0]]


def balls(*values):
    return [flint.arb(x) for x in values]


def test_a_jump_to_the_opposite_side_is_no_turn():
    """Below f_0 > 0, above f_0 < 0, and nothing between: a function that is not continuous, or enclosed wrongly."""
    assert not winds(lambda box: balls(-1 if box[1][0] > -1 else 1, 0), BOX)


def test_one_half_plane_is_no_turn():
    assert not winds(lambda box: balls(1, 0), BOX)
    assert not winds(lambda box: balls(0, 0), BOX)


def test_a_quarter_for_each_edge_is_one_turn():
    def around(box):
        (left, _), (low, high) = box
        if low == high:
            return balls(0, 1 if low > 0 else -1)
        return balls(1 if left > 0 else -1, 0)

    assert winds(around, BOX)


def test_there_and_back_is_none():
    def back(box):
        low, high = box[1]
        return balls(0, 1) if low == high else balls(1, 0)

    assert not winds(back, BOX)
