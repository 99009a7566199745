"""The command that states signs and zeros for Coq: what it prints and writes, and its refusals in one line."""

import shutil
from pathlib import Path

import pytest

from adamsym.cli import prove
from adamsym.formal import coqc

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = str(EXAMPLES / "three_points.toml")


def test_a_sign_is_written_with_its_theorem(run):
    printed = run("prove", FILE, "--at", "theta=499/500", "-o", "sign.v")
    assert printed.startswith("stated, and to be checked by coqc: f_theta(499/500) > 0, for every beta1 in [0, 1)")
    assert "Theorem sign :" in Path("sign.v").read_text()
    found = run("prove", FILE, "--at", "theta=2", "-o", "other.v", "--json")
    assert found["statement"].startswith("f_theta(2) < 0")
    assert found["file"] == "other.v"
    assert "sign lemma" in found["method"]


def test_a_zero_and_a_critical_point(run):
    assert "zero strictly between 499/500 and 1" in run("prove", FILE, "--zero", "0.998:1")
    assert "1 is a critical point of the loss" in run("prove", FILE, "--at", "theta=1", "--not-zero")


def test_a_conditional_statement_says_so_in_its_first_word(run):
    near = ("prove", FILE, "--at", "theta=0.9995", "--conditional", "-o", "near.v")
    printed = run(*near)
    assert printed.startswith(
        "conditional: stated, and to be checked by coqc: f_theta(1999/2000) > 0, for beta1 = 9/10"
    )
    assert "premise: the quadrature lemma" in printed
    assert Path("near.v").read_text().startswith("(* CONDITIONAL: ")
    assert run(*near, "--json")["grade"] == "conditional"
    assert run("prove", FILE, "--at", "theta=0.5", "--conditional", "--json")["grade"] == "formal"


def test_nothing_is_written_where_nothing_is_decided(run):
    printed = run("prove", FILE, "--at", "theta=0.9995", "-o", "sign.v", code=3)
    assert printed.startswith("undecided: the sign of f_theta at 1999/2000\n")
    assert not Path("sign.v").exists()
    assert run("prove", FILE, "--at", "theta=0.9995", "--json", code=3)["file"] is None


def test_the_library_is_written(run):
    assert run("prove", "--library", "adamsym_coq").startswith("the Coq library, ")
    assert "Definition is_field" in Path("adamsym_coq/Field.v").read_text()
    assert Path("adamsym_coq/_CoqProject").exists()


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ([], "FILE"),
        ([FILE, "--zero", "0.5"], "--zero"),
        ([FILE, "--zero", "1:2", "--at", "theta=1"], "--zero"),
        ([FILE, "--zero", "1:2"], "--zero"),
        ([FILE, "--at", "theta=0.5", "--not-zero"], "--at"),
        ([FILE, "--at", "theta=1", "--not-zero", "--coordinate", "theta"], "--not-zero"),
        ([FILE, "--at", "theta=1", "--not-zero", "--conditional"], "--conditional"),
        ([FILE, "--coordinate", "x"], "--coordinate"),
        ([FILE, "-o", "sign.txt"], "-o"),
        ([str(EXAMPLES / "huber.toml")], "problem.loss"),
        ([str(EXAMPLES / "exponential.toml")], "data"),
    ],
)
def test_wrong_input_is_one_line(run, arguments, place):
    assert place in run("prove", *arguments, code=2)


def test_axioms_are_grouped_and_named_in_full_for_scripts(run, monkeypatch):
    axioms = (*sorted(prove.REALS), "Mine.lemma", *(f"{name}axiom{k}" for name in prove.MACHINE_INTEGERS for k in "12"))
    monkeypatch.setattr(coqc, "check_with_coq", lambda text: coqc.KernelReport(True, axioms, "", "8.16.1"))
    asked = ("prove", FILE, "--at", "theta=0.5", "--check")
    [line] = [line for line in run(*asked).splitlines() if line.startswith("axioms: ")]
    assert line == (
        "axioms: 1 that Coq does not come with (Mine.lemma), 4 of Coq's real numbers "
        f"({', '.join(sorted(prove.REALS))}), 6 of its machine integers (named with --json)"
    )
    assert run(*asked, "--json")["axioms"] == list(axioms)
    monkeypatch.setattr(coqc, "check_with_coq", lambda text: coqc.KernelReport(True, (), "", "8.16.1"))
    assert "\naxioms: none\n" in run(*asked)


def test_without_coq_a_check_is_refused_in_one_line(run, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "coqc is not installed" in run("prove", FILE, "--at", "theta=0.5", "--check", code=2)
