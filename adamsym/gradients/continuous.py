"""Continuous laws: independent columns, each a SymPy random variable given by name and numbers."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import scipy.special
import sympy as sp

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational
from adamsym.gradients.laws import MOST_COLUMNS, Empirical, Law

COARSEST_RULE = 32
"""Nodes per column at level 0; each level doubles them."""

LARGEST_RULE = 2**14
"""Nodes that a product rule may have in all."""

_DOUBLE_EXPONENTIAL_END = 3.3
"""There the probability beyond the last node is exp(-pi sinh 3.3) = 2e-19."""


@dataclass(frozen=True)
class Distribution:
    """One distribution: its parameters, their condition, a sampler and the quantile function.

    ``quantile(p, q, *parameters)`` gets p and q = 1 - p as arrays, so that both tails keep their relative accuracy.
    """

    parameters: tuple[str, ...]
    allowed: str
    is_allowed: Callable[..., bool]
    sampler: Callable[..., FloatArray]
    quantile: Callable[..., FloatArray]


def _by_tail(lower: Callable[..., Any], upper: Callable[..., Any]) -> Callable[..., FloatArray]:
    """Take the quantile from the smaller of the two tail probabilities."""

    def quantile(p: FloatArray, q: FloatArray, *parameters: float) -> FloatArray:
        low, high = lower(np.minimum(p, 0.5), *parameters), upper(np.minimum(q, 0.5), *parameters)
        return np.asarray(np.where(p < q, low, high))

    return quantile


DISTRIBUTIONS: dict[str, Distribution] = {
    "Normal": Distribution(
        ("mean", "deviation"),
        "deviation > 0",
        lambda m, s: s > 0,
        lambda g, shape, m, s: g.normal(m, s, shape),
        _by_tail(lambda p, m, s: m + s * scipy.special.ndtri(p), lambda q, m, s: m - s * scipy.special.ndtri(q)),
    ),
    "Uniform": Distribution(
        ("low", "high"),
        "low < high",
        lambda a, b: a < b,
        lambda g, shape, a, b: g.uniform(a, b, shape),
        _by_tail(lambda p, a, b: a + (b - a) * p, lambda q, a, b: b - (b - a) * q),
    ),
    "Exponential": Distribution(
        ("rate",),
        "rate > 0",
        lambda r: r > 0,
        lambda g, shape, r: g.exponential(1 / r, shape),
        _by_tail(lambda p, r: -np.log1p(-p) / r, lambda q, r: -np.log(q) / r),
    ),
    "Gamma": Distribution(
        ("shape", "scale"),
        "shape > 0 and scale > 0",
        lambda k, s: k > 0 and s > 0,
        lambda g, shape, k, s: g.gamma(k, s, shape),
        _by_tail(
            lambda p, k, s: s * scipy.special.gammaincinv(k, p), lambda q, k, s: s * scipy.special.gammainccinv(k, q)
        ),
    ),
    "Beta": Distribution(
        ("a", "b"),
        "a > 0 and b > 0",
        lambda a, b: a > 0 and b > 0,
        lambda g, shape, a, b: g.beta(a, b, shape),
        _by_tail(lambda p, a, b: scipy.special.betaincinv(a, b, p), lambda q, a, b: scipy.special.betainccinv(a, b, q)),
    ),
}
"""The distributions a column may have, by SymPy's names. A new one is one entry here."""

_FAR = 1e4

_ENDS: dict[str, Callable[..., tuple[float, float]]] = {
    "Normal": lambda m, s: (m - _FAR * s, m + _FAR * s),
    "Uniform": lambda a, b: (a, b),
    "Exponential": lambda r: (0.0, _FAR / r),
    "Gamma": lambda k, s: (0.0, _FAR * s * (1 + k)),
    "Beta": lambda a, b: (0.0, 1.0),
}
"""The ends of each distribution's support, or for infinite ones points far out, which still have neighbours in it."""

_MOST_ENDS = 1024


def double_exponential_rule(nodes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return probabilities p, 1 - p and weights of the trapezoidal rule in tau, p = 1/(1 + exp(-pi sinh tau)).

    The weights are normalised to sum 1. The rule converges exponentially for smooth integrands of the quantile,
    whatever its singularities at p = 0 and 1 (Takahasi and Mori 1974).
    """
    tau = np.linspace(-_DOUBLE_EXPONENTIAL_END, _DOUBLE_EXPONENTIAL_END, nodes)
    exponent = np.pi * np.sinh(tau)
    p, q = scipy.special.expit(exponent), scipy.special.expit(-exponent)
    weights = np.cosh(tau) * p * q
    return p, q, weights / weights.sum()


@dataclass(frozen=True)
class Column:
    """One continuous column: a distribution's name and its exact parameters."""

    distribution: str
    parameters: tuple[Fraction, ...]

    @property
    def floats(self) -> tuple[float, ...]:
        """The parameters as floats."""
        return tuple(float(parameter) for parameter in self.parameters)


@dataclass(frozen=True, init=False, eq=False, repr=False)
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
        if not isinstance(columns, Mapping) or not columns:
            raise InputError('data: no column; give at least one, such as x = "Normal(0, 1)"')
        if len(columns) > MOST_COLUMNS:
            raise InputError(f"data: {len(columns)} columns; at most {MOST_COLUMNS} are allowed")
        object.__setattr__(self, "names", tuple(columns))
        object.__setattr__(self, "columns", tuple(parse_distribution(text, f"data.{k}") for k, text in columns.items()))

    def __repr__(self) -> str:
        """Python that makes this law again."""
        texts = [f"{column.distribution}({', '.join(map(str, column.parameters))})" for column in self.columns]
        return f"Independent({dict(zip(self.names, texts, strict=True))!r})"

    @cached_property
    def symbolic(self) -> dict[str, Any]:
        """For each column name its SymPy random variable."""
        import sympy.stats

        return {
            name: getattr(sympy.stats, column.distribution)(name, *(sp.Rational(p) for p in column.parameters))
            for name, column in zip(self.names, self.columns, strict=True)
        }

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw rows: shape (*shape, columns)."""
        draws = [DISTRIBUTIONS[c.distribution].sampler(generator, shape, *c.floats) for c in self.columns]
        return np.stack(draws, axis=-1)

    @property
    def ends(self) -> FloatArray:
        """Rows (n, columns) of ends of the columns' supports: near each there are rows, with positive probability."""
        pairs = [_ENDS[column.distribution](*column.floats) for column in self.columns]
        return np.array(list(itertools.islice(itertools.product(*pairs), _MOST_ENDS)))

    @property
    def levels(self) -> int:
        """Number of product rules within the bound on nodes."""
        return 1 + max(0, int(math.log2(LARGEST_RULE) / len(self.columns) - math.log2(COARSEST_RULE)))

    def discretise(self, level: int) -> tuple[FloatArray, FloatArray]:
        """Return the product rule with 32 * 2**level nodes per column: rows (n, columns), probabilities (n,)."""
        size = COARSEST_RULE * 2**level
        if size ** len(self.columns) > LARGEST_RULE:
            raise InputError(
                f"data: {len(self.columns)} continuous columns need a rule of more than {LARGEST_RULE} nodes; "
                "use fewer columns, a smoother loss, or sample rows into an empirical law"
            )
        p, q, rule = double_exponential_rule(size)
        axes = [DISTRIBUTIONS[c.distribution].quantile(p, q, *c.floats) for c in self.columns]
        nodes = np.meshgrid(*axes, indexing="ij")
        weights = np.meshgrid(*[rule] * len(axes), indexing="ij")
        probabilities = np.prod([w.ravel() for w in weights], axis=0)
        rows = np.stack([node.ravel() for node in nodes], axis=-1)
        kept = probabilities > np.finfo(float).tiny
        return rows[kept], probabilities[kept] / probabilities[kept].sum()


def as_law(law: Any) -> Law:
    """Return a law, or that of columns of numbers or distributions by name.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if all(hasattr(law, name) for name in ("names", "sample", "levels", "discretise")):
        found: Law = law
        return found
    texts = isinstance(law, Mapping) and len(law) > 0 and all(isinstance(column, str) for column in law.values())
    return Independent(law) if texts else Empirical(law)


def parse_distribution(text: str, place: str) -> Column:
    """Return the column that ``text`` such as ``"Normal(0, 1)"`` describes; the text is never evaluated.

    Raises
    ------
    InputError
        If the text is no allowed distribution with numbers for parameters.
    """
    if not isinstance(text, str):
        raise InputError(f'{place}: {shown(text)} is no distribution; give text, such as "Normal(0, 1)"')
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
