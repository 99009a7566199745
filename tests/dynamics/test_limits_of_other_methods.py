"""Where long runs of torch's and optax's own optimizers settle, beside the zeros of their methods' fields."""

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from adamsym import Adam, AdamField, Empirical, Problem
from adamsym.field import long_run_field, monte_carlo
from adamsym.methods import AdaBelief, Adamax, AMSGrad, Lion, Signum

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
BETA1, BETA2 = 0.5, 0.8
LEVEL = 1e-6
"""Chance that a prediction that is true is rejected."""

STEP = 0.02


def zero_by_simulation(method, steps):
    """The zero of the field by Monte Carlo, all points with the same draws, and its standard error."""

    def field(theta):
        return monte_carlo(SKEWED, method, [theta], seed=1, steps=steps, chains=64)

    def value(theta):
        return float(field(theta).value[0])

    zero = scipy.optimize.brentq(value, 0.2, 1.5, xtol=1e-4)
    slope = (value(zero + 0.05) - value(zero - 0.05)) / 0.1
    return zero, float(field(zero).standard_error[0]) / abs(slope)


def torch_run(make):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)

    def start(theta, step):
        parameter = torch.nn.Parameter(torch.tensor(theta))
        optimizer = make(torch.optim, [parameter], step)

        def advance(gradient):
            parameter.grad = torch.from_numpy(gradient)
            optimizer.step()
            return parameter.detach().numpy()

        return advance

    return start


def optax_run(make):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")

    def start(theta, step):
        optimizer = make(optax, step)
        state = [jax.numpy.asarray(theta), optimizer.init(jax.numpy.asarray(theta))]

        @jax.jit
        def move(gradient, theta, state):
            update, state = optimizer.update(gradient, state, theta)
            return optax.apply_updates(theta, update), state

        def advance(gradient):
            state[:] = move(gradient, *state)
            return np.asarray(state[0])

        return advance

    return start


def settled(start, step, steps, seed, chains):
    """The mean place of independent chains, one a coordinate, after the first third of the steps; its error."""
    generator, data = np.random.default_rng(seed), np.array([0.0, 0.0, 3.0])
    theta = np.full(chains, 1.0)
    advance, total = start(theta, step), np.zeros(chains)
    for n in range(steps):
        theta = np.array(advance(theta - data[generator.integers(0, 3, chains)]))
        total += theta * (n >= steps // 3)
    means = total / (steps - steps // 3)
    return means.mean(), means.std(ddof=1) / math.sqrt(chains)


def place_of(start, steps, chains=512):
    """Where runs settle, extrapolated to vanishing steps, and its standard error."""
    long, short = settled(start, STEP, steps, 2, chains), settled(start, STEP / 2, 2 * steps, 3, chains)
    return 2 * short[0] - long[0], math.hypot(2 * short[1], long[1])


def rejects(place, zero, uncertain=0.0):
    """Whether Student's test at LEVEL rejects that runs settle at the zero, that is known up to a standard error."""
    error = math.hypot(place[1], uncertain)
    assert error < 0.02
    return 2 * scipy.stats.t.sf(abs(place[0] - zero) / error, 63) < LEVEL


def zero_of(method):
    field = AdamField(SKEWED, method)
    return scipy.optimize.brentq(lambda theta: field([theta])[0], 0.2, 1.5)


def adam_zero():
    return zero_of(Adam(BETA1, BETA2, 1e-8))


def torch_adam(**options):
    return torch_run(lambda o, p, step: o.Adam(p, step, BETAS, foreach=False, **options))


BETAS = (BETA1, BETA2)
RUNS = {
    "Adamax": (Adamax(*BETAS, 1e-8), torch_run, lambda o, p, step: o.Adamax(p, step, BETAS, foreach=False), 512),
    "AdaBelief": (AdaBelief(*BETAS), optax_run, lambda o, step: o.adabelief(step, *BETAS), 4096),
}


@pytest.mark.parametrize(
    ("name", "steps"),
    [("Adamax", 900), ("AdaBelief", 900), *(pytest.param(name, 5000, marks=pytest.mark.slow) for name in RUNS)],
)
def test_runs_settle_at_the_zero_of_the_simulated_field_and_not_at_adam_s(name, steps):
    method, run, make, chains = RUNS[name]
    import jax

    with jax.enable_x64(True):
        zero, uncertain = zero_by_simulation(method, 4 * steps)
        place = place_of(run(make), steps, chains)
    assert not rejects(place, zero, uncertain)
    assert rejects(place, adam_zero())


@pytest.mark.parametrize("steps", [900, pytest.param(5000, marks=pytest.mark.slow)])
def test_runs_of_amsgrad_settle_at_the_mean_and_those_of_adam_do_not(steps):
    [value] = long_run_field(SKEWED, AMSGrad(*BETAS), [1.0]).value
    assert value == 0
    settling, adam = (place_of(torch_adam(amsgrad=largest), steps) for largest in (True, False))
    assert not rejects(settling, 1.0)
    assert rejects(settling, adam_zero())
    assert rejects(adam, 1.0)
    assert not rejects(adam, adam_zero())


# Of shorter memory the laws of the sums are so rough that the bias of a step has no expansion.
SIGNS = {
    "Signum": (Signum("0.8"), lambda o, step: o.signum(step, 0.8)),
    "Lion": (Lion("0.8", "0.9", 0), lambda o, step: o.lion(step, 0.8, 0.9, weight_decay=0.0)),
}


@pytest.mark.parametrize("steps", [900, pytest.param(9000, marks=pytest.mark.slow)])
def test_runs_of_sign_methods_settle_at_their_zeros_and_not_at_one_another_s(steps):
    import jax

    zeros = {name: zero_of(method) for name, (method, _) in SIGNS.items()}
    with jax.enable_x64(True):
        places = {name: place_of(optax_run(make), steps, 4096) for name, (_, make) in SIGNS.items()}
    for name, place in places.items():
        assert [other for other, zero in zeros.items() if not rejects(place, zero)] == [name]
        assert rejects(place, adam_zero())
        assert rejects(place, 1.0)
