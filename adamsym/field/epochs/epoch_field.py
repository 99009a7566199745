"""The field of minibatches that are drawn in epochs, by number."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.running import UNIT
from adamsym.field.adam_field import AdamField
from adamsym.field.epochs.periodic import PeriodicValue, periodic_field
from adamsym.field.gradient_errors import gradient_errors
from adamsym.field.linearization import Linearization, require_products
from adamsym.field.values import FieldValue, require_room
from adamsym.gradients.sampling import Epoch

_ENTRIES_AT_ONCE = 2**21
"""Gradients of rows held at once."""


class EpochField(AdamField):
    """The field of Adam where rows are drawn in epochs: the mean of E[M/(sqrt(V) + eps)] over the steps of an epoch.

    :class:`adamsym.AdamField` makes one where the problem's ``sampling`` says so. In the order of the rows ("cyclic",
    or "full") the moments repeat, and f is a finite sum, exact up to rounding (theory N-Proposition 11). Arguments,
    methods and errors are those of AdamField.
    """

    @property
    def epoch(self) -> Epoch:
        """The minibatches of an epoch."""
        epoch = self.problem.epoch
        assert epoch is not None
        return epoch

    def __call__(self, theta: ArrayLike) -> FloatArray:
        """Return f at theta (..., d) as float64 (..., d); see :meth:`AdamField.__call__`."""
        points = self._points(theta)
        flat = points.reshape(-1, self.problem.dimension)
        found = [self._of_rows(self.problem.row_gradients(flat[part])).value for part in self._slices(len(flat))]
        return np.asarray((-_joined(found, flat) - self.decay * flat).reshape(points.shape))

    def evaluate(self, theta: ArrayLike) -> FieldValue:
        """Return f at theta (..., d) with a bound of what rounding may have done to it."""
        points = self._points(theta)
        flat = points.reshape(-1, self.problem.dimension)
        found = []
        for part in self._slices(len(flat)):
            gradients = self.problem.row_gradients(flat[part])
            found.append(self._of_rows(gradients, gradient_errors(self.problem, flat[part], gradients, 0)))
        value, decay = -_joined([one.value for one in found], flat), self.decay * flat
        error = _joined([one.error for one in found], flat) + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay))
        return FieldValue((value - decay).reshape(points.shape), error.reshape(points.shape))

    def jacobian(self, theta: ArrayLike) -> FloatArray:
        """Return Df at theta (..., d) as float64 (..., d, d)."""
        points, d = self._points(theta), self.problem.dimension
        flat = points.reshape(-1, d)
        result = np.empty((len(flat), d, d))
        for part in self._slices(len(flat)):
            result[part] = self.problem.weighted_jacobian(flat[part], self._weights(flat[part]))
        return (result - self.decay * np.eye(d)).reshape(*points.shape, d)

    def linearize(self, theta: ArrayLike) -> Linearization:
        """Return f and Df at one point theta (d,); see :meth:`AdamField.linearize`."""
        point = require_products(self.problem, self._points(theta))
        value, weights = self.evaluate(point), self._weights(point[None])[0]
        return Linearization(point, value.value, value.error, self.problem, weights, 0, self.decay)

    def _points(self, theta: ArrayLike) -> FloatArray:
        if self.backend != "numba":
            raise NotApplicable(f"backend: with sampling = {self.problem.sampling!r} allowed is 'numba'")
        if self.epoch.is_shuffled:
            raise NotApplicable("data.sampling: the field of reshuffled rows is not available")
        return self.problem.points(theta)

    def _slices(self, points: int) -> Iterator[slice]:
        """Slices of points that keep memory bounded."""
        rows, d = self.epoch.rows, self.problem.dimension
        require_room(rows, d)
        width = max(1, _ENTRIES_AT_ONCE // (rows * d))
        return (slice(start, start + width) for start in range(0, points, width))

    def _of_rows(
        self, gradients: FloatArray, errors: FloatArray | None = None, sensitivity: bool = False
    ) -> PeriodicValue:
        """F of the rows' gradients (n, rows, d)."""
        means = self._means(gradients)
        if errors is not None:
            errors = self._means(errors) + 2 * UNIT * np.log2(2 * self.epoch.batch_size) * self._means(
                np.abs(gradients)
            )
        found = periodic_field(means, self._form, errors, sensitivity)
        if not np.isfinite(found.value).all():
            raise InputError(f"{type(self.problem).__name__}: the field is out of the range of floats here")
        return found

    def _means(self, values: FloatArray) -> FloatArray:
        """Means of rows' values (n, rows, d) over each minibatch, (n, P, d)."""
        epoch = self.epoch
        if epoch.batch_size == 1:
            return values
        whole = epoch.rows // epoch.batch_size
        ahead = values[:, : whole * epoch.batch_size]
        means: FloatArray = ahead.reshape(len(values), whole, epoch.batch_size, -1).mean(axis=2)
        if epoch.batches == whole:
            return means
        return np.concatenate([means, values[:, whole * epoch.batch_size :].mean(axis=1, keepdims=True)], axis=1)

    def _weights(self, points: FloatArray) -> FloatArray:
        """Weights w (n, d, rows) of the rows' Jacobians in that of f, but for the decay."""
        gradients, epoch = self.problem.row_gradients(points), self.epoch
        found = self._of_rows(gradients, sensitivity=True).sensitivity
        assert found is not None
        sizes = np.array([epoch.size(k) for k in range(epoch.batches)])
        weights = np.zeros_like(gradients)
        weights[:, : epoch.used] = np.repeat(-found / sizes[:, None], sizes, axis=1)
        return np.moveaxis(weights, 1, 2)


def _joined(parts: list[FloatArray], like: FloatArray) -> FloatArray:
    return np.concatenate([np.empty((0, like.shape[1])), *parts])
