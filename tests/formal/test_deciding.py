"""What is stated: signs agree with enclosures, near misses are left undecided, wrong input is one line."""

import re
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statements import FUNCTIONS, LABELLED, METHODS, SKEWED, STATEMENTS, logistic, mean_problem, patients, rational

from adamsym import (
    Adam,
    AdamEpsInsideRoot,
    AdamField,
    AdamW,
    Empirical,
    InputError,
    NAdam,
    Problem,
    RMSprop,
    VectorField,
    find_zeros,
)
from adamsym.expressions.errors import NotApplicable
from adamsym.formal import prove_not_zero, prove_sign, prove_zero, write_library
from adamsym.formal.deciding import decide, decide_from_bounds
from adamsym.formal.elementary import value_bounds
from adamsym.formal.export import column, parameter
from adamsym.formal.prove import PREMISE, library_files
from adamsym.formal.quadrature import _Problem, by_quadrature
from adamsym.formal.rational import rational_text, real_text, value
from adamsym.formal.setting import exact_point, setting_of

SMALL = st.fractions(min_value=-3, max_value=3, max_denominator=4)
LAWS = st.lists(SMALL, min_size=2, max_size=4).filter(lambda xs: len(set(xs)) > 1)


@settings(max_examples=40)
@given(LAWS, SMALL, st.sampled_from(METHODS), st.integers(1, 2))
def test_a_decided_sign_is_that_of_the_enclosure(xs, theta, method, batch_size):
    problem = mean_problem(Empirical({"x": xs}), batch_size)
    setting = setting_of(problem, method)
    decision = decide(setting, setting.law((theta,), 0))
    if decision is None:
        return
    # The decision is about the field without weight decay, for every beta1 unless it names one.
    low, high = AdamField(problem, method).enclose([[float(theta), float(theta)]])[0]
    decay = method.decay * float(theta)
    assert low + decay > -1e-12 if decision.sign > 0 else high + decay < 1e-12


@given(st.sampled_from([Fraction(k, 1000) for k in (0, 200, 500, 900, 990, 998)]), st.sampled_from(["0", "0.5", "0.9"]))
def test_a_sign_for_every_beta1_is_that_of_each(theta, beta1):
    decision = decide(setting_of(mean_problem(), Adam()), setting_of(mean_problem(), Adam()).law((theta,), 0))
    assert decision is not None
    assert decision.for_beta1 is None
    low, high = AdamField(mean_problem(), Adam(beta1=beta1)).enclose([[float(theta)] * 2])[0]
    assert low > 0 if decision.sign > 0 else high < 0


@settings(max_examples=30)
@given(LAWS, SMALL, SMALL)
def test_signs_at_two_points_make_a_zero_or_none(xs, low, high):
    problem = mean_problem(Empirical({"x": xs}))
    signs = {point: prove_sign(problem, Adam(), [point]) for point in (low, high)}
    both = all(found.decided for found in signs.values())
    if low < high and both and ("> 0" in signs[low].statement) != ("> 0" in signs[high].statement):
        found = prove_zero(problem, Adam(), low, high)
        assert found.decided
        assert find_zeros(AdamField(problem, Adam()), [[float(low), float(high)]]).zeros
    elif low >= high or both:
        with pytest.raises(InputError):
            prove_zero(problem, Adam(), low, high)
    else:
        assert not prove_zero(problem, Adam(), low, high).decided


@settings(max_examples=30)
@given(LAWS)
def test_the_mean_is_critical_and_stated_to_be_no_zero_only_where_it_is_none(xs):
    problem, mean = mean_problem(Empirical({"x": xs})), sum(xs) / len(xs)
    if prove_not_zero(problem, Adam(), [mean]).decided:
        low, high = AdamField(problem, Adam()).enclose([[float(mean)] * 2])[0]
        assert low > 0 or high < 0
    with pytest.raises(InputError):
        prove_not_zero(problem, Adam(), [mean + 1])


def test_the_library_is_written_whole(tmp_path):
    written = write_library(tmp_path / "new" / "folder")
    assert {path.name: path.read_text() for path in written} == library_files()
    with pytest.raises(InputError):
        write_library(written[0])


@pytest.mark.parametrize("theta", ["0.9995", "0.9996", "0.9994"])
def test_next_to_the_zero_nothing_is_stated(theta):
    found = prove_sign(mean_problem(), Adam(), [theta])
    assert not found.decided
    assert "undecided" in found.statement
    assert found.text == ""


def test_no_sign_where_the_field_vanishes():
    symmetric = Empirical({"x": [-1, 1]})
    assert not prove_sign(mean_problem(symmetric), Adam(), [0]).decided
    assert not prove_not_zero(mean_problem(symmetric), Adam(), [0]).decided


def test_weight_decay_against_the_field_is_left_undecided():
    assert prove_sign(mean_problem(), Adam(), ["0.5"]).decided
    assert not prove_sign(mean_problem(), AdamW(weight_decay="0.1"), ["0.5"]).decided


@pytest.mark.parametrize("name", STATEMENTS)
def test_ten_statements_are_made(name):
    found = STATEMENTS[name]()
    assert found.decided
    assert found.to_dict() == {
        "statement": found.statement,
        "grade": "formal",
        "method": found.method,
        "theorem": found.theorem,
    }
    assert f"Theorem {found.theorem}" in found.text
    assert "Admitted" not in found.text
    assert "Axiom" not in found.text


def test_parameters_that_coq_would_confuse_stay_apart():
    names = ["fun", "fun_", "r", "r_", "data_x", "data_x_", "theta", "Q2R", "loss", "rows"]
    called = [parameter(name) for name in names]
    assert len(set(called)) == len(names)
    assert not {"fun", "r", "data_x", "Q2R"} & set(called)
    problem = Problem("(fun - x)**2 + (2*fun_ + x)**4", ["fun", "fun_"], SKEWED)
    text = prove_sign(problem, Adam(), [0, 3]).text
    assert "Definition loss (fun_ fun__ : R) (r : row) : R :=" in text


def test_no_parameter_is_called_as_a_column_or_as_a_command_of_coq():
    names = ["data_x", "data_x_", "theta_data_x", "theta_data_x_", "fun", "fun_", "Theorem", "Theorem_", "Parameter"]
    columns = {column(name) for name in ("x", "x_", "x__", "theta_data_x")}
    called = [parameter(name) for name in names]
    assert len(set(called)) == len(names)
    assert not columns & set(called)
    assert not {"Theorem", "Parameter"} & set(called)


def test_no_lemma_of_a_file_has_a_name_twice():
    twice = prove_sign(Problem("(a - x)**2", ["a"], SKEWED), Adam(), [0], ["a", "a"])
    assert twice.statement.startswith("f_a(0) > 0, for every")
    critical = prove_not_zero(Problem("(but_no_zero - x)**2", ["but_no_zero"], SKEWED), Adam(), [1])
    for text in (twice.text, critical.text):
        named = re.findall(r"^(?:Lemma|Theorem|Definition|Record) (\w+)", text, re.MULTILINE)
        assert len(set(named)) == len(named)


def test_the_data_stand_in_the_statement():
    text = prove_sign(mean_problem(Empirical({"x": ["1/3", "0.25", "-7"]})), Adam(), ["0.5"]).text
    for number in ("(1 # 3)", "(1 # 4)", "(-7 # 1)", "(1 # 2)", "999 # 1000"):
        assert number in text
    assert "exists f, is_field beta1" in text


def test_the_library_holds_no_hole_and_its_list_is_complete():
    files = library_files()
    listed = [line for line in files["_CoqProject"].splitlines() if line.endswith(".v")]
    assert sorted(listed) == sorted(name for name in files if name.endswith(".v"))
    for name in listed:
        for word in ("Admitted", "Axiom", "admit.", "Parameter "):
            assert word not in files[name], name


@given(SMALL, SMALL)
def test_texts_have_the_values_of_the_expressions(theta, x):
    problem = Problem("(theta**2 - x)**2/3 + theta*x", ["theta"], SKEWED)
    expression = problem.gradient_expressions[0]
    exact = value(expression, {"theta": theta, "x": x})
    assert exact == Fraction(4, 3) * theta * (theta**2 - x) + x
    names = {"theta": "theta", "x": "x"}
    for text in (real_text(expression, names.__getitem__), rational_text(expression, names.__getitem__)):
        python = text.replace("#", "/")
        # The text is one of this test's own problem.
        assert eval(python, {"theta": theta, "x": x}) == pytest.approx(float(exact), abs=1e-12)


def beside(other):
    """A loss whose derivative by a has nothing of the other term."""
    return Problem(f"a**2/2 + a*x + {other}", ["a", "b"], SKEWED)


def refusals():
    continuous = Problem("(theta - x)**2/2", ["theta"], {"x": "Normal(0, 1)"})
    kink = Problem("Abs(theta - x)", ["theta"], SKEWED)
    powers = Problem("exp(theta)/(1 + exp(theta)) + theta*x", ["theta"], SKEWED)
    removed = Problem("(theta - x)**2/2 + (theta - 1/2)*theta/(theta - 1/2)", ["theta"], SKEWED)
    cyclic = Problem("(theta - x)**2/2", ["theta"], SKEWED, sampling="cyclic")
    return {
        "a continuous law": lambda: prove_sign(continuous, Adam(), [0]),
        "a kink": lambda: prove_sign(kink, Adam(), [1]),
        "exponents that Coq would not compare": lambda: prove_sign(powers, Adam(), [1]),
        "not zero, with exp": lambda: prove_not_zero(logistic(LABELLED), Adam(), [1]),
        "conditional, with exp": lambda: prove_sign(logistic(LABELLED), Adam(), [1], conditional=True),
        "figures that cancel": lambda: prove_sign(
            Problem("exp(300*theta) - exp(300*theta + theta/10**25) + theta*x", ["theta"], SKEWED),
            Adam(),
            [1],
        ),
        "a logarithm of a negative number": lambda: prove_sign(
            Problem("theta*log(theta - x)", ["theta"], SKEWED), Adam(), [1]
        ),
        # What stands in another component, or cancels, is real in Coq, where 1/0 = 0 and ln(-1) = 0.
        "a logarithm in another component": lambda: prove_sign(beside("log(b)"), Adam(), [3, -1], ["a"]),
        "a root in another component": lambda: prove_sign(beside("sqrt(b)"), Adam(), [3, "-1e-30"], ["a"]),
        "a quotient in another component": lambda: prove_sign(beside("1/b"), Adam(), [3, 0], ["a"]),
        "a field's other component": lambda: prove_sign(
            VectorField(["x - a", "x/b"], ["a", "b"], SKEWED), Adam(), [5, 0], ["a"]
        ),
        "a quotient that cancels": lambda: prove_sign(removed, Adam(), ["1/2"]),
        "a quotient that cancels between two points": lambda: prove_zero(removed, Adam(), -2, 3),
        "a quotient that cancels at a critical point": lambda: prove_not_zero(
            Problem("(theta - x)**2/2*(theta - 1)/(theta - 1)", ["theta"], SKEWED), Adam(), [1]
        ),
        "rows in their order": lambda: prove_sign(cyclic, Adam(), [0]),
        "too many minibatches": lambda: prove_sign(patients(8), Adam(), [0, 0]),
        "two parameters": lambda: prove_zero(patients(), Adam(), 0, 1),
        "not critical": lambda: prove_not_zero(mean_problem(), Adam(), ["0.5"]),
        "the same sign": lambda: prove_zero(mean_problem(), Adam(), "0.1", "0.5"),
        "turned round": lambda: prove_zero(mean_problem(), Adam(), 2, 1),
        "two numbers": lambda: prove_sign(mean_problem(), Adam(), [0, 1]),
        "an unknown coordinate": lambda: prove_sign(mean_problem(), Adam(), [0], ["y"]),
        "beta2 = 0": lambda: prove_sign(mean_problem(), Adam(0, 0), [0]),
        "no number": lambda: exact_point(["x"], setting_of(mean_problem(), Adam())),
        "conditional, NAdam": lambda: prove_sign(mean_problem(), NAdam(), [0], conditional=True),
        "conditional, eps in the root": lambda: prove_zero(mean_problem(), AdamEpsInsideRoot(), 0, 1, conditional=True),
        "conditional, beta1 too large": lambda: prove_sign(mean_problem(), Adam("0.9", "0.5"), [0], conditional=True),
        "a pole": lambda: prove_sign(Problem("x/theta", ["theta"], SKEWED), Adam(), [0]),
    }


@pytest.mark.parametrize("name", refusals())
def test_refusals_are_one_line(name):
    with pytest.raises(InputError) as caught:
        refusals()[name]()
    assert "\n" not in str(caught.value)


def test_what_is_real_at_the_point_is_stated():
    for other, b in (("log(b)", "1e-30"), ("sqrt(b)", 0), ("1/b", "-1e-30")):
        assert prove_sign(beside(other), Adam(), [3, b], ["a"]).decided
    apart = Problem("(theta - x)**2/2 + theta/(theta**2 - 2*theta + 4)", ["theta"], SKEWED)
    assert prove_zero(apart, Adam(), -2, 3).decided


def test_what_the_library_does_not_define_is_not_applicable():
    for name in ("a continuous law", "a kink", "rows in their order", "too many minibatches", "two parameters"):
        with pytest.raises(NotApplicable):
            refusals()[name]()


def test_denominators_are_exact():
    setting = setting_of(rational(), Adam())
    assert len(setting.law((Fraction(1, 3),), 0)) == 3


@settings(max_examples=15)
@given(
    LAWS,
    SMALL,
    st.sampled_from([Adam("0.9", "0.99"), Adam("0.5", "0.9", "0.1"), Adam(0, "0.95", "0.01"), RMSprop("0.98")]),
    st.sampled_from([1e-1, 1e-3, 1e-6]),
)
def test_the_rule_is_as_near_to_the_field_as_the_quadrature_lemma_says(xs, theta, method, tolerance):
    problem = mean_problem(Empirical({"x": xs}))
    setting = setting_of(problem, method)
    atoms = setting.law((theta,), 0)
    if not all(g for _, g in atoms):
        assert by_quadrature(setting, atoms) is None
        return
    numbers = _Problem(setting, atoms)
    nodes = numbers.nodes(tolerance)
    if nodes is None:
        return
    value, error = numbers.sum(nodes)
    low, high = AdamField(problem, method).enclose([[float(theta)] * 2])[0]
    assert -high - error - 1e-12 <= value <= -low + error + 1e-12
    assert error < 3 * tolerance


def test_next_to_the_zero_a_premise_decides_and_is_told():
    low, high = "0.9995039662", "0.9995039672"
    assert not prove_zero(mean_problem(), Adam(), low, high).decided
    found = prove_zero(mean_problem(), Adam(), low, high, conditional=True)
    assert found.decided
    assert found.grade == found.to_dict()["grade"] == "conditional"
    assert found.premise == found.to_dict()["premise"] == PREMISE
    assert found.summary.startswith("conditional: ")
    assert found.text.startswith("(* CONDITIONAL: ")
    assert "Theorem zero (quadrature_lemma : QuadratureLemma) :" in found.text
    field = AdamField(mean_problem(), Adam())
    assert field.enclose([[float(low)] * 2])[0][0] > 0 > field.enclose([[float(high)] * 2])[0][1]
    # Between floats this near to the zero the errors allowed do not tell the signs apart.
    assert not prove_sign(mean_problem(), Adam(), ["0.99950396669948"], conditional=True).decided


def test_without_need_no_premise_is_taken():
    found = prove_sign(mean_problem(), Adam(), ["0.998"], conditional=True)
    assert found.grade == "formal"
    assert "Quadrature" not in found.text
    assert not prove_sign(mean_problem(Empirical({"x": [-1, 1]})), Adam(), [0], conditional=True).decided


@settings(max_examples=25)
@given(LAWS, SMALL, st.sampled_from(METHODS), st.integers(1, 2))
def test_a_sign_from_bounds_is_that_of_the_enclosure(xs, theta, method, batch_size):
    problem = Problem("softplus(a - x) - a/3 + tanh(a*x)**2/4", ["a"], Empirical({"x": xs}), batch_size)
    setting = setting_of(problem, method)
    decision = decide_from_bounds(setting, setting.law_bounds((theta,), 0))
    if decision is None:
        return
    low, high = AdamField(problem, method).enclose([[float(theta), float(theta)]])[0]
    decay = method.decay * float(theta)
    assert low + decay > -1e-12 if decision.sign > 0 else high + decay < 1e-12


@settings(max_examples=25)
@given(SMALL, SMALL)
def test_bounds_are_near_to_each_other_and_hold_the_value(theta, x):
    problem = Problem("exp(t*x) + sqrt(1 + t**2)*x + sin(t - x) + log1p(t**2)", ["t"], SKEWED)
    expression = problem.gradient_expressions[0]
    low, high = value_bounds(expression, {"t": theta, "x": x})
    with mpmath.workdps(60):
        t, y = (mpmath.mpf(number.numerator) / number.denominator for number in (theta, x))
        exact = y * mpmath.exp(t * y) + t / mpmath.sqrt(1 + t**2) * y + mpmath.cos(t - y) + 2 * t / (1 + t**2)
        assert mpmath.mpf(low.numerator) / low.denominator < exact < mpmath.mpf(high.numerator) / high.denominator
        assert float(high - low) <= 2.0**-47 * max(abs(exact), 2.0**-50)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_statements_with_functions_are_made(name):
    found = FUNCTIONS[name]()
    assert found.decided
    assert "bounds_" in found.text


def test_where_bounds_do_not_tell_the_sign_nothing_is_stated():
    # The field vanishes at 0: the gradients are symmetric.
    symmetric = Problem("tanh(a)*x + a**2", ["a"], Empirical({"x": [-1, 1]}))
    assert not prove_sign(symmetric, Adam(), [0]).decided
