"""C12: averaged Adam is normal around the zero, with covariance J^-1 Gamma J^-T.

Cited: the abstract of arXiv 2606.21433 has the central limit theorem for averaged Adam where it converges to an
attracting zero, with a covariance given by Adam's behaviour there. Added here: Gamma in closed form where x = +-1
(N-Proposition 6), and this test.

Near an attracting zero theta* and for steps gamma_n ~ n^-r, 1/2 < r < 1, sqrt(n) (mean of theta_1..theta_n - theta*)
tends to a normal law with covariance J^-1 Gamma J^-T: J = Df(theta*), Gamma the long-run covariance of the frozen
quotient psi = m/(sqrt v + eps). So J times the average has covariance Gamma/n.

The finite statement: over 2048 runs of ``STEPS`` steps gamma_n = 2 n^-0.6 the variance of u'J(average), times n,
agrees with u'Gamma u by an F-test, for fixed directions u, and skewness and kurtosis are those of a normal law. Start
and end of the average change the variance by about 1/(2 n gamma_n |J|) of it, curvature by the order of the mean step:
twice the first and the second, 1 to 2 %, are allowed. The variance is that about the mean of the runs, which itself is
off theta* by the order of the mean step.

Gamma is in closed form where x = +-1, else from the package's own Adam with steps of 1e-10, which freeze theta:
displacements over T steps, divided by 1e-10 sqrt(T), have covariance Gamma up to (memory of the moments)/T.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.stats

from adamsym import Adam, AdamField, Claim, Empirical, Problem, StepSizeSchedule, find_zeros
from adamsym.claims import Finding, holds, refuted, run_seed, scaled, undecided
from adamsym.dynamics import Run

claim = Claim(
    "C12",
    title="Averaged Adam is asymptotically normal with covariance J^-1 Gamma J^-T",
    statement=(
        r"Let $f(\theta^*)=0$, all eigenvalues of $J=Df(\theta^*)$ have negative real parts, $\gamma_n=cn^{-r}$, "
        r"$\frac12<r<1$. Where $\theta_n\to\theta^*$, $\sqrt n(\bar\theta_n-\theta^*)\to N(0,J^{-1}\Gamma "
        r"J^{-\top})$ in law, $\Gamma$ the long-run covariance of the frozen quotient $m/(\sqrt v+\varepsilon)$ at"
        r" $\theta^*$."
    ),
    source="arXiv 2606.21433; N-Proposition 6",
)

LEVEL = 1e-4
"""Chance that all tests of one evidence together reject a true statement (Bonferroni)."""

STEPS, BLOCK = 100 * 1024, 256
SLOW = "2/n**0.6"
FROZEN = 1e-10


def chains() -> int:
    return scaled(2048, fewest=512)


class Case(NamedTuple):
    """A problem, a box with one zero, which is certified, the seed of its runs from there, and its stability."""

    problem: Problem
    adam: Adam
    box: tuple[tuple[float, float], ...]
    seed: int
    stability: str = "attracting"


SYMMETRIC = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]}))
SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [-1, 0, 2], "y": [1, -1, 3]}), batch_size=2)
WELLS = Problem("(theta**2 - 1)**2/4 + x*theta", ["theta"], Empirical({"x": ["-0.2", "-0.2", "0.4"]}))
INTERVAL, SQUARE = ((-0.5, 1.5),), ((0, 2), (-1, 1))
CLOSED = [
    Case(SYMMETRIC, Adam("0.5", "0.8", "0.1"), INTERVAL, 1),
    Case(SYMMETRIC, Adam("0.9", "0.99", "0.1"), INTERVAL, 2),
    Case(SYMMETRIC, Adam("0.3", "0.2", "0.05"), INTERVAL, 3),
]
ESTIMATED = [
    Case(SKEWED, Adam("0.5", "0.8", "0.1"), INTERVAL, 4),
    Case(SKEWED, Adam("0.9", "0.95", "1e-8"), INTERVAL, 5),
    Case(LINE, Adam("0.6", "0.7", "0.1"), SQUARE, 6),
]
BETWEEN_WELLS = Case(WELLS, Adam("0.5", "0.6", "0.1"), ((-0.2, 0.2),), 7, "repelling")


@lru_cache
def zero(case: Case) -> np.ndarray:
    """The only zero in the box, certified to 1e-10."""
    found = find_zeros(AdamField(case.problem, case.adam), case.box)
    if not (found.complete and len(found.zeros) == 1 and found.zeros[0].stability == case.stability):
        raise ArithmeticError(f"not exactly one {case.stability} zero certified in {case.box}")
    return found.zeros[0].midpoint


@lru_cache
def averages(case: Case, schedule: str) -> np.ndarray:
    """The averages of the runs from the zero, shape (chains, d)."""
    run = Run(case.problem, case.adam, StepSizeSchedule(schedule), zero(case), chains(), run_seed(case.seed))
    total, states = 0.0, np.empty((BLOCK, chains(), case.problem.dimension))
    for _ in range(STEPS // BLOCK):
        total = total + run.advance(BLOCK, 1, states).sum(axis=0)
    return total / STEPS


@lru_cache
def frozen_covariance(case: Case, steps: int = 8192) -> np.ndarray:
    """Covariance of sum psi over ``steps`` steps of the frozen chain, divided by ``steps``: Gamma, or Var psi for 1."""
    run = Run(case.problem, case.adam, StepSizeSchedule(FROZEN), zero(case), chains(), run_seed(case.seed + 100))
    run.advance(2000)  # at least 20 memories of the moments, and the bias corrections are 1
    before = run.theta
    run.advance(steps)
    return np.atleast_2d(np.cov((run.theta - before).T)) / FROZEN**2 / steps


def closed_gamma(case: Case) -> np.ndarray:
    return np.array([[(1 + case.adam.eps) ** -2]])


def closed_jacobian(case: Case) -> np.ndarray:
    alpha, beta, eps = case.adam.beta1, case.adam.beta2, case.adam.eps
    return np.array([[-1 / (1 + eps) + (1 - alpha) * (1 - beta) / (1 - alpha * beta) / (1 + eps) ** 2]])


def jacobian(case: Case) -> np.ndarray:
    return AdamField(case.problem, case.adam).jacobian(zero(case))


def preconditioned_hessian(case: Case) -> np.ndarray:
    """The Jacobian if v did not depend on theta: -1/(1 + eps), as V = 1 for x = +-1."""
    return np.array([[-1 / (1 + case.adam.eps)]])


Matrix = Callable[[Case], np.ndarray]


def fluctuates_like(
    cases: list[Case], jacobian: Matrix, gamma: Matrix, *, exact: bool, schedule: str = SLOW
) -> Finding:
    """Has J(average) the covariance Gamma/n in all directions? Else than ``exact`` Gamma is an estimate."""
    directions = {1: [[1]], 2: [[1, 0], [0, 1], [1, 1], [1, -1]]}
    tests = sum(len(directions[case.problem.dimension]) for case in cases)
    # F with infinite freedom is chi-square over its own freedom.
    freedom = chains() - 1
    law = scipy.stats.chi2(freedom, scale=1 / freedom) if exact else scipy.stats.f(freedom, freedom)
    low, high = law.ppf(LEVEL / tests / 2), law.isf(LEVEL / tests / 2)
    sizes = StepSizeSchedule(SLOW)(np.arange(1, STEPS + 1))
    ratios, wrong = [], False
    for case in cases:
        slope, covariance = jacobian(case), gamma(case)
        slowest = np.abs(np.linalg.eigvals(slope)).min()
        allowance = 1 / (STEPS * sizes[-1] * slowest) + sizes.mean()
        if not 0 < allowance < 0.03:
            return undecided(f"STEPS are too few: the allowance is {allowance:.3f}")
        moved = averages(case, schedule) @ slope.T
        for u in np.array(directions[case.problem.dimension]):
            ratio = STEPS * np.var(moved @ u, ddof=1) / (u @ covariance @ u)
            ratios.append(f"{ratio:.3f}")
            wrong = wrong or ratio < low * (1 - allowance) or ratio > high * (1 + allowance)
    text = f"measured/claimed variance {', '.join(ratios)}; F-test allows [{low:.3f}, {high:.3f}] at level {LEVEL:g}"
    return refuted(text, cases=tests) if wrong else holds(text, cases=tests)


@claim.evidence("statistical")
def the_closed_form() -> Finding:
    return fluctuates_like(CLOSED, closed_jacobian, closed_gamma, exact=True)


@claim.evidence("statistical")
def gamma_from_the_frozen_chain() -> Finding:
    return fluctuates_like(ESTIMATED, jacobian, frozen_covariance, exact=False)


def is_normal(cases: list[Case]) -> Finding:
    """Are skewness and kurtosis of J(average) those of a normal law, by D'Agostino's and Pearson's test?"""
    moved = [averages(case, SLOW) @ jacobian(case).T for case in cases]
    values = np.concatenate([scipy.stats.normaltest(coordinates).pvalue for coordinates in moved])
    text = f"p-values {', '.join(f'{p:.2g}' for p in values)}; allowed from {LEVEL:g}/{len(values)}"
    return holds(text, cases=len(values)) if (values >= LEVEL / len(values)).all() else refuted(text, cases=len(values))


@claim.evidence("statistical")
def the_law_is_normal() -> Finding:
    return is_normal(CLOSED + ESTIMATED)


@claim.control("a repelling zero between two wells: the law is not normal")
def repelling_zero() -> Finding:
    return is_normal([BETWEEN_WELLS])


@claim.control("Gamma replaced by Var psi, closed form")
def plain_variance() -> Finding:
    def variance(case: Case) -> np.ndarray:
        return closed_gamma(case) * (1 - case.adam.beta1) / (1 + case.adam.beta1)

    return fluctuates_like(CLOSED[:1], closed_jacobian, variance, exact=True)


@claim.control("Gamma replaced by Var psi, from the frozen chain")
def plain_variance_of_the_frozen_chain() -> Finding:
    return fluctuates_like(ESTIMATED, jacobian, lambda case: frozen_covariance(case, 1), exact=False)


@claim.control("J without the dependence of v on theta")
def gradient_flow() -> Finding:
    return fluctuates_like(CLOSED[2:], preconditioned_hessian, closed_gamma, exact=True)


@claim.control("J of another beta2")
def another_beta2() -> Finding:
    other = CLOSED[2]._replace(adam=Adam("0.3", "0.5", "0.05"))
    return fluctuates_like(CLOSED[2:], lambda case: closed_jacobian(other), closed_gamma, exact=True)


@claim.control("steps 0.5/n: r = 1, too fast")
def too_fast() -> Finding:
    return fluctuates_like(CLOSED[:1], closed_jacobian, closed_gamma, exact=True, schedule="0.5/n")
