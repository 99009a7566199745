"""Laws of one data row: finitely many weighted rows, or independent continuous columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from adamsym.expressions.arguments import detached, shown
from adamsym.expressions.collection import no_collection
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.exact_columns import BoolArray, ExactColumn, exact_column
from adamsym.expressions.numbers import Number, exact_rationals
from adamsym.expressions.signatures import readably

MOST_COLUMNS = 10_000
"""Columns of a law."""


_MOST_BITS = 8192
"""Bits of the sum of weights, as a fraction."""


class Law(Protocol):
    """What a problem needs of the distribution of a data row."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names."""
        ...

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw independent rows: an array of shape (*shape, columns)."""
        ...

    @property
    def levels(self) -> int:
        """Number of levels of ``discretise``: 1 if it is exact."""
        ...

    def discretise(self, level: int) -> tuple[FloatArray, FloatArray]:
        """Return rows (n, columns) and probabilities (n,): exact, or a rule whose nodes double with each level."""
        ...


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Empirical:
    """Finitely many data rows with weights.

    Parameters
    ----------
    columns
        For each column name its entries; all of one length, at least 1. Floats count as the shortest decimal that
        prints them; ``Fraction``, ``Decimal`` and text are taken exactly. Also a data frame, or an array with named
        fields.
    weights
        Positive, one per row, normalised to sum 1; equal if omitted.

    Raises
    ------
    InputError
        If columns have no names, are empty or differ in length, an entry is no finite number, or a weight is not
        positive.

    Examples
    --------
    >>> Empirical({"x": [0, 0, 3]}, weights=[1, 1, 2]).probabilities
    array([0.25, 0.25, 0.5 ])
    """

    names: tuple[str, ...]
    exact_probabilities: tuple[Fraction, ...]
    _columns: tuple[ExactColumn, ...]

    @readably
    def __init__(self, columns: Mapping[str, Sequence[Number]], weights: Sequence[Number] | None = None) -> None:
        columns = named_columns(columns)
        weights = None if weights is None else entries_of(weights, "data.weights")
        if not columns:
            raise InputError("data: no column; give at least one, such as x = [0.0, 0.0, 3.0]")
        if len(columns) > MOST_COLUMNS:
            raise InputError(f"data: {len(columns)} columns; at most {MOST_COLUMNS} are allowed")
        lengths = {name: len(column) for name, column in columns.items()}
        first, size = next(iter(lengths.items()))
        for name, length in lengths.items():
            if length != size:
                raise InputError(
                    f"data.{name}: {length} entries, but data.{first} has {size}; columns must be of one length"
                )
        if size == 0:
            raise InputError(f"data.{first}: no entries; at least one row is needed")
        object.__setattr__(self, "names", tuple(columns))
        with no_collection():
            entries = tuple(exact_column(column, f"data.{name}") for name, column in columns.items())
            object.__setattr__(self, "_columns", entries)
            object.__setattr__(self, "exact_probabilities", _normalised(weights, size))

    def __repr__(self) -> str:
        """Python that makes this law again."""
        columns = {name: [_shown(row[k]) for row in self.exact_rows] for k, name in enumerate(self.names)}
        equal = len(set(self.exact_probabilities)) == 1
        weights = "" if equal else f", weights={[_shown(p) for p in self.exact_probabilities]!r}"
        return f"Empirical({columns!r}{weights})"

    @cached_property
    def exact_rows(self) -> tuple[tuple[Fraction, ...], ...]:
        """Rows as they are given; of a large table they are made when they are first asked for."""
        with no_collection():
            return tuple(zip(*(column.fractions() for column in self._columns), strict=True))

    @cached_property
    def rows(self) -> FloatArray:
        """Rows as float64, shape (rows, columns)."""
        return np.stack([column.floats for column in self._columns], axis=1)

    @cached_property
    def are_floats(self) -> BoolArray:
        """Which entries of ``rows`` are exactly what is given, shape (rows, columns)."""
        return np.stack([column.are_floats() for column in self._columns], axis=1)

    @cached_property
    def probabilities(self) -> FloatArray:
        """Probabilities as float64, shape (rows,)."""
        first, size = self.exact_probabilities[0], len(self.exact_probabilities)
        if self.exact_probabilities.count(first) == size:
            return np.full(size, float(first))
        return np.array([float(value) for value in self.exact_probabilities])

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw rows with replacement: shape (*shape, columns)."""
        return self.rows[self.sample_indices(generator, shape)]

    def sample_indices(
        self, generator: np.random.Generator, shape: tuple[int, ...]
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Draw row numbers with replacement, shape ``shape``."""
        cumulative = np.cumsum(self.probabilities)
        drawn = np.searchsorted(cumulative, generator.random(shape) * cumulative[-1], side="right")
        return np.asarray(np.minimum(drawn, len(cumulative) - 1))

    @property
    def levels(self) -> int:
        """One: the rows are the law."""
        return 1

    def discretise(self, level: int) -> tuple[FloatArray, FloatArray]:
        """Return the rows and probabilities themselves, at every level."""
        return self.rows, self.probabilities


class EmpiricalOverRanges(Empirical):
    """Rows of which some number, or some probabilities, are ranges: all laws with a choice of numbers from these.

    Only enclosures know what to do with it, in balls or intervals, and then hold what is true of each choice; there
    are no floats of it. :func:`adamsym.gradients.entries.law_over` makes them.
    """

    def __init__(self, names: tuple[str, ...], rows: tuple[Any, ...], probabilities: tuple[Any, ...]) -> None:
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "exact_rows", rows)
        object.__setattr__(self, "exact_probabilities", probabilities)


def named_columns(data: Any) -> dict[str, Any]:
    """Return the columns of a mapping, a data frame or an array with named fields, by name.

    Raises
    ------
    InputError
        If the columns have no names; the message says what to write.
    """
    if isinstance(data, Mapping):
        columns = {name: detached(column) for name, column in data.items()}
    elif getattr(getattr(data, "dtype", None), "names", None):
        columns = {name: data[name] for name in data.dtype.names}
    elif hasattr(data, "columns") and hasattr(data, "__getitem__"):
        columns = {name: data[name] for name in data.columns}
    else:
        raise InputError(f'data: {shown(data)} has no names of columns; write Empirical({{"x": [0.0, 0.0, 3.0]}})')
    for name in columns:
        if not isinstance(name, str):
            raise InputError(f"data: {shown(name)} is no name of a column; names are text, such as 'x'")
    return {name: entries_of(column, f"data.{name}") for name, column in columns.items()}


_PLAIN_TYPES = frozenset(map(np.dtype, ("float64", "int64")))


def entries_of(column: Any, place: str) -> Sequence[Any]:
    """Return the entries of a column, or raise InputError for what is no list of numbers."""
    if isinstance(column, ExactColumn):
        return column
    ordered = not isinstance(column, (str, bytes, Mapping, set, frozenset)) and hasattr(column, "__len__")
    if not ordered or (hasattr(column, "dtype") and np.ndim(column) != 1):
        raise InputError(f"{place}: {shown(column)} is not allowed; allowed is a list of numbers")
    try:
        # Floats and integers of Python are read faster than those of NumPy.
        return column.tolist() if getattr(column, "dtype", None) in _PLAIN_TYPES else list(column)
    except TypeError:
        raise InputError(f"{place}: {shown(column)} is not allowed; allowed is a list of numbers") from None


def _shown(value: Fraction) -> int | float | str:
    """A number that is taken exactly: a short float where there is one, else text."""
    if value.denominator == 1 and abs(value) < 10**15:
        return int(value)
    return float(value) if Fraction(repr(float(value))) == value else str(value)


def _normalised(weights: Sequence[Number] | None, size: int) -> tuple[Fraction, ...]:
    if weights is None:
        return (Fraction(1, size),) * size
    if len(weights) != size:
        raise InputError(f"data.weights: {len(weights)} weights for {size} rows; give one weight per row")
    exact = exact_rationals(weights, "data.weights")
    for k, weight in enumerate(exact):
        if weight <= 0:
            raise InputError(f"data.weights[{k}]: {float(weight)} is not allowed; weights must be positive")
    total = _bounded_sum(exact)
    probabilities = tuple(weight / total for weight in exact)
    for k, probability in enumerate(probabilities):
        if float(probability) == 0.0:
            raise InputError(f"data.weights[{k}]: too small beside the others; ratios of weights must exceed 1e-300")
    return probabilities


def _bounded_sum(weights: Sequence[Fraction]) -> Fraction:
    """The sum; InputError where the common denominator is so long that fractions take long."""
    total = Fraction(0)
    for k, weight in enumerate(weights):
        total += weight
        if total.denominator.bit_length() + total.numerator.bit_length() > _MOST_BITS:
            raise InputError(f"data.weights[{k}]: the weights' common denominator is too long; write decimals")
    return total
