"""How large derivatives become, estimated before they are formed: that of n factors has n products."""

from collections.abc import Collection, Sequence

import sympy as sp

from adamsym.expressions.errors import InputError

MOST_NODES = 500_000
"""Nodes of a first derivative in any parameter, ..."""

MOST_SECOND_NODES = 5_000_000
"""... and of a second one, that SymPy is asked for; ..."""

MOST_NODES_IN_ALL = 10**9
"""... and of all second derivatives together, if each were as large as the largest."""

FORMING = 100
"""Operations that a node of a derivative counts for: SymPy takes about a tenth of a millisecond to form it."""


def derivative_sizes(expression: sp.Expr, symbols: Collection[sp.Symbol]) -> tuple[int, int, int]:
    """Return about how many nodes an expression has, written out, and a first and a second derivative of it.

    The derivatives are those in whichever of the symbols makes them largest, before terms are collected.
    """
    known: dict[sp.Expr, tuple[int, int, int]] = {}
    wanted = set(symbols)

    def sizes(node: sp.Expr) -> tuple[int, int, int]:
        if node not in known:
            parts = [sizes(argument) for argument in node.args]
            size = 1 + sum(part[0] for part in parts)
            first, second = sum(part[1] for part in parts), sum(part[2] for part in parts)
            if node in wanted:
                first = 1
            elif first and node.is_Mul:
                count = sum(part[1] > 0 for part in parts)
                known[node] = size, first + count * size, second + 2 * count * first + count**2 * size
                return known[node]
            elif first and not node.is_Add:
                first, second = first + 2 * size, second + 4 * first + 4 * size
            known[node] = size, first, second
        return known[node]

    return sizes(expression)


def check_derivative_size(expression: sp.Expr, symbols: Collection[sp.Symbol], place: str, order: int = 1) -> None:
    """Raise InputError if an expression's derivative would be too large to be formed."""
    size = derivative_sizes(expression, symbols)[order]
    most = MOST_NODES if order == 1 else MOST_SECOND_NODES
    if size > most:
        which = "its derivatives" if order == 1 else "its second derivatives"
        raise InputError(f"{place}: {which} would have about {size:.1e} terms, more than {most:.0e}; write it shorter")


def first_derivatives(expression: sp.Expr, symbols: Sequence[sp.Symbol], place: str) -> tuple[sp.Expr, ...]:
    """Return the derivative in each symbol; InputError if they would be too large."""
    check_derivative_size(expression, symbols, place)
    return tuple(sp.diff(expression, symbol) for symbol in symbols)


def second_derivatives(
    expression: sp.Expr, gradient: Sequence[sp.Expr], symbols: Sequence[sp.Symbol], place: str
) -> tuple[sp.Expr, ...]:
    """Return the upper triangle of the Hessian, away from kinks, row by row; InputError if it would be too large."""
    check_derivative_size(expression, symbols, place, order=2)
    count = len(symbols) * (len(symbols) + 1) // 2
    if count * derivative_sizes(expression, symbols)[2] > MOST_NODES_IN_ALL:
        raise InputError(
            f"{place}: its {count} second derivatives would have more than {MOST_NODES_IN_ALL:.0e} terms; take fewer "
            "parameters"
        )
    return tuple(
        sp.diff(gradient[i], symbols[j]).replace(sp.DiracDelta, lambda *_: sp.S.Zero)
        for i in range(len(symbols))
        for j in range(i, len(symbols))
    )
