"""How results about networks are drawn."""

from typing import Any

from matplotlib.axes import Axes

from adamsym.networks.comparison import Comparison
from adamsym.plots.labels import label_axes
from adamsym.plots.results import draw
from adamsym.plots.style import BLUE, GREY, VERMILLION


@draw.register
def draw_comparison(result: Comparison, axes: Axes) -> Any:
    """Distances of the mean iterate against the step size, on logarithmic axes; the bars are the noise."""
    label_axes(axes, "step size", "distance of the mean iterate")
    axes.set_xscale("log")
    axes.set_yscale("log")
    sizes, noise = ([getattr(one, name) for one in result.windows] for name in ("step_size", "noise"))
    for name, color, marker, label in (
        ("to_critical", VERMILLION, "s", "to the critical point"),
        ("to_zero", BLUE, "o", "to the predicted zero"),
    ):
        values = [getattr(one, name) for one in result.windows]
        axes.errorbar(sizes, values, noise, color=color, marker=marker, capsize=3, label=label)
    axes.axhline(result.distance, color=GREY, linestyle="--", linewidth=1, label="predicted: zero to critical point")
    return axes
