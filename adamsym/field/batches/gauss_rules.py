"""Compiled: Gauss rules of the mean of many independent draws, several laws side by side.

The m-node Gauss rule of a law has its first 2m moments, and these determine those of sums of independent draws. So the
law of a sum is the rule of all pairs of nodes, compressed again, and its first 2m moments are still those of the law
itself. Rules come from Jacobi matrices, and these from atoms one by one (W. B. Gragg and W. J. Harwood, The numerically
stable reconstruction of Jacobi matrices from spectral data, Numer. Math. 44, 1984): no moment is ever formed.
"""

import math
from functools import lru_cache

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled

LANES = 8
"""Laws side by side: the recursion waits for its divisions, which vector instructions do several at a time."""

_NEGLIGIBLE_WEIGHT = 1e-22
"""Pairs of nodes with less of the mass, and of the second moment, are left out."""

_MOST_KEPT = 2**14
"""Atoms, at most, of laws whose rules are kept: 128 kB for each key."""


@compiled
def insert(x: FloatArray, weight: FloatArray, alpha: FloatArray, beta: FloatArray, work: FloatArray) -> None:
    """Add an atom to each lane's measure, of which the leading Jacobi coefficients (m, LANES) are known.

    The first m coefficients of the new measure depend on the first m of the old one alone; beyond the atoms there are
    beta is 0. A weight of 0 changes nothing. ``work`` is (4, LANES).
    """
    gamma, sigma, t, rest = work[0], work[1], work[2], work[3]
    for lane in range(LANES):
        gamma[lane], sigma[lane], t[lane], rest[lane] = 1.0, 0.0, 0.0, weight[lane]
    for k in range(len(alpha)):
        for lane in range(LANES):
            old = beta[k, lane]
            total = old + rest[lane]
            beta[k, lane] = gamma[lane] * total
            cosine = old / total if total > 0.0 else 1.0
            sine = rest[lane] / total if total > 0.0 else 0.0
            before = alpha[k, lane] if old > 0.0 else x[lane]
            step = sine * (before - x[lane]) - cosine * t[lane]
            alpha[k, lane] = before - (step - t[lane])
            rest[lane] = step * step / sine if sine > 0.0 else sigma[lane] * old
            gamma[lane], sigma[lane], t[lane] = cosine, sine, step


@compiled
def gauss_nodes(alpha: FloatArray, beta: FloatArray, size: int, nodes: FloatArray, weights: FloatArray) -> None:
    """Fill (size, LANES) with the Gauss rules of the leading ``size`` coefficients (G. Golub and J. Welsch, 1969)."""
    for lane in range(LANES):
        matrix = np.zeros((size, size))
        for k in range(size):
            matrix[k, k] = alpha[k, lane]
            if k > 0:
                matrix[k, k - 1] = matrix[k - 1, k] = math.sqrt(beta[k, lane])
        values, vectors = np.linalg.eigh(matrix)
        for k in range(size):
            nodes[k, lane], weights[k, lane] = values[k], beta[0, lane] * vectors[0, k] ** 2


@compiled
def add_pairs(
    x: FloatArray, p: FloatArray, y: FloatArray, q: FloatArray, same: bool, alpha: FloatArray, beta: FloatArray
) -> None:
    """Fill the Jacobi coefficients of the sum of two independent draws, from the rules (x, p) and (y, q).

    ``same`` says that the rules are one and the same, so that each pair stands for its mirror image too.
    """
    work, at, weight = np.empty((4, LANES)), np.empty(LANES), np.empty(LANES)
    square = np.zeros(LANES)
    for i in range(len(x)):
        for lane in range(LANES):
            square[lane] += p[i, lane] * x[i, lane] ** 2 + q[i, lane] * y[i, lane] ** 2
    alpha[:], beta[:] = 0.0, 0.0
    for i in range(len(x)):
        for j in range(i, len(y)) if same else range(len(y)):
            factor = 2.0 if same and j > i else 1.0
            largest = 0.0
            for lane in range(LANES):
                at[lane] = x[i, lane] + y[j, lane]
                weight[lane] = factor * p[i, lane] * q[j, lane]
                share = at[lane] ** 2 / square[lane] if square[lane] > 0.0 else 0.0
                if weight[lane] * max(1.0, share) < _NEGLIGIBLE_WEIGHT:
                    weight[lane] = 0.0
                largest = max(largest, weight[lane])
            if largest > 0.0:
                insert(at, weight, alpha, beta, work)


@compiled
def standardise(second: FloatArray, alpha: FloatArray, beta: FloatArray) -> None:
    """Put in the moments that are known without the recursion: mass 1, mean 0 and E x^2 = ``second`` (LANES,)."""
    for lane in range(LANES):
        alpha[0, lane], beta[0, lane] = 0.0, 1.0
        if len(beta) > 1:
            beta[1, lane] = second[lane]


@compiled
def sum_coefficients(x: FloatArray, probabilities: FloatArray, draws: int, alpha: FloatArray, beta: FloatArray) -> None:
    """Fill the Jacobi coefficients (m, LANES) of the sum of ``draws`` draws from atoms (n, LANES), by squaring.

    The atoms have mean 0; their probabilities (n, LANES) sum to 1, and may be 0.
    """
    m = len(alpha)
    work, second = np.empty((4, LANES)), np.zeros(LANES)
    alpha[:], beta[:] = 0.0, 0.0
    for a in range(len(x)):
        insert(x[a], probabilities[a], alpha, beta, work)
        for lane in range(LANES):
            second[lane] += probabilities[a, lane] * x[a, lane] ** 2
    standardise(second, alpha, beta)
    power_x, power_p, total_x, total_p = np.empty((4, m, LANES))
    left, power, total = draws, 1, 0
    while left > 0:
        if left > 1 or total > 0:
            gauss_nodes(alpha, beta, m, power_x, power_p)
        if left % 2 == 1:
            if total > 0:
                add_pairs(total_x, total_p, power_x, power_p, False, alpha, beta)
                standardise((total + power) * second, alpha, beta)
            total += power
            if left == 1:
                return
            gauss_nodes(alpha, beta, m, total_x, total_p)
        left, power = left // 2, 2 * power
        add_pairs(power_x, power_p, power_x, power_p, True, alpha, beta)
        standardise(power * second, alpha, beta)


@compiled
def load_law(
    law: FloatArray, probabilities: FloatArray, lane: int, x: FloatArray, p: FloatArray
) -> tuple[float, float, int]:
    """Fill a lane with the atoms that are not 0, then one for those that are, less the mean and divided by their size.

    Returns the mean, the size and the number of atoms; beyond them stand atoms of probability 0.
    """
    n = len(law)
    mean = (law * probabilities).sum()
    mean += ((law - mean) * probabilities).sum()
    size = np.abs(law - mean).max()
    unit = size if size > 0.0 else 1.0
    count, zeros = 0, 0.0
    for a in range(n):
        if law[a] == 0.0:
            zeros += probabilities[a]
        else:
            x[count, lane], p[count, lane] = (law[a] - mean) / unit, probabilities[a]
            count += 1
    for a in range(count, n):
        x[a, lane], p[a, lane] = -mean / unit, 0.0
    if zeros > 0.0:
        p[count, lane] = zeros
        count += 1
    return mean, size, count


@compiled
def mean_rules(
    atoms: FloatArray,
    probabilities: FloatArray,
    draws: int,
    divisor: int,
    rules: tuple[tuple[FloatArray, FloatArray], ...],
) -> None:
    """Fill Gauss rules, nodes and weights (laws, m) each, of the sum of ``draws`` draws divided by ``divisor``.

    The laws are rows of ``atoms`` (laws, n); their probabilities, a row for each or one for all, sum to 1.
    The last rule has the most nodes.
    """
    laws, n = atoms.shape
    m = rules[-1][0].shape[1]
    x, p = np.empty((n, LANES)), np.empty((n, LANES))
    alpha, beta = np.empty((m, LANES)), np.empty((m, LANES))
    nodes, weights = np.empty((m, LANES)), np.empty((m, LANES))
    mean, size = np.empty(LANES), np.empty(LANES)
    for begin in range(0, laws, LANES):
        most = 0
        for lane in range(LANES):
            law = min(begin + lane, laws - 1)
            own = probabilities[law if len(probabilities) > 1 else 0]
            mean[lane], size[lane], count = load_law(atoms[law], own, lane, x, p)
            most = max(most, count)
        sum_coefficients(x[:most], p[:most], draws, alpha, beta)
        for rule, rule_weights in rules:
            length = rule.shape[1]
            gauss_nodes(alpha, beta, length, nodes[:length], weights[:length])
            for lane in range(min(LANES, laws - begin)):
                for k in range(length):
                    rule[begin + lane, k] = (draws * mean[lane] + size[lane] * nodes[k, lane]) / divisor
                    rule_weights[begin + lane, k] = weights[k, lane]


def rules_of_means(
    atoms: FloatArray, probabilities: FloatArray, draws: int, divisor: int, counts: tuple[int, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the Gauss rules of :func:`mean_rules` of so many nodes each; the last count is the largest.

    Those of the last few small arrays are kept, as Newton's method asks for one point several times; they are not to be
    written to.
    """
    if not 0 < atoms.size <= _MOST_KEPT:
        return _computed(atoms, probabilities, draws, divisor, counts)
    return _kept(atoms.tobytes(), len(atoms), probabilities.tobytes(), len(probabilities), draws, divisor, counts)


@lru_cache(maxsize=16)
def _kept(
    atoms: bytes, laws: int, probabilities: bytes, rows: int, draws: int, divisor: int, counts: tuple[int, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    # Copies, as compiled functions are compiled once more for arrays that cannot be written to.
    own = np.frombuffer(atoms).reshape(laws, -1).copy()
    found = _computed(own, np.frombuffer(probabilities).reshape(rows, -1).copy(), draws, divisor, counts)
    for part in (one for rule in found for one in rule):
        part.setflags(write=False)
    return found


def _computed(
    atoms: FloatArray, probabilities: FloatArray, draws: int, divisor: int, counts: tuple[int, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    found = [(np.empty((len(atoms), count)), np.empty((len(atoms), count))) for count in counts]
    mean_rules(atoms, probabilities, draws, divisor, tuple(found))
    return found
