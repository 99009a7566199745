"""SymPy expressions to Python functions of mpmath numbers, each distinct subexpression a statement of its own.

SymPy's own way first puts letters in place of shared subexpressions: by that it evaluates all around them anew, which
for long sums takes longer than all the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import sympy as sp
from sympy.printing.pycode import MpmathPrinter

_FEW = 3
"""Terms of a sum that are written with plus signs; more are summed by ``fsum``, which rounds once."""

_MOST_FACTORS = 50


class _Statements(MpmathPrinter):
    """Prints expressions as names, and keeps the statements that give these names their values."""

    def __init__(self, names: Mapping[sp.Basic, str], settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self.statements: dict[str, str] = {}
        self._letters, self._names = names, dict[Any, str]()
        self._inside = False

    def doprint(self, expr: Any, assign_to: Any = None) -> str:
        """Return text as it is, and the name of a symbol."""
        return str(expr)

    def _print(self, expr: Any, **arguments: Any) -> str:
        if expr in self._letters:
            return self._letters[expr]
        if self._inside:
            return str(super()._print(expr, **arguments))
        if isinstance(expr, sp.Integer):
            return str(expr)
        if not _is_plain(expr):
            return self._whole(expr)
        if expr not in self._names:
            text = super()._print(expr, **arguments)
            self._names[expr] = f"x{len(self.statements)}"
            self.statements[self._names[expr]] = text
        return self._names[expr]

    def _whole(self, expr: Any) -> str:
        """Text in which letters may be bound, or cases not looked at: no part of it is a statement of its own."""
        self._inside = True
        text = super()._print(expr)
        self._inside = False
        return f"({text})"

    def _print_Add(self, expr: sp.Expr, order: Any = None) -> str:
        terms = [f"({self._print(term)})" for term in expr.args]
        return " + ".join(terms) if len(terms) <= _FEW else f"fsum([{', '.join(terms)}])"

    def _print_Mul(self, expr: sp.Expr) -> str:
        factors = [f"({self._print(factor)})" for factor in expr.args]
        return "*".join(factors) if len(factors) <= _MOST_FACTORS else f"fprod([{', '.join(factors)}])"

    def _print_Pow(self, expr: sp.Expr, rational: bool = False) -> str:
        base = self._print(expr.base)
        if expr.exp in (sp.S.Half, -sp.S.Half):
            return f"sqrt({base})" if expr.exp.is_positive else f"1/sqrt({base})"
        # A negative power of an integer would be a float.
        base = f"mpf({base})" if isinstance(expr.base, sp.Integer) else f"({base})"
        return f"{base}**({self._print(expr.exp)})"


def _is_plain(expr: Any) -> bool:
    """Whether an expression is evaluated as it stands, with no bound letters and no cases."""
    return isinstance(expr, sp.Add | sp.Mul | sp.Pow | sp.Number) or (
        isinstance(expr, sp.Function) and not isinstance(expr, sp.Piecewise)
    )


def compile_statements(
    symbols: Sequence[sp.Symbol],
    expressions: Sequence[sp.Expr],
    own: Mapping[str, Callable[..., Any]],
    settings: Mapping[str, Any],
) -> Callable[..., list[Any]]:
    """Return a function of mpmath numbers that lists the values of ``expressions`` at mpmath's working precision.

    Parameters
    ----------
    own
        Functions by name that come before mpmath's.
    settings
        Of SymPy's printer.
    """
    names = {symbol: f"_{k}" for k, symbol in enumerate(symbols)}
    printer = _Statements(names, {**settings, "user_functions": {name: name for name in own}})
    results = [printer._print(sp.sympify(expression)) for expression in expressions]
    statements = [(sp.Symbol(name), text) for name, text in printer.statements.items()]
    # The text is there; SymPy makes a function of it, and knows the names of mpmath.
    return cast(
        "Callable[..., list[Any]]",
        sp.lambdify(
            [sp.Symbol(name) for name in names.values()],
            results,
            modules=[dict(own), "mpmath"],
            printer=printer,
            use_imps=False,
            cse=lambda texts: (statements, texts),
        ),
    )
