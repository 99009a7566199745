"""E sign M of laws of gradients, by the series or by listing histories, whichever errs less."""

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.special

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.field.laws.gradient_laws import Atoms, GradientLaw, Normal
from adamsym.field.signs.characteristic import Centred, centred, of_atoms
from adamsym.field.signs.histories import listed, merged
from adamsym.field.signs.lags import Lags, lags_of
from adamsym.field.signs.series import decided, sign_sum
from adamsym.field.signs.slopes import slopes
from adamsym.methods import Method, SignForm, require_sign

_SHORT = 0.5
"""Where weights shrink by this factor or faster, histories come first."""


_NEVER = 2e-16
"""Twice the probability that M has another sign than the one that is taken for certain."""


@dataclass(frozen=True)
class SignMean:
    """F = E sign M with an error estimate.

    ``lower`` and ``upper`` bound F without any assumption on the law, but for rounding. ``sensitivity`` (n,) is dF/dg
    for every atom, of F smoothed over the distance that the series resolves; None if not asked for.
    """

    value: float
    error: float
    lower: float
    upper: float
    sensitivity: FloatArray | None = None


def sign_mean(law: GradientLaw, method: Method | SignForm, tolerance: float = 1e-13, doubt: float = 0.0) -> SignMean:
    """Return F = E sign(sum_k c_k g_k) for independent g_k of a law, with an error estimate (N-Proposition 15).

    Where the characteristic function of M decays, the error is about 1e-13. Elsewhere it is that of bounds that hold
    for every law: it falls like the probability that |M| is small. ``doubt`` is how far the values of g may be off.

    Raises
    ------
    InputError
        If the method has no sign form, remembers for too long, or the law has no characteristic function.

    Examples
    --------
    >>> from adamsym.field import Normal
    >>> from adamsym.methods import Signum
    >>> round(sign_mean(Normal(0.3, 1), Signum(0)).value, 10)  # erf(0.3/sqrt 2)
    0.2358228444
    """
    lags = lags_of(method if isinstance(method, SignForm) else require_sign(method, "a mean of signs"))
    if isinstance(law, Normal):
        return _of_normal(law, lags, doubt)
    if isinstance(law, Atoms):
        return of_listed(np.array(law.values), np.array(law.probabilities), 1, lags, tolerance, doubt=doubt)
    return _of_centred(centred(law), lags, tolerance, doubt)


def _of_normal(law: Normal, lags: Lags, doubt: float) -> SignMean:
    """M is normal: erf of its mean over sqrt 2 deviations."""
    deviation = law.deviation * math.sqrt(2 * lags.squares)
    if deviation == 0:
        return _exactly(0.0)
    value = float(scipy.special.erf(law.mean * lags.total / deviation))
    moved = 2 / math.sqrt(math.pi) / deviation * lags.absolute * doubt
    error = min(2.0, 8 * UNIT * (abs(value) + UNIT) + moved)
    return SignMean(value, error, value - error, value + error)


def _exactly(value: float) -> SignMean:
    return SignMean(value, 0.0, value, value)


def _of_centred(law: Centred, lags: Lags, tolerance: float, doubt: float = 0.0) -> SignMean:
    """By the series, for a law whose values may be off by ``doubt``."""
    if lags.absolute == 0 or (law.variance == 0 and doubt == 0):
        return _exactly(float(np.sign(law.mean * lags.total)))
    known = {decided(replace(law, low=law.low - moved, high=law.high + moved), lags) for moved in (0.0, doubt)}
    [sign] = known if len(known) == 1 else [None]
    if sign is not None:
        return SignMean(sign, _NEVER, min(sign, 1 - _NEVER), max(sign, _NEVER - 1))
    if law.variance == 0:
        return SignMean(0.0, 1.0, -1.0, 1.0)
    found = sign_sum(law, lags, tolerance)
    moved = min(2.0, found.slope * lags.absolute * doubt)
    low, high = found.bound_value - found.gap - moved, found.bound_value + found.gap + moved
    return SignMean(found.value, min(2.0, found.error + moved), max(-1.0, low), min(1.0, high))


def of_listed(
    values: FloatArray,
    probabilities: FloatArray,
    size: int,
    lags: Lags,
    tolerance: float,
    sensitivity: bool = False,
    doubt: FloatArray | float = 0.0,
) -> SignMean:
    """Return F for means of ``size`` draws from atoms (n,), each of which may be off by ``doubt``, one or (n,)."""
    different, chances = merged(values, probabilities, 0.0)
    doubts = np.zeros(len(different))
    np.maximum.at(doubts, np.searchsorted(different, values), doubt)
    found = _best(different, chances, size, lags, tolerance, doubts)
    if not sensitivity:
        return found
    return replace(found, sensitivity=slopes(values, probabilities, size, lags))


def _best(
    values: FloatArray, probabilities: FloatArray, size: int, lags: Lags, tolerance: float, doubts: FloatArray
) -> SignMean:
    law, doubt = of_atoms(values, probabilities, size), float(doubts.max())
    short = size == 1 and len(values) > 1 and (lags.finite or lags.slowest <= _SHORT)
    if short:
        first = _by_histories(values, probabilities, lags, tolerance, doubts)
        if first.error <= tolerance or len(lags.weights) == 1:
            return first
        return _better(first, _of_centred(law, lags, tolerance, doubt))
    found = _of_centred(law, lags, tolerance, doubt)
    if found.error <= tolerance or size > 1 or len(values) == 1:
        return found
    return _better(found, _by_histories(values, probabilities, lags, tolerance, doubts))


def _by_histories(
    values: FloatArray, probabilities: FloatArray, lags: Lags, tolerance: float, doubts: FloatArray
) -> SignMean:
    found = listed(values, probabilities, lags, tolerance / 4, doubts)
    error = found.undecided + 2 * UNIT * (1 + found.lags) * (len(lags.weights) > 1)
    return SignMean(found.value, error, max(-1.0, found.value - error), min(1.0, found.value + error))


def _better(one: SignMean, other: SignMean) -> SignMean:
    """The value that errs less, within the bounds of both."""
    best = one if one.error <= other.error else other
    return SignMean(best.value, best.error, max(one.lower, other.lower), min(one.upper, other.upper))
