"""Re-checks of sets of minima: a point with L = 0, the manifold of all of them, and that f has no other zeros.

With the gradients A of the residuals R of some rows, R_j = T_j R for every row, P the probabilities and G = T^T P T,
grad L = A^T G R. |A^T S u| >= s |u| (see bounds), s > 0, says that A has full rank: L = 0 where R = 0, on a manifold.
At a zero of f |d_i L| <= q sigma_i; and sum sigma_i^2 <= eta |grad L|^2, eta = (kappa - 1)/B, with
kappa = |P^(1/2) diag(|T_j A|) T G^-1 S|^2/s^2, or E T^4/(E T^2)^2 for one row. So q^2 eta < 1 leaves grad L = 0 only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from adamsym.certificates.minima_form import Alone, MinimaSetCertificate
from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.form import Form
from adamsym.checker.interpolation.bounds import Place
from adamsym.checker.interpolation.combinations import combinations
from adamsym.checker.interpolation.constants import Draws, sign_bound
from adamsym.checker.interpolation.matrices import Matrix, solved, spectral_bound
from adamsym.checker.interpolation.region import point_fault
from adamsym.checker.interpolation.squares import Squares, box_around, squares_of
from adamsym.checker.law import row_values, rows_of
from adamsym.checker.values import value_of
from adamsym.gradients import Problem
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import BUILT_IN

_BESIDE = 2.0**-1000
"""How far beyond a box residuals are required to be real: any positive number will do."""

Statement = Alone | float | None
"""How near a point with L = 0 is; None for the manifold; where f has no other zeros."""


def form_fault(certificate: MinimaSetCertificate, problem: Problem) -> str | None:
    """Return what is wrong before any analysis: dimensions, and what lies in what; or None."""
    d, count = problem.dimension, len(certificate.rows)
    if len(certificate.center) != d or len(certificate.inverse) != d:
        return "the center or the inverse does not fit the problem"
    if any(len(row) != count for row in certificate.inverse):
        return "the inverse has another number of columns than there are rows"
    if certificate.dimension != d - count:
        return "the dimension is not the number of parameters less that of the rows"
    if certificate.radius is not None and certificate.near > certificate.radius:
        return "the point may lie outside of the region"
    if certificate.alone is not None and certificate.radius is not None:
        alone = certificate.alone.radius
        if alone is None or not certificate.near <= alone <= certificate.radius:
            return "the box without other zeros does not hold the point, or is no part of the region"
    return None


def statements(certificate: MinimaSetCertificate) -> list[tuple[str, Statement]]:
    """Return what a certificate asserts, each with a name for messages."""
    found: list[tuple[str, Statement]] = [("the point", certificate.near), ("the manifold", None)]
    return found if certificate.alone is None else [*found, ("the other zeros", certificate.alone)]


def statement_fault(
    certificate: MinimaSetCertificate, problem: Problem, laplace: LaplaceForm, form: Form, statement: Statement
) -> str | None:
    """Return what is wrong with one statement, or None."""
    if laplace.decay != 0:
        return "with weight decay f does not vanish where L does"
    fitted = fitted_rows(form.using, problem, tuple(certificate.rows))
    place = Place(form.using, fitted.basis, certificate.center, certificate.inverse)
    if isinstance(statement, float):
        return point_fault(place, statement)
    radius = certificate.radius if statement is None else statement.radius
    reaches = None if radius is None else [radius] * problem.dimension
    box = box_around(form.using, certificate.center, radius)
    return minima_fault(fitted, form, place, box, reaches, only=statement is not None)


@dataclass(frozen=True, eq=False)
class Fitted:
    """All rows, those that span them, and T as it is above."""

    using: Arithmetic
    whole: Squares
    basis: Squares
    combinations: Matrix

    @property
    def probabilities(self) -> list[Interval]:
        """Those of all rows."""
        return [self.using.exact(p) for p in self.whole.probabilities]

    @cached_property
    def gram(self) -> Matrix:
        """G."""
        weighted = [[p * x for x in row] for p, row in zip(self.probabilities, self.combinations, strict=True)]
        return self.using.matrix_product([list(column) for column in zip(*self.combinations, strict=True)], weighted)


@lru_cache(maxsize=4)
def fitted_rows(using: Arithmetic, problem: Problem, rows: tuple[int, ...]) -> Fitted:
    """Return what the rows named say of all; NotCheckable unless all residuals are combinations of theirs."""
    whole = squares_of(problem)
    numbers = combinations(whole, list(rows))
    factors = [value_of(using, whole.factor, row) for row in rows_of(using, problem)]
    if not all(factor > 0 for factor in factors):
        raise NotCheckable("a square's factor that may not be positive")
    roots = [using.root(factor) for factor in factors]
    found = [
        [using.exact(x) * own / roots[k] if x else using.number(0) for x, k in zip(line, rows, strict=True)]
        for line, own in zip(numbers, roots, strict=True)
    ]
    basis = Squares(problem, whole.factor, whole.base, whole.slopes, whole.bends, rows)
    return Fitted(using, whole, basis, found)


def minima_fault(
    fitted: Fitted,
    form: Form,
    place: Place,
    box: Sequence[Interval],
    reaches: Sequence[float] | None,
    only: bool,
) -> str | None:
    """Return why the points with L = 0 in a box are not proven a manifold, or, if ``only``, all zeros of f; or None."""
    using = fitted.using
    # The residuals are there in an open set around the box: at the border of a function's domain the points with L = 0
    # would be a manifold with a border.
    row_values(using, fitted.whole.problem, [], [side + using.around_zero(using.number(_BESIDE)) for side in box])
    lengths = [using.middle(place.length(row)) for row in place.gradients()]
    if not all(length > 0 for length in lengths):
        return "the gradient of a residual may be 0 at the center"
    scales = [using.root(fitted.gram[k][k]) / length for k, length in enumerate(lengths)]
    least = place.least_singular(place.defect_over(box, reaches), scales)
    if not least > 0:
        return "gradients of residuals are not proven linearly independent"
    if not only:
        return None
    if not form.averages:
        return "the lag weights may be negative"
    gradients = fitted.whole.gradients(using, box)
    problem = fitted.whole.problem
    eta = using.upper((_kappa(fitted, gradients, scales, least) - 1) / problem.batch_size)
    if eta <= 0:
        return None
    largest = using.number(math.inf)
    if reaches is not None:
        rows = zip(fitted.whole.residuals(using, box), gradients, strict=True)
        largest = using.largest(using.magnitude(residual * x) for residual, row in rows for x in row)
    draws = Draws(min(fitted.whole.probabilities), problem.batch_size, problem.dimension)
    q = sign_bound(using, _growth(form, largest), draws)
    return None if using.square(q) * eta < 1 else "f may have other zeros: q^2 eta < 1 is not proven"


def _kappa(fitted: Fitted, gradients: Matrix, scales: Sequence[Interval], least: Interval) -> Interval:
    using, lines = fitted.using, fitted.combinations
    if len(scales) == 1:
        fourth = using.total(p * using.power(line[0], 4) for p, line in zip(fitted.probabilities, lines, strict=True))
        return using.upper(fourth / using.square(fitted.gram[0][0]))
    sizes = [
        using.root(p * using.total(using.square(x) for x in row))
        for p, row in zip(fitted.probabilities, gradients, strict=True)
    ]
    right = [[size * line[k] for size, line in zip(sizes, lines, strict=True)] for k in range(len(scales))]
    quotients = solved(using, fitted.gram, right)
    scaled = [[scale * x for x in row] for scale, row in zip(scales, quotients, strict=True)]
    return using.upper(using.square(spectral_bound(using, scaled) / least))


def _growth(form: Form, largest: Interval) -> Interval:
    """A bound of phi(beta v)/phi(v) - 1 for sqrt v up to the largest gradient, which may be infinite."""
    using = form.using
    if using.is_bounded(largest):
        return using.upper(form.kernel.growth(form.beta, largest))
    if form.beta > 0 and type(form.laplace.kernel) in BUILT_IN.values():
        return using.upper(1 / using.root(using.exact(form.beta)) - 1)
    return using.number(math.inf)
