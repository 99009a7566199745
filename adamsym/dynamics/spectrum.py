"""Leading eigenvalues of a matrix that is given by its products, with residuals: evidence, no proof."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse.linalg
from numpy.typing import NDArray

from adamsym.dynamics.newton import Spent, Work
from adamsym.expressions.compilation import FloatArray

DENSE = 100
"""So few parameters get all columns, and all eigenvalues."""

VECTORS, SHARE, RESTARTS = 40, 1e-4, 50
"""Vectors of a Krylov space, the relative accuracy asked for, and how often the space is made anew."""

SYMMETRIC_VECTORS, SYMMETRIC_SHARE = 80, 0.05
"""The same for symmetric matrices, of which only a sign is asked."""

ACCURATE = 1e-12
"""Relative accuracy of products with a matrix."""

Product = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues by falling real part, shape (k,), and for each |A v - lambda v|, |v| = 1.

    ``is_complete`` says that the solver has converged; without it there may be none. ``size`` is the largest modulus
    seen.
    """

    eigenvalues: NDArray[np.complex128]
    residuals: FloatArray
    is_complete: bool
    size: float


NOTHING = Spectrum(np.zeros(0, np.complex128), np.zeros(0), False, 0.0)


def leading_eigenvalues(product: Product, d: int, count: int, work: Work) -> Spectrum:
    """Return the eigenvalues with the largest real parts, by Arnoldi's method (ARPACK), from products alone."""
    try:
        if d <= DENSE:
            matrix = np.column_stack([_counted(product, work)(unit) for unit in np.eye(d)])
            values, vectors = np.linalg.eig(matrix)
            found = _spectrum(matrix, values, vectors, True)
            return Spectrum(found.eigenvalues[:count], found.residuals[:count], True, found.size)
        operator = scipy.sparse.linalg.LinearOperator((d, d), matvec=_counted(product, work), dtype=np.float64)
        values, vectors = scipy.sparse.linalg.eigs(
            operator, count, which="LR", ncv=VECTORS, tol=SHARE, maxiter=RESTARTS, v0=_start(d)
        )
        return _spectrum(operator, values, vectors, True)
    except scipy.sparse.linalg.ArpackNoConvergence as stopped:
        try:
            return _spectrum(operator, stopped.eigenvalues, stopped.eigenvectors, False)
        except Spent:
            pass
    except Spent:
        pass
    return NOTHING


def extreme_eigenvalue(product: Product, d: int, work: Work, *, least: bool = True) -> tuple[float, float] | None:
    """Return the least or the greatest eigenvalue of a symmetric matrix, by Lanczos's method, and how sure it is.

    That is the residual, and the rounding of products. None if the budget is spent, or the method has not converged.
    """
    counted = _counted(product, work)
    try:
        if d <= DENSE:
            matrix = np.column_stack([counted(unit) for unit in np.eye(d)])
            values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
            k = 0 if least else -1
            value, vector, size = values[k], vectors[:, k], np.abs(values).max()
        else:
            start = _start(d)
            size = np.linalg.norm(counted(start)) / np.linalg.norm(start)
            operator = scipy.sparse.linalg.LinearOperator((d, d), matvec=counted, dtype=np.float64)
            which: Literal["SA", "LA"] = "SA" if least else "LA"
            found, places = scipy.sparse.linalg.eigsh(
                operator, 1, which=which, ncv=SYMMETRIC_VECTORS, tol=SYMMETRIC_SHARE, maxiter=RESTARTS, v0=start
            )
            value, vector = found[0], places[:, 0]
        return float(value), float(np.linalg.norm(counted(vector) - value * vector) + ACCURATE * size)
    except (scipy.sparse.linalg.ArpackNoConvergence, Spent):
        return None


def _counted(product: Product, work: Work) -> Product:
    def counted(vector: FloatArray) -> FloatArray:
        work.spend()
        return product(vector.ravel())

    return counted


def _start(d: int) -> FloatArray:
    """A start that is the same each time, and in no special position."""
    return np.random.default_rng(0).normal(size=d)


def _spectrum(operator, values, vectors, is_complete: bool) -> Spectrum:  # type: ignore[no-untyped-def]
    order = np.argsort(-values.real, kind="stable")
    values, vectors = values[order].astype(np.complex128), vectors[:, order]
    # Products of real vectors: an operator may take no others.
    images = operator @ vectors.real + 1j * (operator @ vectors.imag) if len(values) else vectors
    residuals = np.linalg.norm(images - values * vectors, axis=0)
    return Spectrum(values, residuals, is_complete, float(np.abs(values).max(initial=0.0)))
