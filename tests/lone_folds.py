"""Branches of two zeros at one value of the data, and the fold in which they meet: what is proven quickly."""

from fractions import Fraction

import numpy as np

from adamsym import Adam, AdamField, Empirical, VectorField
from adamsym.certify.field_function import FieldFunction
from adamsym.continuation import turns
from adamsym.continuation.axes import axes_of
from adamsym.continuation.certified import CertifiedBranch
from adamsym.continuation.families import function_over
from adamsym.continuation.tube_proofs import Prover, Tube
from adamsym.field.ball.arithmetic import ball_arithmetic


def noisy(*components, names=("theta",), method=None):
    """The field of an expression, beside noise of both signs: it has the expression's zeros, and no gradient is 0."""
    law = Empirical({"x": [0, 0], "n": [-1, 1]})
    method = Adam("0.5", "0.9", "0.1") if method is None else method
    return AdamField(VectorField([f"{text} + n" for text in components], list(names), law), method)


def prover_of(field, name, low, high):
    (axis,) = axes_of({name: (low, high)})
    return Prover(field, axis, function_over(FieldFunction(field), axis))


def wide_tube(prover, value, zero, way):
    """A tube of one value, as wide as it can be proven."""
    for share in (0.6, 0.2, 0.06):
        found = prover.isolated(value, zero, np.full(len(zero), share * way))
        if found is not None:
            return Tube(value, value, found.box, found.preconditioner, "undecided", np.zeros((0, 0)), 0 * zero, 4, 1, 1)
    raise AssertionError(zero)


def lone_fold(field, name, present, absent, zeros):
    """The branch of two zeros, given about, that have met and vanished at a value."""
    present, absent = Fraction(present), Fraction(absent)
    with ball_arithmetic():
        prover = prover_of(field, name, *sorted((present, absent)))
        ends = tuple(prover.zero(present, np.array(zero)) for zero in zeros)
        way = float(np.abs(ends[1] - ends[0]).max()) / 2
        before, after = (wide_tube(prover, present, end, way) for end in ends)
        fold = turns.proven_fold(prover, before, after, present, absent, ends)
        assert fold is not None
        return CertifiedBranch(field, prover.axis, (before, after), (), "", ((0, fold),))
