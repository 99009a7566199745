"""Gradient coordinates whose law is known in closed form: affine in continuous columns.

With each law comes a bound of what rounding of its parameters moves the gradient by: for most of its values, since
tails are rare.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.expressions.running import UNIT, Running
from adamsym.expressions.running_code import compile_running
from adamsym.field.laws.gradient_laws import Atoms, Exponential, GradientLaw, Normal, Uniform
from adamsym.gradients import Independent, StochasticGradient, SymbolicGradient
from adamsym.gradients.continuous import Column
from adamsym.symbolic.laplace import normal_gradient

_DEVIATIONS = 8
"""Deviations from the mean, or multiples of an exponential law's mean, that the bounds of rounding reach."""

ClosedForm = Callable[[FloatArray], tuple[GradientLaw, float]]
"""A function of theta (d,) that returns the law of a gradient coordinate, and a bound of the gradient's rounding."""


def closed_forms(source: StochasticGradient) -> list[ClosedForm]:
    """Return the law of each coordinate in closed form, or an empty list if one of them has none.

    None is used where the loss has a domain: it is the nodes of a rule that tell whether the loss is real.
    """
    given = source.coordinate_laws
    if given is not None:
        return [partial(_exactly, given, i) for i in range(source.dimension)]
    if not isinstance(source, SymbolicGradient) or source.domain:
        return []
    forms = [closed_form(source, i) for i in range(source.dimension)]
    return [form for form in forms if form is not None] if None not in forms else []


def _exactly(
    laws: Callable[[FloatArray], Sequence[GradientLaw]], coordinate: int, theta: FloatArray
) -> tuple[GradientLaw, float]:
    """The law of one coordinate that a source gives; there is no rounding of its parameters to count."""
    return laws(theta)[coordinate], 0.0


def closed_form(problem: SymbolicGradient, coordinate: int) -> ClosedForm | None:
    """Return the law of one gradient coordinate as a function of theta, or None if it has no closed form here.

    Closed forms exist where the gradient is affine in independent Normal columns, for every batch size, and where it is
    affine in one Uniform or Exponential column, for single rows.
    """
    if not isinstance(problem.law, Independent):
        return None
    normal = normal_gradient(problem, coordinate)
    if normal is not None:
        compute = _compiled(problem, list(normal))
        return lambda theta: _normal(*compute(theta))
    gradient = problem.gradient_expressions[coordinate]
    used = [k for k, column in enumerate(problem.columns) if column in gradient.free_symbols]
    if len(used) != 1 or problem.batch_size != 1:
        return None
    column, entry = problem.columns[used[0]], problem.law.columns[used[0]]
    slope = sp.expand(sp.diff(gradient, column))
    if entry.distribution not in ("Uniform", "Exponential") or column in slope.free_symbols:
        return None
    compute = _compiled(problem, [gradient.xreplace({column: sp.S.Zero}), slope])
    return lambda theta: _affine(entry, *compute(theta))


def _compiled(problem: SymbolicGradient, expressions: list[sp.Expr]) -> Callable[[FloatArray], tuple[Running, Running]]:
    """A function of theta that returns two values with bounds of their rounding."""
    plain = compile_float(problem.parameters, expressions)
    bounded = compile_running(problem.parameters, expressions)

    def compute(theta: FloatArray) -> tuple[Running, Running]:
        values = np.broadcast_to(plain(*theta), (2,))
        found = bounded(*(Running(x, 0.0) for x in theta))
        errors = np.broadcast_to(found.error + np.abs(found.value - values), (2,))
        return Running(values[0], errors[0]), Running(values[1], errors[1])

    return compute


def _normal(mean: Running, variance: Running) -> tuple[GradientLaw, float]:
    value = float(mean.value)
    if not variance.value > 0:
        return Atoms((value,), (1.0,)), float(mean.error + _DEVIATIONS * np.sqrt(variance.error))
    deviation = float(np.sqrt(variance.value))
    moved = min(float(variance.error) / deviation, math.sqrt(float(variance.error))) + UNIT * deviation
    return Normal(value, deviation), float(mean.error) + _DEVIATIONS * moved


def _affine(entry: Column, start: Running, slope: Running) -> tuple[GradientLaw, float]:
    low, factor = float(start.value), float(slope.value)
    if entry.distribution == "Exponential":
        scale = factor / entry.floats[0]
        moved = float(start.error) + _DEVIATIONS * (float(slope.error) / entry.floats[0] + 2 * UNIT * abs(scale))
        return Exponential(low, scale) if factor else Atoms((low,), (1.0,)), moved
    reach = max(map(abs, entry.floats))
    moved = float(start.error) + float(slope.size) * 2 * UNIT * reach + float(slope.error) * reach
    ends = sorted(low + factor * end for end in entry.floats)
    moved += UNIT * max(map(abs, ends))
    return Uniform(*ends) if ends[0] < ends[1] else Atoms((ends[0],), (1.0,)), moved
