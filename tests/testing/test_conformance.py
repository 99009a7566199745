"""The conformance check names every fault, and passes what is right."""

import functools
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from plain_optimizers import FAULTS, plain_adamw

from adamsym import InputError
from adamsym.testing import strategies
from adamsym.testing.conformance import (
    Adapter,
    Recursion,
    check_optimizer,
    keras_adapter,
    optax_adapter,
    torch_adapter,
    update_adapter,
)
from adamsym.testing.conformance.identification import identify
from adamsym.testing.conformance.probing import play
from adamsym.testing.conformance.recursion import CHOICES

DECAYING = Recursion(beta1=0.8, beta2=0.95, weight_decay=0.1, decay="decoupled")
PLAIN = Recursion(beta1=0.8, beta2=0.95)


def plain(fault: str, declared: Recursion):
    make = functools.partial(plain_adamw, fault=fault, weight_decay=declared.weight_decay)
    return update_adapter(make, declared, name=fault or "plain")


@pytest.mark.parametrize("declared", [PLAIN, DECAYING])
def test_the_right_one_conforms(declared):
    found = check_optimizer(plain("", declared))
    assert found.conforms
    assert found.differences == ()
    assert found.identified == declared
    assert found.following is not None
    assert found.following.p_value > 1e-4
    assert abs(found.following.measured - found.following.expected) < 0.01 * abs(found.following.expected)
    assert str(found).startswith("plain: conforms\n  its mean step follows the field of Adam")


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named(fault):
    found = check_optimizer(plain(fault, DECAYING if fault.startswith("decay") else PLAIN))
    assert not found.conforms
    assert len(found.differences) == 1
    assert FAULTS[fault] in found.differences[0]
    assert FAULTS[fault] in str(found)


def test_two_faults_are_both_named():
    def make(step_size):
        init, update = plain_adamw(step_size, "no bias correction of m")
        return init, lambda gradient, state, theta: update(-gradient, state, theta)

    found = check_optimizer(update_adapter(make, PLAIN))
    assert set(found.differences) == {"m is not bias-corrected", "it climbs: the sign of the step is wrong"}


def test_what_is_no_recursion_is_not_explained():
    generator = np.random.default_rng(0)

    def make(step_size):
        return lambda theta: None, lambda g, state, theta: (theta - step_size * generator.normal(size=g.size), None)

    found = check_optimizer(update_adapter(make, PLAIN))
    assert not found.conforms
    assert found.identified is None
    assert "explained by no recursion" in found.differences[0]
    assert found.following.p_value < 1e-6


def test_faults_that_vanish_with_time_follow_the_field_all_the_same():
    found = check_optimizer(plain("no bias correction of m", PLAIN))
    assert not found.conforms
    assert found.following.p_value > 1e-4


@pytest.mark.parametrize("fault", ["sqrt forgotten", "ascent", "wrong axis", "stale v"])
def test_faults_that_last_do_not_follow_the_field(fault):
    assert check_optimizer(plain(fault, PLAIN)).following.p_value < 1e-6


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(name, value) for name in CHOICES for value in CHOICES[name]]),
    st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.95)]),
    st.sampled_from([1e-8, 1e-3]),
)
def test_every_recursion_of_the_family_is_recognised(choice, memories, eps):
    name, value = choice
    declared = Recursion(beta1=memories[0], beta2=memories[1], eps=eps, weight_decay=0.05, decay="decoupled")
    actual = replace(declared, **{name: value})
    probes = play(_of(actual, declared))
    found = identify(probes, declared)
    assert found is not None
    # Without momentum some differences make none: what is found then does the same.
    same = found.increments(probes.gradients, probes.theta)
    np.testing.assert_allclose(same, probes.observed, rtol=1e-8, atol=1e-11)
    if memories[0] > 0:
        assert found == actual


def _of(actual: Recursion, declared: Recursion):
    """The adapter of a recursion of the family."""

    def make(step_size):
        played = replace(actual, step_size=step_size)

        def update(gradient, state, theta):
            gradients, first = [*state[0], gradient], state[1]
            return theta + played.increments(np.array(gradients), first)[-1], (gradients, first)

        return lambda theta: ([], theta.copy()), update

    return update_adapter(make, declared)


def test_wrong_shapes_are_refused():
    def make(step_size):
        return lambda theta: None, lambda gradient, state, theta: (theta[:-1], None)

    with pytest.raises(InputError, match="shape"):
        check_optimizer(update_adapter(make, PLAIN))


def test_torch():
    torch = pytest.importorskip("torch", reason="needs torch")
    optim, betas = torch.optim, {"betas": (0.8, 0.95)}
    right = [
        torch_adapter(optim.Adam, **betas),
        torch_adapter(optim.Adam, amsgrad=True, **betas),
        torch_adapter(optim.Adam, weight_decay=0.1, **betas),
        torch_adapter(optim.AdamW, **betas),
        torch_adapter(optim.NAdam, **betas),
        torch_adapter(optim.RMSprop, alpha=0.95),
        torch_adapter(optim.RMSprop, alpha=0.95, centered=True),
        torch_adapter(optim.Adamax, **betas),
    ]
    assert [str(found) for found in map(check_optimizer, right) if not found.conforms] == []
    # Controls: declared as something else.
    wrong = check_optimizer(torch_adapter(optim.AdamW, declared=PLAIN, **betas))
    assert wrong.differences == ("weight decay 0.01 is decoupled from the gradient",)
    wrong = check_optimizer(torch_adapter(optim.Adam, declared=PLAIN, amsgrad=True, **betas))
    assert "amsgrad" in wrong.differences[0]
    with pytest.raises(InputError, match="declared"):
        torch_adapter(optim.SGD)


def test_optax():
    optax = pytest.importorskip("optax", reason="needs optax")
    memories = {"b1": 0.8, "b2": 0.95}
    right = [
        optax_adapter(optax.adam, **memories),
        optax_adapter(optax.adam, eps=0, eps_root=1e-8, **memories),
        optax_adapter(optax.adamw, **memories),
        optax_adapter(optax.nadam, **memories),
        optax_adapter(optax.amsgrad, **memories),
        optax_adapter(optax.adamax, **memories),
        optax_adapter(optax.rmsprop, decay=0.95),
    ]
    assert [str(found) for found in map(check_optimizer, right) if not found.conforms] == []
    wrong = check_optimizer(optax_adapter(optax.adam, declared=PLAIN, eps=0, eps_root=1e-8, **memories))
    assert wrong.differences == ("eps is added inside the square root",)
    with pytest.raises(InputError, match="declared"):
        optax_adapter(optax.sgd)
    with pytest.raises(InputError, match="eps_root"):
        optax_adapter(optax.adam, eps_root=1e-8)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs keras")
    memories, optimizers = {"beta_1": 0.8, "beta_2": 0.95}, keras.optimizers
    right = [
        keras_adapter(optimizers.Adam, **memories),
        keras_adapter(optimizers.Adam, amsgrad=True, **memories),
        keras_adapter(optimizers.AdamW, **memories),
        keras_adapter(optimizers.Nadam, **memories),
        keras_adapter(optimizers.Adamax, **memories),
        keras_adapter(optimizers.RMSprop, rho=0.95),
    ]
    assert [str(found) for found in map(check_optimizer, right) if not found.conforms] == []
    wrong = check_optimizer(keras_adapter(optimizers.Adam, declared=replace(PLAIN, eps=1e-7), **memories))
    assert wrong.differences == ("eps is added outside the square root, before v is bias-corrected",)
    with pytest.raises(InputError, match="declared"):
        keras_adapter(optimizers.SGD)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_no_seed_changes_the_answer(seed):
    for declared in (PLAIN, DECAYING):
        assert check_optimizer(plain("", declared), seed).conforms
    for fault, words in FAULTS.items():
        found = check_optimizer(plain(fault, DECAYING if fault.startswith("decay") else PLAIN), seed)
        assert not found.conforms
        assert words in found.differences[0]


# --- drawn numbers ----------------------------------------------------------------------------------------------------

gradients_and_start = st.tuples(
    st.lists(strategies.points(2, 4), min_size=1, max_size=6).map(np.array), strategies.points(2).map(np.array)
)


def torch_adam(adam):
    torch = pytest.importorskip("torch", reason="needs torch")
    return torch_adapter(torch.optim.Adam, betas=(adam.beta1, adam.beta2), eps=adam.eps)


def optax_adam(adam):
    optax = pytest.importorskip("optax", reason="needs optax")
    return optax_adapter(optax.adam, b1=adam.beta1, b2=adam.beta2, eps=adam.eps)


def keras_adam(adam):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs keras")
    return keras_adapter(keras.optimizers.Adam, beta_1=adam.beta1, beta_2=adam.beta2, epsilon=adam.eps)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("library", [torch_adam, optax_adam, keras_adam])
@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(strategies.adams(), gradients_and_start)
def test_peers_with_drawn_numbers_move_as_declared(library, adam, drawn):
    gradients, theta = drawn
    adapter = library(adam)
    assert isinstance(adapter, Adapter)
    assert (adapter.declared.beta1, adapter.declared.beta2, adapter.declared.eps) == (adam.beta1, adam.beta2, adam.eps)
    changes, before = adapter.increments(gradients, theta)
    np.testing.assert_array_equal(before[0], theta)
    np.testing.assert_allclose(before[1:], before[:-1] + changes[:-1], rtol=0, atol=1e-12)
    expected = adapter.declared.increments(gradients, theta)
    np.testing.assert_allclose(changes, expected, rtol=1e-9, atol=1e-13)


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(strategies.adams().filter(lambda adam: adam.beta1 > 0), st.integers(0, 2**32 - 1))
def test_drawn_numbers_are_recognised_and_others_are_named(adam, seed):
    declared = Recursion(beta1=adam.beta1, beta2=adam.beta2, eps=adam.eps)
    make = functools.partial(plain_adamw, beta1=adam.beta1, beta2=adam.beta2, eps=adam.eps)
    found = check_optimizer(update_adapter(make, declared), seed)
    assert found.conforms
    assert found.identified == declared
    other = check_optimizer(update_adapter(make, replace(declared, beta1=adam.beta1 / 2)), seed)
    assert not other.conforms
    assert other.differences == (f"beta1 is {adam.beta1:g}, not {adam.beta1 / 2:g}",)
