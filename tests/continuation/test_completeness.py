"""All zeros over hyper-parameters: cells hold what is counted at drawn values; what is not proven is undecided."""

import json
from fractions import Fraction

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamField,
    AdamW,
    Empirical,
    Independent,
    InputError,
    Problem,
    certificate,
    certify_zeros_over,
    check_certificate,
    find_zero,
)
from adamsym.certificates.form import json_schema
from adamsym.methods.record import parameters_of

QUADRATIC = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
THREE = AdamField(QUADRATIC, Adam("0.9", "0.999", "1e-8"))
CHEAP = AdamField(QUADRATIC, Adam("0.5", "0.82", "0.1"))
FOLDED = AdamField(
    Problem("(theta**2 - 1)**2*(1 + x) + theta/2", ["theta"], Empirical({"x": [0, 0, "0.5"]})),
    AdamW("0", "0.82", "1", "0.1"),
)
"""Weight decay draws a minimum towards 0, until it meets a maximum and vanishes."""


def field_at(field, names, values):
    given_values = dict(zip(names, values, strict=True))
    return AdamField(field.problem, type(field.adam)(**{**parameters_of(field.adam), **given_values}))


def counted_at(field, names, values, box):
    """The zeros' number in a box of one parameter, in floats."""
    signs = np.sign(field_at(field, names, values)(np.linspace(*box, 1001)[:, None])[:, 0])
    return int((signs[1:] * signs[:-1] < 0).sum())


def checked(found):
    content = json.loads(json.dumps(certificate(found)))
    jsonschema.validate(content, json_schema())
    return check_certificate(content)


def test_one_zero_for_every_value():
    found = certify_zeros_over(THREE, {"beta2": ("0.9", "0.91")}, [[-5, 5]])
    assert found.complete
    assert found.shares == {1: 1.0}
    assert found.summary == "certified: for every beta2 from 0.9 to 0.91 exactly 1 zero, attracting: 1 cell"
    (cell,) = found.cells
    (zero,) = found.zeros(cell)
    for value in ("0.9", "0.905", "0.91"):
        theta = find_zero(field_at(THREE, ["beta2"], [value]), [1.0]).theta
        assert zero.box[0][0] < theta[0] < zero.box[0][1]
    assert checked(found).valid


@pytest.fixture(scope="module")
def folded():
    return certify_zeros_over(FOLDED, {"weight_decay": ("1.2", "1.8")}, [[-2, 2]], operations=300_000)


def test_an_interval_of_beta1_may_begin_at_zero():
    found = certify_zeros_over(CHEAP, {"beta1": (0, "0.02")}, [[-5, 5]])
    assert found.shares == {1: 1.0}
    assert checked(found).valid
    inside = found.regions[0].box[0]
    assert inside[0] <= find_zero(field_at(CHEAP, ["beta1"], [0]), [1.0]).theta[0] <= inside[1]


def test_next_to_a_fold_a_cell_is_undecided(folded):
    assert not folded.complete
    assert set(folded.shares) == {1, 3, None}
    assert folded.summary.startswith("certified in part: for weight_decay from 1.2 to 1.8 exactly 1 zero on 5")
    assert sum(folded.shares.values()) == pytest.approx(1)
    numbers = []
    for cell in folded.cells:
        ((low, high),) = cell.over
        if cell.regions is None:
            continue
        numbers.append(folded.stabilities(cell))
        if high - low > Fraction(1, 100):
            # In narrower cells two zeros may be too near to each other to be counted on a grid.
            for k in (1, 2, 3):
                value = low + (high - low) * Fraction(k, 4)
                assert counted_at(FOLDED, ["weight_decay"], [value], (-2, 2)) == len(cell.regions)
    assert ("attracting", "repelling", "attracting") in numbers
    assert folded.table()[1][-1][0] == "undecided"


@pytest.mark.slow
def test_the_checker_finds_them_in_both_arithmetics(folded):
    content = json.loads(json.dumps(certificate(folded)))
    for slow in (False, True):
        assert check_certificate(content, slow=slow).valid


def test_more_operations_leave_less_undecided(folded):
    few = certify_zeros_over(FOLDED, {"weight_decay": ("1.2", "1.8")}, [[-2, 2]], operations=1)
    assert few.undecided_share == 1.0
    assert few.summary == "undecided: nothing is certified for weight_decay from 1.2 to 1.8"
    assert folded.undecided_share < 1.0
    with pytest.raises(InputError, match="no cell is certified"):
        certificate(few)


@pytest.mark.slow
def test_processes_find_the_same(folded):
    again = certify_zeros_over(FOLDED, {"weight_decay": ("1.2", "1.8")}, [[-2, 2]], operations=300_000, executor=2)
    assert certificate(again) == certificate(folded)


@settings(max_examples=2)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=3, unique=True), st.integers(0, 4), st.integers(0, 4))
def test_cells_over_two_parameters_hold_what_is_counted(x, first, second):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": x})), Adam("0.3", "0.9", "0.1"))
    over = {"beta1": ("0.3", "0.4"), "eps": ("0.1", "0.2")}
    found = certify_zeros_over(field, over, [[-5, 5]])
    values = [Fraction(3 * 4 + first, 40), Fraction(4 + second, 40)]
    number = counted_at(field, list(over), values, (-5, 5.01))
    holding = [c for c in found.cells if all(a <= v <= b for v, (a, b) in zip(values, c.over, strict=True))]
    assert holding
    assert all(len(cell.regions) == number for cell in holding if cell.regions is not None)
    assert found.complete
    assert checked(found).valid


@pytest.mark.slow
def test_two_parameters_theta():
    curved = Problem("(a*x - y)**2/2 + (b - a*a)**2/2", ["a", "b"], Empirical({"x": [1, 1, 2], "y": [0, 1, 2]}))
    field = AdamField(curved, Adam("0.5", "0.9", "0.1"))
    found = certify_zeros_over(field, {"eps": ("0.1", "0.12")}, [[-1, 2], [-1, 2]])
    assert found.complete
    assert {found.stabilities(cell) for cell in found.cells} == {("attracting",)}
    assert checked(found).valid


def test_ranges_of_nothing_prove_nothing(monkeypatch):
    """Where the form over a cell is that of its lowest values alone, the checker refuses what is made."""
    honest = Adam.laplace_over_all
    monkeypatch.setattr(
        Adam, "laplace_over_all", lambda self, over: honest(self, {name: (low, low) for name, (low, _) in over.items()})
    )
    found = certify_zeros_over(CHEAP, {"eps": ("0.1", "9")}, [[0.5, 1.5]])
    monkeypatch.undo()
    assert found.complete
    assert len(found.cells) == 1
    assert not checked(found).valid


@pytest.mark.parametrize(
    ("over", "box", "words"),
    [
        ({"beta2": ["0.9", "0.99"]}, [[-5, 5]], "give an interval"),
        ({}, [[-5, 5]], "one or two hyper-parameters"),
        ({"beta1": ("0.5", "0.95"), "beta2": ("0.9", "0.99")}, [[-5, 5]], "must be below beta2"),
        ({"batch_size": (1, 4)}, [[-5, 5]], "give an interval"),
        ({"gamma": (1, 4)}, [[-5, 5]], "gamma"),
        ({"beta2": ("0.9", "0.99")}, [[-5, 5], [0, 1]], "box: shape"),
    ],
)
def test_wrong_values_are_named(over, box, words):
    with pytest.raises(InputError, match=words):
        certify_zeros_over(THREE, over, box)


def test_continuous_data_are_refused():
    normal = AdamField(Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Adam())
    with pytest.raises(InputError, match="listed rows"):
        certify_zeros_over(normal, {"beta2": ("0.9", "0.99")}, [[-5, 5]])
