"""P(s) and G(s) for laws of many atoms; the derivatives in the parameters by those in the atoms, at the end.

For numerators that are sums of geometric terms; a weight of the newest gradient alone is one of ratio 0. With R = A/B,
log P(s) = sum log B(t_k) and, for a term amount ratio^k, N(s)/P(s) = sum ratio^k R(t_k), t_k = (1-beta) beta^k s. From
one node to the next some lags are added, in pieces: about the middle t_c of a piece, with the weights
p exp(-t_c u)/B(t_c), B and A have the bounds on a circle that they have about 0 (see :mod:`adamsym.checker.products`),
and their series are summed up over the lags of the piece.

With v the derivatives of the sum over all nodes in the coefficients of log B, and y in those of R, the derivative in an
atom g is the sum of both times the coefficients of
    d log B/dg = -2 t g e/B,   dR/dg = e/B (1 - 2 t g^2 + 2 t g R),   e = p exp(-t g^2).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from adamsym.checker.arithmetic import BITS, Arithmetic, Interval
from adamsym.checker.batch_law import BatchLaw
from adamsym.checker.coordinate_law import CIRCLE, Law
from adamsym.checker.form import Form
from adamsym.checker.products import LARGEST_STEP, divided, logarithm, step_of, times
from adamsym.expressions.work import spend

MANY = 256
"""Atoms times parameters from which on this takes less work than products of lags."""

REACH = 0.4
"""|t - t_c| w in the series, at most."""

_LEAST_TERMS = 4

_WIDE = 0.2
"""Where g^2 is uncertain by more than this share of its mean, quotients lose too much: products of lags are sharper."""

Row = list[Interval]


@dataclass(frozen=True)
class _Piece:
    """Lags next to each other: powers sums of x_k = t_k/t_c - 1, plain and times ratio^k, for each term."""

    lags: int
    middle: Interval
    reach: Interval
    plain: Row
    weighted: list[Row]
    sizes: Row
    decays: Row


@lru_cache(maxsize=256)
def _piece(using: Arithmetic, beta: Fraction, ratios: tuple[Fraction, ...], lags: int, terms: int) -> _Piece:
    places = [using.power(using.exact(beta), k) for k in range(lags)]
    middle = (places[0] + places[-1]) / 2
    x = [place / middle - 1 for place in places]
    powers: list[Row] = [[using.number(1)] * lags]
    for _ in range(terms - 1):
        powers.append([a * b for a, b in zip(powers[-1], x, strict=True)])
    counts = [[using.power(using.exact(ratio), k) for k in range(lags)] for ratio in ratios]
    return _Piece(
        lags,
        middle,
        using.largest(map(using.magnitude, x)),
        [using.total(row) for row in powers],
        [[using.dot(count, row) for row in powers] for count in counts],
        [using.upper(using.total(count)) for count in counts],
        [using.power(using.exact(ratio), lags) for ratio in ratios],
    )


@dataclass(frozen=True)
class _Series:
    """What is known of the law about a point t_c: its atoms' weights there, and the series of log B, R and 1/B."""

    center: Interval
    terms: int
    weights: Row
    log: Row
    ratio: Row
    reciprocal: Row


@dataclass(frozen=True)
class _Step:
    """A piece of lags on the way to a node: its series, and the sums with the powers of t_c."""

    series: _Series
    piece: _Piece
    plain: Row
    weighted: list[Row]
    rest: Interval


@dataclass(frozen=True)
class _Node:
    """P and G at a node; the powers of t where the series about 0 gave them, else the pieces from the node before."""

    product: Interval
    value: Interval
    powers: Row | None
    steps: list[_Step]


class ManyAtoms:
    """P(s), G(s) node after node, and the derivatives of a weighted sum of the G in the end."""

    @staticmethod
    def suits(law: Law, form: Form, largest: Fraction = LARGEST_STEP) -> bool:
        """Return whether the law has many atoms, all well known, of different squares, and head one weight at most."""
        using, (lags, _) = form.using, step_of(form.using, form.beta, largest)
        if isinstance(law, BatchLaw) or len(form.head) > 1 or lags < 2:
            return False
        if len(law.atoms) * (1 + len(law.slopes)) < MANY:
            return False
        width = using.dot(law.probabilities, [using.number(using.width(q)) for q in law.squares])
        return bool(using.largest(law.squares) > using.least(law.squares) and width <= _WIDE * law.mean_square)

    def __init__(self, law: Law, form: Form, largest: Fraction = LARGEST_STEP) -> None:
        self.using = using = form.using
        self.law, self.exact_beta, self.beta = law, form.beta, using.exact(form.beta)
        # A weight of the newest gradient alone is a term of ratio 0.
        terms = (*form.terms, *((weight, Fraction(0)) for weight in form.head))
        self.amounts = [using.exact(amount) for amount, _ in terms]
        self.ratios = tuple(ratio for _, ratio in terms)
        self.lags_per_step, _ = step_of(using, form.beta, largest)
        self.least, self.center, self.width = law.least, law.center, law.width
        self.log_remainder = math.log(1e-19 if using.bits <= BITS else 1e-28)
        self.terms = self._terms_for(REACH)
        circle = using.exact(CIRCLE)
        self.growth = using.exponential(2 * circle) / using.cosine(circle)
        self.log_top = circle - using.logarithm(using.cosine(circle)) + using.pi / 2
        self.ratio_top = law.max_abs * self.growth
        self.powers = self._powers()
        self.origin = self._series(using.number(0), self.terms)
        self._sum_over_lags()
        self.nodes: list[_Node] = []
        self.log_product, self.parts = using.number(0), [using.number(0)] * len(self.ratios)

    def _terms_for(self, reach: float) -> int:
        ratio = max(reach / float(CIRCLE), 1e-30)
        return max(_LEAST_TERMS, math.ceil(self.log_remainder / math.log(ratio)))

    def _powers(self) -> list[Row]:
        """(-u)^j/j! for every order j, a row of all atoms."""
        spend(2 * self.terms * len(self.law.atoms))
        rows = [[self.using.number(1)] * len(self.law.atoms)]
        moves = [self.center - q for q in self.law.squares]
        for order in range(1, self.terms):
            rows.append([x * u / order for x, u in zip(rows[-1], moves, strict=True)])
        return rows

    def _series(self, center: Interval, terms: int) -> _Series:
        law, using = self.law, self.using
        # Sums of products take a fifth of what so many operations take one by one.
        spend(len(law.atoms) * (4 + terms // 2) + terms**2)
        raw = [
            p * using.exponential(-center * (q - self.least))
            for p, q in zip(law.probabilities, law.squares, strict=True)
        ]
        whole = using.total(raw)
        weights = [x / whole for x in raw]
        signed = [w * g for w, g in zip(weights, law.atoms, strict=True)]
        b = [using.number(1), *(using.dot(weights, row) for row in self.powers[1:terms])]
        a = [using.dot(signed, row) for row in self.powers[:terms]]
        log = logarithm(b)
        log[0] = using.logarithm(whole) - center * (self.least - self.center)
        one = [using.number(1), *[using.number(0)] * (terms - 1)]
        return _Series(center, terms, weights, log, divided(a, b), divided(one, b))

    def _sum_over_lags(self) -> None:
        """The factors of the series' coefficients about 0, summed over all lags; the last ones bound those left out."""
        using, ratios = self.using, [self.using.exact(ratio) for ratio in self.ratios]
        powers = [using.power(self.beta, j) for j in range(self.terms + 1)]
        self.log_sums = [using.number(0), *(1 / (1 - power) for power in powers[1:])]
        self.part_sums = [[1 / (1 - ratio * power) for power in powers] for ratio in ratios]

    def lags_at(self, s: Interval) -> int:
        """Return how many lags :meth:`at` adds at the next node."""
        reach = float(self.using.upper((1 - self.beta) * s * self.width))
        return 0 if reach <= REACH or not self.nodes else self.lags_per_step

    def at(self, s: Interval, lags: int) -> tuple[Interval, list[Interval]]:
        """Return P(s) and, in a list, G(s). Call with nodes in order, and with what ``lags_at`` says."""
        using, newest = self.using, (1 - self.beta) * s
        powers, steps = (None, self._steps(newest, lags)) if lags else (self._near(newest), [])
        for step in reversed(steps):
            self.log_product += using.dot(step.series.log, step.plain) + using.around_zero(
                self.log_top * step.rest * step.piece.lags
            )
            self.parts = [
                decay * x + using.dot(step.series.ratio, row) + using.around_zero(self.ratio_top * step.rest * size)
                for x, decay, row, size in zip(
                    self.parts, step.piece.decays, step.weighted, step.piece.sizes, strict=True
                )
            ]
        product = using.exponential(self.log_product - s * self.center)
        value = product * using.dot(self.amounts, self.parts)
        self.nodes.append(_Node(product, value, powers, steps))
        return product, [value]

    def _near(self, t: Interval) -> Row:
        """Set log P + s c and the parts by the series about 0; return the powers of t."""
        using, own = self.using, self.origin
        powers = [using.number(1)]
        for _ in range(self.terms - 1):
            powers.append(powers[-1] * t)
        rest = self._rest(t, self.terms)
        terms = [x * y for x, y in zip(own.log, self.log_sums, strict=False)]
        self.log_product = using.dot(terms, powers) + using.around_zero(self.log_top * rest * self.log_sums[-1])
        self.parts = [
            using.dot([x * y for x, y in zip(own.ratio, sums, strict=False)], powers)
            + using.around_zero(self.ratio_top * rest * sums[-1])
            for sums in self.part_sums
        ]
        return powers

    def _rest(self, reach: Interval, terms: int) -> Interval:
        """z^J/(1 - z): the terms from J on where |t - t_c| is at most ``reach``, of what is 1 on the circle."""
        z = self.using.magnitude(reach * self.width / self.using.exact(CIRCLE))
        return self.using.upper(self.using.power(z, terms) / (1 - z))

    def _steps(self, newest: Interval, lags: int) -> list[_Step]:
        """The pieces from the node at ``newest`` back to the one before, the newest lags first."""
        using, steps = self.using, []
        span = -0.5 * math.log(float(self.exact_beta)) * lags * float(using.upper(newest * self.width))
        each = max(1, int(lags / max(1.0, span / REACH)))
        for count in [each] * (lags // each) + [lags % each] * (lags % each > 0):
            piece = _piece(using, self.exact_beta, self.ratios, count, self.terms)
            center = newest * piece.middle
            reach = piece.reach * center
            terms = min(self.terms, self._terms_for(float(using.upper(reach * self.width))))
            powers = [using.number(1)]
            for _ in range(terms - 1):
                powers.append(powers[-1] * center)
            plain, *weighted = (
                [x * y for x, y in zip(row, powers, strict=False)] for row in (piece.plain, *piece.weighted)
            )
            series = self._series(center, terms)
            steps.append(_Step(series, piece, plain, weighted, self._rest(reach, terms)))
            newest = newest * using.power(self.beta, count)
        return steps

    def derivatives(self, weights: Sequence[Interval]) -> list[Interval]:
        """Return the derivatives of the sum of weight G over the nodes, in each parameter."""
        using, zero = self.using, self.using.number(0)
        if not self.law.slopes:
            return []
        found = [zero] * len(self.law.atoms)
        logs, parts = zero, [zero] * len(self.ratios)
        near: list[Row] = [[zero] * self.terms for _ in range(1 + len(parts))]
        sizes, rest = [zero] * len(near), zero
        for node, weight in zip(reversed(self.nodes), reversed(weights), strict=True):
            logs += weight * node.value
            parts = [x + weight * node.product * amount for x, amount in zip(parts, self.amounts, strict=True)]
            for step in node.steps:
                found = [x + y for x, y in zip(found, self._of_step(step, logs, parts), strict=True)]
                parts = [x * decay for x, decay in zip(parts, step.piece.decays, strict=True)]
            if node.powers is not None:
                for k, factor in enumerate((logs, *parts)):
                    near[k] = [x + factor * power for x, power in zip(near[k], node.powers, strict=True)]
                    sizes[k] = using.upper(sizes[k] + using.magnitude(factor))
                rest = using.largest([rest, self._rest(node.powers[1], self.terms)])
                logs, parts = zero, [zero] * len(self.ratios)
        sums = [self.log_sums, *self.part_sums]
        first, *others = [[x * y for x, y in zip(row, own, strict=False)] for row, own in zip(near, sums, strict=True)]
        bounds = [size * own[-1] for size, own in zip(sizes, sums, strict=True)]
        both = [using.total(column) for column in zip(*others, strict=True)]
        last = self._in_atoms(self.origin, first, both, bounds[0] * rest, using.total(bounds[1:]) * rest)
        found = [x + y for x, y in zip(found, last, strict=True)]
        return [using.dot(found, column) for column in self.law.slopes]

    def _of_step(self, step: _Step, logs: Interval, parts: Row) -> Row:
        using = self.using
        both = [using.dot(parts, column) for column in zip(*step.weighted, strict=True)]
        size = using.dot(map(using.magnitude, parts), step.piece.sizes)
        first = [logs * x for x in step.plain]
        return self._in_atoms(
            step.series, first, both, using.magnitude(logs) * step.piece.lags * step.rest, size * step.rest
        )

    def _in_atoms(self, own: _Series, v: Row, y: Row, more_v: Interval, more_y: Interval) -> Row:
        """What v and y give in each atom; the terms left out count ``more_v`` and ``more_y`` times their bounds."""
        using, law = self.using, self.law
        spend(len(law.atoms) * (6 + own.terms) + 2 * own.terms**2)
        by_t = [
            own.center * x + z for x, z in zip(own.reciprocal, [using.number(0), *own.reciprocal[:-1]], strict=True)
        ]
        plain = self._against(y, own.reciprocal)
        squared = [-2 * x for x in self._against(y, by_t)]
        pairs = zip(self._against(y, times(by_t, own.ratio)), self._against(v, by_t), strict=True)
        signed = [2 * (a - b) for a, b in pairs]
        double = 2 * (using.magnitude(own.center) + using.exact(CIRCLE) / self.width)
        errors = [
            using.around_zero(bound * self.growth)
            for bound in (more_y, double * (more_v + more_y * self.ratio_top), double * more_y)
        ]
        atoms = list(zip(*self.powers[: own.terms], strict=True))
        found = []
        for w, g, q, row in zip(own.weights, law.atoms, law.squares, atoms, strict=True):
            a, b, c = (using.dot(row, x) + error for x, error in zip((plain, signed, squared), errors, strict=True))
            found.append(w * (a + g * b + q * c))
        return found

    def _against(self, x: Row, series: Row) -> Row:
        """sum over m of x_m series_(m-i), for every i."""
        return [self.using.dot(x[i:], series) for i in range(len(x))]
