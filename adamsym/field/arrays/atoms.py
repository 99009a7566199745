"""The atoms of one law: F in arrays, and its derivatives in them."""

import math
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.arrays.quadrature import ArrayQuotient, Integral, Steps, quotient_of_transforms, transform_adjoints
from adamsym.field.float.records import Moments, Rule

_AT_ONCE = 32
"""Nodes whose exponentials are held at once."""

_ATOMS_AT_ONCE = 2**12
"""Atoms whose exponentials at the nodes of a block are held at once: one megabyte. Sums over more are made of these."""

_SERIES_TERMS, _SERIES_UP_TO = 12, 0.25
"""Of more atoms B - 1 and A are sums of so many powers where no exponent is larger than that: what is left out is less
than 0.25**12/13! of B - 1, 1e-17, and less still of E|g|."""

_OF_ATOMS = Steps(_AT_ONCE, 2**12, False)
"""Laws that need more nodes are left to the compiled loops."""

_NO_DIFFERENCE = 0.49
"""Where all B are below this their logarithms are taken without B - 1."""


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


@dataclass(frozen=True)
class _Atoms:
    """Atoms scaled to E g^2 = 1, their probabilities, and y = g^2 - min g^2."""

    g: FloatArray
    p: FloatArray
    y: FloatArray
    moments: Moments
    rule: Rule

    def transforms(self, s: FloatArray, before: list[float]) -> tuple[FloatArray, FloatArray]:
        """Return log B and A/B, without the factor exp(-s least); ``before`` holds B at the node before."""
        # B falls from node to node.
        less_one, b, a = self._law.transforms(s * self.rule.one_less_beta, before[-1] > _NO_DIFFERENCE)
        before[-1] = float(b[-1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(less_one > -0.5, np.log1p(less_one), np.log(b)), a / b

    @cached_property
    def _law(self) -> _Law:
        return _Law(self.y, self.p, self.p * self.g)

    def slopes(self, found: Integral) -> FloatArray:
        """Return dF/dg of each atom (n,)."""
        a, b, (mean, square, covariance) = transform_adjoints(found, self.moments, self.rule)
        t = found.nodes.s * self.rule.one_less_beta
        sums = np.zeros((3, len(self.g)))
        for start in range(0, len(t), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            weights = np.stack((a[part], a[part] * t[part], b[part] * t[part]))
            for begin in range(0, len(self.g), _ATOMS_AT_ONCE):
                own = slice(begin, begin + _ATOMS_AT_ONCE)
                with np.errstate(under="ignore"):
                    sums[:, own] += weights @ np.exp(-t[part, None] * self.y[own])
        # Those of A and B are (1 - 2 t g^2) exp(-t y) and -2 t g exp(-t y).
        by_transforms = sums[0] - 2.0 * self.g * (self.g * sums[1] + sums[2])
        by_covariance = self.y - self.moments.mean_excess + 2.0 * self.g * (self.g - self.moments.mean)
        return np.asarray(self.p * (by_transforms + mean + 2.0 * self.g * square + covariance * by_covariance))


def quotient_of_atoms(
    atoms: FloatArray, p: FloatArray, eps: float, rule: Rule, slopes: bool = False
) -> tuple[ArrayQuotient, FloatArray | None]:
    """Return F of atoms (n,), not all zero, with probabilities (n,), what may be off, and if asked for dF/dg."""
    largest = float(np.abs(atoms).max())
    g = atoms / largest
    root = math.sqrt(float((g * g) @ p))
    g, scale = g / root, largest * root
    eps = eps / scale / scale if rule.eps_inside_root else eps / scale
    if eps == 0:
        # It is beyond the floats beside the gradients: the compiled loops say what is out of range.
        return ArrayQuotient(math.nan, math.nan, math.nan, math.nan, math.nan), None
    size = np.abs(g)
    least = float(size.min())
    y = (size - least) * (size + least)
    excess = float(y @ p)
    moments = Moments(least * least, float(g @ p), excess, float(g @ ((y - excess) * p)), float(size.max()))
    own = _Atoms(g, p, y, moments, rule)
    found, integral = quotient_of_transforms(
        partial(own.transforms, before=[1.0]), moments, eps, scale, rule, _OF_ATOMS
    )
    return found, own.slopes(integral) / scale if slopes and integral is not None else None
