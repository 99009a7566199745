"""Constants of the theorems by which L decreases along the flow, as balls (N-Lemmas 3 and 4, N-Theorems 1, 2 and 6).

Where the variances of the coordinates of the minibatch gradient sum to at most eta D^2, D = |grad L|, each theorem
gives a c_0 with <grad L, f> <= -c_0 D^2 phi((1 + eta) D^2) if c_0 > 0; in N-Theorem 1 phi(E|g|^2) takes the place of
phi((1 + eta) D^2). All numbers returned are bounds in the safe direction, in the precision that was entered.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import flint

from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball, outward
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import BUILT_IN

Theorem = Literal["N-Theorem 1", "N-Theorem 2(b)", "N-Theorem 6"]
SignBound = Literal["variance", "largest row", "kurtosis", "Bernstein"]

INFINITY = flint.arb("inf")


@dataclass(frozen=True)
class Noise:
    """What is known of the minibatch gradient wherever a theorem is to hold.

    Attributes
    ----------
    spread
        A bound of eta for batches of one: the rows' variances sum to at most ``spread`` D^2 over all coordinates;
        kappa - 1 in setting (A).
    least
        p, a number that no row's probability is below: 1/N for N equal ones. None for a law of which none is known.
    batch
        B: independent draws in a minibatch.
    harmed
        n, at least the number of coordinates with 0 < |m_i| < q sigma_i; d - 1 always serves. It may be a ball, for
        (sum sigma_i)^2/(sum sigma_i^2) over those coordinates serves too.

    Raises
    ------
    InputError
        Unless ``spread`` and ``harmed`` are finite and may be 0 or more, 0 < ``least`` <= 1 and ``batch`` >= 1.
    """

    spread: flint.arb
    least: Fraction | None
    batch: int
    harmed: flint.arb | int

    def __post_init__(self) -> None:
        if not (self.spread.is_finite() and self.spread.upper() >= 0):
            raise InputError(f"spread: {self.spread} is not allowed; allowed is a finite bound from 0 up")
        if self.least is not None and not 0 < self.least <= 1:
            raise InputError(f"least probability of a row: {self.least} is not allowed; allowed is 0 < p <= 1")
        if self.batch < 1:
            raise InputError(f"batch: {self.batch} is not allowed; allowed is an integer from 1 up")
        harmed = flint.arb(self.harmed)
        if not (harmed.is_finite() and harmed.upper() >= 0):
            raise InputError(f"harmed coordinates: {self.harmed} is not allowed; allowed is a number from 0 up")

    @property
    def eta(self) -> flint.arb:
        """An upper bound of eta."""
        return (self.spread.upper() / self.batch).upper()


@dataclass(frozen=True)
class Decrease:
    """What one theorem proves: <grad L, f> <= -``share`` D^2 phi(...) if ``fails`` is empty.

    Attributes
    ----------
    theorem
        Its label in docs/theory.md.
    share
        A lower bound of c_0, for N-Theorem 1 of Q; -inf if none is known.
    q, by
        An upper bound of q, and which of N-Lemma 4's it is.
    harm
        Upper bounds of Lambda (N-Theorem 6) or Phi (N-Theorem 2(b)) or phi(0)/phi(E|g|^2) (N-Theorem 1).
    eta
        An upper bound of eta.
    fails
        The hypotheses that are not proved, each in one line with its numbers.
    """

    theorem: Theorem
    share: flint.arb
    q: flint.arb
    by: SignBound
    harm: flint.arb
    eta: flint.arb
    fails: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether all hypotheses are proved."""
        return not self.fails


def root_gap(beta: Fraction) -> flint.arb:
    """Return a ball around delta = 1 - sqrt(beta), without cancellation."""
    return ball(1 - beta) / (1 + ball(beta).sqrt())


def growth_bound(beta: Fraction) -> flint.arb:
    """Return q_0^2 = 1/sqrt(beta) - 1, above phi(beta v)/phi(v) - 1 for all v and both kernels; inf for beta = 0."""
    return (root_gap(beta) / ball(beta).sqrt()).upper() if beta > 0 else INFINITY


def kurtosis_bound(least: Fraction, batch: int) -> flint.arb:
    """Return K_c = 3 + (1/p - 4)/B, which E(g - m)^4/sigma^4 is at most for the mean of B draws; at least 1."""
    return (3 + ball(1 / least - 4) / batch).max(flint.arb(1)).upper()


def sign_factors(growth: flint.arb, least: Fraction | None, batch: int) -> dict[SignBound, flint.arb]:
    """Return upper bounds of the q of N-Lemma 4, by what they rest on.

    ``growth`` is above phi(beta v)/phi(v) - 1, the lemma's (1 - t)/t, for all v <= G^2.
    """
    growth = growth.upper()
    found: dict[SignBound, flint.arb] = {"variance": growth.sqrt().upper()}
    if least is None or not growth.is_finite():
        return found
    if not growth > 0:
        return {"variance": flint.arb(0)}
    gap, others = growth / (1 + growth), ball(1 / least - 1)
    logarithm = -gap.log()
    found["largest row"] = (growth * (batch * others).sqrt()).upper()
    found["kurtosis"] = (growth * (kurtosis_bound(least, batch) / gap).root(4)).upper()
    found["Bernstein"] = (growth * ((2 * logarithm).sqrt() + logarithm / 3 * (others / batch).sqrt())).upper()
    return found


def best_sign_factor(growth: flint.arb, least: Fraction | None, batch: int) -> tuple[flint.arb, SignBound]:
    """Return the smallest upper bound of q, and what it rests on."""
    factors = sign_factors(growth, least, batch)
    by: SignBound = "variance"
    for name, q in factors.items():
        if q < factors[by]:
            by = name
    return factors[by], by


def fourth_moment_bound(q: flint.arb, least: Fraction, batch: int) -> flint.arb:
    """Return K_4, which E g^4/(E g^2)^2 is at most in coordinates with |m| < q sigma, for the mean of B draws.

    It is 1 + ((2 u + k)/(1 + u^2))^2 at k^2 = K_c - 1 and the u <= q where this is largest; at most 1/p for B = 1.
    """
    k = (kurtosis_bound(least, batch) - 1).sqrt().upper()
    turn = (k + (k**2 + 4).sqrt()) / 2
    found = 1 + turn**2
    if q < 1 / turn:
        u = q.upper()
        found = 1 + ((2 * u + k) / (1 + u**2)) ** 2
    return (found.min(ball(1 / least)) if batch == 1 else found).upper()


def mean_kernel_bound(fourth: flint.arb, beta: Fraction) -> flint.arb:
    """Return Lambda(1/K_4), with E phi(V) <= Lambda phi(S) (N-Lemma 3); inf unless K_4 < 1/(1 - sqrt beta)."""
    delta, p = root_gap(beta), 1 / fourth.upper()
    if not p > delta:
        return INFINITY
    return ((ball(beta) * p * (2 * p - delta) / (2 - delta)).sqrt() / (p - delta)).upper()


def universal_bound(form: LaplaceForm) -> flint.arb:
    """Return an upper bound of Phi of N-Lemma 2 for a mean of gradients; inf if none is known.

    It is 1 if the weights of lag k and more never sum to more than beta^k, and else sum c_k beta^(-k/2).
    """
    weights, beta = form.weights, form.beta
    tails, n = [1 - weights.weight(0)], max(1, len(weights.head))
    for k in range(1, n):
        tails.append(tails[-1] - weights.weight(k))
    within = all(tail <= beta**k for k, tail in enumerate(tails, start=1))
    if within and all(ratio <= beta for _, ratio in weights.terms):
        return flint.arb(1)
    if beta == 0 or any(ratio**2 >= beta for _, ratio in weights.terms):
        return INFINITY
    root = ball(beta).sqrt()
    found = sum((ball(weight) / root**k for k, weight in enumerate(weights.head)), flint.arb(0))
    found += sum((ball(amount) / (1 - ball(ratio) / root) for amount, ratio in weights.terms), flint.arb(0))
    return found.upper() if found.is_finite() else INFINITY


def theorem_6(form: LaplaceForm, noise: Noise) -> Decrease:
    """Return what N-Theorem 6 proves: c_0 = 1 - q sqrt(eta) - Lambda q^2/4 max(eta, sqrt(n) mu(eta))."""
    q, by = best_sign_factor(growth_bound(form.beta), noise.least, noise.batch)
    eta, harmed = noise.eta, flint.arb(noise.harmed).upper()
    fails = [*_kind(form), *_small_noise(q, eta)]
    if not harmed > 0:
        share, size = 1 - q * eta.sqrt(), flint.arb(1)
    elif noise.least is None:
        fails.append("every row has a probability of at least some p > 0, which is not known for this law")
        share, size = -INFINITY, INFINITY
    else:
        fourth = fourth_moment_bound(q, noise.least, noise.batch)
        size = mean_kernel_bound(fourth, form.beta)
        if not size.is_finite():
            least = (1 / root_gap(form.beta)).lower()
            fails.append(f"K_4 < 1/(1 - sqrt(beta2)): K_4 <= {_shown(fourth)}, 1/(1 - sqrt(beta2)) = {_shown(least)}")
        worst = eta.max(harmed.sqrt() * _mean_of_noise(eta))
        share = 1 - q * eta.sqrt() - size * q**2 / 4 * worst if size.is_finite() else -INFINITY
    return _decrease("N-Theorem 6", share, q, by, size, eta, fails)


def theorem_2b(form: LaplaceForm, noise: Noise) -> Decrease:
    """Return what N-Theorem 2(b) proves: c_0 = 1 - q sqrt(eta) - Phi q max(sqrt(1 + q^2) eta, sqrt(n) mu(eta))."""
    q, by = best_sign_factor(growth_bound(form.beta), noise.least, noise.batch)
    eta, harmed = noise.eta, flint.arb(noise.harmed).upper()
    fails = [*_kind(form), *_small_noise(q, eta)]
    size = universal_bound(form) if form.weights.total == 1 else INFINITY
    share = 1 - q * eta.sqrt()
    if harmed > 0:
        if not size.is_finite():
            fails.append("some Phi with |f| <= Phi is known: it is not, for these lag weights and this beta2")
        share -= size * q * ((1 + q**2).sqrt() * eta).max(harmed.sqrt() * _mean_of_noise(eta))
    return _decrease("N-Theorem 2(b)", share, q, by, size, eta, fails)


def theorem_1(form: LaplaceForm, noise: Noise, largest: flint.arb, mean_square: flint.arb) -> Decrease:
    """Return what N-Theorem 1 proves: Q = 1 - q sqrt(eta) - q^2 eta x/4, x = phi(0)/phi(E|g|^2) - 1.

    ``largest`` is above all |g_i|, ``mean_square`` above E|g|^2. It holds for every kernel, and for weights that sum to
    another number than 1 with that number as a factor.
    """
    q, by = best_sign_factor(form.kernel.ball_growth(largest.upper(), ball(form.beta)), noise.least, noise.batch)
    eta = noise.eta
    size = (form.kernel.ball_of(flint.arb(0)) / form.kernel.ball_of(mean_square.upper())).upper()
    fails = [*_mean_without_decay(form), *_small_noise(q, eta)]
    return _decrease("N-Theorem 1", 1 - q * eta.sqrt() - q**2 * eta * (size - 1) / 4, q, by, size, eta, fails)


def level_theorem_1(form: LaplaceForm, noise: Noise, smoothness: flint.arb) -> float:
    """Return a level below which N-Theorem 1 holds in setting (A), to three digits; 0 if none from 2^-1000 up does.

    There E|g|^2 <= 2 K L and g_i^2 <= 2 K L/p, ``smoothness`` is above K, and Q falls as L rises. Levels with
    E|g|^2 > 2^80 phi(0)^-2 are not tried.
    """
    least = noise.least
    if least is None:
        raise InputError("least probability of a row: None is not allowed here; |g_i| needs it")
    eps = 1 / form.kernel.ball_of(flint.arb(0))

    def holds_at(exponent: float) -> bool:
        root = eps * flint.arb(2) ** flint.arb(exponent)
        return theorem_1(form, noise, root / ball(least).sqrt(), root**2).holds

    low, high = -500.0, 40.0
    if holds_at(high):
        low = high
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if holds_at(middle) else (low, middle)
    square = (eps * flint.arb(2) ** flint.arb(low)) ** 2
    return max(0.0, outward((square / (2 * smoothness.upper())).lower())[0]) if low > -500 else 0.0


def _decrease(
    theorem: Theorem,
    share: flint.arb,
    q: flint.arb,
    by: SignBound,
    size: flint.arb,
    eta: flint.arb,
    fails: list[str],
) -> Decrease:
    lower = share.lower() if share.is_finite() else -INFINITY
    if not fails and not lower > 0:
        symbol = "Q" if theorem == "N-Theorem 1" else "c_0"
        fails.append(f"{symbol} > 0: it is {_shown(lower)}, 1 - q sqrt(eta) = {_shown(1 - q * eta.sqrt())}")
    return Decrease(theorem, lower, q, by, size, eta, tuple(fails))


def _mean_of_noise(eta: flint.arb) -> flint.arb:
    """mu(eta): sqrt(eta) up to 1, (1 + eta)/2 beyond; the larger of both where a ball holds 1."""
    return eta.sqrt() if eta < 1 else (1 + eta) / 2


def _small_noise(q: flint.arb, eta: flint.arb) -> list[str]:
    product = q * eta.sqrt()
    return [] if product < 1 else [f"q sqrt(eta) < 1: q sqrt(eta) = {_shown(product)}"]


def _mean_without_decay(form: LaplaceForm) -> list[str]:
    fails = []
    if not (form.weights.nonnegative and form.weights.total > 0):
        fails.append("the lag weights are at least 0, with a positive sum")
    if form.decay != 0:
        fails.append(f"no weight decay: it is {form.decay}")
    return fails


def _kind(form: LaplaceForm) -> list[str]:
    fails = _mean_without_decay(form)
    if form.weights.total != 1:
        fails.append(f"the lag weights sum to 1: they sum to {form.weights.total}")
    # Not one that a class derives from these: its phi may be another.
    if type(form.kernel) not in BUILT_IN.values():
        fails.append(f"the kernel is one of {', '.join(BUILT_IN)}")
    if form.beta == 0:
        fails.append("beta2 > 0")
    return fails


def _shown(value: flint.arb) -> str:
    return f"{float(value.mid()):.4g}"


def rate(form: LaplaceForm, found: Decrease, pl: flint.arb, loss: flint.arb) -> flint.arb:
    """Return c with L <= L_0 exp(-c t) while the flow is where ``found`` holds (N-Corollary 3); a lower bound.

    ``pl`` is below mu with D^2 >= 2 mu L there, ``loss`` above L_0.
    """
    pl = pl.lower()
    steepest = form.kernel.ball_of((2 * pl * (1 + found.eta) * loss.upper()).upper())
    return (2 * pl * found.share * steepest).lower() if found.holds and pl > 0 else flint.arb(0)


SCANNED = 128
"""Batches tried one by one: beyond 2.7 log(1/delta) each constant falls as B grows, if no row weighs more than 1/4."""


def smallest_batch(form: LaplaceForm, noise: Noise, most: int = 2**40) -> int | None:
    """Return the smallest batch for which N-Theorem 6 holds, all else unchanged; None if none up to ``most`` does.

    Where a row weighs more than 1/4, a batch below 128, or one for which the batch before it fails.
    """

    def suffices(batch: int) -> bool:
        return theorem_6(form, replace(noise, batch=batch)).holds

    tried = next((batch for batch in range(1, min(most, SCANNED) + 1) if suffices(batch)), None)
    if tried is not None:
        return tried
    low, high = SCANNED, 2 * SCANNED
    while high <= most and not suffices(high):
        low, high = high, 2 * high
    if high > most:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def smallest_beta2(form: LaplaceForm, noise: Noise, digits: int = 3) -> Fraction | None:
    """Return the smallest beta2 for which N-Theorem 6 holds, all else unchanged: 1 - beta2 to so many digits.

    c_0 decreases as delta grows. None if 1 - beta2 would be below 10^-18.
    """

    def suffices(gap: Fraction) -> bool:
        return theorem_6(replace(form, beta=1 - gap), noise).holds

    found = Fraction(0)
    for exponent in range(1, 19):
        step = Fraction(1, 10**exponent)
        found += next((m for m in range(9, 0, -1) if suffices(found + m * step)), 0) * step
        digits -= 1 if found > 0 else 0
        if digits == 0:
            break
    return 1 - found if found > 0 else None
