r"""C27: Reddi, Kale and Kumar's example in its cyclic form: with the gradients C, -1, -1 in turn Adam climbs.

Cited: the abstract of arXiv 1904.09237 has an explicit example of a simple convex problem where Adam does not converge
to the optimal solution. Added here: for the well-known cyclic form of that example, with beta1 = 0 and
beta2 = 1/(1 + C^2), the drift of Adam with steps that vanish, and that it goes the wrong way for every C > 2.

The gradients do not depend on theta, and their mean (C - 2)/3 is positive: theta should fall. V takes three values in
turn (N-Proposition 11), and with b = beta2, C^2 = (1 - b)/b and K = 1/(1 + b + b^2), as eps -> 0,

$$3\sqrt Kf=\frac1{\sqrt{2-b+b^2}}+\frac1{\sqrt{1+2b-b^2}}-\frac1{\sqrt{1+b^2(1+b)/(1-b)}}.$$

C > 2 is b < 1/5; balls over pieces of [0, 1/5] prove f > 1/5. At b = 0, C -> oo, it is 1/(3 sqrt 2). The package's
enclosures are of eps = 1e-8, which changes f by less than 1e-7. At the usual parameters the sign is right.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import flint
import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, all_of, check_property, holds, refuted, rounds_to, undecided

claim = Claim(
    "C27",
    title="With the gradients C, -1, -1 in turn, beta1 = 0 and beta2 = 1/(1 + C^2), Adam climbs for every C > 2",
    statement=(
        r"Let the gradients be $C,-1,-1$ in turn, $\beta_1=0$, $\beta_2=\frac1{1+C^2}$. As $\varepsilon\to0$, $f>1/5$ "
        r"for every $C>2$, and $f\to\frac1{3\sqrt2}$ as $C\to\infty$; $f=0.22698$, $0.23075$, $0.23502$ for "
        r"$C=3$, $5$, $15$. At the usual parameters, $C=15$, $f=-0.49814$."
    ),
    source="arXiv 1904.09237; N-Proposition 11",
)

DRIFTS = {3: "0.22698", 5: "0.23075", 15: "0.23502"}


def exact(number: Fraction) -> flint.arb:
    return flint.arb(flint.fmpq(number.numerator, number.denominator))


def drift(rows: list[int], method: Adam, sampling: str = "cyclic") -> tuple[float, float]:
    """Proven bounds of f."""
    low, high = AdamField(Problem("g*theta", ["theta"], Empirical({"g": rows}), 1, sampling), method).enclose([[0, 0]])[
        0
    ]
    return float(low), float(high)


def without_momentum(peak: int) -> Adam:
    return Adam(0, Fraction(1, 1 + peak**2), "1e-8")


# --- Values ----------------------------------------------------------------------------------------------------------


@claim.evidence("certified")
def three_drifts_the_wrong_way() -> Finding:
    drifts = ((digits, drift([c, -1, -1], without_momentum(c))) for c, digits in DRIFTS.items())
    return all_of(rounds_to(digits, found, "f") for digits, found in drifts)


@claim.evidence("certified")
def the_right_way_at_the_usual_parameters() -> Finding:
    return rounds_to("-0.49814", drift([15, -1, -1], Adam("0.9", "0.999", "1e-8")), "f")


@claim.control("rows drawn independently")
def independent_rows() -> Finding:
    return rounds_to(DRIFTS[3], drift([3, -1, -1], without_momentum(3), "replacement"), "f")


@claim.control("the mirrored gradients")
def mirrored() -> Finding:
    return rounds_to(DRIFTS[3], drift([-3, 1, 1], without_momentum(3)), "f")


@claim.control("beta2 of another C")
def another_beta2() -> Finding:
    return rounds_to(DRIFTS[3], drift([3, -1, -1], without_momentum(5)), "f")


@claim.control("the drift without momentum, at the usual parameters")
def usual_parameters_the_wrong_way() -> Finding:
    return rounds_to(DRIFTS[15], drift([15, -1, -1], Adam("0.9", "0.999", "1e-8")), "f")


# --- Three values of V -----------------------------------------------------------------------------------------------


def by_hand(rows: list[int], beta2: Fraction, eps: Fraction, turn: int) -> flint.arb:
    """f from the values of V, of gradients that come in the order of the rows (``turn`` 1) or reversed (-1)."""
    weights = [(1 - beta2) * beta2**k / (1 - beta2**3) for k in range(3)]
    squares = [sum(w * rows[(j - turn * k) % 3] ** 2 for k, w in enumerate(weights)) for j in range(3)]
    steps = (row / (exact(v).sqrt() + exact(eps)) for row, v in zip(rows, squares, strict=True))
    return -sum(steps, flint.arb(0)) / 3


def is_by_hand(turn: int) -> Finding:
    """Do the package's bounds hold the value by hand, for three drawn gradients that differ, beta2 and eps?"""

    def agrees(rows: list[int], beta2: Fraction, eps: Fraction) -> None:
        low, high = drift(rows, Adam(0, beta2, eps))
        value = by_hand(rows, beta2, eps, turn)
        assert value.overlaps(flint.arb(low).union(flint.arb(high))), f"f in [{low}, {high}], by hand {value.str(12)}"
        assert high - low < 1e-12

    rows = st.lists(st.integers(1, 20), min_size=3, max_size=3, unique=True)
    betas = st.fractions(Fraction(1, 10), Fraction(9, 10), max_denominator=50)
    epsilons = st.sampled_from([Fraction(1, 10**8), Fraction(1, 10)])
    return check_property(agrees, rows, betas, epsilons, examples=40, shrink=False)


@claim.evidence("property")
def the_field_is_the_finite_sum() -> Finding:
    return is_by_hand(1)


@claim.control("the reversed order")
def reversed_order() -> Finding:
    return is_by_hand(-1)


# --- Every C > 2 -----------------------------------------------------------------------------------------------------


def closed_form(b: flint.arb) -> flint.arb:
    """f as eps -> 0, of beta2 = b."""
    roots = [(2 - b + b**2).sqrt(), (1 + 2 * b - b**2).sqrt(), (1 + b**2 * (1 + b) / (1 - b)).sqrt()]
    return (1 / roots[0] + 1 / roots[1] - 1 / roots[2]) * (1 + b + b**2).sqrt() / 3


def exceeds(bound: str, pieces: int = 200) -> Finding:
    """Is f above the bound for every beta2 in [0, 1/5]?"""
    ends = [exact(Fraction(k, 5 * pieces)) for k in range(pieces + 1)]
    values = [closed_form(left.union(right)) for left, right in pairwise(ends)]
    least = min(float(value.lower()) for value in values)
    text = f"f at least {least:.6f} on {pieces} pieces, claimed above {bound}"
    if any(value < flint.arb(bound) for value in values):
        return refuted(text, cases=pieces)
    return holds(text, cases=pieces) if all(value > flint.arb(bound) for value in values) else undecided(text)


@claim.evidence("certified")
def the_wrong_way_for_every_peak() -> Finding:
    return exceeds("0.2")


@claim.control("f above 0.23 for every C")
def too_high_a_bound() -> Finding:
    return exceeds("0.23")


def limit_is(stated: sp.Expr, beta2: Callable[[sp.Symbol], sp.Expr]) -> Finding:
    """Is the limit of f as C -> oo the one stated, with beta2 a function of 1/C^2?"""
    u = sp.Symbol("u", positive=True)
    b = beta2(u)
    # Squares of -1 and C, the latter over C^2 where C stands above: so nothing is infinite at u = 0.
    share = (1 - b) / (1 - b**3)
    first = sp.cancel(share * (1 + (b + b**2) * u))
    others = [sp.cancel(share * (1 + b / u + b**2)), sp.cancel(share * (1 + b + b**2 / u))]
    limits = [sp.limit(v, u, 0, "+") for v in (first, *others)]
    value = sp.simplify((1 / sp.sqrt(limits[1]) + 1 / sp.sqrt(limits[2]) - 1 / sp.sqrt(limits[0])) / 3)
    return (holds if sp.simplify(value - stated) == 0 else refuted)(f"limit {value}, claimed {stated}", cases=1)


@claim.evidence("symbolic")
def the_limit() -> Finding:
    return limit_is(1 / (3 * sp.sqrt(2)), lambda u: u / (1 + u))


@claim.control("beta2 = 1/(1 + 2 C^2), for the limit")
def half_as_much_memory() -> Finding:
    return limit_is(1 / (3 * sp.sqrt(2)), lambda u: u / (2 + u))
