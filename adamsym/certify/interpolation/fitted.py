"""Boxes in which the points with L = 0 form a manifold, and in which f has no other zero.

Let R be the residuals of rows that span all, A their gradients, r of them, R_j = T_j R those of all rows, P the
probabilities, G = T^T P T. Then grad L = A^T G R. Where A has rank r, L = 0 exactly where R = 0, and by the implicit
function theorem these points form a manifold of dimension d - r. With |A^T S u| >= s |u| for a diagonal S (see bounds)
and u = S^-1 G R, one row's gradient R_j T_j A has E|g|^2 <= kappa |grad L|^2,

    kappa = |P^(1/2) diag(|T_j A|) T G^-1 S|^2/s^2;

for r = 1 all gradients are multiples of one vector, and kappa = E T^4/(E T^2)^2. At a zero of f |d_i L| <= q sigma_i
for all i (N-Lemma 4), so |grad L|^2 <= q^2 eta |grad L|^2, eta = (kappa - 1)/B: where q^2 eta < 1, grad L = 0 and so
L = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import flint

from adamsym.certify.interpolation.bounds import defect_bounds, least_singular, sides_around, spectral_bound
from adamsym.certify.interpolation.residuals import Balls, squared_residuals
from adamsym.certify.interpolation.spanning import SpannedRows, spanned
from adamsym.certify.lyapunov.decrease_constants import best_sign_factor, growth_bound
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import NotApplicable
from adamsym.field.ball.arithmetic import ball, larger, norm_bound
from adamsym.gradients import Problem, SymbolicGradient
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import BUILT_IN

DEPENDENT = "the gradients of the residuals are not proved linearly independent"
UNBOUNDED = "the derivatives of the residuals are not bounded there"


@dataclass(frozen=True)
class Proof:
    """What is proved over a box: L = 0 on a manifold alone if ``rank``; all zeros of f have L = 0 if ``only``.

    ``reason`` says why the latter is not. ``empty``: there is no point with L = 0.
    """

    rank: bool
    only: bool
    reason: str = ""
    empty: bool = False


@dataclass(frozen=True, eq=False)
class FittedRows:
    """The rows of a problem, every loss a square, with fewer independent residuals than parameters; and a method."""

    spanned: SpannedRows
    form: LaplaceForm

    @property
    def batch(self) -> int:
        """B."""
        return self.spanned.all.problem.batch_size

    @cached_property
    def combinations(self) -> list[Balls]:
        """T: R_j = sum_k T_jk R_k, k in the rows that span all."""
        factors = self.spanned.all.factors
        chosen = [factors[k] for k in self.spanned.rows]
        return [
            [flint.arb(0) if x == 0 else ball(x) * (own / other).sqrt() for x, other in zip(line, chosen, strict=True)]
            for line, own in zip(self.spanned.coefficients, factors, strict=True)
        ]

    @cached_property
    def gram(self) -> flint.arb_mat:
        """G."""
        lines = flint.arb_mat(self.combinations)
        probabilities = self.spanned.all.probabilities
        weighted = [[ball(p) * x for x in line] for p, line in zip(probabilities, self.combinations, strict=True)]
        return lines.transpose() * flint.arb_mat(weighted)

    def proof_over(self, center: FloatArray, reaches: Sequence[float], inverse: FloatArray) -> Proof:
        """Return what is proved over the box of these half-widths, infinite ones for all of R^d.

        ``inverse`` is near an inverse from the right of A at the center, shape (d, r).
        """
        basis = self.spanned.basis
        try:
            values, slopes = basis.over([flint.arb(x) for x in center.tolist()])
            box = sides_around(center, reaches)
            values_over, slopes_over = self.spanned.all.over(box)
            chosen = [slopes_over[k] for k in self.spanned.rows]
            defect = defect_bounds(basis, slopes, chosen, inverse, box, reaches)
        except DomainError as error:
            return Proof(False, False, str(error))
        if not all(entry.is_finite() for row in (*slopes, *slopes_over, *defect) for entry in row):
            return Proof(False, False, UNBOUNDED)
        lengths = [norm_bound(row).mid() for row in slopes]
        if not all(length > 0 for length in lengths):
            return Proof(False, False, DEPENDENT)
        scales = [self.gram[k, k].sqrt() / length for k, length in enumerate(lengths)]
        least = least_singular(defect, inverse, scales)
        if not least > 0:
            return Proof(False, False, DEPENDENT)
        only = self._small_noise(self._kappa(slopes_over, scales, least), _largest(values_over, slopes_over))
        empty = any(x > 0 or x < 0 for x in values_over) or _some_is_not_zero(values, chosen, reaches)
        return Proof(True, only is None, only or "", empty)

    def _kappa(self, slopes_over: Sequence[Balls], scales: Sequence[flint.arb], least: flint.arb) -> flint.arb:
        probabilities = [ball(p) for p in self.spanned.all.probabilities]
        if len(scales) == 1:
            squares = [line[0] ** 2 for line in self.combinations]
            fourth = sum((p * x**2 for p, x in zip(probabilities, squares, strict=True)), flint.arb(0))
            return (fourth / self.gram[0, 0] ** 2).upper()
        lengths = [p.sqrt() * norm_bound(row) for p, row in zip(probabilities, slopes_over, strict=True)]
        lines = zip(lengths, self.combinations, strict=True)
        product = flint.arb_mat([[length * x for x in line] for length, line in lines]) * self.gram.inv()
        scaled = [[x * s for x, s in zip(row, scales, strict=True)] for row in product.tolist()]
        return ((spectral_bound(flint.arb_mat(scaled)) / least) ** 2).upper()

    def _small_noise(self, kappa: flint.arb, largest: flint.arb) -> str | None:
        """Why q sqrt(eta) < 1 is not proved, for gradients of a row up to ``largest`` in each coordinate."""
        form = self.form
        if not (form.weights.nonnegative and form.weights.total > 0):
            return "the lag weights may be negative"
        eta = ((kappa - 1) / self.batch).upper()
        if not eta > 0:
            return None
        if not eta.is_finite():
            return UNBOUNDED
        if largest.is_finite():
            growth = form.kernel.ball_growth(largest, ball(form.beta))
        elif type(form.kernel) in BUILT_IN.values():
            growth = growth_bound(form.beta)
        else:
            return UNBOUNDED
        least = min(self.spanned.all.probabilities)
        product = best_sign_factor(growth, least, self.batch)[0] * eta.sqrt()
        return None if product < 1 else f"q sqrt(eta) < 1 is not proved: q sqrt(eta) = {float(product.mid()):.4g}"


def _some_is_not_zero(values: Sequence[flint.arb], slopes_over: Sequence[Balls], reaches: Sequence[float]) -> bool:
    """Whether a residual of these values at the center is nowhere 0 in a box, by the mean-value theorem."""
    for value, row in zip(values, slopes_over, strict=True):
        change = sum((flint.arb(r) * x.abs_upper() for r, x in zip(reaches, row, strict=True)), flint.arb(0))
        if abs(value) > change:
            return True
    return False


def _largest(values: Sequence[flint.arb], slopes: Sequence[Balls]) -> flint.arb:
    """A bound of |R_j a_ji| over the box."""
    sizes = (
        v.abs_upper() * reduce(larger, (x.abs_upper() for x in row)) for v, row in zip(values, slopes, strict=True)
    )
    return reduce(larger, (size.upper() for size in sizes))


def fitted_rows(problem: SymbolicGradient, form: LaplaceForm) -> FittedRows | str:
    """Return the rows of a problem that a manifold of parameters may fit; or why there are none."""
    if not isinstance(problem, Problem):
        return "there is no loss"
    if not problem.is_smooth:
        return "the loss has kinks"
    if form.decay != 0:
        return "with weight decay f does not vanish where all rows are fitted"
    try:
        found = spanned(squared_residuals(problem))
    except NotApplicable as error:
        return str(error)
    if found is None or found.dimension < 1:
        return "there are at least as many independent residuals as parameters"
    return FittedRows(found, form)
