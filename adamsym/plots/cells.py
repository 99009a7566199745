"""Certified numbers of zeros: cells of two parameters in colours, or the boxes of zeros over one parameter."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from adamsym.certify.outcomes import Stability
from adamsym.continuation import Cell, ZerosOver
from adamsym.expressions.arguments import checked_arguments
from adamsym.plots.labels import label_axes, place_legend
from adamsym.plots.maps import Scale
from adamsym.plots.style import BASIN_HATCHES, BASINS, GREY

_UNDECIDED, _EDGE = "////", "#00000030"

Corners = list[tuple[float, float]]


@checked_arguments
def draw_cells_over(axes: Axes, found: ZerosOver) -> list[PolyCollection]:
    """Draw certified cells: of two parameters in colours by their number of zeros, undecided ones hatched.

    Of one parameter the boxes of the zeros are drawn over it, in the first coordinate of theta.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.certify_zeros_over`.

    Returns
    -------
    list
        What is drawn of each kind.
    """
    scales = [Scale(axis) for axis in found.axes]
    drawn = _over_two(axes, found, scales) if len(scales) == 2 else _over_one(axes, found, scales[0])
    for scale, which in zip(scales, ("x", "y"), strict=False):
        scale.set_up(axes, which)
        ends = scale.places(scale.ends)
        axes.set(**{f"{which}lim": tuple(ends.tolist())})
    first = found.field.problem.names[0]
    label_axes(axes, found.axes[0].name, found.axes[1].name if len(scales) == 2 else first)
    return drawn


def _over_two(axes: Axes, found: ZerosOver, scales: Sequence[Scale]) -> list[PolyCollection]:
    kinds: dict[tuple[Stability, ...] | None, list[Corners]] = {}
    for cell in found.cells:
        kind = None if cell.regions is None else found.stabilities(cell)
        kinds.setdefault(kind, []).append(_corners(*(_ends(scale, cell, j) for j, scale in enumerate(scales))))
    drawn = []
    order = sorted((kind for kind in kinds if kind is not None), key=lambda kind: (len(kind), kind))
    for k, kind in enumerate(order):
        attracting = sum(stability == "attracting" for stability in kind)
        label = f"{len(kind)} zero{'' if len(kind) == 1 else 's'}, {attracting} attracting"
        color, hatch = BASINS[k % len(BASINS)], BASIN_HATCHES[k % len(BASIN_HATCHES)]
        drawn.append(_drawn(axes, kinds[kind], color, hatch, label))
    if None in kinds:
        drawn.append(_drawn(axes, kinds[None], "white", _UNDECIDED, "undecided"))
    return drawn


def _over_one(axes: Axes, found: ZerosOver, scale: Scale) -> list[PolyCollection]:
    boxes: dict[Stability, list[Corners]] = {}
    left = list[Corners]()
    for cell in found.cells:
        ends = _ends(scale, cell, 0)
        if cell.regions is None:
            left.append(_corners(ends, (float(found.box[0, 0]), float(found.box[0, 1]))))
        for zero in found.zeros(cell):
            boxes.setdefault(zero.stability, []).append(_corners(ends, zero.box[0]))
    drawn = []
    for k, stability in enumerate(sorted(boxes)):
        drawn.append(_drawn(axes, boxes[stability], BASINS[k], BASIN_HATCHES[k], f"exactly one zero, {stability}"))
    if left:
        drawn.append(_drawn(axes, left, "white", _UNDECIDED, "undecided"))
    heights = [y for one in (*boxes.values(), left) for corners in one for _, y in corners]
    low, high = min(heights), max(heights)
    room = 0.05 * (high - low)
    axes.set_ylim(low - room, high + room)
    return drawn


def _drawn(axes: Axes, corners: list[Corners], color: str, hatch: str, label: str) -> PolyCollection:
    edge = GREY if hatch == _UNDECIDED else _EDGE
    one = PolyCollection(corners, facecolor=color, edgecolor=edge, linewidth=0.4, hatch=hatch, label=label)
    one.set_zorder(0.5)
    axes.add_collection(one)
    return one


def _ends(scale: Scale, cell: Cell, number: int) -> tuple[float, float]:
    low, high = scale.places(np.array([float(end) for end in cell.over[number]]))
    return float(low), float(high)


def _corners(x: tuple[float, float], y: tuple[float, float]) -> Corners:
    (a, b), (c, d) = x, y
    return [(a, c), (b, c), (b, d), (a, d)]


def cells_figure(found: ZerosOver, title: str) -> Figure:
    """Return a figure of certified cells with its title and legend."""
    figure = Figure(figsize=(5.6, 5.4), layout="constrained")
    axes = figure.add_subplot()
    draw_cells_over(axes, found)
    axes.set_title(f"{title}: all zeros, certified", parse_math=False)
    place_legend(axes)
    return figure
