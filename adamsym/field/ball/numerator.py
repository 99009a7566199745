"""The parts of a numerator M = sum_k c_k g_k: one for each lag of the head, one for each geometric term (theory T4).

With P(s) = E exp(-s V) and t = (1 - beta) s, a geometric term has N(s) = sum_k ratio^k E[g_k exp(-s V)], which obeys
N(s) = A(t) P(beta s) + ratio B(t) N(beta s). A lag k has H_k(s) = E[g_k exp(-s V)]: H_0(s) = A(t) P(beta s) and
H_k(s) = B(t) H_(k-1)(beta s). E[M exp(-s V)] is the sum of the parts times their amounts.
"""

from dataclasses import dataclass
from functools import lru_cache

import flint

from adamsym.field.ball.arithmetic import BITS, ball
from adamsym.methods import LagWeights


@dataclass(frozen=True)
class Part:
    """``amount`` times the sum of ratio^k g_k over all k, or times g_lag where ``ratio`` is None."""

    amount: flint.arb
    ratio: flint.arb | None
    lag: int = 0

    def lag_sum(self, power: flint.arb) -> flint.arb:
        """Return the sum of weight_k power^k over all k, for the amount 1."""
        return power**self.lag if self.ratio is None else 1 / (1 - self.ratio * power)


def parts_of(weights: LagWeights) -> tuple[Part, ...]:
    """Return the parts: those of the head by lag, then the geometric terms. Call within ``ball_arithmetic()``."""
    return _parts_of(weights, flint.ctx.prec)


@lru_cache(maxsize=64)
def _parts_of(weights: LagWeights, bits: int) -> tuple[Part, ...]:
    assert bits >= BITS, "call within ball_arithmetic()"
    head = [Part(ball(amount), None, lag) for lag, amount in enumerate(weights.head)]
    return (*head, *(Part(ball(amount), ball(ratio)) for amount, ratio in weights.terms))
