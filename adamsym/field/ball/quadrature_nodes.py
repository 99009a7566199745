"""The nodes of the enclosures' quadrature in log s, with their weights; and the recursion over the lags (theory T4).

The nodes are s = e^(j h). They are points of a lattice of which every lag -log(beta) is a multiple: where the lag
exceeds h it is several nodes long, otherwise there are several lattice points to a node.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import flint

from adamsym.field.ball.arithmetic import ball, kernel
from adamsym.field.ball.lag_series import LagSeries
from adamsym.field.ball.law import BallLaw
from adamsym.methods import Adam

LARGEST_STEPS = (0.4, 0.3, 0.2)
"""The rule's steps h, of which the first that is fine enough is taken: with the last the error is below 1e-19 of the
step bound."""

CHUNK = 16
"""Nodes that are evaluated together."""


@dataclass(frozen=True)
class Lattice:
    """Points s = e^(j spacing): ``stride`` of them to the lag -log(beta), every ``per_node``-th a node."""

    beta: Fraction
    largest_step: float
    spacing: flint.arb = field(compare=False)
    stride: int = field(compare=False)
    per_node: int = field(compare=False)

    @property
    def step(self) -> flint.arb:
        """The rule's step h."""
        return self.spacing * self.per_node

    def node(self, number: int) -> flint.arb:
        """Return s at a node."""
        return (self.step * number).exp()


@dataclass(frozen=True)
class Nodes:
    """A chunk of nodes: s, t = (1-beta) s and the weights h s rho(s)."""

    s: tuple[flint.arb, ...]
    t: tuple[flint.arb, ...]
    weights: tuple[flint.arb, ...]


@lru_cache(maxsize=64)
def lattice(beta: Fraction, largest_step: float) -> Lattice:
    """Return the lattice for one beta."""
    if beta == 0:
        return Lattice(beta, largest_step, flint.arb(largest_step), 0, 1)
    lag = -ball(beta).log()
    stride = max(1, math.ceil(float(lag) / largest_step))
    per_node = max(1, int(largest_step / float(lag))) if stride == 1 else 1
    return Lattice(beta, largest_step, lag / stride, stride, per_node)


@lru_cache(maxsize=4096)
def nodes(points: Lattice, epsilon: Fraction, chunk: int) -> Nodes:
    """Return the nodes number ``chunk`` CHUNK ... (``chunk`` + 1) CHUNK - 1."""
    s, eps = [points.node(j) for j in _numbers(chunk)], ball(epsilon)
    weights = tuple(points.step * kernel(x, eps) for x in s)
    return Nodes(tuple(s), tuple((1 - ball(points.beta)) * x for x in s), weights)


@lru_cache(maxsize=8192)
def powers(points: Lattice, chunk: int, terms: int) -> flint.arb_mat:
    """Return t^0 ... t^(terms - 1) of the nodes of a chunk, a row for each."""
    return flint.arb_mat([_powers_at(points, node, terms) for node in _numbers(chunk)])


@lru_cache(maxsize=4096)
def _powers_at(points: Lattice, node: int, terms: int) -> list[flint.arb]:
    t = (1 - ball(points.beta)) * points.node(node)
    return [t**j for j in range(terms)]


def _numbers(chunk: int) -> range:
    return range(chunk * CHUNK, (chunk + 1) * CHUNK)


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

    def __init__(self, law: BallLaw, adam: Adam, series: LagSeries, points: Lattice, node: int) -> None:
        self.law, self.lattice = law, points
        self.alpha, self.one_less_beta = ball(adam.alpha), 1 - ball(adam.beta)
        self.s, self.growth = points.node(node), points.spacing.exp()
        # Where a lag holds several points, the points are the nodes.
        back = range(node - points.stride + 1, node + 1)
        self.before = deque(self._from_series(series, back), maxlen=max(1, points.stride))

    def _from_series(self, series: LagSeries, back: range) -> list[Products]:
        if not back:
            return []
        places = [self.lattice.node(node) for node in back]
        powers_of_t = flint.arb_mat([_powers_at(self.lattice, node, series.terms) for node in back])
        found = []
        for s, row in zip(places, series.values(powers_of_t, self.one_less_beta * places[-1]), strict=True):
            log_product, ratio, *slopes = row
            product = (log_product - s * (series.center - self.law.min_square)).exp()
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
