"""Maps of zeros over two parameters: what :func:`adamsym.map_zeros` finds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adamsym.continuation.axes import Axis
from adamsym.continuation.maps.changes import MapChange
from adamsym.continuation.maps.nodes import NodeZero
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Result, counted

NodeState = Literal["counted", "not allowed", "not isolated", "not reached"]

UNKNOWN = -1
"""In place of a number of zeros."""


@dataclass(frozen=True)
class MapNode:
    """The zeros at one pair of values.

    Attributes
    ----------
    state
        "counted"; "not allowed": the method does not have these values, as beta1**2 >= beta2; "not isolated": zeros
        form a set of positive dimension there, and cannot be counted; "not reached": the map was stopped before a zero
        was found there.
    zeros
        Those that were found.
    """

    state: NodeState
    zeros: tuple[NodeZero, ...]

    @property
    def number(self) -> int:
        """How many zeros were found; -1 where they were not counted."""
        return len(self.zeros) if self.state == "counted" else UNKNOWN

    @property
    def attracting(self) -> int:
        """How many of them are attracting; -1 where they were not counted."""
        return sum(zero.unstable == 0 for zero in self.zeros) if self.state == "counted" else UNKNOWN


@dataclass(frozen=True, repr=False)
class ZeroMap(Result):
    """The number and the stability of zeros over a grid of two parameters, followed by number: evidence, no proof.

    Each zero counted was reached by Newton's method; that there are no others is not known, but where a search of the
    box was complete.

    Attributes
    ----------
    names
        The field's parameters.
    axes
        The two that are varied, with their values.
    nodes
        For each value of the first, and each of the second.
    changes
        Where zeros vanish or change between neighbours.
    searches
        Where zeros were sought, by the numbers of the values: "certified" where the search of all of the box was
        complete, so that the number of zeros is proven there, else "by number".
    reason
        Why nothing could be counted; empty if something was.
    is_stopped
        Whether it was stopped: then zeros may not have been led to all nodes yet, and changes are not known.
    """

    names: tuple[str, ...]
    axes: tuple[Axis, Axis]
    nodes: tuple[tuple[MapNode, ...], ...]
    changes: tuple[MapChange, ...]
    searches: Mapping[tuple[int, int], Literal["certified", "by number"]]
    reason: str
    is_stopped: bool = False

    @property
    def number(self) -> NDArray[np.int_]:
        """The number of zeros at each node, shape (m, n); -1 where they were not counted."""
        return np.array([[node.number for node in row] for row in self.nodes])

    @property
    def attracting(self) -> NDArray[np.int_]:
        """The number of attracting zeros at each node, shape (m, n); -1 where they were not counted."""
        return np.array([[node.attracting for node in row] for row in self.nodes])

    @property
    def verdict(self) -> str:
        """Floating point; undecided where nothing could be counted."""
        return "undecided" if self.reason else "floating point"

    @property
    def summary(self) -> str:
        """How many pairs of values there are, how many zeros they have, and how many changes were found."""
        if self.reason:
            return f"nothing was counted: {self.reason}"
        size = " x ".join(str(len(axis.values)) for axis in self.axes)
        numbers = ", ".join(f"{counted(number, 'zero')} at {many}" for number, many in self._numbers())
        so_far = ", stopped, so far" if self.is_stopped else ""
        parts = [f"{size} pairs of {self.axes[0].name} and {self.axes[1].name}{so_far}: {numbers}"]
        kinds = Counter(change.kind for change in self.changes)
        parts += [f"{many} x {kind}" for kind, many in sorted(kinds.items())]
        return "; ".join(parts)

    def _numbers(self) -> list[tuple[int, int]]:
        counts = Counter(self.number.ravel().tolist())
        return sorted((number, many) for number, many in counts.items() if number != UNKNOWN)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym map --json`` prints it."""
        return {
            "parameters": list(self.names),
            "over": [{"name": axis.name, "values": [float(value) for value in axis.values]} for axis in self.axes],
            "number": self.number.tolist(),
            "attracting": self.attracting.tolist(),
            "nodes": [
                [{"state": node.state, "zeros": [_zero(zero) for zero in node.zeros]} for node in row]
                for row in self.nodes
            ],
            "changes": [change.to_dict() for change in self.changes],
            "searches": [{"node": list(node), "kind": kind} for node, kind in self.searches.items()],
            "reason": self.reason,
            "stopped": self.is_stopped,
            "complete": False,
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Return one row for each pair of values, as columns by name: what is written to files."""
        first, second = (axis.name for axis in self.axes)
        found: dict[str, list[Any]] = {name: [] for name in (first, second, "state", "zeros", "attracting", "search")}
        for i, row in enumerate(self.nodes):
            for j, node in enumerate(row):
                values = float(self.axes[0].values[i]), float(self.axes[1].values[j])
                known = self.searches.get((i, j), "")
                entries = (*values, node.state, node.number, node.attracting, known)
                for column, entry in zip(found.values(), entries, strict=True):
                    column.append(entry)
        return found

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each number of zeros and of attracting ones: at how many nodes, and from where to where."""
        names = [axis.name for axis in self.axes]
        columns = ["zeros", "attracting", "pairs", *(f"{name} {end}" for name in names for end in ("from", "to"))]
        places: dict[tuple[int, int], list[FloatArray]] = {}
        for i, row in enumerate(self.nodes):
            for j, node in enumerate(row):
                place = np.array([float(self.axes[0].values[i]), float(self.axes[1].values[j])])
                places.setdefault((node.number, node.attracting), []).append(place)
        rows = []
        for (number, attracting), pairs in sorted(places.items()):
            ends = [end(pair[k] for pair in pairs) for k in (0, 1) for end in (min, max)]
            known = [str(number), str(attracting)] if number != UNKNOWN else ["not counted", ""]
            rows.append([*known, str(len(pairs)), *(f"{end:.6g}" for end in ends)])
        return columns, rows


def _zero(zero: NodeZero) -> dict[str, Any]:
    return {"theta": zero.theta.tolist(), "stability": zero.stability}
