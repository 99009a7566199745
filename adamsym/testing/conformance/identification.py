"""Which recursion an optimizer is: the nearest to what it should be that explains how it answers designed gradients."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.optimize

from adamsym.expressions.compilation import FloatArray
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.recursion import CHOICES, Recursion

STEPS = 48
MOST_DIFFERENCES = 3
"""Explanations with more differences are not looked for."""


@dataclass(frozen=True)
class Probes:
    """Designed gradients, shape (n, d), the first parameters (d,), and the changes that the optimizer made (n, d)."""

    gradients: FloatArray
    theta: FloatArray
    observed: FloatArray
    allowed: FloatArray

    def explained_by(self, recursion: Recursion) -> bool:
        """Return whether the recursion makes the same changes, up to rounding."""
        # Most recursions fail in the first steps.
        return self._explained(recursion, 3) and self._explained(recursion, len(self.gradients))

    def _explained(self, recursion: Recursion, steps: int) -> bool:
        predicted, observed = recursion.increments(self.gradients[:steps], self.theta), self.observed[:steps]
        same = (predicted == observed) | (np.isnan(predicted) & np.isnan(observed))
        with np.errstate(invalid="ignore"):
            return bool((same | (np.abs(predicted - observed) <= self.allowed[:steps])).all())

    def residuals(self, recursion: Recursion) -> FloatArray:
        """Return the differences of the changes, bounded, for least squares."""
        predicted = recursion.increments(self.gradients, self.theta)
        with np.errstate(invalid="ignore", over="ignore"):
            scale = np.abs(self.observed) + np.abs(predicted) + recursion.step_size * 1e-6
            return np.nan_to_num((predicted - self.observed) / scale, nan=1.0).ravel()


def designed_gradients(eps: float) -> FloatArray:
    """Return gradients of shape (``STEPS``, 11), each column made to show one thing.

    Constant and alternating ones show the corrections, drawn ones the memories, an impulse the tails, large ones
    before small ones a maximum, zeros weight decay and stale moments, those of the sizes of eps and of its root
    where eps is added.
    """
    generator = np.random.default_rng(1)
    n = np.arange(STEPS)
    drawn = generator.standard_normal((STEPS, 4))
    sizes = 10.0 ** generator.uniform(-3, 3, STEPS)
    columns = [
        np.ones(STEPS),
        (-1.0) ** n,
        drawn[:, 0],
        drawn[:, 1] + 2,
        np.where(n < 6, 100.0, 0.01) * drawn[:, 2],
        np.where(n < 4, 0.0, drawn[:, 3]),
        np.where(n == 0, 1.0, 0.0),
        np.zeros(STEPS),
        sizes * np.sign(drawn[:, 1]),
        eps * drawn[:, 0],
        eps**0.5 * drawn[:, 1],
    ]
    return np.column_stack(columns)


def play(adapter: Adapter) -> Probes:
    """Return how the optimizer answers the designed gradients."""
    gradients = designed_gradients(adapter.declared.eps)
    theta = np.linspace(-2.0, 3.0, gradients.shape[1])
    observed, before = adapter.increments(gradients, theta)
    unit = float(np.finfo(float).eps)
    size = np.abs(observed)
    with np.errstate(invalid="ignore", over="ignore"):
        allowed = adapter.agreement * (size + adapter.declared.step_size) + 8 * unit * (np.abs(before) + size)
    return Probes(gradients, theta, observed, allowed)


def identify(probes: Probes, declared: Recursion) -> Recursion | None:
    """Return the recursion with the fewest differences from ``declared`` that explains the changes; None if none does.

    Differences in structure are tried one, two and three at a time, with the declared numbers or with beta1 and beta2
    swapped; with none and with one also numbers fitted by least squares.
    """
    undeclared = declared
    declared = _with_decay_of(probes, undeclared)
    swapped = replace(declared, beta1=declared.beta2, beta2=declared.beta1)

    def exact(count: int) -> Iterator[Recursion | None]:
        for start in (declared, swapped):
            yield from (candidate for candidate in _varied(start, count) if probes.explained_by(candidate))

    def fitted(count: int) -> Iterator[Recursion | None]:
        yield from (_fitted(probes, candidate, thorough=count == 0) for candidate in _varied(declared, count))

    # m without the factor 1 - beta1 is a larger step size as well: structure is preferred to numbers.
    in_gradient = () if declared == undeclared else (replace(undeclared, decay="in the gradient"),)
    decayed = (_fitted(probes, candidate, thorough=False) for candidate in in_gradient)
    attempts = (exact(0), exact(1), decayed, fitted(0), exact(2), fitted(1), exact(MOST_DIFFERENCES))
    return next((found for found in itertools.chain(*attempts) if found is not None), None)


def _varied(recursion: Recursion, count: int) -> Iterator[Recursion]:
    """The recursions with exactly ``count`` attributes changed."""
    for names in itertools.combinations(CHOICES, count):
        others = [[value for value in CHOICES[name] if value != getattr(recursion, name)] for name in names]
        for values in itertools.product(*others):
            changed: dict[str, Any] = dict(zip(names, values, strict=True))
            yield replace(recursion, **changed)


def _with_decay_of(probes: Probes, declared: Recursion) -> Recursion:
    """Where no decay is declared but parameters move without gradients: the coefficient that this shows."""
    column = int(np.flatnonzero((probes.gradients == 0).all(axis=0))[0])
    change, theta = probes.observed[0, column], probes.theta[column]
    if declared.weight_decay or not np.isfinite(change) or change == 0:
        return declared
    return replace(declared, weight_decay=float(f"{abs(change / theta) / declared.step_size:.9g}"))


_LOGARITHMS = ("step_size", "eps", "weight_decay")
_STARTS = ((0.9, 0.999), (0.5, 0.9), (0.9, 0.95), (0.1, 0.5))
"""Memories from which a thorough fit sets out, beside the declared ones."""


def _fitted(probes: Probes, recursion: Recursion, thorough: bool) -> Recursion | None:
    """The recursion with as few numbers fitted as explain the changes; None if no fit does."""
    groups: tuple[tuple[str, ...], ...] = (("beta1", "beta2"), ("beta1", "beta2", "eps"))
    if recursion.decay == "in the gradient":
        groups = (("weight_decay",), *groups)
    starts = [recursion]
    if thorough:
        groups = (("step_size",), *groups, ("step_size", "beta1", "beta2", "eps"))
        starts += [replace(recursion, beta1=beta1, beta2=beta2) for beta1, beta2 in _STARTS]
    for names in groups:
        for start in starts:
            found = _rounded(probes, _least_squares(probes, start, names), names)
            if found is not None:
                return found
    return None


def _least_squares(probes: Probes, start: Recursion, names: tuple[str, ...]) -> Recursion:
    """The recursion whose named numbers fit best, from ``start`` on."""

    def with_numbers(x: FloatArray) -> Recursion:
        x = np.clip(x, -40, 40)
        numbers: dict[str, Any] = {
            name: float(np.exp(t) if name in _LOGARITHMS else 1 / (1 + np.exp(-t)))
            for name, t in zip(names, x, strict=True)
        }
        return replace(start, **numbers)

    def coordinate(name: str) -> float:
        value = getattr(start, name)
        if name in _LOGARITHMS:
            return float(np.log(value or 1e-2))
        value = min(max(value, 1e-3), 1 - 1e-6)
        return float(np.log(value / (1 - value)))

    def residuals(x: FloatArray) -> FloatArray:
        return probes.residuals(with_numbers(x))

    first, tolerance = [coordinate(name) for name in names], 1e-15
    found = scipy.optimize.least_squares(residuals, first, max_nfev=40, xtol=tolerance, ftol=tolerance, gtol=tolerance)
    return with_numbers(found.x)


def _rounded(probes: Probes, fitted: Recursion, names: tuple[str, ...]) -> Recursion | None:
    """The fit with its numbers rounded to as few digits as explain the changes; None if it explains nothing."""
    for digits in (1, 2, 3, 4, 6, 9):
        numbers: dict[str, Any] = {name: float(f"{getattr(fitted, name):.{digits}g}") for name in names}
        for name in {"beta1", "beta2"} & set(names):
            numbers[name] = float(f"{1 - float(f'{1 - getattr(fitted, name):.{digits}g}'):.12g}")
        candidate = replace(fitted, **numbers)
        if probes.explained_by(candidate):
            return candidate
    return fitted if probes.explained_by(fitted) else None
