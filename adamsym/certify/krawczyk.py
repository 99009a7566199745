"""Krawczyk's operator for the Adam field, and the stability of a zero from its enclosed Jacobian."""

from dataclasses import dataclass

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import outward, step_bound
from adamsym.field.ball.enclosure import BoxEnclosure, field_over, hulls
from adamsym.gradients import Problem
from adamsym.methods import LaplaceForm

_INFLATION = 1.6
"""A box is tried for a zero in its whole neighbourhood: zeros next to a face are then inside."""

_LARGEST = 1e300
"""Zeros are looked for within this distance: no difference of two coordinates is out of range."""

_MOST_STEPS = 20
_FINAL_TOLERANCE = 1e-18

_CHECKABLE = 1e-18
"""Share of 1 + C to which the checker's own quadrature knows f: boxes around zeros are no narrower than that."""

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


def middle(sides: FloatArray) -> FloatArray:
    """Return the midpoint of a box (d, 2) in float64, or of boxes (n, d, 2)."""
    low, high = sides[..., 0], sides[..., 1]
    with np.errstate(over="ignore"):
        width = high - low
        # The difference of two large numbers may be out of range.
        return np.asarray(np.where(np.isfinite(width), low + width / 2, low / 2 + high / 2))


def lies_in(inner: FloatArray, outer: FloatArray) -> bool:
    """Whether one closed box (d, 2) lies in another."""
    return bool((outer[:, 0] <= inner[:, 0]).all() and (inner[:, 1] <= outer[:, 1]).all())


def meet(one: FloatArray, other: FloatArray) -> bool:
    """Whether two closed boxes (d, 2) have a point in common."""
    return bool((one[:, 0] <= other[:, 1]).all() and (other[:, 0] <= one[:, 1]).all())


def direction_without_zero(over: BoxEnclosure, center: list[flint.arb], sides: FloatArray) -> list[float] | None:
    """Return y such that y f has no zero over the box, as y f(m) + (y Df(X)) (X - m) does not hold 0; or None.

    Tried are the coordinate directions and the rows of an approximate inverse of Df.
    """
    d = len(sides)
    directions = [[float(i == j) for j in range(d)] for i in range(d)]
    for i, value in enumerate(over.value):
        if not value.contains(0):
            return directions[i]
    inverse = approximate_inverse(over.jacobian)
    if inverse is not None and d > 1:
        directions += inverse.tolist()
    shifts = [x - flint.arb(m) for x, m in zip(hulls(sides), middle(sides), strict=True)]
    for y in directions:
        if not _along(y, over, center, shifts).contains(0):
            return y
    return None


def _along(y: list[float], over: BoxEnclosure, center: list[flint.arb], shifts: list[flint.arb]) -> flint.arb:
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
    problem: Problem,
    form: LaplaceForm,
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
    reach = _INFLATION * (sides[:, 1] / 2 - sides[:, 0] / 2)
    final = ~((sides[:, 0] < center) & (center < sides[:, 1])) | last
    reach = np.where(final, np.maximum(reach, _NEIGHBOURHOOD * np.maximum(np.abs(center), _SMALL)), reach)
    with np.errstate(over="ignore"):
        wide = np.stack([center - reach, center + reach], axis=1)
    if not (np.abs(wide) < _LARGEST).all():
        return None
    image = krawczyk(problem, form, wide, inverse, 1e-13)
    if image is None or not _inside(image, _shrunk(wide, 0.9)):
        return None
    narrow = _narrowed(problem, form, image, width)
    if narrow is not None and meet(narrow[0], searched) and not lies_in(narrow[0], searched):
        narrow = _narrowed(problem, form, narrow[0], 0.0) or narrow
    if narrow is None or not _inside(narrow[0], wide):
        return None
    box, preconditioner, jacobian = narrow
    return CertifiedZero(box, preconditioner, wide, inverse, jacobian)


def _narrowed(
    problem: Problem, form: LaplaceForm, image: FloatArray, width: float
) -> tuple[FloatArray, FloatArray, list[list[flint.arb]]] | None:
    """A box of the wanted width that Krawczyk's operator maps into its inside, the preconditioner, and Df over it."""
    best, bound = None, 1 + float(step_bound(form).upper())
    for _ in range(_MOST_STEPS):
        try:
            over = field_over(problem, form, hulls(image), slopes=True, tolerance=_FINAL_TOLERANCE)
        except InputError:
            return best
        inverse = approximate_inverse(over.jacobian)
        if inverse is None:
            return best
        # The image of the image, widened so that it is mapped into its inside with room to spare: a checker with
        # other arithmetic is to prove it too.
        mapped = krawczyk(problem, form, image, inverse, _FINAL_TOLERANCE, over)
        if mapped is None:
            return best
        floor = _CHECKABLE * bound * np.abs(inverse).sum(axis=1)
        if _inside(mapped, _shrunk(image, 0.5)) and (np.ptp(image, axis=1) >= floor).all():
            best = (image, inverse, over.jacobian)
        wanted = width * np.minimum(1.0, np.abs(image).max(axis=1))
        if best is not None and (np.ptp(best[0], axis=1) <= wanted).all():
            return best
        least = np.maximum(wanted / 4, floor)
        smaller = _around(mapped, 4.0, least)
        if best is not None and not _is_worth(smaller, image):
            # Over wide boxes Df varies so much that the image alone, which holds the zero, is smaller.
            smaller = _around(mapped, 1.0, least)
            if not _is_worth(smaller, image):
                return best
        image = smaller
    return best


def _around(image: FloatArray, factor: float, least: FloatArray) -> FloatArray:
    """The box of ``factor`` times an image's size with the same midpoint, of at least ``least`` on each side of it."""
    center = middle(image)
    reach = np.maximum(factor * (image[:, 1] - image[:, 0]) / 2, least) + 4 * np.spacing(np.abs(center))
    return np.stack([center - reach, center + reach], axis=1)


def _is_worth(smaller: FloatArray, image: FloatArray) -> bool:
    return bool((np.ptp(smaller, axis=1) < _WORTH * np.ptp(image, axis=1)).any())


def krawczyk(
    problem: Problem,
    form: LaplaceForm,
    sides: FloatArray,
    preconditioner: FloatArray,
    tolerance: float,
    over: BoxEnclosure | None = None,
) -> FloatArray | None:
    """Return a box around K(X) = m - Y f(m) + (1 - Y Df(X)) (X - m), or None if it is not bounded.

    A K(X) inside of X proves that X holds exactly one zero; every zero in X is in K(X).
    """
    theta, center = hulls(sides), middle(sides)
    points = [flint.arb(float(x)) for x in center]
    try:
        over = over or field_over(problem, form, theta, slopes=True, tolerance=tolerance)
    except InputError:
        # A neighbourhood may reach beyond where the loss is real or its gradient bounded.
        return None
    value = field_over(problem, form, points, slopes=False, tolerance=tolerance).value
    found = []
    for i, row in enumerate(preconditioner):
        entry = points[i] - sum((flint.arb(float(y)) * f for y, f in zip(row, value, strict=True)), flint.arb(0))
        for j in range(len(sides)):
            column = [line[j] for line in over.jacobian]
            product = sum((flint.arb(float(y)) * slope for y, slope in zip(row, column, strict=True)), flint.arb(0))
            entry += (int(i == j) - product) * (theta[j] - points[j])
        if not entry.is_finite():
            return None
        found.append(outward(entry))
    return np.array(found)


def _shrunk(sides: FloatArray, share: float) -> FloatArray:
    """About this share of a box, with the same middle."""
    center, reach = middle(sides), share * (sides[:, 1] / 2 - sides[:, 0] / 2)
    return np.stack([center - reach, center + reach], axis=1)


def _inside(inner: FloatArray, outer: FloatArray) -> bool:
    return bool((outer[:, 0] < inner[:, 0]).all() and (inner[:, 1] < outer[:, 1]).all())


def _defect(inverse: FloatArray, jacobian: list[list[flint.arb]]) -> float:
    """A bound of 1 - Y Df in the norm of largest row sums, in float64: it only decides what is tried."""
    largest = np.array([[float(entry.rad()) for entry in row] for row in jacobian])
    with np.errstate(all="ignore"):
        return float((np.abs(inverse) @ largest).sum(axis=1).max())


def stability_of(jacobian: list[list[flint.arb]]) -> tuple[str, list[list[float]]]:
    """Return the stability of a zero for every matrix J within ``jacobian``, and the matrix P that proves it.

    If J^T P + P J is negative definite, P symmetric, then J has as many eigenvalues with negative (positive) real part
    as P has positive (negative) eigenvalues (Ostrowski and Schneider 1962).
    """
    p, d = _lyapunov_matrix(jacobian), len(jacobian)
    if p is None:
        return "undecided", []
    exact = [[flint.arb(float(x)) for x in row] for row in p]
    form = [
        [
            sum((jacobian[k][i] * exact[k][j] + exact[i][k] * jacobian[k][j] for k in range(d)), flint.arb(0))
            for j in range(d)
        ]
        for i in range(d)
    ]
    negative = _pivot_signs([[-entry for entry in row] for row in form])
    inertia = _pivot_signs(exact)
    if negative is None or inertia is None or min(negative) < 0:
        return "undecided", []
    if min(inertia) > 0:
        return "attracting", p.tolist()
    return ("repelling" if max(inertia) < 0 else "saddle"), p.tolist()


def _lyapunov_matrix(jacobian: list[list[flint.arb]]) -> FloatArray | None:
    """P = -Re(W^H sign(Re D) W) for J = V D W, W = 1/V, at the midpoint: J^T P + P J = -2 Re(W^H |Re D| W)."""
    middle_matrix = np.array([[float(entry.mid()) for entry in row] for row in jacobian])
    if not np.isfinite(middle_matrix).all():
        return None
    try:
        values, vectors = np.linalg.eig(middle_matrix)
        inverse = np.linalg.inv(vectors)
    except np.linalg.LinAlgError:
        return None
    p = -np.real(inverse.conj().T @ np.diag(np.sign(values.real)) @ inverse)
    if not np.isfinite(p).all():
        return None
    # A pivot of P may be 0, as in [[0, 1], [1, 0]]: a little on the diagonal moves it. The proof is of this P.
    d = len(p)
    return np.asarray((p + p.T) / 2 + 2.0**-12 * np.abs(p).max() * np.diag(np.linspace(1.0, 2.0, d)))


def _pivot_signs(matrix: list[list[flint.arb]]) -> list[int] | None:
    """Signs of a symmetric matrix's pivots, as many of each as of its eigenvalues (Sylvester); None if one may be 0."""
    rows = [list(row) for row in matrix]
    signs = []
    for k in range(len(rows)):
        pivot = rows[k][k]
        if pivot.contains(0) or not pivot.is_finite():
            return None
        signs.append(1 if pivot > 0 else -1)
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            for j in range(k, len(rows)):
                rows[i][j] -= factor * rows[k][j]
    return signs
