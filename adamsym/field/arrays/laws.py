"""F of gradient laws with the rules of a Laplace form at hand."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.arrays.atoms import quotient_of_atoms
from adamsym.field.arrays.quadrature import ArrayQuotient, Steps, quotient_of_transforms
from adamsym.field.float.limits import LINEAR_BELOW, MOST_NODES, ROUNDING
from adamsym.field.float.records import Moments, Rule

if TYPE_CHECKING:
    from adamsym.field.laws.gradient_laws import GradientLaw

_TINY = float(np.finfo(float).tiny)

_OF_LAWS = Steps(16, MOST_NODES, True)


class FormSizes(Protocol):
    """What the quadrature needs of a form beside a rule: see :class:`adamsym.field.float.forms.FloatForm`."""

    @property
    def largest(self) -> float:
        """A bound of |M| phi(V)."""

    @property
    def total(self) -> float:
        """The sum of the lag weights."""

    @property
    def absolute(self) -> float:
        """That of their magnitudes."""

    @property
    def size(self) -> float:
        """1/phi(0)."""

    @property
    def eps(self) -> float:
        """Eps."""


@dataclass(frozen=True)
class FormNumbers:
    """What the quadrature needs of a form with one geometric term: see :class:`adamsym.field.float.forms.FloatForm`.

    ``rules`` are those of finer and finer grids.
    """

    step_bound: float
    largest: float
    total: float
    absolute: float
    size: float
    eps: float
    decay: float
    rules: tuple[Rule, ...]

    def most(self, magnitude: FloatArray) -> FloatArray:
        """Return what |F| is at most, from E|g|."""
        with np.errstate(over="ignore"):
            return np.minimum(self.largest, self.absolute * magnitude / self.size)


@dataclass(frozen=True)
class ArrayValues:
    """F of laws, error estimates, and bounds of E[1/(sqrt V + eps)], each (laws,); dF/dg (laws, n) if asked for."""

    value: FloatArray
    error: FloatArray
    inverse: FloatArray
    slopes: FloatArray | None


def values_of_laws(
    laws: Sequence[FloatArray], p: FloatArray, form: FormNumbers, tolerance: float, slopes: bool = False
) -> ArrayValues | None:
    """Return F of laws (n,) with probabilities (n,), as :func:`adamsym.field.quotient` has them.

    None where a law needs a grid that is finer or longer than there are.
    """
    found, by_atoms = [], []
    for atoms in laws:
        one = _value(np.ascontiguousarray(atoms), p, form, tolerance, slopes)
        if one is None or not np.isfinite(one[:3]).all() or (slopes and not np.isfinite(one[3]).all()):
            return None
        found.append(one[:3])
        by_atoms.append(one[3])
    value, error, inverse = np.array(found).reshape(-1, 3).T
    return ArrayValues(value, error, inverse, np.array(by_atoms) if slopes else None)


_Value = tuple[float, float, float, FloatArray]


def _value(g: FloatArray, p: FloatArray, form: FormNumbers, tolerance: float, slopes: bool) -> _Value | None:
    size, none = np.abs(g), np.empty(0)
    magnitude = float(size @ p)
    if size.max() <= LINEAR_BELOW * form.size:
        error = ROUNDING * magnitude / form.size + _TINY
        return form.total * float(g @ p) / form.size, error, 1 / form.size, form.total * p / form.size
    most = float(form.most(np.array(magnitude)))
    for rule in form.rules:
        found, by_atoms = quotient_of_atoms(g, p, form.eps, rule, slopes)
        if found.filters + found.control <= tolerance / 2 * most:
            error = found.filters + found.control + rule.alias * most + ROUNDING * found.unit
            return found.value, min(error, 2 * most + _TINY), found.inverse, none if by_atoms is None else by_atoms
    return None


def value_of_law(law: "GradientLaw", form: FormSizes, rules: Iterable[Rule]) -> tuple[float, float, float, bool]:
    """Return F of a law given by its transforms, an error estimate, a bound of E[1/(sqrt V + eps)].

    And whether a rule was accurate to rounding; else the last one's value is returned.

    Raises
    ------
    InputError
        If the law's fourth moment is not finite, its transforms are not, or there would be too many nodes.
    """
    if law.magnitude_bound <= LINEAR_BELOW * form.size:
        error = ROUNDING * law.magnitude_bound / form.size + _TINY
        return form.total * law.moments[0] / form.size, error, 1 / form.size, True
    scale, moments = scaled(law)
    # E|g| is at most the root of E g^2.
    most = min(form.largest, form.absolute * scale / form.size)
    value, error, inverse = math.nan, math.inf, math.nan
    for rule in rules:
        eps = form.eps / law.moments[1] if rule.eps_inside_root else form.eps / scale
        found = _of_transforms(law, moments, scale, eps, rule)
        off = found.filters + found.control
        value, inverse = found.value, found.inverse
        error = off + rule.alias * most + ROUNDING * found.unit
        if off <= ROUNDING * found.unit:
            return value, error, inverse, True
    return value, error, inverse, False


def scaled(law: "GradientLaw") -> tuple[float, Moments]:
    """Return the root of E g^2, and the moments of the law divided by it.

    Raises
    ------
    InputError
        If the fourth moment is not finite, or the gradients are too small.
    """
    first, second, third, fourth = law.moments
    if not (math.isfinite(fourth) and second > 0):
        raise InputError("law: its fourth moment must be finite, and gradients not below 1e-150")
    scale = math.sqrt(second)
    mean = first / scale
    return scale, Moments(0.0, mean, 1.0, third / scale**3 - mean, law.magnitude_bound / scale)


def _of_transforms(law: "GradientLaw", moments: Moments, scale: float, eps: float, rule: Rule) -> ArrayQuotient:
    def transforms(s: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            log_b, ratio = law.transforms(s * (rule.one_less_beta / scale**2))
        if not (np.isfinite(log_b).all() and np.isfinite(ratio).all()):
            raise InputError("law: its transforms are not finite; raise beta2 or eps")
        return log_b, ratio / scale

    found, _ = quotient_of_transforms(transforms, moments, eps, scale, rule, _OF_LAWS)
    if math.isnan(found.value):
        raise InputError("law: the integral needs too many nodes; raise eps or beta2")
    return found
