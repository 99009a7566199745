"""The logarithmic grid of the field's quadrature, and the filters that sum over all lags on it.

With x = log s and lag L = -log beta, S(x) = sum_k b(x - k L) and Q(x) = sum_k alpha^k r(x - k L). On a grid of spacing
h = m L, S(x) = T(x) + S(x - h) with T(x) = sum_{k<m} b(x - k L); T is a fixed filter of the samples of b on the grid,
by polynomial interpolation. So the cost does not grow as beta tends to 1.
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray

REACH = 10
"""The interpolation uses the 20 nodes from 10 to the left of x to 9 to the right: centred on [x - h, x]."""

_BITS = 256
"""Working precision for the filter weights, which are computed once and cached."""


class LagGrid(NamedTuple):
    """Spacing and lag sums for one (alpha, beta).

    ``spacing`` is h; ``stride`` is the number of nodes from x to the node that the recursions look back to, 0 if
    beta = 0; ``decay`` is the factor of Q there. ``filter_b`` and ``filter_r`` are the weights of the samples at
    x - REACH h, ..., x + (REACH - 1) h; empty where every lag falls on a node, so that nothing is interpolated.
    """

    spacing: float
    stride: int
    decay: float
    filter_b: FloatArray
    filter_r: FloatArray

    @property
    def exact_lags(self) -> bool:
        """Whether every lag falls on a node."""
        return len(self.filter_b) == 0


@lru_cache(maxsize=256)
def lag_grids(alpha: Fraction, beta: Fraction, target: float) -> tuple[LagGrid, LagGrid]:
    """Return a grid of spacing at most ``target`` that fits the lag -log(beta), and the one of every other node."""
    if beta == 0:
        return _exact(target, 0, 0.0), _exact(2 * target, 0, 0.0)
    with flint.ctx.workprec(_BITS):
        lag = -_ball(beta).log()
        if lag > target:
            half = max(1, math.ceil(float(lag) / (2 * target)))
            decay = float(alpha)
            return _exact(float(lag / (2 * half)), 2 * half, decay), _exact(float(lag / half), half, decay)
        steps = int(target / float(lag))
        fine = _exact(float(lag), 1, float(alpha)) if steps == 1 else _interpolating(alpha, lag, steps)
        return fine, _interpolating(alpha, lag, 2 * steps)


def _exact(spacing: float, stride: int, decay: float) -> LagGrid:
    return LagGrid(spacing, stride, decay, np.empty(0), np.empty(0))


def _interpolating(alpha: Fraction, lag: flint.arb, steps: int) -> LagGrid:
    """The grid of spacing ``steps`` lags."""
    basis = _interpolation_basis()
    filter_b = basis @ _lag_moments(flint.arb(1), steps)
    filter_r = basis @ _lag_moments(_ball(alpha), steps)
    return LagGrid(float(lag * steps), 1, float(_ball(alpha) ** steps), _floats(filter_b), _floats(filter_r))


def _ball(value: Fraction) -> flint.arb:
    return flint.arb(value.numerator) / value.denominator


def _floats(column: "np.ndarray[tuple[int, ...], np.dtype[np.object_]]") -> FloatArray:
    return np.array([float(value) for value in column])


@lru_cache(maxsize=1)
def _interpolation_basis() -> "np.ndarray[tuple[int, ...], np.dtype[np.object_]]":
    """Coefficients of (-u)^j in the Lagrange polynomials of the nodes -REACH ... REACH - 1, one row per node."""
    nodes = range(-REACH, REACH)
    rows = []
    for node in nodes:
        polynomial = flint.fmpq_poly([1])
        for other in nodes:
            if other != node:
                # In w = -u the node n stands at -n.
                polynomial *= flint.fmpq_poly([flint.fmpq(other, other - node), flint.fmpq(1, other - node)])
        rows.append([flint.arb(coefficient) for coefficient in polynomial.coeffs()])
    return np.array(rows, dtype=object)


def _lag_moments(alpha: flint.arb, steps: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.object_]]":
    """sum_{k < steps} alpha^k (k/steps)^j for j < 2 REACH, by doubling: no cancellation, O(log steps) operations."""
    degree = 2 * REACH
    unit = flint.arb(1) / steps
    moments = [flint.arb(j == 0) for j in range(degree)]
    count = 1
    for bit in bin(steps)[3:]:
        moments = [a + b for a, b in zip(moments, _shifted(moments, alpha, unit, count), strict=True)]
        count *= 2
        if bit == "1":
            moments = [m + alpha**count * (unit * count) ** j for j, m in enumerate(moments)]
            count += 1
    return np.array(moments, dtype=object)


def _shifted(moments: list[flint.arb], alpha: flint.arb, unit: flint.arb, count: int) -> list[flint.arb]:
    """Moments of the lags count ... 2 count - 1 from those of 0 ... count - 1, by the binomial theorem."""
    shift, factor = unit * count, alpha**count
    return [
        factor * sum((math.comb(j, i) * shift ** (j - i) * moments[i] for i in range(j + 1)), flint.arb(0))
        for j in range(len(moments))
    ]
