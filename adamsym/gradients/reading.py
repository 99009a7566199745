"""Problem files: TOML in, a problem, its optimizer and a start out. Nothing in a file is ever executed."""

import inspect
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pydantic
import sympy as sp

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.expressions.files import read_text
from adamsym.expressions.numbers import exact_rational
from adamsym.gradients.data import Wanted, law_of, shown
from adamsym.gradients.laws import Law
from adamsym.gradients.problem import Problem
from adamsym.gradients.record import NESTED_TOO_DEEPLY
from adamsym.gradients.symbolic import SymbolicGradient
from adamsym.gradients.vector_field import VectorField
from adamsym.methods import Method, known_methods, make_method, method_class

LARGEST_FILE = 20 * 2**20
"""Bytes of a problem file."""


@dataclass(frozen=True)
class ProblemFile:
    """What a problem file describes.

    Attributes
    ----------
    path, problem, adam
        The file, its source of gradients (a problem, or a vector field) and its optimizer.
    start
        The point of its [start] table, or None.
    dropped
        How many rows of its table were left out, for they lacked an entry: ``missing = "drop"``.
    """

    path: Path
    problem: SymbolicGradient
    adam: Method
    start: dict[str, float] | None
    dropped: int = 0


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _ProblemTable(_Strict):
    loss: str | None = None
    field: list[str] | None = None
    lyapunov: str | None = None
    library: str | None = None
    options: dict[str, Any] = {}
    parameters: list[str] | dict[str, int] | None = None
    batch_size: int = 1


class _AdamTable(_Strict):
    """The numbers are those of the method's class, whatever they are called."""

    model_config = pydantic.ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, int | Decimal] = pydantic.Field(init=False)

    method: str = "Adam"


_COMMON_NUMBERS = ("beta1", "beta2", "eps", "weight_decay")
"""Numbers that some methods have, so that another one lacks them."""

_HOW_DRAWN = ("sampling", "drop_last")
"""Keys of the table [data] that say how rows are drawn."""

_TABLES: dict[str, type[_Strict]] = {"problem": _ProblemTable, "adam": _AdamTable}


class _File(_Strict):
    problem: _ProblemTable
    data: dict[str, Any]
    adam: _AdamTable = _AdamTable()
    start: dict[str, Any] | None = None


@checked_arguments
def read_problem(path: str | os.PathLike[str]) -> ProblemFile:
    """Return the problem that a TOML file describes.

    Raises
    ------
    InputError
        If the file or its table of data cannot be read, a key or value is not allowed, or the problem is malformed:
        one line that names the file, the key and what is allowed.
    """
    file = Path(path)
    return problem_of(read_text(file, LARGEST_FILE), file)


def problem_of(text: str, file: Path) -> ProblemFile:
    """Return the problem that the text of a file describes, be it written or not; errors as :func:`read_problem`."""
    try:
        content = _validated(_parsed(text))
        law, dropped = _law(content, file.parent)
        problem = _problem(content.problem, law, {key: content.data[key] for key in _HOW_DRAWN if key in content.data})
        method = _method(content.adam)
        start = None if content.start is None else _start(content.start, problem)
        return ProblemFile(file, problem, method, start, dropped)
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from None
    except RecursionError:
        raise InputError(f"{file.name}: problem: {NESTED_TOO_DEEPLY}") from None


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise InputError("nested too deeply; no value in a problem file nests more than two brackets") from None
    except (ValueError, ArithmeticError) as error:
        raise InputError(f"not valid TOML: {error}") from None


def _validated(content: dict[str, Any]) -> _File:
    try:
        return _File.model_validate(content)
    except pydantic.ValidationError as error:
        raise InputError(_first_error(error)) from None


def _first_error(error: pydantic.ValidationError) -> str:
    """The first of pydantic's errors in one line: place, and what is allowed."""
    first = error.errors(include_url=False)[0]
    table = first["loc"][0] if first["loc"] else ""
    # Members of a union appear in the path under names of their types.
    place = ".".join(
        str(part) for part in first["loc"] if not re.search(r"[\[\]]|^(int|decimal|str|dict|list)$", str(part))
    )
    if first["type"] == "extra_forbidden":
        model: type[_Strict] = _TABLES.get(str(table), _File) if len(first["loc"]) > 1 else _File
        return f"{place}: unknown key; allowed are {', '.join(model.model_fields)}"
    if first["type"] == "missing":
        return f"[{place}]: this table is missing"
    wanted = {
        "problem.parameters": "a list of names, or a table of lengths such as { w = 3 }",
        "problem.batch_size": "an integer from 1 up",
        "problem.loss": 'text, such as "(theta - x)**2/2"',
        "adam.method": "the name of a method: " + ", ".join(known_methods()),
        "problem.field": 'a list of components as text, such as ["x + y", "y - x"]',
        "problem.lyapunov": 'text, such as "x**2 + y**2"',
        "adam": "a number",
    }
    keys = (place, ".".join(place.split(".")[:2]), str(table))
    allowed = next((wanted[key] for key in keys if key in wanted), first["msg"])
    return f"{place}: {shown(first['input'])} is not allowed; allowed is {allowed}"


def _method(table: _AdamTable) -> Method:
    """The method that the table names, with its own defaults for numbers left out."""
    numbers = table.__pydantic_extra__
    known = inspect.signature(method_class(table.method)).parameters
    unknown = next((name for name in numbers if name not in {*known, *_COMMON_NUMBERS}), None)
    if unknown is not None:
        raise InputError(f"adam.{unknown}: unknown key; allowed are method, {', '.join(known)}")
    return make_method(table.method, numbers)


def _law(content: _File, folder: Path) -> tuple[Law, int]:
    table = content.problem
    data = {key: value for key, value in content.data.items() if key not in _HOW_DRAWN}
    key = "loss" if table.field is None else "field"
    texts = [text for text in (table.loss, *(table.field or ()), table.lyapunov) if text is not None]
    return law_of(data, Wanted(key, texts, table.library, table.options, table.parameters or []), folder)


def _problem(table: _ProblemTable, law: Law, drawn: Mapping[str, Any]) -> SymbolicGradient:
    loss: str | sp.Expr
    parameters: Sequence[str] | Mapping[str, int]
    if [table.loss, table.library, table.field].count(None) != 2:
        raise InputError('problem: give one of loss = "...", library = "..." and field = ["...", "..."]')
    if table.field is None and table.lyapunov is not None:
        raise InputError("problem.lyapunov: allowed only beside problem.field: a loss is its own Lyapunov function")
    if table.library is not None:
        if table.parameters is not None:
            raise InputError("problem.parameters: a library loss names its own parameters; leave them out")
        from adamsym.gradients.library import build

        loss, parameters = build(table.library, table.options, law.names)
    else:
        if table.options:
            raise InputError("problem.options: allowed only beside problem.library; leave it out")
        if table.parameters is None:
            raise InputError('problem.parameters: missing; give a list of names, such as ["theta"]')
        parameters = table.parameters
        if table.field is not None:
            return VectorField(table.field, parameters, law, table.batch_size, table.lyapunov, **drawn)
        assert table.loss is not None
        loss = table.loss
    return Problem(loss, parameters, law, table.batch_size, **drawn)


def _start(table: Mapping[str, Any], problem: SymbolicGradient) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, value in table.items():
        entries = {f"{name}{k}": entry for k, entry in enumerate(value)} if isinstance(value, list) else {name: value}
        for key, entry in entries.items():
            if key not in problem.names:
                raise InputError(f"start.{key}: no parameter; the parameters are {', '.join(problem.names[:12])}")
            if isinstance(entry, str):
                raise InputError(f"start.{key}: {shown(entry)} is not a number; allowed are finite real numbers")
            values[key] = float(exact_rational(entry, f"start.{key}"))
    missing = [name for name in problem.names if name not in values]
    if missing:
        raise InputError(f"start: no value for {', '.join(missing[:6])}; give every parameter one")
    return values
