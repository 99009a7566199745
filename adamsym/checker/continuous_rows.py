"""The laws of gradients that are affine in independent continuous columns, over a box, in intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.continuous_law import ContinuousLaw
from adamsym.checker.coordinate_law import Law
from adamsym.checker.pieces import pieces_of
from adamsym.checker.values import value_of, values_of
from adamsym.expressions.work import spend
from adamsym.gradients import Independent, SymbolicGradient


@dataclass(frozen=True)
class Affine:
    """A coordinate start + sum of factors times Z, Z standard of the ``kind``; None of a coordinate without data."""

    kind: str | None
    start: sp.Expr
    factors: tuple[sp.Expr, ...]


@lru_cache(maxsize=8)
def affine_gradient(problem: SymbolicGradient) -> list[Affine]:
    """Return the affine form of every coordinate of the gradient, proven by expanding the difference.

    Raises
    ------
    NotCheckable
        If it has none of those that the checker knows.
    """
    assert isinstance(problem.law, Independent)
    columns = set(problem.columns)
    if pieces_of(problem) is not None or any(
        condition.expression.free_symbols & columns for condition in problem.domain
    ):
        raise NotCheckable("continuous data need a loss without kinks, and without conditions on the data to be real")
    return [_affine(problem, entry) for entry in problem.gradient_expressions]


def _affine(problem: SymbolicGradient, entry: sp.Expr) -> Affine:
    assert isinstance(problem.law, Independent)
    laws = {
        symbol: column
        for symbol, column in zip(problem.columns, problem.law.columns, strict=True)
        if symbol in entry.free_symbols
    }
    kinds = {column.distribution for column in laws.values()}
    known = not kinds or kinds == {"Normal"}
    if not known and not (len(laws) == 1 and problem.batch_size == 1 and kinds <= {"Uniform", "Exponential"}):
        raise NotCheckable("the gradient's law is none of those with bounds here")
    at_zero = dict.fromkeys(laws, sp.Integer(0))
    constant = entry.xreplace(at_zero)
    slopes = {symbol: sp.expand(entry.xreplace(at_zero | {symbol: sp.Integer(1)}) - constant) for symbol in laws}
    rest = entry - constant - sp.Add(*(symbol * slope for symbol, slope in slopes.items()))
    if sp.expand(rest) != 0:
        raise NotCheckable("the gradient is not affine in the data")
    start, factors = constant, []
    for symbol, column in laws.items():
        if column.distribution == "Exponential":
            middle, scale = Fraction(0), 1 / column.parameters[0]
        elif column.distribution == "Normal":
            middle, scale = column.parameters
        else:
            low, high = column.parameters
            middle, scale = (low + high) / 2, (high - low) / 2
        start += slopes[symbol] * _rational(middle)
        factors.append(slopes[symbol] * _rational(scale))
    return Affine(next(iter(kinds), None), start, tuple(factors))


def _rational(value: Fraction) -> sp.Rational:
    return sp.Rational(value.numerator, value.denominator)


def require_domain(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval]) -> None:
    """Raise NotCheckable unless the loss as written is proved real and finite over a box."""
    values = dict(zip(problem.parameters, theta, strict=True))
    for condition in problem.domain:
        value = value_of(using, condition.expression, values)
        if not condition.proved(using.lower(value), using.upper(value)):
            raise NotCheckable(f"{problem.place}: not proved real and finite: {condition}")


def continuous_laws(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval], slopes: bool) -> list[Law]:
    """Return the law of each coordinate of the minibatch gradient over a box."""
    coordinates = affine_gradient(problem)
    require_domain(using, problem, theta)
    at, d = dict(zip(problem.parameters, theta, strict=True)), problem.dimension
    found: list[Law] = []
    for one in coordinates:
        parts = [one.start, *one.factors]
        spend(20 * len(parts) * (1 + (d if slopes else 0)))
        start, *factors = values_of(using, parts, at)
        moved = [values_of(using, _derivatives(part, problem.parameters), at) if slopes else [] for part in parts]
        if not all(using.is_bounded(x) for x in (start, *factors)):
            raise NotCheckable("the gradient is not bounded over the box")
        found.append(_law(using, problem.batch_size, one.kind, [start, *factors], moved))
    return found


@lru_cache(maxsize=256)
def _derivatives(expression: sp.Expr, parameters: tuple[sp.Symbol, ...]) -> list[sp.Expr]:
    return [sp.diff(expression, parameter) for parameter in parameters]


def _law(using: Arithmetic, batch: int, kind: str | None, parts: list[Interval], moved: list[list[Interval]]) -> Law:
    start, *factors = parts
    of_start, *of_factors = moved
    if kind is None:
        return Law(using, [start], [using.number(1)], [[x] for x in of_start])
    if len(factors) == 1 and batch == 1:
        return ContinuousLaw(using, kind, start, factors[0], list(zip(of_start, of_factors[0], strict=True)))
    # The mean of normal variables is normal: q^2 is the sum of their squared factors over the batch.
    root = using.root(using.number(batch))
    q = using.root(using.total(using.square(x) for x in factors)) / root
    derivatives = []
    for j, dp in enumerate(of_start):
        column = [row[j] for row in of_factors]
        # The correlation of Z_k with the whole is f_k/|f|: by Cauchy-Schwarz the sum is at most |f'|.
        bound = using.around_zero(using.root(using.total(using.square(x) for x in column)) / root)
        along = bound
        if q > 0:
            along = using.overlap(bound, using.dot(factors, column) / (q * using.number(batch)))
        derivatives.append((dp, along))
    return ContinuousLaw(using, kind, start, q, derivatives)
