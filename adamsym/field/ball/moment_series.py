"""Sums over all lags for a continuous law: Taylor polynomials about t = 0 with remainders from moments (theory T5).

For t >= 0, exp(-t g^2) is its Taylor polynomial of degree n - 1 up to (t g^2)^n/n!. So each E[w exp(-t g^2)] is a
polynomial of degree n - 1 in t up to e (t/T)^n on [0, T], e known for every T; their quotients, products and integrals
are too. No analyticity at 0 is needed: of an exponential law there is none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import MOST_TERMS, ball
from adamsym.field.ball.continuous_law import ContinuousLaw
from adamsym.field.ball.form_bounds import Part, parts_of
from adamsym.field.ball.lag_series import LagSums, power_of
from adamsym.methods import LaplaceForm

_LEAST_REMAINDER = 1e-22

_RANGES = 6
"""Ranges T that are tried, each half of the one before."""


@dataclass(frozen=True)
class _Function:
    """A function of t that is a polynomial of degree below n up to ``rest`` (t/T)^n on [0, T]; |polynomial| <= size."""

    size: flint.arb
    rest: flint.arb

    def times(self, other: "_Function") -> flint.arb:
        """Return the remainder of the product, of which powers from n on are cut off too."""
        return (self.size * other.size + self.rest * (other.size + other.rest) + self.size * other.rest).upper()


class MomentSeries(LagSums):
    """S and Q of a continuous law as functions of s, with their derivatives in the parameters; P = exp(S).

    ``end`` is the largest s that is allowed: there the remainders are a share of about ``tolerance``/10^4 of what they
    are added to.
    """

    def __init__(self, law: ContinuousLaw, form: LaplaceForm, farthest: float, tolerance: float) -> None:
        self.law, self.form, self.parts = law, form, parts_of(form.weights)
        self.center, self.terms = flint.arb(0), MOST_TERMS
        spend(self.terms * (30 * self.terms // 10 + 20 * (1 + len(law.slopes)) * (1 + len(self.parts))))
        self._factorial = flint.arb(math.factorial(self.terms))
        self._base = self._polynomials()
        remainder = max(_LEAST_REMAINDER, 1e-4 * tolerance)
        self.range, reach = self._best_range(remainder)
        self.end = min(farthest, reach / float(ball(1 - form.beta).upper()))
        self._columns = self._combined()
        self._prepare()

    def _polynomials(self) -> dict[str, flint.arb_series]:
        """Those of B and, over B, of E[w exp(-t g^2)] for w = g, g^2, Z, g Z, g^2 Z."""
        moments, n = self.law.raw_moments, self.terms

        def of(power: int, with_z: int) -> flint.arb_series:
            entries, factor = [], flint.arb(1)
            for j in range(n):
                entries.append(moments.of(power + 2 * j, with_z) * factor)
                factor = -factor / (j + 1)
            return flint.arb_series(entries, n)

        b = of(0, 0)
        b = flint.arb_series([flint.arb(1), *b.coeffs()[1:]], n)
        reciprocal = 1 / b
        names = {"g": (1, 0), "square": (2, 0), "z": (0, 1), "gz": (1, 1), "square_z": (2, 1)}
        found = {name: of(*which) * reciprocal for name, which in names.items()}
        assert all(x.prec >= n for x in found.values()), "call within ball_arithmetic()"
        return {"b": b} | found

    def _combined(self) -> list[tuple[flint.arb_series, flint.arb_series]]:
        """The series of log B and A/B, and for each parameter of their derivatives."""
        base, n = self._base, self.terms
        t, g, gz = flint.arb_series([0, 1], n), base["g"], base["gz"]
        log_b = flint.arb_series([0, *(-x / (j + 1) for j, x in enumerate(_entries(base["square"], n)[:-1]))], n)
        by_p = -2 * t * g, 1 - 2 * t * base["square"] + 2 * t * g * g
        by_q = -2 * t * gz, base["z"] - 2 * t * base["square_z"] + 2 * t * g * gz
        columns = [(log_b, g)]
        for dp, dq in self.law.slopes:
            columns.append((dp * by_p[0] + dq * by_q[0], dp * by_p[1] + dq * by_q[1]))
        return columns

    def _remainders(self, end: flint.arb) -> list[flint.arb]:
        """Factors e of the remainders e (t/T)^n, T = ``end``: log B, A/B, and the derivatives of both in p and in q."""
        law, n = self.law, self.terms
        order = 2 * n + 4
        size, of_z = law.norm_of(order), law.norm_of_z(order)
        common = end**n / self._factorial * size ** (2 * n)
        least = (end * law.mean_square.upper()).exp()  # 1/B(T), for B(T) >= exp(-T E g^2)
        b = _Function(_size(self._base["b"], end, n), common)
        functions = {}
        for name, factor in (
            ("g", size), ("square", size**2), ("z", of_z), ("gz", of_z * size), ("square_z", of_z * size**2)
        ):  # fmt: skip
            own = _size(self._base[name], end, n)
            # X - q B, q the quotient of the polynomials, is small, and X/B - q is that over B.
            rest = (own * b.size + common * factor + own * b.rest) * least
            functions[name] = _Function(own, rest.upper())
        g, gz, square, z = (functions[name] for name in ("g", "gz", "square", "z"))
        square_z = functions["square_z"]
        twice = 2 * end
        return [
            end * (square.size + square.rest),
            g.rest,
            twice * (g.size + g.rest),
            twice * (square.size + square.rest + g.size**2 + g.times(g)),
            twice * (gz.size + gz.rest),
            z.rest + twice * (square_z.size + square_z.rest + g.size * gz.size + g.times(gz)),
        ]

    def _best_range(self, remainder: float) -> tuple[flint.arb, float]:
        """The T with the farthest t up to which the remainders are at most this share of what they are added to."""
        law, n = self.law, self.terms
        whole = self._factorial.root(n) / law.norm_of(2 * n) ** 2
        root = law.mean_square.upper().sqrt()
        best, found = 0.0, whole.mid()
        for k in range(_RANGES):
            end = (whole / 2**k).mid()
            rests = self._remainders(end)
            scaled = [rests[0], rests[1] / root, rests[2] * root, rests[3], rests[4] * root, rests[5]]
            if not all(x.is_finite() for x in scaled):
                continue
            worst = max(float(x.log().upper()) if x > 0 else -math.inf for x in scaled)
            reach = float(end) * math.exp(min(0.0, (math.log(remainder) - worst) / n))
            if reach > best:
                best, found = reach, end
        return found, best

    def _coefficient_bounds(self, parts: Sequence[Part] | None = None) -> list[flint.arb]:
        """For each column its remainder at t = T, times the greatest factor left out."""
        power = power_of(self.form.beta, self.terms)
        log_factor = 1 / (1 - power)
        chosen = self.parts if parts is None else parts
        ratio_factor = sum((abs(part.amount) * part.lag_sum(power) for part in chosen), flint.arb(0))
        log_b, ratio, *others = self._remainders(self.range)
        bounds = [log_b * log_factor, ratio * ratio_factor]
        for dp, dq in self.law.slopes:
            p, q = abs(dp).upper(), abs(dq).upper()
            bounds += [
                (p * others[0] + q * others[2]) * log_factor,
                (p * others[1] + q * others[3]) * ratio_factor,
            ]
        return bounds

    def _rest(self, last: flint.arb) -> flint.arb:
        """(t/T)^n at t = ``last``."""
        return (last / self.range).upper() ** self.terms


def _entries(series: flint.arb_series, count: int) -> list[flint.arb]:
    return [series[j] for j in range(count)]


def _size(series: flint.arb_series, end: flint.arb, count: int) -> flint.arb:
    """The sum of the magnitudes of the terms at t = ``end``: a bound of the polynomial on [0, T]."""
    total, power = flint.arb(0), flint.arb(1)
    for j in range(count):
        total += abs(series[j]).upper() * power
        power *= end
    return total.upper()
