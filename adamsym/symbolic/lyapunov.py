"""The Lyapunov derivative <grad L, f> and its bound near interpolation (theory T6)."""

from dataclasses import dataclass

import sympy as sp

from adamsym.gradients import Problem
from adamsym.symbolic.equality import Check, all_of, exact_equality
from adamsym.symbolic.expectation import expectation
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.stationary_moments import denominator_weight, mean_quotient, numerator_weight
from adamsym.symbolic.symbols import alpha, beta, epsilon, geometric_sum, k

smoothness, pl_constant = sp.symbols("K mu", positive=True)
"""K: every row's loss is K-smooth. mu: |grad L|**2 >= 2 mu L."""

loss, gradient_norm, gradient_max = sp.symbols(r"L D D_{\infty}", positive=True)
"""L, D = |grad L| and D_oo = |grad L|_oo."""


@dataclass(frozen=True)
class LyapunovDerivative:
    """<grad L, f>: ``derivative`` exactly, ``bound`` above it in D, D_oo, K and mu, ``region`` where bound < 0."""

    gradient: tuple[sp.Expr, ...]
    derivative: sp.Expr
    bound: sp.Expr
    region: sp.Expr


def lyapunov_derivative(problem: Problem, method: SymbolicMethod | None = None) -> LyapunovDerivative:
    """Return the derivative of the mean loss along the flow, and the bound of theory T6.

    The bound holds where every row's loss is non-negative and K-smooth and L satisfies the PL inequality with mu;
    these are the user's to establish. F_i stands for coordinate i's mean quotient. Weight decay is left out.
    """
    means = tuple(expectation(problem, i, lambda g: g) for i in range(problem.dimension))
    fields = [sp.Symbol(f"F_{i + 1}", real=True) for i in range(problem.dimension)]
    derivative = -sp.Add(*(m * f for m, f in zip(means, fields, strict=True)))
    if problem.dimension == 1:
        derivative = derivative.xreplace({fields[0]: mean_quotient(method)})
    return LyapunovDerivative(means, derivative, decrease_bound(problem.batch_size), sublevel(problem.batch_size))


def noise_factor(batch_size: int = 1) -> sp.Expr:
    """Return c with E|g|**2 <= c |grad L|**2: 1 + (K/mu - 1)/B."""
    return 1 + (smoothness / pl_constant - 1) / batch_size


def decrease_bound(batch_size: int = 1) -> sp.Expr:
    """Return the bound -(D**2/epsilon)(1 - c D_oo/epsilon) on <grad L, f>; c = K/mu for batch size 1 (theory T6)."""
    return -(gradient_norm**2 / epsilon) * (1 - noise_factor(batch_size) * gradient_max / epsilon)


def sublevel(batch_size: int = 1) -> sp.Expr:
    """Return the level below which the bound is negative off the minima: epsilon**2/(2 K c**2)."""
    return epsilon**2 / (2 * smoothness * noise_factor(batch_size) ** 2)


def numerator_square_check() -> Check:
    """Check E M**2 = c S + (1 - c) m**2 with c = sum a_k**2, and S - E M**2 = 2 alpha/(1 + alpha) (S - m**2) >= 0.

    The gradients are independent, so E[g_j g_k] is S for j = k and m**2 otherwise, and the a_k sum to 1.
    """
    m, second = sp.Symbol("m", real=True), sp.Symbol("S", positive=True)
    first = numerator_weight.subs(k, 0)
    squares = first**2 * geometric_sum(alpha**2)
    mean_square = squares * second + ((first * geometric_sum(alpha)) ** 2 - squares) * m**2
    mean_v = denominator_weight.subs(k, 0) * geometric_sum(beta) * second
    return all_of(
        [
            exact_equality(squares, (1 - alpha) / (1 + alpha)),
            exact_equality(second - mean_square, 2 * alpha / (1 + alpha) * (second - m**2)),
            exact_equality(mean_v, second),
        ]
    )


def remainder_check() -> Check:
    """Check 1/(w + epsilon) = 1/epsilon - w/(epsilon (w + epsilon)) and that the remainder is at most w/epsilon**2."""
    w = sp.Symbol("w", positive=True)
    remainder = w / (epsilon * (w + epsilon))
    gap = w**2 / (epsilon**2 * (w + epsilon))
    return all_of(
        [exact_equality(1 / (w + epsilon), 1 / epsilon - remainder), exact_equality(w / epsilon**2 - remainder, gap)]
    )


def bound_check(batch_size: int = 1, bound: sp.Expr | None = None, level: sp.Expr | None = None) -> Check:
    """Check the bound and the level of theory T6 from |r_i| <= E g_i**2/epsilon**2, smoothness and PL.

    E|g|**2 <= (1 - 1/B) D**2 + 2 K L/B (minibatches, |grad l|**2 <= 2 K l) and L <= D**2/(2 mu), so
    <grad L, f> <= -D**2/epsilon + D_oo E|g|**2/epsilon**2; and D_oo**2 <= D**2 <= 2 K L.
    """
    bound = decrease_bound(batch_size) if bound is None else bound
    level = sublevel(batch_size) if level is None else level
    one = sp.Rational(1, batch_size)
    square = (1 - one) * gradient_norm**2 + 2 * smoothness * loss * one
    square = square.subs(loss, gradient_norm**2 / (2 * pl_constant))
    worst = -(gradient_norm**2) / epsilon + gradient_max * square / epsilon**2
    return all_of(
        [exact_equality(worst, bound), exact_equality(_only_root(bound) ** 2, 2 * smoothness * level)],
    )


def _only_root(bound: sp.Expr) -> sp.Expr:
    """Return D_oo where the bound is 0, if that is one number; else nan, which equals nothing."""
    # To check and to simplify it, SymPy would load all units of physics.
    found = sp.solve(bound, gradient_max, check=False, simplify=False)
    if len(found) != 1 or sp.cancel(bound.subs(gradient_max, found[0])) != 0:
        return sp.nan
    return found[0]
