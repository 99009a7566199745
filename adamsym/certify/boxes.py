"""Boxes of floats: midpoints, halves, and how boxes lie to each other."""

import math
from fractions import Fraction

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.numbers import exact_rational

Box = tuple[tuple[float, float], ...]
"""Lower and upper end of each parameter: floats, which are exact."""

Point = tuple[Fraction, ...]

_THIN = 0.05
"""Sides thinner than this share of the widest are not cut."""


def box_of(sides: FloatArray) -> Box:
    """Return a box (d, 2) as tuples of floats."""
    return tuple((float(low), float(high)) for low, high in sides)


def midpoint(low: float, high: float) -> float:
    """Return the midpoint of an interval, in the rounding of certificates."""
    # The difference of two large numbers may be out of range.
    return low + (high - low) / 2 if math.isfinite(high - low) else low / 2 + high / 2


def middle(sides: FloatArray) -> FloatArray:
    """Return the midpoint of a box (d, 2) in float64, or of boxes (n, d, 2); in the rounding of ``midpoint``."""
    low, high = sides[..., 0], sides[..., 1]
    with np.errstate(over="ignore"):
        width = high - low
        return np.asarray(np.where(np.isfinite(width), low + width / 2, low / 2 + high / 2))


def around(center: FloatArray, reach: FloatArray) -> FloatArray:
    """Return the box (d, 2) that reaches so far from its center on each side; nan where both are out of range."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.stack([center - reach, center + reach], axis=1)


def shrunk(sides: FloatArray, share: float) -> FloatArray:
    """Return about this share of a box, with the same middle."""
    return around(middle(sides), share * (sides[:, 1] / 2 - sides[:, 0] / 2))


def lies_in(inner: FloatArray, outer: FloatArray) -> bool:
    """Whether one closed box (d, 2) lies in another."""
    return bool((outer[:, 0] <= inner[:, 0]).all() and (inner[:, 1] <= outer[:, 1]).all())


def lies_inside(inner: FloatArray, outer: FloatArray) -> bool:
    """Whether one closed box (d, 2) lies in the interior of another."""
    return bool((outer[:, 0] < inner[:, 0]).all() and (inner[:, 1] < outer[:, 1]).all())


def meet(one: FloatArray, other: FloatArray) -> bool:
    """Whether two closed boxes (d, 2) have a point in common."""
    return bool((one[:, 0] <= other[:, 1]).all() and (other[:, 0] <= one[:, 1]).all())


def shares_of(box: Box, start: Box) -> dict[int, float]:
    """Return the share of the first box that each side has which floats can halve."""
    found = {}
    for j, ((low, high), (a, b)) in enumerate(zip(box, start, strict=True)):
        if low < midpoint(low, high) < high:
            found[j] = (high / 2 - low / 2) / max(b / 2 - a / 2, math.ulp(0.0))
    return found


def side_to_cut(sides: FloatArray, shares: dict[int, float], steepness: FloatArray | None) -> int:
    """Return the side of a box (d, 2) along which a map varies most, but none that is far thinner than the widest.

    ``shares`` are those of :func:`shares_of`, ``steepness`` (d, d) bounds |Df| over the box; the widest side if None.
    """
    candidates = [j for j, share in shares.items() if share > _THIN * max(shares.values())]
    if steepness is None:
        return max(candidates, key=lambda j: shares[j])
    with np.errstate(all="ignore"):
        reach = steepness * (sides[:, 1] - sides[:, 0])
        smear = np.nan_to_num(reach / reach.max(axis=1, keepdims=True)).max(axis=0)
    return max(candidates, key=lambda j: (smear[j], shares[j]))


def halves(box: Box, axis: int) -> tuple[Box, Box]:
    """Return the two halves of a box along one axis; they share the cut exactly."""
    low, high = box[axis]
    cut = midpoint(low, high)
    return (*box[:axis], (low, cut), *box[axis + 1 :]), (*box[:axis], (cut, high), *box[axis + 1 :])


def simplest_point(box: FloatArray) -> Point | None:
    """Return the point of a box (d, 2) whose coordinates have the least denominators; None if out of range."""
    try:
        return tuple(exact_rational(_simplest(Fraction(low), Fraction(high)), "point") for low, high in box.tolist())
    except ValueError:
        return None


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator, then of least magnitude, between two (Stern and Brocot)."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -_simplest(-high, -low)
    parts = []
    while True:
        whole = math.ceil(low)
        if whole <= high:
            break
        parts.append(whole - 1)
        low, high = 1 / (high - (whole - 1)), 1 / (low - (whole - 1))
    found = Fraction(whole)
    for part in reversed(parts):
        found = part + 1 / found
    return found
