"""A method as what an optimizer should be: its own steps, with the rounding that a floating-point format allows."""

import copy
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.methods import Method
from adamsym.methods.checked import checked_start, checked_step
from adamsym.methods.recursion import State, attributes_of
from adamsym.testing.conformance.method_map import recursion_of
from adamsym.testing.conformance.moments import Run
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.rounding import Precision, Rounded

PERTURBED = 16
"""Replays with every number off by roundings."""

SAFETY = 2.0
"""How much farther off than any of these replays an optimizer may be."""


@dataclass(frozen=True)
class MethodSteps:
    """The steps of a method, which need not be a :class:`Recursion`, of some step size.

    Each tensor is a run of its own.
    """

    method: Method
    step_size: float = 1e-3

    @property
    def eps(self) -> float:
        """That of the method; 1e-8 where it has none."""
        return float(getattr(self.method, "eps", 1e-8))

    def increments(self, gradients: FloatArray, theta: FloatArray) -> FloatArray:
        """Return the changes of theta, shape (n, d), that the gradients (n, d) make, one row a step."""
        state, changes = checked_start(self.method, theta.shape), []
        with np.errstate(all="ignore"):
            for n, g in enumerate(gradients, start=1):
                state, change = checked_step(self.method, state, g, theta, n)
                changes.append(self.step_size * change)
                theta = theta + changes[-1]
        return np.array(changes)

    def replayed(self, run: Run, precision: Precision, scalars: Precision) -> Rounded:
        """Return the changes along a run, with bounds of what rounding may have made of them.

        A step is any code, so that the bounds are an estimate: the replays are repeated with the gradients, the states
        and the changes off by the roundings that the format allows an operation, and the method's numbers by those of
        ``scalars``, up or down at random; allowed is twice the largest deviation. To this comes what rounding makes of
        bias corrections 1 - beta**n: of the change, a share up to 1/(1 - beta) times as large as of numbers.
        """
        generator = np.random.default_rng(0)
        value = self._along(run, self.method, None, 0.0)
        error = np.zeros(value.shape)
        for _ in range(PERTURBED):
            method = _with_numbers_off(self.method, scalars.slack * scalars.unit, generator)
            other = self._along(run, method, generator, precision.slack * precision.unit)
            with np.errstate(invalid="ignore"):
                error = np.maximum(error, np.abs(other - value))
        shares = [x for x in attributes_of(self.method).values() if isinstance(x, float) and 0 <= x < 1]
        cancelled = scalars.slack * scalars.unit / (1 - max(shares, default=0.0))
        error = SAFETY * error + cancelled * np.abs(value) + precision.slack * precision.tiny
        return Rounded(value, error, precision)

    def _along(self, run: Run, method: Method, generator: np.random.Generator | None, off: float) -> FloatArray:
        """The changes along a run, tensor by tensor, of numbers that are off by a share ``off`` at random."""
        changes, start = [], 0
        for size in run.layout.sizes:
            of = slice(start, start + size)
            start += size
            changes.append(self._of_tensor(run.gradients[:, of], run.before[:, of], method, generator, off))
        return np.concatenate(changes, axis=1)

    def _of_tensor(
        self,
        gradients: FloatArray,
        before: FloatArray,
        method: Method,
        generator: np.random.Generator | None,
        off: float,
    ) -> FloatArray:
        def rounded(x: FloatArray) -> FloatArray:
            return x if generator is None else x * (1 + off * np.copysign(1.0, generator.random(x.shape) - 0.5))

        state: State = checked_start(method, before[0].shape)
        changes = []
        with np.errstate(all="ignore"):
            for n, (g, theta) in enumerate(zip(gradients, before, strict=True), start=1):
                state, change = checked_step(method, tuple(map(rounded, state)), rounded(g), theta, n)
                changes.append(self.step_size * rounded(change))
        return np.array(changes)


def _with_numbers_off(method: Method, off: float, generator: np.random.Generator) -> Method:
    changed = copy.copy(method)
    for name, value in attributes_of(method).items():
        if isinstance(value, float):
            object.__setattr__(changed, name, value * (1 + off * float(generator.choice((-1.0, 1.0)))))
    return changed


def declared_as(declared: Recursion | Method, step_size: float = 1e-3) -> Recursion | MethodSteps:
    """Return what an optimizer should be: the recursion of the family where the method is one, else its own steps."""
    if isinstance(declared, Recursion):
        return declared
    return recursion_of(declared, step_size) or MethodSteps(declared, step_size)
