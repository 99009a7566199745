"""What adamsym shows of a problem: plots and sections of the report, in the report's order.

Each is one function, which imports what it needs when it is called.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.plots.registry import Content, Finding, Picture, Question, Table, plot_kind, section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adamsym.continuation import CertifiedBranch
    from adamsym.plots.bias import Pair
    from adamsym.plots.context import PlotContext
    from adamsym.plots.portraits import Of
    from adamsym.plots.trajectories import Runs

_WHERE = "Where Adam goes, and where the gradient flow goes"
_MOVES = "How the zero moves"
_FLOW = "The flow, and the optimizer beside it"
_NARROW, _WIDE = 5.0, 6.4
"""Inches: of a picture that has another beside it, and of one that has not."""


@section(
    "the field at the start, beside its proven bounds",
    heading="",
    question=Question("the field at the start", "certified", of_theory=True),
)
def field(context: "PlotContext") -> Content:
    """Evaluate and enclose the field at the start."""
    from adamsym.plots.findings import about_field

    return Content(about_field(context.field, context.start, context.names))


@plot_kind("the Adam field beside minus the mean gradient", heading=_WHERE)
def portrait(context: "PlotContext") -> Content:
    """Draw the field and the gradient field side by side."""
    from adamsym.plots.bias import of_pairs
    from adamsym.plots.captions import box_text, of_portrait, titles
    from adamsym.plots.portraits import draw_portrait

    found, mark = context.portrait, marking(context, () if context.pair is None else (context.pair,))

    def draw(axes: "Axes", of: "Of") -> None:
        draw_portrait(axes, found, context.names, of)
        mark(axes, of == "field")

    told = of_pairs(() if context.pair is None else (context.pair,))
    pictures = tuple(
        Picture(title, f"{of_portrait(context, of)}{told}", partial(draw, of=of))
        for of, title in titles(context).items()
    )
    return Content(pictures=pictures, facts=(("box of portraits and searches", box_text(context)),))


@plot_kind(
    "the field with its certified zeros, and boxes that may contain others",
    heading="Zeros of the Adam field",
    question=Question("all zeros of the field", "certified"),
)
def zeros(context: "PlotContext") -> Content:
    """Draw the field with all zeros, certified."""
    from adamsym.certify.results import zero_rows
    from adamsym.plots.bias import of_pairs
    from adamsym.plots.captions import of_portrait, of_zeros
    from adamsym.plots.certified import draw_zeros
    from adamsym.plots.findings import about_zeros
    from adamsym.plots.names import typeset
    from adamsym.plots.portraits import draw_portrait

    found, field, mark = context.zeros, context.portrait, marking(context, context.pairs, zeros=False)

    def draw(axes: "Axes") -> None:
        draw_portrait(axes, field, context.names)
        draw_zeros(axes, found)
        mark(axes, True)

    caption = f"{of_portrait(context, 'field')} {of_zeros(found)}{of_pairs(context.pairs)}"
    drawn = Picture("The zeros", caption, draw)
    table = Table(
        "Each certified: a zero lies in a box of this width around the point, and is alone there; the digits shown are "
        "proven",
        (*map(typeset, context.names), "width of the box", "stability", "critical point of L"),
        tuple(map(tuple, zero_rows(found.zeros))),
        "Critical point of L: “yes” and “no” are proven; “undecided” means that the gradient may vanish there.",
        "No zero is listed: the summary says why.",
    )
    return Content(about_zeros(found), (drawn,), table)


@plot_kind(
    "the field with the region where the loss is certified to decrease",
    heading="Where the loss decreases along the flow",
    question=Question("L as a Lyapunov function of the flow", "certified"),
)
def lyapunov(context: "PlotContext") -> Content:
    """Draw the field with the certified Lyapunov region."""
    from adamsym.plots.bias import of_pairs
    from adamsym.plots.captions import of_portrait, of_region
    from adamsym.plots.certified import draw_lyapunov
    from adamsym.plots.findings import about_region
    from adamsym.plots.portraits import draw_portrait

    found, field = context.region, context.portrait
    pairs = () if context.pair is None else (context.pair,)
    mark = marking(context, pairs)

    def draw(axes: "Axes") -> None:
        draw_portrait(axes, field, context.names)
        draw_lyapunov(axes, found)
        mark(axes, True)

    caption = f"{of_portrait(context, 'field')} {of_region(found)}{of_pairs(pairs)}"
    drawn = Picture("The Lyapunov region", caption, draw)
    return Content(about_region(found), (drawn,))


@section(
    "the one zero near the start, for more than two parameters",
    heading="The zero near the start",
    question=Question("the zero near the start", "certified"),
    group="points",
)
def one_zero(context: "PlotContext") -> Content:
    """Certify the zero near the start, where boxes are not searched."""
    from adamsym.plots.around_points import about_one_zero, table_of_one_zero

    if len(context.names) <= 2:
        raise NotApplicable("all zeros in a box are searched for where there are one or two parameters")
    return Content(about_one_zero(context.one_zero), table=table_of_one_zero(context.one_zero))


@section(
    "how far the zero near the start is from the minimum of the loss",
    heading="How far the zero is from the minimum of the loss",
    question=Question("the bias of the zero", "floating point"),
    group="points",
)
def bias(context: "PlotContext") -> Content:
    """Say how far the zero is from the critical point of the loss, what that costs, and what leading orders predict."""
    from adamsym.gradients.problem import require_loss
    from adamsym.plots.findings import about_bias
    from adamsym.plots.sweeps import table_of_bias

    require_loss(context.problem, "the bias of the zero")
    found = context.nearest_zero
    return Content(about_bias(found), table=table_of_bias(found, context.names))


@section(
    "where the loss decreases around a point that all rows fit",
    heading="Where the loss decreases around an interpolating point",
    question=Question("L as a Lyapunov function around an interpolating point", "certified"),
    group="points",
)
def ball(context: "PlotContext") -> Content:
    """Certify the loss around an interpolating point; there is none in general if rows outnumber parameters."""
    from adamsym.gradients import Empirical, Problem
    from adamsym.plots.around_points import about_ball, table_of_ball

    problem = context.problem
    if not isinstance(problem, Problem) or not isinstance(problem.law, Empirical):
        raise NotApplicable("this is asked of losses of listed rows alone")
    if len(problem.law.rows) > problem.dimension:
        raise NotApplicable("more rows than parameters: in general no point fits all rows")
    around, everywhere = context.ball, context.everywhere
    return Content(about_ball(around, everywhere), table=table_of_ball(around, everywhere))


@plot_kind(
    "the flow, for one or two parameters with runs of Adam over it",
    heading=_FLOW,
    question=Question("the flow from the start", "floating point"),
)
def flow(context: "PlotContext") -> Content:
    """Draw the flow, with runs of Adam over it where they would not hide each other."""
    from adamsym.plots.bias import draw_levels, of_levels, of_pairs
    from adamsym.plots.captions import of_flow, of_plane, runs_are_drawn
    from adamsym.plots.findings import about_flow
    from adamsym.plots.trajectories import draw_flow, draw_flow_in_plane, draw_runs, draw_runs_in_plane

    found, names = context.flow, context.names
    few = runs_are_drawn(context)
    runs, missing = _runs(context) if few else (None, "")
    pairs = () if context.pair is None else (context.pair,)
    mark = marking(context, pairs)

    def draw_over_time(axes: "Axes") -> None:
        if runs is not None:
            draw_runs(axes, runs, names)
        if len(names) == 1:
            for pair in pairs:
                draw_levels(axes, pair)
        draw_flow(axes, found, names, change=not few)

    def draw_in_plane(axes: "Axes") -> None:
        if runs is not None:
            draw_runs_in_plane(axes, runs, names)
        draw_flow_in_plane(axes, found, names)
        mark(axes, False)

    title = f"The flow, and {context.method_name}" if few else "The flow"
    caption = of_flow(context, runs, missing) + (of_levels(pairs) if len(names) == 1 else "")
    pictures = [Picture(title, caption, draw_over_time, _WIDE if len(names) != 2 else _NARROW)]
    if len(names) == 2:
        beside = f"{of_plane(context)}{of_pairs(pairs)}"
        pictures.append(Picture(f"{title}, in the plane of the parameters", beside, draw_in_plane))
    return Content(about_flow(found, names, context.mean_loss), tuple(pictures))


@plot_kind("the loss along the flow and along runs of Adam", heading=_FLOW)
def loss(context: "PlotContext") -> Content:
    """Draw the loss over time."""
    from adamsym.gradients.problem import require_loss
    from adamsym.plots.captions import of_loss
    from adamsym.plots.trajectories import draw_loss, losses_of

    mean_loss = require_loss(context.problem, "the loss along the flow").mean_loss
    runs, missing = _runs(context)
    found = context.flow
    along = mean_loss(found.theta)
    of_runs = None if runs is None else (runs.times, losses_of(mean_loss, runs.theta))

    def draw(axes: "Axes") -> None:
        draw_loss(axes, found.times, along, of_runs)
        axes.set_xlim(found.times[0], found.times[-1])

    return Content(pictures=(Picture("The loss", of_loss(context, runs, missing), draw, _WIDE),))


@plot_kind(
    "Adam's distance from its flow in windows of time, beside the proven bound",
    heading=_FLOW,
    question=Question("Adam near its flow", "statistical", of_theory=True),
    group="windows",
)
def windows(context: "PlotContext") -> Content:
    """Draw the pseudo-trajectory windows."""
    from adamsym.plots.captions import of_windows
    from adamsym.plots.findings import about_windows
    from adamsym.plots.windows import draw_windows

    found = context.windows
    drawn = Picture(
        "Adam's distance from its flow", of_windows(context, found), lambda axes: draw_windows(axes, found), _WIDE
    )
    return Content(about_windows(found), (drawn,))


@plot_kind(
    "how the zero near the start moves as beta2 or what --sweep names varies",
    heading=_MOVES,
    question=Question("the zero as a hyper-parameter varies", "floating point"),
    group="sweep",
)
def branches(context: "PlotContext") -> Content:
    """Follow the zero near the start, if the settings ask for it."""
    from adamsym.plots.branches import draw_branches, draw_distances, predictions_shown
    from adamsym.plots.sweeps import about_sweep, caption_of_sweep, table_of_sweep

    if context.settings.sweep is None:
        return Content()
    found, certified = context.sweep, _certified(context)
    pictures: tuple[Picture, ...] = ()
    if found.branches:
        drawn = partial(draw_branches, found=found, certified=certified)
        pictures = (Picture("The zeros", caption_of_sweep(found, bool(certified), predictions_shown(found)), drawn),)
    if any(point.distance > 0 for branch in found.branches for point in branch.points):
        caption = "How far the zero is from the critical point of L, and how far it should be to leading orders."
        pictures += (Picture("Distance from the critical point", caption, partial(draw_distances, found=found)),)
    return Content(about_sweep(found), pictures, table_of_sweep(found), varied=(found.axes[0].name,))


@section(
    "the branch of zeros that is followed, certified",
    heading=_MOVES,
    question=Question("one branch of zeros over the whole interval", "certified"),
    group="sweep",
)
def certified_branch(context: "PlotContext") -> Content:
    """Certify the branch that is followed, if the settings ask for it."""
    from adamsym.plots.sweeps import about_branch, table_of_branch

    if context.settings.sweep is None or not context.settings.certify:
        return Content()
    return Content(about_branch(context.branch), table=table_of_branch(context.branch))


@section(
    "the number of zeros over two parameters",
    heading="The number of zeros over two parameters",
    question=Question("zeros over two parameters", "floating point"),
    group="sweep",
)
def zero_map(context: "PlotContext") -> Content:
    """Count zeros over two parameters, if the settings ask for it; ``adamsym map`` draws such maps alone."""
    from adamsym.plots.maps import draw_map
    from adamsym.plots.sweeps import about_map, caption_of_map, table_of_map

    if not context.settings.map_over:
        return Content()
    found = context.map
    drawn = Picture("The number of zeros", caption_of_map(found), partial(draw_map, found=found), _WIDE)
    varied = tuple(axis.name for axis in found.axes)
    return Content(about_map(found), () if found.reason else (drawn,), table_of_map(found), varied=varied)


# Not in the report: some hundred flows are followed, which may take longer than all the rest.
@plot_kind("which attracting zero the flow from each start reaches", group=None)
def basins(context: "PlotContext") -> Content:
    """Draw the basins of the certified attracting zeros."""
    from adamsym.plots.findings import about_basins, zero_points
    from adamsym.plots.portraits import draw_basins

    found, points = context.basins, zero_points(context.zeros)
    drawn = Picture("Basins", about_basins(found), lambda axes: draw_basins(axes, found, points, context.names), _WIDE)
    return Content(pictures=(drawn,))


@section(
    "the derivation of the field, step by checked step",
    heading="The derivation",
    question=Question("the derivation of the field", "symbolic", of_theory=True),
    group="derivation",
)
def derivation(context: "PlotContext") -> Content:
    """Derive the field."""
    from adamsym.symbolic import DerivationError, derive

    try:
        found = derive(context.problem, context.method)
    except DerivationError as error:
        return Content(Finding("refuted", f"a step fails its check: {error}"))
    return Content(Finding("holds", f"all {len(found.steps)} steps passed their checks"), steps=found.steps)


def marking(context: "PlotContext", pairs: "Sequence[Pair]", *, zeros: bool = True) -> "Callable[[Axes, bool], None]":
    """Return what marks zeros and critical points on axes, and enlarges a close pair; all is computed before."""
    from adamsym.plots.bias import draw_enlarged, draw_pairs

    close = context.enlarged(pairs)

    def mark(axes: "Axes", enlarge: bool) -> None:
        draw_pairs(axes, pairs, zeros=zeros)
        if enlarge and close is not None:
            draw_enlarged(axes, *close)

    return mark


def _runs(context: "PlotContext") -> "tuple[Runs | None, str]":
    """The runs, or None and the reason why they cannot be made: the flow is shown without them."""
    # Step sizes that are not allowed are for the user to mend.
    context.clock  # noqa: B018
    try:
        return context.runs, ""
    except InputError as error:
        return None, str(error)


def _certified(context: "PlotContext") -> "list[CertifiedBranch]":
    """The certified branch, if it is asked for and there is one; its own section says why there is none."""
    if not context.settings.certify:
        return []
    try:
        return [context.branch] if context.branch.tubes else []
    except InputError:
        return []
