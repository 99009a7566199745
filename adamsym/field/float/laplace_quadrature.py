"""F = E[M/(sqrt V + eps)] for finite laws of gradient atoms, by the Laplace integral on a logarithmic grid.

Source: theory T4 and T5. The trapezoidal rule in log s converges like exp(-pi^2/spacing); where the lags fall between
the nodes, interpolation converges geometrically too. So the cost does not grow as beta tends to 1.
"""

import math
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.float.quotients import quotients
from adamsym.field.float.records import rule_of
from adamsym.methods import AdaptiveMethod

SPACINGS = (0.2, 0.1, 0.05, 0.025, 0.0125)
"""Spacings tried in turn, until a grid agrees with the one of every other node."""

ROUNDING = 1e-14
"""Rounding errors, in units of the scale."""

LINEAR_BELOW = 1e-30
"""Where max |g|/eps is at most this, F = E g/eps up to a relative 1e-30 of E|g|/eps (theory T9)."""

_SQUARES_DIFFER_FROM = 1e-5
"""From here on a difference of two grids is no sign of geometric convergence."""


@dataclass(frozen=True)
class Quotient:
    """F and an a-posteriori estimate of its error, each of shape (laws,); dF/dg of shape (laws, n) if asked for.

    ``inverse``, shape (laws,), bounds E[1/(sqrt V + eps)]: where gradients change by up to e, F does by no more than
    e (1 + C) times that (theory T2). ``exponentials`` is the number of exponentials spent on each atom, shape (laws,).
    """

    value: FloatArray
    error: FloatArray
    inverse: FloatArray
    sensitivity: FloatArray | None
    exponentials: np.ndarray[tuple[int, ...], np.dtype[np.int_]]


def quotient(
    atoms: FloatArray, probabilities: FloatArray, method: AdaptiveMethod, sensitivity: bool = False
) -> Quotient:
    """Return F = E[M/(sqrt V + eps)] of each law, with an error estimate from two grids.

    Parameters
    ----------
    atoms
        Gradient atoms, shape (laws, n), finite.
    probabilities
        Their probabilities, shape (n,), positive, summing to 1.
    method
        Momentum parameters and eps; for relatives of Adam M is their numerator, and eps may stand inside the root.
    sensitivity
        Whether to return dF/dg_a too.

    Raises
    ------
    InputError
        If an argument is not of this kind, or F is beyond the range of float64.

    Notes
    -----
    Accuracy about 1e-14 min(C, E|g|/eps), C = ``method.step_bound``. Halving the spacing squares the error of a
    geometrically convergent rule, so that the finer grid errs far less than the two differ: the estimate is the
    difference to the power 1.5, in units of the scale, plus rounding; evidence and no bound. Each law is computed by
    itself: the result does not depend on the others.
    """
    _check(atoms, probabilities)
    atoms, probabilities = np.ascontiguousarray(atoms), np.ascontiguousarray(probabilities)
    laws, n = atoms.shape
    largest = np.abs(atoms).max(axis=1)
    size = math.sqrt(method.eps) if method.eps_inside_root else method.eps
    value, error, inverse = np.empty((3, laws))
    exponentials = np.zeros(laws, dtype=np.int_)
    gradient = np.empty((laws, n)) if sensitivity else None
    linear = largest <= LINEAR_BELOW * size
    if linear.any():
        value[linear] = atoms[linear] @ probabilities / size
        error[linear] = ROUNDING * (np.abs(atoms[linear]) @ probabilities) / size + np.finfo(float).tiny
        inverse[linear] = 1 / size
        if gradient is not None:
            gradient[linear] = probabilities / size
    pending = np.flatnonzero(~linear)
    for target in SPACINGS:
        if not len(pending):
            break
        rule = rule_of(method, target)
        chosen = atoms if len(pending) == laws else atoms[pending]
        found, difference, unit, inverses = np.empty((4, len(chosen)))
        spent = np.empty(len(chosen), dtype=np.int_)
        slopes = np.empty((len(chosen) if sensitivity else 0, n))
        quotients(chosen, probabilities, method.eps, rule, found, difference, unit, inverses, spent, slopes)
        estimate = estimated_error(difference)
        value[pending], error[pending], inverse[pending] = found, unit * estimate, inverses
        exponentials[pending] += spent
        if gradient is not None:
            gradient[pending] = slopes
        if rule.fine.exact_lags:
            break
        pending = pending[estimate > 2 * ROUNDING]
    if not (np.isfinite(value).all() and (gradient is None or np.isfinite(gradient).all())):
        raise InputError("atoms: F is beyond the range of float64 for these gradients and this eps")
    # |F| <= min(C, E|g|/eps): beside rare atoms that may be far below the estimate.
    bound = np.minimum(method.step_bound, (np.abs(atoms) @ probabilities) / size)
    error = np.minimum(error, 2 * bound + np.finfo(float).tiny)
    return Quotient(value, error, inverse, gradient, exponentials)


def _check(atoms: FloatArray, probabilities: FloatArray) -> None:
    if atoms.ndim != 2 or atoms.shape[1] == 0:
        raise InputError(f"atoms: shape {atoms.shape} is not allowed; allowed is (laws, n) with n at least 1")
    if not np.isfinite(atoms).all():
        raise InputError("atoms: nan or infinity is not allowed; allowed are finite numbers")
    if probabilities.shape != atoms.shape[1:]:
        raise InputError(f"probabilities: shape {probabilities.shape} for {atoms.shape[1]} atoms; give one for each")
    if not ((probabilities > 0).all() and abs(probabilities.sum() - 1.0) < 1e-9):
        raise InputError("probabilities: they must be positive and sum to 1")


def estimated_error(difference: FloatArray | float) -> FloatArray:
    """Return the finer grid's error, in units of the scale, estimated from its difference to the coarser one."""
    change = np.asarray(difference)
    return np.where(change < _SQUARES_DIFFER_FROM, change**1.5, change) + ROUNDING
