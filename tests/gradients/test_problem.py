"""Gradients, Hessians, minibatches and laws of problems, held against independent computations."""

import inspect
import math
import random
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Empirical, Independent, InputError, Problem, library, read_problem
from adamsym.gradients.batches import batch_counts
from adamsym.gradients.library import BUILDERS, build
from adamsym.gradients.record import problem_text
from adamsym.methods import METHODS
from adamsym.testing import strategies

COLUMNS = {"a": [0.5, -1.0, 2.0], "c": [1.0, 0.25, -0.5], "y": [1.0, 0.0, 1.0]}
OPTIONS = {
    "quantile": {"level": 0.3},
    "huber": {"delta": 0.6},
    "pseudo_huber": {"delta": 0.6},
    "cauchy": {"scale": 0.6},
    "softmax": {"targets": ["c", "y"]},
    "polynomial_regression": {"inputs": ["a"], "degree": 3},
    "matrix_factorization": {"left": ["a"], "right": ["c"], "rank": 2},
    "deep_linear_network": {"hidden": [2, 2]},
    "tanh_network": {"hidden": [2]},
    "overparametrized_least_squares": {"features": 5},
    "parabola_or_sine": {"inputs": ["y"]},
}


def built(name):
    law = Empirical(COLUMNS)
    loss, parameters = build(name, OPTIONS.get(name, {}), law.names)
    return Problem(loss, parameters, law)


@pytest.mark.parametrize("name", BUILDERS)
def test_library_derivatives_by_differences(name):
    problem = built(name)
    theta = np.random.default_rng(3).normal(size=problem.dimension)
    step = 1e-5
    shifts = step * np.eye(problem.dimension)
    gradients = problem.row_gradients(theta)
    central = (problem.row_losses(theta + shifts) - problem.row_losses(theta - shifts)).T / (2 * step)
    assert np.abs(gradients).max() > 1e-3
    np.testing.assert_allclose(gradients, central, atol=1e-7 * (1 + np.abs(gradients).max()))
    hessians = problem.row_jacobians(theta)
    central = np.moveaxis(problem.row_gradients(theta + shifts) - problem.row_gradients(theta - shifts), 0, -1)
    np.testing.assert_allclose(hessians, central / (2 * step), atol=1e-7 * (1 + np.abs(hessians).max()))


@pytest.mark.parametrize("name", BUILDERS)
def test_library_gradients_in_three_arithmetics(name):
    problem = built(name)
    theta = np.random.default_rng(4).normal(size=problem.dimension)
    floats = problem.row_gradients(theta)
    balls = problem.row_gradients_ball([flint.arb(x) for x in theta.tolist()])
    with mpmath.workdps(40):
        numbers = problem.row_gradients_mpmath([mpmath.mpf(x) for x in theta.tolist()])
    for row in range(3):
        for k in range(problem.dimension):
            exact = float(numbers[row][k])
            assert floats[row, k] == pytest.approx(exact, rel=1e-11, abs=1e-13)
            assert balls[row][k].rad() < 1e-9
            assert abs(float(balls[row][k].mid()) - exact) <= float(balls[row][k].rad()) + 1e-14 * (1 + abs(exact))


def split(theta, *shapes):
    parts = np.split(theta, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def tanh_loss(a, c, y, theta):
    first, last = split(theta, (2, 3), (3,))
    hidden = np.tanh(first @ np.array([a, c, np.ones_like(a)]))
    return (last[:2] @ hidden + last[2] - y) ** 2 / 2


def linear_loss(a, c, y, theta):
    first, second, last = split(theta, (2, 2), (2, 2), (2,))
    return (last @ second @ first @ np.array([a, c]) - y) ** 2 / 2


def features_loss(a, c, y, theta):
    generator = random.Random(0)
    draws = np.array([[generator.randint(-2000, 2000) / 1000 for _ in range(3)] for _ in range(5)])
    return (theta @ np.tanh(draws @ np.array([np.ones_like(a), a, c])) - y) ** 2 / 2


def softmax_loss(a, c, y, theta):
    scores = np.stack([theta[0] * a + theta[1], theta[2] * a + theta[3], np.zeros_like(a)])
    return np.log(np.exp(scores).sum(axis=0)) - c * scores[0] - y * scores[1]


def of_residual(loss):
    return lambda a, c, y, t: loss(t[0] * a + t[1] * c + t[2] - y)


def of_margin(loss):
    return lambda a, c, y, t: loss(np.where(y == 1, 1, -1) * (t[0] * a + t[1] * c + t[2]))


KNOWN_LOSSES = {
    "mean_estimation": lambda a, c, y, t: ((t[:, None] - np.array([a, c, y])) ** 2).sum(axis=0) / 2,
    "least_squares": of_residual(lambda r: r**2 / 2),
    "absolute": of_residual(abs),
    "quantile": of_residual(lambda r: np.where(r > 0, 0.7, -0.3) * r),
    "huber": of_residual(lambda r: np.where(abs(r) <= 0.6, r**2 / 2, 0.6 * (abs(r) - 0.3))),
    "pseudo_huber": of_residual(lambda r: 0.36 * (np.hypot(1, r / 0.6) - 1)),
    "log_cosh": of_residual(lambda r: np.log(np.cosh(r))),
    "cauchy": of_residual(lambda r: 0.18 * np.log(1 + r**2 / 0.36)),
    "poisson": lambda a, c, y, t: np.exp(z := t[0] * a + t[1] * c + t[2]) - y * z,
    "gamma": lambda a, c, y, t: (z := t[0] * a + t[1] * c + t[2]) + y / np.exp(z),
    "logistic": of_margin(lambda m: np.log1p(np.exp(-m))),
    "hinge": of_margin(lambda m: np.where(m < 1, 1 - m, 0)),
    "squared_hinge": of_margin(lambda m: np.where(m < 1, (1 - m) ** 2 / 2, 0)),
    "exponential": of_margin(lambda m: 1 / np.exp(m)),
    "softmax": softmax_loss,
    "polynomial_regression": lambda a, c, y, t: (np.polyval(t[::-1], a) - y) ** 2 / 2,
    "matrix_factorization": lambda a, c, y, t: (a * c * (t[0] * t[2] + t[1] * t[3]) - y) ** 2 / 2,
    "deep_linear_network": linear_loss,
    "tanh_network": tanh_loss,
    "phase_retrieval": lambda a, c, y, t: ((t[0] * a + t[1] * c) ** 2 - y) ** 2 / 4,
    "overparametrized_least_squares": features_loss,
    "parabola_or_sine": lambda a, c, y, t: np.where(y == 1, 15 * t[0] ** 2, np.sin(t[0]) ** 2 / 2),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_library_losses_are_their_formulas(name):
    problem = built(name)
    theta = np.random.default_rng(5).normal(size=problem.dimension)
    expected = KNOWN_LOSSES[name](*(np.array(COLUMNS[column]) for column in "acy"), theta)
    np.testing.assert_allclose(problem.row_losses(theta), expected, rtol=1e-12)


def test_known_losses():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}, [1, 2, 1]))
    assert problem.gradient([1.0]) == pytest.approx([0.25])
    assert problem.mean_loss([1.0]) == pytest.approx((0.5 + 1.0 + 2.0) / 4)
    assert problem.row_gradients([[1.0], [2.0]]).tolist() == [[[1.0], [1.0], [-2.0]], [[2.0], [2.0], [-1.0]]]


def test_rows_at_a_kink_are_named():
    problem = Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]}))
    assert problem.row_gradients([0.5]).tolist() == [[1.0], [-1.0]]
    with pytest.raises(InputError, match="not differentiable at data row 1"):
        problem.row_gradients([1.0])


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 5))
def test_minibatches_are_multinomial(weights, batch_size):
    probabilities = np.array(weights) / sum(weights)
    shares, chances = batch_counts(probabilities, batch_size)
    counts = np.rint(shares * batch_size).astype(int)
    assert (
        len({tuple(row) for row in counts.tolist()})
        == len(counts)
        == math.comb(batch_size + len(weights) - 1, batch_size)
    )
    assert (counts.sum(axis=1) == batch_size).all()
    for row, chance in zip(counts.tolist(), chances, strict=True):
        exact = Fraction(math.factorial(batch_size))
        for count, weight in zip(row, weights, strict=True):
            exact *= Fraction(weight, sum(weights)) ** count / math.factorial(count)
        assert chance == pytest.approx(float(exact), rel=1e-12)


def test_too_many_minibatches():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": list(range(100))}), batch_size=50)
    with pytest.raises(InputError, match="too many to list"):
        problem.gradient_atoms([0.0])


MOMENTS = [
    ("Normal(1, 2)", 1.0, 5.0),
    ("Uniform(-1, 3)", 1.0, 1 + 16 / 12),
    ("Exponential(2)", 0.5, 0.5),
    ("Gamma(3, 2)", 6.0, 48.0),
    ("Beta(2, 3)", 0.4, 0.2),
]


@pytest.mark.parametrize(("text", "first", "second"), MOMENTS)
def test_continuous_laws_have_their_moments(text, first, second):
    law = Independent({"x": text})
    nodes, weights = law.discretise(law.levels - 1)
    assert weights @ nodes[:, 0] == pytest.approx(first, rel=1e-12)
    assert weights @ nodes[:, 0] ** 2 == pytest.approx(second, rel=1e-12)
    drawn = law.sample(np.random.default_rng(0), (200_000,))[:, 0]
    deviation = math.sqrt(second - first**2)
    assert abs(drawn.mean() - first) < 5 * deviation / math.sqrt(200_000)


def test_samples_follow_the_weights():
    law = Empirical({"x": [1, 2, 3]}, [1, 3, 6])
    drawn = law.sample(np.random.default_rng(1), (100_000,))[:, 0]
    for value, share in ((1, 0.1), (2, 0.3), (3, 0.6)):
        assert abs((drawn == value).mean() - share) < 5 * math.sqrt(share / 100_000)


@pytest.mark.parametrize(
    ("columns", "weights"), [({}, None), ({"x": []}, None), ({"x": [1], "y": [1, 2]}, None), ({"x": [1, 2]}, [1, 0])]
)
def test_bad_laws(columns, weights):
    with pytest.raises(InputError, match=r"^data"):
        Empirical(columns, weights)


def test_representations_are_python():
    law = Empirical({"x": [0, "0.5", "1/3"], "y": [1, 2, "1e-7"]}, weights=[1, 2, 4])
    problem = Problem("(w0*x - y)**2/2 + exp(w1)", {"w": 2}, law, batch_size=3)
    again = eval(repr(problem), {"Problem": Problem, "Empirical": Empirical})
    assert again.loss == problem.loss
    assert again.names == problem.names
    assert again.batch_size == 3
    assert again.law.exact_rows == law.exact_rows
    assert again.law.exact_probabilities == law.exact_probabilities
    assert repr(Empirical({"x": [1, 2]})) == "Empirical({'x': [1, 2]})"
    assert repr(Independent({"x": "Normal(0, 0.5)"})) == "Independent({'x': 'Normal(0, 1/2)'})"


def test_minibatches_rarer_than_the_floats_can_tell_are_left_out():
    law = Empirical({"x": [0, 1]}, weights=[4, 1])
    shares, probabilities = Problem("(theta - x)**2/2", ["theta"], law, batch_size=512).batches()
    # 0.2**512 underflows: the batch of 512 rows with x = 1 is not listed.
    assert (probabilities > 0).all()
    assert len(probabilities) == len(shares) < 513
    assert shares[:, 1] @ probabilities == pytest.approx(0.2, rel=1e-12)


# --- drawn rows, parameters and files ---------------------------------------------------------------------------------

few = settings(max_examples=30, deadline=None)
rows_of_three = strategies.laws(columns=3)
SAME_LOSSES = {
    library.mean_estimation: (lambda f: (f(["x0", "x1"]), f(["x1", "x0"])), lambda a, b: (b, a)),
    library.least_squares: (
        lambda f: (f(["x0"], "x2"), library.polynomial_regression(["x0"], "x2", 1)),
        lambda slope, intercept: (intercept, slope),
    ),
    library.polynomial_regression: (
        lambda f: (f(["x0"], "x2", 1), f(["x0"], "x2", 3)),
        lambda constant, slope: (constant, slope, 0, 0),
    ),
    library.logistic: (lambda f: (f(["x0"], "x2"), f(["x0", "x0"], "x2")), lambda w, b: (w - 2, 2, b)),
    library.absolute: (lambda f: (f(["x0"], "x2"), f(["x0", "x0"], "x2")), lambda w, b: (w - 2, 2, b)),
    library.matrix_factorization: (lambda f: [f(["x0"], ["x1"], "x2")] * 2, lambda u, v: (2 * u, v / 2)),
    library.deep_linear_network: (
        lambda f: (f(["x0", "x1"], "x2", [1]), library.least_squares(["x0", "x1"], "x2", False)),
        lambda first, second, last: (first * last, second * last),
    ),
    library.tanh_network: (lambda f: [f(["x0"], "x2", [1])] * 2, lambda w, b, last, c: (-w, -b, -last, c)),
    library.phase_retrieval: (lambda f: [f(["x0", "x1"], "x2")] * 2, lambda first, second: (-first, -second)),
    library.overparametrized_least_squares: (
        lambda f: (f(["x0"], "x2", 2, seed=4), f(["x0"], "x2", 3, seed=4)),
        lambda first, second: (first, second, 0),
    ),
    library.parabola_or_sine: (lambda f: [f(["x0"])] * 2, lambda theta: (-theta,)),
}
"""Two models of each builder, or of it and another, and the parameters at which the second has the first's losses."""


@pytest.mark.parametrize("builder", SAME_LOSSES)
@settings(max_examples=8, deadline=None)
@given(rows_of_three, st.data())
def test_models_have_the_losses_of_others(builder, law, data):
    models, moved = SAME_LOSSES[builder]
    one, other = (Problem(*model, law) for model in models(builder))
    theta = data.draw(strategies.points(one.dimension, 2))
    losses = one.row_losses(theta)
    np.testing.assert_allclose(other.row_losses(moved(*theta)), losses, rtol=1e-10, atol=1e-10)
    assert (losses >= 0).all() or builder in (library.logistic, library.parabola_or_sine)


@few
@given(rows_of_three, strategies.points(2))
def test_swapped_labels_and_signs_have_the_same_logistic_loss(law, theta):
    first, second, labels = zip(*law.exact_rows, strict=True)
    swapped = Empirical({"x0": first, "x1": second, "x2": [1 - label for label in labels]})
    one, other = (Problem(*library.logistic(["x0", "x1"], "x2", False), data) for data in (law, swapped))
    np.testing.assert_allclose(other.row_losses(-np.array(theta)), one.row_losses(theta), rtol=1e-10, atol=1e-10)


@given(st.permutations(["first", "second", "third"]), st.integers(1, 3))
def test_options_by_name_build_what_the_builder_builds(columns, degree):
    assert library.build("least_squares", {}, columns) == library.least_squares(columns[:2], columns[2])
    options = {"inputs": columns[1:2], "degree": degree}
    assert library.columns_used("polynomial_regression", options, columns) == columns[1:]
    assert library.columns_used("least_squares", {"target": columns[0]}, columns) == columns
    assert library.build("polynomial_regression", options, columns) == library.polynomial_regression(
        columns[1:2], columns[2], degree
    )


@few
@given(strategies.problems(), strategies.adams(), st.sampled_from(sorted(METHODS)), st.data())
def test_a_drawn_problem_is_read_from_its_file(tmp_path_factory, problem, adam, name, data):
    known = inspect.signature(METHODS[name]).parameters
    numbers = {"beta1": adam.alpha, "beta2": adam.beta, "eps": adam.epsilon}
    numbers = {key: number for key, number in numbers.items() if key in known}
    method = METHODS[name](**numbers)
    theta = data.draw(strategies.points(problem.dimension))
    text = toml(problem, {"method": f'"{name}"'} | {key: float(number) for key, number in numbers.items()}, theta)
    file = tmp_path_factory.mktemp("drawn") / "problem.toml"
    file.write_text(text)
    found = read_problem(file)
    assert problem_text(found.problem) == problem_text(problem)
    assert found.adam == method
    assert found.start == dict(zip(problem.names, theta, strict=True))


def toml(problem, adam, theta):
    law = problem.law
    common = math.lcm(*(p.denominator for p in law.exact_probabilities))
    columns = {
        name: [float(x) for x in column]
        for name, column in zip(law.names, zip(*law.exact_rows, strict=True), strict=True)
    }
    tables = {
        "problem": {
            "loss": f'"{problem.text}"',
            "parameters": list(problem.names),
            "batch_size": problem.batch_size,
        },
        "data": columns | {"weights": [int(common * p) for p in law.exact_probabilities]},
        "adam": adam,
        "start": dict(zip(problem.names, theta, strict=True)),
    }
    return "\n".join(
        line for table, keys in tables.items() for line in (f"[{table}]", *(f"{key} = {x}" for key, x in keys.items()))
    )
