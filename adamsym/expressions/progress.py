"""How far a long computation has come: what it calls, and a bar on a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from adamsym.expressions.arguments import checked_arguments

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is to do, in the thread that asked for the work."""

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
def progress_bar(text: str) -> Iterator[Progress | None]:
    """Show a bar on standard error, if it is a terminal: in ``with``, what takes ``progress=`` gets what this gives.

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
    Elsewhere than on a terminal nothing is shown:

    >>> from adamsym import Adam, AdamField, progress_bar
    >>> with progress_bar("the field") as progress:
    ...     print(AdamField([[1.0, 2.0], [3.0, 2.0]], Adam(), progress=progress)([0.0, 0.0]).round(2))
    [-0.89 -1.  ]
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
