"""Adam and its relatives: one class each, with its numerator, its denominator and its bias correction (theory T4)."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number
from adamsym.methods.laplace import LaplaceForm
from adamsym.methods.method import AdaptiveMethod, StepFactors, bias_corrections
from adamsym.methods.recursion import Method, decay_number


@dataclass(frozen=True, init=False)
class Adam(AdaptiveMethod):
    """Adam with fixed momentum parameters and the denominator sqrt(v) + eps.

    ===========  ==========  ==========================================
    practice     paper       meaning
    ===========  ==========  ==========================================
    ``beta1``    alpha       memory of the gradients, in [0, 1)
    ``beta2``    beta        memory of their squares, in [0, 1)
    ``eps``      epsilon     added to the root, positive
    ===========  ==========  ==========================================

    Numbers may be ints, floats (taken as the shortest decimal that prints them), ``Decimal``, ``Fraction`` or text;
    they are kept exactly in ``alpha``, ``beta``, ``epsilon`` and as float64 in ``beta1``, ``beta2``, ``eps``.

    Raises
    ------
    InputError
        Unless 0 <= beta1 < 1, 0 <= beta2 < 1, eps > 0, and beta1**2 < beta2 or beta1 = beta2 = 0.

    Examples
    --------
    >>> Adam(beta1=0.9, beta2=0.999, eps=1e-8).alpha
    Fraction(9, 10)
    """

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
        super().__init__(beta1, beta2, eps)

    def corrected_step_bound(self, n: int) -> float:
        """Return the smallest C_n with |m_hat| <= C_n sqrt(v_hat) at step n, with bias corrections (theory T1).

        C_1 = 1, and C_n grows to ``step_bound``: no step n is longer than C_n times its size. Attained by the gradients
        (beta1/beta2)^k, k steps before the newest. Correct to a few units in the last place.

        Raises
        ------
        InputError
            If n is no integer from 1 on.

        Examples
        --------
        >>> [round(Adam().corrected_step_bound(n), 3) for n in (1, 10, 1000)]
        [1.0, 1.043, 5.781]
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InputError(f"corrected_step_bound: step {n!r} is not allowed; allowed are integers from 1 on")
        if self.beta == 0:
            return 1.0
        ratio = float(self.alpha**2 / self.beta)
        squares = _geometric_sum(ratio, n) * _geometric_sum(self.beta2, n)
        return math.sqrt(squares) / _geometric_sum(self.beta1, n)


def _geometric_sum(ratio: float, n: int) -> float:
    """1 + ratio + ... + ratio^(n-1), for a ratio below 1."""
    return -math.expm1(n * math.log(ratio)) / (1 - ratio) if ratio else 1.0


@dataclass(frozen=True, init=False)
class RMSprop(AdaptiveMethod):
    """RMSprop: g/(sqrt(v) + eps) without bias correction (Tieleman and Hinton 2012; ``torch.optim.RMSprop``)."""

    beta1: float = field(repr=False)

    def __init__(self, beta2: Number = 0.99, eps: Number = 1e-8) -> None:
        super().__init__(0, beta2, eps)

    def step_factors(self, first: int, sizes: FloatArray) -> StepFactors:
        """Return factors without corrections; with beta1 = 0, m is g."""
        return super().step_factors(first, sizes)._replace(root=np.ones_like(sizes))


@dataclass(frozen=True, init=False)
class AdamWithoutMomentum(AdaptiveMethod):
    """Adam with beta1 = 0: RMSprop with bias correction, the same field."""

    beta1: float = field(repr=False)

    def __init__(self, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
        super().__init__(0, beta2, eps)


@dataclass(frozen=True, init=False)
class NAdam(AdaptiveMethod):
    """Adam with Nesterov's look-ahead: the numerator (1-beta1) g + beta1 m (Dozat 2016; ``optax.nadam``).

    ``torch.optim.NAdam`` lets the look-ahead's weight grow to beta1; its field is the same.
    """

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
        super().__init__(beta1, beta2, eps)

    @property
    def current_weight(self) -> Fraction:
        """w_0 = 1 - beta1."""
        return 1 - self.alpha

    def step_factors(self, first: int, sizes: FloatArray) -> StepFactors:
        """Return Adam's factors with m corrected as if one step further, for it is the look-ahead's."""
        now = bias_corrections(self.beta1, first, len(sizes))
        ahead = bias_corrections(self.beta1, first + 1, len(sizes))
        factors = super().step_factors(first, sizes)
        return factors._replace(momentum=sizes * (self.beta1 / ahead), current=sizes * ((1 - self.beta1) / now))


@dataclass(frozen=True, init=False)
class AdamW(AdaptiveMethod):
    """Adam with decoupled weight decay: the field gets the term -lambda theta (Loshchilov and Hutter 2019).

    Raises
    ------
    InputError
        As Adam, and if ``weight_decay`` is negative.
    """

    weight_decay: float
    _exact_decay: Fraction = field(repr=False)

    def __init__(
        self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8, weight_decay: Number = 0.01
    ) -> None:
        super().__init__(beta1, beta2, eps)
        decay = decay_number(weight_decay)
        object.__setattr__(self, "weight_decay", float(decay))
        object.__setattr__(self, "_exact_decay", decay)

    @property
    def exact_decay(self) -> Fraction:
        """Lambda, exactly."""
        return self._exact_decay


@dataclass(frozen=True, init=False)
class AdamEpsInsideRoot(AdaptiveMethod):
    """Adam with the denominator sqrt(v + eps): ``optax.adam(eps=0, eps_root=eps)``."""

    denominator = "sqrt(v + eps)"

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
        super().__init__(beta1, beta2, eps)


def require_adam(method: Method, what: str) -> Adam:
    """Return ``method`` if it is Adam itself.

    Raises
    ------
    InputError
        If it is a relative; the message says that ``what`` is not available for it.
    """
    if not isinstance(method, Adam):
        raise NotApplicable(f"adam: {what} is available for Adam alone, not for {type(method).__name__}")
    return method


def require_laplace(method: Method, what: str) -> LaplaceForm:
    """Return the Laplace form of ``method``.

    Raises
    ------
    InputError
        If it has none; the message says that ``what`` needs one.
    """
    form = method.laplace
    if form is None:
        name = type(method).__name__
        raise NotApplicable(f"adam: {what} needs a Laplace form (lag weights and a kernel), and {name} has none")
    return form
