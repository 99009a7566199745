"""Whole figures: the pictures of a section side by side, with one legend below."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import font_manager, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import AutoLocator, MaxNLocator, ScalarFormatter

from adamsym.expressions.errors import InputError
from adamsym.plots.context import PlotContext
from adamsym.plots.labels import place_legend
from adamsym.plots.registry import Picture, Section, known_kind
from adamsym.plots.saving import figure_bytes

_HEIGHT = 4.3
"""Inches."""

_LETTERS = 11.0
"""Of a title, for each inch."""

_ENTRY = 3.0
"""Inches for one entry of the legend."""

_GAP = 0.05
"""Between pictures, as a share of their width: the scale of one is not read as the axis of the next."""

_DIGIT = 0.7
"""Of a letter's width in its size, about, with what keeps labels apart."""

_DIGITS = 9
"""Letters of a label that is written out."""

_MOST_TICKS = 9

_FRAME = 1.2
"""Inches of a picture's width that are not its axis."""


@dataclass(frozen=True)
class Plot:
    """A figure, and in one line what it shows; a notebook shows it as it is."""

    figure: Figure
    text: str

    def _repr_svg_(self) -> str:
        return figure_bytes(self.figure, "svg").decode()


def figure_of(pictures: Sequence[Picture], title: str = "") -> Figure:
    """Return the pictures side by side in one figure, under a title."""
    widths = [picture.width for picture in pictures]
    layout = ConstrainedLayoutEngine(wspace=_GAP if len(pictures) > 1 else None)
    figure = Figure(figsize=(sum(widths), _HEIGHT), layout=layout)
    panels = figure.subplots(1, len(pictures), squeeze=False, width_ratios=widths)[0]
    for axes, picture in zip(panels, pictures, strict=True):
        picture.draw(axes)
        if len(pictures) > 1:
            axes.set_title(picture.title, parse_math=False)
    for axes, width in zip(panels, widths, strict=True):
        _whole_numbers(axes)
        _thin_ticks(axes, width)
    if title:
        figure.suptitle(wrapped(title, sum(widths)), fontsize="large", parse_math=False)
    place_legend(*panels, columns=int(sum(widths) // _ENTRY))
    return figure


def _whole_numbers(axes: Axes) -> None:
    """Write numbers on the axes as they are, not less another in the corner, unless they have very many digits."""
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, ScalarFormatter):
            formatter.set_useOffset(False)
            texts = formatter.format_ticks(list(axis.get_major_locator()()))
            formatter.set_useOffset(max(map(len, texts), default=0) > _DIGITS)


def _thin_ticks(axes: Axes, width: float) -> None:
    """Let the horizontal axis have no more labels than find room side by side, for instance of a narrow box."""
    axis = axes.xaxis
    if not isinstance(axis.get_major_locator(), AutoLocator):
        return
    low, high = sorted(axes.get_xlim())
    size = font_manager.FontProperties(size=rcParams["xtick.labelsize"]).get_size_in_points()
    for number in range(_MOST_TICKS, 1, -1):
        axis.set_major_locator(MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]))
        shown = [x for x in axis.get_major_locator()() if low <= x <= high]
        letters = sum(len(text) + 1 for text in axis.get_major_formatter().format_ticks(shown))
        if letters * size * _DIGIT <= 72 * (width - _FRAME):
            break


def wrapped(title: str, width: float) -> str:
    """Return a title in lines that fit a figure of so many inches."""
    return textwrap.fill(title, int(width * _LETTERS))


def plot(kind: str | Section, context: PlotContext) -> Plot:
    """Return a plot of a kind that the registry knows.

    Parameters
    ----------
    kind
        A name in :func:`adamsym.plots.registry.plot_kinds`, or its entry.
    context
        The field, a start, and how much is computed.

    Raises
    ------
    InputError
        If there is no such kind, or the problem does not allow it.
    """
    entry = known_kind(kind) if isinstance(kind, str) else kind
    content = entry.make(context)
    if not content.pictures:
        reason = content.text or "nothing is asked for that could be drawn; the settings say what is"
        raise InputError(f"{entry.name}: {reason}")
    return Plot(figure_of(content.pictures, context.title(content.varied)), content.text)
