"""Maps of where the loss is a Lyapunov function in a box: by samples, by proofs, and beside N-Theorem 6's border."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import qmc

from adamsym.certify import certify_lyapunov, certify_lyapunov_globally
from adamsym.certify.journal import Journal, journal_of
from adamsym.certify.lyapunov.decrease_constants import (
    best_sign_factor,
    fourth_moment_bound,
    growth_bound,
    root_gap,
)
from adamsym.continuation.axes import Axis
from adamsym.continuation.families import field_at
from adamsym.continuation.maps.lyapunov_map import LyapunovMap, Verdict
from adamsym.continuation.maps.mapping import POINTS, grid_axes
from adamsym.continuation.maps.nodes import Edge, Grid, Node
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable, Stopped
from adamsym.expressions.progress import Progress
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import checked_boxes
from adamsym.gradients import Empirical
from adamsym.gradients.problem import require_loss
from adamsym.gradients.source import require_everywhere
from adamsym.methods.record import method_text
from adamsym.parallel import map_tasks

SAMPLES = 256
"""Points of the box at which <grad L, f> is looked at."""

REFINED, ROUNDS = 4, 24
"""From so many of the worst samples on, worse points are sought nearby, so often."""

CLEAR = 1e-9
"""A cosine above this counts as an increase: the error of f is far smaller unless f almost vanishes."""

BOXES = 300
"""That a proof for one pair of values may examine."""

HALVINGS = 10
"""Of an edge, within which an increase begins: to a thousandth."""


@checked_arguments
def map_lyapunov(
    field: AdamField,
    over: Mapping[str, Any],
    box: ArrayLike,
    *,
    points: int = POINTS,
    certify: bool = False,
    executor: Executor | int | None = None,
    journal: str | Path | None = None,
    progress: Progress | None = None,
) -> LyapunovMap:
    """Return where the loss decreases along the flow in all of a box, over a grid of two parameters.

    For each pair of values <grad L, f> is looked at in 256 points of the box, and around the worst of them: a point at
    which L increases is evidence against it, that there is none among these is no proof. With ``certify`` the pairs at
    which no increase was found are proven where that is possible. The border is located along the edges of the grid to
    a thousandth of them.

    Parameters
    ----------
    field
        The field of a loss, with the values of what is not varied.
    over
        Two names with values, as for :func:`adamsym.map_zeros`.
    box
        Lower and upper end of each parameter, shape (d, 2). Where the gradients of single rows do not vanish at the
        minimum, f does not vanish there, and L increases next to it for all values: leave it out of the box.
    points
        Values of each interval, 2 to 1,000; there are at most 40,000 nodes.
    certify
        Whether to prove a decrease: in all of space for linear least squares, else with up to 300 boxes.
    executor, journal, progress
        As for :func:`adamsym.map_zeros`.

    Raises
    ------
    InputError
        For other than two parameters, unknown names, values that are all out of range, and a bad box.
    NotApplicable
        If the field's source has no loss.
    Stopped
        A KeyboardInterrupt with the map of what is finished, if something is.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, map_lyapunov
    >>> law = Empirical({"x": [1, -2], "y": [3, 1]}, weights=["0.01", "0.99"])
    >>> problem = Problem("(x*a + y*b)**2/2", parameters=["a", "b"], law=law)
    >>> over = {"beta1": [0.5, 0.9], "beta2": [0.9, 0.999]}
    >>> map_lyapunov(AdamField(problem, Adam()), over, [[-1, 1], [-1, 1]], certify=True).verdicts[1]
    ('increases', 'decreases')
    """
    shared = _Shared(_checked(field, over, box, points), certify)
    with journal_of(_identity(shared), None if journal is None else Path(journal)) as kept:
        return _mapped(shared, kept, executor, progress)


def _checked(field: AdamField, over: Mapping[str, Any], box: ArrayLike, points: int) -> Grid:
    require_loss(field.problem, "a map of the loss along the flow")
    require_everywhere(field.problem, "a map")
    if not 2 <= points <= 1000:
        raise InputError(f"points: {points} is not allowed; allowed are 2 to 1000")
    sides = checked_boxes(field.problem, box)
    if sides.ndim != 2 or not (np.ptp(sides, axis=1) > 0).all():
        raise InputError("box: give one box, shape (d, 2), whose sides have a length")
    return Grid(field, grid_axes(field, over, points), sides, np.inf)


def _identity(shared: "_Shared") -> str:
    grid = shared.grid
    assert grid.box is not None
    over = [(axis.name, [str(value) for value in axis.values]) for axis in grid.axes]
    one, box = grid.field, grid.box.tolist()
    return (
        f"map of decrease\n{one.problem!r}\n{method_text(one.adam)}\n{over}\n{box}\n{shared.certify}\n{one.tolerance}"
    )


def _mapped(
    shared: "_Shared", kept: Journal, executor: Executor | int | None, progress: Progress | None
) -> LyapunovMap:
    grid, (m, n) = shared.grid, shared.grid.shape
    nodes = [(i, j) for i in range(m) for j in range(n)]
    at, border = dict[Node, dict[str, Any]](), list[tuple[tuple[float, float], tuple[Node, Node]]]()
    try:
        for node, one in zip(nodes, _results(shared, nodes, kept, executor, progress), strict=True):
            at[node] = one
        if all(one["refused"] for one in at.values()):
            raise InputError(f"over: {at[nodes[0]]['refused']}")
        edges = _edges(at, grid)
        for (a, b, _), one in zip(edges, _results(shared, edges, kept, executor, None), strict=True):
            border.append((Edge(grid, a, b).values(one["share"]), (a, b)))
    except KeyboardInterrupt:
        if not at:
            raise
        raise Stopped(_map_of(grid, at, border)) from None
    return _map_of(grid, at, border)


def _map_of(
    grid: Grid, at: Mapping[Node, Mapping[str, Any]], border: Sequence[tuple[tuple[float, float], tuple[Node, Node]]]
) -> LyapunovMap:
    """The map of what is known at nodes; those that were not reached are missing."""
    (m, n), d = grid.shape, grid.field.problem.dimension
    assert grid.box is not None
    worst, witnesses = np.full((m, n), np.nan), np.full((m, n, d), np.nan)
    for node, one in at.items():
        if not one["refused"]:
            worst[node], witnesses[node] = one["worst"], one["witness"]
    verdicts = tuple(tuple(_verdict(at[i, j]) if (i, j) in at else "not reached" for j in range(n)) for i in range(m))
    return LyapunovMap(
        grid.axes, grid.box, verdicts, worst, witnesses, tuple(border), theorem_border(grid.field, grid.axes)
    )


def _results(
    shared: "_Shared", tasks: Sequence[Any], kept: Journal, executor: Executor | int | None, told: Progress | None
) -> Iterator[dict[str, Any]]:
    """What tasks find, in their order: from the journal, or done now."""
    known, record = kept
    done = map_tasks(_done, [task for task in tasks if _key(task) not in known], shared=shared, executor=executor)
    for number, task in enumerate(tasks):
        found = known.get(_key(task))
        if found is None:
            found = next(done)
            record(_key(task), found)
        if told is not None:
            told(number + 1, len(tasks))
        yield found


@dataclass(frozen=True)
class _Shared:
    grid: Grid
    certify: bool


def _key(task: Any) -> tuple[tuple[float, float], ...]:
    if isinstance(task[0], tuple):
        return (1.0, 0.0), *((float(i), float(j)) for i, j in task[:2])
    return (0.0, 0.0), (float(task[0]), float(task[1]))


def _done(shared: _Shared, task: Any) -> dict[str, Any]:
    """What is known of a node, or where an increase begins on an edge, ready for a journal."""
    grid = shared.grid
    assert grid.box is not None
    if isinstance(task[0], tuple):
        return {"by": "map", "share": _begins(Edge(grid, task[0], task[1]), np.array(task[2]))}
    try:
        one = grid.at(task)
    except NotApplicable:
        raise
    except InputError as error:
        return {"by": "map", "refused": str(error), "worst": None, "witness": None, "proven": ""}
    worst, witness = worst_cosine(one, grid.box)
    proven = _proven(one, grid.box) if shared.certify else ""
    return {"by": "map", "refused": "", "worst": worst, "witness": witness.tolist(), "proven": proven}


def _verdict(found: Mapping[str, Any]) -> Verdict:
    if found["refused"]:
        return "not allowed"
    if found["proven"]:
        return "decreases" if found["proven"] == "certified" else "increases, proven"
    return "increases" if found["worst"] > CLEAR else "no increase found"


def worst_cosine(one: AdamField, box: FloatArray, known: FloatArray | None = None) -> tuple[float, FloatArray]:
    """Return the largest cosine of grad L and f that is found in a box, and where.

    From a ``known`` point (d,) with an increase at other values an increase nearby is enough.
    """
    d, width = len(box), np.ptp(box, axis=1)
    if known is not None:
        worst, where = _climbed(one, box, known[None], width / SAMPLES ** (1 / d))
        if worst > CLEAR:
            return worst, where
    places = np.linspace(0, 1, SAMPLES)[:, None] if d == 1 else qmc.Halton(d, scramble=False).random(SAMPLES)
    points = box[:, 0] + width * places
    best = np.argsort(-_cosines(one, points), kind="stable")[:REFINED]
    return _climbed(one, box, points[best], width / SAMPLES ** (1 / d))


def _climbed(one: AdamField, box: FloatArray, centers: FloatArray, reach: FloatArray) -> tuple[float, FloatArray]:
    """The largest cosine that steps along the axes lead to from points (k, d), and where."""
    d, heights = len(box), _cosines(one, centers)
    shifts, rows = np.concatenate([np.eye(d), -np.eye(d)]), np.arange(len(centers))
    for _ in range(ROUNDS):
        around = np.clip(centers[:, None] + reach * shifts, box[:, 0], box[:, 1])
        tried = _cosines(one, around.reshape(-1, d)).reshape(len(centers), -1)
        k = tried.argmax(axis=1)
        better = tried[rows, k] > heights
        centers = np.where(better[:, None], around[rows, k], centers)
        heights = np.where(better, tried[rows, k], heights)
        reach = reach if better.any() else reach / 2
    best = int(heights.argmax())
    return float(heights[best]), centers[best]


def _cosines(one: AdamField, points: FloatArray) -> FloatArray:
    """The cosines of grad L and f at points (n, d); -1 where one of them vanishes or is not defined."""
    try:
        f, slope = one(points), one.problem.gradient(points)
    except InputError:
        if len(points) == 1:
            return np.array([-1.0])
        return np.concatenate([_cosines(one, points[k : k + 1]) for k in range(len(points))])
    sizes = np.linalg.norm(f, axis=1) * np.linalg.norm(slope, axis=1)
    products = (f * slope).sum(axis=1)
    return np.where(sizes > 0, products / np.where(sizes > 0, sizes, 1.0), -1.0)


def _proven(one: AdamField, box: FloatArray) -> str:
    """The verdict of a proof; empty if nothing is proven."""
    try:
        if certify_lyapunov_globally(one).verdict == "certified":
            return "certified"
    except (InputError, NotApplicable):
        pass
    try:
        found = certify_lyapunov(one, box, budget=BOXES).verdict
    except (InputError, NotApplicable):
        return ""
    return "" if found == "undecided" else found


def _edges(at: Mapping[Node, Mapping[str, Any]], grid: Grid) -> list[tuple[Node, Node, list[float]]]:
    """Edges at one end of which an increase was found, from there on, with its point."""
    found = []
    for (i, j), here in at.items():
        for other in ((i, j + 1), (i + 1, j)):
            if other not in at or here["refused"] or at[other]["refused"] or not Edge(grid, (i, j), other).has_inside:
                continue
            if (here["worst"] > CLEAR) != (at[other]["worst"] > CLEAR):
                first, last = ((i, j), other) if here["worst"] > CLEAR else (other, (i, j))
                found.append((first, last, list(at[first]["witness"])))
    return found


def _begins(edge: Edge, witness: FloatArray) -> float:
    """How far from the edge's first node on an increase is found."""
    assert edge.grid.box is not None
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        worst, where = worst_cosine(edge.field(middle), edge.grid.box, witness)
        if worst > CLEAR:
            low, witness = middle, where
        else:
            high = middle
    return (low + high) / 2


def theorem_border(field: AdamField, axes: tuple[Axis, Axis]) -> tuple[tuple[float, float], ...]:
    """Return where K_4 = 1/(1 - sqrt(beta2)) over the values of the other parameter; see :class:`LyapunovMap`."""
    number = next((k for k, axis in enumerate(axes) if axis.name == "beta2"), None)
    if number is None or not isinstance(field.problem.law, Empirical):
        return ()
    axis, other = axes[number], axes[1 - number]
    found = []
    for value in other.values:
        # A number of the method may not go with the field's own beta2.
        changes = other.name == "batch_size" or other.entry is not None
        problem = field_at(field, {other: value}).problem if changes else field.problem
        assert isinstance(problem.law, Empirical)
        least = min(problem.law.exact_probabilities)
        with ball_arithmetic():
            beta2 = _least_beta2(least, problem.batch_size)
        if min(axis.values) <= beta2 <= max(axis.values):
            found.append((float(value), beta2) if number == 1 else (beta2, float(value)))
    return tuple(found)


def _least_beta2(least: Fraction, batch: int) -> float:
    """The beta2 beyond which the theorem's K_4 is below 1/(1 - sqrt(beta2))."""
    low, high = math.log(1e-12), math.log(1 - 1e-9)
    for _ in range(50):
        middle = (low + high) / 2
        beta2 = Fraction(-math.expm1(middle))
        q, _ = best_sign_factor(growth_bound(beta2), least, batch)
        if fourth_moment_bound(q, least, batch) * root_gap(beta2) < 1:
            low = middle
        else:
            high = middle
    return -math.expm1(low)
