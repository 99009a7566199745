"""What is proven of zeros over an interval of a parameter: one in a tube's box for each value, and the same at a joint.

The box X of a tube stands still, while the zero moves through it. So the interval is cut into equal parts P_j, and each
has a point c_j of X near its zeros: K = c_j - Y f(c_j, P_j) + (1 - Y J) (X - c_j) in the inside of X, J around Df(X, P)
on all of it, proves for every p in P_j that f(., p) has exactly one zero in X (Krawczyk). As X is the same for all
parts, the zero is continuous in p over all of P.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np

from adamsym.certify.box_function import Undefined, values_at
from adamsym.certify.boxes import around, lies_in, lies_inside, middle, shrunk
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.outcomes import Stability
from adamsym.certify.zeros.krawczyk import approximate_inverse, exact_matrix, krawczyk
from adamsym.certify.zeros.stability import stability_of
from adamsym.continuation.axes import Axis
from adamsym.continuation.families import field_at
from adamsym.continuation.paths import jacobian
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.work import spend
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import outward
from adamsym.field.ball.enclosure import divided, hulls

TOLERANCE, FINE = 1e-12, 1e-15
"""Of enclosures over tubes, and at single values, as shares of f's scale."""

ROOM = 1.5
"""By so much more than in the maker's bounds K may reach from c_j: a checker in other arithmetic has wider ones."""

_REACH = 3.0
"""What the half-width of a tube's box is at first of the half of the way that its zero goes."""

_LEAST = 1e-9
"""Share of the zero's size that it is at least."""

_TRIES = 5

_FEW_PARTS = 8

MOST_PARTS = 600
"""Into so many parts the values of a tube are cut at most."""

_SPREAD = 0.1
"""So much may Df differ over the values of a tube, as a share of itself."""

_CONTRACTION = 0.45
"""No wider box is tried where 1 - Y J is more than this, with all room."""

CELLS = (1, 4, 16, 64)
"""Into how many cells its box is cut at most, one choice after the other."""

_STEPS = 12
"""Of Newton's method, by number."""

Over = Callable[[Fraction, Fraction], FieldFunction]
"""The field over all values of the parameter from one to another, both exact."""


@dataclass(frozen=True)
class Tube:
    """For every value from ``low`` to ``high`` exactly one zero is in ``box``, shape (d, 2), of this stability.

    Its derivative in the value is within ``speed``, shape (d, 2); None where that is not known. It moves about
    ``velocity``, shape (d,), times the value's change. For the proof it is enough to enclose Df over ``cells`` of the
    box and ``slope_parts`` of the values, and f over ``parts`` of the values.
    """

    low: Fraction
    high: Fraction
    box: FloatArray
    preconditioner: FloatArray
    stability: Stability
    stability_matrix: FloatArray
    velocity: FloatArray
    cells: int
    slope_parts: int
    parts: int
    speed: FloatArray | None = None

    @property
    def work(self) -> int:
        """How many enclosures the proof takes."""
        return self.cells * self.slope_parts + self.parts


@dataclass(frozen=True)
class Joint:
    """At ``value`` a zero is in ``box``, shape (d, 2), and no other one."""

    value: Fraction
    box: FloatArray
    preconditioner: FloatArray


def equal_parts(low: Fraction, high: Fraction, parts: int) -> list[tuple[Fraction, Fraction]]:
    """Return intervals of equal length, one after the other."""
    cuts = [low + (high - low) * Fraction(k, parts) for k in range(parts + 1)]
    return list(itertools.pairwise(cuts))


def hull_of(enclosed: Sequence[list[list[flint.arb]]]) -> list[list[flint.arb]]:
    """Return a matrix of balls around several."""
    found = enclosed[0]
    for matrix in enclosed[1:]:
        found = [
            [x.union(y) for x, y in zip(row, other, strict=True)] for row, other in zip(found, matrix, strict=True)
        ]
    return found


@dataclass(frozen=True)
class _Motion:
    """About where the zero is over an interval: at ``center`` in its middle, and up to ``reach`` from there."""

    center: FloatArray
    velocity: FloatArray
    reach: FloatArray


class Prover:
    """Proves zeros of a field over intervals of a parameter; call within ``ball_arithmetic()``."""

    def __init__(self, field: AdamField, axis: Axis, over: Over) -> None:
        self.field, self.axis, self.over = field, axis, over
        self._cells = CELLS[0]

    def zero(self, value: Fraction, theta: FloatArray) -> FloatArray | None:
        """Return the zero that Newton's method reaches at a value, by number."""
        one, last = field_at(self.field, {self.axis: value}), np.inf
        for _ in range(_STEPS):
            try:
                with np.errstate(all="ignore"):
                    step = np.linalg.solve(jacobian(one, theta), one(theta))
            except (np.linalg.LinAlgError, InputError):
                return None
            theta, length = theta - step, float(np.abs(step).max())
            if not np.isfinite(length):
                return None
            size = max(float(np.abs(theta).max()), 1e-6)
            if length <= 1e-14 * size or (length <= 1e-9 * size and length >= last / 2):
                return theta
            last = length
        return None

    def at(self, value: Fraction) -> FieldFunction:
        """Return the field at one value."""
        return self.over(value, value)

    def isolated(self, value: Fraction, theta: FloatArray, reach: FloatArray | None = None) -> Joint | None:
        """Return a box around a zero at one value in which it is proven to be alone; None if that is not proven."""
        center = self.zero(value, theta)
        if center is None:
            return None
        function, reach = self.at(value), 1e-10 * np.maximum(1.0, np.abs(center)) if reach is None else reach
        box = around(center, reach)
        try:
            over = function.enclose(hulls(box), True, FINE)
        except Undefined:
            return None
        inverse = approximate_inverse(over.jacobian)
        image = None if inverse is None else krawczyk(function, box, inverse, FINE, over)
        proven = inverse is not None and image is not None and lies_inside(image, shrunk(box, 1 / 3))
        return Joint(value, box, inverse) if proven and inverse is not None else None

    def joint(self, value: Fraction, one: Tube, other: Tube, theta: FloatArray) -> Joint | None:
        """Return a box around the zero where two tubes meet, in both of their boxes; None if none is proven."""
        found = self.isolated(value, theta)
        inside = found is not None and all(lies_in(found.box, tube.box) for tube in (one, other))
        return found if inside else None

    def tube(self, low: Fraction, high: Fraction, theta: FloatArray) -> Tube | None:
        """Return the tube over an interval around the zero that is near ``theta``; None if none is proven."""
        motion = self._motion(low, high, theta)
        if motion is None:
            return None
        try:
            return self._tube(low, high, motion)
        except Undefined:
            return None

    def _motion(self, low: Fraction, high: Fraction, theta: FloatArray) -> _Motion | None:
        inside = self.zero((low + high) / 2, theta)
        first = None if inside is None else self.zero(low, inside)
        last = None if inside is None else self.zero(high, inside)
        if inside is None or first is None or last is None:
            return None
        length = float(high - low)
        chord = (first + last) / 2
        velocity = (last - first) / length if length > 0 else np.zeros_like(inside)
        return _Motion((chord + inside) / 2, velocity, np.abs(last - first) / 2 + np.abs(inside - chord) / 2)

    def _tube(self, low: Fraction, high: Fraction, motion: _Motion) -> Tube | None:
        widths, slope_parts = self._at_middle(low, high, motion.center)
        if slope_parts > MOST_PARTS:
            return None
        functions = [self.over(*piece) for piece in equal_parts(low, high, slope_parts)]
        least = (_LEAST if low < high else 0.2 * _LEAST) * np.maximum(1.0, np.abs(motion.center))
        narrow = np.maximum(_REACH * motion.reach, least)
        # So wide that f over few parts is narrow enough: a zero may hardly move and f be wide all the same.
        wide = np.maximum(narrow, widths / _FEW_PARTS)
        reaches = (wide, narrow) if (wide > narrow).any() else (narrow,)
        for cells, reach in itertools.product(CELLS[max(0, CELLS.index(self._cells) - 1) :], reaches):
            found = _box(functions, motion, cells, reach, least)
            if found is not None:
                break
        else:
            return None
        self._cells = cells
        box, inverse, slopes, left = found
        number = float((1.2 * ROOM * widths / left).max())
        if not number <= MOST_PARTS:
            return None
        parts = max(1, math.ceil(number))
        for piece in equal_parts(low, high, parts):
            point = _along(box, motion.velocity, low, high, piece)
            if not lies_inside(_with_room(*_image(self.over(*piece), box, point, inverse, slopes)), box):
                return None
        stability, matrix = stability_of(slopes)
        about = (low, high, box, inverse, stability, np.array(matrix))
        return Tube(*about, motion.velocity, cells, slope_parts, parts)

    def _at_middle(self, low: Fraction, high: Fraction, center: FloatArray) -> tuple[FloatArray, int]:
        """How wide Y f is at a point over all values, and in how many parts of these Df is narrow enough there."""
        over = self.over(low, high).enclose(hulls(np.stack([center, center], axis=1)), True, TOLERANCE)
        inverse = approximate_inverse(over.jacobian)
        widths = np.array([float(x.rad()) for x in over.value])
        if inverse is None:
            return widths, MOST_PARTS + 1
        spread = float(_defect(inverse, over.jacobian).sum(axis=1).max())
        return np.abs(inverse) @ widths, max(1, math.ceil(min(spread / _SPREAD, MOST_PARTS + 1)))


def _box(
    functions: Sequence[FieldFunction], motion: _Motion, cells: int, reach: FloatArray, least: FloatArray
) -> tuple[FloatArray, FloatArray, list[list[flint.arb]], FloatArray] | None:
    """The box of a tube, the inverse, Df over it, and how much room is left in it; None if it would be too wide."""
    for _ in range(_TRIES):
        box = around(motion.center, reach)
        slopes = hull_of(
            [one.enclose(hulls(cell), True, TOLERANCE).jacobian for one in functions for cell in divided(box, cells)]
        )
        inverse = approximate_inverse(slopes)
        if inverse is None:
            return None
        defect = _defect(inverse, slopes)
        needed = motion.reach + ROOM * defect @ (reach + motion.reach)
        if (needed < 0.9 * reach).all():
            return box, inverse, slopes, reach - needed
        # Wider boxes have wider defects.
        if not ROOM * np.abs(np.linalg.eigvals(defect)).max() < _CONTRACTION:
            return None
        reach = 1.25 * np.maximum(needed, least)
    return None


def _defect(inverse: FloatArray, slopes: list[list[flint.arb]]) -> FloatArray:
    """Bounds of the magnitudes of 1 - Y J, shape (d, d)."""
    found = exact_matrix(np.eye(len(inverse))) - exact_matrix(inverse) * flint.arb_mat(slopes)
    return np.array([[float(abs(x).upper()) for x in row] for row in found.tolist()])


def _along(
    box: FloatArray, velocity: FloatArray, low: Fraction, high: Fraction, piece: tuple[Fraction, Fraction]
) -> FloatArray:
    """About where the zero is in the middle of a part; in the box."""
    return np.clip(middle(box) + velocity * float((sum(piece) - low - high) / 2), box[:, 0], box[:, 1])


def _image(
    function: FieldFunction, box: FloatArray, point: FloatArray, inverse: FloatArray, slopes: list[list[flint.arb]]
) -> tuple[FloatArray, FloatArray]:
    """The point c, and a box around c - Y f(c) + (1 - Y J) (X - c)."""
    spend(2 * len(box) ** 3)
    y, c = exact_matrix(inverse), exact_matrix(point[:, None])
    value = flint.arb_mat([[x] for x in values_at(function, point, TOLERANCE)])
    side = flint.arb_mat([[x] for x in hulls(box)])
    image = c - y * value + (exact_matrix(np.eye(len(box))) - y * flint.arb_mat(slopes)) * (side - c)
    return point, np.array([outward(image[i, 0]) for i in range(len(box))])


def _with_room(point: FloatArray, image: FloatArray) -> FloatArray:
    """The image as it may be in wider bounds."""
    return point[:, None] + ROOM * (image - point[:, None])
