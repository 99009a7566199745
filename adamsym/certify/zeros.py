"""All zeros of the Adam field in a box, each proven to be there and alone; the rest of the box proven free of zeros."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.krawczyk import certified_zero, direction_without_zero, stability_of
from adamsym.certify.search import Box, Outcome, Search, Task, search
from adamsym.certify.signs import proven_sign
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.balls import ball_arithmetic
from adamsym.field.enclosure import BoxEnclosure, checked_boxes, field_over, gradient_laws, hulls
from adamsym.optimizer import Adam, require_adam
from adamsym.problem import Problem
from adamsym.problem.record import problem_from_record, problem_record

TOLERANCE = 1e-13
"""Accuracy of the enclosures during the search."""

SMALLEST_SHARE = 2.0**-48
"""Boxes narrower than this share of the first one are split no further."""

Stability = Literal["attracting", "repelling", "saddle", "undecided"]


@dataclass(frozen=True)
class Zero:
    """A certified zero of f.

    Exactly one zero lies in ``unique_in``, and it lies in ``box``; both have shape (d, 2). ``stability`` is that of
    theta' = f(theta) there: all eigenvalues of Df with negative real part (attracting), positive (repelling), some of
    each (saddle), or undecided.
    """

    box: FloatArray
    unique_in: FloatArray
    preconditioner: FloatArray
    stability: Stability

    @property
    def midpoint(self) -> FloatArray:
        """The middle of ``box``, shape (d,)."""
        return np.asarray(self.box[:, 0] + (self.box[:, 1] - self.box[:, 0]) / 2)


@dataclass(frozen=True)
class Zeros:
    """What is certified about the zeros of f in ``box``.

    Every point of the box is in a box that is proven free of zeros, in the ``unique_in`` of one of ``zeros``, or in one
    of ``undecided``. ``leaves`` lists all boxes with the proof of each, for the certificate. A zero whose own box
    reaches over the edge of the box searched may lie outside.
    """

    problem: Problem
    adam: Adam
    box: FloatArray
    zeros: tuple[Zero, ...]
    undecided: tuple[Box, ...]
    leaves: tuple[tuple[Box, Outcome], ...]
    examined: int

    @property
    def complete(self) -> bool:
        """Whether nothing is undecided."""
        return not self.undecided


def find_zeros(
    field: AdamField,
    box: ArrayLike,
    *,
    width: float = 1e-10,
    budget: int = 20_000,
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
) -> Zeros:
    """Return every zero of f in a box, certified; what could not be decided is listed.

    Boxes are excluded by the sign lemma (N-Lemma 1) or an enclosure of y f over the box for some vector y; zeros are
    proven by Krawczyk's operator. Where zeros form a curve, as at interpolation, boxes around it stay undecided.

    Parameters
    ----------
    field
        The field, of a loss without kinks and an empirical law.
    box
        Lower and upper end of each parameter, shape (d, 2).
    width
        Wanted width of the boxes around zeros.
    budget
        Most boxes to examine; those beyond are undecided.
    executor, journal, progress
        See :func:`adamsym.certify.search.search`.

    Raises
    ------
    InputError
        For a bad box, a loss with kinks, a continuous law, or a journal of another search.
    """
    adam = require_adam(field.adam, "a search for zeros")
    whole = np.asarray(box, dtype=np.float64)
    if whole.ndim != 2:
        raise InputError(f"box: shape {whole.shape} is not allowed; give ({field.problem.dimension}, 2)")
    checked_boxes(field.problem, whole)
    if not field.problem.is_smooth:
        raise InputError("problem.loss: a search for zeros needs a loss without Abs, Max or Min")
    if not (width > 0 and budget > 0):
        raise InputError(f"width, budget: {width}, {budget} are not allowed; both must be positive")
    start: Box = tuple((float(low), float(high)) for low, high in whole)
    arguments = {"problem": problem_record(field.problem, adam), "start": start, "width": width}
    found = search(Task(examine, json.dumps(arguments)), start, budget, executor, journal, progress)
    return _gathered(field.problem, adam, whole, found)


def _gathered(problem: Problem, adam: Adam, whole: FloatArray, found: Search) -> Zeros:
    zeros: list[Zero] = []
    undecided = list(found.left)
    leaves: list[tuple[Box, Outcome]] = []
    for box, outcome in found.leaves:
        if outcome["by"] == "zero":
            zero = _zero_of(outcome)
            number = next((k for k, known in enumerate(zeros) if _same(zero, known)), len(zeros))
            if number == len(zeros):
                zeros.append(zero)
            # The box lies in its own zero's region of uniqueness: that is what proves it.
            leaves.append((box, outcome | {"zero": number}))
        else:
            leaves.append((box, outcome))
            if outcome["by"] == "undecided":
                undecided.append(box)
    leaves += [(box, {"by": "undecided", "reason": "the budget is spent"}) for box in found.left]
    inside = tuple(zero for zero in zeros if _overlap(zero.box, whole))
    return Zeros(problem, adam, whole, inside, tuple(undecided), tuple(leaves), found.examined)


def _zero_of(outcome: Outcome) -> Zero:
    return Zero(
        np.array(outcome["box"]),
        np.array(outcome["unique_in"]),
        np.array(outcome["preconditioner"]),
        outcome["stability"],
    )


def _same(one: Zero, other: Zero) -> bool:
    """Whether two zeros are one: the first's box lies where the other is alone."""
    return _within(one.box, other.unique_in) or _within(other.box, one.unique_in)


def _within(inner: FloatArray, outer: FloatArray) -> bool:
    return bool((outer[:, 0] <= inner[:, 0]).all() and (inner[:, 1] <= outer[:, 1]).all())


def _overlap(one: FloatArray, other: FloatArray) -> bool:
    return bool((one[:, 0] <= other[:, 1]).all() and (other[:, 0] <= one[:, 1]).all())


@lru_cache(maxsize=4)
def _read(arguments: str) -> tuple[Problem, Adam, Box, float]:
    given: dict[str, Any] = json.loads(arguments)
    problem, adam = problem_from_record(given["problem"])
    return problem, adam, tuple((low, high) for low, high in given["start"]), given["width"]


def examine(arguments: str, box: Box) -> Outcome:
    """Say what is proven about the zeros in one box; for worker processes."""
    problem, adam, start, width = _read(arguments)
    with ball_arithmetic():
        return _examine(problem, adam, box, start, width)


def _examine(problem: Problem, adam: Adam, box: Box, start: Box, width: float) -> Outcome:
    sides = np.array(box)
    try:
        laws = gradient_laws(problem, hulls(sides), slopes=False)
    except InputError:
        return _split(box, start, None, "the gradient is not bounded over the box")
    for i, law in enumerate(laws):
        if proven_sign(law, adam):
            return {"by": "sign", "coordinate": i}
    over = field_over(problem, adam, hulls(sides), slopes=True, tolerance=TOLERANCE)
    center = field_over(problem, adam, middles(sides), slopes=False, tolerance=TOLERANCE).value
    direction = direction_without_zero(over, center, sides)
    if direction is not None:
        return {"by": "direction", "direction": direction}
    zero = certified_zero(problem, adam, sides, over, width)
    if zero is not None:
        stability, matrix = stability_of(zero.jacobian)
        return {
            "by": "zero",
            "box": zero.box.tolist(),
            "unique_in": zero.unique_in.tolist(),
            "preconditioner": zero.preconditioner.tolist(),
            "stability": stability,
            "stability_matrix": matrix,
        }
    return _split(box, start, over, "Df may be singular: a curve of zeros, as at interpolation, or a multiple zero")


def middles(sides: FloatArray) -> list[flint.arb]:
    """Return the midpoint of a box, as exact balls."""
    return [flint.arb(float(low) + (float(high) - float(low)) / 2) for low, high in sides]


def _split(box: Box, start: Box, over: BoxEnclosure | None, reason: str) -> Outcome:
    shares = [(high - low) / (b - a) if b > a else 0.0 for (low, high), (a, b) in zip(box, start, strict=True)]
    if max(shares) <= SMALLEST_SHARE:
        return {"by": "undecided", "reason": reason}
    return {"by": "split", "axis": _axis(box, shares, over)}


def _axis(box: Box, shares: Sequence[float], over: BoxEnclosure | None) -> int:
    """The side that makes f vary most, but none that is far narrower than the widest."""
    candidates = [j for j, share in enumerate(shares) if share > 0.05 * max(shares)]
    if over is None or not all(entry.is_finite() for row in over.jacobian for entry in row):
        return max(candidates, key=lambda j: shares[j])
    widths = [high - low for low, high in box]
    reach = [[float(slope.abs_upper()) * w for slope, w in zip(row, widths, strict=True)] for row in over.jacobian]
    smear = [max(row[j] / (max(row) or 1.0) for row in reach) for j in range(len(box))]
    return max(candidates, key=lambda j: (smear[j], shares[j]))
