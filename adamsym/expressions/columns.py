"""Tables of results as files: columns by name in CSV, NPZ or Parquet."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np

from adamsym.expressions.errors import InputError

Columns = Mapping[str, Sequence[Any]]
"""Columns of one length: numbers, texts, or None."""

ENDINGS = (".csv", ".npz", ".parquet")


def check_ending(path: Path) -> None:
    """Raise InputError unless a table can be written under this name, here."""
    if path.suffix not in ENDINGS:
        raise InputError(f"{str(path)[:80]!r} has no known ending; allowed: {', '.join(ENDINGS)}")
    if path.suffix == ".parquet":
        _parquet()


def write_columns(file: IO[bytes], ending: str, columns: Columns) -> None:
    """Write columns to an open file, as its name's ending says; numbers in CSV read back to the last bit."""
    {".csv": _write_csv, ".npz": _write_npz, ".parquet": _write_parquet}[ending](file, columns)


def _write_csv(file: IO[bytes], columns: Columns) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(_cell, column) for column in columns.values()), strict=True))
    file.write(text.getvalue().encode())


def _cell(value: Any) -> str:
    return "" if value is None else repr(float(value)) if isinstance(value, float) else str(value)


def _write_npz(file: IO[bytes], columns: Columns) -> None:
    arrays: dict[str, Any] = {name: _array(column) for name, column in columns.items()}
    np.savez_compressed(file, **arrays)


def _array(column: Sequence[Any]) -> "np.ndarray[Any, Any]":
    """An array of numbers or of text, never of objects: those would be pickled."""
    if any(isinstance(value, str) for value in column):
        return np.array(["" if value is None else str(value) for value in column])
    return np.array([np.nan if value is None else value for value in column])


def _write_parquet(file: IO[bytes], columns: Columns) -> None:
    arrow, parquet = _parquet()
    parquet.write_table(arrow.table({name: list(column) for name, column in columns.items()}), file)


def _parquet() -> tuple[Any, Any]:
    load: Callable[[str], Any] = import_module
    try:
        return load("pyarrow"), load("pyarrow.parquet")
    except ImportError:
        raise InputError("a .parquet file needs the package pyarrow: pip install 'adamsym[parquet]'") from None
