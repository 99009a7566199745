"""Chains of Adam that advance together, as many steps at a time as one likes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics import kernels
from adamsym.dynamics.orders import Orders
from adamsym.dynamics.own_steps import take_own_steps
from adamsym.dynamics.projection import checked_projection
from adamsym.dynamics.randomness import alias_table, drawn_rows, generator_states
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.gradients.source import require_everywhere
from adamsym.methods import AdaptiveMethod, Method, StepSizeSchedule
from adamsym.methods.checked import checked_start

_LANES = ((1, 1), (16, 8))
"""Up to so many chains in blocks of so many lanes; ``_MOST_LANES`` beyond."""

_MOST_LANES = 64

_STEPS_AT_ONCE = 2**14
"""Steps whose factors are tabulated together: 0.5 MB, which the memory allocator keeps at hand."""

_WORK_AT_ONCE = 2**24
"""Numbers updated or drawn between two looks at the clock: some 50 ms."""

_WORK_OF_A_CALL = 2**12
"""How many such numbers one step in NumPy costs beside its own: the calls of its functions."""

_DRAWS_AT_ONCE = 2**16
"""Numbers of a continuous law that are drawn together for a block: 0.5 MB."""

_WORTH_A_THREAD = 2**14
"""Numbers updated below which starting threads costs more than it saves."""


_MOST_NUMBERS = 10**9
"""Parameters of all chains together."""


class Run:
    """Independent chains of a method on a problem.

    The steps of an :class:`AdaptiveMethod` that states its factors are compiled; any other :class:`Method` takes its
    own, in NumPy, for all chains at once. Chain k draws from a generator of its own, whatever the number of chains and
    threads; however a run is divided into calls of :meth:`advance`, its numbers are the same to the last bit.

    Parameters
    ----------
    problem, method
        What is optimised, and how; any :class:`Method`.
    schedule
        Step sizes gamma_n, n = 1, 2, ...
    theta0
        Start, shape (d,) for all chains or (chains, d).
    chains, seed
        A positive and a non-negative integer.
    threads
        Threads to use; as many as processors if omitted.
    first
        The number of the first chain, where these are some of more.
    project
        A box (d, 2) onto which theta is projected after each step, as in :func:`adamsym.simulate`.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    _orders: Orders | None = None

    def __init__(
        self,
        problem: StochasticGradient,
        method: Method,
        schedule: StepSizeSchedule,
        theta0: ArrayLike,
        chains: int,
        seed: int,
        threads: int | None = None,
        first: int = 0,
        project: ArrayLike | None = None,
    ) -> None:
        check_integers("simulate", {"threads": (1 if threads is None else threads, 1), "first": (first, 0)})
        start = checked_starts(problem, theta0, chains, seed)
        self.box = checked_projection(project, problem, start, "simulate")
        self.problem, self.method, self.schedule, self.chains, self.step = problem, method, schedule, chains, 0
        self._threads = threads or os.cpu_count() or 1
        self._lanes = next((lanes for most, lanes in _LANES if chains <= most), _MOST_LANES)
        self._compiled = method if isinstance(method, AdaptiveMethod) and method.has_factors else None
        self._gradient = problem.lane_gradient(self._lanes)
        self._law = _law_tables(problem)
        epoch = problem.epoch
        self._orders = None if epoch is None else Orders(epoch, self._lanes, -(-chains // self._lanes))
        theta = np.broadcast_to(start, (chains, problem.dimension))
        state = checked_start(method, theta.shape)
        self.restore(0, (theta, *state, generator_states(seed, chains, first), np.zeros((chains, 1), np.int64)))

    @property
    def theta(self) -> FloatArray:
        """The parameters, shape (chains, d); nan where a chain has diverged."""
        return self._chainwise(self._blocks[0])

    @property
    def diverged(self) -> NDArray[np.int64]:
        """For each chain the step at which it diverged, or 0."""
        return self._chainwise(self._blocks[-1])[:, 0]

    def state(self) -> tuple[NDArray[Any], ...]:
        """Return theta, the arrays of the method's state, the generators' words and the marks of divergence.

        Each has the shape (chains, k).
        """
        return tuple(self._chainwise(blocks) for blocks in self._blocks)

    def restore(self, step: int, state: Sequence[NDArray[Any]]) -> None:
        """Go on from what :meth:`state` returned after ``step`` steps."""
        self.step = step
        if self._orders is not None:
            self._orders.forget()
        self._blocks = tuple(self._blockwise(values) for values in state)

    def _blockwise(self, values: NDArray[Any]) -> NDArray[Any]:
        """Arrays (chains, k) as blocks (blocks, k*lanes); the last lanes repeat the last chain."""
        lanes = self._lanes
        padded = np.pad(values, ((0, -len(values) % lanes), (0, 0)), mode="edge")
        return np.ascontiguousarray(padded.reshape(-1, lanes, values.shape[1]).swapaxes(1, 2)).reshape(
            len(padded) // lanes, -1
        )

    def _chainwise(self, blocks: NDArray[Any]) -> NDArray[Any]:
        lanewise = blocks.reshape(len(blocks), -1, self._lanes).swapaxes(1, 2)
        return lanewise.reshape(len(blocks) * self._lanes, -1)[: self.chains].copy()

    @property
    def _size(self) -> int:
        """Rows of a minibatch, but for the last of an epoch."""
        return self.problem.batch_size if self._orders is None else self._orders.epoch.batch_size

    @property
    def steps_at_once(self) -> int:
        """Steps that take well below a second, for those who wish to look at the clock between them."""
        work = self.chains * self._numbers_a_step + (0 if self._compiled else _WORK_OF_A_CALL)
        return max(1, min(_STEPS_AT_ONCE, _WORK_AT_ONCE // work))

    @property
    def _numbers_a_step(self) -> int:
        return (self.problem.dimension + len(self.problem.law.names)) * self._size

    def advance(self, steps: int, record_every: int | None = None, out: FloatArray | None = None) -> FloatArray:
        """Take ``steps`` more steps.

        Parameters
        ----------
        steps
            A positive integer.
        record_every
            Keep the states after those steps of the whole run that are multiples of this; none if omitted.
        out
            Where to put them; a new array if omitted.

        Returns
        -------
        array
            The states kept, shape (r, chains, d).
        """
        check_integers(
            "advance", {"steps": (steps, 1), "record_every": (1 if record_every is None else record_every, 1)}
        )
        every = record_every or 0
        shape = (multiples(self.step, self.step + steps, every), self.chains, self.problem.dimension)
        recorded = np.empty(shape) if out is None else out
        if recorded.shape != shape or recorded.dtype != np.float64 or not recorded.flags.c_contiguous:
            raise InputError(f"advance: out must be a contiguous float64 array of shape {shape}")
        done = 0
        for start in range(0, steps, _STEPS_AT_ONCE):
            count = min(_STEPS_AT_ONCE, steps - start)
            kept = multiples(self.step, self.step + count, every)
            self._advance_together(count, every if kept else 0, recorded[done : done + kept])
            done += kept
        return recorded

    def _advance_together(self, steps: int, every: int, recorded: FloatArray) -> None:
        """Take steps whose factors are tabulated together, on all threads."""
        sizes = self.schedule(np.arange(self.step + 1, self.step + steps + 1))
        if self._compiled is None:
            self._take_own_steps(sizes, every, recorded)
            return
        factors = np.array(self._compiled.step_factors(self.step + 1, sizes))
        blocks = len(self._blocks[0])
        work = self._numbers_a_step * steps * blocks * self._lanes
        parts = min(blocks, self._threads if work > _WORTH_A_THREAD else 1)
        ends = [blocks * part // parts for part in range(parts + 1)]
        tasks = [(first, last, factors, every, recorded) for first, last in pairwise(ends)]
        if parts == 1:
            self._advance_part(*tasks[0])
            self.step += steps
            return
        futures = [_pool(self._threads).submit(self._advance_part, *task) for task in tasks]
        try:
            wait(futures)
        finally:
            # An interruption waits for the others: the blocks stay at one step.
            wait(futures)
            self.step += steps
        for future in futures:
            future.result()

    def _advance_part(self, first: int, last: int, factors: FloatArray, every: int, recorded: FloatArray) -> None:
        """Take the steps of ``factors`` with some blocks."""
        if not self._gives_rows:
            self._compiled_steps(first, last, self.step, np.empty((0, 0)), factors, every, recorded, self._size)
            return
        for block in range(first, last):
            for start, number, size in self._pieces(self.step, factors.shape[1], 1):
                some = np.ascontiguousarray(factors[:, start : start + number])
                step = self.step + start
                given = self._rows_given(block, self._blocks[-2][block], step, number)
                kept = multiples(self.step, step, every)
                self._compiled_steps(block, block + 1, step, given, some, every, recorded[kept:], size)

    @property
    def _gives_rows(self) -> bool:
        """Whether rows are listed before the compiled loops, which draw those of an empirical law themselves."""
        return self._orders is not None or not isinstance(self.problem.law, Empirical)

    def _pieces(self, step: int, steps: int, blocks: int) -> Iterator[tuple[int, int, int]]:
        """Steps whose rows are listed together, for so many blocks: first, number, and rows of each of their batches.

        ``step`` steps are done before.
        """
        numbers = self._size * len(self.problem.law.names) * self._lanes * blocks
        together = max(1, _DRAWS_AT_ONCE // numbers)
        if self._orders is not None:
            yield from self._orders.pieces(step, steps, together)
            return
        for start in range(0, steps, together):
            yield start, min(together, steps - start), self._size

    def _rows_given(self, block: int, random: NDArray[np.uint64], step: int, steps: int) -> FloatArray:
        """The rows of a block's chains in ``steps`` steps, where ``step`` are done, (rows, columns*lanes)."""
        law, columns = self.problem.law, len(self.problem.law.names)
        if self._orders is not None:
            drawn = self._orders.rows(block, random, step, steps)
            return np.ascontiguousarray(self._law[0][drawn].swapaxes(1, 2)).reshape(len(drawn), -1)
        words = np.empty((steps * self._size * columns, self._lanes), np.uint64)
        kernels.fill_words(random, words)
        return drawn_rows(law, words.reshape(-1, columns, self._lanes)).reshape(-1, columns * self._lanes)

    def _take_own_steps(self, sizes: FloatArray, every: int, recorded: FloatArray) -> None:
        """Take the method's own steps, with the gradients and the rows of the compiled ones."""
        # Written back at the end: an interruption leaves all as it was.
        random = self._blocks[-2].copy()
        theta, *state, _, diverged = (self._chainwise(blocks) for blocks in self._blocks)
        before = self.step

        def record(n: int, theta: FloatArray) -> None:
            if every and n % every == 0:
                recorded[multiples(before, n, every) - 1] = theta

        chains = (theta, tuple(state), diverged)
        gradients = self._gradients(random, len(sizes))
        theta, after, diverged = take_own_steps(self.method, chains, gradients, before + 1, sizes, record, self.box)
        self._blocks = (*map(self._blockwise, (theta, *after)), random, self._blockwise(diverged))
        self.step += len(sizes)

    def _gradients(self, random: NDArray[np.uint64], steps: int) -> Callable[[FloatArray], FloatArray]:
        """The function that takes theta of all chains and returns their next gradients, for ``steps`` steps."""
        evaluate, values = kernels.gradients_of(self._lanes), np.empty((len(random), self._blocks[0].shape[1]))
        work, given, place, size, before = self._work()[1:], np.empty((0, 0)), 0, self._size, self.step
        pieces = self._pieces(before, steps, len(random))

        def next_gradients(theta: FloatArray) -> FloatArray:
            nonlocal given, place, size
            if self._gives_rows and place * len(random) == len(given):
                start, number, size = next(pieces)
                listed = [self._rows_given(k, one, before + start, number) for k, one in enumerate(random)]
                given, place = np.concatenate(listed), 0
            law = (*self._law, given)
            evaluate(self._blockwise(theta), random, values, self._gradient.addresses, size, work, law, place)
            self._gradient.check()
            place += size
            # A copy: the method may keep the gradients in its state.
            return self._chainwise(values)

        return next_gradients

    def _compiled_steps(
        self,
        first: int,
        last: int,
        step: int,
        given: FloatArray,
        factors: FloatArray,
        every: int,
        recorded: FloatArray,
        size: int,
    ) -> None:
        method = self._compiled
        assert method is not None
        weight1, weight2 = 1 - method.beta1, 1 - method.beta2
        kernels.advancing(self._lanes, kernels.DENOMINATORS[method.denominator], weight1 >= 0.5, self.box is not None)(
            first,
            last,
            step,
            self._blocks,
            self._gradient.addresses,
            size,
            self._work(),
            (*self._law, given),
            (weight1, method.beta2, weight2, method.eps),
            factors,
            np.empty((2, 0)) if self.box is None else np.repeat(self.box.T, self._lanes, axis=1),
            every,
            recorded,
        )
        self._gradient.check()

    def _work(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.uint64]]:
        """Room for a block's gradient and a part of it, the gradient's own, its rows and random words."""
        size, lanes = self.problem.dimension * self._lanes, self._lanes
        scratch, rows = np.empty(self._gradient.scratch * lanes + 1), np.empty(len(self.problem.law.names) * lanes)
        return np.empty(size), np.empty(size), scratch, rows, np.empty(lanes, np.uint64)


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "adamsym")


if hasattr(os, "register_at_fork"):
    # A forked process has none of its parent's threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def multiples(first: int, last: int, every: int) -> int:
    """Return how many multiples of ``every`` there are above ``first`` and up to ``last``; none if it is 0."""
    return last // every - first // every if every else 0


def _law_tables(problem: StochasticGradient) -> tuple[FloatArray, FloatArray, NDArray[np.uint64]]:
    """Table of rows by columns, thresholds and aliases; of a law that is not empirical none is used."""
    law = problem.law
    if isinstance(law, Empirical):
        return (np.ascontiguousarray(law.rows), *alias_table(law.probabilities))
    return np.zeros((1, len(law.names))), np.empty(0), np.empty(0, np.uint64)


def checked_starts(problem: StochasticGradient, theta0: ArrayLike, chains: int, seed: int) -> FloatArray:
    """Return where chains start, shape (d,) or (chains, d), or raise InputError if they cannot run."""
    check_integers("simulate", {"chains": (chains, 1), "seed": (seed, 0)})
    require_everywhere(problem, "simulate")
    start = problem.points(theta0)
    if start.shape not in ((problem.dimension,), (chains, problem.dimension)):
        raise InputError(f"simulate: start of shape {start.shape}; allowed are (d,) and (chains, d)")
    if chains * problem.dimension > _MOST_NUMBERS:
        raise InputError(f"simulate: {chains} chains of {problem.dimension} parameters need too much memory")
    return start


def check_integers(place: str, values: Mapping[str, tuple[object, int]]) -> None:
    """Raise InputError unless each value is an integer that is not below its bound."""
    for name, (value, least) in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{place}: {name} = {value!r} is not allowed; allowed are integers from {least} up")
