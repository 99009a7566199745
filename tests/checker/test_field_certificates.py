"""Certificates about a vector field: valid as they are made, and not for other components."""

import copy
import json
import random
import re

import numpy as np
import pytest
from bases import GAME, Base, base, game, product
from forgeries import exchanged_components, loss_for_a_field, signed, wrong_critical_point

from adamsym import AdamField, Empirical, Problem, VectorField, certificate, certify_lyapunov, find_zeros
from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.gradients.record import problem_from_record, problem_record

SIDES = [[-0.06, -0.03], [-0.06, -0.02]]
"""Around the zero of the game: one leaf, so that checks are short."""


@pytest.fixture(scope="module")
def short():
    content = json.loads(json.dumps(certificate(find_zeros(GAME, SIDES, width=1e-6))))
    return Base("short", content, GAME, game(), ((-0.5, 0.5), (-0.5, 0.5)))


@pytest.fixture(scope="module")
def content(short):
    return short.content


def test_a_game_is_certified_and_checked(content):
    assert len(content["leaves"]) == 1
    assert content["problem"]["field"] == ["x + y + p", "y - x + q"]
    assert "loss" not in content["problem"]
    [zero] = content["zeros"]
    assert content["complete"]
    assert (zero["stability"], zero["critical_point"]) == ("attracting", None)
    [known] = game()
    assert all(low <= x <= high for x, (low, high) in zip(known.point, zero["box"], strict=True))
    assert check_certificate(content).valid


OTHER_CHANGES = [(0, "x - y + p"), (1, "y - x"), (1, "2*y - x + q")]


def changed(content, change):
    new = copy.deepcopy(content)
    change(new)
    return signed(new)


@pytest.mark.parametrize(
    ("component", "text"),
    [(0, "x + y + p + 1/100"), *(pytest.param(*one, marks=pytest.mark.slow) for one in OTHER_CHANGES)],
)
def test_a_changed_component_is_refused(content, component, text):
    forged = changed(content, lambda new: new["problem"]["field"].__setitem__(component, text))
    found = check_certificate(forged)
    assert not found.valid
    assert not found.undecided


@pytest.mark.parametrize("forge", [exchanged_components, loss_for_a_field, wrong_critical_point])
def test_forged_fields_are_refused(short, forge):
    forged = forge(short, copy.deepcopy(short.content), random.Random(1))
    found = check_certificate(signed(forged))
    assert not found.valid
    assert not found.undecided


def test_what_is_no_field_is_malformed(content):
    for change in (
        lambda new: new["problem"].update(field="x"),
        lambda new: new["problem"].update(field=[]),
        lambda new: new["problem"].update(loss="x*y"),
        lambda new: new["problem"].pop("field"),
    ):
        with pytest.raises(InputError, match="certificate"):
            check_certificate(changed(content, change))
    for components in (["x + y + p"], ["x + y + p", "0"], ["x + y + p", "z"]):
        found = check_certificate(changed(content, lambda new, c=components: new["problem"].update(field=c)))
        assert found.reason.startswith("the problem is not valid: problem.field")


def test_records_are_read_back():
    again, method = problem_from_record(problem_record(GAME.problem, GAME.adam))
    assert isinstance(again, VectorField)
    assert again.texts == GAME.problem.texts
    assert method == GAME.adam
    np.testing.assert_array_equal(again.row_gradients([1.0, 2.0]), GAME.problem.row_gradients([1.0, 2.0]))


def test_a_lyapunov_certificate_needs_a_loss():
    with pytest.raises(NotApplicable, match="needs a loss"):
        certify_lyapunov(GAME, [[-1, 1], [-1, 1]])
    law = Empirical({"x": [0, 3]})
    loss = AdamField(Problem("(t - x)**2/2", ["t"], law), GAME.adam)
    found = certificate(certify_lyapunov(loss, [[4, 5]]))
    forged = changed(found, lambda new: new["problem"].update(field=[new["problem"].pop("loss") and "t - x"]))
    assert check_certificate(found).valid
    assert "no loss" in check_certificate(forged).reason


def test_a_rotation_has_a_zero_whose_stability_is_not_decided():
    """Its eigenvalues are imaginary: no enclosure can tell on which side of the axis they are."""
    law = Empirical({"p": [1, -1]})
    rotation = AdamField(VectorField(["y + p", "-x + p"], ["x", "y"], law), GAME.adam)
    found = find_zeros(rotation, [[-0.25, 0.5], [-0.5, 0.25]])
    assert found.complete
    [zero] = found.zeros
    assert zero.stability == "undecided"
    assert np.abs(np.linalg.eigvals(rotation.jacobian([0.0, 0.0])).real).max() < 1e-12
    [saddle] = find_zeros(
        AdamField(VectorField(["y + p", "x + p"], ["x", "y"], law), GAME.adam), [[-0.25, 0.5], [-0.5, 0.25]]
    ).zeros
    assert saddle.stability == "saddle"


@pytest.fixture(scope="module")
def function():
    return base("function").content


def test_a_function_is_certified_and_checked(function):
    """(theta - 1)**2 with the field of three points decreases right of its minimum."""
    assert check_certificate(function).valid
    assert function["kind"] == "lyapunov function"
    assert function["verdict"] == "certified"
    assert {leaf["by"] for leaf in function["leaves"]} == {"enclosure"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-(theta - 1)**2", "not proven there"),
        ("(theta - 2)**2", "not proven there"),
        ("1", "does not depend on the parameter"),
        ("(theta - 1)**2 + Abs(theta - 8/5)/10**9", "Abs, Max and Min"),
        ("(theta - 1)**2 + 1/(theta - 8/5)/10**99", "not proved real and finite"),
        ("(theta - 1)**2 + log(theta - 8/5)/10**99", "not proved real and finite"),
        ("(theta - 1)**2 + 0*y", "certificate|function|y"),
        ("(theta - 1)**2 + (", "not valid"),
    ],
)
def test_other_functions_are_refused(function, text, reason):
    found = check_certificate(signed(function | {"function": text}))
    assert not found.valid
    assert not found.undecided
    assert re.search(reason, found.reason)


def test_a_function_needs_more_than_a_value_at_each_midpoint(function):
    """One that wiggles is below 0 at the midpoint of the one leaf, and above elsewhere."""
    leaf = {"box": [[1.5, 2.0]], "by": "enclosure", "reason": None}
    wiggling = function | {"box": [[1.5, 2.0]], "leaves": [leaf], "function": "theta + sin(100*(theta - 7/4))"}
    assert product(base("function").field, wiggling["function"], [1.75]) < 0
    assert product(base("function").field, wiggling["function"], [1.75 + np.pi / 100]) > 0
    assert "not proven there" in check_certificate(signed(wiggling)).reason


def test_a_function_of_another_form_is_malformed(function):
    for change in (
        lambda new: new.pop("function"),
        lambda new: new.update(function=None),
        lambda new: new.update(rate=1e-9),
        lambda new: new.update(minima=[]),
        lambda new: new["leaves"][0].update(by="sign"),
        lambda new: new.update(kind="lyapunov"),
    ):
        with pytest.raises(InputError, match="certificate"):
            check_certificate(changed(function, change))


def test_huge_functions_are_undecided_and_deep_ones_refused(function):
    huge = " + ".join(f"sin({k}*theta)**9" for k in range(1, 30))
    whole = check_certificate(signed(function | {"function": huge}), operations=1000)
    assert whole.undecided
    deep = check_certificate(signed(function | {"function": "sin(" * 400 + "theta" + ")" * 400}))
    assert not deep.valid
