"""F = E[M/(sqrt V + eps)] for finite laws of gradient atoms, by the Laplace integral on a logarithmic grid.

Source: theory T4 and T5. With s_k = s (1-beta) beta^k, S = sum_k log B(s_k) and Q = sum_k alpha^k (A/B)(s_k),
F = (1-alpha) int rho(s) e^S Q ds. The trapezoidal rule in x = log s converges like exp(-pi^2/spacing).
"""

from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.grid import LagGrid, lag_grid
from adamsym.field.kernel import scaled_kernel
from adamsym.field.transforms import AtomLaws
from adamsym.optimizer import Adam

SPACINGS = (0.2, 0.141, 0.1, 0.0707, 0.05, 0.0354, 0.025, 0.0177, 0.0125)
"""Spacings tried in turn, until two agree; after them the grid on which every lag is a node."""

_AGREEMENT = 4e-15
"""Two spacings agree at this share of the scale 1/(1 + eps/sqrt(E g^2)): a few rounding errors."""

_LEFT_END = 1e-14
"""Where the grid starts, in units of 1/E g^2: the control variate leaves an integrand of order s^(3/2) below."""

_LEFT_END_SERIES = 1e-8
"""There t max g^2 is at most this, so that the start values' series are exact to rounding."""

_NEGLIGIBLE = 1e-18
"""Share of the scale that the truncated right tail may have at most."""

_LINEAR_BELOW = 1e-30
"""Where max |g|/eps is at most this, F = E g/eps up to a relative 1e-30 of E|g|/eps (theory T9)."""

_BLOCK = 48
"""Grid nodes between two looks at the right tail."""


@dataclass(frozen=True)
class Quotient:
    """F and an a-posteriori estimate of its error, each of shape (laws,); dF/dg of shape (laws, n) if asked for."""

    value: FloatArray
    error: FloatArray
    sensitivity: FloatArray | None = None


def quotient(atoms: FloatArray, probabilities: FloatArray, adam: Adam, sensitivity: bool = False) -> Quotient:
    """Return F = E[M/(sqrt V + eps)] of each law, with an error estimate from two grids.

    Parameters
    ----------
    atoms
        Gradient atoms, shape (laws, n), finite.
    probabilities
        Their probabilities, shape (n,), positive, summing to 1.
    adam
        Momentum parameters and eps.
    sensitivity
        Whether to return dF/dg_a too.

    Notes
    -----
    Accuracy about 1e-14 min(C, E|g|/eps), C = ``adam.step_bound``; the estimate is the difference of two spacings plus
    rounding, evidence and no bound.
    """
    largest = np.abs(atoms).max(axis=1)
    value = atoms @ probabilities / adam.eps
    error = np.finfo(float).eps * largest / adam.eps
    # The derivative of the linear limit, E M'/eps.
    gradient = np.tile(probabilities / adam.eps, (len(atoms), 1)) if sensitivity else None
    full = largest > _LINEAR_BELOW * adam.eps
    if full.any():
        scale = largest[full] * np.sqrt((atoms[full] / largest[full, None]) ** 2 @ probabilities)
        laws = AtomLaws(atoms[full] / scale[:, None], probabilities)
        found = _agreeing(laws, adam.eps / scale, adam, sensitivity)
        value[full], error[full] = found.value, found.error
        if gradient is not None and found.sensitivity is not None:
            gradient[full] = found.sensitivity / scale[:, None]
    return Quotient(value, error, gradient)


def _agreeing(laws: AtomLaws, eps: FloatArray, adam: Adam, sensitivity: bool) -> Quotient:
    """Refine the grid until two spacings agree for every law."""
    tolerance = _AGREEMENT / (1 + eps)
    coarse = on_grid(laws, eps, adam, lag_grid(adam.alpha, adam.beta, SPACINGS[0]))
    for spacing in SPACINGS[1:]:
        grid = lag_grid(adam.alpha, adam.beta, spacing)
        fine = on_grid(laws, eps, adam, grid, sensitivity)
        difference = np.abs(fine.value - coarse.value)
        if (difference <= tolerance).all() or grid.exact_lags:
            break
        coarse = fine
    return Quotient(fine.value, difference + tolerance, fine.sensitivity)


def on_grid(laws: AtomLaws, eps: FloatArray, adam: Adam, grid: LagGrid, sensitivity: bool = False) -> Quotient:
    """Return F of laws scaled to E g^2 = 1 on one grid; the error is left 0."""
    one_less_beta = float(1 - adam.beta)
    left, right = grid.padding
    s, a, b_less_one = _sampled(laws, eps, adam, grid)
    b_sum = 1.0 + b_less_one
    log_b, ratio = np.log1p(b_less_one), a / b_sum
    inner = s[left : len(s) - right]
    start_s, start_q = _start_values(laws, adam, inner[0] * np.exp(grid.spacing * np.arange(-max(grid.stride, 1), 0)))
    lag_s, lag_q = grid.lag_sums(log_b, ratio, start_s, start_q)

    weight = grid.spacing * scaled_kernel(inner, eps[:, None])
    decay = np.exp(lag_s - inner * laws.smallest_square[:, None])
    one_less_alpha = float(1 - adam.alpha)
    control = np.exp(-inner)
    mean = laws.mean
    # int rho(s) exp(-s) ds = 1/(1 + eps): the control variate takes the slow left end.
    summed = (weight * (one_less_alpha * decay * lag_q - mean[:, None] * control)).sum(axis=1)
    value = mean / (1 + eps) + summed
    error = np.zeros_like(value)
    if not sensitivity:
        return Quotient(value, error)

    q_adjoint = one_less_alpha * weight * decay
    log_b_adjoint, ratio_adjoint, _, start_q_adjoint = grid.lag_sums_adjoint(q_adjoint * lag_q, q_adjoint)
    a_adjoint = ratio_adjoint / b_sum
    b_adjoint = (log_b_adjoint - ratio_adjoint * ratio) / b_sum
    gradient = laws.atom_sensitivity(s * one_less_beta, a_adjoint, b_adjoint)
    mean_adjoint = 1 / (1 + eps) - (weight * control).sum(axis=1)
    if grid.stride:
        mean_adjoint += start_q_adjoint.sum(axis=1) / one_less_alpha
    return Quotient(value, error, gradient + mean_adjoint[:, None] * laws.probabilities)


def _start_values(laws: AtomLaws, adam: Adam, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """S and Q at small s, from B = 1 - t E y + t^2 E y^2/2 - ..., y = g^2 - min g^2."""
    p, y = laws.probabilities, laws.excess
    one_less_beta = float(1 - adam.beta)
    mean_y = y @ p
    variance = ((y - mean_y[:, None]) ** 2) @ p
    covariance = (laws.atoms * (y - mean_y[:, None])) @ p
    second = variance * one_less_beta / (2 * float(1 + adam.beta))
    lag_s = -mean_y[:, None] * s + second[:, None] * s**2
    slope = covariance * one_less_beta / float(1 - adam.alpha * adam.beta)
    lag_q = (laws.mean / float(1 - adam.alpha))[:, None] - slope[:, None] * s
    return lag_s, lag_q


def _sampled(laws: AtomLaws, eps: FloatArray, adam: Adam, grid: LagGrid) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The padded grid in s, and A and B - 1 there; the grid ends where the rest cannot matter."""
    left, right = grid.padding
    one_less_beta = float(1 - adam.beta)
    largest_square = float((laws.atoms**2).max())
    first = min(_LEFT_END, _LEFT_END_SERIES / largest_square)
    nodes_per_lag = 1.0 if adam.beta == 0 else grid.spacing / -np.log1p(-one_less_beta)
    s = np.empty(0)
    a = b = np.empty((len(laws.atoms), 0))
    while True:
        block = first * np.exp(grid.spacing * np.arange(len(s) - left, len(s) - left + _BLOCK))
        a_block, b_block = laws.transforms(block * one_less_beta)
        s, a, b = np.append(s, block), np.hstack((a, a_block)), np.hstack((b, b_block))
        end = len(s) - 1 - right
        log_b = np.log1p(b)
        # log B decreases, so its sum over lags is at most its integral, and that at most the left Riemann sum.
        log_product = log_b[:, end] if adam.beta == 0 else nodes_per_lag * log_b[:, :end].sum(axis=1)
        if (_log_tail(laws, eps, log_product, s[end]) < np.log(_NEGLIGIBLE / (1 + eps))).all():
            return s, a, b


def _log_tail(laws: AtomLaws, eps: FloatArray, log_product: FloatArray, s: float) -> FloatArray:
    """Log of a bound on the integral right of s: S is at most the integral of log B over all smaller lags."""
    log_kernel = np.minimum(-np.log(eps), -2 * np.log(eps) - 0.5 * np.log(np.pi * s))
    log_largest = np.log(np.abs(laws.atoms).max(axis=1))
    product = log_product - s * laws.smallest_square + log_largest
    return np.asarray(log_kernel + np.maximum(product, -s))
