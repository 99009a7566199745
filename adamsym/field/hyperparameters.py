"""Derivatives in beta1, beta2 and eps, so that zeros can be followed as these change."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.results import Result, plain
from adamsym.methods import Method
from adamsym.methods.record import parameters_of

_DEGREE = 12
"""Degree of the interpolant; with the radius below its error is near rounding, which it amplifies some hundredfold."""

_RADIUS = 0.2
"""Half the interval in log(eps) and log(1 - beta2), and in beta1 in units of its distance to sqrt(beta2)."""


@dataclass(frozen=True, repr=False)
class HyperparameterDerivatives(Result):
    """df/dbeta1, df/dbeta2 and df/deps, each of theta's shape, with error estimates of the same shape."""

    beta1: FloatArray
    beta2: FloatArray
    eps: FloatArray
    error_beta1: FloatArray
    error_beta2: FloatArray
    error_eps: FloatArray

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """How large each derivative is."""
        sizes = {"beta1": self.beta1, "beta2": self.beta2, "eps": self.eps}
        return ", ".join(f"max |df/d{name}| = {np.abs(value).max():.3g}" for name, value in sizes.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the derivatives and their error estimates in lists, ready for JSON."""
        return {name: plain(value) for name, value in vars(self).items()}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter of each point: the derivatives and their error estimates."""
        d = self.beta2.shape[-1]
        points = self.beta2.size // d
        named = parameter_names(names, d, ())
        found = {name: value.reshape(-1).copy() for name, value in vars(self).items()}
        return {"point": np.repeat(np.arange(points), d), "parameter": named * points, **found}


def hyperparameter_derivatives(evaluate: Callable[[Method], FloatArray], method: Method) -> HyperparameterDerivatives:
    """Return the derivatives at ``method`` of ``evaluate``, which must be analytic in beta1, log(1-beta2) and log(eps).

    F is: interpolation at 13 Chebyshev points and its derivative, in each variable alone. About 1e-11 relative accuracy
    in the logarithmic variables; the estimate is the difference to the interpolant on every other point. A method
    without ``beta1`` has nan there.

    Raises
    ------
    InputError
        If beta2 = 0, where f has no derivative in beta2, or the method has no numbers ``beta2`` and ``eps``.
    """
    if not {"beta2", "eps"} <= set(inspect.signature(type(method)).parameters):
        raise NotApplicable(f"adam: {type(method).__name__} has no beta2 and eps to differentiate in")
    numbers = parameters_of(method)
    alpha, beta, eps = (Fraction(numbers.get(name, "0")) for name in ("beta1", "beta2", "eps"))
    if beta == 0:
        raise InputError("adam.beta2: 0 is not allowed here; f has no derivative in beta2 at beta2 = 0")

    def at(**changed: Fraction) -> FloatArray:
        return evaluate(type(method)(**{**numbers, **changed}))

    radius = _RADIUS * (math.sqrt(beta) - float(alpha))
    first = max(-radius, -float(alpha))
    # 1 - (1 - beta2) exp(u) must stay above beta1^2.
    room = math.log(float((1 - alpha**2) / (1 - beta)))
    reach = min(_RADIUS, room / 2)
    by_log = _derivative(lambda u: at(beta2=1 - (1 - beta) * Fraction(math.exp(u))), -reach, reach)
    by_log_eps = _derivative(lambda u: at(eps=eps * Fraction(math.exp(u))), -_RADIUS, _RADIUS)
    if "beta1" in numbers:
        by_beta1 = _derivative(lambda u: at(beta1=max(alpha + Fraction(u), Fraction(0))), first, first + 2 * radius)
    else:
        by_beta1 = np.full_like(by_log[0], np.nan), np.full_like(by_log[0], np.nan)
    factor, rate = -1 / float(1 - beta), 1 / float(eps)
    return HyperparameterDerivatives(
        by_beta1[0],
        factor * by_log[0],
        rate * by_log_eps[0],
        by_beta1[1],
        -factor * by_log[1],
        rate * by_log_eps[1],
    )


def _derivative(function: Callable[[float], FloatArray], low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """The derivative at 0 of the interpolant on [low, high], and its difference to that on every other point."""
    cosines = np.cos(np.pi * np.arange(_DEGREE + 1) / _DEGREE)
    nodes = 0.5 * (low + high) + 0.5 * (high - low) * cosines
    values = np.array([function(float(node)) for node in nodes])
    fine, coarse = _slope_at_zero(nodes, values), _slope_at_zero(nodes[::2], values[::2])
    rounding = 1e-15 * _DEGREE**2 / (high - low) * np.abs(values).max(axis=0)
    # Half the points: the square root of the error, up to a constant.
    scale = np.abs(values).max(axis=0) / (high - low) + np.finfo(float).tiny
    return fine, scale * np.minimum(np.abs(fine - coarse) / scale, 1.0) ** 1.5 + rounding


def _slope_at_zero(nodes: FloatArray, values: FloatArray) -> FloatArray:
    middle, half = (nodes[0] + nodes[-1]) / 2, (nodes[0] - nodes[-1]) / 2
    flat = values.reshape(len(values), -1)
    coefficients = np.polynomial.chebyshev.chebfit((nodes - middle) / half, flat, len(nodes) - 1)
    slope = np.polynomial.chebyshev.chebval(-middle / half, np.polynomial.chebyshev.chebder(coefficients)) / half
    return np.asarray(slope).reshape(values.shape[1:])
