"""Continuous laws: independent columns, each a SymPy random variable given by name and numbers."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
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
    """One distribution: its parameters, their condition, and how SciPy's class of the same law takes them.

    Attributes
    ----------
    parameters, allowed
        Names, and what is allowed, for messages.
    is_allowed
        Whether parameters are.
    kind
        The name of a class in ``scipy.stats``.
    arguments
        What that class takes, given the parameters.
    moment
        E[x**n] of n and the exact parameters, exact.
    quantile
        Of p and q = 1 - p, arrays, and the parameters, where SciPy's own quantiles lose a tail; else None.
    """

    parameters: tuple[str, ...]
    allowed: str
    is_allowed: Callable[..., bool]
    kind: str
    arguments: Callable[..., dict[str, float]]
    moment: Callable[..., Fraction]
    quantile: Callable[..., FloatArray] | None = None


def _rising(x: Fraction, n: int) -> Fraction:
    """x (x + 1) ... (x + n - 1)."""
    return math.prod((x + i for i in range(n)), start=Fraction(1))


def _beta_quantile(p: FloatArray, q: FloatArray, a: float, b: float) -> FloatArray:
    # Problems of rows need none of SciPy, which takes long to import.
    import scipy.special

    lower = scipy.special.betaincinv(a, b, np.minimum(p, 0.5))
    return np.where(p < q, lower, scipy.special.betainccinv(a, b, np.minimum(q, 0.5)))


DISTRIBUTIONS: dict[str, Distribution] = {
    "Normal": Distribution(
        ("mean", "deviation"),
        "deviation > 0",
        lambda m, s: s > 0,
        "norm",
        lambda m, s: {"loc": m, "scale": s},
        # The binomial formula of (m + s z)**n; E z**k of a standard normal z is 1 * 3 * ... * (k - 1) for even k.
        lambda n, m, s: sum(
            math.comb(n, k) * m ** (n - k) * s**k * math.prod(range(1, k, 2)) for k in range(0, n + 1, 2)
        ),
    ),
    "Uniform": Distribution(
        ("low", "high"),
        "low < high",
        lambda a, b: a < b,
        "uniform",
        lambda a, b: {"loc": a, "scale": b - a},
        lambda n, a, b: (b ** (n + 1) - a ** (n + 1)) / ((n + 1) * (b - a)),
        # SciPy takes the upper tail from 1 - q, which is rounded.
        lambda p, q, a, b: np.where(p < q, a + (b - a) * p, b - (b - a) * q),
    ),
    "Exponential": Distribution(
        ("rate",),
        "rate > 0",
        lambda r: r > 0,
        "expon",
        lambda r: {"scale": 1 / r},
        lambda n, r: math.factorial(n) / r**n,
    ),
    "Gamma": Distribution(
        ("shape", "scale"),
        "shape > 0 and scale > 0",
        lambda k, s: k > 0 and s > 0,
        "gamma",
        lambda k, s: {"a": k, "scale": s},
        lambda n, k, s: s**n * _rising(k, n),
    ),
    "Beta": Distribution(
        ("a", "b"),
        "a > 0 and b > 0",
        lambda a, b: a > 0 and b > 0,
        "beta",
        lambda a, b: {"a": a, "b": b},
        lambda n, a, b: _rising(a, n) / _rising(a + b, n),
        # SciPy 1.17's beta.ppf gives 0.5 for a = 1/2, b = 3 and p = 6e-17; these functions are right.
        _beta_quantile,
    ),
}
"""The distributions a column may have, by SymPy's names. A new one is one entry here."""

_FAR = 1e4
"""Standard deviations from the mean, where a support has no end: far out, but with neighbours in the support."""

_MOST_ENDS = 1024


def double_exponential_rule(nodes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return probabilities p, 1 - p and weights of the trapezoidal rule in tau, p = 1/(1 + exp(-pi sinh tau)).

    The weights are normalised to sum 1. The rule converges exponentially for smooth integrands of the quantile,
    whatever its singularities at p = 0 and 1 (Takahasi and Mori 1974).
    """
    import scipy.special

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

    @cached_property
    def law(self) -> Any:
        """SciPy's distribution with these parameters."""
        import scipy.stats

        entry = DISTRIBUTIONS[self.distribution]
        return getattr(scipy.stats, entry.kind)(**entry.arguments(*self.floats))

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the support; for an infinite one a point far out, which still has neighbours in it."""
        low, high = self.law.support()
        far = _FAR * self.law.std()
        return max(low, self.law.mean() - far), min(high, self.law.mean() + far)

    def moment(self, n: int) -> Fraction:
        """Return E[x**n], exact."""
        return Fraction(DISTRIBUTIONS[self.distribution].moment(n, *self.parameters))

    def quantile(self, p: FloatArray, q: FloatArray) -> FloatArray:
        """Return the quantiles of p, where q = 1 - p, from the smaller tail: both keep their relative accuracy."""
        own = DISTRIBUTIONS[self.distribution].quantile
        if own is not None:
            return own(p, q, *self.floats)
        return np.asarray(np.where(p < q, self.law.ppf(np.minimum(p, 0.5)), self.law.isf(np.minimum(q, 0.5))))


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
        return f"Independent({self.texts!r})"

    @property
    def texts(self) -> dict[str, str]:
        """For each column name its distribution, with exact parameters: what makes this law again."""
        texts = [f"{column.distribution}({', '.join(map(str, column.parameters))})" for column in self.columns]
        return dict(zip(self.names, texts, strict=True))

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
        draws = [column.law.rvs(size=shape, random_state=generator) for column in self.columns]
        return np.stack(draws, axis=-1)

    @property
    def ends(self) -> FloatArray:
        """Rows (n, columns) of ends of the columns' supports: near each there are rows, with positive probability."""
        pairs = [column.ends for column in self.columns]
        return np.array(list(itertools.islice(itertools.product(*pairs), _MOST_ENDS)))

    @property
    def has_rule(self) -> bool:
        """Whether the coarsest product rule is within the bound on nodes."""
        return bool(COARSEST_RULE ** len(self.columns) <= LARGEST_RULE)

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
        axes = [column.quantile(p, q) for column in self.columns]
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
