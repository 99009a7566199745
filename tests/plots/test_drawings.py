"""Every drawing function draws what it is given: the artists hold the data. Other data are noticed."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from adamsym import Adam, AdamField, Empirical, InputError, Problem, find_zeros
from adamsym.certify.outcomes import Undecided
from adamsym.plots import (
    draw_basins,
    draw_flow,
    draw_flow_in_plane,
    draw_loss,
    draw_lyapunov,
    draw_portrait,
    draw_runs,
    draw_runs_in_plane,
    draw_windows,
    draw_zeros,
    place_legend,
    recorded_runs,
)
from adamsym.plots.style import STABILITIES
from adamsym.plots.windows import standard_errors


def points(lines):
    """All points of lines of markers, sorted."""
    found = np.concatenate([line.get_xydata() for line in lines])
    return found[np.lexsort(found.T[::-1])]


def boxes(collection):
    """The boxes of a collection of rectangles, (n, 2, 2)."""
    corners = np.array([path.vertices[:4] for path in collection.get_paths()])
    return np.stack((corners.min(axis=1), corners.max(axis=1)), axis=-1)


@pytest.mark.parametrize("of", ["field", "descent"])
def test_a_graph_is_the_portrait(line, axes, of):
    [graph] = draw_portrait(axes, line.portrait, line.names, of)
    np.testing.assert_array_equal(graph.get_xdata(), line.portrait.points[:, 0])
    np.testing.assert_array_equal(graph.get_ydata(), getattr(line.portrait, of)[:, 0])
    assert axes.get_xlabel() == "θ"
    other = getattr(line.portrait, {"field": "descent", "descent": "field"}[of])
    assert (graph.get_ydata() != other[:, 0]).any()


@pytest.mark.parametrize("of", ["field", "descent"])
def test_streamlines_follow_the_portrait(plane, axes, of):
    lines, _ = draw_portrait(axes, plane.portrait, plane.names, of)
    values = getattr(plane.portrait, of)
    assert along(lines, plane.portrait.points, values) > 0.99
    turned = np.stack((-values[..., 1], values[..., 0]), axis=-1)
    assert along(lines, plane.portrait.points, turned) < 0.5
    speed = np.hypot(*np.moveaxis(values, -1, 0))
    assert speed.min() - 1e-12 <= lines.get_array().min() <= lines.get_array().max() <= speed.max() + 1e-12
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


def along(lines, grid, values):
    """Median cosine, up to sign, between pieces of lines and the values at the nearest grid points."""
    pieces = [np.diff(path, axis=0) for path in lines.get_segments()]
    middles = [(path[1:] + path[:-1]) / 2 for path in lines.get_segments()]
    steps, at = np.concatenate(pieces), np.concatenate(middles)
    flat = grid.reshape(-1, 2)
    near = np.abs(at[:, None] - flat).sum(axis=-1).argmin(axis=1)
    arrows = values.reshape(-1, 2)[near]
    sizes = np.linalg.norm(steps, axis=1) * np.linalg.norm(arrows, axis=1)
    return np.median(np.abs((steps * arrows).sum(axis=1))[sizes > 0] / sizes[sizes > 0])


def test_a_slice_says_so(plane, axes):
    grid = np.concatenate((plane.portrait.points, np.full((15, 15, 1), 0.25)), axis=-1)
    values = np.concatenate((plane.portrait.field, np.zeros((15, 15, 1))), axis=-1)
    draw_portrait(axes, replace(plane.portrait, points=grid, field=values), ("a", "b", "c"))
    assert axes.get_xlabel() == "a\nslice: c = 0.25"


def test_nan_is_left_out(plane, axes):
    draw_portrait(axes, replace(plane.portrait, field=np.full_like(plane.portrait.field, np.nan)), plane.names)
    with pytest.raises(InputError, match="one for each of 2"):
        draw_portrait(axes, plane.portrait, ("a",))


def test_zeros_are_where_they_are(line, plane, axes):
    lines = draw_zeros(axes, line.zeros)
    np.testing.assert_array_equal(points(lines), [[line.zeros.zeros[0].midpoint[0], 0.0]])
    expected = np.array([zero.midpoint for zero in plane.zeros.zeros])
    assert len(expected) >= 3
    drawn = points(draw_zeros(axes.get_figure().add_subplot(), plane.zeros))
    np.testing.assert_array_equal(drawn, expected)
    moved = draw_zeros(axes.get_figure().add_subplot(), replace(plane.zeros, zeros=plane.zeros.zeros[1:]))
    assert len(points(moved)) == len(expected) - 1


def test_stabilities_have_marks_of_their_own(plane, axes):
    kinds = {zero.stability for zero in plane.zeros.zeros}
    assert {"attracting", "saddle"} <= kinds
    lines = draw_zeros(axes, plane.zeros)
    assert [line.get_label() for line in lines] == [f"{k} zero (certified)" for k in STABILITIES if k in kinds]
    looks = {(mark.marker, mark.face) for mark in STABILITIES.values()}
    assert len(looks) == len(STABILITIES)
    for line in lines:
        kind = line.get_label().split()[0]
        wanted = [zero.midpoint for zero in plane.zeros.zeros if zero.stability == kind]
        np.testing.assert_array_equal(line.get_xydata(), wanted)
        assert line.get_marker() == STABILITIES[kind].marker


def test_boxes_with_a_set_of_minima_are_drawn_around_all_of_it(axes):
    """The product a b = 1 fits all rows: that curve is in tinted boxes, and the saddle at 0 in none of them."""
    problem = Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2], "y": [1, 2]}))
    found = find_zeros(AdamField(problem, Adam("0.5", "0.9", "0.1")), [[-0.4, 2.1], [-0.4, 2.1]], executor=1)
    assert found.complete
    [saddle] = draw_zeros(axes, found)
    assert np.abs(saddle.get_xydata()).max() < 1e-9
    [tinted] = axes.collections
    drawn = boxes(tinted)

    def is_inside(*point):
        return ((drawn[:, :, 0] <= point) & (point <= drawn[:, :, 1])).all(axis=1).any()

    assert all(is_inside(a, 1 / a) for a in np.linspace(0.48, 2.05, 50))
    assert not is_inside(0, 0)
    assert "one of a set" in tinted.get_label()


def test_undecided_boxes_of_zeros_are_drawn(plane, axes):
    left = (((-1.0, 0.0), (0.5, 1.0)), ((1.0, 1.0 + 1e-9), (1.0, 1.0 + 1e-9)))
    leaves = tuple((box, Undecided("for the test")) for box in left)
    draw_zeros(axes, replace(plane.zeros, leaves=leaves))
    np.testing.assert_array_equal(boxes(axes.collections[0]), left)
    # The tiny one is marked too.
    assert any(len(line.get_xdata()) == 1 and line.get_marker() == "x" for line in axes.lines)


@pytest.mark.parametrize("which", ["line", "plane"])
def test_certified_boxes_are_the_patches(which, request, axes):
    found = request.getfixturevalue(which).region
    collections = draw_lyapunov(axes, found)
    expected = np.array([box for box, _ in found.certified])
    assert len(expected) > 1
    drawn = boxes(collections[0])[:, : expected.shape[1]]
    np.testing.assert_array_equal(drawn, expected)
    fewer = replace(found, leaves=tuple(leaf for leaf in found.leaves if leaf != found.certified[0]))
    assert len(boxes(draw_lyapunov(axes.get_figure().add_subplot(), fewer)[0])) == len(expected) - 1
    if found.undecided:
        np.testing.assert_array_equal(boxes(collections[1])[:, : expected.shape[1]], found.undecided)


def test_a_witness_is_drawn(plane, axes):
    witness = np.array([0.3, 1.2])
    draw_lyapunov(axes, replace(plane.region, witness=witness, witness_bounds=(1.0, 2.0)))
    [line] = [line for line in axes.lines if "witness" in line.get_label()]
    np.testing.assert_array_equal(line.get_xydata(), [witness])


def test_the_flow_and_the_runs(line, plane, axes):
    [path] = draw_flow(axes, line.flow, line.names)
    np.testing.assert_array_equal(path.get_xydata(), np.column_stack((line.flow.times, line.flow.theta[:, 0])))
    runs = recorded_runs(line.ensemble, line.schedule, line.start)
    assert runs.times[0] == 0
    np.testing.assert_allclose(runs.times[-1], line.schedule(np.arange(1, 201)).sum(), rtol=1e-14)
    np.testing.assert_array_equal(runs.theta[0], np.full((3, 1), 2.0))
    for chain, drawn in enumerate(draw_runs(axes, runs, line.names)):
        np.testing.assert_array_equal(drawn.get_ydata()[1:], line.ensemble.recorded[:, chain, 0])
        np.testing.assert_array_equal(drawn.get_xdata(), runs.times)
    [path] = draw_flow_in_plane(axes, plane.flow, plane.names)
    np.testing.assert_array_equal(path.get_xydata(), plane.flow.theta)
    runs = recorded_runs(plane.ensemble, plane.schedule, plane.start)
    for chain, drawn in enumerate(draw_runs_in_plane(axes, runs, plane.names, (1, 0))):
        np.testing.assert_array_equal(drawn.get_xydata(), runs.theta[:, chain, ::-1])
    lines = draw_flow(axes, plane.flow, plane.names, change=True)
    np.testing.assert_array_equal(lines[1].get_ydata(), plane.flow.theta[:, 1] - 0.5)


def test_the_loss(line, axes):
    losses = line.problem.mean_loss(line.flow.theta)
    many = np.column_stack((losses, 2 * losses))
    drawn = draw_loss(axes, line.flow.times, losses, (line.flow.times, many))
    np.testing.assert_array_equal(drawn[0].get_ydata(), losses)
    np.testing.assert_array_equal(drawn[2].get_ydata(), 2 * losses)
    assert axes.get_yscale() == "linear"
    draw_loss(axes, [0, 1, 2], [1.0, 0.1, 1e-9])
    assert axes.get_yscale() == "log"


def test_the_windows(line, axes):
    windows = line.windows.windows
    measured, bound = draw_windows(axes, line.windows)
    expected = np.array([[w.effective_step, w.measured.value] for w in windows])
    np.testing.assert_array_equal(measured[0].get_xydata(), expected)
    np.testing.assert_array_equal(bound.get_ydata(), [w.bound.mean_square.total for w in windows])
    bars = np.array([segment[:, 1] for segment in measured[2][0].get_segments()])
    below, above = standard_errors(windows)
    np.testing.assert_allclose(bars, np.column_stack((expected[:, 1] - below, expected[:, 1] + above)), rtol=1e-14)
    for window, up in zip(windows, above, strict=True):
        # One standard error is well inside the interval at 99 per cent.
        assert window.measured.value + 1.5 * up < window.measured.high
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_windows_without_a_measured_distance_are_told(line, axes):
    empty = replace(line.windows.windows[0], distances=np.full(20, np.nan))
    measured, bound = draw_windows(axes, replace(line.windows, windows=(empty, *line.windows.windows[1:])))
    assert len(measured[0].get_xdata()) == 2
    assert len(bound.get_xdata()) == 3
    assert axes.get_title() == "undecided: no measured distance in 1 of 3 windows"


def test_windows_whose_distance_is_none_are_told_from_those_that_were_not_measured(line, axes):
    first = line.windows.windows[0]
    still = replace(first, distances=np.zeros(20), measured=replace(first.measured, value=0.0))
    measured, _ = draw_windows(axes, replace(line.windows, windows=(still, *line.windows.windows[1:])))
    assert len(measured[0].get_xdata()) == 2
    assert axes.get_title() == "distance 0, below the axis, in 1 of 3 windows"


def test_basins(line, plane, axes):
    zeros = np.array([zero.midpoint for zero in plane.zeros.zeros])
    [image] = draw_basins(axes, plane.basins, zeros, plane.names)
    np.testing.assert_array_equal(image.get_array(), plane.basins.index.T)
    assert (image.get_array() != plane.basins.index).any()
    zeros = np.array([zero.midpoint for zero in line.zeros.zeros])
    ends, nowhere = draw_basins(axes, line.basins, zeros, line.names)
    np.testing.assert_array_equal(ends.get_ydata(), line.basins.ends[line.basins.index == 0][:, 0])
    assert len(nowhere.get_xdata()) == (line.basins.index < 0).sum()


def test_more_than_two_parameters_are_refused(plane, axes):
    class Three:
        names = ("a", "b", "c")

    with pytest.raises(InputError, match="3 parameters"):
        draw_zeros(axes, replace(plane.zeros, function=Three()))
    with pytest.raises(InputError, match="3 parameters"):
        draw_lyapunov(axes, replace(plane.region, problem=Three()))


def test_a_legend_tells_each_label_once_and_hides_nothing(line, axes):
    draw_flow(axes, line.flow, line.names)
    draw_runs(axes, recorded_runs(line.ensemble, line.schedule, line.start), line.names)
    legend = place_legend(axes)
    assert [text.get_text() for text in legend.get_texts()] == ["flow of the Adam field", "runs of the optimizer"]
    axes.get_figure().draw_without_rendering()
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_nothing_global_changes(line, axes, tmp_path):
    from adamsym.plots import save_figure

    before = dict(matplotlib.rcParams)
    draw_portrait(axes, line.portrait, line.names)
    draw_lyapunov(axes, line.region)
    save_figure(axes.get_figure(), tmp_path / "out.svg")
    assert dict(matplotlib.rcParams) == before
    with pytest.raises(InputError, match="allowed are svg, png, pdf"):
        save_figure(axes.get_figure(), tmp_path / "out.gif")
