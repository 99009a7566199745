"""F and dF/dg of many laws at once as one JAX program, for accelerators; the algorithm of the compiled kernel.

The nodes, the series, the control variate and the estimate are those of :mod:`adamsym.field.float.quadrature` and its
neighbours, with arrays (laws, nodes) in place of loops. Exponentials are summed in blocks of nodes until all laws of a
chunk are done, so that laws of similar size had better stand together.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from adamsym.field.float.grid import CHECKS, REACH
from adamsym.field.float.limits import (
    LARGEST_SLOPE,
    LEFT_END,
    LEFT_END_SERIES,
    LOG_NEGLIGIBLE,
    NEGLIGIBLE_START,
)
from adamsym.field.jax.tables import Tables
from adamsym.field.jax.transforms import (
    NODES_AT_ONCE,
    Laws,
    by_exponentials,
    by_series,
    exponentials_pulled_back,
    scaled,
    series_pulled_back,
)


class Results(NamedTuple):
    """What :func:`adamsym.field.float.quotients.quotients` fills, and whether the laws fitted into the room."""

    value: Array
    filters: Array
    control: Array
    unit: Array
    inverse: Array
    fits: Array
    exponentials: Array
    gradient: Array | None


class Nodes(NamedTuple):
    """s and the weights h s rho(s), shape (laws, room)."""

    s: Array
    weight: Array


class Samples(NamedTuple):
    """Log B and A/B, shape (laws, room); the number of nodes that count, and the blocks that took exponentials."""

    log_b: Array
    ratio: Array
    size: Array
    in_series: Array
    first_block: Array
    end_block: Array


State = tuple[Array, Array, Array, Array, Array]
"""Of the loop over blocks: the block, the sum of log B, the number of nodes that count, log B and A/B."""


class Inputs(NamedTuple):
    """What F of a scaled law is a function of: log B and A/B on the nodes, E g, E y, Cov(g, y), and E g^2 = 1."""

    log_b: Array
    ratio: Array
    mean: Array
    excess: Array
    covariance: Array
    square: Array


class Setting(NamedTuple):
    """What is held fixed beside them: laws, nodes, the rule, and the number of nodes that count."""

    laws: Laws
    nodes: Nodes
    tables: Tables
    size: Array


@partial(jax.jit, static_argnames=("at_once", "with_gradient"))
def quotients(
    atoms: Array, probabilities: Array, eps: float, tables: Tables, at_once: int, with_gradient: bool
) -> Results:
    """Return F and the rest for laws (laws, n), not all zero; exponentials for ``at_once`` laws at a time.

    ``probabilities`` has the shape of the atoms. Laws that do not fit into the room have meaningless values.
    """
    laws = scaled(atoms, probabilities, eps, tables)
    nodes = placed(laws, tables)
    samples = sampled(laws, nodes, tables, at_once)
    setting = Setting(laws, nodes, tables, samples.size)
    inputs = Inputs(samples.log_b, samples.ratio, laws.mean, laws.excess, laws.covariance, jnp.ones_like(laws.mean))
    gradient = None
    if with_gradient:
        value, pull_back, rest = jax.vjp(partial(integral, setting=setting), inputs, has_aux=True)
        (adjoints,) = pull_back(jnp.ones_like(value))
        gradient = sensitivities(adjoints, setting, samples, at_once)
    else:
        value, rest = integral(inputs, setting)
    fall, numerator, control = rest
    return Results(
        value,
        filter_error(fall, numerator, inputs, setting),
        control,
        1 / jnp.where(tables.inside, jnp.sqrt(1 + laws.eps), 1 + laws.eps),
        mean_inverse(fall, setting) / laws.scale,
        samples.size + tables.right <= nodes.s.shape[1],
        jnp.broadcast_to(NODES_AT_ONCE * (samples.end_block - samples.first_block), value.shape),
        gradient,
    )


def variate_factor(tables: Tables) -> float:
    """Return minus the control variate's slope for unit covariance."""
    return tables.one_less_beta * (tables.current_weight + tables.amount / tables.one_less_alpha_beta)


def log_unit(laws: Laws, tables: Tables) -> Array:
    """Return the log of the s where the kernel's cutoff sets in."""
    return jnp.where(tables.inside, -1.0, -2.0) * jnp.log(laws.eps)


def placed(laws: Laws, tables: Tables) -> Nodes:
    """Return the nodes from the first that each law needs, as many as there is room for."""
    first = jnp.minimum(LEFT_END, LEFT_END_SERIES / (tables.one_less_beta * laws.largest**2))
    slope = jnp.abs(laws.covariance * variate_factor(tables))
    share = NEGLIGIBLE_START / jnp.where(slope > 0, slope, 1.0)
    inside = (share / jnp.sqrt(1 + laws.eps)) ** (2 / 3)
    outside = jnp.maximum((share / (1 + laws.eps)) ** (2 / 3), (share / (1 + laws.eps) * laws.eps**2) ** 2)
    without = jnp.minimum(first, jnp.where(tables.inside, inside, outside))
    first = jnp.where(slope > LARGEST_SLOPE, without, first)
    unit = log_unit(laws, tables)
    index = jnp.floor((jnp.log(first) - unit) / tables.spacing) - tables.left
    # Multiples of the high part are exact: log s, small beside its two parts, keeps its absolute accuracy.
    start = jnp.exp((index * tables.high + unit) + index * (tables.spacing - tables.high))
    s = start[:, None] * tables.growth
    j = index[:, None] + jnp.arange(len(tables.growth))
    place = jnp.clip(j - tables.first_cutoff, 0, tables.cutoffs.shape[0] - 1).astype(jnp.int32)
    inverse = jnp.exp(-jnp.maximum(j, 0) * tables.spacing)
    beyond = jnp.where(tables.inside, 0.0, 0.5 * inverse * (1 - 1.5 * inverse))
    cutoff = jnp.where(j >= tables.last_cutoff, beyond, tables.cutoffs[place])
    cutoff = jnp.where(j < tables.first_cutoff, 1.0, cutoff)
    return Nodes(s, tables.spacing / math.sqrt(math.pi) * jnp.sqrt(s) * cutoff)


def ends(laws: Laws, nodes: Nodes, tables: Tables) -> Array:
    """Return, for each node, the bound on S there below which all that lies right of it is negligible."""
    s, eps = nodes.s, laws.eps[:, None]
    outside = jnp.minimum(-jnp.log(eps), -2 * jnp.log(eps) - 0.5 * jnp.log(jnp.pi * s))
    log_kernel = jnp.where(tables.inside, -0.5 * jnp.log(eps) - eps * s, outside)
    room = LOG_NEGLIGIBLE - jnp.where(tables.inside, 0.5, 1.0) * jnp.log1p(eps) - log_kernel
    # The control variate alone needs s up to there.
    variate_ends = (s >= -LOG_NEGLIGIBLE) & (-s < room) & (jnp.arange(s.shape[1]) > 0)
    return jnp.where(variate_ends, room + s * laws.least[:, None] - jnp.log(laws.largest)[:, None], -jnp.inf)


def sampled(laws: Laws, nodes: Nodes, tables: Tables, at_once: int) -> Samples:
    """Return log B and A/B on the nodes, up to where all laws are done or the room ends."""
    room, width = nodes.s.shape[1], NODES_AT_ONCE
    log_b, ratio, in_series = by_series(nodes.s * tables.one_less_beta, laws)
    first_block = in_series.sum(axis=1).min() // width
    small_enough, unknown = ends(laws, nodes, tables), jnp.full(laws.mean.shape, 2 * room)

    def unfinished(state: State) -> Array:
        block, _, size, *_ = state
        return (width * block < room) & (size + tables.right > width * block).any()

    def continued(state: State) -> State:
        block, total, size, log_b, ratio = state
        part = partial(lax.dynamic_slice_in_dim, start_index=width * block, slice_size=width, axis=1)

        def summed() -> tuple[Array, Array]:
            log_own, ratio_own = by_exponentials(part(nodes.s) * tables.one_less_beta, laws, at_once)
            series = part(in_series)
            return jnp.where(series, part(log_b), log_own), jnp.where(series, part(ratio), ratio_own)

        log_own, ratio_own = lax.cond(block < first_block, lambda: (part(log_b), part(ratio)), summed)
        # As log B decreases, its sum over the lags is at most its integral in log s divided by the lag.
        sums = total[:, None] + jnp.cumsum(log_own, axis=1)
        product = jnp.where(tables.per_lag > 0, (sums - log_own) * tables.per_lag, log_own)
        number = width * block + jnp.arange(width) + 1
        found = jnp.where(product < part(small_enough), number, unknown[:, None]).min(axis=1)
        log_b = lax.dynamic_update_slice_in_dim(log_b, log_own, width * block, axis=1)
        ratio = lax.dynamic_update_slice_in_dim(ratio, ratio_own, width * block, axis=1)
        return block + 1, sums[:, -1], jnp.minimum(size, found), log_b, ratio

    start = (jnp.zeros_like(first_block), jnp.zeros_like(laws.mean), unknown, log_b, ratio)
    end_block, _, size, log_b, ratio = lax.while_loop(unfinished, continued, start)
    return Samples(log_b, ratio, size, in_series, jnp.minimum(first_block, end_block), end_block)


def counting(setting: Setting) -> Array:
    """Where nodes count: from the first that has sums to the last."""
    node = jnp.arange(setting.nodes.s.shape[1])
    return (node >= setting.tables.sums.begin) & (node < setting.size[:, None])


def integral(inputs: Inputs, setting: Setting) -> tuple[Array, tuple[Array, Array, Array]]:
    """Return F of the scaled laws; E exp(-s V), N, and a bound of the control variate's part in the rule's error."""
    laws, nodes, tables, _ = setting
    sums = tables.sums
    before = lax.dynamic_slice_in_dim(nodes.s, sums.begin, 1, axis=1) * sums.before
    s_sum = inputs.log_b @ sums.s_matrix - inputs.excess[:, None] * before
    start_slope = inputs.covariance * tables.one_less_beta / tables.one_less_alpha_beta
    start = (inputs.mean / tables.one_less_alpha)[:, None] - start_slope[:, None] * before
    q_sum = inputs.ratio @ sums.q_matrix + sums.decays * start
    slope = -inputs.covariance * variate_factor(tables)
    slope = jnp.where(jnp.abs(slope) <= LARGEST_SLOPE, slope, 0.0)
    mean, root = tables.total * inputs.mean, jnp.sqrt(inputs.square)
    zeroth = jnp.where(tables.inside, 1 / jnp.sqrt(inputs.square + laws.eps), 1 / (root + laws.eps))
    linear = jnp.where(tables.inside, 0.5 * zeroth**3, 0.5 * zeroth**2 / root)
    fall = jnp.exp(s_sum - nodes.s * laws.least[:, None])
    numerator = tables.current_weight * inputs.ratio + tables.amount * q_sum
    variate = (mean[:, None] + slope[:, None] * nodes.s) * jnp.exp(-nodes.s * inputs.square[:, None])
    terms = jnp.where(counting(setting), nodes.weight * (fall * numerator - variate), 0.0)
    control = tables.alias * jnp.abs(mean) * zeroth + tables.slope_alias * jnp.abs(slope) * linear
    return mean * zeroth + slope * linear + terms.sum(axis=1), (fall, numerator, control)


def filter_error(fall: Array, numerator: Array, inputs: Inputs, setting: Setting) -> Array:
    """Return an estimate of what the filters change in F: see the compiled function of this name."""
    tables = setting.tables
    product = jnp.where(counting(setting), setting.nodes.weight * fall, 0.0)
    s_slope = (product * numerator) @ tables.sums.s_steps
    q_slope = (tables.amount * product) @ tables.sums.q_steps

    def moved(k: Array) -> tuple[Array, Array]:
        log_b, ratio = (jnp.roll(values, REACH - k, axis=1) for values in (inputs.log_b, inputs.ratio))
        return (s_slope * log_b).sum(axis=1), (q_slope * ratio).sum(axis=1)

    from_b, from_r = lax.map(moved, jnp.arange(2 * REACH))
    changes = jnp.abs(tables.sums.checks_b @ from_b + tables.sums.checks_r @ from_r)
    return (3.0 * 0.25 ** jnp.arange(len(CHECKS))) @ changes


def mean_inverse(fall: Array, setting: Setting) -> Array:
    """Return a bound of E[1/(sqrt V + eps)], or of E[1/sqrt(V + eps)], from ``fall`` = E exp(-s V)."""
    laws, nodes, tables, _ = setting
    total = jnp.where(counting(setting), nodes.weight * fall, 0.0).sum(axis=1)
    # What lies left of the nodes, where rho(s) <= (pi s)^(-1/2).
    first = lax.dynamic_slice_in_dim(nodes.s, tables.sums.begin, 1, axis=1)[:, 0]
    largest = jnp.where(tables.inside, 1 / jnp.sqrt(laws.eps), 1 / laws.eps)
    return jnp.minimum(total + 2 * jnp.sqrt(first / jnp.pi), largest)


def sensitivities(adjoints: Inputs, setting: Setting, samples: Samples, at_once: int) -> Array:
    """Return dF/dg from the adjoints of what F is a function of.

    Min g^2 and the scale are held fixed: F does not depend on where they are taken out.
    """
    laws, nodes, tables, _ = setting
    b_adjoint = adjoints.log_b - adjoints.ratio * samples.ratio
    t = nodes.s * tables.one_less_beta
    weights = jnp.stack([adjoints.ratio, t * adjoints.ratio, t * b_adjoint], axis=1) * jnp.exp(-samples.log_b)[:, None]
    in_series, blocks = samples.in_series[:, None], (samples.first_block, samples.end_block)
    sums = series_pulled_back(jnp.where(in_series, weights, 0.0), t, laws)
    sums += exponentials_pulled_back(jnp.where(in_series, 0.0, weights), t, laws, blocks, at_once)
    gradient = sums[:, 0] - 2 * laws.g * (laws.g * sums[:, 1] + sums[:, 2])
    gradient += adjoints.mean[:, None] + 2 * laws.g * (adjoints.square + adjoints.excess)[:, None]
    deviation = laws.y - laws.excess[:, None] + 2 * laws.g * (laws.g - laws.mean[:, None])
    return (gradient + adjoints.covariance[:, None] * deviation) * laws.p / laws.scale[:, None]
