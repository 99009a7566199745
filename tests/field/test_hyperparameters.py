"""Derivatives in beta1, beta2 and eps."""

from fractions import Fraction

import numpy as np
import pytest

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def test_a_deterministic_gradient():
    # F = g/(|g| + eps), whatever beta1 and beta2.
    one = Problem("theta**2/2 + 0*x", ["theta"], Empirical({"x": [1]}))
    found = AdamField(one, Adam("0.9", "0.999", "0.1")).hyperparameter_derivatives([0.3])
    assert found.eps[0] == pytest.approx(0.3 / 0.4**2, rel=1e-11)
    assert abs(found.beta1[0]) < 1e-10
    assert abs(found.beta2[0]) < 1e-8


@pytest.mark.parametrize(
    "adam", [Adam("0.9", "0.999", "1e-2"), Adam("0.5", "0.6", "1"), Adam(0, "0.9", "1e-8")], ids=str
)
def test_against_differences(adam):
    field = AdamField(MEAN, adam)
    found = field.hyperparameter_derivatives([[0.8], [1.0], [2.0]])

    def at(alpha, beta, epsilon):
        return AdamField(MEAN, Adam(alpha, beta, epsilon))([[0.8], [1.0], [2.0]])

    a, b, e = adam.alpha, adam.beta, adam.epsilon
    small = (1 - b) / 1000
    by_beta2 = (at(a, b + small, e) - at(a, b - small, e)) / float(2 * small)
    np.testing.assert_allclose(found.beta2, by_beta2, rtol=1e-5, atol=1e-9)
    by_eps = (at(a, b, e * (1 + 1 / 1000)) - at(a, b, e * (1 - 1 / 1000))) / float(2 * e / 1000)
    np.testing.assert_allclose(found.eps, by_eps, rtol=1e-5, atol=1e-9 / float(e))
    if a > 0:
        by_beta1 = (at(a + small, b, e) - at(a - small, b, e)) / float(2 * small)
        np.testing.assert_allclose(found.beta1, by_beta1, rtol=1e-4, atol=1e-8)
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(found.beta1 * 1.001, by_beta1, rtol=1e-4, atol=1e-8)


def test_the_order_in_one_less_beta2():
    # Theory T7: at the mean, df/dbeta2 tends to (1-alpha)/(1-alpha beta) Cov(g, g^2)/(2 sigma (sigma + eps)^2) with the
    # sign of -F's derivative; g = theta - x has third moment -kappa3.
    adam = Adam("0.9", "0.99999", "1e-3")
    found = AdamField(MEAN, adam).hyperparameter_derivatives([1.0])
    sigma, third = np.sqrt(2), -2.0
    slope = third / (2 * sigma * (sigma + 1e-3) ** 2)
    # F = -(1-beta) slope (1-alpha)/(1-alpha beta); the product with 1 - beta gives the derivative.
    first = -0.1 * slope * (1 - 0.9) / (1 - 0.9 * 0.99999) ** 2
    assert found.beta2[0] == pytest.approx(first, rel=1e-3)


def test_bad_arguments():
    with pytest.raises(InputError, match="beta2"):
        AdamField(MEAN, Adam(0, 0, "0.1")).hyperparameter_derivatives([1.0])


@pytest.mark.parametrize("kind", [NAdam, AdamEpsInsideRoot, AdamW, RMSprop])
def test_relatives_have_derivatives(kind):
    momentum = kind is not RMSprop
    numbers = {"beta1": Fraction(1, 2)} if momentum else {}
    numbers |= {"beta2": Fraction(9, 10), "eps": Fraction(1, 10)}
    found = AdamField(MEAN, kind(**numbers)).hyperparameter_derivatives([0.6])
    step = Fraction(1, 10**5)
    for name, number in numbers.items():
        ends = [AdamField(MEAN, kind(**{**numbers, name: number + k * step}))([0.6])[0] for k in (-1, 1)]
        difference = (ends[1] - ends[0]) / float(2 * step)
        assert getattr(found, name)[0] == pytest.approx(difference, rel=1e-6, abs=1e-9)
        assert getattr(found, name)[0] != pytest.approx(1.001 * difference, rel=1e-6, abs=1e-9)
    assert np.isnan(found.beta1).all() != momentum


@pytest.mark.parametrize("beta1", ["0.001", "0.015", "0.064", "0.099", "0.134"])
def test_next_to_beta1_0_no_node_leaves_what_is_allowed(beta1):
    # The first node is beta1 = 0, but for rounding, which may be negative.
    field = AdamField(MEAN, Adam(beta1, "0.9", "0.1"))
    found = field.hyperparameter_derivatives([0.8])
    step = 1e-5
    ends = [AdamField(MEAN, Adam(float(beta1) + k * step, "0.9", "0.1"))([0.8])[0] for k in (-1, 1)]
    assert found.beta1[0] == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-6)
