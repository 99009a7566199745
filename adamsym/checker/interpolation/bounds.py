"""Bounds of the residuals' gradients over a box around a center, or over all of R^d.

l_j = R_j^2/2 with gradients a_j of R_j, the rows of A, and C a matrix; F = A C - 1 over the box. For a diagonal matrix
S > 0, (C S^-1)^T A^T S = 1 + (S F S^-1)^T, so that |A^T S u| >= s |u|, s = (1 - |S F S^-1|)/|C S^-1|. With a symmetric
invertible matrix T and u = T y, (C (T S)^-1)^T A^T S u = (1 + (T S F (T S)^-1)^T) y, and |y| >= |u|/|T|: so
s = (1 - |T S F (T S)^-1|)/(|C (T S)^-1| |T|) will do too.

As grad L = A^T P R, P the probabilities, S = P^(1/2) gives D^2 >= s^2 2 L; and S = P^(1/2)/n with numbers n_j gives
D^2 >= s^2 sum p_j n_j^2 R_j^2, so that E|g|^2 <= kappa D^2 for one row g, kappa = max_j (|a_j|/n_j)^2/s^2. A row with
several residuals, l_j = sum_k R_jk^2/2, has g = sum_k R_jk a_jk: the norm of the matrix of its a_jk/n_jk counts then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.interpolation.matrices import Matrix, Rows, solved, spectral_bound
from adamsym.checker.interpolation.outputs import Outputs
from adamsym.checker.interpolation.squares import Squares, box_around


@dataclass(frozen=True)
class Place:
    """The residuals, a center, and a matrix near an inverse from the right of their gradients there."""

    using: Arithmetic
    squares: Squares | Outputs
    center: Sequence[float]
    inverse: Sequence[Sequence[float]]
    balances: Sequence[Sequence[Sequence[float]]] | None = None

    @property
    def _columns(self) -> Matrix:
        return [[self.using.number(x) for x in row] for row in self.inverse]

    def gradients(self, radius: float | None = 0.0) -> Matrix:
        """Return the a_j over the box of this half-width, or all of R^d; at the center if omitted."""
        return self.squares.gradients(self.using, box_around(self.using, self.center, radius))

    def residuals(self) -> list[Interval]:
        """Return bounds of the |R_j| at the center."""
        values = self.squares.residuals(self.using, box_around(self.using, self.center, 0.0))
        return [self.using.magnitude(x) for x in values]

    def defect(self, radius: float | None) -> Matrix:
        """Return bounds of the |F_jm| over the box of a half-width, or over all of R^d."""
        reaches = None if radius is None else [radius] * len(self.center)
        return self.defect_over(box_around(self.using, self.center, radius), reaches)

    def defect_over(self, box: Sequence[Interval], reaches: Sequence[float] | None) -> Matrix:
        """Return bounds of the |F_jm| over a box, directly or from F at the center and the mean-value theorem.

        No point of the box is farther from the center than the ``reaches``; without them only the first is tried.
        """
        using, columns = self.using, self._columns
        direct = self._off_unit(using.matrix_product(self.squares.gradients(using, box), columns))
        if reaches is None or not self.squares.bends:
            return direct
        center = self._off_unit(using.matrix_product(self.gradients(), columns))
        found = []
        for at, over, hessian in zip(center, direct, self.squares.hessians(using, box), strict=True):
            turned = using.matrix_product(hessian, columns)
            sizes = [[using.magnitude(x) * reach for x in row] for row, reach in zip(turned, reaches, strict=True)]
            sums = [using.total(row[m] for row in sizes) for m in range(len(at))]
            found.append([using.least_bound([x, y + z]) for x, y, z in zip(over, at, sums, strict=True)])
        return found

    def _off_unit(self, matrix: Matrix) -> Matrix:
        size = self.using.magnitude
        return [[size(x - int(j == m)) for m, x in enumerate(row)] for j, row in enumerate(matrix)]

    def width(self) -> Interval:
        """Return a bound of |C| in the sup norm."""
        return self.using.largest(self.using.total(abs(x) for x in row) for row in self._columns)

    def least_singular(self, defect: Rows, scales: Sequence[Interval]) -> Interval:
        """Return s for S of these scales; not positive where nothing is proven."""
        turned = [[x * s / t for x, t in zip(row, scales, strict=True)] for row, s in zip(defect, scales, strict=True)]
        divided = [[x / s for x, s in zip(row, scales, strict=True)] for row in self._columns]
        bound = spectral_bound(self.using, divided)
        if not (bound > 0 and self.using.is_bounded(bound)):
            return self.using.number(0)
        return self.using.lower((1 - spectral_bound(self.using, turned)) / bound)

    @property
    def outputs(self) -> int:
        """The number of residuals of a row."""
        return len(self.squares.parts) if isinstance(self.squares, Outputs) else 1

    def norm(self, rows: Rows) -> Interval:
        """Return a bound of the norm of a matrix of few rows."""
        if len(rows) == 1:
            return self.length(rows[0])
        return spectral_bound(self.using, [list(column) for column in zip(*rows, strict=True)])

    def balanced_singular(
        self, radius: float, scales: Sequence[Interval], balance: Sequence[Sequence[float]]
    ) -> Interval:
        """Return s for S of these scales and T = ``balance``, over the box of a half-width.

        T S F (T S)^-1 is taken from A over the box, or by the mean-value theorem from A at the center.
        """
        using, unit = self.using, range(len(scales))
        whole = [[using.number(x) for x in row] for row in balance]
        one = [[using.number(int(j == m)) for m in unit] for j in unit]
        undone = [[x / s for x in row] for row, s in zip(solved(using, whole, one), scales, strict=True)]
        left = [[x * s for x, s in zip(row, scales, strict=True)] for row in whole]
        right = using.matrix_product(self._columns, undone)
        box = box_around(using, self.center, radius)
        over, mean = (
            self._off_unit(using.matrix_product(left, using.matrix_product(rows, right)))
            for rows in (self.squares.gradients(using, box), self.gradients())
        )
        turned = [using.matrix_product(hessian, right) for hessian in self.squares.hessians(using, box)]
        for rows in zip(*turned, strict=True):
            moved = using.matrix_product(left, rows)
            mean = [
                [x + radius * using.magnitude(y) for x, y in zip(one, other, strict=True)]
                for one, other in zip(mean, moved, strict=True)
            ]
        defect = [
            [using.least_bound(pair) for pair in zip(one, other, strict=True)]
            for one, other in zip(over, mean, strict=True)
        ]
        bound = using.upper(spectral_bound(using, right) * spectral_bound(using, whole))
        if not (bound > 0 and using.is_bounded(bound)):
            return using.number(0)
        return using.lower((1 - spectral_bound(using, defect)) / bound)

    def length(self, vector: Sequence[Interval]) -> Interval:
        """Return the Euclidean norm."""
        return self.using.root(self.using.total(self.using.square(x) for x in vector))


@dataclass(frozen=True)
class Bounds:
    """Bounds over a box of half-width ``radius``: kappa, mu, all (sum_k a_jki^2)^(1/2), each sum_i |a_jki|; the |R_jk|
    at the center. ``rows`` is the number of rows j.
    """

    using: Arithmetic
    radius: float | None
    kappa: Interval
    mu: Interval
    entry: Interval
    sums: list[Interval]
    at_center: list[Interval]
    probabilities: list[Interval]
    rows: int

    def largest_residual(self, radius: float) -> Interval:
        """Return a bound of every (2 l_j)^(1/2) on a box around the center that is no wider than the region."""
        return largest_length(self.using, self.residuals(radius), self.rows)

    def residuals(self, radius: float) -> list[Interval]:
        """Return bounds of the |R_j| on a box around the center that is no wider than the region."""
        return [self.using.upper(r + radius * s) for r, s in zip(self.at_center, self.sums, strict=True)]

    def root_loss(self, radius: float) -> Interval:
        """Return a bound of sqrt(2 L) there."""
        rows = zip(self.probabilities, self.residuals(radius), strict=True)
        return self.using.upper(self.using.root(self.using.total(p * self.using.square(r) for p, r in rows)))

    def steepness(self, batch: int) -> Interval:
        """Return a^2 with E g_i^2 <= a^2 2 L for the minibatch gradient wherever D^2 = 2 mu L."""
        one_row = self.using.least_bound([self.using.square(self.entry), self.kappa * self.mu])
        return self.using.upper((one_row + (batch - 1) * self.mu) / batch)

    def eta(self, batch: int) -> Interval:
        """Return a bound of eta."""
        return self.using.upper((self.kappa - 1) / batch)


def bounds_over(place: Place, radius: float | None) -> Bounds:
    """Return the bounds over a box, or over all of R^d.

    Raises
    ------
    NotCheckable
        If none are proven.
    """
    using = place.using
    gradients, defect = place.gradients(radius), place.defect(radius)
    probabilities = [using.exact(p) for p in place.squares.probabilities]
    roots = [using.root(p) for p in probabilities]
    lengths = [using.middle(place.length(row)) for row in place.gradients()]
    if not all(length > 0 for length in lengths):
        raise NotCheckable("the gradient of a residual may be 0 at the center")
    scales = [[r / n for r, n in zip(roots, lengths, strict=True)], roots]
    least = [place.least_singular(defect, own) for own in scales]
    if place.balances is not None and radius is not None:
        others = [place.balanced_singular(radius, own, one) for own, one in zip(scales, place.balances, strict=True)]
        least = [x if x >= y else y for x, y in zip(least, others, strict=True)]
    scaled, plain = least
    if not (scaled > 0 and plain > 0):
        raise NotCheckable("gradients of residuals are not proven linearly independent")
    count = len(probabilities) // place.outputs
    units = [[x / n for x in row] for row, n in zip(gradients, lengths, strict=True)]
    stretch = using.largest(place.norm(units[j::count]) for j in range(count))
    return Bounds(
        using,
        radius,
        using.largest([using.square(stretch / scaled), using.number(1)]),
        using.lower(using.square(plain)),
        using.largest(largest_length(using, column, count) for column in zip(*gradients, strict=True)),
        [using.upper(using.total(abs(x) for x in row)) for row in gradients],
        place.residuals(),
        probabilities,
        count,
    )


def largest_length(using: Arithmetic, values: Sequence[Interval], rows: int) -> Interval:
    """Return a bound of (sum_k x_jk^2)^(1/2) for all rows j; the x_jk of one k are next to each other."""
    groups = (values[j::rows] for j in range(rows))
    return using.largest(using.root(using.total(map(using.square, group))) for group in groups)
