"""The Adam field by simulation of the frozen chain: slow, with a standard error, independent of the quadrature."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.methods import AdaptiveMethod

_BURN_IN_TIMES = 12
"""Burn-in in units of 1/(1-beta) and 1/(1-alpha): the start is forgotten up to e^-12 (theory T3)."""

_DRAWS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Estimate:
    """A Monte-Carlo estimate with its standard error, each of shape (d,)."""

    value: FloatArray
    standard_error: FloatArray


def monte_carlo(
    problem: StochasticGradient,
    method: AdaptiveMethod,
    theta: ArrayLike,
    seed: int,
    steps: int = 20_000,
    chains: int = 64,
) -> Estimate:
    """Return f(theta) as minus the time average of the method's direction over independent frozen chains.

    Parameters
    ----------
    theta
        One point, shape (d,).
    seed
        Seed of ``numpy.random.default_rng``.
    steps
        Steps averaged per chain, after a burn-in of 12 memory lengths.
    chains
        Independent chains; the standard error is that of the mean of their averages.

    Raises
    ------
    InputError
        If theta is not one point, or there are fewer than 2 chains or 1 step.

    Source: the ergodic average of claim C2 (Dereich, Jentzen, Kassing, arXiv 2511.04622).
    """
    point = problem.points(theta)
    if point.ndim != 1:
        raise InputError(f"theta: shape {point.shape} is not allowed; give one point of {problem.dimension} numbers")
    found = time_average(
        lambda generator, shape: _gradients(problem, point, generator, shape),
        method,
        seed,
        steps,
        chains,
        problem.dimension * problem.batch_size,
    )
    return Estimate(-found.value - method.decay * point, found.standard_error)


def time_average(
    draw: Callable[[np.random.Generator, tuple[int, int]], FloatArray],
    method: AdaptiveMethod,
    seed: int,
    steps: int = 20_000,
    chains: int = 64,
    numbers_per_draw: int = 1,
) -> Estimate:
    """Return the time average of the method's direction, E[M/(sqrt(V) + eps)], for independent gradients.

    ``draw(generator, (chains, steps))`` returns gradients of shape (chains, steps, d). Other arguments and errors are
    those of :func:`monte_carlo`.
    """
    if chains < 2 or steps < 1:
        raise InputError("monte_carlo: at least 2 chains and 1 step are needed for a standard error")
    generator = np.random.default_rng(seed)
    memory = max(1 / float(1 - method.beta), 1 / float(1 - method.alpha))
    done = -int(np.ceil(_BURN_IN_TIMES * memory))
    total: FloatArray | float = 0.0
    state: FloatArray | None = None
    while done < steps:
        size = min(steps - done, max(1, _DRAWS_AT_ONCE // (chains * numbers_per_draw)))
        gradients = draw(generator, (chains, size))
        if state is None:
            state = np.stack((gradients.mean(axis=1), (gradients**2).mean(axis=1)))
        m = _moving_average(gradients, method.beta1, state[0])
        v = _moving_average(gradients**2, method.beta2, state[1])
        state = np.stack((m[:, -1], v[:, -1]))
        numerator = float(method.current_weight) * gradients + float(method.momentum_weight) * m
        total = total + (numerator / method.divisor(v))[:, max(0, -done) :].sum(axis=1)
        done += size
    averages = np.asarray(total) / steps
    return Estimate(averages.mean(axis=0), averages.std(axis=0, ddof=1) / np.sqrt(chains))


def _gradients(
    problem: StochasticGradient, point: FloatArray, generator: np.random.Generator, shape: tuple[int, int]
) -> FloatArray:
    """Stochastic gradients at one point, shape (*shape, d)."""
    batch = (*shape, problem.batch_size)
    if isinstance(problem.law, Empirical):
        table = problem.row_gradients(point)
        return np.asarray(table[problem.law.sample_indices(generator, batch)].mean(axis=-2))
    return np.asarray(problem.row_gradients(point, problem.law.sample(generator, batch)).mean(axis=-2))


def _moving_average(values: FloatArray, decay: float, before: FloatArray) -> FloatArray:
    """y_n = decay y_{n-1} + (1 - decay) values_n along axis 1, from ``before``."""
    # Imported here: half a second that evaluating the field does not need.
    import scipy.signal

    filtered, _ = scipy.signal.lfilter([1 - decay], [1, -decay], values, axis=1, zi=decay * before[:, None])
    return np.asarray(filtered)
