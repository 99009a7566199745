r"""C11: next to a minimum full-batch Adam contracts at best by (sqrt(kappa) - 1)/(sqrt(kappa) + 1) a step.

Cited: the abstract of arXiv 2504.19426 has this rate for Adam, and (kappa - 1)/(kappa + 1) for RMSprop. Added here: the
parameters that attain it, and that none is better (N-Theorem 5).

Hessian with spectrum in [mu, l], kappa = l/mu, constant step gamma, c = gamma (1 - beta1)/eps. Close to the minimum the
square root of v is negligible beside eps, and each eigenvalue lambda moves (theta, m) by a matrix whose characteristic
polynomial is heavy ball's, p(z) = z^2 - (1 + alpha - h) z + alpha with h = c lambda, whatever beta2 (N-Theorem 5).

*Optimal.* If all roots are at most R < 1 in modulus, their product is alpha <= R^2, and p(R) >= 0, p(-R) >= 0: else a
real root would lie beyond. Solved for h, the last two say (1-R)(R-alpha)/R <= h <= (1+R)(R+alpha)/R, at mu and at l; so

$$\kappa \le \frac{(1+R)(R+\alpha)}{(1-R)(R-\alpha)},$$

which grows with alpha: at alpha = R^2 it is ((1+R)/(1-R))^2, for RMSprop (alpha = 0) it is (1+R)/(1-R).
*Attained.* alpha = rho^2 and c = 4/(sqrt(l) + sqrt(mu))^2 give the double roots rho at mu and -rho at l.
"""

from collections.abc import Callable

import mpmath as mp
import numpy as np
import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, AdamWithoutMomentum, Claim, Empirical, Problem, StepSizeSchedule, simulate
from adamsym.claims import Finding, check_property, holds, refuted

claim = Claim(
    "C11",
    title="Full-batch Adam's local rate (sqrt(kappa) - 1)/(sqrt(kappa) + 1); RMSprop's (kappa - 1)/(kappa + 1)",
    statement=(
        r"Let $\mu$ and $\kappa\mu$, $\mu>0$, $\kappa>1$, be the extreme eigenvalues of the Hessian at a minimum. "
        r"There the least spectral radius of full-batch Adam, linearised in $(\theta,m)$, over step size and "
        r"$\beta_1$ is $\frac{\sqrt\kappa-1}{\sqrt\kappa+1}$; for $\beta_1=0$ it is $\frac{\kappa-1}{\kappa+1}$."
    ),
    source="arXiv 2504.19426; N-Theorem 5",
)

R, alpha, root_kappa, z = sp.symbols("R alpha k z", positive=True)
"""A radius, beta1, sqrt(kappa), and the variable of p. Units of theta and gamma are such that mu = 1."""


def of_root(root):
    return (root - 1) / (root + 1)


def polynomial(h, momentum) -> sp.Expr:
    return z**2 - (1 + momentum - h) * z + momentum


# --- Algebra ---------------------------------------------------------------------------------------------------------


@claim.evidence("symbolic")
def linearised_map() -> Finding:
    """Adam's own step, with (theta, m, v) = (t x, t y, t^2 w), over t: as t -> 0 it is linear, with p as stated."""
    x, y = sp.symbols("x y", real=True)
    w, t, step, curvature, eps, beta = sp.symbols("w t gamma lambda epsilon beta", positive=True)
    momentum = alpha * y + (1 - alpha) * curvature * x
    second = beta * w + (1 - beta) * (curvature * x) ** 2
    moved = x - step * momentum / (t * sp.sqrt(second) + eps)
    matrix = sp.Matrix([sp.limit(moved, t, 0, "+"), momentum]).jacobian([x, y])
    difference = (z * sp.eye(2) - matrix).det() - polynomial(step * (1 - alpha) * curvature / eps, alpha)
    # What is neglected, over t: it is at most t |m'| sqrt(v')/eps^2.
    neglected = moved - sp.limit(moved, t, 0, "+") - step * momentum * t * sp.sqrt(second) / eps / (
        t * sp.sqrt(second) + eps
    )  # fmt: skip
    exact = sp.simplify(difference) == 0 and sp.simplify(neglected) == 0
    return (holds if exact else refuted)(f"p(z) - charpoly = {sp.simplify(difference)}", cases=2)


def no_radius_is_below(rate: sp.Expr, momentum: bool) -> Finding:
    """Is kappa = k^2 the largest that radius ``rate`` allows, over all alpha <= R^2, or for alpha = 0?"""
    h = sp.Symbol("h", positive=True)
    low, high = (sp.solve(polynomial(h, alpha).subs(z, at), h)[0] for at in (R, -R))
    largest = high / low
    stated = (1 + R) * (R + alpha) / ((1 - R) * (R - alpha))
    slope = sp.diff(stated, alpha) - 2 * R * (1 + R) / ((1 - R) * (R - alpha) ** 2)
    at_best = stated.subs(alpha, R**2 if momentum else 0)
    surplus = sp.factor(sp.simplify(at_best.subs(R, rate) - root_kappa**2))
    steps = [sp.simplify(largest - stated), sp.simplify(slope), surplus]
    text = f"largest kappa of the radius {rate}, less kappa: {surplus}"
    return (holds if steps == [0, 0, 0] else refuted)(text, cases=len(steps))


def attained(rate: sp.Expr, c: sp.Expr, momentum: sp.Expr, roots: tuple[sp.Expr, sp.Expr]) -> Finding:
    """Are these the roots at both ends, of modulus ``rate``, and all roots in between no larger?

    1 + alpha - h is linear in h: between the ends it stays between its values there, -2 rho and 2 rho; so p has no two
    different real roots, and both have the modulus sqrt(alpha) = rho. Without momentum the root 1 - h is linear itself.
    """
    ends = [polynomial(c, momentum), polynomial(c * root_kappa**2, momentum)]
    others = roots if momentum else (sp.Integer(0), sp.Integer(0))
    left = [sp.simplify(p - sp.expand((z - a) * (z - b))) for p, a, b in zip(ends, roots, others, strict=True)]
    moduli = [sp.simplify(root**2 - rate**2) for root in roots]
    text = f"p less (z - root)(z - other) at mu and l: {left}; squares of the roots less rate^2: {moduli}"
    return (holds if left + moduli == [0] * 4 else refuted)(text, cases=4)


K = root_kappa
MOMENTUM, PLAIN = of_root(K), of_root(K**2)


@claim.evidence("symbolic")
def adams_rate_is_least() -> Finding:
    return no_radius_is_below(MOMENTUM, momentum=True)


@claim.evidence("symbolic")
def adams_rate_is_attained() -> Finding:
    return attained(MOMENTUM, 4 / (K + 1) ** 2, MOMENTUM**2, (MOMENTUM, -MOMENTUM))


@claim.evidence("symbolic")
def rmsprops_rate_is_least() -> Finding:
    return no_radius_is_below(PLAIN, momentum=False)


@claim.evidence("symbolic")
def rmsprops_rate_is_attained() -> Finding:
    return attained(PLAIN, 2 / (K**2 + 1), sp.Integer(0), (PLAIN, -PLAIN))


@claim.control("without the square root: RMSprop's rate claimed to be Adam's least")
def rmsprops_rate_for_adam() -> Finding:
    return no_radius_is_below(PLAIN, momentum=True)


@claim.control("Adam's rate claimed for RMSprop")
def adams_rate_for_rmsprop() -> Finding:
    return no_radius_is_below(MOMENTUM, momentum=False)


@claim.control("kappa + 1 in place of kappa")
def another_kappa() -> Finding:
    return no_radius_is_below(of_root(sp.sqrt(K**2 + 1)), momentum=True)


# --- Numbers ---------------------------------------------------------------------------------------------------------

kappas = st.fractions(2, 10_000, max_denominator=64)


def radius(kappa, momentum, c):
    """The spectral radius over lambda = 1 and lambda = kappa, at 60 digits: double roots lose half of them."""
    found = []
    for h in (c, c * kappa):
        t = 1 + momentum - h
        root = mp.sqrt(t**2 - 4 * momentum)
        found += [abs(t + root) / 2, abs(t - root) / 2]
    return max(found)


def twelve_digits(step: str) -> Finding:
    """Are both radii the rates to 12 digits, at ``step`` times the optimal step, for the optimal beta1 and for none?"""

    def equal(fraction):
        with mp.workdps(60):
            kappa = mp.mpf(fraction.numerator) / fraction.denominator
            rho, plain = of_root(mp.sqrt(kappa)), of_root(kappa)
            optimal = (rho, rho**2, 4 / (mp.sqrt(kappa) + 1) ** 2), (plain, mp.mpf(0), 2 / (kappa + 1))
            for rate, momentum, c in optimal:
                found = radius(kappa, momentum, mp.mpf(step) * c)
                assert abs(found / rate - 1) < 1e-12, f"radius {mp.nstr(found, 8)}, rate {mp.nstr(rate, 8)}"

    return check_property(equal, kappas, examples=200)


@claim.evidence("property")
def radius_to_twelve_digits() -> Finding:
    return twelve_digits("1")


@claim.control("a step 2 per cent too long")
def two_per_cent_off() -> Finding:
    return twelve_digits("1.02")


@claim.evidence("property")
def no_parameters_do_better() -> Finding:
    """beta1 and c are drawn around the optimum, 1 - beta1 and c by factors up to 4^8 and down to 1."""

    def no_less(fraction, share, factor):
        with mp.workdps(60):
            kappa = mp.mpf(fraction.numerator) / fraction.denominator
            rho = of_root(mp.sqrt(kappa))
            momentum = 1 - (1 - rho**2) * mp.mpf(share)
            if momentum < 0:
                momentum = mp.mpf(0)
            c = 4 / (mp.sqrt(kappa) + 1) ** 2 * mp.mpf(2) ** factor
            found, floor = radius(kappa, momentum, c), rho if momentum else of_root(kappa)
            assert found >= floor - mp.mpf("1e-25"), f"radius {mp.nstr(found, 8)} below {mp.nstr(floor, 8)}"

    near = st.one_of(st.floats(0.9, 1.1), st.floats(1e-4, 100))
    return check_property(no_less, kappas, near, st.one_of(st.floats(-0.1, 0.1), st.floats(-8, 8)), examples=500)


# --- Adam itself -----------------------------------------------------------------------------------------------------

CLOSE = 1e-4
"""Allowed between the measured rate and the stated one; the measured one errs by some (1/M - 1/N)/(N - M)."""


PROBLEMS = {
    kappa: Problem("(a*p**2 + b*q**2)/2 + p**3 + p*q**2", ["p", "q"], Empirical({"a": [1], "b": [kappa]}))
    for kappa in (4, 25, 100)
}


def runs_contract_at(rate: Callable[[float], float], momentum: bool = True, step: float = 1.0) -> Finding:
    """Does the full-batch method, v, bias correction and a non-quadratic loss included, contract at this rate?

    It starts some 1e-14 from the minimum, with eps = 1: from 1e-8 the root of v, which fades only like beta2^(n/2),
    still turns the double root's phase, and for kappa = 100 the fit is off by 9e-4 at beta2 = 0.99. At a double root
    it is n rho^n that the distance follows: so n is divided out; steps M and N = 4M are compared, with rho^N = 1e-250.
    """

    def contracts(kappa, beta2, direction):
        rho = of_root(kappa**0.5) if momentum else of_root(kappa)
        c = 4 / (kappa**0.5 + 1) ** 2 if momentum else 2 / (kappa + 1)
        beta1 = rho**2 if momentum else 0.0
        method = Adam(beta1, beta2, 1) if momentum else AdamWithoutMomentum(beta2, 1)
        earlier = int(-250 / np.log10(rho) / 4)
        schedule = StepSizeSchedule(repr(step * c / (1 - beta1)))
        start = 1e-14 * np.array(direction)
        run = simulate(PROBLEMS[kappa], method, schedule, start, 4 * earlier, 1, 0, record_every=earlier)
        first, last = np.abs(run.recorded[[0, -1], 0]).max(axis=1)
        found = (last / first / (4 if momentum and step == 1 else 1)) ** (1 / (3 * earlier))
        assert abs(found - rate(kappa)) < CLOSE, f"contracts by {found:.5f}, claimed {rate(kappa):.5f}"

    directions = st.tuples(st.sampled_from([-2, -1, 1, 2]), st.sampled_from([-2, -1, 1, 2]))
    betas = st.sampled_from(["0.9", "0.99", "0.999"])
    return check_property(contracts, st.sampled_from(list(PROBLEMS)), betas, directions, examples=30, shrink=False)


@claim.evidence("property")
def adam_contracts() -> Finding:
    return runs_contract_at(lambda kappa: of_root(kappa**0.5))


@claim.evidence("property")
def adam_without_momentum_contracts() -> Finding:
    return runs_contract_at(of_root, momentum=False)


@claim.control("runs claimed to contract at RMSprop's rate")
def runs_at_rmsprops_rate() -> Finding:
    return runs_contract_at(of_root)


@claim.control("runs with a step 2 per cent too short")
def runs_two_per_cent_off() -> Finding:
    return runs_contract_at(lambda kappa: of_root(kappa**0.5), step=0.98)
