"""Points on the border of a box where what is projected onto it stays, certified (theory N-Proposition 16(d))."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.box_function import BoxFunction, Undefined
from adamsym.certify.epoch_function import function_of
from adamsym.certify.zeros.one_zero import OneZero, certify_zero
from adamsym.expressions.arguments import checked_arguments, real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, plain
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import BoxEnclosure, hulls

_TOLERANCE = 1e-13


@dataclass(frozen=True, repr=False)
class BorderPoint(Result):
    """A stationary point of a projected field on the border of the box, or why none is certified.

    Attributes
    ----------
    names
        The parameters'.
    held
        Those at an end of the box, by number: 1 at the upper end, -1 at the lower one, 0 where both are the same.
    box
        Holds the point, shape (d, 2); held parameters are exact.
    pushes
        Proven bounds of f in the held parameters, (held, 2), over ``box``.
    face
        The zero of f in the other parameters; None if all are held.
    reason
        Why nothing is certified; empty if the point is.
    """

    names: tuple[str, ...]
    held: dict[int, int]
    box: FloatArray
    pushes: FloatArray
    face: OneZero | None
    reason: str

    @property
    def attracting(self) -> bool:
        """Whether the point is proven to attract projected flows: Df in the other parameters has such eigenvalues."""
        own = self.face is None or (self.face.zero is not None and self.face.zero.stability == "attracting")
        return not self.reason and own and all(self.held.values())

    @property
    def verdict(self) -> str:
        """Certified, or undecided."""
        return "undecided" if self.reason else "certified"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        if self.reason:
            return f"no stationary point of the projected field is proven on this face: {self.reason}"
        ends = {1: "upper", -1: "lower", 0: "only"}
        held = ", ".join(f"{self.names[i]} at its {ends[end]} end" for i, end in self.held.items())
        return f"one stationary point of the projected field, {held}{', attracting' if self.attracting else ''}"

    def to_dict(self) -> dict[str, Any]:
        """Return the point, what holds it there, and the zero on the face."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "names": list(self.names),
            "held": {self.names[i]: end for i, end in self.held.items()},
            "box": self.box.tolist(),
            "pushes": plain(self.pushes),
            "attracting": self.attracting,
            "face": None if self.face is None else self.face.to_dict(),
        }


class Face(BoxFunction):
    """A function in some of its parameters, the others being held."""

    def __init__(self, function: BoxFunction, held: dict[int, float]) -> None:
        self.function, self.held = function, held
        self.free = [i for i in range(function.dimension) if i not in held]
        self.dimension, self.scale = len(self.free), function.scale

    @property
    def names(self) -> tuple[str, ...]:
        """The free parameters' names."""
        return tuple(self.function.names[i] for i in self.free)

    def whole(self, theta: Sequence[flint.arb]) -> list[flint.arb]:
        """Return all parameters, from those that are free."""
        found = [flint.arb(self.held.get(i, 0.0)) for i in range(self.function.dimension)]
        for i, x in zip(self.free, theta, strict=True):
            found[i] = x
        return found

    def enclose(self, theta: Sequence[flint.arb], slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return the function and its Jacobian in the free parameters."""
        found = self.function.enclose(self.whole(theta), slopes, tolerance)
        rows = [[found.jacobian[i][j] for j in self.free] for i in self.free] if slopes else []
        return BoxEnclosure([found.value[i] for i in self.free], rows)


@checked_arguments
def certify_border_point(field: AdamField, theta: ArrayLike, project: ArrayLike) -> BorderPoint:
    """Return a stationary point of a field that is projected onto a box, certified, on the face that theta lies on.

    Parameters that lie at an end of the box are held there. The zero of f in the others that Newton's method reaches
    from theta is certified as by :func:`certify_zero`, inside of the box; and f is proven to lead outwards in each that
    is held. Then flows and runs that are projected onto the box may stay there, as where ``flow(..., project=)`` ends;
    and where Df in the other parameters has eigenvalues of negative real parts, they are attracted.

    Parameters
    ----------
    theta
        Where to begin, shape (d,), in the box, some parameters at its ends.
    project
        The box: a lower and an upper end for each parameter, (d, 2); -inf and inf leave a side open.

    Raises
    ------
    InputError
        For a bad point or box, or a point in the inside of the box.
    NotApplicable
        If f cannot be enclosed over boxes, with its Jacobian.

    Source: theory, N-Proposition 16(d).

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem
    >>> problem = Problem("(a - x)**2/2 + (b + x)**2", parameters=["a", "b"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = certify_border_point(AdamField(problem, Adam()), [1.0, 0.0], [[-2, 2], [0, 2]])
    >>> print(found.summary)
    one stationary point of the projected field, b at its lower end, attracting
    """
    function = function_of(field)
    start, box = _checked(function, theta, project)
    ends = {i: _end(x, *side) for i, (x, side) in enumerate(zip(start, box, strict=True)) if x in side}
    if not ends:
        raise InputError(
            "certify_border_point: no parameter lies at an end of project; certify_zero takes points inside"
        )
    face = Face(function, {i: float(start[i]) for i in ends})
    place, zero, reason = np.stack([start, start], axis=1), None, ""
    if face.free:
        zero = certify_zero(face, start[face.free])
        if zero.zero is None:
            return BorderPoint(function.names, ends, place, np.full((len(ends), 2), np.nan), zero, zero.reason)
        place[face.free] = zero.zero.box
        inside = (box[face.free, 0] < zero.zero.box[:, 0]) & (zero.zero.box[:, 1] < box[face.free, 1])
        if not inside.all():
            reason = f"the zero on the face is not inside of project in {face.names[int(np.argmin(inside))]}"
    with ball_arithmetic():
        try:
            values = function.enclose(hulls(place), False, _TOLERANCE).value
        except Undefined as error:
            return BorderPoint(function.names, ends, place, np.full((len(ends), 2), np.nan), zero, str(error))
        pushes = np.array([outward(values[i]) for i in ends])
    wrong = [
        i for (i, end), (low, high) in zip(ends.items(), pushes, strict=True) if not _leads_outwards(end, low, high)
    ]
    if wrong and not reason:
        reason = f"f is not proven to lead outwards in {function.names[wrong[0]]}"
    return BorderPoint(function.names, ends, place, pushes, zero, reason)


def _checked(function: BoxFunction, theta: ArrayLike, project: ArrayLike) -> tuple[FloatArray, FloatArray]:
    start, box, d = real_array(theta, "theta"), real_array(project, "project"), function.dimension
    if start.shape != (d,) or not np.isfinite(start).all():
        raise InputError(f"theta: shape {start.shape} is not allowed; give {d} finite numbers")
    if box.shape != (d, 2) or not (box[:, 0] <= box[:, 1]).all():
        raise InputError(f"project: shape {box.shape}; allowed are {d} pairs, a lower end and an upper one")
    if not ((box[:, 0] <= start) & (start <= box[:, 1])).all():
        raise InputError("theta: it lies outside of project")
    return start, box


def _end(x: float, low: float, high: float) -> int:
    return 0 if low == high else int(x == high) - int(x == low)


def _leads_outwards(end: int, low: float, high: float) -> bool:
    """Whether bounds of f are beyond 0 in the end's direction; at both ends at once any f stays."""
    return end == 0 or (low > 0 if end > 0 else high < 0)
