"""Where a zero can be: |E g_i| <= q sigma_i at every zero of the field (N-Lemma 4), and linear forms that miss 0."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled, inner
from adamsym.field.interval.arrays import BoolArray
from adamsym.field.interval.linear import along, approximate_inverse
from adamsym.field.interval.moments import ENOUGH
from adamsym.field.interval.rounding import down, square, up
from adamsym.field.interval.tables import BETA, EPS, ROOT_OF_BETA


@inner
def growth_over(largest: float, constants: FloatArray, root_plus_eps: bool) -> float:
    """Return an upper bound, above 0, of phi(beta G^2)/phi(G^2) - 1 for G up to ``largest``; it increases in G."""
    if root_plus_eps:
        share = constants[ROOT_OF_BETA, 0]
        quotient = up(up(up(1 - share) * largest) / down(down(share * largest) + constants[EPS, 0]))
    else:
        v, share = up(largest * largest), constants[BETA, 0]
        quotient = up(up(math.sqrt(up(up(v + constants[EPS, 1]) / down(down(share * v) + constants[EPS, 0])))) - 1)
    return up(max(0.0, quotient))


@inner
def least_threshold(growth: float, variance: float, fourth: float, farthest: float) -> float:
    """Return an upper bound of the least q sigma of N-Lemma 4 (a), (b), (c), as checkers take it.

    ``growth`` is above the lemma's q_1^2; ``variance``, ``fourth`` and ``farthest`` are bounds of E(g - Eg)^2,
    E(g - Eg)^4, both computed to nearest, and sup |g - Eg|. What is not finite leaves (a), which is N-Lemma 1's.
    """
    found = up(math.sqrt(growth)) * math.sqrt(variance * ENOUGH + 1e-300) * ENOUGH
    others = (
        up(growth * farthest),
        growth * math.sqrt(math.sqrt((fourth * ENOUGH + 1e-300) * (1 + growth) / growth)) * ENOUGH + 1e-300,
    )
    for other in others:
        if other < found:
            found = other
    return up(found)


@inner
def _deviation(values: FloatArray, shares: FloatArray) -> float:
    """An upper bound of the root mean square of the distance from some number, which bounds standard deviations."""
    middle, total = 0.0, 0.0
    for i in range(values.shape[0]):
        middle += shares[i, 0] * (0.5 * values[i, 0] + 0.5 * values[i, 1])
    for i in range(values.shape[0]):
        _, most = square(down(values[i, 0] - middle), up(values[i, 1] - middle))
        total += shares[i, 1] * most
    return math.sqrt(total * ENOUGH + 1e-300) * ENOUGH


@compiled
def plain_thresholds(
    atoms: FloatArray, means: FloatArray, shares: FloatArray, constants: FloatArray, root_plus_eps: bool
) -> FloatArray:
    """Return upper bounds (m, d) of q sigma_i over each box, from g - E g in intervals, as checkers do."""
    found = np.empty(atoms.shape[:2])
    for m in range(atoms.shape[0]):
        for i in range(atoms.shape[1]):
            largest, total, fourth, farthest = 0.0, 0.0, 0.0, 0.0
            for a in range(atoms.shape[2]):
                low, high = atoms[m, i, a, 0], atoms[m, i, a, 1]
                largest = max(largest, max(abs(low), abs(high)))
                below, above = down(low - means[m, i, 1]), up(high - means[m, i, 0])
                _, most = square(below, above)
                total += shares[a, 1] * most
                fourth += shares[a, 1] * most * most
                farthest = max(farthest, max(-below, above))
            found[m, i] = least_threshold(growth_over(largest, constants, root_plus_eps), total, fourth, farthest)
    return found


@compiled
def thresholds(
    atoms: FloatArray,
    centers: FloatArray,
    slopes: FloatArray,
    shares: FloatArray,
    shifts: FloatArray,
    constants: FloatArray,
    root_plus_eps: bool,
) -> FloatArray:
    """Return upper bounds (m, d) of q sigma_i over each box, with N-Lemma 1's q: they say when to enclose f, no more.

    sigma_i is at most that of the atoms' intervals, and at most sigma_i(m) + sum_j |X - m|_j times the deviation of the
    slopes in theta_j from any one number (Minkowski).
    """
    found = np.empty(atoms.shape[:2])
    for m in range(atoms.shape[0]):
        for i in range(atoms.shape[1]):
            largest, around = 0.0, _deviation(centers[m, i], shares)
            for a in range(atoms.shape[2]):
                largest = max(largest, max(abs(atoms[m, i, a, 0]), abs(atoms[m, i, a, 1])))
            for j in range(shifts.shape[1]):
                reach = max(-shifts[m, j, 0], shifts[m, j, 1])
                if reach > 0:
                    around += reach * _deviation(slopes[m, i, j], shares)
            deviation = min(around * ENOUGH, _deviation(atoms[m, i], shares))
            found[m, i] = up(up(math.sqrt(growth_over(largest, constants, root_plus_eps))) * deviation)
    return found


MODERATE = 1e70
"""Products of three numbers up to this, and sums of them, are in range."""


@inner
def _is_moderate(center: FloatArray, jacobian: FloatArray, shifts: FloatArray) -> bool:
    """Whether all numbers are; false of nan."""
    d = shifts.shape[0]
    for i in range(d):
        if not (abs(center[i, 0]) <= MODERATE and abs(center[i, 1]) <= MODERATE and abs(shifts[i, 0]) <= MODERATE):
            return False
        if not abs(shifts[i, 1]) <= MODERATE:
            return False
        for j in range(d):
            if not (abs(jacobian[i, j, 0]) <= MODERATE and abs(jacobian[i, j, 1]) <= MODERATE):
                return False
    return True


@compiled
def directions(
    centers: FloatArray,
    jacobians: FloatArray,
    shifts: FloatArray,
    margins: FloatArray,
    reserve: float,
    found: FloatArray,
) -> FloatArray:
    """Look for y with y c + (y J)(X - m) beyond all sum |y_i| margin_i in magnitude, for each box.

    Beyond it by ``reserve`` times its own width: for others, with other arithmetic, are to prove it too.

    Tried are the rows of J's approximate inverse; one that is found stands in ``found`` (n, d). Returned is, of each
    box, how far from linear the map is there: the largest ratio of what (1 - Y J)(X - m) may be to the margins, nan if
    J has no inverse, and -1 where a direction is found.
    """
    d = shifts.shape[1]
    ratios, inverse = np.empty(shifts.shape[0]), np.empty((d, d))
    for k in range(shifts.shape[0]):
        ratios[k] = math.nan
        if not _is_moderate(centers[k], jacobians[k], shifts[k]) or not approximate_inverse(jacobians[k], inverse):
            continue
        ratios[k] = 0.0
        for r in range(d):
            y, margin, rest = inverse[r], 0.0, 0.0
            for i in range(d):
                margin += abs(y[i]) * margins[k, i]
            low, high = along(y, centers[k], jacobians[k], shifts[k])
            distance = margin * ENOUGH + reserve * (high - low)
            if low > distance or high < -distance:
                ratios[k] = -1.0
                for i in range(d):
                    found[k, i] = y[i]
                break
            for j in range(d):
                entry = 0.0
                for i in range(d):
                    middle = 0.5 * jacobians[k, i, j, 0] + 0.5 * jacobians[k, i, j, 1]
                    entry += abs(y[i]) * (jacobians[k, i, j, 1] - middle)
                rest += entry * max(-shifts[k, j, 0], shifts[k, j, 1])
            ratios[k] = max(ratios[k], rest / max(margin, 1e-300))
    return ratios


@compiled
def krawczyk_hopes(values: FloatArray, jacobians: FloatArray, shifts: FloatArray, reach: float) -> BoolArray:
    """Return for each box whether Y f(m) and (1 - Y J)(X - m) stay within ``reach`` times it: a proof may succeed."""
    d = shifts.shape[1]
    hopes, inverse = np.zeros(shifts.shape[0], dtype=np.bool_), np.empty((d, d))
    for k in range(shifts.shape[0]):
        hopes[k] = approximate_inverse(jacobians[k], inverse)
        for r in range(d):
            if not hopes[k]:
                break
            step, rest = 0.0, 0.0
            for i in range(d):
                step += inverse[r, i] * 0.5 * (values[k, i, 0] + values[k, i, 1])
            for j in range(d):
                entry = 0.0
                for i in range(d):
                    entry += abs(inverse[r, i]) * 0.5 * (jacobians[k, i, j, 1] - jacobians[k, i, j, 0])
                rest += entry * max(-shifts[k, j, 0], shifts[k, j, 1])
            radius = max(-shifts[k, r, 0], shifts[k, r, 1])
            hopes[k] = abs(step) + rest <= reach * radius
    return hopes
