"""Smooth functions of x by interpolation on equal panels, and their sums over equal shifts to the left."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray

_WIDTH = 0.25
"""Of a panel. Logarithms of means of exponentials are analytic in log s around it, the further the fewer there are."""

_SIZE = 21
"""Chebyshev points of a panel."""

_UNIT: FloatArray = (1 - np.cos(np.pi * (np.arange(_SIZE) + 0.5) / _SIZE)) / 2
_BARYCENTRIC = (-1.0) ** np.arange(_SIZE) * np.sin(np.pi * (np.arange(_SIZE) + 0.5) / _SIZE)

_FORGOTTEN = 45.0
"""Shifts of a weight beyond exp(-45) are left out."""


class Basis(NamedTuple):
    """For some x the panel of each, below 0 left of the first, and the weights of the panel's points."""

    panels: NDArray[np.int_]
    weights: FloatArray


class Table:
    """Values at the points of panels between two ends; left of them functions are constant."""

    def __init__(self, left: float, right: float) -> None:
        self.left, self.panels = left, math.ceil((right - left) / _WIDTH)

    @property
    def nodes(self) -> FloatArray:
        """All points, (panels * points,)."""
        return np.asarray(self.left + _WIDTH * (np.arange(self.panels)[:, None] + _UNIT).ravel())

    def basis(self, x: FloatArray) -> Basis:
        """Return what interpolation at points x (n,) needs."""
        places = (x - self.left) / _WIDTH
        panels = np.minimum(np.floor(places), self.panels - 1)
        return Basis(panels.astype(int), _lagrange(places - panels))

    def values(self, samples: FloatArray, basis: Basis) -> FloatArray:
        """Return the interpolant of ``samples`` at the points of a basis, (n,)."""
        table = samples.reshape(self.panels, _SIZE)
        found = np.einsum("nk,nk->n", table[np.maximum(basis.panels, 0)], basis.weights)
        return np.asarray(np.where(basis.panels < 0, table[0, 0], found))

    def summed(self, samples: FloatArray, shift: float, decay: float) -> FloatArray:
        """Return sum_{e>=0} exp(-e decay) y(x - e shift) at the nodes, decay > 0, by doubling the number of terms."""
        total, distance = samples, shift
        while decay < _FORGOTTEN:
            # The points of all panels move alike.
            places = _UNIT - distance / _WIDTH
            offsets = np.floor(places)
            weights = _lagrange(places - offsets)
            panels = np.arange(self.panels)[:, None] + offsets.astype(int)
            table = total.reshape(self.panels, _SIZE)
            moved = np.einsum("pkl,kl->pk", table[np.maximum(panels, 0)], weights)
            # Squares of weights near 1 would lose what they are below it.
            total = total + math.exp(-decay) * np.where(panels < 0, table[0, 0], moved).ravel()
            distance, decay = 2 * distance, 2 * decay
        return np.asarray(total)

    def error(self, samples: FloatArray) -> float:
        """Return the last Chebyshev coefficients beside the largest value: what interpolation leaves out, about."""
        table = samples.real.reshape(self.panels, _SIZE)
        angles = np.pi * (np.arange(_SIZE) + 0.5) / _SIZE
        last = np.cos(np.outer(angles, [_SIZE - 2, _SIZE - 1])) * (2 / _SIZE)
        size = np.abs(table).max()
        return float(np.abs(table @ last).max() / size) if size > 0 else 0.0


def _lagrange(places: FloatArray) -> FloatArray:
    """The Lagrange polynomials of a panel's points at ``places`` (n,) in [0, 1], (n, points): barycentric formula."""
    differences = places[:, None] - _UNIT
    hit = differences == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = _BARYCENTRIC / differences
        found = terms / terms.sum(axis=1, keepdims=True)
    return np.asarray(np.where(hit.any(axis=1, keepdims=True), hit.astype(float), found))
