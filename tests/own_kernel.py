"""A kernel as a user writes it, for tests: its bounds are those of every Stieltjes function."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import sympy as sp

from adamsym.field.ball.arithmetic import ball
from adamsym.methods import StieltjesKernel


@dataclass(frozen=True)
class TwoRates(StieltjesKernel):
    """phi(v) = 1/(v + eps) + 1/(v + 100 eps): its own bounds are the general ones."""

    epsilon: Fraction
    name: ClassVar[str] = "1/(v + eps) + 1/(v + 100 eps)"

    def of(self, v):
        eps = float(self.epsilon)
        return 1 / (v + eps) + 1 / (v + 100 * eps)

    def ball_of(self, v):
        eps = ball(self.epsilon)
        return 1 / (v + eps) + 1 / (v + 100 * eps)

    def ball_weight(self, s):
        eps = ball(self.epsilon)
        return s * ((-eps * s).exp() + (-100 * eps * s).exp())

    def symbolic(self, v, epsilon):
        return 1 / (v + epsilon) + 1 / (v + 100 * epsilon)

    def density(self, s, epsilon):
        return sp.exp(-epsilon * s) + sp.exp(-100 * epsilon * s)
