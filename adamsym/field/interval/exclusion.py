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


@compiled
def deviations(values: FloatArray, means: FloatArray) -> FloatArray:
    """Return g - E g, (m, k, n, 2), of values (m, k, n, 2) and their means (m, k, 2)."""
    found = np.empty_like(values)
    for m in range(values.shape[0]):
        for k in range(values.shape[1]):
            for a in range(values.shape[2]):
                found[m, k, a, 0] = down(values[m, k, a, 0] - means[m, k, 1])
                found[m, k, a, 1] = up(values[m, k, a, 1] - means[m, k, 0])
    return found


@compiled
def thresholds(
    atoms: FloatArray, apart: FloatArray, shares: FloatArray, constants: FloatArray, root_plus_eps: bool
) -> FloatArray:
    """Return upper bounds (m, d) of q sigma_i over each box from g, ``atoms``, and g - E g, ``apart``: (m, d, n, 2)."""
    found = np.empty(atoms.shape[:2])
    for m in range(atoms.shape[0]):
        for i in range(atoms.shape[1]):
            largest, total, fourth, farthest = 0.0, 0.0, 0.0, 0.0
            for a in range(atoms.shape[2]):
                largest = max(largest, max(abs(atoms[m, i, a, 0]), abs(atoms[m, i, a, 1])))
                _, most = square(apart[m, i, a, 0], apart[m, i, a, 1])
                total += shares[a, 1] * most
                fourth += shares[a, 1] * most * most
                farthest = max(farthest, max(-apart[m, i, a, 0], apart[m, i, a, 1]))
            found[m, i] = least_threshold(growth_over(largest, constants, root_plus_eps), total, fourth, farthest)
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


STEPS, LEAST = 6, 1e-3
"""Steps towards the best direction, and the share of the whole below which no part of it is weighted more."""


@inner
def _separating(
    center: FloatArray, jacobian: FloatArray, shifts: FloatArray, margins: FloatArray, y: FloatArray
) -> bool:
    """Fill y for which y c is large beside what y (J (X - m)) and sum |y_i| margin_i may be; False if there is none.

    That is sum_j r_j |(y A)_j| + sum_i n_i |y_i|, A the middle of J, r the radius of X, and n the margins with what J
    and c vary. Of a sum of squares in place of these sizes, y = (A R A^T + N)^-1 c is best; R and N are chosen anew
    from y, which tends to the best y (Weiszfeld). Nothing is proven of it: it is a choice of directions.
    """
    d = shifts.shape[0]
    r, n, c = np.empty(d), np.empty(d), np.empty(d)
    middle, inverse, square = np.empty((d, d)), np.empty((d, d)), np.empty((d, d, 2))
    for j in range(d):
        r[j] = max(-shifts[j, 0], shifts[j, 1])
    for i in range(d):
        c[i] = 0.5 * center[i, 0] + 0.5 * center[i, 1]
        n[i] = margins[i] + 0.5 * (center[i, 1] - center[i, 0])
        for j in range(d):
            middle[i, j] = 0.5 * jacobian[i, j, 0] + 0.5 * jacobian[i, j, 1]
            n[i] += r[j] * 0.5 * (jacobian[i, j, 1] - jacobian[i, j, 0])
    tilt, own = np.ones(d), np.ones(d)
    for step in range(STEPS):
        for i in range(d):
            for k in range(d):
                total = n[i] * n[i] / max(own[i] * n[i], 1e-100) if i == k else 0.0
                for j in range(d):
                    total += middle[i, j] * middle[k, j] * r[j] * r[j] / max(tilt[j] * r[j], 1e-100)
                square[i, k, 0] = square[i, k, 1] = total
        if not approximate_inverse(square, inverse):
            return step > 0
        for i in range(d):
            y[i] = 0.0
            for k in range(d):
                y[i] += inverse[i, k] * c[k]
        size = 0.0
        for i in range(d):
            size += abs(y[i]) * n[i]
            tilt[i] = 0.0
            for k in range(d):
                tilt[i] += y[k] * middle[k, i]
            tilt[i] = abs(tilt[i])
        for j in range(d):
            size += tilt[j] * r[j]
        if not 0 < size < 1e100:
            return False
        for i in range(d):
            y[i] /= size
            own[i] = max(abs(y[i]), LEAST / max(n[i], 1e-100))
            tilt[i] = max(tilt[i] / size, LEAST / max(r[i], 1e-100))
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

    Tried are the axes and a y near the best one; what is found stands in ``found`` (n, d). Returned is, of each box,
    how far from linear the map is there: the largest ratio of what (1 - Y J)(X - m) may be to the margins, Y an
    approximate inverse, nan if J has none, and -1 where a direction is found.
    """
    d = shifts.shape[1]
    ratios, inverse, y = np.empty(shifts.shape[0]), np.empty((d, d)), np.empty(d)
    for k in range(shifts.shape[0]):
        ratios[k] = math.nan
        if not _is_moderate(centers[k], jacobians[k], shifts[k]):
            continue
        for r in range(d + 1):
            if r < d:
                for i in range(d):
                    y[i] = 1.0 if i == r else 0.0
            elif not _separating(centers[k], jacobians[k], shifts[k], margins[k], y):
                break
            margin = 0.0
            for i in range(d):
                margin += abs(y[i]) * margins[k, i]
            low, high = along(y, centers[k], jacobians[k], shifts[k])
            distance = margin * ENOUGH + reserve * (high - low)
            if low > distance or high < -distance:
                ratios[k] = -1.0
                for i in range(d):
                    found[k, i] = y[i]
                break
        if ratios[k] == -1.0 or not approximate_inverse(jacobians[k], inverse):
            continue
        ratios[k] = 0.0
        for r in range(d):
            margin, rest = 0.0, 0.0
            for i in range(d):
                margin += abs(inverse[r, i]) * margins[k, i]
            for j in range(d):
                entry = 0.0
                for i in range(d):
                    entry += abs(inverse[r, i]) * 0.5 * (jacobians[k, i, j, 1] - jacobians[k, i, j, 0])
                rest += entry * max(-shifts[k, j, 0], shifts[k, j, 1])
            ratios[k] = max(ratios[k], rest / max(margin, 1e-300))
    return ratios


INFLATION = 1.6
"""A zero is looked for in so many times a box."""


@compiled
def krawczyk_hopes(values: FloatArray, jacobians: FloatArray, shifts: FloatArray, reach: float) -> BoolArray:
    """Return for each box whether Y f(m) and what (1 - Y J)(X - m) may grow to stay within ``reach`` times it.

    A proof may then succeed, in the box widened by its ``INFLATION``: both J's width and X - m grow by that.
    """
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
            hopes[k] = abs(step) + INFLATION * INFLATION * rest <= reach * radius
    return hopes
