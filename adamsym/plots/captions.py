"""What stands below each figure: what is drawn, and nothing that is not."""

import math

import numpy as np

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.dynamics import PseudoTrajectory
from adamsym.plots.context import PlotContext
from adamsym.plots.figures import MOST_IN_TIME, TITLES
from adamsym.plots.portraits import Of
from adamsym.plots.trajectories import Runs


def runs_are_drawn(study: PlotContext) -> bool:
    """Return whether runs are drawn over the flow: those of many parameters would hide each other."""
    return len(study.names) <= MOST_IN_TIME


def of_runs(study: PlotContext, runs: Runs | None, missing: str) -> str:
    """Return what the runs are that are drawn; ``missing`` says why there are none."""
    method = type(study.source.adam).__name__
    if runs is None:
        return f"Runs of {method} are not drawn: {missing or 'they could not be made'}."
    count = runs.theta.shape[1]
    text = f"Over it {counted(count, 'run')} of {method}, step size {study.settings.step_size}, "
    text += f"seed {study.settings.seed}."
    gone = int((~np.isfinite(runs.theta[-1]).all(axis=-1)).sum())
    if gone:
        text += f" {counted(gone, 'run')} left the finite numbers and {'end' if gone > 1 else 'ends'} there."
    if runs.times[-1] < study.settings.time * (1 - 1e-9):
        text += f" The runs end after {study.steps} steps, at time {runs.times[-1]:.3g}."
    return text


def of_flow(study: PlotContext, runs: Runs | None, missing: str) -> str:
    """Return the caption of the flow's figure."""
    end = f"to time {study.settings.time:g}"
    if not runs_are_drawn(study):
        return (
            f"How far each parameter is from its start along the flow {end}. "
            f"Runs of {type(study.source.adam).__name__} are not drawn: with more than two parameters they would "
            "hide each other."
        )
    where = " in the plane of the parameters and over time" if len(study.names) == 2 else ""
    return f"The flow from the start {end}{where}. {of_runs(study, runs, missing)}"


def of_loss(study: PlotContext, runs: Runs | None, missing: str) -> str:
    """Return the caption of the losses' figure."""
    return f"The mean loss along the flow to time {study.settings.time:g}. {of_runs(study, runs, missing)}"


def of_portrait(study: PlotContext, of: Of, zeros: Zeros | None, region: LyapunovRegion | None) -> str:
    """Return the caption of a portrait: what it shows, and what is marked in it."""
    where = " and ".join(study.names[k] for k in study.plane)
    kind = "Graph" if len(study.plane) == 1 else "Streamlines"
    text = f"{kind} of {TITLES[of]} over {where}"
    others = len(study.names) - len(study.plane)
    text += f"; {counted(others, 'other parameter')} as at the start." if others else "."
    return " ".join((text, *of_zeros(zeros), *of_region(region)))


def of_zeros(zeros: Zeros | None) -> list[str]:
    """Return what a figure marks of a search for zeros; nothing if there was none."""
    if zeros is None:
        return []
    count = counted(len(zeros.zeros), "certified zero") if zeros.zeros else "No certified zero"
    left = " Hatched boxes may hold others." if zeros.undecided else ""
    return [f"{count} of the Adam field marked.{left}"]


def of_region(region: LyapunovRegion | None) -> list[str]:
    """Return what a figure marks of a search for a Lyapunov region; nothing if there was none."""
    if region is None:
        return []
    what = "L is certified to decrease along the flow of the Adam field"
    text = [f"Shaded with dots: where {what}." if region.certified else f"In no part of the box {what}."]
    if region.undecided:
        text.append("Shaded with crosses: undecided.")
    if region.witness is not None:
        text.append("Star: a point at which L is certified to increase.")
    return text


def of_windows(study: PlotContext, found: PseudoTrajectory) -> str:
    """Return the caption of the windows' figure."""
    chosen, windows = study.settings, found.windows
    text = (
        f"Root mean square over {chosen.chains} chains of the largest distance in a window of length "
        f"{chosen.length:g}, and its proven bound, against the step size. Chains that left its region count 0."
    )
    unmeasured = sum(not (window.inside and window.measured.value > 0) for window in windows)
    unbounded = sum(not math.isfinite(window.bound.mean_square.total) for window in windows)
    if unmeasured:
        text += f" No distance is drawn for {counted(unmeasured, 'window')} of {len(windows)}: none was measured there."
    if unbounded:
        text += f" No bound is drawn for {counted(unbounded, 'window')} of {len(windows)}: it is infinite."
    return text


def counted(number: int, word: str) -> str:
    """Return a number with its word, in the plural if it is not 1."""
    return f"{number} {word}" + ("" if number == 1 else "s")
