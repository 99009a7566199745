"""Claims: statements with evidence and controls; discovery and running of claim folders."""

from adamsym.claims.asymptotics import check_expansion, check_limit
from adamsym.claims.claim import Claim
from adamsym.claims.digits import rounding_interval, rounds_to
from adamsym.claims.discovery import discover
from adamsym.claims.finding import Finding, all_of, holds, refuted, undecided
from adamsym.claims.properties import check_property
from adamsym.claims.report import ClaimReport, ControlReport, EvidenceReport, run_claim
from adamsym.claims.running import ModuleProgress, run_claims
from adamsym.claims.settings import Settings, checking_with, run_seed, scaled

__all__ = [
    "Claim",
    "ClaimReport",
    "ControlReport",
    "EvidenceReport",
    "Finding",
    "ModuleProgress",
    "Settings",
    "all_of",
    "check_expansion",
    "check_limit",
    "check_property",
    "checking_with",
    "discover",
    "holds",
    "refuted",
    "rounding_interval",
    "rounds_to",
    "run_claim",
    "run_claims",
    "run_seed",
    "scaled",
    "undecided",
]
