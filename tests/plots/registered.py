"""A plot as another package adds one: one function."""

from adamsym.plots.registry import Content, Finding, Picture, Question, plot_kind


@plot_kind("the speed along the flow", question=Question("the speed falls", "floating point"))
def speed(context):
    flow = context.flow
    speeds = abs(context.field(flow.theta)).max(axis=-1)
    falls = Finding("holds" if speeds[-1] < speeds[0] else "refuted", f"from {speeds[0]:.3g} to {speeds[-1]:.3g}")
    return Content(falls, (Picture("Speed", "The speed over time.", lambda axes: axes.plot(flow.times, speeds)),))
