"""Stationary points of projected fields on the border of a box, against flows, closed forms and near misses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, AdamW, Empirical, InputError, Problem
from adamsym.certify import BorderPoint, certify_border_point, certify_zero
from adamsym.dynamics import flow
from adamsym.expressions.errors import NotApplicable
from adamsym.methods import Signum

PLANE = Problem("(a - x)**2/2 + (b + x)**2 + a*b/4", ["a", "b"], Empirical({"x": [0, 0, 3]}))
LINE = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def test_a_flow_ends_where_the_point_is_certified():
    field, box = AdamField(PLANE, Adam("0.9", "0.99", "1e-3")), [[-2, 2], [0.5, 2]]
    end = flow(field, [1.5, 1.5], [0.0, 60.0], project=box).theta[-1]
    assert end[1] == 0.5
    found = certify_border_point(field, end, box)
    assert found.verdict == "certified"
    assert found.held == {1: -1}
    assert found.attracting
    assert (found.pushes[:, 1] < 0).all()
    assert found.box[0, 0] - 1e-6 <= end[0] <= found.box[0, 1] + 1e-6
    assert (found.box[1] == 0.5).all()
    # It is the zero of the problem with b put in.
    fixed = Problem("(a - x)**2/2 + (1/2 + x)**2 + a/8", ["a"], Empirical({"x": [0, 0, 3]}))
    [[low, high]] = certify_zero(AdamField(fixed, field.adam), [1.0]).zero.box
    assert max(low, found.box[0, 0]) <= min(high, found.box[0, 1])
    assert low - 1e-12 < found.box[0, 0] < high + 1e-12


@settings(max_examples=10, deadline=None)
@given(st.floats(-2, 4).filter(lambda x: abs(x - 0.9995) > 1e-3), st.booleans())
def test_an_end_of_an_interval_is_stationary_where_the_field_leads_outwards(end, upper):
    box = [[end - 1, end]] if upper else [[end, end + 1]]
    found = certify_border_point(AdamField(LINE, Adam()), [end], box)
    assert isinstance(found, BorderPoint)
    # The zero is at 0.9995: an upper end is stationary below it.
    assert (found.verdict == "certified") == (end < 0.9995 if upper else end > 0.9995)
    assert found.attracting == (found.verdict == "certified")
    assert found.face is None


def test_what_is_no_stationary_point_is_not_certified():
    field, box = AdamField(PLANE, Adam()), [[-2, 2], [-5, 0.5]]
    inwards = certify_border_point(field, [1.0, 0.5], box)
    assert inwards.verdict == "undecided"
    assert inwards.reason == "f is not proven to lead outwards in b"
    assert "no stationary point of the projected field is proven" in inwards.summary
    outside = certify_border_point(field, [0.5, 0.5], [[0.2, 0.6], [0.5, 2]])
    assert outside.reason == "the zero on the face is not inside of project in a"
    # The field's own zero at the border: neither inwards nor outwards.
    symmetric = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), Adam())
    assert certify_border_point(symmetric, [0.0], [[0, 1]]).verdict == "undecided"
    # On the face there is no zero.
    slope = AdamField(Problem("b*x + a", ["a", "b"], Empirical({"x": [1, 2]})), Adam())
    found = certify_border_point(slope, [0.3, -1.0], [[-1, 1], [-1, 1]])
    assert found.verdict == "undecided"
    assert found.face.zero is None
    assert np.isnan(found.pushes).all()


def test_corners_saddles_and_sides_of_no_length():
    field = AdamField(PLANE, AdamW("0.9", "0.99", "1e-3", "0.1"))
    corner = certify_border_point(field, [0.25, 0.5], [[-1, 0.25], [0.5, 2]])
    assert corner.summary == (
        "one stationary point of the projected field, a at its upper end, b at its lower end, attracting"
    )
    fixed = certify_border_point(field, [1.0, 0.5], [[-2, 2], [0.5, 0.5]])
    assert fixed.verdict == "certified"
    assert not fixed.attracting
    assert "b at its only end" in fixed.summary
    saddle = Problem("-(a - x)**2/2 + b", ["a", "b"], Empirical({"x": [-1, 1]}))
    found = certify_border_point(AdamField(saddle, Adam("0.5", "0.9", "0.1")), [0.1, 0.0], [[-5, 5], [0, np.inf]])
    assert found.verdict == "certified"
    assert not found.attracting


def test_rows_in_order_have_border_points_too():
    field = AdamField(PLANE.changed(sampling="cyclic"), Adam("0.5", "0.9", "0.01"))
    assert certify_border_point(field, [1.0, 0.5], [[-2, 2], [0.5, 2]]).attracting


def test_what_is_refused():
    field = AdamField(PLANE, Adam())
    for theta, box, words in (
        ([1.0, 1.0], [[-2, 2], [0.5, 2]], "no parameter lies at an end"),
        ([1.0, 0.0], [[-2, 2], [0.5, 2]], "lies outside of project"),
        ([1.0], [[-2, 2], [0.5, 2]], "give 2 finite numbers"),
        ([1.0, 0.5], [[-2, 2]], "allowed are 2 pairs"),
        ([1.0, 0.5], [[2, -2], [0.5, 2]], "allowed are 2 pairs"),
    ):
        with pytest.raises(InputError, match=words):
            certify_border_point(field, theta, box)
    with pytest.raises(NotApplicable, match="needs a Laplace form"):
        certify_border_point(AdamField(LINE, Signum("0.9")), [0.0], [[0, 1]])
