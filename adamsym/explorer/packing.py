"""Views as JSON: columns that are drawn as float32 in base64, one array for all positions; points as they are."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from adamsym.explorer.view import Columns, View
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import plain

MOST_BYTES = 12_000_000
"""Of the columns that are drawn, for all positions together; in base64 a third more, and 1.3 MB of BokehJS."""


def check_size(drawn: Columns, states: int) -> None:
    """Raise InputError if the columns of one view are too many for so many positions."""
    size = states * sum(4 * len(column) for columns in drawn.values() for column in columns.values())
    if size > MOST_BYTES:
        raise InputError(
            f"values: {states:,} positions of the sliders make a page of {size / 1e6:.0f} MB; allowed are "
            f"{MOST_BYTES / 1e6:.0f}: give fewer values"
        )


def packed_drawn(views: Sequence[View]) -> dict[str, dict[str, str]]:
    """Return the drawn columns of all views, by source and column, each in base64."""
    return {
        name: {column: _base64([view.drawn[name][column] for view in views]) for column in columns}
        for name, columns in views[0].drawn.items()
    }


def _base64(arrays: Sequence[FloatArray]) -> str:
    return base64.b64encode(np.stack(arrays).astype("<f4").tobytes()).decode("ascii")


def packed_view(view: View) -> dict[str, Any]:
    """Return the rest of a view, ready for JSON."""
    points = {
        name: {column: plain(values) for column, values in columns.items()} for name, columns in view.points.items()
    }
    return {"points": points, "ranges": view.ranges, "labels": view.labels, "words": view.words, "rows": view.rows}
