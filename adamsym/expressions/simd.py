"""SymPy expressions to machine code over many points side by side, one in each lane of a vector unit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numba
import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.printing.pycode import PythonCodePrinter

from adamsym.expressions.functions import implementations

_MOST_TERMS = 32
"""Longer sums are taken in parts, so that no statement is too long for LLVM to vectorise."""

_MOST_OPERANDS = 100
"""Memory operands of one loop; LLVM vectorises none with more than about 250."""

_SIGNATURE = numba.types.void(*[numba.types.CPointer(numba.types.float64)] * 4)


@dataclass(frozen=True)
class LaneFunction:
    """Machine code for ``lanes`` points at once: C functions of ``points, rows, values, scratch``, to call in turn.

    Entry j of lane l stands at ``j*lanes + l`` of each array of float64; ``scratch`` has ``scratch`` such entries.

    Attributes
    ----------
    addresses
        Where the functions are, each of four pointers; valid as long as this object.
    """

    addresses: NDArray[np.intp]
    lanes: int
    scratch: int
    _code: Any

    def check(self) -> None:
        """Raise what a call has raised: machine code raises nothing."""


UnlessKink = sp.Function("UnlessKink")
"""UnlessKink(value, switch, jump): nan where the switch is 0 and the jump of the gradient positive, else the value."""

SideOf = sp.Function("SideOf")
"""SideOf(switch): -1 where the switch is negative, else 1 (see :mod:`adamsym.expressions.pieces`)."""

UnlessOutside = sp.Function("UnlessOutside")
"""UnlessOutside(value, expression, k): the value; nan unless the expression is as ``RELATIONS[k]`` of the domain."""


class _Store(sp.Function):
    """Store(array, j, value): a statement as an expression, for lambdify writes expressions only."""


class _LanePrinter(PythonCodePrinter):
    """Prints symbols as entries of arrays, numbers as float64, and only functions of the table."""

    def __init__(self, places: dict[sp.Symbol, tuple[str, int]], lanes: int) -> None:
        super().__init__({"fully_qualified_modules": False})
        self._places = places
        self._lanes = lanes

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        # Names given by users never reach the generated code.
        array, entry = self._places[expr]
        return f"{array}[{entry * self._lanes} + lane]"

    _print_Dummy = _print_Symbol

    def _print__Store(self, expr: sp.Expr) -> str:
        array, entry, value = expr.args
        return f"store({array}, {int(entry) * self._lanes} + lane, {self._print(value)})"

    def _print_Rational(self, expr: sp.Rational) -> str:
        return repr(expr.p / expr.q)

    _print_Half = _print_Integer = _print_One = _print_Zero = _print_NegativeOne = _print_Rational

    def _print_NumberSymbol(self, expr: sp.Expr) -> str:
        return repr(float(expr))

    _print_Float = _print_Pi = _print_Exp1 = _print_NumberSymbol

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base = f"({self._print(expr.base)})"
        if abs(expr.exp) == sp.S.Half:
            return f"sqrt{base}" if expr.exp > 0 else f"(1.0/sqrt{base})"
        if expr.exp.is_Integer and abs(expr.exp) < 2**15:
            # Whole exponents become products.
            return f"{base}**{expr.exp}" if expr.exp > 0 else f"(1.0/{base}**{-expr.exp})"
        return f"{base}**({self._print(expr.exp)})"

    def _print_Function(self, expr: sp.Expr) -> str:
        name = type(expr).__name__
        if name not in implementations("scalar", _SCALARS):
            raise NotImplementedError(f"{name} has no compiled implementation")
        return f"{name}({', '.join(self._print(argument) for argument in expr.args)})"

    _print_Abs = _print_Max = _print_Min = _print_sign = _print_Heaviside = _print_log = _print_Function


def compile_lanes(
    points: Sequence[sp.Symbol], rows: Sequence[sp.Symbol], expressions: Sequence[sp.Expr], lanes: int
) -> LaneFunction:
    """Compile ``expressions`` in the entries of points and data rows for ``lanes`` points at once.

    IEEE arithmetic in the order written: values do not depend on the number of lanes. Out of range they are inf or nan.
    What was compiled lately is not compiled again.
    """
    functions = tuple(implementations("scalar", _SCALARS).items())
    return _compiled_lanes(tuple(points), tuple(rows), tuple(expressions), lanes, functions)


@lru_cache(maxsize=64)
def _compiled_lanes(
    points: tuple[sp.Symbol, ...],
    rows: tuple[sp.Symbol, ...],
    expressions: tuple[sp.Expr, ...],
    lanes: int,
    functions: tuple[tuple[str, Any], ...],
) -> LaneFunction:
    named = {"store": _compiled(_store), **{name: _compiled(function) for name, function in functions}}
    shared, values = _in_parts(*sp.cse(list(expressions)))
    places = {symbol: ("points", k) for k, symbol in enumerate(points)}
    places |= {symbol: ("rows", k) for k, symbol in enumerate(rows)}
    places |= {symbol: ("scratch", k) for k, (symbol, _) in enumerate(shared)}
    statements = [_Store(sp.Symbol("scratch"), k, value) for k, (_, value) in enumerate(shared)]
    statements += [_Store(sp.Symbol("values"), k, value) for k, value in enumerate(values)]
    printer = _LanePrinter(places, lanes)
    code = [_loop(group, printer, lanes, named) for group in _groups(statements)]
    return LaneFunction(np.array([part.address for part in code], np.intp), lanes, len(shared), code)


def _in_parts(
    shared: Sequence[tuple[sp.Symbol, sp.Expr]], values: Sequence[sp.Expr]
) -> tuple[list[tuple[sp.Symbol, sp.Expr]], list[sp.Expr]]:
    """Give the parts of long sums names of their own, before the statements that use them."""
    statements: list[tuple[sp.Symbol, sp.Expr]] = []

    def shortened(expression: sp.Expr) -> sp.Expr:
        return expression.replace(lambda e: e.is_Add and len(e.args) > _MOST_TERMS, parts)

    def parts(whole: sp.Expr) -> sp.Expr:
        terms = whole.args
        names = [sp.Dummy() for _ in range(0, len(terms), _MOST_TERMS)]
        for k, name in enumerate(names):
            statements.append((name, sp.Add(*terms[k * _MOST_TERMS : (k + 1) * _MOST_TERMS])))
        return sp.Add(*names)

    for symbol, value in shared:
        short = shortened(value)
        statements.append((symbol, short))
    return statements, [shortened(value) for value in values]


def _groups(statements: Sequence[sp.Expr]) -> list[list[sp.Expr]]:
    groups: list[list[sp.Expr]] = [[]]
    operands = 0
    for statement in statements:
        size = 1 + len(statement.free_symbols)
        if groups[-1] and operands + size > _MOST_OPERANDS:
            groups.append([])
            operands = 0
        groups[-1].append(statement)
        operands += size
    return groups


def _store(array: Any, place: int, value: float) -> int:
    array[place] = value
    return 0


def _scalar_sigmoid(z: float) -> float:
    e = math.exp(-abs(z))
    return (1.0 if z >= 0 else e) / (1.0 + e)


def _scalar_softplus(z: float) -> float:
    return math.log1p(math.exp(-abs(z))) + (z if z > 0 else 0.0)


def _scalar_logsumexp(first: float, *others: float) -> float:
    largest = first
    for z in others:
        largest = z if z > largest else largest
    total = math.exp(first - largest)
    for z in others:
        total += math.exp(z - largest)
    return largest + math.log(total)


def _scalar_abs(z: float) -> float:
    return math.fabs(z)


def _scalar_sign(z: float) -> float:
    return 1.0 if z > 0 else -1.0 if z < 0 else z


def _scalar_heaviside(z: float, at_zero: float) -> float:
    return (1.0 if z > 0 else 0.0) if z != 0 else at_zero


def _scalar_max(first: float, *others: float) -> float:
    result = first
    for z in others:
        # As NumPy's: nan wins.
        result = result if result >= z or result != result else z
    return result


def _scalar_min(first: float, *others: float) -> float:
    result = first
    for z in others:
        result = result if result <= z or result != result else z
    return result


def _scalar_unless_kink(value: float, switch: float, jump: float) -> float:
    return math.nan if switch == 0 and not jump <= 0 else value


def _scalar_side_of(switch: float) -> float:
    return 1.0 if switch >= 0 else -1.0


def _scalar_pick(side: float, first: float, second: float) -> float:
    return first if side > 0 else second


def _scalar_unless_outside(value: float, number: float, relation: float) -> float:
    inside = number > 0 or (relation == 1 and number == 0) or (relation == 2 and number < 0)
    return value if inside else math.nan


_SCALARS: dict[str, Callable[..., float]] = {
    **{
        name: getattr(math, name)
        for name in ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "sinh", "cosh", "atan", "erf")
    },
    "sigmoid": _scalar_sigmoid,
    "softplus": _scalar_softplus,
    "logsumexp": _scalar_logsumexp,
    "Abs": _scalar_abs,
    "Max": _scalar_max,
    "Min": _scalar_min,
    "sign": _scalar_sign,
    "Heaviside": _scalar_heaviside,
    "UnlessKink": _scalar_unless_kink,
    "SideOf": _scalar_side_of,
    "Pick": _scalar_pick,
    "UnlessOutside": _scalar_unless_outside,
}
"""Functions of one number, which Numba compiles."""

_jit = numba.njit(error_model="numpy")


@cache
def _compiled(function: Any) -> Any:
    return function if function.__module__ == "math" else _jit(function)


def _loop(statements: Sequence[sp.Expr], printer: _LanePrinter, lanes: int, names: dict[str, Any]) -> Any:
    """Compile one loop over the lanes that carries out the statements, as a C function."""
    arguments = sp.symbols("points rows values scratch lane")
    raw = sp.lambdify(arguments, sp.Add(*statements, evaluate=False), modules=[names], printer=printer)
    # In the loop before types are inferred: the body is not compiled for itself as well.
    body = numba.njit(inline="always", error_model="numpy")(raw)

    def loop(points: Any, rows: Any, values: Any, scratch: Any) -> None:
        for lane in range(lanes):
            body(points, rows, values, scratch, lane)

    return numba.cfunc(_SIGNATURE, error_model="numpy")(loop)
