"""Branches of zeros: what a sweep finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from adamsym.continuation.axes import Axis
from adamsym.dynamics.zero_point import SHOWN, ZeroStability
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Record, Result, counted, own_names, plain

_USUAL = {"end of the interval", "end of the list", "closed"}
"""Ends of branches that need no word in a summary."""

ChangeKind = Literal["fold", "Hopf", "branch point"]


@dataclass(frozen=True, repr=False)
class BranchPoint(Record):
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
    critical_point
        The critical point of the loss beside it, shape (d,); None where none was found.
    distance, loss_excess
        How far that is away, and the loss above that there; nan where none was found.
    predicted
        Where the zero should be to leading order in 1 - beta2, shape (d,); None without such a prediction.
    predicted_distance, predicted_excess
        What follows from it; nan without one.
    batch_predicted, batch_predicted_distance, batch_predicted_excess
        The same to leading order in 1/B, B the batch size (theory N-section 2(d)).
    """

    value: float
    zero: FloatArray
    stability: ZeroStability
    eigenvalue: complex
    critical_point: FloatArray | None
    distance: float
    loss_excess: float
    predicted: FloatArray | None
    predicted_distance: float
    predicted_excess: float
    batch_predicted: FloatArray | None = None
    batch_predicted_distance: float = np.nan
    batch_predicted_excess: float = np.nan

    @property
    def summary(self) -> str:
        """The value of the parameter, the zero there and its stability."""
        return f"at {self.value:.8g} the zero {_place(self.zero)}, {self.stability}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers, texts and None: ``enclosure``, as of certified branches, is None."""
        found = {name: plain(value) for name, value in vars(self).items() if name != "eigenvalue"}
        return found | {"eigenvalue": plain([self.eigenvalue.real, self.eigenvalue.imag]), "enclosure": None}


@dataclass(frozen=True, repr=False)
class Change(Record):
    """Where zeros meet and vanish (a fold), or their stability changes: by number.

    At a "Hopf" point two complex eigenvalues of Df cross the imaginary axis; at a "branch point" a real one passes 0
    while the branch goes on.
    """

    kind: ChangeKind
    value: float
    zero: FloatArray

    @property
    def summary(self) -> str:
        """What changes where."""
        return f"{self.kind} at {self.value:.8g}, the zero {_place(self.zero)}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers and texts."""
        return {name: plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True, repr=False)
class Branch(Record):
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
    def summary(self) -> str:
        """Over which values it was followed, and how many zeros, folds and changes it has."""
        values = self.values
        turns = (counted(len(one), word) for one, word in ((self.folds, "fold"), (self.changes, "change")) if one)
        text = f"{counted(len(self.points), 'zero')} for {self.parameter} from {values.min():g} to {values.max():g}"
        return ", ".join((text, *turns))

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
        folds, changes = (
            tuple(Change(one["kind"], one["value"], np.array(one["zero"])) for one in record[key])
            for key in ("folds", "changes")
        )
        points = tuple(_point(one) for one in record["points"])
        ends = (record["ends"][0], record["ends"][1])
        return cls(record["parameter"], dict(record["fixed"]), points, folds, changes, ends)


def _place(zero: FloatArray) -> str:
    return f"({', '.join(f'{x:.6g}' for x in zero[:SHOWN])}{', ...' if len(zero) > SHOWN else ''})"


def _point(record: Mapping[str, Any]) -> BranchPoint:
    numbers: dict[str, Any] = {name: np.nan if value is None else value for name, value in record.items()}
    numbers.pop("enclosure", None)
    real, imaginary = (np.nan if part is None else part for part in record["eigenvalue"])
    numbers |= {"zero": np.array(record["zero"]), "eigenvalue": complex(real, imaginary)}
    # Journals of earlier versions know no prediction in 1/B.
    for name in ("predicted", "critical_point", "batch_predicted"):
        numbers[name] = None if record.get(name) is None else np.array(record[name])
    return BranchPoint(**numbers)


@dataclass(frozen=True, repr=False)
class Sweep(Result):
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
    def verdict(self) -> str:
        """Floating point; undecided where nothing could be followed from some start."""
        return "undecided" if self.not_followed or not self.branches else "floating point"

    @property
    def summary(self) -> str:
        """How many branches, folds and changes there are, and how they end."""
        if not self.branches:
            return f"no zero was followed: {self.not_followed[0][1]}" if self.not_followed else "no zero was found"
        folds = sum(len(branch.folds) for branch in self.branches)
        changes = sum(len(branch.changes) for branch in self.branches)
        parts = [f"{len(self.branches)} branch{'' if len(self.branches) == 1 else 'es'} of zeros"]
        parts += [counted(folds, "fold")] if folds else []
        parts += [f"{counted(changes, 'change')} of stability"] if changes else []
        odd = sorted(
            {end for branch in self.branches for end in branch.ends}
            - {"end of the interval", "end of the list", "closed"}
        )
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

    def columns(self, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Return one row for each zero, as columns by name: what is written to CSV, Parquet and NPZ files."""
        first, *others = (axis.name for axis in self.axes)
        place, spectrum = ("branch", first, *others), ("eigenvalue_real", "eigenvalue_imag")
        predicted = ("predicted_distance", "predicted_excess", "batch_predicted_distance", "batch_predicted_excess")
        measured = ("stability", "distance", "loss_excess", *predicted)
        named = own_names(names, self.names, (*place, *spectrum, *measured))
        found: dict[str, list[Any]] = {name: [] for name in (*place, *named, *spectrum, *measured)}
        for number, branch in enumerate(self.branches):
            for point in branch.points:
                row = {"branch": number, first: point.value, **branch.fixed}
                row |= dict(zip(named, point.zero.tolist(), strict=True))
                row |= {"eigenvalue_real": point.eigenvalue.real, "eigenvalue_imag": point.eigenvalue.imag}
                row |= {name: getattr(point, name) for name in measured}
                for name, column in found.items():
                    column.append(row[name])
        return found

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each listed value; of an interval for both ends, and each fold and change."""
        first, *others = (axis.name for axis in self.axes)
        shown = self.names[:SHOWN]
        predictions = ["leading order", "leading order in 1/B"]
        columns = ["branch", "", first, *others, *shown, "stability", "distance", *predictions]
        rows = []
        for number, branch in enumerate(self.branches):
            fixed = [f"{branch.fixed[name]:g}" for name in others]
            for label, one in _marked(branch, self.axes[0].is_interval):
                place = [f"{x:.8g}" for x in one.zero[: len(shown)]]
                rest = [""] * 4
                if isinstance(one, BranchPoint):
                    distances = (one.distance, one.predicted_distance, one.batch_predicted_distance)
                    rest = [one.stability, *map(_short, distances)]
                rows.append([str(number), label, f"{one.value:.8g}", *fixed, *place, *rest])
        return columns, rows


def _marked(branch: Branch, is_interval: bool) -> list[tuple[str, BranchPoint | Change]]:
    if not is_interval:
        return [("", point) for point in branch.points]
    between = [(change.kind, change) for change in (*branch.folds, *branch.changes)]
    return [("from", branch.points[0]), *between, ("to", branch.points[-1])]


def _short(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"
