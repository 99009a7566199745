"""That a fold's box has one singular zero, and that it is a nondegenerate fold, proven (theory N-Proposition 10(iii)).

With vectors v and w and B = (Df, w; v', 0), regular on a part of the box for some values, let B (r, g) = (0, 1) and
(l, g) B = (0, 1). Df is singular iff g = 0, and then Df r = 0 and l Df = 0. If l D^2f[r, r] times l df/dp has one sign
wherever f and g may vanish, all singular zeros are turning points of curves of zeros, and to the same side: then there
is one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import flint
import numpy as np
import sympy as sp

from adamsym.certify.box_function import Undefined, values_in_middle
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.krawczyk import along_box, exact_matrix
from adamsym.continuation.clearing import Cleared, direction_over, halves_of
from adamsym.continuation.pushes import Push, push_of, rows_of
from adamsym.continuation.tube_proofs import FINE, ROOM, Over, Prover
from adamsym.expressions.compilation import FloatArray, compile_ball
from adamsym.expressions.sizes import FORMING, derivative_sizes
from adamsym.expressions.work import OutOfWork, budget, spend
from adamsym.field.ball.enclosure import hulls, laws_of_rows
from adamsym.field.ball.law import BallLaw
from adamsym.field.slopes.second import second_slope

MOST_OPERATIONS = 50_000_000
"""Operations on balls that one proof may take, at most."""

_LOOK = 50_000
"""What each look at a box is counted for at least: it takes that long, however few rows there are."""

MOST_LEAVES = 500

MOST_DERIVATIVES = 200
"""Second derivatives of a row's gradient, at most: d^2 (d + 1)/2 for d parameters."""

DEPTH = 8
"""So many times the values are halved at most."""

_DEFECT = 0.5
"""1 - Y B is at most so large, in the maximum norm."""


@dataclass(frozen=True)
class Nondegenerate:
    """In a fold's box is one zero with a singular Df, for all of its values together, and it is a nondegenerate fold.

    ``inverse`` is about that of B with ``right`` and ``left``, v and w. The ``leaves`` fill the box: on those with a
    direction f is not 0, on the others Df is regular where f vanishes, or the curve of zeros turns as at the fold.
    """

    right: FloatArray
    left: FloatArray
    inverse: FloatArray
    leaves: tuple[Cleared, ...]


def proven_nondegenerate(prover: Prover, box: FloatArray, present: Fraction, absent: Fraction) -> Nondegenerate | None:
    """Return the proof for a fold between two values, in the ball arithmetic entered; None if there is none."""
    try:
        with budget(MOST_OPERATIONS):
            bends = _Bends.of(prover)
            bordered = None if bends is None else _bordered(prover, box, (present + absent) / 2)
            if bends is None or bordered is None:
                return None
            proof = _Proof(lru_cache(prover.over), bends, *bordered, 1 if absent > present else -1)
            low, high = sorted((present, absent))
            leaves = proof.leaves(box, low, high)
            return None if leaves is None else Nondegenerate(*bordered, leaves)
    except OutOfWork:
        return None


def _bordered(prover: Prover, box: FloatArray, value: Fraction) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """V, w and about the inverse of B in the middle of a box; None if B is singular there."""
    point = box.mean(axis=1)
    slopes = prover.at(value).enclose(hulls(np.stack([point, point], axis=1)), True, FINE).jacobian
    jacobian = np.array([[float(x.mid()) for x in row] for row in slopes])
    left, _, right = np.linalg.svd(jacobian)
    v, w = right[-1], left[:, -1]
    try:
        inverse = np.linalg.inv(np.block([[jacobian, w[:, None]], [v[None, :], np.zeros((1, 1))]]))
    except np.linalg.LinAlgError:
        return None
    return (v, w, inverse) if np.isfinite(inverse).all() else None


@dataclass(frozen=True)
class _Proof:
    """What is asked of parts of a fold's box and of its values; zeros are to turn to a ``side``: 1 if p falls there."""

    over: Over
    bends: "_Bends"
    right: FloatArray
    left: FloatArray
    inverse: FloatArray
    side: int

    def leaves(self, whole: FloatArray, low: Fraction, high: Fraction) -> tuple[Cleared, ...] | None:
        """Parts that fill a box by halving, each proven for all values; None if they are too many."""
        found, stack = list[Cleared](), [whole]
        while stack:
            box = stack.pop()
            direction = direction_over([self.over(low, high)], box)
            if direction is not None or self._holds(box, low, high, DEPTH):
                found.append(Cleared(box, direction))
                continue
            part = halves_of(box, whole)
            if part is None or len(found) + len(stack) > MOST_LEAVES:
                return None
            stack += part
        return tuple(found)

    def _holds(self, box: FloatArray, low: Fraction, high: Fraction, depth: int) -> bool:
        """Whether zeros in a box are as they should be for all of some values; these are halved where that helps."""
        function = self.over(low, high)
        if self._is_good(function, box):
            return True
        center = box.mean(axis=1)
        if depth == 0 or self._is_good(function, np.stack([center, center], axis=1)):
            return False
        middle = (low + high) / 2
        return self._holds(box, low, middle, depth - 1) and self._holds(box, middle, high, depth - 1)

    def _is_good(self, function: FieldFunction, box: FloatArray) -> bool:
        """Whether no zero is in a box, or at all of them Df is regular or they turn to the side."""
        spend(_LOOK)
        try:
            return self._has_no_zero(function, box) or self._turn(function, box)
        except Undefined:
            return False

    def _has_no_zero(self, function: FieldFunction, box: FloatArray) -> bool:
        """Whether w f, which is about quadratic next to a fold, is not 0."""
        over = function.enclose(hulls(box), True, FINE)
        return _is_clear(along_box(self.left.tolist(), over, values_in_middle(function, box, FINE), box))

    def _turn(self, function: FieldFunction, box: FloatArray) -> bool:
        """Whether, wherever Df is singular, a curve of zeros would have its largest value there; or its least."""
        theta = hulls(box)
        at = function.at(theta)
        slopes = at.enclosure(slopes=True, tolerance=FINE).jacobian
        right = _solved(slopes, self.right, self.left, self.inverse)
        transposed = [list(column) for column in zip(*slopes, strict=True)]
        left = _solved(transposed, self.left, self.right, self.inverse.T)
        if right is None or left is None:
            return False
        if _is_clear(right[-1]):
            return True
        bent = self.bends.along(function, theta, at.sloped_laws, right[:-1])
        pushed = self.bends.pushed(function, theta, at.sloped_laws)
        if bent is None or pushed is None:
            return False
        curvature, push = (sum((x * y for x, y in zip(left, z, strict=False)), flint.arb(0)) for z in (bent, pushed))
        return _is_clear(curvature) and _is_clear(push) and self.side * curvature * push > 0


def _is_clear(x: flint.arb) -> bool:
    """Whether a ball excludes 0 by so much that a checker's wider one will."""
    return bool(abs(x.mid()) > flint.arb(ROOM) * x.rad())


def _solved(
    slopes: Sequence[Sequence[flint.arb]], border: FloatArray, column: FloatArray, inverse: FloatArray
) -> list[flint.arb] | None:
    """The solution of (Df, w; v', 0) x = (0, 1), for all Df; None where a checker may not find one."""
    d = len(border)
    rows = [[*row, flint.arb(float(w))] for row, w in zip(slopes, column, strict=True)]
    matrix = flint.arb_mat([*rows, [*(flint.arb(float(v)) for v in border), flint.arb(0)]])
    spend(4 * (d + 1) ** 3)
    defect = exact_matrix(np.eye(d + 1)) - exact_matrix(inverse) * matrix
    if not all(sum((abs(x).upper() for x in row), flint.arb(0)) < _DEFECT for row in defect.tolist()):
        return None
    try:
        found = matrix.solve(flint.arb_mat([[flint.arb(int(k == d))] for k in range(d + 1)]))
    except ZeroDivisionError:
        return None
    return [row[0] for row in found.tolist()]


@dataclass(frozen=True)
class _Bends:
    """The second derivatives of rows' gradients, and f's in the parameter; over balls."""

    second: Callable[..., list[flint.arb]]
    pushed: Push

    @staticmethod
    def of(prover: Prover) -> "_Bends | None":
        """The derivatives of a field; None where those in the parameter are not known, or they are too many."""
        problem, d = prover.at(prover.axis.values[0]).problem, len(prover.field.problem.names)
        if not problem.is_smooth or d * d * (d + 1) // 2 > MOST_DERIVATIVES:
            return None
        pushed = push_of(prover.over, prover.axis)
        if pushed is None:
            return None
        places = [(i, j, k) for i in range(d) for j in range(d) for k in range(j, d)]
        sizes = [derivative_sizes(one, problem.parameters)[2] for one in problem.gradient_expressions]
        spend(FORMING * d * (d + 1) * sum(sizes))
        gradient, names = problem.gradient_expressions, problem.parameters
        expressions = [sp.diff(gradient[i], names[j], names[k]) for i, j, k in places]
        return _Bends(compile_ball((*names, *problem.columns), expressions), pushed)

    def along(
        self, function: FieldFunction, theta: list[flint.arb], laws: Sequence[object], r: Sequence[flint.arb]
    ) -> list[flint.arb] | None:
        """D^2f[r, r] over a box."""
        d, rows = len(theta), []
        pairs = [(j, k) for j in range(d) for k in range(j, d)]
        for row in rows_of(function):
            entries = iter(self.second(*theta, *row))
            rows.append(
                [sum(((1 + (j < k)) * r[j] * r[k] * next(entries) for j, k in pairs), flint.arb(0)) for _ in range(d)]
            )
        if not all(x.is_finite() for row in rows for x in row):
            return None
        found = []
        for law, bent in zip(laws, laws_of_rows(function.problem, rows), strict=True):
            if not isinstance(law, BallLaw) or not isinstance(bent, BallLaw):
                return None
            columns = zip(*law.slopes, strict=True)
            speeds = [sum((x * y for x, y in zip(r, column, strict=True)), flint.arb(0)) for column in columns]
            one = second_slope(BallLaw(law.atoms, law.probabilities, [speeds]), function.form, bent.atoms)
            if one is None:
                return None
            found.append(-one)
        return found
