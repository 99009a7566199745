"""Kernels of Adam's denominators: int_0^inf exp(-s v) rho(s) ds = 1/(sqrt(v) + eps) or 1/sqrt(v + eps) (theory T4).

In units of s where eps is 1, s rho(s) = sqrt(s/pi) times a cutoff: 1 - sqrt(pi) e erfcx(e), e = sqrt(s), where eps
stands outside the root, and exp(-s) where it stands inside.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.methods.kernels import complementary_ratio

_TABLE_ENDS = {False: (-80.0, 23.0), True: (-40.0, 7.0)}
"""Range of log s where the cutoff is neither 1 nor its asymptotic series to rounding, by ``eps_inside_root``."""


class CutoffTable(NamedTuple):
    """The cutoff at s = exp(j spacing), j = first, first + 1, ..., in units of s where eps is 1."""

    first: int
    values: FloatArray


@lru_cache(maxsize=256)
def cutoff_table(spacing: float, eps_inside_root: bool) -> CutoffTable:
    """Return the cutoff on all nodes of a logarithmic grid where it must be computed."""
    low, high = _TABLE_ENDS[eps_inside_root]
    first = int(np.floor(low / spacing))
    s = np.exp(spacing * np.arange(first, int(np.ceil(high / spacing)) + 1))
    return CutoffTable(first, np.exp(-s) if eps_inside_root else complementary_ratio(np.sqrt(s)))
