"""The logarithmic grid of the field's quadrature, and the filters that sum over all lags on it.

With x = log s and lag L = -log beta, S(x) = sum_k b(x - k L) and Q(x) = sum_k alpha^k r(x - k L). On a grid of spacing
h = m L, S(x) = T(x) + S(x - h) with T(x) = sum_{k<m} b(x - k L); T is a fixed filter of the samples of b on the grid,
by polynomial interpolation. So the cost does not grow as beta tends to 1.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import flint
import numpy as np
import scipy.signal

from adamsym.expressions.compilation import FloatArray

REACH = 10
"""The interpolation uses the 20 nodes from 10 to the left of x to 9 to the right: centred on [x - h, x]."""

_BITS = 256
"""Working precision for the filter weights, which are computed once and cached."""


@dataclass(frozen=True)
class LagGrid:
    """Spacing and lag sums for one (alpha, beta).

    ``spacing`` is h; ``stride`` is the number of nodes from x to the node that the recursions look back to, 0 if
    beta = 0; ``decay`` is the factor of Q there. ``filter_b`` and ``filter_r`` are the weights of the samples at
    x - REACH h, ..., x + (REACH - 1) h, or None where every lag falls on a node.
    """

    spacing: float
    stride: int
    decay: float
    filter_b: FloatArray | None
    filter_r: FloatArray | None

    @property
    def exact_lags(self) -> bool:
        """Whether every lag falls on a node, so that nothing is interpolated."""
        return self.filter_b is None

    @property
    def padding(self) -> tuple[int, int]:
        """Nodes needed left and right of the quadrature's own."""
        return (0, 0) if self.exact_lags else (REACH, REACH - 1)

    def lag_sums(
        self, b: FloatArray, r: FloatArray, start_s: FloatArray, start_q: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return S and Q on the quadrature's nodes from samples on the padded grid.

        ``b``, ``r`` have shape (laws, padded nodes); ``start_s``, ``start_q`` (laws, max(stride, 1)) hold S and Q at
        the ``stride`` nodes just left of the first.
        """
        if self.stride == 0:
            return b, r
        t, q = self._filtered(b, self.filter_b), self._filtered(r, self.filter_r)
        return self._accumulated(t, start_s, 1.0), self._accumulated(q, start_q, self.decay)

    def lag_sums_adjoint(self, s_adjoint: FloatArray, q_adjoint: FloatArray) -> tuple[FloatArray, ...]:
        """Return the adjoints of ``lag_sums``'s four arguments, given those of S and Q."""
        if self.stride == 0:
            empty = np.zeros((len(s_adjoint), 1))
            return s_adjoint, q_adjoint, empty, empty
        b = self._accumulated(s_adjoint[:, ::-1], np.zeros((len(s_adjoint), self.stride)), 1.0)[:, ::-1]
        r = self._accumulated(q_adjoint[:, ::-1], np.zeros((len(q_adjoint), self.stride)), self.decay)[:, ::-1]
        start_s, start_q = b[:, : self.stride], self.decay * r[:, : self.stride]
        return self._spread(b, self.filter_b), self._spread(r, self.filter_r), start_s, start_q

    def _filtered(self, samples: FloatArray, weights: FloatArray | None) -> FloatArray:
        if weights is None:
            return samples
        windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * REACH, axis=1)
        return np.asarray(windows @ weights)

    def _spread(self, adjoint: FloatArray, weights: FloatArray | None) -> FloatArray:
        if weights is None:
            return adjoint
        result = np.zeros((len(adjoint), adjoint.shape[1] + 2 * REACH - 1))
        for offset, weight in enumerate(weights):
            result[:, offset : offset + adjoint.shape[1]] += weight * adjoint
        return result

    def _accumulated(self, terms: FloatArray, start: FloatArray, decay: float) -> FloatArray:
        """y_j = terms_j + decay y_{j - stride}, with the ``stride`` values before the first given."""
        laws, size = terms.shape
        rounds = -(-size // self.stride)
        padded = np.zeros((laws, rounds * self.stride))
        padded[:, :size] = terms
        folded = padded.reshape(laws, rounds, self.stride)
        folded[:, 0] += decay * start
        sums = scipy.signal.lfilter([1.0], [1.0, -decay], folded, axis=1)
        return np.asarray(sums).reshape(laws, -1)[:, :size]


@lru_cache(maxsize=256)
def lag_grid(alpha: Fraction, beta: Fraction, target: float) -> LagGrid:
    """Return the grid whose spacing is nearest to ``target`` and fits the lag -log(beta)."""
    if beta == 0:
        return LagGrid(target, 0, 0.0, None, None)
    with flint.ctx.workprec(_BITS):
        lag = -_ball(beta).log()
        steps = round(target / float(lag))
        if steps <= 1:
            parts = max(1, math.ceil(float(lag) / target))
            return LagGrid(float(lag / parts), parts, float(alpha), None, None)
        basis = _interpolation_basis()
        decay = _ball(alpha) ** steps
        filter_b = basis @ _lag_moments(flint.arb(1), steps)
        filter_r = basis @ _lag_moments(_ball(alpha), steps)
        return LagGrid(float(lag * steps), 1, float(decay), _floats(filter_b), _floats(filter_r))


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
