"""Error functions of arrays by the C library and a continued fraction: to load SciPy takes longer than these take."""

import math
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray

CONTINUED_FRACTION_FROM = 2.0
"""From here on the continued fraction has full precision with so many levels:"""

_LEVELS = 60

_HIGH_PART = 2.0**20
"""The part of z that is a multiple of 1/this has an exact square."""

_ERF, _ERFC = np.frompyfunc(math.erf, 1, 1), np.frompyfunc(math.erfc, 1, 1)


def erf(z: FloatArray) -> FloatArray:
    """Return the error function."""
    return np.asarray(_ERF(z), dtype=np.float64)


def erfc(z: FloatArray) -> FloatArray:
    """Return 1 - erf(z)."""
    return np.asarray(_ERFC(z), dtype=np.float64)


def erfcx(z: FloatArray) -> FloatArray:
    """Return exp(z^2) erfc(z) for z >= 0, to a few units in the last place."""
    near = np.minimum(z, CONTINUED_FRACTION_FROM)
    # The rounding of a square would be a share of the exponential.
    high = np.floor(near * _HIGH_PART) / _HIGH_PART
    found = np.exp(high * high) * np.exp((near - high) * (near + high)) * erfc(near)
    far = np.maximum(z, CONTINUED_FRACTION_FROM)
    return np.where(z > CONTINUED_FRACTION_FROM, 1 / (math.sqrt(math.pi) * (far + fraction(far))), found)


def fraction(e: Any) -> Any:
    """Return K with sqrt(pi) erfcx(e) = 1/(e + K), for e from ``CONTINUED_FRACTION_FROM`` on.

    Source: Laplace's continued fraction K = (1/2)/(e + 1/(e + (3/2)/(e + ...))).
    """
    tail = e
    for level in range(_LEVELS, 1, -1):
        tail = e + (level / 2) / tail
    return 0.5 / tail
