"""What a page shows at one position of the sliders: columns for its figures, ranges of axes, and words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.explorer.exploration import Explorer
from adamsym.explorer.landscape import Landscape
from adamsym.explorer.scene import Scene, distance_between
from adamsym.explorer.sliders import Slider, state_text
from adamsym.explorer.verdicts import Verdict
from adamsym.expressions.compilation import FloatArray

Columns = dict[str, dict[str, FloatArray]]
"""By the name of a figure's source, its columns."""

SLOWEST = -3.0
"""Arrows are coloured by the logarithm of the speed, relative to the greatest, down to this."""

_LISTED = 3
"""Parameters of a point that are listed."""

_SPARE = 1.5
"""The axis of distances reaches beyond them by this factor."""

_ROUNDING = 1e-15
"""Coordinates this small, beside 1, are 0 in words."""

_ARROW = 0.8
"""Length of arrows, in cells of the grid."""

CLOSE_LABELS = ("close_x_axis", "close_y_axis")
"""Names of the close-up's axes, whose labels move."""

_MARGIN = 0.9
"""A close-up reaches beyond its points by this share of their distance, on every side."""


@dataclass(frozen=True)
class View:
    """What a page shows.

    Attributes
    ----------
    drawn
        Columns that are drawn, of the same lengths at every position of the sliders.
    points
        Columns of points whose number varies, exactly as they were found.
    ranges
        Lower and upper end of each axis that moves with the sliders.
    words
        Text for each place of the page.
    rows
        Of the table of zeros.
    labels
        Of axes that move with the sliders.
    """

    drawn: Columns
    points: Columns
    ranges: dict[str, tuple[float, float]]
    words: dict[str, str]
    rows: list[list[str]]
    labels: dict[str, str]


def shown_slider(explorer: Explorer) -> Slider | None:
    """Return the slider over which distances are drawn: that of beta2, or the first with several values.

    None where no slider has several, or there are no distances, as no minimum is isolated.
    """
    if not explorer.has_distances:
        return None
    several = [slider for slider in explorer.sliders if len(slider.axis.values) > 1]
    return next((slider for slider in several if slider.name == "beta2"), several[0] if several else None)


def view_of(explorer: Explorer, scene: Scene, curve: Sequence[float], verdict: Verdict | None) -> View:
    """Return what is shown of a scene.

    Parameters
    ----------
    explorer
        The exploration.
    scene
        What was computed.
    curve
        The distances at the values of :func:`shown_slider`, the other sliders unchanged; none without such a slider.
    verdict
        What is certified at exactly these values; None where nothing was tried.
    """
    land = explorer.landscape_at(scene.values)
    drawn = _drawn_on_line(land, scene) if len(land.plane) == 1 else _drawn_in_plane(land, scene)
    points = _marks(land, scene, verdict) | _curve(explorer, scene, curve)
    if explorer.entries:
        drawn, points = drawn | drawn_loss(land), points | minima(land)
    ranges = _ranges(land, scene) | _curve_range(scene, curve)
    labels = {name: _beside(land, k) for name, k in zip(CLOSE_LABELS, land.plane, strict=False)}
    return View(drawn, points, ranges, words_of(land, scene, verdict), _rows(land, scene), labels)


def still(land: Landscape) -> Columns:
    """Return the columns that no slider changes."""
    if len(land.plane) == 1:
        times = np.tile(np.append(land.times, np.nan), len(land.starts))
        places = {"x": land.points[:, 0]}
        return {"descent": places, "field": places, "lines": {"x": times}, "run": {"x": land.run.times}}
    tails = dict(zip(("x0", "y0"), land.points[..., list(land.plane)].reshape(-1, 2).T, strict=True))
    return {"arrows_descent": tails, "arrows_field": tails}


def drawn_loss(land: Landscape) -> Columns:
    """Return the columns of the loss that are drawn, which sliders for the data alone change."""
    if len(land.plane) == 1:
        return {"descent": {"y": _normalised(land.descent[:, 0])}}
    found = {"arrows_descent": _arrows(land, land.descent)}
    if land.dimension == 2:
        found["lines_descent"] = dict(zip("xy", _joined(land.descent_lines).T, strict=True))
    return found


def minima(land: Landscape) -> Columns:
    """Return the points where the loss is least."""
    return {"rests": _coordinates(land, [one.theta for one in land.rests])}


def _normalised(values: FloatArray) -> FloatArray:
    """Values divided by their largest size."""
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    return values / largest if largest else values


def _joined(lines: FloatArray) -> FloatArray:
    """Lines (n, steps, k) one after the other, (n (steps + 1), k), with nan between them."""
    gaps = np.full((len(lines), 1, lines.shape[2]), np.nan)
    return np.concatenate((lines, gaps), axis=1).reshape(-1, lines.shape[2])


def _drawn_on_line(land: Landscape, scene: Scene) -> Columns:
    places, value, descent = scene.close
    reference = 0.0 if land.reference is None else land.reference[0]
    return {
        "field": {"y": _normalised(scene.on_grid[:, 0])},
        "lines": {"y": _joined(scene.lines)[:, 0]},
        "run": {"y": scene.run[:, 0]},
        "close": {"x": places - reference, "f": _normalised(value), "g": _normalised(descent)},
    }


def _drawn_in_plane(land: Landscape, scene: Scene) -> Columns:
    plane = list(land.plane)
    return {
        "arrows_field": _arrows(land, scene.on_grid),
        "lines": dict(zip("xy", _joined(scene.lines[..., plane]).T, strict=True)),
        "run": dict(zip("xy", scene.run[:, plane].T, strict=True)),
    }


def _arrows(land: Landscape, values: FloatArray) -> dict[str, FloatArray]:
    """Where arrows of equal length on the page, from the points of the grid, end; their angle, and their colour."""
    plane = list(land.plane)
    tails, slopes = land.points[..., plane].reshape(-1, 2), values[..., plane].reshape(-1, 2)
    cell = (land.sides[:, 1] - land.sides[:, 0]) / (len(land.points) - 1)
    speed, length = np.linalg.norm(slopes, axis=1), np.linalg.norm(slopes / cell, axis=1)
    greatest = float(np.nanmax(speed, initial=0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = _ARROW * slopes / length[:, None]
        level = np.maximum(np.log10(speed / greatest), SLOWEST)
    ends = tails + np.where(length[:, None] > 0, steps, np.nan)
    angle = np.arctan2(slopes[:, 1] / cell[1], slopes[:, 0] / cell[0])
    return {"x1": ends[:, 0], "y1": ends[:, 1], "angle": angle - np.pi / 2, "level": level}


def _coordinates(land: Landscape, points: Sequence[FloatArray] | FloatArray) -> dict[str, FloatArray]:
    """Points as they are drawn: over one parameter on the axis, over more in the plane."""
    flat = np.array(points, dtype=np.float64).reshape(-1, land.dimension)
    x = flat[:, land.plane[0]]
    return {"x": x, "y": np.zeros(len(x)) if len(land.plane) == 1 else flat[:, land.plane[1]]}


def _marks(land: Landscape, scene: Scene, verdict: Verdict | None) -> Columns:
    """Zeros, those that are certified, and the same beside the reference."""
    zeros = _coordinates(land, [zero.theta for zero in scene.zeros])
    certified = _coordinates(land, [] if verdict is None else verdict.zeros)
    found: Columns = {"zeros": zeros, "certified": certified}
    if land.reference is None or scene.nearest is None:
        nothing = {"x": np.empty(0), "y": np.empty(0)}
        return found | {"close_zeros": nothing, "close_gap": nothing}
    moved = _coordinates(land, [zero.theta - land.reference for zero in scene.zeros])
    gap = {name: np.array([0.0, column[scene.nearest]]) for name, column in moved.items()}
    return found | {"close_zeros": moved, "close_gap": gap}


def _curve(explorer: Explorer, scene: Scene, curve: Sequence[float]) -> Columns:
    """Distances over a slider, those that a logarithmic axis can show, and the present one."""
    slider = shown_slider(explorer)
    if slider is None:
        return {}
    x = np.array([slider.scaled(value) for value in slider.axis.values])
    y = np.array(curve)
    shown = y > 0
    here = np.array([scene.distance]) if scene.distance > 0 else np.empty(0)
    place = np.full(len(here), slider.scaled(scene.values[slider.name]))
    return {"curve": {"x": x[shown], "y": y[shown]}, "here": {"x": place, "y": here}}


def _ranges(land: Landscape, scene: Scene) -> dict[str, tuple[float, float]]:
    """The close-up's ends: around zero and reference, in the plane equal distances in both directions."""
    if land.reference is None or scene.nearest is None:
        return {}
    away = scene.zeros[scene.nearest].theta - land.reference
    away = away[list(land.plane)]
    size = float(np.abs(away).max()) or 1e-9 * max(1.0, float(np.abs(land.reference).max()))
    names = ("close_x", "close_y")[: len(away)]
    return {
        name: (min(0.0, float(a)) - _MARGIN * size, max(0.0, float(a)) + _MARGIN * size)
        for name, a in zip(names, away, strict=True)
    }


def _curve_range(scene: Scene, curve: Sequence[float]) -> dict[str, tuple[float, float]]:
    """The ends of a logarithmic axis around all distances that it can show; a decade where there is none."""
    shown = [value for value in (*curve, scene.distance) if value > 0]
    return {"curve_y": (min(shown) / _SPARE, max(shown) * _SPARE) if shown else (0.1, 1.0)}


def _beside(land: Landscape, k: int) -> str:
    """The label of an axis along which distances from the reference are shown."""
    name, reference = land.names[k], 0.0 if land.reference is None else float(land.reference[k])
    number = coordinate_text(abs(float(f"{reference:.6g}")), np.zeros(1))
    return name if number == "0" else f"{name} {'−' if reference > 0 else '+'} {number}"


def words_of(land: Landscape, scene: Scene, verdict: Verdict | None) -> dict[str, str]:
    """Return the text for each place of the page."""
    state = state_text(scene.values)
    if scene.reason:
        headline = f"There is no field here: {scene.reason}"
    elif scene.nearest is None or land.reference is None:
        headline = _without_distance(land, scene)
    else:
        zero, rest = (point_text(land.names, theta) for theta in (scene.zeros[scene.nearest].theta, land.reference))
        headline = f"The zero of f at {zero} is {number_text(scene.distance)} from the {rest_name(land)} at {rest}"
        if scene.distance == 0:
            headline = f"The zero of f and the {rest_name(land)} at {rest} coincide, to rounding"
        headline = headline.removesuffix("…") + ("…" if headline.endswith("…") else ".")
    return {
        "state": state,
        "headline": headline,
        "verdict": "" if verdict is None else verdict.verdict,
        "proof": "" if verdict is None else proof_text(land, verdict),
    }


def proof_text(land: Landscape, verdict: Verdict) -> str:
    """Return what is proven, and of exactly which parameters and box."""
    where = state_text(verdict.values)
    if land.searched is not None:
        where += " and " + " and ".join(
            f"{name} in [{_end(low)}, {_end(high)}]"
            for name, (low, high) in zip(land.names, land.searched.tolist(), strict=True)
        )
    return f"For {where}: {verdict.text}"


def _end(value: float) -> str:
    """A float in the shortest decimal that names it."""
    return repr(value).removesuffix(".0")


def _without_distance(land: Landscape, scene: Scene) -> str:
    if not scene.zeros:
        return "No zero of f was found here."
    found = "1 zero of f was found" if len(scene.zeros) == 1 else f"{len(scene.zeros)} zeros of f were found"
    rests = "minima of L" if land.has_loss else "zeros of the mean field"
    why = "are not isolated" if land.rests else "were not found"
    return f"{found}; there is no distance, for the {rests} {why}."


def rest_name(land: Landscape) -> str:
    """Return what zeros are compared with."""
    return "minimum of L" if land.has_loss else "zero of the mean field"


def point_text(names: Sequence[str], theta: FloatArray) -> str:
    """Return a point in words; that of many parameters shortened."""
    listed = [f"{name} = {coordinate_text(x, theta)}" for name, x in zip(names, theta, strict=True)]
    return shortened(listed, _LISTED)


def shortened(texts: Sequence[str], most: int) -> str:
    """Return texts with commas between; an ellipsis in place of those beyond the first ``most``."""
    return ", ".join([*texts[:most], *(["…"] if len(texts) > most else [])])


def coordinate_text(x: float, theta: FloatArray) -> str:
    """Return a coordinate with ten digits; 0 for one that is rounding beside 1, or beside the others."""
    return f"{0.0 if abs(x) < _ROUNDING * max(1.0, np.abs(theta).max()) else x:.10g}"


def number_text(value: float) -> str:
    """Return a distance with three digits."""
    return f"{value:.3g}"


def _rows(land: Landscape, scene: Scene) -> list[list[str]]:
    """For each zero where it is, what the flow does beside it, and how far the reference is."""
    rows = []
    for zero in scene.zeros:
        kind = f"{zero.kind}, by a jump" if zero.jumps else zero.kind
        away = "" if land.reference is None else number_text(distance_between(zero.theta, land.reference))
        rows.append([shortened([coordinate_text(x, zero.theta) for x in zero.theta], _LISTED), kind, away])
    return rows
