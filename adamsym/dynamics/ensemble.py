"""Many independent Adam runs at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.optimizer import AdaptiveMethod, StepSizeSchedule
from adamsym.problem import Problem

_DRAWS_AT_ONCE = 2**20
"""Numbers drawn ahead: 8 MB."""


@dataclass(frozen=True)
class Ensemble:
    """The states of independent Adam chains, shape (chains, d), after ``steps`` steps."""

    theta: FloatArray
    steps: int


def simulate(
    problem: Problem,
    method: AdaptiveMethod,
    schedule: StepSizeSchedule,
    theta0: ArrayLike,
    steps: int,
    chains: int,
    seed: int,
) -> Ensemble:
    """Return the states of ``chains`` independent runs of Adam, or of a relative, after ``steps`` steps.

    Adam: theta_n = theta_{n-1} - gamma_n mhat_n/(sqrt(vhat_n) + eps), with the usual bias corrections and
    m_0 = v_0 = 0 (Kingma and Ba 2015); relatives by their own ``update``. Each chain draws from its own child of
    ``seed``, so that its path does not depend on the number of chains.

    Parameters
    ----------
    schedule
        Step sizes gamma_n, n = 1, 2, ...
    theta0
        Start, shape (d,) for all chains or (chains, d).
    steps, chains
        Positive integers.
    seed
        A non-negative integer.

    Raises
    ------
    InputError
        If an argument is out of range, a step size is not positive, or a chain meets a row where the gradient is not
        finite or does not exist.
    """
    for name, value, least in (("steps", steps, 1), ("chains", chains, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"simulate: {name} = {value!r} is not allowed; allowed are integers from {least} up")
    start = problem.points(theta0)
    if start.shape not in ((problem.dimension,), (chains, problem.dimension)):
        raise InputError(f"simulate: start of shape {start.shape}; allowed are (d,) and (chains, d)")
    theta = np.array(np.broadcast_to(start, (chains, problem.dimension)))
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    step = 0
    for rows in _blocks(problem, steps, chains, seed):
        sizes = schedule(np.arange(step + 1, step + 1 + rows.shape[1]))
        for k in range(rows.shape[1]):
            step += 1
            gradient = _gradient(problem, theta, rows[:, k], step)
            m, v, direction = method.update(m, v, gradient, step)
            theta -= sizes[k] * (direction + method.decay * theta)
    return Ensemble(theta, steps)


def _blocks(problem: Problem, steps: int, chains: int, seed: int) -> Iterator[FloatArray]:
    """The data rows of consecutive steps, in arrays (chains, steps of the block, batch, columns)."""
    generators = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(chains)]
    size = max(1, _DRAWS_AT_ONCE // (chains * problem.batch_size * len(problem.columns)))
    for first in range(0, steps, size):
        shape = (min(size, steps - first), problem.batch_size)
        yield np.stack([problem.law.sample(generator, shape) for generator in generators])


def _gradient(problem: Problem, theta: FloatArray, rows: FloatArray, step: int) -> FloatArray:
    try:
        gradients = problem.row_gradients(theta, rows)
    except InputError as error:
        raise InputError(f"simulate: step {step}: {error}") from None
    return gradients[:, 0] if problem.batch_size == 1 else np.asarray(gradients.mean(axis=1))
