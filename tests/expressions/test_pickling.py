"""What is sent elsewhere leaves out what can be made again; a shallow copy keeps it."""

import pickle
from fractions import Fraction
from functools import cached_property

import flint
import numpy as np

from adamsym import Adam, AdamField, Empirical, Problem, VectorField
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.zero_task import ZeroTask
from adamsym.expressions.pickling import WithoutCached, shallow_copy
from adamsym.field.ball.arithmetic import ball, ball_arithmetic


class Kept(WithoutCached):
    def __init__(self, number):
        self.number = number

    @cached_property
    def function(self):
        return lambda x: x + self.number


def test_cached_properties_are_left_out_and_made_again():
    kept = Kept(3)
    assert kept.function(1) == 4
    sent = pickle.loads(pickle.dumps(kept))
    assert "function" not in vars(sent)
    assert sent.function(1) == 4
    assert shallow_copy(kept).function is kept.function


def test_used_problems_can_be_sent():
    law = Empirical({"x": [0, 0, 3]})
    for problem in (
        Problem("Max(theta - x, 0)**2 + log(1 + theta**2)", ["theta"], law),
        VectorField(["theta - x + log(2 + theta**2)"], ["theta"], law),
    ):
        field = AdamField(problem, Adam())
        field.evaluate([0.5])
        field.enclose([[0.5, 0.5]])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(field))([0.5]), field([0.5]))


def test_a_changed_problem_shares_what_is_compiled():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    problem.gradient([1.0])
    other = problem.changed(batch_size=4, law=Empirical({"x": [0, 0, 6]}))
    assert other._float_gradient is problem._float_gradient
    assert (other.batch_size, problem.batch_size) == (4, 1)
    assert other.gradient([1.0]) == [-1]
    assert problem.gradient([1.0]) == [0]


def test_copies_share_what_one_of_them_compiles_later():
    problem = Problem("log(theta - x) + theta**2", ["theta"], Empirical({"x": [0, 0, -3]}))
    one, other = (problem.changed(law=Empirical({"x": [0, 0, -k]})) for k in (4, 5))
    with ball_arithmetic():
        found = other.row_gradients_ball([flint.arb(1)])[2][0]
    assert found.overlaps(ball(Fraction(13, 6)))
    assert one._ball_gradient is other._ball_gradient is problem._ball_gradient
    assert one._domain._ball is problem._domain._ball
    sent = pickle.loads(pickle.dumps(one))
    assert "_shared" not in vars(sent)
    # A problem of its own shares nothing.
    assert Problem("theta*x", ["theta"], Empirical({"x": [1]}))._ball_gradient is not problem._ball_gradient


def test_a_form_over_a_range_is_that_of_its_own_function_alone():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    function = FieldFunction(field)
    first, second = (function.with_form(Adam(beta2=beta2).laplace) for beta2 in (0.9, 0.99))
    assert function.form == field.adam.laplace
    assert first.form != second.form
    assert FieldFunction(field).form == field.adam.laplace


def test_a_search_that_has_looked_for_sets_of_minima_can_be_sent():
    problem = Problem("x*(a**2 + b)**2/2", ["a", "b"], Empirical({"x": [1, 2]}))
    box = ((0.0, 1.0), (-1.0, 1.0))
    task = ZeroTask(FieldFunction(AdamField(problem, Adam())), box, 1e-10)
    found = task.examined(box)
    assert task._minima is not None
    assert pickle.loads(pickle.dumps(task)).examined(box) == found
