"""What the numerator is divided by: v in its many forms, its bias correction, the root, and eps."""

from __future__ import annotations

from typing import Any

import numpy as np

from adamsym.testing.conformance.moments import Numbers, Run, accumulated, late, running
from adamsym.testing.conformance.recursion import LIKE_ADAMAX, Recursion
from adamsym.testing.conformance.rounding import larger, magnitude, power, stacked


def denominator(r: Recursion, numbers: Numbers, run: Run, g: Any, m: Any, m_corrected: Any) -> Any:
    """Return the denominators of all steps, for the gradients g that enter v and the moments m."""
    if r.second_moment in LIKE_ADAMAX:
        v = _largest(r, numbers, run, g)
        return _with_eps(r, numbers, late(v) if r.stale_second else v, None)
    correction = None
    if r.second_corrected:
        correction = run.correction(r.second_correction, numbers.beta2, numbers.beta1, r, numbers.path2)
    v = _mean(r, numbers, run, _entering(r, run, g, m, m_corrected), correction)
    if r.frozen_after:
        v = stacked([v[min(t, r.frozen_after - 1)] for t in range(len(v))])
    if r.stale_second:
        v = late(v)
    if r.second_moment in ("largest mean of squares", "smallest mean of squares"):
        v = accumulated(v, "smallest" in r.second_moment)
    elif r.second_moment == "largest corrected mean of squares":
        v = accumulated(v if correction is None else v / correction)
        correction = None
    elif r.second_moment == "variance":
        mean = running(g, numbers.beta2, 1 - numbers.beta2, 0.0, r.reset_every, None)
        # Corrected each for itself: then nothing is left to correct.
        v = v - mean * mean if correction is None else v / correction - (mean / correction) * (mean / correction)
        correction = None
    if r.second_correction.endswith("kept in the state"):
        correction = None
    return _with_eps(r, numbers, v, correction)


def _entering(r: Recursion, run: Run, g: Any, m: Any, m_corrected: Any) -> Any:
    """What enters v."""
    kind = r.averaged
    if kind in ("absolute values", "gradients"):
        return g if kind == "gradients" else magnitude(g)
    if kind == "absolute cubes":
        return magnitude(g) * g * g
    if kind == "products of m and gradient":
        return m * g
    of = g
    if kind.startswith("squares of deviations"):
        of = g - (late(m) if kind.endswith("before") else m)
    elif kind == "squares of differences":
        of = g - late(g)
    elif kind.endswith(" m"):
        of = m_corrected if kind.endswith("corrected m") else m
    square = of * of
    for over, matrix in (
        ("all coordinates", "over_all"),
        ("its tensor", "over_tensors"),
        ("its row", "over_rows"),
        ("its column", "over_columns"),
    ):
        if kind == f"squares over {over}":
            return square @ getattr(run.layout, matrix)
    return square


def _mean(r: Recursion, numbers: Numbers, run: Run, entering: Any, correction: Any) -> Any:
    """v, before its correction."""
    kind = r.second_moment
    if kind == "squares, not averaged":
        return entering
    mix = r.second_mix if r.second_weighted else "beta and 1"
    if kind in ("sum of squares", "mean of all squares"):
        mix = "1 and 1"
    along = numbers.path2 is not None
    keep, add = run.mixing(mix, numbers.path2 if along else numbers.beta2, numbers.beta1)
    start: Any = 0.0
    if r.second_start != "0":
        start = entering[0] if r.second_start == "the first gradient" else 1.0
    if r.eps_place == "added to each square":
        entering = entering + numbers.eps
    if r.eps_place == "added to v at each step" or kind == "largest mean of squares, kept as v":
        rows = []
        state = start
        for t in range(len(entering)):
            kept, new = (keep[t], add[t]) if along else (keep, add)
            mixed = kept * state + new * entering[t]
            state = larger(mixed, state) if kind == "largest mean of squares, kept as v" else mixed + numbers.eps
            rows.append(state)
        return stacked(rows)
    kept_in_state = correction if r.second_correction.endswith("kept in the state") else None
    v = running(entering, keep, add, start, r.reset_every, kept_in_state, along)
    return v / run.counts() if kind == "mean of all squares" else v


def _largest(r: Recursion, numbers: Numbers, run: Run, g: Any) -> Any:
    """Adamax's v, and its faults."""
    kind, beta = r.second_moment, numbers.beta2
    size = g if kind == "largest signed gradient" else magnitude(g)
    if kind == "largest gradient, eps added to each":
        size = size + numbers.eps
    if kind == "largest mean gradient":
        return accumulated(running(size, beta, 1 - beta, 0.0, r.reset_every, None))
    if kind == "sum of absolute values":
        return running(size, beta, 1.0, 0.0, r.reset_every, None)
    state: Any = size[0] if r.second_start == "the first gradient" else size[0] * 0.0
    rows = []
    for t in range(len(size)):
        if r.reset_every and t and t % r.reset_every == 0:
            state = size[0] * 0.0
        old = (
            state
            if kind == "largest gradient, which never decreases"
            else (numbers.path2[t] if numbers.path2 is not None else beta) * state
        )
        if kind == "largest gradient, eps added before the comparison":
            old = old + numbers.eps
        state = larger(old, size[t])
        rows.append(state)
    v = stacked(rows)
    return v / (1 - power(beta, run.counts(r.counter))) if kind == "largest gradient, bias-corrected" else v


def _with_eps(r: Recursion, numbers: Numbers, v: Any, correction: Any) -> Any:
    """The denominator: v corrected, its root taken, eps added where it is added."""
    eps, place = numbers.eps, r.eps_place
    adamax = r.second_moment in LIKE_ADAMAX
    if r.second_moment in ("largest gradient, eps added to each", "largest gradient, eps added before the comparison"):
        return v

    def root(x: Any) -> Any:
        return x if adamax or not r.root else power(x, numbers.exponent)

    corrected = v if correction is None else v / correction
    factor: Any = 1.0 if correction is None else root(correction)
    if place == "inside the root, before the correction":
        return root(v + eps) / factor
    if place == "outside the root, before the correction":
        return (root(v) + eps) / factor
    if place == "outside the root, before and after the correction":
        return (root(v) + eps) / factor + eps
    if place == "outside the root, and inside before the correction":
        return root(v + eps) / factor + eps
    if place in ("inside the root", "outside and inside the root"):
        inside = root(corrected + eps)
        return inside + eps if "outside" in place else inside
    if place == "squared, inside the root":
        return root(corrected + eps * eps)
    if place == "larger of v and eps, inside the root":
        return root(larger(corrected, eps))
    plain = root(corrected + numbers.eps_root) if _present(r.eps_root) else root(corrected)
    if place == "larger of root and eps":
        return larger(plain, eps)
    if place == "divided by the root of the correction":
        return plain + eps * factor
    if place == "multiplied":
        return plain * (1 + eps)
    if place in ("nowhere", "added to v at each step", "added to each square", "added to the quotient"):
        return plain
    added = {
        "its root, outside the root": lambda: power(eps, 0.5),
        "twice, outside the root": lambda: eps + eps,
        "subtracted": lambda: -eps,
        "times the step size": lambda: eps * numbers.step_size,
    }.get(place, lambda: eps)()
    return plain + added


def _present(x: Any) -> bool:
    return bool(np.any(np.asarray(x) != 0))
