"""Lemmas 1, 2, 4, 5, 6 and (V): Hypothesis looks for histories that break them, and finds some that nearly do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from adamsym.dynamics.bound.lags import LagBounds
from adamsym.methods import Adam

ADAMS = [Adam("0.9", "0.99", "0.1"), Adam(0, "0.5", "0.01"), Adam("0.8", "0.7", "1"), Adam("0.5", "0.999", "1e-4")]
LAGS = 400
LARGEST = 2.0
ROUNDING = 1 + 1e-9

adams = st.sampled_from(ADAMS)
entries = st.one_of(st.just(LARGEST), st.just(-LARGEST), st.just(0.0), st.floats(-LARGEST, LARGEST))
decays = st.floats(0.3, 1.2)


def quotient(adam, history):
    """Phi of a history, newest first, nothing before it."""
    lags = np.arange(len(history))
    w, u = (1 - adam.beta1) * adam.beta1**lags, (1 - adam.beta2) * adam.beta2**lags
    return float(w @ history) / (math.sqrt(float(u @ history**2)) + adam.eps)


def extended(adam, newest, ratio, size):
    """A history: drawn entries, then a geometric tail, as the worst cases of Cauchy-Schwarz have, within +-LARGEST."""
    tail = size * np.minimum(ratio ** np.arange(LAGS - len(newest)), LARGEST / max(abs(size), 1e-9))
    return np.concatenate((newest, tail))


histories = st.builds(
    lambda newest, ratio, size: (np.array(newest), ratio, size),
    st.lists(entries, max_size=8),
    decays,
    st.floats(-LARGEST, LARGEST),
)


def counts(few, many):
    return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.slow)])


def largest_found(test, *strategies, examples=300):
    """The largest ratio of a quantity to its bound that Hypothesis reaches, aiming upward."""
    ratios = [0.0]

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True)
    @given(st.tuples(*strategies))
    def search(drawn):
        ratio = test(*drawn)
        assert math.isfinite(ratio)
        target(ratio)
        ratios.append(ratio)

    search()
    assert len(ratios) > examples // 10
    return max(ratios)


def test_increments():
    def ratio(adam, history):
        return abs(quotient(adam, extended(adam, *history))) / LagBounds(adam, LARGEST).increment

    assert 0.8 < largest_found(ratio, adams, histories) <= ROUNDING


def test_root_changes():
    """(V), with |mu| <= C s and s <= r_1 <= r_2 <= sqrt(s^2 + x^2)."""

    def ratio(adam, s, x, share):
        r = math.sqrt(s * s + share * x * x)
        change = adam.step_bound * s * (1 / (s + adam.eps) - 1 / (r + adam.eps))
        return change / float(LagBounds(adam, LARGEST).root_change(np.array(x)))

    sizes = st.floats(-7, 2).map(lambda k: 10.0**k)
    assert 0.3 < largest_found(ratio, adams, sizes, sizes, st.sampled_from([1.0, 0.5])) <= ROUNDING


@counts(200, 1000)
def test_one_lag(examples):
    def ratio(adam, history, lag, values):
        whole = extended(adam, *history)
        found = []
        for value in values:
            whole[lag] = value
            found.append(quotient(adam, whole))
        return abs(found[0] - found[1]) / float(LagBounds(adam, LARGEST).oscillation(np.array(float(lag))))

    found = largest_found(ratio, adams, histories, st.integers(0, 12), st.tuples(entries, entries), examples=examples)
    # A bound of half the size would be falsified.
    assert 0.5 < found <= ROUNDING


def test_one_lag_alone_attains_its_bound_for_large_eps():
    adam = Adam("0.8", "0.7", "100")
    for lag in (0, 3, 9):
        alone = np.zeros(LAGS)
        alone[lag] = LARGEST
        oscillation = quotient(adam, alone) - quotient(adam, -alone)
        bound = float(LagBounds(adam, LARGEST).oscillation(np.array(float(lag))))
        assert 0.95 * bound < oscillation <= bound * ROUNDING


@counts(200, 1000)
def test_shared_gradients(examples):
    def ratio(adam, shared, first, second):
        one = extended(adam, np.concatenate((shared, first[0])), *first[1:])
        other = extended(adam, np.concatenate((shared, second[0])), *second[1:])
        bound = float(LagBounds(adam, LARGEST).mixing(np.array(float(len(shared)))))
        return abs(quotient(adam, one) - quotient(adam, other)) / bound

    shared = st.lists(entries, max_size=20).map(np.array)
    assert 0.5 < largest_found(ratio, adams, shared, histories, histories, examples=examples) <= ROUNDING


@counts(500, 1000)
def test_the_start(examples):
    def ratio(adam, newest, older):
        n = len(newest)
        lags = np.arange(n)
        m = (1 - adam.beta1) * float(adam.beta1**lags @ newest) / (1 - adam.beta1**n)
        v = (1 - adam.beta2) * float(adam.beta2**lags @ newest**2) / (1 - adam.beta2**n)
        increment = m / (math.sqrt(v) + adam.eps)
        other = quotient(adam, extended(adam, np.concatenate((newest, older[0])), *older[1:]))
        return abs(increment - other) / float(LagBounds(adam, LARGEST).start(np.array([float(n)]))[0])

    newest = st.lists(entries, min_size=1, max_size=30).map(np.array)
    assert 0.5 < largest_found(ratio, adams, newest, histories, examples=examples) <= ROUNDING


def test_the_start_by_hand():
    """Lemma 6 where each of its alternatives is the least: histories do not come close to all of them."""
    for adam in (Adam(0, "0.4", "0.1"), Adam(0, "0.9", "0.01"), Adam("0.9", "0.99", "0.1"), Adam("0.5", "0.6", "0.3")):
        alpha, beta, eps, c = adam.beta1, adam.beta2, adam.eps, adam.step_bound
        for largest in (0.01, 0.16, 1.0, 30.0):
            bounds, limit = LagBounds(adam, largest), 1 / (1 / c + eps / largest)
            for n in (1, 2, 5, 40, 300):
                forgotten, x = 1 - beta**n, beta ** (n / 2) * largest
                root_change = c * x * min(1.0, x / (2 * eps)) / (x + eps)
                first = min(
                    2 * largest * alpha**n / eps, c * (alpha**n / beta ** (n / 2) + alpha**n / math.sqrt(forgotten))
                )
                older = max(root_change, limit * beta**n * min(largest / eps, 1 / math.sqrt(forgotten)))
                known = min(2 * limit, first + older)
                assert float(bounds.start(np.array([float(n)]))[0]) == pytest.approx(known, rel=1e-10)
