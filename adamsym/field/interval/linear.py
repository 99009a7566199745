"""Rows of many boxes: minibatch means, atoms in mean-value form, linear forms y c + (y J)(X - m), rounded outward."""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled, inner
from adamsym.field.interval.arrays import IntArray
from adamsym.field.interval.rounding import add, down, multiply, scale, up


@compiled
def batch_means(values: FloatArray, starts: IntArray, rows: IntArray, shares: FloatArray) -> FloatArray:
    """Return the means (m, k, batches, 2) of values (m, k, n, 2): batch b has those ``rows`` from starts[b] on."""
    found = np.zeros((values.shape[0], values.shape[1], starts.shape[0] - 1, 2))
    for m in range(values.shape[0]):
        for k in range(values.shape[1]):
            for b in range(starts.shape[0] - 1):
                low, high = 0.0, 0.0
                for place in range(starts[b], starts[b + 1]):
                    x, y = values[m, k, rows[place], 0], values[m, k, rows[place], 1]
                    x, y = scale(x, y, shares[place, 0], shares[place, 1])
                    low, high = add(low, high, x, y)
                found[m, k, b, 0], found[m, k, b, 1] = low, high
    return found


@compiled
def expectations(values: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the means (m, k, 2) of values (m, k, n, 2) with probabilities (n, 2)."""
    found = np.zeros((values.shape[0], values.shape[1], 2))
    for m in range(values.shape[0]):
        for k in range(values.shape[1]):
            low, high = 0.0, 0.0
            for i in range(values.shape[2]):
                x, y = scale(values[m, k, i, 0], values[m, k, i, 1], shares[i, 0], shares[i, 1])
                low, high = add(low, high, x, y)
            found[m, k, 0], found[m, k, 1] = low, high
    return found


@compiled
def shifts_of(boxes: FloatArray, middles: FloatArray) -> FloatArray:
    """Return X - m (n, d, 2)."""
    found = np.empty_like(boxes)
    for k in range(boxes.shape[0]):
        for j in range(boxes.shape[1]):
            found[k, j, 0] = min(0.0, down(boxes[k, j, 0] - middles[k, j]))
            found[k, j, 1] = max(0.0, up(boxes[k, j, 1] - middles[k, j]))
    return found


@compiled
def meet_mean_value_form(values: FloatArray, slopes: FloatArray, center: FloatArray, shifts: FloatArray) -> None:
    """Narrow values (m, k, n, 2) over X to c + J (X - m), slopes (m, k, d, n, 2), center (m, k, n, 2).

    Both hold the values at every point, so that their intersection does.
    """
    for m in range(values.shape[0]):
        for k in range(values.shape[1]):
            for i in range(values.shape[2]):
                low, high = center[m, k, i, 0], center[m, k, i, 1]
                for j in range(shifts.shape[1]):
                    x, y = multiply(slopes[m, k, j, i, 0], slopes[m, k, j, i, 1], shifts[m, j, 0], shifts[m, j, 1])
                    low, high = add(low, high, x, y)
                values[m, k, i, 0] = max(values[m, k, i, 0], low)
                values[m, k, i, 1] = min(values[m, k, i, 1], high)


@inner
def along(direction: FloatArray, center: FloatArray, jacobian: FloatArray, shifts: FloatArray) -> tuple[float, float]:
    """Return y c + (y J)(X - m) for one box: direction (d,), center (d, 2), jacobian (d, d, 2), shifts (d, 2)."""
    d = direction.shape[0]
    low, high = 0.0, 0.0
    for i in range(d):
        x, y = multiply(direction[i], direction[i], center[i, 0], center[i, 1])
        low, high = add(low, high, x, y)
    for j in range(d):
        a, b = 0.0, 0.0
        for i in range(d):
            x, y = multiply(direction[i], direction[i], jacobian[i, j, 0], jacobian[i, j, 1])
            a, b = add(a, b, x, y)
        x, y = multiply(a, b, shifts[j, 0], shifts[j, 1])
        low, high = add(low, high, x, y)
    return low, high


@inner
def approximate_inverse(jacobian: FloatArray, inverse: FloatArray) -> bool:
    """Fill the inverse of the midpoint of a matrix (d, d, 2), by Gauss and Jordan with pivots; False if there is none.

    Nothing is proven of it: it is a choice of directions.
    """
    d = jacobian.shape[0]
    work = np.zeros((d, 2 * d))
    for i in range(d):
        for j in range(d):
            work[i, j] = 0.5 * jacobian[i, j, 0] + 0.5 * jacobian[i, j, 1]
        work[i, d + i] = 1.0
    for k in range(d):
        pivot = k
        for i in range(k + 1, d):
            if abs(work[i, k]) > abs(work[pivot, k]):
                pivot = i
        if not 1e-300 < abs(work[pivot, k]) < 1e300:
            return False
        for j in range(2 * d):
            work[k, j], work[pivot, j] = work[pivot, j], work[k, j]
        factor = 1 / work[k, k]
        for j in range(2 * d):
            work[k, j] *= factor
        for i in range(d):
            if i != k:
                factor = work[i, k]
                for j in range(2 * d):
                    work[i, j] -= factor * work[k, j]
    largest = 0.0
    for i in range(d):
        for j in range(d):
            inverse[i, j] = work[i, d + j]
            if not abs(inverse[i, j]) < 1e70:
                return False
            largest = max(largest, abs(inverse[i, j]))
    return largest > 0


@compiled
def field_of_quotients(found: FloatArray, decay: FloatArray, boxes: FloatArray) -> None:
    """Turn F and its derivatives (m, d, 1 + k, 2) into f = -F - decay theta and its derivatives, in place."""
    for m in range(found.shape[0]):
        for i in range(found.shape[1]):
            for r in range(found.shape[2]):
                low, high = -found[m, i, r, 1], -found[m, i, r, 0]
                if decay[1] > 0 and r == 0:
                    x, y = multiply(boxes[m, i, 0], boxes[m, i, 1], decay[0], decay[1])
                    low, high = down(low - y), up(high - x)
                elif decay[1] > 0 and r == 1 + i:
                    low, high = down(low - decay[1]), up(high - decay[0])
                found[m, i, r, 0], found[m, i, r, 1] = low, high
