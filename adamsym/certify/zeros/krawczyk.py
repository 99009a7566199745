"""Contractors for functions that can be enclosed over boxes: Krawczyk's operator, and exclusion along a direction."""

from dataclasses import dataclass

import flint
import numpy as np

from adamsym.certify.box_function import BoxFunction, Undefined, values_in_middle
from adamsym.certify.boxes import around, lies_in, lies_inside, meet, middle, shrunk
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import outward
from adamsym.field.ball.enclosure import BoxEnclosure, hulls
from adamsym.field.interval.exclusion import INFLATION

_LARGEST = 1e300
"""Zeros are looked for within this distance: no difference of two coordinates is out of range."""

_MOST_STEPS = 20
_FIRST_TOLERANCE, _FINAL_TOLERANCE = 1e-13, 1e-18

_CHECKABLE = 1e-18
"""Share of f's scale to which the checker's own quadrature knows f: boxes around zeros are no narrower than that."""

_WORTH = 0.8
"""A step that narrows no side to less than this share of itself is the last."""

_NEIGHBOURHOOD = 2.0**-20
"""Share of a coordinate's size, or of ``_SMALL`` if that is more, to which a side that is halved no further is widened:
else it may be too narrow for enclosures."""

_SMALL = 1e-3


@dataclass(frozen=True)
class CertifiedZero:
    """Exactly one zero is in ``unique_in``, and it is in ``box``; ``jacobian`` holds Df over ``box``."""

    box: FloatArray
    preconditioner: FloatArray
    unique_in: FloatArray
    region_preconditioner: FloatArray
    jacobian: list[list[flint.arb]]


@dataclass(frozen=True)
class _Proven:
    """A box that Krawczyk's operator with ``preconditioner`` maps into its interior, and Df over it."""

    box: FloatArray
    preconditioner: FloatArray
    jacobian: list[list[flint.arb]]


def direction_without_zero(over: BoxEnclosure, center: list[flint.arb], sides: FloatArray) -> list[float] | None:
    """Return y such that y f has no zero over the box, as y f(m) + (y Df(X)) (X - m) excludes 0; or None.

    Tried are the coordinate directions and the rows of an approximate inverse of Df.
    """
    d = len(sides)
    spend(4 * d**3)
    directions = [[float(i == j) for j in range(d)] for i in range(d)]
    for i, value in enumerate(over.value):
        if not value.contains(0):
            return directions[i]
    inverse = approximate_inverse(over.jacobian)
    if inverse is not None and d > 1:
        directions += inverse.tolist()
    for y in directions:
        if not along_box(y, over, center, sides).contains(0):
            return y
    return None


def along_box(y: list[float], over: BoxEnclosure, center: list[flint.arb], sides: FloatArray) -> flint.arb:
    """Return a ball that holds y f over the box, y f(m) + (y Df(X)) (X - m); one around 0 if it is not bounded."""
    shifts = [x - flint.arb(m) for x, m in zip(hulls(sides), middle(sides), strict=True)]
    found = sum((flint.arb(a) * f for a, f in zip(y, center, strict=True)), flint.arb(0))
    for j, shift in enumerate(shifts):
        slope = sum((flint.arb(a) * row[j] for a, row in zip(y, over.jacobian, strict=True)), flint.arb(0))
        found += slope * shift
    return found if found.is_finite() else flint.arb(0)


def approximate_inverse(jacobian: list[list[flint.arb]]) -> FloatArray | None:
    """Return the inverse of the Jacobian's midpoint in float64, or None if it has none."""
    middle_matrix = np.array([[float(entry.mid()) for entry in row] for row in jacobian])
    if not np.isfinite(middle_matrix).all():
        return None
    try:
        inverse = np.linalg.inv(middle_matrix)
    except np.linalg.LinAlgError:
        return None
    return inverse if np.isfinite(inverse).all() else None


def certified_zero(
    function: BoxFunction,
    sides: FloatArray,
    over: BoxEnclosure,
    width: float,
    searched: FloatArray,
    last: bool = False,
) -> CertifiedZero | None:
    """Return the zero in a neighbourhood of a box if Krawczyk's operator proves it; the box lies where it is alone.

    The zero may lie outside of the box. It is enclosed in a box with sides of at most ``width``, or of that share of
    the coordinate where this is below 1, as far as floats and enclosures go; and as narrowly as they go where it is
    not yet clear whether the zero lies in the box ``searched``. Sides that floats cannot halve, and all sides of a
    box that is the ``last`` around its points, are widened to what is wide enough for enclosures.
    """
    inverse = approximate_inverse(over.jacobian)
    if inverse is None or _defect(inverse, over.jacobian) > 0.5:
        return None
    center = middle(sides)
    # In the whole neighbourhood: zeros next to a face are then inside.
    reach = INFLATION * (sides[:, 1] / 2 - sides[:, 0] / 2)
    final = ~((sides[:, 0] < center) & (center < sides[:, 1])) | last
    reach = np.where(final, np.maximum(reach, _NEIGHBOURHOOD * np.maximum(np.abs(center), _SMALL)), reach)
    wide = around(center, reach)
    if not (np.abs(wide) < _LARGEST).all():
        return None
    image = krawczyk(function, wide, inverse, _FIRST_TOLERANCE)
    if image is None or not lies_inside(image, shrunk(wide, 0.9)):
        return None
    narrow = _narrowed(function, image, width)
    if narrow is not None and meet(narrow.box, searched) and not lies_in(narrow.box, searched):
        narrow = _narrowed(function, narrow.box, 0.0) or narrow
    if narrow is None or not lies_inside(narrow.box, wide):
        return None
    return CertifiedZero(narrow.box, narrow.preconditioner, wide, inverse, narrow.jacobian)


def _narrowed(function: BoxFunction, image: FloatArray, width: float) -> _Proven | None:
    """A box of the wanted width that Krawczyk's operator maps into its interior."""
    best = None
    for _ in range(_MOST_STEPS):
        try:
            over = function.enclose(hulls(image), True, _FINAL_TOLERANCE)
        except Undefined:
            return best
        inverse = approximate_inverse(over.jacobian)
        if inverse is None:
            return best
        # The image of the image, widened so that it is mapped into its interior with room to spare: a checker with
        # other arithmetic is to prove it too.
        mapped = krawczyk(function, image, inverse, _FINAL_TOLERANCE, over)
        if mapped is None:
            return best
        floor = _CHECKABLE * function.scale * np.abs(inverse).sum(axis=1)
        if lies_inside(mapped, shrunk(image, 0.5)) and (np.ptp(image, axis=1) >= floor).all():
            best = _Proven(image, inverse, over.jacobian)
        wanted = width * np.minimum(1.0, np.abs(image).max(axis=1))
        if best is not None and (np.ptp(best.box, axis=1) <= wanted).all():
            return best
        least = np.maximum(wanted / 4, floor)
        smaller = _widened(mapped, 4.0, least)
        if best is not None and not _is_worth(smaller, image):
            # Over wide boxes Df varies so much that the image alone, which holds the zero, is smaller.
            smaller = _widened(mapped, 1.0, least)
            if not _is_worth(smaller, image):
                return best
        image = smaller
    return best


def _widened(image: FloatArray, factor: float, least: FloatArray) -> FloatArray:
    """The box of ``factor`` times an image's size with the same midpoint, of at least ``least`` on each side of it."""
    center = middle(image)
    return around(center, np.maximum(factor * (image[:, 1] - image[:, 0]) / 2, least) + 4 * np.spacing(np.abs(center)))


def _is_worth(smaller: FloatArray, image: FloatArray) -> bool:
    return bool((np.ptp(smaller, axis=1) < _WORTH * np.ptp(image, axis=1)).any())


def krawczyk(
    function: BoxFunction,
    sides: FloatArray,
    preconditioner: FloatArray,
    tolerance: float,
    over: BoxEnclosure | None = None,
) -> FloatArray | None:
    """Return a box around K(X) = m - Y f(m) + (1 - Y Df(X)) (X - m), or None if it is not bounded.

    A K(X) in the interior of X proves that X holds exactly one zero; every zero in X is in K(X).
    """
    theta = hulls(sides)
    try:
        over = over or function.enclose(theta, True, tolerance)
    except Undefined:
        # A neighbourhood may reach beyond where f is defined.
        return None
    value = values_in_middle(function, sides, tolerance)
    spend(2 * len(sides) ** 3)
    inverse, points = exact_matrix(preconditioner), exact_matrix(middle(sides)[:, None])
    rest = exact_matrix(np.eye(len(sides))) - inverse * flint.arb_mat(over.jacobian)
    image = points - inverse * _column(value) + rest * (_column(theta) - points)
    entries = [image[i, 0] for i in range(len(sides))]
    return np.array([outward(entry) for entry in entries]) if all(x.is_finite() for x in entries) else None


def exact_matrix(matrix: FloatArray) -> flint.arb_mat:
    """Return a matrix of floats as balls of radius 0."""
    return flint.arb_mat([[flint.arb(float(x)) for x in row] for row in matrix])


def _column(entries: list[flint.arb]) -> flint.arb_mat:
    return flint.arb_mat([[entry] for entry in entries])


def _defect(inverse: FloatArray, jacobian: list[list[flint.arb]]) -> float:
    """A bound of 1 - Y Df in the norm of largest row sums, in float64: it only decides what is tried."""
    largest = np.array([[float(entry.rad()) for entry in row] for row in jacobian])
    with np.errstate(all="ignore"):
        return float((np.abs(inverse) @ largest).sum(axis=1).max())
