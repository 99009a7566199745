"""Enclosures hold the truth; each bound in them is needed and suffices."""

from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, enclosure
from adamsym.field.ball_transforms import BallLaw
from adamsym.field.enclosure import ball, enclose_quotient, outward
from adamsym.optimizer import Adam
from adamsym.problem import Empirical, Independent, Problem

LAWS = {
    "skewed": ([(-1, 3), (2, 1), (0, 1)], Adam("0.9", "0.99", "0.1")),
    "no zero atom, tiny eps": ([(-1, 1), (3, 2)], Adam("0.5", "0.9", "1e-8")),
    "large eps": ([(-1, 3), (2, 1)], Adam("0.3", "0.5", "50")),
    "no memory": ([(-1, 3), (2, 1), (0, 5)], Adam(0, 0, "0.5")),
    "short memory": ([(-1, 3), (2, 1)], Adam(0, "0.001", "0.5")),
}


def enclosed(law, adam):
    total = sum(weight for _, weight in law)
    with flint.ctx.workprec(128):
        return enclose_quotient(
            BallLaw([ball(Fraction(g)) for g, _ in law], [ball(Fraction(w, total)) for _, w in law]), adam
        )


@pytest.mark.parametrize("name", LAWS)
def test_truncation_bounds_suffice_and_are_needed(name, monkeypatch):
    law, adam = LAWS[name]
    fine = enclosed(law, adam)
    monkeypatch.setattr(enclosure, "_TRUNCATION", 1e-3)
    coarse = enclosed(law, adam)
    assert coarse.contains(fine)
    assert float(coarse.rad()) > 1e-5

    if name != "skewed":  # There the start values' own balls cover what the tails miss.
        right_tail = enclosure._right_tail
        monkeypatch.setattr(enclosure, "_left_tail", lambda *_: flint.arb(0))
        monkeypatch.setattr(enclosure, "_right_tail", lambda *args: flint.arb(0 if right_tail(*args) < 1e-3 else 1))
        assert not enclosed(law, adam).contains(fine)


@pytest.mark.parametrize(("law", "adam"), LAWS.values(), ids=LAWS)
def test_the_trapezoidal_bound_suffices_and_is_needed(law, adam, monkeypatch):
    fine = enclosed(law, adam)
    monkeypatch.setattr(enclosure, "_LARGEST_STEP", 2.5)
    coarse = enclosed(law, adam)
    assert coarse.contains(fine)
    assert float(coarse.rad()) > 1e-4
    monkeypatch.setattr(enclosure, "_strip_factor", lambda step: flint.arb(0))
    assert not enclosed(law, adam).contains(fine)


@pytest.mark.parametrize("alpha", ["0", "0.5"])
def test_start_values_hold_the_products(alpha):
    with flint.ctx.workprec(200):
        law = BallLaw(
            [flint.arb(-1), flint.arb(3), flint.arb(0)],
            [ball(Fraction(1, 4)), ball(Fraction(1, 2)), ball(Fraction(1, 4))],
        )
        a, beta, s = ball(Fraction(alpha)), ball(Fraction("0.9")), flint.arb("0.01")
        product, numerator = flint.arb(1), flint.arb(0)
        # From lag 2000 on, s (1-beta) beta^k is below 1e-90: A = E g and B = 1 to 80 digits.
        for k in reversed(range(2000)):
            big_a, big_b = law.transforms((1 - beta) * s * beta**k)
            if k == 1999:
                numerator = law.mean / (1 - a)
            product, numerator = big_b * product, big_a * product + a * big_b * numerator
        found_product, found_numerator = law.start_values(s, a, beta)
        tiny = flint.arb(0, 1e-40)
        assert found_product.contains(product.mid() + tiny)
        assert found_numerator.contains(numerator.mid() + tiny)
        assert float(found_product.rad()) < 3e-3
        assert float(found_numerator.rad()) < 3e-2 / (1 - float(Fraction(alpha)))
        # A value moved by more than the second-order term lies outside.
        assert not found_product.contains(product + flint.arb("0.01"))
        assert not found_numerator.contains(numerator + flint.arb("0.1"))


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.floats(-4, 4),
    st.floats(0, 0.5),
    st.floats(0, 1),
    st.sampled_from([Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1)]),
)
def test_boxes_hold_the_values_inside(low, width, share, adam):
    problem = Problem("(theta - x)**2/2 + tanh(theta*x)", ["theta"], Empirical({"x": [0, 1, -3]}))
    field = AdamField(problem, adam)
    found = field.enclose([[low, low + width]])
    inside = field.evaluate([low + share * width])
    assert found[0, 0] <= inside.value[0] + inside.error[0]
    assert inside.value[0] - inside.error[0] <= found[0, 1]
    assert np.abs(found).max() <= adam.step_bound * (1 + 1e-8)


def test_boxes_shrink_to_the_value_and_exclude_others():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    widths = [1e-1, 1e-3, 1e-5, 0.0]
    sizes = [float(np.ptp(field.enclose([[0.5, 0.5 + width]]))) for width in widths]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-15
    low, high = field.enclose([[0.5, 0.5]])[0]
    elsewhere = field([0.5001])[0]
    assert not low <= elsewhere <= high


def test_the_field_of_the_readme_changes_sign_off_the_mean():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam(0.9, 0.999, 1e-8))
    left, right, mean = field.enclose([[[0.9995, 0.9995]], [[0.9996, 0.9996]], [[1.0, 1.0]]])[:, 0]
    assert left[0] > 0
    assert right[1] < 0
    assert mean[1] < -3e-4


def test_minibatches_are_enclosed():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 5]}, weights=[1, 2, 4]), batch_size=3)
    field = AdamField(problem, Adam("0.5", "0.9", "0.01"))
    value, (low, high) = field([2.0])[0], field.enclose([[2.0, 2.0]])[0]
    assert low - 1e-15 <= value <= high + 1e-15
    assert high - low < 1e-14


def test_zero_gradients_give_zero():
    field = AdamField(Problem("(theta*x)**2/2", ["theta"], Empirical({"x": [1, 2]})), Adam())
    low, high = field.enclose([[0.0, 0.0]])[0]
    assert low <= 0 <= high
    assert high - low < 1e-300


def test_kinks_are_enclosed_whole():
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]})), Adam("0.5", "0.9", "0.1"))
    low, high = field.enclose([[-0.1, 0.1]])[0]
    for theta in (-0.05, 0.05):
        assert low <= field([theta])[0] <= high


def test_outward_rounding():
    with flint.ctx.workprec(128):
        third = flint.arb(1) / 3
        low, high = outward(third)
        assert flint.arb(low) < third < flint.arb(high)
        assert high - low <= 2**-51


@pytest.mark.parametrize(
    ("box", "fragment"),
    [([0, 1], "shape"), ([[1, 0]], "lower first"), ([[0, np.inf]], "finite"), ([[0, 1], [0, 1]], "shape")],
)
def test_bad_boxes(box, fragment):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    with pytest.raises(InputError, match=fragment):
        field.enclose(box)


def test_what_cannot_be_enclosed_says_so():
    continuous = AdamField(Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Adam())
    with pytest.raises(InputError, match="empirical"):
        continuous.enclose([[0.0, 0.0]])
    logarithm = AdamField(Problem("log(theta) + x*theta", ["theta"], Empirical({"x": [1]})), Adam())
    with pytest.raises(InputError, match="not bounded"):
        logarithm.enclose([[-1.0, 1.0]])


def test_lattices_too_large_are_refused(monkeypatch):
    monkeypatch.setattr(enclosure, "MOST_LATTICE_POINTS", 1000)
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    with pytest.raises(InputError, match="beta2"):
        field.enclose([[0.5, 0.5]])
