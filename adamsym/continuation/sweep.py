"""Sweeps: how the zeros of a field move with a number of the method, the batch size, or the data."""

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from adamsym.certify.journal import Journal, journal_of
from adamsym.continuation.axes import Axis, axes_of
from adamsym.continuation.beginnings import start_or_box
from adamsym.continuation.branches import Branch, Sweep
from adamsym.continuation.families import check_axis, field_at
from adamsym.continuation.lists import branches_over_list
from adamsym.continuation.paths import POINTS, Search, branches_over_interval
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError, NotApplicable, Stopped
from adamsym.expressions.progress import Progress
from adamsym.field import AdamField
from adamsym.gradients.source import require_everywhere
from adamsym.methods.record import method_text
from adamsym.parallel import map_tasks

MOST_PARAMETERS = 1000
"""Of the field: along an interval all columns of Df are formed."""


@checked_arguments
def sweep(
    field: AdamField,
    over: Mapping[str, Any],
    *,
    start: ArrayLike | None = None,
    box: ArrayLike | None = None,
    points: int = POINTS,
    executor: Executor | int | None = None,
    journal: str | Path | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Return how zeros of the field move as a parameter runs through an interval or a list, by number.

    Along an interval a branch is followed by its arc length, around turning points too: folds, where two zeros meet and
    vanish, and changes of the stability are located to about 1e-9. Values on a list are taken one after another, each
    from the zeros at the value before. Nothing is certified: :func:`adamsym.certify_branch` does that.

    Parameters
    ----------
    field
        The field, with the values of what is not varied.
    over
        Names with values: ``{"beta2": (0.5, 0.9999)}`` is an interval, ``{"batch_size": [1, 8, 64]}`` a list; both may
        stand side by side, and a branch is followed for each value of the list. Names are the numbers of the method,
        "batch_size", "data.x" (the column x is this number), "data.x[2]" (its row 2 is) and "data.weights[2]" (the
        probability of row 2, the others in proportion).
    start
        Where the search for a first zero begins, shape (d,).
    box
        In place of it a box, shape (d, 2): all zeros in it are certified first, at both ends of an interval, at the
        field's own value and at every value of a list; branches end where they leave the box.
    points
        About how many zeros a branch across an interval has, 4 to 10,000.
    executor
        Where the combinations of listed values are followed: a number of processes, or an executor as of
        :func:`adamsym.parallel.cluster`; the results are the same.
    journal
        A file that keeps what is finished: the same call goes on from it.
    progress
        Called with what is done, in hundredths of a combination of listed values, and what there is to do.

    Raises
    ------
    InputError
        For an unknown name, values out of range, two intervals, neither or both of start and box.
    NotApplicable
        If the field's source has no Jacobians or products, or more than 1,000 parameters.
    Stopped
        A KeyboardInterrupt with the branches of the combinations that are finished, if any is.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, sweep
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = sweep(AdamField(problem, Adam()), {"beta2": (0.9, 0.999)}, start=[1.0])
    >>> found
    <Sweep: floating point: 1 branch of zeros>
    >>> found.branches[0].zeros[[0, -1], 0].round(6)
    array([0.971862, 0.999504])
    """
    axes, search = _checked(field, over, start, box, points)
    branches, not_followed = list[Branch](), list[tuple[Mapping[str, float], str]]()
    with journal_of(_identity(field, axes, search), None if journal is None else Path(journal)) as kept:
        try:
            for found in _combinations(_Work(field, axes, search, progress), kept, executor):
                branches += [Branch.from_dict(one) for one in found["branches"]]
                not_followed += [(one["fixed"], one["reason"]) for one in found["not_followed"]]
        except KeyboardInterrupt as stop:
            partial = Sweep(field.problem.names, axes, tuple(branches), tuple(not_followed))
            raise (Stopped(partial) if branches or not_followed else stop) from None
    return Sweep(field.problem.names, axes, tuple(branches), tuple(not_followed))


def _combinations(work: "_Work", kept: Journal, executor: Executor | int | None) -> Iterator[dict[str, Any]]:
    """What is found for each choice of the listed values, from the journal or followed now."""
    known, record = kept
    combinations = list(itertools.product(*(axis.values for axis in work.axes[1:])))
    keys = [tuple((float(value), float(value)) for value in values) for values in combinations]
    waiting = [(number, len(keys), combinations[number]) for number, key in enumerate(keys) if key not in known]
    shared = work if executor is None else replace(work, progress=None)
    followed = map_tasks(_combination, waiting, shared=shared, executor=executor)
    for number, key in enumerate(keys):
        done = known.get(key)
        if done is None:
            done = next(followed)
            record(key, done)
        if work.progress is not None:
            work.progress(100 * (number + 1), 100 * len(keys))
        yield done


@dataclass(frozen=True)
class _Work:
    """What all combinations of listed values share."""

    field: AdamField
    axes: tuple[Axis, ...]
    search: Search
    progress: Progress | None


def _combination(work: _Work, task: tuple[int, int, tuple[Fraction, ...]]) -> dict[str, Any]:
    """What is found for one choice of the listed values, ready for a journal."""
    number, total, values = task
    axis, fixed = work.axes[0], dict(zip(work.axes[1:], values, strict=True))
    told = _hundredths(work.progress, number, total)
    along = branches_over_interval if axis.is_interval else branches_over_list
    named = {one.name: float(value) for one, value in fixed.items()}
    found = along(field_at(work.field, fixed), axis, named, work.search, told)
    return {
        "by": "sweep",
        "branches": [branch.to_dict() for branch in found.branches],
        "not_followed": [{"fixed": dict(fixed), "reason": reason} for fixed, reason in found.not_followed],
    }


def _checked(
    field: AdamField, over: Mapping[str, Any], start: ArrayLike | None, box: ArrayLike | None, points: int
) -> tuple[tuple[Axis, ...], Search]:
    require_everywhere(field.problem, "a sweep")
    name, d = type(field.problem).__name__, field.problem.dimension
    if not field.problem.has_products:
        raise NotApplicable(f"a sweep needs Jacobians of the rows' gradients, and {name} has none")
    if d > MOST_PARAMETERS:
        raise NotApplicable(f"a sweep follows zeros of up to {MOST_PARAMETERS} parameters; here are {d}")
    if not 4 <= points <= 10_000:
        raise InputError(f"points: {points} is not allowed; allowed are 4 to 10000")
    axes = tuple(sorted(axes_of(over), key=lambda axis: not axis.is_interval))
    for axis in axes:
        check_axis(field, axis)
    return axes, Search(*start_or_box(field, start, box, "with all zeros to begin with", flat=True), points)


def _hundredths(progress: Progress | None, number: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, whole: progress(100 * number + int(99 * done / whole), 100 * total)


def _identity(field: AdamField, axes: tuple[Axis, ...], search: Search) -> str:
    start = None if search.start is None else search.start.tolist()
    box = None if search.box is None else search.box.tolist()
    over = [(axis.name, [str(value) for value in axis.values], axis.is_interval) for axis in axes]
    about = f"{field.problem!r}\n{method_text(field.adam)}"
    return f"sweep\n{about}\n{over}\n{start}\n{box}\n{search.points}\n{field.tolerance}"
