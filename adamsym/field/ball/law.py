"""Laws of one coordinate of the gradient in ball arithmetic, with its derivatives in the parameters.

:class:`Law` is what the quadrature and the sign lemmas ask of a law; :class:`BallLaw` lists its atoms.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import flint

from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import larger, smaller, square

_ZERO = flint.arb(0)

CIRCLE = 1.4
"""Power series in t = (1 - beta) s are bounded on the circle |t| width = 1.4, below pi/2."""


@dataclass(frozen=True)
class CircleBounds:
    """Upper bounds on |t| width = 1.4: of |log B|, of |A/B|, and for each parameter of those of their derivatives."""

    log: flint.arb
    ratio: flint.arb
    slopes: list[tuple[flint.arb, flint.arb]]


class EnclosedLaw(ABC):
    """The law of one coordinate g of the gradient, and of its derivatives g' in some parameters.

    A(t) = E[g exp(-t g^2)], B(t) = E[exp(-t g^2)]. All numbers are balls that hold, or bounds that are true, for every
    law that is meant.

    Attributes
    ----------
    mean, mean_square, mean_slopes
        E g, E g^2, and E g' for each parameter.
    min_square, max_abs
        A lower bound of g^2, and an upper bound of |g|, perhaps infinity.
    norm, slope_norms
        Upper bounds of |g| and of each |g'|, where ``tail`` is the identity. Where that is the square root, upper
        bounds of the norms of g in L4 and of each g' in L2, which take their place (theory T5).
    """

    mean: flint.arb
    mean_square: flint.arb
    mean_slopes: list[flint.arb]
    min_square: flint.arb
    max_abs: flint.arb
    norm: flint.arb
    slope_norms: list[flint.arb]

    @property
    @abstractmethod
    def mean_magnitude(self) -> flint.arb:
        """E|g|, or a bound above it."""

    @property
    @abstractmethod
    def mean_cube(self) -> flint.arb:
        """E|g|^3, or a bound above it."""

    @property
    @abstractmethod
    def variance(self) -> flint.arb:
        """Var g."""

    @property
    @abstractmethod
    def max_square_deviation(self) -> flint.arb:
        """An upper bound of (g - Eg)^2."""

    @property
    @abstractmethod
    def mean_fourth_deviation(self) -> flint.arb:
        """E(g - Eg)^4."""

    @property
    @abstractmethod
    def spread(self) -> float:
        """How far the law's values are uncertain, on average."""

    @property
    @abstractmethod
    def vanishes(self) -> bool:
        """Whether g is proven to be 0."""

    @property
    @abstractmethod
    def lag_operations(self) -> int:
        """About how many operations ``transforms`` takes."""

    @abstractmethod
    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb, list[tuple[flint.arb, flint.arb]]]:
        """Return balls around A, B and, for each parameter, the derivatives of A and B at t > 0.

        All leave out the factor exp(-t min_square).
        """

    @abstractmethod
    def without_slopes(self) -> "EnclosedLaw":
        """Return the law of g alone."""

    @abstractmethod
    def tail(self, product: flint.arb) -> flint.arb:
        """Return what takes the place of an upper bound of P(s) in the bounds of tails."""


class Law(EnclosedLaw):
    """A law with bounded values and derivatives.

    Attributes
    ----------
    max_abs_slopes
        Upper bounds of each |g'|.
    center, width
        u = g^2 - center; B exp(t center) = E exp(-t u) has no zero where |t| width <= 1.4.
    """

    max_abs_slopes: list[flint.arb]
    center: flint.arb
    width: flint.arb

    @property
    def norm(self) -> flint.arb:  # type: ignore[override]
        """The largest |g|."""
        return self.max_abs

    @property
    def slope_norms(self) -> list[flint.arb]:  # type: ignore[override]
        """The largest |g'|, for each parameter."""
        return self.max_abs_slopes

    def tail(self, product: flint.arb) -> flint.arb:
        """Return the same."""
        return product

    @abstractmethod
    def moment_series(self, terms: int) -> list[list[flint.arb]]:
        """Return coefficients of E[v exp(-t u)] for v = 1, g, and for each parameter 2 g g', g', 2 g^2 g'."""

    @abstractmethod
    def circle_bounds(self) -> CircleBounds:
        """Return bounds on the circle |t| width = 1.4, of B exp(t center) in place of B."""


class BallLaw(Law):
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
    def center(self) -> flint.arb:  # type: ignore[override]
        """The middle of the range of g^2."""
        return ((self.min_square + self.max_square) / 2).mid()

    @cached_property
    def width(self) -> flint.arb:  # type: ignore[override]
        """A bound of |g^2 - center|: there Re exp(-t u) > 0 where |t| width < pi/2."""
        return larger((self.max_square - self.center).upper(), (self.center - self.min_square).upper())

    @cached_property
    def square_deviations(self) -> list[flint.arb]:
        """(g - Eg)^2: never negative."""
        return [square(atom - self.mean) for atom in self.atoms]

    @cached_property
    def variance(self) -> flint.arb:
        """Var g, as E(g - Eg)^2."""
        return self.expect(self.square_deviations)

    @property
    def max_square_deviation(self) -> flint.arb:
        """The largest (g - Eg)^2."""
        return reduce(larger, (one.upper() for one in self.square_deviations))

    @property
    def mean_fourth_deviation(self) -> flint.arb:
        """E(g - Eg)^4."""
        return self.expect([one**2 for one in self.square_deviations])

    @property
    def spread(self) -> float:
        """The mean of the atoms' radii."""
        return float(self.expect([flint.arb(atom.rad()) for atom in self.atoms]))

    @property
    def vanishes(self) -> bool:
        """Whether all atoms are 0."""
        return all(atom == 0 for atom in self.atoms)

    @property
    def lag_operations(self) -> int:
        """Each atom takes an exponential."""
        return len(self.atoms) * (12 + 4 * len(self.slopes))

    def without_slopes(self) -> "BallLaw":
        """Return the law of the atoms alone."""
        return BallLaw(self.atoms, self.probabilities)

    def moment_series(self, terms: int) -> list[list[flint.arb]]:
        """Return coefficients of E[v exp(-t u)] for v = 1, g, and for each parameter 2 g g', g', 2 g^2 g'."""
        # Products of matrices take a tenth of the time that so many operations take one by one.
        spend(terms * len(self.atoms) * (4 + 3 * len(self.slopes) // 10))
        values = [[flint.arb(1)] * len(self.atoms), self.atoms]
        for column in self.slopes:
            double = [2 * g * h for g, h in zip(self.atoms, column, strict=True)]
            cube = [2 * q * h for q, h in zip(self.squares, column, strict=True)]
            values += [double, column, cube]
        weighted = flint.arb_mat([[p * v for p, v in zip(self.probabilities, row, strict=True)] for row in values])
        powers = []
        for q in self.squares:
            u, power, row = self.center - q, flint.arb(1), []
            for order in range(terms):
                row.append(power)
                power = power * u / (order + 1)
            powers.append(row)
        return list((weighted * flint.arb_mat(powers)).tolist())

    def circle_bounds(self) -> CircleBounds:
        """Return bounds on |t| width = r: there |log|B|| <= r - log cos r, |arg B| < pi/2, |B| >= exp(-r) cos r."""
        r = flint.arb(CIRCLE)
        reciprocal = (2 * r).exp() / r.cos()  # bounds |exp(-t u)|/|B|
        log, ratio = r - r.cos().log() + flint.arb.pi() / 2, self.max_abs * reciprocal
        if self.width == 0:
            return CircleBounds(log, ratio, [(flint.arb(0), flint.arb(0))] * len(self.slopes))
        t = r / self.width
        return CircleBounds(
            log,
            ratio,
            [
                (
                    t * (2 * self.max_abs * h * reciprocal),
                    h * reciprocal * (1 + 2 * t * self.max_abs**2 * (1 + reciprocal)),
                )
                for h in self.max_abs_slopes
            ],
        )

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
