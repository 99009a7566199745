"""A sharp test of a field against a method's runs: the accumulated difference between increments and field.

N = theta_n1 - theta_n0 - sum gamma_k f(theta_(k-1)) is a martingale up to O(gamma) where f is the method's own field
(docs/pseudo_trajectory.md, Theorem 8): its variance is Gamma sum gamma_k^2, Gamma the long-run variance of the
increments of the frozen chain. A wrong field adds T times its error to the mean.

The mean is O(gamma), and not 0: m and v remember gradients from where theta was before, v those of 1/(1-beta2) steps,
in which theta moves by gamma f/(1-beta2), and these gradients have moved theta. So the runs are made with whole, half
and quarter steps over the same time, and extrapolated to vanishing steps: where E N = a gamma + b gamma^2 + c gamma^3 +
..., c gamma^3/8 is left.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.clock import window_sizes
from adamsym.dynamics.run import Run, check_integers
from adamsym.expressions.arguments import checked_arguments, takes_field
from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain
from adamsym.field.simulated import monte_carlo
from adamsym.gradients import StochasticGradient
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import Method, StepSizeSchedule

LEVELS = ((1, 1 / 3), (2, -2.0), (4, 8 / 3))
"""Into how many parts each step is divided, and with what weight the mean counts: extrapolation by a parabola."""

FIELD_VALUES = 64
"""Times in a window at which the field is evaluated; between them it is taken as affine."""

FROZEN_POINTS = 8
"""Points of the mean path at which frozen chains are run."""

FROZEN_CHAINS = 64
FROZEN_STEPS = 20_000
FROZEN_MEMORIES = 100
"""Frozen chains average so many steps, at least so many memories, at most the window: what they leave out of the
long-run variance, the window leaves out too."""

START_MEMORIES = 7
"""The start is forgotten after so many memories: exp(-7) is below 1e-3."""

MOST_REST = 0.25
"""Standard errors by which the mean may be off after the extrapolation: it moves a level of 5 per cent to 5.7."""

MOST_CHANGE = 0.5
"""Relative change of the gradients' root mean square within a memory from which on powers of it do not fall fast."""

_SEEN = 4.0
"""Standard errors from which on a term of the expansion is taken to be seen."""


@dataclass(frozen=True, repr=False)
class IncrementTest(Result):
    """The accumulated differences of an ensemble, extrapolated to vanishing steps, and tests of them.

    It has no picture: the answer is the p-value, and a histogram of one coordinate would show no more than the means.

    Attributes
    ----------
    differences
        For each chain and coordinate N at whole, half and quarter steps with the weights 1/3, -2, 8/3, over the root of
        the sum of squares of these weights times step sizes, shape (chains, d): centred, of variance Gamma.
    mean_deviations
        The means' deviations from 0 in standard errors, shape (d,).
    lag
        What the extrapolation took out of the mean at the quarter steps, in standard errors, shape (d,).
    rest
        What it is estimated to leave, at most 1/4, in standard errors, shape (d,).
    p_value
        Of Hotelling's test of all means at once; for one coordinate this is Student's two-sided test.
    """

    differences: FloatArray = field(repr=False)
    mean_deviations: FloatArray
    lag: FloatArray
    rest: FloatArray
    p_value: float
    _finest: FloatArray = field(repr=False)
    _long_run: Callable[[], FloatArray] = field(repr=False)

    @property
    def verdict(self) -> str:
        """Statistical: the level of the test is the reader's."""
        return "statistical"

    @property
    def summary(self) -> str:
        """The test's p-value."""
        return f"p = {self.p_value:.3g}; {counted(len(self.differences), 'chain')}"

    def to_dict(self) -> dict[str, Any]:
        """Return the test of the means in lists and numbers, ready for JSON."""
        return {
            "p_value": plain(self.p_value),
            "mean_deviations": plain(self.mean_deviations),
            "lag": plain(self.lag),
            "rest": plain(self.rest),
            "chains": len(self.differences),
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: deviation, lag and rest of the mean, in standard errors."""
        named = parameter_names(names, len(self.mean_deviations), ())
        return {"parameter": named, "mean_deviation": self.mean_deviations, "lag": self.lag, "rest": self.rest}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each parameter, in standard errors."""
        rows = zip(*(one if isinstance(one, list) else one.tolist() for one in self.columns().values()), strict=True)
        columns = ["parameter", "mean deviation", "lag taken out", "lag left, at most"]
        return columns, [[name, *(f"{x:.3g}" for x in numbers)] for name, *numbers in rows]

    @cached_property
    def variance_ratios(self) -> FloatArray:
        """Variances of N at quarter steps over the mean long-run variance of frozen chains along the mean path, (d,).

        The frozen chains run when this is first asked for.
        """
        return np.asarray(self._finest.var(axis=0, ddof=1) / self._long_run())

    @property
    def variance_p_value(self) -> float:
        """Of the smallest of the F-tests that these ratios are 1, times their number (Bonferroni).

        Up to the lag of the variances, which is not extrapolated, and for sums that are near to normal.
        """
        law = scipy.stats.f(len(self._finest) - 1, FROZEN_POINTS * (FROZEN_CHAINS - 1))
        tails = 2 * np.minimum(law.sf(self.variance_ratios), law.cdf(self.variance_ratios))
        return min(1.0, len(tails) * float(tails.min()))


@takes_field
@checked_arguments
def increment_test(
    problem: StochasticGradient,
    method: Method,
    field: Callable[[FloatArray], FloatArray],
    schedule: StepSizeSchedule,
    theta0: ArrayLike,
    start: int,
    length: float,
    chains: int = 1000,
    seed: int = 0,
) -> IncrementTest:
    """Return the test whether runs of ``method`` follow ``field``, over the window of length T after step ``start``.

    Parameters
    ----------
    method
        What is run: any method that forgets its start.
    field
        A map from points (n, d) to (n, d), such as an :class:`AdamField`.
    schedule
        The whole step sizes; halves and quarters are run too, seven times the steps in all.
    start, length
        Of the window: by then the start must be forgotten, and the parameters still on their way for power.
    chains, seed
        The ensemble; more chains than parameters, at least 3.

    Returns
    -------
    IncrementTest
        ``p_value`` is uniform if the field is the method's own, up to the shift ``rest`` of at most a quarter of a
        standard error.

    Raises
    ------
    InputError
        If an argument is out of range, a chain diverges, or nothing can be decided: the start is not
        forgotten, the steps are so large that the extrapolation is not good enough (the message says which would do),
        or the runs do not scatter, so that there is no standard error.
    """
    require_replacement(problem.sampling, "the test of increments")
    _check(problem, method, start, length, chains)
    check_integers("increment_test", {"seed": (seed, 0)})
    levels = [
        _accumulated(problem, method, field, schedule, theta0, (start, length), parts, chains, [seed, parts])
        for parts, _ in LEVELS
    ]
    sizes = levels[0].sizes
    weights = np.array([weight for _, weight in LEVELS])
    scale = math.sqrt(sum(weight**2 / parts for parts, weight in LEVELS) * float(np.square(sizes).sum()))
    differences = np.tensordot(weights, [level.differences for level in levels], 1) / scale
    _check_scatter(problem, differences)
    finest = levels[-1]
    lag, rest = _expansion(problem, method, levels, differences, scale)
    own = finest.differences / math.sqrt(float(np.square(sizes).sum()) / finest.parts)
    steps = len(sizes) * finest.parts

    def long_run() -> FloatArray:
        return _long_run_variance(problem, method, finest, steps, seed + 1)

    deviations = differences.mean(axis=0) / _standard_error(differences)
    return IncrementTest(differences, deviations, lag, rest, _hotelling(differences), own, long_run)


def _check(problem: StochasticGradient, method: Method, start: int, length: float, chains: int) -> None:
    least = max(3, problem.dimension + 1)
    if chains < least or start < 0 or not 0 < length < math.inf:
        raise InputError(f"increment_test: at least {least} chains, a start from 0 up and a positive length are needed")
    if not method.memory < math.inf:
        raise InputError(f"increment_test: {type(method).__name__} never forgets its start, and follows no field")
    needed = math.ceil(START_MEMORIES * method.memory) if method.memory > 1 else 0
    if start < needed:
        raise InputError(f"increment_test: m and v forget the start in {needed} steps; take start = {needed} or more")


@dataclass(frozen=True)
class _Refined(StepSizeSchedule):
    """A schedule whose every step is divided into equal parts."""

    parts: int = 1

    def __call__(self, n: ArrayLike) -> FloatArray:
        return super().__call__((np.asarray(n) - 1) // self.parts + 1) / self.parts


@dataclass(frozen=True)
class _Level:
    """N of each chain at a division of the steps, its error by the trapezoidal rule, and the mean path."""

    parts: int
    sizes: FloatArray
    differences: FloatArray
    rule_error: FloatArray
    path: FloatArray
    blocks: list[NDArray[np.float64]]


def _accumulated(
    problem: StochasticGradient,
    method: Method,
    field: Callable[[FloatArray], FloatArray],
    schedule: StepSizeSchedule,
    theta0: ArrayLike,
    window: tuple[int, float],
    parts: int,
    chains: int,
    seed: list[int],
) -> _Level:
    start, length = window
    number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    run = Run(problem, method, _Refined(schedule.text, parts), theta0, chains, number)
    if start:
        run.advance(start * parts)
    sizes = window_sizes(schedule, start, length)
    blocks = np.array_split(sizes, min(FIELD_VALUES, len(sizes)))
    states, values = [run.theta], [np.asarray(field(run.theta))]
    for block in blocks:
        run.advance(len(block) * parts)
        if run.diverged.any():
            chain = int(np.argmax(run.diverged > 0))
            raise InputError(f"increment_test: chain {chain} diverged; take smaller step sizes")
        states.append(run.theta)
        values.append(np.asarray(field(run.theta)))
    times = np.append(0.0, np.cumsum([block.sum() for block in blocks]))
    drift = np.trapezoid(values, times, axis=0)
    every_other = np.unique(np.append(np.arange(0, len(times), 2), len(times) - 1))
    coarse = np.trapezoid(np.array(values)[every_other], times[every_other], axis=0)
    path = np.mean(states, axis=1)
    error = np.abs((coarse - drift).mean(axis=0)) / 3
    return _Level(parts, sizes, states[-1] - states[0] - drift, error, path, blocks)


def _standard_error(values: FloatArray) -> FloatArray:
    return np.asarray(values.std(axis=0, ddof=1) / math.sqrt(len(values)))


def _check_scatter(problem: StochasticGradient, differences: FloatArray) -> None:
    spread = differences.std(axis=0)
    still = spread <= 1e-9 * np.abs(differences).max(axis=0)
    if still.any():
        name = problem.names[int(np.argmax(still))]
        raise InputError(f"increment_test: the runs do not scatter in {name}, so that there is no standard error")


def _expansion(
    problem: StochasticGradient, method: Method, levels: list[_Level], differences: FloatArray, scale: float
) -> tuple[FloatArray, FloatArray]:
    """The lag taken out and the estimated rest, in standard errors; refuse where the rest is too large.

    With E N = a gamma + b gamma^2 + c gamma^3 and quarters, c = a lag/4, c's successors smaller by the relative change
    r within a memory each: the rest r^2 a gamma/8 is r^2/2 times the first-order difference of the last two levels.
    """
    error = _standard_error(differences)
    _, half, quarter = (level.differences / scale for level in levels)
    first = np.abs((quarter - half).mean(axis=0))
    second = np.tensordot([1 / 3, -1.0, 2 / 3], [level.differences for level in levels], 1) / scale
    seen = np.maximum(0.0, np.abs(second.mean(axis=0)) - _SEEN * _standard_error(second))
    change = _change_within_memory(problem, method, levels[0])
    ratio = np.maximum(change, np.divide(2 * seen, first, out=np.zeros_like(seen), where=first > 0))
    by_rule = sum(abs(weight) * level.rule_error for (_, weight), level in zip(LEVELS, levels, strict=True)) / scale
    rest = (ratio**2 * first / 2 + by_rule) / error
    if ratio.max() > MOST_CHANGE or rest.max() > MOST_REST:
        _refuse(method, levels[0].sizes, float(ratio.max()), float(rest.max()), float((by_rule / error).max()))
    lag = (quarter - differences).mean(axis=0) / error
    return np.asarray(lag), np.asarray(rest)


def _change_within_memory(problem: StochasticGradient, method: Method, level: _Level) -> FloatArray:
    """The largest relative change of each coordinate's root mean square gradient within a memory, on the mean path."""
    gradients, p = problem.row_atoms(level.path, problem.law.levels - 1)
    mean = np.einsum("krd,r->kd", gradients, p)
    squares = mean**2 + np.einsum("krd,r->kd", (gradients - mean[:, None]) ** 2, p) / problem.batch_size
    steps = np.array([len(block) for block in level.blocks])
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = np.abs(np.diff(np.log(squares), axis=0)) / 2 * (method.memory / steps)[:, None]
    return np.asarray(np.nan_to_num(changes, nan=0.0, posinf=math.inf).max(axis=0))


def _refuse(method: Method, sizes: FloatArray, ratio: float, rest: float, by_rule: float) -> NoReturn:
    if by_rule > MOST_REST / 2:
        raise InputError("increment_test: the field bends too much within the window; take a smaller length")
    # The rest grows like the step to the power 5/2 in standard errors, the ratio like the step.
    share = min(0.8 * MOST_CHANGE / ratio, (0.5 * MOST_REST / max(rest, MOST_REST / 2)) ** 0.4, 0.9)
    largest = float(sizes.max()) * share
    raise InputError(
        f"increment_test: undecided: with steps of {sizes.max():.2g} theta moves too far within the method's memory of "
        f"{method.memory:.4g} steps; take steps of at most {largest:.1g}"
    )


def _hotelling(differences: FloatArray) -> float:
    """The p-value of Hotelling's T^2 that the mean of (chains, d) is 0, within the directions that scatter."""
    chains = len(differences)
    scaled = differences / differences.std(axis=0, ddof=1)
    values, directions = np.linalg.eigh(np.atleast_2d(np.cov(scaled, rowvar=False)))
    along = directions.T @ scaled.mean(axis=0)
    scatters = values > 1e-12
    if (np.abs(along[~scatters]) * math.sqrt(chains) > 1e-3).any():
        raise InputError(
            "increment_test: the runs do not scatter in some combination of the parameters, so that there is no "
            "standard error"
        )
    rank = int(scatters.sum())
    squared = chains * float((along[scatters] ** 2 / values[scatters]).sum())
    return float(scipy.stats.f(rank, chains - rank).sf(squared * (chains - rank) / (rank * (chains - 1))))


def _long_run_variance(
    problem: StochasticGradient, method: Method, level: _Level, window: int, seed: int
) -> FloatArray:
    """The long-run variance of the frozen increments, averaged over points of equal weight of the mean path."""
    weights = np.array([np.square(block).sum() for block in level.blocks])
    shares = np.cumsum(weights) / weights.sum()
    chosen = np.searchsorted(shares, (np.arange(FROZEN_POINTS) + 0.5) / FROZEN_POINTS)
    path = level.path
    steps = min(window, max(FROZEN_STEPS, math.ceil(FROZEN_MEMORIES * method.memory)))
    found = [
        monte_carlo(problem, method, (path[k] + path[k + 1]) / 2, seed + n, steps, FROZEN_CHAINS)
        for n, k in enumerate(chosen)
    ]
    # The averages' variance, times the steps averaged, is the long-run variance.
    return np.asarray(np.mean([one.standard_error**2 for one in found], axis=0) * FROZEN_CHAINS * steps)
