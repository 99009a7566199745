"""The Laplace form of the field (theory T4): kernel, transforms of a problem's gradient atoms, finite histories."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import sympy as sp

from adamsym.gradients import Independent, Problem, SymbolicGradient
from adamsym.symbolic.equality import Check, all_of, exact_equality
from adamsym.symbolic.expectation import expectation
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.stationary_moments import denominator_weight, numerator_weight
from adamsym.symbolic.symbols import epsilon, j, k, s, t

A, B = sp.Function("A"), sp.Function("B")
"""A(t) = E[g exp(-t g**2)] and B(t) = E[exp(-t g**2)]."""

kernel = 1 / sp.sqrt(sp.pi * s) - epsilon * sp.exp(epsilon**2 * s) * sp.erfc(epsilon * sp.sqrt(s))
"""rho(s), whose Laplace transform at v is 1/(sqrt(v) + epsilon)."""


@dataclass(frozen=True)
class Laplace:
    """The Laplace form of a problem's field: ``rho`` in s; per coordinate ``A`` and ``B`` in t and the parameters.

    ``weight`` is the lag weight c_k in k; None for Adam's.
    """

    rho: sp.Expr
    A: tuple[sp.Expr, ...]
    B: tuple[sp.Expr, ...]
    weight: sp.Expr | None = None

    @property
    def field(self) -> sp.Expr:
        """F = -f in rho, A and B, with all lags."""
        return laplace_form(weight=self.weight)


def laplace_form(lags: sp.Expr = sp.oo, weight: sp.Expr | None = None) -> sp.Expr:
    """Return F as the integral of theory T4 over histories of ``lags`` gradients, unevaluated."""
    return sp.Integral(integrand(lags, weight), (s, 0, sp.oo))


def integrand(lags: sp.Expr = sp.oo, weight: sp.Expr | None = None) -> sp.Expr:
    """Return rho(s) sum_k c_k A(s w_k) prod_(j != k) B(s w_j), unevaluated; c_k, w_k are the weights of M and V.

    ``weight`` is c_k; that of Adam if omitted.
    """
    scale = s * denominator_weight
    own = numerator_weight if weight is None else weight
    others = sp.Product(B(scale.subs(k, j)), (j, 0, k - 1)) * sp.Product(B(scale.subs(k, j)), (j, k + 1, lags - 1))
    return sp.Function(r"\rho")(s) * sp.Sum(own * A(scale) * others, (k, 0, lags - 1))


def explicit_integrand(
    rho: sp.Expr, transforms: tuple[sp.Expr, sp.Expr], lags: int, weight: sp.Expr | None = None
) -> sp.Expr:
    """Return the integrand over ``lags`` gradients with rho and the pair A, B put in and all sums and products done."""
    first, second = (sp.Lambda(t, transform) for transform in transforms)
    expanded = integrand(sp.Integer(lags), weight).doit().doit()
    return expanded.replace(sp.Function(r"\rho"), sp.Lambda(s, rho)).replace(A, first).replace(B, second)


def laplace(problem: Problem, method: SymbolicMethod | None = None) -> Laplace:
    """Return the Laplace form for a problem: closed forms for finite laws, for Normal columns that g is affine in."""
    pairs = [transforms(problem, i) for i in range(problem.dimension)]
    rho, weight = (kernel, None) if method is None else (method.rho, method.numerator_weight)
    return Laplace(rho, tuple(a for a, _ in pairs), tuple(b for _, b in pairs), weight)


def transforms(problem: Problem, coordinate: int) -> tuple[sp.Expr, sp.Expr]:
    """Return A(t) and B(t) of one coordinate of the stochastic gradient."""
    normal = normal_gradient(problem, coordinate)
    if normal is not None:
        return normal_transforms(*normal)
    return (
        expectation(problem, coordinate, lambda g: g * _decay(g)),
        expectation(problem, coordinate, _decay),
    )


# A and B share it, and the small law of the checks has atoms of the problem.
@lru_cache(maxsize=64)
def _decay(g: sp.Expr) -> sp.Expr:
    return sp.exp(-t * g**2)


def normal_gradient(problem: SymbolicGradient, coordinate: int) -> tuple[sp.Expr, sp.Expr] | None:
    """Return mean and variance of one gradient coordinate if it is affine in independent Normal columns, else None."""
    if not isinstance(problem.law, Independent):
        return None
    gradient = problem.gradient_expressions[coordinate]
    centre, variance = gradient, sp.S.Zero
    for column, entry in zip(problem.columns, problem.law.columns, strict=True):
        if column not in gradient.free_symbols:
            continue
        slope = sp.expand(sp.diff(gradient, column))
        if entry.distribution != "Normal" or slope.free_symbols & set(problem.columns):
            return None
        mean, deviation = (sp.Rational(x.numerator, x.denominator) for x in entry.parameters)
        centre = centre.xreplace({column: mean})
        variance += (slope * deviation) ** 2 / problem.batch_size
    return centre, variance


def normal_transforms(centre: sp.Expr, variance: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return A(t) and B(t) of a Normal gradient."""
    spread = 1 + 2 * t * variance
    second = sp.exp(-t * centre**2 / spread) / sp.sqrt(spread)
    return centre / spread * second, second


@lru_cache(maxsize=16)
def kernel_check(rho: sp.Expr = kernel) -> Check:
    """Check that rho is positive and that its Laplace transform at v is 1/(sqrt(v) + epsilon), exactly.

    With r = u**2, rho(s) = (2/pi) int exp(-s u**2) u**2/(u**2 + epsilon**2) du, whose integrand is positive; its
    Laplace transform at v = w**2 is (2/pi) int u**2/((u**2 + epsilon**2)(u**2 + w**2)) du (Tonelli).
    """
    u, w = sp.symbols("u w", positive=True)
    density = 2 / sp.pi * u**2 / (u**2 + epsilon**2)
    inner = sp.integrate(sp.exp(-s * (u**2 + w**2)), (s, 0, sp.oo))
    return all_of(
        [
            exact_equality(sp.integrate(density * sp.exp(-s * u**2), (u, 0, sp.oo)), rho),
            exact_equality(inner, 1 / (u**2 + w**2)),
            exact_equality(sp.integrate(density * inner, (u, 0, sp.oo)), 1 / (w + epsilon)),
        ]
    )


@lru_cache(maxsize=16)
def own_kernel_check(method: SymbolicMethod) -> Check:
    """Check that rho's Laplace transform at v is phi(v): exactly, for eps inside the root."""
    v = sp.Symbol("v", positive=True)
    return exact_equality(sp.integrate(method.rho * sp.exp(-s * v), (s, 0, sp.oo)), method.phi(v))


@lru_cache(maxsize=16)
def normal_check(closed_forms: Callable[[sp.Expr, sp.Expr], tuple[sp.Expr, sp.Expr]] = normal_transforms) -> Check:
    """Check ``closed_forms`` exactly against SymPy's Gaussian integrals for g = c + d z, z standard normal."""
    c, d = sp.Symbol("c", real=True), sp.Symbol("d", positive=True)
    return all_of(
        exact_equality(found, part)
        for found, part in zip(closed_forms(c, d**2), _gaussian_integrals(c, d), strict=True)
    )


@cache
def _gaussian_integrals(c: sp.Symbol, d: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    z = sp.Symbol("z", real=True)
    weight = sp.exp(-(z**2) / 2 - t * (c + d * z) ** 2) / sp.sqrt(2 * sp.pi)
    return tuple(sp.integrate(part * weight, (z, -sp.oo, sp.oo)) for part in (c + d * z, sp.S.One))
