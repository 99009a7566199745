"""Maps are drawn as they are: each pair of values in the cell of its number, each fold where it was found."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from adamsym import InputError
from adamsym.continuation import Axis, LyapunovMap, MapChange, MapNode, NodeZero, ZeroMap
from adamsym.plots import draw_lyapunov_map, draw_map
from adamsym.plots.maps import map_figure

BETA1 = Axis("beta1", tuple(Fraction(k, 10) for k in (0, 3, 5)), False)
BETA2 = Axis("beta2", (Fraction(9, 10), Fraction(99, 100), Fraction(9999, 10000)), False)
VERDICTS = ["decreases", "increases", "no increase found", "not allowed"]


def node(unstable):
    if unstable is None:
        return MapNode("not allowed", ())
    return MapNode("counted", tuple(NodeZero(np.array([float(k)]), 1, one) for k, one in enumerate(unstable)))


def a_map(nodes, changes=()):
    return ZeroMap(("theta",), (BETA1, BETA2), tuple(tuple(row) for row in nodes), tuple(changes), {}, "")


@settings(max_examples=8)
@given(st.lists(st.none() | st.lists(st.integers(0, 2), max_size=2).map(tuple), min_size=9, max_size=9))
def test_each_pair_of_values_is_in_the_cell_of_its_number(drawn):
    found = a_map([[node(one) for one in drawn[3 * i : 3 * i + 3]] for i in range(3)])
    axes = Figure().add_subplot()
    cells = draw_map(axes, found)
    for i, beta1 in enumerate(BETA1.values):
        for j, beta2 in enumerate(BETA2.values):
            # beta1 on a plain scale, beta2 on that of log(1 - beta2).
            place = float(beta1), 1 - float(beta2)
            inside = [one.get_label() for one in cells for path in one.get_paths() if path.contains_point(place)]
            number, attracting = int(found.number[i, j]), int(found.attracting[i, j])
            words = f"{number} zero{'' if number == 1 else 's'}, {attracting} attracting"
            assert inside == ["not counted" if number < 0 else words]
    assert axes.yaxis_inverted()
    assert axes.get_yscale() == "log"
    labels = [float(text.get_text()) for text in axes.get_yticklabels()]
    assert {0.9, 0.99, 0.999, 0.9999} <= set(labels)
    assert 1 - axes.get_yticks() == pytest.approx(np.array(labels), abs=1e-12)


def test_folds_are_joined_within_a_cell_and_a_single_one_is_a_point():
    nodes = [[node((0, 1)) if i + j < 2 else node(()) for j in range(3)] for i in range(3)]
    folds = [
        MapChange("fold", (0.35, 0.9), np.array([1.0]), ((1, 0), (2, 0))),
        MapChange("fold", (0.3, 0.95), np.array([1.0]), ((1, 0), (1, 1))),
        MapChange("fold", (0.0, 0.999), np.array([1.0]), ((0, 1), (0, 2))),
    ]
    axes = Figure().add_subplot()
    draw_map(axes, a_map(nodes, folds))
    (lines,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    (segment,) = lines.get_segments()
    assert sorted(map(tuple, segment.tolist())) == [pytest.approx((0.3, 0.05)), pytest.approx((0.35, 0.1))]
    (point,) = axes.lines
    assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((0.0, 0.001))
    figure = map_figure(a_map(nodes, folds), "a $law$")
    assert figure.axes[0].get_title() == "a $law$: zeros, followed by number"


@settings(max_examples=5)
@given(
    st.lists(st.sampled_from(["decreases", "increases", "no increase found", "not allowed"]), min_size=9, max_size=9)
)
def test_each_verdict_is_in_its_cell(drawn):
    verdicts = tuple(tuple(drawn[3 * i : 3 * i + 3]) for i in range(3))
    border = (((0.1, 0.9), ((0, 0), (1, 0))), ((0.0, 0.95), ((0, 0), (0, 1))))
    theorem = ((0.0, 0.99), (0.5, 0.99))
    found = LyapunovMap((BETA1, BETA2), np.eye(2), verdicts, np.zeros((3, 3)), np.zeros((3, 3, 2)), border, theorem)
    axes = Figure().add_subplot()
    cells = draw_lyapunov_map(axes, found)
    for i, beta1 in enumerate(BETA1.values):
        for j, beta2 in enumerate(BETA2.values):
            place = float(beta1), 1 - float(beta2)
            (label,) = [one.get_label() for one in cells for path in one.get_paths() if path.contains_point(place)]
            assert label.startswith(verdicts[i][j].replace("not allowed", "values not allowed"))
    (line,) = axes.lines
    assert line.get_ydata() == pytest.approx([0.01, 0.01])
    (lines,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    assert len(lines.get_segments()) == 1


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="one value"):
        draw_map(
            Figure().add_subplot(),
            ZeroMap(("theta",), (BETA1, Axis("eps", (Fraction(1),), False)), ((node(()),),) * 3, (), {}, ""),
        )
