"""E sign M by the Fourier series of a square wave, with the error of its truncation (theory N-Proposition 15).

Where |M| < L, sign M = (4/pi) sum over odd n of sin(pi n M/L)/n. Vaaler's polynomials replace the first N terms by ones
whose error is at most a Fejer kernel: so for every law E sign M lies within bounds that hold without any decay of the
characteristic function. Where this decays, the plain sum converges faster.
"""

import math
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.field.signs.characteristic import FAR, ORDERS, Centred, log_series, of_sum
from adamsym.field.signs.lags import Lags

FIRST, MOST = 32, 4096
"""Terms of the series: doubled from the first number on, up to the last."""

_OUTSIDE = 1e-16
"""P(|M| > L) where L is taken from Chernoff's inequality."""

_BEYOND = 1e-15
"""P(|M| > L) of unbounded laws, whose magnitude bound is L: by Chernoff's inequality, for running means as for g."""

MARGIN = 1.25
"""L, of the largest |M|: the kernels' second peak, at L, stays clear of the law."""

_SLOWEST = 0.75
"""Octaves that shrink by less than this are not summed to a tail."""


@dataclass(frozen=True)
class SignSum:
    """E sign M with the estimate of its error.

    ``slope`` is twice a bound of the density of M: E sign M moves by no more than that per change of M. ``bound_value``
    and ``gap`` are the middle and half the width of the bounds that need no decay, ``width`` and ``terms`` L and the
    number of terms; ``smooth`` says that the value is the plain sum.
    """

    value: float
    error: float
    slope: float
    gap: float
    bound_value: float
    width: float
    terms: int
    smooth: bool


def decided(law: Centred, lags: Lags) -> float | None:
    """Return the sign of M where it has but one, in all cases or in all but a probability of 1e-16; else None."""
    positive, negative = (lags.absolute + lags.total) / 2, (lags.absolute - lags.total) / 2
    if law.bounded:
        low, high = positive * law.low - negative * law.high, positive * law.high - negative * law.low
        slack = 0.0 if negative == 0 else 1e-14 * lags.absolute * max(abs(law.low), abs(law.high))
        # M = 0 has the probability 0 where infinitely many g_k that vary count.
        if low > slack or (low == 0 == slack and not lags.finite):
            return 1.0
        if high < -slack or (high == 0 == slack and not lags.finite):
            return -1.0
    mean = law.mean * lags.total
    if law.variance == 0:
        return None
    return math.copysign(1.0, mean) if abs(mean) > _farthest(law, lags) else None


def _farthest(law: Centred, lags: Lags) -> float:
    """How far M is from its mean, but with the probability _OUTSIDE, by Chernoff's inequality.

    log E exp(r (M - E M)) is the power series of log chi at -i r c_k, summed over the lags.
    """
    deviation = math.sqrt(law.variance * lags.squares)
    largest, sums = lags.power_sums(0, ORDERS)
    wanted = math.sqrt(2 * math.log(2 / _OUTSIDE))
    rate = min(wanted / deviation, FAR / (largest * law.spread))
    series = log_series(law) * sums
    argument = rate * largest * law.spread
    most = max(float(np.polynomial.polynomial.polyval(sign * 1j * argument, series).real) for sign in (-1, 1))
    return (most + math.log(2 / _OUTSIDE)) / rate


def reach(law: Centred, lags: Lags) -> tuple[float, float]:
    """Return a number that |M| does not exceed, but with a probability that is returned too."""
    whole = lags.absolute * max(abs(law.low), abs(law.high))
    near = abs(law.mean * lags.total) + _farthest(law, lags)
    if near < whole:
        return near, _OUTSIDE
    return whole, 0.0 if law.bounded else _BEYOND


def sign_sum(law: Centred, lags: Lags, tolerance: float) -> SignSum:
    """Return E sign M for a law that is not constant, and lag weights that are not all 0."""
    most, outside = reach(law, lags)
    width = MARGIN * most
    phi = np.ones(1, dtype=np.complex128)
    octaves: list[float] = []
    while True:
        n = len(phi)
        nodes = np.arange(n, max(FIRST, 2 * (n - 1)) + 1)
        t = np.asarray(nodes * (math.pi / width))
        found = np.exp(1j * t * law.mean * lags.total) * of_sum(law, lags, t)
        phi = np.concatenate([phi, found])
        odd = nodes % 2 == 1
        octaves.append(float(4 / math.pi * (np.abs(found[odd]) / nodes[odd]).sum()))
        tail = _tail(octaves)
        if tail <= tolerance or len(phi) > MOST:
            return _summed(phi, width, tail, octaves, 2 * outside, len(lags.weights))


def _tail(octaves: list[float]) -> float:
    """What the octaves to come add up to, if they shrink no slower than the last three did."""
    if octaves[-1] <= 1e-18:
        return octaves[-1]
    if len(octaves) < 3:
        return math.inf
    ratio = max(
        later / earlier if earlier > 0 else 1.0 for earlier, later in zip(octaves[-4:], octaves[-3:], strict=False)
    )
    return octaves[-1] * ratio / (1 - ratio) if ratio <= _SLOWEST else math.inf


def _summed(phi: np.ndarray, width: float, tail: float, octaves: list[float], outside: float, lags: int) -> SignSum:
    n = np.arange(len(phi))
    last = len(phi)
    odd, even = n[1::2], n[2::2]
    terms = 4 / math.pi * phi.imag[1::2] / odd
    rounding = (outside + UNIT * (8 + math.sqrt(lags))) + 64 * UNIT * sum(octaves) + 4 * UNIT * float(np.abs(phi).sum())
    plain, plain_error = float(terms.sum()), tail + rounding
    bounded = float((vaaler(odd / last) * terms).sum())
    gap = 2 / last * float(1 + 2 * ((1 - even / last) * phi.real[2::2]).sum())
    gap = max(gap, 0.0) + rounding
    smooth = plain_error <= gap
    value, error = (plain, plain_error) if smooth else (bounded, gap)
    slope = 2 / width * float(1 + 2 * np.abs(phi[1:]).sum())
    return SignSum(min(1.0, max(-1.0, value)), min(error, 2.0), slope, gap, bounded, width, last - 1, smooth)


def vaaler(x: FloatArray) -> FloatArray:
    """Return Vaaler's weights pi x (1 - x) cot(pi x) + x for 0 < x < 1."""
    return np.asarray(math.pi * x * (1 - x) / np.tan(math.pi * x) + x)
