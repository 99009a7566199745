r"""R2: on skewed data RMSprop's zero is not Adam's, though they agree at first order in 1 - beta2.

The loss is (theta - x)^2/2. By N-Theorem 4 each field has one zero, and for beta2 -> 1

$$\theta^* = EX - (1-\beta_2)\frac{\mu_3}{2\sigma(\sigma+\varepsilon)} + O((1-\beta_2)^2)$$

whatever beta1. Enclosures of both zeros prove that they differ, by less than (1 - beta2)^2 for the data here, while
each is off the mean by more than (1 - beta2)/3. Enclosures are for Adam; ``RMSprop`` and Adam with beta1 = 0 have the
same field, for the field knows stationary moments only, where bias correction is 1. This equality is checked.
"""

from fractions import Fraction
from functools import cache

from adamsym import Adam, AdamField, Claim, Empirical, Problem, RMSprop, find_zeros
from adamsym.claims import Finding, holds, refuted, undecided

claim = Claim(
    "R2",
    title="On skewed data RMSprop's zero differs from Adam's, but not at first order in 1 - beta2",
    statement=(
        r"For $l=(\theta-x)^2/2$, the data $0,0,3$ and $\varepsilon=0.1$, RMSprop's zero differs from that of Adam "
        r"with $\beta_1=\frac12$ for $1-\beta_2=2^{-k}$, $k=3,\dots,8$, by less than $(1-\beta_2)^2$; both are off the "
        r"mean by more than $\frac13(1-\beta_2)$."
    ),
    source="N-Theorem 4",
)

SKEWED, SYMMETRIC = (0, 0, 3), (-1, 0, 0, 1)
POWERS = range(3, 9)
EPS, HALF = "0.1", Fraction(1, 2)


@cache
def zero(data: tuple[int, ...], beta1: Fraction, beta2: Fraction) -> tuple[float, float]:
    """Proven bounds of the only zero between the data; for beta1 = 0 it is RMSprop's."""
    problem, adam = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": data})), Adam(beta1, beta2, EPS)
    if beta1 == 0 and AdamField(problem, adam)([0.3]) != AdamField(problem, RMSprop(beta2, EPS))([0.3]):
        raise ArithmeticError("RMSprop's field is not that of Adam with beta1 = 0")
    found = find_zeros(AdamField(problem, adam), [[min(data), max(data)]])
    if not found.complete or len(found.zeros) != 1:
        raise ArithmeticError("not exactly one zero certified")
    low, high = found.zeros[0].box[0]
    return float(low), float(high)


def differ(data: tuple[int, ...], beta1: Fraction, least: float, most: float, power: int) -> Finding:
    """Is the distance of both zeros between ``least`` and ``most`` times (1 - beta2)^power, and not 0?"""
    found = []
    for k in POWERS:
        eta = Fraction(1, 2**k)
        (low, high), (low_adam, high_adam) = zero(data, Fraction(0), 1 - eta), zero(data, beta1, 1 - eta)
        nearest = max(low_adam - high, low - high_adam, 0.0)
        furthest = max(high_adam - low, high - low_adam)
        unit = float(eta) ** power
        found.append(f"{furthest / unit:.4f}")
        if nearest == 0 and furthest < 1e-8:
            return refuted(f"1 - beta2 = {eta}: the zeros are less than 1e-8 apart", cases=len(found))
        if furthest < least * unit or nearest > most * unit:
            return refuted(f"1 - beta2 = {eta}: distance {furthest:.3e}, {furthest / unit:.4f} units", cases=len(found))
        if not least * unit <= nearest <= furthest <= most * unit:
            return undecided(f"1 - beta2 = {eta}: distance in [{nearest:.3e}, {furthest:.3e}]")
    return holds(f"distance/(1 - beta2)^{power}: {', '.join(found)}", cases=len(found))


def off_the_mean(share: float) -> Finding:
    """Are both zeros below the mean 1 by more than ``share`` (1 - beta2)?"""
    for k in POWERS:
        for beta1 in (Fraction(0), HALF):
            low, high = zero(SKEWED, beta1, 1 - Fraction(1, 2**k))
            if high >= 1 - share * 2.0**-k:
                return refuted(f"1 - beta2 = 2^-{k}, beta1 = {beta1}: zero in [{low:.6f}, {high:.6f}]", cases=1)
    return holds(f"all zeros are below 1 - {share:.3f} (1 - beta2)", cases=2 * len(POWERS))


@claim.evidence("certified")
def they_differ_at_second_order() -> Finding:
    return differ(SKEWED, HALF, 0.1, 1, 2)


@claim.evidence("certified")
def both_are_off_the_mean() -> Finding:
    return off_the_mean(1 / 3)


@claim.control("a difference of first order")
def first_order() -> Finding:
    return differ(SKEWED, HALF, 0.1, 1, 1)


@claim.control("symmetric data")
def symmetric_data() -> Finding:
    return differ(SYMMETRIC, HALF, 0, 1, 2)


@claim.control("Adam with beta1 = 0")
def without_momentum() -> Finding:
    return differ(SKEWED, Fraction(0), 0, 1, 2)


@claim.control("off the mean by (1 - beta2)/2, more than the first-order term")
def further_off() -> Finding:
    return off_the_mean(0.5)
