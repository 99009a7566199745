"""Folds of certified branches, by the maker: what is proven of them, and what is no fold."""

import copy
import json
from fractions import Fraction

import flint
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lone_folds import lone_fold, noisy, prover_of

from adamsym import Adam, AdamField, AdamW, Empirical, Problem, RMSprop, VectorField, check_certificate
from adamsym.certificates.form import digest_of, json_schema
from adamsym.certify import certificate
from adamsym.certify.field_function import FieldFunction
from adamsym.checker import bends as checked_bends
from adamsym.checker import nondegenerate as checked_nondegenerate
from adamsym.checker.balls import Balls
from adamsym.checker.coordinate_law import Law
from adamsym.checker.form import form_of
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.continuation import nondegenerate, turns
from adamsym.continuation.axes import axes_of
from adamsym.continuation.curves import Point
from adamsym.continuation.families import function_over
from adamsym.continuation.tube_proofs import Prover
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.slopes import second
from adamsym.field.slopes.second import second_slope
from adamsym.methods import AdamEpsInsideRoot


@pytest.mark.parametrize(("room", "continuous"), [("1/1000", True), ("0", False)])
def test_a_pole_between_the_ends_of_a_fold_is_seen(room, continuous):
    # At both ends the field is continuous in the box, and on its border for all values between.
    problem = VectorField([f"1 + x/(theta**2 + x**2 + {room})"], ["theta"], Empirical({"x": ["-1/4"]}))
    field = AdamField(problem, AdamW("0", "0", "1", "0"))
    (axis,) = axes_of({"data.x[0]": ("-1/4", "1/4")})
    present, absent = Fraction(-1, 4), Fraction(1, 4)
    with ball_arithmetic():
        prover = Prover(field, axis, function_over(FieldFunction(field), axis))
        box = np.array([[-1.0, 1.0]])
        assert turns._border(prover, box, present, absent) is not None
        assert all(turns._is_continuous(prover, box, end, end, 1) for end in (present, absent))
        assert turns._is_continuous(prover, box, present, absent, 4) is continuous


@pytest.mark.parametrize(("room", "zero", "found"), [("1/8", 0.25, True), ("0", 0.43, False)])
def test_zeros_that_meet_in_a_pole_are_no_fold(monkeypatch, room, zero, found):
    monkeypatch.setattr(turns, "proven_nondegenerate", lambda *_: None)
    # All but the continuity between the ends is as at a fold.
    problem = VectorField([f"1 + x/(theta**2 + x**2 + {room})"], ["theta"], Empirical({"x": ["-1/4"]}))
    field = AdamField(problem, AdamW("0", "0", "1", "0"))
    (axis,) = axes_of({"data.x[0]": ("-1/4", "1/4")})
    present, absent = Fraction(-1, 4), Fraction(1, 4)
    with ball_arithmetic():
        prover = Prover(field, axis, function_over(FieldFunction(field), axis))
        ends = [prover.zero(present, np.array([side])) for side in (-zero, zero)]
        before, after = (prover.tube(present, present, end) for end in ends)
        fold = turns.proven_fold(prover, before, after, present, absent, tuple(ends))
        assert (fold is not None) is found


def test_a_jump_in_the_box_of_a_fold_is_seen():
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": ["-1/4"]})), AdamW("0", "0", "1", "0"))
    (axis,) = axes_of({"weight_decay": ("0", "1/4")})
    with ball_arithmetic():
        prover = Prover(field, axis, function_over(FieldFunction(field), axis))
        for low, continuous in ((-1.0, False), (-0.25, False), (-0.125, True)):
            box = np.array([[low, 1.0]])
            assert turns._is_continuous(prover, box, Fraction(1, 4), Fraction(0), 4) is continuous


FOLDS = {
    "opens": (noisy("(theta-1)**2 - x"), "1e-3", "-1e-3", ([0.968], [1.032])),
    "closes": (noisy("(theta-1)**2 + x"), "-1e-4", "1e-4", ([0.99], [1.01])),
}


def said(name):
    field, *about = FOLDS[name]
    return json.loads(json.dumps(certificate(lone_fold(field, "data.x", *about))))


def changed(content):
    return content | {"digest": digest_of(content)}


@pytest.mark.parametrize("name", ["opens", pytest.param("closes", marks=pytest.mark.slow)])
def test_a_fold_is_proven_to_be_the_only_one_and_nondegenerate(monkeypatch, name):
    content = said(name)
    assert content["folds"][0]["nondegenerate"] is not None
    jsonschema.validate(content, json_schema())
    found = check_certificate(content)
    assert found.valid
    # Not by any matrix.
    monkeypatch.setattr(checked_nondegenerate, "DEPTH", 1)
    turned = copy.deepcopy(content)
    turned["folds"][0]["nondegenerate"]["left"] = [0.0]
    assert "of the only fold" in check_certificate(changed(turned)).reason


BENT = Problem("(theta**2 - 1)**2 + theta/2 + x*theta", ["theta"], Empirical({"x": [-2, 2]}))
OVER_THE_METHOD = {"beta1": ("0.2761", "0.2759"), "beta2": ("0.5921", "0.5919"), "eps": ("0.521", "0.5217")}


@pytest.mark.parametrize("name", ["beta2", *(pytest.param(one, marks=pytest.mark.slow) for one in ("beta1", "eps"))])
def test_a_fold_over_a_number_of_the_method_is_the_only_one(monkeypatch, name):
    field = AdamField(BENT, AdamW("0.3", "0.6", "0.5", "0.605"))
    found = lone_fold(field, name, *OVER_THE_METHOD[name], ([0.39], [0.396]))
    assert "exactly one fold, nondegenerate" in found.summary
    content = json.loads(json.dumps(certificate(found)))
    assert check_certificate(content).valid
    # With the other sign of df/dp the curve of zeros would turn to the other side.
    monkeypatch.setattr(checked_nondegenerate, "DEPTH", 1)
    own = checked_nondegenerate.pushed
    monkeypatch.setattr(checked_nondegenerate, "pushed", lambda *about: [-x for x in own(*about)])
    assert "of the only fold" in check_certificate(content).reason


def test_a_degenerate_fold_is_not_accepted_as_another(monkeypatch):
    """All but the last proofs hold of (theta - 1)^4 = x, whose two zeros meet at once with two others."""
    monkeypatch.setattr(turns, "proven_nondegenerate", lambda *_: None)
    field, ends = noisy("(theta-1)**4 - x"), ("1e-4", "-1e-4", ([0.9], [1.1]))
    content = json.loads(json.dumps(certificate(lone_fold(field, "data.x", *ends))))
    fold = content["folds"][0]
    whole = {"right": [1.0], "left": [1.0], "inverse": [[0.0, 1.0], [1.0, 0.0]], "leaves": [{"box": fold["box"]}]}
    fold["nondegenerate"] = whole
    monkeypatch.setattr(checked_nondegenerate, "DEPTH", 1)
    found = check_certificate(changed(content))
    assert not found.valid
    assert "box 0 of the only fold" in found.reason
    fold["nondegenerate"] = None
    assert check_certificate(changed(content)).valid


@pytest.mark.slow
@pytest.mark.parametrize("name", ["opens", "closes"])
def test_the_only_fold_is_checked_in_the_other_arithmetic(name):
    assert check_certificate(said(name), slow=True).valid


@pytest.mark.slow
def test_a_fold_of_two_parameters_is_proven_to_be_the_only_one():
    field = noisy("(a-1)**2 - x + b/2", "b - a*b/3 + (a-1)/10", names=("a", "b"))
    found = lone_fold(field, "data.x", "1e-3", "-3e-3", ([0.97, 0], [1.05, 0]))
    assert found.folds[0][1].nondegenerate is not None
    assert "exactly one fold, nondegenerate, at data.x in [-0.003, 0.001]" in found.summary
    assert check_certificate(json.loads(json.dumps(certificate(found)))).valid


@pytest.mark.parametrize(
    ("text", "present", "absent", "proven"),
    [
        ("(theta-1)**2 - x", 1, -1, True),
        # The branch would turn to the other side.
        ("(theta-1)**2 - x", -1, 1, False),
        ("(theta-1)**4 - x", 1, -1, False),
        ("(theta-1)**4 - (theta-1)**2/1000 - x", 1, -1, False),
        # The parameter does nothing at the fold.
        ("(theta-1)**2 - x**3", 1, -1, False),
    ],
)
def test_what_is_no_single_nondegenerate_fold_is_not_proven_to_be_one(monkeypatch, text, present, absent, proven):
    monkeypatch.setattr(nondegenerate, "MOST_LEAVES", 12)
    monkeypatch.setattr(nondegenerate, "DEPTH", 3)
    ends = [Fraction(one, 2000) for one in (present, absent)]
    with ball_arithmetic():
        prover = prover_of(noisy(text), "data.x", *sorted(ends))
        found = nondegenerate.proven_nondegenerate(prover, np.array([[0.95, 1.05]]), *ends)
    assert (found is not None) is proven


def test_where_the_derivative_by_the_parameter_is_not_known_folds_are_not_said_to_be_the_only_ones():
    """That by eps is for eps beside the root alone."""
    for method, proven in ((Adam("0.5", "0.9", "0.1"), True), (AdamEpsInsideRoot("0.5", "0.9", "0.01"), False)):
        prover = prover_of(noisy("(theta-1)**2 - 1/1000", method=method), "eps", "0.1", "0.2")
        with ball_arithmetic():
            found = nondegenerate.proven_nondegenerate(prover, np.array([[0.9, 1.1]]), *prover.axis.values)
        assert (found is not None) is proven


numbers = st.floats(0.3, 2) | st.floats(-2, -0.3)


@settings(max_examples=2)
@given(st.data())
def test_second_derivatives_of_the_mean_quotient_are_enclosed(data):
    second_derivatives_are_enclosed(data, [Balls()])


@pytest.mark.slow
@settings(max_examples=30)
@given(st.data())
def test_second_derivatives_are_enclosed_by_mpmath_too(data):
    second_derivatives_are_enclosed(data, [Balls(), MpmathIntervals()])


def second_derivatives_are_enclosed(data, arithmetics):
    """By the maker and the checker, about the difference quotient of many digits; shifted laws have others."""
    atoms, speeds, curved = (data.draw(st.lists(numbers, min_size=2, max_size=3)) for _ in range(3))
    n = min(map(len, (atoms, speeds, curved)))
    atoms, speeds, curved = atoms[:n], speeds[:n], curved[:n]
    form = data.draw(st.sampled_from([Adam("0.5", "0.9", "0.01"), RMSprop("0.8", "0.1")])).laplace
    with ball_arithmetic():
        chances = [flint.arb(1) / n] * n

        def law(z):
            moved = [flint.arb(g) + z * u + z**2 / 2 * b for g, u, b in zip(atoms, speeds, curved, strict=True)]
            return BallLaw(moved, chances, [[flint.arb(u) for u in speeds]])

        h = flint.arb(2) ** -18
        values = [enclose_law(law(z), form, 1e-24).value for z in (-h, 0 * h, h)]
        quotient = (values[0] - 2 * values[1] + values[2]) / h**2
        near = quotient + flint.arb(0, 1e-4 * (1 + abs(quotient).upper()))
        found = second_slope(law(0 * h), form, [flint.arb(b) for b in curved])
        assert found.overlaps(near)
        assert found.rad() < 1e-3 * (1 + abs(found).upper())
        assert not second_slope(law(0 * h), form, [flint.arb(b + 1) for b in curved]).overlaps(found)
        middle = float(found.mid())
    for using in arithmetics:
        with using.working():
            columns = [[using.number(x) for x in column] for column in (atoms, speeds, curved)]
            own = Law(using, columns[0], [using.number(1) / n] * n, [columns[1]])
            checked = checked_bends.bend(own, form_of(using, form), columns[2])
            assert using.lower(checked) <= middle + 1e-3 * (1 + abs(middle))
            assert using.upper(checked) >= middle - 1e-3 * (1 + abs(middle))
            assert using.width(checked) < 1e-2 * (1 + abs(middle))


def test_where_a_gradient_may_be_0_there_is_no_second_derivative():
    with ball_arithmetic():
        law = BallLaw([flint.arb(0, 0.1), flint.arb(1)], [flint.arb(1) / 2] * 2, [[flint.arb(1)] * 2])
        assert second_slope(law, Adam().laplace, [flint.arb(0)] * 2) is None
        # One that is 0 and does not move is no matter.
        law = BallLaw([flint.arb(0), flint.arb(1)], [flint.arb(1) / 2] * 2, [[flint.arb(0), flint.arb(1)]])
        assert second_slope(law, Adam().laplace, [flint.arb(0)] * 2).is_finite()


def test_cauchys_estimate_covers_steps_that_are_too_long(monkeypatch):
    """The difference quotient alone is off by more than anything else that is open."""
    atoms, speeds, form = [1.0, -0.3], [0.3, 1.0], Adam("0.5", "0.9", "0.01").laplace
    with ball_arithmetic():
        law = BallLaw([flint.arb(g) for g in atoms], [flint.arb(1) / 2] * 2, [[flint.arb(u) for u in speeds]])
        near = second_slope(law, form, [flint.arb(0)] * 2)
        monkeypatch.setattr(second, "_NEAREST", 2.0**-3)
        far = second_slope(law, form, [flint.arb(0)] * 2)
        assert far.contains(near)
        assert abs(far.mid() - near.mid()) > 100 * near.rad()
        exact = float(near.mid())
    monkeypatch.setattr(checked_bends, "_STEPS", (2.0**-3, 2.0**-3))
    using = Balls()
    with using.working():
        columns = [[using.number(x) for x in column] for column in (atoms, speeds)]
        own = Law(using, columns[0], [using.number(1) / 2] * 2, [columns[1]])
        found = checked_bends.bend(own, form_of(using, form), [using.number(0)] * 2)
        assert using.lower(found) < exact < using.upper(found)
        assert abs(float(using.middle(found)) - exact) > 1e-6


@pytest.mark.parametrize("place", ["0", "1/3"])
def test_the_two_zeros_beside_a_fold_are_found_wherever_it_is(place):
    """At 0, where steps that are shares of theta are short, as elsewhere; and only on the side where they are."""
    law = Empirical({"n": [-1, 1], "p": ["1/100"] * 2})
    problem = VectorField([f"(theta - {place})**2 - p + n"], ["theta"], law)
    prover = prover_of(AdamField(problem, Adam("0.5", "0.9", "0.1")), "data.p", "-0.13", "0.3")
    at = float(Fraction(place))
    turn = Point(np.array([at + 1e-12]), prover.axis.place(0), np.array([[0.0, 1.0]]), np.array([1.0, 0.0]), 1.0)
    with ball_arithmetic():
        found = turns.near_fold(prover, turn, Fraction(1, 10**6), np.array([1.0]))
        assert found is not None
        assert np.allclose(np.ravel(found), [at - 1e-3, at + 1e-3], rtol=0, atol=1e-9)
        assert turns.near_fold(prover, turn, Fraction(-1, 10**6), np.array([1.0])) is None
