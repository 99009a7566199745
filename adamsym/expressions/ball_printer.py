"""Expressions as Python text in ball arithmetic."""

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from adamsym.expressions.ball_functions import BALL_NAMESPACE
from adamsym.expressions.functions import implementations


class BallPrinter(PythonCodePrinter):
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
