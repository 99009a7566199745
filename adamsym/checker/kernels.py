"""Bounds of the kernels phi and of their densities rho, in interval arithmetic, by the checker's own formulas.

For phi(v) = int_0^inf exp(-s v) rho(s) ds with rho completely monotone, that is phi(v) = int mu(dt)/(v + t), mu >= 0,
all bounds that the checker needs follow from phi alone (theory T5): phi is convex and decreasing, v phi(v) increases,
v |phi'(v)| <= phi(0)/4, s rho(s) <= phi(1/s), and the integral of rho beyond s is at most phi(0) - phi(1/s).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from mpmath import iv

from adamsym.checker.intervals import Interval, exact, exponential, hull, value_of
from adamsym.methods import Kernel

V, S, EPS = sp.symbols("v s eps", positive=True)


class KernelBounds(ABC):
    """Intervals around phi and s rho(s), and bounds that follow."""

    @abstractmethod
    def of(self, v: Interval) -> Interval:
        """Return phi(v) for v >= 0."""

    @abstractmethod
    def weight(self, s: Interval) -> Interval:
        """Return s rho(s) for s > 0."""

    def drop(self, v: Interval) -> Interval:
        """Return phi(0) - phi(v)."""
        return self.of(iv.mpf(0)) - self.of(v)

    @property
    def root_slope(self) -> Interval | None:
        """K with phi(0) - phi(v) <= K sqrt v and |phi'(v)| sqrt v <= K/2 for all v > 0; None if none is known."""
        return None

    @property
    def scaled_slope(self) -> Interval:
        """A bound of v |phi'(v)|: that of v/(v + t)^2 is 1/(4 t)."""
        return self.of(iv.mpf(0)) / 4

    def rooted(self, largest: Interval) -> Interval:
        """Return a bound of sqrt(v) phi(v) for sqrt v up to ``largest``."""
        bound, high = iv.mpf(0), largest
        for _ in range(200):
            if (high * self.of(iv.mpf(0))).b <= bound.b:
                break
            # From one end of a part to the other sqrt v doubles, and phi falls.
            bound, high = iv.mpf(max(bound.b, (high * self.of(high**2 / 4)).b)), high / 2
        return iv.mpf(max(bound.b, (high * self.of(iv.mpf(0))).b))

    def growth(self, beta: Fraction, largest: Interval) -> Interval:
        """Return a bound of phi(beta v)/phi(v) - 1 for sqrt v up to ``largest``: q^2 of the sign lemma."""
        square = largest**2
        whole = iv.mpf((self.drop(square) / self.of(square)).b)
        # v phi(v) increases.
        return whole if beta == 0 else iv.mpf(min(whole.b, (1 / exact(beta) - 1).b))


@dataclass(frozen=True)
class RootPlusEpsBounds(KernelBounds):
    """phi(v) = 1/(sqrt(v) + eps)."""

    epsilon: Fraction

    def of(self, v: Interval) -> Interval:
        """Return phi(v) for v >= 0."""
        return 1 / (iv.sqrt(v) + exact(self.epsilon))

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s) = sqrt(s/pi) (1 - sqrt(pi) e erfcx(e)), e = eps sqrt(s)."""
        return iv.sqrt(s / iv.pi) * complement(exact(self.epsilon) * iv.sqrt(s))

    def drop(self, v: Interval) -> Interval:
        """Return phi(0) - phi(v), without cancellation."""
        root, eps = iv.sqrt(v), exact(self.epsilon)
        return root / (eps * (root + eps))

    @property
    def root_slope(self) -> Interval:
        """1/eps^2: the quotients are 1/(eps (sqrt v + eps)) and 1/(2 (sqrt v + eps)^2)."""
        return 1 / exact(self.epsilon) ** 2

    @property
    def scaled_slope(self) -> Interval:
        """1/(8 eps), the largest sqrt v/(2 (sqrt v + eps)^2)."""
        return 1 / (8 * exact(self.epsilon))

    def rooted(self, largest: Interval) -> Interval:
        """Return a bound of sqrt(v) phi(v), which increases."""
        return largest / (largest + exact(self.epsilon))

    def growth(self, beta: Fraction, largest: Interval) -> Interval:
        """Return phi(beta v)/phi(v) - 1 at its largest, where sqrt v is."""
        root = iv.sqrt(exact(beta))
        return (1 - root) * largest / (root * largest + exact(self.epsilon))


@dataclass(frozen=True)
class RootOfSumBounds(KernelBounds):
    """phi(v) = 1/sqrt(v + eps)."""

    epsilon: Fraction

    def of(self, v: Interval) -> Interval:
        """Return phi(v) for v >= 0."""
        return 1 / iv.sqrt(v + exact(self.epsilon))

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s) = sqrt(s/pi) exp(-eps s)."""
        return iv.sqrt(s / iv.pi) * exponential(-exact(self.epsilon) * s)

    def drop(self, v: Interval) -> Interval:
        """Return phi(0) - phi(v), without cancellation."""
        low, high = iv.sqrt(exact(self.epsilon)), iv.sqrt(v + exact(self.epsilon))
        return v / (low * high * (low + high))

    @property
    def root_slope(self) -> Interval:
        """1/(2 eps): with y^2 = v/eps, (1 - (1 + y^2)^(-1/2))/y <= 1/2 and y/(2 (1 + y^2)^(3/2)) <= 1/4."""
        return 1 / (2 * exact(self.epsilon))

    def rooted(self, largest: Interval) -> Interval:
        """Return a bound of sqrt(v) phi(v), which increases."""
        return largest / iv.sqrt(largest**2 + exact(self.epsilon))

    def growth(self, beta: Fraction, largest: Interval) -> Interval:
        """Return phi(beta v)/phi(v) - 1 at its largest, where v is."""
        square = largest**2
        x = (1 - exact(beta)) * square / (exact(beta) * square + exact(self.epsilon))
        return x / (iv.sqrt(1 + x) + 1)


@dataclass(frozen=True)
class FormulaBounds(KernelBounds):
    """A kernel of a user's class, from its formulas in ``V`` and ``EPS``, and ``S`` and ``EPS``."""

    epsilon: Fraction
    phi: sp.Expr
    density: sp.Expr

    def of(self, v: Interval) -> Interval:
        """Return phi(v) for v >= 0, from its values at the ends."""
        eps = exact(self.epsilon)
        low = value_of(self.phi, {V: iv.mpf(v.b), EPS: eps})
        return low if v.a == v.b else hull(low, value_of(self.phi, {V: iv.mpf(v.a), EPS: eps}))

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s)."""
        return s * value_of(self.density, {S: s, EPS: exact(self.epsilon)})


_BUILT_IN: dict[str, type[RootPlusEpsBounds] | type[RootOfSumBounds]] = {
    "1/(sqrt(v) + eps)": RootPlusEpsBounds,
    "1/sqrt(v + eps)": RootOfSumBounds,
}


def bounds_of(kernel: Kernel) -> KernelBounds:
    """Return the bounds of a kernel: by its name if it is one of the built-in ones, else from its formulas.

    Of another kernel it is supposed that its two formulas belong together and that rho is completely monotone.
    """
    known = _BUILT_IN.get(kernel.name)
    if known is not None:
        return known(kernel.epsilon)
    return FormulaBounds(kernel.epsilon, kernel.symbolic(V, EPS), kernel.density(S, EPS))


def complement(e: Interval) -> Interval:
    """Return 1 - sqrt(pi) e erfcx(e), e > 0."""
    if e.b < 2:
        # exp(e^2) erf(e) = (2/sqrt(pi)) sum 2^k e^(2k+1)/(2k+1)!!; where the ratio is below 1/5, it stays so.
        term, series, square, last_place = e, iv.mpf(0), 2 * e**2, iv.mpf(2) ** -iv.prec
        for k in range(40):
            series += term
            ratio = square / (2 * k + 3)
            term *= ratio
            if ratio < 0.2 and term < last_place * series:
                break
        series += iv.mpf([0, (term * 5 / 4).b])
        return 1 - e * (iv.sqrt(iv.pi) * exponential(e**2) - 2 * series)
    # sqrt(pi) erfcx(e) = 1/(e + (1/2)/(e + 1/(e + (3/2)/(e + ...)))): convergents lie on alternate sides.
    enough, tails = _depth(float(e.mid) if e < 1e9 else 1e9, iv.prec), []
    for depth in (enough, enough + 1):
        tail = e
        for k in range(depth, 1, -1):
            tail = e + iv.mpf(k) / 2 / tail
        tails.append(iv.mpf(1) / 2 / tail)
    tail = iv.mpf([min(t.a for t in tails), max(t.b for t in tails)])
    return tail / (e + tail)


def _depth(e: float, bits: int) -> int:
    """How deep the fraction is to be for convergents that agree to so many bits, at most 120."""
    quotient, change, depth = e, 1.0, 1
    while change > 2.0**-bits and depth < 120:
        # With denominators B, B_(k+1) = e B_k + (k/2) B_(k-1), the changes are (k/2) B_(k-1)/B_(k+1) times the last.
        following = e + depth / 2 / quotient
        change *= depth / 2 / (quotient * following)
        quotient, depth = following, depth + 1
    return depth
