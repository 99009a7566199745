"""The transforms A(t) = E[g exp(-t g^2)] and B(t) = E[exp(-t g^2)] of many laws at once, in JAX, and their adjoints.

With y = g^2 - least, least = min g^2: both leave out the factor exp(-t least).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from adamsym.field.float.sorted_atoms import SERIES_TERMS
from adamsym.field.float.transforms import SERIES_RANGE
from adamsym.field.jax.tables import Tables

Result = TypeVar("Result")

NODES_AT_ONCE = 8
"""Nodes that are sampled before it is seen whether there are enough."""

_LOGARITHM_SERIES_FROM = -0.05
"""log(1 + x) by the first terms of 2 artanh(x/(2 + x)) from here up."""


class Laws(NamedTuple):
    """Laws scaled to E g^2 = 1: g, p and y = g^2 - least of shape (laws, n), the rest of shape (laws,).

    ``most`` is max y; eps is in units of the scale.
    """

    g: Array
    p: Array
    y: Array
    most: Array
    least: Array
    mean: Array
    excess: Array
    covariance: Array
    largest: Array
    scale: Array
    eps: Array


def scaled(atoms: Array, p: Array, eps: float, tables: Tables) -> Laws:
    """Return the laws divided by sqrt(E g^2), with their moments."""
    largest = jnp.abs(atoms).max(axis=1)
    g = atoms / largest[:, None]
    root = jnp.sqrt((g * g * p).sum(axis=1))
    g = g / root[:, None]
    scale = largest * root
    size = jnp.abs(g)
    least = size.min(axis=1)
    y = (size - least[:, None]) * (size + least[:, None])
    excess = (y * p).sum(axis=1)
    covariance = (g * (y - excess[:, None]) * p).sum(axis=1)
    scaled_eps = jnp.where(tables.inside, eps / scale / scale, eps / scale)
    return Laws(
        g,
        p,
        y,
        y.max(axis=1),
        least * least,
        (g * p).sum(axis=1),
        excess,
        covariance,
        size.max(axis=1),
        scale,
        scaled_eps,
    )


def logarithm(b: Array, less_one: Array) -> Array:
    """Return log B from B and B - 1, -1 < B - 1 <= 0, to rounding."""
    z = less_one / (2 + less_one)
    square = z * z
    series = 2 * z * (1 + square * (1 / 3 + square * (0.2 + square * (1 / 7 + square * (1 / 9)))))
    return jnp.where(less_one > _LOGARITHM_SERIES_FROM, series, jnp.log(b))


def power_moments(laws: Laws) -> tuple[Array, Array]:
    """Return (-1)^j E[u^j]/j! and (-1)^j E[g u^j]/j!, u = y/most, for j = 0 ... 14, each of shape (15, laws)."""
    u = share_of_most(laws)

    def sums(power: Array, order: Array) -> tuple[Array, tuple[Array, Array]]:
        return power * u * (-1 / (order + 1)), (power.sum(axis=1), (power * laws.g).sum(axis=1))

    return lax.scan(sums, laws.p, jnp.arange(SERIES_TERMS + 1))[1]


def share_of_most(laws: Laws) -> Array:
    """Return y/most."""
    return laws.y / jnp.where(laws.most > 0, laws.most, 1.0)[:, None]


def by_series(t: Array, laws: Laws) -> tuple[Array, Array, Array]:
    """Return log B and A/B by power series, shape (laws, nodes), and where these hold; elsewhere log B is 0."""
    z = t * laws.most[:, None]
    in_series = z <= SERIES_RANGE
    z = jnp.where(in_series, z, 0.0)
    plain, signed = power_moments(laws)
    # B starts with 1, which is left out.
    less_one, a = horner(jnp.stack([plain.at[0].set(0.0), signed], axis=1)[..., None], z)
    return logarithm(1 + less_one, less_one), a / (1 + less_one), in_series


def horner(coefficients: Array, z: Array) -> Array:
    """Return sum_j coefficients_j z^j, the orders along the first axis."""
    start = 0 * coefficients[0] * z
    result: Array = lax.fori_loop(0, len(coefficients), lambda j, total: total * z + coefficients[-1 - j], start)
    return result


def in_groups(of_one: Callable[..., Result], at_once: int, *arguments: Array) -> Result:
    """Return what ``of_one`` makes of each law's rows of the arguments; ``at_once`` laws, a divisor of all, a time."""
    grouped = [one.reshape(-1, at_once, *one.shape[1:]) for one in arguments]
    found = lax.map(lambda group: jax.vmap(of_one)(*group), grouped)
    result: Result = jax.tree.map(lambda one: one.reshape(-1, *one.shape[2:]), found)
    return result


def by_exponentials(t: Array, laws: Laws, at_once: int) -> tuple[Array, Array]:
    """Return log B and A/B at t of shape (laws, nodes) by summing exponentials."""

    def of_one(t: Array, y: Array, p: Array, signed: Array) -> tuple[Array, Array, Array]:
        x = -t[:, None] * y
        fall = jnp.exp(x)
        # Neither of B and B - 1 from the other: that loses the tail, or the small exponents.
        return fall @ signed, fall @ p, jnp.expm1(x) @ p

    a, b, less_one = in_groups(of_one, at_once, t, laws.y, laws.p, laws.p * laws.g)
    return logarithm(b, less_one), a / b


def series_pulled_back(weights: Array, t: Array, laws: Laws) -> Array:
    """Return sum_t weights exp(-t y) by power series: weights (laws, 3, nodes) in, (laws, 3, n) out."""
    z = -jnp.where(weights.any(axis=1), t, 0.0) * laws.most[:, None]

    def moments(power: Array, order: Array) -> tuple[Array, Array]:
        return power * z / (order + 1), (weights * power[:, None]).sum(axis=2)

    found = lax.scan(moments, jnp.ones_like(z), jnp.arange(SERIES_TERMS + 1))[1]
    return horner(found[..., None], share_of_most(laws)[:, None])


def exponentials_pulled_back(weights: Array, t: Array, laws: Laws, blocks: tuple[Array, Array], at_once: int) -> Array:
    """Return sum_t weights exp(-t y) by exponentials, in the blocks of nodes from the first up to the second."""
    width = NODES_AT_ONCE

    def of_one(weights: Array, t: Array, y: Array) -> Array:
        return weights @ jnp.exp(-t[:, None] * y)

    def added(block: Array, total: Array) -> Array:
        part: Callable[..., Array] = partial(lax.dynamic_slice_in_dim, start_index=width * block, slice_size=width)
        return total + in_groups(of_one, at_once, part(weights, axis=2), part(t, axis=1), laws.y)

    result: Array = lax.fori_loop(*blocks, added, jnp.zeros((*weights.shape[:2], laws.y.shape[1])))
    return result
