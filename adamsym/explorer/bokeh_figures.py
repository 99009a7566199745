"""The figures of an exploration, in Bokeh: it is loaded with this module."""

from typing import Any

from bokeh.models import ColumnDataSource, LinearColorMapper, PrintfTickFormatter, Range1d, Span
from bokeh.plotting import figure

from adamsym.explorer.captions import CERTIFIED, DESCENT, FIELD, LINES, RUN, TEXT
from adamsym.explorer.exploration import Explorer
from adamsym.explorer.landscape import Landscape
from adamsym.explorer.view import CLOSE_LABELS, SLOWEST, View, drawn_loss, minima, shown_slider, still

_AXIS = "#8a8a8a"
_HEIGHT = 310
_MARK = 12

_SPEEDS = ("#d3e2f0", "#c0d5e9", "#adc8e2", "#9abbdb", "#86add3", "#739fcb", "#5f90c2", "#4b81b8")
_SLOPES = ("#f3dfc9", "#ecd0b0", "#e4c097", "#dbb07e", "#d19f66", "#c68e4f", "#b97d3a", "#ab6c27")
"""Of arrows, from slow to fast: lighter and darker, so that grey tells them apart too."""

Sources = dict[str, ColumnDataSource]


def sources_of(explorer: Explorer, view: View) -> Sources:
    """Return the sources of a page's columns by name, with those of one view."""
    merged: dict[str, dict[str, Any]] = {}
    land = explorer.landscape
    for columns in (still(land), drawn_loss(land), minima(land), view.drawn, view.points):
        for name, data in columns.items():
            merged.setdefault(name, {}).update(data)
    return {name: ColumnDataSource(data=data, name=f"{name}_columns") for name, data in merged.items()}


def figures_of(explorer: Explorer, view: View) -> dict[str, figure]:
    """Return the figures by name, showing a view; their sources and moving ranges bear the names of its columns."""
    land, sources = explorer.landscape, sources_of(explorer, view)
    if len(land.plane) == 1:
        found = {"field": _graph(land, sources), "time": _over_time(land, sources)}
    else:
        found = {"field": _field_plane(land, sources), "descent": _descent_plane(land, sources)}
    if explorer.has_distances:
        found["close"] = _close_up(land, sources, view)
    if shown_slider(explorer) is not None:
        found["curve"] = _curve(explorer, sources, view)
    for name, one in found.items():
        one.name = name
    return found


def _short_ticks(axes: Any) -> None:
    """Few ticks, with two digits: Bokeh writes small numbers with three zeros."""
    for axis in axes:
        axis.ticker.desired_num_ticks = 6
        axis.formatter = PrintfTickFormatter(format="%.2g")


def _figure(x: str, y: str, **options: Any) -> figure:
    one = figure(
        height=_HEIGHT,
        sizing_mode="stretch_width",
        min_width=260,
        tools="box_zoom,pan,reset,save",
        active_drag=None,
        x_axis_label=x,
        y_axis_label=y,
        **options,
    )
    one.toolbar.logo = None
    one.toolbar.autohide = True
    for axis in one.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "13px"
        axis.axis_label_text_color = axis.major_label_text_color = TEXT
    one.grid.grid_line_color = "#ececec"
    one.outline_line_color = _AXIS
    return one


def _range(low: float, high: float, margin: float = 0.0) -> Range1d:
    spare = margin * (high - low)
    return Range1d(low - spare, high + spare)


def _zeros(one: figure, sources: Sources) -> None:
    """The marks of minima and zeros: shape, fill and size differ, so that both are seen where they meet."""
    one.scatter(
        "x", "y", source=sources["rests"], marker="diamond", size=_MARK + 8,
        fill_color="#ffd9b8", line_color=DESCENT, line_width=2,
    )  # fmt: skip
    one.scatter(
        "x", "y", source=sources["zeros"], marker="circle", size=_MARK - 3,
        fill_color=FIELD, line_color="white", line_width=1.5,
    )  # fmt: skip
    one.scatter(
        "x", "y", source=sources["certified"], marker="circle", size=_MARK + 8,
        fill_color=None, line_color=CERTIFIED, line_width=2,
    )  # fmt: skip


def _graph(land: Landscape, sources: Sources) -> figure:
    [name], [[low, high]] = land.names, land.sides
    one = _figure(name, "divided by its largest size", x_range=_range(low, high), y_range=_range(-1.0, 1.0, 0.06))
    one.add_layout(Span(location=0.0, dimension="width", line_color=_AXIS, line_width=1))
    one.line("x", "y", source=sources["descent"], color=DESCENT, line_dash="dashed", line_width=2)
    one.line("x", "y", source=sources["field"], color=FIELD, line_width=2.5)
    _zeros(one, sources)
    return one


def _close_up(land: Landscape, sources: Sources, view: View) -> figure:
    one = _close_graph(sources) if len(land.plane) == 1 else _close_plane(sources)
    _short_ticks(one.axis)
    for axis, name in zip(one.axis, CLOSE_LABELS, strict=True):
        axis.update(name=name, axis_label=view.labels.get(name, axis.axis_label))
    for axis, name in (("x_range", "close_x"), ("y_range", "close_y"))[: len(land.plane)]:
        setattr(one, axis, Range1d(*view.ranges.get(name, (-1.0, 1.0)), name=name))
    return one


def _close_graph(sources: Sources) -> figure:
    one = _figure("", "divided by its largest size", y_range=_range(-1.0, 1.0, 0.06))
    one.add_layout(Span(location=0.0, dimension="width", line_color=_AXIS, line_width=1))
    one.line("x", "g", source=sources["close"], color=DESCENT, line_dash="dashed", line_width=2)
    one.line("x", "f", source=sources["close"], color=FIELD, line_width=2.5)
    _close_marks(one, sources)
    return one


def _close_marks(one: figure, sources: Sources) -> None:
    one.line("x", "y", source=sources["close_gap"], color=TEXT, line_width=4)
    one.scatter(
        [0.0], [0.0], marker="diamond", size=_MARK + 8,
        fill_color="#ffd9b8", line_color=DESCENT, line_width=2,
    )  # fmt: skip
    one.scatter(
        "x", "y", source=sources["close_zeros"], marker="circle", size=_MARK,
        fill_color=FIELD, line_color="white", line_width=1.5,
    )  # fmt: skip


def _over_time(land: Landscape, sources: Sources) -> figure:
    [name], [[low, high]] = land.names, land.sides
    one = _figure("time", name, x_range=_range(0.0, land.time), y_range=_range(low, high))
    one.line("x", "y", source=sources["lines"], color=LINES, line_width=1.5)
    one.line("x", "y", source=sources["run"], color=RUN, line_width=2)
    one.hspan("x", source=sources["rests"], line_color=DESCENT, line_dash="dotted")
    return one


def _plane(land: Landscape) -> figure:
    (left, right), (low, high) = land.sides
    x, y = (land.names[k] for k in land.plane)
    return _figure(x, y, x_range=_range(left, right, 0.03), y_range=_range(low, high, 0.03))


def _arrows(one: figure, source: ColumnDataSource, colours: tuple[str, ...]) -> None:
    colour = {"field": "level", "transform": LinearColorMapper(colours, low=SLOWEST, high=0.0)}
    one.segment("x0", "y0", "x1", "y1", source=source, line_color=colour, line_width=1.3)
    one.scatter("x1", "y1", angle="angle", source=source, marker="triangle", size=6, color=colour)


def _field_plane(land: Landscape, sources: Sources) -> figure:
    one = _plane(land)
    _arrows(one, sources["arrows_field"], _SPEEDS)
    one.line("x", "y", source=sources["lines"], color=LINES, line_width=1.8)
    one.line("x", "y", source=sources["run"], color=RUN, line_width=2.5)
    _zeros(one, sources)
    return one


def _descent_plane(land: Landscape, sources: Sources) -> figure:
    one = _plane(land)
    _arrows(one, sources["arrows_descent"], _SLOPES)
    if "lines_descent" in sources:
        one.line("x", "y", source=sources["lines_descent"], color=LINES, line_width=1.8)
    _zeros(one, sources)
    return one


def _close_plane(sources: Sources) -> figure:
    one = _figure("", "")
    _close_marks(one, sources)
    return one


def _curve(explorer: Explorer, sources: Sources, view: View) -> figure:
    slider = shown_slider(explorer)
    assert slider is not None
    places = [slider.scaled(value) for value in slider.axis.values]
    ends = _range(min(places), max(places), 0.05)
    one = _figure(slider.label, "distance", x_range=ends, y_axis_type="log")
    one.y_range = Range1d(*view.ranges["curve_y"], name="curve_y")
    _short_ticks(one.xaxis)
    one.line("x", "y", source=sources["curve"], color=TEXT, line_width=1.5)
    one.scatter("x", "y", source=sources["curve"], size=6, color=TEXT)
    one.scatter("x", "y", source=sources["here"], size=_MARK + 2, color=FIELD)
    return one
