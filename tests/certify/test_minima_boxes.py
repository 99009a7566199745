"""Searches of boxes with manifolds of minima: what is left holds no other zeros, and what is not proven is not said."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import certificate, check_certificate, find_zeros
from adamsym.certify.outcomes import InSet
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, RMSprop

QUICK = Adam("0.5", "0.9", "0.1")
METHODS = [QUICK, Adam("0.9", "0.99", "1e-3"), RMSprop("0.9", "0.1"), AdamEpsInsideRoot("0.5", "0.9", "0.01")]


def of(loss, data, names="ab", method=QUICK, batch=1):
    return AdamField(Problem(loss, list(names), Empirical(data), batch_size=batch), method)


PRODUCT = of("(a*b*x - y)**2/2", {"x": [1, 2, "-1/2"], "y": [1, 2, "-1/2"]})


def written(found):
    return json.loads(json.dumps(certificate(found), allow_nan=False))


def holder(found, point):
    """What is said of the boxes that hold a point."""
    return [outcome for box, outcome in found.leaves if all(a <= x <= b for x, (a, b) in zip(point, box, strict=True))]


def test_the_whole_hyperbola_and_the_saddle_between_its_branches():
    """All zeros on [-2, 2]^2: two curves and a saddle, where the search went on to its smallest boxes before."""
    found = find_zeros(PRODUCT, [[-2, 2], [-2, 2]])
    assert found.complete
    assert found.summary == "certified: exactly 1 zero and 2 sets of minima of dimension 1 in the box"
    [zero] = found.zeros
    assert zero.point == (0, 0)
    assert zero.stability == "saddle"
    assert [one.holds_minimum for one in found.sets] == [True, True]
    assert {np.sign(one.center[0]) for one in found.sets} == {-1, 1}
    for a in (-1.9, -0.6, 0.51, 1.0, 1.7):
        assert all(isinstance(outcome, InSet) for outcome in holder(found, (a, 1 / a)))
    content = written(found)
    assert check_certificate(content).valid
    assert [one["dimension"] for one in found.to_dict()["sets"]] == [1, 1]


@given(
    st.sampled_from(["(a*x + b - y)**2/2", "(a*b*x - y)**2/2", "(1 + x**2)*(a + x*tanh(b) - y)**2"]),
    st.integers(-15, 15).filter(bool),
    st.integers(-15, 15),
    st.sampled_from(METHODS),
    st.integers(1, 2),
)
@settings(max_examples=4)
def test_what_is_said_of_drawn_curves_holds(loss, x, y, method, batch):
    """The curve is covered by leaves of sets or undecided ones; in the leaves of sets f is 0 on it alone."""
    field = of(loss, {"x": [x / 10] * 2, "y": [y / 10] * 2}, method=method, batch=batch)
    found = find_zeros(field, [[-1, 1.1], [-1.2, 1]], budget=40)
    draws = np.random.default_rng(0)
    for box, outcome in found.leaves:
        sides = np.array(box)
        for theta in sides[:, 0] + draws.uniform(0, 1, (3, 2)) * np.ptp(sides, axis=1):
            if outcome.by == "minima" and field.problem.mean_loss(theta) > 1e-9:
                assert (field.problem.gradient(theta) * field(theta) < 0).any()
    for one in found.sets:
        assert one.dimension == 1
        if one.holds_minimum:
            assert field.problem.mean_loss(one.center) < 1e-24
            assert all(low <= c <= high for c, (low, high) in zip(one.center, one.box.tolist(), strict=True))
    assert check_certificate(written(found)).valid


@pytest.mark.parametrize(
    "field",
    [
        of("(a*b*x - y)**2/2", {"x": [1, 2], "y": [1, "2.001"]}),
        pytest.param(
            of("(a*b*x - y)**2/2", {"x": [1, 2], "y": [1, 2]}, method=AdamW("0.5", "0.9", "0.1", "0.1")),
            marks=pytest.mark.slow,
        ),
        of("(a*b*x - y)**4/4", {"x": [1, 2], "y": [1, 2]}),
        pytest.param(of("(a*b*x - y)**2/2 + 0*a + (a*b - 1)**2", {"x": [1, 2], "y": [1, 2]}), marks=pytest.mark.slow),
    ],
    ids=["rows that cannot be fitted", "weight decay", "residuals without gradients", "no square"],
)
def test_no_set_is_invented(field):
    found = find_zeros(field, [[0.5, 2], [0.5, 2]], budget=25)
    assert found.sets == ()
    assert not found.complete
    assert not any(outcome.by == "minima" for _, outcome in found.leaves)


def changed(content, change):
    other = json.loads(json.dumps(content))
    change(other)
    return check_certificate(other, digest=False)


def test_false_sets_are_refused():
    """A leaf that holds the saddle too, a point that is none, another dimension, rows that span nothing."""
    content = written(find_zeros(PRODUCT, [[0.5, 2], [0.5, 2]]))
    [leaf] = content["leaves"]
    assert (leaf["by"], leaf["set"]) == ("minima", 0)
    assert changed(content, lambda c: None).valid
    assert changed(content, lambda c: c["sets"][0].update(point=None)).valid

    def wider(c):
        c["box"] = c["leaves"][0]["box"] = [[-0.1, 2], [-0.1, 2]]

    false = [
        wider,
        lambda c: c["sets"][0].update(dimension=2),
        lambda c: c["sets"][0].update(rows=[0, 1], dimension=1),
        lambda c: c["sets"][0]["point"].update(center=[1.1, 1.0]),
        lambda c: c["sets"][0]["point"].update(center=[3.0, 1 / 3]),
        lambda c: c["sets"].append(c["sets"][0]),
        lambda c: c["leaves"][0].update(set=1),
        lambda c: c["leaves"][0].update(inverse=[[0.0], [0.0]]),
        lambda c: c["leaves"][0].update(inverse=[[1.0]]),
        lambda c: c["leaves"][0].update(set=None),
        lambda c: c.update(complete=False),
        lambda c: c["problem"]["columns"].update(y=["1", "2", "1/2"]),
        lambda c: c["problem"].update(loss="(a*b*x - y)**4/4"),
    ]
    for change in false:
        assert not changed(content, change).valid


def test_three_parameters_and_two_rows():
    field = of("(a*x + b*y + c - z)**2/2", {"x": [1, 0], "y": [0, 1], "z": [1, -1]}, "abc")
    found = find_zeros(field, [[-1, 2], [-2, 1], [-1, 1]])
    assert found.complete
    [one] = found.sets
    assert (one.dimension, one.rows) == (1, (0, 1))
    assert check_certificate(written(found), slow=True).valid
