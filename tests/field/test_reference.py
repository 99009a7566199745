"""The field against 25-digit values that an independent program computed."""

import json
from fractions import Fraction
from pathlib import Path

import direct_product
import flint
import numpy as np
import pytest

from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

ENTRIES = json.loads((Path(__file__).parents[1] / "reference" / "field_reference.json").read_text())["entries"]

# The reference took every number as the double that its decimal rounds to.
REFERENCE = [
    pytest.param(
        [Fraction(g) for g in entry["atoms"]],
        [Fraction(w) for w in entry["weights"]],
        Adam(Fraction(entry["alpha"]), Fraction(entry["beta"]), Fraction(entry["eps"])),
        entry["value"],
        entry["C"],
        id=f"{len(entry['atoms'])} atoms, beta={entry['beta']}, eps={entry['eps']}",
    )
    for entry in ENTRIES
]


def test_all_entries_are_read():
    assert len(REFERENCE) == 13


@pytest.mark.parametrize(("atoms", "weights", "adam", "value", "bound"), REFERENCE)
def test_the_plain_product_over_the_lags_gives_the_recorded_value(atoms, weights, adam, value, bound):
    """The record by itself: the product in balls, which shares nothing with the package's quadratures."""
    with flint.ctx.workprec(160):
        law = direct_product.BallLaw([ball(g) for g in atoms], [ball(w / sum(weights)) for w in weights])
        found = direct_product.enclose_quotient(law, adam)
        recorded = flint.arb(value) + flint.arb(0, 1e-24)
        assert found.overlaps(recorded)
        assert found.rad() < 4e-18
        assert not found.overlaps(recorded + 1e-17)


@pytest.mark.parametrize(("atoms", "weights", "adam", "value", "bound"), REFERENCE)
def test_spectral_value(atoms, weights, adam, value, bound):
    probabilities = np.array([float(w / sum(weights)) for w in weights])
    found = quotient(np.array([[float(g) for g in atoms]]), probabilities, adam)
    actual = abs(found.value[0] - float(value))
    assert actual <= 1e-13 * bound
    assert actual <= found.error[0] + 2**-52 * abs(float(value))
    assert adam.step_bound == pytest.approx(bound, rel=1e-14)


@pytest.mark.parametrize(("atoms", "weights", "adam", "value", "bound"), REFERENCE)
def test_enclosure_holds_the_value_and_nothing_near(atoms, weights, adam, value, bound):
    with ball_arithmetic():
        law = BallLaw([ball(g) for g in atoms], [ball(w / sum(weights)) for w in weights])
        found = enclose_law(law, adam.laplace).value
        # 25 digits are given: the last may be off by one.
        reference = flint.arb(value) + flint.arb(0, 1e-24)
        assert found.contains(reference) or found.overlaps(reference)
        assert float(found.rad()) <= 1e-17 * bound
        for shift in (-1e-15, 1e-15):
            assert not found.overlaps(reference + shift)


@pytest.mark.parametrize(("atoms", "weights", "adam", "value", "bound"), REFERENCE)
def test_through_the_public_interface(atoms, weights, adam, value, bound):
    # A loss theta*g has the gradient atoms g.
    problem = Problem("theta*g", ["theta"], Empirical({"g": atoms}, weights=weights))
    field = AdamField(problem, adam)
    assert abs(field([0.0])[0] + float(value)) <= 1e-13 * bound
    low, high = field.enclose([[0.0, 0.0]])[0]
    assert low <= -float(value) <= high
    assert high - low <= 1e-15 * bound
