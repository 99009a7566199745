"""Formal evidence: not run where the kernel is missing or with --quick, told then, and no reason to hold."""

import shutil

import pytest

from adamsym.claims import Claim, Settings, checking_with, holds, refuted, run_claim


def claim(also=True, formal=lambda: holds("accepted", cases=1)):
    found = Claim("F1", title="", statement="", source="")
    found.evidence("formal")(formal)
    if also:
        found.evidence("symbolic")(lambda: holds("1 = 1", cases=1))
    for name in ("one", "two"):
        found.control(name)(lambda: refuted("no"))
    return found


@pytest.fixture
def kernel(monkeypatch):
    def install(present):
        monkeypatch.setattr(shutil, "which", lambda name: "/bin/coqc" if present else None)

    return install


def test_without_the_kernel_the_verdict_is_that_of_the_rest(kernel):
    kernel(False)
    report = run_claim(claim())
    assert report.verdict == "holds"
    assert report.detail.endswith("formal evidence not run: coqc is not installed")
    assert [evidence.verdict for evidence in report.evidence] == ["not run", "holds"]


def test_formal_evidence_alone_never_holds_unrun(kernel):
    kernel(False)
    report = run_claim(claim(also=False))
    assert report.verdict == "undecided"
    assert "no evidence was run" in report.detail


def test_with_the_kernel_it_decides(kernel):
    kernel(True)
    assert run_claim(claim(also=False)).verdict == "holds"
    assert run_claim(claim(formal=lambda: refuted("rejected"))).verdict == "refuted"


def test_quick_leaves_it_out(kernel):
    kernel(True)
    with checking_with(Settings("quick")):
        report = run_claim(claim())
    assert report.evidence[0].verdict == "not run"
    assert "--quick" in report.detail
