"""A problem: loss, parameters, law of the data, batch size."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import flint
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray, compile_ball, compile_float
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.parser import parse_with_domain
from adamsym.expressions.pickling import shared_property
from adamsym.expressions.second_derivatives import compile_jacobian
from adamsym.expressions.signatures import readably
from adamsym.expressions.sizes import (
    FORMING,
    check_derivative_size,
    derivative_sizes,
    first_derivatives,
    second_derivatives,
)
from adamsym.expressions.work import spend
from adamsym.expressions.writing import source_text
from adamsym.gradients.laws import Law
from adamsym.gradients.piecewise import Piecewise
from adamsym.gradients.source import StochasticGradient
from adamsym.gradients.symbolic import SymbolicGradient


class Problem(SymbolicGradient):
    """What is optimised: the mean over the data law of a loss in parameters and data columns.

    Parameters
    ----------
    loss
        The loss of one row, as text of the whitelist grammar (never evaluated as Python) or as a SymPy expression in
        real symbols named like the parameters and columns; it is written as such text, its floats as exact fractions.
    parameters
        Names in order, or vectors by length: ``{"w": 2, "b": 1}`` declares w0, w1, b0.
    law
        The law of one data row: :class:`Empirical` or :class:`Independent`, or the columns that these are made of.
    batch_size, sampling, drop_last
        Each stochastic gradient is the mean over so many rows, and how they are drawn: as of
        :class:`adamsym.gradients.StochasticGradient`.

    Raises
    ------
    InputError
        For a malformed loss, clashing or bad names, a loss that does not depend on a parameter, or one that is not
        real, or whose gradient is not finite, at a data row.

    Attributes
    ----------
    text
        The loss as written: what defines the problem. It must be real and finite as written, wherever it is used.

    Examples
    --------
    >>> from adamsym import Empirical
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> problem.gradient([1.0])
    array([0.])
    """

    place = "problem.loss"
    component = "the gradient"
    what: ClassVar[str] = "the loss"
    is_symmetric = True

    @readably
    def __init__(
        self,
        loss: str | sp.Expr,
        parameters: Sequence[str] | Mapping[str, int],
        law: Law | Mapping[str, Any],
        batch_size: int = 1,
        sampling: str = "replacement",
        drop_last: bool = False,
    ) -> None:
        super().__init__(parameters, law, batch_size, sampling, drop_last)
        symbols = {symbol.name: symbol for symbol in self._symbols}
        self.text: str = source_text(loss, symbols, self.place)
        self.loss: sp.Expr
        self.loss, domain = parse_with_domain(self.text, symbols, self.place)
        spend(FORMING * derivative_sizes(self.loss, self.parameters)[1])
        gradient = first_derivatives(self.loss, self.parameters, self.place)
        for name, derivative in zip(self.names, gradient, strict=True):
            if derivative == 0:
                raise InputError(
                    f"{self.place}: {self.what} does not depend on the parameter {name}; use it or remove it"
                )
        self._complete(gradient, domain)

    def __repr__(self) -> str:
        """Python that makes this problem again."""
        return f"Problem({self.text!r}, {list(self.names)!r}, {self.law!r}{self._minibatches})"

    @property
    def written(self) -> tuple[sp.Expr, ...]:
        """The loss."""
        return (self.loss,)

    @shared_property
    def jacobian_expressions(self) -> tuple[sp.Expr, ...]:
        """The upper triangle of the Hessian, row by row; away from kinks, where the derivatives are classical."""
        return second_derivatives(self.loss, self.gradient_expressions, self.parameters, self.place)

    @shared_property
    def _float_jacobian(self) -> Callable[..., FloatArray]:
        check_derivative_size(self.loss, self.parameters, self.place, order=2)
        return compile_jacobian(self._symbols, self.gradient_expressions, self.parameters, symmetric=True)

    @shared_property
    def _pieces(self) -> Piecewise | None:
        pieces = Piecewise(self.loss, self.parameters, self.columns)
        return pieces if pieces.switches else None

    @property
    def is_smooth(self) -> bool:
        """Whether the loss has no Abs, Max or Min that could switch as the parameters move."""
        return self._pieces is None

    @shared_property
    def _float_loss(self) -> Callable[..., FloatArray]:
        return compile_float(self._symbols, [self.loss])

    @shared_property
    def _ball_loss(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, [self.loss])

    def row_losses(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the loss of every row, shape (..., rows), for theta (..., d) and rows (..., rows, columns).

        Raises
        ------
        DomainError
            Where the loss is not real.
        """
        return self._float_loss(*self._checked_arguments(theta, rows))[..., 0]

    def row_losses_ball(self, theta: Sequence[flint.arb]) -> list[flint.arb]:
        """Return enclosures of the loss of every row over the balls ``theta``; errors as ``row_gradients_ball``."""
        self.require_domain(theta)
        return [self._ball_loss(*theta, *row)[0] for row in self._ball_rows()]

    def mean_loss(self, theta: ArrayLike) -> FloatArray:
        """Return the loss L = E l, shape (...); for a continuous law by the finest of its quadrature rules."""
        level = self.law.levels - 1
        return np.asarray(self.row_losses(theta, self._rule(level)) @ self.law.discretise(level)[1])


def require_loss(source: StochasticGradient, what: str) -> Problem:
    """Return a source that has a loss, or raise NotApplicable: ``what`` needs one."""
    if not isinstance(source, Problem):
        raise NotApplicable(f"{what} needs a loss, and {type(source).__name__} has none; write a Problem")
    return source
