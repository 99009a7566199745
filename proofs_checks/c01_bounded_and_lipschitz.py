"""C1: the Adam field is well defined, bounded and Lipschitz (T1, T2).

Cited: the field, that of arXiv 2511.04622. Added here: the constants, and their proofs.

|M| <= C sqrt V along every history, C = (1-alpha)/sqrt((1-beta)(1-alpha^2/beta)), by Cauchy and Schwarz; equality for
g_k = (alpha/beta)^k; with bias corrections C_n <= C at step n. Hence |f| <= min(C, E|g|/eps). As sqrt V is a norm of
the history, f is Lipschitz with constant (1+C) Lg/eps where the gradients are Lipschitz with constant Lg.
"""

from fractions import Fraction

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Claim, Empirical, Problem, StepSizeSchedule, simulate
from adamsym.claims import Finding, check_property, holds, refuted
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, step_bound

claim = Claim(
    "C1",
    title="The Adam field is bounded and Lipschitz",
    statement=(
        r"If $\beta_1^2<\beta_2$, $\varepsilon>0$ and $E|g_i|<\infty$, then $|f_i|\le\min(C,E|g_i|/\varepsilon)$ "
        r"with $C=(1-\beta_1)/\sqrt{(1-\beta_2)(1-\beta_1^2/\beta_2)}$; if all gradients are $K$-Lipschitz in "
        r"$\theta$, each $f_i$ is Lipschitz with constant $(1+C)K/\varepsilon$."
    ),
    source="T1, T2, for the field of arXiv 2511.04622",
)

ROUNDING = 1e-12
adams = st.sampled_from(
    [
        *(Adam(), Adam("0.9", "0.99", "1e-3"), Adam("0.5", "0.9", "0.1"), Adam("0.09", "0.01", "1e-8")),
        *(Adam(0, "0.5", "1"), Adam(0, 0, "0.01"), Adam("0.5", "0.9", "100")),
    ]
)
quarters = st.integers(-20, 20).map(lambda k: k / 4)
data = st.one_of(st.lists(quarters, min_size=1, max_size=largest) for largest in (1, 5))
points = st.integers(-100, 100).map(lambda k: k / 16)
offsets = st.one_of(st.just(0.0), st.just(0.0), points)
EXACT = [("9/10", "999/1000"), ("1/2", "9/10"), ("1/5", "1/20"), ("0", "1/2")]
"""beta1 and beta2 as fractions."""

k = sp.Symbol("k", integer=True, nonnegative=True)


def largest_quotient_squared(alpha: sp.Expr, beta: sp.Expr) -> sp.Expr:
    """sup M^2/V = sum_k a_k^2/b_k (Cauchy and Schwarz), summed by SymPy; infinite if the series diverges."""
    a, b = (1 - alpha) * alpha**k, (1 - beta) * beta**k
    return sp.summation(sp.powsimp(sp.simplify(a**2 / b), force=True), (k, 0, sp.oo))


def smallest_constant(factor: sp.Expr, alpha: sp.Rational, beta: sp.Rational) -> Finding:
    """Is ``factor * C`` the smallest constant with |M| <= factor C sqrt V, at exact alpha and beta?"""
    claimed = factor**2 * (1 - alpha) ** 2 / ((1 - beta) * (1 - alpha**2 / beta))
    needed = largest_quotient_squared(alpha, beta)
    where = f"at alpha = {alpha}, beta = {beta}"
    if needed == claimed:
        return holds(f"{where} sup M^2/V = C^2 = {needed}", cases=1)
    return refuted(f"{where} sup M^2/V = {needed}, not {claimed}", cases=1)


@claim.evidence("symbolic")
def the_constant_is_the_sum_of_a_geometric_series() -> Finding:
    r = sp.Symbol("r", positive=True)
    value, condition = sp.summation(r**k, (k, 0, sp.oo)).args[0]
    if sp.simplify(value - 1 / (1 - r)) != 0 or condition != (r < 1):
        return refuted(f"SymPy sums r^k to {value} if {condition}", cases=1)
    # a_k^2/b_k is C^2 (1 - r) r^k, r = alpha^2/beta; equality in Cauchy and Schwarz for g_k = a_k/b_k.
    alpha, beta = sp.symbols("alpha beta", positive=True)
    constant = (1 - alpha) ** 2 / ((1 - beta) * (1 - alpha**2 / beta))
    term = ((1 - alpha) * alpha**k) ** 2 / ((1 - beta) * beta**k)
    if sp.simplify(term / (constant * (1 - alpha**2 / beta) * (alpha**2 / beta) ** k)) != 1:
        return refuted("a_k^2/b_k is another sequence", cases=1)
    found = [smallest_constant(sp.S.One, sp.Rational(a), sp.Rational(b)) for a, b in EXACT]
    failed = [finding for finding in found if finding.verdict != "holds"]
    return failed[0] if failed else holds("sup M^2/V = sum_k a_k^2/b_k = C^2 exactly", cases=2 + len(found))


def enclosed_constant(factor: str) -> Finding:
    """Does the ball around ``factor * C``, with C as enclosures take it, hold the smallest constant and little more?"""
    for a, b in EXACT:
        needed = largest_quotient_squared(sp.Rational(a), sp.Rational(b))
        with ball_arithmetic():
            found = (ball(Fraction(factor)) * step_bound(Adam(a, b, 1).laplace)) ** 2
            right = found.contains(ball(Fraction(needed.p, needed.q))) and found.rad() < found.mid() / 2**80
        if not right:
            return refuted(f"C^2 in {found.str(15)} at alpha = {a}, beta = {b}; needed is {needed}", cases=len(EXACT))
    return holds("the balls around C hold the smallest constant, to 24 digits", cases=len(EXACT))


@claim.evidence("certified")
def enclosures_take_the_smallest_constant() -> Finding:
    return enclosed_constant("1")


@claim.control("C too large by its fifteenth digit, in enclosures")
def enclosures_take_a_larger_constant() -> Finding:
    return enclosed_constant("1000000000000001/1000000000000000")


@claim.control("C halved")
def half_the_constant() -> Finding:
    return smallest_constant(sp.Rational(1, 2), sp.Rational(9, 10), sp.Rational(999, 1000))


@claim.control("beta1^2 >= beta2")
def momentum_too_long() -> Finding:
    return smallest_constant(sp.S.One, sp.Rational(9, 10), sp.Rational(4, 5))


def bounded_by(share: float) -> Finding:
    """Is |f| at most ``share`` of min(C, E|g|/eps)?"""

    def bound(rows, theta, adam):
        field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": rows})), adam)
        magnitude = float(np.mean(np.abs(theta - np.array(rows))))
        assert abs(field([theta])[0]) <= share * min(adam.step_bound, magnitude / adam.eps) + ROUNDING

    return check_property(bound, data, points, adams, examples=150)


@claim.evidence("property")
def the_field_is_bounded() -> Finding:
    return bounded_by(1.0)


@claim.control("the bound halved")
def half_the_bound() -> Finding:
    return bounded_by(0.5)


SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def steps_are_at_most(constant) -> Finding:
    """Is no step n of runs, with their bias corrections, longer than ``constant(adam, n)`` times its size?"""
    sizes = StepSizeSchedule("0.1/n**0.6")(np.arange(1, 41))

    def short(theta, adam, seed):
        found = simulate(SKEWED, adam, StepSizeSchedule("0.1/n**0.6"), [theta], 40, 8, seed, record_every=1).recorded
        path = np.concatenate([np.full((1, 8), theta), found[:, :, 0]])
        longest = np.abs(np.diff(path, axis=0)).max(axis=1) / sizes
        allowed = np.array([constant(adam, n) for n in range(1, 41)])
        assert (longest <= allowed + 1e-9).all(), f"a step of {(longest / allowed).max():.6f} times the bound"

    return check_property(short, points, adams, st.integers(0, 2**32), examples=100)


@claim.evidence("property")
def steps_with_bias_correction_are_bounded() -> Finding:
    return steps_are_at_most(Adam.corrected_step_bound)


@claim.control("a bound of the steps without the correction 1 - beta1^n")
def steps_without_correction() -> Finding:
    return steps_are_at_most(lambda adam, n: adam.corrected_step_bound(n) * (1 - adam.beta1**n))


def lipschitz_with(constant) -> Finding:
    """Is f Lipschitz with ``constant(adam, Lg)``? The loss 2 log cosh(theta - x) has gradients with Lg = 2."""

    def lipschitz(rows, offset, exponent, adam):
        # Around the data the field is steepest.
        theta = rows[0] + offset
        other = theta + 4.0**exponent
        field = AdamField(Problem("2*log(cosh(theta - x))", ["theta"], Empirical({"x": rows})), adam)
        difference = abs(field([theta])[0] - field([other])[0])
        assert difference <= constant(adam, 2.0) * abs(theta - other) + ROUNDING

    return check_property(lipschitz, data, offsets, st.integers(-8, 2), adams, examples=400)


@claim.evidence("property")
def the_field_is_lipschitz() -> Finding:
    return lipschitz_with(lambda adam, lg: (1 + adam.step_bound) * lg / adam.eps)


@claim.control("a Lipschitz constant without 1/eps")
def lipschitz_uniformly_in_eps() -> Finding:
    return lipschitz_with(lambda adam, lg: (1 + adam.step_bound) * lg)
