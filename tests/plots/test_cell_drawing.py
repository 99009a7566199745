"""Certified cells are drawn where they are, in the colour of their kind; undecided ones hatched."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from adamsym import Adam, AdamField, Empirical, Problem
from adamsym.continuation import Axis, Cell, Region, ZerosOver
from adamsym.plots import draw_cells_over
from adamsym.plots.cells import cells_figure

FIELD = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
BETA1 = Axis("beta1", (Fraction(1, 10), Fraction(1, 2)), True)
BETA2 = Axis("beta2", (Fraction(9, 10), Fraction(9999, 10000)), True)
BOX = np.array([[-5.0, 5.0]])


def found_over(axes, cells):
    """Cells of which each has so many zeros at 0, 1, ..., the first attracting and the others not; None: undecided."""
    regions, named = [], []
    for over, number in cells:
        first = len(regions)
        for k in range(number or 0):
            stability = "repelling" if k else "attracting"
            regions.append(Region(over, ((k - 0.1, k + 0.1),), ((1.0,),), stability, ((1.0,),)))
        named.append(Cell(over, None if number is None else tuple(range(first, len(regions)))))
    return ZerosOver(FIELD, axes, BOX, tuple(named), tuple(regions), (), 0)


def halves(axis):
    low, high = axis.values
    return (low, (low + high) / 2), ((low + high) / 2, high)


def label_of(number):
    if number is None:
        return "undecided"
    return f"{number} zero{'' if number == 1 else 's'}, {min(number, 1)} attracting"


@settings(max_examples=8)
@given(st.lists(st.none() | st.integers(0, 3), min_size=4, max_size=4))
def test_each_cell_is_drawn_as_it_is(numbers):
    overs = [(one, two) for one in halves(BETA1) for two in halves(BETA2)]
    axes = Figure().add_subplot()
    drawn = draw_cells_over(axes, found_over((BETA1, BETA2), list(zip(overs, numbers, strict=True))))
    for over, number in zip(overs, numbers, strict=True):
        # beta1 on a plain scale, beta2 on that of log(1 - beta2).
        place = float(sum(over[0]) / 2), 1 - float(sum(over[1]) / 2)
        inside = [one.get_label() for one in drawn for path in one.get_paths() if path.contains_point(place)]
        assert inside == [label_of(number)]
    assert axes.get_xlim() == (0.1, 0.5)
    assert axes.yaxis_inverted()
    assert all((one.get_hatch() == "////") == (one.get_label() == "undecided") for one in drawn)


def test_over_one_parameter_boxes_of_zeros_are_drawn():
    low, high = halves(BETA1)
    found = found_over((BETA1,), [((low,), 2), ((high,), None)])
    axes = Figure().add_subplot()
    drawn = {one.get_label(): one for one in draw_cells_over(axes, found)}
    assert set(drawn) == {"exactly one zero, attracting", "exactly one zero, repelling", "undecided"}
    (path,) = drawn["exactly one zero, repelling"].get_paths()
    assert path.contains_point((0.2, 1.0))
    assert not path.contains_point((0.2, 0.0))
    (path,) = drawn["undecided"].get_paths()
    assert path.contains_point((0.4, -4.0))
    assert cells_figure(found, "a law").axes[0].get_title() == "a law: all zeros, certified"
