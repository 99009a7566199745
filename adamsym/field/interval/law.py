"""F = E[M phi(V)] and its derivatives for a law whose atoms are float64 intervals; bounds as in the ball's quadrature.

See :mod:`adamsym.field.ball.quadrature` for what the bounds are and why they hold. Bounds that are sums and products of
numbers >= 0 are computed to nearest and multiplied by ``ENOUGH``; all else is rounded outward. What is out of range
comes back as (-inf, inf).
"""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled, inner
from adamsym.field.interval.arrays import IntArray
from adamsym.field.interval.elementary import exp_down, exp_up
from adamsym.field.interval.lags import by_own_lags, lags_to, state_of_series, walk
from adamsym.field.interval.moments import ENOUGH, remainder_factors, summed_series, values_of_series
from adamsym.field.interval.rounding import add, down, multiply, scale, square, up
from adamsym.field.interval.tables import (
    ABSOLUTE,
    AMOUNT,
    AT_ZERO,
    BY_SQUARES,
    CIRCLE,
    COSINE,
    DECAY,
    EPS,
    FOUR_BY_E,
    LIPSCHITZ,
    ONE_LESS_BETA,
    ROOT,
    ROOT_SLOPE,
    STEP_BOUND,
    TERMS,
    TOTAL,
    Tables,
)

RANGE = 0.45
"""The series are used up to t w = 0.45."""

LARGEST_ATOM, LARGEST_SLOPE, LEAST_SIZE = 1e30, 1e60, 1e-30
_SHARE_OF_RADIUS, _SHARE_OF_WIDTH = 0.01, 0.001
WIDE = 0.25
"""Laws that are uncertain by more than this share of their root mean square walk over ``WIDE_LAGS`` lags at most."""
WIDE_LAGS, MOST_LAGS = 1_000, 20_000
OWN_LAGS = 20
"""So many times as many lags where each node has its own."""

(MEAN, MEAN_SQUARE, EXTREMES) = range(3)
(MAX_ABS, MEAN_ABS, MEAN_CUBE, SPREAD) = range(4)


@inner
def statistics(
    atoms: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    squares: FloatArray,
    known: FloatArray,
    bounds: FloatArray,
) -> None:
    """Fill the squares (n, 2); ``known``: mean, mean square, least and most square, means of slopes; upper ``bounds``.

    The bounds are those of |g|, E|g|, E|g|^3, the mean radius, and of |g'| for each parameter.
    """
    d = slopes.shape[0]
    known[:], bounds[:] = 0.0, 0.0
    known[EXTREMES, 0] = math.inf
    for i in range(atoms.shape[0]):
        a, b = atoms[i, 0], atoms[i, 1]
        squares[i, 0], squares[i, 1] = square(a, b)
        large, share = max(abs(a), abs(b)), shares[i, 1]
        for row, (x, y) in enumerate(
            (scale(a, b, shares[i, 0], share), scale(squares[i, 0], squares[i, 1], shares[i, 0], share))
        ):
            known[row, 0], known[row, 1] = add(known[row, 0], known[row, 1], x, y)
        known[EXTREMES, 0] = min(known[EXTREMES, 0], squares[i, 0])
        known[EXTREMES, 1] = max(known[EXTREMES, 1], squares[i, 1])
        bounds[MAX_ABS] = max(bounds[MAX_ABS], large)
        bounds[MEAN_ABS] += share * large
        bounds[MEAN_CUBE] += share * large * squares[i, 1]
        bounds[SPREAD] += share * 0.5 * (b - a)
        for j in range(d):
            x, y = scale(slopes[j, i, 0], slopes[j, i, 1], shares[i, 0], share)
            known[3 + j, 0], known[3 + j, 1] = add(known[3 + j, 0], known[3 + j, 1], x, y)
            bounds[4 + j] = max(bounds[4 + j], max(abs(slopes[j, i, 0]), abs(slopes[j, i, 1])))
    known[MEAN_SQUARE, 0] = max(0.0, known[MEAN_SQUARE, 0])
    bounds[MEAN_ABS] = bounds[MEAN_ABS] * ENOUGH + 1e-300
    bounds[MEAN_CUBE] = bounds[MEAN_CUBE] * ENOUGH + 1e-300


@inner
def _magnitude(interval: FloatArray) -> float:
    return float(max(abs(interval[0]), abs(interval[1])))


@inner
def crude(known: FloatArray, bounds: FloatArray, constants: FloatArray, universal: float, found: FloatArray) -> None:
    """Bounds without a quadrature: c mu phi(0) up to what F departs from it, and those by |M| and |M'|."""
    low, high = multiply(constants[TOTAL, 0], constants[TOTAL, 1], constants[AT_ZERO, 0], constants[AT_ZERO, 1])
    scale_of_root = constants[ABSOLUTE, 1] * constants[ROOT_SLOPE, 1]
    for r in range(found.shape[0]):
        if r == 0:
            departure, most, row = scale_of_root * known[MEAN_SQUARE, 1], universal, MEAN
        else:
            h = bounds[3 + r]
            departure, most, row = 2 * scale_of_root * bounds[MAX_ABS] * h, h * constants[LIPSCHITZ, 1], 2 + r
        departure, most = departure * ENOUGH + 1e-300, most * ENOUGH + 1e-300
        x, y = multiply(low, high, known[row, 0], known[row, 1])
        found[r, 0], found[r, 1] = max(-most, down(x - departure)), min(most, up(y + departure))


@inner
def kernel_at(v: float, eps: FloatArray, root_plus_eps: bool) -> tuple[float, float]:
    """Return phi(v) at a float v > 0."""
    if root_plus_eps:
        root = math.sqrt(v)
        low, high = down(down(root) + eps[0]), up(up(root) + eps[1])
    else:
        low, high = down(math.sqrt(down(v + eps[0]))), up(math.sqrt(up(v + eps[1])))
    return down(1 / high), up(1 / low)


@inner
def _tolerances(
    known: FloatArray, bounds: FloatArray, constants: FloatArray, size: float, control: float, tolerance: float
) -> FloatArray:
    """What F and each derivative may lose: a share of their scales, or of what the atoms' widths make uncertain."""
    spread = bounds[SPREAD] * control
    found = np.empty(known.shape[0] - 2)
    found[0] = max(tolerance * min(constants[ROOT, 1], size * constants[AT_ZERO, 1]), _SHARE_OF_WIDTH * spread)
    for j in range(found.shape[0] - 1):
        found[1 + j] = max(tolerance, _SHARE_OF_WIDTH * spread) * bounds[4 + j] * control
    return found


@inner
def _left_factors(known: FloatArray, bounds: FloatArray, constants: FloatArray, center: float) -> FloatArray:
    """Factors k of |G - mu exp(-c s)| <= k s, and of the like for the derivatives."""
    absolute, control = constants[ABSOLUTE, 1], _magnitude(constants[TOTAL]) * center
    found = np.empty(known.shape[0] - 2)
    found[0] = (absolute * bounds[MEAN_CUBE] + _magnitude(known[MEAN]) * control) * ENOUGH
    for j in range(found.shape[0] - 1):
        cube = 3 * absolute * bounds[4 + j] * bounds[MAX_ABS] * bounds[MAX_ABS]
        found[1 + j] = (cube + _magnitude(known[3 + j]) * control) * ENOUGH
    return found


@inner
def _rule_errors(
    known: FloatArray, bounds: FloatArray, constants: FloatArray, universal: float, control: float
) -> FloatArray:
    """The trapezoidal rule's errors."""
    cosine, total = constants[COSINE, 0], _magnitude(constants[TOTAL]) * control
    share = constants[DECAY, 1] / cosine * ENOUGH
    slope = constants[AT_ZERO, 1] * constants[ABSOLUTE, 1] + constants[BY_SQUARES, 1] / cosine
    found = np.empty(known.shape[0] - 2)
    found[0] = share * (universal + _magnitude(known[MEAN]) * total) * ENOUGH
    for j in range(found.shape[0] - 1):
        found[1 + j] = share * (bounds[4 + j] * slope + _magnitude(known[3 + j]) * total) * ENOUGH
    return found


@inner
def _right_tails(
    known: FloatArray,
    bounds: FloatArray,
    constants: FloatArray,
    weights: float,
    product: float,
    earlier: float,
    decay: float,
    tails: FloatArray,
) -> None:
    """Bounds of the nodes right of the last, with P there, P at half of s or less, and exp(-c s)."""
    absolute, total = constants[ABSOLUTE, 1], _magnitude(constants[TOTAL]) * decay
    share = weights * ENOUGH
    tails[0] = (absolute * bounds[MAX_ABS] * product + _magnitude(known[MEAN]) * total) * share
    before = absolute * product + constants[FOUR_BY_E, 1] * constants[STEP_BOUND, 1] * earlier
    for j in range(tails.shape[0] - 1):
        tails[1 + j] = (bounds[4 + j] * before + _magnitude(known[3 + j]) * total) * share


@inner
def _first_node(tables: Tables, tolerances: FloatArray, left: FloatArray, end: float) -> int:
    """The node from which the rule begins: what lies to the left is negligible, and the series hold there."""
    wanted = end * math.exp(-2 * tables.step)
    for r in range(left.shape[0]):
        if tolerances[r] > 0:
            wanted = min(wanted, (tolerances[r] / max(left[r], 1e-300)) ** (2 / 3))
    return max(0, math.floor(math.log(max(wanted, 1e-300)) / tables.step) - tables.first)


@inner
def _add_node(
    tables: Tables, node: int, least: float, center: float, state: FloatArray, totals: FloatArray, control: FloatArray
) -> tuple[float, float]:
    """Add a node to the sums; return P there and exp(-c s), rounded up."""
    low, high = tables.nodes[node, 0], tables.nodes[node, 1]
    e, f = exp_down(-up(high * least)), exp_up(-max(0.0, down(low * least)))
    a, b = max(0.0, down(tables.weights[node, 0] * e)), up(tables.weights[node, 1] * f)
    d = totals.shape[0] - 1
    for r in range(1 + d):
        x, y = scale(state[1 + d + r, 0], state[1 + d + r, 1], a, b)
        totals[r, 0], totals[r, 1] = add(totals[r, 0], totals[r, 1], x, y)
    x, y = exp_down(-up(high * center)), exp_up(-max(0.0, down(low * center)))
    a, b = max(0.0, down(tables.weights[node, 0] * x)), up(tables.weights[node, 1] * y)
    control[0], control[1] = add(control[0], control[1], a, b)
    return up(state[0, 1] * f), y


@inner
def _is_negligible(tails: FloatArray, totals: FloatArray, tolerances: FloatArray) -> bool:
    for r in range(tails.shape[0]):
        if not tails[r] <= max(tolerances[r], _SHARE_OF_RADIUS * 0.5 * (totals[r, 1] - totals[r, 0])):
            return False
    return True


@inner
def _series_ends(tables: Tables, known: FloatArray, size: float, width: float, tolerance: float) -> tuple[float, int]:
    """The largest s for which the power series are used, and their number of terms."""
    knee = tables.constants[ROOT, 1] / tables.constants[AT_ZERO, 0]
    farthest = 200 / (size * size) + (1e24 / (knee * knee) if size <= knee else 0.0)
    scaled = width * tables.constants[ONE_LESS_BETA, 1]
    end = min(farthest, RANGE / scaled)
    share = max(end * scaled / CIRCLE, 1e-30)
    terms = math.ceil(math.log(1e-3 * max(tolerance, 1e-15)) / math.log(share))
    return end, max(3, min(TERMS, terms))


@inner
def _sums(
    tables: Tables,
    atoms: FloatArray,
    squares: FloatArray,
    shares: FloatArray,
    slopes: FloatArray,
    known: FloatArray,
    bounds: FloatArray,
    series: FloatArray,
    tops: FloatArray,
    center: float,
    width: float,
    end: float,
    node: int,
    most: int,
    tolerances: FloatArray,
    totals: FloatArray,
    control: FloatArray,
    tails: FloatArray,
) -> int:
    """Sum over the nodes from one on until the rest is negligible; return the lags walked, or -1 if out of range.

    If more lags than ``most`` would be needed, 1 more than that is returned, or those walked where each node has its
    own: the rest is then large.
    """
    least, d = known[EXTREMES, 0], slopes.shape[0]
    state, values, found = np.empty((2 + 2 * d, 2)), np.empty((2 + 2 * d, 2)), np.empty((2 + 2 * d, 2))
    products = np.ones(tables.nodes.shape[0])
    half = math.ceil(0.6931472 / tables.step) + 1
    lags, walking, begin, own = 0, False, node, 1
    share_low, share_high = down(tables.unit * width), up(tables.unit * width)
    share = up(tables.constants[ONE_LESS_BETA, 1] * width)
    while node < tables.nodes.shape[0]:
        low, high = tables.nodes[node, 0], tables.nodes[node, 1]
        z = up(high * share)
        if not walking and high <= end and z <= 0.5:
            values_of_series(series, tops, max(0.0, down(low * share_low)), up(high * share_high), z, values)
            x, y = scale(down(center - least), up(center - least), low, high)
            if not state_of_series(values, x, y, state):
                return -1
        else:
            if node == begin:
                return -1
            walking = True
            if tables.own_lags:
                own = lags_to(tables, node, end, share, own)
                if own < 0 or lags + own > most:
                    return lags
                if not by_own_lags(
                    tables, atoms, squares, shares, slopes, series, tops, least, center, width, node, own, values,
                    state, found,
                ):  # fmt: skip
                    return -1
                lags += own
            else:
                if lags + tables.growth.shape[0] > most:
                    return most + 1
                if not walk(tables, atoms, squares, shares, slopes, least, node - 1, state, found):
                    return -1
                lags += tables.growth.shape[0]
        product, decay = _add_node(tables, node, least, center, state, totals, control)
        products[node] = product
        earlier = products[node - half] if node - half >= begin else 1.0
        _right_tails(known, bounds, tables.constants, tables.right[node], product, earlier, decay, tails)
        if _is_negligible(tails, totals, tolerances):
            return lags
        node += 1
    return lags if node > begin else -1


@inner
def enclose_law(
    tables: Tables, atoms: FloatArray, shares: FloatArray, slopes: FloatArray, tolerance: float, found: FloatArray
) -> int:
    """Fill found (1 + d, 2) with F and its derivatives, for atoms (n, 2), shares (n, 2) and slopes (d, n, 2).

    The lags walked are returned; -1 where the numbers are out of range, and ``found`` is (-inf, inf).
    """
    d, constants = slopes.shape[0], tables.constants
    squares, known, bounds = np.empty_like(atoms), np.empty((3 + d, 2)), np.empty(4 + d)
    found[:, 0], found[:, 1] = -math.inf, math.inf
    statistics(atoms, shares, slopes, squares, known, bounds)
    for r in range(bounds.shape[0]):
        if not bounds[r] <= (
            LARGEST_ATOM if r == MAX_ABS else LARGEST_SLOPE * LARGEST_SLOPE if r < 4 else LARGEST_SLOPE
        ):
            return -1
    universal = ENOUGH * min(
        constants[STEP_BOUND, 1] * constants[ROOT, 1], constants[ABSOLUTE, 1] * bounds[MEAN_ABS] * constants[AT_ZERO, 1]
    )
    crude(known, bounds, constants, universal, found)
    center = 0.5 * (known[MEAN_SQUARE, 0] + known[MEAN_SQUARE, 1])
    size = math.sqrt(center)
    if size < LEAST_SIZE or bounds[MAX_ABS] < tolerance * constants[EPS, 0]:
        return 0
    phi = kernel_at(center, constants[EPS], tables.root_plus_eps)
    tolerances = _tolerances(known, bounds, constants, size, phi[1], tolerance)
    middle = 0.5 * (known[EXTREMES, 0] + known[EXTREMES, 1])
    width = max(up(max(known[EXTREMES, 1] - middle, middle - known[EXTREMES, 0])), 0.01 * known[EXTREMES, 1])
    end, terms = _series_ends(tables, known, size, width, tolerance)
    # The t_k add up to s for every beta: about a number near E g^2 a range of beta hardly widens S.
    shift = down(center - middle), up(center - middle)
    series = summed_series(
        atoms, squares, shares, slopes, middle, width, terms, tables.log_factors, tables.ratio_factors, shift
    )
    tops = remainder_factors(
        bounds[MAX_ABS], bounds[4:], width, tables.log_factors[terms, 1], tables.ratio_factors[terms, 1], constants
    )
    left = _left_factors(known, bounds, constants, center)
    node = _first_node(tables, tolerances, left, end)
    most = WIDE_LAGS if bounds[SPREAD] * phi[1] > WIDE else MOST_LAGS
    if tables.own_lags:
        most *= OWN_LAGS
    totals, control, tails = np.zeros((1 + d, 2)), np.zeros(2), np.empty(1 + d)
    lags = _sums(
        tables, atoms, squares, shares, slopes, known, bounds, series, tops, center, width, end, node, most,
        tolerances, totals, control, tails,
    )  # fmt: skip
    if lags >= 0:
        errors = _rule_errors(known, bounds, constants, universal, phi[1])
        _gather(tables, known, phi, totals, control, tails, errors, left, node, found)
    return lags


@inner
def _gather(
    tables: Tables,
    known: FloatArray,
    phi: tuple[float, float],
    totals: FloatArray,
    control: FloatArray,
    tails: FloatArray,
    errors: FloatArray,
    left: FloatArray,
    node: int,
    found: FloatArray,
) -> None:
    """Narrow the bounds ``found`` by the sums: amount N + c mu (phi(c) - control), up to what was left out."""
    constants = tables.constants
    a, b = down(phi[0] - control[1]), up(phi[1] - control[0])
    a, b = multiply(a, b, constants[TOTAL, 0], constants[TOTAL, 1])
    for r in range(found.shape[0]):
        row = MEAN if r == 0 else 2 + r
        x, y = multiply(a, b, known[row, 0], known[row, 1])
        v, w = multiply(totals[r, 0], totals[r, 1], constants[AMOUNT, 0], constants[AMOUNT, 1])
        x, y = add(x, y, v, w)
        error = (tails[r] + errors[r] + left[r] * tables.left[node]) * ENOUGH
        x, y = down(x - error), up(y + error)
        # Also false of nan.
        if x > found[r, 0]:
            found[r, 0] = x
        if y < found[r, 1]:
            found[r, 1] = y


@compiled
def enclose_laws(
    tables: Tables, atoms: FloatArray, shares: FloatArray, slopes: FloatArray, tolerance: float, found: FloatArray
) -> IntArray:
    """Do the same for many laws: atoms (m, n, 2), slopes (m, d, n, 2), found (m, 1 + d, 2); return the lags of each."""
    lags = np.empty(atoms.shape[0], dtype=np.int64)
    for k in range(atoms.shape[0]):
        lags[k] = enclose_law(tables, atoms[k], shares, slopes[k], tolerance, found[k])
    return lags
