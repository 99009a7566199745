"""What an exploration shows that no slider changes: the grid, minus the gradient on it, the minima, the starts."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.integrate import solve_ivp
from scipy.stats import qmc

from adamsym.dynamics.critical_points import critical_point
from adamsym.dynamics.newton import Work
from adamsym.explorer.points import Zero, defined, zeros_in_plane, zeros_on_line
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.methods import StepSizeSchedule

ON_LINE, ON_SIDE = 301, 17
"""Points of the grid over one parameter, and along each side of two."""

TIMES, RECORDED = 81, 120
"""Times of flow lines and, about, of the run."""

MOST_STEPS = 100_000
"""Of the run: slower step sizes end before the flow."""

USUAL_STEPS = 2_000
"""Of the run, where no step sizes are given: equal ones, which end with the flow."""

SCATTERED = 8
"""Points over a whole box of more than two parameters from which zeros are sought."""

_LINES = 7
"""Starts over one parameter."""

_DESCENT = 120
"""Times of lines of steepest descent."""

_BUDGET = 4_000
"""Evaluations, with products, for a critical point of the loss from the start."""


@dataclass(frozen=True)
class RunSettings:
    """The one run of the optimizer that is drawn: its step sizes, number of steps, how often it is drawn, its seed."""

    schedule: StepSizeSchedule
    steps: int
    every: int
    seed: int

    @property
    def times(self) -> FloatArray:
        """The sums of the step sizes at which states are drawn, 0 first."""
        clock = np.concatenate(([0.0], np.cumsum(self.schedule(np.arange(1, self.steps + 1)))))
        return np.asarray(clock[:: self.every])


def run_settings(step_size: str | float | None, time: float, seed: int) -> RunSettings:
    """Return a run of about the flow's time, of ``MOST_STEPS`` steps at most."""
    schedule = StepSizeSchedule(float(f"{time / USUAL_STEPS:.3g}") if step_size is None else step_size)
    clock = np.cumsum(schedule(np.arange(1, MOST_STEPS + 1)))
    steps = min(int(np.searchsorted(clock, time * (1 - 1e-9))) + 1, MOST_STEPS)
    return RunSettings(schedule, steps, -(-steps // RECORDED), seed)


@dataclass(frozen=True)
class Landscape:
    """A problem over a box of one or two of its parameters.

    Attributes
    ----------
    base
        The field of the problem itself, of which the sliders change numbers.
    start
        Where runs begin, d numbers; the parameters outside the plane have these values on the grid.
    plane
        The numbers of the parameters that vary: one or two.
    box
        Lower and upper end of every parameter, (d, 2): equal ends outside the plane.
    time
        How long flow lines are.
    run
        The run of the optimizer.
    given
        Lower and upper end of every parameter, of more than two, between which zeros are sought; None if only those of
        the plane are given.
    """

    base: AdamField
    start: FloatArray
    plane: tuple[int, ...]
    box: FloatArray
    time: float
    run: RunSettings
    given: FloatArray | None = None

    @property
    def dimension(self) -> int:
        """The number of all parameters."""
        return len(self.start)

    @property
    def names(self) -> Sequence[str]:
        """The names of all parameters."""
        return self.base.problem.names

    @property
    def has_loss(self) -> bool:
        """Whether there is a loss; else the mean of the given field stands for its gradient."""
        return self.base.problem.has_loss

    @property
    def searched(self) -> FloatArray | None:
        """The box (d, 2) in which all zeros are sought; None if there is none."""
        return self.box if self.dimension <= 2 else self.given

    @property
    def sides(self) -> FloatArray:
        """The box of the plane, (1, 2) or (2, 2)."""
        return np.asarray(self.box[list(self.plane)])

    @cached_property
    def times(self) -> FloatArray:
        """The times of flow lines, closer together at the beginning."""
        return np.asarray(self.time * np.linspace(0.0, 1.0, TIMES) ** 1.5)

    @cached_property
    def points(self) -> FloatArray:
        """The grid, (r, d) or (r, r, d)."""
        count = ON_LINE if len(self.plane) == 1 else ON_SIDE
        axes = [np.linspace(low, high, count) for low, high in self.sides]
        points = np.empty((count,) * len(axes) + (self.dimension,))
        points[:] = self.box[:, 0]
        for k, values in zip(self.plane, np.meshgrid(*axes, indexing="ij"), strict=True):
            points[..., k] = values
        return points

    def descent_at(self, points: FloatArray) -> FloatArray:
        """Return minus the gradient of L at points (n, d), or minus the mean field; nan where it is not defined."""
        return -defined(self.base.problem.gradient, points, (self.dimension,))

    @cached_property
    def descent(self) -> FloatArray:
        """Minus the gradient on the grid."""
        return self.descent_at(self.points.reshape(-1, self.dimension)).reshape(self.points.shape)

    def _descent_jacobian(self, points: FloatArray) -> FloatArray:
        problem, level = self.base.problem, self.base.problem.law.levels - 1
        p = problem.law.discretise(level)[1]
        weights = np.broadcast_to(p, (len(points), self.dimension, len(p)))
        return -problem.weighted_jacobian(points, weights, level)

    @cached_property
    def rests(self) -> tuple[Zero, ...]:
        """Where minus the gradient vanishes and attracts: the minima of L; without a loss, all that was found.

        By number, those in the box; where there is none, or for more than two parameters, that which Newton's method
        reaches from the start.
        """
        found: list[Zero] = []
        if self.dimension == 1:
            found = zeros_on_line(self.descent_at, self.points[:, 0], self.descent[:, 0])
        elif self.dimension == 2:
            found = zeros_in_plane(
                self.descent_at,
                lambda x: defined(self._descent_jacobian, x, (2, 2)),
                self.points,
                self.descent,
            )
        found = [one for one in found if not self.has_loss or one.kind in ("attracting", "not decided")]
        return tuple(found or self._near_the_start())

    def _near_the_start(self) -> list[Zero]:
        found, _ = critical_point(self.base, self.start, self.start, Work(_BUDGET))
        if found is None or found.kind in ("maximum", "saddle"):
            return []
        return [Zero(found.theta, "attracting" if found.kind == "minimum" else "not decided")]

    @cached_property
    def reference(self) -> FloatArray | None:
        """The one of these nearest to the start, from which distances are measured; None if none is isolated."""
        isolated = [one.theta for one in self.rests if one.kind != "not decided"]
        return min(isolated, key=lambda theta: float(np.linalg.norm(theta - self.start)), default=None)

    @cached_property
    def starts(self) -> FloatArray:
        """Where flow lines begin, (n, d): over the box, and the start; of more than two parameters that alone."""
        if self.dimension > 2:
            return self.start[None]
        if self.dimension == 1:
            [[low, high]] = self.sides
            return np.append(np.linspace(low, high, _LINES), self.start)[:, None]
        return np.vstack((self._around, self.start))

    @property
    def _around(self) -> FloatArray:
        """Points over the plane of two parameters, near its box's corners and the middles of its sides, (8, d)."""
        shares = np.array([(x, y) for x in (0.04, 0.5, 0.96) for y in (0.04, 0.5, 0.96) if (x, y) != (0.5, 0.5)])
        points = np.tile(self.start, (len(shares), 1))
        points[:, list(self.plane)] = self.sides[:, 0] + shares * np.ptp(self.sides, axis=1)
        return points

    @cached_property
    def seeds(self) -> FloatArray:
        """Where the search for zeros of more than two parameters begins: start, minimum, points over plane and box."""
        nearby = [] if self.reference is None else [self.reference]
        return np.vstack((self.start, *nearby, self._around, self._over_the_box))

    @property
    def _over_the_box(self) -> FloatArray:
        """Points over the whole box of more than two parameters, if one is given, (8, d)."""
        if self.given is None:
            return np.empty((0, self.dimension))
        shares = qmc.Halton(self.dimension, scramble=False).random(SCATTERED + 1)[1:]
        return np.asarray(self.given[:, 0] + shares * np.ptp(self.given, axis=1))

    @cached_property
    def descent_lines(self) -> FloatArray:
        """Lines of steepest descent of two parameters from the starts, (starts, times, 2); nan where they end."""
        return np.stack([self._descent_line(start) for start in self.starts])

    def _descent_line(self, start: FloatArray) -> FloatArray:
        """The gradient flow from a start, from times in which it hardly moves to those in which it has come to rest."""
        fastest = float(np.nanmax(np.abs(self.descent), initial=0.0)) or 1.0
        unit = float(np.ptp(self.sides, axis=1).max()) / fastest
        times = np.concatenate(([0.0], unit * np.geomspace(1e-3, 1e4, _DESCENT)))
        line = np.full((len(times), 2), np.nan)
        with warnings.catch_warnings():
            # LSODA warns where the gradient is not finite; the line ends there.
            warnings.simplefilter("ignore", UserWarning)
            found = solve_ivp(
                lambda _, theta: self.descent_at(theta[None])[0],
                (0.0, float(times[-1])),
                start,
                "LSODA",
                t_eval=times,
                rtol=1e-5,
            )
        line[: found.y.shape[1]] = found.y.T
        return line


def checked_time(time: float | None, sides: FloatArray) -> float:
    """Return how long flow lines are: as long as the box is wide, which Adam crosses at about 1 per unit of time.

    Raises
    ------
    InputError
        If a time is given that is not positive.
    """
    if time is None:
        return float(f"{float(np.ptp(sides, axis=1).max()):.2g}")
    if not 0 < time < np.inf:
        raise InputError(f"time: {time} is not allowed; allowed are positive numbers")
    return float(time)
