"""Gradients of rows from an array or a Python function, without expressions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import integer, real_array, shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.expressions.signatures import readably
from adamsym.gradients.laws import Empirical, entries_of
from adamsym.gradients.source import StochasticGradient, parameter_names

MOST_ROWS = 1_000_000
"""Rows of a source: each has an exact weight."""

GradientFunction = Callable[[FloatArray], ArrayLike]


class PerRowGradients(StochasticGradient):
    """The gradients of n data rows: an array (n, d) at one point, or a function of theta (d,) that returns one.

    Fields by number, Monte-Carlo estimates, simulation and flows work with them as they are: what rounding has done to
    them is not known, and is not counted in error estimates. Proofs and derivations need expressions.

    Parameters
    ----------
    gradients
        An array holds the gradients at one point: the field there has no other. With a function the field is known
        everywhere.
    parameters
        As of :class:`adamsym.gradients.Problem`; for an array theta0, theta1, ... if omitted.
    weights
        One for each row, as of :class:`adamsym.gradients.Empirical`.
    batch_size
        Rows of a minibatch, drawn independently with replacement.
    jacobians
        A function of theta (d,) that returns the rows' Jacobians (n, d, d).
    rows
        How many rows a function has; without ``weights`` it is called at theta = 0 to count them.

    Raises
    ------
    InputError
        For arrays of another shape or with entries that are not finite, names that do not fit, or missing ones.

    Examples
    --------
    >>> from adamsym import Adam, AdamField
    >>> print(AdamField(PerRowGradients([[1.0], [1.0], [-2.0]]), Adam())([0.0]).round(6))
    [-0.00035]
    """

    @readably
    def __init__(
        self,
        gradients: ArrayLike | GradientFunction,
        parameters: Sequence[str] | Mapping[str, int] | None = None,
        weights: Sequence[Number] | None = None,
        batch_size: int = 1,
        jacobians: GradientFunction | None = None,
        rows: int | None = None,
    ) -> None:
        self.batch_size = integer(batch_size, "batch_size")
        if self.batch_size < 1:
            raise InputError(f"batch_size: {self.batch_size} is not allowed; allowed are integers from 1 up")
        shares = None if weights is None else entries_of(weights, "weights")
        count = None if rows is None else integer(rows, "rows")
        count = len(shares) if count is None and shares is not None else count
        if callable(gradients):
            if parameters is None:
                raise InputError('parameters: missing; name those of the function, as in ["a", "b"] or {"theta": 3}')
            self.names = parameter_names(parameters)
            self._function, self.is_known_everywhere = gradients, True
            if count is None:
                count = len(
                    _array(gradients(np.zeros(self.dimension)), (None, self.dimension), "gradients at theta = 0")
                )
        else:
            values = _array(gradients, (None, None), "gradients")
            self.names = parameter_names({"theta": values.shape[1]} if parameters is None else parameters)
            _array(values, (count, self.dimension), "gradients")
            self._function, self.is_known_everywhere, count = (lambda _: values), False, len(values)
        if not 1 <= count <= MOST_ROWS or (shares is not None and len(shares) != count):
            raise InputError(f"rows: {count} is not allowed; allowed are 1 to {MOST_ROWS}, and a weight for each")
        if jacobians is not None and not callable(jacobians):
            raise InputError(f"jacobians: {shown(jacobians)} is not allowed; give a function of theta")
        self._jacobians = jacobians
        self._rows = count
        self.law = Empirical({"row": range(count)}, shares)

    @property
    def has_jacobians(self) -> bool:
        """Whether a function of Jacobians was given."""
        return self._jacobians is not None

    def row_gradients(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the gradients of rows given by number, shape (..., rows, d); of all in order if omitted."""
        return self._values(self._function, theta, rows, (self.dimension,), "gradients")

    def row_jacobians(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the Jacobians of rows given by number, shape (..., rows, d, d); of all in order if omitted."""
        if self._jacobians is None:
            raise NotApplicable("PerRowGradients: a Jacobian needs jacobians = a function theta -> (n, d, d)")
        return self._values(self._jacobians, theta, rows, (self.dimension, self.dimension), "jacobians")

    def _values(
        self, function: GradientFunction, theta: ArrayLike, rows: FloatArray | None, shape: tuple[int, ...], place: str
    ) -> FloatArray:
        points = self.points(theta)
        n = self._rows
        flat = points.reshape(-1, self.dimension)
        found = [_array(function(point.copy()), (n, *shape), place) for point in flat]
        values = np.array(found).reshape(*points.shape[:-1], n, *shape)
        if rows is None:
            return values
        numbers = np.asarray(rows)[..., 0].astype(np.intp)
        leading = np.broadcast_shapes(points.shape[:-1], numbers.shape[:-1])
        values = np.broadcast_to(values, (*leading, n, *shape))
        places = np.broadcast_to(numbers, (*leading, numbers.shape[-1]))
        return np.take_along_axis(values, places.reshape(*places.shape, *(1 for _ in shape)), axis=len(leading))


def _array(values: Any, shape: tuple[int | None, ...], place: str) -> FloatArray:
    """Return an array of the shape, whose entries None are any numbers from 1 up, with finite entries."""
    found = real_array(values, place)
    fits = found.ndim == len(shape) and all(
        size >= 1 and wanted in (None, size) for size, wanted in zip(found.shape, shape, strict=False)
    )
    if not fits:
        text = ", ".join(letter if size is None else str(size) for size, letter in zip(shape, "nd", strict=False))
        raise InputError(f"{place}: shape {found.shape} is not allowed; allowed is ({text})")
    if not np.isfinite(found).all():
        raise InputError(f"{place}: not finite at data row {int(np.argwhere(~np.isfinite(found))[0][0])}")
    return found
