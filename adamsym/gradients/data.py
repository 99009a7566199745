"""The table [data] of a problem file: lists, distributions, or columns of a CSV file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.numbers import Number
from adamsym.expressions.parser import check_name
from adamsym.gradients.continuous import Independent
from adamsym.gradients.laws import MOST_COLUMNS, Empirical, Law
from adamsym.gradients.library import columns_used
from adamsym.gradients.tables import MISSING, Format, Indicator, Table, read_table, renamed

_OF_TABLES = ("columns", "indicators", "delimiter", "decimal", "missing")
"""Keys that stand beside ``file`` alone."""


@dataclass(frozen=True)
class Wanted:
    """What tells which columns are read: texts of expressions under ``key`` and parameters, or a library's options."""

    key: str
    texts: Sequence[str]
    library: str | None
    options: Mapping[str, Any]
    parameters: Sequence[str] | Mapping[str, int]


def law_of(data: Mapping[str, Any], wanted: Wanted, folder: Path) -> tuple[Law, int]:
    """Return the law that the table describes, and how many rows of its file were left out.

    Raises
    ------
    InputError
        If a key or value is not allowed, or the file cannot be read; the message names the place.
    """
    if "file" in data:
        return _law_from_table(data, wanted, folder)
    for key in _OF_TABLES:
        if key in data:
            raise InputError(f"data.{key}: allowed only beside data.file; leave it out")
    columns = {name: column for name, column in data.items() if name != "weights"}
    texts = [name for name, column in columns.items() if isinstance(column, str)]
    if texts and len(texts) == len(columns):
        if "weights" in data:
            raise InputError("data.weights: distributions have no weights; leave them out")
        return Independent(columns), 0
    for name, column in columns.items():
        if not isinstance(column, list):
            allowed = 'a list of numbers, or for all columns distributions such as "Normal(0, 1)"'
            raise InputError(f"data.{name}: {shown(column)} is not allowed; allowed is {allowed}")
    return Empirical({name: _numbers(column, f"data.{name}") for name, column in columns.items()}, _weights(data)), 0


def _law_from_table(data: Mapping[str, Any], wanted: Wanted, folder: Path) -> tuple[Law, int]:
    unknown = [key for key in data if key not in ("file", "weights", *_OF_TABLES)]
    if unknown:
        allowed = f"only weights, {', '.join(_OF_TABLES[:-1])} and {_OF_TABLES[-1]} are allowed"
        raise InputError(f"data.{unknown[0]}: beside data.file {allowed}")
    if not isinstance(data["file"], str) or not data["file"] or "\0" in data["file"]:
        raise InputError(f"data.file: {shown(data['file'])} is not allowed; allowed is the name of a CSV file")
    table = read_table(folder / data["file"], _format(data))
    asked = data.get("columns")
    if "columns" in data:
        _check_columns(asked)
    indicators = _indicators(data)
    known = renamed(table, asked if isinstance(asked, dict) else {}, indicators)
    weights = data.get("weights")
    used = list(dict.fromkeys(asked)) if isinstance(asked, list) else _used(known, weights, wanted, table)
    if isinstance(asked, dict):
        _check_new_names(asked, "columns", used, weights, wanted)
    _check_new_names(indicators, "indicators", used, weights, wanted)
    if len(used) > MOST_COLUMNS:
        raise InputError(f"{table.path.name}: {len(used)} columns are used; at most {MOST_COLUMNS} can be")
    of_weights = [weights] if isinstance(weights, str) else []
    found = table.read([known.get(name, name) for name in (*used, *of_weights)])
    columns = dict(zip(used, found.columns, strict=False))
    return Empirical(columns, found.columns[-1] if of_weights else _weights(data)), found.dropped


def _format(data: Mapping[str, Any]) -> Format:
    for key in ("delimiter", "decimal"):
        if not isinstance(data.get(key, ""), str):
            raise InputError(
                f'data.{key}: {shown(data[key])} is not allowed; allowed is a character, such as ";" or ","'
            )
    missing = data.get("missing", "error")
    if missing not in ("error", "drop"):
        raise InputError(f'data.missing: {shown(missing)} is not allowed; allowed are "error" and "drop"')
    return Format(data.get("delimiter", ","), data.get("decimal", "."), missing == "drop")


def _indicators(data: Mapping[str, Any]) -> dict[str, Indicator]:
    """The table ``indicators``: a name, and the column and the text that it stands for."""
    table = data.get("indicators", {})
    allowed = 'allowed are names with a column and a text, such as { red = { colour = "red" } }'
    if not isinstance(table, dict) or ("indicators" in data and not table):
        raise InputError(f"data.indicators: {shown(table)} is not allowed; {allowed}")
    found = {}
    for name, what in table.items():
        pairs = list(what.items()) if isinstance(what, dict) else []
        if len(pairs) != 1 or not isinstance(pairs[0][1], str):
            raise InputError(f"data.indicators.{name[:40]}: {shown(what)} is not allowed; {allowed}")
        if pairs[0][1].strip().lower() in MISSING:
            raise InputError(
                f"data.indicators.{name[:40]}: {shown(pairs[0][1])} says that an entry is missing; it is no category"
            )
        found[name] = Indicator(pairs[0][0], pairs[0][1].strip(" \t"))
    return found


def _check_columns(asked: object) -> None:
    names = list(asked.values()) if isinstance(asked, dict) else asked
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        allowed = 'a list such as ["x", "y"], or names of your own such as { x = "mean radius" }'
        raise InputError(f"data.columns: {shown(asked)} is not allowed; allowed is {allowed}")


def _check_new_names(
    asked: Mapping[str, object], key: str, used: Sequence[str], weights: object, wanted: Wanted
) -> None:
    """A name that nothing uses is a slip; a library uses what its options name."""
    for name in asked:
        check_name(name, f"data.{key}")
        if wanted.texts and name not in used and name != weights:
            raise InputError(
                f"data.{key}: {name!r} is no data column of the {wanted.key}; name it there, or leave it out"
            )


def _used(known: Mapping[str, str | Indicator], weights: object, wanted: Wanted, table: Table) -> Sequence[str]:
    """The columns that expressions name; for a library's loss those of its options, or all but the weights.

    Columns that indicators read are categories, and no numbers of a library's loss.
    """
    if not wanted.texts:
        categories = {what.column for what in known.values() if isinstance(what, Indicator)}
        numbers = [name for name, what in known.items() if name != weights and what not in categories]
        return columns_used(str(wanted.library), wanted.options, numbers)
    # Names before a parenthesis are functions, good or bad: the parser judges them.
    names = [re.findall(r"(?<![\w.])[A-Za-z]\w*(?!\w|\s*\()", text[:20_000], re.ASCII) for text in wanted.texts]
    named = dict.fromkeys(name for found in names for name in found)
    parameters = wanted.parameters
    vectors = parameters if isinstance(parameters, dict) else {}
    entries = {f"{name}{k}" for name, length in vectors.items() for k in range(max(0, min(length, 1000)))}
    others = {*parameters, *entries, *FUNCTIONS, "pi"} - (vectors.keys() - entries)
    used = [name for name in named if name not in others]
    columns = f"the columns are {table.listed()}"
    for name in used:
        if name not in known:
            rename = f'; rename one with columns = {{ {name[:20]} = "its name" }}'
            raise InputError(
                f"problem.{wanted.key}: {name[:40]!r} is neither a parameter nor a column of {table.path.name}; "
                f"{columns}{rename if any(not column.isidentifier() for column in table.header) else ''}"
            )
    if not used:
        raise InputError(f"problem.{wanted.key}: names no column of {table.path.name}; {columns}")
    return used


def _weights(data: Mapping[str, Any]) -> list[Number] | None:
    weights = data.get("weights")
    if weights is None:
        return None
    if not isinstance(weights, list):
        allowed = "a list of positive numbers" + (", or the name of a column" if "file" in data else "")
        raise InputError(f"data.weights: {shown(weights)} is not allowed; allowed is {allowed}")
    return _numbers(weights, "data.weights")


def _numbers(values: list[Any], place: str) -> list[Number]:
    for k, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise InputError(f"{place}[{k}]: {shown(value)} is not a number; allowed are finite real numbers")
    return values


def shown(value: object) -> str:
    """Return a value of a problem file for a message."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
