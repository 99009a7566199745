"""Moments of martingale sums and the lower law of the denominator, against exact enumeration."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics.bound.denominators import denominator_law
from adamsym.dynamics.bound.moments import absolute, geometric_sum_moments, norms, sum_moments
from adamsym.expressions.errors import InputError

weights = st.lists(st.integers(1, 9), min_size=2, max_size=3)
values = st.integers(-20, 20).map(lambda k: k / 4)
decays = st.sampled_from([0.0, 0.3, 0.7, 0.95])


def law(drawn, masses):
    x = np.array(drawn[: len(masses)], dtype=float)
    p = np.array(masses, dtype=float)
    return x, p / p.sum()


laws = st.builds(law, st.lists(values, min_size=3, max_size=3, unique=True), weights)


def central_moments(x, p, largest=8):
    centred = x - p @ x
    return {k: abs(float(p @ centred**k)) for k in range(largest + 1)}


def geometric_sums(x, p, decay, lags, sign=lambda total: 1.0):
    """All values of sum (1-decay) decay^l xi_l, oldest first, with probabilities; ``sign`` of the past turns xi."""
    totals, chances = np.zeros(1), np.ones(1)
    centred = x - p @ x
    for _ in range(lags):
        turn = np.array([sign(t) for t in totals])
        totals = (decay * totals[:, None] + (1 - decay) * turn[:, None] * centred).ravel()
        chances = (chances[:, None] * p).ravel()
    return totals, chances


@settings(max_examples=50, deadline=None)
@given(laws, decays, st.booleans())
def test_moments_are_bounds(drawn, decay, turning):
    x, p = drawn
    sign = (lambda t: -1.0 if t > 0 else 1.0) if turning else (lambda t: 1.0)
    totals, chances = geometric_sums(x, p, decay, 8, sign)
    bounds = geometric_sum_moments(decay, central_moments(x, p))
    for q in (2, 4, 6, 8):
        assert float(chances @ totals**q) <= bounds[q] * (1 + 1e-12)
    for q in (3, 5, 7):
        assert float(chances @ np.abs(totals) ** q) <= absolute(bounds, q) * (1 + 1e-12)


def test_the_variance_is_exact_and_smaller_bounds_fail():
    x, p = np.array([1.0, -1.0]), np.array([0.5, 0.5])
    totals, chances = geometric_sums(x, p, 0.6, 14)
    bounds = geometric_sum_moments(0.6, central_moments(x, p))
    assert float(chances @ totals**2) == pytest.approx(bounds[2], rel=1e-5)
    assert float(chances @ totals**4) == pytest.approx(bounds[4], rel=1e-5)
    # A skewed law turned by the sign of the past: the odd moments count, without them the bound would be too small.
    x, p = np.array([4.0, -1.0]), np.array([0.2, 0.8])
    totals, chances = geometric_sums(x, p, 0.6, 14, lambda t: 1.0 if t > 0 else -1.0)
    known, fourth = central_moments(x, p), float(chances @ totals**4)
    assert fourth <= geometric_sum_moments(0.6, known)[4] <= 1.5 * fourth
    assert geometric_sum_moments(0.6, known | {3: 0.0})[4] < 0.95 * fourth


def test_an_unknown_exponent_is_refused():
    with pytest.raises(InputError, match="exponent 3"):
        absolute({0: 1.0, 2: 1.0}, 3)


@settings(max_examples=25, deadline=None)
@given(laws, laws)
def test_sums_of_two(first, second):
    bounds = sum_moments(central_moments(*first), central_moments(*second))
    (x, p), (y, q) = first, second
    for k in (2, 4, 6, 8):
        exact = sum(
            pa * pb * (a - p @ x - (b - q @ y)) ** k
            for (a, pa), (b, pb) in itertools.product(zip(x, p, strict=True), zip(y, q, strict=True))
        )
        assert exact <= bounds[k] * (1 + 1e-12)
    assert norms(bounds, 3.0, 0.5)[2] == pytest.approx(3 * math.sqrt(bounds[2]) + 0.5)


def squares_average(x, p, beta, lags, oldest):
    """All values of (1-beta) sum beta^l x_l^2, with ``oldest`` for x^2 beyond the lags, and probabilities."""
    totals, chances = np.full(1, oldest), np.ones(1)
    for _ in range(lags):
        totals = (beta * totals[:, None] + (1 - beta) * x**2).ravel()
        chances = (chances[:, None] * p).ravel()
    return totals, chances


DECREASING = [
    lambda r: 1 / (r + 0.1),
    lambda r: (r + 1e-3) ** -4.0,
    lambda r: (r < 0.5) / (r + 0.01),
    lambda r: 1 / (np.maximum(r, 0.2) * (r + 0.1) ** 2),
]


@settings(max_examples=15, deadline=None)
@given(laws, st.sampled_from([0.2, 0.5, 0.7]), st.sampled_from(DECREASING), st.sampled_from([1, 2, 8 / 3]))
def test_denominators_are_lower(drawn, beta, function, exponent):
    x, p = drawn
    found = denominator_law(np.abs(x), p, beta)
    assert 1 <= found.probabilities.sum() <= 1 + 1e-7
    # The largest square beyond the lags gives less than the true value.
    totals, chances = squares_average(x, p, beta, 9, float((x**2).max()))
    exact = float(chances @ function(np.sqrt(beta * totals)) ** exponent) ** (1 / exponent)
    assert found.norm(function, exponent) >= exact * (1 - 1e-12)


@pytest.mark.parametrize("beta", [0.3, 0.6])
def test_denominators_are_close(beta):
    x, p = np.array([0.5, 1.0, 3.0]), np.array([0.5, 0.3, 0.2])
    totals, chances = squares_average(x, p, beta, 11, 0.0)
    exact = float(chances @ (1 / (np.sqrt(beta * totals) + 0.1)))
    assert denominator_law(x, p, beta).norm(lambda r: 1 / (r + 0.1), 1) <= 1.03 * exact


@settings(max_examples=10, deadline=None)
@given(laws, st.sampled_from([0.3, 0.6]), st.integers(0, 6), st.sampled_from(DECREASING))
def test_one_entry_may_be_left_out(drawn, beta, left_out, function):
    x, p = drawn
    totals, chances = np.full(1, float((x**2).max())), np.ones(1)
    for lag in reversed(range(9)):
        square = x**2 if lag != left_out else np.zeros_like(x)
        totals = (beta * totals[:, None] + (1 - beta) * square).ravel()
        chances = (chances[:, None] * p).ravel()
    exact = float(chances @ function(np.sqrt(totals)))
    assert denominator_law(np.abs(x), p, beta).norm(function, 1) >= exact * (1 - 1e-12)


def test_without_the_factor_beta_a_left_out_entry_would_break_the_bound():
    x, p, beta = np.array([1.0, 1.0001]), np.array([0.5, 0.5]), 0.3
    found = denominator_law(x, p, beta)
    without_newest = math.sqrt(beta * 1.0)
    assert found.norm(lambda r: 1 / (r + 0.1), 1) >= 1 / (without_newest * 1.0001 + 0.1)
    raised = type(found)(found.roots / math.sqrt(beta), found.probabilities)
    assert raised.norm(lambda r: 1 / (r + 0.1), 1) < 0.7 / (without_newest + 0.1)


def test_heavy_skew_and_long_memory():
    x, p = np.array([0.0, 0.1, 10.0]), np.array([0.5, 0.49, 0.01])
    generator = np.random.default_rng(0)
    for beta, count in ((0.9, 2000), (0.999, 300)):
        lags = np.arange(round(15 / (1 - beta)))
        draws = generator.choice(x**2, p=p, size=(count, len(lags))) @ ((1 - beta) * beta**lags)
        sampled = float((1 / (np.sqrt(beta * draws) + 0.1)).mean())
        found = denominator_law(x, p, beta).norm(lambda r: 1 / (r + 0.1), 1)
        assert 0.97 * sampled <= found <= 1.1 * sampled
