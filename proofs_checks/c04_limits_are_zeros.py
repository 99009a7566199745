"""C4: if Adam with vanishing steps converges, its limit is a zero of the Adam field.

Cited: the abstract of arXiv 2511.04622 says so, in a very general setting. Added here: examples with certified zeros.

The finite statement: 64 runs of a million steps gamma_n = c n^-0.6 from starts spread over a box. The ends are
grouped by the nearest of all zeros of f in the box, which are certified. In each group and coordinate

- the mean end differs from the zero by no more than Student's quantile allows, and 28 gamma_n for the bias, which is of
  the order of gamma_n (28 is the largest measured, for two losses; c is so small that this is about a standard error);
- the runs converge: their variance has shrunk since step n/64 at least like gamma_n, as an F-test allows.

The zeros are far from what one would expect instead: 0.777 and not the mean 1, 3.12 where the loss is steep.
"""

from dataclasses import dataclass, replace

import numpy as np

from adamsym import Adam, AdamField, Claim, Empirical, NAdam, Problem, StepSizeSchedule, find_zeros, simulate
from adamsym.claims import Finding, all_of, check_limit, run_seed, scaled, undecided
from adamsym.methods import AdaptiveMethod

claim = Claim(
    "C4",
    title="If Adam converges, its limit is a zero of the field",
    statement=(
        r"If $\gamma_n\to0$ and $\sum\gamma_n=\infty$, then almost surely: where Adam's $\theta_n$ converges to "
        r"some $\theta^*$, $f(\theta^*)=0$."
    ),
    source="arXiv 2511.04622",
)

LEVEL = 1e-4
"""Chance that all tests of one case together reject a true statement (Bonferroni), but for the bias allowed."""

STEPS, EARLIER = 2**20, 64
BIAS = 28
"""Step sizes by which the mean end may be off the zero."""

FEWEST = 8
WIDTH = 1e-10
"""Width of the boxes around the certified zeros."""


@dataclass(frozen=True)
class Case:
    """A problem, the box of its zeros, the runs' first and last start, c, and their seed; ``method`` is what runs."""

    problem: Problem
    adam: Adam
    box: list[list[float]]
    first: list[float]
    last: list[float]
    schedule: str
    seed: int
    method: AdaptiveMethod | None = None


SKEWED = Case(
    Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})),
    Adam("0.5", "0.5", "0.1"), [[-5, 5]], [-2.0], [4.0], "0.1/n**0.6", 1,
)  # fmt: skip
TWO_WELLS = Case(
    Problem("(theta**2 - 1)**2/4 + x*theta", ["theta"], Empirical({"x": ["-0.2", "-0.2", "0.4"]})),
    Adam("0.5", "0.6", "0.1"), [[-2, 2]], [-1.9], [1.9], "0.1/n**0.6", 2,
)  # fmt: skip
TWO_LOSSES = Case(
    Problem("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["1/50", "49/50"])),
    Adam("0.5", "0.9", "0.01"), [[-0.5, 3.5]], [0.5], [3.5], "0.02/n**0.6", 3,
)  # fmt: skip
LINE = Case(
    Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [-1, 0, 2], "y": [1, -1, 3]}), batch_size=2),
    Adam("0.6", "0.7", "0.1"), [[-1, 2], [-1, 2]], [-1.0, 2.0], [2.0, -1.0], "0.1/n**0.6", 4,
)  # fmt: skip


def certified_zeros(case: Case) -> np.ndarray:
    """All zeros in the box, shape (zeros, d)."""
    found = find_zeros(AdamField(case.problem, case.adam), case.box, width=WIDTH)
    if not found.complete:
        raise ArithmeticError("zeros undecided")
    return np.array([zero.midpoint for zero in found.zeros])


def ends_at(case: Case, points: np.ndarray, reached: int = 1) -> Finding:
    """Do the runs converge, and all to some of ``points``, at least ``reached`` of them?"""
    chains = scaled(64, fewest=48)
    starts = np.linspace(case.first, case.last, chains)
    schedule, method, seed = StepSizeSchedule(case.schedule), case.method or case.adam, run_seed(case.seed)
    runs = simulate(case.problem, method, schedule, starts, STEPS, chains, seed, record_every=STEPS // EARLIER)
    earlier, ends = runs.recorded[0], runs.theta
    nearest = np.argmin(np.linalg.norm(ends[:, None] - points, axis=2), axis=1)
    groups = [(points[k], nearest == k) for k in sorted(set(nearest))]
    if len(groups) < reached or min(members.sum() for _, members in groups) < FEWEST or runs.diverged.any():
        return undecided(f"groups of {[int(members.sum()) for _, members in groups]} runs")
    bias, level = BIAS * schedule(np.array([STEPS]))[0] + WIDTH, LEVEL / len(groups)
    return all_of(
        check_limit(point, ends[own], earlier[own], level=level, bias=bias, shrinking=EARLIER**-0.6)
        for point, own in groups
    )


@claim.evidence("statistical")
def skewed_data() -> Finding:
    return ends_at(SKEWED, certified_zeros(SKEWED))


@claim.evidence("statistical")
def two_wells() -> Finding:
    return ends_at(TWO_WELLS, certified_zeros(TWO_WELLS), reached=2)


@claim.evidence("statistical")
def a_minimum_and_a_spurious_zero() -> Finding:
    return ends_at(TWO_LOSSES, certified_zeros(TWO_LOSSES), reached=2)


@claim.evidence("statistical")
def a_regression_in_the_plane() -> Finding:
    return ends_at(LINE, certified_zeros(LINE))


@claim.control("the minimiser of the loss called the limit")
def minimiser() -> Finding:
    return ends_at(SKEWED, np.array([[1.0]]))


@claim.control("the minimisers of two wells called the limits")
def minimisers() -> Finding:
    return ends_at(TWO_WELLS, np.array([[-1.0], [1.0]]), reached=2)


@claim.control("the least squares called the limit")
def least_squares() -> Finding:
    return ends_at(LINE, np.array([[6 / 7, 5 / 7]]))


@claim.control("constant steps")
def constant_steps() -> Finding:
    return ends_at(replace(SKEWED, schedule="0.001"), certified_zeros(SKEWED))


@claim.control("summable steps: the runs converge, but to no zero")
def summable_steps() -> Finding:
    stuck = replace(SKEWED, first=[3.0], last=[3.0], schedule="0.5/n**2")
    return ends_at(stuck, certified_zeros(SKEWED))


@claim.control("runs with another beta2")
def another_beta2() -> Finding:
    return ends_at(replace(SKEWED, method=Adam("0.5", "0.6", "0.1")), certified_zeros(SKEWED))


@claim.control("runs of NAdam")
def nadam() -> Finding:
    return ends_at(replace(SKEWED, method=NAdam("0.5", "0.5", "0.1")), certified_zeros(SKEWED))
