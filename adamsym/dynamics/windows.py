"""What is found of Adam beside its flow: distances over windows of time, with their bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adamsym.dynamics.bound.theorems import WindowBound
from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Record, Result, counted, plain


@dataclass(frozen=True)
class Interval:
    """A measured value between the ends of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, repr=False)
class Window(Record):
    """One window: the ensemble's distances from the flow, and their bound.

    Attributes
    ----------
    start, stop
        Step numbers n0 and n1.
    step
        gamma_(n0+1), the window's largest step size.
    effective_step
        sum gamma_k^2/sum gamma_k over the window.
    length
        T = t_n1 - t_n0, the largest that is at most the length asked for.
    distances
        max over the window's steps of |Theta - Psi| for each chain, Euclidean, shape (chains,); nan for chains that
        left the region, to which the bound does not apply.
    measured
        Root of the mean square of the distances, those of chains outside counted as 0, as in the bound.
    quantiles
        For 0.5, 0.9, 0.99.
    bound
        Theorem 8 and 10, piece by piece.
    region
        The box of the bound, shape (d, 2).
    """

    start: int
    stop: int
    step: float
    effective_step: float
    length: float
    distances: FloatArray
    measured: Interval
    quantiles: dict[float, Interval]
    bound: WindowBound
    region: FloatArray

    @property
    def summary(self) -> str:
        """What was measured between which steps, and its bound."""
        measured = f"distance {self.measured.value:.3g} from step {self.start} to {self.stop}"
        return f"{measured}, bound {self.bound.mean_square.total:.3g}"

    @property
    def pieces(self) -> dict[str, float]:
        """What the bound is made of: its growth times the sum of four pieces, at most the ceiling."""
        bound = self.bound.mean_square
        return {
            "martingale": bound.martingale,
            "drift": bound.drift,
            "bias": bound.bias,
            "discretization": bound.discretization,
            "growth": bound.growth,
            "ceiling": bound.ceiling,
            "closed_form": self.bound.closed_form,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the window in lists and numbers, ready for JSON."""
        return {
            "start": self.start,
            "stop": self.stop,
            "step": self.step,
            "effective_step": self.effective_step,
            "length": self.length,
            "measured": self.measured.value,
            "measured_interval": [self.measured.low, self.measured.high],
            "quantiles": {str(q): plain([x.value, x.low, x.high]) for q, x in self.quantiles.items()},
            "bound": plain(self.bound.mean_square.total),
            "pieces": {name: plain(x) for name, x in self.pieces.items()},
            "one_run": plain(self.bound.per_run),
            "level": self.bound.level,
            "exceeding": self.exceeding,
            "inside": self.inside,
            "region": self.region.tolist(),
        }

    def row(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the window as one row of a table: numbers by name."""
        single = {name: one for name, one in self.to_dict().items() if not isinstance(one, (dict, list))}
        row = single | {"bound": self.bound.mean_square.total, "one_run": self.bound.per_run}
        row |= {"measured_low": self.measured.low, "measured_high": self.measured.high}
        row |= {f"quantile.{q}": interval.value for q, interval in self.quantiles.items()} | self.pieces
        for name, (low, high) in zip(names, self.region.tolist(), strict=True):
            row |= {f"lower.{name}": low, f"upper.{name}": high}
        return row | {"verdict": {True: "within", False: "beyond", None: "undecided"}[self.holds]}

    @property
    def inside(self) -> int:
        """Number of chains that stayed in the region."""
        return int(np.isfinite(self.distances).sum())

    @property
    def looseness(self) -> float:
        """The mean-square bound over the measured value; 1 where both are 0."""
        bound, measured = self.bound.mean_square.total, self.measured.value
        return bound / measured if measured else math.inf if bound else 1.0

    @property
    def exceeding(self) -> float:
        """Share of all chains whose distance exceeds the bound of one run; the bound allows ``bound.level``."""
        return float((self.distances > self.bound.per_run).mean())

    @property
    def holds(self) -> bool | None:
        """Whether the measured value is at most the bound; None if no chain stayed in the region."""
        return self.measured.value <= self.bound.mean_square.total if self.inside else None


@dataclass(frozen=True, repr=False)
class PseudoTrajectory(Result):
    """All windows, and the order p in measured ~ step^p with its confidence interval; None for fewer than 3 windows."""

    windows: tuple[Window, ...]
    order: Interval | None

    @property
    def holds(self) -> bool | None:
        """Whether every window's measured value is at most its bound; None if one could not be judged."""
        verdicts = [window.holds for window in self.windows]
        return False if False in verdicts else None if None in verdicts else True

    @property
    def verdict(self) -> str:
        """Whether every window's distance is within its bound; undecided if one could not be judged."""
        return {True: "holds", False: "refuted", None: "undecided"}[self.holds]

    @property
    def summary(self) -> str:
        """Whether the measured distances are within their bounds."""
        within = sum(window.holds is True for window in self.windows)
        where = {True: "within the bound", False: "beyond the bound", None: "undecided"}[self.holds]
        return f"{where}: {within} of {counted(len(self.windows), 'window')} within"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym track --json`` prints it."""
        order = self.order
        return {
            "holds": self.holds,
            "windows": [window.to_dict() for window in self.windows],
            "order": None if order is None else {"value": order.value, "interval": [order.low, order.high]},
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Return one row for each window, as columns by name; ``names`` are those of the parameters, for the region."""
        named = parameter_names(names, len(self.windows[0].region), ())
        rows = [window.row(named) for window in self.windows]
        return {name: [row[name] for row in rows] for name in rows[0]}
