"""All zeros of the Adam field in a box, each proven to be there and alone; the rest of the box proven free of zeros."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.box_function import BoxFunction
from adamsym.certify.boxes import Box, Point, halves, lies_in, meet, middle, shares_of, simplest_point
from adamsym.certify.epoch_function import EpochFunction, function_of
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.outcomes import (
    SPENT,
    STOPPED,
    Beyond,
    InRegion,
    InSet,
    OnlyMinima,
    Stability,
    Undecided,
    ZeroFound,
    ZeroOutcome,
)
from adamsym.certify.results import zero_summary, zeros_columns, zeros_dict, zeros_summary, zeros_table
from adamsym.certify.search import Search, search, starting_box
from adamsym.certify.zeros.clusters import Cluster, clusters_of
from adamsym.certify.zeros.minima_boxes import MinimaInBox, sets_of
from adamsym.certify.zeros.zero_task import ZeroTask
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Record, Result, own_names
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.gradients import Problem

_ON_THE_BORDER = "a zero lies on the border of the box searched, or too near to it to say on which side: widen the box"


@dataclass(frozen=True, repr=False)
class Zero(Record):
    """A certified zero of f.

    It lies in ``box``, shape (d, 2), and is the only zero in each of ``regions``: boxes, each with the preconditioner Y
    for which Krawczyk's operator maps it into its inside, as ``preconditioner`` does for ``box``. ``stability`` is that
    of theta' = f(theta) there: all eigenvalues of Df with negative real part (attracting), positive (repelling), some
    of each (saddle), or undecided; ``stability_matrix`` proves it. ``gradient`` bounds grad L over ``box``: (d, 2); it
    is None if f is no field of a loss. ``point`` is the zero itself, if a rational point is found at which f is exactly
    0: for a field, where the gradients of all rows are.
    """

    box: FloatArray
    preconditioner: FloatArray
    stability: Stability
    stability_matrix: FloatArray
    regions: tuple[tuple[FloatArray, FloatArray], ...]
    gradient: FloatArray | None
    point: Point | None

    @property
    def summary(self) -> str:
        """Where the zero is, in proven digits, and its stability."""
        return zero_summary(self)

    @property
    def critical_point(self) -> Literal["yes", "no", "undecided"] | None:
        """Whether it is proven to be a critical point of the loss; None if there is no loss.

        It is where all rows' gradients are exactly 0, and is not where some dL/dtheta_i is not 0 over ``box``.
        """
        if self.gradient is None:
            return None
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


@dataclass(frozen=True, repr=False)
class Zeros(Result):
    """What is certified about the zeros of f in ``box``.

    ``zeros`` are those whose own boxes lie in the box, and ``sets`` are sets of minima of L, of dimension 1 or more,
    all of them zeros; together they are all there are if ``complete``. ``beyond`` are others that the search came upon:
    their own boxes do not lie in the box, though they may meet it; then the zero lies on its border or too near to it
    to say on which side. Every point of the box is in a box that is proven to hold no zero but these, or in one of
    ``undecided``; ``clusters`` are the undecided boxes, those side by side together. ``leaves`` lists all boxes with
    the proof of each. ``examined`` counts the boxes examined, ``operations`` those on balls that they took.
    ``stopped``: the search was told to stop.
    """

    function: BoxFunction
    box: FloatArray
    zeros: tuple[Zero, ...]
    beyond: tuple[Zero, ...]
    clusters: tuple[Cluster, ...]
    leaves: tuple[tuple[Box, ZeroOutcome], ...]
    examined: int
    operations: int
    stopped: bool
    sets: tuple[MinimaInBox, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return self.function.names

    @property
    def undecided(self) -> tuple[Box, ...]:
        """The boxes of which it is not known whether they hold other zeros than those listed."""
        return tuple(box for box, outcome in self.leaves if isinstance(outcome, Undecided))

    @property
    def complete(self) -> bool:
        """Whether the zeros in the box are exactly ``zeros`` and the points of ``sets``: nothing is undecided."""
        return not self.undecided

    @property
    def supposes(self) -> str | None:
        """What the proofs suppose, of a kernel that is not built in; None if nothing."""
        return self.function.supposes if isinstance(self.function, FieldFunction) else None

    @property
    def verdict(self) -> str:
        """Certified if the zeros listed are all there are in the box, else undecided."""
        return "certified" if self.complete else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        return zeros_summary(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym zeros --json`` prints it."""
        return zeros_dict(self)

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each certified zero: the middle of its box, the ends, its stability, and where it is."""
        return zeros_columns((*self.zeros, *self.beyond), own_names(names, self.names)) | {
            "in_box": [True] * len(self.zeros) + [False] * len(self.beyond)
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return columns and rows for a notebook: the certified zeros."""
        return zeros_table(self)


@checked_arguments
def find_zeros(
    field: AdamField | BoxFunction,
    box: ArrayLike,
    *,
    width: float = 1e-10,
    budget: int = 20_000,
    executor: Executor | int | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
    stop: Callable[[], bool] = lambda: False,
) -> Zeros:
    """Return every zero of f in a box, certified; what could not be decided is listed.

    Boxes are excluded by the sign lemmas (N-Lemma 1, N-Lemma 4) or an enclosure of y f over the box for some vector y;
    zeros are proven by Krawczyk's operator. Where more parameters than rows fit all rows of a loss that is written as a
    square, zeros form sets of minima, and boxes are proven to hold no others. Boxes around other curves of zeros stay
    undecided, as do those around a multiple zero, and around one on the box's border.

    Parameters
    ----------
    field
        The field, of expressions; or any function that can be enclosed over boxes.
    box
        Lower and upper end of each parameter, shape (d, 2).
    width
        Wanted width of each side of the boxes around zeros; the share of the coordinate's size where that is below 1.
    budget
        Most boxes to examine, one that takes more than 250,000 operations on balls counted like several; those beyond
        are undecided.
    executor, journal, progress, stop
        See :func:`adamsym.certify.search.search`.

    Raises
    ------
    InputError
        For a bad box, gradients without expressions, continuous data without a closed form, or a journal of another
        search.
    """
    function = function_of(field)
    whole, start = starting_box(function, box, "box")
    if not (width > 0 and budget > 0):
        raise InputError(f"width, budget: {width}, {budget} are not allowed; both must be positive")
    found = search(ZeroTask(function, start, width), start, budget, executor, journal, progress, stop)
    return _gathered(function, whole, found)


def _gathered(function: BoxFunction, whole: FloatArray, found: Search[ZeroOutcome]) -> Zeros:
    """The distinct zeros with their regions, and what each leaf says of them."""
    proven = {number: _zero_of(one) for number, (_, one) in enumerate(found.leaves) if isinstance(one, ZeroFound)}
    zeros = _distinct(list(proven.values()), whole)
    inside = sum(lies_in(zero.box, whole) for zero in zeros)
    regions: list[list[tuple[FloatArray, FloatArray]]] = [[] for _ in zeros]
    leaves: list[tuple[Box, ZeroOutcome]] = []
    for number, (box, outcome) in enumerate(found.leaves):
        if number not in proven:
            leaves.append((box, outcome))
            continue
        region = proven[number].regions[0]
        k = next((k for k, known in enumerate(zeros) if lies_in(known.box, region[0])), None)
        if k is None:
            leaves.append((box, Undecided("its zero may be one that is listed")))
            continue
        regions[k].append(region)
        if k < inside:
            leaves.append((box, InRegion(k, len(regions[k]) - 1)))
        else:
            leaves += _next_to_the_border(box, zeros[k].box, Beyond(k - inside, len(regions[k]) - 1))
    sets, numbers = sets_of(function, [box for box, outcome in leaves if isinstance(outcome, OnlyMinima)])
    of_sets = iter(numbers)
    leaves = [
        (box, InSet(next(of_sets), outcome.inverse) if isinstance(outcome, OnlyMinima) else outcome)
        for box, outcome in leaves
    ]
    leaves += [(box, Undecided(STOPPED if found.stopped else SPENT)) for box in found.left]
    undecided = [(box, outcome.reason) for box, outcome in leaves if isinstance(outcome, Undecided)]
    clusters = clusters_of(function, undecided, [zero.box for zero in zeros])
    full = [replace(described(function, zero), regions=tuple(own)) for zero, own in zip(zeros, regions, strict=True)]
    zeros, beyond = full[:inside], full[inside:]
    return Zeros(
        function,
        whole,
        tuple(zeros),
        tuple(beyond),
        clusters,
        tuple(leaves),
        found.examined,
        found.operations,
        found.stopped,
        sets,
    )


def described(function: BoxFunction, zero: Zero) -> Zero:
    """Return a zero with the point that it is, if there is a simple one, and the gradient of the loss there."""
    point = simplest_point(zero.box)
    exact = point if point is not None and function.vanishes(point) else None
    if not isinstance(function, FieldFunction | EpochFunction) or not isinstance(function.problem, Problem):
        return replace(zero, point=exact)
    with ball_arithmetic():
        gradient = np.array(function.mean_gradient(zero.box))
    return replace(zero, point=exact, gradient=gradient)


def _distinct(proven: Sequence[Zero], whole: FloatArray) -> list[Zero]:
    """Zeros of which no two can be the same, in order; those whose boxes do not lie in the box searched come last."""
    zeros: list[Zero] = []
    for zero in proven:
        # Two boxes that meet, but not so that one zero is proven to be the other, would be counted twice.
        if not any(lies_in(known.box, zero.unique_in) or meet(known.box, zero.box) for known in zeros):
            zeros.append(zero)
    return sorted(zeros, key=lambda zero: (not lies_in(zero.box, whole), *zero.midpoint))


def _next_to_the_border(box: Box, zero: FloatArray, beyond: Beyond) -> list[tuple[Box, ZeroOutcome]]:
    """A box in which only one zero may be, that in the box ``zero``: halved until what may hold it is small."""
    leaves: list[tuple[Box, ZeroOutcome]] = []
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
            leaves.append((part, Undecided(_ON_THE_BORDER)))
    return leaves


def _zero_of(found: ZeroFound) -> Zero:
    region = (np.array(found.unique_in), np.array(found.region_preconditioner))
    return Zero(
        np.array(found.box),
        np.array(found.preconditioner),
        found.stability,
        np.array(found.stability_matrix),
        (region,),
        gradient=None,
        point=None,
    )
