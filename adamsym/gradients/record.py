"""A problem and a method as plain data: what certificates hold and what goes to worker processes."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from adamsym.certificates.parts import MOST_ROWS
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.parser import LONGEST_TEXT
from adamsym.gradients.continuous import Independent
from adamsym.gradients.laws import Empirical, Law
from adamsym.gradients.problem import Problem
from adamsym.gradients.source import StochasticGradient
from adamsym.gradients.symbolic import SymbolicGradient, require_expressions
from adamsym.gradients.vector_field import VectorField
from adamsym.methods import Method
from adamsym.methods.record import method_from_record, method_record

NESTED_TOO_DEEPLY = "nested too deeply to be differentiated; write it with fewer parentheses in parentheses"


def problem_record(problem: SymbolicGradient, method: Method) -> dict[str, Any]:
    """Return the source of the gradients and the method as JSON data; every number is text, exactly as a fraction.

    The loss, or each component of a field, is the text as written: what simplifies away, such as x/x, still says where
    it is real.

    Raises
    ------
    InputError
        If the law is neither empirical nor one of independent columns, rows are reshuffled, the method has no Laplace
        form, or something is too long to be read back.
    """
    if problem.sampling == "reshuffled":
        raise NotApplicable(
            "data.sampling: no proof of 'reshuffled' rows can be written into a certificate: the field is a mean over "
            "infinitely many past epochs, each in any order, and is known with an estimated error alone"
        )
    for text in _texts(problem):
        if len(text) > LONGEST_TEXT:
            raise InputError(f"{problem.place}: {len(text)} characters; a certificate may hold {LONGEST_TEXT}")
    return {
        **_expressions_record(problem),
        **_data_record(problem.law),
        **_drawing_record(problem),
        "method": method_record(method),
    }


def problem_text(source: StochasticGradient) -> str:
    """Return text that two sources of gradients share only if they are the same.

    Raises
    ------
    NotApplicable
        If the gradients are no expressions: what Python computes has no text.
    """
    symbolic = require_expressions(source, "a checkpoint")
    law = symbolic.law
    data = _data_record(law) if isinstance(law, (Empirical, Independent)) else {"columns": repr(law)}
    return json.dumps({**_expressions_record(symbolic), **data, **_drawing_record(source)})


def _drawing_record(source: StochasticGradient) -> dict[str, Any]:
    """How rows are drawn, unless independently."""
    if source.sampling == "replacement":
        return {}
    return {"sampling": source.sampling, "drop_last": source.drop_last}


def _texts(source: SymbolicGradient) -> tuple[str, ...]:
    """The expressions that define G, as they were written."""
    if isinstance(source, VectorField):
        return source.texts
    if isinstance(source, Problem):
        return (source.text,)
    raise NotApplicable(f"{type(source).__name__}: no text says what it is; write a Problem or a VectorField")


def _expressions_record(source: SymbolicGradient) -> dict[str, Any]:
    texts = _texts(source)
    written = {"field": list(texts)} if isinstance(source, VectorField) else {"loss": texts[0]}
    return {**written, "parameters": list(source.names), "batch_size": source.batch_size}


def _data_record(law: Law) -> dict[str, Any]:
    """The data's law: rows, or the text of each continuous column, without probabilities."""
    if isinstance(law, Independent):
        return {"columns": law.texts, "probabilities": []}
    if not isinstance(law, Empirical):
        raise NotApplicable("data: a certificate needs an empirical law, or independent continuous columns")
    return {
        "columns": {name: [str(row[k]) for row in law.exact_rows] for k, name in enumerate(law.names)},
        "probabilities": [str(p) for p in law.exact_probabilities],
    }


def problem_from_record(record: Mapping[str, Any]) -> tuple[SymbolicGradient, Method]:
    """Return what :func:`problem_record` described; nothing in it is executed.

    Raises
    ------
    InputError
        If the record is malformed, or the method is unknown here or has another Laplace form; the message names the
        place.
    """
    method = record.get("method") if isinstance(record, Mapping) else None
    if not isinstance(method, Mapping):
        raise InputError("problem.method: allowed are name, parameters and laplace, all of them")
    return problem_of_record(record), method_from_record(method)


def problem_of_record(record: Mapping[str, Any]) -> SymbolicGradient:
    """Return the source of the gradients of a record, whatever its method; errors as :func:`problem_from_record`."""
    keys = {"parameters", "columns", "probabilities", "batch_size", "method"}
    drawn = {key: record[key] for key in ("sampling", "drop_last") if isinstance(record, Mapping) and key in record}
    if not isinstance(record, Mapping) or set(record) - set(drawn) not in (keys | {"loss"}, keys | {"field"}):
        raise InputError(
            f"problem: allowed are the keys {', '.join(sorted(keys))}, all of them, loss or field, and sampling and "
            "drop_last"
        )
    columns = record["columns"]
    continuous = isinstance(columns, Mapping) and all(isinstance(column, str) for column in columns.values())
    if not continuous and not (
        isinstance(columns, Mapping) and all(_is_list_of_text(column) for column in columns.values())
    ):
        raise InputError("problem.columns: allowed are lists of numbers as text, by name, or a distribution for each")
    if not _is_list_of_text(record["probabilities"]) or not _is_list_of_text(record["parameters"]):
        raise InputError("problem.probabilities, problem.parameters: allowed are lists of text")
    if any(len(column) > MOST_ROWS for column in columns.values()):
        raise InputError(f"problem.columns: at most {MOST_ROWS} rows are allowed")
    if not isinstance(record.get("loss", ""), str) or not _is_list_of_text(record.get("field", [])):
        raise InputError("problem.loss: allowed is text; problem.field: a list of text")
    law = _law_of_record(columns, record["probabilities"], continuous)
    try:
        if "field" in record:
            return VectorField(record["field"], record["parameters"], law, record["batch_size"], **drawn)
        return Problem(record["loss"], record["parameters"], law, record["batch_size"], **drawn)
    except RecursionError:
        raise InputError(f"problem: {NESTED_TOO_DEEPLY}") from None


def _law_of_record(columns: Mapping[str, Any], probabilities: list[str], continuous: bool) -> Law:
    if continuous:
        if probabilities:
            raise InputError("problem.probabilities: continuous columns have none")
        return Independent(columns)
    law = Empirical(columns, weights=probabilities)
    if sum(Fraction(p) for p in probabilities) != 1:
        raise InputError("problem.probabilities: they must sum to 1 exactly")
    return law


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
