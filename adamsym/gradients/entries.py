"""Numbers in the data by name: "data.x[2]" is the entry of the column x in row 2, "data.weights[2]" its probability."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import sympy as sp

from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.expressions.ranges import range_of
from adamsym.gradients.laws import Empirical, EmpiricalOverRanges, Law
from adamsym.gradients.symbolic import SymbolicGradient


@dataclass(frozen=True)
class DataEntry:
    """What is varied in the data: the entry of a column in one row, in all rows, or the probability of one row.

    Attributes
    ----------
    column
        A column, or "weights".
    row
        Which row, counted from 0; None for all of them, which have the same number then.
    """

    column: str
    row: int | None

    pattern: ClassVar[str] = r"data\.([A-Za-z][A-Za-z0-9_]*)(?:\[([0-9]{1,9})\])?"

    @staticmethod
    def named(name: str) -> "DataEntry | None":
        """Return what a name such as "data.x[2]" means; None for another name."""
        found = re.fullmatch(DataEntry.pattern, name)
        if found is None:
            return None
        column, row = found.groups()
        return DataEntry(column, None if row is None else int(row))

    def __str__(self) -> str:
        """The name."""
        return f"data.{self.column}" + ("" if self.row is None else f"[{self.row}]")

    def values(self, law: Law) -> tuple[Fraction, ...]:
        """Return the number that each of the rows meant has; errors as :func:`law_with`."""
        rows = self._listed(law)
        numbers = rows.exact_probabilities if self.column == "weights" else self._column(rows)
        return numbers if self.row is None else (numbers[self.row],)

    def _listed(self, law: Law) -> Empirical:
        if not isinstance(law, Empirical):
            raise NotApplicable(f"over {self}: a continuous law has no rows; list rows in [data]")
        if self.column != "weights" and self.column not in law.names:
            names = ", ".join(law.names[:8])
            raise InputError(f"over {self}: there is no column {self.column}; there are {names}")
        count = len(law.exact_rows)
        if self.row is not None and self.row >= count:
            raise InputError(f"over {self}: there is no row {self.row}; there are {count}, counted from 0")
        return law

    def _column(self, law: Empirical) -> tuple[Fraction, ...]:
        place = law.names.index(self.column)
        return tuple(row[place] for row in law.exact_rows)


def law_with(entry: DataEntry, law: Law, value: Number) -> Empirical:
    """Return the law with another number there; beside a row's probability the others keep their proportions.

    Raises
    ------
    InputError
        If there is no such number, or the value is not allowed.
    NotApplicable
        If the law is continuous.
    """
    known, exact = entry._listed(law), exact_rational(value, f"over {entry}")
    if entry.column == "weights" and (len(known.exact_rows) == 1 or entry.row is None or not 0 < exact < 1):
        raise InputError(
            f"over {entry}: {float(exact)} is not allowed; data.weights[ROW] is the probability of one row among "
            "others, above 0 and below 1"
        )
    rows, probabilities = _changed(entry, known, exact)
    return Empirical({name: [row[k] for row in rows] for k, name in enumerate(known.names)}, probabilities)


def law_over(entry: DataEntry, law: Law, low: Fraction, high: Fraction) -> EmpiricalOverRanges:
    """Return the laws with all numbers from ``low`` to ``high`` there, as one law with ranges; errors as ``law_with``.

    Of each of them the probabilities sum to 1.
    """
    ends = [law_with(entry, law, end) for end in (low, high)]
    return EmpiricalOverRanges(ends[0].names, *_changed(entry, entry._listed(law), range_of(low, high)))


def problem_over(entry: DataEntry, problem: SymbolicGradient, low: Fraction, high: Fraction) -> SymbolicGradient:
    """Return the same expressions over the laws of ``law_over``: for enclosures alone, which prove them real.

    Raises
    ------
    InputError
        As ``law_with``.
    NotApplicable
        If the law is continuous, or the gradients may jump where a number in the data crosses a value.
    """
    if any(gradient.has(sp.sign, sp.Heaviside) for gradient in problem.gradient_expressions):
        raise NotApplicable(
            f"{problem.place}: with Abs, Max or Min {problem.component} may jump within a range of the data"
        )
    found = problem.changed()
    found.law = law_over(entry, problem.law, low, high)
    return found


def _changed(entry: DataEntry, law: Empirical, value: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The rows and probabilities with a fraction, or a range, in place of what is varied."""
    rows, old = law.exact_rows, law.exact_probabilities
    if entry.column == "weights":
        assert entry.row is not None
        rest = (1 - value) / (1 - old[entry.row])
        return rows, tuple(value if k == entry.row else p * rest for k, p in enumerate(old))
    place = law.names.index(entry.column)
    chosen = range(len(rows)) if entry.row is None else [entry.row]
    return tuple((*row[:place], value, *row[place + 1 :]) if k in chosen else row for k, row in enumerate(rows)), old
