"""F = E[M phi(V)] for finite laws of gradient atoms, by the Laplace integral on a logarithmic grid.

Source: theory T4 and T5. The trapezoidal rule in log s errs by a proven part of exp(-pi^2/spacing); where the lags fall
between the nodes, interpolation converges geometrically too. So the cost does not grow as beta tends to 1.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress, counted_off
from adamsym.expressions.running import UNIT
from adamsym.field.float.forms import FloatForm, float_form
from adamsym.field.float.limits import LINEAR_BELOW, ROUNDING
from adamsym.field.float.quotients import law_sizes, quotients
from adamsym.field.float.records import Indices
from adamsym.field.float.rules import FEW_ATOMS, INTERPOLATED_FOR_FEW, ladder, rule_of
from adamsym.methods import LaplaceForm, Method

_ENTRIES_AT_ONCE = 2**17
"""Atoms that a thread takes in one go: a megabyte."""


@dataclass(frozen=True)
class Quotient:
    """F and an estimate of its error, each of shape (laws,); dF/dg of shape (laws, n) if asked for.

    ``inverse``, shape (laws,), bounds E[1/(sqrt V + eps)]: where gradients change by up to e, F does by no more than
    e (1 + C) times that (theory T2). ``exponentials``, shape (laws,), is the number of exponentials and their squares
    that were taken, for all atoms of a law together.
    """

    value: FloatArray
    error: FloatArray
    inverse: FloatArray
    sensitivity: FloatArray | None
    exponentials: Indices


def quotient(
    atoms: FloatArray,
    probabilities: FloatArray,
    method: Method | LaplaceForm,
    sensitivity: bool = False,
    tolerance: float = 1e-13,
    threads: int = 1,
    progress: Progress | None = None,
) -> Quotient:
    """Return F = E[M phi(V)] of each law, with an error estimate.

    Parameters
    ----------
    atoms
        Gradient atoms, shape (laws, n), finite; any strides, for they are copied in parts of a megabyte.
    probabilities
        Their probabilities, shape (n,) for all laws alike or (laws, n), positive, summing to 1.
    method
        A method with a Laplace form, or the form. F is linear in the lag weights: each further geometric term is
        evaluated like a method of its own. Kernels of one's own, and weights of single older gradients, go by ball
        arithmetic, which takes some milliseconds for each law.
    sensitivity
        Whether to return dF/dg_a too.
    tolerance
        The error estimate aimed at, in units of min(C, E|g|/eps), C the step bound: from 1e-14 to 1e-3. It chooses the
        grid; rounding comes on top, and each further geometric term has an estimate of its own.
    threads
        Threads that share the laws; the results are the same for any number.
    progress
        Called with the number of laws that are done, and of all, after each part.

    Raises
    ------
    InputError
        If an argument is not of this kind, or F is beyond the range of float64.

    Notes
    -----
    The estimate adds the proven bound of the trapezoidal rule's error, an estimate of what the filters over the lags
    change, and 1e-14 for rounding; where the first two are more than the tolerance, a finer grid is taken, down to 48
    nodes for each octave. It is evidence and no bound. Each law is computed by itself: the result does not depend on
    the others. An atom costs some 20 ns, and some for each octave and node of t between 1/2 and 64 times 1/g^2 that the
    integral needs; zeros of the gradient cost next to nothing.
    """
    check_laws(atoms, probabilities, tolerance, threads)
    form = float_form(method)
    rows = np.atleast_2d(probabilities)
    if not form.parts:
        return _by_balls(atoms, rows, form, sensitivity)
    parts = [(factor, float_form(part)) for factor, part in form.parts]
    laws, n = atoms.shape
    width = max(1, min(_ENTRIES_AT_ONCE // n, -(-laws // threads)))
    slices = [slice(start, start + width) for start in range(0, laws, width)]
    slopes = np.empty((laws, n)) if sensitivity else None

    def of(part: slice) -> Quotient:
        own = np.ascontiguousarray(rows[part] if len(rows) > 1 else rows)
        rows_of = np.ascontiguousarray(atoms[part])
        found = sum_of_parts([(scale, _of_part(rows_of, own, one, sensitivity, tolerance)) for scale, one in parts])
        if slopes is not None:
            slopes[part] = found.sensitivity
        return Quotient(found.value, found.error, found.inverse, None, found.exponentials)

    sizes = (len(atoms[part]) for part in slices)
    if threads == 1 or len(slices) == 1:
        return _joined(list(counted_off(map(of, slices), sizes, laws, progress)), slopes)
    with ThreadPoolExecutor(threads) as pool:
        return _joined(list(counted_off(pool.map(of, slices), sizes, laws, progress)), slopes)


def _joined(found: Sequence[Quotient], slopes: FloatArray | None) -> Quotient:
    if len(found) == 1:
        return replace(found[0], sensitivity=slopes)
    none = np.empty(0)
    return Quotient(
        np.concatenate([none, *(one.value for one in found)]),
        np.concatenate([none, *(one.error for one in found)]),
        np.concatenate([none, *(one.inverse for one in found)]),
        slopes,
        np.concatenate([none.astype(np.int_), *(one.exponentials for one in found)]),
    )


def sum_of_parts(found: Sequence[tuple[float, Quotient]]) -> Quotient:
    """Return the sum of positive factors times the quotients of a form's parts, with the sums' rounding."""
    first, *others = (_scaled(one, factor) for factor, one in found)
    return reduce(_sum, others, first)


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
    atoms: FloatArray, probabilities: FloatArray, form: FloatForm, sensitivity: bool, tolerance: float
) -> Quotient:
    laws, n = atoms.shape
    size = form.size
    value, error, inverse, mean, magnitude, largest = np.empty((6, laws))
    exponentials = np.zeros(laws, dtype=np.int_)
    gradient = np.empty((laws, n)) if sensitivity else None
    law_sizes(atoms, probabilities, mean, magnitude, largest)
    linear = largest <= LINEAR_BELOW * size
    if linear.any():
        value[linear] = form.total * mean[linear] / size
        error[linear] = ROUNDING * magnitude[linear] / size + np.finfo(float).tiny
        inverse[linear] = 1 / size
        if gradient is not None:
            gradient[linear] = form.total * _rows(probabilities, np.flatnonzero(linear)) / size
    most = form.most(magnitude)
    pending = np.flatnonzero(~linear)
    grids = ladder(tolerance)
    for per_octave in grids:
        if not len(pending):
            break
        rule = rule_of(form.form, per_octave, INTERPOLATED_FOR_FEW if n <= FEW_ATOMS else 1.0)
        chosen = atoms if len(pending) == laws else atoms[pending]
        # The rule's own error is at most the other half, by the choice of the first grid.
        allowed = tolerance / 2 * most[pending]
        found, filters, control, unit, inverses = np.empty((5, len(chosen)))
        spent = np.empty(len(chosen), dtype=np.int_)
        slopes = np.empty((len(chosen), n)) if sensitivity else None
        own = _rows(probabilities, pending)
        most_control = allowed if per_octave != grids[-1] else np.full(len(chosen), np.inf)
        quotients(chosen, own, form.eps, rule, most_control, found, filters, control, unit, inverses, spent, slopes)
        value[pending], inverse[pending] = found, inverses
        error[pending] = filters + control + rule.alias * most[pending] + ROUNDING * unit
        exponentials[pending] += spent
        if gradient is not None and slopes is not None:
            gradient[pending] = slopes
        pending = pending[filters + control > allowed]
    if not (np.isfinite(value).all() and (gradient is None or np.isfinite(gradient).all())):
        raise InputError("atoms: F is beyond the range of float64 for these gradients and this eps")
    error = np.minimum(error, 2 * most + np.finfo(float).tiny)
    return Quotient(value, error, inverse, gradient, exponentials)


def _rows(probabilities: FloatArray, chosen: Indices) -> FloatArray:
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
