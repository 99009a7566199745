"""Chains whose method takes its own steps: in NumPy, for all chains at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.methods import Method
from adamsym.methods.checked import checked_step
from adamsym.methods.recursion import State


def take_own_steps(
    method: Method,
    chains: tuple[FloatArray, State, NDArray[np.int64]],
    gradients: Callable[[FloatArray], FloatArray],
    first: int,
    sizes: FloatArray,
    record: Callable[[int, FloatArray], None],
    box: FloatArray | None = None,
) -> tuple[FloatArray, State, NDArray[np.int64]]:
    """Return theta, the state and the marks of divergence after the steps ``first``, ``first`` + 1, ...

    Parameters
    ----------
    chains
        Theta (chains, d), the method's state, and for each chain the step at which it diverged, or 0, (chains, 1).
    gradients
        Takes theta and returns the gradients of the next step, of the same shape.
    sizes
        The step sizes.
    record
        Called with the number of each step and theta after it.
    box
        What theta is projected onto after each step, shape (d, 2); all of space if None.

    Raises
    ------
    InputError
        If a step returns anything but a state like the one before and a change of theta's shape.
    """
    theta, state, diverged = chains[0], chains[1], chains[2].copy()
    finite = _finite(state, len(theta))
    for n, size in enumerate(sizes, start=first):
        g = gradients(theta)
        with np.errstate(all="ignore"):
            after, change = checked_step(method, state, g, theta, n)
            theta = theta + size * change
            if box is not None:
                theta = np.clip(theta, *box.T)
        lasting = _finite(after, len(theta))
        # A state that was infinite before may stay so; one that becomes infinite has overflown.
        lost = ~np.isfinite(theta).all(axis=1) | ~np.isfinite(g).all(axis=1) | (finite & ~lasting).any(axis=0)
        diverged[lost & (diverged[:, 0] == 0)] = n
        theta[diverged[:, 0] > 0] = np.nan
        state, finite = after, lasting
        record(n, theta)
    return theta, state, diverged


def _finite(state: State, chains: int) -> NDArray[np.bool_]:
    """Whether the entries of each array are all finite, chain by chain: shape (arrays, chains)."""
    return np.array([np.isfinite(array).all(axis=1) for array in state], dtype=bool).reshape(len(state), chains)
