"""The frozen moment chain: stationary series, its weights, the step bound (theory T1)."""

import sympy as sp

from adamsym.symbolic.equality import Check, all_of, exact_equality
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.symbols import EXPECTATION, alpha, beta, epsilon, geometric_sum, k

numerator_weight = (1 - alpha) * alpha**k
"""Weight a_k of the gradient k steps back in M."""

denominator_weight = (1 - beta) * beta**k
"""Weight w_k of the squared gradient k steps back in V."""

step_bound_squared = (1 - alpha) ** 2 / ((1 - beta) * (1 - alpha**2 / beta))
"""C**2, with |M| <= C sqrt(V) (theory T1)."""

gradients = sp.IndexedBase("g", real=True)
"""The independent stochastic gradients g_k, k steps back."""


def series(lags: sp.Expr = sp.oo, method: SymbolicMethod | None = None) -> sp.Expr:
    """Return M phi(V), the stationary quotient, over ``lags`` gradients g_0, g_1, ...; Adam's if no method is given."""
    last = lags - 1
    v = sp.Sum(denominator_weight * gradients[k] ** 2, (k, 0, last))
    if method is None:
        return sp.Sum(numerator_weight * gradients[k], (k, 0, last)) / (sp.sqrt(v) + epsilon)
    head, terms = method.weights
    m = sp.Add(*(weight * gradients[lag] for lag, weight in enumerate(head)))
    m += sp.Add(*(sp.Sum(amount * ratio**k * gradients[k], (k, 0, last)) for amount, ratio in terms))
    return m * method.phi(v)


def mean_quotient(method: SymbolicMethod | None = None) -> sp.Expr:
    """Return F = E[M phi(V)], unevaluated; Adam's if no method is given."""
    return EXPECTATION(series(method=method))


def weights_check(weight: sp.Expr, memory: sp.Symbol) -> Check:
    """Check that the series with ``weight`` solves m' = memory m + (1 - memory) g and that the weights sum to 1.

    The series solves the recursion if the newest gradient has weight 1 - memory and each step back multiplies by
    memory.
    """
    start = weight.subs(k, 0)
    return all_of(
        [
            exact_equality(start, 1 - memory),
            exact_equality(weight.subs(k, k + 1), memory * weight),
            exact_equality(start * geometric_sum(memory), 1),
        ]
    )


def step_bound_check(bound_squared: sp.Expr = step_bound_squared, lags: int = 3) -> Check:
    """Check |M| <= C sqrt(V): Lagrange's identity for ``lags`` gradients, and the sum of a_k**2/w_k.

    C**2 V - M**2 = sum over i < j of (x_i y_j - x_j y_i)**2 >= 0, with x_k = a_k/sqrt(w_k), y_k = sqrt(w_k) g_k.
    """
    x, y = sp.symbols(f"x:{lags} y:{lags}", real=True)[:lags], sp.symbols(f"y:{lags}", real=True)
    defect = sum((x[a] * y[b] - x[b] * y[a]) ** 2 for a in range(lags) for b in range(a + 1, lags))
    product = sum(a * b for a, b in zip(x, y, strict=True))
    square = sum(a**2 for a in x) * sum(b**2 for b in y) - product**2
    ratio = alpha**2 / beta
    first = numerator_weight.subs(k, 0) ** 2 / denominator_weight.subs(k, 0)
    return all_of(
        [
            exact_equality(square, defect),
            exact_equality(numerator_weight**2 / denominator_weight, first * ratio**k),
            exact_equality(first * geometric_sum(ratio), bound_squared),
        ]
    )
