"""What is done at the nodes and the edges of a grid, by itself each: seek zeros, lead them on, compare neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adamsym.certify import find_zeros
from adamsym.continuation.maps.changes import changes_on
from adamsym.continuation.maps.nodes import (
    Edge,
    Grid,
    Node,
    NodeZero,
    Singular,
    are_same,
    led,
    newton,
    sought,
)
from adamsym.continuation.paths import BOXES
from adamsym.dynamics import find_zero
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.field import AdamField

MOST_CERTIFIED = 4
"""Up to so many parameters all zeros of the box are certified at one node."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Seek:
    """Seek zeros at a node: from a start, or in the box; all of them, with a certificate, if that is wanted."""

    round: int
    node: Node
    known: tuple[NodeZero, ...]
    start: FloatArray | None
    certified: bool


@dataclass(frozen=True)
class Lead:
    """Lead zeros of neighbours to a node, at which some are known."""

    round: int
    node: Node
    zeros: tuple[tuple[Node, NodeZero], ...]
    known: tuple[NodeZero, ...]


@dataclass(frozen=True)
class Compare:
    """Find out what happens between two neighbours with their zeros."""

    a: Node
    b: Node
    at_a: tuple[NodeZero, ...]
    at_b: tuple[NodeZero, ...]


Task = Seek | Lead | Compare


def key_of(task: Task) -> tuple[tuple[float, float], ...]:
    """Return what a journal knows a task by."""
    if isinstance(task, Compare):
        return (2.0, 0.0), (float(task.a[0]), float(task.a[1])), (float(task.b[0]), float(task.b[1]))
    stage = 0.0 if isinstance(task, Seek) else 1.0
    return (stage, float(task.round)), (float(task.node[0]), float(task.node[1]))


def all_done(grid: Grid, tasks: Sequence[Task]) -> Iterator[Record]:
    """Return what tasks find, ready for a journal."""
    return (_done(grid, task) for task in tasks)


def _done(grid: Grid, task: Task) -> Record:
    if isinstance(task, Seek):
        return _sought(grid, task)
    if isinstance(task, Lead):
        return _led(grid, task)
    found = changes_on(Edge(grid, task.a, task.b), task.at_a, task.at_b)
    return {"by": "map", "changes": [change.to_dict() for change in found]}


def _sought(grid: Grid, task: Seek) -> Record:
    one, complete = grid.at(task.node), False
    if task.start is not None:
        reached = find_zero(one, task.start, eigenvalues=1)
        (zero,), _ = newton(one, reached.theta[None], grid.largest)
        found = [zero] if reached.outcome == "converged" and zero is not None else []
    else:
        assert grid.box is not None
        found = sought(one, grid.box, grid.largest, [zero.theta for zero in task.known])
        if task.certified and len(grid.box) <= MOST_CERTIFIED:
            certain, complete = _certified(one, grid.box)
            found += (
                [zero for zero in newton(one, certain, grid.largest)[0] if zero is not None] if len(certain) else []
            )
    singular = [zero.rank for zero in found if isinstance(zero, Singular)]
    kept = list[NodeZero]()
    for zero in found:
        if not isinstance(zero, NodeZero) or not grid.has(zero.theta):
            continue
        if not any(are_same(zero, other) for other in (*task.known, *kept)):
            kept.append(zero)
    return {
        "by": "map",
        "zeros": [{"zero": zero.to_dict(), "from": []} for zero in kept],
        "rank": min(singular, default=None),
        "complete": complete and not singular,
    }


def _certified(one: AdamField, box: FloatArray) -> tuple[FloatArray, bool]:
    """The certified zeros in the box, and whether they are all."""
    try:
        result = find_zeros(one, box, budget=BOXES)
    except NotApplicable:
        return np.empty((0, len(box))), False
    return np.array([zero.midpoint for zero in result.zeros]).reshape(-1, len(box)), result.complete


def _led(grid: Grid, task: Lead) -> Record:
    one = grid.at(task.node)
    starts = np.array([zero.theta for _, zero in task.zeros])
    reached, straight = newton(one, starts, grid.largest)
    kept = list[tuple[NodeZero, list[Node]]]()
    singular = list[int]()
    for k, (neighbour, zero) in enumerate(task.zeros):
        there = reached[k]
        singular += [there.rank] if isinstance(there, Singular) else []
        found = [there] if isinstance(there, NodeZero) else []
        if not found or not straight[k] or found[0].sign != zero.sign:
            # Newton's method has jumped: what it reached is a zero all the same.
            further = led(Edge(grid, neighbour, task.node), zero)
            found += [] if further is None else [further]
        for new in found:
            if not grid.has(new.theta) or any(are_same(new, other) for other in task.known):
                continue
            same = [places for other, places in kept if are_same(new, other)]
            if same:
                same[0].append(neighbour)
            else:
                kept.append((new, [neighbour]))
    return {
        "by": "map",
        "zeros": [{"zero": zero.to_dict(), "from": [list(node) for node in places]} for zero, places in kept],
        "rank": min(singular, default=None),
    }
