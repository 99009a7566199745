"""A sharp test of a field against a method's runs: the accumulated difference between increments and field.

N = theta_n1 - theta_n0 - sum gamma_k f(theta_(k-1)) is a martingale up to O(gamma) where f is the method's own field
(docs/pseudo_trajectory.md, Theorem 8): its mean vanishes and its variance is Gamma sum gamma_k^2, Gamma the long-run
variance of the increments of the frozen chain. A wrong field adds T times its error to the mean.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from adamsym.dynamics.clock import window_sizes
from adamsym.dynamics.run import Run
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.monte_carlo import monte_carlo
from adamsym.optimizer import AdaptiveMethod, StepSizeSchedule
from adamsym.problem import Problem

FIELD_VALUES = 64
"""Times in a window at which the field is evaluated; between them it is taken as affine."""

FROZEN_POINTS = 8
"""Points of the mean path at which frozen chains are run."""

FROZEN_CHAINS = 64
FROZEN_STEPS = 20_000


@dataclass(frozen=True)
class IncrementTest:
    """The accumulated differences of an ensemble, and two tests of them.

    Attributes
    ----------
    differences
        N/(sum gamma_k^2)^(1/2) for each chain and coordinate, shape (chains, d).
    mean_deviations
        The means' deviations from 0 in standard errors, shape (d,).
    variance_ratios
        The variances over the mean long-run variance of frozen chains along the mean path, shape (d,).
    p_value
        Of the smallest of the 2d two-sided tests (Student's for means, F for variances), times 2d (Bonferroni).
    """

    differences: FloatArray
    mean_deviations: FloatArray
    variance_ratios: FloatArray
    p_value: float


@checked_arguments
def increment_test(
    problem: Problem,
    method: AdaptiveMethod,
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
        What is run: Adam or a relative.
    field
        A map from points (n, d) to (n, d), such as an :class:`AdamField`.
    schedule
        Step sizes; the mean of N is O(gamma) T even for the right field, so they must be small: gamma T chains << 1.
    start, length
        Of the window: by then the start must be forgotten, and the parameters still on their way for power.
    chains, seed
        The ensemble.

    Returns
    -------
    IncrementTest
        ``p_value`` is uniform, up to Bonferroni's correction and O(gamma), if the field is the method's own.

    Raises
    ------
    InputError
        If an argument is out of range or a chain leaves the numbers.
    """
    if chains < 3 or start < 0 or not 0 < length < math.inf:
        raise InputError("increment_test: at least 3 chains, a start from 0 up and a positive length are needed")
    run = Run(problem, method, schedule, theta0, chains, seed)
    if start:
        run.advance(start)
    begin = run.theta
    sizes = window_sizes(schedule, start, length)
    drift, path, value = np.zeros_like(begin), [begin.mean(axis=0)], field(begin)
    blocks = np.array_split(sizes, min(FIELD_VALUES, len(sizes)))
    for block in blocks:
        run.advance(len(block))
        if run.failed.any():
            chain = int(np.argmax(run.failed > 0))
            raise InputError(f"increment_test: chain {chain} left the numbers; take smaller step sizes")
        following = field(run.theta)
        drift += block.sum() * (value + following) / 2
        value = following
        path.append(run.theta.mean(axis=0))
    differences = (run.theta - begin - drift) / math.sqrt(float(np.square(sizes).sum()))
    weights = np.array([np.square(block).sum() for block in blocks])
    return _tested(differences, _long_run_variance(problem, method, np.array(path), weights, seed + 1))


def _long_run_variance(
    problem: Problem, method: AdaptiveMethod, path: FloatArray, weights: FloatArray, seed: int
) -> FloatArray:
    """The long-run variance of the frozen increments, averaged over points of equal weight of the mean path."""
    shares = np.cumsum(weights) / weights.sum()
    chosen = np.searchsorted(shares, (np.arange(FROZEN_POINTS) + 0.5) / FROZEN_POINTS)
    found = [
        monte_carlo(problem, method, (path[k] + path[k + 1]) / 2, seed + n, FROZEN_STEPS, FROZEN_CHAINS)
        for n, k in enumerate(chosen)
    ]
    # The averages' variance, times the steps averaged, is the long-run variance.
    return np.asarray(np.mean([one.standard_error**2 for one in found], axis=0) * FROZEN_CHAINS * FROZEN_STEPS)


def _tested(differences: FloatArray, long_run: FloatArray) -> IncrementTest:
    chains, d = differences.shape
    variances = differences.var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviations = differences.mean(axis=0) / np.sqrt(variances / chains)
        ratios = variances / long_run
    by_means = 2 * scipy.stats.t.sf(np.abs(deviations), chains - 1)
    ratio_law = scipy.stats.f(chains - 1, FROZEN_POINTS * (FROZEN_CHAINS - 1))
    by_variances = 2 * np.minimum(ratio_law.sf(ratios), ratio_law.cdf(ratios))
    smallest = float(np.min([by_means, by_variances]))
    return IncrementTest(differences, deviations, ratios, min(1.0, 2 * d * smallest))
