"""Expressions as statements of mpmath numbers: the values, and each distinct subexpression once."""

import mpmath
import pytest
import sympy as sp

from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.precision import decimal_digits
from adamsym.expressions.statements import _Statements

X, Y = sp.symbols("x y", real=True)
U = sp.Dummy("u", real=True)
EXPRESSIONS = [
    X + Y,
    sp.Add(*(sp.sin(n * X) / n for n in range(1, 9))),
    sp.Mul(*(X + n for n in range(60)), evaluate=False),
    sp.sqrt(X) + 1 / sp.sqrt(Y) + X ** sp.Rational(-2, 3),
    sp.Integer(2) ** X * sp.Integer(3) ** sp.Rational(1, 3) * sp.sqrt(2),
    sp.pi * sp.E * X - sp.exp(-Y),
    sp.erf(X) * sp.erfc(Y) - sp.atan(X) + sp.tanh(Y),
    sp.Max(X, Y, 1) - 2 * sp.Min(X, Y) + sp.Abs(X - Y) * sp.sign(X - Y),
    sp.Piecewise((1 / (X - 2), X < 1), (sp.log(Y), True)),
    sp.Integral(sp.exp(-(U**2) * X), (U, 0, 1)),
    X * sp.Integral(U**2 * Y, (U, 0, X)) + sp.exp(-Y),
    sp.Float("0.1", 30) * X,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_values_are_those_of_sympy(expression):
    point = {X: sp.Rational(3, 7), Y: sp.Rational(5, 3)}
    with decimal_digits(30):
        (value,) = compile_mpmath([X, Y], [expression])(mpmath.mpf(3) / 7, mpmath.mpf(5) / 3)
        expected = mpmath.mpmathify(expression.subs(point).evalf(30))
        assert abs(value - expected) <= mpmath.mpf(10) ** -26 * abs(expected)


def test_a_case_that_is_not_taken_is_not_evaluated():
    expression = sp.Piecewise((1 / (X - 2), X < 1), (sp.log(X), True))
    assert compile_mpmath([X], [expression])(mpmath.mpf(2))[0] == mpmath.log(2)


def test_a_bound_letter_of_the_name_of_an_argument_is_another():
    expression = sp.Integral(X**2, (X, 0, 1)) + X**2
    with decimal_digits(20):
        assert mpmath.almosteq(compile_mpmath([X], [expression])(mpmath.mpf(3))[0], mpmath.mpf(28) / 3, 1e-15)


def test_each_distinct_subexpression_is_one_statement():
    shared = sp.tanh(X * Y + 1)
    printer = _Statements({X: "a", Y: "b"}, {"fully_qualified_modules": False, "allow_unknown_functions": True})
    for expression in (shared + shared**2, sp.exp(shared), shared * X):
        printer._print(expression)
    text = "\n".join(printer.statements.values())
    assert text.count("tanh(") == 1
    assert text.count("(a)*(b)") == 1
