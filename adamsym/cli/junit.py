"""Reports of claims as JUnit XML, which continuous integration services show."""

from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from adamsym.claims import ClaimReport


def as_junit(reports: Sequence[ClaimReport]) -> str:
    """Return JUnit XML: a suite for each claim, with a case for its verdict, its evidence and its controls.

    Refuted evidence and controls that are not rejected are failures; what is undecided is an error; what lacks a
    library or a proof kernel is skipped.
    """
    document = JUnitXml("adamsym")
    for report in reports:
        suite = TestSuite(f"{report.name}: {report.title}" if report.title else report.name)
        suite.add_property("seed", str(report.settings.seed))
        suite.add_property("effort", report.settings.effort)
        suite.add_testcase(_case(report.name, "verdict", report.verdict, report.detail, 0.0))
        for evidence in report.evidence:
            name = f"evidence ({evidence.grade}): {evidence.name}"
            suite.add_testcase(_case(report.name, name, evidence.verdict, evidence.detail, evidence.seconds))
        for control in report.controls:
            verdict = "holds" if control.rejected else "refuted"
            suite.add_testcase(
                _case(
                    report.name, f"control: {control.name}", verdict, f"not rejected: {control.detail}", control.seconds
                )
            )
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    written = document.tostring()  # type: ignore[no-untyped-call]
    return written.decode("utf-8") if isinstance(written, bytes) else str(written)


def _case(claim: str, name: str, verdict: str, detail: str, seconds: float) -> TestCase:
    case = TestCase(name, classname=claim, time=round(seconds, 3))
    if verdict == "refuted":
        case.result = [Failure(_printable(detail), "refuted")]
    elif verdict in ("not applicable", "not run"):
        case.result = [Skipped(_printable(detail))]
    elif verdict != "holds":
        case.result = [Error(_printable(detail), "undecided")]
    return case


def _printable(text: str) -> str:
    """Text without the characters that XML forbids."""
    return "".join(c if c.isprintable() else "?" for c in text)
