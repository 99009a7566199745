"""Certified branches: what is proven of zeros along an interval of a parameter, as results and certificates have it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from adamsym.certify.certificate import Certifiable, head_of
from adamsym.certify.outcomes import Stability
from adamsym.continuation.axes import Axis
from adamsym.continuation.clearing import Cleared
from adamsym.continuation.nondegenerate import Nondegenerate
from adamsym.continuation.tube_proofs import Joint, Tube
from adamsym.continuation.turns import Fold
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.results import counted, ends_of, own_names, plain
from adamsym.field import AdamField
from adamsym.gradients.symbolic import require_expressions

_FEW = 3
"""Coordinates of which a summary and a table speak."""


@dataclass(frozen=True)
class StabilityChange:
    """Between the tubes of two numbers the stability changes: a pair of complex eigenvalues crosses the imaginary axis.

    For all along the branch Df is regular, so that no real eigenvalue passes 0; the tubes between are undecided.
    """

    before: int
    after: int


@dataclass(frozen=True, repr=False)
class CertifiedBranch(Certifiable):
    """A branch of zeros, certified: one after the other along the curve, around folds too.

    Attributes
    ----------
    field
        The field with the value of the parameter that it has itself.
    axis
        The parameter, and the interval that was asked for.
    tubes, joints
        The proof: tubes in order along the branch, and a joint between each two but at folds.
    reason
        Why the branch is not certified to where it ends or leaves the interval; empty if it is.
    folds
        Where it turns back, each with the number of the tube before it.
    """

    field: AdamField
    axis: Axis
    tubes: tuple[Tube, ...]
    joints: tuple[Joint, ...]
    reason: str
    folds: tuple[tuple[int, Fold], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all of the branch in the interval is certified."""
        return bool(self.tubes) and not self.reason

    @property
    def arms(self) -> tuple[tuple[Tube, ...], ...]:
        """The tubes between folds, over which the parameter grows or falls throughout."""
        cuts = [0, *(number + 1 for number, _ in self.folds), len(self.tubes)]
        return tuple(self.tubes[a:b] for a, b in itertools.pairwise(cuts))

    @property
    def stability(self) -> Stability:
        """The stability along all of it; "undecided" if it is not the same in each tube."""
        return _common(self.tubes)

    @property
    def changes(self) -> tuple[StabilityChange, ...]:
        """Where the stability changes, but at folds."""
        found, folds = list[StabilityChange](), {number for number, _ in self.folds}
        last: int | None = None
        for k, tube in enumerate(self.tubes):
            if tube.stability != "undecided":
                if last is not None and self.tubes[last].stability != tube.stability:
                    found.append(StabilityChange(last, k))
                last = k
            if k in folds:
                last = None
        return tuple(found)

    def between(self, change: StabilityChange) -> tuple[Fraction, Fraction]:
        """Return between which values the stability changes, the lower first."""
        one, other = self.tubes[change.before], self.tubes[change.after]
        return min(one.high, other.high), max(one.low, other.low)

    @property
    def verdict(self) -> str:
        """Certified if all of the branch in the interval is."""
        return "certified" if self.complete else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        if not self.tubes:
            return f"undecided: {self.reason}"
        low, high = (float(end) for end in self._ends())
        widest = max(float(np.ptp(tube.box, axis=1).max()) for tube in self.tubes)
        kinds = [_common(arm) for arm in self.arms]
        stability = ", then ".join("stability undecided" if kind == "undecided" else kind for kind in kinds)
        where = f"for {self.axis.name} from {low:g} to {high:g}"
        found = f"one branch of zeros {where}, {stability}: {counted(len(self.tubes), 'tube')}, up to {widest:.2g} wide"
        found += "".join(f"; {line}" for line in (*self._turning(), *self._moving()))
        return f"certified: {found}" if self.complete else f"certified in part: {found}; {self.reason}"

    def _turning(self) -> list[str]:
        """A phrase for each fold and each change of the stability."""
        name = self.axis.name
        lines = [f"{_kind(fold)} at {name} in {_interval(*fold.ends)}" for _, fold in self.folds]
        for change in self.changes:
            kinds = [self.tubes[k].stability for k in (change.before, change.after)]
            lines.append(f"from {kinds[0]} to {kinds[1]} at {name} in {_interval(*self.between(change))}")
        return lines

    @property
    def directions(self) -> tuple[tuple[int, ...], ...]:
        """Whether each coordinate of the zero is proven to increase with the parameter, 1, or to decrease, -1; else 0.

        For each of the ``arms``, all along it.
        """
        return tuple(tuple(_direction(arm, k) for k in range(len(arm[0].box))) for arm in self.arms if arm)

    def _moving(self) -> list[str]:
        """A phrase for each coordinate that is proven to increase or decrease, on some arm; of few coordinates."""
        words, lines, last = {1: "increases", -1: "decreases", 0: "may do either"}, [], f"with {self.axis.name}"
        for name, ways in zip(self.field.problem.names[:_FEW], zip(*self.directions, strict=True), strict=False):
            if any(ways):
                said = ", then ".join(words[way] for way in ways)
                lines.append(f"{name} {said} {last}" if len(ways) == 1 else f"{name} {last}: {said}")
        return lines

    def _ends(self) -> tuple[Fraction, Fraction]:
        return min(tube.low for tube in self.tubes), max(tube.high for tube in self.tubes)

    def certificate_content(self) -> dict[str, Any]:
        """Return what a certificate says: of the part that is proven.

        Raises
        ------
        NotApplicable
            If nothing is.
        """
        if not self.tubes:
            raise NotApplicable(f"found: no branch is certified, of which there could be a certificate: {self.reason}")
        low, high = self._ends()
        return head_of(require_expressions(self.field.problem, "a certificate"), self.field.adam) | {
            "kind": "branch",
            "parameter": self.axis.name,
            "low": str(low),
            "high": str(high),
            "stability": self.stability,
            "tubes": [
                {
                    "low": str(tube.low),
                    "high": str(tube.high),
                    "box": tube.box.tolist(),
                    "preconditioner": tube.preconditioner.tolist(),
                    "stability": tube.stability,
                    "stability_matrix": tube.stability_matrix.tolist(),
                    "speed": None if tube.speed is None else tube.speed.tolist(),
                    "velocity": tube.velocity.tolist(),
                    "cells": tube.cells,
                    "slope_parts": tube.slope_parts,
                    "parts": tube.parts,
                }
                for tube in self.tubes
            ],
            "joints": [_isolated(joint) for joint in self.joints],
            "folds": [
                {
                    "after": number,
                    "present": str(fold.present),
                    "absent": str(fold.absent),
                    "box": fold.box.tolist(),
                    "zeros": [_isolated(zero) for zero in fold.zeros],
                    "at_present": [_leaf(leaf) for leaf in fold.at_present],
                    "at_absent": [_leaf(leaf) for leaf in fold.at_absent],
                    "border": [_leaf(leaf) for leaf in fold.border],
                    "parts": fold.parts,
                    "nondegenerate": None if fold.nondegenerate is None else _nondegenerate(fold.nondegenerate),
                }
                for number, fold in self.folds
            ],
            "changes": [{"before": change.before, "after": change.after} for change in self.changes],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym sweep --certify --json`` prints it."""
        points = [
            {
                "value": [float(tube.low), float(tube.high)],
                "zero": plain(tube.box.mean(axis=1)),
                "stability": tube.stability,
                "enclosure": plain(tube.box),
                "speed": None if tube.speed is None else plain(tube.speed),
            }
            for tube in self.tubes
        ]
        folds = [
            {
                "after": number,
                "value": [float(end) for end in fold.ends],
                "enclosure": plain(fold.box),
                "nondegenerate": fold.nondegenerate is not None,
            }
            for number, fold in self.folds
        ]
        changes = [
            {
                "value": [float(end) for end in self.between(change)],
                "before": self.tubes[change.before].stability,
                "after": self.tubes[change.after].stability,
                "kind": "Hopf",
            }
            for change in self.changes
        ]
        branch = {"parameter": self.axis.name, "points": points, "folds": folds, "changes": changes}
        return {
            "parameters": list(self.field.problem.names),
            "branches": [branch] if points else [],
            "complete": self.complete,
            "reason": self.reason,
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each tube: the ends of the values and of the box, and the stability."""
        named = own_names(names, self.field.problem.names)
        values = [[[float(tube.low), float(tube.high)]] for tube in self.tubes]
        return {
            **ends_of(values, [self.axis.name]),
            **ends_of([tube.box for tube in self.tubes], named),
            "stability": [str(tube.stability) for tube in self.tubes],
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each tube, and one for each fold after that of the tube before it."""
        shown = len(self.field.problem.names[:_FEW])
        columns = [f"{self.axis.name} from", "to", *self.field.problem.names[:shown], "half-width", "stability"]
        rows, folds = list[list[str]](), dict(self.folds)
        for number, tube in enumerate(self.tubes):
            rows.append([*_placed(tube.low, tube.high, tube.box, shown), tube.stability])
            if number in folds:
                low, high = folds[number].ends
                rows.append([*_placed(low, high, folds[number].box, shown), "fold"])
        return columns, rows


def _kind(fold: Fold) -> str:
    return "a fold" if fold.nondegenerate is None else "exactly one fold, nondegenerate,"


def _placed(low: Fraction, high: Fraction, box: FloatArray, shown: int) -> list[str]:
    middle = (f"{x:.8g}" for x in box.mean(axis=1)[:shown])
    return [f"{float(low):.10g}", f"{float(high):.10g}", *middle, f"{float(np.ptp(box, axis=1).max()) / 2:.2g}"]


def _direction(tubes: Sequence[Tube], k: int) -> int:
    """1 if the derivative of a coordinate is positive in all tubes, -1 if it is negative in all, else 0."""
    speeds = [None if tube.speed is None else tube.speed[k] for tube in tubes]
    if all(speed is not None and speed[0] > 0 for speed in speeds):
        return 1
    return -1 if all(speed is not None and speed[1] < 0 for speed in speeds) else 0


def _common(tubes: Sequence[Tube]) -> Stability:
    found = {tube.stability for tube in tubes}
    return found.pop() if len(found) == 1 else "undecided"


def _interval(low: Fraction, high: Fraction) -> str:
    return f"[{float(low):.12g}, {float(high):.12g}]"


def _isolated(zero: Joint) -> dict[str, Any]:
    return {"box": zero.box.tolist(), "preconditioner": zero.preconditioner.tolist()}


def _nondegenerate(found: Nondegenerate) -> dict[str, Any]:
    return {
        "right": found.right.tolist(),
        "left": found.left.tolist(),
        "inverse": found.inverse.tolist(),
        "leaves": [_leaf(leaf) for leaf in found.leaves],
    }


def _leaf(leaf: Cleared) -> dict[str, Any]:
    direction = {} if leaf.direction is None else {"direction": list(leaf.direction)}
    return {"box": leaf.box.tolist(), **({} if leaf.zero is None else {"zero": leaf.zero}), **direction}
