"""Steps of LSODA, the pieces of a solution that they make, and the times of events in them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import scipy.integrate

from adamsym.expressions.compilation import FloatArray

HALVINGS = 40
"""Of a step, for the time of an event: 1e-12 of the step."""

Outcome = Literal["end", "zero", "kink", "border", "budget", "stopped"]
Piece = scipy.integrate.DenseOutput


@dataclass
class Path:
    """A solution: ``pieces[k]`` holds from ``ends[k]`` to ``ends[k+1]``; what it came to, and what was done on the way.

    From the last end on it rests at ``rest``, if the outcome is "zero", "kink" or "border".
    """

    ends: list[float]
    pieces: list[Piece]
    rest: FloatArray
    outcome: Outcome = "end"
    notes: list[str] = field(default_factory=list)

    def at(self, times: FloatArray) -> FloatArray:
        """Return the states at times (k,) as (k, d); nan after the last end of a solution that came to no rest."""
        result = np.full((len(times), len(self.rest)), np.nan)
        if self.pieces:
            known = times <= self.ends[-1]
            solution = scipy.integrate.OdeSolution(self.ends, self.pieces)
            if known.any():
                result[known] = solution(times[known]).T
        later = times > self.ends[-1] if self.pieces else times >= self.ends[-1]
        if self.outcome in ("zero", "kink", "border"):
            result[later] = self.rest
        elif not self.pieces:
            result[times == self.ends[-1]] = self.rest
        return result


def step(solver: scipy.integrate.LSODA) -> str | None:
    """Take a step; return the reason where that fails."""
    with warnings.catch_warnings():
        # SciPy gives the reason for a failure as a warning only.
        warnings.filterwarnings("error", "lsoda: ", UserWarning)
        try:
            return solver.step()
        except UserWarning as reason:
            return str(reason)


def velocity_of(solver: scipy.integrate.LSODA) -> FloatArray:
    """Return the derivative of the solver's interpolant at the end of its last step."""
    dense: Any = solver.dense_output()
    return np.asarray(dense.yh[:, 1] / dense.h)


def bisected(happens: Callable[[FloatArray], bool], dense: Piece, low: float, high: float) -> float:
    """Return a time at which what happens at the state of ``high`` happens, and by the last halving not before."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if happens(np.asarray(dense(middle))):
            high = middle
        else:
            low = middle
    return high
