r"""C0: the formulas behind all other claims: the stationary series, the Laplace form, the step bound, the limits.

With weights a_k = (1-alpha) alpha^k and w_k = (1-beta) beta^k, A(t) = E[g exp(-t g^2)] and B(t) = E[exp(-t g^2)],

$$f = -E\frac{\sum a_k g_k}{\sqrt{\sum w_k g_k^2}+\varepsilon}
    = -\int_0^\infty \rho(s) \sum_k a_k A(s w_k) \prod_{j \ne k} B(s w_j) ds.$$

Cited: the Adam vector field of arXiv 2511.04622. Added here: the Laplace form and all other formulas.

The derivations of whole problems are checked step by step; the symbolic forms, evaluated on their own, are compared
with the field's quadrature; the derivative of the mean loss along f with differences of the loss; and runs with Adam's
recursion written out.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from adamsym import Adam, AdamField, Claim, Empirical, Independent, Problem, StepSizeSchedule, derive, simulate
from adamsym.claims import Finding, holds, refuted, scaled
from adamsym.expressions.compilation import FloatArray
from adamsym.symbolic import Check, Step, SymbolicField, laplace, lyapunov, stationary_moments
from adamsym.symbolic.symbols import adam_values, alpha, beta, epsilon, k, s, t

claim = Claim(
    "C0",
    title="The field's formulas hold: series, Laplace form, step bound, limits, Lyapunov derivative",
    statement=(
        r"If $E|g|<\infty$, the field $f=-E[M/(\sqrt{V}+\varepsilon)]$ is "
        r"$-\int_0^\infty\rho(s)\sum_k a_kA(sw_k)\prod_{j\ne k}B(sw_j)\,ds$, "
        r"and along its flow $\frac{d}{dt}L=\langle\nabla L,f\rangle$."
    ),
    source="arXiv 2511.04622 for the field; T1, T4, T6, T7, T9",
)

MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
PAIRS = Problem("(theta*x - y)**2/2", ["theta"], Empirical({"x": [1, 2], "y": [1, -1]}, ["1/3", "2/3"]), batch_size=2)
NORMAL = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(1, 2)"}))
PLANE = Problem(
    "(a*x + b - y)**2/2 + (a*b)**2/4", ["a", "b"], Empirical({"x": [1, 2, -1], "y": [1, 0, 3]}, ["1/2", "1/4", "1/4"])
)
ADAM = Adam("0.5", "0.6", "0.1")

BETWEEN = Adam("0.95", "0.998", "0.1")
"""Its lag -log(beta) is a small part of the quadrature's step: lags fall between the nodes."""


@cache
def steps() -> tuple[Step, ...]:
    """All steps of the derivations; a step whose check fails is an error."""
    return tuple(step for problem in (MEAN, NORMAL, PAIRS)[: scaled(3)] for step in derive(problem, ADAM).steps)


@claim.evidence("symbolic")
def identities_of_the_derivations() -> Finding:
    found = sum(step.identities for step in steps())
    return holds(f"{found} identities are exact", cases=found) if found else refuted("no identity is exact")


@claim.evidence("property")
def derivations() -> Finding:
    """What has no exact proof in a derivation is checked at random points, to 9 digits or more."""
    failing = [step.title for step in steps() if not step.ok]
    return refuted(f"steps fail: {failing}") if failing else holds("every step is checked", cases=len(steps()))


WEIGHTS = (stationary_moments.numerator_weight, stationary_moments.denominator_weight)


def lags(adam: Adam) -> FloatArray:
    """0, 1, 2, ... until beta^k is below 1e-19."""
    return np.arange(np.ceil(np.log(1e-19) / np.log(adam.beta2)))


def by_laplace_form(problem: Problem, adam: Adam, theta: float) -> float:
    """F from the symbolic rho, A, B and weights alone, by the trapezoidal rule in log s."""
    field = SymbolicField(problem, adam)
    values = field.values | {problem.parameters[0]: sp.Float(theta, 30)}
    forms = field.laplace
    rho = sp.lambdify([s], forms.rho.xreplace(values), "scipy")
    first, second = (sp.lambdify([t], form[0].xreplace(values), "numpy") for form in (forms.A, forms.B))
    a, w = (sp.lambdify([k], form.xreplace(values))(lags(adam)) for form in WEIGHTS)
    step = 0.25
    # Further right exp(-s v) has vanished; so has s rho(s) further left.
    nodes = np.exp(np.arange(-75, np.log(5000), step))
    times = nodes[:, None] * w
    ones = np.ones((len(nodes), 1))
    before = np.cumprod(np.hstack((ones, second(times)[:, :-1])), axis=1)
    after = np.cumprod(np.hstack((ones, second(times)[:, :0:-1])), axis=1)[:, ::-1]
    return float(step * (nodes * rho(nodes) * (a * first(times) * before * after).sum(axis=1)).sum())


def agreement(problem: Problem, adam: Adam, other: Adam) -> Finding:
    """Does the Laplace form of one Adam give the field of another?"""
    points = [-0.7, 0.3, 2.2]
    found = [-by_laplace_form(problem, adam, theta) for theta in points]
    known = AdamField(problem, other)([[theta] for theta in points])[:, 0]
    worst = float(np.abs(np.array(found) - known).max())
    text = f"Laplace form and quadrature differ by {worst:.1e}"
    return holds(text, cases=len(points)) if worst < 1e-11 else refuted(text)


@claim.evidence("property")
def laplace_form_of_rows() -> Finding:
    return agreement(MEAN, ADAM, ADAM)


@claim.evidence("property")
def laplace_form_with_lags_between_the_nodes() -> Finding:
    return agreement(MEAN, BETWEEN, BETWEEN)


@claim.evidence("property")
def laplace_form_of_minibatches() -> Finding:
    return agreement(PAIRS, ADAM, ADAM)


@claim.evidence("property")
def laplace_form_of_a_normal_law() -> Finding:
    return agreement(NORMAL, ADAM, ADAM)


@claim.evidence("property")
def limits() -> Finding:
    """The four limits, as expressions, beside the field close to them."""
    theta = 0.3
    one_row = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [2]}))
    cases: dict[str, tuple[Problem, Adam, Callable[[float], float]]] = {
        "beta -> 1": (MEAN, Adam("0.5", "0.9999999", "0.1"), lambda f: f),
        "alpha = beta = 0": (MEAN, Adam(0, 0, "0.1"), lambda f: f),
        "epsilon -> oo": (MEAN, Adam("0.5", "0.6", "1e8"), lambda f: 1e8 * f),
        "deterministic": (one_row, ADAM, lambda f: f),
    }
    for name, (problem, adam, in_units) in cases.items():
        (form,) = SymbolicField(problem, adam).limits[name]
        value = float(form.xreplace({**adam_values(adam), problem.parameters[0]: sp.Float(theta, 30)}))
        found = in_units(-float(AdamField(problem, adam)([theta])[0]))
        if abs(found - value) > 1e-6:
            return refuted(f"{name}: {found:.9f}, not {value:.9f}")
    return holds("the field is close to its limits", cases=len(cases))


@claim.evidence("property")
def step_bound_is_sharp() -> Finding:
    """For gradients g_k = a_k/w_k over the newest lags |M| = C sqrt V: the number C is that of the weights."""
    a, w = 0.5 * 0.5 ** lags(ADAM), 0.4 * 0.6 ** lags(ADAM)
    found = float((a * a / w).sum() / np.sqrt((w * (a / w) ** 2).sum()))
    known = float(
        sp.sqrt(stationary_moments.step_bound_squared.xreplace({alpha: sp.Rational(1, 2), beta: sp.Rational(3, 5)}))
    )
    agree = abs(found - known) < 1e-12 and abs(found - ADAM.step_bound) < 1e-12
    text = f"C = {found:.9f} by the weights, {known:.9f} by its formula"
    return holds(text, cases=1) if agree else refuted(text)


def slope_of_loss(problem: Problem, theta: FloatArray, direction: FloatArray) -> float:
    """The derivative of the mean loss along a direction, by a central difference."""
    assert isinstance(problem.law, Empirical)
    loss = sp.lambdify([*problem.parameters, *problem.columns], problem.loss, "numpy")
    h, rows = 1e-5, list(zip(problem.law.probabilities, problem.law.rows, strict=True))

    def mean(point: FloatArray) -> float:
        return float(sum(p * loss(*point, *row) for p, row in rows))

    return (mean(theta + h * direction) - mean(theta - h * direction)) / (2 * h)


def derivative_along(problem: Problem, sign: float) -> Finding:
    """Is the symbolic <grad L, f> the derivative of L along ``sign`` f?"""
    points = np.array([[0.3, -0.8], [1.5, 0.4], [-1.1, 2.0]])
    values = AdamField(problem, ADAM)(points)
    form = lyapunov.lyapunov_derivative(problem).derivative
    for theta, f in zip(points, values, strict=True):
        means = {sp.Symbol(f"F_{i + 1}", real=True): -f[i] for i in range(2)}
        found = float(form.xreplace(means | dict(zip(problem.parameters, theta, strict=True))))
        known = slope_of_loss(problem, theta, sign * f)
        if abs(found - known) > 1e-7 * (1 + abs(known)):
            return refuted(f"at {theta}: {found:.9f}, not {known:.9f}")
    return holds("the derivative of the loss along the field", cases=len(points))


@claim.evidence("property")
def derivative_of_the_loss() -> Finding:
    return derivative_along(PLANE, 1.0)


def slopes(problem: Problem, adam: Adam, factor: float) -> Finding:
    """Is ``factor`` times the Jacobian the field's central difference, where minibatches are listed and where not?"""
    field, h = AdamField(problem, adam), 1e-4
    d = problem.dimension
    for theta in np.array([[0.3, -0.8], [1.5, 0.4], [-1.1, 2.0]])[:, :d]:
        shifts = h * np.eye(d)
        known = ((field(theta + shifts) - field(theta - shifts)) / (2 * h)).T
        error = float(np.abs(factor * field.jacobian(theta) - known).max())
        if error > 1e-5:
            return refuted(f"at {theta}: the Jacobian is off by {error:.1e}")
    return holds("the Jacobian is the field's derivative", cases=3)


@claim.evidence("property")
def jacobian() -> Finding:
    return slopes(PLANE, ADAM, 1.0)


@claim.evidence("property")
def jacobian_near_beta_1() -> Finding:
    return slopes(PLANE, Adam("0.9", "0.999", "0.1"), 1.0)


@claim.evidence("property")
def jacobian_of_large_minibatches() -> Finding:
    rows = Empirical({"x": [x / 7 for x in range(30)]})
    return slopes(Problem("log(cosh(theta - x))", ["theta"], rows, batch_size=12), ADAM, 1.0)


def runs(corrected: bool, first: int) -> Finding:
    """Are runs on one row Adam's recursion, with bias corrections and step sizes gamma_n, n = ``first``, ...?"""
    problem = Problem("log(cosh(theta - x)) + theta**2/8", ["theta"], Empirical({"x": [2]}))
    cases = [ADAM, Adam("0.9", "0.999", "1e-8"), Adam(0, "0.9", "0.1")]
    for adam in cases:
        found = simulate(problem, adam, StepSizeSchedule("0.1/n**0.7"), [0.5], 60, 1, 0, record_every=1).recorded
        theta, m, v = 0.5, 0.0, 0.0
        for n in range(1, 61):
            g = float(np.tanh(theta - 2) + theta / 4)
            m, v = adam.beta1 * m + (1 - adam.beta1) * g, adam.beta2 * v + (1 - adam.beta2) * g * g
            m_hat, v_hat = (m / (1 - adam.beta1**n), v / (1 - adam.beta2**n)) if corrected else (m, v)
            theta -= 0.1 / (n + first - 1) ** 0.7 * m_hat / (np.sqrt(v_hat) + adam.eps)
            if abs(theta - found[n - 1, 0, 0]) > 1e-10:
                return refuted(f"{adam}: after step {n} theta is {found[n - 1, 0, 0]:.12f}, not {theta:.12f}")
    return holds("runs are Adam's recursion", cases=60 * len(cases))


@claim.evidence("property")
def runs_are_adam() -> Finding:
    return runs(corrected=True, first=1)


# --- Controls: near misses -----------------------------------------------------------------------------------------


def judged(check: Check) -> Finding:
    return holds(check.text, cases=1) if check.ok else refuted(check.text)


@claim.control("the Laplace form of another beta1")
def another_beta1() -> Finding:
    return agreement(MEAN, Adam("0.501", "0.6", "0.1"), ADAM)


@claim.control("rho with eps in place of eps^2")
def another_kernel() -> Finding:
    return judged(laplace.kernel_check(laplace.kernel.subs(sp.exp(epsilon**2 * s), sp.exp(epsilon * s))))


@claim.control("weights that do not sum to 1")
def unnormed_weights() -> Finding:
    return judged(stationary_moments.weights_check(beta**k, beta))


@claim.control("C without the factor 1 - beta")
def another_step_bound() -> Finding:
    return judged(stationary_moments.step_bound_check(stationary_moments.step_bound_squared * (1 - beta)))


@claim.control("half the level of the Lyapunov region")
def another_level() -> Finding:
    return judged(lyapunov.bound_check(level=lyapunov.sublevel() / 2))


@claim.control("the loss falls along minus f")
def the_other_way() -> Finding:
    return derivative_along(PLANE, -1.0)


@claim.control("minus the Jacobian")
def another_sign_of_the_jacobian() -> Finding:
    return slopes(PLANE, ADAM, -1.0)


@claim.control("runs without bias corrections")
def uncorrected_runs() -> Finding:
    return runs(corrected=False, first=1)


@claim.control("step sizes one step late")
def late_steps() -> Finding:
    return runs(corrected=True, first=2)
