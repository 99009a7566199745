"""Branch and bound over boxes: in rounds, through any executor, with a budget, and a journal to go on from.

What becomes of a box, and the operations that it takes, depend on the box alone, and the budget is charged in the order
of the search: the answer is the same for any number of workers.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Generic, cast

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.box_function import BoxFunction
from adamsym.certify.boxes import Box, box_of, halves
from adamsym.certify.journal import journal_of
from adamsym.certify.outcomes import Split, as_json, from_json
from adamsym.certify.tasks import Ahead, Examined, Found, Task, workers_of
from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls

ALONE_BELOW = 64
"""Rounds of fewer boxes start no processes: that would take longer. Of boxes that are examined several at once it takes
that many times as many."""

OPERATIONS_OF_A_BOX = 250_000
"""Operations on balls that are taken for the work of one box: one that takes more is charged like several."""


@dataclass
class Search(Generic[Found]):
    """Boxes and what became of them, in the order of the search; ``left`` are those that were not examined.

    They are left because the budget did not reach them, or because the search was ``stopped``. The ``operations`` are
    those of the boxes ``examined``; ``charged`` is what the budget was charged for them.
    """

    leaves: list[tuple[Box, Found]] = field(default_factory=list)
    left: list[Box] = field(default_factory=list)
    examined: int = 0
    operations: int = 0
    charged: int = 0
    stopped: bool = False

    def charge(self, found: Examined[Found]) -> None:
        """Count a box."""
        self.examined += 1
        self.operations += found.operations
        self.charged += charge_of(found)


def charge_of(found: Examined[Found]) -> int:
    """Return what a box costs: 1, and 1 more for each ``OPERATIONS_OF_A_BOX`` that it took."""
    return 1 + found.operations // OPERATIONS_OF_A_BOX


def search(
    task: Task[Found],
    start: Box,
    budget: int,
    executor: Executor | int | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
    stop: Callable[[], bool] = lambda: False,
) -> Search[Found]:
    """Examine a box and, where asked for, its halves in turn, until none is pending or the budget is spent.

    Parameters
    ----------
    task
        What to do with each box.
    start
        The box to begin with.
    budget
        Most boxes to examine, where one is counted once, and once more for each 250,000 operations on balls that it
        took. No box is begun once it is spent.
    executor
        A number of processes, or any ``concurrent.futures`` executor: each of its workers is sent the task once. If
        omitted, processes of our own once a round is large, unless this is a worker process itself.
    journal
        A file to which every finished box is appended; boxes that it holds already are not examined again.
    progress
        Called with the numbers of boxes examined and pending.
    stop
        Asked before each box whether to stop: what has been examined by then is returned, the rest is left.

    Raises
    ------
    InputError
        If the journal is none, belongs to another task or cannot be written to.
    BrokenProcessPool
        If a box ends its worker process again and again, or processes cannot start.
    """
    result, pending, ended = Search[Found](), [start], False
    with _journal(task, journal) as (known, record), workers_of(task, executor, known) as ahead:
        while pending and result.charged < budget and not ended:
            room = budget - result.charged
            batch, rest = pending[:room], pending[room:]
            unknown = {box for box in batch if box not in known}
            first = task.first_operations - result.operations
            for box, one in _examined(task, batch, known, room, first, ahead, executor is None, stop):
                record(box, one)
                unknown.discard(box)
                progress(result.examined + len(batch) - len(unknown), len(unknown) + len(rest))
            left, parts = list[Box](), list[Box]()
            for box in batch:
                if box not in known or result.charged >= budget:
                    left.append(box)
                    continue
                one = known.pop(box)
                result.charge(one)
                outcome = one.outcome
                if isinstance(outcome, Split):
                    parts.extend(halves(box, outcome.axis))
                else:
                    result.leaves.append((box, outcome))
                    ended = ended or task.ends(outcome)
            result.stopped = bool(left) and result.charged < budget
            ended = ended or result.stopped
            pending = [*left, *rest, *parts]
        result.left = pending
    return result


def starting_box(function: BoxFunction, box: ArrayLike, name: str) -> tuple[FloatArray, Box]:
    """Return a box (d, 2) of a function's parameters as an array and to start from, or raise InputError."""
    whole = real_array(box, name)
    if whole.shape != (function.dimension, 2):
        raise InputError(
            f"{name}: shape {whole.shape} is not allowed; give ({function.dimension}, 2), a lower and an upper end for "
            "each parameter, such as [[-1, 1]]"
        )
    if not np.isfinite(whole).all() or (whole[:, 0] > whole[:, 1]).any():
        raise InputError(f"{name}: each parameter needs finite ends, the lower first")
    with ball_arithmetic():
        nowhere = function.undefined(hulls(whole))
    if nowhere is not None:
        raise InputError(f"{name}: {nowhere}; take another {name}")
    return whole, box_of(whole)


@contextmanager
def _journal(
    task: Task[Found], path: Path | None
) -> Iterator[tuple[dict[Box, Examined[Found]], Callable[[Box, Examined[Found]], None]]]:
    """What a journal says of boxes, and a function that appends to it."""
    if path is None:
        yield {}, lambda box, found: None
        return
    owner = hashlib.sha256(f"{type(task).__qualname__}\n{task.identity}".encode()).hexdigest()
    with journal_of(owner, path) as (written, append):
        try:
            known = {box: _from_json(task, data) for box, data in written.items()}
        except ValueError as error:
            raise InputError(f"journal {str(path)[:80]!r}: {error}; give another file") from None
        yield known, lambda box, found: append(box, as_json(found.outcome) | {_OPERATIONS: found.operations})


_OPERATIONS = "operations"


def _from_json(task: Task[Found], data: dict[str, Any]) -> Examined[Found]:
    """What a line of a journal says; one of an earlier version says nothing of operations."""
    outcome = {key: value for key, value in data.items() if key != _OPERATIONS}
    operations = data.get(_OPERATIONS, 0)
    if not isinstance(operations, int) or operations < 0:
        raise ValueError(f"{operations!r} is no number of operations")
    return Examined(cast(Found, from_json(outcome, task.kinds)), operations)


def _examined(
    task: Task[Found],
    batch: Sequence[Box],
    known: dict[Box, Examined[Found]],
    room: int,
    operations: int,
    ahead: Ahead[Found] | None,
    own: bool,
    stop: Callable[[], bool],
) -> Iterator[tuple[Box, Examined[Found]]]:
    """Boxes of a batch and what becomes of them, as they are finished, without those ``known`` already; these grow.

    First those that may take so many ``operations``; the others ``ahead``, where workers have started or the batch is
    large, more so if they are our ``own``. Not all of them, if asked to stop, or once those at the batch's beginning
    take all ``room`` in the budget. Workers may give parts of the boxes, too, for later rounds: together no more than
    there is room for.
    """
    yield from _first_examined(task, batch, known, room, operations, stop)
    boxes = [box for box in batch if box not in known]
    if not boxes:
        return
    first, alone = _First(batch, known), ALONE_BELOW * (task.at_once if own else 1)
    if ahead is None or not (ahead.have_started or len(batch) >= alone):
        for k in range(0, len(boxes), task.at_once):
            if first.charge() >= room:
                return
            asked = boxes[k : k + task.at_once]
            together = list(takewhile(lambda box: not stop(), asked))
            if together:
                done = dict(zip(together, task.all_examined(together), strict=True))
                known |= done
                yield from done.items()
            if len(together) < len(asked):
                return
        return
    missing = set(boxes)
    for line in ahead.lines(boxes, room):
        yield from line
        missing.difference_update(box for box, _ in line)
        if not missing or first.charge() >= room or stop():
            return


def _first_examined(
    task: Task[Found],
    batch: Sequence[Box],
    known: dict[Box, Examined[Found]],
    room: int,
    operations: int,
    stop: Callable[[], bool],
) -> Iterator[tuple[Box, Examined[Found]]]:
    """The same of those at the batch's beginning, one by one, until they have taken so many operations."""
    first = _First(batch, known)
    for box in batch:
        if operations <= 0 or (box not in known and (first.charge() >= room or stop())):
            return
        if box not in known:
            known[box] = task.first_examined(box, operations)
            yield box, known[box]
        operations -= known[box].operations


class _First(Generic[Found]):
    """What the budget is charged for the boxes at a batch's beginning, up to the first that is not found yet."""

    def __init__(self, batch: Sequence[Box], found: Mapping[Box, Examined[Found]]) -> None:
        self._batch, self._found, self._number, self._charge = batch, found, 0, 0

    def charge(self) -> int:
        while self._number < len(self._batch) and self._batch[self._number] in self._found:
            self._charge += charge_of(self._found[self._batch[self._number]])
            self._number += 1
        return self._charge
