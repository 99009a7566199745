"""Gradients as the floats nearest to them, from ball arithmetic with more and more bits."""

from collections.abc import Callable, Sequence

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.precision import ball_bits
from adamsym.expressions.running import UNIT

_PRECISIONS = (128, 256, 512, 1024)


def nearest_floats(
    enclosed: Callable[[], Sequence[Sequence[flint.arb]]], values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the floats nearest to what is enclosed (rows, d), and their errors.

    What no precision resolves stays as it is in ``values``, with an infinite error.
    """
    value, error = values.copy(), np.full_like(values, np.inf)
    for bits in _PRECISIONS:
        with ball_bits(bits):
            for i, row in enumerate(enclosed()):
                for j, entry in enumerate(row):
                    if not entry.is_finite() or not np.isinf(error[i, j]):
                        continue
                    nearest, spread = float(entry.mid()), float(entry.rad())
                    if np.isfinite(nearest) and spread <= 2.0**-60 * abs(nearest) + 1e-310:
                        value[i, j], error[i, j] = nearest, UNIT * abs(nearest) + spread + 5e-324
        if np.isfinite(error).all():
            break
    return value, error
