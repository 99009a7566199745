"""The Laplace form of a method: what its limiting field, and every proof about it, needs to know (theory T4).

A method whose numerator is M = sum_k c_k g_k over past gradients, whose second moment is V = (1 - beta) sum_k beta^k
g_k^2 and which divides by 1/phi(V) has the field f = -E[M phi(V)] - lambda theta. If phi(v) = int_0^inf exp(-s v)
rho(s) ds with rho >= 0, the expectation is int rho(s) E[M exp(-s V)] ds, a product over the lags.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import zip_longest
from numbers import Rational
from typing import TYPE_CHECKING, Any, Protocol

import flint

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.ranges import Range, holds

if TYPE_CHECKING:
    import sympy as sp


def _require_exact(place: str, *values: object) -> None:
    """Proofs are about exact numbers: a float is refused, for it is not said which number it stands for."""
    wrong = next((value for value in values if not isinstance(value, (Rational, Range))), None)
    if wrong is not None:
        raise InputError(f"{place}: {wrong!r} is no exact fraction; write Fraction(1, 10) in place of 0.1")


@dataclass(frozen=True)
class LagWeights:
    """The weights c_k = head_k + sum of amount * ratio^k over ``terms`` of the gradient k steps before the newest.

    Attributes
    ----------
    head
        What is added to c_0, c_1, ...; nothing from its end on.
    terms
        Pairs (amount, ratio) with 0 <= ratio < 1; ratio^0 is 1, also for ratio 0.

    Examples
    --------
    Adam's are LagWeights((), ((1 - beta1, beta1),)); those of RMSprop LagWeights((Fraction(1),), ()).
    """

    head: tuple[Fraction, ...]
    terms: tuple[tuple[Fraction, Fraction], ...]

    def __post_init__(self) -> None:
        _require_exact("lag weights", *self.head, *(number for term in self.terms for number in term))
        if any(not 0 <= ratio < 1 for _, ratio in self.terms):
            raise InputError("lag weights: a ratio is not in [0, 1); the weights must decay geometrically")

    def weight(self, k: int) -> Fraction:
        """Return c_k, exactly."""
        own = self.head[k] if k < len(self.head) else Fraction(0)
        return own + sum((amount * ratio**k for amount, ratio in self.terms), Fraction(0))

    @cached_property
    def total(self) -> Fraction:
        """The sum of all c_k: 1 for a mean of gradients."""
        return sum(self.head, Fraction(0)) + sum((amount / (1 - ratio) for amount, ratio in self.terms), Fraction(0))

    @cached_property
    def absolute_bound(self) -> Fraction:
        """An upper bound of the sum of all |c_k|: the sum itself if each amount has one sign, or there is one term."""
        n = len(self.head)
        first = sum((abs(self.weight(k)) for k in range(n)), Fraction(0))
        return first + sum((abs(amount) * ratio**n / (1 - ratio) for amount, ratio in self.terms), Fraction(0))

    @cached_property
    def nonnegative(self) -> bool:
        """Whether all c_k are proved to be at least 0; with amounts of both signs beyond the head this says no."""
        ahead = all(self.weight(k) >= 0 for k in range(len(self.head)))
        return ahead and all(amount >= 0 for amount, _ in self.terms)

    def divided_by(self, number: Fraction) -> "LagWeights":
        """Return the weights c_k/number."""
        terms = tuple((amount / number, ratio) for amount, ratio in self.terms)
        return LagWeights(tuple(amount / number for amount in self.head), terms)

    def square_bound(self, beta: Fraction) -> Fraction:
        """Return C^2 = sum_k c_k^2/((1 - beta) beta^k), by which |M| <= C sqrt V (theory T1).

        Raises
        ------
        InputError
            If the sum is infinite: some ratio^2 >= beta, or beta = 0 and a weight beyond c_0.
        """
        if beta == 0:
            if len(self.head) > 1 or any(ratio != 0 for _, ratio in self.terms):
                raise InputError("beta2 = 0 needs a numerator of the newest gradient alone")
            return self.weight(0) ** 2
        if not all(ratio**2 < beta for _, ratio in self.terms):
            raise InputError("the square of each ratio of the lag weights must be below beta2")
        n = len(self.head)
        first = sum((self.weight(k) ** 2 / beta**k for k in range(n)), Fraction(0))
        rest = sum(
            (a * b * (p * q) ** n / beta**n / (1 - p * q / beta) for a, p in self.terms for b, q in self.terms),
            Fraction(0),
        )
        return (first + rest) / (1 - beta)


class Kernel(Protocol):
    """A function phi(v) = int_0^inf exp(-s v) rho(s) ds, rho completely monotone (phi is a Stieltjes function).

    Then |rho(s)| <= rho(Re s) for Re s > 0, which the error bounds of the quadrature use (theory T5). phi(0) is finite.
    A kernel is hashable, as a frozen dataclass is. The bounds from ``root_bound`` on hold for every such kernel as
    :class:`adamsym.methods.kernels.StieltjesKernel` has them: inherit it, and override what is known to be smaller.
    """

    @property
    def name(self) -> str:
        """Its formula in v and eps; certificates name it by this."""

    @property
    def epsilon(self) -> Fraction:
        """Eps, exactly."""

    def of(self, v: FloatArray) -> FloatArray:
        """Return phi(v), elementwise, for v >= 0."""

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""

    def ball_weight(self, s: flint.arb) -> flint.arb:
        """Return a ball around s rho(s)."""

    def symbolic(self, v: "sp.Expr", epsilon: "sp.Expr") -> "sp.Expr":
        """Return phi(v)."""

    def density(self, s: "sp.Expr", epsilon: "sp.Expr") -> "sp.Expr":
        """Return rho(s)."""

    def __hash__(self) -> int:
        """Return a hash: values are kept by kernel."""

    @property
    def root_bound(self) -> Fraction | None:
        """An upper bound of sqrt(v) phi(v) over all v; None if none is known."""

    @property
    def root_slope(self) -> Fraction | None:
        """An upper bound of |d phi(r^2)/dr| over all r > 0; None if none is known."""

    @property
    def slope_share(self) -> Fraction:
        """An upper bound of -v phi'(v)/phi(0) over all v."""

    def ball_growth(self, root: flint.arb, beta: flint.arb) -> flint.arb:
        """Return an upper bound of phi(beta v)/phi(v) - 1 over all v <= root^2."""

    def weights_left(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return an upper bound of the sum of h u^2 rho(u) over u = s e^(-h), s e^(-2 h), ..., h = ``step``."""

    def weights_right(self, s: flint.arb, step: flint.arb) -> flint.arb:
        """Return an upper bound of the sum of h u rho(u) over u = s e^h, s e^(2 h), ..., h = ``step``."""


@dataclass(frozen=True)
class LaplaceForm:
    """The field f_i = -E[M_i phi(V_i)] - ``decay`` theta_i.

    Attributes
    ----------
    weights
        The numerator's lag weights c_k.
    beta
        The memory of the second moment, exactly.
    kernel
        phi.
    decay
        Lambda, exactly: the coefficient of decoupled weight decay, from 0 up.

    Raises
    ------
    InputError
        Unless 0 <= ``beta`` < 1, ``decay`` >= 0 and the kernel's eps > 0, all of them exact fractions.
    """

    weights: LagWeights
    beta: Fraction
    kernel: Kernel
    decay: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        _require_exact("Laplace form", self.beta, self.decay, self.kernel.epsilon)
        if not self.kernel.epsilon > 0:
            raise InputError("Laplace form: eps is not positive; phi(0) must be finite")
        if not 0 <= self.beta < 1:
            raise InputError("Laplace form: beta is not in [0, 1); V must be a mean of squares that forgets")
        if not self.decay >= 0:
            raise InputError("Laplace form: a decay below 0 is not allowed; proofs suppose that it pulls towards 0")

    def __hash__(self) -> int:
        """Return a hash, which is taken once: rules are looked up by form at every evaluation of the field."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.weights, self.beta, self.kernel, self.decay))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: not the hash, which in another process may be another."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    @cached_property
    def square_bound(self) -> Fraction:
        """C^2 with |M| <= C sqrt V (theory T1); see :meth:`LagWeights.square_bound`, also for the error."""
        return self.weights.square_bound(self.beta)

    @property
    def is_over_range(self) -> bool:
        """Whether some number is a range, so that the form stands for that of all numbers in it."""
        terms = (number for term in self.weights.terms for number in term)
        numbers = (self.beta, self.decay, self.kernel.epsilon, *self.weights.head, *terms)
        return any(isinstance(number, Range) for number in numbers)

    def holds(self, other: "LaplaceForm") -> bool:
        """Return whether each number of another form is in that of this one, whose numbers may be ranges."""
        kernels = self.kernel, other.kernel
        if type(kernels[0]) is not type(kernels[1]) or kernels[0].name != kernels[1].name:
            return False
        pairs = [(kernels[0].epsilon, kernels[1].epsilon), (self.beta, other.beta), (self.decay, other.decay)]
        pairs += zip_longest(self.weights.head, other.weights.head, fillvalue=Fraction(0))
        # What is left out as 0 in one may be a range in the other.
        for left, right in zip_longest(self.weights.terms, other.weights.terms):
            (amount, ratio), (own, at) = left or (Fraction(0), right[1]), right or (Fraction(0), left[1])
            pairs += [(amount, own), (ratio, at)]
        return all(holds(outer, inner) for outer, inner in pairs)
