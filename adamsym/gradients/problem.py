"""A problem: loss, parameters, law of the data, batch size; its derivatives in three arithmetics."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import flint
import mpmath
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import integer, real_array
from adamsym.expressions.compilation import FloatArray, compile_ball, compile_float, compile_mpmath
from adamsym.expressions.domain import RELATIONS, Condition
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.parser import check_name, parse_with_domain
from adamsym.expressions.second_derivatives import compile_hessian
from adamsym.expressions.sizes import check_derivative_size, first_derivatives, second_derivatives
from adamsym.expressions.writing import source_text
from adamsym.gradients.batches import batch_counts, can_list
from adamsym.gradients.continuous import Independent, as_law
from adamsym.gradients.domain import Domain
from adamsym.gradients.laws import Empirical, Law
from adamsym.gradients.names import parameter_names
from adamsym.gradients.piecewise import Piecewise
from adamsym.gradients.smoothness import data_terms, finite_forms

if TYPE_CHECKING:
    from adamsym.expressions.simd import LaneFunction


class Problem:
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
    batch_size
        Each stochastic gradient is the mean over this many rows, drawn independently with replacement.

    Raises
    ------
    InputError
        For a malformed loss, clashing or bad names, a loss that does not depend on a parameter, or one that is not
        real, or whose gradient is not finite, at a data row.

    Attributes
    ----------
    text
        The loss as written: what defines the problem. It must be real and finite as written, wherever it is used.
    domain
        The conditions for that: what is under a root at least 0, and so on (:mod:`adamsym.expressions.domain`).

    Examples
    --------
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> problem.gradient([1.0])
    array([0.])
    """

    def __init__(
        self,
        loss: str | sp.Expr,
        parameters: Sequence[str] | Mapping[str, int],
        law: Law | Mapping[str, Any],
        batch_size: int = 1,
    ) -> None:
        names = parameter_names(parameters)
        law, batch_size = as_law(law), integer(batch_size, "problem.batch_size")
        if batch_size < 1:
            raise InputError(f"problem.batch_size: {batch_size!r} is not allowed; allowed are integers from 1 up")
        for name in law.names:
            check_name(name, f"data.{name}")
            if name in names:
                raise InputError(f"data.{name}: the name is already a parameter; rename the column or the parameter")
        self.parameters: tuple[sp.Symbol, ...] = tuple(sp.Symbol(name, real=True) for name in names)
        self.columns: tuple[sp.Symbol, ...] = tuple(sp.Symbol(name, real=True) for name in law.names)
        self.law = law
        self.batch_size = batch_size
        symbols = {symbol.name: symbol for symbol in self._symbols}
        self.text: str = source_text(loss, symbols, "problem.loss")
        self.loss: sp.Expr
        self.domain: tuple[Condition, ...]
        self.loss, self.domain = parse_with_domain(self.text, symbols, "problem.loss")
        ends = law.ends if isinstance(law, Independent) else None
        self._domain = Domain(self.domain, self.parameters, self.columns, ends)
        self.gradient_expressions = first_derivatives(self.loss, self.parameters, "problem.loss")
        for name, derivative in zip(names, self.gradient_expressions, strict=True):
            if derivative == 0:
                raise InputError(f"problem.loss: the loss does not depend on the parameter {name}; use it or remove it")
        self._batches: dict[int, tuple[FloatArray | None, FloatArray]] = {}
        self._lane_gradients: dict[int, LaneFunction] = {}
        self._check_rows()

    def __repr__(self) -> str:
        """Python that makes this problem again."""
        batch = f", batch_size={self.batch_size}" if self.batch_size > 1 else ""
        return f"Problem({self.text!r}, {list(self.names)!r}, {self.law!r}{batch})"

    def _check_rows(self) -> None:
        """Reject losses that are not real, or not finite at a row whatever the parameters."""
        for name, derivative in zip(self.names, self.gradient_expressions, strict=True):
            if derivative.has(sp.Derivative, sp.Subs, sp.re, sp.im, sp.I):
                raise InputError(f"problem.loss: its derivative in {name} is not real-valued; keep roots and logs real")
        if self.domain:
            rows = self.law.discretise(0)[0]
            given = None if isinstance(self.law, Empirical) else rows
            self._domain.check_data(rows, partial(_named, rows=given))
        terms = data_terms((self.loss, *self.gradient_expressions), self.parameters)
        if not terms or not isinstance(self.law, Empirical):
            return
        values = compile_float(self.columns, terms)(*self.law.rows.T)
        if not np.isfinite(values).all():
            row, term = (int(index) for index in np.argwhere(~np.isfinite(values))[0])
            raise InputError(
                f"problem.loss: not differentiable at data row {row}, where {terms[term]} is not a finite real number"
            )

    @property
    def dimension(self) -> int:
        """Number d of parameters."""
        return len(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Parameter names, in order."""
        return tuple(symbol.name for symbol in self.parameters)

    @cached_property
    def hessian_expressions(self) -> tuple[sp.Expr, ...]:
        """The upper triangle of the Hessian, row by row; away from kinks, where the derivatives are classical."""
        return second_derivatives(self.loss, self.gradient_expressions, self.parameters, "problem.loss")

    @property
    def is_smooth(self) -> bool:
        """Whether the loss has no Abs, Max or Min that could switch as the parameters move."""
        return not self._pieces.switches

    # --- float64 -----------------------------------------------------------------------------------------------

    @property
    def _symbols(self) -> tuple[sp.Symbol, ...]:
        return (*self.parameters, *self.columns)

    @cached_property
    def _float_loss(self) -> Callable[..., FloatArray]:
        return compile_float(self._symbols, [self.loss])

    @cached_property
    def _float_gradient(self) -> Callable[..., FloatArray]:
        return compile_float(self._symbols, self.gradient_expressions)

    @cached_property
    def _float_hessian(self) -> Callable[..., FloatArray]:
        check_derivative_size(self.loss, self.parameters, "problem.loss", order=2)
        return compile_hessian(self._symbols, self.gradient_expressions, self.parameters)

    @cached_property
    def _pieces(self) -> Piecewise:
        return Piecewise(self.loss, self.parameters, self.columns)

    def points(self, theta: ArrayLike) -> FloatArray:
        """Return ``theta`` as float64 of shape (..., d).

        Raises
        ------
        InputError
            If the last axis is not d or an entry is not finite.
        """
        points = real_array(theta, "theta")
        if points.ndim == 0 or points.shape[-1] != self.dimension:
            raise InputError(
                f"theta: shape {points.shape} is not allowed; the last axis must be {self.dimension} "
                f"({', '.join(self.names[:6])}{', ...' if self.dimension > 6 else ''})"
            )
        if not np.isfinite(points).all():
            raise InputError("theta: nan or infinity is not allowed; allowed are finite numbers")
        return points

    def _arguments(self, theta: ArrayLike, rows: FloatArray | None) -> list[FloatArray]:
        points = self.points(theta)[..., None, :]
        data = self._rows() if rows is None else rows
        return [points[..., k] for k in range(self.dimension)] + [data[..., k] for k in range(len(self.columns))]

    def _rows(self) -> FloatArray:
        if not isinstance(self.law, Empirical):
            raise NotApplicable(_NEEDS_ROWS)
        return self.law.rows

    def row_losses(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the loss of every row, shape (..., rows), for theta (..., d) and rows (..., rows, columns).

        Raises
        ------
        DomainError
            Where the loss is not real.
        """
        arguments = self._arguments(theta, rows)
        self._domain.check(arguments, partial(_named, rows=rows))
        return self._float_loss(*arguments)[..., 0]

    def row_gradients(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the gradient of every row, shape (..., rows, d), for theta (..., d).

        Parameters
        ----------
        theta
            Points, shape (..., d).
        rows
            Data rows, shape (..., rows, columns), broadcast against theta's leading axes; the law's own if omitted.

        Raises
        ------
        InputError
            Where the loss is not real, not differentiable or its gradient is not finite; the message names the row.
        """
        arguments = self._arguments(theta, rows)
        self._domain.check(arguments, partial(_named, rows=rows))
        if self.is_smooth:
            gradients = self._float_gradient(*arguments)
        else:
            gradients, broken = self._pieces.gradients(arguments)
            if broken.any():
                row = _named(int(np.argwhere(broken)[0][-1]), rows)
                raise InputError(f"problem.loss: not differentiable at {row} and the given parameters")
        if not np.isfinite(gradients).all():
            row = _named(int(np.argwhere(~np.isfinite(gradients))[0][-2]), rows)
            raise InputError(
                f"problem.loss: the gradient is not finite at {row} and the given parameters; {finite_forms(self.loss)}"
            )
        return gradients

    def lane_gradient(self, lanes: int) -> "LaneFunction":
        """Return the gradient compiled for ``lanes`` points side by side; it is nan where it does not exist."""
        if lanes not in self._lane_gradients:
            # Numba is slow to import, and only simulation needs it here.
            from adamsym.expressions.simd import UnlessOutside, compile_lanes

            first, *others = self.gradient_expressions if self.is_smooth else self._pieces.lane_gradient()
            for condition in self.domain:
                first = UnlessOutside(first, condition.expression, RELATIONS.index(condition.relation))
            self._lane_gradients[lanes] = compile_lanes(self.parameters, self.columns, [first, *others], lanes)
        return self._lane_gradients[lanes]

    def row_hessians(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the Hessian of every row, shape (..., rows, d, d); arguments and errors as ``row_gradients``."""
        triangle = self._row_hessian_triangles(theta, rows)
        hessians = np.empty((*triangle.shape[:-1], self.dimension, self.dimension))
        i, j = np.triu_indices(self.dimension)
        hessians[..., i, j] = triangle
        hessians[..., j, i] = triangle
        return hessians

    def _row_hessian_triangles(self, theta: ArrayLike, rows: FloatArray | None) -> FloatArray:
        arguments = self._arguments(theta, rows)
        self._domain.check(arguments, partial(_named, rows=rows))
        triangle = self._float_hessian(*arguments) if self.is_smooth else self._pieces.hessians(arguments)
        if not np.isfinite(triangle).all():
            row = _named(int(np.argwhere(~np.isfinite(triangle))[0][-2]), rows)
            raise InputError(f"problem.loss: the Hessian is not finite at {row} and the given parameters")
        return triangle

    def mean_loss(self, theta: ArrayLike) -> FloatArray:
        """Return the loss L = E l, shape (...); for a continuous law by the finest of its quadrature rules."""
        level = self.law.levels - 1
        return np.asarray(self.row_losses(theta, self._rule(level)) @ self.law.discretise(level)[1])

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """Return the gradient of L, shape (..., d); for a continuous law as ``mean_loss``."""
        level = self.law.levels - 1
        gradients = self.row_gradients(theta, self._rule(level))
        return np.asarray(np.einsum("...rd,r->...d", gradients, self.law.discretise(level)[1]))

    # --- minibatches -------------------------------------------------------------------------------------------

    def gradient_atoms(self, theta: ArrayLike, level: int = 0) -> tuple[FloatArray, FloatArray]:
        """Return the atoms of the stochastic gradient, shape (..., n, d), and their probabilities (n,).

        For a continuous law these are the nodes and weights of its Gauss rule at ``level``; minibatches are listed.

        Raises
        ------
        InputError
            As ``row_gradients``, and if there are too many minibatches to list.
        """
        shares, probabilities = self.batches(level)
        gradients = self.row_gradients(theta, self._rule(level))
        return gradients if shares is None else np.einsum("nr,...rd->...nd", shares, gradients), probabilities

    def hessian_atoms(self, theta: ArrayLike, level: int = 0) -> FloatArray:
        """Return the Hessians that go with ``gradient_atoms``: their upper triangles row by row, (..., n, d(d+1)/2)."""
        shares, _ = self.batches(level)
        triangles = self._row_hessian_triangles(theta, self._rule(level))
        return triangles if shares is None else np.einsum("nr,...re->...ne", shares, triangles)

    def single_gradient_atoms(self, theta: ArrayLike, level: int = 0) -> tuple[FloatArray, FloatArray]:
        """Return the gradients of single rows, shape (..., rows, d), and the rows' probabilities (rows,)."""
        return self.row_gradients(theta, self._rule(level)), self.law.discretise(level)[1]

    def single_hessian_atoms(self, theta: ArrayLike, level: int = 0) -> FloatArray:
        """Return the upper triangles of single rows' Hessians, (..., rows, d(d+1)/2)."""
        return self._row_hessian_triangles(theta, self._rule(level))

    def lists_batches(self, level: int = 0) -> bool:
        """Whether the minibatches are few enough to be listed."""
        return self.batch_size == 1 or can_list(len(self.law.discretise(level)[1]), self.batch_size)

    def _rule(self, level: int) -> FloatArray | None:
        """The nodes of a continuous law's rule; None for the law's own rows, which messages name by number."""
        return None if self.law.levels == 1 else self.law.discretise(level)[0]

    def batches(self, level: int = 0) -> tuple[FloatArray | None, FloatArray]:
        """Return each minibatch's shares of the rows, (n, rows) or None if B = 1, and their probabilities (n,)."""
        if level not in self._batches:
            probabilities = self.law.discretise(level)[1]
            listed = (None, probabilities) if self.batch_size == 1 else batch_counts(probabilities, self.batch_size)
            self._batches[level] = listed
        return self._batches[level]

    # --- mpmath and balls --------------------------------------------------------------------------------------

    @cached_property
    def _mpmath_gradient(self) -> Callable[..., list[Any]]:
        return compile_mpmath(self._symbols, self.gradient_expressions)

    @cached_property
    def _ball_gradient(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, self.gradient_expressions)

    @cached_property
    def _ball_hessian(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, self.hessian_expressions)

    def row_gradients_mpmath(self, theta: Sequence[Any]) -> list[list[Any]]:
        """Return the gradient of every row as mpmath numbers at the working precision: rows lists of d."""
        rows = [[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in self._exact_rows()]
        self._domain.check_mpmath(theta, rows)
        if self.is_smooth:
            return [self._mpmath_gradient(*theta, *row) for row in rows]
        return [self._pieces.gradient_mpmath([*theta, *row]) for row in rows]

    def require_domain(self, theta: Sequence[flint.arb]) -> None:
        """Prove that the loss as written is real and finite for every row over the balls ``theta``.

        Raises
        ------
        DomainError
            If that is not proved; the message names the row and the condition.
        """
        if self.domain:
            self._domain.require(theta, self._ball_rows())

    def refute_domain(self, theta: Sequence[flint.arb]) -> str | None:
        """Return why the loss is real nowhere in the box of balls ``theta``; None if that is not proved."""
        return self._domain.refuted(theta, self._ball_rows()) if self.domain else None

    def _ball_rows(self) -> list[list[flint.arb]]:
        return [[flint.arb(x.numerator) / flint.arb(x.denominator) for x in row] for row in self._exact_rows()]

    def row_gradients_ball(self, theta: Sequence[flint.arb]) -> list[list[flint.arb]]:
        """Return enclosures of the gradient of every row over the balls ``theta``: rows lists of d.

        Raises
        ------
        DomainError
            If the loss is not proved real over all of them.
        """
        self.require_domain(theta)
        if self.is_smooth:
            return [self._ball_gradient(*theta, *row) for row in self._ball_rows()]
        return [self._pieces.gradient_ball([*theta, *row]) for row in self._ball_rows()]

    @cached_property
    def _ball_loss(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, [self.loss])

    def row_losses_ball(self, theta: Sequence[flint.arb]) -> list[flint.arb]:
        """Return enclosures of the loss of every row over the balls ``theta``; errors as ``row_gradients_ball``."""
        self.require_domain(theta)
        return [self._ball_loss(*theta, *row)[0] for row in self._ball_rows()]

    def row_hessians_ball(self, theta: Sequence[flint.arb]) -> list[list[list[flint.arb]]]:
        """Return enclosures of every row's Hessian over the balls ``theta``, away from kinks: rows lists of d x d.

        Errors as ``row_gradients_ball``.
        """
        self.require_domain(theta)
        d = self.dimension
        found = []
        for row in self._ball_rows():
            smooth = self.is_smooth
            triangle = iter(self._ball_hessian(*theta, *row) if smooth else self._pieces.hessian_ball([*theta, *row]))
            hessian = [[flint.arb(0)] * d for _ in range(d)]
            for i in range(d):
                for j in range(i, d):
                    hessian[i][j] = hessian[j][i] = next(triangle)
            found.append(hessian)
        return found

    def _exact_rows(self) -> tuple[tuple[Fraction, ...], ...]:
        if not isinstance(self.law, Empirical):
            raise NotApplicable(_NEEDS_ROWS)
        return self.law.exact_rows


_NEEDS_ROWS = "data: this needs the rows of an empirical law; a continuous law has none"


def _named(row: int, rows: FloatArray | None) -> str:
    """A row for a message: those given have no number that the user knows."""
    return f"data row {row}" if rows is None else "a row drawn from the law"
