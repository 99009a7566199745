"""What was made ready as an archive of numbers and plain data, without any code."""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.field.arrays.laws import FormNumbers
from adamsym.field.float.records import CutoffTable, LagGrid, Rule

BROKEN = (
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError),
    *(OSError, EOFError, MemoryError, zipfile.BadZipFile, NotImplementedError, zlib.error),
)
"""What reading raises of bytes that are no such archive."""

_NO_NUMBERS = ("eps_inside_root", "grid", "cutoff")
_RULE_ARRAYS = ("filter_b", "filter_r", "checks_b", "checks_r")


@dataclass(frozen=True)
class Parts:
    """What an archive holds: plain data and arrays."""

    plain: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    @property
    def form(self) -> FormNumbers:
        """The numbers of a form, if :meth:`with_form` has added any; raises one of ``BROKEN`` if not."""
        rules = tuple(
            _rule(own, grid, first, self.arrays, number)
            for number, (own, grid, first) in enumerate(self.plain["rules"])
        )
        form = FormNumbers(**self.plain["form"], rules=rules)
        if not all(type(value) is float for name, value in vars(form).items() if name != "rules"):
            raise ValueError("no numbers of a form")
        if not all(map(_is_rule, rules)):
            raise ValueError("no rules")
        return form

    def with_form(self, form: FormNumbers) -> "Parts":
        """Return the parts with the numbers of a form."""
        numbers = {key: value for key, value in vars(form).items() if key != "rules"}
        rules, arrays = list[Any](), dict(self.arrays)
        for number, rule in enumerate(form.rules):
            own = {k: v for k, v in rule._asdict().items() if k not in ("grid", "cutoff")}
            grid = {k: v for k, v in rule.grid._asdict().items() if k not in _RULE_ARRAYS}
            rules.append([own, grid, rule.cutoff.first])
            arrays |= {f"{name}{number}": getattr(rule.grid, name) for name in _RULE_ARRAYS}
            arrays[f"cutoff{number}"] = rule.cutoff.values
        return Parts(self.plain | {"form": numbers, "rules": rules}, arrays)

    def to_bytes(self) -> bytes:
        """Return the archive."""
        file = io.BytesIO()
        plain = np.frombuffer(json.dumps(self.plain).encode(), dtype=np.uint8)
        np.savez(file, **self.arrays, plain=plain)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Parts":
        """Return what ``to_bytes`` has written; raises one of ``BROKEN`` for other bytes."""
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return cls(json.loads(arrays["plain"].tobytes()), arrays)


def are_told(names: tuple[str, ...], start: dict[str, float] | None, dropped: int) -> bool:
    """Return whether names, a start, and the number of dropped rows have the types that they should have."""
    return (
        isinstance(dropped, int)
        and all(isinstance(one, str) for one in names)
        and (start is None or all(type(one) is float for one in start.values()))
    )


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
