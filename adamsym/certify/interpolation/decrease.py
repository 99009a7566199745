"""Decrease of L, its rate and the length of paths where bounds of the residuals' gradients are known.

For l_j = R_j^2/2, w = sqrt(2 L), E|g|^2 <= kappa D^2, D^2 >= mu w^2 and E g_i^2 <= entry^2 w^2 for one row g, each of
N-Theorems 1, 2(b) and 6 that holds gives -<grad L, f> >= c_0 D^2 phi(tau^2), tau^2 the largest E g_i^2 of the minibatch
gradient: the proofs use E phi(V_i) >= phi(tau^2) alone, where L decreases. Batches of B have
tau^2 <= min(entry^2 w^2, kappa D^2)/B + (1 - 1/B) D^2. For both roots v phi(v) increases in v, and so does
D^2 phi(x + y D^2) in D; with a^2 = min(entry^2, kappa mu)/B + (1 - 1/B) mu, by which tau <= a w where D^2 = mu w^2,

    -<grad L, f> >= 2 mu c_0 phi(a^2 w^2) L.

Along the flow dL = w dw, and D phi(tau^2) and D^2/tau increase in D too. By |f_i| <= Phi sqrt(S_i) phi(S_i)
(N-Lemma 2), and by |f_i| <= phi(0) (|m_i| + q sigma_i) <= phi(0) (1 + q sqrt(eta)) D (N-Lemma 4),

    int |f|_inf dt <= Phi a/(c_0 mu) w_0,
    int |f|_inf dt <= (1 + q sqrt(eta))/(c_0 sqrt(mu)) (1 + phi(0)/phi(a^2 w_0^2))/2 w_0,

since 1/phi(a^2 w^2) is convex in w for both roots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import flint

from adamsym.certify.interpolation.bounds import ResidualBounds
from adamsym.certify.lyapunov.decrease_constants import (
    INFINITY,
    Decrease,
    Noise,
    theorem_1,
    theorem_2b,
    theorem_6,
    universal_bound,
)
from adamsym.field.ball.arithmetic import smaller
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import BUILT_IN

_SIXTEENTHS, _HALVINGS = 60, 24
"""Scales that are tried for a largest number, and halvings between the last two of them: to six digits."""


@dataclass(frozen=True)
class BallDecrease:
    """What is proved on the box that ``bounds`` are about: ``best`` of the theorems ``tried``, if it holds."""

    form: LaplaceForm
    bounds: ResidualBounds
    noise: Noise
    tried: tuple[Decrease, ...]

    @property
    def best(self) -> Decrease:
        """The theorem that gives the largest c_0."""
        best, *others = self.tried
        for one in others:
            if (one.holds, one.share.is_finite()) >= (best.holds, best.share.is_finite()) and one.share > best.share:
                best = one
        return best

    @property
    def _steepness(self) -> flint.arb:
        """The number a above."""
        bounds, batch = self.bounds, self.noise.batch
        one_row = smaller((bounds.entry**2).upper(), (bounds.kappa * bounds.pl).upper())
        return ((one_row + (batch - 1) * bounds.pl) / batch).sqrt().upper()

    def rate(self, root_loss: flint.arb) -> flint.arb:
        """Return a lower bound of -<grad L, f>/L where sqrt(2 L) <= ``root_loss``; 0 if nothing holds."""
        if not (self.best.holds and root_loss.is_finite()):
            return flint.arb(0)
        least = self.form.kernel.ball_of(((self._steepness * root_loss) ** 2).upper())
        return (2 * self.bounds.pl * self.best.share * least).lower()

    def path(self, root_loss: flint.arb) -> flint.arb:
        """Return a bound of int |f|_inf dt along the flow from a point with sqrt(2 L) <= ``root_loss`` on."""
        found, pl, kernel = self.best, self.bounds.pl, self.form.kernel
        if not (found.holds and root_loss.is_finite()):
            return INFINITY
        size = universal_bound(self.form)
        by_squares = (size * self._steepness / (found.share * pl) * root_loss).upper() if size.is_finite() else INFINITY
        growth = kernel.ball_of(flint.arb(0)) / kernel.ball_of(((self._steepness * root_loss) ** 2).upper())
        by_means = (1 + found.q * found.eta.sqrt()) / (found.share * pl.sqrt()) * (1 + growth) / 2 * root_loss
        return smaller(by_squares, by_means.upper())

    def trapped_radius(self) -> float:
        """Return R_0 such that flow lines from the box of half-width R_0 stay in that of ``bounds``; 0 if none.

        They then converge to a point with L = 0.
        """
        within = flint.arb(self.bounds.radius)

        def stays(radius: float) -> bool:
            start = flint.arb(radius)
            return bool(start + self.path(self.bounds.root_loss(start)) < within)

        return _largest(stays, self.bounds.radius)

    def trapped_loss(self, reach: float) -> float:
        """Return a level: flow lines from points within ``reach`` with L at most that stay in the box; 0 if none."""
        left = (flint.arb(self.bounds.radius) - flint.arb(reach)).lower()

        def stays(level: float) -> bool:
            return bool(self.path((2 * flint.arb(level)).sqrt().upper()) < left)

        return _largest(stays, float((self.bounds.root_loss(flint.arb(self.bounds.radius)) ** 2 / 2).upper()))


def decrease_on(form: LaplaceForm, least: Fraction, batch: int, dimension: int, bounds: ResidualBounds) -> BallDecrease:
    """Return what the theorems prove of rows of probability at least ``least`` and batches of ``batch`` of them."""
    noise = Noise((bounds.kappa - 1).upper(), least, batch, dimension - 1)
    tried = [theorem_6(form, noise), theorem_2b(form, noise)]
    radius = flint.arb(bounds.radius)
    root_loss = bounds.root_loss(radius)
    # What this module derives from N-Theorem 1 is for means of gradients and for both roots.
    if root_loss.is_finite() and form.weights.total == 1 and type(form.kernel) in BUILT_IN.values():
        residual = bounds.largest_residual() * (1 + flint.arb(2) ** -40)
        largest = (residual * bounds.entry).upper()
        tried.append(theorem_1(form, noise, largest, ((bounds.entry * root_loss) ** 2).upper()))
    return BallDecrease(form, bounds, noise, tuple(tried))


def _largest(holds: Callable[[float], bool], most: float) -> float:
    """The largest number, to some digits, for which a condition holds that fails beyond it; 0 if none is found."""
    if holds(most):
        return most
    scale = next((most / 16.0**k for k in range(1, _SIXTEENTHS) if holds(most / 16.0**k)), 0.0)
    low, high = scale, 16 * scale
    for _ in range(_HALVINGS if scale > 0 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
