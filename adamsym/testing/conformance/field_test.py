"""Whether an optimizer's steps average to a field."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats

from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, AdaptiveMethod, NAdam
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.rounding import Precision

CHAINS = 2048
STEP_SIZE = 1e-8
"""So small that the parameters stay where they are: the moments are those of the frozen chain."""

FORGETTING, AVERAGED = 12, 20
"""Memories that the runs forget, and that they average."""
MOST_STEPS = 5_000
"""At most so many steps are averaged."""
MOST_FORGOTTEN = 20_000
"""At most so many steps are forgotten; v that is not bias-corrected and remembers longer is not tested."""
CORRECTED_FORGETTING = 4
"""Memories that suffice where v is bias-corrected: it has the right mean from the start, and only its variance, a
share 1 - beta2 of the square of its mean, has not settled; the mean step is off by less than exp(-4) (1 - beta2)."""
SLOW_GROWTH = 40_000
"""Steps after which 0.96**(0.004 n), by which the slowly growing weight differs from its limit, is below 2e-3."""

_PLACE = 2.0
_DATA = (0.0, 0.0, 3.0)


@dataclass(frozen=True)
class FieldTest:
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
    if not _lasting_is_plain(r):
        return None
    inside, decays = r.eps_place.startswith("inside"), r.decay == "decoupled" and r.weight_decay > 0
    beta1 = 0.0 if r.numerator == "gradient" else r.beta1
    if not (beta1**2 < r.beta2 < 1 or beta1 == r.beta2 == 0) or r.eps <= 0:
        return None
    if r.numerator.startswith("look-ahead"):
        return None if inside or decays else NAdam(beta1, r.beta2, r.eps)
    if (r.numerator != "m" and r.numerator != "gradient") or (inside and decays):
        return None
    if decays:
        return AdamW(beta1, r.beta2, r.eps, r.weight_decay)
    return AdamEpsInsideRoot(beta1, r.beta2, r.eps) if inside else Adam(beta1, r.beta2, r.eps)


def _lasting_is_plain(r: Recursion) -> bool:
    """Whether nothing else is declared that lasts: clipping, momentum of quotients, a second eps, schedules."""
    plain = Recursion()
    names: tuple[str, ...] = (
        "gradient",
        "counter",
        "first_correction",
        "second_correction",
        "first_mix",
        "second_mix",
        "ahead",
    )
    names += ("scaling", "averaged", "exponent", "eps_root", "momentum", "reset_every", "frozen_after")
    names += ("step_sizes", "memories1", "memories2")
    places = ("outside the root", "inside the root")
    return all(getattr(r, name) == getattr(plain, name) for name in names) and r.eps_place.split(",")[0] in places


def field_test(adapter: Adapter, method: AdaptiveMethod, seed: int, precision: Precision) -> FieldTest | None:
    """Return how the optimizer's mean step compares with the method's field; each coordinate is a chain of its own.

    None where no run can show it: where v remembers longer than the runs and is not bias-corrected, and where steps of
    1e-8 are lost in rounding.
    """
    declared = adapter.declared
    memory = 1 / (1 - max(method.beta1, method.beta2))
    forget = math.ceil(FORGETTING * memory)
    if declared.second_corrected and declared.first_corrected:
        forget = min(math.ceil(CORRECTED_FORGETTING * memory), MOST_FORGOTTEN) + math.ceil(
            FORGETTING / (1 - method.beta1)
        )
    elif forget > MOST_FORGOTTEN:
        return None
    # Decay, also one that is not declared, needs the parameter itself; in float32 steps of 1e-8 are lost but from 0 on.
    start = _PLACE if precision.unit <= 2.0**-53 else 0.0
    if precision.unit > 2.0**-24 or (method.decay and not start):
        return None
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": _DATA}))
    expected = float(AdamField(problem, method)([_PLACE])[0])
    average = min(math.ceil(AVERAGED * memory), MOST_STEPS)
    if declared.numerator == "look-ahead with slowly growing weight" and declared.momentum_decay > 0:
        forget += math.ceil(SLOW_GROWTH * min(0.004 / declared.momentum_decay, 10.0))
    generator, gradients = np.random.default_rng(seed), _PLACE - np.array(_DATA)
    theta = np.full(CHAINS, start)
    step = adapter.start([theta], STEP_SIZE)
    before = theta
    for n in range(forget + average):
        # Held where they are: the gradient is that at the place of the field.
        theta = np.asarray(step([gradients[generator.integers(0, len(gradients), CHAINS)]])[0], dtype=float)
        if n + 1 == forget:
            before = theta
    means = (theta - before) / (STEP_SIZE * average)
    error = float(means.std(ddof=1)) / math.sqrt(CHAINS)
    measured = float(means.mean())
    if not np.isfinite(means).all() or error == 0:
        return FieldTest(measured, error, expected, 0.0 if measured != expected else 1.0, average, CHAINS)
    p_value = float(2 * scipy.stats.t.sf(abs(measured - expected) / error, CHAINS - 1))
    return FieldTest(measured, error, expected, p_value, average, CHAINS)
