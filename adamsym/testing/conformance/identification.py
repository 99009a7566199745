"""Which recursion an optimizer is: the nearest to what it should be that explains how it answers designed gradients.

A step is a numerator over a denominator, and then a change. Numerators, denominators and changes are varied apart and
each is computed once; that they go together is tested on a few steps of all pairs at once. So thousands of recursions
cost no more than a few hundred sequences, and the work is bounded by their number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.testing.conformance.fitting import fitted, memory_path, step_size_path
from adamsym.testing.conformance.moments import Run
from adamsym.testing.conformance.probing import SCREEN, ProbeResponse, same
from adamsym.testing.conformance.recursion import CHOICES, GROUPS, Recursion
from adamsym.testing.conformance.replay import bottom, change, entering, meaningful, numerator, replay

MOST_DIFFERENCES = 3
"""Explanations with more differences are not looked for."""
MOST_CONFIRMED = 24
"""Candidates of one level that are compared to rounding."""
MOST_FITS = 8
"""Structures with one difference whose numbers are fitted."""
_CHUNK = 4096
_STEPS_SCREENED = (0, 1, 2, 5, 12, 29, 47)
_STAGE_FIRST = slice(1, 6, 4)

Changes = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Identification:
    """Recursions that explain all changes, the first preferred; if none does, the nearest and where it deviates.

    Attributes
    ----------
    recursions
        All with the smallest number of differences that was found; they answer the designed gradients alike.
    nearest
        The recursion that explains the changes longest.
    step, coordinate
        Where it first deviates, counted from 0.
    """

    recursions: tuple[Recursion, ...]
    nearest: Recursion
    step: int = 0
    coordinate: int = 0


def identify(probe: ProbeResponse, declared: Recursion) -> Identification:
    """Return what explains the changes with the fewest differences from ``declared``, or the nearest to that.

    One difference is looked for first, in structure, in numbers, or a schedule; then two and three in structure,
    also with beta1 and beta2 swapped, and one with other numbers.
    """
    search = _Search(probe, declared)
    attempts = (
        lambda: search.exact(1),
        search.with_number,
        search.fitted_numbers,
        search.schedules,
        lambda: search.exact(2),
        search.fitted_structures,
        lambda: search.exact(MOST_DIFFERENCES),
    )
    for attempt in attempts:
        found = tuple(dict.fromkeys(_tidy(candidate, declared) for candidate in attempt()))
        if found:
            return Identification(found, found[0])
    return _nearest(probe, [declared, *search.nearest])


class _Search:
    """The candidates around what was declared, with the sequences that they share."""

    def __init__(self, probe: ProbeResponse, declared: Recursion) -> None:
        self.probe, self.declared = probe, declared
        self.base = _with_decay_of(probe, declared)
        self.nearest: list[Recursion] = []
        self._parts: dict[tuple[str, Recursion], Any] = {}
        self._last_rounding = probe.last_rounding()

    # --- structure ----------------------------------------------------------------------------------------------------

    def exact(self, count: int) -> list[Recursion]:
        """The recursions with exactly so many differences in structure that explain the changes."""
        found: dict[Recursion, None] = {}
        swapped = replace(self.base, beta1=self.base.beta2, beta2=self.base.beta1)
        starts = [(self.base, count)]
        if count < MOST_DIFFERENCES and self.base.beta1 != self.base.beta2 and self.base.beta1 > 0:
            starts.append((swapped, count - 1))
        for start, left in starts:
            for candidate in self._screened(start, left):
                if len(found) < MOST_CONFIRMED and candidate not in found and self.probe.explained_by(candidate):
                    found[candidate] = None
        return list(found)

    def _screened(self, start: Recursion, count: int) -> Iterator[Recursion]:
        """Candidates with so many differences from ``start`` that pass on a few steps."""
        for shared_count, change_count in itertools.product(range(min(count, 1) + 1), range(min(count, 2) + 1)):
            left = count - shared_count - change_count
            if left < 0 or (count == MOST_DIFFERENCES and shared_count + change_count > 1):
                continue
            for shared in _varied(start, GROUPS["gradient"], shared_count):
                for outer in _varied(start, GROUPS["change"], change_count):
                    changed = _with(start, shared + outer)
                    # Two differences in one part, beside another treatment of all gradients, are not looked for.
                    entered = shared_count > 0 or (change_count > 0 and changed.decay.startswith("in the gradient"))
                    most = 1 if entered or start.momentum else 2
                    for tops in range(max(0, left - most), min(left, most) + 1):
                        yield from self._paired(changed, tops, left - tops)

    def _paired(self, start: Recursion, top_count: int, bottom_count: int) -> Iterator[Recursion]:
        """Candidates with so many differences in numerator and in denominator that pass on a few steps."""
        # What looks back needs the whole run, not a few of its steps.
        along = start.momentum != 0 or start.scaling != "none" or start.decay == "decoupled, of the first parameters"
        if along and top_count + bottom_count > 1:
            return
        rows = tuple(range(len(self.probe.observed))) if along else _STEPS_SCREENED
        top_changes, above = self._sequences("numerator", start, top_count, rows)
        bottom_changes, below = self._sequences("denominator", start, bottom_count, rows)
        if not top_changes or not bottom_changes:
            return
        pairs = np.indices((len(top_changes), len(bottom_changes))).reshape(2, -1)
        # Most fail at two steps.
        for stage in (slice(None),) if along else (_STAGE_FIRST, slice(None)):
            chunks = np.array_split(pairs, math.ceil(pairs.shape[1] / _CHUNK) or 1, axis=1)
            kept = [
                self._agree(start, np.array(rows)[stage], above[stage][:, i], below[stage][:, j]) for i, j in chunks
            ]
            pairs = pairs[:, np.concatenate(kept)]
        for i, j in pairs.T:
            yield _with(start, top_changes[i] + bottom_changes[j])

    def _agree(self, start: Recursion, rows: Any, above: FloatArray, below: FloatArray) -> FloatArray:
        """Which of the pairs, (rows, k, d), make the observed changes at these steps, roughly."""
        run, probe = self.probe.run, self.probe
        at = Run(run.gradients[rows][:, None], run.before[rows][:, None], run.layout, {})
        observed = probe.observed[rows][:, None]
        with np.errstate(all="ignore"):
            predicted = change(start, at.numbers(start), at, above, below)
            allowed = SCREEN[probe.precision.name] * (np.abs(observed) + start.step_size)
        allowed = allowed + 4 * self._last_rounding[rows][:, None]
        lost = ~np.isfinite(at.before)
        return np.asarray((same(predicted, observed, allowed) | lost).all(axis=(0, 2)))

    def _sequences(
        self, part: str, start: Recursion, count: int, rows: tuple[int, ...]
    ) -> tuple[list[Changes], FloatArray]:
        """Numerators or denominators with so many differences, those that make one, at some steps (rows, k, d)."""
        key = (
            f"{part} {count} {len(rows)}",
            replace(start, scaling="none", momentum_kind="added up", **_outer_decay(start)),
        )
        if key not in self._parts:
            compute = numerator if part == "numerator" else bottom
            run, at = self.probe.run, list(rows)
            numbers = run.numbers(start)
            changes, sequences = [], []
            with np.errstate(all="ignore"):
                seen = entering(start, numbers, run)
                plain = compute(start, numbers, run, seen)
                for changed in _varied(start, GROUPS[part], count):
                    candidate = _with(start, changed)
                    if not meaningful(candidate):
                        continue
                    sequence = compute(candidate, numbers, run, seen)
                    if count == 0 or not np.array_equal(sequence, plain, equal_nan=True):
                        changes.append(changed)
                        sequences.append(np.broadcast_to(sequence, self.probe.observed.shape)[at])
            self._parts[key] = changes, np.stack(sequences, axis=1) if sequences else plain[at][:, None]
        result: tuple[list[Changes], FloatArray] = self._parts[key]
        return result

    # --- numbers ------------------------------------------------------------------------------------------------------

    def with_number(self) -> Iterator[Recursion]:
        """One difference in structure that comes with a number of its own."""
        base, undeclared = self.base, self.declared.decay == "none"
        if undeclared and self._moves_without_gradient():
            for decay, grows in itertools.product(CHOICES["decay"][1:], (1, -1)):
                changed: dict[str, Any] = {"decay": decay, "decay_sign": grows}
                starts = [replace(base, weight_decay=x) for x in (base.weight_decay or 0.01, 1e-3, 0.1, 1.0)]
                yield from self._fit(replace(base, **changed), ("weight_decay",), starts)
        deviates = _nearest(self.probe, [base])
        for steps, name in itertools.product(
            range(deviates.step - 1, deviates.step + 2), ("reset_every", "frozen_after")
        ):
            numbers: dict[str, Any] = {name: steps}
            if steps > 1 and self.probe.explained_by(replace(base, **numbers)):
                yield replace(base, **numbers)
        attempts: list[tuple[dict[str, Any], str, tuple[float, ...]]] = [
            ({"gradient": "clipped by value"}, "clip", (0.1, 0.5, 1.0, 5.0, 10.0)),
            ({"gradient": "clipped by the norm of its tensor"}, "clip", (0.1, 1.0, 5.0, 10.0)),
            ({"gradient": "clipped by the norm of all tensors"}, "clip", (0.1, 1.0, 5.0, 10.0)),
            ({"gradient": "clipped by the norm of all tensors plus 1e-6"}, "clip", (0.1, 1.0, 5.0, 10.0)),
            ({"scaling": "clipped by value"}, "clip", (0.1, 0.5, 1.0, 2.0)),
            ({"scaling": "clipped by root mean square"}, "clip", (0.1, 0.5, 1.0, 2.0)),
            ({"root": True}, "exponent", (0.25, 0.4, 0.6, 0.8)),
            ({}, "eps_root", (1e-8, 1e-4)),
            *(({"momentum_kind": kind, "momentum": 0.5}, "momentum", (0.5, 0.9)) for kind in CHOICES["momentum_kind"]),
        ]
        for changed, name, values in attempts:
            structure = replace(base, **changed)
            starts = [replace(structure, **{name: value}) for value in values]  # type: ignore[arg-type]
            yield from self._fit(structure, (name,), starts)

    def fitted_numbers(self) -> Iterator[Recursion]:
        """The declared structure with other numbers."""
        base = self.base
        starts = [base, *(replace(base, beta1=b1, beta2=b2) for b1, b2 in ((0.9, 0.999), (0.5, 0.9), (0.1, 0.5)))]
        if base.numerator == "look-ahead with slowly growing weight":
            slow = [replace(base, momentum_decay=x) for x in (4e-3, 4e-2, 1.0)]
            yield from self._fit(base, ("momentum_decay",), slow)
        if base.momentum:
            yield from self._fit(base, ("momentum",), [base, replace(base, momentum=0.5)])
        if base.weight_decay:
            yield from self._fit(base, ("weight_decay",), [replace(base, weight_decay=x) for x in (1e-3, 1e-2, 0.1)])
        names = ("beta1", "beta2") if base.beta1 or base.second_corrected else ("beta2",)
        for group in (("step_size",), ("eps",), *((name,) for name in names), names, ("step_size", *names, "eps")):
            yield from self._fit(base, group, starts if len(group) > 1 else starts[:1])

    def fitted_structures(self) -> Iterator[Recursion]:
        """One difference in structure, with other numbers."""
        names = ("step_size", "beta1", "beta2", "eps") if self.base.beta1 else ("step_size", "beta2", "eps")
        for structure in self.nearest[:MOST_FITS]:
            yield from self._fit(structure, names, [structure])

    def _fit(self, structure: Recursion, names: tuple[str, ...], starts: list[Recursion]) -> Iterator[Recursion]:
        found = fitted(self.probe, structure, names, starts)
        if found is not None:
            yield found

    def schedules(self) -> Iterator[Recursion]:
        """The declared recursion with a number that changes from step to step."""
        for found in (
            step_size_path(self.probe, self.base),
            memory_path(self.probe, self.base, 1),
            memory_path(self.probe, self.base, 2),
        ):
            if found is not None:
                yield found
        self._sort_nearest()

    def _moves_without_gradient(self) -> bool:
        still = (np.asarray(self.probe.run.gradients) == 0).all(axis=0)
        return bool(self.probe.observed[:, still].any())

    def _sort_nearest(self) -> None:
        """Order the structures with one difference by how much they explain."""
        singles = [_with(self.base, ((name, value),)) for name in CHOICES for value in _others(self.base, name)]
        scored = []
        for candidate in [self.base, *singles]:
            predicted = replay(candidate, self.probe.run)
            if predicted is not None:
                scored.append((_distance(predicted, self.probe.observed), candidate))
        scored.sort(key=lambda pair: pair[0])
        self.nearest = [candidate for _, candidate in scored]


def _tidy(found: Recursion, declared: Recursion) -> Recursion:
    """The recursion without a coefficient of decay that it does not use."""
    return replace(found, weight_decay=declared.weight_decay) if found.decay == "none" else found


def _distance(predicted: FloatArray, observed: FloatArray) -> float:
    """How unlike the changes are: the median relative deviation, and a little of the mean."""
    with np.errstate(all="ignore"):
        deviation = np.abs(predicted - observed) / (np.abs(predicted) + np.abs(observed))
    deviation = np.where((predicted == observed) | (np.isnan(predicted) & np.isnan(observed)), 0.0, deviation)
    deviation = np.nan_to_num(deviation, nan=1.0)
    return float(np.median(deviation) + 0.1 * deviation.mean())


def _outer_decay(r: Recursion) -> dict[str, Any]:
    """Decay that does not enter the moments makes no other sequences."""
    return {} if r.decay.startswith("in the gradient") else {"decay": "none", "decay_sign": 1}


def _with(recursion: Recursion, changes: Changes) -> Recursion:
    # As dataclasses.replace, at a tenth of its time: thousands are made.
    changed = object.__new__(Recursion)
    changed.__dict__.update(recursion.__dict__)
    changed.__dict__.update(changes)
    return changed


def _others(recursion: Recursion, name: str) -> list[object]:
    # What is multiplied by 0 makes no difference.
    idle = {"decay": recursion.weight_decay, "decay_sign": recursion.weight_decay, "momentum_kind": recursion.momentum}
    if idle.get(name) == 0:
        return []
    return [value for value in CHOICES[name] if value != getattr(recursion, name)]


def _varied(recursion: Recursion, names: tuple[str, ...], count: int) -> Iterator[Changes]:
    """All ways to change exactly ``count`` of the attributes."""
    for chosen in itertools.combinations(names, count):
        for values in itertools.product(*(_others(recursion, name) for name in chosen)):
            yield tuple(zip(chosen, values, strict=True))


def _with_decay_of(probe: ProbeResponse, declared: Recursion) -> Recursion:
    """Where no decay is declared but parameters move without gradients: the coefficient that this shows."""
    gradients = np.asarray(probe.run.gradients)
    column = next((c for c in np.flatnonzero((gradients == 0).all(axis=0)) if probe.run.before[0, c] != 0), None)
    if declared.weight_decay or column is None:
        return declared
    moved, theta = probe.observed[0, column], probe.run.before[0, column]
    if not np.isfinite(moved) or moved == 0:
        return declared
    return replace(declared, weight_decay=float(f"{abs(moved / theta) / declared.step_size:.9g}"))


def _nearest(probe: ProbeResponse, candidates: list[Recursion]) -> Identification:
    """The candidate that explains the most, and where it deviates first."""
    best, first = candidates[0], -1
    deviations = None
    for candidate in candidates[:MOST_CONFIRMED]:
        found = probe.deviations(candidate)
        if found is None:
            continue
        wrong = np.asarray(found.any(axis=1))
        step = int(np.argmax(wrong)) if wrong.any() else len(wrong)
        if step > first:
            best, first, deviations = candidate, step, found
    if deviations is None or first >= len(deviations):
        return Identification((), best, len(probe.observed) - 1, 0)
    predicted = replay(best, probe.run)
    assert predicted is not None
    with np.errstate(all="ignore"):
        size = np.abs(predicted[first] - probe.observed[first]) / (np.abs(predicted[first]) + best.step_size)
    size = np.where(deviations[first], np.nan_to_num(size, nan=np.inf, posinf=np.inf), -1.0)
    return Identification((), best, first, int(np.argmax(size)))
