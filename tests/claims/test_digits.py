"""Whether what is enclosed rounds to digits: against decimal rounding, and near misses."""

import decimal
from fractions import Fraction

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym.claims import rounding_interval, rounds_to
from adamsym.expressions.errors import InputError

decimals = st.builds(
    lambda sign, digits, point, power: f"{sign}{digits[:point] or '0'}.{digits[point:]}{power}",
    st.sampled_from(["", "-", "+"]),
    st.text("0123456789", min_size=1, max_size=8),
    st.integers(0, 8),
    st.sampled_from(["", "e-4", "e3", "e+2"]),
)


@given(decimals, st.fractions(-1, 1))
def test_the_interval_holds_what_decimal_rounds_to_these_digits(digits, share):
    low, high = rounding_interval(digits)
    assert (low + high) / 2 == Fraction(digits)
    value = Fraction(digits) + share * (high - low)
    with decimal.localcontext(decimal.Context(prec=60)):
        exact = decimal.Decimal(value.numerator) / value.denominator
        rounded = exact.quantize(decimal.Decimal(digits))
    if 2 * abs(share) != 1:
        assert (rounded == decimal.Decimal(digits)) == (low < value < high)


@given(decimals, st.fractions(-3, 3), st.fractions(0, 3))
def test_enclosures_hold_are_refuted_or_undecided(digits, start, width):
    low, high = rounding_interval(digits)
    unit = high - low
    bounds = Fraction(digits) + start * unit, Fraction(digits) + (start + width) * unit
    found = rounds_to(digits, bounds, "x")
    inside, outside = low < bounds[0] and bounds[1] < high, bounds[1] < low or bounds[0] > high
    assert found.verdict == ("holds" if inside else "refuted" if outside else "undecided")
    assert digits in found.detail


def test_balls_and_what_is_not_known():
    third = flint.arb(1) / 3
    assert rounds_to("0.333333", third, "x").verdict == "holds"
    assert rounds_to("0.333334", third, "x").verdict == "refuted"
    assert rounds_to("0.333333", third + flint.arb(0, 1e-5), "x").verdict == "undecided"
    # Zeros at the end count.
    assert rounds_to("0.30", third, "x").verdict == "refuted"
    assert rounds_to("0.3", third, "x").verdict == "holds"
    for unknown in (flint.arb("nan"), flint.arb(0, 1) / 0, (float("nan"), 1.0), (1.0, float("nan"))):
        assert rounds_to("0.3", unknown, "x").verdict == "undecided"
    assert rounds_to("0.3", (0.3, float("inf")), "x").verdict == "undecided"
    assert rounds_to("0.3", (0.4, float("inf")), "x").verdict == "refuted"


@pytest.mark.parametrize("text", ["", "x", "1/3", "nan", "1e9999", ".5", "0x1", "1_0", "٣"])
def test_what_is_no_decimal_number(text):
    with pytest.raises(InputError, match=r"digits: .* allowed are decimal numbers"):
        rounding_interval(text)
