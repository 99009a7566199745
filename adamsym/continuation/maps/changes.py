"""Where zeros vanish or change their stability along an edge of a grid: by bisection, and by Powell's method at folds.

At a fold f = 0 and det Df = 0. In place of the determinant stands g of [[Df, b], [c^T, 0]] [v; g] = [0; 1] (Griewank
and Reddien 1984), which vanishes with it, and for fixed b and c depends smoothly on theta and the parameter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.optimize

from adamsym.continuation.maps.nodes import Edge, NodeZero, led
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import plain

MapChangeKind = Literal["fold", "change of stability", "border of the box", "not decided"]

HALVINGS = (2, 4, 8, 10)
"""An edge is halved so often before each attempt to find the fold."""

BISECTIONS = 30

MOST = 100
"""Evaluations in the search of a fold."""

STEP = 1e-6
"""Of the differences that stand for derivatives of Df, for parameters of size 1, and along the edge."""

CLOSE = 1e-9
"""How well a fold is known, for parameters of size 1, and as a share of the edge."""

SAME = 1e-6
"""Changes this close on an edge, in theta for parameters of size 1, are the same."""


@dataclass(frozen=True)
class MapChange:
    """Where the zeros change on an edge of a grid, by number.

    Attributes
    ----------
    kind
        "fold": two zeros meet and vanish; "change of stability" of one that goes on; "border of the box": one leaves
        it; "not decided": a zero was lost within the edge, and no fold was found.
    values
        Of the two parameters.
    theta
        The zero there, shape (d,).
    edge
        The two nodes between which it is, as the numbers of their values.
    """

    kind: MapChangeKind
    values: tuple[float, float]
    theta: FloatArray
    edge: tuple[tuple[int, int], tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers and texts."""
        edge = [list(node) for node in self.edge]
        return {"kind": self.kind, "values": list(self.values), "theta": plain(self.theta), "edge": edge}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "MapChange":
        """Return the change that ``to_dict`` describes."""
        (a, b), (u, v) = record["edge"], record["values"]
        return cls(record["kind"], (u, v), np.array(record["theta"]), ((a[0], a[1]), (b[0], b[1])))


def changes_on(edge: Edge, at_a: Sequence[NodeZero], at_b: Sequence[NodeZero]) -> list[MapChange]:
    """Return where zeros at both ends of an edge vanish or change, as they are led to the other end."""
    found = list[tuple[MapChangeKind, float, FloatArray]]()
    back = Edge(edge.grid, edge.b, edge.a)
    for way, zeros in ((edge, at_a), (back, at_b)):
        left = list(zeros)
        while left:
            zero = left.pop()
            one = _change(way, zero)
            if one is None:
                continue
            share = one[1] if way is edge else 1 - one[1]
            if not any(one[0] == kind and _are_close(one[2], theta, share - s) for kind, s, theta in found):
                found.append((one[0], share, one[2]))
            if one[0] == "fold":
                _leave_out_partner(left, zero, one[2])
    return [MapChange(kind, edge.values(share), theta, (edge.a, edge.b)) for kind, share, theta in found]


def _leave_out_partner(left: list[NodeZero], zero: NodeZero, fold: FloatArray) -> None:
    """Leave out the zero that meets another at a fold: of those with the other sign of det Df the nearest to it."""
    others = [k for k, other in enumerate(left) if other.sign == -zero.sign]
    if others:
        left.pop(min(others, key=lambda k: float(np.abs(left[k].theta - fold).max())))


def _change(edge: Edge, zero: NodeZero) -> tuple[MapChangeKind, float, FloatArray] | None:
    """What becomes of a zero along an edge, where it does not stay what it is."""
    there = led(edge, zero)
    if there is None:
        return _vanishes(edge, zero)
    if not edge.grid.has(there.theta):
        return "border of the box", *_bisected(edge, zero, lambda here: edge.grid.has(here.theta))
    if there.stability != zero.stability:
        return "change of stability", *_bisected(edge, zero, lambda here: here.stability == zero.stability)
    return None


def _are_close(a: FloatArray, b: FloatArray, apart: float) -> bool:
    return abs(apart) < SAME and bool(np.abs(a - b).max() < SAME * max(1.0, float(np.abs(b).max())))


def _bisected(edge: Edge, zero: NodeZero, stays: Callable[[NodeZero], bool]) -> tuple[float, FloatArray]:
    """The place on the edge up to which a zero stays what it is, and the zero there."""
    low, high, here = 0.0, 1.0, zero
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        there = led(edge, here, (low, middle), 2)
        if there is not None and stays(there):
            low, here = middle, there
        else:
            high = middle
    return low, here.theta


def _vanishes(edge: Edge, zero: NodeZero) -> tuple[MapChangeKind, float, FloatArray]:
    low, high, here = 0.0, 1.0, zero
    for halvings in HALVINGS:
        for _ in range(halvings):
            middle = (low + high) / 2
            there = led(edge, here, (low, middle), 1)
            if there is None:
                high = middle
            else:
                low, here = middle, there
        fold = _fold(edge, here.theta, low)
        if fold is not None and 2 * low - high <= fold[0] <= 2 * high - low:
            return "fold", *fold
    return "not decided", (low + high) / 2, here.theta


def _fold(edge: Edge, theta: FloatArray, share: float) -> tuple[float, FloatArray] | None:
    """The fold that Powell's method reaches from a place on an edge and a zero there; None if it reaches none."""
    size = max(1.0, float(np.abs(theta).max()))
    left, _, right = np.linalg.svd(edge.field(share).jacobian(theta))
    border, point = (left[:, -1], right[-1]), np.append(theta / size, share)
    try:
        reached, known, ended, _ = scipy.optimize.fsolve(
            _extended, point, (edge, size, border), full_output=True, epsfcn=STEP**2, xtol=CLOSE, maxfev=MOST
        )
    except (InputError, np.linalg.LinAlgError):
        return None
    is_zero = np.abs(known["fvec"][:-1]).max() <= CLOSE * (1 + float(edge.grid.field.step_bound))
    return (float(reached[-1]), reached[:-1] * size) if ended == 1 and is_zero and 0 <= reached[-1] <= 1 else None


def _extended(point: FloatArray, edge: Edge, size: float, border: tuple[FloatArray, FloatArray]) -> FloatArray:
    """The values of f and g at a point (theta/size, share)."""
    one, theta, d = edge.field(float(np.clip(point[-1], 0, 1))), point[:-1] * size, len(point) - 1
    matrix = np.zeros((d + 1, d + 1))
    matrix[:d, :d], matrix[:d, d], matrix[d, :d] = one.jacobian(theta), *border
    return np.append(one(theta), np.linalg.solve(matrix, np.eye(d + 1)[d])[d])
