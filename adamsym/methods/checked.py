"""The steps of a method, with what its class returns checked against the contract."""

from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.methods.recursion import Method, State


def checked_start(method: Method, shape: tuple[int, ...]) -> State:
    """Return the initial state for parameters of ``shape``.

    Raises
    ------
    InputError
        If it is no tuple of arrays of numbers with the leading axes of ``shape``.
    """
    return _checked_state(method, method.initial_state(shape), shape)


def checked_step(
    method: Method, state: State, gradient: FloatArray, theta: FloatArray, n: int
) -> tuple[State, FloatArray]:
    """Return the state after step n, and the change.

    Raises
    ------
    InputError
        If the step returns anything but a state like the one before and a change of theta's shape.
    """
    found: Any = method.step(state, gradient, theta, n)
    name = type(method).__name__
    if not isinstance(found, tuple) or len(found) != 2:
        raise InputError(f"{name}: step must return two things, the next state and the change of theta")
    after, change = _checked_state(method, found[0], theta.shape), np.asarray(found[1])
    if change.shape != theta.shape:
        raise InputError(f"{name}: step must return a change of theta's shape {theta.shape}, not {change.shape}")
    if [array.shape for array in after] != [array.shape for array in state]:
        raise InputError(f"{name}: step must return a state of the shapes that it was given")
    return after, change


def _checked_state(method: Method, state: Any, shape: tuple[int, ...]) -> State:
    name, leading = type(method).__name__, shape[:-1]
    if not isinstance(state, tuple):
        raise InputError(f"{name}: the state must be a tuple of arrays, and not of the class {type(state).__name__}")
    arrays = tuple(np.asarray(array) for array in state)
    for array in arrays:
        if array.ndim != len(shape) or array.shape[:-1] != leading or array.dtype.kind not in "fiub":
            raise InputError(
                f"{name}: an array of the state has shape {array.shape} and type {array.dtype}; for parameters of "
                f"shape {shape} allowed are numbers of shape ({', '.join([*map(str, leading), 'k'])})"
            )
    return arrays
