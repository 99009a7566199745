"""The parser computes what Fractions compute; floats, mpmath and balls agree on every function of the grammar."""

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import InputError
from adamsym.expressions.compilation import compile_ball, compile_float, compile_mpmath
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.parser import parse_expression
from adamsym.methods import Adam

X = sp.Symbol("x", real=True)
NUMBERS = st.integers(0, 9).map(lambda n: (str(n), Fraction(n)))


def combined(children):
    def join(pair_and_sign):
        (left, a), (right, b), sign = pair_and_sign
        value = {"+": a + b, "-": a - b, "*": a * b}[sign]
        return f"({left}) {sign} ({right})", value

    def negated(pair):
        return f"-({pair[0]})", -pair[1]

    def squared(pair):
        return f"({pair[0]})**2", pair[1] ** 2

    return st.one_of(
        st.tuples(children, children, st.sampled_from("+-*")).map(join), children.map(negated), children.map(squared)
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(NUMBERS, combined, max_leaves=8))
def test_parsed_arithmetic_is_exact(text_and_value):
    text, value = text_and_value
    if abs(value) < 10**300:
        assert parse_expression(text, {}, "t") == sp.Rational(value.numerator, value.denominator)


@pytest.mark.parametrize(
    ("text", "value"),
    [("-2**2", -4), ("2**-1", "1/2"), ("2**3**2", 512), ("6/3/2", 1), ("1-2-3", -4), ("0.1+0.2", "3/10"), ("--2", 2)],
)
def test_precedence(text, value):
    assert parse_expression(text, {}, "t") == sp.Rational(value)


@settings(max_examples=300, deadline=None)
@given(st.text("x0123456789.+-*/()e ,_[]\"'%exp", max_size=40))
def test_any_text_is_an_expression_or_bad_input(text):
    try:
        result = parse_expression(text, {"x": X}, "t")
    except InputError as error:
        message = str(error)
    else:
        assert isinstance(result, sp.Expr)
        assert result.free_symbols <= {X}
        return
    assert message.startswith("t: ")
    assert "\n" not in message


@given(st.fractions(max_denominator=10**6), st.floats(-1e290, 1e290))
def test_numbers_are_exact(fraction, number):
    if fraction:
        assert exact_rational(f"{fraction.numerator}/{fraction.denominator}", "t") == fraction
    if abs(number) > 1e-290:
        assert float(exact_rational(number, "t")) == number
    assert exact_rational(0.1, "t") == Fraction(1, 10)


def test_the_ends_of_the_range_are_in_it():
    """The float nearest to 1e-300 is above it."""
    for end, beyond in ((Fraction(1, 10**300), Fraction(1, 10**300 + 1)), (Fraction(10**300), Fraction(10**300 + 1))):
        assert exact_rational(end, "t") == end
        with pytest.raises(InputError, match="out of range"):
            exact_rational(beyond, "t")
    assert Adam("0.5", "0.9", "1e-300").epsilon == Fraction(1, 10**300)


@pytest.mark.parametrize("value", ["nan", "inf", "1e301", "1e-301", "1_000", "\u0663", True, None, [1], "1/0", "", 1j])
def test_what_is_no_number(value):
    with pytest.raises(InputError, match=r"^t: "):
        exact_rational(value, "t")


DERIVATIVES = [(name, order) for name in FUNCTIONS for order in (0, 1, 2)]


@pytest.mark.parametrize(("name", "order"), DERIVATIVES)
def test_three_arithmetics_agree(name, order):
    argument = X**2 + sp.Rational(3, 10) if name in ("log", "log1p", "sqrt") else X
    arguments = (argument, sp.Rational(1, 4)) if name in ("Max", "Min") else (argument,)
    arguments = (X, -2 * X, sp.Rational(1, 4)) if name == "logsumexp" else arguments
    expression = sp.diff(FUNCTIONS[name].symbolic(*arguments), X, order).replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    by_float = compile_float([X], [expression])
    by_mpmath = compile_mpmath([X], [expression])
    by_ball = compile_ball([X], [expression])
    for number in (-4.75, -0.625, 0.5, 2.375):
        with mpmath.workdps(40):
            exact = by_mpmath(mpmath.mpf(number))[0]
        ball = by_ball(flint.arb(number))[0]
        assert float(by_float(np.array(number))[0]) == pytest.approx(float(exact), rel=1e-12, abs=1e-14)
        known = flint.arb(mpmath.nstr(exact, 35))
        wide = by_ball(flint.arb(number, 0.01))[0]
        assert ball.overlaps(known)
        assert wide.is_finite()
        assert wide.overlaps(known)
        if exact != 0:
            assert not ball.overlaps(known * (1 + flint.arb("1e-9")))


@pytest.mark.parametrize("exponent", [2, 3, 4, 5, -2])
@pytest.mark.parametrize(
    "ball",
    [flint.arb(0, 1.25), flint.arb(0.5, 1), flint.arb(0), flint.arb(-2, 0.5), flint.arb(2, 1.9), flint.arb(-3, 2.5)],
)
def test_integer_powers_of_balls(exponent, ball):
    found = compile_ball([X], [X**exponent])(ball)[0]
    ends = [ball.lower(), ball.upper()]
    if exponent < 0 and ball.contains(0):
        assert not found.is_finite()
        return
    assert all(found.overlaps(end**exponent) for end in ends)
    assert ball.contains(0) or not found.contains(0)
    assert found.abs_upper() <= 1.3 * max((abs(end) ** exponent for end in ends), key=float)


def test_balls_at_kinks_hold_both_slopes():
    slope = compile_ball([X], [sp.diff(sp.Abs(X), X)])
    ball = slope(flint.arb(0))[0]
    assert ball.contains(flint.arb(1))
    assert ball.contains(flint.arb(-1))
    assert not ball.contains(flint.arb(2))
    assert not compile_ball([X], [sp.log(X)])(flint.arb(-1))[0].is_finite()


def test_extremes_neither_overflow_nor_cancel():
    softplus, sigmoid = FUNCTIONS["softplus"].symbolic, FUNCTIONS["sigmoid"].symbolic
    values = compile_float([X], [softplus(X), sigmoid(X)])
    assert values(np.array(800.0)).tolist() == [800.0, 1.0]
    low = values(np.array(-700.0))
    assert low == pytest.approx([float(mpmath.exp(-700))] * 2, rel=1e-12)


def test_numbers_beyond_all_floats_are_no_faults():
    # Such as 4e600, an integer of Python, in the second derivative of exp(-1e300 x^2).
    values = compile_float([X], [X * sp.Integer(10) ** 600, X])(np.array([0.1]))
    assert values.shape == (1, 2)
    assert not np.isfinite(values[0, 0])
