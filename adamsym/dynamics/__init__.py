"""Adam in time: the flow of its field, ensembles of real Adam runs, and how far the two are apart."""

from adamsym.dynamics.ensemble import Ensemble, simulate
from adamsym.dynamics.flow import Flow, flow
from adamsym.dynamics.portraits import Basins, PhasePortrait, basins, phase_portrait
from adamsym.dynamics.run import Run

__all__ = ["Basins", "Ensemble", "Flow", "PhasePortrait", "Run", "basins", "flow", "phase_portrait", "simulate"]
