"""Enclosures hold the truth and estimates are at least the errors, over laws from the corners: :mod:`soundness`."""

import flint
import numpy as np
import pytest
import soundness

from adamsym.field.ball.arithmetic import ball_arithmetic


def test_some_laws_from_the_corners(monkeypatch):
    monkeypatch.setattr(soundness, "BOXES", 8)
    found = soundness.sweep(seed=1, cases=9)
    assert found.misses == []
    assert found.made["point estimates"] > 30
    assert found.made["enclosures"] > 45
    assert found.made["enclosures of derivatives"] > 15
    # No estimate is close to its error by much: the comparison says something.
    assert found.closest > 1e-3


def test_what_is_slightly_wrong_is_noticed(monkeypatch):
    """Estimates a thousandth as large, enclosures moved by their width, are misses."""
    point, enclosed = soundness.Counts.point, soundness.Counts.enclosed
    monkeypatch.setattr(
        soundness.Counts, "point", lambda self, value, error, *rest: point(self, value, error / 1000, *rest)
    )

    def moved(self, bounds, *rest):
        if isinstance(bounds, flint.arb):
            with ball_arithmetic():
                enclosed(self, bounds + 2.01 * bounds.rad(), *rest)
        else:
            width = bounds[1] - bounds[0]
            enclosed(self, (bounds[0] + 1.01 * width, bounds[1] + 1.01 * width), *rest)

    monkeypatch.setattr(soundness.Counts, "enclosed", moved)
    monkeypatch.setattr(soundness, "BOXES", 3)
    found = soundness.sweep(seed=1, cases=10)
    assert sum(miss.startswith("estimate") for miss in found.misses) > 3
    assert sum(miss.startswith("enclosures") for miss in found.misses) > 3


@pytest.mark.slow
def test_a_hundred_thousand_enclosures_and_twenty_thousand_estimates():
    found = soundness.Counts()
    for seed in range(1000, 1018):
        found.add(soundness.sweep(seed, 220))
    print(dict(found.made), f"largest error/estimate {found.closest:.3g}")
    assert found.misses == []
    assert found.made["point estimates"] >= 20_000
    assert found.made["enclosures"] + found.made["enclosures of derivatives"] >= 100_000


def test_the_laws_are_those_that_are_asked_for():
    rng = np.random.default_rng(5)
    methods = [soundness.random_adam(rng) for _ in range(600)]
    assert any(adam.beta == 0 for adam in methods)
    assert max(adam.beta2 for adam in methods) > 1 - 1e-7
    assert min(adam.eps for adam in methods) < 1e-200
    assert max(adam.eps for adam in methods) > 1e200
    laws = [soundness.random_atoms(rng) for _ in range(600)]
    assert any(max(map(abs, law)) > 1e12 * min(map(abs, law)) > 0 for law in laws)
    assert min(min(soundness.random_probabilities(rng, 3)) for _ in range(300)) < 1e-11
