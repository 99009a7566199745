"""The flow theta' = f(theta) of the Adam field, from many starts at once."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.integrate
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.path import AT_ZERO, MISMATCH, follow
from adamsym.dynamics.run import check_integers
from adamsym.dynamics.steps import HALVINGS, Outcome, Path, step, velocity_of
from adamsym.dynamics.surfaces import kink_surfaces
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Drawable, counted, plain
from adamsym.field import AdamField
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

TIMES_AT_ONCE = 2**13

UNFINISHED: tuple[Outcome, ...] = ("budget", "stopped")
"""Outcomes of solutions that are not followed to the last time."""

Failing = Literal["raise", "nan"]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class _Stack:
    """The solutions of the starts numbered ``which``: ``at`` maps times (k,) to (n, k, d); ``zero`` (n,) as below.

    ``path`` is the solution of a single start that was followed by itself.
    """

    which: Indices
    at: Callable[[FloatArray], FloatArray]
    zero: FloatArray
    path: Path | None = None


@dataclass(frozen=True, repr=False)
class Flow(Drawable):
    """Solutions of theta' = f(theta), one for each start; the starts' shape is written (...).

    Attributes
    ----------
    times
        Times asked for, shape (k,), in the units of the sum of Adam's step sizes.
    theta
        The solutions there, shape (..., k, d): floating-point evidence, no bound. The solver's tolerance, relative 1e-9
        unless another was given, is that of each step and each entry.
    zero
        The first times at which max |f_i| <= 1e-10, shape (...), after which theta is held fixed; nan where there is
        none. Convergence to a zero is only asymptotic: the state lies near one, and this is no proof of one.
    outcome
        How each solution ended, shape (...): "end", at the last time; "zero", at rest there; "kink", at rest on a kink
        of the loss, where the fields of both sides balance; "budget", the evaluations allowed are spent; "stopped", it
        cannot be followed on.
    reached
        The time up to which each is followed, shape (...): the last time, unless it is "budget" or "stopped". After it
        theta is nan.
    notes
        For each start, in order, what was done on the way, each in a sentence: sliding along a kink, a tighter
        tolerance.
    """

    times: FloatArray
    theta: FloatArray
    zero: FloatArray
    _stacks: tuple[_Stack, ...] = dataclasses.field(repr=False)
    outcome: NDArray[np.str_] = dataclasses.field(default_factory=lambda: np.array("end"))
    reached: FloatArray = dataclasses.field(default_factory=lambda: np.array(np.inf))
    notes: tuple[tuple[str, ...], ...] = ()

    @property
    def summary(self) -> str:
        """How many solutions there are, and how they end."""
        solutions = f"{counted(self.zero.size, 'solution')} in {counted(self.theta.shape[-1], 'parameter')}"
        outcomes = ", ".join(dict.fromkeys(self.outcome.ravel().tolist()))
        return f"{solutions} at {counted(len(self.times), 'time')}; {outcomes}"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym flow --json`` prints it; of many starts, everything has the starts' shape."""
        notes = [list(one) for one in self.notes]
        return {
            "times": plain(self.times),
            "theta": plain(self.theta),
            "zero": plain(self.zero),
            "outcome": plain(self.outcome),
            "reached": plain(self.reached),
            "notes": notes[0] if self.zero.ndim == 0 and notes else notes,
        }

    def at(self, times: ArrayLike) -> FloatArray:
        """Return theta at other times between the first and the last, by the solver's interpolant.

        Times of shape (k,) give (..., k, d), one time gives (..., d).

        Raises
        ------
        InputError
            If a time lies outside.
        """
        asked = np.asarray(times, dtype=np.float64)
        if not ((asked >= self.times[0]) & (asked <= self.times[-1])).all():
            raise InputError(f"flow.at: times must lie between {self.times[0]:g} and {self.times[-1]:g}")
        d = self.theta.shape[-1]
        return _sampled(self._stacks, asked.ravel(), self.zero.size, d).reshape(*self.zero.shape, *asked.shape, d)


@checked_arguments
def flow(
    field: AdamField,
    theta0: ArrayLike,
    times: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    failing: Failing = "raise",
    budget: int = BUDGET,
) -> Flow:
    """Return the solutions of theta' = f(theta), theta(times[0]) = theta0, at ``times``, for one start or many.

    Neighbouring starts are stacked into one system with block-diagonal Jacobian for LSODA (Petzold 1983), which changes
    by itself to an implicit method where f changes over distances of eps, as it does next to interpolating minima. Its
    norm is a weighted maximum (ODEPACK's vmnorm), so that every entry of every start meets the tolerance by itself.
    Many starts cost a fraction of one at a time, unless most turn sharply, each at a time of its own.

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

    Raises
    ------
    InputError
        If a shape, a time or the tolerance is wrong; and for a failing start.
    """
    require_everywhere(field.problem, "flow")
    starts = field.problem.points(theta0)
    asked = np.asarray(times, dtype=np.float64)
    if asked.ndim != 1 or len(asked) < 2 or not np.isfinite(asked).all() or not (np.diff(asked) > 0).all():
        raise InputError("flow: times must be at least two finite, increasing numbers")
    check_tolerance(tolerance, "flow")
    check_integers("flow", {"budget": (budget, 1)})
    flat = starts.reshape(-1, field.problem.dimension)
    stacks = tuple(_stacks(field, flat, (float(asked[0]), float(asked[-1])), tolerance, failing, budget))
    return _gathered(stacks, asked, flat, starts.shape[:-1])


def _gathered(stacks: tuple[_Stack, ...], asked: FloatArray, flat: FloatArray, shape: tuple[int, ...]) -> Flow:
    zero, reached = np.empty(len(flat)), np.full(len(flat), asked[-1])
    outcome = np.full(len(flat), "end", dtype="<U7")
    notes: list[tuple[str, ...]] = [()] * len(flat)
    for stack in stacks:
        zero[stack.which] = stack.zero
        outcome[stack.which] = np.where(np.isnan(stack.zero), "end", "zero")
        if stack.path is not None:
            [k] = stack.which
            outcome[k], notes[k] = stack.path.outcome, tuple(stack.path.notes)
            if stack.path.outcome in UNFINISHED:
                reached[k] = stack.path.ends[-1]
    theta = _sampled(stacks, asked, *flat.shape)
    return Flow(
        asked,
        theta.reshape(*shape, *theta.shape[1:]),
        zero.reshape(shape),
        stacks,
        outcome.reshape(shape),
        reached.reshape(shape),
        tuple(notes),
    )


def about_solution(found: Flow) -> list[str]:
    """Return how the solution of a single start ends, and what was done on the way."""
    outcomes = {
        "end": "no zero reached",
        "zero": f"at a zero (max |f| <= 1e-10) from time {found.zero:.6g} on",
        "kink": "no zero reached",
        "budget": f"undecided: followed until time {found.reached:.6g} only",
        "stopped": f"undecided: followed until time {found.reached:.6g} only",
    }
    return [outcomes[found.outcome.item()], *(note for notes in found.notes for note in notes)]


def check_tolerance(tolerance: float, caller: str) -> None:
    """Raise InputError unless LSODA can meet the relative tolerance in float64."""
    if not 1e-12 <= tolerance <= 1e-2:
        raise InputError(f"{caller}: tolerance {tolerance} is not allowed; allowed are numbers from 1e-12 to 1e-2")


def _stacks(
    field: AdamField, starts: FloatArray, span: tuple[float, float], tolerance: float, failing: Failing, budget: int
) -> Iterator[_Stack]:
    """Solutions of groups of starts; of single starts where a group does not go well together, or f may jump."""
    jumps = kink_surfaces(field.problem) is not None
    for group in _neighbours(starts, np.arange(len(starts))):
        if len(group) > 1 and not jumps:
            try:
                yield _solved(field, starts, group, span, tolerance)
                continue
            except InputError:
                pass
        for alone in group:
            try:
                yield _followed(field, starts[alone], alone, span, tolerance, budget)
            except InputError as error:
                start = starts[alone]
                if failing == "raise":
                    more = ", ..." if len(start) > 6 else ""
                    raise InputError(f"flow from {', '.join(f'{x:.6g}' for x in start[:6])}{more}: {error}") from None
                yield _nowhere(alone, span[0])


def _followed(
    field: AdamField, start: FloatArray, which: np.intp, span: tuple[float, float], tolerance: float, budget: int
) -> _Stack:
    path = follow(field, start, span, tolerance, budget)
    zero = path.ends[-1] if path.outcome == "zero" else np.nan
    return _Stack(np.array([which]), lambda times: path.at(times)[None], np.array([zero]), path)


def _nowhere(which: np.intp, begin: float) -> _Stack:
    """No solution at all."""
    path = Path([begin], [], np.array([]), "stopped", ["the gradient is not finite on the way"])
    return _Stack(np.array([which]), lambda times: np.full((1, len(times), 1), np.nan), np.array([np.nan]), path)


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
) -> _Stack:
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

    return _Stack(which, at, zero)


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


def _sampled(stacks: tuple[_Stack, ...], times: FloatArray, n: int, d: int) -> FloatArray:
    """All n solutions at times (k,), shape (n, k, d)."""
    result = np.empty((n, len(times), d))
    for stack in stacks:
        for begin in range(0, len(times), TIMES_AT_ONCE):
            part = slice(begin, begin + TIMES_AT_ONCE)
            result[stack.which, part] = stack.at(times[part])
    return result
