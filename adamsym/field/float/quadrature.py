"""The compiled heart of the field: one law after the other, on a logarithmic grid (theory T4, T5).

Every law comes scaled to E g^2 = 1. With s_k = s (1-beta) beta^k, t = s_0, S = sum_k log B(s_k) and
Q = sum_k alpha^k (A/B)(s_k), F = int rho(s) e^S N ds, N = w (A/B)(t) + a Q; Adam has w = 0, a = 1-alpha.
A and B leave out the factor exp(-t least), least = min g^2, which multiplies out to exp(-s least) exactly.

Near s = 0, e^S N = (mu + slope s) e^-s + O(s t max g^2),
slope = -(1-beta) Cov(g, g^2) (w + a/(1-alpha beta)), and mu = (w + a/(1-alpha)) E g:
the control variate (mu + slope s) e^-s has a known integral and leaves an integrand of order s^(3/2) t max g^2.
"""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.compiled import compiled
from adamsym.field.float.grid import REACH, LagGrid
from adamsym.field.float.nodes import variate_slope
from adamsym.field.float.records import Moments, Rule, Samples


@compiled
def start_values(s: float, moments: Moments, rule: Rule) -> tuple[float, float]:
    """Return S and Q at small s, from A/B = E g - t Cov(g, y) + ... and log B = -t E y + ...

    Left of the grid the next terms, of relative size t max g^2, are below rounding in e^S N.
    """
    slope = moments.covariance * rule.one_less_beta / rule.one_less_alpha_beta
    return -s * moments.mean_excess, moments.mean / rule.one_less_alpha - slope * s


@compiled
def apply_filter(x: FloatArray, weights: FloatArray, size: int, result: FloatArray) -> None:
    """Fill ``result`` with sum_k weights_k x_{i+k}, i < size; four weights at once, which vector instructions like."""
    result[:size] = 0.0
    for k in range(0, 2 * REACH, 4):
        first, second, third, fourth = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for i in range(size):
            j = i + k
            result[i] += (first * x[j] + second * x[j + 1]) + (third * x[j + 2] + fourth * x[j + 3])


@compiled
def lag_sums(
    count: int,
    every: int,
    grid: LagGrid,
    moments: Moments,
    rule: Rule,
    samples: Samples,
) -> tuple[int, int]:
    """Fill S and Q on every ``every``-th node and return the first of these nodes and their number."""
    if len(grid.filter_b) == 0:
        size = count // every
        for i in range(size):
            if i >= grid.stride > 0:
                before_s, before_q = samples.s_sum[i - grid.stride], samples.q_sum[i - grid.stride]
            elif grid.stride > 0:
                before = samples.s[0] * math.exp(grid.spacing * (i - grid.stride))
                before_s, before_q = start_values(before, moments, rule)
            else:
                before_s, before_q = 0.0, 0.0
            samples.s_sum[i] = samples.log_b[i * every] + before_s
            samples.q_sum[i] = samples.ratio[i * every] + grid.decay * before_q
        return 0, size
    first = REACH * every
    size = count // every - 2 * REACH + 1
    apply_filter(samples.log_b[:count:every].copy(), grid.filter_b, size, samples.s_sum)
    apply_filter(samples.ratio[:count:every].copy(), grid.filter_r, size, samples.q_sum)
    before_s, before_q = start_values(samples.s[first] * math.exp(-grid.spacing), moments, rule)
    for i in range(size):
        before_s += samples.s_sum[i]
        before_q = samples.q_sum[i] + grid.decay * before_q
        samples.s_sum[i], samples.q_sum[i] = before_s, before_q
    return first, size


@compiled
def control_integrals(eps: float, rule: Rule) -> tuple[float, float]:
    """Return int rho e^-s ds and int rho s e^-s ds."""
    if rule.eps_inside_root:
        return 1.0 / math.sqrt(1.0 + eps), 0.5 / (1.0 + eps) ** 1.5
    return 1.0 / (1.0 + eps), 0.5 / (1.0 + eps) ** 2


@compiled
def integrate(
    first: int,
    size: int,
    every: int,
    moments: Moments,
    rule: Rule,
    samples: Samples,
    terms: FloatArray,
) -> None:
    """Fill ``terms``, at every ``every``-th node from ``first``, with what S and Q make of the quadrature's terms."""
    mean, slope = rule.total * moments.mean, variate_slope(moments, rule)
    for i in range(size):
        node = first + i * every
        s = samples.s[node]
        numerator = rule.current_weight * samples.ratio[node] + rule.amount * samples.q_sum[i]
        value = math.exp(samples.s_sum[i] - s * moments.least) * numerator
        terms[node] = samples.weight[node] * (value - (mean + slope * s) * samples.control[node])


@compiled
def change_from_coarse(count: int, moments: Moments, rule: Rule, samples: Samples, terms: FloatArray) -> float:
    """Return how far the grid of every other node is from the fine one, whose terms are given.

    The two sums' difference with the same terms, plus, where lags fall between the nodes, the terms' own differences
    in modulus, which cannot cancel.
    """
    alternating, change = 0.0, 0.0
    for node in range(0, count, 2):
        alternating += terms[node] - (terms[node + 1] if node + 1 < count else 0.0)
    if len(rule.fine.filter_b) == 0:
        return abs(alternating)
    first, size = lag_sums(count, 2, rule.coarse, moments, rule, samples)
    coarse = np.zeros(count)
    integrate(first, size, 2, moments, rule, samples, coarse)
    for node in range(first, first + 2 * size, 2):
        change += abs(coarse[node] - terms[node])
    return abs(alternating) + 2.0 * change


@compiled
def mean_inverse(first: int, size: int, moments: Moments, eps: float, rule: Rule, samples: Samples) -> float:
    """Return a bound of E[1/(sqrt V + eps)], or of E[1/sqrt(V + eps)], from S: close where V is rarely small."""
    total = 0.0
    for i in range(size):
        s = samples.s[first + i]
        total += samples.weight[first + i] * math.exp(samples.s_sum[i] - s * moments.least)
    largest = 1.0 / math.sqrt(eps) if rule.eps_inside_root else 1.0 / eps
    # What lies left of the nodes, where rho(s) <= (pi s)^(-1/2).
    total += 2.0 * math.sqrt(samples.s[first] / math.pi)
    return min(total, largest)


@compiled
def evaluate(count: int, moments: Moments, eps: float, rule: Rule, samples: Samples) -> tuple[float, float, float]:
    """Return F from the samples of log B and A/B, its change from the coarse grid, and what mean_inverse returns.

    The change is in units of the scale.
    """
    terms = np.zeros(count)
    first, size = lag_sums(count, 1, rule.fine, moments, rule, samples)
    integrate(first, size, 1, moments, rule, samples, terms)
    inverse = mean_inverse(first, size, moments, eps, rule, samples)
    zeroth, linear = control_integrals(eps, rule)
    slope = variate_slope(moments, rule)
    value = rule.total * moments.mean * zeroth + slope * linear + terms.sum()
    unit = math.sqrt(1.0 + eps) if rule.eps_inside_root else 1.0 + eps
    return value, unit * change_from_coarse(count, moments, rule, samples, terms), inverse
