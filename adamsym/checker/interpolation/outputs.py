"""Losses l_j = sum_k c_jk r_jk^2, as of networks with several outputs: the residuals of one square after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.interpolation.matrices import Matrix
from adamsym.checker.interpolation.squares import NO_SQUARE, Squares, square_in, squares_of
from adamsym.gradients import Problem


@dataclass(frozen=True)
class Outputs:
    """What :class:`Squares` says of one square, of several: their residuals in this order, each for all rows."""

    parts: tuple[Squares, ...]

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.parts[0].problem

    @property
    def probabilities(self) -> list[Fraction]:
        """Those of the rows, for each residual."""
        return list(chain.from_iterable(part.probabilities for part in self.parts))

    @property
    def bends(self) -> bool:
        """Whether some residual is not linear in the parameters."""
        return any(part.bends for part in self.parts)

    def residuals(self, using: Arithmetic, theta: Sequence[Interval]) -> list[Interval]:
        """Return the residuals."""
        return list(chain.from_iterable(part.residuals(using, theta) for part in self.parts))

    def gradients(self, using: Arithmetic, theta: Sequence[Interval]) -> Matrix:
        """Return their gradients; NotCheckable unless these are bounded."""
        return list(chain.from_iterable(part.gradients(using, theta) for part in self.parts))

    def hessians(self, using: Arithmetic, theta: Sequence[Interval]) -> list[Matrix]:
        """Return their second derivatives."""
        return list(chain.from_iterable(part.hessians(using, theta) for part in self.parts))


def outputs_of(problem: Problem) -> Outputs:
    """Return the residuals of a loss; NotCheckable if it is no square and no sum of squares, as it is written."""
    try:
        return Outputs((squares_of(problem),))
    except NotCheckable:
        factors, sums = list[sp.Expr](), list[sp.Expr]()
        for part in sp.Mul.make_args(problem.loss):
            (factors if part.free_symbols.isdisjoint(problem.parameters) else sums).append(part)
        if len(sums) != 1 or not sums[0].is_Add:
            raise NotCheckable(NO_SQUARE) from None
        terms = sums[0].args
    return Outputs(tuple(square_in(problem, sp.Mul(*factors), term) for term in terms))
