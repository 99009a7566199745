"""Arrays of float64 intervals (.., 2), rounded outward: what is made of many boxes' enclosures in a few operations.

Where an end overflows it becomes nan or infinite, and then says nothing: comparisons with it are false, or true of what
is infinite. What may be infinite is compared with a sign of infinity that proves nothing.
"""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.interval.rounding import down, up

ENOUGH = 1 + 2.0**-20
"""Factor that makes up for the rounding of sums and products of some thousand numbers >= 0, to nearest."""


def outward(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the intervals between ends that were rounded to nearest."""
    return np.stack([np.asarray(down(low)), np.asarray(up(high))], axis=-1)  # type: ignore[arg-type]


def plus(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return x + y."""
    return outward(x[..., 0] + y[..., 0], x[..., 1] + y[..., 1])


def product(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return x y."""
    ends = np.stack([x[..., i] * y[..., j] for i in (0, 1) for j in (0, 1)])
    return outward(ends.min(axis=0), ends.max(axis=0))


def total(x: FloatArray, axis: int) -> FloatArray:
    """Return the sums along an axis, counted from the front."""
    terms = np.moveaxis(x, axis, 0)
    found = np.zeros(terms.shape[1:])
    for term in terms:
        found = plus(found, term)
    return found


def overlap(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return what is in both of two enclosures of the same numbers; an end that is nan is none."""
    return np.stack([np.fmax(x[..., 0], y[..., 0]), np.fmin(x[..., 1], y[..., 1])], axis=-1)


def least_size(x: FloatArray) -> FloatArray:
    """Return the least |x| of each interval."""
    return np.maximum(np.maximum(x[..., 0], -x[..., 1]), 0.0)


def largest_size(x: FloatArray) -> FloatArray:
    """Return the largest |x| of each interval."""
    return np.asarray(np.abs(x).max(axis=-1))


def lengths(x: FloatArray) -> FloatArray:
    """Return upper bounds of the Euclidean norms of vectors (.., k, 2)."""
    return np.asarray(np.sqrt((largest_size(x) ** 2).sum(axis=-1) * ENOUGH + 1e-300) * ENOUGH)
