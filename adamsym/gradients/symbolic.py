"""Stochastic gradients that are expressions: compiled in floats, mpmath numbers, balls and for simulation."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import flint
import mpmath
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import integer, shown
from adamsym.expressions.compilation import FloatArray, compile_ball, compile_float, compile_mpmath
from adamsym.expressions.domain import RELATIONS, Condition
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.parser import check_name
from adamsym.expressions.pickling import WithoutCached, shared_property
from adamsym.gradients.continuous import Independent, as_law
from adamsym.gradients.domain import Domain, data_terms, finite_forms
from adamsym.gradients.jumps import JumpError
from adamsym.gradients.laws import Empirical, Law
from adamsym.gradients.piecewise import Piecewise
from adamsym.gradients.sampling import checked_epoch
from adamsym.gradients.source import StochasticGradient, named_row, parameter_names
from adamsym.methods.kernels import ball

if TYPE_CHECKING:
    from adamsym.expressions.simd import LaneFunction


class SymbolicGradient(WithoutCached, StochasticGradient):
    """G(theta, x) as expressions in parameters and data columns, with the conditions under which they are real.

    Attributes
    ----------
    parameters, columns
        Symbols of the parameters and of the data columns.
    gradient_expressions
        The components of G, one for each parameter.
    domain
        The conditions for what is written to be real and finite: what is under a root at least 0, and so on
        (:mod:`adamsym.expressions.domain`).
    """

    place: ClassVar[str]
    """Where messages say that the fault is."""

    component: ClassVar[str]
    """What messages call G."""

    is_symmetric: ClassVar[bool]
    """Whether Jacobians of G are symmetric: only their upper triangles are compiled."""

    gradient_expressions: tuple[sp.Expr, ...]
    domain: tuple[Condition, ...]

    def __new__(cls, *arguments: Any, **named: Any) -> "SymbolicGradient":
        """Refuse a law in the first place, where the other arguments may not even be enough."""
        if arguments and hasattr(arguments[0], "discretise"):
            first = next(name for name in inspect.signature(cls.__init__).parameters if name != "self")
            raise InputError(
                f"{cls.place}: {shown(arguments[0])} is not allowed; the order is {cls.__name__}({first}, parameters, "
                "law)"
            )
        return super().__new__(cls)

    def __init__(
        self,
        parameters: Sequence[str] | Mapping[str, int],
        law: Law | Mapping[str, Any],
        batch_size: int,
        sampling: str,
        drop_last: bool,
    ) -> None:
        """Declare parameters and data; a subclass then reads its expressions and calls ``_complete``."""
        self.names = parameter_names(parameters)
        law, batch_size = as_law(law), integer(batch_size, "problem.batch_size")
        if batch_size < 1:
            raise InputError(f"problem.batch_size: {batch_size!r} is not allowed; allowed are integers from 1 up")
        for name in law.names:
            check_name(name, f"data.{name}")
            if name in self.names:
                raise InputError(f"data.{name}: the name is already a parameter; rename the column or the parameter")
        self.parameters: tuple[sp.Symbol, ...] = tuple(sp.Symbol(name, real=True) for name in self.names)
        self.columns: tuple[sp.Symbol, ...] = tuple(sp.Symbol(name, real=True) for name in law.names)
        self.law, self.batch_size = law, batch_size
        checked_epoch(law, batch_size, sampling, drop_last)
        self.sampling, self.drop_last = sampling, drop_last

    @property
    def _minibatches(self) -> str:
        """The arguments that say how minibatches are drawn, as text."""
        given = {"batch_size": (self.batch_size, 1), "sampling": (self.sampling, "replacement")}
        given["drop_last"] = (self.drop_last, False)
        return "".join(f", {name}={value!r}" for name, (value, usual) in given.items() if value != usual)

    def _complete(self, gradient: tuple[sp.Expr, ...], domain: tuple[Condition, ...]) -> None:
        """Take the components of G and the conditions under which they are real, and check them at the rows."""
        self.gradient_expressions, self.domain = gradient, domain
        self._domain = Domain(
            domain,
            self.parameters,
            self.columns,
            self.place,
            self.law.ends if isinstance(self.law, Independent) else None,
        )
        self._check_rows()

    def _take(self, law: Law) -> None:
        """Go over to another law of the same columns: what is written must be real and finite at its rows."""
        if law.names != self.law.names:
            raise InputError(f"data: the columns are {', '.join(law.names)}, and not {', '.join(self.law.names)}")
        before, self.law = self.law, law
        if np.array_equal(_ends_of(before), _ends_of(law)):
            self._check_rows()
        else:
            self._complete(self.gradient_expressions, self.domain)

    @property
    @abstractmethod
    def written(self) -> tuple[sp.Expr, ...]:
        """The expressions that define G."""

    @property
    @abstractmethod
    def jacobian_expressions(self) -> tuple[sp.Expr, ...]:
        """The Jacobian of G row by row, away from kinks; of a symmetric one the upper triangle."""

    @property
    def _pieces(self) -> Piecewise | None:
        """The smooth pieces of a G that may jump where the parameters cross a switch; None if it does not."""
        return None

    @property
    def pieces(self) -> Piecewise | None:
        """The smooth pieces of a G that may jump where what is in Abs, Max or Min changes its sign; else None."""
        return self._pieces

    def _check_rows(self) -> None:
        """Reject expressions that are not real, or not finite at a row whatever the parameters."""
        for name, entry in zip(self.names, self.gradient_expressions, strict=True):
            if entry.has(sp.Derivative, sp.Subs, sp.re, sp.im, sp.I):
                raise InputError(f"{self.place}: its derivative in {name} is not real-valued; keep roots and logs real")
        if self.domain:
            rows = self.law.discretise(0)[0]
            given = None if isinstance(self.law, Empirical) else rows
            self._domain.check_data(rows, partial(named_row, rows=given))
        terms = self._data_terms
        if not terms or not isinstance(self.law, Empirical):
            return
        values = self._float_data_terms(*self.law.rows.T)
        if not np.isfinite(values).all():
            row, term = (int(index) for index in np.argwhere(~np.isfinite(values))[0])
            raise InputError(
                f"{self.place}: not differentiable at data row {row}, where {terms[term]} is not a finite real number"
            )

    @property
    def jacobian_places(self) -> tuple[tuple[int, int], ...]:
        """Which entries of the Jacobian ``jacobian_expressions`` are."""
        d = self.dimension
        return tuple((i, j) for i in range(d) for j in range(i if self.is_symmetric else 0, d))

    # --- float64 -----------------------------------------------------------------------------------------------

    @property
    def _symbols(self) -> tuple[sp.Symbol, ...]:
        return (*self.parameters, *self.columns)

    @shared_property
    def _data_terms(self) -> tuple[sp.Expr, ...]:
        return data_terms((*self.written, *self.gradient_expressions), self.parameters)

    @shared_property
    def _float_data_terms(self) -> Callable[..., FloatArray]:
        return compile_float(self.columns, self._data_terms)

    @shared_property
    def _float_gradient(self) -> Callable[..., FloatArray]:
        return compile_float(self._symbols, self.gradient_expressions)

    @shared_property
    @abstractmethod
    def _float_jacobian(self) -> Callable[..., FloatArray]:
        """The entries of ``jacobian_expressions``."""

    def _arguments(self, theta: ArrayLike, rows: FloatArray | None) -> list[FloatArray]:
        points = self.points(theta)[..., None, :]
        data = self._rows() if rows is None else rows
        return [points[..., k] for k in range(self.dimension)] + [data[..., k] for k in range(len(self.columns))]

    def _checked_arguments(self, theta: ArrayLike, rows: FloatArray | None) -> list[FloatArray]:
        """Arguments of compiled functions, where what is written is real."""
        arguments = self._arguments(theta, rows)
        self._domain.check(arguments, partial(named_row, rows=rows))
        return arguments

    def _rows(self) -> FloatArray:
        if not isinstance(self.law, Empirical):
            raise NotApplicable(_NEEDS_ROWS)
        return self.law.rows

    def row_gradients(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return G of every row, shape (..., rows, d), for theta (..., d).

        Parameters
        ----------
        theta
            Points, shape (..., d).
        rows
            Data rows, shape (..., rows, columns), broadcast against theta's leading axes; the law's own if omitted.

        Raises
        ------
        InputError
            Where what is written is not real, a loss is not differentiable or G is not finite; the message names the
            row.
        """
        arguments = self._checked_arguments(theta, rows)
        if self._pieces is None:
            gradients = self._float_gradient(*arguments)
        else:
            gradients, broken = self._pieces.gradients(arguments)
            if broken.any():
                row = named_row(int(np.argwhere(broken)[0][-1]), rows)
                raise InputError(f"{self.place}: not differentiable at {row} and the given parameters")
        if not np.isfinite(gradients).all():
            row = named_row(int(np.argwhere(~np.isfinite(gradients))[0][-2]), rows)
            raise InputError(
                f"{self.place}: {self.component} is not finite at {row} and the given parameters; "
                f"{finite_forms(self.written)}"
            )
        return gradients

    def lane_gradient(self, lanes: int) -> "LaneFunction":
        """Return G compiled for ``lanes`` points side by side; it is nan where it does not exist."""
        # Numba is slow to import, and only simulation needs it here.
        from adamsym.expressions.simd import UnlessOutside, compile_lanes

        first, *others = self.gradient_expressions if self._pieces is None else self._pieces.lane_gradient()
        for condition in self.domain:
            first = UnlessOutside(first, condition.expression, RELATIONS.index(condition.relation))
        return compile_lanes(self.parameters, self.columns, [first, *others], lanes)

    def row_jacobians(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the Jacobian of every row, shape (..., rows, d, d); arguments and errors as ``row_gradients``."""
        entries = self._row_jacobian_entries(theta, rows)
        d = self.dimension
        if not self.is_symmetric:
            return entries.reshape(*entries.shape[:-1], d, d)
        jacobians = np.empty((*entries.shape[:-1], d, d))
        i, j = np.triu_indices(d)
        jacobians[..., i, j] = entries
        jacobians[..., j, i] = entries
        return jacobians

    def _row_jacobian_entries(self, theta: ArrayLike, rows: FloatArray | None) -> FloatArray:
        arguments = self._checked_arguments(theta, rows)
        pieces = self._pieces
        entries = self._float_jacobian(*arguments) if pieces is None else pieces.hessians(arguments)
        if not np.isfinite(entries).all():
            row = named_row(int(np.argwhere(~np.isfinite(entries))[0][-2]), rows)
            raise InputError(f"{self.place}: the Jacobian is not finite at {row} and the given parameters")
        return entries

    def weighted_jacobian(self, theta: ArrayLike, weights: FloatArray, level: int = 0) -> FloatArray:
        """Return sum_a weights[..., i, a] dG_i(theta, x_a)/dtheta_j, shape (..., d, d), for weights (..., d, rows)."""
        if not self.is_symmetric:
            return super().weighted_jacobian(theta, weights, level)
        return _contracted(weights, self._row_jacobian_entries(theta, self._rule(level)))

    # --- mpmath and balls --------------------------------------------------------------------------------------

    @shared_property
    def _mpmath_gradient(self) -> Callable[..., list[Any]]:
        return compile_mpmath(self._symbols, self.gradient_expressions)

    @shared_property
    def _ball_gradient(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, self.gradient_expressions)

    @shared_property
    def _ball_jacobian(self) -> Callable[..., list[flint.arb]]:
        return compile_ball(self._symbols, self.jacobian_expressions)

    def row_gradients_mpmath(self, theta: Sequence[Any]) -> list[list[Any]]:
        """Return G of every row as mpmath numbers at the working precision: rows lists of d."""
        rows = [[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in self._exact_rows()]
        self._domain.check_mpmath(theta, rows)
        pieces = self._pieces
        if pieces is None:
            return [self._mpmath_gradient(*theta, *row) for row in rows]
        return [pieces.gradient_mpmath([*theta, *row]) for row in rows]

    def require_domain(self, theta: Sequence[flint.arb]) -> None:
        """Prove that what is written is real and finite for every row over the balls ``theta``.

        Raises
        ------
        DomainError
            If that is not proved; the message names the row and the condition.
        """
        if self.domain:
            self._domain.require(theta, self._ball_rows())

    def refute_domain(self, theta: Sequence[flint.arb]) -> str | None:
        """Return why what is written is real nowhere in the box of balls ``theta``; None if that is not proved."""
        return self._domain.refuted(theta, self._ball_rows()) if self.domain else None

    def _ball_rows(self) -> list[list[flint.arb]]:
        return [[ball(x) for x in row] for row in self._exact_rows()]

    def row_gradients_ball(self, theta: Sequence[flint.arb]) -> list[list[flint.arb]]:
        """Return enclosures of G of every row over the balls ``theta``: rows lists of d.

        Where a loss has a kink they hold Clarke's generalized gradient: whatever stands for G there that lies between
        the gradients on both sides.

        Raises
        ------
        DomainError
            If what is written is not proved real over all of them.
        """
        self.require_domain(theta)
        pieces = self._pieces
        if pieces is None:
            return [self._ball_gradient(*theta, *row) for row in self._ball_rows()]
        return [pieces.gradient_ball([*theta, *row]) for row in self._ball_rows()]

    def require_continuous(self, theta: Sequence[flint.arb]) -> None:
        """Prove that every row's G is continuous over the balls ``theta``, where it is real.

        Raises
        ------
        JumpError
            If that is not proved; the message names the row.
        """
        pieces = self._pieces
        for number, row in enumerate([] if pieces is None else self._ball_rows()):
            assert pieces is not None
            if pieces.may_jump([*theta, *row]):
                raise JumpError(
                    f"{self.place}: the gradient of data row {number} may jump in the box, as where what is within "
                    "Abs, Max or Min changes its sign"
                )

    def row_jacobians_ball(self, theta: Sequence[flint.arb]) -> list[list[list[flint.arb]]]:
        """Return enclosures of every row's Jacobian over the balls ``theta``: rows lists of d x d.

        Where G is continuous but has no derivative, as that of Max(0, z)**2 at z = 0, they hold all matrices of
        Clarke's generalized Jacobian: for all x and y in the balls G(y) - G(x) = A (y - x) with A among those enclosed.

        Raises
        ------
        JumpError
            If G is not proved to be continuous over the balls.
        DomainError
            As ``row_gradients_ball``.
        """
        self.require_domain(theta)
        self.require_continuous(theta)
        d, pieces = self.dimension, self._pieces
        found = []
        for row in self._ball_rows():
            entries = self._ball_jacobian(*theta, *row) if pieces is None else pieces.hessian_ball([*theta, *row])
            jacobian = [[flint.arb(0)] * d for _ in range(d)]
            for (i, j), entry in zip(self.jacobian_places, entries, strict=True):
                jacobian[i][j] = entry
                if self.is_symmetric:
                    jacobian[j][i] = entry
            found.append(jacobian)
        return found

    def _exact_rows(self) -> tuple[tuple[Fraction, ...], ...]:
        if not isinstance(self.law, Empirical):
            raise NotApplicable(_NEEDS_ROWS)
        return self.law.exact_rows


def require_expressions(source: StochasticGradient, what: str) -> SymbolicGradient:
    """Return a source whose gradients are expressions, or raise NotApplicable: ``what`` needs them."""
    if not isinstance(source, SymbolicGradient):
        raise NotApplicable(
            f"{what} needs gradients that are expressions, and {type(source).__name__} has none; write a Problem or a "
            "VectorField"
        )
    return source


_NEEDS_ROWS = "data: this needs the rows of an empirical law; a continuous law has none"


def _ends_of(law: Law) -> FloatArray:
    """What of a law the conditions' bounds depend on: the ends of continuous data."""
    return law.ends if isinstance(law, Independent) else np.empty((0, 0))


def _contracted(weights: FloatArray, triangles: FloatArray) -> FloatArray:
    """Sum over rows a of weights (..., i, a) times symmetric H (..., a, i, j), given by upper triangles."""
    d = weights.shape[-2]
    result = np.empty((*weights.shape[:-1], d))
    first = 0
    for i in range(d):
        row = triangles[..., first : first + d - i]
        result[..., i, i:] = np.einsum("...a,...aj->...j", weights[..., i, :], row)
        result[..., i + 1 :, i] = np.einsum("...ja,...aj->...j", weights[..., i + 1 :, :], row[..., 1:])
        first += d - i
    return result
