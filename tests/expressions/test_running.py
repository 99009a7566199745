"""Running error bounds hold the exact values, and are not far above what rounding does."""

from functools import lru_cache

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.parser import parse_expression
from adamsym.expressions.running import UNIT, Running, erf, exp, sigmoid
from adamsym.expressions.running_code import compile_running

X, Y = sp.symbols("x y", real=True)
TEXTS = [
    "x + y - x", "x*y - y/3", "x/(y + 4)", "(x - y)**2", "(x + y)**3", "(x*x + 1)**(1/3)", "1/(x - y)",
    "sqrt(x*x + y*y)",
    "exp(x) - 1", "log(1 + x*x) - y", "sin(x) - x", "1 - cos(x*y)", "tanh(x) - tanh(y)", "sinh(x) - y", "cosh(x) - 1",
    "atan(x) - atan(y)", "erf(x) - erf(y)", "sigmoid(30*x) - sigmoid(y)", "softplus(20*x) - y", "Abs(x) - Abs(y)",
    "Max(x, y, 0) - x", "Min(x, y) + 0.1", "(exp(x) - exp(y))/(x - y)", "x**7 - y**5/7", "2**x - pi",
    "logsumexp(x, 20*y, 1) - y", "logsumexp(x, y) - logsumexp(-x, y)", "log1p(x*x) - x", "log1p(y/5)",
]  # fmt: skip
numbers = st.one_of(
    st.floats(-4, 4), st.floats(1e-9, 1e-3), st.sampled_from([0.0, 1.0, 0.1, 1e-8, -2.5, 1e-200]), st.integers(-3, 3)
).map(float)


@lru_cache
def both(text):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    return compile_running([X, Y], [expression]), compile_mpmath([X, Y], [expression])


def off(text, x, y, spread=0.0):
    """How far the float is from the exact value at operands moved by up to ``spread``, and its bound."""
    bounded, precise = both(text)
    found = bounded(Running(x, spread), Running(y, 0.0))
    value, error = float(found.value[..., 0]), float(found.error[..., 0])
    if np.isinf(error):
        return 0.0, error, value
    worst = 0.0
    with mpmath.workdps(60):
        for share in (-1, 0, 1) if spread else (0,):
            at = mpmath.mpf(x) + share * mpmath.mpf(spread)
            exact = precise(at, mpmath.mpf(y))[0]
            worst = max(worst, abs(float(mpmath.mpf(exact) - mpmath.mpf(value))))
    return worst, error, value


@settings(deadline=None, max_examples=250, derandomize=True)
@given(st.sampled_from(TEXTS), numbers, numbers, st.sampled_from([0.0, 1e-15, 1e-9, 1e-2]))
def test_the_bound_holds(text, x, y, spread):
    worst, error, _ = off(text, x, y, spread)
    assert worst <= error


def test_the_bound_sees_what_cancels_and_little_else():
    for text, x, y, largest in [
        ("(1 - cos(x))/x**2", 1e-4, 0.0, 1e-6),
        ("x + y - y", 0.3, 1e6, 1e-9),
        ("(x - y)**2", 0.3, 0.2, 1e-16),
        ("exp(x)*tanh(y)", 0.3, 0.7, 1e-14),
    ]:
        worst, error, _ = off(text, x, y)
        assert worst <= error <= largest
    # Without the errors of operands the bound fails: the comparison sees rounding.
    worst, error, value = off("(1 - cos(x))/x**2", 1e-4, 0.0)
    assert worst > 4 * UNIT * abs(value)


@pytest.mark.parametrize(("text", "x", "y"), [("1/(x - y)", 0.1, 0.1), ("log(x - y)", 0.1, 0.1), ("1/x", 0.0, 1.0)])
def test_where_nothing_can_be_said_the_error_is_infinite(text, x, y):
    assert np.isinf(off(text, x, y)[1])


@pytest.mark.parametrize(
    ("text", "x", "spread"),
    [
        ("exp(x)", -1000.0, 999.0), ("exp(x)", -800.0, 800.0), ("sigmoid(x)", -1000.0, 999.0),
        ("sigmoid(x)", -1000.0, 1100.0), ("y/x", 4.0, 4.0 - 2.0**-30), ("log(x)", 1.25, 1.25 - 2.0**-52),
        ("(x + 0*y)**(1/3)", 1.25, 1.25 - 2.0**-52),
    ],
)  # fmt: skip
def test_the_bound_holds_where_values_underflow_but_their_errors_do_not(text, x, spread):
    worst, error, _ = off(text, x, 5e-324, spread)
    assert worst <= error < np.inf


@pytest.mark.parametrize("x", [-740.0, -720.0, -709.5, -700.5, -700.0, -699.5, -36.0, 36.0])
def test_the_bound_of_a_sigmoid_holds_on_both_sides(x):
    found = sigmoid(Running(x, 0.0))
    exact = 1 / (1 + mpmath.exp(-mpmath.mpf(x)))
    assert abs(exact - mpmath.mpf(float(found.value))) <= found.error <= 1e-14 * exact + 1e-322


@pytest.mark.parametrize("x", [0.0, 1.3e-319, -4.9e-319, 1e-310, 0.5, 5.5])
def test_the_bound_of_an_error_function_holds_below_the_normal_floats(x):
    found = erf(Running(x, 0.0))
    assert abs(mpmath.erf(mpmath.mpf(x)) - mpmath.mpf(float(found.value))) <= found.error <= 1e-14 * abs(x) + 1e-322
    assert x or found.error == 0


@pytest.mark.parametrize("function", [exp, sigmoid])
def test_what_may_be_anything_has_no_small_error_where_it_underflows(function):
    assert function(Running(-1000.0, np.inf)).error >= 1


def test_a_power_of_exactly_0_is_0():
    found = compile_running([X], [sp.Pow(X, sp.Rational(1, 3))])(Running(np.array([0.0]), 0.0))
    assert found.value == found.error == 0


def test_signs_that_may_be_either():
    found = compile_running([X], [sp.sign(X), sp.Heaviside(X)])(Running(np.array([1e-20, 1.0]), 1e-18))
    np.testing.assert_array_equal(found.error > 0, [[True, True], [False, False]])
    assert (found.error[0] >= [2, 1]).all()


def test_constants_are_as_exact_as_their_floats():
    found = compile_running([X], [sp.Rational(1, 10) + 0 * X, sp.Rational(3, 4) + 0 * X])(Running(1.0, 0.0))
    assert 0 < found.error[0] < 1e-16
    assert found.error[1] == 0


def test_functions_outside_the_grammar_are_refused():
    with pytest.raises(NotImplementedError, match="gamma"):
        compile_running([X], [sp.gamma(X)])
