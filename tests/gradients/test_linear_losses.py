"""Losses of linear models: what their table says of kinks and jumps, what is proven of them, numbers as written."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import flint
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, certify_lyapunov, find_zeros, library
from adamsym.gradients.library import BUILDERS, build

PAGE = (Path(__file__).parents[2] / "docs" / "problem_files.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("**The library.**") :]
GRADIENTS = {
    name: gradient.split()[0]
    for name, gradient in re.findall(
        r"^\| `(\w+)` \|.*\| (smooth|jumps where|kinks where)[^|]*(?:\|.*)*\|$", TABLE.replace("\\|", ""), re.MULTILINE
    )
}
X = [-2, -1, 0, 1, 2, 3]
TARGETS = {"poisson": [1, 0, 2, 1, 4, 6], "gamma": [1, 1, 2, 1, 4, 6]}
LABELS = {name: [0, 0, 1, 1, 0, 1] for name in ("logistic", "hinge", "squared_hinge", "exponential", "softmax")}


def field_of(name):
    """One weight, so that a search takes a moment."""
    target = (TARGETS | LABELS).get(name, ["-1.5", "-0.4", "0.3", "0.9", "2.2", 9])
    options = {"targets": ["y"]} if name == "softmax" else {}
    law = Empirical({"x": X, "y": target})
    return AdamField(Problem(*build(name, options | {"intercept": False}, law.names), law), Adam(0.5, 0.9, 0.1))


def test_the_tables_list_the_library():
    assert sorted(re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE)) == sorted(BUILDERS)
    assert len(GRADIENTS) == 14


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_smooth_have_kinks_or_jump_as_the_table_says(name):
    field = field_of(name)
    assert field.problem.is_smooth == (GRADIENTS[name] == "smooth")
    if not field.problem.is_smooth:
        boxes = [flint.arb(0.25 * k, 0.2) for k in range(-8, 13)]
        jumps = any(field.problem._pieces.may_jump([w, flint.arb(1), flint.arb(y)]) for w in boxes for y in (0, 1))
        assert jumps == (GRADIENTS[name] == "jumps")


@pytest.mark.parametrize("name", GRADIENTS)
def test_zeros_are_certified_unless_the_gradient_jumps(name):
    field = field_of(name)
    # Balls, which small searches end in, need more boxes than float64 intervals: of the cauchy loss 63, and not 51.
    found = find_zeros(field, [[-1, 3]], budget=60 if GRADIENTS[name] == "jumps" else 80)
    if GRADIENTS[name] == "jumps":
        assert (found.complete, len(found.zeros)) == (False, 0)
        # By jumps: f is positive below the boxes that are left, and negative above them.
        ends = [end for [side] in found.undecided for end in side]
        assert field.evaluate([min(ends) - 0.05]).value > 0 > field.evaluate([max(ends) + 0.05]).value
    else:
        assert (found.complete, len(found.zeros)) == (True, 1)
        assert abs(field.evaluate(found.zeros[0].midpoint).value).max() < 1e-9
    assert certify_lyapunov(field, [[2, 3]], budget=60).verdict == "certified"


@settings(max_examples=8)
@given(st.decimals("0.01", "0.99", places=3), st.sampled_from([float, str, Decimal, Fraction]))
def test_numbers_count_as_they_are_written(number, kind):
    exact = Fraction(number)
    for builder, option in ((library.quantile, "level"), (library.huber, "delta"), (library.cauchy, "scale")):
        assert builder(["x"], "y", kind(number)) == builder(["x"], "y", **{option: exact})
    near = Fraction(number) + Fraction(1, 10**9)
    assert library.quantile(["x"], "y", kind(number)) != library.quantile(["x"], "y", near)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("quantile", {"level": Decimal(1)}, "level: 1 is not allowed; allowed are numbers between 0 and 1"),
        ("quantile", {"level": 0}, "level: 0 is not allowed"),
        ("huber", {"delta": -1}, "delta: -1 is not allowed; allowed are positive numbers"),
        ("cauchy", {"scale": "wide"}, "scale: 'wide' is not a finite real number"),
        ("logistic", {"penalty": -1}, "penalty: -1 is not allowed; allowed are numbers from 0 up"),
        ("softmax", {}, "targets"),
        ("softmax", {"targets": []}, "all classes but one"),
        ("softmax", {"targets": ["y"], "inputs": ["x", "y"]}, "none an input"),
        ("softmax", {"targets": ["z"]}, "'z' is no data column"),
    ],
)
def test_options_that_are_not_allowed(name, options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        build(name, options, ["x", "y"])


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_penalty_is_added_on_the_weights_alone(name):
    options = {"targets": ["y"]} if name == "softmax" else {}
    plain, names = build(name, options, ["x", "v", "y"])
    penalized, again = build(name, options | {"penalty": Decimal("0.1")}, ["x", "v", "y"])
    weights = [library.real(one) for one in names if one.startswith("w")]
    assert again == names
    assert len(weights) == len(names) - 1 == 2
    assert sp.expand(penalized - plain) == sum(w**2 for w in weights) / 20


def test_a_penalty_gives_classes_that_are_told_apart_a_zero():
    law = Empirical({"x": [-2, -1, 1, 2], "y": [0, 0, 1, 1]})
    method = Adam(0.5, 0.9, 0.1)
    found, none = (
        find_zeros(AdamField(Problem(*library.logistic(["x"], "y", False, penalty), law), method), [[0, 4]], budget=200)
        for penalty in ("0.1", 0)
    )
    assert (found.complete, len(found.zeros)) == (True, 1)
    assert len(none.zeros) == 0


def test_two_classes_are_logistic_regression():
    columns = {"x": X, "y": [0, 1, 0, 1, 0, 1]}
    one, other = (
        Problem(*model, Empirical(columns)) for model in (library.softmax(["x"], ["y"]), library.logistic(["x"], "y"))
    )
    assert one.row_gradients([0.3, -0.2]).tolist() == other.row_gradients([0.3, -0.2]).tolist()
