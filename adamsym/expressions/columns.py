"""Tables of results as files: columns by name in CSV, NPZ or Parquet."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.errors import InputError, NotApplicable

Column = Sequence[Any] | NDArray[Any]
Columns = Mapping[str, Column]
"""Columns of one length: arrays, or lists of numbers, texts and None."""

ENDINGS = (".csv", ".npz", ".parquet")

ROWS_AT_ONCE = 2**14
"""Rows that are turned into text, or into a group of a Parquet file, together: memory does not grow with the table."""


def check_ending(path: Path) -> None:
    """Raise InputError unless a table can be written under this name, here."""
    if path.suffix not in ENDINGS:
        raise InputError(f"{str(path)[:80]!r} has no known ending; allowed: {', '.join(ENDINGS)}")
    if path.suffix == ".parquet":
        parquet_modules()


def write_columns(file: IO[bytes], ending: str, columns: Columns) -> None:
    """Write columns to an open file, as its name's ending says; numbers in CSV read back to the last bit."""
    {".csv": _write_csv, ".npz": _write_npz, ".parquet": _write_parquet}[ending](file, columns)


def plain_names(dimension: int) -> list[str]:
    """Return names of the parameters of results that know none."""
    return ["theta"] if dimension == 1 else [f"theta[{k}]" for k in range(dimension)]


def parameter_names(names: Sequence[str] | None, dimension: int, taken: Iterable[str]) -> list[str]:
    """Return the columns' names of parameters: their own, or where a table has such a column, ``parameter.NAME``.

    Raises
    ------
    InputError
        If there is not one name for each parameter, or a name stands twice.
    """
    found = plain_names(dimension) if names is None else [str(name) for name in names]
    if len(found) != dimension or len(set(found)) != dimension:
        raise InputError(f"names: {len(set(found))} different names; give one for each of {dimension} parameters")
    others = set(taken)
    return [f"parameter.{name}" if name in others else name for name in found]


def _write_csv(file: IO[bytes], columns: Columns) -> None:
    for rows in chain([[tuple(columns)]], (zip(*block, strict=True) for block in _blocks(columns))):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        file.write(text.getvalue().encode())


def _blocks(columns: Columns) -> Iterator[list[list[Any]]]:
    """Some rows at a time, column by column, in Python's own numbers: those are written by their shortest digits."""
    rows = len(next(iter(columns.values()), ()))
    for first in range(0, rows, ROWS_AT_ONCE):
        parts = (column[first : first + ROWS_AT_ONCE] for column in columns.values())
        yield [part.tolist() if isinstance(part, np.ndarray) else list(map(_plain, part)) for part in parts]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _write_npz(file: IO[bytes], columns: Columns) -> None:
    # Not by numpy.savez: there a column cannot be named "file".
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _array(column), allow_pickle=False)


def _array(column: Column) -> NDArray[Any]:
    """An array of numbers or of text, never of objects: those would be pickled."""
    if isinstance(column, np.ndarray):
        return column
    if any(isinstance(value, str) for value in column):
        return np.array(["" if value is None else str(value) for value in column])
    return np.array([np.nan if value is None else value for value in column])


def _write_parquet(file: IO[bytes], columns: Columns) -> None:
    arrow, parquet = parquet_modules()
    # Arrays of numbers are taken as they lie in memory.
    table = arrow.table({name: one if isinstance(one, np.ndarray) else list(one) for name, one in columns.items()})
    parquet.write_table(table, file, row_group_size=4 * ROWS_AT_ONCE)


def parquet_modules() -> tuple[Any, Any]:
    """Return pyarrow and pyarrow.parquet.

    Raises
    ------
    InputError
        If they are not installed.
    """
    load: Callable[[str], Any] = import_module
    try:
        return load("pyarrow"), load("pyarrow.parquet")
    except ImportError:
        raise InputError("a .parquet file needs the package pyarrow: pip install 'adamsym[parquet]'") from None


_FRAMES = ("pandas", "polars")


def data_frame(columns: Columns, library: str | None = None) -> Any:
    """Return columns as a data frame of a library; by default of pandas if it is installed, else of polars.

    Raises
    ------
    NotApplicable
        If the library is not installed.
    InputError
        If it is another.
    """
    if library not in (None, *_FRAMES):
        raise InputError(f"library: {str(library)[:40]!r} is not allowed; allowed are {' and '.join(_FRAMES)}")
    wanted = _FRAMES if library is None else (library,)
    for name in wanted:
        try:
            module = import_module(name)
        except ImportError:
            continue
        series = {key: _array(column) for key, column in columns.items()}
        return module.DataFrame(series)
    raise NotApplicable(
        f"to_dataframe: {' and '.join(wanted)} not installed; install adamsym[dataframe], or take columns()"
    )
