"""Random numbers of the chains: one xoshiro256++ for each, seeded by SplitMix64; alias tables; continuous rows."""

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.gradients import Law
from adamsym.gradients.continuous import Independent

Words = NDArray[np.uint64]


def splitmix64(start: int, first: int, count: int) -> Words:
    """Return the outputs number ``first``, ``first`` + 1, ... of SplitMix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        numbers = np.arange(first + 1, first + count + 1, dtype=np.uint64)
        z = np.uint64(start) + numbers * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def generator_states(seed: int, chains: int, first: int = 0) -> Words:
    """Return the states of some chains' generators, shape (chains, 4), from that of chain ``first``."""
    start = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    return splitmix64(start, 4 * first, 4 * chains).reshape(chains, 4)


def alias_table(probabilities: FloatArray) -> tuple[FloatArray, Words]:
    """Return thresholds and aliases of Walker's method (1977): cell k yields k below its threshold, else its alias.

    Equal probabilities need neither: both are empty.
    """
    count = len(probabilities)
    if (probabilities == probabilities[0]).all():
        return np.empty(0), np.empty(0, np.uint64)
    shares = probabilities * (count / probabilities.sum())
    thresholds, aliases = np.ones(count), np.arange(count, dtype=np.uint64)
    small = [k for k in range(count) if shares[k] < 1]
    large = [k for k in range(count) if shares[k] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        thresholds[poor], aliases[poor] = shares[poor], rich
        shares[rich] -= 1 - shares[poor]
        if shares[rich] < 1:
            small.append(large.pop())
    return thresholds, aliases


def drawn_rows(law: Law, words: Words) -> FloatArray:
    """Return rows of a law from words (n, columns, lanes), of the same shape: by quantiles, where they are known.

    Of another law each row is drawn from a generator of its own, whose seed is the first of its words.
    """
    if not isinstance(law, Independent):
        drawn = [law.sample(np.random.default_rng(seed), (1,))[0] for seed in words[:, 0].ravel().tolist()]
        return np.array(drawn).reshape(len(words), words.shape[2], -1).swapaxes(1, 2)
    # 52 bits and a half: neither the probability nor its complement is 0, and both are exact.
    p = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    rows = np.empty(p.shape)
    for k, column in enumerate(law.columns):
        below = np.ascontiguousarray(p[:, k])
        rows[:, k] = column.quantile(below, 1 - below)
    return rows
