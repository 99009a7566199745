"""Where the loss is proven to be a strict Lyapunov function of theta' = f(theta): <grad L, f> < 0 off the minima."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.boxes import Box, Point
from adamsym.certify.exact_points import vanishes
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.lyapunov.box_task import LyapunovTask
from adamsym.certify.lyapunov.given_function import GivenFunctionTask
from adamsym.certify.minima import common_minima
from adamsym.certify.outcomes import SPENT, STOPPED, Decrease, LyapunovOutcome, Undecided, Witness
from adamsym.certify.results import region_dict, region_summary
from adamsym.certify.search import Search, search, starting_box
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.expressions.results import Result, ends_of, own_names
from adamsym.field import AdamField
from adamsym.gradients import Problem, SymbolicGradient, VectorField
from adamsym.gradients.problem import require_loss
from adamsym.methods import Method
from adamsym.methods.kernels import supposition

Verdict = Literal["certified", "refuted", "undecided"]


@dataclass(frozen=True, repr=False)
class LyapunovRegion(Result):
    """What is certified about <grad L, f> in ``region``.

    ``certified``: it is negative in all of the region but where every row's gradient vanishes. ``refuted``: it is
    positive at ``witness``, proven by ``witness_bounds``. ``undecided``: some boxes are left. ``rate`` is a proven c
    with -<grad L, f> >= c L on the certified boxes, so that L decays at least like exp(-c t) while the flow stays
    there; None if L is not proven to be bounded by what decreases, as next to a minimum where L is not proven to be 0.
    At each of ``minima`` the gradients of all rows are exactly 0. ``leaves`` lists all boxes with what is proven of
    each. ``examined`` counts the boxes examined, ``operations`` those on balls that they took. ``stopped``: the search
    was told to stop. ``source`` gives the gradients of f: ``problem`` itself, but for a Lyapunov function of the user's
    own, which then is the loss of ``problem``.
    """

    problem: Problem
    source: SymbolicGradient
    adam: Method
    region: FloatArray
    minima: tuple[Point, ...]
    witness: FloatArray | None
    witness_bounds: tuple[float, float] | None
    leaves: tuple[tuple[Box, LyapunovOutcome], ...]
    undecided: tuple[Box, ...]
    examined: int
    operations: int = 0
    stopped: bool = False

    @property
    def supposes(self) -> str | None:
        """What the proofs suppose, of a kernel that is not built in; None if nothing."""
        form = self.adam.laplace
        return None if form is None else supposition(form.kernel.name)

    @property
    def verdict(self) -> Verdict:
        """Whether the region is certified, refuted or undecided."""
        if self.witness is not None:
            return "refuted"
        return "undecided" if self.undecided else "certified"

    @property
    def certified(self) -> tuple[tuple[Box, Decrease], ...]:
        """The certified boxes with their proofs."""
        return tuple((box, outcome) for box, outcome in self.leaves if isinstance(outcome, Decrease))

    @property
    def share(self) -> float:
        """The certified boxes' share of the region's volume."""
        # Side by side, and halved where a width is out of range: no volume is.
        with np.errstate(over="ignore"):
            scale = 1.0 if np.isfinite(np.ptp(self.region, axis=1)).all() else 0.5
            sides = np.ptp(scale * self.region, axis=1)
            shares = [np.prod(np.ptp(scale * np.array(box), axis=1) / sides) for box, _ in self.certified]
        return float(sum(shares))

    @property
    def rate(self) -> float | None:
        """The decay rate proven on the certified boxes."""
        return _least(outcome.rate for _, outcome in self.certified)

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        return region_summary(self)

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each box: its ends, what is proven of it, and the rate."""
        outcomes = [outcome for _, outcome in self.leaves]
        return {
            **ends_of([box for box, _ in self.leaves], own_names(names, self.problem.names)),
            "verdict": ["certified" if isinstance(one, Decrease) else "undecided" for one in outcomes],
            "rate": [one.rate if isinstance(one, Decrease) else None for one in outcomes],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym lyapunov --json`` prints it."""
        return region_dict(self)


def _least(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return min(known) if known and len(known) == len(listed) else None


@checked_arguments
def certify_lyapunov(
    field: AdamField,
    region: ArrayLike,
    *,
    minima: Sequence[Sequence[Number]] | None = None,
    budget: int = 20_000,
    executor: Executor | int | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
    stop: Callable[[], bool] = lambda: False,
) -> LyapunovRegion:
    """Prove that <grad L, f> < 0 in a region but at the minima, or give a point where it is positive.

    Of a vector field with a function of its own, ``lyapunov``, the same for this V in place of L: <grad V, f> < 0 in
    all of the region, by enclosures alone. A region that holds a zero of f is undecided then.

    Whole boxes are settled by the sign lemma (N-Lemma 4); next to minima of all rows at once by the same lemma or
    N-Theorem 1, 2(b) or 6 for the gradients divided by what vanishes; others by enclosures of <grad L, f>.

    Parameters
    ----------
    field
        The field, of a loss.
    region
        Lower and upper end of each parameter, shape (d, 2).
    minima
        Points where every row's gradient vanishes exactly, if isolated; found by a search if omitted. Curves of minima
        are seen where all rows' gradients share a polynomial factor.
    budget
        Most boxes to examine, one that takes more than 250,000 operations on balls counted like several; those beyond
        are undecided.
    executor, journal, progress, stop
        See :func:`adamsym.certify.search.search`.

    Raises
    ------
    InputError
        For a bad region, gradients without expressions, continuous data without a closed form, minima that are
        none, or a journal of another search.
    """
    function = FieldFunction(field)
    text = function.problem.lyapunov_text if isinstance(function.problem, VectorField) else None
    if text is None:
        require_loss(function.problem, "a Lyapunov region")
    whole, start = starting_box(function, region, "region")
    if not (whole[:, 0] < whole[:, 1]).all() or budget < 1:
        raise InputError(
            "region: each parameter needs a lower end below its upper end, and the budget must be positive"
        )
    task = _loss_task(function, whole, start, minima) if text is None else GivenFunctionTask(function, start, (), text)
    return _gathered(task, whole, search(task, start, budget, executor, journal, progress, stop))


def _loss_task(
    function: FieldFunction, whole: FloatArray, start: Box, minima: Sequence[Sequence[Number]] | None
) -> LyapunovTask:
    problem = require_loss(function.problem, "a Lyapunov region")
    points = common_minima(problem, whole) if minima is None else _exact_minima(problem, minima)
    return LyapunovTask(function, start, tuple(points))


def _exact_minima(problem: Problem, minima: Sequence[Sequence[Number]]) -> list[Point]:
    points = []
    for k, point in enumerate(minima):
        if len(point) != problem.dimension:
            raise InputError(f"minima[{k}]: {len(point)} numbers; give one for each of {problem.dimension} parameters")
        exact = tuple(exact_rational(x, f"minima[{k}]") for x in point)
        if not vanishes(problem, exact):
            raise InputError(f"minima[{k}]: the gradients of the rows do not all vanish there, or not provably")
        points.append(exact)
    return points


def _gathered(task: LyapunovTask, whole: FloatArray, found: Search[LyapunovOutcome]) -> LyapunovRegion:
    first = next((outcome for _, outcome in found.leaves if isinstance(outcome, Witness)), None)
    reason = STOPPED if found.stopped else SPENT
    reason = reason if first is None else "the witness against the region ended the search"
    other = Undecided("<grad L, f> is positive in it, and at the witness too")
    leaves = [
        (box, other if isinstance(outcome, Witness) and outcome is not first else outcome)
        for box, outcome in found.leaves
    ]
    leaves += [(box, Undecided(reason)) for box in found.left]
    return LyapunovRegion(
        task.problem,
        task.function.problem,
        task.function.method,
        whole,
        task.minima,
        None if first is None else np.array(first.point),
        None if first is None else first.bounds,
        tuple(leaves),
        tuple(box for box, outcome in leaves if isinstance(outcome, Undecided)),
        found.examined,
        found.operations,
        found.stopped,
    )
