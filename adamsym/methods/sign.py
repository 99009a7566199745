"""Methods that move along the sign of a sum of past gradients: their sign form, Signum and Lion."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.methods.laplace import LagWeights
from adamsym.methods.recursion import Method, State, decay_number, memory_number


@dataclass(frozen=True)
class SignForm:
    """The field f_i = -E sign(M_i) - ``decay`` theta_i, M = sum_k c_k g_k, where sign(0) = 0.

    Attributes
    ----------
    weights
        The lag weights c_k, some of them not 0. A positive factor changes nothing.
    decay
        Lambda, exactly: the coefficient of decoupled weight decay, from 0 up.

    Raises
    ------
    InputError
        Unless ``decay`` is an exact fraction from 0 up.
    """

    weights: LagWeights
    decay: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if not isinstance(self.decay, Fraction) or self.decay < 0:
            raise InputError(f"sign form: a decay of {self.decay!r} is not allowed; allowed are fractions from 0 up")


@dataclass(frozen=True, init=False)
class Signum(Method):
    """The sign of the running mean of gradients (Bernstein et al. 2018; ``optax.signum``, ``optax.sign_sgd``).

    m is averaged with memory ``beta1``, and theta changes by -sign(m) - weight_decay theta. With beta1 = 0 it is
    signSGD.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1 and weight_decay >= 0.
    """

    beta1: float
    weight_decay: float
    alpha: Fraction = field(repr=False)
    exact_decay: Fraction = field(repr=False)

    def __init__(self, beta1: Number = 0.9, weight_decay: Number = 0) -> None:
        alpha, decay = memory_number(beta1, "beta1"), decay_number(weight_decay)
        for name, value in (("beta1", float(alpha)), ("weight_decay", float(decay))):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "exact_decay", decay)

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = 0."""
        return (np.zeros(shape),)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m after the step, and the change."""
        m = self.beta1 * state[0] + (1 - self.beta1) * gradient
        return (m,), -np.sign(m) - self.weight_decay * theta

    @property
    def memory(self) -> float:
        """That of m."""
        return 1 / (1 - self.beta1)

    @property
    def sign_form(self) -> SignForm:
        """The lag weights (1 - beta1) beta1^k."""
        return SignForm(LagWeights((), ((1 - self.alpha, self.alpha),)), self.exact_decay)


@dataclass(frozen=True, init=False)
class Lion(Method):
    """The sign of a mean of gradients, with decoupled weight decay (Chen et al. 2023; ``optax.lion``).

    theta changes by -sign(beta1 m + (1 - beta1) g) - weight_decay theta, and only then is m averaged with ``beta2``.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1 and weight_decay >= 0.
    """

    beta1: float
    beta2: float
    weight_decay: float
    alpha: Fraction = field(repr=False)
    beta: Fraction = field(repr=False)
    exact_decay: Fraction = field(repr=False)

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.99, weight_decay: Number = 0.001) -> None:
        alpha, beta = memory_number(beta1, "beta1"), memory_number(beta2, "beta2")
        decay = decay_number(weight_decay)
        for name, exact, letter in (
            ("beta1", alpha, "alpha"),
            ("beta2", beta, "beta"),
            ("weight_decay", decay, "exact_decay"),
        ):
            object.__setattr__(self, name, float(exact))
            object.__setattr__(self, letter, exact)

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = 0."""
        return (np.zeros(shape),)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m after the step, and the change."""
        (m,) = state
        change = -np.sign((1 - self.beta1) * gradient + self.beta1 * m) - self.weight_decay * theta
        return (self.beta2 * m + (1 - self.beta2) * gradient,), change

    @property
    def memory(self) -> float:
        """That of m."""
        return 1 / (1 - self.beta2)

    @property
    def sign_form(self) -> SignForm:
        """The lag weights 1 - beta1, and from k = 1 on beta1 (1 - beta2) beta2^(k-1)."""
        now, older = 1 - self.alpha, self.alpha * (1 - self.beta)
        if self.beta == 0:
            return SignForm(LagWeights((now, older), ()), self.exact_decay)
        amount = older / self.beta
        return SignForm(LagWeights((now - amount,), ((amount, self.beta),)), self.exact_decay)


def require_sign(method: Method, what: str) -> SignForm:
    """Return the sign form of ``method``.

    Raises
    ------
    NotApplicable
        If it has none; the message says that ``what`` needs one.
    """
    form = method.sign_form
    if form is None:
        raise NotApplicable(f"adam: {what} needs a sign form (lag weights), and {type(method).__name__} has none")
    return form
