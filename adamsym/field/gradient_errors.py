"""What rounding does to the gradients, and what this does to the field.

Gradients come in float64; a running error bound through their expressions says how far they may be from the exact ones,
for theta as it is given and the data as they are written. Where their terms cancel, ball arithmetic gives them again.
"""

from functools import lru_cache

import flint
import mpmath
import numpy as np

from adamsym.expressions.compilation import FloatArray, compile_mpmath
from adamsym.expressions.precision import decimal_digits
from adamsym.expressions.running import UNIT, Running
from adamsym.expressions.running_code import compile_running
from adamsym.field.float.forms import FloatForm
from adamsym.field.prepared.exact import nearest_floats
from adamsym.field.values import batch_errors, change_of_quotients
from adamsym.gradients import Empirical, StochasticGradient, SymbolicGradient

_QUANTILE = 8 * UNIT
"""Relative accuracy of the quantile functions that give a continuous law's nodes."""

_DIGITS = 40


def gradient_errors(problem: StochasticGradient, points: FloatArray, gradients: FloatArray, level: int) -> FloatArray:
    """Return bounds of |float - exact| for the rows' gradients (points, rows, d) at ``points`` (points, d).

    Infinite where nothing can be said. For functions outside the grammar a comparison with 40 digits, no bound.
    Gradients that are no expressions are exact: they are what is given.
    """
    if not isinstance(problem, SymbolicGradient):
        return np.zeros_like(gradients)
    rows = problem.law.discretise(level)[0]
    compute = _running_gradient(problem)
    if compute is None:
        return _compared(problem, points, rows, gradients)
    entries = [Running(points[:, None, k], 0.0) for k in range(problem.dimension)]
    errors = row_errors(problem) if isinstance(problem.law, Empirical) else _QUANTILE * np.abs(rows)
    entries += [Running(rows[None, :, k], errors[None, :, k]) for k in range(rows.shape[1])]
    found = compute(*entries)
    # The order of operations may differ from that of the gradients.
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(found.error), np.inf, found.error + np.abs(found.value - gradients))


@lru_cache(maxsize=8)
def _running_gradient(problem: SymbolicGradient):  # type: ignore[no-untyped-def]
    try:
        return compile_running([*problem.parameters, *problem.columns], problem.gradient_expressions)
    except NotImplementedError:
        return None


@lru_cache(maxsize=8)
def row_errors(problem: SymbolicGradient) -> FloatArray:
    """Return how far the rows as floats may be from the rows as they are written."""
    assert isinstance(problem.law, Empirical)
    return np.where(problem.law.are_floats, 0.0, UNIT * np.abs(problem.law.rows) + 5e-324)


def _compared(problem: SymbolicGradient, points: FloatArray, rows: FloatArray, gradients: FloatArray) -> FloatArray:
    compute = compile_mpmath([*problem.parameters, *problem.columns], problem.gradient_expressions)
    errors = np.empty_like(gradients)
    with decimal_digits(_DIGITS):
        for i, j in np.ndindex(gradients.shape[:2]):
            exact = compute(*map(mpmath.mpf, points[i].tolist()), *map(mpmath.mpf, rows[j].tolist()))
            errors[i, j] = [abs(float(x - mpmath.mpf(float(y)))) for x, y in zip(exact, gradients[i, j], strict=True)]
    return errors + 8 * UNIT * np.abs(gradients)


def exact_gradients(
    problem: SymbolicGradient, point: FloatArray, gradients: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the gradients (rows, d) of an empirical law's rows as the floats nearest to them, and their errors.

    From ball arithmetic, with more and more bits; what it does not resolve stays as it was, with an infinite error.
    """
    balls = [float(x) for x in point]
    return nearest_floats(lambda: problem.row_gradients_ball([flint.arb(x) for x in balls]), gradients)


def change_of_field(
    problem: StochasticGradient,
    form: FloatForm,
    gradients: FloatArray,
    errors: FloatArray,
    inverse: FloatArray,
    level: int = 0,
) -> FloatArray:
    """Return how far f may move, at most, if the rows' gradients (points, rows, d) do by ``errors``; shape (points, d).

    ``inverse``, shape (points, d), bounds E[1/(sqrt V + eps)].
    """
    if not problem.lists_batches(level):
        most = errors.max(axis=1)
        return np.where(most == 0, 0.0, np.minimum(most * inverse, 2.0) * (form.absolute + form.step_bound))
    shares, probabilities = problem.batches(level)
    if shares is None and not errors.any():
        return np.zeros_like(inverse)
    atoms = gradients if shares is None else np.einsum("nr,...rd->...nd", shares, gradients)
    errors = batch_errors(shares, gradients, errors)
    laws, bounds = (np.moveaxis(part, -1, 1).reshape(-1, len(probabilities)) for part in (atoms, errors))
    return change_of_quotients(laws, bounds, probabilities, inverse.reshape(-1), form).reshape(inverse.shape)
