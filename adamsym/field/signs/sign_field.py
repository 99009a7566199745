"""The field of methods that move along the sign of a sum of past gradients, by number."""

from concurrent.futures import Executor

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.field.adam_field import AdamField
from adamsym.field.float.laplace_quadrature import Quotient
from adamsym.field.float.records import Indices
from adamsym.field.gradient_errors import gradient_errors
from adamsym.field.linearization import Linearization
from adamsym.field.signs.enclosure import enclose_signs
from adamsym.field.signs.lags import lags_of
from adamsym.field.signs.sign_mean import of_listed, sign_mean
from adamsym.field.values import Found, batch_errors
from adamsym.gradients.symbolic import require_expressions
from adamsym.methods import LaplaceForm, Method, SignForm, require_laplace, require_sign

FINEST = 1e-11
"""A memory of ten steps of two values takes a thousand terms for this error, and four thousand for 1e-13."""

_DIFFERENCE = 1e-5
"""Step of central differences, for parameters of size 1."""


class SignField(AdamField):
    """The field f = -E sign(sum_k c_k g_k) - decay theta of a method with a sign form, as Signum or Lion.

    :class:`adamsym.AdamField` makes one for such a method. Values come from the characteristic function of the sum, or
    from listing the first lags, whichever errs less (theory N-Proposition 15). f need not be differentiable:
    derivatives are those of f smoothed over a small distance, and have no enclosures. Other arguments, methods and
    errors are those of AdamField; derivatives in hyper-parameters and certificate files need a Laplace form.
    """

    @property
    def accuracy(self) -> float:
        """The error that is aimed at: ``tolerance``, but at least 1e-11, for the last digits cost most."""
        return max(self.tolerance, FINEST)

    def _read(self, adam: Method) -> None:
        self._sign = require_sign(adam, "the field of signs")
        self._lags = lags_of(self._sign)

    @property
    def sign(self) -> SignForm:
        """The method's lag weights and decay."""
        return self._sign

    @property
    def form(self) -> LaplaceForm:
        """None: a message says so."""
        return require_laplace(self.adam, "this")

    @property
    def decay(self) -> float:
        """The coefficient lambda of the term -lambda theta."""
        return float(self._sign.decay)

    @property
    def step_bound(self) -> float:
        """1: no step is longer, but for decay."""
        return 1.0

    def jacobian(self, theta: ArrayLike) -> FloatArray:
        """Return Df at theta (..., d) as float64 (..., d, d), of f smoothed; by differences for laws in closed form."""
        if not self._closed_forms:
            return super().jacobian(theta)
        points = self.problem.points(theta)
        columns = []
        for k in range(self.problem.dimension):
            step = _DIFFERENCE * np.maximum(1.0, np.abs(points[..., k]))[..., None]
            moved = step * np.eye(self.problem.dimension)[k]
            columns.append((self(points + moved) - self(points - moved)) / (2 * step))
        return np.stack(columns, axis=-1)

    def linearize(self, theta: ArrayLike) -> Linearization:
        """Return f and Df at one point theta (d,); see :meth:`AdamField.linearize`.

        Raises
        ------
        NotApplicable
            As there; and where the gradient's law is continuous and the newest gradients alone count.
        """
        if self._lags.finite and self.problem.law.levels > 1:
            raise NotApplicable(
                f"adam: {type(self.adam).__name__} has no memory, and the law of the data is continuous: there are no "
                "products with the field's derivative; jacobian(theta) gives it"
            )
        return super().linearize(theta)

    def enclose(self, box: ArrayLike, executor: Executor | int | None = None) -> FloatArray:
        """Return proven lower and upper bounds of f over boxes: (d, 2) or (n, d, 2) in, the same shape out.

        About 1e-4 apart at points for memories of ten steps of two values; far less where few histories decide. Over
        boxes they grow apart with the sides, times the density of M at 0. A sum that is exactly 0 has no sign: its
        probability adds nothing where only finitely many gradients count and they are exact, and is 0 elsewhere.
        Arguments as of :meth:`AdamField.enclose`.

        Raises
        ------
        InputError
            As there.
        NotApplicable
            If the data is no list of rows.
        """
        return enclose_signs(require_expressions(self.problem, "an enclosure"), self._sign, box, executor)

    def enclose_jacobian(self, box: ArrayLike, executor: Executor | int | None = None) -> FloatArray:
        """Raise NotApplicable: f need not be differentiable."""
        raise NotApplicable(
            "adam: the field of a sign method need not be differentiable, and its Jacobian is not enclosed"
        )

    def _by_closed_forms(self, points: FloatArray) -> tuple[Found, FloatArray]:
        """Values, with what the rounding of the laws' parameters may change in their errors."""
        laws = [form(point) for point in points for form in self._closed_forms]
        found = [sign_mean(law, self._sign, self.accuracy, moved) for law, moved in laws]
        value, error = (
            np.array(column).reshape(points.shape)
            for column in ([-one.value for one in found], [one.error for one in found])
        )
        return Found(value, error, np.ones_like(value)), np.zeros_like(value)

    def _quotient(self, atoms: FloatArray, p: FloatArray, size: int = 1, sensitivity: bool = False) -> Quotient:
        """E sign M of each coordinate of atoms (points, n, d), point after point; of means of ``size`` draws."""
        laws = np.moveaxis(atoms, -1, 1).reshape(-1, len(p))
        found = [of_listed(law, p, size, self._lags, self.accuracy, sensitivity) for law in laws]
        if self.progress is not None:
            self.progress(len(laws), len(laws))
        slopes = np.array([one.sensitivity for one in found]).reshape(laws.shape) if sensitivity else None
        value, error = np.array([(one.value, one.error) for one in found]).reshape(-1, 2).T
        return Quotient(value, error, np.ones_like(value), slopes, np.zeros(len(laws), dtype=np.int_))

    def _with_rounding(self, points: FloatArray, found: Found, levels: Indices) -> tuple[Found, FloatArray]:
        """The values, and what the rounding of the gradients adds to their errors."""
        moved = np.zeros_like(points)
        for k, level in enumerate(map(int, levels)):
            gradients, p = self.problem.row_atoms(points[k][None], level)
            errors, size = gradient_errors(self.problem, points[k][None], gradients, level), self.problem.batch_size
            if self.problem.lists_batches(level):
                (shares, p), size = self.problem.batches(level), 1
                errors = batch_errors(shares, gradients, errors)
                gradients = gradients if shares is None else np.einsum("nr,...rd->...nd", shares, gradients)
            for i in np.flatnonzero(errors[0].any(axis=0)):
                atoms, doubt = gradients[0, :, i], errors[0, :, i]
                exact, doubtful = (of_listed(atoms, p, size, self._lags, self.accuracy, False, x) for x in (0.0, doubt))
                moved[k, i] = max(0.0, doubtful.error - exact.error) + abs(doubtful.value - exact.value)
        return found, moved
