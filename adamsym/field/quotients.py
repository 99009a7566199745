"""Compiled: F and its derivative, one law of gradient atoms after the other."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.adjoint import sensitivity
from adamsym.field.compiled import compiled
from adamsym.field.nodes import MOST_NODES, workspace
from adamsym.field.quadrature import evaluate, lag_sums
from adamsym.field.records import Rule
from adamsym.field.transforms import atom_moments, block_dot, sample_atoms


@compiled
def quotients(
    atoms: FloatArray,
    probabilities: FloatArray,
    eps: float,
    rule: Rule,
    value: FloatArray,
    difference: FloatArray,
    exponentials: "np.ndarray[tuple[int, ...], np.dtype[np.int_]]",
    gradient: FloatArray,
) -> None:
    """Fill F, its change from the coarse grid and dF/dg of each law (a row of ``atoms``, not all zero).

    ``difference`` is in units of the law's scale: 1/(1 + eps/sqrt(E g^2)), or where eps is inside the root
    1/sqrt(1 + eps/E g^2); ``exponentials`` gets the number spent on each atom. A grid that would be too long leaves
    nan. ``gradient`` has a row for each law, or none if it is not wanted.
    """
    samples = workspace()
    s_sum, q_sum = np.empty(MOST_NODES), np.empty(MOST_NODES)
    y = np.empty(atoms.shape[1])
    for law in range(len(atoms)):
        largest = np.abs(atoms[law]).max()
        g = atoms[law] / largest
        root = math.sqrt(block_dot(g * g, probabilities))
        g /= root
        scale = largest * root
        scaled_eps = eps / scale / scale if rule.eps_inside_root else eps / scale
        moments = atom_moments(g, probabilities, y)
        count, exponentials[law] = sample_atoms(g, probabilities, y, moments, scaled_eps, rule, samples)
        if count < 0:
            value[law], difference[law] = np.nan, np.nan
            continue
        value[law], difference[law] = evaluate(count, moments, scaled_eps, rule, samples, s_sum, q_sum)
        if len(gradient):
            lag_sums(count, 1, rule.fine, moments, rule, samples, s_sum, q_sum)
            sensitivity(count, g, probabilities, y, moments, scaled_eps, rule, samples, s_sum, q_sum, gradient[law])
            gradient[law] /= scale
