"""Branches of zeros: how they move with the numbers of the method, the batch size and the data."""

from adamsym.continuation.axes import Axis
from adamsym.continuation.branches import Branch, BranchPoint, Change, Sweep
from adamsym.continuation.cells import Leaf, Region
from adamsym.continuation.certified import CertifiedBranch, StabilityChange
from adamsym.continuation.completeness import Cell, ZerosOver, certify_zeros_over
from adamsym.continuation.maps import LyapunovMap, MapChange, MapNode, NodeZero, ZeroMap, map_lyapunov, map_zeros
from adamsym.continuation.motion import Motion, enclose_motion
from adamsym.continuation.sweep import sweep
from adamsym.continuation.tube_proofs import Joint, Tube
from adamsym.continuation.tubes import certify_branch
from adamsym.continuation.turns import Fold
from adamsym.continuation.zeros_list import NumberChange, ZerosList, find_zeros_at_each

__all__ = [
    "Axis",
    "Branch",
    "BranchPoint",
    "Cell",
    "CertifiedBranch",
    "Change",
    "Fold",
    "Joint",
    "Leaf",
    "LyapunovMap",
    "MapChange",
    "MapNode",
    "Motion",
    "NodeZero",
    "NumberChange",
    "Region",
    "StabilityChange",
    "Sweep",
    "Tube",
    "ZeroMap",
    "ZerosList",
    "ZerosOver",
    "certify_branch",
    "certify_zeros_over",
    "enclose_motion",
    "find_zeros_at_each",
    "map_lyapunov",
    "map_zeros",
    "sweep",
]
