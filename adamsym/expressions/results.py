"""What results have in common: a short ``repr``, a table for notebooks, a dictionary, a picture."""

import html
import math
from importlib import import_module
from typing import Any

import numpy as np


class Result:
    """A result of adamsym. A class adds ``summary`` and ``to_dict``, and ``table`` where it has rows."""

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the result in lists, numbers, texts and None, ready for JSON: what the command line prints."""
        raise NotImplementedError

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the columns and rows that a notebook shows below the summary; none by default."""
        return [], []

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary}>"

    def _repr_html_(self) -> str:
        columns, rows = self.table()
        text = f"<p><strong>{type(self).__name__}</strong>: {html.escape(self.summary)}</p>"
        if not rows:
            return text
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(entry)}</td>' for entry in row)}</tr>" for row in rows[:_SHOWN]
        )
        more = f"<p>and {len(rows) - _SHOWN} more</p>" if len(rows) > _SHOWN else ""
        return f"{text}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


_SHOWN = 20
"""Rows of a table in a notebook."""


class Drawable(Result):
    """A result with one natural picture."""

    def plot(self, ax: Any = None) -> Any:
        """Draw the result on Matplotlib axes, and return the axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure of pyplot if omitted.

        Raises
        ------
        InputError
            If a result in so many parameters cannot be drawn.
        """
        # By name: drawings lie in a layer above, and Matplotlib is loaded only when something is drawn.
        return import_module("adamsym.plots.results").draw_result(self, ax)


def plain(value: Any) -> Any:
    """Return numbers and arrays as JSON's numbers and lists; None in place of infinity and nan, which it lacks."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def counted(number: int, word: str) -> str:
    """Return a number with its word, in the plural if it is not 1."""
    return f"{number} {word}" + ("" if number == 1 else "s")
