"""Max, Min and Abs as smooth pieces: ``Pick(side, a, b)`` is a on one side of a switch, b on the other.

The sides are symbols of their own, +1 or -1, so that one derivative serves every piece: on a switch the one-sided
gradients are its values for both sides. Two Max that switch together share a side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from adamsym.expressions.polynomials import bounded_polynomial

_MOST_OPERATIONS = 60
"""Operations of a switch that is factored: its sign is then the product of its factors' signs."""


class Pick(sp.Function):
    """Pick(side, a, b) is a where side > 0 and b where side < 0."""

    nargs = 3

    @classmethod
    def eval(cls, side: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr | None:
        """Return the piece if the side is known or makes no difference."""
        if side.is_Number:
            return first if side > 0 else second
        return first if first == second else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        side, first, second = self.args
        return Pick(side, sp.diff(first, symbol), sp.diff(second, symbol))


@dataclass
class Pieces:
    """An expression in ``Pick``; the side k is the sign of ``switches[k]``, which may hold sides before it."""

    expression: sp.Expr = sp.S.Zero
    sides: list[sp.Symbol] = field(default_factory=list)
    switches: list[sp.Expr] = field(default_factory=list)

    def side_of(self, switch: sp.Expr) -> sp.Expr:
        """Return the sign of an expression, by the sides of its irreducible factors if it is a small polynomial."""
        symbols = sorted(switch.free_symbols, key=sp.default_sort_key)
        small = not switch.has(Pick) and switch.count_ops() <= _MOST_OPERATIONS
        polynomial = bounded_polynomial(switch, symbols) if small and symbols else None
        if polynomial is None:
            if switch.is_Rational:
                return sp.sign(switch)
            return -self._side(-switch) if switch.could_extract_minus_sign() else self._side(switch)
        constant, factors = polynomial.factor_list()
        odd = [factor.as_expr() for factor, power in factors if power % 2]
        return sp.sign(constant) * sp.Mul(*(self.side_of_factor(factor) for factor in odd))

    def side_of_factor(self, factor: sp.Expr) -> sp.Expr:
        """Return the side of an irreducible factor; its sign is chosen once."""
        return -self._side(-factor) if factor.could_extract_minus_sign() else self._side(factor)

    def _side(self, switch: sp.Expr) -> sp.Symbol:
        if switch not in self.switches:
            self.switches.append(switch)
            self.sides.append(sp.Dummy(f"side{len(self.sides)}", real=True))
        return self.sides[self.switches.index(switch)]


def pieces_of(expression: sp.Expr) -> Pieces:
    """Return the expression with every Max, Min and Abs as ``Pick``."""
    found = Pieces()
    known: dict[sp.Expr, sp.Expr] = {}

    def visit(node: sp.Expr) -> sp.Expr:
        if node not in known:
            known[node] = rebuilt(node, [visit(argument) for argument in node.args])
        return known[node]

    def rebuilt(node: sp.Expr, arguments: list[sp.Expr]) -> sp.Expr:
        if isinstance(node, sp.Abs):
            return Pick(found.side_of(arguments[0]), arguments[0], -arguments[0])
        if not isinstance(node, (sp.Max, sp.Min)):
            return node if tuple(arguments) == node.args else node.func(*arguments)
        result, *others = sorted(arguments, key=sp.default_sort_key)
        for other in others:
            larger, smaller = (result, other) if isinstance(node, sp.Max) else (other, result)
            result = Pick(found.side_of(result - other), larger, smaller)
        return result

    found.expression = visit(expression) if expression.has(sp.Max, sp.Min, sp.Abs) else expression
    return found


def derivatives(expressions: Sequence[sp.Expr], symbol: sp.Symbol) -> list[sp.Expr]:
    """Return the derivatives of expressions in ``Pick``, with what multiplies a piece that is 0 drawn into it."""
    return [_gated(sp.diff(expression, symbol)) for expression in expressions]


def _gated(expression: sp.Expr) -> sp.Expr:
    """Write c Pick(side, a, 0) as Pick(side, c a, 0): where a piece is constant the derivative is 0, whatever c is."""
    known: dict[sp.Expr, sp.Expr] = {}

    def visit(node: sp.Expr) -> sp.Expr:
        if node not in known:
            arguments = tuple(map(visit, node.args))
            known[node] = _drawn_in(node if arguments == node.args else node.func(*arguments))
        return known[node]

    return visit(expression) if expression.has(Pick) else expression


def _drawn_in(node: sp.Expr) -> sp.Expr:
    if not node.is_Mul:
        return node
    gates = [factor for factor in node.args if isinstance(factor, Pick) and 0 in factor.args[1:]]
    if not gates:
        return node
    result: Any = sp.Mul(*(factor for factor in node.args if factor not in gates))
    for side, first, second in (gate.args for gate in gates):
        result = Pick(side, result * first, sp.S.Zero) if second == 0 else Pick(side, sp.S.Zero, result * second)
    return result
