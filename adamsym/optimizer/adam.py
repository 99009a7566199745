"""Adam with fixed momentum parameters."""

from dataclasses import dataclass

from adamsym.expressions.numbers import Number
from adamsym.optimizer.method import AdaptiveMethod


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
