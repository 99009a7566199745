"""What the quadrature in float64 intervals knows of a form: nodes, weights, constants, from balls, rounded outward."""

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.ranges import Range, ends_of
from adamsym.field.ball.arithmetic import BITS, ball, outward
from adamsym.field.ball.form_bounds import bounds_of
from adamsym.field.ball.lag_series import power_of, unit_of
from adamsym.field.ball.quadrature_nodes import Lattice, lattice
from adamsym.methods import Kernel, LaplaceForm
from adamsym.methods.kernels import RootOfSum, RootPlusEps

STEP = 0.2
"""The rule's step h, at most: its error is below 1e-19 of the step bound."""

TERMS = 34
"""Most terms of the power series."""

_FARTHEST = 95.0
"""Nodes s = e^(j h) go from e^-95 to e^95."""

_MOST_PER_NODE = 40_000
_LEAST_EPS, _LARGEST_EPS = 1e-30, 1e30

_LEAST_POWER, _MOST_OWN_LAGS, _LEAST_NORMAL = 1e-100, 20_000, 1e-300
"""Powers of beta that are kept where each node has lags of its own; lower bounds below the last are 0."""

CIRCLE = 1.4
"""The power series are bounded on the circle t w = 1.4, below pi/2; see :mod:`adamsym.field.ball.lag_series`."""

(
    RATIO,
    ONE_LESS_BETA,
    AMOUNT,
    TOTAL,
    AT_ZERO,
    EPS,
    LOG_BOUND,
    RECIPROCAL,
    COSINE,
    ABSOLUTE,
    STEP_BOUND,
    ROOT,
    ROOT_SLOPE,
    BY_SQUARES,
    LIPSCHITZ,
    DECAY,
    ROOT_OF_BETA,
    BETA,
    FOUR_BY_E,
) = range(19)
"""The rows of ``Tables.constants``."""


class Tables(NamedTuple):
    """Intervals (.., 2), and upper bounds.

    Attributes
    ----------
    nodes, weights
        s, and h s rho(s).
    left, right
        Upper bounds of the sum of the weights times s left of each node, and of the weights right of it.
    growth
        exp(m log(1/beta)) for m = 1 ... the number of lattice points to a node. Where beta is a range or below
        exp(-h), beta^m for m = 0, 1, ... in its place: each node multiplies out lags of its own, ``own_lags``.
    lag_weights
        (1 - beta) beta^m for m = 0, 1, ... where each node has its own lags; else none.
    log_factors, ratio_factors
        r^k/(1 - beta^k) for k >= 1, and r^k/(1 - ratio beta^k), r = (1 - beta)/unit from 1 up: the first of the first
        is exactly 1/unit.
    constants
        See above.
    first, step
        The first node's number; h, nearly.
    unit
        A number just below 1 - beta, or in the middle of its range: power series are in powers of s times it.
    root_plus_eps
        Which of the two kernels built in it is.
    """

    nodes: FloatArray
    weights: FloatArray
    left: FloatArray
    right: FloatArray
    growth: FloatArray
    lag_weights: FloatArray
    log_factors: FloatArray
    ratio_factors: FloatArray
    constants: FloatArray
    first: int
    step: float
    unit: float
    root_plus_eps: bool
    own_lags: bool


def one_term(form: LaplaceForm) -> tuple[object, object] | None:
    """Return (amount, ratio) if the lag weights are amount ratio^k; else None."""
    head, terms = form.weights.head, form.weights.terms
    if not head and len(terms) == 1:
        return terms[0]
    return (head[0], 0) if len(head) == 1 and not terms else None


def tables_of(form: LaplaceForm) -> Tables | None:
    """Return the tables of a form; None of one that this arithmetic does not cover. Call within ``ball_arithmetic()``.

    Covered are lag weights of one geometric term, the two kernels built in with one eps from 1e-30 to 1e30, and beta
    up to about 1 - 5e-6, or a range of beta. Below exp(-h), where a lag is longer than a step, each node multiplies out
    lags of its own, as for ranges.
    """
    return _tables_of(form, flint.ctx.prec)


@lru_cache(maxsize=16)
def _tables_of(form: LaplaceForm, bits: int) -> Tables | None:
    assert bits >= BITS, "call within ball_arithmetic()"
    if type(form.kernel) not in (RootPlusEps, RootOfSum) or one_term(form) is None:
        return None
    own_lags = isinstance(form.beta, Range) or float(form.beta) < math.exp(-STEP)
    epsilon = form.kernel.epsilon
    if isinstance(epsilon, Range) or not _LEAST_EPS <= float(epsilon) <= _LARGEST_EPS:
        return None
    points = _LAGS_APART if own_lags else lattice(form.beta, STEP)
    if points.stride != 1 or points.per_node > _MOST_PER_NODE:
        return None
    if own_lags:
        growth, lag_weights = _powers(form.beta)
    else:
        growth = _intervals([(points.spacing * m).exp() for m in range(1, points.per_node + 1)])
        lag_weights = np.empty((0, 2))
    unit = outward(unit_of(form.beta))[0]
    last = math.floor(_FARTHEST / float(points.step))
    return Tables(
        **_nodes(form.kernel, points, bits),
        growth=growth,
        lag_weights=lag_weights,
        **_factors(form, flint.arb(unit)),
        constants=_intervals(_constants(form, points.step)),
        first=-last,
        step=float(points.step),
        unit=unit,
        root_plus_eps=type(form.kernel) is RootPlusEps,
        own_lags=own_lags,
    )


_LAGS_APART = Lattice(Fraction(0), STEP, flint.arb(STEP), 1, 1)
"""The nodes where each has lags of its own: they are the same for every beta."""


@lru_cache(maxsize=16)
def _nodes(kernel: Kernel, points: Lattice, bits: int) -> dict[str, FloatArray]:
    """What is at the nodes, which are the same for all lag weights."""
    h = points.step
    last = math.floor(_FARTHEST / float(h))
    s = [points.node(j) for j in range(-last, last + 1)]
    most = flint.arb("1.001") * kernel.ball_of(flint.arb(0))
    return {
        "nodes": _intervals(s),
        "weights": _intervals([h * kernel.ball_weight(x) for x in s]),
        "left": _above([kernel.weights_left(x, h) for x in s]),
        "right": _above([kernel.weights_right(x, h).min(most) for x in s]),
    }


def _powers(beta: Fraction) -> tuple[FloatArray, FloatArray]:
    """Intervals (n, 2) around beta^k and (1 - beta) beta^k, until the next ones are negligible or n is very large.

    The latter grow in beta up to k/(k + 1), and fall. Products to nearest err by a share of 2^-53 for each factor.
    """
    least, largest = ends_of(beta)
    (low, _), (_, high) = _intervals([ball(least), ball(largest)])
    needed = math.log(_LEAST_POWER) / math.log(high) if 0 < high < 1 else _MOST_OWN_LAGS * high
    count = min(_MOST_OWN_LAGS, 2 + math.ceil(needed))
    ends = np.full((count, 2), [low, high])
    ends[0] = 1.0
    powers = np.multiply.accumulate(ends, axis=0)
    powers[powers < _LEAST_NORMAL] = 0.0
    k = np.arange(count)[:, None]
    errors = (k + 4) * 2.0**-52
    rests = np.array([outward(ball(1 - least))[1], outward(ball(1 - largest))[0]])
    at_ends = powers * rests
    below, above = at_ends.min(axis=1), at_ends.max(axis=1)
    # Where the maximum is between the ends, the plain product bounds it.
    peaks = (k[:, 0] >= low * (k[:, 0] + 1) - 1e-6) & (k[:, 0] <= high * (k[:, 0] + 1) + 1e-6)
    above = np.where(peaks, powers[:, 1] * rests[0], above)
    weights = np.stack([below, above], axis=1)
    scale = np.concatenate([1 - errors, 1 + errors], axis=1)
    powers = powers * scale
    powers[0] = 1.0
    return powers, weights * scale


def _factors(form: LaplaceForm, unit: flint.arb) -> dict[str, FloatArray]:
    (_, ratio), scale = _term(form), ball(1 - form.beta) / unit
    powers = [(power_of(form.beta, k), scale**k) for k in range(TERMS + 1)]
    later = [scaled / (1 - power) for power, scaled in powers[2:]]
    return {
        "log_factors": _intervals([flint.arb(0), 1 / unit, *later]),
        "ratio_factors": _intervals([scaled / (1 - ratio * power) for power, scaled in powers]),
    }


def _term(form: LaplaceForm) -> tuple[flint.arb, flint.arb]:
    amount, ratio = one_term(form)  # type: ignore[misc]
    return ball(amount + 0 * form.beta), ball(ratio + 0 * form.beta)  # type: ignore[operator]


def _constants(form: LaplaceForm, h: flint.arb) -> list[flint.arb]:
    """In the order of the names above."""
    bounds, (amount, ratio), circle = bounds_of(form), _term(form), flint.arb(CIRCLE)
    frequency = 2 * flint.arb.pi() / h
    a = frequency.atan().mid()
    return [
        ratio,
        1 - ball(form.beta),
        amount,
        bounds.total,
        bounds.at_zero,
        ball(form.kernel.epsilon),
        circle - circle.cos().log() + flint.arb.pi() / 2,
        (2 * circle).exp() / circle.cos(),
        a.cos(),
        bounds.absolute,
        bounds.step,
        bounds.root,
        bounds.root_slope,
        bounds.by_squares,
        bounds.lipschitz,
        2 / (a * frequency).expm1(),
        ball(form.beta).sqrt(),
        ball(form.beta),
        4 / flint.arb(1).exp(),
    ]


def _intervals(values: list[flint.arb]) -> FloatArray:
    found = np.array([outward(value) for value in values], dtype=np.float64)
    # A number that is a float is known exactly: 0 and 1 stay what they are.
    for k, value in enumerate(values):
        if value.rad() == 0 and flint.arb(float(value)) == value:
            found[k] = float(value)
    return found


def _above(values: list[flint.arb]) -> FloatArray:
    return np.array([outward(value)[1] for value in values], dtype=np.float64)
