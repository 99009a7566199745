r"""C18: as beta2 grows, the spurious zero of N1 meets a repelling one, and both vanish: a fold in an explicit law.

N1's trap: l_1 = 15 theta^2 with probability 1/50, l_2 = sin(theta)^2/2 otherwise; beta1 = 1/2, eps = 0.01 (N-Theorem 2
has the theory of when such zeros are not there). On a box [a, b] of theta and an interval [p, q] of beta2, enclosures
prove four things: f(., p) has two zeros in the box, where f' has both signs; f(., q) has none; f(a, p) < 0 and
f(b, p) < 0; and df/dbeta2 < 0 all over the box and the interval (N-Proposition 8). So the largest value of f(., beta2)
in the box falls strictly, continuously, from above 0 to below 0: there is exactly one beta2* in (p, q) with

$$\max_{a\le\theta\le b}f(\theta,\beta_2^*)=0.$$

For p <= beta2 < beta2* f has at least two zeros in the box, at beta2* one with f = f' = 0, beyond none. All of them lie
between the two zeros for p, since f falls in beta2: so they approach each other at least to these zeros' distance. That
there are never more than two, and that beta2* is a fold with f'' not 0, is not part of the statement.
"""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import flint
import numpy as np

from adamsym import Adam, AdamField, Claim, Empirical, Problem, find_zeros
from adamsym.certify.field_function import FieldFunction
from adamsym.claims import Finding, holds, refuted, undecided
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.slopes import slope_in_beta

claim = Claim(
    "C18",
    title="A fold: N1's spurious zero meets a repelling one as beta2 grows, and both vanish",
    statement=(
        r"For N1's two losses, $\beta_1=\frac12$ and $\varepsilon=0.01$, there is one $\beta_2^*$ in "
        r"$(0.970487,0.970488)$ such that $f$ has at least two zeros $\theta$ in $[2.22,2.275]$ for each "
        r"$\beta_2$ from $0.970487$ to below $\beta_2^*$, and none for each $\beta_2$ beyond, up to $0.970488$."
    ),
    source="N1, N-Theorem 2, N-Proposition 8",
)

LAW = Empirical({"a": [1, 0]}, ["1/50", "49/50"])
BOX = (2.22, 2.275)
BEFORE, BEYOND = "0.970487", "0.970488"
CELLS = 8


def field(beta2: str, batch: int = 1) -> AdamField:
    problem = Problem("a*30*theta**2/2 + (1 - a)*sin(theta)**2/2", ["theta"], LAW, batch)
    return AdamField(problem, Adam("1/2", beta2, "0.01"))


def sign_at(theta: float, beta2: str, batch: int) -> int:
    """The proven sign of f at a point; 0 if none is."""
    low, high = field(beta2, batch).enclose([[theta, theta]])[0]
    return int(low > 0) - int(high < 0)


def falls_in_beta2(box: tuple[float, float], before: str, beyond: str, batch: int) -> tuple[float, float]:
    """Bounds of df/dbeta2 over the box and the interval, from those over cells of the box."""
    one = field(before, batch)
    function, form = FieldFunction(one), one.adam.laplace_over("beta2", Fraction(before), Fraction(beyond))
    ends = np.linspace(*box, CELLS + 1)
    with ball_arithmetic():
        cells = [flint.arb(low).union(flint.arb(high)) for low, high in itertools.pairwise(ends)]
        slopes = [-slope_in_beta(function.at([cell]).laws[0], form) for cell in cells]
        return min(float(x.lower()) for x in slopes), max(float(x.upper()) for x in slopes)


def two_zeros_vanish(
    box: tuple[float, float] = BOX, before: str = BEFORE, beyond: str = BEYOND, batch: int = 1
) -> Finding:
    """Do exactly two zeros at ``before``, of both stabilities, and none at ``beyond``, and the signs prove a beta2*?"""
    lists = [find_zeros(field(value, batch), [box]) for value in (before, beyond)]
    if not all(found.complete for found in lists):
        return undecided("a search is not complete")
    kinds: list[Sequence[str]] = [[zero.stability for zero in found.zeros] for found in lists]
    listed = [", ".join(kind) or "none" for kind in kinds]
    text = f"zeros in {list(box)}: {listed[0]} at {before}, {listed[1]} at {beyond}"
    cases = sum(found.examined for found in lists)
    if sorted(kinds[0]) != ["attracting", "repelling"] or kinds[1]:
        return refuted(text, cases=cases)
    ends = [sign_at(theta, before, batch) for theta in box]
    low, high = falls_in_beta2(box, before, beyond, batch)
    apart = np.ptp([zero.midpoint[0] for zero in lists[0].zeros])
    text += f", {apart:.2g} apart; signs of f at the ends {ends}; df/dbeta2 within [{low:.4g}, {high:.4g}]"
    if max(ends) > 0 or low > 0:
        return refuted(text, cases=cases)
    return holds(text, cases=cases + CELLS) if max(ends) < 0 and high < 0 else undecided(text)


@claim.evidence("certified")
def the_two_zeros_vanish() -> Finding:
    return two_zeros_vanish()


@claim.control("an interval before the fold: two zeros at both ends")
def before_the_fold() -> Finding:
    return two_zeros_vanish(before="0.970486", beyond="0.970487")


@claim.control("an interval beyond the fold: no zeros at both ends")
def beyond_the_fold() -> Finding:
    return two_zeros_vanish(before="0.970488", beyond="0.9705")


@claim.control("a box that holds one of the two zeros alone")
def one_of_the_two() -> Finding:
    return two_zeros_vanish(box=(2.2475, 2.275))


@claim.control("the minimum, which stays")
def the_minimum() -> Finding:
    return two_zeros_vanish(box=(-0.01, 0.01))


@claim.control("batches of two rows")
def batches_of_two() -> Finding:
    return two_zeros_vanish(batch=2)
