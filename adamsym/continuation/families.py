"""The fields of a sweep: one for each choice of values of its parameters."""

import inspect
from collections.abc import Mapping
from fractions import Fraction

from adamsym.continuation.axes import Axis
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.field import AdamField
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.methods import Method
from adamsym.methods.record import parameters_of

Values = Mapping[Axis, Fraction | float]
"""A value for each parameter of a sweep; floats count as the shortest decimals that print them."""


def check_axis(field: AdamField, axis: Axis) -> None:
    """Raise InputError unless the field has this parameter, and allows its first and last value."""
    known = [name for name in inspect.signature(type(field.adam)).parameters if name in parameters_of(field.adam)]
    if axis.name not in known and axis.name != "batch_size" and axis.cell is None:
        raise InputError(
            f"over: {axis.name[:40]!r} is unknown; {type(field.adam).__name__} has {', '.join(known)}; there are "
            "batch_size, data.COLUMN and data.COLUMN[ROW]"
        )
    for value in (axis.values[0], axis.values[-1]):
        field_at(field, {axis: value})


def field_at(field: AdamField, values: Values) -> AdamField:
    """Return the field with other values of some parameters.

    Raises
    ------
    InputError
        If a value is not allowed; the message names the parameter.
    """
    problem, method = field.problem, field.adam
    numbers = {axis.name: value for axis, value in values.items() if axis.cell is None and axis.name != "batch_size"}
    if numbers:
        method = _method(method, numbers)
    for axis, value in values.items():
        if axis.name == "batch_size":
            problem = problem.changed(batch_size=int(value))
        elif axis.cell is not None:
            problem = problem.changed(law=_law(problem, axis, value))
    return AdamField(problem, method, field.tolerance, field.threads, field.backend)


def value_of(field: AdamField, axis: Axis) -> Fraction | None:
    """Return the value that a parameter has in the field itself; None for a column whose entries differ."""
    if axis.cell is None:
        own = {**parameters_of(field.adam), "batch_size": str(field.problem.batch_size)}
        return Fraction(own[axis.name])
    entries = {row[0] for row in _cells(field.problem, axis)}
    return entries.pop() if len(entries) == 1 else None


def _method(method: Method, numbers: Mapping[str, Fraction | float]) -> Method:
    return type(method)(**{**parameters_of(method), **numbers})


def _cells(problem: StochasticGradient, axis: Axis) -> list[tuple[Fraction, int]]:
    """The entries that a parameter in the data stands for, with their rows."""
    assert axis.cell is not None
    column, row = axis.cell
    law = problem.law
    if not isinstance(law, Empirical):
        raise NotApplicable(f"over {axis.name}: a continuous law has no rows; list rows in [data]")
    if column == "weights":
        entries = list(law.exact_probabilities)
    elif column in law.names:
        entries = [entry[law.names.index(column)] for entry in law.exact_rows]
    else:
        raise InputError(f"over {axis.name}: there is no column {column}; there are {', '.join(law.names[:8])}")
    if row is None:
        return list(zip(entries, range(len(entries)), strict=True))
    if row >= len(entries):
        raise InputError(f"over {axis.name}: there is no row {row}; there are {len(entries)}, counted from 0")
    return [(entries[row], row)]


def _law(problem: StochasticGradient, axis: Axis, value: Fraction | float) -> Empirical:
    cells, law = _cells(problem, axis), problem.law
    assert isinstance(law, Empirical)
    assert axis.cell is not None
    columns: dict[str, list[Number]] = {name: [row[k] for row in law.exact_rows] for k, name in enumerate(law.names)}
    weights: list[Number] = list(law.exact_probabilities)
    if axis.cell[0] == "weights":
        weights = _with_probability(law, cells[0][1], exact_rational(value, f"over {axis.name}"), axis)
    else:
        for _, row in cells:
            columns[axis.cell[0]][row] = value
    return Empirical(columns, weights)


def _with_probability(law: Empirical, row: int, value: Fraction, axis: Axis) -> list[Number]:
    """The probabilities where that of a row is given, and the others keep their proportions."""
    old = law.exact_probabilities
    if len(old) == 1 or axis.cell == ("weights", None) or not 0 < value < 1:
        raise InputError(
            f"over {axis.name}: {float(value)} is not allowed; data.weights[ROW] is the probability of one row among "
            "others, above 0 and below 1"
        )
    return [value if k == row else p * (1 - value) / (1 - old[row]) for k, p in enumerate(old)]
