"""All zeros in a box for each of several values of a parameter, certified; and between which values they come or go."""

import itertools
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from numpy.typing import ArrayLike

from adamsym.certificates.form import MOST_VALUES
from adamsym.certify.certificate import Certifiable, head_of, zeros_in_box
from adamsym.certify.results import counted_zeros, zero_rows, zeros_columns, zeros_dict
from adamsym.certify.zeros.all_zeros import Zeros, find_zeros
from adamsym.continuation.axes import Axis, axes_of
from adamsym.continuation.families import check_axis, field_at
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number
from adamsym.expressions.progress import Progress
from adamsym.expressions.results import counted, own_names
from adamsym.field import AdamField
from adamsym.gradients.symbolic import require_expressions

_NAMED = 3
"""Changes that a summary names."""


@dataclass(frozen=True)
class NumberChange:
    """Between two values next to each other in order, at both of which all zeros are known, their number changes."""

    below: Fraction
    above: Fraction
    number_below: int
    number_above: int


@dataclass(frozen=True, repr=False)
class ZerosList(Certifiable):
    """What is certified about the zeros of f in ``box`` for each value of a parameter.

    It has no picture of its own: each of its ``lists`` has one.

    Attributes
    ----------
    field
        The field with the value of the parameter that it has itself.
    axis
        The parameter, and its values.
    box
        The box searched for each of them, shape (d, 2).
    lists
        What is certified for each value.
    """

    field: AdamField
    axis: Axis
    box: FloatArray
    lists: tuple[Zeros, ...]

    @property
    def complete(self) -> bool:
        """Whether for each value the zeros in the box are exactly those that are listed."""
        return all(one.complete for one in self.lists)

    @property
    def changes(self) -> tuple[NumberChange, ...]:
        """Between which values the number of zeros in the box is proven to change."""
        known = sorted(zip(self.axis.values, self.lists, strict=True), key=lambda pair: pair[0])
        return tuple(
            NumberChange(low, high, len(one.zeros), len(other.zeros))
            for (low, one), (high, other) in itertools.pairwise(known)
            if one.complete and other.complete and not one.sets and not other.sets
            if len(one.zeros) != len(other.zeros)
        )

    @property
    def verdict(self) -> str:
        """Certified if for each value the zeros listed are all there are in the box."""
        return "certified" if self.complete else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        values = counted(len(self.lists), "value")
        left = [float(x) for x, one in zip(self.axis.values, self.lists, strict=True) if not one.complete]
        if left:
            where = f"{len(left)} of {values} of {self.axis.name}, the first of them {left[0]:g}"
            return f"undecided: whether the zeros certified in the box are all of them, for {where}"
        counts = {counted_zeros(one) for one in self.lists}
        changes = [
            f"{one.number_below} at {self.axis.name} = {float(one.below):g}, {one.number_above} at {float(one.above):g}"
            for one in self.changes[:_NAMED]
        ]
        numbers = f"{counts.pop()} at each" if len(counts) == 1 else "; ".join(changes)
        return f"certified: all zeros in the box for {values} of {self.axis.name}" + (f": {numbers}" if numbers else "")

    def certificate_content(self) -> dict[str, Any]:
        """Return what a certificate says: for each value what a certificate of its zeros says."""
        pairs = zip(self.axis.values, self.lists, strict=True)
        return head_of(require_expressions(self.field.problem, "a certificate"), self.field.adam) | {
            "kind": "zeros over a list",
            "box": self.box.tolist(),
            "parameter": self.axis.name,
            "at": [{"value": str(value)} | zeros_in_box(one) for value, one in pairs],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym sweep --box ... --certify --json`` prints it."""
        pairs = zip(self.axis.values, self.lists, strict=True)
        return {
            "parameters": list(self.field.problem.names),
            "parameter": self.axis.name,
            "at": [{"value": float(value)} | zeros_dict(one) for value, one in pairs],
            "changes": [
                {
                    "between": [float(one.below), float(one.above)],
                    "zeros": [one.number_below, one.number_above],
                }
                for one in self.changes
            ],
            "complete": self.complete,
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each certified zero: the value, the middle of its box, the ends, and its stability."""
        values = [float(value) for value, one in zip(self.axis.values, self.lists, strict=True) for _ in one.zeros]
        zeros = [zero for one in self.lists for zero in one.zeros]
        return {self.axis.name: values} | zeros_columns(zeros, own_names(names, self.field.problem.names))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each certified zero, and one for each value that has none or of which not all are known."""
        names = self.field.problem.names
        columns, rows = [self.axis.name, *names, "box width", "stability", "critical point of L"], list[list[str]]()
        for value, one in zip(self.axis.values, self.lists, strict=True):
            shown = f"{float(value):.8g}"
            rows += [[shown, *row] for row in zero_rows(one.zeros)]
            if not one.complete or not one.zeros:
                text = "no zero in the box" if one.complete else f"{len(one.undecided)} undecided boxes"
                rows.append([shown, *[""] * (len(names) + 1), one.summary if one.sets else text, ""])
        return columns, rows


@checked_arguments
def find_zeros_at_each(
    field: AdamField,
    name: str,
    values: Sequence[Number] | str,
    box: ArrayLike,
    *,
    budget: int = 20_000,
    executor: Executor | int | None = None,
    progress: Progress | None = None,
) -> ZerosList:
    """Return every zero of f in a box for each of several values of a parameter, certified.

    Where the numbers of zeros at two batch sizes B and B + 1 differ, zeros vanish or appear between the two: proven.

    Parameters
    ----------
    field
        The field, of expressions.
    name
        The parameter: "batch_size", a number of the method, or one of the data, as in :func:`adamsym.sweep`.
    values
        Its values, exactly; or text such as "1,2,4" or "1:8".
    box
        Lower and upper end of each coordinate, shape (d, 2).
    budget, executor
        For each value, as in :func:`adamsym.find_zeros`.
    progress
        Called after each value with how many are done, and how many there are.

    Raises
    ------
    InputError
        For an unknown name, an interval, values that are not allowed, and as :func:`adamsym.find_zeros` does.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, find_zeros_at_each
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> find_zeros_at_each(AdamField(problem, Adam()), "batch_size", [1, 2], [[-4, 4]])
    <ZerosList: certified: all zeros in the box for 2 values of batch_size: 1 zero at each>
    """
    (axis,) = axes_of({name: values if isinstance(values, str) else list(values)})
    if axis.is_interval:
        raise InputError(f"over {name}: an interval is no list of values; give them one by one, or low:high:number")
    if len(axis.values) > MOST_VALUES:
        raise InputError(f"over {name}: {len(axis.values)} values are too many; a certificate holds {MOST_VALUES}")
    check_axis(field, axis)
    found = list[Zeros]()
    for value in axis.values:
        found.append(find_zeros(field_at(field, {axis: value}), box, budget=budget, executor=executor))
        if progress is not None:
            progress(len(found), len(axis.values))
    return ZerosList(field, axis, found[0].box, tuple(found))
