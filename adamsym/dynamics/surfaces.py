"""Surfaces on which the field switches: kinks of single rows, and valleys across which a mean gradient changes sign."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float
from adamsym.gradients import Empirical, StochasticGradient, SymbolicGradient
from adamsym.gradients.smoothness import kinks

KINK_OFFSET = 1e-12
"""How far from a kink its one-sided fields are taken, for parameters of size 1: a kink has no width."""

VALLEY_OFFSETS = (1e-13, 1e-12, 1e-11, 1e-10, 1e-9)
"""The same for a valley: the first at which both fields point to its middle."""


@dataclass(frozen=True)
class Surfaces:
    """The sets where functions of theta vanish.

    Attributes
    ----------
    distances
        Maps theta (d,) to each function over the length of its gradient, shape (k,), the signed distances to first
        order, and to the unit gradients (k, d). Where the gradient vanishes both are 0.
    offsets
        For each function how far from its surface the one-sided fields are taken, for parameters of size 1, shape (k,).
    descriptions
        For each function what its surface is called.
    """

    distances: Callable[[FloatArray], tuple[FloatArray, FloatArray]]
    offsets: FloatArray
    descriptions: tuple[str, ...]

    def __add__(self, other: "Surfaces") -> "Surfaces":
        """Return both one after the other."""

        def distances(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
            first, second = self.distances(theta), other.distances(theta)
            return np.concatenate((first[0], second[0])), np.concatenate((first[1], second[1]))

        return Surfaces(
            distances, np.concatenate((self.offsets, other.offsets)), self.descriptions + other.descriptions
        )


def _distances(values: FloatArray, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    lengths = np.sqrt(np.square(slopes).sum(axis=-1))
    known = np.isfinite(values) & np.isfinite(lengths) & (lengths > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            np.where(known, values / lengths, 0.0),
            np.where(known[:, None], slopes / lengths[:, None], 0.0),
        )


def kink_surfaces(problem: StochasticGradient) -> Surfaces | None:
    """Return the kinks of every row's loss; None if none are known, or the law is continuous and smooths them."""
    if not isinstance(problem, SymbolicGradient):
        return None
    found = kinks(problem.gradient_expressions, problem.parameters)
    if not found or not isinstance(problem.law, Empirical):
        return None
    d, rows = problem.dimension, np.unique(problem.law.rows, axis=0)
    entries = [
        entry.replace(sp.DiracDelta, lambda *_: sp.S.Zero)
        for kink in found
        for entry in (kink.switch, *(sp.diff(kink.switch, parameter) for parameter in problem.parameters))
    ]
    evaluate = compile_float((*problem.parameters, *problem.columns), entries)

    def distances(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        found = evaluate(*(theta[k] for k in range(d)), *rows.T).reshape(-1, 1 + d)
        return _distances(found[:, 0], found[:, 1:])

    count = len(rows) * len(found)
    return Surfaces(distances, np.full(count, KINK_OFFSET), ("kink",) * count)


def valley_surfaces(problem: StochasticGradient, offset: float) -> Surfaces | None:
    """Return where each coordinate of the mean gradient vanishes; None for a continuous law, or without Jacobians.

    For one row, or next to interpolation, the field's coordinate turns there within a distance of eps over the Hessian.
    """
    if not isinstance(problem.law, Empirical) or not problem.has_jacobians:
        return None
    p = problem.law.probabilities

    def distances(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _distances(problem.gradient(theta), np.einsum("rij,r->ij", problem.row_jacobians(theta), p))

    d = problem.dimension
    return Surfaces(distances, np.full(d, offset), (f"valley thinner than {offset:g}",) * d)
