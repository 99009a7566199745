"""What the quadrature in float64 intervals knows of a form: nodes, weights, constants, from balls, rounded outward."""

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.ranges import Range
from adamsym.field.ball.arithmetic import BITS, ball, outward
from adamsym.field.ball.form_bounds import bounds_of
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

_LEAST_POWER, _MOST_OWN_LAGS = 1e-100, 20_000
"""Powers of beta that are kept where each node has lags of its own."""

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
    log_factors, ratio_factors
        1/(1 - beta^k) for k >= 1, and 1/(1 - ratio beta^k).
    constants
        See above.
    first, step
        The first node's number; h, nearly.
    root_plus_eps
        Which of the two kernels built in it is.
    """

    nodes: FloatArray
    weights: FloatArray
    left: FloatArray
    right: FloatArray
    growth: FloatArray
    log_factors: FloatArray
    ratio_factors: FloatArray
    constants: FloatArray
    first: int
    step: float
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
        growth = _intervals(_powers(ball(form.beta)))
    else:
        growth = _intervals([(points.spacing * m).exp() for m in range(1, points.per_node + 1)])
    last = math.floor(_FARTHEST / float(points.step))
    return Tables(
        **(_nodes_apart(form.kernel, bits) if own_lags else _nodes(form.kernel, points)),
        growth=growth,
        **_factors(form),
        constants=_intervals(_constants(form, points.step)),
        first=-last,
        step=float(points.step),
        root_plus_eps=type(form.kernel) is RootPlusEps,
        own_lags=own_lags,
    )


_LAGS_APART = Lattice(Fraction(0), STEP, flint.arb(STEP), 1, 1)
"""The nodes where each has lags of its own: they are the same for every beta."""


@lru_cache(maxsize=16)
def _nodes_apart(kernel: Kernel, bits: int) -> dict[str, FloatArray]:
    return _nodes(kernel, _LAGS_APART)


def _nodes(kernel: Kernel, points: Lattice) -> dict[str, FloatArray]:
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


def _powers(beta: flint.arb) -> list[flint.arb]:
    """beta^0, beta^1, ... until the next one is negligible beside any lattice point, or there are very many."""
    found = [flint.arb(1)]
    while found[-1] > _LEAST_POWER and len(found) < _MOST_OWN_LAGS:
        found.append(found[-1] * beta)
    return found


def _factors(form: LaplaceForm) -> dict[str, FloatArray]:
    beta, (_, ratio) = ball(form.beta), _term(form)
    powers = [beta**k for k in range(TERMS + 1)]
    return {
        "log_factors": _intervals([flint.arb(0), *(1 / (1 - power) for power in powers[1:])]),
        "ratio_factors": _intervals([1 / (1 - ratio * power) for power in powers]),
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
