"""Logarithms of sums of exponentials: exact identities, checked by mpmath as written; right at any size of argument."""

import ctypes

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Empirical, Problem
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.checker.values import value_of
from adamsym.expressions.compilation import compile_ball, compile_float
from adamsym.expressions.functions import logsumexp, softplus
from adamsym.expressions.parser import parse_expression
from adamsym.expressions.simd import compile_lanes

USING = MpmathIntervals()
T, X = (sp.Symbol(name, real=True) for name in ("t", "x"))
SYMBOLS = {"t": T, "x": X}
FORMS = [
    "log(1 + exp(800*t))",
    "2*log(1 + exp(-t))",
    "log(exp(t) + exp(-t))",
    "log(exp(t) + exp(x) + exp(2*t - x))",
    "log1p(exp(t - x))",
    "log(exp(t)/(exp(t) + exp(x)))",
    "-log(1/(1 + exp(-t)))",
    "log(3 + 2*exp(t))",
    "log(sqrt(1 + exp(t))*exp(-t/3))",
    "log((1 + exp(t))**2/(1 + exp(x))**(3/2))",
    "log(exp(t)*(1 + exp(-x)))",
    "x*log(1/(1 + exp(-t))) + log((3*exp(x*t) + 2)/6)",
    "log(exp(t)*exp(x) + exp(t)/exp(x))",
]
SIGMOIDS = ["log(sigmoid(t))", "log(1 - sigmoid(t))", "log(sigmoid(t)*sigmoid(-x))"]
POINTER = ctypes.POINTER(ctypes.c_double)
SIZES = [0.0, 0.25, -1.5, 3.0, 40.0, -40.0, 800.0, -800.0, 1e5, -1e5]


def as_written(text, t, x):
    """The value by mpmath's functions with 150 digits, nothing rewritten; call where these are the working digits."""
    names = {
        "exp": mpmath.exp,
        "log": mpmath.log,
        "sqrt": mpmath.sqrt,
        "log1p": lambda z: mpmath.log(1 + z),
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    }
    return eval(text, {"__builtins__": {}}, names | {"t": mpmath.mpf(t), "x": mpmath.mpf(x)})


def number(ball):
    return mpmath.mpf(mpmath.mpmathify(ball.mid().str(140, radius=False)))


@pytest.mark.parametrize("text", FORMS + SIGMOIDS)
def test_what_is_read_is_what_was_written(text):
    expression = parse_expression(text, SYMBOLS, "loss")
    slope = sp.diff(expression, T)
    assert not expression.has(sp.log(1 + sp.exp(T)))
    by_float, by_ball = compile_float([T, X], [expression, slope]), compile_ball([T, X], [expression, slope])
    sizes = SIZES if text in FORMS else [size for size in SIZES if abs(size) <= 40]
    for t in sizes:
        for x in (0.5, -1.25, 60.0):
            with mpmath.workdps(150):
                value = as_written(text, t, x)
                step = mpmath.mpf(10) ** -40
                derivative = (as_written(text, t + step, x) - as_written(text, t - step, x)) / (2 * step)
            found, balls = by_float(np.array(t), np.array(x)), by_ball(flint.arb(t), flint.arb(x))
            scale = 1e-15 * (1 + abs(t)) * (1 + abs(x))
            assert float(found[0]) == pytest.approx(float(value), rel=1e-13, abs=scale), (t, x)
            assert float(found[1]) == pytest.approx(float(derivative), rel=1e-9, abs=scale), (t, x)
            assert balls[0].is_finite()
            assert balls[1].is_finite()
            assert abs(number(balls[0]) - value) <= float(balls[0].rad()) + mpmath.mpf(10) ** -30, (t, x)
            with USING.working():
                over = value_of(USING, expression, {T: USING.number(t), X: USING.number(x)})
            low, high = (mpmath.make_mpf(end) for end in over._mpi_)
            with mpmath.workdps(150):
                assert low - mpmath.mpf(10) ** -100 <= value <= high + mpmath.mpf(10) ** -100


def test_a_rewriting_that_is_no_identity_is_seen():
    wrong = parse_expression("log(1 + exp(t)) + log(exp(t) + exp(x))", SYMBOLS, "loss")
    with mpmath.workdps(30):
        value = as_written("log(1 + exp(-t)) + log(exp(t) + exp(x))", 1.0, 0.5)
    assert float(compile_float([T, X], [wrong])(np.array(1.0), np.array(0.5))[0]) != pytest.approx(float(value))


NOT_READ = [
    "log(1 - exp(t))",
    "log(exp(t) - exp(x))",
    "log(t + exp(t))",
    "log(t*exp(x))",
    "log(-1*exp(t)*t)",
    "log(1 + t**2)",
]


@pytest.mark.parametrize("text", NOT_READ)
def test_logs_of_what_may_be_negative_are_left(text):
    assert not parse_expression(text, SYMBOLS, "loss").has(softplus, logsumexp)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=5), st.floats(0, 50))
def test_logsumexp_of_any_numbers(values, width):
    symbols = sp.symbols(f"z:{len(values)}", real=True)
    expression = logsumexp(*symbols)
    with mpmath.workdps(60):
        largest = max(map(mpmath.mpf, values))
        wanted = largest + mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(z) - largest) for z in values))
    found = float(compile_float(symbols, [expression])(*map(np.array, values))[0])
    assert found == pytest.approx(float(wanted), rel=1e-15, abs=4e-16)
    ball = compile_ball(symbols, [expression])(*map(flint.arb, values))[0]
    assert abs(number(ball) - wanted) <= float(ball.rad()) + mpmath.mpf(10) ** -15 * (1 + abs(wanted))
    wide = compile_ball(symbols, [expression])(*(flint.arb(z, width) for z in values))[0]
    assert wide.is_finite()
    assert wide.contains(ball)
    slopes = [sp.diff(expression, z) for z in symbols]
    shares = compile_float(symbols, slopes)(*map(np.array, values))
    assert shares.sum() == pytest.approx(1, abs=1e-10)
    assert (shares >= 0).all()


def test_tiny_values_keep_their_digits():
    found = compile_float([T], [parse_expression(text, {"t": T}, "loss") for text in ("log(1 + exp(t))", "log1p(t)")])
    assert found(np.array(-700.0))[0] == pytest.approx(float(mpmath.exp(-700)), rel=1e-12)
    assert found(np.array(1e-30))[1] == 1e-30


def test_problems_written_with_exponentials_are_finite():
    problem = Problem("x*log(1 + exp(800*t))", ["t"], Empirical({"x": [1, 2]}))
    assert problem.row_gradients([1.0]).ravel().tolist() == [800, 1600]
    assert problem.row_losses([1.0]).tolist() == [800, 1600]
    plain = Problem("-x*log(1/(1 + exp(-t)))", ["t"], Empirical({"x": [1, 2]}))
    assert plain.row_gradients([-1e5]).ravel().tolist() == [-1, -2]
    assert plain.row_gradients_ball([flint.arb(0, 1e5)])[0][0].is_finite()


def test_lanes_have_the_values_of_floats():
    expressions = [parse_expression(text, SYMBOLS, "loss") for text in (*FORMS, "log1p(t**2)")]
    lanes = 4
    code = compile_lanes([T], [X], expressions, lanes)
    for t in SIZES:
        points, rows = np.full(lanes, t), np.array([0.5, -1.25, 60.0, 0.0])
        values, scratch = np.empty(len(expressions) * lanes), np.empty(code.scratch * lanes)
        arguments = [array.ctypes.data_as(POINTER) for array in (points, rows, values, scratch)]
        for address in code.addresses:
            ctypes.CFUNCTYPE(None, *[POINTER] * 4)(int(address))(*arguments)
        wanted = compile_float([T, X], expressions)(points, rows)
        np.testing.assert_allclose(values.reshape(-1, lanes).T, wanted, rtol=1e-13, atol=1e-13)
