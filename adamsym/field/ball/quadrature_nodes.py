"""The nodes of the enclosures' quadrature in log s, with their weights; and the recursion over the lags (theory T4).

The nodes are s = e^(j h). They are points of a lattice of which every lag -log(beta) is a multiple: where the lag
exceeds h it is several nodes long, otherwise there are several lattice points to a node.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, reduce

import flint

from adamsym.expressions.ranges import Range, ends_of
from adamsym.field.ball.arithmetic import ball
from adamsym.field.ball.form_bounds import Part
from adamsym.field.ball.lag_series import LagSums, power_of, unit_of
from adamsym.field.ball.law import EnclosedLaw
from adamsym.methods import Kernel, LaplaceForm

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
    """A chunk of nodes: s, the weights h s rho(s), and floats that are no less than each s."""

    s: tuple[flint.arb, ...]
    weights: tuple[flint.arb, ...]
    at_most: tuple[float, ...]

    def up_to(self, end: float) -> int:
        """Return the number of nodes that are certainly at most ``end``."""
        return bisect_right(self.at_most, end)


@lru_cache(maxsize=64)
def lattice(beta: Fraction, largest_step: float) -> Lattice:
    """Return the lattice for one beta."""
    if beta == 0 or isinstance(beta, Range):
        # Of a range no lag is a number of nodes: each node has lags of its own.
        return Lattice(beta, largest_step, flint.arb(largest_step), int(beta != 0), 1)
    lag = -ball(beta).log()
    stride = max(1, math.ceil(float(lag) / largest_step))
    per_node = max(1, int(largest_step / float(lag))) if stride == 1 else 1
    return Lattice(beta, largest_step, lag / stride, stride, per_node)


def nodes(points: Lattice, kernel: Kernel, chunk: int) -> Nodes:
    """Return the nodes number ``chunk`` CHUNK ... (``chunk`` + 1) CHUNK - 1."""
    # The nodes are the same for all ranges of beta.
    same = lattice(Fraction(0), points.largest_step) if isinstance(points.beta, Range) else points
    return _nodes(same, kernel, chunk)


@lru_cache(maxsize=4096)
def _nodes(points: Lattice, kernel: Kernel, chunk: int) -> Nodes:
    s = tuple(points.node(j) for j in _numbers(chunk))
    weights = tuple(points.step * kernel.ball_weight(x) for x in s)
    return Nodes(s, weights, tuple(math.nextafter(float(x.upper()), math.inf) for x in s))


@lru_cache(maxsize=8192)
def powers(points: Lattice, chunk: int, terms: int) -> flint.arb_mat:
    """Return (unit s)^0 ... (unit s)^(terms - 1) of the nodes of a chunk, a row for each; see ``unit_of``."""
    return flint.arb_mat([_powers_at(points, node, terms) for node in _numbers(chunk)])


@lru_cache(maxsize=4096)
def _powers_at(points: Lattice, node: int, terms: int) -> list[flint.arb]:
    return powers_of(unit_of(points.beta) * points.node(node), terms)


def powers_of(x: flint.arb, terms: int) -> list[flint.arb]:
    """Return x^0 ... x^(terms-1), each a product of two of about half its order, which errs no more than a power."""
    found = [flint.arb(1), x]
    for j in range(2, terms):
        found.append(found[j // 2] * found[j - j // 2])
    return found[:terms]


def _numbers(chunk: int) -> range:
    return range(chunk * CHUNK, (chunk + 1) * CHUNK)


Value = tuple[flint.arb, list[flint.arb]]
"""A function's value at a node, without the factor exp(-s least), and its derivatives in the parameters."""

Products = tuple[Value, list[Value]]
"""P over all lags, and the parts of the numerator, each with the amount 1."""


def lag_operations(law: EnclosedLaw, parts: int) -> int:
    """Return about how many operations one lag takes, of a numerator of so many parts."""
    slopes = len(law.mean_slopes)
    return law.lag_operations + (1 + parts) * (3 + 8 * slopes)


class LagWalk:
    """P(s) and the parts of the numerator at nodes of which each multiplies out its own first lags, up to the series.

    So beta may be a range: s beta^k need be no node.
    """

    def __init__(self, law: EnclosedLaw, form: LaplaceForm, series: LagSums) -> None:
        self.law, self.series, self.beta = law, series, form.beta
        self.weights = list[flint.arb]()

    def lags_at(self, s: flint.arb) -> int:
        """Return how many lags lie beyond the series at s: that of the largest beta."""
        beyond = float((s / flint.arb(self.series.end)).upper())
        return max(0, math.ceil(-math.log(beyond) / float(ball(ends_of(self.beta)[1]).log()))) + 1

    def at(self, s: flint.arb, lags: int) -> tuple[flint.arb, list[flint.arb]]:
        """Return P, and E[M exp(-s V)] with its derivatives, at s, without the factor exp(-s least)."""
        self.weights += [square_weight(self.beta, k) for k in range(len(self.weights), lags)]
        state = from_series(self.series, self.law, [s * power_of(self.beta, lags)], self.beta)[0]
        for weight in reversed(self.weights[:lags]):
            transforms = self.law.transforms(s * weight)
            state = one_lag_more(self.series.parts, transforms, state)
        return summed_parts(self.series.parts, state)


def square_weight(beta: Fraction, lag: int) -> flint.arb:
    """Return a ball around w_k = (1 - beta) beta^k for all beta in a range: it grows up to k/(k + 1), and falls."""
    ends, top = ends_of(beta), Fraction(lag, lag + 1)
    if ends[0] < top < ends[1]:
        ends.append(top)
    return reduce(flint.arb.union, [ball(1 - end) * ball(end) ** lag for end in ends])


def from_series(series: LagSums, law: EnclosedLaw, places: Sequence[flint.arb], beta: Fraction) -> list[Products]:
    """Return the products at places in order, by the series, each without the factor exp(-s least)."""
    unit, last = unit_of(beta), ball(1 - beta) * places[-1]
    powers_of_t = flint.arb_mat([powers_of(unit * s, series.terms) for s in places])
    rows, found = series.values(powers_of_t, last), []
    for s, row, own in zip(places, rows, series.values_of_parts(powers_of_t, last, rows), strict=True):
        product = (row[0] - s * (series.center - law.min_square)).exp()
        values = [_numerator(product, part) for part in own]
        found.append(((product, [product * x for x in row[2::2]]), values))
    return found


def summed_parts(parts: Sequence[Part], state: Products) -> tuple[flint.arb, list[flint.arb]]:
    """Return P, and E[M exp(-s V)] with its derivatives, from the parts of the numerator."""
    (product, _), values = state
    columns = [[part.amount * x for x in (value, *slopes)] for part, (value, slopes) in zip(parts, values, strict=True)]
    return product, columns[0] if len(columns) == 1 else [sum(row, flint.arb(0)) for row in zip(*columns, strict=True)]


def one_lag_more(
    parts: Sequence[Part],
    transforms: tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]],
    state: Products,
) -> Products:
    """Return the products at s, from those at beta s and A, B and their derivatives at t."""
    a, b, derivatives = transforms
    (product, slopes), values = state
    # The innermost loop: plain tuples and lists are the fastest, and nothing is called.
    newest = a * product, [da * product + a * x for (da, _), x in zip(derivatives, slopes, strict=True)]
    found, lag_before = [], newest
    for part, (value, own) in zip(parts, values, strict=True):
        ratio, pairs = part.ratio, zip(newest[1], derivatives, own, strict=True)
        if ratio is None:
            found.append(lag_before)
            lag_before = b * value, [db * value + b * x for _, (_, db), x in pairs]
        else:
            found.append(
                (newest[0] + ratio * (b * value), [n + ratio * (db * value + b * x) for n, (_, db), x in pairs])
            )
    whole = b * product, [db * product + b * x for (_, db), x in zip(derivatives, slopes, strict=True)]
    return whole, found


class LagRecursion:
    """P(s) = B(t) P(beta s), and the parts of the numerator alike, node after node, from a node on.

    See :mod:`adamsym.field.ball.form_bounds`. Products and sums alone: nothing divides by a ball that may hold zero.
    """

    def __init__(self, law: EnclosedLaw, form: LaplaceForm, series: LagSums, points: Lattice, node: int) -> None:
        self.law, self.lattice, self.parts = law, points, series.parts
        self.one_less_beta = 1 - ball(form.beta)
        self.s, self.growth = points.node(node), points.spacing.exp()
        # Where a lag holds several points, the points are the nodes.
        back = range(node - points.stride + 1, node + 1)
        places = [points.node(number) for number in back]
        first = from_series(series, law, places, form.beta) if places else []
        self.before = deque(first, maxlen=max(1, points.stride))

    def next_node(self) -> tuple[flint.arb, list[flint.arb]]:
        """Return P, and E[M exp(-s V)] with its derivatives, at the next node, without the factor exp(-s least)."""
        found = None
        for _ in range(self.lattice.per_node):
            self.s *= self.growth
            found = self._step()
        assert found is not None
        return summed_parts(self.parts, found)

    def _step(self) -> Products:
        a, b, derivatives = self.law.transforms(self.one_less_beta * self.s)
        if self.lattice.stride == 0:
            # Without memory, V is the newest square: A and B are all there is.
            newest = a, [slope for slope, _ in derivatives]
            none = flint.arb(0), [flint.arb(0)] * len(derivatives)
            return (b, [slope for _, slope in derivatives]), [none if part.lag else newest for part in self.parts]
        self.before.append(one_lag_more(self.parts, (a, b, derivatives), self.before[0]))
        return self.before[-1]


def _numerator(product: flint.arb, row: Sequence[flint.arb]) -> Value:
    _, ratio, *slopes = row
    pairs = zip(slopes[::2], slopes[1::2], strict=True)
    return product * ratio, [product * (x * ratio + y) for x, y in pairs]
