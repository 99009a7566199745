"""What is proven of the zeros in a box for all values of hyper-parameters in one cell of these.

Boxes are excluded by the sign lemmas and by enclosures over the cell, and halved where that helps. Where it does not,
since f vanishes there for some value, those side by side are taken together: X holds exactly one zero for every value
if |1 - Y Df| < 1 in a norm on X, and the coordinates of Y f have opposite signs on opposite faces (N-Proposition 9).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import flint
import numpy as np

from adamsym.certify.box_function import Undefined, along, values_in_middle
from adamsym.certify.boxes import Box, box_of, halves, lies_in, middle, shares_of, side_to_cut
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.outcomes import Matrix, NoZeroByDirection, NoZeroBySign, Stability, matrix_of
from adamsym.certify.zeros.clusters import groups_of, hull_of
from adamsym.certify.zeros.krawczyk import approximate_inverse, direction_without_zero
from adamsym.certify.zeros.stability import lyapunov_matrix, stability_by
from adamsym.continuation.cell_field import TOLERANCE, CellField, ratio_of
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import BoxEnclosure, hulls
from adamsym.methods.method import AdaptiveMethod

Over = tuple[tuple[Fraction, Fraction], ...]
"""A cell: the lowest and the highest value of each hyper-parameter."""

MOST_OPERATIONS = 100_000_000
"""Operations on balls for one cell, at most."""

_MOST_BOXES = 1_000
"""Boxes that are looked at in one cell."""

_SMALLEST = 2.0**-40
"""Boxes narrower than this share of the whole one are halved no further."""

_ROOM = 0.95, 0.7
"""What |1 - Y Df| may be in one dimension, where halves are as good, and in more: the checker's bounds are wider."""

_KEPT = 0.5
"""Where 1 - Y Df is smaller than this, a zero is near that a box does not exclude."""

_MOST_PARTS, _FACE_DEPTH = 32, 4
"""Parts of a box around a zero that Df is enclosed over, and how often a face of it is halved."""

_INFLATIONS = (1.0, 1.25, 1.6)

_OPEN, _NEAR = 0.02, 0.5
"""What of f is small beside how it varies over the cell: too small to be excluded; and for now, where the cell is to be
divided anyway."""

_TRIES = 3
"""How often f' = 0 is looked for."""

_WIDEST = 4
"""1 - beta may be so many times as large at one end of a cell: the numbers of lags are those of its ends together."""


@dataclass(frozen=True)
class Region:
    """For every value in the cell ``over`` exactly one zero is in ``box``, of this stability."""

    over: Over
    box: Box
    preconditioner: Matrix
    stability: Stability
    stability_matrix: Matrix


@dataclass(frozen=True)
class Leaf:
    """For every value in the cell ``over`` no zero is in ``box``, or only that of the region with this number."""

    over: Over
    box: Box
    proof: NoZeroBySign | NoZeroByDirection | int


@dataclass(frozen=True)
class Asked:
    """A cell, the boxes in which there may be zeros that are not known, and the regions that hold over a larger one.

    At ``suspect``, if there is one, f and Df vanish for some of the values, as far as could be seen.
    """

    over: Over
    pending: tuple[Box, ...]
    regions: tuple[tuple[int, Box], ...]
    suspect: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Answer:
    """What is found in a cell: leaves, and new regions, whose numbers are -1, -2, ...; and what is left.

    ``cut`` is the number of the hyper-parameter along which the cell is best divided; ``suspect`` is where f and Df
    may vanish together.
    """

    leaves: tuple[Leaf, ...]
    regions: tuple[Region, ...]
    pending: tuple[Box, ...]
    cut: int
    operations: int
    suspect: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Question:
    """What the cells share: the field, the hyper-parameters' names and the whole box of theta."""

    function: FieldFunction
    names: tuple[str, ...]
    start: Box

    def over(self, cell: Over) -> FieldFunction:
        """Return the field over a cell."""
        assert isinstance(self.function.method, AdaptiveMethod)
        return self.function.with_form(self.function.method.laplace_over_all(dict(zip(self.names, cell, strict=True))))


def examined(question: Question, asked: Asked) -> Answer:
    """Return what is proven in one cell; it depends on what is asked alone."""
    wide = next((j for j, name in enumerate(question.names) if _is_wide(name, asked.over[j])), None)
    if wide is not None:
        return Answer((), (), asked.pending, wide, 1)
    with ball_arithmetic(), budget(MOST_OPERATIONS) as meter:
        cell = _Cell(question, asked)
        try:
            cell.suspect_again()
            cell.look(asked.pending)
            cell.join()
            cut = cell.best_cut() if cell.kept else 0
        except OutOfWork:
            # Regions without leaves that name them say nothing.
            cell.kept, cell.regions, cut = [*cell.kept, *cell.stack], [], 0
        spent = MOST_OPERATIONS - meter.left
        return Answer(tuple(cell.leaves), tuple(cell.regions), tuple(cell.kept), cut, spent, cell.suspect)


class _Cell:
    def __init__(self, question: Question, asked: Asked) -> None:
        self.question, self.asked = question, asked
        self.function = question.over(asked.over)
        self.field = CellField(self.function)
        self.start = np.array(question.start)
        self.known = [(number, np.array(box)) for number, box in asked.regions]
        self.leaves, self.regions = list[Leaf](), list[Region]()
        self.kept, self.stack = list[Box](), list[Box]()
        self.is_first = asked.pending == (question.start,)
        self.suspect: tuple[float, ...] | None = None

    def look(self, pending: Sequence[Box]) -> None:
        """Exclude what can be, halving boxes; ``kept`` are those where halving does not help."""
        self.stack = list(reversed(pending))
        looked, halved = 0, list[tuple[Box, tuple[Box, Box]]]()
        while self.stack:
            box = self.stack[-1]
            looked += 1
            found = self._look(box) if looked <= _MOST_BOXES else None
            self.stack.pop()
            if isinstance(found, tuple):
                self.stack.extend(reversed(found))
                halved.append((box, found))
            elif found is None:
                self.kept.append(box)
            else:
                self.leaves.append(Leaf(self.asked.over, box, found))
        self._unite(halved)

    def _unite(self, halved: list[tuple[Box, tuple[Box, Box]]]) -> None:
        """Take halves of a box together again where both are kept: that it was halved did not help."""
        kept = set(self.kept)
        for box, two in reversed(halved):
            if kept.issuperset(two):
                kept = (kept - set(two)) | {box}
        self.kept = sorted(kept)

    def suspect_again(self) -> None:
        """See whether f and Df may vanish together for this cell too, near where they may for a larger one."""
        if self.asked.suspect is None:
            return
        point = np.array(self.asked.suspect)
        try:
            for _ in range(_TRIES if len(point) == 1 else 1):
                over = self.field.enclose(np.stack([point, point], axis=1))
                if self.field.is_singular(over.jacobian) and all(value.contains(0) for value in over.value):
                    self.suspect = tuple(point.tolist())
                    return
                if len(point) == 1:
                    point = np.clip(self.field.critical(point, over), self.start[:, 0], self.start[:, 1])
        except Undefined:
            return

    def _look(self, box: Box) -> NoZeroBySign | NoZeroByDirection | int | tuple[Box, Box] | None:
        """Return why a box holds no zero, or its halves; None where it is to be kept."""
        sides = np.array(box)
        for number, region in self.known:
            if lies_in(sides, region):
                return number
        try:
            # In parts of what was looked at before, enclosures say more.
            coordinate = self.function.at(hulls(sides)).nonzero() if self.is_first else None
            if coordinate is not None:
                return NoZeroBySign(coordinate)
            center = self.field.values(sides)
            is_open = _are_near_zero(center, _OPEN)
            if is_open and self.suspect is not None:
                return None
            over = self.field.enclose(sides)
        except Undefined:
            return self._halves(box, None)
        over = self.field.sharper(sides, over, center, is_open)
        direction = direction_without_zero(over, center, sides)
        if direction is not None:
            return NoZeroByDirection(tuple(direction))
        ratio = ratio_of(over.jacobian, approximate_inverse(over.jacobian), np.ptp(sides, axis=1))
        if is_open:
            # Hardly any part around the middle can be excluded. Where Df is too wide there too, narrower boxes do not
            # help, and the cell is to be divided: what else is open in it can wait.
            if ratio < 1:
                return None
            if self.field.is_singular(self.field.enclose(np.stack([middle(sides)] * 2, axis=1)).jacobian):
                self.suspect = tuple(middle(sides).tolist())
                return None
            return self._halves(box, over)
        waits = self.suspect is not None and _are_near_zero(center, _NEAR)
        waits = waits or (ratio < _KEPT and self.field.may_cross(sides))
        return None if waits else self._halves(box, over)

    def _halves(self, box: Box, over: BoxEnclosure | None) -> tuple[Box, Box] | None:
        shares = shares_of(box, self.question.start)
        if max(shares.values(), default=0.0) <= _SMALLEST:
            return None
        steepness = None
        if over is not None and all(entry.is_finite() for row in over.jacobian for entry in row):
            steepness = np.array([[float(entry.abs_upper()) for entry in row] for row in over.jacobian])
        return halves(box, side_to_cut(np.array(box), shares, steepness))

    def join(self) -> None:
        """Prove one zero in the hulls of boxes that lie side by side."""
        kept, left, leaves = self.kept, list[Box](), list[Leaf]()
        for members in groups_of(np.array(kept)) if kept else ():
            boxes = [kept[number] for number in members]
            hull = hull_of(np.array(boxes))
            region = None if self._holds_suspect(hull) else self._one_zero(hull)
            if region is None:
                left += boxes
                continue
            self.regions.append(region)
            leaves += [Leaf(self.asked.over, box, -len(self.regions)) for box in boxes]
        self.kept, self.leaves = left, [*self.leaves, *leaves]

    def _holds_suspect(self, hull: FloatArray) -> bool:
        suspect = self.suspect
        return suspect is not None and bool((hull[:, 0] <= suspect).all() and (suspect <= hull[:, 1]).all())

    def _one_zero(self, hull: FloatArray) -> Region | None:
        for factor in _INFLATIONS[: 1 if len(hull) == 1 else None]:
            center, reach = middle(hull), factor * np.ptp(hull, axis=1) / 2
            box = hull if factor == 1 else np.stack([center - reach, center + reach], axis=1)
            box = np.stack([np.maximum(box[:, 0], self.start[:, 0]), np.minimum(box[:, 1], self.start[:, 1])], axis=1)
            others = [*(region for _, region in self.known), *(np.array(region.box) for region in self.regions)]
            if not any(_overlap(box, other) for other in others):
                try:
                    found = self._proven(box)
                except Undefined:
                    continue
                if found is not None:
                    return found
        return None

    def _proven(self, box: FloatArray) -> Region | None:
        """The proof that a box holds exactly one zero for every value."""
        found = self._preconditioner(box)
        if found is None:
            return None
        inverse, jacobians = found
        for i, row in enumerate(inverse):
            for end, sign in ((0, -1.0), (1, 1.0)):
                face = box.copy()
                face[i] = box[i, end]
                if not self._positive(face, sign * row, _FACE_DEPTH):
                    return None
        p = lyapunov_matrix(jacobians[0])
        stability: Stability = "undecided" if p is None else stability_by(jacobians[0], p)
        if p is None or any(stability_by(one, p) != stability for one in jacobians):
            stability = "undecided"
        matrix = () if p is None or stability == "undecided" else matrix_of(p)
        return Region(self.asked.over, box_of(box), matrix_of(inverse), stability, matrix)

    def _preconditioner(self, box: FloatArray) -> tuple[FloatArray, list[list[list[flint.arb]]]] | None:
        """Y with |1 - Y Df| < 1 over a box, and Df over parts of it; None if none is found."""
        reach = np.ptp(box, axis=1)
        parts, jacobians = [box_of(box)], [self.field.slopes(box)]
        while True:
            whole = jacobians[0]
            for one in jacobians[1:]:
                whole = [[x.union(y) for x, y in zip(a, b, strict=True)] for a, b in zip(whole, one, strict=True)]
            inverse = approximate_inverse(whole)
            wide = [k for k, one in enumerate(jacobians) if not ratio_of(one, inverse, reach) < _ROOM[len(box) > 1]]
            if not wide and inverse is not None:
                return inverse, jacobians
            if len(parts) + len(wide) > (_MOST_PARTS if self.suspect is None else 1):
                return None
            for k in reversed(wide):
                shares = shares_of(parts[k], box_of(box))
                if not shares:
                    return None
                two = halves(parts[k], max(shares, key=lambda j: shares[j]))
                parts[k : k + 1] = two
                jacobians[k : k + 1] = [self.field.slopes(np.array(half)) for half in two]

    def _positive(self, face: FloatArray, direction: FloatArray, depth: int) -> bool:
        """Whether y f > 0 over a face for every value."""
        y = [float(x) for x in direction]
        center = self.field.values(face)
        if not along(y, center) > 0:
            return False
        if (face[:, 0] == face[:, 1]).all():
            return True
        over = self.field.enclose(face)
        found = along(y, center)
        for j, (x, m) in enumerate(zip(hulls(face), middle(face), strict=True)):
            found += along(y, [row[j] for row in over.jacobian]) * (x - flint.arb(float(m)))
        if found > 0 or along(y, over.value) > 0:
            return True
        shares = shares_of(box_of(face), box_of(face))
        if depth == 0 or not shares:
            return False
        parts = halves(box_of(face), max(shares, key=lambda j: face[j, 1] - face[j, 0]))
        return all(self._positive(np.array(part), direction, depth - 1) for part in parts)

    def best_cut(self) -> int:
        """The hyper-parameter without whose range f is known best in the middle of a box that is left."""
        if len(self.asked.over) == 1:
            return 0
        box = np.array(self.kept[len(self.kept) // 2])
        widths = []
        for j, (low, high) in enumerate(self.asked.over):
            if low == high:
                widths.append(np.inf)
                continue
            cell = (*self.asked.over[:j], ((low + high) / 2,) * 2, *self.asked.over[j + 1 :])
            values = values_in_middle(self.question.over(cell), box, TOLERANCE)
            widths.append(sum(float(value.rad()) for value in values))
        return int(np.argmin(widths))


def _is_wide(name: str, values: tuple[Fraction, Fraction]) -> bool:
    """Whether a range is to be divided before anything is tried."""
    low, high = values
    return name == "beta2" and 1 - low > _WIDEST * (1 - high)


def _are_near_zero(values: Sequence[flint.arb], share: float) -> bool:
    """Whether 0 is in all of some balls, or so near to them as this share of their radii."""
    return all(float(value.abs_lower()) <= share * float(value.rad()) for value in values)


def _overlap(one: FloatArray, other: FloatArray) -> bool:
    """Whether the insides of two boxes meet."""
    return bool((one[:, 0] < other[:, 1]).all() and (other[:, 0] < one[:, 1]).all())


def numbered(answer: Answer, first: int) -> Answer:
    """Return an answer whose new regions have the numbers from ``first`` on."""
    leaves = tuple(
        replace(leaf, proof=first - 1 - leaf.proof) if isinstance(leaf.proof, int) and leaf.proof < 0 else leaf
        for leaf in answer.leaves
    )
    return replace(answer, leaves=leaves)
