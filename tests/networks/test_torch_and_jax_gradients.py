"""Networks of PyTorch and JAX as sources: against plain loops of autograd, differences, one another and expressions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.networks import JaxGradients, NetworkGradients, TorchGradients

torch = pytest.importorskip("torch", reason="needs torch")
jax = pytest.importorskip("jax", reason="needs jax")

ACTIVATIONS = {"tanh": (torch.nn.Tanh, np.tanh), "silu": (torch.nn.SiLU, lambda x: x / (1 + np.exp(-x)))}


def half_square(output, target):
    return ((output - target) ** 2).sum() / 2


def module_of(widths, activation=torch.nn.Tanh, seed=0):
    torch.manual_seed(seed)
    layers = [layer for a, b in itertools.pairwise(widths) for layer in (torch.nn.Linear(a, b), activation())]
    return torch.nn.Sequential(*layers[:-1]).double()


def data_of(widths, rows, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, widths[0])), generator.normal(size=(rows, widths[-1]))


def in_jax(module, activation):
    """The same network, its weights in the order of the module's, as a function and its parameters."""
    names = [name for name, _ in module.named_parameters()]

    def apply(params, x):
        for k in range(0, len(params), 2):
            x = x @ params[k].T + params[k + 1]
            x = activation(x) if k + 2 < len(params) else x
        return x

    return apply, [module.get_parameter(name).detach().numpy() for name in names]


def by_loops(module, row_loss, inputs, targets):
    """Gradients of rows, one call of ``backward`` each."""
    found = []
    for x, y in zip(torch.tensor(inputs), torch.tensor(targets), strict=True):
        parameters = [p for p in module.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(row_loss(module(x[None])[0], y), parameters)
        found.append(np.concatenate([g.numpy().ravel() for g in gradients]))
    return np.array(found)


def difference(function, theta, vector):
    """The derivative along a vector by central differences, extrapolated to step 0."""
    first, second, third = (
        (function(theta + h * vector) - function(theta - h * vector)) / (2 * h) for h in (0.02, 0.01, 0.005)
    )
    return (64 * third - 20 * second + first) / 45


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=3),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(1, 6),
    st.integers(0, 99),
)
def test_gradients_and_products_are_the_derivatives(widths, name, rows, seed):
    layer, _ = ACTIVATIONS[name]
    module, (inputs, targets) = module_of(widths, layer, seed), data_of(widths, rows, seed)
    source = TorchGradients(module, half_square, inputs, targets, 1, chunk_rows=2)
    assert isinstance(source, NetworkGradients)
    theta, generator = source.theta, np.random.default_rng(seed)
    gradients = source.row_gradients(theta)
    np.testing.assert_allclose(gradients, by_loops(module, half_square, inputs, targets), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(source.gradient(theta), gradients.mean(axis=0), rtol=1e-13, atol=1e-14)
    u, v = generator.normal(size=(2, source.dimension))
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    assert difference(source.mean_loss, theta, v) == pytest.approx(source.gradient(theta) @ v, abs=1e-9)
    weights = generator.normal(size=(source.dimension, rows))
    product = source.weighted_product(theta, weights, v)
    transposed = source.weighted_transposed_product(theta, weights, u)
    expected = np.einsum("ia,ai->i", weights, difference(source.row_gradients, theta, v))
    size = 1 + np.abs(product).max()
    assert np.abs(product - expected).max() < 1e-9 * size
    assert abs(u @ product - transposed @ v) < 1e-12 * size


@settings(max_examples=3, deadline=None)
@given(st.sampled_from([[1, 2, 1], [3, 4, 2]]), st.sampled_from(["tanh"]), st.integers(0, 99))
def test_torch_and_jax_agree(widths, name, seed):
    layer, _ = ACTIVATIONS[name]
    module, (inputs, targets) = module_of(widths, layer, seed), data_of(widths, 5, seed)
    one = TorchGradients(module, half_square, inputs, targets, 4)
    other = JaxGradients(*in_jax(module, jax.numpy.tanh), half_square, inputs, targets, 4)
    theta = one.theta
    assert (other.theta == theta).all()
    generator = np.random.default_rng(seed)
    weights, v = generator.normal(size=(len(theta), 5)), generator.normal(size=len(theta))
    for found in (
        lambda source: source.row_gradients(theta),
        lambda source: source.gradient(theta),
        lambda source: source.mean_loss([theta, 2 * theta]),
        lambda source: source.weighted_product(theta, weights, v),
        lambda source: source.weighted_transposed_product(theta, weights, v),
    ):
        np.testing.assert_allclose(found(one), found(other), rtol=1e-13, atol=1e-13)
    assert not jax.config.jax_enable_x64
