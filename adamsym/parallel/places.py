"""Where batches of tasks are sent: processes of our own, which are replaced when they die, or a given executor."""

import itertools
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, runtime_checkable

from adamsym.expressions.errors import InputError
from adamsym.parallel.remote import Done, OtherVersions, Unknown, Work, begin, do, forget

Answer = Done | Unknown | OtherVersions

UNGUARDED = (
    "a worker process died while it started. In a script, call this under `if __name__ == '__main__':`, for the "
    "workers import the script, and keep classes of your own in a module; or pass an executor of your own"
)

_names = itertools.count()


def new_name() -> str:
    """Return a name that no other work has."""
    return f"{os.getpid()}-{os.urandom(8).hex()}-{next(_names)}"


class Place(Protocol):
    """Where batches are sent."""

    workers: int
    """How many there are, as far as is known."""

    @property
    def have_started(self) -> bool:
        """Whether the workers are there."""

    def send(self, tasks: Sequence[Any], with_work: bool) -> "Future[Answer]":
        """Send a batch, together with the work where it is asked for."""

    def losses(self, error: BaseException) -> int:
        """How often workers were lost, by an error; none if it says something else."""

    def check(self) -> None:
        """Raise InputError if there is nobody left to wait for."""

    def close(self) -> None:
        """Send nothing more, and let go of what was begun."""


@runtime_checkable
class _Checked(Protocol):
    """An executor that can say that it has nobody left to call a function."""

    def check(self) -> None: ...


class OwnProcesses:
    """Processes of our own, to each of which the work is sent when it starts."""

    def __init__(self, name: str, work: Work, workers: int) -> None:
        self._name, self._work, self.workers = name, work, workers
        self._pool: ProcessPoolExecutor | None = None
        self._first: Future[int] | None = None

    @property
    def have_started(self) -> bool:
        """Whether something has been sent."""
        return self._pool is not None

    def send(self, tasks: Sequence[Any], with_work: bool) -> "Future[Answer]":
        """Send a batch; the processes start with the first one, or again where one of them has died.

        Raises
        ------
        InputError
            If what the tasks share cannot be sent to a process that starts.
        """
        try:
            return self._started().submit(do, self._name, None, tasks)
        except BrokenProcessPool:
            self._drop()
            return self._started().submit(do, self._name, None, tasks)
        except (AttributeError, TypeError) as error:
            # Pickle's words for what it cannot send, such as functions that have no name in a module.
            raise InputError(f"shared: cannot be sent to processes: {str(error)[:200]}; use threads") from None

    def losses(self, error: BaseException) -> int:
        """Once: a process that dies takes the others with it, and all that was under way.

        Raises
        ------
        BrokenProcessPool
            If processes cannot start at all: more of them would die in the same way.
        """
        if not isinstance(error, BrokenProcessPool):
            return 0
        if self._first is not None and self._first.exception() is not None:
            raise BrokenProcessPool(UNGUARDED)
        return 1

    def check(self) -> None:
        """Nothing to see: a process that dies is an error at once."""

    def close(self) -> None:
        """End the processes, after what they are doing now."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # "spawn": a fork of a process with threads may hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.workers, context, initializer=begin, initargs=(self._name, self._work)
            )
            # Asks for nothing but a start.
            self._first = self._first or self._pool.submit(os.getpid)
        return self._pool

    def _drop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)
        self._pool = None


class GivenExecutor:
    """An executor that is given, such as a pool of threads or a cluster's, to whose workers the work is sent once."""

    def __init__(self, name: str, work: Work, executor: Executor) -> None:
        self._name, self._work, self._executor = name, work, executor
        self.workers = 1

    @property
    def have_started(self) -> bool:
        """Executors are begun by those who give them."""
        return True

    def send(self, tasks: Sequence[Any], with_work: bool) -> "Future[Answer]":
        """Send a batch."""
        return self._executor.submit(do, self._name, self._work if with_work else None, tasks)

    def losses(self, error: BaseException) -> int:
        """Several times, if a cluster gives up: it has sent the tasks again itself. A pool that breaks stays broken."""
        return 2 if type(error).__name__ == "KilledWorker" else 0

    def check(self) -> None:
        """Ask a cluster's executor, which knows."""
        if isinstance(self._executor, _Checked):
            self._executor.check()

    def close(self) -> None:
        """Leave the executor as it is; what it keeps in this process goes."""
        forget(self._name)


def place_of(work: Work, executor: Executor | int) -> Place:
    """Return where tasks are sent to.

    Raises
    ------
    InputError
        If there are to be fewer than 1 processes.
    """
    check_workers(executor)
    if isinstance(executor, int):
        return OwnProcesses(new_name(), work, executor)
    return GivenExecutor(new_name(), work, executor)


def check_workers(executor: Executor | int) -> None:
    """Raise InputError if there are to be fewer than 1 processes."""
    if isinstance(executor, int) and executor < 1:
        raise InputError(f"executor: {executor} processes are not allowed; allowed are integers from 1 up")


def in_a_worker() -> bool:
    """Whether another process has started this one, which is not still importing a script that lacks its guard."""
    starting = getattr(multiprocessing.current_process(), "_inheriting", False)
    return multiprocessing.parent_process() is not None and not starting
