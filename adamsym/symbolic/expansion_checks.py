"""Checks of the expansion near beta = 1: the moment recursions, the order count, the published coefficients."""

import itertools
from collections.abc import Sequence

import sympy as sp

from adamsym.gradients import Problem
from adamsym.symbolic import stationary_moments
from adamsym.symbolic.equality import Check, all_of, exact_equality
from adamsym.symbolic.expansion import (
    centred_moment,
    chain_moments,
    cumulants,
    expansion_coefficients,
    joint_weights,
    kernel_derivative,
    kernel_values,
    mean,
    mixed_moment,
    moment_letters,
    published_coefficients,
    published_first_order,
    second_moment,
    series_in_eta,
    squared_weights,
    truncated,
)
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.symbols import alpha, beta, epsilon, eta, geometric_sum, k, phi

_ATOMS = (
    (sp.Integer(1), sp.Rational(1, 2)),
    (sp.Integer(-2), sp.Rational(1, 3)),
    (sp.Rational(1, 2), sp.Rational(1, 6)),
)
"""A law without symmetry, for exact enumeration."""

_WEIGHTS = ((sp.Rational(2, 3), sp.Rational(1, 2)), (sp.Rational(2, 9), sp.Rational(1, 4)))
"""Weights a_k and w_k of two lags."""


def recursion_check(highest: int = 4) -> Check:
    """Check E[M Y**n] from the cumulant recursions against all histories of two lags, in exact fractions."""
    values = {
        mean: sum(p * g for g, p in _ATOMS),
        second_moment: sum(p * g**2 for g, p in _ATOMS),
    }
    m, second = values[mean], values[second_moment]
    for letter, (i, n) in moment_letters((highest + 1) // 2).items():
        values[letter] = sum(p * (g - m) ** i * (g**2 - second) ** n for g, p in _ATOMS)
    single, joint = cumulants(highest)
    spread = [sum(w**n for _, w in _WEIGHTS) for n in range(highest + 1)]
    crossed = [sum(a * w**n for a, w in _WEIGHTS) for n in range(highest + 1)]
    moments = chain_moments(
        [kappa.xreplace(values) * x for kappa, x in zip(single, spread, strict=True)],
        [kappa.xreplace(values) * x for kappa, x in zip(joint, crossed, strict=True)],
    )
    return all_of(exact_equality(moments[n], _listed_moment(n, second)) for n in range(highest + 1))


def _listed_moment(power: int, second: sp.Expr) -> sp.Expr:
    total = sp.S.Zero
    for history in itertools.product(_ATOMS, repeat=len(_WEIGHTS)):
        terms = list(zip(history, _WEIGHTS, strict=True))
        m = sum(a * g for (g, _), (a, _) in terms)
        y = sum(w * (g**2 - second) for (g, _), (_, w) in terms)
        total += sp.Mul(*(p for _, p in history)) * m * y**power
    return total


def order_check(order: int = 2, method: SymbolicMethod | None = None) -> Check:
    """Check that E[M Y**n] is O(eta**(order + 1)) for the next two n, so that Taylor's formula may stop there."""
    highest = 2 * order + 2
    single, joint = cumulants(highest)
    moments = chain_moments(
        [sp.S.Zero] + [single[n] * series_in_eta(squared_weights(n), order) for n in range(1, highest + 1)],
        [joint[n] * series_in_eta(joint_weights(n, method), order) for n in range(highest + 1)],
        lambda moment: truncated(sp.expand(moment), order),
    )
    return all_of(exact_equality(moments[n], 0) for n in (highest - 1, highest))


def published_check(coefficients: Sequence[sp.Expr] | None = None, method: SymbolicMethod | None = None) -> Check:
    """Check the coefficients up to eta**2 against T7 (first order, at beta = 1) and N-section 2(a)."""
    found = expansion_coefficients(2, method) if coefficients is None else coefficients
    checks = [exact_equality(a, b) for a, b in zip(found, published_coefficients(method), strict=True)]
    if method is not None and not method.is_adam:
        return all_of(checks)
    return all_of([*checks, exact_equality(published_first_order().subs(beta, 1), found[1])])


def kernel_derivatives_check() -> Check:
    """Check the first two derivatives of phi at S against the forms in N-section 2(a)."""
    values = kernel_values(2)
    root = sp.sqrt(second_moment)
    return all_of(
        [
            exact_equality(values[kernel_derivative(1)], -1 / (2 * root * (root + epsilon) ** 2)),
            exact_equality(
                values[kernel_derivative(2)],
                (3 * root + epsilon) / (4 * second_moment ** sp.Rational(3, 2) * (root + epsilon) ** 3),
            ),
        ]
    )


deviation, third_moment = sp.Symbol("sigma", positive=True), sp.Symbol("kappa_3", real=True)
"""Standard deviation and third central moment of the data of a mean-estimation problem."""


def is_mean_estimation(problem: Problem) -> bool:
    """Whether the loss is (theta - x)**2/2 up to a term without theta, x any function of the data."""
    if problem.dimension != 1:
        return False
    theta, gradient = problem.parameters[0], problem.gradient_expressions[0]
    return bool(theta not in sp.expand(gradient - theta).free_symbols)


def zero_shift(batch_size: int = 1, method: SymbolicMethod | None = None) -> sp.Expr:
    """Return the coefficient of eta in (zero of f) - E x for the loss (theta - x)**2/2.

    At theta = E x + eta delta: m = eta delta, S = sigma**2 + O(eta**2), c_12 = -kappa_3 + O(eta), by g = m - (x - E x).
    The coefficient of eta in F must vanish. The mean of B rows has variance sigma**2/B and third moment kappa_3/B**2.
    """
    delta = sp.Symbol("delta", real=True)
    g, centred = sp.symbols("g z", real=True)
    # c_12 = E[(g - m)(g**2 - S)] at m = 0, with g = -z and E z**3 = kappa_3.
    c12 = sp.expand((g * (g**2 - second_moment)).subs(g, -centred))
    c12 = c12.subs(centred**3, third_moment).subs(centred, 0)
    first = expansion_coefficients(1, method)
    values = {mean: eta * delta, mixed_moment(1): c12, centred_moment(2): sp.Symbol("sigma_4", real=True)}
    total = (
        (first[0] + eta * first[1])
        .xreplace(values)
        .xreplace(kernel_values(2, method))
        .subs(second_moment, deviation**2)
    )
    condition = sp.expand(total).coeff(eta, 1)
    # What is found is compared with what is known; to check and to simplify it, SymPy would load all units.
    (shift,) = sp.solve(condition, delta, check=False, simplify=False)
    batch = {deviation: deviation / sp.sqrt(batch_size), third_moment: third_moment / sp.Integer(batch_size) ** 2}
    return sp.factor(shift.xreplace(batch))


def zero_shift_check(shift: sp.Expr | None = None, batch_size: int = 1, method: SymbolicMethod | None = None) -> Check:
    """Check the shift against theory T7: -kappa_3/(2 sigma (sigma + epsilon)), with the batch's sigma and kappa_3.

    For another kernel it is kappa_3 phi'/phi at sigma**2.
    """
    size = sp.Integer(batch_size)
    if method is not None and not method.is_adam:
        slope = sp.diff(sp.log(method.phi(second_moment)), second_moment).subs(second_moment, deviation**2 / size)
        return exact_equality(
            zero_shift(batch_size, method) if shift is None else shift, third_moment / size**2 * slope
        )
    known = -third_moment / (2 * deviation * size * (deviation + epsilon * sp.sqrt(size)))
    return exact_equality(zero_shift(batch_size) if shift is None else shift, known)


def alpha_free_check() -> Check:
    """Check that the first-order term does not depend on alpha."""
    return exact_equality(sp.diff(expansion_coefficients(1)[1], alpha), 0)


def limits_check() -> Check:
    """Return the check of the limits of F: slow second moment, no memory, large epsilon, no noise."""
    g, big_m, big_v = sp.Symbol("g", real=True), sp.Symbol("M", real=True), sp.Symbol("V", positive=True)
    quotient = stationary_moments.series(sp.Integer(3)).doit()
    first = stationary_moments.gradients[0]
    numerator = stationary_moments.numerator_weight.subs(k, 0) * geometric_sum(alpha) * g
    denominator = stationary_moments.denominator_weight.subs(k, 0) * geometric_sum(beta) * g**2
    zeroth = expansion_coefficients(0)[0].xreplace(kernel_values(0))
    return all_of(
        [
            exact_equality(zeroth, mean * phi(second_moment)),
            exact_equality(quotient.subs({alpha: 0, beta: 0}), first / (sp.Abs(first) + epsilon)),
            exact_equality(sp.limit(epsilon * big_m * phi(big_v), epsilon, sp.oo), big_m),
            exact_equality(numerator * phi(sp.cancel(denominator)), g / (sp.Abs(g) + epsilon)),
        ]
    )
