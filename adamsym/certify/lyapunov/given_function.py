"""What is proven in one box about <grad V, f>, for a function V that the user gives in place of a loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import flint

from adamsym.certify.box_function import Undefined
from adamsym.certify.boxes import Box, middle
from adamsym.certify.field_function import JUMPS, NOT_REAL, FieldFunction
from adamsym.certify.lyapunov.box_decrease import by_enclosure
from adamsym.certify.lyapunov.box_task import SMALLEST_SHARE, TOLERANCE, LyapunovTask, is_witness
from adamsym.certify.lyapunov.interval_decrease import IntervalDecrease
from adamsym.certify.outcomes import Decrease, LyapunovOutcome, Undecided, Witness
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.field.ball.arithmetic import outward
from adamsym.field.ball.enclosure import gradient_laws, hulls, laws_of_rows
from adamsym.field.ball.law import EnclosedLaw
from adamsym.field.interval.field import IntervalRows
from adamsym.field.interval.tape import NotCovered
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.vector_field import lyapunov_function

_MAY_BE_ZERO = "<grad V, f> may be 0: a zero of f, or a critical point of V"


@dataclass(frozen=True)
class GivenFunctionTask(LyapunovTask):
    """Proves that <grad V, f> < 0 in boxes by enclosures alone, or finds a point where it is positive.

    No lemma applies: V need have nothing to do with the gradients. So no box with a zero of f is ever decided.
    """

    text: str = ""

    def __reduce__(self) -> tuple[Callable[..., "GivenFunctionTask"], tuple[object, ...]]:
        """What is cached cannot be pickled."""
        return _received, (self.function, self.start, self.text)

    @property
    def identity(self) -> str:
        """The field, the region and the function."""
        return f"{self.function.identity}\n{self.start}\n{self.text}"

    @property
    def problem(self) -> Problem:
        """The function, as the loss of a problem with the same data."""
        return self._potential

    @cached_property
    def _potential(self) -> Problem:
        source = self.function.problem
        return lyapunov_function(self.text, source.names, source.law)

    @cached_property
    def intervals(self) -> IntervalDecrease | None:
        """What float64 intervals can say, if they cover both functions."""
        field = self.function.intervals
        try:
            return (
                None
                if field is None
                else IntervalDecrease(field, IntervalRows(self.problem), self.start, SMALLEST_SHARE, None)
            )
        except NotCovered:
            return None

    def _examine(self, box: Box, sides: FloatArray) -> LyapunovOutcome:
        function, theta = self.function, hulls(sides)
        try:
            at = function.at(theta)
            potential = self._laws(theta)
        except (Undefined, DomainError) as error:
            rows = isinstance(self.problem.law, Empirical)
            nowhere = function.undefined(theta) or (self.problem.refute_domain(theta) if rows else None)
            reason = str(error) if isinstance(error, Undefined) else NOT_REAL
            return Undecided(reason) if nowhere is not None else self._split(box, reason)
        center = function.at([flint.arb(float(x)) for x in middle(sides)])
        field, in_middle = center.enclosure(slopes=False, tolerance=TOLERANCE).value, self._laws(center.theta)
        product = sum((law.mean * f for law, f in zip(in_middle, field, strict=True)), flint.arb(0))
        if center.is_continuous and is_witness(product):
            return Witness(tuple(middle(sides).tolist()), outward(product))
        shifts = [x - m for x, m in zip(theta, center.theta, strict=True)]
        over = at.enclosure(slopes=at.is_continuous, tolerance=TOLERANCE)
        if at.is_continuous:
            product = by_enclosure(potential, in_middle, over, field, shifts)
        else:
            product = sum((law.mean * f for law, f in zip(potential, over.value, strict=True)), flint.arb(0))
        if product < 0:
            return Decrease("enclosure", None, None, (None, None), None)
        return self._split(box, _MAY_BE_ZERO if at.is_continuous else JUMPS)

    def _laws(self, theta: Sequence[flint.arb]) -> Sequence[EnclosedLaw]:
        """The rows' derivatives of V, whose means are those of V, with their own derivatives."""
        potential = self.problem
        if not isinstance(potential.law, Empirical):
            return gradient_laws(potential, theta, slopes=True)
        return laws_of_rows(potential, potential.row_gradients_ball(theta), potential.row_jacobians_ball(theta))


@lru_cache(maxsize=4)
def _received(function: FieldFunction, start: Box, text: str) -> GivenFunctionTask:
    return GivenFunctionTask(function, start, (), text)
