"""The flow theta' = f(theta) of the Adam field, from many starts at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.integrate
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.explicit import Explicit, follow_explicitly
from adamsym.dynamics.origin import Origin
from adamsym.dynamics.path import AT_ZERO, MISMATCH, follow
from adamsym.dynamics.projected import follow_in_box
from adamsym.dynamics.projection import checked_projection
from adamsym.dynamics.run import check_integers
from adamsym.dynamics.solutions import Flow, Indices, Stack, gathered
from adamsym.dynamics.steps import HALVINGS, step, velocity_of
from adamsym.dynamics.surfaces import kink_surfaces
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import StochasticGradient
from adamsym.gradients.source import require_everywhere

TOLERANCE = 1e-9
"""Relative tolerance of the solver; the absolute one is a thousandth of it."""

BUDGET = 20_000
"""Evaluations of f for each start that is solved by itself; a Jacobian counts as d of them."""

STARTS_TOGETHER = 16
"""In one stacked system: enough for fast evaluation of the field; more would share more sharp turns."""

STEPS_TOGETHER = 800
"""A stack that needs more steps is solved start by start: its starts turn at different times, and each slows all."""

SLOW = 1e-3
"""A start last seen to move faster than this is not looked at for a zero: a third of all evaluations less."""

DENSE, DENSE_PRODUCTS = 1000, 64
"""Up to so many parameters LSODA is taken, which may form Df; up to the latter where a column of it costs a product."""

CRUDE = 1e-4
"""From this tolerance on RK23's steps are as long as stability allows; RK45's cost twice as much."""

Failing = Literal["raise", "nan"]
Solver = Literal["automatic", "LSODA", "RK23", "RK45"]


@dataclass(frozen=True)
class _How:
    """What is asked for, and how it is computed; ``explicit`` is None for LSODA."""

    asked: FloatArray
    tolerance: float
    failing: Failing
    budget: int
    jumps: bool
    explicit: Explicit | None
    box: FloatArray | None

    @property
    def span(self) -> tuple[float, float]:
        return float(self.asked[0]), float(self.asked[-1])


@checked_arguments
def flow(
    field: AdamField,
    theta0: ArrayLike,
    times: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    failing: Failing = "raise",
    budget: int = BUDGET,
    method: Solver = "automatic",
    project: ArrayLike | None = None,
) -> Flow:
    """Return the solutions of theta' = f(theta), theta(times[0]) = theta0, at ``times``, for one start or many.

    Few parameters are solved by LSODA (Petzold 1983), neighbouring starts stacked into one system with block-diagonal
    Jacobian. It changes by itself to an implicit method where f changes over distances of eps, as it does next to
    interpolating minima. Its norm is a weighted maximum (ODEPACK's vmnorm), so that every entry of every start meets
    the tolerance by itself. Many starts cost a fraction of one at a time, unless most turn sharply, each at a time of
    its own. Many parameters are solved by explicit methods (see ``method``).

    Where the loss of a row has a kink f may jump. There a solution crosses, or, if the fields of both sides point to
    the kink, slides along it with their convex combination that is tangent to it (Filippov 1988), until one no longer
    does.
    Where f turns within less than the tolerance, as in a valley of width eps, the solver goes on with the tolerance
    1e-12, and if that fails too treats the valley as a kink. ``notes`` says so.

    Parameters
    ----------
    field
        The Adam field.
    theta0
        Starts, shape (..., d); shape (d,) for one.
    times
        At least two increasing times.
    tolerance
        Relative tolerance of each step, between 1e-12 and 1e-2; the absolute tolerance is a thousandth of it.
    failing
        What becomes of a start whose flow meets a point where the gradient is not finite: "raise" an error that names
        it, or make all of its solution "nan".
    budget
        Evaluations of f for a start that is solved by itself, 20,000 if omitted; then its outcome is "budget".
    method
        "LSODA" forms Df, with d x d entries. "RK23" and "RK45" need f alone, and memory for the times asked for: theta
        is known at these only, errors are measured in a root mean square over the parameters, and each start is
        followed by itself. "automatic" takes LSODA up to 1,000 parameters (64 for sources with products of their own),
        beyond that RK45, or RK23 for tolerances from 1e-4 up. Kinks need LSODA.
    project
        A box, shape (d, 2), in which theta is kept: at an end of it a component of f that leads outwards counts as 0.
        This is what Adam follows that is projected after each step, as in :func:`adamsym.simulate`.

    Raises
    ------
    InputError
        If a shape, a time or the tolerance is wrong; for a failing start; for kinks with an explicit method; and for a
        box with kinks or with an explicit method.
    """
    require_everywhere(field.problem, "flow")
    starts = field.problem.points(theta0)
    asked = np.asarray(times, dtype=np.float64)
    if asked.ndim != 1 or len(asked) < 2 or not np.isfinite(asked).all() or not (np.diff(asked) > 0).all():
        raise InputError("flow: times must be at least two finite, increasing numbers")
    check_tolerance(tolerance, "flow")
    check_integers("flow", {"budget": (budget, 1)})
    flat = starts.reshape(-1, field.problem.dimension)
    jumps = kink_surfaces(field.problem) is not None
    explicit = _explicit(field.problem, method, tolerance, jumps)
    box = checked_projection(project, field.problem, starts, "flow")
    if box is not None and (jumps or explicit is not None):
        what = "a loss with kinks" if jumps else "explicit methods"
        raise InputError(f"flow: {what} cannot be projected onto a box; leave project out")
    how = _How(asked, tolerance, failing, budget, jumps, explicit, box)
    return gathered(tuple(_stacks(field, flat, how)), asked, flat, starts.shape[:-1], Origin(field.problem, field.adam))


def _explicit(source: StochasticGradient, method: Solver, tolerance: float, jumps: bool) -> Explicit | None:
    if method == "RK23" or method == "RK45":
        if jumps:
            raise InputError(f"flow: {method} cannot follow a loss with kinks; leave method out")
        return method
    most = DENSE_PRODUCTS if source.has_own_products else DENSE
    if method == "LSODA" or jumps or source.dimension <= most:
        return None
    return "RK23" if tolerance >= CRUDE else "RK45"


def check_tolerance(tolerance: float, caller: str) -> None:
    """Raise InputError unless LSODA can meet the relative tolerance in float64."""
    if not 1e-12 <= tolerance <= 1e-2:
        raise InputError(f"{caller}: tolerance {tolerance} is not allowed; allowed are numbers from 1e-12 to 1e-2")


def _stacks(field: AdamField, starts: FloatArray, how: _How) -> Iterator[Stack]:
    """Solutions of groups of starts; of single starts where a group does not go well together, or f may jump."""
    for group in _neighbours(starts, np.arange(len(starts))):
        if len(group) > 1 and not how.jumps and how.explicit is None and how.box is None:
            try:
                yield _solved(field, starts, group, how.span, how.tolerance)
                continue
            except InputError:
                pass
        for alone in group:
            try:
                yield _followed(field, starts[alone], alone, how)
            except InputError as error:
                start = starts[alone]
                if how.failing == "raise":
                    more = ", ..." if len(start) > 6 else ""
                    raise InputError(f"flow from {', '.join(f'{x:.6g}' for x in start[:6])}{more}: {error}") from None
                yield _nowhere(alone, how.span[0])


def _followed(field: AdamField, start: FloatArray, which: np.intp, how: _How) -> Stack:
    if how.explicit is not None:
        return follow_explicitly(field, start, which, how.asked, how.tolerance, how.budget, how.explicit)
    box = how.box
    if box is None:
        path = follow(field, start, how.span, how.tolerance, how.budget)
    else:
        path = follow_in_box(field, start, how.span, how.tolerance, how.budget, box)

    def at(times: FloatArray) -> FloatArray:
        # The step before an event ends a rounding beyond the box.
        return (path.at(times) if box is None else np.clip(path.at(times), *box.T))[None]

    end = path.ends[-1]
    zero = np.array([end if path.outcome == "zero" else np.nan])
    return Stack(np.array([which]), at, zero, path.outcome, end, tuple(path.notes))


def _nowhere(which: np.intp, begin: float) -> Stack:
    """No solution at all."""
    nothing = np.array([np.nan])
    notes = ("the gradient is not finite on the way",)
    return Stack(np.array([which]), lambda times: np.full((1, len(times), 1), np.nan), nothing, "stopped", begin, notes)


def _neighbours(starts: FloatArray, which: Indices) -> Iterator[Indices]:
    """Halve along the widest side until groups are small: neighbours turn at about the same times."""
    if len(which) <= STARTS_TOGETHER:
        if len(which):
            yield which
        return
    own = starts[which]
    ordered = which[np.argsort(own[:, np.ptp(own, axis=0).argmax()], kind="stable")]
    yield from _neighbours(starts, ordered[: len(which) // 2])
    yield from _neighbours(starts, ordered[len(which) // 2 :])


def _solved(
    field: AdamField,
    all_starts: FloatArray,
    which: Indices,
    span: tuple[float, float],
    tolerance: float,
) -> Stack:
    """The solutions of one stack of starts."""
    rest = all_starts[which]
    n, d = rest.shape
    zero = np.where(_at_zero(field, rest), span[0], np.nan)
    moving, speed = np.isnan(zero), np.empty(n)
    ends = [span[0]]
    pieces: list[scipy.integrate.DenseOutput] = []
    if moving.any():
        solver = _lsoda(field, rest, span, tolerance, moving, speed)
        while solver.status == "running" and moving.any():
            if (reason := step(solver)) is not None or len(pieces) == STEPS_TOGETHER:
                raise InputError(reason or f"more than {STEPS_TOGETHER} steps")
            if np.abs(velocity_of(solver) - solver.fun(solver.t, solver.y)).max() > MISMATCH * field.step_bound:
                raise InputError("the solver's velocity is not the field's")
            ends.append(float(solver.t))
            pieces.append(solver.dense_output())
            reached = np.flatnonzero(moving & (speed <= SLOW))
            if len(reached):
                reached = reached[_at_zero(field, solver.y.reshape(n, d)[reached])]
            if len(reached):
                zero[reached], rest[reached] = _first_times(field, pieces[-1], reached, ends[-2:], d)
                moving[reached] = False
    solution = scipy.integrate.OdeSolution(ends, pieces) if pieces else None

    def at(times: FloatArray) -> FloatArray:
        if solution is None:
            return np.broadcast_to(rest[:, None], (n, len(times), d))
        # After the last step all stand still.
        values = solution(np.minimum(times, ends[-1])).reshape(n, d, len(times)).swapaxes(1, 2)
        return np.where((times >= zero[:, None])[..., None], rest[:, None], values)

    return Stack(which, at, zero)


def _lsoda(
    field: AdamField,
    starts: FloatArray,
    span: tuple[float, float],
    tolerance: float,
    moving: NDArray[np.bool_],
    speed: FloatArray,
) -> scipy.integrate.LSODA:
    """The solver of the stacked system: only starts that are ``moving`` at the time move; it notes their ``speed``."""
    n, d = starts.shape
    rows = np.arange(d)[:, None] - np.arange(d) + d - 1

    def velocity(_: float, states: FloatArray) -> FloatArray:
        result = np.zeros((n, d))
        result[moving] = field(states.reshape(n, d)[moving])
        speed[:] = np.abs(result).max(axis=1)
        return result.ravel()

    def banded_jacobian(_: float, states: FloatArray) -> FloatArray:
        # LSODA wants entry (i, j) in row i - j + d - 1 and column j.
        packed = np.zeros((2 * d - 1, n, d))
        blocks = np.zeros((n, d, d))
        blocks[moving] = field.jacobian(states.reshape(n, d)[moving])
        packed[rows, :, np.arange(d)] = blocks.transpose(1, 2, 0)
        return packed.reshape(2 * d - 1, n * d)

    return scipy.integrate.LSODA(
        velocity,
        span[0],
        starts.ravel(),
        span[1],
        jac=banded_jacobian if field.problem.has_jacobians else None,
        lband=d - 1,
        uband=d - 1,
        rtol=tolerance,
        atol=tolerance / 1000,
    )


def _at_zero(field: AdamField, points: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(np.abs(field(points)).max(axis=1) <= AT_ZERO)


def _first_times(
    field: AdamField, piece: Callable[[FloatArray], FloatArray], which: Indices, step: list[float], d: int
) -> tuple[FloatArray, FloatArray]:
    """Bisect a step, at whose end ``which`` are at zeros, for the times from which on they are; with the states there.

    SciPy's own events look for a change of sign, which rounding can undo: next to interpolation f changes by more than
    AT_ZERO between neighbouring floats.
    """
    low, high = np.full(len(which), step[0]), np.full(len(which), step[1])

    def states(times: FloatArray) -> FloatArray:
        return piece(times).reshape(-1, d, len(times))[which, :, np.arange(len(which))]

    for _ in range(HALVINGS):
        middle = (low + high) / 2
        holds = _at_zero(field, states(middle))
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return high, states(high)
