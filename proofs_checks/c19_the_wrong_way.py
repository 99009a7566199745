r"""C19: where beta2 is too small, Adam climbs: the threshold of the example of Reddi, Kale and Kumar, over batch sizes.

Cited: the abstract of arXiv 1904.09237 has an explicit example of a simple convex problem where Adam does not converge
to the optimal solution, because of the exponential moving average. Added here: for the well-known stochastic form of
that example, in which the gradient is 1010 with probability 1/100 and -10 otherwise, whatever theta, the interval of
beta2 in which the drift changes its sign, for six batch sizes.

The mean gradient is 1/5: theta should fall. Adam's field f does not depend on theta; beta1 = 0.9 and eps = 1e-8. For
each B and 1 - beta2 half a unit of the last digit above and below the number stated, enclosures prove that f > 0 above
(the wrong way) and f < 0 below. f is continuous in beta2: so f = 0 at some threshold beta2* that rounds to the number
stated. That it is the only one is not proved. Projected onto [-1, 1], as in that paper, Adam's flow ends at 1 where
f > 0, and at -1 where f < 0 (N-Proposition 16).

T7 gives the threshold's leading order as the mean m = Eg of a gradient tends to 0: F = 0 where
m phi(S) + (1 - beta2) phi'(S) Cov(g, g^2) = 0 up to terms of second order, and with phi(S) = 1/sqrt S this is

$$1-\beta_2^*\approx\frac{2mS}{\mathrm{Cov}(g,g^2)}.$$

Its values are computed exactly for the means of batches. The finite statement is a fit to the thresholds of gradients
x - s with six means.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import numpy as np
import scipy.optimize

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, all_of, check_expansion, holds, refuted, rounding_interval, rounds_to, undecided

claim = Claim(
    "C19",
    title="An example of Reddi, Kale and Kumar: Adam climbs unless 1 - beta2 is below some 4e-4 times the batch size",
    statement=(
        r"Let $g$ be the mean of $B$ gradients, each $1010$ with probability $0.01$, else $-10$, so that $Eg=0.2$. For "
        r"$\beta_1=0.9$, $\varepsilon=10^{-8}$ and $B=1,2,4,8,16,32$, $f$ changes from positive to negative where "
        r"$1-\beta_2$ is $4.014$, $8.067$, $16.29$, $33.22$, $69.16$, $150.6$ times $10^{-4}$, to four digits."
    ),
    source="arXiv 1904.09237; T7",
)

LAW = Empirical({"g": [1010, -10]}, ["1/100", "99/100"])
MIRRORED = Empirical({"g": [-1010, 10]}, ["1/100", "99/100"])
THRESHOLDS = {1: "4.014e-4", 2: "8.067e-4", 4: "1.629e-3", 8: "3.322e-3", 16: "6.916e-3", 32: "1.506e-2"}
FIRST_ORDER = {1: "4.000e-4", 2: "7.997e-4", 4: "1.598e-3", 8: "3.191e-3", 16: "6.362e-3", 32: "1.264e-2"}


def field(beta2: Fraction | str, batch: int = 1, law: Empirical = LAW, beta1: str = "0.9") -> AdamField:
    return AdamField(Problem("g*theta", ["theta"], law, batch), Adam(beta1, beta2, "1e-8"))


# --- Thresholds ------------------------------------------------------------------------------------------------------


def threshold(batch: int, digits: str, law: Empirical = LAW, beta1: str = "0.9") -> Finding:
    """Is a change of sign proven where 1 - beta2 rounds to ``digits``?"""
    below, above = (1 - h for h in reversed(rounding_interval(digits)))
    wrong, right = (field(beta2, batch, law, beta1).enclose([[0, 0]])[0] for beta2 in (below, above))
    text = f"B = {batch}, 1 - beta2 = {digits}: f in [{wrong[0]:.3g}, {wrong[1]:.3g}] at its upper end and "
    text += f"[{right[0]:.3g}, {right[1]:.3g}] at its lower end"
    if wrong[1] <= 0 or right[0] >= 0:
        return refuted(text)
    return holds(text, cases=1) if wrong[0] > 0 > right[1] else undecided(text)


@claim.evidence("certified")
def six_thresholds() -> Finding:
    return all_of(threshold(batch, digits) for batch, digits in THRESHOLDS.items())


@claim.control("the threshold to first order, for batches of four")
def first_order_for_four() -> Finding:
    return threshold(4, FIRST_ORDER[4])


@claim.control("the fourth digit one higher")
def another_digit() -> Finding:
    return threshold(1, "4.015e-4")


@claim.control("the threshold of single gradients, for batches of two")
def single_gradients() -> Finding:
    return threshold(2, THRESHOLDS[1])


@claim.control("beta1 = 0.5")
def another_beta1() -> Finding:
    return threshold(1, THRESHOLDS[1], beta1="0.5")


@claim.control("the mirrored gradient, whose mean is -0.2")
def mirrored() -> Finding:
    return threshold(1, THRESHOLDS[1], MIRRORED)


# --- The drift at usual parameters ---------------------------------------------------------------------------------


def drifts(beta2: str, digits: str, batch: int = 1) -> Finding:
    """Does f, enclosed, round to ``digits``, seven after the point?"""
    return rounds_to(digits, tuple(field(beta2, batch).enclose([[0, 0]])[0]), f"beta2 = {beta2}, B = {batch}: f")


@claim.evidence("certified")
def still_the_wrong_way_at_the_usual_parameters() -> Finding:
    return all_of([drifts("0.99", "0.0591390"), drifts("0.999", "0.0029711")])


@claim.control("the drift of batches of two")
def drift_of_two() -> Finding:
    return drifts("0.999", "0.0029711", batch=2)


# --- First order -----------------------------------------------------------------------------------------------------


def leading(law: Empirical, batch: int) -> Fraction:
    """2 m S/Cov(g, g^2) for the mean g of a batch, from the first three cumulants, exactly."""
    weights = [Fraction(float(p)).limit_denominator(1000) for p in law.probabilities]
    values = [Fraction(float(row[0])) for row in law.rows]
    mean = sum(p * x for p, x in zip(weights, values, strict=True))
    second, third = (sum(p * (x - mean) ** k for p, x in zip(weights, values, strict=True)) for k in (2, 3))
    variance, skewness = second / batch, third / batch**2
    return 2 * mean * (variance + mean**2) / (skewness + 2 * mean * variance)


def leading_orders(values: dict[int, str], shift: int = 0) -> Finding:
    """Is the leading order for each batch size, or that next to it, the one given?"""
    found = {batch: leading(LAW, batch + shift) for batch in values}
    return all_of(
        rounds_to(digits, (found[b], found[b]), f"B = {b}: 2 m S/Cov(g, g^2)") for b, digits in values.items()
    )


@claim.evidence("symbolic")
def first_order_thresholds() -> Finding:
    return leading_orders(FIRST_ORDER)


@claim.control("the leading order of batches one larger")
def larger_batches() -> Finding:
    return leading_orders(FIRST_ORDER, shift=1)


@cache
def thresholds_of_shifts(means: tuple[float, ...]) -> tuple[float, ...]:
    """1 - beta2* for gradients 3 - s and -1 - s, probabilities 1/4 and 3/4, by Brent's method."""

    def sign(h: float, mean: float) -> float:
        law = Empirical({"g": [3 + mean, -1 + mean]}, ["1/4", "3/4"])
        return float(field(Fraction(1 - h), 1, law)([0.0])[0])

    return tuple(scipy.optimize.brentq(sign, mean / 10, 10 * mean, args=(mean,), rtol=1e-12) for mean in means)


def is_leading(coefficient: Callable[[Fraction], Fraction]) -> Finding:
    """Does the threshold tend to 0 like ``coefficient`` of 2 S/Cov(g, g^2), at mean 0, times the mean?"""
    means = tuple(np.geomspace(0.0005, 0.008, 7).tolist())
    return check_expansion(means, thresholds_of_shifts(means), (float(coefficient(Fraction(2 * 3, 6))), None))


@claim.evidence("property")
def it_is_the_leading_order() -> Finding:
    return is_leading(lambda ratio: ratio)


@claim.control("S/Cov(g, g^2), without the 2")
def without_the_two() -> Finding:
    return is_leading(lambda ratio: ratio / 2)
