"""Laws of gradient atoms in ball arithmetic, with the atoms' derivatives in the parameters."""

from collections.abc import Callable, Sequence
from functools import cached_property

import flint

from adamsym.field.balls import larger, smaller, square


class BallLaw:
    """A law of gradient atoms, each a ball, with probabilities that sum to 1, each a ball.

    Parameters
    ----------
    atoms
        Balls around the values of one coordinate of the gradient.
    probabilities
        Balls around their probabilities.
    slopes
        For each parameter, balls around the atoms' derivatives; may be empty.

    Moments are balls that hold the moments of every law whose atoms and slopes lie in the given balls.
    """

    def __init__(
        self,
        atoms: Sequence[flint.arb],
        probabilities: Sequence[flint.arb],
        slopes: Sequence[Sequence[flint.arb]] = (),
    ) -> None:
        self.atoms, self.probabilities = list(atoms), list(probabilities)
        self.slopes = [list(column) for column in slopes]
        self.squares = [square(atom) for atom in self.atoms]
        self.mean = self.expect(self.atoms)
        self.mean_square = self.expect(self.squares)
        self.mean_slopes = [self.expect(column) for column in self.slopes]
        self.least_square = _extreme(smaller, [q.lower() for q in self.squares])
        self.largest_square = _extreme(larger, [q.upper() for q in self.squares])
        self.largest = _extreme(larger, [g.abs_upper() for g in self.atoms])
        self.largest_slopes = [_extreme(larger, [h.abs_upper() for h in column]) for column in self.slopes]

    def expect(self, values: Sequence[flint.arb]) -> flint.arb:
        """Return E v for one value v for each atom."""
        return sum((p * value for p, value in zip(self.probabilities, values, strict=True)), flint.arb(0))

    @cached_property
    def mean_magnitude(self) -> flint.arb:
        """E|g|."""
        return self.expect([abs(atom) for atom in self.atoms])

    @cached_property
    def mean_cube(self) -> flint.arb:
        """E|g|^3."""
        return self.expect([abs(g) * q for g, q in zip(self.atoms, self.squares, strict=True)])

    @cached_property
    def variance(self) -> flint.arb:
        """Var g, as E(g - Eg)^2: never negative."""
        return self.expect([square(atom - self.mean) for atom in self.atoms])

    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        """Return balls around A, B and, for each parameter, the derivatives of A and B at t > 0.

        All leave out the factor exp(-t least), least a lower bound of g^2. A = E[g exp(-t g^2)], B = E[exp(-t g^2)].
        """
        least = self.least_square
        weights = [p * (-t * (q - least)).exp() for p, q in zip(self.probabilities, self.squares, strict=True)]
        a = sum((w * g for w, g in zip(weights, self.atoms, strict=True)), flint.arb(0))
        derivatives = []
        for column in self.slopes:
            a_slope, b_slope = flint.arb(0), flint.arb(0)
            for w, g, q, h in zip(weights, self.atoms, self.squares, column, strict=True):
                a_slope += w * h * (1 - 2 * t * q)
                b_slope -= 2 * t * w * g * h
            derivatives.append((a_slope, b_slope))
        return a, sum(weights, flint.arb(0)), derivatives


def _extreme(pick: Callable[[flint.arb, flint.arb], flint.arb], values: Sequence[flint.arb]) -> flint.arb:
    found = values[0]
    for value in values[1:]:
        found = pick(found, value)
    # Comparisons with nan are false and would lose it.
    return found if all(value.is_finite() for value in values) else flint.arb("inf")
