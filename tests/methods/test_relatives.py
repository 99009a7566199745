"""Relatives of Adam: their updates against torch and optax, their fields against their own chains."""

from fractions import Fraction
from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import simulate
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, monte_carlo
from adamsym.gradients import Empirical, Problem
from adamsym.methods import (
    METHODS,
    Adam,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    AdaptiveMethod,
    NAdam,
    RMSprop,
    StepSizeSchedule,
    require_adam,
)
from adamsym.testing import strategies

LINE = Empirical({"x": [0, 1, 2, 3], "y": [1, 0, 2, 5]}, weights=[1, 2, 2, 1])
REGRESSION = Problem("(w*x + b - y)**2/2", ["w", "b"], LINE)
THETA = [0.3, -0.7]
RATE = 1e-2

RELATIVES = [
    Adam("0.9", "0.99", "0.1"),
    RMSprop("0.99", "0.1"),
    AdamWithoutMomentum("0.9", "1e-8"),
    NAdam("0.9", "0.99", "0.1"),
    NAdam("0.5", "0.5", "1e-3"),
    AdamW("0.9", "0.99", "0.1", "0.5"),
    AdamEpsInsideRoot("0.9", "0.99", "0.1"),
    AdamEpsInsideRoot("0.3", "0.9", "1e-8"),
]


@pytest.mark.parametrize("method", RELATIVES, ids=str)
def test_the_field_is_the_time_average_of_its_own_chain(method):
    estimate = monte_carlo(REGRESSION, method, THETA, seed=1, steps=20_000, chains=32)
    value = AdamField(REGRESSION, method)(THETA)
    assert (estimate.standard_error < 0.01).all()
    assert (np.abs(estimate.value - value) <= 5 * estimate.standard_error).all()


SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 0, 0, 9]}))


@pytest.mark.parametrize(
    ("method", "other"),
    [
        (NAdam("0.5", "0.5", "1e-2"), Adam("0.5", "0.5", "1e-2")),
        (RMSprop("0.5", "1e-2"), Adam("0.5", "0.5", "1e-2")),
        (AdamW("0.5", "0.5", "1e-2", "0.1"), Adam("0.5", "0.5", "1e-2")),
        (AdamEpsInsideRoot("0.5", "0.5", "0.1"), Adam("0.5", "0.5", "0.1")),
    ],
    ids=str,
)
def test_the_field_of_another_method_is_rejected(method, other):
    estimate = monte_carlo(SKEWED, method, [1.0], seed=2, steps=20_000, chains=64)
    assert abs(estimate.value[0] - AdamField(SKEWED, method)([1.0])[0]) <= 5 * estimate.standard_error[0]
    assert abs(estimate.value[0] - AdamField(SKEWED, other)([1.0])[0]) > 5 * estimate.standard_error[0]


def test_rmsprop_and_adam_without_momentum_share_adams_field():
    fields = [AdamField(REGRESSION, m)(THETA) for m in (RMSprop("0.9"), AdamWithoutMomentum("0.9"), Adam(0, "0.9"))]
    np.testing.assert_array_equal(fields[0], fields[1])
    np.testing.assert_array_equal(fields[0], fields[2])


def test_a_deterministic_gradient():
    one = Problem("theta**2/2 + 0*x", ["theta"], Empirical({"x": [1]}))
    for g in (1e-6, 0.3, -7.0):
        assert AdamField(one, NAdam(eps="0.1"))([g])[0] == pytest.approx(-g / (abs(g) + 0.1), rel=1e-13)
        assert AdamField(one, AdamEpsInsideRoot(eps="0.1"))([g])[0] == pytest.approx(
            -g / np.sqrt(g**2 + 0.1), rel=1e-13
        )
        decayed = AdamField(one, AdamW(eps="0.1", weight_decay="0.2"))([g])[0]
        assert decayed == pytest.approx(-g / (abs(g) + 0.1) - 0.2 * g, rel=1e-13)


@pytest.mark.parametrize("method", [m for m in RELATIVES if m.eps > 1e-4], ids=str)
def test_jacobians(method):
    field = AdamField(REGRESSION, method)

    def central(step):
        shifts = step * np.eye(2)
        return (field(THETA + shifts) - field(THETA - shifts)).T / (2 * step)

    expected = (4 * central(1e-3) - central(2e-3)) / 3
    np.testing.assert_allclose(field.jacobian(THETA), expected, atol=1e-7 * np.abs(expected).max())


def test_step_bounds():
    # The bound is attained by gradients proportional to c_k/((1-beta) beta^k): here for NAdam by direct summation.
    method = NAdam("0.6", "0.8")
    k = np.arange(400)
    c = 0.4 * 0.6 ** (k + 1)
    c[0] = 0.4 * 1.6
    assert method.step_bound == pytest.approx(np.sqrt((c**2 / (0.2 * 0.8**k)).sum()), rel=1e-12)
    assert Adam("0.6", "0.8").step_bound == pytest.approx(0.4 / np.sqrt(0.2 * (1 - 0.36 / 0.8)), rel=1e-14)
    assert RMSprop("0.99").step_bound == pytest.approx(10, rel=1e-14)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs_and_stays_at_its_zero(name):
    method = METHODS[name]()
    single = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0]}))
    found = simulate(single, method, StepSizeSchedule("0.1/n**0.7"), [0.0], steps=50, chains=2, seed=1)
    # Yogi's m begins at ``start``, 1e-6: it moves by some start/eps steps before m is forgotten.
    assert (np.abs(found.theta) <= (1e-6 if name == "Yogi" else 0)).all()


def test_bad_arguments():
    with pytest.raises(InputError, match=r"adam\.weight_decay"):
        AdamW(weight_decay=-1)
    with pytest.raises(InputError, match=r"adam\.beta1"):
        NAdam(beta1=1)
    with pytest.raises(InputError, match=r"adam\.eps"):
        RMSprop(eps=0)
    with pytest.raises(InputError, match=r"adam\.weight_decay"):
        AdamW(weight_decay="inf")


@pytest.mark.parametrize("method", [*METHODS.values()])
def test_methods_show_themselves_as_python(method):
    number = next(name for name in ("beta2", "beta1", "decay") if name in signature(method).parameters)
    one = method(**{number: "0.9"}) if method is not AdamW else AdamW("0.5", "0.9", "0.01", "0.1")
    assert eval(repr(one), {method.__name__: method}) == one
    assert "Fraction" not in repr(one)


def test_first_steps_of_nadam_by_hand():
    # Dozat 2016: alpha m_1/(1 - alpha^2) + g with m_1 = (1 - alpha) g; v_1 corrected is g^2.
    linear = Problem("2*a*x - 3*b*x", ["a", "b"], Empirical({"x": [1]}))
    method, gradient = NAdam("0.75", "0.9", "0.5"), np.array([2.0, -3.0])
    path = simulate(linear, method, StepSizeSchedule(1), [0, 0], steps=2, chains=1, seed=0, record_every=1)
    first, second = path.recorded[:, 0]
    np.testing.assert_allclose(-first, gradient * (1 + 0.75 / 1.75) / (np.abs(gradient) + 0.5), rtol=1e-15)
    # The second: m_2 = m_1 (1 + alpha), divided by 1 - alpha^3.
    look_ahead = 0.75 * 0.25 * 1.75 / (1 - 0.75**3) + 0.25 / (1 - 0.75**2)
    np.testing.assert_allclose(first - second, gradient * look_ahead / (np.abs(gradient) + 0.5), rtol=1e-14)


# --- step by step against other libraries ---------------------------------------------------------------------------

WAVY = Problem(
    "(a - x)**2/2 + sin(20*b)/1e3 + 10*(c - x/2)**4 + a*d/5 + cosh(d)", ["a", "b", "c", "d"], Empirical({"x": [3]})
)
# After 270 steps RMSprop oscillates and makes a billion times of a rounding error.
START, STEPS = [1.0, -2.0, 0.0, 3.0], 250


def ours(method):
    """Parameters after every step with the step size RATE."""
    schedule = StepSizeSchedule(RATE)
    return simulate(WAVY, method, schedule, START, steps=STEPS, chains=1, seed=0, record_every=1).recorded[:, 0]


def torch_path(make):
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = make(torch.optim, [parameter])
    path = []
    for _ in range(STEPS):
        parameter.grad = torch.tensor(WAVY.gradient(parameter.detach().numpy()))
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return np.array(path)


TORCH = {
    "Adam": (Adam("0.9", "0.99", "1e-3"), lambda o, p: o.Adam(p, RATE, (0.9, 0.99), 1e-3, foreach=False)),
    "AdamW": (
        AdamW("0.9", "0.99", "1e-3", "0.3"),
        lambda o, p: o.AdamW(p, RATE, (0.9, 0.99), 1e-3, weight_decay=0.3, foreach=False),
    ),
    "RMSprop": (RMSprop("0.9", "1e-3"), lambda o, p: o.RMSprop(p, RATE, 0.9, 1e-3, foreach=False)),
    "no momentum": (
        AdamWithoutMomentum("0.99", "1e-3"),
        lambda o, p: o.Adam(p, RATE, (0.0, 0.99), 1e-3, foreach=False),
    ),
}


@pytest.mark.parametrize(("method", "make"), TORCH.values(), ids=TORCH)
def test_updates_agree_with_torch(method, make):
    theirs, path = torch_path(make), ours(method)
    np.testing.assert_allclose(path, theirs, rtol=0, atol=1e-12)
    wrong = ours(Adam("0.9", "0.98", "1e-3"))
    assert np.abs(wrong - theirs).max() > 1e-4


OPTAX = {
    "adam": (Adam("0.9", "0.99", "1e-3"), lambda o: o.adam(RATE, 0.9, 0.99, 1e-3)),
    "nadam": (NAdam("0.9", "0.99", "1e-3"), lambda o: o.nadam(RATE, 0.9, 0.99, 1e-3)),
    "adamw": (AdamW("0.9", "0.99", "1e-3", "0.3"), lambda o: o.adamw(RATE, 0.9, 0.99, 1e-3, weight_decay=0.3)),
    "eps_root": (
        AdamEpsInsideRoot("0.9", "0.99", "1e-3"),
        lambda o: o.adam(RATE, 0.9, 0.99, eps=0.0, eps_root=1e-3),
    ),
    "rmsprop": (RMSprop("0.9", "1e-3"), lambda o: o.rmsprop(RATE, 0.9, 1e-3, eps_in_sqrt=False)),
}


@pytest.mark.parametrize(("method", "make"), OPTAX.values(), ids=OPTAX)
def test_updates_agree_with_optax(method, make, wide_jax):
    jax, optax = wide_jax, pytest.importorskip("optax")
    optimizer = make(optax)
    theta = jax.numpy.asarray(START)
    state, path = optimizer.init(theta), []
    for _ in range(STEPS):
        update, state = optimizer.update(jax.numpy.asarray(WAVY.gradient(theta)), state, theta)
        theta = optax.apply_updates(theta, update)
        path.append(np.asarray(theta))
    np.testing.assert_allclose(ours(method), np.array(path), rtol=0, atol=1e-12)
    wrong = ours(Adam("0.9", "0.98", "1e-3"))
    assert np.abs(wrong - np.array(path)).max() > 1e-4


# --- drawn problems and numbers ---------------------------------------------------------------------------------------

few = settings(max_examples=10, deadline=None)
with_point = strategies.problems().flatmap(lambda p: st.tuples(st.just(p), strategies.points(p.dimension, 3)))


@few
@given(with_point, strategies.adams(), st.sampled_from(["0", "0.01", "1", "7/3"]))
def test_fields_of_relatives_come_from_adams(drawn, adam, decay):
    problem, theta = drawn
    numbers = (adam.beta, adam.epsilon)
    value, memoryless = AdamField(problem, adam)(theta), AdamField(problem, Adam(0, *numbers))(theta)
    decaying = AdamW(adam.alpha, *numbers, decay)
    np.testing.assert_allclose(
        AdamField(problem, decaying)(theta), value - float(Fraction(decay)) * np.array(theta), rtol=1e-13
    )
    for method in (RMSprop(*numbers), AdamWithoutMomentum(*numbers)):
        np.testing.assert_array_equal(AdamField(problem, method)(theta), memoryless)
    # The look-ahead's numerator is (1 - beta1) g + beta1 m.
    ahead = AdamField(problem, NAdam(adam.alpha, *numbers))(theta)
    expected = (1 - adam.beta1) * memoryless + adam.beta1 * value
    np.testing.assert_allclose(ahead, expected, atol=1e-12 * max(1, adam.step_bound))


@few
@given(with_point, strategies.adams())
def test_eps_inside_the_root_scales_with_the_square(drawn, adam):
    problem, theta = drawn
    louder = Problem(3 * problem.loss, problem.names, problem.law, problem.batch_size)
    value = AdamField(problem, AdamEpsInsideRoot(adam.alpha, adam.beta, adam.epsilon))(theta)
    again = AdamField(louder, AdamEpsInsideRoot(adam.alpha, adam.beta, 9 * adam.epsilon))(theta)
    np.testing.assert_allclose(again, value, rtol=1e-11, atol=1e-13)
    gradients, weights = problem.gradient_atoms(np.array(theta))
    assert (np.abs(value) <= weights @ np.abs(gradients) / np.sqrt(adam.eps) * (1 + 1e-12)).all()


@given(st.one_of(strategies.adams(), strategies.adam_relatives()))
def test_only_adam_passes_for_adam(method):
    assert isinstance(method, AdaptiveMethod)
    if type(method) is Adam:
        assert require_adam(method, "this") is method
    else:
        with pytest.raises(InputError, match=rf"this is available for Adam alone, not for {type(method).__name__}"):
            require_adam(method, "this")
