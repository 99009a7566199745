"""Gradients as the floats nearest to them, from ball arithmetic with more and more bits."""

import math
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
    value, error = values.tolist(), np.full_like(values, np.inf).tolist()
    for bits in _PRECISIONS:
        with ball_bits(bits):
            for own, off, row in zip(value, error, enclosed(), strict=True):
                for j, entry in enumerate(row):
                    if off[j] != math.inf or not entry.is_finite():
                        continue
                    nearest, spread = float(entry.mid()), float(entry.rad())
                    if math.isfinite(nearest) and spread <= 2.0**-60 * abs(nearest) + 1e-310:
                        own[j], off[j] = nearest, UNIT * abs(nearest) + spread + 5e-324
        if all(math.isfinite(one) for off in error for one in off):
            break
    return np.array(value).reshape(values.shape), np.array(error).reshape(values.shape)
