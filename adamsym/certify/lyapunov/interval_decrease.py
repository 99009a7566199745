"""Proofs that <grad L, f> < 0 in float64 intervals, for many boxes at once; balls look at what these leave open."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.certify.boxes import Box, middle, shares_of, side_to_cut
from adamsym.certify.lyapunov.interval_vectors import (
    ENOUGH,
    largest_size,
    least_size,
    lengths,
    overlap,
    plus,
    product,
    total,
)
from adamsym.certify.outcomes import Decrease, LyapunovOutcome, Proof, Split
from adamsym.expressions.compilation import FloatArray
from adamsym.field.interval.arrays import IntArray
from adamsym.field.interval.field import IntervalField, IntervalRows, RowsOver
from adamsym.field.interval.law import kernel_at
from adamsym.field.interval.rounding import down
from adamsym.field.interval.tables import EPS, TOTAL

TOLERANCE, TOLERANCE_AT_POINTS = 1e-9, 1e-13

_RESERVE, _RESERVE_OF_SIGNS = 0.1, 0.05
"""An upper bound of <grad L, f> is to be negative by this share of the interval's width, and means are to exceed what
N-Lemma 4 asks of them by this share of theirs: the checker has other arithmetic, and splits boxes at more cost."""

Found = LyapunovOutcome | None


@dataclass(frozen=True)
class IntervalDecrease:
    """Says for boxes that L decreases in them, or that they are to be halved; None where balls are to look at them.

    ``field`` is f, ``function`` has the gradients of L, or of another V. Without ``lemma`` nothing is concluded but
    from enclosures of <grad V, f>; else it is what balls prove next to common minima, with the operations that it took.
    """

    field: IntervalField
    function: IntervalRows
    start: Box
    smallest: float
    lemma: Callable[[Box], tuple[Found, int]] | None

    def examined(self, boxes: Sequence[Box]) -> list[tuple[Found, int]]:
        """Return for each box what is found, and the operations that it took; both depend on the box alone."""
        sides = np.array(boxes)
        found, operations = list[Found]([None] * len(boxes)), [self.field.operations] * len(boxes)
        with np.errstate(all="ignore"):
            rows = self.field.rows_over(sides, middle(sides))
            if self.function is not self.field:
                of_function = self.function.rows_over(sides, middle(sides))
                operations = [count + self.function.operations for count in operations]
            else:
                of_function = rows
            left = rows.known & of_function.known
            if self.lemma is not None:
                losses = self.function.losses(sides)
                left &= np.isfinite(losses).all(axis=1)
                facts = _Facts(self.function, rows, losses)
                for number in np.flatnonzero(left).tolist():
                    found[number] = self._by_signs(facts, number)
                for number in [k for k in np.flatnonzero(left).tolist() if found[k] is None]:
                    found[number], more = self.lemma(boxes[number])
                    operations[number] += more
            else:
                facts = _Facts(self.function, of_function, None)
            left &= [one is None for one in found]
            self._by_enclosure(boxes, rows, facts, np.flatnonzero(left), found, operations)
        return list(zip(found, operations, strict=True))

    def _by_signs(self, facts: "_Facts", number: int) -> Decrease | None:
        """N-Lemma 4 in every coordinate, where decay does not pull against the mean gradient."""
        plain = facts.rows.plain[number]
        means, box = facts.plain_means[number], facts.rows.boxes[number]
        decay = self.field.decay[1] > 0
        tables, least = self.field.tables, least_size(means)
        decrease = square = 0.0
        for i, threshold in enumerate(self._thresholds(facts)[number].tolist()):
            if decay and not any((sign * means[i] >= 0).all() and (sign * box[i] >= 0).all() for sign in (1, -1)):
                return None
            if not plain[i].any():
                continue
            excess = down(float(least[i]) - threshold)
            if not excess > _RESERVE_OF_SIGNS * float(means[i, 1] - means[i, 0]):
                return None
            square_mean = float((self.field.shares[:, 1] * largest_size(plain[i]) ** 2).sum()) * ENOUGH + 1e-300
            phi, _ = map(float, kernel_at(square_mean, tables.constants[EPS], tables.root_plus_eps))
            decrease = down(decrease + down(down(float(least[i]) * excess) * phi))
            square = down(square + down(float(least[i]) * float(least[i])))
        decrease = down(decrease * float(tables.constants[TOTAL, 0]))
        return facts.decrease("sign", number, decrease, square) if decrease > 0 else None

    def _halved(self, box: Box, steepness: FloatArray) -> Split | None:
        shares = shares_of(box, self.start)
        if not max(shares.values(), default=0.0) > self.smallest:
            return None
        return Split(side_to_cut(np.array(box), shares, steepness))

    def _thresholds(self, facts: "_Facts") -> FloatArray:
        if facts.thresholds is None:
            facts.thresholds = self.field.sign_thresholds(facts.rows, plain=True)
        return facts.thresholds

    def _by_enclosure(
        self,
        boxes: Sequence[Box],
        rows: RowsOver,
        facts: "_Facts",
        numbers: IntArray,
        found: list[Found],
        operations: list[int],
    ) -> None:
        """<grad V, f> = sum m_i f_i over the boxes, and in mean-value form."""
        if not len(numbers):
            return
        chosen = rows.of(numbers)
        center, center_lags = self.field.at_middles(chosen, TOLERANCE_AT_POINTS)
        in_middles = total(product(facts.centers[numbers], center[:, :, 0]), 1)
        below = np.flatnonzero((in_middles[:, 1] < 0) & (center_lags >= 0))
        for k, number in enumerate(numbers.tolist()):
            operations[number] += self.field.quadrature_operations(int(center_lags[k]))
        # Where it may be 0 or more at the middle halves do not help: balls have more digits, and prove a witness.
        numbers, chosen, center, in_middles = numbers[below], chosen.of(below), center[below], in_middles[below]
        if not len(numbers):
            return
        over, lags = self.field.over(chosen, TOLERANCE)
        values, slopes = facts.over(numbers, chosen, over, center, in_middles)
        steepness = largest_size(slopes)
        for k, number in enumerate(numbers.tolist()):
            operations[number] += self.field.quadrature_operations(int(lags[k]))
            low, high = values[k].tolist()
            if lags[k] >= 0 and high < -_RESERVE * (high - low):
                found[number] = facts.decrease("enclosure", number, -high, facts.square(number))
                continue
            found[number] = self._halved(boxes[number], steepness[k][None, :])


class _Facts:
    """What is known of the mean gradient of a function over boxes, and of its loss."""

    thresholds: FloatArray | None = None

    def __init__(self, function: IntervalRows, rows: RowsOver, losses: FloatArray | None) -> None:
        self.rows, self.losses = rows, losses
        self.plain_means = function.means(rows.plain)
        self.centers, self.slopes = function.means(rows.centers), function.means(rows.slopes)
        shifted = total(product(self.slopes, rows.shifts[:, None]), 2)
        self.means = overlap(self.plain_means, plus(self.centers, shifted))

    def over(
        self, numbers: IntArray, rows: RowsOver, over: FloatArray, center: FloatArray, in_middles: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return <grad V, f> over some boxes (m, 2), and its derivatives (m, d, 2)."""
        f, jacobians, means = over[:, :, 0], over[:, :, 1:], self.means[numbers]
        moved = plus(center[:, :, 0], total(product(jacobians, rows.shifts[:, None]), 2))
        f = overlap(f, moved)
        slopes = total(plus(product(self.slopes[numbers], f[:, :, None]), product(means[:, :, None], jacobians)), 1)
        linear = plus(in_middles, total(product(slopes, rows.shifts), 1))
        return overlap(total(product(means, f), 1), linear), slopes

    def square(self, number: int) -> float:
        """Return a lower bound of |grad V|^2."""
        found = 0.0
        for size in least_size(self.means[number]).tolist():
            found = down(found + down(size * size))
        return found

    def decrease(self, by: Proof, number: int, decrease: float, square: float) -> Decrease:
        """Return the record of a box, from lower bounds of -<grad V, f> and |grad V|^2."""
        if self.losses is None:
            return Decrease(by, None, None, (None, None), None)
        low, high = self.losses[number].tolist()
        hessians = np.moveaxis(self.rows.slopes[number], 2, 0)
        smoothness = float(lengths(hessians.reshape(len(hessians), -1, 2)).max())
        return Decrease(
            by,
            _below(decrease, high),
            _below(down(square / 2), high),
            (low, high),
            smoothness if math.isfinite(smoothness) else None,
        )


def _below(value: float, loss: float) -> float | None:
    """A float below value/loss and not below 0; None if ``loss`` is no positive bound."""
    return max(0.0, down(value / loss)) if loss > 0 else None
