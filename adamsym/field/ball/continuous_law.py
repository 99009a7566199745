"""Laws of gradients g = p + q Z with a standard continuous Z, in balls; bounds by means in place of largest values."""

from collections.abc import Sequence
from functools import cached_property

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, larger, smaller, square, symmetric
from adamsym.field.ball.law import EnclosedLaw
from adamsym.field.ball.standard_laws import Integrals, StandardLaw

OPERATIONS = 120
"""What the transforms at one t cost, about, in operations on balls."""

_EXTRA_BITS = (64, 192, 640, 1600)
"""Bits beyond the working precision that are tried in turn, for digits cancel where q is small beside p."""

_ACCURATE = 2.0**-90

_BOUNDS = tuple(map(flint.arb, (0.86, 1.22, 1.15, 2.72)))
"""2 max x e^(-x^2), 2 max x e^(-x^2/2), max |1 - 2 x^2| e^(-x^2/2) and max |6 x - 4 x^3| e^(-x^2/2), or above."""


class ContinuousLaw(EnclosedLaw):
    """The law of g = p + q Z, p and q balls; and for each parameter E[g'|g] = p' + q' Z, as pairs (p', q').

    All that is said holds for every law whose p, q, p' and q' lie in the balls. The bounds of the quadrature take
    ``norm``, a bound of (E g^4)^(1/4), in the place of the largest |g|, and ``slope_norms``, bounds of
    (E g'^2)^(1/2), in that of the largest |g'| (theory T5).
    """

    min_square = flint.arb(0)

    def __init__(
        self,
        standard: StandardLaw,
        p: flint.arb,
        q: flint.arb,
        slopes: Sequence[tuple[flint.arb, flint.arb]] = (),
    ) -> None:
        self.standard, self.p, self.q, self.slopes = standard, p, q, list(slopes)
        first, second, third = (ball(standard.moment(k)) for k in (1, 2, 4))
        self._first, self._second = first, second.sqrt().upper()
        self.mean = p + q * first
        self._variance = square(q) * ball(standard.variance)
        self.mean_square = square(self.mean) + self._variance
        self.mean_slopes = [dp + dq * first for dp, dq in self.slopes]
        self._root = self.mean_square.upper().sqrt().upper()
        self._product_norms = {0: flint.arb(1), 1: self._second, 2: third.sqrt().upper()}
        self.norm = self.norm_of(4)
        self.slope_norms = [
            (square(dp + dq * first) + square(dq) * ball(standard.variance)).upper().sqrt().upper()
            for dp, dq in self.slopes
        ]

    def norm_of_z(self, order: int) -> flint.arb:
        """Return an upper bound of (E|Z|^order)^(1/order) for an even order."""
        return ball(self.standard.moment(order)).root(order).upper()

    def norm_of(self, order: int) -> flint.arb:
        """An upper bound of (E|g|^order)^(1/order), by Minkowski."""
        return (abs(self.p).upper() + abs(self.q).upper() * self.norm_of_z(order)).upper()

    @property
    def mean_magnitude(self) -> flint.arb:
        """An upper bound of E|g|; 0 only if g is."""
        return self._root

    @property
    def mean_cube(self) -> flint.arb:
        """An upper bound of E|g|^3."""
        return (self.norm**3).upper()

    @property
    def variance(self) -> flint.arb:
        """Var g."""
        return self._variance

    @property
    def vanishes(self) -> bool:
        """Whether p and q are exactly 0."""
        return bool(self.p == 0 and self.q == 0)

    @property
    def max_abs(self) -> flint.arb:  # type: ignore[override]
        """The largest |g|, or infinity."""
        size = abs(self.p).upper()
        # Of a ball that may hold 0 this is not proven.
        return size if self.q == 0 else (size + abs(self.q).upper() * self.standard.reach).upper()

    @property
    def max_square_deviation(self) -> flint.arb:
        """The largest (g - Eg)^2, or infinity."""
        return flint.arb(0) if self.q == 0 else ((abs(self.q).upper() * self.standard.deviation) ** 2).upper()

    @property
    def mean_fourth_deviation(self) -> flint.arb:
        """E(g - Eg)^4."""
        return square(square(self.q)) * ball(self.standard.fourth_deviation)

    @property
    def spread(self) -> float:
        """How uncertain g is, in the mean."""
        return float(self.p.rad()) + float(self.q.rad()) * float(self._second)

    @property
    def lag_operations(self) -> int:
        """What the transforms for one lag cost, about, in operations on balls."""
        return OPERATIONS + 4 * len(self.slopes)

    def without_slopes(self) -> "ContinuousLaw":
        """Return the law alone."""
        return ContinuousLaw(self.standard, self.p, self.q)

    def tail(self, product: flint.arb) -> flint.arb:
        """Return sqrt(P(s)), for P(s) or an upper bound: what takes the place of P(s) in the bounds of tails."""
        return smaller(product.upper(), flint.arb(1)).sqrt()

    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        """Return balls around A, B and, for each parameter, the derivatives of A and B at t > 0.

        They are those for the middle of t, p and q, with the most that they change by from there.
        """
        spend(OPERATIONS + 4 * len(self.slopes))
        middle, reach, size = t.mid(), self.q.rad(), self._root
        at = self._at_middle(middle, self.p.mid(), self.q.mid())
        if at is None:
            # On the way from q = 0 to q the norm of g is at most the larger one of the ends.
            reach, size = abs(self.q).upper(), larger(size, abs(self.p).upper())
            at = self._degenerate(middle, self.p.mid())
        double = 2 * middle
        by_p = at.one - double * at.square, -double * at.g
        by_q = at.z - double * at.square_z, -double * at.gz
        b, a, (a_p, a_q), (b_p, b_q) = self._changes(t, at.one, (self.p.rad(), reach), size)
        by_p, by_q = (by_p[0] + a_p, by_p[1] + b_p), (by_q[0] + a_q, by_q[1] + b_q)
        slopes = [(dp * by_p[0] + dq * by_q[0], dp * by_p[1] + dq * by_q[1]) for dp, dq in self.slopes]
        return at.g + a, at.one + b, slopes

    def _changes(
        self, t: flint.arb, one: flint.arb, radii: tuple[flint.arb, flint.arb], size: flint.arb
    ) -> tuple[flint.arb, flint.arb, list[flint.arb], list[flint.arb]]:
        """What B and A, the derivatives of A, and those of B, in p and q, change by, at most, as balls around 0.

        ``one`` is B in the middle, ``radii`` are those of p and q, and |g|_2 <= ``size``. Derivatives of E[w D
        exp(-t g^2)] in p and q, D = 1 or Z, are E[w' D D' exp(-t g^2)]. With x = g sqrt t the polynomials times
        e^(-x^2) that occur are |x| <= 0.43, |1 - 2 x^2| <= 1, |6 x - 4 x^3| <= min(2, 6 |x|); times e^(-x^2/2) they are
        at most 0.61, 1.15, 2.72, and E|D| e^(-x^2/2) <= |D|_2 sqrt(B). Derivatives in log t have x^2, x (1 - x^2) and
        3 x^2 - 2 x^4, times e^(-x^2/2) at most 0.74, 0.82 and 2.9.
        """
        root, norms = t.sqrt().upper(), self._product_norms
        of_t = (t.rad() / t.lower()).upper()
        whole = radii[0] + radii[1] * norms[1]
        plain = smaller((2 * t * size).upper(), (_BOUNDS[0] * root).upper())
        largest = (one + whole * plain + of_t).upper()
        decay = smaller(flint.arb(1), largest.sqrt().upper())
        b = smaller(plain, (_BOUNDS[1] * root * decay).upper())
        a = smaller(flint.arb(1), (_BOUNDS[2] * decay).upper())
        bent = smaller((6 * t * size).upper(), (2 * root).upper())
        bent = smaller(bent, (_BOUNDS[3] * root * decay).upper())
        sums = [radii[0] * norms[k] + radii[1] * norms[k + 1] for k in (0, 1)]
        return (
            symmetric(whole * b + of_t * decay),
            symmetric(whole * a + of_t * decay * size),
            [symmetric(sums[k] * bent + 3 * of_t * decay * norms[k]) for k in (0, 1)],
            [symmetric(2 * t * sums[k] * a + 2 * of_t * root * decay * norms[k]) for k in (0, 1)],
        )

    def _at_middle(self, t: flint.arb, p: flint.arb, q: flint.arb) -> Integrals | None:
        """The integrals for one p and q, with so many bits that they are accurate; None if no allowed number does."""
        if q == 0:
            return self._degenerate(t, p)
        mirrored = q < 0
        for extra in _EXTRA_BITS:
            with flint.ctx.workprec(flint.ctx.prec + extra):
                if mirrored and not self.standard.symmetric:
                    found = self.standard.integrals(t, -p, -q).mirrored(g=True)
                elif mirrored:
                    found = self.standard.integrals(t, p, -q).mirrored(g=False)
                else:
                    found = self.standard.integrals(t, p, q)
            if self._is_accurate(found, p, q):
                return found
        return None

    def _is_accurate(self, found: Integrals, p: flint.arb, q: flint.arb) -> bool:
        if not found.one > 0:
            return False
        least = found.one.lower() * _ACCURATE
        size = abs(p) + abs(q)
        return bool(
            found.one.rad() <= least
            and found.g.rad() <= least * size
            and found.z.rad() <= least
            and found.square.rad() <= least * size**2
            and found.gz.rad() <= least * size
            and found.square_z.rad() <= least * size**2
        )

    def _degenerate(self, t: flint.arb, p: flint.arb) -> Integrals:
        """The integrals for q = 0."""
        one = (-t * p**2).exp()
        return Integrals(one, p * one, p**2 * one, self._first * one, p * self._first * one, p**2 * self._first * one)

    @cached_property
    def raw_moments(self) -> "RawMoments":
        """E g^k and E[g^k Z]."""
        return RawMoments(self)


class RawMoments:
    """E g^k and E[g^k Z], k = 0, 1, ..., by the binomial theorem about p."""

    def __init__(self, law: ContinuousLaw) -> None:
        self._law, self._p, self._q = law, [flint.arb(1)], [flint.arb(1)]

    def of(self, order: int, with_z: int = 0) -> flint.arb:
        """Return E[g^order Z^with_z]."""
        while len(self._p) <= order:
            k = len(self._p)
            for powers, x in ((self._p, self._law.p), (self._q, self._law.q)):
                # An even power of a ball around 0 is never negative.
                powers.append(square(powers[k // 2]) if k % 2 == 0 else powers[k - 1] * x)
        total, weight = flint.arb(0), 1
        for i in range(order + 1):
            moment = self._law.standard.moment(i + with_z)
            if moment:
                total += weight * ball(moment) * self._p[order - i] * self._q[i]
            weight = weight * (order - i) // (i + 1)
        return total
