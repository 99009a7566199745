r"""C14: for the quadratic loss and beta1 <= beta2 the field decreases strictly and has one, attracting zero.

$$-f'(\theta) \ge \varepsilon\big/\big(\sqrt{E(\theta - X)^2} + \varepsilon\big)^2$$

(N-Theorem 4). So f has at most one zero; f >= 0 left of all data and f <= 0 right of them, so there is one, between the
data, and theta' = f(theta) leads to it from everywhere. A single datum makes the bound an equality: no constant can be
better. For beta1 > beta2 both statements fail: f may increase, and a law of three points has three zeros.
"""

from functools import cache, partial

import numpy as np
import scipy.integrate
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem, find_zeros
from adamsym.certify import Zeros
from adamsym.claims import Finding, all_of, check_property, holds, refuted, undecided

claim = Claim(
    "C14",
    title="Quadratic loss, beta1 <= beta2: the field decreases, with one attracting zero; beyond, three zeros",
    statement=(
        r"For $l=(\theta-X)^2/2$, bounded $X$ and $\beta_1\le\beta_2$, "
        r"$-f'(\theta)\ge\varepsilon/(\sqrt{E(\theta-X)^2}+\varepsilon)^2$, so that $f$ has one zero, which "
        r"attracts all $\theta$. For some $\beta_1>\beta_2$ and some $X$ of three values $f$ has three zeros."
    ),
    source="N-Theorem 4",
)


def quadratic(law: Empirical) -> Problem:
    return Problem("(theta - x)**2/2", ["theta"], law)


CASES = [
    (Empirical({"x": [0, 0, 3]}), Adam("0.5", "0.5", "0.1")),
    (Empirical({"x": [-1, 2, 7]}, ["1/2", "1/4", "1/4"]), Adam("0.5", "0.9", "1")),
    (Empirical({"x": [-1, 1, 1]}), Adam("0", "0.3", "0.01")),
    (Empirical({"x": [0, 0, 3]}), Adam("0.9", "0.999", "1e-8")),
]
"""Laws and parameters with beta1 <= beta2, once with equality."""

if any(adam.alpha > adam.beta for _, adam in CASES):
    raise ValueError("a case without beta1 <= beta2")

OTHER_BETAS = Empirical({"x": [-1, 1]}), Adam("0.3", "0.1", "1e-8")
THREE_ZEROS = (
    Empirical({"x": [-1, 0, 125]}, ["0.307", "0.307", "0.386"]), Adam("9.99e-4", "1e-6", "1e-8")
)  # fmt: skip


def span(law: Empirical) -> tuple[float, float]:
    """An interval that holds the data with a margin of 1."""
    return float(law.rows.min()) - 1, float(law.rows.max()) + 1


# --- The slope -----------------------------------------------------------------------------------------------------


def least_slope(law: Empirical, adam: Adam, theta: float) -> float:
    """The bound eps/(sqrt(E(theta - X)^2) + eps)^2 of -f'(theta)."""
    second = law.probabilities @ (theta - law.rows[:, 0]) ** 2
    return float(adam.eps / (np.sqrt(second) + adam.eps) ** 2)


def slope_exceeds(law: Empirical, adam: Adam, low: float, high: float, factor: float = 1, budget=4000) -> Finding:
    """Is -f' >= ``factor`` times the bound on [low, high], by enclosures of f' over boxes?

    The bound falls with the distance from the mean, so its range over a box is that between the nearest and the
    furthest point; floats are given 1e-12 of it.
    """
    field, mean = AdamField(quadratic(law), adam), float(law.probabilities @ law.rows[:, 0])
    pending, proven, closest = [(low, high)], 0, np.inf
    for _ in range(budget):
        if not pending:
            return holds(f"on {proven} boxes that cover [{low:g}, {high:g}]; -f'/bound >= {closest:.4f}", cases=proven)
        left, right = pending.pop()
        steepest, flattest = (-slope for slope in field.enclose_jacobian([[left, right]])[0, 0])
        nearest = float(np.clip(mean, left, right))
        furthest = left if mean - left > right - mean else right
        most = factor * least_slope(law, adam, nearest) * (1 + 1e-12)
        least = factor * least_slope(law, adam, furthest) * (1 - 1e-12)
        if steepest < least:
            return refuted(f"-f' <= {steepest:.6g} < {least:.6g} on [{left:g}, {right:g}]", cases=proven + 1)
        if flattest >= most:
            proven, closest = proven + 1, min(closest, flattest / most * factor)
        else:
            pending += [(left, (left + right) / 2), ((left + right) / 2, right)]
    return undecided(f"{len(pending)} boxes are left of [{low:g}, {high:g}]")


@claim.evidence("certified")
def slopes_exceed_the_bound() -> Finding:
    return all_of(slope_exceeds(law, adam, *span(law)) for law, adam in CASES)


@claim.control("beta1 > beta2: the field increases from 2.4 to 2.5")
def other_betas() -> Finding:
    return slope_exceeds(*OTHER_BETAS, 2.4, 2.5)


@claim.control("twice the bound: far from the data the bound is nearly attained")
def twice_the_bound() -> Finding:
    return slope_exceeds(*CASES[1], 100.0, 101.0, factor=2)


# --- Increments, for drawn data ------------------------------------------------------------------------------------

data = st.lists(st.integers(-8, 8), min_size=1, max_size=5)
twentieths = st.integers(0, 19)
betas = st.tuples(twentieths, twentieths).map(sorted).filter(lambda pair: pair[1] > 0)
epsilons = st.sampled_from(["1e-8", "1e-3", "0.1", "1", "10"])
points = st.tuples(st.integers(-48, 48), st.integers(-48, 48)).filter(lambda pair: pair[0] != pair[1])


def increments_exceed(factor: float) -> Finding:
    """Does f fall by at least ``factor`` times the bound's integral, between any two points?

    The field's rounding (1e-12, and its own estimate) and the quadrature's (1e-9 of the bound) are allowed for.
    """

    def falls(x, pair, eps, ends):
        law, adam = Empirical({"x": x}), Adam(pair[0] / 20, pair[1] / 20, eps)
        left, right = sorted(end / 4 for end in ends)
        assert adam.alpha <= adam.beta
        values = AdamField(quadratic(law), adam).evaluate([[left], [right]])
        mean = sum(x) / len(x)
        middle = [mean] if left < mean < right else []
        if len(set(x)) == 1:
            least = between(adam.eps, left - x[0], right - x[0])
        else:
            slope, breaks = partial(least_slope, law, adam), middle or None
            least = scipy.integrate.quad(slope, left, right, points=breaks, epsabs=0, epsrel=1e-10, limit=500)[0]
        rounding = 1e-12 + values.error.sum()
        fallen = float(values.value[0, 0] - values.value[1, 0])
        assert fallen >= factor * least * (1 - 1e-9) - rounding, f"fell by {fallen:.9g}, {least:.9g} times {factor}"

    return check_property(falls, data, betas, epsilons, points, examples=300)


def between(eps: float, first: float, last: float) -> float:
    """The bound's integral for one datum, where quadrature would see a peak: g/(|g| + eps) between its ends."""
    return last / (abs(last) + eps) - first / (abs(first) + eps)


@claim.evidence("property")
def increments_exceed_the_bound() -> Finding:
    return increments_exceed(1)


@claim.control("a bound larger by a thousandth: a single datum refutes it")
def larger_by_a_thousandth() -> Finding:
    return increments_exceed(1.001)


# --- Zeros ---------------------------------------------------------------------------------------------------------


@cache
def zeros(law: Empirical, adam: Adam, low: float, high: float) -> Zeros:
    return find_zeros(AdamField(quadratic(law), adam), [[low, high]])


def stabilities(law: Empirical, adam: Adam, low: float, high: float, expected: list[str]) -> Finding:
    """Has f exactly the zeros of the ``expected`` stabilities in [low, high], from left to right?"""
    found = zeros(law, adam, low, high)
    if not found.complete:
        return undecided(f"{len(found.undecided)} boxes undecided")
    text = ", ".join(f"{zero.midpoint[0]:.9g} {zero.stability}" for zero in found.zeros)
    text = f"exactly the zeros {text or 'none'} in [{low:g}, {high:g}]"
    kinds = [zero.stability for zero in found.zeros]
    return (holds if kinds == expected else refuted)(text, cases=max(1, len(kinds)))


@claim.evidence("certified")
def one_attracting_zero() -> Finding:
    return all_of(stabilities(law, adam, *span(law), ["attracting"]) for law, adam in CASES)


@claim.evidence("certified")
def three_zeros_beyond() -> Finding:
    return stabilities(*THREE_ZEROS, -2.0, 130.0, ["attracting", "repelling", "attracting"])


@claim.control("the law of three zeros called one of a unique zero")
def three_zeros_called_one() -> Finding:
    return stabilities(*THREE_ZEROS, -2.0, 130.0, ["attracting"])
