"""The second derivative of F = E[M phi(V)] along a curve of gradients, enclosed (theory N-Lemma 5).

Let the atoms be g_a + z u_a for a complex z with |z u_a| <= 3/8 |g_a|. They lie in sectors of half-angle arcsin(3/8)
around the real axis, in which Re g^2 >= 23/32 |g|^2. So Re V >= 23/32 W, W the second moment of |g|, |phi(V)| is at
most phi(Re V), and |M| at most C sqrt W: F is analytic in |z| <= R and bounded by K there. By Cauchy's estimates the
difference quotient (F'(h) - F'(-h))/(2 h) differs from F''(0) by at most 2 K/R^2 (1/(1 - (h/R)^2)^2 - 1).
"""

from collections.abc import Sequence

import flint

from adamsym.field.ball.arithmetic import smaller, symmetric
from adamsym.field.ball.form_bounds import bounds_of
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import TOLERANCE, enclose_law
from adamsym.methods import LaplaceForm

SECTOR = flint.arb(3) / 8
"""How far atoms may move, as a share of themselves."""

_REAL = flint.arb(23) / 32
"""1 - 2 (3/8)^2, the cosine of twice the sector's half-angle."""

_NEAREST, _FARTHEST = 2.0**-30, 2.0**-3
"""Between these shares of R is the step h."""


def second_slope(
    law: BallLaw, form: LaplaceForm, bends: Sequence[flint.arb], tolerance: float = TOLERANCE
) -> flint.arb | None:
    """Return a ball around d^2F/dz^2 at 0 where the atoms are g + z u + z^2/2 b; None if an atom may be 0 and move.

    The law's one column of slopes is u, and b are the ``bends``; it holds for all laws, u and b in the balls. Call
    within ``ball_arithmetic()``.
    """
    (speeds,) = law.slopes
    at = enclose_law(BallLaw(law.atoms, law.probabilities, [speeds, list(bends)]), form, tolerance)
    if all(u == 0 for u in speeds):
        return at.slopes[1]
    reach = reach_of(law.atoms, speeds)
    if not reach > 0:
        return None
    bound = bound_in_disc(law, form)
    # The step where what the balls leave open is about what Cauchy's estimate does.
    share = (float(at.slopes[0].rad()) * float(reach / bound) / 8) ** (1 / 3)
    step = (reach * min(max(share, _NEAREST), _FARTHEST)).lower()
    ends = []
    for way in (step, -step):
        moved = [g + way * u for g, u in zip(law.atoms, speeds, strict=True)]
        ends.append(enclose_law(BallLaw(moved, law.probabilities, [speeds]), form, tolerance).slopes[0])
    rest = 1 - (step / reach) ** 2
    error = 2 * bound / reach**2 * (1 / rest**2 - 1)
    found: flint.arb = at.slopes[1] + (ends[0] - ends[1]) / (2 * step) + symmetric(error.upper())
    return found


def reach_of(atoms: Sequence[flint.arb], speeds: Sequence[flint.arb]) -> flint.arb:
    """Return R, or below: 0 if an atom that moves may be 0."""
    reach = flint.arb("inf")
    for g, u in zip(atoms, speeds, strict=True):
        # Balls are 0 only if they are known to be.
        if not (g == 0 and u == 0):
            if not g.abs_lower() > 0:
                return flint.arb(0)
            if u.abs_upper() > 0:
                reach = smaller(reach, (SECTOR * g.abs_lower() / u.abs_upper()).lower())
    return reach


def bound_in_disc(law: BallLaw, form: LaplaceForm) -> flint.arb:
    """Return K, or above: |M phi(V)| <= C sqrt(W) phi(23/32 W), and at most |c|_1 max|g| phi(0)."""
    bounds, largest = bounds_of(form), (1 + SECTOR) * law.max_abs
    plain = (bounds.absolute * largest * bounds.at_zero).upper()
    if not bounds.root.is_finite():
        return plain
    return smaller(plain, (bounds.step * bounds.root / _REAL.sqrt()).upper())
