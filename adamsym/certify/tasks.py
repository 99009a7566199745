"""What is asked of each box, and where: in this process, in processes of our own, or through an executor."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from adamsym.certify.boxes import Box
from adamsym.certify.outcomes import Outcome
from adamsym.expressions.work import OutOfWork, budget
from adamsym.parallel import Workers, in_a_worker, open_workers

MOST_OPERATIONS = 500_000_000
"""Operations on balls that one box may take, at most: one to two minutes."""

Found = TypeVar("Found", bound=Outcome)
Outcomes = TypeVar("Outcomes", bound=Outcome, covariant=True)

_AT_ONCE = 16
"""Boxes that float64 intervals look at together: fewer take longer for each, and more are not stopped between."""


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


class Examiner(Protocol[Outcomes]):
    """What float64 intervals say of boxes, with operations: an outcome, or None where balls are to look at the box."""

    def examined(self, boxes: Sequence[Box]) -> Sequence[tuple[Outcomes | None, int]]:
        """Return what is found in each box; it depends on the box alone."""


class IntervalsFirst(Task[Found]):
    """A task that asks float64 intervals first, of many boxes at once, and balls of what these leave open."""

    @property
    @abstractmethod
    def intervals(self) -> Examiner[Found] | None:
        """What float64 intervals can say; None if they do not cover the function."""

    @property
    def at_once(self) -> int:
        """Several where float64 intervals look at them first."""
        return 1 if self.intervals is None else _AT_ONCE

    def examined(self, box: Box) -> Examined[Found]:
        """Return what is found in one box: the same as together with others."""
        return self.all_examined([box])[0]

    def all_examined(self, boxes: Sequence[Box]) -> list[Examined[Found]]:
        """Ask float64 intervals first."""
        if self.intervals is None:
            return [super(IntervalsFirst, self).examined(box) for box in boxes]
        found = list[Examined[Found]]()
        for box, (outcome, operations) in zip(boxes, self.intervals.examined(boxes), strict=True):
            if outcome is None:
                by_balls = super().examined(box)
                found.append(Examined(by_balls.outcome, operations + by_balls.operations))
            else:
                found.append(Examined(outcome, operations))
        return found


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
