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
from adamsym.certify.interpolated_slope import interpolated_slope
from adamsym.certify.outcomes import Matrix, NoZeroByDirection, NoZeroBySign, Stability, matrix_of
from adamsym.certify.zeros.clusters import groups_of, hull_of
from adamsym.certify.zeros.krawczyk import approximate_inverse, direction_without_zero, exact_matrix
from adamsym.certify.zeros.stability import lyapunov_matrix, stability_by
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import OutOfWork, budget, spend
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import BoxEnclosure, hulls
from adamsym.methods.method import AdaptiveMethod

Over = tuple[tuple[Fraction, Fraction], ...]
"""A cell: the lowest and the highest value of each hyper-parameter."""

TOLERANCE = 1e-9

MOST_OPERATIONS = 100_000_000
"""Operations on balls for one cell, at most."""

_MOST_BOXES = 1_000
"""Boxes that are looked at in one cell."""

_SMALLEST = 2.0**-40
"""Boxes narrower than this share of the whole one are halved no further."""

_ROOM = 0.95, 0.7
"""What |1 - Y Df| may be in one dimension, where halves are as good, and in more: the checker's bounds are wider."""

_REGULAR = 0.8
"""Where 1 - Y Df is not smaller than this at a point, that it is smaller than 1 around it is not worth proving."""

_KEPT = 0.5
"""Where 1 - Y Df is smaller than this, a zero is near that a box does not exclude."""

_MOST_PARTS, _FACE_DEPTH = 32, 4
"""Parts of a box around a zero that Df is enclosed over, and how often a face of it is halved."""

_INFLATIONS = (1.0, 1.25, 1.6)

_LEFT, _WIDER = 0.1, 4
"""What the slope between nodes may err by, as a share of what would decide; and how much wider than at a point one over a
box is that may be narrower by nodes."""

_OPEN, _NEAR = 0.02, 0.5
"""What of f is small beside how it varies over the cell: too small to be excluded; and for now, where the cell is to be
divided anyway."""

_TRIES, _ASIDE = 3, 0.02
"""How often f' = 0 is looked for, by secants over such a share of theta."""

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
        self.start = np.array(question.start)
        self.known = [(number, np.array(box)) for number, box in asked.regions]
        self.leaves, self.regions = list[Leaf](), list[Region]()
        self.kept, self.stack = list[Box](), list[Box]()
        self.is_first, self.suspect = asked.pending == (question.start,), None

    def _enclose(self, sides: FloatArray) -> BoxEnclosure:
        return self.function.enclose(hulls(sides), True, TOLERANCE)

    def _values(self, sides: FloatArray) -> list[flint.arb]:
        return values_in_middle(self.function, sides, TOLERANCE)

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
        for _ in range(_TRIES):
            over = self._enclose(np.stack([point, point], axis=1))
            if self._is_singular(over.jacobian) and all(value.contains(0) for value in over.value):
                self.suspect = tuple(point.tolist())
                return
            if len(point) > 1:
                return
            point = self._critical(point, over)

    def _critical(self, point: FloatArray, over: BoxEnclosure) -> FloatArray:
        """About where f' is 0 for the middle of the values, of one parameter."""
        beside = point + _ASIDE * np.maximum(np.abs(point), 1e-3)
        other = self._enclose(np.stack([beside, beside], axis=1))
        one, two = float(over.jacobian[0][0].mid()), float(other.jacobian[0][0].mid())
        found = point - one * (beside - point) / (two - one) if two != one else point
        return np.clip(found, self.start[:, 0], self.start[:, 1]) if np.isfinite(found).all() else point

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
            center = self._values(sides)
            is_open = _are_near_zero(center, _OPEN)
            if is_open and self.suspect is not None:
                return None
            over = self._enclose(sides)
        except Undefined:
            return self._halves(box, None)
        over = self._sharper(sides, over, center, is_open)
        direction = direction_without_zero(over, center, sides)
        if direction is not None:
            return NoZeroByDirection(tuple(direction))
        ratio = _ratio(over.jacobian, approximate_inverse(over.jacobian), np.ptp(sides, axis=1))
        if is_open:
            # Hardly any part around the middle can be excluded. Where Df is too wide there too, narrower boxes do not help, and
            # the cell is to be divided: what else is open in it can wait.
            if ratio < 1:
                return None
            if self._is_singular(self._enclose(np.stack([middle(sides)] * 2, axis=1)).jacobian):
                self.suspect = tuple(middle(sides).tolist())
                return None
        elif ratio < _KEPT or (self.suspect is not None and _are_near_zero(center, _NEAR)):
            return None
        return self._halves(box, over)

    def _sharper(self, sides: FloatArray, over: BoxEnclosure, center: list[flint.arb], is_open: bool) -> BoxEnclosure:
        """The enclosure with a Jacobian that is known better, where that may be enough to say more of the box."""
        if len(sides) > 1 or direction_without_zero(over, center, sides) is not None:
            return over
        at, reach, size = self._slope_in_middle(sides), np.ptp(sides, axis=1)[0] / 2, float(center[0].abs_lower())
        least = float(at.abs_lower())
        if not is_open and least * reach >= size:
            return over
        return BoxEnclosure(over.value, self._interpolated(sides, over.jacobian, at, least if is_open else size / reach))

    def _slopes(self, sides: FloatArray) -> list[list[flint.arb]]:
        """Df over a box, as well as it is known where it is regular."""
        found = self._enclose(sides).jacobian
        if len(sides) > 1:
            return found
        at = self._slope_in_middle(sides)
        return self._interpolated(sides, found, at, float(at.abs_lower()))

    def _slope_in_middle(self, sides: FloatArray) -> flint.arb:
        """F' there, of one parameter."""
        return self._enclose(np.stack([middle(sides)] * 2, axis=1)).jacobian[0][0]

    def _interpolated(
        self, sides: FloatArray, slopes: list[list[flint.arb]], at: flint.arb, size: float
    ) -> list[list[flint.arb]]:
        """F' over a box from points of it, if that may be narrower: to a share of ``size``; ``at`` is that in the middle."""
        allowed, radius = _LEFT * size, float(slopes[0][0].rad())
        if not 0 < allowed < radius or radius < _WIDER * float(at.rad()):
            return slopes
        found = interpolated_slope(self.function, sides, allowed, TOLERANCE)
        return slopes if found is None or float(found.rad()) > radius else [[found]]

    def _is_singular(self, jacobian: list[list[flint.arb]]) -> bool:
        """Whether Df at a point may be singular for some of the values."""
        return not _ratio(jacobian, approximate_inverse(jacobian), np.ones(len(jacobian))) < _REGULAR

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
        parts, jacobians = [box_of(box)], [self._slopes(box)]
        while True:
            whole = jacobians[0]
            for one in jacobians[1:]:
                whole = [[x.union(y) for x, y in zip(a, b, strict=True)] for a, b in zip(whole, one, strict=True)]
            inverse = approximate_inverse(whole)
            wide = [k for k, one in enumerate(jacobians) if not _ratio(one, inverse, reach) < _ROOM[len(box) > 1]]
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
                jacobians[k : k + 1] = [self._slopes(np.array(half)) for half in two]

    def _positive(self, face: FloatArray, direction: FloatArray, depth: int) -> bool:
        """Whether y f > 0 over a face for every value."""
        y = [float(x) for x in direction]
        center = self._values(face)
        if not along(y, center) > 0:
            return False
        if (face[:, 0] == face[:, 1]).all():
            return True
        over = self._enclose(face)
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


def _ratio(jacobian: list[list[flint.arb]], inverse: FloatArray | None, reach: FloatArray) -> float:
    """The norm of 1 - Y Df, that of which boxes of the size ``reach`` are the balls; infinity without a Y."""
    if inverse is None or not (reach > 0).all():
        return np.inf
    d = len(inverse)
    spend(2 * d**3)
    rest = exact_matrix(np.eye(d)) - exact_matrix(inverse) * flint.arb_mat(jacobian)
    bounds = np.array([[float(entry.abs_upper()) for entry in row] for row in rest.tolist()])
    with np.errstate(all="ignore"):
        return float(np.nan_to_num((bounds @ reach / reach).max(), nan=np.inf)) * (1 + 1e-9)


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
