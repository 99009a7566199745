"""Gradient coordinates whose law is known in closed form: affine in continuous columns."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.expressions.running import Running
from adamsym.expressions.running_code import compile_running
from adamsym.field.laws.gradient_laws import GradientLaw
from adamsym.field.laws.two_numbers import LawOfTwoNumbers
from adamsym.gradients import Independent, StochasticGradient, SymbolicGradient
from adamsym.symbolic.laplace import normal_gradient

ClosedForm = Callable[[FloatArray], tuple[GradientLaw, float]]
"""A function of theta (d,) that returns the law of a gradient coordinate, and a bound of the gradient's rounding."""


def closed_forms(source: StochasticGradient) -> list[ClosedForm]:
    """Return the law of each coordinate in closed form, or an empty list if one of them has none.

    None is used where the loss has a domain: it is the nodes of a rule that tell whether the loss is real.
    """
    given = source.coordinate_laws
    if given is not None:
        return [partial(_exactly, given, i) for i in range(source.dimension)]
    if not isinstance(source, SymbolicGradient):
        return []
    return [_computed(source, *form) for form in written_forms(source)]


def written_forms(source: SymbolicGradient) -> list[tuple[LawOfTwoNumbers, list[sp.Expr]]]:
    """Return :func:`written_form` of each coordinate; an empty list if one has none, or the loss has a domain."""
    if source.domain:
        return []
    forms = [written_form(source, i) for i in range(source.dimension)]
    return [form for form in forms if form is not None] if None not in forms else []


def _exactly(
    laws: Callable[[FloatArray], Sequence[GradientLaw]], coordinate: int, theta: FloatArray
) -> tuple[GradientLaw, float]:
    """The law of one coordinate that a source gives; there is no rounding of its parameters to count."""
    return laws(theta)[coordinate], 0.0


def _computed(problem: SymbolicGradient, law: LawOfTwoNumbers, expressions: list[sp.Expr]) -> ClosedForm:
    compute = _compiled(problem, expressions)
    return lambda theta: law(*compute(theta))


def written_form(problem: SymbolicGradient, coordinate: int) -> tuple[LawOfTwoNumbers, list[sp.Expr]] | None:
    """Return the kind of one gradient coordinate's law, and the two numbers that it is made of, in the parameters.

    Closed forms exist where the gradient is affine in independent Normal columns, for every batch size, and where it is
    affine in one Uniform or Exponential column, for single rows; else None.
    """
    if not isinstance(problem.law, Independent):
        return None
    normal = normal_gradient(problem, coordinate)
    if normal is not None:
        return LawOfTwoNumbers("Normal"), list(normal)
    gradient = problem.gradient_expressions[coordinate]
    used = [k for k, column in enumerate(problem.columns) if column in gradient.free_symbols]
    if len(used) != 1 or problem.batch_size != 1:
        return None
    column, entry = problem.columns[used[0]], problem.law.columns[used[0]]
    slope = sp.expand(sp.diff(gradient, column))
    if entry.distribution not in ("Uniform", "Exponential") or column in slope.free_symbols:
        return None
    return LawOfTwoNumbers(entry.distribution, entry.floats), [gradient.xreplace({column: sp.S.Zero}), slope]


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
