"""The law of one gradient by its characteristic function, and that of M = sum_k c_k g_k, a product over the lags."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.field.batches.batch_mean import BatchMean
from adamsym.field.laws.gradient_laws import Atoms, Density, Exponential, GradientLaw, Mixture, Normal, Uniform
from adamsym.field.signs.lags import Lags

Complex = NDArray[np.complex128]

FAR, RADIUS = 0.3, 0.65
"""Up to the first, in units of 1/spread, log chi is taken from its power series, found on a circle of the second."""

ORDERS, CIRCLE = 48, 128
"""(0.3/0.65)^48 is below 1e-16."""

_ENTRIES_AT_ONCE = 2**18


@dataclass(frozen=True, eq=False)
class Centred:
    """A law as far as a sign method needs it.

    Attributes
    ----------
    mean, variance
        Of one draw, or of a minibatch.
    low, high
        Its ends, or where the law is unbounded points beyond which values, and means of them, are as good as never.
    bounded
        Whether the ends are those of the law.
    spread
        log chi has a power series up to complex s of size 0.65/spread.
    chi, log_chi
        E exp(i s (g - mean)) for s of any shape; and its logarithm for complex s up to there.
    """

    mean: float
    variance: float
    low: float
    high: float
    bounded: bool
    spread: float
    chi: Callable[[FloatArray | Complex], Complex]
    log_chi: Callable[[Complex], Complex]


def of_atoms(values: FloatArray, probabilities: FloatArray, size: int = 1) -> Centred:
    """Return the law of the mean of ``size`` draws from atoms (n,)."""
    mean = float(values @ probabilities)
    deviations = values - mean
    farthest = float(np.abs(deviations).max())

    def one(s: FloatArray | Complex) -> Complex:
        found = np.zeros(s.shape, dtype=np.complex128)
        width = max(1, _ENTRIES_AT_ONCE // max(1, s.size))
        for begin in range(0, len(deviations), width):
            part = slice(begin, begin + width)
            found += np.exp(1j * np.multiply.outer(s, deviations[part])) @ probabilities[part]
        return found

    return Centred(
        mean,
        float(deviations**2 @ probabilities) / size,
        float(values.min()),
        float(values.max()),
        True,
        farthest / size,
        lambda s: np.asarray(one(s / size) ** size),
        lambda s: np.asarray(size * np.log(one(s / size))),
    )


def _of_function(
    law: GradientLaw, chi: Callable[[FloatArray | Complex], Complex], spread: float, ends: tuple[float, float] | None
) -> Centred:
    first, second, _, _ = law.moments
    low, high = (-law.magnitude_bound, law.magnitude_bound) if ends is None else ends
    variance = max(0.0, second - first**2)
    return Centred(first, variance, low, high, ends is not None, spread, chi, lambda s: np.asarray(np.log(chi(s))))


@singledispatch
def centred(law: GradientLaw) -> Centred:
    """Return what a sign method needs of a law of a gradient coordinate.

    A law of one's own has a method ``characteristic(s)``, E exp(i s g) for complex s.

    Raises
    ------
    NotApplicable
        If it has none.
    """
    given = getattr(law, "characteristic", None)
    if given is None:
        raise NotApplicable(
            f"law: the field of a sign method needs its characteristic function; give {type(law).__name__} a method "
            "characteristic(s) that returns E exp(i s g) for arrays of complex s"
        )
    mean = law.moments[0]
    return _of_function(
        law, lambda s: np.asarray(given(s) * np.exp(-1j * mean * s)), law.magnitude_bound + abs(mean), None
    )


@centred.register
def _(law: Atoms) -> Centred:
    return of_atoms(np.array(law.values), np.array(law.probabilities))


@centred.register
def _(law: Density) -> Centred:
    # Its rule has a few thousand nodes, which sum to what the integral is.
    return of_atoms(*law.rule)


@centred.register
def _(law: BatchMean) -> Centred:
    return of_atoms(law.atoms, law.probabilities, law.size)


@centred.register
def _(law: Normal) -> Centred:
    return _of_function(
        law, lambda s: np.asarray(np.exp(-((law.deviation * s) ** 2) / 2), dtype=np.complex128), law.deviation, None
    )


@centred.register
def _(law: Uniform) -> Centred:
    half = (law.high - law.low) / 2
    return _of_function(
        law, lambda s: np.asarray(np.sinc(half * s / math.pi), dtype=np.complex128), half, (law.low, law.high)
    )


@centred.register
def _(law: Exponential) -> Centred:
    scale = law.scale

    def chi(s: FloatArray | Complex) -> Complex:
        return np.asarray(np.exp(-1j * scale * s) / (1 - 1j * scale * s), dtype=np.complex128)

    return _of_function(law, chi, abs(scale), None)


@centred.register
def _(law: Mixture) -> Centred:
    parts = [centred(one) for one in law.components]
    mean = law.moments[0]

    def chi(s: FloatArray | Complex) -> Complex:
        terms = (w * np.exp(1j * (one.mean - mean) * s) * one.chi(s) for w, one in zip(law.weights, parts, strict=True))
        return np.asarray(sum(terms), dtype=np.complex128)

    spread = max(abs(one.mean - mean) + 2 * one.spread for one in parts)
    ends = min(one.low for one in parts), max(one.high for one in parts)
    return _of_function(law, chi, spread, ends if all(one.bounded for one in parts) else None)


def log_series(law: Centred) -> Complex:
    """Return the coefficients a_j, j = 0, ..., 47, of log chi(s) = sum_j a_j (s spread)^j; a_0 = a_1 = 0."""
    if law.spread == 0:
        return np.zeros(ORDERS, dtype=np.complex128)
    circle = RADIUS * np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE)
    found = np.fft.fft(law.log_chi(circle / law.spread))[:ORDERS] / CIRCLE / RADIUS ** np.arange(ORDERS)
    found[:2] = 0
    return np.asarray(found)


def direct_lags(law: Centred, lags: Lags, t: float) -> int:
    """Return from which lag on all arguments c_k t are small."""
    far = np.flatnonzero(np.abs(lags.weights) * t * law.spread > FAR)
    return int(far[-1]) + 1 if len(far) else 0


def of_sum(law: Centred, lags: Lags, t: FloatArray) -> Complex:
    """Return E exp(i t (M - E M)) for t (n,) in increasing order."""
    direct = direct_lags(law, lags, float(t[-1]))
    found = np.ones(len(t), dtype=np.complex128)
    for weight in lags.weights[:direct]:
        if weight != 0:
            found *= law.chi(weight * t)
    if direct < len(lags.weights):
        # The powers of the largest argument are at most 0.3^j.
        largest, sums = lags.power_sums(direct, ORDERS)
        found *= np.exp(np.polynomial.polynomial.polyval(largest * t * law.spread, log_series(law) * sums))
    return found
