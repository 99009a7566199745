"""What results have in common: a short ``repr``, a page in a notebook, a dictionary, a data frame, a picture."""

import html
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from adamsym.expressions.columns import Columns, data_frame, parameter_names

VERDICTS = (
    "formal",
    "certified",
    "holds",
    "refuted",
    "undecided",
    "stated",
    "not applicable",
    "statistical",
    "floating point",
    "internal error",
)
"""How a result is meant: "formal" is what a proof kernel accepted, "stated" what it has not yet been asked; only proven
bounds are "certified"; "statistical", "floating point" ones are evidence."""

_SHOWN = 20
"""Rows of a table in a notebook."""


class Record:
    """A part of a result: it is shown in one line, and holds more."""

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary}>"


class Result(Record):
    """A result of adamsym.

    A class adds ``verdict``, ``summary`` and ``to_dict``; ``columns`` and ``table`` where it has rows. What it looks
    like is registered in ``adamsym.plots.results``, in a layer above.
    """

    if TYPE_CHECKING:

        @property
        def verdict(self) -> str:
            """How the result is meant: one of ``VERDICTS``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result in lists, numbers, texts and None, ready for JSON: what the command line prints."""
        raise NotImplementedError

    def columns(self, names: Sequence[str] | None = None) -> Columns:
        """Return rows of numbers as columns by name; by default one row, of the single values of ``to_dict``.

        Parameters
        ----------
        names
            Of the parameters; by default those that the result knows, or else "theta" or "theta[0]", ...
        """
        return {name: [value] for name, value in _single_values(self.to_dict()).items()}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the columns and rows that a notebook shows below the summary; none by default."""
        return [], []

    def to_dataframe(
        self, names: Sequence[str] | None = None, *, library: Literal["pandas", "polars"] | None = None
    ) -> Any:
        """Return the rows of :meth:`columns` as a data frame.

        Parameters
        ----------
        names
            Of the parameters; by default those that the result knows, or else "theta" or "theta[0]", ...
        library
            "pandas" or "polars"; by default pandas if it is installed, else polars.

        Raises
        ------
        NotApplicable
            If the library is not installed.
        InputError
            If it is another, or there is not one name for each parameter.
        """
        return data_frame(self.columns(names), library)

    def plot(self, ax: Any = None) -> Any:
        """Draw the result on Matplotlib axes, and return the axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure of pyplot if omitted.

        Raises
        ------
        NotApplicable
            If a result of this kind, or in so many parameters, has no picture.
        InputError
            If ``ax`` are no axes.
        """
        # By name: drawings lie in a layer above, and Matplotlib is loaded only when something is drawn.
        return import_module("adamsym.plots.results").draw_result(self, ax)

    @property
    def line(self) -> str:
        """The verdict and what was found, in one line."""
        return self.summary if self.summary.startswith(self.verdict) else f"{self.verdict}: {self.summary}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.line}>"

    def _repr_html_(self) -> str:
        said = self.summary.removeprefix(self.verdict).lstrip(" :;")
        return (
            f"<p>{badge(self.verdict)} <strong>{type(self).__name__}</strong>: {html.escape(said)}</p>"
            f"{self._body_html()}{import_module('adamsym.plots.results').embedded(self)}"
        )

    def _body_html(self) -> str:
        """The table; a result whose body is another writes its own."""
        columns, rows = self.table()
        if not rows:
            return ""
        head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(entry)}</td>' for entry in row)}</tr>" for row in rows[:_SHOWN]
        )
        more = f"<p>and {len(rows) - _SHOWN} more</p>" if len(rows) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def badge(verdict: str) -> str:
    """Return a verdict as HTML in a frame; by its words, not by colours, which notebooks choose themselves."""
    style = "border:1px solid;border-radius:.3em;padding:0 .4em;font-weight:600;white-space:nowrap"
    return f'<span style="{style}">{html.escape(verdict)}</span>'


def own_names(names: Sequence[str] | None, own: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Return the columns' names of parameters: those given, or a result's own; errors as of ``parameter_names``."""
    return parameter_names(own if names is None else names, len(own), taken)


def ends_of(boxes: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return columns ``lower.NAME`` and ``upper.NAME`` of boxes, shape (n, d, 2)."""
    sides = np.asarray(boxes, dtype=np.float64).reshape(-1, len(names), 2)
    return {f"{end}.{name}": sides[:, k, j].copy() for k, name in enumerate(names) for j, end in enumerate(_ENDS)}


_ENDS = ("lower", "upper")


def _single_values(found: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """The numbers and texts in dictionaries, by dotted keys; lists are no single values."""
    values: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            values |= _single_values(value, f"{before}{name}.")
        elif not isinstance(value, (list, tuple)):
            values[f"{before}{name}"] = value
    return values


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
