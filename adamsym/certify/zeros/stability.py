"""The stability of a zero of theta' = f(theta), from an enclosed Jacobian."""

import flint
import numpy as np

from adamsym.certify.outcomes import Matrix, Stability, matrix_of
from adamsym.certify.zeros.krawczyk import exact_matrix
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import spend


def stability_of(jacobian: list[list[flint.arb]]) -> tuple[Stability, Matrix]:
    """Return the stability of a zero for every matrix J within ``jacobian``, and the matrix P that proves it.

    If J^T P + P J is negative definite, P symmetric, then J has as many eigenvalues with negative (positive) real part
    as P has positive (negative) eigenvalues (Ostrowski and Schneider 1962).
    """
    p = lyapunov_matrix(jacobian)
    stability = "undecided" if p is None else stability_by(jacobian, p)
    return stability, () if p is None or stability == "undecided" else matrix_of(p)


def stability_by(jacobian: list[list[flint.arb]], p: FloatArray) -> Stability:
    """Return the stability that a symmetric matrix P proves for every matrix within ``jacobian``."""
    spend(6 * len(p) ** 3)
    exact = exact_matrix(p)
    half = exact * flint.arb_mat(jacobian)
    negative = _pivot_signs((-half - half.transpose()).tolist())
    inertia = _pivot_signs(exact.tolist())
    if negative is None or inertia is None or min(negative) < 0:
        return "undecided"
    return "attracting" if min(inertia) > 0 else "repelling" if max(inertia) < 0 else "saddle"


def lyapunov_matrix(jacobian: list[list[flint.arb]]) -> FloatArray | None:
    """Return P = -Re(W^H sign(Re D) W) for J = V D W, W = 1/V, at the midpoint: J^T P + P J = -2 Re(W^H |Re D| W)."""
    middle_matrix = np.array([[float(entry.mid()) for entry in row] for row in jacobian])
    if not np.isfinite(middle_matrix).all():
        return None
    try:
        values, vectors = np.linalg.eig(middle_matrix)
        inverse = np.linalg.inv(vectors)
    except np.linalg.LinAlgError:
        return None
    p = -np.real(inverse.conj().T @ np.diag(np.sign(values.real)) @ inverse)
    if not np.isfinite(p).all():
        return None
    symmetric, d = (p + p.T) / 2, len(p)
    if (values.real > 0).all() or (values.real < 0).all():
        return np.asarray(symmetric)
    # A pivot of P may be 0, as in [[0, 1], [1, 0]]: a little on the diagonal moves it. The proof is of this P.
    return np.asarray(symmetric + 2.0**-12 * np.abs(p).max() * np.diag(np.linspace(1.0, 2.0, d)))


def _pivot_signs(matrix: list[list[flint.arb]]) -> list[int] | None:
    """Signs of a symmetric matrix's pivots, as many of each as of its eigenvalues (Sylvester); None if one may be 0."""
    rows = [list(row) for row in matrix]
    signs = []
    for k in range(len(rows)):
        pivot = rows[k][k]
        if pivot.contains(0) or not pivot.is_finite():
            return None
        signs.append(1 if pivot > 0 else -1)
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            for j in range(k, len(rows)):
                rows[i][j] -= factor * rows[k][j]
    return signs
