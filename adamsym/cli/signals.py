"""Ctrl-C, and SIGTERM, which batch systems and time limits send: they end a command alike, which says what is kept."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from adamsym.cli.output import tell
from adamsym.expressions.errors import Stopped


class Interrupted(KeyboardInterrupt):
    """An end by Ctrl-C or SIGTERM of which has been said what is kept."""


@contextmanager
def said_when_stopped(
    kept: Path | None, option: str = "", show: Callable[[Any], None] | None = None, what: str = "What is finished is"
) -> Iterator[None]:
    """Say what is kept of a work that Ctrl-C or SIGTERM stops, and show the parts that are finished.

    Parameters
    ----------
    kept
        The file that keeps it; None if there is none.
    option
        The option that names such a file; none if omitted.
    show
        Shows the result of the parts that are finished, if any is; nothing is shown if omitted.
    what
        The beginning of the sentence that names the file.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as stopped:
        tell(f"adamsym: interrupted. {_kept_text(kept, option, what)}")
        if show is not None and isinstance(stopped, Stopped):
            tell("adamsym: what is finished so far:")
            show(stopped.partial)
        raise Interrupted from None


def says_when_stopped(command: Callable[..., int]) -> Callable[..., int]:
    """Return a command that says that nothing is kept where Ctrl-C or SIGTERM stops it, unless it says more itself."""

    @wraps(command)
    def run(*given: Any, **options: Any) -> int:
        with said_when_stopped(None):
            return command(*given, **options)

    return run


def _kept_text(kept: Path | None, option: str = "", what: str = "What is finished is") -> str:
    """Return the sentence that says what is kept, and where, or how something would have been."""
    if kept is not None and kept.exists():
        return f"{what} in {kept}: add --resume."
    if kept is not None:
        return f"Nothing is finished, and {kept} is not written."
    return f"Nothing is kept; with {option} FILE what is finished is." if option else "Nothing is kept."


@contextmanager
def ends_like_ctrl_c() -> Iterator[list[int]]:
    """Raise KeyboardInterrupt where SIGTERM comes, and give a list that then holds it.

    In the processes that are started meanwhile it ends them as ever.
    """
    ended: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return
    owner = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() == owner:
            ended.append(number)
            raise KeyboardInterrupt
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, previous)
