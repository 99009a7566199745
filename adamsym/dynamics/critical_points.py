"""The critical point of the loss beside a zero of the field: its kind, its distance, and the leading order."""

from functools import cache

import numpy as np

from adamsym.dynamics.newton import Linear, Newton, Spent, System, Work, solved
from adamsym.dynamics.spectrum import Product, extreme_eigenvalue
from adamsym.dynamics.zero_point import CriticalPoint, Kind
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.field.bias import leading_batch_gradient, leading_gradient
from adamsym.gradients import StochasticGradient

CRITICAL, NEGLIGIBLE = 1e-11, 1e-14
"""The mean gradient at a critical point, in units of the rows' gradients at the zero, or at the start."""

SHARE = 1e-6
"""Relative accuracy of the linear system of the prediction."""

PRODUCTS = 100_000
"""With the Hessian, for the prediction to order 1/B."""


def critical_point(
    field: AdamField, zero: FloatArray, start: FloatArray, work: Work
) -> tuple[CriticalPoint | None, str]:
    """Return the critical point of the loss that Newton's method reaches from a zero, or None and the reason.

    The search for the zero began at ``start``.
    """
    source = field.problem
    if not source.has_loss:
        return None, f"no critical point: {type(source).__name__} gives no loss"
    enough = max(NEGLIGIBLE * _size(source, start), CRITICAL * _size(source, zero))
    try:
        newton = Newton(_gradient_system(source), zero, enough, 0.0, work)
        if not newton.run():
            steepness = np.abs(newton.linear.value).max()
            return None, f"no critical point was found: Newton's method stalls where max |dL/dtheta| = {steepness:.2g}"
        if (far := newton.distance_if_far(newton.last_step())) is not None:
            return None, f"no critical point was found: dL/dtheta falls to 0, and Newton's step is still {far:.2g} long"
    except Spent:
        return None, "no critical point was found within the budget"
    except InputError as error:
        return None, f"no critical point was found: {error}"
    theta, product = newton.theta, newton.linear.product
    kind, least, residual = kind_of(product, len(theta), work, newton.change_near())
    shift, excess = _predicted_shift(field, newton, work)
    away = float(np.linalg.norm(zero - theta))
    found = CriticalPoint(
        theta,
        float(np.abs(newton.linear.value).max()),
        kind,
        least,
        residual,
        away,
        float(source.mean_loss(zero) - source.mean_loss(theta)),
        None if shift is None else theta + shift,
        np.nan if shift is None else float(np.linalg.norm(shift)),
        excess,
    )
    return found, ""


def _size(source: StochasticGradient, theta: FloatArray) -> float:
    """The largest root mean square of the rows' gradients in a coordinate."""
    gradients, p = source.row_atoms(theta)
    return float(np.sqrt(np.einsum("a,ai,ai->i", p, gradients, gradients)).max())


def _gradient_system(source: StochasticGradient) -> System:
    """The mean gradient as a system of equations: its Jacobian is the Hessian of the loss."""
    level = source.law.levels - 1
    p = source.law.discretise(level)[1]
    weights = np.broadcast_to(p, (source.dimension, len(p)))

    def linearize(theta: FloatArray) -> Linear:
        @cache
        def matrix() -> FloatArray:
            return source.weighted_jacobian(theta, weights, level)

        def product(vector: FloatArray) -> FloatArray:
            if source.has_own_products:
                return source.weighted_product(theta, weights, vector, level)
            return matrix() @ vector

        value = source.gradient(theta)
        return Linear(value, np.zeros_like(value), product)

    return System(source.gradient, linearize, is_symmetric=True)


def kind_of(product: Product, d: int, work: Work, change: float = 0.0) -> tuple[Kind, float, float]:
    """Return the kind of a critical point, and the least eigenvalue of the Hessian with its residual.

    ``change`` is by how much the Hessian at the critical point may be another.
    """
    found = extreme_eigenvalue(product, d, work)
    if found is None:
        return "not decided", np.nan, np.nan
    least, residual = found
    if least - residual - change > 0:
        return "minimum", least, residual
    other = extreme_eigenvalue(product, d, work, least=False) if least + residual + change < 0 else None
    if other is None:
        return "not decided", least, residual
    greatest, doubt = other[0], other[1] + change
    kind: Kind = "maximum" if greatest + doubt < 0 else "saddle" if greatest - doubt > 0 else "not decided"
    return kind, least, residual


def _predicted_shift(field: AdamField, newton: Newton, work: Work) -> tuple[FloatArray | None, float]:
    """The shift of the zero to leading order in 1 - beta2, and the loss that goes with it; or None and nan."""
    try:
        gradient = leading_gradient(field.problem, field.adam, newton.theta)
        shift = solved(newton.linear.product, gradient, SHARE, work, True)
    except (NotApplicable, Spent):
        return None, np.nan
    return shift, float(shift @ gradient) / 2


def shift_in_batches(field: AdamField, theta: FloatArray) -> tuple[FloatArray | None, float]:
    """Return the shift (d,) of a zero from a critical point theta (d,) of the loss to order 1/B, and the loss that goes
    with it to second order; None and nan where there is no such prediction."""
    try:
        gradient = leading_batch_gradient(field.problem, field.adam, theta)
        product = _gradient_system(field.problem).linearize(theta).product
        shift = solved(product, gradient, SHARE, Work(PRODUCTS), True)
    except (InputError, Spent):
        return None, np.nan
    return shift, float(shift @ gradient) / 2
