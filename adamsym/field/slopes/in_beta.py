"""The derivative of F = E[M phi(V)] in beta, the memory of the second moment, enclosed (theory N-Proposition 8).

With V' = sum_k w_k' g_k^2, w_k = (1 - beta) beta^k, dF/dbeta = int s rho(s) D(s) dx, s = e^x, where
D(s) = dE[M exp(-s V)]/dbeta = -s E[M V' exp(-s V)]. Near s = 0, E[M exp(-s V)] = P Q with log P = sum_j b_j e_j s^j,
Q = sum_j r_j q_j s^j, e_j = (1 - beta)^j/(1 - beta^j), and each derivative in beta is a series too; beyond, lags are
multiplied out one by one, each with its derivative. Beta may be a range, and the law's atoms balls.
"""

import itertools
import math
from dataclasses import dataclass

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, smaller, symmetric
from adamsym.field.ball.form_bounds import Part, bounds_of, parts_of
from adamsym.field.ball.lag_series import RANGE
from adamsym.field.ball.law import CIRCLE, BallLaw
from adamsym.methods import LaplaceForm

TOLERANCE = 1e-12
"""Share of C/(1 - beta) that each truncation may have."""

_STEP = 0.2

_TERMS = 40

_MOST_NODES = 2000

_MOST_LAGS = 100_000

_BEYOND_HALF = 2 / flint.arb(1).exp()
"""The largest x exp(-x/2)."""


@dataclass(frozen=True)
class _Dual:
    """A ball around a function of beta, and one around its derivative."""

    value: flint.arb
    slope: flint.arb

    def times(self, other: "_Dual") -> "_Dual":
        """Return the product."""
        return _Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def plus(self, other: "_Dual") -> "_Dual":
        """Return the sum."""
        return _Dual(self.value + other.value, self.slope + other.slope)


def slope_in_beta(law: BallLaw, form: LaplaceForm, tolerance: float = TOLERANCE) -> flint.arb:
    """Return a ball around dF/dbeta, for all laws and numbers that the law and the form hold.

    The lag weights are not to depend on beta, which is to be above 0. Crude where a gradient may be 0.
    Call within ``ball_arithmetic()``.
    """
    if law.max_abs == 0:
        return flint.arb(0)
    bounds, whole = bounds_of(form), _bound(law, form)
    if not whole.is_finite() or not law.min_square > 0:
        return symmetric(whole) if whole.is_finite() else flint.arb(0, "inf")
    step = flint.arb(_STEP)
    allowed = tolerance * bounds.step / (1 - ball(form.beta)).upper()
    # |D| <= s E|M| |V'|: the nodes left of s add up to about s^(3/2) times this.
    cubes = (2 * bounds.absolute * law.max_abs**3 / (1 - ball(form.beta))).upper()
    first = math.floor(math.log(float(allowed / cubes) ** (2 / 3)) / _STEP)
    total = symmetric(cubes * form.kernel.weights_left((step * first).exp(), step))
    run = _Products(law, form)
    lags = 0
    for number in itertools.count(first):
        s = (step * number).exp()
        needed = run.lags_at(s)
        lags += needed
        if lags > _MOST_LAGS or number - first > _MOST_NODES:
            return symmetric(whole)
        total += step * form.kernel.ball_weight(s) * run.slope(s, needed)
        if number % 4 == 0:
            tail = run.tail(s, step)
            if tail <= allowed or tail <= total.rad() / 100:
                break
    frequency = 2 * flint.arb.pi() / step
    angle = frequency.atan().mid()
    error = 2 / (angle * frequency).expm1() * whole / angle.cos() ** 2
    found = total + symmetric(tail + error)
    return found.intersection(symmetric(whole)) if found.is_finite() else symmetric(whole)


def _bound(law: BallLaw, form: LaplaceForm) -> flint.arb:
    """E|M| |V'| (-phi'(V)) or above.

    |V'| <= V/(1 - beta) + U/beta, U = sum_j u_j over j >= 1, u_j = beta^j (V of the gradients j steps older) <= V. And
    |M| <= C sqrt V, -phi'(V) <= phi(V)/V, phi(V)/sqrt V <= phi(u)/sqrt u for u <= V; sqrt(u) phi(u) is at most R, and
    at most G phi(0) beta^(j/2) at u_j.
    """
    bounds, beta = bounds_of(form), ball(form.beta)
    if not bounds.root.is_finite() or not beta > 0:
        return flint.arb("inf")
    top = (law.max_abs * bounds.at_zero).upper()
    root = beta.upper().sqrt()
    first = max(0, math.ceil(math.log(max(1.0, float(top / bounds.root))) / -math.log(float(root))))
    whole = bounds.root * first + top * root ** (first + 1) / (1 - root)
    return (bounds.step * (bounds.root / (1 - beta) + whole / beta)).upper()


class _Products:
    """E[M exp(-s V)] and its derivative in beta, by the power series, and by lags beyond their range."""

    def __init__(self, law: BallLaw, form: LaplaceForm) -> None:
        self.law, self.bounds, self.kernel = law, bounds_of(form), form.kernel
        self.beta, self.rest = ball(form.beta), ball(1 - form.beta)
        self.parts = parts_of(form.weights)
        self.width = law.width
        self.end = RANGE / float(self.width * self.rest.upper()) if self.width > 0 else math.inf
        spend(_TERMS * (30 + 20 * len(self.parts)))
        moments = law.moment_series(_TERMS)
        b = flint.arb_series([flint.arb(1), *moments[0][1:]], _TERMS)
        ratios = flint.arb_series(moments[1], _TERMS) / b
        logs = b.log()
        assert logs.prec >= _TERMS, "call within ball_arithmetic()"
        self.logs, self.ratios = ([series[j] for j in range(_TERMS)] for series in (logs, ratios))
        circle = law.circle_bounds()
        self.log_bound, self.ratio_bound = circle.log, circle.ratio
        self.log_factors = [self._log_factor(j) for j in range(_TERMS)]
        self.factors = [[self._factor(part, j) for j in range(_TERMS)] for part in self.parts]

    def _log_factor(self, j: int) -> _Dual:
        """e_j; its derivative is -j (1 - beta)^(j-1) (1 - beta^(j-1))/(1 - beta^j)^2, 0 for j = 1."""
        if j < 2:
            return _Dual(flint.arb(j), flint.arb(0))
        whole = 1 - self.beta**j
        slope = -j * self.rest ** (j - 1) * (1 - self.beta ** (j - 1)) / whole**2
        return _Dual(self.rest**j / whole, slope)

    def _factor(self, part: Part, j: int) -> _Dual:
        """(1 - beta)^j sum_k c_k beta^(j k) for the amount 1."""
        before = j * self.rest ** (j - 1) if j else flint.arb(0)
        if part.ratio is None:
            lag = part.lag
            slope = before * (lag * self.rest - self.beta) * self.beta ** (j * lag - 1) if j else flint.arb(0)
            return _Dual(self.rest**j * self.beta ** (j * lag), slope)
        whole = 1 - part.ratio * self.beta**j
        slope = -before * (1 - part.ratio * self.beta ** (j - 1)) / whole**2 if j else flint.arb(0)
        return _Dual(self.rest**j / whole, slope)

    def lags_at(self, s: flint.arb) -> int:
        """Return how many lags lie beyond the series at s."""
        beyond = float((s / flint.arb(self.end)).upper())
        return 0 if beyond <= 1 else math.ceil(math.log(beyond) / -math.log(float(self.beta.upper()))) + 1

    def slope(self, s: flint.arb, lags: int) -> flint.arb:
        """Return D(s)."""
        spend(6 * _TERMS * (1 + len(self.parts)) + lags * (20 * len(self.law.atoms) + 20))
        powers = [self.beta**k for k in range(lags + 1)]
        place = _Dual(s * powers[lags], lags * s * powers[lags] / self.beta if lags else flint.arb(0))
        product, values = self._by_series(place)
        for k in reversed(range(lags)):
            # The derivative of (1 - beta) beta^k.
            t = _Dual(self.rest * s * powers[k], s * powers[k] * (k * self.rest / self.beta - 1))
            a, b = self._transforms(t)
            newest = lag_before = a.times(product)
            for i, part in enumerate(self.parts):
                older = b.times(values[i])
                if part.ratio is None:
                    values[i], lag_before = lag_before, older
                else:
                    values[i] = newest.plus(_Dual(part.ratio * older.value, part.ratio * older.slope))
            product = b.times(product)
        return sum((part.amount * one.slope for part, one in zip(self.parts, values, strict=True)), flint.arb(0))

    def _transforms(self, t: _Dual) -> tuple[_Dual, _Dual]:
        """A and B at t."""
        law = self.law
        weights = [p * (-t.value * q).exp() for p, q in zip(law.probabilities, law.squares, strict=True)]
        values = [w * g for w, g in zip(weights, law.atoms, strict=True)]
        b, a = sum(weights, flint.arb(0)), sum(values, flint.arb(0))
        b_slope = -sum((w * q for w, q in zip(weights, law.squares, strict=True)), flint.arb(0))
        a_slope = -sum((v * q for v, q in zip(values, law.squares, strict=True)), flint.arb(0))
        return _Dual(a, a_slope * t.slope), _Dual(b, b_slope * t.slope)

    def _by_series(self, place: _Dual) -> tuple[_Dual, list[_Dual]]:
        """P, and the parts of the numerator, at a place in the range of the series."""
        s = place.value
        powers = [flint.arb(1)]
        for _ in range(_TERMS - 1):
            powers.append(powers[-1] * s)
        z = (self.rest * s * self.width / flint.arb(CIRCLE)).upper()
        assert z < 1, "s is beyond the series"
        # Sums of z^j and of j z^j from the first term left out on.
        tail = z**_TERMS / (1 - z)
        tail_by_j = z**_TERMS * (_TERMS - (_TERMS - 1) * z) / (1 - z) ** 2
        last = self.beta.upper() ** _TERMS
        log_rest, one_less = self.log_bound / (1 - last), self.rest.lower()
        log = _combined(self.logs, self.log_factors, powers, place, [log_rest * tail, log_rest * tail_by_j, one_less])
        log = _Dual(log.value - self.law.center * s, log.slope - self.law.center * place.slope)
        exponential = log.value.exp()
        product = _Dual(exponential, exponential * log.slope)
        values = []
        for part, factors in zip(self.parts, self.factors, strict=True):
            size = flint.arb(1 + part.lag) if part.ratio is None else 1 / (1 - abs(part.ratio).upper() * last)
            rest = self.ratio_bound * size
            ratio = _combined(self.ratios, factors, powers, place, [rest * tail, rest * tail_by_j, one_less])
            values.append(product.times(ratio))
        return product, values

    def tail(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return a bound of the nodes u right of s, for gradients that are not 0.

        |D(u)| <= u E|M| (V/(1 - beta) + U/beta) exp(-u V); u u_j exp(-u V) <= min(2/e, u G^2 beta^j) exp(-u V/2). Over
        j these add up to L(u) <= L(s) + 2/(e (1 - beta)) log(u/s), and log(u/s) exp(-u V/2) <= 2/(e s V) exp(-s V/2).
        """
        law, beta, rest = self.law, self.beta.upper(), self.rest.lower()
        most = (s * law.max_square).upper()
        first = max(0, math.ceil(math.log(max(1.0, float(most))) / -math.log(float(beta))))
        whole = _BEYOND_HALF * first + most * beta ** (first + 1) / rest
        growing = _BEYOND_HALF / rest * _BEYOND_HALF / (s * law.min_square)
        size = _BEYOND_HALF / rest + (whole + growing) / self.beta.lower()
        decay = (-s * law.min_square / 2).exp()
        weights = smaller(
            self.kernel.weights_right(s, step).upper(), (flint.arb("1.001") * self.bounds.at_zero).upper()
        )
        return (self.bounds.absolute * law.max_abs * size * decay * weights).upper()


def _combined(
    series: list[flint.arb], factors: list[_Dual], powers: list[flint.arb], place: _Dual, rests: list[flint.arb]
) -> _Dual:
    """The sum of c_j k_j s^j and its derivative where s and the factors k_j depend on beta.

    What the terms left out of sum |c_j k_j| s^j and of sum j |c_j k_j| s^j add up to is given; (1 - beta) |k_j'| is at
    most j times the bound of |k_j|.
    """
    tail, tail_by_j, one_less = rests
    terms = [c * power for c, power in zip(series, powers, strict=True)]
    products = [x * k.value for x, k in zip(terms, factors, strict=True)]
    value = sum(products, symmetric(tail))
    by_factor = sum((x * k.slope for x, k in zip(terms, factors, strict=True)), symmetric(tail_by_j / one_less))
    by_log = sum((j * x for j, x in enumerate(products)), symmetric(tail_by_j))
    return _Dual(value, by_factor + by_log * (place.slope / place.value))
