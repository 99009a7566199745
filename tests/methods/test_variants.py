"""Adam's variants: step by step against torch and optax, and where their v goes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recursion_paths import BOWL, RATE, START, STEPS, assert_entries_apart, optax_path, path, torch_path

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, simulate
from adamsym.field import monte_carlo
from adamsym.methods import ADOPT, AdaBelief, Adafactor, AdamClippedByNorm, AdamClippedByValue, RAdam, Yogi
from adamsym.methods.record import method_with

BETAS = (0.9, 0.95)


def transformed(*steps):
    """A maker of optax's chains, descending with the step size RATE."""
    return lambda optax: optax.chain(*(step(optax) for step in steps), optax.scale(-RATE))


def factored(optax, clip):
    """optax's Adafactor for vectors, with its schedule in float64."""

    def schedule(n, decay):
        return 1 - (n + 1.0) ** -decay

    rms = optax.scale_by_factored_rms(factored=False, decay_rate=0.7, epsilon=1e-3, decay_rate_fn=schedule)
    return optax.chain(rms, optax.clip_by_block_rms(clip), optax.scale(-RATE))


class RAdamOfOptax(RAdam):
    eps_after_correction = True


OPTAX = {
    "adabelief": (AdaBelief(*BETAS, "1e-3", "1e-4"), lambda o: o.adabelief(RATE, *BETAS, eps=1e-3, eps_root=1e-4)),
    "yogi": (Yogi(*BETAS, "1e-2"), lambda o: o.yogi(RATE, *BETAS, eps=1e-2)),
    "radam": (RAdamOfOptax(*BETAS, "1e-3"), lambda o: o.radam(RATE, *BETAS, eps=1e-3)),
    "adopt": (ADOPT(*BETAS, "1e-3"), lambda o: o.contrib.adopt(RATE, *BETAS, eps=1e-3)),
    "adafactor": (Adafactor("0.7", "1e-3", "0.8"), lambda o: factored(o, 0.8)),
    "clip": (
        AdamClippedByValue(*BETAS, "1e-3", "0.3"),
        transformed(lambda o: o.clip(0.3), lambda o: o.scale_by_adam(*BETAS, 1e-3)),
    ),
    "clip_by_global_norm": (
        AdamClippedByNorm(*BETAS, "1e-3", "0.5"),
        transformed(lambda o: o.clip_by_global_norm(0.5), lambda o: o.scale_by_adam(*BETAS, 1e-3)),
    ),
}


@pytest.mark.parametrize(("method", "make"), OPTAX.values(), ids=OPTAX)
def test_steps_agree_with_optax(method, make):
    theirs = optax_path(make)
    np.testing.assert_allclose(path(method), theirs, rtol=0, atol=1e-12)
    name = "decay" if isinstance(method, Adafactor) else "beta2"
    near_miss = method_with(method, {name: getattr(method, name) + 0.01})
    assert np.abs(path(near_miss) - theirs).max() > 1e-6


def test_rectified_steps_agree_with_torch():
    theirs = torch_path(lambda o, p: o.RAdam(p, RATE, BETAS, 1e-3, foreach=False))
    np.testing.assert_allclose(path(RAdam(*BETAS, "1e-3")), theirs, rtol=0, atol=1e-12)
    for other in (RAdam(*BETAS, "2e-3"), Adam(*BETAS, "1e-3")):
        assert np.abs(path(other) - theirs).max() > 1e-6


def test_the_growing_memory_agrees_with_torch():
    # torch's step is lr times the size of the parameters, or eps2 where that is larger.
    theirs = torch_path(lambda o, p: o.Adafactor(p, RATE / 10, -0.7, (1e-15, 10.0), 1.0, 0.0, foreach=False))
    np.testing.assert_allclose(path(Adafactor("0.7", "1e-30")), theirs, rtol=0, atol=1e-12)
    assert np.abs(path(Adafactor("0.7", "1e-30", "1.1")) - theirs).max() > 1e-6


VARIANTS = [
    AdaBelief("0.9", "0.95", "1e-3", "1e-4"),
    Yogi("0.9", "0.95", "1e-2", "0.3"),
    RAdam("0.5", "0.9", "0.1"),
    ADOPT("0.9", "0.95", "1e-3"),
    Adafactor("0.7", "1e-3", "0.8"),
    AdamClippedByValue("0.9", "0.95", "1e-3", "0.3"),
    AdamClippedByNorm("0.9", "0.95", "1e-3", "0.5"),
]
each = pytest.mark.parametrize("method", VARIANTS, ids=lambda method: type(method).__name__)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(VARIANTS), st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_entries_of_leading_axes_do_not_touch_each_other(method, seed, chains, d):
    assert_entries_apart(method, seed, chains, d)


@each
def test_simulated_chains_take_the_steps(method):
    found = simulate(BOWL, method, StepSizeSchedule(RATE), START, steps=STEPS, chains=1, seed=0, record_every=1)
    np.testing.assert_allclose(found.recorded[:, 0], path(method), rtol=0, atol=1e-12)


@each
def test_methods_show_themselves_as_python(method):
    assert eval(repr(method), {type(method).__name__: type(method)}) == method
    assert (method.laplace is None) == (not isinstance(method, RAdam))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AdaBelief(eps_root=-1), r"adam\.eps_root"),
        (lambda: Yogi(start=0), r"adam\.start"),
        (lambda: RAdam("0.9", "0.5"), r"beta1\*\*2 = 0.81 must be below beta2"),
        (lambda: ADOPT(beta2=1), r"adam\.beta2"),
        (lambda: Adafactor(decay=0), r"adam\.decay: 0.0 is not allowed; allowed is 0 < decay <= 1"),
        (lambda: AdamClippedByNorm(clip=0), r"adam\.clip"),
        (lambda: AdamClippedByValue("0.9", "0.5"), r"beta1\*\*2"),
    ],
)
def test_numbers_out_of_range_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


# --- fields -----------------------------------------------------------------------------------------------------------

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def test_the_rectified_method_has_the_field_of_adam():
    method, place = RAdam("0.5", "0.8", "0.1"), [0.7]
    value = AdamField(SKEWED, method)(place)
    assert value == AdamField(SKEWED, Adam("0.5", "0.8", "0.1"))(place)
    found = monte_carlo(SKEWED, method, place, seed=1, steps=2000)
    assert abs(found.value - value)[0] <= 5 * found.standard_error[0] < 0.05
    assert abs(found.value - AdamField(SKEWED, Adam("0.5", "0.5", "0.1"))(place))[0] > 5 * found.standard_error[0]


def test_with_a_short_memory_it_never_divides():
    method = RAdam("0.5", "0.6", "0.1")
    assert method.laplace is None
    found = monte_carlo(SKEWED, method, [0.7], seed=1, steps=2000)
    assert abs(found.value[0] - 0.3) <= 5 * found.standard_error[0] < 0.05


@pytest.mark.parametrize("beta2", [0.99, 0.999])
def test_yogi_s_second_moment_tends_to_a_weighted_median(beta2):
    # Of the squares 0.64, 0.64 and 4.84, weighted by themselves, 4.84 is the median, and their mean is 2.04.
    generator, method = np.random.default_rng(0), Yogi("0.9", beta2)
    state = method.initial_state((64, 1))
    for n in range(1, math.ceil(20 / (1 - beta2))):
        gradient = generator.choice([0.8, 0.8, -2.2], (64, 1))
        state, _ = method.step(state, gradient, np.zeros((64, 1)), n)
    assert abs(state[1].mean() - 4.84) < 5 * (1 - beta2)
    assert abs(state[1].mean() - 2.04) > 2


def test_what_is_remembered_of_yogi_s_start_does_not_fade():
    found = []
    for start in ("0.3", "0.3004"):
        method = Yogi("0.9", "0.999", start=start)
        state = method.initial_state((1,))
        for n in range(1, 5000):
            state, _ = method.step(state, np.ones(1), np.zeros(1), n)
        found.append(float(state[1][0]))
    assert abs(found[1] - found[0]) == pytest.approx(4e-4, abs=1e-9)
    with pytest.raises(InputError, match="Yogi never forgets its past"):
        monte_carlo(SKEWED, Yogi(), [0.7], seed=0)
