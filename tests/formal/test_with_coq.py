"""What Coq says: the library and ten statements are accepted, near misses are not. Run where coqc is installed."""

import re
from pathlib import Path

import pytest
from statements import FUNCTIONS, STATEMENTS, mean_problem

from adamsym import Adam, AdamW
from adamsym.formal import prove_sign, prove_zero
from adamsym.formal.coqc import assumptions, check_with_coq, coq_version
from adamsym.formal.prove import library_files

pytestmark = [
    pytest.mark.formal,
    pytest.mark.skipif(coq_version() is None, reason="coqc is not installed"),
]

REALS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "Classical_Prop.classic",
    "FunctionalExtensionality.functional_extensionality_dep",
}
"""What Coq's own real numbers rest on."""

MACHINE_INTEGERS = ("PrimInt63.", "Uint63.", "CarryType.")
"""The kernel's integers of 63 bits and their specification, by which intervals compute."""

TAMPERED = {
    "a sign": ("sign", "0 < f)", "0 > f)"),
    "an atom": ("zero", "Row (3 # 1)", "Row (4 # 1)"),
    "theta": ("sign", "(499 # 500)", "(501 # 500)"),
    "a weight": ("zero", "(1 # 3, Row (3 # 1))", "(1 # 2, Row (3 # 1))"),
    "beta2 in the statement": ("histories", "Definition beta2 : Q := 1 # 2.", "Definition beta2 : Q := 999 # 1000."),
    "an end of the interval": ("zero", "< (Q2R (1 # 1))", "< (Q2R (999 # 1000))"),
    "the loss": ("sign", "(r : row) : R :=\n  ((1 / 2)", "(r : row) : R :=\n  ((1 / 3)"),
    "the exact gradient": ("no zero", "exact_at_theta (r : row) : Q := (", "exact_at_theta (r : row) : Q := (1 + "),
}
"""A statement, a text in it, and what stands there in its place."""


def unlisted(report):
    """The axioms that a statement rests on and that are not among those listed."""
    return [axiom for axiom in set(report.axioms) - REALS if not axiom.startswith(MACHINE_INTEGERS)]


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_are_accepted_and_rest_on_listed_axioms(name):
    report = check_with_coq(STATEMENTS[name]().text)
    assert report.accepted, report.message
    assert set(report.axioms) >= {"Classical_Prop.classic"}
    assert unlisted(report) == []


FUNCTIONS_TAMPERED = {
    "a sign": ("histories", "0 < f)", "0 > f)"),
    "a row": ("histories", "Row (3 # 1)", "Row (4 # 1)"),
    "the loss": ("histories", "(softplus (a + ((-1) * Q2R (data_x r))))", "(softplus a)"),
    "a function": ("one lag", "softplus", "tanh"),
    "theta": ("one lag", "(-2 # 5)", "(-3 # 5)"),
    "an end of the interval": ("a zero", "< (Q2R (3 # 1))", "< (Q2R (0 # 1))"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_statements_with_functions_are_accepted_and_rest_on_listed_axioms(name):
    report = check_with_coq(FUNCTIONS[name]().text)
    assert report.accepted, report.message
    assert unlisted(report) == []


@pytest.mark.parametrize("name", FUNCTIONS_TAMPERED)
def test_tampered_statements_with_functions_are_rejected(name):
    statement, old, new = FUNCTIONS_TAMPERED[name]
    text = FUNCTIONS[statement]().text
    assert old in text
    assert not check_with_coq(text.replace(old, new)).accepted


def test_a_bound_that_a_gradient_exceeds_is_rejected():
    text = FUNCTIONS["histories"]().text
    row = re.search(r"^  \(\((-?\d+) # (\d+)\), \((-?\d+) # (\d+)\)\)", text, re.MULTILINE)
    assert row is not None
    above = f"  (({row[3]} # {row[4]}), ({row[3]} # {row[4]}))"
    assert not check_with_coq(text.replace(row[0], above)).accepted


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_statements_are_rejected(name):
    statement, old, new = TAMPERED[name]
    text = STATEMENTS[statement]().text
    assert old in text
    report = check_with_coq(text.replace(old, new))
    assert not report.accepted
    assert report.message


NEAR_ZERO = "0.99951"
"""Where f < 0, by 4e-6."""


def test_conditional_statements_are_accepted_with_their_premise_in_the_theorem():
    zero = prove_zero(mean_problem(), Adam(), "0.9995039662", "0.9995039672", conditional=True)
    decayed = prove_sign(mean_problem(), AdamW(weight_decay="0.01"), [NEAR_ZERO], conditional=True)
    batches = prove_sign(mean_problem(batch_size=2), Adam(), ["0.9998"], conditional=True)
    for found in (zero, prove_sign(mean_problem(), Adam(), [NEAR_ZERO], conditional=True), decayed, batches):
        assert found.grade == "conditional"
        assert f"Theorem {found.theorem} (quadrature_lemma : QuadratureLemma) :" in found.text
        report = check_with_coq(found.text)
        assert report.accepted, report.message
        assert unlisted(report) == []


def fewer_nodes(text):
    """The same range with twice as many lags between nodes: a step too long for the sign."""

    def doubled(found):
        spacing, lower, upper = (int(found[k]) for k in (1, 2, 3))
        return f") {2 * spacing} {lower // 2} {upper // 2} {found[4]} "

    return re.sub(r"\) (\d+) (\d+) (\d+) (\d+) ", doubled, text)


CONDITIONAL = {
    "a sign": lambda text: text.replace("0 > f)", "0 < f)"),
    "an atom": lambda text: text.replace("Row (3 # 1)", "Row (4 # 1)"),
    "theta": lambda text: text.replace("(99951 # 100000)", "(9995 # 10000)"),
    "beta2": lambda text: text.replace("beta2 : Q := 999 # 1000.", "beta2 : Q := 9991 # 10000."),
    "the premise left out": lambda text: text.replace(
        "Theorem sign (quadrature_lemma : QuadratureLemma)", "Theorem sign"
    ),
    "a longer step": fewer_nodes,
}


@pytest.mark.parametrize("name", CONDITIONAL)
def test_tampered_conditional_statements_are_rejected(name):
    text = prove_sign(mean_problem(), Adam(), [NEAR_ZERO], conditional=True).text
    tampered = CONDITIONAL[name](text)
    assert tampered != text
    assert not check_with_coq(tampered).accepted


THEOREMS = {
    "Field": ["field_exists"],
    "OneLag": ["one_lag"],
    "SignLemma": ["sign_lemma", "sign_inequality"],
    "NoiseNumbers": ["noisy_mean", "number_a", "number_b_rare", "number_c"],
    "TwoValues": ["two_values_zero"],
    "UniversalBound": ["universal_bound", "universal_bound_adam", "universal_bound_step"],
    "Decrease": ["decrease", "decrease_every_eps", "decrease_large_batches", "decrease_any_law"],
    "Continuity": ["field_continuous"],
}


def test_theorems_of_the_library_rest_on_listed_axioms():
    files = library_files()
    for file, names in THEOREMS.items():
        for name in names:
            assert re.search(rf"^(Theorem|Lemma|Corollary) {name} ", files[f"{file}.v"], re.MULTILINE), name
    printed = "".join(f"Print Assumptions {name}.\n" for names in THEOREMS.values() for name in names)
    report = check_with_coq(f"From Adamsym Require Import {' '.join(THEOREMS)}.\n{printed}")
    assert report.accepted, report.message
    assert set(report.axioms) == REALS - {"Classical_Prop.classic"}


def test_the_loss_decreases_in_two_coordinates_where_the_noise_is_small_enough():
    text = (Path(__file__).parent / "two_coordinates.v").read_text()
    report = check_with_coq(text)
    assert report.accepted, report.message
    # The summed variance is 1/5 of the squared gradient, and the second coordinate's gradient is not 0.
    for old, new in (("eta := / 5", "eta := / 6"), ("mean second * k", "2 * (mean second * k)")):
        assert old in text
        assert not check_with_coq(text.replace(old, new, 1)).accepted


def test_axioms_are_read_from_what_coq_prints():
    printed = "Axioms:\nA.b : nat\nUint63.add_spec\n  : forall x, x = x\nC'.d\n  : Prop\n"
    assert assumptions(printed) == ("A.b", "C'.d", "Uint63.add_spec")
    assert assumptions("Closed under the global context\n") == ()
