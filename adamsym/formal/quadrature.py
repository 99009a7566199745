"""Signs by quadrature, on the premise of the quadrature lemma: numbers choose the nodes, and Coq computes again."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, expm1, log, pi, sqrt

import numpy as np

from adamsym.expressions.errors import NotApplicable
from adamsym.formal.rational import rational_number
from adamsym.formal.setting import Atoms, Setting
from adamsym.methods.adam import NAdam

_TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10, 1e-12)
"""Errors that are tried in turn; values of the field have no unit."""

_MOST_EXPONENTIALS = 100_000
"""Lags times atoms: some 35 seconds in Coq for one point."""

_MOST_TERMS = 60
_ROUNDING = 1e-13
"""What the floats here may be wrong by, as a share of the sum of all magnitudes."""


@dataclass(frozen=True)
class _Nodes:
    """The nodes start * exp(j h), j = -lower .. upper, h = spacing * log(1/beta2); terms of the series of rho."""

    start: Fraction
    spacing: int
    lower: int
    upper: int
    terms: int


def require_conditional(setting: Setting) -> None:
    """Raise NotApplicable unless the quadrature lemma, as the Coq library states it, is about the method."""
    if setting.inside_root or isinstance(setting.method, NAdam):
        raise NotApplicable(
            f"--conditional: {type(setting.method).__name__} is not covered; the quadrature lemma is stated for Adam, "
            "AdamW and RMSprop with eps outside the root"
        )
    if not setting.rational:
        raise NotApplicable("--conditional: the loss is no rational expression; leave out --conditional")
    if not setting.method.alpha**2 < setting.method.beta:
        raise NotApplicable("--conditional: the quadrature lemma needs beta1^2 < beta2")


def by_quadrature(setting: Setting, atoms: Atoms) -> tuple[str, ...] | None:
    """Return arguments with which the library's quadrature shows a negative field; None where none are found.

    The law must have no gradient 0.
    """
    if not all(g for _, g in atoms):
        return None
    squares = [g * g for _, g in atoms]
    for tolerance in _TOLERANCES:
        problem = _Problem(setting, atoms)
        nodes = problem.nodes(tolerance)
        if nodes is None:
            return None
        value, error = problem.sum(nodes)
        if value > error:
            numbers = map(rational_number, (min(squares), max(squares), nodes.start))
            counts = map(str, (nodes.spacing, nodes.lower, nodes.upper, nodes.terms))
            return (*numbers, *counts)
        if value < -error:
            return None
    return None


class _Problem:
    """The numbers of a law and a method, as floats; names as in the library's file Quadrature.v."""

    def __init__(self, setting: Setting, atoms: Atoms) -> None:
        method = setting.method
        self.alpha, self.beta, self.eps = float(method.alpha), float(method.beta), float(method.epsilon)
        self.p = np.array([float(p) for p, _ in atoms])
        self.g = np.array([float(g) for _, g in atoms])
        self.least, self.largest = float(min(self.g**2)), float(max(self.g**2))
        # The mean is exact: near a critical point its float would lose all figures.
        self.mean = float(sum(p * g for p, g in atoms))
        self.m2, self.m3 = (float((self.p * self.g**k).sum()) for k in (2, 3))
        a, b = self.alpha, self.beta
        self.slope = self.mean * self.m2 + (1 - a) * (1 - b) / (1 - a * b) * (self.m3 - self.mean * self.m2)
        self.constant = (1 - a) / sqrt((1 - b) * (1 - a * a / b))
        self.lag = -log(b)

    def nodes(self, tolerance: float) -> _Nodes | None:
        """Nodes with each of the errors about a fifth of the tolerance; None if there would be too many."""
        size, largest, least = sqrt(self.m2), self.largest, self.least
        spacing = int(3 * pi / log(1 + 10 * self.constant / (0.07 * tolerance)) / self.lag)
        if spacing < 1:
            return None
        h = spacing * self.lag
        start = Fraction(
            f"{min((tolerance * sqrt(pi) / (largest**2 * size)) ** 0.4, tolerance ** (1 / 3) / largest):.1e}"
        )
        first = pi * (tolerance / (10 * size)) ** 2
        last = max(log(5 * size / sqrt(least) / tolerance), 1.0) / least
        lower, upper = (max(ceil(log(ratio) / h), 1) for ratio in (float(start) / first, last / float(start)))
        y = self.eps**2 * float(start) * exp(upper * h)
        scale = size * sqrt(float(start) * exp(upper * h) / pi) * h / -expm1(-h / 2)
        for terms in range(_MOST_TERMS):
            remainder = _remainder(y, terms)
            if 4 * y < 2 * terms + 5 and remainder < 1 and remainder * scale < tolerance / 5:
                fits = spacing * upper * len(self.g) <= _MOST_EXPONENTIALS
                return _Nodes(start, spacing, lower, upper, terms) if fits else None
        return None

    def sum(self, nodes: _Nodes) -> tuple[float, float]:
        """The rule's sum, and its error with what intervals add to it."""
        h, s0 = nodes.spacing * self.lag, float(nodes.start)
        below = s0 * np.exp(-h * np.arange(nodes.lower, 0, -1))
        above = s0 * np.exp(h * np.arange(nodes.upper + 1))
        values = np.concatenate([self.mean - below * self.slope, self._recursion(nodes)])
        s = np.concatenate([below, above])
        products = h * np.sqrt(s / pi) * self._share(s, nodes.terms) * values
        magnitude = float(abs(products).sum())
        radius = s0**2 * self.largest**2 * sqrt(self.m2) / 2
        spread = radius * h * sqrt(s0 / pi) / (1 - self.alpha**nodes.spacing) + s0**3 * self.largest**3 / 6 * magnitude
        return float(products.sum()), self._errors(nodes, h) + 2 * spread + _ROUNDING * magnitude

    def _recursion(self, nodes: _Nodes) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """G at the nodes from the start on."""
        a, b, s = self.alpha, self.beta, float(nodes.start)
        squares, weighted = self.g**2, self.p * self.g
        second = self.m2**2 + (1 - b) / (1 + b) * (float((self.p * self.g**4).sum()) - self.m2**2)
        P, G = 1 - s * self.m2 + s * s * second / 2, self.mean - s * self.slope
        found = [G]
        for _ in range(nodes.upper):
            for _ in range(nodes.spacing):
                s /= b
                factor = np.exp(-(1 - b) * s * squares)
                A, B = float(weighted @ factor), float(self.p @ factor)
                P, G = B * P, (1 - a) * A * P + a * B * G
            found.append(G)
        return np.array(found)

    def _share(
        self, s: "np.ndarray[tuple[int], np.dtype[np.float64]]", terms: int
    ) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """rho(s) sqrt(pi s), by the series."""
        e = self.eps * np.sqrt(s)
        series = np.ones_like(e)
        for k in range(terms - 1, -1, -1):
            series = 1 + 2 * e**2 / (2 * k + 3) * series
        return np.asarray(1 - e * (sqrt(pi) * np.exp(e**2) - 2 * e * series))

    def _errors(self, nodes: _Nodes, h: float) -> float:
        s0, size = float(nodes.start), sqrt(self.m2)
        last = s0 * exp(nodes.upper * h)
        trapezoidal = 2 * self.constant / (0.07 * expm1(3 * pi / h))
        below = 2 * size * sqrt(s0 * exp(-nodes.lower * h) / pi)
        above = size * exp(-last * self.least) / (self.least * sqrt(pi * last))
        taylor = self.largest**2 * size * s0**2 * sqrt(s0 / pi) / 5
        series = _remainder(self.eps**2 * last, nodes.terms) * size * sqrt(last / pi) * h / -expm1(-h / 2)
        return trapezoidal + below + above + taylor + series


def _remainder(y: float, terms: int) -> float:
    product = 4 * y
    for k in range(terms + 1):
        product *= 2 * y / (2 * k + 3)
    return product
