"""One solution of the projected system theta' = P f(theta) in a box, where P leaves out what would lead outwards.

Between events some parameters are held at their ends, where f points outwards, and LSODA follows the others. A free
parameter that comes to an end is held there; a held one is released once f points inwards. Both times are found by
bisection. f is continuous here: a solution exists, and it is the only one (Dupuis and Nagurney 1993).
"""

import numpy as np
import scipy.integrate
from numpy.typing import NDArray

from adamsym.dynamics.path import AT_ZERO, MISMATCH, TIGHTEST, TIGHTEST_MISMATCH
from adamsym.dynamics.projection import tangent
from adamsym.dynamics.steps import Path, bisected, step, velocity_of
from adamsym.expressions.compilation import FloatArray
from adamsym.field import AdamField

PARTS = 4
"""Of a step, at whose ends it is looked whether something has happened: a solution may leave the box and return."""

BEYOND = 1e-12
"""How far beyond its end a parameter of size 1 has left the box: the solver's absolute tolerance."""

DECIDED = 1e-8
"""Speeds and eigenvalues of Df below this leave the stability of a point on the border undecided."""


class _Ended(Exception):
    """The solution is followed no further: its outcome, and the reason."""


def follow_in_box(
    field: AdamField, start: FloatArray, span: tuple[float, float], tolerance: float, budget: int, box: FloatArray
) -> Path:
    """Return the projected solution from one start (d,) in the box (d, 2), with at most ``budget`` evaluations of f.

    Raises
    ------
    InputError
        If a gradient on the way is not finite.
    """
    walk = _Walk(field, start, span, tolerance, budget, box)
    try:
        while walk.path.outcome == "end" and walk.time < span[1]:
            walk.piece(span[1])
    except _Ended as ended:
        outcome, reason = ended.args
        walk.path.outcome = outcome
        walk.path.notes.append(reason)
    return walk.path


class _Walk:
    """Where a projected solution is, and what it has come through."""

    def __init__(
        self,
        field: AdamField,
        start: FloatArray,
        span: tuple[float, float],
        tolerance: float,
        budget: int,
        box: FloatArray,
    ) -> None:
        self.field, self.box, self.tolerance, self.budget, self.left = field, box, tolerance, budget, budget
        self.low, self.high = box.T
        self.time, self.state = span[0], np.array(start)
        self.held = np.zeros(len(start), dtype=bool)
        self.path = Path([span[0]], [], self.state)

    def value(self, theta: FloatArray) -> FloatArray:
        """The field f, at a trial point outside of the box that at the nearest point in it."""
        if self.left < 1:
            raise _Ended("budget", f"the budget of {self.budget} evaluations is spent at time {self.time:.6g}")
        self.left -= 1
        return self.field(np.clip(theta, self.low, self.high))

    def velocity(self, _: float, theta: FloatArray) -> FloatArray:
        return np.where(self.held, 0.0, self.value(theta))

    def jacobian(self, _: float, theta: FloatArray) -> FloatArray:
        self.left -= len(theta)
        slopes = self.field.jacobian(np.clip(theta, self.low, self.high))
        return np.where(self.held[:, None], 0.0, slopes)

    def piece(self, end: float) -> None:
        """Follow the solution until a parameter comes to the border or leaves it, or all comes to rest."""
        value = self.value(self.state)
        along = tangent(value, self.state, self.box)
        self.held = along != value
        if np.abs(along).max() <= AT_ZERO:
            self.rest(value)
            return
        solver = scipy.integrate.LSODA(
            self.velocity,
            self.time,
            self.state,
            end,
            jac=self.jacobian if self.field.problem.has_jacobians else None,
            rtol=self.tolerance,
            atol=self.tolerance / 1000,
        )
        while solver.status == "running":
            reason = step(solver) or self.mismatch(solver)
            if reason is not None:
                self.tighten(reason)
                return
            dense, happened = solver.dense_output(), False
            for until in np.linspace(self.time, solver.t, PARTS + 1)[1:]:
                happened, time = self.happens(dense(until)), float(until)
                if happened:
                    time = bisected(self.happens, dense, self.time, time)
                    break
                self.time = time
            self.time, self.state = time, np.clip(dense(time), self.low, self.high)
            self.path.pieces.append(dense)
            self.path.ends.append(time)
            self.path.rest = self.state
            if happened:
                return

    def happens(self, theta: FloatArray) -> bool:
        """Whether a free parameter is beyond its end, f leads a held one inwards, or all is at rest."""
        allowed = BEYOND * np.maximum(1.0, np.abs(theta))
        if (~self.held & ((theta < self.low - allowed) | (theta > self.high + allowed))).any():
            return True
        value = self.value(theta)
        released = tangent(value, self.state, self.box)[self.held] != 0
        return bool(released.any() or np.abs(value[~self.held]).max(initial=0.0) <= AT_ZERO)

    def mismatch(self, solver: scipy.integrate.LSODA) -> str | None:
        """Whether the solver moves otherwise than f says, as a sentence."""
        allowed = MISMATCH if self.tolerance > TIGHTEST else TIGHTEST_MISMATCH
        off = np.abs(velocity_of(solver) - self.velocity(0.0, solver.y)).max()
        return None if off <= allowed * self.field.step_bound else "the solver's velocity is not the field's"

    def tighten(self, reason: str) -> None:
        if self.tolerance <= TIGHTEST:
            raise _Ended("stopped", f"stopped at time {self.time:.6g}: {reason}, at tolerance {self.tolerance:g}")
        self.path.notes.append(f"the tolerance is {TIGHTEST:g} from time {self.time:.6g} on ({reason})")
        self.tolerance = TIGHTEST

    def rest(self, value: FloatArray) -> None:
        self.path.rest = self.state
        if not self.held.any():
            self.path.outcome = "zero"
            return
        self.path.outcome = "border"
        named = zip(self.field.problem.names, self.state, self.held, strict=True)
        ends = ", ".join(f"{name} = {x:.6g}" for name, x, held in named if held)
        self.path.notes.append(
            f"it rests on the border from time {self.time:.6g} on, where f points outwards in {ends}; "
            f"{border_stability(self.field, self.state, value, self.held)}"
        )


def border_stability(field: AdamField, theta: FloatArray, value: FloatArray, held: NDArray[np.bool_]) -> str:
    """Return whether a stationary point of the projected system attracts, by floating point, as words.

    It does if f points outwards strictly where a parameter is held, for then all nearby solutions come to the same ends
    in finite time, and the block of Df of the free parameters is stable.
    """
    if np.abs(value[held]).min() <= DECIDED or not field.problem.has_jacobians:
        return "its stability is undecided"
    free = np.flatnonzero(~held)
    if not len(free):
        return "it is attracting"
    largest = float(np.linalg.eigvals(field.jacobian(theta)[np.ix_(free, free)]).real.max())
    if abs(largest) <= DECIDED:
        return "its stability is undecided"
    return "it is attracting" if largest < 0 else "it is not attracting"
