"""Branch and bound over boxes: in rounds, through any executor, with a budget, and a journal to go on from.

What becomes of a box depends on the box alone: the answer is the same for any number of workers.
"""

import hashlib
import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.journal import Box as Box
from adamsym.certify.journal import Outcome as Outcome
from adamsym.certify.journal import journal_of
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import checked_boxes, hulls
from adamsym.gradients import Problem

NOT_REAL = "the loss is not proved real and finite there"
"""Why a box that reaches over the edge of the loss's domain stays undecided."""

ALONE_BELOW = 64
"""Rounds of fewer boxes are done in this process: starting others would take longer."""

_BOXES_AT_ONCE = 8


@dataclass(frozen=True)
class Task:
    """What to do with each box: a function of a module, so that workers can import it, and its JSON arguments."""

    examine: Callable[[str, Box], Outcome]
    arguments: str

    def digest(self) -> str:
        """Return what tells one task from others in a journal."""
        name = f"{self.examine.__module__}.{self.examine.__qualname__}"
        return hashlib.sha256(f"{name}\n{self.arguments}".encode()).hexdigest()


@dataclass
class Search:
    """Boxes and what became of them, in the order of the search; ``left`` are those that were not examined.

    They are left because the budget did not reach them, or because the search was ``stopped``.
    """

    leaves: list[tuple[Box, Outcome]] = field(default_factory=list)
    left: list[Box] = field(default_factory=list)
    examined: int = 0
    stopped: bool = False


def search(
    task: Task,
    start: Box,
    budget: int,
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
    ends: Callable[[Outcome], bool] = lambda outcome: False,
    stop: Callable[[], bool] = lambda: False,
) -> Search:
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
        Any ``concurrent.futures`` executor; if omitted, processes of our own once a round is large, unless this is
        a worker process itself.
    journal
        A file to which every finished box is appended; boxes that it holds already are not examined again.
    progress
        Called with the numbers of boxes examined and pending.
    ends
        Whether an outcome ends the search, after its round.
    stop
        Asked between boxes whether to stop: what has been examined by then is returned, the rest is left.

    Raises
    ------
    InputError
        If the journal is none, belongs to another task or cannot be written to.
    BrokenProcessPool
        If a worker process dies.
    """
    result, pending = Search(), [start]
    with journal_of(task.digest(), journal) as (known, record), _workers(executor) as pool:
        ended = False
        while pending and result.examined < budget and not ended:
            room = budget - result.examined
            batch, rest = pending[:room], pending[room:]
            outcomes = {box: known[box] for box in batch if box in known}
            for box, outcome in _examined(task, [box for box in batch if box not in outcomes], pool, stop):
                record(box, outcome)
                outcomes[box] = outcome
                progress(result.examined + len(outcomes), len(batch) - len(outcomes) + len(rest))
            result.examined += len(outcomes)
            result.stopped = ended = len(outcomes) < len(batch)
            pending = [box for box in batch if box not in outcomes] + rest
            for box in batch:
                if box not in outcomes:
                    continue
                if outcomes[box]["by"] == "split":
                    pending.extend(halves(box, outcomes[box]["axis"]))
                else:
                    result.leaves.append((box, outcomes[box]))
                    ended = ended or ends(outcomes[box])
        result.left = pending
    return result


def starting_box(problem: Problem, box: ArrayLike, name: str) -> tuple[FloatArray, Box]:
    """Return a box (d, 2) of a smooth problem's parameters as an array and to start from, or raise InputError."""
    whole = np.asarray(box, dtype=np.float64)
    if whole.ndim != 2:
        raise InputError(f"{name}: shape {whole.shape} is not allowed; give ({problem.dimension}, 2)")
    checked_boxes(problem, whole)
    if not problem.is_smooth:
        raise NotApplicable("problem.loss: certifying needs a loss without Abs, Max or Min")
    with ball_arithmetic():
        nowhere = problem.refute_domain(hulls(whole))
    if nowhere is not None:
        raise InputError(f"{name}: the loss is real and finite nowhere in it: {nowhere}; take another {name}")
    return whole, tuple((float(low), float(high)) for low, high in whole)


def midpoint(low: float, high: float) -> float:
    """Return the midpoint of an interval, in the rounding of certificates."""
    # The difference of two large numbers may be out of range.
    return low + (high - low) / 2 if math.isfinite(high - low) else low / 2 + high / 2


def shares_of(box: Box, start: Box) -> dict[int, float]:
    """Return the share of the first box that each side has which floats can halve."""
    found = {}
    for j, ((low, high), (a, b)) in enumerate(zip(box, start, strict=True)):
        if low < midpoint(low, high) < high:
            found[j] = (high / 2 - low / 2) / max(b / 2 - a / 2, math.ulp(0.0))
    return found


def halves(box: Box, axis: int) -> tuple[Box, Box]:
    """Return the two halves of a box along one axis; they share the cut exactly."""
    low, high = box[axis]
    middle = midpoint(low, high)
    return (*box[:axis], (low, middle), *box[axis + 1 :]), (*box[:axis], (middle, high), *box[axis + 1 :])


def _examined(
    task: Task, boxes: list[Box], pool: Callable[[], Executor] | None, stop: Callable[[], bool]
) -> Iterator[tuple[Box, Outcome]]:
    """Boxes and what becomes of them, as they are finished; not all of them, if told to stop."""
    if pool is None or len(boxes) < ALONE_BELOW:
        for box in boxes:
            if stop():
                return
            yield box, task.examine(task.arguments, box)
        return
    chunks = [boxes[k : k + _BOXES_AT_ONCE] for k in range(0, len(boxes), _BOXES_AT_ONCE)]
    futures = {pool().submit(_examine_all, task, chunk): chunk for chunk in chunks}
    for future in as_completed(futures):
        yield from zip(futures[future], future.result(), strict=True)
        if stop():
            for other in futures:
                other.cancel()
            return


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that has started this one; for worker processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _examine_all(task: Task, boxes: Iterable[Box]) -> list[Outcome]:
    return [task.examine(task.arguments, box) for box in boxes]


@contextmanager
def _workers(executor: Executor | None) -> Iterator[Callable[[], Executor] | None]:
    """A function that returns the given executor, or one of our own, started when it is first wanted."""
    if executor is not None:
        yield lambda: executor
        return
    if _in_a_worker():
        # The other processors are busy with this worker's siblings.
        yield None
        return
    own: list[ProcessPoolExecutor] = []

    def start() -> Executor:
        if not own:
            context = multiprocessing.get_context("spawn")
            own.append(ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=ignore_interrupts))
        return own[0]

    try:
        yield start
    except BrokenProcessPool:
        raise BrokenProcessPool(
            "a worker process died. In a script, call this under `if __name__ == '__main__':`, for the workers "
            "import the script; or pass an executor of your own"
        ) from None
    finally:
        for pool in own:
            pool.shutdown(cancel_futures=True)


def _in_a_worker() -> bool:
    """Whether another process has started this one, which is not still importing a script that lacks its guard."""
    starting = getattr(multiprocessing.current_process(), "_inheriting", False)
    return multiprocessing.parent_process() is not None and not starting
