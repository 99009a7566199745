"""The properties stand for the field, on drawn problems, and fall for near misses of it."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, certify_lyapunov
from adamsym.testing import properties, strategies

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
ADAM = Adam("0.9", "0.99", "0.01")

with_point = strategies.problems().flatmap(lambda p: st.tuples(st.just(p), strategies.points(p.dimension, 3)))
few = settings(max_examples=25, deadline=None)


@few
@given(with_point, strategies.adam_relatives())
def test_bounded(drawn, method):
    problem, theta = drawn
    properties.assert_bounded(AdamField(problem, method), problem, method, theta)


@few
@given(with_point, strategies.adams())
def test_sign_lemma_scaling_and_oddness(drawn, adam):
    problem, theta = drawn
    properties.assert_sign_lemma(AdamField(problem, adam), problem, adam, theta)
    properties.assert_scales(AdamField, problem, adam, theta)
    properties.assert_odd(AdamField, problem, adam, theta)


@few
@given(strategies.problems("regression"), strategies.adams(), strategies.points(2))
def test_permutation(problem, adam, theta):
    properties.assert_permutes(AdamField, problem, adam, theta)


@few
@given(strategies.problems("quadratic"), strategies.adams(True), strategies.points(2))
def test_decreasing_and_lipschitz(problem, adam, pair):
    assume(pair[0] != pair[1])
    field = AdamField(problem, adam)
    properties.assert_decreasing(field, problem, adam, *pair)
    properties.assert_lipschitz(field, adam, 1.0, pair[:1], pair[1:])


@few
@given(strategies.problems("quadratic", law="symmetric"), strategies.adams())
def test_zero_at_the_mean_of_symmetric_laws(problem, adam):
    mean = float(problem.law.exact_probabilities[0] * sum(row[0] for row in problem.law.exact_rows))
    properties.assert_zero(AdamField(problem, adam), [mean])


@few
@given(with_point)
def test_limits(drawn):
    properties.assert_limits(AdamField, *drawn)


@settings(max_examples=10, deadline=None)
@given(with_point, strategies.adams())
def test_enclosures(drawn, adam):
    problem, theta = drawn
    properties.assert_enclosed(AdamField(problem, adam), problem, adam, theta)


@settings(max_examples=5, deadline=None)
@given(with_point, st.sampled_from([Adam("0.5", "0.9", "0.1"), Adam(0, "0.5", "1")]))
def test_monte_carlo_and_jacobian(drawn, adam):
    problem, theta = drawn
    field = AdamField(problem, adam)
    properties.assert_monte_carlo(field, problem, adam, theta)
    properties.assert_jacobian(field, theta)


HYPERBOLA = Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2], "y": [1, 2]}))


def test_the_loss_decreases_in_a_certified_region():
    field = AdamField(HYPERBOLA, Adam("0.9", "0.99", "1"))
    region = certify_lyapunov(field, [[0.5, 2], [0.5, 2]])
    properties.assert_loss_decreases(field, region, [1.9, 1.5], 20.0)
    with pytest.raises(InputError, match="start"):
        properties.assert_loss_decreases(field, region, [3.0, 1.5], 20.0)

    class Climbing(AdamField):
        def __call__(self, theta):
            return -super().__call__(theta)

        def jacobian(self, theta):
            return -super().jacobian(theta)

    with pytest.raises(AssertionError, match="the loss rises"):
        properties.assert_loss_decreases(Climbing(HYPERBOLA, Adam("0.9", "0.99", "1")), region, [1.2, 1.1], 1.0)


@settings(max_examples=2, deadline=None)
@given(strategies.problems("quadratic"), strategies.schedules(fastest="0.75"), st.integers(0, 2**16))
def test_pseudo_trajectories(problem, schedule, seed):
    properties.assert_pseudo_trajectory(problem, Adam("0.5", "0.9", "0.5"), schedule, [0.5], 500, 0.2, seed)


# --- near misses ----------------------------------------------------------------------------------------------------


def times(factor):
    return lambda problem, adam: lambda theta: factor * AdamField(problem, adam)(theta)


def gradient_flow(problem, adam):
    return lambda theta: -problem.gradient(theta)


def other_beta2(problem, adam):
    return AdamField(problem, Adam(adam.alpha, Fraction(9, 10), adam.epsilon))


def absolute(problem, adam):
    return lambda theta: np.abs(AdamField(problem, adam)(theta))


def shifted(problem, adam):
    return lambda theta: AdamField(problem, adam)(theta) + 1e-3


FAR = [40.0]
PLANE = Problem("(w*x0 + b - x1)**2/2", ["w", "b"], Empirical({"x0": [-1, 0, 2], "x1": [1, -1, 3]}))
DIFFERENT = {
    "bounded: 1 per cent too large": lambda: properties.assert_bounded(times(1.01)(SKEWED, ADAM), SKEWED, ADAM, [1e6]),
    "sign": lambda: properties.assert_sign_lemma(times(-1)(SKEWED, ADAM), SKEWED, ADAM, FAR),
    "zero has no sign": lambda: properties.assert_sign_lemma(times(0)(SKEWED, ADAM), SKEWED, ADAM, FAR),
    "decreasing": lambda: properties.assert_decreasing(times(-1)(SKEWED, ADAM), SKEWED, ADAM, 0.0, 1.0),
    "decreasing too slowly": lambda: properties.assert_decreasing(times(0.001)(SKEWED, ADAM), SKEWED, ADAM, 30.0, 31.0),
    "lipschitz": lambda: properties.assert_lipschitz(times(1e4)(SKEWED, ADAM), ADAM, 1e-3, [0.0], [1.0]),
    "odd": lambda: properties.assert_odd(absolute, SKEWED, ADAM, [0.3]),
    "scaling": lambda: properties.assert_scales(gradient_flow, SKEWED, ADAM, [0.3]),
    "permuted": lambda: properties.assert_permutes(
        lambda problem, adam: lambda theta: AdamField(problem, adam)(theta) * [1, 2], PLANE, ADAM, [0.3, 0.7]
    ),
    "zero": lambda: properties.assert_zero(AdamField(SKEWED, ADAM), [1.0]),
    "limits": lambda: properties.assert_limits(times(1.001), SKEWED, [0.3]),
    "limits, shifted": lambda: properties.assert_limits(shifted, SKEWED, [0.3]),
    "limits, another beta2": lambda: properties.assert_limits(other_beta2, SKEWED, [0.3]),
    "enclosed": lambda: properties.assert_enclosed(times(1 + 1e-9)(SKEWED, ADAM), SKEWED, ADAM, [0.3]),
    "monte carlo": lambda: properties.assert_monte_carlo(times(1.1)(SKEWED, ADAM), SKEWED, ADAM, [0.3]),
    "another beta2": lambda: properties.assert_monte_carlo(other_beta2(SKEWED, ADAM), SKEWED, ADAM, [0.9]),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_near_misses_fall(name):
    with pytest.raises(AssertionError):
        DIFFERENT[name]()


def test_a_wrong_jacobian_falls():
    class Wrong(AdamField):
        def jacobian(self, theta):
            return 1.0001 * super().jacobian(theta)

    properties.assert_jacobian(AdamField(SKEWED, ADAM), [0.3])
    with pytest.raises(AssertionError):
        properties.assert_jacobian(Wrong(SKEWED, ADAM), [0.3])


def test_a_bound_that_is_too_small_falls(monkeypatch):
    arguments = (SKEWED, Adam("0.5", "0.6", "0.1"), StepSizeSchedule("0.1/n**0.7"), [2.0], 3000, 0.5)
    properties.assert_pseudo_trajectory(*arguments)
    actual = properties.pseudo_trajectory

    def too_small(*given, **options):
        window = actual(*given, **options).windows[0]
        bound = SimpleNamespace(mean_square=SimpleNamespace(total=window.measured.value / 1.01))
        return SimpleNamespace(windows=[SimpleNamespace(start=3000, measured=window.measured, bound=bound)])

    monkeypatch.setattr(properties, "pseudo_trajectory", too_small)
    with pytest.raises(AssertionError, match="exceeds the bound"):
        properties.assert_pseudo_trajectory(*arguments)


def test_where_theorems_say_nothing_they_are_not_asserted():
    with pytest.raises(InputError, match="beta1 <= beta2"):
        properties.assert_decreasing(AdamField(SKEWED, Adam("0.3", "0.1")), SKEWED, Adam("0.3", "0.1"), 0.0, 1.0)
