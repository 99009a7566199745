"""What happens where tasks are done: the work is kept there, and a batch of its tasks is done.

What all tasks share is sent to a worker once: a batch names the work that it belongs to, and a worker that has not got
it says so, whereupon the batch is sent again together with the work. This needs nothing from an executor but that it
calls a function.
"""

import copy
import importlib.metadata
import os
import platform
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

DECIDING = ("adamsym", "numpy", "scipy", "numba", "sympy", "mpmath", "python-flint")
"""Packages whose versions the last digits of results may depend on."""

_MOST_KEPT = 4
"""Works that a worker keeps: several may be under way in one cluster, and those that have ended are not announced."""

Versions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Work:
    """A function of what the tasks share and of some tasks, which gives a result for each, and what they share."""

    function: Callable[[Any, Sequence[Any]], Iterable[Any]]
    shared: Any
    versions: Versions


@dataclass(frozen=True)
class Done:
    """The results of a batch's tasks up to the first that raised an error; the seconds that they took; and where."""

    results: list[Any]
    error: Exception | None
    seconds: float
    worker: tuple[str, int, int]


@dataclass(frozen=True)
class Unknown:
    """The answer of a worker that has not got the work."""


@dataclass(frozen=True)
class OtherVersions:
    """The answer of a worker whose results might differ: what it has, and what is wanted."""

    worker: str
    package: str
    here: str
    wanted: str


_kept: OrderedDict[str, Work] = OrderedDict()
_lock = threading.Lock()


def keep(name: str, work: Work) -> None:
    """Keep a work for later batches, in place of those that were not used for longest."""
    with _lock:
        _kept[name] = work
        _kept.move_to_end(name)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)


def forget(name: str) -> None:
    """Drop a work, if it is kept."""
    with _lock:
        _kept.pop(name, None)


def begin(name: str, work: Work) -> None:
    """Begin as a process of adamsym's own: keep the work, and leave Ctrl-C to the process that has started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep(name, work)


def do(name: str, work: Work | None, tasks: Sequence[Any]) -> Done | Unknown | OtherVersions:
    """Do some tasks of a work, which is kept already or comes with them."""
    if work is not None:
        for (package, wanted), (_, here) in zip(work.versions, versions(), strict=True):
            if here != wanted:
                return OtherVersions(platform.node(), package, here, wanted)
        keep(name, work)
        return done(work, tasks)
    with _lock:
        known = _kept.get(name)
    return Unknown() if known is None else done(known, tasks)


def done(work: Work, tasks: Sequence[Any]) -> Done:
    """Do some tasks, up to the first that raises an error."""
    results: list[Any] = []
    error = None
    # One by one: those before an error are kept.
    start = time.perf_counter()
    try:
        for result in work.function(work.shared, tasks):
            results.append(result)  # noqa: PERF402
    except Exception as raised:
        error = _portable(raised)
    seconds = time.perf_counter() - start
    return Done(results, error, seconds, (platform.node(), os.getpid(), threading.get_ident()))


def _portable(error: Exception) -> Exception:
    """An error that can be sent: one that cannot be made again from its arguments would break the connection."""
    try:
        copy.copy(error)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@cache
def versions() -> Versions:
    """Return the versions of Python and of what results may depend on, in one order."""
    return (("Python", platform.python_version()), *((name, _version(name)) for name in DECIDING))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"
