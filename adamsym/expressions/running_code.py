"""SymPy expressions as functions of values with running error bounds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from adamsym.expressions.functions import implementations
from adamsym.expressions.running import NAMESPACE, Running, stacked


class _Printer(PythonCodePrinter):
    """Prints constants with their rounding, and only functions of the table."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False})

    def _print_Rational(self, expr: sp.Rational) -> str:
        return f"rational('{expr.p}/{expr.q}')"

    _print_Half = _print_Integer = _print_One = _print_Zero = _print_NegativeOne = _print_Rational

    def _print_Float(self, expr: sp.Float) -> str:
        return self._print_Rational(sp.Rational(expr))

    def _print_NumberSymbol(self, expr: sp.Expr) -> str:
        return f"named('{expr}')"

    _print_Pi = _print_Exp1 = _print_NumberSymbol

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base = f"({self._print(expr.base)})"
        if abs(expr.exp) == sp.S.Half:
            return f"sqrt{base}" if expr.exp > 0 else f"(1.0/sqrt{base})"
        if expr.exp.is_Integer:
            power = base if abs(expr.exp) == 1 else f"integer_power({base}, {abs(int(expr.exp))})"
            return power if expr.exp > 0 else f"(1.0/{power})"
        return f"{base}**({self._print(expr.exp)})"

    def _print_Function(self, expr: sp.Expr) -> str:
        name = type(expr).__name__
        return f"{name}({', '.join(self._print(argument) for argument in expr.args)})"

    _print_Abs = _print_Max = _print_Min = _print_sign = _print_Heaviside = _print_log = _print_Function


def compile_running(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Callable[..., Running]:
    """Return a function of :class:`Running` operands, one per symbol, that stacks the expressions on the last axis.

    Its error bounds what separates its value from the exact value at any operands within theirs.

    Raises
    ------
    NotImplementedError
        If an expression holds a function that is not in the grammar.
    """
    raw = operations(symbols, expressions, implementations("rounded", NAMESPACE))
    return lambda *columns: stacked(raw, columns)


def operations(
    symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr], namespace: Mapping[str, Callable[..., Any]]
) -> Callable[..., list[Any]]:
    """Return a function that carries out sums, products, powers, and the functions of a namespace, on any operands.

    Raises
    ------
    NotImplementedError
        If an expression holds a function that is not in the namespace.
    """
    for part in set().union(*(sp.preorder_traversal(expression) for expression in expressions)):
        known = part.is_Number or isinstance(part, (sp.Symbol, sp.Add, sp.Mul, sp.Pow, sp.NumberSymbol))
        if not known and type(part).__name__ not in namespace:
            raise NotImplementedError(f"{type(part).__name__} has no running error bound")
    raw = sp.lambdify(symbols, list(expressions), modules=[dict(namespace)], printer=_Printer(), cse=True, dummify=True)
    return lambda *operands: list(raw(*operands))
