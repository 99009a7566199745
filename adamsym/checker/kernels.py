"""Bounds of the kernels phi and of their densities rho, in interval arithmetic, by the checker's own formulas.

For phi(v) = int_0^inf exp(-s v) rho(s) ds with rho completely monotone, that is phi(v) = int mu(dt)/(v + t), mu >= 0,
all bounds that the checker needs follow from phi alone (theory T5): phi is convex and decreasing, v phi(v) increases,
v |phi'(v)| <= phi(0)/4, s rho(s) <= phi(1/s), and the integral of rho beyond s is at most phi(0) - phi(1/s).
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.scaled_erfc import complement, squared_density
from adamsym.checker.values import value_of
from adamsym.expressions.ranges import Range
from adamsym.methods import Kernel

V, S, EPS = sp.symbols("v s eps", positive=True)


@dataclass(frozen=True)
class KernelBounds(ABC):
    """Intervals around phi and s rho(s), and bounds that follow.

    Arguments v, s and sqrt v are known not to be negative, though their intervals may reach below 0.
    """

    using: Arithmetic
    epsilon: Fraction

    @abstractmethod
    def at(self, v: Interval) -> Interval:
        """Return phi(v) for a point v >= 0."""

    def of(self, v: Interval) -> Interval:
        """Return phi(v) from its values at the ends: it decreases."""
        low, high = self.using.nonnegative(v), self.using.upper(v)
        return self.at(low) if low == high else self.using.hull(self.at(low), self.at(high))

    @cached_property
    def eps(self) -> Interval:
        """The epsilon."""
        return self.using.exact(self.epsilon)

    @cached_property
    def largest(self) -> Interval:
        """phi(0)."""
        return self.at(self.using.number(0))

    @abstractmethod
    def weight(self, s: Interval) -> Interval:
        """Return s rho(s) for s > 0."""

    def slope(self, v: Interval) -> Interval:
        """Return phi'(v) for v > 0."""
        raise NotCheckable("rows in epochs, with a kernel that is not built in")

    def drop(self, v: Interval) -> Interval:
        """Return a bound of phi(0) - phi(v)."""
        return self.using.upper(self.largest - self.at(self.using.upper(v)))

    @property
    def root_slope(self) -> Interval | None:
        """K with phi(0) - phi(v) <= K sqrt v and |phi'(v)| sqrt v <= K/2 for all v > 0; None if none is known."""
        return None

    @property
    def scaled_slope(self) -> Interval:
        """A bound of v |phi'(v)|: that of v/(v + t)^2 is 1/(4 t)."""
        return self.largest / 4

    def rooted(self, largest: Interval) -> Interval:
        """Return a bound of sqrt(v) phi(v) for sqrt v up to ``largest``."""
        using, high = self.using, self.using.upper(largest)
        bound = using.number(0)
        for _ in range(200):
            if high * self.largest <= bound:
                break
            # From one end of a part to the other sqrt v doubles, and phi falls.
            bound, high = using.largest([bound, high * self.of(using.square(high) / 4)]), using.upper(high / 2)
        return using.largest([bound, high * self.largest])

    def rooted_anywhere(self) -> Interval | None:
        """Return a bound of sqrt(v) phi(v) for every v; None if none is known."""
        return None

    def growth_anywhere(self, beta: Fraction) -> Interval:
        """Return a bound of phi(beta v)/phi(v) - 1 for every v: v phi(v) increases."""
        return self.using.number(math.inf) if beta == 0 else self.using.upper(1 / self.using.exact(beta) - 1)

    def growth(self, beta: Fraction, largest: Interval) -> Interval:
        """Return a bound of phi(beta v)/phi(v) - 1 for sqrt v up to ``largest``: q^2 of the sign lemma."""
        using, square = self.using, self.using.square(largest)
        whole = using.upper(self.drop(square) / self.of(square))
        # v phi(v) increases.
        return whole if beta == 0 else using.least_bound([whole, 1 / using.exact(beta) - 1])


@dataclass(frozen=True)
class RootPlusEpsBounds(KernelBounds):
    """phi(v) = 1/(sqrt(v) + eps)."""

    def at(self, v: Interval) -> Interval:
        """Return phi(v) for a point v >= 0."""
        return 1 / (self.using.root(v) + self.eps)

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s) = sqrt(s/pi) (1 - sqrt(pi) e erfcx(e)), e = eps sqrt(s)."""
        using = self.using
        # The complement falls: over a range of eps it is between its values at the ends.
        ends = [self.epsilon.low, self.epsilon.high] if isinstance(self.epsilon, Range) else [self.epsilon]
        values = [complement(using, using.exact(eps) * using.root(s)) for eps in ends]
        return using.root(s / using.pi) * (values[0] if len(ends) == 1 else using.hull(*values))

    def slope(self, v: Interval) -> Interval:
        """Return phi'(v) = -1/(2 sqrt v (sqrt v + eps)^2), which increases."""
        using = self.using

        def at(end: Interval) -> Interval:
            root = using.root(end)
            return -1 / (2 * root * using.square(root + self.eps))

        return using.by_ends(at, v)

    def drop(self, v: Interval) -> Interval:
        """Return a bound of phi(0) - phi(v), without cancellation."""
        root = self.using.root(self.using.upper(v))
        return self.using.upper(root / (self.eps * (root + self.eps)))

    @property
    def root_slope(self) -> Interval:
        """1/eps^2: the quotients are 1/(eps (sqrt v + eps)) and 1/(2 (sqrt v + eps)^2)."""
        return 1 / self.using.square(self.eps)

    @property
    def scaled_slope(self) -> Interval:
        """1/(8 eps), the largest sqrt v/(2 (sqrt v + eps)^2)."""
        return 1 / (8 * self.eps)

    def rooted(self, largest: Interval) -> Interval:
        """Return a bound of sqrt(v) phi(v), which increases."""
        high = self.using.upper(largest)
        return self.using.upper(high / (high + self.eps))

    def rooted_anywhere(self) -> Interval | None:
        """1, which sqrt(v) phi(v) nears."""
        return self.using.number(1)

    def growth_anywhere(self, beta: Fraction) -> Interval:
        """Return beta^(-1/2) - 1, which the quotient nears."""
        if beta == 0:
            return self.using.number(math.inf)
        return self.using.upper(1 / self.using.root(self.using.exact(beta)) - 1)

    def growth(self, beta: Fraction, largest: Interval) -> Interval:
        """Return a bound of phi(beta v)/phi(v) - 1: it is largest where sqrt v is."""
        root, high = self.using.root(self.using.exact(beta)), self.using.upper(largest)
        return self.using.upper((1 - root) * high / (root * high + self.eps))


@dataclass(frozen=True)
class SquaredRootPlusEpsBounds(KernelBounds):
    """phi(v) = 1/(sqrt(v) + eps)^2, minus the derivative of 1/(sqrt(v) + eps) in eps.

    1/(r + eps)^2 = int x exp(-x (r + eps)) dx, and exp(-x sqrt v) is a Laplace transform: so rho is completely monotone
    in eps too.
    """

    def at(self, v: Interval) -> Interval:
        """Return phi(v) for a point v >= 0."""
        return 1 / self.using.square(self.using.root(v) + self.eps)

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s), which falls in eps."""
        using = self.using
        ends = [self.epsilon.low, self.epsilon.high] if isinstance(self.epsilon, Range) else [self.epsilon]
        values = [squared_density(using, using.exact(eps) * using.root(s)) for eps in ends]
        return s * (values[0] if len(ends) == 1 else using.hull(*values))

    @property
    def root_slope(self) -> Interval:
        """2/eps^3: with r = sqrt v, |phi'(v)| r is 1/(r + eps)^3, and the derivative in r twice that."""
        return 2 / self.using.power(self.eps, 3)

    def rooted_anywhere(self) -> Interval | None:
        """1/(4 eps), the value at sqrt v = eps."""
        return 1 / (4 * self.eps)


@dataclass(frozen=True)
class RootOfSumBounds(KernelBounds):
    """phi(v) = 1/sqrt(v + eps)."""

    def at(self, v: Interval) -> Interval:
        """Return phi(v) for a point v >= 0."""
        return 1 / self.using.root(v + self.eps)

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s) = sqrt(s/pi) exp(-eps s)."""
        return self.using.root(s / self.using.pi) * self.using.exponential(-self.eps * s)

    def slope(self, v: Interval) -> Interval:
        """Return phi'(v) = -(v + eps)^(-3/2)/2, which increases."""
        using = self.using
        return using.by_ends(lambda end: -1 / (2 * (end + self.eps) * using.root(end + self.eps)), v)

    def drop(self, v: Interval) -> Interval:
        """Return a bound of phi(0) - phi(v), without cancellation."""
        end = self.using.upper(v)
        low, high = self.using.root(self.eps), self.using.root(end + self.eps)
        return self.using.upper(end / (low * high * (low + high)))

    @property
    def root_slope(self) -> Interval:
        """1/(2 eps): with y^2 = v/eps, (1 - (1 + y^2)^(-1/2))/y <= 1/2 and y/(2 (1 + y^2)^(3/2)) <= 1/4."""
        return 1 / (2 * self.eps)

    def rooted(self, largest: Interval) -> Interval:
        """Return a bound of sqrt(v) phi(v), which increases."""
        high = self.using.upper(largest)
        return self.using.upper(high / self.using.root(self.using.square(high) + self.eps))

    def rooted_anywhere(self) -> Interval | None:
        """1, which sqrt(v) phi(v) nears."""
        return self.using.number(1)

    def growth_anywhere(self, beta: Fraction) -> Interval:
        """Return beta^(-1/2) - 1, which the quotient nears."""
        if beta == 0:
            return self.using.number(math.inf)
        return self.using.upper(1 / self.using.root(self.using.exact(beta)) - 1)

    def growth(self, beta: Fraction, largest: Interval) -> Interval:
        """Return a bound of phi(beta v)/phi(v) - 1: it is largest where v is."""
        square, share = self.using.square(self.using.upper(largest)), self.using.exact(beta)
        x = (1 - share) * square / (share * square + self.eps)
        return self.using.upper(x / (self.using.root(1 + x) + 1))


@dataclass(frozen=True)
class FormulaBounds(KernelBounds):
    """A kernel of a user's class, from its formulas in ``V`` and ``EPS``, and ``S`` and ``EPS``."""

    phi: sp.Expr
    density: sp.Expr

    def at(self, v: Interval) -> Interval:
        """Return phi(v) for a point v >= 0."""
        return value_of(self.using, self.phi, {V: v, EPS: self.eps})

    def weight(self, s: Interval) -> Interval:
        """Return s rho(s)."""
        return s * value_of(self.using, self.density, {S: s, EPS: self.eps})


_BUILT_IN: dict[str, type[RootPlusEpsBounds] | type[RootOfSumBounds]] = {
    "1/(sqrt(v) + eps)": RootPlusEpsBounds,
    "1/sqrt(v + eps)": RootOfSumBounds,
}


def bounds_of(using: Arithmetic, kernel: Kernel) -> KernelBounds:
    """Return the bounds of a kernel: by its name if it is one of the built-in ones, else from its formulas.

    Of another kernel it is supposed that its two formulas belong together and that rho is completely monotone.
    """
    known = _BUILT_IN.get(kernel.name)
    if known is not None:
        return known(using, kernel.epsilon)
    return FormulaBounds(using, kernel.epsilon, kernel.symbolic(V, EPS), kernel.density(S, EPS))
