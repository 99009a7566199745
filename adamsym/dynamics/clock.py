"""Adam's clock t_n = gamma_1 + ... + gamma_n: which steps a window of time holds."""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.methods import StepSizeSchedule

MOST_STEPS = 20_000_000
"""Steps of a window at most."""

_STEPS_AT_ONCE = 2**16


def window_sizes(schedule: StepSizeSchedule, start: int, length: float) -> FloatArray:
    """Return gamma_k for the steps k = start + 1, ..., n1 of the longest window with t_n1 - t_start <= length.

    Raises
    ------
    InputError
        If not even one step, or more than 20 million, fit into the window.
    """
    sizes, total, count = [], 0.0, 0
    while True:
        block = schedule(np.arange(start + count + 1, start + count + _STEPS_AT_ONCE + 1))
        clock = total + np.cumsum(block)
        # A last step that ends the window up to rounding belongs to it.
        within = int(np.searchsorted(clock, length * (1 + 1e-12), side="right"))
        sizes.append(block[:within])
        count += within
        if within < len(block):
            break
        total = float(clock[-1])
        if count > MOST_STEPS:
            raise InputError(f"window: more than {MOST_STEPS} steps; take a smaller length or larger step sizes")
    if count == 0:
        raise InputError(f"window: length {length:g} is below the step size after step {start}; take a larger length")
    return np.concatenate(sizes)
