"""Running one claim: reports of its evidence and controls, and its verdict."""

import time
from dataclasses import dataclass
from typing import Any

from adamsym.claims.claim import FEWEST_CONTROLS, Check, Claim
from adamsym.claims.finding import Finding, Verdict, undecided


@dataclass(frozen=True)
class EvidenceReport:
    """What one piece of evidence found, and how long it took."""

    grade: str
    name: str
    verdict: Verdict
    detail: str
    cases: int
    seconds: float


@dataclass(frozen=True)
class ControlReport:
    """Whether one control was rejected, and why or why not."""

    name: str
    rejected: bool
    detail: str
    seconds: float


@dataclass(frozen=True)
class ClaimReport:
    """The outcome of one claim; ``detail`` says in one line what decided the verdict."""

    name: str
    title: str
    source: str
    verdict: Verdict
    detail: str
    evidence: tuple[EvidenceReport, ...]
    controls: tuple[ControlReport, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON's dictionaries, with the keys that ``adamsym verify --json`` promises."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "verdict": self.verdict,
            "detail": self.detail,
            "seconds": self.seconds,
            "evidence": [vars(evidence).copy() for evidence in self.evidence],
            "controls": [vars(control).copy() for control in self.controls],
        }


def run_claim(claim: Claim) -> ClaimReport:
    """Return the report of one claim, run in this process."""
    start = time.perf_counter()
    evidence = []
    for grade, check in claim.evidence_checks:
        finding, seconds = _timed(check)
        evidence.append(
            EvidenceReport(grade, _readable(check), finding.verdict, finding.detail, finding.cases, seconds)
        )
    controls = []
    for name, check in claim.control_checks:
        finding, seconds = _timed(check)
        detail = finding.detail if finding.verdict == "refuted" else f"{finding.verdict}: {finding.detail}"
        controls.append(ControlReport(name, finding.verdict == "refuted", detail, seconds))
    verdict, detail = judge(tuple(evidence), tuple(controls))
    seconds = time.perf_counter() - start
    return ClaimReport(
        claim.name, claim.title, claim.source, verdict, detail, tuple(evidence), tuple(controls), seconds
    )


def judge(evidence: tuple[EvidenceReport, ...], controls: tuple[ControlReport, ...]) -> tuple[Verdict, str]:
    """Return a claim's verdict and its reason.

    Refuted if any evidence is refuted. Holds only if there is evidence, all of it holds, there are at least two
    controls and all are rejected. Undecided otherwise.
    """
    for report in evidence:
        if report.verdict == "refuted":
            return "refuted", f"{report.name}: {report.detail}"
    for report in evidence:
        if report.verdict != "holds":
            return "undecided", f"{report.name}: {report.detail}"
    if not evidence:
        return "undecided", "no evidence"
    for control in controls:
        if not control.rejected:
            return "undecided", f"control not rejected: {control.name} ({control.detail})"
    if len(controls) < FEWEST_CONTROLS:
        return "undecided", f"{len(controls)} controls; at least {FEWEST_CONTROLS} must be rejected"
    return "holds", f"all evidence holds, all {len(controls)} controls rejected"


def not_run(name: str, source: str, reason: str, seconds: float = 0.0) -> ClaimReport:
    """Return the undecided report of a claim that did not come to its end."""
    return ClaimReport(name, "", source, "undecided", " ".join(reason.split())[:500], (), (), seconds)


def _timed(check: Check) -> tuple[Finding, float]:
    """A check's finding; undecided if it raises or returns anything else."""
    start = time.perf_counter()
    finding: object
    try:
        finding = check()
    except (Exception, SystemExit) as error:  # sys.exit(0) must not end the run as a success
        finding = undecided(f"{type(error).__name__}: {error}")
    if not isinstance(finding, Finding) or finding.verdict not in ("holds", "refuted", "undecided"):
        finding = undecided(f"returned {type(finding).__name__}, not a finding")
    if finding.verdict == "holds" and finding.cases < 1:
        finding = undecided(f"nothing was checked: {finding.detail}")
    return finding, time.perf_counter() - start


def _readable(check: Check) -> str:
    return getattr(check, "__name__", "evidence").replace("_", " ")
