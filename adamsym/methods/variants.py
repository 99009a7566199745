"""Adam's variants in what enters v, how v follows it, and what is done to the gradient: one class each."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.methods.adam import Adam
from adamsym.methods.laplace import LaplaceForm
from adamsym.methods.method import AdaptiveMethod
from adamsym.methods.other_recursions import WithThreeNumbers
from adamsym.methods.recursion import Method, State, decay_number, positive_number


@dataclass(frozen=True, init=False)
class AdaBelief(WithThreeNumbers):
    """Adam whose v averages squared deviations of the gradient from m (Zhuang et al. 2020; ``optax.adabelief``).

    v = beta2 v + (1 - beta2) (g - m)^2 + eps_root, with m after the step: eps_root adds up in v. The deviations are no
    function of one gradient, so that there is no Laplace form; the field is estimated by ``monte_carlo``.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1, eps > 0 and eps_root >= 0.
    """

    eps_root: float

    def __init__(
        self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-16, eps_root: Number = 1e-16
    ) -> None:
        super().__init__(beta1, beta2, eps)
        object.__setattr__(self, "eps_root", float(decay_number(eps_root, "eps_root")))

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = v = 0."""
        return np.zeros(shape), np.zeros(shape)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and v after the step, and the change."""
        m = self._mean(state[0], gradient)
        v = self.beta2 * state[1] + (1 - self.beta2) * (gradient - m) ** 2 + self.eps_root
        return (m, v), -m / ((1 - self.beta1**n) * (np.sqrt(v / (1 - self.beta2**n)) + self.eps))

    @property
    def memory(self) -> float:
        """The longer of those of m and v."""
        return 1 / (1 - max(self.beta1, self.beta2))


@dataclass(frozen=True, init=False)
class Yogi(WithThreeNumbers):
    """Adam whose v moves towards g^2 by a share of g^2, whatever their distance (Zaheer et al. 2018; ``optax.yogi``).

    v = v - (1 - beta2) sign(v - g^2) g^2; m and v both begin at ``start``. Two copies with the same gradients keep
    their distance in v as long as no g^2 lies between them, and where all gradients are the same for ever: what v
    remembers does not fall at a rate, and no stationary law is the only one. As beta2 tends to 1, v tends to where
    E[g^2; g^2 > v] = E[g^2; g^2 < v]: the median of g^2 weighted by itself, and not its mean.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1, eps > 0 and start > 0.
    """

    start: float

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-3, start: Number = 1e-6) -> None:
        super().__init__(beta1, beta2, eps)
        object.__setattr__(self, "start", float(positive_number(start, "start")))

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = v = start."""
        return np.full(shape, self.start), np.full(shape, self.start)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and v after the step, and the change."""
        m, square = self._mean(state[0], gradient), gradient**2
        v = state[1] - (1 - self.beta2) * np.sign(state[1] - square) * square
        return (m, v), -m / ((1 - self.beta1**n) * (np.sqrt(v / (1 - self.beta2**n)) + self.eps))

    @property
    def memory(self) -> float:
        """Infinite: differences in v need not fade."""
        return math.inf


@dataclass(frozen=True, init=False)
class RAdam(AdaptiveMethod):
    """Adam with rectified first steps (Liu et al. 2020; ``torch.optim.RAdam``, which adds eps before v is corrected).

    The step is r_n times Adam's, r_n = ((rho_n - 4)(rho_n - 2) rho/((rho - 4)(rho - 2) rho_n))^(1/2) with
    rho = 2/(1 - beta2) - 1 and rho_n = rho - 2 n beta2^n/(1 - beta2^n), and the mean of gradients itself while
    rho_n <= 5. As r_n tends to 1, the field is Adam's, with its proofs. For beta2 <= 2/3 it stays at most 5: then the
    method never divides by v, its field is minus the mean gradient, and no Laplace form says that.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1, eps > 0, and beta1**2 < beta2 or beta1 = beta2 = 0.
    """

    eps_after_correction: ClassVar[bool] = False
    """Whether eps is added to the root of the corrected v, as in ``optax.radam``: for a class of one's own."""

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
        super().__init__(beta1, beta2, eps)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and v after the step, and the change."""
        m = state[0] + (1 - self.beta1) * (gradient - state[0])
        v = self.beta2 * state[1] + (1 - self.beta2) * gradient**2
        mean, left = m / (1 - self.beta1**n), 1 - self.beta2**n
        longest = 2 / (1 - self.beta2) - 1
        length = longest - 2 * n * self.beta2**n / left
        if length <= 5:
            return (m, v), -mean
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        root = np.sqrt(v) + self.eps * (math.sqrt(left) if self.eps_after_correction else 1.0)
        return (m, v), -mean * math.sqrt(rectified * left) / root

    @property
    def laplace(self) -> LaplaceForm | None:
        """Adam's, that of its limit; None for beta2 <= 2/3."""
        return Adam(self.alpha, self.beta, self.epsilon).laplace if 3 * self.beta > 2 else None


@dataclass(frozen=True, init=False)
class ADOPT(WithThreeNumbers):
    """Adam that averages gradients divided by the root of the v before them (Taniguchi et al. 2024).

    m = beta1 m + (1 - beta1) clip(g/max(sqrt(v), eps)), clipped at step n to (n - 1)^(1/4), and only then is v averaged
    with g^2; v begins with the first square, and nothing is bias-corrected: ``optax.contrib.adopt``. Since v does not
    know the gradient, the field is -E[g] E[1/max(sqrt(V), eps)], which is 0 only where the mean gradient is.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1 and eps > 0.
    """

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.9999, eps: Number = 1e-6) -> None:
        super().__init__(beta1, beta2, eps)

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = v = 0."""
        return np.zeros(shape), np.zeros(shape)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and v after the step, and the change."""
        if n == 1:
            return (state[0], gradient**2), np.zeros_like(gradient)
        most = (n - 1) ** 0.25
        m = self._mean(state[0], np.clip(gradient / np.maximum(np.sqrt(state[1]), self.eps), -most, most))
        return (m, self.beta2 * state[1] + (1 - self.beta2) * gradient**2), -m

    @property
    def memory(self) -> float:
        """The longer of those of m and v."""
        return 1 / (1 - max(self.beta1, self.beta2))


@dataclass(frozen=True, init=False)
class Adafactor(Method):
    """RMSprop whose memory grows: beta2 = 1 - n^(-decay) at step n (Shazeer and Stern 2018), as for vectors.

    v averages g^2 + eps; the change is -g/sqrt(v), divided by what its root mean square over all parameters exceeds
    ``clip`` by: ``optax.adafactor(factored=False, multiply_by_parameter_scale=False)``. For matrices Adafactor keeps
    the means of v's rows and columns only, and usually it multiplies the step by the size of the parameters: neither is
    in this class. v tends to E g^2 + eps and never forgets at a rate: what it follows is known in closed form.

    Raises
    ------
    InputError
        Unless 0 < decay <= 1, eps > 0 and clip > 0.
    """

    decay: float
    eps: float
    clip: float

    def __init__(self, decay: Number = 0.8, eps: Number = 1e-30, clip: Number = 1) -> None:
        exact = exact_rational(decay, "adam.decay")
        if not 0 < exact <= 1:
            raise InputError(f"adam.decay: {float(exact)} is not allowed; allowed is 0 < decay <= 1, such as 0.8")
        object.__setattr__(self, "decay", float(exact))
        object.__setattr__(self, "eps", float(positive_number(eps, "eps")))
        object.__setattr__(self, "clip", float(positive_number(clip, "clip")))

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return v = 0."""
        return (np.zeros(shape),)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return v after the step, and the change."""
        beta2 = 1 - float(n) ** -self.decay
        v = beta2 * state[0] + (1 - beta2) * (gradient**2 + self.eps)
        return (v,), -self.clipped(gradient / np.sqrt(v))

    def clipped(self, update: FloatArray) -> FloatArray:
        """Return updates (..., d) whose root mean square over the last axis is at most ``clip``."""
        size = np.sqrt(np.mean(update**2, axis=-1, keepdims=True))
        return np.asarray(update / np.maximum(1.0, size / self.clip))

    @property
    def memory(self) -> float:
        """Infinite: the memory grows without end."""
        return math.inf


@dataclass(frozen=True, init=False)
class _Clipped(WithThreeNumbers):
    """Adam of gradients that are clipped before anything else."""

    clip: float

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8, clip: Number = 1) -> None:
        Adam(beta1, beta2, eps)  # Refuses what Adam does.
        super().__init__(beta1, beta2, eps)
        object.__setattr__(self, "clip", float(positive_number(clip, "clip")))

    def clipped(self, gradient: FloatArray) -> FloatArray:
        """Return what is left of gradients (..., d)."""
        raise NotImplementedError

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = v = 0."""
        return np.zeros(shape), np.zeros(shape)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and v after the step, and the change."""
        g = self.clipped(gradient)
        m, v = self._mean(state[0], g), self.beta2 * state[1] + (1 - self.beta2) * g**2
        return (m, v), -m / ((1 - self.beta1**n) * (np.sqrt(v / (1 - self.beta2**n)) + self.eps))

    @property
    def memory(self) -> float:
        """The longer of those of m and v."""
        return 1 / (1 - max(self.beta1, self.beta2))


@dataclass(frozen=True, init=False)
class AdamClippedByValue(_Clipped):
    """Adam of gradients whose coordinates are clipped to [-clip, clip] (``optax.clip``, keras' ``clipvalue``).

    Its field is Adam's for the clipped gradients; where these have mean 0 the gradients need not.

    Raises
    ------
    InputError
        As Adam, and unless clip > 0.
    """

    def clipped(self, gradient: FloatArray) -> FloatArray:
        """Return each coordinate within [-clip, clip]."""
        return np.asarray(np.clip(gradient, -self.clip, self.clip))


@dataclass(frozen=True, init=False)
class AdamClippedByNorm(_Clipped):
    """Adam of gradients that are shortened to the norm ``clip`` (``optax.clip_by_global_norm``, keras' ``clipnorm``).

    The norm is that of all parameters together, which couples them: a coordinate of the field depends on the joint law
    of all coordinates of the gradient, but only through the law of that coordinate of the clipped gradient, for which
    it is Adam's field.

    Raises
    ------
    InputError
        As Adam, and unless clip > 0.
    """

    def clipped(self, gradient: FloatArray) -> FloatArray:
        """Return gradients of the same direction, no longer than ``clip``."""
        norm = np.sqrt((gradient**2).sum(axis=-1, keepdims=True))
        return np.asarray(gradient * (self.clip / np.maximum(norm, self.clip)))
