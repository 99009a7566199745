"""Power series of the products over all lags, in float64 intervals; see :mod:`adamsym.field.ball.lag_series`.

The variable is z = s w times the tables' unit, w a bound of |g^2 - c|: about t w, so that all powers are at most 1.
"""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import inner
from adamsym.field.interval.rounding import add, down, multiply, scale, up
from adamsym.field.interval.tables import CIRCLE, LOG_BOUND, RECIPROCAL

ENOUGH = 1 + 2.0**-20
"""Factor that makes up for the rounding of bounds: sums and products of some thousand numbers >= 0, to nearest."""


@inner
def _moments(
    atoms: FloatArray,
    squares: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    center: float,
    width: float,
    terms: int,
) -> FloatArray:
    """Coefficients of E[v exp(-t u)], u = g^2 - c, in z: for v = 1, g, and for each parameter 2 g g', g', 2 g^2 g'."""
    d = slopes.shape[0]
    found = np.zeros((2 + 3 * d, terms, 2))
    for i in range(atoms.shape[0]):
        low, high = add(center, center, -squares[i, 1], -squares[i, 0])
        low, high = max(-1.0, down(low / width)), min(1.0, up(high / width))
        a, b = shares[i, 0], shares[i, 1]
        for k in range(terms):
            found[0, k, 0], found[0, k, 1] = add(found[0, k, 0], found[0, k, 1], a, b)
            x, y = multiply(a, b, atoms[i, 0], atoms[i, 1])
            found[1, k, 0], found[1, k, 1] = add(found[1, k, 0], found[1, k, 1], x, y)
            for j in range(d):
                r = 2 + 3 * j
                v, w = multiply(a, b, slopes[j, i, 0], slopes[j, i, 1])
                found[r + 1, k, 0], found[r + 1, k, 1] = add(found[r + 1, k, 0], found[r + 1, k, 1], v, w)
                x, y = multiply(2 * atoms[i, 0], 2 * atoms[i, 1], v, w)
                found[r, k, 0], found[r, k, 1] = add(found[r, k, 0], found[r, k, 1], x, y)
                x, y = scale(v, w, 2 * squares[i, 0], 2 * squares[i, 1])
                found[r + 2, k, 0], found[r + 2, k, 1] = add(found[r + 2, k, 0], found[r + 2, k, 1], x, y)
            a, b = multiply(a, b, low, high)
            a, b = down(a / (k + 1)), up(b / (k + 1))
    # All probabilities together are 1.
    found[0, 0, 0], found[0, 0, 1] = 1.0, 1.0
    return found


@inner
def _divide(series: FloatArray, terms: int) -> None:
    """Divide all rows but the first by the first, whose constant coefficient is 1."""
    for r in range(1, series.shape[0]):
        for k in range(terms):
            x, y = series[r, k, 0], series[r, k, 1]
            for i in range(k):
                a, b = multiply(series[r, i, 0], series[r, i, 1], series[0, k - i, 0], series[0, k - i, 1])
                x, y = down(x - b), up(y - a)
            series[r, k, 0], series[r, k, 1] = x, y


@inner
def _logarithm(series: FloatArray, terms: int) -> FloatArray:
    """The series of log B: k l_k = k b_k - sum of i l_i b_(k-i) over 0 < i < k."""
    found = np.zeros((terms, 2))
    for k in range(1, terms):
        x, y = 0.0, 0.0
        for i in range(1, k):
            a, b = multiply(found[i, 0], found[i, 1], series[0, k - i, 0], series[0, k - i, 1])
            x, y = down(x + down(i * a)), up(y + up(i * b))
        found[k, 0] = down(series[0, k, 0] - up(y / k))
        found[k, 1] = up(series[0, k, 1] - down(x / k))
    return found


@inner
def summed_series(
    atoms: FloatArray,
    squares: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    center: float,
    width: float,
    terms: int,
    log_factors: FloatArray,
    ratio_factors: FloatArray,
    shift: tuple[float, float],
) -> FloatArray:
    """Return coefficients in z of S, Q, and of their derivatives S_j, Q_j in each parameter, (2 + 2 d, terms, 2).

    S is about another number than c, of which what is added to c is given.
    """
    d = slopes.shape[0]
    series = _moments(atoms, squares, shares, slopes, center, width, terms)
    _divide(series, terms)
    logarithm = _logarithm(series, terms)
    found = np.zeros((2 + 2 * d, terms, 2))
    for k in range(terms):
        found[0, k, 0], found[0, k, 1] = scale(logarithm[k, 0], logarithm[k, 1], log_factors[k, 0], log_factors[k, 1])
        found[1, k, 0], found[1, k, 1] = scale(
            series[1, k, 0], series[1, k, 1], ratio_factors[k, 0], ratio_factors[k, 1]
        )
    x, y = add(down(logarithm[1, 0] * width), up(logarithm[1, 1] * width), shift[0], shift[1])
    x, y = scale(x, y, log_factors[1, 0], log_factors[1, 1])
    found[0, 1, 0], found[0, 1, 1] = down(x / width), up(y / width)
    for j in range(d):
        double, slope, cube = series[2 + 3 * j], series[3 + 3 * j], series[4 + 3 * j]
        for k in range(terms):
            # S_j has -t double; Q_j has slope - t cube + t ratio double; t = z/w.
            x, y = slope[k, 0], slope[k, 1]
            if k > 0:
                a, b = -double[k - 1, 1], -double[k - 1, 0]
                a, b = scale(down(a / width), up(b / width), log_factors[k, 0], log_factors[k, 1])
                found[2 + 2 * j, k, 0], found[2 + 2 * j, k, 1] = a, b
                v, w = -cube[k - 1, 1], -cube[k - 1, 0]
                for i in range(k):
                    a, b = multiply(series[1, i, 0], series[1, i, 1], double[k - 1 - i, 0], double[k - 1 - i, 1])
                    v, w = add(v, w, a, b)
                x, y = add(x, y, down(v / width), up(w / width))
            a, b = scale(x, y, ratio_factors[k, 0], ratio_factors[k, 1])
            found[3 + 2 * j, k, 0], found[3 + 2 * j, k, 1] = a, b
    return found


@inner
def remainder_factors(
    max_abs: float, max_slopes: FloatArray, width: float, log_factor: float, ratio_factor: float, constants: FloatArray
) -> FloatArray:
    """Return for each series a bound on the circle |z| = 1.4, times the largest factor left out (Cauchy's estimate)."""
    d, reciprocal = max_slopes.shape[0], constants[RECIPROCAL, 1]
    found = np.empty(2 + 2 * d)
    found[0] = constants[LOG_BOUND, 1] * log_factor * ENOUGH
    found[1] = max_abs * reciprocal * ratio_factor * ENOUGH
    t = CIRCLE / width
    for j in range(d):
        found[2 + 2 * j] = t * 2 * max_abs * max_slopes[j] * reciprocal * log_factor * ENOUGH
        whole = max_slopes[j] * reciprocal * (1 + 2 * t * max_abs * max_abs * (1 + reciprocal))
        found[3 + 2 * j] = whole * ratio_factor * ENOUGH
    return found


@inner
def values_of_series(
    coefficients: FloatArray, tops: FloatArray, low: float, high: float, reach: float, values: FloatArray
) -> None:
    """Fill values (2 + 2 d, 2) with the series at z in [low, high], 0 <= low, with their remainders.

    ``reach`` is t w or above, at most 1/2.
    """
    terms = coefficients.shape[1]
    share, rest = reach / CIRCLE, 1.0
    for _ in range(terms):
        rest *= share
    rest = rest / (1 - share) * ENOUGH
    for r in range(coefficients.shape[0]):
        x, y = coefficients[r, terms - 1, 0], coefficients[r, terms - 1, 1]
        for k in range(terms - 2, -1, -1):
            x, y = scale(x, y, low, high)
            x, y = down(x + coefficients[r, k, 0]), up(y + coefficients[r, k, 1])
        error = tops[r] * rest * ENOUGH
        values[r, 0], values[r, 1] = down(x - error), up(y + error)
