"""How long expressions are: each distinct subexpression is counted once, in however many formulas it stands."""

from collections.abc import Iterable
from typing import Any

import sympy as sp


class Sizes:
    """Operations and least lengths of expressions that have subexpressions in common."""

    def __init__(self) -> None:
        self._operations: dict[Any, int] = {}
        self._lengths: dict[Any, int] = {}

    def least_length(self, expression: Any) -> int:
        """Return the characters that an expression takes at least: of each symbol one, of each number its digits."""
        found = self._lengths.get(expression)
        if found is None:
            if expression.args:
                found = sum(self.least_length(part) for part in expression.args)
            elif isinstance(expression, sp.Rational):
                found = len(f"{abs(expression.p)}{expression.q}") - 1
            else:
                found = 1
            self._lengths[expression] = found
        return found

    def operations(self, expression: Any) -> int:
        """Return the operations in an expression, as ``sympy.count_ops`` counts them."""
        found = self._operations.get(expression)
        if found is None:
            found = self._operations[expression] = self._counted(expression)
        return found

    def _all(self, expressions: Iterable[Any]) -> int:
        return sum(map(self.operations, expressions))

    def _counted(self, a: Any) -> int:
        if a.is_Rational:
            return int(a.p < 0) + int(a.q != 1)
        if a.is_Add:
            negative = [_is_negative(term) for term in a.args]
            terms = (-term if minus else term for term, minus in zip(a.args, negative, strict=True))
            return self._all(terms) + len(negative) - 1 + int(all(negative))
        signs = 0
        if a.is_Mul:
            if _is_negative(a):
                signs, a = 1, a.as_two_terms()[1] if a.args[0] is sp.S.NegativeOne else -a
            above, below = sp.fraction(a)
            if above.is_Integer:
                return signs + 1 + int(above.p < 0) + self.operations(below)
            if below is not sp.S.One:
                return signs + 1 + self.operations(above) + (0 if below.is_Integer else self.operations(below))
        return signs + self._of_whole(a)

    def _of_whole(self, a: Any) -> int:
        """Operations of what is no number and no sum, or of a sum behind a minus sign: its plus signs stay out."""
        if a.is_Pow and a.exp is sp.S.NegativeOne:
            return 1 + self.operations(a.base)
        if a == sp.E:
            return 1
        if a.is_Mul or isinstance(a, sp.Max | sp.Min):
            return len(a.args) - 1 + self._all(a.args)
        counts = a.is_Pow or a.is_Function or isinstance(a, sp.Derivative | sp.Integral | sp.Sum)
        return int(bool(a.args and counts)) + self._all(a.args)


def _is_negative(a: Any) -> bool:
    if a.is_Mul:
        a = a.args[0]
    return bool(a.is_Number and a.is_extended_negative)
