"""The flow: exact solutions, zeros, Lyapunov decrease, errors."""

import numpy as np
import pytest
import scipy.optimize

from adamsym.dynamics import flow
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.optimizer import Adam
from adamsym.problem import Empirical, Problem

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
    assert found.zero is None
    # The comparison sees a flow of another eps.
    other = AdamField(Problem("theta**2/2 + 0*x", ["theta"], Empirical({"x": [1]})), Adam("0.9", "0.999", "0.5001"))
    assert abs(flow(other, [2.0], times).theta[-1, 0] - exact(3.0)) > 1e-6


def test_the_flow_stops_at_a_zero():
    found = flow(SKEWED, [2.0], [0.0, 20.0, 1e4])
    assert found.zero is not None
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


@pytest.mark.parametrize(
    ("theta", "times", "fragment"),
    [
        ([1.0, 2.0], [0, 1], "theta"),
        ([[1.0]], [0, 1], "start"),
        ([1.0], [0], "times"),
        ([1.0], [1, 0], "times"),
        ([1.0], [0, np.inf], "times"),
        ([np.nan], [0, 1], "theta"),
    ],
)
def test_bad_arguments(theta, times, fragment):
    with pytest.raises(InputError, match=fragment):
        flow(SKEWED, theta, times)


def test_times_outside_are_refused():
    with pytest.raises(InputError, match="between 0 and 1"):
        flow(SKEWED, [2.0], [0.0, 1.0]).at(1.5)
