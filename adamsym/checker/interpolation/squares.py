"""Losses l_j = c_j r_j^2, c_j > 0: the residuals R_j = sqrt(2 c_j) r_j and their derivatives over a box."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.interpolation.matrices import Matrix
from adamsym.checker.law import row_values
from adamsym.expressions.sizes import first_derivatives, second_derivatives
from adamsym.expressions.work import spend
from adamsym.gradients import Empirical, Problem

_Entry = TypeVar("_Entry")

NO_SQUARE = "a loss that is not written as a square, or a sum of squares"


@dataclass(frozen=True)
class Squares:
    """The loss is ``factor`` times the square of ``base``, and ``factor`` has no parameters."""

    problem: Problem
    factor: sp.Expr
    base: sp.Expr
    slopes: tuple[sp.Expr, ...]
    bends: tuple[tuple[int, int, sp.Expr], ...]
    chosen: tuple[int, ...] | None = None
    """The rows that this is about; all without a choice."""

    @property
    def probabilities(self) -> list[Fraction]:
        """Those of the rows; a problem has none that are 0."""
        assert isinstance(self.problem.law, Empirical)
        return self._choice(self.problem.law.exact_probabilities)

    def _choice(self, of_rows: Sequence[_Entry]) -> list[_Entry]:
        return list(of_rows) if self.chosen is None else [of_rows[k] for k in self.chosen]

    def _rows(self, using: Arithmetic, expressions: Sequence[sp.Expr], theta: Sequence[Interval]) -> Matrix:
        """Each row's values times sqrt(2 c)."""
        found = []
        for factor, *others in self._choice(row_values(using, self.problem, (self.factor, *expressions), theta)):
            if not factor > 0:
                raise NotCheckable("a square's factor that may not be positive")
            found.append([using.root(2 * factor) * x for x in others])
        return found

    def residuals(self, using: Arithmetic, theta: Sequence[Interval]) -> list[Interval]:
        """Return the R_j."""
        return [row[0] for row in self._rows(using, (self.base,), theta)]

    def gradients(self, using: Arithmetic, theta: Sequence[Interval]) -> Matrix:
        """Return the gradients a_j of the R_j."""
        found = self._rows(using, self.slopes, theta)
        if not all(using.is_bounded(x) for row in found for x in row):
            raise NotCheckable("derivatives of residuals that may not be bounded")
        return found

    def hessians(self, using: Arithmetic, theta: Sequence[Interval]) -> list[Matrix]:
        """Return the second derivatives of the R_j."""
        d = self.problem.dimension
        rows = self._rows(using, [entry for _, _, entry in self.bends], theta)
        spend(len(rows) * d * d)
        found = []
        for row in rows:
            matrix = [[using.number(0)] * d for _ in range(d)]
            for (i, j, _), entry in zip(self.bends, row, strict=True):
                matrix[i][j] = matrix[j][i] = entry
            found.append(matrix)
        return found


def squares_of(problem: Problem) -> Squares:
    """Return the residuals of a loss; NotCheckable if it is not written as a square."""
    if not isinstance(problem.law, Empirical):
        raise NotCheckable("the law of the data is continuous: there are no rows to be fitted")
    return square_in(problem, sp.S.One, problem.loss)


def square_in(problem: Problem, factor: sp.Expr, term: sp.Expr) -> Squares:
    """Return the residuals of ``factor`` times ``term``; NotCheckable if the latter is not written as a square."""
    factors, base = list[sp.Expr](), sp.S.One
    for part, exponent in term.as_powers_dict().items():
        if part.free_symbols.isdisjoint(problem.parameters) and exponent.free_symbols.isdisjoint(problem.parameters):
            factors.append(part**exponent)
        elif exponent.is_Integer and exponent > 0 and exponent % 2 == 0:
            base *= part ** sp.Integer(exponent // 2)
        else:
            raise NotCheckable(NO_SQUARE)
    # Of two factors SymPy would multiply a number into a sum.
    if sp.Mul(*factors, base**2) != term:
        raise NotCheckable(NO_SQUARE)
    slopes = first_derivatives(base, problem.parameters, problem.place)
    # SymPy takes as long for one of them as the arithmetic for some ten operations.
    spend(10 * problem.dimension**2)
    entries = second_derivatives(base, slopes, problem.parameters, problem.place)
    pairs = ((i, j) for i in range(problem.dimension) for j in range(i, problem.dimension))
    bends = tuple((i, j, entry) for (i, j), entry in zip(pairs, entries, strict=True) if entry != 0)
    return Squares(problem, sp.Mul(factor, *factors), base, slopes, bends)


def box_around(using: Arithmetic, center: Sequence[float], radius: float | None) -> list[Interval]:
    """Return the sides of a box of this half-width; of all of R^d without one."""
    if radius is None:
        return [using.between(-math.inf, math.inf)] * len(center)
    return [using.number(x) + using.around_zero(using.number(radius)) for x in center]
