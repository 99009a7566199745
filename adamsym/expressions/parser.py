"""A whitelist grammar for expressions: text in, exact SymPy out, nothing evaluated as Python."""

import ast
import keyword
from collections.abc import Mapping

import sympy as sp

from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import FUNCTIONS


def check_name(name: object, place: str) -> str:
    """Return ``name`` if it may name a parameter or a data column, else raise InputError."""
    if (
        not isinstance(name, str)
        or not name.isidentifier()
        or not name.isascii()
        or len(name) > 40
        or name.startswith("_")
        or keyword.iskeyword(name)
        or name in FUNCTIONS
        or name == "pi"
    ):
        raise InputError(
            f"{place}: {str(name)[:40]!r} cannot be a name; allowed are letters, digits and _ after a letter"
        )
    return name


def parse_expression(text: str, symbols: Mapping[str, sp.Symbol], place: str) -> sp.Expr:
    """Return ``text`` as an exact SymPy expression in ``symbols``."""
    return _convert(ast.parse(text, mode="eval").body, symbols)


def _convert(node: ast.expr, symbols: Mapping[str, sp.Symbol]) -> sp.Expr:
    match node:
        case ast.BinOp(left, op, right):
            a, b = _convert(left, symbols), _convert(right, symbols)
            return {
                ast.Add: lambda: a + b,
                ast.Sub: lambda: a - b,
                ast.Mult: lambda: a * b,
                ast.Div: lambda: a / b,
                ast.Pow: lambda: a**b,
            }[type(op)]()
        case ast.UnaryOp(ast.USub(), operand):
            return -_convert(operand, symbols)
        case ast.Constant(value):
            return sp.Rational(str(value))
        case ast.Name(name):
            return sp.pi if name == "pi" else symbols[name]
        case ast.Call(ast.Name(name), arguments):
            return FUNCTIONS[name].symbolic(*(_convert(a, symbols) for a in arguments))
    raise InputError("unsupported")
