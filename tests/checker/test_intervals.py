"""The checker's interval bounds of every function of the grammar hold the exact values, and are narrow at points."""

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import iv

from adamsym.checker.intervals import NotCheckable, cosine, exponential, logarithm, value_of, working_precision
from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.parser import parse_expression

X, Y = (sp.Symbol(name, real=True) for name in "xy")
BOUNDED = [name for name in FUNCTIONS if name not in ("atan", "erf", "Abs", "Max", "Min")]
TEXTS = [f"{name}(x)" if name != "logsumexp" else "logsumexp(x, 2*y, 1)" for name in BOUNDED]
TEXTS += ["x**(1/3)", "x**(-2/3)", "x**(3/2)", "x**(-5/2)", "2**x", "x**y", "x**3", "x**(-2)", "x/y", "softplus(x) - y"]
numbers = st.one_of(st.floats(-3, 3), st.floats(0, 50), st.sampled_from([0.0, 1.0, -40.0, 700.0]))


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(TEXTS), numbers, st.floats(0, 2), numbers, st.floats(0, 2), st.lists(st.floats(0, 1), max_size=4)
)
def test_the_bounds_hold(text, low, width, other, other_width, shares):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    box = [(low, low + width), (other, other + other_width)]
    with working_precision():
        try:
            found = value_of(expression, {s: iv.mpf(list(side)) for s, side in zip((X, Y), box, strict=True)})
        except NotCheckable:
            return
    bottom, top = (mpmath.make_mpf(end) for end in found._mpi_)
    precise = compile_mpmath([X, Y], [expression])
    for share in (0.0, 1.0, *shares):
        with mpmath.workdps(60):
            at = [mpmath.mpf(a) + mpmath.mpf(share) * (mpmath.mpf(b) - mpmath.mpf(a)) for a, b in box]
            exact = precise(*at)[0]
            slack = mpmath.mpf(10) ** -50 * (1 + abs(exact))
            assert bottom - slack <= exact <= top + slack, at


@pytest.mark.parametrize("text", TEXTS)
def test_the_bounds_are_narrow_at_points(text):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    with working_precision():
        found = value_of(expression, {X: iv.mpf(1.375), Y: iv.mpf(0.25)})
        wrong = value_of(expression, {X: iv.mpf(1.375 + 1e-9), Y: iv.mpf(0.25)})
    assert float(found.delta.b) < 1e-22 * (1 + abs(float(found.mid)))
    # The control: a number next to it has other bounds.
    assert found.b < wrong.a or wrong.b < found.a


@pytest.mark.parametrize(
    "text", ["log(x)", "log1p(2*x)", "sqrt(x)", "1/x", "x**(-1/3)", "x**(1/3)", "x**y", "(-x)**(-2)"]
)
def test_outside_of_the_domain_there_are_none(text):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    with working_precision(), pytest.raises(NotCheckable):
        value_of(expression, {X: iv.mpf([-1, 1]), Y: iv.mpf(0.25)})


def _holds(function, precise, x):
    with working_precision():
        bottom, top = (mpmath.make_mpf(end) for end in function(iv.mpf(x))._mpi_)
    with mpmath.workprec(400):
        return bottom <= precise(mpmath.mpf(x)) <= top


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(1e-40, 1e-20) | st.floats(1e-9, 30))
def test_functions_are_rounded_outward_to_the_last_bit(x):
    assert _holds(exponential, mpmath.exp, x)
    assert _holds(exponential, mpmath.exp, -x)
    assert _holds(logarithm, mpmath.log, x)
    assert _holds(cosine, mpmath.cos, x)


def test_the_exponential_of_mpmath_alone_is_not():
    with working_precision():
        tiny = [2.0**-k * (1 + j / 16) for k in range(90, 112) for j in range(16)]
    assert not all(_holds(iv.exp, mpmath.exp, x) for x in tiny)
    assert all(_holds(exponential, mpmath.exp, x) for x in tiny)


@pytest.mark.parametrize("text", ["sinh(x)", "tanh(x)"])
@pytest.mark.parametrize("x", [1e-299, -1e-200, 1e-30, -9e-13, 1e-12, 1e-6])
def test_the_bounds_are_narrow_next_to_zero(text, x):
    """Relative to the value, which a difference of exponentials would lose."""
    expression = parse_expression(text, {"x": X}, "test")
    with working_precision():
        found = value_of(expression, {X: iv.mpf(x)})
    bottom, top = (mpmath.make_mpf(end) for end in found._mpi_)
    with mpmath.workdps(700):
        exact = compile_mpmath([X], [expression])(mpmath.mpf(x))[0]
        assert bottom <= exact <= top
        assert (top - bottom) / abs(exact) < 1e-10


def test_large_angles_are_reduced():
    with working_precision():
        found = value_of(sp.sin(X), {X: iv.mpf(6.0476e250)})
        assert float(found.delta.b) < 1e-20
        assert value_of(sp.sin(X), {X: iv.mpf(2) ** 1200}).delta == 2
    bottom, top = (mpmath.make_mpf(end) for end in found._mpi_)
    with mpmath.workdps(300):
        assert bottom <= mpmath.sin(mpmath.mpf(6.0476e250)) <= top
