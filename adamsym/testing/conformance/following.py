"""Whether an optimizer's steps average to a field."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats

from adamsym.field import AdamField
from adamsym.optimizer import Adam, AdamEpsInsideRoot, AdamW, AdaptiveMethod, NAdam
from adamsym.problem import Empirical, Problem
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.recursion import Recursion

CHAINS = 512
STEP_SIZE = 1e-8
"""So small that the parameters stay where they are: the moments are those of the frozen chain."""

FORGETTING, AVERAGED, MOST_STEPS = 12, 100, 20_000
"""Memories of v that the runs forget, and that they average; at most so many steps each."""
SLOW_GROWTH = 40_000
"""Steps after which 0.96**(0.004 n), by which the slowly growing weight differs from its limit, is below 2e-3."""

_PLACE = 2.0
_DATA = (0.0, 0.0, 3.0)


@dataclass(frozen=True)
class Following:
    """Mean step over step size against the field at one point of (theta - x)^2/2 for data 0, 0, 3.

    Attributes
    ----------
    measured, standard_error
        Mean over independent chains, and its standard error.
    expected
        The field there.
    p_value
        Of Student's test that they agree.
    steps, chains
        How many steps of how many chains were averaged.
    """

    measured: float
    standard_error: float
    expected: float
    p_value: float
    steps: int
    chains: int


def field_method(recursion: Recursion) -> AdaptiveMethod | None:
    """Return the method whose field the recursion follows for vanishing steps; None if adamsym knows none."""
    r = recursion
    known = r.second_moment == "mean of squares" and r.root and r.first_weighted and r.second_weighted
    current = not (r.stale_first or r.stale_second) and r.direction == 1 and r.eps_place != "nowhere"
    if not (known and current) or (r.decay != "none" and (r.decay, r.decay_sign) != ("decoupled", 1)):
        return None
    inside, decays = r.eps_place.startswith("inside"), r.decay == "decoupled" and r.weight_decay > 0
    beta1 = 0.0 if r.numerator == "gradient" else r.beta1
    if not (beta1**2 < r.beta2 < 1 or beta1 == r.beta2 == 0):
        return None
    if r.numerator.startswith("look-ahead"):
        return None if inside or decays else NAdam(beta1, r.beta2, r.eps)
    if r.numerator == "sign of m" or (inside and decays):
        return None
    if decays:
        return AdamW(beta1, r.beta2, r.eps, r.weight_decay)
    return AdamEpsInsideRoot(beta1, r.beta2, r.eps) if inside else Adam(beta1, r.beta2, r.eps)


def following(adapter: Adapter, method: AdaptiveMethod, seed: int) -> Following:
    """Return how the optimizer's mean step compares with the method's field; each coordinate is a chain of its own."""
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": _DATA}))
    expected = float(AdamField(problem, method)([_PLACE])[0])
    generator = np.random.default_rng(seed)
    memory = 1 / (1 - method.beta2)
    forget, average = (min(math.ceil(count * memory), MOST_STEPS) for count in (FORGETTING, AVERAGED))
    if adapter.declared.numerator == "look-ahead with slowly growing weight":
        forget += SLOW_GROWTH
    theta = np.full(CHAINS, _PLACE)
    step = adapter.start(theta, STEP_SIZE)
    before = theta
    for n in range(forget + average):
        theta = step(theta - generator.choice(_DATA, CHAINS))
        if n + 1 == forget:
            before = theta
    means = (theta - before) / (STEP_SIZE * average)
    error = float(means.std(ddof=1)) / math.sqrt(CHAINS)
    measured = float(means.mean())
    if not np.isfinite(means).all() or error == 0:
        return Following(measured, error, expected, 0.0 if measured != expected else 1.0, average, CHAINS)
    p_value = float(2 * scipy.stats.t.sf(abs(measured - expected) / error, CHAINS - 1))
    return Following(measured, error, expected, p_value, average, CHAINS)
