"""Ensembles of Adam runs against a plain loop, the flow, and themselves."""

import math

import numpy as np
import pytest

from adamsym.dynamics import flow, simulate
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.optimizer import Adam, StepSizeSchedule
from adamsym.problem import Empirical, Independent, Problem

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 5]}), batch_size=2)


def textbook_adam(gradient, adam, sizes, theta):
    """Kingma and Ba's algorithm, one step at a time, for one chain."""
    m = v = np.zeros_like(theta)
    for n, size in enumerate(sizes, start=1):
        g = gradient(theta, n)
        m = adam.beta1 * m + (1 - adam.beta1) * g
        v = adam.beta2 * v + (1 - adam.beta2) * g**2
        m_hat, v_hat = m / (1 - adam.beta1**n), v / (1 - adam.beta2**n)
        theta = theta - size * m_hat / (np.sqrt(v_hat) + adam.eps)
    return theta


@pytest.mark.parametrize("adam", [Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1), Adam(0, "0.9", "1e-8")], ids=str)
def test_equals_the_textbook_loop(adam):
    problem = Problem("(w*x + b - y)**4/4", ["w", "b"], Empirical({"x": [2], "y": [1]}))
    found = simulate(problem, adam, StepSizeSchedule("0.1/n**0.5"), [0.3, -0.5], steps=200, chains=3, seed=0)
    sizes = 0.1 / np.sqrt(np.arange(1, 201))
    expected = textbook_adam(lambda theta, _: problem.gradient(theta), adam, sizes, np.array([0.3, -0.5]))
    assert found.theta.shape == (3, 2)
    assert found.steps == 200
    np.testing.assert_allclose(found.theta, np.tile(expected, (3, 1)), rtol=1e-12)
    wrong = textbook_adam(lambda theta, _: problem.gradient(theta), adam, sizes[:-1], np.array([0.3, -0.5]))
    assert np.abs(found.theta - wrong).max() > 1e-6


def test_random_rows_reproduce_by_seed_and_do_not_depend_on_the_number_of_chains(monkeypatch):
    def run(chains, seed):
        return simulate(LINE, Adam(), StepSizeSchedule("0.01"), [0.0, 0.0], steps=300, chains=chains, seed=seed).theta

    many = run(6, 7)
    assert len(np.unique(many[:, 0])) == 6
    np.testing.assert_array_equal(run(6, 7), many)
    np.testing.assert_array_equal(run(2, 7), many[:2])
    assert np.abs(run(6, 8) - many).min() > 0
    # Nor on how many draws are made ahead.
    monkeypatch.setattr("adamsym.dynamics.ensemble._DRAWS_AT_ONCE", 100)
    np.testing.assert_array_equal(run(6, 7), many)


def test_small_steps_follow_the_flow():
    adam = Adam("0.5", "0.9", "0.1")
    field = AdamField(SKEWED, adam)
    ends = flow(field, [2.0], [0.0, 1.0]).theta[-1, 0]
    distances = []
    for steps in (100, 1000):
        found = simulate(SKEWED, adam, StepSizeSchedule(1 / steps), [2.0], steps=steps, chains=400, seed=1)
        distances.append(abs(found.theta.mean() - ends))
    assert distances[1] < 0.01
    # Gradient descent's flow ends elsewhere: exp(-1) from 2 to the mean 1.
    assert abs(ends - (1 + math.exp(-1))) > 0.05


def test_chains_end_at_the_zero_and_not_at_the_mean():
    # beta2 small: the zero of f is far from the mean 1.
    adam = Adam(0, "0.5", "1e-8")
    found = simulate(SKEWED, adam, StepSizeSchedule("0.5/n**0.8"), [0.5], steps=20_000, chains=64, seed=2)
    field = AdamField(SKEWED, adam)
    mean, error = found.theta.mean(), found.theta.std() / 8
    assert field([mean - 6 * error - 0.02])[0] > 0 > field([mean + 6 * error + 0.02])[0]
    assert abs(mean - 1) > 0.3


def test_starts_of_their_own():
    starts = np.array([[0.0, 0.0], [1.0, 2.0]])
    found = simulate(LINE, Adam(), StepSizeSchedule("1e-9"), starts, steps=1, chains=2, seed=1)
    np.testing.assert_allclose(found.theta, starts, atol=2e-9)


def test_continuous_laws():
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Exponential(1)"}), batch_size=4)
    adam = Adam("0.9", "0.999", "1e-8")
    found = simulate(problem, adam, StepSizeSchedule("0.2/n**0.7"), [3.0], steps=5000, chains=16, seed=3)
    assert abs(found.theta.mean() - 1) < 0.1


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"steps": 0}, "steps"),
        ({"chains": 0}, "chains"),
        ({"seed": -1}, "seed"),
        ({"steps": 2.5}, "steps"),
        ({"theta0": [[0.0, 0.0]]}, "start"),
        ({"theta0": [0.0]}, "theta"),
    ],
)
def test_bad_arguments(change, fragment):
    arguments = {"theta0": [0.0, 0.0], "steps": 10, "chains": 2, "seed": 0} | change
    with pytest.raises(InputError, match=fragment):
        simulate(LINE, Adam(), StepSizeSchedule("0.1"), **arguments)


def test_a_chain_that_leaves_the_numbers_says_where():
    problem = Problem("-exp(exp(theta*x))", ["theta"], Empirical({"x": [1]}))
    with pytest.raises(InputError, match="step 2"):
        simulate(problem, Adam(), StepSizeSchedule("1000/n"), [0.0], steps=10, chains=1, seed=0)
