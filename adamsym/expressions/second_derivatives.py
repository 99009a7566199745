"""Jacobians by the chain rule through shared subexpressions: operations grow like the number of entries."""

from collections.abc import Callable, Sequence

import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float

Statements = list[tuple[sp.Symbol, sp.Expr]]


def shared_jacobian(
    values: Sequence[sp.Expr], parameters: Sequence[sp.Symbol], symmetric: bool
) -> tuple[Statements, list[sp.Expr]]:
    """Return statements and, in their symbols, the derivatives of ``values`` row by row; or the upper triangle alone.

    Written out, each entry of a Hessian would hold the whole loss again: for d parameters that enter a sum, d^3
    operations in all.
    """
    shared, reduced = sp.cse(list(values), symbols=sp.numbered_symbols("shared", cls=sp.Dummy))
    statements: Statements = []
    slopes: dict[sp.Symbol, dict[sp.Symbol, sp.Expr]] = {p: {p: sp.S.One} for p in parameters}
    for symbol, value in shared:
        statements.append((symbol, value))
        slopes[symbol] = {}
        for parameter, slope in _slopes(value, slopes).items():
            if not slope.is_Atom:
                name = sp.Dummy("slope")
                statements.append((name, slope))
                slope = name
            slopes[symbol][parameter] = slope
    entries = []
    for i, value in enumerate(reduced):
        row = _slopes(value, slopes)
        entries += [row.get(parameter, sp.S.Zero) for parameter in parameters[i if symmetric else 0 :]]
    return statements, entries


def _slopes(value: sp.Expr, slopes: dict[sp.Symbol, dict[sp.Symbol, sp.Expr]]) -> dict[sp.Symbol, sp.Expr]:
    """The derivatives that are not 0, from those of the symbols in the value."""
    parts: dict[sp.Symbol, list[sp.Expr]] = {}
    for symbol in sorted(value.free_symbols & slopes.keys(), key=sp.default_sort_key):
        if not slopes[symbol]:
            continue
        outer = sp.diff(value, symbol)
        for parameter, slope in slopes[symbol].items():
            parts.setdefault(parameter, []).append(outer * slope)
    return {parameter: sp.Add(*terms) for parameter, terms in parts.items()}


def compile_jacobian(
    symbols: Sequence[sp.Symbol], values: Sequence[sp.Expr], parameters: Sequence[sp.Symbol], symmetric: bool
) -> Callable[..., FloatArray]:
    """Return a function of float64 arrays as ``compile_float``'s, of the entries of ``shared_jacobian``."""
    statements, entries = shared_jacobian(values, parameters, symmetric)
    # Safe names, all put in at once: lambdify's own dummies are put in one symbol after the other, d^3 operations.
    names = {symbol: sp.Symbol(f"argument{k:05d}", real=True) for k, symbol in enumerate(symbols)}
    renamed = [(symbol, value.xreplace(names)) for symbol, value in statements]
    return compile_float(list(names.values()), [entry.xreplace(names) for entry in entries], renamed)
