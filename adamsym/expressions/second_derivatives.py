"""Jacobians by the chain rule through shared subexpressions: operations grow like the number of entries."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_float

MANY = 20
"""Parameters from which on expressions of all entries take longer to write than numbers take to be multiplied."""

_FEW_TERMS = 4
"""Sums up to here may stand in several derivatives."""

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
    if len(parameters) >= MANY:
        return _Forward(symbols, values, parameters, symmetric)
    statements, entries = shared_jacobian(values, parameters, symmetric)
    return _compiled(symbols, entries, statements)


def _compiled(
    symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr], statements: Statements
) -> Callable[..., FloatArray]:
    # Safe names, all put in at once: lambdify's own dummies are put in one symbol after the other, d^3 operations.
    names = {symbol: sp.Symbol(f"argument{k:05d}", real=True) for k, symbol in enumerate(symbols)}
    renamed = [(symbol, value.xreplace(names)) for symbol, value in statements]
    return compile_float(list(names.values()), [one.xreplace(names) for one in expressions], renamed)


Places = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


@dataclass(frozen=True)
class _Row:
    """How the derivatives of one value are made from those of what stands in it.

    ``columns`` are the parameters, by number, of which it depends. Partial derivatives by parameters are added at
    places among these, as pairs (places, numbers of partials); those by shared values, as triples (the value's number,
    the partial's number, places), times the derivatives of these.
    """

    columns: Places
    direct: tuple[Places, Places]
    through: tuple[tuple[int, int, Places], ...]


class _Forward:
    """The Jacobian by one pass of derivatives along the shared values: partial derivatives alone are expressions."""

    def __init__(
        self, symbols: Sequence[sp.Symbol], values: Sequence[sp.Expr], parameters: Sequence[sp.Symbol], symmetric: bool
    ) -> None:
        shared, reduced = _with_sums_apart(values)
        self.numbers = {parameter: k for k, parameter in enumerate(parameters)}
        self.shared, self.symmetric = {symbol: k for k, (symbol, _) in enumerate(shared)}, symmetric
        self.rows: list[_Row] = []
        partials: list[sp.Expr] = []
        known = self.numbers.keys() | self.shared.keys()
        for value in (*(value for _, value in shared), *reduced):
            own = _partials(value, known)
            self.rows.append(self._row(list(own), len(partials)))
            partials += own.values()
        d = len(parameters)
        self.width = d * (d + 1) // 2 if symmetric else d * len(reduced)
        self.partials = _compiled(symbols, partials, shared)

    def _row(self, by: list[sp.Symbol], first: int) -> _Row:
        direct = [(self.numbers[symbol], first + k) for k, symbol in enumerate(by) if symbol in self.numbers]
        others = [(self.shared[symbol], first + k) for k, symbol in enumerate(by) if symbol in self.shared]
        whole = [np.array([place for place, _ in direct], dtype=np.intp), *(self.rows[k].columns for k, _ in others)]
        columns = np.unique(np.concatenate(whole))
        through = tuple((k, j, np.searchsorted(columns, self.rows[k].columns)) for k, j in others)
        places = np.searchsorted(columns, whole[0])
        return _Row(columns, (places, np.array([j for _, j in direct], dtype=np.intp)), through)

    def __call__(self, *columns: FloatArray) -> FloatArray:
        partials = self.partials(*columns)
        slopes: list[FloatArray] = []
        with np.errstate(all="ignore"):
            for row in self.rows:
                own = np.zeros((*partials.shape[:-1], len(row.columns)))
                own[..., row.direct[0]] = partials[..., row.direct[1]]
                for shared, partial, places in row.through:
                    own[..., places] += partials[..., partial, None] * slopes[shared]
                slopes.append(own)
        found = np.zeros((*partials.shape[:-1], self.width))
        for places, kept, own in self._entries(slopes):
            found[..., places] = own[..., kept]
        return found

    def _entries(self, slopes: list[FloatArray]) -> Iterator[tuple[Any, Any, FloatArray]]:
        """Where the derivatives of each value stand, which of them, and all of them."""
        begin, d = 0, len(self.numbers)
        for i, (row, own) in enumerate(zip(self.rows[len(self.shared) :], slopes[len(self.shared) :], strict=True)):
            first = i if self.symmetric else 0
            kept = row.columns >= first
            yield begin + row.columns[kept] - first, kept, own
            begin += d - first


def _with_sums_apart(values: Sequence[sp.Expr]) -> tuple[Statements, list[sp.Expr]]:
    """Shared subexpressions and what is left of the values; long sums are among the former, though they stand once.

    Else each partial derivative of a function of a long sum would hold all of it.
    """
    shared, reduced = sp.cse(list(values), symbols=sp.numbered_symbols("shared", cls=sp.Dummy))
    statements: Statements = []
    sums: dict[sp.Expr, sp.Symbol] = {}

    def apart(value: sp.Expr) -> sp.Expr:
        # Read backwards, what stands inside comes first.
        for part in reversed(list(sp.preorder_traversal(value))):
            if part.is_Add and len(part.args) > _FEW_TERMS and part not in sums:
                name = sp.Dummy("sum")
                statements.append((name, part.xreplace(sums)))
                sums[part] = name
        return value.xreplace(sums)

    for symbol, value in shared:
        statements.append((symbol, apart(value)))
    return statements, [apart(value) for value in reduced]


def _partials(value: sp.Expr, known: AbstractSet[sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    """The partial derivatives by the known symbols; of a sum, by those that stand in each term."""
    terms: dict[sp.Symbol, list[sp.Expr]] = {}
    for term in sp.Add.make_args(value):
        for symbol in sorted(term.free_symbols & known, key=sp.default_sort_key):
            terms.setdefault(symbol, []).append(sp.diff(term, symbol))
    return {symbol: sp.Add(*found) for symbol, found in terms.items()}
