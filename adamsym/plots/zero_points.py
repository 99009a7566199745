"""How far a zero of the field lies from a critical point of the loss, parameter by parameter."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from adamsym.dynamics import ZeroPoint
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.plots.labels import label_axes
from adamsym.plots.style import BLUE, GREY


@checked_arguments
def draw_zero_point(axes: Axes, found: ZeroPoint) -> Line2D:
    """Draw the zero's distance from the critical point in each parameter against what the leading order predicts.

    Points on the diagonal are predicted exactly.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.find_zero`.

    Returns
    -------
    Line2D
        The points.

    Raises
    ------
    InputError
        If no critical point was found, or there is no prediction.
    """
    critical = found.critical_point
    if critical is None or critical.predicted is None:
        raise InputError(f"plot: {found.no_critical_point or 'there is no prediction to compare the zero with'}")
    shifts = critical.predicted - critical.theta, found.theta - critical.theta
    ends = [min(map(np.min, shifts)), max(map(np.max, shifts))]
    axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=1, label="equal")
    [points] = axes.plot(*shifts, linestyle="none", marker=".", color=BLUE, label="parameters")
    label_axes(axes, "leading order in 1 - beta2", "zero less critical point")
    return points
