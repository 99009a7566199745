"""Chains whose method takes its own steps: in NumPy, for all chains at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.methods import Method

Arrays = tuple[NDArray[Any], ...]


def checked_state(method: Method, state: Any, chains: int) -> Arrays:
    """Return a method's state for ``chains`` chains as arrays (chains, k).

    Raises
    ------
    InputError
        If it is anything else.
    """
    name = type(method).__name__
    if not isinstance(state, tuple):
        raise InputError(f"{name}: the state must be a tuple of arrays, and not of the class {type(state).__name__}")
    arrays = tuple(np.asarray(array) for array in state)
    for array in arrays:
        if array.ndim != 2 or len(array) != chains or array.dtype.kind not in "fiub":
            raise InputError(
                f"{name}: an array of the state has shape {array.shape} and type {array.dtype}; for {chains} chains "
                f"allowed are numbers of shape ({chains}, k)"
            )
    return arrays


def take_own_steps(
    method: Method,
    chains: tuple[FloatArray, Arrays, NDArray[np.int64]],
    gradients: Callable[[FloatArray], FloatArray],
    first: int,
    sizes: FloatArray,
    record: Callable[[int, FloatArray], None],
) -> tuple[FloatArray, Arrays, NDArray[np.int64]]:
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
            after, change = _checked_step(method, method.step(state, g, theta, n), theta, state)
            theta = theta + size * change
        lasting = _finite(after, len(theta))
        # A state that was infinite before may stay so; one that becomes infinite has overflown.
        lost = ~np.isfinite(theta).all(axis=1) | ~np.isfinite(g).all(axis=1) | (finite & ~lasting).any(axis=0)
        diverged[lost & (diverged[:, 0] == 0)] = n
        theta[diverged[:, 0] > 0] = np.nan
        state, finite = after, lasting
        record(n, theta)
    return theta, state, diverged


def _finite(state: Arrays, chains: int) -> NDArray[np.bool_]:
    """Whether the entries of each array are all finite, chain by chain: shape (arrays, chains)."""
    return np.array([np.isfinite(array).all(axis=1) for array in state], dtype=bool).reshape(len(state), chains)


def _checked_step(method: Method, found: Any, theta: FloatArray, state: Arrays) -> tuple[Arrays, FloatArray]:
    name = type(method).__name__
    if not isinstance(found, tuple) or len(found) != 2:
        raise InputError(f"{name}: step must return two things, the next state and the change of theta")
    after, change = checked_state(method, found[0], len(theta)), np.asarray(found[1])
    if change.shape != theta.shape:
        raise InputError(f"{name}: step must return a change of theta's shape {theta.shape}, not {change.shape}")
    if [array.shape for array in after] != [array.shape for array in state]:
        raise InputError(f"{name}: step must return a state of the shapes that it was given")
    return after, change
