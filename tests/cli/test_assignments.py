"""Points from the command line."""

from fractions import Fraction

import pytest

from adamsym.cli.assignments import parse_box, parse_point
from adamsym.expressions.errors import InputError

NAMES = ["w0", "w1", "b"]


@pytest.mark.parametrize(
    "texts",
    [
        ["w0=1,w1=2,b=0.5"],
        ["w0=1", "w1=2", "b=0.5"],
        ["w=[1,2]", "b=5e-1"],
        [" w = [1, 2] , b = .5 "],
        ["b=1/2,w=[1,2]"],
    ],
)
def test_forms(texts):
    assert parse_point(texts, NAMES, "--at") == [1.0, 2.0, 0.5]


def test_a_start_fills_in_what_is_not_named():
    assert parse_point(["w1=7"], NAMES, "--at", {"w0": 1.0, "w1": 2.0, "b": 3.0}) == [1.0, 7.0, 3.0]


@pytest.mark.parametrize(
    ("texts", "fragment"),
    [
        (["w0=1"], "no value for w1, b"),
        (["w=[1,2,3]", "b=1"], "'w2' is no parameter"),
        (["w0=1,w0=2,w1=1,b=1"], "set twice"),
        (["w0"], "no assignment"),
        (["=1"], "no assignment"),
        (["w=[1,2"], "brackets"),
        (["w=[[1],2]"], "brackets"),
        (["w0=]"], "brackets"),
        (["w0=nan"], "finite"),
        (["w0=inf"], "finite"),
        (["w0=1e999"], "out of range"),
        (["w0=2**3"], "number"),
        (["w=[]"], "number"),
    ],
)
def test_refusals(texts, fragment):
    with pytest.raises(InputError, match="--at") as caught:
        parse_point(texts, NAMES, "--at")
    assert fragment in str(caught.value)


def test_boxes_hold_what_is_written():
    [[low, high], [a, b]] = parse_box(["x=0.1:0.3, y=-1:1e-1"], ["x", "y"], "--box")
    assert Fraction(low) <= Fraction(1, 10) <= Fraction(b)
    assert Fraction(3, 10) <= Fraction(high)
    assert high - 0.3 < 1e-16
    assert a == -1
