"""Maps of where the loss is a Lyapunov function: what :func:`adamsym.map_lyapunov` finds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from adamsym.continuation.axes import Axis
from adamsym.continuation.maps.nodes import Node
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Result, plain

Verdict = Literal["decreases", "increases, proven", "increases", "no increase found", "not allowed", "not reached"]
"""Of a pair of values; "decreases" is proven."""


@dataclass(frozen=True, repr=False)
class LyapunovMap(Result):
    """Where the loss decreases along the flow in all of a box, over a grid of two parameters.

    Attributes
    ----------
    axes
        The two parameters, with their values.
    box
        The box of theta, shape (d, 2).
    verdicts
        For each value of the first parameter, and each of the second: "decreases" and "increases, proven" are certified
        by :func:`adamsym.certify_lyapunov_globally` or :func:`adamsym.certify_lyapunov`; "increases": at one point, by
        number; "no increase found": at the points that were looked at, which proves nothing; "not reached": the map was
        stopped before.
    worst
        The largest cosine of grad L and f that was found in the box, shape (m, n); nan where values are not allowed or
        were not reached.
    witnesses
        Where it was found, shape (m, n, d).
    border
        Pairs of values between which an increase begins, by number, with the two nodes.
    theorem
        Pairs of values on N-Theorem 6's border K_4 = 1/(1 - sqrt(beta2)), which for batches of one row and the least
        probability p is p = 1 - sqrt(beta2); none where beta2 is not varied or the law has no rows.
    """

    axes: tuple[Axis, Axis]
    box: FloatArray
    verdicts: tuple[tuple[Verdict, ...], ...]
    worst: FloatArray
    witnesses: FloatArray
    border: tuple[tuple[tuple[float, float], tuple[Node, Node]], ...]
    theorem: tuple[tuple[float, float], ...]

    @property
    def verdict(self) -> str:
        """Floating point: some of the verdicts for pairs of values are proven, and say so."""
        return "floating point"

    @property
    def summary(self) -> str:
        """At how many pairs of values the loss decreases, increases, or nothing is known."""
        size = " x ".join(str(len(axis.values)) for axis in self.axes)
        counts = Counter(one for row in self.verdicts for one in row)
        parts = [f"{name} at {counts[name]}" for name in _WORDS if counts[name]]
        words = ", ".join(parts).replace("decreases at", "decreases (proven) at")
        stopped = ", stopped" if counts["not reached"] else ""
        return f"{size} pairs of {self.axes[0].name} and {self.axes[1].name}{stopped}: the loss {words}"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym map --of lyapunov --json`` prints it."""
        return {
            "over": [{"name": axis.name, "values": [float(value) for value in axis.values]} for axis in self.axes],
            "box": self.box.tolist(),
            "verdicts": [list(row) for row in self.verdicts],
            "worst": plain(self.worst),
            "witnesses": plain(self.witnesses),
            "border": [list(values) for values, _ in self.border],
            "theorem": [list(values) for values in self.theorem],
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Return one row for each pair of values, as columns by name: what is written to files."""
        pairs = [(i, j) for i in range(len(self.axes[0].values)) for j in range(len(self.axes[1].values))]
        found: dict[str, list[Any]] = {
            self.axes[0].name: [float(self.axes[0].values[i]) for i, _ in pairs],
            self.axes[1].name: [float(self.axes[1].values[j]) for _, j in pairs],
            "verdict": [self.verdicts[i][j] for i, j in pairs],
            "worst_cosine": [float(self.worst[i, j]) for i, j in pairs],
        }
        for k in range(len(self.box)):
            found[f"witness_{k}"] = [float(self.witnesses[i, j, k]) for i, j in pairs]
        return found

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each verdict: at how many pairs of values, and from where to where."""
        names = [axis.name for axis in self.axes]
        columns = ["the loss", "pairs", *(f"{name} {end}" for name in names for end in ("from", "to")), "worst cosine"]
        rows = []
        for verdict in _WORDS:
            places = np.argwhere(np.array(self.verdicts) == verdict)
            if not len(places):
                continue
            values = [[float(axis.values[k]) for k in places[:, n]] for n, axis in enumerate(self.axes)]
            ends = [f"{end(one):.6g}" for one in values for end in (min, max)]
            worst = (
                "" if verdict in ("not allowed", "not reached") else f"{max(self.worst[i, j] for i, j in places):.3g}"
            )
            rows.append([_WORDS[verdict], str(len(places)), *ends, worst])
        return columns, rows


_WORDS: dict[Verdict, str] = {
    "decreases": "decreases (proven)",
    "no increase found": "no increase found",
    "increases": "increases at a point",
    "increases, proven": "increases at a point (proven)",
    "not allowed": "values not allowed",
    "not reached": "not reached",
}
