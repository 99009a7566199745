"""What :func:`adamsym.find_zero` finds: a zero of the field by number, and the critical point of the loss beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Result, counted, plain

ZeroOutcome = Literal["converged", "stalled", "out of budget"]
ZeroStability = Literal["attracting", "not attracting", "not decided"]
Kind = Literal["minimum", "maximum", "saddle", "not decided"]


SHOWN = 3
"""So many parameters are printed."""


@dataclass(frozen=True, repr=False)
class CriticalPoint(Result):
    """The critical point of the loss that Newton's method reaches from a zero of the field: floating-point evidence.

    Attributes
    ----------
    theta
        Where it is, shape (d,).
    gradient
        max |dL/dtheta_i| there.
    kind
        "minimum" if the least eigenvalue of the Hessian that was found is positive by more than its residual
        and what the Hessian changes along Newton's last step; "maximum", "saddle" or "not decided" likewise.
    least_eigenvalue, residual
        That eigenvalue, and |H v - lambda v| for its vector v of length 1; nan if it was not found.
    distance
        Euclidean distance from the zero.
    loss_excess
        The loss at the zero less the loss here.
    predicted
        Where the zero should be to leading order in 1 - beta2, shape (d,): theta + H^(-1) times the mean gradient that
        :func:`adamsym.field.bias.leading_gradient` gives. None where there is no such prediction.
    predicted_distance, predicted_excess
        The distance and the loss excess that follow from it, the latter to second order; nan where there is none.
    """

    theta: FloatArray
    gradient: float
    kind: Kind
    least_eigenvalue: float
    residual: float
    distance: float
    loss_excess: float
    predicted: FloatArray | None
    predicted_distance: float
    predicted_excess: float

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """The kind, and how far the zero is away."""
        kind = "a critical point" if self.kind == "not decided" else f"a {self.kind}"
        away = f"{self.distance:.3g} from {kind} of the loss"
        return away if self.predicted is None else f"{away} (leading order: {self.predicted_distance:.3g})"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers and None."""
        return {name: plain(value) for name, value in vars(self).items()}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the critical point, and where the zero should be to leading order."""
        named = parameter_names(names, len(self.theta), ())
        predicted = np.full(len(self.theta), np.nan) if self.predicted is None else self.predicted
        return {"parameter": named, "critical_point": self.theta, "predicted": predicted}


@dataclass(frozen=True, repr=False)
class ZeroPoint(Result):
    """A zero of the Adam field by number: evidence, no certificate. :func:`adamsym.find_zeros` certifies zeros.

    Attributes
    ----------
    outcome
        "converged": max |f_i| is at most the tolerance, or within the field's own error estimate, and Newton's step
        from there is short. "stalled": that step is long, as where f tends to 0 at infinity, or neither Newton's steps
        nor the flow lead on from ``theta``. "out of budget": nothing is known of a zero.
    theta
        The zero, or where the search ended, shape (d,).
    largest, error
        max |f_i| at theta, and the largest error estimate of an f_i.
    reason
        Why it ended there, in a sentence; empty if it converged to the tolerance.
    stability
        "attracting" if Arnoldi's method converged and the largest real part of the eigenvalues of Df that it found is
        negative by more than its residual, the error of Df and what Df changes along Newton's last step; "not
        attracting" if it is positive by more than that; else "not decided". An eigenvalue that the method has missed
        would not be seen.
    eigenvalues, residuals
        The leading eigenvalues of Df, by falling real part, shape (k,), and |Df v - lambda v| for their vectors.
    critical_point
        The critical point of the loss next to it; None where none was found, for the reason ``no_critical_point``.
    spent
        Evaluations of the field and of the gradient, and products with their derivatives, in all.
    names
        Of the parameters; none where they are not known.
    """

    outcome: ZeroOutcome
    theta: FloatArray
    largest: float
    error: float
    reason: str
    stability: ZeroStability
    eigenvalues: NDArray[np.complex128]
    residuals: FloatArray
    critical_point: CriticalPoint | None
    no_critical_point: str
    spent: int
    names: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Floating point; undecided unless the search converged."""
        return "floating point" if self.outcome == "converged" else "undecided"

    @property
    def summary(self) -> str:
        """How the search ended, the stability, and how far the critical point is."""
        place = f"({', '.join(f'{x:.6g}' for x in self.theta)})" if len(self.theta) <= SHOWN else ""
        value = "" if np.isnan(self.largest) else f"max |f| = {self.largest:.1e}"
        where = " ".join(part for part in (place and f"at {place}", value and f"with {value}") if part)
        parameters = f"{counted(len(self.theta), 'parameter')}{where and ' '}{where}"
        if self.outcome != "converged":
            return f"{self.outcome}: {parameters}; {self.reason}"
        beside = self.no_critical_point if self.critical_point is None else self.critical_point.summary
        stability = "stability not decided" if self.stability == "not decided" else self.stability
        return f"converged: {parameters}; {stability}; {beside}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything in lists, numbers, texts and None; eigenvalues as pairs of real and imaginary part."""
        own = {
            name: plain(value)
            for name, value in vars(self).items()
            if name not in ("eigenvalues", "critical_point", "names")
        }
        pairs = [[value.real, value.imag] for value in self.eigenvalues.tolist()]
        critical = None if self.critical_point is None else self.critical_point.to_dict()
        return own | {"eigenvalues": plain(pairs), "critical_point": critical}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the zero, the critical point beside it, and the leading order."""
        named = parameter_names(self.names or None if names is None else names, len(self.theta), ())
        found = {"parameter": named, "zero": self.theta}
        return found if self.critical_point is None else found | self.critical_point.columns(named)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return what was measured of the zero, beside the leading order where there is one."""
        rows = [["leading eigenvalue of Df", f"{value:.4g}", ""] for value in self.eigenvalues[:1]]
        one = self.critical_point
        if one is not None:
            point = "critical point" if one.kind == "not decided" else one.kind
            pairs = {
                f"distance to the {point}": (one.distance, one.predicted_distance),
                "loss excess": (one.loss_excess, one.predicted_excess),
            }
            rows += [
                [name, f"{found:.4g}", "" if np.isnan(leading) else f"{leading:.4g}"]
                for name, (found, leading) in pairs.items()
            ]
        return ["", "found", "leading order"], rows
