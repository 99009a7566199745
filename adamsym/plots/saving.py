"""Figures as bytes, the same on every run: no dates, no random identifiers, no versions."""

import io
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.expressions.whole_files import write_whole

FORMATS = ("svg", "png", "pdf")

DOTS = 200
"""Per inch, for PNG."""

_SILENT: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def figure_bytes(figure: Figure, form: str, dots: int = DOTS) -> bytes:
    """Return a figure as svg, png or pdf, a png with so many dots per inch.

    Raises
    ------
    InputError
        For another format.
    """
    if form not in FORMATS:
        raise InputError(f"format: {form[:20]!r} is not allowed; allowed are {', '.join(FORMATS)}")
    buffer = io.BytesIO()
    # Text as outlines: figures look the same without the fonts of this machine.
    with matplotlib.rc_context({"svg.hashsalt": "adamsym", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=form, dpi=dots, metadata=_SILENT[form], facecolor="auto")
    return buffer.getvalue()


@checked_arguments
def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure to a .svg, .png or .pdf file: equal figures give equal bytes.

    Raises
    ------
    InputError
        For another ending, or if the file cannot be written; what was there then stays.
    """
    file = Path(path)
    content = figure_bytes(figure, file.suffix.removeprefix("."))
    write_whole(file, lambda opened: opened.write(content), "figure")
