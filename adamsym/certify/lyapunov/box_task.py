"""What is proven about <grad L, f> in one box."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import flint
import numpy as np

from adamsym.certify.box_function import Undefined
from adamsym.certify.boxes import Box, Point, middle, shares_of
from adamsym.certify.exact_points import loss_is_at_most_zero
from adamsym.certify.field_function import JUMPS, FieldFunction, FieldOver, operations_before_intervals
from adamsym.certify.lyapunov.box_decrease import Bounds, below, by_enclosure, by_signs, by_spread, spread_of_matrices
from adamsym.certify.lyapunov.interval_decrease import IntervalDecrease
from adamsym.certify.minima import CommonFactor, common_factor
from adamsym.certify.outcomes import (
    EXAMINED_FOR_DECREASE,
    TOO_MUCH,
    Decrease,
    LyapunovOutcome,
    Split,
    Undecided,
    Witness,
)
from adamsym.certify.sign_lemma import drift_agrees
from adamsym.certify.tasks import MOST_OPERATIONS, IntervalsFirst
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, norm_bound, outward
from adamsym.field.ball.enclosure import hulls, laws_of_rows
from adamsym.field.ball.law import EnclosedLaw
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.jumps import JumpError
from adamsym.gradients.problem import require_loss
from adamsym.methods import LaplaceForm

TOLERANCE = 1e-13
SMALLEST_SHARE = 2.0**-30
"""Boxes narrower than this share of the region are split no further."""

_LEAST, _LARGEST = 1e-300, 1e300
SHARE_OF_WITNESS = 1e-3
"""Share of its value that the uncertainty of <grad L, f> at a witness may have."""

_NEAR = 4
"""Minima beyond so many half-widths of a box from its middle say nothing of it."""

_MAY_BE_ZERO = "<grad L, f> may be 0: a zero of f, or a critical point that is no minimum of every row"


@dataclass(frozen=True)
class LyapunovTask(IntervalsFirst[LyapunovOutcome]):
    """Proves that <grad L, f> < 0 in boxes, or finds a point where it is positive."""

    function: FieldFunction
    start: Box
    minima: tuple[Point, ...]

    kinds = EXAMINED_FOR_DECREASE

    def __reduce__(self) -> tuple[Callable[..., "LyapunovTask"], tuple[object, ...]]:
        """What is cached cannot be pickled; in another process it is found once, however often a task arrives."""
        return _received, (self.function, self.start, self.minima)

    @property
    def problem(self) -> Problem:
        """The problem, whose loss is to decrease."""
        return require_loss(self.function.problem, "a Lyapunov region")

    @property
    def identity(self) -> str:
        """The field, the region and the minima given."""
        return f"{self.function.identity}\n{self.start}\n{self.minima}"

    def ends(self, outcome: LyapunovOutcome) -> bool:
        """One witness is enough."""
        return isinstance(outcome, Witness)

    @cached_property
    def factor(self) -> CommonFactor | None:
        """A common factor of all rows' gradients."""
        return common_factor(self.problem)

    @cached_property
    def minima_with_loss(self) -> list[tuple[Point, bool]]:
        """The minima, each with whether the mean loss is proven to be at most 0 there."""
        return [(point, loss_is_at_most_zero(self.problem, point)) for point in self.minima]

    @property
    def first_operations(self) -> int:
        """As for zeros."""
        return operations_before_intervals(self.function)

    @cached_property
    def intervals(self) -> IntervalDecrease | None:
        """What float64 intervals can say, if they cover the loss and its field."""
        field = self.function.intervals
        return None if field is None else IntervalDecrease(field, field, self.start, SMALLEST_SHARE, self._lemma)

    def _lemma(self, box: Box) -> tuple[LyapunovOutcome | None, int]:
        """What balls prove of a box next to common minima, without an enclosure; and the operations."""
        sides = np.array(box)
        if self.function.form.decay != 0 or (self.factor is None and not any(map(_is_near(sides), self.minima))):
            return None, 0
        with budget(MOST_OPERATIONS) as meter, ball_arithmetic():
            theta = hulls(sides)
            try:
                at = self.function.at(theta)
                found = next_to_minima(self, at)
                loss = _mean_loss(self.problem, theta)
                outcome = None if found is None else _decrease(at, loss, found)
            except (Undefined, OutOfWork):
                outcome = None
        return outcome, MOST_OPERATIONS - meter.left

    def examine(self, box: Box) -> LyapunovOutcome:
        """Say what is proven about <grad L, f> in one box."""
        with ball_arithmetic():
            return self._examine(box, np.array(box))

    def too_much(self, box: Box) -> LyapunovOutcome:
        """Ask for the halves of a box that takes too much work: over narrower boxes fewer lags count."""
        return self._split(box, TOO_MUCH)

    def _examine(self, box: Box, sides: FloatArray) -> LyapunovOutcome:
        function, problem = self.function, self.problem
        theta = hulls(sides)
        try:
            at = function.at(theta)
        except Undefined as error:
            nowhere = function.undefined(theta) is not None
            return Undecided(str(error)) if nowhere else self._split(box, str(error))
        loss = _mean_loss(problem, theta)
        found = self._by_lemmas(at, loss)
        if found is not None:
            return _decrease(at, loss, found)
        center = function.at([flint.arb(float(x)) for x in middle(sides)])
        field = center.enclosure(slopes=False, tolerance=TOLERANCE).value
        product = sum((law.mean * f for law, f in zip(center.laws, field, strict=True)), flint.arb(0))
        if center.is_continuous and is_witness(product):
            return Witness(tuple(middle(sides).tolist()), outward(product))
        product = _product_over(at, center, field)
        if product < 0:
            square = sum((law.mean.abs_lower() ** 2 for law in at.laws), flint.arb(0))
            upper = loss.upper()
            return _decrease(at, loss, Bounds("enclosure", below(-product, upper), below(square / 2, upper)))
        return self._split(box, _MAY_BE_ZERO if at.is_continuous else JUMPS)

    def _by_lemmas(self, at: FieldOver, loss: flint.arb) -> Bounds | None:
        """N-Lemma 1 and N-Theorem 1, as far as decay lets them: the former where it nowhere pulls uphill."""
        form = self.function.form
        if all(drift_agrees(law, form, x) for law, x in zip(at.laws, at.theta, strict=True)):
            found = by_signs(at.laws, at.laws, form, loss.upper(), "sign")
            if found is not None:
                return found
        return next_to_minima(self, at) if form.decay == 0 else None

    def _split(self, box: Box, reason: str) -> Split | Undecided:
        shares = shares_of(box, self.start)
        if not shares or max(shares.values()) <= SMALLEST_SHARE:
            return Undecided(reason)
        return Split(max(shares, key=lambda j: shares[j]))


def _product_over(at: FieldOver, center: FieldOver, field: Sequence[flint.arb]) -> flint.arb:
    """A ball around <grad L, f> over a box; where gradients jump, with any choice of both, and no mean-value form."""
    if not at.is_continuous:
        over = at.enclosure(slopes=False, tolerance=TOLERANCE)
        return sum((law.mean * f for law, f in zip(at.laws, over.value, strict=True)), flint.arb(0))
    shifts = [x - m for x, m in zip(at.theta, center.theta, strict=True)]
    return by_enclosure(at.sloped_laws, center.laws, at.enclosure(slopes=True, tolerance=TOLERANCE), field, shifts)


def is_witness(product: flint.arb) -> bool:
    """Whether a value of <grad L, f> is proven positive: not by a hair, for other arithmetic is to prove it too.

    Its bounds are to be floats, with some room.
    """
    return bool(_LEAST < product < _LARGEST and product.rad() < SHARE_OF_WITNESS * product.mid())


@lru_cache(maxsize=4)
def _received(function: FieldFunction, start: Box, minima: tuple[Point, ...]) -> LyapunovTask:
    return LyapunovTask(function, start, minima)


def _mean_loss(problem: Problem, theta: Sequence[flint.arb]) -> flint.arb:
    """A ball around L, infinite for continuous data, of which gradients alone are known."""
    if not isinstance(problem.law, Empirical):
        return flint.arb(0, "inf")
    pairs = zip(problem.law.exact_probabilities, problem.row_losses_ball(theta), strict=True)
    return sum((ball(p) * value for p, value in pairs), flint.arb(0))


def _decrease(at: FieldOver, loss: flint.arb, bounds: Bounds) -> Decrease:
    """The outcome, with what the comparison of regions needs: bounds of L, the rows' Hessians and the PL ratio."""
    smoothness = flint.arb(0 if at.is_continuous else "inf")
    for hessian in at.hessians if at.is_continuous else ():
        smoothness = smoothness.max(norm_bound(itertools.chain(*hessian)))
    low, high = outward(loss)
    largest = outward(smoothness)[1]
    return Decrease(
        bounds.by,
        bounds.rate,
        bounds.pl,
        (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None),
        largest if math.isfinite(largest) and at.hessians else None,
    )


def next_to_minima(task: LyapunovTask, at: FieldOver) -> Bounds | None:
    """N-Lemma 4, or N-Theorem 1, 2(b) or 6, for the gradients with their common zero divided out."""
    problem, form, theta, laws = task.problem, at.function.form, at.theta, at.laws
    if task.factor is not None:
        quotients = task.factor.over(theta)
        divided = laws_of_rows(problem, quotients.gradients)
        square = sum((law.mean.abs_lower() ** 2 for law in divided), flint.arb(0)).lower()
        variance = sum((law.variance for law in divided), flint.arb(0)).upper()
        found = by_signs(divided, laws, form, quotients.loss, "factor")
        found = found or by_spread(square, variance, laws, form, quotients.loss, "factor", _rows(problem))
        if found is not None:
            return found
    for point, without_loss in task.minima_with_loss:
        found = _around(problem, form, theta, [ball(x) for x in point], laws, without_loss)
        if found is not None:
            return found
    return None


def _around(
    problem: Problem,
    form: LaplaceForm,
    theta: list[flint.arb],
    point: list[flint.arb],
    laws: Sequence[EnclosedLaw],
    without_loss: bool,
) -> Bounds | None:
    """The same around a single common minimum: g = A (theta - theta*), A within the Hessians over the joint hull.

    L <= |A| |theta - theta*|^2/2 only if L(theta*) <= 0 is proven: ``without_loss``.
    """
    if not all(abs(x.mid() - p) <= _NEAR * x.rad() for x, p in zip(theta, point, strict=True)):
        return None
    d = problem.dimension
    try:
        hessians = problem.row_jacobians_ball([x.union(p) for x, p in zip(theta, point, strict=True)])
    except (DomainError, JumpError):
        return None
    entries = laws_of_rows(problem, [[entry for row in hessian for entry in row] for hessian in hessians])
    means = [[entries[i * d + j].mean for j in range(d)] for i in range(d)]
    if not all(entry.is_finite() for row in means for entry in row):
        return None
    half_norm = norm_bound(itertools.chain(*means)).upper() / 2
    loss = half_norm if without_loss else None
    if d == 1:
        found = by_signs(entries, laws, form, loss, "minimum")
        if found is not None:
            return found
    matrix = np.array([[float(entry.mid()) for entry in row] for row in means])
    if np.linalg.cond(matrix) > 1e12:
        return None
    square, variance = spread_of_matrices(entries, np.linalg.inv(matrix).tolist())
    return by_spread(square, variance, laws, form, loss, "minimum", _rows(problem))


def _is_near(sides: FloatArray) -> Callable[[Point], bool]:
    """Whether a point may be near enough to a box for :func:`_around`."""
    middles, reach = sides.mean(axis=1), (_NEAR + 1) * np.ptp(sides, axis=1) / 2
    return lambda point: bool((np.abs(middles - np.array(point, dtype=float)) <= reach).all())


def _rows(problem: Problem) -> tuple[Fraction, int]:
    """The least probability of a row, and the batch."""
    assert isinstance(problem.law, Empirical)
    return min(problem.law.exact_probabilities), problem.batch_size
