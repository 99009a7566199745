"""The derivation of the field of rows in their own order: moments that repeat, and a finite mean."""

import random
from collections.abc import Sequence
from typing import Any

import mpmath
import sympy as sp

from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.precision import decimal_digits
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.sampling import Epoch, require_replacement
from adamsym.methods import Method
from adamsym.symbolic.derivation import Derivation, Step, checked_step
from adamsym.symbolic.equality import Check, all_of, exact_equality
from adamsym.symbolic.method import SymbolicMethod, decay, symbolic_method
from adamsym.symbolic.point_checks import at_point, gradient_check, random_theta
from adamsym.symbolic.rendering import formula, symbol_names
from adamsym.symbolic.symbols import beta

MOST_BATCHES = 1000
"""Minibatches of an epoch up to which the field is checked."""

_CHECKED = 4
"""Minibatches of the cycle for which SymPy solves the recursions."""

_DIGITS, _AGREED = 50, 40

_MET = 100
"""Steps of the cycle at which sums and recursions are compared."""


def derive_cycle(problem: Problem, adam: Method) -> Derivation:
    """Return the derivation of the field of minibatches in the order of the rows; see ``derive``.

    Raises
    ------
    NotApplicable
        For reshuffled rows, and for more than 1000 minibatches of an epoch.
    """
    epoch = problem.epoch
    assert epoch is not None
    if epoch.is_shuffled:
        require_replacement(problem.sampling, "a derivation, but for rows in their own order,")
    if epoch.batches > MOST_BATCHES:
        raise NotApplicable(f"data.sampling: a derivation checks at most {MOST_BATCHES} minibatches of an epoch")
    method, names = symbolic_method(adam), symbol_names(problem)
    steps = (_gradients(problem, epoch, names), _moments(method, epoch), _field(problem, method, epoch))
    return Derivation(f"The field of {type(adam).__name__} on rows in their own order, derived", steps)


def _gradients(problem: Problem, epoch: Epoch, names: dict[sp.Symbol, str]) -> Step:
    shown = list(range(min(problem.dimension, 4)))
    left = ["g" if problem.dimension == 1 else f"g_{{{i + 1}}}" for i in shown]
    equations = [f"l = {formula(problem.loss, names)}"]
    equations += [
        f"{name} = {formula(problem.gradient_expressions[i], names)}" for name, i in zip(left, shown, strict=True)
    ]
    sizes = f"{epoch.batches} minibatches of {epoch.batch_size} rows"
    last = epoch.size(epoch.batches - 1)
    sizes += f", the last of {last}" if last < epoch.batch_size else ""
    return checked_step(
        "Gradient of the loss",
        f"The loss $l$ of one data row and its derivatives. An epoch has {sizes}, in the order of the rows; the "
        "gradient "
        "of a minibatch is the mean over its own rows.",
        equations,
        lambda: gradient_check(problem, problem.gradient_expressions, shown),
    )


def _moments(method: SymbolicMethod, epoch: Epoch) -> Step:
    heads, terms = method.weights
    sums = [
        rf"\frac{{{formula(a)}}}{{1 - ({formula(r)})^{{P}}}} \sum_{{k=0}}^{{P-1}} ({formula(r)})^{{k}}\, g_{{j-k}}"
        for a, r in terms
    ]
    own = [rf"{formula(head)}\, g_{{j-{k}}}" if k else rf"{formula(head)}\, g_{{j}}" for k, head in enumerate(heads)]
    count = min(epoch.batches, _CHECKED)
    g = sp.symbols(f"g_0:{count}", real=True)
    squares = [_sum_of_cycle([x**2 for x in g], 1 - beta, beta, j) for j in range(count)]
    checks = [
        exact_equality(squares[j], beta * squares[j - 1] + (1 - beta) * g[j] ** 2) for j in range(count)
    ]  # at j = 0 the one before is the last
    for amount, ratio in terms:
        parts = [_sum_of_cycle(g, amount, ratio, j) for j in range(count)]
        checks += [exact_equality(parts[j], ratio * parts[j - 1] + amount * g[j]) for j in range(count)]
    return checked_step(
        "Moments of the cycle",
        f"At fixed parameters the gradients have the period $P = {epoch.batches}$, and the moments, which forget their "
        f"start, have it too. SymPy checks for {count} of them that they solve the recursions around the cycle, "
        "indices modulo $P$.",
        [
            "M_j = " + " + ".join([*own, *sums]),
            r"V_j = \frac{1 - \beta}{1 - \beta^{P}} \sum_{k=0}^{P-1} \beta^{k}\, g_{j-k}^{2}",
        ],
        lambda: all_of(checks),
    )


def _field(problem: Problem, method: SymbolicMethod, epoch: Epoch) -> Step:
    big_v = sp.Symbol("V_j", positive=True)
    drift = r"f = -F" if dict(method.values)[decay] == 0 else r"f = -F - \lambda\, \theta"
    phi = formula(method.phi(big_v))
    return checked_step(
        "Field",
        "The field is minus the mean of the quotients over the cycle: a finite sum. In each coordinate one more turn "
        f"of the recursions from these moments, with gradients at a random point, meets them to {_AGREED} digits.",
        [
            rf"F = \frac{{1}}{{P}} \sum_{{j=1}}^{{P}} M_j\, \varphi(V_j),\quad \varphi(V_j) = {phi}",
            drift,
        ],
        lambda: _turn_check(problem, method, epoch),
    )


def _sum_of_cycle(values: Sequence[Any], amount: Any, ratio: Any, j: int) -> Any:
    count = len(values)
    return amount / (1 - ratio**count) * sum(ratio**k * values[(j - k) % count] for k in range(count))


def _turn_check(problem: Problem, method: SymbolicMethod, epoch: Epoch) -> Check:
    """Around the cycle by the recursions, from the moments of its last step: they must meet the sums on the way."""
    values = dict(method.values)

    def number(expression: sp.Expr) -> Any:
        exact = sp.Rational(sp.sympify(expression).xreplace(values))
        return mpmath.mpf(int(exact.p)) / int(exact.q)

    with decimal_digits(_DIGITS):
        weights = [(1 - number(beta), number(beta)), *((number(a), number(r)) for a, r in method.weights[1])]
        for batches in _batch_gradients(problem, epoch):
            # The squares stand first, then the gradients for each term of the lag weights.
            series = [[g**2 for g in batches], *([batches] * (len(weights) - 1))]
            each = list(zip(series, weights, strict=True))
            moments = [_sum_of_cycle(one, a, r, len(batches) - 1) for one, (a, r) in each]
            for j in range(len(batches)):
                moments = [r * old + a * one[j] for old, (one, (a, r)) in zip(moments, each, strict=True)]
                if j % max(1, len(batches) // _MET) and j < len(batches) - 1:
                    continue
                sums = [_sum_of_cycle(one, a, r, j) for one, (a, r) in each]
                sizes = [mpmath.mpf(10) ** -_AGREED * (1 + abs(x)) for x in sums]
                if any(abs(x - y) > size for x, y, size in zip(moments, sums, sizes, strict=True)):
                    return Check(False, "a turn of the recursions does not meet the sums")
    return Check(True, f"{_AGREED} digits at a random point: a turn of the recursions meets the sums")


def _batch_gradients(problem: Problem, epoch: Epoch) -> list[list[Any]]:
    """For each coordinate the minibatches' gradients at a random point."""
    assert isinstance(problem.law, Empirical)
    compiled = compile_mpmath((*problem.parameters, *problem.columns), problem.gradient_expressions)
    generator = random.Random(2026)
    for _ in range(20):
        theta = list(at_point(problem, random_theta(generator, problem.dimension)).values())
        point = [mpmath.mpf(int(x.p)) / int(x.q) for x in theta]
        rows = [
            compiled(*point, *(mpmath.mpf(x.numerator) / x.denominator for x in row)) for row in problem.law.exact_rows
        ]
        if all(isinstance(x, mpmath.mpf) and mpmath.isfinite(x) for row in rows for x in row):
            size = epoch.batch_size
            return [
                [
                    mpmath.fsum(row[i] for row in rows[k * size : k * size + epoch.size(k)]) / epoch.size(k)
                    for k in range(epoch.batches)
                ]
                for i in range(problem.dimension)
            ]
    raise NotApplicable("problem.loss: no random point is found where the gradients are real and finite")
