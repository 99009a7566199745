"""The expansions of the bias: beside zeros of the field, closed forms, and what changes of units do to them."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField, batch_bias, bias, memory_bias
from adamsym.field.bias import _capital_lambda, _log_product, leading_batch_gradient
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

SKEWED = Empirical({"x": [0, 0, 3]})
numbers = st.lists(st.integers(-5, 5), min_size=2, max_size=4, unique=True)
adams = st.builds(
    Adam,
    st.sampled_from(["0", "0.3", "0.5"]),
    st.sampled_from(["0.6", "0.8", "0.9"]),
    st.sampled_from(["1e-8", "0.1", "2"]),
)
sizes = st.integers(1, 9)


def zero_less_mean(law: Empirical, adam: Adam, batch_size: int = 1) -> float:
    mean = float(law.probabilities @ law.rows[:, 0])
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], law, batch_size), adam)
    reach = np.ptp(law.rows)
    return float(scipy.optimize.brentq(lambda off: field([mean + off])[0], -reach, reach, xtol=1e-15, rtol=1e-14))


def third_moment(law: Empirical) -> tuple[float, float]:
    x, p = law.rows[:, 0], law.probabilities
    centred = x - p @ x
    return float(p @ centred**2), float(p @ centred**3)


@settings(deadline=None, max_examples=5)
@given(numbers, st.sampled_from(["0", "0.5", "0.8"]), st.sampled_from(["0.1", "1"]), st.sampled_from([1, 3]))
def test_the_rest_is_of_third_order_in_the_memory(x, alpha, eps, batch_size):
    law, rests = Empirical({"x": x}), []
    first, second = memory_bias(law, Adam(alpha, "0.9", eps), batch_size)
    for k in (9, 11):
        h = Fraction(1, 2**k)
        off = zero_less_mean(law, Adam(alpha, 1 - h, eps), batch_size)
        rests.append(off - first * float(h) - second * float(h) ** 2)
        without = abs(off - first * float(h))
    # h is four times smaller: the rest 64 times, up to what comes next; rounding is some 1e-13.
    assert abs(rests[1]) <= abs(rests[0]) / 40 + 1e-12
    assert abs(rests[1]) <= 0.05 * without + 1e-12


@settings(deadline=None, max_examples=3)
@given(numbers, st.sampled_from(["0", "0.3", "0.5"]), st.sampled_from(["0.6", "0.8"]), st.sampled_from(["1e-8", "0.1"]))
def test_the_rest_is_of_second_order_in_the_batch(x, alpha, beta, eps):
    law, adam = Empirical({"x": x}), Adam(alpha, beta, eps)
    assume(abs(third_moment(law)[1]) > 1e-9)
    rests = [zero_less_mean(law, adam, size) - batch_bias(law, adam, size) for size in (64, 256)]
    assert abs(rests[1]) <= abs(rests[0]) / 10 + 1e-11
    assert abs(rests[1]) <= 0.05 * abs(batch_bias(law, adam, 256)) + 1e-11


@given(numbers, adams, sizes, st.integers(-3, 3), st.sampled_from([1, 4]))
@settings(deadline=None, max_examples=20)
def test_units_and_reflections(x, adam, size, shift, scale):
    moved = Empirical({"x": [scale * value + shift for value in x]})
    mirrored = Empirical({"x": [-value for value in x]})
    law, scaled = Empirical({"x": x}), Adam(adam.alpha, adam.beta, scale * adam.epsilon)
    terms = np.array([*memory_bias(law, adam, size), batch_bias(law, adam, size)])
    in_other_units = np.array([*memory_bias(moved, scaled, size), batch_bias(moved, scaled, size)])
    reflected = np.array([*memory_bias(mirrored, adam, size), batch_bias(mirrored, adam, size)])
    np.testing.assert_allclose(in_other_units, scale * terms, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(reflected, -terms, rtol=1e-9, atol=1e-12)


@given(numbers, adams, sizes)
@settings(deadline=None, max_examples=20)
def test_first_terms(x, adam, size):
    """b_1 in closed form, whatever beta1; and 0 < Lambda < 1, so that batches have a share of -mu3/(2 sigma^2 B)."""
    law = Empirical({"x": x})
    second, third = third_moment(law)
    sigma = np.sqrt(second)
    closed = -third / (2 * sigma * size * (sigma + adam.eps * np.sqrt(size)))
    assert memory_bias(law, adam, size)[0] == pytest.approx(closed, rel=1e-9, abs=1e-13)
    share = batch_bias(law, adam, size) * size
    whole = -third / (2 * second)
    assert abs(whole) < 1e-9 or 0 < share / whole < 1


@given(st.lists(st.integers(1, 5), min_size=1, max_size=2), adams, sizes)
@settings(deadline=None, max_examples=20)
def test_symmetric_laws_have_no_bias(x, adam, size):
    law = Empirical({"x": [2 + sign * value for value in x for sign in (-1, 1)]})
    assert memory_bias(law, adam, size) == (0, 0)
    assert batch_bias(law, adam, size) == 0


@pytest.mark.parametrize("alpha", [0, 0.5])
def test_lambda_for_a_short_memory(alpha):
    """Lambda -> 1/3 as alpha, beta -> 0: B(3/2, 1)/B(1/2, 1); by Monte Carlo elsewhere."""
    assert _capital_lambda(Adam(0, "1e-12", 1).laplace, 0.0) == pytest.approx(1 / 3, rel=1e-9)
    adam, e = Adam(alpha, "0.7", 1), 0.4
    z = np.random.default_rng(3).standard_normal((200_000, 40))
    shares, weights = (1 - adam.beta1) * adam.beta1 ** np.arange(40.0), 0.3 * 0.7 ** np.arange(40.0)
    phi = 1 / (np.sqrt(z**2 @ weights) + e)
    drawn = 1 - ((z**4 @ shares) * phi).mean() / (3 * ((z**2 @ shares) * phi).mean())
    # 20 samples of this size spread by 2e-3.
    assert _capital_lambda(adam.laplace, e) == pytest.approx(drawn, abs=8e-3)
    assert abs(_capital_lambda(adam.laplace, 0.0) - drawn) > 0.02


@pytest.mark.parametrize("e", [1e4, 1e8, 1e14, 1e100])
def test_lambda_for_large_eps(e):
    """e Lambda tends to sum a_k E[(z_k^4 - 3 z_k^2) sqrt V]/3, up to a share of O(1/e)."""
    adam = Adam("0.5", "0.6", 1)
    limit = 1e9 * _capital_lambda(adam.laplace, 1e9)
    assert e * _capital_lambda(adam.laplace, e) == pytest.approx(limit, rel=3 / min(e, 1e9))


@pytest.mark.parametrize(("adam", "e"), [(Adam("0.7", "0.491", 1), 1.0), (Adam("0.3", "0.9", 1), 0.0)])
def test_enough_lags_are_summed(adam, e, monkeypatch):
    found = _capital_lambda(adam.laplace, e)
    monkeypatch.setattr(bias, "_NEGLIGIBLE", 2 * bias._NEGLIGIBLE)
    assert _capital_lambda(adam.laplace, e) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize(
    ("law", "size", "fragment"),
    [
        (Empirical({"x": [0, 1], "y": [1, 2]}), 1, "one column"),
        (Empirical({"x": [2, 2]}), 1, "constant"),
        (Empirical({"x": ["0", "1e200"]}), 1, "rescale"),
        (Empirical({"x": ["0", "1e-200"]}), 1, "rescale"),
        (SKEWED, 0, "integers from 1"),
        (SKEWED, True, "integers from 1"),
    ],
)
def test_bad_input(law, size, fragment):
    for expansion in (memory_bias, batch_bias):
        with pytest.raises(InputError, match=fragment):
            expansion(law, Adam(), size)


@pytest.mark.parametrize("kind", [NAdam, AdamEpsInsideRoot, RMSprop])
def test_relatives_have_expansions(kind):
    """The rests fall with the third power of 1 - beta2, and with the second of 1/B."""

    def method(beta):
        return kind(beta, "0.1") if kind is RMSprop else kind("0.5", beta, "0.1")

    first, second = memory_bias(SKEWED, method("0.9"))
    rests = [
        zero_less_mean(SKEWED, method(1 - h)) - first * float(h) - second * float(h) ** 2
        for h in (Fraction(1, 2**9), Fraction(1, 2**11))
    ]
    assert abs(rests[1]) <= abs(rests[0]) / 40 + 1e-12
    if kind is not RMSprop:
        # The terms of another method leave more.
        other = memory_bias(SKEWED, Adam("0.5", "0.9", "0.1"))[1 if kind is NAdam else 0]
        own = second if kind is NAdam else first
        assert abs(other - own) > 0.005
    ends = [zero_less_mean(SKEWED, method("0.8"), size) - batch_bias(SKEWED, method("0.8"), size) for size in (32, 128)]
    assert abs(ends[1]) <= abs(ends[0]) / 10 + 1e-11


def test_fields_with_drift_or_negative_weights_have_no_expansion():
    class Negative(NAdam):
        @property
        def current_weight(self):
            return Fraction(-9)

    for expansion in (memory_bias, batch_bias):
        with pytest.raises(InputError, match="without weight decay"):
            expansion(SKEWED, AdamW(), 4)
        with pytest.raises(InputError, match="not negative"):
            expansion(SKEWED, Negative("0.2", "0.9", "0.1"), 4)


def test_no_batches_without_memory():
    with pytest.raises(InputError, match="beta2 > 0"):
        batch_bias(SKEWED, Adam(0, 0, 1), 4)


def test_memory_is_bounded(monkeypatch):
    adam, entries, integrands = Adam("0.5", "0.99", "0.1"), [], bias._lag_sums
    whole = batch_bias(SKEWED, adam, 4)

    def watched(s, weights, shares):
        entries.append(len(s) * len(weights))
        return integrands(s, weights, shares)

    monkeypatch.setattr(bias, "_lag_sums", watched)
    monkeypatch.setattr(bias, "_ENTRIES_AT_ONCE", 20_000)
    assert batch_bias(SKEWED, adam, 4) == pytest.approx(whole, rel=1e-13)
    assert len(entries) > 1
    assert max(entries) <= 20_000


@pytest.mark.parametrize("size", [1, 16])
def test_leading_batch_gradients_are_those_of_the_quadratic_loss(size):
    """In one parameter they are N-section 2(d), in two its share of each coordinate, by the Hessian of the loss."""
    adam = Adam("0.5", "0.9", "0.1")
    one = Problem("(theta - x)**2/2", ["theta"], SKEWED, size)
    (found,) = leading_batch_gradient(one, adam, np.array([float(np.dot(SKEWED.probabilities, SKEWED.rows[:, 0]))]))
    assert found == pytest.approx(batch_bias(SKEWED, adam, size), rel=1e-12)
    two = Problem("(a - x)**2/2 + 3*(b - 2*x)**2/2", ["a", "b"], SKEWED, size)
    mean = float(np.dot(SKEWED.probabilities, SKEWED.rows[:, 0]))
    first, second = leading_batch_gradient(two, adam, np.array([mean, 2 * mean]))
    assert first == pytest.approx(found, rel=1e-12)
    # The gradient of b is 6 times that of a, and eps counts a sixth.
    assert second / 6 == pytest.approx(batch_bias(SKEWED, Adam("0.5", "0.9", Fraction(1, 60)), size), rel=1e-12)


def test_no_leading_batch_gradient_without_spread_or_a_known_kernel():
    flat = Problem("(theta - x)**2/2 + (b - 1)**2", ["theta", "b"], SKEWED)
    found = leading_batch_gradient(flat, Adam("0.5", "0.9", "0.1"), np.array([1.0, 1.0]))
    assert found[1] == 0 != found[0]
    with pytest.raises(NotApplicable, match="weight decay"):
        leading_batch_gradient(flat, AdamW("0.5", "0.9", "0.1", "0.01"), np.array([1.0, 1.0]))
    with pytest.raises(InputError, match="beta2 > 0"):
        leading_batch_gradient(flat, Adam(0, 0, 1), np.array([1.0, 1.0]))
    reshuffled = Problem("(theta - x)**2/2", ["theta"], SKEWED, sampling="reshuffled")
    with pytest.raises(NotApplicable, match="drawn independently"):
        leading_batch_gradient(reshuffled, Adam("0.5", "0.9", "0.1"), np.array([1.0]))


def test_the_product_over_the_lags_is_that_of_its_factors():
    for eta in (0.9, 0.3, 0.02, 0.003):
        s = np.exp(np.linspace(-12, 4, 25))
        lags = (1 - eta) ** np.arange(45 / -np.log1p(-eta))
        direct = np.array([-0.5 * np.log1p(2 * one * eta * lags).sum() for one in s])
        found = _log_product(s, eta)
        seen = np.isfinite(found)
        np.testing.assert_allclose(found[seen], direct[seen], rtol=1e-11)
        assert (direct[~seen] < -45).all()
