"""Data tables from CSV files, with exact numbers."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from adamsym.expressions.errors import InputError
from adamsym.expressions.files import read_bytes
from adamsym.expressions.numbers import exact_rational

LARGEST_FILE = 200 * 2**20
"""Bytes of a table."""


@dataclass(frozen=True)
class Table:
    """A CSV file as text: header, and rows with their line numbers."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, name: str) -> list[Fraction]:
        """Return a column as exact numbers.

        Raises
        ------
        InputError
            If there is no such column, or an entry is no finite number; the message names file, line and column.
        """
        if name not in self.header:
            raise InputError(f"{self.path.name}: no column {name[:40]!r}; the columns are {', '.join(self.header)}")
        index = self.header.index(name)
        return [exact_rational(row[index], f"{self.path.name}, line {line}, column {name}") for line, row in self.rows]


def read_text(path: Path, largest: int) -> str:
    """Return the text of a regular UTF-8 file of at most ``largest`` bytes.

    Raises
    ------
    InputError
        If the file is missing, no regular file, too large, not readable or not UTF-8.
    """
    try:
        return read_bytes(path, largest, str(path)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; save the file as UTF-8") from None


def read_table(path: Path) -> Table:
    """Return the table in a CSV file: commas between entries, names in the first line.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or its header or a row is malformed.
    """
    lines = csv.reader(read_text(path, LARGEST_FILE).splitlines(), strict=True)
    try:
        numbered = [(lines.line_num, tuple(entry.strip() for entry in row)) for row in lines if row]
    except csv.Error as error:
        raise InputError(f"{path.name}, line {lines.line_num}: not valid CSV: {error}") from None
    if not numbered:
        raise InputError(f"{path.name}: empty; the first line must name the columns")
    (_, header), rows = numbered[0], numbered[1:]
    _check_header(path, header)
    if not rows:
        raise InputError(f"{path.name}: no rows below the header; at least one is needed")
    for line, row in rows:
        if len(row) != len(header):
            raise InputError(f"{path.name}, line {line}: {len(row)} entries, but the header names {len(header)}")
    return Table(path, header, tuple(rows))


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if not name:
            raise InputError(f"{path.name}, line 1: a column without a name; the first line must name every column")
        if header.count(name) > 1:
            raise InputError(f"{path.name}, line 1: the column {name[:40]!r} stands twice; names must differ")
