"""The transforms A(t) = E[g exp(-t g^2)] and B(t) = E[exp(-t g^2)] of finite laws in ball arithmetic."""

import math
from collections.abc import Sequence

import flint

_TERMS = 20
_SERIES_RANGE = 0.25
"""For t max g^2 up to this the Taylor remainder (1/4)^20/20! is below 1e-30."""


class BallLaw:
    """A law of gradient atoms, each a ball, with probabilities that sum to 1, each a ball.

    Moments E g, E|g|, E g^2, ... are balls that hold the moments of every law whose atoms lie in the given balls.
    """

    def __init__(self, atoms: Sequence[flint.arb], probabilities: Sequence[flint.arb]) -> None:
        self.atoms, self.probabilities = list(atoms), list(probabilities)
        self.squares = [_square(atom) for atom in self.atoms]
        self.mean = self._expect(self.atoms)
        self.mean_magnitude = self._expect([abs(atom) for atom in self.atoms])
        self.mean_square = self._expect(self.squares)
        self.mean_cube = self._expect([abs(g) * q for g, q in zip(self.atoms, self.squares, strict=True)])
        self._signed_cube = self._expect([g * q for g, q in zip(self.atoms, self.squares, strict=True)])
        self._fourth = self._expect([q**2 for q in self.squares])
        self._fifth = self._expect([abs(g) * q**2 for g, q in zip(self.atoms, self.squares, strict=True)])
        self._series_end = flint.arb(_SERIES_RANGE) / max((q.upper() for q in self.squares), key=float, default=1)
        self._series = self._taylor()

    def _expect(self, values: Sequence[flint.arb]) -> flint.arb:
        return sum((p * value for p, value in zip(self.probabilities, values, strict=True)), flint.arb(0))

    def _taylor(self) -> tuple[flint.arb_poly, flint.arb_poly, flint.arb, flint.arb]:
        """Taylor polynomials of A and B in t, and the factors of t^J that bound their remainders."""
        power = [flint.arb(1)] * len(self.atoms)
        a, b = [], []
        for order in range(_TERMS):
            factor = flint.arb((-1) ** order) / math.factorial(order)
            a.append(factor * self._expect([g * q for g, q in zip(self.atoms, power, strict=True)]))
            b.append(factor * self._expect(power))
            power = [q * square for q, square in zip(power, self.squares, strict=True)]
        last = flint.arb(1) / math.factorial(_TERMS)
        a_rest = last * self._expect([abs(g) * q for g, q in zip(self.atoms, power, strict=True)])
        return flint.arb_poly(a), flint.arb_poly(b), a_rest.upper(), (last * self._expect(power)).upper()

    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb]:
        """Return balls around A(t) and B(t) for t > 0."""
        if t < self._series_end:
            a, b, a_rest, b_rest = self._series
            power = (t**_TERMS).upper()
            # |exp(-x) - Taylor polynomial of degree J - 1| <= x^J/J! for x >= 0.
            return a(t) + flint.arb(0, a_rest * power), b(t) + flint.arb(0, b_rest * power)
        kernel = [p * (-t * square).exp() for p, square in zip(self.probabilities, self.squares, strict=True)]
        return sum((k * g for k, g in zip(kernel, self.atoms, strict=True)), flint.arb(0)), sum(kernel, flint.arb(0))

    def start_values(self, s: flint.arb, alpha: flint.arb, beta: flint.arb) -> tuple[flint.arb, flint.arb]:
        """Return balls around P(s) = E exp(-s V) and N(s) = E[M exp(-s V)]/(1-alpha) for small s > 0.

        By Jensen and Taylor P(s) lies between exp(-s c) and 1 - s c + s^2 E g^4/2, c = E g^2, and E[M exp(-s V)] within
        s^2 E|g|^5/2 of mu - s E[M V], E[M V] = mu c + (E g^3 - mu c) (1-alpha)(1-beta)/(1-alpha beta).
        """
        mu, c = self.mean, self.mean_square
        product = (-s * c).exp().union(1 - s * c + s**2 * self._fourth / 2)
        mixed = mu * c + (self._signed_cube - mu * c) * (1 - alpha) * (1 - beta) / (1 - alpha * beta)
        numerator = mu - s * mixed + flint.arb(0, (s**2 * self._fifth / 2).upper())
        return product, numerator / (1 - alpha)


def _square(ball: flint.arb) -> flint.arb:
    """The square of a ball; never negative."""
    low, high = ball.abs_lower(), ball.abs_upper()
    return low**2 if low == high else (low**2).union(high**2)
