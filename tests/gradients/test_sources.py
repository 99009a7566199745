"""Sources of gradients besides a loss: they agree with it where they are the same, and go as far as they say."""

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    Independent,
    InputError,
    PerRowGradients,
    Problem,
    StepSizeSchedule,
    StochasticGradient,
    VectorField,
    flow,
    phase_portrait,
    simulate,
)
from adamsym.expressions.errors import NotApplicable
from adamsym.field import Normal, monte_carlo
from adamsym.gradients import CoordinateLaws, SymbolicGradient
from adamsym.testing import strategies

ADAM = Adam("0.9", "0.99", "0.001")
NOISE = Empirical({"z": [-1, 0, 2]}, weights=[1, 2, 1])
GAME = VectorField(["x + y*z + z", "y - 2*x*y + z*sin(x)"], ["x", "y"], NOISE)
"""Its Jacobian is far from symmetric."""


def field_of_gradient(problem):
    """The vector field that is the problem's gradient."""
    return VectorField(problem.gradient_expressions, problem.names, problem.law, problem.batch_size)


def numbers(problem, draw):
    return draw(
        st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=problem.dimension, max_size=problem.dimension)
    )


def test_continuous_data_change_to_others_and_to_rows():
    loss, first = "theta**2/2 - theta*log(x)", Independent({"x": "Uniform(1, 2)"})
    for law in (Independent({"x": "Uniform(1, 3)"}), Independent({"x": "Uniform(1, 2)"}), Empirical({"x": [1, 2]})):
        changed, made = Problem(loss, ["theta"], first).changed(law=law), Problem(loss, ["theta"], law)
        assert changed.gradient([0.5]) == made.gradient([0.5])
    with pytest.raises(InputError, match="not real and finite"):
        Problem(loss, ["theta"], first).changed(law=Independent({"x": "Uniform(-1, 2)"}))


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_a_gradient_given_as_a_field_is_the_same_source(data):
    problem = data.draw(strategies.problems())
    theta = numbers(problem, data.draw)
    field = field_of_gradient(problem)
    assert isinstance(field, SymbolicGradient)
    np.testing.assert_allclose(field.row_gradients(theta), problem.row_gradients(theta), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(field.row_jacobians(theta), problem.row_jacobians(theta), rtol=1e-9, atol=1e-9)
    one, other = AdamField(field, ADAM), AdamField(problem, ADAM)
    np.testing.assert_allclose(one(theta), other(theta), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.jacobian(theta), other.jacobian(theta), rtol=1e-6, atol=1e-8)


def test_jacobians_are_the_derivatives_and_not_symmetric():
    theta, step = np.array([0.7, -0.4]), 1e-6
    shifted = [GAME.row_gradients(theta + s) - GAME.row_gradients(theta - s) for s in step * np.eye(2)]
    expected = np.stack(shifted, axis=-1) / (2 * step)
    found = GAME.row_jacobians(theta)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert np.abs(found.swapaxes(-1, -2) - expected).max() > 0.5
    balls = GAME.row_jacobians_ball([flint.arb(x) for x in theta.tolist()])
    np.testing.assert_allclose([[[float(e.mid()) for e in line] for line in row] for row in balls], found, rtol=1e-12)
    for batch_size in (1, 3):
        field = AdamField(VectorField(GAME.texts, GAME.names, NOISE, batch_size), ADAM)
        expected = np.stack([field(theta + s) - field(theta - s) for s in 1e-4 * np.eye(2)], axis=-1) / 2e-4
        np.testing.assert_allclose(field.jacobian(theta), expected, rtol=1e-5)
        point = np.repeat(theta[:, None], 2, axis=1)
        bounds = field.enclose_jacobian(point)
        assert (bounds[..., 0] - 1e-10 <= field.jacobian(theta)).all()
        assert (field.jacobian(theta) <= bounds[..., 1] + 1e-10).all()
        assert (bounds[..., 1] - bounds[..., 0]).max() < 1e-10


def test_a_field_in_four_arithmetics():
    theta = [0.7, -0.4]
    floats = GAME.row_gradients(theta)
    with mpmath.workdps(30):
        precise = GAME.row_gradients_mpmath([mpmath.mpf(x) for x in theta])
    balls = GAME.row_gradients_ball([flint.arb(x) for x in theta])
    for row, z in enumerate((-1, 0, 2)):
        x, y = theta
        np.testing.assert_allclose(floats[row], [x + y * z + z, y - 2 * x * y + z * np.sin(x)], rtol=1e-14)
        np.testing.assert_allclose([float(v) for v in precise[row]], floats[row], rtol=1e-14)
        assert all(
            abs(float(b.mid()) - v) <= float(b.rad()) + 1e-14 for b, v in zip(balls[row], floats[row], strict=True)
        )
    # The compiled loop's first step is Adam's first step with one of the rows.
    start = np.array(theta)
    ends = simulate(GAME, ADAM, StepSizeSchedule("0.1"), start, 1, 64, 0).theta
    allowed = start - 0.1 * floats / (np.abs(floats) + ADAM.eps)
    assert all(min(np.abs(end - one).max() for one in allowed) < 1e-12 for end in ends)


# --- arrays and functions --------------------------------------------------------------------------------------------


def function_of(source):
    return PerRowGradients(
        source.row_gradients,
        source.names,
        weights=source.law.exact_probabilities,
        batch_size=source.batch_size,
        jacobians=source.row_jacobians,
    )


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_a_function_is_the_source_it_computes(data):
    problem = data.draw(strategies.problems())
    theta = numbers(problem, data.draw)
    function = function_of(problem)
    assert isinstance(function, StochasticGradient)
    one, other = AdamField(function, ADAM), AdamField(problem, ADAM)
    assert (one(theta) == other(theta)).all()
    np.testing.assert_allclose(one.jacobian(theta), other.jacobian(theta), rtol=1e-9, atol=1e-9)
    array = AdamField(
        PerRowGradients(
            problem.row_gradients(theta), problem.names, problem.law.exact_probabilities, problem.batch_size
        ),
        ADAM,
    )
    assert (array(theta) == other(theta)).all()
    if problem.law.exact_probabilities[0] * len(problem.law.exact_rows) == 1 and problem.batch_size == 1:
        assert (AdamField(problem.row_gradients(theta), ADAM)(theta) == other(theta)).all()


@pytest.mark.parametrize(("chains", "batch_size"), [(5, 3), (70, 1)])
def test_runs_of_a_function_are_those_of_its_expressions(chains, batch_size):
    source = VectorField(["x + y*z + z", "y - x/2 + z"], ["x", "y"], NOISE, batch_size)
    arguments = (ADAM, StepSizeSchedule("0.1/n**0.7"), [1.0, -1.0], 20, chains, 3)
    one, other = simulate(function_of(source), *arguments), simulate(source, *arguments)
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-11)
    other = simulate(source, *arguments[:-1], 4)
    assert np.abs(one.theta - other.theta).max() > 1e-3


def test_monte_carlo_flows_and_increments_of_a_function():
    field, function = AdamField(GAME, ADAM), function_of(GAME)
    found = monte_carlo(function, ADAM, [0.5, 0.5], seed=1, steps=4000, chains=16)
    assert (np.abs(found.value - field([0.5, 0.5])) <= 5 * found.standard_error).all()
    without = PerRowGradients(GAME.row_gradients, ["x", "y"], weights=[1, 2, 1])
    ends = [flow(AdamField(s, ADAM), [0.5, 0.5], [0.0, 0.5]).theta[-1] for s in (GAME, function, without)]
    np.testing.assert_allclose(ends[1:], [ends[0]] * 2, rtol=1e-7)
    drawn = phase_portrait(AdamField(without, ADAM), [[0, 1], [0, 1]], 3)
    np.testing.assert_allclose(drawn.descent, -GAME.gradient(drawn.points), rtol=1e-12)


def test_diverging_and_failing_functions():
    def log_like(theta):
        if theta[0] < 0:
            raise InputError("theta: below 0")
        return [[10.0 + theta[0]]]

    found = simulate(PerRowGradients(log_like, ["t"]), ADAM, StepSizeSchedule("0.3"), [[0.5], [5.0]], 4, 2, 0)
    assert found.diverged.tolist() == [3, 0]
    assert np.isnan(found.theta[0, 0])
    assert found.theta[1, 0] < 5

    def broken(theta):
        if theta[0] < 0.5:
            raise ZeroDivisionError("mine")
        return [[1.0]]

    with pytest.raises(ZeroDivisionError, match="mine"):
        simulate(PerRowGradients(broken, ["t"], rows=1), ADAM, StepSizeSchedule("0.3"), [1.0], 10, 3, 0)


# --- a source of its own: one class --------------------------------------------------------------------------------


class Pendulum(StochasticGradient):
    """A pendulum with friction and noise, brought to rest: no gradient, and no expressions."""

    names = ("angle", "speed")
    law = Independent({"push": "Normal(0, 1)"})

    def row_gradients(self, theta, rows=None):
        angle, speed = np.moveaxis(self.points(theta)[..., None, :], -1, 0)
        push = rows[..., 0]
        return np.stack(np.broadcast_arrays(-speed + 0 * push, np.sin(angle) + speed + push), axis=-1)


def test_a_source_of_gradients_is_one_class():
    field = AdamField(Pendulum(), ADAM)
    same = AdamField(VectorField(["-v", "sin(a) + v + p"], ["a", "v"], {"p": "Normal(0, 1)"}), ADAM)
    theta = [0.4, -0.3]
    np.testing.assert_allclose(field(theta), same(theta), rtol=1e-7)
    ends = [flow(one, theta, [0.0, 1.0]).theta[-1] for one in (field, same)]
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-6)
    runs = [simulate(one.problem, ADAM, StepSizeSchedule("0.01"), theta, 200, 6, 1).theta for one in (field, same)]
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-9)
    with pytest.raises(NotApplicable, match="Pendulum has none"):
        field.enclose([[0, 1], [0, 1]])


# --- products with vectors ------------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_products_are_those_with_the_rows_jacobians(data):
    problem = data.draw(strategies.problems())
    source = data.draw(st.sampled_from([problem, field_of_gradient(problem), function_of(problem), GAME]))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    theta = np.array(numbers(source, data.draw))
    jacobians, d = source.row_jacobians(theta), source.dimension
    vector, weights = generator.normal(size=d), generator.normal(size=(d, len(jacobians)))
    assert source.has_products
    assert not source.has_own_products
    scale = 1 + np.abs(jacobians).max()
    found = source.weighted_product(theta, weights, vector)
    np.testing.assert_allclose(found, np.einsum("ia,aij,j->i", weights, jacobians, vector), atol=1e-12 * scale)
    found = source.weighted_transposed_product(theta, weights, vector)
    expected = np.einsum("ia,aij,i->j", weights, jacobians, vector)
    np.testing.assert_allclose(found, expected, atol=1e-12 * scale)


def test_the_weights_of_products_belong_to_components():
    theta, vector, weights = np.array([0.7, -0.4]), np.array([1.0, -2.0]), np.array([[1.0, 2.0, 0.5], [-1.0, 0.3, 2.0]])
    found = GAME.weighted_transposed_product(theta, weights, vector)
    np.testing.assert_allclose(found, np.einsum("ia,aij,i->j", weights, GAME.row_jacobians(theta), vector), rtol=1e-13)
    swapped = np.einsum("ja,aij,i->j", weights, GAME.row_jacobians(theta), vector)
    assert np.abs(found - swapped).max() > 0.1


def test_what_has_products_and_a_loss_says_so():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    assert problem.has_loss
    assert not GAME.has_loss
    without = PerRowGradients(GAME.row_gradients, ["x", "y"], weights=[1, 2, 1])
    assert not without.has_products
    for product in (without.weighted_product, without.weighted_transposed_product):
        with pytest.raises(NotApplicable, match="Jacobian"):
            product([0.5, 0.5], np.ones((2, 3)), np.ones(2))
    for source in (GAME, without):
        with pytest.raises(NotApplicable, match="no loss"):
            source.mean_loss([0.5, 0.5])


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: VectorField(["x"], ["x", "y"], NOISE), "1 components for 2 parameters; give one for each"),
        (lambda: VectorField("x + z", ["x"], NOISE), "give the list of its components"),
        (lambda: VectorField(["x", "0*y"], ["x", "y"], NOISE), "0 everywhere; nothing would move y"),
        (lambda: VectorField(["x", "w"], ["x", "y"], NOISE), r"problem.field\[1\]: .*'w'"),
        (lambda: VectorField([sp.Symbol("w", real=True)], ["x"], NOISE), r"problem.field\[0\]: w is neither"),
        (lambda: VectorField(["log(x) + z"], ["x"], NOISE).row_gradients([-1.0]), "problem.field: not real"),
        (lambda: VectorField(["x"], ["x"], NOISE, lyapunov="x +"), "problem.lyapunov"),
        (lambda: AdamField(np.sin, ADAM), "write PerRowGradients"),
        (lambda: AdamField([1.0, 2.0], ADAM), "is no StochasticGradient"),
        (lambda: AdamField([[1.0], [np.nan]], ADAM), "not finite at data row 1"),
        (lambda: PerRowGradients(lambda t: [[1.0]]), "parameters: missing"),
        (lambda: PerRowGradients(lambda t: [1.0], ["a"]), r"gradients at theta = 0: shape \(1,\)"),
        (lambda: PerRowGradients(lambda t: [[1.0]], ["a"], rows=2).row_gradients([0.0]), "shape"),
        (lambda: PerRowGradients([[1.0, 2.0]], ["a"]), "shape"),
        (lambda: AdamField([[1.0], [2.0]], ADAM).jacobian([0.0]), "jacobians = a function"),
        (lambda: flow(AdamField([[1.0], [2.0]], ADAM), [0.0], [0, 1]), "flow needs gradients at every theta"),
        (lambda: simulate([[1.0]], ADAM, StepSizeSchedule("1"), [0.0], 1, 1, 0), "simulate needs gradients at every"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# --- a law of its own: one class -----------------------------------------------------------------------------------


class Wedge:
    """The density of a wedge on [0, 1], highest in the middle: a law of one column."""

    names = ("x",)
    levels = 3

    def sample(self, generator, shape):
        return generator.triangular(0, 0.5, 1, (*shape, 1))

    def discretise(self, level):
        nodes, weights = np.polynomial.legendre.leggauss(10 * 2**level)
        left = (nodes + 1) / 4
        x = np.concatenate((left, 1 - left))
        return x[:, None], np.tile(weights * left, 2) / (2 * weights @ left)


class TwoPoints:
    """g = centre - 1 or centre + 1, with equal probability: the law of one coordinate."""

    magnitude_bound = property(lambda self: abs(self.centre) + 1)

    def __init__(self, centre):
        self.centre, self.values = centre, np.array([centre - 1, centre + 1])

    @property
    def moments(self):
        return tuple(float((self.values**k).mean()) for k in (1, 2, 3, 4))

    def transforms(self, t):
        parts = np.exp(-np.multiply.outer(t, self.values**2 - min(self.values**2)))
        return np.log(parts.mean(axis=-1)) - t * min(self.values**2), (parts @ self.values) / parts.sum(axis=-1)

    def sample(self, generator, shape):
        return generator.choice(self.values, shape)


def goes_everywhere(source, same, theta, rtol):
    """The field, flow and runs of a source, beside another of the same law."""
    field, other = AdamField(source, ADAM), AdamField(same, ADAM)
    np.testing.assert_allclose(field(theta), other(theta), rtol=rtol)
    assert (field.evaluate(theta).error < 1e-6).all()
    ends = [flow(one, theta, [0.0, 0.3]).theta[-1] for one in (field, other)]
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-5)
    found = monte_carlo(source, ADAM, theta, seed=2, steps=800, chains=16)
    assert (np.abs(found.value - field(theta)) <= 5 * found.standard_error).all()
    arguments = (ADAM, StepSizeSchedule("0.01"), theta, 60, 80, 5)
    runs = [simulate(one, *arguments).theta for one in (source, same)]
    error = np.hypot(*(one.std(axis=0) for one in runs)) / np.sqrt(80)
    assert (np.abs(runs[0].mean(axis=0) - runs[1].mean(axis=0)) < 5 * error).all()
    # Chains draw for themselves, however many there are.
    few = simulate(source, *arguments[:-2], 70, arguments[-1]).theta
    np.testing.assert_allclose(few, runs[0][:70], rtol=1e-12)


def test_a_law_of_a_column_is_one_class():
    two = Independent({"u": "Uniform(0, 1)", "v": "Uniform(0, 1)"})
    source = Problem("(theta - x)**2/2", ["theta"], Wedge())
    goes_everywhere(source, Problem("(theta - (u + v)/2)**2/2", ["theta"], two), [0.9], 1e-6)


def test_a_law_of_a_coordinate_is_one_class():
    source = CoordinateLaws(lambda theta: [TwoPoints(theta[0])], ["theta"])
    goes_everywhere(source, Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), [0.4], 1e-10)
    assert source.gradient([[0.5], [2.0]]).tolist() == [[0.5], [2.0]]
    for wrong in ([], [1.0], [TwoPoints(0), TwoPoints(1)]):
        with pytest.raises(InputError, match="laws: "):
            AdamField(CoordinateLaws(lambda _, wrong=wrong: wrong, ["theta"]), ADAM)([0.0])


@settings(max_examples=8, deadline=None)
@given(st.floats(-3, 3), st.floats(0.1, 2))
def test_normal_coordinates_are_those_of_normal_data(mean, deviation):
    source = CoordinateLaws(lambda theta: [Normal(theta[0] - mean, deviation)], ["theta"])
    same = Problem("(theta - x)**2/2", ["theta"], {"x": f"Normal({mean!r}, {deviation!r})"})
    np.testing.assert_allclose(AdamField(source, ADAM)([1.0]), AdamField(same, ADAM)([1.0]), rtol=1e-9, atol=1e-12)
