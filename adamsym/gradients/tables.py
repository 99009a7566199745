"""Data tables from CSV files, with exact numbers."""

import csv
import io
import itertools
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from adamsym.expressions.collection import no_collection
from adamsym.expressions.errors import InputError
from adamsym.expressions.exact_columns import ExactColumn, Fractions, Joined, plain_column
from adamsym.expressions.files import read_text
from adamsym.expressions.numbers import exact_rational, plain_rational

if TYPE_CHECKING:
    from _csv import Reader

LARGEST_FILE = 200 * 2**20
"""Bytes of a table."""

MOST_NUMBERS = 10_000_000
"""Numbers that are read of a table: of one gigabyte, as exact fractions."""

_ROWS_AT_ONCE, _ENTRIES_AT_ONCE = 2**12, 2**19
"""Rows that are read together, at most, and entries of the columns that are asked for."""

_CHARACTERS_AT_ONCE = 2**20

_Rows = Sequence[tuple[int, tuple[str, ...]]]
"""The numbers of rows' last lines, and what is asked for of each row."""

_Asked = Sequence["str | Indicator"]

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

AUTO = "auto"
"""What says that the delimiter is found from the first rows."""

_FIRST_ROWS = 20
"""Rows that the delimiter is found from."""

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
"""Entries, in small letters, that say that there is no number."""

_NAMED = 12
"""Columns that a message lists."""


@dataclass(frozen=True)
class Format:
    """How a table is written.

    Attributes
    ----------
    delimiter
        What stands between entries: a comma, a semicolon, a tab or a bar, or ``AUTO``, the one that :func:`read_table`
        finds.
    decimal
        What stands before the decimals of a number: a point or a comma.
    drop_missing
        Whether rows that lack a number in a column that is used are left out; else they are an error.

    Raises
    ------
    InputError
        If a character is not allowed, or both are the same.
    """

    delimiter: str = ","
    decimal: str = "."
    drop_missing: bool = False

    def __post_init__(self) -> None:
        if self.delimiter not in (*DELIMITERS, AUTO):
            allowed = ", ".join(f"{character!r} ({name})" for character, name in DELIMITERS.items()) + f", {AUTO!r}"
            raise InputError(f"data.delimiter: {self.delimiter[:20]!r} is not allowed; allowed are {allowed}")
        if self.decimal not in (".", ","):
            raise InputError(f"data.decimal: {self.decimal[:20]!r} is not allowed; allowed are '.' and ','")
        if self.decimal == self.delimiter:
            raise InputError('data.decimal: the comma stands between entries already; give delimiter = ";" as well')


@dataclass(frozen=True)
class Columns:
    """Columns as exact numbers, in the order asked for, and how many rows were left out for a missing entry."""

    columns: tuple[ExactColumn, ...]
    dropped: int


@dataclass(frozen=True)
class Indicator:
    """A column that is 1 in the rows whose entry in ``column`` is ``text``, and 0 in the others."""

    column: str
    text: str


@dataclass(frozen=True)
class Table:
    """A CSV file as text, with the names in its first line; messages say what problem files offer if it is of one."""

    path: Path
    text: str
    form: Format
    header: tuple[str, ...]
    of_problem: bool = True

    def listed(self) -> str:
        """Return the columns' names for a message."""
        more = f" and {len(self.header) - _NAMED} more" if len(self.header) > _NAMED else ""
        return ", ".join(self.header[:_NAMED]) + more + self._hint()

    def _hint(self) -> str:
        others = [character for character in DELIMITERS if len(self.header) == 1 and character in self.header[0]]
        wanted = f"give delimiter = {others[0]!r}" if others and self.of_problem else "write commas in their place"
        return f"; with semicolons or the like between entries, {wanted}" if others else ""

    def position(self, name: str) -> int:
        """Return which column has a name.

        Raises
        ------
        InputError
            If none has, or more than one.
        """
        if not self._times[name]:
            raise InputError(f"{self.path.name}: no column {name[:40]!r}; the columns are {self.listed()}")
        if not name:
            raise InputError(f"{self.path.name}, line 1: a column without a name; name every column that is used")
        if self._times[name] > 1:
            raise InputError(f"{self.path.name}, line 1: the column {name[:40]!r} stands twice; names must differ")
        return self._positions[name]

    @cached_property
    def _times(self) -> Counter[str]:
        return Counter(self.header)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.header)}

    def read(self, asked: Sequence[str | Indicator]) -> Columns:
        """Return the columns of these names as exact numbers, and what indicators say.

        Raises
        ------
        InputError
            If there is no such column, a row has not as many entries as the header, an entry is no finite number, all
            rows are left out, no row has an indicator's text, or there are too many numbers; the message names file,
            line and column.
        """
        with no_collection():
            return self._read(asked)

    def _read(self, asked: Sequence[str | Indicator]) -> Columns:
        most = MOST_NUMBERS // max(1, len(asked))
        parts: list[list[ExactColumn]] = [[] for _ in asked]
        count = dropped = 0
        # Data repeats itself: each text is read once.
        numbers: dict[str, Fraction] = {}
        memories = [{} if isinstance(one, Indicator) else numbers for one in asked]
        for rows in self._parts(asked):
            found = self._plain(rows, asked, memories)
            if found is None and self.form.drop_missing:
                kept = [(line, row) for line, row in rows if not any(map(_is_missing, row))]
                dropped += len(rows) - len(kept)
                if not kept:
                    continue
                rows, found = kept, self._plain(kept, asked, memories)
            if found is None:
                found = self._one_by_one(rows, asked, memories, most - count)
            count += len(rows)
            if count > most:
                raise self._too_many()
            for part, column in zip(parts, found, strict=True):
                part.append(column)
        if not count:
            why = f"each of {dropped} rows lacks an entry" if dropped else "no rows below the header"
            raise InputError(f"{self.path.name}: {why}; at least one row is needed")
        for one, known in zip(asked, memories, strict=True):
            if isinstance(one, Indicator) and not any(known.values()):
                seen = ", ".join(repr(entry.strip()[:20]) for entry in list(known)[:_NAMED])
                raise InputError(
                    f"{self.path.name}: no row has {one.text[:40]!r} in the column {one.column[:40]}; they have {seen}"
                )
        return Columns(tuple(Joined(tuple(part)) for part in parts), dropped)

    def _parts(self, asked: _Asked) -> Iterator[_Rows]:
        """What is asked for of the rows, some at a time; what is wrong with one is said after those before it."""
        where = [self.position(one.column if isinstance(one, Indicator) else one) for one in asked]
        entries = operator.itemgetter(*where) if len(where) > 1 else lambda row: tuple(row[k] for k in where)
        at_once = min(_ROWS_AT_ONCE, _ENTRIES_AT_ONCE // max(1, len(where)))
        rows, fault, going = self.rows(), None, True
        while going:
            part: list[tuple[int, tuple[str, ...]]] = []
            try:
                for line, row in itertools.islice(rows, at_once):
                    part.append((line, entries(row)))
            except InputError as error:
                fault = error
            going = len(part) == at_once and fault is None
            if part:
                yield part
        if fault is not None:
            raise fault

    def _plain(self, rows: _Rows, asked: _Asked, memories: Sequence[dict[str, Fraction]]) -> list[ExactColumn] | None:
        """The columns of some rows where all numbers are plain decimals and no category is missing, else None."""
        entries = list(zip(*(row for _, row in rows), strict=True))
        found: list[ExactColumn] = []
        for one, column in zip(asked, entries, strict=True):
            if isinstance(one, Indicator):
                if any(map(_is_missing, set(column))):
                    return None
            elif (plain := plain_column(column, self.form.decimal)) is not None:
                found.append(plain)
            else:
                return None
        for place, (one, column, known) in enumerate(zip(asked, entries, memories, strict=True)):
            if isinstance(one, Indicator):
                known |= {entry: Fraction(entry.strip(" \t") == one.text) for entry in dict.fromkeys(column)}
                found.insert(place, Fractions([known[entry] for entry in column]))
        return found

    def _one_by_one(
        self, rows: _Rows, asked: _Asked, memories: Sequence[dict[str, Fraction]], most: int
    ) -> list[ExactColumn]:
        """The columns of some rows whatever their entries; at most so many rows."""
        columns: list[list[Fraction]] = [[] for _ in asked]
        for line, row in rows:
            if len(columns[0]) == most:
                raise self._too_many()
            for one, entry, column, known in zip(asked, row, columns, memories, strict=True):
                number = known.get(entry)
                if number is None:
                    number = known[entry] = self._value(one, entry, line)
                column.append(number)
        return [Fractions(column) for column in columns]

    def _too_many(self) -> InputError:
        return InputError(f"{self.path.name}: more than {MOST_NUMBERS} numbers; use fewer rows or columns")

    def _value(self, asked: str | Indicator, entry: str, line: int) -> Fraction:
        if type(asked) is str and self.form.decimal == "." and (plain := plain_rational(entry)) is not None:
            return plain
        name = asked.column if isinstance(asked, Indicator) else asked
        place = f"{self.path.name}, line {line}, column {name[:40]}"
        if not isinstance(asked, Indicator):
            return self._number(entry, place)
        self._check_there(entry.strip(" \t"), place)
        return Fraction(entry.strip(" \t") == asked.text)

    def _check_there(self, text: str, place: str) -> None:
        if text.lower() in MISSING:
            what = repr(text) if text else "an empty entry"
            others = 'such rows out: missing = "drop"' if self.of_problem else "the row out"
            raise InputError(f"{place}: {what} is no number; fill it in, or leave {others}")

    def _number(self, entry: str, place: str) -> Fraction:
        text = entry.strip(" \t")
        self._check_there(text, place)
        if not text.isprintable():
            raise InputError(f"{place}: {text[:40]!r} is no number: it holds a line break or the like")
        if self.form.decimal == "," and "." in text:
            raise InputError(f"{place}: {text[:40]!r} has a point, but decimals stand after a comma; write 1234,5")
        if self.form.decimal == "." and "," in text:
            raise InputError(f"{place}: {text[:40]!r} has a comma; for decimal commas give decimal = ','")
        return exact_rational(text.replace(",", "."), place)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows below the header with the numbers of their last lines."""
        size, blank = len(self.header), 0
        lines = _lines(self.text, self.form)
        next(row for _, row in _checked(self.path, lines) if row)
        for line, row in _checked(self.path, lines):
            if not row:
                blank += 1
                continue
            if blank and size == 1:
                # Of a single column a missing entry is a blank line; at the end of a file it is none.
                yield from ((line - k, [""]) for k in range(blank, 0, -1))
            blank = 0
            if len(row) != size:
                raise InputError(f"{self.path.name}, line {line}: {len(row)} entries, but the header names {size}")
            yield line, row


def read_table(path: Path, form: Format, of_problem: bool = True) -> Table:
    """Return the table in a CSV file, whose first line names the columns.

    Raises
    ------
    InputError
        If the file cannot be read or has no header.
    """
    text = read_text(path, LARGEST_FILE)
    if form.delimiter == AUTO:
        form = replace(form, delimiter=_found_delimiter(path, text, form))
    header = next((row for _, row in _checked(path, _lines(text, form)) if row), None)
    if header is None:
        raise InputError(f"{path.name}: empty; the first line must name the columns")
    return Table(path, text, form, tuple(name.strip() for name in header), of_problem)


def _found_delimiter(path: Path, text: str, form: Format) -> str:
    """The delimiter by which the first rows have the most entries, as many in each; the comma if there is none."""
    best, found = 1, ","
    for delimiter in DELIMITERS:
        if delimiter == form.decimal:
            continue
        try:
            lines = _checked(path, _lines(text, replace(form, delimiter=delimiter)))
            lengths = {len(row) for _, row in itertools.islice((line for line in lines if line[1]), _FIRST_ROWS)}
        except InputError:
            continue
        if len(lengths) == 1 and max(lengths) > best:
            best, found = max(lengths), delimiter
    return ";" if found == form.decimal else found


def _is_missing(entry: str) -> bool:
    return entry.strip().lower() in MISSING


def _lines(text: str, form: Format) -> "Reader":
    return csv.reader(_pieces(text), delimiter=form.delimiter, strict=True)


def _pieces(text: str) -> Iterator[str]:
    """The lines with their ends as they are: a line break within quotes belongs to its entry."""
    begin = 0
    while begin < len(text):
        # A buffer takes four bytes for each character.
        end = text.find("\n", begin + _CHARACTERS_AT_ONCE) + 1 or len(text)
        yield from io.StringIO(text[begin:end], newline="")
        begin = end


def _checked(path: Path, lines: "Reader") -> Iterator[tuple[int, list[str]]]:
    try:
        for row in lines:
            yield lines.line_num, row
    except csv.Error as error:
        raise InputError(f"{path.name}, line {lines.line_num}: not valid CSV: {error}") from None


def renamed(table: Table, names: Mapping[str, str], indicators: Mapping[str, Indicator]) -> dict[str, str | Indicator]:
    """Return what each column reads, by the name that it goes by, in the order of the file; indicators come last.

    ``names`` says which columns have another name than in the file.

    Raises
    ------
    InputError
        If a renamed column, or one that an indicator reads, does not exist, or a new name is that of another column.
    """
    moved = set(names.values())
    kept = set(table.header) - moved
    for name, column in names.items():
        table.position(column)
        if name in kept:
            raise InputError(f"data.columns: {name[:40]!r} is the name of another column of {table.path.name} already")
    for name, indicator in indicators.items():
        table.position(indicator.column)
        if name in kept or name in names:
            raise InputError(f"data.indicators: {name[:40]!r} is the name of a column already")
    found: dict[str, str | Indicator] = {}
    new_names: dict[str, list[str]] = {column: [] for column in moved}
    for name, column in names.items():
        new_names[column].append(name)
    for column in table.header:
        found |= dict.fromkeys(new_names.get(column, [column]), column)
    return {**found, **indicators}
