r"""C26: averaging Adam with constant beta2 does not attain the covariance H^-1 S H^-1: 0.1985 per cent are lost.

Cited: the abstract of arXiv 2606.21433 has the central limit theorem for averaged Adam, its covariance given by Adam's
behaviour at the zero; C12 tests it. Added here: where that covariance is known in closed form, it is larger than
H^-1 S H^-1, that of averaged stochastic gradient descent, and by how much.

For x = +-1 and the quadratic loss, H = 1 and S = 1. N-Proposition 6 has Gamma = 1/(1 + eps)^2 and
J = -1/(1 + eps) + c2/(1 + eps)^2, c2 = (1 - alpha)(1 - beta)/(1 - alpha beta): so Gamma/J^2 is
(1 - c2/(1 + eps))^-2 > 1. Without eps the excess is 0.1985 per cent at the usual parameters, and as beta2 -> 1 it
vanishes like 2 (1 - beta2).
"""

import flint
import sympy as sp

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, holds, refuted, rounds_to

claim = Claim(
    "C26",
    title="Averaged Adam's covariance exceeds H^-1 S H^-1 where beta2 stays below 1",
    statement=(
        r"For $(\theta-X)^2/2$, $X=\pm1$ with equal probabilities, the covariance $\Gamma/J^2$ of averaged Adam is "
        r"$(1-\frac{c_2}{1+\varepsilon})^{-2} > 1=H^{-1}SH^{-1}$, with "
        r"$c_2=\frac{(1-\beta_1)(1-\beta_2)}{1-\beta_1\beta_2}$: at the usual parameters $0.1985$ per cent more."
    ),
    source="arXiv 2606.21433; N-Proposition 6, N-Theorem 4",
)

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]}))


def excess_is(digits: str, beta1: str = "0.9", beta2: str = "0.999") -> Finding:
    """Does Gamma/J^2 - 1 round to ``digits``, with J from a proven enclosure of the package's Jacobian?"""
    method = Adam(beta1, beta2, "1e-8")
    low, high = AdamField(PROBLEM, method).enclose_jacobian([[0, 0]])[0, 0]
    gamma = 1 / (1 + flint.arb(flint.fmpq(1, 10**8))) ** 2
    excess = gamma / flint.arb(float(low)).union(flint.arb(float(high))) ** 2 - 1
    return rounds_to(digits, excess, f"J in [{low:.10f}, {high:.10f}], excess")


@claim.evidence("certified")
def at_the_usual_parameters() -> Finding:
    return excess_is("0.001985")


@claim.control("no excess at all")
def no_excess() -> Finding:
    return excess_is("0.000000")


@claim.control("the excess at beta2 = 0.99")
def another_beta2() -> Finding:
    return excess_is("0.001985", beta2="0.99")


@claim.control("the excess at beta1 = 0")
def without_momentum() -> Finding:
    return excess_is("0.001985", beta1="0")


def vanishes_like(slope: int) -> Finding:
    """Is the excess, without eps, ``slope`` times 1 - beta2 to leading order, for every beta1?"""
    alpha, h = sp.symbols("alpha h", positive=True)
    overlap = (1 - alpha) * h / (1 - alpha * (1 - h))
    leading = sp.simplify(sp.diff((1 - overlap) ** -2, h).subs(h, 0))
    text = f"derivative in 1 - beta2 at 0: {leading}, claimed {slope}"
    return (holds if sp.simplify(leading - slope) == 0 else refuted)(text, cases=1)


@claim.evidence("symbolic")
def it_vanishes_with_the_memory() -> Finding:
    return vanishes_like(2)


@claim.control("an excess of 1 - beta2")
def half_the_slope() -> Finding:
    return vanishes_like(1)
