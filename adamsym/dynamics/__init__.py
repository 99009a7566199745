"""Adam in time: the flow of its field, and ensembles of real Adam runs."""

from adamsym.dynamics.ensemble import Ensemble, simulate
from adamsym.dynamics.flow import Flow, flow
from adamsym.dynamics.run import Run

__all__ = ["Ensemble", "Flow", "Run", "flow", "simulate"]
