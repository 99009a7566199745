"""A claim holds only if there is evidence, all of it holds, and at least two controls are refuted."""

import multiprocessing
import os
import sys
import tempfile
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from adamsym import Claim, InputError
from adamsym.claims import (
    Finding,
    Settings,
    check_property,
    checking_with,
    discover,
    holds,
    refuted,
    run_claim,
    run_claims,
    run_seed,
    scaled,
    undecided,
)
from adamsym.claims.journal import Journal
from adamsym.claims.report import ControlReport

GOOD_MODULE = """
from adamsym import Claim
from adamsym.claims import holds, refuted
{name} = Claim("{name}", title="t", statement="s", source="test")
{name}.evidence("symbolic")(lambda: holds("yes", cases=1))
{name}.control("one")(lambda: refuted("no"))
{name}.control("two")(lambda: refuted("no"))
"""


def broken() -> Finding:
    raise ArithmeticError("it broke")


def judged(evidence, controls):
    claim = Claim("T", title="t", statement="s", source="test")
    for check in evidence:
        claim.evidence("symbolic")(check)
    for number, check in enumerate(controls):
        claim.control(f"control {number}")(check)
    return run_claim(claim)


def yes() -> Finding:
    return holds("yes", cases=3)


def no() -> Finding:
    return refuted("no")


def unknown() -> Finding:
    return undecided("cannot tell")


def test_a_good_claim_holds():
    report = judged([yes, yes], [no, no])
    assert report.verdict == "holds"
    assert [evidence.cases for evidence in report.evidence] == [3, 3]


@pytest.mark.parametrize(
    ("evidence", "controls", "verdict", "reason"),
    [
        ([], [no, no], "undecided", "no evidence"),
        ([yes, no], [no, no], "refuted", "no: no"),
        ([yes, unknown], [no, no], "undecided", "cannot tell"),
        ([unknown, no], [no, no], "refuted", "no: no"),
        ([broken], [no, no], "undecided", "it broke"),
        ([lambda: sys.exit(0)], [no, no], "undecided", "SystemExit"),
        ([lambda: True], [no, no], "undecided", "not a finding"),
        ([lambda: None], [no, no], "undecided", "not a finding"),
        ([lambda: Finding("holds", "empty loop", 0)], [no, no], "undecided", "nothing was checked"),
        ([lambda: Finding("proven", "a verdict of its own", 1)], [no, no], "undecided", "not a finding"),
        ([yes], [no, yes], "undecided", "control not rejected"),
        ([yes], [no, unknown], "undecided", "control not rejected"),
        ([yes], [no, broken], "undecided", "control not rejected"),
        ([yes], [no], "undecided", "1 controls"),
        ([yes], [], "undecided", "0 controls"),
    ],
)
def test_everything_else_does_not_hold(evidence, controls, verdict, reason):
    report = judged(evidence, controls)
    assert report.verdict == verdict
    assert reason in report.detail


@pytest.mark.parametrize("cases", [0, -1, True, 1.5, None])
def test_holds_needs_cases(cases):
    assert holds("nothing", cases=cases).verdict == "undecided"


def test_without_its_library_a_claim_is_not_applicable_and_does_not_hold():
    needing = Claim("T", title="t", statement="s", source="test", needs=("no_such_library",))
    needing.evidence("symbolic")(yes)
    for number in range(2):
        needing.control(f"control {number}")(no)
    found = run_claim(needing)
    assert (found.verdict, found.evidence, found.omitted) == ("not applicable", (), 1)
    assert "no_such_library is not installed" in found.detail
    present = Claim("T", title="t", statement="s", source="test", needs=("numpy",))
    present.evidence("symbolic")(no)
    assert run_claim(present).verdict == "refuted"


def test_grades_are_checked():
    with pytest.raises(InputError, match="guess"):
        Claim("T", title="t", statement="s", source="test").evidence("guess")


def test_property_that_stands():
    finding = check_property(lambda n: n * n >= 0, st.integers(), examples=40)
    assert (finding.verdict, finding.cases) == ("holds", 40)


def test_property_that_falls_names_the_simplest_input():
    finding = check_property(lambda n: n < 17, st.integers())
    assert finding.verdict == "refuted"
    assert "falsified by 17" in finding.detail

    def asserts(n):
        if n >= 17:
            raise AssertionError("too large")

    assert "17 (too large)" in check_property(asserts, st.integers()).detail
    assert check_property(asserts, st.integers(), seed=4) == check_property(asserts, st.integers(), seed=4)


def test_a_quick_run_draws_no_fewer_than_asked_for():
    with checking_with(Settings("quick")):
        counted = [check_property(lambda n: True, st.integers(), examples=8, fewest=few).cases for few in (1, 3, 50)]
    assert counted == [2, 3, 8]


def test_property_that_is_not_checked():
    assert check_property(lambda n: assume(False), st.integers()).verdict == "undecided"
    assert check_property(lambda n: 1 / 0, st.integers()).verdict == "undecided"
    assert check_property(lambda n: True, st.booleans(), examples=50).verdict == "undecided"
    assert check_property(lambda n: True, st.booleans(), examples=2).verdict == "holds"


def write(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))


def test_folders_run_in_order(tmp_path):
    write(
        tmp_path,
        b_second=GOOD_MODULE.format(name="B"),
        a_first=GOOD_MODULE.format(name="A") + GOOD_MODULE.format(name="A2"),
        _hidden="raise SystemError",
    )
    assert [module.path.name for module in discover([tmp_path])] == ["a_first.py", "b_second.py"]
    seen = []
    reports = run_claims([tmp_path], workers=2, progress=seen.append)
    assert [(report.name, report.verdict) for report in reports] == [("A", "holds"), ("A2", "holds"), ("B", "holds")]
    last = seen[-1]
    assert [module.state for module in last] == ["done", "done"]
    assert tuple(report for module in last for report in module.reports) == reports


def test_modules_that_fail_are_undecided(tmp_path):
    write(
        tmp_path,
        a_import="import no_such_module",
        b_exit="import sys; sys.exit(0)",
        d_empty="x = 1",
        f_good=GOOD_MODULE.format(name="F"),
    )
    reports = run_claims([tmp_path], workers=2)
    assert [report.verdict for report in reports] == ["undecided"] * 3 + ["holds"]
    assert "no_such_module" in reports[0].detail


def test_a_module_that_gives_no_answer_is_undecided_when_its_time_is_up(tmp_path):
    write(tmp_path, endless="import threading; threading.Event().wait()")
    [report] = run_claims([tmp_path], time_limit=0.5)
    assert (report.name, report.verdict) == ("endless", "undecided")
    assert "longer than 0.5 seconds" in report.detail


def test_this_process_is_not_forked(tmp_path, monkeypatch):
    """A fork of a process with threads, as libraries start them, may hang."""

    def fork():
        raise AssertionError("forked")

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(AssertionError, match="forked"):
        multiprocessing.get_context("fork").Process(target=print).start()
    write(tmp_path, good=GOOD_MODULE.format(name="C"))
    assert [report.verdict for report in run_claims([tmp_path])] == ["holds"]


@pytest.mark.parametrize("code", [0, 1])
def test_a_process_that_ends_without_an_answer_is_seen_without_a_time_limit(tmp_path, code):
    """Also one that says that all went well."""
    write(
        tmp_path,
        a_ends=f"import os; os._exit({code})",
        b_ends_later=f"""
            import os
            from adamsym import Claim
            from adamsym.claims import holds
            begun = Claim("BEGUN", title="t", statement="s", source="test")
            begun.evidence("certified")(lambda: holds("found before", cases=1))
            begun.control("deadly")(lambda: os._exit({code}))
        """,
        c_good=GOOD_MODULE.format(name="C"),
    )
    first, begun, good = run_claims([tmp_path], workers=2)
    assert [report.verdict for report in (first, begun, good)] == ["undecided", "undecided", "holds"]
    assert "ended without an answer" in first.detail
    assert "ended without an answer" in begun.detail
    assert (begun.name, begun.controls) == ("BEGUN", ())
    assert [evidence.detail for evidence in begun.evidence] == ["found before"]


def test_no_folder_and_no_claims(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        discover([tmp_path / "missing"])
    with pytest.raises(InputError, match="no claims"):
        discover([tmp_path])


def test_one_claim_is_found_without_running_the_others(tmp_path):
    write(
        tmp_path,
        a_good=GOOD_MODULE.format(name="A"),
        b_bad="""raise SystemError("not to be run"); claim = Claim("B", title="t")""",
    )
    assert [report.name for report in run_claims([tmp_path], claims=["a"])] == ["A"]
    with pytest.raises(InputError, match=r"no claim 'C'.*A, B"):
        run_claims([tmp_path], claims=["A", "C"])
    # A name that no text shows is found by running the file alone.
    write(tmp_path, b_bad="""from adamsym import Claim; claim = Claim("".join("CD"), "t", "s", "test")""")
    assert [report.name for report in run_claims([tmp_path], claims=["CD"])] == ["CD"]
    with pytest.raises(InputError, match="no claim 'E'"):
        run_claims([tmp_path], claims=["A", "E"])


TWO_GRADES = """
from adamsym import Claim
from adamsym.claims import holds, refuted, undecided
claim = Claim("G", title="t", statement="s", source="test")
claim.evidence("symbolic")(lambda: holds("yes", cases=1))
claim.evidence("statistical")(lambda: undecided("cannot tell"))
claim.control("one")(lambda: refuted("no"))
claim.control("two")(lambda: refuted("no"))
"""


def test_one_grade_leaves_the_others_out_and_says_so(tmp_path):
    write(tmp_path, g=TWO_GRADES)
    (whole,) = run_claims([tmp_path])
    assert (whole.verdict, whole.omitted) == ("undecided", 0)
    (part,) = run_claims([tmp_path], grade="symbolic")
    assert (part.verdict, part.omitted, [one.grade for one in part.evidence]) == ("holds", 1, ["symbolic"])
    assert len(part.controls) == 2
    with pytest.raises(InputError, match="no claim here has certified evidence"):
        run_claims([tmp_path], grade="certified")


def drawn(settings: Settings) -> tuple[list[int], Finding]:
    seen: list[int] = []
    with checking_with(settings):
        finding = check_property(lambda n: seen.append(n) is None, st.integers(0, 10**9), examples=400, seed=2)
    return seen, finding


def test_effort_and_seed_reach_the_checks():
    usual, finding = drawn(Settings())
    assert finding.cases == 400
    assert drawn(Settings())[0] == usual
    other, finding = drawn(Settings(seed=1))
    assert other != usual
    assert finding.cases == 400
    assert drawn(Settings("quick"))[1].cases == 100
    assert drawn(Settings("full"))[1].cases == 1200
    assert (scaled(7), run_seed(3)) == (7, 3)
    with checking_with(Settings(seed=5)):
        assert len({run_seed(seed) for seed in range(100)} | set(range(100))) == 200


def test_settings_are_checked():
    with pytest.raises(InputError, match="quick, usual, full"):
        Settings("thorough")
    for seed in (-1, 2**32, 1.5, True):
        with pytest.raises(InputError, match="seed"):
            Settings(seed=seed)


def test_seed_and_effort_of_a_run_reach_its_modules(tmp_path):
    write(
        tmp_path,
        a="""
            from adamsym import Claim
            from adamsym.claims import holds, refuted, run_seed, scaled
            claim = Claim("A", title="t", statement="s", source="test")
            claim.evidence("statistical")(lambda: holds(str(run_seed(1)), cases=scaled(8)))
            claim.control("one")(lambda: refuted("no"))
            claim.control("two")(lambda: refuted("no"))
        """,
    )
    (report,) = run_claims([tmp_path], effort="quick", seed=4)
    assert report.evidence[0].cases == 2
    assert report.evidence[0].detail == str(1 + 4 * 1_000_003)
    assert report.settings == Settings("quick", 4)
    assert (report.to_dict()["seed"], report.to_dict()["effort"]) == (4, "quick")


# --- drawn claims, settings and folders -------------------------------------------------------------------------------

FOUND = {"holds": yes, "refuted": no, "undecided": unknown, "raises": broken}
outcomes = st.one_of(*(st.lists(st.sampled_from(kinds), max_size=4) for kinds in (list(FOUND), ["holds"], ["refuted"])))
seeds = st.integers(0, 2**32 - 1)


def claim_of(evidence, controls):
    claim = Claim("D1", title="drawn", statement="drawn", source="test")
    for outcome in evidence:
        claim.evidence("property")(FOUND[outcome])
    for number, outcome in enumerate(controls):
        claim.control(f"control {number}")(FOUND[outcome])
    return claim


@example(["holds"], ["refuted"])
@given(outcomes, outcomes)
def test_verdicts_are_what_the_findings_allow(evidence, controls):
    told = []
    report = run_claim(claim_of(evidence, controls), progress=told.append)
    assert told == [*report.evidence, *report.controls]
    assert [one.rejected for one in report.controls] == [outcome == "refuted" for outcome in controls]
    proven = set(evidence) == {"holds"} and len(controls) >= 2 and set(controls) == {"refuted"}
    assert report.verdict == ("refuted" if "refuted" in evidence else "holds" if proven else "undecided")
    other = run_claim(claim_of(evidence, controls), grade="symbolic")
    assert (other.evidence, other.omitted) == ((), len(evidence))
    assert other.verdict == "undecided"


@given(st.integers(1, 10**6), st.integers(1, 100), seeds, seeds)
def test_efforts_and_seeds_hold_inside_and_nowhere_else(cases, fewest, seed, run):
    found = {}
    for effort in ("quick", "usual", "full"):
        with checking_with(Settings(effort, run)):
            found[effort] = scaled(cases, fewest)
            with checking_with(Settings("full")):
                assert (scaled(cases), run_seed(seed)) == (3 * cases, seed)
            of_run = run_seed(seed)
    assert all(less <= more for less, more in pairwise(found.values()))
    assert max(fewest, cases / 4) <= found["quick"] < max(fewest, cases / 4) + 1
    assert found["usual"] == max(cases, fewest)
    assert (scaled(cases), run_seed(seed)) == (cases, seed)
    assert (of_run == seed) is (run == 0)
    assert 0 <= of_run < 2**32


nesting = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.nested_given, HealthCheck.too_slow],
    "phases": [Phase.generate],
}
"""For tests in which check_property draws in its turn."""


@settings(max_examples=8, **nesting)
@given(st.integers(0, 1000), seeds)
def test_properties_fall_at_their_simplest_counterexample(threshold, seed):
    finding = check_property(lambda n: n < threshold, st.integers(0, 1000), examples=300, seed=seed)
    # By chance all draws may lie below a threshold near the end; then nothing falsifies.
    assert finding.verdict == "refuted" or threshold > 950
    if finding.verdict == "refuted":
        assert finding.detail == f"falsified by {threshold}"
    assert check_property(lambda n: n < 1001, st.integers(0, 1000), examples=20, seed=seed).cases == 20


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.sampled_from(["a1", "b2", "zz", "_c", "9d"]), st.sampled_from(["X1", "Y2"]), min_size=1))
def test_modules_of_claims_are_those_named_by_letters(files):
    visible = sorted(name for name in files if name[0].isalpha())
    assume(visible)
    with tempfile.TemporaryDirectory() as folder:
        for file, name in files.items():
            (Path(folder) / f"{file}.py").write_text(GOOD_MODULE.format(name=name))
        modules = discover([folder])
        assert [(module.path.stem, *module.names) for module in modules] == [(file, files[file]) for file in visible]
        chosen = files[visible[0]]
        named = [module for module in modules if module.names == (chosen,)]
        assert list(discover([folder], [chosen.lower()])) == named
        with pytest.raises(InputError, match="no claim 'Z3'"):
            discover([folder], [chosen, "Z3"])


DRAWING = """
import random
from adamsym import Claim
from adamsym.claims import holds, refuted, run_seed, scaled
D1 = Claim("D1", title="drawn", statement="drawn", source="test")
D1.control("one")(lambda: refuted("no"))
D1.control("two")(lambda: refuted("no"))
@D1.evidence("property")
def draws_are_below():
    drawn = [random.Random(run_seed(k)).randrange(1000) for k in range(scaled(8))]
    return (holds if max(drawn) < {threshold} else refuted)(f"largest {{max(drawn)}}", cases=len(drawn))
"""


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(st.sampled_from([500, 900, 1000]), seeds, st.sampled_from(["quick", "usual"]))
def test_processes_find_what_this_process_finds(threshold, seed, effort):
    text = DRAWING.format(threshold=threshold)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "drawn.py").write_text(text)
        [report] = run_claims([folder], effort=effort, seed=seed)
    names = {}
    exec(text, names)
    with checking_with(Settings(effort, seed)):
        expected = run_claim(names["D1"])
    assert (report.verdict, report.detail, report.settings) == (expected.verdict, expected.detail, expected.settings)
    assert report.evidence[0].cases == expected.evidence[0].cases == (2 if effort == "quick" else 8)


HYPOTHESIS = """
from hypothesis import strategies as st
from adamsym import Claim
from adamsym.claims import check_property, holds, refuted
NUMBERS = {numbers}
{name} = Claim("{name}", title="drawn", statement="drawn", source="test")
{name}.control("one")(lambda: refuted("no"))
@{name}.evidence("property")
def sums():
    drawn = []
    check_property(lambda n: drawn.append(n) or True, st.integers(0, 10**9), examples=60)
    return holds(str(sum(drawn)), cases=len(drawn))
{name}.control("two")(lambda: refuted("no"))
"""


def test_a_claim_repeats_whatever_else_is_run(tmp_path):
    """Hypothesis draws numbers that stand in imported modules; so every file has a process of its own."""
    write(
        tmp_path,
        a=HYPOTHESIS.format(name="A", numbers=list(range(1000, 1900, 7))),
        b=HYPOTHESIS.format(name="B", numbers=[5]),
    )
    together = run_claims([tmp_path], seed=4, workers=1)[1]
    [alone] = run_claims([tmp_path], claims=["B"], seed=4)
    [other] = run_claims([tmp_path], claims=["B"], seed=5)
    assert together.evidence[0].detail == alone.evidence[0].detail != other.evidence[0].detail


def test_lines_of_a_journal_that_are_cut_short_are_left_out(tmp_path):
    journal = Journal(tmp_path / "journal")
    report = ControlReport("a", True, "why", 0.1)
    journal.writer("C1")(report)
    with journal.path.open("a") as file:
        file.write('{"claim": "C2", "con')  # the disk is full, and later it is not
    journal.writer("C3")(report)
    journal.writer("C4")(report)
    assert [record.claim for record in journal.read()] == ["C1", "C4"]
