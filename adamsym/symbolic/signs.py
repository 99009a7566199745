"""The derivation of the field of methods that move along the sign of a sum of gradients (theory, N-Proposition 15)."""

import sympy as sp

from adamsym.gradients import Problem
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import Method, SignForm, require_sign
from adamsym.symbolic import sign_checks
from adamsym.symbolic.derivation import Derivation, Step, checked_step
from adamsym.symbolic.equality import all_of, exact_equality
from adamsym.symbolic.expansion_checks import is_mean_estimation
from adamsym.symbolic.expectation import expectation, rational
from adamsym.symbolic.point_checks import gradient_check, small_problem
from adamsym.symbolic.rendering import formula, symbol_names
from adamsym.symbolic.sign_checks import LAGS, TERMS, Weights
from adamsym.symbolic.symbols import t

_SHOWN = 4
"""Parameters whose formulas are printed."""

_SIGN = sp.Function("sign")
"""The sign, as a function that SymPy does not rewrite."""


def derive_signs(problem: Problem, method: Method) -> Derivation:
    """Return the derivation of the field of a method that moves along the sign of a sum of gradients; see ``derive``.

    Raises
    ------
    NotApplicable
        For rows in epochs.
    """
    name = type(method).__name__
    require_replacement(problem.sampling, f"the derivation of {name}")
    form = require_sign(method, "a derivation")
    weights, names = sign_checks.weights_of(method, form), symbol_names(problem)
    small = small_problem(problem, 0)
    plain = form.decay == 0 and is_mean_estimation(problem) and form.weights.total == 1
    steps = [
        _gradient(problem, names),
        _series(method, form, weights),
        _characteristic(problem, small, weights, names),
        _inversion(),
        _bounded_series(small, weights),
        _histories(small, weights),
        _limits(problem, weights, names),
        *([_medians(weights)] if plain else []),
    ]
    return Derivation(f"The field of {name}, derived for a given loss and data", tuple(steps))


# --- Gradient and series -------------------------------------------------------------------------------------------


def _gradient(problem: Problem, names: dict[sp.Symbol, str]) -> Step:
    shown = list(range(min(problem.dimension, _SHOWN)))
    left = ["g" if problem.dimension == 1 else f"g_{{{i + 1}}}" for i in shown]
    batch = "" if problem.batch_size == 1 else f" The stochastic gradient is the mean over {problem.batch_size} rows."
    return checked_step(
        "Gradient of the loss",
        f"The loss $l$ of one data row and its derivatives in the parameters.{batch}",
        [f"l = {formula(problem.loss, names)}"]
        + [f"{g} = {formula(problem.gradient_expressions[i], names)}" for g, i in zip(left, shown, strict=True)],
        lambda: gradient_check(problem, problem.gradient_expressions, shown),
    )


def _series(method: Method, form: SignForm, weights: Weights) -> Step:
    decayed = "" if form.decay == 0 else " Decoupled weight decay adds $-\\lambda \\theta$."
    values = [(form.weights.weight(k), weights.of(k)) for k in range(8)]
    checks = [exact_equality(sp.sympify(own).subs(weights.values), rational(exact)) for exact, own in values]
    checks.append(exact_equality(sp.sympify(weights.total).subs(weights.values), rational(form.weights.total)))
    return checked_step(
        "Frozen chain and stationary series",
        "At fixed parameters the sum of past gradients forgets its start; its stationary law is that of the series $M$ "
        "in independent gradients $g_0, g_1, \\dots$, the newest first. A step is minus the sign of $M$, and the "
        "field is its mean, one "
        f"coordinate at a time; a positive factor of all weights changes nothing.{decayed} There is no $\\epsilon$, "
        "and no "
        "Laplace form.",
        [
            r"M = \sum_{k=0}^{\infty} c_k\, g_k,\qquad c_k = " + weights.text,
            r"F = \mathbb{E}\, \mathrm{sign}(M) = P(M > 0) - P(M < 0)",
            "f = -F" if form.decay == 0 else r"f = -F - \lambda\, \theta",
        ],
        lambda: all_of([*checks, *sign_checks.recursion_checks(weights), sign_checks.steps_check(method, form)]),
    )


# --- Characteristic function ---------------------------------------------------------------------------------------


def _characteristic(problem: Problem, small: Problem, weights: Weights, names: dict[sp.Symbol, str]) -> Step:
    product = r"\phi(t) = \mathbb{E}\, e^{i t M} = \prod_{k=0}^{\infty} \chi(c_k t)"
    equations = [product + r",\qquad \chi(s) = \mathbb{E}\, e^{i s g}"]
    for i in range(min(problem.dimension, _SHOWN)):
        index = "" if problem.dimension == 1 else f"_{{{i + 1}}}"
        real, imaginary = sign_checks.characteristic_parts(problem, i)
        equations.append(
            rf"\mathrm{{Re}}\, \chi{index}(s) = {formula(real, names)},\quad "
            rf"\mathrm{{Im}}\, \chi{index}(s) = {formula(imaginary, names)}"
        )
    return checked_step(
        "Characteristic function",
        "The gradients are independent, so the characteristic function of $M$ is a product over the lags. Checked in "
        "the "
        f"first coordinate on some rows: the product of {LAGS} lags, with the formulas of $\\chi$, against the list of "
        "all histories of as many gradients.",
        equations,
        lambda: sign_checks.product_check(small, weights),
    )


def _inversion() -> Step:
    x = sp.Symbol("x", positive=True)
    return checked_step(
        "Inversion",
        "The sign is an integral of sines, which is bounded in its ends; by dominated convergence the expectation may "
        "be taken under it, for every law of the gradient. SymPy does the integral for $x > 0$; in $x$ it is odd.",
        [
            r"\mathrm{sign}(x) = \frac{2}{\pi} \int_{0}^{\infty} \frac{\sin t x}{t}\, dt",
            r"F = \frac{2}{\pi} \lim_{\delta \to 0,\, T \to \infty} \int_{\delta}^{T} "
            r"\mathrm{Im}\, \phi(t)\, \frac{dt}{t}",
        ],
        lambda: all_of(
            [
                exact_equality(2 / sp.pi * sp.integrate(sp.sin(t * x) / t, (t, 0, sp.oo)), 1),
                exact_equality(sp.sin(-t * x), -sp.sin(t * x)),
            ]
        ),
    )


# --- Bounds for every law ------------------------------------------------------------------------------------------


def _bounded_series(small: Problem, weights: Weights) -> Step:
    return checked_step(
        "A series with a bound for every law",
        "Vaaler's trigonometric polynomials approximate the sign with Fejer's kernel as a bound, where $|M| < L$. "
        f"Checked on some rows over {LAGS} lags: $F$ by the list of all histories lies within the bound for "
        f"{', '.join(map(str, TERMS))} terms, and the bound shrinks.",
        [
            r"\left|F - \sum_{n \le N \text{ odd}} \frac{4}{\pi n}\, \omega\!\left(\frac{n}{N+1}\right) \mathrm{Im}\, "
            r"\phi\!\left(\frac{\pi n}{L}\right)\right| \le \frac{2}{N+1} \left[1 + 2 \sum_{n \le N \text{ even}} "
            r"\left(1 - \frac{n}{N+1}\right) \mathrm{Re}\, \phi\!\left(\frac{\pi n}{L}\right)\right]",
            r"\omega(x) = \pi x (1 - x) \cot \pi x + x",
        ],
        lambda: sign_checks.series_check(small, weights),
    )


def _histories(small: Problem, weights: Weights) -> Step:
    return checked_step(
        "Bounds by the newest gradients",
        "Where the gradients are bounded, the lags from $n$ on add a number between $l_n$ and $h_n$: histories of $n$ "
        "gradients that no such number turns have a sign. $p_+$ and $p_-$ are the probabilities of those with either "
        "sign. Checked on some rows: the bounds of more lags lie within those of fewer, and meet those of the series.",
        [
            r"S_n + l_n > 0 \;\Rightarrow\; M > 0,\qquad S_n + h_n < 0 \;\Rightarrow\; M < 0,\qquad "
            r"S_n = \sum_{k < n} c_k\, g_k",
            r"\left|F - (p_+ - p_-)\right| \le 1 - p_+ - p_-",
        ],
        lambda: sign_checks.histories_check(small, weights),
    )


# --- Limits --------------------------------------------------------------------------------------------------------


def _limits(problem: Problem, weights: Weights, names: dict[sp.Symbol, str]) -> Step:
    mean, deviation = sp.Symbol("m", real=True), sp.Symbol("sigma", positive=True)
    total, squares = sp.cancel(weights.total), sp.factor(weights.squares)
    shown = range(min(problem.dimension, _SHOWN))
    left = ["F" if problem.dimension == 1 else f"\\left[F\\right]_{{{i + 1}}}" for i in shown]
    single = [
        rf"{name}_{{c_1 = c_2 = \cdots = 0}} = {formula(expectation(problem, i, _SIGN), names)}"
        for name, i in zip(left, shown, strict=True)
    ]
    return checked_step(
        "Limits",
        "The newest gradient alone; normal gradients with mean m and variance sigma^2, for which M is normal; and no "
        "noise. The slope of the normal case in m is the integral of the inversion, differentiated.",
        [
            *single,
            r"g \sim \mathcal{N}(m, \sigma^2):\quad F = \mathrm{erf}\!\left(\frac{m \sum_k c_k}{\sigma \sqrt{2 \sum_k "
            r"c_k^2}}\right)",
            rf"\sum_k c_k = {formula(total)},\qquad \sum_k c_k^2 = {formula(squares)}",
            r"F_{\text{no noise}} = \mathrm{sign}\!\left(g \sum_k c_k\right)",
        ],
        lambda: all_of([*sign_checks.normal_checks(mean, deviation), *sign_checks.sum_checks(weights)]),
    )


def _medians(weights: Weights) -> Step:
    theta = sp.Symbol("theta", real=True)
    x = sp.symbols(f"x_0:{LAGS}", real=True)
    own = [weights.of(k) for k in range(LAGS)]
    moved = sp.Add(*(c * (theta - one) for c, one in zip(own, x, strict=True)))
    return checked_step(
        "Where the method stops: medians",
        "For mean estimation M is theta less the same mean M_X of the data. The zeros of f are the medians of M_X, in "
        "place of the mean of x.",
        [
            r"M = \theta - M_X,\qquad M_X = \sum_k c_k\, x_k",
            r"F = P(M_X < \theta) - P(M_X > \theta)",
        ],
        lambda: all_of(
            [
                exact_equality(moved, theta * sp.Add(*own) - sp.Add(*(c * one for c, one in zip(own, x, strict=True)))),
                exact_equality(sp.cancel(weights.total), 1),
            ]
        ),
    )
