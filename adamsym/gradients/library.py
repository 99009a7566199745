"""A library of losses. Each entry is one function; a new loss is one more function in ``BUILDERS``.

Losses of a linear model are in :mod:`adamsym.gradients.linear_losses`.

Every function returns the loss of one data row as a SymPy expression, and the parameters' names in order, ready for
``Problem(loss, parameters, law)``. Problem files name an entry by ``library = "tanh_network"`` with ``options``.
"""

import inspect
import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pydantic
import sympy as sp

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.gradients.linear_losses import (
    MOST_PARAMETERS,
    Model,
    absolute,
    cauchy,
    check_size,
    exponential,
    gamma,
    hinge,
    huber,
    least_squares,
    log_cosh,
    logistic,
    poisson,
    pseudo_huber,
    quantile,
    real,
    softmax,
    squared_hinge,
)

MOST_PATHS = 10_000
"""Paths from the inputs to the output of a network: its derivatives have a term for each."""


@checked_arguments
def mean_estimation(inputs: Sequence[str]) -> Model:
    """Return (theta - x)^2/2, one theta per column: the minimiser is the mean."""
    names = ["theta"] if len(inputs) == 1 else [f"theta{k}" for k in range(len(inputs))]
    loss = sp.Add(*((real(name) - real(x)) ** 2 / 2 for name, x in zip(names, inputs, strict=True)))
    return loss, names


@checked_arguments
def polynomial_regression(inputs: Sequence[str], target: str, degree: int = 2) -> Model:
    """Return (c_0 + c_1 x + ... + c_n x^n - y)^2/2 for one input x."""
    if len(inputs) != 1:
        raise InputError(f"polynomial_regression: one input is allowed, not {len(inputs)}")
    _check_range("polynomial_regression: degree", degree, 0, 50)
    names = [f"c{k}" for k in range(degree + 1)]
    value = sp.Add(*(real(name) * real(inputs[0]) ** k for k, name in enumerate(names)))
    return (value - real(target)) ** 2 / 2, names


@checked_arguments
def matrix_factorization(left: Sequence[str], right: Sequence[str], target: str, rank: int = 1) -> Model:
    """Return (a^T U V^T b - y)^2/2 for measurement vectors a and b; matrix completion if they are unit vectors.

    The columns ``left`` hold a, the columns ``right`` hold b; U and V have ``rank`` columns.
    """
    _check_range("matrix_factorization: rank", rank, 1, MOST_PARAMETERS)
    check_size("matrix_factorization", rank * (len(left) + len(right)))
    u = [[f"u{i}_{r}" for r in range(rank)] for i in range(len(left))]
    v = [[f"v{j}_{r}" for r in range(rank)] for j in range(len(right))]
    value = sp.Add(*(_projection(left, u, r) * _projection(right, v, r) for r in range(rank)))
    return (value - real(target)) ** 2 / 2, [name for row in (*u, *v) for name in row]


@checked_arguments
def deep_linear_network(inputs: Sequence[str], target: str, hidden: Sequence[int] = (2,)) -> Model:
    """Return (W_n ... W_1 x - y)^2/2, hidden layers of the given widths, no biases."""
    value, names = _network("deep_linear_network", inputs, hidden, biases=False, activation=lambda z: z)
    return (value - real(target)) ** 2 / 2, names


@checked_arguments
def tanh_network(inputs: Sequence[str], target: str, hidden: Sequence[int] = (4,)) -> Model:
    """Return (network(x) - y)^2/2: hidden layers of tanh of the given widths, a linear output, biases everywhere."""
    value, names = _network("tanh_network", inputs, hidden, biases=True, activation=sp.tanh)
    return (value - real(target)) ** 2 / 2, names


@checked_arguments
def phase_retrieval(inputs: Sequence[str], target: str) -> Model:
    """Return ((w . x)^2 - y)^2/4: the sign of w is lost."""
    check_size("phase_retrieval", len(inputs))
    names = [f"w{k}" for k in range(len(inputs))]
    value = sp.Add(*(real(name) * real(x) for name, x in zip(names, inputs, strict=True)))
    return (value**2 - real(target)) ** 2 / 4, names


@checked_arguments
def overparametrized_least_squares(inputs: Sequence[str], target: str, features: int = 30, seed: int = 0) -> Model:
    """Return (sum_k w_k tanh(c_k . x + d_k) - y)^2/2 with fixed random c_k and d_k: it interpolates few rows.

    The c_k and d_k are uniform on {-2.000, ..., 2.000} in steps of 1/1000, exact, by Python's generator with ``seed``.
    """
    check_size("overparametrized_least_squares", features)
    generator = random.Random(seed)
    names = [f"w{k}" for k in range(features)]
    value = sp.S.Zero
    for name in names:
        draws = [sp.Rational(generator.randint(-2000, 2000), 1000) for _ in range(len(inputs) + 1)]
        value += real(name) * sp.tanh(sp.Add(draws[0], *(c * real(x) for c, x in zip(draws[1:], inputs, strict=True))))
    return (value - real(target)) ** 2 / 2, names


@checked_arguments
def parabola_or_sine(inputs: Sequence[str], stiffness: int = 30) -> Model:
    """Return stiffness theta^2/2 where the column is 1 and sin(theta)^2/2 where it is 0 (N1).

    Both losses vanish at theta = 0 alone in common and their mean satisfies a global PL inequality; yet where the
    parabola is rare the Adam field has an attracting zero near pi.
    """
    if len(inputs) != 1:
        raise InputError(f"parabola_or_sine: one column of zeros and ones is allowed, not {len(inputs)}")
    _check_range("parabola_or_sine: stiffness", stiffness, 1, 10**6)
    theta, a = real("theta"), real(inputs[0])
    return a * stiffness * theta**2 / 2 + (1 - a) * sp.sin(theta) ** 2 / 2, ["theta"]


BUILDERS: dict[str, Callable[..., Model]] = {
    builder.__name__: builder
    for builder in (
        mean_estimation,
        least_squares,
        absolute,
        quantile,
        huber,
        pseudo_huber,
        log_cosh,
        cauchy,
        poisson,
        gamma,
        logistic,
        hinge,
        squared_hinge,
        exponential,
        softmax,
        polynomial_regression,
        matrix_factorization,
        deep_linear_network,
        tanh_network,
        phase_retrieval,
        overparametrized_least_squares,
        parabola_or_sine,
    )
}
"""The library's entries by name."""


def build(name: str, options: Mapping[str, Any], columns: Sequence[str]) -> Model:
    """Return the loss and parameters of an entry, as a problem file names it.

    Parameters
    ----------
    name
        A key of ``BUILDERS``.
    options
        Its arguments by name. ``target`` defaults to the last data column, ``inputs`` to all others.
    columns
        The data columns.

    Raises
    ------
    InputError
        If there is no such entry, an option is unknown, of the wrong type or too large, or names no data column.
    """
    arguments = _arguments(name, options, columns)
    builder, place = BUILDERS[name], _place(name)
    try:
        return pydantic.validate_call(config=pydantic.ConfigDict(strict=True))(builder)(**arguments)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        allowed = ", ".join(inspect.signature(builder).parameters)
        raise InputError(f"{place}: {key}: {first['msg'].lower()}; options are {allowed}") from None


def columns_used(name: str, options: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Return the data columns that an entry uses, in their own order; arguments and errors as :func:`build`."""
    arguments = _arguments(name, options, columns)
    used = {column for _, column in _columns_named(name, arguments)}
    return [column for column in columns if column in used]


_OF_COLUMNS = ("inputs", "left", "right", "target", "targets")
"""Arguments that name data columns."""


def _arguments(name: str, options: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The arguments of an entry, with those left out; the columns that they name exist."""
    if name not in BUILDERS:
        raise InputError(f"problem.library: {name[:40]!r} is not in the library; it has {', '.join(BUILDERS)}")
    if not columns:
        raise InputError(f"{_place(name)}: the data has no column; give at least one")
    wanted = inspect.signature(BUILDERS[name]).parameters
    arguments: dict[str, Any] = dict(options)
    if "target" in wanted:
        arguments.setdefault("target", columns[-1])
    if "inputs" in wanted:
        outputs = [*_as_list(arguments.get("target", [])), *_as_list(arguments.get("targets", []))]
        arguments.setdefault("inputs", [column for column in columns if column not in outputs])
    known = set(columns)
    for key, column in _columns_named(name, arguments):
        if not isinstance(column, str) or column not in known:
            listed = ", ".join(columns[:12]) + (" and others" if len(columns) > 12 else "")
            raise InputError(f"{_place(name)}: {key}: {str(column)[:40]!r} is no data column; they are {listed}")
    if "inputs" in wanted:
        _check_range(f"{_place(name)}: the number of inputs", len(_as_list(arguments["inputs"])), 1, MOST_PARAMETERS)
    return arguments


def _columns_named(name: str, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The columns that arguments of an entry name, each with its argument."""
    wanted = inspect.signature(BUILDERS[name]).parameters
    return [(key, column) for key in _OF_COLUMNS if key in wanted for column in _as_list(arguments.get(key, []))]


def _place(name: str) -> str:
    return f"problem.options ({name})"


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _projection(columns: Sequence[str], matrix: Sequence[Sequence[str]], component: int) -> sp.Expr:
    return sp.Add(*(real(x) * real(row[component]) for x, row in zip(columns, matrix, strict=True)))


def _network(
    place: str, inputs: Sequence[str], hidden: Sequence[int], biases: bool, activation: Callable[[sp.Expr], sp.Expr]
) -> Model:
    """Weights w<layer>_<to>_<from> and biases b<layer>_<to>, layer by layer; one linear output."""
    for width in hidden:
        _check_range(f"{place}: hidden", width, 1, MOST_PARAMETERS)
    widths = [len(inputs), *hidden, 1]
    paths = math.prod(widths)
    if paths > MOST_PATHS:
        raise InputError(f"{place}: {paths} paths from inputs to output; at most {MOST_PATHS}: take narrower layers")
    check_size(place, sum((n + biases) * m for n, m in itertools.pairwise(widths)))
    values: list[sp.Expr] = [real(x) for x in inputs]
    names: list[str] = []
    for layer, width in enumerate(widths[1:], start=1):
        outputs = []
        for to in range(width):
            row = [f"w{layer}_{to}_{source}" for source in range(len(values))] + ([f"b{layer}_{to}"] if biases else [])
            names += row
            outputs.append(sp.Add(*(real(w) * z for w, z in zip(row, [*values, sp.S.One], strict=False))))
        values = outputs if layer == len(widths) - 1 else [activation(z) for z in outputs]
    return values[0], names


def _check_range(place: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InputError(f"{place}: {value} is not allowed; allowed are integers from {least} to {most}")
