"""A zero and the critical point beside it are told apart in pictures, whose titles say what they are about."""

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import style
from matplotlib.figure import Figure

from adamsym import Adam, AdamField, Empirical, Problem, certify_zero, find_zero, find_zeros, flow
from adamsym.plots import draw_flow, draw_zeros
from adamsym.plots.bias import CLOSE, Pair, draw_enlarged, draw_pairs, enlarged_box, is_close, of_pairs, pair_of
from adamsym.plots.context import PlotContext
from adamsym.plots.figures import plot
from adamsym.plots.names import typeset
from adamsym.plots.settings import Settings
from adamsym.plots.style import SERIES

THREE = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam(0.9, 0.999, 1e-8))
FAR = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.5", "0.6", "1"))
QUICK = Settings(time=1.0, budget=200, steps=20)


def context(field, name="three_points"):
    return PlotContext(field, (2.0,), QUICK, (0,), ((0.0, 3.0),), name)


def markers(axes, word):
    [line] = [one for one in axes.lines if word in str(one.get_label())]
    return np.column_stack(line.get_data())


def inset_of(figure):
    return [child for axes in figure.axes for child in axes.child_axes]


@pytest.mark.parametrize(("name", "typed"), [
    ("theta", "θ"), ("theta1", "θ₁"), ("theta_12", "θ₁₂"), ("beta2", "β₂"), ("x1", "x₁"), ("w[2,3]", "w[2,3]"),
    ("theta[0]", "θ[0]"), ("eps", "ε"), ("x", "x"), ("weight_decay", "weight_decay"), ("bias1", "bias1"),
    ("$x$", "$x$"), ("data.x", "data.x"), ("", ""),
])  # fmt: skip
def test_names_are_typeset(name, typed):
    assert typeset(name) == typed


def test_the_zero_and_the_minimum_are_enlarged_where_they_are_close():
    shown = plot("zeros", context(THREE))
    [axes] = shown.figure.axes
    assert markers(axes, "attracting zero")[0] == pytest.approx([0.99950397, 0], abs=1e-8)
    assert markers(axes, "minimum of L (certified), 0.000496033")[0].tolist() == [1.0, 0.0]
    [inset] = axes.child_axes
    low, high = inset.get_xlim()
    marked = sorted(line.get_xdata()[0] for line in inset.lines if line.get_linestyle() == "None")
    assert marked == pytest.approx([0.99950397, 1.0], abs=1e-8)
    # Apart by a fifth of the enlarged part: more than both marks are wide.
    assert (marked[1] - marked[0]) / (high - low) == pytest.approx(0.2, rel=1e-6)
    assert "Triangle: the minimum of L beside the zero, 0.000496033" in shown.text
    assert shown.text.endswith("away (certified).")


def test_what_is_far_apart_is_not_enlarged():
    shown = plot("zeros", PlotContext(FAR, (2.0,), QUICK, (0,), ((0.5, 1.5),)))
    assert inset_of(shown.figure) == []
    assert markers(shown.figure.axes[0], "minimum of L (certified), 0.0982")[0].tolist() == [1.0, 0.0]
    # A box without the minimum does not mark it, and the caption does not speak of it.
    away = plot("zeros", PlotContext(FAR, (2.0,), QUICK, (0,), ((0.5, 0.95),)))
    assert not [line for line in away.figure.axes[0].lines if "minimum" in str(line.get_label())]
    assert "Triangle" not in away.text


def test_titles_name_the_problem_and_its_hyper_parameters():
    title = "three_points: Adam, β₁ = 0.9, β₂ = 0.999, ε = 1e-08"
    for kind in ("portrait", "zeros", "flow"):
        assert " ".join(plot(kind, context(THREE)).figure.get_suptitle().split()) == title
    axes = Figure().add_subplot()
    find_zeros(THREE, [[0.9, 1.1]]).plot(axes)
    assert axes.get_title() == title.partition(": ")[2]
    assert axes.get_xlabel() == "θ"


points = st.integers(-50, 50).map(lambda k: k / 10)


@settings(max_examples=10)
@given(st.lists(st.tuples(points, points, points, points), min_size=1, max_size=4), st.sampled_from([1, 2]))
def test_pairs_are_marked_where_they_are(drawn, d):
    pairs = [
        Pair(np.array([a, b][:d]), np.array([x, y][:d]), "minimum", "attracting", str(k), k > 0)
        for k, (a, b, x, y) in enumerate(drawn)
    ]
    axes = Figure().add_subplot()
    least, zeros = draw_pairs(axes, pairs)
    for line, found in ((least, [p.critical for p in pairs]), (zeros, [p.zero for p in pairs])):
        shown = np.column_stack(line.get_data())
        assert shown[:, :d].tolist() == np.array(found).tolist()
        assert d == 2 or not shown[:, 1].any()
        assert "certified" not in line.get_label()
    assert ("(by number)" in of_pairs(pairs)) == (not all(pair.certified for pair in pairs))
    assert of_pairs([]) == ""
    for pair in pairs:
        sides = np.array([[-6.0, 6.0]] * d)
        apart = np.abs(pair.zero - pair.critical)
        assert is_close(pair, sides) == (0 < apart.max() < CLOSE * 12)
        if apart.any():
            inset = draw_enlarged(axes, pair)
            (low, high), box = inset.get_xlim(), enlarged_box(pair)
            assert (low, high) == pytest.approx(tuple(box[0]))
            assert high - low == pytest.approx(5 * apart.max())


def test_pairs_of_results():
    by_number, certified = pair_of(find_zero(THREE, [1.0])), pair_of(certify_zero(THREE, [1.0]))
    assert (by_number.certified, certified.certified) == (False, True)
    assert certified.distance.startswith(by_number.distance[:7])
    assert pair_of(find_zero(THREE, [1.0], budget=3)) is None


def test_the_style_that_is_set_is_respected():
    """Text and marks are visible on dark paper, sizes follow the style, and a cycle of one's own replaces ours."""
    found = flow(
        AdamField(Problem("(a - x)**2/2 + b**2", ["a", "b"], Empirical({"x": [0, 3]})), Adam()), [2, 1], [0, 1]
    )
    plain = draw_flow(Figure().add_subplot(), found, ["a", "b"])
    assert [line.get_color() for line in plain] == list(SERIES[:2])
    chosen = {
        "axes.prop_cycle": matplotlib.cycler(color=["#123456", "#654321"]),
        "lines.linewidth": 3.0,
        "font.size": 20.0,
    }
    with matplotlib.rc_context(chosen):
        axes = Figure().add_subplot()
        lines = draw_flow(axes, found, ["a", "b"])
        assert [line.get_color() for line in lines] == ["#123456", "#654321"]
        assert lines[0].get_linewidth() == 2 * plain[0].get_linewidth()
        assert axes.xaxis.label.get_size() == 20
    with style.context("dark_background"):
        axes = Figure().add_subplot()
        [line] = draw_zeros(axes, find_zeros(THREE, [[0.9, 1.1]]))
        assert line.get_markerfacecolor() == "white"
        assert axes.get_facecolor() == (0.0, 0.0, 0.0, 1.0)
