"""What the quadrature works on: plain records that compiled code can read."""

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.grid import LagGrid, lag_grids
from adamsym.field.float.kernel import CutoffTable, cutoff_table
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import RootOfSum


class Rule(NamedTuple):
    """All that the integral needs of the optimizer: decay rates, lag weights, two nested grids, the cutoff.

    The weights are ``current_weight`` of the newest gradient and ``amount`` alpha^k of all; they sum to ``total``.
    """

    one_less_alpha: float
    one_less_beta: float
    one_less_alpha_beta: float
    current_weight: float
    amount: float
    total: float
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
def rule_of(form: LaplaceForm, target: float) -> Rule:
    """Return the rule of a part of a form (see :mod:`adamsym.field.float.forms`) at a spacing close to ``target``."""
    (amount, alpha), *_ = *form.weights.terms, (Fraction(0), Fraction(0))
    inside = isinstance(form.kernel, RootOfSum)
    fine, coarse = lag_grids(alpha, form.beta, target)
    return Rule(
        float(1 - alpha),
        float(1 - form.beta),
        float(1 - alpha * form.beta),
        float(sum(form.weights.head)),
        float(amount),
        float(form.weights.total),
        inside,
        fine,
        coarse,
        cutoff_table(fine.spacing, inside),
    )
