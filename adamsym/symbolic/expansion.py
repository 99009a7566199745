"""The field near beta = 1: moments of the chain from joint cumulants, then a series in eta = 1 - beta.

M = sum a_k g_k and V = sum w_k g_k**2 are sums over independent gradients, so their joint cumulants are those of one
gradient times sums of weights: kappa_n(V) = (sum w_k**n) kappa_n(y) and kappa(M, V, ..., V) = (sum a_k w_k**n)
kappa(g, y, ..., y), with y = g**2 - S. Moments follow from cumulants, and Taylor's formula at S gives F.
"""

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from adamsym.expressions.errors import InputError
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.stationary_moments import denominator_weight, numerator_weight
from adamsym.symbolic.symbols import alpha, beta, eta, geometric_sum, k, phi, v

HIGHEST_ORDER = 4
"""Orders beyond this need moments of the gradient beyond the 17th."""

mean, second_moment = sp.Symbol("m", real=True), sp.Symbol("S", positive=True)
"""m = E g and S = E g**2."""


def _letter(name: str) -> sp.Symbol:
    return sp.Symbol(name, real=True)


def centred_moment(power: int) -> sp.Expr:
    """Return the letter of E[y**power], y = g**2 - S; 1 and 0 for powers 0 and 1; sigma_4 for power 2."""
    if power < 2:
        return (sp.S.One, sp.S.Zero)[power]
    return _letter("sigma_4" if power == 2 else rf"p_{{{power}}}")


def mixed_moment(power: int) -> sp.Expr:
    """Return the letter of E[(g - m) y**power]; 0 for power 0; c_12 = Cov(g, g**2) for power 1."""
    if power == 0:
        return sp.S.Zero
    return _letter("c_12" if power == 1 else rf"q_{{{power}}}")


def kernel_derivative(order: int) -> sp.Symbol:
    """Return the letter of the derivative of this order of phi(v) = 1/(sqrt(v) + epsilon) at S."""
    return _letter(r"\varphi" + "'" * order if order < 4 else rf"\varphi^{{({order})}}")


def kernel_values(order: int, method: SymbolicMethod | None = None) -> dict[sp.Symbol, sp.Expr]:
    """Return the derivatives of phi at S up to ``order``, as SymPy finds them, by letter; Adam's if omitted."""
    kernel = phi(v) if method is None else method.phi(v)
    return {kernel_derivative(n): sp.diff(kernel, v, n).subs(v, second_moment) for n in range(order + 1)}


def cumulants(order: int) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """Return kappa_n(y) (0 for n = 0) and kappa(g, y, ..., y) with n times y, for n = 0, ..., ``order``.

    They solve the recursions that :func:`chain_moments` runs forwards.
    """
    single, joint = [sp.S.Zero], [mean]
    for n in range(1, order + 1):
        known = sum(sp.binomial(n - 1, i) * single[i + 1] * centred_moment(n - 1 - i) for i in range(n - 1))
        single.append(sp.expand(centred_moment(n) - known))
        known = sum(sp.binomial(n, i) * joint[i] * centred_moment(n - i) for i in range(n))
        joint.append(sp.expand(mean * centred_moment(n) + mixed_moment(n) - known))
    return single, joint


def squared_weights(n: int) -> sp.Expr:
    """Return the sum of w_k**n over all lags: eta**n/(1 - beta**n)."""
    return denominator_weight.subs(k, 0) ** n * geometric_sum(beta**n)


def joint_weights(n: int, method: SymbolicMethod | None = None) -> sp.Expr:
    """Return the sum of c_k w_k**n over all lags: (1 - alpha) eta**n/(1 - alpha beta**n) for Adam."""
    if method is not None:
        return denominator_weight.subs(k, 0) ** n * method.lag_sum(beta**n)
    first = (numerator_weight * denominator_weight**n).subs(k, 0)
    return first * geometric_sum(alpha * beta**n)


def chain_moments(
    single: Sequence[sp.Expr], joint: Sequence[sp.Expr], simplify: Callable[[sp.Expr], sp.Expr] = sp.expand
) -> list[sp.Expr]:
    """Return E[M Y**n], Y = V - S, for n = 0, 1, ..., from the cumulants kappa_n(V) and kappa(M, V, ..., V).

    With mu_n = E[Y**n]: mu_(n+1) = sum_i C(n, i) kappa_(i+1)(V) mu_(n-i) and
    E[M Y**n] = sum_i C(n, i) kappa(M, i times V) mu_(n-i). ``simplify`` is applied to every moment.
    """
    central = [sp.S.One]
    for n in range(len(single) - 1):
        central.append(simplify(sum(sp.binomial(n, i) * single[i + 1] * central[n - i] for i in range(n + 1))))
    return [
        simplify(sum(sp.binomial(n, i) * joint[i] * central[n - i] for i in range(n + 1))) for n in range(len(joint))
    ]


def truncated(expression: sp.Expr, order: int) -> sp.Expr:
    """Return the polynomial ``expression`` in eta without the powers above ``order``."""
    polynomial = sp.Poly(expression, eta)
    return sp.Add(*(c * eta**n for (n,), c in polynomial.terms() if n <= order))


@cache
def series_in_eta(weight: sp.Expr, order: int) -> sp.Expr:
    """Taylor polynomial in eta of a rational function of beta = 1 - eta, by division of power series."""
    above, below = (
        [part.coeff_monomial(eta**n) for n in range(order + 1)]
        for part in (sp.Poly(part, eta) for part in sp.fraction(sp.cancel(weight.subs(beta, 1 - eta))))
    )
    found: list[sp.Expr] = []
    for n in range(order + 1):
        known = sp.Add(*(below[i] * found[n - i] for i in range(1, n + 1)))
        found.append(sp.cancel((above[n] - known) / below[0]))
    return sp.Add(*(coefficient * eta**n for n, coefficient in enumerate(found)))


def expansion_coefficients(order: int, method: SymbolicMethod | None = None) -> tuple[sp.Expr, ...]:
    """Return the coefficients of eta**0, ..., eta**order in F, in the symbols of the moments and derivatives.

    Of the method only the lag weights count; Adam's if omitted.

    E[M Y**n] is O(eta**ceil(n/2)), so n up to 2 * order suffices.

    Raises
    ------
    InputError
        If the order is not 0, 1, ..., HIGHEST_ORDER.
    """
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= HIGHEST_ORDER:
        raise InputError(f"expansion: order {order!r} is not allowed; allowed are 0 to {HIGHEST_ORDER}")
    return _coefficients(order, method)


@cache
def _coefficients(order: int, method: SymbolicMethod | None) -> tuple[sp.Expr, ...]:
    highest = 2 * order
    single, joint = cumulants(highest)
    single_chain = [sp.S.Zero] + [single[n] * series_in_eta(squared_weights(n), order) for n in range(1, highest + 1)]
    joint_chain = [joint[n] * series_in_eta(joint_weights(n, method), order) for n in range(highest + 1)]
    moments = chain_moments(single_chain, joint_chain, lambda moment: truncated(sp.expand(moment), order))
    total = sum(kernel_derivative(n) / sp.factorial(n) * moment for n, moment in enumerate(moments))
    symbols = [kernel_derivative(n) for n in range(highest + 1)]
    polynomial = sp.Poly(total, eta, *symbols)
    coefficients = [sp.S.Zero] * (order + 1)
    for (power, *exponents), coefficient in polynomial.terms():
        coefficients[power] += symbols[exponents.index(1)] * sp.factor(coefficient)
    return tuple(coefficients)


def generic_expansion(order: int, method: SymbolicMethod | None = None) -> sp.Expr:
    """Return F up to eta**order in the symbols m, S, sigma_4, c_12, ..., phi, phi', ... (T7, N-section 2(a))."""
    return sp.Add(*(coefficient * eta**n for n, coefficient in enumerate(expansion_coefficients(order, method))))


def moment_letters(order: int) -> dict[sp.Symbol, tuple[int, int]]:
    """Return the symbols in the expansion of this order as pairs (i, n), meaning E[(g - m)**i y**n]."""
    symbols = {centred_moment(n): (0, n) for n in range(2, 2 * order + 1)}
    return symbols | {mixed_moment(n): (1, n) for n in range(1, 2 * order + 1)}


def published_first_order() -> sp.Expr:
    """Return the coefficient of eta in T7, which keeps alpha beta and 1 + beta inside."""
    return kernel_derivative(1) * (1 - alpha) / (1 - alpha * beta) * mixed_moment(1) + kernel_derivative(
        2
    ) * mean * centred_moment(2) / (2 * (1 + beta))


def published_coefficients(method: SymbolicMethod | None = None) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Return the coefficients of eta**0, eta, eta**2 in F as N-section 2(a) states them, for Adam or for the family."""
    total = sp.S.One if method is None else method.total
    mean_lag = alpha / (1 - alpha) if method is None else method.mean_lag
    d = [kernel_derivative(n) for n in range(5)]
    c12, q2 = mixed_moment(1), mixed_moment(2)
    sigma4, p3 = centred_moment(2), centred_moment(3)
    second = (
        -mean_lag * d[1] * c12
        + d[2] * mean * sigma4 / 8
        + d[2] * q2 / 2
        + d[3] * (mean * p3 / 18 + c12 * sigma4 / 4)
        + d[4] * mean * sigma4**2 / 32
    )
    first = d[1] * c12 + d[2] * mean * sigma4 / 4
    return total * mean * d[0], total * first, total * second
