"""Solutions of theta' = f(theta): what :func:`adamsym.flow` returns, put together from what its solvers find."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.origin import Origin, names_in_columns
from adamsym.dynamics.steps import Outcome
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain

TIMES_AT_ONCE = 2**13

UNFINISHED: tuple[Outcome, ...] = ("budget", "stopped")
"""Outcomes of solutions that are not followed to the last time."""

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Stack:
    """The solutions of the starts numbered ``which``: ``at`` maps times (k,) to (n, k, d); ``zero`` (n,) as below.

    For a single start that was followed by itself it says how that ended, where it is known up to, and what was done.
    """

    which: Indices
    at: Callable[[FloatArray], FloatArray]
    zero: FloatArray
    outcome: Outcome | None = None
    reached: float = np.nan
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Flow(Result):
    """Solutions of theta' = f(theta), one for each start; the starts' shape is written (...).

    Attributes
    ----------
    times
        Times asked for, shape (k,), in the units of the sum of Adam's step sizes.
    theta
        The solutions there, shape (..., k, d): floating-point evidence, no bound. The solver's tolerance, relative 1e-9
        unless another was given, is that of each step and each entry; of explicit methods that of all entries' root
        mean square.
    zero
        The first times at which max |f_i| <= 1e-10, shape (...), after which theta is held fixed; nan where there is
        none. Convergence to a zero is only asymptotic: the state lies near one, and this is no proof of one.
    outcome
        How each solution ended, shape (...): "end", at the last time; "zero", at rest there; "kink", at rest on a kink
        of the loss, where the fields of both sides balance; "border", at rest on the border of the box that ``project``
        gave, where f points outwards; "budget", the evaluations allowed are spent; "stopped", it cannot be followed on.
    reached
        The time up to which each is followed, shape (...): the last time, unless it is "budget" or "stopped". After it
        theta is nan.
    notes
        For each start, in order, what was done on the way, each in a sentence: sliding along a kink, a tighter
        tolerance.
    origin
        The problem and the method; None where they are not known.
    """

    times: FloatArray
    theta: FloatArray
    zero: FloatArray
    _stacks: tuple[Stack, ...] = dataclasses.field(repr=False)
    outcome: NDArray[np.str_] = dataclasses.field(default_factory=lambda: np.array("end"))
    reached: FloatArray = dataclasses.field(default_factory=lambda: np.array(np.inf))
    notes: tuple[tuple[str, ...], ...] = ()
    origin: Origin | None = dataclasses.field(default=None, repr=False)

    @property
    def verdict(self) -> str:
        """Floating point; undecided if a solution was not followed to the end."""
        return "undecided" if set(self.outcome.ravel().tolist()) & set(UNFINISHED) else "floating point"

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

    def columns(self, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return one row for each start and time, as columns by name.

        ``start``, counted from 0 in order; ``time``; the parameters, by ``names`` or else those of the problem;
        ``outcome`` and ``reached`` of the start's solution.
        """
        taken = ("start", "time", "outcome", "reached")
        named = names_in_columns(names, self.origin, self.theta.shape[-1], taken)
        starts, times = self.zero.size, len(self.times)
        states = self.theta.reshape(starts * times, -1)
        return {
            "start": np.repeat(np.arange(starts), times),
            "time": np.tile(self.times, starts),
            **{name: states[:, k].copy() for k, name in enumerate(named)},
            "outcome": np.repeat(self.outcome.reshape(-1), times),
            "reached": np.repeat(self.reached.reshape(-1), times),
        }

    def at(self, times: ArrayLike) -> FloatArray:
        """Return theta at other times between the first and the last, by the solver's interpolant.

        Times of shape (k,) give (..., k, d), one time gives (..., d).

        Raises
        ------
        InputError
            If a time lies outside; and for explicit methods, if it is none of those asked for.
        """
        asked = np.asarray(times, dtype=np.float64)
        if not ((asked >= self.times[0]) & (asked <= self.times[-1])).all():
            raise InputError(f"flow.at: times must lie between {self.times[0]:g} and {self.times[-1]:g}")
        d = self.theta.shape[-1]
        return sampled(self._stacks, asked.ravel(), self.zero.size, d).reshape(*self.zero.shape, *asked.shape, d)


def gathered(
    stacks: tuple[Stack, ...],
    asked: FloatArray,
    flat: FloatArray,
    shape: tuple[int, ...],
    origin: Origin | None = None,
) -> Flow:
    """Return the solutions at the times asked for from starts (n, d), whose own shape is ``shape``."""
    zero, reached = np.empty(len(flat)), np.full(len(flat), asked[-1])
    outcome = np.full(len(flat), "end", dtype="<U7")
    notes: list[tuple[str, ...]] = [()] * len(flat)
    for stack in stacks:
        zero[stack.which] = stack.zero
        outcome[stack.which] = np.where(np.isnan(stack.zero), "end", "zero")
        if stack.outcome is not None:
            [k] = stack.which
            outcome[k], notes[k] = stack.outcome, stack.notes
            if stack.outcome in UNFINISHED:
                reached[k] = stack.reached
    theta = sampled(stacks, asked, *flat.shape)
    return Flow(
        asked,
        theta.reshape(*shape, *theta.shape[1:]),
        zero.reshape(shape),
        stacks,
        outcome.reshape(shape),
        reached.reshape(shape),
        tuple(notes),
        origin,
    )


def about_solution(found: Flow) -> list[str]:
    """Return how the solution of a single start ends, and what was done on the way."""
    outcomes = {
        "end": "no zero reached",
        "zero": f"at a zero (max |f| <= 1e-10) from time {found.zero:.6g} on",
        "kink": "no zero reached",
        "border": "at rest on the border of the box",
        "budget": f"undecided: followed until time {found.reached:.6g} only",
        "stopped": f"undecided: followed until time {found.reached:.6g} only",
    }
    return [outcomes[found.outcome.item()], *(note for notes in found.notes for note in notes)]


def sampled(stacks: tuple[Stack, ...], times: FloatArray, n: int, d: int) -> FloatArray:
    """Return all n solutions at times (k,), shape (n, k, d)."""
    result = np.empty((n, len(times), d))
    for stack in stacks:
        for begin in range(0, len(times), TIMES_AT_ONCE):
            part = slice(begin, begin + TIMES_AT_ONCE)
            result[stack.which, part] = stack.at(times[part])
    return result
