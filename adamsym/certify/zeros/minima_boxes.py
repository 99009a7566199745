"""Boxes in which f has no zeros but minima of L that form a manifold, and sets of such boxes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.certify.box_function import BoxFunction
from adamsym.certify.boxes import Box, middle
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.interpolation.bounds import reach_of_zero
from adamsym.certify.interpolation.fitted import FittedRows, fitted_rows
from adamsym.certify.outcomes import OnlyMinima, matrix_of
from adamsym.certify.tasks import MOST_OPERATIONS
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import OutOfWork, budget, spend
from adamsym.field.ball.arithmetic import ball_arithmetic

_REACH = 1.5
"""A box is looked at where residuals vanish within so many times its size, by Newton's method from its middle."""

_MOST_TRIED = 16
"""Boxes of one set from which a point is looked for."""


@dataclass(frozen=True)
class MinimaInBox:
    """Boxes side by side, ``leaves`` in number, within ``box``, shape (d, 2), in which f is 0 at minima of L alone.

    Every zero of f in one of these boxes is a point with L = 0, and these points form a manifold of that ``dimension``
    there. One of them is in one of the boxes, within ``near`` of ``center``; these are None if none is proven to be
    there. ``rows`` span all rows, and ``inverse`` is near an inverse from the right of the gradients of their residuals
    at the center.
    """

    box: FloatArray
    leaves: int
    dimension: int
    rows: tuple[int, ...]
    center: FloatArray | None
    inverse: FloatArray | None
    near: float | None

    @property
    def holds_minimum(self) -> bool:
        """Whether a point with L = 0 is proven to be there."""
        return self.near is not None


class MinimaSearch:
    """Says for boxes that f has no zeros in them but a manifold of minima of L."""

    def __init__(self, fitted: FittedRows) -> None:
        self.fitted = fitted

    def examined(self, box: Box) -> tuple[OnlyMinima | None, int]:
        """Return what is found, None if nothing, and the operations that it took; both depend on the box alone."""
        with budget(MOST_OPERATIONS) as meter, ball_arithmetic():
            try:
                found = self._only_minima(np.array(box))
            except OutOfWork:
                found = None
        return found, MOST_OPERATIONS - meter.left

    def _only_minima(self, sides: FloatArray) -> OnlyMinima | None:
        basis, whole = self.fitted.spanned.basis, self.fitted.spanned.all
        center, reaches = middle(sides), np.ptp(sides, axis=1) / 2
        spend(basis.count * len(center))
        values, slopes = basis.at(center)
        scaled = slopes * reaches
        if not (np.isfinite(values).all() and np.isfinite(scaled).all()):
            return None
        right = np.linalg.pinv(scaled)
        farthest = _REACH * math.sqrt(len(center))
        if np.linalg.norm(right @ values) > farthest:
            return None
        spend(40 * whole.count * len(center))
        inverse = np.asarray(reaches[:, None] * right, dtype=np.float64)
        # Rounded up, since the middle of a box may be no more than near its middle.
        away = np.maximum(center - sides[:, 0], sides[:, 1] - center) * (1 + 2.0**-50)
        proof = self.fitted.proof_over(center, away.tolist(), inverse)
        # Where L is nowhere 0 there are no zeros at all, and simpler proofs of that.
        if not proof.only or proof.empty:
            return None
        point = basis.interpolating_point(center)
        if point is None or np.linalg.norm((point - center) / np.maximum(reaches, math.ulp(0.0))) > farthest:
            return None
        return OnlyMinima(matrix_of(inverse.tolist()))


def minima_search(function: BoxFunction) -> MinimaSearch | None:
    """Return a search for manifolds of minima; None where the problem, or the method, is not one that has them."""
    if not isinstance(function, FieldFunction):
        return None
    with ball_arithmetic():
        fitted = fitted_rows(function.problem, function.form)
    return None if isinstance(fitted, str) else MinimaSearch(fitted)


def sets_of(function: BoxFunction, boxes: Sequence[Box]) -> tuple[tuple[MinimaInBox, ...], list[int]]:
    """Return boxes that have no zeros but minima as sets, no two of which touch, and the number of each one's set."""
    search = minima_search(function) if boxes else None
    if search is None:
        return (), []
    numbers = _touching(np.array(boxes))
    with ball_arithmetic(), budget(MOST_OPERATIONS):
        return tuple(
            _set_of(search.fitted, np.array([box for box, number in zip(boxes, numbers, strict=True) if number == k]))
            for k in range(max(numbers) + 1)
        ), numbers


def _touching(boxes: FloatArray) -> list[int]:
    """For each box the number of its group: those that are linked by boxes that touch each other are in one."""
    numbers, groups = [-1] * len(boxes), 0
    for first in range(len(boxes)):
        pending = [first] if numbers[first] < 0 else []
        groups += len(pending)
        while pending:
            box = boxes[pending.pop()]
            touch = ((boxes[..., 0] <= box[:, 1]) & (box[:, 0] <= boxes[..., 1])).all(axis=1)
            new = [k for k in np.flatnonzero(touch).tolist() if numbers[k] < 0]
            for k in new:
                numbers[k] = groups - 1
            pending += new
    return numbers


def _set_of(fitted: FittedRows, boxes: FloatArray) -> MinimaInBox:
    spanned = fitted.spanned
    hull = np.stack([boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)], axis=1)
    about = hull, len(boxes), spanned.dimension, spanned.rows
    for box in boxes[:_MOST_TRIED]:
        try:
            center = spanned.basis.interpolating_point(middle(box))
            if center is None or not _holds(box, center, 0.0):
                continue
            inverse = np.asarray(np.linalg.pinv(spanned.basis.at(center)[1]), dtype=np.float64)
            near = reach_of_zero(spanned.basis, center, inverse)
        except OutOfWork:
            break
        if near is not None and _holds(box, center, near):
            return MinimaInBox(*about, center, inverse, near)
    return MinimaInBox(*about, None, None, None)


def _holds(box: FloatArray, center: FloatArray, near: float) -> bool:
    """Whether a box holds all points within ``near`` of the center, with some room."""
    return bool((box[:, 0] <= center - 2 * near).all() and (center + 2 * near <= box[:, 1]).all())
