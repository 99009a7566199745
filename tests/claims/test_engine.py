"""A claim holds only if there is evidence, all of it holds, and at least two controls are refuted."""

import sys
import textwrap

import pytest
from hypothesis import assume
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
        c_dies="import os; os._exit(0)",
        d_empty="x = 1",
        e_slow="""
            import time
            from adamsym import Claim
            from adamsym.claims import holds
            slow = Claim("SLOW", title="t", statement="s", source="test")
            slow.evidence("certified")(lambda: holds("found in time", cases=1))
            slow.control("endless")(lambda: time.sleep(60))
        """,
        f_good=GOOD_MODULE.format(name="F"),
    )
    reports = run_claims([tmp_path], workers=2, time_limit=10)
    assert [report.verdict for report in reports] == ["undecided"] * 5 + ["holds"]
    assert "no_such_module" in reports[0].detail
    slow = reports[4]
    assert "longer than 10 seconds" in slow.detail
    assert (slow.name, slow.controls) == ("SLOW", ())
    assert [evidence.detail for evidence in slow.evidence] == ["found in time"]


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
