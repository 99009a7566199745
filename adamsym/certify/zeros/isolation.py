"""One zero of a function near a point: Newton's method in floats, then a box that holds it, alone in a region.

Krawczyk's operator, split in two. With R = |1 - Y Df(X)| over a region X of half-widths r, R r < r shows that Y and
every matrix in Df(X) are regular, so that X holds one zero at most. For a box B in X with the midpoint c,
c - Y f(c) + (1 - Y Df(X)) (B - c) in the inside of B shows that B holds one. Df is enclosed once, over X.
"""

from collections.abc import Callable
from dataclasses import dataclass

import flint
import numpy as np

from adamsym.certify.box_function import BoxFunction, Undefined, values_in_middle
from adamsym.certify.boxes import around, lies_in, lies_inside, middle, shrunk
from adamsym.certify.zeros.krawczyk import approximate_inverse, exact_matrix
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import outward
from adamsym.field.ball.enclosure import BoxEnclosure, hulls

Values = Callable[[FloatArray], FloatArray]
"""f at points (n, d) in floats: (n, d)."""

ROOM = 0.9
"""What R r may be of r: a checker with other arithmetic is to prove it too."""

_FIRST = 1e-6
"""Share of the point's size, or of 1, of the first region that is tried."""

_LEAST, _LARGEST = 1e-15, 1e6
"""Shares of it between which regions are tried."""

_LOOK_AHEAD = 1.5
"""R r/r that a wider region may be expected to have, from R's growth so far, and is tried all the same."""

_TOLERANCE, _FINE = 1e-9, 1e-15
"""Of enclosures of Df and of f, as shares of f's scale."""

_KNOWN = 1e-14
"""Share of f's scale to which a checker knows f with ease: the box is no narrower than that."""

_MOST_STEPS, _LEAST_SHARE = 60, 2.0**-12

_CAP = 3.0
"""No step is longer than so many times the point's size, or 1."""


@dataclass(frozen=True)
class Isolated:
    """A zero: one is in ``box``, no other one in ``region``; ``jacobians`` hold Df over the box, narrow ones last."""

    box: FloatArray
    region: FloatArray
    preconditioner: FloatArray
    jacobians: list[list[list[flint.arb]]]


@dataclass(frozen=True)
class _Region:
    sides: FloatArray
    preconditioner: FloatArray
    over: BoxEnclosure
    rest: FloatArray
    """Upper bounds of the entries of R."""

    @property
    def ratio(self) -> float:
        """The largest (R r)_i/r_i."""
        reach = self.sides[:, 1] - self.sides[:, 0]
        with np.errstate(all="ignore"):
            return float(np.nan_to_num((self.rest @ reach / reach).max(), nan=np.inf))


class NotIsolated(Exception):
    """No zero near a point is proven; the message says why."""


def isolated(function: BoxFunction, values: Values, start: FloatArray, most: int) -> Isolated:
    """Return the zero that Newton's method reaches from a point, in the largest region of a grid that is proven.

    The region's half-widths are a power of the square root of 10 times those of the image of a cube by the inverse
    Jacobian. At most ``most`` enclosures of Df are computed. Call within ``ball_arithmetic()``.

    Raises
    ------
    NotIsolated
        If none is proven.
    """
    point, jacobian = newton(values, start)
    region, others = _largest_region(function, point, jacobian, most)
    box = _box_in(function, region, point)
    if box is None:
        raise NotIsolated(
            f"f is not proven to vanish at {_shown(point)}, where Newton's method ends with "
            f"|f| = {np.linalg.norm(values(point[None])[0]):.2g}: no box is mapped into itself by Krawczyk's operator; "
            "where all rows are fitted exactly, certify_lyapunov with a ball (adamsym lyapunov --ball) may certify it"
        )
    narrow = [one.over.jacobian for one in others if lies_in(box, one.sides)]
    return Isolated(box, region.sides, region.preconditioner, [region.over.jacobian, *narrow])


def _shown(point: FloatArray) -> str:
    first = ", ".join(f"{x:.6g}" for x in point[:3])
    return f"({first}{', ...' if len(point) > 3 else ''})"


def newton(values: Values, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where damped Newton steps from a point end, and the Jacobian there, by differences."""
    point, value, last = start, values(start[None])[0], 1.0
    for _ in range(_MOST_STEPS):
        jacobian = _differences(values, point, value, last)
        step = _solved(jacobian, -value)
        found = _reduced(values, point, value, step)
        if found is None:
            break
        last = float(np.abs(found[0] - point).max())
        point, value = found
        if np.abs(step).max() <= 1e-14 * max(1.0, float(np.abs(point).max())):
            break
    return point, _differences(values, point, value, last)


def _reduced(
    values: Values, point: FloatArray, value: FloatArray, step: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """The first of the points along a step, each half as far as the one before, where |f| is smaller; and f there."""
    longest, size = float(np.abs(step).max()), max(1.0, float(np.abs(point).max()))
    first = share = min(1.0, _CAP * size / max(longest, 1e-300))
    while share >= _LEAST_SHARE * first:
        trial = point + share * step
        try:
            new = values(trial[None])[0]
        except InputError:
            new = np.full_like(value, np.inf)
        if np.linalg.norm(new) <= (1 - share / 4) * np.linalg.norm(value) and (trial != point).any():
            return trial, new
        share /= 2
    return None


def _differences(values: Values, point: FloatArray, value: FloatArray, last: float) -> FloatArray:
    """Df by forward differences of a tenth of the last step's length."""
    steps = np.clip(0.1 * last, 1e-9, 1e-5) * np.maximum(1.0, np.abs(point))
    moved = point + np.diag(steps)
    return np.asarray((values(moved) - value).T / (np.diagonal(moved) - point))


def _solved(jacobian: FloatArray, right: FloatArray) -> FloatArray:
    if not np.isfinite(jacobian).all():
        return np.zeros_like(right)
    return np.asarray(np.linalg.lstsq(jacobian, right, rcond=None)[0])


def _largest_region(
    function: BoxFunction, point: FloatArray, jacobian: FloatArray, most: int
) -> tuple[_Region, list[_Region]]:
    """The largest region of the grid that is found to hold one zero at most, and smaller ones with Df over them."""
    try:
        shape = np.abs(np.linalg.inv(jacobian)).sum(axis=1)
    except np.linalg.LinAlgError:
        shape = np.full(len(point), np.nan)
    if not np.isfinite(shape).all():
        raise NotIsolated("Df is singular where Newton's method ends")
    shape = shape / shape.max()
    size = max(1.0, float(np.abs(point).max()))
    k, tried, best = _exponent(_FIRST * size), dict[int, _Region | None](), None
    while k not in tried and len(tried) < most and _LEAST * size <= 10.0 ** (k / 2) <= _LARGEST * size:
        found = tried[k] = _region(function, point, 10.0 ** (k / 2) * shape)
        if found is None or not found.ratio <= ROOM:
            k = k - 1 if best is not None or found is None else min(k - 1, _expected(k, found.ratio))
        else:
            if best is None or k > best:
                best = k
            # As widths grow no slower than the region.
            farther = min(_exponent(_LARGEST * size), max(k + 1, _expected(k, found.ratio)))
            k = farther if found.ratio * 10**0.5 <= _LOOK_AHEAD else k
    region = None if best is None else tried[best]
    if best is None or region is None:
        raise NotIsolated("Df may be singular there: a multiple zero, a curve of zeros, or none")
    return region, [one for j, one in sorted(tried.items(), reverse=True) if j < best and one is not None]


def _exponent(radius: float) -> int:
    """The largest k with 10^(k/2) up to a radius."""
    return int(np.floor(2 * np.log10(radius) + 1e-9))


def _expected(k: int, ratio: float) -> int:
    """The largest exponent at which R r/r is within the room, if it grows in proportion to r."""
    return k - 4 if ratio == np.inf else k + int(np.floor(2 * np.log10(ROOM / max(ratio, 1e-30))))


def _region(function: BoxFunction, point: FloatArray, reach: FloatArray) -> _Region | None:
    sides = around(point, np.maximum(reach, 4 * np.spacing(np.abs(point))))
    try:
        over = function.enclose(hulls(sides), True, _TOLERANCE)
    except Undefined:
        return None
    inverse = approximate_inverse(over.jacobian)
    if inverse is None:
        return None
    d = len(point)
    spend(2 * d**3)
    rest = exact_matrix(np.eye(d)) - exact_matrix(inverse) * flint.arb_mat(over.jacobian)
    bounds = np.array([[max(-low, high) for low, high in map(outward, row)] for row in rest.tolist()])
    return _Region(sides, inverse, over, bounds)


def _box_in(function: BoxFunction, region: _Region, point: FloatArray) -> FloatArray | None:
    """A box around a zero in the region, by the enclosure of Df over all of it."""
    center, d = point, len(point)
    for _ in range(3):
        value = values_in_middle(function, np.stack([center, center], axis=1), _FINE)
        moved = _product(exact_matrix(-region.preconditioner), [[entry] for entry in value])
        bounds = np.array([outward(row[0]) for row in moved])
        if not np.isfinite(bounds).all():
            return None
        shift, spread = middle(bounds), np.ptp(bounds, axis=1) / 2
        least = _KNOWN * function.scale * np.abs(region.preconditioner).sum(axis=1)
        reach = 1.1 * np.linalg.solve(np.eye(d) - region.rest, np.abs(shift) + spread + least)
        box = around(center, reach + 4 * np.spacing(np.abs(center)))
        if not (reach > 0).all() or not lies_inside(box, region.sides):
            return None
        if not (middle(box) == center).all():
            value = values_in_middle(function, box, _FINE)
        if lies_inside(_image(region, box, value), shrunk(box, 0.98)):
            return box
        center = center + shift
    return None


def _image(region: _Region, box: FloatArray, value: list[flint.arb]) -> FloatArray:
    """c - Y f(c) + (1 - Y Df(X)) (B - c), c the midpoint of B."""
    inverse, points = exact_matrix(region.preconditioner), exact_matrix(middle(box)[:, None])
    rest = exact_matrix(np.eye(len(box))) - inverse * flint.arb_mat(region.over.jacobian)
    shifts = flint.arb_mat([[x] for x in hulls(box)]) - points
    image = points - inverse * flint.arb_mat([[entry] for entry in value]) + rest * shifts
    return np.array([outward(row[0]) for row in image.tolist()])


def _product(left: flint.arb_mat, right: list[list[flint.arb]]) -> list[list[flint.arb]]:
    return list((left * flint.arb_mat(right)).tolist())
