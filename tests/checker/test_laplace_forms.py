"""The checker's intervals for relatives of Adam hold the expectation itself, summed over all histories of gradients."""

from dataclasses import dataclass, replace
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from arithmetics import BALLS, SLOW, ends, holds, in_both, in_both_by_long_tests, middle, width

from adamsym.certify.sign_lemma import sign_threshold
from adamsym.checker.arithmetic import NotCheckable, is_not_zero
from adamsym.checker.field import _weights_before, _weights_beyond, field_over, quotient
from adamsym.checker.form import form_of
from adamsym.checker.kernels import FormulaBounds, RootOfSumBounds, RootPlusEpsBounds, S, V, bounds_of
from adamsym.checker.law import Law, noise_bound, sign_factor
from adamsym.checker.products import numerators_of, sized, sums_over_lags
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, LagWeights, LaplaceForm, NAdam, RMSprop
from adamsym.methods.kernels import RootOfSum, RootPlusEps


@dataclass(frozen=True)
class Reciprocal:
    """phi(v) = 1/(v + eps), rho(s) = exp(-eps s): a kernel that the checker has no formulas of its own for."""

    epsilon: Fraction
    name = "1/(v + eps)"

    def symbolic(self, v, epsilon):
        return 1 / (v + epsilon)

    def density(self, s, epsilon):
        return sp.exp(-epsilon * s)


PHI = {
    RootPlusEps: (lambda v, e: 1 / (np.sqrt(v) + e), lambda v, e: -1 / (2 * np.sqrt(v) * (np.sqrt(v) + e) ** 2)),
    RootOfSum: (lambda v, e: 1 / np.sqrt(v + e), lambda v, e: -0.5 * (v + e) ** -1.5),
    Reciprocal: (lambda v, e: 1 / (v + e), lambda v, e: -((v + e) ** -2.0)),
}


def form(head, terms, beta, kernel, eps, decay="0"):
    weights = LagWeights(tuple(map(Fraction, head)), tuple((Fraction(a), Fraction(r)) for a, r in terms))
    return LaplaceForm(weights, Fraction(beta), kernel(Fraction(eps)), Fraction(decay))


FORMS = {
    "Adam": Adam("0.2", "0.1", "0.3").laplace,
    "RMSprop": RMSprop("0.1", "0.3").laplace,
    "NAdam": NAdam("0.2", "0.1", "0.01").laplace,
    "eps inside": AdamEpsInsideRoot("0.2", "0.1", "0.09").laplace,
    "eps inside, tiny": AdamEpsInsideRoot("0.2", "0.1", "1e-16").laplace,
    "eps tiny": RMSprop("0.1", "1e-8").laplace,
    "eps large": NAdam("0.2", "0.1", "1000").laplace,
    "eps inside, large": AdamEpsInsideRoot(0, "0.05", "1e6").laplace,
    "no memory": form(["0.7"], [], "0", RootOfSum, "0.2"),
    "two terms": form(["0.3"], [("0.2", "0.2"), ("-0.1", "0.3")], "0.1", RootPlusEps, "0.3"),
    "long head": form(["0.5", "-0.2", "0", "0.1"], [("0.3", "0.2")], "0.1", RootOfSum, "0.3"),
    "weights that cancel": form(["-0.25", "-0.04"], [("0.2", "0.2")], "0.1", RootPlusEps, "0.3"),
    "one late weight": form(["0", "0", "1"], [], "0.1", RootPlusEps, "0.3"),
    "another kernel": form(["0.5"], [("0.3", "0.2")], "0.1", Reciprocal, "0.3"),
    "another kernel, small eps": form([], [("0.8", "0.2")], "0.1", Reciprocal, "1e-4"),
}
ATOMS, SLOPES, CHANCES = (-0.4, 1.5), (0.7, -1.3), (0.75, 0.25)


def by_enumeration(form):
    """E[M phi(V)] and its derivative in theta, over all histories of 17 gradients.

    What is older weighs below 1e-17 in V, and is independent of the rest in M.
    """
    lags = 17 if form.beta else 1
    number = np.arange(2**lags)
    choice = (number[:, None] >> np.arange(lags)) & 1
    g, slope = np.array(ATOMS)[choice], np.array(SLOPES)[choice]
    chance = np.array(CHANCES)[choice].prod(axis=1)
    c = np.array([float(form.weights.weight(k)) for k in range(lags)])
    w = (1 - float(form.beta)) * float(form.beta) ** np.arange(lags)
    older = float(form.weights.total) - c.sum()
    m, dm = g @ c + older * np.dot(CHANCES, ATOMS), slope @ c + older * np.dot(CHANCES, SLOPES)
    v, dv = g**2 @ w, 2 * (g * slope) @ w
    phi, change = PHI[type(form.kernel)]
    eps = float(form.kernel.epsilon)
    return chance @ (m * phi(v, eps)), chance @ (dm * phi(v, eps) + m * change(v, eps) * dv)


def by_checker(using, form, slopes=(SLOPES,), tolerance=1e-15):
    atoms, chances, *columns = ([using.number(x) for x in values] for values in (ATOMS, CHANCES, *slopes))
    with using.working():
        return quotient(Law(using, atoms, chances, columns), form_of(using, form), tolerance)


BY_DEFAULT = ("NAdam", "eps inside, tiny", "long head", "weights that cancel", "another kernel")


@in_both_by_long_tests
@pytest.mark.parametrize("name", [n if n in BY_DEFAULT else pytest.param(n, marks=pytest.mark.slow) for n in FORMS])
def test_the_expectation_over_all_histories_is_held(using, name):
    form = FORMS[name]
    phi, _ = PHI[type(form.kernel)]
    narrow = (1e-13, 1e-11 + 1e-17 * phi(0.0, float(form.kernel.epsilon)))
    for found, value, most in zip(by_checker(using, form), by_enumeration(form), narrow, strict=True):
        assert holds(found, value, 1e-13 * (1 + abs(value)))
        assert width(found) <= most * (1 + abs(value))
        # The control: what is next to it is not held.
        assert not holds(found, value + 1e-9 * (1 + abs(value)), 1e-13 * (1 + abs(value)))


@in_both
def test_each_part_of_a_form_counts(using):
    """One thing changed in a form, and its value is another."""
    near = [
        form(["0.3"], [("0.4", "0.2")], "0.1", RootPlusEps, "0.3"),
        form(["0.3001"], [("0.4", "0.2")], "0.1", RootPlusEps, "0.3"),
        form(["0.3", "0.0001"], [("0.4", "0.2")], "0.1", RootPlusEps, "0.3"),
        form(["0.3"], [("0.4", "0.2001")], "0.1", RootPlusEps, "0.3"),
        form(["0.3"], [("0.4", "0.2")], "0.1001", RootPlusEps, "0.3"),
        form(["0.3"], [("0.4", "0.2")], "0.1", RootPlusEps, "0.3001"),
        form(["0.3"], [("0.4", "0.2")], "0.1", RootOfSum, "0.3"),
    ]
    first, *others = (by_checker(using, one, slopes=(), tolerance=1e-7)[0] for one in near)
    assert all(is_not_zero(other - first) for other in others)


def width_over_a_box(form):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    with BALLS.working():
        box = [BALLS.between(0.9, 0.901)]
        return width(field_over(problem, form_of(BALLS, form), box, slopes=False, tolerance=1e-6).value[0])


def test_weights_that_cancel_at_one_lag_do_so_exactly():
    """Boxes widen what is subtracted, so that three weights of 0 must not be a difference."""
    tail = [str(Fraction(1, 2 ** (k + 1))) for k in range(3, 20)]
    cancelling = width_over_a_box(form(["-1/2", "-1/4", "-1/8"], [("1/2", "1/2")], "0.99", RootPlusEps, "0.01"))
    listed = width_over_a_box(form(["0", "0", "0", *tail], [], "0.99", RootPlusEps, "0.01"))
    assert cancelling == pytest.approx(listed, rel=1e-3)
    # The control: with the sum of the sizes of head and terms the width is several times as large.
    several = width_over_a_box(form(["1/2", "1/4", "1/8"], [("1/2", "1/2")], "0.99", RootPlusEps, "0.01"))
    assert several > 5 * cancelling


@in_both
@pytest.mark.parametrize("name", ["Adam", "NAdam", "long head", "two terms", "weights that cancel", "one late weight"])
def test_sums_over_lags_are_those_of_the_weights(using, name):
    form = FORMS[name]
    with using.working():
        parts, made_of = numerators_of(form_of(using, form))
        sizes = [sized(using, part) for part in parts]
        for power in (1.0, 0.5, 0.01):
            own, bounds = (sums_over_lags(chosen, using.number(power)) for chosen in (parts, sizes))
            weights = [float(form.weights.weight(k)) * power**k for k in range(60)]
            assert holds(using.total(factor * own[k] for k, factor in made_of), sum(weights), 1e-15)
            size = using.total(using.magnitude(factor) * bounds[k] for k, factor in made_of)
            assert ends(size)[1] >= sum(map(abs, weights)) - 1e-15


LONG = [
    RMSprop(),
    NAdam("0.9", "0.99", "1e-3"),
    AdamEpsInsideRoot("0.9", "0.999", "1e-16"),
    AdamW("0.5", "0.9", "0.1", "0.3"),
]


@pytest.mark.slow
@in_both
@pytest.mark.parametrize("method", LONG, ids=str)
def test_long_memories_agree_with_the_floats(using, method):
    problem = Problem("(a*tanh(b*x) - y)**2/2", ["a", "b"], Empirical({"x": [0.5, -1, 2], "y": [0.3, -0.7, 0.8]}))
    theta, field = [-0.3, 0.4], AdamField(problem, method)
    with using.working():
        found = field_over(problem, form_of(using, method.laplace), [using.number(x) for x in theta], slopes=True)
    value, slopes = field(theta), field.jacobian(theta)
    for i in range(2):
        assert holds(found.value[i], value[i], 1e-12)
        assert width(found.value[i]) < 1e-13
        for j in range(2):
            assert holds(found.jacobian[i][j], slopes[i, j], 1e-9 * (1 + abs(slopes[i, j])))


@in_both
def test_the_drift_is_minus_decay_theta(using):
    """Off the diagonal of Df there is none."""
    problem = Problem("(a - x)**2/2 + a*b", ["a", "b"], Empirical({"x": [0, 3]}))
    plain, decayed = (form_of(using, m.laplace) for m in (Adam(0, 0, "0.1"), AdamW(0, 0, "0.1", "1/3")))
    theta = [using.between(1.5, 1.75), using.number(-3)]
    with using.working():
        one, other = (field_over(problem, form, theta, True, 1e-6) for form in (plain, decayed))
    for i in range(2):
        (low, high), drift = ends(theta[i]), other.value[i] - one.value[i]
        assert holds(drift, -high / 3)
        assert holds(drift, -low / 3)
        for j in range(2):
            assert float(middle(other.jacobian[i][j]) - middle(one.jacobian[i][j])) == pytest.approx(
                -(i == j) / 3, abs=1e-12
            )


@pytest.mark.parametrize(
    "methods",
    [
        [AdamEpsInsideRoot("0.3", "0.5", "0.01")],
        pytest.param([RMSprop("0.5", "0.1"), NAdam("0.3", "0.5", "0.1"), LONG[3]], marks=pytest.mark.slow),
    ],
    ids=["one", "others"],
)
@in_both_by_long_tests
def test_boxes_hold_what_is_inside(using, methods):
    problem = Problem("(a*tanh(b*x) - y)**2/2", ["a", "b"], Empirical({"x": [0.5, -1], "y": [0.3, -0.7]}))
    rng = np.random.default_rng(3)
    for method in methods:
        low = rng.uniform(-1, 1, 2)
        size, field = rng.uniform(0, 0.3, 2), AdamField(problem, method)
        with using.working():
            box = [using.between(a, a + b) for a, b in zip(low, size, strict=True)]
            found = field_over(problem, form_of(using, method.laplace), box, slopes=True, tolerance=1e-11)
        for _ in range(3):
            theta = low + rng.uniform(0, 1, 2) * size
            value, slopes = field(theta), field.jacobian(theta)
            for i in range(2):
                assert holds(found.value[i], value[i], 1e-12)
                assert all(holds(found.jacobian[i][j], slopes[i, j], 1e-9) for j in range(2))


# --- the kernels ------------------------------------------------------------------------------------------------------

KERNELS = [
    pytest.param(RootPlusEpsBounds, lambda v, e: 1 / (mpmath.sqrt(v) + e), marks=pytest.mark.slow),
    (RootOfSumBounds, lambda v, e: 1 / mpmath.sqrt(v + e)),
    (lambda using, e: bounds_of(using, Reciprocal(e)), lambda v, e: 1 / (v + e)),
]


@pytest.mark.parametrize("eps", ["0.3", *(pytest.param(e, marks=pytest.mark.slow) for e in ("1e-12", "1e4"))])
@pytest.mark.parametrize(("bounds", "phi"), KERNELS, ids=["root plus eps", "root of sum", "reciprocal"])
@in_both_by_long_tests
def test_bounds_of_kernels_hold_and_are_no_worse_than_the_general_ones(using, bounds, phi, eps):
    """``phi`` is integrated from the density; drop, rooted and growth hold at points, and near misses do not."""
    using = replace(using, bits=200)
    kernel = bounds(using, Fraction(eps))
    with using.working(), mpmath.workdps(40):
        e = mpmath.mpf(Fraction(eps).numerator) / Fraction(eps).denominator
        scale = e if bounds is not RootPlusEpsBounds else e**2
        for share in ("1e-9", "3"):
            v = scale * mpmath.mpf(share)
            at, true = point(using, v), phi(v, e)
            assert around(kernel.of(at), true)
            drop = ends(kernel.drop(at))[1]
            assert phi(0, e) - true <= drop * (1 + mpmath.mpf("1e-30"))
            assert drop <= (phi(0, e) - true) * (1 + mpmath.mpf("1e-9"))
            # The density's Laplace transform, by the trapezoidal rule in log s.
            step = mpmath.mpf(1) / 4
            nodes = [mpmath.exp(k * step - mpmath.log(v)) for k in range(-400, 24)]
            weights = [middle(kernel.weight(point(using, s))) for s in nodes]
            total = mpmath.fsum(w * mpmath.exp(-s * v) for w, s in zip(weights, nodes, strict=True))
            assert abs(step * total / true - 1) < 1e-12
            # What is left out on either side of a node: sums of the weights themselves, beside their bounds.
            for place in (100, 380, 410):
                s = nodes[place]
                left = step * mpmath.fsum(w * u for w, u in zip(weights[:place], nodes, strict=False))
                right = step * mpmath.fsum(weights[place + 1 :])
                at = point(using, s)
                before = ends(_weights_before(kernel, at, using.number(0.25)))[1]
                assert left <= before
                assert place > 100 or before <= 30 * left
                assert right <= ends(_weights_beyond(kernel, at, using.number(0.25)))[1]
            root = point(using, mpmath.sqrt(v))
            sup = max(mpmath.sqrt(v * t) * phi(v * t, e) for t in mpmath.linspace(0.001, 1, 200))
            assert sup * (1 - mpmath.mpf("1e-30")) <= ends(kernel.rooted(root))[1] <= 2 * sup
            for beta in ("0.001", "0.9"):
                b = Fraction(beta)
                ratios = [phi(float(b) * v * t, e) / phi(v * t, e) - 1 for t in map(mpmath.mpf, ("1e-6", "0.1", "1"))]
                growth = ends(kernel.growth(b, root))[1]
                assert growth >= max(ratios) * (1 - mpmath.mpf("1e-12"))
                if bounds in PROVIDED:
                    general = ends(super(type(kernel), kernel).growth(b, root))[1]
                    assert growth <= general * (1 + mpmath.mpf("1e-20"))
            steep = max(abs(mpmath.diff(lambda x: phi(x, e), v * t)) * v * t for t in (0.1, 1, 10))
            assert ends(kernel.scaled_slope)[1] >= steep * (1 - mpmath.mpf("1e-12"))
            if kernel.root_slope is not None:
                least, most = ends(kernel.root_slope)
                assert most * mpmath.sqrt(v) >= (phi(0, e) - true) * (1 - mpmath.mpf("1e-30"))
                assert least / 2 >= abs(mpmath.diff(lambda x: phi(x, e), v)) * mpmath.sqrt(v)


PROVIDED = (RootPlusEpsBounds, RootOfSumBounds)


def point(using, value):
    """A point at one of mpmath's numbers, of at most 200 bits."""
    sign, mantissa, exponent, _ = value._mpf_
    return using.exact((-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent)


def around(found, value):
    return holds(found, value, abs(value) * mpmath.mpf("1e-30"))


@in_both
def test_formulas_of_users_are_folded_or_refused(using):
    with using.working(), mpmath.workdps(40):
        kernel = bounds_of(using, Reciprocal(Fraction(1, 3)))
        assert isinstance(kernel, FormulaBounds)
        assert around(kernel.of(using.number(2)), mpmath.mpf(3) / 7)
        for method in (Adam(), AdamEpsInsideRoot()):
            assert not isinstance(bounds_of(using, method.laplace.kernel), FormulaBounds)
        with pytest.raises(NotCheckable, match="erfc"):
            FormulaBounds(using, Fraction(1), 1 / (V + 1), sp.erfc(S)).weight(using.number(2))


def test_numerators_that_no_root_bounds_are_refused():
    for one in (form([], [("0.1", "0.9")], "0.81", RootPlusEps, "1"), form(["0", "1"], [], "0", RootPlusEps, "1")):
        with pytest.raises(NotCheckable, match="not bounded by the root"):
            form_of(SLOW, one)
    assert form_of(SLOW, form([], [("0.1", "0.9")], "0.811", RootPlusEps, "1")).terms


# --- sums over the lag weights, and the sign lemma --------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FORMS, pytest.param("default", marks=pytest.mark.slow)])
@in_both
def test_sums_over_lag_weights(using, name):
    """Against the weights one by one; C also against the gradients for which |M| = C sqrt V."""
    laplace = FORMS.get(name) or Adam().laplace
    with using.working(), mpmath.workdps(30):
        found, beta = form_of(using, laplace), mpmath.mpf(float(laplace.beta))
        lags = 6000 if name == "default" else 400 if beta else 1
        c = [mpmath.mpf(w.numerator) / w.denominator for w in map(laplace.weights.weight, range(lags))]
        assert abs(middle(found.sum) - sum(c)) < 1e-15
        size = ends(found.size)[1]
        assert sum(map(abs, c)) * (1 - mpmath.mpf("1e-15")) <= size
        squares = sum(x**2 / ((1 - beta) * beta**k if k else 1 - beta) for k, x in enumerate(c))
        assert abs(ends(found.step_bound)[1] / mpmath.sqrt(squares) - 1) < 1e-12
        assert found.averages == all(x >= 0 for x in c)
        if found.averages:
            assert size <= ends(found.sum)[1] * (1 + mpmath.mpf("1e-20"))


@in_both
def test_the_sign_lemma_needs_weights_that_average(using):
    law = Law(using, [using.number(-1), using.number(2)], [using.number(0.5)] * 2, [])
    with using.working():
        assert sign_factor(law, form_of(using, NAdam().laplace)) > 0
        assert sign_factor(law, form_of(using, form(["-0.2"], [("0.2", "0.2")], "0.1", RootPlusEps, "1"))) > 0
        for head, terms in ((["-0.3"], [("0.2", "0.2")]), (["1"], [("-0.2", "0.2")]), (["0"], [])):
            with pytest.raises(NotCheckable, match="not negative"):
                sign_factor(law, form_of(using, form(head, terms, "0.1", RootPlusEps, "1")))


@pytest.mark.parametrize("kernel", [RootPlusEps, RootOfSum, Reciprocal])
def test_the_sign_lemma_holds_over_all_histories(kernel):
    """Laws of two values around the threshold: E[M phi(V)] >= c (m - q sigma) E phi(V); not with a tenth of q.

    The same with the least bound of N-Lemma 4 for q sigma, and not with a tenth of it.
    """
    rng, needed, sharper = np.random.default_rng(5), 0, 0
    g = (np.arange(2**11)[:, None] >> np.arange(11)) & 1
    for _ in range(60):
        chance, beta, eps = 10 ** rng.uniform(-3, -0.1), rng.choice([0.01, 0.03]), 10 ** rng.uniform(-6, 1)
        atoms = np.array([rng.uniform(0, 1), -rng.uniform(0, 40)])
        laplace = form(["0.3"], [("0.7", "0.05")], str(beta), kernel, f"{eps:.3e}")
        chances = np.array([1 - chance, chance])
        law = Law(SLOW, [SLOW.number(x) for x in atoms], [SLOW.number(x) for x in chances], [])
        with SLOW.working():
            q = float(sign_factor(law, form_of(SLOW, laplace)))
            noise = float(noise_bound(law, law, form_of(SLOW, laplace)))
        c, w = np.array([float(laplace.weights.weight(k)) for k in range(11)]), (1 - beta) * beta ** np.arange(11)
        phi = PHI[kernel][0]((atoms[g] ** 2) @ w, float(laplace.kernel.epsilon))
        weight = chances[g].prod(axis=1)
        mean, spread = chances @ atoms, abs(atoms[0] - atoms[1]) * np.sqrt(chance * (1 - chance))
        left, right = weight @ (atoms[g] @ c * phi), float(laplace.weights.total) * (weight @ phi)
        assert left >= right * (mean - q * spread) - 1e-9 * abs(right)
        assert left >= right * (mean - noise) - 1e-9 * abs(right)
        assert noise <= q * spread * (1 + 1e-12)
        needed += left < right * (mean - 0.1 * q * spread) - 1e-9 * abs(right)
        sharper += left < right * (mean - 0.1 * noise) - 1e-9 * abs(right)
    assert needed
    assert sharper


@in_both
def test_the_noise_bound_is_that_of_the_search(using):
    """Each of (a), (b) and (c) of N-Lemma 4 is the least for some law; the two codes agree."""
    rng, least = np.random.default_rng(6), set()
    for _ in range(40):
        n, beta, eps = int(rng.integers(2, 9)), rng.choice(["0.3", "0.9", "0.999"]), f"{10 ** rng.uniform(-6, 2):.3e}"
        atoms, chances = rng.normal(size=n), rng.dirichlet(np.full(n, rng.choice([0.1, 1, 20]))) + 1e-9
        laplace = Adam("0.2", beta, eps).laplace
        law = Law(using, [using.number(x) for x in atoms], [using.number(x) for x in chances], [])
        with using.working():
            found = float(ends(noise_bound(law, law, form_of(using, laplace)))[1])
        with ball_arithmetic():
            balls = BallLaw([flint.arb(x) for x in atoms], [flint.arb(x) for x in chances])
            theirs = float(sign_threshold(balls, balls, laplace))
        deviations = np.abs(atoms - chances @ atoms)
        r = (1 - float(beta) ** 0.5) * np.abs(atoms).max() / (float(beta) ** 0.5 * np.abs(atoms).max() + float(eps))
        own = [np.sqrt(r * (chances @ deviations**2)), r * deviations.max()]
        own.append((r**3 * (1 + r) * (chances @ deviations**4)) ** 0.25)
        least.add(int(np.argmin(own)))
        assert found == pytest.approx(min(own), rel=1e-9)
        assert theirs == pytest.approx(min(own), rel=1e-9)
    assert least == {0, 1, 2}
