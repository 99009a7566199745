"""What is proven about the zeros of a function in one box."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from adamsym.certify.box_function import BoxFunction, Undefined, values_in_middle
from adamsym.certify.boxes import Box, box_of, shares_of, side_to_cut
from adamsym.certify.field_function import JUMPS, FieldFunction, operations_before_intervals
from adamsym.certify.outcomes import (
    EXAMINED_FOR_ZEROS,
    TOO_MUCH,
    NoZeroByDirection,
    NoZeroBySign,
    Split,
    Undecided,
    ZeroFound,
    ZeroOutcome,
    matrix_of,
)
from adamsym.certify.tasks import Examined, IntervalsFirst
from adamsym.certify.zeros.interval_search import IntervalSearch
from adamsym.certify.zeros.krawczyk import certified_zero, direction_without_zero
from adamsym.certify.zeros.minima_boxes import MinimaSearch, minima_search
from adamsym.certify.zeros.stability import stability_of
from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import BoxEnclosure, hulls

TOLERANCE = 1e-9
"""Accuracy of the enclosures during the search."""

SMALLEST_SHARE = 2.0**-40
"""Boxes narrower than this share of the first one are split no further."""

_NARROW = 2.0**-6
"""Boxes over which f may jump are enclosed where they are no wider than this share of the first one."""

_SINGULAR = "Df may be singular: a curve of zeros, as at interpolation, or a multiple zero"


@dataclass(frozen=True)
class ZeroTask(IntervalsFirst[ZeroOutcome]):
    """Excludes zeros from boxes, and certifies them in boxes of the wanted ``width``."""

    function: BoxFunction
    start: Box
    width: float

    kinds = EXAMINED_FOR_ZEROS

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the search for minima, with its compiled functions: it is made again, outside of boxes' budgets."""
        return {name: value for name, value in vars(self).items() if name != "_minima"}

    @property
    def identity(self) -> str:
        """The function, the box searched and the wanted width."""
        return f"{self.function.identity}\n{self.start}\n{self.width}"

    def examine(self, box: Box) -> ZeroOutcome:
        """Say what is proven about the zeros in one box."""
        with ball_arithmetic():
            return self._examine(box, np.array(box))

    @property
    def first_operations(self) -> int:
        """None where boxes are first looked at for manifolds of minima."""
        return 0 if self._minima is not None else operations_before_intervals(self.function)

    @cached_property
    def intervals(self) -> IntervalSearch | None:
        """What float64 intervals can say, if they cover the function."""
        intervals = self.function.intervals if isinstance(self.function, FieldFunction) else None
        return None if intervals is None else IntervalSearch(intervals, self.start, SMALLEST_SHARE)

    @cached_property
    def _minima(self) -> MinimaSearch | None:
        """What can be said of boxes around manifolds of minima, if there may be some."""
        return minima_search(self.function)

    def all_examined(self, boxes: Sequence[Box]) -> list[Examined[ZeroOutcome]]:
        """Say where there are no zeros but minima, where these may form a manifold, and then what is in the others."""
        if self._minima is None:
            return super().all_examined(boxes)
        found = [self._minima.examined(box) for box in boxes]
        left = [box for box, (one, _) in zip(boxes, found, strict=True) if one is None]
        others = iter(super().all_examined(left) if left else ())
        results = list[Examined[ZeroOutcome]]()
        for minima, operations in found:
            one = Examined(minima, 0) if minima is not None else next(others)
            results.append(Examined(one.outcome, one.operations + operations))
        return results

    def too_much(self, box: Box) -> ZeroOutcome:
        """Ask for the halves of a box that takes too much work: over narrower boxes fewer lags count."""
        return self._split(box, None, TOO_MUCH)

    def _examine(self, box: Box, sides: FloatArray) -> ZeroOutcome:
        theta = hulls(sides)
        try:
            at = self.function.at(theta)
            coordinate = at.nonzero()
            if coordinate is not None:
                return NoZeroBySign(coordinate)
            if not at.is_continuous and max(shares_of(box, self.start).values(), default=0.0) > _NARROW:
                # Halves have fewer jumps, and enclosures without slopes cost the checker much over wide boxes.
                return self._split(box, None, JUMPS)
            over = at.enclosure(slopes=at.is_continuous, tolerance=TOLERANCE)
        except Undefined as error:
            nowhere = self.function.undefined(theta) is not None
            return Undecided(str(error)) if nowhere else self._split(box, None, str(error))
        if not at.is_continuous:
            coordinate = next((i for i, value in enumerate(over.value) if not value.contains(0)), None)
            if coordinate is None:
                return self._split(box, None, JUMPS)
            return NoZeroByDirection(tuple(np.eye(len(box))[coordinate].tolist()))
        center = values_in_middle(self.function, sides, TOLERANCE)
        direction = direction_without_zero(over, center, sides)
        if direction is not None:
            return NoZeroByDirection(tuple(direction))
        otherwise = self._split(box, over, _SINGULAR)
        last = isinstance(otherwise, Undecided)
        zero = certified_zero(self.function, sides, over, self.width, np.array(self.start), last)
        if zero is None:
            return otherwise
        return ZeroFound(
            box_of(zero.box),
            matrix_of(zero.preconditioner),
            box_of(zero.unique_in),
            matrix_of(zero.region_preconditioner),
            *stability_of(zero.jacobian),
        )

    def _split(self, box: Box, over: BoxEnclosure | None, reason: str) -> Split | Undecided:
        shares = shares_of(box, self.start)
        if not shares or max(shares.values()) <= SMALLEST_SHARE:
            return Undecided(reason)
        return Split(side_to_cut(np.array(box), shares, _steepness(over)))


def _steepness(over: BoxEnclosure | None) -> FloatArray | None:
    """Bounds of |Df|, if there are any."""
    if over is None or not all(entry.is_finite() for row in over.jacobian for entry in row):
        return None
    return np.array([[float(entry.abs_upper()) for entry in row] for row in over.jacobian])
