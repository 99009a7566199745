"""One field with a start, and what plots and the report need of it, each computed once, when it is first asked for."""

import math
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from adamsym.certify import (
    LyapunovBall,
    LyapunovRegion,
    OneZero,
    Zeros,
    certify_lyapunov,
    certify_lyapunov_ball,
    certify_lyapunov_globally,
    certify_zero,
    find_zeros,
)
from adamsym.certify.results import zeros_summary
from adamsym.continuation import CertifiedBranch, Sweep, ZeroMap, certify_branch, map_zeros, sweep
from adamsym.dynamics import (
    Basins,
    Flow,
    PhasePortrait,
    PseudoTrajectory,
    Run,
    ZeroPoint,
    basins,
    find_zero,
    flow,
    phase_portrait,
    pseudo_trajectory,
)
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.gradients import Problem, StochasticGradient
from adamsym.gradients.symbolic import require_expressions
from adamsym.methods import Method, StepSizeSchedule, require_adam
from adamsym.plots.bias import Pair, enlarged_box, is_close, pair_of
from adamsym.plots.names import field_text
from adamsym.plots.settings import Settings
from adamsym.plots.sweeps import MAP_POINTS, POINTS, values_of
from adamsym.plots.trajectories import Runs

TIMES = 301
"""Times at which the flow is drawn."""

RECORDED = 300
"""States of each run that are drawn."""

MOST_RUNS = 10
"""Runs of Adam drawn over the flow."""

MOST_STEPS = 100_000
"""Of each run that is drawn: slower step sizes end before the flow."""

_MARGIN = 1.0
"""The default box reaches beyond the flow's path by this share of its width on every side."""

_FLATTEST = 0.25
"""The path counts as at least so wide in each parameter, as a share of its width in the widest."""

_NARROWEST = 0.1
"""Of a path that hardly moves: its width counts as at least this share of its distance from 0."""

_MOST_PAIRS = 12
"""Zeros beside which a critical point is sought."""

_ENLARGED = 41
"""Points of the enlarged part of a graph."""

_REACHED = 1e-3
"""How near to a zero, as a share of the box, an end of the flow counts as having reached it."""


@dataclass(frozen=True)
class PlotContext:
    """A field with a start, the plane of parameters that is drawn, and settings.

    Attributes
    ----------
    field
        The Adam field, of a problem and a method.
    start
        Where the flow and the runs begin, d numbers.
    settings
        Budgets, times, seeds.
    plane
        The numbers of the parameters that vary in portraits: one, or two.
    given_box
        Lower and upper end of each of these; chosen around the flow's path if None.
    name
        The problem's, for titles; empty if it has none.
    """

    field: AdamField
    start: tuple[float, ...]
    settings: Settings
    plane: tuple[int, ...]
    given_box: tuple[tuple[float, float], ...] | None = None
    name: str = ""

    @property
    def problem(self) -> StochasticGradient:
        """The source of the gradients: a problem, or another."""
        return self.field.problem

    @property
    def mean_loss(self) -> Callable[[FloatArray], FloatArray] | None:
        """The mean loss; None for gradients of none."""
        return self.problem.mean_loss if isinstance(self.problem, Problem) else None

    def title(self, varied: Collection[str] = ()) -> str:
        """Return what a figure is about: the problem, the method and its hyper-parameters, but for varied ones."""
        return field_text(self.field, self.name, varied)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return self.field.problem.names

    @cached_property
    def schedule(self) -> StepSizeSchedule:
        """The step sizes."""
        return StepSizeSchedule(self.settings.step_size)

    @property
    def method(self) -> Method:
        """The optimizer."""
        return self.field.adam

    @property
    def method_name(self) -> str:
        """The optimizer's name."""
        return type(self.method).__name__

    @cached_property
    def flow(self) -> Flow:
        """The flow from the start."""
        return flow(self.field, self.start, np.linspace(0.0, self.settings.time, TIMES))

    @cached_property
    def sides(self) -> FloatArray:
        """The box of the plane's parameters, shape (1, 2) or (2, 2)."""
        if self.given_box is not None:
            return np.array(self.given_box)
        try:
            path = self.flow.theta[self.flow.times <= self.flow.reached]
        except InputError:
            path = np.array([self.start])
        return box_around(path[:, list(self.plane)])

    @cached_property
    def box(self) -> FloatArray:
        """The box of all parameters, (d, 2): those outside the plane are fixed at the start."""
        whole = np.column_stack((self.start, self.start)).astype(np.float64)
        whole[list(self.plane)] = self.sides
        return whole

    @cached_property
    def portrait(self) -> PhasePortrait:
        """The field and minus the gradient on a grid over the box."""
        fine = 401 if len(self.plane) == 1 else self.settings.resolution
        return phase_portrait(self.field, self.box, fine)

    def require_plane(self, what: str) -> None:
        """Raise InputError if there are more than two parameters."""
        if len(self.names) > 2:
            raise InputError(
                f"{what}: searched for in boxes of one or two parameters; this problem has {len(self.names)}. "
                "With a box of your own: adamsym zeros, adamsym lyapunov"
            )

    @cached_property
    def zeros(self) -> Zeros:
        """The certified zeros in the box."""
        self.require_plane("zeros")
        with _alone() as executor:
            return find_zeros(self.field, self.box, budget=self.settings.budget, executor=executor)

    @cached_property
    def nearest_zero(self) -> ZeroPoint:
        """The zero near the start by number, and the critical point beside it."""
        return find_zero(self.field, self.start)

    @cached_property
    def zero_point(self) -> ZeroPoint | None:
        """The same; None if it cannot be sought."""
        try:
            return self.nearest_zero
        except InputError:
            return None

    @cached_property
    def pair(self) -> Pair | None:
        """That zero with the critical point beside it, as they are marked; None unless the picture shows both."""
        if len(self.names) > 2 or self.zero_point is None:
            return None
        found = pair_of(self.zero_point)
        return found if found is not None and self.shows(found) else None

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The certified zeros in the box that have a certified critical point beside them, those that are shown."""
        found = [pair_of(certify_zero(self.field, zero.midpoint)) for zero in self.zeros.zeros[:_MOST_PAIRS]]
        return tuple(pair for pair in found if pair is not None and self.shows(pair))

    def shows(self, pair: Pair) -> bool:
        """Return whether both points of a pair lie in the box."""
        low, high = self.box.T
        return all(bool(((low <= point) & (point <= high)).all()) for point in (pair.zero, pair.critical))

    def enlarged(self, pairs: Sequence[Pair]) -> tuple[Pair, PhasePortrait | None] | None:
        """Return the first pair that is too close to be told apart, with a portrait around it; None if none is."""
        for pair in pairs:
            if is_close(pair, self.sides):
                portrait = phase_portrait(self.field, enlarged_box(pair), _ENLARGED) if len(self.names) == 1 else None
                return pair, portrait
        return None

    @cached_property
    def region(self) -> LyapunovRegion:
        """The certified Lyapunov region in the box."""
        self.require_plane("a Lyapunov region")
        with _alone() as executor:
            return certify_lyapunov(self.field, self.box, budget=self.settings.budget, executor=executor)

    @cached_property
    def one_zero(self) -> OneZero:
        """The zero that :func:`adamsym.find_zero` reaches from the start, certified."""
        return certify_zero(self.field, self.nearest_zero.theta)

    @cached_property
    def ball(self) -> LyapunovBall:
        """The largest box around the interpolating point near the start where the loss is certified to decrease."""
        return certify_lyapunov_ball(self.field, self.start)

    @cached_property
    def everywhere(self) -> LyapunovBall:
        """The same in all of space."""
        return certify_lyapunov_globally(self.field, self.start)

    @cached_property
    def steps(self) -> int:
        """Steps of the runs drawn over the flow: until its end, unless the settings say otherwise."""
        if self.settings.steps is not None:
            return self.settings.steps
        clock = np.cumsum(self.schedule(np.arange(1, MOST_STEPS + 1)))
        return min(int(np.searchsorted(clock, self.settings.time)) + 1, MOST_STEPS)

    @cached_property
    def clock(self) -> FloatArray:
        """The times of the runs' steps, the start first."""
        return np.concatenate(([0.0], np.cumsum(self.schedule(np.arange(1, self.steps + 1)))))

    @cached_property
    def runs(self) -> Runs:
        """Some runs of Adam itself from the start, at times of the flow's clock that are about equally far apart."""
        chains = min(self.settings.chains, MOST_RUNS)
        run = Run(self.problem, self.method, self.schedule, self.start, chains, self.settings.seed)
        clock = self.clock
        stops = np.unique(np.searchsorted(clock, np.linspace(0.0, clock[-1], RECORDED)).clip(max=self.steps))
        states = [run.theta]
        for count in np.diff(stops):
            run.advance(int(count))
            states.append(run.theta)
        return Runs(clock[stops], np.stack(states))

    @cached_property
    def windows(self) -> PseudoTrajectory:
        """Distances of Adam from the flow in windows of time, with their bounds."""
        adam = require_adam(self.method, "the pseudo-trajectory bound")
        chosen = self.settings
        return pseudo_trajectory(
            require_expressions(self.problem, "the pseudo-trajectory bound"),
            adam,
            self.schedule,
            self.start,
            chosen.starts,
            chosen.length,
            chosen.chains,
            chosen.seed,
        )

    @cached_property
    def sweep(self) -> Sweep:
        """How the zero near the start moves as the parameter of the settings varies; beta2 without one."""
        name, values = self.settings.sweep or ("beta2", "")
        over = {name: values_of(self.method, name, values)}
        return sweep(self.field, over, start=self.start, points=POINTS)

    @cached_property
    def branch(self) -> CertifiedBranch:
        """The same branch, certified."""
        axis = self.sweep.axes[0]
        if not axis.is_interval:
            raise InputError("--certify: give an interval, such as --sweep beta2=0.9:0.999")
        low, high = axis.values
        return certify_branch(self.field, axis.name, low, high, self.start)

    @cached_property
    def map(self) -> ZeroMap:
        """The number of zeros over the two parameters of the settings, from the start on."""
        return map_zeros(self.field, dict(self.settings.map_over), start=self.start, points=MAP_POINTS)

    @cached_property
    def basins(self) -> Basins:
        """Where the flow from each point of a grid over the box ends."""
        zeros, chosen = self.zeros.zeros, self.settings
        attracting = [zero.stability == "attracting" for zero in zeros]
        if not any(attracting):
            raise NotApplicable(
                f"basins: no zero in the box is certified to be attracting, which starts could reach "
                f"({zeros_summary(self.zeros)}); another box can be given with --box"
            )
        points = [zero.midpoint for zero in zeros]
        radius = _REACHED * float(np.ptp(self.sides, axis=1).max())
        fine = 41 if len(self.plane) == 1 else min(chosen.resolution, 21)
        options: dict[str, Any] = {"attracting": attracting, "doublings": chosen.doublings}
        return basins(self.field, self.box, fine, points, chosen.time, radius, **options)


def _alone() -> ThreadPoolExecutor:
    """One thread: boxes are few, processes would take longer to start, and a report's own processes may start none."""
    return ThreadPoolExecutor(1)


def box_around(path: FloatArray) -> FloatArray:
    """Return a box (p, 2) around a path (times, p), three times as wide, with ends of two or three digits."""
    low, high = path.min(axis=0), path.max(axis=0)
    size = np.abs(np.stack((low, high))).max(axis=0)
    width = np.maximum(high - low, _NARROWEST * np.maximum(size, 1.0))
    width = np.maximum(width, _FLATTEST * width.max())
    spare = width - (high - low)
    ends = [
        _rounded_outward(a - _MARGIN * w - s / 2, b + _MARGIN * w + s / 2)
        for a, b, w, s in zip(low, high, width, spare, strict=True)
    ]
    return np.array(ends)


def _rounded_outward(low: float, high: float) -> tuple[float, float]:
    unit = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    digits = max(0, -round(math.log10(unit)))
    return round(math.floor(low / unit) * unit, digits), round(math.ceil(high / unit) * unit, digits)


def plane_of(names: Sequence[str], chosen: Sequence[str] = ()) -> tuple[int, ...]:
    """Return the numbers of the parameters that portraits vary: those chosen, or the first two.

    Raises
    ------
    InputError
        If one is no parameter, or not one or two different ones are chosen.
    """
    wanted = list(chosen) or list(names[:2])
    for name in wanted:
        if name not in names:
            listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
            raise InputError(f"--plane: {name[:40]!r} is no parameter; the parameters are {listed}")
    if len(wanted) != len(set(wanted)) or len(wanted) != min(2, len(names)):
        raise InputError(f"--plane: give {min(2, len(names))} different parameters, such as {','.join(names[:2])}")
    return tuple(names.index(name) for name in wanted)
