"""Minibatches of finitely many rows, listed one by one."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError

MOST_ENTRIES = 5_000_000
"""Entries (minibatches times rows) that may be listed: 40 MB."""


def batch_counts(probabilities: FloatArray, batch_size: int) -> tuple[FloatArray, FloatArray]:
    """Return every minibatch of ``batch_size`` rows drawn with replacement.

    Returns
    -------
    shares, probabilities
        Each row's share of the batch, shape (n, rows), and the multinomial probabilities, shape (n,).

    Raises
    ------
    InputError
        If there are too many minibatches to list.
    """
    counts = batch_numbers(len(probabilities), batch_size)
    # Few problems come here, and SciPy takes long to import.
    from scipy.special import gammaln

    log_probability = gammaln(batch_size + 1) + (counts * np.log(probabilities) - gammaln(counts + 1)).sum(axis=1)
    weights = np.exp(log_probability)
    # Minibatches rarer than the floats can tell are left out.
    possible = weights > 0
    return counts[possible] / batch_size, weights[possible] / weights[possible].sum()


def batch_numbers(rows: int, batch_size: int) -> FloatArray:
    """Return how often each row stands in each minibatch, shape (n, rows); errors as ``batch_counts``."""
    if not can_list(rows, batch_size):
        count = math.comb(batch_size + rows - 1, rows - 1)
        raise InputError(
            f"problem.batch_size: {batch_size} rows of {rows} make {float(min(count, 10**300)):.3g} minibatches, too "
            f"many to list (allowed: {MOST_ENTRIES // rows:.3g}); take a smaller batch or fewer rows"
        )
    return _compositions(batch_size, rows)


def can_list(rows: int, batch_size: int) -> bool:
    """Whether there are few enough minibatches to be listed."""
    return math.comb(batch_size + rows - 1, rows - 1) * rows <= MOST_ENTRIES


def _compositions(total: int, parts: int) -> FloatArray:
    """Every way to write ``total`` as an ordered sum of ``parts`` non-negative integers, shape (n, parts)."""
    left, columns = np.array([total]), np.empty((1, 0))
    for _ in range(parts - 1):
        # Each beginning goes on with 0, 1, ..., what it has left.
        ways = left + 1
        begins = np.repeat(np.cumsum(ways) - ways, ways)
        entry = np.arange(len(begins)) - begins
        columns = np.column_stack((np.repeat(columns, ways, axis=0), entry))
        left = np.repeat(left, ways) - entry
    return np.column_stack((columns, left))
