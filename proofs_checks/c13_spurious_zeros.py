"""C13: globally PL, interpolating problems have spurious attracting zeros of f; a large enough batch removes them.

Found here; nothing is cited. It bounds what C9 can say: PL and interpolation alone are not enough for minibatch Adam.

N-Theorem 2 and its control N1: the loss k theta^2/2 in a share p of the rows, else sin(theta)^2/2. Both are 0 at 0 and
k-smooth, and L is PL on the whole line, so 0 is the only critical point of L. Proven for batches of one row: near pi,
where almost all rows' losses are flat, f has an attracting zero, at which L' is not 0, and Adam with vanishing steps
stops there.

N-Theorem 2(a), d = 1: for B > (k/mu - 1)(beta2^(-1/2) - 1) rows L' f < 0 off 0. For such a batch this is proven
once more on [-12, 12], box by box from the minibatches' own laws, without k or mu: 0 is the only zero of f, and
L' f < 0 elsewhere.

The runs: from 2.2 to 4, where for B = 1 the flow leads to the spurious zero. B = 1: tests as in C4, the mean end is
off the certified zero by at most Student's quantile and 28 gamma_n for the bias, and the variance has shrunk
since step n/64 like the steps, or nearly, by an F-test. Large batches: all end at losses below ``TINY``.
"""

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np
import sympy as sp

from adamsym import Adam, AdamField, Claim, Empirical, Problem, StepSizeSchedule, certify_lyapunov, find_zeros, simulate
from adamsym.certify import Zeros
from adamsym.claims import Finding, check_limit, holds, refuted, run_seed, scaled, undecided

claim = Claim(
    "C13",
    title="PL and interpolation do not exclude spurious attracting zeros; large batches do",
    statement=(
        r"There are $K$-smooth losses $l_j\ge0$ of one variable, all $0$ at one point, with $|L'|^2\ge2\mu L$ "
        r"everywhere, for which $f$ has an attracting zero where $L'\ne0$, and Adam stops there; but for "
        r"$B>(K/\mu-1)(\beta_2^{-1/2}-1)$, $L'f<0$ wherever $L>0$."
    ),
    source="N1, N-Theorem 2",
)

LEVEL, STEPS, EARLIER = 1e-4, 2**20, 64
BATCH_STEPS, TINY = 10**5, 1e-16
BIAS = 28
"""Step sizes by which the mean end may be off the zero, as measured for C4."""

Box = tuple[tuple[float, float], ...]
BOX: Box = ((-0.5, 4.0),)
WIDE: Box = ((-12.0, 12.0),)
NEAR = 1e-4
"""A zero named by its first decimals lies within this distance."""


class TwoLosses(NamedTuple):
    """N1 with its stiffness k, the share p of stiff rows, a proven PL constant mu, and Adam."""

    stiffness: int
    share: Fraction
    mu: Fraction
    adam: Adam

    def problem(self, batch: int) -> Problem:
        """Return the problem with minibatches of ``batch`` rows."""
        law = Empirical({"a": [1, 0]}, [self.share, 1 - self.share])
        return Problem(f"a*{self.stiffness}*theta**2/2 + (1 - a)*sin(theta)**2/2", ["theta"], law, batch)


N1 = TwoLosses(30, Fraction(1, 50), Fraction(204, 1000), Adam("0.5", "0.9", "0.01"))
MEMORYLESS = TwoLosses(10, Fraction(1, 4), Fraction(209, 100), Adam(0, 0, "0.01"))
LARGE = 8


@lru_cache
def unmet(case: TwoLosses) -> str | None:
    """Which hypothesis fails: rows' losses >= 0, 0 with their gradients at 0, k-smooth, L PL with mu; None if none."""
    problem, theta = case.problem(1), case.problem(1).parameters[0]
    for row in problem.law.exact_rows:
        data = {c: sp.Rational(x.numerator, x.denominator) for c, x in zip(problem.columns, row, strict=True)}
        loss = problem.loss.subs(data)
        if not loss.is_nonnegative or loss.subs(theta, 0) != 0 or sp.diff(loss, theta).subs(theta, 0) != 0:
            return f"row {row} is not fitted at 0"
        # l'' <= k and l >= 0 give l'^2 <= 2 k l, all that the theorem needs.
        curvature = sp.diff(loss, theta, 2)
        highest = sp.maximum(curvature, theta) if curvature.has(theta) else curvature
        if highest > case.stiffness:
            return f"row {row} has curvature {highest}"
    # L'^2/(2 L) = (pk + (1 - p) sinc 2 theta)^2/(pk + (1 - p)(sinc theta)^2);
    # it is even, and from 12 on |sinc x| <= 1/x is enough.
    steep = flint.arb((case.share * case.stiffness).numerator) / (case.share * case.stiffness).denominator
    rest = flint.arb((1 - case.share).numerator) / (1 - case.share).denominator
    mu, far = flint.arb(case.mu.numerator) / case.mu.denominator, flint.arb(0, 1) / 12
    pieces = [flint.arb(n).union(flint.arb(n + 1)) / 2000 for n in range(24_000)]
    for double, single in [((2 * x).sinc(), x.sinc()) for x in pieces] + [(far / 2, far)]:
        if not (steep + rest * double) ** 2 / (steep + rest * single * single) > mu:
            return f"PL with mu = {case.mu} is not proven"
    return None


@lru_cache
def zeros(case: TwoLosses, batch: int, box: Box = BOX) -> Zeros:
    """All zeros in the box."""
    found = find_zeros(AdamField(case.problem(batch), case.adam), box)
    if not found.complete:
        raise ArithmeticError("zeros undecided")
    return found


def has_spurious_zero(case: TwoLosses, batch: int, claimed: float) -> Finding:
    """Is a zero of f within NEAR of ``claimed``, attracting, and L' not 0 there, though the hypotheses hold?"""
    reason = unmet(case)
    if reason:
        return undecided(reason)
    found = zeros(case, batch)
    listed = ", ".join(f"{zero.midpoint[0]:.5f} ({zero.stability})" for zero in found.zeros)
    text = f"k/mu <= {float(case.stiffness / case.mu):.1f}, B = {batch}: all zeros in {list(BOX[0])}: {listed}"
    for zero in found.zeros:
        (low, high), (least, most) = zero.box[0], zero.gradient[0]
        if claimed - NEAR <= low and high <= claimed + NEAR:
            text += f"; L' in [{least:.6g}, {most:.6g}] at {claimed}"
            if low <= 0 <= high:
                return refuted(f"{text}: the common minimum 0, where L' = 0 exactly", cases=found.examined)
            spurious = zero.stability == "attracting" and zero.critical_point == "no"
            return holds(text, cases=found.examined) if spurious else refuted(text, cases=found.examined)
    return refuted(f"{text}; none at {claimed}", cases=found.examined)


def enough(case: TwoLosses, batch: int) -> bool:
    """N-Theorem 2(a): B > (k/mu - 1)(beta2^(-1/2) - 1), in rational numbers: 1/beta2 < (1 + B/(k/mu - 1))^2."""
    return 1 / case.adam.beta < (1 + batch / (case.stiffness / case.mu - 1)) ** 2


def has_no_spurious_zero(case: TwoLosses, batch: int, box: Box) -> Finding:
    """Is 0 the only zero of f in the box and <grad L, f> < 0 elsewhere, as N-Theorem 2(a) says for such a batch?"""
    reason = unmet(case)
    if reason:
        return undecided(reason)
    found, region = zeros(case, batch, box), certify_lyapunov(AdamField(case.problem(batch), case.adam), box)
    only_0 = len(found.zeros) == 1 and found.zeros[0].box[0, 0] <= 0 <= found.zeros[0].box[0, 1]
    listed = [round(float(zero.midpoint[0]), 5) + 0.0 for zero in found.zeros]
    threshold = float(case.stiffness / case.mu - 1) * (float(case.adam.beta) ** -0.5 - 1)
    text = f"B = {batch}, N-Theorem 2(a) asks for B > {threshold:.2f}; all zeros in {list(box[0])}: {listed}"
    text += f"; L' f < 0: {region.verdict}"
    if region.witness is not None and region.witness_bounds is not None:
        text += f", L' f >= {region.witness_bounds[0]:.3g} at {region.witness[0]:.4g}"
    cases = found.examined + region.examined
    if not only_0 or region.verdict == "refuted":
        return refuted(text, cases=cases)
    text += f", -L' f >= {region.rate} L"
    return holds(text, cases=cases) if enough(case, batch) and region.verdict == "certified" else undecided(text)


def stops_at_the_spurious_zero(case: TwoLosses, runs_with: Adam, batch: int, claimed: float, schedule: str) -> Finding:
    """Do runs from 2.2 to 4 converge to the certified zero of ``case`` for B = 1 near ``claimed``?"""
    point = next(z.midpoint[0] for z in zeros(case, 1).zeros if abs(z.midpoint[0] - claimed) < NEAR)
    chains = scaled(64, fewest=48)
    starts = np.linspace([2.2], [4.0], chains)
    problem, steps = case.problem(batch), StepSizeSchedule(schedule)
    runs = simulate(problem, runs_with, steps, starts, STEPS, chains, seed=run_seed(13), record_every=STEPS // EARLIER)
    if runs.diverged.any():
        return undecided(f"{runs.diverged.sum()} runs diverged")
    bias = BIAS * steps(np.array([STEPS]))[0]
    return check_limit([point], runs.theta, runs.recorded[0], level=LEVEL, bias=bias, shrinking=EARLIER**-0.6)


def ends_at_the_minimum(case: TwoLosses, batch: int) -> Finding:
    """Do all runs from 2.2 to 4 end at 0?"""
    chains = scaled(256)
    starts, steps = np.linspace([2.2], [4.0], chains), StepSizeSchedule("0.5/n**0.6")
    runs = simulate(case.problem(batch), case.adam, steps, starts, BATCH_STEPS, chains, seed=run_seed(13))
    losses = case.problem(batch).mean_loss(runs.theta)
    above = int((~(losses <= TINY)).sum())
    text = f"B = {batch}: largest loss {losses.max():.1e}, {above} of {chains} runs end above {TINY:g}"
    if above:
        return refuted(text, cases=chains)
    return holds(f"{text}; chance of failing below {1 - LEVEL ** (1 / chains):.3f} at level {LEVEL:g}", cases=chains)


@claim.evidence("certified")
def a_spurious_attracting_zero() -> Finding:
    return has_spurious_zero(N1, 1, 3.12358)


@claim.evidence("certified")
def without_memory_as_well() -> Finding:
    return has_spurious_zero(MEMORYLESS, 1, 3.13659)


@claim.evidence("certified")
def none_in_large_batches() -> Finding:
    return has_no_spurious_zero(N1, LARGE, WIDE)


@claim.evidence("statistical")
def adam_stops_there() -> Finding:
    return stops_at_the_spurious_zero(N1, N1.adam, 1, 3.12358, "0.02/n**0.6")


@claim.evidence("statistical")
def adam_in_large_batches_does_not() -> Finding:
    return ends_at_the_minimum(N1, LARGE)


@claim.control("large batches claimed to have the spurious zero")
def spurious_in_large_batches() -> Finding:
    return has_spurious_zero(N1, LARGE, 3.12358)


@claim.control("another beta2 claimed to have the spurious zero")
def another_beta2() -> Finding:
    return has_spurious_zero(N1._replace(adam=Adam("0.5", "0.99", "0.01")), 1, 3.12358)


@claim.control("the minimum called spurious")
def minimum() -> Finding:
    return has_spurious_zero(N1, 1, 0.0)


@claim.control("the repelling zero called attracting")
def repelling() -> Finding:
    return has_spurious_zero(N1, 1, 1.58296)


@claim.control("batches of one row claimed to have no spurious zero")
def one_row() -> Finding:
    return has_no_spurious_zero(N1, 1, BOX)


@claim.control("runs with another beta2 claimed to stop there")
def runs_with_another_beta2() -> Finding:
    return stops_at_the_spurious_zero(N1, Adam("0.5", "0.8", "0.01"), 1, 3.12358, "0.02/n**0.6")


@claim.control("runs of batches of one row claimed to end at the minimum")
def runs_of_one_row() -> Finding:
    return ends_at_the_minimum(N1, 1)
