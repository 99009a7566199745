"""Chains against torch, to the last bit, and against optax, to rounding: over 1,000 steps, or 10,000 in the long run.

torch takes square roots from Intel's MKL, which rounds one of seventy to the wrong neighbour (torch 2.13.0). Agreement
to the last bit is therefore with a torch whose square root is that of IEEE 754; all else in it is its own. The torch
that is delivered agrees to rounding.
"""

import copy

import numpy as np
import plain_chains
import pytest

from adamsym.dynamics import simulate
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamW, RMSprop, StepSizeSchedule

FEW, MANY = 1000, 10_000
RATE = 1e-3


def regression(size):
    """Least squares in each coordinate by itself, and its gradient in the same order of operations."""
    data = np.random.default_rng(size).normal(size=(50, 2 * size)).round(3)
    loss = " + ".join(f"(w{k}*x{k} - y{k})**2/2" for k in range(size))
    columns = {f"x{k}": data[:, k].tolist() for k in range(size)}
    columns |= {f"y{k}": data[:, size + k].tolist() for k in range(size)}
    x, y = data[:, :size], data[:, size:]
    return Problem(loss, {"w": size}, Empirical(columns)), lambda theta, row: x[row] * (theta * x[row] - y[row])


def torch_path(size, make, steps):
    """Parameters after every hundredth step of chain 0."""
    torch = pytest.importorskip("torch")
    _, gradient = regression(size)
    parameter = torch.nn.Parameter(torch.zeros(size, dtype=torch.float64))
    optimizer, path = make(torch.optim, [parameter]), []
    for step, row in enumerate(plain_chains.rows_of_chain(1, 0, steps, 50), start=1):
        parameter.grad = torch.from_numpy(gradient(parameter.detach().numpy(), row))
        optimizer.step()
        if step % 100 == 0:
            path.append(parameter.detach().numpy().copy())
    return np.array(path)


def ours(size, method, steps, chains=1):
    problem, _ = regression(size)
    schedule, start = StepSizeSchedule(RATE), np.zeros(size)
    return simulate(problem, method, schedule, start, steps, chains, seed=1, record_every=100).recorded[:, 0]


TORCH = {
    "Adam": (Adam(), lambda o, p: o.Adam(p, RATE, foreach=False)),
    "Adam, little momentum": (Adam("0.4", "0.9"), lambda o, p: o.Adam(p, RATE, (0.4, 0.9), foreach=False)),
    "AdamW": (AdamW(weight_decay="0.1"), lambda o, p: o.AdamW(p, RATE, weight_decay=0.1, foreach=False)),
    "RMSprop": (RMSprop(), lambda o, p: o.RMSprop(p, RATE, foreach=False)),
}


SIZES = {"Adam": 2, "Adam, little momentum": 1, "AdamW": 10, "RMSprop": 1}
CASES = [
    pytest.param(*TORCH[name], size, MANY, id=f"{name}-{size}-long", marks=pytest.mark.slow)
    for name in TORCH
    for size in (1, 2, 10)
] + [pytest.param(*TORCH[name], SIZES[name], FEW, id=f"{name}-{SIZES[name]}") for name in TORCH]


@pytest.mark.parametrize(("method", "make", "size", "steps"), CASES)
def test_every_bit_of_torch_but_its_square_root(method, make, size, steps, monkeypatch):
    torch = pytest.importorskip("torch")
    delivered = torch_path(size, make, steps)
    monkeypatch.setattr(torch.Tensor, "sqrt", lambda tensor: torch.from_numpy(np.sqrt(tensor.numpy())))
    theirs = torch_path(size, make, steps)
    np.testing.assert_array_equal(ours(size, method, steps), theirs)
    # In blocks of other sizes too.
    np.testing.assert_array_equal(ours(size, method, steps, chains=100), theirs)
    np.testing.assert_allclose(ours(size, method, steps), delivered, rtol=0, atol=1e-14)
    # Control: the decay of the squares off by one unit in the last place.
    near = copy.copy(method)
    object.__setattr__(near, "beta2", np.nextafter(method.beta2, 1))
    assert (ours(size, near, steps) != theirs).any()


@pytest.mark.parametrize(
    ("size", "steps"), [(10, FEW), *(pytest.param(k, MANY, marks=pytest.mark.slow) for k in (1, 10))]
)
def test_optax_to_rounding(size, steps, wide_jax):
    jax, optax = wide_jax, pytest.importorskip("optax")
    problem, _ = regression(size)
    optimizer = optax.adam(RATE)
    x, y = (jax.numpy.asarray(problem.law.rows[:, part]) for part in (slice(size), slice(size, None)))

    def step(carry, row):
        theta, state = carry
        update, state = optimizer.update(x[row] * (theta * x[row] - y[row]), state)
        theta = optax.apply_updates(theta, update)
        return (theta, state), theta

    start = jax.numpy.zeros(size)
    rows = jax.numpy.asarray(plain_chains.rows_of_chain(1, 0, steps, 50))
    theirs = np.asarray(jax.jit(jax.lax.scan, static_argnums=0)(step, (start, optimizer.init(start)), rows)[1])[99::100]
    np.testing.assert_allclose(ours(size, Adam(), steps), theirs, rtol=0, atol=1e-12)
    assert np.abs(ours(size, Adam(beta2="0.9990001"), steps) - theirs).max() > 1e-10
