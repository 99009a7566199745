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
from adamsym.field.compiled import compiled
from adamsym.field.float.grid import REACH
from adamsym.field.float.nodes import variate_slope
from adamsym.field.float.records import LagGrid, Moments, Rule, Samples


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
def lag_sums(count: int, grid: LagGrid, moments: Moments, rule: Rule, samples: Samples) -> tuple[int, int]:
    """Fill S and Q on the quadrature's nodes, and return the first of these nodes and their number."""
    if len(grid.filter_b) == 0:
        for i in range(count):
            if i >= grid.stride > 0:
                before_s, before_q = samples.s_sum[i - grid.stride], samples.q_sum[i - grid.stride]
            elif grid.stride > 0:
                before = samples.s[0] * math.exp(grid.spacing * (i - grid.stride))
                before_s, before_q = start_values(before, moments, rule)
            else:
                before_s, before_q = 0.0, 0.0
            samples.s_sum[i] = samples.log_b[i] + before_s
            samples.q_sum[i] = samples.ratio[i] + grid.decay * before_q
        return 0, count
    size = count - 2 * REACH + 1
    apply_filter(samples.log_b, grid.filter_b, size, samples.s_sum)
    apply_filter(samples.ratio, grid.filter_r, size, samples.q_sum)
    before_s, before_q = start_values(samples.s[REACH] * math.exp(-grid.spacing), moments, rule)
    for i in range(size):
        before_s += samples.s_sum[i]
        before_q = samples.q_sum[i] + grid.decay * before_q
        samples.s_sum[i], samples.q_sum[i] = before_s, before_q
    return REACH, size


@compiled
def control_integrals(eps: float, rule: Rule) -> tuple[float, float]:
    """Return int rho e^-s ds and int rho s e^-s ds."""
    if rule.eps_inside_root:
        return 1.0 / math.sqrt(1.0 + eps), 0.5 / (1.0 + eps) ** 1.5
    return 1.0 / (1.0 + eps), 0.5 / (1.0 + eps) ** 2


@compiled
def integrate(
    first: int, size: int, moments: Moments, eps: float, rule: Rule, samples: Samples
) -> tuple[float, float, tuple[float, float]]:
    """Return F, a bound of E[1/(sqrt V + eps)], and F's derivatives in the control variate's mean and slope.

    The bound is close where V is rarely small. The derivatives of F in S and Q take these sums' place; those in N are
    the products.
    """
    mean, slope = rule.total * moments.mean, variate_slope(moments, rule)
    zeroth, linear = control_integrals(eps, rule)
    value, inverse, mean_slope, slope_slope = mean * zeroth + slope * linear, 0.0, zeroth, linear
    for i in range(size):
        node = first + i
        s, weight, control = samples.s[node], samples.weight[node], samples.control[node]
        product = weight * math.exp(samples.s_sum[i] - s * moments.least)
        term = product * (rule.current_weight * samples.ratio[node] + rule.amount * samples.q_sum[i])
        value += term - weight * (mean + slope * s) * control
        inverse += product
        mean_slope -= weight * control
        slope_slope -= weight * s * control
        samples.s_sum[i], samples.q_sum[i], samples.product[i] = term, rule.amount * product, product
    largest = 1.0 / math.sqrt(eps) if rule.eps_inside_root else 1.0 / eps
    # What lies left of the nodes, where rho(s) <= (pi s)^(-1/2).
    inverse += 2.0 * math.sqrt(samples.s[first] / math.pi)
    return value, min(inverse, largest), (mean_slope, slope_slope)


@compiled
def reverse_sums(size: int, grid: LagGrid, samples: Samples) -> None:
    """Turn the derivatives in S and Q into those in what the recursions add at each node."""
    s_slope, q_slope = samples.s_sum, samples.q_sum
    if grid.stride > 0:
        for i in range(size - 1 - grid.stride, -1, -1):
            s_slope[i] += s_slope[i + grid.stride]
            q_slope[i] += grid.decay * q_slope[i + grid.stride]


@compiled
def filter_error(size: int, grid: LagGrid, samples: Samples) -> float:
    """Return an estimate of what the filters change in F, from the derivatives in what the recursions add.

    It is three times what shorter filters would change further, to first order. Each change may vanish by chance where
    the filters' does not; hardly ever all of them do.
    """
    if len(grid.filter_b) == 0:
        return 0.0
    from_b, from_r = np.zeros(2 * REACH), np.zeros(2 * REACH)
    for i in range(size):
        s_slope, q_slope = samples.s_sum[i], samples.q_sum[i]
        for k in range(2 * REACH):
            from_b[k] += s_slope * samples.log_b[i + k]
            from_r[k] += q_slope * samples.ratio[i + k]
    total, share = 0.0, 3.0
    for check in range(len(grid.checks_b)):
        change = 0.0
        for k in range(2 * REACH):
            change += grid.checks_b[check, k] * from_b[k] + grid.checks_r[check, k] * from_r[k]
        total += share * abs(change)
        share /= 4.0
    return total


@compiled
def control_error(moments: Moments, eps: float, rule: Rule) -> float:
    """Return a bound of the control variate's part in the rule's error: no integral is needed for it."""
    zeroth, linear = control_integrals(eps, rule)
    return float(
        rule.alias * abs(rule.total * moments.mean) * zeroth
        + rule.slope_alias * abs(variate_slope(moments, rule)) * linear
    )


@compiled
def evaluate(
    count: int, moments: Moments, eps: float, rule: Rule, samples: Samples
) -> tuple[float, float, float, tuple[float, float]]:
    """Return F from the samples of log B and A/B, an estimate of what the filters change, and the rest of `integrate`.

    The derivatives of F in what the recursions for S and Q add at each node stand in place of S and Q.
    """
    first, size = lag_sums(count, rule.grid, moments, rule, samples)
    value, inverse, variate = integrate(first, size, moments, eps, rule, samples)
    reverse_sums(size, rule.grid, samples)
    return value, filter_error(size, rule.grid, samples), inverse, variate
