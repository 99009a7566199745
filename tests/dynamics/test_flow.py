"""The flow: exact solutions, zeros, Lyapunov decrease, errors."""

import sys
import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import flow
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam
from adamsym.testing import strategies

SKEWED = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 3, 5]}))


def test_a_deterministic_gradient_has_a_closed_form():
    # One row: theta' = -theta/(|theta| + eps), so that |theta| + eps log|theta| falls at rate 1.
    eps = 0.5
    field = AdamField(Problem("theta**2/2 + 0*x", ["theta"], Empirical({"x": [1]})), Adam("0.9", "0.999", eps))
    times = np.linspace(0, 3, 13)
    found = flow(field, [2.0], times)

    def exact(t):
        level = 2.0 + eps * np.log(2.0) - t
        return scipy.optimize.brentq(lambda u: u + eps * np.log(u) - level, 1e-12, 3, xtol=1e-15)

    np.testing.assert_allclose(found.theta[:, 0], [exact(t) for t in times], rtol=2e-8)
    assert np.isnan(found.zero)
    # The comparison sees a flow of another eps.
    other = AdamField(Problem("theta**2/2 + 0*x", ["theta"], Empirical({"x": [1]})), Adam("0.9", "0.999", "0.5001"))
    assert abs(flow(other, [2.0], times).theta[-1, 0] - exact(3.0)) > 1e-6


def test_the_flow_stops_at_a_zero():
    found = flow(SKEWED, [2.0], [0.0, 20.0, 1e4])
    assert found.zero.shape == ()
    assert 20 < found.zero < 1e4
    assert abs(SKEWED(found.theta[-1])[0]) <= 1.1e-10
    assert 0.9995 < found.theta[-1, 0] < 0.9996
    # After the zero theta stands still.
    np.testing.assert_array_equal(found.at([found.zero, 1e4])[0], found.theta[-1])


def test_a_start_at_a_zero_stands_still():
    field = AdamField(LINE, Adam("0.9", "0.999", "1e-3"))
    found = flow(field, [2.0, 1.0], [1.0, 2.0, 5.0])
    assert found.zero == 1.0
    np.testing.assert_array_equal(found.theta, [[2.0, 1.0]] * 3)
    np.testing.assert_array_equal(found.at([[1.5, 4.0]]), [[[2.0, 1.0], [2.0, 1.0]]])


def test_the_flow_property():
    whole = flow(SKEWED, [2.0], [0.0, 0.5, 1.0])
    rest = flow(SKEWED, whole.theta[1], [0.5, 1.0])
    np.testing.assert_allclose(rest.theta[-1], whole.theta[-1], rtol=1e-8)
    np.testing.assert_allclose(whole.at(0.5), whole.theta[1], rtol=1e-12)


def test_the_interpolant_solves_the_equation():
    field = AdamField(LINE, Adam("0.5", "0.9", "0.1"))
    found = flow(field, [0.0, 0.0], [0.0, 3.0])
    times = np.linspace(0.1, 2.9, 30)
    step = 1e-3
    slope = (found.at(times + step) - found.at(times - step)) / (2 * step)
    np.testing.assert_allclose(slope, field(found.at(times)), atol=1e-5)
    assert np.abs(slope + field(found.at(times))).max() > 0.1


def test_the_loss_decreases_next_to_interpolation_even_for_tiny_eps():
    field = AdamField(LINE, Adam("0.9", "0.999", "1e-8"))
    found = flow(field, [2.1, 0.9], np.linspace(0, 1, 50))
    losses = LINE.mean_loss(found.theta)
    assert (np.diff(losses) <= 1e-20).all()
    assert losses[-1] < 1e-15


def test_starts_together_go_as_each_alone():
    field = AdamField(Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 3, 4]})), Adam())
    starts = np.random.default_rng(0).uniform(-3, 5, (2, 30, 2))
    times = np.linspace(0, 0.5, 4)
    found = flow(field, starts, times)
    assert found.theta.shape == (2, 30, 4, 2)
    assert found.zero.shape == (2, 30)
    for index in [(0, 0), (0, 29), (1, 7)]:
        alone = flow(field, starts[index], times)
        np.testing.assert_allclose(found.theta[index], alone.theta, atol=1e-7)
        np.testing.assert_allclose(found.at([0.3, 0.1])[index], alone.at([0.3, 0.1]), atol=1e-7)
        np.testing.assert_allclose(found.at(0.3)[index], alone.at(0.3), atol=1e-7)
    # The comparison sees starts that have changed places.
    assert np.abs(found.theta[0, 1] - flow(field, starts[0, 0], times).theta).max() > 1e-2


def test_starts_at_rest_do_not_dilute_the_tolerance():
    # In a root-mean-square norm 40 starts at rest would make the steps of the one that moves larger.
    field = AdamField(LINE, Adam("0.5", "0.9", "0.1"))
    starts = np.full((41, 2), [2.0, 1.0])
    starts[17] = [0.0, 0.0]
    times = [0.0, 1.0, 2.0]
    found = flow(field, starts, times)
    alone = flow(field, starts[17], times)
    np.testing.assert_allclose(found.theta[17], alone.theta, rtol=1e-14)
    np.testing.assert_array_equal(np.isnan(found.zero), np.arange(41) == 17)
    np.testing.assert_array_equal(found.theta[18], [[2.0, 1.0]] * 3)
    # A looser tolerance shows.
    assert np.abs(flow(field, starts[17], times, tolerance=5e-9).theta - alone.theta).max() > 1e-11


def test_each_start_stops_at_its_own_time():
    found = flow(SKEWED, [[2.0], [0.5], [0.9995], [30.0]], [0.0, 20.0, 1e4])
    assert (np.diff(found.zero[[2, 1, 0, 3]]) > 0).all()
    assert (found.zero < 1e4).all()
    np.testing.assert_allclose(found.theta[:, -1, 0], found.theta[0, -1, 0], atol=1e-6)
    for k, start in enumerate([2.0, 0.5]):
        # The flow tends to the zero slowly: its time there is that of a difference of 1e-10 / |Df|.
        np.testing.assert_allclose(found.zero[k], flow(SKEWED, [start], [0.0, 1e4]).zero, rtol=1e-2)
        before, after = found.at([found.zero[k] - 1e-3, found.zero[k] + 1e-3])[k]
        np.testing.assert_array_equal(after, found.theta[k, -1])
        assert abs(SKEWED(before)[0]) > 1e-10


@pytest.mark.parametrize("count", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_many_starts_next_to_interpolation_even_for_tiny_eps(count):
    field = AdamField(LINE, Adam("0.9", "0.999", "1e-8"))
    starts = np.array([2.0, 1.0]) + np.random.default_rng(1).uniform(-0.1, 0.1, (count, 2))
    found = flow(field, starts, np.linspace(0, 1, 50))
    losses = LINE.mean_loss(found.theta)
    assert (np.diff(losses) <= 1e-20).all()
    assert (losses[:, -1] < 1e-15).all()


def test_a_stack_of_too_many_steps_is_solved_start_by_start(monkeypatch):
    starts = [[2.0], [0.0]]
    together = flow(SKEWED, starts, [0.0, 1.0])
    monkeypatch.setattr(sys.modules["adamsym.dynamics.flow"], "STEPS_TOGETHER", 3)
    found = flow(SKEWED, starts, [0.0, 1.0])
    assert (len(together._stacks), len(found._stacks)) == (1, 2)
    np.testing.assert_allclose(found.theta, together.theta, rtol=1e-8)
    np.testing.assert_array_equal(found.theta[1], flow(SKEWED, [0.0], [0.0, 1.0]).theta)


def test_the_start_that_cannot_go_on_is_named():
    # The loss is not real left of 0: the flow of the middle start arrives there at a time below 1.
    law = Empirical({"x": [1, -2]})
    field = AdamField(Problem("theta**(3/2) + 0*x", ["theta"], law), Adam("0.5", "0.9", "0.1"))
    with pytest.raises(InputError, match=r"flow from 0\.25: .*theta\*\*\(3/2\) needs theta at least 0"):
        flow(field, [[9.0], [0.25], [4.0]], [0.0, 1.0])
    found = flow(field, [[9.0], [0.25], [4.0]], [0.0, 1.0], failing="nan")
    np.testing.assert_array_equal(np.isnan(found.theta[:, :, 0]), [[False] * 2, [True] * 2, [False] * 2])
    np.testing.assert_array_equal(found.theta[2], flow(field, [4.0], [0.0, 1.0]).theta)
    # A start where the loss is not real is named too.
    with pytest.raises(InputError, match=r"flow from -1: .*theta\*\*\(3/2\) needs theta at least 0"):
        flow(field, [[9.0], [-1.0]], [0.0, 1.0])


def test_the_reason_why_the_solver_stops_is_given(monkeypatch):
    def step(self):
        warnings.warn("lsoda: Repeated error test failures (internal error).", stacklevel=1)

    monkeypatch.setattr(scipy.integrate.LSODA, "step", step)
    found = flow(SKEWED, [[1.0], [2.0]], [0.0, 1.0])
    assert found.outcome.tolist() == ["stopped", "stopped"]
    assert found.reached.tolist() == [0.0, 0.0]
    assert "stopped at time 0: the solver fails at tolerance 1e-12 (lsoda: Repeated error test" in found.notes[1][-1]
    np.testing.assert_array_equal(found.theta[:, :, 0], [[1.0, np.nan], [2.0, np.nan]])


def test_many_times_of_many_starts():
    found = flow(SKEWED, np.linspace(-3, 5, 20)[:, None], [0.0, 0.5])
    times = np.random.default_rng(2).uniform(0, 0.5, 30_000)
    values = found.at(times)
    assert values.shape == (20, 30_000, 1)
    few = [0, 9_000, 29_999]
    np.testing.assert_allclose(values[:, few], found.at(times[few]), rtol=1e-14)
    assert flow(SKEWED, np.empty((0, 1)), [0.0, 1.0]).at(times).shape == (0, 30_000, 1)


@pytest.mark.parametrize(
    ("theta", "times", "fragment"),
    [
        ([1.0, 2.0], [0, 1], "theta"),
        (1.0, [0, 1], "theta"),
        ([1.0], [0], "times"),
        ([1.0], [1, 0], "times"),
        ([1.0], [0, np.inf], "times"),
        ([np.nan], [0, 1], "theta"),
    ],
)
def test_bad_arguments(theta, times, fragment):
    with pytest.raises(InputError, match=fragment):
        flow(SKEWED, theta, times)


@pytest.mark.parametrize(("d", "ending"), [(6, r"-1: "), (7, r"-1, \.\.\.: ")])
def test_long_starts_are_named_by_their_first_entries(d, ending):
    names = [f"p{k}" for k in range(d)]
    loss = "+".join([*(f"p{k}**2" for k in range(1, d)), "p0*x*sqrt(p0)"])
    field = AdamField(Problem(loss, names, Empirical({"x": [1, 2]})), Adam("0.5", "0.6", "0.1"))
    with pytest.raises(InputError, match=r"^flow from -1, -1, -1, -1, -1, " + ending):
        flow(field, [-1.0] * d, [0.0, 1.0])


def test_the_usual_tolerance():
    usual = flow(SKEWED, [3.0], [0.0, 1.0, 2.0]).theta
    np.testing.assert_array_equal(usual, flow(SKEWED, [3.0], [0.0, 1.0, 2.0], tolerance=1e-9).theta)


@pytest.mark.parametrize("tolerance", [0.0, 1e-13, 1.0, np.nan])
def test_tolerances_outside_are_refused(tolerance):
    with pytest.raises(InputError, match="tolerance"):
        flow(SKEWED, [2.0], [0.0, 1.0], tolerance=tolerance)


def test_times_outside_are_refused():
    with pytest.raises(InputError, match="between 0 and 1"):
        flow(SKEWED, [2.0], [0.0, 1.0]).at(1.5)


# Where eps is tiny, or at a saddle, neighbours part so fast that rounding decides.
gentle = st.one_of(*map(strategies.problems, ("quadratic", "robust", "regression", "several minima")))
gentle_adams = strategies.adams().filter(lambda adam: adam.eps >= 0.1)


@settings(max_examples=10, deadline=None)
@given(gentle, gentle_adams, st.floats(0.05, 0.45), st.data())
def test_flows_go_on_where_they_are_and_are_no_faster_than_the_step_bound(problem, adam, between, data):
    field, theta = AdamField(problem, adam), data.draw(strategies.points(problem.dimension, 2))
    whole = flow(field, theta, [0.0, between, 0.5])
    rest = flow(field, whole.theta[1], [between, 0.5])
    np.testing.assert_allclose(rest.theta[-1], whole.theta[-1], rtol=1e-6, atol=1e-7)
    assert (np.abs(np.diff(whole.theta, axis=0)) <= adam.step_bound * np.diff(whole.times)[:, None] * (1 + 1e-7)).all()
