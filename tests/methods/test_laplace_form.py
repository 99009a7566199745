"""The Laplace forms of the methods: lag weights by simulating the recursion, kernels by their integrals."""

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, InputError
from adamsym.methods import AdamEpsInsideRoot, AdamW, LagWeights, LaplaceForm, NAdam, RMSprop
from adamsym.methods.kernels import RootOfSum, RootPlusEps

METHODS = [Adam("0.9", "0.99"), NAdam("0.8", "0.9"), RMSprop("0.9"), AdamW(weight_decay="0.1"), Adam(0, 0)]


def impulse_response(method, count):
    """The numerator's answer, without bias correction, to the gradient 1 at one step and 0 at all others."""
    m, answers = Fraction(0), []
    for k in range(count):
        g = Fraction(int(k == 0))
        m = method.alpha * m + (1 - method.alpha) * g
        answers.append(method.momentum_weight * m + method.current_weight * g)
    return answers


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_lag_weights_are_the_answer_to_one_gradient(method):
    weights = method.laplace.weights
    assert [weights.weight(k) for k in range(12)] == impulse_response(method, 12)
    assert weights.total == 1
    assert float(weights.square_bound(method.beta)) ** 0.5 == pytest.approx(method.step_bound, rel=1e-14)


def test_other_weights_are_told_apart():
    wrong = LagWeights((), ((Fraction(1, 10), Fraction(8, 10)),))
    assert [wrong.weight(k) for k in range(3)] != impulse_response(Adam("0.9", "0.99"), 3)
    assert wrong.total != 1


ratios = st.fractions(0, Fraction(9, 10), max_denominator=20)
amounts = st.fractions(-1, 1, max_denominator=20)


@settings(max_examples=30)
@given(st.lists(amounts, max_size=3), st.lists(st.tuples(amounts, ratios), max_size=3))
def test_square_bound_and_total_by_their_sums(head, terms):
    weights, beta = LagWeights(tuple(head), tuple(terms)), Fraction(19, 20)
    listed = [float(weights.weight(k)) for k in range(600)]
    squares = sum(c**2 / float((1 - beta) * beta**k) for k, c in enumerate(listed))
    assert float(weights.square_bound(beta)) == pytest.approx(squares, rel=1e-10, abs=1e-12)
    assert float(weights.total) == pytest.approx(sum(listed), rel=1e-10, abs=1e-12)


def test_weights_that_do_not_decay_enough_are_refused():
    with pytest.raises(InputError, match="below beta2"):
        LagWeights((), ((Fraction(1), Fraction(9, 10)),)).square_bound(Fraction(81, 100))
    with pytest.raises(InputError, match="newest gradient"):
        LagWeights((), ((Fraction(1), Fraction(1, 10)),)).square_bound(Fraction(0))
    with pytest.raises(InputError, match=r"not in \[0, 1\)"):
        LagWeights((), ((Fraction(1), Fraction(1)),))


def test_forms_beyond_what_proofs_suppose_are_refused():
    """With decay -1 for the data 2 the sign lemma would find no zero in [-3, -1/2], and there is one near -0.9."""
    weights, kernel = LagWeights((Fraction(1),), ()), RootPlusEps(Fraction(1, 10))
    with pytest.raises(InputError, match="decay below 0"):
        LaplaceForm(weights, Fraction(1, 2), kernel, Fraction(-1))
    for beta in (Fraction(1), Fraction(-1, 2)):
        with pytest.raises(InputError, match=r"beta is not in \[0, 1\)"):
            LaplaceForm(weights, beta, kernel)


@pytest.mark.parametrize(
    "kernel", [RootPlusEps(Fraction(1, 3)), RootOfSum(Fraction(1, 3)), RootPlusEps(Fraction(10, 1))]
)
def test_the_density_integrates_to_the_kernel(kernel):
    s, v = sp.Symbol("s", positive=True), 0.7
    density = sp.lambdify(s, kernel.density(s, sp.Rational(kernel.epsilon)), "mpmath")
    with mpmath.workdps(20):
        places = [-80, -20, -5, 0, 3, 6]
        found = mpmath.quad(lambda x: mpmath.exp(x - v * mpmath.exp(x)) * density(mpmath.exp(x)), places)
    assert float(found) == pytest.approx(float(kernel.of(np.array(v))), rel=1e-12)
    assert float(found) != pytest.approx(float(kernel.of(np.array(v + 1e-6))), rel=1e-12)  # the control
    assert float(kernel.symbolic(sp.Float(v), sp.Rational(kernel.epsilon))) == pytest.approx(float(found), rel=1e-12)


@pytest.mark.parametrize("kernel", [RootPlusEps(Fraction(1, 3)), RootOfSum(Fraction(1, 30))])
@pytest.mark.parametrize("log_s", [-30.0, -1.0, 0.5, 6.0])
def test_weights_in_balls_and_symbols_agree(kernel, log_s):
    s = sp.exp(sp.Rational(str(log_s)))
    exact = (s * kernel.density(s, sp.Rational(kernel.epsilon))).evalf(30)
    held = kernel.ball_weight(flint.arb(str(log_s)).exp())
    assert abs(float(held.mid()) / float(exact) - 1) < 1e-14
    assert held.rad() < 1e-10 * held.mid()


@pytest.mark.parametrize("method", [Adam(eps="0.1"), AdamEpsInsideRoot(eps="0.1")])
def test_the_kernel_is_one_over_the_divisor(method):
    v = np.array([0.0, 1e-9, 0.3, 17.0])
    assert np.allclose(method.laplace.kernel.of(v) * method.divisor(v), 1, rtol=1e-15)


def test_forms_without_meaning_are_refused():
    kernel, weights = RootPlusEps(Fraction(1, 10)), LagWeights((Fraction(1),), ())
    for make, words in (
        (lambda: LagWeights((0.5,), ()), r"lag weights: 0\.5 is no exact fraction"),
        (lambda: LagWeights((), ((Fraction(1), 0.5),)), r"lag weights: 0\.5 is no exact fraction"),
        (lambda: LaplaceForm(weights, 0.9, kernel), r"Laplace form: 0\.9 is no exact fraction"),
        (lambda: LaplaceForm(weights, Fraction(1, 2), RootPlusEps(1e-8)), "Laplace form: 1e-08 is no exact fraction"),
        (lambda: LaplaceForm(weights, Fraction(1, 2), RootPlusEps(Fraction(-1))), "eps is not positive"),
        (lambda: LaplaceForm(weights, Fraction(1, 2), RootOfSum(Fraction(0))), "eps is not positive"),
    ):
        with pytest.raises(InputError, match=words):
            make()
    assert LaplaceForm(weights, Fraction(1, 2), kernel).decay == 0


def test_decay_is_exact():
    assert AdamW(weight_decay="0.1").laplace.decay == Fraction(1, 10)
    assert Adam().laplace.decay == 0
