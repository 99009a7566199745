"""The error functions without SciPy: to a few units in the last place, from 0 to the largest numbers."""

import flint
import numpy as np
import pytest

from adamsym.expressions.error_functions import erf, erfc, erfcx
from adamsym.expressions.precision import ball_bits
from adamsym.expressions.running import UNIT

DRAWN = np.random.default_rng(3)
NEAR = np.concatenate([DRAWN.uniform(0, 2.5, 400), [0.0, 2.0, np.nextafter(2.0, 3.0)], np.logspace(-300, 0, 40)])


def scaled(x):
    half = flint.arb(1) / 2
    return (x * x).exp() * x.erfc() if x < 25 else (x * x).hypgeom_u(half, half) / flint.arb.pi().sqrt()


@pytest.mark.parametrize(
    ("function", "exact", "points"),
    [
        (erf, lambda x: x.erf(), np.concatenate([NEAR, -NEAR])),
        (erfc, lambda x: x.erfc(), np.concatenate([NEAR, -NEAR])),
        (erfcx, scaled, np.concatenate([NEAR, DRAWN.uniform(2, 40, 200), np.logspace(2, 300, 40)])),
    ],
)
def test_values_are_right_to_a_few_units_in_the_last_place(function, exact, points):
    off = []
    with ball_bits(400):
        for x, value in zip(points.tolist(), function(points).tolist(), strict=True):
            wanted = exact(flint.arb(x))
            off.append(float((abs(flint.arb(value) - wanted) / (abs(wanted) + 5e-320)).upper()))
    assert max(off) <= 8 * UNIT
    # The control: the comparison sees a relative 1e-14.
    with ball_bits(400):
        wanted = exact(flint.arb(1.5))
        assert abs(flint.arb(float(function(np.array(1.5 + 1e-14)))) - wanted) > 8 * UNIT * wanted
