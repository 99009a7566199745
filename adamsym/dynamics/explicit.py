"""One solution of theta' = f(theta) for many parameters, by explicit methods: no array of d x d, and no past kept.

f is bounded and its slopes are moderate away from interpolation: for networks the largest eigenvalue of Df is some
tens, so that explicit steps of about 0.1 are stable. The solution is kept at the times asked for, and nowhere else.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import scipy.integrate

from adamsym.dynamics.path import AT_ZERO
from adamsym.dynamics.solutions import Stack
from adamsym.dynamics.steps import Outcome, bisected
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField

Explicit = Literal["RK23", "RK45"]
"""The methods of Bogacki and Shampine (1989), and of Dormand and Prince (1980), as SciPy has them."""


class _Spent(Exception):
    """The budget of evaluations is spent."""


def follow_explicitly(
    field: AdamField,
    start: FloatArray,
    which: np.intp,
    asked: FloatArray,
    tolerance: float,
    budget: int,
    method: Explicit,
) -> Stack:
    """Return the solution from one start (d,) at the times ``asked`` (k,), with at most ``budget`` evaluations of f.

    Raises
    ------
    InputError
        If a gradient on the way is not finite.
    """
    walk = _Walk(field, start, asked, budget)
    try:
        walk.go(method, tolerance)
    except _Spent:
        lately = "" if np.isnan(walk.length) else f", where steps are {walk.length:.2g} long"
        walk.end("budget", f"the budget of {budget} evaluations is spent at time {walk.time:.6g}{lately}")
    return Stack(
        np.array([which]),
        walk.kept(),
        np.array([walk.time if walk.outcome == "zero" else np.nan]),
        walk.outcome,
        walk.time,
        tuple(walk.notes),
    )


class _Walk:
    """Where a solution is, and where it was at the times asked for."""

    def __init__(self, field: AdamField, start: FloatArray, asked: FloatArray, budget: int) -> None:
        self.field, self.asked, self.left = field, asked, budget
        self.time, self.state = float(asked[0]), start
        self.states = np.full((len(asked), len(start)), np.nan)
        self.states[0], self.filled = start, 1
        self.outcome: Outcome = "end"
        self.notes: list[str] = []
        self.length = np.nan

    def velocity(self, _: float, theta: FloatArray) -> FloatArray:
        if self.left < 1:
            raise _Spent
        self.left -= 1
        return self.field(theta)

    def go(self, method: Explicit, tolerance: float) -> None:
        kind = {"RK23": scipy.integrate.RK23, "RK45": scipy.integrate.RK45}[method]
        solver = kind(self.velocity, self.time, self.state, self.asked[-1], rtol=tolerance, atol=tolerance / 1000)
        if self.is_at_zero(solver.f):
            self.rest()
        while self.outcome == "end" and solver.status == "running":
            if (reason := solver.step()) is not None:
                self.end("stopped", f"stopped at time {self.time:.6g}: {reason}")
                return
            self.length = float(solver.t) - self.time
            dense = solver.dense_output()
            zero = self.is_at_zero(solver.f)
            end = bisected(self.reaches_zero, dense, self.time, float(solver.t)) if zero else float(solver.t)
            self.fill(dense, end)
            self.time, self.state = end, np.asarray(dense(end)) if zero else solver.y.copy()
            if zero:
                self.rest()

    def is_at_zero(self, value: FloatArray) -> bool:
        return bool(np.abs(value).max() <= AT_ZERO)

    def reaches_zero(self, theta: FloatArray) -> bool:
        return self.is_at_zero(self.velocity(0.0, theta))

    def fill(self, dense: scipy.integrate.DenseOutput, end: float) -> None:
        """Keep the solution at the times asked for, up to ``end``."""
        while self.filled < len(self.asked) and self.asked[self.filled] <= end:
            self.states[self.filled] = dense(self.asked[self.filled])
            self.filled += 1

    def rest(self) -> None:
        """Stay where it is at all later times."""
        self.outcome = "zero"
        self.states[self.asked >= self.time] = self.state

    def end(self, outcome: Outcome, note: str) -> None:
        self.outcome = outcome
        self.notes.append(note)

    def kept(self) -> Callable[[FloatArray], FloatArray]:
        """The solution as a function of the times at which it is known, the last of them included."""
        known, states = np.append(self.asked, self.time), np.vstack([self.states, self.state])

        def at(times: FloatArray) -> FloatArray:
            places = [np.flatnonzero(known == time) for time in times]
            if not all(map(len, places)):
                raise InputError("flow.at: by RK23 and RK45 theta is known at the times asked for, and at no others")
            return states[np.array([place[0] for place in places], dtype=np.intp)][None]

        return at
