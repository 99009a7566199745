"""Compiled: the derivative of F in the gradient atoms, by one reverse pass through the quadrature."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.compiled import compiled
from adamsym.field.float.grid import REACH, LagGrid
from adamsym.field.float.nodes import variate_factor, variate_slope
from adamsym.field.float.quadrature import control_integrals
from adamsym.field.float.records import Moments, Rule, Samples
from adamsym.field.float.transforms import SERIES_RANGE, SERIES_TERMS


@compiled
def lag_sums_adjoint(
    first: int,
    size: int,
    grid: LagGrid,
    rule: Rule,
    samples: Samples,
    log_b_adjoint: FloatArray,
    ratio_adjoint: FloatArray,
) -> tuple[float, float, float]:
    """Add the adjoints of log B and A/B, and return those of E g, E y and Cov(g, y) in the start values.

    The adjoints of S and Q stand where S and Q stood, and are overwritten.
    """
    s_adjoint, q_adjoint = samples.s_sum, samples.q_sum
    mean, excess, covariance = 0.0, 0.0, 0.0
    interpolating = len(grid.filter_b) > 0
    for i in range(size - 1, -1, -1):
        if grid.stride > 0 and i + grid.stride < size:
            s_adjoint[i] += s_adjoint[i + grid.stride]
            q_adjoint[i] += grid.decay * q_adjoint[i + grid.stride]
        if interpolating:
            for k in range(2 * REACH):
                log_b_adjoint[i + k] += grid.filter_b[k] * s_adjoint[i]
                ratio_adjoint[i + k] += grid.filter_r[k] * q_adjoint[i]
        else:
            log_b_adjoint[i] += s_adjoint[i]
            ratio_adjoint[i] += q_adjoint[i]
    for i in range(min(grid.stride, size)):
        s = samples.s[first] * math.exp(grid.spacing * (i - grid.stride))
        from_q = grid.decay * q_adjoint[i]
        mean += from_q / rule.one_less_alpha
        excess -= s * s_adjoint[i]
        covariance -= from_q * s * rule.one_less_beta / rule.one_less_alpha_beta
    return mean, excess, covariance


@compiled
def add_transform_adjoints(
    count: int,
    a_adjoint: FloatArray,
    b_adjoint: FloatArray,
    g: FloatArray,
    y: FloatArray,
    rule: Rule,
    samples: Samples,
    gradient: FloatArray,
) -> None:
    """Add sum_t [a_adjoint (1 - 2 t g^2) - 2 b_adjoint t g] exp(-t y) to ``gradient``, for each atom."""
    most = y.max()
    a_moments, at_moments = np.zeros(SERIES_TERMS + 1), np.zeros(SERIES_TERMS + 1)
    bt_moments = np.zeros(SERIES_TERMS + 1)
    for i in range(count):
        t = samples.s[i] * rule.one_less_beta
        a, b = a_adjoint[i], b_adjoint[i]
        if t * most <= SERIES_RANGE:
            power = 1.0
            for order in range(SERIES_TERMS + 1):
                a_moments[order] += a * power
                at_moments[order] += a * t * power
                bt_moments[order] += b * t * power
                power *= -t * most / (order + 1)
        else:
            for k in range(len(g)):
                gradient[k] += (a - 2.0 * t * g[k] * (a * g[k] + b)) * math.exp(-t * y[k])
    for k in range(len(g)):
        u = y[k] / most if most > 0.0 else 0.0
        a_sum, at_sum, bt_sum = 0.0, 0.0, 0.0
        for order in range(SERIES_TERMS, -1, -1):
            a_sum = a_sum * u + a_moments[order]
            at_sum = at_sum * u + at_moments[order]
            bt_sum = bt_sum * u + bt_moments[order]
        gradient[k] += a_sum - 2.0 * g[k] * (g[k] * at_sum + bt_sum)


@compiled
def transform_adjoints(
    count: int,
    moments: Moments,
    eps: float,
    rule: Rule,
    samples: Samples,
    a_adjoint: FloatArray,
    b_adjoint: FloatArray,
) -> tuple[float, float, float]:
    """Fill the adjoints of A and B and return those of E g, E g^2 and Cov(g, g^2).

    From S and Q on the fine grid, which are overwritten. The scale E g^2 = 1 and min g^2 are held fixed: F does not
    depend on where they are taken out.
    """
    interpolating = len(rule.fine.filter_b) > 0
    first = REACH if interpolating else 0
    size = count - 2 * REACH + 1 if interpolating else count
    log_b_adjoint, ratio_adjoint = np.zeros(count), np.zeros(count)
    mean_adjoint, slope_adjoint = control_integrals(eps, rule)
    for i in range(size):
        node = first + i
        s, weight = samples.s[node], samples.weight[node]
        mean_adjoint -= weight * samples.control[node]
        slope_adjoint -= weight * s * samples.control[node]
        adjoint = weight * math.exp(samples.s_sum[i] - s * moments.least)
        numerator = rule.current_weight * samples.ratio[node] + rule.amount * samples.q_sum[i]
        samples.s_sum[i], samples.q_sum[i] = adjoint * numerator, adjoint * rule.amount
        ratio_adjoint[node] += adjoint * rule.current_weight
    start = lag_sums_adjoint(first, size, rule.fine, rule, samples, log_b_adjoint, ratio_adjoint)
    for i in range(count):
        a_adjoint[i], b_adjoint[i] = ratio_adjoint[i], log_b_adjoint[i] - ratio_adjoint[i] * samples.ratio[i]
        # Far out B may underflow; exp(S) then has done so before.
        if a_adjoint[i] != 0.0 or b_adjoint[i] != 0.0:
            b = math.exp(samples.log_b[i])
            a_adjoint[i] /= b
            b_adjoint[i] /= b
    # E g^2 in the control variate exp(-s E g^2) has the adjoint -mean * slope_adjoint.
    return (
        rule.total * mean_adjoint + start[0],
        start[1] - rule.total * moments.mean * slope_adjoint,
        start[2] - (variate_factor(rule) * slope_adjoint if variate_slope(moments, rule) != 0.0 else 0.0),
    )


@compiled
def sensitivity(
    count: int,
    g: FloatArray,
    p: FloatArray,
    y: FloatArray,
    moments: Moments,
    eps: float,
    rule: Rule,
    samples: Samples,
    gradient: FloatArray,
) -> None:
    """Fill ``gradient`` with dF/dg_a, from S and Q on the fine grid, which are overwritten."""
    a_adjoint, b_adjoint = np.empty(count), np.empty(count)
    mean, square, covariance = transform_adjoints(count, moments, eps, rule, samples, a_adjoint, b_adjoint)
    gradient[:] = 0.0
    add_transform_adjoints(count, a_adjoint, b_adjoint, g, y, rule, samples, gradient)
    for k in range(len(g)):
        deviation = y[k] - moments.mean_excess
        gradient[k] += mean + 2.0 * g[k] * square
        gradient[k] += covariance * (deviation + 2.0 * g[k] * (g[k] - moments.mean))
        gradient[k] *= p[k]
