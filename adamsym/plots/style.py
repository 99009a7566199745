"""Colours, markers and hatches: distinguishable by people who are colour blind, and in grey."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap

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

TEXT = 9
"""Points, for labels and legends."""


@dataclass(frozen=True)
class Mark:
    """How a kind of point is drawn: shape and fill differ, not the colour alone."""

    marker: str
    face: str
    edge: str
    size: float = 9.0

    def options(self) -> dict[str, Any]:
        """Return arguments for ``Axes.plot``."""
        return {
            "linestyle": "none",
            "marker": self.marker,
            "markersize": self.size,
            "markerfacecolor": self.face,
            "markeredgecolor": self.edge,
            "markeredgewidth": 1.6,
            "zorder": 6,
            "clip_on": True,
        }


STABILITIES = {
    "attracting": Mark("o", BLACK, "white"),
    "repelling": Mark("o", "white", VERMILLION),
    "saddle": Mark("D", YELLOW, BLACK, 8.0),
    "undecided": Mark("X", "white", PURPLE, 10.0),
}
"""Zeros by their stability."""

WITNESS = Mark("*", VERMILLION, BLACK, 15.0)
START = Mark("s", "white", BLACK, 7.0)


@dataclass(frozen=True)
class Shade:
    """How a kind of box is drawn."""

    face: str
    edge: str
    hatch: str


CERTIFIED = Shade("#009E7330", "#007354", "..")
UNDECIDED = Shade("#E69F0040", "#A35F00", "xxx")
UNDECIDED_ZEROS = Shade("none", "#9C3D78", "\\\\")

BASINS = ("#A9D6F5", "#F7CF7F", "#8FD5BF", "#EBC6DA", "#F6F0A0", "#BFBFBF")
BASIN_HATCHES = ("", "///", "...", "\\\\\\", "xx", "++")
"""Of basins, by the number of the zero; after the last the first follows."""

NOWHERE = "#FFFFFF"


def speeds() -> Colormap:
    """Return colours for speeds, light where slow and dark where fast, all dark enough for lines on white."""
    return ListedColormap(colormaps["viridis_r"](np.linspace(0.22, 1.0, 256)), name="speeds")
