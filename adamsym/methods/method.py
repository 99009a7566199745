"""What Adam and its relatives share: decay rates, eps, and the general family of fields (theory T4)."""

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product, repeat
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.expressions.pickling import shallow_copy
from adamsym.expressions.ranges import range_of
from adamsym.methods.laplace import Kernel, LagWeights, LaplaceForm
from adamsym.methods.recursion import Method, State, memory_number, positive_number

Denominator = Literal["sqrt(v) + eps", "sqrt(v + eps)", "v + eps", "1"]


class StepFactors(NamedTuple):
    """What distinguishes the steps of a method: one number for each step in each array."""

    momentum: FloatArray
    current: FloatArray
    root: FloatArray
    shrink: FloatArray


@dataclass(frozen=True, init=False)
class AdaptiveMethod(Method):
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
        alpha, beta = memory_number(beta1, "beta1"), memory_number(beta2, "beta2")
        if not (alpha**2 < beta or alpha == beta == 0):
            raise InputError(
                f"adam: beta1**2 = {float(alpha**2)} must be below beta2 = {float(beta)}; "
                "raise beta2 or lower beta1 (both may be 0)"
            )
        epsilon = positive_number(eps, "eps")
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
    def has_factors(self) -> bool:
        """Whether the method is what its weights, denominator and ``step_factors`` say: its step is not its own."""
        return type(self).step is AdaptiveMethod.step and type(self).initial_state is AdaptiveMethod.initial_state

    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return m = v = 0."""
        return np.zeros(shape), np.zeros(shape)

    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return m and v after step n, and the change of theta for the step size 1.

        The compiled chains take the same step; a class that states another one is simulated with that, and then has no
        Laplace form unless it states this too.
        """
        m, v = state
        m = m + (1 - self.beta1) * (gradient - m)
        v = self.beta2 * v + (1 - self.beta2) * gradient**2
        momentum, current, root, _ = (float(factor[0]) for factor in self.step_factors(n, np.ones(1)))
        rooted = self.denominator == "sqrt(v) + eps"
        divisor = np.sqrt(v) / root + self.eps if rooted else self.divisor(v / root)
        return (m, v), -(momentum * m + current * gradient) / divisor - self.decay * theta

    @property
    def memory(self) -> float:
        """The longer of those of m and v."""
        return 1 / (1 - max(self.beta1, self.beta2))

    @property
    def laplace(self) -> LaplaceForm | None:
        """What the field and all proofs need to know of the method; None where it divides by no root."""
        from adamsym.methods.kernels import RootOfSum, RootPlusEps

        kernels: dict[str, type[RootPlusEps] | type[RootOfSum]] = {
            "sqrt(v) + eps": RootPlusEps,
            "sqrt(v + eps)": RootOfSum,
        }
        if self.denominator not in kernels or not self.has_factors:
            return None
        kernel: Kernel = kernels[self.denominator](self.epsilon)
        head = (self.current_weight,) if self.current_weight else ()
        terms = ((self.momentum_weight * (1 - self.alpha), self.alpha),) if self.momentum_weight else ()
        return LaplaceForm(LagWeights(head, terms), self.beta, kernel, self.exact_decay)

    def laplace_over(self, name: str, low: Fraction, high: Fraction) -> LaplaceForm:
        """Return a form whose numbers are ranges that hold those of all methods with ``name`` from low to high.

        Parameters
        ----------
        name
            "beta1", "beta2", "eps" or "weight_decay".
        low, high
            Both allowed, the lower first.

        Raises
        ------
        NotApplicable
            If the method has no Laplace form, or no such number that is written into it; or if its class makes more of
            the number than its formulas say, as another number that follows from it.
        """
        return self.laplace_over_all({name: (low, high)})

    def laplace_over_all(self, ranges: Mapping[str, tuple[Fraction, Fraction]]) -> LaplaceForm:
        """Return the same over ranges of several numbers, whose ends are allowed in all combinations.

        Raises
        ------
        InputError
            If some combination of ends is not allowed.
        NotApplicable
            As :meth:`laplace_over`.
        """
        from adamsym.methods.record import parameters_of

        between, names = shallow_copy(self), ", ".join(ranges)
        for name, (low, high) in ranges.items():
            exact = {"beta1": "alpha", "beta2": "beta", "eps": "epsilon", "weight_decay": "_exact_decay"}.get(name)
            if exact is None or exact not in vars(self) or name not in inspect.signature(type(self)).parameters:
                raise NotApplicable(f"{type(self).__name__}: no Laplace form over a range of {name} is known")
            # The formulas of the form are arithmetic, which ranges have.
            object.__setattr__(between, exact, range_of(low, high))
        form = between.laplace
        if form is None:
            raise NotApplicable(f"{type(self).__name__}: it has no Laplace form")
        # What a class makes of its arguments once, as one number of another, is no formula of the form.
        for values in product(*((low, (low + high) / 2, high) for low, high in ranges.values())):
            numbers: dict[str, Number] = {**parameters_of(self), **dict(zip(ranges, values, strict=True))}
            one = type(self)(**numbers).laplace
            if one is None or not form.holds(one):
                raise NotApplicable(
                    f"{type(self).__name__}: its Laplace form over a range of {names} is not that of its values; "
                    "let laplace, current_weight and exact_decay follow from alpha, beta and epsilon"
                )
        return form

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


def require_formulas(method: Method, what: str) -> AdaptiveMethod:
    """Return a method of this package, whose formulas are known to be those of all values of its numbers.

    Raises
    ------
    NotApplicable
        If it is another one: the form of a class of one's own could be another between the values that are tried.
    """
    if not isinstance(method, AdaptiveMethod) or type(method).__module__ != "adamsym.methods.adam":
        raise NotApplicable(f"adam: {what} is available for the methods of adamsym, not for {type(method).__name__}")
    return method
