"""Means of signs: against closed forms, lists of histories, each other, simulation and symmetry."""

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import AdamField, Empirical, Independent, InputError, Problem, find_zero
from adamsym.expressions.errors import NotApplicable
from adamsym.field import Atoms, Exponential, Mixture, Normal, Uniform, monte_carlo, sign_mean
from adamsym.field.signs.characteristic import of_atoms
from adamsym.field.signs.histories import listed
from adamsym.field.signs.lags import lags_of
from adamsym.field.signs.series import sign_sum
from adamsym.field.signs.sign_mean import of_listed
from adamsym.methods import Adam, Adamax, LagWeights, Lion, Method, SignForm, Signum, require_sign

SKEWED = Empirical({"x": [0, 0, 3]})
QUADRATIC = Problem("(theta - x)**2/2", ["theta"], SKEWED)
BETAS = st.sampled_from(["0", "0.1", "0.3", "0.5", "0.8", "0.9", "0.99", "0.999"])
methods = st.one_of(st.builds(Signum, BETAS), st.builds(Lion, BETAS, BETAS))


@st.composite
def atoms(draw):
    """Up to four values with small integer weights."""
    values = draw(st.lists(st.integers(-20, 20), min_size=1, max_size=4, unique=True))
    weights = [draw(st.integers(1, 5)) for _ in values]
    return np.array(values) / 4, np.array(weights) / sum(weights)


# --- closed forms -----------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.floats(-4, 4), st.floats(0.1, 5), BETAS)
def test_normal_gradients_by_the_error_function(mean, deviation, beta):
    exact = Fraction(beta)
    spread = deviation * math.sqrt(2 * float((1 - exact) / (1 + exact)))
    found = sign_mean(Normal(mean, deviation), Signum(beta))
    assert found.value == pytest.approx(scipy.special.erf(mean / spread), abs=1e-13)
    # The same law, as one whose closed form is not known.
    series = sign_mean(Mixture((Normal(mean, deviation),), (1.0,)), Signum(beta), 1e-12)
    assert abs(series.value - found.value) <= series.error + found.error
    assert series.error < 1e-11
    assert series.lower <= found.value <= series.upper


def test_the_value_without_memory():
    assert f"{sign_mean(Normal(0.3, 1), Signum(0)).value:.10f}" == "0.2358228444"
    assert f"{sign_mean(Normal(0.31, 1), Signum(0)).value:.10f}" != "0.2358228444"
    assert sign_mean(Atoms((-1.0, 0.0, 2.0), (0.25, 0.25, 0.5)), Signum(0)).value == 0.25


def test_half_the_weight_on_each_older_gradient_is_uniform():
    # With beta = 1/2 and g = a - 1 or a + 1 the sum M is uniform on (a - 1, a + 1), so that E sign M = a.
    for a in (-0.7, 0.0, 0.3):
        found = sign_mean(Atoms((a - 1, a + 1), (0.5, 0.5)), Signum("0.5"))
        assert abs(found.value - a) <= found.error < 1e-12
        near = sign_mean(Atoms((a - 1, a + 1), (0.49, 0.51)), Signum("0.5"))
        assert abs(near.value - a) > 1e-3


def test_exponential_and_uniform_gradients_without_memory():
    # P(X > 1) = 1/e for the exponential law; few terms decay, so that the error is large, and holds.
    found = sign_mean(Exponential(-1, 1), Signum(0))
    assert abs(found.value - (2 * math.exp(-1) - 1)) <= found.error < 0.02
    found = sign_mean(Uniform(-1, 3), Signum(0))
    assert abs(found.value - 0.5) <= found.error < 0.01


# --- lists of histories -----------------------------------------------------------------------------------------------


def over_histories(values, probabilities, weights):
    """The probabilities of M > 0 and of M < 0 by what is decided after the lags of ``weights``."""
    histories = np.array(list(itertools.product(range(len(values)), repeat=len(weights))))
    sums, chances = values[histories] @ weights, probabilities[histories].prod(axis=1)
    return sums, chances


@settings(max_examples=12)
@given(atoms(), st.sampled_from(["0.1", "0.2", "0.3"]), st.booleans())
def test_short_memories_beside_all_histories(law, beta, lion):
    values, probabilities = law
    method = Lion("0.4", beta) if lion else Signum(beta)
    weights = np.array([float(method.sign_form.weights.weight(k)) for k in range(6)])
    rest = (float(method.sign_form.weights.total) - weights.sum()) * np.abs(values).max() + 1e-12
    sums, chances = over_histories(values, probabilities, weights)
    positive, negative, between = (
        chances[sums > rest].sum(),
        chances[sums < -rest].sum(),
        chances[abs(sums) <= rest].sum(),
    )
    found = sign_mean(Atoms(tuple(values), tuple(probabilities)), method)
    assert positive - negative - between - 1e-9 <= found.value + found.error
    assert found.value - found.error <= positive - negative + between + 1e-9
    assert found.lower - 1e-12 <= found.value <= found.upper + 1e-12


@settings(max_examples=8)
@given(atoms(), methods)
def test_the_series_and_the_histories_agree(law, method):
    values, probabilities = law
    lags = lags_of(method.sign_form)
    if len(values) == 1:
        return
    histories = listed(values, probabilities, lags)
    series = sign_sum(of_atoms(values, probabilities), lags, 1e-9)
    assert abs(series.value - histories.value) <= series.error + histories.undecided + 1e-12
    assert abs(series.bound_value - histories.value) <= series.gap + histories.undecided + 1e-12


def test_a_law_that_never_decays_keeps_its_bounds():
    # 1/beta is a Pisot number: the characteristic function does not tend to 0 (Erdős 1939), and the tail is not summed.
    form = SignForm(LagWeights((), ((Fraction(1), Fraction(618034, 1000000)),)))
    law = of_atoms(np.array([-1.0, 1.2]), np.array([0.5, 0.5]))
    series = sign_sum(law, lags_of(form), 1e-12)
    fine = of_listed(np.array([-1.0, 1.2]), np.array([0.5, 0.5]), 1, lags_of(form), 1e-12)
    assert not series.smooth
    assert 1e-5 < series.gap < 0.01
    assert fine.error < series.error
    assert abs(series.value - fine.value) <= series.error + fine.error


# --- symmetry ---------------------------------------------------------------------------------------------------------


@settings(max_examples=8)
@given(atoms(), methods)
def test_odd_symmetric_and_scaled(law, method):
    values, probabilities = law
    form = require_sign(method, "this test")
    assert form == SignForm(form.weights, form.decay)
    found = of_listed(values, probabilities, 1, lags_of(form), 1e-9)
    mirrored = of_listed(-values, probabilities, 1, lags_of(method.sign_form), 1e-9)
    assert abs(found.value + mirrored.value) <= found.error + mirrored.error + 1e-15
    both = of_listed(
        np.concatenate([values, -values]), np.tile(probabilities / 2, 2), 1, lags_of(method.sign_form), 1e-9
    )
    assert abs(both.value) <= both.error + 1e-15
    scaled = of_listed(8 * values, probabilities, 1, lags_of(method.sign_form), 1e-9)
    assert abs(found.value - scaled.value) <= found.error + scaled.error + 1e-15


def test_constant_and_one_sided_gradients():
    for method in (Signum("0.9"), Lion(), Signum(0)):
        for g in (-2.0, 0.0, 1e-9):
            assert sign_mean(Atoms((g,), (1.0,)), method).value == np.sign(g)
        assert sign_mean(Atoms((1e-6, 3.0), (0.5, 0.5)), method).value == 1
    # 0 now and then: M is 0 with probability 0, if there is memory.
    assert sign_mean(Atoms((0.0, 3.0), (0.5, 0.5)), Signum("0.9")).value == 1
    assert sign_mean(Atoms((0.0, 3.0), (0.5, 0.5)), Signum(0)).value == 0.5


# --- the field --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [Signum("0.6"), Lion("0.7", "0.8", "0.3"), Lion("0.5", 0, 0)], ids=repr)
def test_the_field_beside_simulation(method):
    for batch in (1, 2):
        problem = Problem("(theta - x)**2/2", ["theta"], SKEWED, batch_size=batch)
        value = AdamField(problem, method).evaluate([0.8])
        found = monte_carlo(problem, method, [0.8], seed=1, steps=2000)
        assert abs(found.value - value.value)[0] <= 5 * found.standard_error[0] + value.error[0]
        other = AdamField(problem, method)([1.6])
        assert abs(found.value - other)[0] > 5 * found.standard_error[0]


def test_many_rows_in_minibatches_that_are_not_listed():
    rows = np.round(np.random.default_rng(0).gamma(2.0, size=30) - 1.9, 3)
    problem = Problem("(theta + x)**2/2", ["theta"], Empirical({"x": list(rows)}), batch_size=20)
    value = AdamField(problem, Signum("0.5")).evaluate([0.02])
    assert value.error[0] < 1e-9
    found = monte_carlo(problem, Signum("0.5"), [0.02], seed=2, steps=1000)
    assert abs(found.value - value.value)[0] <= 5 * found.standard_error[0]


def test_the_jacobian_beside_differences():
    field = AdamField(QUADRATIC, Signum("0.9"))
    h = 1e-3
    differences = (field([0.987 + h]) - field([0.987 - h])) / (2 * h)
    assert field.jacobian([0.987])[0, 0] == pytest.approx(differences[0], rel=0.01)
    normal = AdamField(Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Signum(0, "0.1"))
    slope = -math.sqrt(2 / math.pi) * math.exp(-(0.3**2) / 2) - 0.1
    assert normal.jacobian([0.3])[0, 0] == pytest.approx(slope, rel=1e-8)


def test_the_zeros_for_skewed_data():
    zero = find_zero(AdamField(QUADRATIC, Signum("0.9")), [1.2])
    assert zero.outcome == "converged"
    assert zero.stability == "attracting"
    assert zero.theta[0] == pytest.approx(0.987702, abs=1e-6)  # (0.987 +- 0.001 by simulation)
    field = AdamField(QUADRATIC, Signum("0.9"))
    value = field.evaluate([[0.9876], [0.9878], [1.0]])
    assert (value.value[0] > value.error[0]).all()
    assert (value.value[1:] < -value.error[1:]).all()


def test_what_a_sign_method_lacks_is_said():
    field = AdamField(QUADRATIC, Lion())
    with pytest.raises(NotApplicable, match="needs a Laplace form"):
        _ = field.form
    with pytest.raises(NotApplicable, match="Adamax has none"):
        require_sign(Adamax(), "this")
    with pytest.raises(NotApplicable, match="too long"):
        AdamField(QUADRATIC, Signum("0.9999999"))
    with pytest.raises(InputError, match="Adam has none"):
        sign_mean(Normal(0, 1), Adam())
    with pytest.raises(InputError, match="fractions from 0 up"):
        SignForm(LagWeights((Fraction(1),), ()), Fraction(-1))


# --- a method and a law of one's own ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class LookAhead(Method):
    """The sign of g + 2 m, m the mean of gradients with memory 1/2."""

    weight: Fraction = Fraction(2)

    @property
    def memory(self):
        return 2.0

    def initial_state(self, shape):
        return (np.zeros(shape),)

    def step(self, state, gradient, theta, n):
        m = (state[0] + gradient) / 2
        return (m,), -np.sign(gradient + float(self.weight) * m)

    @property
    def sign_form(self):
        return SignForm(LagWeights((Fraction(1),), ((self.weight / 2, Fraction(1, 2)),)))


def test_a_method_of_ones_own():
    value = AdamField(QUADRATIC, LookAhead()).evaluate([0.8])
    found = monte_carlo(QUADRATIC, LookAhead(), [0.8], seed=3, steps=2000)
    assert value.error[0] < 1e-9
    assert abs(found.value - value.value)[0] <= 5 * found.standard_error[0]


@dataclass(frozen=True)
class Fair:
    """g = centre + size or centre - size."""

    centre: float
    size: float

    @property
    def moments(self):
        a, b = self.centre, self.size
        return a, a**2 + b**2, a**3 + 3 * a * b**2, a**4 + 6 * a**2 * b**2 + b**4

    @property
    def magnitude_bound(self):
        return abs(self.centre) + self.size

    def transforms(self, t):
        raise NotImplementedError

    def sample(self, generator, shape):
        raise NotImplementedError


class WithCharacteristic(Fair):
    def characteristic(self, s):
        return np.exp(1j * self.centre * s) * np.cos(self.size * s)


def test_a_law_of_ones_own():
    found = sign_mean(WithCharacteristic(0.1, 1.0), Signum("0.9"))
    same = sign_mean(Atoms((-0.9, 1.1), (0.5, 0.5)), Signum("0.9"))
    assert abs(found.value - same.value) <= found.error + same.error
    assert found.error < 1e-9
    with pytest.raises(NotApplicable, match="a method characteristic"):
        sign_mean(Fair(0.1, 1.0), Signum("0.9"))


# --- long runs of another library -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signum", "lion"])
def test_long_runs_of_optax_end_at_the_zero(name):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    step, chains, steps = 1e-3, 256, 30_000
    optimizer, method = {
        "signum": (optax.signum(step, 0.9), Signum("0.9")),
        "lion": (optax.lion(step, 0.9, 0.99, weight_decay=0.0), Lion("0.9", "0.99", 0)),
    }[name]
    rows = jax.numpy.array([0.0, 0.0, 3.0])

    def after(carry, key):
        theta, state, total, n = carry
        gradient = theta - rows[jax.random.randint(key, theta.shape, 0, 3)]
        update, state = optimizer.update(gradient, state, theta)
        theta = optax.apply_updates(theta, update)
        return (theta, state, total + jax.numpy.where(n >= steps // 3, theta - 1, 0.0), n + 1), None

    start = jax.numpy.ones(chains)
    keys = jax.random.split(jax.random.PRNGKey(0), steps)
    carry = (start, optimizer.init(start), jax.numpy.zeros(chains), 0)
    means = 1 + np.asarray(jax.lax.scan(after, carry, keys)[0][2], dtype=float) / (steps - steps // 3)
    error = float(means.std(ddof=1) / math.sqrt(chains))
    zero = find_zero(AdamField(QUADRATIC, method), [1.0]).theta[0]
    # The bias of a constant step is about half the variance of theta times f''/f': below 5e-4 here.
    assert abs(means.mean() - zero) <= 4 * error + 5e-4
    assert abs(means.mean() - 1) > 4 * error + 5e-4
    other = {"signum": Lion("0.9", "0.99", 0), "lion": Signum("0.9")}[name]
    wrong = find_zero(AdamField(QUADRATIC, other), [1.0]).theta[0]
    assert abs(means.mean() - wrong) > 4 * error + 5e-4
