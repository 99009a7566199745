"""Pictures of the Adam field over one or two parameters: the field beside the gradient, and where its flow ends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.flow import check_tolerance, flow
from adamsym.dynamics.origin import Origin
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain
from adamsym.field import AdamField
from adamsym.field.ball.enclosure import checked_boxes
from adamsym.gradients import StochasticGradient

STARTS_AT_ONCE = 512
"""Flows held at once: about 100 MB."""

BUDGET = 5_000
"""Evaluations of f for each start of a basin that is followed by itself, before the time is doubled and between."""

MOST_DOUBLINGS = 20


@dataclass(frozen=True, repr=False)
class PhasePortrait(Result):
    """The Adam field and the gradient field on a grid; all arrays (r, d), or (r, s, d) where two parameters vary.

    Attributes
    ----------
    points
        The grid.
    field
        f there; nan where the loss is not differentiable.
    descent
        Minus the gradient of the mean loss, the field of the gradient flow; nan likewise.
    origin
        The problem and the method; None where they are not known.
    """

    points: FloatArray
    field: FloatArray
    descent: FloatArray
    origin: Origin | None = None

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """The size of the grid."""
        grid = " x ".join(map(str, self.points.shape[:-1]))
        return f"the field on a grid of {grid} points in {counted(self.points.shape[-1], 'parameter')}"

    def to_dict(self) -> dict[str, Any]:
        """Return the grid and both fields in lists, ready for JSON."""
        return {"points": plain(self.points), "field": plain(self.field), "descent": plain(self.descent)}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, FloatArray]:
        """Return one row for each point: the parameters, ``f.NAME`` and ``descent.NAME`` for each of them."""
        return _of_each({"": self.points, "f.": self.field, "descent.": self.descent}, names)


@dataclass(frozen=True, repr=False)
class Basins(Result):
    """Where the flow from each point of a grid ends: floating-point evidence, no proof.

    Attributes
    ----------
    points
        The starts, shape (r, d), or (r, s, d) where two parameters vary.
    index
        The number of the attracting zero reached, shape (r,) or (r, s); -1 where none is.
    ends
        Where the flow is at the end, shaped like ``points``; nan where it meets a point at which the gradient is not
        finite, cannot be followed on, or takes more than 5,000 evaluations of f.
    zeros
        The zeros, shape (k, d).
    time
        How long starts that have reached none were followed.
    origin
        The problem and the method; None where they are not known.
    """

    points: FloatArray
    index: NDArray[np.intp]
    ends: FloatArray
    zeros: FloatArray
    time: float
    origin: Origin | None = None

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """How many starts reach an attracting zero."""
        reached = int((self.index >= 0).sum())
        starts = f"{reached} of {counted(self.index.size, 'start')}"
        return f"{starts} reach an attracting zero by time {self.time:g}, of {counted(len(self.zeros), 'zero')} given"

    def to_dict(self) -> dict[str, Any]:
        """Return the starts, the ends and the numbers of the zeros reached in lists, ready for JSON."""
        return {name: plain(value) for name, value in vars(self).items() if name != "origin"}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return one row for each start: the parameters, ``end.NAME`` for each, and ``index``, the zero's number."""
        return {**_of_each({"": self.points, "end.": self.ends}, names), "index": self.index.reshape(-1)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each zero: how many starts reach it."""
        rows = [
            [", ".join(f"{x:.6g}" for x in zero), str(int((self.index == k).sum()))]
            for k, zero in enumerate(self.zeros)
        ]
        return ["zero", "starts"], [*rows, ["none", str(int((self.index < 0).sum()))]]


def _of_each(arrays: Mapping[str, FloatArray], names: Sequence[str] | None) -> dict[str, FloatArray]:
    """Columns of arrays whose last axis is that of the parameters, by a word before each name."""
    d = next(iter(arrays.values())).shape[-1]
    named = parameter_names(names, d, ("index",))
    return {
        f"{word}{name}": array.reshape(-1, d)[:, k].copy()
        for word, array in arrays.items()
        for k, name in enumerate(named)
    }


@checked_arguments
def phase_portrait(field: AdamField, box: ArrayLike, resolution: int | Sequence[int]) -> PhasePortrait:
    """Return the Adam field and minus the gradient of the loss on a grid over a box.

    Parameters
    ----------
    field
        The Adam field.
    box
        Lower and upper end of each parameter, shape (d, 2). One or two parameters vary; the others are fixed by equal
        ends.
    resolution
        Points along each varying parameter, the ends included; one number for both, or one for each.

    Raises
    ------
    InputError
        If the box or the resolution is not as above.
    """
    points = _grid(field.problem, box, resolution)
    flat = points.reshape(-1, points.shape[-1])
    values = _where_defined(field, flat)
    descent = _where_defined(lambda part: -field.problem.gradient(part), flat)
    return PhasePortrait(
        points, values.reshape(points.shape), descent.reshape(points.shape), Origin(field.problem, field.adam)
    )


@checked_arguments
def basins(
    field: AdamField,
    box: ArrayLike,
    resolution: int | Sequence[int],
    zeros: ArrayLike,
    time: float,
    radius: float,
    *,
    attracting: ArrayLike = True,
    tolerance: float = 1e-6,
    doublings: int = 0,
) -> Basins:
    """Return which attracting zero the flow from each point of a grid has reached at a time: floating-point evidence.

    A start counts for the zero nearest to its end, in the maximum norm, if that is within ``radius`` and attracting.
    It may be there without staying: take a small radius and a long time. Zeros and their stability are proven by
    :func:`adamsym.find_zeros`; that a start lies in a basin is not.

    Parameters
    ----------
    field, box, resolution
        As for :func:`phase_portrait`.
    zeros
        Zeros of f, shape (k, d), such as the midpoints of certified ones.
    time
        How long to follow the flow.
    radius
        How near, in every parameter, counts as reached.
    attracting
        Whether each zero is attracting, shape (k,) or one answer for all. Starts that end at others get -1.
    tolerance
        Of the solver, as for :func:`flow`; looser than there, as only the zero reached counts.
    doublings
        How often, at most, the time is doubled: those starts are followed on that have reached none, as long as there
        are any, until some have arrived and a doubling brings no more of them.

    Raises
    ------
    InputError
        If an argument is not as above.
    """
    points = _grid(field.problem, box, resolution)
    d = field.problem.dimension
    targets = np.asarray(zeros, dtype=np.float64) if np.size(zeros) else np.empty((0, d))
    if targets.ndim != 2 or targets.shape[1] != d or not np.isfinite(targets).all():
        raise InputError(f"basins: zeros must be finite numbers of shape (number of zeros, {d}), not {targets.shape}")
    if np.shape(attracting) not in ((), (len(targets),)):
        raise InputError(f"basins: attracting must be one answer, or {len(targets)}, one for each zero")
    check_tolerance(tolerance, "basins")
    for name, value in (("time", time), ("radius", radius)):
        if not 0 < value < np.inf:
            raise InputError(f"basins: {name} {value} is not allowed; allowed are positive numbers")
    if not 0 <= doublings <= MOST_DOUBLINGS:
        raise InputError(f"basins: doublings {doublings} is not allowed; allowed are 0 to {MOST_DOUBLINGS}")
    allowed = np.broadcast_to(np.asarray(attracting, dtype=bool), len(targets))
    ends, now = _followed(field, points.reshape(-1, d), time, tolerance), time
    index = _reached(ends, targets, radius, allowed)
    for _ in range(doublings):
        going = np.flatnonzero((index < 0) & np.isfinite(ends).all(axis=1))
        if not len(going):
            break
        ends[going], now = _followed(field, ends[going], now, tolerance), 2 * now
        later = _reached(ends[going], targets, radius, allowed)
        if (later < 0).all() and (index >= 0).any():
            break
        index[going] = later
    origin = Origin(field.problem, field.adam)
    return Basins(points, index.reshape(points.shape[:-1]), ends.reshape(points.shape), targets, now, origin)


def _followed(field: AdamField, starts: FloatArray, time: float, tolerance: float) -> FloatArray:
    """Where the flow from starts (n, d) is after a time; nan where it cannot be followed."""
    chunks = [starts[first : first + STARTS_AT_ONCE] for first in range(0, len(starts), STARTS_AT_ONCE)]
    options: dict[str, Any] = {"tolerance": tolerance, "failing": "nan", "budget": BUDGET}
    return np.concatenate([flow(field, chunk, [0.0, time], **options).theta[:, -1] for chunk in chunks])


def _reached(ends: FloatArray, zeros: FloatArray, radius: float, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The number of the zero nearest to each end (n, d), if near and allowed; otherwise -1."""
    if not len(zeros):
        return np.full(len(ends), -1, dtype=np.intp)
    distances = np.stack([np.abs(ends - zero).max(axis=1) for zero in zeros], axis=1)
    # An end that is nan is near nothing.
    nearest = np.where(np.isnan(distances), np.inf, distances).argmin(axis=1)
    near = distances[np.arange(len(ends)), nearest] <= radius
    return np.where(near & allowed[nearest], nearest, -1)


def _grid(problem: StochasticGradient, box: ArrayLike, resolution: int | Sequence[int]) -> FloatArray:
    """The points of a grid over the parameters of a box whose ends differ: (r, d) or (r, s, d)."""
    sides, d = checked_boxes(problem, box), problem.dimension
    if sides.ndim != 2:
        raise InputError(f"box: shape {sides.shape} is not allowed; give one box ({d}, 2)")
    varying = np.flatnonzero(sides[:, 0] < sides[:, 1])
    if len(varying) not in (1, 2):
        raise InputError(f"box: {len(varying)} parameters vary; let one or two, and fix the others by equal ends")
    counts = np.broadcast_to(np.asarray(resolution), len(varying)) if np.ndim(resolution) == 0 else np.array(resolution)
    if counts.shape != varying.shape or counts.dtype.kind != "i" or (counts < 2).any():
        raise InputError(f"resolution: {resolution} is not allowed; give a whole number from 2 up for each that varies")
    points = np.empty((*counts, d))
    points[:] = sides[:, 0]
    axes = [np.linspace(sides[k, 0], sides[k, 1], count) for k, count in zip(varying, counts, strict=True)]
    for k, values in zip(varying, np.meshgrid(*axes, indexing="ij"), strict=True):
        points[..., k] = values
    return points


def _where_defined(function: Callable[[FloatArray], FloatArray], points: FloatArray) -> FloatArray:
    """A function (n, d) -> (n, d) that refuses all points for one bad one: nan at the bad ones, found by halving."""
    try:
        return function(points)
    except InputError:
        if len(points) == 1:
            return np.full_like(points, np.nan)
    return np.concatenate([_where_defined(function, half) for half in np.array_split(points, 2)])
