"""What is asked of each box, and where: in this process, in processes of our own, or through an executor."""

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import thread_time
from typing import Generic, Protocol, TypeVar

from adamsym.certify.boxes import Box, halves
from adamsym.certify.outcomes import Outcome, Split
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
    def first_operations(self) -> int:
        """How many operations on balls a search does with its first boxes alone, before it asks for many at once."""
        return 0

    def first_examined(self, box: Box, most: int) -> Examined[Found]:
        """Return what is found in one of them, with ``most`` of these operations left: it depends on both alone."""
        return self.examined(box)

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

    def first_examined(self, box: Box, most: int) -> Examined[Found]:
        """Ask balls alone, and float64 intervals only of a box that takes balls more operations than are left."""
        allowed = min(most, MOST_OPERATIONS)
        with budget(allowed) as meter:
            try:
                outcome = self.examine(box)
            except OutOfWork:
                outcome = None
        used = allowed - meter.left
        if outcome is not None and not meter.cut_short:
            return Examined(outcome, used)
        later = self.examined(box)
        return Examined(later.outcome, used + later.operations)

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


Asked = tuple[Box, int]
"""A box for a worker, and how many boxes it may examine there: it, and then its parts."""

Line = list[tuple[Box, Examined[Found]]]
"""A box and parts of it, and what is found in each: first the box, and each part after the one that it is a half of."""

SECONDS_OF_PARTS = 0.2
"""CPU seconds. A worker that has examined its boxes sooner goes on with their parts: to send each costs time."""


def _with_parts(task: Task[Found], asked: Sequence[Asked]) -> list[Line[Found]]:
    """Examine boxes, and then their parts for a while.

    How many parts depends on the time, but not what is found in each: a search takes from this what it would have
    asked for anyway.
    """
    begin = thread_time()
    lines: list[Line[Found]] = [[] for _ in asked]
    pending, free = [(number, box) for number, (box, _) in enumerate(asked)], [most - 1 for _, most in asked]
    while pending and (not lines[-1] or thread_time() - begin < SECONDS_OF_PARTS):
        now, pending = pending[: task.at_once], pending[task.at_once :]
        for (number, box), one in zip(now, task.all_examined([box for _, box in now]), strict=True):
            lines[number].append((box, one))
            if isinstance(one.outcome, Split) and free[number] > 1:
                pending += [(number, part) for part in halves(box, one.outcome.axis)]
                free[number] -= 2
    return lines


class Ahead(Generic[Found]):
    """Workers that go on with the parts of boxes while a search waits for others: no round keeps them waiting.

    What they find is added to ``known``. They begin no more boxes than the search has room for.
    """

    def __init__(
        self, task: Task[Found], workers: Workers[Asked, Line[Found]], known: dict[Box, Examined[Found]]
    ) -> None:
        self._workers, self._known, self._at_once = workers, known, task.at_once
        self._waiting: deque[Box] = deque()
        self._asked: set[Box] = set()
        self._room = 0
        self._lines: Iterator[tuple[int, Line[Found]]] = iter(())

    @property
    def have_started(self) -> bool:
        """Whether asking for boxes starts no processes."""
        return self._workers.have_started

    def lines(self, boxes: Sequence[Box], room: int) -> Iterator[Line[Found]]:
        """Yield what is found in boxes and in others, as it is finished, until nothing is left to do."""
        self._room = room
        self._ask(boxes)
        while self._asked:
            for _, line in self._lines:
                self._asked.remove(line[0][0])
                self._known |= dict(line)
                self._ask(self._parts(line))
                yield line
            # The workers had nothing to do for a while.
            self._lines = self._workers.finished(self, self._at_once)

    def close(self) -> None:
        """Let what is under way go."""
        self._lines = iter(())

    def __iter__(self) -> Iterator[Asked]:
        return self

    def __next__(self) -> Asked:
        if not self._waiting:
            raise StopIteration
        box = self._waiting.popleft()
        return box, max(1, (self._room - len(self._known)) // len(self._asked))

    def __length_hint__(self) -> int:
        return len(self._waiting)

    def _ask(self, boxes: Sequence[Box]) -> None:
        new = [box for box in boxes if box not in self._asked]
        self._asked.update(new)
        self._waiting.extend(new)

    def _parts(self, line: Line[Found]) -> list[Box]:
        """The parts of boxes that nothing is known of, as far as there is room."""
        parts = [part for box, one in line if isinstance(one.outcome, Split) for part in halves(box, one.outcome.axis)]
        free = max(0, self._room - len(self._known) - len(self._asked))
        return [part for part in parts if part not in self._known][:free]


@contextmanager
def workers_of(
    task: Task[Found], executor: Executor | int | None, known: dict[Box, Examined[Found]]
) -> Iterator[Ahead[Found] | None]:
    """Where boxes are examined: at the given executor, or in processes of our own, which start when they are wanted.

    None in a worker process: the other processors are busy with its siblings.
    """
    if executor is None and in_a_worker():
        yield None
        return
    where = (os.cpu_count() or 1) if executor is None else executor
    with open_workers(_with_parts, task, where) as workers, closing(Ahead(task, workers, known)) as ahead:
        yield ahead
