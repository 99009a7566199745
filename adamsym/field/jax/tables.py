"""The quadrature's rule as arrays of fixed shape, which a vectorised program takes.

All that the lags do is linear: on a grid of ``room`` nodes S = sum_k log B(s_k) and Q = sum_k alpha^k (A/B)(s_k) are
matrices times log B and A/B, plus what the series left of the grid bring in.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.grid import CHECKS, REACH
from adamsym.field.float.limits import HIGH_PART
from adamsym.field.float.nodes import padding
from adamsym.field.float.records import LagGrid, Rule
from adamsym.field.float.rules import rule_of
from adamsym.methods import LaplaceForm

MOST_CUTOFFS = 2**12
"""Room for the kernel's table, at spacings down to 0.026."""

SMALLEST_SPACING = 0.03
"""The kernel's table has room for spacings from here up."""


class LagSums(NamedTuple):
    """S = log_b @ ``s_matrix`` - s_b E y ``before``, Q = ratio @ ``q_matrix`` + ``decays`` (E g/(1 - alpha) - ...).

    s_b is s at node ``begin``, the first that has sums; ``before`` is the place of the node just left of the grid that
    a node's recursion starts from, in units of s_b. Columns of nodes without sums are 0. ``s_steps`` and ``q_steps``
    turn derivatives in S and Q into those in what the recursions add at each node, which a filter makes of log B and
    A/B; ``checks_b`` and ``checks_r`` are shorter filters less that, 0 where every lag falls on a node.
    """

    s_matrix: FloatArray
    q_matrix: FloatArray
    s_steps: FloatArray
    q_steps: FloatArray
    checks_b: FloatArray
    checks_r: FloatArray
    before: FloatArray
    decays: FloatArray
    begin: int


class Tables(NamedTuple):
    """A rule (see :class:`adamsym.field.float.records.Rule`) on ``room`` nodes.

    ``growth`` is exp(i spacing). ``left`` nodes lead up to the first that counts, ``right`` follow the last.
    ``per_lag`` is spacing/lag, 0 where beta is 0.
    """

    one_less_alpha: float
    one_less_beta: float
    one_less_alpha_beta: float
    current_weight: float
    amount: float
    total: float
    inside: bool
    spacing: float
    high: float
    per_lag: float
    left: int
    right: int
    alias: float
    slope_alias: float
    growth: FloatArray
    first_cutoff: int
    last_cutoff: int
    cutoffs: FloatArray
    sums: LagSums


@lru_cache(maxsize=16)
def tables_of(form: LaplaceForm, per_octave: int, room: int) -> Tables:
    """Return the tables of a part of a form (see :mod:`adamsym.field.float.forms`) on the grid of ``per_octave``."""
    rule = rule_of(form, per_octave)
    spacing, values = rule.grid.spacing, rule.cutoff.values
    left, right = padding(rule)
    cutoffs = np.zeros(MOST_CUTOFFS)
    cutoffs[: len(values)] = values
    return Tables(
        rule.one_less_alpha,
        rule.one_less_beta,
        rule.one_less_alpha_beta,
        rule.current_weight,
        rule.amount,
        rule.total,
        rule.eps_inside_root,
        spacing,
        math.floor(spacing * HIGH_PART) / HIGH_PART,
        _per_lag(rule),
        left,
        right,
        rule.alias,
        rule.slope_alias,
        np.exp(spacing * np.arange(room)),
        rule.cutoff.first,
        rule.cutoff.first + len(values),
        cutoffs,
        _lag_sums(rule.grid, room),
    )


def _per_lag(rule: Rule) -> float:
    return 0.0 if rule.one_less_beta == 1.0 else rule.grid.spacing / -math.log1p(-rule.one_less_beta)


def _lag_sums(grid: LagGrid, size: int) -> LagSums:
    """The lag sums on so many nodes, by the recursions written out."""
    begin = 0 if grid.exact_lags else REACH
    node = np.arange(size)
    lags = node[:, None] - node
    steps = np.floor_divide(lags, max(grid.stride, 1))
    reached = (lags >= 0) & (lags == steps * grid.stride) & (node >= begin)
    s_steps = reached.astype(np.float64)
    q_steps = np.where(reached, np.power(grid.decay, np.where(reached, steps, 0.0)), 0.0)
    s_matrix, q_matrix, checks = s_steps, q_steps, np.zeros((2, len(CHECKS), 2 * REACH))
    if not grid.exact_lags:
        s_matrix, q_matrix = s_steps @ _banded(grid.filter_b, size), q_steps @ _banded(grid.filter_r, size)
        checks = np.array([grid.checks_b, grid.checks_r])
    before, decays = np.zeros(size), np.zeros(size)
    if grid.stride:
        away = np.maximum(node - begin, 0)
        before = np.exp(grid.spacing * (away % grid.stride - grid.stride)) * (node >= begin)
        decays = np.power(grid.decay, away // grid.stride + 1.0) * (node >= begin)
    return LagSums(s_matrix.T, q_matrix.T, s_steps, q_steps, checks[0], checks[1], before, decays, begin)


def _banded(weights: FloatArray, size: int) -> FloatArray:
    """The filter as a matrix: row i holds the weights of the nodes from i - REACH; rows that would stick out are 0."""
    result = np.zeros((size, size))
    for row in range(REACH, size - REACH + 1):
        result[row, row - REACH : row + REACH] = weights
    return result
