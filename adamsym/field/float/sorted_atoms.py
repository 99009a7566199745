"""Compiled: the atoms of one law in octaves of y = g^2 - min g^2, and their sums that power series need."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled
from adamsym.field.float.records import Moments, SortedAtoms

SERIES_TERMS = 14
"""Up to t max y = 1/2 the sums are series of so many powers: (1/2)^15/15! is below 1e-16 of the first."""

_BLOCK = 256
"""Atoms summed in one go: keeps rounding errors of long sums small."""

_EXPONENT_BITS, _EXPONENT_BIAS = 52, 1023
"""Of a float64: where its exponent begins, and what is added to it."""


@compiled
def sorted_workspace(atoms: int, phases: int, octaves: int) -> SortedAtoms:
    """Return arrays for a law of so many atoms in at most so many octaves."""
    return SortedAtoms(
        np.empty(atoms),
        np.empty(atoms),
        np.empty(atoms),
        np.empty(atoms),
        np.empty(atoms, dtype=np.int_),
        np.empty(octaves + 2, dtype=np.int_),
        np.empty(octaves + 1),
        np.empty((octaves + 1, SERIES_TERMS + 1)),
        np.empty((octaves + 1, SERIES_TERMS + 1)),
        np.empty(octaves + 1),
        np.empty((phases, atoms)),
        np.empty((phases, atoms)),
        np.empty(phases, dtype=np.int_),
        np.empty(phases, dtype=np.int_),
    )


@compiled
def block_dot(x: FloatArray, y: FloatArray) -> float:
    """Return sum x y, summed in blocks."""
    total = 0.0
    for begin in range(0, len(x), _BLOCK):
        part = 0.0
        for a in range(begin, min(begin + _BLOCK, len(x))):
            part += x[a] * y[a]
        total += part
    return total


@compiled
def atom_moments(g: FloatArray, p: FloatArray, y: FloatArray) -> Moments:
    """Fill ``y`` with g^2 - min g^2 and return the law's moments."""
    least, largest = abs(g[0]), abs(g[0])
    for a in range(1, len(g)):
        least, largest = min(least, abs(g[a])), max(largest, abs(g[a]))
    for a in range(len(g)):
        y[a] = (abs(g[a]) - least) * (abs(g[a]) + least)
    mean_y = block_dot(y, p)
    deviation = y - mean_y
    return Moments(least * least, block_dot(g, p), mean_y, block_dot(g, deviation * p), largest)


@compiled
def octave_range(y: FloatArray) -> tuple[int, int]:
    """Return the exponent of the largest y and the number of octaves; y below 1e-307 count as 0, which has none."""
    bits = y.view(np.int64)
    top, bottom = 0, 2**_EXPONENT_BITS
    for a in range(len(y)):
        exponent = bits[a] >> _EXPONENT_BITS
        top = max(top, exponent)
        if exponent > 0:
            bottom = min(bottom, exponent)
    return top - _EXPONENT_BIAS, top - bottom + 1 if top > 0 else 0


@compiled
def sort_atoms(g: FloatArray, p: FloatArray, y: FloatArray, top: int, octaves: int, atoms: SortedAtoms) -> None:
    """Sort the atoms into octaves by counting; see octave_range for their number and the largest one's exponent."""
    bits, begin = y.view(np.int64), atoms.begin
    begin[: octaves + 2] = 0
    highest = top + _EXPONENT_BIAS
    for a in range(len(y)):
        exponent = bits[a] >> _EXPONENT_BITS
        begin[(highest - exponent if exponent > 0 else octaves) + 1] += 1
    for octave in range(octaves + 1):
        begin[octave + 1] += begin[octave]
    next_place = begin[: octaves + 1].copy()
    for a in range(len(y)):
        exponent = bits[a] >> _EXPONENT_BITS
        octave = highest - exponent if exponent > 0 else octaves
        i = next_place[octave]
        next_place[octave] += 1
        atoms.place[i] = a
        atoms.y[i], atoms.g[i], atoms.p[i] = y[a] if exponent > 0 else 0.0, g[a], p[a]
        atoms.weighted[i] = p[a] * g[a]


@compiled
def sum_octaves(top: int, octaves: int, atoms: SortedAtoms) -> None:
    """Fill the octaves' units and the sums of powers, from the smallest atoms on."""
    begin, plain, signed = atoms.begin, atoms.plain, atoms.signed
    atoms.units[octaves], plain[octaves], signed[octaves] = 0.0, 0.0, 0.0
    add_powers(begin[octaves], begin[octaves + 1], 0.0, 1, atoms, plain[octaves], signed[octaves])
    for octave in range(octaves - 1, -1, -1):
        unit = math.ldexp(1.0, top + 1 - octave)
        atoms.units[octave] = unit
        # Half of the unit of this octave is the next one's.
        part = 1.0
        for j in range(SERIES_TERMS + 1):
            plain[octave, j], signed[octave, j] = part * plain[octave + 1, j], part * signed[octave + 1, j]
            part *= 0.5
        terms = SERIES_TERMS + 1
        add_powers(begin[octave], begin[octave + 1], 1.0 / unit, terms, atoms, plain[octave], signed[octave])
    atoms.taken[0] = 0.0
    for octave in range(octaves):
        part = 0.0
        for i in range(begin[octave], begin[octave + 1]):
            part += atoms.p[i]
        atoms.taken[octave + 1] = atoms.taken[octave] + part


@compiled
def add_powers(
    begin: int, end: int, inverse: float, terms: int, atoms: SortedAtoms, plain: FloatArray, signed: FloatArray
) -> None:
    """Add (-1)^j E[u^j]/j! and (-1)^j E[g u^j]/j!, u = y * inverse, over some of the atoms."""
    plain_part, signed_part = np.empty(SERIES_TERMS + 1), np.empty(SERIES_TERMS + 1)
    for first in range(begin, end, _BLOCK):
        plain_part[:], signed_part[:] = 0.0, 0.0
        for i in range(first, min(first + _BLOCK, end)):
            u, power, signed_power = atoms.y[i] * inverse, atoms.p[i], atoms.weighted[i]
            for j in range(SERIES_TERMS + 1):
                plain_part[j] += power
                signed_part[j] += signed_power
                power *= u
                signed_power *= u
        factor = 1.0
        for j in range(terms):
            plain[j] += factor * plain_part[j]
            signed[j] += factor * signed_part[j]
            factor /= -(j + 1.0)
