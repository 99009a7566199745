"""Laws of gradient atoms in ball arithmetic, with the atoms' derivatives in the parameters."""

import operator
from collections.abc import Callable, Sequence
from functools import cached_property

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import larger, smaller, square

_ZERO = flint.arb(0)


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
        spend(len(self.atoms) * (20 + 4 * len(self.slopes)))
        self.squares = [square(atom) for atom in self.atoms]
        self.mean = self.expect(self.atoms)
        self.mean_square = self.expect(self.squares)
        self.mean_slopes = [self.expect(column) for column in self.slopes]
        self.min_square = _extreme(smaller, [q.lower() for q in self.squares])
        self.max_square = _extreme(larger, [q.upper() for q in self.squares])
        self.max_abs = _extreme(larger, [g.abs_upper() for g in self.atoms])
        self.max_abs_slopes = [_extreme(larger, [h.abs_upper() for h in column]) for column in self.slopes]

    def expect(self, values: Sequence[flint.arb]) -> flint.arb:
        """Return E v for one value v for each atom."""
        return sum((p * value for p, value in zip(self.probabilities, values, strict=True)), _ZERO)

    @cached_property
    def mean_magnitude(self) -> flint.arb:
        """E|g|."""
        return self.expect([abs(atom) for atom in self.atoms])

    @cached_property
    def mean_cube(self) -> flint.arb:
        """E|g|^3."""
        return self.expect([abs(g) * q for g, q in zip(self.atoms, self.squares, strict=True)])

    @cached_property
    def square_deviations(self) -> list[flint.arb]:
        """(g - Eg)^2: never negative."""
        return [square(atom - self.mean) for atom in self.atoms]

    @cached_property
    def variance(self) -> flint.arb:
        """Var g, as E(g - Eg)^2."""
        return self.expect(self.square_deviations)

    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        """Return balls around A, B and, for each parameter, the derivatives of A and B at t > 0.

        All leave out the factor exp(-t least), least a lower bound of g^2. A = E[g exp(-t g^2)], B = E[exp(-t g^2)].
        """
        twice = 2 * t
        weights = [p * (-t * excess).exp() for p, excess in zip(self.probabilities, self._excesses, strict=True)]
        values = [w * g for w, g in zip(weights, self.atoms, strict=True)]
        # d(g exp(-t g^2)) = (1 - 2 t g^2) exp(-t g^2) dg: dg stands once, so that its width counts once.
        growths = [w * (1 - twice * q) for w, q in zip(weights, self.squares, strict=True)]
        derivatives = [(_inner(growths, column), -twice * _inner(values, column)) for column in self.slopes]
        return sum(values, _ZERO), sum(weights, _ZERO), derivatives

    @cached_property
    def _excesses(self) -> list[flint.arb]:
        """g^2 above its least value."""
        return [q - self.min_square for q in self.squares]


def _inner(left: Sequence[flint.arb], right: Sequence[flint.arb]) -> flint.arb:
    return sum(map(operator.mul, left, right), _ZERO)


def _extreme(pick: Callable[[flint.arb, flint.arb], flint.arb], values: Sequence[flint.arb]) -> flint.arb:
    found = values[0]
    for value in values[1:]:
        found = pick(found, value)
    # Comparisons with nan are false and would lose it.
    return found if all(value.is_finite() for value in values) else flint.arb("inf")
