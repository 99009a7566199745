"""Certified branches: tubes over intervals of a parameter in which a zero is, is unique, and moves continuously.

Over an interval P of the parameter and a box X with the midpoint c, K = c - Y f(c, P) + (1 - Y Df(X, P)) (X - c) in the
inside of X proves, for every p in P, that f(., p) has exactly one zero in X. By compactness it depends continuously on
p. Where two intervals meet, a box in both of their boxes that is proven to hold a zero there holds the zero of both.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.box_function import Undefined
from adamsym.certify.boxes import around, lies_in, lies_inside, shrunk
from adamsym.certify.certificate import Certifiable, head_of
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.outcomes import Stability
from adamsym.certify.zeros.krawczyk import approximate_inverse, krawczyk
from adamsym.certify.zeros.stability import stability_of
from adamsym.continuation.axes import Axis, axes_of
from adamsym.continuation.families import check_axis, field_at, function_over
from adamsym.dynamics import find_zero
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.expressions.progress import Progress
from adamsym.expressions.results import Drawable, counted, plain
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls
from adamsym.gradients.symbolic import require_expressions

MOST_TUBES = 2000

MOST_OPERATIONS = 20_000_000_000
"""Operations on balls, at most: beyond, the branch ends."""

_FIRST, _LONGEST, _SHORTEST = 1 / 64, 1 / 8, 2.0**-20
"""Shares of the interval, on its scale, that a tube is long: the first, at most and at least."""

_WIDEST = 0.7
"""By how much the logarithm of 1 - beta or of eps may differ in a tube."""

_TOLERANCE, _FINE = 1e-12, 1e-15
"""Of enclosures over tubes and at joints, as shares of f's scale."""

_GROWTH, _TRIES = 5.0, 6

_ROOM = 0.3
"""What the image may be of a tube's box: a checker in other arithmetic has up to threefold wider bounds over ranges."""


@dataclass(frozen=True)
class Tube:
    """For every value from ``low`` to ``high`` exactly one zero is in ``box``, shape (d, 2), of this stability."""

    low: Fraction
    high: Fraction
    box: FloatArray
    preconditioner: FloatArray
    stability: Stability
    stability_matrix: FloatArray


@dataclass(frozen=True)
class Joint:
    """At ``value`` a zero is in ``box``, shape (d, 2), which lies in the boxes of the tubes on both sides."""

    value: Fraction
    box: FloatArray
    preconditioner: FloatArray


@dataclass(frozen=True, repr=False)
class CertifiedBranch(Drawable, Certifiable):
    """A branch of zeros, certified: for each value of a parameter from ``low`` to ``high`` one zero, continuous in it.

    Attributes
    ----------
    field
        The field with the value of the parameter that it has itself.
    axis
        The parameter, and the interval that was asked for.
    tubes, joints
        The proof: one tube after another, and a joint between each two.
    reason
        Why the branch ends before the interval does; empty if it does not.
    """

    field: AdamField
    axis: Axis
    tubes: tuple[Tube, ...]
    joints: tuple[Joint, ...]
    reason: str

    @property
    def complete(self) -> bool:
        """Whether the branch is certified over all of the interval."""
        return bool(self.tubes) and not self.reason

    @property
    def stability(self) -> Stability:
        """The stability along all of it; "undecided" if it is not the same in each tube."""
        found = {tube.stability for tube in self.tubes}
        return found.pop() if len(found) == 1 else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        if not self.tubes:
            return f"undecided: {self.reason}"
        low, high = float(self.tubes[0].low), float(self.tubes[-1].high)
        widest = max(float(np.ptp(tube.box, axis=1).max()) for tube in self.tubes)
        stability = "stability undecided" if self.stability == "undecided" else self.stability
        where = f"for {self.axis.name} from {low:g} to {high:g}"
        found = f"one branch of zeros {where}, {stability}: {counted(len(self.tubes), 'tube')}, up to {widest:.2g} wide"
        return f"certified: {found}" if self.complete else f"certified in part: {found}; {self.reason}"

    def certificate_content(self) -> dict[str, Any]:
        """Return what a certificate says: of the part that is proven.

        Raises
        ------
        NotApplicable
            If nothing is.
        """
        if not self.tubes:
            raise NotApplicable(f"found: no branch is certified, of which there could be a certificate: {self.reason}")
        return head_of(require_expressions(self.field.problem, "a certificate"), self.field.adam) | {
            "kind": "branch",
            "parameter": self.axis.name,
            "low": str(self.tubes[0].low),
            "high": str(self.tubes[-1].high),
            "stability": self.stability,
            "tubes": [
                {
                    "low": str(tube.low),
                    "high": str(tube.high),
                    "box": tube.box.tolist(),
                    "preconditioner": tube.preconditioner.tolist(),
                    "stability": tube.stability,
                    "stability_matrix": tube.stability_matrix.tolist(),
                }
                for tube in self.tubes
            ],
            "joints": [
                {"box": joint.box.tolist(), "preconditioner": joint.preconditioner.tolist()} for joint in self.joints
            ],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym sweep --certify --json`` prints it."""
        points = [
            {
                "value": [float(tube.low), float(tube.high)],
                "zero": plain(tube.box.mean(axis=1)),
                "stability": tube.stability,
                "enclosure": plain(tube.box),
            }
            for tube in self.tubes
        ]
        branch = {"parameter": self.axis.name, "points": points, "folds": []}
        return {
            "parameters": list(self.field.problem.names),
            "branches": [branch] if points else [],
            "complete": self.complete,
            "reason": self.reason,
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each tube."""
        names = self.field.problem.names[:3]
        columns = [f"{self.axis.name} from", "to", *names, "half-width", "stability"]
        rows = [
            [
                f"{float(tube.low):.8g}",
                f"{float(tube.high):.8g}",
                *(f"{x:.8g}" for x in tube.box.mean(axis=1)[: len(names)]),
                f"{float(np.ptp(tube.box, axis=1).max()) / 2:.2g}",
                tube.stability,
            ]
            for tube in self.tubes
        ]
        return columns, rows


@checked_arguments
def certify_branch(
    field: AdamField,
    name: str,
    low: Number,
    high: Number,
    start: ArrayLike,
    *,
    progress: Progress | None = None,
) -> CertifiedBranch:
    """Return a branch of zeros over an interval of one number of the method or the data, certified as far as it goes.

    From the zero that Newton's method reaches from ``start`` at the lower end, tube after tube is proven; their lengths
    follow what can be proven. The branch ends early at folds and where stretches cannot be proven: ``reason`` says so.

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
        Near the zero at the lower end, shape (d,).
    progress
        Called with the share of the interval that is proven, in thousandths.

    Raises
    ------
    InputError
        For a bad interval or start.
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
    with ball_arithmetic():
        try:
            with budget(MOST_OPERATIONS):
                return _Tracer(field, axis, progress).traced(start)
        except OutOfWork as error:
            return CertifiedBranch(field, axis, (), (), str(error))


class _Tracer:
    """Tubes from the lower end of an interval on."""

    def __init__(self, field: AdamField, axis: Axis, progress: Progress | None) -> None:
        self.field, self.axis, self.progress = field, axis, progress
        self.function = FieldFunction(field)
        self.over = function_over(self.function, axis)
        # Says at once what is not known over ranges.
        self.over(*axis.values)
        self.longest = _LONGEST if axis.scale == "linear" else min(_LONGEST, _WIDEST / axis.span)

    def traced(self, start: FloatArray) -> CertifiedBranch:
        """Return the branch."""
        tubes, joints, reason = list[Tube](), list[Joint](), ""
        place, length, theta = 0.0, min(_FIRST, self.longest), start
        while place < 1 and not reason:
            if len(tubes) == MOST_TUBES:
                reason = f"{MOST_TUBES} tubes are the most, and reach {self.axis.name} = {float(tubes[-1].high):g}"
                break
            end = min(1.0, place + length)
            low = tubes[-1].high if tubes else self.axis.values[0]
            high = self.axis.values[-1] if end == 1 else Fraction(repr(self.axis.value(end)))
            found = self._tube(low, high, theta) if low < high else None
            joint = None if found is None or not tubes else self._joint(tubes[-1], found)
            if found is None or (tubes and joint is None):
                length /= 2
                if length < _SHORTEST:
                    reason = f"no tube is proven beyond {self.axis.name} = {float(low):g}"
                continue
            tubes.append(found)
            joints += [] if joint is None else [joint]
            place, theta, length = end, found.box.mean(axis=1), min(1.5 * length, self.longest)
            if self.progress is not None:
                self.progress(int(1000 * place), 1000)
        return CertifiedBranch(self.field, self.axis, tuple(tubes), tuple(joints), reason)

    def _zero(self, value: float, theta: FloatArray) -> FloatArray | None:
        """The zero that Newton's method reaches at a value, by number."""
        try:
            found = find_zero(field_at(self.field, {self.axis: value}), theta, tolerance=1e-14, eigenvalues=1)
        except InputError:
            return None
        return found.theta if found.outcome == "converged" else None

    def _tube(self, low: Fraction, high: Fraction, theta: FloatArray) -> Tube | None:
        """The tube over an interval around the zero at its middle; None if none is proven."""
        places = [self.axis.place(value) for value in (low, high)]
        center = self._zero(self.axis.value(sum(places) / 2), theta)
        if center is None:
            return None
        function = self.over(low, high)
        reach = 1e-9 * np.maximum(1.0, np.abs(center))
        for _ in range(_TRIES):
            box = around(center, reach)
            try:
                over = function.enclose(hulls(box), True, _TOLERANCE)
            except Undefined:
                return None
            inverse = approximate_inverse(over.jacobian)
            image = None if inverse is None else krawczyk(function, box, inverse, _TOLERANCE, over)
            if inverse is None or image is None:
                return None
            if lies_inside(image, shrunk(box, _ROOM)):
                stability, matrix = stability_of(over.jacobian)
                return Tube(low, high, box, inverse, stability, np.array(matrix))
            needed = np.maximum(np.abs(image - center[:, None]).max(axis=1), reach)
            if not np.isfinite(needed).all():
                return None
            reach = _GROWTH * needed
        return None

    def _joint(self, left: Tube, right: Tube) -> Joint | None:
        """A box around the zero where two tubes meet, in both of their boxes; None if none is proven."""
        value = left.high
        center = self._zero(float(value), left.box.mean(axis=1))
        if center is None:
            return None
        function = self.over(value, value)
        reach = 1e-10 * np.maximum(1.0, np.abs(center))
        box = around(center, reach)
        try:
            over = function.enclose(hulls(box), True, _FINE)
        except Undefined:
            return None
        inverse = approximate_inverse(over.jacobian)
        image = None if inverse is None else krawczyk(function, box, inverse, _FINE, over)
        proven = inverse is not None and image is not None and lies_inside(image, shrunk(box, _ROOM))
        within = lies_in(box, left.box) and lies_in(box, right.box)
        return Joint(value, box, inverse) if proven and within and inverse is not None else None
