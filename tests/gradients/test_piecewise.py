"""Losses in Max, Min and Abs: gradients at switches against exact one-sided derivatives along lines."""

import itertools
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, read_problem, simulate
from adamsym.field.ball.arithmetic import hull
from adamsym.gradients.jumps import JumpError
from adamsym.gradients.piecewise import Piecewise

CASES = Path(__file__).parents[1] / "cases"
ONE = Empirical({"x": [1, 2]})
DEGREE = 6


class Jet:
    """A polynomial in a small delta > 0, with exact coefficients: ordered by the first in which two differ."""

    def __init__(self, *coefficients):
        self.c = (tuple(map(Fraction, coefficients)) + (Fraction(0),) * DEGREE)[:DEGREE]

    def __add__(self, other):
        return Jet(*(a + b for a, b in zip(self.c, other.c, strict=True)))

    def __neg__(self):
        return Jet(*(-a for a in self.c))

    def __mul__(self, other):
        return Jet(*(sum(self.c[i] * other.c[n - i] for i in range(n + 1)) for n in range(DEGREE)))

    def __lt__(self, other):
        return self.c < other.c


def number(value):
    return (f"({value})", lambda a, b, x: Jet(value))


LEAVES = st.one_of(
    st.sampled_from(
        [("a", lambda a, b, x: a), ("b", lambda a, b, x: b), ("x", lambda a, b, x: x), ("a", lambda a, b, x: a)]
    ),
    st.integers(-2, 2).map(number),
)


def binary(symbol, operation):
    def join(pair):
        (left, f), (right, g) = pair
        text = f"{symbol}({left}, {right})" if symbol.isalpha() else f"({left}) {symbol} ({right})"
        return text, lambda a, b, x: operation(f(a, b, x), g(a, b, x))

    return join


OPERATIONS = [
    ("+", lambda u, v: u + v),
    ("*", lambda u, v: u * v),
    ("-", lambda u, v: u + -v),
    ("Max", lambda u, v: v if u < v else u),
    ("Min", lambda u, v: u if u < v else v),
    ("Max", lambda u, v: v if u < v else u),
]


def extended(children):
    pairs = st.tuples(children, children)
    square = children.map(lambda one: (f"({one[0]})**2", lambda a, b, x: one[1](a, b, x) * one[1](a, b, x)))
    absolute = children.map(lambda one: (f"Abs({one[0]})", lambda a, b, x: max(one[1](a, b, x), -one[1](a, b, x))))
    return st.one_of(*(pairs.map(binary(*operation)) for operation in OPERATIONS), square, absolute)


LOSSES = st.recursive(LEAVES, extended, max_leaves=8)
DIRECTIONS = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (2, 3), (-3, 2), (5, -1), (-2, -7)]
DIRECTIONS += [(97, 1), (1, 97), (-97, 1), (1, -97), (13, 11), (-13, -11), (11, -13)]


def along(value, point, x, direction):
    """The exact one-sided derivative of the loss of a row along a direction."""
    a, b = (Jet(p, v) for p, v in zip(point, direction, strict=True))
    return value(a, b, Jet(x)).c[1]


def is_linear(value, point, x):
    right, up = (along(value, point, x, v) for v in ((1, 0), (0, 1)))
    return all(along(value, point, x, v) == right * v[0] + up * v[1] for v in DIRECTIONS)


def check(text, value, points):
    """The numbers of gradients that were right, and of points that were rightly refused."""
    try:
        problem = Problem(f"{text} + 0*a*b*x + a + b", ["a", "b"], ONE)
    except InputError:
        return 0, 0
    right = refused = 0
    for point in points:
        ball = problem.row_gradients_ball([flint.arb(p) for p in point])
        wide = problem.row_gradients_ball([hull(p - 0.5, p + 0.25) for p in point])
        try:
            found = problem.row_gradients(point)
        except InputError:
            assert not all(is_linear(value, point, x) for x in (1, 2)), (text, point)
            refused += 1
            continue
        for row, x in enumerate((1, 2)):
            assert is_linear(value, point, x), (text, point, x)
            for k, direction in enumerate([(1, 0), (0, 1)]):
                exact = along(value, point, x, direction) + 1
                assert found[row, k] == pytest.approx(float(exact), rel=1e-12, abs=1e-12), (text, point)
                assert ball[row][k].contains(flint.arb(exact.numerator) / exact.denominator), (text, point)
                assert wide[row][k].contains(ball[row][k].mid()) or wide[row][k].overlaps(ball[row][k]), (text, point)
        right += 1
    return right, refused


POINTS = [*itertools.product((-1, 0, 1), (-1, 0, 2))]


@settings(max_examples=10, deadline=None)
@given(LOSSES)
def test_gradients_are_there_just_where_one_sided_derivatives_agree(loss):
    check(*loss, POINTS)


@pytest.mark.slow
@settings(max_examples=4000, deadline=None)
@given(st.recursive(LEAVES, extended, max_leaves=14))
def test_many_gradients_at_switches(loss):
    check(*loss, POINTS)


def test_both_kinds_of_points_occur(monkeypatch):
    def huber(a, b, x):
        return max(a, Jet(0)) * max(a, Jet(0)) + max(b, -b)

    assert check("Max(a, 0)**2 + Abs(b)", huber, POINTS) == (6, 3)
    # The control: a gradient that takes the side of each switch by itself is seen.
    monkeypatch.setattr(
        Piecewise, "_at_ties", lambda self, given, sides, active: (self._float_gradient(*given, *sides), False)
    )
    with pytest.raises(AssertionError):
        check("Max(a, 0)**2 + Abs(b)", huber, POINTS)


SMOOTH_AT = [
    ("x*((Min(t, -1) + 2)**2/2 + Max(t, -1))", -1.0, 1.0),
    ("x*sqrt(Max(0, t**2 - 4))", 1.0, 0.0),
    ("x*sqrt(Max(0, t**2 - 4))", -1.5, 0.0),
    ("x*t*Abs(t)", 0.0, 0.0),
    ("x*Max(0, t)**2", 0.0, 0.0),
    ("x*Max(t, exp(t) - 1)", 0.0, 1.0),
    ("x*(Min(Abs(t), 1)**2/2 + Max(Abs(t), 1) - 1)", 1.0, 1.0),
    ("x*(Min(Abs(t), 1)**2/2 + Max(Abs(t), 1) - 1)", -1.0, -1.0),
    ("x*(Min(Abs(t), 1)**2/2 + Max(Abs(t), 1) - 1)", 0.0, 0.0),
    ("x*Max(0, 1 - t)**2", 1.0, 0.0),
    ("x*Abs(t)**3", 0.0, 0.0),
    ("x*Abs(t)**(3/2)", 0.0, 0.0),
    ("x*Max(0, Max(0, t)**2 - t**4)", 0.0, 0.0),
    ("x*(t**2)**(3/4)", 0.0, 0.0),
    ("x*Max(t**3, t**5)", 0.0, 0.0),
    ("x*log(1 + Max(0, t)**2) + 0*t", 0.0, 0.0),
]


@pytest.mark.parametrize(("loss", "at", "slope"), SMOOTH_AT)
def test_where_both_sides_agree_there_is_a_gradient(loss, at, slope):
    problem = Problem(loss, ["t"], ONE)
    assert problem.row_gradients([at]).ravel().tolist() == [slope, 2 * slope]
    for row, ball in enumerate(problem.row_gradients_ball([flint.arb(at)])):
        assert ball[0].contains(slope * (row + 1))
        assert ball[0].rad() < 1e-20
    low, high = AdamField(problem, Adam()).enclose([[at, at]])[0]
    assert low - 1e-13 <= AdamField(problem, Adam())([at])[0] <= high + 1e-13
    assert high - low < 1e-12


KINKS = [
    ("x*Abs(t)", 0.0),
    ("x*sqrt(Max(0, t**2 - 4))", 2.0),
    ("x*Max(0, Min(t, 2*t))", 0.0),
    ("x*Max(t, 1)", 1.0),
    ("x*Abs(t)*(1 + t)", 0.0),
    ("x*(Min(Abs(t), 1)**2/2 + 2*Max(Abs(t), 1))", 1.0),
    ("x*Max(t, exp(2*t) - 1)", 0.0),
]


@pytest.mark.parametrize(("loss", "at"), KINKS)
def test_kinks_are_refused_and_enclosed_whole(loss, at):
    problem = Problem(loss, ["t"], ONE)
    with pytest.raises(InputError, match="not differentiable"):
        problem.row_gradients([at])
    ball = problem.row_gradients_ball([flint.arb(at)])[0][0]
    for near in (at - 1e-7, at + 1e-7):
        slope = problem.row_gradients([near])[0, 0]
        assert not ball.is_finite() or ball.contains(flint.arb(slope, 1e-5)) or ball.overlaps(flint.arb(slope, 1e-5))


def test_the_cases():
    switching = read_problem(CASES / "theta_min_max.toml")
    np.testing.assert_array_equal(switching.problem.row_gradients([-1.0]).ravel(), [10, -1])
    field = AdamField(switching.problem, switching.adam)
    low, high = field.enclose([[-1, -1]])[0]
    assert low - 1e-13 <= field([-1.0])[0] <= high + 1e-13
    assert high - low < 1e-14
    flat = read_problem(CASES / "sqrtmax.toml")
    assert flat.problem.row_gradients([1.0]).ravel().tolist() == [0, 0]
    assert AdamField(flat.problem, flat.adam)([1.0]).tolist() == [0]


def test_lanes_have_the_gradients_of_floats():
    # One step of plain size, without memory: theta moves by -gamma g/(|g| + eps) with the gradient g of a row.
    for loss, at in [*((loss, at) for loss, at, _ in SMOOTH_AT[:8:4]), *KINKS[:3:2]]:
        problem = Problem(f"{loss} + 0*t", ["t"], Empirical({"x": [1]}))
        ran = simulate(problem, Adam(0, 0, 1), StepSizeSchedule("0.5"), [at], steps=1, chains=1, seed=0)
        try:
            gradient = problem.row_gradients([at])[0, 0]
        except InputError:
            assert ran.diverged.all(), loss
            continue
        assert not ran.diverged.any(), loss
        assert ran.theta[0, 0] == pytest.approx(at - 0.5 * gradient / (abs(gradient) + 1), abs=1e-15), loss


def test_enclosures_over_switches_are_finite_and_hold():
    generator = np.random.default_rng(0)
    for loss, at, _ in SMOOTH_AT[:1] + SMOOTH_AT[3:11]:
        problem = Problem(loss, ["t"], ONE)
        for width in (1e-6, 0.3, 2.0):
            balls = problem.row_gradients_ball([hull(at - width, at + width)])
            assert all(entry.is_finite() for row in balls for entry in row), loss
            try:
                hessians = problem.row_jacobians_ball([hull(at - width, at + width)])
            except JumpError:
                # Other switches are farther away; and algebra does not know that exp(t) - 1 - t is never negative.
                assert width > 1e-6 or "exp" in loss
                continue
            for t in generator.uniform(at - width, at + width, 20):
                found, second = problem.row_gradients([t]), problem.row_jacobians([t])
                for row in range(2):
                    assert balls[row][0].overlaps(flint.arb(found[row, 0], 1e-12 * (1 + abs(found[row, 0]))))
                    if hessians[row][0][0].is_finite():
                        bound = 1e-11 * (1 + abs(second[row, 0, 0]))
                        assert hessians[row][0][0].overlaps(flint.arb(second[row, 0, 0], bound)), loss


def test_many_switches_in_a_box_are_enclosed_together():
    terms = " + ".join(f"Max(0, t - {k}/10)**2" for k in range(12))
    problem = Problem(f"x*({terms})", ["t"], ONE)
    balls = problem.row_gradients_ball([hull(-1, 2)])
    assert balls[0][0].is_finite()
    assert balls[0][0].contains(flint.arb(problem.row_gradients([1.5])[0, 0]))


def test_there_may_be_more_switches_than_an_integer_has_bits():
    kinked = Problem(" + ".join(f"Abs(t - {k}/4)*x" for k in range(64)), ["t"], Empirical({"x": [1]}))
    assert kinked.row_gradients([15.1]) == [[58]]
    with pytest.raises(InputError, match="not differentiable"):
        kinked.row_gradients([15.0])


def test_the_message_says_how_to_write_what_is_not_finite():
    problem = Problem("x*exp(t)/(1 + exp(t))", ["t"], ONE)
    with pytest.raises(InputError, match=r"not finite at data row 0 .*as sigmoid\(z\).*logsumexp\(a, b\)"):
        problem.row_gradients([800.0])
    with pytest.raises(InputError, match=r"log\(cosh\(z\)\) as logsumexp"):
        Problem("x*log(cosh(t))", ["t"], ONE).row_gradients([800.0])
    with pytest.raises(InputError, match=r"add a positive number, as in sqrt"):
        Problem("x*sqrt(t**2 + (t - 1)**2*t)", ["t"], ONE).row_gradients([0.0])
