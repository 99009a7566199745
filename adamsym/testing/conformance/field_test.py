"""Whether an optimizer's steps average to a field."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats

from adamsym.field import AdamField, monte_carlo
from adamsym.gradients import Empirical, Problem
from adamsym.methods import AdaptiveMethod, Method
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.rounding import Precision

CHAINS = 2048
STEP_SIZE = 1e-8
"""So small that the parameters stay where they are: the moments are those of the frozen chain."""

ESTIMATED_CHAINS = 64
"""Chains that estimate the field of a method without a Laplace form."""

MOVED = 1e-6
"""What the rounding of steps of 1e-8, and that they move theta after all, may make of a mean step that does not
scatter: the sign of a mean of gradients may be the same at all steps."""

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
        Mean over independent chains, and its standard error, that of an estimate of the field included.
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


def field_test(adapter: Adapter, method: Method, seed: int, precision: Precision) -> FieldTest | None:
    """Return how the optimizer's mean step compares with the method's field; each coordinate is a chain of its own.

    The field of a method without a Laplace form is estimated by its own recursion. None where no run can show it: where
    the method never forgets, or v remembers longer than the runs and is not bias-corrected, and where steps of 1e-8 are
    lost in rounding.
    """
    forget = _forgotten(adapter, method)
    # Decay, also one that is not declared, needs the parameter itself; in float32 steps of 1e-8 are lost but from 0 on.
    start = _PLACE if precision.unit <= 2.0**-53 else 0.0
    moved_by_place = not isinstance(method, AdaptiveMethod) or method.decay
    if forget is None or precision.unit > 2.0**-24 or (moved_by_place and not start):
        return None
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": _DATA}))
    expected, uncertain = _expected(problem, method, seed)
    average = min(math.ceil(AVERAGED * method.memory), MOST_STEPS)
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
    error = math.hypot(float(means.std(ddof=1)) / math.sqrt(CHAINS), uncertain)
    if method.laplace is None:
        error = math.hypot(error, MOVED)
    measured = float(means.mean())
    if not np.isfinite(means).all() or error == 0:
        return FieldTest(measured, error, expected, 0.0 if measured != expected else 1.0, average, CHAINS)
    freedom = ESTIMATED_CHAINS - 1 if uncertain else CHAINS - 1
    p_value = float(2 * scipy.stats.t.sf(abs(measured - expected) / error, freedom))
    return FieldTest(measured, error, expected, p_value, average, CHAINS)


def _forgotten(adapter: Adapter, method: Method) -> int | None:
    """Steps after which the start is forgotten; None if that takes too many."""
    declared, forget = adapter.declared, FORGETTING * method.memory
    corrected = isinstance(declared, Recursion) and declared.second_corrected and declared.first_corrected
    if corrected and isinstance(method, AdaptiveMethod):
        forget = min(math.ceil(CORRECTED_FORGETTING * method.memory), MOST_FORGOTTEN)
        forget += math.ceil(FORGETTING / (1 - method.beta1))
    elif not forget <= MOST_FORGOTTEN:
        return None
    if isinstance(declared, Recursion) and declared.numerator == "look-ahead with slowly growing weight":
        psi = declared.momentum_decay
        forget += math.ceil(SLOW_GROWTH * min(0.004 / psi, 10.0)) if psi > 0 else 0
    return math.ceil(forget)


def _expected(problem: Problem, method: Method, seed: int) -> tuple[float, float]:
    """The field at the place, and the standard error of an estimate of it."""
    if method.laplace is not None or method.sign_form is not None:
        return float(AdamField(problem, method)([_PLACE])[0]), 0.0
    found = monte_carlo(problem, method, [_PLACE], seed, chains=ESTIMATED_CHAINS)
    return float(found.value[0]), float(found.standard_error[0])
