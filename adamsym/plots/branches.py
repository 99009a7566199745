"""Bifurcation diagrams: branches of zeros over a parameter."""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from adamsym.continuation import Axis, Branch, CertifiedBranch, Sweep
from adamsym.continuation.branches import ChangeKind
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.plots.labels import label_axes
from adamsym.plots.names import typeset
from adamsym.plots.style import BLUE, GREY, big, ink, series, wide

_STYLES = {"attracting": ("-", 1.8), "not attracting": ("--", 1.4), "not decided": (":", 1.4)}
"""Line style and width by stability."""

_PREDICTED = ("-.", (0, (1, 1.5)))
_PREDICTIONS = (
    ("leading order in 1 − β₂", "predicted_distance", "predicted"),
    ("leading order in 1/B", "batch_predicted_distance", "batch_predicted"),
)
"""What the theory expects of a zero: its words, and the attributes of its distance and its place."""

_ROOM = 0.25
"""A predicted place is drawn up to this share of a branch's height beyond it: others would hide the branch."""

_DECADE, _TICKS = 10, 12
"""A logarithmic scale shows at least so large a ratio; so many listed values have a tick each."""

_MARKS: dict[ChangeKind, str] = {"fold": "o", "Hopf": "s", "branch point": "D"}


@checked_arguments
def draw_branches(
    axes: Axes, found: Sweep, parameter: str | None = None, certified: Sequence[CertifiedBranch] = ()
) -> list[Line2D]:
    """Draw zeros over the parameter that was varied: attracting ones solid, others dashed; and the loss's minimum.

    Thin lines are where the zeros should be to leading order in 1 - beta2 and in 1/B. beta1 and beta2 are shown by
    their distance from 1, on a logarithmic scale that grows to the right with the memory.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.sweep`.
    parameter
        Which coordinate of the zeros is shown; the one that moves most if omitted.
    certified
        Branches of :func:`adamsym.certify_branch` over the same parameter, whose tubes are shaded.

    Returns
    -------
    list
        A line for each piece of a branch.

    Raises
    ------
    InputError
        If there are no branches, or no such parameter; if a certified branch is one of another parameter.
    """
    k = _shown(found.names, parameter, np.concatenate(_zeros(found)))
    for one in certified:
        if (one.axis.name, one.field.problem.names) != (found.axes[0].name, found.names):
            raise InputError(f"certified: a branch over {one.axis.name}, beside a sweep over {found.axes[0].name}")
        draw_tubes(axes, one, found.names[k])
    lines = []
    for number, branch in enumerate(found.branches):
        places = _places(found.axes[0], branch.values)
        lines += _draw_pieces(axes, found, number, places, branch.zeros[:, k])
        _draw_beside(axes, branch, places, k)
        for change in (*branch.folds, *branch.changes):
            place = _places(found.axes[0], np.array([change.value]))
            axes.plot(
                place,
                [change.zero[k]],
                _MARKS[change.kind],
                color=ink(),
                markersize=big(5),
                label=change.kind,
                zorder=4,
            )
    _finish(axes, found, found.names[k])
    return lines


@checked_arguments
def draw_distances(axes: Axes, found: Sweep) -> list[Line2D]:
    """Draw how far zeros are from the critical points of the loss beside them, and how far to leading orders.

    Parameters
    ----------
    axes
        Where to draw; distances are logarithmic.
    found
        Of :func:`adamsym.sweep`.

    Returns
    -------
    list
        A line for each piece of a branch.

    Raises
    ------
    InputError
        If there are no branches, or no critical point is known beside any.
    """
    distances = [np.array([point.distance for point in branch.points]) for branch in found.branches]
    _zeros(found)
    if not any((one > 0).any() for one in distances):
        raise NotApplicable("plot: no critical point of the loss beside these zeros is known, or they are ones")
    lines = []
    for number, (branch, heights) in enumerate(zip(found.branches, distances, strict=True)):
        places = _places(found.axes[0], branch.values)
        lines += _draw_pieces(axes, found, number, places, _positive(heights))
        for style, (label, name, _) in zip(_PREDICTED, _PREDICTIONS, strict=True):
            predicted = _positive(np.array([getattr(point, name) for point in branch.points]))
            if np.isfinite(predicted).any():
                axes.plot(places, predicted, linestyle=style, color=GREY, linewidth=wide(1), label=label, zorder=1)
    axes.set_yscale("log")
    _finish(axes, found, "distance from the critical point of the loss")
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
        raise NotApplicable(f"plot: {found.summary}")
    boxes = np.array([tube.box for tube in found.tubes])
    k = _shown(names, parameter, boxes.mean(axis=2))
    ends = _places(found.axis, np.array([[float(tube.low), float(tube.high)] for tube in found.tubes]))
    corners = [
        [(a, low), (b, low), (b, high), (a, high)] for (a, b), (low, high) in zip(ends, boxes[:, k], strict=True)
    ]
    label = f"one zero in each box, {found.stability}" if found.stability != "undecided" else "one zero in each box"
    shown = PolyCollection(corners, facecolor=BLUE, edgecolor=BLUE, alpha=0.4, label=f"{label} (certified)")
    axes.add_collection(shown)
    for _, fold in found.folds:
        _mark_certified(axes, found.axis, fold.ends, fold.box[k], "fold")
    for change in found.changes:
        box = np.mean([boxes[number, k] for number in (change.before, change.after)], axis=0)
        _mark_certified(axes, found.axis, found.between(change), box, "Hopf")
    axes.autoscale_view()
    _scale(axes, found.axis, ends)
    label_axes(axes, _label(found.axis), names[k])
    return shown


def _zeros(found: Sweep) -> list[FloatArray]:
    if not found.branches:
        raise NotApplicable(f"plot: {found.summary}")
    return [branch.zeros for branch in found.branches]


def _draw_pieces(axes: Axes, found: Sweep, number: int, places: FloatArray, heights: FloatArray) -> list[Line2D]:
    """Draw a branch, a line for each run of points of one stability."""
    branch, several = found.branches[number], len(found.branches) > 1
    text = ", ".join(f"{typeset(name)} = {value:g}" for name, value in branch.fixed.items())
    lines = []
    for part, stability in _pieces(branch):
        style, width = _STYLES[stability]
        label = f"{stability}, {text}" if several and text else stability
        lines += axes.plot(
            places[part], heights[part], style, linewidth=wide(width), color=series(number), label=label,
            marker="." if not found.axes[0].is_interval else None,
        )  # fmt: skip
    return lines


def _draw_beside(axes: Axes, branch: Branch, places: FloatArray, k: int) -> None:
    """Draw the critical points of the loss beside a branch, and where its zeros should be, as far as that is near."""
    minima = _coordinate([point.critical_point for point in branch.points], k)
    if np.isfinite(minima).any():
        axes.plot(places, minima, color=GREY, linewidth=wide(1.4), label="critical point of the loss", zorder=1)
    for style, (label, _, name) in zip(_PREDICTED, _PREDICTIONS, strict=True):
        predicted = _predicted(branch, minima, name, k)
        if np.isfinite(predicted).any():
            axes.plot(places, predicted, linestyle=style, color=GREY, linewidth=wide(1), label=label, zorder=1)


def _predicted(branch: Branch, minima: FloatArray, name: str, k: int) -> FloatArray:
    """What a prediction says of a coordinate, as far as that is near the branch and the minima; nan beyond."""
    seen = np.concatenate((branch.zeros[:, k], minima[np.isfinite(minima)]))
    room = _ROOM * max(float(np.ptp(seen)), 1e-9)
    predicted = _coordinate([getattr(point, name) for point in branch.points], k)
    predicted[(predicted < seen.min() - room) | (predicted > seen.max() + room)] = np.nan
    return predicted


def predictions_shown(found: Sweep) -> bool:
    """Return whether :func:`draw_branches` shows any prediction."""
    k = _shown(found.names, None, np.concatenate(_zeros(found)))
    return any(
        np.isfinite(_predicted(branch, _coordinate([p.critical_point for p in branch.points], k), name, k)).any()
        for branch in found.branches
        for _, _, name in _PREDICTIONS
    )


def _coordinate(points: Sequence[FloatArray | None], k: int) -> FloatArray:
    return np.array([np.nan if point is None else point[k] for point in points])


def _positive(heights: FloatArray) -> FloatArray:
    """What a logarithmic scale shows; nan for the rest."""
    return np.where(heights > 0, heights, np.nan)


def _finish(axes: Axes, found: Sweep, label: str) -> None:
    values = np.concatenate([branch.values for branch in found.branches])
    _scale(axes, found.axes[0], _places(found.axes[0], values))
    label_axes(axes, _label(found.axes[0]), label)


def _mark_certified(axes: Axes, axis: Axis, ends: tuple[Fraction, Fraction], box: FloatArray, kind: ChangeKind) -> None:
    """Mark what is certified between two values: about where it is."""
    place = _places(axis, np.array([sum(map(float, ends)) / 2]))
    axes.plot(
        place, [box.mean()], _MARKS[kind], markersize=big(8), markerfacecolor="none", markeredgecolor=ink(), zorder=5,
        label=f"{kind} (certified)",
    )  # fmt: skip


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
    return f"1 − {typeset(axis.name)}" if axis.scale == "memory" else typeset(axis.name)
