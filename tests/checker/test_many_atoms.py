"""The checker's way for laws of many atoms gives what its products of lags give."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.checker import many_atoms
from adamsym.checker.balls import Balls
from adamsym.checker.field import quotient
from adamsym.checker.form import form_of
from adamsym.checker.law import Law
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.methods import Adam, AdamWithoutMomentum, NAdam, RMSprop

METHODS = [Adam("0.9", "0.99", "1e-3"), Adam("0.5", "0.9", "0.1"), NAdam("0.8", "0.95", "1e-4"), RMSprop("0.9", "0.01")]


def drawn(using, seed, atoms, radius, slopes=2, rare=8):
    """A law of intervals of a radius, one atom large; and one of points within it."""
    rng = random.Random(seed)
    weights = [rng.randint(1, 9) for _ in range(atoms)]
    p = [using.exact(Fraction(w, sum(weights))) for w in weights]
    mids = [rng.gauss(0.3, 1) * (rare if k == 0 else 1) for k in range(atoms)]
    columns = [[rng.gauss(0, 1) for _ in range(atoms)] for _ in range(slopes)]
    points = [x + radius * rng.uniform(-0.9, 0.9) for x in mids]
    wide = Law(
        using,
        [using.between(x - radius, x + radius) for x in mids],
        p,
        [[using.between(h - radius, h + radius) for h in column] for column in columns],
    )
    exact = [[using.number(h) for h in column] for column in columns]
    return wide, Law(using, [using.number(x) for x in points], p, exact)


def both_ways(law, form, tolerance):
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for many in (0, 10**9):
            patch.setattr(many_atoms, "MANY", many)
            found.append(quotient(law, form, tolerance))
    return found


def meet(using, x, y):
    return not (x > y or x < y)


def agree(using, method, seed, atoms, radius, tolerance):
    with using.working():
        wide, exact = drawn(using, seed, atoms, radius)
        form = form_of(using, method.laplace)
        many, few = both_ways(wide, form, tolerance)
        assert many_atoms.ManyAtoms.suits(wide, form) == (atoms * 3 >= many_atoms.MANY)
        truth = both_ways(exact, form, 1e-18)[1]
        for new, old, point in zip(many, few, truth, strict=True):
            assert all(meet(using, x, y) for x, y in ((new, old), (new, point), (old, point)))
            assert using.width(new) <= 3 * using.width(old) + 1e-8


@given(st.integers(0, 10**6), st.integers(3, 9), st.sampled_from([0.0, 1e-9, 1e-4]), st.sampled_from(METHODS))
@settings(max_examples=6)
def test_both_ways_agree_in_balls(seed, atoms, radius, method):
    agree(Balls(), method, seed, atoms, radius, 1e-12)


@pytest.mark.slow
def test_both_ways_agree_in_intervals_of_mpmath():
    agree(MpmathIntervals(), METHODS[1], 5, 3, 1e-6, 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_both_ways_agree_for_larger_laws(seed):
    rng = random.Random(seed)
    method = rng.choice([*METHODS, Adam("0.9", "0.999", "1e-8"), AdamWithoutMomentum("0.98", "0.01")])
    agree(Balls(), method, seed, rng.randint(10, 60), rng.choice([0.0, 1e-8, 1e-5]), 1e-12)


def test_a_lag_less_or_terms_that_are_not_counted_are_seen(monkeypatch):
    using, method = Balls(), METHODS[0]
    with using.working():
        law, _ = drawn(using, 3, 10, 0.0)
        form = form_of(using, method.laplace)
        many, few = both_ways(law, form, 1e-15)
        assert all(meet(using, x, y) for x, y in zip(many, few, strict=True))
        original = many_atoms._piece
        monkeypatch.setattr(
            many_atoms,
            "_piece",
            lambda using, beta, ratios, lags, terms: original(using, beta, ratios, max(1, lags - 1), terms),
        )
        wrong, _ = both_ways(law, form, 1e-15)
        assert not any(meet(using, x, y) for x, y in zip(wrong, few, strict=True))
        monkeypatch.setattr(many_atoms, "_piece", original)
        monkeypatch.setattr(many_atoms.ManyAtoms, "_terms_for", lambda self, reach: 5)
        coarse, _ = both_ways(law, form, 1e-15)
        assert all(meet(using, x, y) for x, y in zip(coarse, few, strict=True))
        monkeypatch.setattr(many_atoms.ManyAtoms, "_rest", lambda self, reach, terms: using.number(0))
        wrong, _ = both_ways(law, form, 1e-15)
        assert not all(meet(using, x, y) for x, y in zip(wrong, few, strict=True))
