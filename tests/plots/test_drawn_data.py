"""Whatever the data, the artists hold it: drawn starts, chains, grids, boxes and losses."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.figure import Figure

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, certify_zero, simulate, sweep
from adamsym.certify.outcomes import Decrease
from adamsym.continuation import Axis, Branch, BranchPoint, CertifiedBranch, Sweep, Tube
from adamsym.dynamics import Basins, Ensemble, Flow, PhasePortrait, basins, flow, phase_portrait
from adamsym.plots import (
    Runs,
    draw_basins,
    draw_branches,
    draw_flow,
    draw_flow_in_plane,
    draw_loss,
    draw_lyapunov,
    draw_one_zero,
    draw_portrait,
    draw_runs,
    draw_runs_in_plane,
    draw_tubes,
    draw_windows,
    draw_zeros,
    place_legend,
    recorded_runs,
    save_figure,
)
from adamsym.testing import strategies

few = settings(max_examples=6, deadline=None)
numbers = st.integers(-64, 64).map(lambda k: k / 16)
positive = st.integers(-60, 60).map(lambda k: 10 ** (k / 10))
plane_boxes = st.lists(strategies.boxes(2).map(lambda box: tuple(map(tuple, box))), max_size=5)


def pad():
    return Figure(figsize=(4, 4), layout="constrained").add_subplot()


def table(*shape, elements=numbers):
    return arrays.arrays(float, shape, elements=elements)


@st.composite
def paths(draw):
    """Times (k,), solutions (starts, k, d) and names of d parameters."""
    starts, d = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    return np.arange(5.0), draw(table(starts, 5, d)), ["a", "b", "c", "d"][:d]


@few
@given(paths(), st.booleans(), st.permutations([0, 1]))
def test_flows_and_runs(drawn, change, plane):
    times, theta, names = drawn
    flow, runs = Flow(times, theta, np.full(len(theta), np.nan), ()), Runs(times, theta.swapaxes(0, 1))
    shown = theta - theta[:, :1] if change else theta
    for lines, values in (
        (draw_flow(pad(), flow, names, change=change), shown),
        (draw_runs(pad(), runs, names), theta),
    ):
        expected = [np.column_stack((times, path[:, k])) for path in values for k in range(len(names))]
        np.testing.assert_array_equal([line.get_xydata() for line in lines], expected)
    axes = pad()
    for lines in (draw_flow_in_plane(axes, flow, names, plane), draw_runs_in_plane(axes, runs, names, plane)):
        np.testing.assert_array_equal([line.get_xydata() for line in lines], theta[..., plane])
    assert ("not shown" in axes.get_xlabel()) is (len(names) > 2)
    legend = place_legend(axes)
    assert [text.get_text() for text in legend.get_texts()] == [
        "flow of the Adam field",
        "start",
        "runs of the optimizer",
    ]


@few
@given(strategies.schedules(vanishing=False), st.integers(1, 4), st.integers(1, 3), st.data())
def test_recorded_runs_are_at_the_times_of_their_steps(schedule, records, every, data):
    chains, theta0 = 2, data.draw(table(2))
    recorded, steps = data.draw(table(records, chains, 2)), every * np.arange(1, records + 1)
    runs = recorded_runs(Ensemble(recorded[-1], steps[-1], np.zeros(chains, int), steps, recorded), schedule, theta0)
    np.testing.assert_array_equal(runs.theta, [np.tile(theta0, (chains, 1)), *recorded])
    for step, time in zip((0, *steps), runs.times, strict=True):
        assert time == pytest.approx(sum(schedule([n])[0] for n in range(1, step + 1)))


# 10^(13/10) is 19.95, just not 20.
within_some_spread = st.sampled_from([5, 13, 14, 60]).flatmap(
    lambda most: table(6, 3, elements=st.sampled_from([0, most // 2, most]).map(lambda k: 10 ** (k / 10)))
)


@few
@given(within_some_spread)
def test_losses_are_on_a_logarithmic_scale_where_they_spread(losses):
    along, of_runs = losses[:, 0], losses[:, 1:]
    axes = pad()
    lines = draw_loss(axes, np.arange(6), along, (np.arange(6), of_runs))
    np.testing.assert_array_equal([line.get_ydata() for line in lines], [along, *of_runs.T])
    every = np.concatenate((along, of_runs.ravel()))
    assert axes.get_yscale() == ("log" if every.max() > 20 * every.min() else "linear")


@few
@given(table(7, 1), table(7, 1), st.sampled_from(["field", "descent"]))
def test_graphs_of_portraits(field, descent, of):
    points = np.linspace(-1, 2, 7)[:, None]
    portrait = PhasePortrait(points, field, descent)
    [graph] = draw_portrait(pad(), portrait, ["theta"], of)
    np.testing.assert_array_equal(graph.get_xydata(), np.hstack((points, getattr(portrait, of))))


@few
@given(arrays.arrays(np.intp, (4, 3), elements=st.integers(-1, 2)), table(4, 3, 2), table(3, 2))
def test_images_and_ends_of_basins(index, ends, zeros):
    grid = np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0), indexing="ij"), axis=-1)
    [image] = draw_basins(pad(), Basins(grid, index, ends, zeros, 1.0), zeros, ["a", "b"])
    np.testing.assert_array_equal(image.get_array(), index.T)
    line = Basins(grid[:, 0, :1], index[:, 0], ends[:, 0, :1], zeros[:, :1], 1.0)
    marks = draw_basins(pad(), line, zeros[:, :1], ["a"])
    reached = [*sorted(set(index[:, 0]) - {-1}), -1]
    for mark, number in zip(marks, reached, strict=True):
        of_number = index[:, 0] == number
        np.testing.assert_array_equal(mark.get_xydata(), np.hstack((line.points, line.ends))[of_number])


DECREASES = Decrease("sign", None, None, (None, None), None)


def corners(collection):
    found = np.array([path.vertices[:4] for path in collection.get_paths()])
    return np.stack((found.min(axis=1), found.max(axis=1)), axis=-1)


@few
@given(plane_boxes, plane_boxes, st.lists(st.sampled_from(["attracting", "saddle", "repelling"]), max_size=4))
def test_boxes_and_marks_of_what_is_certified(plane, certified, undecided, stabilities):
    leaves = tuple((box, DECREASES) for box in certified)
    collections = draw_lyapunov(pad(), replace(plane.region, leaves=leaves, undecided=tuple(undecided), witness=None))
    assert len(collections) == bool(certified) + bool(undecided)
    for collection, boxes in zip(collections, filter(None, (certified, undecided)), strict=True):
        np.testing.assert_array_equal(corners(collection), boxes)
    some = plane.zeros.zeros[0]
    zeros = [replace(some, box=some.box + n, stability=kind) for n, kind in enumerate(stabilities)]
    lines = draw_zeros(pad(), replace(plane.zeros, zeros=tuple(zeros), leaves=()))
    marked = {line.get_label().split()[0]: line.get_xydata().tolist() for line in lines}
    assert marked == {
        kind: [zero.midpoint.tolist() for zero in zeros if zero.stability == kind] for kind in set(stabilities)
    }


@few
@given(table(3, elements=positive), table(3, elements=positive), st.integers(0, 3))
def test_windows_that_were_measured(line, distances, ceilings, outside):
    windows = []
    for window, distance, ceiling in zip(line.windows.windows, distances, ceilings, strict=True):
        own = np.full(20, np.nan if len(windows) < outside else distance)
        bound = replace(window.bound, mean_square=replace(window.bound.mean_square, ceiling=ceiling))
        measured = replace(window.measured, value=distance)
        windows.append(replace(window, distances=own, measured=measured, bound=bound))
    axes = pad()
    points, bounds = draw_windows(axes, replace(line.windows, windows=tuple(windows)))
    np.testing.assert_array_equal(points[0].get_ydata(), distances[outside:])
    np.testing.assert_array_equal(bounds.get_ydata(), [window.bound.mean_square.total for window in windows])
    assert (bounds.get_ydata() <= ceilings).all()
    assert axes.get_title() == (f"undecided: no measured distance in {outside} of 3 windows" if outside else "")


@few
@given(st.sampled_from(["svg", "png", "pdf"]), table(4), table(4))
def test_equal_figures_give_equal_bytes_and_others_do_not(tmp_path_factory, ending, first, second):
    folder = tmp_path_factory.mktemp("figures")

    def written(values, name):
        axes = pad()
        draw_loss(axes, np.arange(4), values)
        save_figure(axes.get_figure(), folder / f"{name}.{ending}")
        return (folder / f"{name}.{ending}").read_bytes()

    one = written(first, "one")
    assert written(first, "again") == one
    assert (written(second, "other") == one) is bool((first == second).all())


def test_branches_are_solid_where_they_attract():
    field = AdamField(
        Problem("15*a*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["0.02", "0.98"])),
        Adam("0.5", "0.9", "0.01"),
    )
    found = sweep(field, {"beta2": (0.9, 0.98)}, start=[3.12], points=8)
    axes = Figure().add_subplot()
    solid, dashed = draw_branches(axes, found)
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    (branch,) = found.branches
    for line, stability in ((solid, "attracting"), (dashed, "not attracting")):
        own = [point.zero[0] for point in branch.points if point.stability == stability]
        assert set(own) <= set(line.get_ydata())
    fold = next(line for line in axes.lines if line.get_label() == "fold")
    assert fold.get_xdata()[0] == pytest.approx(1 - branch.folds[0].value)
    assert axes.xaxis_inverted()
    with pytest.raises(InputError, match="the parameters are theta"):
        draw_branches(axes, found, "phi")
    # The minimum of the loss beside a branch, and a tick for each listed value.
    three = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    listed = sweep(three, {"batch_size": [1, 2, 4]}, start=[1.0]).plot(Figure().add_subplot())
    minima = next(line for line in listed.lines if line.get_label() == "critical point of the loss")
    assert minima.get_ydata() == pytest.approx([1, 1, 1])
    assert [label.get_text() for label in listed.get_xticklabels()] == ["1", "2", "4"]
    assert len({text.get_text() for text in listed.get_legend().get_texts()}) == 4


@few
@given(st.lists(st.tuples(st.sampled_from(["attracting", "not attracting", "not decided"]), numbers), min_size=1))
def test_every_zero_of_a_branch_is_drawn_once_in_its_style(drawn):
    points = tuple(
        BranchPoint(0.5 + k / 1000, np.array([height]), stability, 0j, None, np.nan, np.nan, None, np.nan, np.nan)
        for k, (stability, height) in enumerate(drawn)
    )
    axis = Axis("beta2", (Fraction(1, 2), Fraction(9, 10)), True)
    branch = Branch("beta2", {}, points, (), (), ("lost", "lost"))
    lines = draw_branches(pad(), Sweep(("theta",), (axis,), (branch,), ()))
    # Each piece begins where the one before ends.
    heights = [line.get_ydata()[int(k > 0) :].tolist() for k, line in enumerate(lines)]
    assert [x for part in heights for x in part] == [height for _, height in drawn]
    styles = {"attracting": "-", "not attracting": "--", "not decided": ":"}
    own = [styles[stability] for stability, _ in drawn]
    assert [line.get_linestyle() for line, part in zip(lines, heights, strict=True) for _ in part] == own


@few
@given(st.lists(numbers, min_size=1, max_size=5))
def test_every_tube_is_shaded_over_its_values(heights):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    axis = Axis("beta2", (Fraction(1, 2), Fraction(9, 10)), True)
    ends = [Fraction(1, 2) + Fraction(k, 20) for k in range(len(heights) + 1)]
    tubes = tuple(
        Tube(low, high, np.array([[height - 1, height + 1]]), np.eye(1), "attracting", np.eye(1), np.zeros(1), 1, 1, 1)
        for height, low, high in zip(heights, ends, ends[1:], strict=False)
    )
    shown = draw_tubes(pad(), CertifiedBranch(field, axis, tubes, (), "no more"))
    assert len(shown.get_paths()) == len(heights)
    for path, tube, height in zip(shown.get_paths(), tubes, heights, strict=True):
        box = path.get_extents()
        assert (box.ymin, box.ymax) == (height - 1, height + 1)
        assert (box.xmin, box.xmax) == pytest.approx((1 - float(tube.high), 1 - float(tube.low)))
    with pytest.raises(InputError, match="no more"):
        draw_tubes(pad(), CertifiedBranch(field, axis, (), (), "no more"))


@few
@given(st.integers(2, 9), st.integers(1, 12))
def test_the_distance_of_one_zero(last, many):
    """The bars of the drawing are the proven differences of both boxes, and 0 is in them for symmetric data alone."""
    columns = {"x": [0] * 2 + [last], "y": [-many, 0, many]}
    field = AdamField(Problem("(a - x)**2/2 + (b - y)**2/2", ["a", "b"], Empirical(columns)), Adam("0.5", "0.6", "1"))
    found = certify_zero(field, [last / 3, 0])
    axes = pad()
    _, _, [bars] = draw_one_zero(axes, found)
    low, high = np.array([segment[:, 1] for segment in bars.get_segments()]).T
    assert low == pytest.approx(found.zero.box[:, 0] - found.critical.box[:, 1], rel=1e-9, abs=1e-14)
    assert high == pytest.approx(found.zero.box[:, 1] - found.critical.box[:, 0], rel=1e-9, abs=1e-14)
    assert high[0] < 0
    assert low[1] <= 0 <= high[1]
    with pytest.raises(InputError, match="plot: none"):
        draw_one_zero(pad(), replace(found, zero=None, reason="none"))


@pytest.mark.parametrize("kind", ["flow", "ensemble", "portrait", "basins"])
def test_results_know_the_names_and_the_method(kind):
    problem = Problem("(w0 - x)**2/2 + w1**2", ["w0", "w1"], {"x": [0, 3]}, batch_size=2)
    field = AdamField(problem, Adam("0.5", "0.6", "1"))
    found = {
        "flow": lambda: flow(field, [1.0, 1.0], [0.0, 1.0]),
        "ensemble": lambda: simulate(
            problem, field.adam, StepSizeSchedule("0.1/n"), [1.0, 1.0], steps=3, chains=2, seed=1
        ),
        "portrait": lambda: phase_portrait(field, [[0, 2], [-1, 1]], 5),
        "basins": lambda: basins(field, [[0, 2], [-1, 1]], 3, [[1.5, 0.0]], 1.0, 0.1),
    }[kind]()
    axes = found.plot(pad())
    assert axes.get_title() == "Adam, β₁ = 0.5, β₂ = 0.6, ε = 1, minibatches of 2 rows"
    told = axes.get_legend_handles_labels()[1] if kind == "flow" else [axes.get_xlabel(), axes.get_ylabel()]
    assert [text.split(",")[0] for text in told] == ["w₀", "w₁"]
    assert "origin" not in found.to_dict()
    without = replace(found, origin=None).plot(pad())
    assert without.get_title() == ""
