"""What a table holds: which columns are numbers, which are categories, and how its numbers are written."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational
from adamsym.gradients.laws import MOST_COLUMNS
from adamsym.gradients.tables import AUTO, MISSING, Format, Table, read_table

MOST_CATEGORIES = 10
"""Different texts that a column of categories holds at most."""

NUMBERING = ("id", "index", "no", "nr", "number", "row", "unnamed: 0")
"""Names of columns that number the rows, in capitals too, if their entries do."""

_NUMBER = r"[+-]?(?:\d+{0}?\d*|{0}\d+)(?:[eE][+-]?\d+)?(?:/\d+)?"
_WITH_POINT, _WITH_COMMA = (re.compile(_NUMBER.format(mark), re.ASCII) for mark in (r"\.", ","))
_MARKED = re.compile(r"[+-]?[$€£]?\s?(?:\d{1,3}(?:[.,'’\s]\d{3})+|\d+)(?:[.,]\d+)?\s?[%$€£]?")
"""Numbers with marks of thousands, percent or currencies: neither numbers nor categories here."""


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    name
        Its name in the file.
    kind
        ``"numbers"``, ``"categories"`` (few different texts, one of which stands twice), or why it is of no use:
        ``"text"``, ``"one value"``, ``"row numbers"``, ``"empty"``, ``"mostly empty"``, that its numbers have other
        marks, or that its name is no name.
    missing
        Rows without an entry.
    values
        The different entries in order, as numbers if all are; no more than ``MOST_CATEGORIES`` + 1.
    """

    name: str
    kind: str
    missing: int
    values: tuple[str, ...]

    @property
    def is_label(self) -> bool:
        """Whether the values are the numbers 0 and 1."""
        return self.kind == "numbers" and {_fraction(text) for text in self.values} == {0, 1}


@dataclass(frozen=True)
class Survey:
    """A table, the number of its rows, and its columns in order; the table knows the marks that were found."""

    table: Table
    rows: int
    columns: tuple[Column, ...]

    @property
    def names_are_numbers(self) -> bool:
        """Whether numbers alone stand where the names of the columns should, as in a table without names."""
        return all(_WITH_POINT.fullmatch(name) or _WITH_COMMA.fullmatch(name) for name in self.table.header)

    def without_gaps(self, used: Sequence[Column]) -> list[Column]:
        """Return columns as they are in the rows that lack an entry in none of them.

        They may have fewer values there; categories that have one left are of no use.
        """
        if not any(column.missing for column in used):
            return list(used)
        where = [self.table.position(column.name) for column in used]
        seen: list[set[str]] = [set() for _ in used]
        for _, row in self.table.rows():
            entries = [row[k].strip(" \t") for k in where]
            if all(entry.lower() not in MISSING for entry in entries):
                for texts, entry in zip(seen, entries, strict=True):
                    texts.add(entry)
        return [_reduced(column, texts) for column, texts in zip(used, seen, strict=True)]


def _reduced(column: Column, texts: set[str]) -> Column:
    if len(column.values) > MOST_CATEGORIES:
        return column
    values = tuple(text for text in column.values if text in texts)
    alone = column.kind == "categories" and len(values) < 2
    return replace(column, values=values, kind="one value where no entry lacks" if alone else column.kind)


def survey(path: Path, delimiter: str = AUTO, decimal: str | None = None) -> Survey:
    """Return what the table in a CSV file holds.

    Parameters
    ----------
    path
        The file.
    delimiter
        What stands between entries; ``AUTO`` finds it.
    decimal
        What stands before decimals; without one, the comma if numbers have it and none has a point.

    Raises
    ------
    InputError
        If the file cannot be read or is no table, or it has too many columns.
    """
    table = read_table(path, Format(delimiter, decimal or "."))
    if len(table.header) > MOST_COLUMNS:
        raise InputError(f"{path.name}: {len(table.header)} columns; at most {MOST_COLUMNS} can be looked at")
    seen = [_Seen() for _ in table.header]
    rows = 0
    for _, row in table.rows():
        for one, entry in zip(seen, row, strict=True):
            one.take(entry.strip(" \t"), rows)
        rows += 1
    if not rows:
        raise InputError(f"{path.name}: no rows below the header; at least one row is needed")
    if decimal is None:
        commas = sum(one.commas for one in seen)
        decimal = "," if commas and not sum(one.points for one in seen) and table.form.delimiter != "," else "."
    table = replace(table, form=replace(table.form, decimal=decimal))
    columns = [one.column(name, rows, decimal) for name, one in zip(table.header, seen, strict=True)]
    return Survey(table, rows, tuple(_with_names(columns)))


@dataclass
class _Seen:
    """What has been seen of a column: how many entries are missing, whole numbers, with a point, with a comma."""

    missing: int = 0
    whole: int = 0
    points: int = 0
    commas: int = 0
    all_marked: bool = True
    texts: dict[str, None] = field(default_factory=dict)
    counts_rows: bool = True
    first: int = 0

    def take(self, entry: str, row: int) -> None:
        if entry.lower() in MISSING:
            self.missing += 1
        elif len(self.texts) <= MOST_CATEGORIES:
            self.texts[entry] = None
        if self.counts_rows:
            self._count(entry, row)
        if _WITH_POINT.fullmatch(entry):
            self.points += "." in entry
            self.whole += "." not in entry
        else:
            self.commas += _WITH_COMMA.fullmatch(entry) is not None
            if self.all_marked and entry.lower() not in MISSING:
                self.all_marked = _MARKED.fullmatch(entry) is not None

    def _count(self, entry: str, row: int) -> None:
        """Note whether the entries are whole numbers, each one more than the last."""
        number = int(entry) if entry.isascii() and entry.isdigit() and len(entry) < 20 else None
        if row == 0 and number is not None:
            self.first = number
        self.counts_rows = number == self.first + row

    def column(self, name: str, rows: int, decimal: str) -> Column:
        present = rows - self.missing
        is_number = self.whole + (self.commas if decimal == "," else self.points) == present
        values = sorted(self.texts, key=lambda text: ((is_number and _fraction(text)) or Fraction(0), text))
        kind = "numbers" if is_number else "categories"
        if not present:
            kind = "empty"
        elif 2 * self.missing > rows:
            kind = "mostly empty"
        elif len(self.texts) == 1 and rows > 1:
            kind = "one value"
        elif self.counts_rows and rows > 2 and name.lower() in NUMBERING:
            kind = "row numbers"
        elif not is_number and self.all_marked:
            kind = f"numbers with other marks, as {max(self.texts, key=len)[:20]!r}"
        elif not is_number and (len(self.texts) > MOST_CATEGORIES or 3 < len(self.texts) == present):
            kind = "text"
        return Column(name, kind, self.missing, tuple(values))


def _fraction(entry: str) -> Fraction | None:
    """The number of an entry; None of one that is refused when the table is read."""
    with suppress(InputError):
        return exact_rational(entry.replace(",", "."), "")
    return None


def _with_names(columns: Sequence[Column]) -> Iterator[Column]:
    """Columns whose names cannot be written are of no use."""
    times = Counter(column.name for column in columns)
    for column in columns:
        if not column.name:
            yield replace(column, kind="no name")
        elif times[column.name] > 1:
            yield replace(column, kind="its name stands twice")
        elif not column.name.isprintable():
            yield replace(column, kind="its name is not printable")
        else:
            yield column
