"""Products over all lags as power series, in ball arithmetic with proven remainders.

With u = g^2 - c, |u| <= w, and B(t) = E exp(-t u), A(t) = E[g exp(-t u)]: B has no zero where |t| w < pi/2, since there
Re B > 0. So log B = sum b_j t^j and A/B = sum r_j t^j, and over the lags t_k = t beta^k geometric series sum up:
S = sum_k log B(t_k) = sum_j b_j t^j/(1 - beta^j),  Q = sum_k c_k (A/B)(t_k) = sum_j r_j t^j sum_k c_k beta^(jk),
with the lag weights c_k: for head_k it is head_k beta^(jk), for a geometric term amount/(1 - ratio beta^j).
The cost does not depend on beta. On |t| w = r < pi/2, |log|B|| <= r - log cos r, |arg B| < pi/2, |B| >= exp(-r) cos r:
Cauchy's estimates bound the coefficients from J on.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import flint

from adamsym.expressions.ranges import Range
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import MOST_TERMS, ball, symmetric
from adamsym.field.ball.form_bounds import Part, parts_of
from adamsym.field.ball.law import CIRCLE, Law
from adamsym.methods import LaplaceForm

RANGE = 0.5
"""The series are used up to t w = 1/2."""

_LOG_REMAINDER = math.log(1e-22)


def unit_of(beta: Fraction) -> flint.arb:
    """Return 1 - beta, or a number in the middle of its range: power series are in powers of s times it."""
    rest = ball(1 - beta)
    return rest.mid() if isinstance(beta, Range) else rest


def power_of(beta: Fraction, exponent: int) -> flint.arb:
    """Return a ball around the powers of beta: of a range those at its ends bound all."""
    if isinstance(beta, Range):
        return (ball(beta.low) ** exponent).union(ball(beta.high) ** exponent)
    return ball(beta) ** exponent


def end_of_series(width: flint.arb, form: LaplaceForm) -> float:
    """Return the largest s with t w <= 1/2, t = (1 - beta) s."""
    scale = float(width) * float(ball(1 - form.beta).upper())
    return RANGE / scale if scale > 0 else math.inf


class LagSums(ABC):
    """S and Q of a law as functions of s, with their derivatives in the parameters; P = exp(S - s c), c near E g^2.

    Attributes
    ----------
    center
        c.
    terms
        The number n of the terms that the series have.
    end
        The largest s that is allowed.
    """

    form: LaplaceForm
    parts: tuple[Part, ...]
    center: flint.arb
    terms: int
    end: float
    _columns: Sequence[tuple[flint.arb_series, flint.arb_series]]
    """The series of log B and A/B, and for each parameter of their derivatives."""

    def _prepare(self) -> None:
        """Sum over the lags, once all else is known."""
        # The t_k add up to s for every beta. So the first term of S goes into c: a range of beta does not widen it.
        first, center = self._columns[0][0][1], self.center
        self.center = (center - first).mid()
        self._first = first - center + self.center
        self._coefficients, self._tops = self._summed(self.parts), self._coefficient_bounds()

    def _summed(self, parts: Sequence[Part]) -> flint.arb_mat:
        """Coefficients of S, Q, and for each parameter of their derivatives: a matrix of ``terms`` rows.

        They are those of the powers of (s times the form's ``unit``).
        """
        unit, rows = unit_of(self.form.beta), []
        scale = ball(1 - self.form.beta) / unit
        for j in range(self.terms):
            power, scaled = power_of(self.form.beta, j), scale**j
            # (1 - beta)^j/(1 - beta^j), but for the unit's power.
            log_factor = [flint.arb(0), 1 / unit][j] if j < 2 else scaled / (1 - power)
            ratio_factor = scaled * sum((part.amount * part.lag_sum(power) for part in parts), flint.arb(0))
            rows.append([x for s, q in self._columns for x in (s[j] * log_factor, q[j] * ratio_factor)])
        rows[1][0] = self._first / unit
        return flint.arb_mat(rows)

    @abstractmethod
    def _coefficient_bounds(self, parts: Sequence[Part] | None = None) -> list[flint.arb]:
        """For each column a bound of its function's remainder, but for the factor ``_rest``."""

    @abstractmethod
    def _rest(self, last: flint.arb) -> flint.arb:
        """What the bounds are to be multiplied by for the remainders up to t = ``last``."""

    def values(self, powers: flint.arb_mat, last: flint.arb) -> list[list[flint.arb]]:
        """Return rows (S, Q, S_1, Q_1, ...) for ``terms`` powers of s times ``unit_of``, nodes up to t = ``last``."""
        return self._values(self._coefficients, self._tops, powers, last)

    def values_of_parts(
        self, powers: flint.arb_mat, last: flint.arb, rows: list[list[flint.arb]]
    ) -> list[tuple[list[flint.arb], ...]]:
        """Return, for each of these ``rows``, that of each part of the numerator alone, with the amount 1."""
        if len(self.parts) == 1:
            # Its amount is not 0, for then there would be no field.
            amount = self.parts[0].amount
            return [([x if k % 2 == 0 else x / amount for k, x in enumerate(row)],) for row in rows]
        units = [[replace(part, amount=flint.arb(1))] for part in self.parts]
        found = [self._values(self._summed(unit), self._coefficient_bounds(unit), powers, last) for unit in units]
        return list(zip(*found, strict=True))

    def _values(
        self, coefficients: flint.arb_mat, tops: Sequence[flint.arb], powers: flint.arb_mat, last: flint.arb
    ) -> list[list[flint.arb]]:
        rows: list[list[flint.arb]] = (powers * coefficients).tolist()
        share = self._rest(last)
        if share == 0:
            return rows
        rest = [symmetric(bound * share) for bound in tops]
        return [[x + error for x, error in zip(row, rest, strict=True)] for row in rows]


class LagSeries(LagSums):
    """The sums for a law of bounded values, with remainders by Cauchy's estimate.

    ``end`` is at most ``farthest``, and t w <= 1/2 there, t = (1 - beta) s; the number
    of terms is chosen for it.
    """

    def __init__(self, law: Law, form: LaplaceForm, farthest: float) -> None:
        self.law, self.form, self.parts = law, form, parts_of(form.weights)
        self.center, self.width = law.center, law.width
        self.end = min(farthest, end_of_series(self.width, form))
        ratio = max(self.end * float(self.width) * float(ball(1 - form.beta).upper()) / CIRCLE, 1e-30)
        self.terms = max(3, min(MOST_TERMS, math.ceil(_LOG_REMAINDER / math.log(ratio))))
        self.slopes = len(law.mean_slopes)
        spend(self.terms * 20 * (1 + self.slopes) * (1 + len(self.parts)))
        self._columns = self._quotients()
        self._prepare()

    def _quotients(self) -> list[tuple[flint.arb_series, flint.arb_series]]:
        """The series of log B and A/B, and for each parameter of their derivatives."""
        law, terms = self.law, self.terms
        series = law.moment_series(terms)
        b = flint.arb_series([flint.arb(1), *series[0][1:]], terms)
        t = flint.arb_series([0, 1], terms)
        reciprocal = 1 / b
        ratio = flint.arb_series(series[1], terms) * reciprocal
        columns = [(b.log(), ratio)]
        for j in range(self.slopes):
            own = series[2 + 3 * j : 5 + 3 * j]
            double, slope, cube = (flint.arb_series(one, terms) * reciprocal for one in own)
            # B' = -t E[2 g g' exp(-t u)], A' = E[g' exp(-t u)] - t E[2 g^2 g' exp(-t u)].
            columns.append((-t * double, slope - t * cube + t * ratio * double))
        # A lower flint.ctx.cap would drop terms without a trace.
        assert all(x.prec >= terms for pair in columns for x in pair), "call within ball_arithmetic()"
        return columns

    def _coefficient_bounds(self, parts: Sequence[Part] | None = None) -> list[flint.arb]:
        """For each column a bound of its function on the circle |t| w = r, times the greatest factor left out."""
        power, bounds = power_of(self.form.beta, self.terms), self.law.circle_bounds()
        log_factor = 1 / (1 - power)
        chosen = self.parts if parts is None else parts
        # The factors of all later coefficients are no larger.
        ratio_factor = sum((abs(part.amount) * part.lag_sum(power) for part in chosen), flint.arb(0))
        pairs = [(bounds.log, bounds.ratio), *bounds.slopes]
        return [x for log, ratio in pairs for x in (log * log_factor, ratio * ratio_factor)]

    def _rest(self, last: flint.arb) -> flint.arb:
        """What the bounds on the circle are to be multiplied by for the remainders up to t = ``last``."""
        z = (last * self.width / CIRCLE).upper()
        if not z < 1:
            return flint.arb("inf")
        return z**self.terms / (1 - z)
