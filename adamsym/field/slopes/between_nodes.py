"""F' over an interval from its values at Chebyshev's nodes (theory N-Lemma 6).

Where all atoms are affine in theta and not 0, F is analytic in a disc around the middle of the interval, and bounded
there (:mod:`adamsym.field.slopes.second`). So F' is near the polynomial that it agrees with at n nodes, up to
4 K rho^-n/((R - S) (1 - 1/rho)), S < R, where the ellipse around the interval with the foci at its ends and the sum
rho of its half-axes, in units of half its length r, reaches to S. The nodes are points, at which enclosures are narrow,
however wide they are over the interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import flint

from adamsym.field.ball.arithmetic import symmetric

FEWEST, MOST = 3, 16
"""Numbers of nodes."""

_SHARES = tuple(flint.arb(k) / 20 for k in range(9, 20))
"""S, as shares of R."""


@dataclass(frozen=True)
class Nodes:
    """So many nodes in [-r, r], and an upper bound of what F' differs by from the polynomial."""

    reach: flint.arb
    number: int
    rest: flint.arb

    @property
    def places(self) -> list[flint.arb]:
        """The nodes."""
        return [self.reach * row[1] for row in _cosines(self.number)]

    def hull(self, slopes: Sequence[flint.arb]) -> flint.arb:
        """Return a ball around F' over [-r, r] from balls around its values at the nodes.

        With the middles c_i of these the polynomial is sum a_k T_k; the sum of |l_i| e_i, e_i the radii, is at most
        the root of 2 sum e_i^2.
        """
        n, rows = self.number, _cosines(self.number)
        middles = [flint.arb(slope.mid()) for slope in slopes]
        radii = sum((flint.arb(slope.rad()) ** 2 for slope in slopes), flint.arb(0))
        first = sum(middles, flint.arb(0)) / n
        others = [sum((c * row[k] for c, row in zip(middles, rows, strict=True)), flint.arb(0)) for k in range(1, n)]
        spread = 2 * sum((abs(x) for x in others), flint.arb(0)) / n
        return first + symmetric((spread + (2 * radii).sqrt() + self.rest).upper())


def nodes_for(reach: flint.arb, radius: flint.arb, bound: flint.arb, allowed: float) -> Nodes | None:
    """Return as few nodes in [-r, r] as leave at most ``allowed`` of F'; None if more than ``MOST`` are needed.

    F is analytic in |z| < ``radius``, and at most ``bound`` there.
    """
    best: Nodes | None = None
    for share in _SHARES:
        far = share * radius
        if not far > reach:
            continue
        ratio = far / reach
        rho = (ratio + (ratio**2 - 1).sqrt()).lower()
        scale = 4 * bound / ((radius - far) * (1 - 1 / rho))
        for number in range(FEWEST, MOST + 1 if best is None else best.number):
            rest = (scale / rho**number).upper()
            if rest <= allowed:
                best = Nodes(reach, number, rest)
                break
    return best


@lru_cache(maxsize=2 * MOST)
def _cosines_of(number: int, bits: int) -> tuple[tuple[flint.arb, ...], ...]:
    assert bits >= 53
    return tuple(
        tuple((flint.arb.pi() * k * (2 * i + 1) / (2 * number)).cos() for k in range(number)) for i in range(number)
    )


def _cosines(number: int) -> tuple[tuple[flint.arb, ...], ...]:
    """T_k at each of the nodes over r, k = 0, 1, ..."""
    return _cosines_of(number, flint.ctx.prec)
