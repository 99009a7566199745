"""Fields without a Laplace form that a formula gives: of methods whose v settles, and of clipped gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.running import UNIT
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.field.gradient_errors import gradient_errors
from adamsym.field.values import FieldValue, batch_errors
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.methods import Adafactor, Adam, AdamClippedByNorm, AdamClippedByValue, AMSGrad, Method


@checked_arguments
def long_run_field(problem: StochasticGradient, method: Method, theta: ArrayLike) -> FieldValue:
    """Return a method's mean change at one point theta (d,) after infinitely many steps, with an error estimate.

    ``AMSGrad``: -E[g]/(max |g| + eps), the largest over the rows. How long it takes until v has come near its largest
    value grows exponentially in 1/(1 - beta2); until then, and after other points were visited, another number stands
    in place of max |g|, so that the direction is the same for one parameter and the zeros always are.
    ``Adafactor``: -E of the clipped g/sqrt(E g^2 + eps). ``AdamClippedByValue`` and ``AdamClippedByNorm``: Adam's
    field for the clipped gradients, by quadrature.

    Raises
    ------
    InputError
        If theta is not one point, or there are too many minibatches to list.
    NotApplicable
        If no formula is known for the method, the data is no list of rows, or these are not drawn independently.

    Source: theory, N-Proposition 14.
    """
    formula = require_formula(problem, method)
    point = problem.points(theta)
    if point.ndim != 1:
        raise InputError(f"theta: shape {point.shape} is not allowed; give one point of {problem.dimension} numbers")
    shares, chances = problem.batches()
    rows = problem.row_gradients(point)[None]
    errors = batch_errors(shares, rows, gradient_errors(problem, point[None], rows, 0))[0]
    atoms = rows[0] if shares is None else shares @ rows[0]
    return formula(method, atoms, errors, chances)


Formula = Callable[[Any, FloatArray, FloatArray, FloatArray], FieldValue]


def require_formula(problem: StochasticGradient, method: Method) -> Formula:
    """Return the formula of a method's field.

    Raises
    ------
    NotApplicable
        If none is known, or the data is no list of rows.
    """
    formula = _FORMULAS.get(type(method))
    if formula is None:
        raise NotApplicable(
            f"long_run_field: no formula is known for {type(method).__name__}; known are those of "
            f"{', '.join(kind.__name__ for kind in _FORMULAS)}; AdamField and monte_carlo are for others"
        )
    if not isinstance(problem.law, Empirical):
        raise NotApplicable("long_run_field: the data must be a list of rows, whose largest gradient is known")
    return formula


def _largest(method: AMSGrad, g: FloatArray, errors: FloatArray, chances: FloatArray) -> FieldValue:
    return _settled(chances @ g, np.abs(g).max(axis=0) + method.eps, g, errors)


def _growing(method: Adafactor, g: FloatArray, errors: FloatArray, chances: FloatArray) -> FieldValue:
    root = np.sqrt(chances @ g**2 + method.eps)
    return _settled(chances @ method.clipped(g / root), np.ones(g.shape[1]), g / root, errors / root)


def _settled(mean: FloatArray, divisor: FloatArray, g: FloatArray, errors: FloatArray) -> FieldValue:
    """-mean/divisor, and what the rounding of the gradients, the sums and the divisor may change."""
    off = errors.max() + (len(g) + 8) * UNIT * np.abs(g).max()
    return FieldValue(-mean / divisor, 4 * off * (1 + np.abs(mean) / divisor) / divisor)


def _clipped(
    method: AdamClippedByValue | AdamClippedByNorm, g: FloatArray, errors: FloatArray, chances: FloatArray
) -> FieldValue:
    adam = Adam(method.beta1, method.beta2, method.eps)
    found = quotient(method.clipped(g).T, chances, adam)
    off = np.sqrt((errors**2).sum(axis=1)).max() + 8 * UNIT * min(method.clip, float(np.abs(g).max()))
    return FieldValue(-found.value, found.error + off * (1 + adam.step_bound) * found.inverse)


_FORMULAS: dict[type[Method], Formula] = {
    AMSGrad: _largest,
    Adafactor: _growing,
    AdamClippedByValue: _clipped,
    AdamClippedByNorm: _clipped,
}
"""A subclass may take steps of its own."""
