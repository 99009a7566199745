"""Losses that are sums of squares, l_j = sum_k c_jk r_jk^2 with c_jk > 0, as of networks with several outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce

import flint
import numpy as np
import sympy as sp

from adamsym.certify.interpolation.residuals import Balls, Residuals, newton_point, residuals_of, squared
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.field.ball.arithmetic import larger, norm_bound
from adamsym.gradients import Empirical, Problem


@dataclass(frozen=True, eq=False)
class Outputs:
    """The residuals R_jk of a problem's rows j: those of the first square k of all rows, then those of the next.

    l_j = sum_k R_jk^2/2.
    """

    parts: tuple[Residuals, ...]

    @property
    def problem(self) -> Problem:
        """What they are of."""
        return self.parts[0].problem

    @property
    def rows(self) -> int:
        """The number N of rows."""
        return self.parts[0].count

    @property
    def count(self) -> int:
        """The number of residuals."""
        return self.rows * len(self.parts)

    @property
    def probabilities(self) -> tuple[Fraction, ...]:
        """Of the rows, for each residual."""
        return self.parts[0].probabilities * len(self.parts)

    @cached_property
    def are_linear(self) -> bool:
        """Whether all are linear in the parameters."""
        return all(part.are_linear for part in self.parts)

    def over(self, theta: Sequence[flint.arb]) -> tuple[Balls, list[Balls]]:
        """Return enclosures of the residuals and of their gradients, as :meth:`Residuals.over`."""
        found = [part.over(theta) for part in self.parts]
        return [x for values, _ in found for x in values], [row for _, slopes in found for row in slopes]

    def curvatures_over(self, theta: Sequence[flint.arb]) -> list[dict[tuple[int, int], flint.arb]]:
        """Return enclosures of their second derivatives, as :meth:`Residuals.curvatures_over`."""
        return [entries for part in self.parts for entries in part.curvatures_over(theta)]

    def at(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return them and their gradients at a point, in float64."""
        values, slopes = zip(*(part.at(theta) for part in self.parts), strict=True)
        return np.concatenate(values), np.concatenate(slopes)

    def interpolating_point(self, start: FloatArray) -> FloatArray | None:
        """Return a point near which all vanish, in floats, by Newton's method with least steps."""
        return newton_point(self.at, start)


def grouped(values: Sequence[flint.arb], rows: int) -> list[Balls]:
    """Return for each of so many rows what belongs to its residuals."""
    return [list(values[j::rows]) for j in range(rows)]


def largest_norm(values: Sequence[flint.arb], rows: int) -> flint.arb:
    """Return an upper bound of (sum_k x_jk^2)^(1/2) for all rows j."""
    return reduce(larger, (norm_bound(group).upper() for group in grouped(values, rows)))


def outputs_of(problem: Problem) -> Outputs:
    """Return the residuals of a loss that is written as a square or a sum of squares.

    Raises
    ------
    NotApplicable
        If it is none, the law is continuous, or the factor of a square is not proved positive at a row.
    """
    if not isinstance(problem.law, Empirical):
        raise NotApplicable("data: a Lyapunov region around an interpolating point needs the rows of an empirical law")
    found = _squares(problem.loss, set(problem.parameters))
    if found is None:
        raise NotApplicable(
            f"{problem.place}: a Lyapunov region around an interpolating point needs a loss that is written as a "
            "square, c*(...)**2 with c without parameters, or as a sum of such squares"
        )
    return Outputs(tuple(residuals_of(problem, *parts) for parts in found))


def _squares(loss: sp.Expr, parameters: set[sp.Basic]) -> list[tuple[sp.Expr, sp.Expr]] | None:
    """The c_k and r_k with the loss sum c_k r_k^2; None if it is no such sum."""
    whole = squared(loss, parameters)
    if whole is not None:
        return [whole]
    factor, terms = sp.S.One, list[sp.Expr]()
    for part in sp.Mul.make_args(loss):
        if not part.free_symbols & parameters:
            factor *= part
        elif part.is_Add and not terms:
            terms = list(part.args)
        else:
            return None
    found = [squared(term, parameters) for term in terms]
    known = [(factor * own, root) for own, root in (pair for pair in found if pair is not None)]
    return known if found and len(known) == len(found) else None
