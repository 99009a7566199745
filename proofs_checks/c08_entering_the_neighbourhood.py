"""C8: if Adam with vanishing steps keeps entering a neighbourhood where the loss is a strict Lyapunov function, it
converges to the global minima there.

Cited: the abstract of arXiv 2511.04622 has this for some neighbourhood that is entered infinitely often. Added here:
explicit neighbourhoods, among them all of space (N-Theorem 6), and rates.

The neighbourhood is a box for which <grad L, f> < 0 off the minima is certified: by the package for a curve of minima
(a b = 1), where every row is fitted, and for an isolated one; and by N-Theorem 6, for every eps and in all of space,
for a least-squares problem with more parameters than rows. The interval [-1, 1] of the two losses is also a sublevel
set of L, which the flow cannot leave; beyond it lies a spurious attracting zero of f, 3.1236.

The finite statement: 256 runs from different starts, most outside of the box, enter it, and of the states
looked at, every hundredth, none lies outside from then on. The largest loss of all runs falls from each power of ten
steps to the next until it is below ``TINY``, and stays below exp(-c t) times its value when the last run has entered:
c is the certified rate, t the sum of the steps since then. At the end, after 10^5 steps, it is below ``TINY``. If all
runs do so, the chance that one fails is below 3.6 % (1.2 % with --full), at an error level of 1e-4.
"""

import itertools
from typing import NamedTuple

import flint
import numpy as np

from adamsym import Adam, AdamField, Claim, Empirical, Problem, StepSizeSchedule, certify_lyapunov, simulate
from adamsym.certify.lyapunov.decrease_constants import Noise, rate, theorem_6
from adamsym.claims import Finding, holds, refuted, run_seed, scaled, undecided
from adamsym.field.ball.arithmetic import ball_arithmetic

claim = Claim(
    "C8",
    title="Adam that enters the neighbourhood of the minima converges to them",
    statement=(
        r"Let $L\ge0$, $U$ be compact and $\langle\nabla L,f\rangle<0$ on $U$ but where $L=0$. Let $\gamma_n$ not "
        r"increase, $\gamma_n\log n\to0$, $\sum\gamma_n=\infty$. If Adam stays in $U$ from some step on, "
        r"or if it is in $U=\{L\le c\}$, "
        r"$c>0$, infinitely often, then almost surely $L(\theta_n)\to0$."
    ),
    source="arXiv 2511.04622; N-Theorem 6, N-Corollary 3",
)

STEPS, EVERY, TINY = 10**5, 100, 1e-20
LEVEL = 1e-4


def most_failing(chains: int) -> float:
    """If runs fail with this chance or a greater one, ``chains`` all succeed with a chance of at most ``LEVEL``."""
    return float(-np.expm1(np.log(LEVEL) / chains))


BUDGET = 150
"""Most boxes for the certificate; a region that needs more is undecided."""

Box = list[list[float]]


def hyperbola(targets: list[str]) -> Problem:
    return Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": ["1", "2", "-0.5"], "y": targets}))


FITTED = hyperbola(["1", "2", "-0.5"])
TWO_LOSSES = Problem("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["1/50", "49/50"]))
TWO_LOSSES_ADAM = Adam("0.5", "0.9", "0.01")
SQUARE, CORNERS, INTERVAL = [[0.5, 2], [0.5, 2]], [[2.5, 1.5], [1.5, 2.5]], [[-1, 1]]


class Certified(NamedTuple):
    """Whether L is a strict Lyapunov function on a region, and its rate there."""

    verdict: str
    rate: float | None


def by_theorem_6(problem: Problem, adam: Adam, spread: str, pl: str, loss: str) -> Certified:
    """N-Theorem 6 and N-Corollary 3, for eta = ``spread``/B, mu = ``pl`` and L at most ``loss`` on the region."""
    with ball_arithmetic():
        least = min(problem.law.exact_probabilities)
        noise = Noise(flint.arb(spread), least, problem.batch_size, problem.dimension - 1)
        proved = theorem_6(adam.laplace, noise)
        found = rate(adam.laplace, proved, flint.arb(pl), flint.arb(loss))
        return Certified("certified" if proved.holds else "undecided", float(found))


def converges(
    problem: Problem, adam: Adam, region: Box, starts: Box, schedule: str, known: Certified | None = None
) -> Finding:
    """Do all runs from between two points enter the region and go to minima, and is it certified?"""
    found = known or certify_lyapunov(AdamField(problem, adam), region, budget=scaled(BUDGET))
    sizes, chains = StepSizeSchedule(schedule), scaled(256)
    first, last = np.array(starts)
    drawn = first + (last - first) * np.random.default_rng(run_seed(8)).random((chains, 1))
    runs = simulate(problem, adam, sizes, drawn, STEPS, chains, seed=run_seed(8), record_every=EVERY)
    low, high = np.array(region).T
    inside = ((low <= runs.recorded) & (runs.recorded <= high)).all(axis=2)
    if not inside.any(axis=0).all():
        return undecided(f"{(~inside.any(axis=0)).sum()} of {chains} runs never enter")
    left = (np.maximum.accumulate(inside, axis=0) & ~inside).any(axis=0).sum()
    largest = problem.mean_loss(runs.recorded).max(axis=1)
    entry = int(inside.argmax(axis=0).max())
    times = np.cumsum(sizes(np.arange(1, STEPS + 1)))[EVERY - 1 :: EVERY]
    bound = largest[entry] * np.exp(-(found.rate or 0) * np.maximum(times - times[entry], 0))
    decades = [step // EVERY - 1 for step in (10**2, 10**3, 10**4, 10**5)]
    since = [k for k in decades if k >= entry]
    falls = all(largest[b] < max(largest[a], TINY) for a, b in itertools.pairwise(since))
    below = (largest[entry:] <= np.maximum(bound[entry:], TINY)).all()
    text = (
        f"<grad L, f> < 0: {found.verdict}; all {chains} runs inside after {(entry + 1) * EVERY} steps, {left} leave;"
        f" largest loss {', '.join(f'{largest[k]:.1e}' for k in decades)} after 1e2, ..., 1e5 steps,"
        f" {'below' if below else 'not always below'} exp(-{found.rate or 0:.3f} t)"
    )
    if left or not falls or not below or not largest[-1] < TINY:
        return refuted(text, cases=chains)
    text += f"; chance of failing below {most_failing(chains):.2g} at level {LEVEL:g}"
    return holds(text, cases=chains) if found.verdict == "certified" else undecided(text)


@claim.evidence("statistical")
def a_curve_of_minima() -> Finding:
    return converges(FITTED, Adam("0.9", "0.99", "1"), SQUARE, CORNERS, "0.05/n**0.6")


@claim.evidence("statistical")
def a_curve_of_minima_with_the_usual_adam() -> Finding:
    return converges(FITTED, Adam(), SQUARE, CORNERS, "0.01/n**0.6")


@claim.evidence("statistical")
def an_isolated_minimum() -> Finding:
    return converges(TWO_LOSSES, TWO_LOSSES_ADAM, INTERVAL, [[-1.3], [1.3]], "0.05/n**0.6")


def wide(batch: int) -> Problem:
    """Three rows, five parameters: the mean of a a' has no eigenvalue in (0, 1/2), |a_j|^2 = 3, all are fitted."""
    rows = {"a": [1, 1, 0], "b": [1, -1, 0], "c": [0, 1, 1], "d": [0, 0, 1], "e": [1, 0, -1], "y": [1, -2, 3]}
    return Problem("(a*t + b*u + c*v + d*w + e*z - y)**2/2", ["t", "u", "v", "w", "z"], Empirical(rows), batch)


def everywhere(schedule: str) -> Finding:
    """Runs on the wide problem: on the box |a_j t - y_j| <= 15 + |y_j|, so L is at most (16^2 + 17^2 + 18^2)/6."""
    adam, box = Adam("0.5", "0.9", "1e-3"), [[-5, 5]] * 5
    known = by_theorem_6(wide(1), adam, "5", "0.5", "145")
    return converges(wide(1), adam, box, [[-7] * 5, [7] * 5], schedule, known)


@claim.evidence("statistical")
def every_point_by_theorem_6() -> Finding:
    return everywhere("0.2/n**0.6")


@claim.control("constant steps")
def constant_steps() -> Finding:
    return converges(FITTED, Adam("0.5", "0.9", "0.1"), SQUARE, CORNERS, "0.5")


@claim.control("a region that holds the spurious zero (N1)")
def spurious_zero() -> Finding:
    return converges(TWO_LOSSES, TWO_LOSSES_ADAM, [[1.9, 3.3]], [[2.2], [2.4]], "0.05/n**0.6")


@claim.control("data that no parameters fit")
def no_interpolation() -> Finding:
    return converges(hyperbola(["1", "2.2", "-0.5"]), Adam("0.9", "0.99", "1"), SQUARE, CORNERS, "0.05/n**0.6")


@claim.control("summable steps")
def summable_steps() -> Finding:
    return converges(FITTED, Adam("0.9", "0.99", "1"), SQUARE, [[1.9, 1.9], [1.5, 1.5]], "0.1/n**2")


@claim.control("constant steps where N-Theorem 6 holds at every point")
def constant_steps_everywhere() -> Finding:
    return everywhere("0.2")
