"""Gradient coordinates whose law is known in closed form: affine in continuous columns.

With each law comes a bound of what rounding of its parameters moves the gradient by: for most of its values, since
tails are rare.
"""

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.expressions.running import UNIT, Running, compile_running
from adamsym.field.laws.gradient_laws import Atoms, Exponential, GradientLaw, Normal, Uniform
from adamsym.gradients import Independent, SymbolicGradient
from adamsym.gradients.continuous import Column
from adamsym.symbolic.laplace import normal_gradient

_DEVIATIONS = 8
"""Deviations from the mean, or multiples of an exponential law's mean, that the bounds of rounding reach."""


def closed_form(problem: SymbolicGradient, coordinate: int) -> Callable[[FloatArray], tuple[GradientLaw, float]] | None:
    """Return the law of one gradient coordinate as a function of theta (d,), or None if it has no closed form here.

    The function returns a bound of the gradient's rounding too.

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
