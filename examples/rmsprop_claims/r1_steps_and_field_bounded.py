r"""R1: RMSprop's steps are bounded by (1 - beta2)^(-1/2) step sizes, its field by 1.

RMSprop here is ``adamsym.RMSprop``: theta - gamma g/(sqrt(v) + eps) with v = beta2 v + (1 - beta2) g^2 from v = 0, and
no bias correction. So v >= (1 - beta2) g^2 at every step, with equality at the first: the constant is sharp. With bias
correction the first step would be shorter than its step size. The field averages g/(sqrt(V) + eps) over stationary V,
and N-Lemma 2 (alpha = 0) gives

$$|f| \le \sqrt{S}/(\sqrt{S} + \varepsilon) < 1, \quad S = E g^2.$$
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from adamsym import AdamField, AdamWithoutMomentum, Claim, Empirical, Problem, RMSprop
from adamsym.claims import Finding, check_property, holds, refuted
from adamsym.methods import AdaptiveMethod

claim = Claim(
    "R1",
    title="RMSprop's steps and field are bounded, by sharp constants",
    statement=(
        r"For all gradients RMSprop, without bias correction, has $|\theta_n-\theta_{n-1}|\le C\gamma_n$ with "
        r"$C=(1-\beta_2)^{-1/2}$, and no smaller constant will do; its field has $|f_i|\le\sqrt{S_i}/(\sqrt{S_i}"
        r"+\varepsilon)<1$ where $S_i=E[g_i^2]$ is finite."
    ),
    source="N-Lemma 2",
)

betas = st.sampled_from(["0.1", "0.5", "0.9", "0.999"])
epsilons = st.sampled_from(["1e-8", "0.1", "1"])
data = st.lists(st.integers(-20, 20).filter(bool).map(lambda k: k / 4), min_size=1, max_size=5)
histories = st.lists(st.integers(-20, 20).filter(bool).map(lambda k: 100.0 * k), min_size=1, max_size=30)


def longest_step(method: AdaptiveMethod, gradients: list[float]) -> float:
    """The longest of the steps with these gradients, in step sizes, by the method's own factors and corrections."""
    factors, v, longest = method.step_factors(1, np.ones(len(gradients))), 0.0, 0.0
    for n, g in enumerate(gradients):
        v = method.beta2 * v + (1 - method.beta2) * g**2
        longest = max(longest, abs(factors.momentum[n] * g) / (v**0.5 / factors.root[n] + method.eps))
    return longest


def steps_are_at_most(constant: Callable[[RMSprop, list[float]], float]) -> Finding:
    """Are all of RMSprop's steps at most ``constant(method, gradients)`` step sizes, for drawn gradients?"""

    def bounded(gradients, beta2, eps):
        method = RMSprop(beta2, eps)
        longest = longest_step(method, gradients)
        assert longest <= constant(method, gradients) * (1 + 1e-12), f"a step of {longest:.6g} step sizes"

    return check_property(bounded, histories, betas, epsilons, examples=200)


def field_is_at_most(share: float) -> Finding:
    """Is |f| at most ``share`` of its bound, for the loss (theta - x)^2/2 and drawn data?"""

    def bounded(rows, theta, beta2, eps):
        problem, method = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": rows})), RMSprop(beta2, eps)
        root = np.sqrt(np.mean((theta - np.array(rows)) ** 2))
        value = abs(AdamField(problem, method)([theta])[0])
        assert value <= share * root / (root + method.eps) + 1e-12, f"|f| = {value:.6g}"

    return check_property(bounded, data, st.integers(-9, 9), betas, epsilons, examples=100, shrink=False)


@claim.evidence("property")
def steps_are_bounded() -> Finding:
    return steps_are_at_most(lambda method, gradients: (1 - method.beta2) ** -0.5)


@claim.evidence("symbolic")
def the_first_step_attains_the_bound() -> Finding:
    """g^2/v is 1/(1 - beta2) exactly where v = 0 before; g large makes eps negligible."""
    for beta2 in (Fraction(1, 2), Fraction(9, 10), Fraction(999, 1000)):
        g = Fraction(-7, 3)
        if g**2 / ((1 - beta2) * g**2) != 1 / (1 - beta2):
            return refuted(f"beta2 = {beta2}")
    return holds("g^2/v = 1/(1 - beta2) at the first step", cases=3)


@claim.evidence("property")
def the_field_is_bounded() -> Finding:
    return field_is_at_most(1)


@claim.control("a constant smaller by a fiftieth")
def smaller_constant() -> Finding:
    return steps_are_at_most(lambda method, gradients: 0.98 * (1 - method.beta2) ** -0.5)


@claim.control("the longest step with bias correction")
def with_bias_correction() -> Finding:
    return steps_are_at_most(
        lambda method, gradients: longest_step(AdamWithoutMomentum(method.beta, method.epsilon), gradients)
    )


@claim.control("half of the field's bound")
def half_of_the_bound() -> Finding:
    return field_is_at_most(0.5)
