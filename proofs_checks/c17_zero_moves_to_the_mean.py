r"""C17: for the data 0, 0, 3 the zero of Adam's field moves steadily towards the mean as beta2 runs from beta1^2 to 1.

For the quadratic loss, beta1 = 0.9 and eps = 1e-8. Proved on [0.82, 0.9999], with all real beta2 in it: a certified
branch (N-Proposition 8) has one zero theta*(beta2) in each of its tubes, f' < 0 over all of them, and

$$\theta^{*\prime}(\beta_2)=-\partial_{\beta_2}f/f' > 0,$$

both enclosed over all of each tube; for beta2 >= beta1 theta* is the one zero that f has at all (N-Theorem 4). The same
is proved nearer to both ends: from beta1^2 + 1e-6 on, where theta* = 0.961219 and the slope is 0.087, and up to
1 - 1e-6.

The limits themselves are no part of what is certified. As beta2 -> 1, theta* -> EX = 1 by N-Corollary 2; N-section 2(d)
has the slope mu3/(2 sigma(sigma + eps)) = 1/2, up to 1e-8, and on [0.9999, 0.999999] that is proved to 12 per cent. As
beta2 -> beta1^2, the step bound C of T1 grows beyond all bounds; that theta* has a limit there, near 0.961219, is
suggested by the certified branch up to 1e-6 from it, not proved.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import scipy.optimize
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem, certify_branch
from adamsym.claims import Finding, all_of, check_property, holds, refuted, undecided
from adamsym.continuation import Motion, enclose_motion
from adamsym.field import memory_bias

claim = Claim(
    "C17",
    title="Data 0, 0, 3: the zero moves steadily towards the mean as beta2 grows",
    statement=(
        r"For $l=(\theta-X)^2/2$, $X$ uniform on the data $0,0,3$, $\beta_1=0.9$ and $\varepsilon=10^{-8}$: along all "
        r"$\beta_2\in[0.82,0.9999]$ one zero $\theta^*$ of $f$ is followed, $f'(\theta^*)<0$ and "
        r"$d\theta^*/d\beta_2>0$. As $\beta_2\to1$ its limit is $EX=1$."
    ),
    source="N-Proposition 8, N-Theorem 4, N-Corollary 2",
)

SKEWED = Empirical({"x": [0, 0, 3]})
MIRRORED = Empirical({"x": [0, 3, 3]})
LOW, HIGH = "0.82", "0.9999"
NEAR_SQUARE, NEAR_ONE = "0.810001", "0.999999"


def field(law: Empirical, beta2: Fraction | str, beta1: str = "0.9") -> AdamField:
    return AdamField(Problem("(theta - x)**2/2", ["theta"], law), Adam(beta1, beta2, "1e-8"))


@cache
def motion(law: Empirical, low: str, high: str) -> tuple[Motion, ...] | str:
    """The zero's enclosures and speeds along all of [low, high]; or in words why they are not proven."""
    mean = float(law.probabilities @ law.rows[:, 0])
    found = certify_branch(field(law, low), "beta2", low, high, [mean])
    if not found.complete or found.stability != "attracting":
        return found.summary
    return enclose_motion(found)


def moves(law: Empirical, low: str, high: str, least: float = 0, most: float = np.inf) -> Finding:
    """Is an attracting zero certified on [low, high], with ``least`` < dtheta/dbeta2 < ``most`` all along?"""
    found = motion(law, low, high)
    if isinstance(found, str):
        return undecided(found)
    slopes = np.array([piece.speed[0] for piece in found])
    first, last = found[0], found[-1]
    text = f"beta2 from {low} to {high}, {len(found)} pieces: zero from {first.box[0]} to {last.box[0]}, slope within "
    text += f"[{slopes[:, 0].min():.4g}, {slopes[:, 1].max():.4g}]"
    if (slopes[:, 1] < least).any() or (slopes[:, 0] > most).any():
        return refuted(f"{text}: not within ({least:.4g}, {most:.4g})", cases=len(found))
    if (slopes[:, 0] > least).all() and (slopes[:, 1] < most).all():
        return holds(text, cases=len(found))
    return undecided(text)


@claim.evidence("certified")
def the_zero_increases() -> Finding:
    return moves(SKEWED, LOW, HIGH)


@claim.evidence("certified")
def nearer_to_both_ends() -> Finding:
    return all_of([moves(SKEWED, NEAR_SQUARE, LOW), moves(SKEWED, HIGH, NEAR_ONE)])


@claim.control("mirrored data: the zero falls towards the mean")
def mirrored() -> Finding:
    return moves(MIRRORED, "0.99", "0.995")


@claim.control("a slope of at least 0.3 all along: near beta1^2 it is a third of that")
def steep_all_along() -> Finding:
    return moves(SKEWED, LOW, HIGH, least=0.3)


def slope_at_one(factor: float) -> Finding:
    """Is the slope on [0.9999, 0.999999] within 12 per cent of ``factor`` times that of the first-order bias?"""
    slope = -factor * memory_bias(SKEWED, Adam("0.9", HIGH, "1e-8"))[0]
    return moves(SKEWED, HIGH, NEAR_ONE, least=0.88 * slope, most=1.12 * slope)


@claim.evidence("certified")
def the_slope_near_one_is_that_of_the_bias() -> Finding:
    return slope_at_one(1)


@claim.control("the slope at one times 1 - beta1")
def slope_with_beta1() -> Finding:
    return slope_at_one(0.1)


# --- The same by other means: zeros by Brent's method --------------------------------------------------------------


def agrees_with_brent(beta1: str) -> Finding:
    """Do zeros of the float field at drawn beta2 lie in the enclosures, and as far apart as the slopes allow?"""
    found = motion(SKEWED, LOW, HIGH)
    if isinstance(found, str):
        return undecided(found)
    ends = [float(piece.low) for piece in found] + [float(found[-1].high)]

    def between(value: float) -> np.ndarray:
        """Bounds of theta*(value) - theta*(0.82)."""
        lengths = np.clip(value, ends[:-1], ends[1:]) - ends[:-1]
        return lengths @ np.array([piece.speed[0] for piece in found])

    def zero(value: float) -> float:
        f = field(SKEWED, Fraction(repr(value)), beta1)
        return float(scipy.optimize.brentq(lambda theta: f([theta])[0], 0.5, 1.5, xtol=1e-15))

    start = zero(float(LOW))

    def agrees(share: float) -> None:
        value = 1 - 0.18 * (1e-4 / 0.18) ** share
        low, high = next(piece.box[0] for piece in found if value <= float(piece.high) + 1e-15)
        own, (least, most) = zero(value), between(value)
        assert low - 1e-9 <= own <= high + 1e-9, f"beta2 = {value}: {own} is not in [{low}, {high}]"
        assert least - 1e-9 <= own - start <= most + 1e-9, f"beta2 = {value}: moved by {own - start}"

    return check_property(agrees, st.floats(0, 1), examples=20)


@claim.evidence("property")
def zeros_by_number_agree() -> Finding:
    return agrees_with_brent("0.9")


@claim.control("zeros for beta1 = 0.5 beside the enclosures for 0.9")
def zeros_of_another_beta1() -> Finding:
    return agrees_with_brent("0.5")
