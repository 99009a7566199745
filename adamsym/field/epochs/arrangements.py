"""All orders of a few rows, cut into minibatches: what is alike is listed once."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.gradients.laws import Empirical
from adamsym.gradients.sampling import Epoch

MOST_ARRANGEMENTS = 5040
"""Sequences of minibatches that are listed: those of seven rows, one by one."""


_Sequence = tuple[tuple[int, ...], tuple[int, ...], Fraction]
"""Minibatches by number, how many rows of each kind are left, and the probability."""


@dataclass(frozen=True)
class Prefixes:
    """The first j minibatches of an epoch: numbers in the list of all, (n, j), oldest first, and n probabilities."""

    batches: NDArray[np.int_]
    chances: tuple[Fraction, ...]

    @cached_property
    def probabilities(self) -> FloatArray:
        """The probabilities as floats, (n,)."""
        return np.array([float(chance) for chance in self.chances])


@dataclass(frozen=True)
class Arrangements:
    """The sequences of minibatches of a reshuffled epoch.

    Rows whose data are the same are of one kind: their order does not matter, nor does that of a minibatch's rows.

    Attributes
    ----------
    kinds
        For each row the number of its kind, (rows,).
    epoch
        How an epoch is cut into minibatches.
    """

    kinds: tuple[int, ...]
    epoch: Epoch

    @property
    def counts(self) -> tuple[tuple[int, ...], ...]:
        """How many rows of each kind each minibatch has that there is."""
        return self._listed[0]

    @cached_property
    def shares(self) -> FloatArray:
        """The kinds' shares of each minibatch that there is, (minibatches, kinds)."""
        table = np.array(self.counts, dtype=float)
        return np.asarray(table / table.sum(axis=1, keepdims=True))

    @cached_property
    def prefixes(self) -> tuple[Prefixes, ...]:
        """The sequences of the first 1, 2, ..., P minibatches of an epoch."""
        return self._listed[1]

    @property
    def numbers(self) -> NDArray[np.int_]:
        """How many rows are of each kind."""
        return np.bincount(self.kinds)

    @property
    def are_few(self) -> bool:
        """Whether they can be listed."""
        return _count(tuple(int(n) for n in self.numbers), self.epoch) <= MOST_ARRANGEMENTS

    @cached_property
    def _listed(self) -> tuple[tuple[tuple[int, ...], ...], tuple[Prefixes, ...]]:
        found: dict[tuple[int, ...], int] = {}
        level: list[_Sequence] = [((), tuple(int(n) for n in self.numbers), Fraction(1))]
        prefixes = []
        for batch in range(self.epoch.batches):
            following: list[_Sequence] = []
            for before, left, probability in level:
                for counts, chance in _batches(left, self.epoch.size(batch)):
                    number = found.setdefault(counts, len(found))
                    rest = tuple(n - c for n, c in zip(left, counts, strict=True))
                    following.append(((*before, number), rest, probability * chance))
            level = following
            prefixes.append(Prefixes(np.array([one[0] for one in level]), tuple(one[2] for one in level)))
        return tuple(found), tuple(prefixes)


def arrangements_of(law: Empirical, epoch: Epoch) -> Arrangements:
    """Return the arrangements of an epoch of a law's rows."""
    kinds: dict[object, int] = {}
    return Arrangements(tuple(kinds.setdefault(row, len(kinds)) for row in law.exact_rows), epoch)


def _batches(left: tuple[int, ...], size: int) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """How many rows of each kind a batch may have of those left, and with which probability."""
    total = math.comb(sum(left), size)

    def of(kind: int, rest: int) -> Iterator[tuple[int, ...]]:
        if kind == len(left) - 1:
            if rest <= left[kind]:
                yield (rest,)
            return
        for number in range(min(rest, left[kind]) + 1):
            for others in of(kind + 1, rest - number):
                yield (number, *others)

    for counts in of(0, size):
        yield counts, Fraction(math.prod(math.comb(n, c) for n, c in zip(left, counts, strict=True)), total)


def _count(numbers: tuple[int, ...], epoch: Epoch) -> int:
    """How many sequences of minibatches there are, or one more than are listed."""
    states = Counter({numbers: 1})
    for batch in range(epoch.batches):
        following: Counter[tuple[int, ...]] = Counter()
        for left, ways in states.items():
            if math.comb(len(left) + epoch.size(batch) - 1, epoch.size(batch)) > 100 * MOST_ARRANGEMENTS:
                return MOST_ARRANGEMENTS + 1
            for counts, _ in _batches(left, epoch.size(batch)):
                following[tuple(n - c for n, c in zip(left, counts, strict=True))] += ways
        states = following
        if sum(states.values()) > MOST_ARRANGEMENTS:
            return MOST_ARRANGEMENTS + 1
    return sum(states.values())
