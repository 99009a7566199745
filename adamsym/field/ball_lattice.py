"""The nodes of the enclosures' quadrature in log s, with their weights; and the recursion over the lags (theory T4).

The nodes are s = e^(j h). They are points of a lattice of which every lag -log(beta) is a multiple: where the lag
exceeds h it is several nodes long, otherwise there are several lattice points to a node.
"""

import math
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import flint

from adamsym.field.ball_law import BallLaw
from adamsym.field.ball_series import LagSeries
from adamsym.field.balls import ball, kernel
from adamsym.optimizer import Adam

LARGEST_STEP = 0.2
"""The rule's step h: its error is then below 1e-19 of the step bound."""

CHUNK = 16
"""Nodes that are evaluated together."""


@dataclass(frozen=True)
class Lattice:
    """Points s = e^(j spacing): ``stride`` of them to the lag -log(beta), every ``per_node``-th a node."""

    spacing: flint.arb
    stride: int
    per_node: int

    @property
    def step(self) -> flint.arb:
        """The rule's step h."""
        return self.spacing * self.per_node


@dataclass(frozen=True)
class Nodes:
    """A chunk of nodes: s, t = (1-beta) s and the weights h s rho(s)."""

    s: tuple[flint.arb, ...]
    t: tuple[flint.arb, ...]
    weights: tuple[flint.arb, ...]


@lru_cache(maxsize=64)
def lattice(beta: Fraction) -> Lattice:
    """Return the lattice for one beta."""
    if beta == 0:
        return Lattice(flint.arb(LARGEST_STEP), 0, 1)
    lag = -ball(beta).log()
    stride = max(1, math.ceil(float(lag) / LARGEST_STEP))
    return Lattice(lag / stride, stride, max(1, int(LARGEST_STEP / float(lag))) if stride == 1 else 1)


@lru_cache(maxsize=4096)
def nodes(beta: Fraction, epsilon: Fraction, chunk: int) -> Nodes:
    """Return the nodes number ``chunk`` CHUNK ... (``chunk`` + 1) CHUNK - 1."""
    step, eps = lattice(beta).step, ball(epsilon)
    s = [(step * j).exp() for j in range(chunk * CHUNK, (chunk + 1) * CHUNK)]
    return Nodes(tuple(s), tuple((1 - ball(beta)) * x for x in s), tuple(step * kernel(x, eps) for x in s))


@lru_cache(maxsize=8192)
def powers(beta: Fraction, chunk: int, terms: int) -> flint.arb_mat:
    """Return t^0 ... t^(terms - 1) of the nodes of a chunk, a row for each."""
    return flint.arb_mat([_powers_at(beta, node, terms) for node in range(chunk * CHUNK, (chunk + 1) * CHUNK)])


@lru_cache(maxsize=4096)
def _powers_at(beta: Fraction, node: int, terms: int) -> list[flint.arb]:
    t = (1 - ball(beta)) * (lattice(beta).step * node).exp()
    return [t**j for j in range(terms)]


@dataclass(frozen=True)
class Products:
    """P and N over all lags, without the factor exp(-s least), with their derivatives in each parameter."""

    product: flint.arb
    numerator: flint.arb
    slopes: tuple[tuple[flint.arb, flint.arb], ...]


class LagRecursion:
    """P(s) = B(t) P(beta s) and N(s) = A(t) P(beta s) + alpha B(t) N(beta s), node after node, from a node on.

    Products and sums alone: nothing divides by a ball that may hold zero.
    """

    def __init__(self, law: BallLaw, adam: Adam, series: LagSeries, node: int) -> None:
        self.law, self.lattice = law, lattice(adam.beta)
        self.alpha, self.one_less_beta = ball(adam.alpha), 1 - ball(adam.beta)
        self.s, self.growth = (self.lattice.step * node).exp(), self.lattice.spacing.exp()
        back = range(node - self.lattice.stride + 1, node + 1)
        self.before = deque(self._from_series(series, adam.beta, back), maxlen=max(1, self.lattice.stride))

    def _from_series(self, series: LagSeries, beta: Fraction, back: range) -> list[Products]:
        """The products at nodes where the series hold: one lag back, since there the lattice's points are the nodes."""
        if not back:
            return []
        places = [(self.lattice.step * node).exp() for node in back]
        rows = flint.arb_mat([_powers_at(beta, node, series.terms) for node in back])
        found = []
        for s, row in zip(places, series.values(rows, self.one_less_beta * places[-1]), strict=True):
            log_product, ratio, *slopes = row
            product = (log_product - s * (series.center - self.law.least_square)).exp()
            pairs = zip(slopes[::2], slopes[1::2], strict=True)
            derivatives = tuple((product * x, product * (x * ratio + y)) for x, y in pairs)
            found.append(Products(product, product * ratio, derivatives))
        return found

    def next_node(self) -> Products:
        """Return the products at the next node."""
        found = None
        for _ in range(self.lattice.per_node):
            self.s *= self.growth
            found = self._step()
        assert found is not None
        return found

    def _step(self) -> Products:
        a, b, derivatives = self.law.transforms(self.one_less_beta * self.s)
        if self.lattice.stride == 0:
            return Products(b, a, tuple((b_slope, a_slope) for a_slope, b_slope in derivatives))
        alpha, old = self.alpha, self.before[0]
        slopes = tuple(
            (
                b_slope * old.product + b * product_slope,
                a_slope * old.product + a * product_slope + alpha * (b_slope * old.numerator + b * numerator_slope),
            )
            for (a_slope, b_slope), (product_slope, numerator_slope) in zip(derivatives, old.slopes, strict=True)
        )
        found = Products(b * old.product, a * old.product + alpha * b * old.numerator, slopes)
        self.before.append(found)
        return found
