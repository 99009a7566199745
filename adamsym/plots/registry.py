"""The kinds of plots that ``adamsym plot`` draws. A new kind is one function here; nothing heavy is imported yet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adamsym.plots.context import PlotContext


@dataclass(frozen=True)
class Plot:
    """A figure, and in one line what it shows."""

    figure: "Figure"
    finding: str


@dataclass(frozen=True)
class Kind:
    """One kind of plot: what it shows, in words, and how it is made."""

    summary: str
    make: Callable[["PlotContext"], Plot]


KINDS: dict[str, Kind] = {}


def kind(summary: str) -> Callable[[Callable[["PlotContext"], Plot]], Callable[["PlotContext"], Plot]]:
    """Return a decorator that lists a function under its name."""

    def attach(make: Callable[["PlotContext"], Plot]) -> Callable[["PlotContext"], Plot]:
        KINDS[make.__name__] = Kind(summary, make)
        return make

    return attach


@kind("the Adam field beside minus the gradient of the loss")
def portrait(study: "PlotContext") -> Plot:
    """Draw the field and the gradient field side by side."""
    from adamsym.plots.captions import of_portrait
    from adamsym.plots.figures import TITLES, portrait_figure

    captions = [of_portrait(study, of, None, None) for of in TITLES]
    return Plot(portrait_figure(study.portrait, study.names), " ".join(captions))


@kind("the field with its certified zeros")
def zeros(study: "PlotContext") -> Plot:
    """Draw the field with all zeros, certified."""
    from adamsym.plots.figures import portrait_figure
    from adamsym.plots.summaries import about_zeros

    figure = portrait_figure(study.portrait, study.names, ("field",), study.zeros)
    return Plot(figure, _worded(*about_zeros(study.zeros)))


@kind("the field with the region where the loss is certified to decrease")
def lyapunov(study: "PlotContext") -> Plot:
    """Draw the field with the certified Lyapunov region."""
    from adamsym.plots.figures import portrait_figure
    from adamsym.plots.summaries import about_region

    figure = portrait_figure(study.portrait, study.names, ("field",), region=study.region)
    return Plot(figure, _worded(*about_region(study.region)))


@kind("the flow, for one or two parameters with runs of Adam over it")
def flow(study: "PlotContext") -> Plot:
    """Draw the flow, with runs of Adam over it where they would not hide each other."""
    from adamsym.plots.captions import of_flow, runs_are_drawn
    from adamsym.plots.figures import flow_figure
    from adamsym.plots.summaries import about_flow

    runs = study.runs if runs_are_drawn(study) else None
    figure = flow_figure(study.flow, runs, study.names)
    return Plot(figure, f"{about_flow(study.flow, study.problem)}. {of_flow(study, runs, '')}")


@kind("the loss along the flow and along runs of Adam")
def loss(study: "PlotContext") -> Plot:
    """Draw the loss over time."""
    from adamsym.plots.captions import of_loss
    from adamsym.plots.figures import loss_figure
    from adamsym.plots.summaries import about_flow

    figure = loss_figure(study.flow, study.runs, study.problem)
    return Plot(figure, f"{about_flow(study.flow, study.problem)}. {of_loss(study, study.runs, '')}")


@kind("Adam's distance from its flow in windows of time, beside the proven bound")
def windows(study: "PlotContext") -> Plot:
    """Draw the pseudo-trajectory windows."""
    from adamsym.plots.figures import windows_figure
    from adamsym.plots.summaries import about_windows

    return Plot(windows_figure(study.windows), _worded(*about_windows(study.windows)))


@kind("which zero the flow from each start reaches")
def basins(study: "PlotContext") -> Plot:
    """Draw the basins of the certified attracting zeros."""
    from adamsym.plots.figures import basins_figure
    from adamsym.plots.summaries import about_basins

    return Plot(basins_figure(study.basins, study.zeros), about_basins(study.basins))


def _worded(verdict: str, text: str) -> str:
    # Certified findings say so themselves.
    return text if verdict == "holds" else f"{verdict}: {text}"
