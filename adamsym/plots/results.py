"""The one natural picture of a result: what ``result.plot(ax)`` draws."""

import base64
import html
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adamsym.certify import LyapunovRegion, OneZero, Zeros
from adamsym.continuation import CertifiedBranch, LyapunovMap, Sweep, ZeroMap, ZerosOver
from adamsym.dynamics import Basins, Ensemble, Flow, PhasePortrait, PseudoTrajectory, ZeroPoint
from adamsym.dynamics.origin import Origin
from adamsym.expressions.columns import plain_names
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.results import Result
from adamsym.field import AdamField
from adamsym.methods import Method
from adamsym.plots.branches import draw_branches, draw_tubes
from adamsym.plots.cells import draw_cells_over
from adamsym.plots.certified import draw_lyapunov, draw_zeros
from adamsym.plots.labels import label_axes
from adamsym.plots.maps import draw_lyapunov_map, draw_map
from adamsym.plots.names import field_text, method_text, source_text
from adamsym.plots.portraits import draw_basins, draw_portrait
from adamsym.plots.saving import figure_bytes
from adamsym.plots.style import BLUE
from adamsym.plots.trajectories import draw_flow
from adamsym.plots.windows import draw_windows
from adamsym.plots.zero_points import draw_one_zero, draw_zero_point


def draw_result(result: object, axes: Axes | None = None) -> Axes:
    """Draw a result on axes, those of a new figure of pyplot by default, and return them.

    Raises
    ------
    InputError
        If ``axes`` are none of Matplotlib's, or the result has too many parameters.
    """
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.figure(layout="constrained").add_subplot()
    if not isinstance(axes, Axes):
        raise InputError(f"ax: {type(axes).__name__} is no Axes; give Axes, such as figure.add_subplot()")
    draw(result, axes)
    if not axes.get_title():
        axes.set_title(_about(result), parse_math=False, wrap=True)
    handles, labels = axes.get_legend_handles_labels()
    # Equal labels count once.
    entries = dict(zip(reversed(labels), reversed(handles), strict=True))
    if entries:
        axes.legend([entries[label] for label in dict.fromkeys(labels)], list(dict.fromkeys(labels)), frameon=False)
    return axes


def _about(result: object) -> str:
    """The title of a result's picture: the method with its hyper-parameters, where the result knows them."""
    origin = getattr(result, "origin", None)
    if isinstance(origin, Origin):
        return source_text(origin.problem, origin.method)
    field = getattr(result, "field", None)
    if isinstance(field, AdamField):
        return field_text(field)
    holder = result if isinstance(result, LyapunovRegion) else getattr(result, "function", None)
    method = getattr(holder, "method", getattr(holder, "adam", None))
    return method_text(method) if isinstance(method, Method) else ""


def _names(result: Flow | PhasePortrait | Basins | Ensemble, dimension: int) -> Sequence[str]:
    """The names of a result's parameters; plain ones where it knows none."""
    return plain_names(dimension) if result.origin is None else result.origin.names


def embedded(result: Result) -> str:
    """Return the picture of a result as an HTML image, for a notebook; empty where it has none.

    Its text for those who do not see it is the result's line.
    """
    axes = Figure(figsize=_NOTEBOOK, layout="constrained").add_subplot()
    try:
        result.plot(axes)
    except InputError:
        return ""
    figure = axes.get_figure(root=True)
    assert figure is not None
    data = base64.b64encode(figure_bytes(figure, "png", dots=_DOTS)).decode("ascii")
    return f'<img alt="{html.escape(result.line)}" style="max-width:100%" src="data:image/png;base64,{data}">'


_NOTEBOOK = 5.6, 3.8
"""Inches of a picture in a notebook."""

_DOTS = 110
"""Per inch there: some ten kilobytes."""


@singledispatch
def draw(result: object, axes: Axes) -> Any:
    """Draw a result on axes; a new kind of result registers its own drawing."""
    raise NotApplicable(f"plot: {type(result).__name__} has no picture of its own")


@draw.register
def _(result: Zeros, axes: Axes) -> Any:
    return draw_zeros(axes, result)


@draw.register
def _(result: LyapunovRegion, axes: Axes) -> Any:
    return draw_lyapunov(axes, result)


@draw.register
def _(result: Flow, axes: Axes) -> Any:
    return draw_flow(axes, result, _names(result, result.theta.shape[-1]))


@draw.register
def _(result: PhasePortrait, axes: Axes) -> Any:
    return draw_portrait(axes, result, _names(result, result.points.shape[-1]))


@draw.register
def _(result: Basins, axes: Axes) -> Any:
    return draw_basins(axes, result, result.zeros, _names(result, result.points.shape[-1]))


@draw.register
def _(result: PseudoTrajectory, axes: Axes) -> Any:
    return draw_windows(axes, result)


@draw.register
def _(result: ZeroPoint, axes: Axes) -> Any:
    return draw_zero_point(axes, result)


@draw.register
def _(result: OneZero, axes: Axes) -> Any:
    return draw_one_zero(axes, result)


@draw.register
def _(result: CertifiedBranch, axes: Axes) -> Any:
    return draw_tubes(axes, result)


@draw.register
def _(result: Sweep, axes: Axes) -> Any:
    return draw_branches(axes, result)


@draw.register
def _(result: ZerosOver, axes: Axes) -> Any:
    return draw_cells_over(axes, result)


@draw.register
def _(result: ZeroMap, axes: Axes) -> Any:
    return draw_map(axes, result)


@draw.register
def _(result: LyapunovMap, axes: Axes) -> Any:
    return draw_lyapunov_map(axes, result)


@draw.register
def _(result: Ensemble, axes: Axes) -> Any:
    """The last states of the chains that did not diverge: a histogram, or points in the plane."""
    states = result.theta[result.diverged == 0]
    dimension = states.shape[-1]
    if dimension > 2:
        raise NotApplicable(f"plot: an ensemble in {dimension} parameters cannot be drawn; one or two can")
    names = _names(result, dimension)
    if dimension == 1:
        label_axes(axes, names[0], "chains")
        return axes.hist(states[:, 0], bins="auto", color=BLUE)
    label_axes(axes, *names)
    return axes.plot(*states.T, linestyle="none", marker=".", color=BLUE)
