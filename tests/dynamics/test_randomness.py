"""Generators against published numbers, alias tables and quantiles against their laws."""

from fractions import Fraction
from itertools import islice

import numpy as np
import plain_chains
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from adamsym.dynamics.kernels import fill_words
from adamsym.dynamics.randomness import alias_table, drawn_rows, generator_states, splitmix64
from adamsym.dynamics.run import Run
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam, StepSizeSchedule

# Vigna's splitmix64.c from 1234567; xoshiro256plusplus.c from 1, 2, 3, 4 (also in Rust's rand_xoshiro).
SPLITMIX = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
XOSHIRO = [
    41943041,
    58720359,
    3588806011781223,
    3591011842654386,
    9228616714210784205,
    9973669472204895162,
    14011001112246962877,
    12406186145184390807,
    15849039046786891736,
    10450023813501588000,
]


def test_published_numbers():
    assert list(islice(plain_chains.splitmix64(1234567), 5)) == SPLITMIX
    assert splitmix64(1234567, 0, 5).tolist() == SPLITMIX
    assert splitmix64(1234567, 3, 2).tolist() == SPLITMIX[3:]
    assert list(islice(plain_chains.xoshiro256pp(1, 2, 3, 4), 10)) == XOSHIRO
    words = np.empty((10, 2), np.uint64)
    fill_words(np.array([1, 1, 2, 2, 3, 3, 4, 5], np.uint64), words)
    assert words[:, 0].tolist() == XOSHIRO
    assert words[1:, 1].tolist() != XOSHIRO[1:]


def test_each_chain_has_its_own_four_outputs():
    states = generator_states(5, 7)
    assert states.shape == (7, 4)
    words = np.empty((3, 1), np.uint64)
    fill_words(states[6].copy(), words)
    assert words[:, 0].tolist() == list(islice(plain_chains.words_of_chain(5, 6), 3))
    assert (generator_states(5, 3) == states[:3]).all()
    assert (generator_states(6, 7) != states).all()


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_alias_tables_have_the_laws_probabilities(weights):
    probabilities = np.array(weights) / sum(weights)
    thresholds, aliases = alias_table(probabilities)
    if len(set(weights)) == 1:
        assert len(thresholds) == len(aliases) == 0
        return
    found = [Fraction(t) for t in thresholds]
    for cell, alias in enumerate(aliases):
        found[alias] += 1 - Fraction(thresholds[cell])
    np.testing.assert_allclose([float(x) / len(weights) for x in found], probabilities, rtol=0, atol=1e-14)
    assert ((thresholds >= 0) & (thresholds <= 1)).all()


def frequencies(weights, draws=200_000):
    """How often each row is drawn: theta counts rows, for the loss is linear and the method plain descent."""
    size = len(weights)
    # Only the sign of the gradient matters with beta1 = beta2 = 0: the path tells the rows apart by their signs.
    columns = {f"x{k}": [1 if row == k else 0 for row in range(size)] for k in range(size)}
    loss = " + ".join(f"w{k}*x{k}" for k in range(size))
    problem = Problem(loss, {"w": size}, Empirical(columns, weights=weights))
    run = Run(problem, Adam(0, 0, "1e-30"), StepSizeSchedule(1), np.zeros(size), 20, seed=3)
    run.advance(draws // 20)
    return -run.theta.sum(axis=0)


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], [1, 2, 3, 4], [5, 1, 1, 1, 1, 1, 1000]], ids=str)
def test_rows_are_drawn_with_their_weights(weights):
    counts = frequencies(weights)
    assert counts.sum() == 200_000
    expected = 200_000 * np.array(weights) / sum(weights)
    assert scipy.stats.chisquare(counts, expected).pvalue > 1e-3
    # Control: the same counts do not fit weights that are off by a hundredth.
    wrong = np.array(weights, float)
    wrong[-1] *= 1.05 if len(weights) < 7 else 2
    assert scipy.stats.chisquare(counts, 200_000 * wrong / wrong.sum()).pvalue < 1e-3


@pytest.mark.parametrize(
    ("column", "law"),
    [
        ("Normal(1, 2)", scipy.stats.norm(1, 2)),
        ("Uniform(-1, 3)", scipy.stats.uniform(-1, 4)),
        ("Exponential(2)", scipy.stats.expon(scale=0.5)),
        ("Gamma(2, 3)", scipy.stats.gamma(2, scale=3)),
        ("Beta(2, 5)", scipy.stats.beta(2, 5)),
    ],
)
def test_continuous_rows_have_their_law(column, law):
    words = np.empty((20_000, 1), np.uint64)
    fill_words(generator_states(1, 1)[0], words)
    rows = drawn_rows(Independent({"x": column}), words.reshape(-1, 1, 1)).ravel()
    assert scipy.stats.kstest(rows, law.cdf).pvalue > 1e-3
    assert scipy.stats.kstest(rows * 1.05, law.cdf).pvalue < 1e-3


def test_the_ends_of_the_uniform_law_are_finite():
    words = np.array([0, 2**64 - 1], np.uint64).reshape(2, 1, 1)
    for column in ("Normal(0, 1)", "Exponential(1)", "Gamma(2, 1)"):
        assert np.isfinite(drawn_rows(Independent({"x": column}), words)).all()
