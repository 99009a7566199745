"""What is seen at one position of the sliders: the field on a grid, zeros, flow lines and a run of the optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from adamsym.dynamics import find_zero, flow, simulate
from adamsym.explorer.landscape import Landscape
from adamsym.explorer.points import MOST_POINTS, Zero, defined, kind_of, zeros_in_plane, zeros_on_line
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import counted
from adamsym.field import AdamField

CLOSE = 41
"""Points of the close-up of one parameter."""

_TOLERANCE, _EVALUATIONS = 1e-5, 2_000
"""Of flow lines: they are drawn. One that takes more evaluations of f ends earlier."""

_EXACT = 1e-12
"""A distance this small beside the size of the parameters is rounding: the points coincide."""

_BUDGET = 4_000
"""Evaluations, with products, for the zero of many parameters that is reached from one point."""

_COORDINATES = 120_000
"""Coordinates of f, and of products, that the search from all points but the start may take."""

_MOST_EIGENVALUES = 50
"""Parameters up to which all eigenvalues of Df at a zero that does not attract are looked at."""

_SAME = 1e-6
"""Zeros of many parameters that are so close, beside their size, are one."""


@dataclass(frozen=True, repr=False)
class Scene:
    """What is known by number at one position of the sliders.

    Attributes
    ----------
    values
        The values of the sliders.
    reason
        Why there is no field there, in a sentence; empty where there is one. Arrays are nan without.
    on_grid
        f on the landscape's grid, (r, d) or (r, s, d); nan where it is not defined.
    zeros
        Its zeros that were found.
    distance
        From the landscape's reference, the minimum of L nearest to the start, to the nearest of them; nan without.
    nearest
        The number of that zero; None without.
    lines
        The flow from the landscape's starts at its times, (starts, times, d).
    run
        States of one run of the optimizer at the landscape's times of it, (times, d).
    close
        Over one parameter, points around zero and minimum, with f and minus the gradient there, (3, points).
    """

    values: Mapping[str, Fraction]
    reason: str
    on_grid: FloatArray
    zeros: tuple[Zero, ...]
    distance: float
    nearest: int | None
    lines: FloatArray
    run: FloatArray
    close: FloatArray

    def __repr__(self) -> str:
        if self.reason:
            return f"<Scene: no field: {self.reason}>"
        away = "" if self.nearest is None else f", {self.distance:.3g} from the minimum"
        return f"<Scene: by number: {counted(len(self.zeros), 'zero')}{away}>"


def no_scene(landscape: Landscape, values: Mapping[str, Fraction], reason: str) -> Scene:
    """Return the scene of no field: nan in arrays of the usual shapes."""
    d = landscape.dimension
    return Scene(
        values,
        reason,
        np.full(landscape.points.shape, np.nan),
        (),
        np.nan,
        None,
        np.full((len(landscape.starts), len(landscape.times), d), np.nan),
        np.full((len(landscape.run.times), d), np.nan),
        np.full((3, CLOSE), np.nan),
    )


def scene_of(landscape: Landscape, one: AdamField, values: Mapping[str, Fraction]) -> Scene:
    """Return what is seen of a field over a landscape; a scene with a reason where the field is not defined.

    Parameters
    ----------
    landscape
        What does not depend on the sliders.
    one
        The field there.
    values
        The values of the sliders.
    """
    try:
        on_grid = _on(one, landscape.points)
        zeros = tuple(_zeros(landscape, one, on_grid))
        distance, nearest = _distance(landscape, zeros)
        close = _close_up(landscape, one, zeros, nearest)
        return Scene(values, "", on_grid, zeros, distance, nearest, _lines(landscape, one), _run(landscape, one), close)
    except InputError as error:
        return no_scene(landscape, values, str(error))


def distance_of(landscape: Landscape, one: AdamField) -> float:
    """Return how far the nearest zero is from the landscape's reference, by number; nan where none is found."""
    try:
        return _distance(landscape, tuple(_zeros(landscape, one, _on(one, landscape.points))))[0]
    except InputError:
        return np.nan


def _on(one: AdamField, points: FloatArray) -> FloatArray:
    flat = points.reshape(-1, points.shape[-1])
    # A field that is refused everywhere says why.
    one(flat[len(flat) // 2 :][:1])
    return defined(one, flat, flat.shape[1:]).reshape(points.shape)


def _zeros(landscape: Landscape, one: AdamField, on_grid: FloatArray) -> list[Zero]:
    d = landscape.dimension
    if d == 1:
        found = zeros_on_line(lambda x: defined(one, x, (1,)), landscape.points[:, 0], on_grid[:, 0])
    elif d == 2:
        found = zeros_in_plane(
            lambda x: defined(one, x, (2,)), lambda x: defined(one.jacobian, x, (2, 2)), landscape.points, on_grid
        )
    else:
        return zeros_from_seeds(landscape, one)
    return found or _reached(one, landscape.start)


def zeros_from_seeds(landscape: Landscape, one: AdamField) -> list[Zero]:
    """Return the zeros that Newton's method and the flow reach from the landscape's seeds, each once."""
    first, *others = landscape.seeds
    found = _reached(one, first)
    budget = min(_BUDGET, _COORDINATES // (len(first) * len(others)))
    for seed in others:
        for zero in _reached(one, seed, budget):
            size = max(1.0, float(np.abs(zero.theta).max()))
            if all(np.abs(zero.theta - known.theta).max() > _SAME * size for known in found):
                found.append(zero)
    return found[:MOST_POINTS]


def _reached(one: AdamField, seed: FloatArray, budget: int = _BUDGET) -> list[Zero]:
    """The zero that Newton's method and the flow reach from a point, if they do."""
    try:
        found = find_zero(one, seed, budget=budget)
    except InputError:
        return []
    if found.outcome != "converged":
        return []
    if found.stability == "not attracting" and len(seed) <= _MOST_EIGENVALUES:
        return [Zero(found.theta, kind_of(one.jacobian(found.theta)))]
    return [Zero(found.theta, "attracting" if found.stability == "attracting" else "not decided")]


def _distance(landscape: Landscape, zeros: tuple[Zero, ...]) -> tuple[float, int | None]:
    """How far the nearest zero is from the reference, and its number; 0 where that is rounding."""
    reference = landscape.reference
    if reference is None or not zeros:
        return np.nan, None
    away = [distance_between(zero.theta, reference) for zero in zeros]
    nearest = int(np.argmin(away))
    return away[nearest], nearest


def distance_between(theta: FloatArray, reference: FloatArray) -> float:
    """Return how far a point is from a reference; 0 where that is rounding."""
    away = float(np.linalg.norm(theta - reference))
    return 0.0 if away <= _EXACT * max(1.0, float(np.abs(reference).max())) else away


def _close_up(landscape: Landscape, one: AdamField, zeros: tuple[Zero, ...], nearest: int | None) -> FloatArray:
    reference = landscape.reference
    if landscape.dimension != 1 or nearest is None or reference is None:
        return np.full((3, CLOSE), np.nan)
    ends = sorted((float(reference[0]), float(zeros[nearest].theta[0])))
    width = max(ends[1] - ends[0], 1e-9 * max(1.0, abs(ends[0])))
    # Both ends are on the grid, so that the graphs cross 0 where the points are.
    places = np.sort(np.append(np.linspace(ends[0] - width, ends[1] + width, CLOSE - 2), ends))
    return np.stack([places, defined(one, places[:, None], (1,))[:, 0], landscape.descent_at(places[:, None])[:, 0]])


def _lines(landscape: Landscape, one: AdamField) -> FloatArray:
    return flow(one, landscape.starts, landscape.times, tolerance=_TOLERANCE, failing="nan", budget=_EVALUATIONS).theta


def _run(landscape: Landscape, one: AdamField) -> FloatArray:
    """The run's states; nan throughout where its problem is such as cannot be run."""
    how, start = landscape.run, landscape.start
    try:
        found = simulate(
            one.problem, one.adam, how.schedule, start, how.steps, 1, how.seed, record_every=how.every, threads=1
        )
    except InputError:
        return np.full((len(how.times), landscape.dimension), np.nan)
    return np.concatenate([landscape.start[None], found.recorded[:, 0]])
