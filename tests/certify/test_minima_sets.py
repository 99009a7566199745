"""Sets of minima: what is certified of them holds at points around them, and rows that no manifold fits have none."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adamsym import certificate, certify_zero, check_certificate, read_problem
from adamsym.certify import MinimaSet
from adamsym.certify.interpolation.fitted import FittedRows, fitted_rows
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem, VectorField
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

EXAMPLES = Path(__file__).parents[2] / "examples"
DEFAULTS = Adam("0.9", "0.999", "1e-8")
METHODS = [DEFAULTS, Adam("0.5", "0.9", "0.1"), NAdam("0.5", "0.95", "0.1"), AdamEpsInsideRoot("0.5", "0.9", "0.01")]
START = [1.0, 0.5, -0.5, 0.25]

numbers = st.integers(-20, 20).map(lambda k: k / 10)
LOSSES = [
    "(a*x + b*y + c + d*x*y - z)**2/2",
    "(1 + x**2)*(a*tanh(b*x + c) + d*y - z)**2/2",
    "(a*b + c*x + y*d - z)**2/3",
]


def certified(field, start=None):
    return certify_zero(field, START if start is None else start, most=4).minima


def written(found):
    return json.loads(json.dumps(certificate(found), allow_nan=False))


def gradients_of_residuals(field, theta):
    """Of sqrt(2 l_j), by the gradients of l_j and of points beside theta, where l_j is not 0."""
    values = np.sqrt(2 * field.problem.row_losses(theta))
    return field.problem.row_gradients(theta) / values[:, None]


@given(
    st.sampled_from(LOSSES),
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=3),
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.sampled_from([*METHODS, RMSprop("0.9", "1e-2")]),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=4)
def test_drawn_sets_are_manifolds_of_zeros(loss, rows, multiples, method, batch, seed):
    """The residuals' gradients are independent in the box, f is 0 on the set, and nowhere else where that is said."""
    data = [row for row, number in zip(rows, multiples, strict=False) for _ in range(number)]
    law = Empirical({key: [row[k] for row in data] for k, key in enumerate("xyz")})
    field = AdamField(Problem(loss, list("abcd"), law, batch_size=batch), method)
    found = certify_zero(field, START, most=4)
    minima = found.minima
    assume(minima is not None)
    assert isinstance(minima, MinimaSet)
    distinct = len(set(rows))
    assert len(minima.rows) <= distinct
    assert minima.dimension == 4 - len(minima.rows)
    draws = np.random.default_rng(seed)
    for theta in minima.center + min(minima.radius, 9.0) * draws.uniform(-1, 1, (4, 4)):
        slopes = gradients_of_residuals(field, theta)
        assert np.linalg.matrix_rank(slopes[np.isfinite(slopes).all(axis=1)], tol=1e-9) <= len(minima.rows)
        chosen = slopes[list(minima.rows)]
        assert not np.isfinite(chosen).all() or np.linalg.matrix_rank(chosen, tol=1e-12) == len(minima.rows)
    assert float(field.problem.mean_loss(minima.center)) < 1e-20
    if minima.alone is not None:
        for theta in minima.center + min(minima.alone, 9.0) * draws.uniform(-1, 1, (4, 4)):
            assert (field.problem.gradient(theta) * field(theta) < 0).any()
    assert check_certificate(written(found)).valid


def test_rows_that_say_the_same_count_once():
    """Of hyperbola.toml all three rows say a b = 1: the set has the dimension 1, and not 2 - 3."""
    source = read_problem(EXAMPLES / "hyperbola.toml")
    found = certify_zero(AdamField(source.problem, source.adam), [1.5, 1.5])
    assert (found.minima.rows, found.minima.dimension) == ((0,), 1)
    assert 0.5 < found.minima.alone == found.minima.radius < 1
    assert found.zero is None
    assert found.certified
    assert found.summary.startswith("certified: a set of minima of dimension 1")
    assert "2 parameters less 1 residual" in found.minima.explanation
    assert check_certificate(written(found)).valid
    assert check_certificate(written(found), slow=True).valid
    assert not check_certificate(written(found) | {"dimension": 2}, digest=False).valid


@pytest.mark.parametrize(
    ("name", "dimension", "alone"),
    [pytest.param("random_features", 18, 1e-4, marks=pytest.mark.slow), ("tanh_network", 13, 2e-4)],
)
def test_the_examples(name, dimension, alone):
    source = read_problem(EXAMPLES / f"{name}.toml")
    found = certify_zero(AdamField(source.problem, source.adam), list(source.start.values()))
    assert found.minima.dimension == dimension
    assert found.minima.alone > alone
    assert found.minima.near < 1e-12
    assert check_certificate(written(found)).valid
    nearly_all = certify_zero(AdamField(source.problem, DEFAULTS), list(source.start.values())).minima
    assert nearly_all.alone > 0.01
    assert found.to_dict()["minima"]["radius"] is None or nearly_all.alone < nearly_all.radius


NEARLY = {"x": ["0.3", "1.2", "1.2"], "y": ["0.5", "-0.7", "-0.7"], "z": [1, "0.2", "0.2"]}


def test_rows_that_contradict_each_other_have_no_set():
    """A row once more is a combination of the others; with another target no parameters fit both."""
    loss, names = "(a*tanh(b*x + c) + y + d*x*y - z)**2/2", list("abcd")
    assert certified(AdamField(Problem(loss, names, Empirical(NEARLY)), DEFAULTS)).dimension == 2
    for target in ("0.2000001",):
        law = Empirical(NEARLY | {"z": [1, "0.2", target]})
        assert certified(AdamField(Problem(loss, names, law), DEFAULTS)) is None


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (AdamField(Problem("(a*b - x)**2/2", ["a", "b"], {"x": [1]}), AdamW("0.9", "0.999", "1e-8", "0.1")), "decay"),
        (AdamField(Problem("(a - x)**2/2", ["a"], {"x": [1]}), DEFAULTS), "as many"),
        (AdamField(Problem("(a + b - x)**2/2 + a", ["a", "b"], {"x": [1]}), DEFAULTS), "square"),
        (AdamField(VectorField(["a - x"], ["a"], {"x": [1]}), DEFAULTS), "no loss"),
    ],
)
def test_it_is_said_why_there_is_none(field, words):
    found = fitted_rows(field.problem, field.adam.laplace)
    assert not isinstance(found, FittedRows)
    assert words in found
    assert certify_zero(field, [1.0] * field.problem.dimension, most=3).minima is None


def test_a_saddle_beside_the_set_is_no_point_of_it():
    """At a = b = 0 f vanishes, and the loss does not: no box that holds it is said to have no other zeros."""
    field = AdamField(Problem("(a*b - x)**2/2", ["a", "b"], {"x": [1]}), DEFAULTS)
    found = certify_zero(field, [1.0, 1.1])
    assert 0.9 < found.minima.radius < found.minima.center.max() < 1.1
    assert certify_zero(field, [0.1, -0.05]).zero is not None
    content = written(found)
    for change in ({"radius": 1.5}, {"radius": 1.5, "alone": {"radius": 1.5}}, {"radius": None, "alone": None}):
        assert not check_certificate(content | change, digest=False).valid


def test_a_short_memory_leaves_other_zeros_undecided():
    """With beta2 = .01 the sign lemma needs hardly random gradients: the manifold is certified all the same."""
    law = Empirical({"x": ["0.3", "1.2"], "y": ["0.5", "-0.7"], "z": [1, "0.2"]}, weights=["0.001", "0.999"])
    problem = Problem("(a*x + b*y + c - z)**2/2", ["a", "b", "c"], law)
    found = certify_zero(AdamField(problem, RMSprop("0.01", "1e-12")), [0.0, 0.0, 0.0], most=2)
    assert found.minima.alone is None or found.minima.alone < 1e-9
    assert found.minima.radius == np.inf
    long = certify_zero(AdamField(problem, RMSprop("0.999999", "1e-12")), [0.0, 0.0, 0.0], most=2)
    assert long.minima.alone == np.inf
    content = written(found)
    assert check_certificate(content).valid
    assert not check_certificate(content | {"alone": {"radius": None}}, digest=False).valid
