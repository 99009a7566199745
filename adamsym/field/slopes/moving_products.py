"""E[M exp(-s V)] and its derivative in one number of the method, enclosed (theory N-Proposition 8).

Near s = 0, E[M exp(-s V)] = P Q with log P = sum_j b_j e_j s^j and Q = sum_j r_j q_j s^j; beyond, lags are multiplied
out one by one. All of it is carried out with values and derivatives in pairs, for ranges of the number too.
"""

import math
from dataclasses import dataclass
from typing import Literal

import flint

from adamsym.expressions.ranges import ends_of
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, symmetric
from adamsym.field.ball.form_bounds import Part, parts_of
from adamsym.field.ball.lag_series import RANGE, power_of
from adamsym.field.ball.law import CIRCLE, BallLaw
from adamsym.field.ball.quadrature_nodes import square_weight
from adamsym.methods import LaplaceForm

Moving = Literal["beta", "ratio"]
"""What the derivatives are in: beta, or r of the lag weights (1 - r) r^k."""

TERMS = 40


@dataclass(frozen=True)
class Dual:
    """A ball around a function of the number, and one around its derivative."""

    value: flint.arb
    slope: flint.arb

    def times(self, other: "Dual") -> "Dual":
        """Return the product."""
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def plus(self, other: "Dual") -> "Dual":
        """Return the sum."""
        return Dual(self.value + other.value, self.slope + other.slope)


class MovingProducts:
    """P(s) and the derivative of E[M exp(-s V)], by the power series, and by lags beyond their range."""

    def __init__(self, law: BallLaw, form: LaplaceForm, moving: Moving) -> None:
        self.law, self.form, self.moving = law, form, moving
        self.beta, self.rest = ball(form.beta), ball(1 - form.beta)
        self.parts = parts_of(form.weights)
        self.width = law.width
        self.end = RANGE / float(self.width * self.rest.upper()) if self.width > 0 else math.inf
        self._weights, self._powers = list[flint.arb](), [flint.arb(1)]
        spend(TERMS * (30 + 20 * len(self.parts)))
        moments = law.moment_series(TERMS)
        b = flint.arb_series([flint.arb(1), *moments[0][1:]], TERMS)
        ratios = flint.arb_series(moments[1], TERMS) / b
        logs = b.log()
        assert logs.prec >= TERMS, "call within ball_arithmetic()"
        self.logs, self.ratios = ([series[j] for j in range(TERMS)] for series in (logs, ratios))
        # The t_k add up to s for every beta: with y = c - b_1 a range of beta does not widen the first term.
        self.center = (law.center - self.logs[1]).mid()
        self.logs[1] = self.logs[1] - law.center + self.center
        circle = law.circle_bounds()
        self.log_bound, self.ratio_bound = circle.log, circle.ratio
        self.log_factors = [self._log_factor(j) for j in range(TERMS)]
        self.factors = [[self._factor(part, j) for j in range(TERMS)] for part in self.parts]
        # In the ratio: (1 - r) sum_k r^k g_k is one part with its amount, which a range of r widens less.
        self.amounts = [flint.arb(1) if moving == "ratio" else part.amount for part in self.parts]

    def _log_factor(self, j: int) -> Dual:
        """e_j; its derivative is -j (1 - beta)^(j-1) (1 - beta^(j-1))/(1 - beta^j)^2, 0 for j = 1."""
        if j < 2:
            return Dual(flint.arb(j), flint.arb(0))
        whole = 1 - self.beta**j
        value = self.rest**j / whole
        if self.moving == "ratio":
            return Dual(value, flint.arb(0))
        slope = -j * self.rest ** (j - 1) * (1 - self.beta ** (j - 1)) / whole**2
        return Dual(value, slope)

    def _factor(self, part: Part, j: int) -> Dual:
        """(1 - beta)^j sum_k c_k beta^(j k) for the amount 1."""
        before = j * self.rest ** (j - 1) if j else flint.arb(0)
        if part.ratio is None:
            lag = part.lag
            slope = before * (lag * self.rest - self.beta) * self.beta ** (j * lag - 1) if j else flint.arb(0)
            return Dual(self.rest**j * self.beta ** (j * lag), slope)
        whole = 1 - part.ratio * self.beta**j
        if self.moving == "ratio":
            if j == 0:
                return Dual(flint.arb(1), flint.arb(0))
            return Dual(self.rest**j * part.amount / whole, -(self.rest**j) * (1 - self.beta**j) / whole**2)
        value = self.rest**j / whole
        slope = -before * (1 - part.ratio * self.beta ** (j - 1)) / whole**2 if j else flint.arb(0)
        return Dual(value, slope)

    def lags_at(self, s: flint.arb) -> int:
        """Return how many lags lie beyond the series at s."""
        beyond = float((s / flint.arb(self.end)).upper())
        return 0 if beyond <= 1 else math.ceil(math.log(beyond) / -float(ball(ends_of(self.form.beta)[1]).log())) + 1

    def at(self, s: flint.arb, lags: int) -> tuple[flint.arb, flint.arb]:
        """Return P(s), and the derivative of E[M exp(-s V)]."""
        spend(6 * TERMS * (1 + len(self.parts)) + lags * (20 * len(self.law.atoms) + 20))
        self._powers += [power_of(self.form.beta, k) for k in range(len(self._powers), lags + 1)]
        self._weights += [square_weight(self.form.beta, k) for k in range(len(self._weights), lags)]
        moves = self.moving == "beta"
        rate = lags / self.beta if moves and lags else flint.arb(0)
        product, values = self._by_series(s * self._powers[lags], rate)
        for k in reversed(range(lags)):
            # The derivative of (1 - beta) beta^k.
            slope = k * (self._weights[k - 1] if k else flint.arb(0)) - self._powers[k] if moves else flint.arb(0)
            a, b = self._transforms(Dual(s * self._weights[k], s * slope))
            newest = lag_before = a.times(product)
            for i, part in enumerate(self.parts):
                older = b.times(values[i])
                if part.ratio is None:
                    values[i], lag_before = lag_before, older
                elif moves:
                    values[i] = newest.plus(Dual(part.ratio * older.value, part.ratio * older.slope))
                else:
                    change = older.value - newest.value
                    values[i] = Dual(newest.value + part.ratio * change, change + part.ratio * older.slope)
            product = b.times(product)
        whole = (amount * one.slope for amount, one in zip(self.amounts, values, strict=True))
        return product.value, sum(whole, flint.arb(0))

    def _transforms(self, t: Dual) -> tuple[Dual, Dual]:
        """A and B at t."""
        law = self.law
        weights = [p * (-t.value * q).exp() for p, q in zip(law.probabilities, law.squares, strict=True)]
        values = [w * g for w, g in zip(weights, law.atoms, strict=True)]
        b, a = sum(weights, flint.arb(0)), sum(values, flint.arb(0))
        if self.moving == "ratio":
            return Dual(a, flint.arb(0)), Dual(b, flint.arb(0))
        b_slope = -sum((w * q for w, q in zip(weights, law.squares, strict=True)), flint.arb(0))
        a_slope = -sum((v * q for v, q in zip(values, law.squares, strict=True)), flint.arb(0))
        return Dual(a, a_slope * t.slope), Dual(b, b_slope * t.slope)

    def _by_series(self, s: flint.arb, rate: flint.arb) -> tuple[Dual, list[Dual]]:
        """P, and the parts of the numerator, at a place in the range of the series; its logarithm has a ``rate``."""
        powers = [flint.arb(1)]
        for _ in range(TERMS - 1):
            powers.append(powers[-1] * s)
        z = (self.rest * s * self.width / flint.arb(CIRCLE)).upper()
        assert z < 1, "s is beyond the series"
        # Sums of z^j and of j z^j from the first term left out on.
        tail = z**TERMS / (1 - z)
        tail_by_j = z**TERMS * (TERMS - (TERMS - 1) * z) / (1 - z) ** 2
        last, moves = self.beta.upper() ** TERMS, self.moving == "beta"
        one_less, none = self.rest.lower(), flint.arb(0)
        rest = self.log_bound / (1 - last)
        by_factor = rest * tail_by_j / one_less if moves else none
        log = _combined(self.logs, self.log_factors, powers, rate, [rest * tail, by_factor, rest * tail_by_j])
        log = Dual(log.value - self.center * s, log.slope - self.center * s * rate)
        exponential = log.value.exp()
        product = Dual(exponential, exponential * log.slope)
        values = []
        for part, factors in zip(self.parts, self.factors, strict=True):
            size = flint.arb(1 + part.lag) if part.ratio is None else 1 / (1 - abs(part.ratio).upper() * last)
            rest = self.ratio_bound * size
            by_factor = rest * (tail_by_j / one_less if moves else tail * size)
            ratio = _combined(self.ratios, factors, powers, rate, [rest * tail, by_factor, rest * tail_by_j])
            values.append(product.times(ratio))
        return product, values


def _combined(
    series: list[flint.arb], factors: list[Dual], powers: list[flint.arb], rate: flint.arb, rests: list[flint.arb]
) -> Dual:
    """The sum of c_j k_j s^j and its derivative where s and the factors k_j depend on the number; log s at a ``rate``.

    Given is what the terms left out of sum |c_j k_j| s^j, sum |c_j k_j'| s^j and sum j |c_j k_j| s^j add up to.
    """
    tail, by_factor_rest, by_log_rest = rests
    terms = [c * power for c, power in zip(series, powers, strict=True)]
    products = [x * k.value for x, k in zip(terms, factors, strict=True)]
    value = sum(products, symmetric(tail))
    by_factor = sum((x * k.slope for x, k in zip(terms, factors, strict=True)), symmetric(by_factor_rest))
    if rate == 0:
        return Dual(value, by_factor)
    by_log = sum((j * x for j, x in enumerate(products)), symmetric(by_log_rest))
    return Dual(value, by_factor + by_log * rate)
