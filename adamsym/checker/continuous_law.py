"""Laws of gradients g = p + q Z over a box, Z standard normal, uniform on (-1, 1) or exponential, in intervals.

Bounds by means take the place of largest values (theory T5): ``norm`` bounds (E g^4)^(1/4), ``slope_norms`` bound
(E g'^2)^(1/2), and ``tail`` is the square root.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.coordinate_law import CircleBounds, Coefficients, Law, Transforms
from adamsym.checker.scaled_erfc import complement

_LOST = 2.0**30
"""How many times their width in the last place the integrals may be wide, beside their size."""


@dataclass(frozen=True)
class _Integrals:
    """E[w exp(-t g^2)], w = 1, g, g^2, and Z times these."""

    plain: list[Interval]
    with_z: list[Interval]


def standard_moment(kind: str, order: int) -> Fraction:
    """Return E Z^order."""
    if kind == "Exponential":
        return Fraction(math.factorial(order))
    if order % 2:
        return Fraction(0)
    if kind == "Uniform":
        return Fraction(1, order + 1)
    return Fraction(math.factorial(order), 2 ** (order // 2) * math.factorial(order // 2))


class ContinuousLaw(Law):
    """The law of p + q Z; of each parameter's E[g'|g] = p' + q' Z the pair (p', q') is known."""

    def __init__(
        self,
        using: Arithmetic,
        kind: str,
        p: Interval,
        q: Interval,
        derivatives: Sequence[tuple[Interval, Interval]] = (),
    ) -> None:
        for name, value in {
            "using": using, "kind": kind, "p": p, "q": q, "derivatives": list(derivatives), "slopes": list(derivatives)
        }.items():  # fmt: skip
            object.__setattr__(self, name, value)

    kind: str
    p: Interval
    q: Interval
    derivatives: list[tuple[Interval, Interval]]

    @property
    def is_listed(self) -> bool:
        """No."""
        return False

    @property
    def atoms(self) -> list[Interval]:
        """There are none."""
        raise NotCheckable("this needs a list of atoms, and the law is continuous")

    def moment(self, order: int) -> Interval:
        """Return E Z^order."""
        return self.using.exact(standard_moment(self.kind, order))

    def norm_of_z(self, order: int) -> Interval:
        """Return a bound of (E|Z|^order)^(1/order), for an even order."""
        using = self.using
        return using.upper(using.exponential(using.logarithm(self.moment(order)) / order))

    def norm_of(self, order: int) -> Interval:
        """Return a bound of (E|g|^order)^(1/order), for an even order, by Minkowski's inequality."""
        using = self.using
        return using.upper(using.magnitude(self.p) + using.magnitude(self.q) * self.norm_of_z(order))

    @cached_property
    def mean(self) -> Interval:
        """E g."""
        return self.p + self.q * self.moment(1)

    @cached_property
    def mean_slopes(self) -> list[Interval]:
        """E g' for each parameter."""
        return [dp + dq * self.moment(1) for dp, dq in self.derivatives]

    @cached_property
    def variance(self) -> Interval:
        """Var g = q^2 Var Z."""
        return self.using.square(self.q) * (self.moment(2) - self.using.square(self.moment(1)))

    @cached_property
    def mean_square(self) -> Interval:
        """E g^2."""
        return self.using.square(self.mean) + self.variance

    @property
    def is_zero(self) -> bool:
        """Whether g is proven to be 0."""
        return bool(self.using.magnitude(self.p) <= 0) and bool(self.using.magnitude(self.q) <= 0)

    @property
    def max_abs(self) -> Interval:
        """The largest |g|, or infinity."""
        if self.kind != "Uniform":
            return self.using.number(math.inf)
        return self.using.upper(self.using.magnitude(self.p) + self.using.magnitude(self.q))

    @property
    def max_deviation(self) -> Interval:
        """The largest |g - E g|^2, or infinity."""
        if self.kind != "Uniform":
            return self.using.number(math.inf)
        return self.using.upper(self.using.square(self.using.magnitude(self.q)))

    @property
    def fourth_deviation(self) -> Interval:
        """E(g - E g)^4 = q^4 E(Z - E Z)^4, of which the latter is 3, 1/5 or 9."""
        known = {"Normal": Fraction(3), "Uniform": Fraction(1, 5), "Exponential": Fraction(9)}
        return self.using.power(self.q, 4) * self.using.exact(known[self.kind])

    @cached_property
    def norm(self) -> Interval:
        """A bound of (E g^4)^(1/4)."""
        return self.norm_of(4)

    @property
    def mean_cube(self) -> Interval:
        """A bound of E|g|^3."""
        return self.using.power(self.norm, 3)

    @cached_property
    def slope_norms(self) -> list[Interval]:
        """Bounds of (E g'^2)^(1/2)."""
        using, spread = self.using, self.moment(2) - self.using.square(self.moment(1))
        return [
            using.upper(using.root(using.square(dp + dq * self.moment(1)) + using.square(dq) * spread))
            for dp, dq in self.derivatives
        ]

    def tail(self, product: Interval) -> Interval:
        """Return the root of P(s), or of an upper bound."""
        using = self.using
        return using.upper(using.root(using.least_bound([product, using.number(1)])))

    @property
    def least(self) -> Interval:
        """A bound below g^2."""
        return self.using.number(0)

    @property
    def lowest(self) -> Interval:
        """A bound below V."""
        return self.least

    @property
    def lag_operations(self) -> int:
        """About how many operations ``transforms`` takes."""
        return 250

    def series(self, terms: int) -> Coefficients:
        """There is no power series that converges: see :mod:`adamsym.checker.moment_products`."""
        raise NotImplementedError

    def circle_bounds(self) -> CircleBounds:
        """As for ``series``."""
        raise NotImplementedError

    # --- transforms ------------------------------------------------------------------------------------------------

    def transforms(self, t: Interval) -> Transforms:
        """Return A, B and their derivatives at t > 0, from those in the middle of t, p and q."""
        using = self.using
        time, p, q = (using.middle(x) for x in (t, self.p, self.q))
        reach = using.magnitude(self.q - q)
        at = None if using.magnitude(q) <= 0 else self._integrals(time, p, q)
        if at is None or not self._is_narrow(at, p, q):
            at, reach = self._without_q(time, p), using.magnitude(self.q)
        (b, a, square), (z, gz, square_z) = at.plain, at.with_z
        double = 2 * time
        pairs = [(b - double * square, -double * a), (z - double * square_z, -double * gz)]
        own, changes = self._changes(t, b, using.magnitude(self.p - p), reach, using.magnitude(t - time))
        pairs = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(pairs, changes, strict=True)]
        (a, b), pairs = self._within_bounds(t, (a + own[0], b + own[1]), pairs)
        slopes = [(dp * pairs[0][0] + dq * pairs[1][0], dp * pairs[0][1] + dq * pairs[1][1]) for dp, dq in self.slopes]
        return a, b, slopes

    def _within_bounds(
        self, t: Interval, own: tuple[Interval, Interval], pairs: list[tuple[Interval, Interval]]
    ) -> tuple[tuple[Interval, Interval], list[tuple[Interval, Interval]]]:
        """A and B, and their derivatives in p and q, as narrow as bounds for all laws in the box make them.

        Where t is large, what is known of A and B from the middle is not even that B <= 1. The density of Z, |z| times
        it too, is at most 1/2, 0.4 or 1. So with its bound D for g, B <= D sqrt(pi/t), |A| <= D/t, |B'| <= 2 D and
        |A'| <= 2 D sqrt(pi/t), since |1 - 2 x^2| exp(-x^2) has an integral of less than 2 sqrt(pi).
        """
        using, q = self.using, self.using.least_magnitude(self.q)
        (a, b), one = own, using.number(1)
        if not q > 0:
            return (a, using.overlap(b, using.hull(0 * one, one))), pairs
        least = using.lower(t)
        densest = {"Normal": using.exact(Fraction(2, 5)), "Uniform": one / 2, "Exponential": one}[self.kind] / q
        whole = using.upper(densest * using.root(using.pi / least))
        slopes = using.around_zero(2 * whole), using.around_zero(using.upper(2 * densest))
        a = using.overlap(a, using.around_zero(using.upper(densest / least)))
        b = using.overlap(b, using.hull(0 * one, using.least_bound([one, whole])))
        return (a, b), [(using.overlap(x, slopes[0]), using.overlap(y, slopes[1])) for x, y in pairs]

    def _changes(
        self, t: Interval, b: Interval, of_p: Interval, of_q: Interval, of_t: Interval
    ) -> tuple[tuple[Interval, Interval], list[tuple[Interval, Interval]]]:
        """How far A and B, and the derivatives of (A, B) in p and in q, may be from those in the middle.

        A derivative in p or q puts D = 1 or Z in front, and with x = g sqrt t one of these: 2 sqrt t x, 1 - 2 x^2, both
        times 2 t for derivatives of B', and sqrt t (6 x - 4 x^3). Times exp(-x^2) they are at most 0.86 sqrt t, 1 and
        2 sqrt t; for E|D| x exp(-x^2/2) <= |D|_2 sqrt B, 1.22 sqrt t, 1.15 and 2.72 sqrt t. In log t there are x^2,
        g x^2, 2 sqrt t x (1 - x^2) and 3 x^2 - 2 x^4, times exp(-x^2/2) at most 0.74, 0.74 g, 1.64 sqrt t and 2.9.
        """
        using, exact = self.using, self.using.exact
        root = using.upper(using.root(using.upper(t)))
        norms = [using.number(1), using.upper(using.root(self.moment(2))), using.upper(using.root(self.moment(4)))]
        # Of laws between those of the middle and of the box, also where that is q = 0.
        size = using.upper(using.magnitude(self.p) + using.magnitude(self.q) * norms[1])
        log_t = using.upper(of_t / using.lower(t))
        moved = using.upper(of_p + of_q * norms[1])
        steep = using.least_bound([2 * t * size, exact(Fraction(86, 100)) * root])
        decay = using.upper(using.root(using.least_bound([using.number(1), using.upper(b) + moved * steep + log_t])))
        steep = using.least_bound([steep, exact(Fraction(122, 100)) * root * decay])
        flat = using.least_bound([using.number(1), exact(Fraction(115, 100)) * decay])
        bent = using.least_bound([6 * t * size, 2 * root, exact(Fraction(272, 100)) * root * decay])
        own = using.around_zero(moved * flat + log_t * size * decay), using.around_zero(moved * steep + log_t * decay)
        pairs = []
        for k in (0, 1):
            total = of_p * norms[k] + of_q * norms[k + 1]
            pairs.append(
                (
                    using.around_zero(total * bent + 3 * log_t * norms[k] * decay),
                    using.around_zero(2 * t * total * flat + 2 * root * log_t * norms[k] * decay),
                )
            )
        return own, pairs

    def _is_narrow(self, at: _Integrals, p: Interval, q: Interval) -> bool:
        """Whether the integrals in the middle are known to some digits."""
        using = self.using
        allowed = _LOST * 2.0**-using.bits
        size = using.upper(using.magnitude(p) + using.magnitude(q))
        if not at.plain[0] > 0:
            return False
        for k, pair in enumerate(zip(at.plain, at.with_z, strict=True)):
            most = allowed * at.plain[0] * using.power(size, k)
            if not all(using.upper(x) - using.lower(x) <= most for x in pair):
                return False
        return True

    def _without_q(self, t: Interval, p: Interval) -> _Integrals:
        decay = self.using.exponential(-t * self.using.square(p))
        plain = [decay, p * decay, self.using.square(p) * decay]
        return _Integrals(plain, [self.moment(1) * x for x in plain])

    def _integrals(self, t: Interval, p: Interval, q: Interval) -> _Integrals:
        """The integrals at points t, p and q != 0."""
        if self.kind == "Normal":
            return self._of_normal(t, p, q)
        if q < 0:
            # -g = -p + (-q) Z.
            found = self._by_powers(t, -p, -q)
            return _Integrals(_alternating(found.plain), _alternating(found.with_z))
        return self._by_powers(t, p, q)

    def _of_normal(self, t: Interval, p: Interval, q: Interval) -> _Integrals:
        """With weight exp(-t g^2), Z is normal with variance 1/d, d = 1 + 2 t q^2, and mean -2 t p q/d."""
        using = self.using
        d = 1 + 2 * t * using.square(q)
        b = using.exponential(-t * using.square(p) / d) / using.root(d)
        m, v, g = -2 * t * p * q / d, 1 / d, p / d
        square = using.square(g) + using.square(q) * v
        return _Integrals([b, b * g, b * square], [b * m, b * (g * m + q * v), b * (m * square + 2 * g * q * v)])

    def _by_powers(self, t: Interval, p: Interval, q: Interval) -> _Integrals:
        """J_k = E[g^k exp(-t g^2)], k = 0 ... 3, by parts; Z = (g - p)/q."""
        using, root = self.using, self.using.root(t)
        if self.kind == "Uniform":
            low, high = p - q, p + q
            ends = [
                (low, using.exponential(-t * using.square(low)), 1),
                (high, using.exponential(-t * using.square(high)), -1),
            ]
            at_ends = [using.total(sign * using.power(x, k) * e for x, e, sign in ends) / (4 * q * t) for k in range(3)]
            j = [self._between(root * low, root * high) / (4 * q * root)]
            j.append(at_ends[0])
            j.append(at_ends[1] + j[0] / (2 * t))
            j.append(at_ends[2] + j[1] / t)
        else:
            rate, start = 1 / (2 * q * root), using.exponential(-t * using.square(p))
            y = p * root + rate
            if y > 1:
                j = [rate * start * self._scaled(y)]
            else:
                # exp(y^2 - t p^2), the exponent at most 1.
                whole = using.exponential(using.square(rate) + p / q) * (1 - using.error_function(y))
                j = [rate * using.root(using.pi) * whole]
            j.append((start - j[0]) / (2 * t * q))
            j.append((p * start / q + j[0] - j[1] / q) / (2 * t))
            j.append((using.square(p) * start / q + 2 * j[1] - j[2] / q) / (2 * t))
        return _Integrals(j[:3], [(above - p * x) / q for x, above in itertools.pairwise(j)])

    def _scaled(self, x: Interval) -> Interval:
        """sqrt(pi) exp(x^2) erfc(x)."""
        using = self.using
        if x > 1:
            return (1 - complement(using, x)) / x
        return using.root(using.pi) * using.exponential(using.square(x)) * (1 - using.error_function(x))

    def _between(self, low: Interval, high: Interval) -> Interval:
        """sqrt(pi) (erf(high) - erf(low)), without differences of numbers close to 1."""
        using = self.using
        if high < -1:
            return self._between(-high, -low)
        if low > 1:
            first = using.exponential(-using.square(low)) * self._scaled(low)
            return first - using.exponential(-using.square(high)) * self._scaled(high)
        return using.root(using.pi) * (using.error_function(high) - using.error_function(low))


def _alternating(values: list[Interval]) -> list[Interval]:
    return [x if k % 2 == 0 else -x for k, x in enumerate(values)]
