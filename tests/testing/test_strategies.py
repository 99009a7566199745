"""Strategies draw what they say, print as Python, and shrink to small problems."""

import random
from fractions import Fraction

import hypothesis
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import adamsym
from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule
from adamsym.testing import strategies

NAMES = {name: getattr(adamsym, name) for name in ("Adam", "Empirical", "Problem", "StepSizeSchedule")}
NAMES |= {"Fraction": Fraction}
quickly = settings(max_examples=50)


def find(strategy, condition):
    """The simplest drawn value that meets the condition, whatever the profile leaves out: the same on every run."""
    simplifying = settings(phases=[Phase.generate, Phase.shrink], database=None, deadline=None, max_examples=1000)
    return hypothesis.find(strategy, condition, settings=simplifying, random=random.Random(1))


def central_moments(law: Empirical) -> list[Fraction]:
    values = [row[0] for row in law.exact_rows]
    mean = sum((p * x for p, x in zip(law.exact_probabilities, values, strict=True)), Fraction(0))
    return [
        sum((p * (x - mean) ** k for p, x in zip(law.exact_probabilities, values, strict=True)), Fraction(0))
        for k in range(1, 8)
    ]


@quickly
@given(strategies.adams(), strategies.adams(True))
def test_adams_are_valid(any_adam, monotone):
    assert any_adam.alpha**2 < any_adam.beta or any_adam.alpha == any_adam.beta == 0
    assert monotone.alpha <= monotone.beta


@given(strategies.invalid_adam_parameters())
def test_invalid_parameters_are_refused(parameters):
    with pytest.raises(InputError) as refused:
        Adam(**parameters)
    assert "\n" not in str(refused.value)


@quickly
@given(strategies.laws("symmetric"), strategies.laws("asymmetric"), strategies.laws("degenerate"))
def test_laws_are_of_their_kind(symmetric, asymmetric, degenerate):
    assert central_moments(symmetric)[2::2] == [0, 0, 0]
    assert central_moments(asymmetric)[2] != 0
    assert central_moments(degenerate)[1] == 0


def test_heavy_spread_is_drawn():
    law = find(
        strategies.laws("heavy spread"),
        lambda law: max(abs(r[0]) for r in law.exact_rows) > 10**4 * min(abs(r[0]) for r in law.exact_rows),
    )
    assert len(law.exact_rows) == 2


@quickly
@given(strategies.problems("interpolating"))
def test_interpolating_problems_are_fitted_by_some_point(problem):
    if problem.names == ("a", "b"):
        x, y = problem.law.exact_rows[0]
        fit = [1.0, float(y / x)]
    else:
        rows = np.array([[float(v) for v in row] for row in problem.law.exact_rows])
        design = np.column_stack([rows[:, 0], np.ones(len(rows))])
        fit = np.linalg.lstsq(design, rows[:, 1], rcond=None)[0]
    assert problem.row_losses(fit).max() < 1e-20


@quickly
@given(strategies.problems("PL"))
def test_pl_problems_have_their_minimum_at_0(problem):
    assert problem.row_losses([0.0]).max() == 0
    grid = np.linspace(-12, 12, 4001)[:, None]
    losses, gradients = problem.mean_loss(grid), problem.gradient(grid)[:, 0]
    away = np.abs(grid[:, 0]) > 1e-3
    # No other critical point.
    assert (gradients[away] * grid[away, 0] > 0).all()
    assert (gradients[away] ** 2 / losses[away]).min() > 1e-4


def test_several_minima_are_several():
    problem = find(strategies.problems("several minima"), lambda problem: True)
    slopes = np.sign(problem.gradient(np.linspace(-2.01, 2.02, 400)[:, None])[:, 0])
    assert (np.diff(slopes) != 0).sum() == 3


@quickly
@given(strategies.problems(), strategies.adams(), strategies.laws(columns=2), strategies.schedules(False))
def test_what_is_drawn_prints_as_python(problem, adam, law, schedule):
    for drawn in (problem, law, schedule):
        copied = eval(repr(drawn), dict(NAMES))
        assert repr(copied) == repr(drawn)
    assert eval(repr(adam), dict(NAMES)) == adam
    copied = eval(repr(problem), dict(NAMES))
    point = np.full(problem.dimension, 0.7)
    np.testing.assert_array_equal(AdamField(copied, Adam())(point), AdamField(problem, Adam())(point))


def test_they_shrink_to_small_problems():
    smallest = find(strategies.problems(), lambda problem: len(problem.law.exact_rows) >= 3)
    assert len(smallest.law.exact_rows) == 3
    assert max(abs(value) for row in smallest.law.exact_rows for value in row) <= 1
    assert smallest.batch_size == 1
    assert "'x0': [0, 0]" in repr(find(strategies.problems(), lambda problem: problem.dimension == 2))


@quickly
@given(strategies.schedules(), strategies.points(2, 3), strategies.boxes(2))
def test_schedules_points_and_boxes(schedule, point, box):
    assert schedule([10**6])[0] < schedule([1])[0]
    assert len(point) == 2
    assert max(map(abs, point)) <= 3
    assert all(low <= high <= low + 2 for low, high in box)


@pytest.mark.parametrize("of_type", [Adam, Empirical, Problem, StepSizeSchedule])
def test_types_are_registered(of_type):
    assert isinstance(find(st.from_type(of_type), lambda drawn: True), of_type)


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="symmetric"):
        strategies.laws("lopsided")
    with pytest.raises(InputError, match="quadratic"):
        strategies.problems("cubic")
    with pytest.raises(InputError, match="column"):
        strategies.laws("symmetric", columns=2)
