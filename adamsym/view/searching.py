"""Certified searches with a limit of time: what was examined by then counts, the rest is undecided."""

import math
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

Found = TypeVar("Found", covariant=True)


class Searching(Protocol[Found]):
    """``find_zeros`` or ``certify_lyapunov`` for one field and box."""

    def __call__(
        self, *, budget: int, executor: Executor, journal: Path, progress: Callable[[int, int], None]
    ) -> Found:
        """Search."""
        ...


class _TimeIsUp(Exception):
    pass


def search_within(search: Searching[Found], budget: int, seconds: float) -> tuple[Found, bool]:
    """Return what a search finds within a budget of boxes and a time, and whether the time ended it.

    When the time is up the search is made again for as many boxes as have been examined, out of its journal.
    """
    end = time.monotonic() + seconds

    def watch(examined: int, pending: int) -> None:
        if time.monotonic() > end:
            raise _TimeIsUp(examined)

    # One thread: boxes are few, processes of their own would take longer to start, and daemons may start none.
    executor = ThreadPoolExecutor(1)
    try:
        with tempfile.TemporaryDirectory(prefix="adamsym-") as folder:
            journal = Path(folder) / "journal"
            try:
                return search(budget=budget, executor=executor, journal=journal, progress=watch), False
            except _TimeIsUp as stop:
                [examined] = stop.args
            return search(budget=examined, executor=executor, journal=journal, progress=lambda done, left: None), True
    finally:
        executor.shutdown(cancel_futures=True)


def stopped_text(seconds: float) -> str:
    """Return how a finding says that the time ended its search; empty without a limit."""
    return "" if math.isinf(seconds) else f"; the search stopped after {seconds:g} seconds"
