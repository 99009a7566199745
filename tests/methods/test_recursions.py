"""The recursions of the methods: step by step against other libraries, the compiled chains and the Laplace forms."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recursion_paths import BOWL, RATE, START, STEPS, assert_entries_apart, optax_path, path, torch_path

from adamsym import InputError, StepSizeSchedule, simulate
from adamsym.methods import (
    Adam,
    Adamax,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    AdaptiveMethod,
    AMSGrad,
    Lion,
    Method,
    NAdam,
    RMSprop,
    Signum,
)
from adamsym.testing.properties import assert_laplace_form

WITH_FORM = [
    Adam("0.9", "0.95", "0.1"),
    Adam(0, 0, "1e-3"),
    RMSprop("0.9", "0.1"),
    AdamWithoutMomentum("0.9", "1e-8"),
    NAdam("0.8", "0.9", "0.1"),
    AdamW("0.9", "0.95", "0.1", "0.5"),
    AdamEpsInsideRoot("0.9", "0.95", "0.1"),
    AdamEpsInsideRoot("0.3", "0.9", "1e-8"),
]
WITHOUT_FORM = [
    Lion("0.9", "0.95", "0.3"),
    Signum("0.9", "0.3"),
    Adamax("0.9", "0.95", "1e-3"),
    AMSGrad("0.9", "0.95", "1e-3"),
]
ALL = [*WITH_FORM, *WITHOUT_FORM]
each = pytest.mark.parametrize("method", ALL, ids=repr)


@each
def test_simulated_chains_take_the_recursion_s_steps(method):
    found = simulate(BOWL, method, StepSizeSchedule(RATE), START, steps=STEPS, chains=1, seed=0, record_every=1)
    np.testing.assert_allclose(found.recorded[:, 0], path(method), rtol=0, atol=1e-12)
    other = path(Adam("0.9", "0.94", "0.1"))
    assert np.abs(found.recorded[:, 0] - other).max() > 1e-6


BETAS = (0.9, 0.95)
OTHERS = {
    "torch Adamax": (Adamax(*BETAS, "1e-3"), torch_path, lambda o, p: o.Adamax(p, RATE, BETAS, 1e-3, foreach=False)),
    "torch amsgrad": (
        AMSGrad(*BETAS, "1e-3"),
        torch_path,
        lambda o, p: o.Adam(p, RATE, BETAS, 1e-3, amsgrad=True, foreach=False),
    ),
    "optax lion": (Lion(*BETAS, "0.3"), optax_path, lambda o: o.lion(RATE, *BETAS, weight_decay=0.3)),
    "optax signum": (Signum("0.9"), optax_path, lambda o: o.signum(RATE, 0.9)),
    "optax adamax": (Adamax(*BETAS, "1e-3"), optax_path, lambda o: o.adamax(RATE, *BETAS, 1e-3)),
}


@pytest.mark.parametrize(("method", "play", "make"), OTHERS.values(), ids=OTHERS)
def test_steps_agree_with_other_libraries(method, play, make):
    theirs = play(make)
    np.testing.assert_allclose(path(method), theirs, rtol=0, atol=1e-12)
    wrong = Signum("0.8") if isinstance(method, Signum) else type(method)("0.9", "0.96")
    assert np.abs(path(wrong) - theirs).max() > 1e-6


def test_defaults_are_those_of_the_libraries():
    torch, optax = pytest.importorskip("torch"), pytest.importorskip("optax")
    np.testing.assert_allclose(path(Adamax()), torch_path(lambda o, p: o.Adamax(p, RATE)), rtol=0, atol=1e-12)
    amsgrad = torch_path(lambda o, p: o.Adam(p, RATE, amsgrad=True))
    np.testing.assert_allclose(path(AMSGrad()), amsgrad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(path(Lion()), optax_path(lambda o: o.lion(RATE)), rtol=0, atol=1e-12)
    assert torch is not None
    assert optax is not None


# --- the contract -----------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_entries_of_leading_axes_do_not_touch_each_other(method, seed, chains, d):
    assert isinstance(method, Method)
    assert_entries_apart(method, seed, chains, d)


@each
def test_the_start_is_forgotten_within_some_memories(method):
    if math.isinf(method.memory):
        # The largest v is kept for ever: what is far above all others is still there.
        state = (np.zeros(1), np.full(1, 3.0), np.full(1, 3.0))
        for n in range(1, 200):
            state, _ = method.step(state, np.ones(1), np.zeros(1), n)
        assert any((part >= 2.9).all() for part in state)
        return
    generator = np.random.default_rng(0)
    states = [method.initial_state((1,)), tuple(np.full(1, 3.0) for _ in method.initial_state((1,)))]
    theta, differences = np.zeros(1), []
    for n, g in enumerate(generator.uniform(0.5, 1.5, math.ceil(20 * method.memory)), start=1):
        found = [method.step(state, np.array([g]), theta, n) for state in states]
        states = [state for state, _ in found]
        differences.append(max(abs(a - b).max() for a, b in zip(*states, strict=True)))
    assert differences[0] > 0.01 or method.memory == 1
    assert differences[-1] < 10 * math.exp(-19)


def test_the_largest_second_moment_is_never_forgotten():
    method = AMSGrad("0.5", "0.5", "1e-8")
    zero, one = np.zeros(1), np.ones(1)
    state = method.step(method.initial_state((1,)), 1000 * one, zero, 1)[0]
    for n in range(2, 200):
        state, change = method.step(state, one, zero, n)
    assert abs(change[0]) < 2e-3
    assert math.isinf(method.memory)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Lion(beta1=1), r"adam\.beta1"),
        (lambda: Lion(weight_decay=-1), r"adam\.weight_decay"),
        (lambda: Adamax(beta2=-0.1), r"adam\.beta2"),
        (lambda: Adamax(eps=0), r"adam\.eps"),
        (lambda: AMSGrad(eps="a"), r"adam\.eps"),
    ],
)
def test_numbers_out_of_range_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize("method", WITHOUT_FORM, ids=repr)
def test_methods_show_themselves_as_python(method):
    assert eval(repr(method), {type(method).__name__: type(method)}) == method
    assert method.laplace is None


# --- Laplace forms ----------------------------------------------------------------------------------------------------

sizes = st.floats(-1, 1).map(lambda x: math.copysign(10.0 ** (4 * abs(x) - 2), x))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(WITH_FORM), st.lists(sizes, min_size=1, max_size=12), st.floats(-3, 3))
def test_laplace_forms_are_their_recursions(method, gradients, theta):
    assert_laplace_form(method, gradients, theta)


@dataclass(frozen=True, init=False)
class WrongWeight(NAdam):
    """Its lag weights say less of the current gradient than its steps do."""

    @property
    def current_weight(self):
        return (1 - self.alpha) * Fraction(999, 1000)


@dataclass(frozen=True, init=False)
class WrongMemory(Adam):
    """Its steps forget squares faster than its form says."""

    def step(self, state, gradient, theta, n):
        return Adam(self.alpha, self.beta - Fraction(1, 1000), self.epsilon).step(state, gradient, theta, n)

    laplace = Adam("0.8", "0.9", "0.1").laplace


@dataclass(frozen=True, init=False)
class WrongDecay(AdamW):
    def step(self, state, gradient, theta, n):
        state, change = super().step(state, gradient, theta, n)
        return state, change + 1e-6 * theta

    laplace = AdamW("0.8", "0.9", "0.1", "0.01").laplace


@pytest.mark.parametrize("kind", [WrongWeight, WrongMemory, WrongDecay])
def test_a_form_that_is_not_the_recursion_s_is_rejected(kind):
    with pytest.raises(AssertionError, match="in its Laplace form by"):
        assert_laplace_form(kind("0.8", "0.9", "0.1"), [1.0, -0.3, 0.0, 2.0], 1.5)


def test_a_step_of_its_own_takes_the_laplace_form_away():
    class Other(Adam):
        def step(self, state, gradient, theta, n):
            return super().step(state, 2 * gradient, theta, n)

    assert Other().laplace is None
    assert isinstance(Other(), AdaptiveMethod)
    with pytest.raises(InputError, match="Other has no Laplace form"):
        assert_laplace_form(Other(), [1.0])
