"""The set of minima near a point that all rows fit: a manifold, and all zeros of f around it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adamsym.certify.digits import rounded_up
from adamsym.certify.interpolation.bounds import reach_of_zero
from adamsym.certify.interpolation.fitted import FittedRows, Proof
from adamsym.certify.interpolation.regions import DECADES, LARGEST_RADIUS, NO_POINT, STEPS_A_DECADE
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.results import Result, counted
from adamsym.field.ball.arithmetic import ball_arithmetic


@dataclass(frozen=True, repr=False)
class MinimaSet(Result):
    """A set of minima of L: the points with L = 0 around ``center``.

    Attributes
    ----------
    radius
        In the box of this half-width, infinite for all of R^d, the points with L = 0 form a manifold: each has a
        neighbourhood in R^d where they are the graph of a continuously differentiable function of ``dimension`` of the
        parameters. At all of them L is least, every row's gradient is 0, and so f = 0.
    near
        Within this of the center, in the sup norm, there is one.
    alone
        In the box of this half-width f has no other zero; None if that is not proved, for a ``reason``.
    rows
        Rows that span all: the residuals of the others are combinations of theirs. ``dimension`` is d less so many.
    inverse
        Near an inverse from the right of the matrix of their gradients at the center, shape (d, len(rows)).
    """

    names: tuple[str, ...]
    center: FloatArray
    inverse: FloatArray
    rows: tuple[int, ...]
    dimension: int
    near: float
    radius: float
    alone: float | None
    reason: str

    @property
    def verdict(self) -> str:
        """Certified: what is not proven is no set of minima."""
        return "certified"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        where = "in all of space" if math.isinf(self.radius) else f"in the box of half-width {self.radius!r}"
        text = f"a set of minima of dimension {self.dimension}: {where} the points with L = 0 form a manifold"
        if self.alone is None:
            return f"{text}; whether f has other zeros next to it is undecided: {self.reason}"
        if self.alone == self.radius:
            return f"{text}, and f has no other zero there"
        return f"{text}, and f has no other zero in the box of half-width {self.alone!r}"

    @property
    def explanation(self) -> str:
        """What the dimension is the difference of, and how near to the center a point of the set is."""
        residuals = counted(len(self.rows), "residual")
        return (
            f"{counted(len(self.names), 'parameter')} less {residuals} with linearly independent gradients; "
            f"within {rounded_up(self.near, 3)} of the center there is a point with L = 0"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what is certified, ready for JSON; a radius is null for all of space."""
        return {
            "dimension": self.dimension,
            "center": self.center.tolist(),
            "near": self.near,
            "radius": None if math.isinf(self.radius) else self.radius,
            "alone": None if self.alone is None else {"radius": None if math.isinf(self.alone) else self.alone},
            "rows": list(self.rows),
            "reason": self.reason or None,
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return columns and rows for a notebook: the center."""
        return ["parameter", "center"], [[n, repr(x)] for n, x in zip(self.names, self.center.tolist(), strict=True)]


def minima_near(fitted: FittedRows, start: FloatArray) -> MinimaSet | str:
    """Return the set of minima near a point, in the largest boxes of a grid that are proved; or why there is none."""
    basis = fitted.spanned.basis
    center = basis.interpolating_point(start)
    if center is None:
        return NO_POINT
    inverse = np.asarray(np.linalg.pinv(basis.at(center)[1]), dtype=np.float64)
    with ball_arithmetic():
        near = reach_of_zero(basis, center, inverse)
        if near is None:
            return NO_POINT
        d, known = len(center), dict[float, Proof]()

        def proof(radius: float) -> Proof:
            if radius not in known:
                known[radius] = fitted.proof_over(center, [radius] * d, inverse)
            return known[radius]

        linear = basis.are_linear and proof(math.inf).rank
        radius = math.inf if linear else _largest(lambda r: proof(r).rank, near)
        if radius is None:
            return proof(near).reason
        alone = radius if proof(radius).only else _largest(lambda r: proof(r).only, near)
        return MinimaSet(
            basis.problem.names,
            center,
            inverse,
            fitted.spanned.rows,
            fitted.spanned.dimension,
            near,
            radius,
            alone,
            "" if alone is not None else proof(near).reason,
        )


def _largest(holds: Callable[[float], bool], least: float) -> float | None:
    """The largest number of a grid, from ``least`` up, at which a condition holds that fails beyond; None if none."""
    grid = [float(f"{LARGEST_RADIUS * 10.0 ** (-k / STEPS_A_DECADE):.3g}") for k in range(STEPS_A_DECADE * DECADES + 1)]
    grid = [x for x in grid if x >= least]
    low, high = 0, len(grid) - 1
    if high < 0 or not holds(grid[high]):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(grid[middle]) else (middle + 1, high)
    return grid[low]
