"""How the rows of minibatches are drawn: with replacement, or in epochs that go through all rows."""

from dataclasses import dataclass

import numpy as np

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.gradients.laws import Empirical, Law

SAMPLINGS = ("replacement", "reshuffled", "cyclic", "full")
"""Independent rows; a new random order of all rows in each epoch; the rows' own order, again and again; all at once."""


@dataclass(frozen=True)
class Epoch:
    """The minibatches of an epoch: one after the other so many rows, of an order of all rows.

    The first batches have ``batch_size`` rows. What is left over at the end is a smaller batch, or is left out if
    ``drop_last``, as in torch's ``DataLoader``. A minibatch's gradient is the mean over its own rows.

    Attributes
    ----------
    rows, batch_size, drop_last
        Rows in all and in a minibatch, and whether those left over are left out.
    is_shuffled
        Whether each epoch has a new order, uniformly at random; else it is that of the data.
    """

    rows: int
    batch_size: int
    drop_last: bool
    is_shuffled: bool

    @property
    def batches(self) -> int:
        """Steps of an epoch."""
        return self.rows // self.batch_size if self.drop_last else -(-self.rows // self.batch_size)

    @property
    def used(self) -> int:
        """Rows that an epoch goes through."""
        return min(self.rows, self.batches * self.batch_size)

    def size(self, batch: int) -> int:
        """Return the number of rows of a batch, counted from 0 within its epoch."""
        return min(self.batch_size, self.rows - batch * self.batch_size)


def batch_means(values: FloatArray, epoch: Epoch) -> FloatArray:
    """Return the means of rows' values (n, rows, d), in the order of an epoch, over each minibatch: (n, batches, d)."""
    size, whole = epoch.batch_size, epoch.rows // epoch.batch_size
    if size == 1:
        return values
    means: FloatArray = values[:, : whole * size].reshape(len(values), whole, size, -1).mean(axis=2)
    if epoch.batches == whole:
        return means
    return np.concatenate([means, values[:, whole * size :].mean(axis=1, keepdims=True)], axis=1)


def checked_epoch(law: Law, batch_size: int, sampling: object, drop_last: object) -> Epoch | None:
    """Return the epoch of a way of sampling; None for rows drawn independently with replacement.

    Raises
    ------
    InputError
        If there is no such way, it does not go with the law or the batch size, or ``drop_last`` is no bool.
    """
    if not isinstance(sampling, str) or sampling not in SAMPLINGS:
        raise InputError(f"data.sampling: {shown(sampling)} is not allowed; allowed are {', '.join(SAMPLINGS)}")
    if not isinstance(drop_last, bool):
        raise InputError(f"data.drop_last: {shown(drop_last)} is not allowed; allowed are true and false")
    if drop_last and sampling in ("replacement", "full"):
        raise InputError(f"data.drop_last: no batch is incomplete with sampling = {sampling!r}; leave it out")
    if sampling == "replacement":
        return None
    if not isinstance(law, Empirical):
        raise InputError(f"data.sampling: {sampling!r} needs rows, and a continuous law has none")
    if len(set(law.exact_probabilities)) > 1:
        raise InputError(
            f"data.weights: with sampling = {sampling!r} every row has the same weight, as an epoch takes each once; "
            "leave them out, and write a row that counts k times k times, where it comes in the order"
        )
    rows = len(law.exact_probabilities)
    if sampling == "full":
        if batch_size not in (1, rows):
            raise InputError(f"problem.batch_size: with sampling = 'full' it is {rows}, all rows; leave it out")
        return Epoch(rows, rows, False, False)
    if drop_last and batch_size > rows:
        raise InputError(f"data.drop_last: {rows} rows make no whole batch of {batch_size}; take smaller batches")
    return Epoch(rows, min(batch_size, rows), drop_last, sampling == "reshuffled")


def require_replacement(sampling: str, what: str) -> None:
    """Raise NotApplicable unless rows are drawn independently with replacement: ``what`` supposes that."""
    if sampling != "replacement":
        raise NotApplicable(
            f"data.sampling: {what} supposes rows drawn independently with replacement, and here they are {sampling!r}"
        )
