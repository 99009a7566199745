"""The field by the recursion itself: of methods with a Laplace form beside the quadrature, of others beside sums."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule
from adamsym.dynamics import increment_test
from adamsym.field import monte_carlo
from adamsym.field.simulated import recursion_average
from adamsym.gradients import Independent
from adamsym.methods import Adamax, AdamEpsInsideRoot, AdamW, AMSGrad, Lion, Method, NAdam, RMSprop
from adamsym.testing import strategies

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 0, 0, 9]}))
PLACE = 1.0
WITH_FORM = [
    Adam("0.5", "0.8", "0.1"),
    NAdam("0.5", "0.8", "0.1"),
    RMSprop("0.8", "0.1"),
    AdamW("0.5", "0.8", "0.1", "0.1"),
    AdamEpsInsideRoot("0.5", "0.8", "0.1"),
]


def average(method, steps=4000, chains=64, seed=1):
    """By the method's own steps, also where a faster way is known."""
    rows = SKEWED.row_gradients([PLACE])

    def draw(generator, shape):
        return rows[generator.integers(0, len(rows), shape)]

    return recursion_average(draw, method, np.array([PLACE]), seed, steps, chains)


@pytest.mark.parametrize("method", WITH_FORM, ids=repr)
def test_the_mean_change_of_the_recursion_is_the_field(method):
    found, value = average(method), AdamField(SKEWED, method)([PLACE])
    assert 0 < found.standard_error[0] < 0.005
    assert abs(found.value - value)[0] <= 5 * found.standard_error[0]
    other = AdamField(SKEWED, Adam("0.5", "0.5", "0.1"))([PLACE])
    assert abs(found.value - other)[0] > 5 * found.standard_error[0]


def over_histories(mean_change, lags=9):
    """The mean of a function of histories (n, lags), newest first, of the gradients 1, 1, 1, 1, -8."""
    histories = np.array(list(itertools.product([1.0, -8.0], repeat=lags)))
    chances = np.where(histories > 0, 0.8, 0.2).prod(axis=1)
    return float(chances @ mean_change(histories))


@pytest.mark.parametrize(("beta1", "beta2"), [(0.5, 0.3), (0.2, 0.25), (0.7, 0.1)])
def test_lion_beside_the_sum_over_histories(beta1, beta2):
    weights = np.array([1 - beta1, *(beta1 * (1 - beta2) * beta2 ** np.arange(8))])
    expected = -over_histories(lambda g: np.sign(g @ weights)) - 0.3 * PLACE
    found = monte_carlo(SKEWED, Lion(beta1, beta2, 0.3), [PLACE], seed=2, steps=4000)
    # Histories longer than 9 turn few signs: beta2^9 of all weight is left out.
    assert abs(found.value[0] - expected) <= 5 * found.standard_error[0] + 1e-3
    other = monte_carlo(SKEWED, Lion(beta1, beta2, 0.2), [PLACE], seed=2, steps=4000)
    assert abs(other.value[0] - expected) > 5 * found.standard_error[0] + 1e-3


@pytest.mark.parametrize(("beta1", "beta2"), [(0.2, 0.3), (0.0, 0.2), (0.3, 0.0)])
def test_adamax_beside_the_sum_over_histories(beta1, beta2):
    lags = np.arange(9)
    weights = (1 - beta1) * beta1**lags

    def change(g):
        return -(g @ weights) / (beta2**lags * (np.abs(g) + 0.1)).max(axis=1)

    expected = over_histories(change)
    found = monte_carlo(SKEWED, Adamax(beta1, beta2, 0.1), [PLACE], seed=3, steps=4000)
    assert abs(found.value[0] - expected) <= 5 * found.standard_error[0] + 1e-4
    assert abs(found.value[0] - AdamField(SKEWED, Adam(beta1, max(beta2, 0.1), "0.1"))([PLACE])[0]) > 0.01


def test_several_parameters_and_batches():
    line = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 5]}), batch_size=2)
    found = monte_carlo(line, Lion(0, 0.5, 0), [0.3, -0.7], seed=1, steps=4000)
    gradients, chances = line.gradient_atoms([0.3, -0.7])
    assert (np.abs(found.value + chances @ np.sign(gradients)) <= 5 * found.standard_error).all()


def test_what_never_forgets_has_no_field():
    with pytest.raises(InputError, match="AMSGrad never forgets its past, so that it has no field"):
        monte_carlo(SKEWED, AMSGrad(), [PLACE], seed=0)
    for method in (AMSGrad(), Adamax()):
        with pytest.raises(InputError, match=f"{type(method).__name__} has no Laplace form.*monte_carlo"):
            AdamField(SKEWED, method)


@dataclass(frozen=True)
class Claims(Method):
    """Adamax or AMSGrad with a memory that it only claims."""

    inner: Method
    claimed: float

    @property
    def memory(self):
        return self.claimed

    def initial_state(self, shape):
        return self.inner.initial_state(shape)

    def step(self, state, gradient, theta, n):
        return self.inner.step(state, gradient, theta, n)


def test_a_memory_that_is_only_claimed_is_seen():
    for inner, memory in ((Lion("0.9", "0.99"), 2), (AMSGrad("0.5", "0.9"), 10), (Adamax("0.5", "0.99"), 5)):
        with pytest.raises(InputError, match="Claims remembers more than its memory says"):
            average(Claims(inner, memory), steps=20)
    assert np.isfinite(average(Claims(Adamax("0.5", "0.9"), 10), steps=20).value).all()
    for memory in (0.5, float("nan"), -1, 1e6):
        with pytest.raises(InputError, match="monte_carlo: Claims"):
            average(Claims(Lion(), memory), steps=20)


@settings(max_examples=10, deadline=None)
@given(strategies.points(), st.sampled_from([Lion("0.5", "0.8"), Adamax("0.5", "0.8", "0.1"), AdamW("0.5", "0.8")]))
def test_without_noise_the_average_is_the_step_s_limit(theta, method):
    still = Problem("theta**3/3 + 0*x", ["theta"], Empirical({"x": [1]}))
    g, at = np.array(theta) ** 2, np.array(theta)
    state = method.initial_state((1,))
    for n in range(1, 400):
        state, change = method.step(state, g, at, n)
    found = recursion_average(lambda _, shape: np.broadcast_to(g, (*shape, 1)), method, at, 0, steps=5, chains=2)
    np.testing.assert_allclose(found.value, change, rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(monte_carlo(still, method, theta, 0, 5, 2).value, change, rtol=1e-4, atol=1e-12)
    assert found.standard_error[0] < 1e-9


def test_increments_of_signs_follow_their_field():
    problem, method = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Lion(0, "0.5", 0)

    def field(theta):
        return 1 - 2 * scipy.stats.norm.cdf(theta)

    window = (StepSizeSchedule("0.01"), [1.5], 20, 1.0, 400, 1)
    assert increment_test(problem, method, field, *window).p_value > 1e-4
    assert increment_test(problem, method, lambda theta: -np.tanh(theta), *window).p_value < 1e-6
    with pytest.raises(InputError, match="AMSGrad never forgets its start"):
        increment_test(problem, AMSGrad(), field, *window)
