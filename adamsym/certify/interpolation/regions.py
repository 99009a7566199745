"""The loss as a strict Lyapunov function on a box around an interpolating point of a network, or on all of R^d."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.digits import rounded_down
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.interpolation.bounds import Balances, balances_at, bounds_around, reach_of_zero
from adamsym.certify.interpolation.decrease import BallDecrease, decrease_on
from adamsym.certify.interpolation.explanation import Explanation, explanation_of
from adamsym.certify.interpolation.outputs import Outputs, outputs_of
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.results import Result, plain
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.gradients import Problem
from adamsym.gradients.problem import require_loss
from adamsym.methods import Method

LARGEST_RADIUS, STEPS_A_DECADE, DECADES = 10.0, 20, 16
"""The half-widths from which the largest that can be proved is taken: 10, 8.91, 7.94, ..., 1e-15."""

_SMALLER = 12
"""Boxes inside of the one that is certified in which flow lines may be proved to stay, each 1/sqrt(2) as wide."""

NO_POINT = (
    "no interpolating point is found near the given one, or none is proved: the gradients of all rows' residuals must "
    "be linearly independent there"
)


@dataclass(frozen=True)
class Starts:
    """Flow lines from within ``radius`` of the center, in the sup norm, stay ``within`` and converge to L = 0.

    Where ``level`` is no None: from those of these points at which L is at most that. On their way L decays at least
    like exp(-``rate`` t).
    """

    radius: float
    level: float | None
    within: float
    rate: float


@dataclass(frozen=True, repr=False)
class LyapunovBall(Result):
    """What is certified about <grad L, f> on a box around a center, or on all of R^d.

    ``certified``: it is negative wherever L > 0 on the box of half-width ``radius``, infinite for R^d, around
    ``center``; and within ``near`` of the center, in the sup norm, is a point with L = 0. There -<grad L, f> is at
    least ``rate`` L wherever L is at most ``level``, everywhere if this is None. ``trapped`` are starts whose flow
    lines stay in the box and converge to a point with L = 0, as all do in R^d; ``tube`` are others, with small L.
    ``undecided``: it is not proved, for a ``reason``. It has no picture: a box in many parameters, or all of space.
    """

    problem: Problem
    adam: Method
    radius: float
    center: FloatArray | None
    inverse: FloatArray | None
    balances: Balances | None
    near: float | None
    proof: BallDecrease | None
    reason: str | None
    level: float | None
    rate: float | None
    trapped: Starts | None
    tube: Starts | None
    explanation: Explanation | None

    @property
    def verdict(self) -> Literal["certified", "undecided"]:
        """Whether the region is certified."""
        return "certified" if self.reason is None else "undecided"

    @property
    def trapped_radius(self) -> float | None:
        """The half-width of the box around the center whose flow lines are all proved to stay and to converge."""
        return None if self.trapped is None else self.trapped.radius

    @property
    def is_global(self) -> bool:
        """Whether the region is all of R^d."""
        return math.isinf(self.radius)

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        if self.reason is not None:
            return f"undecided: {self.reason}"
        where = "in all of space" if self.is_global else f"within {rounded_down(self.radius)} of the center"
        return f"certified: the loss decreases along the flow {where}, wherever it is not 0"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym lyapunov --json`` prints it; the radius of all of R^d is null."""

        def starts(found: Starts | None) -> dict[str, Any] | None:
            return None if found is None else {key: plain(value) for key, value in vars(found).items()}

        return {
            "verdict": self.verdict,
            "region": {
                "ball": {"center": None if self.center is None else self.center.tolist(), "radius": plain(self.radius)},
                "interpolating_point_within": self.near,
                "rate": self.rate,
                "level": self.level,
                "trapped_radius": self.trapped_radius,
                "trapped": starts(self.trapped),
                "tube": starts(self.tube),
            },
            "witness": None,
            "undecided": [] if self.reason is None else [self.reason],
            "explanation": None if self.explanation is None else self.explanation.to_dict(),
        }


@checked_arguments
def certify_lyapunov_ball(field: AdamField, at: ArrayLike, *, radius: float | None = None) -> LyapunovBall:
    """Prove that <grad L, f> < 0 on a box around an interpolating point, wherever L > 0; for every eps if possible.

    The loss of each row is a square, c r^2, or a sum of squares. The box is centered at a float near a point where all
    rows' losses are 0, which is proved to exist. Singular values of the residuals' gradients, over the whole box, bound
    how noisy the minibatch gradient is, by which N-Theorem 1, 2(b) or 6 gives the decrease.

    Parameters
    ----------
    field
        The field of a problem whose loss is written as a square or a sum of squares, and of an empirical law.
    at
        A point near which Newton's method finds an interpolating one, shape (d,).
    radius
        Half of the box's width, in the sup norm; if omitted, the largest from a grid that can be proved.

    Raises
    ------
    InputError
        For a bad point or radius, a loss with kinks or that is no sum of squares, or a continuous law.
    """
    if radius is not None and not 0 < radius < math.inf:
        raise InputError(f"radius: {radius!r} is not allowed; allowed are positive numbers")
    return _Search(field, at).around(radius)


@checked_arguments
def certify_lyapunov_globally(field: AdamField, at: ArrayLike | None = None) -> LyapunovBall:
    """Prove that <grad L, f> < 0 in all of R^d, wherever L > 0: then every flow line converges to a point with L = 0.

    Arguments and errors as :func:`certify_lyapunov_ball`; ``at`` is 0 if omitted. ``level`` of the result is L there.
    """
    return _Search(field, np.zeros(field.problem.dimension) if at is None else at).everywhere()


class _Search:
    """A field, and the interpolating point near a given one."""

    def __init__(self, field: AdamField, at: ArrayLike) -> None:
        function = FieldFunction(field)
        self.problem = require_loss(function.problem, "a Lyapunov region")
        if not self.problem.is_smooth:
            what = "a region around an interpolating point"
            raise NotApplicable(f"{self.problem.place}: {what} needs a loss without Abs, Max or Min")
        self.method, self.form = function.method, function.form
        self.residuals: Outputs = outputs_of(self.problem)
        shape = np.shape(at)
        if shape != (self.problem.dimension,):
            raise InputError(f"at: shape {shape} is not allowed; give one point, ({self.problem.dimension},)")
        self.start = self.problem.points(at)
        self.center = self.residuals.interpolating_point(self.start)
        self.near: float | None = None
        self.balances: Balances | None = None
        if self.center is not None:
            self.inverse = np.asarray(np.linalg.pinv(self.residuals.at(self.center)[1]), dtype=np.float64)
            if not self.residuals.are_linear:
                self.balances = balances_at(
                    self.residuals.at(self.center)[1], np.array([float(p) for p in self.residuals.probabilities])
                )
            with ball_arithmetic():
                self.near = reach_of_zero(self.residuals, self.center, self.inverse)

    def _on(self, radius: float) -> BallDecrease | str:
        assert self.center is not None
        bounds = bounds_around(self.residuals, self.center, self.inverse, radius, self.balances)
        if isinstance(bounds, str):
            return bounds
        least = min(self.residuals.probabilities)
        return decrease_on(self.form, least, self.problem.batch_size, self.problem.dimension, bounds)

    def around(self, radius: float | None) -> LyapunovBall:
        """The result on a box, or on the largest one of the grid."""
        if self.near is None:
            return self._result(radius or LARGEST_RADIUS * 10.0**-DECADES, None, NO_POINT)
        with ball_arithmetic():
            chosen = self._largest_radius() if radius is None else radius
            found = self._on(chosen)
            reason = _reason(found)
            if reason is None and self.near > chosen:
                reason = f"the interpolating point is only proved to lie within {self.near:.3g} of the center"
            if isinstance(found, str) or reason is not None:
                # What the theorems say at the point itself still tells which hypothesis fails.
                found = found if isinstance(found, BallDecrease) else self._on(0.0)
                return self._result(chosen, None if isinstance(found, str) else found, reason)
            rate = _down(found.rate(found.bounds.root_loss(flint.arb(chosen))))
            return self._result(chosen, found, None, None, rate, *self._starts(chosen, found))

    def everywhere(self) -> LyapunovBall:
        """The result on all of R^d."""
        if self.near is None:
            return self._result(math.inf, None, NO_POINT)
        with ball_arithmetic():
            found = self._on(math.inf)
            reason = _reason(found)
            if isinstance(found, str) or reason is not None:
                return self._result(math.inf, None if isinstance(found, str) else found, reason)
            values = self.residuals.over([flint.arb(x) for x in self.start.tolist()])[0]
            squares = (p * value**2 for p, value in zip(found.bounds.probabilities, values, strict=True))
            level = _up(sum(squares, flint.arb(0)) / 2)
            if math.isinf(level):
                raise InputError(f"at: {self.start.tolist()} is not allowed; L there must be in the range of floats")
            rate = _down(found.rate((2 * flint.arb(level)).sqrt().upper()))
            return self._result(math.inf, found, None, level, rate)

    def _largest_radius(self) -> float:
        """The largest half-width of the grid for which something is proved, by bisection; its smallest if none."""
        count = STEPS_A_DECADE * DECADES
        grid = [float(f"{LARGEST_RADIUS * 10.0 ** (-k / STEPS_A_DECADE):.3g}") for k in range(count + 1)]
        low, high = 0, len(grid) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if _reason(self._on(grid[middle])) is None else (middle + 1, high)
        return grid[low]

    def _starts(self, radius: float, whole: BallDecrease) -> tuple[Starts | None, Starts | None]:
        """The widest box found whose flow lines all stay, and the highest level for which those from near do."""
        inner = [self._on(radius * 2 ** (-k / 2)) for k in range(1, _SMALLER)]
        boxes = [whole, *(found for found in inner if isinstance(found, BallDecrease) and _reason(found) is None)]
        trapped = tube = None
        for found in boxes:
            within = found.bounds.radius
            start = found.trapped_radius()
            if start > (0.0 if trapped is None else trapped.radius):
                rate = _down(found.rate(found.bounds.root_loss(flint.arb(start))))
                trapped = Starts(start, None, within, rate)
            level = found.trapped_loss(within / 2)
            if level > (0.0 if tube is None or tube.level is None else tube.level):
                rate = _down(found.rate((2 * flint.arb(level)).sqrt().upper()))
                tube = Starts(within / 2, level, within, rate)
        return trapped, tube

    def _result(
        self,
        radius: float,
        proof: BallDecrease | None,
        reason: str | None,
        level: float | None = None,
        rate: float | None = None,
        trapped: Starts | None = None,
        tube: Starts | None = None,
    ) -> LyapunovBall:
        found = self.near is not None
        with ball_arithmetic():
            explanation = None if proof is None else explanation_of(proof)
        return LyapunovBall(
            self.problem,
            self.method,
            radius,
            self.center if found else None,
            self.inverse if found else None,
            self.balances if found else None,
            self.near,
            proof,
            reason,
            level,
            rate,
            trapped,
            tube,
            explanation,
        )


def _reason(found: BallDecrease | str) -> str | None:
    """Why nothing is proved; None if something is."""
    if isinstance(found, str):
        return found
    if found.best.holds:
        return None
    return "; ".join(f"{one.theorem} needs {', '.join(one.fails)}" for one in found.tried[:1])


def _down(value: flint.arb) -> float:
    """A float that is at least 0 and not above a number that is."""
    return max(0.0, float(outward(value)[0]))


def _up(value: flint.arb) -> float:
    return float(outward(value)[1])
