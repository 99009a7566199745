"""SymPy expressions to functions over float64 arrays, mpmath numbers and balls, with shared subexpressions."""

from collections.abc import Callable, Sequence
from typing import Any

import flint
import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.printing.pycode import PythonCodePrinter

from adamsym.expressions.functions import BALL_NAMESPACE, FLOAT_NAMESPACE, MPMATH_NAMESPACE, implementations
from adamsym.expressions.work import spend

FloatArray = NDArray[np.float64]


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
    given = statements is not None
    shared: Any = (lambda whole: (list(statements or ()), whole)) if given else True
    modules = [implementations("array", FLOAT_NAMESPACE), "scipy", "numpy"]
    raw = sp.lambdify(symbols, list(expressions), modules=modules, cse=shared, dummify=not given)

    def evaluate(*columns: FloatArray) -> FloatArray:
        shape = np.broadcast_shapes(*(np.shape(column) for column in columns))
        with np.errstate(all="ignore"):
            values = raw(*columns)
        result = np.empty((*shape, len(values)))
        for k, value in enumerate(values):
            result[..., k] = value
        return result

    return evaluate


def compile_mpmath(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Callable[..., list[Any]]:
    """Return a function of mpmath numbers that lists the values of ``expressions`` at mpmath's working precision."""
    modules = [implementations("precise", MPMATH_NAMESPACE), "mpmath"]
    raw = sp.lambdify(symbols, list(expressions), modules=modules, cse=True, dummify=True)

    def evaluate(*numbers: Any) -> list[Any]:
        return list(raw(*numbers))

    return evaluate


class _BallPrinter(PythonCodePrinter):
    """Prints exact rationals as quotients of balls and powers as powers of balls; floats never appear."""

    def _print_Integer(self, expr: sp.Integer) -> str:
        return f"arb({expr.p})"

    def _print_Rational(self, expr: sp.Rational) -> str:
        return f"(arb({expr.p})/arb({expr.q}))"

    _print_Half = _print_Rational
    _print_One = _print_Zero = _print_NegativeOne = _print_Integer

    def _print_Float(self, expr: sp.Float) -> str:
        return str(self._print(sp.Rational(expr)))

    def _print_Pi(self, expr: sp.Expr) -> str:
        return "arb.pi()"

    def _print_Exp1(self, expr: sp.Expr) -> str:
        return "exp(arb(1))"

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base = f"({self._print(expr.base)})"
        if expr.exp == sp.S.Half:
            return f"{base}.sqrt()"
        if expr.exp == -sp.S.Half:
            return f"{base}.rsqrt()"
        if expr.exp.is_Integer:
            power = f"integer_power({base}, {abs(int(expr.exp))})"
            return power if expr.exp > 0 else f"(1/{power})"
        return f"{base}**({self._print(expr.exp)})"

    def _print_Function(self, expr: sp.Expr) -> str:
        name = type(expr).__name__
        if name not in implementations("ball", BALL_NAMESPACE):
            raise NotImplementedError(f"{name} has no implementation in ball arithmetic")
        return f"{name}({', '.join(self._print(argument) for argument in expr.args)})"

    _print_Abs = _print_Max = _print_Min = _print_sign = _print_Heaviside = _print_log = _print_Function


def compile_ball(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Callable[..., list[flint.arb]]:
    """Return a function of ``flint.arb`` balls that lists enclosures of the values of ``expressions``.

    Every result holds the exact value for every point of the argument balls, at ``flint.ctx.prec`` bits. At a kink
    the derivative's ball holds all generalised derivatives. Outside the domain (log of a negative number) the ball is
    not finite.
    """
    printer = _BallPrinter({"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True})
    operations = len(symbols)

    def shared(whole: Sequence[sp.Expr]) -> tuple[list[tuple[sp.Symbol, sp.Expr]], list[sp.Expr]]:
        nonlocal operations
        parts, rest = sp.cse(whole, list=False)
        operations += sum(1 for one in (*(part for _, part in parts), *rest) for _ in sp.preorder_traversal(one))
        return parts, rest

    raw = sp.lambdify(
        symbols,
        list(expressions),
        modules=[implementations("ball", BALL_NAMESPACE) | {"arb": flint.arb}],
        printer=printer,
        cse=shared,
        dummify=True,
    )

    def evaluate(*balls: flint.arb) -> list[flint.arb]:
        spend(operations)
        return [flint.arb(value) for value in raw(*balls)]

    return evaluate
