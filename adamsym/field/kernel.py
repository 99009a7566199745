"""The kernel of Adam's denominator: 1/(sqrt(v) + eps) = int_0^inf exp(-s v) rho(s) ds (theory T4)."""

import numpy as np
import scipy.special

from adamsym.expressions.compilation import FloatArray

_CONTINUED_FRACTION_FROM = 2.0
"""Above this argument 1 - sqrt(pi) e erfcx(e) is a difference of close numbers; below it loses at most one digit."""

_CONTINUED_FRACTION_DEPTH = 60
"""Levels that give full precision from _CONTINUED_FRACTION_FROM on."""


def scaled_kernel(s: FloatArray, eps: FloatArray) -> FloatArray:
    """Return s rho(s) = sqrt(s/pi) (1 - sqrt(pi) e erfcx(e)), e = eps sqrt(s), to about 1e-15 relative accuracy.

    ``s`` and ``eps`` broadcast against each other; both positive.
    """
    root = np.sqrt(s)
    return np.asarray(root / np.sqrt(np.pi) * complementary_ratio(eps * root))


def complementary_ratio(e: FloatArray) -> FloatArray:
    """Return 1 - sqrt(pi) e erfcx(e) for e >= 0, without cancellation for large e.

    Source: Laplace's continued fraction sqrt(pi) erfcx(e) = 1/(e + K), K = (1/2)/(e + 1/(e + (3/2)/(e + ...))).
    """
    e = np.asarray(e, dtype=np.float64)
    result = 1.0 - np.sqrt(np.pi) * e * scipy.special.erfcx(np.minimum(e, _CONTINUED_FRACTION_FROM))
    large = e > _CONTINUED_FRACTION_FROM
    if large.any():
        argument = e[large]
        tail = argument.copy()
        for level in range(_CONTINUED_FRACTION_DEPTH, 1, -1):
            tail = argument + (level / 2) / tail
        k = 0.5 / tail
        result[large] = k / (argument + k)
    return np.asarray(result)
