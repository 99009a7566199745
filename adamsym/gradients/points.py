"""Points from files: one column for each parameter, in CSV, Parquet or NPZ."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.columns import check_ending, parquet_modules
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.files import open_regular
from adamsym.gradients.tables import LARGEST_FILE, MOST_NUMBERS, Format, read_table

_HEADER = 2**10
"""Bytes that may come before the numbers of an array in an NPZ file."""

_NAMED = 12
"""Columns that a message lists."""


def read_points(path: Path, names: Sequence[str]) -> FloatArray:
    """Return the points (n, d) of a table's columns that have these names; other columns are not looked at.

    Numbers of CSV files are the floats nearest to what is written; those of other files are taken as they are.

    Raises
    ------
    InputError
        If the file cannot be read, is none of these kinds or lacks a column; if a column holds anything but finite
        numbers, or there are too many. The message names the file and the column.
    """
    check_ending(path)
    if path.suffix == ".csv":
        exact = read_table(path, Format(), of_problem=False).read(names).columns
        return np.stack([column.floats for column in exact], axis=1)
    with open_regular(path, LARGEST_FILE, path.name) as file:
        found = (_from_parquet if path.suffix == ".parquet" else _from_arrays)(file, path.name, names)
    columns = [_numbers(one, f"{path.name}, column {name[:40]}") for name, one in zip(names, found, strict=True)]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise InputError(f"{path.name}: columns of different lengths, {min(lengths)} and {max(lengths)}")
    if lengths == {0}:
        raise InputError(f"{path.name}: no rows; at least one is needed")
    return np.stack(columns, axis=1)


def _from_arrays(file: BinaryIO, place: str, names: Sequence[str]) -> list[NDArray[Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            known = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            _check_columns(known, names, place)
            members = [f"{name}.npy" for name in names]
            # What a file says of its size bounds what is read of it.
            _check_size(sum(archive.getinfo(name).file_size - _HEADER for name in members) // 8, place)
            return [_array(archive, name) for name in members]
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place}: no NPZ file of plain arrays, or damaged") from None


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))


def _from_parquet(file: BinaryIO, place: str, names: Sequence[str]) -> list[NDArray[Any]]:
    arrow, parquet = parquet_modules()
    try:
        table = parquet.ParquetFile(file)
        _check_columns(table.schema_arrow.names, names, place)
        _check_size(table.metadata.num_rows * len(names), place)
        columns = table.read(columns=list(names))
        # A null is nan, which is refused.
        return [columns[name].to_numpy() for name in names]
    except (OSError, ValueError, arrow.lib.ArrowException) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place}: no Parquet file, or damaged") from None


def _check_columns(known: Sequence[str], names: Sequence[str], place: str) -> None:
    for name in names:
        if known.count(name) != 1:
            listed = ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED} more" if len(known) > _NAMED else "")
            wrong = "no column" if name not in known else "more than one column"
            raise InputError(f"{place}: {wrong} {name[:40]!r}; the columns are {listed}")


def _check_size(numbers: int, place: str) -> None:
    if numbers > MOST_NUMBERS:
        raise InputError(f"{place}: more than {MOST_NUMBERS} numbers; use fewer rows")


def _numbers(column: NDArray[Any], place: str) -> FloatArray:
    if column.ndim != 1 or column.dtype.kind not in "iuf":
        raise InputError(f"{place}: {column.dtype} of shape {column.shape} is not allowed; allowed is a row of numbers")
    found = column.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        raise InputError(f"{place}, row {wrong[0]}: {found[wrong[0]]} is not allowed; allowed are finite numbers")
    return found
