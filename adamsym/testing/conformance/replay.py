"""How a recursion answers gradients: the numerator, the denominator, and the change of the parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.testing.conformance.denominators import denominator
from adamsym.testing.conformance.moments import Numbers, Run, late, running
from adamsym.testing.conformance.recursion import LIKE_ADAMAX, Recursion
from adamsym.testing.conformance.rounding import larger, power, sign, smaller, stacked, where
from adamsym.testing.conformance.tensors import Layout

# Sequences are arrays (n, d), or (n, k, d) where k sets of numbers are replayed at once, or Rounded of these.
Sequence = Any


@dataclass(frozen=True)
class Seen:
    """What enters the moments."""

    for_first: Sequence
    for_second: Sequence


def increments(
    recursion: Recursion, gradients: FloatArray, theta: FloatArray, layout: Layout | None = None
) -> FloatArray:
    """Return the changes of theta (d,) under gradients (n, d); one vector, or the tensors of a layout."""
    layout = Layout((theta.shape,)) if layout is None else layout
    before = np.broadcast_to(theta, gradients.shape)
    uses_theta = recursion.decay != "none" or recursion.scaling.startswith("trust")
    # The change of a step rests on the parameters before it: each replay gets one more step right.
    changes: Any = None
    for _ in range(len(gradients) if uses_theta else 1):
        changes = replay(recursion, Run(gradients, before, layout))
        if changes is None:
            raise InputError(f"{recursion} has no meaning")
        then = theta + np.vstack([np.zeros_like(theta), np.cumsum(changes[:-1], axis=0)])
        if np.array_equal(then, before, equal_nan=True):
            break
        before = then
    return np.where(np.isfinite(before), changes, np.nan)


def replay(recursion: Recursion, run: Run) -> Sequence | None:
    """Return the changes that the recursion makes along a run; None where its attributes contradict each other."""
    if not meaningful(recursion):
        return None
    numbers = run.numbers(recursion)
    with np.errstate(all="ignore"):
        seen = entering(recursion, numbers, run)
        top = numerator(recursion, numbers, run, seen)
        return change(recursion, numbers, run, top, bottom(recursion, numbers, run, seen))


def meaningful(r: Recursion) -> bool:
    """Return whether no attribute stands idle: idle ones would give one recursion two descriptions."""
    growing = r.numerator.startswith("look-ahead with")
    unused = (
        (r.ahead != "next step" and not r.numerator.startswith("look-ahead"))
        or (r.ahead == "no product" and not growing)
        or (r.ahead == "gradient not corrected" and (growing or not r.first_corrected))
        or (not (r.first_corrected and not growing) and r.first_correction != "1 - beta**n")
        or (growing and not r.first_corrected)
        or (not r.first_weighted and r.first_mix != "beta and 1 - beta")
        or (not r.second_weighted and r.second_mix != "beta and 1 - beta")
        or (not r.second_corrected and r.second_correction != "1 - beta**n")
        or (not r.root and r.exponent != 0.5)
        or (r.decay == "none" and r.decay_sign != 1)
        or (r.momentum == 0 and r.momentum_kind != "added up")
    )
    if r.second_moment in LIKE_ADAMAX:
        own_eps = r.second_moment in (
            "largest gradient, eps added to each",
            "largest gradient, eps added before the comparison",
        )
        places = (
            "outside the root",
            "nowhere",
            "larger of root and eps",
            "times the step size",
            "added to the quotient",
        )
        unused |= r.eps_place not in (places[:1] if own_eps else places)
        unused |= r.second_correction != "1 - beta**n" or not r.root or r.exponent != 0.5
        unused |= r.second_mix != "beta and 1 - beta" or not r.second_weighted or not r.second_corrected
        unused |= r.second_start == "1" or r.averaged != "squares"
    before_correction = r.eps_place.endswith(("before the correction", "root of the correction"))
    unused |= before_correction and not r.second_corrected
    unused |= r.second_moment in ("sum of squares", "mean of all squares", "squares, not averaged") and (
        not r.second_weighted or r.second_mix != "beta and 1 - beta"
    )
    unused |= r.first_correction.startswith("1 - the present") and not r.memories1
    unused |= r.second_correction.startswith("1 - the present") and not r.memories2
    unused |= r.first_correction.endswith("present betas") and not r.memories1
    unused |= r.second_correction.endswith("present betas") and not r.memories2
    return not unused


def entering(r: Recursion, numbers: Numbers, run: Run) -> Seen:
    """Return what enters m and v: the gradients with what is done to them, and with coupled weight decay."""
    g, layout = run.gradients * r.direction, run.layout
    kind = r.gradient
    if kind == "one step late":
        g = late(g)
    elif kind == "clipped by value":
        g = larger(smaller(g, numbers.clip), -numbers.clip)
    elif kind == "centred over its tensor":
        g = g - g @ layout.over_tensors
    elif kind == "its sign":
        g = sign(g)
    elif kind != "as given":
        over = layout.over_all if "all" in kind else layout.over_tensors
        count = layout.dimension if "all" in kind else over.astype(bool).sum(axis=0)
        norm = power((g * g) @ over * count, 0.5)
        if kind.endswith("plus 1e-6"):
            norm = norm + 1e-6
        # A tensor without a gradient stays without one.
        norm = where(np.asarray(getattr(norm, "value", norm)) == 0, 1.0, norm)
        g = g * smaller(numbers.clip / norm, 1.0) if "clipped" in kind else g / norm
    if not r.decay.startswith("in the gradient"):
        return Seen(g, g)
    theta = run.before
    of = sign(theta) if "sign" in r.decay else theta * 0.0 + 1.0 if "without" in r.decay else theta
    decayed = g + numbers.weight_decay * r.decay_sign * of
    return Seen(g if r.decay.endswith("v only") else decayed, g if r.decay.endswith("m only") else decayed)


def numerator(r: Recursion, numbers: Numbers, run: Run, seen: Seen) -> Sequence:
    """Return what the step is made of: m, a look-ahead, or the like."""
    g = seen.for_first
    if r.numerator == "gradient":
        return g
    _, m, corrected = first_moment(r, numbers, run, seen)
    if r.numerator.startswith("look-ahead"):
        return _look_ahead(r, numbers, run, g, m, corrected)
    if r.numerator == "m plus gradient":
        return corrected + g
    if r.numerator == "square of m":
        return corrected * corrected
    return sign(corrected) if r.numerator == "sign of m" else corrected


def first_moment(r: Recursion, numbers: Numbers, run: Run, seen: Seen) -> tuple[Sequence, Sequence, Sequence]:
    """Return m, the m that is used, and the same with its bias correction."""
    correction = (
        run.correction(r.first_correction, numbers.beta1, numbers.beta2, r, numbers.path1)
        if r.first_corrected
        else None
    )
    along = numbers.path1 is not None
    mix = r.first_mix if r.first_weighted else "beta and 1"
    keep, add = run.mixing(mix, numbers.path1 if along else numbers.beta1, numbers.beta2)
    kept = correction if r.first_correction.endswith("kept in the state") else None
    start = seen.for_first[0] if r.first_start == "the first gradient" else 0.0
    m = running(seen.for_first, keep, add, start, r.reset_every, kept, along)
    used = late(m) if r.stale_first else m
    return m, used, used if correction is None or kept is not None else used / correction


def _look_ahead(r: Recursion, numbers: Numbers, run: Run, g: Sequence, m: Sequence, corrected: Sequence) -> Sequence:
    beta, n = numbers.beta1, run.counts(r.counter)
    if r.numerator == "look-ahead":
        now, ahead = beta, beta
        current_correction: Any = 1.0
        later: Any = m
        if r.first_corrected:
            current_correction = run.correction(r.first_correction, numbers.beta1, numbers.beta2, r, numbers.path1)
            following = run.correction(r.first_correction, numbers.beta1, numbers.beta2, r, numbers.path1, shift=1)
            later = corrected if r.ahead == "this step" else m / following
        if r.ahead == "gradient not corrected":
            current_correction = 1.0
    else:
        psi = numbers.momentum_decay if "slowly" in r.numerator else 1.0
        now, ahead = (beta * (1 - 0.5 * power(0.96, k * psi)) for k in (n, n + 1))
        products = [now[0]]
        for t in range(1, len(now)):
            products.append(products[-1] * now[t])
        product = stacked(products)
        if r.ahead == "this step":
            ahead, later = now, m / (1 - product)
        elif r.ahead == "no product":
            product, later = now, m / (1 - ahead)
        else:
            later = m / (1 - product * ahead)
        current_correction = 1 - product
    if r.ahead == "weights exchanged":
        now, ahead = 1 - now, 1 - ahead
    if r.ahead == "gradient left out":
        return ahead * later
    current = g / current_correction
    return (later if r.ahead == "m without its factor" else ahead * later) + (
        current if r.ahead == "gradient without its factor" else (1 - now) * current
    )


def bottom(r: Recursion, numbers: Numbers, run: Run, seen: Seen) -> Sequence:
    """Return what the numerator is divided by."""
    m, m_corrected = None, None
    if r.averaged.endswith(("m", "m before")) or "of m and" in r.averaged:
        m, _, m_corrected = first_moment(r, numbers, run, seen)
    return denominator(r, numbers, run, seen.for_second, m, m_corrected)


def change(r: Recursion, numbers: Numbers, run: Run, top: Sequence, below: Sequence) -> Sequence:
    """Return the changes of the parameters from numerator and denominator, with momentum, scaling and decay."""
    quotient = top / below
    if r.eps_place == "added to the quotient":
        quotient = quotient + numbers.eps
    if r.momentum:
        add = 1 - numbers.momentum if r.momentum_kind == "averaged" else 1.0
        moved = running(quotient, numbers.momentum, add, 0.0, 0, None)
        quotient = quotient + numbers.momentum * moved if r.momentum_kind == "Nesterov's" else moved
    decay = numbers.weight_decay * r.decay_sign
    if r.decay == "in the numerator":
        quotient = quotient + decay * run.before / below
    quotient = _scaled(r, numbers, run, quotient)
    step = -(numbers.step_size * quotient)
    inside = r.scaling.startswith("trust") or not r.decay.startswith("decoupled")
    if inside and not r.decay.endswith("and decoupled"):
        return step
    theta = run.before
    of: Any = theta
    if r.decay.endswith("after the step"):
        of = theta + step
    elif r.decay.endswith("matrices only"):
        of = theta * run.layout.matrices
    elif r.decay.endswith("without the parameter"):
        of = theta * 0.0 + 1.0
    elif r.decay.endswith("sign of the parameter"):
        of = sign(theta)
    elif r.decay.endswith("square of the parameter"):
        of = theta * theta
    elif r.decay.endswith("first parameters"):
        of = theta[0]
    factor: Any = numbers.step_size
    if "not times the step size" in r.decay:
        factor = 1.0
    elif "square of the step size" in r.decay:
        factor = numbers.step_size * numbers.step_size
    return step - factor * decay * of


def _scaled(r: Recursion, numbers: Numbers, run: Run, quotient: Sequence) -> Sequence:
    over = run.layout.over_tensors
    if r.scaling == "trust ratio of each tensor":
        if r.decay == "decoupled":
            quotient = quotient + numbers.weight_decay * r.decay_sign * run.before
        lengths = [power((x * x) @ over, 0.5) for x in (run.before, quotient)]
        sizes = [np.asarray(getattr(length, "value", length)) for length in lengths]
        usable = (sizes[0] > 0) & (sizes[1] > 0)
        return quotient * where(usable, where(usable, lengths[0], 1.0) / where(usable, lengths[1], 1.0), 1.0)
    if r.scaling == "clipped by value":
        return larger(smaller(quotient, numbers.clip), -numbers.clip)
    if r.scaling == "clipped by root mean square":
        return quotient / larger(power((quotient * quotient) @ over, 0.5) / numbers.clip, 1.0)
    return late(quotient) if r.scaling == "one step late" else quotient
