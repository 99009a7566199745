"""The Adam field and the gradient field over one or two parameters, and basins."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.ticker import FuncFormatter, LogLocator

from adamsym.dynamics.portraits import Basins, PhasePortrait
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.plots.labels import label_axes, slice_label, varying
from adamsym.plots.names import typeset
from adamsym.plots.style import (
    BASIN_HATCHES,
    BASINS,
    BLUE,
    GREY,
    NOWHERE,
    STABILITIES,
    VERMILLION,
    big,
    series,
    speeds,
    wide,
)

Of = Literal["field", "descent"]

VALUE_LABELS = {"field": "f, the Adam field", "descent": "minus the mean gradient"}

_DECADES = 3.0
"""Colours tell speeds apart over so many decades, and over one at least; slower is drawn as slow."""

_SHADES = 16
"""Colours of streamlines."""

_DENSITY = 1.1


@checked_arguments
def draw_portrait(
    axes: Axes, portrait: PhasePortrait, names: Sequence[str], of: Of = "field", *, colour_bar: bool = True
) -> list[Artist]:
    """Draw a phase portrait: over one parameter a graph, over two streamlines coloured by speed.

    Parameters
    ----------
    axes
        Where to draw.
    portrait
        Of :func:`adamsym.phase_portrait`. Where it is nan nothing is drawn.
    names
        The names of all parameters; the axes are labelled with those that vary.
    of
        "field" for f, "descent" for minus the gradient of the mean loss.
    colour_bar
        Whether to add a scale of speeds beside streamlines.

    Returns
    -------
    list
        The graph's line; or the streamlines and their arrows.

    Raises
    ------
    InputError
        If there is not one name for each parameter.
    """
    shown = varying(portrait.points, names)
    values = portrait.field if of == "field" else portrait.descent
    fixed = slice_label(portrait.points, names, shown)
    if len(shown) == 1:
        return [_graph(axes, portrait.points, values, names, shown[0], of, fixed)]
    return _streamlines(axes, portrait.points, values, names, shown, of, fixed, colour_bar)


def _graph(
    axes: Axes, points: FloatArray, values: FloatArray, names: Sequence[str], k: int, of: Of, fixed: str
) -> Artist:
    axes.axhline(0.0, color=GREY, linewidth=wide(0.8), zorder=1)
    colour, dashes = (BLUE, "-") if of == "field" else (VERMILLION, "--")
    [line] = axes.plot(
        points[:, k],
        values[:, k],
        color=colour,
        linestyle=dashes,
        linewidth=wide(1.8),
        zorder=3,
        label=VALUE_LABELS[of],
    )
    axes.set_xlim(points[0, k], points[-1, k])
    label_axes(
        axes,
        typeset(names[k]) + fixed,
        VALUE_LABELS[of] if len(names) == 1 else f"{VALUE_LABELS[of]}: {typeset(names[k])}",
    )
    return line


def _streamlines(
    axes: Axes,
    points: FloatArray,
    values: FloatArray,
    names: Sequence[str],
    shown: Sequence[int],
    of: Of,
    fixed: str,
    colour_bar: bool,
) -> list[Artist]:
    i, j = shown
    horizontal, vertical = points[:, 0, i], points[0, :, j]
    # Grids are indexed (horizontal, vertical); streamplot wants rows of equal vertical coordinate.
    along, up = (np.ma.masked_invalid(values[..., k].T) for k in (i, j))
    speed = np.ma.masked_invalid(np.hypot(along, up))
    known = speed.compressed()
    top = float(known.max(initial=0.0)) or 1.0
    slowest = float(known.min(initial=top))
    norm = LogNorm(min(max(slowest, top * 10**-_DECADES), top / 10), top)
    found = axes.streamplot(
        horizontal,
        vertical,
        along,
        up,
        color=np.ma.clip(speed, norm.vmin, norm.vmax),
        norm=norm,
        cmap=speeds(),
        density=_DENSITY,
        linewidth=wide(1.1),
        arrowsize=0.9,
        zorder=3,
    )
    lines = _joined(found.lines)
    found.lines.remove()
    axes.add_collection(lines)
    axes.set_xlim(horizontal[0], horizontal[-1])
    axes.set_ylim(vertical[0], vertical[-1])
    label_axes(axes, typeset(names[i]) + fixed, names[j])
    if colour_bar:
        figure = axes.get_figure(root=True)
        assert figure is not None
        bar = figure.colorbar(lines, ax=axes, pad=0.02, fraction=0.05)
        bar.set_label("speed in this plane", fontsize="small")
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        bar.ax.minorticks_off()
        bar.ax.tick_params(labelsize="small")
    return [lines, found.arrows]


def _joined(pieces: LineCollection) -> LineCollection:
    """The same lines in fewer pieces: a stretch of one shade of colour is one, which makes files ten times smaller."""
    segments, speeds_there = pieces.get_segments(), np.asarray(pieces.get_array())
    shades = np.floor(_SHADES * np.asarray(pieces.norm(speeds_there)))
    paths: list[list[FloatArray]] = []
    values: list[float] = []
    for number, (segment, speed) in enumerate(zip(segments, speeds_there, strict=True)):
        goes_on = number > 0 and shades[number] == shades[number - 1] and (segment[0] == paths[-1][-1]).all()
        if not goes_on:
            paths.append([segment[0]])
            values.append(float(speed))
        paths[-1].append(segment[1])
    lines = LineCollection(
        [np.array(path) for path in paths],
        norm=pieces.norm,
        cmap=pieces.cmap,
        linewidths=1.1,
        capstyle="round",
        zorder=3,
    )
    lines.set_array(np.array(values))
    return lines


@checked_arguments
def draw_basins(axes: Axes, found: Basins, zeros: FloatArray, names: Sequence[str]) -> list[Artist]:
    """Draw where the flow from each point of a grid ends: floating-point evidence.

    Over two parameters each start is coloured and hatched by the zero that it reaches, white where it reaches none.
    Over one parameter the ends are drawn over the starts.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.basins`.
    zeros
        The zeros given to it, shape (k, d).
    names
        The names of all parameters.

    Returns
    -------
    list
        The image of the numbers of the zeros; or one line of markers for each zero reached, and one for none.

    Raises
    ------
    InputError
        If there is not one name for each parameter.
    """
    shown = varying(found.points, names)
    fixed = slice_label(found.points, names, shown)
    reached = [int(k) for k in np.unique(found.index) if k >= 0]
    if len(shown) == 1:
        [k] = shown
        label_axes(axes, f"start: {typeset(names[k])}{fixed}", f"end of its flow: {typeset(names[k])}")
        return [_ends(axes, found, zeros, names, number, k) for number in (*reached, -1)]
    i, j = shown
    image = _image(axes, found, i, j)
    for number in reached:
        hatch, face = BASIN_HATCHES[number % len(BASIN_HATCHES)], BASINS[number % len(BASINS)]
        if hatch:
            mask = (found.index == number).T.astype(float)
            region = axes.contourf(
                found.points[:, 0, i], found.points[0, :, j], mask, levels=[0.5, 1.5], colors="none", hatches=[hatch]
            )
            region.set(edgecolor=GREY, linewidth=0.0)
        _legend_entry(axes, face, hatch, _named(zeros[number], names))
        axes.plot(*zeros[number][[i, j]], **STABILITIES["attracting"].options())
    if (found.index < 0).any():
        _legend_entry(axes, NOWHERE, "", _unreached(found))
    label_axes(axes, typeset(names[i]) + fixed, names[j])
    return [image]


def _unreached(found: Basins) -> str:
    return f"to none of these by time {found.time:g}"


def _legend_entry(axes: Axes, face: str, hatch: str, label: str) -> None:
    """Add an entry for the legend that draws nothing."""
    axes.fill([np.nan], [np.nan], facecolor=face, edgecolor=GREY, hatch=hatch, label=label)


def _image(axes: Axes, found: Basins, i: int, j: int) -> Artist:
    horizontal, vertical = found.points[:, 0, i], found.points[0, :, j]
    half = (horizontal[1] - horizontal[0]) / 2, (vertical[1] - vertical[0]) / 2
    count = max(int(found.index.max()) + 1, 1)
    colours = ListedColormap([NOWHERE, *(BASINS[k % len(BASINS)] for k in range(count))])
    image = axes.imshow(
        found.index.T,
        cmap=colours,
        vmin=-1.5,
        vmax=count - 0.5,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(horizontal[0] - half[0], horizontal[-1] + half[0], vertical[0] - half[1], vertical[-1] + half[1]),
    )
    axes.set_xlim(horizontal[0], horizontal[-1])
    axes.set_ylim(vertical[0], vertical[-1])
    return image


def _ends(axes: Axes, found: Basins, zeros: FloatArray, names: Sequence[str], number: int, k: int) -> Artist:
    which = found.index == number
    style: dict[str, Any]
    if number < 0:
        style = {"marker": "x", "color": GREY, "label": _unreached(found) if which.any() else "_none"}
    else:
        colour = series(number)
        style = {"marker": "os^vDP"[number % 6], "color": colour, "label": _named(zeros[number], names)}
        axes.axhline(zeros[number][k], color=colour, linewidth=wide(0.8), zorder=1)
    [line] = axes.plot(found.points[which][:, k], found.ends[which][:, k], linestyle="none", markersize=big(5), **style)
    return line


def _named(zero: FloatArray, names: Sequence[str]) -> str:
    if len(names) > 3:
        return "to a zero"
    return "to " + ", ".join(f"{typeset(name)} = {x:.4g}" for name, x in zip(names, zero, strict=True))
