"""Compiled: the derivative of F in the atoms of one draw, where each gradient is the mean of a minibatch.

With psi(y) the derivative of F in a mean at y, divided by its probability, dF/dg_a = p_a E psi((g_a + rest)/B), where
rest is the sum of the other draws. psi is entire, so that it is a polynomial to rounding, and so is its mean over the
other draws.
"""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled


@compiled
def chebyshev_places(count: int) -> FloatArray:
    """Return the zeros of the Chebyshev polynomial of degree ``count``, in [-1, 1]."""
    return np.cos(math.pi * (np.arange(count) + 0.5) / count)


@compiled
def chebyshev_coefficients(values: FloatArray, coefficients: FloatArray) -> None:
    """Fill the coefficients of the polynomial with these values at the Chebyshev places."""
    n = len(values)
    for k in range(n):
        total = 0.0
        for i in range(n):
            total += values[i] * math.cos(math.pi * k * (i + 0.5) / n)
        coefficients[k] = total * (1.0 if k == 0 else 2.0) / n


@compiled
def chebyshev_values(coefficients: FloatArray, x: FloatArray, result: FloatArray) -> None:
    """Fill the values at x in [-1, 1], by Clenshaw's recursion; the points stand in the inner loop for speed."""
    before = np.zeros(len(x))
    result[:] = 0.0
    for k in range(len(coefficients) - 1, 0, -1):
        for i in range(len(x)):
            value = coefficients[k] + 2.0 * x[i] * result[i] - before[i]
            before[i], result[i] = result[i], value
    for i in range(len(x)):
        result[i] = coefficients[0] + x[i] * result[i] - before[i]


@compiled
def mean_slopes(
    coefficients: FloatArray, low: float, high: float, nodes: FloatArray, weights: FloatArray, u: FloatArray
) -> FloatArray:
    """Return E psi(u + Y) at each u, for psi on [low, high] by its coefficients and Y of a rule."""
    total, value, x = np.zeros(len(u)), np.empty(len(u)), np.empty(len(u))
    half = 0.5 * (high - low) if high > low else 1.0
    for j in range(len(nodes)):
        for i in range(len(u)):
            x[i] = (u[i] + nodes[j] - 0.5 * (low + high)) / half
        chebyshev_values(coefficients, x, value)
        total += weights[j] * value
    return total


@compiled
def row_slopes(
    atoms: FloatArray,
    probabilities: FloatArray,
    size: int,
    low: FloatArray,
    high: FloatArray,
    values: FloatArray,
    rests: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    slopes: FloatArray,
    error: FloatArray,
) -> None:
    """Fill dF/dg of each law's atoms (laws, n), and their errors in units of the largest before the probabilities.

    ``values`` (laws, places) are those of psi at Chebyshev places in [low, high]; ``rests`` are the nodes and weights
    of a coarse and of a fine rule of the other draws' part in the mean. The error is that of the coarse rule, and the
    end of the Chebyshev series.
    """
    count = values.shape[1]
    psi, own = np.empty(count), np.empty(count)
    places = chebyshev_places(count)
    coarse, coarse_weights, fine, fine_weights = rests
    for law in range(len(atoms)):
        chebyshev_coefficients(values[law], psi)
        left, right = atoms[law].min(), atoms[law].max()
        middle, half = 0.5 * (left + right), 0.5 * (right - left) if right > left else 1.0
        u = (middle + half * places) / size
        rough = mean_slopes(psi, low[law], high[law], coarse[law], coarse_weights[law], u)
        smooth = mean_slopes(psi, low[law], high[law], fine[law], fine_weights[law], u)
        largest = np.abs(smooth).max()
        unseen = np.abs(psi[count - count // 4 :]).max()
        error[law] = (np.abs(smooth - rough).max() + unseen) / largest if largest > 0.0 else 0.0
        chebyshev_coefficients(smooth, own)
        # An entry of ``slopes`` that is multiplied in place compiles texts of exceptions, for seconds.
        found = slopes[law]
        chebyshev_values(own, (atoms[law] - middle) / half, found)
        found *= probabilities
