"""Compiled: F and its derivative, one law of gradient atoms after the other."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled
from adamsym.field.float.adjoint import sensitivity
from adamsym.field.float.limits import MOST_NODES
from adamsym.field.float.nodes import USUAL_NODES, workspace
from adamsym.field.float.quadrature import control_error, evaluate
from adamsym.field.float.records import Indices, Rule
from adamsym.field.float.sorted_atoms import (
    atom_moments,
    block_dot,
    octave_range,
    sort_atoms,
    sorted_workspace,
    sum_octaves,
)
from adamsym.field.float.transforms import sample_atoms

_USUAL_OCTAVES = 62
"""Room for the octaves of ordinary laws."""


@compiled
def law_sizes(
    atoms: FloatArray, probabilities: FloatArray, mean: FloatArray, magnitude: FloatArray, largest: FloatArray
) -> None:
    """Fill E g, E|g| and the largest |g| of each law; ``probabilities`` as for :func:`quotients`."""
    for law in range(len(atoms)):
        g, p = atoms[law], probabilities[law if len(probabilities) > 1 else 0]
        size = np.abs(g)
        mean[law], magnitude[law], largest[law] = block_dot(g, p), block_dot(size, p), size.max()


@compiled
def quotients(
    atoms: FloatArray,
    probabilities: FloatArray,
    eps: float,
    rule: Rule,
    allowed: FloatArray,
    value: FloatArray,
    filters: FloatArray,
    control: FloatArray,
    unit: FloatArray,
    inverse: FloatArray,
    exponentials: Indices,
    gradient: FloatArray | None,
) -> None:
    """Fill F, what may be off, and dF/dg of each law (a row of ``atoms``, not all zero).

    ``probabilities`` has a row for each law, or one row for all of them. ``filters`` is an estimate of what the filters
    change, and ``control`` a bound of the control variate's part in the rule's error: a law for which that is more than
    ``allowed`` is left out, its filters infinite. The law's scale goes to ``unit``:
    1/(1 + eps/sqrt(E g^2)), or where eps is inside the root 1/sqrt(1 + eps/E g^2). ``inverse`` gets a bound of
    E[1/(sqrt V + eps)], ``exponentials`` the number of exponentials and their squares, for all atoms together. A grid
    that would be too long leaves nan. ``gradient`` has a row for each law; where it is None, its code is not even
    compiled: that takes a good part of the time.
    """
    n, phases = atoms.shape[1], max(1, rule.grid.per_octave)
    samples, own = workspace(USUAL_NODES), sorted_workspace(n, phases, _USUAL_OCTAVES)
    y = np.empty(n)
    for law in range(len(atoms)):
        largest = np.abs(atoms[law]).max()
        g = atoms[law] / largest
        p = probabilities[law if len(probabilities) > 1 else 0]
        root = math.sqrt(block_dot(g * g, p))
        g /= root
        scale = largest * root
        scaled_eps = eps / scale / scale if rule.eps_inside_root else eps / scale
        unit[law] = 1.0 / math.sqrt(1.0 + scaled_eps) if rule.eps_inside_root else 1.0 / (1.0 + scaled_eps)
        moments = atom_moments(g, p, y)
        control[law] = control_error(moments, scaled_eps, rule)
        if control[law] > allowed[law]:
            value[law], filters[law], inverse[law], exponentials[law] = np.nan, np.inf, np.nan, 0
            continue
        top, octaves = octave_range(y)
        if octaves >= len(own.units):
            own = sorted_workspace(n, phases, octaves)
        sort_atoms(g, p, y, top, octaves, own)
        sum_octaves(top, octaves, own)
        count, exponentials[law] = sample_atoms(octaves, own, moments, scaled_eps, rule, samples)
        if count < 0 and len(samples.s) < MOST_NODES:
            samples = workspace(MOST_NODES)
            count, exponentials[law] = sample_atoms(octaves, own, moments, scaled_eps, rule, samples)
        if count < 0:
            value[law], filters[law], inverse[law] = np.nan, np.nan, np.nan
            continue
        value[law], filters[law], bound, variate = evaluate(count, moments, scaled_eps, rule, samples)
        inverse[law] = bound / scale
        if gradient is not None:
            # An entry of ``gradient`` that is divided in place compiles texts of exceptions, for seconds.
            slopes = gradient[law]
            sensitivity(count, octaves, moments, variate, rule, samples, own, slopes)
            slopes /= scale
