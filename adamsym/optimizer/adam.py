"""Adam with fixed momentum parameters."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational


@dataclass(frozen=True, init=False)
class Adam:
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

    beta1: float
    beta2: float
    eps: float
    alpha: Fraction = field(repr=False)
    beta: Fraction = field(repr=False)
    epsilon: Fraction = field(repr=False)

    def __init__(self, beta1: Number = 0.9, beta2: Number = 0.999, eps: Number = 1e-8) -> None:
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
    def step_bound(self) -> float:
        """The constant C with |M| <= C sqrt(V): (1-alpha)/sqrt((1-beta)(1-alpha^2/beta)) (theory T1).

        Returns
        -------
        float
            C >= |f|; 1 if alpha = beta = 0; correct to a few units in the last place.
        """
        if self.alpha == 0:
            return 1.0 / math.sqrt(float(1 - self.beta))
        return float(1 - self.alpha) / math.sqrt(float((1 - self.beta) * (1 - self.alpha**2 / self.beta)))
