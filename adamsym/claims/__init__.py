"""Claims: statements with evidence and controls; discovery and running of claim folders."""

from adamsym.claims.claim import Claim
from adamsym.claims.finding import Finding, holds, refuted, undecided
from adamsym.claims.properties import check_property
from adamsym.claims.report import ClaimReport, ControlReport, EvidenceReport, run_claim
from adamsym.claims.running import discover, run_claims

__all__ = [
    "Claim",
    "ClaimReport",
    "ControlReport",
    "EvidenceReport",
    "Finding",
    "check_property",
    "discover",
    "holds",
    "refuted",
    "run_claim",
    "run_claims",
    "undecided",
]
