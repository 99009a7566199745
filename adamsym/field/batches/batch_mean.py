"""The mean of B independent gradients of one law, without listing the minibatches.

For y the mean and Z standard normal, exp(-t y^2) = E_Z exp(i sqrt(2t) Z y), so that with phi(w) = E exp(i w g)
B(t) = E_Z[phi(sqrt(2t) Z/B)^B] and A(t) = E_Z[Z Im phi(sqrt(2t) Z/B)^B]/sqrt(2t). The trapezoidal rule in Z errs only
by aliases of the normal density, which a small enough step puts out of reach.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.laws.law_quotient import TransformAdjoints

_NORMAL_END = 8.7
"""exp(-8.7^2/2) is below 1e-16."""

_MOST_NODES = 20_000
"""Nodes in Z: enough for sqrt(2t) max|y| about 14,000."""

_ENTRIES_AT_ONCE = 2**20

_SMALLEST = 1e-17
"""B below this is rounding error; its logarithm is cut, where exp(S) is as small."""


@dataclass(frozen=True, eq=False)
class BatchMean:
    """The law of the mean of ``size`` independent draws from atoms (n,) with probabilities (n,)."""

    atoms: FloatArray
    probabilities: FloatArray
    size: int

    def __post_init__(self) -> None:
        atoms, p = np.asarray(self.atoms, dtype=np.float64), np.asarray(self.probabilities, dtype=np.float64)
        object.__setattr__(self, "atoms", atoms)
        object.__setattr__(self, "probabilities", p)
        if atoms.ndim != 1 or len(atoms) == 0 or p.shape != atoms.shape:
            raise InputError("BatchMean: atoms and probabilities must be vectors of one length, at least 1")
        if not (np.isfinite(atoms).all() and (p > 0).all() and abs(p.sum() - 1) < 1e-9):
            raise InputError("BatchMean: atoms must be finite, probabilities positive with sum 1")
        if self.size < 1:
            raise InputError(f"BatchMean: size {self.size} is not allowed; allowed are integers from 1 up")

    @cached_property
    def _mean(self) -> float:
        return math.fsum(self.atoms * self.probabilities)

    @cached_property
    def _deviations(self) -> FloatArray:
        return self.atoms - self._mean

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E y^k, k = 1 ... 4, from the cumulants of one draw."""
        n, m = self.size, self._mean
        second, third, fourth = (math.fsum(self.probabilities * self._deviations**k) for k in (2, 3, 4))
        variance, skew = second / n, third / n**2
        centred = (fourth - 3 * second**2) / n**3 + 3 * variance**2
        return (
            m,
            m**2 + variance,
            m**3 + 3 * m * variance + skew,
            m**4 + 6 * m**2 * variance + 4 * m * skew + centred,
        )

    @property
    def magnitude_bound(self) -> float:
        """The largest |y|."""
        return float(np.abs(self.atoms).max())

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t), to about 1e-16 of the largest term of the field's integrand."""
        b_less_one, a = np.empty_like(t), np.empty_like(t)
        for k, time in enumerate(t):
            b_less_one[k], a[k] = self._at(float(time))
        log_b = np.where(b_less_one > -0.5, np.log1p(np.maximum(b_less_one, -0.5)), 0.0)
        far = b_less_one <= -0.5
        log_b[far] = np.log(np.maximum(1 + b_less_one[far], _SMALLEST))
        return log_b, a / np.exp(log_b)

    def _rule(self, t: float) -> tuple[FloatArray, FloatArray]:
        """Nodes z >= 0 and weights of the trapezoidal rule for E_Z of an even function, given t."""
        root = math.sqrt(2 * t)
        step = 2 * math.pi / (_NORMAL_END + root * self.magnitude_bound)
        count = math.ceil(_NORMAL_END / step)
        if count > _MOST_NODES:
            raise InputError("BatchMean: t max y^2 is too large for minibatches; raise eps or beta2, or list them")
        z = step * np.arange(count + 1)
        weights = np.exp(-(z**2) / 2)
        weights[1:] *= 2
        return np.asarray(z), weights / math.fsum(weights)

    def _at(self, t: float) -> tuple[float, float]:
        """B(t) - 1 and A(t)."""
        root = math.sqrt(2 * t)
        z, weights = self._rule(t)
        modulus, angle = self._log_characteristic(root * z / self.size)
        u, v = self.size * modulus, self.size * angle + root * z * self._mean
        # Re(exp(u + iv) - 1) = expm1(u) cos v - 2 sin^2(v/2): no cancellation for small t.
        with np.errstate(invalid="ignore"):
            real = np.expm1(u) * np.cos(v) - 2 * np.sin(v / 2) ** 2
        return math.fsum(weights * real), math.fsum(weights * z * np.exp(u) * np.sin(v)) / root

    def _log_characteristic(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """log|phi| and the angle of phi, phi the characteristic function of one draw less its mean."""
        real, imaginary = np.zeros_like(w), np.zeros_like(w)
        width = max(1, _ENTRIES_AT_ONCE // len(w))
        for begin in range(0, len(self.atoms), width):
            part = slice(begin, begin + width)
            half = np.outer(w, self._deviations[part]) / 2
            sine = np.sin(half)
            real += -2 * sine**2 @ self.probabilities[part]
            # sin x - x sums to what sin x does, as E(g - E g) = 0, but is exact for small x.
            imaginary += 2 * (sine * np.cos(half)) @ self.probabilities[part]
        with np.errstate(divide="ignore"):
            return 0.5 * np.log1p(np.maximum(2 * real + real**2 + imaginary**2, -1.0)), np.arctan2(imaginary, 1 + real)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values."""
        drawn = generator.choice(self.atoms, (*shape, self.size), p=self.probabilities)
        return np.asarray(drawn.mean(axis=-1))

    def sensitivity(self, adjoints: TransformAdjoints) -> FloatArray:
        """Return dF/dg for every atom of one draw, shape (n,), given F's derivative in this law's transforms.

        Given that one draw is u, E[d/dy exp(-t y^2)] = E_Z[i r Z e^(iwu) phi(w)^(B-1)] and
        E[d/dy (y exp(-t y^2))] = E_Z[Z^2 e^(iwu) phi(w)^(B-1)], r = sqrt(2t), w = r Z/B. As a function of u their sum
        over t and Z is entire: it is interpolated at Chebyshev points where these are fewer than the atoms.
        """
        frequencies, cosines, sines = [], [], []
        others = self.size - 1
        for t, a, b in zip(adjoints.t, adjoints.a, adjoints.b, strict=True):
            root = math.sqrt(2 * t)
            z, weights = self._rule(float(t))
            w = root * z / self.size
            modulus, angle = self._log_characteristic(w)
            size = weights * z * (np.exp(others * modulus) if others else 1.0)
            shift = others * (angle + w * self._mean)
            # Re[(a z + i b r) e^(i(wu + shift))] z |phi|^(B-1).
            frequencies.append(w)
            cosines.append(size * (a * z * np.cos(shift) - b * root * np.sin(shift)))
            sines.append(size * (-a * z * np.sin(shift) - b * root * np.cos(shift)))
        parts = [np.concatenate(part) if part else np.zeros(0) for part in (frequencies, cosines, sines)]
        return self.probabilities * (self._waves(*parts) + self._from_moments(adjoints))

    def _waves(self, w: FloatArray, cosines: FloatArray, sines: FloatArray) -> FloatArray:
        """sum cosines cos(w u) + sines sin(w u) at every atom u."""

        def directly(u: FloatArray) -> FloatArray:
            width = max(1, _ENTRIES_AT_ONCE // max(1, len(w)))
            parts = [np.outer(u[begin : begin + width], w) for begin in range(0, len(u), width)]
            return np.concatenate([np.cos(part) @ cosines + np.sin(part) @ sines for part in parts])

        low, high = self.atoms.min(), self.atoms.max()
        half = (high - low) / 2
        degree = math.ceil(1.5 * half * w.max(initial=0.0)) + 40
        if degree >= len(self.atoms) or half == 0:
            return directly(self.atoms)
        middle = (low + high) / 2
        points = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        coefficients = np.polynomial.chebyshev.chebfit(points, directly(middle + half * points), degree)
        return np.asarray(np.polynomial.chebyshev.chebval((self.atoms - middle) / half, coefficients))

    def _from_moments(self, adjoints: TransformAdjoints) -> FloatArray:
        """The derivative through the moments of y, divided by each atom's probability."""
        first, second, _, _ = self.moments
        # E[y^k] given that one draw is u: the others' mean is that of B - 1 draws, in units of 1/B.
        share = (self.size - 1) / self.size
        rest = BatchMean(self.atoms, self.probabilities, max(self.size - 1, 1)).moments
        one, two = (share**k * moment for k, moment in enumerate(rest[:2], start=1))
        u = self.atoms / self.size
        y = u + one
        y2 = u**2 + 2 * u * one + two
        covariance = 3 * y2 - second - 2 * first * y
        return adjoints.mean + 2 * y * adjoints.square + covariance * adjoints.covariance
