"""The derivation of the Adam field of a problem: every formula from the gradient to the Lyapunov bound, checked."""

import math
from collections.abc import Mapping, Sequence

import sympy as sp

from adamsym.expressions.arguments import checked_arguments, takes_field
from adamsym.gradients import Empirical, Problem, StochasticGradient
from adamsym.gradients.problem import require_loss
from adamsym.methods import Method, require_laplace
from adamsym.methods.kernels import RootOfSum, RootPlusEps
from adamsym.symbolic import expansion, expansion_checks, laplace, lyapunov, point_checks, stationary_moments
from adamsym.symbolic.cycles import derive_cycle
from adamsym.symbolic.derivation import Derivation, Step, checked_step
from adamsym.symbolic.equality import Check, all_of, exact_equality
from adamsym.symbolic.expectation import expectation
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.rendering import Printed, formula, symbol_names
from adamsym.symbolic.signs import derive_signs
from adamsym.symbolic.symbolic_field import SymbolicField
from adamsym.symbolic.symbols import alpha, beta, geometric_sum, v

_ALL_SHOWN = 4
"""Problems with more parameters show their first two coordinates and the last."""


def _moment(problem: Problem, coordinate: int, power: int) -> sp.Expr:
    return expectation(problem, coordinate, lambda g: g**power)


class _Writer:
    """A problem with what its steps share: the field, the coordinates shown, a small law, names for printing."""

    def __init__(self, problem: Problem, adam: Method) -> None:
        self.problem = problem
        self.adam = adam
        self.field = SymbolicField(problem, adam)
        self.method = self.field.method
        self.own = None if self.method.is_adam else self.method
        self.form = require_laplace(adam, "a derivation")
        d = problem.dimension
        self.shown: Sequence[int] = range(d) if d <= _ALL_SHOWN else (0, 1, d - 1)
        self.names, self.printed = symbol_names(problem), Printed()
        self.small = point_checks.small_problem(problem, 0)
        self.small_field = SymbolicField(self.small, adam)

    def moments(self, power: int) -> dict[int, sp.Expr]:
        """Moments of the coordinates shown."""
        return {i: _moment(self.problem, i, power) for i in self.shown}

    def tex(self, expression: sp.Expr) -> str:
        return formula(expression, self.names, self.printed)

    def per_coordinate(self, letter: str, expressions: Sequence[sp.Expr] | Mapping[int, sp.Expr]) -> list[str]:
        if self.problem.dimension == 1:
            return [f"{letter} = {self.tex(expressions[0])}"]
        return [f"\\left[{letter}\\right]_{{{i + 1}}} = {self.tex(expressions[i])}" for i in self.shown]

    def is_checked_itself(self, pair: tuple[sp.Expr, sp.Expr]) -> bool:
        """Whether A and B of the problem's own law are checked too."""
        return point_checks.can_be_listed(self.problem, 0) or point_checks.has_rule(self.problem, pair)

    @property
    def has_zero_shift(self) -> bool:
        """Whether the zero's shift is that of mean estimation: without decay, and weights that keep zeros near E x."""
        weights = self.form.weights
        plain = self.form.decay == 0 and weights.nonnegative and weights.total > 0
        return plain and expansion_checks.is_mean_estimation(self.problem)

    @property
    def has_lyapunov_bound(self) -> bool:
        """Whether the field is that of a mean of gradients over sqrt(v) + epsilon, without decay."""
        weights = self.form.weights
        return (
            self.form.decay == 0
            and isinstance(self.method.kernel, RootPlusEps)
            and weights.total == 1
            and weights.nonnegative
        )

    @property
    def which(self) -> str:
        d = self.problem.dimension
        if d <= _ALL_SHOWN:
            return ""
        return f" Coordinates 1, 2 and {d} of {d} are shown and checked; the others follow the same rule."

    @property
    def law_of_check(self) -> str:
        """What the small law is, in words."""
        rows = len(self.small.law.exact_rows) if isinstance(self.small.law, Empirical) else 0
        word = "row" if rows == 1 else "rows"
        source = "of the data" if isinstance(self.problem.law, Empirical) else "drawn from the law"
        batch = f" in batches of {self.small.batch_size}" if self.small.batch_size > 1 else ""
        weights = f", weighted {':'.join(map(str, range(1, rows + 1)))}" if rows > 1 else ""
        return f"{rows} {word} {source}{weights}{batch}"


@takes_field
@checked_arguments
def derive(problem: StochasticGradient, adam: Method) -> Derivation:
    """Return the derivation of a problem's field; every step has passed the check that it names.

    Parameters
    ----------
    problem, adam
        What is optimised and by what: Adam, or any method with a Laplace form or a sign form. Formulas keep the paper's
        letters alpha, beta, epsilon; lag weights of methods that are not built in are numbers. The Lyapunov bound is
        derived for Adam's denominator, lag weights that are a mean, and no weight decay.

    Raises
    ------
    DerivationError
        If the check of a step fails; the message names the step.
    InputError
        For a method with neither of these forms, or gradients of no loss; if no random parameters are found where the
        gradients are finite and not all zero.
    """
    problem = require_loss(problem, "a derivation")
    if adam.laplace is None and adam.sign_form is not None:
        return derive_signs(problem, adam)
    if problem.epoch is not None:
        return derive_cycle(problem, adam)
    writer = _Writer(problem, adam)
    steps = [
        _gradient(writer),
        _series(writer),
        _step_bound(writer),
        _kernel(writer),
        _laplace(writer),
        _limits(writer),
        _expansion(writer),
        *([_zero_shift(writer)] if writer.has_zero_shift else []),
        *([_lyapunov(writer)] if writer.has_lyapunov_bound else []),
    ]
    name = "Adam" if writer.own is None and writer.form.decay == 0 else type(adam).__name__
    return Derivation(f"The {name} field, derived for a given loss and data", tuple(steps))


def _gradient(w: _Writer) -> Step:
    problem = w.problem
    equations = [f"l = {w.tex(problem.loss)}"]
    left = "g" if problem.dimension == 1 else "g_{{{}}}"
    equations += [
        f"{left.format(i + 1)} = \\frac{{\\partial l}}{{\\partial {w.tex(problem.parameters[i])}}} = "
        f"{w.tex(problem.gradient_expressions[i])}"
        for i in w.shown
    ]
    batch = "" if problem.batch_size == 1 else f" The stochastic gradient is the mean over {problem.batch_size} rows."
    return checked_step(
        "Gradient of the loss",
        f"The loss $l$ of one data row and its derivatives in the parameters.{batch}{w.which}",
        equations,
        lambda: point_checks.gradient_check(problem, problem.gradient_expressions, list(w.shown)),
    )


def _series(w: _Writer) -> Step:
    drift = r"f = -F" if w.form.decay == 0 else r"f = -F - \lambda\, \theta"
    decayed = "" if w.form.decay == 0 else " Decoupled weight decay adds $-\\lambda \\theta$, and leaves $F$ as it is."
    if w.own is not None:
        return _own_series(w, w.own, drift, decayed)
    return checked_step(
        "Frozen chain and stationary series",
        "At fixed parameters the moments $m' = \\alpha m + (1 - \\alpha) g$ and $v' = \\beta v + (1 - \\beta) g^2$ "
        "forget their "
        "start; their stationary law is that of the series $M$ and $V$ in independent gradients $g_0, g_1, \\dots$ "
        "The weights "
        f"sum to 1 and solve the recursions. The Adam field is $f = -F$, one coordinate at a time.{decayed}",
        [f"F = {w.tex(w.field.series)}", drift],
        lambda: all_of(
            [
                stationary_moments.weights_check(stationary_moments.numerator_weight, alpha),
                stationary_moments.weights_check(stationary_moments.denominator_weight, beta),
            ]
        ),
    )


def _own_series(w: _Writer, method: SymbolicMethod, drift: str, decayed: str) -> Step:
    total = sp.Rational(w.form.weights.total.numerator, w.form.weights.total.denominator)
    return checked_step(
        "Frozen chain and stationary series",
        "At fixed parameters $v' = \\beta v + (1 - \\beta) g^2$ forgets its start, and so does the numerator, a sum "
        "of past "
        "gradients with the lag weights $c_0, c_1, \\dots$; their stationary law is that of the series $M$ and $V$ in "
        f"independent gradients $g_0, g_1, \\dots$ The field is $f = -F$, one coordinate at a time.{decayed}",
        [f"F = {w.tex(w.field.series)}", drift, rf"\sum_k c_k = {w.tex(method.total)}"],
        lambda: all_of(
            [
                stationary_moments.weights_check(stationary_moments.denominator_weight, beta),
                exact_equality(method.at_values(method.total), total),
                exact_equality(sp.Add(*(method.weight(lag) for lag in range(40))) + _rest(method, 40), method.total),
            ]
        ),
    )


def _rest(method: SymbolicMethod, lag: int) -> sp.Expr:
    """The sum of c_k from a lag behind the head on."""
    return sp.Add(*(amount * ratio**lag * geometric_sum(ratio) for amount, ratio in method.weights[1] if ratio != 0))


def _step_bound(w: _Writer) -> Step:
    bound = stationary_moments.step_bound_squared if w.own is None else w.own.bound_squared
    weight = stationary_moments.numerator_weight if w.own is None else w.own.numerator_weight
    letter = "a" if w.own is None else "c"
    reach = (
        "so $|f| \\le C$"
        if w.form.kernel.root_bound == 1 and w.form.decay == 0
        else "so $|F| \\le C$ where $\\varphi(v) \\le v^{-1/2}$"
    )
    constant = math.sqrt(float(w.form.square_bound))
    return checked_step(
        "Step bound",
        f"By the Cauchy-Schwarz inequality $|M|$ is at most $C V^{{1/2}}$, {reach}. Here $C = {constant:.6g}$.",
        [
            f"C^2 = \\sum_{{k=0}}^{{\\infty}} \\frac{{{letter}_k^2}}{{w_k}} = {w.tex(bound)}",
            f"{letter}_k = {w.tex(weight)},\\quad w_k = {w.tex(stationary_moments.denominator_weight)}",
        ],
        lambda: all_of(
            [
                *([stationary_moments.step_bound_check()] if w.own is None else []),
                point_checks.step_bound_number_check(w.adam, bound),
            ]
        ),
    )


def _own_kernel(w: _Writer, method: SymbolicMethod) -> Step:
    exact = [laplace.own_kernel_check(method)] if isinstance(method.kernel, RootOfSum) else []
    return checked_step(
        "Kernel of the denominator",
        "The factor $\\varphi(V)$ of the numerator is a Laplace transform of a positive kernel $\\rho$.",
        [
            rf"\varphi(v) = {w.tex(method.phi(v))} = \int_{{0}}^{{\infty}} \rho(s)\, e^{{- s v}}\, ds",
            rf"\rho(s) = {w.tex(method.rho)}",
        ],
        lambda: all_of([*exact, point_checks.kernel_number_check(method.rho, method.phi(v))]),
    )


def _kernel(w: _Writer) -> Step:
    if not isinstance(w.method.kernel, RootPlusEps):
        return _own_kernel(w, w.method)
    return checked_step(
        "Kernel of the denominator",
        "The denominator is a Laplace transform of a positive kernel $\\rho$; SymPy does the three integrals behind "
        "it.",
        [
            r"\frac{1}{\sqrt{v} + \epsilon} = \int_{0}^{\infty} \rho(s)\, e^{- s v}\, ds",
            rf"\rho(s) = {w.tex(laplace.kernel)} = \frac{{1}}{{\pi}} \int_{{0}}^{{\infty}} "
            r"e^{- s r} \frac{\sqrt{r}}{r + \epsilon^{2}}\, dr",
        ],
        lambda: all_of([laplace.kernel_check(), point_checks.kernel_number_check(laplace.kernel)]),
    )


def _laplace(w: _Writer) -> Step:
    pairs = {i: laplace.transforms(w.problem, i) for i in w.shown}
    equations = [f"F = {w.tex(laplace.laplace_form(weight=None if w.own is None else w.own.numerator_weight))}"]
    for i, pair in pairs.items():
        index = "" if w.problem.dimension == 1 else f"_{{{i + 1}}}"
        equations += [f"{name}{index}(t) = {w.tex(x)}" for name, x in zip("AB", pair, strict=True)]
    statement = (
        "With the kernel, independence turns $F$ into one integral over $s$ of $A(t) = E[g\\exp(-t g^2)]$ and "
        f"$B(t) = E[\\exp(-t g^2)]$.{w.which} Checked in the first coordinate on {w.law_of_check}: the integral, cut "
        "to "
        f"{point_checks.LAGS} lags, against the list of all histories of as many gradients"
        + ("; and $A$, $B$ against sums over this problem's own law." if w.is_checked_itself(pairs[0]) else ".")
    )
    return checked_step("Laplace form", statement, equations, lambda: _laplace_check(w, pairs[0]))


def _laplace_check(w: _Writer, pair: tuple[sp.Expr, sp.Expr]) -> Check:
    checks = [point_checks.laplace_check(w.small, 0, method=w.own)]
    if point_checks.can_be_listed(w.problem, 0):
        checks.append(point_checks.transforms_check(w.problem, 0, pair))
    if laplace.normal_gradient(w.problem, 0) is not None:
        checks.append(laplace.normal_check())
    if point_checks.has_rule(w.problem, pair):
        checks.append(point_checks.rule_check(w.problem, 0, pair))
    return all_of(checks)


def _limits(w: _Writer) -> Step:
    limits = {i: w.field.coordinate_limits(i) for i in w.shown}
    equations = []
    labels = dict(_LIMIT_LABELS)
    if not isinstance(w.method.kernel, RootPlusEps):
        labels["epsilon -> oo"] = r"\lim_{\epsilon \to \infty} F / \varphi(0)"
    for name, label in labels.items():
        equations += w.per_coordinate(label, {i: limits[i][name] for i in w.shown})
    return checked_step(
        "Limits",
        "Four limits of $F$: slow second moment; no memory at all (sign-like descent); large $\\epsilon$ (gradient "
        "descent); "
        f"no noise.{w.which} The formulas of this problem are checked on {w.law_of_check}.",
        equations,
        lambda: all_of(
            [
                *([expansion_checks.limits_check()] if w.own is None else []),
                point_checks.limits_check(w.small, w.small_field.coordinate_limits(0), 0, w.own),
            ]
        ),
    )


def _expansion(w: _Writer) -> Step:
    first, second = expansion.mean, expansion.second_moment
    found = w.field.expansion(2)
    kernel = r"\frac{1}{\sqrt{v} + \epsilon}" if w.own is None else w.tex(w.method.phi(v))
    fixed, spread = ("$\\alpha$", "$\\alpha$") if w.own is None else ("lag weights", "how they are spread")
    equations = [
        r"F = F_{0} + F_{1}\,\eta + F_{2}\,\eta^{2} + O(\eta^{3}),\qquad \eta = 1 - \beta",
        *(f"F_{{{n}}} = {w.tex(coefficient)}" for n, coefficient in enumerate(found.coefficients)),
        r"m = \mathbb{E}\, g,\quad S = \mathbb{E}\, g^{2},\quad y = g^{2} - S,\quad "
        rf"\varphi(v) = {kernel}\;\text{{and its derivatives at }} S",
        r"\sigma_{4} = \mathbb{E}\, y^{2},\quad p_{3} = \mathbb{E}\, y^{3},\quad c_{12} = \operatorname{Cov}(g, g^{2}),"
        r"\quad q_{2} = \mathbb{E}\left[(g - m) y^{2}\right]",
    ]
    powers = {first: 1, second: 2}
    for letter, power in powers.items():
        equations += w.per_coordinate(w.tex(letter), w.moments(power))
    listed = point_checks.can_be_listed(w.problem, 0)
    finite, where = (w.problem, "all minibatches") if listed else (w.small, w.law_of_check)
    moments = [_moment(finite, 0, power) for power in powers.values()]
    own = [_moment(w.problem, 0, power) for power in powers.values()]
    has_rule = point_checks.has_moments_rule(w.problem, own)
    if has_rule:
        where += ", and with quadrature over the law"
    return checked_step(
        "Expansion near beta = 1",
        "Joint cumulants of $M$ and $V$ are those of one gradient times sums of weights; the moments "
        "$E[M (V - S)^n]$ follow "
        f"and Taylor's formula gives $F$ in powers of $\\eta = 1 - \\beta$ at fixed {fixed}. The first-order term "
        "does not "
        f"depend on {spread}. The coefficients are derived from the moments and compared with the published ones; $m$ "
        f"and $S$ are compared, in the first coordinate, with sums over {where}. The size of the remainder is proved "
        "for "
        "bounded gradients with $S > 0$ in docs/theory.md, N-section 2(a), not here.",
        equations,
        lambda: all_of(
            [
                expansion_checks.recursion_check(),
                expansion_checks.order_check(method=w.own),
                *([expansion_checks.kernel_derivatives_check()] if w.own is None else []),
                *([expansion_checks.alpha_free_check()] if w.own is None else []),
                expansion_checks.published_check(found.coefficients, w.own),
                point_checks.moments_check(finite, moments, 0),
                *([point_checks.moments_rule_check(w.problem, own, 0)] if has_rule else []),
            ]
        ),
    )


def _zero_shift(w: _Writer) -> Step:
    size = w.problem.batch_size
    shift = expansion_checks.zero_shift(size, w.own)
    return checked_step(
        "Where Adam stops: first order in 1 - beta",
        "For mean estimation the zero of $f$ is shifted from the mean of the data by a term with the third central "
        "moment $\\kappa_3$ and the standard deviation $\\sigma$ of the data; for data without skewness it vanishes.",
        [rf"\theta^{{*}} - \mathbb{{E}}\, x = {w.tex(shift)}\,(1 - \beta) + O\left((1 - \beta)^{{2}}\right)"],
        lambda: expansion_checks.zero_shift_check(shift, size, w.own),
    )


def _lyapunov(w: _Writer) -> Step:
    size = w.problem.batch_size
    bound, level = lyapunov.decrease_bound(size), lyapunov.sublevel(size)
    square = r"S - \mathbb{E} M^{2} = \frac{2 \alpha}{1 + \alpha}\left(S - m^{2}\right) \ge 0"
    return checked_step(
        "Lyapunov derivative near interpolation",
        "The mean loss $L$ falls along the flow while the gradient is small against $\\epsilon$, if every row's loss "
        "is "
        "non-negative and $K$-smooth and $L$ satisfies the Polyak-Lojasiewicz inequality with $\\mu$. These three "
        "hypotheses "
        "are assumed, not checked, here. $D$ is the Euclidean norm of $\\nabla L$, $D_\\infty$ its largest entry, "
        "$m_i = E g_i$, $S_i = E g_i^2$; the remainder $r_i$ is at most $S_i/\\epsilon^2$ because "
        "$|E[M \\sqrt{V}]| \\le \\sqrt{E M^2 \\cdot E V} \\le S$.",
        [
            r"\left\langle \nabla L, f \right\rangle = -\sum_i m_i F_i,\qquad F_i = \frac{m_i}{\epsilon} - r_i,\qquad "
            r"r_i = \mathbb{E}\left[\frac{M_i \sqrt{V_i}}{\epsilon(\sqrt{V_i} + \epsilon)}\right],\qquad "
            r"|r_i| \le \frac{S_i}{\epsilon^{2}}",
            *([square] if w.own is None else []),
            rf"\left\langle \nabla L, f \right\rangle \le {w.tex(bound)}",
            rf"\left\langle \nabla L, f \right\rangle < 0 \quad\text{{where}}\quad 0 < L < {w.tex(level)}",
        ],
        lambda: all_of(
            [
                lyapunov.remainder_check(),
                *([lyapunov.numerator_square_check()] if w.own is None else []),
                lyapunov.bound_check(size),
                point_checks.remainder_bound_check(w.small, w.small_field.coordinate_limits(0)["epsilon -> oo"], 0),
            ]
        ),
    )


_LIMIT_LABELS = {
    "beta -> 1": r"\lim_{\beta \to 1} F",
    "alpha = beta = 0": r"F_{\alpha = \beta = 0}",
    "epsilon -> oo": r"\lim_{\epsilon \to \infty} \epsilon F",
    "deterministic": r"F_{\text{no noise}}",
}
