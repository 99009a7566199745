r"""C3: Adam with vanishing steps is an asymptotic pseudo-trajectory of the flow $\theta' = f(\theta)$.

$$\sup_{0\le s\le T}|\Theta_{t+s} - \Psi_s(\Theta_t)| \to 0 \quad (t\to\infty), \text{ like the root of the step}.$$

Cited: that Adam with fixed momenta and vanishing steps is an asymptotic pseudo-trajectory of the flow of the Adam
vector field is in the abstract of arXiv 2511.04622. Added here: the rate, with explicit constants
(docs/pseudo_trajectory.md).

Two finite statements stand for the limit. First, an inequality for every window (docs/pseudo_trajectory.md,
Theorem 8): the root mean square of the left side is at most an explicit bound of order $\gamma^{1/2}$. Second, the
accumulated difference $N = \theta_{n_1} - \theta_{n_0} - \sum\gamma_k f(\theta_{k-1})$ is centred, with the long-run
variance of the frozen chain. The bound is a ceiling; the second statement is the sharp one: it tells neighbouring
fields apart. Tests of it reject a true statement with a chance of at most 1e-4; the fitted order's limits are of 99 per
cent.
"""

from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamEpsInsideRoot,
    AdamField,
    Claim,
    Empirical,
    Problem,
    StepSizeSchedule,
    increment_test,
    pseudo_trajectory,
)
from adamsym.claims import Finding, check_property, holds, refuted, run_seed, scaled
from adamsym.methods import AdaptiveMethod
from adamsym.testing import strategies

claim = Claim(
    "C3",
    title="Adam is an asymptotic pseudo-trajectory of its flow, of order 1/2 in the step",
    statement=(
        r"Let $\gamma_n\downarrow0$, $\sum\gamma_n=\infty$, $\Theta$ be Adam in the time "
        r"$t_n=\gamma_1+\dots+\gamma_n$ and $\Psi$ the flow of $f$. While both stay in a bounded set, "
        r"$(E\sup_{s\le T}|\Theta_{t_n+s}-\Psi_s(\Theta_{t_n})|^2)^{1/2}=O(\sqrt{\gamma_n})$ for each $T$."
    ),
    source="arXiv 2511.04622; the rate: docs/pseudo_trajectory.md",
)

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
ADAM = Adam("0.5", "0.6", "0.1")

# --- The bound, for drawn problems ---------------------------------------------------------------------------------

problems = st.one_of(strategies.problems("quadratic"), strategies.problems("robust"))
adams = st.sampled_from([Adam("0.5", "0.9", "0.5"), Adam(0, "0.95", "0.2"), Adam("0.8", "0.95", "1e-8")])


def distances_are_at_most(share: float) -> Finding:
    """Are all measured distances at most ``share`` times the bound?"""

    def bounded(problem, adam, seed):
        schedule = StepSizeSchedule("0.05/n**0.6")
        found = pseudo_trajectory(problem, adam, schedule, [0.5], [0, 2000], 0.3, chains=40, seed=seed)
        assert found.holds is not None
        for window in found.windows:
            measured, bound = window.measured.value, window.bound.mean_square.total
            # Both are 0 where all rows' gradients vanish at the start.
            assert measured <= share * bound, f"measured {measured:.3g}, bound {bound:.3g} after step {window.start}"

    return check_property(bounded, problems, adams, st.integers(0, 2**32), examples=8, shrink=False, fewest=3)


@claim.evidence("property")
def distances_are_at_most_the_bound() -> Finding:
    return distances_are_at_most(1.0)


@claim.control("a hundredth of the bound")
def a_hundredth_of_the_bound() -> Finding:
    return distances_are_at_most(0.01)


# --- The limit: windows shrink -------------------------------------------------------------------------------------


def windows_shrink_like_the_root_of(step_size: str, chains: int) -> Finding:
    """Does the distance fall below half on the way, with order 0.5 +- 0.1 in the step where steps vanish?"""
    starts = [300, 3000, 30_000, 300_000]
    found = pseudo_trajectory(SKEWED, ADAM, StepSizeSchedule(step_size), [2.0], starts, 0.5, chains, run_seed(1))
    first, last = found.windows[0].measured, found.windows[-1].measured
    order = "no order" if found.order is None else f"order {found.order.value:.3f} in the step"
    loosest = max(window.looseness for window in found.windows[1:])
    text = f"from {first.value:.2e} to {last.value:.2e}, {order}; bound/measured <= {loosest:.1f} from step 3000 on"
    # The intervals are of 99 per cent: a false rejection has probability at most 0.02.
    shrinks = last.high < first.low / 2 and found.order is not None and abs(found.order.value - 0.5) <= 0.1
    return holds(text, cases=len(starts)) if shrinks and found.holds else refuted(text, cases=len(starts))


@claim.evidence("statistical")
def windows_shrink() -> Finding:
    return windows_shrink_like_the_root_of("0.1/n**0.7", scaled(300, fewest=150))


@claim.control("steps that do not vanish")
def constant_steps() -> Finding:
    return windows_shrink_like_the_root_of("0.001", 150)


# --- The field: increments accumulate to it ------------------------------------------------------------------------

LEVEL = 1e-4
"""Chance that the test of the increments rejects a true statement."""


CLOSE, GROSS = 500, 150
"""Chains of controls at any effort: what these refute, more refute too."""


def increments_follow(field, method: AdaptiveMethod = ADAM, chains: int = CLOSE) -> Finding:
    """Is N, extrapolated to vanishing steps, centred with the frozen chain's variance, over a window of length 1?"""
    found = increment_test(SKEWED, method, field, StepSizeSchedule("1e-4"), [2.0], 200, 1.0, chains, run_seed(3))
    # Two tests: each at half the level.
    p_value, text = 2 * found.p_value, f"mean of N {found.mean_deviations[0]:.2f} standard errors from 0"
    if p_value >= LEVEL:
        p_value = min(1.0, p_value, 2 * found.variance_p_value)
        text += f", variance ratio {found.variance_ratios[0]:.3f}"
    text += f", p = {p_value:.2g}"
    return holds(text, cases=chains) if p_value >= LEVEL else refuted(text, cases=chains)


@claim.evidence("statistical")
def increments_follow_the_field() -> Finding:
    return increments_follow(AdamField(SKEWED, ADAM), chains=scaled(2000, fewest=CLOSE))


@claim.control("the gradient flow")
def the_gradient_flow() -> Finding:
    return increments_follow(lambda theta: -SKEWED.gradient(theta), chains=GROSS)


@claim.control("the field of another beta1")
def another_beta1() -> Finding:
    return increments_follow(AdamField(SKEWED, Adam("0.6", "0.6", "0.1")))


@claim.control("the field of another beta2")
def another_beta2() -> Finding:
    return increments_follow(AdamField(SKEWED, Adam("0.5", "0.7", "0.1")))


@claim.control("a method with eps inside the root")
def eps_inside_the_root() -> Finding:
    return increments_follow(AdamField(SKEWED, ADAM), AdamEpsInsideRoot("0.5", "0.6", "0.1"), GROSS)


class MomentumDescent(AdaptiveMethod):
    """Gradient descent with momentum: no denominator."""

    denominator = "1"


@claim.control("gradient descent with momentum")
def momentum_descent() -> Finding:
    return increments_follow(AdamField(SKEWED, ADAM), MomentumDescent("0.5", "0.6", "0.1"), GROSS)


class AdamWithoutRoot(AdaptiveMethod):
    """Adam with v in place of its square root."""

    denominator = "v + eps"


@claim.control("a method without the square root")
def without_the_root() -> Finding:
    return increments_follow(AdamField(SKEWED, ADAM), AdamWithoutRoot("0.5", "0.6", "0.1"), GROSS)
