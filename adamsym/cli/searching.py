"""Searches of boxes from the command line: journal, progress, and signals, after which they say what they know."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adamsym.cli.executors import executor_of
from adamsym.cli.output import check_resume
from adamsym.cli.signals import said_when_stopped


@contextmanager
def search(
    output: Path | None, journal: Path | None, resume: bool, workers: int | None, cluster: str | None
) -> Iterator[dict[str, Any]]:
    """Options of a search: executor, journal and progress; a journal of our own choice goes when the search ends."""
    from adamsym.certify.journal import check_journal

    path = journal or (output.with_name(f"{output.name}.journal") if output else None)
    if path is not None:
        check_journal(path)
    check_resume(path, resume)
    kept = "" if path is None else f". Finished boxes are in {path}: add --resume"
    with (
        said_when_stopped(path, "--journal", what="Finished boxes are"),
        executor_of(workers, cluster, kept) as executor,
        _progress() as progress,
        _stop() as stop,
    ):
        yield {"executor": executor, "journal": path, "progress": progress, "stop": stop}
    if path is not None and stop():
        print(f"adamsym: interrupted. Finished boxes are in {path}: add --resume.", file=sys.stderr)
    elif path is not None and journal is None:
        path.unlink(missing_ok=True)


@contextmanager
def _stop() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM has come: once, a search stops and says what it knows; twice, it is broken off."""
    pressed: list[int] = []

    def note(number: int, frame: object) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)
        print("adamsym: stopping; what is known so far follows. Ctrl-C again breaks off.", file=sys.stderr)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(pressed)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, or lines."""
    from adamsym.expressions.progress import progress_bar

    with progress_bar("boxes examined, of those known") as progress:
        yield lambda examined, pending: progress(examined, examined + pending)
