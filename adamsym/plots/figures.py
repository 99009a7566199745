"""Whole figures out of the drawings, for the commands ``plot`` and ``report``."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.dynamics import Basins, Flow, PhasePortrait, PseudoTrajectory
from adamsym.expressions.compilation import FloatArray
from adamsym.gradients import Problem
from adamsym.plots.certified import draw_lyapunov, draw_zeros
from adamsym.plots.labels import place_legend
from adamsym.plots.portraits import Of, draw_basins, draw_portrait
from adamsym.plots.style import TEXT
from adamsym.plots.trajectories import (
    Runs,
    draw_flow,
    draw_flow_in_plane,
    draw_loss,
    draw_runs,
    draw_runs_in_plane,
)
from adamsym.plots.windows import draw_windows

TITLES: dict[Of, str] = {"field": "the Adam field", "descent": "minus the gradient of L"}
_HEIGHT = 4.3
_WIDTH = 5.0
MOST_IN_TIME = 2
"""Runs of more parameters than this would hide each other over time."""


def empty_figure(columns: int = 1, width: float = _WIDTH, height: float = _HEIGHT) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many axes side by side, which makes room for its labels and legend."""
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    return figure, [figure.add_subplot(1, columns, k + 1) for k in range(columns)]


def portrait_figure(
    portrait: PhasePortrait,
    names: Sequence[str],
    of: Sequence[Of] = ("field", "descent"),
    zeros: Zeros | None = None,
    region: LyapunovRegion | None = None,
    title: bool = True,
) -> Figure:
    """Return portraits side by side over the same box, with certified zeros and the Lyapunov region drawn in."""
    figure, panels = empty_figure(len(of))
    for axes, one in zip(panels, of, strict=True):
        draw_portrait(axes, portrait, names, one)
        if region is not None:
            draw_lyapunov(axes, region)
        if zeros is not None:
            draw_zeros(axes, zeros)
        if title:
            axes.set_title(TITLES[one], fontsize=TEXT + 1)
    place_legend(*panels, columns=2 if len(of) > 1 else 1)
    return figure


def flow_figure(flow: Flow, runs: Runs | None, names: Sequence[str]) -> Figure:
    """Return the flow with runs of Adam over it: over time, and in the plane if there are two parameters.

    Of more parameters only the flow is drawn, each less its start.
    """
    planar = len(names) == 2
    figure, panels = empty_figure(2 if planar else 1, width=_WIDTH if planar else 6.4)
    if planar:
        if runs is not None:
            draw_runs_in_plane(panels[0], runs, names)
        draw_flow_in_plane(panels[0], flow, names)
    if runs is not None and len(names) <= MOST_IN_TIME:
        draw_runs(panels[-1], runs, names)
    draw_flow(panels[-1], flow, names, change=len(names) > MOST_IN_TIME)
    place_legend(*panels, columns=3)
    return figure


def loss_figure(flow: Flow, runs: Runs | None, problem: Problem) -> Figure:
    """Return the mean loss along the flow and along runs of Adam."""
    figure, [axes] = empty_figure(width=6.4)
    along = problem.mean_loss(flow.theta)
    draw_loss(axes, flow.times, along, None if runs is None else (runs.times, _losses(problem, runs.theta)))
    axes.set_xlim(flow.times[0], flow.times[-1])
    place_legend(axes)
    return figure


def _losses(problem: Problem, theta: FloatArray) -> FloatArray:
    """The losses of states (r, chains, d), nan where a chain has diverged."""
    known = np.isfinite(theta).all(axis=-1)
    losses = np.full(theta.shape[:-1], np.nan)
    losses[known] = problem.mean_loss(theta[known])
    return losses


def windows_figure(found: PseudoTrajectory) -> Figure:
    """Return measured distances and bounds against the step size."""
    figure, [axes] = empty_figure(width=6.4)
    draw_windows(axes, found)
    place_legend(axes)
    return figure


def basins_figure(found: Basins, zeros: Zeros) -> Figure:
    """Return the basins of the certified attracting zeros."""
    figure, [axes] = empty_figure(width=6.4)
    names = zeros.problem.names
    draw_basins(axes, found, np.array([zero.midpoint for zero in zeros.zeros]).reshape(-1, len(names)), names)
    place_legend(axes)
    return figure
