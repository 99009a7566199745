"""F and its derivatives in the parameters by those in the atoms: for laws of many atoms, known almost exactly.

The derivatives w_a of F in the atoms g_a give all of those in the parameters, sum_a w_a dg_a/dtheta_j: one product of
matrices in place of one quadrature for each parameter. With the notation of :mod:`adamsym.field.ball.lag_series`,
E[M exp(-s V)] = P(s) Q(s), log P = sum_k log B(t_k) and Q = sum_k c_k R(t_k), R = A/B; and

    d log B(t)/dg_a = -2 t g_a e_a/B,   dR(t)/dg_a = e_a/B (1 - 2 t g_a^2 + 2 t g_a R),   e_a = p_a exp(-t g_a^2).

Up to the end of the power series about t = 0 the sums over all lags are geometric. From there on, from node to node, a
node's newest lags are added: about a point t_c among them, the law with the weights e_a/B(t_c) has the same bounds as
the law itself has about 0, so that the same series and Cauchy's estimates hold. The derivatives are gathered backwards,
from the last node to the first: no cost but that of the last product grows with the number of parameters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import MOST_TERMS, ball, larger, symmetric
from adamsym.field.ball.form_bounds import parts_of
from adamsym.field.ball.lag_series import RANGE
from adamsym.field.ball.law import CIRCLE, BallLaw
from adamsym.field.ball.quadrature_nodes import Lattice
from adamsym.methods import LagWeights, LaplaceForm

_LEAST_TERMS, _MOST_SHARED = 3, 8
"""Terms at least; and nodes that share an expansion at most."""

LEAST_REMAINDER = 1e-24
MOST_UNCERTAIN = 0.25
"""Where t times the mean radius of g^2 is more, quotients of balls lose too much: products of lags are sharper."""


@dataclass(frozen=True)
class Remainders:
    """Bounds on the circle: of |exp(-t u)|/|B|, of log B less its value at the centre, and of R."""

    reciprocal: flint.arb
    log: flint.arb
    ratio: flint.arb


class Scale:
    """The law's squares about the middle c of their range: u = g^2 - c, |u| <= w."""

    def __init__(self, law: BallLaw, log_remainder: float) -> None:
        self.law, self.log_remainder = law, log_remainder
        self.center, self.width = law.center, law.width
        self.mean_radius = float(law.expect([flint.arb(q.rad()) for q in law.squares]))
        r = flint.arb(CIRCLE)
        reciprocal = (2 * r).exp() / r.cos()
        self.remainders = Remainders(reciprocal, r - r.cos().log() + flint.arb.pi() / 2, law.max_abs * reciprocal)
        self.terms = self.terms_for(RANGE)
        self.powers = self._powers()

    def terms_for(self, reach: float) -> int:
        """Return how many terms are enough where |t - t_c| w is at most ``reach``."""
        ratio = max(reach / CIRCLE, 1e-30)
        return max(_LEAST_TERMS, min(MOST_TERMS, math.ceil(self.log_remainder / math.log(ratio))))

    def _powers(self) -> flint.arb_mat:
        """The coefficients (-u)^j/j! of exp(-(t - t_c) u), a row for each atom: the same about every t_c."""
        spend(2 * self.terms * len(self.law.atoms))
        reciprocals, rows = [flint.arb(1) / j for j in range(1, self.terms)], []
        for q in self.law.squares:
            u, power = self.center - q, flint.arb(1)
            row = [power]
            for reciprocal in reciprocals:
                power = power * u * reciprocal
                row.append(power)
            rows.append(row)
        return flint.arb_mat(rows)


class Expansion:
    """Power series in t - t_c of log B, R and 1/B, B divided by its value at t_c; and their derivatives in the atoms.

    ``logs`` and ``ratios`` are coefficients; the constant of the first is the logarithm of E exp(-t_c u).
    """

    def __init__(self, scale: Scale, center: flint.arb, terms: int, reach: flint.arb) -> None:
        law = scale.law
        spend(terms * len(law.atoms) * 3 + 200)
        self.scale, self.center, self.terms, self.reach = scale, center, terms, reach
        weights = [
            p * (-center * (q - law.min_square)).exp() for p, q in zip(law.probabilities, law.squares, strict=True)
        ]
        whole = sum(weights, flint.arb(0))
        self.weights = [w / whole for w in weights]
        signed = [w * g for w, g in zip(self.weights, law.atoms, strict=True)]
        b, a = (row[:terms] for row in (flint.arb_mat([self.weights, signed]) * scale.powers).tolist())
        series = flint.arb_series([flint.arb(1), *b[1:]], terms)
        self.reciprocal = 1 / series
        self.ratio = flint.arb_series(a, terms) * self.reciprocal
        logarithm = series.log()
        # A lower flint.ctx.cap would drop terms without a trace.
        assert min(logarithm.prec, self.ratio.prec) >= terms, "call within ball_arithmetic()"
        constant = whole.log() - center * (law.min_square - scale.center)
        self.logs = [constant, *(logarithm[j] for j in range(1, terms))]
        self.ratios = [self.ratio[j] for j in range(terms)]

    def rest(self, last: flint.arb) -> flint.arb:
        """Return z^J/(1 - z) for |t - t_c| up to ``last``: terms from J on, of series of bound 1 on the circle."""
        z = (last * self.scale.width / CIRCLE).upper()
        return z**self.terms / (1 - z)

    def gradient(self, logs: "Adjoint", ratios: "Adjoint", rest: flint.arb) -> list[flint.arb]:
        """Return, for each atom, the derivative of sum_m x_m [log B]_m + sum_m y_m [R]_m in it.

        ``logs`` and ``ratios`` hold x and y, and what the terms left out may be multiplied by.
        """
        law, terms, width = self.scale.law, self.terms, self.scale.width
        spend(terms * len(law.atoms) * 3)
        t = flint.arb_series([self.center, 1], terms)
        by_t = t * self.reciprocal
        plain = _correlated(ratios.values, self.reciprocal, terms)
        crossed = [-2 * x for x in _correlated(ratios.values, by_t, terms)]
        pairs = zip(
            _correlated(logs.values, by_t, terms), _correlated(ratios.values, by_t * self.ratio, terms), strict=True
        )
        signed = [2 * (y - x) for x, y in pairs]
        none = [[flint.arb(0)] * 3] * (self.scale.terms - terms)
        columns = flint.arb_mat([*map(list, zip(plain, signed, crossed, strict=True)), *none])
        bound = self.scale.remainders
        reach = 2 * (self.center + flint.arb(CIRCLE) / width) * bound.reciprocal * rest
        # What the terms left out add to the factors of 1, |g| and g^2.
        errors = (
            rest * ratios.bound * bound.reciprocal,
            reach * (logs.bound + ratios.bound * bound.ratio),
            reach * ratios.bound,
        )
        flat, steep, square = (symmetric(error) for error in errors)
        return [
            w * (x + flat + g * (y + steep) + q * (z + square))
            for w, g, q, (x, y, z) in zip(
                self.weights, law.atoms, law.squares, (self.scale.powers * columns).tolist(), strict=True
            )
        ]


@dataclass(frozen=True)
class Adjoint:
    """The derivatives of a sum over nodes in the coefficients of a series, and a bound of those in all later ones."""

    values: list[flint.arb]
    bound: flint.arb

    def plus(self, other: "Adjoint") -> "Adjoint":
        """Return the sum."""
        values = [x + y for x, y in zip(self.values, other.values, strict=True)]
        return Adjoint(values, (self.bound + other.bound).upper())


def _correlated(x: Sequence[flint.arb], series: flint.arb_series, terms: int) -> list[flint.arb]:
    """sum_m x_m series_(m - i) for every i: the adjoint of a product of series."""
    product = flint.arb_series(list(reversed(x)), terms) * series
    return [product[terms - 1 - i] for i in range(terms)]


@dataclass(frozen=True)
class Piece:
    """Some lags next to each other, newest t_0 first: t_k = t_0 beta^k, about the middle t_c of a span of lags.

    With x_k = t_k/t_c - 1: ``plain`` is sum_k x_k^m for each power m, and ``weighted`` sum_k n_k x_k^m for each part of
    the numerator, n_k = ratio^k, or 1 for one lag alone. ``sizes`` bounds sum_k n_k.
    """

    plain: list[flint.arb]
    weighted: list[list[flint.arb]]
    sizes: list[flint.arb]


def _middle_of_span(beta: flint.arb, span: int) -> flint.arb:
    """The middle of 1 and beta^(span - 1)."""
    return (1 + beta ** (span - 1)) / 2


@lru_cache(maxsize=256)
def piece(lattice: Lattice, weights: LagWeights, lags: int, newest: bool, span: int, offset: int, _bits: int) -> Piece:
    """Return the sums over so many lags, ``offset`` after the first of a span; ``newest``: the head's weights count."""
    beta = ball(lattice.beta)
    places = [beta ** (offset + k) for k in range(lags)]
    middle = _middle_of_span(beta, span)
    shifted = [place / middle - 1 for place in places]
    rows, row = [], [flint.arb(1)] * lags
    for _ in range(MOST_TERMS):
        rows.append(row)
        row = [x * y for x, y in zip(row, shifted, strict=True)]
    powers = flint.arb_mat(rows).transpose()
    counts = [[flint.arb(1)] * lags]
    for part in parts_of(weights):
        if part.ratio is None:
            counts.append([flint.arb(int(newest and k == part.lag)) for k in range(lags)])
        else:
            counts.append([part.ratio**k for k in range(lags)])
    plain, *weighted = (flint.arb_mat(counts) * powers).tolist()
    sizes = [sum(row, flint.arb(0)).upper() for row in counts[1:]]
    return Piece(plain, weighted, sizes)


@dataclass(frozen=True)
class _Step:
    """What one piece adds on the way to a node: its sums with its own powers of t_c, and the parts' ratios over it."""

    expansion: Expansion
    plain: list[flint.arb]
    weighted: list[list[flint.arb]]
    rest: flint.arb
    lags: int
    sizes: list[flint.arb]
    decays: list[flint.arb]


@dataclass(frozen=True)
class _Node:
    """A node's weight times P and times P Q; powers of t if the series about 0 gave it, else the pieces before it."""

    by_product: flint.arb
    by_value: flint.arb
    powers: list[flint.arb] | None
    steps: list[_Step]


class Sensitivities:
    """E[M exp(-s V)] node after node, and in the end the derivatives of its weighted sum in every atom.

    Parameters
    ----------
    law
        The law; its slopes are not used.
    end
        The last s up to which the series about t = 0 is used.
    log_remainder
        The logarithm of what terms left out may be, as a share.
    """

    def __init__(
        self,
        law: BallLaw,
        form: LaplaceForm,
        lattice: Lattice,
        end: float,
        log_remainder: float,
    ) -> None:
        self.law, self.lattice, self.weights = law, lattice, form.weights
        self.parts = parts_of(form.weights)
        self.scale = Scale(law, log_remainder)
        self.beta, self.one_less_beta = ball(form.beta), 1 - ball(form.beta)
        reach = end * float(self.one_less_beta) * float(self.scale.width)
        terms = min(self.scale.terms, self.scale.terms_for(reach))
        self.first = Expansion(self.scale, flint.arb(0), terms, flint.arb(0))
        powers = [self.beta**m for m in range(self.first.terms + 1)]
        # The factors of the coefficients about t = 0, summed over all lags; the last ones bound all later ones.
        self.log_factors = [flint.arb(0), *(1 / (1 - power) for power in powers[1:])]
        self.part_factors = [[part.lag_sum(power) for power in powers] for part in self.parts]
        self.coefficients = flint.arb_mat(
            [
                [x * y for x, y in zip(column, factors, strict=False)]
                for column, factors in [
                    (self.first.logs, self.log_factors),
                    *((self.first.ratios, factors) for factors in self.part_factors),
                ]
            ]
        ).transpose()
        self.nodes: list[_Node] = []
        self.product = flint.arb(0)
        self.shared: tuple[Expansion, int] | None = None
        self.log_product, self.numerators = flint.arb(0), [flint.arb(0)] * len(self.parts)

    def near(self, s: flint.arb, weight: flint.arb) -> flint.arb:
        """Take the next node, by the series about t = 0; return P(s) Q(s)."""
        t = self.one_less_beta * s
        powers = [flint.arb(1)]
        for _ in range(self.first.terms - 1):
            powers.append(powers[-1] * t)
        rest = self.first.rest(t)
        (log_product, *numerators) = (flint.arb_mat([powers]) * self.coefficients).tolist()[0]
        bound = self.scale.remainders
        self.log_product = log_product + symmetric(bound.log * rest * self.log_factors[-1])
        self.numerators = [
            x + symmetric(bound.ratio * rest * factors[-1])
            for x, factors in zip(numerators, self.part_factors, strict=True)
        ]
        return self._node(s, weight, powers, [])

    def pieces_to(self, s: flint.arb) -> list[int] | None:
        """Return how many lags to take together, newest first, to the next node s; None if that cannot be done."""
        lags = self.lattice.per_node
        if self.lattice.stride != 1 or not self.nodes:
            return None
        t = float(self.one_less_beta * s)
        reach = 0.5 * float(self.lattice.spacing) * lags * t * float(self.scale.width)
        each = max(1, int(lags / max(1.0, reach / RANGE)))
        heads = [part.lag for part in self.parts if part.ratio is None]
        if max(heads, default=0) >= each or t * self.scale.mean_radius > MOST_UNCERTAIN:
            return None
        return [each] * (lags // each) + [lags % each] * (lags % each > 0)

    def operations(self, pieces: int) -> int:
        """Return about how many operations so many pieces take, with their part in the gradient."""
        return pieces * MOST_TERMS * (6 * len(self.law.atoms) + 100)

    def far(self, s: flint.arb, weight: flint.arb, pieces: Sequence[int]) -> flint.arb:
        """Take the next node, from the one before, by pieces of so many lags; return P(s) Q(s)."""
        newest, steps = self.one_less_beta * s, []
        if len(pieces) == 1:
            steps.append(self._shared_step(newest, pieces[0]))
        else:
            for k, lags in enumerate(pieces):
                own = self._expansion(newest, lags)
                steps.append(self._step(own, lags, k == 0, lags, 0))
                newest = newest * self.beta**lags
        for step in reversed(steps):
            own, bound = step.expansion, self.scale.remainders
            added = _inner(own.logs, step.plain) + symmetric(bound.log * step.rest * step.lags)
            self.log_product += added
            self.numerators = [
                decay * before + _inner(own.ratios, sums) + symmetric(bound.ratio * step.rest * size)
                for before, decay, sums, size in zip(
                    self.numerators, step.decays, step.weighted, step.sizes, strict=True
                )
            ]
        return self._node(s, weight, None, steps)

    def _shared_step(self, newest: flint.arb, lags: int) -> _Step:
        """The step to a node whose lags share an expansion with those of the next few nodes."""
        if self.shared is None or self.shared[1] == 0:
            nodes, growth = 1, math.exp(float(self.lattice.step))
            reach = 0.5 * float(self.lattice.step) * float(newest * self.scale.width)
            while nodes < _MOST_SHARED and reach * (nodes + 1) * growth**nodes <= RANGE:
                nodes += 1
            # The nodes' newest t are beta^-lags apart, exactly.
            last = newest / self.beta ** (lags * (nodes - 1))
            self.shared, self.span = (self._expansion(last, lags * nodes), nodes), lags * nodes
        own, left = self.shared
        self.shared = own, left - 1
        return self._step(own, lags, True, self.span, lags * (left - 1))

    def _expansion(self, newest: flint.arb, span: int) -> Expansion:
        """The expansion about the middle t_c of a span of lags, the newest at ``newest``."""
        middle = _middle_of_span(self.beta, span)
        reach = ((1 - middle) * newest).upper()
        terms = min(self.scale.terms, self.scale.terms_for(float(reach * self.scale.width)))
        return Expansion(self.scale, newest * middle, terms, reach)

    def _step(self, own: Expansion, lags: int, is_newest: bool, span: int, offset: int) -> _Step:
        sums = piece(self.lattice, self.weights, lags, is_newest, span, offset, flint.ctx.prec)
        powers = [flint.arb(1)]
        for _ in range(own.terms - 1):
            powers.append(powers[-1] * own.center)
        # t_k = t_c (1 + x_k) exactly, for the numbers that these balls stand for.
        scaled = [[x * y for x, y in zip(row, powers, strict=False)] for row in (sums.plain, *sums.weighted)]
        decays = [flint.arb(0) if part.ratio is None else part.ratio**lags for part in self.parts]
        return _Step(own, scaled[0], scaled[1:], own.rest(own.reach), lags, sums.sizes, decays)

    def _node(self, s: flint.arb, weight: flint.arb, powers: list[flint.arb] | None, steps: list[_Step]) -> flint.arb:
        self.product = (self.log_product - s * self.scale.center).exp()
        value = self.product * _inner([part.amount for part in self.parts], self.numerators)
        self.nodes.append(_Node(weight * self.product, weight * value, powers, steps))
        return value

    def gradient(self) -> list[flint.arb]:
        """Return the derivatives of the sum of weight P(s) Q(s) over all nodes taken, in every atom."""
        gathered = dict[int, tuple[_Step, Adjoint, Adjoint]]()
        logs, ratios = flint.arb(0), [flint.arb(0)] * len(self.parts)
        terms = self.first.terms
        sums = [[flint.arb(0)] * terms for _ in range(1 + len(self.parts))]
        sizes, rest = [flint.arb(0)] * (1 + len(self.parts)), flint.arb(0)
        for node in reversed(self.nodes):
            logs = logs + node.by_value
            ratios = [x + part.amount * node.by_product for x, part in zip(ratios, self.parts, strict=True)]
            for step in node.steps:
                (first, second), key = self._adjoints(step, logs, ratios), id(step.expansion)
                if key in gathered:
                    _, before, other = gathered[key]
                    first, second = first.plus(before), second.plus(other)
                gathered[key] = step, first, second
                ratios = [x * decay for x, decay in zip(ratios, step.decays, strict=True)]
            if node.powers is not None:
                for k, factor in enumerate((logs, *ratios)):
                    sums[k] = [x + factor * power for x, power in zip(sums[k], node.powers, strict=True)]
                    sizes[k] += abs(factor).upper()
                rest = larger(rest, self.first.rest(node.powers[1]))
                logs, ratios = flint.arb(0), [flint.arb(0)] * len(self.parts)
        columns = [self.log_factors, *self.part_factors]
        whole = [
            [x * y for x, y in zip(row, factors, strict=False)] for row, factors in zip(sums, columns, strict=True)
        ]
        bounds = [(size * factors[-1]).upper() for size, factors in zip(sizes, columns, strict=True)]
        found = self.first.gradient(
            Adjoint(whole[0], bounds[0]),
            Adjoint(
                [sum(column, flint.arb(0)) for column in zip(*whole[1:], strict=True)], sum(bounds[1:], flint.arb(0))
            ),
            rest,
        )
        for step, first, second in gathered.values():
            added = step.expansion.gradient(first, second, step.rest)
            found = [x + y for x, y in zip(found, added, strict=True)]
        return found

    @staticmethod
    def _adjoints(step: _Step, logs: flint.arb, ratios: list[flint.arb]) -> tuple[Adjoint, Adjoint]:
        """What a piece adds to the derivatives in the coefficients of its series."""
        plain = Adjoint([logs * x for x in step.plain], (abs(logs) * step.lags).upper())
        weighted = [
            sum((ratio * x for ratio, x in zip(ratios, column, strict=True)), flint.arb(0))
            for column in zip(*step.weighted, strict=True)
        ]
        bound = sum((abs(ratio) * size for ratio, size in zip(ratios, step.sizes, strict=True)), flint.arb(0)).upper()
        return plain, Adjoint(weighted, bound)


def _inner(left: Sequence[flint.arb], right: Sequence[flint.arb]) -> flint.arb:
    return sum((x * y for x, y in zip(left, right, strict=True)), flint.arb(0))
