"""How far Adam gets from its flow in windows of time, beside the proven bound."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from adamsym.dynamics import PseudoTrajectory, Window
from adamsym.expressions.arguments import checked_arguments
from adamsym.plots.labels import label_axes
from adamsym.plots.style import BLUE, GREY, VERMILLION, big, paper, wide


@checked_arguments
def draw_windows(axes: Axes, found: PseudoTrajectory) -> tuple[ErrorbarContainer, Line2D]:
    """Draw measured distances with bars of one standard error, and their proven bounds, against the step size.

    Both axes are logarithmic. Windows in which no chain stayed in the region of the bound, or the distance is 0, have
    no measured point: the plot says how many.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.pseudo_trajectory`.

    Returns
    -------
    tuple
        The measured points with their bars, and the line of the bounds.
    """
    seen = [window for window in found.windows if window.inside and window.measured.value > 0]
    below, above = standard_errors(seen)
    measured = axes.errorbar(
        [window.effective_step for window in seen],
        [window.measured.value for window in seen],
        yerr=np.array([below, above]).reshape(2, -1),
        color=BLUE,
        marker="o",
        markersize=big(6),
        linewidth=wide(1.2),
        capsize=4,
        zorder=4,
        label="measured distance, with one standard error",
    )
    bounds = [window for window in found.windows if math.isfinite(window.bound.mean_square.total)]
    [bound] = axes.plot(
        [window.effective_step for window in bounds],
        [window.bound.mean_square.total for window in bounds],
        color=VERMILLION,
        linestyle="--",
        marker="^",
        markersize=big(7),
        markerfacecolor=paper(),
        zorder=3,
        label="proven bound",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.margins(x=0.1)
    axes.grid(True, which="major", color=GREY, alpha=0.25, linewidth=wide(0.6))
    label_axes(axes, "step size in the window", "distance from the flow")
    outside = sum(not window.inside for window in found.windows)
    if outside:
        axes.set_title(f"undecided: no measured distance in {outside} of {len(found.windows)} windows")
    elif len(seen) < len(found.windows):
        axes.set_title(
            f"distance 0, below the axis, in {len(found.windows) - len(seen)} of {len(found.windows)} windows"
        )
    return measured, bound


def standard_errors(windows: Sequence[Window]) -> tuple[list[float], list[float]]:
    """Return how far one standard error of the mean square reaches below and above each root mean square.

    Chains that left the region count as 0, as in the bound.
    """
    below, above = [], []
    for window in windows:
        squares = np.square(np.nan_to_num(window.distances))
        mean, error = squares.mean(), squares.std(ddof=1) / math.sqrt(len(squares))
        root = math.sqrt(mean)
        # On a logarithmic scale a bar must end above zero.
        below.append(root - math.sqrt(max(mean - error, 1e-4 * mean)))
        above.append(math.sqrt(mean + error) - root)
    return below, above
