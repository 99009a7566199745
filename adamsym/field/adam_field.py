"""The Adam field of a problem, by number."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress
from adamsym.expressions.results import counted
from adamsym.expressions.running import UNIT
from adamsym.expressions.signatures import shown_by_init
from adamsym.field.backends import quotient_of
from adamsym.field.float.forms import float_form
from adamsym.field.float.laplace_quadrature import Quotient, check_threads, check_tolerance
from adamsym.field.gradient_errors import change_of_field, exact_gradients, gradient_errors
from adamsym.field.hyperparameters import HyperparameterDerivatives, hyperparameter_derivatives
from adamsym.field.laws.closed_forms import ClosedForm, closed_forms
from adamsym.field.laws.gradient_laws import GradientLaw
from adamsym.field.laws.law_quotient import law_quotient
from adamsym.field.linearization import Linearization, require_products
from adamsym.field.values import MOST_REPAIRED, FieldValue, Found, RefusedLaws, require_room, unfinished
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.gradients.problem import require_loss
from adamsym.gradients.symbolic import SymbolicGradient, require_expressions
from adamsym.methods import LaplaceForm, Method, require_laplace

if TYPE_CHECKING:
    from adamsym.symbolic import SymbolicField

_ENTRIES_AT_ONCE = 2**21
"""Gradient atoms and grid values held at once: 16 MB each, whatever the number of points."""

_GRID_SIZE = 1024
"""A grid's usual number of nodes, for the bound on memory."""


@shown_by_init
class AdamField:
    """The Adam field f(theta) = -E[M/(sqrt(V) + eps)] of a problem (theory T4), or that of another method.

    Parameters
    ----------
    problem
        The source of the stochastic gradients, such as a :class:`adamsym.gradients.Problem`: loss, law of the data and
        batch size; or an array (n, d) of the gradients of n rows at one point.
    adam
        Adam, a relative from :mod:`adamsym.methods`, or any method with a Laplace form: its own lag weights, kernel and
        weight decay; or with a sign form, as Lion (theory N-Proposition 15).
    tolerance
        The quadrature's error where atoms are listed, in units of min(C, E|g|/eps): 1e-14 to 1e-3; networks: 1e-10.
    threads
        Threads that share the coordinates; the results are the same for any number.
    backend
        "numba", loops on the processor; "numpy", arrays there: a first value takes a second, for there is nothing to
        compile, and many values take longer; or "jax": listed atoms are summed on JAX's default device, such as an
        accelerator. They agree to the errors stated.
    progress
        Called with the number of laws of a coordinate at a point that are done, and of all that are done together: of
        many parameters they take seconds to minutes. :func:`adamsym.progress_bar` has one for a terminal.

    Raises
    ------
    InputError
        If the method has neither a Laplace form nor a sign form; :func:`monte_carlo` estimates its field.

    Examples
    --------
    >>> from adamsym import Adam, Empirical, Problem
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> field = AdamField(problem, Adam(beta1=0.9, beta2=0.999, eps=1e-8))
    >>> print(field([[0.9995], [0.9996]])[:, 0].round(10))  # the zero is not the mean 1
    [ 2.80240e-06 -6.78449e-05]
    """

    def __new__(cls, problem: object = None, *arguments: object, **named: object) -> "AdamField":
        """Choose the class for how rows are drawn, epochs have one of their own, and for methods that take signs."""
        if cls is AdamField and getattr(problem, "sampling", "replacement") != "replacement":
            from adamsym.field.epochs.epoch_field import EpochField

            return object.__new__(EpochField)
        adam = named.get("adam", arguments[0] if arguments else None)
        if cls is AdamField and isinstance(adam, Method) and adam.laplace is None and adam.sign_form is not None:
            from adamsym.field.signs.sign_field import SignField

            return object.__new__(SignField)
        return object.__new__(cls)

    @checked_arguments
    def __init__(
        self,
        problem: StochasticGradient,
        adam: Method,
        tolerance: float = 1e-13,
        threads: int = 1,
        backend: str = "numba",
        *,
        progress: Progress | None = None,
    ) -> None:
        self._read(adam)
        self.problem, self.adam = problem, adam
        check_tolerance(tolerance)
        check_threads(threads)
        self.tolerance, self.threads, self.backend = tolerance, threads, backend
        self._quotient_of = quotient_of(backend)
        self.progress = progress

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {counted(self.problem.dimension, 'parameter')}, {self.adam!r}>"

    def _read(self, adam: Method) -> None:
        """Take what the field needs to know of the method."""
        if adam.laplace is None:
            raise InputError(
                f"adam: {type(adam).__name__} has no Laplace form, so that there is no quadrature of its field; "
                "monte_carlo(problem, method, theta, seed) estimates it"
            )
        self._form = float_form(adam)

    def __call__(self, theta: ArrayLike) -> FloatArray:
        """Return f at theta (..., d) as float64 (..., d), to about 1e-13 of the step bound C.

        Where all gradients are small the error is small beside E|g|/eps, so zeros near interpolation stay sharp. The
        gradients are taken as float64 gives them; ``evaluate`` says where their terms cancel, and mends it.

        Raises
        ------
        InputError
            If theta has the wrong shape or is not finite, or the loss is not differentiable there.
        """
        points = self.problem.points(theta)
        flat = points.reshape(-1, self.problem.dimension)
        found = self._by_closed_forms(flat)[0] if self._closed_forms else self._by_rules(flat)[0]
        return np.asarray((found.value - self.decay * flat).reshape(points.shape))

    def evaluate(self, theta: ArrayLike) -> FieldValue:
        """Return f at theta (..., d) with an error estimate; arguments and errors as for a call.

        The estimate is the quadrature's, and counts the rounding of the gradients, for theta and the data as they are
        given. Where that is the larger part, the gradients of an empirical law are computed again in ball arithmetic,
        for up to 20,000 rows: then the value is better than that of a call.
        """
        points = self.problem.points(theta)
        flat = points.reshape(-1, self.problem.dimension)
        if self._closed_forms:
            found, moved = self._by_closed_forms(flat)
        else:
            found, levels = self._by_rules(flat)
            found, moved = self._with_rounding(flat, found, levels)
        value, decay = found.value, self.decay * flat
        error = found.error + moved + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay))
        return FieldValue((value - decay).reshape(points.shape), error.reshape(points.shape), tuple(self.problem.names))

    def jacobian(self, theta: ArrayLike) -> FloatArray:
        """Return Df at theta (..., d) as float64 (..., d, d), by differentiating under the integral.

        df_i/dtheta = -sum_a dF/dg_a(coordinate i) H_a[i, :], H_a the Jacobian of the atom a. A continuous law is
        replaced by the Gauss rule at which the field's value has converged.

        Raises
        ------
        InputError
            As for a call; and where a row's Jacobian is not finite, or there is none.
        """
        points = self.problem.points(theta)
        d = self.problem.dimension
        flat = points.reshape(-1, d)
        levels = np.zeros(len(flat), dtype=np.int_) if self.problem.law.levels == 1 else self._converged(flat)[1]
        result = np.empty((len(flat), d, d))
        for level in np.unique(levels):
            alike = np.flatnonzero(levels == level)
            for part in self._parts(len(alike), int(level)):
                chosen = alike[part]
                rows, _ = self.problem.row_atoms(flat[chosen], int(level))
                _, weights = self._of_gradients(rows, int(level), weighted=True)
                result[chosen] = self.problem.weighted_jacobian(flat[chosen], weights, int(level))
        result -= self.decay * np.eye(d)
        return result.reshape(*points.shape, d)

    def linearize(self, theta: ArrayLike) -> Linearization:
        """Return f and Df at one point theta (d,), Df by its products with vectors, for many parameters too.

        Raises
        ------
        InputError
            As for ``jacobian``; and if theta is not of shape (d,).
        NotApplicable
            If the source of the gradients has neither Jacobians of its rows nor products with them.
        """
        point = require_products(self.problem, theta)
        levels = self._converged(point[None])[1] if self.problem.law.levels > 1 else [0]
        rows, _ = self.problem.row_atoms(point[None], int(levels[0]))
        found, weights = self._of_gradients(rows, int(levels[0]), weighted=True)
        if isinstance(self.problem, SymbolicGradient) or self.problem.law.levels > 1:
            value = self.evaluate(point)
        else:
            # Gradients that are no expressions are taken as exact: there is no rounding to count.
            values, decay = found.value[0], self.decay * point
            error = found.error[0] + 2 * UNIT * (np.abs(values) + 2 * np.abs(decay))
            value = FieldValue(values - decay, error)
        return Linearization(point, value.value, value.error, self.problem, weights[0], int(levels[0]), self.decay)

    @property
    def form(self) -> LaplaceForm:
        """The method's lag weights, kernel and decay."""
        return self._form.form

    @property
    def decay(self) -> float:
        """The coefficient lambda of the term -lambda theta."""
        return float(self.form.decay)

    @property
    def step_bound(self) -> float:
        """C with |M| <= C sqrt V (theory T1): |f + lambda theta| <= C where phi(v) <= 1/sqrt(v)."""
        return self._form.step_bound

    @property
    def _lipschitz(self) -> float:
        """How many times E phi(V) F changes, at most, per change of the gradients (theory T2)."""
        return self._form.absolute + self._form.step_bound

    def hyperparameter_derivatives(self, theta: ArrayLike) -> HyperparameterDerivatives:
        """Return df/dbeta1, df/dbeta2 and df/deps at theta (..., d), each (..., d), with error estimates.

        What is no number of the method, as beta1 of RMSprop, has nan.

        Raises
        ------
        InputError
            As for a call; for a method without the numbers beta2 and eps; and at beta2 = 0.
        """
        points = self.problem.points(theta)
        # Differences of close methods want full accuracy, whatever the tolerance.
        fields = partial(AdamField, self.problem, threads=self.threads, backend=self.backend)
        return hyperparameter_derivatives(lambda method: fields(method)(points), self.adam)

    def enclose(self, box: ArrayLike, executor: Executor | int | None = None) -> FloatArray:
        """Return proven lower and upper bounds of f over boxes: (d, 2) or (n, d, 2) in, the same shape out.

        One or two units in the last place at points (lower = upper); over small boxes the excess shrinks with the
        square of the width. Ball arithmetic with every truncation bounded (theory T5), in mean-value form; see
        :mod:`adamsym.field.ball.enclosure`. Where the work would be too much the bounds are wide, but hold.
        Many boxes are worth an ``executor``: a number of processes, or any of ``concurrent.futures``.

        Raises
        ------
        InputError
            If the shape is wrong, a lower end exceeds its upper end, or the data's law is continuous and that of the
            gradients has no closed form.
        """
        from adamsym.field.ball.enclosure import enclose

        return enclose(*self._enclosed(), box, executor)

    def enclose_jacobian(self, box: ArrayLike, executor: Executor | int | None = None) -> FloatArray:
        """Return proven lower and upper bounds of Df over boxes: (d, 2) in, (d, d, 2) out; (n, d, 2) in, (n, d, d, 2).

        Raises
        ------
        InputError
            As for ``enclose``; and where a row's gradient may jump in a box (``JumpError``).
        """
        from adamsym.field.ball.enclosure import enclose_jacobian

        return enclose_jacobian(*self._enclosed(), box, executor)

    def _enclosed(self) -> tuple[SymbolicGradient, LaplaceForm]:
        return require_expressions(self.problem, "an enclosure"), require_laplace(self.adam, "an enclosure")

    @property
    def symbolic(self) -> "SymbolicField":
        """The field's SymPy forms: ``.series``, ``.laplace``, ``.limits``, ``.expansion(order)``."""
        from adamsym.symbolic import SymbolicField

        return SymbolicField(require_loss(self.problem, "a symbolic form"), self.adam)

    @cached_property
    def _closed_forms(self) -> list[ClosedForm]:
        return closed_forms(self.problem)

    def _by_closed_forms(self, points: FloatArray) -> tuple[Found, FloatArray]:
        """Values, and what the rounding of the laws' parameters may change."""
        laws = [[form(point) for form in self._closed_forms] for point in points]
        found = self._of_laws([[law for law, _ in row] for row in laws])
        moved = np.array([[moved for _, moved in row] for row in laws]).reshape(points.shape)
        return found, np.asarray(moved * self._lipschitz * found.inverse)

    def _of_laws(self, laws: Sequence[Sequence[GradientLaw]]) -> Found:
        found = [law_quotient(law, self.form) for row in laws for law in row]
        shape = (len(laws), self.problem.dimension)
        columns = np.array([(-one.value, one.error, one.inverse) for one in found]).reshape(-1, 3).T
        return Found(*(column.reshape(shape) for column in columns))

    def _parts(self, points: int, level: int) -> Iterator[slice]:
        """Slices of points that keep memory bounded at a level of the law's discretisation."""
        d = self.problem.dimension
        require_room(len(self.problem.law.discretise(level)[1]), d)
        atoms = len(self.problem.batches(level)[1]) if self.problem.lists_batches(level) else 1
        width = max(1, _ENTRIES_AT_ONCE // (d * max(atoms * d, _GRID_SIZE)))
        return (slice(start, start + width) for start in range(0, points, width))

    def _with_rounding(
        self, points: FloatArray, found: Found, levels: "np.ndarray[tuple[int, ...], np.dtype[np.int_]]"
    ) -> tuple[Found, FloatArray]:
        """Values, mended where the gradients' rounding is the larger part of their errors, and what it may change."""
        moved = np.zeros_like(points)
        if not isinstance(self.problem, SymbolicGradient) and self.problem.batch_size == 1:
            return found, moved
        budget = MOST_REPAIRED
        for level in np.unique(levels):
            alike = np.flatnonzero(levels == level)
            for part in self._parts(len(alike), int(level)):
                chosen = alike[part]
                gradients, _ = self.problem.row_atoms(points[chosen], int(level))
                errors = gradient_errors(self.problem, points[chosen], gradients, int(level))
                moved[chosen] = change_of_field(
                    self.problem, self._form, gradients, errors, found.inverse[chosen], int(level)
                )
        if not isinstance(self.problem, SymbolicGradient) or not isinstance(self.problem.law, Empirical):
            return found, moved
        value, error, inverse = found.value.copy(), found.error.copy(), found.inverse.copy()
        for k in np.flatnonzero((moved > 2 * found.error).any(axis=1)):
            gradients = self.problem.row_gradients(points[k])
            budget -= len(gradients)
            if budget < 0:
                break
            gradients, errors = exact_gradients(self.problem, points[k], gradients)
            mended, _ = self._of_gradients(gradients[None], 0)
            change = change_of_field(self.problem, self._form, gradients[None], errors[None], mended.inverse)
            better = change[0] + mended.error[0] < moved[k] + error[k]
            for kept, new in ((value, mended.value), (error, mended.error), (inverse, mended.inverse), (moved, change)):
                kept[k, better] = new[0, better]
        return Found(value, error, inverse), moved

    def _of_gradients(self, gradients: FloatArray, level: int, weighted: bool = False) -> tuple[Found, FloatArray]:
        """Values from the rows' gradients (points, rows, d); and if asked for the weights of the rows, else none.

        The weights w (points, d, rows) are those with df_i/dtheta = sum_a w_ia dG_i(x_a)/dtheta - decay: -dF_i/dg_a; a
        minibatch's part in the mean is shared among its rows.
        """
        shares, p, size = None, self.problem.law.discretise(level)[1], self.problem.batch_size
        if self.problem.lists_batches(level):
            (shares, p), size = self.problem.batches(level), 1
        atoms = gradients if shares is None else np.einsum("nr,...rd->...nd", shares, gradients)
        found = self._quotient(atoms, p, size, weighted)
        shape = (len(gradients), self.problem.dimension)
        value = Found(-found.value.reshape(shape), found.error.reshape(shape), found.inverse.reshape(shape))
        if found.sensitivity is None:
            return value, np.empty((*shape, 0))
        weights = -found.sensitivity.reshape(*shape, -1)
        return value, weights if shares is None else weights @ shares

    def _quotient(self, atoms: FloatArray, p: FloatArray, size: int = 1, sensitivity: bool = False) -> Quotient:
        """F of each coordinate of atoms (points, n, d), point after point; of means of ``size`` draws from them."""
        laws = np.moveaxis(atoms, -1, 1).reshape(-1, len(p))
        try:
            return self._quotient_of(laws, p, size, self.form, sensitivity, self.tolerance, self.threads, self.progress)
        except RefusedLaws as error:
            d = atoms.shape[-1]
            raise RefusedLaws(sorted({k % d for k in error.laws}), d, error.first, "coordinates") from error

    def _at_level(self, points: FloatArray, level: int) -> Found:
        found = [
            self._of_gradients(self.problem.row_atoms(points[part], level)[0], level)[0]
            for part in self._parts(len(points), level)
        ]
        return Found.joined(found, points.shape[1])

    def _by_rules(self, points: FloatArray) -> tuple[Found, np.ndarray[tuple[int, ...], np.dtype[np.int_]]]:
        found, levels = self._converged(points)
        if self.problem.is_smooth or self.problem.law.levels == 1:
            return found, levels
        return Found(found.value, found.error + self._of_one_node(points), found.inverse), levels

    def _converged(self, points: FloatArray) -> tuple[Found, np.ndarray[tuple[int, ...], np.dtype[np.int_]]]:
        """Values, and for each point the level of the law's discretisation that agrees with the two before.

        Two may agree by chance. With kinks more may, so that there all levels are used.
        """
        found, levels = self._at_level(points, 0), np.zeros(len(points), dtype=np.int_)
        if self.problem.law.levels == 1:
            return found, levels
        value, error, inverse = found.value, found.error, found.inverse
        pending, agreed = np.arange(len(points)), np.zeros(len(points), dtype=bool)
        differences = np.zeros((3, *points.shape))
        for level in range(1, self.problem.law.levels):
            fine = self._at_level(points[pending], level)
            difference = np.abs(fine.value - value[pending])
            differences[:2], differences[2, pending] = differences[1:], difference
            value[pending], error[pending], levels[pending] = fine.value, fine.error + difference, level
            inverse[pending] = fine.inverse
            agrees = (
                np.all(difference <= fine.error, axis=1) if self.problem.is_smooth else np.zeros(len(pending), bool)
            )
            left = ~(agrees & agreed)
            pending, agreed = pending[left], agrees[left]
            if not len(pending):
                break
        error[pending] += unfinished(differences[:, pending])
        return Found(value, error, inverse), levels

    def _of_one_node(self, points: FloatArray) -> FloatArray:
        """How far f moves if the gradients of one node of the finest rule lie on the wrong side of a jump.

        The rule sees no jump between its nodes: then all levels may agree, and be wrong by so much.
        """
        rows, probabilities = self.problem.row_atoms(points, self.problem.law.levels - 1)
        share = probabilities.max() ** (1 / len(self.problem.law.names))
        weights = np.append((1 - share) * probabilities, share)
        moved = []
        for end in (rows.min(axis=1), rows.max(axis=1)):
            atoms = np.concatenate([rows, end[:, None]], axis=1)
            moved.append(self._quotient(atoms, weights, self.problem.batch_size).value.reshape(points.shape))
        return np.asarray(np.abs(moved[1] - moved[0]))
