"""Running one claim: reports of its evidence and controls, and its verdict."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adamsym.claims.claim import FEWEST_CONTROLS, Check, Claim
from adamsym.claims.finding import Finding, Grade, Verdict, undecided
from adamsym.claims.settings import Settings, current_settings
from adamsym.expressions.results import Record, Result

ClaimVerdict = Verdict | Literal["not applicable"]
EvidenceVerdict = Verdict | Literal["not run"]


@dataclass(frozen=True, repr=False)
class EvidenceReport(Record):
    """What one piece of evidence found, and how long it took: by the clock, and of processors.

    Formal evidence is "not run" where no ``coqc`` is installed, and with the effort "quick": the claim's verdict is
    then that of its other evidence, and says so.
    """

    grade: str
    name: str
    verdict: EvidenceVerdict
    detail: str
    cases: int
    seconds: float
    cpu_seconds: float = 0.0

    @property
    def summary(self) -> str:
        """The verdict, what it is of, and its reason."""
        return f"{self.verdict}: {self.name} ({self.grade}): {_short(self.detail)}"


@dataclass(frozen=True, repr=False)
class ControlReport(Record):
    """Whether one control was rejected, and why or why not."""

    name: str
    rejected: bool
    detail: str
    seconds: float
    cpu_seconds: float = 0.0

    @property
    def summary(self) -> str:
        """Whether the control was rejected, and why or why not."""
        return f"{'rejected' if self.rejected else 'not rejected'}: {self.name}: {_short(self.detail)}"


@dataclass(frozen=True, repr=False)
class ClaimReport(Result):
    """The outcome of one claim.

    Attributes
    ----------
    statement
        The claim's statement; formulas are LaTeX between dollar signs.
    verdict, detail
        The verdict, and in one line what decided it; "not applicable" if a library that the claim needs is missing.
    omitted
        How many pieces of evidence were left out because another grade was asked for: the verdict is not theirs.
    settings
        Effort and seed of the run.
    cpu_seconds
        What its checks took of processors, in all threads of their process.
    """

    name: str
    title: str
    statement: str
    source: str
    verdict: ClaimVerdict
    detail: str
    evidence: tuple[EvidenceReport, ...]
    controls: tuple[ControlReport, ...]
    seconds: float
    omitted: int
    settings: Settings
    cpu_seconds: float = 0.0

    @property
    def summary(self) -> str:
        """The claim, and what decided the verdict."""
        return f"{self.name}{self.title and ', '}{self.title}: {_short(self.detail)}"

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each piece of evidence and for each control, whose verdict is whether it was rejected."""
        rows = [("evidence", *entry) for entry in map(_evidence_row, self.evidence)]
        rows += [("control", *entry) for entry in map(_control_row, self.controls)]
        keys = ("part", "grade", "name", "verdict", "detail", "cases", "seconds")
        return {key: [row[k] for row in rows] for k, key in enumerate(keys)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each piece of evidence and for each control."""
        rows = zip(*list(self.columns().values())[:5], strict=True)
        return ["", "grade", "name", "verdict", "what was found"], [list(row) for row in rows]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON's dictionaries, with the keys that ``adamsym verify --json`` promises."""
        return {
            "name": self.name,
            "title": self.title,
            "statement": self.statement,
            "source": self.source,
            "verdict": self.verdict,
            "detail": self.detail,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "evidence": [vars(evidence).copy() for evidence in self.evidence],
            "controls": [vars(control).copy() for control in self.controls],
            "omitted": self.omitted,
            "effort": self.settings.effort,
            "seed": self.settings.seed,
        }


def _evidence_row(one: EvidenceReport) -> tuple[Any, ...]:
    return one.grade, one.name, one.verdict, one.detail, one.cases, one.seconds


def _control_row(one: ControlReport) -> tuple[Any, ...]:
    return "", one.name, "rejected" if one.rejected else "not rejected", one.detail, 0, one.seconds


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


_LONGEST = 120
"""Characters of a reason in a line."""


def run_claim(
    claim: Claim,
    grade: Grade | None = None,
    progress: Callable[[EvidenceReport | ControlReport], None] | None = None,
) -> ClaimReport:
    """Return the report of one claim, run in this process.

    Parameters
    ----------
    grade
        The only grade of evidence to run; all controls are run in any case.
    progress
        Called with the report of every piece of evidence and every control as soon as it is there.
    """
    if claim.missing:
        return _without(claim)
    start, at_work = time.perf_counter(), time.process_time()
    evidence = []
    chosen = [(found, check) for found, check in claim.evidence_checks if grade in (None, found)]
    for found, check in chosen:
        name = getattr(check, "__name__", "evidence").replace("_", " ")
        reason = _why_not_run(found)
        if reason:
            evidence.append(EvidenceReport(found, name, "not run", reason, 0, 0.0))
        else:
            finding, *seconds = timed(check)
            evidence.append(EvidenceReport(found, name, finding.verdict, finding.detail, finding.cases, *seconds))
        if progress is not None:
            progress(evidence[-1])
    controls = []
    for name, check in claim.control_checks:
        finding, *seconds = timed(check)
        detail = finding.detail if finding.verdict == "refuted" else f"{finding.verdict}: {finding.detail}"
        controls.append(ControlReport(name, finding.verdict == "refuted", detail, *seconds))
        if progress is not None:
            progress(controls[-1])
    verdict, detail = judge(tuple(evidence), tuple(controls))
    return ClaimReport(
        name=claim.name,
        title=claim.title,
        statement=claim.statement,
        source=claim.source,
        verdict=verdict,
        detail=detail,
        evidence=tuple(evidence),
        controls=tuple(controls),
        seconds=time.perf_counter() - start,
        omitted=len(claim.evidence_checks) - len(chosen),
        settings=current_settings(),
        cpu_seconds=time.process_time() - at_work,
    )


def _why_not_run(grade: str) -> str:
    """Why evidence of a grade is left out here: a proof kernel may be missing, or take longer than is asked for."""
    if grade != "formal":
        return ""
    if current_settings().effort == "quick":
        return "left out with --quick"
    return "" if shutil.which("coqc") else "coqc is not installed"


def _without(claim: Claim) -> ClaimReport:
    """The report of a claim whose library is missing: nothing was checked, so that it does not hold."""
    names = ", ".join(claim.missing)
    return ClaimReport(
        name=claim.name,
        title=claim.title,
        statement=claim.statement,
        source=claim.source,
        verdict="not applicable",
        detail=f"not checked: {names} is not installed; install adamsym[{','.join(claim.missing)}]",
        evidence=(),
        controls=(),
        seconds=0.0,
        omitted=len(claim.evidence_checks),
        settings=current_settings(),
    )


def judge(evidence: tuple[EvidenceReport, ...], controls: tuple[ControlReport, ...]) -> tuple[Verdict, str]:
    """Return a claim's verdict and its reason.

    Refuted if any evidence is refuted. Holds only if there is evidence, all of it holds, there are at least two
    controls and all are rejected. Undecided otherwise. Evidence that was not run counts for nothing, and is told.
    """
    left_out = [report for report in evidence if report.verdict == "not run"]
    evidence = tuple(report for report in evidence if report.verdict != "not run")
    for report in evidence:
        if report.verdict == "refuted":
            return "refuted", f"{report.name}: {report.detail}"
    for report in evidence:
        if report.verdict != "holds":
            return "undecided", f"{report.name}: {report.detail}"
    if not evidence:
        return "undecided", f"no evidence was run: {left_out[0].detail}" if left_out else "no evidence"
    for control in controls:
        if not control.rejected:
            return "undecided", f"control not rejected: {control.name} ({control.detail})"
    if len(controls) < FEWEST_CONTROLS:
        return "undecided", f"{len(controls)} controls; at least {FEWEST_CONTROLS} must be rejected"
    formal = "".join(f"; formal evidence not run: {report.detail}" for report in left_out[:1])
    return "holds", f"all evidence holds, all {len(controls)} controls rejected{formal}"


def not_run(
    name: str,
    source: str,
    reason: str,
    settings: Settings,
    seconds: float = 0.0,
    evidence: tuple[EvidenceReport, ...] = (),
    controls: tuple[ControlReport, ...] = (),
) -> ClaimReport:
    """Return the undecided report of a claim that did not come to its end, with what it had found by then."""
    return ClaimReport(
        name=name,
        title="",
        statement="",
        source=source,
        verdict="undecided",
        detail=" ".join(reason.split())[:500],
        evidence=evidence,
        controls=controls,
        seconds=seconds,
        omitted=0,
        settings=settings,
    )


def timed(check: Check) -> tuple[Finding, float, float]:
    """Return a check's finding, its seconds and those of CPU; undecided if it raises or returns anything else."""
    start, at_work = time.perf_counter(), time.process_time()
    finding: object
    try:
        finding = check()
    except (Exception, SystemExit) as error:  # sys.exit(0) must not end the run as a success
        finding = undecided(f"{type(error).__name__}: {error}")
    if not isinstance(finding, Finding) or finding.verdict not in ("holds", "refuted", "undecided"):
        finding = undecided(f"returned {type(finding).__name__}, not a finding")
    if finding.verdict == "holds" and finding.cases < 1:
        finding = undecided(f"nothing was checked: {finding.detail}")
    return finding, time.perf_counter() - start, time.process_time() - at_work
