"""Methods whose denominator is a maximum: they have no Laplace form."""

import math
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.numbers import Number
from adamsym.methods.recursion import Method, State, memory_number, positive_number


@dataclass(frozen=True, init=False)
class WithThreeNumbers(Method):
    """A method with ``beta1``, ``beta2`` and ``eps``, whose m averages the gradients."""

    beta1: float
    beta2: float
    eps: float

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
        object.__setattr__(self, "beta1", float(memory_number(beta1, "beta1")))
        object.__setattr__(self, "beta2", float(memory_number(beta2, "beta2")))
        object.__setattr__(self, "eps", float(positive_number(eps, "eps")))

    def _mean(self, m: FloatArray, gradient: FloatArray) -> FloatArray:
        return np.asarray(self.beta1 * m + (1 - self.beta1) * gradient)


@dataclass(frozen=True, init=False)
class Adamax(WithThreeNumbers):
    """Adam with the largest of the decaying absolute gradients as denominator (Kingma and Ba 2015, section 7.1).

    u = max(beta2 u, \\|g\\| + eps), as in ``torch.optim.Adamax`` and ``optax.adamax``; m is bias-corrected, u is not.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1 and eps > 0.
    """

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = u = 0."""
        return np.zeros(shape), np.zeros(shape)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and u after the step, and the change."""
        m = self._mean(state[0], gradient)
        u = np.maximum(self.beta2 * state[1], np.abs(gradient) + self.eps)
        return (m, u), -m / ((1 - self.beta1**n) * u)

    @property
    def memory(self) -> float:
        """The longer of those of m and u."""
        return 1 / (1 - max(self.beta1, self.beta2))


@dataclass(frozen=True, init=False)
class AMSGrad(WithThreeNumbers):
    """Adam with the largest v so far (Reddi, Kale, Kumar 2018; ``torch.optim.Adam(amsgrad=True)``).

    The largest is taken before the bias correction, as torch does and optax does not. It is never forgotten, so that
    the method follows no field: how fast it moves at a point depends on where it has been.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1 and eps > 0.
    """

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = v = 0, and 0 as the largest v."""
        return np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m, v and the largest v after the step, and the change."""
        m = self._mean(state[0], gradient)
        v = self.beta2 * state[1] + (1 - self.beta2) * gradient**2
        largest = np.maximum(state[2], v)
        divisor = np.sqrt(largest) / math.sqrt(1 - self.beta2**n) + self.eps
        return (m, v, largest), -m / ((1 - self.beta1**n) * divisor)

    @property
    def memory(self) -> float:
        """Infinite: the largest v is kept."""
        return math.inf
