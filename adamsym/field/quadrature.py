"""The compiled heart of the field: one law after the other, on a logarithmic grid (theory T4, T5).

Every law comes scaled to E g^2 = 1. With s_k = s (1-beta) beta^k, t = s_0, S = sum_k log B(s_k) and
Q = sum_k alpha^k (A/B)(s_k), F = int rho(s) e^S N ds, N = w_0 (A/B)(t) + w_1 (1-alpha) Q; Adam has (w_0, w_1) = (0, 1).
A and B leave out the factor exp(-t least), least = min g^2, which multiplies out to exp(-s least) exactly.

Near s = 0, e^S N = (mu + slope s) e^-s + O(s t max g^2),
slope = -(1-beta) Cov(g, g^2) (w_0 + w_1 (1-alpha)/(1-alpha beta)):
the control variate (mu + slope s) e^-s has a known integral and leaves an integrand of order s^(3/2) t max g^2.
"""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled
from adamsym.field.grid import REACH, LagGrid
from adamsym.field.records import Moments, Rule, Samples

LEFT_END = 1e-6
"""The first node has s at most this, in units of 1/E g^2 ..."""

LEFT_END_SERIES = 1e-8
"""... and t max g^2 at most this: there the start values' series are exact to rounding."""

SERIES_RANGE = 0.5
"""Up to t max(g^2 - min g^2) = 1/2 the transforms are summed from moments: no exponential is needed."""

_SERIES_TERMS = 14
"""(1/2)^14/14! is below 1e-15 of the first term."""

_LOG_NEGLIGIBLE = math.log(1e-18)
"""Log of the share of the scale that the truncated right tail may have at most."""

MOST_NODES = 2**15
"""Nodes of one grid: room for 300 units of log s at the finest spacing."""

NODES_AT_ONCE = 8
"""Nodes between two looks at the right tail; even, so that two nested grids end together."""

_BLOCK = 256
"""Atoms summed in one go: keeps rounding errors of long sums small."""


@compiled
def workspace() -> Samples:
    """Return arrays that hold the longest grid."""
    return Samples(
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
    )


# --- the grid -------------------------------------------------------------------------------------------------------


@compiled
def padding(rule: Rule) -> tuple[int, int]:
    """Return the nodes that interpolation needs left and right of the quadrature's own, on the coarse grid too."""
    if len(rule.coarse.filter_b):
        return 2 * REACH, 2 * (REACH - 1)
    return 0, 0


@compiled
def first_index(largest: float, eps: float, rule: Rule) -> int:
    """Return the number j of the first node s = exp(j h) unit; unit = eps^-2, or 1/eps where eps is inside the root."""
    left, _ = padding(rule)
    first = min(LEFT_END, LEFT_END_SERIES / (rule.one_less_beta * largest * largest))
    log_unit = -math.log(eps) if rule.eps_inside_root else -2.0 * math.log(eps)
    return math.floor((math.log(first) - log_unit) / rule.fine.spacing) - left


@compiled
def place_nodes(begin: int, end: int, index: int, eps: float, rule: Rule, samples: Samples) -> None:
    """Fill s, the weights and the control for the nodes from ``begin`` up to ``end``."""
    spacing = rule.fine.spacing
    log_unit = -math.log(eps) if rule.eps_inside_root else -2.0 * math.log(eps)
    last = rule.cutoff.first + len(rule.cutoff.values)
    growth = math.exp(spacing)
    s = math.exp((index + begin) * spacing + log_unit) / growth
    for i in range(begin, end):
        j = index + i
        s *= growth
        if j >= last:
            inverse = math.exp(-j * spacing)
            cutoff = 0.0 if rule.eps_inside_root else 0.5 * inverse * (1.0 - 1.5 * inverse)
        elif j >= rule.cutoff.first:
            cutoff = rule.cutoff.values[j - rule.cutoff.first]
        elif rule.eps_inside_root:
            cutoff = 1.0
        else:
            cutoff = 1.0 - math.sqrt(math.pi) * math.exp(0.5 * j * spacing)
        samples.s[i] = s
        samples.weight[i] = spacing * math.sqrt(s / math.pi) * cutoff
        samples.control[i] = math.exp(-s)


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
    if last < 1:
        return False
    if rule.one_less_beta == 1.0:
        log_product = samples.log_b[last]
    else:
        log_product = total_log_b * rule.fine.spacing / -math.log1p(-rule.one_less_beta)
    scale = math.sqrt(1.0 + eps) if rule.eps_inside_root else 1.0 + eps
    return log_tail(log_product, samples.s[last], moments, eps, rule) < _LOG_NEGLIGIBLE - math.log(scale)


# --- the transforms of finitely many atoms --------------------------------------------------------------------------


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
    weighted = deviation * p
    return Moments(
        least * least, block_dot(g, p), mean_y, block_dot(g, weighted), block_dot(deviation, weighted), largest
    )


@compiled
def power_moments(g: FloatArray, p: FloatArray, y: FloatArray, most: float) -> tuple[FloatArray, FloatArray]:
    """Return (-1)^j E[u^j]/j! and (-1)^j E[g u^j]/j!, u = y/most, j = 0 ... 14."""
    plain, signed = np.empty(_SERIES_TERMS + 1), np.empty(_SERIES_TERMS + 1)
    power = p.copy()
    for order in range(_SERIES_TERMS + 1):
        plain[order] = power.sum()
        signed[order] = block_dot(power, g)
        if most > 0.0:
            power *= y * (-1.0 / (most * (order + 1)))
        else:
            power[:] = 0.0
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
    return a_sum, max(b_sum, least_p - 1.0)


@compiled
def log_one_plus(x: float) -> float:
    """Return log(1 + x) for -1 < x <= 0; by its series, which is faster, where that is exact to rounding."""
    if x > -1e-3:
        return x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * 0.2))))
    return math.log1p(x)


@compiled
def sum_series(begin: int, end: int, unit: float, plain: FloatArray, signed: FloatArray, samples: Samples) -> None:
    """Fill A and B - 1 from power series in s * unit; the nodes stand in the inner loops for the sake of speed."""
    for i in range(begin, end):
        samples.a[i], samples.b_less_one[i] = signed[_SERIES_TERMS], plain[_SERIES_TERMS]
    for order in range(_SERIES_TERMS - 1, -1, -1):
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
    """Fill the samples and return the number of nodes and of those where exponentials were summed."""
    most = y.max()
    plain, signed = power_moments(g, p, y, most)
    _, right = padding(rule)
    index = first_index(moments.largest, eps, rule)
    total, summed, count = 0.0, 0, 0
    while count + NODES_AT_ONCE <= MOST_NODES:
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


# --- the integral ---------------------------------------------------------------------------------------------------


@compiled
def start_values(s: float, moments: Moments, rule: Rule) -> tuple[float, float]:
    """Return S and Q at small s, from B = 1 - t E y + t^2 E y^2/2 - ..."""
    second = moments.variance * rule.one_less_beta / (2.0 * rule.one_plus_beta)
    slope = moments.covariance * rule.one_less_beta / rule.one_less_alpha_beta
    return s * (second * s - moments.mean_excess), moments.mean / rule.one_less_alpha - slope * s


@compiled
def lag_sums(
    count: int,
    every: int,
    grid: LagGrid,
    moments: Moments,
    rule: Rule,
    samples: Samples,
    s_sum: FloatArray,
    q_sum: FloatArray,
) -> tuple[int, int]:
    """Fill S and Q on every ``every``-th node and return the first of these nodes and their number."""
    if len(grid.filter_b) == 0:
        size = count // every
        for i in range(size):
            if i >= grid.stride > 0:
                before_s, before_q = s_sum[i - grid.stride], q_sum[i - grid.stride]
            elif grid.stride > 0:
                before = samples.s[0] * math.exp(grid.spacing * (i - grid.stride))
                before_s, before_q = start_values(before, moments, rule)
            else:
                before_s, before_q = 0.0, 0.0
            s_sum[i] = samples.log_b[i * every] + before_s
            q_sum[i] = samples.ratio[i * every] + grid.decay * before_q
        return 0, size
    first = REACH * every
    size = count // every - 2 * REACH + 1
    s_sum[:size], q_sum[:size] = 0.0, 0.0
    # Contiguous copies, and the nodes in the inner loop: the compiler then uses vector instructions.
    log_b, ratio = samples.log_b[:count:every].copy(), samples.ratio[:count:every].copy()
    for k in range(2 * REACH):
        weight_b, weight_r = grid.filter_b[k], grid.filter_r[k]
        for i in range(size):
            s_sum[i] += weight_b * log_b[i + k]
            q_sum[i] += weight_r * ratio[i + k]
    before_s, before_q = start_values(samples.s[first] * math.exp(-grid.spacing), moments, rule)
    for i in range(size):
        before_s += s_sum[i]
        before_q = q_sum[i] + grid.decay * before_q
        s_sum[i], q_sum[i] = before_s, before_q
    return first, size


@compiled
def control_integrals(eps: float, rule: Rule) -> tuple[float, float]:
    """Return int rho e^-s ds and int rho s e^-s ds."""
    if rule.eps_inside_root:
        return 1.0 / math.sqrt(1.0 + eps), 0.5 / (1.0 + eps) ** 1.5
    return 1.0 / (1.0 + eps), 0.5 / (1.0 + eps) ** 2


@compiled
def control_slope(rule: Rule) -> float:
    """Return minus the control variate's slope for unit covariance."""
    numerator = rule.current_weight + rule.momentum_weight * rule.one_less_alpha / rule.one_less_alpha_beta
    return rule.one_less_beta * numerator


@compiled
def integrate(
    first: int,
    size: int,
    every: int,
    moments: Moments,
    rule: Rule,
    samples: Samples,
    s_sum: FloatArray,
    q_sum: FloatArray,
    terms: FloatArray,
) -> None:
    """Fill ``terms``, at every ``every``-th node from ``first``, with what S and Q make of the quadrature's terms."""
    slope = -moments.covariance * control_slope(rule)
    momentum_weight = rule.momentum_weight * rule.one_less_alpha
    for i in range(size):
        node = first + i * every
        s = samples.s[node]
        numerator = rule.current_weight * samples.ratio[node] + momentum_weight * q_sum[i]
        value = math.exp(s_sum[i] - s * moments.least) * numerator
        terms[node] = samples.weight[node] * (value - (moments.mean + slope * s) * samples.control[node])


@compiled
def change_from_coarse(
    count: int, moments: Moments, rule: Rule, samples: Samples, terms: FloatArray, s_sum: FloatArray, q_sum: FloatArray
) -> float:
    """Return how far the grid of every other node is from the fine one, whose terms are given.

    The two sums' difference with the same terms, plus, where lags fall between the nodes, the terms' own differences
    in modulus, which cannot cancel.
    """
    alternating, change = 0.0, 0.0
    for node in range(0, count, 2):
        alternating += terms[node] - (terms[node + 1] if node + 1 < count else 0.0)
    if len(rule.fine.filter_b) == 0:
        return abs(alternating)
    first, size = lag_sums(count, 2, rule.coarse, moments, rule, samples, s_sum, q_sum)
    coarse = np.zeros(count)
    integrate(first, size, 2, moments, rule, samples, s_sum, q_sum, coarse)
    for node in range(first, first + 2 * size, 2):
        change += abs(coarse[node] - terms[node])
    return abs(alternating) + 2.0 * change


@compiled
def evaluate(
    count: int, moments: Moments, eps: float, rule: Rule, samples: Samples, s_sum: FloatArray, q_sum: FloatArray
) -> tuple[float, float]:
    """Return F from the samples of log B and A/B, and its change from the coarse grid in units of the scale."""
    terms = np.zeros(count)
    first, size = lag_sums(count, 1, rule.fine, moments, rule, samples, s_sum, q_sum)
    integrate(first, size, 1, moments, rule, samples, s_sum, q_sum, terms)
    zeroth, linear = control_integrals(eps, rule)
    slope = -moments.covariance * control_slope(rule)
    value = moments.mean * zeroth + slope * linear + terms.sum()
    unit = math.sqrt(1.0 + eps) if rule.eps_inside_root else 1.0 + eps
    return value, unit * change_from_coarse(count, moments, rule, samples, terms, s_sum, q_sum)


# --- its derivative in the atoms ------------------------------------------------------------------------------------


@compiled
def lag_sums_adjoint(
    first: int,
    size: int,
    grid: LagGrid,
    rule: Rule,
    samples: Samples,
    s_adjoint: FloatArray,
    q_adjoint: FloatArray,
    log_b_adjoint: FloatArray,
    ratio_adjoint: FloatArray,
) -> tuple[float, float, float, float]:
    """Add the adjoints of log B and A/B, and return those of E g, E y, Cov(g, y) and Var y in the start values.

    ``s_adjoint`` and ``q_adjoint`` hold the adjoints of S and Q and are overwritten.
    """
    mean, excess, covariance, variance = 0.0, 0.0, 0.0, 0.0
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
        variance += s_adjoint[i] * s * s * rule.one_less_beta / (2.0 * rule.one_plus_beta)
    return mean, excess, covariance, variance


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
    a_moments, at_moments = np.zeros(_SERIES_TERMS + 1), np.zeros(_SERIES_TERMS + 1)
    bt_moments = np.zeros(_SERIES_TERMS + 1)
    for i in range(count):
        t = samples.s[i] * rule.one_less_beta
        a, b = a_adjoint[i], b_adjoint[i]
        if t * most <= SERIES_RANGE:
            power = 1.0
            for order in range(_SERIES_TERMS + 1):
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
        for order in range(_SERIES_TERMS, -1, -1):
            a_sum = a_sum * u + a_moments[order]
            at_sum = at_sum * u + at_moments[order]
            bt_sum = bt_sum * u + bt_moments[order]
        gradient[k] += a_sum - 2.0 * g[k] * (g[k] * at_sum + bt_sum)


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
    s_sum: FloatArray,
    q_sum: FloatArray,
    gradient: FloatArray,
) -> None:
    """Fill ``gradient`` with dF/dg_a, from S and Q on the fine grid, which are overwritten.

    The scale E g^2 = 1 and min g^2 are held fixed: F does not depend on where they are taken out.
    """
    interpolating = len(rule.fine.filter_b) > 0
    first = REACH if interpolating else 0
    size = count - 2 * REACH + 1 if interpolating else count
    momentum_weight = rule.momentum_weight * rule.one_less_alpha
    log_b_adjoint, ratio_adjoint = np.zeros(count), np.zeros(count)
    mean_adjoint, slope_adjoint = control_integrals(eps, rule)
    for i in range(size):
        node = first + i
        s, weight = samples.s[node], samples.weight[node]
        mean_adjoint -= weight * samples.control[node]
        slope_adjoint -= weight * s * samples.control[node]
        adjoint = weight * math.exp(s_sum[i] - s * moments.least)
        numerator = rule.current_weight * samples.ratio[node] + momentum_weight * q_sum[i]
        s_sum[i], q_sum[i] = adjoint * numerator, adjoint * momentum_weight
        ratio_adjoint[node] += adjoint * rule.current_weight
    start = lag_sums_adjoint(first, size, rule.fine, rule, samples, s_sum, q_sum, log_b_adjoint, ratio_adjoint)
    for i in range(count):
        b = 1.0 + samples.b_less_one[i]
        log_b_adjoint[i] = (log_b_adjoint[i] - ratio_adjoint[i] * samples.ratio[i]) / b
        ratio_adjoint[i] /= b
    gradient[:] = 0.0
    add_transform_adjoints(count, ratio_adjoint, log_b_adjoint, g, y, rule, samples, gradient)
    mean_adjoint += start[0]
    covariance_adjoint = start[2] - control_slope(rule) * slope_adjoint
    # E g^2 in the control variate exp(-s E g^2) has the adjoint -mean * slope_adjoint.
    square_adjoint = start[1] - moments.mean * slope_adjoint
    for k in range(len(g)):
        deviation = y[k] - moments.mean_excess
        covariance_slope = deviation + 2.0 * g[k] * (g[k] - moments.mean)
        variance_slope = 4.0 * g[k] * deviation
        gradient[k] += mean_adjoint + 2.0 * g[k] * square_adjoint
        gradient[k] += covariance_adjoint * covariance_slope + start[3] * variance_slope
        gradient[k] *= p[k]


@compiled
def quotients(
    atoms: FloatArray,
    probabilities: FloatArray,
    eps: float,
    rule: Rule,
    value: FloatArray,
    difference: FloatArray,
    exponentials: "np.ndarray[tuple[int, ...], np.dtype[np.int_]]",
    gradient: FloatArray,
) -> None:
    """Fill F, its change from the coarse grid and dF/dg of each law (a row of ``atoms``, not all zero).

    ``difference`` is in units of the law's scale: 1/(1 + eps/sqrt(E g^2)), or where eps is inside the root
    1/sqrt(1 + eps/E g^2); ``exponentials`` gets the number spent on each atom. A grid that would be too long leaves
    nan. ``gradient`` has a row for each law, or none if it is not wanted.
    """
    samples = workspace()
    s_sum, q_sum = np.empty(MOST_NODES), np.empty(MOST_NODES)
    y = np.empty(atoms.shape[1])
    for law in range(len(atoms)):
        largest = np.abs(atoms[law]).max()
        g = atoms[law] / largest
        root = math.sqrt(block_dot(g * g, probabilities))
        g /= root
        scale = largest * root
        scaled_eps = eps / scale / scale if rule.eps_inside_root else eps / scale
        moments = atom_moments(g, probabilities, y)
        count, exponentials[law] = sample_atoms(g, probabilities, y, moments, scaled_eps, rule, samples)
        if count < 0:
            value[law], difference[law] = np.nan, np.nan
            continue
        value[law], difference[law] = evaluate(count, moments, scaled_eps, rule, samples, s_sum, q_sum)
        if len(gradient):
            lag_sums(count, 1, rule.fine, moments, rule, samples, s_sum, q_sum)
            sensitivity(count, g, probabilities, y, moments, scaled_eps, rule, samples, s_sum, q_sum, gradient[law])
            gradient[law] /= scale
