"""Maps of zeros over two parameters: beside counts of sign changes, certified zeros, exact symmetries, branches."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, find_zeros, map_zeros, sweep
from adamsym.continuation import Axis, MapChange, MapNode, NodeZero, ZeroMap
from adamsym.continuation.families import field_at
from adamsym.continuation.maps import mapping, tasks


def quadratic(x, weights=None, batch_size=1):
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": x}, weights), batch_size)


THREE = AdamField(quadratic([0, 0, 3]), Adam("0.9", "0.999", "1e-8"))
TRAP = AdamField(
    Problem("15*a*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["0.02", "0.98"])),
    Adam("0.5", "0.9", "0.01"),
)
"""Near pi an attracting zero and a repelling one meet as beta2 grows, at 0.9705 for this beta1."""

BOX = [[1.0, 3.4]]
OVER = {"beta1": (0.3, 0.8), "beta2": (0.95, 0.98)}
ASKED = {"over": OVER, "points": 4}


@cache
def mapped():
    return map_zeros(TRAP, **ASKED, box=BOX)


@pytest.fixture
def trap():
    return mapped()


def sign_changes(found, i, j, low=1.0, high=3.4):
    """The zeros at a node, counted without Newton's method."""
    one = field_at(TRAP, {axis: axis.values[k] for axis, k in zip(found.axes, (i, j), strict=True)})
    value = one(np.linspace(low, high, 601)[:, None])[:, 0]
    return int((value[1:] * value[:-1] < 0).sum())


def differences(found):
    """At how many nodes the number of zeros is not that of sign changes."""
    m, n = found.number.shape
    return sum(sign_changes(found, i, j) != found.number[i, j] for i in range(m) for j in range(n))


def test_numbers_are_those_of_sign_changes(trap):
    assert set(trap.number.ravel()) == {0, 2}
    assert differences(trap) == 0
    assert set(trap.attracting.ravel()) == {0, 1}
    assert (trap.attracting == trap.number // 2).all()
    assert not trap.reason


def test_a_zero_that_was_not_sought_is_missing(trap):
    # From one start the other zero is not seen; sign changes see both.
    one = map_zeros(TRAP, **ASKED, start=[3.12])
    assert (one.number == trap.number // 2).all()
    assert differences(one) == int((trap.number == 2).sum()) > 0


def test_a_zero_that_the_search_misses_is_found_by_the_sum_of_signs(trap, monkeypatch):
    searched = tasks.sought

    def half(one, box, largest, known=()):
        # The first search sees zeros that are not attracting alone.
        return [zero for zero in searched(one, box, largest, known) if known or zero.unstable]

    monkeypatch.setattr(tasks, "sought", half)
    monkeypatch.setattr(tasks, "_certified", lambda one, box: (np.empty((0, 1)), False))
    again = map_zeros(TRAP, **ASKED, box=BOX)
    assert (again.number == trap.number).all()
    monkeypatch.setattr(mapping, "degree_on", lambda one, box: None)
    assert (map_zeros(TRAP, **ASKED, box=BOX).number == trap.number // 2).all()


@given(st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=2)
def test_numbers_are_those_of_certified_searches(i, j):
    found = mapped()
    assert all(isinstance(change, MapChange) for change in found.changes)
    node = found.nodes[i][j]
    one = field_at(TRAP, {axis: axis.values[k] for axis, k in zip(found.axes, (i, j), strict=True)})
    certified = find_zeros(one, BOX)
    assert certified.complete
    assert node == MapNode("counted", node.zeros)
    assert [zero.theta[0] for zero in node.zeros] == pytest.approx(
        sorted(zero.midpoint[0] for zero in certified.zeros), abs=1e-8
    )
    stabilities = [zero.stability for zero in sorted(certified.zeros, key=lambda zero: zero.midpoint[0])]
    assert [NodeZero.from_dict(zero.to_dict()).stability == "attracting" for zero in node.zeros] == [
        stability == "attracting" for stability in stabilities
    ]


def test_folds_are_those_of_branches(trap):
    folds = [change for change in trap.changes if change.kind == "fold"]
    assert len(folds) == len(trap.changes) > 3
    for change in folds[:1]:
        moving = int(change.edge[0][0] == change.edge[1][0])
        still = trap.axes[1 - moving]
        value = still.values[change.edge[0][1 - moving]]
        ends = sorted(float(trap.axes[moving].values[node[moving]]) for node in change.edge)
        start = change.theta + 0.05
        (branch,) = sweep(
            field_at(TRAP, {still: value}), {trap.axes[moving].name: tuple(ends)}, start=start, points=4
        ).branches
        (fold,) = branch.folds
        assert change.values[moving] == pytest.approx(fold.value, abs=1e-6)
        assert change.theta == pytest.approx(fold.zero, abs=1e-4)
        assert MapChange.from_dict(json.loads(json.dumps(change.to_dict()))).to_dict() == change.to_dict()


def test_a_zero_next_to_a_fold_does_not_jump_to_another(monkeypatch):
    # Three zeros between which f is almost 0: Newton's method leads past the one in the middle.
    law = Empirical({"x": [-1, 0, 125]}, ["0.307", "0.307", "0.386"])
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], law), Adam("0.0008", "7e-7", "1e-8"))
    monkeypatch.setattr(tasks, "_certified", lambda one, box: (np.empty((0, 1)), False))
    over = {"beta1": ["0.0008"], "beta2": ["6.739132022687129e-07", "7.608697920608876e-07"]}
    found = map_zeros(field, over, box=[[-1, 1]])
    assert found.number.tolist() == [[3, 1]]
    (fold,) = found.changes
    assert fold.kind == "fold"
    one = AdamField(field.problem, Adam("0.0008", fold.values[1], "1e-8"))
    assert abs(one(fold.theta)[0]) < 1e-9
    assert abs(one.jacobian(fold.theta)[0, 0]) < 1e-5


@given(st.lists(st.integers(-4, 4), min_size=3, max_size=3, unique=True), st.integers(1, 8))
@settings(max_examples=2)
def test_rows_that_change_places_give_a_symmetric_map(values, third):
    field = AdamField(quadratic([0, 0, third]), Adam("0.5", "0.9", "0.1"))
    found = map_zeros(field, {"data.x[0]": values, "data.x[1]": values}, start=[1.0])
    assert isinstance(found, ZeroMap)
    assert (found.number == 1).all()
    zeros = np.array([[node.zeros[0].theta[0] for node in row] for row in found.nodes])
    assert zeros == pytest.approx(zeros.T, abs=1e-9)
    # A control: with another weight of one row they are not.
    other = AdamField(quadratic([0, 0, third], ["0.5", "0.25", "0.25"]), field.adam)
    skew = map_zeros(other, {"data.x[0]": values, "data.x[1]": values}, start=[1.0])
    zeros = np.array([[node.zeros[0].theta[0] for node in row] for row in skew.nodes])
    assert np.abs(zeros - zeros.T).max() > 1e-3


def test_a_box_counts_what_is_in_it_and_marks_where_zeros_leave_it():
    # The zero of {0, 0, 3} comes to the mean from below.
    found = map_zeros(THREE, {"beta1": [0, 0.9], "beta2": (0.9, 0.99)}, box=[[0.98, 2.0]], points=5)
    assert set(found.number.ravel()) == {0, 1}
    assert {change.kind for change in found.changes} == {"border of the box"}
    assert all(change.theta[0] == pytest.approx(0.98, abs=1e-6) for change in found.changes)
    assert found.columns()["zeros"] == found.number.ravel().tolist()
    assert "certified" in found.searches.values()


def test_values_that_the_method_does_not_have_are_left_out():
    found = map_zeros(THREE, {"beta1": [0.5, 0.95], "beta2": [0.5, 0.99]}, start=[1.0])
    assert [[node.state for node in row] for row in found.nodes] == [["counted"] * 2, ["not allowed", "counted"]]
    assert found.number.tolist() == [[1, 1], [-1, 1]]
    with pytest.raises(InputError, match="must be below beta2"):
        map_zeros(THREE, {"beta1": [0.98, 0.99], "beta2": [0.5, 0.6]}, start=[1.0])


def test_batch_sizes_are_listed():
    found = map_zeros(THREE, {"beta2": (0.9, 0.99), "batch_size": [1, 4]}, start=[1.0], points=3)
    distances = np.array([[1 - node.zeros[0].theta[0] for node in row] for row in found.nodes])
    assert (distances[:, 1] < distances[:, 0] / 2).all()
    assert (np.diff(distances[:, 0]) < 0).all()


def test_processes_and_journals_change_nothing(tmp_path):
    over, journal = {"beta1": [0.5], "beta2": (0.96, 0.98)}, tmp_path / "journal"
    asked = {"box": BOX, "points": 2}
    alone = json.dumps(map_zeros(TRAP, over, **asked, journal=journal).to_dict())
    with ThreadPoolExecutor(2) as executor:
        assert json.dumps(map_zeros(TRAP, over, **asked, executor=executor).to_dict()) == alone
    assert json.dumps(map_zeros(TRAP, over, **asked, journal=journal).to_dict()) == alone
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[: len(lines) // 2]))
    assert json.dumps(map_zeros(TRAP, over, **asked, journal=journal).to_dict()) == alone
    assert journal.read_text() == "".join(lines)
    with pytest.raises(InputError, match="belongs to another"):
        map_zeros(TRAP, over, box=BOX, points=4, journal=journal)


def test_a_continuum_of_zeros_is_not_counted():
    fitted = Problem("(a + b - x)**2/2", ["a", "b"], Empirical({"x": [1, 1]}))
    found = map_zeros(AdamField(fitted, Adam()), {"beta1": [0.5, 0.9], "beta2": [0.9, 0.99]}, start=[1.0, 0.5])
    assert found.summary.startswith("nothing was counted: the zeros are not isolated")
    assert (found.number == -1).all()
    with pytest.raises(InputError, match="nothing was counted"):
        found.plot()


@pytest.mark.parametrize(
    ("over", "options", "message"),
    [
        ({"beta2": (0.9, 0.99)}, {"start": [1.0]}, "a map has two parameters"),
        ({"beta2": (0.9, 0.99), "beta3": [1]}, {"start": [1.0]}, "'beta3' is unknown"),
        ({"beta2": (0.9, 0.99), "beta1": [2]}, {"start": [1.0]}, "below 1"),
        ({"beta2": (0.9, 0.99), "beta1": (0, 0.9)}, {"start": [1.0], "points": 300}, "at most 40000"),
        ({"beta2": (0.9, 0.99), "beta1": (0, 0.9)}, {"start": [1.0], "points": 1}, "allowed are 2 to 1000"),
        ({"beta2": (0.9, 0.99), "beta1": (0, 0.9)}, {}, "give one of them"),
        ({"beta2": (0.9, 0.99), "beta1": (0, 0.9)}, {"box": [[1, 1]]}, "sides have a length"),
    ],
)
def test_bad_arguments(over, options, message):
    with pytest.raises(InputError, match=message):
        map_zeros(THREE, over, **options)
    assert all(isinstance(axis, Axis) for axis in mapping.grid_axes(THREE, {"beta1": [0], "eps": [1, 2]}, 5))
