"""The flow theta' = f(theta) of the Adam field."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.integrate
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12

AT_ZERO = 1e-10
"""The flow is at a zero where max |f_i| is at most this; |f| is at most 1 at the usual momentum parameters."""


@dataclass(frozen=True)
class Flow:
    """A solution of theta' = f(theta).

    Attributes
    ----------
    times
        Times asked for, shape (n,).
    theta
        The solution there, shape (n, d), to a relative tolerance of 1e-9: evidence, no bound.
    zero
        The first time at which max |f_i| <= 1e-10, from which on theta stands still; None if there is none. A flow only
        tends to a zero: the state there lies near one, and this is no proof of one.
    """

    times: FloatArray
    theta: FloatArray
    zero: float | None
    _interpolant: Callable[[FloatArray], FloatArray] = dataclasses.field(repr=False)

    def at(self, times: ArrayLike) -> FloatArray:
        """Return theta at other times between the first and the last, shape (..., d), by the solver's interpolant.

        Raises
        ------
        InputError
            If a time lies outside.
        """
        asked = np.asarray(times, dtype=np.float64)
        if not ((asked >= self.times[0]) & (asked <= self.times[-1])).all():
            raise InputError(f"flow.at: times must lie between {self.times[0]:g} and {self.times[-1]:g}")
        return _sampled(self._interpolant, asked)


def flow(field: AdamField, theta0: ArrayLike, times: ArrayLike) -> Flow:
    """Return the solution of theta' = f(theta), theta(times[0]) = theta0, at ``times``.

    LSODA (Petzold 1983) changes by itself to an implicit method with the field's own Jacobian where f changes over
    distances of eps, as it does next to interpolating minima.

    Parameters
    ----------
    field
        The Adam field.
    theta0
        Start, shape (d,).
    times
        At least two increasing times.

    Raises
    ------
    InputError
        If a shape or a time is wrong, the loss is not differentiable on the way, or the solver cannot go on.
    """
    start = field.problem.points(theta0)
    asked = np.asarray(times, dtype=np.float64)
    if start.ndim != 1:
        raise InputError(f"flow: start of shape {start.shape} is not allowed; give {field.problem.dimension} numbers")
    if asked.ndim != 1 or len(asked) < 2 or not np.isfinite(asked).all() or not (np.diff(asked) > 0).all():
        raise InputError("flow: times must be at least two finite, increasing numbers")

    def at_zero(theta: FloatArray) -> bool:
        return bool(np.abs(field(theta)).max() <= AT_ZERO)

    if at_zero(start):
        return Flow(asked, np.tile(start, (len(asked), 1)), float(asked[0]), lambda t: np.tile(start[:, None], len(t)))
    solver = scipy.integrate.LSODA(
        lambda _, theta: field(theta),
        asked[0],
        start,
        asked[-1],
        jac=lambda _, theta: field.jacobian(theta),
        rtol=RELATIVE_TOLERANCE,
        atol=ABSOLUTE_TOLERANCE,
    )
    ends, pieces, zero = [float(asked[0])], [], None
    while solver.status == "running" and zero is None:
        message = solver.step()
        if message is not None:
            raise InputError(f"flow: the solver stopped at time {solver.t:g}: {message}")
        ends.append(float(solver.t))
        pieces.append(solver.dense_output())
        if at_zero(solver.y):
            zero = _first_time(lambda t: at_zero(pieces[-1](t)), ends[-2], ends[-1])
    solution, end = scipy.integrate.OdeSolution(ends, pieces), ends[-1] if zero is None else zero

    def interpolant(t: FloatArray) -> FloatArray:
        # After the end, which is then a zero, theta stands still.
        return np.asarray(solution(np.minimum(t, end)))

    return Flow(asked, _sampled(interpolant, asked), zero, interpolant)


def _first_time(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Bisect for the time from which on ``holds``; the step's end counts as one where it does.

    SciPy's own events look for a change of sign, which rounding can undo: next to interpolation f changes by more than
    AT_ZERO between neighbouring floats.
    """
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _sampled(interpolant: Callable[[FloatArray], FloatArray], times: FloatArray) -> FloatArray:
    """The interpolant, which maps (n,) to (d, n), at times of any shape: (..., d)."""
    return np.asarray(interpolant(times.ravel()).T.reshape(*times.shape, -1))
