"""Certified statements about fields: all zeros in a box, Lyapunov regions, certificates."""

from adamsym.certify.box_function import BoxFunction
from adamsym.certify.certificate import certificate
from adamsym.certify.interpolation.minima_set import MinimaSet
from adamsym.certify.interpolation.regions import LyapunovBall, certify_lyapunov_ball, certify_lyapunov_globally
from adamsym.certify.lyapunov.box_regions import LyapunovRegion, certify_lyapunov
from adamsym.certify.lyapunov.theorem_regions import Regions, compare_regions
from adamsym.certify.zeros.all_zeros import Zero, Zeros, find_zeros
from adamsym.certify.zeros.border import BorderPoint, certify_border_point
from adamsym.certify.zeros.clusters import Cluster
from adamsym.certify.zeros.crossing import Crossing, certify_crossing
from adamsym.certify.zeros.one_zero import CriticalPoint, OneZero, certify_zero

__all__ = [
    "BorderPoint",
    "BoxFunction",
    "Cluster",
    "CriticalPoint",
    "Crossing",
    "LyapunovBall",
    "LyapunovRegion",
    "MinimaSet",
    "OneZero",
    "Regions",
    "Zero",
    "Zeros",
    "certificate",
    "certify_border_point",
    "certify_crossing",
    "certify_lyapunov",
    "certify_lyapunov_ball",
    "certify_lyapunov_globally",
    "certify_zero",
    "compare_regions",
    "find_zeros",
]
