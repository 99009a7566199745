"""C2: frozen moments forget their start exponentially; time averages converge to f (T3).

Cited: the field, that of arXiv 2511.04622. Added here: the rates, and their proofs.

Two histories driven by the same innovations differ after n steps by at most
alpha^n |m - m'|/eps + C beta^(n/2) |sqrt v - sqrt v'|/eps in m/(sqrt v + eps), if |m'| <= C sqrt v' at the start.
"""

import numpy as np
import scipy.stats
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, check_property, holds, refuted, run_seed, scaled
from adamsym.field import monte_carlo

claim = Claim(
    "C2",
    title="Frozen moments forget their start; time averages converge to the field",
    statement=(
        r"At fixed $\theta$ two chains of moments with the same gradients, started where $|m|\le C\sqrt v$, have "
        r"quotients $q=m/(\sqrt v+\varepsilon)$ with "
        r"$|q_n-q'_n|\le(\beta_1^n|m_0-m'_0|+C\beta_2^{n/2}|\sqrt{v_0}-\sqrt{v'_0}|)/\varepsilon$; and "
        r"$\frac1n\sum_{k\le n}q_k\to-f(\theta)$ almost surely."
    ),
    source="T3, for the field of arXiv 2511.04622",
)

adams = st.sampled_from(
    [Adam("0.5", "0.9", "0.1"), Adam("0.9", "0.99", "1e-3"), Adam(0, "0.5", "1e-2"), Adam("0.3", "0.2", "1")]
)
gradients = st.integers(-200, 200).map(lambda k: k / 20)
histories = st.lists(gradients, min_size=1, max_size=6)
pairs = st.one_of(
    st.tuples(histories, histories),
    histories.map(lambda history: (history, [-gradient for gradient in history])),
)
"""Two histories; of opposite ones the squares are the same."""


def moments_after(adam, m, v, innovations):
    """The frozen chain (m, v) after a list of gradients."""
    for gradient in innovations:
        m = adam.beta1 * m + (1 - adam.beta1) * gradient
        v = adam.beta2 * v + (1 - adam.beta2) * gradient**2
    return m, v


def forgets_like(bound) -> Finding:
    """Is the distance of the quotients at most ``bound(adam, n, |m - m'|, |sqrt v - sqrt v'|)``?"""

    def forgetting(adam, pair, same_mean, innovations):
        # Starts reached from (0, 0): for these |m| <= C sqrt v, as for all stationary ones.
        (m, v), (other_m, other_v) = (moments_after(adam, 0.0, 0.0, history) for history in pair)
        if same_mean:  # one more gradient, which leaves the two squares alone apart
            gradient = (m - adam.beta1 * other_m) / (1 - adam.beta1)
            other_m, other_v = moments_after(adam, other_m, other_v, [gradient])
        start = abs(m - other_m), abs(np.sqrt(v) - np.sqrt(other_v))
        m, v = moments_after(adam, m, v, innovations)
        other_m, other_v = moments_after(adam, other_m, other_v, innovations)
        distance = abs(m / (np.sqrt(v) + adam.eps) - other_m / (np.sqrt(other_v) + adam.eps))
        assert distance <= bound(adam, len(innovations), *start) + 1e-12

    shared = st.lists(gradients, min_size=1, max_size=30)
    return check_property(forgetting, adams, pairs, st.booleans(), shared, examples=400)


@claim.evidence("property")
def the_start_is_forgotten() -> Finding:
    return forgets_like(
        lambda adam, n, dm, dv: (adam.beta1**n * dm + adam.step_bound * adam.beta2 ** (n / 2) * dv) / adam.eps
    )


@claim.control("without the term of m")
def only_the_squares_matter() -> Finding:
    return forgets_like(lambda adam, n, dm, dv: adam.step_bound * adam.beta2 ** (n / 2) * dv / adam.eps)


@claim.control("without the term of v")
def only_the_mean_matters() -> Finding:
    return forgets_like(lambda adam, n, dm, dv: adam.beta1**n * dm / adam.eps)


LEVEL = 1e-4
"""Chance that the test of the time averages rejects a true statement."""

PROBLEMS = [
    (Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), [0.7]),
    (Problem("log(1 + exp(-x*theta))", ["theta"], Empirical({"x": [-1, 2, 5, 0.5]})), [0.2]),
    (Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 4]}), batch_size=2), [0.5, -0.3]),
]
ADAM = Adam("0.6", "0.7", "1e-2")


def time_averages_tend_to(field_of) -> Finding:
    """Do time averages of the frozen chain agree with ``field_of(problem)(theta)`` at the level ``LEVEL`` in all?"""
    chains = scaled(64, fewest=32)
    tests = sum(problem.dimension for problem, _ in PROBLEMS)
    # Bonferroni; the mean of independent averages over its standard error has Student's law.
    allowed = scipy.stats.t.isf(LEVEL / tests / 2, chains - 1)
    largest = 0.0
    for seed, (problem, theta) in enumerate(PROBLEMS):
        estimate = monte_carlo(problem, ADAM, theta, seed=run_seed(seed), steps=20_000, chains=chains)
        deviations = np.abs(estimate.value - field_of(problem)(theta)) / estimate.standard_error
        largest = max(largest, float(deviations.max()))
    text = f"largest deviation {largest:.2f} standard errors, allowed {allowed:.2f} (error level {LEVEL:g} in all)"
    return holds(text, cases=tests) if largest <= allowed else refuted(text, cases=tests)


@claim.evidence("statistical")
def time_averages_converge_to_the_field() -> Finding:
    return time_averages_tend_to(lambda problem: AdamField(problem, ADAM))


@claim.control("the field of another beta1")
def another_momentum() -> Finding:
    return time_averages_tend_to(lambda problem: AdamField(problem, Adam("0.5", "0.7", "1e-2")))


@claim.control("the sign of the field flipped")
def flipped_sign() -> Finding:
    return time_averages_tend_to(lambda problem: lambda theta: -AdamField(problem, ADAM)(theta))
