"""Adam's parameters and step bound; step-size schedules."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adamsym import Adam, InputError, StepSizeSchedule
from adamsym.testing.strategies import adams

SHARES = st.fractions(0, Fraction(99, 100), max_denominator=100)


@given(SHARES, SHARES)
def test_exactly_the_allowed_pairs_are_accepted(alpha, beta):
    if alpha**2 < beta or alpha == beta == 0:
        adam = Adam(alpha, beta, "1e-8")
        assert (adam.alpha, adam.beta, adam.epsilon) == (alpha, beta, Fraction(1, 10**8))
    else:
        with pytest.raises(InputError, match="beta1\\*\\*2"):
            Adam(alpha, beta)


@pytest.mark.parametrize(
    "arguments", [(1, 0.999, 1), (-0.1, 0.9, 1), (0.9, 1, 1), (0.9, 0.81, 1), (0.9, 0.999, 0), (0.9, 0.999, -1)]
)
def test_what_is_not_allowed(arguments):
    with pytest.raises(InputError, match=r"^adam"):
        Adam(*arguments)


@given(st.integers(1, 60), st.floats(0.05, 0.98), st.floats(0.01, 0.98))
def test_no_history_exceeds_the_step_bound_and_one_attains_it(length, share, beta):
    alpha = share * math.sqrt(beta)
    adam = Adam(alpha, beta, 1)
    k = np.arange(2000)
    history = np.where(k < length, np.cos(k), 0.0)
    extremal = (alpha / math.sqrt(beta)) ** k  # g_k = (alpha/beta)^k, times beta^(k/2)
    weights = (1 - alpha) * (alpha / math.sqrt(beta)) ** k

    def quotient(scaled):
        return float(weights @ scaled) / math.sqrt((1 - beta) * float(scaled @ scaled))

    assert quotient(history * beta ** (k / 2)) <= adam.step_bound * (1 + 1e-12)
    attained = quotient(extremal)
    assert attained == pytest.approx(adam.step_bound, rel=1e-6)
    assert attained > 0.999 * adam.step_bound


@given(adams(), st.integers(1, 60))
def test_the_corrected_step_bound_is_attained(adam, n):
    assume(adam.beta2 > 0)
    w, u = adam.beta1 ** np.arange(n), adam.beta2 ** np.arange(n)
    w, u = w / w.sum(), u / u.sum()
    # At g_k = w_k/u_k, Cauchy and Schwarz: sum w_k^2/u_k.
    assert adam.corrected_step_bound(n) == pytest.approx(np.sqrt((w**2 / u).sum()), rel=1e-9)
    assert adam.corrected_step_bound(1) == pytest.approx(1, rel=1e-12)
    assert adam.corrected_step_bound(n) <= adam.corrected_step_bound(n + 1) * (1 + 1e-12)
    assert adam.corrected_step_bound(10**9) == pytest.approx(adam.step_bound, rel=1e-9)


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_steps_are_counted_from_one(n):
    with pytest.raises(InputError, match="integers from 1"):
        Adam().corrected_step_bound(n)


def test_step_bound_without_momentum():
    assert Adam(0, 0, 1).step_bound == 1.0
    assert Adam(0, "0.75", 1).step_bound == 2.0


@pytest.mark.parametrize(
    ("text", "vanishes"), [("0.1/n**0.7", True), ("0.1", False), ("1/(1 + log(n))", True), ("0.1 + 1/n", False)]
)
def test_vanishing_steps(text, vanishes):
    assert StepSizeSchedule(text).vanishes is vanishes


def test_step_sizes():
    assert StepSizeSchedule("1/n")(np.array([[1, 2], [4, 8]])).tolist() == [[1.0, 0.5], [0.25, 0.125]]
    assert StepSizeSchedule(0.25)([3]).tolist() == [0.25]
    for text in ("-1/n", "0", "1/(n - 1)", "m", "n.real", "sqrt(1 - 2*n)"):
        with pytest.raises(InputError, match=r"^step size"):
            StepSizeSchedule(text)
    with pytest.raises(InputError, match="n = 3"):
        StepSizeSchedule("2.5 - n")([1, 2, 3])
