"""Gradients that are affine in independent continuous columns: their coordinates' laws over boxes, in balls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import flint
import sympy as sp

from adamsym.expressions.compilation import compile_ball
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import square
from adamsym.field.ball.continuous_law import ContinuousLaw
from adamsym.field.ball.law import BallLaw, EnclosedLaw
from adamsym.field.ball.standard_laws import STANDARD_LAWS
from adamsym.gradients import Independent, SymbolicGradient
from adamsym.gradients.continuous import Column

Balls = Callable[..., list[flint.arb]]

ALLOWED = (
    "proofs for continuous laws need gradients that are affine in Normal columns, or, with batch size 1, in one "
    "Uniform or Exponential column, and a loss whose conditions to be real hold no columns"
)


@dataclass(frozen=True)
class _Affine:
    """A coordinate p + sum of q_k Z_k, Z_k independent of the standard law ``name``; "" without any."""

    name: str
    p: sp.Expr
    q: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class ContinuousGradients:
    """The coordinates of a gradient, each affine in standard variables, with compiled coefficients."""

    problem: SymbolicGradient
    coordinates: tuple[_Affine, ...]
    values: Balls
    derivatives: Balls
    conditions: Balls

    @property
    def coefficients(self) -> list[sp.Expr]:
        """The p and q of all coordinates: all are 0 where the gradient is."""
        return [x for one in self.coordinates for x in (one.p, *one.q)]

    def require_domain(self, theta: Sequence[flint.arb]) -> None:
        """Prove that the loss is real over the balls ``theta``, or raise DomainError."""
        problem = self.problem
        for condition, value in zip(problem.domain, self.conditions(*theta), strict=True):
            if not (value.is_finite() and condition.proved(value.lower(), value.upper())):
                raise DomainError(f"{problem.place}: not proved real and finite over the box, where {condition}")

    def laws(self, theta: Sequence[flint.arb], slopes: bool) -> list[EnclosedLaw]:
        """Return the law of each coordinate over the balls ``theta``.

        Raises
        ------
        DomainError
            If the loss is not proved real over the balls.
        InputError
            If the gradient is not bounded there.
        """
        problem, d = self.problem, len(theta)
        self.require_domain(theta)
        spend(20 * len(self.coordinates) * (1 + (d if slopes else 0)))
        values = iter(self.values(*theta))
        derivatives = iter(self.derivatives(*theta) if slopes else [])
        found: list[EnclosedLaw] = []
        for name, affine in zip(problem.names, self.coordinates, strict=True):
            coefficients = [next(values) for _ in (affine.p, *affine.q)]
            if not all(x.is_finite() for x in coefficients):
                raise InputError(f"{problem.place}: {problem.component} in {name} is not bounded over the box")
            moved = [[next(derivatives) for _ in range(d)] for _ in coefficients] if slopes else []
            found.append(_law(affine.name, coefficients, moved))
        return found


def _law(name: str, coefficients: list[flint.arb], derivatives: list[list[flint.arb]]) -> EnclosedLaw:
    """The law of p + sum q_k Z_k, from (p, q_1, ...) and the derivatives of each in every parameter."""
    p, *q = coefficients
    if not q:
        return BallLaw([p], [flint.arb(1)], [[x] for x in derivatives[0]] if derivatives else [])
    if len(q) == 1:
        return ContinuousLaw(STANDARD_LAWS[name], p, q[0], list(zip(*derivatives, strict=True)))
    # A sum of normal variables is one again, with q = (sum q_k^2)^(1/2); E[Z_k|g] = (q_k/q) Z, |q_k/q| <= 1.
    size = sum((square(x) for x in q), flint.arb(0)).sqrt()
    slopes = []
    for dp, *dq in zip(*derivatives, strict=True):
        longest = sum((square(x) for x in dq), flint.arb(0)).upper().sqrt().upper()
        along = sum((x * y for x, y in zip(q, dq, strict=True)), flint.arb(0)) / size
        bound = flint.arb(0, longest)
        slopes.append((dp, along.intersection(bound) if along.is_finite() else bound))
    return ContinuousLaw(STANDARD_LAWS[name], p, size, slopes)


@lru_cache(maxsize=8)
def continuous_gradients(problem: SymbolicGradient) -> ContinuousGradients:
    """Return the affine form of a problem's gradient.

    Raises
    ------
    NotApplicable
        If it has none of the kinds that have a closed form.
    """
    assert isinstance(problem.law, Independent)
    columns = set(problem.columns)
    if not problem.is_smooth:
        raise NotApplicable(f"{problem.place}: proofs for continuous laws need expressions without Abs, Max or Min")
    if any(condition.expression.free_symbols & columns for condition in problem.domain):
        raise NotApplicable(f"data: {ALLOWED}")
    coordinates = tuple(_affine(problem, gradient) for gradient in problem.gradient_expressions)
    coefficients = [x for one in coordinates for x in (one.p, *one.q)]
    return ContinuousGradients(
        problem,
        coordinates,
        compile_ball(problem.parameters, coefficients),
        compile_ball(problem.parameters, [sp.diff(x, theta) for x in coefficients for theta in problem.parameters]),
        compile_ball(problem.parameters, [condition.expression for condition in problem.domain]),
    )


def _affine(problem: SymbolicGradient, gradient: sp.Expr) -> _Affine:
    """The affine form of one coordinate, in the standard variables of its columns."""
    assert isinstance(problem.law, Independent)
    used = [
        (symbol, entry)
        for symbol, entry in zip(problem.columns, problem.law.columns, strict=True)
        if symbol in gradient.free_symbols
    ]
    names = {entry.distribution for _, entry in used}
    alone = len(used) == 1 and problem.batch_size == 1 and names <= {"Uniform", "Exponential"}
    if used and not alone and names != {"Normal"}:
        raise NotApplicable(f"data: {ALLOWED}")
    factors = [sp.expand(sp.diff(gradient, symbol)) for symbol, _ in used]
    if any(factor.free_symbols & set(problem.columns) for factor in factors):
        raise NotApplicable(f"data: {ALLOWED}")
    maps = [_from_standard(entry) for _, entry in used]
    p = gradient.xreplace({symbol: _exact(start) for (symbol, _), (start, _) in zip(used, maps, strict=True)})
    root = sp.sqrt(problem.batch_size)
    q = tuple(factor * _exact(scale) / root for factor, (_, scale) in zip(factors, maps, strict=True))
    if any(x.has(sp.nan, sp.zoo, sp.oo) for x in (p, *q)):
        raise NotApplicable(f"data: {ALLOWED}")
    return _Affine(names.pop() if names else "", p, q)


def _from_standard(entry: Column) -> tuple[Fraction, Fraction]:
    """The start and the scale of a column x = start + scale Z."""
    if entry.distribution == "Exponential":
        return Fraction(0), 1 / entry.parameters[0]
    first, second = entry.parameters
    return (first, second) if entry.distribution == "Normal" else ((first + second) / 2, (second - first) / 2)


def _exact(value: Fraction) -> sp.Rational:
    return sp.Rational(value.numerator, value.denominator)
