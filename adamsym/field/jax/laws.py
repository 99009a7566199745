"""F = E[M phi(V)] of many finite laws in JAX, in chunks of bounded memory; what does not fit goes to the compiled path.

Needs jax: this module is imported where the backend is chosen, and not before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.progress import Progress
from adamsym.field.float.forms import FloatForm, float_form
from adamsym.field.float.laplace_quadrature import Quotient, check_laws, quotient, sum_of_parts
from adamsym.field.float.limits import LINEAR_BELOW, ROUNDING
from adamsym.field.float.quotients import law_sizes
from adamsym.field.float.records import Indices
from adamsym.field.float.rules import ladder
from adamsym.field.jax.quotients import Results, quotients
from adamsym.field.jax.tables import tables_of
from adamsym.field.jax.transforms import NODES_AT_ONCE
from adamsym.methods import LaplaceForm, Method

GRIDS = 2
"""Grids tried in turn; what has not converged then goes to the compiled path."""

ROOM = 512
"""Nodes of a grid. Laws of rare atoms may need more: these go to the compiled path."""

_MOST_LAWS = 1024
"""Laws in one chunk, at most."""

_ENTRIES = {"cpu": 2**22}
"""Exponentials held at once, by kind of device; on a processor as many as are soon made."""

_ENTRIES_ELSEWHERE = 2**26
"""Half a gigabyte, two or three times."""

_ENTRIES_IN_CACHE = 2**14
"""Exponentials that a processor makes in one go."""

_DERIVATIVES_ARE_CHEAP = 2**14
"""For so few atoms dF/dg is computed in any case: that takes less than to compile a program without it."""


@dataclass(frozen=True)
class VectorizedQuotient(Quotient):
    """A quotient; ``handed_over``, shape (laws,), tells which laws the compiled path has computed."""

    handed_over: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def jax_quotient(
    atoms: FloatArray,
    probabilities: FloatArray,
    method: Method | LaplaceForm,
    sensitivity: bool = False,
    tolerance: float = 1e-13,
    threads: int = 1,
    progress: Progress | None = None,
) -> VectorizedQuotient:
    """Return F and an error estimate as :func:`adamsym.field.quotient` does, computed in JAX on its default device.

    Arguments, errors and accuracy are those of ``quotient``; the two agree within their estimates. ``threads`` holds
    for the laws that are handed over: those whose grids are longer than ``ROOM``, as rare atoms and short memory make
    them, those that the spacings here do not serve, and those of gradients that are 0 or next to it. JAX counts its
    threads itself. Its settings stay as they are.
    """
    check_laws(atoms, probabilities, tolerance, threads)
    atoms, probabilities = np.ascontiguousarray(atoms), np.ascontiguousarray(np.atleast_2d(probabilities))
    form = float_form(method)
    parts = [
        (factor, _of_part(atoms, probabilities, float_form(part), sensitivity, tolerance, threads, progress))
        for factor, part in form.parts or ((1.0, form.form),)
    ]
    found = sum_of_parts(parts)
    handed_over = np.any([one.handed_over for _, one in parts], axis=0)
    return VectorizedQuotient(
        found.value, found.error, found.inverse, found.sensitivity, found.exponentials, handed_over
    )


def _of_part(
    atoms: FloatArray,
    probabilities: FloatArray,
    form: FloatForm,
    sensitivity: bool,
    tolerance: float,
    threads: int,
    progress: Progress | None,
) -> VectorizedQuotient:
    laws = len(atoms)
    value, error, inverse = np.empty((3, laws))
    slopes = np.empty(atoms.shape) if sensitivity else None
    spent, handed_over = np.zeros(laws, dtype=np.int_), np.ones(laws, dtype=np.bool_)
    mean, magnitude, largest = np.empty((3, laws))
    law_sizes(atoms, probabilities, mean, magnitude, largest)
    # A chunk takes as long as its longest law: laws of similar spread stand together.
    spread = largest / np.maximum(magnitude, np.finfo(float).tiny)
    pending = np.argsort(spread, kind="stable")
    pending = pending[largest[pending] > LINEAR_BELOW * form.size] if form.parts else pending[:0]
    # |F| is at most this.
    most = form.most(magnitude)
    for per_octave in ladder(tolerance)[:GRIDS]:
        undone = []
        for chosen, found, alias in _in_chunks(atoms, probabilities, form, pending, per_octave, sensitivity):
            truncated = found.filters + found.control
            served = np.isfinite(found.value) & found.fits & (truncated <= tolerance / 2 * most[chosen])
            estimate = truncated + alias * most[chosen] + ROUNDING * found.unit
            done = chosen[served]
            value[done], inverse[done] = found.value[served], found.inverse[served]
            error[done] = np.minimum(estimate[served], 2 * most[done] + np.finfo(float).tiny)
            spent[chosen] += found.exponentials
            handed_over[done] = False
            if slopes is not None and found.gradient is not None:
                slopes[done] = found.gradient[served]
            undone.append(chosen[np.asarray(found.fits) & ~served])
            if progress is not None:
                progress(laws - int(handed_over.sum()), laws)
        pending = np.concatenate(undone) if undone else pending[:0]
    if handed_over.any():
        own = probabilities[0] if len(probabilities) == 1 else probabilities[handed_over]
        served_here = laws - int(handed_over.sum())

        def of_all(more: int, _: int) -> None:
            if progress is not None:
                progress(served_here + more, laws)

        rest = quotient(atoms[handed_over], own, form.form, sensitivity, tolerance, threads, of_all)
        value[handed_over], error[handed_over], inverse[handed_over] = rest.value, rest.error, rest.inverse
        spent[handed_over] += rest.exponentials
        if slopes is not None and rest.sensitivity is not None:
            slopes[handed_over] = rest.sensitivity
    return VectorizedQuotient(value, error, inverse, slopes, spent, handed_over)


def _in_chunks(
    atoms: FloatArray,
    probabilities: FloatArray,
    form: FloatForm,
    chosen: Indices,
    per_octave: int,
    sensitivity: bool,
) -> Iterator[tuple[Indices, Results, float]]:
    """Yield some of the chosen laws, what is found for them, and the bound of the rule's error in units of |F|'s.

    All chunks have one size, whatever the number of laws chosen, so that one program serves for all.
    """
    width, at_once = _sizes(*atoms.shape)
    tables, with_gradient = tables_of(form.form, per_octave, ROOM), sensitivity or atoms.size <= _DERIVATIVES_ARE_CHEAP
    for start in range(0, len(chosen), width):
        part = chosen[start : start + width]
        filled = np.append(part, np.full(width - len(part), part[0]))
        own = np.broadcast_to(probabilities, atoms.shape)[filled]
        with jax.enable_x64(True):
            found = quotients(atoms[filled], own, form.eps, tables, at_once, with_gradient)
        yield part, _rows(found, len(part)), tables.alias


def _rows(found: Results, number: int) -> Results:
    """The first rows, as NumPy's arrays."""
    rows: Results = jax.tree.map(lambda one: np.asarray(one)[:number], found)
    return rows


def _sizes(laws: int, n: int) -> tuple[int, int]:
    """Return how many laws make a chunk, and how many of these take their exponentials at once: powers of two."""
    kind = jax.default_backend()
    most = min(_MOST_LAWS, _ENTRIES.get(kind, _ENTRIES_ELSEWHERE) // (NODES_AT_ONCE * n))
    width = min(1 << (laws - 1).bit_length(), _power_of_two(most))
    return width, min(width, _power_of_two(_ENTRIES_IN_CACHE // (NODES_AT_ONCE * n)) if kind == "cpu" else width)


def _power_of_two(most: int) -> int:
    return 1 << (max(1, most).bit_length() - 1)
