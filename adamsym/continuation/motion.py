"""How fast the zero of a certified branch moves with the parameter: proven bounds of dtheta/dp = -Df^-1 df/dp."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from adamsym.certify.box_function import Undefined
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.krawczyk import approximate_inverse, krawczyk
from adamsym.continuation.certified import CertifiedBranch
from adamsym.continuation.families import function_over
from adamsym.continuation.pushes import Push, push_of
from adamsym.continuation.tube_proofs import ROOM, Over, Tube
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.results import Result, counted, plain
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import hulls

_TOLERANCE = 1e-12
"""Of enclosures over pieces, as a share of f's scale."""

MOST_HALVINGS, _FEW = 7, 4
"""How often a tube is halved while the sign of a component is open; and for a certificate."""

_MUCH_ROOM = 4.0

MOST_OPERATIONS = 200_000_000
"""Operations on balls that the speeds along a branch may take, at most: beyond, nothing is said of them."""


@dataclass(frozen=True, repr=False)
class Motion(Result):
    """For every value from ``low`` to ``high`` the zero is in ``box`` and moves with ``speed``, shapes (d, 2)."""

    low: Fraction
    high: Fraction
    box: FloatArray
    speed: FloatArray
    parameter: str = "beta2"

    @property
    def verdict(self) -> str:
        """Certified."""
        return "certified"

    @property
    def summary(self) -> str:
        """Over which values, and how many coordinates are proven to increase or to decrease."""
        up, down = self.signs.count(1), self.signs.count(-1)
        values = f"for {self.parameter} from {float(self.low):g} to {float(self.high):g}"
        return f"{counted(len(self.speed), 'coordinate')} {values}: {up} increase, {down} decrease"

    def to_dict(self) -> dict[str, Any]:
        """Return the values, the box and the bounds of the speed in lists, ready for JSON."""
        values = [float(self.low), float(self.high)]
        return {"value": values, "enclosure": plain(self.box), "speed": plain(self.speed), "signs": list(self.signs)}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the ends of the zero's box and of its speed."""
        boxes, words = {"zero": self.box, "speed": self.speed}, ("lower", "upper")
        ends = {f"{name}_{end}": box[:, k] for name, box in boxes.items() for k, end in enumerate(words)}
        return {"parameter": parameter_names(names, len(self.box), ()), **ends}

    @property
    def signs(self) -> tuple[int, ...]:
        """Whether each coordinate of the zero is proven to increase, 1, or to decrease, -1; else 0."""
        return tuple(int(low > 0) - int(high < 0) for low, high in self.speed)


@checked_arguments
def enclose_motion(branch: CertifiedBranch) -> tuple[Motion, ...]:
    """Return proven bounds of dtheta/dp along a certified branch over a parameter p, piece after piece.

    By the theorem on implicit functions Df dtheta/dp = -df/dp, and all three are enclosed over each piece of each tube
    (theory N-Proposition 8). A tube is halved up to seven times where the sign of a component is open. Bounds are
    infinite where Df may have no inverse.

    Raises
    ------
    NotApplicable
        For a probability in the data; for eps under a root with the second moment; for beta1 and beta2 of methods whose
        other numbers depend on them; for minibatches that are too many to be listed.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, certify_branch
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = certify_branch(AdamField(problem, Adam()), "beta2", "0.99", "0.991", [1.0])
    >>> {piece.signs for piece in enclose_motion(found)}
    {(1,)}
    """
    with ball_arithmetic():
        moved = _Moved.of(branch)
        if moved is None:
            raise NotApplicable(f"branch: no enclosure of df/d{branch.axis.name} is known, so not how its zeros move")
        return tuple(piece for tube in branch.tubes for piece in moved.pieces(tube))


def with_speeds(branch: CertifiedBranch) -> CertifiedBranch:
    """Return the branch with bounds of the speed in each tube, as far as they are known and the work suffices."""
    tubes = list[Tube]()
    try:
        with budget(MOST_OPERATIONS):
            moved = _Moved.of(branch)
            if moved is not None:
                tubes.extend(replace(tube, speed=moved.speed(tube)) for tube in branch.tubes)
    except (OutOfWork, NotApplicable):
        pass
    return replace(branch, tubes=(*tubes, *branch.tubes[len(tubes) :]))


@dataclass(frozen=True)
class _Moved:
    """The zeros of a branch as they move with its parameter; call within ``ball_arithmetic()``."""

    name: str
    over: Over
    push: Push

    @staticmethod
    def of(branch: CertifiedBranch) -> "_Moved | None":
        """None where no derivative in the parameter is known."""
        over = function_over(FieldFunction(branch.field), branch.axis)
        push = push_of(over, branch.axis)
        return None if push is None else _Moved(branch.axis.name, over, push)

    def pieces(self, tube: Tube, halvings: int = MOST_HALVINGS) -> Iterator[Motion]:
        """The motion over a tube, or a part of one: over halves of it while a sign is open."""
        function = self.over(tube.low, tube.high)
        box, jacobian = _narrowed(function, tube)
        motion = Motion(tube.low, tube.high, box, self._speed(function, box, jacobian), self.name)
        if all(motion.signs) or halvings == 0 or tube.low == tube.high:
            yield motion
            return
        middle = (tube.low + tube.high) / 2
        for low, high in ((tube.low, middle), (middle, tube.high)):
            yield from self.pieces(replace(tube, low=low, high=high, box=box), halvings - 1)

    def speed(self, tube: Tube) -> FloatArray | None:
        """Bounds of the speed in a tube, with room for wider arithmetic but for the sign; None if none are finite."""
        try:
            found = np.array([piece.speed for piece in self.pieces(tube, _FEW)])
        except Undefined:
            return None
        low, high = found[..., 0].min(axis=0), found[..., 1].max(axis=0)
        if not np.isfinite([low, high]).all():
            return None
        # Of an open sign wide bounds say as much.
        more = np.where(low * high > 0, (ROOM - 1) / 2, _MUCH_ROOM) * (high - low)
        least = np.where(low > 0, np.maximum(low - more, low / 2), low - more)
        return np.stack([least, np.where(high < 0, np.minimum(high + more, high / 2), high + more)], axis=1)

    def _speed(self, function: FieldFunction, box: FloatArray, jacobian: list[list[flint.arb]]) -> FloatArray:
        """Bounds of -Df^-1 df/dp over a box."""
        theta = hulls(box)
        moved = self.push(function, theta, function.at(theta).laws)
        if moved is None:
            raise NotApplicable("branch: how zeros move is enclosed where the minibatches are few enough to be listed")
        try:
            solved = flint.arb_mat(jacobian).solve(flint.arb_mat([[-entry] for entry in moved]))
        except ZeroDivisionError:
            return np.full_like(box, [-np.inf, np.inf])
        return np.array([outward(row[0]) for row in solved.tolist()])


def _narrowed(function: FieldFunction, tube: Tube) -> tuple[FloatArray, list[list[flint.arb]]]:
    """A box in the tube's that holds its zeros too, by Krawczyk's operator, and Df over it."""
    box = tube.box
    over = function.enclose(hulls(box), True, _TOLERANCE)
    inverse = approximate_inverse(over.jacobian)
    image = krawczyk(function, box, tube.preconditioner if inverse is None else inverse, _TOLERANCE, over)
    if image is None or not np.isfinite(image).all():
        return box, over.jacobian
    narrow = np.stack([np.maximum(image[:, 0], box[:, 0]), np.minimum(image[:, 1], box[:, 1])], axis=1)
    assert (narrow[:, 0] <= narrow[:, 1]).all(), "a tube without a zero"
    return narrow, function.enclose(hulls(narrow), True, _TOLERANCE).jacobian
