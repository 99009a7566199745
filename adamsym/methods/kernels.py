"""The kernels phi of Adam's denominators and their densities rho (theory T4)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import flint
import numpy as np
import scipy.special
import sympy as sp

from adamsym.expressions.compilation import FloatArray

_CONTINUED_FRACTION_FROM = 2.0
"""Above this argument 1 - sqrt(pi) e erfcx(e) is a difference of close numbers; below it loses at most one digit."""

_CONTINUED_FRACTION_DEPTH = 60
"""Levels that give full precision from _CONTINUED_FRACTION_FROM on."""


@dataclass(frozen=True)
class RootPlusEps:
    """phi(v) = 1/(sqrt(v) + eps): rho(s) = 1/sqrt(pi s) - eps exp(eps^2 s) erfc(eps sqrt s)."""

    epsilon: Fraction
    name: ClassVar[str] = "1/(sqrt(v) + eps)"

    def of(self, v: FloatArray) -> FloatArray:
        """Return phi(v), elementwise, for v >= 0."""
        return 1 / (np.sqrt(v) + float(self.epsilon))

    def log_weight(self, log_s: FloatArray) -> FloatArray:
        """Return log(s rho(s)) at s = exp(log_s), elementwise, to a few units in the last place."""
        e = float(self.epsilon) * np.exp(np.asarray(log_s) / 2)
        return np.asarray((log_s - np.log(np.pi)) / 2 + np.log(complementary_ratio(e)))

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""
        return 1 / (v.sqrt() + _ball(self.epsilon))

    def ball_weight(self, s: flint.arb) -> flint.arb:
        """Return a ball around s rho(s) = s eps U(3/2, 3/2, eps^2 s)/(2 sqrt pi), U Tricomi's (DLMF 13.4.4)."""
        eps, order = _ball(self.epsilon), flint.arb(3) / 2
        return s * eps * (eps**2 * s).hypgeom_u(order, order) / (2 * flint.arb.pi().sqrt())

    def symbolic(self, v: sp.Expr, epsilon: sp.Expr) -> sp.Expr:
        """Return phi(v)."""
        return 1 / (sp.sqrt(v) + epsilon)

    def density(self, s: sp.Expr, epsilon: sp.Expr) -> sp.Expr:
        """Return rho(s)."""
        return 1 / sp.sqrt(sp.pi * s) - epsilon * sp.exp(epsilon**2 * s) * sp.erfc(epsilon * sp.sqrt(s))


@dataclass(frozen=True)
class RootOfSum:
    """phi(v) = 1/sqrt(v + eps): rho(s) = exp(-eps s)/sqrt(pi s)."""

    epsilon: Fraction
    name: ClassVar[str] = "1/sqrt(v + eps)"

    def of(self, v: FloatArray) -> FloatArray:
        """Return phi(v), elementwise, for v >= 0."""
        return np.asarray(1 / np.sqrt(v + float(self.epsilon)))

    def log_weight(self, log_s: FloatArray) -> FloatArray:
        """Return log(s rho(s)) at s = exp(log_s), elementwise, to a few units in the last place."""
        return np.asarray((log_s - np.log(np.pi)) / 2 - float(self.epsilon) * np.exp(log_s))

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""
        return 1 / (v + _ball(self.epsilon)).sqrt()

    def ball_weight(self, s: flint.arb) -> flint.arb:
        """Return a ball around s rho(s)."""
        return (s / flint.arb.pi()).sqrt() * (-_ball(self.epsilon) * s).exp()

    def symbolic(self, v: sp.Expr, epsilon: sp.Expr) -> sp.Expr:
        """Return phi(v)."""
        return 1 / sp.sqrt(v + epsilon)

    def density(self, s: sp.Expr, epsilon: sp.Expr) -> sp.Expr:
        """Return rho(s)."""
        return sp.exp(-epsilon * s) / sp.sqrt(sp.pi * s)


def complementary_ratio(e: FloatArray) -> FloatArray:
    """Return 1 - sqrt(pi) e erfcx(e) for e >= 0, without cancellation for large e.

    Source: Laplace's continued fraction sqrt(pi) erfcx(e) = 1/(e + K), K = (1/2)/(e + 1/(e + (3/2)/(e + ...))).
    """
    e = np.asarray(e, dtype=np.float64)
    result = np.array(1.0 - np.sqrt(np.pi) * e * scipy.special.erfcx(np.minimum(e, _CONTINUED_FRACTION_FROM)))
    large = e > _CONTINUED_FRACTION_FROM
    if large.any():
        argument = e[large]
        tail = argument.copy()
        for level in range(_CONTINUED_FRACTION_DEPTH, 1, -1):
            tail = argument + (level / 2) / tail
        k = 0.5 / tail
        result[large] = k / (argument + k)
    return result


def _ball(value: Fraction) -> flint.arb:
    return flint.arb(value.numerator) / value.denominator
