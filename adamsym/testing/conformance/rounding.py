"""Numbers with running error bounds: how far an evaluation in lower precision may be from one in exact arithmetic.

Replaying a recursion with :class:`Rounded` numbers bounds the rounding of every way to evaluate it with at most so many
roundings for each operation that is written here as the format allows (``slack``). The bounds themselves are evaluated
in float64, whose own rounding the slack covers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray


@dataclass(frozen=True)
class Precision:
    """A floating-point format: unit roundoff, smallest normal number (below it, errors are absolute) and largest.

    ``slack`` is the number of roundings allowed for one operation: libraries split and reorder operations. In 16 bits
    they fuse them, and each rounding tells.
    """

    name: str
    unit: float
    tiny: float
    largest: float
    slack: float = 4.0


PRECISIONS = {
    "float64": Precision("float64", 2.0**-53, 2.0**-1022, 1.79e308),
    "float32": Precision("float32", 2.0**-24, 2.0**-126, 3.4e38),
    "bfloat16": Precision("bfloat16", 2.0**-8, 2.0**-126, 3.38e38, 1.5),
    # Its subnormal numbers are used and not flushed: the last digit is 2**-24.
    "float16": Precision("float16", 2.0**-11, 2.0**-24, 65504.0, 1.5),
}


class Rounded:
    """Values, and bounds of the errors that rounding in ``precision`` may have made in them."""

    __array_ufunc__ = None  # NumPy's arrays leave arithmetic with these to this class.

    def __init__(self, value: Any, error: Any, precision: Precision) -> None:
        self.value, self.error, self.precision = value, error, precision

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Rounded:
        return Rounded(self.value[index], self.error[index], self.precision)

    def _done(self, value: Any, error: Any, other: Any = None) -> Rounded:
        """The result of one operation, with its own rounding."""
        precision = self.precision
        if isinstance(other, Rounded) and other.precision.unit > precision.unit:
            precision = other.precision
        size = np.abs(value)
        own = np.where((size == 0) & (error == 0), 0.0, precision.slack * (precision.unit * size + precision.tiny))
        error = error + own
        return Rounded(value, np.where(size + error > precision.largest, np.inf, error), precision)

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.error, self.precision)

    def __add__(self, other: Any) -> Rounded:
        value, error = _parts(other)
        return self._done(self.value + value, self.error + error, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Rounded:
        value, error = _parts(other)
        return self._done(self.value - value, self.error + error, other)

    def __rsub__(self, other: Any) -> Rounded:
        value, error = _parts(other)
        return self._done(value - self.value, self.error + error, other)

    def __mul__(self, other: Any) -> Rounded:
        value, error = _parts(other)
        bound = _product(np.abs(self.value), error) + _product(np.abs(value), self.error) + _product(self.error, error)
        return self._done(self.value * value, bound, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Rounded:
        value, error = _parts(other)
        quotient, least = self.value / value, np.abs(value) - error
        bound = np.where(
            least > 0, (self.error + _product(np.abs(quotient), error)) / np.maximum(least, 5e-324), np.inf
        )
        return self._done(quotient, bound, other)

    def __rtruediv__(self, other: Any) -> Rounded:
        return Rounded(np.asarray(other, dtype=float), 0.0, self.precision) / self

    def __pow__(self, exponent: Any) -> Rounded:
        """A power; of non-negative values, or with whole exponents."""
        value, error = np.asarray(self.value, dtype=float), self.error
        result = value**exponent
        low, high = np.maximum(np.abs(value) - error, 0.0), np.abs(value) + error
        ends = np.abs(low**exponent), np.abs(high**exponent)
        bound = np.maximum(np.abs(ends[0] - np.abs(result)), np.abs(ends[1] - np.abs(result)))
        return self._done(result, np.where(np.isnan(bound), np.inf, bound))

    def __matmul__(self, matrix: FloatArray) -> Rounded:
        size = np.abs(self.value) @ np.abs(matrix)
        return self._done(self.value @ matrix, self.error @ np.abs(matrix) + len(matrix) * self.precision.unit * size)

    def mapped(self, function: Callable[[Any], Any]) -> Rounded:
        """Values and errors under a function that rounds nothing: choosing, repeating, shifting."""
        return Rounded(function(self.value), function(self.error), self.precision)


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.value, x.error) if isinstance(x, Rounded) else (x, 0.0)


def _product(size: Any, error: Any) -> Any:
    """size * error, where nothing times infinity is nothing."""
    return np.where((size == 0) | (error == 0), 0.0, np.asarray(size) * error)


def power(x: Any, exponent: Any) -> Any:
    """Return x**exponent of non-negative x, or with whole exponents; nan where it is not real."""
    if isinstance(exponent, Rounded):
        value = np.asarray(x, dtype=float) ** exponent.value
        error = np.abs(value) * np.expm1(np.abs(np.log(x)) * exponent.error)
        return Rounded(
            value, error + exponent.precision.slack * exponent.precision.unit * np.abs(value), exponent.precision
        )
    if isinstance(x, Rounded):
        return x**exponent
    return np.sqrt(x) if isinstance(exponent, float) and exponent == 0.5 else np.asarray(x, dtype=float) ** exponent


def magnitude(x: Any) -> Any:
    """Return |x|."""
    return Rounded(np.abs(x.value), x.error, x.precision) if isinstance(x, Rounded) else np.abs(x)


def sign(x: Any) -> Any:
    """Return the sign of x; anything from -1 to 1 where its error may change it."""
    if not isinstance(x, Rounded):
        return np.sign(x)
    return Rounded(np.sign(x.value), np.where(np.abs(x.value) > x.error, 0.0, 2.0 * (x.error > 0)), x.precision)


def larger(x: Any, y: Any) -> Any:
    """Return the larger of two, entry by entry."""
    return _chosen(np.maximum, x, y)


def smaller(x: Any, y: Any) -> Any:
    """Return the smaller of two, entry by entry."""
    return _chosen(np.minimum, x, y)


def _chosen(choose: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    (a, error_a), (b, error_b) = _parts(x), _parts(y)
    if isinstance(x, Rounded) or isinstance(y, Rounded):
        precision = x.precision if isinstance(x, Rounded) else y.precision
        return Rounded(choose(a, b), np.maximum(error_a, error_b), precision)
    return choose(a, b)


def where(mask: Any, x: Any, y: Any) -> Any:
    """Return x where the mask, which is exact, is true, and y elsewhere."""
    (a, error_a), (b, error_b) = _parts(x), _parts(y)
    if isinstance(x, Rounded) or isinstance(y, Rounded):
        precision = x.precision if isinstance(x, Rounded) else y.precision
        return Rounded(np.where(mask, a, b), np.where(mask, error_a, error_b), precision)
    return np.where(mask, a, b)


def stacked(rows: list[Any]) -> Any:
    """Return the rows of a sequence as one array, or as one :class:`Rounded`."""
    rounded = next((row for row in rows if isinstance(row, Rounded)), None)
    if rounded is None:
        return _array(rows)
    parts = [_parts(row) for row in rows]
    values = _array([value for value, _ in parts])
    errors = _array([error + np.zeros(values.shape[1:]) for _, error in parts])
    return Rounded(values, errors, rounded.precision)


def _array(rows: list[Any]) -> FloatArray:
    """Rows as one array; a row of one number, where others have more, is that number everywhere."""
    if len({np.shape(row) for row in rows}) > 1:
        rows = list(np.broadcast_arrays(*rows))
    return np.array(rows)
