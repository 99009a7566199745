"""Certified branches: tubes over intervals of a parameter, joints between them, and folds where they turn back.

The branch is followed by number first, around its folds: that says where tubes should be. What is certified rests on
the tubes, joints and folds alone: see :mod:`adamsym.continuation.tube_proofs` and :mod:`adamsym.continuation.turns`.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from numpy.typing import ArrayLike

from adamsym.certify.boxes import middle
from adamsym.certify.field_function import FieldFunction
from adamsym.continuation.axes import axes_of
from adamsym.continuation.certified import CertifiedBranch
from adamsym.continuation.curves import Point
from adamsym.continuation.families import check_axis, function_over
from adamsym.continuation.motion import with_speeds
from adamsym.continuation.paths import course_through
from adamsym.continuation.recorded import prover_of
from adamsym.continuation.tube_proofs import Joint, Prover, Tube
from adamsym.continuation.turns import Fold, near_fold, proven_fold
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.expressions.progress import Progress
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic

MOST_TUBES = 2000

MOST_OPERATIONS = 1_000_000_000
"""Operations on balls, at most, which take some minutes: beyond, the branch ends."""

_FIRST, _LONGEST, _SHORTEST = 1 / 64, 1 / 8, 2.0**-30
"""Shares of the interval, on its scale, that a tube is long: the first, at most and at least."""

_WIDEST = 0.7
"""By how much the logarithm of 1 - beta or of eps may differ in a tube."""

_GROWTH = 1.6
"""By what the next tube is longer, or the next try shorter; after that less, until tries succeed again."""

_NEARER, _FARTHER = 0.2, 0.25
"""How long a tube may be where its distance from the next fold is 1; and from the last one."""

_MUCH = 16
"""Enclosures that a tube rests on, from which on the next one is shorter, as long as that makes them fewer."""

_FOLD = 1e-5
"""How far from a fold, as a share of the interval, the two values are between which it is proven."""

_CHANGE = 5e-7
"""The same, where the stability changes."""


@checked_arguments
def certify_branch(
    field: AdamField,
    name: str,
    low: Number,
    high: Number,
    start: ArrayLike,
    *,
    journal: str | Path | None = None,
    progress: Progress | None = None,
) -> CertifiedBranch:
    """Return a branch of zeros over an interval of one number of the method or the data, certified as far as it goes.

    The branch through the zero that Newton's method reaches from ``start`` is followed by number, in both directions
    and around folds, to where it leaves the interval. Then tube after tube is proven along it; their lengths follow
    what can be proven. Where a stretch or a fold cannot be proven the branch ends early: ``reason`` says so.

    Parameters
    ----------
    field
        The field, of expressions without kinks and an empirical law.
    name
        The parameter: "beta1", "beta2", "eps" or "weight_decay"; "data.x" (the column x is this number), "data.x[2]"
        (its row 2 is) or "data.weights[2]" (the probability of row 2, the others in proportion).
    low, high
        The interval, exactly.
    start
        Near the zero at the field's own value of the parameter, or at the lower end where that is not in the interval;
        shape (d,).
    journal
        A file to which what is proven is appended; what it holds already is not proven again.
    progress
        Called with the share of the branch that is proven, in thousandths.

    Raises
    ------
    InputError
        For a bad interval or start; for a journal of another branch, or one that cannot be written to.
    NotApplicable
        For a parameter or a method over whose ranges no form is known; for gradients that are no expressions.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, certify_branch
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = certify_branch(AdamField(problem, Adam()), "beta2", "0.99", "0.995", [1.0])
    >>> found.complete, found.stability
    (True, 'attracting')
    """
    if name == "batch_size":
        raise NotApplicable("certify_branch: batch sizes are no interval; sweep takes a list of them")
    (axis,) = axes_of({name: (low, high)})
    check_axis(field, axis)
    start = field.problem.points(start)
    if start.ndim != 1:
        raise InputError(f"start: shape {start.shape} is not allowed; give one point, shape (d,)")
    over = function_over(FieldFunction(field), axis)
    # Says at once what is not known over ranges.
    over(*axis.values)
    with prover_of(field, axis, over, start, None if journal is None else Path(journal)) as prover, ball_arithmetic():
        tracer = _Tracer(prover, progress)
        try:
            with budget(MOST_OPERATIONS):
                reason = tracer.traced(start)
        except (OutOfWork, _Ended) as error:
            reason = str(error)
        parts = tuple(tracer.tubes), tuple(tracer.joints), reason, tuple(tracer.folds)
        return with_speeds(CertifiedBranch(field, axis, *parts))


@dataclass(frozen=True)
class _Turn:
    """A fold ahead: by number, and the values that it is to be proven between."""

    point: Point
    present: Fraction
    absent: Fraction


@dataclass(frozen=True)
class _Place:
    """How far the tubes have come: the place on the parameter's scale, its value, and about where the zero is."""

    u: float
    value: Fraction
    theta: FloatArray


class _Ended(Exception):
    """The branch is certified no further, and why."""


class _Tracer:
    """Tubes along a branch, one after the other, with what is between them."""

    def __init__(self, prover: Prover, progress: Progress | None) -> None:
        self.prover, self.progress = prover, progress
        self.field, self.axis = prover.field, prover.axis
        linear = self.axis.scale == "linear"
        self.longest = _LONGEST if linear else min(_LONGEST, _WIDEST / self.axis.span)
        self.tubes, self.joints, self.folds = list[Tube](), list[Joint](), list[tuple[int, Fold]]()
        self._waiting: tuple[_Turn, tuple[FloatArray, FloatArray]] | None = None
        self._whole = self._done = 0.0

    def traced(self, start: FloatArray) -> str:
        """Prove the branch; return why it ends before it leaves the interval, or an empty text."""
        course = course_through(self.field, self.axis, start)
        if isinstance(course, str):
            return course
        self._whole = sum(abs(b - a) for a, b in zip(course.corners, course.corners[1:], strict=False))
        here = _Place(course.begin.u, self._value(course.begin.u), course.begin.theta)
        for number, corner in enumerate(course.corners[1:]):
            turn = self._turn_at(course.folds[number], here.u) if number < len(course.folds) else None
            end = (corner, self._value(corner)) if turn is None else (self.axis.place(turn.present), turn.present)
            ahead = 1.0 if end[0] > here.u else -1.0
            near = (course.corners[number] if number else None, None if turn is None else corner)
            stops = [one.u + side * ahead * _CHANGE for one in course.changes[number] for side in (-1, 1)]
            inside = [(u, self._value(u)) for u in stops if (u - here.u) * ahead > 0 and (end[0] - u) * ahead > 0]
            for u, value in [*inside, end]:
                here = self._leg(here, u, value, near)
                if (u, value) != end:
                    # Where the stability changes it is proven at one value before, and at one after that.
                    tube = self.prover.tube(value, value, here.theta)
                    if tube is None or not self._fits(tube, here):
                        raise _Ended(f"no tube is proven at {self.axis.name} = {float(value):g}")
            if turn is not None:
                here = self._turned(turn, here)
        return course.reason

    def _value(self, place: float) -> Fraction:
        if place <= 0 or place >= 1:
            return self.axis.values[0 if place <= 0 else -1]
        return Fraction(repr(self.axis.value(place)))

    def _turn_at(self, fold: Point, place: float) -> _Turn:
        """A fold as it comes up: it is proven between two values on both sides of it."""
        beyond = min(_FOLD, fold.u / 2, (1 - fold.u) / 2) * (1 if fold.u > place else -1)
        return _Turn(fold, self._value(fold.u - beyond), self._value(fold.u + beyond))

    def _turned(self, turn: _Turn, here: _Place) -> _Place:
        """Where the branch goes on beyond a fold; that is proven with the first tube there."""
        zeros = near_fold(self.prover, turn.point, turn.present, turn.point.theta - here.theta)
        if zeros is None:
            raise _Ended(f"the two zeros beside the fold at {self.axis.name} = {float(turn.present):.9g} are not found")
        self._waiting = turn, zeros
        return _Place(here.u, here.value, zeros[1])

    def _leg(self, here: _Place, end: float, last: Fraction, near: tuple[float | None, float | None]) -> _Place:
        """Append tubes from one value to another; return where that is."""
        length, ahead, growth = min(_FIRST, self.longest), 1.0 if end > here.u else -1.0, _GROWTH
        (behind, before), work, is_shorter = near, 0, False
        while here.value != last:
            if len(self.tubes) >= MOST_TUBES:
                raise _Ended(f"{MOST_TUBES} tubes are the most, and reach {self.axis.name} = {float(here.value):g}")
            longest = min(
                length,
                abs(end - here.u),
                *([] if before is None else [_NEARER * abs(before - here.u)]),
                *([] if behind is None else [_FARTHER * abs(here.u - behind)]),
            )
            is_last = abs(end - here.u) - longest < 1e-3 * longest or longest < _SHORTEST
            u = end if is_last else here.u + ahead * longest
            value = last if is_last else self._value(u)
            low, high = min(here.value, value), max(here.value, value)
            found = self.prover.tube(low, high, here.theta) if low < high else None
            if found is None or not self._fits(found, here):
                length, growth = min(length, longest) / _GROWTH, 1.0
                if length < _SHORTEST:
                    raise _Ended(f"no tube is proven beyond {self.axis.name} = {float(here.value):g}")
                continue
            here = self._end(u, value, rises=ahead > 0)
            work, before_work = self.tubes[-1].work, work
            is_shorter = work > _MUCH and not (is_shorter and work >= before_work)
            if is_shorter:
                length, growth = longest / _GROWTH, 1.0
            else:
                length, growth = min(max(growth * longest, length), self.longest), min(_GROWTH, 1.15 * growth)
            self._done += longest
            if self.progress is not None:
                self.progress(int(1000 * min(1.0, self._done / self._whole)), 1000)
        return here

    def _fits(self, tube: Tube, here: _Place) -> bool:
        """Append a tube, and what is between it and the one before, if that is proven."""
        if self._waiting is not None:
            turn, zeros = self._waiting
            fold = proven_fold(self.prover, self.tubes[-1], tube, turn.present, turn.absent, zeros)
            if fold is None:
                raise _Ended(f"no fold is proven at {self.axis.name} = {float(turn.present):.9g}")
            self.folds.append((len(self.tubes) - 1, fold))
            self._waiting = None
        elif self.tubes:
            joint = self.prover.joint(here.value, self.tubes[-1], tube, here.theta)
            if joint is None:
                return False
            self.joints.append(joint)
        self.tubes.append(tube)
        return True

    def _end(self, u: float, value: Fraction, rises: bool) -> _Place:
        """Where the last tube ends."""
        tube = self.tubes[-1]
        way = float(tube.high - tube.low) / 2 * (1 if rises else -1)
        return _Place(u, value, middle(tube.box) + way * tube.velocity)
