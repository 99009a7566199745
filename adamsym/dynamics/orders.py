"""Rows of minibatches that are drawn in epochs: which row is next, for each chain of a block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from adamsym.dynamics import kernels
from adamsym.expressions.errors import InputError
from adamsym.gradients.sampling import Epoch

_MOST_NUMBERS = 2**28
"""Row numbers that the orders of all chains' present epochs hold: 1 GB."""


class Orders:
    """The numbers of the rows that blocks of chains go through.

    The order of an epoch depends on the chain's generator and the epoch's number alone: it is the same however a run is
    divided, and nothing but the number of steps done need be kept of it.

    Raises
    ------
    InputError
        If the orders of all chains would take too much memory.
    """

    def __init__(self, epoch: Epoch, lanes: int, blocks: int) -> None:
        self.epoch, self._lanes = epoch, lanes
        if epoch.is_shuffled and epoch.rows * lanes * blocks > _MOST_NUMBERS:
            raise InputError(f"simulate: orders of {epoch.rows} rows for {lanes * blocks} chains need too much memory")
        self._kept: dict[int, tuple[int, NDArray[np.int32]]] = {}

    def forget(self) -> None:
        """Keep no order: the generators may be others from here on."""
        self._kept.clear()

    def pieces(self, step: int, steps: int, together: int) -> Iterator[tuple[int, int, int]]:
        """Cut steps into pieces (first, number, rows of each batch) of at most ``together``; ``step`` are done."""
        count, done = self.epoch.batches, 0
        even = self.epoch.size(count - 1) == self.epoch.batch_size
        while done < steps:
            batch = (step + done) % count
            left = steps if even else max(1, count - 1 - batch)
            number = min(together, steps - done, left)
            yield done, number, self.epoch.size(batch)
            done += number

    def rows(self, block: int, words: NDArray[np.uint64], step: int, steps: int) -> NDArray[np.int32]:
        """Return the rows of a block's next steps, (rows in all, lanes), where ``step`` are done.

        ``words`` are those of the block's generators, 4 for each lane.
        """
        epoch, count = self.epoch, self.epoch.batches
        first, last = step // count, (step + steps - 1) // count
        orders = self._orders(block, words, first, last - first + 1)[:, : epoch.used]
        start = (step - first * count) * epoch.batch_size
        ahead, batches = divmod(step + steps, count)
        end = (ahead - first) * epoch.used + batches * epoch.batch_size
        return orders.reshape(-1, self._lanes)[start:end]

    def _orders(self, block: int, words: NDArray[np.uint64], first: int, epochs: int) -> NDArray[np.int32]:
        """Orders (epochs, rows, lanes)."""
        rows, lanes = self.epoch.rows, self._lanes
        if not self.epoch.is_shuffled:
            order = np.arange(rows, dtype=np.int32)[None, :, None]
            return np.broadcast_to(order, (epochs, rows, lanes))
        kept = self._kept.get(block)
        if epochs == 1 and kept is not None and kept[0] == first:
            return kept[1]
        orders = np.empty((epochs, rows, lanes), np.int32)
        kernels.fill_orders(words, first, orders)
        if epochs == 1:
            self._kept[block] = (first, orders)
        return orders
