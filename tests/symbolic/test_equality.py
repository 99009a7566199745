import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.symbolic import Check, Derivation, DerivationError, Step, exact_equality, numerical_equality
from adamsym.symbolic.derivation import checked_step
from adamsym.symbolic.equality import all_of

x = sp.Symbol("x", positive=True)


def draw(generator):
    return (mpmath.mpf(generator.randint(1, 1000)) / 997,)


def test_an_identity_is_exact_and_its_near_miss_is_not():
    assert exact_equality(1 / (1 + sp.sqrt(x)), (1 - sp.sqrt(x)) / (1 - x)).ok
    assert not exact_equality(1 / (1 + sp.sqrt(x)), (1 + sp.sqrt(x)) / (1 - x)).ok


def test_exactness_is_never_claimed_for_floats_or_beyond_the_budget():
    assert "floating-point" in exact_equality(sp.Float("0.5") * x, sp.Rational(1, 2) * x).text
    big = exact_equality((x + 1) ** 5, sp.expand((x + 1) ** 5), budget=3)
    assert not big.ok
    assert big.text.startswith("undecided")


def test_digits_are_told_apart_at_the_stated_tolerance():
    assert numerical_equality(mpmath.sin, lambda v: mpmath.cos(mpmath.pi / 2 - v), draw, digits=30).ok
    assert numerical_equality(lambda v: v * (1 + mpmath.mpf(10) ** -32), lambda v: v, draw, digits=30).ok
    assert not numerical_equality(lambda v: v * (1 + mpmath.mpf(10) ** -29), lambda v: v, draw, digits=30).ok


def test_thirty_digits_are_asked_for_unless_others_are():
    assert numerical_equality(lambda v: v * (1 + mpmath.mpf("5e-31")), lambda v: v, draw).ok
    assert not numerical_equality(lambda v: v * (1 + mpmath.mpf("2e-30")), lambda v: v, draw).ok


@pytest.mark.parametrize("value", [mpmath.nan, mpmath.inf, mpmath.mpc(1, 1), mpmath.mpf(0)])
def test_points_that_say_nothing_do_not_count(value):
    check = numerical_equality(lambda v: value, lambda v: value, draw)
    assert not check.ok
    assert "only 0 of 8" in check.text


def test_errors_skip_points_but_not_for_ever():
    def fails(v):
        raise ZeroDivisionError

    assert not numerical_equality(fails, lambda v: v, draw).ok
    assert not numerical_equality(lambda v: [v, v], lambda v: [v], draw).ok


def test_joined_checks_count_identities_and_quote_the_first_failure():
    good, bad = exact_equality(x, x), exact_equality(x, 2 * x)
    assert all_of([good, all_of([good, good])]).text == "exact: SymPy simplifies 3 differences to 0"
    assert all_of([good, Check(True, "seen")]).text == "exact: SymPy simplifies the difference to 0; seen"
    assert all_of([good, bad]) == bad
    assert not all_of([]).ok


def test_a_failing_step_cannot_be_made():
    with pytest.raises(DerivationError, match=r"^Halves: refuted$"):
        checked_step("Halves", "", ["x"], lambda: Check(False, "refuted"))
    step = checked_step("Halves", "", ["a", "b"], lambda: Check(True, "seen"))
    assert step.latex == r"\begin{gathered} a \\ b \end{gathered}"
    with pytest.raises(DerivationError, match="Quarters: no"):
        Derivation("t", (step, Step("Quarters", "", ("x",), "no", False)))
    with pytest.raises(DerivationError, match="no steps"):
        Derivation("t", ())


coefficients = st.lists(st.fractions(-5, 5, max_denominator=9), min_size=2, max_size=5).filter(lambda c: c[-1] != 0)


@settings(max_examples=12, deadline=None)
@given(coefficients, st.fractions(-3, 3, max_denominator=7), st.fractions("1/1000000", 1, max_denominator=10**6))
def test_polynomials_equal_themselves_however_written_and_no_other(listed, shift, difference):
    horner = sp.Integer(0)
    for coefficient in reversed(listed):
        horner = horner * (x - sp.Rational(shift)) + sp.Rational(coefficient)
    expanded = sp.expand(horner)
    assert exact_equality(horner, expanded).ok
    assert not exact_equality(horner, expanded + sp.Rational(difference)).ok
    f, g = (sp.lambdify(x, one, "mpmath") for one in (horner, expanded))

    assert numerical_equality(f, g, draw).ok
    assert not numerical_equality(f, lambda value: g(value) + mpmath.mpf(float(difference)), draw).ok
