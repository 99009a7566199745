"""What a method of one's own costs: one class here and nothing else, and everything that follows from it."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    InputError,
    Problem,
    StepSizeSchedule,
    check_certificate,
    derive,
    find_zeros,
    simulate,
)
from adamsym.certify.certificate import certificate
from adamsym.expressions.numbers import exact_rational
from adamsym.field import monte_carlo
from adamsym.methods import AdaptiveMethod, LagWeights, LaplaceForm, Method, RMSprop
from adamsym.methods.kernels import RootPlusEps
from adamsym.testing import check_optimizer, update_adapter
from adamsym.testing.properties import assert_laplace_form

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


@dataclass(frozen=True, init=False)
class QuasiHyperbolic(AdaptiveMethod):
    """Adam with the numerator (1 - nu) g + nu m: QHAdam with nu2 = 1 (Ma and Yarats 2019)."""

    nu: float
    _exact_nu: Fraction = field(repr=False)

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8, nu=0.7):
        super().__init__(beta1, beta2, eps)
        object.__setattr__(self, "_exact_nu", exact_rational(nu, "adam.nu"))
        object.__setattr__(self, "nu", float(self._exact_nu))

    @property
    def current_weight(self):
        return 1 - self._exact_nu

    def step_factors(self, first, sizes):
        factors = super().step_factors(first, sizes)
        return factors._replace(momentum=self.nu * factors.momentum, current=(1 - self.nu) * sizes)


@dataclass(frozen=True)
class TwoMeans(Method):
    """Half of each of two means of gradients, over sqrt(v) + eps, without corrections: any recursion with its form."""

    beta2: Fraction = Fraction(9, 10)
    eps: Fraction = Fraction(1, 100)

    memory = 10.0

    def initial_state(self, shape):
        return np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def step(self, state, gradient, theta, n):
        fast, slow = (0.5 * state[0] + 0.5 * gradient, 0.8 * state[1] + 0.2 * gradient)
        v = 0.9 * state[2] + 0.1 * gradient**2
        return (fast, slow, v), -(fast + slow) / 2 / (np.sqrt(v) + 0.01)

    @property
    def laplace(self):
        terms = ((Fraction(1, 4), Fraction(1, 2)), (Fraction(1, 10), Fraction(4, 5)))
        return LaplaceForm(LagWeights((), terms), self.beta2, RootPlusEps(self.eps))


@dataclass(frozen=True, slots=True)
class Softsign(Method):
    """Along m/(|m| + size), m with memory beta: no mean of gradients over a root."""

    beta: float = 0.8
    size: float = 0.1

    @property
    def memory(self):
        return 1 / (1 - self.beta)

    def initial_state(self, shape):
        return (np.zeros(shape),)

    def step(self, state, gradient, theta, n):
        m = self.beta * state[0] + (1 - self.beta) * gradient
        return (m,), -m / (np.abs(m) + self.size)


WITH_FORM = [QuasiHyperbolic("0.5", "0.9", "0.01"), TwoMeans()]
form = pytest.mark.parametrize("method", WITH_FORM, ids=lambda method: type(method).__name__)


@form
def test_its_form_is_its_recursion_s(method):
    assert_laplace_form(method, [1.0, -0.3, 0.0, 2.0, 1e-3], 0.4)


@form
def test_the_field_is_that_of_its_runs(method):
    adam_field = AdamField(PROBLEM, method)
    estimate = monte_carlo(PROBLEM, method, [0.7], seed=1, steps=4000)
    assert abs(adam_field([0.7]) - estimate.value)[0] <= 5 * estimate.standard_error[0]
    other = AdamField(PROBLEM, Adam("0.5", "0.5", "0.01"))([0.7])
    assert abs(other - estimate.value)[0] > 5 * estimate.standard_error[0]


@pytest.mark.parametrize(
    "method",
    [pytest.param(WITH_FORM[0], marks=pytest.mark.slow), WITH_FORM[1]],
    ids=lambda method: type(method).__name__,
)
def test_enclosure_zero_certificate_and_checker(method, monkeypatch):
    # As an installed package would offer it.
    entry = EntryPoint(type(method).__name__, f"{__name__}:{type(method).__name__}", "adamsym.methods")
    monkeypatch.setattr("adamsym.methods.registry.entry_points", lambda group: [entry])
    monkeypatch.setattr(EntryPoint, "load", lambda self: type(method))
    adam_field = AdamField(PROBLEM, method)
    found = adam_field.evaluate([0.7])
    [[low, high]] = adam_field.enclose([[0.7, 0.7]])
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    assert high - low < 1e-12
    zeros = find_zeros(adam_field, [[0.5, 1.1]])
    assert zeros.complete
    [zero] = zeros.zeros
    stated = certificate(zeros)
    verdict = check_certificate(stated)
    assert verdict.valid, verdict.reason
    moved = json.loads(json.dumps(stated))
    moved["problem"]["method"]["laplace"]["beta"] = "91/100"
    assert not check_certificate(moved, digest=False).valid
    # A long run stays about the zero.
    run = simulate(PROBLEM, method, StepSizeSchedule("0.3/n**0.8"), [2.0], 4000, 64, 1)
    assert abs(run.theta.mean() - zero.midpoint[0]) < 0.1
    assert abs(zero.midpoint[0] - 1) > 1e-3


@pytest.mark.parametrize(
    "method",
    [WITH_FORM[0], pytest.param(WITH_FORM[1], marks=pytest.mark.slow)],
    ids=lambda method: type(method).__name__,
)
def test_the_derivation_passes_its_checks(method):
    assert len(derive(PROBLEM, method).steps) > 5
    with pytest.raises(InputError, match="Softsign has none"):
        derive(PROBLEM, Softsign())


def test_one_with_another_numerator_is_between_adam_and_rmsprop():
    values = [
        AdamField(PROBLEM, method)([0.7])[0]
        for method in (QuasiHyperbolic("0.5", "0.9", "0.01", "0.3"), Adam("0.5", "0.9", "0.01"), RMSprop("0.9", "0.01"))
    ]
    assert values[0] == pytest.approx(0.3 * values[1] + 0.7 * values[2], abs=1e-12)


def quasi_hyperbolic(beta1=0.5, beta2=0.9, eps=0.01, nu=0.7):
    def make(step_size):
        def update(gradient, state, theta):
            n, m, v = state[0] + 1, beta1 * state[1], beta2 * state[2]
            m, v = m + (1 - beta1) * gradient, v + (1 - beta2) * gradient**2
            numerator = nu * m / (1 - beta1**n) + (1 - nu) * gradient
            return theta - step_size * numerator / (np.sqrt(v / (1 - beta2**n)) + eps), (n, m, v)

        return (lambda theta: (0, np.zeros_like(theta), np.zeros_like(theta))), update

    return make


def test_an_optimizer_is_compared_with_one_that_has_a_form():
    found = check_optimizer(update_adapter(quasi_hyperbolic(), WITH_FORM[0]))
    assert found.conforms, found
    assert found.field_test.p_value > 1e-4
    assert not check_optimizer(update_adapter(quasi_hyperbolic(nu=0.7001), WITH_FORM[0])).conforms


def test_one_without_a_form(tmp_path):
    method = Softsign()
    run = simulate(PROBLEM, method, StepSizeSchedule("0.3/n**0.8"), [2.0], 4000, 64, 1)
    # Its field has its zero where the runs end.
    below, above = (monte_carlo(PROBLEM, method, [run.theta.mean() + x], seed=1, steps=4000) for x in (-0.1, 0.1))
    assert below.value[0] - 5 * below.standard_error[0] > 0 > above.value[0] + 5 * above.standard_error[0]
    half = {"steps": 50, "chains": 4, "seed": 1, "checkpoint": tmp_path / "run.npz"}
    simulate(PROBLEM, method, "0.1", [2.0], **half)
    whole = simulate(PROBLEM, method, "0.1", [2.0], **half | {"steps": 90, "resume": True})
    assert (whole.theta == simulate(PROBLEM, method, "0.1", [2.0], 90, 4, 1).theta).all()
    with pytest.raises(InputError, match="another problem, method"):
        simulate(PROBLEM, Softsign(size=0.2), "0.1", [2.0], **half | {"steps": 90, "resume": True})
    with pytest.raises(InputError, match=r"Softsign has no Laplace form.*monte_carlo"):
        AdamField(PROBLEM, method)


def softsign(beta=0.8, size=0.1):
    def make(step_size):
        def update(gradient, m, theta):
            m = beta * m + (1 - beta) * gradient
            return theta - step_size * m / (np.abs(m) + size), m

        return np.zeros_like, update

    return make


def test_an_optimizer_is_compared_with_one_without_a_form():
    found = check_optimizer(update_adapter(softsign(), Softsign()))
    assert found.conforms
    assert found.field_test.p_value > 1e-6
    for fault in ({"beta": 0.8001}, {"size": 0.1001}):
        found = check_optimizer(update_adapter(softsign(**fault), Softsign()))
        assert not found.conforms
        assert "first deviates at step 1" in found.differences[0]
