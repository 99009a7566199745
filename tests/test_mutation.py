"""The tools of ``make mutation``: what they break is broken, and what notices is reported."""

import importlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
FAILING = """
from adamsym.claims import Claim, holds, refuted

claim = Claim("X", title="Fails", statement="It fails.", source="none")
claim.evidence("symbolic")(lambda: refuted("seen to fail"))
claim.control("one")(lambda: refuted("one"))
claim.control("two")(lambda: refuted("two"))
"""


@pytest.fixture
def mutants(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("mutants")


def in_this_process(*paths: Path) -> dict:
    profile = settings.get_current_profile_name()
    try:
        return importlib.import_module("mutation_inside").run_claims(list(map(str, paths)))
    finally:
        settings.load_profile(profile)


def in_a_process(*paths: Path) -> dict:
    command = [sys.executable, str(BENCHMARKS / "mutation_inside.py"), *map(str, paths)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(printed.splitlines()[-1])


@pytest.mark.parametrize(
    ("claims_run", "holding"),
    [
        (in_this_process, ""),
        pytest.param(in_a_process, "c05_zeros_and_critical_points.py", marks=pytest.mark.slow),
    ],
)
@pytest.mark.usefixtures("mutants")
def test_claims_that_hold_are_told_from_one_that_fails(tmp_path, claims_run, holding):
    if holding:
        holding = BENCHMARKS.parent / "proofs_checks" / holding
    else:
        holding = tmp_path / "c98_holds.py"
        holding.write_text(FAILING.replace('"X"', '"Y"').replace('refuted("seen to fail")', 'holds("seen", cases=1)'))
    failing = tmp_path / "c99_fails.py"
    failing.write_text(FAILING)
    assert claims_run(holding)["claim"] is None
    found = claims_run(holding, failing)
    assert (found["claim"], found["verdict"]) == ("X", "refuted")
    assert "seen to fail" in found["detail"]


@cache
def all_mutants() -> list:
    return importlib.import_module("mutants").all_mutants(BENCHMARKS.parent)


def test_each_mutant_changes_its_file_and_nothing_but_its_line(mutants):
    found = all_mutants()
    drawn = mutants.sample(found, 40, 1)
    assert len({mutant.key for mutant in found}) == len(found) > 10_000
    assert len({mutant.key for mutant in drawn}) == 40
    assert drawn == mutants.sample(found, 40, 1)
    assert {mutant.key for mutant in drawn} < {mutant.key for mutant in mutants.sample(found[5:], 50, 1)} | {
        mutant.key for mutant in found[:5]
    }
    assert len({mutant.key for mutant in drawn} & {mutant.key for mutant in mutants.sample(found, 40, 2)}) < 20
    for mutant in drawn:
        original = (BENCHMARKS.parent / mutant.path).read_bytes()
        changed = mutant.applied(original)
        compile(changed, mutant.path, "exec")
        assert changed != original
        lines = original.decode().splitlines()
        kept = mutant.line - 1
        assert changed.decode().splitlines()[:kept] == lines[:kept]
        after = len(lines) - kept - 1 - mutant.before.count("\n")
        assert changed.decode().splitlines()[::-1][:after] == lines[::-1][:after]


def test_the_formulas_listed_by_hand_are_still_there(mutants, monkeypatch):
    by_hand = importlib.import_module("core_mutants")
    assert len(by_hand.core_mutants(BENCHMARKS.parent)) > 70
    assert len(by_hand.control_mutants(BENCHMARKS.parent)) >= 2
    for mutant, _, tests in by_hand.tested_mutants(BENCHMARKS.parent):
        compile(mutant.applied((BENCHMARKS.parent / mutant.path).read_bytes()), mutant.path, "exec")
        assert (BENCHMARKS.parent / tests).exists(), tests
    monkeypatch.setitem(by_hand.LISTED, "core", [["field/ball/arithmetic.py", "no such line", "a", "b", "gone"]])
    with pytest.raises(ValueError, match="no such line"):
        by_hand.core_mutants(BENCHMARKS.parent)


def test_the_page_shows_every_formula_and_every_survivor(mutants, monkeypatch, tmp_path):
    by_hand, page = importlib.import_module("core_mutants"), importlib.import_module("mutation_page")
    monkeypatch.setattr(page, "DOCS", tmp_path)
    listed = [("core", mutant, meaning) for mutant, meaning in by_hand.core_mutants(BENCHMARKS.parent)]
    drawn = [("sample", mutant, "") for mutant in mutants.sample(all_mutants(), 20, 1)]
    outcomes = [
        {**vars(mutant), "kind": kind, "key": mutant.key, "package": mutant.package, "meaning": meaning, "again": False}
        | ({"killed": None} if number % 2 else {"killed": "claims", "by": "C0", "detail": "seen"})
        for number, (kind, mutant, meaning) in enumerate([*listed, *drawn])
    ]
    page.write_page(outcomes, {}, 12_000, 20, 1)
    text = (tmp_path / "benchmark_mutation.md").read_text()
    assert "**10 of 20 mutants drawn at random are killed" in text
    assert f"**{(len(listed) + 1) // 2} of {len(listed)} core formulas" in text
    assert text.count("not explained yet") == len(listed) // 2
    for _, _, meaning in listed:
        assert f"| {meaning} |" in text
    assert "**unread** (10)" in text


@pytest.mark.parametrize(
    ("summary", "alone", "killer"),
    [
        ("FAILED tests/a.py::test_x[a plane] - AssertionError: 1 - 2", 1, "tests/a.py::test_x[a plane]"),
        ("FAILED tests/a.py::test_x[a plane] - AssertionError: 1 - 2", 0, None),
        ("ERROR tests/a.py", 1, "tests/a.py"),
        ("ERROR tests/a.py", 0, None),
    ],
)
def test_a_mutant_is_killed_by_a_test_that_fails_alone(mutants, monkeypatch, tmp_path, summary, alone, killer):
    runs = importlib.import_module("mutation_runs")
    copy, tests, asked = runs.Copy.__new__(runs.Copy), ["tests/a.py::test_x[a plane]", "tests/b.py::test_y"], []
    copy.folder = tmp_path

    def pytest_run(arguments, limit, **more):
        asked.append(list(arguments))
        if "MUTATION_TESTS" not in more:
            return alone, ""
        return (1, f"F\n{summary}\n") if "tests/a.py" in arguments else (0, "")

    monkeypatch.setattr(copy, "pytest", pytest_run)
    found = copy._by_tests(tests, dict.fromkeys(tests, 0.1), {})
    assert found == (None if killer is None else {"killed": "tests", "by": killer})
    assert asked == [["tests/a.py", "tests/b.py"], [killer or summary.split(" ", 1)[1].split(" - ")[0]]] + (
        [["tests/b.py"]] if killer is None else []
    )
