"""The sharp test of a field against runs: it accepts the method's own field and rejects near misses."""

import dataclasses
import functools
import math

import numpy as np
import pytest
import scipy.interpolate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import increment_test, increments
from adamsym.dynamics.clock import window_sizes
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, NAdam, RMSprop, StepSizeSchedule
from adamsym.testing import strategies

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
ADAM = Adam("0.5", "0.6", "0.1")
SCHEDULE = StepSizeSchedule("1e-4")
ADAMS = [ADAM, Adam(0, "0.9", "0.5"), Adam("0.8", "0.9", "0.2")]


def p_value(field, method=ADAM, seed=1, chains=500):
    return increment_test(PROBLEM, method, field, SCHEDULE, [2.0], 100, 1.0, chains, seed).p_value


def interpolated(problem, adam, box):
    """The Adam field as an interpolating spline: many seeds ask for many values. Its error is below 1e-9."""
    axes = [np.linspace(low, high, 80 if len(box) == 1 else 30) for low, high in box]
    values = AdamField(problem, adam)(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    if len(box) == 1:
        spline = scipy.interpolate.make_interp_spline(axes[0], values, k=7)
        return lambda theta: spline(theta[:, 0])
    splines = [scipy.interpolate.RectBivariateSpline(*axes, values[..., k], kx=5, ky=5) for k in range(len(box))]
    return lambda theta: np.stack([spline.ev(*theta.T) for spline in splines], axis=-1)


@functools.cache
def spline_of(method):
    """The field of a method for PROBLEM, around the way from 2 on, where it is smooth: it has kinks at 0 and 3."""
    return interpolated(PROBLEM, method, [(0.2, 2.4)])


def test_the_spline_is_the_field():
    at = np.array([[0.31], [0.9], [1.57], [2.05]])
    for method in (ADAM, NAdam("0.5", "0.6", "0.1")):
        np.testing.assert_allclose(spline_of(method)(at), AdamField(PROBLEM, method)(at), rtol=0, atol=1e-8)
    assert np.abs(spline_of(ADAM)(at) - AdamField(PROBLEM, Adam("0.5", "0.6", "0.11"))(at)).max() > 1e-4


@pytest.mark.parametrize("method", [ADAM, RMSprop("0.9", "0.1"), NAdam("0.5", "0.6", "0.1")], ids=str)
def test_its_own_field_is_accepted(method):
    assert p_value(spline_of(method), method) > 1e-3


# A loss, its data, a start, and a box around the way from there.
CASES = {
    "README": ("(theta - x)**2/2", {"x": [0, 0, 3]}, [3.0], [(2.2, 3.1)]),
    "nonlinear": ("log(1 + exp(-theta*x)) + theta**4/8", {"x": [1, -2, 3]}, [2.0], [(1.2, 2.1)]),
    "plane": ("(w*x + b - y)**2/2", {"x": [0, 1, 2], "y": [1, 0, 5]}, [0.0, 0.0], [(-0.2, 0.6), (-0.2, 0.6)]),
}


def p_values(case, beta2, seeds, chains, first=20_000, share=1.0):
    """The README's line: steps 1e-5, from step 20,000 on, or once v has forgotten the start, for the time 0.2."""
    loss, columns, theta, box = CASES[case]
    problem, adam = Problem(loss, ["theta"] if len(theta) == 1 else ["w", "b"], Empirical(columns)), Adam("0.9", beta2)
    spline = interpolated(problem, adam, box)
    start = max(first, math.ceil(7 / (1 - float(beta2))) + 1)
    return [
        increment_test(
            problem, adam, lambda at: share * spline(at), StepSizeSchedule("1e-5"), theta, start, 0.2, chains, seed
        ).p_value
        for seed in range(seeds)
    ]


@pytest.mark.parametrize(
    ("case", "beta2"), [("README", "0.999"), pytest.param("plane", "0.99", marks=pytest.mark.slow)]
)
def test_levels(case, beta2):
    """Small: p-values of the true field are uniform by Kolmogorov's and Smirnov's test at level 1e-3."""
    assert scipy.stats.kstest(p_values(case, beta2, 12, 20, first=0), "uniform").pvalue > 1e-3
    # Two per cent more: rejected.
    assert max(p_values(case, beta2, 2, 200, first=0, share=1.02)) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "beta2"),
    [
        (case, beta2)
        for case in CASES
        for beta2 in ("0.9", "0.99", "0.999", "0.9999")
        # Refused at this step: theta moves too far within the memory.
        if (case, beta2) != ("nonlinear", "0.9999")
    ],
)
def test_the_p_value_of_the_true_field_is_uniform(case, beta2):
    """Over 200 seeds, by Kolmogorov's and Smirnov's test at level 1e-3; and two per cent more are rejected."""
    assert scipy.stats.kstest(p_values(case, beta2, 200, 200), "uniform").pvalue > 1e-3
    assert max(p_values(case, beta2, 5, 1000, share=1.02)) < 1e-6


def test_without_extrapolation_it_is_not():
    """Control: the whole steps alone reject the true field on the README's line."""
    problem, adam = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam()
    field, steps = interpolated(problem, adam, [(2.2, 3.1)]), StepSizeSchedule("1e-5")
    level = increments._accumulated(problem, adam, field, steps, [3.0], (20_000, 0.2), 1, 200, [0])
    assert scipy.stats.ttest_1samp(level.differences, 0.0).pvalue[0] < 1e-12
    found = increment_test(problem, adam, field, steps, [3.0], 20_000, 0.2, 200)
    assert found.p_value > 1e-3
    assert found.rest[0] < 0.01
    assert len(repr(found)) < 300  # without the chains' differences


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ((Adam("0.9", "0.99"), "1e-2", 701, 2000), r"undecided: with steps of 0\.01 .* take steps of at most"),
        ((Adam("0.9", "0.999"), "1e-5", 500, 40), r"take start = 7000 or more"),
    ],
)
def test_it_refuses_where_the_lag_is_too_large(arguments, fragment):
    adam, step, start, chains = arguments
    field = interpolated(PROBLEM, adam, [(-1.0, 9.5)])
    with pytest.raises(InputError, match=fragment):
        increment_test(PROBLEM, adam, field, StepSizeSchedule(step), [9.0], start, 1.0, chains)


def test_without_scatter_it_refuses():
    problem = Problem("theta**2/2 + 0*x", ["theta"], Empirical({"x": [1]}))
    with pytest.raises(InputError, match="do not scatter in theta"):
        increment_test(problem, ADAM, AdamField(problem, ADAM), SCHEDULE, [1.0], 100, 0.1, chains=10)


def test_parameters_that_move_alike_count_once():
    problem = Problem("(a + b - x)**2/2", ["a", "b"], Empirical({"x": [0, 0, 3]}))
    # Both coordinates are that of the sum.
    whole = interpolated(Problem("(s - x)**2/2", ["s"], problem.law), ADAM, [(0.0, 3.0)])

    def field(at):
        return np.repeat(whole(at.sum(axis=1, keepdims=True))[:, :1], 2, axis=1)

    np.testing.assert_allclose(field(np.array([[1.0, 0.7]])), [AdamField(problem, ADAM)([1.0, 0.7])], atol=1e-9)
    found = increment_test(problem, ADAM, field, SCHEDULE, [1.0, 1.0], 100, 0.3, 300)
    one = scipy.stats.ttest_1samp(found.differences[:, 0], 0.0).pvalue
    assert found.p_value == pytest.approx(one, rel=1e-6)
    unlike = increment_test(problem, ADAM, lambda at: field(at) * [1.0, 1.02], SCHEDULE, [1.0, 1.0], 100, 0.3, 300)
    assert unlike.p_value < 1e-6


@pytest.mark.parametrize(
    "field",
    [
        lambda theta: -PROBLEM.gradient(theta),
        lambda theta: spline_of(Adam("0.6", "0.6", "0.1"))(theta),
        lambda theta: spline_of(Adam("0.5", "0.7", "0.1"))(theta),
        lambda theta: spline_of(Adam("0.5", "0.6", "0.11"))(theta),
        lambda theta: spline_of(AdamEpsInsideRoot("0.5", "0.6", "0.1"))(theta),
        lambda theta: 1.02 * spline_of(ADAM)(theta),
        lambda theta: -spline_of(ADAM)(theta),
    ],
    ids=["gradient flow", "beta1", "beta2", "eps", "eps inside the root", "two per cent more", "sign"],
)
def test_near_misses_are_rejected(field):
    assert p_value(field) < 1e-3


def test_two_parameters():
    law = Empirical({"x": [0, 1, 2], "y": [1, 0, 5]})
    problem, adam = Problem("(w*x + b - y)**2/2", ["w", "b"], law), Adam("0.9", "0.95", "0.5")
    field = interpolated(problem, adam, [(-0.5, 2.0), (-0.5, 2.0)])
    found = increment_test(problem, adam, field, SCHEDULE, [0.0, 0.0], 500, 1.0, 500, 3)
    assert found.differences.shape == (500, 2)
    assert found.p_value > 1e-3
    assert (np.abs(found.mean_deviations) < 4).all()
    assert (np.abs(np.log(found.variance_ratios)) < 0.4).all()
    assert (found.rest <= 0.25).all()
    more = increment_test(problem, adam, lambda theta: 1.05 * field(theta), SCHEDULE, [0.0, 0.0], 500, 1.0, 500, 3)
    assert more.p_value < 1e-3


def test_bad_arguments():
    field = AdamField(PROBLEM, ADAM)
    with pytest.raises(InputError, match="3 chains"):
        increment_test(PROBLEM, ADAM, field, SCHEDULE, [1.0], 100, 1.0, chains=2)
    steep = Problem("-exp(exp(theta*x))", ["theta"], Empirical({"x": [1, 2]}))
    with pytest.raises(InputError, match="diverged"):
        increment_test(steep, ADAM, lambda theta: 0 * theta, StepSizeSchedule("10"), [0.0], 18, 100.0, chains=3)


@pytest.mark.parametrize(("shift", "d"), [(0.0, 1), (0.3, 1), (0.0, 3), (0.3, 3)])
def test_the_p_value_is_that_of_the_textbook_test(shift, d):
    """Student's test for one coordinate; in general Hotelling's, which is Wilks's in a regression on a constant."""
    differences = shift + np.random.default_rng(4).standard_normal((50, d)) @ np.triu(np.ones((d, d)))
    found = increments._hotelling(differences)
    if d == 1:
        assert found == pytest.approx(scipy.stats.ttest_1samp(differences, 0.0).pvalue[0], rel=1e-9)
    centred = differences - differences.mean(axis=0)
    wilks = np.linalg.det(centred.T @ centred) / np.linalg.det(differences.T @ differences)
    assert found == pytest.approx(scipy.stats.f(d, 50 - d).sf((1 - wilks) / wilks * (50 - d) / d), rel=1e-9)


def test_variances_are_those_of_the_frozen_chain():
    found = increment_test(PROBLEM, ADAM, spline_of(ADAM), SCHEDULE, [1.0], 100, 1.0, 400, 1)
    assert found.variance_p_value > 1e-3
    # The comparison sees half of it more.
    more = dataclasses.replace(found, _finest=found._finest * 1.5**0.5)
    assert more.variance_p_value < 1e-3


def assert_shifted(problem, adam, seed, error):
    field, steps, length = AdamField(problem, adam), StepSizeSchedule("0.001/n**0.2"), 0.1
    one, other = (
        increment_test(problem, adam, lambda theta, by=by: field(theta) + by, steps, [0.5], 80, length, 4, seed)
        for by in (0.0, error)
    )
    sizes = window_sizes(steps, 80, length)
    # The weights 1/3, -2, 8/3 sum to 1; their squares over the parts to 35/9.
    shift = -error * sizes.sum() / np.sqrt(np.square(sizes).sum() * 35 / 9)
    np.testing.assert_allclose(other.differences, one.differences + shift, rtol=1e-9, atol=1e-9)
    assert 0 <= one.p_value <= 1


@pytest.mark.parametrize("error", [-3.0, 0.5])
def test_an_error_of_the_field_shifts_the_differences_by_its_time(error):
    assert_shifted(PROBLEM, ADAMS[0], 1, error)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(strategies.problems("robust"), st.sampled_from(ADAMS), st.integers(0, 2**32), st.sampled_from([-3.0, 0.5]))
def test_so_it_does_for_drawn_problems(problem, adam, seed, error):
    # A problem of its own is compiled for each: tens of seconds.
    assert_shifted(problem, adam, seed, error)
