"""The command `verify`: verdicts and codes, selection, replay, JUnit, live table."""

import io
import shlex

import pytest
from junitparser import Error, Failure, JUnitXml
from rich.console import Console

from adamsym.__main__ import main
from adamsym.claims import run_claims
from adamsym.cli.verify import _table

CLAIM = """
from adamsym.claims import Claim, holds, refuted, undecided
claim = Claim("T1", title="t", statement="s", source="here")
@claim.evidence("symbolic")
def evidence():
    return {evidence}
@claim.control("one")
def one():
    return refuted("as it should")
@claim.control("two")
def two():
    return {control}
"""


@pytest.mark.parametrize(
    ("evidence", "control", "verdict", "code"),
    [
        ("holds('yes', cases=1)", "refuted('as it should')", "holds", 0),
        ("refuted('no')", "refuted('as it should')", "refuted", 1),
        ("undecided('who knows')", "refuted('as it should')", "undecided", 3),
        ("holds('yes', cases=1)", "holds('accepted', cases=1)", "undecided", 3),
        ("holds('yes', cases=1)", "undecided('too slow')", "undecided", 3),
        ("holds('yes', cases=1)", "1/0", "undecided", 3),
    ],
)
def test_verify(run, tmp_path, evidence, control, verdict, code):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "t1.py").write_text(CLAIM.format(evidence=evidence, control=control))
    found = run("verify", "claims", "--json", code=code)
    assert (next(iter(found)), found["verdict"]) == ("verdict", verdict)
    [claim] = found["claims"]
    assert (claim["name"], claim["source"], claim["verdict"]) == ("T1", "here", verdict)
    assert {"grade", "verdict", "detail", "seconds"} <= set(claim["evidence"][0])
    assert claim["evidence"][0]["grade"] == "symbolic"
    assert [c["name"] for c in claim["controls"]] == ["one", "two"]
    assert claim["controls"][0]["rejected"] is True
    assert claim["controls"][1]["rejected"] is control.startswith("refuted")
    text = run("verify", "claims", code=code)
    assert text.startswith(f"{int(code == 0)} of 1 claims hold")


DRAWN = """
import random
from adamsym.claims import Claim, refuted, run_seed, scaled
claim = Claim("D", title="drawn numbers are whole", statement="s", source="here")
@claim.evidence("statistical")
def evidence():
    return refuted(f"{random.Random(run_seed(1)).random()} after {scaled(10)} cases")
claim.control("one")(lambda: refuted("no"))
claim.control("two")(lambda: refuted("no"))
"""


def write(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


def test_a_failure_is_replayed_by_the_printed_command(run, tmp_path):
    write(tmp_path, d=DRAWN, h=CLAIM.format(evidence="holds('yes', cases=1)", control="refuted('no')"))
    text = run("verify", ".", "--seed", "7", "--full", code=1)
    detail = next(line for line in text.splitlines() if line.startswith("D: refuted: "))
    again = next(line for line in text.splitlines() if line.startswith("  again: "))
    command = shlex.split(again.removeprefix("  again: "))
    assert command[0] == "adamsym"
    replayed = run(*command[1:], code=1)
    assert detail in replayed
    assert "T1" not in replayed
    # Control: another seed falls over another input.
    assert detail not in run(*[word if word != "7" else "8" for word in command[1:]], code=1)


def test_one_grade(run, tmp_path):
    symbolic = CLAIM.format(evidence="holds('yes', cases=1)", control="refuted('no')")
    both = symbolic + "\nclaim.evidence('property')(lambda: undecided('cannot tell'))"
    write(tmp_path, a=symbolic, b=both.replace('"T1"', '"T2"'))
    found = run("verify", ".", "--grade", "property", "--json", code=3)
    assert [claim["name"] for claim in found["claims"]] == ["T2"]
    assert found["left_out"] == ["T1"]
    assert "left out, having no such evidence: T1" in run("verify", ".", "--grade", "property", code=3)
    text = run("verify", ".", "--grade", "symbolic")
    assert text.startswith("2 of 2 claims hold by the evidence asked for")
    run("verify", ".", code=3)


@pytest.mark.parametrize(
    ("evidence", "verdict", "code"),
    [
        (["holds('yes', cases=1)", "holds('yes', cases=1)"], "holds", 0),
        (["holds('yes', cases=1)", "undecided('who knows')"], "undecided", 3),
        (["undecided('who knows')", "refuted('no')", "holds('yes', cases=1)"], "refuted", 1),
    ],
)
def test_the_worst_verdict_is_that_of_all_claims_together(run, tmp_path, evidence, verdict, code):
    for k, one in enumerate(evidence):
        text = CLAIM.format(evidence=one, control="refuted('no')").replace('"T1"', f'"T{k + 1}"')
        write(tmp_path, **{f"t{k}": text})
    assert run("verify", ".", "--json", code=code)["verdict"] == verdict


def test_a_claim_without_its_library_is_no_choice_of_evidence(run, tmp_path):
    text = CLAIM.format(evidence="holds('yes', cases=1)", control="refuted('no')")
    write(
        tmp_path, a=text, b=text.replace('"T1"', '"T2"').replace('source="here"', 'source="here", needs=("no_such",)')
    )
    assert run("verify", ".").startswith("1 of 2 claims hold\n")
    assert run("verify", ".", "--json")["verdict"] == "holds"
    assert run("verify", ".", "--claim", "T2", "--json", code=3)["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("evidence", "control", "failures", "errors"),
    [
        ("holds('yes', cases=1)", "refuted('no')", [], []),
        ("refuted('it\\x1b is <false>')", "refuted('no')", ["evidence (symbolic): evidence", "verdict"], []),
        ("undecided('who knows')", "refuted('no')", [], ["evidence (symbolic): evidence", "verdict"]),
        ("holds('yes', cases=1)", "holds('accepted', cases=1)", ["control: two"], ["verdict"]),
    ],
)
def test_junit(run, tmp_path, evidence, control, failures, errors):
    write(tmp_path, t1=CLAIM.format(evidence=evidence, control=control))
    assert main(["verify", ".", "--junit", "found.xml"]) in (0, 1, 3)
    (suite,) = JUnitXml.fromfile(str(tmp_path / "found.xml"))
    cases = list(suite)
    assert sorted(case.name for case in cases) == [
        "control: one", "control: two", "evidence (symbolic): evidence", "verdict",
    ]  # fmt: skip
    kinds = {kind: sorted(c.name for c in cases if [type(r) for r in c.result] == [kind]) for kind in (Failure, Error)}
    assert kinds == {Failure: failures, Error: errors}
    assert (suite.tests, suite.failures, suite.errors) == (4, len(failures), len(errors))


def test_the_live_table_shows_what_is_under_way(tmp_path):
    # The second control goes on when the table has been seen with the first one in it.
    shown = tmp_path / "shown"
    waits = f"[None for _ in iter(__import__('pathlib').Path({str(shown)!r}).exists, True)]"
    write(tmp_path, a=CLAIM.format(evidence="holds('yes', cases=1)", control=waits))
    seen = []

    def look(modules):
        seen.append(_text(_table(modules)))
        if "1 evidence, 1 controls; last: one" in seen[-1]:
            assert "running" in seen[-1]
            shown.touch()

    run_claims([tmp_path], progress=look)
    assert "1 of 1 files done" in seen[-1]
    assert "T1: undecided" in seen[-1]


def _text(table):
    console = Console(width=120, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()
