"""What is certified, drawn in the box that it is about: zeros by their stability, and Lyapunov regions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.certify.boxes import Box
from adamsym.certify.outcomes import InSet
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.plots.labels import include, label_axes
from adamsym.plots.style import CERTIFIED, STABILITIES, UNDECIDED, UNDECIDED_ZEROS, WITNESS, Shade, big, blended

_VISIBLE = 0.01
"""Share of the whole below which an undecided box is also marked by a cross, lest it be overlooked."""


def draw_zeros(axes: Axes, found: Zeros) -> list[Line2D]:
    """Draw certified zeros, marked by their stability, and boxes: those with sets of minima, and those left undecided.

    Over one parameter the zeros lie on the line f = 0.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.find_zeros`, in one or two parameters.

    Returns
    -------
    list
        One line of markers for each stability that occurs.

    Raises
    ------
    NotApplicable
        If there are more than two parameters.
    """
    names = found.names
    _check_plane(names, "zeros")
    _frame(axes, found.box, names)
    points = np.array([zero.midpoint for zero in found.zeros]).reshape(-1, len(names))
    flat = points if len(names) == 2 else np.column_stack((points, np.zeros(len(points))))
    lines = []
    for stability, mark in STABILITIES.items():
        own = flat[[zero.stability == stability for zero in found.zeros]] if len(flat) else flat
        if len(own):
            text = "zero, stability undecided" if stability == "undecided" else f"{stability} zero"
            lines += axes.plot(*own.T, **mark.options(), label=f"{text} (certified)")
    minima = [box for box, outcome in found.leaves if isinstance(outcome, InSet)]
    if minima:
        _boxes(axes, minima, CERTIFIED, "every zero here is a minimum of L, one of a set (certified)", 2.0)
    _undecided(axes, found.undecided, found.box, UNDECIDED_ZEROS, "undecided: other zeros may be here")
    return lines


def draw_lyapunov(axes: Axes, found: LyapunovRegion) -> list[PolyCollection]:
    """Draw where the loss is certified to decrease along the flow, where that is undecided, and a witness against it.

    Over one parameter boxes are bands of full height.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.certify_lyapunov`, in one or two parameters.

    Returns
    -------
    list
        The certified boxes, then the undecided ones, as far as there are any.

    Raises
    ------
    NotApplicable
        If there are more than two parameters.
    """
    names = found.problem.names
    _check_plane(names, "a Lyapunov region")
    _frame(axes, found.region, names)
    artists = []
    certified = [box for box, _ in found.certified]
    if certified:
        artists.append(_boxes(axes, certified, CERTIFIED, "L decreases along the flow (certified)", 1.5))
    artists += _undecided(axes, found.undecided, found.region, UNDECIDED, "undecided: L may not decrease")
    if found.witness is not None:
        point = (*found.witness, 0.0)[:2]
        axes.plot(*([x] for x in point), **WITNESS.options(), label="witness: L increases (certified)")
    return artists


def _check_plane(names: Sequence[str], what: str) -> None:
    if len(names) > 2:
        raise NotApplicable(f"view: {what} in {len(names)} parameters cannot be drawn; one or two can")


def _frame(axes: Axes, box: FloatArray, names: Sequence[str]) -> None:
    """Label the axes unless another drawing has, and let the limits include the box."""
    corners = np.column_stack((box[0], box[1] if len(box) == 2 else (0.0, 0.0)))
    include(axes, corners, vertical=len(box) == 2)
    if not axes.get_xlabel():
        label_axes(axes, names[0], names[1] if len(names) == 2 else "")
        if len(names) == 1 and not axes.lines:
            axes.set_yticks([])


def _undecided(axes: Axes, boxes: Sequence[Box], whole: FloatArray, shade: Shade, label: str) -> list[PolyCollection]:
    if not boxes:
        return []
    artist = _boxes(axes, boxes, shade, label, 2.0)
    sides = np.array(boxes)
    small = (np.ptp(sides, axis=-1) < _VISIBLE * np.ptp(whole, axis=-1)).any(axis=-1)
    middles = sides[small].mean(axis=-1)
    if len(middles):
        flat = middles if middles.shape[1] == 2 else np.column_stack((middles, np.zeros(len(middles))))
        where = f"{label} (narrow boxes)"
        axes.plot(*flat.T, linestyle="none", marker="x", markersize=big(5), color=shade.edge, zorder=4, label=where)
    return [artist]


def _boxes(axes: Axes, boxes: Sequence[Box], shade: Shade, label: str, order: float) -> PolyCollection:
    flat = len(boxes[0]) == 1
    corners = []
    for box in boxes:
        (left, right), (low, high) = (box[0], (0.0, 1.0)) if flat else box
        corners.append([(left, low), (right, low), (right, high), (left, high)])
    collection = PolyCollection(
        corners,
        # Printed, a hatch would hide what is seen through the colour behind it.
        facecolor=blended(shade.face) if shade.hatch else shade.face,
        edgecolor=shade.edge,
        hatch=shade.hatch,
        linewidth=0.4,
        label=label,
        zorder=order,
        transform=axes.get_xaxis_transform() if flat else axes.transData,
    )
    axes.add_collection(collection, autolim=False)
    return collection
