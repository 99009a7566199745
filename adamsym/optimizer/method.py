"""What Adam and its relatives share: decay rates, eps, and the general family of fields (theory T4)."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational


@dataclass(frozen=True, init=False)
class AdaptiveMethod:
    """A method that moves along -(w_0 g + w_1 m)/(sqrt(v) + eps), or /sqrt(v + eps), with running means m and v.

    m averages the gradients g with memory ``beta1`` (alpha in the paper), v their squares with memory ``beta2`` (beta).
    A relative of Adam is one class with its numerator, its denominator and its bias correction. Numbers may be ints,
    floats (taken as the shortest decimal that prints them), ``Decimal``, ``Fraction`` or text; they are kept exactly in
    ``alpha``, ``beta``, ``epsilon`` and as float64 in ``beta1``, ``beta2``, ``eps``.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1, eps > 0, and beta1**2 < beta2 or beta1 = beta2 = 0.
    """

    beta1: float
    beta2: float
    eps: float
    alpha: Fraction = field(repr=False)
    beta: Fraction = field(repr=False)
    epsilon: Fraction = field(repr=False)

    eps_inside_root: ClassVar[bool] = False
    """Whether the denominator is sqrt(v + eps) and not sqrt(v) + eps."""

    corrects_bias: ClassVar[bool] = True
    """Whether m and v are divided by 1 - beta**n at step n."""

    def __init__(self, beta1: Number, beta2: Number, eps: Number) -> None:
        alpha = exact_rational(beta1, "adam.beta1")
        beta = exact_rational(beta2, "adam.beta2")
        epsilon = exact_rational(eps, "adam.eps")
        for name, value in (("beta1", alpha), ("beta2", beta)):
            if not 0 <= value < 1 or float(value) == 1.0:
                raise InputError(f"adam.{name}: {float(value)} is not allowed; allowed is 0 <= {name} < 1")
        if not (alpha**2 < beta or alpha == beta == 0):
            raise InputError(
                f"adam: beta1**2 = {float(alpha**2)} must be below beta2 = {float(beta)}; "
                "raise beta2 or lower beta1 (both may be 0)"
            )
        if epsilon <= 0 or float(epsilon) == 0.0:
            raise InputError(f"adam.eps: {eps} is not allowed; allowed is eps > 0, such as 1e-8")
        for letter, name, exact in (("alpha", "beta1", alpha), ("beta", "beta2", beta), ("epsilon", "eps", epsilon)):
            object.__setattr__(self, letter, exact)
            object.__setattr__(self, name, float(exact))

    @property
    def current_weight(self) -> Fraction:
        """w_0, the weight of the current gradient in the numerator."""
        return Fraction(0)

    @property
    def momentum_weight(self) -> Fraction:
        """w_1 = 1 - w_0, the weight of m in the numerator."""
        return 1 - self.current_weight

    @property
    def decay(self) -> float:
        """Coefficient lambda of decoupled weight decay: the field gets the term -lambda theta."""
        return 0.0

    @property
    def step_bound(self) -> float:
        """The constant C with |numerator| <= C sqrt(V), by Cauchy-Schwarz (theory T1).

        Returns
        -------
        float
            (sum c_k^2/((1-beta) beta^k))^(1/2) for the numerator's coefficients c_k; for Adam
            (1-alpha)/sqrt((1-beta)(1-alpha^2/beta)). Correct to a few units in the last place.
        """
        momentum = self.momentum_weight * (1 - self.alpha)
        newest = self.current_weight + momentum
        older = Fraction(0) if self.alpha == 0 else momentum**2 * self.alpha**2 / (self.beta - self.alpha**2)
        return math.sqrt(float((newest**2 + older) / (1 - self.beta)))

    def update(
        self, m: FloatArray, v: FloatArray, gradient: FloatArray, step: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return m, v and the direction, all of the gradient's shape, after step number ``step`` = 1, 2, ...

        The parameters then move by -(step size) (direction + decay * theta).
        """
        m = m + (1 - self.beta1) * (gradient - m)
        v = v + (1 - self.beta2) * (gradient**2 - v)
        numerator, second = self._numerator(m, gradient, step), v
        if self.corrects_bias:
            second = v / -math.expm1(step * _log(self.beta2))
        root = np.sqrt(second + self.eps) if self.eps_inside_root else np.sqrt(second) + self.eps
        return m, v, numerator / root

    def _numerator(self, m: FloatArray, gradient: FloatArray, step: int) -> FloatArray:
        return m / -math.expm1(step * _log(self.beta1)) if self.corrects_bias else m


def _log(decay: float) -> float:
    return math.log(decay) if decay > 0 else -math.inf
