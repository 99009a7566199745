"""The constants by which L decreases along the flow, beside other evaluations of the formulas and the field itself."""

import dataclasses
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from adamsym import Adam
from adamsym.certify.lyapunov import decrease_constants as constants
from adamsym.certify.lyapunov.decrease_constants import Noise
from adamsym.expressions.errors import InputError
from adamsym.field import quotient
from adamsym.field.ball.arithmetic import BallArithmetic, ball_arithmetic
from adamsym.methods import AdamEpsInsideRoot, AdamW, LagWeights, LaplaceForm, NAdam, RMSprop
from adamsym.methods.kernels import RootPlusEps

FORM = Adam().laplace
betas = st.sampled_from([Fraction(1, 4), Fraction(9, 10), Fraction(999, 1000), 1 - Fraction(1, 10**12)])
probabilities = st.fractions(Fraction(1, 2000), 1, max_denominator=2000)
batches = st.integers(1, 300)


@pytest.fixture(autouse=True)
def balls():
    with ball_arithmetic():
        yield


def noise(spread=99, least=Fraction(1, 1000), batch=1, harmed=9) -> Noise:
    return Noise(flint.arb(spread), least, batch, harmed)


def is_just_above(bound: flint.arb, value) -> bool:
    """Whether ``bound`` is above a number of mpmath, by no more than balls of 128 bits round."""
    mp.prec = 300
    found = mp.mpf(bound.mid().str(60, radius=False)) - value
    return -(mp.mpf(10) ** -50) * abs(value) <= found <= mp.mpf(10) ** -20 * (1 + abs(value))


@given(betas, probabilities, batches)
@settings(max_examples=60)
def test_the_sign_factors_are_their_formulas(beta, p, batch):
    mp.prec = 300
    root = mp.sqrt(mp.mpf(beta.numerator) / beta.denominator)
    delta, others = 1 - root, mp.mpf(p.denominator) / p.numerator - 1
    square, logarithm = delta / root, mp.log(1 / delta)
    found = constants.sign_factors(constants.growth_bound(beta), p, batch)
    kurtosis = max(1, 3 + (others - 3) / batch)
    expected = {
        "variance": mp.sqrt(square),
        "largest row": square * mp.sqrt(batch * others),
        "kurtosis": square * mp.root(kurtosis / delta, 4),
        "Bernstein": square * (mp.sqrt(2 * logarithm) + logarithm / 3 * mp.sqrt(others / batch)),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert is_just_above(found[name], value), name
    best, by = constants.best_sign_factor(constants.growth_bound(beta), p, batch)
    assert best == found[by] == min(found.values(), key=float)


@given(betas, probabilities)
@settings(max_examples=60)
def test_the_bound_of_the_kernel_is_finite_above_delta(beta, p):
    delta = constants.root_gap(beta)
    found = constants.mean_kernel_bound(1 / flint.arb(p.numerator) * p.denominator, beta)
    if p <= float(delta) * (1 - 1e-9):
        assert not found.is_finite()
    if p >= float(delta) * (1 + 1e-9):
        assert found >= 1


@pytest.mark.parametrize("p", ["0.3", "0.5", "0.9", "1"])
def test_the_closed_form_is_above_the_integral_and_equal_to_it_for_one_value(p):
    """E 1/r of N-Lemma 3 at beta = 1/4, from all of the first lags: the rest of r^2 lies between 0 and its largest."""
    lags, p = 14, float(p)
    values = np.zeros(1)
    weights = np.ones(1)
    for k in range(lags):
        share = 0.75 * 0.25**k / p
        values = np.concatenate([values, values + share])
        weights = np.concatenate([weights * (1 - p), weights * p])
    least = (weights / np.sqrt(values + 0.25**lags / p)).sum()
    closed = float(constants.mean_kernel_bound(1 / flint.arb(p), Fraction(1, 4)))
    if p <= 0.5:
        assert closed == math.inf
        return
    assert least <= closed * (1 + 1e-12)
    assert p < 1 or closed == pytest.approx(1, abs=1e-12)
    assert closed <= 1.3 * least


@given(st.integers(2, 60), st.integers(1, 6), st.floats(0.001, 3))
@settings(max_examples=60)
def test_the_fourth_moment_is_the_largest_up_to_q(rows, batch, q):
    p = Fraction(1, rows)
    k = math.sqrt(max(0, 3 + (rows - 4) / batch - 1))
    u = np.linspace(0, q, 4001)
    largest = 1 + (((2 * u + k) / (1 + u**2)) ** 2).max()
    expected = min(largest, rows) if batch == 1 else largest
    assert float(constants.fourth_moment_bound(flint.arb(q), p, batch)) == pytest.approx(expected, rel=1e-5)


spikes = st.tuples(
    st.lists(st.floats(-3, 3), min_size=2, max_size=5),
    st.sampled_from(["0.36", "0.9", "0.99"]),
    st.sampled_from(["0", "0.3"]),
)


@given(spikes)
@settings(max_examples=30)
def test_equal_rows_have_the_right_sign_beyond_q(drawn):
    values, beta, alpha = drawn
    g = np.array(values)
    m, sigma = g.mean(), g.std()
    found = quotient(g[None], np.full((1, len(g)), 1 / len(g)), Adam(alpha, beta, "1e-6"))
    q, _ = constants.best_sign_factor(constants.growth_bound(Fraction(beta)), Fraction(1, len(g)), 1)
    excess = abs(m) - float(q) * sigma
    if excess > 0:
        assert np.sign(m) * found.value[0] >= excess / (math.hypot(m, sigma) + 1e-6) - found.error[0] - 1e-12


def test_constants_of_the_usual_adam():
    """docs/theory.md: all of space for the network of random features, whose least singular value gives the spread."""
    found = constants.theorem_6(FORM, noise())
    assert found.holds
    assert found.by == "largest row"
    # q = q_0^2 sqrt(999), Lambda(1/1000), n = 9, mu(99) = 50.
    delta = 1 - math.sqrt(0.999)
    q = delta / (1 - delta) * math.sqrt(999)
    size = math.sqrt(0.999 * 0.001 * (0.002 - delta) / (2 - delta)) / (0.001 - delta)
    assert float(found.harm) == pytest.approx(size)
    assert float(found.share) == pytest.approx(1 - q * math.sqrt(99) - size * q**2 / 4 * 3 * 50)
    assert constants.theorem_6(FORM, noise(harmed=0)).share > found.share


def test_smallest_batches_for_practice():
    rows = [10**3, 10**4, 10**5, 10**6]
    found = [
        [constants.smallest_batch(FORM, noise(least=Fraction(1, n), harmed=d - 1)) for n in rows] for d in (10, 10**6)
    ]
    assert found == [[1, 6, 51, 502], [4, 10, 58, 522]]


@given(st.integers(2, 3000), st.floats(0.1, 200), st.integers(0, 1000))
@settings(max_examples=25)
def test_the_smallest_batch_and_beta2_are_the_smallest(rows, spread, harmed):
    given_noise = noise(spread, Fraction(1, rows), 1, harmed)
    batch = constants.smallest_batch(FORM, given_noise)
    holds = [constants.theorem_6(FORM, noise(spread, Fraction(1, rows), b, harmed)).holds for b in range(1, batch + 1)]
    assert holds == [False] * (batch - 1) + [True]
    beta = constants.smallest_beta2(FORM, given_noise)
    assert constants.theorem_6(dataclasses.replace(FORM, beta=beta), given_noise).holds
    wider = 1 - (1 - beta) * Fraction(101, 100)
    assert wider <= 0 or not constants.theorem_6(dataclasses.replace(FORM, beta=wider), given_noise).holds


def test_a_batch_that_is_not_tried_is_not_named():
    assert constants.smallest_batch(FORM, noise(1e30), most=1000) is None
    assert constants.smallest_batch(FORM, noise(1e30, harmed=0), most=1000) is None


@pytest.mark.parametrize(
    ("form", "given_noise", "fragment"),
    [
        (FORM, noise(least=Fraction(1, 2000), harmed=1, spread=0.1), "K_4 < 1/(1 - sqrt(beta2)): K_4 <= 2000"),
        (FORM, noise(spread=10**6, harmed=0), "q sqrt(eta) < 1: q sqrt(eta) ="),
        (FORM, noise(harmed=10**9), "c_0 > 0: it is -"),
        (FORM, noise(least=None), "not known for this law"),
        (AdamW(weight_decay="0.1").laplace, noise(), "no weight decay: it is 1/10"),
        (dataclasses.replace(FORM, beta=Fraction(0), weights=RMSprop().laplace.weights), noise(), "beta2 > 0"),
        (dataclasses.replace(FORM, weights=LagWeights((Fraction(2),), ())), noise(), "they sum to 2"),
        (dataclasses.replace(FORM, weights=LagWeights((Fraction(2), Fraction(-1)), ())), noise(), "at least 0"),
    ],
)
def test_the_hypothesis_that_fails_is_named(form: LaplaceForm, given_noise, fragment):
    found = constants.theorem_6(form, given_noise)
    assert not found.holds
    assert any(fragment in text for text in found.fails), found.fails
    assert constants.rate(form, found, flint.arb(1), flint.arb(1)) == 0


def test_a_kernel_derived_from_a_known_one_is_refused():
    class Own(RootPlusEps):
        """Perhaps another phi."""

    own = dataclasses.replace(FORM, kernel=Own(Fraction(1)))
    assert not constants.theorem_6(own, noise()).holds
    assert not constants.theorem_2b(own, noise(spread=0.1)).holds
    assert constants.theorem_1(own, noise(spread=0.1), flint.arb(1), flint.arb(1)).holds


def test_relatives_have_the_same_constants():
    for form in (RMSprop(beta2="0.999").laplace, NAdam().laplace, AdamEpsInsideRoot().laplace):
        assert constants.theorem_6(form, noise()).holds


def test_one_row_has_no_noise():
    for batch in (1, 2, 50):
        assert constants.best_sign_factor(constants.growth_bound(FORM.beta), Fraction(1), batch)[0] == 0
        assert constants.theorem_6(FORM, noise(0, Fraction(1), batch)).share > 0.99


def test_the_sharper_theorem_2b_is_wider_than_the_condition_it_had():
    """16 Phi^2 q_0^2 d eta (1 + eta) <= 1 gives c_0 >= 1/2, also without a least probability."""
    for d, batch in ((232, 256), (10, 100), (2, 60)):
        square = float(constants.growth_bound(FORM.beta))
        eta = (math.sqrt(1 + 4 / (16 * square * d)) - 1) / 2
        found = constants.theorem_2b(FORM, noise(eta * batch * (1 - 1e-9), None, batch, d - 1))
        assert found.by == "variance"
        assert found.share >= 0.5
    assert not constants.theorem_2b(Adam("0.3", "0.0900001").laplace, noise()).holds


@given(st.floats(0.01, 30), st.integers(1, 9))
@settings(max_examples=20)
def test_theorem_2b_is_its_formula(eta, harmed):
    found = constants.theorem_2b(FORM, noise(eta, None, 1, harmed))
    q = math.sqrt(1 / math.sqrt(0.999) - 1)
    mean = math.sqrt(eta) if eta <= 1 else (1 + eta) / 2
    harm = q * max(math.sqrt(1 + q**2) * eta, math.sqrt(harmed) * mean)
    assert float(found.share) == pytest.approx(1 - q * math.sqrt(eta) - harm, rel=1e-9, abs=1e-12)


def test_theorem_1_with_the_smaller_q():
    rows = noise(spread=20, least=Fraction(1, 12), harmed=29)
    eps = float(FORM.kernel.epsilon)
    largest, square = flint.arb(100 * eps), flint.arb((300 * eps) ** 2)
    found = constants.theorem_1(FORM, rows, largest, square)
    growth = (1 - math.sqrt(0.999)) * 100 / (math.sqrt(0.999) * 100 + 1)
    q = growth * math.sqrt(11)
    assert found.by == "largest row"
    assert float(found.share) == pytest.approx(1 - q * math.sqrt(20) - q**2 * 20 * 300 / 4)
    assert found.share > constants.theorem_1(FORM, dataclasses.replace(rows, least=None), largest, square).share


@given(st.floats(1e-6, 10), st.floats(1e-20, 10))
@settings(max_examples=20)
def test_the_rate_is_that_of_n_corollary_3(pl, loss):
    found = constants.theorem_6(FORM, noise())
    decay = constants.rate(FORM, found, flint.arb(pl), flint.arb(loss))
    assert float(decay) == pytest.approx(2 * pl * float(found.share) / (math.sqrt(2 * pl * 100 * loss) + 1e-8))


def test_fewer_bits_give_wider_bounds():
    with BallArithmetic(bits=30).entered():
        rough = constants.theorem_6(FORM, noise())
    fine = constants.theorem_6(FORM, noise())
    assert rough.share < fine.share
    assert rough.q > fine.q
    assert float(rough.share) == pytest.approx(float(fine.share), rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"spread": math.inf},
        {"spread": -1},
        {"least": Fraction(0)},
        {"least": Fraction(3, 2)},
        {"batch": 0},
        {"harmed": -1},
    ],
)
def test_noise_of_no_law_is_refused(options):
    with pytest.raises(InputError, match="is not allowed"):
        noise(**options)
