r"""R3: RMSprop's field has the sign of -L' away from the minimum, and vanishes where the gradient's law is symmetric.

N-Lemma 1 (sign lemma) with beta1 = 0:

$$|L'(\theta)| > q\,\sigma(\theta),\; q^2 = \beta_2^{-1/2} - 1 \quad\Rightarrow\quad L'(\theta) f(\theta) < 0$$

for every eps, sigma the standard deviation of the gradient. And if g has a symmetric law then g -> -g leaves v and
flips g/(sqrt(v) + eps), so f = 0. Enclosures are for Adam: Adam with beta1 = 0 has the field of ``RMSprop``.
"""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem, RMSprop
from adamsym.claims import Finding, check_property

claim = Claim(
    "R3",
    title="RMSprop's field has the sign of -L' away from the minimum, and vanishes at symmetric gradients",
    statement=(
        r"Let $q^2=\beta_2^{-1/2}-1$. Wherever $|L'(\theta)|>q\sigma(\theta)$, $\sigma$ the standard deviation of the "
        r"stochastic gradient, RMSprop's field has $L'(\theta)f(\theta)<0$ for every $\varepsilon>0$; if the gradient "
        r"has a symmetric law at $\theta$, then $f(\theta)=0$."
    ),
    source="N-Lemma 1",
)

betas = st.sampled_from(["0.1", "0.5", "0.9", "0.99"])
shares = st.integers(1, 31).map(lambda k: Fraction(k, 32))
epsilons = st.sampled_from(["1e-8", "1e-3", "0.1"])


def sign_beyond(factor: float) -> Finding:
    """Has f the sign of -L' from ``factor`` q sigma on? For x = 1 of a drawn share, else 0, on both sides."""

    def descends(share, beta2, eps, side, further):
        method = RMSprop(beta2, eps)
        problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1]}, [1 - share, share]))
        sigma = float(share * (1 - share)) ** 0.5
        slope = side * factor * (1 + further) * sigma * np.sqrt(method.beta2**-0.5 - 1)
        value = AdamField(problem, method)([float(share) + slope])[0]
        assert slope * value < 0, f"L' = {slope:.4g}, f = {value:.4g}"

    further = st.sampled_from([1e-6, 0.01, 0.1, 1.0])
    return check_property(descends, shares, betas, epsilons, st.sampled_from([-1, 1]), further, examples=200)


def vanish_at_the_mean(laws) -> Finding:
    """Is f(EX) enclosed within 1e-12 of 0?"""

    def vanishes(rows, beta2, eps):
        problem, mean = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": rows})), sum(rows) / len(rows)
        low, high = AdamField(problem, Adam(0, beta2, eps)).enclose([[mean, mean]])[0]
        assert -1e-12 < low <= 0 <= high < 1e-12, f"f(EX) in [{low:.3g}, {high:.3g}]"
        assert abs(AdamField(problem, RMSprop(beta2, eps))([mean])[0]) < 1e-12

    return check_property(vanishes, laws, betas, epsilons, examples=60)


halves = st.integers(-12, 12).map(lambda k: k / 2)
symmetric = st.tuples(halves, st.lists(halves, min_size=1, max_size=3)).map(
    lambda drawn: [drawn[0] + sign * x for x in drawn[1] for sign in (-1, 1)]
)
skewed = st.integers(1, 12).map(lambda k: [0.0, 0.0, 0.0, float(k)])


@claim.evidence("property")
def the_sign_is_that_of_descent() -> Finding:
    return sign_beyond(1)


@claim.evidence("property")
def symmetric_data_vanish() -> Finding:
    return vanish_at_the_mean(symmetric)


@claim.control("half of q")
def half_of_q() -> Finding:
    return sign_beyond(0.5)


@claim.control("the sign of descent everywhere")
def everywhere() -> Finding:
    return sign_beyond(1e-3)


@claim.control("skewed data called symmetric")
def skewed_data() -> Finding:
    return vanish_at_the_mean(skewed)
