"""What is asked of each box, and where: in this process, in processes of our own, or through an executor."""

import multiprocessing
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from adamsym.certify.boxes import Box
from adamsym.certify.outcomes import Outcome
from adamsym.expressions.errors import InputError
from adamsym.expressions.work import OutOfWork, budget

MOST_OPERATIONS = 500_000_000
"""Operations on balls that one box may take, at most: one to two minutes."""

Found = TypeVar("Found", bound=Outcome)

Submit = Callable[[Sequence[Box]], "Future[Any]"]
"""Has boxes examined somewhere: a future of the list of :class:`Examined`."""


@dataclass(frozen=True)
class Examined(Generic[Found]):
    """What was found in a box, and how many operations on balls it took."""

    outcome: Found
    operations: int


class Task(ABC, Generic[Found]):
    """What is asked of each box; it can be pickled."""

    kinds: Mapping[str, type[Outcome]]
    """The records that may be found, by the names that journals give them."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Text that two tasks share only if they find the same: a journal belongs to it."""

    @abstractmethod
    def examine(self, box: Box) -> Found:
        """Say what is found in a box; ``Split`` asks for its halves.

        Raises
        ------
        OutOfWork
            If it takes more operations than the budget allows within which it is called.
        """

    @abstractmethod
    def too_much(self, box: Box) -> Found:
        """Say what becomes of a box that takes more operations than any may."""

    def examined(self, box: Box) -> Examined[Found]:
        """Return what is found in a box, and the operations; both depend on the box alone."""
        with budget(MOST_OPERATIONS) as meter:
            try:
                return Examined(self.examine(box), MOST_OPERATIONS - meter.left)
            except OutOfWork:
                return Examined(self.too_much(box), MOST_OPERATIONS - meter.left)

    @property
    def at_once(self) -> int:
        """How many boxes are best examined together."""
        return 1

    def all_examined(self, boxes: Sequence[Box]) -> list[Examined[Found]]:
        """Return what is found in several boxes: the same as in each alone."""
        return [self.examined(box) for box in boxes]

    def ends(self, outcome: Found) -> bool:
        """Whether an outcome ends the search, after its round."""
        return False


@contextmanager
def workers(task: Task[Any], executor: Executor | int | None) -> Iterator[Submit | None]:
    """How boxes are sent to the given executor, or to processes of our own, which start when they are first wanted.

    None in a worker process: the other processors are busy with its siblings. To processes of our own the task travels
    once, when they start; to another executor with every few boxes.
    """
    if executor is not None and not isinstance(executor, int):
        given = executor
        yield lambda boxes: given.submit(_examine, task, boxes)
        return
    if executor is None and _in_a_worker():
        yield None
        return
    if executor is not None and executor < 1:
        raise InputError(f"executor: {executor} processes are not allowed; allowed are integers from 1 up")
    own: list[ProcessPoolExecutor] = []

    def submit(boxes: Sequence[Box]) -> "Future[Any]":
        if not own:
            context = multiprocessing.get_context("spawn")
            number = executor or os.cpu_count()
            own.append(ProcessPoolExecutor(number, mp_context=context, initializer=_keep, initargs=(task,)))
        return own[0].submit(_examine_kept, boxes)

    try:
        yield submit
    except BrokenProcessPool:
        raise BrokenProcessPool(
            "a worker process died. In a script, call this under `if __name__ == '__main__':`, for the workers "
            "import the script, and keep classes of your own in a module; or pass an executor of your own"
        ) from None
    finally:
        for pool in own:
            pool.shutdown(cancel_futures=True)


def _examine(task: Task[Any], boxes: Sequence[Box]) -> list[Examined[Any]]:
    return task.all_examined(boxes)


_kept: list[Task[Any]] = []
"""The task of this worker process."""


def _keep(task: Task[Any]) -> None:
    """Keep the task, and leave Ctrl-C to the process that has started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _kept[:] = [task]


def _examine_kept(boxes: Sequence[Box]) -> list[Examined[Any]]:
    return _examine(_kept[0], boxes)


def _in_a_worker() -> bool:
    """Whether another process has started this one, which is not still importing a script that lacks its guard."""
    starting = getattr(multiprocessing.current_process(), "_inheriting", False)
    return multiprocessing.parent_process() is not None and not starting
