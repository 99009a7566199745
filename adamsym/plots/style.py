"""Colours, markers and hatches: distinguishable by people who are colour blind, and in grey.

Sizes of text, the colours of text and of the paper, and a cycle of colours other than Matplotlib's own are those of the
style that is set when something is drawn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps, rcParams, rcParamsDefault
from matplotlib.colors import Colormap, ListedColormap, to_hex, to_rgb, to_rgba

# Okabe and Ito, Color Universal Design (2008).
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#767676"

SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (8, 2)))
"""Of series, by number: each differs in colour and in dashes."""


def ink() -> str:
    """Return the colour of what is black on white: that of text."""
    return str(rcParams["text.color"]) if rcParams["text.color"] != "black" else BLACK


def paper() -> str:
    """Return the colour of the paper."""
    return str(rcParams["axes.facecolor"])


def series(number: int) -> str:
    """Return the colour of a parameter, or of another series, by its number; of the style's cycle if it has its own."""
    own = rcParams["axes.prop_cycle"]
    chosen = SERIES if own == rcParamsDefault["axes.prop_cycle"] else own.by_key().get("color", SERIES)
    return str(chosen[number % len(chosen)])


def wide(width: float) -> float:
    """Return a line's width in points where the style's is 1.5, in proportion to the style's."""
    return width * float(rcParams["lines.linewidth"]) / 1.5


def big(size: float) -> float:
    """Return a marker's size in points where the style's is 6, in proportion to the style's."""
    return size * float(rcParams["lines.markersize"]) / 6


@dataclass(frozen=True)
class Mark:
    """How a kind of point is drawn: shape and fill differ, not the colour alone."""

    marker: str
    face: str
    edge: str
    size: float = 9.0
    rim: float = 1.6
    order: float = 6

    def options(self) -> dict[str, Any]:
        """Return arguments for ``Axes.plot``."""
        return {
            "linestyle": "none",
            "marker": self.marker,
            "markersize": big(self.size),
            "markerfacecolor": _on_paper(self.face),
            "markeredgecolor": _on_paper(self.edge),
            "markeredgewidth": self.rim,
            "zorder": self.order,
            "clip_on": True,
        }


def blended(color: str) -> str:
    """Return the opaque colour that a transparent one has on the paper; "none" as it is."""
    if color == "none":
        return color
    *top, share = to_rgba(color)
    red, green, blue = (share * c + (1 - share) * d for c, d in zip(top, to_rgb(paper()), strict=True))
    return to_hex((red, green, blue))


def _on_paper(color: str) -> str:
    return {BLACK: ink(), "white": paper()}.get(color, color)


STABILITIES = {
    "attracting": Mark("o", BLACK, "white"),
    "repelling": Mark("o", "white", VERMILLION),
    "saddle": Mark("D", YELLOW, BLACK, 8.0),
    "undecided": Mark("X", "white", PURPLE, 10.0),
}
"""Zeros by their stability."""

CRITICAL = Mark("v", VERMILLION, "white", 6.5, rim=0.8, order=7)
"""A critical point of the loss, in the colour of its gradient: above a zero at the same place, which it leaves seen."""

WITNESS = Mark("*", YELLOW, BLACK, 13.0)
START = Mark("s", "white", BLACK, 7.0)


@dataclass(frozen=True)
class Shade:
    """How a kind of box is drawn: certified ones by an even tint, which is no data, undecided ones hatched."""

    face: str
    edge: str
    hatch: str


CERTIFIED = Shade("#009E7338", "none", "")
UNDECIDED = Shade("#E69F0030", "#A35F00", "///")
UNDECIDED_ZEROS = Shade("none", "#9C3D78", "\\\\")

BASINS = ("#A9D6F5", "#F7CF7F", "#8FD5BF", "#EBC6DA", "#F6F0A0", "#BFBFBF")
BASIN_HATCHES = ("", "///", "...", "\\\\\\", "xx", "++")
"""Of basins, by the number of the zero; after the last the first follows."""

NOWHERE = "#FFFFFF"


def speeds() -> Colormap:
    """Return colours for speeds, light where slow and dark where fast, all dark enough for lines on white."""
    return ListedColormap(colormaps["viridis_r"](np.linspace(0.22, 1.0, 256)), name="speeds")
