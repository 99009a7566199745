"""A method's lag weights and kernel as SymPy expressions, for derivations (theory T4)."""

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from adamsym.expressions.errors import NotApplicable
from adamsym.methods import (
    Adam,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    Kernel,
    LaplaceForm,
    Method,
    NAdam,
    RMSprop,
    require_laplace,
)
from adamsym.methods.kernels import RootPlusEps
from adamsym.symbolic.symbols import alpha, beta, epsilon, eta, geometric_sum, k, s

Weights = tuple[tuple[sp.Expr, ...], tuple[tuple[sp.Expr, sp.Expr], ...]]
"""The head, and pairs of an amount and a ratio, as in :class:`adamsym.methods.LagWeights`."""

decay = sp.Symbol("lambda", positive=True)
"""The coefficient of decoupled weight decay."""

ADAM: Weights = ((), ((1 - alpha, alpha),))
_LETTERS: dict[type[Method], Weights] = {
    Adam: ADAM,
    AdamW: ADAM,
    AdamEpsInsideRoot: ADAM,
    NAdam: ((1 - alpha,), ((alpha * (1 - alpha), alpha),)),
    RMSprop: ((sp.S.One,), ()),
    AdamWithoutMomentum: ((sp.S.One,), ()),
}
"""Weights that have letters; those of other methods are numbers."""


@dataclass(frozen=True)
class SymbolicMethod:
    """Lag weights and kernel as expressions, and the letters' exact values.

    Parameters
    ----------
    weights
        In the letter alpha, or numbers.
    kernel
        phi and rho.
    values
        Pairs of a letter and its value.
    """

    weights: Weights
    kernel: Kernel
    values: tuple[tuple[sp.Symbol, sp.Rational], ...]

    @property
    def is_adam(self) -> bool:
        """Whether the field is Adam's, up to decay."""
        return self.weights == ADAM and isinstance(self.kernel, RootPlusEps)

    @property
    def has_memory_letter(self) -> bool:
        """Whether the weights hold alpha."""
        head, terms = self.weights
        return any(sp.sympify(x).has(alpha) for x in (*head, *(y for term in terms for y in term)))

    def weight(self, lag: int) -> sp.Expr:
        """Return c_k for a number k."""
        head, terms = self.weights
        own = head[lag] if lag < len(head) else sp.S.Zero
        return own + sp.Add(*(amount * (ratio**lag if lag else 1) for amount, ratio in terms))

    @cached_property
    def numerator_weight(self) -> sp.Expr:
        """c_k as a function of k."""
        head, terms = self.weights
        single = [weight * sp.KroneckerDelta(k, lag) for lag, weight in enumerate(head)]
        return sp.Add(
            *single, *(amount * ratio**k if ratio != 0 else amount * sp.KroneckerDelta(k, 0) for amount, ratio in terms)
        )

    def lag_sum(self, power: sp.Expr) -> sp.Expr:
        """Return the sum of c_k power**k over all k."""
        head, terms = self.weights
        single = [weight * power**lag for lag, weight in enumerate(head)]
        return sp.Add(*single, *(amount * geometric_sum(ratio * power) for amount, ratio in terms))

    @cached_property
    def total(self) -> sp.Expr:
        """The sum of the c_k."""
        return sp.cancel(self.lag_sum(sp.S.One))

    @cached_property
    def mean_lag(self) -> sp.Expr:
        """The sum of k c_k over that of c_k: alpha/(1 - alpha) for Adam."""
        head, terms = self.weights
        single = [lag * weight for lag, weight in enumerate(head)]
        return sp.cancel((sp.Add(*single) + sp.Add(*(a * r / (1 - r) ** 2 for a, r in terms))) / self.total)

    @cached_property
    def bound_squared(self) -> sp.Expr:
        """The sum of c_k**2/w_k, C**2 of T1."""
        head, terms = self.weights
        n = len(head)
        first = sp.Add(*(self.weight(lag) ** 2 / beta**lag for lag in range(n)))
        rest = [a * b * (p * q) ** n / beta**n * geometric_sum(p * q / beta) for a, p in terms for b, q in terms]
        return sp.factor((first + sp.Add(*rest)) / (1 - beta))

    def phi(self, v: sp.Expr) -> sp.Expr:
        """Return the kernel at v."""
        return self.kernel.symbolic(v, epsilon)

    @property
    def rho(self) -> sp.Expr:
        """The kernel's density at s."""
        return self.kernel.density(s, epsilon)

    def at_values(self, expression: sp.Expr) -> sp.Expr:
        """Return an expression with the letters' values."""
        return expression.xreplace(dict(self.values))


def symbolic_method(method: Method | LaplaceForm) -> SymbolicMethod:
    """Return a method's lag weights and kernel in letters: in alpha for the methods here, else as numbers.

    Raises
    ------
    InputError
        If the method has no Laplace form.
    """
    form = method if isinstance(method, LaplaceForm) else require_laplace(method, "a derivation")
    memory = getattr(method, "alpha", None)
    exact = {beta: form.beta, epsilon: form.kernel.epsilon, eta: 1 - form.beta, decay: form.decay}
    values = {letter: _rational(value) for letter, value in exact.items()}
    if memory is not None:
        values[alpha] = _rational(memory)
    numbers: Weights = (
        tuple(map(_rational, form.weights.head)),
        tuple((_rational(amount), _rational(ratio)) for amount, ratio in form.weights.terms),
    )
    found = SymbolicMethod(_LETTERS.get(type(method), numbers), form.kernel, tuple(values.items()))  # type: ignore[arg-type]
    for lag in range(len(form.weights.head) + 3):
        if found.at_values(found.weight(lag)) != _rational(form.weights.weight(lag)):
            raise NotApplicable(f"adam: the weights of {type(method).__name__} are not those of its name")
    return found


def _rational(value: object) -> sp.Rational:
    return sp.Rational(value.numerator, value.denominator)  # type: ignore[attr-defined]
