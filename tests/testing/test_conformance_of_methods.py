"""Optimizers against methods: the family's recursions are the methods' own steps, and any class can be declared."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import InputError
from adamsym.methods import METHODS, AdaBelief, Adam, Adamax, AdamW, AMSGrad, Lion, NAdam, RAdam, Signum, Yogi
from adamsym.testing import check_optimizer, keras_adapter, optax_adapter, torch_adapter, update_adapter
from adamsym.testing.conformance import field_test as field_test_module
from adamsym.testing.conformance.checking import _known_method
from adamsym.testing.conformance.declarations import OptaxRAdam
from adamsym.testing.conformance.method_map import field_method, recursion_of
from adamsym.testing.conformance.method_steps import MethodSteps, declared_as
from adamsym.testing.conformance.probing import apply_probes

OUTSIDE = ("Lion", "Signum", "AdaBelief", "Adafactor", "ADOPT", "RAdam", "Yogi")
KNOWN = [kind() for name, kind in METHODS.items() if name not in OUTSIDE]
KNOWN += [Adam("0.5", "0.6", "0.1"), NAdam("0.3", "0.7", "1e-3"), AdamW(weight_decay=0), AdamW("0.9", "0.99", 1, 2)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KNOWN), st.integers(0, 10**6), st.sampled_from([1e-3, 0.3]))
def test_the_recursion_of_a_method_makes_its_steps(method, seed, step_size):
    generator = np.random.default_rng(seed)
    gradients = generator.standard_normal((20, 4)) * 10.0 ** generator.integers(-4, 3, (20, 1))
    gradients[:, 0] = 0
    theta = generator.standard_normal(4)
    recursion = recursion_of(method, step_size)
    assert recursion is not None
    expected = MethodSteps(method, step_size).increments(gradients, theta)
    np.testing.assert_allclose(recursion.increments(gradients, theta), expected, rtol=1e-10, atol=1e-15)
    other = replace(recursion, beta1=recursion.beta1 + 0.01, beta2=recursion.beta2 * 0.99)
    assert np.abs(other.increments(gradients, theta) - expected).max() > 1e-6 * step_size


@pytest.mark.parametrize("method", KNOWN, ids=repr)
def test_a_recursion_follows_the_field_of_its_method(method):
    followed = field_method(recursion_of(method))
    assert (followed is None) == (method.laplace is None)
    assert followed is None or followed.laplace == method.laplace


def test_what_is_no_recursion_of_the_family_is_taken_by_its_steps():
    class Other(Adam):
        """A class of its own: what its steps are, only they say."""

    assert recursion_of(Lion()) is recursion_of(Other()) is None
    assert declared_as(Lion(), 0.1) == MethodSteps(Lion(), 0.1)
    assert declared_as(Adam(), 0.1) == recursion_of(Adam(), 0.1)
    assert declared_as(recursion_of(Adam())) == recursion_of(Adam())


# --- optimizers that should be a method -------------------------------------------------------------------------------


def lion(beta1=0.9, beta2=0.99, decay=0.001, early=False, sign=np.sign):
    """Lion in plain NumPy; ``early`` averages m before it is used."""

    def make(step_size):
        def update(gradient, m, theta):
            after = beta2 * m + (1 - beta2) * gradient
            mixed = beta1 * (after if early else m) + (1 - beta1) * gradient
            return theta - step_size * (sign(mixed) + decay * theta), after

        return np.zeros_like, update

    return make


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_optimizer_that_is_the_method_conforms(dtype):
    found = check_optimizer(update_adapter(lion(), Lion(), "lion", dtype))
    assert found.conforms, found
    assert found.identified == found.declared == MethodSteps(Lion())
    assert found.precision == dtype
    if dtype == "float64":
        assert found.field_test.p_value > 1e-4
        assert "follows the field of Lion(beta1=0.9, beta2=0.99, weight_decay=0.001)" in str(found)


FAULTS = {
    "beta1": {"beta1": 0.905},
    "beta2": {"beta2": 0.985},
    "no decay": {"decay": 0.0},
    "another decay": {"decay": 0.0010001},
    "m averaged first": {"early": True},
    "tanh": {"sign": lambda x: np.tanh(1e3 * x)},
    "1 at 0": {"sign": lambda x: np.where(x >= 0, 1.0, -1.0)},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_one_that_is_not_is_told_where_it_departs(fault, monkeypatch):
    monkeypatch.setattr("adamsym.testing.conformance.checking.field_test", lambda *_: None)
    found = check_optimizer(update_adapter(lion(**fault), Lion(), "lion"))
    assert not found.conforms
    assert found.identified is None
    [difference] = found.differences
    assert difference.startswith("its steps should be those of Lion(beta1=0.9, beta2=0.99, weight_decay=0.001), from ")
    assert "it first deviates at step" in difference
    assert "it moves by" in difference


def test_the_step_and_the_place_are_right(monkeypatch):
    monkeypatch.setattr("adamsym.testing.conformance.checking.field_test", lambda *_: None)

    def make(step_size):
        init, update = lion()(step_size)

        def faulty(gradient, state, theta):
            n, m = state
            after, m = update(gradient, m, theta)
            if n == 6 and gradient.shape == (3, 4):
                after[1, 2] += 1e-9
            return after, (n + 1, m)

        return (lambda theta: (0, init(theta))), faulty

    [difference] = check_optimizer(update_adapter(make, Lion())).differences
    assert "first deviates at step 7, coordinate (1, 2) of the matrix of shape (3, 4)" in difference
    assert "only tensors of shape (3, 4) deviate" in difference


def test_a_field_that_is_not_followed_is_seen():
    # The steps right, but the runs' own: drift that sets in after the designed gradients.
    def make(step_size):
        init, update = lion(decay=0.0)(step_size)

        def later(gradient, state, theta):
            n, m = state
            after, m = update(gradient, m, theta)
            return after - (step_size * 0.05 if n > 100 else 0.0), (n + 1, m)

        return (lambda theta: (0, init(theta))), later

    found = check_optimizer(update_adapter(make, Lion(weight_decay=0)))
    assert found.identified is not None
    assert found.field_test.p_value < 1e-6
    assert not found.conforms


def test_a_method_in_place_of_what_the_adapter_declares():
    torch = pytest.importorskip("torch")
    adapter = torch_adapter(torch.optim.Adam, lr=0.01, amsgrad=True)
    assert check_optimizer(adapter, method=AMSGrad()).conforms
    found = check_optimizer(adapter, method=Adam())
    assert not found.conforms
    assert any("amsgrad" in difference for difference in found.differences)
    assert torch_adapter(torch.optim.Adamax, Adamax(), lr=0.01).declared == recursion_of(Adamax(), 0.01)


@pytest.mark.parametrize(
    ("name", "method", "wrong", "dtype"),
    [
        ("lion", Lion(), Lion(weight_decay=0), "float64"),
        pytest.param("adabelief", AdaBelief(), AdaBelief(eps_root=1e-10), "float64", marks=pytest.mark.slow),
        pytest.param("lion", Lion(), Lion(weight_decay=0), "float32", marks=pytest.mark.slow),
        ("adabelief", AdaBelief(), None, "float32"),
    ],
)
def test_methods_of_optax_that_the_family_does_not_hold(name, method, wrong, dtype, monkeypatch):
    optax = pytest.importorskip("optax")
    monkeypatch.setattr("adamsym.testing.conformance.checking.field_test", lambda *_: None)
    adapter = optax_adapter(getattr(optax, name), method, learning_rate=0.01, dtype=dtype)
    found = check_optimizer(adapter)
    assert found.conforms, found
    if wrong is not None:
        assert not check_optimizer(adapter, method=wrong).conforms


def test_a_method_that_never_forgets_has_no_field_to_follow():
    class Mine(AMSGrad):
        pass

    def make(step_size):
        def update(gradient, state, theta):
            n, inner = state
            inner, change = AMSGrad().step(inner, gradient, theta, n)
            return theta + step_size * change, (n + 1, inner)

        return (lambda theta: (1, AMSGrad().initial_state(theta.shape))), update

    found = check_optimizer(update_adapter(make, Mine()))
    assert found.conforms
    assert found.field is None
    assert math.isinf(Mine().memory)


def test_what_is_no_method_is_refused():
    with pytest.raises(InputError, match="declared"):
        update_adapter(lion(), "lion")
    with pytest.raises(InputError, match="method"):
        check_optimizer(update_adapter(lion(), Lion()), method=Lion)
    assert field_test_module.ESTIMATED_CHAINS > 2


def test_a_known_method_is_recognised_by_its_steps(monkeypatch):
    monkeypatch.setattr("adamsym.testing.conformance.checking.field_test", lambda *_: None)

    def made(method):
        def make(step_size):
            def update(gradient, state, theta):
                n, inner = state
                inner, change = method.step(inner, gradient, theta, n)
                return theta + step_size * change, (n + 1, inner)

            return (lambda theta: (1, method.initial_state(theta.shape))), update

        return update_adapter(make, recursion_of(Adam()))

    adapter = made(AdaBelief())
    found = check_optimizer(adapter)
    assert not found.conforms
    assert found.identified == MethodSteps(AdaBelief())
    # All steps count, the last ones too.
    probe = apply_probes(adapter)
    late = probe.observed + np.where(np.arange(len(probe.observed)) == 40, 1e-9, 0.0)[:, None]
    assert _known_method(probe, adapter.declared) == found.identified
    assert _known_method(replace(probe, observed=late), adapter.declared) is None
    assert found.differences == (f"its steps are those of {AdaBelief()!r}",)
    other = check_optimizer(made(AdaBelief(eps_root="1e-12")))
    assert other.identified is None
    assert "its steps are those of" not in str(other)


# --- what the adapters know from the name and the options -------------------------------------------------------------

MEMORIES = {"b1": 0.8, "b2": 0.7}


@pytest.mark.parametrize(
    ("name", "options", "method"),
    [
        ("signum", {"beta": 0.8}, Signum(0.8)),
        *(
            pytest.param(name, options, method, marks=pytest.mark.slow)
            for name, options, method in [
                ("lion", MEMORIES, Lion(0.8, 0.7)),
                ("sign_sgd", {}, Signum(0)),
                ("adabelief", MEMORIES | {"eps": 1e-3}, AdaBelief(0.8, 0.7, 1e-3)),
                ("yogi", MEMORIES, Yogi(0.8, 0.7)),
                ("radam", MEMORIES, OptaxRAdam(0.8, 0.7)),
            ]
        ),
    ],
)
def test_optax_methods_are_known_by_their_names(name, options, method):
    optax = pytest.importorskip("optax", reason="needs optax")
    adapter = optax_adapter(getattr(optax, name), learning_rate=0.01, **options)
    assert adapter.declared == MethodSteps(method, 0.01)
    assert check_optimizer(adapter).conforms
    # Control: as another method of the same numbers.
    wrong = Signum(0.8) if name != "signum" else Lion(0.8, 0.7)
    assert name == "sign_sgd" or not check_optimizer(adapter, method=wrong).conforms


def test_options_that_change_a_method_are_refused():
    optax = pytest.importorskip("optax", reason="needs optax")
    torch = pytest.importorskip("torch", reason="needs torch")
    for function, options in (
        (optax.lion, {"mu_dtype": "float32"}),
        (optax.adabelief, {"nesterov": True}),
        (optax.radam, {"threshold": 4.0}),
        (optax.radam, {"eps_root": 1e-3}),
        (optax.contrib.adopt, {"use_clipping": False}),
        (optax.signum, {"accumulator_dtype": "float32"}),
    ):
        with pytest.raises(InputError, match=r"optax_adapter: \w+ with \w+=.* is not known here"):
            optax_adapter(function, **options)
    for options in ({"weight_decay": 0.1}, {"maximize": True}):
        with pytest.raises(InputError, match=r"torch_adapter: RAdam with \w+=.* is not known here"):
            torch_adapter(torch.optim.RAdam, **options)


def test_radam_of_torch_and_a_class_that_only_bears_its_name():
    torch = pytest.importorskip("torch", reason="needs torch")
    right = torch_adapter(torch.optim.RAdam, betas=(0.8, 0.7), decoupled_weight_decay=True)
    assert right.declared == MethodSteps(RAdam(0.8, 0.7))
    assert check_optimizer(right).conforms

    class Rectified(torch.optim.Adam):
        pass

    Rectified.__name__ = "RAdam"
    wrong = torch_adapter(Rectified, betas=(0.8, 0.7))
    assert wrong.declared == MethodSteps(RAdam(0.8, 0.7))
    assert not check_optimizer(wrong).conforms


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_lion_of_keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs keras")
    adapter = keras_adapter(keras.optimizers.Lion, beta_1=0.8, beta_2=0.7, weight_decay=0.1)
    assert adapter.declared == MethodSteps(Lion(0.8, 0.7, 0.1))
    assert check_optimizer(adapter).conforms
    with pytest.raises(InputError, match=r"Lion with clipnorm=1\.0 is not known here"):
        keras_adapter(keras.optimizers.Lion, clipnorm=1.0)
