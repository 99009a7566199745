"""Branches of zeros: what a sweep finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from adamsym.continuation.axes import Axis
from adamsym.dynamics.zero_point import SHOWN, ZeroStability
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Drawable, counted, plain

ChangeKind = Literal["fold", "Hopf", "branch point"]


@dataclass(frozen=True)
class BranchPoint:
    """A zero of the field by number, at one value of a parameter.

    Attributes
    ----------
    value
        The parameter's value.
    zero
        theta, shape (d,).
    stability
        As of :class:`adamsym.dynamics.ZeroPoint`.
    eigenvalue
        The eigenvalue of Df with the largest real part.
    distance, loss_excess
        Of the critical point of the loss beside it, and the loss above that there; nan where none was found.
    predicted
        Where the zero should be to leading order in 1 - beta2, shape (d,); None without such a prediction.
    predicted_distance, predicted_excess
        What follows from it; nan without one.
    """

    value: float
    zero: FloatArray
    stability: ZeroStability
    eigenvalue: complex
    distance: float
    loss_excess: float
    predicted: FloatArray | None
    predicted_distance: float
    predicted_excess: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers, texts and None."""
        found = {name: plain(value) for name, value in vars(self).items() if name != "eigenvalue"}
        return found | {"eigenvalue": plain([self.eigenvalue.real, self.eigenvalue.imag])}


@dataclass(frozen=True)
class Change:
    """Where zeros meet and vanish (a fold), or their stability changes: by number.

    At a "Hopf" point two complex eigenvalues of Df cross the imaginary axis; at a "branch point" a real one passes 0
    while the branch goes on.
    """

    kind: ChangeKind
    value: float
    zero: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers and texts."""
        return {name: plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Branch:
    """Zeros that belong together, in order along the curve.

    Attributes
    ----------
    parameter
        What varies along it.
    fixed
        The values of the sweep's other parameters.
    points
        The zeros.
    folds, changes
        Where the curve turns back, and where the stability changes otherwise.
    ends
        Why it ends where it begins, and where it ends.
    """

    parameter: str
    fixed: Mapping[str, float]
    points: tuple[BranchPoint, ...]
    folds: tuple[Change, ...]
    changes: tuple[Change, ...]
    ends: tuple[str, str]

    @property
    def values(self) -> FloatArray:
        """The parameter's values, shape (n,)."""
        return np.array([point.value for point in self.points])

    @property
    def zeros(self) -> FloatArray:
        """The zeros, shape (n, d)."""
        return np.array([point.zero for point in self.points])

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers, texts and None."""
        return {
            "parameter": self.parameter,
            "fixed": dict(self.fixed),
            "points": [point.to_dict() for point in self.points],
            "folds": [fold.to_dict() for fold in self.folds],
            "changes": [change.to_dict() for change in self.changes],
            "ends": list(self.ends),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Branch":
        """Return the branch that ``to_dict`` describes."""
        return cls(
            record["parameter"],
            dict(record["fixed"]),
            tuple(_point(one) for one in record["points"]),
            *(
                tuple(Change(one["kind"], one["value"], np.array(one["zero"])) for one in record[key])
                for key in ("folds", "changes")
            ),
            (record["ends"][0], record["ends"][1]),
        )


def _point(record: Mapping[str, Any]) -> BranchPoint:
    numbers = {name: np.nan if value is None else value for name, value in record.items()}
    real, imaginary = record["eigenvalue"]
    predicted = record["predicted"]
    return BranchPoint(
        **{
            **numbers,
            "zero": np.array(record["zero"]),
            "eigenvalue": complex(np.nan if real is None else real, np.nan if imaginary is None else imaginary),
            "predicted": None if predicted is None else np.array(predicted),
        }
    )


@dataclass(frozen=True, repr=False)
class Sweep(Drawable):
    """The branches of zeros that a sweep has followed: floating-point evidence.

    Attributes
    ----------
    names
        The field's parameters.
    axes
        What was varied; the first one along the branches.
    branches
        What was found.
    not_followed
        For each start from which nothing could be followed, the fixed values and the reason.
    """

    names: tuple[str, ...]
    axes: tuple[Axis, ...]
    branches: tuple[Branch, ...]
    not_followed: tuple[tuple[Mapping[str, float], str], ...]

    @property
    def summary(self) -> str:
        """How many branches, folds and changes there are, and how they end."""
        if not self.branches:
            return f"no zero was followed: {self.not_followed[0][1]}" if self.not_followed else "no zero was found"
        folds = sum(len(branch.folds) for branch in self.branches)
        changes = sum(len(branch.changes) for branch in self.branches)
        parts = [f"{counted(len(self.branches), 'branch').replace('branchs', 'branches')} of zeros"]
        parts += [counted(folds, "fold")] if folds else []
        parts += [f"{counted(changes, 'change')} of stability"] if changes else []
        odd = sorted({end for branch in self.branches for end in branch.ends} - {"end of the interval", "closed"})
        parts += [f"ends: {', '.join(odd)}"] if odd else []
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym sweep --json`` prints it."""
        return {
            "parameters": list(self.names),
            "over": [axis.name for axis in self.axes],
            "branches": [branch.to_dict() for branch in self.branches],
            "not_followed": [{"fixed": dict(fixed), "reason": reason} for fixed, reason in self.not_followed],
            "complete": False,
        }

    def columns(self) -> dict[str, list[Any]]:
        """Return one row for each zero, as columns by name: what is written to CSV, Parquet and NPZ files."""
        first, *others = (axis.name for axis in self.axes)
        found: dict[str, list[Any]] = {name: [] for name in ("branch", first, *others)}
        measured = ("stability", "distance", "loss_excess", "predicted_distance", "predicted_excess")
        found |= {name: [] for name in (*self.names, "eigenvalue_real", "eigenvalue_imag", *measured)}
        for number, branch in enumerate(self.branches):
            for point in branch.points:
                row = {"branch": number, first: point.value, **branch.fixed}
                row |= dict(zip(self.names, point.zero.tolist(), strict=True))
                row |= {"eigenvalue_real": point.eigenvalue.real, "eigenvalue_imag": point.eigenvalue.imag}
                row |= {name: getattr(point, name) for name in measured}
                for name, column in found.items():
                    column.append(row[name])
        return found

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for both ends of each branch, and for each fold and change on it."""
        first, *others = (axis.name for axis in self.axes)
        shown = self.names[:SHOWN]
        columns = ["branch", "", first, *others, *shown, "stability", "distance", "leading order"]
        rows = []
        for number, branch in enumerate(self.branches):
            fixed = [f"{branch.fixed[name]:g}" for name in others]
            marked = [("from", branch.points[0]), ("to", branch.points[-1])]
            marks: list[tuple[str, BranchPoint | Change]] = [marked[0], *((c.kind, c) for c in branch.folds)]
            marks += [*((c.kind, c) for c in branch.changes), marked[1]]
            for label, one in marks:
                place = [f"{x:.8g}" for x in one.zero[: len(shown)]]
                known = isinstance(one, BranchPoint)
                rest = [one.stability, _short(one.distance), _short(one.predicted_distance)] if known else ["", "", ""]
                rows.append([str(number), label, f"{one.value:.8g}", *fixed, *place, *rest])
        return columns, rows


def _short(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"
