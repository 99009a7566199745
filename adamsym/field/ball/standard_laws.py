"""Standard continuous laws Z, by their moments and by what exp(-t g^2) integrates to for g = p + q Z, in balls."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

import flint

_ZERO = flint.arb(0)


@dataclass(frozen=True)
class Integrals:
    """E[w exp(-t g^2)] for w = 1, g, g^2, Z, g Z, g^2 Z."""

    one: flint.arb
    g: flint.arb
    square: flint.arb
    z: flint.arb
    gz: flint.arb
    square_z: flint.arb

    def mirrored(self, *, g: bool) -> "Integrals":
        """Return those of -g and Z if ``g``, else those of g and -Z."""
        if g:
            return Integrals(self.one, -self.g, self.square, self.z, -self.gz, self.square_z)
        return Integrals(self.one, self.g, self.square, -self.z, -self.gz, -self.square_z)


class StandardLaw(ABC):
    """The law of Z: ``reach`` is the largest |Z|, or infinity, and ``deviation`` the largest |Z - EZ|."""

    reach: float
    deviation: float
    symmetric: bool

    @abstractmethod
    def moment(self, order: int) -> Fraction:
        """Return E Z^order."""

    @abstractmethod
    def integrals(self, t: flint.arb, p: flint.arb, q: flint.arb) -> Integrals:
        """Return the integrals for g = p + q Z, q > 0 and t > 0, at the working precision: digits may cancel."""

    @property
    def variance(self) -> Fraction:
        """Var Z."""
        return self.moment(2) - self.moment(1) ** 2

    @property
    def fourth_deviation(self) -> Fraction:
        """E(Z - EZ)^4."""
        m = self.moment(1)
        return sum((math.comb(4, k) * (-m) ** (4 - k) * self.moment(k) for k in range(5)), Fraction(0))


class StandardNormal(StandardLaw):
    """Normal(0, 1)."""

    reach = deviation = math.inf
    symmetric = True

    def moment(self, order: int) -> Fraction:
        """Return (order - 1)!!, or 0."""
        return Fraction(math.prod(range(1, order, 2))) if order % 2 == 0 else Fraction(0)

    def integrals(self, t: flint.arb, p: flint.arb, q: flint.arb) -> Integrals:
        """Return those of exp(-t g^2) times the density, which is a normal one again, times E exp(-t g^2)."""
        spread = 1 + 2 * t * q**2
        one = (-t * p**2 / spread).exp() / spread.sqrt()
        mean, tilted, cross = p / spread, -2 * t * p * q / spread, q / spread
        square = q**2 / spread + mean**2
        return Integrals(
            one,
            one * mean,
            one * square,
            one * tilted,
            one * (cross + mean * tilted),
            one * (tilted * square + 2 * mean * cross),
        )


class _ByPowers(StandardLaw):
    """A law whose density is integrated against g^k exp(-t g^2), k = 0 ... 3."""

    @abstractmethod
    def powers(self, t: flint.arb, p: flint.arb, q: flint.arb) -> list[flint.arb]:
        """Return E[g^k exp(-t g^2)], k = 0 ... 3."""

    def integrals(self, t: flint.arb, p: flint.arb, q: flint.arb) -> Integrals:
        """Return them with Z = (g - p)/q."""
        first, second, third, fourth = self.powers(t, p, q)
        return Integrals(
            first, second, third, (second - p * first) / q, (third - p * second) / q, (fourth - p * third) / q
        )


class StandardUniform(_ByPowers):
    """Uniform(-1, 1)."""

    reach = deviation = 1.0
    symmetric = True

    def moment(self, order: int) -> Fraction:
        """Return 1/(order + 1), or 0."""
        return Fraction(1, order + 1) if order % 2 == 0 else Fraction(0)

    def powers(self, t: flint.arb, p: flint.arb, q: flint.arb) -> list[flint.arb]:
        """Return differences of error functions and exponentials, integrated by parts."""
        low, high, root = p - q, p + q, t.sqrt()
        if low > 0:
            spread = (root * low).erfc() - (root * high).erfc()
        elif high < 0:
            spread = (-root * high).erfc() - (-root * low).erfc()
        else:
            spread = (root * high).erf() - (root * low).erf()
        at_low, at_high, scale = (-t * low**2).exp(), (-t * high**2).exp(), 4 * q * t
        zeroth = flint.arb.pi().sqrt() * root * spread / scale
        first = (at_low - at_high) / scale
        second = (low * at_low - high * at_high) / scale + zeroth / (2 * t)
        third = (low**2 * at_low - high**2 * at_high) / scale + first / t
        return [zeroth, first, second, third]


class StandardExponential(_ByPowers):
    """Exponential with mean 1."""

    reach = deviation = math.inf
    symmetric = False

    def moment(self, order: int) -> Fraction:
        """Return order!."""
        return Fraction(math.factorial(order))

    def powers(self, t: flint.arb, p: flint.arb, q: flint.arb) -> list[flint.arb]:
        """Return them from E exp(-t g^2) = sqrt(pi) c exp(c^2 + p/q) erfc(p sqrt t + c), c = 1/(2 q sqrt t)."""
        root = t.sqrt()
        c = 1 / (2 * q * root)
        start, scale = (-t * p**2).exp(), 2 * t * q
        y, half = p * root + c, flint.arb(0.5)
        if y > 2:
            # exp(y^2) erfc(y) = U(1/2, 1/2, y^2)/sqrt(pi), U Tricomi's: exp(y^2) may be out of range.
            zeroth = c * (y**2).hypgeom_u(half, half) * start
        else:
            zeroth = flint.arb.pi().sqrt() * c * (c**2 + p / q).exp() * y.erfc()
        first = (start - zeroth) / scale
        second = p * start / scale + (zeroth - first / q) / (2 * t)
        third = p**2 * start / scale + (2 * first - second / q) / (2 * t)
        return [zeroth, first, second, third]


STANDARD_LAWS: dict[str, StandardLaw] = {
    "Normal": StandardNormal(),
    "Uniform": StandardUniform(),
    "Exponential": StandardExponential(),
}
"""By the names of the distributions of columns, which are affine images of these."""
