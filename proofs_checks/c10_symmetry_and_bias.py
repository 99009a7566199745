r"""C10: for the quadratic loss Adam's limit is the minimiser EX iff the data are symmetric; its bias is small.

Cited: the abstract of arXiv 2511.06675 has, for strongly convex problems, convergence with order 1/2 in the step size
and order 1 in the batch size and in 1 - beta2, and, for a special class of simple quadratic ones, convergence to the
minimiser if and only if the data are symmetric. Added here: the coefficients, for the quadratic loss, and for which
"only if" holds (N-Theorem 3). The limits are the zeros of f (C4); here there is one, theta* (C14). With sigma^2 = Var X
and mu3 the third central moment, of batch means where B > 1,

$$\theta^* - EX = -(1-\beta)\frac{\mu_3}{2\sigma(\sigma+\varepsilon)} + b_2(1-\beta)^2 + O((1-\beta)^3), \qquad
  \theta^* - EX = -\frac{\mu_3}{2\sigma^2 B}\Lambda(\alpha,\beta,0) + O(B^{-2})\quad(\varepsilon \to 0),$$

b_2 and Lambda from N-section 2(d). For symmetric laws f(EX) = 0; for asymmetric laws of two points f(EX) has the sign
of -mu3, whatever beta1, beta2 and eps. Beyond two points "only if" fails for single parameters: N-Theorem 3(iii) has
asymmetric laws with f(EX) = 0 at one triple; not at all triples.

That the bias is of first order is also proved, within a quarter and for every beta2 between 1 - 2^-9 and 1 - 2^-13,
for two laws: by certified branches, along which dtheta*/dbeta2 is enclosed (N-Proposition 8).

Finite statements stand for the orders: fits over beta2 = 1 - 2^-k and B = 2^(k/2), each order to 0.01 with 99 per cent
of confidence; and E|theta_n - theta*|^2 = gamma_n Gamma/(2|f'(theta*)|)(1 + O(n^-0.4)) at n = 2^10, ..., 2^18, where
the order of its root in gamma_n is 1/2, up to 0.01 for the terms neglected and what a normal law allows, and the last
value fits, at an error level of 1e-4 in all.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy.optimize
import scipy.stats
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem, StepSizeSchedule, certify_branch, simulate
from adamsym.claims import Finding, all_of, check_expansion, check_property, holds, refuted, run_seed, scaled, undecided
from adamsym.continuation import CertifiedBranch, Motion, enclose_motion
from adamsym.field import batch_bias, memory_bias
from adamsym.formal import check_with_coq

claim = Claim(
    "C10",
    title="Adam's limit is the minimiser iff the data are symmetric; else its bias is O(1 - beta2) and O(1/B)",
    statement=(
        r"For $l=(\theta-X)^2/2$, bounded $X$ and $\beta_1\le\beta_2$, $f$ has one zero $\theta^*$. It is $EX$ if "
        r"$X-EX$ is symmetric; only then if $X$ has two values, or if it is $EX$ for all $\varepsilon$. "
        r"$\theta^*-EX$ is $O(1-\beta_2)$ and, in batches of $B$, $O(1/B)$; $E|\theta_n-\theta^*|^2=O(\gamma_n)$ "
        r"for $\gamma_n=cn^{-r}$, $0<r<1$."
    ),
    source="arXiv 2511.06675; N-Theorem 3, N-section 2, N-Proposition 8",
)

SKEWED = Empirical({"x": [0, 0, 3]})
LAWS = [
    SKEWED,
    Empirical({"x": [0, 1]}, ["4/5", "1/5"]),
    Empirical({"x": [-2, -1, 2]}, ["1/3", "1/2", "1/6"]),
    Empirical({"x": [-4, 0, 1]}, ["1/5", "1/5", "3/5"]),
]
"""Asymmetric laws, skewed both ways."""


@lru_cache(maxsize=64)
def problem(law: Empirical, batch: int) -> Problem:
    return Problem("(theta - x)**2/2", ["theta"], law, batch)


def field(law: Empirical, adam: Adam, batch: int = 1) -> AdamField:
    return AdamField(problem(law, batch), adam)


def mean_and_deviation(law: Empirical) -> tuple[float, float]:
    mean = float(law.probabilities @ law.rows[:, 0])
    return mean, float(np.sqrt(law.probabilities @ (law.rows[:, 0] - mean) ** 2))


def bias(law: Empirical, adam: Adam, batch: int = 1) -> float:
    """The zero less the mean, by Brent's method to rounding.

    It is at most q sigma/sqrt(B) in modulus, q^2 = beta^(-1/2) - 1 (N-Corollary 2).
    """
    (mean, sigma), f = mean_and_deviation(law), field(law, adam, batch)
    reach = 1.01 * sigma * np.sqrt((adam.beta2**-0.5 - 1) / batch)
    return float(scipy.optimize.brentq(lambda off: f([mean + off])[0], -reach, reach, xtol=1e-15, rtol=1e-14))


# --- Orders and coefficients -----------------------------------------------------------------------------------------


def memory_expansion(terms: Callable[..., tuple[float, float | None]] = memory_bias, order: float = 1) -> Finding:
    """The bias over beta2 = 1 - 2^-k, k = 7, ..., 14, for drawn laws, beta1, eps and batch sizes 2^j."""

    def expands(law, alpha, eps, batch):
        adams = [Adam(alpha, 1 - Fraction(1, 2**k), eps) for k in range(7, 15)]
        biases = [bias(law, adam, batch) for adam in adams]
        finding = check_expansion([1 - adam.beta2 for adam in adams], biases, terms(law, adams[0], batch), order)
        assert finding.verdict == "holds", finding.detail

    alphas, epsilons = st.sampled_from(["0", "0.5", "0.8"]), st.sampled_from(["0.01", "0.1", "1"])
    batches = st.sampled_from([1, 1, 2, 4, 8, 16, 32])
    return check_property(expands, st.sampled_from(LAWS), alphas, epsilons, batches, examples=20, shrink=False)


def batch_coefficient(law: Empirical, adam: Adam) -> float:
    return batch_bias(law, adam, 1)


def batch_expansion(coefficient=batch_coefficient, order: float = 1) -> Finding:
    """The bias over batch sizes 2^(k/2), k = 6, ..., 14, rounded down, with eps = 1e-9, for drawn laws and betas."""
    batches = [int(2 ** (k / 2)) for k in range(6, 15)]

    def expands(law, alpha, beta):
        adam = Adam(alpha, beta, "1e-9")
        biases = [bias(law, adam, batch) for batch in batches]
        finding = check_expansion([1 / batch for batch in batches], biases, (coefficient(law, adam), None), order)
        assert finding.verdict == "holds", finding.detail

    alphas = st.sampled_from(["0", "0.3", "0.5", "0.7", "0.8"])
    betas = st.sampled_from(["0.8", "0.85", "0.9", "0.95"])
    return check_property(expands, st.sampled_from(LAWS), alphas, betas, examples=10, shrink=False)


@claim.evidence("property")
def order_one_in_the_memory() -> Finding:
    return memory_expansion()


@claim.evidence("property")
def order_one_in_the_batch_size() -> Finding:
    return batch_expansion()


@claim.control("the coefficient times 1 - beta1")
def coefficient_with_alpha() -> Finding:
    return memory_expansion(lambda law, adam, batch: ((1 - adam.beta1) * memory_bias(law, adam, batch)[0], None))


@claim.control("the third moment with the wrong sign")
def wrong_sign() -> Finding:
    return memory_expansion(lambda law, adam, batch: (-memory_bias(law, adam, batch)[0], None))


@claim.control("the second order without beta1")
def second_order_without_alpha() -> Finding:
    return memory_expansion(lambda law, adam, batch: memory_bias(law, Adam(0, adam.beta, adam.epsilon), batch))


@claim.control("order 2 in 1 - beta2")
def order_two() -> Finding:
    return memory_expansion(order=2)


@claim.control("order 1/2 in the batch size, like the noise")
def order_of_the_noise() -> Finding:
    return batch_expansion(order=0.5)


@claim.control("batches: Lambda left out")
def without_lambda() -> Finding:
    return batch_expansion(lambda law, adam: memory_bias(law, adam)[0])  # -mu3/(2 sigma^2), as eps is 1e-9


def zero_is_next_to(sign: int) -> Finding:
    """Do enclosures prove the zero within 2 per cent of its first-order bias, at 1 - beta2 = 2^-10?"""
    law, adam = SKEWED, Adam("0.5", 1 - Fraction(1, 2**10), "0.1")
    predicted = sign * memory_bias(law, adam)[0] * 2.0**-10
    left, right = sorted(mean_and_deviation(law)[0] + share * predicted for share in (0.98, 1.02))
    low, high = field(law, adam).enclose([[left, left]])[0, 0], field(law, adam).enclose([[right, right]])[0, 1]
    text = f"f({left:.9g}) >= {low:.3e}, f({right:.9g}) <= {high:.3e}"
    return holds(text, cases=2) if low > 0 > high else refuted(text, cases=2)


@claim.evidence("certified")
def certified_bias() -> Finding:
    return zero_is_next_to(1)


@claim.control("certified bias with the wrong sign")
def certified_wrong_sign() -> Finding:
    return zero_is_next_to(-1)


SHORTEST, LONGEST = 1 - Fraction(1, 2**9), 1 - Fraction(1, 2**13)


@lru_cache
def branch_of(law: Empirical) -> CertifiedBranch:
    mean, _ = mean_and_deviation(law)
    return certify_branch(field(law, Adam("0.5", LONGEST, "0.1")), "beta2", SHORTEST, LONGEST, [mean])


@lru_cache
def motion_of(law: Empirical) -> tuple[Motion, ...]:
    return enclose_motion(branch_of(law))


def bias_along_a_branch(law: Empirical, factor: float = 1) -> Finding:
    """For every 1 - beta2 in [2^-13, 2^-9]: is EX - theta* within a quarter of ``factor`` times its first order?

    At the upper end signs of f say so, and the certified branch that reaches it has dtheta*/dbeta2 within the same
    bounds (N-Proposition 8): so it is true of EX - theta* all along.
    """
    high = LONGEST
    adam, (mean, _), branch = Adam("0.5", high, "0.1"), mean_and_deviation(law), branch_of(law)
    if not branch.complete or branch.stability != "attracting":
        return undecided(branch.summary)
    least, most = sorted(-share * factor * memory_bias(law, adam)[0] for share in (0.75, 1.25))
    # f falls (N-Theorem 4): the zero is where it is above 0 on the left, and below 0 on the right.
    left, right = (field(law, adam).enclose([[x, x]])[0] for x in mean - float(1 - high) * np.array([most, least]))
    slopes = np.array([piece.speed[0] for piece in motion_of(law)])
    text = f"f in {left} and {right} at the ends claimed at {float(high):.6f}; slopes of {len(slopes)} pieces within "
    text += f"[{slopes[:, 0].min():.4g}, {slopes[:, 1].max():.4g}], claimed within [{least:.4g}, {most:.4g}]"
    if left[1] < 0 or right[0] > 0 or (slopes[:, 1] < least).any() or (slopes[:, 0] > most).any():
        return refuted(text, cases=len(slopes))
    within = left[0] > 0 > right[1] and (slopes[:, 0] > least).all() and (slopes[:, 1] < most).all()
    return holds(text, cases=len(slopes)) if within else undecided(text)


@claim.evidence("certified")
def bias_along_all_of_an_interval() -> Finding:
    return all_of(bias_along_a_branch(law) for law in LAWS[:2])


@claim.control("a branch with the bias times 1 - beta1")
def branch_with_alpha() -> Finding:
    return bias_along_a_branch(SKEWED, factor=0.5)


@claim.control("a branch on the other side of the mean")
def branch_on_the_other_side() -> Finding:
    return bias_along_a_branch(SKEWED, factor=-1)


# --- The step size ---------------------------------------------------------------------------------------------------

LEVEL = 1e-4


def errors_shrink_like(order: float, schedule: str = "1/n**0.6") -> Finding:
    """Is the root mean square of theta_n - theta* of this order in gamma_n = n^-0.6, with the stated coefficient?

    For x = +-1, theta* = 0, Gamma and f'(0) are known (N-Proposition 6). Variances over independent runs have
    chi-square laws; n = 2^10, ..., 2^18 are many relaxation times apart. 5 per cent allow for the terms O(n^-0.4).
    """
    chains, alpha, beta, eps = scaled(1024, fewest=512), 0.5, 0.8, 0.1
    problem, adam = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), Adam("0.5", "0.8", "0.1")
    counts = 2 ** np.arange(10, 19, 2)
    every = int(counts[0])
    steps, last = StepSizeSchedule(schedule), int(counts[-1])
    runs = simulate(problem, adam, steps, [0.0], last, chains, run_seed(10), record_every=every)
    squares = np.square(runs.recorded[counts // every - 1, :, 0]).mean(axis=1)
    logs, sizes = np.log(squares) / 2, -0.6 * np.log(counts)
    slope = float((sizes - sizes.mean()) @ logs / np.sum((sizes - sizes.mean()) ** 2))
    # log of chi-square over its freedom has the variance 2/chains.
    half = float(scipy.stats.norm.isf(LEVEL / 4) * np.sqrt(0.5 / chains / np.sum((sizes - sizes.mean()) ** 2)))
    slowness = 1 / (1 + eps) - (1 - alpha) * (1 - beta) / (1 - alpha * beta) / (1 + eps) ** 2
    ratio = squares[-1] / (counts[-1] ** -0.6 * (1 + eps) ** -2 / (2 * slowness))
    low, high = (scipy.stats.chi2.ppf(level, chains) / chains for level in (LEVEL / 4, 1 - LEVEL / 4))
    text = f"order {slope:.4f} +- {half:.4f}, claimed {order:g}; last variance/claimed {ratio:.3f}"
    right = abs(slope - order) <= half + 0.01 and low * 0.95 <= ratio <= high * 1.05
    return (holds if right else refuted)(text, cases=len(counts))


@claim.evidence("statistical")
def order_one_half_in_the_step_size() -> Finding:
    return errors_shrink_like(0.5)


@claim.control("order 1 in the step size")
def order_one_in_the_step_size() -> Finding:
    return errors_shrink_like(1)


@claim.control("steps that do not vanish")
def constant_steps() -> Finding:
    return errors_shrink_like(0.5, "0.001")


# --- Symmetry --------------------------------------------------------------------------------------------------------

TRIPLES = [
    ("0", "0.5", "1e-8"),
    ("0.5", "0.9", "0.1"),
    ("0.9", "0.999", "1e-8"),
    ("0.3", "0.1", "1"),
    ("0", "0", "0.01"),
]


def at_the_mean(law: Empirical, adam: Adam) -> tuple[float, float]:
    """Proven bounds of f(EX); EX must be a float."""
    mean = sum(p * row[0] for p, row in zip(law.exact_probabilities, law.exact_rows, strict=True))
    if Fraction(float(mean)) != mean:
        raise ValueError(f"the mean {mean} is no float")
    low, high = field(law, adam).enclose([[float(mean), float(mean)]])[0]
    return float(low), float(high)


def vanish_at_the_mean(laws) -> Finding:
    """Is f(EX) enclosed within 1e-12 of 0, for drawn laws and all triples?"""

    def vanishes(law, triple):
        low, high = at_the_mean(law, Adam(*triple))
        assert -1e-12 < low <= 0 <= high < 1e-12, f"f(EX) in [{low:.3e}, {high:.3e}]"

    return check_property(vanishes, laws, st.sampled_from(TRIPLES), examples=60)


halves = st.integers(-12, 12).map(lambda k: Fraction(k, 2))
symmetric = st.tuples(halves, st.lists(halves, min_size=1, max_size=3)).map(
    lambda drawn: Empirical({"x": [drawn[0] + sign * x for x in drawn[1] for sign in (-1, 1)]})
)


def two_points(sixteenths: int) -> Empirical:
    return Empirical({"x": [0, 1]}, [1 - Fraction(sixteenths, 16), Fraction(sixteenths, 16)])


def two_points_have_the_sign(shares: list[int]) -> Finding:
    """Is f(EX) proven not to vanish, with the sign of -mu3, for X in {0, 1} of these shares of 1 and all triples?"""
    smallest, count = np.inf, 0
    for share in shares:
        for triple in TRIPLES:
            low, high = at_the_mean(two_points(share), Adam(*triple))
            value = -high if share < 8 else low
            count += 1
            if value <= 0:
                return refuted(f"share {share}/16, {triple}: f(EX) in [{low:.3e}, {high:.3e}]", cases=count)
            smallest = min(smallest, value)
    return holds(f"{count} values f(EX) of the sign of -mu3, at least {smallest:.2e} in modulus", cases=count)


@claim.evidence("property")
def symmetric_laws() -> Finding:
    return vanish_at_the_mean(symmetric)


@claim.evidence("certified")
def asymmetric_laws_of_two_points() -> Finding:
    return two_points_have_the_sign([*range(1, 8), *range(9, 16)])


ONLY_IF = r"""
From Adamsym Require Import Export TwoValues.
Theorem only_if : forall beta1 beta2 eps law_of_g u v f, 0 <= beta1 < 1 -> 0 < beta2 < 1 -> 0 < eps -> law law_of_g ->
  0 < u -> 0 < v -> (forall x, In x law_of_g -> snd x = u \/ snd x = - v) -> mean law_of_g = 0 ->
  is_field beta1 beta2 (outside eps) law_of_g f -> (f = 0 <-> u = v).
Proof.
  intros beta1 beta2 eps l u v f Ha Hb He Hl Hu Hv H2 Hm.
  exact (two_values_zero beta1 beta2 _ _ _ Ha Hb (outside_kernel eps He) (outside_steep eps He) l u v Hl Hu Hv H2 Hm f).
Qed.
Print Assumptions only_if.
"""
"""N-Theorem 3(ii) for Adam, stated from its recursion: gradients of two values and mean 0."""


@claim.evidence("formal")
def two_values_by_coq() -> Finding:
    report = check_with_coq(ONLY_IF)
    return (holds if report.accepted else refuted)(f"for two values f(EX) = 0 iff symmetric: {report.summary}", cases=1)


@claim.control("asymmetric laws called symmetric")
def asymmetric_called_symmetric() -> Finding:
    return vanish_at_the_mean(st.integers(1, 7).map(two_points))


@claim.control("a symmetric law called asymmetric")
def symmetric_called_asymmetric() -> Finding:
    return two_points_have_the_sign([8])


def three_points(t: float) -> Empirical:
    """N-Theorem 3(iii): mean 0 on {-2, 1, 3 + t}, asymmetric for small t > 0."""
    exact = Fraction(t)
    first = (Fraction(12, 10) + exact / 10) / 3
    return Empirical({"x": [-2, 1, 3 + exact]}, [first, Fraction(9, 10) - first, Fraction(1, 10)])


def vanishes_by_chance(vanishing: Adam, elsewhere: Adam) -> Finding:
    """Is there an asymmetric law with |f(EX)| < 1e-12 and a change of sign for one triple, f(EX) != 0 for another?"""
    t = scipy.optimize.brentq(lambda t: field(three_points(t), vanishing)([0.0])[0], 0.12, 0.13, xtol=1e-16)
    here, there = at_the_mean(three_points(t), vanishing), at_the_mean(three_points(t), elsewhere)
    around = [at_the_mean(three_points(t + off), vanishing) for off in (-1e-9, 1e-9)]
    changes = around[0][1] < 0 < around[1][0] or around[1][1] < 0 < around[0][0]
    text = f"t = {t:.14f}: f(EX) in [{here[0]:.1e}, {here[1]:.1e}]; elsewhere in [{there[0]:.6e}, {there[1]:.6e}]"
    right = changes and max(map(abs, here)) < 1e-12 and not there[0] <= 0 <= there[1] and max(map(abs, there)) > 1e-6
    return (holds if right else refuted)(text, cases=4)


CHANCE = Adam("0.5", "0.9", "0.1")


@claim.evidence("certified")
def an_asymmetric_law_with_the_mean_as_zero() -> Finding:
    return vanishes_by_chance(CHANCE, Adam("0.9", "0.99", "1e-8"))


@claim.control("that law's zero called one for all triples: the same triple twice")
def same_triple() -> Finding:
    return vanishes_by_chance(CHANCE, CHANCE)
