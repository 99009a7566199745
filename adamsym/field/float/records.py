"""What the quadrature works on: plain records that compiled code can read."""

from functools import lru_cache
from typing import NamedTuple

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.grid import LagGrid, lag_grids
from adamsym.field.float.kernel import CutoffTable, cutoff_table
from adamsym.methods import AdaptiveMethod


class Rule(NamedTuple):
    """All that the integral needs of the optimizer: decay rates, numerator weights, two nested grids, the cutoff."""

    one_less_alpha: float
    one_less_beta: float
    one_less_alpha_beta: float
    current_weight: float
    momentum_weight: float
    eps_inside_root: bool
    fine: LagGrid
    coarse: LagGrid
    cutoff: CutoffTable


class Moments(NamedTuple):
    """Of a scaled law, with y = g^2 - least: least, E g, E y, Cov(g, y), and the largest |g|."""

    least: float
    mean: float
    mean_excess: float
    covariance: float
    largest: float


class Samples(NamedTuple):
    """Work space along the grid: s, the weights h s rho(s), exp(-s), A, B - 1, log B, A/B, S and Q."""

    s: FloatArray
    weight: FloatArray
    control: FloatArray
    a: FloatArray
    b_less_one: FloatArray
    log_b: FloatArray
    ratio: FloatArray
    s_sum: FloatArray
    q_sum: FloatArray


@lru_cache(maxsize=256)
def rule_of(method: AdaptiveMethod, target: float) -> Rule:
    """Return the rule of a method at a spacing close to ``target``."""
    fine, coarse = lag_grids(method.alpha, method.beta, target)
    return Rule(
        float(1 - method.alpha),
        float(1 - method.beta),
        float(1 - method.alpha * method.beta),
        float(method.current_weight),
        float(method.momentum_weight),
        method.eps_inside_root,
        fine,
        coarse,
        cutoff_table(fine.spacing, method.eps_inside_root),
    )
