"""The fields of a sweep: one for each choice of values of its parameters."""

import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction

from adamsym.certify.field_function import FieldFunction
from adamsym.continuation.axes import Axis
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.gradients import Empirical
from adamsym.gradients.entries import law_with, problem_over
from adamsym.gradients.sampling import require_replacement
from adamsym.methods.method import require_formulas
from adamsym.methods.record import method_with, parameters_of

Values = Mapping[Axis, Fraction | float]
"""A value for each parameter of a sweep; floats count as the shortest decimals that print them."""


def check_axis(field: AdamField, axis: Axis) -> None:
    """Raise InputError unless the field has this parameter, and allows its first and last value."""
    check_name(field, axis)
    for value in (axis.values[0], axis.values[-1]):
        field_at(field, {axis: value})


def check_name(field: AdamField, axis: Axis) -> None:
    """Raise InputError unless the field has this parameter, and rows are drawn independently."""
    require_replacement(field.problem.sampling, "a field over its parameters")
    known = [name for name in inspect.signature(type(field.adam)).parameters if name in parameters_of(field.adam)]
    if axis.name not in known and axis.name != "batch_size" and axis.entry is None:
        raise InputError(
            f"over: {axis.name[:40]!r} is unknown; {type(field.adam).__name__} has {', '.join(known)}; there are "
            "batch_size, data.COLUMN and data.COLUMN[ROW]"
        )


def field_at(field: AdamField, values: Values) -> AdamField:
    """Return the field with other values of some parameters.

    Raises
    ------
    InputError
        If a value is not allowed; the message names the parameter.
    """
    problem, method = field.problem, field.adam
    numbers = {axis.name: value for axis, value in values.items() if axis.entry is None and axis.name != "batch_size"}
    if numbers:
        method = method_with(method, numbers)
    for axis, value in values.items():
        if axis.name == "batch_size":
            problem = problem.changed(batch_size=int(value))
        elif axis.entry is not None:
            problem = problem.changed(law=law_with(axis.entry, problem.law, value))
    return AdamField(problem, method, field.tolerance, field.threads, field.backend)


def value_of(field: AdamField, axis: Axis) -> Fraction | None:
    """Return the value that a parameter has in the field itself; None for a column whose entries differ."""
    if axis.entry is None:
        own = {**parameters_of(field.adam), "batch_size": str(field.problem.batch_size)}
        return Fraction(own[axis.name])
    entries = set(axis.entry.values(field.problem.law))
    return entries.pop() if len(entries) == 1 else None


def function_over(function: FieldFunction, axis: Axis) -> Callable[[Fraction, Fraction], FieldFunction]:
    """Return a function of two ends: it returns the field whose enclosures hold those for all values between them.

    Raises
    ------
    NotApplicable
        For what no enclosures over ranges are known of; for a continuous law.
    """
    method = require_formulas(function.method, "a proof over a range")
    if not isinstance(function.problem.law, Empirical):
        raise NotApplicable("data: a proof over a range needs listed rows")
    entry, problem = axis.entry, function.problem
    if entry is not None:
        return lambda low, high: function.with_problem(problem_over(entry, problem, low, high))
    return lambda low, high: function.with_form(method.laplace_over(axis.name, low, high))
