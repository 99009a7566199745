"""Maps over two parameters: cells in the colours of the number of zeros, and lines where zeros vanish."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from adamsym.continuation import Axis, LyapunovMap, MapChange, ZeroMap
from adamsym.continuation.maps.nodes import Node
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.plots.labels import label_axes, place_legend
from adamsym.plots.style import BASIN_HATCHES, BASINS, BLACK, GREY, VERMILLION, big, ink, wide

_LINES = {
    "fold": (BLACK, "-", "fold: two zeros meet and vanish"),
    "change of stability": (VERMILLION, "--", "change of stability"),
    "border of the box": (GREY, ":", "a zero leaves the box"),
}
"""Colour, dashes and words of lines by what changes."""

_DECADE = 10.0
"""A scale is logarithmic where its values differ by so large a ratio."""

_TICKS, _SHORT = 6, 6
"""About so many values are labelled, and of listed ones those of so few characters."""

_HATCH = "#00000038"

NOT_COUNTED = "#E4E4E4"


@dataclass(frozen=True)
class CellKind:
    """How cells of one kind are drawn."""

    label: str
    color: str
    hatch: str


_VERDICTS = {
    "decreases": CellKind("decreases in all of the box (proven)", BASINS[2], ""),
    "no increase found": CellKind("no increase found", BASINS[0], "///"),
    "increases": CellKind("increases at a point", BASINS[1], "..."),
    "increases, proven": CellKind("increases at a point (proven)", BASINS[3], "xx"),
    "not allowed": CellKind("values not allowed", NOT_COUNTED, ""),
    "not reached": CellKind("not reached: stopped", NOT_COUNTED, "---"),
}


@checked_arguments
def draw_map(axes: Axes, found: ZeroMap) -> list[PolyCollection]:
    """Draw the number of zeros, and of attracting ones, as cells in colours; and where zeros vanish or change.

    beta1 and beta2 are shown on the scale of log(1 - beta), and labelled by their values.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.map_zeros`.

    Returns
    -------
    list
        The cells of each number.

    Raises
    ------
    InputError
        If nothing was counted, or a parameter has one value alone.
    """
    if found.reason:
        raise NotApplicable(f"plot: {found.summary}")
    pairs = np.stack([found.number, found.attracting], axis=-1)
    kinds = sorted({(int(number), int(attracting)) for number, attracting in pairs.reshape(-1, 2)})
    index = np.array([[kinds.index((int(a), int(b))) for a, b in row] for row in pairs])
    cells = draw_cells(axes, found.axes, index, _styles(kinds))
    _draw_changes(axes, found.axes, found.changes)
    return cells


def _styles(kinds: Sequence[tuple[int, int]]) -> list[CellKind]:
    counted = [kind for kind in kinds if kind[0] >= 0]
    styles = [CellKind("not counted", NOT_COUNTED, "")] * (len(kinds) - len(counted))
    for k, (number, attracting) in enumerate(counted):
        label = f"{number} zero{'' if number == 1 else 's'}, {attracting} attracting"
        styles.append(CellKind(label, BASINS[k % len(BASINS)], BASIN_HATCHES[k % len(BASIN_HATCHES)]))
    return styles


@checked_arguments
def draw_lyapunov_map(axes: Axes, found: LyapunovMap) -> list[PolyCollection]:
    """Draw where the loss decreases along the flow in all of a box, the border found, and N-Theorem 6's.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.map_lyapunov`.

    Returns
    -------
    list
        The cells of each verdict.

    Raises
    ------
    InputError
        If a parameter has one value alone.
    """
    occurring = [name for name in _VERDICTS if any(name in row for row in found.verdicts)]
    index = np.array([[occurring.index(one) for one in row] for row in found.verdicts])
    cells = draw_cells(axes, found.axes, index, [_VERDICTS[name] for name in occurring])
    _draw_line(axes, found.axes, found.border, (BLACK, "-", "an increase begins, by number"))
    if found.theorem:
        scales = [Scale(axis) for axis in found.axes]
        lines = [
            scale.places(np.array(one)) for scale, one in zip(scales, zip(*found.theorem, strict=True), strict=True)
        ]
        axes.plot(*lines, "--", color=VERMILLION, linewidth=wide(1.8), label="N-Theorem 6: K₄ = 1/(1 − √β₂)")
    return cells


def map_figure(found: ZeroMap | LyapunovMap, title: str) -> Figure:
    """Return a figure of a map with its title and legend.

    Raises
    ------
    InputError
        As for :func:`draw_map` and :func:`draw_lyapunov_map`.
    """
    figure = Figure(figsize=(5.6, 5.4), layout="constrained")
    axes = figure.add_subplot()
    if isinstance(found, ZeroMap):
        draw_map(axes, found)
        what = "zeros, followed by number"
    else:
        draw_lyapunov_map(axes, found)
        what = "the loss along the flow, in the box"
    axes.set_title(f"{title}: {what}", parse_math=False)
    place_legend(axes)
    return figure


def draw_cells(
    axes: Axes, two: Sequence[Axis], index: NDArray[np.int_], kinds: Sequence[CellKind]
) -> list[PolyCollection]:
    """Draw a cell around each pair of values as the kind of its index (m, n) says, and set up both scales.

    Raises
    ------
    InputError
        If a parameter has one value alone.
    """
    scales = [Scale(axis) for axis in two]
    for scale, order in zip(scales, (0, 1), strict=True):
        index = np.take(index, scale.order, axis=order)
    cells = []
    for k, kind in enumerate(kinds):
        corners = [
            [(a, c), (b, c), (b, d), (a, d)]
            for i, (a, b) in enumerate(pairwise(scales[0].sides))
            for j, (c, d) in enumerate(pairwise(scales[1].sides))
            if index[i, j] == k
        ]
        # Without seams below, with a smooth hatch above.
        below = PolyCollection(corners, facecolor=kind.color, edgecolor="none", antialiased=False)
        above = PolyCollection(
            corners, facecolor=kind.color, edgecolor=_HATCH, linewidth=0, hatch=kind.hatch, label=kind.label
        )
        for one in (below, above):
            one.set_zorder(0.5)
            axes.add_collection(one)
        cells.append(above)
    for scale, which in zip(scales, ("x", "y"), strict=True):
        scale.set_up(axes, which)
    label_axes(axes, two[0].name, two[1].name)
    return cells


class Scale:
    """Where values of a parameter are on a side of the picture: 1 - beta on a logarithmic scale, or the values."""

    def __init__(self, axis: Axis) -> None:
        if len(axis.values) < 2:
            raise NotApplicable(f"plot: {axis.name} has one value; a map that is drawn needs two of each parameter")
        values = np.array([float(value) for value in axis.values])
        self.axis, self.order = axis, np.argsort(values)
        distances = 1 - values if axis.scale == "memory" else values
        self.is_log = bool(
            axis.scale != "linear" and distances.min() > 0 and distances.max() > _DECADE * distances.min()
        )
        self.is_memory = self.is_log and axis.scale == "memory"
        self.sides = self._sides(self.places(values[self.order]))

    @property
    def ends(self) -> FloatArray:
        """The lowest and the highest value."""
        return np.array([float(min(self.axis.values)), float(max(self.axis.values))])

    def places(self, values: FloatArray) -> FloatArray:
        """Return where values are."""
        return 1 - values if self.is_memory else values

    def _sides(self, places: FloatArray) -> FloatArray:
        """The ends of cells around places that rise or fall; of an interval none reaches beyond it."""
        scaled = np.log(places) if self.is_log else places
        middles = (scaled[1:] + scaled[:-1]) / 2
        first, last = 2 * scaled[0] - middles[0], 2 * scaled[-1] - middles[-1]
        if self.axis.is_interval:
            first, last = scaled[0], scaled[-1]
        sides = np.concatenate([[first], middles, [last]])
        return np.exp(sides) if self.is_log else sides

    def set_up(self, axes: Axes, which: str) -> None:
        """Set the scale, the limits and the ticks of the picture's side x or y."""
        if self.is_log:
            axes.set(**{f"{which}scale": "log"})
        axes.set(**{f"{which}lim": (self.sides[0], self.sides[-1])})
        ticks = self._ticks()
        if ticks is not None:
            side = axes.xaxis if which == "x" else axes.yaxis
            side.set_major_locator(FixedLocator(self.places(ticks).tolist()))
            side.set_minor_locator(NullLocator())
            side.set_ticklabels([f"{tick:.10g}" for tick in ticks])

    def _ticks(self) -> FloatArray | None:
        """The values that are labelled; None for those that Matplotlib takes."""
        values = np.array([float(value) for value in self.axis.values])
        if self.axis.is_interval and not self.is_memory:
            return None
        # Values that an interval was cut into have too many digits for labels.
        short = all(len(f"{value:.10g}") <= _SHORT for value in values)
        if short and len(values) <= 2 * _TICKS and not self.is_memory:
            return values
        if not self.is_memory:
            return None
        for steps in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
            all_ticks = np.array([step * 10.0**-k for k in range(17) for step in steps])
            ticks = all_ticks[(all_ticks > 0.9 * (1 - values.max())) & (all_ticks < 1.1 * (1 - values.min()))]
            if len(ticks) <= _TICKS + 2:
                break
        return np.asarray(1 - ticks)


def _draw_changes(axes: Axes, two: Sequence[Axis], changes: Sequence[MapChange]) -> None:
    for kind, style in _LINES.items():
        _draw_line(axes, two, [(one.values, one.edge) for one in changes if one.kind == kind], style)


def _draw_line(
    axes: Axes,
    two: Sequence[Axis],
    found: Sequence[tuple[tuple[float, float], tuple[Node, Node]]],
    style: tuple[str, str, str],
) -> None:
    """Join points on the edges of the grid: the two of a cell, if there are two."""
    scales, (color, dashes, label) = [Scale(axis) for axis in two], style
    color = ink() if color == BLACK else color
    points: dict[frozenset[Node], list[tuple[float, float]]] = {}
    for values, edge in found:
        x, y = (float(scale.places(np.array(value))) for scale, value in zip(scales, values, strict=True))
        points.setdefault(frozenset(edge), []).append((x, y))
    segments = list[list[tuple[float, float]]]()
    for i in range(len(two[0].values) - 1):
        for j in range(len(two[1].values) - 1):
            corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            around = [frozenset(edge) for edge in pairwise([*corners, corners[0]])]
            met = [point for edge in around for point in points.get(edge, ())]
            segments += [met] if len(met) == 2 else []
    if segments:
        axes.add_collection(LineCollection(segments, colors=color, linestyles=dashes, linewidth=wide(1.6), label=label))
    single = [point for some in points.values() for point in some if not any(point in one for one in segments)]
    if single:
        axes.plot(*zip(*single, strict=True), ".", color=color, markersize=big(4), label=None if segments else label)
