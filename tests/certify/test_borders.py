"""Zeros on and next to the border of the box, boxes that are hard for floats: what is written is true and checks."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certify import certificate, find_zeros
from adamsym.checker import check_certificate
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import read_problem
from adamsym.methods import Adam

CASES = Path(__file__).parents[1] / "cases"
QUICK = Adam("0.5", "0.9", "0.1")
SYMMETRIC = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), QUICK)
"""Its one zero is 0, exactly (T8)."""

SHIFTED = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 2]})), QUICK)
PLANE = AdamField(Problem("(a - x)**2/2 + (b - y)**2/2", ["a", "b"], Empirical({"x": [-1, 1], "y": [1, -1]})), QUICK)
"""Its one zero is the origin."""


def of(case):
    file = read_problem(CASES / f"{case}.toml")
    return AdamField(file.problem, file.adam)


def checked(found):
    """The certificate as it would be read from a file: it is valid, and says what the result says."""
    content = json.loads(json.dumps(certificate(found), allow_nan=False))
    result = check_certificate(content)
    assert result.valid, result.reason
    assert content["complete"] == found.complete
    assert len(content["zeros"]) == len(found.zeros)
    assert len(content["beyond"]) == len(found.beyond)
    return content


def inside(inner, outer):
    return all(low <= a and b <= high for (a, b), (low, high) in zip(inner, outer, strict=True))


def defaults():
    return of("sym")


def quick():
    return SYMMETRIC


@pytest.mark.parametrize(
    ("field", "box"),
    [
        (quick, [[1e-12, 5]]),
        (defaults, [[5e-324, 1]]),
        *(pytest.param(defaults, box, marks=pytest.mark.slow) for box in ([[1e-12, 5]], [[1e-300, 5]], [[-5, -1e-12]])),
    ],
    ids=lambda given: given.__name__ if callable(given) else str(given),
)
def test_a_zero_beside_the_box_is_not_in_it(field, box):
    found = find_zeros(field(), box)
    assert found.zeros == ()
    [zero] = found.beyond
    assert zero.box[0, 0] <= 0 <= zero.box[0, 1]
    # It is outside of the box, or too near to it to say: then what its box covers is undecided, and nothing else.
    outside = zero.box[0, 1] < box[0][0] or zero.box[0, 0] > box[0][1]
    assert found.complete == outside
    assert outside == (abs(box[0][0]) > 1e-13)
    for ((low, high),) in found.undecided:
        assert low <= zero.box[0, 1]
        assert high < 1e-15
    checked(found)


@pytest.mark.parametrize(
    ("box", "count"),
    [
        ([[-1e-15, 3]], 1),
        ([[0.5, 3]], 0),
        pytest.param([[-1, 1]], 1, marks=pytest.mark.slow),
        pytest.param([[-1, 1e-9]], 1, marks=pytest.mark.slow),
    ],
)
def test_a_zero_in_the_box_is_counted(box, count):
    found = find_zeros(SYMMETRIC, box)
    assert found.complete
    assert len(found.zeros) == count
    assert all(inside(zero.box, box) for zero in found.zeros)
    checked(found)


@pytest.mark.parametrize(
    ("field", "box"),
    [
        (SYMMETRIC, [[0, 1]]),
        pytest.param(SYMMETRIC, [[-1, 0]], marks=pytest.mark.slow),
        (SYMMETRIC, [[0, 0]]),
        (SYMMETRIC, [[0, 5e-324]]),
        (SHIFTED, [[1, np.nextafter(1, 2)]]),
        (SHIFTED, [[1, 1]]),
        pytest.param(PLANE, [[0, 0.1], [-0.1, 0.13]], marks=pytest.mark.slow),
        (PLANE, [[0, 0.1], [0, 0.1]]),
        pytest.param(PLANE, [[0, 0], [-0.1, 0.1]], marks=pytest.mark.slow),
    ],
    ids=lambda value: str(value) if isinstance(value, list) else str(value.problem.dimension),
)
def test_a_zero_on_the_border_is_undecided_and_the_words_say_what_to_do(field, box):
    found = find_zeros(field, box, budget=400)
    assert not found.complete
    assert found.zeros == ()
    assert len(found.beyond) == 1
    [cluster] = found.clusters
    assert "widen the box" in cluster.reason
    assert not cluster.holds_zero
    # Little is undecided: no more than the zero's own box, up to the halving.
    narrow = np.ptp(found.beyond[0].box, axis=1) * 2.1 + 5e-324
    assert (np.ptp(cluster.box, axis=1) <= np.maximum(narrow, 1e-14)).all()
    checked(found)


def test_a_box_of_one_float_and_the_next_is_undecided_once():
    found = find_zeros(of("one_ulp_box"), [[1, 1.0000000000000002]], budget=300)
    assert found.examined == 1
    assert len(found.undecided) == len(found.clusters) == 1
    checked(found)


def test_every_side_of_a_zeros_box_is_narrow():
    """One coordinate converges at once, the other step by step."""
    found = find_zeros(of("anisotropic"), [[0.4, 0.7], [-0.3, 0.35]])
    assert found.complete
    [zero] = found.zeros
    assert (np.ptp(zero.box, axis=1) <= 1e-10).all()
    assert zero.box[0, 0] < 3**-0.5 < zero.box[0, 1]
    assert zero.box[1, 0] < 0 < zero.box[1, 1]
    assert np.ptp(zero.box[1]) < 1e-15


@pytest.mark.parametrize("scale", ["1e-12", pytest.param("1e9", marks=pytest.mark.slow)])
def test_widths_are_relative_to_small_coordinates_and_no_finer_than_floats(scale):
    data = {"x": [f"{k}*{scale}".replace("*1e", "e") if scale != "1" else str(k) for k in (0, 2, 3)]}
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical(data)), Adam("0.5", "0.9", scale))
    size = float(scale)
    found = find_zeros(field, [[-size, 5 * size]])
    [zero] = found.zeros
    assert np.ptp(zero.box[0]) <= max(1e-10 * min(1.0, 3 * size), 1e-13 * size)
    checked(found)


@pytest.mark.parametrize("adam", [Adam("0.5", "0.6", "1"), Adam(0, 0, 1), Adam("0.9", "0.85", "1e-8")])
def test_boxes_around_zeros_are_no_narrower_than_the_checker_can_prove(adam):
    """For beta2 = 0.6 the field's enclosure is ten times as narrow as the checker's."""
    field = AdamField(SYMMETRIC.problem, adam)
    found = find_zeros(field, [[-0.05, 0.1]])
    assert np.ptp(found.zeros[0].box) < 1e-15
    checked(found)


ends = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-12, -1e-12, 1e-300, 5e-324, 1.0 - 2.0**-53]),
    st.floats(-3, 3),
    st.floats(-1e-9, 1e-9),
    st.sampled_from([1e17, -1e17, 1e200, -1e200, 1.7e308, -1.7e308]),
)
lengths = st.sampled_from(["none", "one float", "tiny", "some", "much"])


@st.composite
def sides(draw):
    """A side of a box: of one float, one float and the next, tiny, usual, or as long as floats go."""
    low, length = draw(ends), draw(lengths)
    if length == "none":
        return [low, low]
    if length == "one float":
        return [low, math.nextafter(low, math.inf)]
    if length == "tiny":
        return [low, low + max(abs(low), 1e-3) * draw(st.floats(1e-15, 1e-9))]
    high = draw(ends)
    if length == "some":
        high = min(max(high, low - 4), low + 4)
    return sorted([low, high])


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([SYMMETRIC, SHIFTED]), sides())
def test_what_is_written_checks_and_is_true_over_any_interval(field, side):
    found = find_zeros(field, [side], budget=40)
    checked(found)
    truth = 0.0 if field is SYMMETRIC else 1.0
    assert [inside([[truth, truth]], zero.box) for zero in (*found.zeros, *found.beyond)] in ([], [True])
    if side[0] <= truth <= side[1]:
        # The zero is listed, or may be in what is undecided.
        listed = [True for zero in found.zeros if inside([[truth, truth]], zero.box)]
        left = [True for ((low, high),) in found.undecided if low <= truth <= high]
        assert listed or left
    else:
        assert found.zeros == ()
        assert not any(cluster.holds_zero for cluster in found.clusters)


@settings(max_examples=4, deadline=None)
@given(sides(), sides())
def test_what_is_written_checks_and_is_true_over_any_rectangle(first, second):
    found = find_zeros(PLANE, [first, second], budget=12)
    checked(found)
    within = first[0] <= 0 <= first[1] and second[0] <= 0 <= second[1]
    assert len(found.zeros) <= int(within)
    if within and found.complete:
        assert len(found.zeros) == 1


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.sampled_from([SYMMETRIC, SHIFTED]), sides())
def test_what_is_written_checks_over_many_intervals(field, side):
    checked(find_zeros(field, [side], budget=40))


def test_the_budget_counts_what_is_left_as_undecided():
    found = find_zeros(SYMMETRIC, [[-3, 4]], budget=2)
    assert found.examined == 2
    assert not found.complete
    assert {outcome.reason for _, outcome in found.leaves if outcome.by == "undecided"} == {
        "the budget was spent before it was examined"
    }
    checked(found)


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_a_search_that_is_stopped_says_what_it_knows(asked):
    answers = iter([False] * asked + [True] * 1000)
    found = find_zeros(SYMMETRIC, [[-3, 4]], stop=lambda: next(answers))
    assert found.examined <= asked
    whole = find_zeros(SYMMETRIC, [[-3, 4]])
    assert found.stopped == (found.examined < whole.examined)
    assert found.complete == (not found.stopped)
    checked(found)
