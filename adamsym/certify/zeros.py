"""All zeros of the Adam field in a box, each proven to be there and alone; the rest of the box proven free of zeros."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.krawczyk import certified_zero, direction_without_zero, middle, stability_of
from adamsym.certify.search import NOT_REAL, Box, Outcome, Search, Task, search, starting_box
from adamsym.certify.signs import proven_sign
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.balls import ball_arithmetic, outward
from adamsym.field.enclosure import BoxEnclosure, field_over, gradient_laws, hulls
from adamsym.optimizer import Adam, require_adam
from adamsym.problem import Problem
from adamsym.problem.record import problem_from_record, problem_record

TOLERANCE = 1e-9
"""Accuracy of the enclosures during the search."""

SMALLEST_SHARE = 2.0**-48
"""Boxes narrower than this share of the first one are split no further."""

Stability = Literal["attracting", "repelling", "saddle", "undecided"]


@dataclass(frozen=True)
class Zero:
    """A certified zero of f.

    It lies in ``box``, shape (d, 2), and is the only zero in each of ``regions``: boxes, each with the preconditioner Y
    for which Krawczyk's operator maps it into its inside, as ``preconditioner`` does for ``box``. ``stability`` is that
    of theta' = f(theta) there: all eigenvalues of Df with negative real part (attracting), positive (repelling), some
    of each (saddle), or undecided; ``stability_matrix`` proves it. ``gradient`` bounds grad L over ``box``: (d, 2).
    """

    box: FloatArray
    preconditioner: FloatArray
    stability: Stability
    stability_matrix: FloatArray
    regions: tuple[tuple[FloatArray, FloatArray], ...]
    gradient: FloatArray

    @property
    def critical_point(self) -> Literal["no", "undecided"]:
        """Whether it is proven not to be a critical point of the loss: some dL/dtheta_i is not 0 over ``box``."""
        return "no" if ((self.gradient[:, 0] > 0) | (self.gradient[:, 1] < 0)).any() else "undecided"

    @property
    def midpoint(self) -> FloatArray:
        """The middle of ``box``, shape (d,)."""
        return middle(self.box)

    @property
    def unique_in(self) -> FloatArray:
        """The first of ``regions``: no other zero is in it, shape (d, 2)."""
        return self.regions[0][0]


@dataclass(frozen=True)
class Zeros:
    """What is certified about the zeros of f in ``box``.

    Every point of the box is in a box that is proven free of zeros, in one where a zero is alone, or in one of
    ``undecided``. ``leaves`` lists all boxes with the proof of each. A zero whose own box reaches over the edge of the
    box searched may lie outside; zeros certainly outside, but alone in a box that reaches inside, are in ``beyond``.
    """

    problem: Problem
    adam: Adam
    box: FloatArray
    zeros: tuple[Zero, ...]
    beyond: tuple[Zero, ...]
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
    whole, start = starting_box(field.problem, box, "box")
    if not (width > 0 and budget > 0):
        raise InputError(f"width, budget: {width}, {budget} are not allowed; both must be positive")
    arguments = {"problem": problem_record(field.problem, adam), "start": start, "width": width}
    found = search(Task(examine, json.dumps(arguments)), start, budget, executor, journal, progress)
    return _gathered(field.problem, adam, whole, found)


def _gathered(problem: Problem, adam: Adam, whole: FloatArray, found: Search) -> Zeros:
    proven = [_zero_of(outcome) for _, outcome in found.leaves if outcome["by"] == "zero"]
    zeros: list[Zero] = []
    for zero in proven:
        # Two boxes that meet, but not so that one zero is proven to be the other, would be counted twice.
        if not any(_alone_in(known, zero.unique_in) or _overlap(known.box, zero.box) for known in zeros):
            zeros.append(zero)
    # Those outside come last: leaves name zeros by number.
    zeros.sort(key=lambda zero: (not _overlap(zero.box, whole), *zero.midpoint))
    regions: list[list[tuple[FloatArray, FloatArray]]] = [[] for _ in zeros]
    leaves: list[tuple[Box, Outcome]] = []
    of_leaves = iter(proven)
    for box, outcome in found.leaves:
        if outcome["by"] != "zero":
            leaves.append((box, outcome))
            continue
        zero = next(of_leaves)
        number = next((k for k, known in enumerate(zeros) if _alone_in(known, zero.unique_in)), None)
        if number is None:
            leaves.append((box, {"by": "undecided", "reason": "its zero may be another's"}))
            continue
        leaves.append((box, {"by": "zero", "zero": number, "region": len(regions[number])}))
        regions[number] += zero.regions
    leaves += [(box, {"by": "undecided", "reason": "the budget is spent"}) for box in found.left]
    full = [replace(zero, regions=tuple(own)) for zero, own in zip(zeros, regions, strict=True)]
    return Zeros(
        problem,
        adam,
        whole,
        tuple(zero for zero in full if _overlap(zero.box, whole)),
        tuple(zero for zero in full if not _overlap(zero.box, whole)),
        tuple(box for box, outcome in leaves if outcome["by"] == "undecided"),
        tuple(leaves),
        found.examined,
    )


def _zero_of(outcome: Outcome) -> Zero:
    region = (np.array(outcome["unique_in"]), np.array(outcome["region_preconditioner"]))
    return Zero(
        np.array(outcome["box"]),
        np.array(outcome["preconditioner"]),
        outcome["stability"],
        np.array(outcome["stability_matrix"]),
        (region,),
        np.array(outcome["gradient"]),
    )


def _alone_in(zero: Zero, region: FloatArray) -> bool:
    """Whether a zero lies in a region; it is then the one that is alone there."""
    return bool((region[:, 0] <= zero.box[:, 0]).all() and (zero.box[:, 1] <= region[:, 1]).all())


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
    except DomainError:
        nowhere = problem.refute_domain(hulls(sides)) is not None
        return {"by": "undecided", "reason": NOT_REAL} if nowhere else _split(box, start, None, NOT_REAL)
    except InputError:
        return _split(box, start, None, "the gradient is not bounded over the box")
    for i, law in enumerate(laws):
        if proven_sign(law, adam):
            return {"by": "sign", "coordinate": i}
    points = [flint.arb(float(x)) for x in middle(sides)]
    over = field_over(problem, adam, hulls(sides), slopes=True, tolerance=TOLERANCE)
    center = field_over(problem, adam, points, slopes=False, tolerance=TOLERANCE).value
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
            "region_preconditioner": zero.region_preconditioner.tolist(),
            "stability": stability,
            "stability_matrix": matrix,
            "gradient": [outward(law.mean) for law in gradient_laws(problem, hulls(zero.box), slopes=False)],
        }
    return _split(box, start, over, "Df may be singular: a curve of zeros, as at interpolation, or a multiple zero")


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
