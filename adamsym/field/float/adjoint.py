"""Compiled: the derivative of F in the gradient atoms, by one reverse pass through the quadrature."""

import math

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled
from adamsym.field.float.grid import REACH
from adamsym.field.float.nodes import variate_factor, variate_slope
from adamsym.field.float.records import Moments, Rule, Samples, SortedAtoms
from adamsym.field.float.sorted_atoms import SERIES_TERMS
from adamsym.field.float.transforms import raise_powers


@compiled
def start_adjoints(first: int, rule: Rule, samples: Samples) -> tuple[float, float, float]:
    """Return the derivatives of F in E g, E y and Cov(g, y) by way of the values that the recursions start from."""
    mean, excess, covariance = 0.0, 0.0, 0.0
    for i in range(rule.grid.stride):
        s = samples.s[first] * math.exp(rule.grid.spacing * (i - rule.grid.stride))
        from_q = rule.grid.decay * samples.q_sum[i]
        mean += from_q / rule.one_less_alpha
        excess -= s * samples.s_sum[i]
        covariance -= from_q * s * rule.one_less_beta / rule.one_less_alpha_beta
    return mean, excess, covariance


@compiled
def transform_adjoints(
    count: int,
    moments: Moments,
    variate: tuple[float, float],
    rule: Rule,
    samples: Samples,
    a_adjoint: FloatArray,
    b_adjoint: FloatArray,
) -> tuple[float, float, float]:
    """Fill the adjoints of A and B and return those of E g, E g^2 and Cov(g, g^2).

    From what :func:`evaluate` left in the samples, and from F's derivatives in the control variate's mean and slope.
    The scale E g^2 = 1 and min g^2 are held fixed: F does not depend on where they are taken out.
    """
    grid = rule.grid
    first = REACH if len(grid.filter_b) > 0 else 0
    size = count - 2 * REACH + 1 if len(grid.filter_b) > 0 else count
    a_adjoint[:], b_adjoint[:] = 0.0, 0.0
    for i in range(size):
        s_slope, q_slope = samples.s_sum[i], samples.q_sum[i]
        if len(grid.filter_b) > 0:
            for k in range(2 * REACH):
                b_adjoint[i + k] += grid.filter_b[k] * s_slope
                a_adjoint[i + k] += grid.filter_r[k] * q_slope
        else:
            b_adjoint[i] += s_slope
            a_adjoint[i] += q_slope
        a_adjoint[first + i] += rule.current_weight * samples.product[i]
    for i in range(count):
        b_adjoint[i] -= a_adjoint[i] * samples.ratio[i]
        # Far out B may underflow; exp(S) then has done so before.
        if a_adjoint[i] != 0.0 or b_adjoint[i] != 0.0:
            b = math.exp(samples.log_b[i])
            a_adjoint[i] /= b
            b_adjoint[i] /= b
    mean, excess, covariance = start_adjoints(first, rule, samples)
    mean_slope, slope_slope = variate
    # E g^2 in the control variate exp(-s E g^2) has the adjoint -mean * slope_slope.
    return (
        rule.total * mean_slope + mean,
        excess - rule.total * moments.mean * slope_slope,
        covariance - (variate_factor(rule) * slope_slope if variate_slope(moments, rule) != 0.0 else 0.0),
    )


@compiled
def add_node(
    z: float, t: float, a: float, b: float, whole: FloatArray, shifted: FloatArray, signed: FloatArray
) -> None:
    """Add a (-z)^j/j!, a t (-z)^j/j! and b t (-z)^j/j!, z = t U: what a node does to atoms with y = U u."""
    for j in range(SERIES_TERMS + 1):
        whole[j] += a
        shifted[j] += a * t
        signed[j] += b * t
        a, b = a * (-z / (j + 1.0)), b * (-z / (j + 1.0))


@compiled
def add_series(octaves: int, moments: Moments, atoms: SortedAtoms, coefficients: FloatArray, slope: FloatArray) -> None:
    """Add to ``slope`` what the nodes do to atoms by power series.

    The coefficients, shape (3, octaves + 1, 15), are those of add_node. Nodes stand at the octave from which on they
    serve.
    """
    whole, shifted, signed = coefficients[0], coefficients[1], coefficients[2]
    even = np.empty(SERIES_TERMS + 1)
    for octave in range(octaves + 1):
        unit, part = atoms.units[octave], 1.0
        for j in range(SERIES_TERMS + 1):
            if octave > 0:
                whole[octave, j] += part * whole[octave - 1, j]
                shifted[octave, j] += part * shifted[octave - 1, j]
                signed[octave, j] += part * signed[octave - 1, j]
            part *= 0.5 if octave < octaves else 0.0
            # a (1 - 2 t g^2) with g^2 = U u + least.
            even[j] = whole[octave, j] - 2.0 * moments.least * shifted[octave, j]
            if j > 0:
                even[j] -= 2.0 * unit * shifted[octave, j - 1]
        odd, inverse = signed[octave], 1.0 / unit if octave < octaves else 0.0
        for i in range(atoms.begin[octave], atoms.begin[octave + 1]):
            u = atoms.y[i] * inverse
            even_sum, odd_sum = even[SERIES_TERMS], odd[SERIES_TERMS]
            for j in range(SERIES_TERMS - 1, -1, -1):
                even_sum, odd_sum = even_sum * u + even[j], odd_sum * u + odd[j]
            slope[i] += even_sum - 2.0 * atoms.g[i] * odd_sum


@compiled
def add_transform_adjoints(
    count: int,
    octaves: int,
    a_adjoint: FloatArray,
    b_adjoint: FloatArray,
    moments: Moments,
    rule: Rule,
    samples: Samples,
    atoms: SortedAtoms,
    slope: FloatArray,
) -> None:
    """Add sum_t [a_adjoint (1 - 2 t g^2) - 2 b_adjoint t g] exp(-t y) to ``slope``, for each sorted atom."""
    coefficients = np.zeros((3, octaves + 1, SERIES_TERMS + 1))
    phases = len(atoms.active)
    atoms.active[:], atoms.dead[:] = 0, 0
    for i in range(count):
        phase, t = i % phases, samples.s[i] * rule.one_less_beta
        first, end = raise_powers(t, phase, octaves, rule, atoms, True)
        a, b, f, active = a_adjoint[i], b_adjoint[i], atoms.power[phase], atoms.active[phase]
        for k in range(first, end):
            slope[k] += (a - 2.0 * t * atoms.g[k] * (a * atoms.g[k] + b)) * f[k]
        z = t * atoms.units[active]
        add_node(z, t, a, b, coefficients[0, active], coefficients[1, active], coefficients[2, active])
    add_series(octaves, moments, atoms, coefficients, slope)


@compiled
def sensitivity(
    count: int,
    octaves: int,
    moments: Moments,
    variate: tuple[float, float],
    rule: Rule,
    samples: Samples,
    atoms: SortedAtoms,
    gradient: FloatArray,
) -> None:
    """Fill ``gradient`` with dF/dg_a, from what the evaluation left in the samples and the sorted atoms."""
    a_adjoint, b_adjoint, slope = np.empty(count), np.empty(count), np.zeros(len(gradient))
    mean, square, covariance = transform_adjoints(count, moments, variate, rule, samples, a_adjoint, b_adjoint)
    add_transform_adjoints(count, octaves, a_adjoint, b_adjoint, moments, rule, samples, atoms, slope)
    for i in range(len(gradient)):
        g, deviation = atoms.g[i], atoms.y[i] - moments.mean_excess
        whole = slope[i] + mean + 2.0 * g * square + covariance * (deviation + 2.0 * g * (g - moments.mean))
        gradient[atoms.place[i]] = atoms.p[i] * whole
