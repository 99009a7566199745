"""The conditions read from a text say where what is written is real: against evaluation part by part with mpmath."""

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import InputError
from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.parser import parse_with_domain

SYMBOLS = {name: sp.Symbol(name, real=True) for name in ("t", "x")}
ONE_ARGUMENT = ("exp", "sin", "cos", "sinh", "cosh", "tanh", "atan", "erf", "log", "sqrt", "sigmoid", "softplus", "Abs")


class NotReal(Exception):
    pass


class Unclear(Exception):
    """A number so small or large that rounding may have made it."""


def clear(value):
    if value != 0 and not 1e-20 < abs(value) < 1e20:
        raise Unclear
    return value


def real(value):
    if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
        raise NotReal
    return value


def power(base, exponent):
    clear(base)
    if exponent == int(exponent):
        if exponent <= 0 and base == 0:
            raise NotReal
        return base ** int(exponent)
    if base < 0 or (base == 0 and exponent < 0):
        raise NotReal
    return base**exponent


def function(name, z):
    clear(z)
    if (name == "log" and z <= 0) or (name == "sqrt" and z < 0):
        raise NotReal
    own = {
        "Abs": abs,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    }
    return (own.get(name) or getattr(mpmath, name))(z)


@st.composite
def trees(draw, depth=3):
    """A tree of what is written: (text, function of the values of t and x)."""
    kind = draw(st.sampled_from(["t", "x", "number"] if depth == 0 else ["t", "number", "+", "*", "/", "**", "f", "f"]))
    if kind in ("t", "x"):
        return kind, lambda values, kind=kind: values[kind]
    if kind == "number":
        number = draw(st.sampled_from(["0", "1", "2", "3", "1/2", "-1", "-1/3"]))
        return f"({number})", lambda values, number=number: mpmath.mpf(sp.Rational(number).p) / sp.Rational(number).q
    if kind == "f":
        name = draw(st.sampled_from(ONE_ARGUMENT))
        text, value = draw(trees(depth - 1))
        return f"{name}({text})", lambda values: real(function(name, value(values)))
    text, value = draw(trees(depth - 1))
    if kind == "**":
        exponent = draw(st.sampled_from(["0", "1/2", "1/3", "2", "3", "-1", "-2", "-3/2", "2/3"]))
        number = sp.Rational(exponent)
        return f"({text})**({exponent})", lambda values: real(power(value(values), mpmath.mpf(number.p) / number.q))
    other_text, other = draw(trees(depth - 1))

    def joined(values):
        left, right = value(values), other(values)
        if kind == "/" and clear(right) == 0:
            raise NotReal
        return real(left + right if kind == "+" else left * right if kind == "*" else left / right)

    return f"({text}){kind}({other_text})", joined


POINTS = [{"t": t, "x": x} for t in (-2, -1, 0, 1, 3) for x in (-1, 0, 2)]


def check(text, value):
    """Whether it was compared: the conditions hold at a point just where every part of what is written is real."""
    try:
        expression, domain = parse_with_domain(text, SYMBOLS, "t")
    except InputError:
        return False
    conditions = compile_mpmath(list(SYMBOLS.values()), [one.expression for one in domain])
    whole = compile_mpmath(list(SYMBOLS.values()), [expression])
    compared = False
    for point in POINTS:
        values = {name: mpmath.mpf(number) for name, number in point.items()}
        with mpmath.workdps(40):
            try:
                wanted = value(values)
            except NotReal:
                wanted = None
            except Unclear:
                continue
            try:
                numbers = conditions(*values.values())
            except (ArithmeticError, ValueError):
                numbers = [mpmath.nan] * len(domain)
            holds = all(
                not isinstance(number, mpmath.mpc) and mpmath.isfinite(number) and one.proved(number, number)
                for one, number in zip(domain, numbers, strict=True)
            )
            # SymPy may draw a square out of a root, (x*t**2)**(1/3): at t = 0 that is real for x < 0, but refused.
            split = any(isinstance(number, mpmath.mpc) or mpmath.isnan(number) for number in numbers)
            assert holds == (wanted is not None) or (split and not holds), (text, point, domain)
            if holds and wanted is not None:
                got = whole(*values.values())[0]
                assert abs(got - wanted) <= 1e-25 * (1 + abs(wanted)), (text, point)
        compared = True
    return compared


@settings(max_examples=150, deadline=None)
@given(trees())
def test_conditions_hold_just_where_every_part_is_real(tree):
    check(*tree)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(trees(depth=4))
def test_many_conditions(tree):
    check(*tree)


LOST_BY_SYMPY = [
    ("t/t", "t other than 0"),
    ("0*log(t)", "t positive"),
    ("exp(log(t))", "t positive"),
    ("sqrt(t)**2", "t at least 0"),
    ("log(t) - log(t)", "t positive"),
    ("t**0", "t other than 0"),
    ("1/(1/t)", "t other than 0"),
    ("(t**(1/3))**3", "t at least 0"),
    ("log(t**2)", "t**2 positive"),
    ("t**x", "t positive"),
    ("(t - 1)/(t - 1)", "t - 1 other than 0"),
    ("Max(0, sqrt(t - 1) - sqrt(t - 1))", "t - 1 at least 0"),
]


@pytest.mark.parametrize(("text", "condition"), LOST_BY_SYMPY)
def test_what_simplifies_away_keeps_its_condition(text, condition):
    _, domain = parse_with_domain(text, SYMBOLS, "t")
    assert any(str(one).endswith(f"needs {condition}") for one in domain), domain


ALWAYS = [
    "log(1 + exp(t))",
    "sqrt(t**2 + x**2)",
    "1/(1 + t**2)",
    "log(cosh(t))",
    "2**t",
    "t/(-1 - x**2)",
    "sqrt(Abs(t))",
]


@pytest.mark.parametrize("text", ALWAYS)
def test_what_is_real_everywhere_has_no_condition(text):
    assert parse_with_domain(text, SYMBOLS, "t")[1] == ()


NEVER = ["log(-1)", "sqrt(2 - 3)*t", "0*log(0)", "t/(1 - 1)", "(-8)**(1/3)", "log(1 - 1 - t*0)"]


@pytest.mark.parametrize("text", NEVER)
def test_what_is_real_nowhere_is_refused(text):
    with pytest.raises(InputError, match=r"^t: "):
        parse_with_domain(text, SYMBOLS, "t")


def test_a_check_without_a_condition_fails(monkeypatch):
    from adamsym.expressions import parser

    monkeypatch.setattr(parser._Reader, "require", lambda *arguments: None)
    with pytest.raises(AssertionError):
        check("t/t", lambda values: real(values["t"] / values["t"]) if values["t"] else real(mpmath.inf))
