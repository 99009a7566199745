"""F = E[M phi(V)] for finite laws of gradient atoms, by the Laplace integral on a logarithmic grid.

Source: theory T4 and T5. The trapezoidal rule in log s converges like exp(-pi^2/spacing); where the lags fall between
the nodes, interpolation converges geometrically too. So the cost does not grow as beta tends to 1.
"""

from dataclasses import dataclass

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.running import UNIT
from adamsym.field.float.forms import FloatForm, float_form
from adamsym.field.float.quotients import quotients
from adamsym.field.float.records import rule_of
from adamsym.methods import LaplaceForm, Method

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
    atoms: FloatArray, probabilities: FloatArray, method: Method | LaplaceForm, sensitivity: bool = False
) -> Quotient:
    """Return F = E[M phi(V)] of each law, with an error estimate from two grids.

    Parameters
    ----------
    atoms
        Gradient atoms, shape (laws, n), finite.
    probabilities
        Their probabilities, shape (n,), positive, summing to 1.
    method
        A method with a Laplace form, or the form. F is linear in the lag weights: each further geometric term is
        evaluated like a method of its own. Kernels of one's own, and weights of single older gradients, go by ball
        arithmetic, which takes some milliseconds for each law.
    sensitivity
        Whether to return dF/dg_a too.

    Raises
    ------
    InputError
        If an argument is not of this kind, or F is beyond the range of float64.

    Notes
    -----
    Accuracy about 1e-14 min(C, E|g|/eps), C the step bound. Halving the spacing squares the error of a
    geometrically convergent rule, so that the finer grid errs far less than the two differ: the estimate is the
    difference to the power 1.5, in units of the scale, plus rounding; evidence and no bound. Each law is computed by
    itself: the result does not depend on the others.
    """
    _check(atoms, probabilities)
    atoms, probabilities = np.ascontiguousarray(atoms), np.ascontiguousarray(probabilities)
    form = float_form(method)
    if not form.parts:
        return _by_balls(atoms, probabilities, form, sensitivity)
    found = None
    for factor, part in form.parts:
        one = _of_part(atoms, probabilities, float_form(part), sensitivity)
        found = _scaled(one, factor) if found is None else _sum(found, _scaled(one, factor))
    assert found is not None
    return found


def _scaled(one: Quotient, factor: float) -> Quotient:
    if factor == 1:
        return one
    slopes = None if one.sensitivity is None else factor * one.sensitivity
    return Quotient(factor * one.value, factor * one.error, one.inverse, slopes, one.exponentials)


def _sum(one: Quotient, other: Quotient) -> Quotient:
    value = one.value + other.value
    error = one.error + other.error + UNIT * np.abs(value)
    slopes = None
    if one.sensitivity is not None and other.sensitivity is not None:
        slopes = one.sensitivity + other.sensitivity
    return Quotient(value, error, np.minimum(one.inverse, other.inverse), slopes, one.exponentials + other.exponentials)


def _by_balls(atoms: FloatArray, probabilities: FloatArray, form: FloatForm, sensitivity: bool) -> Quotient:
    """F from enclosures; ``inverse`` is phi(0), which is all that is known of any kernel."""
    # Imported here: most fields need no balls.
    from adamsym.field.ball.arithmetic import ball_arithmetic
    from adamsym.field.ball.form_bounds import bounds_of
    from adamsym.field.ball.law import BallLaw
    from adamsym.field.ball.quadrature import enclose_law

    laws, n = atoms.shape
    unit = [[flint.arb(int(i == j)) for i in range(n)] for j in range(n)] if sensitivity else []
    value, error, slopes = np.empty(laws), np.empty(laws), np.empty((laws, n))
    with ball_arithmetic():
        weights = [flint.arb(float(p)) for p in probabilities]
        total = sum(weights, flint.arb(0))
        for k, law in enumerate(atoms):
            balls = BallLaw([flint.arb(float(g)) for g in law], [p / total for p in weights], unit)
            found = enclose_law(balls, form.form)
            value[k] = float(found.value.mid())
            # The probabilities are rounded too.
            error[k] = float(found.value.rad()) + ROUNDING * float(bounds_of(form.form).universal(balls.mean_magnitude))
            if sensitivity:
                slopes[k] = [float(slope.mid()) for slope in found.slopes]
    nothing = np.zeros(laws, dtype=np.int_)
    return Quotient(value, error, np.full(laws, 1 / form.size), slopes if sensitivity else None, nothing)


def _of_part(atoms: FloatArray, probabilities: FloatArray, form: FloatForm, sensitivity: bool) -> Quotient:
    laws, n = atoms.shape
    largest = np.abs(atoms).max(axis=1)
    size = form.size
    value, error, inverse = np.empty((3, laws))
    exponentials = np.zeros(laws, dtype=np.int_)
    gradient = np.empty((laws, n)) if sensitivity else None
    linear = largest <= LINEAR_BELOW * size
    if linear.any():
        value[linear] = form.total * (atoms[linear] @ probabilities) / size
        error[linear] = ROUNDING * (np.abs(atoms[linear]) @ probabilities) / size + np.finfo(float).tiny
        inverse[linear] = 1 / size
        if gradient is not None:
            gradient[linear] = form.total * probabilities / size
    pending = np.flatnonzero(~linear)
    for target in SPACINGS:
        if not len(pending):
            break
        rule = rule_of(form.form, target)
        chosen = atoms if len(pending) == laws else atoms[pending]
        found, difference, unit, inverses = np.empty((4, len(chosen)))
        spent = np.empty(len(chosen), dtype=np.int_)
        slopes = np.empty((len(chosen) if sensitivity else 0, n))
        quotients(chosen, probabilities, form.eps, rule, found, difference, unit, inverses, spent, slopes)
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
    bound = np.minimum(form.largest, (np.abs(atoms) @ probabilities) / size)
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
