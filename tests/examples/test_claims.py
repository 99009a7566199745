"""The example folder of claims on another optimizer holds, quickly and for another seed."""

from pathlib import Path

import pytest

from adamsym.claims import run_claims

FOLDER = Path(__file__).parents[2] / "examples" / "rmsprop_claims"
ALL = tuple(f"R{n}" for n in range(1, 6))


@pytest.mark.parametrize(
    ("names", "grades"),
    [
        (("R1", "R4"), {"symbolic", "certified", "property"}),
        pytest.param(ALL, {"symbolic", "certified", "property", "statistical"}, marks=pytest.mark.slow),
    ],
    ids=["two", "all"],
)
def test_the_claims_on_rmsprop_hold(names, grades):
    reports = run_claims([FOLDER], claims=() if names == ALL else names, effort="quick", seed=1, workers=2)
    assert [(report.name, report.verdict) for report in reports] == [(name, "holds") for name in names]
    assert all(control.rejected for report in reports for control in report.controls)
    assert {evidence.grade for report in reports for evidence in report.evidence} == grades
