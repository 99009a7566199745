"""Adam in time: the flow of its field, ensembles of real Adam runs, and how far the two are apart."""

from adamsym.dynamics.ensemble import Ensemble, simulate
from adamsym.dynamics.flow import Flow, flow
from adamsym.dynamics.increments import IncrementTest, increment_test
from adamsym.dynamics.portraits import Basins, PhasePortrait, basins, phase_portrait
from adamsym.dynamics.pseudo_trajectory import PseudoTrajectory, Window, pseudo_trajectory
from adamsym.dynamics.run import Run

__all__ = [
    "Basins",
    "Ensemble",
    "Flow",
    "IncrementTest",
    "PhasePortrait",
    "PseudoTrajectory",
    "Run",
    "Window",
    "basins",
    "flow",
    "increment_test",
    "phase_portrait",
    "pseudo_trajectory",
    "simulate",
]
