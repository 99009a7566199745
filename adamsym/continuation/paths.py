"""Branches over an interval of a parameter, with what is known of each of their zeros."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from adamsym.certify import find_zeros
from adamsym.continuation.axes import Axis
from adamsym.continuation.branches import Branch, BranchPoint, Change
from adamsym.continuation.curves import Curve, Limits, Lost, NotIsolated, Point, System, follow, on_curve
from adamsym.continuation.families import field_at, value_of
from adamsym.dynamics import ZeroPoint, find_zero
from adamsym.dynamics.critical_points import shift_in_batches
from adamsym.dynamics.zero_point import ZeroStability
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress
from adamsym.field import AdamField

POINTS = 60
"""Zeros on a branch across the interval, about."""

COARSE = 12
"""The same where no more is asked for than folds, changes and ends."""

MOST_POINTS = 20
"""A branch has at most so many times more."""

UNBOUNDED = 1e6
"""Where parameters, of size 1 at the start, are so large, a branch is called unbounded."""

BOXES = 3000
"""Boxes that a search for first zeros may examine."""

FIELDS = 512
"""Fields that are kept while a branch is followed."""

EIGENVALUES = 4

SAME = 1e-6
"""Zeros this close, for parameters of size 1, are the same."""


@dataclass(frozen=True)
class Search:
    """Where first zeros are sought: from ``start``, or in ``box``; and how many points a branch should have."""

    start: FloatArray | None
    box: FloatArray | None
    points: int


@dataclass
class Followed:
    """Branches, and why others could not be followed."""

    branches: list[Branch] = field(default_factory=list)
    not_followed: list[tuple[Mapping[str, float], str]] = field(default_factory=list)


def branches_over_interval(
    base: AdamField, axis: Axis, fixed: Mapping[str, float], search: Search, progress: Progress | None
) -> Followed:
    """Return the branches over an interval, from the first zeros on in both directions."""
    family = Family(base, axis)
    size = 1.0 if search.start is None else max(1.0, float(np.abs(search.start).max()))
    limits = Limits(search.box, UNBOUNDED * size, 1 / search.points, MOST_POINTS * search.points)
    found, curves = Followed(), list[Curve]()
    for place, theta in _first_zeros(family, search, fixed, found):
        try:
            first = on_curve(family.system, theta, place, 1.0)
        except NotIsolated as error:
            found.not_followed.append((fixed, not_isolated(base.problem.dimension, error.args[0])))
            continue
        except (Lost, InputError) as error:
            reason = f"Newton's method does not converge at {axis.name} = {axis.value(place):g} {error}"
            found.not_followed.append((fixed, reason.strip()))
            continue
        if any(_is_on(curve, first, family.system) for curve in curves):
            continue
        curve, begins = _both_ways(family.system, first, limits)
        curves.append(curve)
        found.branches.append(_branch(family, curve, begins, fixed, progress))
    return found


@dataclass(frozen=True)
class Course:
    """A branch by number in order along the curve, from where it begins to where it ends.

    ``changes`` are those of the stability but at folds: of each part between folds, in order. ``reason`` says why it
    does not end at an end of the interval, at both of its ends.
    """

    begin: Point
    end: Point
    folds: list[Point]
    changes: list[list[Point]]
    reason: str

    @property
    def corners(self) -> list[float]:
        """The places on the parameter's scale where it begins, turns back and ends."""
        return [self.begin.u, *(fold.u for fold in self.folds), self.end.u]


def course_through(base: AdamField, axis: Axis, start: FloatArray) -> Course | str:
    """Return the branch through the zero near a start; or why none can be followed."""
    family, found = Family(base, axis), Followed()
    zeros = _first_zeros(family, Search(start, None, POINTS), {}, found)
    if not zeros:
        return found.not_followed[0][1]
    place, theta = zeros[0]
    try:
        first = on_curve(family.system, theta, place, 1.0)
    except NotIsolated as error:
        return not_isolated(base.problem.dimension, error.args[0])
    except (Lost, InputError) as error:
        return f"Newton's method does not converge at {axis.name} = {axis.value(place):g} {error}".strip()
    limits = Limits(None, UNBOUNDED * max(1.0, float(np.abs(start).max())), 1 / COARSE, MOST_POINTS * POINTS)
    curve, begins = _both_ways(family.system, first, limits)
    changes, turns, others = [list[Point]()], iter(curve.turns), iter(curve.changes)
    for a, b in itertools.pairwise(curve.points):
        if a.tangent[-1] * b.tangent[-1] * (-1 if b is first else 1) < 0 and next(turns, None) is not None:
            changes.append([])
        elif a.unstable != b.unstable:
            changes[-1].append(next(others))
    odd = {begins, curve.end} - {"end of the interval", "closed"}
    reason = f"the branch ends, by number: {', '.join(sorted(odd))}" if odd else ""
    return Course(curve.points[0], curve.points[-1], curve.turns, changes, reason)


def not_isolated(d: int, rank: int) -> str:
    """Say that a zero is not isolated."""
    return f"the zeros are not isolated there: Df has rank {rank} of {d}, as on a set of zeros of dimension {d - rank}"


class Family:
    """The fields along an axis, by the place on its scale."""

    def __init__(self, base: AdamField, axis: Axis) -> None:
        self.base, self.axis = base, axis
        self.at = lru_cache(FIELDS)(self._at)
        scale = 1.0 + float(base.step_bound)
        self.system = System(lambda theta, u: self.at(u)(theta), lambda theta, u: jacobian(self.at(u), theta), scale)

    def _at(self, place: float) -> AdamField:
        return field_at(self.base, {self.axis: self.axis.value(place)})


def jacobian(one: AdamField, theta: FloatArray) -> FloatArray:
    """Return Df at a point, shape (d, d)."""
    linear = one.linearize(theta)
    return np.column_stack([linear.jvp(unit) for unit in np.eye(len(theta))])


def _first_zeros(
    family: Family, search: Search, fixed: Mapping[str, float], found: Followed
) -> list[tuple[float, FloatArray]]:
    own = value_of(family.base, family.axis)
    inside = own is not None and family.axis.values[0] <= own <= family.axis.values[-1]
    home = family.axis.place(own) if own is not None and inside else 0.0
    if search.start is not None:
        reached = find_zero(family.at(home), search.start)
        if reached.outcome != "converged":
            found.not_followed.append((fixed, f"no zero from the start: {reached.outcome}: {reached.reason}"))
            return []
        return [(home, reached.theta)]
    zeros = []
    for place in dict.fromkeys((home, 0.0, 1.0)):
        value = family.axis.value(place)
        inside_box, reason = zeros_in_box(family.at(place), search)
        zeros += [(place, theta) for theta in inside_box]
        if reason:
            found.not_followed.append(({**fixed, family.axis.name: value}, reason))
    return zeros


def zeros_in_box(one: AdamField, search: Search) -> tuple[list[FloatArray], str]:
    """Return the certified zeros in the box, and what the search left open."""
    assert search.box is not None
    result = find_zeros(one, search.box, budget=BOXES)
    reason = "" if result.complete else "the search of the box at this value is not complete: zeros may be missing"
    return [zero.midpoint for zero in result.zeros], reason


def _both_ways(system: System, first: Point, limits: Limits) -> tuple[Curve, str]:
    """The whole curve through a point, and why it begins where it does."""
    ahead = follow(system, first, limits)
    if ahead.end == "closed":
        return ahead, "closed"
    back = follow(system, Point(first.theta, first.u, first.matrix, -first.tangent, first.size), limits)
    points = [*reversed(back.points[1:]), *ahead.points]
    turns = [*reversed(back.turns), *ahead.turns]
    return Curve(points, turns, [*reversed(back.changes), *ahead.changes], ahead.end), back.end


def _is_on(curve: Curve, one: Point, system: System) -> bool:
    """Whether a zero lies on a curve that has been followed."""
    size = max(1.0, float(np.abs(one.theta).max()))
    for a, b in zip(curve.points, curve.points[1:], strict=False):
        if not min(a.u, b.u) <= one.u <= max(a.u, b.u):
            continue
        share = 0.5 if a.u == b.u else (one.u - a.u) / (b.u - a.u)
        try:
            there = on_curve(system, a.theta + share * (b.theta - a.theta), one.u, 1.0)
        except (Lost, NotIsolated, InputError):
            continue
        if np.abs(there.theta - one.theta).max() < SAME * size:
            return True
    return False


def _branch(family: Family, curve: Curve, begins: str, fixed: Mapping[str, float], progress: Progress | None) -> Branch:
    axis = family.axis

    def change(kind: Callable[[Point], str]) -> Callable[[Point], Change]:
        return lambda one: Change(kind(one), axis.value(one.u), one.theta)  # type: ignore[arg-type]

    points = []
    for number, one in enumerate(curve.points):
        points.append(described(family.at(one.u), axis.value(one.u), one))
        if progress is not None:
            progress(number + 1, len(curve.points))
    return Branch(
        axis.name,
        fixed,
        tuple(points),
        tuple(map(change(lambda one: "fold"), curve.turns)),
        tuple(map(change(_kind), curve.changes)),
        (begins, curve.end),
    )


def _kind(one: Point) -> str:
    """A Hopf point, if the eigenvalue nearest to the imaginary axis is complex."""
    nearest = one.eigenvalues[np.argmin(np.abs(one.eigenvalues.real))]
    return "Hopf" if abs(nearest.imag) > abs(nearest.real) else "branch point"


def described(one: AdamField, value: float, point: Point) -> BranchPoint:
    """Return what is known of a zero on a curve."""
    size = max(1.0, float(np.abs(point.theta).max()))
    known = find_zero(one, point.theta, eigenvalues=min(EIGENVALUES, len(point.theta)))
    if known.outcome != "converged" or np.abs(known.theta - point.theta).max() > SAME * size:
        # Next to a fold Df is singular.
        return _without_critical(value, point.theta, "not decided", complex(point.eigenvalues[0]))
    return branch_point(one, value, known)


def branch_point(one: AdamField, value: float, known: ZeroPoint) -> BranchPoint:
    """Return a zero of a field as a point of a branch, with what the theory predicts of it."""
    critical = known.critical_point
    leading = complex(known.eigenvalues[0]) if len(known.eigenvalues) else complex(np.nan, np.nan)
    if critical is None:
        return _without_critical(value, known.theta, known.stability, leading)
    shift, excess = shift_in_batches(one, critical.theta)
    return BranchPoint(
        value,
        known.theta,
        known.stability,
        leading,
        critical.theta,
        critical.distance,
        critical.loss_excess,
        critical.predicted,
        critical.predicted_distance,
        critical.predicted_excess,
        None if shift is None else critical.theta + shift,
        np.nan if shift is None else float(np.linalg.norm(shift)),
        excess,
    )


def _without_critical(value: float, theta: FloatArray, stability: ZeroStability, leading: complex) -> BranchPoint:
    return BranchPoint(value, theta, stability, leading, None, np.nan, np.nan, None, np.nan, np.nan)
