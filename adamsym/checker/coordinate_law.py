"""The law of one coordinate of the gradient over a box, in intervals: a list of atoms."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from operator import mul

from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.expressions.work import spend

CIRCLE = Fraction(7, 5)
"""Power series in t are bounded on the circle |t| width = 7/5, below pi/2."""

Transforms = tuple[Interval, Interval, list[tuple[Interval, Interval]]]
"""A and B, and for each parameter their derivatives, without the factor exp(-t least)."""


@dataclass(frozen=True)
class Coefficients:
    """Power series in t: of E[v exp(-t u)] for v = 1 and g, and for each parameter for v = 2 g g', g' and 2 g^2 g'."""

    b: list[Interval]
    a: list[Interval]
    slopes: list[tuple[list[Interval], list[Interval], list[Interval]]]


@dataclass(frozen=True)
class CircleBounds:
    """Bounds on |t| width = 7/5: of |log B| and |A/B|, and for each parameter of those of their derivatives.

    ``growth`` bounds the largest of the last over |g'|, or without parameters that of |A/B| over |g|.
    """

    log: Interval
    ratio: Interval
    slopes: list[tuple[Interval, Interval]]
    growth: Interval


@dataclass(frozen=True)
class Law:
    """Atoms g with probabilities, and for each parameter the atoms' derivatives g'."""

    using: Arithmetic
    atoms: list[Interval]
    probabilities: list[Interval]
    slopes: list[list[Interval]]
    apart: list[Interval] | None = field(default=None, kw_only=True)
    """Bounds of g - E g, if narrower ones are known than those of g and E g give."""

    @property
    def is_listed(self) -> bool:
        """Whether g is always one of the atoms."""
        return True

    def mean_of(self, values: Sequence[Interval]) -> Interval:
        """Return E v."""
        return self.using.dot(self.probabilities, values)

    @cached_property
    def mean(self) -> Interval:
        """E g."""
        return self.mean_of(self.atoms)

    @cached_property
    def mean_slopes(self) -> list[Interval]:
        """E g' for each parameter."""
        return [self.mean_of(column) for column in self.slopes]

    @cached_property
    def squares(self) -> list[Interval]:
        """g^2."""
        return [self.using.square(g) for g in self.atoms]

    @cached_property
    def mean_square(self) -> Interval:
        """E g^2."""
        return self.mean_of(self.squares)

    @cached_property
    def deviations(self) -> list[Interval]:
        """|g - E g|^2."""
        apart = self.apart or [g - self.mean for g in self.atoms]
        return [self.using.square(x) for x in apart]

    @cached_property
    def variance(self) -> Interval:
        """Var g, from its definition."""
        return self.mean_of(self.deviations)

    @property
    def max_deviation(self) -> Interval:
        """The largest |g - E g|^2."""
        return self.using.largest(self.deviations)

    @property
    def fourth_deviation(self) -> Interval:
        """E(g - E g)^4."""
        return self.mean_of([self.using.square(deviation) for deviation in self.deviations])

    @cached_property
    def max_abs(self) -> Interval:
        """G, the largest |g|."""
        return self.using.largest(map(self.using.magnitude, self.atoms))

    @cached_property
    def max_abs_slopes(self) -> list[Interval]:
        """H, the largest |g'|, for each parameter."""
        return [self.using.largest(map(self.using.magnitude, column)) for column in self.slopes]

    @property
    def norm(self) -> Interval:
        """What bounds |g| in the quadrature: G."""
        return self.max_abs

    @property
    def slope_norms(self) -> list[Interval]:
        """What bounds |g'| in the quadrature: H."""
        return self.max_abs_slopes

    @property
    def mean_cube(self) -> Interval:
        """E|g|^3, of an atom's values."""
        return self.mean_of([self.using.magnitude(g) * q for g, q in zip(self.atoms, self.squares, strict=True)])

    @property
    def is_zero(self) -> bool:
        """Whether all atoms are 0."""
        return all(self.using.magnitude(atom) <= 0 for atom in self.atoms)

    def tail(self, product: Interval) -> Interval:
        """Return what takes the place of P(s), or of a bound, in the bounds of tails: the same."""
        return product

    @cached_property
    def least(self) -> Interval:
        """The least g^2."""
        return self.using.least(self.squares)

    @property
    def lowest(self) -> Interval:
        """A bound below V, a mean of squares, as a point."""
        return self.using.nonnegative(self.least)

    @cached_property
    def center(self) -> Interval:
        """c of u = g^2 - c: the middle of the range of g^2."""
        return self.using.middle((self.least + self.using.largest(self.squares)) / 2)

    @cached_property
    def width(self) -> Interval:
        """The largest |u|: where |t| width < pi/2, Re E exp(-t u) > 0."""
        return self.using.largest(self.using.magnitude(q - self.center) for q in self.squares)

    @cached_property
    def _excess(self) -> list[Interval]:
        return [q - self.least for q in self.squares]

    @property
    def lag_operations(self) -> int:
        """About how many operations ``transforms`` takes, and the products of one lag."""
        return len(self.atoms) * (6 + 8 * len(self.slopes))

    def transforms(self, t: Interval) -> Transforms:
        """Return A, B and their derivatives at t."""
        using = self.using
        minus, double = -t, 2 * t
        weights = list(map(mul, self.probabilities, [using.exponential(minus * u) for u in self._excess]))
        signed = list(map(mul, weights, self.atoms))
        bent = list(map(mul, weights, [1 - double * q for q in self.squares])) if self.slopes else []
        slopes = [(using.dot(bent, column), -double * using.dot(signed, column)) for column in self.slopes]
        return using.total(signed), using.total(weights), slopes

    def series(self, terms: int) -> Coefficients:
        """Return the power series, of so many terms."""
        spend(terms * len(self.atoms) * (4 + 6 * len(self.slopes)))
        return Coefficients(
            self._moments([self.using.number(1)] * len(self.atoms), terms),
            self._moments(self.atoms, terms),
            [
                (
                    self._moments([2 * g * x for g, x in zip(self.atoms, column, strict=True)], terms),
                    self._moments(column, terms),
                    self._moments([2 * q * x for q, x in zip(self.squares, column, strict=True)], terms),
                )
                for column in self.slopes
            ],
        )

    def _moments(self, values: Sequence[Interval], terms: int) -> list[Interval]:
        """Coefficients of E[v exp(-t u)]."""
        power, found = [p * v for p, v in zip(self.probabilities, values, strict=True)], []
        for order in range(terms):
            found.append(self.using.total(power))
            power = [x * (self.center - q) / (order + 1) for x, q in zip(power, self.squares, strict=True)]
        return found

    def circle_bounds(self) -> CircleBounds:
        """Return the bounds on the circle."""
        using, circle = self.using, self.using.exact(CIRCLE)
        t = circle / self.width if self.width > 0 else using.number(0)
        growth = using.exponential(2 * circle) / using.cosine(circle)
        steep = growth * (1 + 2 * t * using.square(self.max_abs) * (1 + growth))
        log = circle - using.logarithm(using.cosine(circle)) + using.pi / 2
        slopes = [(2 * t * self.max_abs * h * growth, h * steep) for h in self.max_abs_slopes]
        return CircleBounds(log, self.max_abs * growth, slopes, steep if self.slopes else growth)
