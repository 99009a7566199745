"""The conformance check names every fault, and passes what is right."""

import functools
import os
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from plain_optimizers import FAULTS, plain_adamw
from wrong_optimizers import BASES, HELD_OUT, KINDS, declared_as, drawn, optimizer

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
from adamsym.testing.conformance.field_test import field_test
from adamsym.testing.conformance.identification import identify
from adamsym.testing.conformance.messages import differences
from adamsym.testing.conformance.method_map import field_method
from adamsym.testing.conformance.moments import Run
from adamsym.testing.conformance.probing import (
    SHAPES,
    ProbeResponse,
    apply_probes,
    designed_gradients,
    first_parameters,
)
from adamsym.testing.conformance.recursion import CHOICES
from adamsym.testing.conformance.replay import increments, meaningful
from adamsym.testing.conformance.rounding import PRECISIONS
from adamsym.testing.conformance.tensors import Layout

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
    assert found.field_test is not None
    assert found.field_test.p_value > 1e-4
    assert abs(found.field_test.measured - found.field_test.expected) < 0.01 * abs(found.field_test.expected)
    assert found.probed.startswith("48 steps in float64, parameters of shapes (12,), (), (1,), (3, 4)")
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


def test_what_is_no_recursion_is_not_explained_but_placed():
    def make(step_size):
        def update(gradient, state, theta):
            right, state = plain(state, gradient, theta)
            # From step 5 on something else, in matrices only.
            return right - (1e-4 * np.cos(gradient) if state[0] > 4 and theta.ndim == 2 else 0.0), state

        init, step = plain_adamw(step_size)

        def plain(state, gradient, theta):
            return step(gradient, state, theta)

        return init, update

    found = check_optimizer(update_adapter(make, PLAIN))
    assert not found.conforms
    assert found.identified is None
    (said,) = found.differences
    assert "explained by no recursion" in said
    assert "first deviates at step 5, coordinate (" in said
    assert "(only tensors of shape (2, 4) and (3, 4) and (4, 2) deviate)" in said
    moved, expected = (
        float(word.strip(",")) for word in said.split("it moves by ")[1].split(" (only")[0].split(" not ")
    )
    assert 1e-6 < abs(moved - expected) < 1.01e-4


def test_noise_is_not_explained_and_does_not_follow_the_field():
    generator = np.random.default_rng(0)

    def make(step_size):
        return lambda theta: None, lambda g, state, theta: (theta - step_size * generator.normal(size=g.shape), None)

    found = check_optimizer(update_adapter(make, PLAIN))
    assert not found.conforms
    assert found.identified is None
    assert found.field_test.p_value < 1e-6


def test_faults_that_vanish_with_time_follow_the_field_all_the_same():
    found = check_optimizer(plain("no bias correction of m", PLAIN))
    assert not found.conforms
    assert found.field_test.p_value > 1e-4
    # Without its correction v remembers its start longer than was declared, here for thousands of steps.
    declared = Recursion(beta1=0.8, beta2=0.999)
    late = functools.partial(plain_adamw, fault="no bias correction of v", beta2=0.999)
    found = check_optimizer(update_adapter(late, declared))
    assert found.differences == ("v is not bias-corrected",)
    assert found.field_test.p_value > 1e-4
    assert "its mean step follows the field" in str(found)


@pytest.mark.parametrize("fault", ["sqrt forgotten", "ascent", "wrong axis", "m without its factor"])
def test_faults_that_last_do_not_follow_the_field(fault):
    assert check_optimizer(plain(fault, PLAIN)).field_test.p_value < 1e-6


def test_decay_that_is_not_declared_does_not_follow_the_field():
    """Control: begun at 0, where decay does nothing, the same runs follow the field, as they do in float32."""
    decaying = functools.partial(plain_adamw, weight_decay=0.1)
    found = check_optimizer(update_adapter(decaying, PLAIN))
    assert found.field_test.p_value < 1e-6
    assert abs(found.field_test.measured - found.field_test.expected + 0.1 * 2) < 0.01
    assert check_optimizer(update_adapter(decaying, PLAIN, dtype="float32")).field_test.p_value > 1e-4


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([(name, value) for name in CHOICES for value in CHOICES[name]]),
    st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.95)]),
    st.sampled_from([1e-8, 1e-3]),
)
def test_every_recursion_of_the_family_is_recognised(choice, memories, eps):
    name, value = choice
    declared = Recursion(beta1=memories[0], beta2=memories[1], eps=eps, weight_decay=0.05, decay="decoupled")
    actual = replace(declared, **{name: value})
    assume(meaningful(actual))
    # Nothing is lost at once.
    assume(value not in ("n - 1", "1 - beta**(n - 1)"))
    probe = _probe(actual, declared)
    if probe.explained_by(declared):
        # Without momentum some differences make none.
        assert memories[0] == 0 or actual == declared
        return
    found = identify(probe, declared).recursions
    assert all(probe.explained_by(candidate) for candidate in found)
    if memories[0] > 0 and np.isfinite(probe.observed).any(axis=0).all():
        assert actual in found


def test_decay_of_the_first_parameters_is_one_difference():
    declared = Recursion(weight_decay=0.05, decay="decoupled")
    actual = replace(declared, decay="decoupled, of the first parameters")
    assert identify(_probe(actual, declared), declared).recursions == (actual,)


def _probe(actual: Recursion, declared: Recursion):
    """What the recursion does under the designed gradients."""
    layout = Layout(SHAPES)
    gradients, theta = designed_gradients(declared.eps, layout), first_parameters(layout)
    changes = increments(actual, gradients, theta, layout)
    with np.errstate(invalid="ignore"):
        states = np.cumsum(np.vstack([theta, changes]), axis=0)
        before, changes = states[:-1], np.diff(states, axis=0)
    return ProbeResponse(Run(gradients, before, layout), changes, PRECISIONS["float64"], PRECISIONS["float64"])


def test_wrong_shapes_are_refused():
    def make(step_size):
        return lambda theta: None, lambda gradient, state, theta: (theta[:-1], None)

    with pytest.raises(InputError, match="shape"):
        check_optimizer(update_adapter(make, PLAIN))


def test_functions_that_return_no_pair_are_refused():
    for make, words in [
        (lambda step_size: (lambda theta: None, lambda gradient, state, theta: theta), "update must return two things"),
        (lambda step_size: lambda theta: None, "must return two functions"),
    ]:
        with pytest.raises(InputError, match=words):
            check_optimizer(update_adapter(make, PLAIN))


def test_wrong_arguments_of_adapters_are_refused_in_one_line():
    for wrong, words in [
        (lambda: update_adapter(3, PLAIN), "make: 3 is not allowed; allowed is a function"),
        (
            lambda: update_adapter(plain_adamw, "Adam"),
            "declared: 'Adam' is not allowed; allowed is a Recursion or a Method",
        ),
        (lambda: update_adapter(PLAIN, plain_adamw), "make: a Recursion is not allowed"),
        (lambda: torch_adapter("Adam"), "optimizer: 'Adam' is no type; give a type, such as torch"),
        (lambda: optax_adapter("adam"), "optimizer: 'adam' is not allowed; allowed is a function"),
        (lambda: keras_adapter("Adam"), "optimizer: 'Adam' is no type"),
    ]:
        with pytest.raises(InputError) as caught:
            wrong()
        assert words in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_torch():
    torch = pytest.importorskip("torch", reason="needs torch")
    optim, betas = torch.optim, {"betas": (0.8, 0.95)}
    right = [
        torch_adapter(optim.Adam, **betas),
        torch_adapter(optim.Adam, amsgrad=True, **betas),
        torch_adapter(optim.Adam, weight_decay=0.1, **betas),
        torch_adapter(optim.AdamW, **betas),
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


MEMORIES = {"b1": 0.8, "b2": 0.95}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adamw", MEMORIES),
        # Each is compiled anew, which takes seconds.
        *(
            pytest.param(name, options, marks=pytest.mark.slow)
            for name, options in [
                ("adam", MEMORIES),
                ("adam", {"eps": 0, "eps_root": 1e-8} | MEMORIES),
                ("amsgrad", MEMORIES),
                ("adamax", MEMORIES),
                ("rmsprop", {"decay": 0.95}),
            ]
        ),
    ],
)
def test_optimizers_of_optax_conform(name, options):
    optax = pytest.importorskip("optax", reason="needs optax")
    found = check_optimizer(optax_adapter(getattr(optax, name), **options))
    assert found.conforms, str(found)


def test_optax():
    optax = pytest.importorskip("optax", reason="needs optax")
    wrong = check_optimizer(optax_adapter(optax.adam, declared=PLAIN, eps=0, eps_root=1e-8, **MEMORIES))
    assert wrong.differences == ("eps is added inside the square root",)
    with pytest.raises(InputError, match="declared"):
        optax_adapter(optax.sgd)


@pytest.mark.slow
def test_two_numbers_eps_at_once():
    optax = pytest.importorskip("optax", reason="needs optax")
    both = check_optimizer(optax_adapter(optax.adam, eps=1e-3, eps_root=1e-4, **MEMORIES))
    assert both.conforms
    assert both.declared.eps_root == 1e-4


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
def test_nadam_of_torch_and_optax():
    # Its weight grows slowly: the comparison with the field takes some 40,000 steps.
    torch = pytest.importorskip("torch", reason="needs torch")
    optax = pytest.importorskip("optax", reason="needs optax")
    for found in (torch_adapter(torch.optim.NAdam, betas=(0.8, 0.95)), optax_adapter(optax.nadam, b1=0.8, b2=0.95)):
        answer = check_optimizer(found)
        assert answer.conforms, str(answer)


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


@settings(max_examples=2, deadline=None, phases=[Phase.generate])
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


# --- seeded wrong optimizers ------------------------------------------------------------------------------------------


def named(found, kind):
    """Whether the change, and nothing else, is named."""
    said = [found.differences, *(differences(found.declared, other) for other in found.alternatives)]
    return any(len(one) == 1 and any(words in one[0] for words in KINDS[kind][1]) for one in said)


def wrong_ones(seeds):
    """The share of kinds known here that is named rightly, and of all; all are rejected."""
    counts = {True: [0, 0], False: [0, 0]}
    for seed in seeds:
        kind, base, declared, make = drawn(seed)
        found = check_optimizer(update_adapter(make, declared, f"{base}, {kind}"))
        assert not found.conforms, (seed, kind, base)
        known = kind in KINDS
        counts[known][0] += known and named(found, kind)
        counts[known][1] += 1
        if not known and found.identified is None:
            assert "first deviates at step" in found.differences[0] or "not finite" in found.differences[0]
    return counts[True][0] / counts[True][1], counts[True][0] / (counts[True][1] + counts[False][1])


def test_seeded_wrong_optimizers_are_named():
    known, every = wrong_ones(range(1000, 1008))
    assert known >= 0.9
    assert every >= 0.75


@pytest.mark.slow
def test_300_seeded_wrong_optimizers_are_named():
    known, every = wrong_ones(range(300))
    assert known >= 0.95
    assert every >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_change_is_named(kind):
    for seed in range(3):
        _, base, declared, make = drawn(seed, [kind])
        found = check_optimizer(update_adapter(make, declared, f"{base}, {kind}"))
        assert named(found, kind), (base, str(found))


@pytest.mark.parametrize("base", BASES)
def test_the_right_ones_of_the_same_code_conform(base):
    for seed in range(3):
        generator = np.random.default_rng(seed)
        numbers = {
            "lr": 1e-3,
            "b1": 0.9,
            "b2": float(generator.uniform(0.9, 0.99)),
            "eps": 1e-8,
            "wd": 0.1,
            "extra": 0.5,
        }
        declared = declared_as(base, numbers)
        adapter = update_adapter(lambda lr, n=numbers: optimizer(base, "", n | {"lr": lr}), declared)
        assert check_optimizer(adapter).conforms


def test_held_out_kinds_are_other_ones():
    assert not set(HELD_OUT) & set(KINDS)


# --- what is seen at once ---------------------------------------------------------------------------------------------


def zero_based(step_size):
    def update(g, state, theta):
        n, m, v = state
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        with np.errstate(all="ignore"):
            m_hat, v_hat = m / np.float64(1 - 0.9**n), v / np.float64(1 - 0.99**n)
            theta = theta - step_size * m_hat / (np.sqrt(v_hat) + 1e-8)
        return theta, (n + 1, m, v)

    return lambda theta: (0, 0 * theta, 0 * theta), update


def always_nan(step_size):
    return lambda theta: None, lambda g, state, theta: (theta * np.nan, None)


def never_moves(step_size):
    return lambda theta: None, lambda g, state, theta: (theta, None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (zero_based, "not finite from step 1"),
        (always_nan, "not finite from step 1"),
        (never_moves, "it does not move: no parameter changes in 48 steps"),
    ],
)
def test_degenerate_optimizers_are_said_to_be_that(make, words):
    found = check_optimizer(update_adapter(make, Recursion(beta1=0.9, beta2=0.99), make.__name__))
    assert not found.conforms
    assert found.identified is None
    assert found.differences == (words,)
    assert str(found).startswith(f"{make.__name__}: does NOT conform\n  {words}\n")
    assert "48 steps in float64" in found.probed


def test_an_optimizer_that_diverges_later_is_said_to():
    def make(step_size):
        init, step = plain_adamw(step_size)

        def update(gradient, state, theta):
            theta, state = step(gradient, state, theta)
            return (theta * np.nan if state[0] == 9 else theta), state

        return init, update

    found = check_optimizer(update_adapter(make, PLAIN))
    assert not found.conforms
    assert found.differences == ("not finite from step 9",)


# --- formats ----------------------------------------------------------------------------------------------------------


def in_float32(step_size, fault="", eps=1e-8):
    """Adam with moments and updates in float32, whatever it is given."""
    init, update = plain_adamw(step_size, fault, eps=eps)

    def short(tree):
        return tuple(x.astype(np.float32) if isinstance(x, np.ndarray) else x for x in tree)

    def step(gradient, state, theta):
        theta, state = update(gradient.astype(np.float32), state, theta.astype(np.float32))
        return theta.astype(np.float32), short(state)

    return lambda theta: short(init(theta)), step


def with_moments_in_float32(step_size):
    """Adam whose parameters are float64 and whose update is float32, times a step size in float64."""

    def update(gradient, state, theta):
        n, m, v = state
        g, n = gradient.astype(np.float32), n + 1
        m, v = np.float32(0.8) * m + np.float32(0.2) * g, np.float32(0.95) * v + np.float32(0.05) * g * g
        quotient = m / np.float32(1 - 0.8**n) / (np.sqrt(v / np.float32(1 - 0.95**n)) + np.float32(1e-8))
        return theta - np.float64(step_size) * quotient, (n, m, v)

    zeros = lambda theta: np.zeros(theta.shape, dtype=np.float32)  # noqa: E731
    return lambda theta: (0, zeros(theta), zeros(theta)), update


def test_a_right_adam_in_float32_conforms_to_float32():
    mixed = update_adapter(with_moments_in_float32, PLAIN, "short")
    for adapter in (
        update_adapter(in_float32, PLAIN, "short"),
        update_adapter(plain_adamw, PLAIN, "short", dtype="float32"),
        mixed,
    ):
        found = check_optimizer(adapter)
        assert found.conforms
        assert found.precision == "float32"
        assert str(found).startswith("short: conforms to float32\n")
        # With a step size in float64, only the search excludes that it is something else in float64.
        assert ("rounding of float32 only" in str(found)) == (adapter is mixed)
        assert "48 steps in float32" in found.probed


@pytest.mark.parametrize("fault", [f for f in FAULTS if not f.startswith("decay")])
def test_faults_in_float32_are_named(fault):
    found = check_optimizer(update_adapter(functools.partial(in_float32, fault=fault), PLAIN))
    assert not found.conforms
    assert found.precision == "float32"
    assert FAULTS[fault] in " ".join(found.differences)


def test_what_float32_would_hide_is_not_hidden_in_float64():
    make = functools.partial(plain_adamw, eps=1.0001e-8)
    assert check_optimizer(update_adapter(make, PLAIN)).differences == ("eps is 1.0001e-08, not 1e-08",)


@pytest.mark.parametrize(
    ("name", "eps"),
    [
        ("bfloat16", 1e-3),
        pytest.param("float32", 1e-8, marks=pytest.mark.slow),
        pytest.param("float16", 1e-3, marks=pytest.mark.slow),
    ],
)
def test_short_formats(name, eps):
    torch = pytest.importorskip("torch", reason="needs torch")
    optim, dtype = torch.optim, getattr(torch, name)
    for kind in (optim.Adam, optim.AdamW, optim.NAdam, optim.RMSprop, optim.Adamax):
        adapter = torch_adapter(kind, dtype=dtype, eps=eps)
        probe = apply_probes(adapter)
        assert probe.precision.name == name
        assert probe.explained_by(adapter.declared), kind
    # Controls: the same, declared as something else.
    probe = apply_probes(torch_adapter(optim.Adam, dtype=dtype, eps=eps))
    for declared in (
        Recursion(beta1=0.5, eps=eps),
        Recursion(beta2=0.5, eps=eps),
        Recursion(eps=eps, second_corrected=False),
        Recursion(eps=eps, first_corrected=False),
        Recursion(eps=eps, eps_place="inside the root"),
        Recursion(eps=eps, direction=-1),
        Recursion(eps=eps, counter="n + 1"),
    ):
        assert not probe.explained_by(declared), declared


def test_short_formats_are_said_and_so_is_what_is_lost_in_them():
    torch = pytest.importorskip("torch", reason="needs torch")
    optim = torch.optim
    found = check_optimizer(torch_adapter(optim.Adam, dtype="bfloat16", eps=1e-3, betas=(0.8, 0.95)))
    assert str(found).startswith("torch Adam: conforms to bfloat16\n")
    lost = check_optimizer(torch_adapter(optim.Adam, dtype="float16"))
    assert not lost.conforms
    assert lost.differences[0].startswith("not finite from step 1")
    assert lost.differences[1] == "eps = 1e-08 rounds to 0 in float16"


# --- options ----------------------------------------------------------------------------------------------------------


def test_options_of_torch_are_honoured_or_refused():
    torch = pytest.importorskip("torch", reason="needs torch")
    optim = torch.optim
    honoured = [
        (optim.Adam, {"maximize": True}),
        (optim.Adam, {"maximize": True, "weight_decay": 0.1}),
        (optim.Adam, {"foreach": True}),
        (optim.Adam, {"fused": True}),
        (optim.Adam, {"differentiable": True}),
        (optim.Adam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
        (optim.AdamW, {"amsgrad": True, "maximize": True}),
        (optim.NAdam, {"momentum_decay": 0.04}),
        (optim.NAdam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
        (optim.RMSprop, {"momentum": 0.9, "centered": True, "weight_decay": 0.1}),
        (optim.Adamax, {"weight_decay": 0.1, "maximize": True}),
    ]
    for kind, options in honoured:
        adapter = torch_adapter(kind, **options)
        probe = apply_probes(adapter)
        assert probe.explained_by(adapter.declared), (kind, options)
        # Control: the option makes a difference, unless it only says how steps are computed.
        if not set(options) <= {"foreach", "fused", "differentiable"}:
            assert not probe.explained_by(torch_adapter(kind).declared), (kind, options)
    for kind, options, words in (
        (optim.Adam, {"capturable": True}, "^torch_adapter: Adam cannot run with these options: .*capturable"),
        (optim.Adam, {"momentum_decay": 0.1}, "^torch_adapter: Adam has no option 'momentum_decay'; it has betas"),
        (optim.Adam, {"fused": True, "foreach": True}, "cannot be `True` together"),
        (optim.Adam, {"dtype": "int8"}, "dtype='int8' is not allowed; allowed are float64"),
    ):
        with pytest.raises(InputError, match=words) as refused:
            torch_adapter(kind, **options)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rmsprop", {"momentum": 0.9, "nesterov": True, "centered": True}),
        pytest.param("amsgrad", {"bias_correction_nu": False, "eps_root": 1e-6}, marks=pytest.mark.slow),
        pytest.param("adamw", {"nesterov": True, "eps_root": 1e-6}, marks=pytest.mark.slow),
    ],
)
def test_options_of_optax_are_honoured(name, options):
    optax = pytest.importorskip("optax", reason="needs optax")
    kind = getattr(optax, name)
    adapter = optax_adapter(kind, **options)
    probe = apply_probes(adapter)
    assert probe.explained_by(adapter.declared)
    assert not probe.explained_by(optax_adapter(kind).declared)


def test_options_of_optax_that_are_not_known_are_refused():
    optax = pytest.importorskip("optax", reason="needs optax")
    for kind, options, words in (
        (optax.adam, {"mu_dtype": "bfloat16"}, "adam with mu_dtype='bfloat16' is not known here"),
        (optax.adamw, {"mask": {"a": True}}, "adamw with mask="),
        (optax.rmsprop, {"initial_scale": 1.0}, "rmsprop with initial_scale=1.0 is not known here"),
        (optax.adam, {"amsgrad": True}, "adam has no option 'amsgrad'; it has b1"),
        (optax.adam, {"learning_rate": optax.constant_schedule(0.1)}, "learning_rate: a function is not allowed"),
    ):
        with pytest.raises(InputError, match=words):
            optax_adapter(kind, **options)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.1}),
        ("Adam", {"global_clipnorm": 2.0}),
        pytest.param("Adam", {"clipnorm": 1.0}, marks=pytest.mark.slow),
        pytest.param("Adam", {"clipvalue": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_options_of_keras_are_honoured(name, options):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs keras")
    kind = getattr(keras.optimizers, name)
    adapter = keras_adapter(kind, **options)
    probe = apply_probes(adapter)
    assert probe.explained_by(adapter.declared)
    assert not probe.explained_by(keras_adapter(kind).declared)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_options_of_keras_that_change_no_step_are_honoured_and_others_refused():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs keras")
    kinds = keras.optimizers
    averaged = keras_adapter(kinds.Adam, use_ema=True)
    assert averaged.declared == keras_adapter(kinds.Adam).declared
    assert apply_probes(averaged).explained_by(averaged.declared)
    for options, words in (
        ({"ema_overwrite_frequency": 3, "use_ema": True}, "ema_overwrite_frequency=3 is not known here"),
        ({"gradient_accumulation_steps": 2}, "gradient_accumulation_steps=2 is not known here"),
        ({"loss_scale_factor": 8.0}, "loss_scale_factor=8.0 is not known here"),
        ({"momentum": 0.9}, "Adam has no option 'momentum'"),
    ):
        with pytest.raises(InputError, match=words):
            keras_adapter(kinds.Adam, **options)


# --- shapes -----------------------------------------------------------------------------------------------------------


def adamp(step_size):
    """Adam with AdamP's rule: of matrices, updates lose their part along the parameters, where gradients have none."""
    init, step = plain_adamw(step_size)

    def update(gradient, state, theta):
        moved, state = step(gradient, state, theta)
        change = moved - theta
        if theta.ndim > 1:
            rows, g = theta.reshape(len(theta), -1), gradient.reshape(len(theta), -1)
            norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(g, axis=1) + 1e-8
            if (np.abs((rows * g).sum(axis=1)) / norms).max() < 0.1 / np.sqrt(rows.shape[1]):
                unit = theta / (np.linalg.norm(theta, axis=tuple(range(1, theta.ndim)), keepdims=True) + 1e-8)
                axes = tuple(range(1, theta.ndim))
                change = change - unit * (unit * change).sum(axis=axes, keepdims=True)
        return theta + change, state

    return init, update


def test_rules_for_matrices_are_seen():
    found = check_optimizer(update_adapter(adamp, PLAIN, "AdamP"))
    assert not found.conforms
    assert "the matrix of shape (2, 4)" in found.differences[0]
    assert "only tensors of shape (2, 4) deviate" in found.differences[0]


def test_common_norms_are_seen():
    torch = pytest.importorskip("torch", reason="needs torch")

    class Clipped(torch.optim.Adam):
        def step(self):
            torch.nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 1.0)
            super().step()

    found = check_optimizer(torch_adapter(Clipped, Recursion(beta1=0.8, beta2=0.95), betas=(0.8, 0.95)))
    assert not found.conforms
    assert "over all tensors" in found.differences[0]


def lamb(step_size):
    """Adam's direction, of each tensor as long as the tensor."""
    init, step = plain_adamw(1.0, beta1=0.9, beta2=0.999, eps=1e-8)

    def update(gradient, state, theta):
        moved, state = step(gradient, state, theta)
        sizes = np.linalg.norm(theta), np.linalg.norm(moved - theta)
        return theta + step_size * (sizes[0] / sizes[1] if min(sizes) > 0 else 1.0) * (moved - theta), state

    return init, update


TRUST_RATIO = ("each tensor's step is scaled by its trust ratio, as in LAMB",)


def test_trust_ratios_are_seen():
    assert check_optimizer(update_adapter(lamb, Recursion())).differences == TRUST_RATIO


@pytest.mark.slow
def test_trust_ratios_of_optax_are_seen():
    optax = pytest.importorskip("optax", reason="needs optax")
    found = check_optimizer(optax_adapter(optax.lamb, Recursion(), eps=1e-8))
    assert found.differences == TRUST_RATIO


def test_shapes_that_an_optimizer_cannot_take_are_said():
    def make(step_size):
        init, update = plain_adamw(step_size)

        def step(gradient, state, theta):
            if theta.ndim != 1:
                raise ValueError("vectors only")
            return update(gradient, state, theta)

        return init, step

    found = check_optimizer(update_adapter(make, PLAIN))
    assert found.conforms
    assert "parameters of shapes (12,), (1,); it cannot take (): ValueError: vectors only; (3, 4):" in found.probed


def test_gradients_that_an_optimizer_writes_into_are_copies():
    def make(step_size):
        init, update = plain_adamw(step_size)

        def step(gradient, state, theta):
            theta, state = update(gradient.copy(), state, theta.copy())
            gradient[...] = np.nan
            return theta, state

        return init, step

    assert check_optimizer(update_adapter(make, PLAIN)).conforms


# --- runs against the field -------------------------------------------------------------------------------------------


def p_values(beta2, seeds):
    declared = Recursion(beta1=0.8, beta2=beta2)
    adapter = update_adapter(functools.partial(plain_adamw, beta2=beta2), declared)
    method = field_method(declared)
    return [field_test(adapter, method, seed, PRECISIONS["float64"]).p_value for seed in seeds]


def test_p_values_of_the_true_field_are_uniform():
    assert scipy.stats.kstest(p_values(0.9, range(40)), "uniform").pvalue > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("beta2", [0.9, 0.99, 0.999, 0.9999])
def test_p_values_of_the_true_field_are_uniform_at_every_memory(beta2):
    assert scipy.stats.kstest(p_values(beta2, range(100)), "uniform").pvalue > 1e-3


def test_runs_that_cannot_forget_are_not_compared():
    declared = Recursion(beta1=0.0, beta2=0.9999, second_corrected=False)
    adapter = update_adapter(
        functools.partial(plain_adamw, fault="no bias correction of v", beta1=0.0, beta2=0.9999), declared
    )
    found = check_optimizer(adapter)
    assert found.conforms
    assert found.field_test is None
    assert "its runs were not compared with the field of Adam" in str(found)
