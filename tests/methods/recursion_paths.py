"""Paths of recursions and of other libraries' optimizers, under the same gradients."""

import numpy as np
import pytest

from adamsym import Empirical, Problem

BOWL = Problem("(a - x)**2/2 + sin(3*b)/10 + (c - x/2)**4 + cosh(a*b/5)", ["a", "b", "c"], Empirical({"x": [3]}))
START, RATE, STEPS = np.array([1.0, -2.0, 0.0]), 1e-2, 200


def path(method, gradient=BOWL.gradient):
    """Parameters after every step of the recursion, with the step size RATE."""
    theta, state, states = START, method.initial_state((3,)), []
    for n in range(1, STEPS + 1):
        state, change = method.step(state, gradient(theta), theta, n)
        theta = theta + RATE * change
        states.append(theta)
    return np.array(states)


def torch_path(make):
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.tensor(START))
    optimizer, states = make(torch.optim, [parameter]), []
    for _ in range(STEPS):
        parameter.grad = torch.tensor(BOWL.gradient(parameter.detach().numpy()))
        optimizer.step()
        states.append(parameter.detach().numpy().copy())
    return np.array(states)


def optax_path(make):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    with jax.enable_x64(True):
        optimizer, theta = make(optax), jax.numpy.asarray(START)
        step = jax.jit(optimizer.update)
        state, states = optimizer.init(theta), []
        for _ in range(STEPS):
            update, state = step(jax.numpy.asarray(BOWL.gradient(theta)), state, theta)
            theta = optax.apply_updates(theta, update)
            states.append(np.asarray(theta))
    return np.array(states)


def assert_entries_apart(method, seed, chains, d):
    """Assert that a step changes each entry of the leading axes as if it were alone, and nothing in place."""
    generator = np.random.default_rng(seed)
    gradients = generator.standard_normal((5, 2, chains, d)) * 10.0 ** generator.integers(-3, 4, (5, 1, chains, 1))
    theta = generator.standard_normal((2, chains, d))
    together, alone = method.initial_state((2, chains, d)), method.initial_state((d,))
    for n, g in enumerate(gradients, start=1):
        kept = [array.copy() for array in (*together, g, theta)]
        given = (*together, g, theta)
        together, changes = method.step(together, g, theta, n)
        alone, change = method.step(alone, g[1, -1], theta[1, -1], n)
        assert changes.shape == g.shape
        np.testing.assert_array_equal(changes[1, -1], change)
        assert all((old == now).all() for old, now in zip(kept, given, strict=True)), "changed in place"
