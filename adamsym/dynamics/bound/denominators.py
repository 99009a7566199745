"""A lower bound of the denominator's law: W = (1-beta) sum_l beta^l G_l^2 for a minorant G of |g|, rounded down.

Lemma 0: if P(|g| >= y) >= P(G >= y) whatever the parameters and the past, E psi(r) <= E psi(sqrt(beta W)) for every
decreasing psi, r the root of the second moment of any history, even with one entry left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray

CELLS = 768
"""Values that the law of a partial sum is rounded down to; the loss is a few per cent of W's deviation."""

_THIRD = CELLS // 3
"""A third of them are spaced linearly, a third by probability, a third geometrically below the bulk."""

_BULK = 1e-40
"""Probability below the bulk: negative powers of W weigh the lower tail heavily."""

_DECADES = 30
"""Decades that the geometric values span; below them W counts as 0."""

_FORGOTTEN = 1e-18
"""Older lags, of this total weight, are left out: they would only add to W."""

_ROUNDING = 1 - 1e-12
"""Floating-point values may err upward by less."""

_UNDERFLOW = 1e-300
"""Probability that may be lost to underflow; it counts for the least value."""


@dataclass(frozen=True)
class DenominatorLaw:
    """A law stochastically below r for every history: values of r, increasing, and upper bounds of probabilities."""

    roots: FloatArray
    probabilities: FloatArray

    def norm(self, function: Callable[[FloatArray], FloatArray], exponent: float) -> float:
        """Return an upper bound of (E psi(r)^q)^(1/q), for a positive decreasing psi and q = ``exponent``."""
        with np.errstate(divide="ignore"):
            logs = np.log(self.probabilities) + exponent * np.log(function(self.roots))
        top = float(logs.max())
        if not np.isfinite(top):
            return 0.0 if top < 0 else np.inf
        return float(np.exp((top + np.log(np.exp(logs - top).sum())) / exponent) / _ROUNDING)

    def quantile(self, probability: float) -> float:
        """Return the smallest value r with P(at most r) >= ``probability``."""
        place = int(np.searchsorted(np.cumsum(self.probabilities), probability))
        return float(self.roots[min(place, len(self.roots) - 1)])


def denominator_law(minorant: FloatArray, probabilities: FloatArray, beta: float) -> DenominatorLaw:
    """Return the law of sqrt(beta W) for values ``minorant`` of G with ``probabilities``, rounded down.

    The average A_n of the newest n squares, weighted by beta^l, has A_2n = (A_n + beta^n A_n')/(1 + beta^n) with an
    independent copy A_n': about 16 doublings, each rounded down.
    """
    squares = np.asarray(minorant, dtype=np.float64) ** 2
    values, weights = _round_down(squares, np.asarray(probabilities))
    power, relative_error = beta, 0.0
    while power > _FORGOTTEN:
        sums = (values[:, None] + power * values[None, :]) / (1 + power) * _ROUNDING
        values, weights = _round_down(sums.ravel(), np.outer(weights, weights).ravel())
        power *= power
        # Each probability is a sum of at most CELLS^2 products of two.
        relative_error = 2 * relative_error + CELLS**2 * 2.0**-53
    values, weights = np.append(squares.min(), values), np.append(_UNDERFLOW, weights * (1 + relative_error))
    return DenominatorLaw(np.sqrt(beta * (1 - power) * values), weights)


def _round_down(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The law with each value moved down to the next of at most CELLS values, fewer if there are fewer."""
    kept = weights > 0
    values, weights = values[kept], weights[kept]
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    distinct, masses = values[first], np.add.reduceat(weights, first)
    if len(distinct) <= CELLS:
        return distinct, masses
    cumulative = np.cumsum(masses)
    bulk = distinct[np.searchsorted(cumulative, _BULK)]
    linear = np.linspace(bulk, distinct[-1], _THIRD)
    likely = distinct[np.searchsorted(cumulative, np.linspace(0, cumulative[-1], _THIRD, endpoint=False))]
    below = bulk * np.logspace(-_DECADES, 0, _THIRD, endpoint=False)
    grid = np.unique(np.concatenate((distinct[:1], below[below > distinct[0]], linear, likely)))
    ends = np.append(np.searchsorted(distinct, grid), len(distinct))
    filled = ends[1:] > ends[:-1]
    return grid[filled], np.add.reduceat(masses, ends[:-1][filled])
