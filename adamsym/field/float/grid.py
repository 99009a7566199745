"""The logarithmic grid of the field's quadrature, and the filters that sum over all lags on it.

With x = log s and lag L = -log beta, S(x) = sum_k b(x - k L) and Q(x) = sum_k alpha^k r(x - k L). On a grid of spacing
h >= L, S(x) = T(x) + S(x - h), where T = (1 - e^(-h D))/(1 - e^(-L D)) b, D = d/dx: for h = m L the sum of b(x - k L),
k < m, and for any other h what the Euler-Maclaurin formula makes of it, up to exp(-pi^2/L). T is a fixed filter of the
samples of b on the grid, by polynomial interpolation. So the cost does not grow as beta tends to 1, and h may be a
fixed part of log 2 for every beta: then s doubles exactly from octave to octave. For Q the operator is
(1 - alpha^(h/L) e^(-h D))/(1 - alpha e^(-L D)).
"""

import math
from fractions import Fraction
from functools import lru_cache

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.float.records import LagGrid

REACH = 12
"""The interpolation uses the 24 nodes from 12 to the left of x to 11 to the right: centred on [x - h, x]."""

CHECKS = (9, 8, 7, 6)
"""Reaches of the shorter filters from whose differences the filters' error is estimated."""

_BITS = 512
"""Working precision for the filter weights, which are computed once and cached."""

_Row = list[flint.arb]


@lru_cache(maxsize=256)
def lag_grid(alpha: Fraction, beta: Fraction, per_octave: int, interpolated: float = 1.0) -> LagGrid:
    """Return the grid of ``per_octave`` nodes for each octave of s; or a finer one that divides the lag -log(beta).

    Lags up to the share ``interpolated`` <= 1 of the spacing are interpolated. The longer ones divide the grid: beyond
    the spacing interpolation would not see what lies between the lags.
    """
    spacing = math.log(2) / per_octave
    if beta == 0:
        return _exact(spacing, per_octave, 0, 0.0)
    with ball_arithmetic(_BITS):
        lag = -_ball(beta).log()
        if lag > interpolated * spacing:
            stride = math.ceil(float(lag) / spacing)
            return _exact(float(lag / stride), 0, stride, float(alpha))
        return _interpolating(alpha, lag, per_octave)


def _exact(spacing: float, per_octave: int, stride: int, decay: float) -> LagGrid:
    nothing, none = np.empty(0), np.empty((0, 0))
    return LagGrid(spacing, per_octave, stride, decay, nothing, nothing, none, none)


def _interpolating(alpha: Fraction, lag: flint.arb, per_octave: int) -> LagGrid:
    spacing = flint.arb(2).log() / per_octave
    steps = spacing / lag
    moments = [_lag_moments(ratio, steps) for ratio in (flint.arb(1), _ball(alpha))]
    filters = [_filter(one, REACH) for one in moments]
    checks = [np.array([_filter(one, reach) for reach in CHECKS]) - _filter(one, REACH) for one in moments]
    decay = float(_ball(alpha) ** steps) if alpha else 0.0
    return LagGrid(float(spacing), per_octave, 1, decay, *filters, *checks)


def _ball(value: Fraction) -> flint.arb:
    return flint.arb(value.numerator) / value.denominator


def _filter(moments: _Row, reach: int) -> FloatArray:
    """Weights of the samples at the nodes -REACH ... REACH - 1, those beyond ``reach`` 0."""
    weights = np.zeros(2 * REACH)
    for k, row in enumerate(_interpolation_basis(reach)):
        weights[REACH - reach + k] = float(sum((c * m for c, m in zip(row, moments, strict=False)), flint.arb(0)))
    return weights


@lru_cache(maxsize=8)
def _interpolation_basis(reach: int) -> list[_Row]:
    """Coefficients of (-u)^j in the Lagrange polynomials of the nodes -reach ... reach - 1, one row per node."""
    nodes = range(-reach, reach)
    rows = []
    for node in nodes:
        polynomial = flint.fmpq_poly([1])
        for other in nodes:
            if other != node:
                # In w = -u the node n stands at -n.
                polynomial *= flint.fmpq_poly([flint.fmpq(other, other - node), flint.fmpq(1, other - node)])
        rows.append([flint.arb(coefficient) for coefficient in polynomial.coeffs()])
    return rows


def _lag_moments(ratio: flint.arb, steps: flint.arb) -> _Row:
    """sum_{k < m} ratio^k (k/m)^j for j < 2 REACH, m = ``steps``; for other m the polynomials that agree with these.

    They are j! times the Taylor coefficients of (1 - ratio^m e^z)/(1 - ratio e^(z/m)).
    """
    size = 2 * REACH
    below = [-ratio * (1 / steps) ** j / math.factorial(j) for j in range(size + 1)]
    above = [-(ratio**steps if ratio != 0 else ratio) / math.factorial(j) for j in range(size + 1)]
    above[0], below[0] = above[0] + 1, below[0] + 1
    if ratio == 1:
        # Both series begin with z.
        above, below = above[1:], below[1:]
    quotient: _Row = []
    for j in range(size):
        rest = sum((below[i] * quotient[j - i] for i in range(1, j + 1)), flint.arb(0))
        quotient.append((above[j] - rest) / below[0])
    return [math.factorial(j) * coefficient for j, coefficient in enumerate(quotient)]
