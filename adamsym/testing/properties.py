"""Laws of Adam fields as plain functions for any test: each raises AssertionError, with the numbers, where one fails.

``field`` is any callable that takes points, shape (..., d), and returns values of the same shape: an
:class:`adamsym.AdamField` or an implementation of your own. ``field_of`` takes a problem and a method and returns such
a field. Inequalities are tested up to ``ROUNDING`` relative to the sizes in them.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from adamsym.certify import LyapunovRegion
from adamsym.dynamics import flow, pseudo_trajectory
from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, monte_carlo
from adamsym.gradients import Problem
from adamsym.gradients.problem import require_loss
from adamsym.methods import Adam, AdaptiveMethod, Method, StepSizeSchedule

Field = Callable[[ArrayLike], FloatArray]
FieldOf = Callable[[Problem, AdaptiveMethod], Field]

ROUNDING = 1e-11

_FORGOTTEN = 40
"""Memories after which the start is below rounding: exp(-40)."""


def assert_bounded(field: Field, problem: Problem, method: AdaptiveMethod, theta: ArrayLike) -> None:
    """Assert |f_i| <= min(C, E|g_i|/eps), and for Adam |f_i| <= Phi sqrt(S)/(sqrt(S) + eps), S = E g_i^2.

    C is the step bound of T1; Phi, of N-Lemma 2, is 1 if beta1 <= beta2, else (1 - beta1)/(1 - beta1/sqrt(beta2)).
    """
    gradients, weights = _atoms(problem, theta)
    size, root = np.abs(_at(field, theta)), np.sqrt(weights @ gradients**2)
    bound = np.full_like(size, method.step_bound)
    if not method.eps_inside_root:
        bound = np.minimum(bound, weights @ np.abs(gradients) / method.eps)
    if type(method) is Adam:
        alpha, beta = method.beta1, method.beta2
        universal = 1.0 if alpha <= beta else (1 - alpha) / (1 - alpha / math.sqrt(beta))
        bound = np.minimum(bound, universal * root / (root + method.eps))
    _compare(size, bound, "|f| exceeds its bound", theta)


def assert_sign_lemma(field: Field, problem: Problem, adam: Adam, theta: ArrayLike) -> None:
    """Assert N-Lemma 1: where |E g_i| > q sigma_i, f_i has strictly the sign of -E g_i; q^2 <= beta2^(-1/2) - 1."""
    mean, second = _moments(problem, theta)
    deviation = np.sqrt(np.maximum(second - mean**2, 0))
    largest = np.abs(_atoms(problem, theta)[0]).max(axis=0)
    root = math.sqrt(adam.beta2)
    q = np.sqrt((1 - root) * largest / (root * largest + adam.eps))
    decided = np.abs(mean) > (q * deviation) * (1 + ROUNDING) + ROUNDING * largest
    values = _at(field, theta)
    wrong = decided & (values * np.sign(mean) >= 0)
    assert not wrong.any(), f"at {theta!r}: f = {values}, though E g = {mean} and q sigma = {q * deviation}"


def assert_decreasing(field: Field, problem: Problem, adam: Adam, first: float, second: float) -> None:
    """Assert N-Theorem 4 for (theta - x)^2/2: f decreases at least with slope eps/(sqrt(E g^2) + eps)^2.

    Raises
    ------
    InputError
        If beta1 > beta2, where the theorem says nothing, or the points are equal.
    """
    if adam.alpha > adam.beta or first == second:
        raise InputError("assert_decreasing: N-Theorem 4 needs beta1 <= beta2, and two different points")
    low, high = min(first, second), max(first, second)
    drop = float(_at(field, [low])[0] - _at(field, [high])[0])
    # E(theta - x)^2 is convex: its largest value is at an end.
    steepest = max(math.sqrt(float(_moments(problem, [t])[1][0])) for t in (low, high))
    least = (high - low) * adam.eps / (steepest + adam.eps) ** 2
    assert drop >= least - ROUNDING, f"f falls by {drop} from {low} to {high}, and by {least} at least in theory"


def assert_lipschitz(field: Field, adam: Adam, gradient_lipschitz: float, first: ArrayLike, second: ArrayLike) -> None:
    """Assert T2: |f_i(first) - f_i(second)| <= (1 + C) L |first - second|/eps, L the gradients' Lipschitz constant."""
    difference = np.abs(_at(field, first) - _at(field, second))
    distance = float(np.linalg.norm(np.subtract(first, second)))
    bound = (1 + adam.step_bound) * gradient_lipschitz * distance / adam.eps
    _compare(difference, np.full_like(difference, bound), "f is not Lipschitz", (first, second))


def assert_laplace_form(method: Method, gradients: ArrayLike, theta: float = 0.0) -> None:
    """Assert that the recursion's changes are those of its Laplace form, once the bias corrections have become 1.

    After zeros for 40 memories come ``gradients`` g_1, g_2, ... (n,); the k-th must change theta, which is held fixed,
    by -sum_j c_j g_(k-j) phi((1 - beta2) sum_j beta2^j g_(k-j)^2) - decay theta, with the lag weights c_j.

    Raises
    ------
    InputError
        If the method has no Laplace form, or never forgets.
    """
    form = method.laplace
    if form is None or math.isinf(method.memory):
        raise InputError(f"assert_laplace_form: {type(method).__name__} has no Laplace form")
    g, at = real_array(gradients, "gradients"), np.array([float(theta)])
    before = math.ceil(_FORGOTTEN * method.memory)
    state, changes = method.initial_state((1,)), []
    for n, gradient in enumerate([*np.zeros(before), *g], start=1):
        state, change = method.step(state, np.array([gradient]), at, n)
        changes.append(float(change[0]))
    lags = np.arange(len(g))
    weights = np.array([float(form.weights.weight(int(k))) for k in lags])
    squares = float(1 - form.beta) * float(form.beta) ** lags
    for k, found in enumerate(changes[before:]):
        past = g[k::-1]
        means = weights[: k + 1] * past
        phi, drift = float(form.kernel.of(squares[: k + 1] @ past**2)), float(form.decay) * float(at[0])
        expected, size = -means.sum() * phi - drift, np.abs(means).sum() * phi + abs(drift)
        assert abs(found - expected) <= ROUNDING * size, (
            f"{method!r}: gradient {k + 1} changes theta by {found}, in its Laplace form by {expected}"
        )


def assert_odd(field_of: FieldOf, problem: Problem, method: AdaptiveMethod, theta: ArrayLike) -> None:
    """Assert that gradients of the other sign give the field of the other sign."""
    mirrored = _like(problem, -problem.loss, problem.names)
    _agree(
        _at(field_of(mirrored, method), theta), -_at(field_of(problem, method), theta), "f of -g, and -f of g", theta
    )


def assert_scales(
    field_of: FieldOf, problem: Problem, adam: Adam, theta: ArrayLike, factor: Fraction = Fraction(3)
) -> None:
    """Assert that gradients and eps times a positive factor give the same field."""
    loss = problem.loss * sp.Rational(factor.numerator, factor.denominator)
    scaled = _like(problem, loss, problem.names)
    other = Adam(adam.alpha, adam.beta, adam.epsilon * factor)
    values = _at(field_of(problem, adam), theta)
    _agree(_at(field_of(scaled, other), theta), values, f"f of {factor} g, and f of g", theta)


def assert_permutes(field_of: FieldOf, problem: Problem, method: AdaptiveMethod, theta: ArrayLike) -> None:
    """Assert that parameters in reverse order have the field in reverse order."""
    point = np.asarray(theta, dtype=float)
    reverse = _like(problem, problem.loss, problem.names[::-1])
    values = _at(field_of(reverse, method), point[::-1])[::-1]
    _agree(values, _at(field_of(problem, method), point), "f of reversed parameters, and f", theta)


def assert_zero(field: Field, theta: ArrayLike, tolerance: float = 1e-12) -> None:
    """Assert T8's conclusion: f vanishes, as it does where the gradient's law is symmetric."""
    values = _at(field, theta)
    assert (np.abs(values) <= tolerance).all(), f"at {theta!r}: f = {values}, not 0"


def assert_limits(field_of: FieldOf, problem: Problem, theta: ArrayLike) -> None:
    """Assert T9: f for beta1 = beta2 = 0, for beta2 to 1, and for eps to infinity.

    f = -E[g/(|g| + eps)] for beta1 = beta2 = 0; the limit -E g/(sqrt(E g^2) + eps) for beta2 to 1 is approached like
    1 - beta2, and -E g, that of eps f, like 1/eps.
    """
    gradients, weights = _atoms(problem, theta)
    mean, second = _moments(problem, theta)
    values = _at(field_of(problem, Adam(0, 0, "0.1")), theta)
    _agree(values, -weights @ (gradients / (np.abs(gradients) + 0.1)), "f and its value for beta1 = beta2 = 0", theta)
    limit = -mean / (np.sqrt(second) + 0.1)
    forgetful = [Adam("0.5", 1 - Fraction(1, 10**k), "0.1") for k in (4, 6)]
    _approaches([_at(field_of(problem, adam), theta) for adam in forgetful], limit, theta)
    large = [Adam("0.5", "0.9", 10**k) for k in (5, 7)]
    _approaches([adam.eps * _at(field_of(problem, adam), theta) for adam in large], -mean, theta)


def assert_enclosed(field: Field, problem: Problem, method: AdaptiveMethod, theta: ArrayLike) -> None:
    """Assert that f lies in its proven enclosure, but for rounding of 1e-12 of the step bound."""
    point = np.asarray(theta, dtype=float)
    bounds = AdamField(problem, method).enclose(np.stack([point, point], axis=-1))
    values, allowed = _at(field, theta), 1e-12 * method.step_bound
    inside = (bounds[..., 0] - allowed <= values) & (values <= bounds[..., 1] + allowed)
    assert inside.all(), f"at {theta!r}: f = {values} lies outside of {bounds.tolist()}"


def assert_monte_carlo(
    field: Field, problem: Problem, method: Method, theta: ArrayLike, seed: int = 0, deviations: float = 6.0
) -> None:
    """Assert that f is within 6 standard errors of time averages of the frozen chain (chance of failing: 1e-6)."""
    found = monte_carlo(problem, method, theta, seed=seed)
    off = np.abs(_at(field, theta) - found.value)
    _compare(off, deviations * found.standard_error + 1e-12, "f and Monte Carlo differ by", theta)


def assert_jacobian(field: AdamField, theta: ArrayLike, step: float = 1e-5) -> None:
    """Assert that ``field.jacobian`` agrees with central differences of f.

    Allowed is four times the change of the differences when ``step`` is halved, for f is only once differentiable where
    gradients vanish, and rounding.
    """
    point = np.asarray(theta, dtype=float)

    def differences(h: float) -> FloatArray:
        shifts = h * np.eye(point.size)
        return np.stack([(_at(field, point + s) - _at(field, point - s)) / (2 * h) for s in shifts], axis=-1)

    coarse, fine, jacobian = differences(step), differences(step / 2), field.jacobian(point)
    allowed = 4 * np.abs(coarse - fine) + 1e-13 * field.step_bound / step + 1e-8 * np.abs(jacobian)
    off = np.abs(fine - jacobian)
    assert (off <= allowed).all(), f"at {theta!r}: Jacobian {jacobian}, differences {fine}, allowed {allowed}"


def assert_loss_decreases(field: AdamField, region: LyapunovRegion, theta: ArrayLike, time: float) -> None:
    """Assert that the mean loss decreases along the flow for as long as it is in a certified region.

    Raises
    ------
    InputError
        If the region is not certified, or the start not in it.
    """
    start, box = np.asarray(theta, dtype=float), region.region
    if region.verdict != "certified" or not ((box[:, 0] <= start) & (start <= box[:, 1])).all():
        raise InputError("assert_loss_decreases: give a certified region and a start in it")
    states = flow(field, start, np.linspace(0, time, 101)).theta
    outside = ~((box[:, 0] <= states) & (states <= box[:, 1])).all(axis=1)
    inside = states[: int(outside.argmax()) if outside.any() else None]
    losses = require_loss(field.problem, "assert_loss_decreases").mean_loss(inside)
    rises = np.diff(losses) > 1e-7 * np.abs(losses[:-1]) + 1e-14
    assert not rises.any(), f"from {theta!r}: the loss rises from {losses[:-1][rises][:1]} to {losses[1:][rises][:1]}"


def assert_pseudo_trajectory(
    problem: Problem, adam: Adam, schedule: StepSizeSchedule, theta: ArrayLike, start: int, length: float, seed: int = 0
) -> None:
    """Assert that 40 chains of Adam stay within the proven bound of the flow, in root mean square."""
    found = pseudo_trajectory(problem, adam, schedule, theta, [start], length, chains=40, seed=seed)
    for window in found.windows:
        measured, bound = window.measured.value, window.bound.mean_square.total
        assert measured <= bound, f"after step {window.start}: distance {measured} exceeds the bound {bound}"


def _like(problem: Problem, loss: sp.Expr, names: Sequence[str]) -> Problem:
    """A problem with the minibatches of another."""
    return Problem(loss, names, problem.law, problem.batch_size, problem.sampling, problem.drop_last)


def _at(field: Field, theta: ArrayLike) -> FloatArray:
    return np.asarray(field(np.asarray(theta, dtype=float)), dtype=float)


def _atoms(problem: Problem, theta: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Gradients of all minibatches at one point, shape (minibatches, d), and their probabilities."""
    gradients, weights = problem.gradient_atoms(np.asarray(theta, dtype=float))
    return gradients, weights


def _moments(problem: Problem, theta: ArrayLike) -> tuple[FloatArray, FloatArray]:
    gradients, weights = _atoms(problem, theta)
    return weights @ gradients, weights @ gradients**2


def _compare(value: FloatArray, bound: FloatArray, what: str, where: object) -> None:
    assert (value <= bound * (1 + ROUNDING) + 1e-300).all(), f"{what}: {value} against {bound} at {where}"


def _agree(first: FloatArray, second: FloatArray, what: str, where: object) -> None:
    close = np.abs(first - second) <= ROUNDING * (1 + np.abs(first) + np.abs(second))
    assert close.all(), f"{what}, differ: {first} and {second} at {where}"


def _approaches(values: list[FloatArray], limit: FloatArray, where: object) -> None:
    """Assert that of two values the second, a hundred times further on, is nearer to the limit, or both are there."""
    far, near = (np.abs(value - limit) for value in values)
    size = ROUNDING * (1 + np.abs(limit)) * 100
    assert ((near <= far / 20) | (near <= size)).all(), f"{values} do not tend to {limit} at {where}"
