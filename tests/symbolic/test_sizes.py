"""Sizes of expressions that share subexpressions: as SymPy counts them, each distinct part once."""

import random

import pytest
import sympy as sp

from adamsym.expressions.functions import logsumexp, sigmoid, softplus
from adamsym.symbolic.sizes import Sizes

X, Y, Z = sp.symbols("x y z", real=True)
T = sp.Symbol("t", positive=True)
N = sp.Symbol("n", integer=True)
EXPRESSIONS = [
    sp.Integer(1),
    sp.Integer(-3),
    sp.Rational(-2, 7),
    X,
    -X,
    -(X + Y) * Z,
    -X - Y,
    -X + Y,
    X - Y / 3 - sp.Rational(1, 2),
    sp.Mul(-1, X + Y, evaluate=False),
    1 / X,
    -1 / (X * Y),
    X / Y,
    -2 * X / (3 * sp.sqrt(Y**2 + 1)),
    2 / (X - 1),
    sp.exp(-T * (X - Y) ** 2),
    sp.E * X,
    sp.E,
    sp.pi**X,
    sp.Max(X, Y, 0) + sp.Min(X, -Y),
    sp.Abs(X - Y) * sp.sign(Z),
    sigmoid(-X) + softplus(X * Y) - logsumexp(X, Y, Z),
    sp.tanh(sp.Rational(3, 7)) * (X - sp.tanh(Y)),
    sp.Sum(sp.IndexedBase("x")[N] ** 2, (N, 1, 5)) / 5,
    sp.Integral(sp.exp(-(X**2)) * Y, (X, -sp.oo, sp.oo)),
    sp.Function("F")(X) * sp.Derivative(sp.Function("F")(X), X),
]


def drawn(generator, depth):
    """An expression of random operations."""
    if depth == 0:
        return generator.choice(
            [X, Y, Z, sp.Integer(generator.randint(-3, 3)), sp.Rational(generator.randint(-5, 5), 3)]
        )
    parts = [drawn(generator, depth - 1) for _ in range(generator.randint(2, 4))]
    kind = generator.choice("+*^f")
    if kind == "+":
        return sp.Add(*parts)
    if kind == "*":
        return sp.Mul(*parts)
    return sp.exp(parts[0]) if kind == "f" else (parts[0] ** 2 + 1) ** generator.choice([-1, -2, sp.Rational(1, 2), 3])


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_operations_are_counted_as_sympy_counts_them(expression):
    assert Sizes().operations(expression) == sp.count_ops(expression)


def test_random_expressions_that_share_what_is_counted():
    sizes, generator = Sizes(), random.Random(5)
    counts = []
    for _ in range(150):
        expression = drawn(generator, 3)
        counts.append(sizes.operations(expression))
        assert counts[-1] == sp.count_ops(expression), expression
    assert max(counts) > 30


def test_lengths_are_those_of_the_leaves():
    assert Sizes().least_length(X + 12 * Y**2) == 1 + 2 + 1 + 1
    assert Sizes().least_length(sp.Rational(-22, 7) * X) == 2 + 1
