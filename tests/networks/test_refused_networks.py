"""Modules, functions and data without gradients row by row are refused in one line; near misses are accepted."""

import numpy as np
import pytest

from adamsym import InputError
from adamsym.expressions.errors import NotApplicable
from adamsym.networks import JaxGradients, TorchGradients, torch_source

torch = pytest.importorskip("torch", reason="needs torch")
jax = pytest.importorskip("jax", reason="needs jax")
nn = torch.nn

GENERATOR = np.random.default_rng(0)
ROWS = torch.tensor(GENERATOR.normal(size=(5, 4)))
SERIES = torch.tensor(GENERATOR.normal(size=(5, 3, 4)))
IMAGES = torch.tensor(GENERATOR.normal(size=(5, 1, 6, 6)))
WORDS = torch.tensor(GENERATOR.integers(0, 7, (5, 3)))
TARGETS = torch.tensor(GENERATOR.normal(size=(5, 3)))


def mean_square(output, target):
    return ((output.reshape(-1)[:3] - target) ** 2).mean()


class Calls(nn.Module):
    """A module with layers and a forward pass as a function of them."""

    def __init__(self, function, *layers):
        super().__init__()
        self.layers, self.function = nn.ModuleList(layers), function

    def forward(self, x):
        return self.function(*self.layers, x)


def linear():
    return nn.Linear(4, 3)


def attention(first):
    def forward(layer, x):
        return layer(x, x, x, need_weights=False)[0].mean(1)

    return Calls(forward, nn.MultiheadAttention(4, 2, batch_first=first))


def counting():
    """A layer that counts its calls in a buffer."""
    layer = linear()
    layer.register_buffer("calls", torch.zeros(()))
    return Calls(lambda one, x: one(x) + 0 * one.calls.add_(1), layer)


MODULES = {
    "batch normalization": (
        lambda: nn.Sequential(linear(), nn.BatchNorm1d(3)),
        ROWS,
        "1 is BatchNorm1d, which couples",
    ),
    "batch normalization in evaluation": (
        lambda: nn.Sequential(linear(), nn.BatchNorm1d(3)).eval(),
        ROWS,
        "1 is BatchNorm1d, which couples the rows of a batch; use LayerNorm or GroupNorm",
    ),
    "dropout": (lambda: nn.Sequential(linear(), nn.Dropout()), ROWS, r"1 is Dropout in training.*call module.eval\(\)"),
    "dropout in attention": (
        lambda: nn.TransformerEncoderLayer(4, 2, 5, dropout=0.1, batch_first=True),
        SERIES,
        r"self_attn is MultiheadAttention in training mode, which is random; call module.eval\(\)",
    ),
    "running statistics": (
        lambda: nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
        SERIES,
        "it is InstanceNorm1d with running statistics",
    ),
    "a mean over the batch": (lambda: Calls(lambda f, x: f(x - 1e-6 * x.mean(0)), linear()), ROWS, "other rows"),
    "a softmax over the batch": (lambda: Calls(lambda f, x: f(x).softmax(0), linear()), ROWS, "other rows"),
    "attention over the batch": (lambda: attention(False), SERIES, "other rows of its batch"),
    "noise": (lambda: Calls(lambda f, x: f(x) + torch.randn(3), linear()), ROWS, "two calls give different outputs"),
    "rare noise": (lambda: Calls(lambda f, x: f(x) + (torch.rand(()) < 0), linear()), ROWS, "a layer is random"),
    "noise of NumPy": (lambda: Calls(lambda f, x: f(x) * GENERATOR.random(), linear()), ROWS, "two calls give"),
    "a random slope": (lambda: nn.Sequential(linear(), nn.RReLU()), ROWS, "RReLU in training mode"),
    "a counter": (counting, ROWS, "layers.0.calls changes when it is called"),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(linear()), ROWS, "changes when it is called"),
    "an embedding that renormalizes": (
        lambda: nn.Embedding(7, 3, max_norm=1.0),
        WORDS,
        "it is Embedding with max_norm, which changes the parameters",
    ),
    "a layer without a shape": (lambda: nn.LazyLinear(3), ROWS, "weight has no shape yet; call the module once"),
    "nothing to train": (nn.Tanh, ROWS, "no trained parameter; at least one must have requires_grad"),
    "float32 inside": (lambda: Calls(lambda f, x: f(x).float().double(), linear()), ROWS, "turns float64 into float32"),
    "a tuple": (lambda: Calls(lambda f, x: (f(x), x), linear()), ROWS, "it returns a tuple; wrap it"),
    "no axis of rows": (lambda: Calls(lambda f, x: f(x).sum(0), linear()), ROWS, "first axis must be the rows"),
    "what vmap cannot": (lambda: Calls(lambda f, x: f(x)[0], nn.GRU(4, 3, batch_first=True)), SERIES, "module or row_"),
    "another shape": (linear, SERIES[..., :3], "module or row_loss: RuntimeError: mat1 and mat2"),
}

NEAR_MISSES = {
    "dropout in evaluation": (lambda: nn.Sequential(linear(), nn.Dropout()).eval(), ROWS),
    "dropout of nothing": (lambda: nn.Sequential(linear(), nn.Dropout(0.0)), ROWS),
    "layer normalization": (lambda: nn.Sequential(linear(), nn.LayerNorm(3)), ROWS),
    "group normalization": (lambda: nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.GroupNorm(2, 6)), ROWS),
    "instance normalization": (lambda: nn.InstanceNorm1d(3, affine=True), SERIES),
    "attention": (lambda: attention(True), SERIES),
    "a transformer in evaluation": (
        lambda: nn.TransformerEncoderLayer(4, 2, 5, dropout=0.1, batch_first=True).eval(),
        SERIES,
    ),
    "a convolution": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2)), IMAGES),
    "words": (lambda: nn.Sequential(nn.Embedding(7, 2), nn.Flatten(), nn.Linear(6, 3)), WORDS),
    "weight normalization": (lambda: nn.utils.parametrizations.weight_norm(linear()), ROWS),
    "spectral norm in evaluation": (lambda: nn.utils.parametrizations.spectral_norm(linear()).eval(), ROWS),
}


def centred(layer, x):
    return layer(x - x.mean(0))


def test_a_coupling_is_seen_where_all_rows_are_alike():
    alike = torch.ones(5, 4, dtype=torch.float64)
    for inputs in (alike, alike[:1]):
        with pytest.raises(InputError, match="the output of a row depends on the other rows"):
            TorchGradients(built(lambda: Calls(centred, linear())), mean_square, inputs, TARGETS[: len(inputs)])
        with pytest.raises(InputError, match="the output of a row depends on the other rows"):
            jax_call(apply=lambda p, x: affine(p, x - x.mean(0)), inputs=inputs.numpy(), targets=Y[: len(inputs)])


def built(make):
    torch.manual_seed(0)
    return make().double()


@pytest.mark.parametrize("name", MODULES)
def test_what_has_no_gradients_row_by_row_is_refused(name):
    make, inputs, message = MODULES[name]
    with pytest.raises(InputError, match=message) as caught:
        TorchGradients(built(make), mean_square, inputs, TARGETS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_have_right_gradients_and_products(name):
    """Among them layer and weight normalization, whose second derivatives ``torch.func`` alone gets wrong."""
    make, inputs = NEAR_MISSES[name]
    module = built(make)
    source = TorchGradients(module, mean_square, inputs, TARGETS)
    theta, generator = source.theta, np.random.default_rng(1)
    for k, gradient in enumerate(source.row_gradients(theta)):
        module.zero_grad()
        mean_square(module(inputs[k : k + 1])[0], TARGETS[k]).backward()
        trained = [p for p in module.parameters() if p.requires_grad]
        expected = torch.cat([p.grad.reshape(-1) for p in trained]).numpy()
        np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-12)
    weights, vector = generator.normal(size=(source.dimension, 5)), generator.normal(size=source.dimension)
    shifted = [
        source.row_gradients(theta + h * vector) - source.row_gradients(theta - h * vector) for h in (4e-6, 2e-6)
    ]
    expected = np.einsum("ia,ai->i", weights, (8 * shifted[1] - shifted[0]) / (6 * 2e-6 * 2))
    np.testing.assert_allclose(source.weighted_product(theta, weights, vector), expected, rtol=1e-6, atol=1e-7)


def test_second_derivatives_that_torch_gets_wrong_are_refused(monkeypatch):
    """The control of the comparison with differences."""
    monkeypatch.setattr(torch_source, "twice_differentiable", lambda: torch.enable_grad())
    source = TorchGradients(built(NEAR_MISSES["layer normalization"][0]), mean_square, ROWS, TARGETS)
    with pytest.raises(NotApplicable, match="second derivatives differ from differences"):
        source.weighted_product(source.theta, np.ones((source.dimension, 5)), source.theta)
    source = TorchGradients(built(linear), mean_square, ROWS, TARGETS)
    source.weighted_product(source.theta, np.ones((source.dimension, 5)), source.theta)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_operations_without_second_derivatives_are_refused():
    module = built(lambda: nn.EmbeddingBag(7, 3))
    source = TorchGradients(module, mean_square, WORDS, TARGETS)
    with pytest.raises(NotApplicable, match="TorchGradients: no second derivatives: NotImplementedError"):
        source.weighted_product(source.theta, np.ones((source.dimension, 5)), source.theta)


def torch_call(**changed):
    arguments = {"module": built(linear), "row_loss": mean_square, "inputs": ROWS, "targets": TARGETS} | changed
    return TorchGradients(**arguments)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"module": nn.Linear(4, 3)}, r"weight is float32; fields need float64: call module.double\(\)"),
        ({"module": nn.Linear(4, 3, dtype=torch.float16)}, "weight is float16"),
        ({"module": nn.Linear(4, 3, dtype=torch.complex128)}, "weight is complex"),
        ({"module": "linear"}, "'linear' is not allowed; give a torch.nn.Module"),
        ({"module": nn.Linear(4, 3).double().requires_grad_(False)}, "no trained parameter"),
        ({"inputs": ROWS.float()}, r"inputs: float32 is not allowed.*write inputs.double\(\)"),
        ({"inputs": ROWS.numpy().astype(np.float32)}, "inputs: float32 is not allowed"),
        ({"targets": TARGETS.half()}, "targets: float16 is not allowed"),
        ({"inputs": ROWS.tolist()}, "inputs: a list is not allowed; give a dense tensor or an array"),
        ({"inputs": ROWS.to("meta")}, r"inputs: on meta, but the module is on cpu; write inputs.to\('cpu'\)"),
        ({"targets": TARGETS.to("meta")}, "targets: on meta, but the module is on cpu"),
        ({"targets": TARGETS[:4]}, "targets: 4 rows, but inputs have 5"),
        ({"inputs": ROWS[:0], "targets": TARGETS[:0]}, r"inputs: shape \(0, 4\) is not allowed"),
        ({"row_loss": lambda o, y: (o - y) ** 2}, r"row_loss: it returns shape \(3,\) for one row"),
        ({"row_loss": lambda o, y: 1.0}, "row_loss: it returns 1.0 for one row"),
        ({"row_loss": lambda o, y: ((o - y) ** 2).mean().float()}, "row_loss: it returns torch.float32"),
        ({"row_loss": lambda o, y: o.sum() / 0}, "row_loss: the loss is not finite at data row 0"),
        ({"row_loss": lambda o, y: o.item()}, "module or row_loss: RuntimeError"),
        ({"row_loss": lambda o, y: o.nonsense()}, "module or row_loss: AttributeError: .*nonsense"),
        ({"row_loss": None}, "row_loss: None is not allowed; allowed is a function"),
        ({"regularizer": 0.1}, "regularizer: 0.1 is not allowed; allowed is a function"),
        ({"weights": [1, 2]}, "weights: 2 for 5 rows"),
        ({"weights": [1, 2, 3, 4, -5]}, r"data.weights\[4\]: -5.0 is not allowed"),
        ({"batch_size": 0}, "batch_size: 0 is not allowed"),
        ({"batch_size": 2.5}, "batch_size: 2.5 is not allowed"),
        ({"chunk_rows": 0}, "chunk_rows: 0 is not allowed"),
    ],
)
def test_wrong_arguments_of_a_module(changed, message):
    with pytest.raises(InputError, match=message) as caught:
        torch_call(**changed)
    assert "\n" not in str(caught.value)


class Unregistered(nn.Module):
    """A module one of whose layers torch does not know of, for it stands in a list."""

    def __init__(self):
        super().__init__()
        self.first, self.last = [linear().double()], nn.Linear(3, 3)

    def forward(self, x):
        return self.last(self.first[0](x))


def test_trained_tensors_besides_theta_are_refused():
    """They would be constants: the gradient of a penalty on them would be 0, without a word."""
    module = built(linear)

    def penalty(_=None):
        return sum((w**2).sum() for w in module.parameters())

    for changed in (
        {"module": module, "row_loss": lambda o, y: mean_square(o, y) + penalty()},
        {"module": module, "regularizer": penalty},
        {"module": built(Unregistered)},
    ):
        with pytest.raises(InputError, match="the loss depends on trained tensors besides theta; give a penalty as"):
            torch_call(**changed)
    constant = built(Unregistered)
    constant.first[0].requires_grad_(False)
    assert torch_call(module=constant).dimension == 12


def test_class_weights_that_cancel_are_refused():
    weight, classes = torch.tensor([1.0, 5.0, 0.5], dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])
    functional, plain = nn.functional, torch_call(targets=classes, row_loss=nn.functional.cross_entropy)
    for loss in (
        nn.CrossEntropyLoss(weight),
        lambda o, y: functional.cross_entropy(o, y, weight),
        lambda o, y: functional.nll_loss(functional.log_softmax(o, 0), y, weight=weight),
    ):
        with pytest.raises(InputError, match=r"row_loss: in .* of one row class weights cancel"):
            torch_call(targets=classes, row_loss=loss)
    summed = torch_call(targets=classes, row_loss=nn.CrossEntropyLoss(weight, reduction="sum"))
    expected = plain.row_gradients(plain.theta) * weight[classes].numpy()[:, None]
    np.testing.assert_allclose(summed.row_gradients(plain.theta), expected, rtol=1e-13)
    shares = torch.softmax(TARGETS, 1)
    assert torch_call(targets=shares, row_loss=nn.CrossEntropyLoss(weight)).dimension == 15


def test_data_that_change_later_do_not_change_the_field():
    for make, inputs, targets in ((torch_call, ROWS.clone(), TARGETS.clone()), (jax_call, X.copy(), Y.copy())):
        source = make(inputs=inputs, targets=targets)
        before = source.row_gradients(source.theta)
        inputs *= 2
        targets += 1
        np.testing.assert_array_equal(source.row_gradients(source.theta), before)


def test_a_module_that_is_converted_later_is_refused_in_one_line():
    source = TorchGradients(linear().double(), mean_square, ROWS, TARGETS)
    theta = source.theta
    source._module.float()
    calls = (lambda: source.theta, lambda: source.load(theta), lambda: source.gradient(theta))
    for call in calls:
        with pytest.raises(
            InputError, match=r"module: weight has become torch.float32; call module.double\(\)"
        ) as caught:
            call()
        assert "\n" not in str(caught.value)
    source._module.double()
    source.load(theta)
    assert (source.theta == theta).all()


def test_a_module_that_is_set_to_training_later_is_refused_in_one_line():
    module = built(lambda: nn.Sequential(linear(), nn.Dropout())).eval()
    source = torch_call(module=module)
    module.train()
    for function in (source.row_gradients, source.gradient, source.mean_loss):
        with pytest.raises(InputError, match="module: a layer is random"):
            function(source.theta)


PARAMS = {"w": GENERATOR.normal(size=(4, 3)), "b": np.zeros(3)}
X, Y = ROWS.numpy(), TARGETS.numpy()


def affine(params, x):
    return x @ params["w"] + params["b"]


def jax_call(**changed):
    arguments = {"apply": affine, "params": PARAMS, "row_loss": mean_square, "inputs": X, "targets": Y} | changed
    return JaxGradients(**arguments)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"params": {"w": PARAMS["w"].astype(np.float32)}},
            "params: w is float32; fields need float64.*jax_enable_x64",
        ),
        ({"params": {"w": PARAMS["w"] * 1j}}, "params: w is complex128"),
        ({"params": {"layers": [{"n": np.arange(3)}]}}, r"params: layers.0.n is int64"),
        ({"params": {"w": 0.5}}, "params: w: 0.5 is not allowed; give an array"),
        ({"params": {}}, "params: no numbers; at least one parameter is needed"),
        ({"inputs": X.astype(np.float32)}, "inputs is float32; fields need float64"),
        ({"targets": Y[:4]}, "targets: 4 rows, but inputs have 5"),
        ({"targets": np.float64(1.0)}, r"targets: shape \(\) is not allowed; the first axis must be the rows"),
        ({"apply": None}, "apply: None is not allowed; allowed is a function"),
        ({"apply": lambda p, x: affine(p, x - x.mean(0))}, "the output of a row depends on the other rows"),
        ({"apply": lambda p, x: affine(p, x) * GENERATOR.random()}, "two calls give different outputs"),
        ({"apply": lambda p, x: affine(p, x)[0]}, r"for 5 rows|for 4 rows it returns shape \(3,\)"),
        ({"apply": lambda p, x: (affine(p, x), x)}, "it returns a tuple; let it return one array"),
        ({"apply": lambda p, x: p["w"] @ x}, "apply or row_loss: "),
        ({"apply": lambda p, x: affine(p, x).astype("float32").astype("float64")}, "it computes in float32"),
        ({"row_loss": lambda o, y: (o - y) ** 2}, r"row_loss: it returns shape \(3,\) for one row"),
        ({"row_loss": lambda o, y: o.sum() / 0}, "the loss is not finite at data row 0"),
        ({"row_loss": lambda o, y: float(o.sum())}, "apply or row_loss: ConcretizationTypeError"),
        ({"weights": [1, 2]}, "weights: 2 for 5 rows"),
        ({"batch_size": 0}, "batch_size: 0 is not allowed"),
    ],
)
def test_wrong_arguments_of_a_function(changed, message):
    with pytest.raises(InputError, match=message) as caught:
        jax_call(**changed)
    assert "\n" not in str(caught.value)


def test_the_setting_of_jax_stays_as_it_is():
    assert not jax.config.jax_enable_x64
    source = jax_call()
    assert source.row_gradients(source.theta).dtype == np.float64
    assert not jax.config.jax_enable_x64
    with pytest.raises(InputError, match="params: b is float32"):
        jax_call(params={name: jax.numpy.asarray(value) for name, value in PARAMS.items()})
    with jax.enable_x64(True):
        wide = {name: jax.numpy.asarray(value) for name, value in PARAMS.items()}
    assert (jax_call(params=wide).theta == source.theta).all()


WRONG = [
    None,
    "abc",
    object(),
    [],
    {},
    {"w": 1.0},
    [None],
    [[1.0], [1.0, 2.0]],
    -1,
    2.5,
    np.nan,
    10**400,
    1j,
    True,
    b"abc",
]


@pytest.mark.parametrize("made", [torch_call, jax_call])
def test_wrong_arguments_of_every_function_are_refused_in_one_line(made):
    source = made()
    weights = np.ones((source.dimension, 5))
    whole = {"theta": source.theta, "weights": weights, "vector": source.theta}
    calls = {
        "row_gradients": {"theta": source.theta, "rows": np.zeros((1, 1))},
        "row_jacobians": {"theta": source.theta, "rows": np.zeros((1, 1))},
        "mean_loss": {"theta": source.theta},
        "gradient": {"theta": source.theta},
        "parameters": {"theta": source.theta},
        "weighted_product": whole,
        "weighted_transposed_product": whole,
        "weighted_jacobian": {"theta": source.theta, "weights": weights},
    }
    for name, arguments in calls.items():
        getattr(source, name)(**arguments)
        for place in arguments:
            for wrong in WRONG[place == "rows" :]:
                with pytest.raises(InputError) as caught:
                    getattr(source, name)(**{**arguments, place: wrong})
                assert "\n" not in str(caught.value)
    for place in ("row_loss", "inputs", "targets", "batch_size", "regularizer", "weights", "chunk_rows"):
        for wrong in WRONG[place in ("regularizer", "weights", "chunk_rows") :]:
            with pytest.raises(InputError):
                made(**{place: wrong})
