"""C6: overparametrized ERM: near the global minima the zeros of the Adam field are exactly the global minima.

Cited: by the abstract of arXiv 2511.04622 the loss is a Lyapunov function near the global minima, if overparametrized.
That zeros there are minima follows. Added here: radii (T6), and certified boxes.

One direction is plain: where all rows' losses l_j >= 0 vanish, so do their gradients, hence the moments and f. This is
checked exactly at the claimed minima. The other: near them f has no other zero.

- An isolated minimum: ``find_zeros`` proves that f has one zero in the box, in a tiny box that holds the minimum.
- A curve of minima: ``certify_lyapunov`` proves -<grad L, f> >= c L with c > 0 in the region: f = 0 implies L = 0.
- Drawn problems, with curves, planes or single points of minima: l_j = (phi(a_j . theta) - y_j)^2/2, all fitted by
  theta*. At theta* + s v, within half of T6's radius mu eps/K^2, f vanishes if all a_j . v are 0, and enclosures
  exclude f = 0 otherwise. All numbers there are dyadic, so that points and data are exact.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem, certify_lyapunov, find_zeros
from adamsym.claims import Finding, check_property, holds, refuted, undecided

claim = Claim(
    "C6",
    title="Near interpolating minima the zeros of the field are the global minima",
    statement=(
        r"Let all rows' losses $l_j\ge0$ have Lipschitz gradients, $Z=\{\theta:L(\theta)=0\}$ not be empty, and "
        r"$|\nabla L|^2\ge2\mu L$ near $Z$ with $\mu>0$. Then $Z$ has a neighbourhood in which $f(\theta)=0$ "
        r"exactly where $\theta\in Z$."
    ),
    source="arXiv 2511.04622; radii: T6",
)

Box = list[list[float]]
ADAM, SMALL_EPS = Adam("0.5", "0.9", "1"), Adam("0.5", "0.9", "0.01")


def line(targets: list[int]) -> Problem:
    return Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [-1, 0, 2], "y": targets}))


def product_curve(targets: list[str]) -> Problem:
    return Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": ["1", "2", "-0.5"], "y": targets}))


CUBIC = Problem("(w*x + w**3 - y)**2/2", ["w"], Empirical({"x": [1, 2, "0.5"], "y": [2, 3, "1.5"]}))
TWO_LOSSES = Problem("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["1/50", "49/50"]))
FITTED = product_curve(["1", "2", "-0.5"])
CIRCLE = Problem(
    "(x*(a**2 + b**2) - y)**2/2", ["a", "b"], Empirical({"x": ["1", "2", "-0.5"], "y": ["1", "2", "-0.5"]})
)


def no_minimum(problem: Problem, point: Mapping[str, sp.Expr]) -> str | None:
    """Why a point, or a curve given by expressions in t, is no global minimum of all rows; None if it is, exactly."""
    at = {symbol: point[symbol.name] for symbol in problem.parameters}
    for number, row in enumerate(problem.law.exact_rows):
        data = {c: sp.Rational(x.numerator, x.denominator) for c, x in zip(problem.columns, row, strict=True)}
        loss = problem.loss.subs(data)
        if not loss.is_nonnegative:
            return f"the loss of row {number} is not seen to be >= 0"
        values = [sp.simplify(entry.subs(data).subs(at)) for entry in (problem.loss, *problem.gradient_expressions)]
        if any(value != 0 for value in values):
            return f"row {number} has loss {values[0]} and gradient {values[1:]} at {point}"
    return None


def one_zero(problem: Problem, adam: Adam, box: Box, minimum: Sequence[str]) -> Finding:
    """Is the claimed minimum one, and is it the only zero of f in the box?"""
    exact = [Fraction(x) for x in minimum]
    found = find_zeros(AdamField(problem, adam), box)
    if not found.complete:
        return undecided(f"{len(found.undecided)} of {found.examined} boxes undecided")
    point = {n: sp.Rational(x.numerator, x.denominator) for n, x in zip(problem.names, exact, strict=True)}
    reasons = [no_minimum(problem, point)]
    listed = [np.round(zero.midpoint, 5).tolist() for zero in found.zeros]
    held = [all(low <= x <= high for x, (low, high) in zip(exact, z.box.tolist(), strict=True)) for z in found.zeros]
    for zero, own, shown in zip(found.zeros, held, listed, strict=True):
        if not own:
            steepest = max(max(low, -high) for low, high in zero.gradient)
            slope = f", |grad L| >= {steepest:.3g} there" if steepest > 0 else ""
            reasons.append(f"the zero {shown} is not at {list(minimum)}{slope}")
    if not any(held):
        reasons.append(f"no zero at {list(minimum)}")
    failed = [reason for reason in reasons if reason]
    text = f"zeros in {box}: {listed}, {found.examined} boxes"
    if failed:
        return refuted(f"{text}; {'; '.join(failed)}", cases=found.examined)
    width = np.ptp(found.zeros[0].box, axis=1).max()
    return holds(f"{text}; L and all rows' gradients are 0 there, width {width:.0e}", cases=found.examined)


def only_the_curve(problem: Problem, adam: Adam, region: Box, curve: Mapping[str, sp.Expr]) -> Finding:
    """Do all rows vanish on the curve, and is -<grad L, f> >= c L, c > 0, in the region? Then f = 0 implies L = 0."""
    reason = no_minimum(problem, curve)
    found = certify_lyapunov(AdamField(problem, adam), region, budget=100)
    text = f"<grad L, f> < 0: {found.verdict} in {region}, {found.examined} boxes, -<grad L, f> >= {found.rate} L"
    if reason:
        return refuted(f"{text}; {reason}", cases=found.examined)
    if found.verdict != "certified" or not found.rate:
        return undecided(text)
    return holds(f"{text}; L = 0 on the curve", cases=found.examined)


T = sp.Symbol("t", positive=True)
HYPERBOLA = {"a": T, "b": 1 / T}
UNIT_CIRCLE = {"a": (1 - T**2) / (1 + T**2), "b": 2 * T / (1 + T**2)}


@claim.evidence("certified")
def a_regression_in_the_plane() -> Finding:
    return one_zero(line([-1, 1, 5]), ADAM, [[0, 4], [-1, 3]], ["2", "1"])


@claim.evidence("certified")
def a_cubic() -> Finding:
    return one_zero(CUBIC, SMALL_EPS, [[-2, 3]], ["1"])


@claim.evidence("certified")
def two_losses() -> Finding:
    return one_zero(TWO_LOSSES, SMALL_EPS, [[-1.5, 1.5]], ["0"])


@claim.evidence("certified")
def a_hyperbola_of_minima() -> Finding:
    return only_the_curve(FITTED, Adam("0.9", "0.99", "0.1"), [[0.5, 2], [0.5, 2]], HYPERBOLA)


@claim.evidence("certified")
def a_circle_of_minima() -> Finding:
    return only_the_curve(CIRCLE, Adam("0.9", "0.99", "0.1"), [[0.25, 1.5], [-0.5, 1.5]], UNIT_CIRCLE)


@claim.control("data that no line fits: the zero is not the least-squares minimum")
def no_interpolation() -> Finding:
    return one_zero(line([-1, 1, 6]), ADAM, [[0, 4], [-1, 3]], ["33/14", "17/14"])


@claim.control("N1: a box that reaches the spurious zeros")
def box_with_spurious_zeros() -> Finding:
    return one_zero(TWO_LOSSES, SMALL_EPS, [[-1.5, 4]], ["0"])


@claim.control("a point next to the minimum called the minimum")
def wrong_minimum() -> Finding:
    return one_zero(CUBIC, SMALL_EPS, [[-2, 3]], ["1.001"])


@claim.control("a saddle where all rows' gradients vanish called a minimum")
def saddle() -> Finding:
    return one_zero(FITTED, ADAM, [[-0.125, 0.125], [-0.125, 0.125]], ["0", "0"])


@claim.control("targets that no product fits")
def no_curve_of_minima() -> Finding:
    return only_the_curve(product_curve(["1", "2.2", "-0.5"]), Adam("0.9", "0.99", "1"), [[0.5, 2]] * 2, HYPERBOLA)


entries = st.integers(-2, 2)
problems = st.integers(1, 3).flatmap(
    lambda d: st.tuples(
        st.lists(st.lists(entries, min_size=d, max_size=d).filter(any), min_size=1, max_size=3),
        st.lists(st.integers(-1, 1), min_size=d, max_size=d),
        st.lists(entries, min_size=d, max_size=d).filter(any),
    )
)
adams = st.sampled_from([Adam("0.9", "0.99", "0.125"), Adam("0.5", "0.9", "1"), Adam(0, 0, "0.25")])


def along_minima(rows: list[list[int]]) -> list[int] | None:
    """An integer vector v != 0 with all a_j . v = 0, if there is one."""
    kernel = sp.Matrix(rows).nullspace()
    return list(map(int, kernel[0] * sp.ilcm(*(x.q for x in kernel[0])))) if kernel else None


def zeros_are_minima(noise: int = 0, curves: bool = True) -> Finding:
    """Is f = 0 near theta* exactly where the drawn problem, fitted by theta* if ``noise`` is 0, is fitted?"""

    def test(drawn, adam, bend, batch, closer, along):
        rows, star, direction = drawn
        a, v = np.array(rows), np.array((along and along_minima(rows)) or direction)
        z = a @ np.array(star)
        # phi(z) = 2 z + bend z^2/16; |z| <= 6, so phi' >= 1.25.
        targets = [Fraction(32 * int(s) + bend * int(s) ** 2, 16) + noise * (j % 2) for j, s in enumerate(z)]
        inner = " + ".join(f"a{i}*t{i}" for i in range(a.shape[1]))
        columns = {f"a{i}": column for i, column in enumerate(zip(*rows, strict=True))} | {"y": targets}
        loss = f"(2*({inner}) + {bend}*({inner})**2/16 - y)**2/2"
        problem = Problem(loss, [f"t{i}" for i in range(a.shape[1])], Empirical(columns), batch)
        field = AdamField(problem, adam)
        at_star = field(np.array(star, dtype=float))
        assert np.abs(at_star).max() <= 1e-14, f"f(theta*) = {at_star.tolist()}"
        slopes = 2 + bend * z[:, None] / 8
        eigenvalues = np.linalg.eigvalsh((slopes * a).T @ (slopes * a) / len(a))
        mu, smoothness = eigenvalues[eigenvalues > 1e-9].min(), ((slopes * a) ** 2).sum(axis=1).max()
        radius = mu * adam.eps / smoothness**2 / np.linalg.norm(v) / 2
        theta = np.array(star) + v * 2.0 ** (np.floor(np.log2(radius)) - closer)
        low, high = field.enclose(np.stack([theta, theta], axis=1)).T
        nonzero = ((low > 0) | (high < 0)).any()
        fitted = curves and not (a @ v).any()
        assert nonzero != fitted, f"f in {np.stack([low, high], axis=1).tolist()} at {theta.tolist()}"

    inputs = problems, adams, st.integers(0, 1), st.integers(1, 2), st.integers(0, 8), st.booleans()
    return check_property(test, *inputs, examples=100, shrink=False)


@claim.evidence("property")
def drawn_problems() -> Finding:
    return zeros_are_minima()


@claim.control("drawn problems that theta* does not fit")
def drawn_noise() -> Finding:
    return zeros_are_minima(noise=1)


@claim.control("theta* called the only zero where there is a line of minima")
def only_one_point() -> Finding:
    return zeros_are_minima(curves=False)
