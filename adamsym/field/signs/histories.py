"""E sign M by listing the first lags: histories whose partial sum exceeds what the rest can do are decided.

The others' probability is the error, without any assumption (theory N-Proposition 15). Short memories decide fast.
"""

from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.signs.lags import Lags

MOST_HISTORIES = 2**15
"""Partial sums that are looked at in one step."""


_EQUAL = 1e-16
"""Sums that are this close, in units of the largest |M|, count as equal."""


@dataclass(frozen=True)
class Listed:
    """P(M > 0) - P(M < 0) among what is decided, the probability of what is not, and how many lags were listed."""

    value: float
    undecided: float
    lags: int


def listed(
    values: FloatArray, probabilities: FloatArray, lags: Lags, enough: float = 0.0, doubt: FloatArray | float = 0.0
) -> Listed:
    """Return E sign M for different atoms (n,), as far as lags can be listed, until ``enough`` is left undecided.

    The atoms may be off by ``doubt``, for each or for all.
    """
    if len(lags.weights) == 1:
        # The sign of one product is exact.
        sure = np.abs(values) > doubt
        signs = np.sign(values * lags.weights[0])
        known = sure | ((values == 0) & (np.broadcast_to(doubt, values.shape) == 0))
        return Listed(float(probabilities[sure] @ signs[sure]), float(probabilities[~known].sum()), 1)
    products = np.multiply.outer(lags.weights, values)
    low, high = _beyond(products.min(axis=1)), _beyond(products.max(axis=1))
    scale = float(np.abs(products).max(axis=1).sum())
    # Rounding and merging move a sum by no more than this.
    slack = 2 * _EQUAL * scale * (len(lags.weights) + 4) + lags.absolute * float(np.max(doubt))
    sums, chances, value, count = np.zeros(1), np.ones(1), 0.0, 0
    for k, row in enumerate(products):
        if len(sums) * len(values) > MOST_HISTORIES:
            break
        sums, chances = np.add.outer(sums, row).ravel(), np.multiply.outer(chances, probabilities).ravel()
        above, below = sums + low[k] > slack, sums + high[k] < -slack
        value += float(chances[above].sum() - chances[below].sum())
        left = ~(above | below)
        sums, chances = merged(sums[left], chances[left], _EQUAL * scale)
        count = k + 1
        if chances.sum() <= enough or (high[k] - low[k] < slack / 8 and k + 1 < len(products)):
            break
    return Listed(value, float(chances.sum()), count)


def merged(values: FloatArray, probabilities: FloatArray, distance: float) -> tuple[FloatArray, FloatArray]:
    """Return values in increasing order, those in the same cell of a grid of such a width as one; equal ones if 0."""
    cells = np.round(values / distance) if distance > 0 else values
    _, first, which = np.unique(cells, return_index=True, return_inverse=True)
    return values[first], np.asarray(np.bincount(which, probabilities), dtype=np.float64)


def _beyond(parts: FloatArray) -> FloatArray:
    """The sums of all parts behind each."""
    return np.asarray(np.concatenate([np.cumsum(parts[:0:-1])[::-1], [0.0]]))
