"""What Adam and its relatives share: decay rates, eps, and the general family of fields (theory T4)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import repeat
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.methods.laplace import Kernel, LagWeights, LaplaceForm

Denominator = Literal["sqrt(v) + eps", "sqrt(v + eps)", "v + eps", "1"]


class StepFactors(NamedTuple):
    """What distinguishes the steps of a method: one number for each step in each array."""

    momentum: FloatArray
    current: FloatArray
    root: FloatArray
    shrink: FloatArray


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

    denominator: ClassVar[Denominator] = "sqrt(v) + eps"
    """What the numerator is divided by. Fields are known for the two roots; with "1" the method is gradient descent
    with momentum."""

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
    def eps_inside_root(self) -> bool:
        """Whether the denominator is sqrt(v + eps)."""
        return self.denominator == "sqrt(v + eps)"

    def divisor(self, second_moment: FloatArray) -> FloatArray:
        """Return the denominator for second moments v, of any shape."""
        v, eps = second_moment, self.eps
        if self.denominator == "1":
            return np.ones_like(v)
        if self.denominator == "v + eps":
            return v + eps
        return np.asarray(np.sqrt(v + eps) if self.eps_inside_root else np.sqrt(v) + eps)

    @property
    def current_weight(self) -> Fraction:
        """w_0, the weight of the current gradient in the numerator."""
        return Fraction(0)

    @property
    def momentum_weight(self) -> Fraction:
        """w_1 = 1 - w_0, the weight of m in the numerator."""
        return 1 - self.current_weight

    @property
    def exact_decay(self) -> Fraction:
        """Lambda, exactly."""
        return Fraction(0)

    @property
    def decay(self) -> float:
        """Coefficient lambda of decoupled weight decay: the field gets the term -lambda theta."""
        return float(self.exact_decay)

    @property
    def laplace(self) -> LaplaceForm | None:
        """What the field and all proofs need to know of the method; None where it divides by no root."""
        from adamsym.methods.kernels import RootOfSum, RootPlusEps

        kernels: dict[str, type[RootPlusEps] | type[RootOfSum]] = {
            "sqrt(v) + eps": RootPlusEps,
            "sqrt(v + eps)": RootOfSum,
        }
        if self.denominator not in kernels:
            return None
        kernel: Kernel = kernels[self.denominator](self.epsilon)
        head = (self.current_weight,) if self.current_weight else ()
        terms = ((self.momentum_weight * (1 - self.alpha), self.alpha),) if self.momentum_weight else ()
        return LaplaceForm(LagWeights(head, terms), self.beta, kernel, self.exact_decay)

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

    def step_factors(self, first: int, sizes: FloatArray) -> StepFactors:
        """Return the factors of the steps ``first``, ``first`` + 1, ..., whose step sizes are ``sizes``.

        With m and v after the step, theta becomes

            shrink theta - (momentum m + current g)/(sqrt(v)/root + eps),

        or, by ``denominator``, /sqrt(v/root + eps), /(v/root + eps) or /1. This is Adam itself, its
        corrections 1 - beta1**n and sqrt(1 - beta2**n); each relative states its own.
        """
        second = bias_corrections(self.beta2, first, len(sizes))
        root = second
        if self.denominator == "sqrt(v) + eps":
            root = np.ones_like(second)
            # A power and not the root, as torch has it: the last bit differs at one step of forty.
            below = int(np.count_nonzero(second < 1))
            root[:below] = _powers(second[:below].tolist(), repeat(0.5))
        return StepFactors(
            momentum=sizes / bias_corrections(self.beta1, first, len(sizes)),
            current=np.zeros_like(sizes),
            root=root,
            shrink=1 - sizes * self.decay,
        )


def bias_corrections(decay: float, first: int, count: int) -> FloatArray:
    """Return 1 - decay**n for n = first, first + 1, ...; 1 where it rounds to 1."""
    rounds_to_one = 1 if decay == 0 else math.ceil(-54 * math.log(2) / math.log(decay)) + 1
    corrections = np.ones(count)
    below = max(0, min(count, rounds_to_one - first))
    corrections[:below] -= _powers(repeat(decay), range(first, first + below))
    return corrections


def _powers(bases: Iterable[float], exponents: Iterable[float]) -> FloatArray:
    """The C library's powers, which torch and Python share; NumPy's own differ in the last bit."""
    return np.fromiter(map(math.pow, bases, exponents), np.float64)
