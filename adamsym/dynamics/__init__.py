"""Adam in time: the flow of its field, ensembles of real Adam runs, and how far the two are apart."""

from adamsym.dynamics.ensemble import Ensemble, simulate
from adamsym.dynamics.flow import flow
from adamsym.dynamics.increments import IncrementTest, increment_test
from adamsym.dynamics.portraits import Basins, PhasePortrait, basins, phase_portrait
from adamsym.dynamics.pseudo_trajectory import pseudo_trajectory
from adamsym.dynamics.run import Run
from adamsym.dynamics.solutions import Flow
from adamsym.dynamics.windows import PseudoTrajectory, Window
from adamsym.dynamics.zero_point import CriticalPoint, ZeroPoint
from adamsym.dynamics.zero_search import find_zero

__all__ = [
    "Basins",
    "CriticalPoint",
    "Ensemble",
    "Flow",
    "IncrementTest",
    "PhasePortrait",
    "PseudoTrajectory",
    "Run",
    "Window",
    "ZeroPoint",
    "basins",
    "find_zero",
    "flow",
    "increment_test",
    "phase_portrait",
    "pseudo_trajectory",
    "simulate",
]
