r"""C22: for beta1 = beta2 = beta the difference v - m^2 is beta times the running mean of (m_prev - g)^2, exactly.

Cited: the abstract of arXiv 2505.21829 reads Adam with equal parameters as an online algorithm that estimates mean and
variance of the gradients, from variational inference. Added here: a proof of the identity for Adam's own recursion from
m_0 = v_0 = 0, which that paper may have too (its text beyond the abstract was not read), and what it says of the field.

With m_n = beta m_{n-1} + (1 - beta) g_n, v_n = beta v_{n-1} + (1 - beta) g_n^2 and d_n = m_{n-1} - g_n,

$$v_n-m_n^2=\beta\,(v_{n-1}-m_{n-1}^2)+\beta(1-\beta)\,d_n^2,$$

so that v_n - m_n^2 = beta s_n with s_n = beta s_{n-1} + (1 - beta) d_n^2, s_0 = 0. Hence |m_n| <= sqrt(v_n), T1's bound
with C = 1, and -1 < f < 1, as by N-Lemma 2. None of this holds for beta1 > beta2.
"""

from fractions import Fraction

import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, Claim
from adamsym.claims import Finding, check_property, holds, refuted

claim = Claim(
    "C22",
    title="Equal memories: v - m^2 is beta times the running mean of (m_prev - g)^2",
    statement=(
        r"Let $\beta_1=\beta_2=\beta$, and let $s_n=\beta s_{n-1}+(1-\beta)(m_{n-1}-g_n)^2$, $s_0=0$. Then "
        r"$v_n-m_n^2=\beta s_n$ for all $n$, and so $m_n^2\le v_n$, whatever the gradients."
    ),
    source="arXiv 2505.21829; T1, N-Lemma 2",
)


def step_leaves(older: bool, factor: sp.Expr) -> Finding:
    """Is v - m^2 - factor s multiplied by beta by each step? By the gradient's distance from the older or newer m."""
    beta, m, v, s, g = sp.symbols("beta m v s g")
    mean, square = beta * m + (1 - beta) * g, beta * v + (1 - beta) * g**2
    spread = beta * s + (1 - beta) * ((m if older else mean) - g) ** 2
    chosen = factor.subs(sp.Symbol("b"), beta)
    left = sp.factor(sp.expand(square - mean**2 - chosen * spread - beta * (v - m**2 - chosen * s)))
    return (holds if left == 0 else refuted)(f"the step leaves {left}", cases=1)


@claim.evidence("symbolic")
def one_step() -> Finding:
    return step_leaves(older=True, factor=sp.Symbol("b"))


@claim.control("the newer mean")
def newer_mean() -> Finding:
    return step_leaves(older=False, factor=sp.Symbol("b"))


@claim.control("without the factor beta")
def without_beta() -> Finding:
    return step_leaves(older=True, factor=sp.Integer(1))


def in_rationals(shift: Fraction) -> Finding:
    """Does the identity hold exactly along drawn gradients, for beta1 = beta2 + shift?"""

    def equal(beta: Fraction, gradients: list[Fraction]) -> None:
        first = beta + shift * (1 - beta)
        m, v, s = Fraction(0), Fraction(0), Fraction(0)
        for g in gradients:
            s = beta * s + (1 - beta) * (m - g) ** 2
            m, v = first * m + (1 - first) * g, beta * v + (1 - beta) * g * g
            assert v - m * m == beta * s, f"v - m^2 = {v - m * m}, beta s = {beta * s}"

    numbers = st.fractions(-9, 9, max_denominator=8).filter(bool)
    return check_property(
        equal, st.fractions(0, "15/16", max_denominator=16), st.lists(numbers, min_size=2, max_size=6), examples=200
    )


@claim.evidence("property")
def exact_runs() -> Finding:
    return in_rationals(Fraction(0))


@claim.control("beta1 above beta2")
def larger_beta1() -> Finding:
    return in_rationals(Fraction(1, 8))


def bounded_by_one(beta1: str, beta2: str) -> Finding:
    """Is T1's constant 1, so that no step without bias correction is longer than the step size?"""
    method = Adam(beta1, beta2, "1e-8")
    square = (1 - method.alpha) ** 2 / ((1 - method.beta) * (1 - method.alpha**2 / method.beta))
    return (holds if square == 1 else refuted)(f"C^2 = {square} at beta1 = {beta1}, beta2 = {beta2}", cases=1)


@claim.evidence("symbolic")
def the_step_bound() -> Finding:
    return bounded_by_one("0.95", "0.95")


@claim.control("the step bound at beta2 = 0.999")
def usual_beta2() -> Finding:
    return bounded_by_one("0.95", "0.999")
