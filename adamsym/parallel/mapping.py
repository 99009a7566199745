"""Tasks of one kind, done wherever an executor does them: the results do not depend on where.

Tasks go in batches; those of a worker that is lost are done again, and each result is told once.
"""

import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from adamsym.expressions.arguments import checked_arguments, shown
from adamsym.expressions.errors import InputError
from adamsym.parallel.places import Answer, Place, check_workers, place_of
from adamsym.parallel.remote import Done, OtherVersions, Work, versions

SECONDS_OF_A_BATCH = 0.2
"""What a batch should take: much longer than to send it, much shorter than one waits for an answer to Ctrl-C."""

_FASTEST_GROWTH = 8
"""A batch is at most so many times as large as the last: first tasks may be the cheap ones."""

_AT_FIRST = 4
"""Batches sent before anything is known of the workers."""

_AHEAD = 3
"""Batches for each known worker, and one more: a worker that is not known yet gets that one."""

_SUSPECT = 2
"""A task that so many workers were lost with is sent when nothing else is under way: then it is known which it is."""

_SECONDS_BETWEEN_CHECKS = 5.0

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class _Part:
    """Some tasks, the number of the first, and how often a worker was lost with them."""

    first: int
    tasks: list[Any]
    with_work: bool = False
    losses: int = 0


class Pace:
    """How many tasks make a batch, by the seconds that those before have taken."""

    def __init__(self) -> None:
        self._seconds, self._largest = 0.0, 0

    def note(self, tasks: int, seconds: float) -> None:
        """Learn from a batch; one that was quicker counts more, for the first may have compiled and imported."""
        each = seconds / tasks
        share = 1.0 if self._largest == 0 else 0.5 if each < self._seconds else 0.2
        self._seconds += share * (each - self._seconds)
        self._largest = max(self._largest, tasks)

    def size(self, together: int, left: int, workers: int) -> int:
        """Return how many tasks to send, at least ``together``; of the last ones less, so that no worker waits."""
        wanted = min(_FASTEST_GROWTH * self._largest, int(SECONDS_OF_A_BATCH / max(self._seconds, 1e-9)))
        wanted = max(together, wanted)
        return min(wanted, -(-left // (2 * workers))) if left else wanted


class Workers(Generic[Item, Result]):
    """Where tasks of one kind are done, one call after the other."""

    def __init__(self, place: Place) -> None:
        self._place, self._pace = place, Pace()
        self._seen: set[tuple[str, int, int]] = set()
        self._sent = 0

    @property
    def have_started(self) -> bool:
        """Whether sending tasks starts no processes."""
        return self._place.have_started

    def results(self, tasks: Iterable[Item], together: int = 1) -> Iterator[Result]:
        """Yield the results in the order of the tasks; an error is raised in its turn.

        Parameters
        ----------
        tasks
            What to do.
        together
            At least so many are best done at once; the last ones are shared out all the same.
        """
        waiting: dict[int, Result | _Raised] = {}
        number = 0
        for place, result in self._outcomes(tasks, together):
            waiting[place] = result
            while number in waiting:
                yield _or_raise(waiting.pop(number))
                number += 1

    def finished(self, tasks: Iterable[Item], together: int = 1) -> Iterator[tuple[int, Result]]:
        """Yield the numbers of tasks and their results as they are finished; an error is raised at once.

        An iterator of tasks that has no more may have some again once results have been taken from here.
        """
        for number, result in self._outcomes(tasks, together):
            yield number, _or_raise(result)

    def _outcomes(self, tasks: Iterable[Item], together: int) -> "Iterator[tuple[int, Result | _Raised]]":
        ahead = _Ahead(tasks, self._pace, together)
        pending: dict[Future[Answer], _Part] = {}
        try:
            while True:
                self._send(ahead, pending)
                if not pending:
                    return
                ready = wait(pending, _SECONDS_BETWEEN_CHECKS, FIRST_COMPLETED).done
                if not ready:
                    self._place.check()
                for future in ready:
                    yield from self._outcomes_of(future, pending.pop(future), ahead)
        finally:
            for future in pending:
                future.cancel()

    def _send(self, ahead: "_Ahead", pending: "dict[Future[Answer], _Part]") -> None:
        """Send batches, as many as keep all workers busy; one that several workers were lost with goes alone."""
        workers = max(len(self._seen), self._place.workers)
        most = max(_AT_FIRST, _AHEAD * workers + 1)
        while len(pending) < most and not any(part.losses >= _SUSPECT for part in pending.values()):
            part = ahead.next(workers, empty=not pending)
            if part is None:
                return
            part.with_work = part.with_work or self._sent < _AT_FIRST
            self._sent += 1
            pending[self._place.send(part.tasks, part.with_work)] = part

    def _outcomes_of(
        self, future: "Future[Answer]", part: _Part, ahead: "_Ahead"
    ) -> "Iterator[tuple[int, Result | _Raised]]":
        try:
            answer = future.result()
        except CancelledError:
            raise InputError("executor: it has given up tasks: it was shut down, or its cluster has gone") from None
        except Exception as error:
            losses = self._place.losses(error)
            if not losses:
                raise
            ahead.lost(part, losses)
            return
        if isinstance(answer, OtherVersions):
            raise InputError(
                f"executor: the worker {answer.worker} has {answer.package} {answer.here}, and here is "
                f"{answer.wanted}: results might differ; install the same"
            )
        if not isinstance(answer, Done):
            part.with_work = True
            ahead.again(part)
            return
        self._seen.add(answer.worker)
        self._pace.note(len(part.tasks), answer.seconds)
        yield from enumerate(answer.results, part.first)
        if answer.error is not None:
            ahead.end()
            yield part.first + len(answer.results), _Raised(answer.error)


@dataclass(frozen=True)
class _Raised:
    """A task's error."""

    error: Exception


def _or_raise(result: Result | _Raised) -> Result:
    if isinstance(result, _Raised):
        raise result.error
    return result


class _Ahead:
    """The tasks that are not done: those to be sent again, and those that were not sent yet."""

    def __init__(self, tasks: Iterable[Any], pace: Pace, together: int) -> None:
        self._tasks, self._pace, self._together, self._number = iter(tasks), pace, together, 0
        self._again: deque[_Part] = deque()

    def next(self, workers: int, empty: bool) -> _Part | None:
        """Return some tasks; none if there are no more, or if the next ones wait until nothing else is under way."""
        if self._again:
            alone = self._again[0].losses >= _SUSPECT
            return None if alone and not empty else self._again.popleft()
        left = operator.length_hint(self._tasks, 0)
        part = _Part(self._number, list(islice(self._tasks, self._pace.size(self._together, left, workers))))
        self._number += len(part.tasks)
        return part if part.tasks else None

    def again(self, part: _Part) -> None:
        """Have some tasks sent again."""
        self._again.append(part)

    def lost(self, part: _Part, losses: int) -> None:
        """Have tasks sent again that workers were lost with: each by itself, and at last alone.

        Raises
        ------
        BrokenProcessPool
            If it was a single task, alone.
        """
        if part.losses >= _SUSPECT:
            raise BrokenProcessPool(
                f"task {part.first + 1} ({shown(part.tasks[0])}) ends its worker process each time: "
                "it needs more memory than there is, or crashes"
            )
        self._again.extend(
            _Part(part.first + k, [task], part.with_work, part.losses + losses) for k, task in enumerate(part.tasks)
        )

    def end(self) -> None:
        """Send no more."""
        self._tasks = iter(())
        self._again.clear()


@contextmanager
def open_workers(
    function: Callable[[Any, Sequence[Item]], Iterable[Result]], shared: Any, executor: Executor | int
) -> "Iterator[Workers[Item, Result]]":
    """Give workers that do tasks of one kind, until the ``with`` block ends.

    Parameters
    ----------
    function
        Takes what the tasks share and some tasks, and gives a result for each, which must not depend on which others
        are among them. It is sent by its name: it stands at the top level of a module.
    shared
        What the tasks share, such as a problem: sent to each worker once.
    executor
        A number of processes, which start when they are first needed; or any ``concurrent.futures`` executor.

    Raises
    ------
    InputError
        If there are to be fewer than 1 processes; later, if a worker's versions of packages are others than here.
    BrokenProcessPool
        Later, if a task ends its process again and again, or processes cannot start.
    """
    place = place_of(Work(function, shared, versions()), executor)
    try:
        yield Workers(place)
    finally:
        place.close()


@checked_arguments
def map_tasks(
    function: Callable[[Any, Item], Result],
    tasks: Iterable[Item],
    *,
    shared: Any = None,
    executor: Executor | int | None = None,
) -> Iterator[Result]:
    """Yield ``function(shared, task)`` for each task, in order, wherever and in whatever order they are done.

    Tasks are sent in batches of about a fifth of a second. Those of a worker that dies are done again elsewhere; each
    result is yielded once. An error of a task is raised in its turn.

    Parameters
    ----------
    function
        Of what the tasks share, and of a task. For processes it stands at the top level of a module.
    tasks
        What to do.
    shared
        What the tasks share, such as a problem: sent to each worker once.
    executor
        A number of processes, or any ``concurrent.futures`` executor, as that of :func:`cluster`; in this process, one
        after the other, if omitted.

    Raises
    ------
    InputError
        If there are to be fewer than 1 processes, or the function cannot be sent to them; while results are taken, if
        a worker's versions of packages are others than here.
    BrokenProcessPool
        While results are taken: if a task ends its process again and again, or processes cannot start.

    Examples
    --------
    >>> from operator import pow
    >>> list(map_tasks(pow, [1, 2, 3], shared=2))
    [2, 4, 8]
    """
    if executor is None:
        return _here(function, tasks, shared)
    check_workers(executor)
    name = getattr(function, "__qualname__", "")
    if isinstance(executor, int) and ("<lambda>" in name or "<locals>" in name):
        raise InputError("function: a lambda or an inner function cannot be sent to processes; define it in a module")
    return _elsewhere(function, tasks, shared, executor)


def _here(function: Callable[[Any, Item], Result], tasks: Iterable[Item], shared: Any) -> Iterator[Result]:
    return (function(shared, task) for task in tasks)


def _elsewhere(
    function: Callable[[Any, Item], Result], tasks: Iterable[Item], shared: Any, executor: Executor | int
) -> Iterator[Result]:
    with open_workers(partial(_each, function), shared, executor) as workers:
        yield from workers.results(tasks)


def _each(function: Callable[[Any, Item], Result], shared: Any, tasks: Sequence[Item]) -> Iterator[Result]:
    return (function(shared, task) for task in tasks)
