"""The field of few reshuffled rows in ball arithmetic: sums over all orders of an epoch, every truncation bounded.

Epochs are independent. With j steps of the present one done, M = m + sum_t r_t^j a_t and V = v + beta^j w, where m and
v are those of the present epoch's gradients, and a_t and w sums over the past ones: a_t = sum_e r_t^(eP) x_t,e and
w = sum_e beta^(eP) y_e with independent (x_e, y_e). So past epochs are to each geometric lag weight what lags are to
independent gradients, with x for g, y for (1 - beta) g^2 and P-th powers of the memories: the power series, their
remainders and the recursion are those of :mod:`adamsym.field.ball.lag_series`. The rule's error, and what lies beyond
its first and last node, are bounded as in :mod:`adamsym.field.ball.quadrature`, whose bounds hold for all M and V with
|M| <= min(c G, C sqrt V).
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import flint

from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, square, symmetric
from adamsym.field.ball.form_bounds import bounds_of
from adamsym.field.ball.lag_series import LagSeries
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature_nodes import CHUNK, lattice, nodes, powers_of
from adamsym.field.epochs.arrangements import MOST_ARRANGEMENTS, Arrangements
from adamsym.methods import LagWeights, LaplaceForm

_TOLERANCE = 1e-17
"""Share of the scale min(C, G/eps) that each truncation may have."""

_Sums = tuple[flint.arb, list[flint.arb]]

_STEP = 0.2
"""Largest step of the rule: it errs by 1e-18 of the step bound."""

_MOST_NODES = 3000

_LOOK_EVERY = 4
"""Nodes between two looks at what is left to the right."""

_LEAST_SIZE, _LARGEST_SIZE = 1e-90, 1e90
"""Between these largest gradients no float here leaves its range; others get a bound without a quadrature."""


def require_few(arrangements: Arrangements, form: LaplaceForm, what: str) -> None:
    """Raise NotApplicable unless the orders of the rows, and the weights of old gradients, can be summed over."""
    if not arrangements.are_few:
        raise NotApplicable(
            f"data.sampling: {what} of reshuffled rows sums over all orders of few rows, at most {MOST_ARRANGEMENTS}"
        )
    if len(form.weights.head) > 1:
        raise NotApplicable(f"adam: {what} of reshuffled rows needs geometric lag weights after the newest gradient")


def shuffled_quotient(kinds: Sequence[flint.arb], form: LaplaceForm, arrangements: Arrangements) -> flint.arb:
    """Return a ball around F of one coordinate of the gradients of each kind of row.

    Call within ``ball_arithmetic()``, after ``require_few``.
    """
    if all(g == 0 for g in kinds):
        return flint.arb(0)
    steps = _steps(kinds, form, arrangements)
    largest = reduce(flint.arb.max, (abs(g) for g in kinds)).upper()
    universal = bounds_of(form).universal(largest)
    if not _LEAST_SIZE < float(largest) < _LARGEST_SIZE:
        return symmetric(universal)
    past = _Past(steps[-1], form, len(steps), float(largest)) if form.beta else None
    found = _summed(steps, past, form, largest) / len(steps)
    return found.intersection(symmetric(universal)) if found.is_finite() else symmetric(universal)


@dataclass(frozen=True)
class _Step:
    """What the present epoch adds to M and V up to one of its steps, for each sequence of batches.

    ``newest_first`` are the batches' gradients, ``chances`` the sequences' probabilities.
    """

    newest_first: list[list[flint.arb]]
    numerators: list[flint.arb]
    squares: list[flint.arb]
    chances: list[flint.arb]

    def transforms(self, s: flint.arb) -> tuple[flint.arb, flint.arb]:
        """Return E[m exp(-s v)] and E exp(-s v)."""
        weights = [p * (-s * v).exp() for p, v in zip(self.chances, self.squares, strict=True)]
        return _inner(weights, self.numerators), sum(weights, flint.arb(0))


def _steps(kinds: Sequence[flint.arb], form: LaplaceForm, arrangements: Arrangements) -> list[_Step]:
    sums = (
        (sum(row), sum((n * g for n, g in zip(row, kinds, strict=True)), flint.arb(0))) for row in arrangements.counts
    )
    batches = [total if size == 1 else total / size for size, total in sums]
    count, beta = arrangements.epoch.batches, ball(form.beta)
    numerator = [ball(form.weights.weight(k)) for k in range(count)]
    weights = [(1 - beta) * beta**k for k in range(count)]
    found = []
    for prefix in arrangements.prefixes:
        rows = [[batches[number] for number in reversed(row)] for row in prefix.batches.tolist()]
        squares = [_inner(weights, [square(g) for g in row]) for row in rows]
        chances = [ball(chance) for chance in prefix.chances]
        found.append(_Step(rows, [_inner(numerator, row) for row in rows], squares, chances))
    return found


class _EpochLaw(BallLaw):
    """The law of x and y, of a past epoch: ``squares`` are y/(1 - beta^P) in place of the squares of x."""

    def __init__(self, atoms: Sequence[flint.arb], squares: Sequence[flint.arb], chances: Sequence[flint.arb]) -> None:
        super().__init__(atoms, chances)
        self.squares = list(squares)
        self.min_square = reduce(flint.arb.min, squares).lower().max(flint.arb(0))
        self.max_square = reduce(flint.arb.max, squares).upper()


@dataclass(frozen=True)
class _Term:
    """A geometric term of the lag weights: the sum of its ratio's P-th powers over the past epochs."""

    ratio: flint.arb
    law: _EpochLaw
    series: LagSeries
    power: flint.arb


class _Past:
    """E exp(-s w), and E[a_t exp(-s w)] for each geometric term, at s = beta^k times nodes of the rule.

    These lie on a lattice of which an epoch is a number of points: P(s) = B(s) P(s beta^P).
    """

    def __init__(self, whole: _Step, form: LaplaceForm, count: int, largest: float) -> None:
        self.points, beta = lattice(form.beta, _STEP), form.beta**count
        self.back, self.rest = count * self.points.stride, 1 - ball(beta)
        squares = [v / self.rest for v in whole.squares]
        farthest = 1e30 / largest**2
        self.terms = []
        # Without such a term the past counts through V alone.
        for amount, ratio in [term for term in form.weights.terms if all(term)] or [(Fraction(0), form.beta)]:
            weights = [ball(amount) * ball(ratio) ** k for k in range(count)]
            law = _EpochLaw([_inner(weights, row) for row in whole.newest_first], squares, whole.chances)
            own = LaplaceForm(LagWeights((), ((Fraction(1), ratio**count),)), beta, form.kernel)
            self.terms.append(_Term(ball(ratio), law, LagSeries(law, own, farthest), ball(ratio) ** count))
        self.end = min(term.series.end for term in self.terms)
        self.known: dict[int, _Sums] = {}

    def at(self, index: int) -> _Sums:
        """Return both at a point of the lattice."""
        wanted, later = index, []
        while index not in self.known:
            s = (self.points.spacing * index).exp()
            if float(s.upper()) < self.end:
                self.known[index] = self._from_series(s)
            else:
                later.append((index, s))
                index -= self.back
        for number, s in reversed(later):
            self.known[number] = self._one_epoch_more(s, self.known[number - self.back])
        return self.known[wanted]

    def _from_series(self, s: flint.arb) -> _Sums:
        product, values = flint.arb(1), []
        for term in self.terms:
            powers = flint.arb_mat([powers_of(self.rest * s, term.series.terms)])
            [[exponent, ratio]] = term.series.values(powers, self.rest * s)
            product = (exponent - s * term.series.center).exp()
            values.append(product * ratio)
        return product, values

    def _one_epoch_more(self, s: flint.arb, earlier: _Sums) -> _Sums:
        product, values = earlier
        found = []
        for term, value in zip(self.terms, values, strict=True):
            a, b, _ = term.law.transforms(self.rest * s)
            factor = (-self.rest * s * term.law.min_square).exp()
            found.append((factor * b * product, factor * (a * product + term.power * b * value)))
        return found[0][0], [value for _, value in found]


def _summed(steps: Sequence[_Step], past: _Past | None, form: LaplaceForm, largest: flint.arb) -> flint.arb:
    """The sum of E[M phi(V)] over the steps of an epoch, by the trapezoidal rule in log s.

    With G the largest |g| and c the sum of |c_k|, |M| <= c G and V <= G^2. The control variate is mu exp(-b s).
    """
    points, bounds, center = lattice(form.beta, _STEP), bounds_of(form), (largest**2).mid()
    mean, control = _mean(steps, past), form.kernel.ball_of(center)
    universal, most = bounds.universal(largest), (bounds.absolute * largest).upper()
    allowed = _TOLERANCE * float(universal)
    # |E[M exp(-s V)] - mu exp(-b s)| <= s (E|M| V + |mu| b).
    factor = (most * (largest**2 + center)).upper()
    first = math.floor(math.log(allowed / float(factor)) * 2 / 3 / float(points.step) / CHUNK) * CHUNK
    left = factor * form.kernel.weights_left(nodes(points, form.kernel, first // CHUNK).s[0], points.step)
    error = _rule_error(points.step, universal + most * control)
    total, right = flint.arb(0), flint.arb("inf")
    for number in range(first, first + _MOST_NODES):
        place = nodes(points, form.kernel, number // CHUNK)
        s, weight = place.s[number % CHUNK], place.weights[number % CHUNK]
        spend(12 * sum(len(step.chances) for step in steps))
        pairs = [_of_step(step, past, number, s, j) for j, step in enumerate(steps, start=1)]
        decay = (-center * s).exp()
        total += weight * (sum((value for value, _ in pairs), flint.arb(0)) - mean * decay)
        if number % _LOOK_EVERY == 0:
            # Beyond s the mean of exp(-s V) is no larger.
            beyond = most * sum((product for _, product in pairs), flint.arb(0)).upper() + abs(mean) * decay
            right = (beyond * form.kernel.weights_right(s, points.step)).upper()
            if right <= allowed or right <= 0.01 * float(total.rad()):
                break
    return total + mean * control + symmetric(len(steps) * (left + error) + right)


def _mean(steps: Sequence[_Step], past: _Past | None) -> flint.arb:
    """The sum of E M over the steps of an epoch."""
    total = sum((_inner(step.chances, step.numerators) for step in steps), flint.arb(0))
    for term in past.terms if past else ():
        carried = sum((term.ratio**j for j in range(1, len(steps) + 1)), flint.arb(0))
        total += carried * term.law.mean / (1 - term.power)
    return total


def _of_step(step: _Step, past: _Past | None, number: int, s: flint.arb, j: int) -> tuple[flint.arb, flint.arb]:
    """E[M exp(-s V)] and E exp(-s V) after j steps of an epoch, at a node."""
    value, product = step.transforms(s)
    if past is None:
        return value, product
    before, carried = past.at(number * past.points.per_node - j * past.points.stride)
    older = sum((term.ratio**j * x for term, x in zip(past.terms, carried, strict=True)), flint.arb(0))
    return value * before + product * older, product * before


def _rule_error(step: flint.arb, size: flint.arb) -> flint.arb:
    """A bound of the error of one step's rule, at the nearly best a: tan a = 2 pi/h; see ``quadrature``."""
    frequency = 2 * flint.arb.pi() / step
    a = frequency.atan().mid()
    return 2 / (a * frequency).expm1() * size / a.cos()


def _inner(left: Sequence[flint.arb], right: Sequence[flint.arb]) -> flint.arb:
    return sum(map(operator.mul, left, right), flint.arb(0))
