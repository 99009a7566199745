"""How a step of a derivation is checked: exactly by SymPy, or by digits with mpmath; each says which."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp

from adamsym.expressions.precision import decimal_digits

EXACT = "exact: SymPy simplifies the difference to 0"

DIGITS = 30
"""Digits to which two numbers must agree, where a check does not say otherwise."""

_GUARD_DIGITS = 15
_ATTEMPTS_PER_POINT = 10
_OPERATIONS_TO_SIMPLIFY = 2_000


@dataclass(frozen=True)
class Check:
    """The outcome of a check and one line that says how it was made; ``identities`` counts the exact ones in it."""

    ok: bool
    text: str
    identities: int = 0


def exact_equality(lhs: sp.Expr, rhs: sp.Expr, budget: int = 20_000) -> Check:
    """Return whether SymPy reduces ``lhs - rhs`` to the exact number 0.

    Not ok means "not shown": SymPy found no zero, the difference has more than ``budget`` operations, or it holds
    floating-point numbers, for which no equality is exact.
    """
    left, right = sp.sympify(lhs), sp.sympify(rhs)
    difference = left - right
    if left.has(sp.Float) or right.has(sp.Float):
        return Check(False, "not exact: the expressions hold floating-point numbers")
    operations = difference.count_ops()
    if operations > budget:
        return Check(False, f"undecided: the difference has {operations} operations, more than {budget}")
    rules: list[Callable[[Any], Any]] = [lambda expression: expression, sp.expand]
    if operations <= _OPERATIONS_TO_SIMPLIFY:
        rules += [lambda expression: sp.cancel(sp.together(expression)), sp.simplify]
    for rule in rules:
        if rule(difference) == 0:
            return Check(True, EXACT, identities=1)
    return Check(False, "not shown: SymPy does not simplify the difference to 0")


def numerical_equality(
    lhs: Callable[..., Any],
    rhs: Callable[..., Any],
    draw: Callable[[random.Random], Sequence[Any]],
    points: int = 8,
    digits: int = DIGITS,
    seed: int = 2026,
) -> Check:
    """Return whether two functions agree to ``digits`` digits at ``points`` random points, by mpmath.

    Parameters
    ----------
    lhs, rhs
        Functions of the drawn arguments; each returns a number or a sequence of numbers, compared relative to the
        largest entry. An ArithmeticError or ValueError, a value that is not finite or real, or values that are all
        below 10**-digits skip the point.
    draw
        Draws the arguments from a seeded generator.
    points
        Number of points that must be evaluated; fewer (after ten times as many draws) is a failure.
    """
    evaluated = 0
    generator = random.Random(seed)
    with decimal_digits(digits + _GUARD_DIGITS):
        tolerance = mpmath.mpf(10) ** -digits
        for _ in range(points * _ATTEMPTS_PER_POINT):
            try:
                arguments = draw(generator)
                left, right = _numbers(lhs(*arguments)), _numbers(rhs(*arguments))
            except (ArithmeticError, ValueError):
                continue
            scale = max(abs(value) for value in (*left, *right))
            if scale < tolerance:
                continue
            if len(left) != len(right) or any(abs(a - b) > tolerance * scale for a, b in zip(left, right, strict=True)):
                return Check(False, f"refuted: the two sides differ in the first {digits} digits at a random point")
            evaluated += 1
            if evaluated == points:
                word = "point" if points == 1 else "points"
                return Check(True, f"{digits} digits at {points} random {word} with mpmath (not a proof)")
    return Check(False, f"undecided: only {evaluated} of {points} points could be evaluated")


def _numbers(values: Any) -> list[Any]:
    entries = list(values) if isinstance(values, (list, tuple)) else [values]
    numbers = [mpmath.mpmathify(entry) for entry in entries]
    if not numbers or any(isinstance(x, mpmath.mpc) or not mpmath.isfinite(x) for x in numbers):
        raise ValueError("not finite and real")
    return numbers


def all_of(checks: Iterable[Check]) -> Check:
    """Return one check that is ok if all are (and there is one); its line joins theirs, or quotes the first failure."""
    made = list(checks)
    for check in made:
        if not check.ok:
            return check
    if not made:
        return Check(False, "undecided: nothing was checked")
    identities = sum(check.identities for check in made)
    exact = EXACT if identities == 1 else EXACT.replace("the difference", f"{identities} differences")
    others = [check.text for check in made if not check.identities]
    return Check(True, "; ".join(([exact] if identities else []) + others), identities)
