"""Laws of a gradient coordinate that is affine in continuous columns, from two numbers that depend on theta."""

import math
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.running import UNIT, Running
from adamsym.field.laws.gradient_laws import Atoms, Exponential, GradientLaw, Normal, Uniform

_DEVIATIONS = 8
"""Deviations from the mean, or multiples of an exponential law's mean, that the bounds of rounding reach."""


@dataclass(frozen=True)
class LawOfTwoNumbers:
    """What makes a gradient coordinate's law of two numbers, and bounds what rounding of these moves the gradient by.

    The bound holds for most of the law's values, since tails are rare.

    Attributes
    ----------
    distribution
        "Normal": the numbers are the gradient's mean and variance. "Uniform" or "Exponential": it is the first number
        and the second times a column of this distribution.
    parameters
        Those of the column: its two ends, or its rate; none of "Normal".
    """

    distribution: str
    parameters: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        expected = {"Normal": 0, "Uniform": 2, "Exponential": 1}
        if expected.get(self.distribution) != len(self.parameters):
            raise ValueError("no law of two numbers")

    def __call__(self, first: Running, second: Running) -> tuple[GradientLaw, float]:
        """Return the law, and how far rounding may move the gradient."""
        return _normal(first, second) if self.distribution == "Normal" else self._affine(first, second)

    def _affine(self, start: Running, slope: Running) -> tuple[GradientLaw, float]:
        low, factor = float(start.value), float(slope.value)
        if self.distribution == "Exponential":
            scale = factor / self.parameters[0]
            moved = float(start.error) + _DEVIATIONS * (float(slope.error) / self.parameters[0] + 2 * UNIT * abs(scale))
            return Exponential(low, scale) if factor else Atoms((low,), (1.0,)), moved
        reach = max(map(abs, self.parameters))
        moved = float(start.error) + float(slope.size) * 2 * UNIT * reach + float(slope.error) * reach
        ends = sorted(low + factor * end for end in self.parameters)
        moved += UNIT * max(map(abs, ends))
        return Uniform(*ends) if ends[0] < ends[1] else Atoms((ends[0],), (1.0,)), moved


def _normal(mean: Running, variance: Running) -> tuple[GradientLaw, float]:
    value = float(mean.value)
    if not variance.value > 0:
        return Atoms((value,), (1.0,)), float(mean.error + _DEVIATIONS * np.sqrt(variance.error))
    deviation = float(np.sqrt(variance.value))
    moved = min(float(variance.error) / deviation, math.sqrt(float(variance.error))) + UNIT * deviation
    return Normal(value, deviation), float(mean.error) + _DEVIATIONS * moved
