"""Gradient coordinates whose law is known in closed form: affine in continuous columns."""

from collections.abc import Callable

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.field.gradient_laws import Atoms, Exponential, GradientLaw, Normal, Uniform
from adamsym.problem import Independent, Problem
from adamsym.problem.continuous import Column
from adamsym.symbolic.laplace import normal_gradient


def closed_form(problem: Problem, coordinate: int) -> Callable[[FloatArray], GradientLaw] | None:
    """Return the law of one gradient coordinate as a function of theta (d,), or None if it has no closed form here.

    Closed forms exist where the gradient is affine in independent Normal columns, for every batch size, and where it is
    affine in one Uniform or Exponential column, for single rows.
    """
    if not isinstance(problem.law, Independent):
        return None
    normal = normal_gradient(problem, coordinate)
    if normal is not None:
        compute = compile_float(problem.parameters, list(normal))
        return lambda theta: _normal(*_at(compute, theta))
    gradient = problem.gradient_expressions[coordinate]
    used = [k for k, column in enumerate(problem.columns) if column in gradient.free_symbols]
    if len(used) != 1 or problem.batch_size != 1:
        return None
    column, entry = problem.columns[used[0]], problem.law.columns[used[0]]
    slope = sp.expand(sp.diff(gradient, column))
    if entry.distribution not in ("Uniform", "Exponential") or column in slope.free_symbols:
        return None
    compute = compile_float(problem.parameters, [gradient.xreplace({column: sp.S.Zero}), slope])
    return lambda theta: _affine(entry, *_at(compute, theta))


def _at(compute: Callable[..., FloatArray], theta: FloatArray) -> tuple[float, float]:
    first, second = np.broadcast_to(compute(*theta), (2,))
    return float(first), float(second)


def _normal(mean: float, variance: float) -> GradientLaw:
    return Normal(mean, float(np.sqrt(variance))) if variance > 0 else Atoms((mean,), (1.0,))


def _affine(entry: Column, start: float, slope: float) -> GradientLaw:
    if slope == 0:
        return Atoms((start,), (1.0,))
    if entry.distribution == "Exponential":
        return Exponential(start, slope / entry.floats[0])
    ends = sorted(start + slope * end for end in entry.floats)
    return Uniform(*ends) if ends[0] < ends[1] else Atoms((ends[0],), (1.0,))
