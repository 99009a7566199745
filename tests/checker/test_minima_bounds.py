"""What the checker proves of sets of minima, beside what exact elimination and floats find."""

from fractions import Fraction

import numpy as np
import pytest
from arithmetics import BALLS, SLOW, ends
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adamsym.certify.interpolation.residuals import squared_residuals
from adamsym.certify.interpolation.spanning import spanned
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.form import form_of
from adamsym.checker.interpolation.bounds import Place
from adamsym.checker.interpolation.combinations import combinations
from adamsym.checker.interpolation.matrices import solved
from adamsym.checker.interpolation.minima import _kappa, fitted_rows, minima_fault
from adamsym.checker.interpolation.squares import squares_of
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

numbers = st.integers(-9, 9).map(lambda k: Fraction(k, 4))
ROWS = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=3)
MULTIPLES = st.lists(numbers.filter(bool), min_size=0, max_size=2)
NAMES = list("abcd")


def problem_of(rows, multiples=()):
    """Residuals that are linear in x, y and z, rows, and multiples of the first of them; weights that differ."""
    rows = [*rows, *(tuple(k * x for x in rows[0]) for k in multiples)]
    data = {key: [str(row[k]) for row in rows] for k, key in enumerate("xyz")}
    weights = [str(Fraction(k + 1, len(rows) * (len(rows) + 1) // 2)) for k in range(len(rows))]
    return Problem("(1 + y**2)*(a*x + tanh(b)*y + (c*d - 1)*z)**2", NAMES, Empirical(data, weights=weights))


def is_zero(row):
    return not any(row)


def noise(problem, point):
    """The checker's kappa at a point, the gradients of residuals that span all, and T; None if these are dependent."""
    chosen = spanned(squared_residuals(problem)).rows
    with BALLS.working(), ball_arithmetic():
        fitted = fitted_rows(BALLS, problem, tuple(chosen))
        slopes = squared_residuals(problem).at(np.array(point))[1][list(chosen)]
        if not np.linalg.svd(slopes, compute_uv=False)[-1] > 1e-2:
            return None
        place = Place(BALLS, fitted.basis, point, np.linalg.pinv(slopes).tolist())
        lengths = [BALLS.middle(place.length(row)) for row in place.gradients()]
        scales = [BALLS.root(fitted.gram[k][k]) / length for k, length in enumerate(lengths)]
        least = place.least_singular(place.defect(0.0), scales)
        gradients = fitted.whole.gradients(BALLS, [BALLS.number(x) for x in point])
        bound = float(ends(_kappa(fitted, gradients, scales, least))[1])
        return bound, slopes, np.array([[float(x.mid()) for x in line] for line in fitted.combinations])


def test_the_noise_of_known_rows():
    """T = (1, 2) with probabilities 1/3 and 2/3; and two rows that are orthogonal, with the same."""
    alone, _, _ = noise(problem_of([(1, 0, 0)], [2]), [0.5, 0.0, 1.0, 1.0])
    assert alone == pytest.approx((1 + 2 * 16) / 3 / ((1 + 2 * 4) / 3) ** 2)
    two, _, _ = noise(problem_of([(1, 0, 0), (0, 0, 1)]), [0.5, 0.0, 1.0, 0.0])
    assert two == pytest.approx(3, rel=1e-3)


@given(ROWS, MULTIPLES)
@settings(max_examples=8)
def test_rows_that_span_all_are_found_and_checked(rows, multiples):
    """The rank is that of the data; the combinations found by one elimination are those found by the other."""
    assume(not any(map(is_zero, rows)))
    problem = problem_of(rows, multiples)
    matrix = np.array(problem.law.exact_rows, dtype=float)
    found = spanned(squared_residuals(problem))
    assert found is not None
    assert len(found.rows) == np.linalg.matrix_rank(matrix, tol=1e-9)
    squares = squares_of(problem)
    checked = combinations(squares, list(found.rows))
    assert checked == [list(line) for line in found.coefficients]
    exact = problem.law.exact_rows
    for row, line in zip(exact, checked, strict=True):
        sums = [sum(t * exact[k][i] for t, k in zip(line, found.rows, strict=True)) for i in range(3)]
        assert tuple(sums) == tuple(row)
    rest = [k for k in range(len(exact)) if k not in found.rows]
    if rest:
        for false in ([*found.rows[:-1], found.rows[-1], found.rows[-1]], [*found.rows[:-1], len(exact)]):
            with pytest.raises(NotCheckable):
                combinations(squares, false)
    if len(rest) > 1:
        # Of all rows the unit matrix serves, though they are no basis.
        with pytest.raises(NotCheckable, match="others that are named"):
            combinations(squares, [*found.rows, rest[0]])


@given(ROWS, MULTIPLES, st.lists(st.floats(-1, 1), min_size=4, max_size=4))
@settings(max_examples=15)
def test_the_noise_is_no_more_than_is_proven(rows, multiples, point):
    """Kappa is at least the largest E|g|^2/|grad L|^2 over all residuals R, and that itself where one row spans all."""
    assume(not any(map(is_zero, rows)))
    problem = problem_of(rows, multiples)
    found = noise(problem, point)
    assume(found is not None)
    bound, slopes, t = found
    weights = np.array([float(p) for p in problem.law.exact_probabilities])
    rows_noise = np.sqrt(weights * ((t @ slopes) ** 2).sum(axis=1))[:, None] * t
    mean = slopes.T @ (t.T @ (weights[:, None] * t))
    true = np.linalg.norm(rows_noise @ np.linalg.pinv(mean), 2) ** 2
    assert bound >= true * (1 - 1e-8)
    assert bound <= true * (1 + 1e-6) if len(slopes) == 1 else bound < 1e3 * true * np.linalg.cond(mean) ** 2


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_systems_are_solved(count, seed):
    draws = np.random.default_rng(seed)
    root, right = draws.normal(size=(count, count)), draws.normal(size=(count, 2))
    matrix = root @ root.T + np.eye(count)
    with BALLS.working():
        found = solved(BALLS, *([[BALLS.number(x) for x in row] for row in m.tolist()] for m in (matrix, right)))
        values = np.array([[float(x.mid()) for x in row] for row in found])
        with pytest.raises(NotCheckable):
            solved(BALLS, [[BALLS.number(-1)]], [[BALLS.number(1)]])
    assert np.abs(matrix @ values - right).max() < 1e-9 * np.abs(matrix).max()


def test_no_manifold_reaches_the_border_of_the_domain():
    """b = -a**(5/2) ends at a = 0: around (0, 0) the points with L = 0 are no graph in an open set."""
    problem = Problem("(a**(5/2) + b)**2/2", ["a", "b"], Empirical({"x": [0]}))
    form = form_of(SLOW, Adam("1/2", "0.82", "0.1").laplace)
    slopes = np.array([[2.5 * 0.5**1.5, 1.0]])
    place = Place(SLOW, fitted_rows(SLOW, problem, (0,)).basis, [0.5, -0.17], np.linalg.pinv(slopes).tolist())

    def fault(least):
        box = [SLOW.between(least, 1), SLOW.between(-0.67, 0.33)]
        return minima_fault(fitted_rows(SLOW, problem, (0,)), form, place, box, [0.5, 0.5], only=True)

    with SLOW.working():
        assert fault(2.0**-900) is None
        with pytest.raises(NotCheckable, match="not proved real"):
            fault(0)
