"""Stochastic gradients at one point, where rows are drawn in epochs: for estimates by simulation."""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.gradients.sampling import Epoch, batch_means

_MOST_NUMBERS = 2**27
"""Of the gradients of an epoch of all chains: 1 GB."""


class EpochDraws:
    """The gradients of the minibatches of chains, one call after the other, from a table (rows, d) of the rows'."""

    def __init__(self, table: FloatArray, epoch: Epoch) -> None:
        self.table, self.epoch = table, epoch
        self._left: FloatArray | None = None

    def __call__(self, generator: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        """Return the next gradients, (chains, steps, d) for shape (chains, steps).

        Raises
        ------
        InputError
            If the rows of an epoch are too many for so many chains.
        """
        chains, steps = shape
        if self._left is None:
            if chains * self.table.size > _MOST_NUMBERS:
                raise InputError(f"monte_carlo: {len(self.table)} rows for {chains} chains take too much memory")
            self._left = np.empty((chains, 0, self.table.shape[1]))
        drawn = [self._left]
        while sum(part.shape[1] for part in drawn) < steps:
            drawn.append(batch_means(self.table[self._orders(generator, chains)], self.epoch))
        whole = np.concatenate(drawn, axis=1)
        self._left = whole[:, steps:]
        return whole[:, :steps].copy()

    def _orders(self, generator: np.random.Generator, chains: int) -> "np.ndarray[tuple[int, int], np.dtype[np.intp]]":
        orders = np.tile(np.arange(self.epoch.rows), (chains, 1))
        return generator.permuted(orders, axis=1) if self.epoch.is_shuffled else orders
