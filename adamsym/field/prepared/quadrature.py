"""F of one law of gradient atoms in NumPy: the quadrature of :mod:`adamsym.field.float`, nodes as arrays.

For a few laws it takes milliseconds, where Numba takes seconds to compile and a good part of one to load. The nodes,
the control variate and the estimate are those of the compiled loops; exponentials are taken at every node, of many
atoms at those alone where series do not converge at once.
"""

import math
from dataclasses import dataclass
from functools import cached_property

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

_BLOCK = 32
"""Nodes between two looks at the right tail."""

_ATOMS_AT_ONCE = 2**12
"""Atoms whose exponentials at the nodes of a block are held at once: one megabyte. Sums over more are made of these."""

_SERIES_TERMS, _SERIES_UP_TO = 12, 0.25
"""Of more atoms B - 1 and A are sums of so many powers where no exponent is larger than that: what is left out is less
than 0.25**12/13! of B - 1, 1e-17, and less still of E|g|."""

MOST_NODES = 2**12
"""Nodes of a grid; laws that need more are left to the compiled loops."""


_NO_DIFFERENCE = 0.49
"""Where all B are below this their logarithms are taken without B - 1."""


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


def quotient_of_law(atoms: FloatArray, p: FloatArray, eps: float, rule: Rule) -> ArrayQuotient:
    """Return F of atoms (n,), not all zero, with probabilities (n,), and what may be off."""
    largest = float(np.abs(atoms).max())
    g = atoms / largest
    root = math.sqrt(float((g * g) @ p))
    g, scale = g / root, largest * root
    inside = rule.eps_inside_root
    eps = eps / scale / scale if inside else eps / scale
    if eps == 0:
        # It is beyond the floats beside the gradients: the compiled loops say what is out of range.
        return ArrayQuotient(math.nan, math.nan, math.nan, math.nan, math.nan)
    unit = 1.0 / math.sqrt(1.0 + eps) if inside else 1.0 / (1.0 + eps)
    size = np.abs(g)
    least = float(size.min())
    y = (size - least) * (size + least)
    excess = float(y @ p)
    moments = Moments(least * least, float(g @ p), excess, float(g @ ((y - excess) * p)), float(size.max()))
    nodes = _sampled(g, p, y, moments, eps, rule)
    if nodes is None:
        return ArrayQuotient(math.nan, math.nan, math.nan, unit, math.nan)
    value, filters, inverse, control = _integrated(nodes, moments, eps, rule)
    return ArrayQuotient(value, filters, control, unit, inverse / scale)


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
    s = np.exp((j * high + _log_unit(eps, rule)) + j * (spacing - high))
    place = j - rule.cutoff.first
    inverse = np.exp(-np.maximum(j, 0.0) * spacing)
    beyond = 0.0 * inverse if rule.eps_inside_root else 0.5 * inverse * (1.0 - 1.5 * inverse)
    within = cutoffs[np.clip(place, 0, len(cutoffs) - 1).astype(np.int_)]
    cutoff = np.where(place >= len(cutoffs), beyond, np.where(place >= 0, within, 1.0))
    return s, spacing / math.sqrt(math.pi) * np.sqrt(s) * cutoff


def _sampled(g: FloatArray, p: FloatArray, y: FloatArray, moments: Moments, eps: float, rule: Rule) -> _Nodes | None:
    """The transforms on as many nodes as are needed; None if there is no room for them."""
    index = _first_index(moments, eps, rule)
    right = max(0, _reach(rule.grid) - 1)
    law = _Law(y, p, p * g)
    parts: list[tuple[FloatArray, ...]] = []
    count, total, before = 0, 0.0, 1.0
    while count < MOST_NODES:
        s, weight = _placed(np.arange(index + count, index + count + _BLOCK, dtype=np.float64), eps, rule)
        # B falls from node to node.
        less_one, b, a = law.transforms(s * rule.one_less_beta, before > _NO_DIFFERENCE)
        before = float(b[-1])
        with np.errstate(divide="ignore", invalid="ignore"):
            log_b = np.where(less_one > -0.5, np.log1p(less_one), np.log(b))
            ratio = a / b
        parts.append((s, weight, log_b, ratio))
        count += _BLOCK
        known = _Nodes(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        last = count - 1 - right
        total = float(known.log_b[:last].sum()) if last > 0 else 0.0
        if last > 0 and _is_finished(float(known.s[last]), float(known.log_b[last]), total, moments, eps, rule):
            return known
    return None


@dataclass(frozen=True)
class _Law:
    """A law's y >= 0, probabilities and weights p g, each (n,)."""

    y: FloatArray
    p: FloatArray
    weights: FloatArray

    def transforms(self, t: FloatArray, with_difference: bool = True) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return B - 1, B = E exp(-t y) and A = E[g exp(-t y)] at increasing t.

        Neither of B and B - 1 comes from the other, which would lose the tail, or the small exponents; unless B is so
        small that B - 1 is good enough without.
        """
        few = len(self.y) <= _ATOMS_AT_ONCE
        near = 0 if few else int(np.searchsorted(t * self._largest, _SERIES_UP_TO, side="right"))
        less_one, b, a = np.zeros((3, len(t)))
        if near:
            less_one[:near], a[:near] = self._series(t[:near])
            b[:near] = 1.0 + less_one[:near]
        for begin in range(0, len(self.y) if near < len(t) else 0, _ATOMS_AT_ONCE):
            part = slice(begin, begin + _ATOMS_AT_ONCE)
            exponent = -t[near:, None] * self.y[part]
            fall = np.exp(exponent)
            b[near:] += fall @ self.p[part]
            a[near:] += fall @ self.weights[part]
            if with_difference:
                less_one[near:] += np.expm1(exponent, out=exponent) @ self.p[part]
        return (less_one if with_difference else b - 1.0), b, a

    @cached_property
    def _largest(self) -> float:
        return float(self.y.max())

    @cached_property
    def _powers(self) -> tuple[FloatArray, FloatArray]:
        """E[(y/max y)^k] and E[g (y/max y)^k] for k from 0 on."""
        found = np.zeros((_SERIES_TERMS + 1, 2))
        for begin in range(0, len(self.y), _ATOMS_AT_ONCE):
            part = slice(begin, begin + _ATOMS_AT_ONCE)
            share = self.y[part] / (self._largest or 1.0)
            power, p, weights = np.ones_like(share), self.p[part], self.weights[part]
            for moments in found:
                moments += power @ p, power @ weights
                power *= share
        first, second = found.T
        return first, second

    def _series(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """B - 1 and A at small t, by Horner's rule."""
        first, second = self._powers
        x = -t * self._largest
        less_one, a = np.zeros((2, len(t)))
        for k in range(_SERIES_TERMS, 0, -1):
            less_one = x / k * (first[k] + less_one)
            a = x / k * (second[k] + a)
        return less_one, second[0] + a


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


def _integrated(nodes: _Nodes, moments: Moments, eps: float, rule: Rule) -> tuple[float, float, float, float]:
    """F, an estimate of what the filters change, a bound of E[1/(sqrt V + eps)], the control variate's own error."""
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
        value = mean * zeroth + slope * linear + float((terms - weight * (mean + slope * s) * np.exp(-s)).sum())
    largest = 1.0 / math.sqrt(eps) if inside else 1.0 / eps
    # What lies left of the nodes, where rho(s) <= (pi s)^(-1/2).
    inverse = min(float(product.sum()) + 2.0 * math.sqrt(float(s[0]) / math.pi), largest)
    control = rule.alias * abs(mean) * zeroth + rule.slope_alias * abs(slope) * linear
    return value, _filter_error(nodes, terms, rule.amount * product, rule), inverse, control


def _filter_error(nodes: _Nodes, s_slope: FloatArray, q_slope: FloatArray, rule: Rule) -> float:
    """An estimate of what the filters change in F: see the compiled function of this name."""
    grid = rule.grid
    if not len(grid.filter_b):
        return 0.0
    start = np.zeros(grid.stride)
    s_steps = _accumulated(s_slope[::-1], start, grid.stride, 1.0)[::-1]
    q_steps = _accumulated(q_slope[::-1], start, grid.stride, grid.decay)[::-1]
    from_b, from_r = np.correlate(nodes.log_b, s_steps), np.correlate(nodes.ratio, q_steps)
    changes = np.abs(grid.checks_b @ from_b + grid.checks_r @ from_r)
    return float((3.0 * 0.25 ** np.arange(len(changes))) @ changes)
