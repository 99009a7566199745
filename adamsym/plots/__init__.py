"""Plots of what has been computed: functions that draw on given axes. Matplotlib is imported here alone."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.plots.branches import draw_branches as draw_branches
    from adamsym.plots.branches import draw_distances as draw_distances
    from adamsym.plots.branches import draw_tubes as draw_tubes
    from adamsym.plots.cells import draw_cells_over as draw_cells_over
    from adamsym.plots.certified import draw_lyapunov as draw_lyapunov
    from adamsym.plots.certified import draw_zeros as draw_zeros
    from adamsym.plots.labels import place_legend as place_legend
    from adamsym.plots.maps import draw_lyapunov_map as draw_lyapunov_map
    from adamsym.plots.maps import draw_map as draw_map
    from adamsym.plots.portraits import draw_basins as draw_basins
    from adamsym.plots.portraits import draw_portrait as draw_portrait
    from adamsym.plots.saving import save_figure as save_figure
    from adamsym.plots.trajectories import Runs as Runs
    from adamsym.plots.trajectories import draw_flow as draw_flow
    from adamsym.plots.trajectories import draw_flow_in_plane as draw_flow_in_plane
    from adamsym.plots.trajectories import draw_loss as draw_loss
    from adamsym.plots.trajectories import draw_runs as draw_runs
    from adamsym.plots.trajectories import draw_runs_in_plane as draw_runs_in_plane
    from adamsym.plots.trajectories import recorded_runs as recorded_runs
    from adamsym.plots.windows import draw_windows as draw_windows
    from adamsym.plots.zero_points import draw_one_zero as draw_one_zero
    from adamsym.plots.zero_points import draw_zero_point as draw_zero_point

_MODULES = {
    "Runs": "trajectories",
    "draw_basins": "portraits",
    "draw_branches": "branches",
    "draw_cells_over": "cells",
    "draw_distances": "branches",
    "draw_tubes": "branches",
    "draw_flow": "trajectories",
    "draw_flow_in_plane": "trajectories",
    "draw_loss": "trajectories",
    "draw_lyapunov": "certified",
    "draw_lyapunov_map": "maps",
    "draw_map": "maps",
    "draw_one_zero": "zero_points",
    "draw_portrait": "portraits",
    "draw_runs": "trajectories",
    "draw_runs_in_plane": "trajectories",
    "draw_windows": "windows",
    "draw_zero_point": "zero_points",
    "draw_zeros": "certified",
    "place_legend": "labels",
    "recorded_runs": "trajectories",
    "save_figure": "saving",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    # The command line reads the list of plots from this package; Matplotlib comes when something is drawn.
    if name in _MODULES:
        return getattr(import_module(f"adamsym.plots.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'adamsym.plots' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
