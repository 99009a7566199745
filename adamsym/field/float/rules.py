"""The rule of a form on a grid, with the kernel on the grid's nodes.

The kernels are those of Adam's denominators: int_0^inf exp(-s v) rho(s) ds = 1/(sqrt(v) + eps) or 1/sqrt(v + eps)
(theory T4). In units of s where eps is 1, s rho(s) = sqrt(s/pi) times a cutoff: 1 - sqrt(pi) e erfcx(e), e = sqrt(s),
where eps stands outside the root, and exp(-s) where it stands inside.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from adamsym.field.float.grid import lag_grid
from adamsym.field.float.records import CutoffTable, Rule
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import RootOfSum, complementary_ratio

PER_OCTAVE = (1, 2, 3, 6, 12, 24, 48)
"""Nodes for each octave of s, tried in turn: from the first whose rule is accurate enough, until the estimate is."""

FEW_ATOMS = 32
"""Up to here the nodes cost more than the exponentials of the atoms ..."""

INTERPOLATED_FOR_FEW = 0.2
"""... so that lags from this share of the spacing on divide the grid: their filters often ask for a finer one."""

_TABLE_ENDS = {False: (-80.0, 23.0), True: (-40.0, 7.0)}
"""Range of log s where the cutoff is neither 1 nor its asymptotic series to rounding, by ``eps_inside_root``."""


@lru_cache(maxsize=256)
def rule_of(form: LaplaceForm, per_octave: int, interpolated: float = 1.0) -> Rule:
    """Return the rule of a part of a form (see :mod:`adamsym.field.float.forms`) on the grid of :func:`lag_grid`."""
    (amount, alpha), *_ = *form.weights.terms, (Fraction(0), Fraction(0))
    inside = isinstance(form.kernel, RootOfSum)
    grid = lag_grid(alpha, form.beta, per_octave, interpolated)
    alias, slope_alias = alias_bounds(grid.spacing)
    return Rule(
        float(1 - alpha),
        float(1 - form.beta),
        float(1 - alpha * form.beta),
        float(sum(form.weights.head)),
        float(amount),
        float(form.weights.total),
        inside,
        grid,
        alias,
        slope_alias,
        cutoff_table(grid.spacing, inside),
    )


@lru_cache(maxsize=256)
def alias_bounds(spacing: float) -> tuple[float, float]:
    """Return 2/(cos a (exp(2 pi a/h) - 1)) and that divided by cos a, at the nearly best a: tan a = 2 pi/h."""
    a = math.atan(2 * math.pi / spacing)
    # On a fine grid the exponential itself would overflow.
    fall = -2 * math.pi * a / spacing
    first = -2 * math.exp(fall) / (math.cos(a) * math.expm1(fall))
    return first, first / math.cos(a)


def ladder(tolerance: float) -> Sequence[int]:
    """Return the numbers of nodes for each octave to be tried, from the first whose rule is accurate enough."""
    return [k for k in PER_OCTAVE if alias_bounds(math.log(2) / k)[0] <= tolerance / 2]


@lru_cache(maxsize=256)
def cutoff_table(spacing: float, eps_inside_root: bool) -> CutoffTable:
    """Return the cutoff on all nodes of a logarithmic grid where it must be computed."""
    low, high = _TABLE_ENDS[eps_inside_root]
    first = int(np.floor(low / spacing))
    s = np.exp(spacing * np.arange(first, int(np.ceil(high / spacing)) + 1))
    return CutoffTable(first, np.exp(-s) if eps_inside_root else complementary_ratio(np.sqrt(s)))
