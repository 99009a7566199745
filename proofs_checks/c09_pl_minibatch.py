"""C9: minibatch Adam under a Polyak-Lojasiewicz (PL) condition converges to the global minima.

Proved here, by N-Theorem 2 and N-Theorem 6, under their condition on the batch size. It is not cited: arXiv 2511.04622
has convergence to global minima that are approached again and again, by its abstract, and treats minibatches under
PL too, with hypotheses that are not taken over here. Without any condition on the batch it is false: C13.


Rows' losses l_j >= 0 are K-smooth and all vanish at a common point, L is PL with mu: |grad L|^2 >= 2 mu L everywhere.
By N-Theorem 6 or N-Theorem 2(b) L is then a strict Lyapunov function of the flow in all of space, for batches of B rows
for which c_0 > 0 there, with eta = (K/mu - 1)/B. K and mu are checked in rational numbers or by enclosures, c_0 in ball
arithmetic; B is the smallest such.
The finite statement: from all of 256 starts drawn from [-12, 12]^d the loss is below ``TINY`` after 10^5 vanishing
steps, 4*10^5 for the usual Adam. It need not fall all the way: with beta2 = 0.999 some run among a thousand leaves the
minima once more while steps are long beside the root of v. For the two losses B matters: PL and interpolation hold for
B = 3 as well, but there runs stop at spurious zeros of f, near multiples of pi. If all runs end at minima, the chance
that one fails is below 3.6 % (1.2 % with --full), at an error level of 1e-4.
"""

import itertools
from fractions import Fraction
from typing import NamedTuple

import flint
import numpy as np
import sympy as sp

from adamsym import Adam, Claim, Empirical, Problem, StepSizeSchedule, simulate
from adamsym.certify.lyapunov.decrease_constants import Noise, theorem_2b, theorem_6
from adamsym.claims import Finding, holds, refuted, run_seed, scaled, undecided
from adamsym.field.ball.arithmetic import ball, ball_arithmetic

claim = Claim(
    "C9",
    title="Minibatch Adam under a PL condition converges to the global minima",
    statement=(
        r"Let $l_j\ge0$ be $K$-smooth and all $0$ at one point, $|\nabla L|^2\ge2\mu L$, $\eta=(K/\mu-1)/B$, and "
        r"$c_0>0$ in N-Theorem 6 or in N-Theorem 2(b), with $n=d-1$. If "
        r"$\gamma_n$ does not increase, $\gamma_n\log n\to0$ and $\sum\gamma_n=\infty$, bounded runs of Adam have "
        r"$L(\theta_n)\to0$ almost surely."
    ),
    source="N-Theorem 2, N-Theorem 6; for convergence arXiv 2511.04622",
)

TINY = 1e-16
DECADES = (10**2, 10**3, 10**4, 10**5)
LONGER = (*DECADES, 4 * 10**5)
"""With beta2 = 0.999 about one run in a thousand needs more than 10^5 steps, and one of ten of them 5*10^4 more."""
LEVEL = 1e-4


def most_failing(chains: int) -> float:
    """If runs fail with this chance or a greater one, ``chains`` all succeed with a chance of at most ``LEVEL``."""
    return float(-np.expm1(np.log(LEVEL) / chains))


ADAM = Adam("0.5", "0.9", "0.01")


class Setting(NamedTuple):
    """Loss, parameters and data, with proven constants; ``fits`` says whether one point fits all rows."""

    loss: str
    names: list[str]
    law: Empirical
    smoothness: Fraction
    mu: Fraction
    fits: bool


def regression(rows: list[list[int]], targets: list[int], mu: Fraction) -> Setting:
    """Least squares for rows a_j: K = max |a_j|^2; L is PL with mu if a a'/N has no eigenvalue in (0, mu)."""
    a, y, size = sp.Matrix(rows), sp.Matrix(targets), len(rows)
    symbol = sp.Symbol("s")
    polynomial = sp.Poly((a * a.T / size).charpoly(symbol).as_expr(), symbol)
    zeros = size - a.rank()
    positive = sp.Poly(sp.quo(polynomial, sp.Poly(symbol**zeros, symbol)), symbol)
    # Sturm's count is exact; eigenvalues are real, so none is below mu if none is in [0, mu] but mu itself.
    below = positive.count_roots(0, sp.Rational(mu)) - (1 if positive.eval(sp.Rational(mu)) == 0 else 0)
    if below != 0:
        raise ArithmeticError(f"mu = {mu} is above the least positive eigenvalue")
    names = [f"t{i}" for i in range(a.cols)]
    columns = {f"a{i}": list(column) for i, column in enumerate(zip(*rows, strict=True))} | {"y": targets}
    loss = f"({' + '.join(f'a{i}*t{i}' for i in range(a.cols))} - y)**2/2"
    fits = a.row_join(y).rank() == a.rank()
    return Setting(loss, names, Empirical(columns), Fraction(max(sum(x * x for x in row) for row in rows)), mu, fits)


def two_losses() -> Setting:
    """N1: 30 theta^2/2 in one row of fifty, else sin(theta)^2/2, both 30-smooth and 0 at 0.

    L'^2/(2L) = (0.6 + 0.98 sinc 2 theta)^2/(0.6 + 0.98 (sinc theta)^2), even; from 12 on |sinc| <= 1/theta suffices.
    """
    mu = Fraction(204, 1000)
    far = flint.arb(0, 1) / 12
    pieces = [flint.arb(k).union(flint.arb(k + 1)) / 2000 for k in range(24_000)]
    sincs = [((2 * x).sinc(), x.sinc()) for x in pieces] + [(far / 2, far)]
    share, rest = flint.arb(6) / 10, flint.arb(98) / 100
    for double, single in sincs:
        if not (share + rest * double) ** 2 / (share + rest * single * single) > flint.arb(204) / 1000:
            raise ArithmeticError("mu is not proven")
    law = Empirical({"a": [1, 0]}, weights=["1/50", "49/50"])
    return Setting("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], law, Fraction(30), mu, True)


def large_enough(setting: Setting, adam: Adam, batch: int) -> bool:
    """Whether N-Theorem 6 or N-Theorem 2(b) applies."""
    with ball_arithmetic():
        spread, least = ball(setting.smoothness / setting.mu - 1), min(setting.law.exact_probabilities)
        noise = Noise(spread, least, batch, len(setting.names) - 1)
        return theorem_6(adam.laplace, noise).holds or theorem_2b(adam.laplace, noise).holds


def smallest_batch(setting: Setting, adam: Adam) -> int:
    return next(batch for batch in itertools.count(1) if large_enough(setting, adam, batch))


def converges(setting: Setting, adam: Adam, batch: int, schedule: str, looked_at=DECADES) -> Finding:
    """Do runs from everywhere go to global minima, where the theorem's hypotheses hold?"""
    d, chains = len(setting.names), scaled(256)
    problem = Problem(setting.loss, setting.names, setting.law, batch)
    starts = np.random.default_rng(run_seed(9)).uniform(-12, 12, (chains, d))
    sizes, every = StepSizeSchedule(schedule), looked_at[0]
    runs = simulate(problem, adam, sizes, starts, looked_at[-1], chains, seed=run_seed(9), record_every=every)
    losses = problem.mean_loss(runs.recorded[[step // every - 1 for step in looked_at]])
    largest = losses.max(axis=1)
    above = int((losses[-1] > TINY).sum())
    allowed = setting.fits and large_enough(setting, adam, batch)
    text = (
        f"K/mu = {float(setting.smoothness / setting.mu):.3g}, d = {d}, B = {batch}, N-Theorem 6 or 2(b)"
        f" {'applies' if allowed else 'does not apply'}; largest loss {', '.join(f'{x:.1e}' for x in largest)}"
        f" after 1e2, ..., {looked_at[-1]:.0e} steps; {above} of {chains} runs end above {TINY:g}"
    )
    if above:
        return refuted(text, cases=chains)
    text += f"; chance of failing below {most_failing(chains):.2g} at level {LEVEL:g}"
    return holds(text, cases=chains) if allowed else undecided(text)


def wide() -> Setting:
    """Three rows, five parameters: the least eigenvalue of a a'/3 is 1 - sqrt(2)/3 > 1/2."""
    return regression([[1, 1, 0, 0, 1], [1, -1, 1, 0, 0], [0, 0, 1, 1, -1]], [1, -2, 3], Fraction(1, 2))


@claim.evidence("statistical")
def a_wide_regression() -> Finding:
    return converges(wide(), ADAM, smallest_batch(wide(), ADAM), "0.5/n**0.6")


@claim.evidence("statistical")
def a_wide_regression_with_the_usual_adam() -> Finding:
    return converges(wide(), Adam(), smallest_batch(wide(), Adam()), "0.5/n**0.6", LONGER)


@claim.evidence("statistical")
def two_losses_in_batches() -> Finding:
    return converges(two_losses(), ADAM, smallest_batch(two_losses(), ADAM), "0.5/n**0.6")


@claim.control("N1: batches of three rows, where seven are enough")
def three_rows() -> Finding:
    return converges(two_losses(), ADAM, 3, "0.5/n**0.6")


@claim.control("two rows that contradict each other")
def no_interpolation() -> Finding:
    rows = [[1, 1, 0, 0, 1], [1, -1, 1, 0, 0], [0, 0, 1, 1, -1], [0, 0, 1, 1, -1]]
    noisy = regression(rows, [1, -2, 3, 4], Fraction(1, 2))
    return converges(noisy, ADAM, smallest_batch(noisy, ADAM), "0.5/n**0.6")


@claim.control("constant steps")
def constant_steps() -> Finding:
    return converges(wide(), ADAM, smallest_batch(wide(), ADAM), "0.1")


@claim.control("summable steps")
def summable_steps() -> Finding:
    return converges(wide(), ADAM, smallest_batch(wide(), ADAM), "0.5/n**2")
