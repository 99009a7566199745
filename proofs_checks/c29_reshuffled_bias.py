r"""C29: reshuffling the rows leaves a known share of the bias of Adam's limit: without momentum a half.

Cited: the abstract of arXiv 2511.06675 has order 1 in 1 - beta2 for the distance of Adam's limit from the minimiser.
Added here: the coefficient for rows that are reshuffled every epoch, as training programs do.

For the quadratic loss and P rows, one at a time, with independent draws theta* - EX = -(1 - beta2) mu3/(2 sigma(sigma +
eps)) to leading order (N-Corollary 2); with reshuffled rows it is lambda times that (N-Proposition 13),

$$\lambda=\frac12\sum_{k<P}c_k\Big(1-\frac kP\Big)\Big(1-\frac k{P-1}\Big),\qquad c_k=(1-\beta_1)\beta_1^k.$$

lambda mu3 = lim Cov(M, V)/(1 - beta2) at theta = EX, where different epochs are independent and a whole epoch's sum of
squares is no variable. It is compared exactly with sums over all orders of an epoch, and zeros with the first order.
The finite statement of the latter is a fit over beta2 = 1 - 2^-k.
"""

import itertools
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import factorial

import scipy.optimize
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, all_of, check_expansion, check_property, holds, refuted

claim = Claim(
    "C29",
    title="Reshuffled rows leave a known share of the bias of independent draws, to first order: half if beta1 = 0",
    statement=(
        r"For $(\theta-X)^2/2$ and $P$ reshuffled rows, $\theta^*-EX=-\lambda\frac{(1-\beta_2)\mu_3}"
        r"{2\sigma(\sigma+\varepsilon)}+O((1-\beta_2)^2)$, $\lambda=\frac{1-\beta_1}2\sum_{k<P}\beta_1^k"
        r"(1-\frac kP)(1-\frac k{P-1})$; for independent draws $\lambda=1$. It is $\frac12$ for $\beta_1=0$."
    ),
    source="arXiv 2511.06675; N-Proposition 13, N-Corollary 2",
)

Share = Callable[[Fraction, int], Fraction]


def share(beta1: Fraction, count: int) -> Fraction:
    """Lambda, of ``count`` rows."""
    terms = (beta1**k * (1 - Fraction(k, count)) * (1 - Fraction(k, count - 1)) for k in range(count))
    return (1 - beta1) / 2 * sum(terms)


# --- The covariance --------------------------------------------------------------------------------------------------


def by_orders(rows: list[Fraction], beta1: Fraction) -> Fraction:
    """lim Cov(M, V)/(1 - beta2): the mean over the steps of an epoch and all its orders, for rows of mean 0."""
    count, total = len(rows), Fraction(0)
    for order in itertools.permutations(rows):
        for j in range(count):
            # Lags beyond the epoch's start meet the same sum of squares in all orders, and have mean 0.
            recent = sum((1 - beta1) * beta1**k * order[j - k] for k in range(j + 1))
            total += recent * sum(row**2 for row in order[: j + 1])
    return total / count / factorial(count)


def is_covariance(claimed: Share) -> Finding:
    """Is the covariance the claimed share of mu3, exactly, for drawn rows and beta1?"""

    def agrees(rows: list[int], beta1: Fraction) -> None:
        mean = Fraction(sum(rows), len(rows))
        off = [row - mean for row in rows]
        third = sum(x**3 for x in off) / len(off)
        found, stated = by_orders(off, beta1), claimed(beta1, len(rows)) * third
        assert found == stated, f"over all orders {found}, claimed {stated}"

    rows = st.lists(st.integers(-9, 9), min_size=2, max_size=5)
    return check_property(
        agrees, rows, st.fractions(0, Fraction(19, 20), max_denominator=20), examples=40, shrink=False
    )


@claim.evidence("property")
def the_covariance_over_all_orders() -> Finding:
    return is_covariance(share)


@claim.control("all of mu3, as for independent draws")
def all_of_it() -> Finding:
    return is_covariance(lambda beta1, count: Fraction(1))


@claim.control("half of it whatever beta1")
def half_of_it() -> Finding:
    return is_covariance(lambda beta1, count: Fraction(1, 2))


@claim.control("both factors 1 - k/P")
def both_factors_alike() -> Finding:
    return is_covariance(
        lambda beta1, count: (1 - beta1) / 2 * sum(beta1**k * (1 - Fraction(k, count)) ** 2 for k in range(count))
    )


def is_value(beta1: str, digits: str, count: int = 3) -> Finding:
    """Is lambda exactly this?"""
    found = share(Fraction(beta1), count)
    text = f"lambda = {found} for {count} rows, beta1 = {beta1}"
    return (holds if found == Fraction(digits) else refuted)(text, cases=1)


@claim.evidence("symbolic")
def its_values() -> Finding:
    return all_of([is_value("0.9", "0.065"), *(is_value("0", "0.5", count) for count in range(2, 50))])


@claim.control("the share of three rows, for four")
def another_count() -> Finding:
    return is_value("0.9", "0.065", count=4)


# --- Zeros -----------------------------------------------------------------------------------------------------------

EPS = Fraction(1, 10)
LAWS = {"three rows": (0, 0, 3), "four rows": (-2, 0, 1, 5)}


@cache
def bias(rows: tuple[int, ...], beta1: Fraction, to_one: Fraction, sampling: str) -> float:
    """The zero less the mean, by Brent's method."""
    mean = float(Fraction(sum(rows), len(rows)))
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": list(rows)}), 1, sampling)
    field = AdamField(problem, Adam(beta1, 1 - to_one, EPS))
    reach = 10 * float(to_one)
    return float(scipy.optimize.brentq(lambda off: field([mean + off])[0], -reach, reach, xtol=1e-15, rtol=1e-14))


def first_order(rows: tuple[int, ...]) -> float:
    """The coefficient of 1 - beta2 for independent draws."""
    mean = sum(rows) / len(rows)
    variance, third = (sum((row - mean) ** power for row in rows) / len(rows) for power in (2, 3))
    return -third / (2 * variance**0.5 * (variance**0.5 + float(EPS)))


def zeros_move_by(claimed: Share, rows: tuple[int, ...], beta1: str, sampling: str = "reshuffled") -> Finding:
    """Is the bias over beta2 = 1 - 2^-k, k = 8, ..., 14, of order 1 with the claimed share of that coefficient?"""
    memories = [Fraction(1, 2**k) for k in range(8, 15)]
    values = [bias(rows, Fraction(beta1), to_one, sampling) for to_one in memories]
    coefficient = float(claimed(Fraction(beta1), len(rows))) * first_order(rows)
    return check_expansion([float(to_one) for to_one in memories], values, (coefficient, None))


@claim.evidence("property")
def zeros_of_two_laws() -> Finding:
    return all_of(zeros_move_by(share, rows, beta1) for rows in LAWS.values() for beta1 in ("0", "0.9"))


@claim.control("the coefficient of independent draws")
def coefficient_of_independent_draws() -> Finding:
    return zeros_move_by(lambda beta1, count: Fraction(1), LAWS["three rows"], "0")


@claim.control("rows that always come in the same order")
def always_the_same_order() -> Finding:
    return zeros_move_by(share, LAWS["four rows"], "0", "cyclic")


@claim.control("zeros that move as without momentum")
def zeros_without_momentum() -> Finding:
    return zeros_move_by(lambda beta1, count: Fraction(1, 2), LAWS["three rows"], "0.9")
