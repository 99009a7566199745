"""Expressions as lists of instructions on intervals: one compiled function carries out those of all expressions."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.arithmetic import ball, outward
from adamsym.field.interval import instructions
from adamsym.field.interval.arrays import IntArray


class NotCovered(Exception):
    """An expression has a function or a power that intervals of floats do not know."""


@dataclass(frozen=True)
class Tape:
    """Instructions (code, first, second) on registers: parameters, columns, then constants, then one for each.

    ``constants`` (k, 2) are intervals; ``outputs`` the registers of the expressions' values.
    """

    code: IntArray
    first: IntArray
    second: IntArray
    constants: FloatArray
    outputs: IntArray


def tape_of(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Tape:
    """Return the instructions for some expressions in symbols, with what they share computed once.

    Call within ``ball_arithmetic()``.

    Raises
    ------
    NotCovered
        For functions other than those of ``instructions``, and powers that are no multiples of 1/2.
    """
    shared, values = sp.cse(list(expressions), list=False)
    writer = _Writer(len(symbols), _constants_of([*(value for _, value in shared), *values]))
    places = dict(zip(symbols, range(len(symbols)), strict=True))
    for symbol, value in shared:
        places[symbol] = writer.place(value, places)
    outputs = [writer.place(value, places) for value in values]
    rows = np.array(writer.rows, dtype=np.int64).reshape(-1, 3)
    code, first, second = (np.ascontiguousarray(rows[:, k]) for k in range(3))
    constants = np.array(list(writer.constants.values()), dtype=np.float64).reshape(-1, 2)
    return Tape(code, first, second, constants, np.array(outputs, dtype=np.int64))


def interval_of(value: Fraction) -> tuple[float, float]:
    """Return floats below and above a fraction, or the float that it is."""
    try:
        nearest = float(value)
    except OverflowError:
        raise NotCovered("a number out of range") from None
    return (nearest, nearest) if Fraction(nearest) == value else outward(ball(value))


def _constants_of(expressions: Sequence[sp.Expr]) -> dict[sp.Expr, tuple[float, float]]:
    found: dict[sp.Expr, tuple[float, float]] = {sp.S.One: (1.0, 1.0), sp.S.Half: (0.5, 0.5)}
    for expression in expressions:
        for node in sp.preorder_traversal(expression):
            if node.is_Rational:
                found[node] = interval_of(Fraction(int(node.p), int(node.q)))
            elif node == sp.pi:
                found[node] = outward(flint.arb.pi())
            elif node == sp.E:
                found[node] = outward(flint.arb(1).exp())
    return found


class _Writer:
    """Appends instructions; ``place`` returns the register of a value."""

    def __init__(self, symbols: int, constants: dict[sp.Expr, tuple[float, float]]) -> None:
        self.constants = constants
        self._of_constants = {node: symbols + k for k, node in enumerate(constants)}
        self._next = symbols + len(constants)
        self.rows: list[tuple[int, int, int]] = []

    def place(self, node: sp.Expr, known: dict[sp.Expr, int]) -> int:
        """Return the register of an expression, with the instructions that fill it."""
        if node in known:
            return known[node]
        if node in self._of_constants:
            return self._of_constants[node]
        if node.is_Pow:
            found = self._power(node, known)
        elif node.is_Add or node.is_Mul:
            found = self._chain(node, known)
        elif isinstance(node, (sp.Max, sp.Min)):
            found = self._extremum(node, known)
        elif isinstance(node, sp.Heaviside):
            sign = self._append(instructions.UNARY["sign"], self.place(node.args[0], known), 0)
            above = self._append(instructions.ADD, sign, self._of_constants[sp.S.One])
            found = self._append(instructions.MULTIPLY, above, self._of_constants[sp.S.Half])
        else:
            code = instructions.UNARY.get(type(node).__name__)
            if code is None or len(node.args) != 1:
                raise NotCovered(f"{type(node).__name__}")
            found = self._append(code, self.place(node.args[0], known), 0)
        known[node] = found
        return found

    def _append(self, code: int, first: int, second: int) -> int:
        self.rows.append((code, first, second))
        self._next += 1
        return self._next - 1

    def _chain(self, node: sp.Expr, known: dict[sp.Expr, int]) -> int:
        code, arguments = (instructions.ADD if node.is_Add else instructions.MULTIPLY), list(node.args)
        negative = node.is_Mul and sp.S.NegativeOne in arguments
        if negative:
            arguments.remove(sp.S.NegativeOne)
        found = self.place(arguments[0], known)
        for argument in arguments[1:]:
            found = self._append(code, found, self.place(argument, known))
        return self._append(instructions.NEGATE, found, 0) if negative else found

    def _extremum(self, node: sp.Expr, known: dict[sp.Expr, int]) -> int:
        """The largest of the arguments; the least is minus the largest of the negative ones."""
        places = [self.place(argument, known) for argument in node.args]
        if isinstance(node, sp.Min):
            places = [self._append(instructions.NEGATE, place, 0) for place in places]
        found = places[0]
        for place in places[1:]:
            found = self._append(instructions.MAX, found, place)
        return self._append(instructions.NEGATE, found, 0) if isinstance(node, sp.Min) else found

    def _power(self, node: sp.Expr, known: dict[sp.Expr, int]) -> int:
        exponent = node.exp
        if node.base == sp.E:
            return self._append(instructions.UNARY["exp"], self.place(exponent, known), 0)
        if not (exponent.is_Rational and exponent.q in (1, 2) and abs(exponent.p) < instructions.LARGEST_POWER):
            raise NotCovered(f"the power {exponent}")
        found = self.place(node.base, known)
        if exponent.q == 2:
            found = self._append(instructions.ROOT, found, 0)
        if abs(exponent.p) > 1:
            found = self._append(instructions.POWER, found, abs(int(exponent.p)))
        return found if exponent > 0 else self._append(instructions.RECIPROCAL, found, 0)
