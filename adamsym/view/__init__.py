"""What a person looks at: plots of what has been computed, and the HTML report. Matplotlib is imported here alone."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.view.certified import draw_lyapunov as draw_lyapunov
    from adamsym.view.certified import draw_zeros as draw_zeros
    from adamsym.view.labels import place_legend as place_legend
    from adamsym.view.motion import Runs as Runs
    from adamsym.view.motion import draw_flow as draw_flow
    from adamsym.view.motion import draw_flow_in_plane as draw_flow_in_plane
    from adamsym.view.motion import draw_loss as draw_loss
    from adamsym.view.motion import draw_runs as draw_runs
    from adamsym.view.motion import draw_runs_in_plane as draw_runs_in_plane
    from adamsym.view.motion import recorded_runs as recorded_runs
    from adamsym.view.portraits import draw_basins as draw_basins
    from adamsym.view.portraits import draw_portrait as draw_portrait
    from adamsym.view.saving import save_figure as save_figure
    from adamsym.view.windows import draw_windows as draw_windows

_MODULES = {
    "Runs": "motion",
    "draw_basins": "portraits",
    "draw_flow": "motion",
    "draw_flow_in_plane": "motion",
    "draw_loss": "motion",
    "draw_lyapunov": "certified",
    "draw_portrait": "portraits",
    "draw_runs": "motion",
    "draw_runs_in_plane": "motion",
    "draw_windows": "windows",
    "draw_zeros": "certified",
    "place_legend": "labels",
    "recorded_runs": "motion",
    "save_figure": "saving",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    # The command line reads the list of plots from this room; Matplotlib comes when something is drawn.
    if name in _MODULES:
        return getattr(import_module(f"adamsym.view.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'adamsym.view' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
