"""The oracle of the enclosures' tests: each of its own bounds is needed and suffices."""

from fractions import Fraction

import direct_product
import flint
import pytest
from direct_product import BallLaw, enclose_quotient

from adamsym.field.ball.arithmetic import ball
from adamsym.methods import Adam

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
    monkeypatch.setattr(direct_product, "_TRUNCATION", 1e-3)
    coarse = enclosed(law, adam)
    assert coarse.contains(fine)
    assert float(coarse.rad()) > 1e-5

    if name != "skewed":  # There the start values' own balls cover what the tails miss.
        right_tail = direct_product._right_tail
        monkeypatch.setattr(direct_product, "_left_tail", lambda *_: flint.arb(0))
        monkeypatch.setattr(
            direct_product, "_right_tail", lambda *args: flint.arb(0 if right_tail(*args) < 1e-3 else 1)
        )
        assert not enclosed(law, adam).contains(fine)


@pytest.mark.parametrize(("law", "adam"), LAWS.values(), ids=LAWS)
def test_the_trapezoidal_bound_suffices_and_is_needed(law, adam, monkeypatch):
    fine = enclosed(law, adam)
    monkeypatch.setattr(direct_product, "_LARGEST_STEP", 2.5)
    coarse = enclosed(law, adam)
    assert coarse.contains(fine)
    assert float(coarse.rad()) > 1e-4
    monkeypatch.setattr(direct_product, "_strip_factor", lambda step: flint.arb(0))
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
