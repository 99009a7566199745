"""All zeros of the Adam field in a box, each proven to be there and alone; the rest of the box proven free of zeros."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.clusters import Cluster, clusters_of
from adamsym.certify.exact_points import Point, simplest_point, vanishes
from adamsym.certify.krawczyk import certified_zero, direction_without_zero, lies_in, meet, middle, stability_of
from adamsym.certify.search import NOT_REAL, Box, Outcome, Search, Task, halves, search, shares_of, starting_box
from adamsym.certify.sign_lemma import proven_sign
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import BoxEnclosure, field_over, gradient_laws, hulls
from adamsym.gradients import Problem
from adamsym.gradients.problem import require_loss
from adamsym.gradients.record import problem_from_record, problem_record
from adamsym.methods import Adam, LaplaceForm, require_adam, require_laplace

TOLERANCE = 1e-9
"""Accuracy of the enclosures during the search."""

SMALLEST_SHARE = 2.0**-40
"""Boxes narrower than this share of the first one are split no further."""

_ON_THE_BORDER = "a zero lies on the border of the box searched, or too near to it to say on which side: widen the box"

Stability = Literal["attracting", "repelling", "saddle", "undecided"]


@dataclass(frozen=True)
class Zero:
    """A certified zero of f.

    It lies in ``box``, shape (d, 2), and is the only zero in each of ``regions``: boxes, each with the preconditioner Y
    for which Krawczyk's operator maps it into its inside, as ``preconditioner`` does for ``box``. ``stability`` is that
    of theta' = f(theta) there: all eigenvalues of Df with negative real part (attracting), positive (repelling), some
    of each (saddle), or undecided; ``stability_matrix`` proves it. ``gradient`` bounds grad L over ``box``: (d, 2).
    ``point`` is the zero itself, if a rational point is found at which the gradients of all rows are exactly 0.
    """

    box: FloatArray
    preconditioner: FloatArray
    stability: Stability
    stability_matrix: FloatArray
    regions: tuple[tuple[FloatArray, FloatArray], ...]
    gradient: FloatArray
    point: Point | None

    @property
    def critical_point(self) -> Literal["yes", "no", "undecided"]:
        """Whether it is proven to be a critical point of the loss.

        It is where all rows' gradients are exactly 0, and is not where some dL/dtheta_i is not 0 over ``box``.
        """
        if self.point is not None:
            return "yes"
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

    ``zeros`` are those whose own boxes lie in the box; they are all there are if ``complete``. ``beyond`` are others
    that the search came upon: their own boxes do not lie in the box, though they may meet it; then the zero lies on its
    border or too near to it to say on which side. Every point of the box is in a box that is proven to hold no zero but
    these, or in one of ``undecided``; ``clusters`` are the undecided boxes, those that lie side by side together.
    ``leaves`` lists all boxes with the proof of each. ``stopped``: the search was told to stop.
    """

    problem: Problem
    adam: Adam
    box: FloatArray
    zeros: tuple[Zero, ...]
    beyond: tuple[Zero, ...]
    clusters: tuple[Cluster, ...]
    leaves: tuple[tuple[Box, Outcome], ...]
    examined: int
    stopped: bool

    @property
    def undecided(self) -> tuple[Box, ...]:
        """The boxes of which it is not known whether they hold other zeros than those listed."""
        return tuple(box for box, outcome in self.leaves if outcome["by"] == "undecided")

    @property
    def complete(self) -> bool:
        """Whether the zeros in the box are exactly ``zeros``: nothing is undecided."""
        return not self.undecided


@checked_arguments
def find_zeros(
    field: AdamField,
    box: ArrayLike,
    *,
    width: float = 1e-10,
    budget: int = 20_000,
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
    stop: Callable[[], bool] = lambda: False,
) -> Zeros:
    """Return every zero of f in a box, certified; what could not be decided is listed.

    Boxes are excluded by the sign lemma (N-Lemma 1) or an enclosure of y f over the box for some vector y; zeros are
    proven by Krawczyk's operator. Where zeros form a curve, as at interpolation, boxes around it stay undecided, as do
    those around a multiple zero, and around one on the box's border.

    Parameters
    ----------
    field
        The field, of a loss without kinks and an empirical law.
    box
        Lower and upper end of each parameter, shape (d, 2).
    width
        Wanted width of each side of the boxes around zeros; the share of the coordinate's size where that is below 1.
    budget
        Most boxes to examine; those beyond are undecided.
    executor, journal, progress, stop
        See :func:`adamsym.certify.search.search`.

    Raises
    ------
    InputError
        For a bad box, a loss with kinks, a continuous law, or a journal of another search.
    """
    adam = require_adam(field.adam, "a search for zeros")
    problem = require_loss(field.problem, "a search for zeros")
    whole, start = starting_box(problem, box, "box")
    if not (width > 0 and budget > 0):
        raise InputError(f"width, budget: {width}, {budget} are not allowed; both must be positive")
    arguments = {"problem": problem_record(problem, adam), "start": start, "width": width}
    found = search(Task(examine, json.dumps(arguments)), start, budget, executor, journal, progress, stop=stop)
    return _gathered(problem, adam, whole, found)


def _gathered(problem: Problem, adam: Adam, whole: FloatArray, found: Search) -> Zeros:
    proven = {number: _zero_of(outcome) for number, (_, outcome) in enumerate(found.leaves) if outcome["by"] == "zero"}
    zeros = _distinct(list(proven.values()), whole)
    inside = sum(lies_in(zero.box, whole) for zero in zeros)
    regions: list[list[tuple[FloatArray, FloatArray]]] = [[] for _ in zeros]
    leaves: list[tuple[Box, Outcome]] = []
    for number, (box, outcome) in enumerate(found.leaves):
        if number not in proven:
            leaves.append((box, outcome))
            continue
        region = proven[number].regions[0]
        k = next((k for k, known in enumerate(zeros) if lies_in(known.box, region[0])), None)
        if k is None:
            leaves.append((box, {"by": "undecided", "reason": "its zero may be one that is listed"}))
            continue
        at = {"zero": k if k < inside else k - inside, "region": len(regions[k])}
        regions[k].append(region)
        if k < inside:
            leaves.append((box, {"by": "zero", **at}))
        else:
            leaves += _next_to_the_border(box, zeros[k].box, {"by": "beyond", **at})
    left = "the search was stopped before" if found.stopped else "the budget was spent before"
    leaves += [(box, {"by": "undecided", "reason": f"{left} it was examined"}) for box in found.left]
    full = [replace(zero, regions=tuple(own)) for zero, own in zip(zeros, regions, strict=True)]
    undecided = [(box, str(outcome["reason"])) for box, outcome in leaves if outcome["by"] == "undecided"]
    clusters = clusters_of(
        problem, require_laplace(adam, "a search for zeros"), undecided, [zero.box for zero in zeros]
    )
    zeros, beyond = full[:inside], full[inside:]
    return Zeros(
        problem, adam, whole, tuple(zeros), tuple(beyond), clusters, tuple(leaves), found.examined, found.stopped
    )


def _distinct(proven: Sequence[Zero], whole: FloatArray) -> list[Zero]:
    """Zeros of which no two can be the same, in order; those whose boxes do not lie in the box searched come last."""
    zeros: list[Zero] = []
    for zero in proven:
        # Two boxes that meet, but not so that one zero is proven to be the other, would be counted twice.
        if not any(lies_in(known.box, zero.unique_in) or meet(known.box, zero.box) for known in zeros):
            zeros.append(zero)
    return sorted(zeros, key=lambda zero: (not lies_in(zero.box, whole), *zero.midpoint))


def _next_to_the_border(box: Box, zero: FloatArray, beyond: Outcome) -> list[tuple[Box, Outcome]]:
    """A box in which only one zero may be, that in the box ``zero``: halved until what may hold it is small."""
    leaves: list[tuple[Box, Outcome]] = []
    pending = [box]
    while pending:
        part = pending.pop()
        if not meet(np.array(part), zero):
            leaves.append((part, beyond))
            continue
        wide = {j: share for j, share in shares_of(part, box).items() if part[j][1] - part[j][0] > np.ptp(zero[j])}
        if wide:
            pending.extend(reversed(halves(part, max(wide, key=lambda j: wide[j]))))
        else:
            leaves.append((part, {"by": "undecided", "reason": _ON_THE_BORDER}))
    return leaves


def _zero_of(outcome: Outcome) -> Zero:
    region = (np.array(outcome["unique_in"]), np.array(outcome["region_preconditioner"]))
    return Zero(
        np.array(outcome["box"]),
        np.array(outcome["preconditioner"]),
        outcome["stability"],
        np.array(outcome["stability_matrix"]),
        (region,),
        np.array(outcome["gradient"]),
        None if outcome["point"] is None else tuple(Fraction(x) for x in outcome["point"]),
    )


@lru_cache(maxsize=4)
def _read(arguments: str) -> tuple[Problem, LaplaceForm, Box, float]:
    given: dict[str, Any] = json.loads(arguments)
    problem, method = problem_from_record(given["problem"])
    form = require_laplace(method, "a search for zeros")
    return problem, form, tuple((low, high) for low, high in given["start"]), given["width"]


def examine(arguments: str, box: Box) -> Outcome:
    """Say what is proven about the zeros in one box; for worker processes."""
    problem, form, start, width = _read(arguments)
    with ball_arithmetic():
        return _examine(problem, form, box, start, width)


def _examine(problem: Problem, form: LaplaceForm, box: Box, start: Box, width: float) -> Outcome:
    sides = np.array(box)
    try:
        laws = gradient_laws(problem, hulls(sides), slopes=False)
    except DomainError:
        nowhere = problem.refute_domain(hulls(sides)) is not None
        return {"by": "undecided", "reason": NOT_REAL} if nowhere else _split(box, start, None, NOT_REAL)
    except InputError:
        return _split(box, start, None, "the gradient is not bounded over the box")
    for i, law in enumerate(laws):
        if proven_sign(law, form):
            return {"by": "sign", "coordinate": i}
    points = [flint.arb(float(x)) for x in middle(sides)]
    over = field_over(problem, form, hulls(sides), slopes=True, tolerance=TOLERANCE)
    center = field_over(problem, form, points, slopes=False, tolerance=TOLERANCE).value
    direction = direction_without_zero(over, center, sides)
    if direction is not None:
        return {"by": "direction", "direction": direction}
    reason = "Df may be singular: a curve of zeros, as at interpolation, or a multiple zero"
    otherwise = _split(box, start, over, reason)
    last = otherwise["by"] == "undecided"
    zero = certified_zero(problem, form, sides, over, width, np.array(start), last)
    if zero is None:
        return otherwise
    stability, matrix = stability_of(zero.jacobian)
    point = simplest_point(zero.box)
    return {
        "by": "zero",
        "box": zero.box.tolist(),
        "unique_in": zero.unique_in.tolist(),
        "preconditioner": zero.preconditioner.tolist(),
        "region_preconditioner": zero.region_preconditioner.tolist(),
        "stability": stability,
        "stability_matrix": matrix,
        "gradient": [outward(law.mean) for law in gradient_laws(problem, hulls(zero.box), slopes=False)],
        "point": None if point is None or not vanishes(problem, point) else [str(x) for x in point],
    }


def _split(box: Box, start: Box, over: BoxEnclosure | None, reason: str) -> Outcome:
    shares = shares_of(box, start)
    if not shares or max(shares.values()) <= SMALLEST_SHARE:
        return {"by": "undecided", "reason": reason}
    return {"by": "split", "axis": _axis(box, shares, over)}


def _axis(box: Box, shares: dict[int, float], over: BoxEnclosure | None) -> int:
    """The side that makes f vary most, but none that is far narrower than the widest."""
    candidates = [j for j, share in shares.items() if share > 0.05 * max(shares.values())]
    if over is None or not all(entry.is_finite() for row in over.jacobian for entry in row):
        return max(candidates, key=lambda j: shares[j])
    widths = [high - low for low, high in box]
    reach = [[float(slope.abs_upper()) * w for slope, w in zip(row, widths, strict=True)] for row in over.jacobian]
    smear = [max(row[j] / (max(row) or 1.0) for row in reach) for j in range(len(box))]
    return max(candidates, key=lambda j: (smear[j], shares[j]))
