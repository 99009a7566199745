"""F = E[M phi(V)] for finite laws of gradient atoms, by the Laplace integral on a logarithmic grid.

Source: theory T4 and T5. The trapezoidal rule in log s converges like exp(-pi^2/spacing); where the lags fall between
the nodes, interpolation converges geometrically too. So the cost does not grow as beta tends to 1.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.running import UNIT
from adamsym.field.float.forms import FloatForm, float_form
from adamsym.field.float.quotients import law_sizes, quotients
from adamsym.field.float.records import Rule, rule_of
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
    atoms: FloatArray,
    probabilities: FloatArray,
    method: Method | LaplaceForm,
    sensitivity: bool = False,
    tolerance: float = 1e-13,
    threads: int = 1,
) -> Quotient:
    """Return F = E[M phi(V)] of each law, with an error estimate from two grids.

    Parameters
    ----------
    atoms
        Gradient atoms, shape (laws, n), finite.
    probabilities
        Their probabilities, shape (n,) for all laws alike or (laws, n), positive, summing to 1.
    method
        A method with a Laplace form, or the form. F is linear in the lag weights: each further geometric term is
        evaluated like a method of its own. Kernels of one's own, and weights of single older gradients, go by ball
        arithmetic, which takes some milliseconds for each law.
    sensitivity
        Whether to return dF/dg_a too.
    tolerance
        The error allowed, in units of the law's scale min(C, E|g|/eps), from 1e-14 to 1e-3.
    threads
        Threads that share the laws; the results are the same for any number.

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
    check_laws(atoms, probabilities, tolerance, threads)
    atoms = np.ascontiguousarray(atoms)
    probabilities = np.ascontiguousarray(np.atleast_2d(probabilities))
    form = float_form(method)
    if not form.parts:
        return _by_balls(atoms, probabilities, form, sensitivity)
    found = None
    for factor, part in form.parts:
        one = _of_part(atoms, probabilities, float_form(part), sensitivity, tolerance, threads)
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
        for k, (law, p) in enumerate(zip(atoms, np.broadcast_to(probabilities, atoms.shape), strict=True)):
            weights = [flint.arb(float(weight)) for weight in p]
            total = sum(weights, flint.arb(0))
            balls = BallLaw([flint.arb(float(g)) for g in law], [weight / total for weight in weights], unit)
            found = enclose_law(balls, form.form)
            value[k] = float(found.value.mid())
            # The probabilities are rounded too.
            error[k] = float(found.value.rad()) + ROUNDING * float(bounds_of(form.form).universal(balls.mean_magnitude))
            if sensitivity:
                slopes[k] = [float(slope.mid()) for slope in found.slopes]
    nothing = np.zeros(laws, dtype=np.int_)
    return Quotient(value, error, np.full(laws, 1 / form.size), slopes if sensitivity else None, nothing)


def _of_part(
    atoms: FloatArray,
    probabilities: FloatArray,
    form: FloatForm,
    sensitivity: bool,
    tolerance: float,
    threads: int,
) -> Quotient:
    laws, n = atoms.shape
    size = form.size
    value, error, inverse, mean, magnitude, largest = np.empty((6, laws))
    exponentials = np.zeros(laws, dtype=np.int_)
    gradient = np.empty((laws, n)) if sensitivity else None
    law_sizes(atoms, probabilities, mean, magnitude, largest)
    linear = largest <= LINEAR_BELOW * size
    if linear.any():
        own = _rows(probabilities, linear)
        value[linear] = form.total * mean[linear] / size
        error[linear] = ROUNDING * magnitude[linear] / size + np.finfo(float).tiny
        inverse[linear] = 1 / size
        if gradient is not None:
            gradient[linear] = form.total * own / size
    pending = np.flatnonzero(~linear)
    for target in SPACINGS:
        if not len(pending):
            break
        rule = rule_of(form.form, target)
        chosen = atoms if len(pending) == laws else atoms[pending]
        found, difference, unit, inverses = np.empty((4, len(chosen)))
        spent = np.empty(len(chosen), dtype=np.int_)
        slopes = np.empty((len(chosen) if sensitivity else 0, n))
        own = _rows(probabilities, pending)
        _in_threads(threads, len(chosen), chosen, own, form.eps, rule, found, difference, unit, inverses, spent, slopes)
        estimate = estimated_error(difference)
        value[pending], error[pending], inverse[pending] = found, unit * estimate, inverses
        exponentials[pending] += spent
        if gradient is not None:
            gradient[pending] = slopes
        if rule.fine.exact_lags:
            break
        pending = pending[estimate > max(2 * ROUNDING, tolerance / 5)]
    if not (np.isfinite(value).all() and (gradient is None or np.isfinite(gradient).all())):
        raise InputError("atoms: F is beyond the range of float64 for these gradients and this eps")
    # |F| <= min(C, E|g|/eps): beside rare atoms that may be far below the estimate.
    error = np.minimum(error, 2 * np.minimum(form.largest, magnitude / size) + np.finfo(float).tiny)
    return Quotient(value, error, inverse, gradient, exponentials)


def _in_threads(
    threads: int,
    laws: int,
    atoms: FloatArray,
    probabilities: FloatArray,
    eps: float,
    rule: Rule,
    *results: "np.ndarray[tuple[int, ...], Any]",
) -> None:
    """Call the kernel on slices of the laws; results without rows of their own are handed on whole."""

    def on(part: slice) -> None:
        own = [one[part] if len(one) == laws else one for one in results]
        quotients(atoms[part], probabilities[part] if len(probabilities) > 1 else probabilities, eps, rule, *own)

    width = -(-laws // threads)
    parts = [slice(start, start + width) for start in range(0, laws, width)]
    if len(parts) == 1:
        on(parts[0])
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(on, parts))


def _rows(probabilities: FloatArray, chosen: "np.ndarray[tuple[int, ...], Any]") -> FloatArray:
    """The probabilities of some of the laws: a row for each, or the one that all share."""
    return probabilities if len(probabilities) == 1 else probabilities[chosen]


def check_laws(atoms: FloatArray, probabilities: FloatArray, tolerance: float, threads: int) -> None:
    """Raise InputError unless the arguments are those of a quotient."""
    if atoms.ndim != 2 or atoms.shape[1] == 0:
        raise InputError(f"atoms: shape {atoms.shape} is not allowed; allowed is (laws, n) with n at least 1")
    if not np.isfinite(atoms).all():
        raise InputError("atoms: nan or infinity is not allowed; allowed are finite numbers")
    if probabilities.shape not in (atoms.shape[1:], atoms.shape):
        raise InputError(
            f"probabilities: shape {probabilities.shape} for {atoms.shape[1]} atoms; give one for each, for all laws "
            f"alike or as an array of the shape {atoms.shape} of atoms"
        )
    if not ((probabilities > 0).all() and (np.abs(probabilities.sum(axis=-1) - 1.0) < 1e-9).all()):
        raise InputError("probabilities: they must be positive and sum to 1")
    check_tolerance(tolerance)
    check_threads(threads)


def check_tolerance(tolerance: float) -> None:
    """Raise InputError unless the tolerance is one that the quadrature can hold."""
    if not 1e-14 <= tolerance <= 1e-3:
        raise InputError(f"tolerance: {tolerance!r} is not allowed; allowed are numbers from 1e-14 to 1e-3")


def check_threads(threads: int) -> None:
    """Raise InputError unless there is a thread."""
    if threads < 1:
        raise InputError(f"threads: {threads!r} is not allowed; allowed are integers from 1 up")


def estimated_error(difference: FloatArray | float) -> FloatArray:
    """Return the finer grid's error, in units of the scale, estimated from its difference to the coarser one."""
    change = np.asarray(difference)
    return np.where(change < _SQUARES_DIFFER_FROM, change**1.5, change) + ROUNDING
