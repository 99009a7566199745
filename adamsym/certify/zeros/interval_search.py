"""Exclusion of zeros in float64 intervals, for many boxes at once; what it does not settle is left to balls."""

from collections.abc import Sequence

import numpy as np

from adamsym.certify.boxes import Box, middle, shares_of, side_to_cut
from adamsym.certify.outcomes import NoZeroByDirection, NoZeroByGradient, NoZeroBySign, Split
from adamsym.expressions.compilation import FloatArray
from adamsym.field.interval.arrays import BoolArray, IntArray
from adamsym.field.interval.exclusion import directions, krawczyk_hopes
from adamsym.field.interval.field import IntervalField, RowsOver
from adamsym.field.interval.linear import meet_mean_value_form

TOLERANCE, TOLERANCE_AT_POINTS = 1e-9, 1e-12
_LINEAR = 1.0
"""Gradients that vary in a box from their linear part by less than this share of what the sign lemma leaves open: then
halving no longer helps the lemma, and it is the field itself that must be enclosed."""

_NARROW = 2.0**-10
"""The same where gradients are not invertible: boxes narrower than this share of the first one."""

_REACH = 1.5
"""A zero is looked for by balls where Krawczyk's operator seems to stay within this many times the box."""

_RESERVE, _RESERVE_OF_SIGNS = 0.1, 0.05
"""What is proven of an interval around y f, or of that of a mean gradient, is to hold by these shares of its width: the
checker has other arithmetic, and splits boxes at more cost."""

Settled = NoZeroBySign | NoZeroByGradient | NoZeroByDirection | Split


class IntervalSearch:
    """Says for boxes that they hold no zero, or how to split them; None where balls are to look at them."""

    def __init__(self, field: IntervalField, start: Box, smallest: float) -> None:
        self.field, self.start, self.smallest = field, start, smallest

    def examined(self, boxes: Sequence[Box]) -> list[tuple[Settled | None, int]]:
        """Return for each box what is found, and the operations that it took; both depend on the box alone."""
        sides = np.array(boxes)
        rows = self.field.rows_over(sides, middle(sides))
        found: list[Settled | None] = [None] * len(boxes)
        operations = [self.field.operations] * len(boxes)
        open_boxes = rows.known.copy()
        self._by_sign(rows, found, open_boxes)
        slopes, ratios = self._by_gradients(rows, found, open_boxes)
        for number in np.flatnonzero(open_boxes).tolist():
            box, ratio = boxes[number], ratios[number]
            shares = shares_of(box, self.start)
            widest = max(shares.values(), default=0.0)
            if widest > self.smallest and not ratio < _LINEAR and (self.field.decay[1] == 0 and widest > _NARROW):
                found[number], open_boxes[number] = Split(_cut(sides[number], shares, slopes[number])), False
        self._by_enclosure(boxes, rows, np.flatnonzero(open_boxes), found, operations)
        return list(zip(found, operations, strict=True))

    def _by_sign(self, rows: RowsOver, found: list[Settled | None], open_boxes: BoolArray) -> None:
        """The sign lemma for a coordinate, where decay does not pull against it."""
        means, margins = self.field.means(rows.plain), self.field.sign_thresholds(rows, plain=True)
        margins += _RESERVE_OF_SIGNS * (means[..., 1] - means[..., 0])
        positive, negative = means[..., 0] > margins, means[..., 1] < -margins
        if self.field.decay[1] > 0:
            positive &= rows.boxes[..., 0] >= 0
            negative &= rows.boxes[..., 1] <= 0
        proven = (positive | negative) & open_boxes[:, None]
        for number in np.flatnonzero(proven.any(axis=1)):
            found[number], open_boxes[number] = NoZeroBySign(int(np.argmax(proven[number]))), False

    def _by_gradients(
        self, rows: RowsOver, found: list[Settled | None], open_boxes: BoolArray
    ) -> tuple[FloatArray, FloatArray]:
        """A linear form of the mean gradient that is beyond what the sign lemmas leave open of it.

        Returned are the mean Hessians, and how far from linear the mean gradient is beside that.
        """
        slopes = self.field.means(rows.slopes)
        margins = self.field.sign_thresholds(rows, plain=False)
        margins[~open_boxes] = np.inf
        chosen, centers = np.zeros(rows.middles.shape), self.field.means(rows.centers)
        ratios = directions(centers, slopes, rows.shifts, margins, _RESERVE_OF_SIGNS, chosen)
        proven = open_boxes & (ratios == -1.0)
        if self.field.decay[1] > 0:
            along = (chosen * centers.mean(axis=-1)).sum(axis=1, keepdims=True)
            proven &= _drift_agrees(chosen * np.sign(along), rows.boxes)
        for number in np.flatnonzero(proven):
            found[number], open_boxes[number] = NoZeroByGradient(tuple(chosen[number].tolist())), False
        return slopes, ratios

    def _by_enclosure(
        self,
        boxes: Sequence[Box],
        rows: RowsOver,
        numbers: IntArray,
        found: list[Settled | None],
        operations: list[int],
    ) -> None:
        """Enclosures of f and Df: a direction along which f has no zero, or where to cut."""
        if not len(numbers):
            return
        chosen = rows.of(numbers)
        over, lags = self.field.over(chosen, TOLERANCE)
        center, center_lags = self.field.at_middles(chosen, TOLERANCE_AT_POINTS)
        values, jacobians = np.ascontiguousarray(over[:, :, 0]), np.ascontiguousarray(over[:, :, 1:])
        centers = np.ascontiguousarray(center[:, :, 0])
        meet_mean_value_form(values[:, :, None], jacobians[:, :, :, None], centers[:, :, None], chosen.shifts)
        distance = _RESERVE * (values[..., 1] - values[..., 0])
        coordinates = (values[..., 0] > distance) | (values[..., 1] < -distance)
        along = np.empty(chosen.middles.shape)
        ratios = directions(centers, jacobians, chosen.shifts, np.zeros(chosen.middles.shape), _RESERVE, along)
        hopes = krawczyk_hopes(centers, jacobians, chosen.shifts, _REACH)
        # Where f(m) is not told from 0, halves would not be either, as next to a multiple zero: balls have more digits.
        hopes |= ((centers[..., 0] <= 0) & (centers[..., 1] >= 0)).all(axis=1)
        for k, number in enumerate(numbers.tolist()):
            box = boxes[number]
            operations[number] += self.field.quadrature_operations(int(lags[k]) + int(center_lags[k]))
            shares = shares_of(box, self.start)
            if lags[k] < 0 or center_lags[k] < 0:
                continue
            if coordinates[k].any():
                found[number] = NoZeroByDirection(tuple(np.eye(len(box))[int(np.argmax(coordinates[k]))].tolist()))
            elif ratios[k] == -1.0:
                found[number] = NoZeroByDirection(tuple(along[k].tolist()))
            elif not hopes[k] and max(shares.values(), default=0.0) > self.smallest:
                found[number] = Split(_cut(chosen.boxes[k], shares, jacobians[k]))


def _drift_agrees(pushed: FloatArray, boxes: FloatArray) -> BoolArray:
    """Whether decay nowhere pulls a coordinate against the way that it is ``pushed`` (n, d), for each box."""
    found: BoolArray = ((pushed <= 0) | (boxes[..., 0] >= 0)) & ((pushed >= 0) | (boxes[..., 1] <= 0))
    return np.asarray(found.all(axis=1))


def _cut(sides: FloatArray, shares: dict[int, float], jacobian: FloatArray) -> int:
    return side_to_cut(sides, shares, np.abs(jacobian).max(axis=-1))
