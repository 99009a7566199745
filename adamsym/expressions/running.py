"""Running error bounds: expressions evaluated in float64 together with a bound of what rounding has done to them.

Each operation adds its own rounding to what its operands' errors become: |exact - value| <= error, entry by entry.
Where nothing can be said (a denominator may be 0, a sign may be either) the error is infinite or covers both.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any, Union

import numpy as np

from adamsym.expressions import error_functions
from adamsym.expressions.compilation import FloatArray

UNIT = 2.0**-53
"""Rounding to nearest is off by at most this share of the result."""

_FUNCTION = 8 * UNIT
"""What the float64 functions of NumPy and SciPy may be off, as a share of the result: four units in the last place."""

LEAST = 2e-323
"""And by at most this, where results underflow: an operation with two products in its bound has three of them."""

INFLATED = 1 + 1e-9
"""The bounds are floats themselves: their own rounding over some millions of operations."""

_FAR_LEFT = -700.0
"""1/(1 + exp(-z)) is exp(z) to rounding left of it."""

Operand = Union["Running", float]


class Running:
    """Values with bounds of their errors: arrays that broadcast against each other."""

    __array_ufunc__ = None
    __slots__ = ("error", "value")

    def __init__(self, value: Any, error: Any) -> None:
        self.value, self.error = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)

    @property
    def size(self) -> FloatArray:
        """The largest magnitude that the exact value may have."""
        return np.asarray(np.abs(self.value) + self.error)

    @property
    def least(self) -> FloatArray:
        """The least magnitude that the exact value may have."""
        return np.maximum(np.abs(self.value) - self.error, 0.0)

    def __neg__(self) -> "Running":
        return Running(-self.value, self.error)

    def __add__(self, other: Operand) -> "Running":
        x, y = self, running(other)
        value = x.value + y.value
        return Running(value, x.error + y.error + UNIT * np.abs(value))

    __radd__ = __add__

    def __sub__(self, other: Operand) -> "Running":
        return self + -running(other)

    def __rsub__(self, other: Operand) -> "Running":
        return running(other) + -self

    def __mul__(self, other: Operand) -> "Running":
        x, y = self, running(other)
        value = x.value * y.value
        passed = _times(np.abs(x.value), y.error) + _times(y.size, x.error)
        return Running(value, passed + UNIT * np.abs(value) + LEAST)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> "Running":
        x, y = self, running(other)
        value = x.value / y.value
        # A quotient may be 0 by underflow alone, and the denominator's least a small share of its value.
        passed = (x.error + _times(np.where(x.value == 0, 0, np.abs(value) + LEAST), y.error)) / np.where(
            y.least > 0, y.least, 0.0
        )
        return Running(value, np.where(y.least > 0, passed + UNIT * np.abs(value) + LEAST, np.inf))

    def __rtruediv__(self, other: Operand) -> "Running":
        return running(other) / self

    def __pow__(self, exponent: Operand) -> "Running":
        return _power(self, running(exponent))


def running(value: Operand) -> Running:
    """Return a number as an exact operand."""
    return value if isinstance(value, Running) else Running(value, 0.0)


@lru_cache(maxsize=2**12)
def rational(text: str) -> Running:
    """Return a fraction, as text, with the error of its float."""
    exact = Fraction(text)
    try:
        value = exact.numerator / exact.denominator
    except OverflowError:
        return Running(math.copysign(math.inf, exact), math.inf)
    return Running(value, 0.0 if Fraction(value) == exact else UNIT * abs(value) + LEAST)


_NAMED = {"pi": math.pi, "E": math.e}


def named(name: str) -> Running:
    """Return the constant pi or E."""
    return Running(_NAMED[name], 2 * UNIT * _NAMED[name])


def _times(left: FloatArray, right: FloatArray) -> FloatArray:
    """Products in which 0 times infinity is 0: what is exactly 0 stays so."""
    with np.errstate(invalid="ignore"):
        return np.where((left == 0) | (right == 0), 0.0, left * right)


def integer_power(base: Running, exponent: int) -> Running:
    """Return base**exponent for a positive whole exponent."""
    value = base.value**exponent
    passed = exponent * _times(base.size ** (exponent - 1), base.error)
    own = UNIT if exponent == 2 else _FUNCTION
    return Running(value, passed + own * np.abs(value) + LEAST)


def _power(base: Running, exponent: Running) -> Running:
    found = exp(exponent * log(base))
    # A power of what is exactly 0, with a positive exponent, is 0.
    zero = (base.value == 0) & (base.error == 0) & (exponent.value > exponent.error)
    return Running(found.value, np.where(zero, 0.0, found.error))


def sqrt(z: Running) -> Running:
    """Return the root of what is not negative."""
    value = np.sqrt(z.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        passed = np.where(z.error == 0, 0.0, np.minimum(np.sqrt(z.error), z.error / value))
    return Running(value, passed + UNIT * value)


def exp(z: Running) -> Running:
    """Return the exponential."""
    value = np.exp(z.value)
    # The exact value lies between 0 and exp(value + error), which may be finite where the growth is not.
    passed = np.minimum(_grown(value, z.error), np.exp(z.value + z.error))
    return Running(value, passed + _FUNCTION * value + LEAST)


def _grown(value: FloatArray, error: FloatArray) -> FloatArray:
    """What an error of the exponent adds to an exponential: one that is 0 by underflow is not exactly 0."""
    return _times(value + LEAST, np.expm1(error))


def log(z: Running) -> Running:
    """Return the logarithm."""
    value = np.log(z.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = z.error / z.value
        # Next to 1 the quotient's own rounding would be a large share of what is left; the difference is exact.
        passed = np.where(share < 0.5, -np.log1p(-share), -np.log((z.value - z.error) / z.value))
        passed = np.where(z.value > z.error, passed, np.inf)
    return Running(value, passed + _FUNCTION * np.abs(value))


def sin(z: Running) -> Running:
    """Return the sine."""
    value = np.sin(z.value)
    passed = np.abs(np.cos(z.value)) * z.error + z.error**2 / 2
    return Running(value, np.minimum(2.0, passed) + _FUNCTION * np.abs(value))


def cos(z: Running) -> Running:
    """Return the cosine."""
    value = np.cos(z.value)
    passed = np.abs(np.sin(z.value)) * z.error + z.error**2 / 2
    return Running(value, np.minimum(2.0, passed) + _FUNCTION * np.abs(value))


def tanh(z: Running) -> Running:
    """Return the hyperbolic tangent."""
    value, decay = np.tanh(z.value), np.exp(-2 * z.least)
    return Running(value, np.minimum(2.0, 4 * decay / (1 + decay) ** 2 * z.error) + _FUNCTION * np.abs(value))


def sinh(z: Running) -> Running:
    """Return the hyperbolic sine."""
    value = np.sinh(z.value)
    return Running(value, _times(np.cosh(z.size), z.error) + _FUNCTION * np.abs(value))


def cosh(z: Running) -> Running:
    """Return the hyperbolic cosine."""
    value = np.cosh(z.value)
    return Running(value, _times(np.sinh(z.size), z.error) + _FUNCTION * value)


def atan(z: Running) -> Running:
    """Return the inverse tangent."""
    value = np.arctan(z.value)
    return Running(value, np.minimum(np.pi, z.error / (1 + z.least**2)) + _FUNCTION * np.abs(value))


def erf(z: Running) -> Running:
    """Return the error function."""
    value = error_functions.erf(z.value)
    slope = 2 / np.sqrt(np.pi) * np.exp(-(z.least**2))
    own = np.where(value == 0, 0.0, _FUNCTION * np.abs(value) + LEAST)
    return Running(value, np.minimum(2.0, slope * z.error) + own)


def sigmoid(z: Running) -> Running:
    """Return 1/(1 + exp(-z)), with an error that is relative on both sides."""
    # Far to the left exp(-z) overflows where the value does not yet underflow.
    value = np.where(z.value > _FAR_LEFT, 1.0 / (1.0 + np.exp(-np.maximum(z.value, _FAR_LEFT))), np.exp(z.value))
    passed = np.minimum(np.exp(-z.least), 0.25) * z.error
    left = _grown(value, z.error)
    return Running(value, np.minimum(np.minimum(passed, left), 1.0) + _FUNCTION * value + LEAST)


def softplus(z: Running) -> Running:
    """Return log(1 + exp(z))."""
    value = np.logaddexp(0.0, z.value)
    slope = np.minimum(1.0, np.exp(np.minimum(z.value + z.error, 0.0)))
    return Running(value, _times(slope, z.error) + _FUNCTION * value + LEAST)


def logsumexp(*values: Operand) -> Running:
    """Return log(exp(z_1) + ... + exp(z_n)): its slopes sum to 1."""
    parts = [running(value) for value in values]
    value = reduce(np.logaddexp, [part.value for part in parts])
    passed = reduce(np.maximum, [part.error for part in parts])
    return Running(value, passed + len(parts) * _FUNCTION * (np.abs(value) + 1 + np.log(len(parts))))


def log1p(z: Running) -> Running:
    """Return log(1 + z)."""
    value = np.log1p(z.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        passed = np.where(1 + z.value > 2 * z.error, z.error / (1 + z.value - z.error) * (1 + 4 * UNIT), np.inf)
    return Running(value, passed + _FUNCTION * np.abs(value) + LEAST)


def Abs(z: Running) -> Running:
    """Return the magnitude."""
    return Running(np.abs(z.value), z.error)


def Max(*values: Operand) -> Running:
    """Return the largest."""
    parts = [running(value) for value in values]
    result = parts[0]
    for part in parts[1:]:
        result = Running(np.maximum(result.value, part.value), np.maximum(result.error, part.error))
    return result


def Min(*values: Operand) -> Running:
    """Return the least."""
    return -Max(*(-running(value) for value in values))


def sign(z: Running) -> Running:
    """Return the sign; its error is 2 where it may be either."""
    return Running(np.sign(z.value), np.where(np.abs(z.value) <= z.error, np.where(z.error > 0, 2.0, 0.0), 0.0))


def Heaviside(z: Running, at_zero: Operand = 0.5) -> Running:
    """Return the unit step; its error is 1 where it may be either."""
    middle = running(at_zero)
    undecided = (np.abs(z.value) <= z.error) & (z.error > 0)
    return Running(np.heaviside(z.value, middle.value), np.where(undecided, 1.0, 0.0))


NAMESPACE: dict[str, Callable[..., Running]] = {
    function.__name__: function
    for function in (
        rational, named, integer_power, sqrt, exp, log, sin, cos, tanh, sinh, cosh, atan, erf, sigmoid, softplus,
        logsumexp, log1p, Abs, Max, Min, sign, Heaviside,
    )
}  # fmt: skip
"""The functions of the grammar, by name."""


def stacked(compute: Callable[..., Sequence[Operand]], operands: Sequence[Running]) -> Running:
    """Return what ``compute`` makes of operands, on the last axis; where nothing can be said the error is infinite."""
    shape = np.broadcast_shapes(*(np.shape(one.value) for one in operands))
    with np.errstate(all="ignore"):
        found = [running(one) for one in compute(*operands)]
    value, error = np.empty((*shape, len(found))), np.empty((*shape, len(found)))
    for k, one in enumerate(found):
        value[..., k], error[..., k] = one.value, one.error * INFLATED
    error[~(np.isfinite(value) & np.isfinite(error))] = np.inf
    return Running(value, error)
