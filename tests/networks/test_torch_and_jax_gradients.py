"""Networks of PyTorch and JAX as sources: against plain loops of autograd, differences, one another and expressions."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, simulate
from adamsym.expressions.errors import NotApplicable
from adamsym.networks import JaxGradients, NetworkGradients, TorchGradients

torch = pytest.importorskip("torch", reason="needs torch")
jax = pytest.importorskip("jax", reason="needs jax")

ADAM = Adam("0.9", "0.99", "0.001")
ACTIVATIONS = {"tanh": torch.nn.Tanh, "silu": torch.nn.SiLU}


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


@settings(max_examples=4, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=3),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(1, 6),
    st.integers(0, 99),
)
def test_gradients_and_products_are_the_derivatives(widths, name, rows, seed):
    module, (inputs, targets) = module_of(widths, ACTIVATIONS[name], seed), data_of(widths, rows, seed)
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


def assert_same(one, other, theta, seed):
    """Two sources of one loss agree in all that they compute."""
    rows = len(one.law.rows)
    generator = np.random.default_rng(seed)
    weights, v = generator.normal(size=(len(theta), rows)), generator.normal(size=len(theta))
    for found in (
        lambda source: source.row_gradients(theta),
        lambda source: source.gradient(theta),
        lambda source: source.mean_loss([theta, 2 * theta]),
        lambda source: source.weighted_product(theta, weights, v),
        lambda source: source.weighted_transposed_product(theta, weights, v),
    ):
        np.testing.assert_allclose(found(one), found(other), rtol=1e-13, atol=1e-13)


def tanh_problem(inputs, targets, batch_size):
    """The network tanh 1-2-1 as an expression; its parameters in the order of a module's."""
    columns = {"x": inputs[:, 0].tolist(), "y": targets[:, 0].tolist()}
    loss = "(c0*tanh(a0*x + b0) + c1*tanh(a1*x + b1) + e - y)**2/2"
    return Problem(loss, ["a0", "a1", "b0", "b1", "c0", "c1", "e"], Empirical(columns), batch_size)


@settings(max_examples=1, deadline=None)
@given(st.integers(0, 99))
def test_torch_jax_and_expressions_agree(seed):
    module, (inputs, targets) = module_of([1, 2, 1], seed=seed), data_of([1, 1], 2, seed)
    one = TorchGradients(module, half_square, inputs, targets, 3)
    other = JaxGradients(*in_jax(module, jax.numpy.tanh), half_square, inputs, targets, 3)
    problem, theta = tanh_problem(inputs, targets, 3), one.theta
    assert (other.theta == theta).all()
    assert_same(one, other, theta, seed)
    assert_same(one, problem, theta, seed)
    assert not jax.config.jax_enable_x64
    np.testing.assert_allclose(AdamField(one, ADAM)(theta), AdamField(problem, ADAM)(theta), rtol=0, atol=1e-13)
    chains = (ADAM, StepSizeSchedule("0.1/n**0.7"), theta, 10, 3, 0)
    np.testing.assert_allclose(simulate(one, *chains).theta, simulate(problem, *chains).theta, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("widths", [[3, 4, 2], [2, 5, 3, 1]])
def test_torch_and_jax_agree_on_larger_networks(widths):
    module, (inputs, targets) = module_of(widths), data_of(widths, 7)
    one = TorchGradients(module, half_square, inputs, targets, chunk_rows=3)
    other = JaxGradients(*in_jax(module, jax.numpy.tanh), half_square, inputs, targets)
    assert_same(one, other, one.theta, 0)
    np.testing.assert_allclose(one.row_jacobians(one.theta), other.row_jacobians(one.theta), rtol=1e-12, atol=1e-13)


def test_the_wrong_activation_is_seen():
    """The control of the comparison."""
    module, (inputs, targets) = module_of([1, 2, 1]), data_of([1, 1], 2)
    one = TorchGradients(module, half_square, inputs, targets)
    other = tanh_problem(inputs, targets * (1 + 1e-11), 1)
    with pytest.raises(AssertionError):
        assert_same(one, other, one.theta, 0)


# --- parameters -------------------------------------------------------------------------------------------------------


class Tied(torch.nn.Module):
    """Two layers that share their weight, beside a frozen one and a number."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, bias=False)])
        self.layers[1].weight = self.layers[0].weight
        self.frozen = torch.nn.Linear(2, 1).requires_grad_(False)
        self.scale = torch.nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.scale * self.frozen(torch.tanh(self.layers[1](torch.tanh(self.layers[0](x)))))


def tied(**options):
    torch.manual_seed(1)
    inputs, targets = data_of([2, 1], 4)
    module = Tied().double()
    return module, TorchGradients(module, half_square, inputs, targets, **options), inputs, targets


def test_shared_parameters_are_there_once_and_frozen_ones_are_constants():
    module, source, inputs, targets = tied()
    assert source.names == (
        "scale",
        *(f"layers.0.weight[{i},{j}]" for i in range(2) for j in range(2)),
        "layers.0.bias[0]",
        "layers.0.bias[1]",
    )
    assert source.dimension == 7
    expected = by_loops(module, half_square, inputs, targets)
    np.testing.assert_allclose(source.row_gradients(source.theta), expected, rtol=1e-13)
    v = np.random.default_rng(2).normal(size=7)
    weights = np.ones((7, 4)) / 4
    expected = difference(source.gradient, source.theta, v)
    np.testing.assert_allclose(source.weighted_product(source.theta, weights, v), expected, rtol=1e-8)


def test_parameters_from_and_to_the_module():
    module, source, _, _ = tied()
    theta, frozen = np.arange(7.0), module.frozen.weight.clone()
    assert (source.parameters(theta)["layers.0.weight"].numpy() == [[1, 2], [3, 4]]).all()
    before = source.mean_loss(theta)
    source.load(theta)
    assert (source.theta == theta).all()
    assert module.layers[1].weight is module.layers[0].weight
    assert module.layers[1].weight.tolist() == [[1, 2], [3, 4]]
    assert module.scale.requires_grad
    assert (module.frozen.weight == frozen).all()
    assert source.mean_loss(source.theta) == before
    for wrong in (np.zeros(6), np.zeros((2, 7))):
        with pytest.raises(InputError, match="theta: shape"):
            source.load(wrong)


def test_a_pytree_of_jax_has_names_and_comes_back():
    params = {"layers": [{"w": np.ones((1, 2)), "b": np.zeros(2)}], "scale": np.array(2.0)}

    def apply(params, x):
        return params["scale"] * (x @ params["layers"][0]["w"] + params["layers"][0]["b"])

    source = JaxGradients(apply, params, half_square, np.ones((1, 1)), np.ones((1, 2)))
    assert source.names == ("layers.0.b[0]", "layers.0.b[1]", "layers.0.w[0,0]", "layers.0.w[0,1]", "scale")
    found = source.parameters(source.theta)
    assert found["scale"] == 2.0
    assert (found["layers"][0]["w"] == 1.0).all()


def test_regularizers_and_weights():
    plain, weights = tied()[1], [1, 2, 3, 2]
    options = {"weights": weights, "chunk_rows": 3}
    _, source, _, _ = tied(regularizer=lambda p: 0.1 * sum((w**2).sum() for w in p.values()), **options)
    theta = source.theta
    expected = plain.row_gradients(theta) + 0.2 * theta
    np.testing.assert_allclose(source.row_gradients(theta), expected, rtol=1e-13)
    shares = np.array(weights) / 8
    np.testing.assert_allclose(source.gradient(theta), shares @ expected, rtol=1e-13)
    hessian = source.weighted_jacobian(theta, np.tile(shares, (7, 1)))
    differences = np.stack([difference(source.gradient, theta, v) for v in np.eye(7)], axis=1)
    np.testing.assert_allclose(hessian, differences, atol=1e-9)


def test_a_jacobian_of_few_parameters_does_not_cost_a_call_for_each(monkeypatch):
    module, source, _, _ = tied()
    weights, calls = np.random.default_rng(1).normal(size=(7, 4)), []
    by_columns = np.stack([source.weighted_product(source.theta, weights, v) for v in np.eye(7)], axis=1)
    np.testing.assert_allclose(tied(chunk_rows=3)[1].weighted_jacobian(source.theta, weights), by_columns, atol=1e-14)
    source.weighted_jacobian(source.theta, weights)
    module.register_forward_hook(lambda *given: calls.append(1))
    found = source.weighted_jacobian(source.theta, weights)
    assert len(calls) == 1
    np.testing.assert_allclose(found, by_columns, rtol=1e-12, atol=1e-14)
    # Control: what disagrees with a product of the library is not taken, and no longer tried.
    doubtful, right = tied()[1], torch.func.jacrev
    with monkeypatch.context() as wrong:
        wrong.setattr(torch.func, "jacrev", lambda one: lambda *given: 1.001 * right(one)(*given))
        np.testing.assert_array_equal(doubtful.weighted_jacobian(source.theta, weights), by_columns)
    np.testing.assert_array_equal(doubtful.weighted_jacobian(source.theta, weights), by_columns)


# --- rows, chunks, memory ---------------------------------------------------------------------------------------------


def test_rows_by_number_and_many_points():
    source = tied(chunk_rows=3)[1]
    points = source.theta + np.arange(2)[:, None, None] + np.zeros((2, 3, 1))
    every = source.row_gradients(points)
    assert every.shape == (2, 3, 4, 7)
    for rows in ([[3.0], [0.0]], [[2.0]]):
        found = source.row_gradients(points, np.array(rows))
        np.testing.assert_allclose(found, every[..., np.array(rows, int)[:, 0], :], rtol=1e-13)
    jacobians = source.row_jacobians(source.theta, np.array([[3.0], [0.0]]))
    np.testing.assert_allclose(jacobians, source.row_jacobians(source.theta)[[3, 0]], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(jacobians, jacobians.swapaxes(1, 2), rtol=1e-11, atol=1e-13)
    for wrong in ([[4.0]], [[-1.0]], [[0.5]]):
        with pytest.raises(InputError, match="rows: allowed are the numbers of rows, 0 to 3"):
            source.row_gradients(source.theta, np.array(wrong))


def test_a_row_that_is_not_finite_is_named():
    module, (inputs, targets) = module_of([1, 1]), data_of([1, 1], 5)
    targets[3] = np.inf
    source = TorchGradients(module, half_square, inputs, targets)
    for call in (source.row_gradients, source.mean_loss):
        with pytest.raises(InputError, match="not finite at data row 3"):
            call(source.theta)
    with pytest.raises(InputError, match="the gradient of the mean loss is not finite"):
        source.gradient(source.theta)


def test_many_rows_and_parameters_take_bounded_memory():
    wide = torch.nn.Linear(100_000, 1).double()
    inputs = torch.zeros(1000, 1, dtype=torch.float64).expand(1000, 100_000)
    source = TorchGradients(wide, half_square, inputs, np.ones((1000, 1)))
    assert source.chunk_rows * source.dimension < 2**22
    assert (len(source.names), source.names[99_999]) == (100_001, "weight[0,99999]")
    with pytest.raises(NotApplicable, match=r"Jacobians of 1e\+13 numbers are too large"):
        source.row_jacobians(source.theta)
    with pytest.raises(NotApplicable, match="use weighted_product"):
        source.weighted_jacobian(source.theta, np.empty((0, 1000)))
    rows = TorchGradients(torch.nn.Linear(1, 1).double(), half_square, np.ones((60_000, 1)), np.zeros((60_000, 1)))
    assert len(rows.law.rows) == 60_000


def test_fields_of_networks_have_linearizations():
    source = tied(batch_size=2)[1]
    field, theta = AdamField(source, ADAM), source.theta
    linear = field.linearize(theta)
    v = np.random.default_rng(3).normal(size=7)
    expected = difference(field, theta, v / 10) * 10
    np.testing.assert_allclose(linear.jvp(v), expected, atol=1e-7 * np.abs(expected).max())
    np.testing.assert_allclose(linear.vjp(v), v @ field.jacobian(theta), rtol=1e-9, atol=1e-12)


def test_what_a_forward_pass_makes_counts():
    """A convolution has few parameters, and makes much of a small image."""
    image = np.ones((200, 1, 16, 16))
    for channels, rows in ((1, 200), (512, 16)):
        convolution = torch.nn.Sequential(torch.nn.Conv2d(1, channels, 3, padding=1), torch.nn.Flatten()).double()
        source = TorchGradients(convolution, lambda output, _: output.mean(), image, np.ones(200))
        assert rows / 2 <= source.chunk_rows <= rows

    def widened(params, x):
        return (params * jax.numpy.ones(131_072) * x).mean(1)

    source = JaxGradients(widened, np.ones(1), half_square, image[:, 0, 0, :1], np.ones(200))
    assert 4 <= source.chunk_rows <= 32


def test_without_the_libraries_their_sources_say_what_to_install(monkeypatch):
    for name, call in (("torch", TorchGradients), ("jax", lambda *given: JaxGradients(*given, None))):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(InputError, match=f"{name}: not installed; install adamsym.{name}."):
            call(None, None, None, None)
