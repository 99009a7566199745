"""How far the parameters' motion moves the increments' law: Lemmas 4 and 7 in mean square, for one coordinate.

Sizes of random factors (m, the increment h, the difference D of second moments, the mean Q of g d g) are kept as L^p
norms; whatever stands in denominators is a decreasing function of r and goes through Lemma 0. Hoelder's inequality
joins them. Where r < s0, a rare event, |m| <= C r takes over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from adamsym.dynamics.bound.hypotheses import Coordinate
from adamsym.dynamics.bound.lags import LagBounds, momentum_ratio
from adamsym.dynamics.bound.moments import LARGEST_EXPONENT, CentralMoments, geometric_sum_moments, norms, sum_moments
from adamsym.expressions.compilation import FloatArray
from adamsym.methods import Adam

Norms = Mapping[int, float]
"""Bounds of (E|X|^p)^(1/p) for even p."""

Decreasing = Callable[[FloatArray], FloatArray]

_RARE = (1e-24, 1e-16, 1e-12, 1e-8, 1e-6, 1e-4, 1e-2)
"""Probabilities of r < s0 that are tried for the choice of s0."""

_ROOT_CONSTANT = ((5**0.5 - 1) / 2) ** 2.5
"""max over k of k - k^2/sqrt(1 + k^2), 0.3003."""


@dataclass(frozen=True)
class CoordinateBounds:
    """Mean-square bounds for one coordinate; ``lags`` are 0, 1, ..., as far as they matter."""

    adam: Adam
    constants: Coordinate

    @property
    def lag_bounds(self) -> LagBounds:
        """The almost sure bounds with the same G."""
        return LagBounds(self.adam, self.constants.largest)

    # --- norms of random factors ---------------------------------------------------------------------------------

    @cached_property
    def momentum(self) -> Norms:
        """Norms of m and of all its sub-sums."""
        return _scaled_norms(self.adam.beta1, self.constants.moments, self.constants.mean)

    @cached_property
    def increment(self) -> Norms:
        """Norms of Phi = m/(r + eps), at most H."""
        largest = self.lag_bounds.increment
        found = {}
        for p in range(2, LARGEST_EXPONENT // 2 + 1, 2):
            candidates = [
                self.momentum[q] * self._denominator(1 / (1 / p - 1 / q)) for q in range(p + 2, LARGEST_EXPONENT + 1, 2)
            ]
            found[p] = min(largest, *candidates)
        return found

    def _denominator(self, exponent: float) -> float:
        return self.constants.denominators.norm(lambda r: 1 / (r + self.adam.eps), exponent)

    @cached_property
    def second_moments(self) -> Norms:
        """Norms of the martingale part of V_y - V_z, the second moments of two histories, one given the other."""
        squares = self.constants.square_moments
        one = geometric_sum_moments(self.adam.beta2, squares.values)
        return norms(sum_moments(one, one), squares.scale)

    @cached_property
    def products(self) -> Norms:
        """Norms of the Euclidean length of sum_l u_l g_l grad g_l."""
        each = [
            _scaled_norms(self.adam.beta2, moments, mean)
            for mean, moments in zip(self.constants.product_means, self.constants.product_moments, strict=True)
        ]
        return {p: float(np.linalg.norm([one[p] for one in each])) for p in each[0]}

    # --- products with decreasing functions of r -----------------------------------------------------------------

    def product(self, factors: Sequence[Norms], function: Decreasing, power: int = 2) -> float:
        """Return a bound of the L^power norm of the product of the factors and psi(r), the least over exponents."""
        count = len(factors)
        if count == 0:
            return self.constants.denominators.norm(function, power)
        exponents = range(2, LARGEST_EXPONENT + 1, 2)
        known = [p for p in exponents if p > count * power and all(p in factor for factor in factors)]
        return min(
            float(np.prod([factor[p] for factor in factors]))
            * self.constants.denominators.norm(function, 1 / (1 / power - count / p))
            for p in known
        )

    def rare(self, factors: Sequence[Norms], threshold: float) -> float:
        """Return a bound of the norm of the factors times 1{r < s0}/(r + eps)."""
        eps = self.adam.eps
        return self.product(factors, lambda r: (r < threshold) / (r + eps)) if threshold > 0 else 0.0

    @cached_property
    def thresholds(self) -> list[float]:
        """The values s0 that are tried: the least r, if positive, and low quantiles of the law below r."""
        law = self.constants.denominators
        found = [law.quantile(probability) for probability in _RARE]
        return [s for s in dict.fromkeys([float(law.roots[0]), *found]) if s > 0]

    # --- Lemma 4: one lag's own randomness -----------------------------------------------------------------------

    def deviations(self, lags: FloatArray) -> FloatArray:
        """Return sigma_j, a bound of the standard deviation that the gradient at lag j gives to the increment."""
        eps, c, law = self.adam.eps, self.adam.step_bound, self.constants.denominators
        w, u = self.lag_bounds.weights(lags)
        squares = [c * law.norm(lambda r: (r + eps) ** -2, 2)]
        for s in self.thresholds:
            usual = self.product([self.momentum], partial(_over, s, eps))
            squares.append(usual + c * law.norm(lambda r, s=s: (r < s) / (r + eps) ** 2, 2))  # type: ignore[misc]
        by_moments = w * self.constants.moments.deviation * self._denominator(2)
        by_moments += 0.5 * u * self.constants.square_moments.deviation * min(squares)
        return np.asarray(np.minimum(0.5 * self.lag_bounds.oscillation(lags), by_moments))

    # --- Lemma 7: the derivative in the parameters ---------------------------------------------------------------

    def slope(self, factors: Sequence[Norms], second: float, power: int = 2) -> float:
        """Return a bound of the L^power norm of Phi's derivative times the factors, of norm ``second`` (Lemma 3)."""
        eps, c = self.adam.eps, self.adam.step_bound
        first = self.product(factors, lambda r: 1 / (r + eps), power)
        with_momentum = self.product([self.momentum, *factors], lambda r: (r + eps) ** -2, power)
        return self.constants.slope * min(largest_slope(self.adam) * second, (1 + c) * first, first + with_momentum)

    @cached_property
    def field_slope(self) -> float:
        """A Lipschitz constant of this coordinate of f, by Lemma 3: no enclosure of f is needed."""
        return self.slope([], 1.0, power=1)

    def decay(self, factors: Sequence[Norms], threshold: float, second: float) -> "Decay":
        """Return the bound of Lemma 7 by moments, for s0 = ``threshold``."""
        eps, c, slope = self.adam.eps, self.adam.step_bound, self.constants.slope

        over = partial(_over, threshold, eps)

        def mixed(r: FloatArray) -> FloatArray:
            # r |d/dR 1/(r (r + eps)^2)|, R = r^2.
            return np.asarray((1 + 2 * r / (r + eps)) / (2 * np.maximum(r, threshold) ** 2 * (r + eps) ** 2))

        def second_moments(difference: Sequence[Norms]) -> float:
            with_slope = slope * self.product([self.momentum, *difference, *factors], mixed)
            with_products = self.product(
                [self.products, self.momentum, *difference, *factors], lambda r: mixed(r) / np.maximum(r, threshold)
            )
            return slope * 0.5 * self.product([*difference, *factors], over) + min(with_slope, with_products)

        # What moves the older gradients' copy does not depend on the past: its mean counts, and |h| apart.
        copy = second * self.product([self.momentum, self.products], over, power=1)
        return Decay(
            tail=second_moments([self.second_moments]) + copy,
            shift=second_moments([]),
            older=2 * slope * self.product([self.momentum, *factors], lambda r: (r + eps) ** -2),
            plain=slope * c * self.product(factors, lambda r: 1 / (r + eps)),
            newest=slope * second * self._denominator(1),
            rare=slope * (2 + 3 * c) * self.rare(factors, threshold),
        )


@dataclass(frozen=True)
class Decay:
    """Coefficients of one bound of Lemma 7, as it falls with the lag j.

    beta^j (tail + shift |E V_y - E V_z|) + min(alpha^j older, (alpha/beta^(1/2))^j plain) + alpha^j newest + rare.
    """

    tail: float
    shift: float
    older: float
    plain: float
    newest: float
    rare: float

    def at(self, adam: Adam, lags: FloatArray, shift: float) -> FloatArray:
        """Return the bound at lags, where the mean second moments of past and copy differ by at most ``shift``."""
        alpha, beta = adam.beta1, adam.beta2
        momentum = np.minimum(alpha**lags * self.older, momentum_ratio(adam) ** lags * self.plain)
        return np.asarray(
            beta**lags * (self.tail + shift * self.shift) + momentum + alpha**lags * self.newest + self.rare
        )


class Sensitivity:
    """L eta_j: bounds of the norm of the derivative of D_j along the motion, times |h| if ``speed`` is given.

    Parameters
    ----------
    bounds
        Of the coordinate.
    field_slope
        A Lipschitz constant of f.
    speed_bound
        H >= |h|.
    speed
        Norms of |h|; None for the derivative alone.
    """

    def __init__(
        self, bounds: CoordinateBounds, field_slope: float, speed_bound: float, speed: Norms | None = None
    ) -> None:
        factors = [] if speed is None else [speed]
        second = 1.0 if speed is None else speed[2]
        self.bounds, self.speed_bound = bounds, speed_bound
        self.largest = 1.0 if speed is None else speed_bound
        # For every lag: the derivative of Q_j, and that of f.
        self.cap = bounds.slope(factors, second) + field_slope * second
        self.decays = [bounds.decay(factors, threshold, second) for threshold in bounds.thresholds]
        law, eps = bounds.constants.denominators, bounds.adam.eps
        self.inverse = {q: law.norm(lambda r: 1 / (r + eps), q) for q in (1, 2, 4, 8)}

    def at(self, lags: FloatArray, displacement: float) -> FloatArray:
        """Return the bounds at lags j = 1, 2, ...

        ``displacement`` is sum_l beta^l gamma_{i-l}: times H it bounds how far the past's parameters lie.
        """
        shift = 2 * self.bounds.constants.product_mean * self.speed_bound * displacement
        found = np.minimum(self.cap, self.largest * self._worst_case(lags, shift))
        for decay in self.decays:
            found = np.minimum(found, decay.at(self.bounds.adam, lags, shift))
        return found

    def _worst_case(self, lags: FloatArray, shift: float) -> FloatArray:
        """The bound without moments of m, by |m| <= C r alone; it needs no lower bound of r."""
        constants = self.bounds.constants
        difference = self.bounds.second_moments[2] + shift
        return worst_case(self.bounds.adam, constants, lags, difference, constants.root_mean_square, self.inverse)


def worst_case(
    adam: Adam,
    constants: Coordinate,
    lags: FloatArray,
    difference: float,
    root_mean_square: float,
    inverse: Mapping[int, float],
) -> FloatArray:
    """Return L eta_j by |m| <= C r alone, from norms ``inverse`` of 1/(r + eps) for exponents 1, 2, 4, 8.

    ``difference`` bounds the second moments' difference in mean square. With 1/eps for all norms, G^2 and G it holds
    almost surely.
    """
    alpha, beta, eps, c = adam.beta1, adam.beta2, adam.eps, adam.step_bound
    root = beta ** (lags / 2)
    x = root * min(constants.largest, difference**0.5)
    steep = x / (eps * (x + eps))
    curved = np.minimum(1 / (4 * eps), _ROOT_CONSTANT * x * (eps**-2 + 1 / (2 * eps * (x + eps))))
    tail = np.minimum((1 + 3 * c) * x * inverse[8] ** 2, steep + c * curved)
    older = np.minimum(
        2 * alpha**lags * constants.largest * inverse[4] ** 2, c * momentum_ratio(adam) ** lags * inverse[2]
    )
    copy = c * np.minimum(beta**lags * root_mean_square * inverse[4] ** 2, root * inverse[1])
    return np.asarray(constants.slope * (tail + older + alpha**lags * inverse[1] + copy))


def _scaled_norms(decay: float, differences: CentralMoments, mean: float) -> Norms:
    """Norms of a running mean with this decay and all its sub-sums, from the moments of its terms."""
    return norms(geometric_sum_moments(decay, differences.values), differences.scale, mean)


def _over(threshold: float, eps: float, r: FloatArray) -> FloatArray:
    """1/(r (r + eps)^2), for r below the threshold as there."""
    return np.asarray(1 / (np.maximum(r, threshold) * (r + eps) ** 2))


def largest_slope(adam: Adam) -> float:
    """Return lambda = (1+C)^2/(4 C eps): Phi is lambda-Lipschitz in the largest change of a gradient (Lemma 3)."""
    c = adam.step_bound
    return (1 + c) ** 2 / (4 * c * adam.eps) if c >= 1 else 1 / adam.eps
