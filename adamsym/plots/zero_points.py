"""How far a zero of the field lies from a critical point of the loss, parameter by parameter."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from adamsym.certify import OneZero
from adamsym.dynamics import ZeroPoint
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import NotApplicable
from adamsym.plots.labels import label_axes
from adamsym.plots.names import typeset
from adamsym.plots.style import BLUE, GREY, wide


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
    NotApplicable
        If no critical point was found, or there is no prediction.
    """
    critical = found.critical_point
    if critical is None or critical.predicted is None:
        raise NotApplicable(f"plot: {found.no_critical_point or 'there is no prediction to compare the zero with'}")
    shifts = critical.predicted - critical.theta, found.theta - critical.theta
    ends = [min(map(np.min, shifts)), max(map(np.max, shifts))]
    axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=wide(1), label="equal")
    [points] = axes.plot(*shifts, linestyle="none", marker=".", color=BLUE, label="parameters")
    label_axes(axes, "leading order in 1 − β₂", "zero less critical point")
    return points


@checked_arguments
def draw_one_zero(axes: Axes, found: OneZero) -> ErrorbarContainer:
    """Draw how far a certified zero lies from the critical point of the loss beside it, parameter by parameter.

    Parameters
    ----------
    axes
        Where to draw.
    found
        Of :func:`adamsym.certify_zero`.

    Returns
    -------
    ErrorbarContainer
        The middles of the proven intervals, with bars over them.

    Raises
    ------
    NotApplicable
        If no zero, or no critical point beside it, is certified.
    """
    if found.zero is None or found.critical is None:
        reason = found.reason if found.zero is None else found.no_critical
        raise NotApplicable(f"plot: {reason or 'a set of minima has no picture'}")
    least = found.zero.box[:, 0] - found.critical.box[:, 1]
    most = found.zero.box[:, 1] - found.critical.box[:, 0]
    axes.axhline(0.0, color=GREY, linestyle="--", linewidth=wide(1), label="critical point of L (certified)")
    points = axes.errorbar(
        np.arange(len(least)),
        (least + most) / 2,
        yerr=(most - least) / 2,
        linestyle="none",
        marker="o",
        color=BLUE,
        capsize=4,
        label="zero of f (certified)",
    )
    few = len(least) <= _NAMED
    if few:
        axes.set_xticks(range(len(least)), [typeset(name) for name in found.names])
        axes.margins(x=0.3)
    label_axes(axes, "" if few else "number of the parameter", "zero less critical point")
    return points


_NAMED = 8
"""Parameters that are named; more are numbered."""
