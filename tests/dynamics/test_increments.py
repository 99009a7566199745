"""The sharp test of a field against runs: it accepts the method's own field and rejects near misses."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import increment_test, increments
from adamsym.dynamics.clock import window_sizes
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.optimizer import Adam, AdamEpsInsideRoot, NAdam, RMSprop, StepSizeSchedule
from adamsym.problem import Empirical, Problem
from adamsym.testing import strategies

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
ADAM = Adam("0.5", "0.6", "0.1")
SCHEDULE = StepSizeSchedule("1e-4")


def p_value(field, method=ADAM, seed=1, chains=2000):
    return increment_test(PROBLEM, method, field, SCHEDULE, [1.0], 100, 1.0, chains, seed).p_value


@pytest.mark.parametrize("method", [ADAM, RMSprop("0.9", "0.1"), NAdam("0.5", "0.6", "0.1")], ids=str)
def test_its_own_field_is_accepted(method):
    assert p_value(AdamField(PROBLEM, method), method) > 1e-3


def test_levels():
    """p-values of true statements are not too small: Kolmogorov and Smirnov's one-sided test at level 1e-3."""
    field = AdamField(PROBLEM, ADAM)
    found = [p_value(field, seed=seed, chains=200) for seed in range(12)]
    assert scipy.stats.kstest(found, "uniform", alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize(
    "field",
    [
        lambda theta: -PROBLEM.gradient(theta),
        AdamField(PROBLEM, Adam("0.6", "0.6", "0.1")),
        AdamField(PROBLEM, Adam("0.5", "0.7", "0.1")),
        AdamField(PROBLEM, Adam("0.5", "0.6", "0.11")),
        AdamField(PROBLEM, AdamEpsInsideRoot("0.5", "0.6", "0.1")),
        lambda theta: 1.02 * AdamField(PROBLEM, ADAM)(theta),
        lambda theta: -AdamField(PROBLEM, ADAM)(theta),
    ],
    ids=["gradient flow", "beta1", "beta2", "eps", "eps inside the root", "two per cent more", "sign"],
)
def test_near_misses_are_rejected(field):
    assert p_value(field) < 1e-3


def test_two_parameters():
    law = Empirical({"x": [0, 1, 2], "y": [1, 0, 5]})
    problem, adam = Problem("(w*x + b - y)**2/2", ["w", "b"], law), Adam("0.9", "0.95", "0.5")
    found = increment_test(problem, adam, AdamField(problem, adam), SCHEDULE, [0.0, 0.0], 500, 1.0, 500, 3)
    assert found.differences.shape == (500, 2)
    assert found.p_value > 1e-3
    assert (np.abs(found.mean_deviations) < 4).all()
    assert (np.abs(np.log(found.variance_ratios)) < 0.4).all()
    more = increment_test(
        problem, adam, lambda theta: 1.05 * AdamField(problem, adam)(theta), SCHEDULE, [0.0, 0.0], 500, 1.0, 500, 3
    )
    assert more.p_value < 1e-3


def test_bad_arguments():
    field = AdamField(PROBLEM, ADAM)
    with pytest.raises(InputError, match="3 chains"):
        increment_test(PROBLEM, ADAM, field, SCHEDULE, [1.0], 100, 1.0, chains=2)
    steep = Problem("-exp(exp(theta*x))", ["theta"], Empirical({"x": [1, 2]}))
    with pytest.raises(InputError, match="left the numbers"):
        increment_test(steep, ADAM, lambda theta: 0 * theta, StepSizeSchedule("10"), [0.0], 0, 100.0, chains=3)


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.3, 1.0), (0.0, 1.4), (0.0, 0.7)])
def test_the_p_value_is_that_of_the_textbook_tests(shift, spread):
    differences = shift + spread * np.random.default_rng(4).standard_normal((50, 2))
    found = increments._tested(differences, np.ones(2))
    by_means = scipy.stats.ttest_1samp(differences, 0.0).pvalue
    freedom = increments.FROZEN_POINTS * (increments.FROZEN_CHAINS - 1)
    tails = scipy.stats.f(49, freedom).cdf(found.variance_ratios)
    smallest = min(*by_means, *(2 * np.minimum(tails, 1 - tails)))
    # Bonferroni over two tests in each of two coordinates.
    assert found.p_value == pytest.approx(min(1.0, 4 * smallest), rel=1e-9)


@settings(max_examples=5, deadline=None)
@given(strategies.problems("robust"), strategies.adams(), st.integers(0, 2**32), st.sampled_from([-3.0, 0.5]))
def test_an_error_of_the_field_shifts_the_differences_by_its_time(problem, adam, seed, error):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adamsym.dynamics.increments.FROZEN_STEPS", 100)
        field, steps, length = AdamField(problem, adam), StepSizeSchedule("0.01/n**0.5"), 0.2
        one, other = (
            increment_test(problem, adam, lambda theta, by=by: field(theta) + by, steps, [0.5], 50, length, 4, seed)
            for by in (0.0, error)
        )
    sizes = window_sizes(steps, 50, length)
    shift = -error * sizes.sum() / np.sqrt(np.square(sizes).sum())
    np.testing.assert_allclose(other.differences, one.differences + shift, rtol=1e-9, atol=1e-9)
    assert 0 <= one.p_value <= 1
