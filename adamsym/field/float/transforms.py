"""Compiled: the transforms A(t) = E[g exp(-t g^2)] and B(t) = E[exp(-t g^2)] of finitely many atoms.

With y = g^2 - least, least = min g^2: both leave out the factor exp(-t least).
"""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.compiled import compiled
from adamsym.field.float.nodes import NODES_AT_ONCE, first_index, is_finished, padding, place_nodes
from adamsym.field.float.records import Moments, Rule, Samples

SERIES_RANGE = 0.5
"""Up to t max(g^2 - min g^2) = 1/2 the transforms are summed from moments: no exponential is needed."""

SERIES_TERMS = 14
"""(1/2)^14/14! is below 1e-15 of the first term."""

_NEGLIGIBLE_TERM = 1e-18
"""Powers of t max(g^2 - min g^2) below this are left out, beside the first."""

LEAST = 2.0**-53
"""B below this is rounding error of B - 1; it counts as this, for a product so small adds nothing."""

_BLOCK = 256
"""Atoms summed in one go: keeps rounding errors of long sums small."""


@compiled
def block_dot(x: FloatArray, y: FloatArray) -> float:
    """Return sum x y, summed in blocks."""
    total = 0.0
    for begin in range(0, len(x), _BLOCK):
        part = 0.0
        for a in range(begin, min(begin + _BLOCK, len(x))):
            part += x[a] * y[a]
        total += part
    return total


@compiled
def atom_moments(g: FloatArray, p: FloatArray, y: FloatArray) -> Moments:
    """Fill ``y`` with g^2 - min g^2 and return the law's moments."""
    least, largest = abs(g[0]), abs(g[0])
    for a in range(1, len(g)):
        least, largest = min(least, abs(g[a])), max(largest, abs(g[a]))
    for a in range(len(g)):
        y[a] = (abs(g[a]) - least) * (abs(g[a]) + least)
    mean_y = block_dot(y, p)
    deviation = y - mean_y
    return Moments(least * least, block_dot(g, p), mean_y, block_dot(g, deviation * p), largest)


@compiled
def power_moments(g: FloatArray, p: FloatArray, y: FloatArray, most: float) -> tuple[FloatArray, FloatArray]:
    """Return (-1)^j E[u^j]/j! and (-1)^j E[g u^j]/j!, u = y/most, j = 0 ... 14."""
    plain, signed = np.empty(SERIES_TERMS + 1), np.empty(SERIES_TERMS + 1)
    power = p.copy()
    for order in range(SERIES_TERMS + 1):
        plain[order], signed[order] = 0.0, 0.0
        factor = -1.0 / (most * (order + 1)) if most > 0.0 else 0.0
        for begin in range(0, len(g), _BLOCK):
            plain_part, signed_part = 0.0, 0.0
            for a in range(begin, min(begin + _BLOCK, len(g))):
                plain_part += power[a]
                signed_part += power[a] * g[a]
                power[a] *= y[a] * factor
            plain[order] += plain_part
            signed[order] += signed_part
    return plain, signed


@compiled
def transforms(t: float, g: FloatArray, p: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Return A(t) and B(t) - 1 by summing exponentials: one for each atom."""
    a_sum, b_sum, least_p = 0.0, 0.0, 1.0
    for begin in range(0, len(g), _BLOCK):
        a_part, b_part = 0.0, 0.0
        for a in range(begin, min(begin + _BLOCK, len(g))):
            exponent = t * y[a]
            # 1 + expm1 would lose the tail that decides the sign far out, and exp - 1 the small exponents.
            if exponent < SERIES_RANGE:
                less_one = math.expm1(-exponent)
                factor = 1.0 + less_one
            else:
                factor = math.exp(-exponent)
                less_one = factor - 1.0
            a_part += p[a] * g[a] * factor
            b_part += p[a] * less_one
            least_p = min(least_p, p[a])
        a_sum += a_part
        b_sum += b_part
    return a_sum, max(b_sum, max(least_p, LEAST) - 1.0)


@compiled
def log_one_plus(x: float) -> float:
    """Return log(1 + x) for -1 < x <= 0; by 2 artanh(x/(2 + x)), which is faster, where its series is short."""
    if x > -0.05:
        z = x / (2.0 + x)
        square = z * z
        return 2.0 * z * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square * (1.0 / 9.0)))))
    return math.log1p(x)


@compiled
def sum_series(begin: int, end: int, unit: float, plain: FloatArray, signed: FloatArray, samples: Samples) -> None:
    """Fill A and B - 1 from power series in s * unit; the nodes stand in the inner loops for the sake of speed."""
    if begin == end:
        return
    terms, power = 1, samples.s[end - 1] * unit
    while terms < SERIES_TERMS and power > _NEGLIGIBLE_TERM:
        terms += 1
        power *= samples.s[end - 1] * unit
    for i in range(begin, end):
        samples.a[i], samples.b_less_one[i] = signed[terms], plain[terms]
    for order in range(terms - 1, -1, -1):
        # B starts with 1, which is left out.
        constant = plain[order] if order > 0 else 0.0
        for i in range(begin, end):
            z = samples.s[i] * unit
            samples.a[i] = samples.a[i] * z + signed[order]
            samples.b_less_one[i] = samples.b_less_one[i] * z + constant


@compiled
def sample_atoms(
    g: FloatArray, p: FloatArray, y: FloatArray, moments: Moments, eps: float, rule: Rule, samples: Samples
) -> tuple[int, int]:
    """Fill the samples and return the number of nodes, -1 if there is no room, and of those that took exponentials."""
    most = y.max()
    plain, signed = power_moments(g, p, y, most)
    _, right = padding(rule)
    index = first_index(moments, eps, rule)
    total, summed, count = 0.0, 0, 0
    while count + NODES_AT_ONCE <= len(samples.s):
        end = count + NODES_AT_ONCE
        place_nodes(count, end, index, eps, rule, samples)
        in_series = count
        while in_series < end and samples.s[in_series] * rule.one_less_beta * most <= SERIES_RANGE:
            in_series += 1
        sum_series(count, in_series, rule.one_less_beta * most, plain, signed, samples)
        for i in range(in_series, end):
            samples.a[i], samples.b_less_one[i] = transforms(samples.s[i] * rule.one_less_beta, g, p, y)
        summed += end - in_series
        for i in range(count, end):
            samples.log_b[i] = log_one_plus(samples.b_less_one[i])
            samples.ratio[i] = samples.a[i] / (1.0 + samples.b_less_one[i])
        for i in range(max(0, count - 1 - right), end - 1 - right):
            total += samples.log_b[i]
        count = end
        if is_finished(count, total, moments, eps, rule, samples):
            return count, summed
    return -1, summed
