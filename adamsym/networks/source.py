"""What sources of networks share: rows by number, chunks of bounded memory, the products of the rows' Hessians."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.expressions.arguments import integer, real_array, shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.gradients.laws import Empirical, entries_of
from adamsym.gradients.per_row import MOST_ROWS
from adamsym.gradients.source import StochasticGradient

Numbers = NDArray[np.intp]

_ENTRIES_AT_ONCE = 2**22
"""Numbers that the gradients of a chunk of rows hold, or what a forward pass makes of it: 32 MB."""

MOST_JACOBIAN_ENTRIES = 2**26
"""Numbers of the Jacobians that are returned at once: 512 MB."""

SAME = 1e-9
"""Outputs of one row, alone and in a batch, differ by rounding alone if by less than this, beside the largest."""

_LONGEST_REASON = 240

_TANGENT_ERROR = 1e-4
"""Second derivatives that are right agree with differences to 1e-7, and wrong ones are wrong by more than this."""

ROWS_TRIED = 4
"""Rows on which it is tried whether a network couples them."""


class NetworkGradients(StochasticGradient):
    """G(theta, a) = the gradient of the loss of row a in the trained parameters, by automatic differentiation.

    The parameters are one flat float64 vector. Rows are taken in chunks, so that beyond what is returned memory is some
    times ``chunk_rows`` the size of the parameters and of the activations of one row. Where a loss has kinks, as with
    ReLU, its gradient there is the one that the library returns. What rounding has done to the gradients is not counted
    in error estimates.

    A source for another library is a subclass that sets ``names``, calls ``_set_rows`` and ``_set_chunks``, and has the
    five functions of a chunk below.

    Attributes
    ----------
    chunk_rows
        Rows that are differentiated at once.
    """

    chunk_rows: int

    # --- what a library does for a chunk of rows ----------------------------------------------------------------

    @abstractmethod
    def _losses(self, theta: FloatArray, numbers: Numbers) -> FloatArray:
        """Losses of rows, shape (rows,), at theta (d,)."""

    @abstractmethod
    def _gradients(self, theta: FloatArray, numbers: Numbers) -> FloatArray:
        """Gradients of rows, shape (rows, d), at theta (d,) or at a point for each row, (rows, d)."""

    @abstractmethod
    def _weighted_gradient(self, theta: FloatArray, numbers: Numbers, weights: FloatArray) -> FloatArray:
        """The sum of weights[a] times the gradient of row a, shape (d,), without one for each row."""

    @abstractmethod
    def _tangents(self, theta: FloatArray, numbers: Numbers, vector: FloatArray) -> FloatArray:
        """Derivatives of the rows' gradients along a vector (d,), shape (rows, d)."""

    @abstractmethod
    def _cotangent(self, theta: FloatArray, numbers: Numbers, vectors: FloatArray) -> FloatArray:
        """The sum of the transposed Hessians of rows, each times its vector, (rows, d) to (d,)."""

    # --- rows -----------------------------------------------------------------------------------------------------

    def _set_rows(self, count: int, batch_size: Any, weights: Sequence[Number] | None) -> None:
        """Set the law of ``count`` rows and the minibatches."""
        self.batch_size = integer(batch_size, "batch_size")
        if self.batch_size < 1:
            raise InputError(f"batch_size: {self.batch_size} is not allowed; allowed are integers from 1 up")
        if not 1 <= count <= MOST_ROWS:
            raise InputError(f"inputs: {count} rows are not allowed; allowed are 1 to {MOST_ROWS}")
        shares = None if weights is None else entries_of(weights, "weights")
        if shares is not None and len(shares) != count:
            raise InputError(f"weights: {len(shares)} for {count} rows; give one for each row, or none")
        # Fractions are what Empirical keeps: of 60,000 integers they are made ten times as fast.
        self.law = Empirical({"row": list(map(Fraction, range(count)))}, shares)
        self._rows = count

    def _set_chunks(self, made: int, chunk_rows: Any) -> None:
        """Set how many rows are taken at once, of each of which a forward pass makes so many numbers."""
        fitting = max(1, _ENTRIES_AT_ONCE // max(self.dimension, made))
        self.chunk_rows = min(self._rows, fitting) if chunk_rows is None else integer(chunk_rows, "chunk_rows")
        if self.chunk_rows < 1:
            raise InputError(f"chunk_rows: {self.chunk_rows} is not allowed; allowed are integers from 1 up")

    def _chunks(self, numbers: Numbers) -> Iterator[tuple[slice, Numbers]]:
        for start in range(0, len(numbers), self.chunk_rows):
            part = slice(start, start + self.chunk_rows)
            yield part, numbers[part]

    @property
    def _all(self) -> Numbers:
        return np.arange(self._rows)

    def _point(self, theta: ArrayLike, what: str) -> FloatArray:
        point = self.points(theta)
        if point.ndim != 1:
            raise InputError(f"theta: shape {point.shape} is not allowed; {what} takes one point ({self.dimension},)")
        return point

    # --- values ---------------------------------------------------------------------------------------------------

    def mean_loss(self, theta: ArrayLike) -> FloatArray:
        """Return the mean loss over the rows, with the regularizer, shape (...), at theta (..., d).

        Raises
        ------
        InputError
            If theta does not fit, or the loss of a row is not finite.
        """
        points = self.points(theta)
        found = []
        for point in points.reshape(-1, self.dimension):
            losses = np.concatenate([self._losses(point, part) for _, part in self._chunks(self._all)])
            self._require_finite(losses, self._all, "the loss")
            found.append(losses @ self.law.discretise(0)[1])
        return np.array(found).reshape(points.shape[:-1])

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """Return the gradient of the mean loss, shape (..., d); no array of rows x d is made."""
        points = self.points(theta)
        probabilities = self.law.discretise(0)[1]
        found = np.zeros((points.size // self.dimension, self.dimension))
        for sums, point in zip(found, points.reshape(-1, self.dimension), strict=True):
            for part, numbers in self._chunks(self._all):
                sums += self._weighted_gradient(point, numbers, probabilities[part])
        if not np.isfinite(found).all():
            raise InputError("theta: the gradient of the mean loss is not finite; take smaller parameters")
        return found.reshape(points.shape)

    def row_gradients(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the gradients of rows given by number, shape (..., rows, d); of all in order if omitted.

        Raises
        ------
        InputError
            If theta does not fit, or the gradient of a row is not finite.
        """
        points = self.points(theta)
        numbers = self._all if rows is None else self._numbers(rows)
        leading = np.broadcast_shapes(points.shape[:-1], numbers.shape[:-1])
        count, d = numbers.shape[-1], self.dimension
        points = np.broadcast_to(points, (*leading, d)).reshape(-1, d)
        numbers = np.broadcast_to(numbers, (*leading, count)).reshape(-1, count)
        found = np.empty((len(points), count, d))
        if count == 1:
            # Many points with one row each, as simulation has them: all at once.
            for part, few in self._chunks(numbers[:, 0]):
                found[part, 0] = self._finite(self._gradients(points[part], few), few)
        else:
            for values, point, chosen in zip(found, points, numbers, strict=True):
                for part, few in self._chunks(chosen):
                    values[part] = self._finite(self._gradients(point, few), few)
        return found.reshape(*leading, count, d)

    def _numbers(self, rows: ArrayLike) -> Numbers:
        numbers = _array(rows, "rows")
        if numbers.ndim < 2 or numbers.shape[-1] != 1:
            raise InputError(f"rows: shape {numbers.shape} is not allowed; allowed is (..., rows, 1), a number each")
        numbers = numbers[..., 0]
        if not ((numbers >= 0) & (numbers < self._rows) & (numbers == np.floor(numbers))).all():
            raise InputError(f"rows: allowed are the numbers of rows, 0 to {self._rows - 1}")
        return numbers.astype(np.intp)

    def _finite(self, gradients: FloatArray, numbers: Numbers) -> FloatArray:
        self._require_finite(gradients, numbers, "the gradient")
        return gradients

    def _require_finite(self, values: FloatArray, numbers: Numbers, what: str) -> None:
        if np.isfinite(values).all():
            return
        bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
        raise InputError(f"row_loss: {what} is not finite at data row {int(numbers[np.argmax(bad)])}")

    # --- derivatives of the rows' gradients -----------------------------------------------------------------------

    def weighted_product(self, theta: ArrayLike, weights: FloatArray, vector: FloatArray, level: int = 0) -> FloatArray:
        """Return sum_a weights[i, a] (H_a v)_i, shape (d,), with H_a the Hessian of row a's loss.

        Forward over reverse, in chunks of rows; no array of rows x d x d is made. The first time derivatives are
        compared with differences of gradients on two rows.

        Parameters
        ----------
        theta
            One point, shape (d,).
        weights
            Shape (d, rows).
        vector
            v, shape (d,).

        Raises
        ------
        InputError
            If a shape does not fit.
        NotApplicable
            If the library has no second derivatives of the network, or wrong ones.
        """
        point, weights, vector = self._product_arguments(theta, weights, vector)
        found = np.zeros(self.dimension)
        for part, numbers in self._chunks(self._all):
            found += np.einsum("ia,ai->i", weights[:, part], self._tangents(point, numbers, vector))
        return found

    def weighted_transposed_product(
        self, theta: ArrayLike, weights: FloatArray, vector: FloatArray, level: int = 0
    ) -> FloatArray:
        """Return sum_a sum_i v_i weights[i, a] (H_a)_ij, shape (d,); arguments and errors as ``weighted_product``.

        Reverse over reverse, so that it shares no forward differentiation with ``weighted_product``.
        """
        point, weights, vector = self._product_arguments(theta, weights, vector)
        found = np.zeros(self.dimension)
        for part, numbers in self._chunks(self._all):
            found += self._cotangent(point, numbers, np.ascontiguousarray((weights[:, part] * vector[:, None]).T))
        return found

    def _require_second_derivatives(self, point: FloatArray) -> None:
        """Compare both products on two rows with differences of gradients, once.

        That is at a random place near the point, off the kinks that a start with zeros may lie on.
        """
        if self._are_compared:
            return
        generator, rows = np.random.default_rng(0), self._all[:2]
        size = np.sqrt(np.mean(point**2)) or 1.0
        vector, shift = size * generator.normal(size=(2, self.dimension))
        at, left = point + 0.01 * shift, generator.normal(size=(len(rows), self.dimension))
        try:
            tangents, cotangent = self._tangents(at, rows, vector), self._cotangent(at, rows, left)
        except Exception as error:
            raise NotApplicable(f"{type(self).__name__}: no second derivatives: {in_one_line(error)}") from error
        gradients = self._gradients(at, rows)
        # Of several steps the best: a kink may lie within the larger ones.
        differences = [
            (self._gradients(at + h * vector, rows) - self._gradients(at - h * vector, rows)) / (2 * h)
            for h in (1e-5, 1e-6, 1e-7)
        ]
        allowed = _TANGENT_ERROR * np.abs(tangents).max() + 1e-7 * np.abs(gradients).max()
        if not min(np.abs(tangents - one).max() for one in differences) <= allowed:
            raise NotApplicable(
                f"{type(self).__name__}: second derivatives differ from differences of gradients, on two rows; the "
                "library gets one of the network's operations wrong"
            )
        if not abs(np.vdot(left, tangents) - cotangent @ vector) <= _TANGENT_ERROR * np.vdot(abs(left), abs(tangents)):
            raise NotApplicable(f"{type(self).__name__}: second derivatives forward and in reverse differ on two rows")
        self._are_compared = True

    _are_compared: bool = False

    def _product_arguments(
        self, theta: ArrayLike, weights: ArrayLike, vector: ArrayLike
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        point = self._point(theta, "a product")
        weights, vector = _array(weights, "weights"), _array(vector, "vector")
        if weights.shape != (self.dimension, self._rows) or vector.shape != (self.dimension,):
            raise InputError(
                f"weights, vector: shapes {weights.shape} and {vector.shape} are not allowed; allowed are "
                f"({self.dimension}, {self._rows}) and ({self.dimension},)"
            )
        self._require_second_derivatives(point)
        return point, weights, vector

    def weighted_jacobian(self, theta: ArrayLike, weights: FloatArray, level: int = 0) -> FloatArray:
        """Return sum_a weights[..., i, a] (H_a)_ij, shape (..., d, d): d products for each point.

        Raises
        ------
        NotApplicable
            If d x d numbers are too many; products need no such array.
        """
        points = self.points(theta)
        self._require_small(self.dimension**2 * (points.size // self.dimension))
        weights, shape = _array(weights, "weights"), (*points.shape, self._rows)
        if weights.shape != shape:
            raise InputError(f"weights: shape {weights.shape} is not allowed; allowed is {shape}")
        weights = weights.reshape(-1, self.dimension, self._rows)
        found = [
            self._weighted_hessian(point, one)
            for point, one in zip(points.reshape(-1, self.dimension), weights, strict=True)
        ]
        return np.array(found).reshape(*points.shape, self.dimension)

    def _weighted_hessian(self, point: FloatArray, weights: FloatArray) -> FloatArray:
        """Return sum_a weights[i, a] (H_a)_ij at one point, column by column."""
        return np.stack([self.weighted_product(point, weights, unit) for unit in np.eye(self.dimension)], axis=1)

    def row_jacobians(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the Hessians of rows given by number, shape (..., rows, d, d); of all in order if omitted.

        Raises
        ------
        NotApplicable
            If they are too many numbers; products need no such array.
        """
        points = self.points(theta)
        numbers = self._all if rows is None else self._numbers(rows)
        leading = np.broadcast_shapes(points.shape[:-1], numbers.shape[:-1])
        count, d = numbers.shape[-1], self.dimension
        self._require_small(int(np.prod(leading, dtype=np.int64)) * count * d * d)
        self._require_second_derivatives(points.reshape(-1, d)[0])
        points = np.broadcast_to(points, (*leading, d)).reshape(-1, d)
        numbers = np.broadcast_to(numbers, (*leading, count)).reshape(-1, count)
        found = np.empty((len(points), count, d, d))
        for values, point, chosen in zip(found, points, numbers, strict=True):
            for part, few in self._chunks(chosen):
                for j, unit in enumerate(np.eye(d)):
                    values[part, :, j] = self._tangents(point, few, unit)
        return found.reshape(*leading, count, d, d)

    def _require_small(self, entries: int) -> None:
        if entries > MOST_JACOBIAN_ENTRIES:
            raise NotApplicable(
                f"{type(self).__name__}: Jacobians of {entries:.2g} numbers are too large (allowed: "
                f"{MOST_JACOBIAN_ENTRIES:.2g}); use weighted_product and weighted_transposed_product, which make none"
            )


def _array(values: ArrayLike, place: str) -> FloatArray:
    """An array of real numbers; one of float64 is not copied, for weights may be large."""
    is_one = isinstance(values, np.ndarray) and values.dtype == np.float64
    return values if is_one else real_array(values, place)  # type: ignore[return-value]


def entry_names(shapes: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[str, ...]:
    """Return a name for each entry of named arrays, such as ``layers.0.weight[3,1]``; of numbers their own."""
    names: list[str] = []
    for name, shape in shapes:
        names += [f"{name}[{','.join(map(str, index))}]" for index in np.ndindex(shape)] if shape else [name]
    return tuple(names)


def require_functions(given: Mapping[str, Any], optional: str) -> None:
    """Raise InputError for what is no function, but for one that may be None."""
    for name, function in given.items():
        if not callable(function) and not (name == optional and function is None):
            raise InputError(f"{name}: {shown(function)} is not allowed; allowed is a function")


def in_one_line(error: Exception) -> str:
    """Return what a library says of a failure, without what follows its first sentence."""
    sentence = " ".join(str(error).split()).split(". ")[0]
    return f"{type(error).__name__}: {sentence[:_LONGEST_REASON]}"
