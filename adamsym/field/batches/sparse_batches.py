"""Laws of minibatches of which most draws are 0: the zeros apart.

The number K of draws that are not 0 is binomial. Sums of a few of the nonzero values are listed, so that the mass at 0
and the small means around it are exact; sums of more go by Gauss rules, one for each K, whose mass is small by then;
and the K beyond those are left out, which changes F by no more than their probability allows (theory T4).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.batches.gauss_rules import mean_rules
from adamsym.field.float.forms import FloatForm
from adamsym.field.float.records import Indices

MOST_SUMS = 2**17
"""Sums that are listed: some 50 milliseconds."""

NODES = (24, 48, 96)
"""Nodes of the rule for each K that is not listed: the last is held against those before it."""

_NEGLECTED = 1e-16
"""What the K left out may change, in units of the scale: below rounding."""

_LEAST_ZEROS = 1e-200
"""Where a minibatch without nonzero draws is rarer, nothing is gained."""


@dataclass(frozen=True)
class Level:
    """The sums of K values, each multiset once: the sums, their probabilities, the multiset less its last, the last."""

    sums: FloatArray
    probabilities: FloatArray
    parent: Indices
    last: Indices


@dataclass(frozen=True)
class SparseLaw:
    """One law with its zeros apart.

    Attributes
    ----------
    values, probabilities
        The values that are not 0, each once, and their probabilities given that a draw is not 0.
    places
        Where each atom's value stands in ``values``; -1 for zeros.
    nonzero
        The probability of a draw that is not 0.
    counts
        P(K = k) for k up to the last that is kept.
    neglected
        P(K > the last).
    listed
        Up to which K all sums are listed.
    """

    values: FloatArray
    probabilities: FloatArray
    places: Indices
    nonzero: float
    counts: FloatArray
    neglected: float
    listed: int

    @property
    def last(self) -> int:
        """The largest K that is kept."""
        return len(self.counts) - 1

    @property
    def is_listed(self) -> bool:
        """Whether no rule is needed."""
        return self.listed == self.last

    @property
    def sums(self) -> int:
        """How many sums are listed."""
        return math.comb(len(self.values) + self.listed, self.listed)


def change_of_law(form: FloatForm, largest: float) -> float:
    """Return D with |F_P - F_Q| <= D d for laws P, Q of |g| <= ``largest``, d apart in total variation (theory T4)."""
    steps = largest / form.size
    most = min(form.largest, form.absolute * steps)
    beta = float(form.form.beta)
    if beta == 0 or most == 0:
        return 2 * most
    memory = -math.log(beta) / 2
    rest = 4 * form.step_bound * steps * (1 + math.sqrt(beta)) / math.sqrt(1 - beta)
    lags = max(0, math.ceil(math.log(rest * memory / (2 * most)) / memory))
    return 2 * lags * most + rest * math.exp(-memory * lags)


def sparse_law(
    law: FloatArray, probabilities: FloatArray, size: int, form: FloatForm, most: int = MOST_SUMS
) -> SparseLaw | None:
    """Return a law with its zeros apart, or nothing where that does not serve.

    It does not without zeros, where a minibatch of zeros is next to impossible, for kernels of one's own, and for more
    nonzero values than may be listed.
    """
    values, places = np.unique(law, return_inverse=True)
    if not form.parts or len(values) == 1 or 0.0 not in values:
        return None
    zero = int(np.searchsorted(values, 0.0))
    mass = np.bincount(places, probabilities)
    zeros, others = float(mass[zero]), np.delete(mass, zero)
    share = math.fsum(others)
    start = size * math.log(zeros / (zeros + share))
    if start < math.log(_LEAST_ZEROS) or len(others) > most:
        return None
    k = np.arange(size)
    pmf = np.cumprod(np.append(math.exp(start), (size - k) / (k + 1) * (share / zeros)))
    # P(K > k) for each k; the sum of a few positive numbers is right to rounding.
    tail = np.append(np.cumsum(pmf[:0:-1])[::-1], 0.0)
    values = np.delete(values, zero)
    allowed = _NEGLECTED * _unit(pmf, values, others / share, size, form)
    last = int(np.argmax(tail * change_of_law(form, float(np.abs(values).max())) <= allowed))
    listed = 0
    while listed < last and math.comb(len(values) + listed + 1, listed + 1) <= most:
        listed += 1
    shifted = np.where(places == zero, -1, places - (places > zero))
    neglected = float(tail[last]) * (1 + 1e-12)
    return SparseLaw(values, others / share, shifted, share, pmf[: last + 1], neglected, listed)


def _unit(pmf: FloatArray, values: FloatArray, p: FloatArray, size: int, form: FloatForm) -> float:
    """The law's scale, from below: the root of E y^2 is at least its part with one nonzero draw."""
    root = math.sqrt(float(pmf[1] * (p @ values**2))) / size
    return min(1.0, root / form.size)


def levels(values: FloatArray, probabilities: FloatArray, most: int) -> list[Level]:
    """Return the sums of 0, 1, ... ``most`` values, each multiset once, with multinomial probabilities."""
    nothing = np.zeros(1, dtype=np.int_)
    found = [Level(np.zeros(1), np.ones(1), nothing, nothing)]
    run = np.zeros(1)
    for count in range(1, most + 1):
        before = found[-1]
        further = len(values) - before.last
        parent = np.repeat(np.arange(len(before.sums)), further)
        last = before.last[parent] + np.arange(len(parent)) - np.repeat(np.cumsum(further) - further, further)
        # How often the last value stands in the multiset.
        run = np.where((last == before.last[parent]) & (count > 1), run[parent], 0.0) + 1
        weights = before.probabilities[parent] * probabilities[last] * (count / run)
        found.append(Level(before.sums[parent] + values[last], weights, parent, last))
    return found


@dataclass(frozen=True)
class Mixture:
    """The law of a minibatch's mean: listed sums, and rules (nodes, weights) of each further K.

    ``rules[i]`` are those of K = listed + i, one for each number of :data:`NODES`; that of K = listed has a part in
    slopes alone, as what the other draws add up to.
    """

    law: SparseLaw
    levels: Sequence[Level]
    rules: Sequence[Sequence[tuple[FloatArray, FloatArray]]]
    size: int

    @property
    def tail(self) -> float:
        """P(listed < K <= last)."""
        return float(self.law.counts[self.law.listed + 1 :].sum())

    def means(self, which: int) -> tuple[FloatArray, FloatArray]:
        """Means and probabilities, (1, m) each; those of the K left out are spread over the others."""
        law = self.law
        further = [one[which] for one in self.rules[1:]]
        sums = [level.sums / self.size for level in self.levels] + [nodes for nodes, _ in further]
        weights = [level.probabilities for level in self.levels] + [own for _, own in further]
        p = np.concatenate([share * one for share, one in zip(law.counts, weights, strict=True)])
        return np.concatenate(sums)[None], (p / p.sum())[None]

    def slopes(self, adjoint: FloatArray, which: int, derivatives: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """dF/dg of each value and, last, of 0, all per unit of probability.

        Given are dF/dy of each listed mean, and dF/dy per unit of probability at any means. Listed sums hand theirs on
        to the multisets from which they came. K draws are alike, so that with a rule it is K times the mean over the
        other K - 1; and size - K draws are 0.
        """
        law, found = self.law, np.zeros(len(self.law.values) + 1)
        end = len(adjoint)
        handed: FloatArray = np.zeros(len(self.levels[-1].sums))
        for draws, level in reversed(list(enumerate(self.levels))):
            own = adjoint[end - len(level.sums) : end]
            found[-1] += (self.size - draws) * float(own.sum())
            end -= len(level.sums)
            if draws > 0:
                found[:-1] += _collected(level.last, own + handed, len(law.values))
                handed = _collected(level.parent, own + handed, len(self.levels[draws - 1].sums))
        rules = [one[which] for one in self.rules]
        if len(rules) > 1:
            count, numbers = NODES[which], np.arange(law.listed + 1, law.last + 1)
            nodes, weights = (np.array([one[i] for one in rules]) for i in (0, 1))
            moved = (law.values / self.size)[:, None, None] + nodes[:-1]
            psi = derivatives(np.concatenate([nodes[1:].ravel(), moved.ravel()]))
            shares = law.counts[numbers, None]
            found[-1] += (
                (self.size - numbers)[:, None] * shares * weights[1:] * psi[: count * len(numbers)].reshape(-1, count)
            ).sum()
            each = psi[count * len(numbers) :].reshape(moved.shape) * (shares * numbers[:, None] * weights[:-1])
            found[:-1] += law.probabilities * each.sum(axis=(1, 2))
        mass = np.append(law.nonzero * law.probabilities, 1 - law.nonzero)
        return np.asarray(found / self.size / mass)


def _collected(places: Indices, amounts: FloatArray, length: int) -> FloatArray:
    return np.asarray(np.bincount(places, amounts, length), dtype=np.float64)


def mixtures(laws: Sequence[SparseLaw], size: int) -> list[Mixture]:
    """Return the laws of the means of minibatches; rules of several laws cost little more than those of one."""
    rules: list[list[list[tuple[FloatArray, FloatArray]]]] = [[] for _ in laws]
    ruled = [k for k, law in enumerate(laws) if not law.is_listed]
    if ruled:
        for draws in range(min(laws[k].listed for k in ruled), max(laws[k].last for k in ruled) + 1):
            chosen = [k for k in ruled if laws[k].listed <= draws <= laws[k].last]
            found = _sums_rules([laws[k] for k in chosen], draws, size)
            for row, k in enumerate(chosen):
                rules[k].append([(nodes[row], weights[row]) for nodes, weights in found])
    return [
        Mixture(law, levels(law.values, law.probabilities, law.listed), own, size)
        for law, own in zip(laws, rules, strict=True)
    ]


def _sums_rules(laws: Sequence[SparseLaw], draws: int, size: int) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """For each number of :data:`NODES` the rules (laws, m) of so many nonzero draws, divided by ``size``."""
    most = max(len(law.values) for law in laws)
    values, p = np.zeros((2, len(laws), most))
    for k, law in enumerate(laws):
        values[k, : len(law.values)], p[k, : len(law.values)] = law.values, law.probabilities
    found = tuple((np.zeros((len(laws), m)), np.zeros((len(laws), m))) for m in NODES)
    if draws == 0:
        for _, weights in found:
            weights[:, 0] = 1.0
    else:
        mean_rules(values, p, draws, size, found)
    return found
