"""The simulated frozen chain, which shares nothing with the quadrature, as its oracle."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, monte_carlo
from adamsym.field.simulated import time_average
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam
from adamsym.testing import strategies

LINE = Empirical({"x": [0, 1, 2, 3], "y": [1, 0, 2, 5]}, weights=[1, 2, 2, 1])
CASES = {
    "mean": (Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), [0.7]),
    "regression": (Problem("(w*x + b - y)**2/2", ["w", "b"], LINE), [0.3, -0.7]),
    "batches": (Problem("(tanh(w*x) - y)**2/2", ["w"], LINE, batch_size=3), [0.4]),
    "normal data": (Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), [0.4]),
    "exponential data": (Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Exponential(2)"})), [0.4]),
    "product": (Problem("(theta - x*z)**2/2", ["theta"], Independent({"x": "Gamma(2, 1)", "z": "Beta(2, 3)"})), [0.9]),
}
ADAMS = [Adam("0.9", "0.99", "1e-2"), Adam("0.5", "0.9", "1e-8"), Adam(0, "0.5", "0.1")]

monte_carlo_module = importlib.import_module("adamsym.field.simulated")

LEVEL = 5.0
"""Standard errors allowed: passed by chance by all but one in 10^6 cases."""


@pytest.mark.parametrize("adam", ADAMS, ids=str)
@pytest.mark.parametrize(("problem", "theta"), CASES.values(), ids=CASES)
def test_the_field_is_the_time_average(problem, theta, adam):
    estimate = monte_carlo(problem, adam, theta, seed=1, steps=4000, chains=32)
    assert (estimate.standard_error > 0).all()
    assert (estimate.standard_error < 0.02).all()
    assert (np.abs(estimate.value - AdamField(problem, adam)(theta)) <= LEVEL * estimate.standard_error).all()


@pytest.mark.parametrize(
    "other",
    [Adam("0.1", "0.5", "1e-2"), Adam("0.5", "0.6", "1e-2"), Adam("0.5", "0.5", "0.1")],
    ids=["other beta1", "other beta2", "other eps"],
)
def test_another_field_is_rejected(other):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 0, 0, 9]}))
    adam = Adam("0.5", "0.5", "1e-2")
    estimate = monte_carlo(problem, adam, [1.0], seed=2, steps=20_000, chains=64)
    assert abs(estimate.value[0] - AdamField(problem, adam)([1.0])[0]) <= LEVEL * estimate.standard_error[0]
    assert abs(estimate.value[0] - AdamField(problem, other)([1.0])[0]) > LEVEL * estimate.standard_error[0]


def test_seeds():
    problem, theta = CASES["mean"]
    first, again, other = (monte_carlo(problem, Adam(), theta, seed, 500, 4).value[0] for seed in (1, 1, 2))
    assert first == again != other


def test_the_standard_error_falls_like_the_root_of_the_work():
    problem, theta = CASES["mean"]
    adam = Adam("0.5", "0.9", "0.1")
    short = monte_carlo(problem, adam, theta, seed=3, steps=500, chains=400).standard_error[0]
    long = monte_carlo(problem, adam, theta, seed=4, steps=8000, chains=400).standard_error[0]
    assert 3.2 < short / long < 5


@pytest.mark.parametrize("options", [{"chains": 1}, {"steps": 0}])
def test_bad_sizes(options):
    problem, theta = CASES["mean"]
    with pytest.raises(InputError, match="at least"):
        monte_carlo(problem, Adam(), theta, seed=1, **options)


def test_one_point_only():
    problem, theta = CASES["mean"]
    with pytest.raises(InputError, match="one point"):
        monte_carlo(problem, Adam(), [theta, theta], seed=1)


def test_draws_are_those_asked_for_and_come_in_bounded_parts(monkeypatch):
    adam, shapes = Adam("0.9", "0.99", "0.1"), []

    def draw(generator, shape):
        shapes.append(shape)
        return generator.standard_normal((*shape, 2))

    monkeypatch.setattr(monte_carlo_module, "_DRAWS_AT_ONCE", 2000)
    time_average(draw, adam, 1, 300, 5, 4)
    # The burn-in is of 12 memory lengths, 1/(1 - beta2) = 100.
    assert sum(steps for _, steps in shapes) == 12 * 100 + 300
    assert {chains for chains, _ in shapes} == {5}
    assert max(steps for _, steps in shapes) == 2000 // (5 * 4)


def test_one_step_and_two_chains_are_enough():
    found = monte_carlo(CASES["mean"][0], ADAMS[0], [0.7], seed=1, steps=1, chains=2)
    assert np.isfinite(found.standard_error).all()


few = settings(max_examples=15, deadline=None)
with_point = strategies.problems().flatmap(lambda p: st.tuples(st.just(p), strategies.points(p.dimension, 3)))


@few
@given(
    strategies.problems("quadratic", law="degenerate"), strategies.adam_relatives(), strategies.points(), st.integers(0)
)
def test_without_noise_the_time_average_is_the_field(problem, method, theta, seed):
    estimate = monte_carlo(problem, method, theta, seed, steps=20, chains=2)
    # The chain starts at the means of its first gradients, and stays there.
    assert estimate.value == pytest.approx(AdamField(problem, method)(theta), rel=1e-9, abs=1e-12)
    assert estimate.standard_error == pytest.approx(0, abs=1e-9)


@few
@given(with_point, strategies.adams(), st.integers(0))
def test_gradients_of_the_other_sign_have_the_average_of_the_other_sign(drawn, adam, seed):
    problem, theta = drawn
    mirrored = Problem(-problem.loss, problem.names, problem.law, problem.batch_size)
    one, other = (monte_carlo(p, adam, theta, seed, steps=50, chains=3) for p in (problem, mirrored))
    np.testing.assert_array_equal(other.value, -one.value)
    np.testing.assert_array_equal(other.standard_error, one.standard_error)
    assert (np.abs(one.value) <= adam.step_bound * (1 + 1e-12)).all()
