"""Zeros at the nodes of a grid over two parameters, by Newton's method, and how they are led along its edges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from adamsym.continuation.axes import Axis
from adamsym.continuation.curves import RANK, SMALL
from adamsym.continuation.families import field_at
from adamsym.dynamics.zero_point import ZeroStability
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import plain
from adamsym.field import AdamField

Node = tuple[int, int]
"""The numbers of a node's values on the two axes."""

MOST_STEPS, FEW_STEPS = 25, 8
"""Of Newton's method: from anywhere, and from a zero next by."""

CLOSE = 1e-7
"""Newton's last step, at most, for parameters of size 1: what is left after it is about its square."""

CAP = 0.5
"""The longest step of Newton's method, for parameters of size 1."""

CONTRACTION = 0.5
"""A zero is led along an edge if each of Newton's steps is at most this share of the one before (Deuflhard 2011) ..."""

PARTS = (1, 4)
"""... in one piece, or in several of equal length."""

UNBOUNDED = 1e6
"""Zeros so many times as large as the box, or the start, count as lost."""

LINE, CLOUD = 512, 128
"""Points of the box from which zeros are sought: of one parameter, and of more."""

FINEST, FINE = 1e-8, 96
"""Of one parameter: the least distance from a known zero, as a share of the box, and the points on each side."""

HALVINGS = 12

APART, DOUBTFUL = 1e-9, 1e-6
"""Zeros this close, for parameters of size 1, are the same; and those between if det Df has one sign at both."""

FLAT = 1e-9
"""A real part of an eigenvalue that is a smaller share of |Df| has no sign."""


@dataclass(frozen=True)
class NodeZero:
    """A zero at a node: theta (d,), det Df's sign, and the eigenvalues of Df with a positive real part; -1: unknown."""

    theta: FloatArray
    sign: int
    unstable: int

    @property
    def stability(self) -> ZeroStability:
        """By the signs of the real parts."""
        return "not decided" if self.unstable < 0 else "not attracting" if self.unstable else "attracting"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists and numbers."""
        return {"theta": plain(self.theta), "sign": self.sign, "unstable": self.unstable}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "NodeZero":
        """Return the zero that ``to_dict`` describes."""
        return cls(np.array(record["theta"]), record["sign"], record["unstable"])


@dataclass(frozen=True)
class Singular:
    """Df has this rank at a zero, which is below d: the zeros around it are not isolated."""

    rank: int


@dataclass(frozen=True)
class Grid:
    """Two parameters with their values, the field, and where zeros count: within ``box`` (d, 2), if there is one."""

    field: AdamField
    axes: tuple[Axis, Axis]
    box: FloatArray | None
    largest: float

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of values."""
        return len(self.axes[0].values), len(self.axes[1].values)

    def at(self, node: Node) -> AdamField:
        """Return the field at a node."""
        return field_at(self.field, {axis: axis.values[k] for axis, k in zip(self.axes, node, strict=True)})

    def has(self, theta: FloatArray) -> bool:
        """Whether zeros count there."""
        if self.box is not None:
            return bool(((self.box[:, 0] <= theta) & (theta <= self.box[:, 1])).all())
        return bool(np.abs(theta).max() <= self.largest)


@dataclass(frozen=True)
class Edge:
    """The values from a node to a neighbour, by the share of the way on the scale of the parameter that changes."""

    grid: Grid
    a: Node
    b: Node

    @property
    def moving(self) -> int:
        """The number of the axis that changes."""
        return 0 if self.a[0] != self.b[0] else 1

    @property
    def has_inside(self) -> bool:
        """Whether there are values between the two: between batch sizes there are none."""
        return self.grid.axes[self.moving].name != "batch_size"

    def values(self, share: float) -> tuple[float, float]:
        """Return both parameters' values."""
        ends = [axis.values[k] for axis, k in zip(self.grid.axes, self.a, strict=True)]
        ends[self.moving] = self._value(share)
        return float(ends[0]), float(ends[1])

    def field(self, share: float) -> AdamField:
        """Return the field there."""
        fixed, moving = self.grid.axes[1 - self.moving], self.grid.axes[self.moving]
        return field_at(self.grid.field, {fixed: fixed.values[self.a[1 - self.moving]], moving: self._value(share)})

    def _value(self, share: float) -> Any:
        axis = self.grid.axes[self.moving]
        first, last = axis.values[self.a[self.moving]], axis.values[self.b[self.moving]]
        if share in (0.0, 1.0):
            return (first, last)[int(share)]
        # Values in a list may fall.
        between = replace(axis, values=(min(first, last), max(first, last)), is_interval=True)
        return between.value(share if first < last else 1 - share)


def newton(
    one: AdamField, starts: FloatArray, largest: float, next_by: bool = False
) -> tuple[list[NodeZero | Singular | None], NDArray[np.bool_]]:
    """Return what Newton's method reaches from each start (m, d), and whether it goes straight there, shape (m,).

    Straight: its steps get shorter and shorter, so that it does not jump to another zero. ``next_by`` gives up else.
    """
    points, base, straight = starts.copy(), starts.copy(), np.ones(len(starts), dtype=bool)
    before, height = np.full((2, len(starts)), np.inf)
    found: list[NodeZero | Singular | None] = [None] * len(starts)
    left, scale = np.arange(len(starts)), 1.0 + float(one.step_bound)
    for _ in range(FEW_STEPS if next_by else MOST_STEPS):
        left, value, slope = _evaluated(one, points, left)
        if not len(left):
            break
        here, reached = points[left], np.abs(value).max(axis=1)
        size = np.maximum(1.0, np.abs(here).max(axis=1))
        step = np.array([np.linalg.lstsq(a, -b, rcond=RANK)[0] for a, b in zip(slope, value, strict=True)])
        length = np.abs(step).max(axis=1)
        allowed = SMALL * scale + CLOSE * np.abs(slope).max(axis=(1, 2))
        done = (length <= CLOSE * size) & (reached <= allowed)
        for k in np.flatnonzero(done):
            found[left[k]] = _described(here[k] + step[k], slope[k])
        # Where |f| has grown the step was too long: half of it is tried.
        worse = (reached > height[left]) & ~done
        straight[left] &= ~worse & ((length <= CONTRACTION * before[left]) | (length <= CLOSE * size))
        ahead = here + step * np.minimum(1.0, CAP * size / np.maximum(length, 1e-300))[:, None]
        moved = np.where(worse[:, None], (here + base[left]) / 2, ahead)
        base[left], height[left] = np.where(worse[:, None], base[left], here), np.where(worse, height[left], reached)
        points[left], before[left] = moved, length
        gone = np.abs(moved).max(axis=1) > largest
        left = left[~(done | gone | (next_by & ~straight[left]))]
    return found, straight


def _evaluated(one: AdamField, points: FloatArray, left: "np.ndarray[Any, Any]") -> tuple[Any, FloatArray, FloatArray]:
    """The starts that still go on, f and Df there; those at points where there is no value are given up."""
    try:
        if not len(left):
            return left, points, points
        return left, one(points[left]), one.jacobian(points[left])
    except InputError:
        if len(left) == 1:
            return left[:0], points, points
    kept = [part for part in (_evaluated(one, points, left[k : k + 1]) for k in range(len(left))) if len(part[0])]
    if not kept:
        return left[:0], points, points
    indices, values, slopes = zip(*kept, strict=True)
    return np.concatenate(indices), np.concatenate(values), np.concatenate(slopes)


def _described(theta: FloatArray, slope: FloatArray) -> NodeZero | Singular:
    singular = np.linalg.svd(slope, compute_uv=False)
    rank = int((singular > RANK * singular[0]).sum())
    if rank < len(theta):
        return Singular(rank)
    real = np.linalg.eigvals(slope).real
    clear = (np.abs(real) > FLAT * singular[0]).all()
    return NodeZero(theta, int(np.linalg.slogdet(slope)[0]), int((real > 0).sum()) if clear else -1)


def led(edge: Edge, zero: NodeZero, shares: tuple[float, float] = (0.0, 1.0), most: int = 4) -> NodeZero | None:
    """Return the zero that one leads to between two places on an edge; None if it vanishes between, or is lost.

    ``most`` is into how many pieces the way may be cut.
    """
    for number in PARTS if edge.has_inside else PARTS[:1]:
        if number > most:
            break
        here: NodeZero | None = zero
        for share in np.linspace(*shares, number + 1)[1:]:
            here = None if here is None else _next(edge.field(float(share)), here, edge.grid.largest)
        if here is not None:
            return here
    return None


def _next(one: AdamField, zero: NodeZero, largest: float) -> NodeZero | None:
    (found,), (straight,) = newton(one, zero.theta[None], largest, next_by=True)
    return found if isinstance(found, NodeZero) and straight and found.sign == zero.sign else None


def are_same(a: NodeZero, b: NodeZero) -> bool:
    """Whether two zeros at one node are one; next to a fold zeros are known less well."""
    apart = float(np.abs(a.theta - b.theta).max()) / max(1.0, float(np.abs(b.theta).max()))
    return apart <= APART or (apart <= DOUBTFUL and a.sign == b.sign)


def sought(
    one: AdamField, box: FloatArray, largest: float, known: Sequence[FloatArray] = ()
) -> list[NodeZero | Singular]:
    """Return zeros that Newton's method reaches from points all over a box: others may be missing.

    Of one parameter f is looked at along a line, which is finer next to ``known`` zeros, for changes of its sign.
    """
    low, width = box[:, 0], np.ptp(box, axis=1)
    if len(box) > 1:
        starts = low + width * qmc.Halton(len(box), scramble=False).random(CLOUD)
    else:
        offsets = np.concatenate([side * width * np.geomspace(FINEST, 1.0, FINE) for side in (-1, 1)])
        near = [zero + offsets for zero in known]
        line = np.unique(np.concatenate([low + width * np.linspace(0.0, 1.0, LINE), *near]))
        starts = _near_zeros(one, line[(box[0, 0] <= line) & (line <= box[0, 1])][:, None])
    return [zero for zero in newton(one, starts, largest)[0] if zero is not None]


def _near_zeros(one: AdamField, line: FloatArray) -> FloatArray:
    """Points next to the zeros on a line, shape (n, 1): where f changes its sign, and where |f| is least."""
    kept, values, _ = _evaluated(one, line, np.arange(len(line)))
    if not len(kept):
        return line[:0]
    points, value = line[kept], values[:, 0]
    size = np.abs(value)
    least = np.append(size[:-1] <= size[1:], True) & np.append(True, size[1:] <= size[:-1])
    changes = np.flatnonzero(value[:-1] * value[1:] < 0)
    return np.concatenate([points[least], _halved(one, points[changes], points[changes + 1], value[changes])])


def _halved(one: AdamField, left: FloatArray, right: FloatArray, at_left: FloatArray) -> FloatArray:
    """The middles of intervals with a change of sign, after halvings that keep it."""
    for _ in range(HALVINGS if len(left) else 0):
        middle = (left + right) / 2
        try:
            stays = one(middle) * at_left[:, None] > 0
        except InputError:
            break
        left, right = np.where(stays, middle, left), np.where(stays, right, middle)
    return (left + right) / 2


def degree_on(one: AdamField, box: FloatArray) -> int | None:
    """Return the sum of the signs of f' at the zeros in an interval, by those of f at its ends; None if one is 0."""
    try:
        low, high = np.sign(one(box.T)[:, 0])
    except InputError:
        return None
    return None if low == 0 or high == 0 else int(high - low) // 2
