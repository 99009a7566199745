"""The field of minibatches that are drawn in epochs, by number."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.running import UNIT
from adamsym.field.adam_field import AdamField
from adamsym.field.epochs.arrangements import MOST_ARRANGEMENTS, Arrangements, arrangements_of
from adamsym.field.epochs.periodic import EpochValue, periodic_field
from adamsym.field.epochs.shuffled import shuffled_field
from adamsym.field.gradient_errors import gradient_errors
from adamsym.field.linearization import Linearization, require_products
from adamsym.field.values import FieldValue, require_room
from adamsym.gradients import Empirical
from adamsym.gradients.sampling import Epoch

_ENTRIES_AT_ONCE = 2**21
"""Gradients of rows held at once."""


class EpochField(AdamField):
    """The field of Adam where rows are drawn in epochs: the mean of E[M/(sqrt(V) + eps)] over the steps of an epoch.

    :class:`adamsym.AdamField` makes one where the problem's ``sampling`` says so. In the order of the rows ("cyclic",
    or "full") the moments repeat, and f is a finite sum, exact up to rounding. Of few reshuffled rows, up to seven
    different ones, it is a quadrature of sums over all their orders (theory N-Proposition 11). Arguments, methods and
    errors are those of AdamField.
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
        """Return f at theta (..., d) with an estimate of its error, which counts the rounding of the gradients."""
        points = self._points(theta)
        flat = points.reshape(-1, self.problem.dimension)
        found = []
        for part in self._slices(len(flat)):
            gradients = self.problem.row_gradients(flat[part])
            found.append(self._of_rows(gradients, gradient_errors(self.problem, flat[part], gradients, 0)))
        value, decay = -_joined([one.value for one in found], flat), self.decay * flat
        error = _joined([one.error for one in found], flat) + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay))
        return FieldValue((value - decay).reshape(points.shape), error.reshape(points.shape), self.problem.names)

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
        if self.is_beyond:
            raise NotApplicable(
                "data.sampling: the field of reshuffled rows sums over all orders of few rows, at most "
                f"{MOST_ARRANGEMENTS}; monte_carlo(problem, method, theta, seed) estimates it"
            )
        return self.problem.points(theta)

    @cached_property
    def is_beyond(self) -> bool:
        """Whether there are too many orders of the rows to sum over."""
        return self.epoch.is_shuffled and not self.arrangements.are_few

    @cached_property
    def arrangements(self) -> Arrangements:
        """The orders of reshuffled rows."""
        law = self.problem.law
        assert isinstance(law, Empirical)
        return arrangements_of(law, self.epoch)

    def _slices(self, points: int) -> Iterator[slice]:
        """Slices of points that keep memory bounded."""
        rows, d = self.epoch.rows, self.problem.dimension
        require_room(rows, d)
        width = max(1, _ENTRIES_AT_ONCE // (rows * d))
        return (slice(start, start + width) for start in range(0, points, width))

    def _of_rows(
        self, gradients: FloatArray, errors: FloatArray | None = None, sensitivity: bool = False
    ) -> EpochValue:
        """F of the rows' gradients (n, rows, d)."""
        if self.epoch.is_shuffled:
            return shuffled_field(gradients, self._form, self.arrangements, errors, sensitivity)
        found = periodic_field(gradients, self._form, self.epoch, errors, sensitivity)
        if not np.isfinite(found.value).all():
            raise InputError(f"{type(self.problem).__name__}: the field is out of the range of floats here")
        return found

    def _weights(self, points: FloatArray) -> FloatArray:
        """Weights w (n, d, rows) of the rows' Jacobians in that of f, but for the decay."""
        found = self._of_rows(self.problem.row_gradients(points), sensitivity=True).sensitivity
        assert found is not None
        return np.moveaxis(-found, 1, 2)


def _joined(parts: list[FloatArray], like: FloatArray) -> FloatArray:
    return np.concatenate([np.empty((0, like.shape[1])), *parts])
