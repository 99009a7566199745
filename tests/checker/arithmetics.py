"""The checker's two arithmetics, for tests of one evaluation in both."""

import mpmath
import pytest
from flint import arb

from adamsym.checker.balls import Balls
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.expressions.precision import ball_bits

BALLS, SLOW = Balls(), MpmathIntervals()
in_both = pytest.mark.parametrize("using", [BALLS, SLOW], ids=["balls", "mpmath"])
in_both_by_long_tests = pytest.mark.parametrize(
    "using", [BALLS, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["balls", "mpmath"]
)
"""For tests that take long with mpmath's intervals."""


def ends(x):
    """The ends of an interval of either arithmetic, exactly; to be compared in mpmath's numbers."""
    if not isinstance(x, arb):
        return tuple(mpmath.make_mpf(end) for end in x._mpi_)
    with ball_bits(4000):
        sides = x.lower(), x.upper()
    return tuple(mpmath.make_mpf(mpmath.libmp.from_man_exp(*map(int, end.man_exp()))) for end in sides)


def holds(x, value, slack=0):
    low, high = ends(x)
    return low - slack <= value <= high + slack


def width(x):
    low, high = ends(x)
    with mpmath.workprec(4000):
        return float(high - low)


def middle(x):
    low, high = ends(x)
    return (low + high) / 2


def meet(x, low, high):
    """Whether an interval has a point in common with that between two numbers."""
    bottom, top = ends(x)
    return bottom <= high and low <= top
