"""One zero near a point: what is certified is true, and what is no zero, or not a single one, is not certified."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import certificate, certify_zero, check_certificate, find_zeros, read_problem
from adamsym.certify import BoxFunction, CriticalPoint, OneZero
from adamsym.certify.zeros import isolation
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import BoxEnclosure
from adamsym.gradients import Empirical, Problem, VectorField
from adamsym.methods import Adam, AdamW, NAdam, RMSprop

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = Adam("0.5", "0.9", "0.1")
METHODS = [QUICK, Adam("0.9", "0.99", "1e-3"), AdamW("0.5", "0.9", "0.1", "0.1"), NAdam("0.5", "0.9", "0.1")]


def bisected(field, low, high):
    """The zero of a decreasing f between two points, in floats."""
    while high - low > 1e-13 * (1 + abs(low)):
        middle = low + (high - low) / 2
        low, high = (middle, high) if field([middle])[0] > 0 else (low, middle)
    return low


def written(found):
    return json.loads(json.dumps(certificate(found), allow_nan=False))


@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=4, unique=True),
    st.sampled_from([*METHODS, RMSprop("0.9", "0.1")]),
    st.sampled_from(["(theta - x)**2/2", "(theta - x)**2/2 + exp(theta/9)/10"]),
)
@settings(max_examples=8)
def test_it_is_the_zero_that_bisection_finds(data, method, loss):
    """At the zero f changes its sign in the box; its certificate is valid, and the distance is that of the minimum."""
    problem = Problem(loss, ["theta"], Empirical({"x": [x / 10 for x in data]}))
    field = AdamField(problem, method)
    found = certify_zero(field, [float(np.mean(data)) / 10])
    zero = bisected(field, -20.0, 20.0)
    assert isinstance(found, OneZero)
    assert found.zero is not None
    [[low, high]] = found.zero.box
    assert low - 1e-9 < zero < high + 1e-9
    assert high - low < 1e-9
    assert found.zero.stability == "attracting"
    [[first, last]] = found.zero.unique_in
    assert first < low < high < last
    minimum = bisected(lambda theta: -problem.gradient(theta), -20.0, 20.0)
    assert isinstance(found.critical, CriticalPoint)
    assert found.critical.kind == "minimum"
    assert found.critical.distance[0] - 1e-9 <= abs(zero - minimum) <= found.critical.distance[1] + 1e-9
    assert check_certificate(written(found)).valid


def test_it_agrees_with_the_search_of_a_box():
    problem = Problem(
        "(a - x)**2/2 + (b - y)**2 + a*b/4", ["a", "b"], Empirical({"x": [0, 3, 1], "y": [1, -1.5, 0.25]})
    )
    field = AdamField(problem, QUICK)
    found = certify_zero(field, [1.0, 0.0])
    [listed] = find_zeros(field, found.zero.unique_in * [0.2, 0.2] + 0.8 * found.zero.midpoint[:, None]).zeros
    assert np.abs(listed.midpoint - found.zero.midpoint).max() < 1e-9
    assert listed.stability == found.zero.stability == "attracting"
    assert found.critical.nearest


@pytest.mark.parametrize("side", [1, -1])
def test_the_nearest_critical_point_is_told_on_both_sides(side):
    """Unless the region where it is alone holds all points as near to the zero, another one may be nearer."""
    problem = Problem("(theta - x)**4/4 + theta**2/50", ["theta"], Empirical({"x": [0, 0, 3 * side]}))
    critical = certify_zero(AdamField(problem, Adam("0", "0.5", "0.01")), [side / 2]).critical
    assert critical.kind == "minimum"
    assert 0.17 < critical.distance[0] < critical.distance[1] < 0.174
    [[low, high]] = critical.unique_in
    assert 1.31 < side * critical.midpoint[0] < 1.33
    assert high - low < 4 * critical.distance[0]
    assert not critical.nearest


def test_a_field_without_a_loss():
    game = VectorField(["x + y + p", "y - x + q"], ["x", "y"], Empirical({"p": [1, 1, -2], "q": [0, 1, -1]}))
    found = certify_zero(AdamField(game, QUICK), [0.0, 0.0])
    assert found.critical is None
    assert found.no_critical == "there is no loss"
    assert found.to_dict()["zeros"][0]["nearest_minimum"] is None
    assert found.to_dict()["complete"] is None


class Plain(BoxFunction):
    """A function of one variable by its value and derivative."""

    dimension = 1

    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    def enclose(self, theta, slopes, tolerance):
        [x] = theta
        return BoxEnclosure([flint.arb(self.value(x))], [[flint.arb(self.slope(x))]] if slopes else [])


@pytest.mark.parametrize("start", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("lift", [0.0, 1e-30, 1e-13, 1e-3])
def test_a_double_zero_and_a_near_miss_are_undecided(start, lift):
    """x^2 + lift has a double zero, or none, however small it is."""
    found = certify_zero(Plain(lambda x: x * x + lift, lambda x: 2 * x), [start])
    assert found.zero is None
    assert found.summary.startswith("undecided")


def test_two_zeros_next_to_each_other_are_told_apart():
    found = certify_zero(Plain(lambda x: x * x - 1e-8, lambda x: 2 * x), [0.1])
    [[low, high]] = found.zero.unique_in
    assert -1e-4 < low < 1e-4 < high
    [[low, high]] = found.zero.box
    assert low <= 1e-4 <= high
    assert found.zero.stability == "repelling"


def test_a_box_that_is_not_mapped_into_itself_is_none():
    """Were 1 - Y Df(X) taken for 0, boxes around 0.2 were too narrow for the zero of x/2 + x^2: the image says so."""
    function = Plain(lambda x: x / 2 + x * x, lambda x: 0.5 + 2 * x)
    with ball_arithmetic():
        wide = isolation._region(function, np.array([0.2]), np.array([0.25]))
        assert isolation._box_in(function, replace(wide, rest=np.zeros((1, 1))), np.array([0.2])) is None
        [[low, high]] = isolation._box_in(function, wide, np.array([0.001]))
    assert low < 0 < high


@pytest.mark.parametrize(
    ("loss", "data", "start"),
    [
        ("theta**4/4 - x*theta", [-1, 1], [0.01]),  # a triple zero
        ("exp(theta)*x", [1, 2], [-3.0]),  # f falls to 0 at infinity, and has no zero
        ("(theta - x)**2/2 + 5*exp(-theta**2)", [100, 101], [0.0]),
    ],
)
def test_no_zero_of_a_field_is_invented(loss, data, start):
    field = AdamField(Problem(loss, ["theta"], Empirical({"x": data})), QUICK)
    found = certify_zero(field, start, most=6)
    if found.zero is not None:
        [[low, high]] = found.zero.box
        assert field([low - 1e-9])[0] * field([high + 1e-9])[0] < 0
        assert loss.startswith("(theta - x)")
    else:
        with pytest.raises(NotApplicable, match="no zero is certified"):
            certificate(found)


def test_a_curve_of_zeros_is_undecided():
    problem = Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2], "y": [1, 2]}))
    assert certify_zero(AdamField(problem, QUICK), [1.0, 1.01]).zero is None


@pytest.mark.parametrize(
    ("theta", "most", "words"),
    [([0.0, 1.0], 5, "theta: shape"), ([float("nan")], 5, "theta"), ([0.0], 0, "most = 0"), ("a", 5, "theta")],
)
def test_bad_input_is_refused(theta, most, words):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]})), QUICK)
    with pytest.raises(InputError, match=words):
        certify_zero(field, theta, most=most)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris_logistic", "diabetes_regression", "breast_cancer"])
def test_the_examples(name):
    source = read_problem(EXAMPLES / f"{name}.toml")
    found = certify_zero(AdamField(source.problem, source.adam), [source.start[key] for key in source.problem.names])
    assert found.zero is not None
    assert found.zero.stability == "attracting"
    assert found.critical.kind == "minimum"
    assert check_certificate(written(found), operations=10**12).valid


@pytest.mark.parametrize(("start", "minimum"), [(0.3, 0), (-2.0, 0), (0.9, "1/3")])
def test_a_point_that_all_rows_fit_is_found_from_farther_than_eps(start, minimum):
    """f is nearly -sign(theta - minimum), by which Newton's steps end beside it; those by the gradient do not."""
    problem = Problem(f"(theta - {minimum})**2*x/2", ["theta"], Empirical({"x": [1, 2]}))
    found = certify_zero(AdamField(problem, Adam("0.9", "0.99", "1e-8")), [start])
    assert found.zero is not None
    [[low, high]] = found.zero.box
    assert low <= Fraction(minimum) <= high
    assert check_certificate(written(found)).valid


def test_where_newtons_method_ends_is_said():
    """exp(-theta) tends to 0 and is nowhere 0."""
    field = AdamField(Problem("-exp(-theta)*x", ["theta"], Empirical({"x": [1, 2]})), QUICK)
    found = certify_zero(field, [0.0])
    assert found.zero is None
    assert "where Newton's method ends with |f| = " in found.reason


def test_few_parameters_compile_no_loops(monkeypatch):
    """Newton's method asks arrays for the field; where every step takes many laws, loops."""

    def none(*arguments):
        raise AssertionError("loops are asked")

    monkeypatch.setattr("adamsym.field.backends.batch_quotient", none)
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    assert certify_zero(AdamField(problem, QUICK), [1.0]).zero is not None
    loss, data = "(a - x)**2 + (b - y)**2 + (c - x*y)**2 + (e + x)**2", Empirical({"x": [0, 1, 3], "y": [1, 0, 2]})
    monkeypatch.setattr("adamsym.field.small.MOST", 100_000)
    with pytest.raises(AssertionError, match="loops are asked"):
        certify_zero(AdamField(Problem(loss, ["a", "b", "c", "e"], data), QUICK), [1.0, 1.0, 1.0, 1.0])
