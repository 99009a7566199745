"""Branches of zeros: how they move with the numbers of the method, the batch size and the data."""

from adamsym.continuation.axes import Axis
from adamsym.continuation.branches import Branch, BranchPoint, Change, Sweep
from adamsym.continuation.sweep import sweep
from adamsym.continuation.tubes import CertifiedBranch, Joint, Tube, certify_branch

__all__ = [
    "Axis",
    "Branch",
    "BranchPoint",
    "CertifiedBranch",
    "Change",
    "Joint",
    "Sweep",
    "Tube",
    "certify_branch",
    "sweep",
]
