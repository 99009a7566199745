"""F for one law of the gradient given by its transforms: the same quadrature as for atoms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.running import UNIT
from adamsym.field.arrays.laws import scaled, value_of_law
from adamsym.field.float.adjoint import transform_adjoints
from adamsym.field.float.forms import FloatForm, float_form, require_parts
from adamsym.field.float.limits import LINEAR_BELOW, MOST_NODES, ROUNDING
from adamsym.field.float.nodes import first_index, is_finished, padding, place_nodes, workspace
from adamsym.field.float.quadrature import control_error, evaluate
from adamsym.field.float.records import Moments, Rule, Samples
from adamsym.field.float.rules import INTERPOLATED_FOR_FEW, ladder, rule_of
from adamsym.field.laws.gradient_laws import GradientLaw
from adamsym.methods import LaplaceForm, Method

_NODES_AT_ONCE = 16


@dataclass(frozen=True)
class TransformAdjoints:
    """The derivative of F in all that it uses of a law: A(t) and B(t), E g, E g^2 and Cov(g, g^2)."""

    t: FloatArray
    a: FloatArray
    b: FloatArray
    mean: float
    square: float
    covariance: float


@dataclass(frozen=True)
class LawQuotient:
    """F and an a-posteriori estimate of its error; with the derivative in the law's transforms if asked for.

    ``inverse`` is a bound of E[1/(sqrt V + eps)], by which a change of the gradients changes F.
    """

    value: float
    error: float
    inverse: float
    adjoints: TransformAdjoints | None = None


def law_quotient(law: GradientLaw, method: Method | LaplaceForm, adjoints: bool = False) -> LawQuotient:
    """Return F = E[M phi(V)] of one law of a gradient coordinate, with an error estimate.

    Raises
    ------
    InputError
        If the method has no Laplace form that the compiled quadrature takes (see :func:`quotient`), the law has no
        finite fourth moment, or its transforms are not finite.

    Notes
    -----
    Accuracy about 1e-14 min(C, E|g|/eps) where the law's transforms have full accuracy (theory T4, T5).
    """
    parts = require_parts(float_form(method), "the field of such a law")
    found = [(factor, _of_part(law, float_form(part), adjoints)) for factor, part in parts]
    if len(found) == 1 and found[0][0] == 1:
        return found[0][1]
    value = sum(factor * one.value for factor, one in found)
    error = sum(factor * one.error for factor, one in found) + UNIT * abs(value)
    own = [(factor, one.adjoints) for factor, one in found if one.adjoints is not None]
    return LawQuotient(value, error, min(one.inverse for _, one in found), _joined(own) if adjoints else None)


def _joined(parts: Sequence[tuple[float, TransformAdjoints]]) -> TransformAdjoints:
    """The adjoints of a sum: each part has its own grid."""
    return TransformAdjoints(
        np.concatenate([one.t for _, one in parts]),
        np.concatenate([factor * one.a for factor, one in parts]),
        np.concatenate([factor * one.b for factor, one in parts]),
        sum(factor * one.mean for factor, one in parts),
        sum(factor * one.square for factor, one in parts),
        sum(factor * one.covariance for factor, one in parts),
    )


def _of_part(law: GradientLaw, form: FloatForm, adjoints: bool) -> LawQuotient:
    if not adjoints:
        rules = (rule_of(form.form, per_octave, INTERPOLATED_FOR_FEW) for per_octave in ladder(1e-13))
        return LawQuotient(*value_of_law(law, form, rules)[:3])
    size, inside = form.size, form.eps_inside_root
    if law.magnitude_bound <= LINEAR_BELOW * size:
        nothing = np.zeros(0)
        linear = TransformAdjoints(nothing, nothing, nothing, form.total / size, 0.0, 0.0)
        return LawQuotient(*value_of_law(law, form, ())[:3], linear)
    scale, moments = scaled(law)
    eps = form.eps / scale / scale if inside else form.eps / scale
    unit = 1.0 / math.sqrt(1.0 + eps) if inside else 1.0 / (1.0 + eps)
    most = min(form.largest, form.absolute * scale / size)
    for per_octave in ladder(1e-13):
        rule = rule_of(form.form, per_octave, INTERPOLATED_FOR_FEW)
        samples = workspace(MOST_NODES)
        count = _sample(law, moments, scale, eps, rule, samples)
        value, filters, inverse, variate = evaluate(count, moments, eps, rule, samples)
        control = control_error(moments, eps, rule)
        if filters + control <= ROUNDING * unit:
            break
    found = _adjoints(count, moments, scale, variate, rule, samples)
    estimate = filters + control + rule.alias * most + ROUNDING * unit
    return LawQuotient(float(value), float(estimate), inverse / scale, found)


def _sample(law: GradientLaw, moments: Moments, scale: float, eps: float, rule: Rule, samples: Samples) -> int:
    """Fill log B and A/B of the scaled law and return the number of nodes."""
    _, right = padding(rule)
    index = first_index(moments, eps, rule)
    count, total = 0, 0.0
    while not (count and is_finished(count, total, moments, eps, rule, samples)):
        end = count + _NODES_AT_ONCE
        if end > MOST_NODES:
            raise InputError("law: the integral needs too many nodes; raise eps or beta2")
        place_nodes(count, end, index, eps, rule, samples)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            log_b, ratio = law.transforms(samples.s[count:end] * (rule.one_less_beta / scale**2))
        if not (np.isfinite(log_b).all() and np.isfinite(ratio).all()):
            raise InputError("law: its transforms are not finite; raise beta2 or eps")
        samples.log_b[count:end], samples.ratio[count:end] = log_b, ratio / scale
        total += float(samples.log_b[max(0, count - 1 - right) : max(0, end - 1 - right)].sum())
        count = end
    return count


def _adjoints(
    count: int, moments: Moments, scale: float, variate: tuple[float, float], rule: Rule, samples: Samples
) -> TransformAdjoints:
    """The adjoints for the law as it was before scaling."""
    a, b = np.empty(count), np.empty(count)
    mean, square, covariance = transform_adjoints(count, moments, variate, rule, samples, a, b)
    t = samples.s[:count] * (rule.one_less_beta / scale**2)
    return TransformAdjoints(t, a / scale, b, mean / scale, square / scale**2, covariance / scale**3)
