"""Zeros and Lyapunov regions of Adam's relatives, and of a user's method; runs of torch and optax end at the zeros.

The data are 0, 0, 3 with the loss (theta - x)**2/2, whose mean is least at 1.
"""

import dataclasses
import itertools
import json
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certify import certificate, certify_lyapunov, compare_regions, find_zeros
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.lyapunov.decrease_constants import universal_bound
from adamsym.certify.lyapunov.theorem_regions import has_levels
from adamsym.checker import check_certificate
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, AdaptiveMethod, NAdam, RMSprop
from adamsym.methods.kernels import RootPlusEps
from adamsym.methods.record import method_record

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
SLOW = pytest.mark.slow
SHORT = {"beta1": "0.5", "beta2": "0.6", "eps": "0.1"}
DECAYING = AdamW(**SHORT, weight_decay="0.1")
DEFAULTS_DECAYING = AdamW(weight_decay="0.1")


class PartlyAhead(AdaptiveMethod):
    """A user's method: Adam's momentum, with a third of its weight on the newest gradient."""

    def __init__(self, beta1="0.5", beta2="0.6", eps="0.1"):
        super().__init__(beta1, beta2, eps)

    @property
    def current_weight(self):
        return Fraction(1, 3)


@cache
def all_zeros(method):
    return find_zeros(AdamField(PROBLEM, method), [[-5, 5]])


def zero_of(method):
    assert all_zeros(method).complete
    [zero] = all_zeros(method).zeros
    return zero


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (DECAYING, None),
        pytest.param(DEFAULTS_DECAYING, 0.8751563, marks=SLOW),
        (RMSprop(), 0.9949496),
        (NAdam(), 0.9995035),
        (AdamEpsInsideRoot(), 0.9995040),
        (PartlyAhead(), None),
        (AdamEpsInsideRoot(**SHORT), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_zero_of_each_method_is_certified(method, expected):
    """Between two floats where the field by quadrature, which shares no code with the enclosures, changes its sign."""
    zero = zero_of(method)
    assert zero.stability == "attracting"
    assert zero.critical_point == "no"
    assert np.ptp(zero.box) <= 1e-10
    below, above = AdamField(PROBLEM, method)(zero.midpoint[0] + np.array([[-1e-9], [1e-9]]))[:, 0]
    assert below > 0 > above
    if expected is not None:
        assert zero.midpoint[0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("method", "other"),
    [
        (DECAYING, Adam(**SHORT)),
        (RMSprop(), RMSprop("0.9")),
        pytest.param(NAdam(), Adam(), marks=SLOW),
        (AdamEpsInsideRoot(), AdamEpsInsideRoot(eps="0.1")),
        pytest.param(DEFAULTS_DECAYING, Adam(), marks=SLOW),
        pytest.param(RMSprop("0.6", "0.1"), Adam(**SHORT), marks=SLOW),
        pytest.param(NAdam(**SHORT), Adam(**SHORT), marks=SLOW),
        pytest.param(AdamEpsInsideRoot(**SHORT), Adam(**SHORT), marks=SLOW),
    ],
    ids=str,
)
def test_the_certificate_of_each_method_checks(method, other):
    """And is refused as one of another method."""
    [middle] = zero_of(method).midpoint
    around = find_zeros(AdamField(PROBLEM, method), [[middle - 0.05, middle + 0.07]])
    content = json.loads(json.dumps(certificate(around), allow_nan=False))
    assert len(content["zeros"]) == 1
    result = check_certificate(content)
    assert result.valid, result.reason
    content["problem"]["method"] = method_record(other)
    refused = check_certificate(content, digest=False)
    assert not refused.valid
    assert not refused.undecided


def test_the_zero_of_adam_is_none_of_adamw():
    """The control: without its decay, the method would pass."""
    apart = zero_of(Adam(**SHORT)).box[0, 0] - zero_of(DECAYING).box[0, 1]
    assert apart > 0.1
    beside = find_zeros(AdamField(PROBLEM, DECAYING), [[0.7, 1.1]])
    assert beside.complete
    assert beside.zeros == ()
    assert zero_of(AdamW(**SHORT, weight_decay=0)).midpoint[0] == zero_of(Adam(**SHORT)).midpoint[0]


def test_a_sign_of_the_mean_gradient_is_no_proof_where_decay_pulls_against_it():
    """Left of the mean, on the right of 0, decay pulls against the gradient; elsewhere it pulls with it."""
    for side, agrees in (([[0.1, 0.2]], False), ([[-0.2, -0.1]], True), ([[2.0, 2.5]], True), ([[-0.1, 0.1]], False)):
        with ball_arithmetic():
            box = hulls(np.array(side))
            assert FieldFunction(AdamField(PROBLEM, Adam())).at(box).nonzero() == 0
            assert (FieldFunction(AdamField(PROBLEM, DEFAULTS_DECAYING)).at(box).nonzero() == 0) == agrees
    # A strong decay has its zero where the sign of the mean gradient alone would exclude it.
    strong = zero_of(AdamW(**SHORT, weight_decay=10)).midpoint[0]
    assert 0 < strong < 0.1


def test_a_common_minimum_is_a_zero_of_adamw_at_the_origin_alone():
    at_origin = Problem("x*theta**2/2", ["theta"], Empirical({"x": [1, 2]}))
    beside = Problem("x*(theta - 1)**2/2", ["theta"], Empirical({"x": [1, 2]}))
    assert find_zeros(AdamField(at_origin, DECAYING), [[-1, 1.3]]).zeros[0].point == (0,)
    assert find_zeros(AdamField(beside, Adam(**SHORT)), [[-1, 1.3]]).zeros[0].point == (1,)
    assert find_zeros(AdamField(beside, DECAYING), [[-1, 1.3]]).zeros[0].point is None


def slope_along(field, theta):
    return float(field.problem.gradient(theta) @ field(theta))


METHODS = st.sampled_from(
    [RMSprop("0.6", "0.1"), NAdam(**SHORT), AdamEpsInsideRoot(**SHORT), PartlyAhead(), DEFAULTS_DECAYING]
)


@settings(deadline=None, max_examples=10, derandomize=True)
@given(METHODS, st.floats(-2, 2), st.floats(0.01, 0.5), st.floats(0, 1))
def test_certified_boxes_hold_no_counterexample(method, low, width, share):
    field = AdamField(Problem("(theta*x + y)**2/2", ["theta"], Empirical({"x": [1, 2], "y": [1, -1]})), method)
    found = certify_lyapunov(field, [[low, low + width]], budget=20)
    for ((a, b),), outcome in found.certified:
        theta = [a + share * (b - a)]
        assert slope_along(field, theta) <= -outcome.rate * field.problem.mean_loss(theta) + 1e-12
    if found.witness is not None:
        assert slope_along(field, found.witness) > 0


def test_the_loss_need_not_decrease_along_adamw():
    """Between AdamW's zero and the mean decay wins; beyond the mean, and left of 0, both pull downhill."""
    field = AdamField(PROBLEM, DEFAULTS_DECAYING)
    refuted = certify_lyapunov(field, [[0.9, 0.98]])
    assert refuted.verdict == "refuted"
    assert slope_along(field, refuted.witness) > 0
    assert certify_lyapunov(AdamField(PROBLEM, Adam()), [[0.9, 0.98]]).verdict == "certified"
    for region in ([[1.1, 4]], [[-2, -0.1]]):
        found = certify_lyapunov(field, region)
        assert found.verdict == "certified"
        assert {outcome.by for _, outcome in found.leaves} == {"sign"}
    # The decay alone, where gradient and decay disagree: by enclosures.
    left = certify_lyapunov(field, [[0.1, 0.3]])
    assert left.verdict == "certified"
    assert {outcome.by for _, outcome in left.leaves} == {"enclosure"}


def test_next_to_minima_nothing_is_certified_of_adamw():
    """The lemmas for gradients with their zero divided out know no decay."""
    problem = Problem("x*(theta - 1)**2/2", ["theta"], Empirical({"x": [1, 2]}))
    assert certify_lyapunov(AdamField(problem, NAdam(**SHORT)), [[0.5, 1.6]]).verdict == "certified"
    decaying = certify_lyapunov(AdamField(problem, DECAYING), [[0.5, 1.6]], budget=40)
    assert decaying.verdict != "certified"


def test_levels_are_given_where_they_are_proved():
    problem = Problem("x*theta**2/2", ["theta"], Empirical({"x": [1, 2]}))
    levels = {
        type(method): compare_regions(certify_lyapunov(AdamField(problem, method), [[-0.5, 0.6]])).level_t6
        for method in (Adam(**SHORT), RMSprop("0.6", "0.1"), NAdam(**SHORT), AdamEpsInsideRoot(**SHORT))
    }
    assert levels[RMSprop] == levels[Adam] == levels[NAdam] > 0
    assert levels[AdamEpsInsideRoot] is None
    assert not has_levels(DECAYING.laplace)
    assert has_levels(AdamW(weight_decay=0).laplace)
    derived = type("Derived", (RootPlusEps,), {"name": "another"})(Fraction(1, 10))
    assert not has_levels(dataclasses.replace(Adam().laplace, kernel=derived))


def test_the_universal_bound_of_each_method():
    """N-Lemma 2 for a mean of gradients; 1 unless late gradients weigh more than in the second moment."""
    for method in (Adam(), RMSprop(), NAdam(), PartlyAhead(), RMSprop(beta2=0)):
        assert universal_bound(method.laplace) == 1
    # beta1 > beta2: Adam's own bound, below which laws reach 1.054.
    late = universal_bound(Adam("0.09", "0.01", 1).laplace)
    assert float(late) == pytest.approx(0.91 / (1 - 0.09 / 0.1))
    weights = NAdam("0.09", "0.01", 1).laplace.weights
    ahead = universal_bound(NAdam("0.09", "0.01", 1).laplace)
    assert float(ahead) == pytest.approx(float(sum(weights.weight(k) * 10**k for k in range(400))))
    assert 1 < ahead < late
    # beta1 nearer to the root of beta2 than floats come: finite, by exact numbers.
    with ball_arithmetic():
        near = universal_bound(Adam("0.3", Fraction(9, 100) + Fraction(1, 10**18), 1).laplace)
    assert float(near) == pytest.approx(0.7 * 0.18e18, rel=1e-6)
    assert not universal_bound(dataclasses.replace(Adam("0.3").laplace, beta=Fraction(9, 100))).is_finite()


def mean_quotient(weights, beta, first, second, p, lags=9):
    """E[M/sqrt V] of the first lags, for a law of two values, by listing all histories."""
    histories = np.array(list(itertools.product((0, 1), repeat=lags)))
    g = np.where(histories == 1, first, second)
    probability = np.prod(np.where(histories == 1, p, 1 - p), axis=1)
    c = np.array([float(weights.weight(k)) for k in range(lags)])
    v = (g**2) @ ((1 - beta) * beta ** np.arange(lags))
    return abs(probability @ (g @ c / np.sqrt(v)))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.sampled_from([NAdam("0.09", "0.01"), Adam("0.09", "0.01"), NAdam("0.1", "0.2"), RMSprop("0.2")]),
    st.floats(0.1, 3),
    st.one_of(st.floats(0.1, 3), st.floats(-3, -0.1)),
    st.floats(0.01, 0.99),
)
def test_no_law_exceeds_the_universal_bound(method, first, second, p):
    weights, beta = method.laplace.weights, float(method.beta)
    # Nine lags hold all of V and M but a share that is below 900 beta^9.
    assert mean_quotient(weights, beta, first, second, p) <= float(universal_bound(method.laplace)) + 1e-3


STEPS, CHAINS = 2000, 2000
SIZES = 0.05 * (0.001 / 0.05) ** (np.arange(STEPS) / STEPS)


def rows():
    return np.random.default_rng(0).choice([0.0, 0.0, 3.0], size=(STEPS, CHAINS))


def end_of_torch(name, **options):
    """The mean over chains, each with rows of its own, after steps that decrease from 0.05 to 0.001."""
    torch = pytest.importorskip("torch")
    theta = torch.full((CHAINS,), 1.2, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([theta], **options)
    for size, row in zip(SIZES, torch.from_numpy(rows()), strict=True):
        optimizer.param_groups[0]["lr"] = float(size)
        theta.grad = theta.detach() - row
        optimizer.step()
    return float(theta.detach().mean())


OF_TORCH = {"betas": (0.5, 0.6), "eps": 0.1}


@pytest.mark.parametrize(
    ("method", "name", "options"),
    [
        (DECAYING, "AdamW", OF_TORCH | {"weight_decay": 0.1}),
        (RMSprop("0.6", "0.1"), "RMSprop", {"alpha": 0.6, "eps": 0.1}),
        # The look-ahead's weight is from the beginning what it grows to.
        (NAdam(**SHORT), "NAdam", OF_TORCH | {"momentum_decay": 1e9}),
        pytest.param(DEFAULTS_DECAYING, "AdamW", {"weight_decay": 0.1}, marks=SLOW),
        pytest.param(RMSprop(), "RMSprop", {}, marks=SLOW),
        pytest.param(NAdam(), "NAdam", {"momentum_decay": 1e9}, marks=SLOW),
    ],
    ids=["AdamW", "RMSprop", "NAdam", "AdamW, defaults", "RMSprop, defaults", "NAdam, defaults"],
)
def test_runs_of_torch_end_at_the_certified_zero(method, name, options):
    assert end_of_torch(name, **options) == pytest.approx(zero_of(method).midpoint[0], abs=3e-3)


def test_a_run_ends_at_no_other_methods_zero():
    """The control: these zeros are farther apart than runs end from theirs."""
    ends = [zero_of(method).midpoint[0] for method in (DECAYING, Adam(), RMSprop("0.6", "0.1"), NAdam(**SHORT))]
    ends += [zero_of(method).midpoint[0] for method in (Adam(**SHORT), AdamEpsInsideRoot(**SHORT), PartlyAhead())]
    assert min(np.diff(sorted(ends))) > 3e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "name", "options"),
    [
        (AdamEpsInsideRoot(**SHORT), "adam", {"b1": 0.5, "b2": 0.6, "eps": 0, "eps_root": 0.1}),
        (AdamEpsInsideRoot(), "adam", {"eps": 0, "eps_root": 1e-8}),
        (NAdam(**SHORT), "nadam", {"b1": 0.5, "b2": 0.6, "eps": 0.1}),
    ],
    ids=["eps inside", "eps inside, defaults", "NAdam"],
)
def test_runs_of_optax_end_at_the_certified_zero(method, name, options):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    optimizer = getattr(optax, name)(1.0, **options)

    def step(state, given):
        theta, kept = state
        size, row = given
        change, kept = optimizer.update(theta - row, kept)
        return (theta + size * change, kept), None

    start = jax.numpy.full(CHAINS, 1.2)
    (theta, _), _ = jax.lax.scan(
        step, (start, optimizer.init(start)), (jax.numpy.array(SIZES), jax.numpy.array(rows()))
    )
    assert float(theta.mean()) == pytest.approx(zero_of(method).midpoint[0], abs=3e-3)
