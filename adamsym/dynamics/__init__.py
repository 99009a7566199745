"""Adam in time: the flow of its field, pictures of it, and ensembles of real Adam runs."""

from adamsym.dynamics.ensemble import Ensemble, simulate
from adamsym.dynamics.flow import Flow, flow
from adamsym.dynamics.portraits import Basins, PhasePortrait, basins, phase_portrait

__all__ = ["Basins", "Ensemble", "Flow", "PhasePortrait", "basins", "flow", "phase_portrait", "simulate"]
