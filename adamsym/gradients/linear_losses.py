"""Losses of a linear model z = w . x + b: regression, robust regression, counts and classes.

Every function returns the loss of one data row and the parameters' names, as :mod:`adamsym.gradients.library` says.
Numbers such as ``delta`` count exactly as they are written. All add ``penalty``/2 |w|^2, which is 0 if omitted (ridge
regression); the intercept b is free.
"""

from collections.abc import Sequence

import sympy as sp

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import log1p, logsumexp, softplus
from adamsym.expressions.numbers import Number, exact_rational

Model = tuple[sp.Expr, list[str]]
"""The loss of one row, and the names of the parameters."""

MOST_PARAMETERS = 1000


@checked_arguments
def least_squares(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return (w . x + b - y)^2/2."""
    value, names = _linear(inputs, intercept)
    return _penalized((value - real(target)) ** 2 / 2, names, penalty)


@checked_arguments
def absolute(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return |w . x + b - y|: median regression. Its gradient jumps where the model meets a row."""
    value, names = _linear(inputs, intercept)
    return _penalized(sp.Abs(value - real(target)), names, penalty)


@checked_arguments
def quantile(
    inputs: Sequence[str], target: str, level: Number = 0.5, intercept: bool = True, penalty: Number = 0
) -> Model:
    """Return max(level (y - z), (level - 1) (y - z)), z = w . x + b: quantile regression (Koenker and Bassett, 1978).

    Its gradient jumps where the model meets a row.
    """
    value, names = _linear(inputs, intercept)
    share, rest = _number("quantile: level", level, most=1), real(target) - value
    return _penalized(sp.Max(share * rest, (share - 1) * rest), names, penalty)


@checked_arguments
def huber(inputs: Sequence[str], target: str, delta: Number = 1, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return r^2/2 for |r| <= delta, else delta (|r| - delta/2), r = w . x + b - y (Huber, 1964).

    Its gradient has kinks where |r| = delta, but does not jump.
    """
    value, names = _linear(inputs, intercept)
    rest, edge = value - real(target), _number("huber: delta", delta)
    return _penalized((rest**2 - sp.Max(sp.Abs(rest) - edge, 0) ** 2) / 2, names, penalty)


@checked_arguments
def pseudo_huber(
    inputs: Sequence[str], target: str, delta: Number = 1, intercept: bool = True, penalty: Number = 0
) -> Model:
    """Return delta^2 (sqrt(1 + (r/delta)^2) - 1), r = w . x + b - y: smooth, and like delta |r| for large r."""
    value, names = _linear(inputs, intercept)
    edge = _number("pseudo_huber: delta", delta)
    return _penalized(edge**2 * (sp.sqrt(1 + ((value - real(target)) / edge) ** 2) - 1), names, penalty)


@checked_arguments
def log_cosh(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return log(cosh(r)), r = w . x + b - y, as log(1 + exp(2r)) - r - log(2), which does not overflow."""
    value, names = _linear(inputs, intercept)
    rest = value - real(target)
    return _penalized(softplus(2 * rest) - rest - sp.log(2), names, penalty)


@checked_arguments
def cauchy(inputs: Sequence[str], target: str, scale: Number = 1, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return scale^2/2 log(1 + (r/scale)^2), r = w . x + b - y: rows far away hardly count, and it is not convex."""
    value, names = _linear(inputs, intercept)
    width = _number("cauchy: scale", scale)
    return _penalized(width**2 / 2 * log1p(((value - real(target)) / width) ** 2), names, penalty)


@checked_arguments
def poisson(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return exp(z) - y z, z = w . x + b, for counts y of mean exp(z); what depends on y alone is left out."""
    value, names = _linear(inputs, intercept)
    return _penalized(sp.exp(value) - real(target) * value, names, penalty)


@checked_arguments
def gamma(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return z + y exp(-z), z = w . x + b, for positive y of mean exp(z); what depends on y alone is left out."""
    value, names = _linear(inputs, intercept)
    return _penalized(value + real(target) * sp.exp(-value), names, penalty)


@checked_arguments
def logistic(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return log(1 + exp(z)) - y z, z = w . x + b, for labels y in {0, 1}."""
    value, names = _linear(inputs, intercept)
    return _penalized(softplus(value) - real(target) * value, names, penalty)


@checked_arguments
def hinge(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return max(0, 1 - (2y - 1) z), z = w . x + b, for labels y in {0, 1}. Its gradient jumps where that is 0."""
    margin, names = _margin(inputs, target, intercept)
    return _penalized(sp.Max(0, 1 - margin), names, penalty)


@checked_arguments
def squared_hinge(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return max(0, 1 - (2y - 1) z)^2/2, z = w . x + b, for labels y in {0, 1}; its gradient does not jump."""
    margin, names = _margin(inputs, target, intercept)
    return _penalized(sp.Max(0, 1 - margin) ** 2 / 2, names, penalty)


@checked_arguments
def exponential(inputs: Sequence[str], target: str, intercept: bool = True, penalty: Number = 0) -> Model:
    """Return exp(-(2y - 1) z), z = w . x + b, for labels y in {0, 1}: what AdaBoost minimises."""
    margin, names = _margin(inputs, target, intercept)
    return _penalized(sp.exp(-margin), names, penalty)


@checked_arguments
def softmax(inputs: Sequence[str], targets: Sequence[str], intercept: bool = True, penalty: Number = 0) -> Model:
    """Return log(1 + exp(z_1) + ... + exp(z_n)) - y_1 z_1 - ... - y_n z_n, z_k = w_k . x + b_k, for n + 1 classes.

    The columns ``targets`` are 1 in the rows of their class, else 0. The last class has no column, and z = 0, so that
    weights are unique.
    """
    if not targets or set(inputs) & set(targets):
        raise InputError("softmax: targets: give the columns of zeros and ones of all classes but one, none an input")
    check_size("softmax", len(targets) * (len(inputs) + intercept))
    values, names = [], []
    for k, _ in enumerate(targets):
        weights = [f"w{k}_{j}" for j in range(len(inputs))]
        terms = [real(name) * real(x) for name, x in zip(weights, inputs, strict=True)]
        names += [*weights, *([f"b{k}"] if intercept else [])]
        values.append(sp.Add(*terms, *([real(f"b{k}")] if intercept else [])))
    chosen = sp.Add(*(real(y) * value for y, value in zip(targets, values, strict=True)))
    return _penalized(logsumexp(sp.S.Zero, *values) - chosen, names, penalty)


def real(name: str) -> sp.Symbol:
    """Return the real variable of a name."""
    return sp.Symbol(name, real=True)


def check_size(place: str, parameters: int) -> None:
    """Raise InputError if a model has no parameters, or too many."""
    if not 1 <= parameters <= MOST_PARAMETERS:
        raise InputError(f"{place}: {parameters} parameters; allowed are 1 to {MOST_PARAMETERS}")


def _linear(inputs: Sequence[str], intercept: bool) -> Model:
    check_size("linear model", len(inputs) + intercept)
    names = [f"w{k}" for k in range(len(inputs))] + (["b"] if intercept else [])
    terms = [real(name) * real(x) for name, x in zip(names, inputs, strict=False)]
    return sp.Add(*terms, *([real("b")] if intercept else [])), names


def _margin(inputs: Sequence[str], target: str, intercept: bool) -> Model:
    value, names = _linear(inputs, intercept)
    return (2 * real(target) - 1) * value, names


def _penalized(loss: sp.Expr, names: list[str], penalty: Number) -> Model:
    """The loss and penalty/2 |w|^2; the intercept is free."""
    share = exact_rational(penalty, "penalty")
    if share < 0:
        raise InputError(f"penalty: {str(penalty)[:40]} is not allowed; allowed are numbers from 0 up")
    squares = sp.Add(*(real(name) ** 2 for name in names if name.startswith("w")))
    return loss + sp.Rational(share.numerator, share.denominator) / 2 * squares, names


def _number(place: str, value: Number, most: int | None = None) -> sp.Rational:
    """A positive number, below ``most`` if that is given."""
    found = exact_rational(value, place)
    if found <= 0 or (most is not None and found >= most):
        allowed = "positive numbers" if most is None else f"numbers between 0 and {most}"
        raise InputError(f"{place}: {str(value)[:40]} is not allowed; allowed are {allowed}")
    return sp.Rational(found.numerator, found.denominator)
