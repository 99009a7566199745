"""Bifurcation diagrams: branches of zeros over a parameter."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from adamsym.continuation import Axis, Branch, CertifiedBranch, Sweep
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.plots.labels import label_axes
from adamsym.plots.style import BLACK, BLUE, GREY, SERIES

_STYLES = {"attracting": ("-", 1.8), "not attracting": ("--", 1.4), "not decided": (":", 1.4)}
"""Line style and width by stability."""

_DECADE, _TICKS = 10, 12
"""A logarithmic scale shows at least so large a ratio; so many listed values have a tick each."""

_MARKS = {"fold": "o", "Hopf": "s", "branch point": "D"}


@checked_arguments
def draw_branches(axes: Axes, found: Sweep, parameter: str | None = None) -> list[Line2D]:
    """Draw zeros over the parameter that was varied: attracting ones solid, others dashed; and the loss's minimum.

    beta1 and beta2 are shown by their distance from 1, on a logarithmic scale that grows to the right with the memory.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.sweep`.
    parameter
        Which coordinate of the zeros is shown; the one that moves most if omitted.

    Returns
    -------
    list
        A line for each piece of a branch.

    Raises
    ------
    InputError
        If there are no branches, or no such parameter.
    """
    if not found.branches:
        raise InputError(f"plot: {found.summary}")
    k = _shown(found.names, parameter, np.concatenate([branch.zeros for branch in found.branches]))
    lines = []
    for number, branch in enumerate(found.branches):
        color, places = SERIES[number % len(SERIES)], _places(found.axes[0], branch.values)
        text = ", ".join(f"{name} = {value:g}" for name, value in branch.fixed.items())
        for part, stability in _pieces(branch):
            style, width = _STYLES[stability]
            label = f"{stability}{', ' if text else ''}{text}" if len(found.branches) > 1 and text else stability
            lines += axes.plot(
                places[part], branch.zeros[part, k], style, linewidth=width, color=color, label=label,
                marker="." if not found.axes[0].is_interval else None,
            )  # fmt: skip
        _draw_minima(axes, branch, places, k)
        for change in (*branch.folds, *branch.changes):
            place = _places(found.axes[0], np.array([change.value]))
            axes.plot(
                place, [change.zero[k]], _MARKS[change.kind], color=BLACK, markersize=5, label=change.kind, zorder=4
            )
    values = np.concatenate([branch.values for branch in found.branches])
    _scale(axes, found.axes[0], _places(found.axes[0], values))
    label_axes(axes, _label(found.axes[0]), found.names[k])
    return lines


@checked_arguments
def draw_tubes(axes: Axes, found: CertifiedBranch, parameter: str | None = None) -> PolyCollection:
    """Shade the boxes in which a branch of zeros is certified, over the values of the parameter.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.certify_branch`.
    parameter
        Which coordinate of the zeros is shown; the one that moves most if omitted.

    Returns
    -------
    PolyCollection
        A rectangle for each tube.

    Raises
    ------
    InputError
        If nothing is certified, or there is no such parameter.
    """
    names = found.field.problem.names
    if not found.tubes:
        raise InputError(f"plot: {found.summary}")
    boxes = np.array([tube.box for tube in found.tubes])
    k = _shown(names, parameter, boxes.mean(axis=2))
    ends = _places(found.axis, np.array([[float(tube.low), float(tube.high)] for tube in found.tubes]))
    corners = [
        [(a, low), (b, low), (b, high), (a, high)] for (a, b), (low, high) in zip(ends, boxes[:, k], strict=True)
    ]
    label = f"one zero in each box, {found.stability}" if found.stability != "undecided" else "one zero in each box"
    shown = PolyCollection(corners, facecolor=BLUE, edgecolor=BLUE, alpha=0.4, label=f"{label} (certified)")
    axes.add_collection(shown)
    axes.autoscale_view()
    _scale(axes, found.axis, ends)
    label_axes(axes, _label(found.axis), names[k])
    return shown


def _shown(names: Sequence[str], parameter: str | None, points: FloatArray) -> int:
    """The coordinate that is named, or else the one in which points (n, d) differ most."""
    if parameter is None:
        return int(np.argmax(np.ptp(points, axis=0)))
    if parameter not in names:
        raise InputError(f"parameter: {parameter!r} is unknown; the parameters are {', '.join(names[:6])}")
    return names.index(parameter)


def _pieces(branch: Branch) -> Iterator[tuple[slice, str]]:
    """Runs of points of one stability; each begins where the one before ends."""
    first = 0
    for stability, run in itertools.groupby(point.stability for point in branch.points):
        length = len(list(run))
        yield slice(max(0, first - 1), first + length), stability
        first += length


def _draw_minima(axes: Axes, branch: Branch, places: FloatArray, k: int) -> None:
    known = [point.critical_point is not None for point in branch.points]
    if not any(known):
        return
    heights = [np.nan if one.critical_point is None else one.critical_point[k] for one in branch.points]
    axes.plot(places, heights, color=GREY, linewidth=1, label="critical point of the loss", zorder=1)


def _places(axis: Axis, values: FloatArray) -> FloatArray:
    return 1 - values if axis.scale == "memory" else values


def _scale(axes: Axes, axis: Axis, places: FloatArray) -> None:
    if axis.scale != "linear" and places.min() > 0 and places.max() > _DECADE * places.min():
        axes.set_xscale("log")
    if axis.scale == "memory" and not axes.xaxis_inverted():
        axes.invert_xaxis()
    if not axis.is_interval and len(axis.values) <= _TICKS:
        ticks = _places(axis, np.array([float(value) for value in axis.values]))
        axes.set_xticks(ticks, [f"{place:g}" for place in ticks])
        axes.xaxis.set_minor_locator(NullLocator())


def _label(axis: Axis) -> str:
    return f"1 - {axis.name}" if axis.scale == "memory" else axis.name
