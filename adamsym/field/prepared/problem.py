"""A problem with all that does not depend on theta made ready: gradients as programs, data and rules as arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.field.arrays.laws import FormNumbers, values_of_laws
from adamsym.field.prepared.archive import Parts
from adamsym.field.prepared.rows import PreparedRows, rows_of_parts
from adamsym.field.values import MOST_REPAIRED, FieldValue, batch_errors, change_of_quotients

if TYPE_CHECKING:
    import flint

IntegerArray = NDArray[np.int64]

_SMALLEST_POWER = 340
"""Of ten, as a denominator: numbers in the data are no smaller than 1e-300."""

TOLERANCE = 1e-13
"""That of :class:`adamsym.AdamField`."""


@dataclass(frozen=True, eq=False)
class PreparedProblem(PreparedRows):
    """What :class:`adamsym.AdamField` has of a problem with listed rows or minibatches, and of its method.

    Attributes
    ----------
    shares, probabilities
        Each minibatch's shares of the rows (m, n), none of single rows; and the weights of minibatches, or rows.
    form
        The method's Laplace form.
    exact_rows
        The data as they are written, as numerators and denominators (2, n, columns), where a denominator 0 says that
        the float is exact, and -k stands for 10**k; None if there are too many, or one is too long.
    """

    shares: FloatArray | None
    probabilities: FloatArray
    form: FormNumbers
    exact_rows: IntegerArray | None = None

    def evaluate(self, theta: FloatArray) -> FieldValue | None:
        """Return f at a point (d,) with an error estimate, as :meth:`adamsym.AdamField.evaluate`.

        None where that does more: where gradients are not finite or the loss may not be real or smooth, where their
        rounding is the larger part of the error of very many, and where a law needs a finer grid.
        """
        gradients = self.gradients(theta)
        found = None if gradients is None else self._of_gradients(*gradients)
        if gradients is None or found is None:
            return None
        value, error, moved = found
        # Of more rows the field itself mends none.
        if (moved > 2 * error).any() and len(self.rows) <= MOST_REPAIRED:
            mended = self._mended(theta, gradients[0])
            if mended is None:
                return None
            better = mended[1] + mended[2] < error + moved
            value, error, moved = np.where(better, mended, found)
        value, decay = -value, self.form.decay * theta
        return FieldValue(value - decay, error + moved + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay)), self.names)

    def _of_gradients(self, values: FloatArray, errors: FloatArray) -> FloatArray | None:
        """F from gradients (n, d), the error estimate, and what the errors of the gradients may change; each (d,)."""
        if self.shares is not None:
            values, errors = self.shares @ values, batch_errors(self.shares, values, errors)
        found = values_of_laws(list(values.T), self.probabilities, self.form, TOLERANCE)
        if found is None:
            return None
        moved = change_of_quotients(values.T, errors.T, self.probabilities, found.inverse, self.form)
        return np.array([found.value, found.error, moved])

    def _mended(self, theta: FloatArray, values: FloatArray) -> FloatArray | None:
        """The same from the gradients in ball arithmetic."""
        if self.exact_rows is None:
            return None
        import flint

        from adamsym.field.prepared.exact import nearest_floats

        if self.program.in_balls([flint.arb(0)] * self.program.inputs, [], 0) is None:
            return None
        written = [
            list(zip(*row, strict=True)) for row in zip(self.rows.tolist(), *self.exact_rows.tolist(), strict=True)
        ]

        def enclosed() -> list[list[flint.arb]]:
            rows = ([_ball_of(*numbers) for numbers in row] for row in written)
            return self.program.in_balls([flint.arb(float(x)) for x in theta], rows, len(theta)) or []

        return self._of_gradients(*nearest_floats(enclosed, values))

    def to_bytes(self) -> bytes:
        """Return the problem as an archive of arrays, without any code."""
        parts = self.parts_of_rows("rows").with_form(self.form)
        optional = {"shares": self.shares, "exact_rows": self.exact_rows}
        own = {name: part for name, part in optional.items() if part is not None}
        return Parts(parts.plain, parts.arrays | own | {"probabilities": self.probabilities}).to_bytes()

    @classmethod
    def from_parts(cls, parts: Parts) -> "PreparedProblem":
        """Return the problem that ``to_bytes`` has written.

        Raises
        ------
        ValueError
            If it is none; and what wrong types raise.
        """
        of_rows, arrays = rows_of_parts(parts), parts.arrays
        shares, exact, probabilities = arrays.get("shares"), arrays.get("exact_rows"), arrays["probabilities"]
        count, shape = (len(of_rows.rows) if shares is None else len(shares)), of_rows.rows.shape
        fits = (
            _are_exact(exact, shape)
            and (shares is None or (shares.shape == (count, shape[0]) and shares.dtype == np.float64))
            and (probabilities.shape == (count,) and probabilities.dtype == np.float64)
        )
        if not fits:
            raise ValueError("no prepared problem")
        return cls(**vars(of_rows), shares=shares, probabilities=probabilities, form=parts.form, exact_rows=exact)


def _are_exact(exact: NDArray[Any] | None, shape: tuple[int, ...]) -> bool:
    """Whether numerators and denominators that were read are those of rows, or None."""
    if exact is None:
        return True
    return exact.shape == (2, *shape) and exact.dtype == np.int64 and exact[1].min(initial=0) >= -_SMALLEST_POWER


def _ball_of(x: float, above: int, below: int) -> "flint.arb":
    """A number as it is written: see ``exact_rows``; ``x`` is the float."""
    import flint

    if below == 0:
        return flint.arb(x)
    return flint.arb(above) / (below if below > 0 else 10**-below)
