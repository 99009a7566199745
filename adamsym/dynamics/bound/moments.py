"""Bounds of the moments of weighted sums of martingale differences, by recursion over the lags."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from adamsym.expressions.errors import InputError

Moments = Mapping[int, float]
"""Bounds of E|S|^p for even p = 0, 2, 4, ..."""

LARGEST_EXPONENT = 24


@dataclass(frozen=True)
class CentralMoments:
    """Bounds of |E((x - Ex)/scale)^k|, k = 0, 1, ..., 24, where |x - Ex| <= ``scale``: no power leaves the floats."""

    scale: float
    values: Moments

    @property
    def deviation(self) -> float:
        """A bound of the standard deviation of x."""
        return self.scale * math.sqrt(self.values[2])


def geometric_sum_moments(decay: float, differences: Moments) -> dict[int, float]:
    """Return bounds of E S^p, p = 0, 2, ..., for S = (1-decay) sum_l decay^l xi_l and all its sub-sums.

    The xi_l are martingale differences, oldest first; ``differences[k]``, k = 0, 1, 2, ..., bounds their conditional
    moments |E[xi^k | past]|. S = decay S' + (1-decay) xi with E[xi | S'] = 0 gives
    (1-decay^p) E S^p <= sum_{k>=2} C(p,k) decay^(p-k) (1-decay)^k E|S|^(p-k) |E[xi^k | S']|, odd absolute moments by
    Cauchy-Schwarz. A sub-sum drops terms from the recursion, all of which are positive.
    """
    found = {0: 1.0}
    for p in range(2, max(differences) + 1, 2):
        total = math.fsum(
            math.comb(p, k) * decay ** (p - k) * (1 - decay) ** k * absolute(found, p - k) * differences[k]
            for k in range(2, p + 1)
        )
        found[p] = total / -math.expm1(p * math.log(decay)) if decay > 0 else total
    return found


def sum_moments(first: Moments, second: Moments) -> dict[int, float]:
    """Return bounds of E|S + R|^p where ``second`` bounds R's conditional moments given S, and E[R | S] = 0."""
    found = {0: 1.0}
    for p in range(2, min(max(first), max(second)) + 1, 2):
        terms = [math.comb(p, k) * absolute(first, p - k) * absolute(second, k) for k in range(p + 1) if k != 1]
        found[p] = math.fsum(terms)
    return found


def absolute(moments: Moments, p: int) -> float:
    """Return the bound of E|S|^p for any p, odd ones by E|S|^p <= (E|S|^(p-1) E|S|^(p+1))^(1/2)."""
    if p % 2 == 0:
        return moments[p]
    if p + 1 not in moments:
        raise InputError(f"moments: exponent {p} lies beyond those known")
    return math.sqrt(moments[p - 1] * moments[p + 1])


def norms(moments: Moments, scale: float = 1.0, shift: float = 0.0) -> dict[int, float]:
    """Return bounds of (E|scale S + c|^p)^(1/p) for even p >= 2, |c| <= ``shift``, by Minkowski."""
    return {p: scale * value ** (1 / p) + shift for p, value in moments.items() if p}
