"""Compiled: F and its derivative, one law of gradient atoms after the other."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.float.adjoint import sensitivity
from adamsym.field.float.compiled import compiled
from adamsym.field.float.nodes import MOST_NODES, USUAL_NODES, workspace
from adamsym.field.float.quadrature import evaluate, lag_sums
from adamsym.field.float.records import Rule
from adamsym.field.float.transforms import atom_moments, block_dot, sample_atoms


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
    value: FloatArray,
    difference: FloatArray,
    unit: FloatArray,
    inverse: FloatArray,
    exponentials: "np.ndarray[tuple[int, ...], np.dtype[np.int_]]",
    gradient: FloatArray,
) -> None:
    """Fill F, its change from the coarse grid and dF/dg of each law (a row of ``atoms``, not all zero).

    ``probabilities`` has a row for each law, or one row for all of them.
    ``difference`` is in units of the law's scale, which goes to ``unit``: 1/(1 + eps/sqrt(E g^2)), or where eps is
    inside the root 1/sqrt(1 + eps/E g^2). ``inverse`` gets a bound of E[1/(sqrt V + eps)], ``exponentials`` the number
    spent on each atom. A grid that would be too long leaves nan. ``gradient`` has a row for each law, or none if it is
    not wanted.
    """
    samples = workspace(USUAL_NODES)
    y = np.empty(atoms.shape[1])
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
        count, exponentials[law] = sample_atoms(g, p, y, moments, scaled_eps, rule, samples)
        if count < 0 and len(samples.s) < MOST_NODES:
            samples = workspace(MOST_NODES)
            count, exponentials[law] = sample_atoms(g, p, y, moments, scaled_eps, rule, samples)
        if count < 0:
            value[law], difference[law], inverse[law] = np.nan, np.nan, np.nan
            continue
        value[law], difference[law], inverse[law] = evaluate(count, moments, scaled_eps, rule, samples)
        inverse[law] /= scale
        if len(gradient):
            lag_sums(count, 1, rule.fine, moments, rule, samples)
            sensitivity(count, g, p, y, moments, scaled_eps, rule, samples, gradient[law])
            gradient[law] /= scale
