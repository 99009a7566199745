"""Continuous laws: independent columns, each a SymPy random variable given by name and numbers."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import scipy.special
import sympy as sp
import sympy.stats

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational

COARSEST_RULE = 16
"""Gauss nodes per column at level 0; each level doubles them."""

LARGEST_RULE = 2**17
"""Nodes that a product rule may have in all."""


@dataclass(frozen=True)
class Distribution:
    """One distribution: parameters, their condition, the SymPy form, a sampler, and an n-point Gauss rule."""

    parameters: tuple[str, ...]
    allowed: str
    is_allowed: Callable[..., bool]
    symbolic: Callable[..., Any]
    sampler: Callable[..., FloatArray]
    gauss: Callable[..., tuple[FloatArray, FloatArray]]


def _legendre(n: int, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return low + (high - low) * (nodes + 1) / 2, weights / 2


def _hermite(n: int, mean: float, deviation: float) -> tuple[FloatArray, FloatArray]:
    nodes, weights = scipy.special.roots_hermitenorm(n)
    return mean + deviation * nodes, weights / math.sqrt(2 * math.pi)


def _laguerre(n: int, shape: float, scale: float) -> tuple[FloatArray, FloatArray]:
    nodes, weights = scipy.special.roots_genlaguerre(n, shape - 1)
    return scale * nodes, weights / weights.sum()


def _jacobi(n: int, a: float, b: float) -> tuple[FloatArray, FloatArray]:
    nodes, weights = scipy.special.roots_jacobi(n, b - 1, a - 1)
    return (1 + nodes) / 2, weights / weights.sum()


DISTRIBUTIONS: dict[str, Distribution] = {
    "Normal": Distribution(
        ("mean", "deviation"),
        "deviation > 0",
        lambda m, s: s > 0,
        sympy.stats.Normal,
        lambda g, shape, m, s: g.normal(m, s, shape),
        _hermite,
    ),
    "Uniform": Distribution(
        ("low", "high"),
        "low < high",
        lambda a, b: a < b,
        sympy.stats.Uniform,
        lambda g, shape, a, b: g.uniform(a, b, shape),
        _legendre,
    ),
    "Exponential": Distribution(
        ("rate",),
        "rate > 0",
        lambda r: r > 0,
        sympy.stats.Exponential,
        lambda g, shape, r: g.exponential(1 / r, shape),
        lambda n, r: _laguerre(n, 1.0, 1 / r),
    ),
    "Gamma": Distribution(
        ("shape", "scale"),
        "shape > 0 and scale > 0",
        lambda k, s: k > 0 and s > 0,
        sympy.stats.Gamma,
        lambda g, shape, k, s: g.gamma(k, s, shape),
        _laguerre,
    ),
    "Beta": Distribution(
        ("a", "b"),
        "a > 0 and b > 0",
        lambda a, b: a > 0 and b > 0,
        sympy.stats.Beta,
        lambda g, shape, a, b: g.beta(a, b, shape),
        _jacobi,
    ),
}
"""The distributions a column may have, by SymPy's names. A new one is one entry here."""


@dataclass(frozen=True)
class Column:
    """One continuous column: a distribution's name and its exact parameters."""

    distribution: str
    parameters: tuple[Fraction, ...]

    @property
    def floats(self) -> tuple[float, ...]:
        """The parameters as floats."""
        return tuple(float(parameter) for parameter in self.parameters)


@dataclass(frozen=True, init=False, eq=False)
class Independent:
    """Independent continuous columns, such as ``Independent({"x": "Normal(0, 1)"})``.

    Parameters
    ----------
    columns
        For each column name a distribution of SymPy with its parameters as numbers: Normal(mean, deviation),
        Uniform(low, high), Exponential(rate), Gamma(shape, scale), Beta(a, b).

    Raises
    ------
    InputError
        If a distribution is unknown or its parameters are out of range.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]

    def __init__(self, columns: Mapping[str, str]) -> None:
        if not columns:
            raise InputError('data: no column; give at least one, such as x = "Normal(0, 1)"')
        object.__setattr__(self, "names", tuple(columns))
        object.__setattr__(self, "columns", tuple(parse_distribution(text, f"data.{k}") for k, text in columns.items()))

    @cached_property
    def symbolic(self) -> dict[str, Any]:
        """For each column name its SymPy random variable."""
        return {
            name: DISTRIBUTIONS[column.distribution].symbolic(name, *(sp.Rational(p) for p in column.parameters))
            for name, column in zip(self.names, self.columns, strict=True)
        }

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw rows: shape (*shape, columns)."""
        draws = [DISTRIBUTIONS[c.distribution].sampler(generator, shape, *c.floats) for c in self.columns]
        return np.stack(draws, axis=-1)

    def discretise(self, level: int) -> tuple[FloatArray, FloatArray]:
        """Return the product Gauss rule with 16 * 2**level nodes per column: rows (n, columns), probabilities (n,)."""
        size = COARSEST_RULE * 2**level
        if size ** len(self.columns) > LARGEST_RULE:
            raise InputError(
                f"data: {len(self.columns)} continuous columns need a quadrature rule of more than {LARGEST_RULE} nodes; "
                "use fewer columns, a smoother loss, or sample rows into an empirical law"
            )
        rules = [DISTRIBUTIONS[c.distribution].gauss(size, *c.floats) for c in self.columns]
        nodes = np.meshgrid(*(rule[0] for rule in rules), indexing="ij")
        weights = np.meshgrid(*(rule[1] for rule in rules), indexing="ij")
        probabilities = np.prod([w.ravel() for w in weights], axis=0)
        rows = np.stack([node.ravel() for node in nodes], axis=-1)
        kept = probabilities > np.finfo(float).tiny
        return rows[kept], probabilities[kept] / probabilities[kept].sum()


def parse_distribution(text: str, place: str) -> Column:
    """Return the column that ``text`` such as ``"Normal(0, 1)"`` describes; the text is never evaluated.

    Raises
    ------
    InputError
        If the text is no allowed distribution with numbers for parameters.
    """
    usage = "allowed are " + ", ".join(f"{name}({', '.join(d.parameters)})" for name, d in DISTRIBUTIONS.items())
    name, bracket, rest = text.strip().partition("(")
    name = name.strip()
    if not bracket or not rest.rstrip().endswith(")") or name not in DISTRIBUTIONS or len(text) > 200:
        raise InputError(f"{place}: {text[:60]!r} is no distribution; {usage}")
    distribution = DISTRIBUTIONS[name]
    entries = rest.rstrip()[:-1].split(",")
    if len(entries) != len(distribution.parameters):
        raise InputError(f"{place}: {name} takes {len(distribution.parameters)} numbers, not {len(entries)}; {usage}")
    parameters = tuple(exact_rational(entry, f"{place}: {name}") for entry in entries)
    if not distribution.is_allowed(*parameters):
        raise InputError(f"{place}: {text[:60]!r} is not allowed; {name} needs {distribution.allowed}")
    return Column(name, parameters)
