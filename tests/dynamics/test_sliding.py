"""Flows that meet kinks and thin valleys: they cross, slide and leave where Filippov's solution does."""

import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import basins, flow
from adamsym.dynamics.solutions import about_solution
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import read_problem
from adamsym.methods import Adam

CASES = pathlib.Path(__file__).parents[1] / "cases"
ONE_ROW = Empirical({"x": [0]})
EPS = 0.1
ADAM = Adam(0, "0.9", "0.1")


def of(loss, names=("a", "b"), adam=ADAM):
    return AdamField(Problem(f"{loss} + 0*x", list(names), ONE_ROW), adam)


def speed(gradient):
    """Minus the field of a single row."""
    return gradient / (abs(gradient) + EPS)


@pytest.mark.parametrize(
    "start", [[0.0, 0.0], *(pytest.param(far, marks=pytest.mark.slow) for far in ([1.253, 1.651], [-1.8, -1.9]))]
)
def test_rosenbrock(start):
    source = read_problem(CASES / "rosenbrock.toml")
    found = flow(AdamField(source.problem, source.adam), start, np.linspace(0, 5, 6))
    assert found.outcome in ("zero", "kink", "end")
    assert found.reached == 5
    np.testing.assert_allclose(found.theta[-1], 1.0, atol=1e-8)
    assert "the tolerance is 1e-12 from time" in found.notes[0][0]
    assert (np.diff(source.problem.mean_loss(found.theta)) <= 1e-20).all()


def test_along_rosenbrocks_valley_the_solution_is_known():
    # From (0, 0) on a moves at the speed 1 and b = a^2 follows, up to a = 1/2, beyond which b cannot: b' = 1. A solver
    # whose tolerance is above the layer's width follows b = a^2 all the same.
    source = read_problem(CASES / "rosenbrock.toml")
    found = flow(AdamField(source.problem, source.adam), [0.0, 0.0], [0.0, 0.25, 0.45, 1.0])
    np.testing.assert_allclose(found.theta[:3], [[0, 0], [0.25, 0.0625], [0.45, 0.2025]], atol=1e-6)
    np.testing.assert_allclose(found.theta[3, 1], 0.25 + 0.5, atol=1e-6)


def test_a_valley_thinner_than_every_tolerance_is_slid_along():
    # The layer is 1e-8/2e7 wide.
    field = AdamField(Problem("(1-a)**2 + 1e7*(b-a**2)**2 + 0*x", ["a", "b"], ONE_ROW), Adam())
    found = flow(field, [0.0, 0.0], [0.0, 0.3, 0.45])
    assert found.reached == 0.45
    np.testing.assert_allclose(found.theta, [[0, 0], [0.3, 0.09], [0.45, 0.2025]], atol=1e-6)
    assert any("slides along a valley thinner than" in line for line in found.notes[0])


def quantile_loss(level, entries, adam=None):
    loss = f"Max({level}*(x - theta), ({level} - 1)*(x - theta))"
    return AdamField(Problem(loss, ["theta"], Empirical({"x": entries})), adam or Adam())


def test_quantile_loss_of_50_rows():
    entries = np.random.default_rng(5).normal(size=50).round(3).tolist()
    field = quantile_loss("0.3", entries)
    found = flow(field, [[2.0], [-0.5]], [0.0, 5.0, 10.0])
    assert found.outcome.tolist() == ["kink", "kink"]
    assert found.theta[0, -1, 0] in entries
    # The fields of the two sides point to it.
    rest = found.theta[0, -1]
    assert field(rest - 1e-9)[0] > 0 > field(rest + 1e-9)[0]
    assert any("rests on a kink" in line for line in found.notes[0])
    np.testing.assert_allclose(found.theta[:, -1, 0], rest[0], atol=1e-12)


def test_absolute_value():
    # The speed is 1/(1 + eps) up to the kink, and 0 on it.
    found = flow(of("Abs(a)", "a"), [[2.0], [-1.0]], [0.0, 1.0, 10.0])
    np.testing.assert_allclose(found.theta[:, :, 0], [[2.0, 2 - 1 / 1.1, 0], [-1.0, -1 + 1 / 1.1, 0]], atol=1e-9)
    assert found.outcome.tolist() == ["kink", "kink"]
    assert np.isnan(found.zero).all()
    ended = [line.split("from time ")[1].split(" ")[0] for notes in found.notes for line in notes]
    np.testing.assert_allclose([float(time) for time in ended], [2.2, 1.1], rtol=1e-5)


def test_crossing_is_not_sliding():
    found = flow(of("Abs(a) + 2*a", "a"), [1.0], [0.0, 2.0])
    first = 1 / speed(3.0)
    np.testing.assert_allclose(found.theta[1, 0], -speed(1.0) * (2.0 - first), atol=1e-9)
    assert (found.outcome, found.notes) == ("end", ((),))


def test_sliding_along_an_oblique_kink_has_a_closed_form():
    # Off a = b the field is constant; on it, Filippov's combination is (v, v).
    field = of("2*Max(a - b, b - a) + a/2 - 3*b/2")
    above, below = (np.array([-speed(2 * s + 0.5), -speed(-2 * s - 1.5)]) for s in (1, -1))
    up, down = above[0] - above[1], below[0] - below[1]
    assert up < 0 < down
    v = ((down * above - up * below) / (down - up))[0]
    found = flow(field, [1.0, 0.0], [0.0, 0.3, 4.0])
    arrival = 1.0 / -up
    np.testing.assert_allclose(found.theta[1], [1.0, 0.0] + 0.3 * above, atol=1e-9)
    np.testing.assert_allclose(found.theta[2], (above * arrival + [1.0, 0.0]) + v * (4.0 - arrival), atol=1e-8)
    assert ["slides along a kink" in line for line in found.notes[0]] == [True]
    # The mean of both fields, which the smooth middle of a kink would suggest, is another one.
    assert abs((above + below).mean() / 2 - v) > 1e-3


def test_it_leaves_the_kink_where_one_side_lets_go():
    # On a = 0 the gradient in a is +-(1 - b) + 1/2, and b rises at the speed 1/(1 + eps): it leaves at b = 1/2.
    found = flow(of("Abs(a)*(1-b) + a/2 - b"), [0.0, -1.0], [0.0, 1.0, 1.5 * 1.1, 3.0])
    np.testing.assert_allclose(found.theta[:3], [[0, -1], [0, -1 + 1 / 1.1], [0, 0.5]], atol=1e-8)
    assert found.theta[3, 0] < -0.1
    assert [line.split(" at time")[0].split(" from time")[0] for line in found.notes[0]] == [
        "it slides along a kink",
        "it leaves the kink",
    ]


def test_where_kinks_meet():
    # All leads to the point where both lines of least absolute deviations pass.
    field = of("Abs(a) + 2*Abs(b - a/4)")
    for start in ([1.0, 0.7], [1e-3, -1.0]):
        found = flow(field, start, [0.0, 9.0])
        assert found.outcome == "kink"
        np.testing.assert_allclose(found.theta[-1], 0, atol=1e-9)
        assert "it rests" in found.notes[0][-1]


def test_solutions_that_are_not_unique_stop():
    found = flow(of("-Abs(a)", "a"), [0.0], [0.0, 1.0])
    assert (found.outcome, found.reached) == ("stopped", 0.0)
    assert "not unique" in found.notes[0][0]
    assert np.isnan(found.theta[1, 0])
    assert about_solution(found)[0] == "undecided: followed until time 0 only"


def test_the_budget_ends_it():
    entries = np.random.default_rng(5).normal(size=50).tolist()
    found = flow(quantile_loss("0.3", entries), [2.0], [0.0, 1.0, 10.0], budget=60)
    assert found.outcome == "budget"
    assert 0 < found.reached < 10
    assert np.isnan(found.theta[-1, 0])
    assert not np.isnan(found.at(float(found.reached))).any()
    assert "the budget of 60 evaluations is spent at time" in found.notes[0][-1]


def test_basins_over_kinks_end():
    field = quantile_loss("0.5", [0, 1, 3])
    found = basins(field, [[-2, 5]], 8, [[1.0]], time=20, radius=1e-6)
    np.testing.assert_array_equal(found.index, 0)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(-40, 40), min_size=1, max_size=6).map(lambda found: [k / 8 for k in found]),
    st.integers(-50, 50).map(lambda k: k / 7 + 0.01),
    st.sampled_from([ADAM, Adam(), Adam("0.5", "0.6", "0.1")]),
)
def test_flows_of_absolute_values_are_exact(entries, start, adam):
    """Between kinks f is constant: the solution by arithmetic, kink by kink, against the one that is followed."""
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": entries})), adam)
    kinks, time, theta = sorted(set(entries)), 6.0, start
    while time > 0:
        slope = field([theta])[0]
        ahead = [k for k in kinks if (k - theta) * slope > 0]
        if abs(slope) <= 1e-10 or not ahead:
            theta += slope * time * (abs(slope) > 1e-10)
            break
        target = min(ahead, key=lambda k: abs(k - theta))
        if abs(target - theta) >= abs(slope) * time:
            theta += slope * time
            break
        time -= (target - theta) / slope
        beyond = target + np.sign(slope) * 1e-9
        if field([beyond])[0] * slope <= 0:
            theta = target
            break
        theta = beyond
    found = flow(field, [start], [0.0, 6.0])
    assert found.reached == 6
    np.testing.assert_allclose(found.theta[-1, 0], theta, atol=1e-7)
