"""Zeros of a function over one or two parameters, by number: where values on a grid change sign, refined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError

Kind = Literal["attracting", "repelling", "saddle", "not decided"]

MOST_POINTS = 12
"""Zeros that are kept: more are those of a curve."""

_CANDIDATES = 48
"""Cells from which Newton's method begins; evenly chosen if there are more."""

_STEPS = 40
"""Of Newton's method."""

_REACHED = 1e-9
"""At a zero in the plane |f| is at most this share of its largest value, and Newton's step this share of two cells."""

_JUMP = 1e-3
"""A change of sign where |f| is still more than this share of its value at the ends of the cell is a jump."""

_SAME = 1e-7
"""Zeros that are so close, as a share of the box, are one."""

_FLAT = 1e-9
"""An eigenvalue this small beside the largest, or beside 1, is taken as 0."""

Function = Callable[[FloatArray], FloatArray]
"""(n, d) to (n, d), nan where it is not defined."""


@dataclass(frozen=True)
class Zero:
    """A zero by number, and what the flow of the function does beside it.

    Attributes
    ----------
    theta
        Where it is, shape (d,).
    kind
        "attracting", "repelling" or "saddle" by the eigenvalues of the Jacobian, over one parameter by the signs on
        both sides; "not decided" where an eigenvalue nearly vanishes.
    jumps
        Whether the function changes its sign there by a jump: then it is no zero, but the flow may rest there.
    """

    theta: FloatArray
    kind: Kind
    jumps: bool = False


def zeros_on_line(function: Function, places: FloatArray, values: FloatArray) -> list[Zero]:
    """Return the zeros of a function of one parameter between the points of a grid (r,) with values (r,).

    Two zeros between neighbouring points are not seen.
    """
    found = []
    for k in range(len(places)):
        here = values[k]
        if here == 0:
            beside = values[max(k - 1, 0)], values[min(k + 1, len(values) - 1)]
            found.append(Zero(places[k : k + 1], _kind_on_line(*beside)))
        elif k + 1 < len(places) and here * values[k + 1] < 0:
            found.append(_bracketed(function, places[k], places[k + 1], here, values[k + 1]))
    return _chosen(found)


def _bracketed(function: Function, low: float, high: float, before: float, after: float) -> Zero:
    def value(theta: float) -> float:
        return float(np.nan_to_num(function(np.array([[theta]]))[0, 0]))

    root = float(brentq(value, low, high, xtol=1e-300, rtol=4 * np.finfo(float).eps, maxiter=200))
    theta = np.array([root])
    return Zero(theta, _kind_on_line(before, after), abs(value(root)) > _JUMP * min(abs(before), abs(after)))


def _kind_on_line(before: float, after: float) -> Kind:
    if before > 0 > after:
        return "attracting"
    return "repelling" if before < 0 < after else "not decided"


def zeros_in_plane(
    function: Function, jacobian: Callable[[FloatArray], FloatArray], points: FloatArray, values: FloatArray
) -> list[Zero]:
    """Return the zeros of a function of two parameters that Newton's method reaches from cells of a grid (r, s, 2).

    It begins in the cells at whose corners both components change their sign, and at points of the grid that are zeros,
    and keeps what it finds in the grid's box; other zeros are not seen.
    """
    starts = np.vstack((_cells(points, values), points[(values == 0).all(axis=-1)][:_CANDIDATES]))
    scale = float(np.nanmax(np.abs(values), initial=0.0))
    low, high = points[0, 0], points[-1, -1]
    theta, reached = _newton(function, jacobian, starts, (points[1, 1] - low) * 2, scale)
    inside = reached & (theta >= low).all(axis=1) & (theta <= high).all(axis=1)
    kept = _distinct(theta[inside], high - low)
    matrices = jacobian(kept) if len(kept) else np.empty((0, 2, 2))
    return _chosen([Zero(one, kind_of(matrix)) for one, matrix in zip(kept, matrices, strict=True)])


def _cells(points: FloatArray, values: FloatArray) -> FloatArray:
    """The midpoints of the cells at whose corners both components change their sign, or vanish."""
    corners = np.stack([values[:-1, :-1], values[1:, :-1], values[:-1, 1:], values[1:, 1:]])
    with np.errstate(invalid="ignore"):
        changes = ((corners.min(axis=0) <= 0) & (corners.max(axis=0) >= 0)).all(axis=-1)
    middles = ((points[:-1, :-1] + points[1:, 1:]) / 2)[changes]
    if len(middles) <= _CANDIDATES:
        return np.asarray(middles)
    return np.asarray(middles[np.linspace(0, len(middles) - 1, _CANDIDATES).astype(int)])


def _newton(
    function: Function,
    jacobian: Callable[[FloatArray], FloatArray],
    starts: FloatArray,
    longest: FloatArray,
    scale: float,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Where Newton's method gets from each start (n, 2), with steps that are cut, and whether that is a zero."""
    theta, reached, last = starts.copy(), np.zeros(len(starts), dtype=bool), np.full(len(starts), np.inf)
    moving = np.arange(len(starts))
    for _ in range(_STEPS):
        value, matrix = function(theta[moving]), jacobian(theta[moving])
        good = np.isfinite(value).all(axis=-1) & np.isfinite(matrix).all(axis=(-1, -2))
        step = np.zeros_like(value)
        for k in np.flatnonzero(good):
            step[k] = -np.linalg.lstsq(matrix[k], value[k], rcond=_FLAT)[0]
        share = np.abs(step / longest).max(axis=-1)
        theta[moving] += step / np.maximum(share, 1.0)[:, None]
        small = good & (np.abs(value).max(axis=-1) <= _REACHED * scale) & (share <= _REACHED)
        reached[moving] = small
        # Steps shrink until they are rounding.
        goes_on = good & ~(small & (share >= last[moving] / 2))
        last[moving] = share
        moving = moving[goes_on]
        if not len(moving):
            break
    return theta, reached


def _distinct(theta: FloatArray, width: FloatArray) -> FloatArray:
    kept: list[FloatArray] = []
    for one in theta:
        if not any((np.abs(one - other) <= _SAME * width).all() for other in kept):
            kept.append(one)
    return np.array(kept).reshape(-1, theta.shape[1])


def kind_of(matrix: FloatArray) -> Kind:
    """Return what the flow does beside a zero with this Jacobian."""
    real = np.linalg.eigvals(matrix).real
    if (np.abs(real) <= _FLAT * max(float(np.abs(real).max()), 1e-300)).any():
        return "not decided"
    if (real < 0).all():
        return "attracting"
    return "repelling" if (real > 0).all() else "saddle"


def _chosen(found: Sequence[Zero]) -> list[Zero]:
    if len(found) <= MOST_POINTS:
        return list(found)
    return [found[k] for k in np.linspace(0, len(found) - 1, MOST_POINTS).astype(int)]


def defined(function: Callable[[FloatArray], FloatArray], points: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return a function (n, d) -> (n, *shape) that refuses all points for one bad one: nan at the bad ones."""
    if not len(points):
        return np.empty((0, *shape))
    try:
        return function(points)
    except InputError:
        if len(points) == 1:
            return np.full((1, *shape), np.nan)
    return np.concatenate([defined(function, half, shape) for half in np.array_split(points, 2)])
