"""A method's field by simulation of its frozen chain: slow, with a standard error, independent of the quadrature."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, plain
from adamsym.field.epochs.drawing import EpochDraws
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.methods import AdaptiveMethod, Method
from adamsym.methods.checked import checked_start, checked_step
from adamsym.methods.recursion import State

_BURN_IN_TIMES = 12
"""Burn-in in units of 1/(1-beta) and 1/(1-alpha): the start is forgotten up to e^-12 (theory T3)."""

_DRAWS_AT_ONCE = 2**20

_MOST_STEPS = 2_000_000
"""Steps of a recursion in NumPy: some minutes."""

_SHOWN = 4
"""So many numbers are shown in a line."""

_TWINS = 4
"""Chains that are run from two starts."""

_LEFT_OF_A_START = math.exp(-6)
"""What may be left, after the burn-in, of a difference of two starts, where the memory says exp(-11)."""


@dataclass(frozen=True, repr=False)
class Estimate(Result):
    """A Monte-Carlo estimate with its standard error, each of shape (d,)."""

    value: FloatArray
    standard_error: FloatArray

    @property
    def verdict(self) -> str:
        """Statistical."""
        return "statistical"

    @property
    def summary(self) -> str:
        """The estimate of few parameters, else its size; and the largest standard error."""
        few = self.value.size <= _SHOWN
        value = f"f = {self.value.tolist()}" if few else f"max |f| = {np.abs(self.value).max():.3g}"
        return f"{value}, standard error {self.standard_error.max():.1e}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"field": ..., "standard_error": ...}`` in lists, ready for JSON."""
        return {"field": plain(self.value), "standard_error": plain(self.standard_error)}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the estimate and its standard error."""
        named = parameter_names(names, len(self.value), ())
        return {"parameter": named, "field": self.value, "standard_error": self.standard_error}


def monte_carlo(
    problem: StochasticGradient,
    method: Method,
    theta: ArrayLike,
    seed: int,
    steps: int = 20_000,
    chains: int = 64,
) -> Estimate:
    """Return f(theta) as the time average of the method's change over independent frozen chains.

    This works for every method that forgets its past, with a Laplace form or without. What the start still weighs
    after the burn-in, exp(-12) in the state, is not counted in the standard error.

    Parameters
    ----------
    theta
        One point, shape (d,).
    seed
        Seed of ``numpy.random.default_rng``.
    steps
        Steps averaged per chain, after a burn-in of 12 of the method's memories; whole epochs where there are some.
    chains
        Independent chains; the standard error is that of the mean of their averages.

    Raises
    ------
    InputError
        If theta is not one point, or there are fewer than 2 chains or 1 step; if the method never forgets, as AMSGrad,
        remembers for too long, or for longer than its ``memory`` says.

    Source: the ergodic average of claim C2 (Dereich, Jentzen, Kassing, arXiv 2511.04622).
    """
    point = problem.points(theta)
    if point.ndim != 1:
        raise InputError(f"theta: shape {point.shape} is not allowed; give one point of {problem.dimension} numbers")
    numbers, epoch = problem.dimension * problem.batch_size, problem.epoch
    if epoch is not None:
        # The average is over whole epochs.
        draws = EpochDraws(problem.row_gradients(point), epoch)
        steps = epoch.batches * -(-steps // epoch.batches)

    def draw(generator: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        return _gradients(problem, point, generator, shape) if epoch is None else draws(generator, shape)

    if isinstance(method, AdaptiveMethod) and method.has_factors:
        found = time_average(draw, method, seed, steps, chains, numbers)
        return Estimate(-found.value - method.decay * point, found.standard_error)
    return recursion_average(draw, method, point, seed, steps, chains, numbers)


def time_average(
    draw: Callable[[np.random.Generator, tuple[int, int]], FloatArray],
    method: AdaptiveMethod,
    seed: int,
    steps: int = 20_000,
    chains: int = 64,
    numbers_per_draw: int = 1,
) -> Estimate:
    """Return the time average of the method's direction, E[M/(sqrt(V) + eps)], for gradients that are drawn.

    ``draw(generator, (chains, steps))`` returns gradients of shape (chains, steps, d). Other arguments and errors are
    those of :func:`monte_carlo`.
    """
    _check_sizes(steps, chains)
    generator = np.random.default_rng(seed)
    done = -math.ceil(_BURN_IN_TIMES * method.memory)
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


def recursion_average(
    draw: Callable[[np.random.Generator, tuple[int, int]], FloatArray],
    method: Method,
    theta: FloatArray,
    seed: int,
    steps: int = 20_000,
    chains: int = 64,
    numbers_per_draw: int = 1,
) -> Estimate:
    """Return the time average of the change that a method's own ``step`` makes at theta (d,), held fixed.

    Arguments and errors are those of :func:`time_average` and :func:`monte_carlo`. Some chains have a twin with the
    same gradients, but three times as large within the first memory: that the two agree after the burn-in is checked.
    """
    _check_sizes(steps, chains)
    burn_in, twins = _burn_in(method, steps), min(chains, _TWINS)
    generator, point = np.random.default_rng(seed), np.broadcast_to(theta, (chains + twins, *theta.shape))
    state, total, n = checked_start(method, point.shape), np.zeros((chains, *theta.shape)), 0
    apart = np.zeros(len(state))
    while n < burn_in + steps:
        size = min(burn_in + steps - n, max(1, _DRAWS_AT_ONCE // (chains * numbers_per_draw)))
        gradients = np.moveaxis(draw(generator, (chains, size)), 1, 0)
        for g in np.concatenate([gradients, gradients[:, :twins]], axis=1):
            n += 1
            if n <= method.memory + 1:
                g[chains:] *= 3
            state, change = checked_step(method, state, g, point, n)
            if method.memory <= n <= 2 * method.memory + 1:
                # Not at one step only: quotients of gradients, which all have grown alike, come apart later.
                apart = np.maximum(apart, _apart(state, twins))
            if n == burn_in and (_apart(state, twins) > _LEFT_OF_A_START * apart + 1e-12).any():
                raise InputError(f"monte_carlo: {type(method).__name__} remembers more than its memory says")
            if n > burn_in:
                total += change[:chains]
    averages = total / steps
    return Estimate(averages.mean(axis=0), averages.std(axis=0, ddof=1) / np.sqrt(chains))


def _check_sizes(steps: int, chains: int) -> None:
    if chains < 2 or steps < 1:
        raise InputError("monte_carlo: at least 2 chains and 1 step are needed for a standard error")


def _burn_in(method: Method, steps: int) -> int:
    name = type(method).__name__
    if not method.memory < math.inf:
        raise InputError(
            f"monte_carlo: {name} never forgets its past, so that it has no field: its mean step at a point "
            "depends on where it has been"
        )
    if not method.memory >= 1 or _BURN_IN_TIMES * method.memory + steps > _MOST_STEPS:
        raise InputError(
            f"monte_carlo: {name} has a memory of {method.memory:.4g} steps; allowed are at least 1, and at most "
            f"{_MOST_STEPS} steps together with a burn-in of {_BURN_IN_TIMES} memories"
        )
    return math.ceil(_BURN_IN_TIMES * method.memory) + 1


def _apart(state: State, twins: int) -> FloatArray:
    """How far the twins, the last chains, are from the first ones, for each array of the state."""
    return np.array([np.abs(array[-twins:] - array[:twins]).max(initial=0.0) for array in state])


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
