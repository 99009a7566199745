"""Re-checks of Lyapunov regions around interpolating points: the point, the decrease, the flow lines that stay."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

from adamsym.certificates.form import BallCertificate, BallDecrease, BallStarts
from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.checker.form import Form
from adamsym.checker.interpolation.bounds import Bounds, Place, bounds_over
from adamsym.checker.interpolation.constants import Draws, Share, best_share, numerator_bound
from adamsym.checker.interpolation.outputs import Outputs, outputs_of
from adamsym.gradients import Problem
from adamsym.methods import LaplaceForm

Statement = BallDecrease | BallStarts | float
"""What a certificate asserts: a decrease, starts of flow lines that stay, or how near an interpolating point is."""

_TOO_FAST = "the rate is more than what is proven"


def form_fault(certificate: BallCertificate, problem: Problem) -> str | None:
    """Return what is wrong before any analysis: dimensions, and what lies in what; or None."""
    d, count = problem.dimension, len(certificate.inverse[0]) if certificate.inverse else 0
    if len(certificate.center) != d or len(certificate.inverse) != d:
        return "the center or the inverse does not fit the problem"
    if any(len(row) != count for row in certificate.inverse):
        return "the inverse is no matrix"
    for balance in certificate.balances or ():
        if len(balance) != count or [list(column) for column in zip(*balance, strict=False)] != balance:
            return "a matrix of the balances is not symmetric, or of another size than there are residuals"
    if (certificate.verdict == "certified") != (certificate.decrease is not None):
        return "the verdict does not agree with the bounds"
    if certificate.decrease is None and certificate.starts:
        return "there are starts, but the region is not certified"
    if certificate.verdict == "certified" and certificate.near is None:
        return "the region is certified, but no interpolating point is said to be near"
    if certificate.radius is None:
        return "in all of space every flow line converges: no starts are named" if certificate.starts else None
    if certificate.near is not None and certificate.near > certificate.radius:
        return "the interpolating point may lie outside of the region"
    if any(not one.radius <= one.within <= certificate.radius for one in certificate.starts):
        return "flow lines are said to stay in a box that does not hold their starts, or that is no part of the region"
    return None


def statements(certificate: BallCertificate) -> list[tuple[str, Statement]]:
    """Return what a certificate asserts, each with a name for messages."""
    found: list[tuple[str, Statement]] = []
    if certificate.near is not None:
        found.append(("the interpolating point", certificate.near))
    if certificate.decrease is not None:
        found.append(("the decrease", certificate.decrease))
    return [*found, *((f"starts {k}", one) for k, one in enumerate(certificate.starts))]


def statement_fault(
    certificate: BallCertificate, problem: Problem, laplace: LaplaceForm, form: Form, statement: Statement
) -> str | None:
    """Return what is wrong with one statement, or None."""
    squares = _outputs(problem)
    if any(len(row) != len(squares.probabilities) for row in certificate.inverse):
        return "the inverse has another number of columns than there are residuals"
    place = Place(form.using, squares, certificate.center, certificate.inverse, certificate.balances)
    if isinstance(statement, float):
        return point_fault(place, statement)
    if isinstance(statement, BallStarts):
        return _starts_fault(_Proven(laplace, form, place, statement.within), statement)
    return _decrease_fault(_Proven(laplace, form, place, certificate.radius), statement)


@lru_cache(maxsize=4)
def _outputs(problem: Problem) -> Outputs:
    return outputs_of(problem)


@dataclass(frozen=True)
class _Proven:
    """What is proven over a box of half-width ``radius``, or over all of R^d."""

    laplace: LaplaceForm
    form: Form
    place: Place
    radius: float | None

    @property
    def using(self) -> Arithmetic:
        """The arithmetic."""
        return self.form.using

    @cached_property
    def draws(self) -> Draws:
        """How rows are drawn."""
        problem, probabilities = self.place.squares.problem, self.place.squares.probabilities
        return Draws(min(probabilities), problem.batch_size, problem.dimension)

    @cached_property
    def bounds(self) -> Bounds:
        """Bounds of the residuals' gradients."""
        return bounds_over(self.place, self.radius)

    @cached_property
    def eta(self) -> Interval:
        """A bound of eta."""
        return self.bounds.eta(self.draws.batch)

    @cached_property
    def share(self) -> Share | None:
        """The best c_0; N-Theorem 1 by the largest E g_i^2 <= entry^2 2 L, for a mean of draws too."""
        using, bounds = self.using, self.bounds
        gradient, mean_square = None, using.number(math.inf)
        if self.radius is not None:
            gradient = using.upper(bounds.entry * bounds.largest_residual(self.radius))
            mean_square = using.upper(using.square(bounds.entry * bounds.root_loss(self.radius)))
        return best_share(self.form, self.laplace, self.draws, self.eta, gradient, mean_square)

    def height(self, radius: float | None, level: float | None) -> Interval | None:
        """Return a bound of sqrt(2 L) on a box around the center and below a level; None if there is none."""
        using, known = self.using, []
        if radius is not None:
            known.append(self.bounds.root_loss(radius))
        if level is not None:
            known.append(using.root(2 * using.number(level)))
        return using.least_bound(known) if known else None

    def rate(self, share: Share, height: Interval) -> Interval:
        """Return a bound of -<grad L, f>/L where sqrt(2 L) <= ``height``.

        -<grad L, f> >= c_0 D^2 phi(tau^2), tau^2 the largest E g_i^2, of which the right side increases in D.
        """
        steep = self.bounds.steepness(self.draws.batch)
        kernel = self.form.kernel.of(self.using.upper(steep * self.using.square(height)))
        return self.using.lower(2 * self.bounds.mu * share.c_0 * kernel)

    def path(self, share: Share, height: Interval) -> Interval:
        """Return a bound of int |f|_inf dt, w = sqrt(2 L) from ``height`` to 0, dL = w dw.

        |f_i| <= Phi sqrt(S_i) phi(S_i), or |f_i| <= phi(0) (1 + q sqrt(eta)) D; 1/phi(a^2 w^2) is convex in w.
        """
        using, mu, kernel = self.using, self.bounds.mu, self.form.kernel
        steep = self.bounds.steepness(self.draws.batch)
        growth = kernel.of(using.number(0)) / kernel.of(using.upper(steep * using.square(height)))
        noise = 1 + share.q * using.root(self.eta)
        found = [noise / (share.c_0 * using.root(mu)) * (1 + growth) / 2 * height]
        bound = numerator_bound(using, self.laplace)
        if bound is not None:
            found.append(bound * using.root(steep) / (share.c_0 * mu) * height)
        return using.least_bound(found)


def point_fault(place: Place, near: float) -> str | None:
    """Return what is wrong, or None: y -> y - R(center + C y) is to map a cube into itself (Brouwer)."""
    using = place.using
    size, width = using.largest(place.residuals()), place.width()
    if not width > 0:
        return "the inverse is 0"
    cube = using.lower(using.number(near) / width)
    share = using.largest(using.total(row) for row in place.defect(near))
    return None if size + share * cube <= cube else "it is not proven to be so near"


def _decrease_fault(proven: _Proven, claimed: BallDecrease) -> str | None:
    if not proven.eta <= claimed.eta:
        return "eta is not proven to be so small"
    if not proven.bounds.mu >= claimed.mu:
        return "mu is not proven to be so large"
    share = proven.share
    if share is None:
        return "no theorem proves a decrease"
    if not share.c_0 >= claimed.c_0:
        return "c_0 is not proven to be so large"
    height = proven.height(proven.radius, claimed.level)
    if height is None:
        return None if claimed.rate == 0 else "in all of space no rate holds for all levels"
    return None if proven.rate(share, height) >= claimed.rate else _TOO_FAST


def _starts_fault(proven: _Proven, starts: BallStarts) -> str | None:
    share, height = proven.share, proven.height(starts.radius, starts.level)
    if share is None or height is None:
        return "no theorem proves a decrease where they are to stay"
    if not starts.radius + proven.path(share, height) <= starts.within:
        return "the flow is not proven to stay so near"
    return None if proven.rate(share, height) >= starts.rate else _TOO_FAST
