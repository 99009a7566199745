"""P(s) and the numerator from lag to lag, in float64 intervals; see :mod:`adamsym.field.ball.quadrature_nodes`.

The state is P, its derivatives, N = sum of ratio^k E[g_k exp(-s V)] and its derivatives: an array (2 + 2 d, 2), all
without the factor exp(-s least).
"""

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import inner
from adamsym.field.interval.elementary import exp_down, exp_up
from adamsym.field.interval.moments import values_of_series
from adamsym.field.interval.rounding import add, down, multiply, scale, up
from adamsym.field.interval.tables import BETA, ONE_LESS_BETA, RATIO, Tables

LARGEST = 1e150
"""A state beyond this is given up."""


@inner
def state_of_series(values: FloatArray, low: float, high: float, state: FloatArray) -> bool:
    """Fill the state from (S, Q, S_1, Q_1, ...) and s (c - least) in [low, high]; False if it is out of range."""
    d = state.shape[0] // 2 - 1
    x, y = down(values[0, 0] - high), up(values[0, 1] - low)
    if not y <= 300:
        return False
    p, q = exp_down(x), exp_up(y)
    state[0, 0], state[0, 1] = p, q
    state[1 + d, 0], state[1 + d, 1] = scale(values[1, 0], values[1, 1], p, q)
    for j in range(d):
        a, b = values[2 + 2 * j, 0], values[2 + 2 * j, 1]
        state[1 + j, 0], state[1 + j, 1] = scale(a, b, p, q)
        x, y = multiply(a, b, values[1, 0], values[1, 1])
        x, y = add(x, y, values[3 + 2 * j, 0], values[3 + 2 * j, 1])
        state[2 + d + j, 0], state[2 + d + j, 1] = scale(x, y, p, q)
    return is_in_range(state)


@inner
def is_in_range(state: FloatArray) -> bool:
    """Whether all numbers are finite and products of two are too."""
    inside = True
    for r in range(state.shape[0]):
        inside &= state[r, 0] >= -LARGEST and state[r, 1] <= LARGEST
    return inside


@inner
def transforms(
    atoms: FloatArray,
    squares: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    least: float,
    low: float,
    high: float,
    found: FloatArray,
) -> None:
    """Fill (A, B, dA_1, dB_1, ...) at t in [low, high], without the factor exp(-t least); dB without its -2 t."""
    d = slopes.shape[0]
    found[:] = 0.0
    for i in range(atoms.shape[0]):
        e = exp_down(-up(high * up(squares[i, 1] - least)))
        f = exp_up(-max(0.0, down(low * down(squares[i, 0] - least))))
        e, f = max(0.0, down(e * shares[i, 0])), min(shares[i, 1], up(f * shares[i, 1]))
        found[1, 0], found[1, 1] = down(found[1, 0] + e), up(found[1, 1] + f)
        a, b = scale(atoms[i, 0], atoms[i, 1], e, f)
        found[0, 0], found[0, 1] = down(found[0, 0] + a), up(found[0, 1] + b)
        if d > 0:
            x, y = down(1 - up(2 * high * squares[i, 1])), up(1 - down(2 * low * squares[i, 0]))
            x, y = scale(x, y, e, f)
            for j in range(d):
                v, w = multiply(x, y, slopes[j, i, 0], slopes[j, i, 1])
                found[2 + 2 * j, 0], found[2 + 2 * j, 1] = add(found[2 + 2 * j, 0], found[2 + 2 * j, 1], v, w)
                v, w = multiply(a, b, slopes[j, i, 0], slopes[j, i, 1])
                found[3 + 2 * j, 0], found[3 + 2 * j, 1] = add(found[3 + 2 * j, 0], found[3 + 2 * j, 1], v, w)
    found[1, 0], found[1, 1] = max(0.0, found[1, 0]), min(1.0, found[1, 1])


@inner
def one_lag(state: FloatArray, found: FloatArray, low: float, high: float, ratio: FloatArray) -> None:
    """Go to the next lattice point, t in [low, high], with the transforms ``found`` there.

    P is B P, N is A P + ratio B N, and their derivatives.
    """
    d = state.shape[0] // 2 - 1
    n = 1 + d
    b, c = found[1, 0], found[1, 1]
    u, v = max(0.0, down(ratio[0] * b)), up(ratio[1] * c)
    for j in range(d):
        x, y = scale(-found[3 + 2 * j, 1], -found[3 + 2 * j, 0], 2 * low, 2 * high)
        # The derivative of N: dA P + A dP + ratio (dB N + B dN).
        e, f = scale(found[2 + 2 * j, 0], found[2 + 2 * j, 1], state[0, 0], state[0, 1])
        g, h = multiply(found[0, 0], found[0, 1], state[1 + j, 0], state[1 + j, 1])
        e, f = add(e, f, g, h)
        g, h = multiply(x, y, state[n, 0], state[n, 1])
        g, h = scale(g, h, ratio[0], ratio[1])
        e, f = add(e, f, g, h)
        g, h = scale(state[n + 1 + j, 0], state[n + 1 + j, 1], u, v)
        state[n + 1 + j, 0], state[n + 1 + j, 1] = add(e, f, g, h)
        # That of P: dB P + B dP.
        e, f = scale(x, y, state[0, 0], state[0, 1])
        g, h = scale(state[1 + j, 0], state[1 + j, 1], b, c)
        state[1 + j, 0], state[1 + j, 1] = add(e, f, g, h)
    e, f = scale(found[0, 0], found[0, 1], state[0, 0], state[0, 1])
    g, h = scale(state[n, 0], state[n, 1], u, v)
    state[n, 0], state[n, 1] = add(e, f, g, h)
    state[0, 0], state[0, 1] = max(0.0, down(state[0, 0] * b)), up(state[0, 1] * c)


@inner
def walk(
    tables: Tables,
    atoms: FloatArray,
    squares: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    least: float,
    node: int,
    state: FloatArray,
    found: FloatArray,
) -> bool:
    """Take the state from one node to the next, lag after lag; False if it is out of range."""
    constants = tables.constants
    for m in range(tables.growth.shape[0]):
        low, high = scale(tables.nodes[node, 0], tables.nodes[node, 1], tables.growth[m, 0], tables.growth[m, 1])
        low, high = scale(low, high, constants[ONE_LESS_BETA, 0], constants[ONE_LESS_BETA, 1])
        low = max(0.0, low)
        transforms(atoms, squares, shares, slopes, least, low, high, found)
        one_lag(state, found, low, high, constants[RATIO])
        if not is_in_range(state):
            return False
    return True


@inner
def by_own_lags(
    tables: Tables,
    atoms: FloatArray,
    squares: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    series: FloatArray,
    tops: FloatArray,
    least: float,
    center: float,
    width: float,
    node: int,
    lags: int,
    values: FloatArray,
    state: FloatArray,
    found: FloatArray,
) -> bool:
    """Fill the state at a node, from the series at s beta^lags by the lags before; False if it is out of range."""
    low, high, constants, powers = tables.nodes[node, 0], tables.nodes[node, 1], tables.constants, tables.growth
    a, b = max(0.0, down(low * powers[lags, 0])), up(high * powers[lags, 1])
    reach = up(b * up(constants[ONE_LESS_BETA, 1] * width))
    x, y = down(tables.unit * width), up(tables.unit * width)
    values_of_series(series, tops, max(0.0, down(a * x)), up(b * y), reach, values)
    x, y = scale(down(center - least), up(center - least), a, b)
    if not state_of_series(values, x, y, state):
        return False
    for k in range(lags - 1, -1, -1):
        a, b = scale(tables.lag_weights[k, 0], tables.lag_weights[k, 1], low, high)
        transforms(atoms, squares, shares, slopes, least, max(0.0, a), b, found)
        one_lag(state, found, max(0.0, a), b, constants[RATIO])
        if not is_in_range(state):
            return False
    return True


@inner
def lags_to(tables: Tables, node: int, end: float, share: float, lags: int) -> int:
    """Return how many lags, at least ``lags``, take a node into the range of the series; -1 if more than are kept.

    Of a range one more than are needed: what is uncertain of s beta^k counts for less there.
    """
    powers, beta = tables.growth, tables.constants[BETA]
    more = 1 if beta[1] - beta[0] > 1e-9 * beta[1] else 0
    while lags < powers.shape[0]:
        s = up(tables.nodes[node, 1] * powers[lags - more, 1])
        if s <= end and up(s * share) <= 0.5:
            return lags
        lags += 1
    return -1
