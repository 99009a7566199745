"""Checks of a problem's own formulas by digits, against paths that share no code with them."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.errors import InputError
from adamsym.expressions.precision import decimal_digits
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Method, require_laplace
from adamsym.symbolic.enumeration import half_line_integral, listed_direction, listed_quotient
from adamsym.symbolic.equality import DIGITS, Check, numerical_equality
from adamsym.symbolic.expectation import gradient_atoms, rational
from adamsym.symbolic.laplace import explicit_integrand, kernel, transforms
from adamsym.symbolic.method import SymbolicMethod
from adamsym.symbolic.symbols import alpha, beta, epsilon, s, t, v

_ROWS_LOOKED_AT = 500
_MEMORIES = ((Fraction(1, 4), Fraction(3, 10)), (Fraction(3, 10), Fraction(1, 5)))
"""Pairs alpha, beta at which five lags all count in 30 digits."""

_NO_DECIMALS = 1009
"""A prime: of its fractions the integers alone are decimal numbers."""

LAGS = 5
"""Gradients in a history: 3**5 histories are listed at once."""

_MOST_BATCHES = 2_000

_RULE_LEVEL = 6
"""2048 nodes for one column, enough for 9 digits of peaked integrands."""


def random_theta(generator: random.Random, dimension: int) -> list[Fraction]:
    """Return a random point whose entries are no decimal numbers, for kinks of a loss often are."""
    drawn = (round(generator.uniform(-2, 2) * _NO_DECIMALS) for _ in range(dimension))
    return [Fraction(k if k % _NO_DECIMALS else k + 1, _NO_DECIMALS) for k in drawn]


def numbers(values: Sequence[Fraction]) -> list[Any]:
    """Return fractions as mpmath numbers at the working precision."""
    return [mpmath.mpf(value.numerator) / value.denominator for value in values]


def numerical_derivative(loss: Callable[..., list[Any]], arguments: Sequence[Any], coordinate: int) -> Any:
    """Return the partial derivative of a compiled loss by mpmath's difference quotients."""

    def along(x: Any) -> Any:
        value = loss(*arguments[:coordinate], x, *arguments[coordinate + 1 :])[0]
        if isinstance(value, mpmath.mpc):
            raise ValueError("outside the loss's domain")
        return value

    return mpmath.diff(along, arguments[coordinate])


def gradient_check(
    problem: Problem, gradients: Sequence[sp.Expr], coordinates: Sequence[int], points: int = 8
) -> Check:
    """Check the coordinates of ``gradients`` against numerical derivatives of the loss at random points and rows."""
    symbols = (*problem.parameters, *problem.columns)
    loss, compiled = _compiled_loss(problem), compile_mpmath(symbols, [gradients[i] for i in coordinates])

    def draw(generator: random.Random) -> list[Any]:
        row = problem.law.sample(np.random.default_rng(generator.getrandbits(32)), ())
        return [*numbers(random_theta(generator, problem.dimension)), *(mpmath.mpf(float(x)) for x in row)]

    def numerical(*arguments: Any) -> list[Any]:
        return [numerical_derivative(loss, arguments, i) for i in coordinates]

    return numerical_equality(compiled, numerical, draw, points=points)


def small_problem(problem: Problem, coordinate: int) -> Problem:
    """Return the problem with at most three of its rows (two, and batches of two, if it has minibatches).

    The rows have distinct gradients at a random point; a continuous law gives rows drawn from it. Their weights are
    1, 2, 3: with a symmetric law F vanishes for every lag, weight and epsilon, and equality says nothing.

    Raises
    ------
    InputError
        If no random point has finite gradients with one that is not zero.
    """
    generator = random.Random(7)
    rows = _some_rows(problem)
    data = np.array([[float(x) for x in row] for row in rows])
    for _ in range(200):
        theta = [float(x) for x in random_theta(generator, problem.dimension)]
        try:
            values = problem.row_gradients(theta, data)[:, coordinate]
        except InputError:
            continue
        _, first = np.unique(values, return_index=True)
        kept = [int(n) for n in first if abs(values[n]) > 1e-3 * np.abs(values).max()]
        if kept:
            size = 3 if problem.batch_size == 1 else 2
            chosen = sorted({kept[0], kept[-1], kept[len(kept) // 2]})[:size]
            columns = {column.name: [rows[n][c] for n in chosen] for c, column in enumerate(problem.columns)}
            law = Empirical(columns, weights=range(1, len(chosen) + 1))
            return problem.changed(law=law, batch_size=min(problem.batch_size, 2))
    raise InputError("problem.loss: no random parameters were found at which the gradients are finite and not all zero")


def _some_rows(problem: Problem) -> list[tuple[Fraction, ...]]:
    if isinstance(problem.law, Empirical):
        return list(problem.law.exact_rows[:_ROWS_LOOKED_AT])
    drawn = problem.law.sample(np.random.default_rng(7), (12,))
    return [tuple(Fraction(repr(float(x))) for x in row) for row in drawn]


def _compiled_loss(problem: Problem) -> Callable[..., list[Any]]:
    return _compiled((*problem.parameters, *problem.columns), problem.loss)


@lru_cache(maxsize=8)
def _compiled(symbols: tuple[sp.Symbol, ...], loss: sp.Expr) -> Callable[..., list[Any]]:
    return compile_mpmath(symbols, [loss])


def batch_atoms(problem: Problem, theta: Sequence[Fraction], coordinate: int) -> tuple[list[Any], list[Any]]:
    """Return all ordered minibatches' gradients, by numerical derivatives of the loss, and their probabilities."""
    assert isinstance(problem.law, Empirical)
    loss, point = _compiled_loss(problem), numbers(theta)
    values = [numerical_derivative(loss, [*point, *numbers(row)], coordinate) for row in problem.law.exact_rows]
    weights = numbers(problem.law.exact_probabilities)
    batches = list(itertools.product(range(len(values)), repeat=problem.batch_size))
    return (
        [mpmath.fsum(values[n] for n in batch) / problem.batch_size for batch in batches],
        [mpmath.fprod(weights[n] for n in batch) for batch in batches],
    )


def at_point(problem: Problem, theta: Sequence[Fraction]) -> dict[sp.Symbol, sp.Rational]:
    """Return the substitution of a problem's parameters by exact numbers."""
    return dict(zip(problem.parameters, map(rational, theta), strict=True))


def laplace_check(
    small: Problem,
    coordinate: int,
    pair: tuple[sp.Expr, sp.Expr] | None = None,
    lags: int = LAGS,
    points: int = 2,
    method: SymbolicMethod | None = None,
) -> Check:
    """Check the Laplace form with the transforms A, B against the list of all histories of ``lags`` gradients.

    Adam's; or that of another ``method``.
    """
    memories = itertools.cycle(_MEMORIES)
    compiled = _compiled_integrand(small, transforms(small, coordinate) if pair is None else pair, lags, method)

    def draw(generator: random.Random) -> tuple[Any, ...]:
        theta = random_theta(generator, small.dimension)
        atoms, weights = batch_atoms(small, theta, coordinate)
        # epsilon of the size of the gradients, so that both terms of the denominator count
        size = Fraction(float(max(abs(g) for g in atoms))).limit_denominator(100)
        if size == 0:
            raise ValueError("all gradients vanish")
        return theta, *next(memories), size * Fraction(generator.randint(5, 20), 20), atoms, weights

    def by_laplace(theta: Any, a: Fraction, b: Fraction, e: Fraction, atoms: Any, _: Any) -> Any:
        # The quadrature works at more digits than the check.
        with decimal_digits(3 * DIGITS):
            function = compiled(numbers(theta), numbers([a, b, e]))
        smallest = numbers([(1 - b) * b ** (lags - 1)])[0]
        return half_line_integral(function, atoms, smallest, numbers([e])[0], DIGITS + 3)

    def by_list(_: Any, a: Fraction, b: Fraction, e: Fraction, atoms: Any, weights: Any) -> Any:
        m_memory, v_memory, added = numbers([a, b, e])
        if method is None:
            return listed_quotient(atoms, weights, m_memory, v_memory, added, lags)
        own = [mpmath.mpmathify(method.weight(lag).subs(alpha, rational(a)).evalf(40)) for lag in range(lags)]
        phi = compile_mpmath([v], [method.phi(v).subs(epsilon, rational(e))])
        return listed_direction(atoms, weights, own, v_memory, lambda x: phi(x)[0])

    return numerical_equality(by_laplace, by_list, draw, points=points)


def _compiled_integrand(
    small: Problem, pair: tuple[sp.Expr, sp.Expr], lags: int, method: SymbolicMethod | None
) -> Callable[[list[Any], list[Any]], Callable[[Any], Any]]:
    """The integrand in s, given the parameters and alpha, beta, epsilon; what holds no t is computed once a point."""
    parts: dict[sp.Expr, sp.Dummy] = {}
    first, second = (_with_letters(expression, parts) for expression in pair)
    rho, weight = (kernel, None) if method is None else (method.rho, method.numerator_weight)
    whole = explicit_integrand(rho, (first, second), lags, weight)
    constants = compile_mpmath(small.parameters, list(parts))
    integrand = compile_mpmath([s, alpha, beta, epsilon, *parts.values(), *small.parameters], [whole])

    def at(theta: list[Any], memories: list[Any]) -> Callable[[Any], Any]:
        fixed = [*memories, *constants(*theta), *theta]
        return lambda x: integrand(x, *fixed)[0]

    return at


def _with_letters(expression: sp.Expr, parts: dict[sp.Expr, sp.Dummy]) -> sp.Expr:
    """The expression with a letter for each of its largest parts that does not hold t."""
    if t not in expression.free_symbols:
        return expression if expression.is_Rational else parts.setdefault(expression, sp.Dummy())
    known = isinstance(expression, sp.Add | sp.Mul | sp.Pow | sp.exp)
    return expression.func(*(_with_letters(part, parts) for part in expression.args)) if known else expression


def can_be_listed(problem: Problem, coordinate: int) -> bool:
    """Whether A and B are finite sums whose minibatches can all be listed."""
    return (
        isinstance(problem.law, Empirical)
        and gradient_atoms(problem, coordinate) is not None
        and len(problem.law.exact_rows) ** problem.batch_size <= _MOST_BATCHES
    )


def transforms_check(problem: Problem, coordinate: int, pair: tuple[sp.Expr, sp.Expr]) -> Check:
    """Check A and B of a finite law against sums over all ordered minibatches, with the law's own weights."""
    compiled = compile_mpmath([t, *problem.parameters], pair)

    def draw(generator: random.Random) -> tuple[Any, ...]:
        return Fraction(generator.randint(1, 100), 1000), random_theta(generator, problem.dimension)

    def symbolic(time: Fraction, theta: Any) -> Any:
        return compiled(*numbers([time, *theta]))

    def listed(time: Fraction, theta: Any) -> Any:
        law = list(zip(*batch_atoms(problem, theta, coordinate), strict=True))
        decay = [(w * mpmath.exp(-numbers([time])[0] * g * g), g) for g, w in law]
        return [mpmath.fsum(w * g for w, g in decay), mpmath.fsum(w for w, _ in decay)]

    return numerical_equality(symbolic, listed, draw, points=4)


def limits_check(
    small: Problem, limits: dict[str, sp.Expr], coordinate: int, method: SymbolicMethod | None = None
) -> Check:
    """Check the limits of one coordinate of F against sums over minibatches listed one by one."""
    names = ("beta -> 1", "alpha = beta = 0", "epsilon -> oo", "deterministic")
    expressions = [limits[name] for name in names]
    compiled = compile_mpmath([epsilon, *small.parameters], expressions)

    def draw(generator: random.Random) -> tuple[Any, ...]:
        return Fraction(generator.randint(1, 200), 100), random_theta(generator, small.dimension)

    def symbolic(e: Fraction, theta: Any) -> Any:
        return compiled(*numbers([e, *theta]))

    def listed(e: Fraction, theta: Any) -> Any:
        atoms, weights = batch_atoms(small, theta, coordinate)
        law = list(zip(atoms, weights, strict=True))
        small_eps = numbers([e])[0]
        mean = mpmath.fsum(w * g for g, w in law)
        if method is not None:
            phi = compile_mpmath([v], [method.phi(v).subs(epsilon, rational(e))])
            total, newest = (
                mpmath.mpmathify(sp.cancel(x).subs(alpha, 0).evalf(40)) for x in (method.total, method.weight(0))
            )
            square = mpmath.fsum(w * g * g for g, w in law)
            alone = mpmath.fsum(w * g * phi(g * g)[0] for g, w in law)
            return [total * mean * phi(square)[0], newest * alone, total * mean, total * mean * phi(mean * mean)[0]]
        root = mpmath.sqrt(mpmath.fsum(w * g * g for g, w in law))
        signs = mpmath.fsum(w * g / (abs(g) + small_eps) for g, w in law)
        return [mean / (root + small_eps), signs, mean, mean / (abs(mean) + small_eps)]

    return numerical_equality(symbolic, listed, draw, points=4)


def moments_check(problem: Problem, moments: Sequence[sp.Expr], coordinate: int) -> Check:
    """Check E g and E g^2 of a finite law against sums over all ordered minibatches, with the law's own weights."""
    compiled = compile_mpmath(problem.parameters, list(moments))

    def draw(generator: random.Random) -> tuple[Any, ...]:
        return (random_theta(generator, problem.dimension),)

    def listed(theta: Any) -> Any:
        law = list(zip(*batch_atoms(problem, theta, coordinate), strict=True))
        return [mpmath.fsum(w * g for g, w in law), mpmath.fsum(w * g * g for g, w in law)]

    return numerical_equality(lambda theta: compiled(*numbers(theta)), listed, draw, points=4)


def moments_rule_check(problem: Problem, moments: Sequence[sp.Expr], coordinate: int) -> Check:
    """Check E g and E g^2 of a continuous law, in minibatches too, against its float64 quadrature rule, to 9 digits."""
    rows, weights = problem.law.discretise(min(_RULE_LEVEL, problem.law.levels - 1))

    def symbolic(theta: Any) -> list[Any]:
        point = at_point(problem, theta)
        return [_value(expression.subs(point)) for expression in moments]

    def ruled(theta: Any) -> list[Any]:
        g = problem.row_gradients([float(x) for x in theta], rows)[:, coordinate]
        mean, square = math.fsum(weights * g), math.fsum(weights * g**2)
        return [mean, mean**2 + (square - mean**2) / problem.batch_size]

    return numerical_equality(
        symbolic, ruled, lambda generator: (random_theta(generator, problem.dimension),), points=2, digits=9
    )


def rule_check(problem: Problem, coordinate: int, pair: tuple[sp.Expr, sp.Expr]) -> Check:
    """Check A, B of a continuous law in one column against the law's float64 quadrature rule, to 9 digits."""
    rows, weights = problem.law.discretise(min(_RULE_LEVEL, problem.law.levels - 1))

    def draw(generator: random.Random) -> tuple[Any, ...]:
        return random_theta(generator, problem.dimension), Fraction(generator.randint(1, 200), 100)

    def symbolic(theta: Any, time: Fraction) -> list[Any]:
        point = at_point(problem, theta) | {t: rational(time)}
        return [_value(expression.subs(point)) for expression in pair]

    def ruled(theta: Any, time: Fraction) -> list[Any]:
        g = problem.row_gradients([float(x) for x in theta], rows)[:, coordinate]
        decay = weights * np.exp(-float(time) * g**2)
        return [float(g @ decay), math.fsum(decay)]

    return numerical_equality(symbolic, ruled, draw, points=2, digits=9)


def _value(expression: sp.Expr) -> Any:
    """Value of a number with integrals over one variable, each by mpmath's quadrature over pieces."""

    def integral(function: sp.Expr, limits: sp.Tuple) -> sp.Float:
        variable, low, high = limits
        compiled = compile_mpmath([variable], [function])
        middle = [x for x in range(-4, 5) if low < x < high]
        ends = [_end(low), *middle, _end(high)]
        with decimal_digits(15):
            return sp.Float(mpmath.quad(lambda x: compiled(x)[0], ends))

    return mpmath.mpmathify(expression.replace(sp.Integral, integral).evalf(15))


def _end(limit: sp.Expr) -> Any:
    return mpmath.mpmathify(limit) if limit.is_finite else mpmath.inf * int(sp.sign(limit))


def step_bound_number_check(adam: Method, bound_squared: sp.Expr) -> Check:
    """Check the symbolic C against the sum of c_k^2/w_k over the method's own weights, to 13 digits."""
    form = require_laplace(adam, "a step bound")
    memory = getattr(adam, "alpha", Fraction(0))
    values = {alpha: rational(memory), beta: rational(form.beta)}
    # alpha = beta = 0 is the limit alpha = 0 first.
    found = sp.sqrt(sp.cancel(bound_squared.subs(alpha, 0) if memory == 0 else bound_squared).subs(values))
    return numerical_equality(
        lambda: mpmath.mpmathify(found.evalf(30)),
        lambda: math.sqrt(float(form.square_bound)),
        lambda _: (),
        points=1,
        digits=13,
    )


def remainder_bound_check(small: Problem, mean_gradient: sp.Expr, coordinate: int) -> Check:
    """Check |F - E g/epsilon| <= E g**2/epsilon**2 by listing histories, at random points; a proof is exact algebra."""
    compiled = compile_mpmath(small.parameters, [mean_gradient])
    generator = random.Random(3)
    held = 0
    with decimal_digits(30):
        for _ in range(40):
            theta = random_theta(generator, small.dimension)
            try:
                atoms, weights = batch_atoms(small, theta, coordinate)
                mean = compiled(*numbers(theta))[0]
            except (ArithmeticError, ValueError):
                continue
            square = mpmath.fsum(w * g * g for g, w in zip(atoms, weights, strict=True))
            if not mpmath.isfinite(square) or square == 0:
                continue
            e = mpmath.sqrt(square) * generator.randint(1, 8)
            a, b = numbers(_MEMORIES[held % 2])
            # cut histories have total weight below 1, so the mean is cut to the same lags
            quotient = listed_quotient(atoms, weights, a, b, e, LAGS)
            if abs(quotient - mean * (1 - a**LAGS) / e) > square / e**2:
                return Check(False, "refuted: the remainder exceeds E g**2/epsilon**2 at a random point")
            held += 1
            if held == 4:
                return Check(True, "inequality seen to hold at 4 random points with mpmath (not a proof)")
    return Check(False, f"undecided: only {held} of 4 points could be evaluated")


@lru_cache(maxsize=16)
def kernel_number_check(rho: sp.Expr, phi: sp.Expr | None = None) -> Check:
    """Check that rho has the Laplace transform phi(v), by quadrature at random v and epsilon; Adam's phi if omitted."""
    compiled = compile_mpmath([s, epsilon], [rho])

    def draw(generator: random.Random) -> tuple[Any, ...]:
        return tuple(mpmath.mpf(generator.randint(20, 200)) / 100 for _ in range(2))

    value = compile_mpmath([v, epsilon], [1 / (sp.sqrt(v) + epsilon) if phi is None else phi])

    def transform(v: Any, e: Any) -> Any:
        # rho is at most 1/sqrt(pi s) at 0, as the integrand of a law with the single atom sqrt(v).
        atoms = [mpmath.sqrt(v)]
        return half_line_integral(lambda s: compiled(s, e)[0] * mpmath.exp(-v * s), atoms, 1, e, DIGITS + 3)

    return numerical_equality(transform, lambda v, e: value(v, e)[0], draw, points=3)


def has_rule(problem: Problem, pair: tuple[sp.Expr, sp.Expr]) -> bool:
    """Whether A and B of a continuous law can be compared with its quadrature rule: one row, at most one integral."""
    return problem.batch_size == 1 and has_moments_rule(problem, pair)


def has_moments_rule(problem: Problem, moments: Sequence[sp.Expr]) -> bool:
    """Whether moments of a continuous law can be compared with its quadrature rule: integrals over one column alone."""
    if not isinstance(problem.law, Independent) or not problem.law.has_rule:
        return False
    return all(len(integral.limits) == 1 for x in moments for integral in x.atoms(sp.Integral))
