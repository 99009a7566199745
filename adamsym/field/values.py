"""Values of the field, with what is known of their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain
from adamsym.expressions.running import UNIT

_SHOWN = 4
"""So many numbers are shown in a line."""


@dataclass(frozen=True, repr=False)
class FieldValue(Result):
    """Values of the Adam field, shape (..., d), with an a-posteriori error estimate of the same shape.

    The estimate is the quadrature's (and that of two Gauss rules for a continuous law): evidence, not a bound. It
    counts what rounding has done to the gradients, by a running error bound.
    """

    value: FloatArray
    error: FloatArray
    names: Sequence[str] = ()
    """Of the parameters; none where they are not known."""

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """The value at one point of few parameters, else how large it is; and the largest error estimate."""
        d = self.value.shape[-1]
        error = f"error estimate {np.max(self.error, initial=0.0):.1e}"
        if self.value.size <= _SHOWN:
            return f"f = {self.value.tolist()}, {error}"
        points = counted(self.value.size // max(d, 1), "point")
        return f"f at {points} in {counted(d, 'parameter')}, max |f| = {np.abs(self.value).max():.3g}, {error}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"field": ..., "error": ...}`` in lists, ready for JSON."""
        return {"field": plain(self.value), "error": plain(self.error)}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, FloatArray]:
        """Return one row for each point, as columns ``f.NAME`` and ``error.NAME`` for each parameter."""
        d = self.value.shape[-1]
        named = parameter_names(self.names or None if names is None else names, d, ())
        values, errors = self.value.reshape(-1, d), self.error.reshape(-1, d)
        found = {f"f.{name}": values[:, k].copy() for k, name in enumerate(named)}
        return found | {f"error.{name}": errors[:, k].copy() for k, name in enumerate(named)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return each parameter with its component of f; of many points those of the first."""
        if not self.value.size:
            return [], []
        d = self.value.shape[-1]
        value, error = self.value.reshape(-1, d)[0], self.error.reshape(-1, d)[0]
        named = parameter_names(self.names or None, d, ())
        rows = [[name, repr(f), f"{e:.1e}"] for name, f, e in zip(named, value.tolist(), error.tolist(), strict=True)]
        return ["parameter", "f" if self.value.ndim == 1 else "f at the first point", "error estimate"], rows

    def within(self, bounds: ArrayLike) -> "FieldValue":
        """Return the values moved into proven bounds (..., d, 2), with errors no larger than these leave room for.

        Where the bounds are narrower than the estimate, the value is their middle. Where a value lies outside by more
        than its estimate, that is refuted: the bounds alone give value and error.
        """
        low, high = np.moveaxis(np.asarray(bounds, dtype=np.float64), -1, 0)
        value = np.clip(self.value, low, high)
        room, moved = np.maximum(high - value, value - low), np.abs(value - self.value)
        error = np.where(moved <= self.error, np.minimum(self.error + moved, room), room)
        middle = low + (high - low) / 2
        half = np.maximum(high - middle, middle - low)
        return FieldValue(np.where(half < error, middle, value), np.minimum(half, error), self.names)


_RELATIVE = (0.0, 2.0**-50, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1 / 16)
"""Relative errors up to which an atom may count as relatively accurate; the best choice for each law is taken."""

MOST_GRADIENTS = 2**28
"""Gradients of rows at one point, in all parameters together, that are held at once: two gigabytes."""


def require_room(rows: int, parameters: int) -> None:
    """Raise InputError where the gradients at one point would take too much memory."""
    if rows * parameters > MOST_GRADIENTS:
        raise InputError(
            f"problem: the gradients of {rows:,} data rows in {parameters:,} parameters would take "
            f"{8e-9 * rows * parameters:.3g} GB, allowed are {8e-9 * MOST_GRADIENTS:.3g} GB; take fewer rows, such as "
            "a random part of them, or fewer parameters"
        )


@dataclass(frozen=True)
class Found:
    """Values with the quadrature's error estimates, and bounds of E[1/(sqrt V + eps)]; each (points, d)."""

    value: FloatArray
    error: FloatArray
    inverse: FloatArray

    @classmethod
    def joined(cls, parts: Sequence["Found"], d: int) -> "Found":
        """Return the values of parts of the points, one after the other; there may be none."""
        columns = [(part.value, part.error, part.inverse) for part in parts]
        return cls(*map(np.concatenate, zip(*([np.empty((0, d))] * 3, *columns), strict=True)))


def unfinished(differences: FloatArray) -> FloatArray:
    """Return what may be left where levels run out, from the last three differences of levels; shape (3, points, d).

    Kinks converge slowly and unevenly: there a single difference may be small by chance. So it is taken to shrink no
    faster than the slower of the last two times.
    """
    before, middle, last = differences
    shrinking = np.maximum(_ratio(middle, before), _ratio(last, middle))
    return np.asarray(np.maximum(shrinking * middle, shrinking**2 * before))


def _ratio(later: FloatArray, earlier: FloatArray) -> FloatArray:
    return np.minimum(1.0, np.divide(later, earlier, out=np.zeros_like(later), where=earlier > 0))


MOST_REPAIRED = 20_000
"""Gradients of rows that are computed again in ball arithmetic, in one call."""

_NAMED = 8
"""Numbers of refused laws that a message shows."""


class RefusedLaws(InputError):
    """Some laws have no value to six digits; ``laws`` are their numbers, and all others have one."""

    def __init__(self, laws: Sequence[int], among: int, first: InputError, what: str = "laws") -> None:
        self.laws, self.first = tuple(laws), first
        shown = ", ".join(map(str, self.laws[:_NAMED])) + (", ..." if len(self.laws) > _NAMED else "")
        super().__init__(f"{first}; this concerns {len(self.laws)} of {among} {what}: {shown}")


class Bounds(Protocol):
    """What a Laplace form bounds: the sum of its lag weights' magnitudes, the step, and |F| from E|g|."""

    @property
    def absolute(self) -> float:
        """The sum of the magnitudes of the lag weights."""
        ...

    @property
    def step_bound(self) -> float:
        """C with |M| <= C sqrt V (theory T1)."""
        ...

    def most(self, magnitude: FloatArray) -> FloatArray:
        """Return what |F| is at most, from E|g|."""
        ...


def change_of_quotients(
    atoms: FloatArray, errors: FloatArray, probabilities: FloatArray, inverse: FloatArray, form: Bounds
) -> FloatArray:
    """Return bounds of how far F of laws (laws, n) may be from F of laws whose atoms differ by up to ``errors``.

    Atoms with relative errors up to r change F by at most 2 r/(1 - r)^2 min(C, E|g|/eps), since |M| <= C sqrt V for the
    moduli of g too; the others, whose errors are at most e, by e (1 + C) E[1/(sqrt V + eps)] (theory T1, T2).
    """
    magnitudes = np.abs(atoms)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        relative = np.where(errors == 0, 0.0, errors / magnitudes)
        most = form.most(magnitudes @ probabilities)
        whole = most + form.most((magnitudes + np.minimum(errors, 1e300)) @ probabilities)
        best = whole
        for limit in _RELATIVE:
            good = relative <= limit
            ratio = np.where(good, relative, 0.0).max(axis=1)
            rest = np.where(good, 0.0, errors).max(axis=1)
            far = np.where(rest == 0, 0.0, rest * (form.absolute + form.step_bound) * inverse)
            best = np.fmin(best, 2 * ratio / (1 - ratio) ** 2 * most + far)
    return np.asarray(best)


def batch_errors(shares: FloatArray | None, gradients: FloatArray, errors: FloatArray) -> FloatArray:
    """Return bounds of the errors of minibatch means (points, n, d), from those of the rows."""
    if shares is None:
        return errors
    own = (shares.shape[1] + 2) * UNIT
    with np.errstate(invalid="ignore"):
        return np.asarray(np.einsum("nr,...rd->...nd", shares, np.minimum(errors, 1e300) + own * np.abs(gradients)))
