"""The checker's bounds of every function of the grammar hold the exact values, and are narrow at points."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from arithmetics import BALLS, SLOW, ends, holds, in_both, width
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import iv

from adamsym.checker.arithmetic import NotCheckable, is_not_zero
from adamsym.checker.exact_values import value_at
from adamsym.checker.values import value_of
from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.parser import parse_expression

X, Y = (sp.Symbol(name, real=True) for name in "xy")
SEVERAL = {"logsumexp": "logsumexp(x, 2*y, 1)", "Max": "Max(x, 2*y, 1)", "Min": "Min(x, 9*y, 2)"}
TEXTS = [SEVERAL.get(name, f"{name}(x)") for name in FUNCTIONS]
TEXTS += ["x**(1/3)", "x**(-2/3)", "x**(3/2)", "x**(-5/2)", "2**x", "x**y", "x**3", "x**(-2)", "x/y", "softplus(x) - y"]
numbers = st.one_of(st.floats(-3, 3), st.floats(0, 50), st.sampled_from([0.0, 1.0, -40.0, 700.0]))


@in_both
@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(TEXTS), numbers, st.floats(0, 2), numbers, st.floats(0, 2), st.lists(st.floats(0, 1), max_size=4)
)
def test_the_bounds_hold(using, text, low, width, other, other_width, shares):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    box = [(low, low + width), (other, other + other_width)]
    with using.working():
        try:
            found = value_of(using, expression, {s: using.between(*side) for s, side in zip((X, Y), box, strict=True)})
        except NotCheckable:
            return
    precise = compile_mpmath([X, Y], [expression])
    for share in (0.0, 1.0, *shares):
        with mpmath.workdps(60):
            at = [mpmath.mpf(a) + mpmath.mpf(share) * (mpmath.mpf(b) - mpmath.mpf(a)) for a, b in box]
            exact = precise(*at)[0]
            assert holds(found, exact, mpmath.mpf(10) ** -50 * (1 + abs(exact))), at


@in_both
@pytest.mark.parametrize("text", TEXTS)
def test_the_bounds_are_narrow_at_points(using, text):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    with using.working():
        found = value_of(using, expression, {X: using.number(1.375), Y: using.number(0.25)})
        wrong = value_of(using, expression, {X: using.number(1.375 + 1e-9), Y: using.number(0.25)})
        # The control: a number next to it has other bounds.
        assert is_not_zero(wrong - found) or text in SEVERAL
    assert width(found) < 1e-22 * (1 + abs(float(using.middle(found))))


@in_both
@pytest.mark.parametrize(
    "text", ["log(x)", "log1p(2*x)", "sqrt(x)", "1/x", "x**(-1/3)", "x**(1/3)", "x**y", "(-x)**(-2)"]
)
def test_outside_of_the_domain_there_are_none(using, text):
    expression = parse_expression(text, {"x": X, "y": Y}, "test")
    with using.working(), pytest.raises(NotCheckable):
        value_of(using, expression, {X: using.between(-1, 1), Y: using.number(0.25)})


def _holds(using, function, precise, x):
    with using.working():
        found = function(using.number(x))
    with mpmath.workprec(400):
        return holds(found, precise(mpmath.mpf(x)))


@in_both
@settings(max_examples=150, deadline=None, derandomize=True)
@given(x=st.floats(1e-40, 1e-20) | st.floats(1e-9, 30))
def test_functions_are_rounded_outward_to_the_last_bit(using, x):
    assert _holds(using, using.exponential, mpmath.exp, x)
    assert _holds(using, using.exponential, mpmath.exp, -x)
    assert _holds(using, using.logarithm, mpmath.log, x)
    assert _holds(using, using.cosine, mpmath.cos, x)
    assert _holds(using, using.sine, mpmath.sin, x)
    assert _holds(using, using.arctangent, mpmath.atan, x)
    assert _holds(using, using.error_function, mpmath.erf, x)


@in_both
@settings(max_examples=100, deadline=None, derandomize=True)
@given(low=st.floats(-4, 4) | st.floats(1e-8, 1e-3), width=st.floats(1e-5, 2), shares=st.lists(st.floats(0, 1)))
def test_sines_and_cosines_are_as_wide_as_their_values(using, low, width, shares):
    with using.working():
        x = using.between(low, low + width)
        below, above = ends(x)
        for found, function in ((using.sine(x), mpmath.sin), (using.cosine(x), mpmath.cos)):
            least, most = ends(found)
            with mpmath.workprec(200):
                values = [function(below + (above - below) * share) for share in (0, 1, *shares)]
                assert least <= min(values)
                assert max(values) <= most
                # Where the derivative has no zero, sin and cos have their least and largest values at the ends.
                other = mpmath.pi / 2 if function is mpmath.sin else mpmath.mpf(0)
                turns = mpmath.ceil((below - other) / mpmath.pi) <= mpmath.floor((above - other) / mpmath.pi)
                near = min(abs(mpmath.sin(end - other)) for end in (below, above)) < width
                if not (turns or near):
                    assert most - least <= (max(values) - min(values)) * (1 + 1e-6) + 1e-15


def test_the_exponential_of_mpmath_alone_is_not():
    with SLOW.working():
        tiny = [2.0**-k * (1 + j / 16) for k in range(90, 112) for j in range(16)]
    assert not all(_holds(SLOW, iv.exp, mpmath.exp, x) for x in tiny)
    assert all(_holds(SLOW, SLOW.exponential, mpmath.exp, x) for x in tiny)


@in_both
@pytest.mark.parametrize("text", ["sinh(x)", "tanh(x)", "atan(x)", "erf(x)"])
@pytest.mark.parametrize("x", [1e-299, -1e-200, 1e-30, -9e-13, 1e-12, 1e-6])
def test_the_bounds_are_narrow_next_to_zero(using, text, x):
    """Relative to the value, which a difference of exponentials would lose."""
    expression = parse_expression(text, {"x": X}, "test")
    with using.working():
        found = value_of(using, expression, {X: using.number(x)})
    with mpmath.workdps(700):
        exact = compile_mpmath([X], [expression])(mpmath.mpf(x))[0]
        low, high = ends(found)
        assert low <= exact <= high
        assert (high - low) / abs(exact) < 1e-10


@in_both
@pytest.mark.parametrize("name", ["atan", "erf"])
@pytest.mark.parametrize("x", [0.0, 0.5, -1.0, 1.0, 1.999, 2.0, -2.5, 6.0, -40.0, 1e5, 1e300])
@pytest.mark.parametrize("bits", [90, 200])
def test_arctangents_and_error_functions_hold_precise_values(using, name, x, bits):
    using = type(using)(bits)
    with using.working():
        found = value_of(using, getattr(sp, name)(X), {X: using.number(x)})
    with mpmath.workprec(3000 if abs(x) < 50 else 300):
        exact = getattr(mpmath, name)(mpmath.mpf(x))
        low, high = ends(found)
        assert low <= exact <= high
        # The controls: bounds of a number next to it, and wide ones.
        assert not low <= exact * (1 + mpmath.mpf(2) ** -40) <= high or exact == 0 or abs(x) > 1e4
        assert high - low <= abs(exact) * mpmath.mpf(2) ** (12 - bits)


@in_both
def test_large_angles_are_reduced(using):
    with using.working():
        found = value_of(using, sp.sin(X), {X: using.number(6.0476e250)})
        far = value_of(using, sp.sin(X), {X: using.power(using.number(2), 1200)})
    assert width(found) < 1e-20
    assert ends(far)[0] <= -1
    assert ends(far)[1] >= 1
    with mpmath.workdps(300):
        assert holds(found, mpmath.sin(mpmath.mpf(6.0476e250)))


@in_both
def test_what_is_no_number_proves_nothing(using):
    """Neither comparisons nor bounds: of nan, of what has infinite ends, nor of powers of what may be 0."""
    with using.working():
        infinite = using.number(float("inf"))
        for x in (infinite - infinite, using.between(-infinite, infinite), using.number(1) / using.between(-1, 1)):
            assert not any((x > 0, x < 0, x >= 0, x <= 0, is_not_zero(x)))
            assert not using.is_bounded(x)
            assert not using.least_magnitude(x) > 0
            assert not using.magnitude(x) < 1e300
            assert not using.upper(x) < 1e300
            assert not using.least_bound([x]) < 1e300
            assert not using.largest([x, using.number(1)]) < 1e300
            assert not using.least([x, using.number(1)]) > -1e300
            assert not using.is_bounded(using.hull(x, using.number(1)))
            assert not using.is_bounded(using.around_zero(x))
            # Of two bounds of one number the other still holds.
            assert using.least_bound([x, using.number(1)]) == 1
            assert using.overlap(x, using.number(1)) == 1
            with pytest.raises(NotCheckable):
                value_of(using, X, {X: x})
        around = using.between(-2, 1)
        assert holds(using.square(around), 0)
        assert holds(using.square(around), 4)
        assert not using.square(around) > 5
        assert holds(using.power(around, 3), -8)
        assert holds(using.root(using.between(-1e-30, 4)), 2)


def test_balls_hold_the_ends_of_boxes():
    """Their radius is rounded: so they are no region in which a zero is asserted to lie."""
    with BALLS.working():
        for low, high in ((0.1, 0.3), (1.0, 1.0 + 2**-30), (-1e-9, 1e9)):
            side = BALLS.between(low, high)
            assert holds(side, low)
            assert holds(side, high)
            assert width(side) < (high - low) * (1 + 1e-8)


@in_both
def test_exact_values_of_powers_whose_exponents_are_values(using):
    at = {X: Fraction(4, 9), Y: Fraction(0)}
    exact = {
        "x**y": Fraction(1),
        "x**(y + 3/2)": Fraction(8, 27),
        "x**(y - 2)": Fraction(81, 16),
        "(x - 4/9)**(y + 1)": Fraction(0),
        "log(2)*(2**y - 1)": Fraction(0),
    }
    with using.working():
        for text, value in exact.items():
            assert value_at(using, parse_expression(text, {"x": X, "y": Y}, "test"), at) == value
        others = {"x**(y + 1/3)": mpmath.cbrt(mpmath.mpf(4) / 9), "2**exp(y + 1)": mpmath.mpf(2) ** mpmath.e}
        for text, value in others.items():
            assert holds(value_at(using, parse_expression(text, {"x": X, "y": Y}, "test"), at), value, slack=1e-15)
