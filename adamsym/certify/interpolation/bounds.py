"""What the residuals' gradients give for the noise and for PL on a box around a point, or on all of R^d.

R_j are the residuals, l_j = R_j^2/2, with gradients a_j, the rows of A; p_j the rows' probabilities, C a matrix (d, N)
with A(center) C near 1, and F = A C - 1 on the box. For positive numbers n_j, S = diag(sqrt(p_j)/n_j) and a vector u,

    |A^T S u| >= s |u|,  s = (1 - |S F S^-1|)/|C S^-1|,

since u = (1 + S F S^-1)^-T (C S^-1)^T A^T S u. With grad L = sum p_j R_j a_j this gives, for n_j near |a_j|,
D^2 >= s^2 sum p_j n_j^2 R_j^2 and so E|g|^2 <= kappa D^2, kappa = max_j (|a_j|/n_j)^2/s^2, for one row g; and for
n_j = 1 that D^2 >= 2 mu L, mu = s^2.

For any invertible T, u = T^T y for some y with |u| <= |T| |y|, and likewise |A^T S u| >= s |u| with

    s = (1 - |T S F (T S)^-1|)/(|C (T S)^-1| |T|).

At the center this is as large as for T = 1 if T^T T = ((C S^-1)^T C S^-1)^(1/2), where F then counts in units of
geometric means of singular values, not of the least: so it holds on boxes some twice as wide.

Where l_j = sum_k R_jk^2/2, the same holds of all R_jk and n_jk; as g = sum_k R_jk a_jk, the largest singular value of
the matrix with the rows a_jk/n_jk takes the place of |a_j|/n_j.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import flint
import numpy as np

from adamsym.certify.interpolation.outputs import Outputs, largest_norm
from adamsym.certify.interpolation.residuals import Balls, Residuals
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, larger, norm_bound, smaller

SQUARINGS = 10
"""|X|^2 <= |(X^T X)^m|^(1/m) in Frobenius norms with m = 2^10: above by a factor of at most N^(1/2048)."""

WIDER = 1 + 2.0**-10
"""What is said of a box is proved of one so much wider: other arithmetic than this can then prove it too."""

_ENLARGEMENTS = 20
"""Neighbourhoods of the center that are tried for a zero of the residuals, each twice as wide as the last."""

_LEAST_REACH = 1e-30


@dataclass(frozen=True)
class ResidualBounds:
    """Bounds that hold on the box of half-width ``radius`` around a center.

    Attributes
    ----------
    kappa, pl
        E|g|^2 <= kappa D^2 for one row g, and D^2 >= 2 mu L.
    entry, total
        A bound of all (sum_k a_jki^2)^(1/2): E g_i^2 <= entry^2 2 L. For each residual one of sum_i |a_jki|, which
        counts in the sup norm.
    at_center
        The |R_j| at the center.
    """

    radius: float
    kappa: flint.arb
    pl: flint.arb
    entry: flint.arb
    total: tuple[flint.arb, ...]
    at_center: tuple[flint.arb, ...]
    probabilities: tuple[flint.arb, ...]
    rows: int

    def largest_residual(self) -> flint.arb:
        """Return a bound of every row's (2 l_j)^(1/2) on the box."""
        radius = flint.arb(self.radius)
        reached = [x + (radius * t if t > 0 else 0) for x, t in zip(self.at_center, self.total, strict=True)]
        return largest_norm(reached, self.rows)

    def root_loss(self, radius: flint.arb) -> flint.arb:
        """Return a bound of sqrt(2 L) on the box of this half-width, at most ``self.radius``, around the center."""
        if not radius.is_finite():
            return flint.arb(0) if not any(x > 0 for x in self.total) else flint.arb("inf")
        rows = zip(self.probabilities, self.at_center, self.total, strict=True)
        return sum((p * (r + radius * t) ** 2 for p, r, t in rows), flint.arb(0)).sqrt().upper()


def sides_around(center: FloatArray, reaches: Sequence[float]) -> Balls:
    """Return balls that hold all points up to a little more than the ``reaches`` from the center in each coordinate."""
    wider = [(flint.arb(reach) * WIDER).upper() for reach in reaches]
    everything = flint.arb(0, math.inf)
    return [flint.arb(x, r) if r.is_finite() else everything for x, r in zip(center.tolist(), wider, strict=True)]


Balances = tuple[FloatArray, FloatArray]
"""The matrices T for S = diag(sqrt(p_j)/n_j) and for S = diag(sqrt(p_j))."""


def bounds_around(
    residuals: Outputs, center: FloatArray, inverse: FloatArray, radius: float, balances: Balances | None = None
) -> ResidualBounds | str:
    """Return the bounds on a box around a center, infinite for all of R^d; or why there are none.

    Without ``balances`` the matrices T are 1.
    """
    try:
        values, slopes = residuals.over([flint.arb(float(x)) for x in center])
        box = sides_around(center, [radius] * len(center))
        _, slopes_over = residuals.over(box)
        defect = defect_bounds(residuals, slopes, slopes_over, inverse, box, [radius] * len(center))
    except DomainError as error:
        return str(error)
    if not all(entry.is_finite() for row in (*slopes_over, *defect) for entry in row):
        return "the derivatives of the residuals are not bounded there"
    probabilities = tuple(ball(p) for p in residuals.probabilities)
    lengths = [norm_bound(row) for row in slopes]
    if not all(length > 0 for length in lengths):
        return "the gradient of a residual may be 0"
    lengths = [length.mid() for length in lengths]
    scaled = [[x / n for x in row] for row, n in zip(slopes_over, lengths, strict=True)]
    stretch = reduce(larger, (_norm(scaled[j :: residuals.rows]) for j in range(residuals.rows)))
    roots = [p.sqrt() for p in probabilities]
    units = [root / n for root, n in zip(roots, lengths, strict=True)]
    least, plain = least_singular(defect, inverse, units), least_singular(defect, inverse, roots)
    if balances is not None and not math.isinf(radius):
        # Of so narrow a box, or so wide a one, the first may be larger.
        least, plain = (
            larger(first, balanced_singular(residuals, (slopes, slopes_over), inverse, scales, balance, box, radius))
            for first, scales, balance in zip((least, plain), (units, roots), balances, strict=True)
        )
    if not (least > 0 and plain > 0):
        return "the gradients of the residuals are not proved linearly independent"
    return ResidualBounds(
        radius,
        ((stretch / least) ** 2).max(flint.arb(1)).upper(),
        (plain**2).lower(),
        reduce(larger, (largest_norm(column, residuals.rows) for column in zip(*slopes_over, strict=True))),
        tuple(sum((entry.abs_upper() for entry in row), flint.arb(0)).upper() for row in slopes_over),
        tuple(value.abs_upper() for value in values),
        probabilities,
        residuals.rows,
    )


def _norm(rows: Sequence[Balls]) -> flint.arb:
    """A bound of the spectral norm of a matrix of few rows."""
    return norm_bound(rows[0]).upper() if len(rows) == 1 else spectral_bound(flint.arb_mat(rows).transpose())


def defect_bounds(
    residuals: Residuals | Outputs,
    slopes: Sequence[Balls],
    slopes_over: Sequence[Balls],
    inverse: FloatArray,
    box: Balls,
    reaches: Sequence[float],
) -> list[Balls]:
    """Return bounds of the entries of F = A C - 1 over the box: from A there, or by the mean-value theorem if smaller.

    The latter is |F(center)_jm| + sum_k reach_k |sum_i d_k a_ji C_im|; ``reaches`` are the box's half-widths.
    """
    count, d = residuals.count, len(inverse)
    spend(2 * count * count * d)
    columns = flint.arb_mat(inverse.tolist())
    plain = _magnitudes(flint.arb_mat([list(row) for row in slopes_over]) * columns)
    if residuals.are_linear or any(map(math.isinf, reaches)):
        return plain
    mean = _magnitudes(flint.arb_mat([list(row) for row in slopes]) * columns)
    wider = flint.arb_mat([[(flint.arb(x) * WIDER).upper() for x in reaches]])
    for j, entries in enumerate(residuals.curvatures_over(box)):
        spend(2 * len(entries) * count)
        hessian = flint.arb_mat(d, d)
        for (i, k), entry in entries.items():
            hessian[i, k] = hessian[k, i] = entry
        turned = (hessian * columns).tolist()
        sums = wider * flint.arb_mat([[entry.abs_upper() for entry in row] for row in turned])
        for m in range(count):
            mean[j][m] = (mean[j][m] + sums[0, m]).upper()
    both = zip(plain, mean, strict=True)
    return [[smaller(x, y) for x, y in zip(one, other, strict=True)] for one, other in both]


def _magnitudes(product: flint.arb_mat) -> list[Balls]:
    """Bounds of the entries of a matrix less 1."""
    count = product.nrows()
    return [[(product[j, m] - int(j == m)).abs_upper() for m in range(count)] for j in range(count)]


def reach_of_zero(residuals: Residuals | Outputs, center: FloatArray, inverse: FloatArray) -> float | None:
    """Return a number within which of the center, in the sup norm, all residuals are proved to vanish at some point.

    y -> y - R(center + C y) maps the cube |y| <= r/|C| into itself, in sup norms, where |R(center)| + |F| r/|C| is at
    most r/|C|, F on the box of half-width r: it has a fixed point (Brouwer). None if that is not proved.
    """
    point = [flint.arb(float(x)) for x in center]
    values, slopes = residuals.over(point)
    if not all(x.is_finite() for x in values):
        return None
    size = reduce(larger, (value.abs_upper() for value in values))
    width = reduce(larger, (sum((abs(flint.arb(x)) for x in row), flint.arb(0)).upper() for row in inverse.tolist()))
    for k in range(_ENLARGEMENTS):
        radius = max(1.1 * 2**k * float((width * size).upper()), _LEAST_REACH)
        try:
            box = sides_around(center, [radius] * len(center))
            defect = defect_bounds(residuals, slopes, residuals.over(box)[1], inverse, box, [radius] * len(center))
        except DomainError:
            return None
        cube = (flint.arb(radius) / width).lower()
        share = reduce(larger, (sum(row, flint.arb(0)).upper() for row in defect))
        if size + share * cube <= cube:
            return float(radius)
    return None


def least_singular(defect: Sequence[Balls], inverse: FloatArray, scales: Sequence[flint.arb]) -> flint.arb:
    """Return a lower bound of |A^T S u|/|u|, S the diagonal matrix of ``scales``; see above. It may be negative."""
    turned = flint.arb_mat(
        [[x * s / t for x, t in zip(row, scales, strict=True)] for row, s in zip(defect, scales, strict=True)]
    )
    divided = flint.arb_mat([[flint.arb(x) / s for x, s in zip(row, scales, strict=True)] for row in inverse.tolist()])
    return ((1 - spectral_bound(turned)) / spectral_bound(divided)).lower()


def balances_at(slopes: FloatArray, probabilities: FloatArray) -> Balances:
    """Return T for the matrix of the residuals' gradients at a center, each up to a factor; they need no proof."""
    found = []
    for units in (np.linalg.norm(slopes, axis=1), np.ones(len(slopes))):
        left, sizes, _ = np.linalg.svd(slopes * (np.sqrt(probabilities) / units)[:, None], full_matrices=False)
        whole = (left * np.sqrt(sizes[0] / np.maximum(sizes, 1e-12 * sizes[0]))) @ left.T
        found.append((whole + whole.T) / 2)
    return found[0], found[1]


def balanced_singular(
    residuals: Outputs,
    slopes: tuple[Sequence[Balls], Sequence[Balls]],
    inverse: FloatArray,
    scales: Sequence[flint.arb],
    balance: FloatArray,
    box: Balls,
    radius: float,
) -> flint.arb:
    """Return the lower bound of |A^T S u|/|u| with T = ``balance``; ``slopes`` are A at the center and over the box."""
    count, d = residuals.count, len(inverse)
    spend(4 * count**2 * (d + count) + 2 * d * count**3)
    whole = flint.arb_mat(balance.tolist())
    left = flint.arb_mat([[x * s for x, s in zip(row, scales, strict=True)] for row in whole.tolist()])
    try:
        right = flint.arb_mat(inverse.tolist()) * left.inv()
    except ZeroDivisionError:
        return flint.arb(0)
    plain, mean = (_magnitudes(left * flint.arb_mat([list(row) for row in rows]) * right) for rows in reversed(slopes))
    turned = []
    for entries in residuals.curvatures_over(box):
        spend(2 * len(entries) * count)
        hessian = flint.arb_mat(d, d)
        for (i, k), entry in entries.items():
            hessian[i, k] = hessian[k, i] = entry
        turned.append((hessian * right).tolist())
    reach = (flint.arb(radius) * WIDER).upper()
    for k in range(d):
        moved = left * flint.arb_mat([rows[k] for rows in turned])
        mean = [[x + reach * moved[j, m].abs_upper() for m, x in enumerate(row)] for j, row in enumerate(mean)]
    defect = [
        [smaller(x, y.upper()) for x, y in zip(one, other, strict=True)] for one, other in zip(plain, mean, strict=True)
    ]
    norms = spectral_bound(right) * spectral_bound(whole)
    return ((1 - spectral_bound(flint.arb_mat(defect))) / norms).lower() if norms > 0 else flint.arb(0)


def spectral_bound(matrix: flint.arb_mat) -> flint.arb:
    """Return an upper bound of a matrix's spectral norm: the Gram matrix squared again and again."""
    gram = matrix.transpose() * matrix
    spend(SQUARINGS * gram.nrows() ** 3)
    for _ in range(SQUARINGS):
        gram = gram * gram
    norm = norm_bound(gram[i, j] for i in range(gram.nrows()) for j in range(gram.ncols()))
    return norm.root(2 ** (SQUARINGS + 1)).upper() if norm > 0 else flint.arb(0)
