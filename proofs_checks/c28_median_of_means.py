r"""C28: Signum stops at the median of a running mean of the data, not at their mean, and where that is for 0, 0, 3.

Cited: the abstract of arXiv 1802.04434 has signSGD, which transmits the signs of minibatch gradients, and its momentum
counterpart, here Signum. Added here: where Signum with steps that vanish stops.

Its field is f = -E sign M, M = (1 - beta1) sum beta1^k g_k, and (N-Proposition 15)

$$E\,\mathrm{sign}M=\frac2\pi\int_0^\infty\mathrm{Im}\prod_k\chi((1-\beta_1)\beta_1^kt)\frac{dt}t$$

with the characteristic function chi of a gradient. For the quadratic loss M = theta - M_X with the running mean M_X of
the data: f falls, and its zeros are the medians of M_X.

Four digits are proved, by enclosures; f is continuous, so that where it changes its sign it has a zero. The last two
are floating point: changes of sign by the series, whose error estimate is far smaller. The series is compared with the
integral above, and half of drawn running means are below the zero. Bounds by Vaaler's polynomials, which hold but for
rounding, have the zero to within 0.001.
"""

from functools import cache

import numpy as np
import scipy.stats
from hypothesis import strategies as st

from adamsym import AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, check_property, holds, refuted, rounding_interval, run_seed, scaled, undecided
from adamsym.field import Atoms, SignMean, sign_mean
from adamsym.methods import Signum

claim = Claim(
    "C28",
    title="Signum's zero is the median of a running mean: 0.987702 for the data 0, 0, 3",
    statement=(
        r"For $(\theta-X)^2/2$ the zeros of Signum's field are the medians of $M_X=(1-\beta_1)\sum_k\beta_1^kX_k$, "
        r"$X_k$ independent copies of $X$. For the data $0,0,3$ and $\beta_1=0.9$ the zero is $0.987702$, beside the "
        r"mean $1$ and the median $0$ of the data."
    ),
    source="arXiv 1802.04434; N-Proposition 15",
)

ZERO, HALF = 0.987702, 5e-7
"""The zero, and half a unit of its last digit."""

QUADRATIC = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


# --- The zero --------------------------------------------------------------------------------------------------------


@cache
def at(theta: float, beta1: str = "0.9") -> SignMean:
    """F = -f at theta, for the data 0, 0, 3."""
    return sign_mean(Atoms((theta, theta - 3), (2 / 3, 1 / 3)), Signum(beta1))


def changes_sign(center: float, half: float, beta1: str = "0.9") -> Finding:
    """Does F, with its error estimate, change from negative to positive within ``half`` of the center?"""
    left, right = at(center - half, beta1), at(center + half, beta1)
    text = f"F = {left.value:.3e} +- {left.error:.0e} and {right.value:.3e} +- {right.error:.0e} beside {center}"
    if left.value - left.error > 0 or right.value + right.error < 0:
        return refuted(text, cases=2)
    return holds(text, cases=2) if left.value + left.error < 0 < right.value - right.error else undecided(text)


def proven(digits: str, beta1: str = "0.9") -> Finding:
    """Is f proven to change from positive to negative where theta rounds to these digits?"""
    # Floats within the interval that rounds to the digits.
    ends = [float(np.nextafter(float(end), float(digits))) for end in rounding_interval(digits)]
    left, right = AdamField(QUADRATIC, Signum(beta1)).enclose([[[end, end]] for end in ends])[:, 0]
    text = f"f in [{left[0]:.2e}, {left[1]:.2e}] and [{right[0]:.2e}, {right[1]:.2e}] at {ends}"
    if left[1] < 0 or right[0] > 0:
        return refuted(text, cases=2)
    return holds(text, cases=2) if left[0] > 0 > right[1] else undecided(text)


@claim.evidence("certified")
def four_digits_by_enclosures() -> Finding:
    return proven("0.9877")


@claim.control("the fourth digit one lower")
def another_fourth_digit() -> Finding:
    return proven("0.9876")


@claim.evidence("property")
def six_digits_by_the_series() -> Finding:
    return changes_sign(ZERO, HALF)


@claim.control("the last digit one higher")
def another_digit() -> Finding:
    return changes_sign(ZERO + 2 * HALF, HALF)


@claim.control("beta1 = 0.8")
def another_memory() -> Finding:
    return changes_sign(ZERO, HALF, beta1="0.8")


def bounds_change_sign(center: float, half: float = 1e-3) -> Finding:
    """Do the bounds that need no decay of the characteristic function have the zero within ``half`` of the center?"""
    left, right = at(center - half), at(center + half)
    text = f"F in [{left.lower:.2e}, {left.upper:.2e}] and [{right.lower:.2e}, {right.upper:.2e}] beside {center}"
    if left.lower > 0 or right.upper < 0:
        return refuted(text, cases=2)
    return holds(text, cases=2) if left.upper < 0 < right.lower else undecided(text)


@claim.evidence("property")
def three_digits_by_bounds() -> Finding:
    return bounds_change_sign(ZERO)


@claim.control("the mean of the data")
def the_mean() -> Finding:
    return bounds_change_sign(1.0)


# --- The integral ----------------------------------------------------------------------------------------------------


def integral(low: float, high: float, share: float, beta1: float) -> float:
    """(2/pi) int Im prod chi(c_k t) dt/t, g = high with the probability ``share``, else low, by the midpoint rule.

    The rule is exact where |M| < 2 pi/step, as here, but for what is left beyond t = 1000; of lags 1e-12 is left.
    """
    step = 2 * np.pi / (max(abs(low), abs(high)) + 1)
    t = np.arange(step / 2, 1000, step)[:, None]
    angles = t * ((1 - beta1) * beta1 ** np.arange(int(np.log(1e-12) / np.log(beta1))))
    factors = (1 - share) * np.exp(1j * angles * low) + share * np.exp(1j * angles * high)
    return float(2 / np.pi * step * (factors.prod(axis=1).imag / t[:, 0]).sum())


def is_integral(shift: float) -> Finding:
    """Is F the integral, to 1e-8, for drawn gradients of two values, moved by ``shift`` of their distance?"""

    def agrees(theta: float, share: float, beta1: str) -> None:
        found = sign_mean(Atoms((theta, theta - 3), (1 - share, share)), Signum(beta1)).value
        value = integral(theta + 3 * shift, theta - 3 + 3 * shift, share, float(beta1))
        assert abs(found - value) < 1e-8, f"F = {found:.12f}, integral {value:.12f}"

    memories = st.sampled_from(["0.9", "0.93", "0.95"])
    return check_property(agrees, st.floats(0.3, 2.7), st.floats(0.3, 0.7), memories, examples=10, shrink=False)


@claim.evidence("property")
def the_series_is_the_integral() -> Finding:
    return is_integral(0)


@claim.control("gradients that are moved by a thousandth of their distance")
def moved_gradients() -> Finding:
    return is_integral(1e-3)


# --- The median ------------------------------------------------------------------------------------------------------


def is_median(point: float, beta1: float = 0.9, level: float = 1e-4) -> Finding:
    """Are as many drawn running means below the point as above, as far as a binomial test can tell?"""
    # So many tell the controls, at 49 and 51 per cent, apart by ten standard errors.
    count, generator, mean = scaled(200_000, fewest=200_000), np.random.default_rng(run_seed(28)), 0.0
    lags = int(np.log(1e-9) / np.log(beta1))
    for _ in range(lags):
        mean = beta1 * mean + (1 - beta1) * 3.0 * (generator.integers(3, size=count) == 2)
    below = int((mean < point).sum())
    chance = float(scipy.stats.binomtest(below, count).pvalue)
    text = f"{below} of {count} means below {point}, p = {chance:.2e}"
    return (holds if chance > level else refuted)(text, cases=count)


@claim.evidence("statistical")
def half_of_the_running_means_are_below() -> Finding:
    return is_median(ZERO)


@claim.control("half of the running means below the mean of the data")
def half_below_the_mean() -> Finding:
    return is_median(1.0)


@claim.control("a longer memory, beta1 = 0.95")
def longer_memory() -> Finding:
    return is_median(ZERO, beta1=0.95)
