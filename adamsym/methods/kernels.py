"""The kernels phi of Adam's denominators and their densities rho (theory T4)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.error_functions import CONTINUED_FRACTION_FROM, erfcx, fraction
from adamsym.expressions.ranges import Range

if TYPE_CHECKING:
    import sympy as sp


class StieltjesKernel:
    """Bounds that hold for every kernel phi(v) = int dnu(r)/(v + r), nu >= 0, with phi(0) finite (theory T5).

    A kernel of your own inherits them, and gives the rest of :class:`adamsym.methods.laplace.Kernel`. The bounds that
    it knows to be smaller it may override.
    """

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""
        raise NotImplementedError

    @property
    def root_bound(self) -> Fraction | None:
        """An upper bound of sqrt(v) phi(v) over all v; None if none is known."""
        return None

    @property
    def root_slope(self) -> Fraction | None:
        """An upper bound of |d phi(r^2)/dr| over all r > 0; None if none is known."""
        return None

    @property
    def slope_share(self) -> Fraction:
        """1/4, for v r/(v + r)^2 is at most that."""
        return Fraction(1, 4)

    def ball_growth(self, root: flint.arb, beta: flint.arb) -> flint.arb:
        """Return a bound of phi(beta v)/phi(v) - 1 up to v = root^2: v phi(v) increases, and phi decreases."""
        if not root.is_finite():
            return 1 / beta - 1 if beta > 0 else flint.arb("inf")
        by_value = self.ball_of(flint.arb(0)) / self.ball_of(root**2)
        return (by_value.min(1 / beta) if beta > 0 else by_value) - 1

    def weights_left(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return a bound from u rho(u) <= phi(1/u) <= phi(1/s), for x exp(-x) <= x/(1 + x)."""
        return step * s * self.ball_of(1 / s) / step.expm1()

    def weights_right(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return a bound from the integral of rho beyond s, at most phi(0) - phi(1/s), for exp(-x) <= 1/(1 + x)."""
        return step / -(-step).expm1() * (self.ball_of(flint.arb(0)) - self.ball_of(1 / s))


def _root_weights_left(s: flint.arb, step: flint.arb) -> flint.arb:
    """The sum of h u sqrt(u/pi) over u = s e^(-h), s e^(-2 h), ...: rho(u) <= 1/sqrt(pi u) for both kernels here."""
    ratio = (-step * 3 / 2).exp()
    return step * s * (s / flint.arb.pi()).sqrt() * ratio / (1 - ratio)


def _root_weights_right(s: flint.arb, step: flint.arb) -> flint.arb:
    """The sum of h/sqrt(u) over u = s e^h, s e^(2 h), ..."""
    ratio = (-step / 2).exp()
    return step * ratio / (1 - ratio) / s.sqrt()


@dataclass(frozen=True)
class RootPlusEps(StieltjesKernel):
    """phi(v) = 1/(sqrt(v) + eps): rho(s) = 1/sqrt(pi s) - eps exp(eps^2 s) erfc(eps sqrt s)."""

    epsilon: Fraction
    name: ClassVar[str] = "1/(sqrt(v) + eps)"

    @property
    def root_bound(self) -> Fraction:
        """1, the limit at infinity."""
        return Fraction(1)

    @property
    def root_slope(self) -> Fraction:
        """1/eps^2, the limit at 0."""
        return 1 / self.epsilon**2

    @property
    def slope_share(self) -> Fraction:
        """1/8, at sqrt v = eps."""
        return Fraction(1, 8)

    def ball_growth(self, root: flint.arb, beta: flint.arb) -> flint.arb:
        """Return phi(beta v)/phi(v) - 1 at v = root^2, or its limit: it increases in v."""
        share = beta.sqrt()
        if not root.is_finite():
            return 1 / share - 1 if beta > 0 else flint.arb("inf")
        return (1 - share) * root / (share * root + ball(self.epsilon))

    def weights_left(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return the bound from rho(u) <= 1/sqrt(pi u)."""
        return _root_weights_left(s, step)

    def weights_right(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return the bound from u rho(u) <= 1/(2 sqrt(pi u) eps^2)."""
        return _root_weights_right(s, step) / (2 * flint.arb.pi().sqrt() * ball(self.epsilon) ** 2)

    def of(self, v: FloatArray) -> FloatArray:
        """Return phi(v), elementwise, for v >= 0."""
        return 1 / (np.sqrt(v) + float(self.epsilon))

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""
        return 1 / (v.sqrt() + ball(self.epsilon))

    def ball_weight(self, s: flint.arb) -> flint.arb:
        """Return a ball around s rho(s) = s eps U(3/2, 3/2, eps^2 s)/(2 sqrt pi), U Tricomi's (DLMF 13.4.4)."""
        if isinstance(self.epsilon, Range):
            # It falls in eps: with e = eps sqrt(s), sqrt(pi) e erfcx(e) = int exp(-u) (1 + u/e^2)^(-1/2) du grows.
            ends = [RootPlusEps(end).ball_weight(s) for end in (self.epsilon.low, self.epsilon.high)]
            return ends[0].union(ends[1])
        eps, order = ball(self.epsilon), flint.arb(3) / 2
        return s * eps * (eps**2 * s).hypgeom_u(order, order) / (2 * flint.arb.pi().sqrt())

    def symbolic(self, v: "sp.Expr", epsilon: "sp.Expr") -> "sp.Expr":
        """Return phi(v)."""
        import sympy as sp

        return 1 / (sp.sqrt(v) + epsilon)

    def density(self, s: "sp.Expr", epsilon: "sp.Expr") -> "sp.Expr":
        """Return rho(s)."""
        import sympy as sp

        return 1 / sp.sqrt(sp.pi * s) - epsilon * sp.exp(epsilon**2 * s) * sp.erfc(epsilon * sp.sqrt(s))


@dataclass(frozen=True)
class RootOfSum(StieltjesKernel):
    """phi(v) = 1/sqrt(v + eps): rho(s) = exp(-eps s)/sqrt(pi s)."""

    epsilon: Fraction
    name: ClassVar[str] = "1/sqrt(v + eps)"

    @property
    def root_bound(self) -> Fraction:
        """1, the limit at infinity."""
        return Fraction(1)

    @property
    def root_slope(self) -> Fraction:
        """Above 2/(3 sqrt(3) eps), the value at r^2 = eps/2."""
        return Fraction(3850, 10000) / self.epsilon

    @property
    def slope_share(self) -> Fraction:
        """Above 1/(3 sqrt 3), at v = 2 eps."""
        return Fraction(1925, 10000)

    def ball_growth(self, root: flint.arb, beta: flint.arb) -> flint.arb:
        """Return phi(beta v)/phi(v) - 1 at v = root^2, or its limit: it increases in v."""
        if not root.is_finite():
            return 1 / beta.sqrt() - 1 if beta > 0 else flint.arb("inf")
        eps, v = ball(self.epsilon), root**2
        return (((1 - beta) * v / (beta * v + eps)).log1p() / 2).expm1()

    def weights_left(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return the bound from rho(u) <= 1/sqrt(pi u)."""
        return _root_weights_left(s, step)

    def weights_right(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return the bound from u rho(u) <= exp(-eps s/2) 2/(e eps sqrt(pi u)), for u exp(-eps u/2) <= 2/(e eps)."""
        eps = ball(self.epsilon)
        factor = 2 * (-eps * s / 2 - 1).exp() / (eps * flint.arb.pi().sqrt())
        return factor * _root_weights_right(s, step)

    def of(self, v: FloatArray) -> FloatArray:
        """Return phi(v), elementwise, for v >= 0."""
        return np.asarray(1 / np.sqrt(v + float(self.epsilon)))

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""
        return 1 / (v + ball(self.epsilon)).sqrt()

    def ball_weight(self, s: flint.arb) -> flint.arb:
        """Return a ball around s rho(s)."""
        return (s / flint.arb.pi()).sqrt() * (-ball(self.epsilon) * s).exp()

    def symbolic(self, v: "sp.Expr", epsilon: "sp.Expr") -> "sp.Expr":
        """Return phi(v)."""
        import sympy as sp

        return 1 / sp.sqrt(v + epsilon)

    def density(self, s: "sp.Expr", epsilon: "sp.Expr") -> "sp.Expr":
        """Return rho(s)."""
        import sympy as sp

        return sp.exp(-epsilon * s) / sp.sqrt(sp.pi * s)


BUILT_IN: dict[str, type[RootPlusEps] | type[RootOfSum]] = {
    RootPlusEps.name: RootPlusEps,
    RootOfSum.name: RootOfSum,
}
"""The kernels whose formulas and bounds are proved in docs/theory.md, by name."""


def supposition(name: str) -> str | None:
    """Return what proofs suppose of the kernel of a name: of a built-in one nothing, else what its author says."""
    if name in BUILT_IN:
        return None
    return f"the kernel {name} is a Stieltjes function with the density and the bounds that its class gives"


def complementary_ratio(e: FloatArray) -> FloatArray:
    """Return 1 - sqrt(pi) e erfcx(e) for e >= 0, without cancellation for large e.

    For small e it is a difference, which loses at most one digit.
    """
    e = np.asarray(e, dtype=np.float64)
    near = np.minimum(e, CONTINUED_FRACTION_FROM)
    result = np.array(1.0 - np.sqrt(np.pi) * e * erfcx(near))
    large = e > CONTINUED_FRACTION_FROM
    if large.any():
        k = fraction(e[large])
        result[large] = k / (e[large] + k)
    return result


def ball(value: Fraction | Range) -> flint.arb:
    """Return a ball around an exact fraction, or around all of a range."""
    if isinstance(value, Range):
        return ball(value.low).union(ball(value.high))
    return flint.arb(value.numerator) / value.denominator
