"""The caption of each figure: it says what is drawn, and nothing that is not."""

import math

import numpy as np

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.dynamics import PseudoTrajectory
from adamsym.expressions.results import counted
from adamsym.plots.context import PlotContext
from adamsym.plots.names import typeset
from adamsym.plots.portraits import Of
from adamsym.plots.trajectories import Runs

MOST_IN_TIME = 2
"""Runs of more parameters than this would hide each other over time."""


def runs_are_drawn(context: PlotContext) -> bool:
    """Return whether runs are drawn over the flow: those of many parameters would hide each other."""
    return len(context.names) <= MOST_IN_TIME


def of_runs(context: PlotContext, runs: Runs | None, missing: str) -> str:
    """Return what the runs are that are drawn; ``missing`` says why there are none."""
    method = context.method_name
    if runs is None:
        return f"Runs of {method} are not drawn: {missing or 'they could not be made'}."
    count = runs.theta.shape[1]
    text = f"Over it {counted(count, 'run')} of {method}, step size {context.settings.step_size}, "
    text += f"seed {context.settings.seed}."
    gone = int((~np.isfinite(runs.theta[-1]).all(axis=-1)).sum())
    if gone:
        text += f" {counted(gone, 'run')} diverged and {'end' if gone > 1 else 'ends'} there."
    if runs.times[-1] < context.settings.time * (1 - 1e-9):
        text += f" The runs end after {context.steps} steps, at time {runs.times[-1]:.3g}."
    return text


def of_flow(context: PlotContext, runs: Runs | None, missing: str) -> str:
    """Return the caption of the flow's figure."""
    end = f"to time {context.settings.time:g}"
    if not runs_are_drawn(context):
        return (
            f"How far each parameter is from its start along the flow {end}. "
            f"Runs of {context.method_name} are not drawn: with more than two parameters they would "
            "hide each other."
        )
    return f"The flow from the start {end}. {of_runs(context, runs, missing)}"


def of_plane(context: PlotContext) -> str:
    """Return the caption of the flow's path."""
    return f"The same in the plane of {' and '.join(map(typeset, context.names))}."


def of_loss(context: PlotContext, runs: Runs | None, missing: str) -> str:
    """Return the caption of the losses' figure."""
    return f"The mean loss along the flow to time {context.settings.time:g}. {of_runs(context, runs, missing)}"


def titles(context: PlotContext) -> dict[Of, str]:
    """Return the titles of portraits: the field of the flow, and what plain gradient descent would follow."""
    mean = "Minus the mean of the given field" if context.mean_loss is None else "Minus the gradient of L"
    return {"field": "The Adam field", "descent": mean}


def of_portrait(context: PlotContext, of: Of) -> str:
    """Return the caption of a portrait."""
    where = " and ".join(typeset(context.names[k]) for k in context.plane)
    kind = "Graph" if len(context.plane) == 1 else "Streamlines"
    title = titles(context)[of]
    text = f"{kind} of {title[0].lower()}{title[1:]} over {where}"
    others = len(context.names) - len(context.plane)
    return text + (f"; {counted(others, 'other parameter')} as at the start." if others else ".")


def box_text(context: PlotContext) -> str:
    """Return the box of portraits and searches, and where it comes from."""
    shown = zip(context.plane, context.sides, strict=True)
    ranges = [f"{typeset(context.names[k])} from {a:g} to {b:g}" for k, (a, b) in shown]
    fixed = "; the other parameters as at the start" if len(context.names) > 2 else ""
    origin = "" if context.given_box is not None else ", around the flow's path"
    return ", ".join(ranges) + fixed + origin


def of_zeros(zeros: Zeros) -> str:
    """Return what a figure marks of a search for zeros."""
    count = counted(len(zeros.zeros), "certified zero") if zeros.zeros else "No certified zero"
    sets = " Tinted: every zero there is a minimum of L, one of a set of them." if zeros.sets else ""
    left = " Hatched boxes may contain others." if zeros.undecided else ""
    return f"{count} of the Adam field marked.{sets}{left}"


def of_region(region: LyapunovRegion) -> str:
    """Return what a figure marks of a search for a Lyapunov region."""
    what = "L is certified to decrease along the flow of the Adam field"
    text = [f"Tinted: where {what}." if region.certified else f"In no part of the box {what}."]
    if region.undecided:
        text.append("Hatched: undecided.")
    if region.witness is not None:
        text.append("Star: a point at which L is certified to increase.")
    return " ".join(text)


def of_windows(context: PlotContext, found: PseudoTrajectory) -> str:
    """Return the caption of the windows' figure."""
    chosen, windows = context.settings, found.windows
    text = (
        f"Root mean square over {chosen.chains} chains of the largest distance in a window of length "
        f"{chosen.length:g}, and its proven bound, against the step size. Chains that left its region count 0."
    )
    outside = sum(not window.inside for window in windows)
    zero = sum(bool(window.inside) and not window.measured.value > 0 for window in windows)
    unbounded = sum(not math.isfinite(window.bound.mean_square.total) for window in windows)
    if outside:
        text += f" No distance is drawn for {counted(outside, 'window')} of {len(windows)}: none was measured there."
    if zero:
        text += f" No distance is drawn for {counted(zero, 'window')} of {len(windows)}: there it is 0, below the axis."
    if unbounded:
        text += f" No bound is drawn for {counted(unbounded, 'window')} of {len(windows)}: it is infinite."
    return text
