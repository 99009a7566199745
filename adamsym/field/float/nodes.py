"""Compiled: the nodes of the logarithmic grid, their weights, and where the grid may end."""

import math

import numpy as np

from adamsym.field.compiled import compiled
from adamsym.field.float.grid import REACH
from adamsym.field.float.limits import (
    HIGH_PART,
    LARGEST_SLOPE,
    LEFT_END,
    LEFT_END_SERIES,
    LOG_NEGLIGIBLE,
    NEGLIGIBLE_START,
)
from adamsym.field.float.records import Moments, Rule, Samples

USUAL_NODES = 2**10
"""Room for the grids of ordinary laws, which costs less to allocate."""

_SERIES_BELOW = 1e-4
"""exp(-s) is 1 - s + s^2/2 - s^3/6 to rounding below this."""

_NODES_AT_ONCE = 4
"""Nodes between two looks at the right tail, at least."""


@compiled
def workspace(room: int) -> Samples:
    """Return arrays for ``room`` nodes."""
    return Samples(
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
        np.empty(room),
    )


@compiled
def padding(rule: Rule) -> tuple[int, int]:
    """Return the nodes that interpolation needs left and right of the quadrature's own."""
    if len(rule.grid.filter_b):
        return REACH, REACH - 1
    return 0, 0


@compiled
def nodes_at_once(rule: Rule) -> int:
    """Return the number of nodes between two looks at the right tail: whole octaves where there are such."""
    octave = max(1, rule.grid.per_octave)
    return octave * math.ceil(_NODES_AT_ONCE / octave)


@compiled
def nodes_of_control(index: int, eps: float, rule: Rule) -> int:
    """Return the number of nodes that the control variate needs, with those for the interpolation right of it.

    A whole number of octaves where there are such.
    """
    _, right = padding(rule)
    octave = max(1, rule.grid.per_octave)
    log_unit = -math.log(eps) if rule.eps_inside_root else -2.0 * math.log(eps)
    last = math.ceil((math.log(-LOG_NEGLIGIBLE) - log_unit) / rule.grid.spacing) - index
    return octave * math.ceil((max(last, 0) + 2 + right) / octave)


@compiled
def variate_factor(rule: Rule) -> float:
    """Return minus the control variate's slope for unit covariance."""
    numerator = rule.current_weight + rule.amount / rule.one_less_alpha_beta
    return rule.one_less_beta * numerator


@compiled
def variate_slope(moments: Moments, rule: Rule) -> float:
    """Return the control variate's slope: that of e^S N at s = 0, or 0 where it would cost digits."""
    slope = -moments.covariance * variate_factor(rule)
    return slope if abs(slope) <= LARGEST_SLOPE else 0.0


@compiled
def _start_without_slope(slope: float, eps: float, rule: Rule) -> float:
    """Return an s left of which int rho slope s ds is negligible: rho <= s^(-1/2), and rho <= s^(-3/2)/eps^2."""
    if rule.eps_inside_root:
        return math.pow(NEGLIGIBLE_START / math.sqrt(1.0 + eps) / slope, 2.0 / 3.0)
    share = NEGLIGIBLE_START / (1.0 + eps) / slope
    return max(math.pow(share, 2.0 / 3.0), math.pow(share * eps * eps, 2.0))


@compiled
def first_index(moments: Moments, eps: float, rule: Rule) -> int:
    """Return the number j of the first node s = exp(j h) unit; unit = eps^-2, or 1/eps where eps is inside the root."""
    left, _ = padding(rule)
    first = min(LEFT_END, LEFT_END_SERIES / (rule.one_less_beta * moments.largest * moments.largest))
    if variate_slope(moments, rule) == 0.0 and moments.covariance != 0.0:
        first = min(first, _start_without_slope(abs(moments.covariance * variate_factor(rule)), eps, rule))
    log_unit = -math.log(eps) if rule.eps_inside_root else -2.0 * math.log(eps)
    return math.floor((math.log(first) - log_unit) / rule.grid.spacing) - left


@compiled
def place_nodes(begin: int, end: int, index: int, eps: float, rule: Rule, samples: Samples) -> None:
    """Fill s, the weights and the control for the nodes from ``begin`` up to ``end``; those before are there.

    An octave after a node of the grid stands exactly twice its s.
    """
    spacing, octave = rule.grid.spacing, rule.grid.per_octave
    log_unit = -math.log(eps) if rule.eps_inside_root else -2.0 * math.log(eps)
    last = rule.cutoff.first + len(rule.cutoff.values)
    growth, unit_weight = math.exp(spacing), spacing / math.sqrt(math.pi)
    # Multiples of the high part are exact: log s, small beside its two parts, keeps its absolute accuracy.
    high = math.floor(spacing * HIGH_PART) / HIGH_PART
    s = 0.0
    for i in range(begin, end):
        j = index + i
        if i >= octave > 0:
            s = 2.0 * samples.s[i - octave]
        elif octave > 0 or i == begin:
            s = math.exp((j * high + log_unit) + j * (spacing - high))
        else:
            s *= growth
        if j >= last:
            inverse = math.exp(-j * spacing)
            cutoff = 0.0 if rule.eps_inside_root else 0.5 * inverse * (1.0 - 1.5 * inverse)
        elif j >= rule.cutoff.first:
            cutoff = rule.cutoff.values[j - rule.cutoff.first]
        else:
            cutoff = 1.0
        samples.s[i] = s
        samples.weight[i] = unit_weight * math.sqrt(s) * cutoff
        samples.control[i] = 1.0 - s * (1.0 - s * (0.5 - s / 6.0)) if s < _SERIES_BELOW else math.exp(-s)


@compiled
def log_tail(log_product: float, s: float, moments: Moments, eps: float, rule: Rule) -> float:
    """Return the log of a bound on the integral right of s, given a bound on S there."""
    if rule.eps_inside_root:
        log_kernel = -0.5 * math.log(eps) - eps * s
    else:
        log_kernel = min(-math.log(eps), -2.0 * math.log(eps) - 0.5 * math.log(math.pi * s))
    return log_kernel + max(log_product - s * moments.least + math.log(moments.largest), -s)


@compiled
def is_finished(count: int, total_log_b: float, moments: Moments, eps: float, rule: Rule, samples: Samples) -> bool:
    """Whether the grid may end before node ``count``; ``total_log_b`` sums log B over the nodes before the last.

    log B decreases, so that its sum over the lags is at most its integral in x = log s divided by the lag.
    """
    _, right = padding(rule)
    last = count - 1 - right
    # The control variate alone needs s up to there.
    if last < 1 or samples.s[last] < -LOG_NEGLIGIBLE:
        return False
    if rule.one_less_beta == 1.0:
        log_product = samples.log_b[last]
    else:
        log_product = total_log_b * rule.grid.spacing / -math.log1p(-rule.one_less_beta)
    scale = math.sqrt(1.0 + eps) if rule.eps_inside_root else 1.0 + eps
    return log_tail(log_product, samples.s[last], moments, eps, rule) < LOG_NEGLIGIBLE - math.log(scale)
