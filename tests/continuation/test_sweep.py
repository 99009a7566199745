"""Branches of zeros of Adam's field: beside certified zeros, exact symmetries, and counts of zeros around folds."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, AdamW, Empirical, InputError, PerRowGradients, Problem, RMSprop, find_zeros, sweep
from adamsym.continuation import Axis, Branch
from adamsym.continuation.families import field_at


def quadratic(x, weights=None, batch_size=1):
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": x}, weights), batch_size)


THREE = AdamField(quadratic([0, 0, 3]), Adam("0.9", "0.999", "1e-8"))
TRAP = AdamField(
    Problem("15*a*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["0.02", "0.98"])),
    Adam("0.5", "0.9", "0.01"),
)


def test_the_zero_of_three_points_moves_to_the_mean():
    found = sweep(THREE, {"beta2": (0.82, 0.9999)}, start=[1.0], points=12)
    (branch,) = found.branches
    assert branch.ends == ("end of the interval", "end of the interval")
    assert not branch.folds
    assert not branch.changes
    assert (branch.values[0], branch.values[-1]) == (0.82, 0.9999)
    assert (np.diff(branch.values) > 0).all()
    assert (np.diff(branch.zeros[:, 0]) > 0).all()
    for point in branch.points:
        (certified,) = find_zeros(AdamField(THREE.problem, Adam(0.9, point.value, 1e-8)), [[0.9, 1.1]]).zeros
        assert point.zero == pytest.approx(certified.midpoint, abs=1e-9)
        assert point.stability == certified.stability == "attracting"
        assert point.distance == pytest.approx(1 - point.zero[0], abs=1e-9)
    # To leading order the zero is (1 - beta2)/2 below the mean.
    assert branch.points[-1].predicted_distance == pytest.approx(0.5e-4, rel=1e-6)


@pytest.fixture(scope="module")
def around_a_fold():
    return sweep(TRAP, {"beta2": (0.9, 0.98)}, start=[3.12], points=15)


def test_two_zeros_meet_in_a_fold(around_a_fold):
    (branch,) = around_a_fold.branches
    (fold,) = branch.folds
    assert branch.ends == ("end of the interval", "end of the interval")
    assert {branch.points[0].stability, branch.points[-1].stability} == {"attracting", "not attracting"}

    def zeros_between(beta2):
        grid = np.linspace(1.7, 3.14, 2000)
        values = AdamField(TRAP.problem, Adam("0.5", beta2, "0.01"))(grid[:, None])[:, 0]
        return int((values[1:] * values[:-1] < 0).sum())

    assert zeros_between(fold.value - 1e-4) == 2
    assert zeros_between(fold.value + 1e-4) == 0
    # Beside the fold, not beside a value farther off.
    assert zeros_between(fold.value - 0.02) == 2


def test_scaled_data_scale_the_zero():
    found = sweep(THREE, {"data.x[2]": (3, 30)}, start=[1.0], points=6)
    (branch,) = found.branches
    assert branch.zeros[:, 0] / branch.values == pytest.approx(branch.zeros[0, 0] / 3, rel=1e-7)


def test_a_column_is_one_number():
    problem = Problem("(theta - x)**2/2 + p*theta", ["theta"], Empirical({"x": [0, 0, 3], "p": [0, 0, 0]}))
    found = sweep(AdamField(problem, Adam("0.9", "0.999", "1e-8")), {"data.p": [0, 1, 2.5]}, start=[1.0])
    # The loss with p is that of the data x - p.
    zeros = found.branches[0].zeros[:, 0]
    assert zeros - zeros[0] == pytest.approx([0, -1, -2.5], abs=1e-9)


def test_a_probability_leaves_the_others_in_proportion():
    field = AdamField(quadratic([0, 1, 3], [1, 3, 4]), Adam("0.9", "0.99", "1e-8"))
    (axis,) = sweep(field, {"data.weights[2]": ["0.2"]}, start=[1.0]).axes
    law = field_at(field, {axis: axis.values[0]}).problem.law
    assert law.probabilities == pytest.approx([0.2, 0.6, 0.2])


def test_listed_batches_lead_to_the_certified_zeros():
    found = sweep(THREE, {"batch_size": [1, 2, 8]}, box=[[-5, 5]])
    (branch,) = found.branches
    for point in branch.points:
        one = AdamField(quadratic([0, 0, 3], None, int(point.value)), THREE.adam)
        (certified,) = find_zeros(one, [[0.99, 1.01]]).zeros
        assert point.zero == pytest.approx(certified.midpoint, abs=1e-9)


def test_a_zero_vanishes_from_a_list_and_another_goes_on():
    found = sweep(TRAP, {"batch_size": [1, 2, 3, 4]}, box=[[-1, 5]])
    ends = {round(branch.points[0].zero[0], 2): branch.ends[1] for branch in found.branches}
    assert ends[0.0] == "end of the list"
    assert any(re.match("lost|leads to", end) for place, end in ends.items() if place > 1)


def test_two_parameters_make_a_branch_for_each_listed_value():
    found = sweep(THREE, {"batch_size": [1, 4], "beta2": ("0.9", "0.99")}, start=[1.0], points=5)
    assert [axis.name for axis in found.axes] == ["beta2", "batch_size"]
    assert [branch.fixed for branch in found.branches] == [{"batch_size": 1.0}, {"batch_size": 4.0}]
    # Four draws in a batch: a smaller distance everywhere.
    small, large = (np.interp(0.95, branch.values, branch.zeros[:, 0]) for branch in found.branches)
    assert small < large < 1


def test_processes_and_threads_find_the_same():
    over = {"beta2": ("0.9", "0.95"), "batch_size": [1, 2]}
    # What has been compiled of a field cannot be sent.
    THREE.evaluate([1.0])
    here = sweep(THREE, over, start=[1.0], points=4).to_dict()
    with ThreadPoolExecutor(2) as pool:
        assert sweep(THREE, over, start=[1.0], points=4, executor=pool).to_dict() == here
    assert sweep(THREE, over, start=[1.0], points=4, executor=2).to_dict() == here


def test_a_set_of_zeros_ends_with_a_clear_word():
    problem = Problem("(a + b - x)**2/2", ["a", "b"], Empirical({"x": [1, 1]}))
    found = sweep(AdamField(problem, Adam("0.9", "0.99", "0.1")), {"beta2": (0.9, 0.99)}, start=[0.3, 0.2])
    assert not found.branches
    assert "the zeros are not isolated" in found.summary
    assert "dimension 1" in found.summary


@settings(max_examples=3)
@given(st.data())
def test_what_is_followed_are_zeros(data):
    x = data.draw(st.lists(st.integers(-9, 9), min_size=3, max_size=4, unique=True))
    batch = data.draw(st.sampled_from([1, 3]))
    method = data.draw(
        st.sampled_from([Adam("0.5", "0.9", "1e-3"), RMSprop("0.9", "1e-8"), AdamW("0.5", "0.9", "1e-2")])
    )
    name, interval = data.draw(
        st.sampled_from([("beta2", ("0.5", "0.99")), ("eps", ("1e-6", "1")), ("data.x[1]", ("-3", "4"))])
    )
    field = AdamField(quadratic(x, None, batch), method)
    found = sweep(field, {name: interval}, start=[float(np.mean(x))], points=6)
    (branch,), (axis,) = found.branches, found.axes
    assert len(branch.points) >= 6
    for point in branch.points:
        value = field_at(field, {axis: point.value}).evaluate(point.zero)
        assert (np.abs(value.value) <= 1e-10 + value.error).all()


def test_a_journal_is_gone_on_from(tmp_path):
    journal, over = tmp_path / "journal", {"beta2": [0.9, 0.99], "batch_size": [1, 2, 3]}
    whole = sweep(THREE, over, start=[1.0], journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 3
    journal.write_bytes(b"".join(lines[:2]))
    told = []
    again = sweep(THREE, over, start=[1.0], journal=journal, progress=lambda done, total: told.append((done, total)))
    assert again.to_dict() == whole.to_dict()
    assert told[0] == (100, 300)
    assert told[-1] == (300, 300)
    with pytest.raises(InputError, match="belongs to another problem"):
        sweep(THREE, over, start=[1.1], journal=journal)


def test_records_of_branches_are_whole(around_a_fold):
    (branch,) = around_a_fold.branches
    record = json.loads(json.dumps(branch.to_dict(), allow_nan=False))
    assert Branch.from_dict(record).to_dict() == branch.to_dict()
    columns = around_a_fold.columns()
    assert {len(column) for column in columns.values()} == {len(branch.points)}
    assert columns["theta"] == branch.zeros[:, 0].tolist()


def test_leading_orders_beside_a_branch():
    """For large batches the order in 1/B comes close at any beta2, and that in 1 - beta2 does not; and the reverse."""
    skewed = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    found = sweep(AdamField(skewed, Adam("0.5", "0.9", "0.01")), {"batch_size": [32, 128]}, start=[1.0])
    for point, close in zip(found.branches[0].points, (0.1, 0.03), strict=True):
        assert point.batch_predicted_distance == pytest.approx(point.distance, rel=close)
        assert point.predicted_distance > 1.2 * point.distance
        assert point.batch_predicted[0] - 1 == pytest.approx(-point.batch_predicted_distance)
        assert point.batch_predicted_excess == pytest.approx(point.batch_predicted_distance**2 / 2)
    single = sweep(AdamField(skewed, Adam("0.5", "0.9", "0.01")), {"beta2": [0.999]}, start=[1.0])
    (point,) = single.branches[0].points
    assert point.predicted_distance == pytest.approx(point.distance, rel=0.02)
    columns, (row,) = single.table()
    assert row[columns.index("leading order in 1/B")] == f"{point.batch_predicted_distance:.3g}"
    assert single.columns()["batch_predicted_distance"] == [point.batch_predicted_distance]
    # Without an expansion there is no number, and records of before it was there are read.
    decaying = AdamField(skewed, AdamW("0.5", "0.9", "0.01", "0.01"))
    (bare,) = sweep(decaying, {"beta2": [0.999]}, start=[1.0]).branches[0].points
    assert bare.batch_predicted is None
    assert np.isnan(bare.batch_predicted_distance)
    record = single.branches[0].to_dict()
    for key in [key for key in record["points"][0] if key.startswith("batch")]:
        del record["points"][0][key]
    (old,) = Branch.from_dict(record).points
    assert old.distance == point.distance
    assert old.batch_predicted is None


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({}, "give names with values"),
        ({"beta3": [1]}, "over: 'beta3' is unknown; Adam has beta1, beta2, eps"),
        ({"beta2": (0.9, 1)}, "over beta2: 1.0 is not allowed"),
        ({"beta2": (0.99, 0.9)}, "the lower end comes first"),
        ({"beta2": "0.9:0.99:1"}, "low:high:number"),
        ({"beta2": (0.9, 0.99), "eps": (0.1, 1)}, "both intervals"),
        ({"beta2": [0.9, 0.9]}, "a value stands twice"),
        ({"beta2": (0.5, 0.9)}, "beta1"),
        ({"batch_size": [1.5]}, "integers from 1 up"),
        ({"batch_size": f"1:{10**30}"}, "too many values; allowed are 1 to 10000"),
        ({"batch_size": []}, "no values"),
        ({"data.y": [1]}, "there is no column y; there are x"),
        ({"data.x[3]": [1]}, "there is no row 3; there are 3"),
        ({"data.weights": [0.5]}, "the probability of one row"),
        ({"eps": (0, 1)}, "positive"),
        ({"data.weights[0]": [0.5], "data.weights[1]": [0.2, 0.3]}, "it changes what data.weights[0] changes too"),
        ({"data.x": [0.5], "data.x[1]": [0.2, 0.3]}, "it changes what data.x changes too"),
        ({"beta2": None}, "a pair"),
    ],
)
def test_wrong_ranges_are_named(over, message):
    with pytest.raises(InputError, match=re.escape(message)):
        sweep(THREE, over, start=[1.0])


def test_wrong_starts_are_named():
    over = {"beta2": [0.9]}
    with pytest.raises(InputError, match="give one of them"):
        sweep(THREE, over)
    with pytest.raises(InputError, match="give one point"):
        sweep(THREE, over, start=[[1.0]])
    with pytest.raises(InputError, match="gradients at every theta"):
        sweep(AdamField(PerRowGradients(np.ones((3, 1))), Adam()), over, start=[1.0])


@example(0.5, 0.09375, "eps", 6e-176)  # exp(log(low)) is below low.
@given(st.floats(1e-9, 0.999), st.floats(1e-9, 0.999), st.sampled_from(["beta2", "eps", "data.x"]), st.floats(0, 1))
def test_values_and_places_are_inverse(first, second, name, place):
    if abs(first - second) < 1e-3:
        return
    low, high = sorted((Fraction(repr(first)), Fraction(repr(second))))
    axis = Axis(name, (low, high), True)
    value = axis.value(place)
    assert float(low) <= value <= float(high)
    assert axis.place(value) == pytest.approx(place, abs=1e-9)
    assert (axis.value(0), axis.value(1)) == (float(low), float(high))
