r"""R5: runs of RMSprop follow RMSprop's field, and no other.

For steps gamma_k and the method's own field f the accumulated difference
N = theta_n1 - theta_n0 - sum gamma_k f(theta_(k-1)) has mean 0 up to O(gamma), and the variance of the frozen chain.
``increment_test`` takes the O(gamma) out, by runs with half and quarter steps.
It is Theorem 8 of docs/pseudo_trajectory.md on which ``increment_test`` rests (source: arXiv 2511.04622, for Adam).

Finite statement: over a window of length 1 with steps 1e-4, Student's test of the mean and the F-test of the variance
do not reject at the level 1e-4. ``RMSprop`` has no bias correction; after the first 200 steps, for beta2 = 0.6, nothing
is left to correct: runs of ``AdamWithoutMomentum``, which has it, follow the same field.
"""

from adamsym import (
    Adam,
    AdamField,
    AdamWithoutMomentum,
    Claim,
    Empirical,
    Problem,
    RMSprop,
    StepSizeSchedule,
    increment_test,
)
from adamsym.claims import Finding, holds, refuted, run_seed, scaled
from adamsym.methods import AdaptiveMethod

claim = Claim(
    "R5",
    title="Runs of RMSprop follow RMSprop's field, and not Adam's with momentum",
    statement=(
        r"Let $\theta_k$ be RMSprop's runs with steps $\gamma$ and $f$ its field. Over windows of "
        r"$N=\lfloor1/\gamma\rfloor$ steps after the step $n\ge-\log\gamma/(1-\beta_2)$, "
        r"$\theta_{n+N}-\theta_n-\gamma\sum f(\theta_k)$ has the "
        r"mean $O(\gamma)$; with the field of Adam with $\beta_1>0$ in place of $f$ it need not."
    ),
    source="arXiv 2511.04622",
)

LEVEL = 1e-4
"""Chance that one test rejects a true statement."""

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
METHOD = RMSprop("0.6", "0.1")


def follow(field, method: AdaptiveMethod = METHOD) -> Finding:
    """Do runs of ``method`` follow ``field``?"""
    chains, steps = scaled(400, fewest=200), StepSizeSchedule("1e-4")
    found = increment_test(PROBLEM, method, field, steps, [2.0], 200, 1.0, chains, run_seed(5))
    text = f"mean {found.mean_deviations[0]:.2f} standard errors off 0, variance ratio {found.variance_ratios[0]:.3f}"
    # Two tests: each at half the level.
    p_value = min(1.0, 2 * min(found.p_value, found.variance_p_value))
    return (holds if p_value >= LEVEL else refuted)(f"{text}, p = {p_value:.2g}", cases=chains)


@claim.evidence("statistical")
def runs_follow_their_field() -> Finding:
    return follow(AdamField(PROBLEM, METHOD))


@claim.evidence("statistical")
def runs_with_bias_correction_follow_it_too() -> Finding:
    return follow(AdamField(PROBLEM, METHOD), AdamWithoutMomentum("0.6", "0.1"))


@claim.control("the field of Adam with beta1 = 0.5")
def field_of_adam() -> Finding:
    return follow(AdamField(PROBLEM, Adam("0.5", "0.6", "0.1")))


@claim.control("runs of Adam with beta1 = 0.5")
def runs_of_adam() -> Finding:
    return follow(AdamField(PROBLEM, METHOD), Adam("0.5", "0.6", "0.1"))


@claim.control("the field of another beta2")
def another_beta2() -> Finding:
    return follow(AdamField(PROBLEM, RMSprop("0.7", "0.1")))


@claim.control("the gradient flow")
def gradient_flow() -> Finding:
    return follow(lambda theta: -PROBLEM.gradient(theta))
