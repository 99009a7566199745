"""Following a curve of zeros of f(theta, u) by pseudo-arclength continuation (Keller 1977), around turning points too.

A point z = (theta/size, u) has d + 1 coordinates. Where the d x (d + 1) matrix Df has rank d its kernel is spanned by
the tangent t: a step along it, and Newton's method for f = 0 in the plane through the predicted point normal to it,
lead to the next point. The curve turns back in u where t's last coordinate changes its sign.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError

LARGEST_ANGLE = 0.25
"""Radians between the tangents of neighbouring points, at most: a larger one halves the step."""

MOST_CORRECTIONS, FEW = 8, 3
"""Newton's steps at most; where so few are enough the next step is longer."""

SHRINK, GROW = 0.5, 1.6

LEAST_STEP = 1e-9
"""A step this short, as a share of the longest, ends the curve."""

RANK = 1e-9
"""Singular values of Df that are a smaller share of the largest count as 0: there the zeros are not isolated."""

SMALL = 1e-12
"""Share of the field's scale that f may have at a zero; and ..."""

CLOSE = 1e-10
"""... of the size of theta and u that Newton's last step may have."""

EDGE = 1e-12
"""So close to 0 or 1 u is taken to be 0 or 1."""

BISECTIONS = 40
"""Halvings of a step within which a fold or a change of the stability lies."""

DIFFERENCE = 1e-4
"""Step of the central differences in u."""

End = Literal["end of the interval", "out of the box", "unbounded", "not isolated", "lost", "closed", "out of budget"]


@dataclass(frozen=True)
class System:
    """f(theta, u), and Df in theta; ``scale`` is the size that f's values are compared with."""

    value: Callable[[FloatArray, float], FloatArray]
    jacobian: Callable[[FloatArray, float], FloatArray]
    scale: float

    def matrix(self, theta: FloatArray, u: float) -> FloatArray:
        """Return [Df | df/du], shape (d, d + 1), by differences in u that stay within [0, 1]."""
        left, right = max(0.0, u - DIFFERENCE), min(1.0, u + DIFFERENCE)
        by_u = (self.value(theta, right) - self.value(theta, left)) / (right - left)
        return np.column_stack([self.jacobian(theta, u), by_u])


@dataclass(frozen=True)
class Point:
    """A zero of f(., u), the matrix [Df | df/du], and the tangent of the curve, of length 1 in (theta/size, u)."""

    theta: FloatArray
    u: float
    matrix: FloatArray
    tangent: FloatArray
    size: float

    @property
    def jacobian(self) -> FloatArray:
        """Df in theta, shape (d, d)."""
        return self.matrix[:, :-1]

    @cached_property
    def eigenvalues(self) -> NDArray[np.complex128]:
        """Those of Df in theta, by falling real part."""
        found = np.linalg.eigvals(self.jacobian)
        return np.asarray(found[np.argsort(-found.real)], dtype=np.complex128)

    @property
    def unstable(self) -> int:
        """How many of them have a positive real part."""
        return int((self.eigenvalues.real > 0).sum())


class NotIsolated(Exception):
    """[Df | df/du] has a rank below d, which the argument is: a continuum of zeros at one u, or a branch point."""


class Lost(Exception):
    """Newton's method does not converge."""


@dataclass(frozen=True)
class Limits:
    """Where curves are followed, u in [0, 1]: theta within ``box`` (d, 2) if there is one, points at most."""

    box: FloatArray | None
    largest: float
    longest_step: float
    points: int


def on_curve(system: System, theta: FloatArray, u: float, forward: float) -> Point:
    """Return the point of the curve that Newton's method reaches at u; along it u has the sign of ``forward``.

    Raises
    ------
    Lost
        If it does not converge.
    NotIsolated
        If the zeros there are not isolated.
    """
    size = max(1.0, float(np.abs(theta).max()))
    normal = np.zeros(len(theta) + 1)
    normal[-1] = 1.0
    place, matrix = _corrected(system, np.append(theta / size, u), normal, size)
    return _point(place, matrix, size, forward * normal)


@dataclass
class Curve:
    """The points of a curve in order, where it turns back in u, where its stability changes, and how it ends."""

    points: list[Point]
    turns: list[Point]
    changes: list[Point]
    end: End


def follow(system: System, start: Point, limits: Limits) -> Curve:
    """Return the curve from ``start`` on, in the direction of its tangent."""
    curve, step = Curve([start], [], [], "out of budget"), limits.longest_step / 4
    while len(curve.points) < limits.points:
        here = curve.points[-1]
        reached = _reaches(here, limits)
        if reached is not None:
            curve.end = reached
            break
        try:
            there = _step(system, here, step)
        except NotIsolated:
            curve.end = "not isolated"
            break
        except (Lost, InputError):
            there = None
        if there is None:
            step *= SHRINK
            if step < LEAST_STEP * limits.longest_step:
                curve.end = "lost"
                break
            continue
        if here.tangent[-1] * there.tangent[-1] < 0:
            curve.turns.append(_between(system, here, step, lambda one: one.tangent[-1] > 0))
        elif here.unstable != there.unstable:
            curve.changes.append(_between(system, here, step, lambda one: one.unstable))
        curve.points.append(there)
        if _is_back(start, here, there):
            curve.end = "closed"
            break
        step = min(step * GROW, limits.longest_step)
    return curve


def _reaches(here: Point, limits: Limits) -> End | None:
    """Whether a curve ends where it has come to."""
    ahead = here.tangent[-1]
    if (here.u >= 1.0 and ahead > 0) or (here.u <= 0.0 and ahead < 0):
        return "end of the interval"
    if limits.box is not None and ((here.theta < limits.box[:, 0]) | (here.theta > limits.box[:, 1])).any():
        return "out of the box"
    return "unbounded" if np.abs(here.theta).max() > limits.largest else None


def _step(system: System, here: Point, step: float) -> Point | None:
    """The next point; None if the step was too long."""
    size = max(1.0, float(np.abs(here.theta).max()))
    place = np.append(here.theta / size, here.u)
    normal = _rescaled(here.tangent, here.size / size)
    found, matrix = _corrected(system, place + step * normal, normal, size)
    if not EDGE < found[-1] < 1 - EDGE:
        # The last step of a curve ends on the interval's end: there u is held.
        end = found[-1] = float(found[-1] > 0.5)
        held = np.zeros_like(normal)
        held[-1] = 1.0
        found, matrix = _corrected(system, found, held, size)
        found[-1] = end
    there = _point(found, matrix, size, normal)
    too_far = np.linalg.norm(found - place) > 2 * step
    return None if too_far or there.tangent @ normal < np.cos(LARGEST_ANGLE) else there


def _corrected(system: System, place: FloatArray, normal: FloatArray, size: float) -> tuple[FloatArray, FloatArray]:
    """The zero of f in the plane through ``place`` normal to ``normal``, and [Df | df/du] in theta/size there."""
    start, previous = place, np.inf
    for _ in range(MOST_CORRECTIONS):
        u = float(np.clip(place[-1], 0.0, 1.0))
        theta = place[:-1] * size
        value = system.value(theta, u)
        matrix = system.matrix(theta, u)
        matrix[:, :-1] *= size
        _require_rank(matrix)
        right = np.append(-value, normal @ (start - place))
        change = np.linalg.lstsq(np.vstack([matrix, normal]), right, rcond=None)[0]
        place, length = place + change, float(np.linalg.norm(change))
        if length <= CLOSE and np.abs(value).max() <= SMALL * system.scale + CLOSE * np.abs(matrix).max():
            return place, matrix
        if length > max(1.0, 2 * previous):
            break
        previous = length
    raise Lost


def _require_rank(matrix: FloatArray) -> None:
    singular = np.linalg.svd(matrix, compute_uv=False)
    rank = int((singular > RANK * singular[0]).sum()) if singular[0] > 0 else 0
    if rank < len(matrix):
        raise NotIsolated(rank)


def _point(place: FloatArray, matrix: FloatArray, size: float, along: FloatArray) -> Point:
    tangent = np.linalg.svd(matrix)[2][-1]
    tangent = tangent if tangent @ along > 0 else -tangent
    plain = matrix.copy()
    plain[:, :-1] /= size
    return Point(place[:-1] * size, float(place[-1]), plain, tangent, size)


def _rescaled(tangent: FloatArray, factor: float) -> FloatArray:
    found = tangent.copy()
    found[:-1] *= factor
    return found / np.linalg.norm(found)


def _between(system: System, here: Point, step: float, side: Callable[[Point], int | bool]) -> Point:
    """The point within a step at which ``side`` changes, by bisection in the step's length."""
    low, high, best, before = 0.0, step, here, side(here)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        try:
            there = _step(system, here, middle)
        except (Lost, NotIsolated, InputError):
            there = None
        if there is not None:
            best = there
        if there is not None and side(there) == before:
            low = middle
        else:
            high = middle
    return best


def _is_back(start: Point, here: Point, there: Point) -> bool:
    """Whether the step from ``here`` to ``there`` passes the start, in its direction."""
    a = np.append(here.theta / start.size, here.u)
    b = np.append(there.theta / start.size, there.u)
    middle = np.append(start.theta / start.size, start.u)
    along, length = b - a, float(np.linalg.norm(b - a))
    share = float((middle - a) @ along) / length**2
    away = np.linalg.norm(a + np.clip(share, 0, 1) * along - middle)
    return here is not start and 0 <= share < 1 and bool(away < 0.05 * length) and bool(along @ start.tangent > 0)
