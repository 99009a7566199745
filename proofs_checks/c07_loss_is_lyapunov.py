"""C7: near interpolating minima the loss is a strict Lyapunov function of the flow.

Cited: the abstract of arXiv 2511.04622 has this in a neighbourhood of the global minima. Added here: how far it holds.

Next to the minima T6 decides: <grad L, f> <= -(|grad L|^2/eps)(1 - K |grad L|_inf/(mu eps)). Further out N-Theorem 1
does; for enough batch or memory N-Theorem 6, at every point and for every eps; and else boxes with proven enclosures of
f and grad L. The same problem has a point further out where the loss grows along the flow (N1), so the
region is no formality.
"""

import itertools
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np
import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.certify.lyapunov.decrease_constants import Noise, theorem_1, theorem_6
from adamsym.claims import Finding, check_property, holds, refuted, undecided
from adamsym.field.ball.arithmetic import ball_arithmetic

claim = Claim(
    "C7",
    title="Near interpolating minima the loss is a strict Lyapunov function",
    statement=(
        r"If all rows' losses $l_j\ge0$ are $K$-smooth and $|\nabla L|^2\ge2\mu L$, then $\langle\nabla "
        r"L,f\rangle\le-\frac1\varepsilon|\nabla L|^2(1-\frac{K}{\mu\varepsilon}|\nabla L|_\infty)$: where "
        r"$0<|\nabla L|_\infty<\mu\varepsilon/K$, the loss decreases strictly along the flow of $f$; "
        r"if $c_0>0$ in N-Theorem 6, wherever $L>0$."
    ),
    source="arXiv 2511.04622; how far: T6, N-Theorem 1, N-Theorem 6",
)


def two_losses(stiffness: int, share: Fraction) -> Problem:
    """N1: the loss K theta^2/2 with probability ``share``, else sin(theta)^2/2. Both vanish at 0 alone in common."""
    law = Empirical({"a": [1, 0]}, weights=[share, 1 - share])
    return Problem(f"a*{stiffness}*theta**2/2 + (1 - a)*sin(theta)**2/2", ["theta"], law)


STIFFNESS, SHARE = 30, Fraction(1, 50)
PROBLEM = two_losses(STIFFNESS, SHARE)
ADAM = Adam("0.5", "0.9", "0.01")


def loss_derivative(problem: Problem, adam: Adam, boxes: np.ndarray) -> list[flint.arb]:
    """Balls that hold <grad L, f> over each box, shape (n, d, 2)."""
    found = []
    for box, field in zip(boxes, AdamField(problem, adam).enclose(boxes), strict=True):
        rows = problem.row_gradients_ball([flint.arb(low).union(flint.arb(high)) for low, high in box])
        weights = [flint.arb(p.numerator) / p.denominator for p in problem.law.exact_probabilities]
        gradient = [sum(p * row[i] for p, row in zip(weights, rows, strict=True)) for i in range(problem.dimension)]
        velocity = [flint.arb(low).union(flint.arb(high)) for low, high in field]
        found.append(sum(g * f for g, f in zip(gradient, velocity, strict=True)))
    return found


def decreases_on(problem: Problem, adam: Adam, boxes: np.ndarray) -> Finding:
    """Is <grad L, f> < 0 on every box, by enclosures? Refuted by one box on which it is proven positive."""
    derivatives = loss_derivative(problem, adam, boxes)
    for box, value in zip(boxes, derivatives, strict=True):
        if value > 0:
            return refuted(f"<grad L, f> >= {float(value.lower()):.3g} > 0 on {box.tolist()}", cases=len(boxes))
    open_boxes = [box.tolist() for box, value in zip(boxes, derivatives, strict=True) if not value < 0]
    if open_boxes:
        return undecided(f"{len(open_boxes)} of {len(boxes)} boxes undecided, the first {open_boxes[0]}")
    return holds(f"<grad L, f> < 0 on all of {len(boxes)} boxes", cases=len(boxes))


def innermost_radius(eps: Fraction) -> Fraction:
    """T6's radius for PROBLEM: there |L'| < mu eps/K.

    l'' <= K = STIFFNESS; on |theta| <= 1.5 < pi/2, L'^2 >= 2 mu L for mu = (share K)^2/(share K + 1 - share),
    because sin(2 theta)/2 has the sign of theta and L <= (share K + 1 - share) theta^2/2, a bound for |L'|/|theta| too.
    """
    curvature = SHARE * STIFFNESS + 1 - SHARE
    mu = (SHARE * STIFFNESS) ** 2 / curvature
    return mu * eps / STIFFNESS / curvature


@claim.evidence("certified")
def strict_decrease_from_the_minimum_to_one() -> Finding:
    theta = PROBLEM.parameters[0]
    if sp.simplify(PROBLEM.loss.subs(theta, -theta) - PROBLEM.loss) != 0:
        return undecided("the loss is not even: the left half needs boxes of its own")
    inner = float(innermost_radius(ADAM.epsilon)) * 0.999
    ends = [inner]
    while ends[-1] < 1:
        ends.append(ends[-1] * 1.05)
    boxes = np.array([[[low, high]] for low, high in itertools.pairwise(ends)])
    finding = decreases_on(PROBLEM, ADAM, boxes)
    if finding.verdict != "holds":
        return finding
    return holds(f"T6 for 0 < |theta| <= {inner:.2e}, {len(boxes)} boxes on to {ends[-1]:.3f}", cases=1 + len(boxes))


@claim.control("N1: the same problem further out")
def further_out() -> Finding:
    return decreases_on(PROBLEM, ADAM, np.array([[[0.9, 0.95]], [[2.2, 2.2]]]))


@claim.control("N2: convex, interpolating, two parameters")
def convex_in_the_plane() -> Finding:
    law = Empirical({"x": [10, -1], "z": [0, "1.1"]}, weights=["0.02", "0.98"])
    problem = Problem("(x*u + z*w)**2/2", ["u", "w"], law)
    return decreases_on(problem, Adam("0.5", "0.9", "1e-8"), np.array([[[1.0, 1.0], [1.0, 1.0]]]))


@claim.control("no interpolation")
def no_common_minimum() -> Finding:
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    return decreases_on(problem, Adam(), np.array([[[0.9998, 0.9998]]]))


entries = st.integers(-3, 3)
regressions = st.integers(1, 3).flatmap(
    lambda d: st.tuples(
        st.lists(st.lists(entries, min_size=d, max_size=d).filter(any), min_size=1, max_size=4),
        st.lists(st.integers(-8, 8), min_size=d, max_size=d).filter(any),
    )
)
adams = st.sampled_from([Adam("0.9", "0.99", "0.1"), Adam("0.5", "0.9", "1"), Adam(0, 0, "0.01")])


@dataclass(frozen=True)
class Regression:
    """One evaluation of <grad L, f> for l_j = (a_j . theta - b_j)^2/2, with the constants of the theorems.

    K = max |a_j|^2 for smoothness; PL holds with mu, the least positive eigenvalue of E a a^T; kappa = K/mu,
    eta = (kappa - 1)/B, and all |g_i| are at most ``largest``. The rows have equal weights.
    """

    derivative: float
    gradient: np.ndarray
    loss: float
    smoothness: float
    mu: float
    eta: float
    largest: float
    rows: int
    batch: int

    @property
    def noise(self) -> Noise:
        """What N-Theorems 1 and 6 suppose."""
        return Noise(flint.arb(self.eta) * self.batch, Fraction(1, self.rows), self.batch, len(self.gradient) - 1)


def regression(rows, theta, targets, adam: Adam, batch: int) -> Regression:
    """The regression with rows a_j and targets b_j at theta."""
    a = np.array(rows, dtype=float)
    columns = {f"a{i}": column for i, column in enumerate(zip(*rows, strict=True))} | {"b": targets}
    names = [f"t{i}" for i in range(a.shape[1])]
    loss = f"({' + '.join(f'a{i}*t{i}' for i in range(a.shape[1]))} - b)**2/2"
    problem = Problem(loss, names, Empirical(columns), batch)
    eigenvalues = np.linalg.eigvalsh(a.T @ a / len(a))
    mu, smoothness = float(eigenvalues[eigenvalues > 1e-9].min()), float((a**2).sum(axis=1).max())
    gradient = problem.gradient(theta)
    return Regression(
        derivative=float(gradient @ AdamField(problem, adam)(theta)),
        gradient=gradient,
        loss=float(problem.mean_loss(theta)),
        smoothness=smoothness,
        mu=mu,
        eta=max(smoothness / mu - 1, 0.0) / batch,
        largest=float(np.abs(problem.row_gradients(theta)).max()),
        rows=len(a),
        batch=batch,
    )


def decreases_like(bound, noise: int = 0, batches: tuple[int, ...] = (1, 2)) -> Finding:
    """Is <grad L, f> <= ``bound(regression, adam)`` for random regressions, interpolating if ``noise`` is 0?

    Noise is skewed, with mean 0 at every row: symmetric noise would leave the zero at the least squares. It moves the
    zero by some (1 - beta2) eps only, so that points must be near.
    """
    levels, exponents = ((-1, -1, 2), st.integers(-6, -3)) if noise else ((0,), st.integers(-6, 3))

    def inequality(problem, exponent, adam, batch):
        rows, direction = problem
        theta = np.array(direction) * adam.eps * 4.0**exponent
        targets = [level * noise * adam.epsilon for level in levels for _ in rows]
        found = regression(rows * len(levels), theta, targets, adam, batch)
        rounding = 1e-11 * (found.gradient @ found.gradient) / adam.eps
        assert found.derivative <= bound(found, adam) + rounding

    return check_property(inequality, regressions, exponents, adams, st.sampled_from(batches), examples=150)


def bound_t6(found: Regression, adam: Adam) -> float:
    """T6, for batches of one: -(|grad L|^2/eps)(1 - K |grad L|_inf/(mu eps))."""
    steepest = np.abs(found.gradient).max()
    bracket = 1 - found.smoothness * steepest / (found.mu * adam.eps)
    return float(-(found.gradient @ found.gradient) / adam.eps * bracket)


def bound_theorem_1(found: Regression, adam: Adam) -> float:
    """N-Theorem 1: -(|grad L|^2/(eps (1 + x))) Q, x = sqrt(2 K L)/eps; where Q <= 0 it says nothing."""
    square = 2 * found.smoothness * found.loss
    with ball_arithmetic():
        proved = theorem_1(adam.laplace, found.noise, flint.arb(found.largest), flint.arb(square))
        if not proved.holds:
            return np.inf
        return float(-(found.gradient @ found.gradient) * float(proved.share) / (adam.eps + square**0.5))


def bound_theorem_6(found: Regression, adam: Adam) -> float:
    """N-Theorem 6: -c_0 |grad L|^2/(sqrt(1 + eta) |grad L| + eps); where c_0 <= 0 it says nothing."""
    square = float(found.gradient @ found.gradient)
    with ball_arithmetic():
        proved = theorem_6(adam.laplace, found.noise)
        return (
            -float(proved.share) * square / ((1 + found.eta) ** 0.5 * square**0.5 + adam.eps)
            if proved.holds
            else np.inf
        )


@claim.evidence("property")
def the_starting_bound() -> Finding:
    return decreases_like(bound_t6, batches=(1,))


@claim.evidence("property")
def the_sharper_bound() -> Finding:
    return decreases_like(bound_theorem_1)


@claim.evidence("property")
def the_bound_for_every_eps() -> Finding:
    return decreases_like(bound_theorem_6)


@claim.control("twice the rate")
def twice_the_rate() -> Finding:
    return decreases_like(lambda found, adam: 2 * bound_t6(found, adam), batches=(1,))


@claim.control("targets that no parameter fits")
def without_interpolation() -> Finding:
    return decreases_like(bound_t6, noise=3, batches=(1,))


@claim.control("the sharper bound, for targets that no parameter fits")
def sharper_without_interpolation() -> Finding:
    return decreases_like(bound_theorem_1, noise=3, batches=(1,))


@claim.control("the bound for every eps, for targets that no parameter fits")
def every_eps_without_interpolation() -> Finding:
    return decreases_like(bound_theorem_6, noise=3, batches=(1,))
