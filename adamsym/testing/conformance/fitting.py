"""Numbers of a recursion from what an optimizer did: constants by least squares, schedules one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.testing.conformance.probing import ProbeResponse
from adamsym.testing.conformance.recursion import Correction, Recursion
from adamsym.testing.conformance.replay import bottom, change, entering, meaningful, numerator, replay

ITERATIONS = 24
_SHARES = ("beta1", "beta2", "momentum")
"""Numbers between 0 and 1; the others are positive."""


def fitted(
    probe: ProbeResponse, structure: Recursion, names: Sequence[str], starts: Sequence[Recursion]
) -> Recursion | None:
    """Return the recursion with as few of the named numbers changed, to as few digits, as explain the changes.

    Levenberg and Marquardt's method from all starts at once.
    """
    if not meaningful(structure):
        return None
    x = np.array([[_coordinate(name, getattr(start, name)) for name in names] for start in starts])
    best = _least_squares(probe, structure, names, x)
    numbers: dict[str, Any] = {name: _value(name, best[i]) for i, name in enumerate(names)}
    found = replace(structure, **numbers)
    predicted = replay(found, probe.run)
    if predicted is None or not probe.screened(predicted, found.step_size):
        return None
    return _shortest(probe, structure, found, names)


def _coordinate(name: str, value: float) -> float:
    if name in _SHARES:
        value = min(max(value, 1e-3), 1 - 1e-6)
        return float(np.log(value / (1 - value)))
    return float(np.log(value or 1e-2))


def _value(name: str, x: Any) -> Any:
    x = np.clip(x, -40, 40)
    return 1 / (1 + np.exp(-x)) if name in _SHARES else np.exp(x)


def _residuals(probe: ProbeResponse, structure: Recursion, names: Sequence[str], x: FloatArray) -> FloatArray:
    """Differences of the changes, bounded, shape (k, n d), for k sets of coordinates (k, p)."""
    varied = {name: _value(name, x[:, i])[:, None] for i, name in enumerate(names)}
    predicted = replay(structure, probe.run.with_varied(varied))
    assert predicted is not None
    observed = probe.observed[:, None, :]
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.abs(observed) + np.abs(predicted) + structure.step_size * 1e-2
        found = np.nan_to_num((predicted - observed) / scale, nan=1.0, posinf=1.0, neginf=-1.0)
    found = np.where(np.isnan(observed) & np.isnan(predicted), 0.0, found)
    return np.asarray(np.moveaxis(found, 0, 1).reshape(len(x), -1))


def _least_squares(probe: ProbeResponse, structure: Recursion, names: Sequence[str], x: FloatArray) -> FloatArray:
    """The coordinates that fit best."""
    starts, count = x.shape
    damping = np.full(starts, 1e-3)
    step = 1e-6
    residual = _residuals(probe, structure, names, x)
    cost = (residual**2).sum(axis=1)
    history = [cost.min()]
    for _ in range(ITERATIONS):
        moved = (x[:, None, :] + step * np.eye(count)).reshape(-1, count)
        shifted = _residuals(probe, structure, names, moved).reshape(starts, count, -1)
        jacobian = (shifted - residual[:, None, :]) / step
        normal = jacobian @ jacobian.transpose(0, 2, 1)
        slope = np.einsum("spn,sn->sp", jacobian, residual)
        diagonal = np.einsum("spp->sp", normal)
        normal = normal + np.eye(count) * (damping[:, None] * diagonal + 1e-30)[:, None, :]
        try:
            tried = x - np.clip(np.linalg.solve(normal, slope[:, :, None])[:, :, 0], -3, 3)
        except np.linalg.LinAlgError:
            break
        after = _residuals(probe, structure, names, tried)
        costs = (after**2).sum(axis=1)
        better = costs < cost
        damping = np.where(better, damping * 0.1, damping * 5)
        if not better.any() and damping.min() > 1e3:
            break
        x = np.where(better[:, None], tried, x)
        residual = np.where(better[:, None], after, residual)
        cost = np.where(better, costs, cost)
        history.append(cost.min())
        # Fits that lead nowhere show it soon.
        if cost.min() < 1e-24 or (cost.min() > 1e-3 and len(history) > 12 and history[-1] > 0.9 * history[-6]):
            break
    return np.asarray(x[int(np.argmin(cost))])


def _shortest(probe: ProbeResponse, structure: Recursion, found: Recursion, names: Sequence[str]) -> Recursion:
    """The fit with what need not change as it was, and the rest rounded to as few digits as explain the changes."""
    for name in names:
        kept: dict[str, Any] = {name: getattr(structure, name)}
        if np.isclose(kept[name], getattr(found, name), rtol=0.02, atol=0) or name == "eps":
            tried = replace(found, **kept)
            predicted = replay(tried, probe.run)
            if predicted is not None and probe.screened(predicted, found.step_size):
                found = tried
    changed = [name for name in names if getattr(found, name) != getattr(structure, name)]
    for digits in (1, 2, 3, 4, 6, 9):
        numbers: dict[str, Any] = {name: float(f"{getattr(found, name):.{digits}g}") for name in changed}
        for name in set(_SHARES) & set(changed):
            numbers[name] = float(f"{1 - float(f'{1 - getattr(found, name):.{digits}g}'):.12g}")
        candidate = replace(found, **numbers)
        if probe.explained_by(candidate):
            return candidate
    return found


def step_size_path(probe: ProbeResponse, declared: Recursion) -> Recursion | None:
    """Return the recursion with a step size of its own at each step; None if that does not explain the changes."""
    unit = replay(replace(declared, step_size=1.0), probe.run)
    if unit is None:
        return None
    sizes = []
    for observed, one in zip(probe.observed, unit, strict=True):
        usable = np.isfinite(observed) & np.isfinite(one) & (np.abs(one) > 1e-3)
        if not usable.any():
            return None
        sizes.append(float(np.median(observed[usable] / one[usable])))
    if min(sizes) < 0:
        return None
    found = replace(declared, step_sizes=tuple(sizes))
    return found if _screened(probe, found) else None


def _screened(probe: ProbeResponse, found: Recursion) -> bool:
    predicted = replay(found, probe.run)
    return predicted is not None and probe.screened(predicted, found.step_size)


PATH_CORRECTIONS: tuple[Correction, ...] = (
    "1 - beta**n",
    "1 - the present beta**n",
    "1 - product of the present betas",
)


def memory_path(probe: ProbeResponse, declared: Recursion, moment: int) -> Recursion | None:
    """Return the recursion with a memory of m (1) or of v (2) of its own at each step; None if that explains nothing.

    For given m and step, what the changes show of v is linear in the memory (and in its power in the correction): all
    coordinates together determine it.
    """
    hat, entering_values = _seen_moment(probe, declared, moment)
    if hat is None or entering_values is None:
        return None
    which = {1: ("memories1", "first_correction"), 2: ("memories2", "second_correction")}
    corrected = declared.first_corrected if moment == 1 else declared.second_corrected
    beta = declared.beta1 if moment == 1 else declared.beta2
    for form in PATH_CORRECTIONS if corrected else PATH_CORRECTIONS[:1]:
        path = _path(hat, entering_values, form if corrected else None, beta)
        if path is None:
            continue
        path_name, form_name = which[moment]
        changes: dict[str, Any] = {path_name: tuple(path), form_name: form}
        found = replace(declared, **changes)
        if _screened(probe, found):
            return found
    return None


def _seen_moment(probe: ProbeResponse, declared: Recursion, moment: int) -> tuple[FloatArray | None, FloatArray | None]:
    """The corrected moment that the changes show, and what enters it."""
    run = probe.run
    numbers = run.numbers(declared)
    simple = declared.eps_root == 0 and declared.momentum == 0 and declared.scaling == "none" and declared.root
    with np.errstate(all="ignore"):
        seen = entering(declared, numbers, run)
        top, below = numerator(declared, numbers, run, seen), bottom(declared, numbers, run, seen)
        rest = change(declared, numbers, run, np.zeros_like(top), np.ones_like(below))
        quotient = -(probe.observed - rest) / declared.step_size
        if moment == 1:
            if declared.numerator != "m" or not simple:
                return None, None
            return quotient * below, seen.for_first
        root = top / quotient
        if (declared.second_moment, declared.averaged) != ("mean of squares", "squares") or not simple:
            return None, None
        correction = np.ones((len(root), 1))
        if declared.second_corrected:
            correction = run.correction(declared.second_correction, numbers.beta2, numbers.beta1, declared)
        hat = {
            "outside the root": lambda: (root - declared.eps) ** 2,
            "outside the root, before the correction": lambda: (root - declared.eps / np.sqrt(correction)) ** 2,
            "inside the root": lambda: root**2 - declared.eps,
            "nowhere": lambda: root**2,
        }.get(declared.eps_place)
        return (None if hat is None else hat()), seen.for_second**2


def _path(hat: FloatArray, values: FloatArray, form: Correction | None, beta: float) -> list[float] | None:
    """The memory at each step, by least squares over the coordinates; None where it cannot be."""
    state, path, product = np.zeros(hat.shape[1]), [], 1.0
    for t, (h, s) in enumerate(zip(hat, values, strict=True)):
        n = t + 1
        usable = np.isfinite(h) & np.isfinite(s) & (np.abs(h) > 1e-6)
        if usable.sum() < 4:
            return None
        h, s, before = h[usable], s[usable], state[usable]
        weight = 1 / (np.abs(h) + np.abs(s) + np.abs(before))
        if form is None or form == "1 - beta**n":
            target = h * (1 - beta**n if form else 1.0)
            columns, right = [before - s], target - s
        elif form == "1 - product of the present betas":
            columns, right = [before - s + product * h], h - s
        else:
            columns, right = [before - s, h], h - s
        if t == 0 and form == "1 - product of the present betas":
            # Normalised means do not show their first memory: it is free.
            solution = beta
        elif t == 0 and form == "1 - the present beta**n":
            # Any memory makes the first corrected moment the gradient; two steps together show it.
            first = _first_memory(hat[:2], values[:2])
            if first is None:
                return None
            solution = first
        else:
            matrix = np.column_stack(columns) * weight[:, None]
            # The coordinates that show most: small differences of large numbers are noise.
            solution = float(np.linalg.lstsq(matrix, right * weight, rcond=None)[0][0])
        if not -1e-6 < solution < 1 + 1e-6:
            return None
        solution = float(np.clip(np.round(solution, 13), 0.0, 1.0))
        path.append(solution)
        product *= solution
        state = solution * state + (1 - solution) * values[t]
    return path


def _first_memory(hat: FloatArray, values: FloatArray) -> float | None:
    """The memory of the first step from the second: unknown are b1 b2, b2 and, in the correction, b2**2."""
    h, s1, s2 = hat[1], values[0], values[1]
    usable = np.isfinite(h) & (np.abs(h) > 1e-6)
    h, s1, s2 = h[usable], s1[usable], s2[usable]
    weight = 1 / (np.abs(h) + np.abs(s1) + np.abs(s2))
    columns = np.column_stack([-s1, s1 - s2, h]) * weight[:, None]
    solution = np.linalg.lstsq(columns, (h - s2) * weight, rcond=None)[0]
    return float(np.clip(solution[0] / solution[1], 0.0, 1.0)) if solution[1] > 1e-9 else None
