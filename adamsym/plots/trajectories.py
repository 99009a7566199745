"""The flow and runs of Adam: parameters over time, paths in a plane, losses over time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from adamsym.dynamics import Ensemble, Flow
from adamsym.expressions.arguments import checked_arguments, real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.methods import StepSizeSchedule
from adamsym.plots.labels import label_axes
from adamsym.plots.names import typeset
from adamsym.plots.style import LINES, ORANGE, SERIES, START, ink, series, wide

TIME_LABEL = "time (sum of step sizes)"

_MOST_STYLES = len(SERIES)
"""So many parameters have a line style and an entry in the legend each."""

_WIDE = 20.0
"""Losses whose largest and smallest differ by this factor are drawn on a logarithmic scale."""


def _run_style(color: str) -> dict[str, Any]:
    return {"color": color, "linewidth": wide(0.8), "alpha": 0.6, "zorder": 2.5}


@dataclass(frozen=True)
class Runs:
    """States of runs of Adam on the clock of the flow.

    Attributes
    ----------
    times
        t_n = gamma_1 + ... + gamma_n of the states, shape (r,).
    theta
        The states, shape (r, chains, d).
    """

    times: FloatArray
    theta: FloatArray


@checked_arguments
def recorded_runs(ensemble: Ensemble, schedule: StepSizeSchedule, theta0: ArrayLike) -> Runs:
    """Return the recorded states of :func:`adamsym.simulate` with their times, the start first.

    Parameters
    ----------
    ensemble
        Of ``simulate(..., record_every=...)``.
    schedule, theta0
        As given to it.

    Raises
    ------
    InputError
        If nothing was recorded.
    """
    if not len(ensemble.recorded_steps):
        raise InputError("view: the ensemble has no recorded states; simulate with record_every")
    clock = np.concatenate(([0.0], np.cumsum(schedule(np.arange(1, ensemble.recorded_steps[-1] + 1)))))
    start = real_array(theta0, "theta0")
    if start.shape not in (ensemble.theta.shape, ensemble.theta.shape[1:]):
        raise InputError(f"theta0: shape {start.shape} is not allowed; give the start that simulate got")
    start = np.broadcast_to(start, ensemble.theta.shape)
    times = clock[np.concatenate(([0], ensemble.recorded_steps))]
    return Runs(times, np.concatenate((start[None], ensemble.recorded)))


def losses_of(mean_loss: Callable[[FloatArray], FloatArray], theta: FloatArray) -> FloatArray:
    """Return the losses of states (r, chains, d), nan where a chain has diverged."""
    known = np.isfinite(theta).all(axis=-1)
    losses = np.full(theta.shape[:-1], np.nan)
    losses[known] = mean_loss(theta[known])
    return losses


@checked_arguments
def draw_flow(axes: Axes, flow: Flow, names: Sequence[str], *, change: bool = False) -> list[Line2D]:
    """Draw the parameters of solutions over time.

    Parameters
    ----------
    axes
        Where to draw.
    flow
        Of :func:`adamsym.flow`, from one start or many.
    names
        The names of all parameters.
    change
        Draw how far each parameter is from its start: of many, this shows more.

    Returns
    -------
    list
        One line for each start and parameter, starts first.
    """
    paths = flow.theta.reshape(-1, *flow.theta.shape[-2:])
    if change:
        paths = paths - paths[:, :1]
    lines = []
    for path in paths:
        for k, name in enumerate(names):
            lines += axes.plot(flow.times, path[:, k], **_style(k, name, len(names)))
    what = typeset(names[0]) if len(names) == 1 else "parameters"
    label_axes(axes, TIME_LABEL, f"{what}, less the start" if change else what)
    axes.set_xlim(flow.times[0], flow.times[-1])
    return lines


def _style(k: int, name: str, count: int) -> dict[str, Any]:
    if count == 1:
        return {"color": ink(), "linewidth": wide(2.0), "label": "flow of the Adam field", "zorder": 3}
    style: dict[str, Any] = {"color": series(k), "linestyle": LINES[k % len(LINES)], "linewidth": wide(1.4)}
    # Many parameters would fill the page with a legend that nobody can use.
    one_for_all = "parameters along the flow" if k == 0 else "_more"
    style["label"] = f"{typeset(name)}, flow" if count <= _MOST_STYLES else one_for_all
    return style | {"zorder": 3}


@checked_arguments
def draw_runs(axes: Axes, runs: Runs, names: Sequence[str]) -> list[Line2D]:
    """Draw the parameters of runs of Adam over time, to go with :func:`draw_flow`.

    Parameters
    ----------
    axes
        Where to draw.
    runs
        Of :func:`recorded_runs`.
    names
        The names of all parameters.

    Returns
    -------
    list
        One line for each chain and parameter, chains first.
    """
    lines = []
    for chain in range(runs.theta.shape[1]):
        for k in range(len(names)):
            first = chain == 0 and k == 0
            style = _run_style(ORANGE if len(names) == 1 else series(k))
            label = "runs of the optimizer" if first else "_more"
            lines += axes.plot(runs.times, runs.theta[:, chain, k], **style, label=label)
    label_axes(axes, TIME_LABEL, names[0] if len(names) == 1 else "parameters")
    return lines


@checked_arguments
def draw_flow_in_plane(axes: Axes, flow: Flow, names: Sequence[str], plane: tuple[int, int] = (0, 1)) -> list[Line2D]:
    """Draw the paths of solutions in the plane of two parameters, each start marked by a square.

    Parameters
    ----------
    axes
        Where to draw.
    flow
        Of :func:`adamsym.flow`, from one start or many.
    names
        The names of all parameters.
    plane
        The numbers of the two parameters; with more than two the paths are projected, and the axes say so.

    Returns
    -------
    list
        One line for each start.
    """
    paths = flow.theta.reshape(-1, *flow.theta.shape[-2:])[..., list(plane)]
    lines = []
    for number, path in enumerate(paths):
        label = "flow of the Adam field" if number == 0 else "_more"
        lines += axes.plot(*path.T, color=ink(), linewidth=wide(2.0), zorder=4, label=label)
    axes.plot(*paths[:, 0].T, **START.options(), label="start")
    _label_plane(axes, names, plane)
    return lines


@checked_arguments
def draw_runs_in_plane(axes: Axes, runs: Runs, names: Sequence[str], plane: tuple[int, int] = (0, 1)) -> list[Line2D]:
    """Draw the paths of runs of Adam in the plane of two parameters, to go with :func:`draw_flow_in_plane`.

    Returns
    -------
    list
        One line for each chain.
    """
    lines = []
    for chain in range(runs.theta.shape[1]):
        label = "runs of the optimizer" if chain == 0 else "_more"
        lines += axes.plot(*runs.theta[:, chain, list(plane)].T, **_run_style(ORANGE), label=label)
    _label_plane(axes, names, plane)
    return lines


def _label_plane(axes: Axes, names: Sequence[str], plane: tuple[int, int]) -> None:
    others = len(names) - 2
    more = f"\nprojection: {others} more are not shown" if others else ""
    label_axes(axes, typeset(names[plane[0]]) + more, names[plane[1]])


def draw_loss(
    axes: Axes, times: ArrayLike, along_flow: ArrayLike, runs: tuple[ArrayLike, ArrayLike] | None = None
) -> list[Line2D]:
    """Draw the mean loss over time, on a logarithmic scale if it varies much and stays positive.

    Parameters
    ----------
    axes
        Where to draw.
    times, along_flow
        Times (k,) and the losses along the flow (k,).
    runs
        Times (r,) and the losses of runs of Adam, shape (r, chains).

    Returns
    -------
    list
        The line of the flow, then one line for each chain.
    """
    lines = axes.plot(times, along_flow, color=ink(), linewidth=wide(2.0), zorder=4, label="flow of the Adam field")
    values = [np.asarray(along_flow, dtype=np.float64).ravel()]
    if runs is not None:
        losses = np.asarray(runs[1], dtype=np.float64)
        values.append(losses.ravel())
        for chain in range(losses.shape[1]):
            label = "runs of the optimizer" if chain == 0 else "_more"
            lines += axes.plot(runs[0], losses[:, chain], **_run_style(ORANGE), label=label)
    known = np.concatenate(values)
    known = known[np.isfinite(known)]
    if len(known) and 0 < _WIDE * known.min() < known.max():
        axes.set_yscale("log")
    label_axes(axes, TIME_LABEL, "mean loss L")
    return lines
