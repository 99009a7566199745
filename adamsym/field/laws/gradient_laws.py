"""Laws of one coordinate of the stochastic gradient, each by its two transforms and a sampler.

The field needs of a law only A(t) = E[g exp(-t g^2)] and B(t) = E[exp(-t g^2)] (theory T4), here as log B, to relative
accuracy, and the ratio A/B: both stay in range where A and B underflow. A new law is one class with these methods.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.error_functions import erf, erfc, erfcx
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    import sympy as sp

_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(24)


class GradientLaw(Protocol):
    """What the field needs of the law of a gradient coordinate g."""

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g, E g^2, E g^3, E g^4."""
        ...

    @property
    def magnitude_bound(self) -> float:
        """The largest |g|, or where the law is unbounded a size that |g| rarely exceeds."""
        ...

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t) for t > 0 of shape (n,), each to about 1e-15 relative accuracy."""
        ...

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw independent values of g."""
        ...


@dataclass(frozen=True)
class Normal:
    """g ~ Normal(mean, deviation^2): with q = 1 + 2 t deviation^2, B = q^(-1/2) exp(-t mean^2/q), A = (mean/q) B."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        _require("Normal", self.deviation > 0, "deviation > 0", self.mean, self.deviation)

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g^k, k = 1 ... 4."""
        m, v = self.mean, self.deviation**2
        return m, m**2 + v, m**3 + 3 * m * v, m**4 + 6 * m**2 * v + 3 * v**2

    @property
    def magnitude_bound(self) -> float:
        """Ten deviations from the mean; less than 1e-20 of E g^2 lies beyond."""
        return abs(self.mean) + 10 * self.deviation

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t)."""
        twice = 2 * t * self.deviation**2
        return -0.5 * np.log1p(twice) - t * self.mean**2 / (1 + twice), self.mean / (1 + twice)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values."""
        return generator.normal(self.mean, self.deviation, shape)


@dataclass(frozen=True)
class Uniform:
    """g ~ Uniform(low, high): differences of error functions; by Gauss's rule where these would cancel."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _require("Uniform", self.low < self.high, "low < high", self.low, self.high)

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g^k, k = 1 ... 4."""
        a, b = self.low, self.high
        first, second, third, fourth = (sum(a**j * b ** (k - j) for j in range(k + 1)) / (k + 1) for k in range(1, 5))
        return first, second, third, fourth

    @property
    def magnitude_bound(self) -> float:
        """The largest |g|."""
        return max(abs(self.low), abs(self.high))

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t)."""
        if self.low + self.high < 0:
            log_b, ratio = Uniform(-self.high, -self.low).transforms(t)
            return log_b, -ratio
        least = max(self.low, 0.0)
        small = t * (self.magnitude_bound**2 - least**2) < 1
        log_b, ratio = np.empty_like(t), np.empty_like(t)
        log_b[small], ratio[small] = self._by_rule(t[small])
        log_b[~small], ratio[~small] = self._by_error_functions(t[~small], least)
        return log_b, ratio

    def _by_rule(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        g = 0.5 * (self.low + self.high) + 0.5 * (self.high - self.low) * _LEGENDRE
        return _sums(t, g, _LEGENDRE_WEIGHTS / 2)

    def _by_error_functions(self, t: FloatArray, least: float) -> tuple[FloatArray, FloatArray]:
        width, root = self.high - self.low, np.sqrt(t)
        if self.low > 0:
            # The factor exp(-t low^2) is taken out.
            fall = np.exp(-t * (self.high - self.low) * (self.high + self.low))
            spread = erfcx(root * self.low) - fall * erfcx(root * self.high)
            difference = np.asarray(1 - fall)
        else:
            spread = erf(root * self.high) - erf(root * self.low)
            # exp(-t low^2) - exp(-t high^2), low^2 <= high^2.
            gap = (self.high - self.low) * (self.high + self.low)
            difference = np.exp(-t * self.low**2) * -np.expm1(-t * gap)
        b = math.sqrt(math.pi) / (2 * root * width) * spread
        return np.log(b) - t * least**2, difference / (2 * t * width) / b

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values."""
        return generator.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Exponential:
    """g = start + scale X, X exponential with mean 1, scale of any sign but 0.

    With c = 1/(2 scale sqrt t) and R = sqrt(pi) c erfcx(start sqrt t + c): B = exp(-t start^2) R and
    A/B = (1/R - 1)/(2 t scale); by a double-exponential rule for small t, where 1/R - 1 would cancel.
    """

    start: float
    scale: float

    def __post_init__(self) -> None:
        _require("Exponential", self.scale != 0, "scale other than 0", self.start, self.scale)

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g^k, k = 1 ... 4."""
        first, second, third, fourth = (
            sum(math.comb(k, j) * self.start ** (k - j) * self.scale**j * math.factorial(j) for j in range(k + 1))
            for k in range(1, 5)
        )
        return first, second, third, fourth

    @property
    def magnitude_bound(self) -> float:
        """Forty times the mean of X; less than 1e-14 of E g^2 lies beyond."""
        return abs(self.start) + 40 * abs(self.scale)

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t)."""
        if self.scale < 0:
            log_b, ratio = Exponential(-self.start, -self.scale).transforms(t)
            return log_b, -ratio
        log_b, ratio = np.empty_like(t), np.empty_like(t)
        small = t * self.scale**2 < 0.02
        x, weights = _EXPONENTIAL_RULE
        log_b[small], ratio[small] = _sums(t[small], self.start + self.scale * x, weights)
        log_b[~small], ratio[~small] = self._by_error_function(t[~small])
        return log_b, ratio

    def _by_error_function(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        c = 1 / (2 * self.scale * np.sqrt(t))
        z = self.start * np.sqrt(t) + c
        # erfcx(z) = exp(z^2) erfc(z) overflows left of 0; there z^2 - t start^2 = start/scale + c^2 is small.
        right = np.log(erfcx(np.maximum(z, 0.0)))
        left = np.log(erfc(np.minimum(z, 0.0))) + self.start / self.scale + c**2
        factor, shift = np.log(math.sqrt(math.pi) * c), t * self.start**2
        log_b = factor + np.where(z > 0, right - shift, left)
        log_r = factor + np.where(z > 0, right, left + shift)
        return log_b, np.expm1(-log_r) / (2 * t * self.scale)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values."""
        return self.start + self.scale * generator.exponential(1.0, shape)


@dataclass(frozen=True)
class Atoms:
    """Finitely many values with probabilities; ``Atoms.bernoulli(p)`` is 1 with probability p, else 0."""

    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        p = self.probabilities
        fits = len(p) == len(self.values) > 0 and all(x > 0 for x in p) and abs(math.fsum(p) - 1) < 1e-9
        _require("Atoms", fits, "one positive probability for each value, summing to 1", *self.values, *p)

    @classmethod
    def bernoulli(cls, p: float) -> "Atoms":
        """Return the law of 1 with probability p and 0 otherwise, 0 < p < 1."""
        return cls((0.0, 1.0), (1.0 - p, p))

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g^k, k = 1 ... 4."""
        first, second, third, fourth = (
            math.fsum(p * g**k for g, p in zip(self.values, self.probabilities, strict=True)) for k in range(1, 5)
        )
        return first, second, third, fourth

    @property
    def magnitude_bound(self) -> float:
        """The largest |g|."""
        return max(abs(g) for g in self.values)

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t)."""
        return _sums(t, np.array(self.values), np.array(self.probabilities))

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values."""
        return np.asarray(generator.choice(np.array(self.values), shape, p=np.array(self.probabilities)))


@dataclass(frozen=True)
class Mixture:
    """A law drawn from ``components`` with probabilities ``weights``."""

    components: tuple[GradientLaw, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        w = self.weights
        fits = len(w) == len(self.components) > 0 and all(x > 0 for x in w) and abs(math.fsum(w) - 1) < 1e-9
        _require("Mixture", fits, "one positive weight for each component, summing to 1", *w)

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g^k, k = 1 ... 4."""
        first, second, third, fourth = np.array(self.weights) @ np.array([law.moments for law in self.components])
        return float(first), float(second), float(third), float(fourth)

    @property
    def magnitude_bound(self) -> float:
        """The largest of the components'."""
        return max(law.magnitude_bound for law in self.components)

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t)."""
        pairs = [law.transforms(t) for law in self.components]
        logs, ratios = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
        weights = np.array(self.weights)[:, None]
        most = logs.max(axis=0)
        # log B = most + log sum w exp(log B_i - most), without cancellation where all B_i are close to 1.
        excess = np.log1p((weights * np.expm1(logs - most)).sum(axis=0))
        shares = weights * np.exp(logs - most - excess)
        return most + excess, (shares * ratios).sum(axis=0)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values."""
        chosen = generator.choice(len(self.weights), shape, p=np.array(self.weights))
        drawn = [law.sample(generator, shape) for law in self.components]
        return (
            np.asarray(np.choose(chosen, drawn))
            if len(drawn) <= 32
            else np.take_along_axis(np.stack(drawn), chosen[None], axis=0)[0]
        )


@dataclass(frozen=True)
class Density:
    """A law with a density, given as a SymPy expression in one real symbol, on an interval.

    Panels of Gauss's rule shrink geometrically towards 0 and towards the ends, so that exp(-t g^2) is resolved for
    every t, and integrable singularities of the density at 0 and at the ends are. Ends may be infinite.
    """

    density: "sp.Expr"
    symbol: "sp.Symbol"
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        _require(
            "Density", self.low < self.high, "low < high", *(x for x in (self.low, self.high) if not math.isinf(x))
        )
        if self.density.free_symbols - {self.symbol}:
            raise InputError(f"Density: the expression must depend on {self.symbol} alone")
        total = float(self.rule[1].sum())
        if not abs(self._mass - 1) < 1e-9:
            raise InputError(
                f"Density: its integral is {self._mass:.12g}, not 1; norm it, or give the interval where it matters"
            )
        assert abs(total - 1) < 1e-12

    @cached_property
    def _nodes(self) -> tuple[FloatArray, FloatArray]:
        import sympy as sp

        compute: Callable[[FloatArray], Any] = sp.lambdify([self.symbol], self.density, "scipy")
        g, lengths = _graded_rule(self.low, self.high)
        values = np.broadcast_to(np.asarray(compute(g), dtype=np.float64), g.shape)
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise InputError("Density: it must be finite and non-negative inside its interval")
        weights = values * lengths
        kept = weights > 1e-300
        return g[kept], weights[kept]

    @property
    def _mass(self) -> float:
        return math.fsum(self._nodes[1])

    @cached_property
    def rule(self) -> tuple[FloatArray, FloatArray]:
        """The nodes g and their weights, which sum to 1."""
        g, weights = self._nodes
        return g, weights / math.fsum(weights)

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """E g^k, k = 1 ... 4."""
        g, weights = self.rule
        first, second, third, fourth = (math.fsum(weights * g**k) for k in range(1, 5))
        return first, second, third, fourth

    @property
    def magnitude_bound(self) -> float:
        """The |g| beyond which less than 1e-17 of E g^2 lies."""
        g, weights = self.rule
        order = np.argsort(-np.abs(g))
        beyond = np.cumsum((weights * g**2)[order])
        return float(np.abs(g[order][np.searchsorted(beyond, 1e-17 * beyond[-1])]))

    def transforms(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log B(t) and A(t)/B(t)."""
        g, weights = self.rule
        return _sums(t, g, weights)

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Draw values, from the nodes of the rule."""
        g, weights = self.rule
        return np.asarray(generator.choice(g, shape, p=weights))


def _require(name: str, holds: bool, allowed: str, *numbers: float) -> None:
    if not all(math.isfinite(x) for x in numbers):
        raise InputError(f"{name}: nan or infinity is not allowed; allowed are finite numbers")
    if not holds:
        raise InputError(f"{name}: {', '.join(map(str, numbers[:6]))} is not allowed; allowed is {allowed}")


def _sums(t: FloatArray, g: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log B and A/B of finitely many atoms; exp(-t least^2), the largest of the factors, is taken out."""
    present = weights > 0
    g, weights = g[present], weights[present]
    least = float(np.abs(g).min())
    excess = (np.abs(g) - least) * (np.abs(g) + least)
    log_b, ratio = np.empty_like(t), np.empty_like(t)
    for k, time in enumerate(t):
        less_one = np.expm1(-time * excess)
        factor = np.where(time * excess < 0.5, 1 + less_one, np.exp(-time * excess))
        b_less_one = less_one @ weights
        b = factor @ weights
        log_b[k] = (np.log1p(b_less_one) if b_less_one > -0.5 else np.log(b)) - time * least**2
        ratio[k] = (factor * g) @ weights / b
    return log_b, ratio


def _exponential_rule() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for X exponential with mean 1: x = exp(u - exp(-u)), the trapezoidal rule in u."""
    u = np.linspace(-4.5, 4.5, 181)
    x = np.exp(u - np.exp(-u))
    weights = np.exp(-x) * x * (1 + np.exp(-u))
    return x, weights / math.fsum(weights)


_EXPONENTIAL_RULE = _exponential_rule()


def _graded_rule(low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss's rule on panels that shrink by half towards 0 and towards finite ends."""
    sizes = 2.0 ** np.arange(-60, 61)
    marks = {0.0, *sizes, *-sizes}
    for end in (low, high):
        if math.isfinite(end):
            marks |= {end, *(end + sizes), *(end - sizes)}
    inside: Sequence[float] = sorted(x for x in marks if max(low, -(2.0**60)) <= x <= min(high, 2.0**60))
    edges = np.array(inside)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    g = middle[:, None] + half[:, None] * _LEGENDRE
    return g.ravel(), (half[:, None] * _LEGENDRE_WEIGHTS).ravel()
