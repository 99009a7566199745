"""A problem with all that does not depend on theta made ready: gradients as programs, data and rules as arrays."""

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT, Running, stacked
from adamsym.field.float.records import CutoffTable, LagGrid, Rule
from adamsym.field.prepared.laws import FormNumbers, values_of_laws
from adamsym.field.prepared.program import Program
from adamsym.field.values import MOST_REPAIRED, FieldValue, batch_errors, change_of_quotients

if TYPE_CHECKING:
    import flint

IntegerArray = NDArray[np.int64]

TOLERANCE = 1e-13
"""That of :class:`adamsym.AdamField`."""

_SMALLEST_POWER = 340
"""Of ten, as a denominator: numbers in the data are no smaller than 1e-300."""

_ROWS_AT_ONCE = 2**14
"""Rows whose gradients are computed together: every step of a program is an array of them."""

_NO_NUMBERS = ("eps_inside_root", "grid", "cutoff")
_RELATIONS = ("positive", "nonnegative", "nonzero")
_RULE_ARRAYS = ("filter_b", "filter_r", "checks_b", "checks_r")


@dataclass(frozen=True, eq=False)
class PreparedProblem:
    """What :class:`adamsym.AdamField` has of a problem with listed rows or minibatches, and of its method.

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
    shares, probabilities
        Each minibatch's shares of the rows (m, n), none of single rows; and the weights of minibatches, or rows.
    form
        The method's Laplace form.
    exact_rows
        The data as they are written, as numerators and denominators (2, n, columns), where a denominator 0 says that
        the float is exact, and -k stands for 10**k; None if there are too many, or one is too long.
    """

    names: tuple[str, ...]
    start: dict[str, float] | None
    dropped: int
    program: Program
    relations: tuple[str, ...]
    rows: FloatArray
    row_errors: FloatArray
    shares: FloatArray | None
    probabilities: FloatArray
    form: FormNumbers
    exact_rows: IntegerArray | None = None

    @property
    def _fits(self) -> bool:
        """Whether the parts have the types and the shapes that they should have, after they were read."""
        count, (n, columns) = len(self.names), self.rows.shape
        atoms = n if self.shares is None else len(self.shares)
        arrays = [self.rows, self.row_errors, self.probabilities, *(() if self.shares is None else (self.shares,))]
        plain = isinstance(self.dropped, int) and all(isinstance(one, str) for one in self.names)
        plain &= self.start is None or all(type(one) is float for one in self.start.values())
        exact = self.exact_rows
        plain &= exact is None or (
            exact.shape == (2, n, columns) and exact.dtype == np.int64 and exact[1].min(initial=0) >= -_SMALLEST_POWER
        )
        return (
            plain
            and all(one.dtype == np.float64 for one in arrays)
            and self.probabilities.shape == (atoms,)
            and self.row_errors.shape == (n, columns)
            and (self.shares is None or self.shares.shape == (atoms, n))
            and set(self.relations) <= set(_RELATIONS)
            and self.program.inputs == count + columns
            and len(self.program.outputs) == count + len(self.relations)
            and all(type(value) is float for name, value in vars(self.form).items() if name != "rules")
            and all(map(_is_rule, self.form.rules))
        )

    def evaluate(self, theta: FloatArray) -> FieldValue | None:
        """Return f at a point (d,) with an error estimate, as :meth:`adamsym.AdamField.evaluate`.

        None where that does more: where gradients are not finite or the loss may not be real or smooth, where their
        rounding is the larger part of the error of very many, and where a law needs a finer grid.
        """
        shape = len(self.rows), len(theta) + len(self.relations)
        values, errors = np.empty(shape), np.empty(shape)
        for begin in range(0, len(self.rows), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            columns = zip(self.rows[part].T, self.row_errors[part].T, strict=True)
            operands = [*(Running(x, 0.0) for x in theta), *(Running(x, error) for x, error in columns)]
            gradients = stacked(self.program, operands)
            values[part], errors[part] = gradients.value, gradients.error
        if not _all_hold(self.relations, values[:, len(theta) :], errors[:, len(theta) :]):
            return None
        values, errors = values[:, : len(theta)], errors[:, : len(theta)]
        found = self._of_gradients(values, errors)
        if found is None:
            return None
        value, error, moved = found
        # Of more rows the field itself mends none.
        if (moved > 2 * error).any() and len(self.rows) <= MOST_REPAIRED:
            mended = self._mended(theta, values)
            if mended is None:
                return None
            better = mended[1] + mended[2] < error + moved
            value, error, moved = np.where(better, mended, found)
        value, decay = -value, self.form.decay * theta
        return FieldValue(value - decay, error + moved + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay)))

    def _of_gradients(self, values: FloatArray, errors: FloatArray) -> FloatArray | None:
        """F from gradients (n, d), the error estimate, and what the errors of the gradients may change; each (d,)."""
        if not np.isfinite(values).all():
            return None
        if self.shares is not None:
            values, errors = self.shares @ values, batch_errors(self.shares, values, errors)
        found = values_of_laws(list(values.T), self.probabilities, self.form, TOLERANCE)
        if found is None:
            return None
        moved = change_of_quotients(values.T, errors.T, self.probabilities, found[2], self.form)
        return np.array([found[0], found[1], moved])

    def _mended(self, theta: FloatArray, values: FloatArray) -> FloatArray | None:
        """The same from the gradients in ball arithmetic."""
        if self.exact_rows is None:
            return None
        import flint

        from adamsym.field.prepared.exact import nearest_floats

        if self.program.in_balls([flint.arb(0)] * self.program.inputs, []) is None:
            return None
        written = [
            list(zip(*row, strict=True)) for row in zip(self.rows.tolist(), *self.exact_rows.tolist(), strict=True)
        ]

        def enclosed() -> list[list[flint.arb]]:
            rows = ([_ball_of(*numbers) for numbers in row] for row in written)
            found = self.program.in_balls([flint.arb(float(x)) for x in theta], rows)
            return [[flint.arb(x) for x in row[: len(theta)]] for row in found or ()]

        return self._of_gradients(*nearest_floats(enclosed, values))

    def to_bytes(self) -> bytes:
        """Return the problem as an archive of arrays, without any code."""
        arrays: dict[str, NDArray[Any]] = {
            "rows": self.rows,
            "row_errors": self.row_errors,
            "probabilities": self.probabilities,
        }
        if not self.row_errors.any():
            arrays["row_errors"] = np.zeros((0, 0))
        optional = {"shares": self.shares, "exact_rows": self.exact_rows}
        arrays |= {name: part for name, part in optional.items() if part is not None}
        plain: dict[str, Any] = {
            "names": self.names,
            "start": self.start,
            "dropped": self.dropped,
            "program": self.program.to_plain(),
            "relations": self.relations,
            "form": {key: value for key, value in vars(self.form).items() if key != "rules"},
            "rules": [],
        }
        for number, rule in enumerate(self.form.rules):
            numbers = {k: v for k, v in rule._asdict().items() if k not in ("grid", "cutoff")}
            grid = {k: v for k, v in rule.grid._asdict().items() if k not in _RULE_ARRAYS}
            plain["rules"].append([numbers, grid, rule.cutoff.first])
            arrays |= {f"{name}{number}": getattr(rule.grid, name) for name in _RULE_ARRAYS}
            arrays[f"cutoff{number}"] = rule.cutoff.values
        arrays["plain"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
        file = io.BytesIO()
        np.savez(file, **arrays)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "PreparedProblem | None":
        """Return the problem that ``to_bytes`` has written; None if the bytes are no such archive."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            plain = json.loads(arrays["plain"].tobytes())
            rules = tuple(
                _rule(numbers, grid, first, arrays, number)
                for number, (numbers, grid, first) in enumerate(plain["rules"])
            )
            rows, program = arrays["rows"], Program.from_plain(plain["program"])
            errors = arrays["row_errors"] if arrays["row_errors"].size else np.zeros_like(rows)
            found = cls(
                tuple(plain["names"]),
                plain["start"],
                plain["dropped"],
                program,
                tuple(plain["relations"]),
                rows,
                errors,
                arrays.get("shares"),
                arrays["probabilities"],
                FormNumbers(**plain["form"], rules=rules),
                arrays.get("exact_rows"),
            )
            return found if found._fits else None
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError):
            return None
        except (OSError, EOFError, MemoryError, zipfile.BadZipFile, NotImplementedError, zlib.error):
            return None


def _ball_of(x: float, above: int, below: int) -> "flint.arb":
    """A number as it is written: see ``exact_rows``; ``x`` is the float."""
    import flint

    if below == 0:
        return flint.arb(x)
    return flint.arb(above) / (below if below > 0 else 10**-below)


def _all_hold(relations: Sequence[str], values: FloatArray, errors: FloatArray) -> bool:
    """Whether values (n, conditions) known to these errors are all proven to be as they must be."""
    for relation, value, error in zip(relations, values.T, errors.T, strict=True):
        away = np.abs(value) if relation == "nonzero" else value
        if not (away >= error if relation == "nonnegative" else away > error).all():
            return False
    return True


def _is_rule(rule: Rule) -> bool:
    """Whether a rule that was read has numbers and arrays of the types that it should have."""
    arrays = [getattr(rule.grid, name) for name in _RULE_ARRAYS]
    numbers = [value for name, value in rule._asdict().items() if name not in _NO_NUMBERS]
    return (
        all(type(value) is float for value in [*numbers, rule.grid.spacing, rule.grid.decay])
        and all(type(value) is int for value in (rule.grid.per_octave, rule.grid.stride, rule.cutoff.first))
        and type(rule.eps_inside_root) is bool
        and all(one.dtype == np.float64 for one in [*arrays, rule.cutoff.values])
        and [one.ndim for one in [*arrays, rule.cutoff.values]] == [1, 1, 2, 2, 1]
        and len({one.shape[-1] for one in arrays}) == 1
    )


def _rule(
    numbers: dict[str, Any], grid: dict[str, Any], first: int, arrays: dict[str, FloatArray], number: int
) -> Rule:
    of_grid: dict[str, Any] = {name: arrays[f"{name}{number}"] for name in _RULE_ARRAYS}
    own = LagGrid(**grid, **of_grid)
    return Rule(**numbers, grid=own, cutoff=CutoffTable(first, arrays[f"cutoff{number}"]))
