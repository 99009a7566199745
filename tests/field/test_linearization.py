"""The field's products with vectors: the Jacobian's, the differences', each other's transposes."""

import dataclasses
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tanh_network import TanhNetwork, small_network

from adamsym import Adam, AdamField, AdamW, Empirical, InputError, PerRowGradients, Problem, VectorField
from adamsym.expressions.errors import NotApplicable
from adamsym.field import Linearization
from adamsym.testing import strategies

ADAM = Adam("0.9", "0.99", "0.001")
DECAYING = AdamW("0.9", "0.99", "0.001", "0.3")
GAME = VectorField(["x + y*z + z", "y - 2*x*y + z*sin(x)"], ["x", "y"], Empirical({"z": [-1, 0, 2]}, weights=[1, 2, 1]))


def differences(field, theta, v):
    """Df v by central differences, extrapolated three times in the step."""
    steps = 0.02 / 2.0 ** np.arange(4) / np.linalg.norm(v)
    found = [(field(theta + h * v) - field(theta - h * v)) / (2 * h) for h in steps]
    for k in range(1, 4):
        found = [(4**k * fine - coarse) / (4**k - 1) for coarse, fine in pairwise(found)]
    return found[0]


def transposed_gap(found, u, v):
    """<u, Df v> less <Df^T u, v>, in units of the sum's terms."""
    forward, backward = u * found.jvp(v), found.vjp(u) * v
    return abs(forward.sum() - backward.sum()) / np.abs(forward).sum()


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_products_are_those_with_the_jacobian(data):
    problem = data.draw(strategies.problems())
    field = AdamField(data.draw(st.sampled_from([problem, GAME])), data.draw(st.sampled_from([ADAM, DECAYING])))
    d = field.problem.dimension
    theta = data.draw(st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=d, max_size=d))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    u, v = generator.normal(size=(2, d))
    found, jacobian = field.linearize(theta), field.jacobian(theta)
    assert isinstance(found, Linearization)
    scale = np.abs(jacobian).max()
    np.testing.assert_allclose(found.jvp(v), jacobian @ v, atol=1e-12 * scale)
    np.testing.assert_allclose(found.vjp(u), u @ jacobian, atol=1e-12 * scale)
    np.testing.assert_allclose(found.operator @ np.eye(d), jacobian, atol=1e-12 * scale)
    np.testing.assert_allclose(found.operator.T @ np.eye(d), jacobian.T, atol=1e-12 * scale)
    evaluated = field.evaluate(theta)
    assert (found.value == evaluated.value).all()
    assert (found.error == evaluated.error).all()


@pytest.mark.parametrize(("adam", "batch_size"), [(ADAM, 1), (DECAYING, 1), (ADAM, 2), (DECAYING, 40)])
def test_products_of_a_network_are_the_differences_and_transposes(adam, batch_size):
    network = small_network(batch_size=batch_size)
    assert network.lists_batches() == (batch_size < 40)
    field = AdamField(network, adam)
    generator = np.random.default_rng(5)
    theta, u, v = generator.normal(size=(3, network.dimension)) * 0.7
    found = field.linearize(theta)
    expected = differences(field, theta, v)
    scale = np.abs(expected).max()
    assert np.abs(found.jvp(v) - expected).max() < 1e-9 * scale
    assert transposed_gap(found, u, v) < 1e-12
    assert np.abs(found.value - field(theta)).max() <= 1e-13
    assert (found.error < 1e-9).all()
    # The same with another beta2, or without the decay, is another field.
    nearby = AdamField(network, type(adam)("0.9", "0.991", "0.001")).linearize(theta)
    assert np.abs(nearby.jvp(v) - expected).max() > 1e-4 * scale


def test_a_wrong_transpose_is_seen():
    class Wrong(TanhNetwork):
        def weighted_transposed_product(self, theta, weights, vector, level=0):
            return super().weighted_product(theta, weights, vector, level)

    network = small_network()
    network = Wrong(network.inputs, network.targets, network.hidden)
    u, v, theta = np.random.default_rng(5).normal(size=(3, network.dimension))
    assert transposed_gap(AdamField(network, ADAM).linearize(theta), u, v) > 1e-4


@pytest.mark.parametrize("law", [{"x": "Normal(0, 1)"}, {"x": "Uniform(-1, 2)"}])
@pytest.mark.parametrize("loss", ["(a - x)**2/2 + b**4/4 + a*b*x", "log(1 + (a - x)**2) + b**2*(1 + x**2)"])
def test_continuous_laws(law, loss):
    field = AdamField(Problem(loss, ["a", "b"], law), ADAM)
    theta, v = np.array([0.6, -0.4]), np.array([1.0, -0.5])
    found = field.linearize(theta)
    expected = differences(field, theta, v)
    assert np.abs(found.jvp(v) - expected).max() < 1e-8 * np.abs(expected).max()
    assert (found.jvp(v) == field.jacobian(theta) @ v).all()


def test_memory_stays_below_the_rows_jacobians():
    network = small_network(rows=40, columns=10, hidden=83)
    d = network.dimension
    field = AdamField(network, Adam("0.9", "0.9", "0.01"))
    theta = np.random.default_rng(1).normal(size=d) * 0.3
    tracemalloc.start()
    try:
        found = field.linearize(theta)
        found.vjp(found.jvp(np.ones(d)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 318 MB for the rows' Jacobians, 8 MB for one matrix.
    assert peak < 8e6 * d / 997
    assert (repr(found), d) == (
        f"<Linearization: floating point: 997 parameters; max |f| = {np.abs(found.value).max():.3g}>",
        997,
    )
    assert sorted(found.to_dict()) == ["error", "field", "theta"]


def test_a_linearization_is_not_changed():
    found = AdamField(GAME, ADAM).linearize([0.1, 0.2])
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = np.zeros(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AdamField(GAME, ADAM).linearize([[0.1, 0.2]]), r"theta: shape \(1, 2\) .* one point, shape \(d,\)"),
        (lambda: AdamField(GAME, ADAM).linearize([0.1]), "theta: shape"),
        (lambda: AdamField(GAME, ADAM).linearize([0.1, 0.2]).jvp([1.0]), r"v: shape \(1,\) is not allowed; .*\(2,\)"),
        (lambda: AdamField(GAME, ADAM).linearize([0.1, 0.2]).vjp([1.0, np.inf]), "u: nan or infinity"),
        (lambda: AdamField([[1.0], [2.0]], ADAM).linearize([0.0]), "PerRowGradients has neither"),
        (lambda: AdamField(PerRowGradients(lambda t: [t], ["a"]), ADAM).linearize([0.0]), "products with vectors"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, NotApplicable) == ("has neither" in message or "products" in message)
