r"""C25: in the bilinear game Adam's noise-free field goes round for ever; Adam itself spirals away from its zero.

Cited: the abstract of arXiv 2605.19392 has ordinary differential equations for Adam's descent and ascent in zero-sum
games. Added here: the quantity that the flow of the field conserves, and what runs do.

Player x descends and y ascends in xy: the vector that Adam moves against is (y, -x), the gradient of no loss. Without
noise the field is x' = -y/(|y| + eps), y' = x/(|x| + eps) (T9), and with

$$G(u)=|u|-\varepsilon\log(1+|u|/\varepsilon),\qquad G'(u)=\frac u{|u|+\varepsilon},$$

G(x) + G(y) stays the same: its derivative is -G'(x) G'(y) + G'(y) G'(x). It is convex with its minimum at 0, so the
zero at 0 is stable and attracts nothing.

What follows is seen in runs, not proved. With constant steps Adam departs from 0: from starts whose gradients are small
beside eps, G grows tenfold. How far it goes depends on both memories: for beta1 = 0, beta2 = 0.9 and steps of 0.1 runs
from near and far end where G is between 0.3 and 3, so that Adam neither converges nor runs away; for equal memories
of 0.9 it goes on growing, like the root of the number of steps.
"""

from collections.abc import Callable

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, StepSizeSchedule, VectorField, simulate
from adamsym.claims import Finding, check_property, holds, refuted

claim = Claim(
    "C25",
    title="The bilinear game: the noise-free flow conserves G(x) + G(y), and Adam with constant steps departs from 0",
    statement=(
        r"Without noise Adam's field of descent in $x$ and ascent in $y$ for $xy$ conserves $G(x)+G(y)$, where "
        r"$G(u)=|u|-\varepsilon\log(1+|u|/\varepsilon)$. Adam with constant steps departs from the zero at $0$."
    ),
    source="arXiv 2605.19392; T9, N-Lemma 2",
)

ONE = Empirical({"a": [1]})
BILINEAR, DAMPED = ("a*y", "-a*x"), ("a*y + x/2", "y/2 - a*x")
Pair = tuple[str, str]
EPS = 0.1
BETAS = st.tuples(st.sampled_from(["0", "0.5", "0.9"]), st.sampled_from(["0.9", "0.99", "0.999"]))

Energy = Callable[[np.ndarray], np.ndarray]


def energy(points: np.ndarray, eps: float = EPS) -> np.ndarray:
    sizes = np.abs(points)
    return (sizes - eps * np.log1p(sizes / eps)).sum(axis=-1)


def game(components: Pair) -> VectorField:
    return VectorField(list(components), ["x", "y"], ONE)


# --- The flow --------------------------------------------------------------------------------------------------------


def derivative_vanishes(potential: Callable[[sp.Expr, sp.Expr], sp.Expr], sign: int) -> Finding:
    """Is the derivative of potential(x) + potential(y) along the flow 0 in the four quadrants? -1 for ascent in y."""
    size_x, size_y, eps = sp.symbols("p q epsilon", positive=True)
    x, y = sp.symbols("x y", real=True)
    left = []
    for at_x, at_y in [(size_x, size_y), (-size_x, size_y), (size_x, -size_y), (-size_x, -size_y)]:
        slopes = [sp.diff(potential(sp.Symbol("u", positive=True), eps), sp.Symbol("u", positive=True))] * 2
        g_x, g_y = (
            sp.sign(at) * slope.subs(sp.Symbol("u", positive=True), abs(at))
            for slope, at in zip(slopes, (at_x, at_y), strict=True)
        )
        moves = {x: -at_y / (abs(at_y) + eps), y: -sign * at_x / (abs(at_x) + eps)}
        left.append(sp.simplify(g_x * moves[x] + g_y * moves[y]))
    return (holds if left == [0] * 4 else refuted)(f"derivative in the four quadrants: {left}", cases=4)


def stated(u: sp.Expr, eps: sp.Expr) -> sp.Expr:
    return u - eps * sp.log(1 + u / eps)


@claim.evidence("symbolic")
def it_is_conserved() -> Finding:
    return derivative_vanishes(stated, -1)


@claim.control("the squares of x and y")
def squares() -> Finding:
    return derivative_vanishes(lambda u, eps: u**2, -1)


@claim.control("both players descend")
def both_descend() -> Finding:
    return derivative_vanishes(stated, 1)


def field_conserves(components: Pair, eps: float = EPS) -> Finding:
    """Is the derivative of G(x) + G(y) along the package's field 0, to 1e-9, at drawn points?"""

    def vanishes(x: float, y: float, betas: Pair) -> None:
        point = np.array([x, y])
        bounds = AdamField(game(components), Adam(*betas, repr(EPS))).enclose(np.column_stack([point, point]))
        slope = bounds.mean(axis=1) @ (point / (np.abs(point) + eps))
        assert np.ptp(bounds, axis=1).max() < 1e-9, f"bounds at {point} are wide"
        assert abs(slope) < 1e-9, f"at {point}: dG/dt = {slope:.2e}"

    coordinate = st.floats(0.25, 4).flatmap(lambda size: st.sampled_from([size, -size]))
    return check_property(vanishes, coordinate, coordinate, BETAS, examples=30)


@claim.evidence("property")
def the_field_conserves_it() -> Finding:
    return field_conserves(BILINEAR)


@claim.control("a damped game")
def damped_field() -> Finding:
    return field_conserves(DAMPED)


@claim.control("G of another eps")
def another_eps() -> Finding:
    return field_conserves(BILINEAR, eps=2 * EPS)


# --- Adam ------------------------------------------------------------------------------------------------------------


def grow(components: Pair, start: float, step: str, eps: str, betas: Pair, steps: int) -> np.ndarray:
    """G(x) + G(y) at the ends of runs from four starts, and at these starts; shape (2, 4)."""
    starts = start * np.array([[1, 1], [1, -0.5], [-0.25, 1], [-1, -0.75]])
    run = simulate(game(components), Adam(*betas, eps), StepSizeSchedule(step), starts, steps, len(starts), 0)
    return np.stack([energy(run.theta, float(eps)), energy(starts, float(eps))])


def departs(components: Pair) -> Finding:
    """Does G(x) + G(y) grow tenfold in 4000 steps from starts far below eps, for drawn parameters?"""

    def grows(betas: Pair, start: float) -> None:
        last, first = grow(components, start, "0.01", "0.1", betas, 4000)
        assert (last > 10 * first).all(), f"betas {betas}: G is multiplied by {(last / first).min():.3g}"

    return check_property(grows, BETAS, st.floats(1e-4, 1e-3), examples=20)


@claim.evidence("property")
def adam_departs_from_0() -> Finding:
    return departs(BILINEAR)


@claim.control("Adam in a damped game")
def damped_runs() -> Finding:
    return departs(DAMPED)


def stays_between(betas: Pair) -> Finding:
    """Do runs with steps of 0.1 from near and far end where 0.3 < G < 3?"""

    def between(start: float) -> None:
        last, _ = grow(BILINEAR, start, "0.1", "1e-8", betas, 10_000)
        assert ((last > 0.3) & (last < 3)).all(), f"betas {betas}, from {start}: G ends at {last}"

    return check_property(between, st.floats(0.1, 5), examples=20)


@claim.evidence("property")
def neither_converges_nor_runs_away() -> Finding:
    return stays_between(("0", "0.9"))


@claim.control("a memory of gradients as long as that of their squares")
def as_long_a_memory() -> Finding:
    return stays_between(("0.9", "0.9"))
