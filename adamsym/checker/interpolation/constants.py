"""The constants of N-Theorems 1, 2(b) and 6, of N-Lemmas 2 to 4, by this module's own formulas in intervals.

Rows of probabilities of at least p, batches of B: sum sigma_i^2 <= eta D^2, eta = (kappa - 1)/B.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.checker.form import Form
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import BUILT_IN


@dataclass(frozen=True)
class Draws:
    """Minibatches of ``batch`` rows, each of a probability of at least ``p``, in so many parameters."""

    p: Fraction
    batch: int
    dimension: int


@dataclass(frozen=True)
class Share:
    """c_0 > 0 of one theorem, a lower bound, and the q with which it was found."""

    c_0: Interval
    q: Interval


def is_mean(laplace: LaplaceForm) -> bool:
    """Whether f = -E[M phi(V)], M a mean of past gradients, with one of the two roots and 0 < beta."""
    weights = laplace.weights
    whole = sum(weights.head, Fraction(0)) + sum((a / (1 - r) for a, r in weights.terms), Fraction(0))
    known = type(laplace.kernel) in BUILT_IN.values()
    return whole == 1 and laplace.decay == 0 and laplace.beta > 0 and known


def best_share(
    form: Form, laplace: LaplaceForm, draws: Draws, eta: Interval, largest_gradient: Interval | None, loss: Interval
) -> Share | None:
    """Return what the best of the theorems proves; None if none holds.

    ``largest_gradient`` bounds all |g_i|, None if nothing does, and ``loss`` bounds E g_i^2.
    """
    using = form.using
    if not (is_mean(laplace) and form.averages):
        return None
    found = [*_for_every_eps(form, laplace, draws, eta)]
    if largest_gradient is not None and using.is_bounded(largest_gradient) and using.is_bounded(loss):
        q = sign_bound(using, using.upper(form.kernel.growth(form.beta, largest_gradient)), draws)
        growth = form.kernel.drop(loss) / form.kernel.of(loss)
        found.append(Share(using.lower(1 - q * using.root(eta) - using.square(q) * eta * growth / 4), q))
    held = [one for one in found if one.c_0 > 0]
    best = using.largest(one.c_0 for one in held)
    return next((one for one in held if one.c_0 >= best), None)


def _for_every_eps(form: Form, laplace: LaplaceForm, draws: Draws, eta: Interval) -> Iterator[Share]:
    using = form.using
    beta = using.exact(form.beta)
    q = sign_bound(using, using.upper(1 / using.root(beta) - 1), draws)
    first = 1 - q * using.root(eta)
    if not first > 0:
        return
    others = draws.dimension - 1
    if others == 0:
        yield Share(using.lower(first), q)
        return
    spread = using.root(using.number(others)) * (using.root(eta) if eta <= 1 else (1 + eta) / 2)
    size = second_moment_bound(form, fourth_moment(using, q, draws))
    if size is not None:
        yield Share(using.lower(first - size * using.square(q) / 4 * using.largest([eta, spread])), q)
    bound = numerator_bound(using, laplace)
    if bound is not None:
        yield Share(using.lower(first - bound * q * using.largest([using.root(1 + using.square(q)) * eta, spread])), q)


def sign_bound(using: Arithmetic, growth: Interval, draws: Draws) -> Interval:
    """Return the least q of N-Lemma 4, with q_1^2 = ``growth``, a point."""
    if growth == 0:
        return using.number(0)
    if not growth > 0:
        return using.number(math.inf)
    others, delta = using.exact(1 / draws.p) - 1, growth / (1 + growth)
    log = using.logarithm(1 / delta)
    fourth = using.root(using.root(kurtosis(using, draws) / delta))
    exponential = using.root(2 * log) + log / 3 * using.root(others / draws.batch)
    return using.least_bound(
        [using.root(growth), growth * using.root(draws.batch * others), growth * fourth, growth * exponential]
    )


def kurtosis(using: Arithmetic, draws: Draws) -> Interval:
    """Return K_c, or 1, which no kurtosis is below, where one row is all and K_c of no meaning."""
    return using.exact(max(Fraction(1), 3 + (1 / draws.p - 4) / draws.batch))


def fourth_moment(using: Arithmetic, q: Interval, draws: Draws) -> Interval:
    """Return a bound of E g^4/(E g^2)^2 where |m| < q sigma."""
    k = using.root(kurtosis(using, draws) - 1)
    top = (k + using.root(using.square(k) + 4)) / 2
    # The fraction rises up to u = 1/top.
    largest = (2 * q + k) / (1 + using.square(q)) if q * top <= 1 else top
    found = using.upper(1 + using.square(largest))
    return using.least_bound([found, using.exact(1 / draws.p)]) if draws.batch == 1 else found


def second_moment_bound(form: Form, fourth: Interval) -> Interval | None:
    """Return a bound of Lambda(1/K_4); None if it is infinite."""
    using = form.using
    beta, p = using.exact(form.beta), using.lower(1 / fourth)
    delta = 1 - using.root(beta)
    if not p > delta:
        return None
    return using.upper(using.root(beta * p * (2 * p - delta) / (2 - delta)) / (p - delta))


def numerator_bound(using: Arithmetic, laplace: LaplaceForm) -> Interval | None:
    """Return Phi of N-Lemma 2; None if none is known."""
    weights, beta = laplace.weights, laplace.beta
    left, falls = Fraction(1), True
    for k in range(len(weights.head) + 1):
        left -= weights.weight(k)
        falls = falls and left <= beta ** (k + 1)
    # Beyond the head the tails are sums of positive multiples of the ratios' powers.
    if falls and all(ratio <= beta for _, ratio in weights.terms):
        return using.number(1)
    if any(ratio**2 >= beta for _, ratio in weights.terms):
        return None
    step = using.root(using.exact(beta))
    found = using.number(0)
    for k, weight in enumerate(weights.head):
        found += using.exact(weight) / using.power(step, k)
    for amount, ratio in weights.terms:
        found += using.exact(amount) / (1 - using.exact(ratio) / step)
    return using.upper(found)
