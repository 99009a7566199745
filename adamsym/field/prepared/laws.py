"""F of gradient laws with the rules of a Laplace form at hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.limits import LINEAR_BELOW, ROUNDING
from adamsym.field.float.records import Rule
from adamsym.field.prepared.quadrature import quotient_of_law

_TINY = float(np.finfo(float).tiny)


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


def values_of_laws(
    laws: Sequence[FloatArray], p: FloatArray, form: FormNumbers, tolerance: float
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return F of laws (n,) with probabilities (n,), error estimates, and bounds of E[1/(sqrt V + eps)].

    As :func:`adamsym.field.quotient` has them; None where a law needs a grid that is finer or longer than there are.
    """
    found = []
    for atoms in laws:
        one = _value(np.ascontiguousarray(atoms), p, form, tolerance)
        if one is None or not np.isfinite(one).all():
            return None
        found.append(one)
    value, error, inverse = np.array(found).reshape(-1, 3).T
    return value, error, inverse


def _value(g: FloatArray, p: FloatArray, form: FormNumbers, tolerance: float) -> tuple[float, float, float] | None:
    size = np.abs(g)
    magnitude = float(size @ p)
    if size.max() <= LINEAR_BELOW * form.size:
        return form.total * float(g @ p) / form.size, ROUNDING * magnitude / form.size + _TINY, 1 / form.size
    most = float(form.most(np.array(magnitude)))
    for rule in form.rules:
        found = quotient_of_law(g, p, form.eps, rule)
        if found.filters + found.control <= tolerance / 2 * most:
            error = found.filters + found.control + rule.alias * most + ROUNDING * found.unit
            return found.value, min(error, 2 * most + _TINY), found.inverse
    return None
