"""Products over all lags for continuous laws: Taylor polynomials at t = 0 with remainders from moments (theory T5).

A function of t is held as a polynomial of degree below n, with a bound of what it differs by on [0, T], over (t/T)^n.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from adamsym.checker.arithmetic import BITS, Interval
from adamsym.checker.continuous_law import ContinuousLaw
from adamsym.checker.form import Form
from adamsym.checker.products import (
    LARGEST_STEP,
    Products,
    divided,
    numerators_of,
    sized,
    step_of,
    sums_over_lags,
    times,
)
from adamsym.expressions.work import spend

TERMS = 24
"""n."""

_RANGES = 5


@dataclass(frozen=True)
class _Taylor:
    """Coefficients, and a factor e of the remainder e (t/T)^n."""

    coefficients: list[Interval]
    rest: Interval


class MomentProducts(Products):
    """P(s) and G(s), G'(s) of a continuous law."""

    law: ContinuousLaw

    def __init__(self, law: ContinuousLaw, form: Form, largest: Fraction = LARGEST_STEP) -> None:
        self.columns: list[tuple[list[Interval], list[Interval]]] = []
        self.using = using = form.using
        self.lags_per_step, _ = step_of(using, form.beta, largest)
        self.previous = None
        self.law, self.beta = law, using.exact(form.beta)
        self.numerators, self.made_of = numerators_of(form)
        self.memory, self.exact_beta = float(form.beta), form.beta
        self.powers: dict[int, Interval] = {}
        self.weights: dict[int, Interval] = {}
        self.least = self.about = using.number(0)
        self.given_beta, self.unit = form.beta, 1 - self.beta
        self.terms = TERMS
        spend(TERMS**2 * (20 + 4 * len(law.slopes)) + _RANGES * TERMS * 20)
        self._quotients = self._polynomials()
        self.end, worst = self._range()
        self.width = self.scaled_width = 1 / self.end
        remainder = 1e-17 if using.bits <= BITS else 1e-26
        self.reach = min(0.9, (remainder / worst) ** (1 / TERMS)) if math.isfinite(worst) and worst > 0 else 1e-9
        self._series()

    def _terms_at(self, ratio: float) -> int:
        return TERMS

    def _power_moment(self, order: int, with_z: int) -> Interval:
        """E[g^order Z^with_z], by the binomial theorem."""
        law, using = self.law, self.using
        return using.total(
            math.comb(order, i) * law.moment(i + with_z) * using.power(law.p, order - i) * using.power(law.q, i)
            for i in range(order + 1)
            if not (law.kind != "Exponential" and (i + with_z) % 2)
        )

    def _polynomials(self) -> dict[tuple[int, int], list[Interval]]:
        """Those of B, and over B of E[g^k Z^i exp(-t g^2)], (k, i) other than (0, 0)."""
        signs = [(-1) ** j * self.using.number(1) / math.factorial(j) for j in range(TERMS)]
        own = {
            (k, i): [sign * self._power_moment(k + 2 * j, i) for j, sign in enumerate(signs)]
            for k, i in ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1))
        }
        b = [self.using.number(1), *own[0, 0][1:]]
        return {(0, 0): b} | {key: divided(x, b) for key, x in own.items() if key != (0, 0)}

    def _size(self, coefficients: Sequence[Interval], end: Interval) -> Interval:
        """A bound of a polynomial on [0, T]."""
        using = self.using
        return using.upper(using.total(using.magnitude(c) * using.power(end, j) for j, c in enumerate(coefficients)))

    def _functions(self, end: Interval) -> list[tuple[_Taylor, _Taylor]]:
        """log B and A/B; and the derivatives of both in p, and in q; with remainders on [0, T], T = ``end``."""
        law, using, base = self.law, self.using, self._quotients
        order = 2 * TERMS + 4
        norm, of_z = law.norm_of(order), law.norm_of_z(order)
        common = using.upper(using.power(end * using.square(norm), TERMS) / math.factorial(TERMS))
        size_b = self._size(base[0, 0], end)
        # B(T) >= exp(-T E g^2), by Jensen's inequality.
        inverse = using.upper(using.exponential(end * using.upper(law.mean_square)))

        def quotient(k: int, i: int) -> tuple[Interval, Interval]:
            size = self._size(base[k, i], end)
            own = common * using.power(norm, k) * using.power(of_z, i)
            return size, using.upper((size * size_b + own + size * common) * inverse)

        a, c, z, az, cz = (quotient(*key) for key in ((1, 0), (2, 0), (0, 1), (1, 1), (2, 1)))
        return [
            (
                _Taylor(_integrated([-x for x in base[2, 0]]), end * sum(c)),
                _Taylor(base[1, 0], a[1]),
            ),
            self._derivatives(end, base[1, 0], [1, *[0] * (TERMS - 1)], base[2, 0], (a, None, c), a),
            self._derivatives(end, base[1, 1], base[0, 1], base[2, 1], (az, z, cz), a),
        ]

    def _derivatives(
        self,
        end: Interval,
        first: list[Interval],
        plain: list[Interval],
        second: list[Interval],
        bounds: tuple[tuple[Interval, Interval], tuple[Interval, Interval] | None, tuple[Interval, Interval]],
        ratio: tuple[Interval, Interval],
    ) -> tuple[_Taylor, _Taylor]:
        """-2 t x and y - 2 t w + 2 t r x, with x, y, w = E[g D ..]/B, E[D ..]/B, E[g^2 D ..]/B, and r = A/B."""
        using = self.using
        (size_x, rest_x), of_plain, (size_w, rest_w) = bounds
        size_r, rest_r = ratio
        product = size_r * size_x + rest_r * (size_x + rest_x) + size_r * rest_x
        mixed = times(self._quotients[1, 0], first)
        bent = _shifted([2 * (r - w) for r, w in zip(mixed, second, strict=True)])
        rest = 2 * end * (size_w + rest_w + size_r * size_x + product)
        return (
            _Taylor(_shifted([-2 * x for x in first]), using.upper(2 * end * (size_x + rest_x))),
            _Taylor(
                [y + x for y, x in zip(plain, bent, strict=True)],
                using.upper(rest if of_plain is None else rest + of_plain[1]),
            ),
        )

    def _range(self) -> tuple[Interval, float]:
        """The T of some with the farthest t up to which remainders are small, and about how large they are at T."""
        using, law = self.using, self.law
        norm = law.norm_of(2 * TERMS)
        if not (norm > 0 and using.is_bounded(norm)):
            return using.number(1), math.inf
        whole = using.upper(using.power(using.number(2), 3) / using.square(norm))
        root = float(using.upper(using.root(using.upper(law.mean_square))))
        scales = (1.0, 1 / root, root, 1.0, root, 1.0)
        found, best, worst = whole, 0.0, math.inf
        for k in range(_RANGES):
            end = using.upper(whole / 2**k)
            rests = [float(using.upper(x.rest)) for pair in self._functions(end) for x in pair]
            largest = max(x * scale for x, scale in zip(rests, scales, strict=True))
            if math.isfinite(largest) and largest > 0:
                reach = float(end) * min(0.9, (1e-17 / largest) ** (1 / TERMS))
                if reach > best:
                    found, best, worst = end, reach, largest
        return found, worst

    def _series(self) -> None:
        """Sums of the coefficients over the lags, with those of the remainders."""
        using = self.using
        own, *by = self._functions(self.end)
        pairs = [own]
        for dp, dq in self.law.slopes:
            combined = [
                _Taylor(
                    [dp * x + dq * y for x, y in zip(one.coefficients, other.coefficients, strict=True)],
                    using.magnitude(dp) * one.rest + using.magnitude(dq) * other.rest,
                )
                for one, other in zip(by[0], by[1], strict=True)
            ]
            pairs.append((combined[0], combined[1]))
        powers = [using.power(self.beta, k) for k in range(TERMS + 1)]
        sums = list(zip(*(sums_over_lags(self.numerators, x) for x in powers), strict=True))
        sizes = sums_over_lags([sized(using, part) for part in self.numerators], powers[TERMS])
        zeros = [using.number(math.inf)] * TERMS
        for log_part, ratio_part in pairs:
            first = [
                using.number(0),
                *(x / (1 - y) for x, y in zip(log_part.coefficients[1:], powers[1:], strict=False)),
            ]
            self.columns.append((first, [*zeros, log_part.rest / (1 - powers[TERMS])]))
            for weights, size in zip(sums, sizes, strict=True):
                values = [x * y for x, y in zip(ratio_part.coefficients, weights, strict=False)]
                self.columns.append((values, [*zeros, ratio_part.rest * size]))


def _integrated(x: list[Interval]) -> list[Interval]:
    return [0 * x[0], *(c / (j + 1) for j, c in enumerate(x[:-1]))]


def _shifted(x: list[Interval]) -> list[Interval]:
    return [0 * x[0], *x[:-1]]
