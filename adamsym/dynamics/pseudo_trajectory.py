"""Adam against the flow of its field: the distance over windows of time, beside its proven bound.

Adam's interpolated process Theta runs on the clock t_n = gamma_1 + ... + gamma_n, affine between steps. Over the window
[t, t+T] it is compared with the flow started at Theta_t (Benaim 1999: asymptotic pseudo-trajectories; Dereich, Jentzen,
Kassing, arXiv 2511.04622). The bound: docs/pseudo_trajectory.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from adamsym.dynamics.bound.hypotheses import hypotheses, largest_gradients
from adamsym.dynamics.bound.theorems import Steps, memory, window_bound
from adamsym.dynamics.clock import window_sizes
from adamsym.dynamics.flow import flow
from adamsym.dynamics.run import Run, check_integers
from adamsym.dynamics.windows import Interval, PseudoTrajectory, Window
from adamsym.expressions.arguments import checked_arguments, takes_field
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, Stopped
from adamsym.field import AdamField
from adamsym.field.ball.enclosure import checked_boxes
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import Adam, StepSizeSchedule, require_adam

PILOT_CHAINS = 64
"""Chains of other random numbers that choose the region where none is given."""

MARGIN = 0.5
"""The region is the pilot chains' box, widened by this share of its width on every side."""

CONFIDENCE = 0.99
"""Of the intervals around measured values."""

QUANTILES = (0.5, 0.9, 0.99)

_FLOW_TIMES = 1000
"""Times at which the flow is looked at for leaving the region."""

_NUMBERS_AT_ONCE = 2**21
_EVERY_STEP = 2**12
"""So many first steps are looked at one by one."""

_LARGEST_THINNING = 64
"""Later, before the lookback, at most so many steps lie between those looked at."""


@takes_field
@checked_arguments
def pseudo_trajectory(
    problem: SymbolicGradient,
    adam: Adam,
    schedule: StepSizeSchedule,
    theta0: ArrayLike,
    starts: Sequence[int],
    length: float,
    chains: int = 200,
    seed: int = 0,
    region: ArrayLike | None = None,
    level: float = 0.05,
    progress: Callable[[int], None] = lambda windows: None,
) -> PseudoTrajectory:
    """Return the distances of an ensemble of Adam runs from the flow, over windows of time, with their bounds.

    Parameters
    ----------
    schedule
        Step sizes that do not increase.
    theta0
        Start, shape (d,).
    starts
        Step numbers n0 at which windows begin.
    length
        Length T of the windows on the clock t_n.
    chains, seed
        The ensemble, as for ``simulate``; at least 2 chains.
    region
        Box (d, 2) on which the bound's constants are taken; if omitted, a wider box around 64 other chains, for each
        window its own. The bound is for the runs that stay inside, from some 60/(1-beta2) steps before the window on.
    level
        Probability that one run may exceed its own bound.
    progress
        Called with the number of windows done.

    Raises
    ------
    InputError
        If an argument is out of range, step sizes increase, or the hypotheses cannot be enclosed (kinks, a continuous
        law, a region where gradients are unbounded).
    Stopped
        A KeyboardInterrupt with the windows that are done, if there are any.
    """
    require_adam(adam, "the pseudo-trajectory bound")
    require_replacement(problem.sampling, "the pseudo-trajectory bound")
    _check(starts, length, chains, level)
    check_integers("pseudo_trajectory", {"seed": (seed, 0)})
    start = problem.points(theta0)
    if start.shape != (problem.dimension,):
        raise InputError(f"pseudo_trajectory: start of shape {start.shape}; give {problem.dimension} numbers")
    given = None if region is None else checked_boxes(problem, region)
    if given is not None and given.ndim != 2:
        raise InputError(f"region: shape {given.shape} is not allowed; give one box ({problem.dimension}, 2)")
    windows = []
    try:
        for begin in starts:
            windows.append(_window(problem, adam, schedule, start, begin, length, chains, seed, given, level))
            progress(len(windows))
    except KeyboardInterrupt:
        if not windows:
            raise
        raise Stopped(PseudoTrajectory(tuple(windows), fitted_order(windows))) from None
    return PseudoTrajectory(tuple(windows), fitted_order(windows))


def _check(starts: Sequence[int], length: float, chains: int, level: float) -> None:
    if not starts:
        raise InputError("pseudo_trajectory: starts must be one or more integers from 0 up")
    for start in starts:
        check_integers("pseudo_trajectory", {"starts": (start, 0)})
    check_integers("pseudo_trajectory", {"chains": (chains, 2)})
    if not 0 < length < math.inf:
        raise InputError(f"pseudo_trajectory: length = {length} is not allowed; allowed are positive numbers")
    if not 0 < level < 1:
        raise InputError(f"pseudo_trajectory: level = {level} is not allowed; allowed is 0 < level < 1")


def _window(
    problem: SymbolicGradient,
    adam: Adam,
    schedule: StepSizeSchedule,
    theta0: FloatArray,
    start: int,
    length: float,
    chains: int,
    seed: int,
    region: FloatArray | None,
    level: float,
) -> Window:
    first = max(0, start - memory(adam))
    sizes = np.concatenate((schedule(np.arange(first + 1, start + 1)), window_sizes(schedule, start, length)))
    if (np.diff(sizes) > 0).any():
        raise InputError("step size: the bound needs step sizes that do not increase")
    steps = Steps(sizes, first, start)
    other = int(np.random.SeedSequence([seed, start]).generate_state(1, np.uint64)[0])
    pilot = _travel(Run(problem, adam, schedule, theta0, PILOT_CHAINS, other), steps, None)
    if np.isnan(pilot.recent).any():
        raise InputError("pseudo_trajectory: runs diverge before the window ends; take smaller step sizes")
    region = _widened(pilot.recent) if region is None else region
    whole = _widened(np.concatenate((pilot.recent, pilot.earlier)), region)
    constants, largest = hypotheses(problem, adam, region), largest_gradients(problem, whole)
    found = _travel(Run(problem, adam, schedule, theta0, chains, seed), steps, AdamField(problem, adam))
    inside = _lies_in(found.recent, region) & _lies_in(found.flow, region) & _lies_in(found.earlier, whole)
    distances = np.where(inside, found.distances, np.nan)
    return Window(
        start,
        first + len(steps.sizes),
        float(steps.window[0]),
        float(np.square(steps.window).sum() / steps.length),
        steps.length,
        distances,
        root_mean_square(distances),
        {q: _quantile(distances, q) for q in QUANTILES},
        window_bound(adam, constants, steps, largest, level),
        region,
    )


@dataclass(frozen=True)
class _Travel:
    """Boxes of each chain's parameters, shape (chains, d, 2), before the lookback and from it on, and of its flow."""

    earlier: FloatArray
    recent: FloatArray
    flow: FloatArray
    distances: FloatArray


def _travel(run: Run, steps: Steps, field: AdamField | None) -> _Travel:
    """Run to the end of the window; distances from the flow are measured if a field is given."""
    assert isinstance(run.method, Adam)
    chains, d = run.theta.shape
    at_once = max(1, _NUMBERS_AT_ONCE // (chains * d))
    earlier = _box(run.theta[None])
    while run.step < steps.first:
        every = _thinning(run.step)
        count = min(at_once * every, steps.first - run.step, max(run.step, _EVERY_STEP))
        largest = float(run.schedule(np.arange(run.step + 1, run.step + count + 1)).max())
        # Between the states looked at, theta moves by at most C per unit of time.
        moved = run.method.step_bound * largest * (every - 1)
        path = np.concatenate((run.advance(count, record_every=every), run.theta[None]))
        earlier = _joined(earlier, _box(path) + np.array([-moved, moved]))
    recent = _box(run.theta[None])
    while run.step < steps.start:
        recent = _joined(recent, _box(run.advance(min(at_once, steps.start - run.step), record_every=1)))
    clock = np.concatenate(([0.0], np.cumsum(steps.window)))
    solution = None if field is None else flow(field, run.theta, [0.0, float(clock[-1])])
    squares, followed = np.zeros(chains), _box(run.theta[None])
    if solution is not None:
        followed = _box(np.moveaxis(solution.at(np.linspace(0.0, clock[-1], _FLOW_TIMES)), 1, 0))
    for low in range(0, len(clock) - 1, at_once):
        times = clock[low + 1 : low + 1 + at_once]
        path = run.advance(len(times), record_every=1)
        recent = _joined(recent, _box(path))
        if solution is not None:
            away = path - np.moveaxis(solution.at(times), 1, 0)
            squares = np.maximum(squares, np.square(away).sum(axis=-1).max(axis=0))
    return _Travel(earlier, recent, followed, np.sqrt(squares))


def _thinning(step: int) -> int:
    """How many steps lie between those looked at: few where the steps are large."""
    return max(1, min(_LARGEST_THINNING, step // _EVERY_STEP))


def _box(path: FloatArray) -> FloatArray:
    """The box of each chain's path (times, chains, d); nan if the chain has diverged."""
    return np.stack((path.min(axis=0), path.max(axis=0)), axis=-1)


def _joined(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.stack((np.minimum(first[..., 0], second[..., 0]), np.maximum(first[..., 1], second[..., 1])), axis=-1)


def _lies_in(boxes: FloatArray, region: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(((boxes[..., 0] >= region[:, 0]) & (boxes[..., 1] <= region[:, 1])).all(axis=-1))


def _widened(boxes: FloatArray, least: FloatArray | None = None) -> FloatArray:
    """A box (d, 2) around boxes (n, d, 2) with a margin, and around ``least``."""
    low, high = boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)
    margin = MARGIN * (high - low)
    found = np.stack((low - margin, high + margin), axis=-1)
    return found if least is None else _joined(found, least)


def root_mean_square(distances: FloatArray) -> Interval:
    """Return (E x^2)^(1/2) with a confidence interval by the central limit theorem; nan counts as 0.

    The interval is for large ensembles: at 99 per cent, not a proof.
    """
    squares = np.square(np.nan_to_num(distances))
    mean = float(squares.mean())
    half = float(
        scipy.stats.t.isf((1 - CONFIDENCE) / 2, len(squares) - 1) * squares.std(ddof=1) / math.sqrt(len(squares))
    )
    return Interval(math.sqrt(mean), math.sqrt(max(0.0, mean - half)), math.sqrt(mean + half))


def _quantile(distances: FloatArray, q: float) -> Interval:
    """A quantile with its interval from order statistics; the ends are infinite where the ensemble is too small."""
    known = distances[np.isfinite(distances)]
    if not len(known):
        return Interval(math.nan, math.nan, math.nan)
    ends: Any = scipy.stats.quantile_test(known, p=q).confidence_interval(CONFIDENCE)
    low, high = float(ends.low), float(ends.high)
    return Interval(float(np.quantile(known, q)), low if low == low else 0.0, high if high == high else math.inf)


def fitted_order(windows: Sequence[Window]) -> Interval | None:
    """Return the slope of log measured against log effective step, by least squares, with Student's interval."""
    points = [(w.effective_step, w.measured.value) for w in windows if w.measured.value > 0]
    if len({step for step, _ in points}) < 3:
        return None
    fit = scipy.stats.linregress(*np.log(np.array(points)).T)
    half = float(scipy.stats.t.isf((1 - CONFIDENCE) / 2, len(points) - 2) * fit.stderr)
    slope = float(fit.slope)
    return Interval(slope, slope - half, slope + half)
