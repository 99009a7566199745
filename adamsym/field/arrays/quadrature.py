"""F of one law of gradient atoms in NumPy: the quadrature of :mod:`adamsym.field.float`, nodes as arrays.

For a few laws it takes milliseconds, where Numba takes seconds to compile and a good part of one to load. The nodes,
the control variate and the estimate are those of the compiled loops; exponentials are taken at every node.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.limits import (
    HIGH_PART,
    LARGEST_SLOPE,
    LEFT_END,
    LEFT_END_SERIES,
    LOG_NEGLIGIBLE,
    NEGLIGIBLE_START,
)
from adamsym.field.float.records import LagGrid, Moments, Rule


@dataclass(frozen=True)
class Steps:
    """How nodes are taken.

    Attributes
    ----------
    at_once
        Nodes between two looks at the right tail.
    most
        Nodes of a grid.
    control_at_once
        Whether those that the control variate needs come first, all together.
    """

    at_once: int
    most: int
    control_at_once: bool


@dataclass(frozen=True)
class ArrayQuotient:
    """F of one law, as :func:`adamsym.field.float.quotients.quotients` fills it; nan if the grid would be too long."""

    value: float
    filters: float
    control: float
    unit: float
    inverse: float


@dataclass(frozen=True)
class _Nodes:
    """s, the weights h s rho(s), log B and A/B."""

    s: FloatArray
    weight: FloatArray
    log_b: FloatArray
    ratio: FloatArray


@dataclass(frozen=True)
class Integral:
    """The integral on the nodes, and its derivatives.

    Attributes
    ----------
    nodes, first
        The nodes, and the number of the first at which the quadrature has a value.
    value, inverse, control
        F, a bound of E[1/(sqrt V + eps)], and the control variate's own error.
    by_s, by_q, product
        F's derivatives in S and Q at the quadrature's nodes, and the weights times e^S.
    by_mean, by_slope
        Those in the control variate's mean and slope.
    """

    nodes: _Nodes
    first: int
    value: float
    inverse: float
    control: float
    by_s: FloatArray
    by_q: FloatArray
    product: FloatArray
    by_mean: float
    by_slope: float

    def reversed_sums(self, rule: Rule) -> tuple[FloatArray, FloatArray]:
        """Return F's derivatives in what the recursions for S and Q add at each node."""
        grid, start = rule.grid, np.zeros(rule.grid.stride)
        by_s = _accumulated(self.by_s[::-1], start, grid.stride, 1.0)[::-1]
        return by_s, _accumulated(self.by_q[::-1], start, grid.stride, grid.decay)[::-1]


Transforms = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Of s (n,), to log B and A/B of a law scaled to E g^2 = 1, without the factor exp(-s least) of B."""


def quotient_of_transforms(
    transforms: Transforms, moments: Moments, eps: float, scale: float, rule: Rule, steps: Steps
) -> tuple[ArrayQuotient, Integral | None]:
    """Return F of a law that was divided by ``scale``, and what its derivatives need; None for too long a grid."""
    unit = 1.0 / math.sqrt(1.0 + eps) if rule.eps_inside_root else 1.0 / (1.0 + eps)
    nodes = _sampled(transforms, moments, eps, rule, steps)
    if nodes is None:
        return ArrayQuotient(math.nan, math.nan, math.nan, unit, math.nan), None
    found = _integrated(nodes, moments, eps, rule)
    return ArrayQuotient(found.value, _filter_error(found, rule), found.control, unit, found.inverse / scale), found


def _factor(rule: Rule) -> float:
    """Minus the control variate's slope for unit covariance."""
    return rule.one_less_beta * (rule.current_weight + rule.amount / rule.one_less_alpha_beta)


def _slope(moments: Moments, rule: Rule) -> float:
    """The control variate's slope: that of e^S N at s = 0, or 0 where it would cost digits."""
    slope = -moments.covariance * _factor(rule)
    return slope if abs(slope) <= LARGEST_SLOPE else 0.0


def _log_unit(eps: float, rule: Rule) -> float:
    """The log of the s where the kernel's cutoff sets in."""
    return -math.log(eps) if rule.eps_inside_root else -2.0 * math.log(eps)


def _reach(grid: LagGrid) -> int:
    return len(grid.filter_b) // 2


def _first_index(moments: Moments, eps: float, rule: Rule) -> int:
    """The number j of the first node s = exp(j h) unit."""
    first = min(LEFT_END, LEFT_END_SERIES / (rule.one_less_beta * moments.largest**2))
    slope = abs(moments.covariance * _factor(rule))
    if slope > LARGEST_SLOPE:
        # Left of the first node int rho slope s ds is negligible: rho <= s^(-1/2), and rho <= s^(-3/2)/eps^2.
        if rule.eps_inside_root:
            first = min(first, (NEGLIGIBLE_START / math.sqrt(1.0 + eps) / slope) ** (2 / 3))
        else:
            share = NEGLIGIBLE_START / (1.0 + eps) / slope
            first = min(first, max(share ** (2 / 3), (share * eps * eps) ** 2))
    return math.floor((math.log(first) - _log_unit(eps, rule)) / rule.grid.spacing) - _reach(rule.grid)


def _placed(j: FloatArray, eps: float, rule: Rule) -> tuple[FloatArray, FloatArray]:
    """s and the weights of the nodes with the numbers j."""
    spacing, cutoffs = rule.grid.spacing, rule.cutoff.values
    # Multiples of the high part are exact: log s, small beside its two parts, keeps its absolute accuracy.
    high = math.floor(spacing * HIGH_PART) / HIGH_PART
    with np.errstate(over="ignore"):
        s = np.exp((j * high + _log_unit(eps, rule)) + j * (spacing - high))
    place = j - rule.cutoff.first
    inverse = np.exp(-np.maximum(j, 0.0) * spacing)
    beyond = 0.0 * inverse if rule.eps_inside_root else 0.5 * inverse * (1.0 - 1.5 * inverse)
    within = cutoffs[np.clip(place, 0, len(cutoffs) - 1).astype(np.int_)]
    cutoff = np.where(place >= len(cutoffs), beyond, np.where(place >= 0, within, 1.0))
    return s, spacing / math.sqrt(math.pi) * np.sqrt(s) * cutoff


def _sampled(transforms: Transforms, moments: Moments, eps: float, rule: Rule, steps: Steps) -> _Nodes | None:
    """The transforms on as many nodes as are needed; None if there is no room for them."""
    index = _first_index(moments, eps, rule)
    right = max(0, _reach(rule.grid) - 1)
    # The control variate alone needs s up to there.
    least = (math.log(-LOG_NEGLIGIBLE) - _log_unit(eps, rule)) / rule.grid.spacing - index + right + 1
    more = max(steps.at_once, math.ceil(least) if steps.control_at_once else 0)
    known, count = np.empty((4, 0)), 0
    while count < steps.most:
        s, weight = _placed(np.arange(index + count, index + count + more, dtype=np.float64), eps, rule)
        known = np.concatenate((known, (s, weight, *transforms(s))), axis=1)
        count, more = count + more, steps.at_once
        last = count - 1 - right
        total = float(known[2, :last].sum()) if last > 0 else 0.0
        if last > 0 and _is_finished(float(known[0, last]), float(known[2, last]), total, moments, eps, rule):
            return _Nodes(*known)
    return None


def _is_finished(s: float, log_b: float, total: float, moments: Moments, eps: float, rule: Rule) -> bool:
    """Whether what lies right of s is negligible; ``total`` sums log B over the nodes before.

    log B decreases, so that its sum over the lags is at most its integral in x = log s divided by the lag.
    """
    # The control variate alone needs s up to there.
    if s < -LOG_NEGLIGIBLE:
        return False
    beta_is_zero = rule.one_less_beta == 1.0
    log_product = log_b if beta_is_zero else total * rule.grid.spacing / -math.log1p(-rule.one_less_beta)
    if rule.eps_inside_root:
        log_kernel, scale = -0.5 * math.log(eps) - eps * s, math.sqrt(1.0 + eps)
    else:
        log_kernel = min(-math.log(eps), -2.0 * math.log(eps) - 0.5 * math.log(math.pi * s))
        scale = 1.0 + eps
    tail = log_kernel + max(log_product - s * moments.least + math.log(moments.largest), -s)
    return tail < LOG_NEGLIGIBLE - math.log(scale)


def _accumulated(steps: FloatArray, start: FloatArray, stride: int, decay: float) -> FloatArray:
    """x_i = steps_i + decay x_(i - stride), with the values ``start`` (stride,) before the first."""
    if stride == 0:
        return steps
    if stride == 1:
        found, x = [], float(start[0])
        for step in steps.tolist():
            x = step + decay * x
            found.append(x)
        return np.array(found)
    rows = -(-len(steps) // stride)
    padded = np.zeros(rows * stride)
    padded[: len(steps)] = steps
    table = padded.reshape(rows, stride)
    before = start
    for row in table:
        row += decay * before
        before = row
    return padded[: len(steps)]


def _lag_sums(nodes: _Nodes, moments: Moments, rule: Rule) -> tuple[int, FloatArray, FloatArray]:
    """The first of the quadrature's nodes, and S and Q on them."""
    grid = rule.grid
    reach, stride = _reach(grid), grid.stride
    steps_b, steps_r = nodes.log_b, nodes.ratio
    if reach:
        steps_b, steps_r = np.correlate(steps_b, grid.filter_b), np.correlate(steps_r, grid.filter_r)
    before = nodes.s[reach] * np.exp(grid.spacing * (np.arange(stride) - stride))
    start = moments.mean / rule.one_less_alpha - (
        moments.covariance * rule.one_less_beta / rule.one_less_alpha_beta * before
    )
    s_sum = _accumulated(steps_b, -before * moments.mean_excess, stride, 1.0)
    return reach, s_sum, _accumulated(steps_r, start, stride, grid.decay)


def _integrated(nodes: _Nodes, moments: Moments, eps: float, rule: Rule) -> Integral:
    first, s_sum, q_sum = _lag_sums(nodes, moments, rule)
    own = slice(first, first + len(s_sum))
    s, weight = nodes.s[own], nodes.weight[own]
    mean, slope = rule.total * moments.mean, _slope(moments, rule)
    inside = rule.eps_inside_root
    zeroth = 1.0 / math.sqrt(1.0 + eps) if inside else 1.0 / (1.0 + eps)
    linear = 0.5 * zeroth**3 if inside else 0.5 * zeroth**2
    with np.errstate(under="ignore"):
        product = weight * np.exp(s_sum - s * moments.least)
        terms = product * (rule.current_weight * nodes.ratio[own] + rule.amount * q_sum)
        fall = np.exp(-s)
        value = mean * zeroth + slope * linear + float((terms - weight * (mean + slope * s) * fall).sum())
        by_mean, by_slope = zeroth - float(weight @ fall), linear - float((weight * s) @ fall)
    largest = 1.0 / math.sqrt(eps) if inside else 1.0 / eps
    # What lies left of the nodes, where rho(s) <= (pi s)^(-1/2).
    inverse = min(float(product.sum()) + 2.0 * math.sqrt(float(s[0]) / math.pi), largest)
    control = rule.alias * abs(mean) * zeroth + rule.slope_alias * abs(slope) * linear
    return Integral(nodes, first, value, inverse, control, terms, rule.amount * product, product, by_mean, by_slope)


def _filter_error(found: Integral, rule: Rule) -> float:
    """An estimate of what the filters change in F: see the compiled function of this name."""
    grid = rule.grid
    if not len(grid.filter_b):
        return 0.0
    by_s, by_q = found.reversed_sums(rule)
    from_b, from_r = np.correlate(found.nodes.log_b, by_s), np.correlate(found.nodes.ratio, by_q)
    changes = np.abs(grid.checks_b @ from_b + grid.checks_r @ from_r)
    return float((3.0 * 0.25 ** np.arange(len(changes))) @ changes)


def transform_adjoints(
    found: Integral, moments: Moments, rule: Rule
) -> tuple[FloatArray, FloatArray, tuple[float, float, float]]:
    """Return F's derivatives in A and B at the nodes, and in E g, E g^2 and Cov(g, g^2).

    As the compiled function of this name: the scale E g^2 = 1 and min g^2 are held fixed.
    """
    grid, nodes = rule.grid, found.nodes
    by_s, by_q = found.reversed_sums(rule)
    a, b = (np.convolve(by_q, grid.filter_r), np.convolve(by_s, grid.filter_b)) if len(grid.filter_b) else (by_q, by_s)
    a = np.array(a)
    a[found.first : found.first + len(found.product)] += rule.current_weight * found.product
    b = b - a * nodes.ratio
    # Far out B may underflow; exp(S) then has done so before.
    with np.errstate(under="ignore"):
        size, some = np.exp(nodes.log_b), (a != 0) | (b != 0)
    a, b = (np.divide(one, size, out=np.zeros_like(one), where=some) for one in (a, b))
    # By way of the values that the recursions start from.
    start = nodes.s[found.first] * np.exp(grid.spacing * (np.arange(grid.stride) - grid.stride))
    from_s, from_q = by_s[: grid.stride], grid.decay * by_q[: grid.stride]
    mean = rule.total * found.by_mean + float(from_q.sum()) / rule.one_less_alpha
    # E g^2 in the control variate exp(-s E g^2) has the derivative -mean * by_slope.
    square = -float(start @ from_s) - rule.total * moments.mean * found.by_slope
    covariance = -float(from_q @ start) * rule.one_less_beta / rule.one_less_alpha_beta
    covariance -= _factor(rule) * found.by_slope if _slope(moments, rule) else 0.0
    return a, b, (mean, square, covariance)
