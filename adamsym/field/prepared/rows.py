"""Gradients of listed rows from a program: what is prepared of every problem whose data are rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import Running, stacked
from adamsym.field.prepared.archive import Parts, are_told
from adamsym.field.prepared.program import Program

_ROWS_AT_ONCE = 2**14
"""Rows whose gradients are computed together: every step of a program is an array of them."""

_RELATIONS = ("positive", "nonnegative", "nonzero")


@dataclass(frozen=True, eq=False)
class PreparedRows:
    """The gradients of a problem's rows.

    Attributes
    ----------
    names, start, dropped
        The parameters, the start in the problem file, and how many of its rows were left out.
    program
        The gradient of a row, of the parameters and the columns; then what must be "positive", "nonnegative" or
        "nonzero" at every row by the ``relations``: else the loss is not real, or may have a kink there.
    relations
        See above.
    rows, row_errors
        The data (n, columns), and how far they may be from what is written.
    """

    names: tuple[str, ...]
    start: dict[str, float] | None
    dropped: int
    program: Program
    relations: tuple[str, ...]
    rows: FloatArray
    row_errors: FloatArray

    def gradients(self, theta: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return the rows' gradients (n, d) at a point, and bounds of their errors.

        None where one is not finite, or the loss may not be real or smooth.
        """
        count = len(theta)
        values, errors = np.empty((2, len(self.rows), count + len(self.relations)))
        for begin in range(0, len(self.rows), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            columns = zip(self.rows[part].T, self.row_errors[part].T, strict=True)
            operands = [*(Running(x, 0.0) for x in theta), *(Running(x, error) for x, error in columns)]
            found = stacked(self.program, operands)
            values[part], errors[part] = found.value, found.error
        if not _all_hold(self.relations, values[:, count:], errors[:, count:]):
            return None
        return (values[:, :count], errors[:, :count]) if np.isfinite(values[:, :count]).all() else None

    def parts_of_rows(self, kind: str) -> Parts:
        """Return the parts that are here, of an archive of a kind."""
        errors = self.row_errors if self.row_errors.any() else np.zeros((0, 0))
        arrays: dict[str, NDArray[Any]] = {"rows": self.rows, "row_errors": errors}
        plain = {
            "kind": kind,
            "names": self.names,
            "start": self.start,
            "dropped": self.dropped,
            "program": self.program.to_plain(),
            "relations": self.relations,
        }
        return Parts(plain, arrays)


def rows_of_parts(parts: Parts) -> PreparedRows:
    """Return what :meth:`PreparedRows.parts_of_rows` has written.

    Raises
    ------
    ValueError
        If it is none; and what wrong types raise.
    """
    plain, rows, errors = parts.plain, parts.arrays["rows"], parts.arrays["row_errors"]
    errors = errors if errors.size else np.zeros_like(rows)
    names, relations, program = tuple(plain["names"]), tuple(plain["relations"]), Program.from_plain(plain["program"])
    fits = (
        are_told(names, plain["start"], plain["dropped"])
        and rows.ndim == 2
        and rows.shape == errors.shape
        and rows.dtype == errors.dtype == np.float64
        and set(relations) <= set(_RELATIONS)
        and program.inputs == len(names) + rows.shape[1]
        and len(program.outputs) == len(names) + len(relations)
    )
    if not fits:
        raise ValueError("no prepared rows")
    return PreparedRows(names, plain["start"], plain["dropped"], program, relations, rows, errors)


def _all_hold(relations: Sequence[str], values: FloatArray, errors: FloatArray) -> bool:
    """Whether values (n, conditions) known to these errors are all proven to be as they must be."""
    for relation, value, error in zip(relations, values.T, errors.T, strict=True):
        away = np.abs(value) if relation == "nonzero" else value
        if not (away >= error if relation == "nonnegative" else away > error).all():
            return False
    return True
