"""Branch and bound over boxes: in rounds, through any executor, with a budget, and a journal to go on from.

What becomes of a box depends on the box alone: the answer is the same for any number of workers.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, cast

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.box_function import BoxFunction
from adamsym.certify.boxes import Box, box_of, halves
from adamsym.certify.journal import journal_of
from adamsym.certify.outcomes import Split, as_json, from_json
from adamsym.certify.tasks import Found, Submit, Task, workers
from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls

ALONE_BELOW = 64
"""Rounds of fewer boxes are done in this process: starting others would take longer."""

_BOXES_AT_ONCE = 8


@dataclass
class Search(Generic[Found]):
    """Boxes and what became of them, in the order of the search; ``left`` are those that were not examined.

    They are left because the budget did not reach them, or because the search was ``stopped``.
    """

    leaves: list[tuple[Box, Found]] = field(default_factory=list)
    left: list[Box] = field(default_factory=list)
    examined: int = 0
    stopped: bool = False


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
        Most boxes to examine.
    executor
        A number of processes, to which the task is sent once; or any ``concurrent.futures`` executor, to whose
        processes it is sent with every few boxes. If omitted, processes of our own once a round is large, unless this
        is a worker process itself.
    journal
        A file to which every finished box is appended; boxes that it holds already are not examined again.
    progress
        Called with the numbers of boxes examined and pending.
    stop
        Asked between boxes whether to stop: what has been examined by then is returned, the rest is left.

    Raises
    ------
    InputError
        If the journal is none, belongs to another task or cannot be written to.
    BrokenProcessPool
        If a worker process dies.
    """
    result, pending, ended = Search[Found](), [start], False
    with _journal(task, journal) as (known, record), workers(task, executor) as submit:
        while pending and result.examined < budget and not ended:
            room = budget - result.examined
            batch, rest = pending[:room], pending[room:]
            outcomes = {box: known[box] for box in batch if box in known}
            for box, outcome in _examined(task, [box for box in batch if box not in outcomes], submit, stop):
                record(box, outcome)
                outcomes[box] = outcome
                progress(result.examined + len(outcomes), len(batch) - len(outcomes) + len(rest))
            result.examined += len(outcomes)
            result.stopped = ended = len(outcomes) < len(batch)
            pending = [box for box in batch if box not in outcomes] + rest
            for box in (box for box in batch if box in outcomes):
                outcome = outcomes[box]
                if isinstance(outcome, Split):
                    pending.extend(halves(box, outcome.axis))
                else:
                    result.leaves.append((box, outcome))
                    ended = ended or task.ends(outcome)
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
) -> Iterator[tuple[Mapping[Box, Found], Callable[[Box, Found], None]]]:
    """The outcomes in a journal, and a function that appends to it."""
    if path is None:
        yield {}, lambda box, outcome: None
        return
    owner = hashlib.sha256(f"{type(task).__qualname__}\n{task.identity}".encode()).hexdigest()
    with journal_of(owner, path) as (written, append):
        try:
            known = {box: cast(Found, from_json(data, task.kinds)) for box, data in written.items()}
        except ValueError as error:
            raise InputError(f"journal {str(path)[:80]!r}: {error}; give another file") from None
        yield known, lambda box, outcome: append(box, as_json(outcome))


def _examined(
    task: Task[Found], boxes: list[Box], submit: Submit | None, stop: Callable[[], bool]
) -> Iterator[tuple[Box, Found]]:
    """Boxes and what becomes of them, as they are finished; not all of them, if asked to stop."""
    if submit is None or len(boxes) < ALONE_BELOW:
        for box in boxes:
            if stop():
                return
            yield box, task.examine(box)
        return
    chunks = [boxes[k : k + _BOXES_AT_ONCE] for k in range(0, len(boxes), _BOXES_AT_ONCE)]
    futures = {submit(chunk): chunk for chunk in chunks}
    for future in as_completed(futures):
        yield from zip(futures[future], cast(list[Found], future.result()), strict=True)
        if stop():
            for other in futures:
                other.cancel()
            return
