"""Running means and their bias corrections, for plain numbers and for ones with error bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import scipy.signal

from adamsym.expressions.compilation import FloatArray
from adamsym.testing.conformance.recursion import Correction, Counter, Mix, Recursion
from adamsym.testing.conformance.rounding import Precision, Rounded, larger, power, smaller, stacked, where
from adamsym.testing.conformance.tensors import Layout

NUMBERS = (
    "step_size",
    "beta1",
    "beta2",
    "eps",
    "weight_decay",
    "eps_root",
    "exponent",
    "clip",
    "momentum",
    "momentum_decay",
)
_PATHS = {"step_size": "step_sizes", "beta1": "memories1", "beta2": "memories2"}


@dataclass(frozen=True)
class Numbers:
    """The numbers of a recursion: floats, columns (k, 1) of k sets of them, one for each step (n, 1), or Rounded."""

    step_size: Any
    beta1: Any
    beta2: Any
    eps: Any
    weight_decay: Any
    eps_root: Any
    exponent: Any
    clip: Any
    momentum: Any
    momentum_decay: Any
    path1: Any = None
    path2: Any = None


assert {field.name for field in fields(Numbers)} == {*NUMBERS, "path1", "path2"}


@dataclass(frozen=True)
class Run:
    """Gradients (n, d) and the parameters before each of them, with the arithmetic in which they are replayed.

    With ``varied``, columns (k, 1) of numbers by name, k recursions are replayed at once and sequences are (n, k, d).
    With ``precision``, everything is :class:`Rounded`; ``scalars`` is the precision of numbers and corrections.
    """

    gradients: Any
    before: Any
    layout: Layout
    varied: dict[str, FloatArray] | None = None
    scalars: Precision | None = None

    def with_varied(self, varied: dict[str, FloatArray]) -> Run:
        """Return the run in which k sets of numbers are replayed at once."""
        return Run(self.gradients[:, None, :], self.before[:, None, :], self.layout, varied)

    def in_precision(self, precision: Precision, scalars: Precision) -> Run:
        """Return the run with error bounds."""
        g = self.gradients
        lost = np.abs(g.astype(np.float16).astype(float) - g) if precision.name == "float16" else np.zeros_like(g)
        theta = Rounded(self.before, np.zeros_like(self.before), precision)
        return Run(Rounded(g, lost, precision), theta, self.layout, None, scalars)

    def numbers(self, r: Recursion) -> Numbers:
        """Return the recursion's numbers in this run's arithmetic."""
        values: dict[str, Any] = {name: getattr(r, name) for name in NUMBERS} | (self.varied or {})
        for name, path in _PATHS.items():
            if getattr(r, path):
                values[{"beta1": "path1", "beta2": "path2"}.get(name, name)] = np.array(getattr(r, path))[:, None]
        if self.scalars is not None:
            for name in values.keys() - {"exponent"}:
                value = np.asarray(values[name], dtype=float)
                values[name] = Rounded(value, self.scalars.unit * np.abs(value), self.scalars)
        return Numbers(**values)

    def counts(self, counter: Counter = "n", shift: int = 0) -> FloatArray:
        """Return what the step counter is at each step, shape (n, 1) or that which broadcasts to (n, k, d)."""
        n = np.arange(1.0, len(self.gradients) + 1)[:, None]
        if counter == "counts tensors":
            n = (n - 1) * len(self.layout.shapes) + self.layout.owner + 1
        else:
            n = {
                "n": n,
                "n + 1": n + 1,
                "n - 1": n - 1,
                "n - 1, at least 1": np.maximum(n - 1, 1),
                "1 always": np.ones_like(n),
                "2 n": 2 * n,
            }[counter]
        n = n + shift
        return n[:, None, :] if self.varied is not None else n

    def correction(
        self, form: Correction, beta: Any, other: Any, r: Recursion, path: Any = None, shift: int = 0
    ) -> Any:
        """Return the bias corrections of all steps, as (n, 1) or (n, k, 1)."""
        n = self.counts(r.counter, shift)
        if form in ("1 - beta**n", "1 - beta**n, kept in the state"):
            return 1 - power(beta, n)
        if form == "1 - product of the present betas":
            products = [path[0]]
            for t in range(1, len(path)):
                products.append(products[-1] * path[t])
            return 1 - stacked(products)
        if form == "1 - the present beta**n":
            return 1 - power(path, n)
        if form == "1 - beta":
            return 1 - power(beta, np.ones_like(n))
        if form == "1 - beta of the other**n":
            return 1 - power(other, n)
        if form == "1 - beta**n at the first step only":
            return where(n == 1, 1 - power(beta, n), 1.0)
        powers = {"1 - beta**(n + 1)": n + 1, "1 - beta**(n - 1)": n - 1, "1 - beta**(2 n)": 2 * n}
        if form in powers:
            return 1 - power(beta, powers[form])
        if form == "1 - beta**(n/2)":
            return 1 - power(beta, n / 2)
        if form in ("beta**n", "1 + beta**n"):
            return power(beta, n) if form == "beta**n" else 1 + power(beta, n)
        if form == "(1 - beta)**n":
            return power(1 - beta, n)
        if form == "1 - beta*n":
            return 1 - beta * n
        if form == "1 - beta/n":
            return 1 - beta / n
        if form == "1 - n**beta":
            return 1 - n ** getattr(beta, "value", beta)
        right = 1 - power(beta, n)
        if form == "root of 1 - beta**n":
            return power(right, 0.5)
        return right * right if form == "square of 1 - beta**n" else 1 / right

    @staticmethod
    def mixing(mix: Mix | str, beta: Any, other: Any) -> tuple[Any, Any]:
        """Return the factors of the old state and of the new term."""
        pairs: dict[str, Callable[[], tuple[Any, Any]]] = {
            "beta and 1 - beta": lambda: (beta, 1 - beta),
            "beta and 1": lambda: (beta, 1.0),
            "1 - beta and beta": lambda: (1 - beta, beta),
            "beta and beta": lambda: (beta, beta),
            "beta and 1 - beta of the other": lambda: (beta, 1 - other),
            "beta of the other and 1 - beta": lambda: (other, 1 - beta),
            "beta of the other and 1 - beta of the other": lambda: (other, 1 - other),
            "1 and 1 - beta": lambda: (1.0, 1 - beta),
            "1 and 1": lambda: (1.0, 1.0),
            "beta**2 and 1 - beta**2": lambda: (beta * beta, 1 - beta * beta),
            "root of beta and its rest": lambda: (power(beta, 0.5), 1 - power(beta, 0.5)),
        }
        return pairs[mix]()


def running(values: Any, keep: Any, add: Any, start: Any, reset_every: int, divided: Any, along: bool = False) -> Any:
    """Return the states keep * state + add * value from ``start`` on, for all steps.

    With ``along``, ``keep`` and ``add`` have one row a step. ``divided``, if given, divides the state itself at each
    step; every ``reset_every`` steps the state begins anew from 0.
    """
    plain = isinstance(values, np.ndarray) and isinstance(keep, float) and isinstance(add, float)
    if plain and not reset_every and divided is None and not along:
        first = keep * start + np.zeros((1, *values.shape[1:]))
        return scipy.signal.lfilter([add], [1.0, -keep], values, axis=0, zi=first)[0]
    state, states = start, []
    for t in range(len(values)):
        if reset_every and t and t % reset_every == 0:
            state = 0.0
        kept, new = (keep[t], add[t]) if along else (keep, add)
        state = kept * state + new * values[t]
        if divided is not None:
            state = state / divided[t]
        states.append(state)
    return stacked(states)


def late(sequence: Any) -> Any:
    """Return the sequence one step late, from zero on."""
    if isinstance(sequence, np.ndarray):
        return np.concatenate([sequence[:1] * 0.0, sequence[:-1]])
    return stacked([sequence[0] * 0.0, *(sequence[t] for t in range(len(sequence) - 1))])


def accumulated(sequence: Any, smallest: bool = False) -> Any:
    """Return the largest value so far, at every step; the smallest, if asked."""
    if isinstance(sequence, np.ndarray):
        return (np.minimum if smallest else np.maximum).accumulate(sequence, axis=0)
    rows = [sequence[0]]
    for t in range(1, len(sequence)):
        rows.append(smaller(rows[-1], sequence[t]) if smallest else larger(rows[-1], sequence[t]))
    return stacked(rows)
