"""Findings: what one piece of evidence, or one control, found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["holds", "refuted", "undecided"]
Grade = Literal["symbolic", "certified", "property", "statistical", "formal"]

GRADES: tuple[str, ...] = get_args(Grade)


@dataclass(frozen=True)
class Finding:
    """A verdict, one line of detail, and the number of cases that were really checked.

    Make it with :func:`holds`, :func:`refuted` or :func:`undecided`.
    """

    verdict: Verdict
    detail: str
    cases: int


def holds(detail: str, cases: int) -> Finding:
    """Return the finding that all of ``cases`` checked cases agree with the claim; undecided if there were none."""
    if isinstance(cases, bool) or not isinstance(cases, int) or cases < 1:
        return undecided(f"nothing was checked ({cases!r} cases): {detail}")
    return Finding("holds", _one_line(detail), cases)


def refuted(detail: str, cases: int = 1) -> Finding:
    """Return the finding that some case contradicts the claim; ``detail`` names it."""
    return Finding("refuted", _one_line(detail), cases)


def undecided(detail: str) -> Finding:
    """Return the finding that the check came to no end; ``detail`` says why."""
    return Finding("undecided", _one_line(detail), 0)


def all_of(findings: Iterable[Finding]) -> Finding:
    """Return all findings in one: refuted or else undecided by the first that is; holds only if each does."""
    found = list(findings)
    for verdict in ("refuted", "undecided"):
        for finding in found:
            if finding.verdict == verdict:
                return finding
    return holds("; ".join(finding.detail for finding in found), cases=sum(finding.cases for finding in found))


def _one_line(text: str) -> str:
    return " ".join(str(text).split())[:500]
