"""Arithmetic of ranges holds that of all numbers in them, exactly."""

import operator
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.ranges import Range, range_of

numbers = st.fractions(-3, 3, max_denominator=50)


@st.composite
def ranges_with_points(draw):
    low, high = sorted((draw(numbers), draw(numbers)))
    share = draw(st.fractions(0, 1, max_denominator=20))
    return range_of(low, high), low + share * (high - low)


def holds(found, point):
    low, high = (found.low, found.high) if isinstance(found, Range) else (found, found)
    return low <= point <= high


@given(ranges_with_points(), ranges_with_points(), st.integers(-3, 4))
def test_results_hold_those_of_points(first, second, exponent):
    (one, x), (other, y) = first, second
    pairs = [(one + other, x + y), (one - other, x - y), (one * other, x * y), (-one, -x), (abs(one), abs(x))]
    pairs += [(one + y, x + y), (y - one, y - x), (3 * one, 3 * x), (1 - one, 1 - x)]
    for found, exact in pairs:
        assert holds(found, exact)
    if isinstance(other, Range) and not other.low <= 0 <= other.high:
        assert holds(one / other, x / y)
        assert holds(other**exponent, y**exponent)
    elif exponent >= 0:
        assert holds(one**exponent, x**exponent)


@given(ranges_with_points(), ranges_with_points())
def test_what_is_said_of_the_order_holds_for_all_points(first, second):
    (one, x), (other, y) = first, second
    ends = [(value.low, value.high) if isinstance(value, Range) else (value,) for value in (one, other)]
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        answers = {compare(a, b) for a, b in product(*ends)}
        if len(answers) == 2:
            with pytest.raises(NotApplicable, match="is not the same for all"):
                compare(one, other)
        else:
            assert {compare(one, other)} == {compare(x, y)} == answers


def test_a_range_is_not_the_number_at_its_end_and_not_known_to_be_one_within():
    found = Range(Fraction(0), Fraction(1))
    assert found != 0
    assert found
    assert found != "0"
    assert hash(found) == hash(Range(Fraction(0), Fraction(1)))
    with pytest.raises(NotApplicable, match=r"a range from 0 to 1 is compared to 0\.5"):
        _ = found == Fraction(1, 2)
    with pytest.raises(NotApplicable):
        bool(found - Fraction(1, 2))


@given(numbers, numbers)
def test_ends_are_reached(low, high):
    assume(low < high)
    doubled = Range(low, high) * 2
    assert (doubled.low, doubled.high) == (2 * low, 2 * high)
    assert Range(low, high) - Range(low, high) == Range(low - high, high - low)


def test_a_range_that_holds_0_divides_nothing():
    with pytest.raises(ZeroDivisionError):
        _ = 1 / Range(Fraction(-1), Fraction(1))
    assert Range(Fraction(-1), Fraction(2)) ** 2 == Range(Fraction(0), Fraction(4))
    assert range_of(Fraction(1), Fraction(1)) == Fraction(1)
