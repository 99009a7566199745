"""What one gradient of the past can do to Adam's increment: Lemmas 2, 4, 5, 6 of docs/pseudo_trajectory.md.

All for one coordinate; Phi = m/(r + eps), r = sqrt(v), and a lag counts gradients back from the newest, which is lag 0.
"""

import math
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.methods import Adam


def momentum_ratio(adam: Adam) -> float:
    """Return alpha/beta^(1/2), below 1: so much faster the mean's weights fall than the root of the squares' does."""
    return adam.beta1 / math.sqrt(adam.beta2) if adam.beta2 else 0.0


@dataclass(frozen=True)
class LagBounds:
    """Bounds for one coordinate whose gradients are at most ``largest`` = G in magnitude."""

    adam: Adam
    largest: float

    @property
    def increment(self) -> float:
        """H >= |Phi|, (1/C + eps/G)^-1 (Lemma 2)."""
        if self.largest == 0:
            return 0.0
        return 1 / (1 / self.adam.step_bound + self.adam.eps / self.largest)

    def root_change(self, x: FloatArray) -> FloatArray:
        """Return V(x) = C x min(1, x/(2 eps))/(x + eps), a bound of |mu| (1/(r_1 + eps) - 1/(r_2 + eps)).

        For |mu| <= C s and s <= r_1 <= r_2 <= sqrt(s^2 + x^2).
        """
        eps = self.adam.eps
        return np.asarray(self.adam.step_bound * x * np.minimum(1.0, x / (2 * eps)) / (x + eps))

    def weights(self, lags: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return w_j = (1-alpha) alpha^j and u_j = (1-beta) beta^j."""
        return (1 - self.adam.beta1) * self.adam.beta1**lags, (1 - self.adam.beta2) * self.adam.beta2**lags

    def oscillation(self, lags: FloatArray) -> FloatArray:
        """Return R_j, a bound of Phi's oscillation as a function of the gradient at lag j alone (Lemma 4)."""
        w, u = self.weights(lags)
        size = np.sqrt(u) * self.largest
        return 2 * w * self.largest / (size + self.adam.eps) + self.root_change(size)

    def mixing(self, lags: FloatArray) -> FloatArray:
        """Return c_j, a bound of |Phi(x) - Phi(x')| for histories that agree at all lags below j (Lemma 5)."""
        alpha, beta, eps = self.adam.beta1, self.adam.beta2, self.adam.eps
        size = beta ** (lags / 2) * self.largest
        tail = 2 * alpha**lags * self.largest / (size / self.adam.step_bound + eps)
        return np.asarray(np.minimum(2 * self.increment, tail + self.root_change(size)))

    def start(self, steps: FloatArray) -> FloatArray:
        """Return b_n, a bound of |h_n - Phi|, h_n the increment at step n with bias correction (Lemma 6).

        Phi has the same n newest gradients and any older ones.
        """
        alpha, beta, eps, c = self.adam.beta1, self.adam.beta2, self.adam.eps, self.adam.step_bound
        forgotten = -np.expm1(steps * math.log(beta)) if beta > 0 else np.ones_like(steps)
        ratio = momentum_ratio(self.adam) ** steps
        first = np.minimum(2 * self.largest / eps * alpha**steps, c * (ratio + alpha**steps / np.sqrt(forgotten)))
        scaled = self.increment * beta**steps * np.minimum(self.largest / eps, 1 / np.sqrt(forgotten))
        older = np.maximum(self.root_change(beta ** (steps / 2) * self.largest), scaled)
        return np.asarray(np.minimum(2 * self.increment, first + older))
