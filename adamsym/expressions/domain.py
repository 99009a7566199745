"""Where an expression is real and finite: conditions on what its logarithms, roots, powers and quotients act on.

They are collected while the text is read, before SymPy simplifies x/x to 1 or exp(log(x)) to x: where all of them
hold, every part of the expression as written is a finite real number; where one fails, some part is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import sigmoid

Relation = Literal["positive", "nonnegative", "nonzero"]

RELATIONS: tuple[Relation, ...] = ("positive", "nonnegative", "nonzero")

WORDS: dict[Relation, str] = {"positive": "positive", "nonnegative": "at least 0", "nonzero": "other than 0"}


class DomainError(InputError):
    """The loss is not real and finite at a point, or not proved to be so over a box."""


@dataclass(frozen=True)
class Condition:
    """``expression`` must be positive, nonnegative or nonzero, for what is written as ``source`` to be real."""

    expression: sp.Expr
    relation: Relation
    source: str

    def holds(self, value: FloatArray) -> NDArray[np.bool_]:
        """Whether floats satisfy the condition; nan does not."""
        if self.relation == "positive":
            return np.asarray(value > 0)
        if self.relation == "nonnegative":
            return np.asarray(value >= 0)
        return np.asarray((value > 0) | (value < 0))

    def proved(self, low: Any, high: Any) -> bool:
        """Whether every number from ``low`` to ``high``, proven bounds, satisfies the condition."""
        if self.relation == "positive":
            return bool(low > 0)
        if self.relation == "nonnegative":
            return bool(low >= 0)
        return bool(low > 0) or bool(high < 0)

    def refuted(self, low: Any, high: Any) -> bool:
        """Whether no number from ``low`` to ``high``, proven bounds, satisfies the condition."""
        if self.relation == "positive":
            return bool(high <= 0)
        if self.relation == "nonnegative":
            return bool(high < 0)
        return bool(low == 0) and bool(high == 0)

    def __str__(self) -> str:
        """What must hold, and for what, for messages."""
        return f"{self.source[:60]} needs {str(self.expression)[:60]} {WORDS[self.relation]}"


def condition(expression: sp.Expr, relation: Relation, source: str, place: str) -> Condition | None:
    """Return the condition, or None if it always holds.

    Raises
    ------
    InputError
        If it never holds, whatever the values of the symbols.
    """
    if expression.is_Rational:
        if Condition(expression, relation, source).proved(expression, expression):
            return None
        raise InputError(f"{place}: {source[:60]} is not a finite real number")
    if relation == "nonzero" and _size(-expression) == 2:
        return None
    wanted = 1 if relation == "nonnegative" else 2
    return None if _size(expression) >= wanted else Condition(expression, relation, source)


def _size(expression: sp.Expr) -> int:
    """2 if the expression is seen to be positive wherever it is real, 1 if nonnegative, else 0.

    By its form alone, exactly: no number is ever rounded here.
    """
    if expression.is_Rational:
        return 2 if expression > 0 else 1 if expression == 0 else 0
    if expression.is_Symbol or not expression.args:
        return 2 if expression in (sp.pi, sp.E) else 0
    name = type(expression).__name__
    if name in ("exp", "sigmoid", "softplus", "cosh"):
        return 2
    sizes = [_size(argument) for argument in expression.args]
    if name == "Abs":
        return max(1, sizes[0])
    if expression.is_Pow:
        if sizes[0] == 2:
            return 2
        even = expression.exp.is_Integer and expression.exp % 2 == 0
        return 1 if even or sizes[0] == 1 else 0
    if name == "Max":
        return max(sizes)
    if expression.is_Add and isinstance(1 - expression, sigmoid):
        return 2
    if expression.is_Add:
        return 0 if min(sizes) == 0 else max(sizes)
    if expression.is_Mul or name == "Min":
        return min(sizes)
    return 0


def listed(conditions: Sequence[Condition | None]) -> tuple[Condition, ...]:
    """Return the conditions that remain, each once, in the order in which they were found."""
    found: dict[tuple[sp.Expr, Relation], Condition] = {}
    for one in conditions:
        if one is not None:
            found.setdefault((one.expression, one.relation), one)
    return tuple(found.values())
