"""Across which switches of Max, Min and Abs a gradient is continuous: proven by algebra, whatever the data are."""

import itertools
import math
from collections.abc import Sequence

import sympy as sp

from adamsym.expressions.errors import InputError

MOST_SIDES = 6
"""Other switches whose signs are not known: all 2^6 combinations are tried."""

MOST_TERMS = 2_000
"""Terms of a polynomial that is multiplied out."""


class JumpError(InputError):
    """A gradient is not proven to be continuous over a box; the message says where it may jump."""


class Crossing:
    """What a gradient in ``Pick`` does across one switch, number ``k``: the two pieces' difference where this is 0."""

    def __init__(
        self, gradient: Sequence[sp.Expr], k: int, sides: Sequence[sp.Symbol], switches: Sequence[sp.Expr]
    ) -> None:
        self._switch = switches[k]
        both = ([entry.xreplace({sides[k]: sp.Integer(side)}) for entry in gradient] for side in (1, -1))
        self._jumps = [a - b for a, b in zip(*both, strict=True)]
        found = (self._switch, *self._jumps)
        self._others = {n: side for n, side in enumerate(sides) if n != k and any(entry.has(side) for entry in found)}
        self._known: dict[tuple[int, ...], bool] = {}

    def is_continuous(self, signs: Sequence[int]) -> bool:
        """Return whether the pieces are proven to agree where the switch is 0 and the others have these signs.

        A sign 0 stands for both. Where several switches may be 0, and this holds of each, all pieces that meet there
        agree: one follows from another by changing side after side.
        """
        given = [signs[n] for n in self._others]
        if given.count(0) > MOST_SIDES:
            return False
        return all(self._agree(chosen) for chosen in itertools.product(*((1, -1) if x == 0 else (x,) for x in given)))

    def _agree(self, signs: tuple[int, ...]) -> bool:
        if signs not in self._known:
            fixed = {side: sp.Integer(sign) for side, sign in zip(self._others.values(), signs, strict=True)}
            switch = self._switch.xreplace(fixed)
            self._known[signs] = all(vanishes_where(jump.xreplace(fixed), switch) for jump in self._jumps)
        return self._known[signs]


def vanishes_where(expression: sp.Expr, zero: sp.Expr) -> bool:
    """Return whether an expression is proven to be 0 wherever ``zero`` is 0 and all in it is finite.

    It is if it is 0 with 0 in place of ``zero``, or a multiple of it as a polynomial in whatever both are made of.
    """
    if expression == 0 or expression.xreplace({zero: sp.S.Zero, -zero: sp.S.Zero}) == 0:
        return True
    if zero.is_Number or max(map(_terms, (expression, zero))) > MOST_TERMS:
        return False
    try:
        _, (multiple, divisor) = sp.sring([expression, zero], field=True)
        return bool(divisor != 0 and multiple.rem([divisor]) == 0)
    except (sp.PolynomialError, NotImplementedError, ValueError):
        return False


def _terms(expression: sp.Expr) -> float:
    """A bound of the number of terms, multiplied out."""
    if expression.is_Add:
        return sum(map(_terms, expression.args))
    if expression.is_Mul:
        return math.prod(map(_terms, expression.args))
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        base = _terms(expression.base)
        return math.inf if base > 1 and expression.exp > 60 else base ** int(expression.exp)
    return 1
