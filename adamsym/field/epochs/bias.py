"""Where zeros lie to first order in 1 - beta2, for rows drawn in epochs (theory N-Proposition 13)."""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.gradients.sampling import Epoch, batch_means
from adamsym.methods import LaplaceForm

_FORGOTTEN = 1e-18
"""A share of the lag weights that is left out."""


def epoch_moments(rows: FloatArray, epoch: Epoch, form: LaplaceForm) -> tuple[FloatArray, FloatArray]:
    """Return the variance of the minibatch's gradient and lim Cov(M, V)/(1 - beta), from rows' gradients (rows, d).

    Both at mean 0: the rows' mean is taken off. Of independent rows the latter would be the third central moment.

    Raises
    ------
    NotApplicable
        If batches of reshuffled rows differ in size.
    """
    means = batch_means(rows[None], epoch)[0]
    if epoch.is_shuffled:
        return _shuffled(rows - rows.mean(axis=0), epoch, form)
    means = means - means.mean(axis=0)
    count = epoch.batches
    squares, weights = means**2, _folded(form, count)
    # Cov(y_{j-k}, y^2_{j-l}) over the steps j depends on l - k alone: k = 0 is enough.
    covariances = [
        (means * (np.roll(squares, lag, axis=0) - squares.mean(axis=0))).mean(axis=0) for lag in range(count)
    ]
    lags = np.arange(count)
    mixed = sum(
        (weight * sum((-(((lag + k) % count) / count) * covariances[lag] for lag in lags), np.zeros(rows.shape[1])))
        for k, weight in enumerate(weights)
    )
    return squares.mean(axis=0), np.asarray(mixed)


def _shuffled(deviations: FloatArray, epoch: Epoch, form: LaplaceForm) -> tuple[FloatArray, FloatArray]:
    """By the moments of means of rows drawn without replacement."""
    rows, size, count = epoch.rows, epoch.batch_size, epoch.batches
    if epoch.size(count - 1) != size:
        raise NotApplicable("data.sampling: the expansion of the bias needs batches of one size; see drop_last")
    variance, third = (deviations**2).mean(axis=0), (deviations**3).mean(axis=0)
    if rows == size:
        return np.zeros_like(variance), np.zeros_like(variance)
    second = variance / size * (rows - size) / (rows - 1)
    own = third / size**2 * (rows - size) * (rows - 2 * size) / ((rows - 1) * max(rows - 2, 1))
    other = third / (size * (rows - 1)) * (2 * (size - 1) / max(rows - 2, 1) - 1)
    # Over the lags within one epoch: of the present one, those up to the newest gradient.
    weights = _weights(form)
    mixed = np.zeros_like(third)
    for k, weight in enumerate(weights):
        present = sum((own + (j - 1) * other for j in range(k + 1, count + 1)), np.zeros_like(third))
        mixed += weight * (present + min(k, count) * (own + (count - 1) * other)) / count
    return second, mixed


def _weights(form: LaplaceForm) -> list[float]:
    found: list[float] = []
    left = float(form.weights.absolute_bound)
    while left > _FORGOTTEN:
        found.append(float(form.weights.weight(len(found))))
        left = _beyond(form, len(found))
    return found


def _beyond(form: LaplaceForm, k: int) -> float:
    """A bound of the sum of the |c_j| from j = k on."""
    ahead = sum(abs(float(head)) for head in form.weights.head[k:])
    return ahead + sum(abs(float(a)) * float(r) ** k / (1 - float(r)) for a, r in form.weights.terms)


def _folded(form: LaplaceForm, count: int) -> FloatArray:
    """The sums of the lag weights over k, k + P, k + 2 P, ..."""
    folded = np.zeros(count)
    for k, weight in enumerate(_weights(form)):
        folded[k % count] += weight
    return folded
