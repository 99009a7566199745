"""What is asked of each box, and where: in this process, in processes of our own, or through an executor."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from adamsym.certify.boxes import Box
from adamsym.certify.outcomes import Outcome
from adamsym.expressions.work import OutOfWork, budget
from adamsym.parallel import Workers, in_a_worker, open_workers

MOST_OPERATIONS = 500_000_000
"""Operations on balls that one box may take, at most: one to two minutes."""

Found = TypeVar("Found", bound=Outcome)


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
def workers_of(task: Task[Found], executor: Executor | int | None) -> "Iterator[Workers[Box, Examined[Found]] | None]":
    """Where boxes are examined: at the given executor, or in processes of our own, which start when they are wanted.

    None in a worker process: the other processors are busy with its siblings.
    """
    if executor is None and in_a_worker():
        yield None
        return
    where = (os.cpu_count() or 1) if executor is None else executor
    with open_workers(_examine, task, where) as workers:
        yield workers


def _examine(task: Task[Found], boxes: Sequence[Box]) -> list[Examined[Found]]:
    return task.all_examined(boxes)
