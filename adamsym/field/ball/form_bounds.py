"""What enclosures read of a Laplace form: constants, bounds without a quadrature, and the parts of its numerator.

The bounds are those of T1, T2 and T6. M = sum_k c_k g_k has one part for each lag of the head and for each geometric
term. With P(s) = E exp(-s V) and t = (1 - beta) s, a geometric term has N(s) = sum_k ratio^k E[g_k exp(-s V)], which
obeys N(s) = A(t) P(beta s) + ratio B(t) N(beta s). A lag k has H_k(s) = E[g_k exp(-s V)]: H_0(s) = A(t) P(beta s) and
H_k(s) = B(t) H_(k-1)(beta s). E[M exp(-s V)] is the sum of the parts times their amounts.
"""

from dataclasses import dataclass
from functools import lru_cache

import flint

from adamsym.field.ball.arithmetic import BITS, ball, smaller, step_bound
from adamsym.field.ball.law import EnclosedLaw
from adamsym.methods import Kernel, LagWeights, LaplaceForm


@dataclass(frozen=True)
class FormBounds:
    """Constants of a form, for gradients |g| <= G with |g'| <= H; or for bounds of norms in the place of G and H (T5).

    Attributes
    ----------
    kernel
        phi.
    total, absolute
        The sum of the lag weights c_k, and c, the sum of their magnitudes or above.
    step
        C of T1.
    at_zero
        phi(0).
    root
        An upper bound of sqrt(v) phi(v), or infinity.
    root_slope
        An upper bound of |d phi(r^2)/dr|, or infinity.
    by_squares
        An upper bound of 2 C V (-phi'(V)), so that E|M V' phi'(V)| <= H times it.
    """

    kernel: Kernel
    total: flint.arb
    absolute: flint.arb
    step: flint.arb
    at_zero: flint.arb
    root: flint.arb
    root_slope: flint.arb
    by_squares: flint.arb

    @property
    def knee(self) -> flint.arb:
        """The size of sqrt(v) up to which phi hardly falls: eps, or sqrt(eps) inside the root; 0 if not known."""
        return self.root / self.at_zero if self.root.is_finite() else flint.arb(0)

    @property
    def lipschitz(self) -> flint.arb:
        """A bound of |dF|/H (T2): |M'| phi(V) + |M V' phi'(V)|, the latter at most C H phi(0)/2."""
        return (self.absolute + self.step) * self.at_zero

    def universal(self, mean_magnitude: flint.arb) -> flint.arb:
        """Return an upper bound of E|M| phi(V) (T1): |M| <= C sqrt V, and E|M| <= c E|g|."""
        by_magnitude = (self.absolute * mean_magnitude * self.at_zero).upper()
        return smaller((self.step * self.root).upper(), by_magnitude) if self.root.is_finite() else by_magnitude

    def departure(self, law: EnclosedLaw) -> flint.arb:
        """Return a bound of |F - phi(0) E M|.

        phi(0) - phi(v) <= D sqrt v, D the bound of the root's slope, and E|M| sqrt V <= c E g^2 (T6). Without D,
        |M| <= c G, and E(phi(0) - phi(V)) <= phi(0) - phi(E g^2), as phi is convex.
        """
        if self.root_slope.is_finite():
            return self.absolute * law.mean_square * self.root_slope
        return self.absolute * law.norm * self._fall(law)

    def slope_departure(self, law: EnclosedLaw, h: flint.arb) -> flint.arb:
        """Return a bound of |dF - phi(0) E M'|.

        E|M'| (phi(0) - phi(V)) <= c H D G, and E|M V' phi'(V)| <= c G 2 H sqrt(V) |phi'(V)| <= c G H D. Without D,
        |M V'| <= 2 C H V and -v phi'(v) <= phi(0) - phi(v).
        """
        if self.root_slope.is_finite():
            return 2 * self.absolute * law.norm * h * self.root_slope
        return (self.absolute + 2 * self.step) * h * self._fall(law)

    def _fall(self, law: EnclosedLaw) -> flint.arb:
        """phi(0) d, d = 1 - phi(E g^2)/phi(0); or phi(0) sqrt(d), which bounds the norm of phi(0) - phi(V)."""
        return self.at_zero * law.tail(1 - self.kernel.ball_of(law.mean_square.upper()) / self.at_zero)


def bounds_of(form: LaplaceForm) -> FormBounds:
    """Return the constants of a form. Call within ``ball_arithmetic()``."""
    return _bounds_of(form, flint.ctx.prec)


@lru_cache(maxsize=64)
def _bounds_of(form: LaplaceForm, bits: int) -> FormBounds:
    assert bits >= BITS, "call within ball_arithmetic()"
    kernel, step = form.kernel, step_bound(form)
    at_zero = kernel.ball_of(flint.arb(0))
    root, root_slope = kernel.root_bound, kernel.root_slope
    return FormBounds(
        kernel,
        ball(form.weights.total),
        ball(form.weights.absolute_bound),
        step,
        at_zero,
        flint.arb("inf") if root is None else ball(root),
        flint.arb("inf") if root_slope is None else ball(root_slope),
        2 * step * ball(kernel.slope_share) * at_zero,
    )


@dataclass(frozen=True)
class Part:
    """``amount`` times the sum of ratio^k g_k over all k, or times g_lag where ``ratio`` is None."""

    amount: flint.arb
    ratio: flint.arb | None
    lag: int = 0

    def lag_sum(self, power: flint.arb) -> flint.arb:
        """Return the sum of weight_k power^k over all k, for the amount 1."""
        return power**self.lag if self.ratio is None else 1 / (1 - self.ratio * power)


def parts_of(weights: LagWeights) -> tuple[Part, ...]:
    """Return the parts: those of the head by lag, then the geometric terms. Call within ``ball_arithmetic()``."""
    return _parts_of(weights, flint.ctx.prec)


@lru_cache(maxsize=64)
def _parts_of(weights: LagWeights, bits: int) -> tuple[Part, ...]:
    assert bits >= BITS, "call within ball_arithmetic()"
    head = [Part(ball(amount), None, lag) for lag, amount in enumerate(weights.head)]
    return (*head, *(Part(ball(amount), ball(ratio)) for amount, ratio in weights.terms))
