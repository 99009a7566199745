"""Labels of axes, of narrow boxes and enlarged parts too, are apart; titles name no value of what a figure varies."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from adamsym import Adam, AdamField, Problem
from adamsym.plots.bias import Pair, draw_enlarged
from adamsym.plots.figures import figure_of
from adamsym.plots.names import field_text
from adamsym.plots.registry import Picture


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def overlaps(axes, renderer):
    """Pairs of labels of the horizontal axis that overlap."""
    low, high = sorted(axes.get_xlim())
    labels = [label for x, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True) if low <= x <= high]
    sides = sorted((label.get_window_extent(renderer) for label in labels), key=lambda side: side.x0)
    assert len(sides) >= 2
    return [one for one, other in itertools.pairwise(sides) if one.x1 >= other.x0]


def graph(low, high):
    def draw(axes):
        axes.plot([low, high], [0.0, 1.0])
        axes.set_xlim(low, high)

    return draw


@settings(max_examples=5)
@given(st.floats(-1e3, 1e3), st.floats(-9, 0), st.sampled_from([4.4, 5.0]))
@example(1.0, -2.0, 4.4)
@example(1.0, -3.3, 4.0)
def test_labels_of_narrow_boxes_are_apart(middle, exponent, width):
    half = 10.0**exponent * max(abs(middle), 1.0)
    figure = figure_of([Picture("", "", graph(middle - half, middle + half), width)])
    assert not overlaps(figure.axes[0], drawn(figure))


def test_labels_of_a_narrow_box_as_the_library_places_them_overlap():
    """The control."""
    figure = Figure(figsize=(4.4, 4.3), layout="constrained")
    axes = figure.add_subplot()
    graph(0.99, 1.01)(axes)
    assert overlaps(axes, drawn(figure))


def test_numbers_are_written_out_unless_they_are_very_long():
    for low, high, is_short in ((0.9995, 1.0005, True), (1 - 1e-12, 1 + 1e-12, False)):
        figure = figure_of([Picture("", "", graph(low, high), 5.0)])
        drawn(figure)
        assert (figure.axes[0].xaxis.get_offset_text().get_text() == "") is is_short


@pytest.mark.parametrize("apart", [0.0004960333, -1e-9])
def test_labels_of_the_enlarged_part_are_apart(apart):
    figure = Figure(figsize=(5.0, 4.3))
    axes = figure.add_subplot()
    axes.plot([0.0, 3.0], [1.0, -1.0])
    pair = Pair(np.array([1.0 - apart]), np.array([1.0]), "minimum", "attracting", f"{abs(apart):.12g}", True)
    inset = draw_enlarged(axes, pair)
    renderer = drawn(figure)
    assert not overlaps(inset, renderer)
    whole, title = axes.get_window_extent(renderer), inset.get_tightbbox(renderer)
    assert whole.x0 <= title.x0
    assert title.x1 <= whole.x1


def test_a_title_names_no_value_of_what_varies():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], {"x": [0, 3]}, batch_size=3), Adam("0.9", "0.99", "0.1"))
    assert field_text(field, "p") == "p: Adam, β₁ = 0.9, β₂ = 0.99, ε = 0.1, minibatches of 3 rows"
    assert field_text(field, "p", ["beta2"]) == "p: Adam, β₁ = 0.9, ε = 0.1, minibatches of 3 rows"
    assert field_text(field, "p", ["batch_size"]) == "p: Adam, β₁ = 0.9, β₂ = 0.99, ε = 0.1"
