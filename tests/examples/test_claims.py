"""The example folder of claims on another optimizer holds, quickly and for another seed."""

from pathlib import Path

from adamsym.claims import run_claims

FOLDER = Path(__file__).parents[2] / "examples" / "rmsprop_claims"


def test_the_claims_on_rmsprop_hold():
    reports = run_claims([FOLDER], effort="quick", seed=1, workers=2)
    assert [(report.name, report.verdict) for report in reports] == [(f"R{n}", "holds") for n in range(1, 6)]
    assert all(control.rejected for report in reports for control in report.controls)
    assert {evidence.grade for report in reports for evidence in report.evidence} == {
        *("symbolic", "certified", "property", "statistical")
    }
