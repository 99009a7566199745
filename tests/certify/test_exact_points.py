"""That something is 0 is concluded from exact arithmetic alone, by maker and checker, each by its own code."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certificates.form import digest_of
from adamsym.certify import certificate, certify_lyapunov, compare_regions
from adamsym.certify import exact_points as maker
from adamsym.certify.boxes import simplest_point
from adamsym.checker import check_certificate
from adamsym.checker import exact_values as checker
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.balls import Balls
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import read_problem
from adamsym.methods import Adam

CASES = Path(__file__).parents[1] / "cases"
QUICK = Adam("0.5", "0.9", "0.1")
LOGARITHMS = "1e40*(log(2) + log(3) - log(6))"
"""Exactly 0, which no interval shows."""


def of(loss, rows=(1, 2), names=("theta",)):
    return Problem(loss, list(names), Empirical({"x": list(rows)}))


def checked(function, problem, point):
    """What the checker proves, in either arithmetic; what is not defined it refuses."""
    return all(_checked(using, function, problem, point) for using in (Balls(), MpmathIntervals()))


def _checked(using, function, problem, point):
    with using.working():
        try:
            return function(using, problem, point)
        except NotCheckable:
            return False


@pytest.mark.parametrize(
    ("loss", "point", "gradients", "loss_too"),
    [
        ("(theta*x)**2/2", "0", True, True),
        ("(theta*x)**2/2", "1e-300", False, False),
        ("(theta*x)**2/2 + 1e-300", "0", True, False),
        ("(theta*x)**2/2 - 1e-300", "0", True, True),
        ("x*(theta - 1/3)**2/2", "1/3", True, True),
        ("x*(theta - 1/3)**2/2", "0.3333333333333333", False, False),
        ("cosh(theta*x) - 1", "0", True, True),
        ("cosh(theta*x) - 1 + 1e-40", "0", True, False),
        ("x*(sqrt(4 + theta**2) - 2)", "0", True, True),
        ("x*(1 - cos(theta))", "0", True, True),
        ("(x**theta - 1)**2", "0", True, True),
        ("(x**theta - 1)**2", "1e-300", False, False),
        # pi is no rational number: that sin(pi) = 0 is not seen, nor is it claimed.
        ("x*(1 - cos(theta - pi))", "3", False, False),
        ("(theta*x)**2/2 + " + LOGARITHMS, "0", True, False),
        # The terms' values at 0 are not defined, whatever their limits.
        ("x*(theta**2/2 + theta**2*log(theta))", "0", False, False),
        # Simplified it is theta**2/2, but as written it is not defined at 0.
        ("x*theta**3/theta/2", "0", False, False),
        ("softplus(theta*x) - log(2) - theta*x/2", "0", True, False),
    ],
)
def test_what_is_proven_to_be_zero(loss, point, gradients, loss_too):
    problem, at = of(loss), (Fraction(point),)
    assert maker.vanishes(problem, at) == checked(checker.vanishes, problem, at) == gradients
    assert maker.loss_is_at_most_zero(problem, at) == loss_too
    assert checked(checker.loss_is_at_most_zero, problem, at) == loss_too


def test_a_quotient_of_zeros_is_no_zero():
    """a**2/b is 0 where a = 0 if a is put in first; at the origin it is not defined."""
    problem = of("x*(a**3/b + b**2/2)", names=("a", "b"))
    origin = (Fraction(0), Fraction(0))
    assert not maker.vanishes(problem, origin)
    assert not checked(checker.vanishes, problem, origin)


@settings(max_examples=60, deadline=None)
@given(
    st.fractions(-3, 3, max_denominator=50),
    st.lists(st.fractions(-3, 3, max_denominator=9), min_size=1, max_size=3, unique=True),
    st.fractions(-1, 1, max_denominator=10**6),
)
def test_exact_values_are_those_of_fractions(theta, rows, shift):
    problem = of(f"(theta - x)**3/3 + theta*x**2 + ({shift})/(7 + theta**2)", rows)
    slopes = [(theta - x) ** 2 + x**2 - 2 * theta * shift / (7 + theta**2) ** 2 for x in rows]
    losses = [(theta - x) ** 3 / 3 + theta * x**2 + shift / (7 + theta**2) for x in rows]
    at = (theta,)
    assert maker.vanishes(problem, at) == checked(checker.vanishes, problem, at) == (not any(slopes))
    assert maker.loss_is_at_most_zero(problem, at) == (sum(losses) <= 0)
    assert checked(checker.loss_is_at_most_zero, problem, at) == (sum(losses) <= 0)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e3))
def test_the_simplest_point_lies_in_its_interval(low, width):
    high = low + width
    point = simplest_point(np.array([[low, high]]))
    if point is None:
        # Numbers of the package are 0 or have magnitudes from 1e-300 to 1e300: that a tiny point is none is the answer.
        assert 0 < max(abs(low), abs(high)) < 1e-299
        return
    [found] = point
    assert low <= found <= high
    for denominator in range(1, min(found.denominator, 50)):
        assert Fraction(low) * denominator > 0 or Fraction(high) * denominator < 0
        # No fraction of a smaller denominator lies between the ends.
        assert -(-Fraction(low) * denominator // 1) > Fraction(high) * denominator


RATES = [
    (read_problem(CASES / "r1b.toml").problem, Adam("0.9", "0.999", "1"), None),
    (of("cosh(theta*x) - 1 + 1e-40"), Adam(), None),
    (of("(theta*x)**2/2 + 1e-300"), QUICK, None),
    (of("(theta*x)**2/2"), QUICK, True),
    (of("cosh(theta*x) - 1"), QUICK, True),
    (of("cosh(theta*x) - 1 - 1e-40"), QUICK, True),
]


@pytest.mark.parametrize(("problem", "adam", "rate"), RATES, ids=[str(k) for k in range(len(RATES))])
def test_there_is_a_rate_only_where_the_loss_is_proven_to_reach_zero(problem, adam, rate):
    found = certify_lyapunov(AdamField(problem, adam), [[-1, 1]])
    assert found.verdict == "certified"
    assert (found.rate is not None) == bool(rate)
    assert (compare_regions(found).pl is not None) == bool(rate)
    content = certificate(found)
    assert check_certificate(content).valid
    if rate:
        assert 0 < content["rate"] <= found.rate
    # The control: a rate, however small, is refused where none is proven, and a larger one where one is.
    false = content | {"rate": 2 * found.rate if rate else 1e-300}
    assert "rate" in check_certificate(false | {"digest": digest_of(false)}).reason
