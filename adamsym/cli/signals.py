"""SIGTERM, which batch systems and time limits send: a command ends as by Ctrl-C, and says what is kept."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adamsym.cli.output import tell
from adamsym.expressions.errors import Stopped


@contextmanager
def said_when_stopped(journal: Path | None) -> Iterator[None]:
    """Say what is kept of a work that Ctrl-C or SIGTERM stops."""
    try:
        yield
    except KeyboardInterrupt:
        kept = f"What is finished is in {journal}: add --resume" if journal else "With --journal what is finished stays"
        tell(f"adamsym: interrupted. {kept}.")
        raise


@contextmanager
def shown_when_stopped(show: Callable[[Any], None]) -> Iterator[None]:
    """Show the parts that are finished of a work that Ctrl-C or SIGTERM stops."""
    try:
        yield
    except Stopped as stopped:
        tell("adamsym: interrupted; what is finished so far:")
        show(stopped.partial)
        raise


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
