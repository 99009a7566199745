"""How far a long computation has come: what it calls, and a bar on a terminal; elsewhere lines, now and then."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from adamsym.expressions.arguments import checked_arguments

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is to do, in the thread that asked for the work."""

SECONDS_BETWEEN_LINES = 20.0
"""Where standard error is no terminal: what takes less says nothing."""

_Part = TypeVar("_Part")


def counted_off(parts: Iterable[_Part], sizes: Iterable[int], total: int, progress: Progress | None) -> Iterator[_Part]:
    """Yield the parts of a work of ``total`` as they are done, and tell how much that is."""
    done = 0
    for part, size in zip(parts, sizes, strict=True):
        done += size
        if progress is not None:
            progress(done, total)
        yield part


@checked_arguments
@contextmanager
def progress_bar(text: str) -> Iterator[Progress]:
    """Show a bar on standard error: in ``with``, what takes ``progress=`` gets what this gives.

    Where standard error is no terminal but a file or a pipe, it gets a line every twenty seconds.

    Parameters
    ----------
    text
        What is under way.

    Raises
    ------
    InputError
        If that is no text.

    Examples
    --------
    What is quick shows nothing but on a terminal:

    >>> from adamsym import Adam, AdamField, progress_bar
    >>> with progress_bar("the field") as progress:
    ...     print(AdamField([[1.0, 2.0], [3.0, 2.0]], Adam(), progress=progress)([0.0, 0.0]).round(2))
    [-0.89 -1.  ]
    """
    if not sys.stderr.isatty():
        yield lines(text)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def lines(text: str) -> Progress:
    """Return what prints how much is done on standard error, a line at a time and not too often."""
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            # What nobody reads is no fault of the work.
            with suppress(OSError):
                print(f"adamsym: {text}: {done} of {total}", file=sys.stderr, flush=True)

    return tell
