"""Columns kept as text or floats are the numbers that are written, and their floats the nearest ones."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adamsym import InputError
from adamsym.expressions.exact_columns import Decimals, Fractions, Joined, exact_column, plain_column
from adamsym.expressions.numbers import exact_rational


def halfway(x):
    """The decimal in the middle between a float and the next one, with up to 60 digits after the point."""
    return (Decimal(x) + Decimal(float(np.nextafter(x, np.inf)))) / 2


def is_float(x):
    return Fraction(float(x)) == x


plain = st.from_regex(
    r"[ \t]?[+-]?([0-9]{1,20}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?[ \t]?", fullmatch=True
)
middles = st.floats(1e-5, 1e15).map(lambda x: f"{halfway(x):f}")
near_middles = middles.map(lambda text: text + "1")
dyadic = st.tuples(st.integers(-(2**53), 2**53), st.integers(0, 60)).map(
    lambda pair: f"{Decimal(pair[0]) / Decimal(2 ** pair[1]):f}"
)
ADVERSARIAL = """-0 -0.0 0e99 00.50 1. .5 +.5e-99 9007199254740993 9007199254740992.5 1e22 1e23 0.1 8.5e1 123456.5
0.30000000000000004 2.4703282292062327e-99 99999.0009765625 100000.0009765625 0.000030517578125 5.9604644775390625e-8
1.1102230246251565404e-16 999999999999999 1000000000000000 4503599627370497.5"""
adversarial = st.sampled_from([*ADVERSARIAL.split(), "\t7 ", "9" * 40, "0.5" + "0" * 39, "0.5" + "0" * 38 + "1"])
written = st.one_of(plain, middles, near_middles, dyadic, adversarial)


@given(st.lists(written, min_size=1, max_size=8))
@example([f"{halfway(1.0):f}", f"{halfway(2.0**52):f}", f"{halfway(1e-5):f}"])
def test_a_column_of_decimals_holds_what_is_written(entries):
    found = plain_column(entries)
    exact = [exact_rational(entry, "x") for entry in entries]
    if found is None:
        assert any(len(entry.strip()) > 40 for entry in entries)
        found = exact_column(exact, "x")
        assert type(found) is Fractions
    assert list(found.fractions()) == list(found) == exact
    assert found.floats.tolist() == [float(x) for x in exact]
    # Neither has a negative zero, which 1/x would tell from 0.
    assert np.signbit(found.floats).tolist() == [x < 0 for x in exact]
    assert found.are_floats().tolist() == [is_float(x) for x in exact]
    assert len(found) == len(entries)
    comma = plain_column([entry.replace(".", ",") for entry in entries], ",")
    if type(found) is Decimals:
        assert list(comma) == exact


@given(
    st.lists(
        st.one_of(plain, st.text("0123456789.eE+-/_ \t\n\r\x0b\u0661\u00a0,naif", max_size=6)), min_size=1, max_size=4
    )
)
def test_what_is_plain_is_read_one_by_one_to_the_same(entries):
    """And nothing that the careful way refuses is plain."""
    found = plain_column(entries)
    if found is not None:
        assert [exact_rational(entry, "x") for entry in entries] == list(found)
        assert not any(set(entry) - set("0123456789.eE+- \t") for entry in entries)


@pytest.mark.parametrize(
    "entries",
    [["1\n2"], ["1", "2\n"], ["1", ""], [""], ["1/3"], ["nan"], ["1e100"], ["1_0"], ["0x1"], ["1,5"], ["9" * 41]],
)
def test_other_texts_are_not_plain(entries):
    assert plain_column(entries) is None


def test_decimal_commas_are_no_points():
    assert plain_column(["1.5"], ",") is None
    assert plain_column(["1,5", "-,25"], ",").floats.tolist() == [1.5, -0.25]


some_floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70).map(float),
    st.tuples(st.integers(-(2**53), 2**53), st.integers(0, 70)).map(lambda pair: pair[0] / 2 ** pair[1]),
)


@given(st.lists(some_floats, min_size=1))
@example([5e-324, 1.0])
@example([0.1, float("inf")])
@example([-0.0, 2.0**-24, 3 * 2.0**-24, 2.0**-25, 1e22, 2.0**53 + 2])
def test_a_column_of_floats_holds_their_shortest_decimals(values):
    try:
        exact = [exact_rational(x, f"x[{k}]") for k, x in enumerate(values)]
    except InputError as error:
        message = str(error)
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            exact_column(values, "x")
        return
    found = exact_column(values, "x")
    assert list(found) == exact
    assert found.floats.tolist() == [float(x) for x in exact]
    assert not (np.signbit(found.floats) & (found.floats == 0)).any()
    assert found.are_floats().tolist() == [is_float(x) for x in exact]


def test_columns_below_each_other():
    parts = plain_column(["0.5", "0.1"]), exact_column([1.25, 0.3], "x"), exact_column(["1/3", 2], "x")
    joined = Joined(parts)
    assert [type(part) for part in parts] == [Decimals, Decimals, Fractions]
    assert list(joined) == [Fraction(x) for x in ("1/2", "1/10", "5/4", "3/10", "1/3", "2")]
    assert joined.floats.tolist() == [0.5, 0.1, 1.25, 0.3, 1 / 3, 2.0]
    assert joined.are_floats().tolist() == [True, False, True, False, False, True]
    assert (len(joined), joined[1], joined[-2:]) == (6, Fraction(1, 10), [Fraction(1, 3), Fraction(2)])


def test_the_floats_of_a_column_are_its_own():
    given_floats = np.array([1.0, 2.0])
    column = exact_column(given_floats.tolist(), "x")
    column.floats[0] = 5.0
    assert column.floats.tolist() == [1.0, 2.0]


def test_few_fractions_are_made_to_tell_floats_from_other_decimals(monkeypatch):
    """Of drawn numbers none, of multiples of 1/1024 none: a large table is not slow for having either."""
    made = []
    monkeypatch.setattr("adamsym.expressions.exact_columns._is_float", lambda x: made.append(x) or True)
    drawn = np.random.default_rng(0).normal(size=2000)
    texts = [list(map(repr, drawn.tolist())), [f"{x:.6f}" for x in drawn], [f"{x:.18e}" for x in drawn]]
    for column in (exact_column(drawn.tolist(), "x"), *map(plain_column, texts)):
        column.are_floats()
    assert not made
    coarse = np.round(drawn * 16) / 16
    for column in (exact_column(coarse.tolist(), "x"), plain_column(list(map(repr, coarse.tolist())))):
        assert column.are_floats().all()
    assert not made
    assert plain_column(["0.50000000000000000000"] * 9).are_floats().all()
    assert len(made) == 1
