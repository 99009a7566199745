"""The bound itself: Theorem 8 (mean square), Theorem 10 (one run), Corollary 9 (closed form)."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from adamsym.dynamics.bound.drift import CoordinateBounds, Sensitivity, largest_slope, worst_case
from adamsym.dynamics.bound.hypotheses import Hypotheses
from adamsym.dynamics.bound.lags import LagBounds
from adamsym.expressions.compilation import FloatArray
from adamsym.methods import Adam

MEMORY = 60
"""Lags up to 60/(1-beta) are looked at one by one; what older ones add is bounded at once."""

_LARGEST_EXPONENT = 700.0
"""Growth beyond e^700 is infinite: the ceiling is the bound."""

_GROUPS = 24
"""Groups of steps whose drift is bounded by that of their worst."""


@dataclass(frozen=True)
class Bracket:
    """The four pieces of the bound before growth, in the parameters' units, and the growth Gamma_T.

    martingale
        What the independent draws of the window add up to.
    drift
        The change of the increments' law as the parameters move.
    bias
        What is left of the start and of the gradients before the lookback.
    discretization
        Steps against continuous time.
    growth
        Gamma_T = 1 + L_f (e^(l T) - 1)/l: how errors grow along the flow.
    ceiling
        What the distance cannot exceed whatever the field: both paths' lengths.
    """

    martingale: float
    drift: float
    bias: float
    discretization: float
    growth: float
    ceiling: float

    @property
    def total(self) -> float:
        """The bound of the distance: growth times the sum, and at most the ceiling."""
        return min(self.growth * (self.martingale + self.drift + self.bias + self.discretization), self.ceiling)


@dataclass(frozen=True)
class WindowBound:
    """Bounds of sup |Theta - Psi| over one window, on the runs that stay in the region.

    Attributes
    ----------
    mean_square
        Theorem 8: of the root of the mean square.
    one_run
        Theorem 10: of one run, but for a probability ``level``.
    level
        Delta.
    closed_form
        Corollary 9: the mean-square bound from G, L, f's slopes, eps and the momentum parameters.
    """

    mean_square: Bracket
    one_run: Bracket
    level: float
    closed_form: float

    @property
    def per_run(self) -> float:
        """The better of Theorem 10 and Chebyshev's inequality from Theorem 8, at ``level``."""
        return min(self.one_run.total, self.mean_square.total / math.sqrt(self.level))


@dataclass(frozen=True)
class Steps:
    """The steps that a window's bound looks at.

    Attributes
    ----------
    sizes
        gamma_k for k = first + 1, ..., n1.
    first
        Where the lookback begins: 0, or so far back that the gradients before it are forgotten.
    start
        n0, where the window begins.
    """

    sizes: FloatArray
    first: int
    start: int

    @property
    def window(self) -> FloatArray:
        """gamma_k for k = n0 + 1, ..., n1."""
        return self.sizes[self.start - self.first :]

    @property
    def length(self) -> float:
        """T = t_n1 - t_n0."""
        return float(self.window.sum())


def memory(adam: Adam) -> int:
    """Return the number of lags that count; a window's bound looks back as many steps."""
    return math.ceil(MEMORY / (1 - max(adam.beta1, adam.beta2)))


def window_bound(
    adam: Adam, constants: Hypotheses, steps: Steps, largest: FloatArray, level: float = 0.05
) -> WindowBound:
    """Return the bounds of one window.

    Parameters
    ----------
    constants
        The hypotheses over a convex region; the bounds hold on the event that the parameters from ``steps.first`` on,
        and the flow, stay in it.
    steps
        The step sizes, which must not increase.
    largest
        Bounds of |g_i| over all parameters since step 0, shape (d,).
    level
        Delta in (0, 1) for the bound of one run.
    """
    coordinates = [CoordinateBounds(adam, one) for one in constants.coordinates]
    overall = [LagBounds(adam, float(g)) for g in largest]
    speed_bound = math.hypot(*(one.increment for one in overall))
    lags = np.arange(memory(adam), dtype=np.float64)
    start, speed = _start_bias(overall, steps), _speed(coordinates)
    constants = _with_lemma_3(constants, coordinates, speed[2])
    growth, second = _growth(constants, steps.length), float(np.sqrt(np.square(steps.window).sum()))
    bias = float(steps.window @ _lengths(start, steps)) + _older_lags(overall, steps)
    half, eighth = 0.5 * second**2, float(steps.window[0]) ** 2 / 8

    deviations = np.array([one.deviations(lags) for one in coordinates])
    martingale = 2 * float(np.linalg.norm(deviations, axis=0).sum()) * second
    drift = _drift(coordinates, constants, steps, speed_bound, start, speed)
    moved = min(speed_bound * half, speed[2] * half + 0.5 * float(np.square(steps.window) @ _lengths(start, steps)))
    discretization = constants.lipschitz * (moved + speed_bound * eighth)
    furthest = (speed_bound + constants.field_size) * steps.length
    likely = (speed[2] + constants.field_size) * steps.length + bias
    mean_square = Bracket(martingale, drift, bias, discretization, growth, min(furthest, likely))

    oscillations = np.array([one.lag_bounds.oscillation(lags).sum() for one in coordinates])
    sharp = _azuma_factor(len(coordinates), level) * float(np.linalg.norm(oscillations)) * second
    worst = _drift_of_one_run(coordinates, constants, steps, speed_bound)
    rest = constants.lipschitz * speed_bound * (half + eighth)
    one_run = Bracket(sharp, worst, bias, rest, growth, furthest)
    return WindowBound(mean_square, one_run, level, closed_form(adam, constants, steps, largest, growth))


def _lengths(start: FloatArray, steps: Steps) -> FloatArray:
    return np.asarray(np.linalg.norm(start[:, steps.start - steps.first :], axis=0))


def _with_lemma_3(constants: Hypotheses, coordinates: list[CoordinateBounds], speed: float) -> Hypotheses:
    """The constants of f, by Lemma 3 where that is better than the enclosures; |f| <= E|Phi| <= ``speed``."""
    lipschitz = min(constants.lipschitz, math.hypot(*(one.field_slope for one in coordinates)))
    one_sided, size = min(constants.one_sided, lipschitz), min(constants.field_size, speed)
    return replace(constants, lipschitz=lipschitz, one_sided=one_sided, field_size=size)


def _older_lags(overall: list[LagBounds], steps: Steps) -> float:
    """What the decomposition leaves beyond the lags that count: |D_J| <= c_J at every step (Lemma 5)."""
    last = np.array([float(memory(overall[0].adam))])
    return steps.length * math.hypot(*(float(one.mixing(last)[0]) for one in overall))


def _start_bias(overall: list[LagBounds], steps: Steps) -> FloatArray:
    """Bounds of |h_k - h'_k|, shape (d, steps): h' has no bias, and gradients drawn at theta_first before that step."""
    numbers = np.arange(steps.first + 1, steps.first + 1 + len(steps.sizes), dtype=np.float64)
    found = np.array([one.start(numbers) for one in overall])
    if steps.first:
        found += np.array([one.mixing(numbers - steps.first) for one in overall])
    return np.asarray(np.minimum(found, 2 * np.array([[one.increment] for one in overall])))


def _speed(coordinates: list[CoordinateBounds]) -> dict[int, float]:
    """Norms of |h'|, the Euclidean length of the increment without bias."""
    return {p: math.hypot(*(one.increment[p] for one in coordinates)) for p in coordinates[0].increment}


def _growth(constants: Hypotheses, length: float) -> float:
    rate = constants.one_sided
    if rate * length > _LARGEST_EXPONENT:
        return math.inf
    grown = math.expm1(rate * length) / rate if rate else length
    return 1 + constants.lipschitz * grown


def _groups(steps: Steps, adam: Adam) -> Iterator[tuple[float, float, slice, slice]]:
    """Groups of steps i: the sum of gamma_i times the largest gamma_k met, displacement, lags from 1, where they stand.

    A step i <= n0 meets the window's steps k = i + j at lags j from n0 + 1 - i on; later ones at all lags.
    """
    displacement = _discounted(steps.sizes, adam.beta2)
    before, count = steps.start - steps.first, len(steps.sizes)
    older = before - np.geomspace(1, max(1, before), _GROUPS)
    ends = np.unique(
        np.clip(np.concatenate(([0], older, np.linspace(before, count, _GROUPS + 1))), 0, count).astype(int)
    )
    for low, high in itertools.pairwise(ends):
        met = np.minimum(np.maximum(np.arange(low, high) + 1, before), count - 1)
        weight = float(steps.sizes[low:high] @ steps.sizes[met])
        lags = slice(max(0, before - int(high)), min(memory(adam), count - 1 - int(low)))
        yield weight, float(displacement[low:high].max()), lags, slice(low, high)


def _discounted(sizes: FloatArray, decay: float) -> FloatArray:
    """sum_l decay^l gamma_(i-l) for each i."""
    import scipy.signal

    return np.asarray(scipy.signal.lfilter([1.0], [1.0, -decay], sizes))


def _drift(
    coordinates: list[CoordinateBounds],
    constants: Hypotheses,
    steps: Steps,
    speed_bound: float,
    start: FloatArray,
    speed: dict[int, float],
) -> float:
    """sum_k gamma_k sum_j gamma_(k-j) |L eta_j(k-j)|, by groups of steps i = k - j."""
    adam = coordinates[0].adam
    lags = np.arange(1, memory(adam) + 1, dtype=np.float64)
    lengths, total = np.linalg.norm(start, axis=0), 0.0
    alone = [Sensitivity(one, constants.lipschitz, speed_bound) for one in coordinates]
    joint = [Sensitivity(one, constants.lipschitz, speed_bound, speed) for one in coordinates]
    for weight, displacement, met, where in _groups(steps, adam):
        excess, found = float(lengths[where].max()), np.zeros_like(lags[met])
        for slope, with_speed in zip(alone, joint, strict=True):
            plain = slope.at(lags[met], displacement)
            together = with_speed.at(lags[met], displacement) + excess * plain
            found += np.minimum(speed_bound * plain, together) ** 2
        total += weight * float(np.sqrt(found).sum())
    return total


def _drift_of_one_run(
    coordinates: list[CoordinateBounds], constants: Hypotheses, steps: Steps, speed_bound: float
) -> float:
    """The same almost surely: |m| <= C r, |h| <= H and r >= 0 are all that is used."""
    adam = coordinates[0].adam
    lags = np.arange(1, memory(adam) + 1, dtype=np.float64)
    inverse = dict.fromkeys((1, 2, 4, 8), 1 / adam.eps)
    found = np.zeros(len(lags))
    for one in coordinates:
        g = one.constants
        cap = g.slope * largest_slope(adam) + constants.lipschitz
        found += np.minimum(cap, worst_case(adam, g, lags, g.largest**2, g.largest, inverse)) ** 2
    sums = np.append(0.0, np.sqrt(found).cumsum())
    groups = ((weight, met) for weight, _, met, _ in _groups(steps, adam) if met.stop > met.start)
    return speed_bound * sum(weight * float(sums[met.stop] - sums[met.start]) for weight, met in groups)


def _azuma_factor(dimension: int, level: float) -> float:
    """z of Theorem 10, the least over kappa in (0, 2)."""
    kappa = np.linspace(0.01, 1.99, 199)
    squares = np.log(dimension * 2 ** (1 + kappa / 2) / ((2 - kappa) * level)) / kappa
    return float(np.sqrt(squares.min()))


def closed_form(adam: Adam, constants: Hypotheses, steps: Steps, largest: FloatArray, growth: float) -> float:
    """Return Corollary 9: the mean-square bound by G, L, f's slopes, eps and the momentum parameters."""
    c, eps, alpha, beta = adam.step_bound, adam.eps, adam.beta1, adam.beta2
    overall = [LagBounds(adam, float(g)) for g in largest]
    speed_bound, greatest = math.hypot(*(one.increment for one in overall)), float(largest.max())
    gamma, length, root = float(steps.window[0]), steps.length, math.sqrt(beta)
    martingale = 2 * math.hypot(*largest) / eps + c * math.hypot(*largest**2) / (2 * eps**2)
    memories = (1 + c / 2) * root / (1 - root) + 2 * alpha / (1 - alpha) + c * beta / (1 - beta)
    slope = math.hypot(*(one.slope for one in constants.coordinates))
    drift = slope * speed_bound * (greatest / eps**2 * memories + alpha / ((1 - alpha) * eps))
    before = steps.start - steps.first
    back = np.arange(before + 1)
    older = float((steps.sizes[before - back] + root**back * steps.sizes[0]).min())
    decayed = math.sqrt(len(largest)) * (
        2 * greatest * alpha ** (steps.start + 1) / (eps * (1 - alpha))
        + c * greatest**2 * beta ** (steps.start + 1) / (eps**2 * (1 - beta))
    )
    forgotten = float(steps.window @ np.linalg.norm([one.mixing(_since(steps)) for one in overall], axis=0))
    return growth * (
        martingale * math.sqrt(length * gamma)
        + drift * length * older
        + constants.lipschitz * speed_bound * (length * gamma / 2 + gamma**2 / 8)
        + decayed * gamma
        + (forgotten if steps.first else 0.0)
    )


def _since(steps: Steps) -> FloatArray:
    """How many steps after the lookback's begin the window's steps come."""
    return np.arange(steps.start - steps.first + 1, len(steps.sizes) + 1, dtype=np.float64)
