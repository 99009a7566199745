"""Whole figures: the pictures of a section side by side, with one legend below."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

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
    figure = Figure(figsize=(sum(widths), _HEIGHT), layout="constrained")
    panels = figure.subplots(1, len(pictures), squeeze=False, width_ratios=widths)[0]
    for axes, picture in zip(panels, pictures, strict=True):
        picture.draw(axes)
        if len(pictures) > 1:
            axes.set_title(picture.title, parse_math=False)
    if title:
        figure.suptitle(wrapped(title, sum(widths)), fontsize="large", parse_math=False)
    place_legend(*panels, columns=int(sum(widths) // _ENTRY))
    return figure


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
        raise InputError(f"{entry.name}: nothing is asked for that could be drawn; the settings say what is")
    return Plot(figure_of(content.pictures, context.title), content.text)
