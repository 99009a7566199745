"""Adam with fixed momentum parameters."""

import math
from dataclasses import dataclass

from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number
from adamsym.methods.method import AdaptiveMethod


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
