"""Maps: the zeros of a field at all pairs of values of two parameters, each led to its neighbours until none is new."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.journal import journal_of
from adamsym.continuation.axes import Axis, axes_of, check_together
from adamsym.continuation.beginnings import start_or_box
from adamsym.continuation.families import check_name, value_of
from adamsym.continuation.maps.changes import MapChange
from adamsym.continuation.maps.nodes import (
    UNBOUNDED,
    Edge,
    Grid,
    Node,
    NodeZero,
    degree_on,
)
from adamsym.continuation.maps.tasks import Compare, Lead, Record, Seek, Task, all_done, key_of
from adamsym.continuation.maps.zero_map import MapNode, ZeroMap
from adamsym.continuation.paths import not_isolated
from adamsym.expressions.arguments import checked_arguments, real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable, Stopped
from adamsym.expressions.progress import Progress
from adamsym.field import AdamField
from adamsym.gradients.source import require_everywhere
from adamsym.methods.record import method_text
from adamsym.parallel import Workers, open_workers

POINTS = 40
"""Values of a parameter that is given as an interval."""

MOST_NODES = 40_000

MOST_PARAMETERS = 100
"""Of the field: all columns of Df are formed at each zero."""

SEARCHED = 5
"""Nodes along each parameter, of 30 or more, at which zeros are sought in the whole box; of fewer, fewer."""

MOST_ZEROS = 100
"""At a node: more are a set of them, or a box that is too large."""


@checked_arguments
def map_zeros(
    field: AdamField,
    over: Mapping[str, Any],
    *,
    start: ArrayLike | None = None,
    box: ArrayLike | None = None,
    points: int = POINTS,
    executor: Executor | int | None = None,
    journal: str | Path | None = None,
    progress: Progress | None = None,
) -> ZeroMap:
    """Return the number and the stability of the zeros over a grid of two parameters, by number.

    Zeros are sought at some nodes, and each is led along the edges of the grid to its neighbours, until none is new: a
    zero that is connected to one that was found, over the grid, is found. What is not is not seen, so the number of
    zeros is proven at no node but those where the certified search was complete. Where a zero vanishes between two
    nodes, the fold is located to about 1e-8 of the edge.

    Parameters
    ----------
    field
        The field, with the values of what is not varied.
    over
        Two names with values, as for :func:`adamsym.sweep`: a pair (low, high) gives ``points`` values, equally far
        apart on the parameter's scale; a list, such as of batch sizes, is taken as it is.
    start
        Where the search for a zero begins, shape (d,), at the node next to the field's own values.
    box
        In place of it a box, shape (d, 2): zeros in it are counted. They are sought by Newton's method from many points
        at up to 5 x 5 nodes; at the node next to the field's own values all of them are certified, if that is possible.
    points
        Values of each interval, 2 to 1,000; there are at most 40,000 nodes.
    executor
        Where nodes are worked on: a number of processes, or an executor as of :func:`adamsym.parallel.cluster`; the
        results are the same.
    journal
        A file that keeps what is finished: the same call goes on from it.
    progress
        Called with the nodes that have been reached, and all nodes.

    Raises
    ------
    InputError
        For other than two parameters, unknown names, values that are all out of range, neither or both of start and
        box.
    NotApplicable
        If the field's source has no Jacobians or products, or more than 100 parameters.
    Stopped
        A KeyboardInterrupt with the map of what is finished, if a zero has been found.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, map_zeros
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = map_zeros(AdamField(problem, Adam()), {"beta1": [0, 0.9], "beta2": (0.9, 0.99)}, start=[1], points=3)
    >>> found.number
    array([[1, 1, 1],
           [1, 1, 1]])
    """
    grid = _checked(field, over, start, box, points)
    with journal_of(_identity(grid, start), None if journal is None else Path(journal)) as (known, record):
        where = nullcontext() if executor is None else open_workers(all_done, grid, executor)
        with where as workers:
            work = _Work(grid, known, record, workers, progress)
            try:
                return work.mapped(None if start is None else field.problem.points(real_array(start, "start")))
            except KeyboardInterrupt:
                if not work.has_zeros:
                    raise
                raise Stopped(work.result((), is_stopped=True)) from None


def _checked(
    field: AdamField, over: Mapping[str, Any], start: ArrayLike | None, box: ArrayLike | None, points: int
) -> Grid:
    require_everywhere(field.problem, "a map")
    name, d = type(field.problem).__name__, field.problem.dimension
    if not field.problem.has_products:
        raise NotApplicable(f"a map needs Jacobians of the rows' gradients, and {name} has none")
    if d > MOST_PARAMETERS:
        raise NotApplicable(f"a map follows zeros of up to {MOST_PARAMETERS} parameters; here are {d}")
    if not 2 <= points <= 1000:
        raise InputError(f"points: {points} is not allowed; allowed are 2 to 1000")
    axes = grid_axes(field, over, points)
    point, sides = start_or_box(field, start, box, "in which zeros are counted", flat=False)
    size = max(float(np.abs(one).max()) for one in (point, sides) if one is not None)
    return Grid(field, axes, sides, UNBOUNDED * max(1.0, size))


def grid_axes(field: AdamField, over: Mapping[str, Any], points: int) -> tuple[Axis, Axis]:
    """Return the two parameters of a map, each with a list of values.

    Raises
    ------
    InputError
        If there are not two, for unknown names and bad values, and for too many nodes.
    """
    if not isinstance(over, Mapping) or len(over) != 2:
        raise InputError(
            "over: a map has two parameters, such as beta1 and beta2; give each once, with its values; sweep takes one"
        )
    axes = []
    for name, given in over.items():
        (axis,) = axes_of({name: given})
        check_name(field, axis)
        if axis.is_interval:
            low, high = axis.values
            (axis,) = axes_of({name: f"{low}:{high}:{points}"})
        axes.append(axis)
    check_together(axes)
    first, second = axes
    if len(first.values) * len(second.values) > MOST_NODES:
        raise InputError(
            f"over: {len(first.values)} x {len(second.values)} pairs of values; at most {MOST_NODES} are allowed"
        )
    return first, second


def _identity(grid: Grid, start: ArrayLike | None) -> str:
    one = grid.field
    over = [(axis.name, [str(value) for value in axis.values]) for axis in grid.axes]
    first = None if start is None else np.asarray(start, dtype=np.float64).tolist()
    box = None if grid.box is None else grid.box.tolist()
    return f"map of zeros\n{one.problem!r}\n{method_text(one.adam)}\n{over}\n{first}\n{box}\n{one.tolerance}"


@dataclass
class _State:
    """The zeros known at a node, the new ones with the neighbours that they come from; and the least rank of Df."""

    zeros: list[NodeZero] = field(default_factory=list)
    new: list[tuple[NodeZero, set[Node]]] = field(default_factory=list)
    rank: int | None = None


class _Work:
    """Seeks zeros at some nodes, leads them on, and compares neighbours."""

    def __init__(
        self,
        grid: Grid,
        known: Mapping[Any, Record],
        record: Any,
        workers: "Workers[Task, Record] | None",
        progress: Progress | None,
    ) -> None:
        self.grid, self.known, self.record, self.workers, self.progress = grid, known, record, workers, progress
        self.refused, self.rounds = "", 0
        self.searches: dict[Node, Literal["certified", "by number"]] = {}
        self.states = {node: _State() for node in self._allowed()}
        if not self.states:
            raise InputError(f"over: {self.refused}")

    def _allowed(self) -> Iterator[Node]:
        """The nodes with values that the method and the data allow."""
        m, n = self.grid.shape
        for node in ((i, j) for i in range(m) for j in range(n)):
            try:
                self.grid.at(node)
            except NotApplicable:
                raise
            except InputError as error:
                self.refused = self.refused or str(error)
            else:
                yield node

    def mapped(self, start: FloatArray | None) -> ZeroMap:
        """Return the map."""
        self._seek(start)
        self._spread_out()
        for node in self._unbalanced():
            self.searches.setdefault(node, "by number")
        self._spread_out()
        changes = tuple(
            MapChange.from_dict(change) for _, found in self._results(self._edges()) for change in found["changes"]
        )
        return self.result(changes)

    @property
    def has_zeros(self) -> bool:
        """Whether a zero is known at a node."""
        return any(state.zeros for state in self.states.values())

    def result(self, changes: tuple[MapChange, ...], is_stopped: bool = False) -> ZeroMap:
        """Return the map of what is known."""
        m, n = self.grid.shape
        nodes = tuple(tuple(self._node((i, j), is_stopped) for j in range(n)) for i in range(m))
        names = self.grid.field.problem.names
        return ZeroMap(names, self.grid.axes, nodes, changes, self.searches, self._reason, is_stopped)

    def _spread_out(self) -> None:
        """Lead new zeros from node to node until none is new."""
        while tasks := self._tasks():
            self.rounds += 1
            for task, found in self._results(tasks):
                self._take(task.node, found)

    def _unbalanced(self) -> list[Node]:
        """Seek zeros where the signs of f' at those that are known do not sum up to what f at the box's ends says."""
        box = self.grid.box
        if box is None or len(box) > 1:
            return []
        odd = [node for node, state in self.states.items() if state.rank is None and not self._is_balanced(node)]
        for task, found in self._results([Seek(1, node, tuple(self.states[node].zeros), None, False) for node in odd]):
            self._take(task.node, found)
        return odd

    def _is_balanced(self, node: Node) -> bool:
        assert self.grid.box is not None
        degree = degree_on(self.grid.at(node), self.grid.box)
        return degree is None or degree == sum(zero.sign for zero in self.states[node].zeros)

    def _results(self, tasks: Sequence[Any]) -> Iterator[tuple[Any, Record]]:
        """What tasks find, in their order: from the journal, or done now."""
        waiting = [task for task in tasks if key_of(task) not in self.known]
        done: Iterable[Record] = all_done(self.grid, waiting) if self.workers is None else self.workers.results(waiting)
        fresh = iter(done)
        for task in tasks:
            found = self.known.get(key_of(task))
            if found is None:
                found = next(fresh)
                self.record(key_of(task), found)
            if self.progress is not None:
                self.progress(sum(bool(state.zeros) for state in self.states.values()), len(self.states))
            yield task, found

    def _seek(self, start: FloatArray | None) -> None:
        home = self._home()
        nodes = [home] if start is not None else sorted({home, *self._spread()})
        for task, known in self._results([Seek(0, node, (), start, node == home) for node in nodes]):
            self._take(task.node, known)
            self.searches[task.node] = "certified" if known["complete"] else "by number"

    def _spread(self) -> Iterator[Node]:
        """Nodes all over the grid, of those that are allowed the nearest."""
        places = [
            np.unique(np.linspace(0, size - 1, min(SEARCHED, 2 + size // 10, size)).round()) for size in self.grid.shape
        ]
        for i in places[0]:
            for j in places[1]:
                yield self._nearest(i, j)

    def _nearest(self, i: float, j: float) -> Node:
        return min(self.states, key=lambda node: ((node[0] - i) ** 2 + (node[1] - j) ** 2, node))

    def _home(self) -> Node:
        """The node next to the field's own values; in the middle where they are not within the grid."""
        places = []
        for axis in self.grid.axes:
            own = value_of(self.grid.field, axis)
            inside = own is not None and min(axis.values) <= own <= max(axis.values)
            middle = (len(axis.values) - 1) / 2
            distances = [abs(value - own) for value in axis.values] if own is not None and inside else [0]
            places.append(float(np.argmin([float(one) for one in distances])) if inside else middle)
        return self._nearest(*places)

    def _take(self, node: Node, found: Record) -> None:
        """Keep what was found at a node."""
        state = self.states[node]
        if found["rank"] is not None:
            state.rank = found["rank"] if state.rank is None else min(state.rank, found["rank"])
        for one in found["zeros"]:
            zero = NodeZero.from_dict(one["zero"])
            state.zeros.append(zero)
            state.new.append((zero, {(a, b) for a, b in one["from"]}))
        if len(state.zeros) > MOST_ZEROS:
            raise InputError(f"box: more than {MOST_ZEROS} zeros at one pair of values; take a smaller box")

    def _tasks(self) -> list[Lead]:
        """What the new zeros are to be led to; they are new no more."""
        sent: dict[Node, list[tuple[Node, NodeZero]]] = {}
        for node, state in self.states.items():
            for zero, origins in state.new:
                for other in self._neighbours(node):
                    if other not in origins and state.rank is None:
                        sent.setdefault(other, []).append((node, zero))
            state.new = []
        return [
            Lead(self.rounds, node, tuple(zeros), tuple(self.states[node].zeros))
            for node, zeros in sorted(sent.items())
        ]

    def _neighbours(self, node: Node) -> list[Node]:
        i, j = node
        return [other for other in ((i - 1, j), (i, j - 1), (i, j + 1), (i + 1, j)) if other in self.states]

    def _edges(self) -> list[Compare]:
        """The edges between nodes whose zeros differ in number or stability."""
        found = []
        for a in self.states:
            for b in ((a[0], a[1] + 1), (a[0] + 1, a[1])):
                if b not in self.states or not Edge(self.grid, a, b).has_inside:
                    continue
                left, right = self._node(a), self._node(b)
                differ = (left.number, left.attracting) != (right.number, right.attracting)
                if differ and left.state == right.state == "counted":
                    found.append(Compare(a, b, left.zeros, right.zeros))
        return found

    def _node(self, node: Node, is_stopped: bool = False) -> MapNode:
        if node not in self.states:
            return MapNode("not allowed", ())
        state = self.states[node]
        if is_stopped and not state.zeros:
            return MapNode("not reached", ())
        if self._rank is not None:
            return MapNode("not isolated", ())
        zeros = tuple(sorted(state.zeros, key=lambda zero: tuple(zero.theta)))
        return MapNode("counted" if state.rank is None else "not isolated", zeros)

    @property
    def _rank(self) -> int | None:
        """The least rank of Df where it is below d, if no zero was found at which it is not."""
        if any(state.zeros and state.rank is None for state in self.states.values()):
            return None
        return min((state.rank for state in self.states.values() if state.rank is not None), default=None)

    @property
    def _reason(self) -> str:
        """Why nothing could be counted."""
        if any(state.zeros and state.rank is None for state in self.states.values()):
            return ""
        if self._rank is not None:
            return not_isolated(self.grid.field.problem.dimension, self._rank)
        return "" if self.grid.box is not None else "no zero was found from the start"
