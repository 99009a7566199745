"""SymPy expressions to functions over float64 arrays, mpmath numbers and balls, with shared subexpressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.work import spend

if TYPE_CHECKING:
    # What only takes arrays from here need not wait for SymPy.
    import flint
    import sympy as sp

FloatArray = NDArray[np.float64]

_SETTINGS: dict[str, Any] = {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}
"""Of SymPy's printers, as its own ``lambdify`` has them."""


def compile_float(
    symbols: Sequence[sp.Symbol],
    expressions: Sequence[sp.Expr],
    statements: Sequence[tuple[sp.Symbol, sp.Expr]] | None = None,
) -> Callable[..., FloatArray]:
    """Return a function of float64 arrays, one per symbol, that stacks the values of ``expressions`` on the last axis.

    The arrays broadcast against each other. Values out of range come back as inf or nan, without warnings. Shared
    subexpressions are found, unless they are given as ``statements``: symbols of the expressions with their values;
    then the names of all symbols must be safe in Python.
    """
    import sympy as sp
    from sympy.printing.numpy import SciPyPrinter

    from adamsym.expressions.functions import FLOAT_NAMESPACE, implementations

    given = statements is not None
    shared: Any = (lambda whole: (list(statements or ()), whole)) if given else True
    own = implementations("array", FLOAT_NAMESPACE)
    # Of SciPy, which takes long to import, only what the printed text names.
    printer = SciPyPrinter(_SETTINGS | {"user_functions": {name: name for name in own}})
    raw = sp.lambdify(
        symbols, list(expressions), modules=[own, "numpy"], printer=printer, cse=shared, dummify=not given
    )

    def evaluate(*columns: FloatArray) -> FloatArray:
        shape = np.broadcast_shapes(*(np.shape(column) for column in columns))
        with np.errstate(all="ignore"):
            try:
                values = raw(*columns)
            except OverflowError:
                # A number in them is beyond all floats, and Python's own integers know no inf.
                values = [np.nan] * len(expressions)
        result = np.empty((*shape, len(values)))
        for k, value in enumerate(values):
            result[..., k] = value
        return result

    return evaluate


def compile_mpmath(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Callable[..., list[Any]]:
    """Return a function of mpmath numbers that lists the values of ``expressions`` at mpmath's working precision."""
    from adamsym.expressions.functions import MPMATH_NAMESPACE, implementations
    from adamsym.expressions.statements import compile_statements

    return compile_statements(symbols, expressions, implementations("precise", MPMATH_NAMESPACE), _SETTINGS)


def _renamed(
    printer: type[Any],
    symbols: Sequence[sp.Symbol],
    expressions: Sequence[sp.Expr],
    modules: list[Any],
    shared: Any,
) -> Callable[..., Any]:
    """Compile expressions with safe names for their symbols.

    The names are the printer's. SymPy's own way is to put other symbols in their place, by which every function in the
    expressions is evaluated anew: that takes longer than all the rest.
    """
    import sympy as sp

    names = {symbol: f"_{k}" for k, symbol in enumerate(symbols)}

    class Renaming(printer):
        def _print_Symbol(self, expr: sp.Symbol) -> str:
            return names[expr] if expr in names else str(super()._print_Symbol(expr))

        _print_Dummy = _print_Symbol

    settings = _SETTINGS | {"user_functions": {name: name for name in modules[0]}}
    arguments = list(map(sp.Symbol, names.values()))
    # The printed text has these names, and nothing stands for others.
    return cast(
        "Callable[..., Any]",
        sp.lambdify(arguments, list(expressions), modules=modules, printer=Renaming(settings), cse=shared),
    )


def compile_ball(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Callable[..., list[flint.arb]]:
    """Return a function of ``flint.arb`` balls that lists enclosures of the values of ``expressions``.

    Every result holds the exact value for every point of the argument balls, at ``flint.ctx.prec`` bits. At a kink
    the derivative's ball holds all generalised derivatives. Outside the domain (log of a negative number) the ball is
    not finite.
    """
    import flint
    import sympy as sp

    from adamsym.expressions.ball_functions import BALL_NAMESPACE
    from adamsym.expressions.ball_printer import BallPrinter
    from adamsym.expressions.functions import implementations

    operations = len(symbols)

    def shared(whole: Sequence[sp.Expr]) -> tuple[list[tuple[sp.Symbol, sp.Expr]], list[sp.Expr]]:
        nonlocal operations
        parts, rest = sp.cse(whole, list=False)
        operations += sum(1 for one in (*(part for _, part in parts), *rest) for _ in sp.preorder_traversal(one))
        return parts, rest

    modules = [implementations("ball", BALL_NAMESPACE) | {"arb": flint.arb}]
    raw = _renamed(BallPrinter, symbols, expressions, modules, shared)

    def evaluate(*balls: flint.arb) -> list[flint.arb]:
        spend(operations)
        return [flint.arb(value) for value in raw(*balls)]

    return evaluate
