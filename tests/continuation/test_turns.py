"""Folds of certified branches, by the maker: what is proven of them, and what is no fold."""

from fractions import Fraction

import numpy as np
import pytest

from adamsym import AdamField, AdamW, Empirical, Problem, VectorField
from adamsym.certify.field_function import FieldFunction
from adamsym.continuation import turns
from adamsym.continuation.axes import axes_of
from adamsym.continuation.families import function_over
from adamsym.continuation.tube_proofs import Prover
from adamsym.field.ball.arithmetic import ball_arithmetic


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
def test_zeros_that_meet_in_a_pole_are_no_fold(room, zero, found):
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
