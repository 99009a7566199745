"""Laws of many atoms: the derivatives in the atoms give what the derivatives in the parameters give, one by one."""

import random
from fractions import Fraction

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.field.ball import quadrature, sensitivities
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.methods import Adam, NAdam, RMSprop

METHODS = [
    Adam("0.9", "0.99", "1e-3"),
    Adam("0.5", "0.9", "0.1"),
    Adam("0.3", "0.5", "0.1"),
    NAdam("0.9", "0.97", "0.01"),
    RMSprop("0.98", "1e-2"),
]


def drawn(seed, atoms, radius, slopes=2, rare=8):
    """A law of atoms around floats, one of them large, with slopes; and a law of points within it."""
    rng = random.Random(seed)
    weights = [rng.randint(1, 9) for _ in range(atoms)]
    p = [flint.arb(w) / sum(weights) for w in weights]
    mids = [rng.gauss(0.3, 1) * (rare if k == 0 else 1) for k in range(atoms)]
    derivatives = [[rng.gauss(0, 1) for _ in range(atoms)] for _ in range(slopes)]
    shift = [Fraction(rng.uniform(-0.99, 0.99)) * Fraction(radius) for _ in range(atoms)]
    points = [flint.arb(g) + flint.arb(x.numerator) / x.denominator for g, x in zip(mids, shift, strict=True)]
    exact = [[flint.arb(h) for h in column] for column in derivatives]
    wide = BallLaw(
        [flint.arb(g, radius) for g in mids], p, [[flint.arb(h, radius) for h in row] for row in derivatives]
    )
    return wide, BallLaw(points, p, exact)


def both_ways(law, form, tolerance):
    """F and its derivatives by the sensitivities, and by slopes alone."""
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for many in (0, 10**9):
            patch.setattr(quadrature, "MANY", many)
            one = enclose_law(law, form, tolerance)
            found.append([one.value, *one.slopes])
    return found


@given(
    st.integers(0, 10**6),
    st.integers(2, 12),
    st.sampled_from([0, 1e-9, 1e-5, 1e-3]),
    st.sampled_from(METHODS),
    st.sampled_from([1e-9, 1e-18]),
)
@settings(max_examples=12)
def test_both_ways_enclose_the_same(seed, atoms, radius, method, tolerance):
    """Both hold what is true of a law of points within the balls; and neither is much wider."""
    with ball_arithmetic():
        wide, exact = drawn(seed, atoms, radius)
        many, few = both_ways(wide, method.laplace, tolerance)
        truth = both_ways(exact, method.laplace, 1e-20)[1]
        for new, old, point in zip(many, few, truth, strict=True):
            assert all(x.overlaps(y) for x, y in ((new, point), (old, point), (new, old)))
            assert float(new.rad()) <= 3 * float(old.rad()) + 3e-9


def test_every_lag_counts(monkeypatch):
    """Controls: with a lag less in each piece, or the terms left out not counted, the truth is missed."""
    method = Adam("0.9", "0.99", "1e-3")
    with ball_arithmetic():
        law, _ = drawn(3, 12, 0)
        sharp, truth = both_ways(law, method.laplace, 1e-18)
        assert all(x.overlaps(y) for x, y in zip(sharp, truth, strict=True))
        original = sensitivities.piece
        monkeypatch.setattr(
            sensitivities,
            "piece",
            lambda lattice, weights, lags, *rest: original(lattice, weights, max(1, lags - 1), *rest),
        )
        wrong, _ = both_ways(law, method.laplace, 1e-18)
        assert not any(x.overlaps(y) for x, y in zip(wrong, truth, strict=True))
        monkeypatch.setattr(sensitivities, "piece", original)
        monkeypatch.setattr(sensitivities.Scale, "terms_for", lambda self, reach: 4)
        coarse, _ = both_ways(law, method.laplace, 1e-18)
        assert all(x.overlaps(y) for x, y in zip(coarse, truth, strict=True))
        monkeypatch.setattr(sensitivities.Expansion, "rest", lambda self, last: flint.arb(0))
        wrong, _ = both_ways(law, method.laplace, 1e-18)
        assert not all(x.overlaps(y) for x, y in zip(wrong, truth, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_both_ways_of_larger_laws(seed):
    rng = random.Random(seed)
    method = rng.choice([*METHODS, Adam("0.9", "0.999", "1e-8")])
    radius = rng.choice([0, 1e-8, 1e-6, 1e-4])
    with ball_arithmetic():
        wide, exact = drawn(seed, rng.randint(20, 60), radius, rare=rng.choice([1, 10, 30]))
        many, few = both_ways(wide, method.laplace, 1e-12)
        truth = both_ways(exact, method.laplace, 1e-18)[1]
        for new, old, point in zip(many, few, truth, strict=True):
            assert all(x.overlaps(y) for x, y in ((new, point), (old, point), (new, old)))
