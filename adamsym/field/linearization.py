"""The field and its derivative at one point, the derivative by its products with vectors: no array of N x d x d."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse.linalg
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import real_array
from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.results import Result, counted, plain
from adamsym.gradients import StochasticGradient


@dataclass(frozen=True, repr=False)
class Linearization(Result):
    """f(theta + v) = f(theta) + Df(theta) v + o(|v|): the value, and products with Df and its transpose.

    Df v = -sum_a dF/dg_a (H_a v) - lambda v, H_a the Jacobian of the gradient at the data row a. The derivatives
    dF/dg_a are kept, an array (d, rows); the H_a v come from the source of the gradients. A continuous law is replaced
    by the rule at which the field's value has converged. What :meth:`AdamField.linearize` returns.

    Attributes
    ----------
    theta
        The point, shape (d,).
    value, error
        f there and its error estimate, shape (d,), as of :meth:`AdamField.evaluate`.
    """

    theta: FloatArray
    value: FloatArray
    error: FloatArray
    _source: StochasticGradient = field(repr=False)
    _weights: FloatArray = field(repr=False)
    _level: int = 0
    _decay: float = 0.0

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """The number of parameters, and how large the field is."""
        return f"{counted(len(self.theta), 'parameter')}; max |f| = {np.abs(self.value).max():.3g}"

    def to_dict(self) -> dict[str, Any]:
        """Return the point, the field there and its error estimate, in lists."""
        return {"theta": plain(self.theta), "field": plain(self.value), "error": plain(self.error)}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the point, the field there and its error estimate."""
        named = parameter_names(names, len(self.theta), ())
        return {"parameter": named, "theta": self.theta, "field": self.value, "error": self.error}

    def jvp(self, v: ArrayLike) -> FloatArray:
        """Return Df v, shape (d,), for v (d,).

        Raises
        ------
        InputError
            If v is not of shape (d,) or not finite, or a row's Jacobian is not finite.
        """
        vector = self._vector(v, "v")
        if self._matrix is not None:
            return self._matrix @ vector
        product = self._source.weighted_product(self.theta, self._weights, vector, self._level)
        return product - self._decay * vector

    def vjp(self, u: ArrayLike) -> FloatArray:
        """Return the transpose of Df times u, shape (d,), for u (d,); errors as for ``jvp``."""
        vector = self._vector(u, "u")
        if self._matrix is not None:
            return vector @ self._matrix
        product = self._source.weighted_transposed_product(self.theta, self._weights, vector, self._level)
        return product - self._decay * vector

    @property
    def operator(self) -> scipy.sparse.linalg.LinearOperator:
        """Df as SciPy's linear operator, for its solvers and eigenvalues; ``operator.T`` is the transpose."""
        d = len(self.theta)
        return scipy.sparse.linalg.LinearOperator(
            (d, d), matvec=lambda v: self.jvp(v.ravel()), rmatvec=lambda u: self.vjp(u.ravel()), dtype=np.float64
        )

    @cached_property
    def _matrix(self) -> FloatArray | None:
        """Df itself, for a source whose products go through it; else None."""
        if self._source.has_own_products:
            return None
        return self._source.weighted_jacobian(self.theta, self._weights, self._level) - self._decay * np.eye(
            len(self.theta)
        )

    def _vector(self, values: ArrayLike, name: str) -> FloatArray:
        vector = real_array(values, name)
        if vector.shape != self.theta.shape:
            raise InputError(f"{name}: shape {vector.shape} is not allowed; allowed is {self.theta.shape}")
        if not np.isfinite(vector).all():
            raise InputError(f"{name}: nan or infinity is not allowed; allowed are finite numbers")
        return vector


def require_products(source: StochasticGradient, theta: ArrayLike) -> FloatArray:
    """Return the one point theta, shape (d,), where the source has products of Jacobians with vectors.

    Raises
    ------
    InputError
        If theta is not of shape (d,), or not finite.
    NotApplicable
        If the source has no products.
    """
    point = source.points(theta)
    if point.ndim != 1:
        raise InputError(f"theta: shape {point.shape} is not allowed; a linearization is at one point, shape (d,)")
    if not source.has_products:
        raise NotApplicable(
            f"a linearization needs Jacobians of the rows' gradients or their products with vectors, and "
            f"{type(source).__name__} has neither: write row_jacobians, or weighted_product and its transpose"
        )
    return point
