"""The flow by explicit methods: it agrees with LSODA, stops at zeros, and needs no d x d array."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tanh_network import small_network

from adamsym import Adam, AdamField, Empirical, InputError, Problem, VectorField, find_zero, flow
from adamsym.dynamics import explicit
from adamsym.testing import strategies

ADAM = Adam("0.9", "0.99", "0.01")
PLANE = Problem("(a - x)**2/2 + (a + b - x)**2/2", ["a", "b"], Empirical({"x": [0, 1, 5]}))

FALLING = AdamField(VectorField(["sqrt(x) + z"], ["x"], Empirical({"z": [2, 3]})), ADAM)
"""It falls to 0, beyond which it is not real."""


@settings(max_examples=4, deadline=None)
@given(st.data(), st.sampled_from(["RK23", "RK45"]))
def test_explicit_methods_agree_with_lsoda(data, method):
    problem = data.draw(strategies.problems())
    start = data.draw(st.lists(st.floats(-1, 1), min_size=problem.dimension, max_size=problem.dimension))
    field, times = AdamField(problem, Adam("0.9", "0.99", "1")), [0.0, 0.1, 0.3]
    expected = flow(field, start, times, method="LSODA", tolerance=1e-8)
    found = flow(field, start, times, method=method, tolerance=1e-8)
    np.testing.assert_allclose(found.theta, expected.theta, rtol=1e-6, atol=1e-7)
    assert found.outcome == expected.outcome
    backwards = flow(AdamField(problem, Adam("0.9", "0.9", "1.1")), start, times, method=method)
    moved = np.abs(expected.theta[-1] - expected.theta[0]).max()
    assert moved < 1e-3 or np.abs(backwards.theta - expected.theta).max() > 1e-6


def test_it_stops_at_zeros_and_keeps_many_starts():
    field = AdamField(PLANE, ADAM)
    starts, times = [[3.0, 1.0], [1.0, 0.5]], [0.0, 10.0, 300.0]
    found, expected = (flow(field, starts, times, method=method) for method in ("RK45", "LSODA"))
    assert found.outcome.tolist() == ["zero", "zero"]
    np.testing.assert_allclose(found.zero, expected.zero, rtol=0.1)
    assert (np.abs(field(found.theta[:, -1])) <= 1.1e-10).all()
    np.testing.assert_array_equal(found.at([300.0])[:, 0], found.theta[:, -1])
    zero = find_zero(field, found.theta[0, -1])
    np.testing.assert_allclose(found.theta[:, -1], [zero.theta] * 2, atol=1e-8)
    # A start at the zero stands still.
    again = flow(field, found.theta[0, -1], times, method="RK45")
    assert again.zero == 0.0
    assert (again.theta == found.theta[0, -1]).all()


def test_the_budget_ends_it_and_what_is_not_known_is_nan():
    found = flow(AdamField(PLANE, ADAM), [3.0, 1.0], [0.0, 0.1, 50.0], method="RK23", budget=100)
    assert (found.outcome, found.reached < 50) == ("budget", True)
    assert found.notes[0][0].startswith("the budget of 100 evaluations is spent at time ")
    assert np.isfinite(found.theta[:2]).all()
    assert np.isnan(found.theta[2]).all()
    assert np.isfinite(found.at(float(found.reached))).all()
    # Next to interpolation explicit steps would have to be as small as eps: that is said, and nothing made up.
    stiff = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [1]})), Adam())
    found = flow(stiff, [1.5], [0.0, 2.0], method="RK45", budget=2000)
    assert found.outcome == "budget"
    assert float(found.notes[0][0].split(", where steps are ")[1].split()[0]) < 1e-6
    assert flow(stiff, [1.5], [0.0, 2.0], method="LSODA").outcome == "zero"


def test_a_network_of_many_parameters_in_little_memory():
    network = small_network(rows=5, columns=25, hidden=50, ridge=0.1)
    field = AdamField(network, Adam("0.9", "0.9", "0.01"), tolerance=1e-6)
    d = network.dimension
    assert d > 1300
    start = np.random.default_rng(0).normal(size=d) * 0.2
    calls = []
    field.jacobian = calls.append
    tracemalloc.start()
    try:
        found = flow(field, start, [0.0, 0.02], tolerance=1e-3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert calls == []
    assert peak < d * d * 8 / 2
    assert network.mean_loss(found.theta[1]) < network.mean_loss(start)
    fine = flow(field, start, [0.0, 0.02], tolerance=1e-6)
    assert 0 < np.abs(found.theta - fine.theta).max() < 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: flow(AdamField(Problem("Abs(t - x)", ["t"], {"x": [0, 1]}), ADAM), [0.3], [0, 1], method="RK45"),
            "flow: RK45 cannot follow a loss with kinks; leave method out",
        ),
        (lambda: flow(AdamField(PLANE, ADAM), [0.0, 0.0], [0, 1], method="Euler"), "method: 'Euler' is not allowed"),
        (
            lambda: flow(AdamField(PLANE, ADAM), [0.0, 0.0], [0, 1], method="RK23").at([0.5]),
            "theta is known at the times asked for, and at no others",
        ),
        (lambda: flow(FALLING, [0.1], [0, 9], method="RK45"), "flow from 0.1: problem.field"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_start_that_fails_is_nan_if_that_is_wanted():
    found = flow(FALLING, [0.1], [0, 9], method="RK45", failing="nan")
    assert found.outcome == "stopped"
    assert np.isnan(found.theta).all()


def test_the_step_is_the_one_of_the_method_named():
    evaluations = []
    for method in explicit.Explicit.__args__:
        field = AdamField(PLANE, ADAM)
        count = [0]

        def counting(theta, field=field, count=count):
            count[0] += 1
            return AdamField.__call__(field, theta)

        walk = explicit._Walk(field, np.array([3.0, 1.0]), np.array([0.0, 1.0]), 10_000)
        walk.field = counting
        walk.go(method, 1e-9)
        evaluations.append(count[0])
    # The method of fifth order takes fewer at a tight tolerance.
    assert evaluations[1] < evaluations[0] / 2
