"""How E sign M moves with the atoms of a law: by the derivative of Vaaler's sum, a smoothed density of M at 0."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.signs.characteristic import CIRCLE, ORDERS, RADIUS, Centred, Complex, direct_lags, of_atoms, of_sum
from adamsym.field.signs.lags import Lags
from adamsym.field.signs.series import MARGIN, reach, vaaler

_FINEST, _COARSEST = 1024, 64

_DEVIATIONS = 12.0
"""Terms reach so many deviations of M: there the characteristic function of a smooth law has decayed."""

_TINY = 1e-200

_ENTRIES_AT_ONCE = 2**18


def slopes(values: FloatArray, probabilities: FloatArray, size: int, lags: Lags) -> FloatArray:
    """Return dF/dg of each atom (n,), F smoothed over a distance of some L/N.

    dF/dg_a = (4/pi) sum_n w_n/n t_n Re[p_a sum_k c_k exp(i c_k t_n g_a/B) phi(t_n)/chi(c_k t_n/B)], with the N terms
    and weights of Vaaler's polynomial; chi is that of one draw, and phi that of M for means of B draws.
    """
    law = of_atoms(values, probabilities, size)
    width = MARGIN * reach(law, lags)[0]
    deviation = math.sqrt(law.variance * lags.squares)
    wanted = _DEVIATIONS * width / (math.pi * deviation) if deviation > 0 else _COARSEST
    last = 2 * int(np.clip(wanted, _COARSEST, _FINEST) / 2)
    n = np.arange(1, last, 2)
    t = np.asarray(n * (math.pi / width))
    phi = np.exp(1j * t * law.mean * lags.total) * of_sum(law, lags, t)
    factors = 4 / width * vaaler(n / last)
    one = of_atoms(values, probabilities)
    deviations = values - law.mean
    direct = direct_lags(one, lags, float(t[-1]) / size)
    found = np.zeros(len(values))
    for weight in lags.weights[:direct]:
        if weight != 0:
            s = weight * t / size
            chi = one.chi(s)
            quotient = phi / np.where(np.abs(chi) > _TINY, chi, _TINY)
            found += weight * _direct(factors * quotient, s, deviations)
    if direct < len(lags.weights) and one.spread > 0:
        found += _near(lags, direct, t / size, factors * phi, one, deviations)
    return np.asarray(probabilities * found)


def _direct(terms: Complex, s: FloatArray, deviations: FloatArray) -> FloatArray:
    """Re sum_n terms_n exp(i s_n d) for each deviation d."""
    found = np.empty(len(deviations))
    width = max(1, _ENTRIES_AT_ONCE // len(s))
    for begin in range(0, len(deviations), width):
        part = slice(begin, begin + width)
        found[part] = (np.exp(1j * np.multiply.outer(deviations[part], s)) @ terms).real
    return found


def _near(lags: Lags, start: int, t: FloatArray, terms: Complex, law: Centred, deviations: FloatArray) -> FloatArray:
    """Re sum_n terms_n sum_k c_k h(c_k t_n), k >= start, h(s) = exp(i s d)/chi(s), by the power series of h."""
    largest, sums = lags.power_sums(start, ORDERS + 1)
    orders = np.arange(ORDERS)
    arguments = (largest * law.spread * t)[:, None] ** orders
    moments = (terms @ arguments) * largest * sums[1:] / RADIUS**orders
    circle = RADIUS * np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE) / law.spread
    one_over = np.exp(-law.log_chi(circle))
    found = np.empty(len(deviations))
    width = _ENTRIES_AT_ONCE // CIRCLE
    for begin in range(0, len(deviations), width):
        part = slice(begin, begin + width)
        values = np.exp(1j * np.multiply.outer(deviations[part], circle)) * one_over
        found[part] = ((np.fft.fft(values, axis=1)[:, :ORDERS] / CIRCLE) @ moments).real
    return found
