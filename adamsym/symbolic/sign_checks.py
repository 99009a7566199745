"""Checks of the steps of the derivation for methods that move along a sign, and their lag weights in letters."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray
from adamsym.gradients import Problem
from adamsym.methods import Lion, Method, SignForm, Signum
from adamsym.symbolic.equality import DIGITS, Check, exact_equality, numerical_equality
from adamsym.symbolic.expectation import expectation, rational
from adamsym.symbolic.point_checks import at_point, batch_atoms, random_theta
from adamsym.symbolic.rendering import formula
from adamsym.symbolic.symbols import alpha, beta, geometric_sum, s, t

LAGS = 5
"""Gradients in a history that is listed: up to 3**5 histories."""

MEMORIES = ((Fraction(1, 4), Fraction(3, 10)), (Fraction(3, 10), Fraction(1, 5)))
"""Values of alpha and beta for which a few lags decide most signs, and 40 lags all but 1e-20 of them."""

_PARTIAL = 2000
"""Weights that are summed where no letters say what their sums are."""

TERMS = (8, 64, 4096)
"""Terms of the series at which its bound is checked."""


@dataclass(frozen=True)
class Weights:
    """The lag weights as expressions: in letters for the methods here, else numbers.

    ``of`` gives c_k for a number k; ``total`` and ``squares`` are the sums of c_k and of c_k**2. ``argument`` gives M
    and the next m from m and g, where the recursion is known in letters; ``values`` are the letters'.
    """

    of: Callable[[int], sp.Expr]
    total: sp.Expr
    squares: sp.Expr
    text: str
    argument: Callable[[sp.Expr, sp.Expr], tuple[sp.Expr, sp.Expr]] | None
    values: dict[sp.Symbol, sp.Rational]

    def at(self, memory: Fraction, other: Fraction) -> Callable[[int], float]:
        """Return c_k as floats for other values of alpha and beta."""
        values = {alpha: rational(memory), beta: rational(other)}
        return lambda k: float(sp.sympify(self.of(k)).subs(values))


def weights_of(method: Method, form: SignForm) -> Weights:
    """Return the lag weights of a method: in letters for Signum and Lion, else as numbers."""
    if type(method) is Signum:
        return Weights(
            lambda k: (1 - alpha) * alpha**k,
            (1 - alpha) * geometric_sum(alpha),
            (1 - alpha) ** 2 * geometric_sum(alpha**2),
            formula((1 - alpha) * alpha ** sp.Symbol("k")),
            lambda m, g: (alpha * m + (1 - alpha) * g,) * 2,
            {alpha: rational(method.alpha)},
        )
    if type(method) is Lion:
        return Weights(
            lambda k: 1 - alpha if k == 0 else alpha * (1 - beta) * beta ** (k - 1),
            1 - alpha + alpha * (1 - beta) * geometric_sum(beta),
            (1 - alpha) ** 2 + (alpha * (1 - beta)) ** 2 * geometric_sum(beta**2),
            rf"{formula(alpha * (1 - beta))}\, \beta^{{k-1}},\quad c_0 = {formula(1 - alpha)}",
            lambda m, g: (alpha * m + (1 - alpha) * g, beta * m + (1 - beta) * g),
            {alpha: rational(method.alpha), beta: rational(method.beta)},
        )
    head, terms = form.weights.head, form.weights.terms
    shown = [f"{formula(rational(amount))} \\cdot {formula(rational(ratio))}^{{k}}" for amount, ratio in terms]
    return Weights(
        lambda k: rational(form.weights.weight(k)),
        rational(form.weights.total),
        _squares(form),
        " + ".join([*(f"{formula(rational(x))}\\, [k = {k}]" for k, x in enumerate(head)), *shown]),
        None,
        {},
    )


def _squares(form: SignForm) -> sp.Expr:
    """The sum of c_k**2, exactly."""
    n, terms = len(form.weights.head), form.weights.terms
    first = sum((form.weights.weight(k) ** 2 for k in range(n)), Fraction(0))
    rest = sum((a * b * (p * q) ** n / (1 - p * q) for a, p in terms for b, q in terms), Fraction(0))
    return rational(first + rest)


def recursion_checks(weights: Weights) -> list[Check]:
    """The recursion from m = 0 over some gradients, the oldest first, is the sum with these weights."""
    if weights.argument is None:
        return []
    g = sp.symbols(f"g_0:{LAGS}", real=True)
    memory, summed = sp.S.Zero, sp.S.Zero
    for one in reversed(g):
        summed, memory = weights.argument(memory, one)
    return [exact_equality(summed, sp.Add(*(weights.of(k) * x for k, x in enumerate(g))))]


def steps_check(method: Method, form: SignForm, steps: int = 30, runs: int = 20) -> Check:
    """Check that the method's own steps, in floats, move along the sign of the sum of the gradients so far."""
    generator = np.random.default_rng(2026)
    theta, gradients = generator.normal(size=runs), generator.normal(size=(steps, runs))
    weights = np.array([float(form.weights.weight(k)) for k in range(steps)])
    state, seen = method.initial_state((runs,)), 0
    for n in range(1, steps + 1):
        state, change = method.step(state, gradients[n - 1], theta, n)
        terms = weights[:n, None] * gradients[n - 1 :: -1][:n]
        total, sizes = terms.sum(axis=0), np.abs(terms).sum(axis=0)
        clear = np.abs(total) > 1e-9 * sizes
        moved = change + float(form.decay) * theta
        if not np.allclose(moved[clear], -np.sign(total[clear]), rtol=0, atol=1e-9):
            return Check(False, f"refuted: step {n} of the method does not move along the sign of the sum")
        seen += int(clear.sum())
    return Check(True, f"{seen} steps of the method itself move along this sign (not a proof)")


def characteristic_parts(problem: Problem, coordinate: int) -> tuple[sp.Expr, sp.Expr]:
    """Real and imaginary part of the characteristic function of one coordinate of the gradient, at s."""
    return (
        expectation(problem, coordinate, lambda g: sp.cos(s * g)),
        expectation(problem, coordinate, lambda g: sp.sin(s * g)),
    )


def product_check(small: Problem, weights: Weights, points: int = 4) -> Check:
    """Check the product over some lags against E exp(i t M) over all histories of as many gradients."""
    real, imaginary = characteristic_parts(small, 0)
    memories = itertools.cycle(MEMORIES)

    def draw(generator: random.Random) -> tuple[Any, ...]:
        theta = random_theta(generator, small.dimension)
        atoms, chances = batch_atoms(small, theta, 0)
        values = dict(zip((alpha, beta), map(rational, next(memories)), strict=True))
        own = [mpmath.mpmathify(sp.sympify(weights.of(k)).subs(values).evalf(50)) for k in range(LAGS)]
        return theta, atoms, chances, own, mpmath.mpf(generator.randint(1, 400)) / 100 / max(map(abs, atoms))

    def by_product(theta: Any, _: Any, __: Any, own: Any, at: Any) -> list[Any]:
        point = at_point(small, theta)
        found = mpmath.mpc(1)
        for c in own:
            exact = sp.Float(c * at, 50)
            parts = [mpmath.mpmathify(x.xreplace(point).subs(s, exact).evalf(50)) for x in (real, imaginary)]
            found *= mpmath.mpc(*parts)
        return [found.real, found.imag]

    def by_list(_: Any, atoms: Any, chances: Any, own: Any, at: Any) -> list[Any]:
        states = [(mpmath.mpf(0), mpmath.mpf(1))]
        for c in own:
            states = [(m + c * g, w * p) for m, w in states for g, p in zip(atoms, chances, strict=True)]
        return [mpmath.fsum(w * of(at * m) for m, w in states) for of in (mpmath.cos, mpmath.sin)]

    return numerical_equality(by_product, by_list, draw, points=points, digits=DIGITS - 5)


def small_law(small: Problem, generator: random.Random) -> tuple[FloatArray, FloatArray]:
    """The gradients of some rows at a random point, and their probabilities, as floats."""
    theta = random_theta(generator, small.dimension)
    atoms, chances = batch_atoms(small, theta, 0)
    return np.array([float(x) for x in atoms]), np.array([float(p) for p in chances])


def bounded_sum(atoms: FloatArray, chances: FloatArray, own: FloatArray, terms: int) -> tuple[float, float]:
    """Return the sum of the series with so many terms for lags of weights ``own``, and its bound."""
    reach = 1.01 * np.abs(atoms).max() * np.abs(own).sum()
    n = np.arange(1, terms + 1)
    at = np.pi * n / reach
    phi = np.prod((np.exp(1j * at[:, None, None] * own[:, None] * atoms) * chances).sum(axis=2), axis=1)
    x = n / (terms + 1)
    weight = np.pi * x * (1 - x) / np.tan(np.pi * x) + x
    odd = n % 2 == 1
    value = float((4 / (np.pi * n) * weight * phi.imag)[odd].sum())
    bound = float(2 / (terms + 1) * (1 + 2 * ((1 - x) * phi.real)[~odd].sum()))
    return value, bound


def series_check(small: Problem, weights: Weights) -> Check:
    """Check the bound of the series against F over all histories of some lags."""
    generator = random.Random(2026)
    for memories in MEMORIES:
        own = np.array([weights.at(*memories)(k) for k in range(LAGS)])
        atoms, chances = small_law(small, generator)
        sums, probabilities = np.zeros(1), np.ones(1)
        for c in own:
            sums = (sums[:, None] + c * atoms).ravel()
            probabilities = (probabilities[:, None] * chances).ravel()
        exact, bounds = float(np.sign(sums) @ probabilities), []
        for terms in TERMS:
            value, bound = bounded_sum(atoms, chances, own, terms)
            if not abs(value - exact) <= bound + 1e-12:
                return Check(False, f"refuted: F lies outside of the bound for {terms} terms")
            bounds.append(bound)
        if not bounds[-1] < bounds[0]:
            return Check(False, "refuted: the bound does not shrink")
    return Check(True, f"F over {LAGS} lags is within the bounds, the last {bounds[-1]:.2g} (floating point)")


def decided_histories(atoms: FloatArray, chances: FloatArray, own: FloatArray, lags: int) -> tuple[float, float]:
    """Return the probabilities of histories of so many gradients that decide for plus, and for minus."""
    rest = own[lags:, None] * atoms
    low, high = rest.min(axis=1).sum(), rest.max(axis=1).sum()
    sums, probabilities = np.zeros(1), np.ones(1)
    for c in own[:lags]:
        sums = (sums[:, None] + c * atoms).ravel()
        probabilities = (probabilities[:, None] * chances).ravel()
    return float(probabilities[sums + low > 0].sum()), float(probabilities[sums + high < 0].sum())


def histories_check(small: Problem, weights: Weights) -> Check:
    """Check that the bounds of listed histories are nested, and meet those of the series, over 40 lags."""
    generator = random.Random(2027)
    for memories in MEMORIES:
        own = np.array([weights.at(*memories)(k) for k in range(40)])
        atoms, chances = small_law(small, generator)
        low, high = -1.0, 1.0
        for lags in range(1, LAGS + 1):
            plus, minus = decided_histories(atoms, chances, own, lags)
            now = 2 * plus - 1, 1 - 2 * minus
            if not low - 1e-12 <= now[0] <= now[1] + 1e-12 <= high + 2e-12:
                return Check(False, f"refuted: the bounds of {lags} lags do not lie within those of fewer")
            low, high = now
        value, bound = bounded_sum(atoms, chances, own, TERMS[-1])
        if value + bound < low - 1e-12 or value - bound > high + 1e-12:
            return Check(False, "refuted: the bounds of the histories and of the series have nothing in common")
    return Check(True, f"bounds over up to {LAGS} listed lags are nested and meet those of the series (floating point)")


def normal_checks(mean: sp.Symbol, deviation: sp.Symbol) -> list[Check]:
    """F = erf(m/(sigma sqrt 2)) for a normal M: both sides are 0 at m = 0, and have the same slope."""
    slope = 2 / sp.pi * sp.integrate(sp.cos(t * mean) * sp.exp(-(deviation**2) * t**2 / 2), (t, 0, sp.oo))
    closed = sp.erf(mean / (deviation * sp.sqrt(2)))
    return [exact_equality(slope, sp.diff(closed, mean)), exact_equality(closed.subs(mean, 0), 0)]


def sum_checks(weights: Weights) -> list[Check]:
    """The sums of c_k and c_k**2: exactly for geometric weights from k = 1 on, else against partial sums in floats."""
    wholes = ((1, weights.total), (2, weights.squares))
    if weights.values:
        first, second, third = (sp.sympify(weights.of(k)) for k in range(3))
        ratio = sp.cancel(third / second)
        return [exact_equality(first**n + second**n / (1 - ratio**n), whole) for n, whole in wholes]
    own = np.array([float(weights.of(k)) for k in range(_PARTIAL)])
    rest = np.abs(own[-_PARTIAL // 10 :]).sum()
    close = [abs(float(whole) - (own**n).sum()) <= 20 * rest * np.abs(own).max() ** (n - 1) for n, whole in wholes]
    return [Check(all(close), f"sums over {_PARTIAL} weights" if all(close) else "refuted: other sums of the weights")]
