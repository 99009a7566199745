"""How cells over hyper-parameters are searched, and changes on an edge placed: what no verdict shows by itself."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from adamsym import Adam, AdamField, Empirical, Problem, certify_zeros_over
from adamsym.certify.field_function import FieldFunction
from adamsym.continuation import Axis, recorded_cells
from adamsym.continuation.cells import Answer, Asked, Question, Region, _Cell, examined
from adamsym.continuation.maps import changes
from adamsym.continuation.maps.nodes import Edge, Grid, NodeZero
from adamsym.expressions.work import budget
from adamsym.field.ball.arithmetic import ball_arithmetic

CHEAP = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.5", "0.82", "0.1"))
START = ((-5.0, 5.0),)
OVER = ((Fraction("0.1"), Fraction("0.11")),)
"""Of eps."""


def test_a_region_of_a_cell_counts_in_its_halves(monkeypatch):
    """Its zero is not sought again: no half has a box around it."""
    asked = []

    def answered(question, one):
        asked.append(one)
        if len(asked) > 1:
            return Answer((), (), (), 0, 1)
        # As if in a part of the first cell there might be zeros still.
        return replace(examined(question, one), pending=(((4.0, 5.0),),))

    monkeypatch.setattr(recorded_cells, "examined", answered)
    found = certify_zeros_over(CHEAP, {"eps": ("0.1", "0.11")}, START)
    first, *halves = asked
    assert first.regions == ()
    (region,) = found.regions
    assert [half.regions for half in halves] == [((0, region.box),)] * 2
    assert [cell.regions for cell in found.cells] == [(0,), (0,)]
    assert found.shares == {1: 1.0}


def region_in(hull, known):
    """What is proven in a box beside regions that are known."""
    question = Question(FieldFunction(CHEAP), ("eps",), START)
    asked = Asked(OVER, (), tuple(enumerate(known)))
    with ball_arithmetic(), budget(10**7):
        return _Cell(question, asked)._one_zero(np.array(hull))


@pytest.mark.parametrize("known", [[0.5, 0.97], [0.9, 1.5], [-5.0, 5.0], [0.96, 0.97]])
def test_regions_do_not_overlap(known):
    """Else one zero in both would count twice."""
    hull = [[0.8, 1.1]]
    assert isinstance(region_in(hull, []), Region)
    assert region_in(hull, [(tuple(known),)]) is None
    # Controls: side by side they share an end at most.
    for beside in ((1.1, 1.5), (-5.0, 0.8), (2.0, 3.0)):
        assert isinstance(region_in(hull, [(beside,)]), Region)


def test_places_on_an_edge_are_counted_from_its_first_end(monkeypatch):
    """One change that is seen from both ends is one; of two, each is where it is."""
    axes = (Axis("beta1", (0.5,), False), Axis("eps", (0.1, 0.5), False))
    edge = Edge(Grid(CHEAP, axes, None, 10.0), (0, 0), (0, 1))
    places = {1.0: 0.25, 2.0: 0.75}
    monkeypatch.setattr(changes, "_change", lambda way, zero: ("border of the box", places[zero.unstable], zero.theta))
    near, far = (NodeZero(np.array([1.0]), -1, unstable) for unstable in (1, 2))

    def shares(at_a, at_b):
        return [change.values for change in changes.changes_on(edge, at_a, at_b)]

    assert shares([near], []) == [edge.values(0.25)]
    assert shares([], [near]) == [edge.values(0.75)] != [edge.values(0.25)]
    assert shares([near], [far]) == [edge.values(0.25)]
    assert shares([near], [near]) == [edge.values(0.25), edge.values(0.75)]
