"""Laplace transforms of finite laws of gradient atoms on a grid: A(t) = E[g exp(-t g^2)], B(t) = E[exp(-t g^2)]."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adamsym.expressions.compilation import FloatArray

SERIES_RANGE = 0.5
"""Up to t max(g^2 - min g^2) = 1/2 the transforms are summed from moments: no exponential is needed."""

_SERIES_TERMS = 14
"""(1/2)^14/14! is below 1e-15 of the first term."""

_CHUNK = 2**17
"""Exponentials held at once: 1 MB, so that a chunk stays in cache."""


@dataclass(frozen=True)
class AtomLaws:
    """Several laws on the same probabilities, each scaled to E g^2 = 1.

    ``atoms`` has shape (laws, n), ``probabilities`` (n,); both transforms leave out the factor exp(-t min g^2).
    """

    atoms: FloatArray
    probabilities: FloatArray

    @cached_property
    def smallest_square(self) -> FloatArray:
        """The smallest g^2, shape (laws,)."""
        return np.asarray((self.atoms**2).min(axis=1))

    @cached_property
    def excess(self) -> FloatArray:
        """g^2 - min g^2, shape (laws, n)."""
        magnitude = np.abs(self.atoms)
        least = magnitude.min(axis=1, keepdims=True)
        return np.asarray((magnitude - least) * (magnitude + least))

    @cached_property
    def largest_excess(self) -> float:
        """The largest g^2 - min g^2 of all laws."""
        return float(self.excess.max())

    @cached_property
    def mean(self) -> FloatArray:
        """E g, shape (laws,)."""
        return self.atoms @ self.probabilities

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """(-1)^j E[y^j]/j! and (-1)^j E[g y^j]/j! for y = g^2 - min g^2, each (laws, terms)."""
        power = np.ones_like(self.atoms)
        plain, signed = [], []
        for order in range(_SERIES_TERMS + 1):
            plain.append(power @ self.probabilities)
            signed.append((power * self.atoms) @ self.probabilities)
            power = power * self.excess * (-1.0 / (order + 1))
        return np.stack(plain, axis=1), np.stack(signed, axis=1)

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return A(t) and B(t) - 1, without the factor exp(-t min g^2), each (laws, len(t)), for increasing t > 0."""
        split = int(np.searchsorted(t, SERIES_RANGE / self.largest_excess)) if self.largest_excess > 0 else len(t)
        a_series, b_series = self._by_moments(t[:split])
        a_sums, b_sums = self._by_sums(t[split:])
        return np.concatenate((a_series, a_sums), axis=1), np.concatenate((b_series, b_sums), axis=1)

    def _by_moments(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        plain, signed = self._moments
        powers = np.vander(t, _SERIES_TERMS + 1, increasing=True).T
        return signed @ powers, plain[:, 1:] @ powers[1:]

    def _by_sums(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        laws, size = self.atoms.shape
        a, b = np.zeros((laws, len(t))), np.zeros((laws, len(t)))
        nodes = max(1, min(64, _CHUNK // (laws * min(size, 512))))
        for start in range(0, len(t), nodes):
            part = slice(start, start + nodes)
            width = max(1, _CHUNK // (laws * len(t[part])))
            for first in range(0, size, width):
                chunk = slice(first, first + width)
                exponent = t[part, None] * self.excess[:, None, chunk]
                less_one = np.expm1(-exponent)
                # exp apart, because 1 + expm1 loses the tail that decides the sign far out.
                kernel = np.where(exponent < SERIES_RANGE, 1.0 + less_one, np.exp(-exponent))
                a[:, part] += np.einsum("ltn,ln->lt", kernel, self.atoms[:, chunk] * self.probabilities[chunk])
                b[:, part] += less_one @ self.probabilities[chunk]
        return a, np.maximum(b, self.probabilities.min() - 1.0)

    def atom_sensitivity(self, t: FloatArray, a_adjoint: FloatArray, b_adjoint: FloatArray) -> FloatArray:
        """Return sum_t [a_adjoint dA(t)/dg_a + b_adjoint dB(t)/dg_a], shape (laws, n), with min g^2 held fixed.

        dA/dg = p (1 - 2 t g^2) exp(-t y), dB/dg = -2 p t g exp(-t y), y = g^2 - min g^2. Adjoints are (laws, len(t)).
        """
        split = int(np.searchsorted(t, SERIES_RANGE / self.largest_excess)) if self.largest_excess > 0 else len(t)
        a_sum, a_weighted, b_weighted = self._decaying_sums(t[split:], a_adjoint[:, split:], b_adjoint[:, split:])
        powers = np.vander(t[:split], _SERIES_TERMS + 2, increasing=True)
        a_moments = a_adjoint[:, :split] @ powers
        b_moments = b_adjoint[:, :split] @ powers
        power = np.ones_like(self.atoms)
        for order in range(_SERIES_TERMS + 1):
            a_sum += power * a_moments[:, order, None]
            a_weighted += power * a_moments[:, order + 1, None]
            b_weighted += power * b_moments[:, order + 1, None]
            power = power * self.excess * (-1.0 / (order + 1))
        g = self.atoms
        return self.probabilities * (a_sum - 2 * g**2 * a_weighted - 2 * g * b_weighted)

    def _decaying_sums(
        self, t: FloatArray, a_adjoint: FloatArray, b_adjoint: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Sums over t of exp(-t y) times a_adjoint, t a_adjoint and t b_adjoint, each (laws, n)."""
        laws, size = self.atoms.shape
        sums = np.zeros((laws, 3, size))
        weights = np.stack((a_adjoint, t * a_adjoint, t * b_adjoint), axis=1)
        width = max(1, _CHUNK // (laws * max(1, min(len(t), 64))))
        for first in range(0, size, width):
            chunk = slice(first, first + width)
            for start in range(0, len(t), 64):
                part = slice(start, start + 64)
                kernel = np.exp(-t[part, None] * self.excess[:, None, chunk])
                sums[:, :, chunk] += weights[:, :, part] @ kernel
        return sums[:, 0], sums[:, 1], sums[:, 2]
