r"""C21: full-batch Adam turns unstable at the sharpness (2 + 2 beta1)/((1 - beta1) step): 38/step at 0.9.

Cited: the abstract of arXiv 2207.14484 finds by experiment that in full-batch training the largest eigenvalue of the
preconditioned Hessian, here called the sharpness, typically comes to the stability threshold of a gradient descent,
38/step for Adam at beta1 = 0.9; that of arXiv 2210.02070 has cycles of period two for quadratic losses with bias
correction, for all choices of the hyperparameters, and their stability. Added here: a proof of the threshold for every
beta1, and without bias correction the cycle of one coordinate in closed form, that for eps > 0 it exists exactly beyond
the threshold, and its multipliers.

*Threshold.* For the loss c theta^2/2 with a divisor D that stays, (theta, m) moves by a matrix with the characteristic
polynomial p(z) = z^2 - (1 + alpha - h) z + alpha, h = (1 - alpha) step c/D (N-Theorem 5, with eps for D). Both roots
are inside the unit circle if and only if p(1) = h > 0, p(-1) = 2(1 + alpha) - h > 0 and alpha < 1; -1 is a root at

$$\frac cD=\frac{2(1+\alpha)}{(1-\alpha)\gamma}.$$

*Cycle.* Without bias correction theta = +-A, m = -+(1-alpha)/(1+alpha) cA and v = c^2 A^2 repeat themselves if

$$A=\frac{1-\alpha}{2(1+\alpha)}\gamma-\frac\varepsilon c > 0,$$

that is, if c/eps, the sharpness at the minimum, is beyond the threshold; on the cycle c/D is the threshold itself. The
multipliers are the roots of a cubic: eigenvalues of the step followed by the change of all signs of theta and m.
With e = eps/(cA) = 0 and alpha = 0 it is z(z^2 + (1 - 3 beta) z + beta): while two of them are not real,
their modulus is sqrt(beta) < 1. For eps = 0 at the usual parameters the cycle is unstable: 1.0494.
"""

from functools import cache

import flint
import numpy as np
import sympy as sp
from hypothesis import assume
from hypothesis import strategies as st

from adamsym import Adam, Claim, Empirical, Problem, StepSizeSchedule, simulate
from adamsym.claims import Finding, all_of, check_property, holds, refuted, rounds_to

claim = Claim(
    "C21",
    title="Full-batch Adam's edge of stability, 38/step at beta1 = 0.9, and the two-cycle beyond it",
    statement=(
        r"For the loss $c\theta^2/2$ and steps $\gamma$, with $v$ held, Adam is stable for "
        r"$\frac c{\sqrt v+\varepsilon} < \frac{2(1+\beta_1)}{(1-\beta_1)\gamma}$. A cycle $\theta=\pm A$ exists where "
        r"$\frac c\varepsilon$ is above that, with $A=\frac{1-\beta_1}{2(1+\beta_1)}\gamma-\frac\varepsilon c$."
    ),
    source="arXiv 2207.14484, arXiv 2210.02070; N-Theorem 5",
)

x, m, v, z = sp.symbols("x m v z", real=True)
alpha, beta, eps, c, step = sp.symbols("alpha beta epsilon c gamma", positive=True)
e = sp.Symbol("e", positive=True)
"""eps/(cA)."""

THRESHOLD = 2 * (1 + alpha) / ((1 - alpha) * step)


def stepped(theta, momentum, second, divisor=None) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Adam's step without bias correction, for the loss c theta^2/2; with the divisor given, if one is."""
    momentum = alpha * momentum + (1 - alpha) * c * theta
    second = beta * second + (1 - beta) * (c * theta) ** 2
    return theta - step * momentum / (divisor or sp.sqrt(second) + eps), momentum, second


# --- Threshold -------------------------------------------------------------------------------------------------------


def turns_unstable_at(sharpness: sp.Expr) -> Finding:
    """Has the map with the divisor D the roots -1 and -alpha at c/D = ``sharpness``, and p(1) > 0?

    p(-1) is linear in c/D and falls: so below it is positive, and both roots are inside the unit circle (Jury).
    """
    divisor, s = sp.symbols("D s", positive=True)
    matrix = sp.Matrix(stepped(x, m, v, divisor)[:2]).jacobian([x, m])
    p = (z * sp.eye(2) - matrix).det().subs(c, s * divisor)
    at_ends = [sp.simplify(p.subs(z, 1) - (1 - alpha) * step * s), sp.simplify(sp.diff(p.subs(z, -1), s, 2))]
    at_edge = sp.expand(sp.simplify(p.subs(s, sharpness)) - (z + 1) * (z + alpha))
    falls = sp.simplify(sp.diff(p.subs(z, -1), s) + (1 - alpha) * step)
    left = [*at_ends, falls, sp.simplify(at_edge)]
    text = f"p at c/D = {sharpness}, less (z + 1)(z + alpha): {left[-1]}"
    return (holds if left == [0] * 4 else refuted)(text, cases=4)


@claim.evidence("symbolic")
def the_threshold() -> Finding:
    at_usual = THRESHOLD.subs(alpha, sp.Rational(9, 10)) * step
    text = f"step times threshold at beta1 = 0.9: {at_usual}"
    return all_of([turns_unstable_at(THRESHOLD), (holds if at_usual == 38 else refuted)(text, cases=1)])


@claim.control("the threshold of heavy ball, (2 + 2 beta1)/step")
def heavy_ball() -> Finding:
    return turns_unstable_at(2 * (1 + alpha) / step)


# --- Cycle -----------------------------------------------------------------------------------------------------------


AMPLITUDE = (1 - alpha) * step / (2 * (1 + alpha)) - eps / c


def repeats(amplitude: sp.Expr) -> Finding:
    """Does one step change all signs of theta and m, at this amplitude? And is c/D there the threshold?"""
    a = sp.Symbol("A", positive=True)
    there = (a, -(1 - alpha) / (1 + alpha) * c * a, (c * a) ** 2)
    theta, momentum, second = stepped(*there)
    turned = sp.simplify(sp.simplify(theta + a).subs(a, amplitude))
    moments = [sp.simplify(momentum + there[1]), sp.simplify(second - there[2])]
    sharpness = sp.simplify(c / (c * amplitude + eps) - THRESHOLD)
    vanishes = [sp.simplify(amplitude.subs(eps, c / THRESHOLD)), sp.simplify(sp.diff(amplitude, eps) + 1 / c)]
    left = [turned, *moments, sharpness, *vanishes]
    text = f"theta' + theta = {turned}, c/D less threshold = {sharpness}, amplitude at c/eps = threshold: {vanishes[0]}"
    return (holds if left == [0] * 6 else refuted)(text, cases=6)


@claim.evidence("symbolic")
def the_cycle() -> Finding:
    return repeats(AMPLITUDE)


@claim.control("an amplitude without eps")
def amplitude_without_eps() -> Finding:
    return repeats(AMPLITUDE + eps / c)


# --- Multipliers -----------------------------------------------------------------------------------------------------


@cache
def cubic() -> sp.Poly:
    """The multipliers' polynomial, in units in which c = A = 1."""
    unit = {c: 1, eps: e, step: 2 * (1 + alpha) / (1 - alpha) * (1 + e)}
    theta, momentum, second = (part.subs(unit) for part in stepped(x, m, v))
    matrix = sp.Matrix([-theta, -momentum, second]).jacobian([x, m, v])
    matrix = matrix.subs({x: 1, m: -(1 - alpha) / (1 + alpha), v: 1}).applyfunc(sp.simplify)
    return sp.Poly(sp.simplify((z * sp.eye(3) - matrix).det()), z)


def radius(beta1: str, beta2: str) -> flint.arb:
    """The largest modulus of a multiplier for eps = 0, a proven ball."""
    values = {alpha: sp.Rational(beta1), beta: sp.Rational(beta2), e: 0}
    numbers = [sp.Rational(k.subs(values)) for k in cubic().all_coeffs()]
    polynomial = flint.fmpq_poly([flint.fmpq(int(k.p), int(k.q)) for k in reversed(numbers)])
    moduli = [abs(root) for root, _ in polynomial.complex_roots()]
    return max(moduli, key=lambda ball: float(ball.mid()))


def largest_multiplier(beta1: str, beta2: str, digits: str) -> Finding:
    """Does the largest modulus round to these four digits after the point?"""
    return rounds_to(digits, radius(beta1, beta2), f"beta1 = {beta1}, beta2 = {beta2}: largest multiplier")


@claim.evidence("certified")
def usual_parameters_and_without_momentum() -> Finding:
    return all_of([largest_multiplier("0.9", "0.999", "1.0494"), largest_multiplier("0", "0.9", "0.9487")])


@claim.control("1.0494 for beta2 = 0.99")
def another_beta2() -> Finding:
    return largest_multiplier("0.9", "0.99", "1.0494")


@claim.evidence("symbolic")
def without_momentum_the_moduli_are_roots_of_beta() -> Finding:
    left = sp.expand(cubic().as_expr().subs({alpha: 0, e: 0}) - z * (z**2 + (1 - 3 * beta) * z + beta))
    return (holds if left == 0 else refuted)(f"cubic less z(z^2 + (1 - 3 beta) z + beta) = {left}", cases=1)


# --- Adam itself -----------------------------------------------------------------------------------------------------

LATE = 10**6
"""A step at which bias corrections are 1."""

PARAMETERS = st.sampled_from([("0.9", "0.999"), ("0", "0.9"), ("0.5", "0.9"), ("0.3", "0.99"), ("0.9", "0.95")])


def departs_by(shift: float) -> Finding:
    """Do small departures from the cycle obey the cubic as a recurrence, its middle coefficient off by ``shift``?"""

    def obeys(parameters: tuple[str, str], share: float, kick: tuple[int, int, int]) -> None:
        assume(any(kick))
        beta1, beta2 = parameters
        method = Adam(beta1, beta2, share)
        values = {alpha: sp.Rational(beta1), beta: sp.Rational(beta2), e: sp.Rational(str(share))}
        numbers = np.array([float(k.subs(values)) for k in cubic().all_coeffs()])
        numbers[1] += shift
        size = 2 * (1 + method.beta1) / (1 - method.beta1) * (1 + share)
        state = np.array([-(1 - method.beta1) / (1 + method.beta1), 1.0]) + 1e-8 * np.array(kick[:2])
        theta, moments = np.array([1 + 1e-8 * kick[2]]), (state[:1], state[1:])
        departures = []
        for n in range(12):
            moments, change = method.step(moments, theta, theta, LATE)
            theta = theta + size * change
            departures.append(theta[0] * (-1) ** (n + 1) - 1)
        rows = np.lib.stride_tricks.sliding_window_view(departures, 4)
        rest = np.abs(rows @ numbers[::-1]).max() / np.abs(departures).max()
        assert rest < 1e-3, f"{parameters}, e = {share}: the recurrence leaves {rest:.1e}"

    kicks = st.tuples(*[st.sampled_from([-2, -1, 1, 2])] * 3)
    return check_property(obeys, PARAMETERS, st.sampled_from([1e-8, 0.01, 0.5, 2.0]), kicks, examples=100)


@claim.evidence("property")
def departures_obey_the_cubic() -> Finding:
    return departs_by(0)


@claim.control("the cubic's second coefficient off by 0.1")
def another_cubic() -> Finding:
    return departs_by(0.1)


QUADRATIC = Problem("a*theta**2/2", ["theta"], Empirical({"a": [1]}))


def ends_on(scale: float) -> Finding:
    """Do runs without momentum end at max(0, ``scale`` * step/2 - eps/c), beyond and below the threshold?

    With bias correction, and started in between; c = 1 and step 1: so the sharpness at 0 is 1/eps, the threshold 2.
    """

    def ends(beta2: str, inverse: float) -> None:
        assume(abs(inverse / 2 - 1) > 0.05)
        run = simulate(QUADRATIC, Adam("0", beta2, repr(1 / inverse)), StepSizeSchedule("1"), [0.3], 4000, 1, 0)
        found, claimed = abs(run.theta[0, 0]), max(0.0, scale / 2 - 1 / inverse)
        assert abs(found - claimed) < 1e-6, f"beta2 = {beta2}, eps = {1 / inverse}: ends at {found}, claimed {claimed}"

    return check_property(ends, st.sampled_from(["0.5", "0.8", "0.9"]), st.floats(1, 20), examples=24)


@claim.evidence("property")
def runs_end_on_the_cycle() -> Finding:
    return ends_on(1)


@claim.control("twice the amplitude")
def twice_the_amplitude() -> Finding:
    return ends_on(2)
