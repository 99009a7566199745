"""F for one law of the gradient given by its transforms: the same quadrature as for atoms."""

import math
from dataclasses import dataclass

import numpy as np

from adamsym.field.gradient_laws import GradientLaw
from adamsym.field.nodes import MOST_NODES, first_index, is_finished, padding, place_nodes, workspace
from adamsym.field.quadrature import evaluate
from adamsym.field.records import Moments, rule_of
from adamsym.field.spectral import ROUNDING, SPACINGS, estimated_error
from adamsym.optimizer import AdaptiveMethod

_NODES_AT_ONCE = 16


@dataclass(frozen=True)
class LawQuotient:
    """F and an a-posteriori estimate of its error."""

    value: float
    error: float


def law_quotient(law: GradientLaw, method: AdaptiveMethod) -> LawQuotient:
    """Return F = E[M/(sqrt V + eps)] of one law of a gradient coordinate, with an error estimate from two grids.

    Raises
    ------
    ValueError
        If the law has no finite fourth moment, or its transforms are not finite.

    Notes
    -----
    Accuracy about 1e-14 min(C, E|g|/eps) where the law's transforms have full accuracy (theory T4, T5).
    """
    first, second, third, fourth = law.moments
    if second == 0:
        return LawQuotient(0.0, 0.0)
    if not (math.isfinite(fourth) and second > 0):
        raise ValueError("law: its fourth moment must be finite")
    scale = math.sqrt(second)
    mean = first / scale
    moments = Moments(0.0, mean, 1.0, third / scale**3 - mean, max(fourth / second**2 - 1.0, 0.0), law.extent / scale)
    eps = method.eps / second if method.eps_inside_root else method.eps / scale
    unit = 1.0 / math.sqrt(1.0 + eps) if method.eps_inside_root else 1.0 / (1.0 + eps)
    value = error = math.nan
    for target in SPACINGS:
        rule = rule_of(method, target)
        samples = workspace(MOST_NODES)
        _, right = padding(rule)
        index = first_index(moments.largest, eps, rule)
        count, total = 0, 0.0
        while not (count and is_finished(count, total, moments, eps, rule, samples)):
            end = count + _NODES_AT_ONCE
            if end > MOST_NODES:
                raise ValueError("law: the integral needs too many nodes; raise eps or beta2")
            place_nodes(count, end, index, eps, rule, samples)
            log_b, ratio = law.transforms(samples.s[count:end] * (rule.one_less_beta / second))
            samples.log_b[count:end], samples.ratio[count:end] = log_b, ratio / scale
            total += float(samples.log_b[max(0, count - 1 - right) : max(0, end - 1 - right)].sum())
            count = end
        if not (np.isfinite(samples.log_b[:count]).all() and np.isfinite(samples.ratio[:count]).all()):
            raise ValueError("law: its transforms are not finite; raise beta2 or eps")
        value, difference = evaluate(count, moments, eps, rule, samples)
        error = unit * float(estimated_error(difference))
        if estimated_error(difference) <= 2 * ROUNDING or rule.fine.exact_lags:
            break
    return LawQuotient(float(value), float(error))
